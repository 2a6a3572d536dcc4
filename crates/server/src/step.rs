use bytes::Bytes;
use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::file::UploadToken;
use waxwing_wire::light::{LightEvent, Presence};
use waxwing_wire::server_frame::{Refused, Response, Welcome};
use waxwing_wire::{DeviceAddress, FileId, MessageId, Reject};

use crate::command::{Asker, Command, ConnId, Origin};
use crate::row::Row;
use crate::store::{DedupeKey, Key, Shard};

/// What a decision leads to.
#[derive(Debug, Default)]
#[must_use]
pub struct Step {
    /// To be committed first. `None` when nothing changes.
    pub batch: Option<Batch>,
    /// To be carried out after the commit, in order.
    pub effects: Vec<Effect>,
}

/// Changes of one shard; all or nothing. Within a batch the trims come before the appends: a dedupe key that
/// stands in both is there afterwards.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The shard that every change in it belongs to.
    pub shard: Shard,
    /// Rows to write (`Some`) or delete (`None`).
    pub rows: Vec<(Key, Option<Row>)>,
    /// Entries to add to mailboxes.
    pub appends: Vec<Append>,
    /// Entries to delete from mailboxes.
    pub trims: Vec<Trim>,
}

/// One new mailbox entry.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which mailbox.
    pub mailbox: DeviceAddress,
    /// Its place, as the mailbox's row says.
    pub seq: u64,
    /// What the store keeps: an encoded [`waxwing_wire::server_frame::Item`], or a reference to a blob, which
    /// only [`crate::resolve`] understands.
    pub item: Bytes,
    /// Under which the engine remembers it as long as the entry exists, so that a resend is noticed.
    pub dedupe: Option<DedupeKey>,
}

/// Entries that go from a mailbox. Every number in the range is one that is there, or was when the decision
/// was made, and there are at most [`crate::limits::TRIM_ENTRIES`]: an engine may delete them one by one.
#[derive(Debug, Clone)]
pub struct Trim {
    /// Which mailbox.
    pub mailbox: DeviceAddress,
    /// From this sequence number.
    pub from: u64,
    /// Up to and with this one.
    pub up_to: u64,
    /// The entries' dedupe keys, which go with them.
    pub dedupe: Vec<DedupeKey>,
}

