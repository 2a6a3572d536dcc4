//! The driver's part in files: a place for their bytes that has no bytes.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::file::{Download, UploadTicket, UploadToken};
use waxwing_wire::server_frame::{Response, ResponseBody};
use waxwing_wire::{AccountId, FileId, Reject};

use super::{Device, World};
use crate::row::{FileRow, FileStage, Row};
use crate::{Asker, Command, Effect, FileCommand, Key, OpenUpload, Origin, Piece, QuotaRow};

/// What a driver knows of the bytes of files.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    /// Files with bytes.
    pub(crate) there: BTreeSet<FileId>,
    /// The driver does not come to delete any.
    pub(crate) kept: bool,
    /// Files that undelivered messages refer to, as a test notes it: none of them may go.
    pub(crate) needed: BTreeSet<FileId>,
    answers: BTreeMap<Asker, Result<OpenUpload, Reject>>,
}

impl World {
    pub(super) fn carry_out_of_file(&mut self, effect: Effect) {
        let (origin, what) = match effect {
            Effect::GrantUpload { origin, file, token, bytes: _, expires_at_ms } => {
                self.bytes.there.insert(file);
                let url = format!("/media/{}", file.to_hex());
                let ticket = UploadTicket { file, token, url, expires_at_ms, segment_bytes: 0 };
                (origin, ResponseBody::UploadTicket(ticket))
            }
            Effect::GrantDownload { origin, file, bytes, first: _ } => {
                assert!(self.bytes.there.contains(&file), "a file is given out that is not there");
                let urls = vec![format!("/media/{}?key", file.to_hex())];
                let download = Download { bytes, segment_bytes: 0, urls, expires_at_ms: self.now.0 };
                (origin, ResponseBody::Download(download))
            }
            Effect::DeleteFile { file, bytes: _ } => {
                assert!(!self.bytes.needed.contains(&file), "a file is deleted that a message needs");
                if !self.bytes.kept {
                    self.bytes.there.remove(&file);
                    self.begun.push_back(Command::File(FileCommand::Deleted { file }));
                }
                return;
            }
            Effect::FileAnswer { asker, answer } => {
                self.bytes.answers.insert(asker, answer);
                return;
            }
            Effect::CheckUpload { origin, file, token, bytes: _ } => {
                let complete = FileCommand::Complete { asker: None, origin: Some(origin), file, token };
                self.begun.push_back(Command::File(complete));
                return;
            }
            other => panic!("not about files: {other:?}"),
        };
        let piece = Piece::Response(Response { id: origin.request, what });
        self.out.entry(origin.conn).or_default().pieces.push(piece);
    }

    /// A ticket for a file of so many bytes.
    pub(crate) fn ticket(&mut self, owner: &Device, bytes: u64) -> Result<UploadTicket, Reject> {
        let owner = owner.address.account;
        let ask = |origin| Command::File(FileCommand::RequestUpload { origin, owner, bytes });
        match self.ask(ask) {
            ResponseBody::UploadTicket(ticket) => Ok(ticket),
            ResponseBody::Reject(reject) => Err(reject),
            other => panic!("{other:?}"),
        }
    }

    /// The HTTP side asks.
    pub(crate) fn http(
        &mut self,
        command: impl FnOnce(Asker, FileId, [u8; 32]) -> FileCommand,
        file: FileId,
        token: UploadToken,
    ) -> Result<OpenUpload, Reject> {
        let asker = Asker(7);
        self.run(Command::File(command(asker, file, FileCommand::hash(token))));
        self.bytes.answers.remove(&asker).unwrap()
    }

    pub(crate) fn complete_upload(&mut self, ticket: &UploadTicket) -> Result<OpenUpload, Reject> {
        let complete =
            |asker, file, token| FileCommand::Complete { asker: Some(asker), origin: None, file, token };
        self.http(complete, ticket.file, ticket.token)
    }

    /// A file that is there.
    pub(crate) fn upload(&mut self, owner: &Device, bytes: u64) -> FileId {
        let ticket = self.ticket(owner, bytes).unwrap();
        self.complete_upload(&ticket).unwrap();
        ticket.file
    }

    pub(crate) fn download(&mut self, file: FileId) -> Result<Download, Reject> {
        let ask = |origin| Command::File(FileCommand::RequestDownload { origin, file, first: 0 });
        match self.ask(ask) {
            ResponseBody::Download(download) => Ok(download),
            ResponseBody::Reject(reject) => Err(reject),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn fetched(&mut self, by: &Device, files: &[FileId]) {
        let by = by.address;
        let ask =
            |origin: Origin| Command::File(FileCommand::Fetched { origin, by, files: files.into(), next: 0 });
        assert_eq!(self.ask(ask), ResponseBody::Done);
    }

    pub(crate) fn file(&self, file: FileId) -> Option<FileRow> {
        match self.row(Key::File(file)) {
            Some(Row::File(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn quota(&self, owner: AccountId) -> QuotaRow {
        match self.row(Key::Quota(owner)) {
            Some(Row::Quota(row)) => row,
            _ => QuotaRow::default(),
        }
    }

    /// What must hold of files, whatever happened.
    pub(super) fn check_files(&self) {
        let mut awaiting: BTreeMap<FileId, u64> = BTreeMap::new();
        let mut quotas: BTreeMap<AccountId, QuotaRow> = BTreeMap::new();
        for (key, bytes) in self.store.rows() {
            match (key, Row::decode(key, bytes.clone()).unwrap()) {
                (Key::Awaiting(file, _), _) => *awaiting.entry(*file).or_default() += 1,
                (Key::Owned(owner, _), Row::Owned(row)) => {
                    let quota = quotas.entry(*owner).or_default();
                    quota.files += 1;
                    quota.bytes += row.bytes;
                }
                _ => {}
            }
        }
        for (key, bytes) in self.store.rows() {
            match (key, Row::decode(key, bytes.clone()).unwrap()) {
                (Key::File(file), Row::File(row)) => {
                    assert_eq!(row.awaiting, awaiting.get(file).copied().unwrap_or_default(), "{row:?}");
                    let there = row.stage != FileStage::Complete || self.bytes.there.contains(file);
                    assert!(there, "messages may refer to {file:?}, whose bytes are gone");
                }
                (Key::Quota(owner), Row::Quota(row)) => {
                    assert_eq!(quotas.remove(owner), Some(row), "what counts towards the share of {owner:?}");
                }
                _ => {}
            }
        }
        assert!(quotas.is_empty(), "files that count towards no share");
    }
}
