//! Rows as the store keeps them. Their encoding is protobuf with the numbers written in `encoding`; a number
//! is never reused, and a golden test pins the bytes.

mod directory;
mod encoding;
mod file;

pub use directory::{BucketEntry, BucketRow, DirectoryRow, FindableRow, VoucherRow};
pub use file::{FileRow, FileStage, OwnedRow, QuotaRow};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::limits::{
    MAX_ONE_TIME_KYBER_PREKEYS, MAX_ONE_TIME_PREKEYS, PUBLIC_KEY_BYTES, SIGNATURE_BYTES,
};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, FileId, GroupId, KyberPrekey, MessageId, OneTimePrekey,
    SignedPrekey, Username,
};

use crate::store::{DedupeKey, Key, Version};
use crate::{Settings, Time};

/// Any row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// See [`CredentialRow`].
    Credential(CredentialRow),
    /// See [`InvitationRow`].
    Invitation(InvitationRow),
    /// See [`UsernameRow`].
    Username(UsernameRow),
    /// See [`AccountRow`].
    Account(AccountRow),
    /// See [`PoolRow`].
    Pool(PoolRow),
    /// See [`MailboxRow`].
    Mailbox(MailboxRow),
    /// See [`SignedRow`].
    Signed(SignedRow),
    /// See [`SeenRow`].
    Seen(SeenRow),
    /// See [`LinkingRow`].
    Linking(LinkingRow),
    /// See [`GroupRow`].
    Group(GroupRow),
    /// See [`BlobRow`].
    Blob(BlobRow),
    /// See [`ReferencesRow`].
    References(ReferencesRow),
    /// See [`DirectoryRow`].
    Directory(DirectoryRow),
    /// See [`BucketRow`].
    Bucket(BucketRow),
    /// See [`VoucherRow`].
    Voucher(VoucherRow),
    /// See [`FindableRow`].
    Findable(FindableRow),
    /// See [`FileRow`].
    File(FileRow),
    /// That a file waits for a device: there is nothing to say beside its key.
    Awaiting,
    /// See [`OwnedRow`].
    Owned(OwnedRow),
    /// See [`QuotaRow`].
    Quota(QuotaRow),
}

/// Which device a Noise key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// The device.
    pub address: DeviceAddress,
    /// Registration is complete. Before, the row only reserves the account id for this key.
    pub active: bool,
}

/// An invitation, kept under the hash of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRow {
    /// How many accounts it admits; `None` for no bound.
    pub uses: Option<u32>,
    /// Accounts that took a counted use; empty without a bound.
    pub claimed_by: Vec<AccountId>,
    /// When it ends, milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

/// Which account has a username.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsernameRow {
    /// The account.
    pub account: AccountId,
}

/// An account. Small, because every message to it is decided over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its alias.
    pub username: Username,
    /// When it was made, milliseconds since 1970.
    pub created_at_ms: u64,
    /// Its devices, ascending by id.
    pub devices: Vec<DeviceRow>,
    /// The device list as its primary signed it. May name devices that are not here any more.
    pub list: SignedDeviceList,
    /// The list's version.
    pub list_version: u64,
    /// When the list ends, milliseconds since 1970: from then on only the primary counts.
    pub list_expires_ms: u64,
    /// Devices that were removed and whose remains are not all cleared away yet. Each number is given once, so
    /// there are at most 126.
    pub leaving: Vec<(DeviceId, DeviceKey)>,
}

/// A device of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Which device.
    pub device: DeviceId,
    /// Its credential.
    pub key: DeviceKey,
    /// Its identity key: 0x05 and the X25519 key.
    pub identity: [u8; PUBLIC_KEY_BYTES],
    /// 14 random bits that tell installations apart.
    pub registration_id: u16,
    /// Over [`waxwing_wire::devices::countersigned_bytes`]; `None` for the primary.
    pub countersignature: Option<[u8; SIGNATURE_BYTES]>,
    /// When it came to the account, milliseconds since 1970.
    pub linked_at_ms: u64,
}

/// A device's prekeys that are not one-time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRow {
    /// Signed prekey.
    pub signed: SignedPrekey,
    /// Kyber prekey of last resort.
    pub last_resort: KyberPrekey,
}

/// When and from where the devices of an account were last connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenRow {
    /// Ascending by device; devices that never were are missing.
    pub devices: Vec<Seen>,
}

