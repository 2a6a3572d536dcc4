//! The little HTTP that the port speaks: the way into a WebSocket, and a polite no.

use std::net::{IpAddr, SocketAddr};

use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};

use crate::media::is_media;

/// Where the stream is.
pub const STREAM_PATH: &str = "/v1/stream";

const HEAD_END: &[u8] = b"\r\n\r\n";

const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// All threads that files go through have somebody.
pub const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The I/O thread.
    Stream,
    /// Whoever has files.
    Files,
    /// Whoever has the web app: everything else is there or is nowhere.
    Web,
}

/// Who answers the request whose first bytes these are; `None`: that is not known yet.
#[must_use]
pub fn whose(bytes: &[u8]) -> Option<Whose> {
    if is_media(bytes)? {
        return Some(Whose::Files);
    }
    let line = bytes.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next()?;
    if path == STREAM_PATH.as_bytes() {
        return Some(Whose::Stream);
    }
    // A thread is taken for what can be answered, not for what may come.
    bytes.windows(HEAD_END.len()).any(|end| end == HEAD_END).then_some(Whose::Web)
}

/// What a request leads to.
pub enum Answer {
    /// More of it is needed.
    Partial,
    /// A WebSocket, once the response is sent.
    Upgrade {
        /// Bytes of the request.
        consumed: usize,
        /// Bytes of the response.
        response: Vec<u8>,
        /// Whom the proxy in front of us says that it speaks for.
        forwarded_for: Option<IpAddr>,
    },
    /// Send this and close.
    Refuse(&'static [u8]),
}

/// Reads a request's head.
#[must_use]
pub fn answer(head: &[u8]) -> Answer {
    match Request::try_parse(head) {
        Ok(None) => Answer::Partial,
        Ok(Some((consumed, request))) if request.uri().path() == STREAM_PATH => {
            let mut response = Vec::new();
            let written = create_response(&request).and_then(|made| write_response(&mut response, &made));
            let forwarded_for = forwarded_for(&request);
            written.map_or(Answer::Refuse(BAD_REQUEST), |()| Answer::Upgrade {
                consumed,
                response,
                forwarded_for,
            })
        }
        Ok(Some(_)) => Answer::Refuse(NOT_FOUND),
        Err(_) => Answer::Refuse(BAD_REQUEST),
    }
}

/// The last address of the last `X-Forwarded-For`: the one that the nearest proxy has added. What stands before
/// it came from the client, who can write anything there.
fn forwarded_for(request: &Request) -> Option<IpAddr> {
    let header = request.headers().get_all("x-forwarded-for").iter().next_back()?;
    let last = header.to_str().ok()?.rsplit(',').next()?.trim();
    let without_port = || last.parse::<SocketAddr>().map(|address| address.ip());
    last.parse().or_else(|_| without_port()).ok()
}

#[cfg(test)]
mod tests;
