use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use mio::{Interest, Registry, Token};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use super::ServerAddress;
use crate::limits::{MAX_UNSENT_BYTES, READ_BYTES};

/// One WebSocket message from the server at most, bytes.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// A stream of bytes: TCP, or binary WebSocket messages whose boundaries mean nothing.
pub enum Stream {
    Tcp(Socket, Vec<u8>),
    WebSocket(Box<WebSocket<Socket>>, Unsent),
}

/// Bytes that the WebSocket has taken but not written; it does not tell how many.
#[derive(Default)]
pub struct Unsent(usize);

/// A socket that blocks until a deadline during the handshakes, and never afterwards.
pub enum Socket {
    Blocking(TcpStream, Instant),
    Polled(mio::net::TcpStream),
    /// Only while it changes from one to the other, or if that failed.
    Gone,
}

impl Stream {
    /// Does the WebSocket handshake where one is due.
    pub fn establish(socket: TcpStream, address: &ServerAddress, deadline: Instant) -> io::Result<Self> {
        let socket = Socket::Blocking(socket, deadline);
        let ServerAddress::WebSocket { .. } = address else { return Ok(Self::Tcp(socket, Vec::new())) };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES))
            .max_write_buffer_size(4 * MAX_UNSENT_BYTES);
        let request = address.to_string();
        match tungstenite::client::client_with_config(request, socket, Some(config)) {
            Ok((socket, _)) => Ok(Self::WebSocket(Box::new(socket), Unsent::default())),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }

    /// From now on nothing blocks.
    pub fn into_polled(mut self) -> io::Result<Self> {
        let socket = match &mut self {
            Self::Tcp(socket, _) => socket,
            Self::WebSocket(socket, _) => socket.get_mut(),
        };
        socket.become_polled()?;
        Ok(self)
    }

    pub fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(Socket::Polled(socket), _) => registry.register(socket, token, interest),
            Self::WebSocket(socket, _) => match socket.get_mut() {
                Socket::Polled(socket) => registry.register(socket, token, interest),
                _ => Err(io::ErrorKind::NotConnected.into()),
            },
            Self::Tcp(..) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Appends what has arrived; `false` at the end of the stream.
    pub fn read(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        match self {
            Self::Tcp(socket, _) => {
                let start = into.len();
                into.resize(start + READ_BYTES, 0);
                let result = socket.read(into.get_mut(start..).unwrap_or_default());
                into.truncate(start + result.as_ref().map_or(0, |count| *count));
                match result {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
                    result => result.map(|count| count > 0),
                }
            }
            Self::WebSocket(socket, _) => match socket.read() {
                Ok(Message::Binary(bytes)) => {
                    into.extend_from_slice(&bytes);
                    Ok(true)
                }
                Ok(Message::Close(_)) => Ok(false),
                Ok(_) => Ok(true),
                Err(error) => of_websocket(error).map(|()| false),
            },
        }
    }

    /// Takes bytes to be written by [`Self::flush`].
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self {
            Self::Tcp(_, out) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Self::WebSocket(socket, unsent) => {
                unsent.0 += bytes.len();
                match socket.write(Message::Binary(bytes.to_vec().into())) {
                    // It keeps the message and would have liked to write already.
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                    Err(error) => of_websocket(error),
                    Ok(()) => Ok(()),
                }
            }
        }
    }

    /// Writes what it can.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(socket, out) => {
                while !out.is_empty() {
                    match socket.write(out) {
                        Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                        Ok(count) => drop(out.drain(..count)),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            Self::WebSocket(socket, unsent) => match socket.flush() {
                Ok(()) => {
                    unsent.0 = 0;
                    Ok(())
                }
                Err(error) => of_websocket(error),
            },
        }
    }

    /// Bytes taken and not written yet; for WebSocket a bound.
    pub fn unsent(&self) -> usize {
        match self {
            Self::Tcp(_, out) => out.len(),
            Self::WebSocket(_, unsent) => unsent.0,
        }
    }

    /// Says goodbye as far as that is possible without waiting.
    pub fn shutdown(&mut self) {
        if let Self::WebSocket(socket, _) = self {
            let _ = socket.close(None);
            let _ = socket.flush();
        }
        let socket = match self {
            Self::Tcp(socket, _) => socket,
            Self::WebSocket(socket, _) => socket.get_mut(),
        };
        if let Socket::Polled(socket) = socket {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }
}

fn of_websocket(error: Error) -> io::Result<()> {
    match error {
        Error::Io(error) => Err(error),
        Error::ConnectionClosed | Error::AlreadyClosed => Err(io::ErrorKind::UnexpectedEof.into()),
        other => Err(io::Error::other(other.to_string())),
    }
}

impl Socket {
    fn become_polled(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Gone) {
            Self::Blocking(socket, _) => {
                socket.set_nonblocking(true)?;
                *self = Self::Polled(mio::net::TcpStream::from_std(socket));
            }
            other => *self = other,
        }
        Ok(())
    }
}

/// What is left until the deadline; an error when it has passed.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Blocking(socket, deadline) => {
                socket.set_read_timeout(Some(left(*deadline)?))?;
                socket.read(into)
            }
            Self::Polled(socket) => socket.read(into),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Blocking(socket, deadline) => {
                socket.set_write_timeout(Some(left(*deadline)?))?;
                socket.write(bytes)
            }
            Self::Polled(socket) => socket.write(bytes),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
