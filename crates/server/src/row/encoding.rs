//! The bytes of rows. A field's number is never reused.

mod account;
mod directory;
mod file;
mod group;
mod linking;
mod prekeys;

use bytes::Bytes;
use prost::Message;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, FileId};

use super::{
    BlobRow, CredentialRow, InvitationRow, MailboxRow, OnItsWay, ReferencesRow, Row, RowDamaged, UsernameRow,
};
use crate::store::Key;
use account::{Account, SeenDevices};
use prekeys::{Prekeys, SignedPrekeys, pool};

#[derive(Clone, PartialEq, Message)]
struct Credential {
    #[prost(bytes = "bytes", tag = "1")]
    account: Bytes,
    #[prost(uint32, tag = "2")]
    device: u32,
    #[prost(bool, tag = "3")]
    active: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Invitation {
    #[prost(uint32, optional, tag = "1")]
    uses: Option<u32>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    claimed_by: Vec<Bytes>,
    #[prost(uint64, optional, tag = "3")]
    expires_at_ms: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct UsernameOwner {
    #[prost(bytes = "bytes", tag = "1")]
    account: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct References {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(uint64, tag = "2")]
    accepted_at_ms: u64,
    #[prost(uint64, tag = "3")]
    epoch: u64,
    #[prost(bool, tag = "4")]
    everywhere: bool,
    #[prost(bytes = "bytes", optional, tag = "5")]
    reached: Option<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    had: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    files: Vec<Bytes>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Mailbox {
    #[prost(uint64, tag = "1")]
    last: u64,
    #[prost(uint64, tag = "2")]
    settled: u64,
    #[prost(uint64, tag = "3")]
    acknowledged: u64,
    #[prost(uint64, tag = "4")]
    entries: u64,
    #[prost(uint64, tag = "5")]
    bytes: u64,
    #[prost(uint64, tag = "6")]
    lease: u64,
    #[prost(uint64, optional, tag = "7")]
    received_in_lease: Option<u64>,
    #[prost(uint64, tag = "8")]
    skipped: u64,
}

pub(super) fn encode(row: &Row) -> Bytes {
    let bytes = match row {
        Row::Credential(row) => Credential::from(row).encode_to_vec(),
        Row::Invitation(row) => Invitation::from(row).encode_to_vec(),
        Row::Username(row) => UsernameOwner { account: copy(&row.account.0) }.encode_to_vec(),
        Row::Account(row) => Account::from(row).encode_to_vec(),
        Row::Pool(row) => Prekeys::from(row).encode_to_vec(),
        Row::Mailbox(row) => Mailbox::from(row).encode_to_vec(),
        Row::Signed(row) => SignedPrekeys::from(row).encode_to_vec(),
        Row::Seen(row) => SeenDevices::from(row).encode_to_vec(),
        Row::Linking(row) => linking::Linking::from(row).encode_to_vec(),
        Row::Group(row) => group::Group::from(row).encode_to_vec(),
        // As large as a frame: stored as it is.
        Row::Blob(row) => return row.item.clone(),
        Row::References(row) => References::from(row).encode_to_vec(),
        Row::Directory(row) => directory::Directory::from(row).encode_to_vec(),
        Row::Bucket(row) => directory::Bucket::from(row).encode_to_vec(),
        Row::Voucher(row) => directory::Voucher::from(row).encode_to_vec(),
        Row::Findable(row) => directory::Findable::from(row).encode_to_vec(),
        Row::File(row) => file::File::from(row).encode_to_vec(),
        Row::Awaiting => Vec::new(),
        Row::Owned(row) => file::Owned::from(row).encode_to_vec(),
        Row::Quota(row) => file::Quota::from(row).encode_to_vec(),
    };
    bytes.into()
}

pub(super) fn decode(key: &Key, bytes: Bytes) -> Result<Row, RowDamaged> {
    Ok(match key {
        Key::Credential(_) => Row::Credential(parse::<Credential>(bytes, "credential")?.try_into()?),
        Key::Invitation(_) => Row::Invitation(parse::<Invitation>(bytes, "invitation")?.try_into()?),
        Key::Username(_) => {
            let row: UsernameOwner = parse(bytes, "username")?;
            Row::Username(UsernameRow { account: account(&row.account)? })
        }
        Key::Account(_) => Row::Account(parse::<Account>(bytes, "account")?.try_into()?),
        Key::Pool(_, kind) => Row::Pool(pool(parse(bytes, "pool")?, *kind)?),
        Key::Mailbox(_) => Row::Mailbox(parse::<Mailbox>(bytes, "mailbox")?.into()),
        Key::Signed(_) => Row::Signed(parse::<SignedPrekeys>(bytes, "signed prekeys")?.try_into()?),
        Key::Seen(_) => Row::Seen(parse::<SeenDevices>(bytes, "seen")?.try_into()?),
        Key::Linking(_) => Row::Linking(parse::<linking::Linking>(bytes, "linking")?.try_into()?),
        Key::Group(_) => Row::Group(parse::<group::Group>(bytes, "group")?.try_into()?),
        Key::Blob(_) => Row::Blob(BlobRow { item: bytes }),
        Key::References(_) => Row::References(parse::<References>(bytes, "references")?.try_into()?),
        Key::Directory => Row::Directory(parse::<directory::Directory>(bytes, "directory")?.try_into()?),
        Key::Bucket(_) => Row::Bucket(parse::<directory::Bucket>(bytes, "bucket")?.try_into()?),
        Key::Voucher(_) => Row::Voucher(parse::<directory::Voucher>(bytes, "voucher")?.try_into()?),
        Key::Findable(_) => Row::Findable(parse::<directory::Findable>(bytes, "findable")?.try_into()?),
        Key::File(_) => Row::File(parse::<file::File>(bytes, "file")?.try_into()?),
        Key::Awaiting(..) => Row::Awaiting,
        Key::Owned(..) => Row::Owned(parse::<file::Owned>(bytes, "owned file")?.into()),
        Key::Quota(_) => Row::Quota(parse::<file::Quota>(bytes, "quota")?.into()),
    })
}

fn parse<M: Message + Default>(bytes: Bytes, what: &'static str) -> Result<M, RowDamaged> {
    M::decode(bytes).map_err(|_| RowDamaged { what })
}

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn fixed<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], RowDamaged> {
    bytes.try_into().map_err(|_| RowDamaged { what })
}

fn account(bytes: &[u8]) -> Result<AccountId, RowDamaged> {
    fixed(bytes, "account id").map(AccountId)
}

/// Account and device, in 17 bytes.
fn put_address(address: DeviceAddress) -> Bytes {
    address.account.0.into_iter().chain([address.device.number()]).collect()
}

fn address(bytes: &[u8]) -> Result<DeviceAddress, RowDamaged> {
    let (number, account_id) = bytes.split_last().ok_or(RowDamaged { what: "address" })?;
    Ok(DeviceAddress { account: account(account_id)?, device: device((*number).into())? })
}

fn device(number: u32) -> Result<DeviceId, RowDamaged> {
    u8::try_from(number).ok().and_then(DeviceId::new).ok_or(RowDamaged { what: "device id" })
}

impl From<&CredentialRow> for Credential {
    fn from(row: &CredentialRow) -> Self {
        let device = row.address.device.number().into();
        Self { account: copy(&row.address.account.0), device, active: row.active }
    }
}

impl TryFrom<Credential> for CredentialRow {
    type Error = RowDamaged;

    fn try_from(row: Credential) -> Result<Self, RowDamaged> {
        let address = DeviceAddress { account: account(&row.account)?, device: device(row.device)? };
        Ok(Self { address, active: row.active })
    }
}

impl From<&InvitationRow> for Invitation {
    fn from(row: &InvitationRow) -> Self {
        let claimed_by = row.claimed_by.iter().map(|account| copy(&account.0)).collect();
        Self { uses: row.uses, claimed_by, expires_at_ms: row.expires_at_ms }
    }
}

impl TryFrom<Invitation> for InvitationRow {
    type Error = RowDamaged;

    fn try_from(row: Invitation) -> Result<Self, RowDamaged> {
        let claimed_by = row.claimed_by.iter().map(|bytes| account(bytes)).collect::<Result<_, _>>()?;
        Ok(Self { uses: row.uses, claimed_by, expires_at_ms: row.expires_at_ms })
    }
}

impl From<&ReferencesRow> for References {
    fn from(row: &ReferencesRow) -> Self {
        let ReferencesRow { count, accepted_at_ms, epoch, ref on_its_way, ref files } = *row;
        let files = files.iter().map(|file| copy(&file.0)).collect();
        let reached = on_its_way.as_ref().and_then(|way| way.from).map(|account| copy(&account.0));
        let had = on_its_way.iter().flat_map(|way| &way.had).copied().map(put_address).collect();
        Self { count, accepted_at_ms, epoch, everywhere: on_its_way.is_none(), reached, had, files }
    }
}

impl TryFrom<References> for ReferencesRow {
    type Error = RowDamaged;

    fn try_from(row: References) -> Result<Self, RowDamaged> {
        let References { count, accepted_at_ms, epoch, everywhere, reached, had, files } = row;
        let files = files.iter().map(|file| fixed(file, "file id").map(FileId)).collect::<Result<_, _>>()?;
        let way = || {
            let from = reached.as_deref().map(account).transpose()?;
            let had = had.iter().map(|mailbox| address(mailbox)).collect::<Result<_, _>>()?;
            Ok(OnItsWay { from, had })
        };
        let on_its_way = (!everywhere).then(way).transpose()?;
        Ok(Self { count, accepted_at_ms, epoch, on_its_way, files })
    }
}

impl From<&MailboxRow> for Mailbox {
    fn from(row: &MailboxRow) -> Self {
        Self {
            last: row.last,
            settled: row.settled,
            acknowledged: row.acknowledged,
            entries: row.entries,
            bytes: row.bytes,
            lease: row.lease,
            received_in_lease: row.received_in_lease,
            skipped: row.skipped,
        }
    }
}

impl From<Mailbox> for MailboxRow {
    fn from(row: Mailbox) -> Self {
        Self {
            last: row.last,
            settled: row.settled,
            acknowledged: row.acknowledged,
            entries: row.entries,
            bytes: row.bytes,
            lease: row.lease,
            received_in_lease: row.received_in_lease,
            skipped: row.skipped,
        }
    }
}
