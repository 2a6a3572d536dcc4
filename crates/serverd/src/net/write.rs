//! From results to bytes.

use std::io::{self, Write};
use std::net::{IpAddr, Shutdown};

use waxwing_server::{ConnId, Piece};
use waxwing_wire::Reject;

use super::conn::Stage;
use super::draft::{self, Draft};
use super::round::IoThread;
use super::websocket;
use crate::limits::{LINGER, LINK_TIMEOUT, MAX_UNSENT_BYTES, MAX_UNSENT_BYTES_IN_ALL, MODEST_UNSENT_BYTES};
use crate::message::{Job, Outcome, place_of};

impl IoThread {
    /// Carries out results: one frame, or as few as possible, and one write for each connection. Returns
    /// the goodbye when it is time to end.
    pub(super) fn deliver(&mut self, outcomes: &mut Vec<Outcome>) -> Option<Reject> {
        let mut goodbye = None;
        // Stable: what is for one connection keeps its order.
        outcomes.sort_by_key(Outcome::conn);
        let mut outcomes = outcomes.drain(..).peekable();
        while let Some(outcome) = outcomes.next() {
            match outcome {
                Outcome::Accepted(stream, ip) => self.adopt(stream, ip),
                Outcome::Shutdown(reject) => goodbye = Some(reject),
                first => {
                    let Some(id) = first.conn() else { continue };
                    let rest = std::iter::from_fn(|| outcomes.next_if(|next| next.conn() == Some(id)));
                    self.deliver_to(place_of(id), id, std::iter::once(first).chain(rest));
                }
            }
        }
        goodbye
    }

    fn deliver_to(&mut self, place: usize, id: ConnId, outcomes: impl Iterator<Item = Outcome>) {
        let mut draft = std::mem::take(&mut self.draft);
        let mut sealed = std::mem::take(&mut self.sealed);
        let mut frames = 0;
        let mut closes = false;
        let mut worn_out = false;
        for outcome in outcomes {
            let Some(conn) = self.table.get(place).filter(|conn| conn.id == id) else { continue };
            let Stage::Open(transport) = &mut conn.stage else { continue };
            let mut send = |plaintext: &[u8]| {
                frames += 1;
                worn_out |= transport.seal(plaintext, &mut sealed).is_err();
            };
            match outcome {
                Outcome::Piece(_, piece) if piece.is_light() && conn.unsent.is_some() => {
                    // Nobody's messages wait behind it.
                    self.shared.stats.light_dropped.add(1);
                }
                Outcome::Piece(_, piece) => draft.piece(piece, &mut send),
                Outcome::Entries(_, entries) => {
                    for (seq, item) in &entries {
                        draft.entry(*seq, item, &mut send);
                    }
                }
                Outcome::Attached(_) => {
                    if let Some(guest) = conn.guest.take() {
                        self.forget_guest(guest.ip, false);
                    }
                }
                Outcome::Awaits(_) => {
                    let until = self.now + LINK_TIMEOUT;
                    if let Some(guest) = &mut conn.guest {
                        guest.waits_until = Some(until);
                        self.waiting.push_back((until, id));
                    }
                }
                Outcome::Close(_) => closes = true,
                Outcome::Accepted(..) | Outcome::Shutdown(_) => {}
            }
        }
        if let Some(conn) = self.table.get(place).filter(|conn| conn.id == id) {
            if let Stage::Open(transport) = &mut conn.stage {
                draft.finish(&mut |plaintext: &[u8]| {
                    frames += 1;
                    worn_out |= transport.seal(plaintext, &mut sealed).is_err();
                });
            }
            if !sealed.is_empty() {
                self.write_stream(place, &sealed);
            }
            if worn_out {
                self.close(place);
            } else if closes {
                self.linger(place);
            }
        }
        self.shared.stats.frames_out.add(frames);
        sealed.clear();
        self.sealed = sealed;
        self.draft = draft;
    }

    /// Seals and writes one frame.
    pub(super) fn write_frame(&mut self, place: usize, plaintext: &[u8]) {
        let conn = self.table.get(place);
        let Some(Stage::Open(transport)) = conn.map(|conn| &mut conn.stage) else { return };
        let mut sealed = std::mem::take(&mut self.sealed);
        let worn_out = transport.seal(plaintext, &mut sealed).is_err();
        self.shared.stats.frames_out.add(1);
        self.write_stream(place, &sealed);
        if worn_out {
            self.close(place);
        }
        sealed.clear();
        self.sealed = sealed;
    }

    /// Writes a frame of one piece.
    pub(super) fn write_piece(&mut self, place: usize, piece: Piece) {
        let mut frames = Vec::new();
        let mut draft = Draft::default();
        let mut send = |plaintext: &[u8]| frames.push(plaintext.to_vec());
        draft.piece(piece, &mut send);
        draft.finish(&mut send);
        for plaintext in frames {
            self.write_frame(place, &plaintext);
        }
    }

