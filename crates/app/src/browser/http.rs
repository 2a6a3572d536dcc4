//! HTTP as transfers use it, by the browser's `fetch`.

use std::io::Read;
use std::time::Duration;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response, WorkerGlobalScope};

use crate::limits::HTTP_PATIENCE;
use crate::media::Gap;

/// What came back.
pub struct Reply {
    pub status: u16,
    /// How many bytes of an upload are there.
    pub upload_offset: Option<u64>,
}

/// See the module.
pub struct Http;

fn scope() -> Option<WorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// Waits.
pub async fn pause(time: Duration) {
    let waited = Promise::new(&mut |resolve, _| {
        let millis = i32::try_from(millis(time)).unwrap_or(i32::MAX);
        let set = scope()
            .map(|scope| scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis));
        if !matches!(set, Some(Ok(_))) {
            let _ = resolve.call0(&JsValue::NULL);
        }
    });
    let _ = JsFuture::from(waited).await;
}

impl Http {
    pub fn new() -> Self {
        Self
    }

    /// `None`: no answer.
    async fn request<'a>(
        &self,
        method: &str,
        url: &str,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        body: Option<&[u8]>,
        patience: Duration,
    ) -> Option<Response> {
        let all = Headers::new().ok()?;
        for (name, value) in headers {
            all.append(name, value).ok()?;
        }
        let init = RequestInit::new();
        init.set_method(method);
        init.set_headers(&all);
        init.set_signal(Some(&AbortSignal::timeout_with_u32(millis(patience))));
        if let Some(body) = body {
            init.set_body(&Uint8Array::from(body));
        }
        let answer = JsFuture::from(scope()?.fetch_with_str_and_init(url, &init)).await.ok()?;
        answer.dyn_into().ok()
    }

    /// `None`: no answer.
    pub async fn head(&self, url: &str, headers: &[(&str, &str)]) -> Option<Reply> {
        let answer = self.request("HEAD", url, headers.iter().copied(), None, HTTP_PATIENCE).await?;
        Some(reply(&answer))
    }

    /// A piece of an upload. `None`: no answer.
    pub async fn patch(&self, url: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Option<Reply> {
        let kind = [("Content-Type", "application/offset+octet-stream")];
        let headers = headers.iter().chain(&kind).copied();
        let answer = self.request("PATCH", url, headers, Some(bytes), HTTP_PATIENCE).await?;
        Some(reply(&answer))
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
        let mut all = Vec::new();
        body.take(bytes).read_to_end(&mut all).ok()?;
        // A browser says the length itself, and lets nobody else do that.
        let headers = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let answer = self.request("PUT", url, headers, Some(&all), patience).await?;
        Some(answer.status())
    }

    /// Bytes of what is at an address, at most so many, behind what is in `into`.
    pub async fn range(&self, url: &str, from: u64, most: u64, into: &mut Vec<u8>) -> Result<(), Gap> {
        let range = format!("bytes={from}-{}", from + most - 1);
        let headers = [("Range", range.as_str())].into_iter();
        let answer = self.request("GET", url, headers, None, HTTP_PATIENCE).await.ok_or(Gap::Network)?;
        Gap::of(answer.status(), from)?;
        let body = answer.array_buffer().map_err(|_| Gap::Network)?;
        let body = JsFuture::from(body).await.map_err(|_| Gap::Network)?;
        let body = Uint8Array::new(&body);
        let count = body.length().min(u32::try_from(most).unwrap_or(u32::MAX));
        let start = into.len();
        into.resize(start + count as usize, 0);
        body.subarray(0, count).copy_to(into.get_mut(start..).unwrap_or_default());
        Ok(())
    }
}

fn reply(answer: &Response) -> Reply {
    let offset = answer.headers().get("Upload-Offset").ok().flatten();
    Reply { status: answer.status(), upload_offset: offset.and_then(|text| text.parse().ok()) }
}
