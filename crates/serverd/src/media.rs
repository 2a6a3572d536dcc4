//! Files over HTTP, beside the frames: tus uploads and downloads with ranges, on the port of the clients. Or they lie
//! in an object store ([`objects`]), and clients are told where.
//!
//! An I/O thread that finds a request for `/media/…` gives its socket away to threads that may wait
//! (`crate::visitor`): a file is read and written, which epoll cannot wait for. Who may upload is asked of the
//! engine, by the ticket's token; a download's URL carries its own right, a MAC over file and time. The bytes lie in a
//! folder, a file for each; nothing here holds more of one than a buffer.

mod folder;
mod head;
mod keeper;
mod links;
pub mod objects;
mod visit;

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use waxwing_server::{OpenUpload, Origin, rejects};
use waxwing_wire::file::{Download, UploadTicket, UploadToken};
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{FileId, Reject};

use crate::limits::{FILE_PREEMPT_WAIT, MEDIA_CHORES_WAITING, MEDIA_THREADS};
use crate::message::{Job, UploadAsk};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::visitor::{Host, Pool, Visitor};
use folder::Folder;
pub use head::{PATH, is_media};
use keeper::Each;
pub use keeper::{Counted, Keeper, Tally, count, open, origins};
use links::Links;
use objects::ObjectSettings;

/// What an operator sets of files.
#[derive(Debug, Clone, Default)]
pub struct MediaSettings {
    /// Where the files are; `None`: in the data directory.
    pub folder: Option<PathBuf>,
    /// By which URL clients reach this server's HTTP; `None`: at the address of their connection.
    pub public_url: Option<String>,
    /// By which URL they reach a cache in front of it, for downloads.
    pub cdn_url: Option<String>,
    /// Free bytes on the disk below which nothing is taken.
    pub reserve_bytes: u64,
    /// Where they are instead of a folder.
    pub objects: Option<ObjectSettings>,
}

impl MediaSettings {
    fn cdn_url(&self) -> Option<String> {
        self.cdn_url.as_deref().map(without_slash)
    }
}

fn without_slash(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// What the engine wants done, and does not wait for.
enum Chore {
    /// The bytes go.
    Delete(FileId),
    /// Are all of them there, durably?
    Check { origin: Origin, file: FileId, token: [u8; 32], bytes: u64 },
}

/// Files, and whoever works on them.
pub struct Media {
    folder: Folder,
    links: Links,
    pool: Pool,
    engine: Arc<Queue<Job>>,
    stats: Arc<Stats>,
    public_url: String,
    cdn_url: Option<String>,
    chores: SyncSender<Chore>,
    busy: Mutex<BTreeMap<FileId, TcpStream>>,
    idle: Condvar,
}

impl Media {
    /// Opens the folder, and begins to delete what the engine says.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(
        data_dir: &Path,
        key: &StaticKey,
        settings: &MediaSettings,
        engine: Arc<Queue<Job>>,
        stats: Arc<Stats>,
    ) -> anyhow::Result<Arc<Self>> {
        let folder = Folder::open(&folder_in(data_dir, settings), settings.reserve_bytes)?;
        let (chores, to_do) = sync_channel(MEDIA_CHORES_WAITING);
        let media = Arc::new(Self {
            folder,
            links: Links::of(key),
            pool: Pool::new("media", MEDIA_THREADS),
            engine,
            stats,
            public_url: settings.public_url.as_deref().map(without_slash).unwrap_or_default(),
            cdn_url: settings.cdn_url(),
            chores,
            busy: Mutex::default(),
            idle: Condvar::new(),
        });
        let does = media.clone();
        let spawned = thread::Builder::new().name("media-chores".into());
        spawned.spawn(move || does.do_chores(&to_do)).context("cannot start a thread")?;
        Ok(media)
    }

    fn do_chores(&self, chores: &Receiver<Chore>) {
        for chore in chores {
            match chore {
                Chore::Delete(file) => self.delete_now(file),
                Chore::Check { origin, file, token, bytes } => {
                    let all = self.folder.bytes(file) == Some(bytes);
                    let whole = all && self.folder.make_durable(file).is_ok();
                    self.engine.put(&mut vec![Job::FileChecked { origin, file, token, whole }], 0);
                }
            }
        }
    }

    fn delete_now(&self, file: FileId) {
        let _mine = self.hold(file, None);
        match self.folder.delete(file) {
            Ok(()) => {
                self.stats.files_deleted.add(1);
                self.engine.put(&mut vec![Job::FileDeleted(file)], 0);
            }
            Err(error) => tracing::warn!(%error, "cannot delete a file; it is tried again"),
        }
    }

    /// Asks the engine; `None`: it does not answer.
    fn ask(&self, what: UploadAsk, file: FileId, token: [u8; 32]) -> Option<Result<OpenUpload, Reject>> {
        keeper::ask(&self.engine, what, file, token)
    }

    /// One at a time works on an upload. Whoever comes later is right: the one before has most likely lost its
    /// connection and does not know. `None` if it does not let go.
    fn hold(&self, file: FileId, stream: Option<&TcpStream>) -> Option<Held<'_>> {
        let mut busy = self.busy();
        if let Some(before) = busy.get(&file) {
            let _ = before.shutdown(Shutdown::Both);
            let wait = self.idle.wait_timeout_while(busy, FILE_PREEMPT_WAIT, |busy| busy.contains_key(&file));
            busy = wait.unwrap_or_else(PoisonError::into_inner).0;
            if busy.contains_key(&file) {
                return None;
            }
        }
        if let Some(stream) = stream {
            busy.insert(file, stream.try_clone().ok()?);
        }
        Some(Held { media: self, file: stream.map(|_| file) })
    }

    fn busy(&self) -> MutexGuard<'_, BTreeMap<FileId, TcpStream>> {
        // A panic in any thread ends the process, so a poisoned lock is never seen by anyone.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Media {
    fn pool(&self) -> &Pool {
        &self.pool
    }

    fn serve(&self, visitor: Visitor) {
        visit::serve(self, visitor);
    }

    fn refused(&self) {
        self.stats.media_refused.add(1);
    }
}

