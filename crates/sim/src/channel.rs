//! One end of a connection: cuts the stream into frames and, in a sample of the runs, really encrypts it.
//!
//! Runs without Noise have the same shape (one message up, one down, then frames), with the client's public
//! key in the clear as the first message. They cost a tenth and lose nothing but the handshake itself.

use waxwing_wire::handshake::{Answer, Initiator, PREAMBLE_BYTES, Responder, StaticKey};
use waxwing_wire::transport::Transport;
use waxwing_wire::{Bytes, DeviceKey, Malformed, frame};

use crate::dice::Dice;

/// One end.
pub struct Channel {
    buffer: Vec<u8>,
    state: State,
}

enum State {
    /// The client waits for the server's answer.
    Plain1,
    Noise1(Box<Initiator>),
    /// The server waits for the client's first message.
    Plain2,
    Noise2(StaticKey),
    Noise3(Box<Responder>),
    /// Frames.
    Plain,
    Sealed(Box<Transport>),
    Broken,
}

/// What came out of the stream.
pub enum Heard {
    /// More bytes are needed.
    Nothing,
    /// Send these bytes; the handshake goes on.
    Reply(Vec<u8>),
    /// Send these bytes; the handshake is over and this is the peer's key (not known to a client without
    /// Noise).
    Ready(Vec<u8>, Option<DeviceKey>),
    /// The plaintext of a frame.
    Frame(Bytes),
}

impl Channel {
    /// The connecting end, and the first bytes to send.
    ///
    /// # Errors
    /// When the server's key is not one.
    pub fn connect(
        key: &StaticKey,
        server: Option<DeviceKey>,
        dice: &mut Dice,
    ) -> Result<(Self, Vec<u8>), Malformed> {
        let (state, bytes) = match server {
            Some(server) => {
                let (initiator, bytes) = Initiator::start(key, Some(server), dice.rng())?;
                (State::Noise1(Box::new(initiator)), bytes)
            }
            None => (State::Plain1, plain_frame(&key.public().0)),
        };
        Ok((Self { buffer: Vec::new(), state }, bytes))
    }

    /// The accepting end; with a key, by Noise.
    #[must_use]
    pub fn accept(key: Option<StaticKey>) -> Self {
        Self { buffer: Vec::new(), state: key.map_or(State::Plain2, State::Noise2) }
    }

    /// Bytes as they arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next thing in what has arrived.
    ///
    /// # Errors
    /// When the stream is broken: close it.
    pub fn hear(&mut self, dice: &mut Dice) -> Result<Heard, Malformed> {
        if let State::Noise2(key) = &self.state {
            let Some((preamble, rest)) = self.buffer.split_first_chunk::<PREAMBLE_BYTES>() else {
                return Ok(Heard::Nothing);
            };
            let responder = Responder::start(key, preamble, dice.rng())?;
            self.buffer = rest.to_vec();
            self.state = State::Noise3(Box::new(responder));
        }
        let Some(cut) = frame::cut(&self.buffer)? else { return Ok(Heard::Nothing) };
        let rest = self.buffer.split_off(cut.prefix_bytes + cut.frame_bytes);
        let mut frame = std::mem::replace(&mut self.buffer, rest).split_off(cut.prefix_bytes);
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Plain => {
                self.state = State::Plain;
                Ok(Heard::Frame(Bytes::from(frame)))
            }
            State::Sealed(mut transport) => {
                let plain = Bytes::copy_from_slice(transport.open(&mut frame)?);
                self.state = State::Sealed(transport);
                Ok(Heard::Frame(plain))
            }
            State::Plain1 => {
                self.state = State::Plain;
                Ok(Heard::Ready(Vec::new(), None))
            }
            State::Noise1(initiator) => {
                let (finished, bytes) = initiator.finish(&frame)?;
                self.state = State::Sealed(Box::new(finished.transport));
                Ok(Heard::Ready(bytes, Some(finished.peer)))
            }
            State::Plain2 => {
                self.state = State::Plain;
                let key = <[u8; 32]>::try_from(frame.as_slice()).ok().map(DeviceKey);
                Ok(Heard::Ready(plain_frame(&[]), key))
            }
            State::Noise3(responder) => match responder.read(&frame)? {
                Answer::Continue(responder, bytes) => {
                    self.state = State::Noise3(Box::new(responder));
                    Ok(Heard::Reply(bytes))
                }
                Answer::Finished(finished, bytes) => {
                    self.state = State::Sealed(Box::new(finished.transport));
                    Ok(Heard::Ready(bytes, Some(finished.peer)))
                }
            },
            State::Noise2(_) | State::Broken => Ok(Heard::Nothing),
        }
    }

    /// The bytes of a frame on the stream; none before the handshake is over.
    ///
    /// # Errors
    /// When the plaintext is above the limit.
    pub fn say(&mut self, plain: &[u8]) -> Result<Vec<u8>, Malformed> {
        match &mut self.state {
            State::Plain => Ok(plain_frame(plain)),
            State::Sealed(transport) => {
                let mut out = Vec::new();
                transport.seal(plain, &mut out)?;
                Ok(out)
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn plain_frame(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + frame::MAX_LENGTH_BYTES);
    let mut rest = body.len();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(body);
    out
}
