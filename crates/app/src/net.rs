//! One connection: a thread that connects, shakes hands, and carries frames both ways until either side
//! ends it. It decides nothing; when to connect and when to give up is the core's affair.

mod address;
mod stream;
#[cfg(test)]
mod tests;

pub use address::ServerAddress;

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use getrandom::SysRng;
use mio::{Events, Interest, Poll, Token, Waker};
use rand_core::UnwrapErr;
use serde::{Deserialize, Serialize};
use waxwing_wire::handshake::{Finished, Initiator, MAX_HANDSHAKE_BYTES, StaticKey};
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::transport::Transport;
use waxwing_wire::{Bytes, DeviceKey, frame};

use crate::limits::{
    CONNECT_TIMEOUT, FLUSH_TIMEOUT, HANDSHAKE_TIMEOUT, MAX_ADDRESSES, MAX_FRAMES_TO_SEND, MAX_UNSENT_BYTES,
};
use stream::Stream;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

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
    fn new(code: NetFailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    fn closed() -> Self {
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

/// A connection as the engine holds it; closed when dropped, after what was sent before has left.
pub struct Connection {
    frames: Option<Sender<Vec<u8>>>,
    waker: Arc<Waker>,
    ended: Receiver<()>,
    /// Something was given to it to send.
    used: bool,
}

impl Connection {
    /// Starts to connect. `report` is called from the connection's thread, and may block it; when it
    /// returns `false` nobody listens any more.
    ///
    /// # Errors
    /// When the operating system has no thread or no file descriptor left.
    pub fn open(target: Target, report: impl Fn(NetEvent) -> bool + Send + 'static) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (frames, to_send) = bounded(MAX_FRAMES_TO_SEND);
        let (end, ended) = bounded(0);
        // Its last owner closes the waker, and with it goes a wake-up that the poll has not seen yet. So the
        // thread owns it as well, or it would sleep through the end of a connection dropped just then.
        let held = Arc::clone(&waker);
        thread::Builder::new().name("connection".into()).spawn(move || {
            let _held = held;
            let failure = match connect(&target) {
                Ok((stream, transport, server, read)) if report(NetEvent::Connected(server)) => {
                    Carrier { stream, transport, read, to_send: &to_send, report: &report }.carry(poll)
                }
                Ok(_) => return,
                Err(failure) => failure,
            };
            // Before the report: whoever waits for the end need not listen to it.
            drop(end);
            report(NetEvent::Disconnected(failure));
        })?;
        Ok(Self { frames: Some(frames), waker, ended, used: false })
    }

    /// Hands over the plaintext of a frame. `false` when the connection is gone or takes nothing any more.
    #[must_use]
    pub fn send(&mut self, plaintext: Vec<u8>) -> bool {
        self.used = true;
        let taken = self.frames.as_ref().is_some_and(|frames| frames.try_send(plaintext).is_ok());
        taken && self.waker.wake().is_ok()
    }

    /// Takes nothing more, and closes when what was sent before has left. Waits for nothing.
    pub fn end(&mut self) {
        self.frames = None;
        let _ = self.waker.wake();
    }

    /// The same, and waits for it, but not long.
    pub fn close(mut self) {
        self.end();
        if self.used {
            let _ = self.ended.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

/// Connects, shakes hands, and returns what was read beyond the handshake.
fn connect(target: &Target) -> Result<(Stream, Transport, DeviceKey, Vec<u8>), NetFailure> {
    let socket = dial(&target.address)?;
    let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
    let mut stream = Stream::establish(socket, &target.address, deadline).map_err(|error| {
        let detail = format!("{} does not answer as a Waxwing server: {error}", target.address);
        NetFailure::new(NetFailureCode::NotWaxwing, detail)
    })?;
    let mut read = Vec::new();
    let finished = shake_hands(&mut stream, target, &mut read)?;
    let stream = stream.into_polled().map_err(|_| NetFailure::closed())?;
    Ok((stream, finished.transport, finished.peer, read))
}

fn dial(address: &ServerAddress) -> Result<TcpStream, NetFailure> {
    let addresses: Vec<_> = address
        .host_and_port()
        .to_socket_addrs()
        .map_err(|error| {
            let detail = format!("the server's name in {address} cannot be looked up: {error}");
            NetFailure::new(NetFailureCode::NameNotFound, detail)
        })?
        .take(MAX_ADDRESSES)
        .collect();
    let mut last = None;
    for candidate in addresses {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
            Ok(socket) => {
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(|| "it has no address".to_owned(), |error| in_words(&error));
    let detail = format!("the server {address} cannot be reached: {why}");
    Err(NetFailure::new(NetFailureCode::Unreachable, detail))
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing answers there".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it did not answer in time".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "there is no way to it; is this machine online?".to_owned()
        }
        _ => error.to_string(),
    }
}

fn shake_hands(stream: &mut Stream, target: &Target, read: &mut Vec<u8>) -> Result<Finished, NetFailure> {
    let not_waxwing = || {
        let detail = format!("{} does not answer as a Waxwing server; check the address", target.address);
        NetFailure::new(NetFailureCode::NotWaxwing, detail)
    };
    let untrusted = || {
        if target.server.is_none() {
            return not_waxwing();
        }
        let detail = format!(
            "{} does not prove to be the server whose key is known (from the invitation, or from the first \
             connection); check the address, or ask the server's operator",
            target.address
        );
        NetFailure::new(NetFailureCode::UntrustedServer, detail)
    };
    let mut rng = UnwrapErr(SysRng);
    let (initiator, hello) =
        Initiator::start(&target.key, target.server, &mut rng).map_err(|_| untrusted())?;
    stream.send(&hello).and_then(|()| stream.flush()).map_err(|_| NetFailure::closed())?;
    let cut = loop {
        match frame::cut(read).map_err(|_| not_waxwing())? {
            Some(cut) => break cut,
            None if read.len() > MAX_HANDSHAKE_BYTES => return Err(not_waxwing()),
            // A server that cannot read the first message (it has another key) closes the connection.
            None if !stream.read(read).map_err(|error| interrupted(&error, &untrusted))? => {
                return Err(untrusted());
            }
            None => {}
        }
    };
    let end = cut.prefix_bytes + cut.frame_bytes;
    let answer = read.get(cut.prefix_bytes..end).unwrap_or_default();
    let (finished, rest) = initiator.finish(answer).map_err(|_| untrusted())?;
    read.drain(..end);
    stream.send(&rest).and_then(|()| stream.flush()).map_err(|_| NetFailure::closed())?;
    Ok(finished)
}

fn interrupted(error: &io::Error, untrusted: &dyn Fn() -> NetFailure) -> NetFailure {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => untrusted(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            NetFailure::new(NetFailureCode::Unreachable, "the server took too long to answer")
        }
        _ => NetFailure::closed(),
    }
}

/// A connection that is up, in its thread.
struct Carrier<'a> {
    stream: Stream,
    transport: Transport,
    read: Vec<u8>,
    to_send: &'a Receiver<Vec<u8>>,
    report: &'a dyn Fn(NetEvent) -> bool,
}

enum Going {
    On,
    /// Whoever holds the [`Connection`] let go of it.
    Closing,
}

impl Carrier<'_> {
    fn carry(mut self, mut poll: Poll) -> NetFailure {
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.stream.register(poll.registry(), SOCKET, interest).is_err() {
            return NetFailure::closed();
        }
        // What came in one piece with the handshake: no event will announce it.
        if let Err(failure) = self.frames() {
            return failure;
        }
        let mut events = Events::with_capacity(8);
        let mut deadline: Option<Instant> = None;
        loop {
            let going = match self.turn() {
                Ok(going) => going,
                Err(failure) => return failure,
            };
            if let Going::Closing = going {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + FLUSH_TIMEOUT);
                if self.stream.unsent() == 0 || Instant::now() >= deadline {
                    self.stream.shutdown();
                    return NetFailure::closed();
                }
            }
            let timeout = deadline.map(|_| Duration::from_millis(20));
            match poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return NetFailure::closed(),
                _ => {}
            }
        }
    }

    /// Everything that can be done without waiting. The poll is edge-triggered: both directions are worked
    /// until they would block.
    fn turn(&mut self) -> Result<Going, NetFailure> {
        let mut going = Going::On;
        let mut sealed = Vec::new();
        while self.stream.unsent() + sealed.len() < MAX_UNSENT_BYTES {
            match self.to_send.try_recv() {
                Ok(plaintext) => {
                    let protocol = |error| NetFailure::new(NetFailureCode::Protocol, format!("{error}"));
                    self.transport.seal(&plaintext, &mut sealed).map_err(protocol)?;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    going = Going::Closing;
                    break;
                }
            }
        }
        if !sealed.is_empty() {
            self.stream.send(&sealed).map_err(|_| NetFailure::closed())?;
        }
        self.flush()?;
        loop {
            match self.stream.read(&mut self.read) {
                Ok(true) => self.frames()?,
                Ok(false) => return Err(NetFailure::closed()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(NetFailure::closed()),
            }
        }
        // A WebSocket ping is answered while reading.
        self.flush()?;
        Ok(going)
    }

    fn flush(&mut self) -> Result<(), NetFailure> {
        match self.stream.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(NetFailure::closed()),
            _ => Ok(()),
        }
    }

    fn frames(&mut self) -> Result<(), NetFailure> {
        let protocol = |error| NetFailure::new(NetFailureCode::Protocol, format!("the server sent {error}"));
        let mut begin = 0;
        while let Some(cut) = frame::cut(self.read.get(begin..).unwrap_or_default()).map_err(protocol)? {
            let start = begin + cut.prefix_bytes;
            begin = start + cut.frame_bytes;
            let sealed = self.read.get_mut(start..begin).unwrap_or_default();
            let plaintext = self.transport.open(sealed).map_err(protocol)?;
            let frame = ServerFrame::decode(Bytes::copy_from_slice(plaintext)).map_err(protocol)?;
            if !(self.report)(NetEvent::Frame(Box::new(frame))) {
                return Err(NetFailure::closed());
            }
        }
        self.read.drain(..begin);
        Ok(())
    }
}
