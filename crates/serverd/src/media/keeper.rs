//! Whoever keeps the files: a folder of this machine, or an object store.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use anyhow::Context;
use waxwing_server::{OpenUpload, Origin, rejects};
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

/// See the module.
#[derive(Clone)]
pub enum Keeper {
    /// Bytes go through this server.
    Folder(Arc<Media>),
    /// They do not.
    Objects(Arc<Objects>),
}

impl Keeper {
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
    ) -> anyhow::Result<Self> {
        match &settings.objects {
            None => Media::open(data_dir, key, settings, engine, stats).map(Self::Folder),
            Some(store) => {
                let opened = Objects::open(store, settings.cdn_url(), engine, stats);
                // Whatever does not work, the operator's settings are the first to look at.
                opened.map(Self::Objects).map_err(|error| Unusable::new(format!("{error:#}")).into())
            }
        }
    }

    /// What serves requests for files on the port of the clients.
    #[must_use]
    pub fn folder(&self) -> Option<&Arc<Media>> {
        match self {
            Self::Folder(media) => Some(media),
            Self::Objects(_) => None,
        }
    }

    /// Origins other than this server's own that files come from and go to.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let urls: Vec<String> = match self {
            Self::Folder(media) => media.urls().map(str::to_owned).collect(),
            Self::Objects(objects) => objects.urls(),
        };
        let urls = urls.iter().filter_map(|url| url::Url::parse(url).ok());
        urls.map(|url| url.origin().ascii_serialization()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What the device is told that may upload.
    #[must_use]
    pub fn ticket(&self, file: FileId, token: UploadToken, expires_at_ms: u64) -> UploadTicket {
        match self {
            Self::Folder(media) => media.ticket(file, token, expires_at_ms),
            Self::Objects(_) => Objects::ticket(file, token, expires_at_ms),
        }
    }

    /// Where segments go. `None`: a job brings the answer.
    #[must_use]
    pub fn segments(
        &self,
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        count: u32,
    ) -> Option<ResponseBody> {
        match self {
            // Uploads here have one part.
            Self::Folder(_) => Some(ResponseBody::Reject(rejects::not_offered())),
            Self::Objects(objects) => objects.segments(origin, file, bytes, first, count),
        }
    }

    /// Where a file is. `None`: a job brings the answer.
    #[must_use]
    pub fn download(
        &self,
        origin: Origin,
        file: FileId,
        bytes: u64,
        first: u32,
        now_ms: u64,
    ) -> Option<ResponseBody> {
        match self {
            Self::Folder(media) => Some(ResponseBody::Download(media.download(file, bytes, now_ms))),
            Self::Objects(objects) => objects.download(origin, file, bytes, first),
        }
    }

    /// Has somebody look whether all of a file is there, durably; a job says what was found. `false`: too much is
    /// waiting to be done.
    #[must_use]
    pub fn check(&self, origin: Origin, file: FileId, token: [u8; 32], bytes: u64) -> bool {
        match self {
            Self::Folder(media) => media.check(origin, file, token, bytes),
            Self::Objects(objects) => objects.check(origin, file, token, bytes),
        }
    }

    /// Has a file deleted; if too many wait, the sweep says it again.
    pub fn delete(&self, file: FileId) {
        match self {
            Self::Folder(media) => media.delete(file),
            Self::Objects(objects) => objects.delete(file),
        }
    }

    /// Files that are there, and their bytes.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub fn usage(&self) -> anyhow::Result<(u64, u64)> {
        match self {
            Self::Folder(media) => media.usage().context("cannot read the folder for files"),
            Self::Objects(objects) => objects.usage().context("cannot list the object store"),
        }
    }

    /// Deletes what is there and is no file that the server knows. How many there were, and their bytes.
    ///
    /// # Errors
    /// When they cannot be listed, or the engine does not answer.
    pub fn delete_strays(&self, engine: &Queue<Job>) -> anyhow::Result<(u64, u64)> {
        let is_stray = |file| {
            // Nobody has this token: a file that is there is refused for it.
            let answer = ask(engine, UploadAsk::Open, file, [0; 32]).context("the engine does not answer")?;
            Ok(matches!(&answer, Err(reject) if reject.code == RejectCode::FileGone))
        };
        match self {
            Self::Folder(media) => media.delete_strays(is_stray),
            Self::Objects(objects) => objects.delete_strays(is_stray),
        }
    }
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
