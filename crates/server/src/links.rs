use std::collections::BTreeMap;

use bytes::Bytes;
use waxwing_wire::DeviceAddress;

use crate::{Command, ConnId, Effect, Settings, Time};

/// Which devices are connected, and how far each has been sent its mailbox.
///
/// A device is sent entries ahead of its acknowledgements within a window
/// ([`waxwing_wire::limits::DELIVERY_WINDOW_ENTRIES`] and `_BYTES`); entries that do not fit wait in the
/// store and are read in pages. At most one read per device is under way.
#[derive(Debug, Default)]
pub struct Links {
    _devices: BTreeMap<DeviceAddress, ()>,
}

impl Links {
    /// A connection speaks for a device now. Closes the device's earlier connection, if any.
    pub fn attach(
        &mut self,
        _conn: ConnId,
        _address: DeviceAddress,
        _lease: u64,
        _stored: u64,
        _last: u64,
        _now: Time,
    ) -> Vec<Effect> {
        todo!()
    }

    /// Lease of the device's connection and messages accepted under it so far, if it is connected: what a
    /// second connection of the same device is told in its `Welcome`.
    #[must_use]
    pub fn accepted(&self, _address: DeviceAddress) -> Option<(u64, u64)> {
        todo!()
    }

    /// A message of the connection's device was newly accepted. Nothing happens if the connection does not
    /// speak for the device any more: what it still brought in belongs to an earlier lease.
    pub fn count_accepted(&mut self, _conn: ConnId) {
        todo!()
    }

    /// A new entry was committed.
    pub fn appended(&mut self, _mailbox: DeviceAddress, _seq: u64, _item: Bytes) -> Option<Effect> {
        todo!()
    }

    /// Entries read from the store for a connection; `entries` empty when there are no more.
    pub fn page(
        &mut self,
        _mailbox: DeviceAddress,
        _conn: ConnId,
        _entries: Vec<(u64, Bytes)>,
    ) -> Vec<Effect> {
        todo!()
    }

    /// The device has stored its mailbox up to an entry.
    pub fn trimmed(&mut self, _mailbox: DeviceAddress, _up_to: u64) -> Option<Effect> {
        todo!()
    }

    /// A connection is gone. Gives the command that remembers what was accepted under its lease, unless
    /// the device is already connected anew.
    pub fn detach(&mut self, _conn: ConnId) -> Option<Command> {
        todo!()
    }

    /// Takes one message from the device's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_send(
        &mut self,
        _address: DeviceAddress,
        _now: Time,
        _settings: &Settings,
    ) -> Result<(), u64> {
        todo!()
    }

    /// Takes one fetch of prekey bundles from the device's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_fetch(&mut self, _address: DeviceAddress, _now: Time) -> Result<(), u64> {
        todo!()
    }

    /// Takes one look-up of a username from the device's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_lookup(&mut self, _address: DeviceAddress, _now: Time) -> Result<(), u64> {
        todo!()
    }

    /// Connected devices.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// No device is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
