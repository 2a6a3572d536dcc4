//! Frames to a client, put together from what is ready for it.

use bytes::Bytes;
use waxwing_server::Piece;
use waxwing_wire::limits::{
    DELIVERY_WINDOW_ENTRIES, MAX_LIGHTS_PER_FRAME, MAX_PLAINTEXT_BYTES, MAX_REQUESTS_PER_FRAME,
    MAX_SENDS_IN_FLIGHT,
};
use waxwing_wire::server_frame::{ServerFrame, entry_bytes_bound, put_entry};
use waxwing_wire::{MessageId, Reject};

/// What the list of accepted messages costs beside 8 bytes for each.
const ACCEPTED_HEAD_BYTES: usize = 8;

/// A frame under construction. Protobuf messages are concatenated by concatenating their bytes, so each
/// piece is encoded when it comes; only acknowledgements are gathered, for a list of them is packed.
#[derive(Default)]
pub struct Draft {
    plaintext: Vec<u8>,
    accepted: Vec<MessageId>,
    entries: usize,
    refused: usize,
    responses: usize,
    lights: usize,
    last_seq: Option<u64>,
}

impl Draft {
    /// Adds a mailbox entry. `send` takes a frame that is full.
    pub fn entry(&mut self, seq: u64, item: &Bytes, send: &mut impl FnMut(&[u8])) {
        if self.entries >= DELIVERY_WINDOW_ENTRIES || !self.fits(entry_bytes_bound(item.len())) {
            self.finish(send);
        }
        let follows = self.last_seq.is_some_and(|last| last.checked_add(1) == Some(seq));
        put_entry(&mut self.plaintext, seq, follows, item);
        self.last_seq = Some(seq);
        self.entries += 1;
    }

    /// Adds a piece. `send` takes a frame that is full.
    pub fn piece(&mut self, piece: Piece, send: &mut impl FnMut(&[u8])) {
        let mut frame = ServerFrame::default();
        match piece {
            Piece::Accepted(id) => {
                if self.accepted.len() >= MAX_SENDS_IN_FLIGHT || !self.fits(8) {
                    self.finish(send);
                }
                self.accepted.push(id);
                return;
            }
            Piece::Welcome(welcome) => frame.welcome = Some(welcome),
            Piece::Refused(refused) => {
                frame.refused.push(refused);
                self.refused += 1;
            }
            Piece::Response(response) => {
                frame.responses.push(response);
                self.responses += 1;
            }
            Piece::Goodbye(reject) => frame.goodbye = Some(reject),
            Piece::Light(event) => {
                frame.lights.push(event);
                self.lights += 1;
            }
            Piece::Presence(presence) => {
                frame.presences.push(presence);
                self.lights += 1;
            }
        }
        let encoded = frame.encode();
        let crowded = self.refused > MAX_SENDS_IN_FLIGHT
            || self.responses > MAX_REQUESTS_PER_FRAME
            || self.lights > MAX_LIGHTS_PER_FRAME;
        if crowded || !self.fits(encoded.len()) {
            let (refused, responses) = (frame.refused.len(), frame.responses.len());
            let lights = frame.lights.len() + frame.presences.len();
            self.finish(send);
            (self.refused, self.responses, self.lights) = (refused, responses, lights);
        }
        self.plaintext.extend_from_slice(&encoded);
    }

    /// Gives what is there to `send` and begins anew.
    pub fn finish(&mut self, send: &mut impl FnMut(&[u8])) {
        if !self.accepted.is_empty() {
            let accepted = std::mem::take(&mut self.accepted);
            let mut frame = ServerFrame { accepted, ..ServerFrame::default() };
            self.plaintext.extend_from_slice(&frame.encode());
            frame.accepted.clear();
            self.accepted = frame.accepted;
        }
        if !self.plaintext.is_empty() {
            send(&self.plaintext);
        }
        self.plaintext.clear();
        (self.entries, self.refused, self.responses, self.lights) = (0, 0, 0, 0);
        self.last_seq = None;
    }

    fn fits(&self, more: usize) -> bool {
        let accepted = ACCEPTED_HEAD_BYTES + 8 * self.accepted.len();
        self.plaintext.len() + accepted + more <= MAX_PLAINTEXT_BYTES
    }
}

/// A frame that echoes a ping.
#[must_use]
pub fn pong(nonce: u32) -> Vec<u8> {
    ServerFrame { pong: Some(nonce), ..ServerFrame::default() }.encode()
}

/// A frame that ends a connection.
#[must_use]
pub fn goodbye(reject: &Reject) -> Vec<u8> {
    ServerFrame { goodbye: Some(reject.clone()), ..ServerFrame::default() }.encode()
}

#[cfg(test)]
mod tests;
