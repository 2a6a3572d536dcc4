//! One connection: it connects, shakes hands, and carries frames both ways until either side ends it. It decides
//! nothing; when to connect and when to give up is the core's affair.

mod address;
#[cfg(not(target_family = "wasm"))]
mod socket;
#[cfg(not(target_family = "wasm"))]
mod stream;
mod talk;
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;

pub use address::ServerAddress;

use serde::{Deserialize, Serialize};
use waxwing_wire::DeviceKey;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::ServerFrame;

#[cfg(target_family = "wasm")]
pub use crate::browser::Connection;
#[cfg(not(target_family = "wasm"))]
pub use socket::Connection;
pub use talk::{Said, Talk};

/// What a connection reports.
pub enum NetEvent {
    /// The handshake is done, with the server that has this key.
    Connected(DeviceKey),
    /// A frame, decrypted and parsed.
    Frame(Box<ServerFrame>),
    /// It is over, or never began.
    Disconnected(NetFailure),
}

/// Why there is no connection, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
#[serde(rename_all = "camelCase")]
pub struct NetFailure {
    /// Which kind.
    pub code: NetFailureCode,
    /// In words, with what to do about it. Names the server, no person.
    pub detail: String,
}

/// Kinds of [`NetFailure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NetFailureCode {
    /// The server's name could not be looked up.
    NameNotFound,
    /// No address of the server answers.
    Unreachable,
    /// Something answers, but not a Waxwing server.
    NotWaxwing,
    /// A Waxwing server answers, but not the one whose key is known.
    UntrustedServer,
    /// The connection was closed or broke.
    Closed,
    /// The server said something that makes no sense.
    Protocol,
}

impl NetFailure {
    pub(crate) fn new(code: NetFailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    pub(crate) fn closed() -> Self {
        Self::new(NetFailureCode::Closed, "the connection to the server broke")
    }
}

/// Where to connect and as whom.
pub struct Target {
    /// Where.
    pub address: ServerAddress,
    /// Whom to expect there; `None`: whoever answers.
    pub server: Option<DeviceKey>,
    /// This device's credential.
    pub key: StaticKey,
}