impl Keeper for Media {
    fn folder(self: Arc<Self>) -> Option<Arc<Media>> {
        Some(self)
    }

    fn ticket(&self, file: FileId, token: UploadToken, expires_at_ms: u64) -> UploadTicket {
        let url = format!("{}{PATH}{}", self.public_url, file.to_hex());
        UploadTicket { file, token, url, expires_at_ms, segment_bytes: 0 }
    }

    /// Uploads here have one part.
    fn segments(&self, _: Origin, _: FileId, _: u64, _: u32, _: u32) -> Option<ResponseBody> {
        Some(ResponseBody::Reject(rejects::not_offered()))
    }

    fn download(&self, _: Origin, file: FileId, bytes: u64, _: u32, now_ms: u64) -> Option<ResponseBody> {
        let until_s = Links::until_s(now_ms / 1_000);
        let base = self.cdn_url.as_ref().unwrap_or(&self.public_url);
        let url = format!("{base}{PATH}{}?{}", file.to_hex(), self.links.query(file, until_s));
        let expires_at_ms = until_s.saturating_mul(1_000);
        Some(ResponseBody::Download(Download { bytes, segment_bytes: 0, urls: vec![url], expires_at_ms }))
    }

    fn check(&self, origin: Origin, file: FileId, token: [u8; 32], bytes: u64) -> bool {
        self.chores.try_send(Chore::Check { origin, file, token, bytes }).is_ok()
    }

    fn delete(&self, file: FileId) {
        let _ = self.chores.try_send(Chore::Delete(file));
    }

    fn urls(&self) -> Vec<String> {
        std::iter::once(&self.public_url).chain(&self.cdn_url).cloned().collect()
    }

    fn each(&self, each: &mut Each<'_>) -> anyhow::Result<()> {
        self.folder.each(each)
    }

    fn delete_stray(&self, file: FileId) -> anyhow::Result<()> {
        Ok(self.folder.delete(file)?)
    }
}

/// Nobody else works on the upload.
struct Held<'a> {
    media: &'a Media,
    file: Option<FileId>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.file {
            self.media.busy().remove(&file);
            self.media.idle.notify_all();
        }
    }
}

/// Where the files of a data directory are.
#[must_use]
pub fn folder_in(data_dir: &Path, settings: &MediaSettings) -> PathBuf {
    settings.folder.clone().unwrap_or_else(|| data_dir.join("media"))
}

/// Seconds since 1970.
fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