/// When and from where a device was last connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which device.
    pub device: DeviceId,
    /// When, milliseconds since 1970, to the hour: it need not be written more often, and tells less.
    pub last_seen_ms: u64,
    /// Network address of its last log-in, at most [`waxwing_wire::limits::MAX_PLACE_BYTES`].
    pub place: String,
}

/// An offer to link a new device, kept under its reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkingRow {
    /// The new device's Noise key: only its connections may go on from here.
    pub key: DeviceKey,
    /// Encoded [`waxwing_wire::devices::LinkOffer`].
    pub offer: Bytes,
    /// When it ends, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Once a primary has approved it.
    pub approval: Option<Approval>,
}

/// A primary's word that a new device belongs to its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The account, and the number of the new device in it.
    pub address: DeviceAddress,
    /// The list that includes it.
    pub list: SignedDeviceList,
    /// [`waxwing_wire::devices::LinkGrant`], encrypted for the new device.
    pub sealed: Bytes,
}

/// A group, as far as the server must know it to fan out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupRow {
    /// Changes so far.
    pub epoch: u64,
    /// Ascending by account, at most [`waxwing_wire::limits::MAX_GROUP_MEMBERS`].
    pub members: Vec<MemberRow>,
    /// Every member may add others; otherwise admins only.
    pub members_add: bool,
    /// SHA-256 of the invitation link's token.
    pub link: Option<[u8; 32]>,
    /// The last change, while it is not in all mailboxes yet. Nothing else of the group goes before it.
    pub pending: Option<PendingChange>,
    /// The last changes, oldest first, at most [`crate::limits::RECENT_CHANGES`]: who made them under which
    /// name. A change that is repeated because its answer was lost is known by it.
    pub recent: Vec<(DeviceAddress, MessageId)>,
}

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberRow {
    /// Who.
    pub account: AccountId,
    /// May change everything.
    pub admin: bool,
    /// The epoch that it came with: it gets no message of an earlier one.
    pub since: u64,
}

/// A change of a group that is being fanned out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    /// Its ciphertext.
    pub blob: BlobId,
    /// Who was added with it, ascending: these do not get it.
    pub added: Vec<AccountId>,
    /// Who was removed with it, ascending: these do.
    pub removed: Vec<AccountId>,
}

/// A message to a group, whose ciphertext is kept once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobId {
    /// Which group.
    pub group: GroupId,
    /// Who sent it.
    pub from: DeviceAddress,
    /// The sender's name for it.
    pub id: MessageId,
    /// Which encryption of it.
    pub attempt: u32,
}

/// What the mailboxes of a group's members refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    /// Encoded [`waxwing_wire::server_frame::Item`], as every device gets it.
    pub item: Bytes,
}

/// How many mailbox entries refer to a blob. Beside the blob, because it is written so often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencesRow {
    /// At least as many as there are. More if a fan-out was cut off: such a blob goes when it has expired.
    pub count: u64,
    /// When the server took the message, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// The group's epoch that it belongs to.
    pub epoch: u64,
    /// How far it has come; `None` once it is in all mailboxes.
    pub on_its_way: Option<OnItsWay>,
    /// Files that it names, while it is on its way.
    pub files: Vec<FileId>,
}

/// How far a message to a group has come. While an entry is in a mailbox its dedupe key tells that it was there;
/// this tells of those that have gone before the message was in all mailboxes, so that whoever finishes its
/// fan-out gives it to nobody twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnItsWay {
    /// All accounts before this one have it. `None` in rows that older servers wrote, which did not note it.
    pub from: Option<AccountId>,
    /// Mailboxes of accounts from there on that have had it and do not any more, ascending. At most
    /// [`crate::limits::NOTED_ACCOUNTS`] accounts' devices.
    pub had: Vec<DeviceAddress>,
}

/// Kinds of one-time prekeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PoolKind {
    /// X25519.
    OneTime,
    /// Kyber-1024.
    Kyber,
}

/// A device's one-time prekeys of one kind, oldest first; taken from the front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRow {
    /// The prekeys.
    pub pool: Pool,
    /// Prekeys that were taken, oldest first: the first 8 bytes of the SHA-256 of each key. An upload that is
    /// repeated because its answer was lost must not put them back. As many are kept as the pool can hold.
    pub taken: Vec<u64>,
}

