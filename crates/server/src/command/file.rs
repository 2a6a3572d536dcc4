use std::sync::Arc;

use waxwing_wire::file::{FileRequest, UploadToken};
use waxwing_wire::{AccountId, DeviceAddress, FileId};

use super::{Command, Origin};
use crate::row::sha256;

/// Names whoever asks a driver about an upload beside the connections: its HTTP side. The driver draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asker(pub u64);

/// What can be asked about files. See `RequestUpload` in `frame.proto` for the life of one.
#[derive(Debug, Clone)]
pub enum FileCommand {
    /// A device wants to upload. First step: the file gets a name and a token.
    RequestUpload {
        /// Where the answer goes.
        origin: Origin,
        /// Whose room it takes.
        owner: AccountId,
        /// Size of the ciphertext.
        bytes: u64,
    },
    /// Second step: it is counted towards the account's share. Leads to [`crate::Effect::GrantUpload`].
    Reserve {
        /// Where the answer goes.
        origin: Origin,
        /// Whose room it takes.
        owner: AccountId,
        /// Its name.
        file: FileId,
        /// For the uploader.
        token: UploadToken,
        /// Size of the ciphertext.
        bytes: u64,
        /// When the ticket ends, milliseconds since 1970.
        expires_at_ms: u64,
    },
    /// Where do these segments go? Leads to [`crate::Effect::GrantSegments`].
    RequestSegments {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// SHA-256 of its ticket's token.
        token: [u8; 32],
        /// Number of the first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// All of it is said to be there. Leads to [`crate::Effect::CheckUpload`], and that to `Complete`.
    Finish {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// SHA-256 of its ticket's token.
        token: [u8; 32],
    },
    /// Where is this file? Leads to [`crate::Effect::GrantDownload`].
    RequestDownload {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// From this segment on.
        first: u32,
    },
    /// A device needs files no more. One step for each.
    Fetched {
        /// Where the answer goes.
        origin: Origin,
        /// The device.
        by: DeviceAddress,
        /// The files.
        files: Arc<[FileId]>,
        /// How many of them are done with.
        next: usize,
    },
    /// A message is about to name files: they wait for these mailboxes' devices from now on, and then `then` is
    /// decided. One step for each file and each [`crate::limits::AWAITING_PER_STEP`] mailboxes. Whatever becomes of
    /// the message, a file waits for too many rather than too few.
    Refer {
        /// The files.
        files: Arc<[FileId]>,
        /// Of all devices that get the message.
        mailboxes: Arc<[DeviceAddress]>,
        /// Which file's turn it is.
        file: usize,
        /// How many mailboxes this file knows already.
        mailbox: usize,
        /// The message was taken already: it goes on without files that are gone. Otherwise it is refused.
        taken: bool,
        /// What comes next.
        then: Box<Command>,
    },
    /// The driver's HTTP side asks whether an upload may go on. Leads to [`crate::Effect::FileAnswer`].
    Open {
        /// Who asks.
        asker: Asker,
        /// Which file.
        file: FileId,
        /// SHA-256 of the token that came along.
        token: [u8; 32],
    },
    /// All bytes of a file are durable. Leads to [`crate::Effect::FileAnswer`], or to an answer for `origin`.
    Complete {
        /// Who says so beside the connections.
        asker: Option<Asker>,
        /// Which request said so.
        origin: Option<Origin>,
        /// Which file.
        file: FileId,
        /// SHA-256 of the token that came along.
        token: [u8; 32],
    },
    /// An upload is given up by whoever has its token. Leads to [`crate::Effect::FileAnswer`].
    GiveUp {
        /// Who asks.
        asker: Asker,
        /// Which file.
        file: FileId,
        /// SHA-256 of the token that came along.
        token: [u8; 32],
    },
    /// A file that may have to go. Leads to [`crate::Effect::DeleteFile`].
    Expire {
        /// Which.
        file: FileId,
    },
    /// The bytes of a file are gone, as [`crate::Effect::DeleteFile`] wanted it.
    Deleted {
        /// Which.
        file: FileId,
    },
    /// Part of deleting: the room is given back.
    GiveBack {
        /// To whom.
        owner: AccountId,
        /// Which file.
        file: FileId,
    },
    /// Last part of deleting: nothing is left.
    Forget {
        /// Which file.
        file: FileId,
    },
    /// A device that a file waits for, and that may be gone, as the file may.
    ExpireAwaiting {
        /// Which file.
        file: FileId,
        /// Whose mailbox.
        mailbox: DeviceAddress,
    },
}

impl FileCommand {
    /// For a request of an attached device.
    #[must_use]
    pub fn of_device(origin: Origin, from: DeviceAddress, request: FileRequest) -> Self {
        match request {
            FileRequest::Upload(bytes) => Self::RequestUpload { origin, owner: from.account, bytes },
            FileRequest::Segments { file, token, first, count } => {
                Self::RequestSegments { origin, file, token: Self::hash(token), first, count }
            }
            FileRequest::Finish { file, token } => Self::Finish { origin, file, token: Self::hash(token) },
            FileRequest::Download { file, first } => Self::RequestDownload { origin, file, first },
            FileRequest::Fetched(files) => Self::Fetched { origin, by: from, files: files.into(), next: 0 },
        }
    }

    /// Files that a message names, before it is decided.
    pub(crate) fn refer(
        files: &[FileId],
        mailboxes: Vec<DeviceAddress>,
        taken: bool,
        then: Command,
    ) -> Command {
        let (files, mailboxes) = (files.into(), mailboxes.into());
        Command::File(Self::Refer { files, mailboxes, file: 0, mailbox: 0, taken, then: Box::new(then) })
    }

    /// As the store keeps a token.
    #[must_use]
    pub fn hash(token: UploadToken) -> [u8; 32] {
        sha256(&token.0)
    }
}
