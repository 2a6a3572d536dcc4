//! Answers, head by head.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::TcpStream;

/// A status and what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16, pub &'static str);

pub const OK: Status = Status(200, "OK");
pub const NO_CONTENT: Status = Status(204, "No Content");
pub const PARTIAL_CONTENT: Status = Status(206, "Partial Content");
pub const NOT_MODIFIED: Status = Status(304, "Not Modified");
pub const BAD_REQUEST: Status = Status(400, "Bad Request");
pub const UNAUTHORIZED: Status = Status(401, "Unauthorized");
pub const FORBIDDEN: Status = Status(403, "Forbidden");
pub const NOT_FOUND: Status = Status(404, "Not Found");
pub const METHOD_NOT_ALLOWED: Status = Status(405, "Method Not Allowed");
pub const NOT_ACCEPTABLE: Status = Status(406, "Not Acceptable");
pub const CONFLICT: Status = Status(409, "Conflict");
pub const GONE: Status = Status(410, "Gone");
pub const LENGTH_REQUIRED: Status = Status(411, "Length Required");
pub const PRECONDITION_FAILED: Status = Status(412, "Precondition Failed");
pub const TOO_LARGE: Status = Status(413, "Content Too Large");
pub const UNSUPPORTED: Status = Status(415, "Unsupported Media Type");
pub const NOT_SATISFIABLE: Status = Status(416, "Range Not Satisfiable");
pub const LOCKED: Status = Status(423, "Locked");
pub const HEAD_TOO_LARGE: Status = Status(431, "Request Header Fields Too Large");
pub const UNAVAILABLE: Status = Status(503, "Service Unavailable");
pub const NO_SPACE: Status = Status(507, "Insufficient Storage");

/// Said before a body that the client holds back.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The head of an answer.
pub struct Reply {
    text: String,
}

impl Reply {
    /// With what every answer says.
    #[must_use]
    pub fn new(Status(code, reason): Status) -> Self {
        Self { text: format!("HTTP/1.1 {code} {reason}\r\nX-Content-Type-Options: nosniff\r\n") }
    }

    /// With lines that are ready.
    #[must_use]
    pub fn with_lines(mut self, lines: &str) -> Self {
        self.text.push_str(lines);
        self
    }

    /// With another line.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    /// Sends it; a body of so many bytes follows.
    ///
    /// # Errors
    /// When the peer does not take it.
    pub fn send(self, stream: &mut TcpStream, content_length: Option<u64>, close: bool) -> io::Result<()> {
        let mut head = match content_length {
            Some(length) => self.with("Content-Length", length),
            None => self,
        };
        if close {
            head = head.with("Connection", "close");
        }
        head.text.push_str("\r\n");
        stream.write_all(head.text.as_bytes())
    }
}
