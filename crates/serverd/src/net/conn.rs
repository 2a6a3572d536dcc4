//! One connection.

use std::net::IpAddr;
use std::time::Instant;

use mio::net::TcpStream;
use waxwing_server::ConnId;
use waxwing_wire::DeviceKey;
use waxwing_wire::handshake::Responder;
use waxwing_wire::transport::Transport;

use super::websocket::Inbound;

/// What a thread holds of a connection. What is boxed is there only while it is needed.
pub struct Conn {
    pub id: ConnId,
    pub socket: TcpStream,
    pub stage: Stage,
    /// The beginning of a frame whose end has not come yet.
    #[expect(clippy::box_collection, reason = "8 bytes instead of 24 in every idle connection")]
    pub partial: Option<Box<Vec<u8>>>,
    /// What the kernel did not take yet.
    pub unsent: Option<Box<Unsent>>,
    /// The stream is inside a WebSocket.
    pub websocket: Option<Box<Inbound>>,
    /// Not known yet which device it is.
    pub guest: Option<Box<Guest>>,
    /// When something last came, seconds since the thread began.
    pub heard_s: u32,
    /// Waits in the thread's list for its next turn.
    pub queued: bool,
    /// The engine has had a job of it and must be told of its end.
    pub known: bool,
}

/// How far a connection has come.
pub enum Stage {
    /// Nothing is known: a stream or an HTTP request?
    Sniff,
    /// In the head of an HTTP request.
    Http,
    /// A stream begins.
    Preamble,
    /// In the Noise handshake.
    Handshake(Box<Responder>),
    /// Encrypted frames.
    Open(Transport),
    /// All is said. What still comes is not looked at.
    Closing,
}

/// A connection of which it is not known which device it speaks for.
pub struct Guest {
    /// From where: the peer's address, or what a proxy that is believed has said.
    pub ip: IpAddr,
    /// Proven by the handshake.
    pub key: Option<DeviceKey>,
    /// It waits for somebody to approve its offer to be linked, and may be silent until then.
    pub waits_until: Option<Instant>,
}

/// Output that waits until the socket is writable.
#[derive(Default)]
pub struct Unsent {
    pub bytes: Vec<u8>,
    pub sent: usize,
}

impl Unsent {
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }
}

// What an idle connection costs. Noted here so that nobody raises it by accident. (With debug assertions
// mio's sockets remember which poll they belong to.)
const _: () = assert!(size_of::<Option<Conn>>() <= 144 || cfg!(debug_assertions));
