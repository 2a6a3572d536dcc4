//! Files in an object store: clients put and fetch segments there themselves, by presigned URLs. What this server
//! does is signing, looking and deleting, in threads that may wait; the engine waits for none of it.

mod bucket;
mod http;
mod sas;
mod settings;
mod sized;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use waxwing_server::{Origin, rejects};
use waxwing_wire::file::{Download, Segments, UploadTicket, UploadToken};
use waxwing_wire::limits::MAX_SEGMENT_URLS;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{FileId, Reject, RejectCode};

use super::keeper::Each;
use super::{Keeper, Media, now_s};
use crate::limits::{
    MEDIA_CHORES_WAITING, OBJECT_QUESTIONS, OBJECT_THREADS, SEGMENT_BYTES, SEGMENT_LINK_SECONDS,
};
use crate::message::{Answered, Job};
use crate::queue::Queue;
use crate::stats::Stats;
use bucket::{Bucket, There, segments};
pub use settings::{ObjectSettings, Service, Storage};

/// What a device waits for.
enum Question {
    Segments {
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        count: u32,
    },
    Download {
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
    },
    /// Are all of them there?
    Check {
        origin: Origin,
        file: FileId,
        token: [u8; 32],
        bytes: u64,
    },
}

/// See the module.
pub struct Objects {
    bucket: Bucket,
    cdn_url: Option<String>,
    questions: SyncSender<Question>,
    deletes: SyncSender<FileId>,
    engine: Arc<Queue<Job>>,
    stats: Arc<Stats>,
}

impl Objects {
    /// Tries the store, and begins to work.
    ///
    /// # Errors
    /// When the store cannot be used, and what to do.
    pub fn open(
        settings: &ObjectSettings,
        cdn_url: Option<String>,
        engine: Arc<Queue<Job>>,
        stats: Arc<Stats>,
    ) -> anyhow::Result<Arc<Self>> {
        let bucket = Bucket::open(settings)?;
        bucket.check()?;
        let (questions, asked) = sync_channel(OBJECT_QUESTIONS);
        let (deletes, to_delete) = sync_channel(MEDIA_CHORES_WAITING);
        let objects = Arc::new(Self { bucket, cdn_url, questions, deletes, engine, stats });
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..OBJECT_THREADS {
            let (works, asked) = (objects.clone(), asked.clone());
            spawn("objects", move || works.answer(&asked))?;
        }
        let works = objects.clone();
        spawn("objects-delete", move || {
            for file in to_delete {
                works.delete_now(file);
            }
        })?;
        Ok(objects)
    }

    fn ask(&self, question: Question) -> Option<ResponseBody> {
        let full = self.questions.try_send(question).is_err();
        full.then(|| ResponseBody::Reject(rejects::unavailable()))
    }

    fn answer(&self, asked: &Mutex<Receiver<Question>>) {
        loop {
            // Whoever has the lock waits for the next question; the others wait for the lock.
            let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(question) = next else { return };
            let job = match question {
                Question::Segments { origin, file, bytes, first, count } => {
                    let count = usize::try_from(count).unwrap_or(usize::MAX).min(MAX_SEGMENT_URLS);
                    let urls = numbers(bytes, first, count);
                    let urls = urls.map(|segment| self.bucket.put_url(file, bytes, segment));
                    let expires_at_ms = link_end_ms();
                    let headers = self.bucket.put_headers();
                    let granted = |urls| ResponseBody::Segments(Segments { urls, expires_at_ms, headers });
                    self.signed(origin, urls.collect(), granted)
                }
                Question::Download { origin, file, bytes, first } => {
                    let urls = numbers(bytes, first, MAX_SEGMENT_URLS);
                    let urls = urls.map(|segment| self.bucket.get_url(file, segment));
                    self.signed(origin, urls.collect(), |urls| ResponseBody::Download(download(bytes, urls)))
                }
                Question::Check { origin, file, token, bytes } => self.looked_at(origin, file, token, bytes),
            };
            self.engine.wait_for_room();
            self.engine.put(&mut vec![job], 0);
        }
    }

    fn signed(
        &self,
        origin: Origin,
        urls: anyhow::Result<Vec<String>>,
        answer: impl FnOnce(Vec<String>) -> ResponseBody,
    ) -> Job {
        let what = match urls {
            Ok(urls) => {
                self.stats.media_links.add(urls.len() as u64);
                answer(urls)
            }
            Err(error) => {
                self.stats.media_store_errors.add(1);
                self.fails("cannot sign a URL", &error)
            }
        };
        Job::FileAnswered(Box::new(Answered { origin, what }))
    }

