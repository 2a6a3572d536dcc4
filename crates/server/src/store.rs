//! What the core needs of a store, in its own words. Engines map it to bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use waxwing_wire::devices::LinkReference;
use waxwing_wire::{AccountId, DeviceAddress, DeviceKey, FileId, GroupId, MessageId, Username};

use crate::row::{
    AccountRow, BlobId, BlobRow, BucketRow, CredentialRow, DirectoryRow, FileRow, FindableRow, GroupRow,
    InvitationRow, LinkingRow, MailboxRow, OwnedRow, PoolKind, PoolRow, QuotaRow, ReferencesRow, Row,
    SeenRow, SignedRow, UsernameRow, VoucherRow,
};
use crate::step::Batch;

/// Names a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Which device has this Noise key.
    Credential(DeviceKey),
    /// An invitation, by the SHA-256 of its token: the store cannot be used to get in.
    Invitation([u8; 32]),
    /// Which account has this alias.
    Username(Username),
    /// An account and its devices.
    Account(AccountId),
    /// A device's one-time prekeys of one kind.
    Pool(DeviceAddress, PoolKind),
    /// The state of a mailbox.
    Mailbox(DeviceAddress),
    /// A device's prekeys that are not one-time.
    Signed(DeviceAddress),
    /// When the devices of an account were last connected.
    Seen(AccountId),
    /// An offer to link a device.
    Linking(LinkReference),
    /// A group.
    Group(GroupId),
    /// A message to a group; up to 64 KB.
    Blob(BlobId),
    /// How many mailbox entries refer to a blob. There whenever the blob is.
    References(BlobId),
    /// The key of the directory of contacts.
    Directory,
    /// A bucket of that directory.
    Bucket(u32),
    /// The operator's word for an address, by the SHA-256 of its code or invitation token.
    Voucher([u8; 32]),
    /// Addresses of an account, whether it is found by them, and how much it has looked up.
    Findable(AccountId),
    /// A file.
    File(FileId),
    /// A file waits for the device of a mailbox.
    Awaiting(FileId, DeviceAddress),
    /// A file is counted towards an account's share.
    Owned(AccountId, FileId),
    /// How much room the files of an account take.
    Quota(AccountId),
}

/// Rows that must be committed together live in one shard; a batch changes only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shard {
    /// A credential.
    Credential(DeviceKey),
    /// An invitation or code: `Invitation` and `Voucher` rows.
    Invitation([u8; 32]),
    /// A username, by the SHA-256 of its text.
    Username([u8; 32]),
    /// An account's records: `Account`, `Signed`, `Pool`, `Findable`, `Owned` and `Quota` rows.
    Account(AccountId),
    /// All mailboxes of one account, with their rows, entries and dedupe keys, and the `Seen` row.
    Mailboxes(AccountId),
    /// An offer to link a device.
    Linking(LinkReference),
    /// A group with its blobs: `Group`, `Blob` and `References` rows.
    Group(GroupId),
    /// The key of the directory.
    Directory,
    /// A bucket of the directory.
    Bucket(u32),
    /// A file and who it waits for: `File` and `Awaiting` rows.
    File(FileId),
}

/// Rows that the sweep goes through, one kind after the other. [`crate::Command::sweep`] says what to do with
/// each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sweep {
    /// `Mailbox` rows, for entries that have waited too long.
    Mailboxes,
    /// `References` rows, for blobs that were left over.
    Blobs,
    /// `Linking` rows, for offers that have ended.
    Linkings,
    /// `Awaiting` rows, for devices that were removed and files that are gone.
    Awaiting,
    /// `File` rows, for files that nobody waits for or that have expired. After the mailboxes, whose messages may
    /// name them.
    Files,
}

/// Under which a mailbox remembers a message while it waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DedupeKey {
    /// The mailbox.
    pub mailbox: DeviceAddress,
    /// Who sent it.
    pub from: DeviceAddress,
    /// The sender's name for it.
    pub id: MessageId,
    /// Which encryption of it.
    pub attempt: u32,
}

/// What a decision wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Rows.
    pub rows: Vec<Key>,
    /// Is the message there already?
    pub dedupe: Vec<DedupeKey>,
    /// Entries of a mailbox.
    pub range: Option<MailboxRange>,
}

/// Entries of a mailbox, from the oldest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxRange {
    /// Which mailbox.
    pub mailbox: DeviceAddress,
    /// From this sequence number.
    pub from: u64,
    /// Up to and with this one.
    pub up_to: u64,
    /// At most so many.
    pub max_entries: usize,
}

