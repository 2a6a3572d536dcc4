use std::sync::Arc;

use bytes::Bytes;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId};

use super::ConnId;
use crate::row::BlobId;
use crate::store::DedupeKey;

/// Why entries leave a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The device has stored them.
    Stored {
        /// Entries that earn no receipt.
        undecryptable: Vec<u64>,
    },
    /// They have waited too long.
    Expired,
    /// The device was removed: nobody is told.
    Removed,
}

/// A message to a group on its way into the mailboxes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FanOut {
    /// The connection that gets the answer; `None` if nobody waits for it.
    pub conn: Option<ConnId>,
    /// Which message.
    pub blob: BlobId,
    /// The group's epoch that it belongs to.
    pub epoch: u64,
    /// When the server took it, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// It earns no receipts.
    pub silent: bool,
    /// Encoded item, as every device gets it; the store keeps it once.
    pub item: Bytes,
    /// It is a change of the group.
    pub change: bool,
    /// Account by account.
    pub targets: Arc<[Target]>,
    /// How many of the targets have been served.
    pub next: usize,
    /// References that were reserved for this run.
    pub reserved: u64,
    /// References that this run put into mailboxes.
    pub appended: u64,
}

impl FanOut {
    /// Of all devices that it goes to.
    pub(crate) fn mailboxes(&self) -> Vec<DeviceAddress> {
        let of = |target: &Target| {
            let account = target.account;
            target
                .devices
                .iter()
                .map(move |device| DeviceAddress { account, device: *device })
                .collect::<Vec<_>>()
        };
        self.targets.iter().flat_map(of).collect()
    }
}

/// An account that gets a message to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The account.
    pub account: AccountId,
    /// Its devices that get it, ascending; at least one.
    pub devices: Vec<DeviceId>,
}

/// An entry on its way out of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Its place.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
    /// Under which the mailbox remembered it.
    pub dedupe: Option<DedupeKey>,
    /// The blob that it referred to.
    pub blob: Option<BlobId>,
}
