//! What the threads say to each other.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use bytes::Bytes;
use mio::Waker;
use mio::net::TcpStream;
use waxwing_server::{ConnId, OpenUpload, Origin, Piece};
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::directory::Address;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{DeviceKey, FileId, Reject};

use crate::limits::{IO_QUEUE_BYTES, IO_QUEUE_RESULTS};
use crate::queue::Queue;

/// Who is at the other end of a connection that speaks for no device yet.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Proven by the handshake.
    pub key: DeviceKey,
    /// From where.
    pub ip: IpAddr,
}

/// Work for the engine.
pub enum Job {
    /// A frame was read.
    Frame {
        /// From which connection.
        conn: ConnId,
        /// Said until the connection speaks for a device.
        peer: Option<Peer>,
        /// What it says.
        frame: Box<ClientFrame>,
    },
    /// The connection is gone.
    Closed(ConnId),
    /// The operator wants an invitation.
    Invite {
        /// How many accounts it admits; `None` for no bound.
        uses: Option<u32>,
        /// When it ends, milliseconds since 1970.
        expires_at_ms: Option<u64>,
        /// For one account that has this address.
        address: Option<Address>,
        /// Where the answer goes.
        answer: SyncSender<Result<InvitationToken, Reject>>,
    },
    /// The operator vouches for an address of an account that is there.
    Vouch {
        /// Which address.
        address: Address,
        /// When the code ends, milliseconds since 1970.
        expires_at_ms: Option<u64>,
        /// Where the code goes.
        answer: SyncSender<Result<InvitationToken, Reject>>,
    },
    /// Somebody with an upload's token asks.
    Upload {
        /// What.
        what: UploadAsk,
        /// About which file.
        file: FileId,
        /// SHA-256 of the token that came along.
        token: [u8; 32],
        /// Where the answer goes.
        answer: SyncSender<Result<OpenUpload, Reject>>,
    },
    /// A file was deleted as the engine wanted it.
    FileDeleted(FileId),
    /// A file was looked at, as the engine wanted it.
    FileChecked {
        /// Which request said that it is complete.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// SHA-256 of the token that came along.
        token: [u8; 32],
        /// All of it is there, durably.
        whole: bool,
    },
    /// A device's question about a file is answered.
    FileAnswered(Box<Answered>),
    /// The operator wants the store to be looked through now.
    Sweep,
    /// An I/O thread reads no more: the server is shutting down.
    IoStopped,
}

/// What a device is told that asked about a file.
pub struct Answered {
    /// Which request.
    pub origin: Origin,
    /// What.
    pub what: ResponseBody,
}

/// What is asked with an upload's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadAsk {
    /// May it go on?
    Open,
    /// All of it is there, durably.
    Complete,
    /// It is given up.
    GiveUp,
}

/// Results for an I/O thread.
pub enum Outcome {
    /// Part of the next frame.
    Piece(ConnId, Piece),
    /// Mailbox entries, ascending without gaps.
    Entries(ConnId, Vec<(u64, Bytes)>),
    /// The connection speaks for a device now.
    Attached(ConnId),
    /// The connection waits to be linked.
    Awaits(ConnId),
    /// Close the connection after what was said to it.
    Close(ConnId),
    /// The acceptor gives this connection to the thread.
    Accepted(TcpStream, IpAddr),
    /// Say goodbye to everybody and end.
    Shutdown(Reject),
}

impl Outcome {
    /// Which connection it is for.
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Piece(conn, _)
            | Self::Entries(conn, _)
            | Self::Attached(conn)
            | Self::Awaits(conn)
            | Self::Close(conn) => Some(*conn),
            Self::Accepted(..) | Self::Shutdown(_) => None,
        }
    }

    /// What it weighs in a queue, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Entries(_, entries) => entries.iter().map(|(_, item)| item.len() + 32).sum(),
            _ => size_of::<Self>(),
        }
    }
}

/// What a job weighs in the engine's queue beside the bytes of its frame, about.
pub const JOB_BYTES: usize = size_of::<Job>() + size_of::<ClientFrame>();

/// The way to an I/O thread.
pub struct IoPort {
    /// Results for its connections.
    pub queue: Queue<Outcome>,
    /// Ends its wait for sockets.
    pub waker: Waker,
}

impl IoPort {
    /// A port whose thread is woken by `waker`.
    #[must_use]
    pub fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self { queue: Queue::new(IO_QUEUE_RESULTS, IO_QUEUE_BYTES), waker })
    }

    /// Hands a batch over and wakes the thread if it may be asleep.
    pub fn put(&self, batch: &mut Vec<Outcome>) {
        let bytes = batch.iter().map(Outcome::bytes).sum();
        if self.queue.put(batch, bytes) {
            self.wake();
        }
    }

    /// Wakes the thread.
    pub fn wake(&self) {
        self.waker.wake().expect("an eventfd that is open can be written to");
    }
}

/// A connection's number: which I/O thread, which place in its table, and a serial number that is never
/// used twice in one thread. 6, 24 and 34 bits.
#[must_use]
pub fn conn_id(thread: usize, place: usize, serial: u64) -> ConnId {
    debug_assert!(thread < 1 << 6 && place < 1 << 24 && serial < 1 << 34);
    ConnId((thread as u64) << 58 | (place as u64) << 34 | serial)
}

/// The I/O thread in a connection's number.
#[must_use]
pub fn thread_of(conn: ConnId) -> usize {
    (conn.0 >> 58) as usize
}

/// The place in a connection's number.
#[must_use]
pub fn place_of(conn: ConnId) -> usize {
    (conn.0 >> 34) as usize & ((1 << 24) - 1)
}
