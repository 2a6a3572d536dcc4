//! The threads that work on files: one makes them ready and saves them, one after the other; each transfer has one of
//! its own, a bounded number at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use waxwing_client::Upload;
use waxwing_wire::attachment::Attachment;

use super::http::block_on;
use super::{Fetch, Fetched, How, Report, Reporter, Uploaded, Vault, away, busy, ffmpeg, prepare, transfer};
use crate::api::{CloudPlace, CommandId, Failure};
use crate::cloud;
use crate::limits::{FILM_HEARTBEAT, MAX_MEDIA_JOBS};
use crate::store::Away;

enum Job {
    Prepare(CommandId, How),
    Save { command: CommandId, file: Box<Attachment>, to: PathBuf },
}

/// The threads.
pub struct Media {
    pub vault: Arc<Vault>,
    jobs: Sender<Job>,
    report: Reporter,
    stop: Arc<AtomicBool>,
}

impl Media {
    pub fn start(vault: Vault, report: Reporter) -> std::io::Result<Self> {
        let vault = Arc::new(vault);
        let (jobs, to_do) = bounded(MAX_MEDIA_JOBS);
        let stop = Arc::<AtomicBool>::default();
        let (kept, said, stopped) = (Arc::clone(&vault), Arc::clone(&report), Arc::clone(&stop));
        thread::Builder::new().name("media".into()).spawn(move || work(&kept, &to_do, &said, &stopped))?;
        Ok(Self { vault, jobs, report, stop })
    }

    /// Makes a file ready; then [`Report::Prepared`].
    pub fn prepare(&self, command: CommandId, how: How) -> Result<(), Failure> {
        self.jobs.try_send(Job::Prepare(command, how)).map_err(|_| busy())
    }

    /// Decrypts a file that is kept into one that must not be there yet; then [`Report::Saved`].
    pub fn save(&self, command: CommandId, file: &Attachment, to: PathBuf) -> Result<(), Failure> {
        self.jobs.try_send(Job::Save { command, file: Box::new(file.clone()), to }).map_err(|_| busy())
    }

    /// Then [`Report::Uploaded`].
    pub fn upload(&self, upload: Upload, server: String) {
        let (vault, report, stop) = self.shared();
        let digest = upload.digest;
        let run = move || {
            if let Some(end) = block_on(transfer::upload(&vault, &upload, &server, &stop, &report)) {
                report(Report::Uploaded(upload.digest, end));
            }
        };
        if thread::Builder::new().name("upload".into()).spawn(run).is_err() {
            (self.report)(Report::Uploaded(digest, Uploaded::NotNow));
        }
    }

    /// Then [`Report::Fetched`].
    pub fn fetch(&self, fetch: Fetch) {
        let (vault, report, stop) = self.shared();
        let digest = fetch.attachment.digest;
        let run = move || {
            if let Some(end) = block_on(transfer::fetch(&vault, &fetch, &stop, &report)) {
                report(Report::Fetched(fetch.attachment.digest, end));
            }
        };
        if thread::Builder::new().name("download".into()).spawn(run).is_err() {
            (self.report)(Report::Fetched(digest, Fetched::Disk("no thread can be made".into())));
        }
    }

    /// Brings a file to storage of the user's own; then [`Report::Offloaded`].
    pub fn offload(&self, digest: [u8; 32], place: CloudPlace, name: String) {
        let (vault, report, stop) = self.shared();
        let run = move || {
            let moved = cloud::open(&place).and_then(|cloud| {
                let moved = away::offload(&vault, &*cloud, digest, &name, &stop, &report);
                moved.map_err(Failure::from)
            });
            report(Report::Offloaded(digest, moved));
        };
        if thread::Builder::new().name("offload".into()).spawn(run).is_err() {
            (self.report)(Report::Offloaded(digest, Err(busy())));
        }
    }

    /// Fetches a file from there; then [`Report::Fetched`].
    pub fn recall(&self, attachment: Attachment, from: Away) {
        let (vault, report, stop) = self.shared();
        let digest = attachment.digest;
        let run = move || {
            let end = match cloud::open(&from.place) {
                Ok(cloud) => away::recall(&vault, &attachment, &*cloud, &from.name, &stop, &report),
                Err(_) => Some(Fetched::Unreachable),
            };
            if let Some(end) = end {
                report(Report::Fetched(digest, end));
            }
        };
        if thread::Builder::new().name("recall".into()).spawn(run).is_err() {
            (self.report)(Report::Fetched(digest, Fetched::Unreachable));
        }
    }

    /// Deletes files there; [`Report::Discarded`] for those that have a digest here, when they are gone.
    pub fn discard(&self, files: Vec<(Option<[u8; 32]>, Away)>) {
        let (_, report, stop) = self.shared();
        let run = move || {
            for (digest, from) in files {
                let gone = cloud::open(&from.place).is_ok_and(|cloud| cloud.delete(&from.name).is_ok());
                if let Some(digest) = digest.filter(|_| gone) {
                    report(Report::Discarded(digest));
                }
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        };
        // The sweep says it again.
        let _ = thread::Builder::new().name("discard".into()).spawn(run);
    }

    fn shared(&self) -> (Arc<Vault>, Reporter, Arc<AtomicBool>) {
        (Arc::clone(&self.vault), Arc::clone(&self.report), Arc::clone(&self.stop))
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn work(vault: &Vault, jobs: &Receiver<Job>, report: &Reporter, stop: &AtomicBool) {
    for job in jobs {
        let listened = match job {
            Job::Prepare(command, how) => {
                let mut alive =
                    ffmpeg::heartbeat(stop, FILM_HEARTBEAT, || report(Report::Preparing(command)));
                let prepared = prepare::prepare(vault, how, &mut alive);
                report(Report::Prepared(command, prepared))
            }
            Job::Save { command, file, to } => {
                let saved = vault.save(&file, &to).map(|()| to);
                report(Report::Saved(command, saved))
            }
        };
        if !listened {
            return;
        }
    }
}
