//! Files that leave this device: to storage of the user's own, or altogether.

use std::collections::{BTreeSet, VecDeque};

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use waxwing_client::Body;

use super::{Engine, storage_fails};
use crate::api::{CloudPlace, CommandId, Event, Failure};
use crate::cloud;
use crate::limits::MAX_DISCARDED_AT_ONCE;
use crate::store::{Away, StoreError};

/// Files on their way to storage of the user's own, one after the other.
pub struct Offloading {
    command: CommandId,
    place: CloudPlace,
    cloud: i64,
    files: VecDeque<[u8; 32]>,
    /// Where the file that is under way was before.
    old: Option<Away>,
}

fn device(error: StoreError) -> Failure {
    Failure::device(error.to_string())
}

impl Engine {
    /// Begins to move files that nobody has needed for a while, the oldest first.
    pub(in crate::engine) fn offload(
        &mut self,
        id: CommandId,
        to: Option<CloudPlace>,
        older_than_ms: u64,
        larger_than_bytes: u64,
    ) -> Result<(), Failure> {
        if self.transfers.offloading.is_some() {
            return Err(Failure::user("busy", "files are being moved already; wait until that is done"));
        }
        let nowhere = || Failure::user("noPlace", "say where to: nothing was moved anywhere yet");
        let place = match to {
            Some(place) => place,
            None => self.profile.store.last_cloud().map_err(device)?.ok_or_else(nowhere)?,
        };
        cloud::check(&place)?;
        let files = self.offloadable(older_than_ms, larger_than_bytes)?;
        let cloud = self.profile.store.keep_cloud(&place).map_err(device)?;
        self.transfers.offloading = Some(Offloading { command: id, place, cloud, files, old: None });
        self.offload_next();
        Ok(())
    }

    /// A file's newest message says how old it is.
    fn offloadable(&self, older_than_ms: u64, larger_than_bytes: u64) -> Result<VecDeque<[u8; 32]>, Failure> {
        let until_ms = super::super::now().0.saturating_sub(older_than_ms);
        let mut seen = BTreeSet::new();
        let mut files = VecDeque::new();
        for message in self.profile.store.with_files(None, u64::MAX, usize::MAX).map_err(device)? {
            let Body::Post(post) = &message.body else { continue };
            for file in &post.attachments {
                let fits = message.stored_at_ms <= until_ms && file.bytes >= larger_than_bytes && !post.once;
                if seen.insert(file.digest) && fits && self.may_go(&file.digest) {
                    files.push_front(file.digest);
                }
            }
        }
        Ok(files)
    }

    /// It is here, and nobody is at it.
    fn may_go(&self, digest: &[u8; 32]) -> bool {
        let wanted = self.client.as_ref().is_none_or(|client| client.is_to_be_uploaded(*digest));
        let saved = self.transfers.saving.values().any(|saving| saving.attachment.digest == *digest);
        self.media.vault.has(digest) && !wanted && !saved && !self.transfers.downloads.contains_key(digest)
    }

    fn offload_next(&mut self) {
        let Some(mut offloading) = self.transfers.offloading.take() else { return };
        while let Some(digest) = offloading.files.pop_front() {
            if !self.may_go(&digest) {
                continue;
            }
            let away = match self.profile.store.away(&digest) {
                Ok(away) => away,
                Err(error) => return self.failed(offloading.command, device(error)),
            };
            let name = match away {
                Some((cloud, away)) if cloud == offloading.cloud => away.name,
                other => {
                    offloading.old = other.map(|(_, away)| away);
                    let mut name = [0; 16];
                    UnwrapErr(SysRng).fill_bytes(&mut name);
                    let name = hex::encode(name);
                    // Before anything is there: what is there is known, whatever happens.
                    let kept = self.profile.store.keep_away(&digest, offloading.cloud, &name, false);
                    if let Err(error) = kept {
                        return self.failed(offloading.command, device(error));
                    }
                    name
                }
            };
            self.media.offload(digest, offloading.place.clone(), name);
            self.transfers.offloading = Some(offloading);
            return;
        }
        self.done(offloading.command);
    }

