//! What must hold of any store, and of any batch.

use std::collections::BTreeMap;

use waxwing_wire::DeviceAddress;

use super::World;
use crate::limits::RETENTION_MS;
use crate::row::{BlobId, Row};
use crate::{Batch, Key, Shard, item};

impl World {
    /// What must hold of any store, whatever happened.
    pub(crate) fn check_store(&self) {
        let mut entries: BTreeMap<DeviceAddress, (u64, u64, u64)> = BTreeMap::new();
        let mut references: BTreeMap<BlobId, u64> = BTreeMap::new();
        let mut dedupe = 0;
        for (mailbox, seq, bytes) in self.store.entries() {
            let counted = entries.entry(mailbox).or_insert((0, 0, seq));
            *counted = (counted.0 + 1, counted.1 + bytes.len() as u64, counted.2);
            let row = self.mailbox(mailbox);
            assert!(seq > row.settled && seq <= row.last, "{seq} is outside of {row:?}");
            let stored = item::read(bytes);
            dedupe += usize::from(matches!(stored, Some(item::Stored::Envelope(..))));
            if let Some(item::Stored::Reference(reference)) = stored {
                dedupe += 1;
                // Behind something younger an entry stays when its time is over; its message goes.
                if reference.accepted_at_ms + RETENTION_MS > self.now.0 {
                    *references.entry(reference.blob).or_default() += 1;
                }
            }
        }
        assert_eq!(self.store.dedupe().count(), dedupe, "a dedupe key for each envelope");
        for (blob, count) in references {
            match self.row(Key::References(blob)) {
                Some(Row::References(row)) => assert!(row.count >= count, "{count} refer to {row:?}"),
                other => panic!("{count} refer to {blob:?}, which is {other:?}"),
            }
        }
        self.check_files();
        for (key, bytes) in self.store.rows() {
            let row = Row::decode(key, bytes.clone()).unwrap();
            if let (Key::Mailbox(mailbox), Row::Mailbox(row)) = (key, &row) {
                let (count, bytes, _) = entries.get(mailbox).copied().unwrap_or_default();
                assert_eq!((row.entries, row.bytes), (count, bytes), "counts of {mailbox:?}");
            }
            if let (Key::Blob(blob) | Key::References(blob), _) = (key, row) {
                let both = [Key::Blob(*blob), Key::References(*blob)];
                assert!(both.into_iter().all(|key| self.row(key).is_some()), "one goes with the other");
            }
        }
    }
}

/// Everything that a batch touches belongs to its shard.
pub(super) fn check_shard(batch: &Batch) {
    for (key, _) in &batch.rows {
        assert_eq!(key.shard(), batch.shard);
    }
    let appends = batch.appends.iter().map(|append| append.mailbox);
    for mailbox in appends.chain(batch.trims.iter().map(|trim| trim.mailbox)) {
        assert_eq!(Shard::Mailboxes(mailbox.account), batch.shard);
    }
}
