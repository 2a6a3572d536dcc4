//! Files: what front ends want of them, what the core says of them, and what has become of it.

mod offload;
pub mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use waxwing_client::{self as core, Body, Direction, MessageKey, Read as _};
use waxwing_wire::attachment::Attachment;
use waxwing_wire::file::Download;
use waxwing_wire::post::Deed;
use web_time::Instant;

use super::server::Server;
use super::{Engine, OWN_COMMAND, storage_fails};
use crate::api::{self, CommandId, Event, Failure, Fault};
use crate::limits::{
    MAX_ADDRESSES_ASKED, MAX_DOWNLOADS, MAX_DOWNLOADS_WAITING, SWEEP_PAUSE, UNSENT_FILE_KEPT,
};
use crate::media::{Answer, Asker, DAMAGED, Fetch, Fetched, How, Origin, Question, Report, Uploaded};
use crate::net::ServerAddress;
use crate::store::Away;
use offload::Offloading;

/// Commands of the engine's own begin here; front ends count from 1.
const FIRST_OWN: u64 = 1 << 63;

/// What is under way.
#[derive(Default)]
pub struct Transfers {
    downloads: BTreeMap<[u8; 32], Wanted>,
    /// Commands to the core that ask where a file is.
    asked: BTreeMap<u64, [u8; 32]>,
    /// Commands to the core that a transfer waits for the answer of; each has one at a time.
    questions: BTreeMap<u64, Asker>,
    asked_so_far: u64,
    /// What is being decrypted into a file of the user's.
    saving: BTreeMap<CommandId, Saving>,
    offloading: Option<Offloading>,
    /// What is to be seen once, and is being saved by a command.
    opening: BTreeMap<CommandId, (core::Conversation, MessageKey)>,
    /// Files may be here that no message has any more.
    unswept: bool,
    swept: Option<Instant>,
}

/// A file that somebody wants.
struct Wanted {
    attachment: Attachment,
    waiting: Vec<Waiting>,
    running: bool,
    /// Times that its address was asked for.
    asked: u32,
    /// It is elsewhere too, where it was not looked for yet.
    away: Option<Away>,
    /// It is being fetched from there.
    recalled: bool,
}

struct Waiting {
    command: CommandId,
    save: Option<PathBuf>,
    /// It was damaged on this device, and was fetched again.
    mended: bool,
}

struct Saving {
    attachment: Attachment,
    path: PathBuf,
    mended: bool,
}

impl Engine {
    // ------------------------------------------------------------ front ends

    pub(super) fn attach(
        &mut self,
        id: CommandId,
        from: Origin,
        kind: Option<api::AttachmentKind>,
        hd: bool,
    ) -> Result<(), Failure> {
        let how = How { from, kind: kind.map(api::attachment_kind_of), hd };
        self.media.prepare(id, how)
    }

    /// The same with what a page was given.
    #[cfg(target_family = "wasm")]
    pub fn attach_given(&mut self, id: CommandId, given: crate::browser::Given) {
        self.open_commands.insert(id);
        let kind = given.about.kind;
        if let Err(failure) = self.attach(id, Origin::Page(Box::new(given)), Some(kind), false) {
            self.failed(id, failure);
        }
    }

