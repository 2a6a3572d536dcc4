//! The connection of a program: a socket in a thread of its own.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use mio::{Events, Interest, Poll, Token, Waker};
use waxwing_wire::DeviceKey;

use super::stream::Stream;
use super::{NetEvent, NetFailure, NetFailureCode, Said, ServerAddress, Talk, Target};
use crate::limits::{
    CONNECT_TIMEOUT, FLUSH_TIMEOUT, HANDSHAKE_TIMEOUT, MAX_ADDRESSES, MAX_FRAMES_TO_SEND, MAX_UNSENT_BYTES,
};

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

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
                Ok((stream, talk, server)) if report(NetEvent::Connected(server)) => {
                    Carrier { stream, talk, to_send: &to_send, report: &report }.carry(poll)
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

/// Connects and shakes hands.
fn connect(target: &Target) -> Result<(Stream, Talk, DeviceKey), NetFailure> {
    let socket = dial(&target.address)?;
    let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
    let mut stream = Stream::establish(socket, &target.address, deadline).map_err(|error| {
        let detail = format!("{} does not answer as a Waxwing server: {error}", target.address);
        NetFailure::new(NetFailureCode::NotWaxwing, detail)
    })?;
    let (talk, server) = shake_hands(&mut stream, target)?;
    let stream = stream.into_polled().map_err(|_| NetFailure::closed())?;
    Ok((stream, talk, server))
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

/// Until the server has proved who it is.
fn shake_hands(stream: &mut Stream, target: &Target) -> Result<(Talk, DeviceKey), NetFailure> {
    let (mut talk, hello) = Talk::start(target)?;
    stream.send(&hello).and_then(|()| stream.flush()).map_err(|_| NetFailure::closed())?;
    loop {
        match talk.next()? {
            Some(Said::Connected(server, rest)) => {
                stream.send(&rest).and_then(|()| stream.flush()).map_err(|_| NetFailure::closed())?;
                return Ok((talk, server));
            }
            Some(Said::Frame(_)) => return Err(NetFailure::closed()),
            None => match stream.read(talk.buffer()) {
                Ok(true) => {}
                Ok(false) => return Err(talk.closed()),
                Err(error) => return Err(interrupted(&error, &talk)),
            },
        }
    }
}

fn interrupted(error: &io::Error, talk: &Talk) -> NetFailure {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => talk.closed(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            NetFailure::new(NetFailureCode::Unreachable, "the server took too long to answer")
        }
        _ => NetFailure::closed(),
    }
}

/// A connection that is up, in its thread.
struct Carrier<'a> {
    stream: Stream,
    talk: Talk,
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
                Ok(plaintext) => self.talk.seal(&plaintext, &mut sealed)?,
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
            match self.stream.read(self.talk.buffer()) {
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
        while let Some(said) = self.talk.next()? {
            let Said::Frame(frame) = said else { continue };
            if !(self.report)(NetEvent::Frame(frame)) {
                return Err(NetFailure::closed());
            }
        }
        Ok(())
    }
}
