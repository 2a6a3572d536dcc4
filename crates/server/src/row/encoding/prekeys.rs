use bytes::Bytes;
use prost::Message;
use waxwing_wire::limits::{KYBER_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{KyberPrekey, OneTimePrekey, SignedPrekey};

use super::{copy, fixed};
use crate::row::{Pool, PoolKind, PoolRow, RowDamaged, SignedRow};

#[derive(Clone, PartialEq, Message)]
pub(super) struct SignedPrekeys {
    #[prost(message, optional, tag = "1")]
    signed: Option<Prekey>,
    #[prost(message, optional, tag = "2")]
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
pub(super) struct Prekeys {
    #[prost(message, repeated, tag = "1")]
    prekeys: Vec<Prekey>,
    #[prost(fixed64, repeated, tag = "2")]
    taken: Vec<u64>,
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

pub(super) fn pool(row: Prekeys, kind: PoolKind) -> Result<PoolRow, RowDamaged> {
    let prekeys = row.prekeys.into_iter();
    let pool = match kind {
        PoolKind::OneTime => Pool::OneTime(prekeys.map(TryInto::try_into).collect::<Result<_, _>>()?),
        PoolKind::Kyber => Pool::Kyber(prekeys.map(TryInto::try_into).collect::<Result<_, _>>()?),
    };
    Ok(PoolRow { pool, taken: row.taken })
}
