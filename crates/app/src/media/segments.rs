//! A file that goes up in segments, each by a PUT of its own to an address that the server has signed. What is up stays
//! up: it is noted beside the ciphertext, so that nothing goes twice after a restart. Addresses end and are asked for
//! again; whether everything is there, the server says.

use std::io::{self, Read, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use waxwing_client::Upload;
use waxwing_client::attachment::Layout;
use waxwing_wire::RejectCode;

use super::http::Http;
use super::pieces::Pieces as _;
use super::transfer::{Patience, Progress};
use super::{Answer, Question, Reporter, Sealed, Uploaded, Vault};
use crate::limits::{MAX_ADDRESSES_ASKED, SEGMENT_PATIENCE_MAX, SEGMENT_PATIENCE_MIN};

/// Addresses of some segments, one after the other.
#[derive(Default)]
struct Addresses {
    first: u64,
    urls: Vec<String>,
    /// What goes along with each.
    headers: Vec<(String, String)>,
}

impl Addresses {
    fn of(&self, segment: u64) -> Option<&String> {
        let place = usize::try_from(segment.checked_sub(self.first)?).ok()?;
        self.urls.get(place)
    }
}

/// How a PUT has ended.
enum Put {
    Done,
    /// The address does not count (any more).
    Refused,
    Failed,
    /// The ciphertext cannot be read.
    Missing,
}

/// What comes next.
enum Step {
    On,
    /// The same again, after a while.
    Wait,
    End(Uploaded),
}

/// An upload in segments, and how far it is.
pub struct Segmented<'a> {
    vault: &'a Vault,
    upload: &'a Upload,
    file: Sealed,
    total: u64,
    report: &'a Reporter,
    progress: Progress<'a>,
    patience: Patience<'a>,
    http: Http,
    /// All before it are up.
    next: u64,
    addresses: Addresses,
    /// Times in a row that an address did not count, or that something was missing in the end.
    refused: u32,
    /// For one segment: longer with every one that did not get there.
    time: Duration,
}

impl<'a> Segmented<'a> {
    pub fn new(
        vault: &'a Vault,
        upload: &'a Upload,
        (file, layout): (Sealed, Layout),
        stop: &'a AtomicBool,
        report: &'a Reporter,
    ) -> Self {
        let total = layout.sealed_bytes();
        Self {
            vault,
            upload,
            file,
            total,
            report,
            progress: Progress::of(report, upload.digest, true, total),
            patience: Patience { failures: 0, stop },
            http: Http::new(),
            next: vault.sent(&upload.digest, upload.ticket.file),
            addresses: Addresses::default(),
            refused: 0,
            time: SEGMENT_PATIENCE_MIN,
        }
    }

    /// For as long as it takes. `None`: it was stopped.
    pub async fn run(mut self) -> Option<Uploaded> {
        let count = self.total.div_ceil(self.upload.ticket.segment_bytes);
        self.next = self.next.min(count);
        loop {
            self.progress.at(self.at());
            if self.patience.stopped() {
                return None;
            }
            if self.refused > MAX_ADDRESSES_ASKED {
                return Some(Uploaded::Ticket);
            }
            match if self.next == count { self.finish().await } else { self.segment().await } {
                Step::On => {}
                Step::Wait => {
                    let _stopped = self.patience.wait(u32::MAX).await;
                }
                Step::End(end) => return Some(end),
            }
        }
    }

    /// Where the next segment begins.
    fn at(&self) -> u64 {
        self.next.saturating_mul(self.upload.ticket.segment_bytes).min(self.total)
    }

    async fn finish(&mut self) -> Step {
        let digest = self.upload.digest;
        match (Question::Finish { digest }).ask(self.report, self.patience.stop).await {
            Answer::Done => {
                self.vault.forget_sent(&digest);
                Step::End(Uploaded::Whole)
            }
            // Something that was put is not there: all of it again.
            Answer::Refused(RejectCode::Malformed) => {
                self.vault.forget_sent(&digest);
                (self.next, self.refused) = (0, self.refused + 1);
                Step::Wait
            }
            answer => heard(&answer),
        }
    }

    async fn segment(&mut self) -> Step {
        let Some(url) = self.addresses.of(self.next).cloned() else {
            let first = u32::try_from(self.next).unwrap_or(u32::MAX);
            let question = Question::Segments { digest: self.upload.digest, first };
            return match question.ask(self.report, self.patience.stop).await {
                Answer::Segments(segments) if !segments.urls.is_empty() => {
                    self.addresses =
                        Addresses { first: self.next, urls: segments.urls, headers: segments.headers };
                    Step::On
                }
                answer => heard(&answer),
            };
        };
        match self.put(&url).await {
            Put::Done => {
                self.next += 1;
                (self.patience.failures, self.refused) = (0, 0);
                self.vault.note_sent(&self.upload.digest, self.upload.ticket.file, self.next);
                Step::On
            }
            Put::Refused => {
                self.refused += 1;
                self.addresses = Addresses::default();
                if self.refused > 1 { Step::Wait } else { Step::On }
            }
            Put::Failed => {
                self.time = (self.time * 2).min(SEGMENT_PATIENCE_MAX);
                Step::Wait
            }
            Put::Missing => Step::End(Uploaded::Missing),
        }
    }

    async fn put(&mut self, url: &str) -> Put {
        let at = self.at();
        let bytes = self.upload.ticket.segment_bytes.min(self.total - at);
        if self.file.seek(SeekFrom::Start(at)).is_err() {
            return Put::Missing;
        }
        let stop = self.patience.stop;
        let mut body = Body { file: (&mut self.file).take(bytes), at, progress: &mut self.progress, stop };
        let headers = &self.addresses.headers;
        match self.http.put(url, headers, &mut body, bytes, self.time).await {
            Some(200..=299) => Put::Done,
            Some(400 | 401 | 403 | 404 | 410) => Put::Refused,
            _ if self.file.size().ok() != Some(self.total) => Put::Missing,
            _ => Put::Failed,
        }
    }
}

/// What the server says instead of what was asked for.
fn heard(answer: &Answer) -> Step {
    match answer {
        Answer::Refused(RejectCode::FileGone | RejectCode::NotAllowed | RejectCode::NotOffered) => {
            Step::End(Uploaded::Ticket)
        }
        _ => Step::Wait,
    }
}

/// A segment on its way, which says how far it is.
struct Body<'a, 'b> {
    file: io::Take<&'a mut Sealed>,
    at: u64,
    progress: &'a mut Progress<'b>,
    stop: &'a AtomicBool,
}

impl Read for Body<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Other.into());
        }
        let read = self.file.read(into)?;
        self.progress.at(self.at);
        self.at += read as u64;
        Ok(read)
    }
}