    /// The same with what is in memory.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn attach_content(
        &mut self,
        id: CommandId,
        name: String,
        content: &str,
        kind: Option<api::AttachmentKind>,
    ) -> Result<(), Failure> {
        let content = api::file_content_of(content)?;
        self.attach(id, Origin::Content { name, content }, kind, false)
    }

    /// What [`api::Command::SaveFile`] has made for the page.
    #[cfg(target_family = "wasm")]
    pub fn take_file(&self, id: CommandId) -> Option<web_sys::Blob> {
        self.media.take(id)
    }

    pub(super) fn file_content(&self, message: &str, index: u32) -> Result<Vec<u8>, Failure> {
        let (found, attachment) = self.file_of(message, index)?;
        if matches!(&found.body, Body::Post(post) if post.once) {
            return Err(Failure::user("once", "it is to be seen once: save it"));
        }
        self.media.vault.read(&attachment)
    }

    fn file_of(&self, message: &str, index: u32) -> Result<(core::Message, Attachment), Failure> {
        let unknown = || Failure::user("unknownFile", "the message has no such file; it may be gone");
        let key = api::message_key_of(message)?;
        let found = self.profile.store.message(&key).map_err(|error| Failure::device(error.to_string()))?;
        let found = found.ok_or_else(unknown)?;
        let Body::Post(post) = &found.body else { return Err(unknown()) };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let attachment = post.attachments.get(index).cloned().ok_or_else(unknown)?;
        Ok((found, attachment))
    }

    /// A file of a message is wanted here, or also somewhere else.
    pub(super) fn want_file(
        &mut self,
        id: CommandId,
        message: &str,
        index: u32,
        save: Option<String>,
    ) -> Result<(), Failure> {
        let (found, attachment) = self.file_of(message, index)?;
        let key = found.key;
        let Body::Post(post) = &found.body else { return Ok(()) };
        if post.once && found.direction == Direction::Incoming {
            if save.is_none() {
                return Err(Failure::user("once", "it is to be seen once: save it"));
            }
            if post.attachments.len() == 1 {
                self.transfers.opening.insert(id, (found.with, key));
            }
        }
        let waiting = Waiting { command: id, save: save.map(PathBuf::from), mended: false };
        if self.media.vault.has(&attachment.digest) {
            return self.serve(&attachment, waiting);
        }
        if attachment.file.is_none() && self.away(&attachment.digest).is_none() {
            return Err(Failure::user("notUploaded", "its sender has not uploaded it"));
        }
        self.want(attachment, Some(waiting))
    }

    fn want(&mut self, attachment: Attachment, waiting: Option<Waiting>) -> Result<(), Failure> {
        let away = self.away(&attachment.digest);
        let full = self.transfers.downloads.len() >= MAX_DOWNLOADS_WAITING;
        let fresh = || Wanted {
            attachment: attachment.clone(),
            waiting: Vec::new(),
            running: false,
            asked: 0,
            away,
            recalled: false,
        };
        if full && !self.transfers.downloads.contains_key(&attachment.digest) {
            return Err(Failure::user(
                "busy",
                "too many files are being fetched; try again when they are here",
            ));
        }
        let wanted = self.transfers.downloads.entry(attachment.digest).or_insert_with(fresh);
        wanted.waiting.extend(waiting);
        self.pump_downloads();
        Ok(())
    }

    /// A message came: what the rules say is fetched without being asked for.
    pub(super) fn fetch_by_rule(&mut self, message: &core::Message) {
        let Some(rules) = self.auto_fetch else { return };
        let Body::Post(post) = &message.body else { return };
        if message.direction == Direction::Outgoing || post.once {
            return;
        }
        for attachment in &post.attachments {
            let kind = api::attachment_kind(attachment.kind);
            let wanted = rules.fetches(kind, attachment.bytes);
            if wanted && attachment.file.is_some() && !self.media.vault.has(&attachment.digest) {
                // Too many: whoever looks at it fetches it.
                let _full = self.want(attachment.clone(), None);
            }
        }
    }

    fn serve(&mut self, attachment: &Attachment, waiting: Waiting) -> Result<(), Failure> {
        match waiting.save {
            Some(path) => {
                self.media.save(waiting.command, attachment, path.clone())?;
                let saving = Saving { attachment: attachment.clone(), path, mended: waiting.mended };
                self.transfers.saving.insert(waiting.command, saving);
                Ok(())
            }
            None => {
                self.done(waiting.command);
                Ok(())
            }
        }
    }

    // ------------------------------------------------------------ downloads

    fn pump_downloads(&mut self) {
        while self.transfers.downloads.values().filter(|wanted| wanted.running).count() < MAX_DOWNLOADS {
            let next = self.transfers.downloads.iter_mut().find(|(_, wanted)| !wanted.running);
            let Some((digest, wanted)) = next else { return };
            let digest = *digest;
            wanted.running = true;
            if let Some(from) = wanted.away.take() {
                wanted.recalled = true;
                let attachment = wanted.attachment.clone();
                self.media.recall(attachment, from);
                continue;
            }
            let Some(file) = wanted.attachment.file else {
                self.give_up(
                    digest,
                    &Failure::user("cloudUnreachable", "your own storage does not give the file out now"),
                );
                return;
            };
            wanted.asked += 1;
            self.transfers.asked_so_far += 1;
            let id = FIRST_OWN | self.transfers.asked_so_far;
            self.transfers.asked.insert(id, digest);
            if self.client.is_none() {
                self.not_found(id, storage_fails());
                return;
            }
            let command = core::Command::FindFile { file, first: 0 };
            self.handle(core::Input::Command(core::CommandId(id), command));
        }
    }

    /// The core knows where a file is.
    pub(super) fn file_found(&mut self, id: u64, download: &Download) {
        if let Some(asker) = self.transfers.questions.remove(&id) {
            return told(&asker, Answer::Download(download.clone()));
        }
        let Some(digest) = self.transfers.asked.remove(&id) else { return };
        let base = self.http_base();
        let Some(wanted) = self.transfers.downloads.get(&digest) else { return };
        let attachment = wanted.attachment.clone();
        let sealed = core::attachment::Layout::new(attachment.bytes).map(|layout| layout.sealed_bytes());
        if sealed.ok() != Some(download.bytes) {
            return self.fetched(digest, &Fetched::False);
        }
        self.media.fetch(Fetch { attachment, download: download.clone(), server: base });
    }

    /// The core does not. Whether it was asked that.
    pub(super) fn not_found(&mut self, id: u64, failure: Failure) -> bool {
        let Some(digest) = self.transfers.asked.remove(&id) else { return false };
        self.give_up(digest, &failure);
        true
    }

    fn give_up(&mut self, digest: [u8; 32], failure: &Failure) {
        if let Some(wanted) = self.transfers.downloads.remove(&digest) {
            for waiting in wanted.waiting {
                self.transfers.opening.remove(&waiting.command);
                self.failed(waiting.command, failure.clone());
            }
        }
        self.pump_downloads();
    }

    fn fetched(&mut self, digest: [u8; 32], end: &Fetched) {
        let wanted = self.transfers.downloads.get_mut(&digest);
        if let Some(wanted) = wanted.filter(|wanted| wanted.recalled && *end != Fetched::Whole) {
            // Perhaps the server has it.
            (wanted.recalled, wanted.running) = (false, false);
            return self.pump_downloads();
        }
        match end {
            Fetched::Whole => {
                let Some(wanted) = self.transfers.downloads.remove(&digest) else { return };
                if let Some(file) = wanted.attachment.file {
                    self.handle(core::Input::Command(OWN_COMMAND, core::Command::Fetched { file }));
                }
                self.tell(Event::FileFetched { file: hex::encode(digest) });
                for waiting in wanted.waiting {
                    let command = waiting.command;
                    if let Err(failure) = self.serve(&wanted.attachment, waiting) {
                        self.failed(command, failure);
                    }
                }
            }
            Fetched::Address => {
                let asked = self.transfers.downloads.get_mut(&digest).map(|wanted| {
                    wanted.running = false;
                    wanted.asked
                });
                if asked.is_some_and(|asked| asked >= MAX_ADDRESSES_ASKED) {
                    let detail = "the server does not give the file out";
                    self.give_up(digest, &server_fails("fileGone", detail));
                }
            }
            Fetched::Unreachable => {
                let detail = "the file cannot be fetched now; try again later: what has come is kept";
                self.give_up(digest, &server_fails("unreachable", detail));
            }
            Fetched::False => {
                let detail = "the file is not what its sender meant; nothing of it was kept";
                self.give_up(digest, &server_fails("falseFile", detail));
            }
            Fetched::Disk(error) => self.give_up(digest, &Failure::device(error.clone())),
        }
        self.pump_downloads();
    }

    // ------------------------------------------------------------ questions of transfers

    fn ask_for_transfer(&mut self, question: Question, asker: Asker) {
        if self.client.is_none() {
            return told(&asker, Answer::NotNow);
        }
        self.transfers.asked_so_far += 1;
        let id = FIRST_OWN | self.transfers.asked_so_far;
        self.transfers.questions.insert(id, asker);
        let command = match question {
            Question::Segments { digest, first } => core::Command::FindSegments { digest, first },
            Question::Finish { digest } => core::Command::FinishUpload { digest },
            Question::Download { file, first } => core::Command::FindFile { file, first },
        };
        self.handle(core::Input::Command(core::CommandId(id), command));
    }

    /// The core has an answer. Whether a transfer waited for it.
    pub(super) fn answered(&mut self, id: u64, answer: impl FnOnce() -> Answer) -> bool {
        let asker = self.transfers.questions.remove(&id);
        if let Some(asker) = &asker {
            told(asker, answer());
        }
        asker.is_some()
    }

    // ------------------------------------------------------------ reports

    pub(super) fn reported(&mut self, report: Report) {
        match report {
            Report::Prepared(id, Ok((local, attachment))) => self.prepared(id, local, *attachment),
            Report::Prepared(id, Err(failure)) => self.failed(id, failure),
            Report::Preparing(command) => self.tell(Event::Preparing { command }),
            Report::Saved(id, saved) => self.saved(id, saved),
            Report::Uploaded(digest, end) => {
                let command = match end {
                    Uploaded::Whole => core::Command::Uploaded { digest },
                    Uploaded::Ticket | Uploaded::NotNow => {
                        core::Command::UploadFailed { digest, why: core::UploadFailure::Ticket }
                    }
                    Uploaded::Missing => {
                        core::Command::UploadFailed { digest, why: core::UploadFailure::Missing }
                    }
                };
                self.handle(core::Input::Command(OWN_COMMAND, command));
            }
            Report::Fetched(digest, end) => self.fetched(digest, &end),
            Report::Offloaded(digest, moved) => self.offloaded(digest, moved),
            Report::Discarded(digest) => self.discarded(&digest),
            Report::Asks(question, asker) => self.ask_for_transfer(question, asker),
            Report::Progress { digest, sending, done, total } => {
                self.tell(Event::FileProgress { file: hex::encode(digest), sending, done, total });
            }
        }
    }

    /// What was encrypted before need not be encrypted again: it may be uploaded already.
    fn prepared(&mut self, id: CommandId, mut local: core::LocalFile, mut attachment: Attachment) {
        let Some(client) = &self.client else { return self.failed(id, storage_fails()) };
        if let Ok(Some(known)) = client.file_with(&self.profile.store, local.content)
            && known.digest != local.digest
            && known.bytes == local.bytes
            && self.media.vault.has(&known.digest)
        {
            self.media.vault.remove(&local.digest);
            local = known;
            (attachment.digest, attachment.key) = (local.digest, local.key);
        }
        self.tell(Event::Attached { command: id, attachment: api::attachment(&attachment) });
        let command = core::Command::AddFile { file: local };
        self.handle(core::Input::Command(core::CommandId(id), command));
    }

    fn saved(&mut self, id: CommandId, saved: Result<PathBuf, Failure>) {
        let saving = self.transfers.saving.remove(&id);
        if let Err(failure) = &saved
            && failure.code == DAMAGED
            && let Some(saving) = saving.filter(|saving| !saving.mended)
        {
            if let Err(failure) = self.mend(id, saving) {
                self.failed(id, failure);
            }
            return;
        }
        let opening = self.transfers.opening.remove(&id);
        match saved {
            Ok(path) => {
                if let Some((with, key)) = opening {
                    let command = core::Command::Act { with, target: Some(key), deed: Deed::Opened };
                    self.handle(core::Input::Command(OWN_COMMAND, command));
                }
                self.tell(Event::FileSaved { command: id, path: path.to_string_lossy().into_owned() });
                self.done(id);
            }
            Err(failure) => self.failed(id, failure),
        }
    }

    pub(super) fn upload(&mut self, upload: core::Upload) {
        let base = self.http_base();
        self.media.upload(upload, base);
    }

    /// Where the server speaks HTTP.
    fn http_base(&self) -> String {
        let address = self.server.as_ref().and_then(Server::target).map(|(address, _)| address);
        let Some(address) = address else { return String::new() };
        let scheme = match address {
            ServerAddress::WebSocket { tls: true, .. } => "https",
            _ => "http",
        };
        let (host, port) = address.host_and_port();
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        format!("{scheme}://{open}{host}{close}:{port}")
    }

    // ------------------------------------------------------------ what is not needed any more

    /// Messages went, and perhaps files with them.
    pub(super) fn sweep_later(&mut self) {
        self.transfers.unswept = true;
    }

    /// Removes what no message has, now and then.
    pub(super) fn sweep(&mut self) {
        let due = self.transfers.swept.is_none_or(|at| at.elapsed() >= SWEEP_PAUSE);
        if !self.transfers.unswept || !due {
            return;
        }
        let Some(client) = &self.client else { return };
        let (Ok(here), Ok(old)) =
            (self.media.vault.older_than(Duration::ZERO), self.media.vault.older_than(UNSENT_FILE_KEPT))
        else {
            return;
        };
        (self.transfers.unswept, self.transfers.swept) = (false, Some(Instant::now()));
        let old: BTreeSet<[u8; 32]> = old.into_iter().collect();
        let elsewhere = self.profile.store.all_away().is_ok_and(|away| !away.is_empty());
        let named = if here.is_empty() && !elsewhere {
            BTreeSet::new()
        } else {
            match self.profile.store.files() {
                Ok(named) => named,
                Err(_) => return,
            }
        };
        for digest in here {
            let store = &self.profile.store;
            let spare = || !old.contains(&digest) && !matches!(client.file(store, digest), Ok(None));
            let used = named.contains(&digest)
                || client.is_to_be_uploaded(digest)
                || self.transfers.downloads.contains_key(&digest)
                || spare();
            if !used {
                self.media.vault.remove(&digest);
            }
        }
        self.discard_unnamed(&named);
    }
}

/// The thread may have stopped waiting.
fn told(asker: &Asker, answer: Answer) {
    let _ = asker.try_send(answer);
}

fn server_fails(code: &str, detail: &str) -> Failure {
    Failure::new(Fault::Server, code, detail)
}
