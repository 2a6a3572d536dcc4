use bytes::Bytes;
use prost::Message;
use waxwing_wire::directory::Place;

use super::{account, copy, fixed};
use crate::row::{BucketEntry, BucketRow, DirectoryRow, FindableRow, RowDamaged, VoucherRow};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Directory {
    #[prost(bytes = "bytes", tag = "1")]
    seed: Bytes,
    #[prost(uint32, tag = "2")]
    bits: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Bucket {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(bytes = "bytes", tag = "1")]
    tag: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    account: Bytes,
    #[prost(bytes = "bytes", optional, tag = "3")]
    shown: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Voucher {
    #[prost(bytes = "bytes", tag = "1")]
    place: Bytes,
    #[prost(uint64, optional, tag = "2")]
    expires_at_ms: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    claimed_by: Option<Bytes>,
    #[prost(bool, tag = "4")]
    done: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Findable {
    #[prost(bool, tag = "1")]
    on: bool,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    places: Vec<Bytes>,
    #[prost(uint64, tag = "3")]
    day: u64,
    #[prost(uint32, tag = "4")]
    addresses: u32,
    #[prost(uint32, tag = "5")]
    buckets: u32,
}

fn place(bytes: &[u8]) -> Result<Place, RowDamaged> {
    fixed(bytes, "place").map(|bytes| Place::from_bytes(&bytes))
}

impl From<&DirectoryRow> for Directory {
    fn from(row: &DirectoryRow) -> Self {
        Self { seed: copy(&row.seed), bits: row.bits.into() }
    }
}

impl TryFrom<Directory> for DirectoryRow {
    type Error = RowDamaged;

    fn try_from(row: Directory) -> Result<Self, RowDamaged> {
        let bits = u8::try_from(row.bits).map_err(|_| RowDamaged { what: "bits" })?;
        Ok(Self { seed: fixed(&row.seed, "seed")?, bits })
    }
}

impl From<&BucketRow> for Bucket {
    fn from(row: &BucketRow) -> Self {
        let entry = |entry: &BucketEntry| Entry {
            tag: copy(&entry.tag),
            account: copy(&entry.account.0),
            shown: entry.shown.map(|shown| copy(&shown)),
        };
        Self { entries: row.entries.iter().map(entry).collect() }
    }
}

impl TryFrom<Bucket> for BucketRow {
    type Error = RowDamaged;

    fn try_from(row: Bucket) -> Result<Self, RowDamaged> {
        let entry = |entry: Entry| {
            let shown = entry.shown.map(|shown| fixed(&shown, "entry")).transpose()?;
            Ok(BucketEntry { tag: fixed(&entry.tag, "tag")?, account: account(&entry.account)?, shown })
        };
        let entries: Vec<BucketEntry> = row.entries.into_iter().map(entry).collect::<Result<_, _>>()?;
        if !entries.is_sorted_by(|a, b| a.tag < b.tag) {
            return Err(RowDamaged { what: "order of a bucket" });
        }
        Ok(Self { entries })
    }
}

impl From<&VoucherRow> for Voucher {
    fn from(row: &VoucherRow) -> Self {
        Self {
            place: copy(&row.place.to_bytes()),
            expires_at_ms: row.expires_at_ms,
            claimed_by: row.claimed_by.map(|account| copy(&account.0)),
            done: row.done,
        }
    }
}

impl TryFrom<Voucher> for VoucherRow {
    type Error = RowDamaged;

    fn try_from(row: Voucher) -> Result<Self, RowDamaged> {
        Ok(Self {
            place: place(&row.place)?,
            expires_at_ms: row.expires_at_ms,
            claimed_by: row.claimed_by.as_deref().map(account).transpose()?,
            done: row.done,
        })
    }
}

impl From<&FindableRow> for Findable {
    fn from(row: &FindableRow) -> Self {
        Self {
            on: row.on,
            places: row.places.iter().map(|place| copy(&place.to_bytes())).collect(),
            day: row.day,
            addresses: row.addresses,
            buckets: row.buckets,
        }
    }
}

impl TryFrom<Findable> for FindableRow {
    type Error = RowDamaged;

    fn try_from(row: Findable) -> Result<Self, RowDamaged> {
        let places = row.places.iter().map(|bytes| place(bytes)).collect::<Result<_, _>>()?;
        Ok(Self { on: row.on, places, day: row.day, addresses: row.addresses, buckets: row.buckets })
    }
}
