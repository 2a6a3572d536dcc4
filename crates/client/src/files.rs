//! Files of messages: what has to be uploaded before a message can leave, and what was fetched.
//!
//! The shell encrypts and keeps the ciphertexts, and moves their bytes; here stands what is known of each, by its
//! digest: its key, how the server calls it, the ticket of its upload. A message with a file that is not uploaded yet
//! is in the history at once and takes its place among what is sent when everything of it is: so it holds up nothing
//! that is written after it, and nothing seems to be missing before it. What is uploaded serves every later message
//! with the same file. When the server says that it has a file no more, it is uploaded again.

pub(crate) mod rows;

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::FileId;
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::content::{ArchivedBody, Body as ContentBody, Conversation, Sync};
use waxwing_wire::file::{FileRequest, UploadTicket, UploadToken};
use waxwing_wire::limits::{MAX_ATTACHMENT_BYTES, MAX_FETCHED_PER_REQUEST, MAX_SEGMENT, MAX_SEGMENT_URLS};
use waxwing_wire::post::Post;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{MessageId, Reject, RejectCode};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, Effect, Event, Failure, LocalFile, Upload, UploadFailure};
use crate::connection::{Asked, as_reject};
use crate::db::{Key, Read, Table};
use crate::limits::{
    HOLD_MS, MAX_FETCHED_KEPT, MAX_FILES, MAX_TRIES, MAX_UNSENT, MAX_UPLOADS, TICKET_SPARE_MS,
};
use crate::outbox::hold_ms;
use crate::overlay::Overlay;
use crate::own::Wanted;
use crate::record::{Kind, OutboxRow, Record};
use crate::row::{Body, Delivery, Direction, Message, MessageKey};
use crate::turn::Turn;
use rows::{ContentRow, FetchedRow, FileRow, UnsentRow};

/// BLAKE3 of a ciphertext: names a file on this device.
pub(crate) type FileDigest = [u8; 32];

/// What of the tables is kept in memory.
#[derive(Default)]
pub(crate) struct Files {
    /// Messages that wait for uploads, by their place in the history.
    unsent: BTreeSet<u64>,
    /// What has to be uploaded; whether the shell is at it, in this process.
    uploads: BTreeMap<FileDigest, bool>,
    /// What the server is still to hear of.
    fetched: BTreeSet<FileId>,
    /// Files that are known.
    known: usize,
    /// No ticket is asked for before.
    tickets_after: Option<Time>,
    /// Nothing fetched is told before.
    fetched_after: Option<Time>,
    /// Some message that waits may leave now, or never.
    moved: bool,
}

/// What a post's files lack.
#[derive(PartialEq, Eq)]
pub(crate) enum Lack {
    Nothing,
    /// An upload is still to be done.
    Uploads,
    /// Something is not here and nowhere else: it will never be.
    Forever,
}

impl Files {
    pub(crate) fn open(db: &dyn Read) -> Result<Self, Error> {
        let store = Overlay::new(db);
        let mut files = Self { moved: true, ..Self::default() };
        for (key, value) in store.rows(Table::File, &[], &[0xff; 33], MAX_FILES + 1)? {
            let digest = key.as_slice().try_into().map_err(|_| Error::Damaged(FileRow::NAME))?;
            files.known += 1;
            if FileRow::unpack(&value)?.wanted {
                files.uploads.insert(digest, false);
            }
        }
        for (key, _) in store.rows(Table::Unsent, &[], &[0xff; 9], MAX_UNSENT + 1)? {
            let order = key.as_slice().try_into().map_err(|_| Error::Damaged(UnsentRow::NAME))?;
            files.unsent.insert(u64::from_be_bytes(order));
        }
        for (key, _) in store.rows(Table::Fetched, &[], &[0xff; 17], MAX_FETCHED_KEPT + 1)? {
            let file = key.as_slice().try_into().map_err(|_| Error::Damaged(FetchedRow::NAME))?;
            files.fetched.insert(FileId(file));
        }
        Ok(files)
    }
}

impl FileRow {
    fn file(&self) -> Result<Option<FileId>, Error> {
        if self.file.is_empty() {
            return Ok(None);
        }
        let file = self.file.as_slice().try_into().map_err(|_| Error::Damaged(Self::NAME))?;
        Ok(Some(FileId(file)))
    }

