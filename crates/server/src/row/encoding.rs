//! The bytes of rows. A field's number is never reused.

mod group;
mod linking;

use bytes::Bytes;
use prost::Message;
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, Username};
use waxwing_wire::{KyberPrekey, OneTimePrekey, SignedPrekey};

use super::{
    AccountRow, BlobRow, CredentialRow, DeviceRow, InvitationRow, MailboxRow, Pool, PoolKind, PoolRow,
    ReferencesRow, Row, RowDamaged, Seen, SeenRow, SignedRow, UsernameRow,
};
use crate::store::Key;

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
struct Account {
    #[prost(string, tag = "1")]
    username: String,
    #[prost(uint64, tag = "2")]
    created_at_ms: u64,
    #[prost(message, repeated, tag = "3")]
    devices: Vec<Device>,
    #[prost(message, optional, tag = "4")]
    list: Option<List>,
    #[prost(uint64, tag = "5")]
    list_version: u64,
    #[prost(uint64, tag = "6")]
    list_expires_ms: u64,
    #[prost(message, repeated, tag = "7")]
    leaving: Vec<Leaving>,
}

/// Numbers 5 and 6 were prekeys, which have a row of their own now.
#[derive(Clone, PartialEq, Message)]
struct Device {
    #[prost(uint32, tag = "1")]
    device: u32,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    identity: Bytes,
    #[prost(uint32, tag = "4")]
    registration_id: u32,
    #[prost(bytes = "bytes", tag = "7")]
    countersignature: Bytes,
    #[prost(uint64, tag = "8")]
    linked_at_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Leaving {
    #[prost(uint32, tag = "1")]
    device: u32,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(bytes = "bytes", tag = "1")]
    list: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    signature: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct SignedPrekeys {
    #[prost(message, optional, tag = "1")]
    signed: Option<Prekey>,
    #[prost(message, optional, tag = "2")]
    last_resort: Option<Prekey>,
}

#[derive(Clone, PartialEq, Message)]
struct SeenDevices {
    #[prost(message, repeated, tag = "1")]
    devices: Vec<SeenDevice>,
}

#[derive(Clone, PartialEq, Message)]
struct SeenDevice {
    #[prost(uint32, tag = "1")]
    device: u32,
    #[prost(uint64, tag = "2")]
    last_seen_ms: u64,
    #[prost(string, tag = "3")]
    place: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct References {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(uint64, tag = "2")]
    accepted_at_ms: u64,
    #[prost(uint64, tag = "3")]
    epoch: u64,
}

/// Of any kind; a one-time X25519 prekey has no signature.
#[derive(Clone, PartialEq, Message)]
struct Prekey {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    signature: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Prekeys {
    #[prost(message, repeated, tag = "1")]
    prekeys: Vec<Prekey>,
    #[prost(fixed64, repeated, tag = "2")]
    taken: Vec<u64>,
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
    accepted_in_lease: Option<u64>,
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
        Key::References(_) => Row::References(parse::<References>(bytes, "references")?.into()),
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

impl From<&SignedDeviceList> for List {
    fn from(list: &SignedDeviceList) -> Self {
        Self { list: list.list.clone(), signature: copy(&list.signature) }
    }
}

fn list(list: Option<List>) -> Result<SignedDeviceList, RowDamaged> {
    let List { list, signature } = list.ok_or(RowDamaged { what: "device list" })?;
    Ok(SignedDeviceList { list, signature: fixed(&signature, "device list")? })
}

impl From<&AccountRow> for Account {
    fn from(row: &AccountRow) -> Self {
        let leaving = |(device, key): &(DeviceId, DeviceKey)| Leaving {
            device: device.number().into(),
            key: copy(&key.0),
        };
        Self {
            username: row.username.as_str().to_owned(),
            created_at_ms: row.created_at_ms,
            devices: row.devices.iter().map(Into::into).collect(),
            list: Some((&row.list).into()),
            list_version: row.list_version,
            list_expires_ms: row.list_expires_ms,
            leaving: row.leaving.iter().map(leaving).collect(),
        }
    }
}

impl TryFrom<Account> for AccountRow {
    type Error = RowDamaged;

