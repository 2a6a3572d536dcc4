//! What is said on a connection, whatever carries its bytes: the handshake, then frames.

use getrandom::SysRng;
use rand_core::UnwrapErr;
use waxwing_wire::handshake::{Initiator, MAX_HANDSHAKE_BYTES};
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::transport::Transport;
use waxwing_wire::{Bytes, DeviceKey, frame};

use super::{NetFailure, NetFailureCode, Target};

/// What has come.
pub enum Said {
    /// The handshake is done, with the server that has this key; these bytes end it.
    Connected(DeviceKey, Vec<u8>),
    /// A frame, decrypted and parsed.
    Frame(Box<ServerFrame>),
}

enum Stage {
    Hello(Box<Initiator>),
    Up(Box<Transport>),
    /// After a failure.
    Over,
}

/// See the module.
pub struct Talk {
    stage: Stage,
    read: Vec<u8>,
    /// Of `read`, what has been dealt with.
    done: usize,
    address: String,
    server_known: bool,
}

impl Talk {
    /// Begins, with the bytes that are to be sent first.
    pub fn start(target: &Target) -> Result<(Self, Vec<u8>), NetFailure> {
        let mut talk = Self {
            stage: Stage::Over,
            read: Vec::new(),
            done: 0,
            address: target.address.to_string(),
            server_known: target.server.is_some(),
        };
        let mut rng = UnwrapErr(SysRng);
        let (initiator, hello) =
            Initiator::start(&target.key, target.server, &mut rng).map_err(|_| talk.untrusted())?;
        talk.stage = Stage::Hello(Box::new(initiator));
        Ok((talk, hello))
    }

    /// Where bytes that came are appended; then [`Self::next`] until there is nothing.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.read.drain(..self.done);
        self.done = 0;
        &mut self.read
    }

    /// What comes next of what has arrived; `None`: more is needed. After a failure nothing comes.
    pub fn next(&mut self) -> Result<Option<Said>, NetFailure> {
        let shaking = matches!(self.stage, Stage::Hello(_));
        let bytes = self.read.get(self.done..).unwrap_or_default();
        let too_much = shaking && bytes.len() > MAX_HANDSHAKE_BYTES;
        let cut = match frame::cut(bytes) {
            Ok(Some(cut)) => cut,
            Ok(None) if too_much => return Err(self.not_waxwing()),
            Ok(None) => return Ok(None),
            Err(_) if shaking => return Err(self.not_waxwing()),
            Err(error) => return Err(senseless(error)),
        };
        let start = self.done + cut.prefix_bytes;
        self.done = start + cut.frame_bytes;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => Ok(None),
            Stage::Hello(initiator) => {
                let answer = self.read.get(start..self.done).unwrap_or_default();
                let (finished, rest) = initiator.finish(answer).map_err(|_| self.untrusted())?;
                self.stage = Stage::Up(Box::new(finished.transport));
                Ok(Some(Said::Connected(finished.peer, rest)))
            }
            Stage::Up(mut transport) => {
                let sealed = self.read.get_mut(start..self.done).unwrap_or_default();
                let plaintext = transport.open(sealed).map_err(senseless)?;
                let frame = ServerFrame::decode(Bytes::copy_from_slice(plaintext)).map_err(senseless)?;
                self.stage = Stage::Up(transport);
                Ok(Some(Said::Frame(Box::new(frame))))
            }
        }
    }

    /// Appends the plaintext of a frame as it is sent. Only after [`Said::Connected`].
    pub fn seal(&mut self, plaintext: &[u8], into: &mut Vec<u8>) -> Result<(), NetFailure> {
        let Stage::Up(transport) = &mut self.stage else { return Err(NetFailure::closed()) };
        let protocol = |error| NetFailure::new(NetFailureCode::Protocol, format!("{error}"));
        transport.seal(plaintext, into).map_err(protocol)
    }

    /// Why it is when the other side closes the connection now. A server that cannot read the first message (it has
    /// another key) does that.
    pub fn closed(&self) -> NetFailure {
        match self.stage {
            Stage::Hello(_) => self.untrusted(),
            _ => NetFailure::closed(),
        }
    }

    fn not_waxwing(&self) -> NetFailure {
        let detail = format!("{} does not answer as a Waxwing server; check the address", self.address);
        NetFailure::new(NetFailureCode::NotWaxwing, detail)
    }

    fn untrusted(&self) -> NetFailure {
        if !self.server_known {
            return self.not_waxwing();
        }
        let detail = format!(
            "{} does not prove to be the server whose key is known (from the invitation, or from the first \
             connection); check the address, or ask the server's operator",
            self.address
        );
        NetFailure::new(NetFailureCode::UntrustedServer, detail)
    }
}

fn senseless(error: impl std::fmt::Display) -> NetFailure {
    NetFailure::new(NetFailureCode::Protocol, format!("the server sent {error}"))
}
