//! Groups by hand.

use std::collections::BTreeMap;

use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::devices::DeviceList;
use waxwing_wire::group::{PublicChange, member_digest, view_digest};
use waxwing_wire::{AccountId, GroupId, MessageId};

use super::Device;

/// A group as its members see it.
#[derive(Clone)]
pub struct Members {
    pub group: GroupId,
    pub epoch: u64,
    /// Ascending, with their lists.
    pub members: BTreeMap<AccountId, DeviceList>,
}

impl Members {
    /// A group of these accounts, and the change by which its maker makes it.
    pub fn new<'a>(number: u8, members: impl IntoIterator<Item = &'a Device>) -> Self {
        let member = |device: &Device| (device.address.account, device.list.clone());
        Self { group: GroupId([number; 16]), epoch: 0, members: members.into_iter().map(member).collect() }
    }

    /// Makes the group: the maker is its first admin.
    pub fn make(&mut self, id: u64, maker: AccountId) -> GroupSend {
        let add = self.members.keys().copied().collect();
        let change = PublicChange { add, promote: vec![maker], ..PublicChange::default() };
        let send = GroupSend { change: Some(change), ..self.message(id, 100) };
        self.epoch = 1;
        send
    }

    /// A message of so many bytes.
    pub fn message(&self, id: u64, bytes: usize) -> GroupSend {
        let digests = self.members.iter().map(|(account, list)| {
            let devices = list.devices.iter().map(|device| (device.device, device.registration_id));
            (*account, member_digest(list.version, devices))
        });
        GroupSend {
            id: MessageId(id),
            group: self.group,
            epoch: self.epoch,
            view: view_digest(digests),
            ciphertext: vec![id as u8; bytes].into(),
            silent: false,
            attempt: 0,
            change: None,
            files: Vec::new(),
        }
    }
}
