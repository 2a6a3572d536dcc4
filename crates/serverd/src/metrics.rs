//! Numbers for monitoring, by HTTP: `/metrics` and `/healthz`. A listener of its own, for the operator's
//! network and not for clients.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::stats::Stats;

/// Head of a request; a longer one is answered as if it ended here.
const MAX_HEAD_BYTES: usize = 4_096;
const TIMEOUT: Duration = Duration::from_secs(2);

/// The listening end.
pub struct Metrics {
    listener: TcpListener,
    stats: Arc<Stats>,
}

impl Metrics {
    /// Listens.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub fn open(address: SocketAddr, stats: Arc<Stats>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        Ok(Self { listener, stats })
    }

    /// The address, with the port that the system chose if it was to choose one.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers, one request after the other, as long as the process lives.
    pub fn run(self) {
        for stream in self.listener.incoming() {
            let answered = stream.and_then(|stream| self.answer(stream));
            if let Err(error) = answered {
                tracing::debug!(%error, "metrics connection");
            }
        }
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let mut head = Vec::new();
        let mut piece = [0; 512];
        while head.len() < MAX_HEAD_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut piece)?;
            if read == 0 {
                break;
            }
            head.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
        let (status, body) = if head.starts_with(b"GET /metrics ") {
            ("200 OK", self.stats.to_prometheus())
        } else if head.starts_with(b"GET /healthz ") {
            // Whatever breaks ends the process, so who answers is well.
            ("200 OK", "ok\n".into())
        } else {
            ("404 Not Found", String::new())
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
    }
}
