use bytes::Bytes;
use prost::Message;
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::limits::PUBLIC_KEY_BYTES;
use waxwing_wire::{DeviceId, DeviceKey, Username};

use super::{copy, device, fixed};
use crate::row::{AccountRow, DeviceRow, RowDamaged, Seen, SeenRow};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Account {
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
pub(super) struct List {
    #[prost(bytes = "bytes", tag = "1")]
    list: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    signature: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SeenDevices {
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

impl From<&SignedDeviceList> for List {
    fn from(list: &SignedDeviceList) -> Self {
        Self { list: list.list.clone(), signature: copy(&list.signature) }
    }
}

pub(super) fn list(list: Option<List>) -> Result<SignedDeviceList, RowDamaged> {
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
