//! The connections of a thread.

use super::conn::Conn;

/// Connections in one piece of the table. The table grows by pieces, so that growing neither copies what is
/// there nor needs twice its memory for a moment.
const PIECE: usize = 512;
/// Places that a connection's number can name.
const MAX_PLACES: usize = 1 << 24;

/// A slab: places are used again, the lowest free memory first.
#[derive(Default)]
pub struct Table {
    pieces: Vec<Box<[Option<Conn>]>>,
    free: Vec<u32>,
    len: usize,
}

impl Table {
    /// Puts in the connection that `make` gives for a place. `None`: the table is full.
    pub fn insert(&mut self, make: impl FnOnce(usize) -> Conn) -> Option<usize> {
        if self.free.is_empty() {
            let from = self.places();
            if from >= MAX_PLACES {
                return None;
            }
            self.pieces.push((0..PIECE).map(|_| None).collect());
            self.free.extend((from..from + PIECE).rev().map(|place| place as u32));
        }
        let place = self.free.pop()? as usize;
        *self.pieces.get_mut(place / PIECE)?.get_mut(place % PIECE)? = Some(make(place));
        self.len += 1;
        Some(place)
    }

    /// The connection in a place.
    pub fn get(&mut self, place: usize) -> Option<&mut Conn> {
        self.pieces.get_mut(place / PIECE)?.get_mut(place % PIECE)?.as_mut()
    }

    /// Takes the connection out of a place.
    pub fn remove(&mut self, place: usize) -> Option<Conn> {
        let conn = self.pieces.get_mut(place / PIECE)?.get_mut(place % PIECE)?.take()?;
        self.free.push(place as u32);
        self.len -= 1;
        Some(conn)
    }

    /// Connections.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Places, free or not.
    pub fn places(&self) -> usize {
        self.pieces.len() * PIECE
    }
}
