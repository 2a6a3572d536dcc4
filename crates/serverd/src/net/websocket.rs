//! RFC 6455 framing around the byte stream, server side.
//!
//! The payloads of binary messages, one after the other, are the same stream that TCP carries; where a
//! message begins and ends means nothing. So there is nothing to buffer: payload is unmasked where it was
//! read, and an idle connection keeps 48 bytes.

use crate::limits::MAX_WEBSOCKET_FRAME_BYTES;

/// Longest head of a frame: two bytes, eight of length, four of mask.
const MAX_HEAD_BYTES: usize = 14;
/// Longest payload of a control frame (section 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

const CONTINUATION: u8 = 0;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FINAL: u8 = 0x80;

/// The peer does not speak WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

/// What the peer wants besides its stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Control {
    /// To be echoed.
    Ping(Vec<u8>),
    /// The stream ends.
    Close,
}

/// Where reading stands.
#[derive(Debug, Default)]
pub struct Inbound {
    head: [u8; MAX_HEAD_BYTES],
    head_bytes: u8,
    mask: [u8; 4],
    /// Payload of the frame that is still to come.
    left: u64,
    opcode: u8,
    /// A message was begun and not ended.
    in_message: bool,
    /// Payload of a control frame so far.
    control: Vec<u8>,
}

impl Inbound {
    /// Takes what was read and leaves the stream's bytes at the start of `bytes`; returns how many.
    ///
    /// # Errors
    /// [`Broken`]; the connection is then to be closed.
    pub fn decode(&mut self, bytes: &mut [u8], controls: &mut Vec<Control>) -> Result<usize, Broken> {
        let mut read = 0;
        let mut written = 0;
        while read < bytes.len() {
            if self.left == 0 {
                let byte = bytes.get(read).copied().unwrap_or_default();
                read += 1;
                self.take_head(byte, controls)?;
                continue;
            }
            let available = bytes.len() - read;
            let count = usize::try_from(self.left).map_or(available, |left| left.min(available));
            let payload = bytes.get_mut(read..read + count).unwrap_or_default();
            for (byte, mask) in payload.iter_mut().zip(self.mask.iter().cycle()) {
                *byte ^= mask;
            }
            self.mask.rotate_left(count % 4);
            self.left -= count as u64;
            if self.opcode >= CLOSE {
                self.control.extend_from_slice(payload);
                self.end_control(controls);
            } else {
                bytes.copy_within(read..read + count, written);
                written += count;
            }
            read += count;
        }
        Ok(written)
    }

    fn take_head(&mut self, byte: u8, controls: &mut Vec<Control>) -> Result<(), Broken> {
        let place = self.head.get_mut(usize::from(self.head_bytes)).ok_or(Broken)?;
        *place = byte;
        self.head_bytes += 1;
        let [first, second, ..] = self.head;
        if self.head_bytes < 2 {
            return Ok(());
        }
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if usize::from(self.head_bytes) < 2 + length_bytes + 4 {
            // A client must mask (section 5.1), and no extension was agreed on.
            return if second & 0x80 == 0 || first & 0x70 != 0 { Err(Broken) } else { Ok(()) };
        }
        let rest = self.head.get(2..).unwrap_or_default();
        let (length, rest) = rest.split_at_checked(length_bytes).ok_or(Broken)?;
        let long = length.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.left = if length_bytes == 0 { u64::from(second & 0x7f) } else { long };
        self.mask = rest.first_chunk().copied().ok_or(Broken)?;
        self.head_bytes = 0;
        self.opcode = first & 0x0f;
        self.begin_frame(first & FINAL != 0, controls)
    }

    fn begin_frame(&mut self, is_final: bool, controls: &mut Vec<Control>) -> Result<(), Broken> {
        match self.opcode {
            BINARY if !self.in_message => self.in_message = !is_final,
            CONTINUATION if self.in_message => self.in_message = !is_final,
            CLOSE | PING | PONG if is_final && self.left <= MAX_CONTROL_BYTES => self.end_control(controls),
            _ => return Err(Broken),
        }
        if self.left > MAX_WEBSOCKET_FRAME_BYTES { Err(Broken) } else { Ok(()) }
    }

    fn end_control(&mut self, controls: &mut Vec<Control>) {
        if self.left > 0 {
            return;
        }
        let payload = std::mem::take(&mut self.control);
        match self.opcode {
            PING => controls.push(Control::Ping(payload)),
            CLOSE => controls.push(Control::Close),
            _ => {}
        }
    }
}

/// The head of one binary message that carries `length` bytes of the stream.
#[must_use]
pub fn binary_head(length: usize) -> Vec<u8> {
    head(BINARY, length)
}

/// The answer to a ping.
#[must_use]
pub fn pong(payload: &[u8]) -> Vec<u8> {
    let mut frame = head(PONG, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// The end of the stream.
#[must_use]
pub fn close() -> Vec<u8> {
    // Status 1000: done.
    let mut frame = head(CLOSE, 2);
    frame.extend_from_slice(&1_000u16.to_be_bytes());
    frame
}

fn head(opcode: u8, length: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(MAX_HEAD_BYTES);
    head.push(FINAL | opcode);
    match length {
        0..=125 => head.push(length as u8),
        126..=0xffff => {
            head.push(126);
            head.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    head
}

#[cfg(test)]
mod tests;
