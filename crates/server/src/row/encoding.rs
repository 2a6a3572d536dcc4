//! The bytes of rows. A field's number is never reused.

use bytes::Bytes;
use prost::Message;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, Username};
use waxwing_wire::{KyberPrekey, OneTimePrekey, SignedPrekey};

use super::{
    AccountRow, CredentialRow, DeviceRow, InvitationRow, MailboxRow, Pool, PoolKind, PoolRow, Row,
    RowDamaged, UsernameRow,
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
}

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
    #[prost(message, optional, tag = "5")]
    signed: Option<Prekey>,
    #[prost(message, optional, tag = "6")]
    last_resort: Option<Prekey>,
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
}

pub(super) fn encode(row: &Row) -> Bytes {
    let bytes = match row {
        Row::Credential(row) => Credential::from(row).encode_to_vec(),
        Row::Invitation(row) => Invitation::from(row).encode_to_vec(),
        Row::Username(row) => UsernameOwner { account: copy(&row.account.0) }.encode_to_vec(),
        Row::Account(row) => Account::from(row).encode_to_vec(),
        Row::Pool(row) => Prekeys::from(row).encode_to_vec(),
        Row::Mailbox(row) => Mailbox::from(row).encode_to_vec(),
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

impl From<&AccountRow> for Account {
    fn from(row: &AccountRow) -> Self {
        Self {
            username: row.username.as_str().to_owned(),
            created_at_ms: row.created_at_ms,
            devices: row.devices.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<Account> for AccountRow {
    type Error = RowDamaged;

    fn try_from(row: Account) -> Result<Self, RowDamaged> {
        Ok(Self {
            username: Username::parse(&row.username).map_err(|_| RowDamaged { what: "account name" })?,
            created_at_ms: row.created_at_ms,
            devices: row.devices.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&DeviceRow> for Device {
    fn from(row: &DeviceRow) -> Self {
        let signed = &row.signed;
        Self {
            device: row.device.number().into(),
            key: copy(&row.key.0),
            identity: copy(&row.identity),
            registration_id: row.registration_id.into(),
            signed: Some(Prekey {
                id: signed.id,
                key: copy(&signed.key),
                signature: copy(&signed.signature),
            }),
            last_resort: Some((&row.last_resort).into()),
        }
    }
}

impl TryFrom<Device> for DeviceRow {
    type Error = RowDamaged;

    fn try_from(row: Device) -> Result<Self, RowDamaged> {
        let signed = row.signed.ok_or(RowDamaged { what: "signed prekey" })?;
        let last_resort = row.last_resort.ok_or(RowDamaged { what: "last-resort prekey" })?;
        Ok(Self {
            device: device(row.device)?,
            key: fixed(&row.key, "device key").map(DeviceKey)?,
            identity: fixed::<PUBLIC_KEY_BYTES>(&row.identity, "identity key")?,
            registration_id: u16::try_from(row.registration_id)
                .map_err(|_| RowDamaged { what: "registration id" })?,
            signed: SignedPrekey {
                id: signed.id,
                key: fixed(&signed.key, "signed prekey")?,
                signature: fixed::<SIGNATURE_BYTES>(&signed.signature, "signed prekey")?,
            },
            last_resort: last_resort.try_into()?,
        })
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
        }
    }
}