    /// One is there and was read back, or not.
    pub(super) fn offloaded(&mut self, digest: [u8; 32], moved: Result<u64, Failure>) {
        let Some(offloading) = &mut self.transfers.offloading else { return };
        let (command, cloud, old) = (offloading.command, offloading.cloud, offloading.old.take());
        let kept = moved.and_then(|bytes| {
            let store = &mut self.profile.store;
            let away = store.away(&digest).map_err(device)?;
            let (_, away) = away.filter(|(at, _)| *at == cloud).ok_or_else(storage_fails)?;
            store.keep_away(&digest, cloud, &away.name, true).map_err(device)?;
            Ok(bytes)
        });
        match kept {
            Ok(bytes) => {
                if self.may_go(&digest) {
                    self.media.vault.remove(&digest);
                    self.tell(Event::FileOffloaded { command, file: hex::encode(digest), bytes });
                }
                if let Some(old) = old {
                    self.media.discard(vec![(None, old)]);
                }
                self.offload_next();
            }
            Err(failure) => {
                self.transfers.offloading = None;
                self.failed(command, failure);
            }
        }
    }

    /// Frees what a file takes here.
    pub(in crate::engine) fn remove_file(
        &mut self,
        id: CommandId,
        message: &str,
        index: u32,
    ) -> Result<(), Failure> {
        let (_, attachment) = self.file_of(message, index)?;
        let client = self.client.as_ref().ok_or_else(storage_fails)?;
        if client.is_to_be_uploaded(attachment.digest) {
            let detail = "the server does not have it yet; it is needed here until it has";
            return Err(Failure::user("notUploaded", detail));
        }
        if self.transfers.downloads.contains_key(&attachment.digest) {
            return Err(Failure::user("busy", "the file is being fetched; try again when it is here"));
        }
        self.media.vault.remove(&attachment.digest);
        self.done(id);
        Ok(())
    }

    /// Copies elsewhere of files that no message has any more go as well.
    pub(super) fn discard_unnamed(&mut self, named: &BTreeSet<[u8; 32]>) {
        let Ok(away) = self.profile.store.all_away() else { return };
        let unnamed = away.iter().map(|(digest, _)| digest).filter(|digest| {
            !named.contains(*digest)
                && !self.transfers.downloads.contains_key(*digest)
                && !self.media.vault.has(digest)
        });
        let mut discarded = Vec::new();
        for digest in unnamed.take(MAX_DISCARDED_AT_ONCE) {
            if let Ok(Some((_, away))) = self.profile.store.away(digest) {
                discarded.push((Some(*digest), away));
            }
        }
        if !discarded.is_empty() {
            self.media.discard(discarded);
        }
    }

    pub(super) fn discarded(&mut self, digest: &[u8; 32]) {
        // If that fails, it is deleted once more, which changes nothing.
        let _ = self.profile.store.forget_away(digest);
    }

    /// A file that is wanted and is elsewhere.
    pub(super) fn away(&self, digest: &[u8; 32]) -> Option<Away> {
        let found = self.profile.store.away(digest).ok().flatten();
        found.map(|(_, away)| away).filter(|away| away.whole)
    }

    /// What of a message's files is only elsewhere.
    pub(in crate::engine) fn is_away(&self, digest: &[u8; 32]) -> bool {
        !self.media.vault.has(digest) && self.away(digest).is_some()
    }

    /// Bytes of a file on this device were damaged: what of it is right stays, the rest is fetched.
    pub(super) fn mend(&mut self, id: CommandId, saving: super::Saving) -> Result<(), Failure> {
        let attachment = saving.attachment;
        if attachment.file.is_none() && self.away(&attachment.digest).is_none() {
            return Err(Failure::device("the file is damaged on this device, and is nowhere else"));
        }
        self.media.vault.take_apart(&attachment.digest).map_err(crate::media::disk)?;
        let waiting = super::Waiting { command: id, save: Some(saving.path), mended: true };
        self.want(attachment, Some(waiting))
    }
}
