//! What the engine's keys look like. All numbers big-endian, so that the order of bytes is the order of
//! addresses and sequence numbers; a tag is never reused.

use waxwing_server::{BlobId, DedupeKey, Key, PoolKind, Sweep};
use waxwing_wire::devices::LinkReference;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, FileId, GroupId, MessageId};

const ADDRESS_BYTES: usize = 17;
/// Group ‖ sender ‖ message ‖ attempt.
const BLOB_BYTES: usize = 16 + ADDRESS_BYTES + 8 + 4;
/// Tag and the longest name, which is a blob's.
const MAX_ROW_KEY_BYTES: usize = 1 + BLOB_BYTES;
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
const SIGNED: u8 = 8;
const SEEN: u8 = 9;
const LINKING: u8 = 10;
const GROUP: u8 = 11;
const BLOB: u8 = 12;
const REFERENCES: u8 = 13;
const DIRECTORY: u8 = 14;
const BUCKET: u8 = 15;
const VOUCHER: u8 = 16;
const FINDABLE: u8 = 17;
const FILE: u8 = 18;
const AWAITING: u8 = 19;
const OWNED: u8 = 20;
const QUOTA: u8 = 21;

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

    /// It names a message to a group.
    pub fn is_blob(&self) -> bool {
        self.as_slice().first() == Some(&BLOB)
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
            Key::Signed(address) => Self::new(SIGNED, &[&put_address(*address)]),
            Key::Seen(account) => Self::new(SEEN, &[&account.0]),
            Key::Linking(reference) => Self::new(LINKING, &[&reference.0]),
            Key::Group(group) => Self::new(GROUP, &[&group.0]),
            Key::Blob(blob) => Self::new(BLOB, &[&put_blob(blob)]),
            Key::References(blob) => Self::new(REFERENCES, &[&put_blob(blob)]),
            Key::Directory => Self::new(DIRECTORY, &[]),
            Key::Bucket(bucket) => Self::new(BUCKET, &[&bucket.to_be_bytes()]),
            Key::Voucher(hash) => Self::new(VOUCHER, &[hash]),
            Key::Findable(account) => Self::new(FINDABLE, &[&account.0]),
            Key::File(file) => Self::new(FILE, &[&file.0]),
            Key::Awaiting(file, address) => Self::new(AWAITING, &[&file.0, &put_address(*address)]),
            Key::Owned(account, file) => Self::new(OWNED, &[&account.0, &file.0]),
            Key::Quota(account) => Self::new(QUOTA, &[&account.0]),
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

/// Before the first row of a kind and after the last.
pub fn rows_of(kind: Sweep) -> (Vec<u8>, Vec<u8>) {
    let tag = match kind {
        Sweep::Mailboxes => MAILBOX,
        Sweep::Blobs => REFERENCES,
        Sweep::Linkings => LINKING,
        Sweep::Awaiting => AWAITING,
        Sweep::Files => FILE,
    };
    (vec![tag], vec![tag + 1])
}

/// The key of a swept row, as the engine gave it back.
pub fn swept_key(row_key: &[u8]) -> Option<Key> {
    let (tag, name) = row_key.split_first()?;
    match *tag {
        MAILBOX => address_of(name).map(Key::Mailbox),
        LINKING => name.try_into().ok().map(|reference| Key::Linking(LinkReference(reference))),
        REFERENCES => blob_of(name).map(Key::References),
        FILE => name.try_into().ok().map(|file| Key::File(FileId(file))),
        AWAITING => {
            let (file, address) = name.split_first_chunk()?;
            Some(Key::Awaiting(FileId(*file), address_of(address)?))
        }
        _ => None,
    }
}

fn address_of(name: &[u8]) -> Option<DeviceAddress> {
    let (account, device) = name.split_at_checked(ADDRESS_BYTES - 1)?;
    let [device] = device else { return None };
    Some(DeviceAddress { account: AccountId(account.try_into().ok()?), device: DeviceId::new(*device)? })
}

fn blob_of(name: &[u8]) -> Option<BlobId> {
    let (group, rest) = name.split_first_chunk()?;
    let (from, rest) = rest.split_at_checked(ADDRESS_BYTES)?;
    let (id, attempt) = rest.split_first_chunk()?;
    Some(BlobId {
        group: GroupId(*group),
        from: address_of(from)?,
        id: MessageId(u64::from_be_bytes(*id)),
        attempt: u32::from_be_bytes(attempt.try_into().ok()?),
    })
}

fn put_blob(blob: &BlobId) -> [u8; BLOB_BYTES] {
    let mut bytes = [0; BLOB_BYTES];
    let (group, rest) = bytes.split_at_mut(16);
    let (from, rest) = rest.split_at_mut(ADDRESS_BYTES);
    let (id, attempt) = rest.split_at_mut(8);
    group.copy_from_slice(&blob.group.0);
    from.copy_from_slice(&put_address(blob.from));
    id.copy_from_slice(&blob.id.0.to_be_bytes());
    attempt.copy_from_slice(&blob.attempt.to_be_bytes());
    bytes
}

fn put_address(address: DeviceAddress) -> [u8; ADDRESS_BYTES] {
    let mut bytes = [0; ADDRESS_BYTES];
    let (account, device) = bytes.split_at_mut(ADDRESS_BYTES - 1);
    account.copy_from_slice(&address.account.0);
    device.copy_from_slice(&[address.device.number()]);
    bytes
}
