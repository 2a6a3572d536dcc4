//! Reading requests of HTTP/1.1. `httparse` reads the head; how long and how large anything may be is decided
//! here.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::daemon::limits::{MAX_HEAD_BYTES, MAX_HEADERS, MAX_REQUEST_BYTES};
use crate::daemon::lines::is_timeout;

/// A chunk's size line, bytes.
const MAX_SIZE_LINE_BYTES: usize = 64;

/// What a request begins with.
#[derive(Debug)]
pub struct Head {
    pub method: String,
    pub path: String,
    pub keep_alive: bool,
    fields: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Sized(usize),
    Chunked,
}

/// Why a request cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// The connection ended or was silent.
    Io,
    /// A status and words.
    Refused(u16, &'static str),
}

const MALFORMED: Problem = Problem::Refused(400, "not HTTP/1.1");
const TOO_SLOW: Problem = Problem::Refused(408, "the request took too long");
const TOO_LARGE: Problem = Problem::Refused(413, "the request is larger than 1 MiB");

impl Head {
    /// A field by its name in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn has_body(&self) -> bool {
        self.body != Body::Sized(0)
    }

    pub fn expects_continue(&self) -> bool {
        self.field("expect").is_some_and(|what| what.eq_ignore_ascii_case("100-continue"))
    }

    /// `None`: there is more to come.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Problem> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let used = match request.parse(bytes) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Problem::Refused(431, "too many header fields"));
            }
            Err(_) => return Err(MALFORMED),
        };
        let mut fields = Vec::new();
        for header in request.headers.iter() {
            let value = std::str::from_utf8(header.value).map_err(|_| MALFORMED)?;
            fields.push((header.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let (Some(method), Some(path), Some(version)) = (request.method, request.path, request.version)
        else {
            return Err(MALFORMED);
        };
        let mut head = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            keep_alive: version == 1,
            fields,
            body: Body::Sized(0),
        };
        head.complete(version)?;
        Ok(Some((head, used)))
    }

    /// What the fields say of the body and the connection. What two readers could read in two ways is refused.
    fn complete(&mut self, version: u8) -> Result<(), Problem> {
        let all = |name: &str| self.fields.iter().filter(|(known, _)| known == name).count();
        if all("host") > 1 || all("content-length") > 1 || all("transfer-encoding") > 1 {
            return Err(MALFORMED);
        }
        if version == 1 && all("host") == 0 {
            return Err(Problem::Refused(400, "the Host field is missing"));
        }
        self.body = match (self.field("transfer-encoding"), self.field("content-length")) {
            (None, None) => Body::Sized(0),
            (None, Some(length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                Body::Sized(length.parse().map_err(|_| TOO_LARGE)?)
            }
            (Some(encoding), None) if encoding.eq_ignore_ascii_case("chunked") => Body::Chunked,
            (Some(_), None) => return Err(Problem::Refused(501, "only chunked is read")),
            _ => return Err(MALFORMED),
        };
        if let Some(connection) = self.field("connection") {
            let says = |what: &str| connection.split(',').any(|part| part.trim().eq_ignore_ascii_case(what));
            self.keep_alive = (self.keep_alive || says("keep-alive")) && !says("close");
        }
        Ok(())
    }
}

/// What a connection says, request after request.
pub struct Reader<'a> {
    stream: &'a TcpStream,
    /// Read, and not used yet.
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub fn new(stream: &'a TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next head; `None`: there is none. It may be long in beginning, not in arriving.
    pub fn head(&mut self, idle: Duration, patience: Duration) -> Result<Option<Head>, Problem> {
        if self.buffer.is_empty() {
            match self.fill(Instant::now() + idle) {
                Ok(true) => {}
                // Nothing was asked, so that nothing is to be answered.
                Ok(false) | Err(TOO_SLOW) => return Ok(None),
                Err(problem) => return Err(problem),
            }
        }
        let deadline = Instant::now() + patience;
        loop {
            if let Some((head, used)) = Head::parse(&self.buffer)? {
                self.buffer.drain(..used);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(Problem::Refused(431, "the head is larger than 16 KiB"));
            }
            if !self.fill(deadline)? {
                return Err(Problem::Io);
            }
        }
    }

    pub fn body(&mut self, head: &Head, patience: Duration) -> Result<Vec<u8>, Problem> {
        let deadline = Instant::now() + patience;
        match head.body {
            Body::Sized(length) => self.take(length, 0, deadline),
            Body::Chunked => self.chunks(deadline),
        }
    }

    /// So many bytes, of a body that has so many already.
    fn take(&mut self, length: usize, before: usize, deadline: Instant) -> Result<Vec<u8>, Problem> {
        if length > MAX_REQUEST_BYTES - before.min(MAX_REQUEST_BYTES) {
            return Err(TOO_LARGE);
        }
        while self.buffer.len() < length {
            if !self.fill(deadline)? {
                return Err(Problem::Io);
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn chunks(&mut self, deadline: Instant) -> Result<Vec<u8>, Problem> {
        let mut body = Vec::new();
        loop {
            let size = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete((used, size))) => {
                        self.buffer.drain(..used);
                        break usize::try_from(size).map_err(|_| TOO_LARGE)?;
                    }
                    Ok(httparse::Status::Partial) if self.buffer.len() <= MAX_SIZE_LINE_BYTES => {}
                    _ => return Err(MALFORMED),
                }
                if !self.fill(deadline)? {
                    return Err(Problem::Io);
                }
            };
            body.extend(self.take(size, body.len(), deadline)?);
            // After the last one there could be trailers; nobody needs any.
            if self.take(2, 0, deadline)? != b"\r\n" {
                return Err(MALFORMED);
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads some more; false: the other side has ended.
    fn fill(&mut self, deadline: Instant) -> Result<bool, Problem> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(TOO_SLOW);
        }
        self.stream.set_read_timeout(Some(left)).map_err(|_| Problem::Io)?;
        let mut some = [0; 8 * 1024];
        match (&mut &*self.stream).read(&mut some) {
            Ok(0) => Ok(false),
            Ok(read) => {
                self.buffer.extend_from_slice(some.get(..read).unwrap_or_default());
                Ok(true)
            }
            Err(error) if is_timeout(&error) => Err(TOO_SLOW),
            Err(_) => Err(Problem::Io),
        }
    }
}
