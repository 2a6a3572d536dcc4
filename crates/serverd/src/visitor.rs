//! Connections that HTTP goes over. An I/O thread that finds a request for files or for the web app gives its socket
//! away to a bounded number of threads that may wait.

mod pool;
pub mod reply;

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub use pool::{Host, Pool, Visitor};
use reply::Status;

use crate::limits::{
    MAX_HTTP_HEAD_BYTES, MAX_MEDIA_HEADERS, MEDIA_HEAD_TIMEOUT, MEDIA_IDLE_TIMEOUT, MEDIA_IO_TIMEOUT,
    MEDIA_PACE, MEDIA_PACE_BYTES,
};
use crate::net::{Whose, whose};

/// The connection is of no more use.
pub struct Ended;

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Whether another request may come.
pub type Next = Result<bool, Ended>;

/// How reading a head went.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<Head> {
    /// More is needed.
    Partial,
    /// It ends after so many bytes.
    Whole(usize, Box<Head>),
    /// It is no request.
    Bad,
}

/// Reads a head from the start of `bytes`; `None` of `read`: two readers could take the request for two things.
pub fn parse<Head>(
    bytes: &[u8],
    read: impl FnOnce(&httparse::Request<'_, '_>) -> Option<Head>,
) -> Parsed<Head> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_MEDIA_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => match read(&request) {
            Some(head) => Parsed::Whole(length, Box::new(head)),
            None => Parsed::Bad,
        },
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Err(_) => Parsed::Bad,
    }
}

/// Reads the head of the next request. `read` holds what came behind the last one, and then what came behind this
/// one. Or what is to be said before hanging up.
///
/// # Errors
/// When the peer is gone, or says nothing for too long.
pub fn head<Head>(
    stream: &mut TcpStream,
    read: &mut Vec<u8>,
    parse: fn(&[u8]) -> Parsed<Head>,
) -> Result<Result<Head, Status>, Ended> {
    let begun = Instant::now();
    loop {
        match parse(read) {
            Parsed::Whole(length, head) => {
                read.drain(..length);
                return Ok(Ok(*head));
            }
            Parsed::Bad => return Ok(Err(reply::BAD_REQUEST)),
            Parsed::Partial if read.len() >= MAX_HTTP_HEAD_BYTES => return Ok(Err(reply::HEAD_TOO_LARGE)),
            Parsed::Partial => {}
        }
        more(stream, read, begun)?;
    }
}

/// Waits for more of a head that was begun to be waited for then.
fn more(stream: &mut TcpStream, read: &mut Vec<u8>, begun: Instant) -> Result<(), Ended> {
    let patience = if read.is_empty() { MEDIA_IDLE_TIMEOUT } else { MEDIA_HEAD_TIMEOUT };
    let left = patience.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()).ok_or(Ended)?;
    stream.set_read_timeout(Some(left))?;
    let mut piece = [0; 1_024];
    match stream.read(&mut piece) {
        Ok(0) => Err(Ended),
        Ok(count) => {
            read.extend_from_slice(piece.get(..count).unwrap_or_default());
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        Err(_) => Err(Ended),
    }
}

/// Whose the next request is; `None`: it is no request.
fn whose_next(stream: &mut TcpStream, read: &mut Vec<u8>) -> Result<Option<Whose>, Ended> {
    let begun = Instant::now();
    loop {
        if let Parsed::Bad = parse(read, |_| Some(())) {
            return Ok(None);
        }
        let whose = whose(read);
        if whose.is_some() || read.len() >= MAX_HTTP_HEAD_BYTES {
            return Ok(whose);
        }
        more(stream, read, begun)?;
    }
}

/// Answers the requests of a connection, one after the other, by `request`, which is given what was read behind the
/// last one. A browser, or a proxy, asks for everything on one connection: at a request that is not `mine` the
/// connection goes to whom it is for.
pub fn serve(
    mut visitor: Visitor,
    mine: Whose,
    mut request: impl FnMut(&mut TcpStream, &mut Vec<u8>) -> Next,
) {
    let mut read = std::mem::take(&mut visitor.begun);
    let set = visitor.stream.set_nonblocking(false);
    if set.and_then(|()| visitor.stream.set_write_timeout(Some(MEDIA_IO_TIMEOUT))).is_err() {
        return;
    }
    while !visitor.is_over() {
        match whose_next(&mut visitor.stream, &mut read) {
            Ok(Some(whose)) if whose != mine && visitor.can_go_to(whose) => {
                return visitor.go_to(whose, read);
            }
            Ok(_) => {}
            Err(Ended) => return,
        }
        if !matches!(request(&mut visitor.stream, &mut read), Ok(true)) {
            return;
        }
    }
}

/// Lets the peer read what was said last: a socket that is closed while something unread stands in it takes back what
/// was not delivered.
pub fn linger(stream: &mut TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let mut nothing = [0; 4_096];
    for _ in 0..64 {
        if !matches!(stream.read(&mut nothing), Ok(read) if read > 0) {
            return;
        }
    }
}

/// A peer that takes or gives hardly anything holds a thread and gets nowhere.
pub struct Pace {
    since: Instant,
    bytes: usize,
}

impl Pace {
    /// From now on.
    #[must_use]
    pub fn new() -> Self {
        Self { since: Instant::now(), bytes: 0 }
    }

    /// So many bytes went or came; `false`: they are too few.
    #[must_use]
    pub fn keeps_up(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        if self.since.elapsed() < MEDIA_PACE {
            return true;
        }
        let enough = self.bytes >= MEDIA_PACE_BYTES;
        *self = Self::new();
        enough
    }
}
