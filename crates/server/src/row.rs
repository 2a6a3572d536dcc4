//! Rows as the store keeps them. Their encoding is protobuf with the numbers written in `encoding`; a number
//! is never reused, and a golden test pins the bytes.

mod encoding;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use waxwing_wire::limits::{MAX_ONE_TIME_KYBER_PREKEYS, MAX_ONE_TIME_PREKEYS};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, KyberPrekey, OneTimePrekey, SignedPrekey, Username,
};

use crate::Settings;
use crate::store::{Key, Version};

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

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its alias.
    pub username: Username,
    /// When it was made, milliseconds since 1970.
    pub created_at_ms: u64,
    /// Its devices, ascending by id.
    pub devices: Vec<DeviceRow>,
}

/// A device of an account, with the prekeys that are not one-time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Which device.
    pub device: DeviceId,
    /// Its credential.
    pub key: DeviceKey,
    /// Its identity key: 0x05 and the X25519 key.
    pub identity: [u8; waxwing_wire::limits::PUBLIC_KEY_BYTES],
    /// 14 random bits that tell installations apart.
    pub registration_id: u16,
    /// Signed prekey.
    pub signed: SignedPrekey,
    /// Kyber prekey of last resort.
    pub last_resort: KyberPrekey,
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
    /// Messages accepted from the device under that lease; `None` while it is connected or if the server
    /// crashed while it was.
    pub accepted_in_lease: Option<u64>,
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