/// What happens after a commit.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Part of the next frame to a connection.
    Reply {
        /// Which connection.
        conn: ConnId,
        /// What to say.
        piece: Piece,
    },
    /// A message was newly accepted: for whoever counts them.
    Accepted,
    /// The connection now speaks for the device; hand it to [`crate::Links::attach`], even if the connection
    /// has ended meanwhile: [`crate::Links::detach`] comes after it then.
    Attach {
        /// Which connection.
        conn: ConnId,
        /// Which device.
        address: DeviceAddress,
        /// The connection's lease.
        lease: u64,
        /// The device has stored its mailbox up to this entry.
        stored: u64,
        /// The last entry of the mailbox.
        last: u64,
    },
    /// A mailbox has a new entry; hand it to [`crate::Links::appended`].
    Appended {
        /// Which mailbox.
        mailbox: DeviceAddress,
        /// The entry's place.
        seq: u64,
        /// The entry as it is delivered. For a message to a group the store keeps a reference instead.
        item: Bytes,
    },
    /// The device has settled its mailbox up to an entry; hand it to [`crate::Links::trimmed`].
    Trimmed {
        /// Which mailbox.
        mailbox: DeviceAddress,
        /// Up to and with this sequence number.
        up_to: u64,
    },
    /// Entries for a connection, ascending without gaps.
    Deliver {
        /// Which connection.
        conn: ConnId,
        /// Sequence number and encoded item of each.
        entries: Vec<(u64, Bytes)>,
    },
    /// Read entries of a mailbox from the store, put what they refer to in their place with
    /// [`crate::resolve`], and hand them to [`crate::Links::page`].
    ReadMailbox {
        /// Which mailbox.
        mailbox: DeviceAddress,
        /// The connection that they are for.
        conn: ConnId,
        /// From this sequence number on.
        from: u64,
        /// At most so many entries.
        max_entries: usize,
        /// Stop after the entry that reaches so many bytes; also for [`crate::resolve`].
        max_bytes: usize,
    },
    /// The connection waits for its offer to be approved; hand it to [`crate::Links::await_link`]. A connection
    /// that has ended meanwhile is forgotten with its [`crate::Links::detach`], which comes after it then.
    AwaitLink {
        /// Where the answer goes.
        origin: Origin,
        /// Where the offer waits.
        reference: LinkReference,
        /// When it ends, milliseconds since 1970.
        expires_at_ms: u64,
    },
    /// An offer was approved; hand it to [`crate::Links::linked`].
    Linked {
        /// Where the offer waited.
        reference: LinkReference,
        /// The list that includes the new device.
        list: SignedDeviceList,
        /// What only the new device can read.
        sealed: Bytes,
    },
    /// The device was removed from its account; hand it to [`crate::Links::removed`], which ends its
    /// connection.
    Removed {
        /// Which device.
        address: DeviceAddress,
    },
    /// Close a connection after what was said to it.
    Close {
        /// Which connection.
        conn: ConnId,
    },
    /// A file may be uploaded: tell the device where, with
    /// [`waxwing_wire::server_frame::ResponseBody::UploadTicket`].
    GrantUpload {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// For the ticket.
        token: UploadToken,
        /// Size of the ciphertext.
        bytes: u64,
        /// When the ticket ends, milliseconds since 1970.
        expires_at_ms: u64,
    },
    /// Tell the device where these segments of a file go, with
    /// [`waxwing_wire::server_frame::ResponseBody::Segments`].
    GrantSegments {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// Size of the ciphertext.
        bytes: u64,
        /// Number of the first segment.
        first: u32,
        /// How many are asked for; there may be fewer.
        count: u32,
    },
    /// Tell the device where a file is, with [`waxwing_wire::server_frame::ResponseBody::Download`].
    GrantDownload {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// Size of the ciphertext.
        bytes: u64,
        /// From this segment on, if it is in segments.
        first: u32,
    },
    /// A device says that all of a file is there. If so, and durably, decide [`crate::FileCommand::Complete`] for
    /// this origin; otherwise refuse.
    CheckUpload {
        /// Where the answer goes.
        origin: Origin,
        /// Which file.
        file: FileId,
        /// For the command.
        token: [u8; 32],
        /// Size of the ciphertext.
        bytes: u64,
    },
    /// Nothing refers to these bytes: delete them, and decide [`crate::FileCommand::Deleted`] when they are gone. Also
    /// if there are none. If it cannot be done the sweep says it again.
    DeleteFile {
        /// Which file.
        file: FileId,
        /// Size of the ciphertext; fewer may be there.
        bytes: u64,
    },
    /// For whoever asked beside the connections.
    FileAnswer {
        /// Who.
        asker: Asker,
        /// What becomes of it.
        answer: Result<OpenUpload, Reject>,
    },
    /// Decide this next. A driver whose engine commits a group atomically may do so in the same group.
    ///
    /// Those of one step are decided in their order, each, with all that it leads to, after the one before it
    /// is committed (or earlier in the same group): what a step leads to comes before what still waits. If one is
    /// refused or cannot be committed, what still waits is dropped: a mailbox must not lose entries whose
    /// receipts were not written. [`crate::refuse`] is asked about the step that failed *and* about each that is
    /// dropped, with the same reject: somebody may wait for its answer. Whoever began the chain begins it again
    /// sooner or later.
    ///
    /// Chains can be long: a message to a group takes a step for each member. So a driver does not put a whole
    /// chain into one commit: after [`crate::limits::MAX_CHAIN`] steps it keeps what still waits and goes on
    /// with it in its next commit, before other commands if it can (others in between do no harm, but may
    /// overtake). No effect is carried out before its own step is committed.
    Continue(Command),
}

/// An upload that may go on, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenUpload {
    /// Size of the ciphertext.
    pub bytes: u64,
    /// All of it is there.
    pub complete: bool,
    /// Until when it is to be complete, milliseconds since 1970; of a complete file: when it goes.
    pub expires_at_ms: u64,
}

/// Parts that a frame to a client is put together from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Answer to `Hello`.
    Welcome(Welcome),
    /// A message is durably stored for its recipient.
    Accepted(MessageId),
    /// A message was not taken.
    Refused(Refused),
    /// Answer to a request.
    Response(Response),
    /// The connection ends, and why.
    Goodbye(Reject),
    /// Somebody types. Dropped rather than waited for, as the next.
    Light(LightEvent),
    /// What a watched account has announced.
    Presence(Presence),
}

impl Piece {
    /// Whether a driver drops it when the connection has output waiting, or when it is busy itself.
    #[must_use]
    pub fn is_light(&self) -> bool {
        matches!(self, Self::Light(_) | Self::Presence(_))
    }
}

impl Step {
    /// Nothing changes, and this happens.
    pub(crate) fn only(effects: Vec<Effect>) -> Self {
        Self { batch: None, effects }
    }

    /// Nothing changes, and this is decided next.
    pub(crate) fn next(command: Command) -> Self {
        Self::only(vec![Effect::Continue(command)])
    }
}

impl Batch {
    /// Rows to write, all of them in the shard.
    pub(crate) fn of_rows(shard: Shard, rows: Vec<(Key, Option<Row>)>) -> Self {
        Self { shard, rows, appends: Vec::new(), trims: Vec::new() }
    }
}

impl Append {
    pub(crate) fn effect(&self) -> Effect {
        Effect::Appended { mailbox: self.mailbox, seq: self.seq, item: self.item.clone() }
    }
}
