//! Whoever keeps the files: a folder of this machine, or an object store.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::Context;
use waxwing_server::{OpenUpload, Origin};
use waxwing_wire::file::{UploadTicket, UploadToken};
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{FileId, Reject, RejectCode};

use super::objects::Objects;
use super::{Media, MediaSettings};
use crate::config::Unusable;
use crate::limits::MEDIA_ENGINE_TIMEOUT;
use crate::message::{Job, UploadAsk};
use crate::queue::Queue;
use crate::stats::Stats;

/// What the engine, the I/O threads and the operator want of the place where files are. Only the operator waits for it.
pub trait Keeper: Send + Sync {
    /// What serves requests for files on the port of the clients, if bytes go through this server.
    fn folder(self: Arc<Self>) -> Option<Arc<Media>>;

    /// What the device is told that may upload.
    fn ticket(&self, file: FileId, token: UploadToken, expires_at_ms: u64) -> UploadTicket;

    /// Where segments go. `None`: a job brings the answer.
    fn segments(
        &self,
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        count: u32,
    ) -> Option<ResponseBody>;

    /// Where a file is, from a segment on. `None`: a job brings the answer.
    fn download(
        &self,
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        now_ms: u64,
    ) -> Option<ResponseBody>;

    /// Has somebody look whether all of a file is there, durably; a job says what was found. `false`: too much is
    /// waiting to be done.
    fn check(&self, origin: Origin, file: FileId, token: [u8; 32], bytes: u64) -> bool;

    /// Has a file deleted; if too many wait, the sweep says it again.
    fn delete(&self, file: FileId);

    /// A URL at each place where clients reach files; it may be empty, or no more than a path: here.
    fn urls(&self) -> Vec<String>;

    /// Says of every file that there is something of how many bytes there are, in memory that does not grow with them,
    /// until `each` breaks off.
    ///
    /// # Errors
    /// When they cannot be listed, or `each` fails.
    fn each(&self, each: &mut Each<'_>) -> anyhow::Result<()>;

    /// Deletes a file now, if it is there.
    ///
    /// # Errors
    /// When it may still be there.
    fn delete_stray(&self, file: FileId) -> anyhow::Result<()>;
}

/// Is told a file and its bytes, and says whether to go on.
pub type Each<'a> = dyn FnMut(FileId, u64) -> anyhow::Result<ControlFlow<()>> + 'a;

/// As the settings want it.
///
/// # Errors
/// When the folder cannot be made, or the object store cannot be used.
pub fn open(
    data_dir: &Path,
    key: &StaticKey,
    settings: &MediaSettings,
    engine: Arc<Queue<Job>>,
    stats: Arc<Stats>,
) -> anyhow::Result<Arc<dyn Keeper>> {
    let Some(store) = &settings.objects else {
        return Ok(Media::open(data_dir, key, settings, engine, stats)?);
    };
    match Objects::open(store, settings.cdn_url(), engine, stats) {
        Ok(objects) => Ok(objects),
        // Whatever does not work, the operator's settings are the first to look at.
        Err(error) => Err(Unusable::new(format!("{error:#}")).into()),
    }
}

/// Origins other than this server's own that files come from and go to.
#[must_use]
pub fn origins(keeper: &dyn Keeper) -> Vec<String> {
    let urls = keeper.urls();
    let urls = urls.iter().filter_map(|url| url::Url::parse(url).ok());
    urls.map(|url| url.origin().ascii_serialization()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Files, and their bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub files: u64,
    /// All of them.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What was found where files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// What stays.
    pub stays: Tally,
    /// What was deleted.
    pub gone: Tally,
    /// There was time to look at all of it.
    pub whole: bool,
}

impl Default for Counted {
    fn default() -> Self {
        Self { stays: Tally::default(), gone: Tally::default(), whole: true }
    }
}

/// Counts what is there, as long as there is time. With `reclaim`, deletes what is no file that the server knows.
///
/// # Errors
/// When it cannot be listed or deleted, or the engine does not answer.
pub fn count(keeper: &dyn Keeper, reclaim: Option<&Queue<Job>>, until: Instant) -> anyhow::Result<Counted> {
    let mut counted = Counted::default();
    keeper.each(&mut |file, bytes| {
        if Instant::now() >= until {
            counted.whole = false;
            return Ok(ControlFlow::Break(()));
        }
        let stray = match reclaim {
            Some(engine) => is_stray(engine, file)?,
            None => false,
        };
        if stray {
            keeper.delete_stray(file)?;
            counted.gone.add(bytes);
        } else {
            counted.stays.add(bytes);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(counted)
}

fn is_stray(engine: &Queue<Job>, file: FileId) -> anyhow::Result<bool> {
    // Nobody has this token: a file that is there is refused for it.
    let answer = ask(engine, UploadAsk::Open, file, [0; 32]).context("the engine does not answer")?;
    Ok(matches!(&answer, Err(reject) if reject.code == RejectCode::FileGone))
}

/// Asks the engine about an upload; `None`: it does not answer.
pub(super) fn ask(
    engine: &Queue<Job>,
    what: UploadAsk,
    file: FileId,
    token: [u8; 32],
) -> Option<Result<OpenUpload, Reject>> {
    let (answer, answered) = sync_channel(1);
    engine.wait_for_room();
    engine.put(&mut vec![Job::Upload { what, file, token, answer }], 0);
    answered.recv_timeout(MEDIA_ENGINE_TIMEOUT).ok()
}
