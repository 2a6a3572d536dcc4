//! What a group has decided and not yet committed.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use waxwing_server::{Batch, Pool, Row};
use waxwing_wire::DeviceAddress;
use waxwing_wire::directory::ENTRY_BYTES;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES};

use super::keys::{DedupeBytes, EntryKey, RowKey};

/// Changes of a group, merged: over it the later decisions of the group read.
#[derive(Default)]
pub struct Pending {
    pub(super) rows: HashMap<RowKey, Option<Row>>,
    pub(super) dedupe: HashMap<DedupeBytes, Option<u64>>,
    pub(super) appended: BTreeMap<EntryKey, Bytes>,
    /// What goes from the store with this group: mailbox, first and last sequence number.
    pub(super) trims: Vec<(DeviceAddress, u64, u64)>,
    /// Up to which sequence number a mailbox was trimmed in this group.
    trimmed: HashMap<DeviceAddress, u64>,
    bytes: usize,
    grows: bool,
}

/// What a row or a mark costs in the log beside its own bytes, about. Only used to bound groups.
const MARK_BYTES: usize = 128;
/// What a member of a group costs in its row, about.
const MEMBER_BYTES: usize = 32;

impl Pending {
    /// Adds one decision's changes.
    pub fn add(&mut self, batch: Batch) {
        for (key, row) in batch.rows {
            self.grows |= row.as_ref().is_some_and(is_new);
            self.bytes += MARK_BYTES + row.as_ref().map_or(0, large_part);
            self.rows.insert(RowKey::from(&key), row);
        }
        for trim in batch.trims {
            self.bytes += (2 * trim.dedupe.len() + 1) * MARK_BYTES;
            for dedupe in &trim.dedupe {
                self.dedupe.insert(DedupeBytes::from(dedupe), None);
            }
            self.trim(trim.mailbox, trim.from, trim.up_to);
        }
        for append in batch.appends {
            self.bytes += append.item.len() + MARK_BYTES;
            if let Some(dedupe) = &append.dedupe {
                // Only messages have one; a receipt is the price of trimming a message.
                self.grows = true;
                self.dedupe.insert(DedupeBytes::from(dedupe), Some(append.seq));
            }
            self.appended.insert(EntryKey::new(append.mailbox, append.seq), append.item);
        }
    }

    fn trim(&mut self, mailbox: DeviceAddress, from: u64, up_to: u64) {
        if from > up_to {
            return;
        }
        let range = EntryKey::new(mailbox, from)..=EntryKey::new(mailbox, up_to);
        let own: Vec<_> = self.appended.range(range).map(|(key, _)| *key).collect();
        // Entries of this group are its mailbox's last: what they do not cover is in the store.
        let stored_up_to = own.first().and_then(EntryKey::number).map_or(up_to, |first| first - 1);
        for key in &own {
            self.appended.remove(key);
        }
        if from <= stored_up_to {
            self.trims.push((mailbox, from, stored_up_to));
        }
        let trimmed = self.trimmed.entry(mailbox).or_default();
        *trimmed = (*trimmed).max(up_to);
    }

    /// Nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.dedupe.is_empty() && self.appended.is_empty() && self.trims.is_empty()
    }

    /// Bytes that it will take in the log, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes something new in, instead of settling what is there.
    #[must_use]
    pub fn grows(&self) -> bool {
        self.grows
    }

    pub(super) fn is_trimmed(&self, mailbox: DeviceAddress, seq: u64) -> bool {
        self.trimmed.get(&mailbox).is_some_and(|up_to| seq <= *up_to)
    }
}

/// Whether a row is written when something new is taken in. The other kinds come with these, and change
/// afterwards without growing beyond their bounds: also while what is there is settled and devices are removed.
fn is_new(row: &Row) -> bool {
    match row {
        Row::Credential(_)
        | Row::Invitation(_)
        | Row::Username(_)
        | Row::Linking(_)
        | Row::Blob(_)
        | Row::Directory(_)
        | Row::Voucher(_)
        | Row::Awaiting
        | Row::Owned(_) => true,
        Row::Account(_)
        | Row::Signed(_)
        | Row::Seen(_)
        | Row::Pool(_)
        | Row::Mailbox(_)
        | Row::Group(_)
        | Row::References(_)
        | Row::Bucket(_)
        | Row::Findable(_)
        | Row::File(_)
        | Row::Quota(_) => false,
    }
}

/// Bytes of rows that are much larger than others, about.
fn large_part(row: &Row) -> usize {
    match row {
        Row::Blob(blob) => blob.item.len(),
        Row::Group(group) => group.members.len() * MEMBER_BYTES,
        Row::Bucket(bucket) => bucket.entries.len() * 2 * ENTRY_BYTES,
        Row::Pool(pool) => match &pool.pool {
            Pool::OneTime(list) => list.len() * PUBLIC_KEY_BYTES,
            Pool::Kyber(list) => list.len() * KYBER_KEY_BYTES,
        },
        _ => 0,
    }
}