    fn looked_at(&self, origin: Origin, file: FileId, token: [u8; 32], bytes: u64) -> Job {
        match self.told(self.bucket.look(file, bytes)) {
            Ok(there) => {
                let whole = there == There::Whole;
                self.stats.files_uploaded.add(u64::from(whole));
                self.stats.files_too_large.add(u64::from(there == There::TooMuch));
                Job::FileChecked { origin, file, token, whole }
            }
            Err(error) => {
                let what = self.fails("cannot look at a file", &error);
                Job::FileAnswered(Box::new(Answered { origin, what }))
            }
        }
    }

    /// Notes whether the store answers.
    fn told<T>(&self, answer: anyhow::Result<T>) -> anyhow::Result<T> {
        self.stats.media_store_errors.add(u64::from(answer.is_err()));
        self.stats.media_store_down.set(u64::from(answer.is_err()));
        answer
    }

    /// Nobody is to blame who asked.
    fn fails(&self, what: &str, error: &anyhow::Error) -> ResponseBody {
        tracing::warn!(error = format!("{error:#}"), "the object store: {what}");
        ResponseBody::Reject(rejects::unavailable())
    }

    fn delete_now(&self, file: FileId) {
        match self.told(self.bucket.delete(file)) {
            Ok(()) => {
                self.stats.files_deleted.add(1);
                self.engine.wait_for_room();
                self.engine.put(&mut vec![Job::FileDeleted(file)], 0);
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "cannot delete a file; it is tried again");
            }
        }
    }
}

impl Keeper for Objects {
    fn folder(self: Arc<Self>) -> Option<Arc<Media>> {
        None
    }

    fn ticket(&self, file: FileId, token: UploadToken, expires_at_ms: u64) -> UploadTicket {
        UploadTicket { file, token, url: String::new(), expires_at_ms, segment_bytes: SEGMENT_BYTES }
    }

    fn segments(
        &self,
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        count: u32,
    ) -> Option<ResponseBody> {
        if first >= segments(bytes) {
            return Some(ResponseBody::Reject(no_such_segment()));
        }
        self.ask(Question::Segments { origin, file, bytes, first, count })
    }

    fn download(
        &self,
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        _now_ms: u64,
    ) -> Option<ResponseBody> {
        if first >= segments(bytes) {
            return Some(ResponseBody::Reject(no_such_segment()));
        }
        let Some(cdn_url) = &self.cdn_url else {
            return self.ask(Question::Download { origin, file, bytes, first });
        };
        let url = |segment| format!("{cdn_url}/{}/{segment}", file.to_hex());
        let urls = numbers(bytes, first, MAX_SEGMENT_URLS).map(url).collect();
        Some(ResponseBody::Download(download(bytes, urls)))
    }

    fn check(&self, origin: Origin, file: FileId, token: [u8; 32], bytes: u64) -> bool {
        self.questions.try_send(Question::Check { origin, file, token, bytes }).is_ok()
    }

    fn delete(&self, file: FileId) {
        let _ = self.deletes.try_send(file);
    }

    fn urls(&self) -> Vec<String> {
        let some = FileId([0; 16]);
        let signed = [self.bucket.put_url(some, 1, 0), self.bucket.get_url(some, 0)];
        signed.into_iter().flatten().chain(self.cdn_url.clone()).collect()
    }

    fn each(&self, each: &mut Each<'_>) -> anyhow::Result<()> {
        self.told(self.bucket.each(each)).context("cannot list the object store")
    }

    fn delete_stray(&self, file: FileId) -> anyhow::Result<()> {
        self.bucket.delete(file)
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    thread::Builder::new().name(name.into()).spawn(run).context("cannot start a thread")?;
    Ok(())
}

/// Segments from one on, at most so many.
fn numbers(bytes: u64, first: u32, count: usize) -> std::iter::Take<std::ops::Range<u32>> {
    (first..segments(bytes)).take(count)
}

fn download(bytes: u64, urls: Vec<String>) -> Download {
    Download { bytes, segment_bytes: SEGMENT_BYTES, urls, expires_at_ms: link_end_ms() }
}

fn link_end_ms() -> u64 {
    now_s().saturating_add(SEGMENT_LINK_SECONDS).saturating_mul(1_000)
}

fn no_such_segment() -> Reject {
    Reject::new(RejectCode::Malformed, "the file has no such segment")
}
