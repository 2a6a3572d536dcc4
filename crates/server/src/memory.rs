//! The reference store: ordered maps in memory. Tests use it, and the simulator wraps it with faults.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use waxwing_wire::DeviceAddress;

use crate::row::Row;
use crate::step::Batch;
use crate::store::{CommitError, DedupeKey, Key, Keys, Store, StoreError, Stored, Sweep, Version, View};

/// A store in memory. A clone of it is a snapshot.
///
/// Rows are kept as bytes, so that whoever tests with it also tests their encoding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    rows: BTreeMap<Key, Bytes>,
    entries: BTreeMap<(DeviceAddress, u64), Bytes>,
    dedupe: BTreeMap<DedupeKey, u64>,
}

impl MemoryStore {
    /// Every row, as it is stored.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, &Bytes)> {
        self.rows.iter()
    }

    /// Every mailbox entry, with its mailbox and sequence number.
    pub fn entries(&self) -> impl Iterator<Item = (DeviceAddress, u64, &Bytes)> {
        self.entries.iter().map(|((mailbox, seq), item)| (*mailbox, *seq, item))
    }

    /// Every dedupe key, with its entry's sequence number.
    pub fn dedupe(&self) -> impl Iterator<Item = (&DedupeKey, u64)> {
        self.dedupe.iter().map(|(key, seq)| (key, *seq))
    }

    fn version(&self, key: &Key) -> Version {
        self.rows.get(key).map_or(Version::ABSENT, |bytes| Version::of(bytes))
    }

    fn apply(&mut self, batch: Batch) {
        for (key, row) in batch.rows {
            match row {
                Some(row) => self.rows.insert(key, row.encode()),
                None => self.rows.remove(&key),
            };
        }
        for trim in batch.trims.into_iter().filter(|trim| trim.from <= trim.up_to) {
            let range = (trim.mailbox, trim.from)..=(trim.mailbox, trim.up_to);
            self.entries.extract_if(range, |_, _| true).for_each(drop);
            for key in trim.dedupe {
                self.dedupe.remove(&key);
            }
        }
        for append in batch.appends {
            self.entries.insert((append.mailbox, append.seq), append.item);
            if let Some(key) = append.dedupe {
                self.dedupe.insert(key, append.seq);
            }
        }
    }
}

impl Store for MemoryStore {
    fn load(&self, keys: &Keys) -> Result<View, StoreError> {
        let mut view = View::default();
        for key in &keys.rows {
            let row = match self.rows.get(key) {
                Some(bytes) => {
                    let row = Row::decode(key, bytes.clone()).map_err(|e| StoreError(e.to_string()))?;
                    (Some(row), Version::of(bytes))
                }
                None => (None, Version::ABSENT),
            };
            view.rows.insert(key.clone(), row);
        }
        for key in &keys.dedupe {
            if let Some(seq) = self.dedupe.get(key) {
                view.dedupe.insert(*key, *seq);
            }
        }
        if let Some(range) = keys.range.filter(|range| range.from <= range.up_to) {
            let found = self.entries.range((range.mailbox, range.from)..=(range.mailbox, range.up_to));
            let found = found.take(range.max_entries).map(|((_, seq), item)| (*seq, item.clone()));
            view.entries = found.collect();
        }
        Ok(view)
    }

    fn commit(&mut self, group: Vec<Stored>) -> Vec<Result<(), CommitError>> {
        let mut results = Vec::with_capacity(group.len());
        for stored in group {
            let unchanged = stored.expected.iter().all(|(key, version)| self.version(key) == *version);
            if unchanged {
                self.apply(stored.batch);
            }
            results.push(if unchanged { Ok(()) } else { Err(CommitError::Conflict) });
        }
        results
    }

    fn read_mailbox(
        &self,
        mailbox: DeviceAddress,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StoreError> {
        let mut page = Vec::new();
        let mut bytes = 0;
        for ((_, seq), item) in self.entries.range((mailbox, from)..=(mailbox, u64::MAX)).take(max_entries) {
            page.push((*seq, item.clone()));
            bytes += item.len();
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(page)
    }

    fn sweep(&self, kind: Sweep, after: Option<&Key>, max: usize) -> Result<Vec<Key>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows.range((start, Bound::Unbounded));
        Ok(rows.map(|(key, _)| key).filter(|key| kind.includes(key)).take(max).cloned().collect())
    }
}

#[cfg(test)]
mod tests;
