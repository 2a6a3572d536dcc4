//! The web app: files that `cargo xtask web` builds and the build script puts into this binary, compressed as they are
//! sent. A page of it is as trustworthy as whoever serves it, so everything that a browser can be told to refuse is
//! refused ([`policy`]); what it shows, it decrypts itself.

mod head;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::limits::{MEDIA_IO_TIMEOUT, WEB_THREADS};
use crate::net::Whose;
use crate::stats::Stats;
use crate::visitor::reply::{self, Reply};
use crate::visitor::{self, Ended, Host, Next, Pace, Pool, Visitor};
use head::{Head, Method, parse};

/// A file of the web app.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Where it is: `/index.html`.
    pub path: &'static str,
    /// Its content.
    pub plain: &'static [u8],
    /// The same, compressed; empty: it is not smaller then.
    pub brotli: &'static [u8],
    /// Likewise.
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// What is where.
pub struct Site {
    files: BTreeMap<&'static str, File>,
    policy: String,
    pool: Pool,
    stats: Arc<Stats>,
}

/// A file, ready to be sent.
struct File {
    /// From what is smallest to what everybody understands.
    forms: Vec<Form>,
    kind: &'static str,
    cached: &'static str,
}

struct Form {
    /// As `Content-Encoding` has it; `None`: as it is.
    encoding: Option<&'static str>,
    etag: String,
    bytes: &'static [u8],
}

/// Named by its content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// To be asked for each time; most answers are "not modified".
const ASK: &str = "no-cache";

impl Site {
    /// The one of this binary. `origins`: where files of messages are, beside here.
    #[must_use]
    pub fn built_in(stats: Arc<Stats>, origins: &[String]) -> Self {
        Self::of(ASSETS, stats, origins)
    }

    fn of(assets: &[Asset], stats: Arc<Stats>, origins: &[String]) -> Self {
        let files = assets.iter().map(|asset| (asset.path, File::of(asset))).collect();
        Self { files, policy: policy::lines(origins), pool: Pool::new("web", WEB_THREADS), stats }
    }

    fn answer(&self, status: reply::Status) -> Reply {
        Reply::new(status).with_lines(&self.policy)
    }

    fn request(&self, stream: &mut TcpStream, read: &mut Vec<u8>) -> Next {
        let head = match visitor::head(stream, read, parse)? {
            Ok(head) => head,
            Err(status) => {
                self.stats.web_refused.add(1);
                self.answer(status).with("Cache-Control", "no-store").send(stream, Some(0), true)?;
                visitor::linger(stream);
                return Ok(false);
            }
        };
        stream.set_read_timeout(Some(MEDIA_IO_TIMEOUT))?;
        self.stats.web_requests.add(1);
        // A body that nobody read would be taken for the next request.
        let close = head.close || head.has_body;
        self.say(stream, &head, close)?;
        if head.has_body {
            visitor::linger(stream);
        }
        Ok(!close)
    }

    fn say(&self, stream: &mut TcpStream, head: &Head, close: bool) -> Result<(), Ended> {
        let refused = |status| {
            self.stats.web_refused.add(1);
            self.answer(status).with("Cache-Control", "no-store")
        };
        if head.method == Method::Other {
            let reply = refused(reply::METHOD_NOT_ALLOWED).with("Allow", "GET, HEAD");
            return Ok(reply.send(stream, Some(0), close)?);
        }
        let path = if head.path == "/" { "/index.html" } else { &head.path };
        let Some(file) = self.files.get(path) else {
            return Ok(refused(reply::NOT_FOUND).send(stream, Some(0), close)?);
        };
        let Some(form) = file.forms.iter().find(|form| head.takes(form.encoding)) else {
            return Ok(refused(reply::NOT_ACCEPTABLE).send(stream, Some(0), close)?);
        };
        let described = |status| {
            let reply = self.answer(status).with("ETag", &form.etag).with("Cache-Control", file.cached);
            reply.with("Vary", "Accept-Encoding")
        };
        if head.has(&form.etag) {
            return Ok(described(reply::NOT_MODIFIED).send(stream, None, close)?);
        }
        let mut ready = described(reply::OK).with("Content-Type", file.kind);
        if let Some(encoding) = form.encoding {
            ready = ready.with("Content-Encoding", encoding);
        }
        ready.send(stream, Some(form.bytes.len() as u64), close)?;
        if head.method == Method::Get { self.send(stream, form.bytes) } else { Ok(()) }
    }

    fn send(&self, stream: &mut TcpStream, mut left: &[u8]) -> Result<(), Ended> {
        let mut pace = Pace::new();
        while !left.is_empty() {
            match stream.write(left) {
                Ok(0) => return Err(Ended),
                Ok(written) => {
                    left = left.get(written..).unwrap_or_default();
                    self.stats.web_bytes_out.add(written as u64);
                    if !pace.keeps_up(written) {
                        return Err(Ended);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Ended),
            }
        }
        Ok(())
    }
}

impl File {
    fn of(asset: &Asset) -> Self {
        let hash = HEXLOWER.encode(Sha256::digest(asset.plain).get(..16).unwrap_or_default());
        let form = |encoding: Option<&'static str>, bytes: &'static [u8]| Form {
            encoding,
            etag: encoding.map_or_else(|| format!("\"{hash}\""), |name| format!("\"{hash}-{name}\"")),
            bytes,
        };
        let compressed = [(Some("br"), asset.brotli), (Some("gzip"), asset.gzip)];
        let compressed = compressed.into_iter().filter(|(_, bytes)| !bytes.is_empty());
        let forms = compressed.chain([(None, asset.plain)]).map(|(encoding, bytes)| form(encoding, bytes));
        // Vite puts what it names by its content there, and nothing else.
        let cached = if asset.path.starts_with("/assets/") { FOR_GOOD } else { ASK };
        Self { forms: forms.collect(), kind: kind(asset.path), cached }
    }
}

/// The media type, by the end of the name.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

impl Host for Site {
    fn pool(&self) -> &Pool {
        &self.pool
    }

    fn serve(&self, visitor: Visitor) {
        visitor::serve(visitor, Whose::Web, |stream, read| self.request(stream, read));
    }

    fn refused(&self) {
        self.stats.web_refused.add(1);
    }
}