/// Prekeys of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pool {
    /// X25519.
    OneTime(Vec<OneTimePrekey>),
    /// Kyber-1024.
    Kyber(Vec<KyberPrekey>),
}

/// The state of a mailbox, and of the device that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailboxRow {
    /// The last entry's sequence number; the first entry ever is 1.
    pub last: u64,
    /// Entries up to this one are gone: the device stored them, or they expired.
    pub settled: u64,
    /// The largest entry that the device itself ever said it has stored.
    pub acknowledged: u64,
    /// Entries that are there. Less than `last - settled` where numbers were skipped.
    pub entries: u64,
    /// Bytes of the entries that are there.
    pub bytes: u64,
    /// The largest lease a connection of the device ever had.
    pub lease: u64,
    /// Messages that came from the device under that lease; `None` while it is connected or if the server
    /// crashed while it was.
    pub received_in_lease: Option<u64>,
    /// Messages that were not kept because the mailbox was full, ever: a companion's, and those to groups.
    pub skipped: u64,
}

impl AccountRow {
    /// The devices that count: all of them while the device list is good, and only the primary after it.
    pub fn devices_at(&self, now: Time) -> impl Iterator<Item = &DeviceRow> {
        let current = now.0 < self.list_expires_ms;
        self.devices.iter().filter(move |device| current || device.device == DeviceId::PRIMARY)
    }

    /// The row of a device.
    #[must_use]
    pub fn device(&self, device: DeviceId) -> Option<&DeviceRow> {
        self.devices.iter().find(|row| row.device == device)
    }
}

impl GroupRow {
    /// The row of a member.
    #[must_use]
    pub fn member(&self, account: AccountId) -> Option<&MemberRow> {
        let at = self.members.binary_search_by_key(&account, |member| member.account).ok()?;
        self.members.get(at)
    }
}

impl BlobId {
    /// Under which a mailbox remembers the message.
    pub(crate) fn dedupe(self, mailbox: DeviceAddress) -> DedupeKey {
        DedupeKey { mailbox, from: self.from, id: self.id, attempt: self.attempt }
    }
}

impl MailboxRow {
    /// Whether an entry fits, if the mailbox may be filled to `factor` times its bounds.
    pub(crate) fn has_room(&self, bytes: u64, settings: &Settings, factor: u64) -> bool {
        self.entries < settings.mailbox_entries.saturating_mul(factor)
            && self.bytes.saturating_add(bytes) <= settings.mailbox_bytes.saturating_mul(factor)
    }

    /// Counts a new entry in and gives its sequence number.
    pub(crate) fn append(&mut self, bytes: u64, settings: &Settings) -> u64 {
        self.last = self.last.saturating_add(1).max(settings.first_seq);
        self.entries += 1;
        self.bytes += bytes;
        self.last
    }
}

impl PoolKind {
    /// Prekeys of this kind that a device may have on the server.
    #[must_use]
    pub const fn max(self) -> usize {
        match self {
            Self::OneTime => MAX_ONE_TIME_PREKEYS,
            Self::Kyber => MAX_ONE_TIME_KYBER_PREKEYS,
        }
    }
}

impl PoolRow {
    /// A pool that nothing was put into yet.
    #[must_use]
    pub const fn empty(kind: PoolKind) -> Self {
        let pool = match kind {
            PoolKind::OneTime => Pool::OneTime(Vec::new()),
            PoolKind::Kyber => Pool::Kyber(Vec::new()),
        };
        Self { pool, taken: Vec::new() }
    }

    /// Prekeys left.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.pool {
            Pool::OneTime(list) => list.len(),
            Pool::Kyber(list) => list.len(),
        }
    }

    /// None left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A stored row is not what [`Row::encode`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("damaged row: {what}")]
pub struct RowDamaged {
    /// Which part.
    pub what: &'static str,
}

impl Row {
    /// Bytes for the engine.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        encoding::encode(self)
    }

    /// Reads what [`Self::encode`] wrote for the row of this key.
    ///
    /// # Errors
    /// [`RowDamaged`] for anything else.
    pub fn decode(key: &Key, bytes: Bytes) -> Result<Self, RowDamaged> {
        encoding::decode(key, bytes)
    }

    /// The version that the row has once it is stored.
    #[must_use]
    pub fn version(&self) -> Version {
        Version::of(&self.encode())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
