//! What a link leads to, found out by whoever sends it: readers are shown it without asking the site anything.
//!
//! What the site answers is hostile: it costs bounded time and memory, and only text and pixels come out of it.
//! The site sees the sender's address and when, which is why people can turn this off.

mod image;
mod page;
mod reach;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

#[cfg(test)]
pub(crate) use image::small;
pub(crate) use image::{on_white, shrunk};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, http};
use url::Url;
use waxwing_wire::limits::{MAX_LABEL_BYTES, MAX_URL_BYTES};

use crate::api::Preview;
use crate::limits::{MAX_PAGE_BYTES, MAX_PICTURE_BYTES, MAX_PREVIEW_HOPS, PREVIEW_PATIENCE};
pub use reach::Reach;

/// Why there is none. Names no address: what people write is not for logs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPreview {
    /// There is no link in the text.
    #[error("there is no link in the text")]
    NoLink,
    /// A link that does not lead to a page of the web, or one that is too long.
    #[error("the link cannot be followed")]
    Unfit,
    /// The site cannot be reached, took too long, is none that may be asked, or answers with an error.
    #[error("the site did not answer with a page")]
    NoPage,
    /// The page says nothing about itself.
    #[error("the page has no title")]
    NoTitle,
}

/// The first link in a text, as it stands there.
#[must_use]
pub fn link(text: &str) -> Option<&str> {
    let starts = ["https://", "http://"];
    let begin = starts.iter().filter_map(|start| text.find(start)).min()?;
    let rest = text.get(begin..)?;
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(rest.len());
    let link = rest.get(..end)?;
    // Punctuation after a link belongs to the sentence; a bracket does if it was not opened in the link.
    let mut link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '|', '`']);
    while link.ends_with(')') && link.matches(')').count() > link.matches('(').count() {
        link = link.strip_suffix(')')?.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    }
    link.split_once("://").is_some_and(|(_, host)| !host.is_empty()).then_some(link)
}

/// Asks the site that the first link of a text leads to what it says about itself. Waits at most
/// [`PREVIEW_PATIENCE`].
///
/// # Errors
/// See [`NoPreview`].
pub fn fetch(text: &str, reach: Reach) -> Result<Preview, NoPreview> {
    let link = link(text).ok_or(NoPreview::NoLink)?;
    let url = Url::parse(link).map_err(|_| NoPreview::Unfit)?;
    if link.len() > MAX_URL_BYTES
        || !reach.allows(&url)
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(NoPreview::Unfit);
    }
    let deadline = Instant::now() + PREVIEW_PATIENCE;
    let (page, found_at) =
        get(url, reach, deadline, MAX_PAGE_BYTES, &["text/html", "application/xhtml+xml"])?;
    let about = page::read(&page);
    let image = about
        .image
        .and_then(|image| found_at.join(&image).ok())
        .filter(|image| reach.allows(image))
        .and_then(|image| get(image, reach, deadline, MAX_PICTURE_BYTES, &["image/"]).ok())
        .and_then(|(picture, _)| image::small(&picture))
        .unwrap_or_default();
    let title = fit(about.title.as_deref().unwrap_or_default());
    if title.is_empty() {
        return Err(NoPreview::NoTitle);
    }
    Ok(Preview {
        url: link.to_owned(),
        title,
        description: fit(about.description.as_deref().unwrap_or_default()),
        image: data_encoding::BASE64.encode(&image),
    })
}

/// The start of what is there, and where it was in the end. Follows redirections by itself, so that each is
/// looked at before it is followed.
fn get(
    mut url: Url,
    reach: Reach,
    deadline: Instant,
    max_bytes: u64,
    kinds: &[&str],
) -> Result<(Vec<u8>, Url), NoPreview> {
    for _ in 0..=MAX_PREVIEW_HOPS {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoPreview::NoPage);
        }
        let mut answer = agent(reach, left).get(url.as_str()).call().map_err(|_| NoPreview::NoPage)?;
        if answer.status().is_redirection() {
            let next = header(&answer, "location").and_then(|next| url.join(next).ok());
            url = next.filter(|next| reach.allows(next)).ok_or(NoPreview::NoPage)?;
            continue;
        }
        let kind = header(&answer, "content-type").unwrap_or_default().to_ascii_lowercase();
        if !answer.status().is_success() || !kinds.iter().any(|wanted| kind.starts_with(wanted)) {
            return Err(NoPreview::NoPage);
        }
        return Ok((start(answer.body_mut(), max_bytes), url));
    }
    Err(NoPreview::NoPage)
}

fn header<'a>(answer: &'a http::Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// As much of it as came before it ended, broke off, or was enough. What is compressed counts unpacked.
fn start(body: &mut Body, max_bytes: u64) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    // What came before an error is good enough: a title stands at the beginning.
    let _ = body.with_config().limit(u64::MAX).reader().take(max_bytes).read_to_end(&mut bytes);
    bytes
}

fn agent(reach: Reach, patience: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(patience))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent("waxwing")
        .accept("text/html, image/*;q=0.9")
        .build();
    Agent::with_parts(config, DefaultConnector::default(), reach)
}

/// On one line, and not longer than fits.
fn fit(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        let space = usize::from(!out.is_empty());
        if out.len() + space + word.len() > MAX_LABEL_BYTES - '…'.len_utf8() {
            out.push('…');
            break;
        }
        if space > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