    fn try_from(row: Account) -> Result<Self, RowDamaged> {
        let leaving = |leaving: Leaving| {
            Ok((device(leaving.device)?, fixed(&leaving.key, "device key").map(DeviceKey)?))
        };
        Ok(Self {
            username: Username::parse(&row.username).map_err(|_| RowDamaged { what: "account name" })?,
            created_at_ms: row.created_at_ms,
            devices: row.devices.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            list: list(row.list)?,
            list_version: row.list_version,
            list_expires_ms: row.list_expires_ms,
            leaving: row.leaving.into_iter().map(leaving).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&DeviceRow> for Device {
    fn from(row: &DeviceRow) -> Self {
        Self {
            device: row.device.number().into(),
            key: copy(&row.key.0),
            identity: copy(&row.identity),
            registration_id: row.registration_id.into(),
            countersignature: row.countersignature.as_ref().map(|bytes| copy(bytes)).unwrap_or_default(),
            linked_at_ms: row.linked_at_ms,
        }
    }
}

impl TryFrom<Device> for DeviceRow {
    type Error = RowDamaged;

    fn try_from(row: Device) -> Result<Self, RowDamaged> {
        let countersignature = Some(&row.countersignature).filter(|bytes| !bytes.is_empty());
        Ok(Self {
            device: device(row.device)?,
            key: fixed(&row.key, "device key").map(DeviceKey)?,
            identity: fixed::<PUBLIC_KEY_BYTES>(&row.identity, "identity key")?,
            registration_id: u16::try_from(row.registration_id)
                .map_err(|_| RowDamaged { what: "registration id" })?,
            countersignature: countersignature.map(|bytes| fixed(bytes, "countersignature")).transpose()?,
            linked_at_ms: row.linked_at_ms,
        })
    }
}

impl From<&SignedRow> for SignedPrekeys {
    fn from(row: &SignedRow) -> Self {
        let SignedPrekey { id, key, signature } = &row.signed;
        Self {
            signed: Some(Prekey { id: *id, key: copy(key), signature: copy(signature) }),
            last_resort: Some((&row.last_resort).into()),
        }
    }
}

impl TryFrom<SignedPrekeys> for SignedRow {
    type Error = RowDamaged;

    fn try_from(row: SignedPrekeys) -> Result<Self, RowDamaged> {
        let signed = row.signed.ok_or(RowDamaged { what: "signed prekey" })?;
        let last_resort = row.last_resort.ok_or(RowDamaged { what: "last-resort prekey" })?;
        Ok(Self {
            signed: SignedPrekey {
                id: signed.id,
                key: fixed(&signed.key, "signed prekey")?,
                signature: fixed::<SIGNATURE_BYTES>(&signed.signature, "signed prekey")?,
            },
            last_resort: last_resort.try_into()?,
        })
    }
}

impl From<&SeenRow> for SeenDevices {
    fn from(row: &SeenRow) -> Self {
        let seen = |seen: &Seen| SeenDevice {
            device: seen.device.number().into(),
            last_seen_ms: seen.last_seen_ms,
            place: seen.place.clone(),
        };
        Self { devices: row.devices.iter().map(seen).collect() }
    }
}

impl TryFrom<SeenDevices> for SeenRow {
    type Error = RowDamaged;

    fn try_from(row: SeenDevices) -> Result<Self, RowDamaged> {
        let seen = |seen: SeenDevice| {
            let SeenDevice { device: number, last_seen_ms, place } = seen;
            Ok(Seen { device: device(number)?, last_seen_ms, place })
        };
        Ok(Self { devices: row.devices.into_iter().map(seen).collect::<Result<_, _>>()? })
    }
}

impl From<&ReferencesRow> for References {
    fn from(row: &ReferencesRow) -> Self {
        let ReferencesRow { count, accepted_at_ms, epoch } = *row;
        Self { count, accepted_at_ms, epoch }
    }
}

impl From<References> for ReferencesRow {
    fn from(row: References) -> Self {
        let References { count, accepted_at_ms, epoch } = row;
        Self { count, accepted_at_ms, epoch }
    }
}

impl From<&KyberPrekey> for Prekey {
    fn from(prekey: &KyberPrekey) -> Self {
        Self { id: prekey.id, key: prekey.key.clone(), signature: copy(&prekey.signature) }
    }
}

impl TryFrom<Prekey> for KyberPrekey {
    type Error = RowDamaged;

    fn try_from(prekey: Prekey) -> Result<Self, RowDamaged> {
        if prekey.key.len() != KYBER_KEY_BYTES {
            return Err(RowDamaged { what: "Kyber prekey" });
        }
        Ok(Self { id: prekey.id, key: prekey.key, signature: fixed(&prekey.signature, "Kyber prekey")? })
    }
}

impl From<&OneTimePrekey> for Prekey {
    fn from(prekey: &OneTimePrekey) -> Self {
        Self { id: prekey.id, key: copy(&prekey.key), signature: Bytes::new() }
    }
}

impl TryFrom<Prekey> for OneTimePrekey {
    type Error = RowDamaged;

    fn try_from(prekey: Prekey) -> Result<Self, RowDamaged> {
        Ok(Self { id: prekey.id, key: fixed(&prekey.key, "one-time prekey")? })
    }
}

impl From<&PoolRow> for Prekeys {
    fn from(row: &PoolRow) -> Self {
        let prekeys = match &row.pool {
            Pool::OneTime(list) => list.iter().map(Into::into).collect(),
            Pool::Kyber(list) => list.iter().map(Into::into).collect(),
        };
        Self { prekeys, taken: row.taken.clone() }
    }
}

fn pool(row: Prekeys, kind: PoolKind) -> Result<PoolRow, RowDamaged> {
    let prekeys = row.prekeys.into_iter();
    let pool = match kind {
        PoolKind::OneTime => Pool::OneTime(prekeys.map(TryInto::try_into).collect::<Result<_, _>>()?),
        PoolKind::Kyber => Pool::Kyber(prekeys.map(TryInto::try_into).collect::<Result<_, _>>()?),
    };
    Ok(PoolRow { pool, taken: row.taken })
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
            accepted_in_lease: row.accepted_in_lease,
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
            accepted_in_lease: row.accepted_in_lease,
            skipped: row.skipped,
        }
    }
}
