//! The reference store: ordered maps in memory. Tests use it, and the simulator wraps it with faults.

use bytes::Bytes;
use waxwing_wire::DeviceAddress;

use crate::store::{CommitError, Keys, Store, StoreError, Stored, View};

/// A store in memory. A clone of it is a snapshot.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {}

impl Store for MemoryStore {
    fn load(&self, _keys: &Keys) -> Result<View, StoreError> {
        todo!()
    }

    fn commit(&mut self, _group: Vec<Stored>) -> Vec<Result<(), CommitError>> {
        todo!()
    }

    fn read_mailbox(
        &self,
        _mailbox: DeviceAddress,
        _from: u64,
        _max_entries: usize,
        _max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StoreError> {
        todo!()
    }

    fn mailboxes(
        &self,
        _after: Option<DeviceAddress>,
        _max: usize,
    ) -> Result<Vec<DeviceAddress>, StoreError> {
        todo!()
    }
}
