//! Sockets of many clients in one thread, as bytes: what speaks over them is the business of others.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use anyhow::Context;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use crate::limits::{DEVICES_PER_ADDRESS, READ_BYTES};

/// What happened at the socket of an owner.
pub enum Happened {
    /// It is connected.
    Connected,
    /// Bytes came.
    Bytes(Vec<u8>),
    /// It is closed, by the peer or by an error.
    Closed(String),
}

struct Line {
    stream: TcpStream,
    connected: bool,
    out: Vec<u8>,
    dirty: bool,
    sent: u64,
}

/// One socket for each owner; owners are numbers from 0.
pub struct Sockets {
    poll: Poll,
    events: Events,
    lines: Vec<Option<Line>>,
    dirty: Vec<usize>,
    buffer: Vec<u8>,
    /// Bytes written to all sockets.
    pub bytes_up: u64,
    /// Bytes read from all sockets.
    pub bytes_down: u64,
}

/// The loopback address that an owner connects from: limits by address are not what is measured.
fn source(owner: usize) -> Ipv4Addr {
    let group = owner / DEVICES_PER_ADDRESS;
    let byte = |number: usize| u8::try_from(number % 250).unwrap_or_default();
    Ipv4Addr::new(127, 1, byte(group / 250), byte(group) + 1)
}

impl Sockets {
    /// None yet.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1_024),
            lines: Vec::new(),
            dirty: Vec::new(),
            buffer: vec![0; READ_BYTES],
            bytes_up: 0,
            bytes_down: 0,
        })
    }

    /// Up and down, so far.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_up, self.bytes_down)
    }

    /// Bytes written to the present socket of an owner.
    pub fn sent_by(&self, owner: usize) -> u64 {
        self.lines.get(owner).and_then(Option::as_ref).map_or(0, |line| line.sent)
    }

    /// Begins to connect; [`Happened::Connected`] follows.
    pub fn connect(&mut self, owner: usize, to: SocketAddr) -> anyhow::Result<()> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket
            .bind(&SocketAddr::V4(SocketAddrV4::new(source(owner), 0)).into())
            .context("a source address")?;
        match socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                return Err(error).context("connecting");
            }
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut stream, Token(owner), Interest::READABLE | Interest::WRITABLE)?;
        if self.lines.len() <= owner {
            self.lines.resize_with(owner + 1, || None);
        }
        if let Some(place) = self.lines.get_mut(owner) {
            *place = Some(Line { stream, connected: false, out: Vec::new(), dirty: false, sent: 0 });
        }
        Ok(())
    }

    /// Closes a socket.
    pub fn disconnect(&mut self, owner: usize) {
        if let Some(place) = self.lines.get_mut(owner) {
            *place = None;
        }
    }

    /// Bytes to go out at the beginning of the next round.
    pub fn send(&mut self, owner: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(Some(line)) = self.lines.get_mut(owner) {
            write(&mut line.out);
            if !line.dirty {
                line.dirty = true;
                self.dirty.push(owner);
            }
        }
    }

    /// Sends what is to be sent and waits for news, at most so long.
    pub fn round(&mut self, wait: Duration, news: &mut Vec<(usize, Happened)>) -> anyhow::Result<()> {
        for owner in std::mem::take(&mut self.dirty) {
            self.flush(owner, news);
        }
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let ready: Vec<(usize, bool, bool)> = self
            .events
            .iter()
            .map(|event| (event.token().0, event.is_readable(), event.is_writable()))
            .collect();
        for (owner, readable, writable) in ready {
            if writable {
                self.writable(owner, news);
            }
            if readable {
                self.read(owner, news);
            }
        }
        Ok(())
    }

    fn writable(&mut self, owner: usize, news: &mut Vec<(usize, Happened)>) {
        let Some(Some(line)) = self.lines.get_mut(owner) else { return };
        if !line.connected {
            match line.stream.take_error() {
                Ok(None) if line.stream.peer_addr().is_ok() => {
                    line.connected = true;
                    news.push((owner, Happened::Connected));
                }
                Ok(None) => return,
                Ok(Some(error)) | Err(error) => return self.closed(owner, error.to_string(), news),
            }
        }
        self.flush(owner, news);
    }

    fn flush(&mut self, owner: usize, news: &mut Vec<(usize, Happened)>) {
        let Some(Some(line)) = self.lines.get_mut(owner) else { return };
        line.dirty = false;
        while line.connected && !line.out.is_empty() {
            match line.stream.write(&line.out) {
                Ok(written) => {
                    self.bytes_up += written as u64;
                    line.sent += written as u64;
                    line.out.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => return self.closed(owner, error.to_string(), news),
            }
        }
        if line.out.is_empty() {
            // Many of these are idle: their buffers would be the larger part of this process.
            line.out = Vec::new();
        }
    }

    fn read(&mut self, owner: usize, news: &mut Vec<(usize, Happened)>) {
        loop {
            let Some(Some(line)) = self.lines.get_mut(owner) else { return };
            match line.stream.read(&mut self.buffer) {
                Ok(0) => return self.closed(owner, "closed by the server".into(), news),
                Ok(count) => {
                    self.bytes_down += count as u64;
                    let bytes = self.buffer.get(..count).unwrap_or_default().to_vec();
                    news.push((owner, Happened::Bytes(bytes)));
                    if count < READ_BYTES {
                        return;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return;
                }
                Err(error) => return self.closed(owner, error.to_string(), news),
            }
        }
    }

    fn closed(&mut self, owner: usize, why: String, news: &mut Vec<(usize, Happened)>) {
        self.disconnect(owner);
        news.push((owner, Happened::Closed(why)));
    }
}