    /// Writes bytes of the stream.
    pub(super) fn write_stream(&mut self, place: usize, bytes: &[u8]) {
        if self.table.get(place).is_some_and(|conn| conn.websocket.is_some()) && !bytes.is_empty() {
            let mut message = websocket::binary_head(bytes.len());
            message.extend_from_slice(bytes);
            self.write(place, &message);
        } else {
            self.write(place, bytes);
        }
    }

    /// Writes bytes to the socket, and keeps what the kernel does not take.
    pub(super) fn write(&mut self, place: usize, mut bytes: &[u8]) {
        let Some(conn) = self.table.get(place) else { return };
        let mut broken = false;
        while !bytes.is_empty() && conn.unsent.is_none() {
            self.shared.stats.socket_writes.add(1);
            match conn.socket.write(bytes) {
                Ok(count) => {
                    self.shared.stats.bytes_out.add(count as u64);
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => conn.unsent = Some(Box::default()),
                Err(_) => {
                    broken = true;
                    break;
                }
            }
        }
        if let Some(unsent) = conn.unsent.as_mut().filter(|_| !bytes.is_empty()) {
            unsent.bytes.extend_from_slice(bytes);
            self.unsent_bytes += bytes.len();
            let owed = unsent.rest().len();
            let crowded = self.unsent_bytes > MAX_UNSENT_BYTES_IN_ALL / self.shared.ports.len();
            if owed > MAX_UNSENT_BYTES || (crowded && owed > MODEST_UNSENT_BYTES) {
                self.shared.stats.slow_closed.add(1);
                broken = true;
            }
        }
        if broken {
            self.close(place);
        }
    }

    /// The kernel takes more.
    pub(super) fn writable(&mut self, place: usize) {
        let Some(conn) = self.table.get(place) else { return };
        let Some(unsent) = &mut conn.unsent else { return };
        while !unsent.rest().is_empty() {
            self.shared.stats.socket_writes.add(1);
            match conn.socket.write(unsent.rest()) {
                Ok(count) => {
                    self.shared.stats.bytes_out.add(count as u64);
                    self.unsent_bytes -= count;
                    unsent.sent += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    unsent.bytes.drain(..unsent.sent);
                    unsent.sent = 0;
                    return;
                }
                Err(_) => return self.close(place),
            }
        }
        conn.unsent = None;
        if matches!(conn.stage, Stage::Closing) {
            let _ = conn.socket.shutdown(Shutdown::Write);
        }
    }

    /// Says why a connection ends, and ends it.
    pub(super) fn say_goodbye(&mut self, place: usize, reject: &Reject) {
        match self.table.get(place).map(|conn| &conn.stage) {
            Some(Stage::Open(_)) => {
                self.write_frame(place, &draft::goodbye(reject));
                self.linger(place);
            }
            Some(Stage::Closing) | None => {}
            Some(_) => self.close(place),
        }
    }

    /// Closes a connection when the peer has had a moment to read what was said last: a socket that is
    /// closed while something unread stands in it takes back what was not delivered.
    pub(super) fn linger(&mut self, place: usize) {
        let deadline = self.now + LINGER;
        let Some(conn) = self.table.get(place) else { return };
        if matches!(conn.stage, Stage::Closing) {
            return;
        }
        conn.stage = Stage::Closing;
        conn.partial = None;
        if conn.unsent.is_none() {
            let _ = conn.socket.shutdown(Shutdown::Write);
        }
        let (id, known) = (conn.id, std::mem::take(&mut conn.known));
        let guest = conn.guest.take();
        self.lingering.push_back((deadline, id));
        if known {
            self.jobs.push(Job::Closed(id));
        }
        if let Some(guest) = guest {
            self.forget_guest(guest.ip, false);
        }
    }

    /// Closes a connection now.
    pub(super) fn close(&mut self, place: usize) {
        let Some(conn) = self.table.remove(place) else { return };
        self.unsent_bytes -= conn.unsent.map_or(0, |unsent| unsent.rest().len());
        if conn.known {
            self.jobs.push(Job::Closed(conn.id));
        }
        match conn.guest {
            Some(guest) => self.forget_guest(guest.ip, true),
            None => self.shared.stats.connections.sub(1),
        }
    }

    /// A connection is not a guest any more.
    pub(super) fn forget_guest(&self, ip: IpAddr, closed: bool) {
        self.shared.admission.leave(ip);
        self.shared.stats.guests.sub(1);
        if closed {
            self.shared.stats.connections.sub(1);
        }
    }

    /// All was said to the connection.
    pub(super) fn is_closing(&mut self, place: usize) -> bool {
        self.table.get(place).is_some_and(|conn| matches!(conn.stage, Stage::Closing))
    }
}
