//! The server core: what the server decides, and nothing of how it waits, stores or sends.
//!
//! A driver (the `serverd` shell, or the simulator) turns around one loop:
//!
//! 1. a [`Command`] arrives; [`reads`] names the rows that its decision needs;
//! 2. the driver loads them into a [`View`];
//! 3. [`decide`] gives a [`Step`]: one [`Batch`] for one shard, and [`Effect`]s;
//! 4. the driver commits the batch durably, on the condition that the rows read are still the same, and
//!    loads and decides again if they are not;
//! 5. only then it carries out the effects. If the commit failed for good it carries out [`refuse`]'s
//!    effects instead.
//!
//! Work across shards is a chain of steps ([`Effect::Continue`]), each idempotent, so that a crash between
//! two of them is healed by whoever repeats the first.
//!
//! What a driver does besides:
//!
//! - it asks [`Links::overtakes`] before each message to an account, and tells [`Links::note_refusals`] what became of
//!   it before it turns to the next;
//! - it asks [`Links`] before each message and request whether the device may ([`Links::allow_send`],
//!   [`Links::allow_group_send`], [`Links::allow_request`], [`Links::allow_offer`]);
//! - it calls [`Links::expire_links`] about once a second, and [`Links::detach`] for *every* connection that
//!   ends, also one that never spoke for a device;
//! - it goes through the rows that [`Store::sweep`] lists, for each kind of [`Sweep`], and decides
//!   [`Command::sweep`] of each;
//! - `OfferLink` and `CompleteLink` come from connections that speak for no device and whose key was proven;
//!   such a connection may stay silent as long as it waits. Every other request but `Register` needs an
//!   attached device.
//!
//! [`Lights`] carries what is never stored: who types, who is there. A driver gives it the light parts of frames
//! outside of any commit, drops them when it is busy, and tells it of every connection that ends.
//!
//! [`Links`] is the other half: which devices are connected, and how far each has been sent its mailbox.
//! It also knows which connections wait for their offer to be linked. It lives in memory only; a crash loses nothing that a reconnecting device does not bring along.

mod command;
pub mod conformance;
mod decide;
mod item;
pub mod light;
pub mod limits;
mod links;
pub mod memory;
pub mod rejects;
mod resolve;
mod row;
mod step;
mod store;
#[cfg(test)]
mod world;

pub use command::{
    Asker, Command, ConnId, DirectoryCommand, FanOut, Fate, FileCommand, Gone, Origin, Target,
};
pub use decide::{decide, reads, refuse};
pub use light::Lights;
pub use links::Links;
pub use resolve::resolve;
pub use row::{
    AccountRow, Approval, BlobId, BlobRow, BucketEntry, BucketRow, CredentialRow, DeviceRow, DirectoryRow,
    FileRow, FileStage, FindableRow, GroupRow, InvitationRow, LinkingRow, MailboxRow, MemberRow, OnItsWay,
    OwnedRow, PendingChange, Pool, PoolKind, PoolRow, QuotaRow, ReferencesRow, Row, RowDamaged, Seen,
    SeenRow, SignedRow, UsernameRow, VoucherRow,
};
pub use step::{Append, Batch, Effect, OpenUpload, Piece, Step, Trim};
pub use store::{
    CommitError, DedupeKey, Key, Keys, MailboxRange, Shard, Store, StoreError, Stored, Sweep, Version, View,
};

/// Milliseconds since 1970 on the server's clock, as the driver read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

/// What an operator can set. Everything else is a constant in [`limits`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a message waits for its device, milliseconds.
    pub retention_ms: u64,
    /// Messages per second that one device may send in the long run.
    pub sends_per_second: u32,
    /// Messages that one device may send at once.
    pub send_burst: u32,
    /// Entries that one mailbox may hold.
    pub mailbox_entries: u64,
    /// Bytes that one mailbox may hold.
    pub mailbox_bytes: u64,
    /// No new entry gets a lower sequence number than this. 1 at first. Whoever goes back to an older copy
    /// of a store raises it above every number given out meanwhile (for example to the count of such
    /// restores times 2^40): otherwise devices take new entries for ones that they have stored already.
    pub first_seq: u64,
    /// How files are kept; `None`: they are not.
    pub files: Option<FileSettings>,
}

/// How files are kept.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// How long a file stays after a message named it last, milliseconds. At least as long as messages wait.
    pub retention_ms: u64,
    /// Bytes that the files of one account may take.
    pub quota_bytes: u64,
    /// Bytes that one file may have, at most [`waxwing_wire::limits::MAX_FILE_BYTES`].
    pub max_bytes: u64,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            retention_ms: limits::RETENTION_MS,
            quota_bytes: limits::FILE_QUOTA_BYTES,
            max_bytes: waxwing_wire::limits::MAX_FILE_BYTES,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention_ms: limits::RETENTION_MS,
            sends_per_second: limits::SENDS_PER_SECOND,
            send_burst: limits::SEND_BURST,
            mailbox_entries: limits::MAILBOX_ENTRIES,
            mailbox_bytes: limits::MAILBOX_BYTES,
            first_seq: 1,
            // A driver must have a place for the bytes first.
            files: None,
        }
    }
}
