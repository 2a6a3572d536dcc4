//! WebDAV (RFC 4918), as far as it takes to keep files: PUT, GET, DELETE, and MKCOL for the folder itself.

use std::fs::File;
use std::io::{self, Read};

use data_encoding::BASE64;
use ureq::http::{Request, Response};
use ureq::{Agent, Body, BodyReader, SendBody};
use zeroize::Zeroizing;

use super::{Cloud, CloudError};
use crate::limits::{HTTP_PATIENCE, MAX_PIECE_BYTES};

/// A folder there.
#[derive(Clone)]
pub struct WebDav {
    agent: Agent,
    /// Ends with a slash.
    url: String,
    authorization: Option<Zeroizing<String>>,
}

impl WebDav {
    pub fn new(url: &str, user: Option<&str>, password: Option<&str>) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_connect(Some(HTTP_PATIENCE))
            .timeout_recv_response(Some(HTTP_PATIENCE))
            .timeout_recv_body(Some(HTTP_PATIENCE))
            .build()
            .new_agent();
        let authorization = user.map(|user| {
            let both = Zeroizing::new(format!("{user}:{}", password.unwrap_or_default()));
            Zeroizing::new(format!("Basic {}", BASE64.encode(both.as_bytes())))
        });
        Self { agent, url: format!("{}/", url.trim_end_matches('/')), authorization }
    }

    fn request(&self, method: &str, name: &str) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}{name}", self.url));
        match &self.authorization {
            Some(value) => request.header("Authorization", value.as_str()),
            None => request,
        }
    }

    fn run(&self, request: ureq::http::request::Builder) -> Result<Response<Body>, CloudError> {
        let request = request.body(()).map_err(|_| CloudError::Unreachable("its address".to_owned()))?;
        self.agent.run(request).map_err(unreachable)
    }

    fn put_once(&self, name: &str, content: &File, bytes: u64) -> Result<u16, CloudError> {
        let request = self
            .request("PUT", name)
            .header("Content-Type", "application/octet-stream")
            .header("Content-Length", bytes)
            .body(SendBody::from_owned_reader(content.try_clone()?.take(bytes)))
            .map_err(|_| CloudError::Unreachable("its address".to_owned()))?;
        Ok(self.agent.run(request).map_err(unreachable)?.status().as_u16())
    }
}

/// Of an error only what kind it is: the rest may name the place.
fn unreachable(error: ureq::Error) -> CloudError {
    CloudError::Unreachable(
        match error {
            ureq::Error::Timeout(_) => "it takes too long",
            ureq::Error::HostNotFound => "there is no such host",
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "the connection cannot be made secure",
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => "its address",
            _ => "no connection",
        }
        .to_owned(),
    )
}

fn meaning(status: u16) -> Result<(), CloudError> {
    match status {
        200..=299 => Ok(()),
        401 | 403 => Err(CloudError::Refused),
        404 | 410 => Err(CloudError::Gone),
        413 | 507 => Err(CloudError::Full),
        other => Err(CloudError::Unreachable(format!("it says {other}"))),
    }
}

impl Cloud for WebDav {
    fn put(&self, name: &str, content: File, bytes: u64) -> Result<(), CloudError> {
        let mut status = self.put_once(name, &content, bytes)?;
        if matches!(status, 404 | 409) {
            // The folder itself is not there yet.
            let made = self.run(self.request("MKCOL", ""))?.status().as_u16();
            if made != 405 {
                meaning(made)?;
            }
            io::Seek::rewind(&mut &content)?;
            status = self.put_once(name, &content, bytes)?;
        }
        meaning(status)
    }

    fn read(&self, name: &str, from: u64) -> Result<Box<dyn Read>, CloudError> {
        let mut pieces = Pieces { dav: self.clone(), name: name.to_owned(), at: from, piece: None };
        // What is not there is said at once.
        pieces.next()?;
        Ok(Box::new(pieces))
    }

    fn delete(&self, name: &str) -> Result<(), CloudError> {
        match meaning(self.run(self.request("DELETE", name))?.status().as_u16()) {
            Err(CloudError::Gone) => Ok(()),
            other => other,
        }
    }
}

/// A file that comes in pieces: a connection on which nothing comes any more is noticed.
struct Pieces {
    dav: WebDav,
    name: String,
    /// Where the next one begins.
    at: u64,
    /// How many bytes of it are still expected, if it is known that more can follow.
    piece: Option<(BodyReader<'static>, Option<u64>)>,
}

impl Pieces {
    fn next(&mut self) -> Result<(), CloudError> {
        let range = format!("bytes={}-{}", self.at, self.at.saturating_add(MAX_PIECE_BYTES - 1));
        let answer = self.dav.run(self.dav.request("GET", &self.name).header("Range", range))?;
        self.piece = None;
        let status = answer.status().as_u16();
        if status == 416 {
            return Ok(());
        }
        meaning(status)?;
        let mut content = answer.into_body().into_with_config().limit(u64::MAX).reader();
        if status == 206 {
            self.piece = Some((content, Some(MAX_PIECE_BYTES)));
        } else {
            // It knows no ranges: what is here already comes once more.
            io::copy(&mut (&mut content).take(self.at), &mut io::sink())?;
            self.piece = Some((content, None));
        }
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((piece, left)) = &mut self.piece else { return Ok(0) };
            let read = piece.read(into)?;
            self.at = self.at.saturating_add(read as u64);
            match left {
                // The last one is shorter.
                Some(left) if read == 0 && *left > 0 => return Ok(0),
                Some(left) if read > 0 => *left = left.saturating_sub(read as u64),
                _ => {}
            }
            if read > 0 || left.is_none() || into.is_empty() {
                return Ok(read);
            }
            self.next().map_err(io::Error::other)?;
        }
    }
}
