//! As much of XML as it takes to cut a well-formed XMPP stream into stanzas.

use anyhow::{Context, bail};

/// Bytes that one stanza may have; ours have a few hundred.
const MAX_STANZA_BYTES: usize = 64 * 1024;

/// A stream as it comes.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// Everything before it is cut into tags.
    scanned: usize,
    /// Elements that are open, the stream itself not counted.
    depth: usize,
}

impl Splitter {
    /// More of it.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole stanza. The headers of streams are skipped.
    pub fn next_stanza(&mut self) -> anyhow::Result<Option<String>> {
        while let Some((tag, end)) = self.next_tag() {
            let header = tag.starts_with("<?") || tag.starts_with("<stream:stream");
            if tag.starts_with("</stream:stream") {
                bail!("the stream was closed");
            } else if header {
                self.buffer.drain(..end);
                self.scanned = 0;
                self.depth = 0;
                continue;
            } else if tag.starts_with("</") {
                self.depth = self.depth.checked_sub(1).context("an end without a beginning")?;
            } else if !tag.ends_with("/>") {
                self.depth += 1;
            }
            self.scanned = end;
            if self.depth == 0 {
                let stanza = self.buffer.drain(..end).collect();
                self.scanned = 0;
                return Ok(Some(String::from_utf8(stanza)?));
            }
        }
        if self.buffer.len() > MAX_STANZA_BYTES { bail!("an endless stanza") } else { Ok(None) }
    }

    /// The first whole tag behind what was scanned, and where it ends.
    fn next_tag(&self) -> Option<(String, usize)> {
        let rest = self.buffer.get(self.scanned..)?;
        let begin = rest.iter().position(|byte| *byte == b'<')?;
        let mut quote = None;
        for (at, byte) in rest.iter().enumerate().skip(begin) {
            match (quote, byte) {
                (None, b'\'' | b'"') => quote = Some(*byte),
                (Some(open), byte) if open == *byte => quote = None,
                (None, b'>') => {
                    let tag = rest.get(begin..=at)?;
                    return Some((String::from_utf8_lossy(tag).into_owned(), self.scanned + at + 1));
                }
                _ => {}
            }
        }
        None
    }
}

/// An attribute of the first element of `xml`.
pub fn attribute<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let tag = xml.split('>').next()?;
    ["'", "\""].iter().find_map(|quote| {
        let (_, value) = tag.split_once(&format!(" {name}={quote}"))?;
        value.split(quote).next()
    })
}

/// RFC 4648, section 4.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = ALPHABET.get((word >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_are_cut_however_they_come() {
        let stream = "<?xml version='1.0'?><stream:stream id='1' xmlns='jabber:client'><stream:features><a><b/></a>\
            </stream:features>\n<r xmlns='urn:xmpp:sm:3'/><message id='5 > 4'><body>x</body></message>";
        let whole = [
            "<stream:features><a><b/></a></stream:features>",
            "\n<r xmlns='urn:xmpp:sm:3'/>",
            "<message id='5 > 4'><body>x</body></message>",
        ];
        for step in [1, 2, 7, 1_000] {
            let (mut splitter, mut stanzas) = (Splitter::default(), Vec::new());
            for chunk in stream.as_bytes().chunks(step) {
                splitter.push(chunk);
                while let Some(stanza) = splitter.next_stanza().unwrap() {
                    stanzas.push(stanza);
                }
            }
            assert_eq!(stanzas, whole);
        }
    }

    #[test]
    fn attributes_and_base64() {
        assert_eq!(attribute("<a h='12' xmlns=\"x\"><b h='3'/></a>", "h"), Some("12"));
        assert_eq!(attribute("<a h='12' xmlns=\"x\"/>", "xmlns"), Some("x"));
        assert_eq!(attribute("<a/>", "h"), None);
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in vectors.iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), *text);
        }
    }
}
