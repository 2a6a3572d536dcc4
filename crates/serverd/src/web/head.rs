//! Heads of requests: bytes of strangers.

use crate::visitor::{self, Parsed};

/// Methods that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    /// Anything else.
    Other,
}

/// What a request says, as far as anybody here looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub method: Method,
    /// Up to the question mark, as it stands: whatever is here is called by plain letters.
    pub path: String,
    /// `Accept-Encoding`, if it says anything.
    encodings: Option<String>,
    /// `If-None-Match`.
    known: String,
    pub has_body: bool,
    /// Nothing comes after it.
    pub close: bool,
}

/// Reads a head from the start of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<Head> {
    visitor::parse(bytes, read)
}

fn read(request: &httparse::Request<'_, '_>) -> Option<Head> {
    let target = request.path?;
    let mut head = Head {
        method: match request.method? {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => Method::Other,
        },
        path: target.split_once('?').map_or(target, |(path, _)| path).to_owned(),
        encodings: None,
        known: String::new(),
        has_body: false,
        close: request.version == Some(0),
    };
    for header in request.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value) else { continue };
        let (value, is) = (value.trim(), |known: &str| header.name.eq_ignore_ascii_case(known));
        if is("accept-encoding") {
            append(head.encodings.get_or_insert_default(), value);
        } else if is("if-none-match") {
            append(&mut head.known, value);
        } else if is("content-length") {
            head.has_body |= value != "0";
        } else if is("transfer-encoding") {
            head.has_body = true;
        } else if is("connection") {
            head.close |= words(value).any(|word| word.eq_ignore_ascii_case("close"));
        }
    }
    Some(head)
}

/// A list may stand in several lines.
fn append(list: &mut String, more: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(more);
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

impl Head {
    /// Whether the client takes a content that is encoded so; `None`: as it is (RFC 9110, section 12.5.3).
    #[must_use]
    pub fn takes(&self, encoding: Option<&str>) -> bool {
        let Some(list) = &self.encodings else { return encoding.is_none() };
        let said = |name: &str| {
            let mut entries = words(list).map(|entry| {
                let mut parts = entry.split(';').map(str::trim);
                (parts.next().unwrap_or_default(), parts.all(|part| !is_zero(part)))
            });
            entries.find(|(entry, _)| entry.eq_ignore_ascii_case(name)).map(|(_, wanted)| wanted)
        };
        match encoding {
            Some(encoding) => said(encoding).or_else(|| said("*")).unwrap_or(false),
            None => said("identity").or_else(|| said("*")).unwrap_or(true),
        }
    }

    /// Whether the client has it already.
    #[must_use]
    pub fn has(&self, etag: &str) -> bool {
        words(&self.known).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
    }
}

/// `q=0`, with as many zeros as there may be.
fn is_zero(parameter: &str) -> bool {
    let value = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    value.is_some_and(|(_, value)| value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0))
}
