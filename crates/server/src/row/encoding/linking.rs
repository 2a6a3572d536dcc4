use bytes::Bytes;
use prost::Message;
use waxwing_wire::DeviceKey;

use super::account::{List, list};
use super::{address, copy, fixed, put_address};
use crate::row::{Approval, LinkingRow, RowDamaged};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Linking {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    offer: Bytes,
    #[prost(uint64, tag = "3")]
    expires_at_ms: u64,
    #[prost(message, optional, tag = "4")]
    approval: Option<Approved>,
}

#[derive(Clone, PartialEq, Message)]
struct Approved {
    #[prost(bytes = "bytes", tag = "1")]
    address: Bytes,
    #[prost(message, optional, tag = "2")]
    list: Option<List>,
    #[prost(bytes = "bytes", tag = "3")]
    sealed: Bytes,
}

impl From<&LinkingRow> for Linking {
    fn from(row: &LinkingRow) -> Self {
        let approved = |approval: &Approval| Approved {
            address: put_address(approval.address),
            list: Some((&approval.list).into()),
            sealed: approval.sealed.clone(),
        };
        Self {
            key: copy(&row.key.0),
            offer: row.offer.clone(),
            expires_at_ms: row.expires_at_ms,
            approval: row.approval.as_ref().map(approved),
        }
    }
}

impl TryFrom<Linking> for LinkingRow {
    type Error = RowDamaged;

    fn try_from(row: Linking) -> Result<Self, RowDamaged> {
        let approval = |approved: Approved| {
            let Approved { address: bytes, list: signed, sealed } = approved;
            Ok(Approval { address: address(&bytes)?, list: list(signed)?, sealed })
        };
        Ok(Self {
            key: fixed(&row.key, "device key").map(DeviceKey)?,
            offer: row.offer,
            expires_at_ms: row.expires_at_ms,
            approval: row.approval.map(approval).transpose()?,
        })
    }
}
