//! HTTP as transfers use it, through a socket that the thread waits for: what is `async` here is done when it is first
//! asked. A browser's is in [`crate::browser`].

use std::io::Read;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use super::source::Gap;
use crate::limits::HTTP_PATIENCE;

/// What came back.
pub struct Reply {
    pub status: u16,
    /// How many bytes of an upload are there.
    pub upload_offset: Option<u64>,
}

/// See the module.
pub struct Http(Agent);

/// Turns what never waits for anybody else.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// Waits.
pub async fn pause(time: Duration) {
    thread::sleep(time);
}

impl Http {
    pub fn new() -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(HTTP_PATIENCE))
            .timeout_send_body(Some(HTTP_PATIENCE))
            .timeout_recv_response(Some(HTTP_PATIENCE))
            .timeout_recv_body(Some(HTTP_PATIENCE))
            .build()
            .new_agent();
        Self(agent)
    }

    /// `None`: no answer.
    pub async fn head(&self, url: &str, headers: &[(&str, &str)]) -> Option<Reply> {
        let mut request = self.0.head(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.call().ok().map(|answer| reply(&answer))
    }

    /// A piece of an upload. `None`: no answer.
    pub async fn patch(&self, url: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Option<Reply> {
        let mut request = self.0.patch(url).content_type("application/offset+octet-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(bytes).ok().map(|answer| reply(&answer))
    }

    /// The status; `None`: no answer, or not all of `body` went within `patience`.
    pub async fn put(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: &mut dyn Read,
        bytes: u64,
        patience: Duration,
    ) -> Option<u16> {
        let put = self.0.put(url).config().timeout_send_body(Some(patience)).build();
        let mut put = put.header("Content-Length", bytes.to_string());
        for (name, value) in headers {
            put = put.header(name, value);
        }
        let answer = put.send(SendBody::from_reader(body));
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// Bytes of what is at an address, at most so many, behind what is in `into`. However it ends, what has come
    /// counts.
    pub async fn range(&self, url: &str, from: u64, most: u64, into: &mut Vec<u8>) -> Result<(), Gap> {
        let range = format!("bytes={from}-{}", from + most - 1);
        let mut answer = self.0.get(url).header("Range", range).call().map_err(|_| Gap::Network)?;
        Gap::of(answer.status().as_u16(), from)?;
        let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
        let _ = reader.take(most).read_to_end(into);
        Ok(())
    }
}

fn reply(answer: &Response<Body>) -> Reply {
    let offset = answer.headers().get("Upload-Offset").and_then(|value| value.to_str().ok());
    Reply { status: answer.status().as_u16(), upload_offset: offset.and_then(|text| text.parse().ok()) }
}