/// Tells whether a row has changed: the first 8 bytes of the SHA-256 of its bytes ([`Version::of`]), or 0 for
/// a row that is not there.
///
/// Not a counter, so that a driver knows the version of a row which it has decided but not committed yet
/// (and can decide the next command of a group upon it), and so that no engine needs room or a rule for it.
/// Not a faster hash, because part of some rows is chosen by clients. No row comes back to bytes it had
/// before in a way that matters: mailboxes count upwards, pools remember what was taken, device lists and groups
/// have versions, and what is decided over a counter of references depends on its value alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// What a decision sees.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The rows that were asked for; absent ones with version 0.
    pub rows: BTreeMap<Key, (Option<Row>, Version)>,
    /// The dedupe keys that were asked for and are there, with the entry's sequence number.
    pub dedupe: BTreeMap<DedupeKey, u64>,
    /// The entries that were asked for.
    pub entries: Vec<(u64, Bytes)>,
}

/// A batch and what its decision had read of the batch's own shard.
#[derive(Debug, Clone)]
pub struct Stored {
    /// To be written.
    pub batch: Batch,
    /// Rows that must still have these versions, or the batch is a [`CommitError::Conflict`]. Rows of
    /// other shards are not named: a decision must be right whatever became of those.
    pub expected: Vec<(Key, Version)>,
}

/// Why a batch was not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Somebody else changed what was read: load and decide again.
    #[error("rows have changed since they were read")]
    Conflict,
    /// No room; nothing of the batch was written.
    #[error("the disk is full")]
    Full,
    /// The engine failed; whether the batch is durable is not known.
    #[error("store: {0}")]
    Broken(String),
}

/// The engine failed while reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreError(pub String);

/// A store engine. Synchronous: drivers call it from a thread that may wait.
pub trait Store {
    /// Loads what a decision wants to see: all of it as it was at one time.
    ///
    /// # Errors
    /// When the engine fails; never because something is not there.
    fn load(&self, keys: &Keys) -> Result<View, StoreError>;

    /// Commits a group. The versions that a batch expects are compared with the rows as the batches before
    /// it in the group have left them. When it returns, every batch that is `Ok` survives any crash. Batches of a group
    /// are applied in order, each one whole or not at all.
    fn commit(&mut self, group: Vec<Stored>) -> Vec<Result<(), CommitError>>;

    /// Entries of a mailbox from a sequence number on: at most `max_entries`, and no more after the one
    /// that reaches `max_bytes`.
    ///
    /// # Errors
    /// When the engine fails.
    fn read_mailbox(
        &self,
        mailbox: DeviceAddress,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StoreError>;

    /// A message to a group, to be delivered. As [`Self::load`] would give it; an engine that knows a shorter way
    /// (without its version, which takes a hash over all of it) goes that.
    ///
    /// # Errors
    /// When the engine fails.
    fn blob(&self, blob: BlobId) -> Result<Option<BlobRow>, StoreError> {
        let key = Key::Blob(blob);
        let view = self.load(&Keys { rows: vec![key], ..Keys::default() })?;
        Ok(view.blob(blob).cloned())
    }

    /// Keys of one kind of row, after `after` in the order of keys ([`Key`]'s own), at most `max`; for the
    /// sweep.
    ///
    /// # Errors
    /// When the engine fails.
    fn sweep(&self, kind: Sweep, after: Option<&Key>, max: usize) -> Result<Vec<Key>, StoreError>;
}

impl Key {
    /// Where the row lives.
    #[must_use]
    pub fn shard(&self) -> Shard {
        match self {
            Self::Credential(key) => Shard::Credential(*key),
            Self::Invitation(hash) => Shard::Invitation(*hash),
            Self::Username(name) => Shard::Username(crate::row::sha256(name.as_str().as_bytes())),
            Self::Account(account) => Shard::Account(*account),
            Self::Pool(address, _) | Self::Signed(address) => Shard::Account(address.account),
            Self::Mailbox(address) => Shard::Mailboxes(address.account),
            Self::Seen(account) => Shard::Mailboxes(*account),
            Self::Linking(reference) => Shard::Linking(*reference),
            Self::Group(group) => Shard::Group(*group),
            Self::Blob(blob) | Self::References(blob) => Shard::Group(blob.group),
            Self::Directory => Shard::Directory,
            Self::Bucket(bucket) => Shard::Bucket(*bucket),
            Self::Voucher(hash) => Shard::Invitation(*hash),
            Self::Findable(account) | Self::Owned(account, _) | Self::Quota(account) => {
                Shard::Account(*account)
            }
            Self::File(file) | Self::Awaiting(file, _) => Shard::File(*file),
        }
    }
}

impl Sweep {
    /// In the order in which they are swept.
    pub const ALL: [Self; 5] = [Self::Mailboxes, Self::Blobs, Self::Linkings, Self::Awaiting, Self::Files];

    /// Whether the row of a key is of this kind.
    #[must_use]
    pub fn includes(self, key: &Key) -> bool {
        match self {
            Self::Mailboxes => matches!(key, Key::Mailbox(_)),
            Self::Blobs => matches!(key, Key::References(_)),
            Self::Linkings => matches!(key, Key::Linking(_)),
            Self::Awaiting => matches!(key, Key::Awaiting(..)),
            Self::Files => matches!(key, Key::File(_)),
        }
    }
}

impl Version {
    /// Of a row that is not there.
    pub const ABSENT: Self = Self(0);

