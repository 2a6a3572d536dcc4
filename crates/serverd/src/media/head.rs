//! Heads of requests: bytes of strangers.

use waxwing_wire::FileId;
use waxwing_wire::file::UploadToken;

use crate::visitor::{self, Parsed};

/// Where files are.
pub const PATH: &str = "/media/";

/// Methods that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A download.
    Get,
    /// How far an upload has come, or how large a download is.
    Head,
    /// More of an upload.
    Patch,
    /// An upload is given up.
    Delete,
    /// What is possible here; a browser asks before it asks.
    Options,
    /// Anything else.
    Other,
}

/// What a request says, as far as anybody here looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub method: Method,
    /// Which file; `None`: the path names none.
    pub file: Option<FileId>,
    /// Behind the question mark.
    pub query: String,
    pub content_length: Option<u64>,
    /// The body comes in a way that is not understood here.
    pub encoded: bool,
    pub token: Option<UploadToken>,
    pub upload_offset: Option<u64>,
    /// It speaks the version of tus that is spoken here.
    pub tus: bool,
    /// The body is a piece of an upload.
    pub offset_stream: bool,
    pub range: Option<Range>,
    /// The client has it already.
    pub has_it: bool,
    pub expects_continue: bool,
    /// Nothing comes after it.
    pub close: bool,
}

/// A single range of bytes (RFC 9110, section 14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From this byte to that one, the last if it is not said.
    From(u64, Option<u64>),
    /// The last so many.
    Last(u64),
}

/// Whether the request whose first bytes these are goes to files; `None`: that is not known yet.
#[must_use]
pub fn is_media(bytes: &[u8]) -> Option<bool> {
    let line = bytes.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let mut words = line.split(|byte| *byte == b' ');
    let (_, target) = (words.next()?, words.next());
    let whole = words.next().is_some() || line.len() < bytes.len();
    match target {
        Some(target) if whole || target.len() >= PATH.len() => Some(target.starts_with(PATH.as_bytes())),
        Some(target) if !PATH.as_bytes().starts_with(target) => Some(false),
        _ if whole => Some(false),
        _ => None,
    }
}

/// Reads a head from the start of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<Head> {
    visitor::parse(bytes, read)
}

fn read(request: &httparse::Request<'_, '_>) -> Option<Head> {
    let target = request.path?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method = match request.method? {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        _ => Method::Other,
    };
    let file = path.strip_prefix(PATH).and_then(FileId::from_hex);
    let mut head = Head {
        method,
        file,
        query: query.to_owned(),
        content_length: None,
        encoded: false,
        token: None,
        upload_offset: None,
        tus: false,
        offset_stream: false,
        range: None,
        has_it: false,
        expects_continue: false,
        close: request.version == Some(0),
    };
    for header in request.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value) else { continue };
        take(&mut head, header.name, value.trim())?;
    }
    Some(head)
}

/// `None`: two readers could take the request for two things.
fn take(head: &mut Head, name: &str, value: &str) -> Option<()> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("content-length") {
        let length = number(value)?;
        if head.content_length.is_some_and(|before| before != length) {
            return None;
        }
        head.content_length = Some(length);
    } else if is("transfer-encoding") || is("content-encoding") {
        head.encoded = true;
    } else if is("authorization") {
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        head.token = token.and_then(|(_, token)| UploadToken::from_hex(token.trim()));
    } else if is("upload-offset") {
        head.upload_offset = number(value);
    } else if is("tus-resumable") {
        head.tus = value == "1.0.0";
    } else if is("content-type") {
        head.offset_stream = value.eq_ignore_ascii_case("application/offset+octet-stream");
    } else if is("range") {
        head.range = range(value);
    } else if is("if-none-match") {
        head.has_it = head.file.is_some_and(|file| value.contains(&file.to_hex()));
    } else if is("expect") {
        head.expects_continue = value.eq_ignore_ascii_case("100-continue");
    } else if is("connection") {
        head.close |= value.split(',').any(|word| word.trim().eq_ignore_ascii_case("close"));
    }
    Some(())
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// One range; what is not understood, several among it, is as if nothing were said.
fn range(value: &str) -> Option<Range> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(Range::Last(number(last)?)),
        (first, "") => Some(Range::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

impl Range {
    /// First byte and length within a file of so many bytes; `None`: there is nothing of it.
    #[must_use]
    pub fn within(self, bytes: u64) -> Option<(u64, u64)> {
        match self {
            Self::From(first, last) => {
                let end = last.map_or(bytes, |last| last.saturating_add(1).min(bytes));
                (first < end).then(|| (first, end - first))
            }
            Self::Last(0) => None,
            Self::Last(count) => {
                let count = count.min(bytes);
                (count > 0).then(|| (bytes - count, count))
            }
        }
    }
}

#[cfg(test)]
mod tests;
