//! The encrypted stream after the handshake: two keys and two counters, nothing else.
//!
//! AES-256-GCM as in the Noise specification (section 12, `AESGCM`): a nonce of 32 zero bits and the
//! 64-bit big-endian counter, no associated data. The key schedule is made anew for each frame, which
//! costs about 0.1 µs with hardware AES and keeps an idle connection at 80 bytes instead of 1 KB.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Malformed;
use crate::frame;
use crate::limits::MAX_PLAINTEXT_BYTES;

/// Bytes that encryption adds to a frame, its length prefix not counted.
pub const TAG_BYTES: usize = 16;

/// Frames after which a direction is closed; far below the 2^32 that AES-GCM with counters would bear.
const MAX_FRAMES: u64 = 1 << 31;

#[derive(Zeroize, ZeroizeOnDrop)]
struct Direction {
    key: [u8; 32],
    counter: u64,
}

impl Direction {
    fn next(&mut self) -> Result<(Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>), Malformed> {
        if self.counter >= MAX_FRAMES {
            return Err(Malformed::new("connection: worn out or broken, connect anew"));
        }
        let mut nonce = [0u8; 12];
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter += 1;
        Ok((Aes256Gcm::new(&self.key.into()), nonce.into()))
    }
}

/// Both directions of one connection. Holds keys: no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Transport {
    send: Direction,
    receive: Direction,
}

impl Transport {
    pub(crate) fn new(send_key: &[u8; 32], receive_key: &[u8; 32]) -> Self {
        Self {
            send: Direction { key: *send_key, counter: 0 },
            receive: Direction { key: *receive_key, counter: 0 },
        }
    }

    /// As if so many frames had gone each way.
    #[cfg(test)]
    pub(crate) fn wear(&mut self, frames: u64) {
        self.send.counter = frames;
        self.receive.counter = frames;
    }

    /// Appends one whole frame (length, ciphertext, tag) to `out`.
    ///
    /// # Errors
    /// [`Malformed`] when `plaintext` is above [`MAX_PLAINTEXT_BYTES`] or the keys are worn out; `out` is
    /// then as before.
    pub fn seal(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        if plaintext.len() > MAX_PLAINTEXT_BYTES {
            return Err(Malformed::new("frame: above the size limit"));
        }
        let (cipher, nonce) = self.send.next()?;
        out.reserve(frame::MAX_LENGTH_BYTES + plaintext.len() + TAG_BYTES);
        frame::put_length(out, plaintext.len() + TAG_BYTES);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let body = out.get_mut(start..).unwrap_or_default();
        let tag = cipher
            .encrypt_inout_detached(&nonce, &[], body.into())
            .map_err(|_| Malformed::new("frame: above the size limit"))?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Decrypts one frame (without its length) in place and returns its plaintext.
    ///
    /// # Errors
    /// [`Malformed`] when it is not the next frame that the peer sealed. The connection is then to be
    /// closed: the stream cannot be trusted any more, and no later frame opens.
    pub fn open<'a>(&mut self, frame: &'a mut [u8]) -> Result<&'a [u8], Malformed> {
        let opened = self.open_next(frame);
        if opened.is_err() {
            self.receive.counter = MAX_FRAMES;
        }
        opened
    }

    fn open_next<'a>(&mut self, frame: &'a mut [u8]) -> Result<&'a [u8], Malformed> {
        let (cipher, nonce) = self.receive.next()?;
        let Some((body, tag)) = frame.split_last_chunk_mut::<TAG_BYTES>() else {
            return Err(Malformed::new("frame: shorter than its tag"));
        };
        let tag = Tag::from(*tag);
        cipher
            .decrypt_inout_detached(&nonce, &[], (&mut *body).into(), &tag)
            .map_err(|_| Malformed::new("frame: not authentic"))?;
        Ok(body)
    }
}