    /// Of a row with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = crate::row::sha256(bytes);
        // 0 says that there is no row.
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]).max(1))
    }
}

impl View {
    /// What the batch's commit is conditional on: the versions of the rows read in its own shard.
    #[must_use]
    pub fn expected(&self, shard: Shard) -> Vec<(Key, Version)> {
        let own = self.rows.iter().filter(|(key, _)| key.shard() == shard);
        own.map(|(key, (_, version))| (key.clone(), *version)).collect()
    }

    fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key).and_then(|(row, _)| row.as_ref())
    }

    pub(crate) fn credential(&self, key: DeviceKey) -> Option<&CredentialRow> {
        match self.row(&Key::Credential(key)) {
            Some(Row::Credential(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn invitation(&self, hash: [u8; 32]) -> Option<&InvitationRow> {
        match self.row(&Key::Invitation(hash)) {
            Some(Row::Invitation(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn username(&self, name: &Username) -> Option<&UsernameRow> {
        match self.row(&Key::Username(name.clone())) {
            Some(Row::Username(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn account(&self, account: AccountId) -> Option<&AccountRow> {
        match self.row(&Key::Account(account)) {
            Some(Row::Account(row)) => Some(row),
            _ => None,
        }
    }

    /// Empty if there is none.
    pub(crate) fn pool(&self, address: DeviceAddress, kind: PoolKind) -> PoolRow {
        match self.row(&Key::Pool(address, kind)) {
            Some(Row::Pool(row)) => row.clone(),
            _ => PoolRow::empty(kind),
        }
    }

    pub(crate) fn mailbox(&self, address: DeviceAddress) -> Option<MailboxRow> {
        match self.row(&Key::Mailbox(address)) {
            Some(Row::Mailbox(row)) => Some(*row),
            _ => None,
        }
    }

    pub(crate) fn signed(&self, address: DeviceAddress) -> Option<&SignedRow> {
        match self.row(&Key::Signed(address)) {
            Some(Row::Signed(row)) => Some(row),
            _ => None,
        }
    }

    /// Empty if there is none.
    pub(crate) fn seen(&self, account: AccountId) -> SeenRow {
        match self.row(&Key::Seen(account)) {
            Some(Row::Seen(row)) => row.clone(),
            _ => SeenRow::default(),
        }
    }

    pub(crate) fn linking(&self, reference: LinkReference) -> Option<&LinkingRow> {
        match self.row(&Key::Linking(reference)) {
            Some(Row::Linking(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn group(&self, group: GroupId) -> Option<&GroupRow> {
        match self.row(&Key::Group(group)) {
            Some(Row::Group(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn directory(&self) -> Option<&DirectoryRow> {
        match self.row(&Key::Directory) {
            Some(Row::Directory(row)) => Some(row),
            _ => None,
        }
    }

    /// Empty if there is none.
    pub(crate) fn bucket(&self, bucket: u32) -> BucketRow {
        match self.row(&Key::Bucket(bucket)) {
            Some(Row::Bucket(row)) => row.clone(),
            _ => BucketRow::default(),
        }
    }

    pub(crate) fn voucher(&self, hash: [u8; 32]) -> Option<&VoucherRow> {
        match self.row(&Key::Voucher(hash)) {
            Some(Row::Voucher(row)) => Some(row),
            _ => None,
        }
    }

    /// Empty if there is none.
    pub(crate) fn findable(&self, account: AccountId) -> FindableRow {
        match self.row(&Key::Findable(account)) {
            Some(Row::Findable(row)) => row.clone(),
            _ => FindableRow::default(),
        }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.row(key).is_some()
    }

    pub(crate) fn file(&self, file: FileId) -> Option<FileRow> {
        match self.row(&Key::File(file)) {
            Some(Row::File(row)) => Some(*row),
            _ => None,
        }
    }

    pub(crate) fn owned(&self, owner: AccountId, file: FileId) -> Option<OwnedRow> {
        match self.row(&Key::Owned(owner, file)) {
            Some(Row::Owned(row)) => Some(*row),
            _ => None,
        }
    }

    /// Nothing if there is none.
    pub(crate) fn quota(&self, owner: AccountId) -> QuotaRow {
        match self.row(&Key::Quota(owner)) {
            Some(Row::Quota(row)) => *row,
            _ => QuotaRow::default(),
        }
    }

    pub(crate) fn blob(&self, blob: BlobId) -> Option<&BlobRow> {
        match self.row(&Key::Blob(blob)) {
            Some(Row::Blob(row)) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn references(&self, blob: BlobId) -> Option<&ReferencesRow> {
        match self.row(&Key::References(blob)) {
            Some(Row::References(row)) => Some(row),
            _ => None,
        }
    }
}
