//! What a node is about to say on a connection, and how it is cut into frames.

use waxwing_server::Piece;
use waxwing_wire::Bytes;
use waxwing_wire::limits::{
    DELIVERY_WINDOW_ENTRIES, MAX_LIGHTS_PER_FRAME, MAX_PLAINTEXT_BYTES, MAX_REQUESTS_PER_FRAME,
    MAX_SENDS_IN_FLIGHT,
};
use waxwing_wire::server_frame::{ServerFrame, entry_bytes_bound, put_entry};

/// Collected until the group's effects are carried out.
#[derive(Default)]
pub struct Outgoing {
    entries: Vec<(u64, Bytes)>,
    rest: ServerFrame,
    /// Nothing may be said any more.
    pub close: bool,
}

impl Outgoing {
    /// Adds a part.
    pub fn put(&mut self, piece: Piece) {
        match piece {
            Piece::Welcome(welcome) => self.rest.welcome = Some(welcome),
            Piece::Accepted(id) => self.rest.accepted.push(id),
            Piece::Refused(refused) => self.rest.refused.push(refused),
            Piece::Response(response) => self.rest.responses.push(response),
            Piece::Goodbye(reject) => self.rest.goodbye = Some(reject),
            Piece::Light(event) => self.rest.lights.push(event),
            Piece::Presence(presence) => self.rest.presences.push(presence),
        }
    }

    /// Adds mailbox entries.
    pub fn deliver(&mut self, entries: Vec<(u64, Bytes)>) {
        self.entries.extend(entries);
    }

    /// Adds the answer to a ping.
    pub fn pong(&mut self, nonce: u32) {
        self.rest.pong = Some(nonce);
    }

    /// Nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rest == ServerFrame::default() && !self.close
    }

    /// The plaintexts of the frames that say it all.
    pub fn frames(&mut self) -> Vec<Vec<u8>> {
        let mut rest = std::mem::take(&mut self.rest);
        let goodbye = rest.goodbye.take();
        let mut frames = Vec::new();
        while rest != ServerFrame::default() {
            let mut part = ServerFrame { welcome: rest.welcome.take(), ..ServerFrame::default() };
            part.pong = rest.pong.take();
            let count = rest.accepted.len().min(MAX_SENDS_IN_FLIGHT);
            part.accepted = rest.accepted.drain(..count).collect();
            let count = rest.refused.len().min(MAX_SENDS_IN_FLIGHT / 4);
            part.refused = rest.refused.drain(..count).collect();
            let count = rest.responses.len().min(MAX_REQUESTS_PER_FRAME);
            part.responses = rest.responses.drain(..count).collect();
            let count = rest.lights.len().min(MAX_LIGHTS_PER_FRAME);
            part.lights = rest.lights.drain(..count).collect();
            let count = rest.presences.len().min(MAX_LIGHTS_PER_FRAME);
            part.presences = rest.presences.drain(..count).collect();
            frames.push(part.encode());
        }
        self.put_entries(&mut frames);
        if let Some(goodbye) = goodbye {
            frames.push(ServerFrame { goodbye: Some(goodbye), ..ServerFrame::default() }.encode());
        }
        frames
    }

    /// Entries go into the last frame as far as they fit, and into more.
    fn put_entries(&mut self, frames: &mut Vec<Vec<u8>>) {
        let mut frame = frames.pop().unwrap_or_default();
        let (mut count, mut previous) = (0, None);
        for (seq, item) in self.entries.drain(..) {
            let full = frame.len() + entry_bytes_bound(item.len()) > MAX_PLAINTEXT_BYTES;
            if full || count == DELIVERY_WINDOW_ENTRIES {
                frames.push(std::mem::take(&mut frame));
                (count, previous) = (0, None);
            }
            let follows = previous.is_some_and(|previous: u64| previous + 1 == seq);
            put_entry(&mut frame, seq, follows, &item);
            previous = Some(seq);
            count += 1;
        }
        if !frame.is_empty() {
            frames.push(frame);
        }
    }
}
