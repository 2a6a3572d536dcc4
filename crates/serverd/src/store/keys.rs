//! What the engine's keys look like. All numbers big-endian, so that the order of bytes is the order of
//! addresses and sequence numbers; a tag is never reused.

use waxwing_server::{DedupeKey, Key, PoolKind};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId};

const ADDRESS_BYTES: usize = 17;
/// Tag and the longest name: a key of 32 bytes, or a username of as many.
const MAX_ROW_KEY_BYTES: usize = 1 + 32;
const ENTRY_KEY_BYTES: usize = ADDRESS_BYTES + 8;
const DEDUPE_KEY_BYTES: usize = 2 * ADDRESS_BYTES + 8 + 4;

/// Where the number of the store's format stands.
pub const FORMAT_KEY: [u8; 1] = [0];

const CREDENTIAL: u8 = 1;
const INVITATION: u8 = 2;
const USERNAME: u8 = 3;
const ACCOUNT: u8 = 4;
const POOL_ONE_TIME: u8 = 5;
const POOL_KYBER: u8 = 6;
const MAILBOX: u8 = 7;

/// Names a row to the engine, without a heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    bytes: [u8; MAX_ROW_KEY_BYTES],
    length: u8,
}

/// account ‖ device ‖ sequence number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey(pub [u8; ENTRY_KEY_BYTES]);

/// mailbox ‖ sender ‖ message ‖ attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeBytes(pub [u8; DEDUPE_KEY_BYTES]);

impl RowKey {
    fn new(tag: u8, parts: &[&[u8]]) -> Self {
        let mut bytes = [0; MAX_ROW_KEY_BYTES];
        let mut length = 0u8;
        let name = parts.iter().flat_map(|part| part.iter());
        for (place, byte) in bytes.iter_mut().zip(std::iter::once(&tag).chain(name)) {
            *place = *byte;
            length += 1;
        }
        Self { bytes, length }
    }

    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl From<&Key> for RowKey {
    fn from(key: &Key) -> Self {
        match key {
            Key::Credential(key) => Self::new(CREDENTIAL, &[&key.0]),
            Key::Invitation(hash) => Self::new(INVITATION, &[hash]),
            Key::Username(name) => Self::new(USERNAME, &[name.as_str().as_bytes()]),
            Key::Account(account) => Self::new(ACCOUNT, &[&account.0]),
            Key::Pool(address, PoolKind::OneTime) => Self::new(POOL_ONE_TIME, &[&put_address(*address)]),
            Key::Pool(address, PoolKind::Kyber) => Self::new(POOL_KYBER, &[&put_address(*address)]),
            Key::Mailbox(address) => Self::new(MAILBOX, &[&put_address(*address)]),
        }
    }
}

impl EntryKey {
    pub fn new(mailbox: DeviceAddress, seq: u64) -> Self {
        let mut bytes = [0; ENTRY_KEY_BYTES];
        let (address, number) = bytes.split_at_mut(ADDRESS_BYTES);
        address.copy_from_slice(&put_address(mailbox));
        number.copy_from_slice(&seq.to_be_bytes());
        Self(bytes)
    }

    /// Its sequence number.
    pub fn number(&self) -> Option<u64> {
        Self::seq(&self.0)
    }

    /// The sequence number in a key that the engine gave back.
    pub fn seq(key: &[u8]) -> Option<u64> {
        key.split_at_checked(ADDRESS_BYTES)?.1.try_into().ok().map(u64::from_be_bytes)
    }
}

impl From<&DedupeKey> for DedupeBytes {
    fn from(key: &DedupeKey) -> Self {
        let mut bytes = [0; DEDUPE_KEY_BYTES];
        let (mailbox, rest) = bytes.split_at_mut(ADDRESS_BYTES);
        let (from, rest) = rest.split_at_mut(ADDRESS_BYTES);
        let (id, attempt) = rest.split_at_mut(8);
        mailbox.copy_from_slice(&put_address(key.mailbox));
        from.copy_from_slice(&put_address(key.from));
        id.copy_from_slice(&key.id.0.to_be_bytes());
        attempt.copy_from_slice(&key.attempt.to_be_bytes());
        Self(bytes)
    }
}

/// The mailbox in a row key that the engine gave back.
pub fn mailbox_of(row_key: &[u8]) -> Option<DeviceAddress> {
    let (tag, address) = row_key.split_first()?;
    let (account, device) = address.split_at_checked(ADDRESS_BYTES - 1)?;
    let [device] = device else { return None };
    let account = AccountId(account.try_into().ok()?);
    (*tag == MAILBOX).then_some(DeviceAddress { account, device: DeviceId::new(*device)? })
}

/// Before the first mailbox row and after the last.
pub fn mailbox_rows() -> (Vec<u8>, Vec<u8>) {
    (vec![MAILBOX], vec![MAILBOX + 1])
}

fn put_address(address: DeviceAddress) -> [u8; ADDRESS_BYTES] {
    let mut bytes = [0; ADDRESS_BYTES];
    let (account, device) = bytes.split_at_mut(ADDRESS_BYTES - 1);
    account.copy_from_slice(&address.account.0);
    device.copy_from_slice(&[address.device.number()]);
    bytes
}