    /// The right to upload it, if there is one that lasts for a while.
    fn ticket(&self, now: Time) -> Option<UploadTicket> {
        (self.expires_ms > now.0.saturating_add(TICKET_SPARE_MS)).then_some(())?;
        Some(UploadTicket {
            file: FileId(self.ticket.as_slice().try_into().ok()?),
            token: UploadToken(self.token.as_slice().try_into().ok()?),
            url: self.url.clone(),
            expires_at_ms: self.expires_ms,
            segment_bytes: self.segment_bytes,
        })
    }

    fn forget_ticket(&mut self) {
        self.ticket.clear();
        self.token.clear();
        self.url.clear();
        self.expires_ms = 0;
        self.segment_bytes = 0;
    }
}

/// Files that the server is to keep for the readers of a message.
pub(crate) fn files_of(body: &ContentBody) -> Vec<FileId> {
    let post = match body {
        ContentBody::Post(post) => post,
        ContentBody::Status(status) => &status.post,
        ContentBody::Sync(Sync::Sent(message)) => match &message.body {
            ArchivedBody::Post(post) => post,
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    post.attachments.iter().filter_map(|attachment| attachment.file).collect()
}

impl OutboxRow {
    /// The message of the history that it brings to somebody, whose files it waits for.
    fn brings(&self) -> Option<MessageId> {
        if self.kind == Kind::Status as u32 {
            return self.ids.first().copied().map(MessageId);
        }
        (self.kind == Kind::Text as u32).then_some(MessageId(self.id))
    }
}

impl Client {
    // ------------------------------------------------------------ what the shell has

    /// The shell has a file's ciphertext, and it is to be uploaded.
    pub(crate) fn add_file(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        file: &LocalFile,
    ) -> Result<(), Error> {
        if file.bytes > MAX_ATTACHMENT_BYTES {
            turn.failed(command, Failure::Malformed);
            return Ok(());
        }
        let known = turn.store.load::<FileRow>(&Key::File(file.digest))?;
        if known.is_none() && !self.room_for_file(turn)? {
            turn.failed(command, Failure::TooManyFiles { limit: MAX_FILES });
            return Ok(());
        }
        self.files.known += usize::from(known.is_none());
        let mut row = known.unwrap_or_default();
        (row.key, row.bytes) = (file.key.to_vec(), file.bytes);
        row.content = file.content.to_vec();
        row.added_at_ms = turn.now.0;
        self.want_upload(turn, file.digest, row);
        turn.store.save(Key::FileContent(file.content), &ContentRow { digest: file.digest.to_vec() });
        turn.done(command);
        Ok(())
    }

    /// What is known of files has an end: those that are uploaded go, the oldest first.
    fn room_for_file(&mut self, turn: &mut Turn<'_>) -> Result<bool, Error> {
        if self.files.known < MAX_FILES {
            return Ok(true);
        }
        let mut done = Vec::new();
        for (key, value) in turn.store.rows(Table::File, &[], &[0xff; 33], MAX_FILES)? {
            let row = FileRow::unpack(&value)?;
            if !row.wanted {
                done.push((row.added_at_ms, key, row.content.clone()));
            }
        }
        done.sort_unstable();
        for (_, key, content) in done.into_iter().take(MAX_FILES / 8) {
            let digest = key.as_slice().try_into().map_err(|_| Error::Damaged(FileRow::NAME))?;
            turn.store.delete(Key::File(digest));
            if let Ok(content) = content.as_slice().try_into() {
                turn.store.delete(Key::FileContent(content));
            }
            self.files.known = self.files.known.saturating_sub(1);
        }
        Ok(self.files.known < MAX_FILES)
    }

    fn want_upload(&mut self, turn: &mut Turn<'_>, digest: FileDigest, mut row: FileRow) {
        if row.file.is_empty() {
            (row.wanted, row.missing) = (true, false);
            self.files.uploads.entry(digest).or_insert(false);
        }
        turn.store.save(Key::File(digest), &row);
    }

    /// The shell has brought all of a file to where its ticket says.
    pub(crate) fn uploaded(&mut self, turn: &mut Turn<'_>, digest: FileDigest) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<FileRow>(&Key::File(digest))? else { return Ok(()) };
        if !row.wanted || row.ticket.is_empty() {
            return Ok(());
        }
        row.file = std::mem::take(&mut row.ticket);
        row.wanted = false;
        row.forget_ticket();
        turn.store.save(Key::File(digest), &row);
        self.files.uploads.remove(&digest);
        self.files.moved = true;
        turn.event(Event::FileUploaded(digest));
        Ok(())
    }

    /// The shell cannot upload a file as it is.
    pub(crate) fn upload_failed(
        &mut self,
        turn: &mut Turn<'_>,
        digest: FileDigest,
        why: UploadFailure,
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<FileRow>(&Key::File(digest))?.filter(|row| row.wanted) else {
            return Ok(());
        };
        match why {
            UploadFailure::Ticket => {
                row.forget_ticket();
                turn.store.save(Key::File(digest), &row);
                self.files.uploads.insert(digest, false);
                self.files.tickets_after = Some(turn.now.plus(HOLD_MS));
            }
            UploadFailure::Missing => self.give_file_up(turn, digest, row, Failure::UnknownFile),
        }
        Ok(())
    }

    /// Whatever waits for a file will not leave. Whoever sends it again tries again.
    fn give_file_up(&mut self, turn: &mut Turn<'_>, digest: FileDigest, mut row: FileRow, why: Failure) {
        row.forget_ticket();
        (row.wanted, row.missing) = (false, true);
        turn.store.save(Key::File(digest), &row);
        self.files.uploads.remove(&digest);
        self.files.moved = true;
        turn.event(Event::FileRefused { file: digest, failure: why });
    }

    // ------------------------------------------------------------ messages

    /// What a post says of files of this device is completed with what is known of them; what is not uploaded will
    /// be. `None`: it can be written.
    pub(crate) fn attach(&mut self, turn: &mut Turn<'_>, post: &mut Post) -> Result<Option<Failure>, Error> {
        for attachment in post.attachments.iter_mut().filter(|attachment| attachment.file.is_none()) {
            let Some(row) = turn.store.load::<FileRow>(&Key::File(attachment.digest))? else {
                return Ok(Some(Failure::UnknownFile));
            };
            attachment.key = row.key.as_slice().try_into().map_err(|_| Error::Damaged(FileRow::NAME))?;
            attachment.bytes = row.bytes;
            attachment.file = row.file()?;
            self.want_upload(turn, attachment.digest, row);
        }
        let lacks = post.attachments.iter().any(|attachment| attachment.file.is_none());
        Ok((lacks && self.files.unsent.len() >= MAX_UNSENT).then_some(Failure::OutboxFull))
    }

    /// Completes what was uploaded meanwhile.
    pub(crate) fn complete(&self, turn: &Turn<'_>, post: &mut Post) -> Result<Lack, Error> {
        let mut lack = Lack::Nothing;
        for attachment in post.attachments.iter_mut().filter(|attachment| attachment.file.is_none()) {
            let row = turn.store.load::<FileRow>(&Key::File(attachment.digest))?;
            match row.filter(|row| !row.missing) {
                None => return Ok(Lack::Forever),
                Some(row) => attachment.file = row.file()?,
            }
            if attachment.file.is_none() {
                lack = Lack::Uploads;
            }
        }
        Ok(lack)
    }

    /// A message is in the history and leaves when its files are uploaded.
    pub(crate) fn wait_for_files(&mut self, turn: &mut Turn<'_>, order: u64, key: MessageKey) {
        turn.store.save(Key::Unsent(order), &UnsentRow { message: key.bytes() });
        self.files.unsent.insert(order);
    }

    /// Lets messages leave that have everything.
    fn release(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if !std::mem::take(&mut self.files.moved) {
            return Ok(());
        }
        for order in self.files.unsent.clone() {
            let row: UnsentRow = turn.store.load(&Key::Unsent(order))?.unwrap_or_default();
            let key = MessageKey::parse(&row.message).ok_or(Error::Damaged(UnsentRow::NAME))?;
            let message = turn.store.message(&key)?.filter(|message| message.delivery == Delivery::Pending);
            let Some(Message { body: Body::Post(mut post), .. }) = message.clone() else {
                self.waits_no_more(turn, order);
                continue;
            };
            let lack = self.complete(turn, &mut post)?;
            let Some(mut message) = message.filter(|_| lack != Lack::Uploads) else { continue };
            let rows = self.shown_to(turn, &message)?.len().max(1);
            if self.room_for(rows as u64).is_some() {
                self.files.moved = true;
                return Ok(());
            }
            self.waits_no_more(turn, order);
            message.body = Body::Post(post);
            if lack == Lack::Nothing {
                self.dispatch(turn, message)?;
            } else {
                message.delivery = Delivery::Failed;
                turn.event(Event::Delivery { message: key, with: message.with, delivery: Delivery::Failed });
                turn.store.write_message(message);
            }
        }
        Ok(())
    }

    fn waits_no_more(&mut self, turn: &mut Turn<'_>, order: u64) {
        turn.store.delete(Key::Unsent(order));
        self.files.unsent.remove(&order);
    }

    /// The server has none of some files that a message names: they are uploaded again, and the message waits.
    pub(crate) fn files_gone(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        to: Conversation,
        gone: &[FileId],
    ) -> Result<(), Error> {
        let mut row = self.outbox_row(turn, order)?;
        row.tries += 1;
        if row.tries > MAX_TRIES {
            return self.fail_row(turn, order);
        }
        let Some(brings) = row.brings() else {
            // Who reads it may come too late for the file; the message matters more.
            row.without_files = true;
            turn.store.save(Key::Outbox(order), &row);
            return self.unseal(turn, order, to);
        };
        turn.store.save(Key::Outbox(order), &row);
        let key = self.address().map(|from| MessageKey { from, id: brings });
        let message = key.map(|key| turn.store.message(&key)).transpose()?.flatten();
        if let Some(mut message) = message
            && let Body::Post(post) = &mut message.body
        {
            for attachment in &mut post.attachments {
                let named = attachment.file.is_some_and(|file| gone.is_empty() || gone.contains(&file));
                if !named {
                    continue;
                }
                let known: Option<FileRow> = turn.store.load(&Key::File(attachment.digest))?;
                self.files.known += usize::from(known.is_none());
                let mut file = known.unwrap_or_default();
                if file.file.is_empty() || file.file()? == attachment.file {
                    (file.key, file.bytes) = (attachment.key.to_vec(), attachment.bytes);
                    file.file.clear();
                    self.want_upload(turn, attachment.digest, file);
                }
                attachment.file = None;
            }
            turn.store.write_message(message);
        }
        self.unseal(turn, order, to)
    }

    /// Completes the message of a row that is about to be encrypted.
    pub(crate) fn complete_row(&self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<Lack, Error> {
        let (Some(from), Some(id)) = (self.address(), row.brings()) else { return Ok(Lack::Nothing) };
        let key = MessageKey { from, id };
        let Some(mut message) = turn.store.message(&key)? else { return Ok(Lack::Nothing) };
        let Body::Post(post) = &mut message.body else { return Ok(Lack::Nothing) };
        if post.attachments.iter().all(|attachment| attachment.file.is_some()) {
            return Ok(Lack::Nothing);
        }
        let lack = self.complete(turn, post)?;
        turn.store.write_message(message);
        Ok(lack)
    }

    // ------------------------------------------------------------ what was fetched

    /// This device has a file, or does not want it any more.
    pub(crate) fn fetched(&mut self, turn: &mut Turn<'_>, file: FileId) {
        if self.files.fetched.len() < MAX_FETCHED_KEPT && self.files.fetched.insert(file) {
            turn.store.save(Key::Fetched(file), &FetchedRow::default());
        }
    }

    /// What a message brought is not wanted any more.
    pub(crate) fn let_go(&mut self, turn: &mut Turn<'_>, message: &Message) {
        if let (Body::Post(post), Direction::Incoming) = (&message.body, message.direction) {
            self.let_files_go(turn, post);
        }
    }

    pub(crate) fn let_files_go(&mut self, turn: &mut Turn<'_>, post: &Post) {
        for file in post.attachments.iter().filter_map(|attachment| attachment.file) {
            self.fetched(turn, file);
        }
    }

    pub(crate) fn fetched_told(&mut self, turn: &mut Turn<'_>, files: &[FileId], answer: ResponseBody) {
        let over = match &answer {
            ResponseBody::Done => true,
            answer => matches!(answer, ResponseBody::Reject(reject) if reject.code == RejectCode::NotOffered),
        };
        if !over {
            self.files.fetched_after = Some(turn.now.plus(hold_ms(&as_reject(answer))));
            return;
        }
        for file in files {
            self.files.fetched.remove(file);
            turn.store.delete(Key::Fetched(*file));
        }
    }

    // ------------------------------------------------------------ the server

    /// Does what is to be done about files.
    pub(crate) fn pump_files(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        self.release(turn)?;
        let over = |at: &Time| *at > turn.now && *at <= turn.now.plus(crate::limits::HOLD_MAX_MS);
        self.files.tickets_after = self.files.tickets_after.filter(over);
        self.files.fetched_after = self.files.fetched_after.filter(over);
        if self.link.online().is_none() {
            return Ok(());
        }
        self.begin_uploads(turn)?;
        let asked = |asked: &Asked| matches!(asked, Asked::Fetched(_));
        let told = self.link.online().is_some_and(|up| up.has_asked(asked));
        if !told && self.files.fetched_after.is_none() && !self.files.fetched.is_empty() {
            let files: Vec<FileId> =
                self.files.fetched.iter().take(MAX_FETCHED_PER_REQUEST).copied().collect();
            let what = RequestBody::File(FileRequest::Fetched(files.clone()));
            let _full = self.link.ask(turn, what, Asked::Fetched(files));
        }
        Ok(())
    }

    /// A bounded number of uploads at a time: with a ticket the shell begins; without one the server is asked.
    fn begin_uploads(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let waiting: Vec<FileDigest> =
            self.files.uploads.iter().filter(|(_, begun)| !**begun).map(|(digest, _)| *digest).collect();
        for digest in waiting {
            let begun = self.files.uploads.values().filter(|begun| **begun).count();
            let Some(up) = self.link.online() else { return Ok(()) };
            let asked = |asked: &Asked| matches!(asked, Asked::Ticket(_));
            if begun >= MAX_UPLOADS || up.has_asked(asked) {
                return Ok(());
            }
            let Some(row) = turn.store.load::<FileRow>(&Key::File(digest))? else { continue };
            if let Some(ticket) = row.ticket(turn.now) {
                self.files.uploads.insert(digest, true);
                turn.effects.push(Effect::Upload(Box::new(Upload { digest, bytes: row.bytes, ticket })));
                continue;
            }
            if self.files.tickets_after.is_none() {
                let sealed = waxwing_e2ee::attachment::Layout::new(row.bytes);
                let bytes = sealed.map_err(|_| Error::Damaged(FileRow::NAME))?.sealed_bytes();
                let what = RequestBody::File(FileRequest::Upload(bytes));
                let _full = self.link.ask(turn, what, Asked::Ticket(digest));
            }
        }
        Ok(())
    }

    pub(crate) fn ticket_answered(
        &mut self,
        turn: &mut Turn<'_>,
        digest: FileDigest,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<FileRow>(&Key::File(digest))?.filter(|row| row.wanted) else {
            return Ok(());
        };
        match answer {
            ResponseBody::UploadTicket(ticket) => {
                row.ticket = ticket.file.0.to_vec();
                row.token = ticket.token.0.to_vec();
                row.url = ticket.url;
                // Its clock may be another: a ticket that is over shows when it is used.
                row.expires_ms = ticket.expires_at_ms.max(turn.now.0.saturating_add(2 * TICKET_SPARE_MS));
                row.segment_bytes = ticket.segment_bytes;
                turn.store.save(Key::File(digest), &row);
            }
            answer => {
                let reject = as_reject(answer);
                if is_final(&reject) {
                    self.give_file_up(turn, digest, row, Failure::Rejected(reject));
                    return self.release(turn);
                }
                self.files.tickets_after = Some(turn.now.plus(hold_ms(&reject)));
            }
        }
        Ok(())
    }

    /// The shell uploads a file in segments, and wants to know where to.
    pub(crate) fn find_segments(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        digest: FileDigest,
        first: u32,
    ) -> Result<(), Error> {
        match self.ticket_of(turn, digest)? {
            Some(UploadTicket { file, token, .. }) => {
                let count = u32::try_from(MAX_SEGMENT_URLS).unwrap_or(u32::MAX);
                let request = FileRequest::Segments { file, token, first: first.min(MAX_SEGMENT), count };
                self.wish(turn, command, Wanted::File(request, None));
            }
            None => turn.failed(command, Failure::UnknownFile),
        }
        Ok(())
    }

    /// The shell has put all segments of a file to where they go.
    pub(crate) fn finish_upload(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        digest: FileDigest,
    ) -> Result<(), Error> {
        match self.ticket_of(turn, digest)? {
            Some(UploadTicket { file, token, .. }) => {
                self.wish(turn, command, Wanted::File(FileRequest::Finish { file, token }, Some(digest)));
            }
            None => turn.failed(command, Failure::UnknownFile),
        }
        Ok(())
    }

    /// Of an upload that is under way. How long it lasts, the server knows better.
    fn ticket_of(&self, turn: &Turn<'_>, digest: FileDigest) -> Result<Option<UploadTicket>, Error> {
        let row = turn.store.load::<FileRow>(&Key::File(digest))?.filter(|row| row.wanted);
        Ok(row.and_then(|row| row.ticket(Time(0))))
    }

    pub(crate) fn file_answered(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        asked: (&FileRequest, Option<FileDigest>),
        answer: ResponseBody,
    ) -> Result<(), Error> {
        match (answer, asked) {
            (ResponseBody::Download(download), (FileRequest::Download { .. }, _)) => {
                turn.event(Event::FileFound { command, download: Box::new(download) });
            }
            (ResponseBody::Segments(segments), (FileRequest::Segments { .. }, _)) => {
                turn.event(Event::SegmentsFound { command, segments: Box::new(segments) });
            }
            (ResponseBody::Done, (FileRequest::Finish { file, .. }, Some(digest))) => {
                if self.ticket_of(turn, digest)?.is_some_and(|ticket| ticket.file == *file) {
                    self.uploaded(turn, digest)?;
                }
            }
            (answer, _) => {
                turn.failed(command, Failure::Rejected(as_reject(answer)));
                return Ok(());
            }
        }
        turn.done(command);
        Ok(())
    }

    /// When [`Self::pump_files`] has something to do.
    pub(crate) fn files_at(&self) -> Option<Time> {
        let tickets = self.files.tickets_after.filter(|_| !self.files.uploads.is_empty());
        tickets.into_iter().chain(self.files.fetched_after).min()
    }

    // ------------------------------------------------------------ reading

    /// A file that this device has encrypted or had to upload.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn file(&self, db: &dyn Read, digest: [u8; 32]) -> Result<Option<LocalFile>, Error> {
        const DAMAGED: Error = Error::Damaged(FileRow::NAME);
        let Some(row) = Overlay::new(db).load::<FileRow>(&Key::File(digest))? else { return Ok(None) };
        let key = row.key.as_slice().try_into().map_err(|_| DAMAGED)?;
        let content = row.content.as_slice().try_into().unwrap_or([0; 32]);
        Ok(Some(LocalFile { digest, key, bytes: row.bytes, content }))
    }

    /// The file with this content (by BLAKE3), if this device has encrypted it before.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn file_with(&self, db: &dyn Read, content: [u8; 32]) -> Result<Option<LocalFile>, Error> {
        let row = Overlay::new(db).load::<ContentRow>(&Key::FileContent(content))?;
        match row.and_then(|row| row.digest.as_slice().try_into().ok()) {
            Some(digest) => self.file(db, digest),
            None => Ok(None),
        }
    }

    /// Whether a file's ciphertext has to be kept for an upload.
    #[must_use]
    pub fn is_to_be_uploaded(&self, digest: [u8; 32]) -> bool {
        self.files.uploads.contains_key(&digest)
    }
}

/// Whether asking again would change nothing.
fn is_final(reject: &Reject) -> bool {
    reject.retry_after_ms == 0
        && matches!(
            reject.code,
            RejectCode::TooLarge | RejectCode::Quota | RejectCode::NotOffered | RejectCode::Malformed
        )
}
