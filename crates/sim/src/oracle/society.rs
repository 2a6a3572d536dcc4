//! Who belongs together: which devices an account has and who is in a group, as the server has committed it,
//! and what members were shown of their groups.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::{Conversation, Group, MessageKey, Time};
use waxwing_server::{AccountRow, BlobId, BlobRow, GroupRow};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::StateHash;
use waxwing_wire::server_frame::Item;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, GroupId};

use super::{Oracle, Written};
use crate::signal::outline;

/// A device that was linked so shortly before a message was taken need not get it: the sender's view was
/// compared before. Milliseconds.
const LINK_RACE_MS: u64 = 5_000;

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Society {
    /// Devices of accounts, with the time at which they came.
    accounts: BTreeMap<AccountId, BTreeMap<DeviceId, u64>>,
    /// Devices in the list that the primary has signed last.
    listed: BTreeMap<AccountId, BTreeSet<DeviceId>>,
    removed: BTreeMap<DeviceAddress, u64>,
    pub groups: BTreeMap<GroupId, GroupFacts>,
    /// Messages to groups whose ciphertext the server has.
    pub blobs: BTreeMap<BlobId, BlobFacts>,
    /// The epoch in which a sender key was first used.
    chains: BTreeMap<Vec<u8>, u64>,
    /// What new devices are to get of the past.
    pub granted: BTreeMap<usize, HistoryRange>,
    /// Devices that have asked to be taken off their account.
    leaving: BTreeSet<DeviceAddress>,
    /// Accounts of which a device has logged itself out, and when the server has done it: their others learn it
    /// when they connect.
    logged_out: BTreeMap<AccountId, u64>,
    /// When each device was greeted last.
    pub greeted: BTreeMap<DeviceAddress, u64>,
    /// Messages that a person has deleted.
    deleted: BTreeSet<(usize, MessageKey)>,
    /// Up to which time of sending a person has cleared a conversation.
    cleared: BTreeMap<(usize, Conversation), u64>,
}

/// What is known of a group.
#[derive(Default)]
pub(super) struct GroupFacts {
    maker: Option<AccountId>,
    /// Members in each epoch, from 1.
    epochs: Vec<BTreeSet<AccountId>>,
    /// What members hold in each epoch.
    states: BTreeMap<u64, StateHash>,
    /// Members who were sent what was before them.
    shared: BTreeSet<AccountId>,
}

/// What is known of a message to a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlobFacts {
    pub silent: bool,
    pub accepted_at_ms: u64,
    pub epoch: u64,
}

impl Society {
    /// The devices that an account has now.
    pub fn devices(&self, account: AccountId) -> BTreeSet<DeviceAddress> {
        let devices = self.accounts.get(&account).into_iter().flatten();
        devices.map(|(device, _)| DeviceAddress { account, device: *device }).collect()
    }

    /// Devices that a message accepted now must reach.
    fn settled_devices(&self, account: AccountId, now_ms: u64) -> impl Iterator<Item = DeviceAddress> {
        let devices = self.accounts.get(&account).into_iter().flatten();
        let there = devices.filter(move |(_, since)| {
            let first = **since == 0;
            first || **since + LINK_RACE_MS <= now_ms
        });
        there.map(move |(device, _)| DeviceAddress { account, device: *device })
    }

    /// Whether the device belongs to its account.
    pub fn is_there(&self, address: DeviceAddress) -> bool {
        self.accounts.get(&address.account).is_some_and(|devices| devices.contains_key(&address.device))
    }

    pub fn linked_ms(&self, address: DeviceAddress) -> u64 {
        let devices = self.accounts.get(&address.account);
        devices.and_then(|devices| devices.get(&address.device)).copied().unwrap_or(0)
    }

    /// When the device was cut off.
    pub fn removed_ms(&self, address: DeviceAddress) -> Option<u64> {
        self.removed.get(&address).copied()
    }

    /// Whether a device of the account was ever removed.
    pub fn has_lost_a_device(&self, account: AccountId) -> bool {
        self.has_lost_a_device_since(account, 0)
    }

    /// Whether a device of the account was removed since then.
    pub fn has_lost_a_device_since(&self, account: AccountId, since_ms: u64) -> bool {
        self.removed.iter().any(|(device, at)| device.account == account && *at >= since_ms)
    }

    /// Whether an account was not in a group at some time.
    pub fn was_ever_outside(&self, group: GroupId, account: AccountId) -> bool {
        let facts = self.groups.get(&group);
        facts.is_none_or(|facts| facts.epochs.iter().any(|members| !members.contains(&account)))
    }

    /// Accounts whose signed list is not that of the devices that are there.
    pub fn outdated_lists(&self) -> impl Iterator<Item = &AccountId> {
        self.accounts.iter().filter_map(|(account, devices)| {
            let there: BTreeSet<DeviceId> = devices.keys().copied().collect();
            (self.listed.get(account) != Some(&there)).then_some(account)
        })
    }
}

impl Oracle {
    /// A device logs itself out, and has nobody to tell the others.
    pub(super) fn logs_out(&mut self, device: DeviceAddress) {
        self.society.leaving.insert(device);
    }

    /// A device was greeted: now it can know which others there are.
    pub(super) fn is_greeted(&mut self, device: DeviceAddress) {
        self.society.greeted.insert(device, self.now_ms);
    }

    /// Whether a device may not know yet that another one has logged itself out.
    pub(super) fn may_be_unaware(&self, device: DeviceAddress) -> bool {
        let logged_out = self.society.logged_out.get(&device.account);
        logged_out > self.society.greeted.get(&device)
    }
}

impl GroupFacts {
    /// The members in an epoch; before the first and after the last: nobody.
    pub fn members(&self, epoch: u64) -> Option<&BTreeSet<AccountId>> {
        self.epochs.get(usize::try_from(epoch.checked_sub(1)?).ok()?)
    }

    pub fn epoch(&self) -> u64 {
        self.epochs.len() as u64
    }

    pub fn current(&self) -> BTreeSet<AccountId> {
        self.epochs.last().cloned().unwrap_or_default()
    }

    pub fn was_ever_member(&self, account: AccountId) -> bool {
        self.epochs.iter().any(|members| members.contains(&account))
    }

    /// Whether the account has been a member all the time since an epoch.
    pub fn has_stayed(&self, account: AccountId, since: u64) -> bool {
        (since..=self.epoch()).all(|epoch| self.members(epoch).is_some_and(|there| there.contains(&account)))
    }

    pub fn is_shared_with(&self, account: AccountId) -> bool {
        self.shared.contains(&account)
    }
}

impl Oracle {
    /// Whether an account is in a group now, as the server has it.
    #[must_use]
    pub fn is_member(&self, group: GroupId, account: AccountId) -> bool {
        self.society.groups.get(&group).is_some_and(|facts| facts.current().contains(&account))
    }

    /// A group that an account has made, other than these.
    #[must_use]
    pub fn group_of(&self, maker: AccountId, known: &[GroupId]) -> Option<GroupId> {
        let mut all = self.society.groups.iter();
        all.find(|(group, facts)| facts.maker == Some(maker) && !known.contains(group))
            .map(|(group, _)| *group)
    }

    /// A device of an account that was removed.
    #[must_use]
    pub fn removed_device(&self, account: AccountId) -> Option<DeviceId> {
        let mut removed = self.society.removed.keys();
        removed.find(|device| device.account == account).map(|device| device.device)
    }

    /// Every group that was made.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.society.groups.keys().copied()
    }

    /// A person is going to let a new device have so much of the past.
    pub fn history_is_granted(&mut self, companion: usize, history: HistoryRange) {
        self.society.granted.insert(companion, history);
    }

    /// Somebody sends a new member what was before.
    pub fn history_is_shared(&mut self, group: GroupId, with: AccountId) {
        self.society.groups.entry(group).or_default().shared.insert(with);
    }

    /// A person deletes a message.
    pub fn message_is_deleted(&mut self, person: usize, message: MessageKey) {
        self.society.deleted.insert((person, message));
    }

    /// A person deletes everything in a conversation that was sent by then.
    pub fn conversation_is_cleared(&mut self, person: usize, with: Conversation, until: Time) {
        let up_to = self.society.cleared.entry((person, with)).or_default();
        *up_to = (*up_to).max(until.0);
    }

    /// Whether a person does not want a message any more.
    pub(super) fn is_unwanted(&self, person: usize, key: MessageKey) -> bool {
        let Some(written) = self.written.get(&key) else { return false };
        let with = match written.to {
            Conversation::Account(_) if self.person_of(key.from.account) != Some(person) => {
                Conversation::Account(key.from.account)
            }
            to => to,
        };
        let cleared = self.society.cleared.get(&(person, with));
        self.society.deleted.contains(&(person, key))
            || cleared.is_some_and(|up_to| written.sent_at_ms <= *up_to)
    }

    /// The person whose account it is.
    pub(super) fn person_of(&self, account: AccountId) -> Option<usize> {
        let primary = DeviceAddress { account, device: DeviceId::PRIMARY };
        self.devices.get(&primary).copied()
    }

    /// Devices that must get a message that is accepted now, other than the one that sent it.
    pub(super) fn owed(
        &self,
        key: MessageKey,
        to: Conversation,
        epoch: Option<u64>,
    ) -> BTreeSet<DeviceAddress> {
        let mut accounts = BTreeSet::from([key.from.account]);
        match to {
            Conversation::Account(account) => {
                accounts.insert(account);
            }
            Conversation::Status(_) => {}
            Conversation::Group(group) => {
                let facts = self.society.groups.get(&group);
                let members = facts.and_then(|facts| facts.members(epoch?));
                accounts.extend(members.into_iter().flatten());
            }
        }
        let now_ms = self.now_ms;
        let devices = accounts.into_iter().flat_map(|account| self.society.settled_devices(account, now_ms));
        devices.filter(|device| *device != key.from).collect()
    }

    /// Whether an account was put out of the group since a message was taken there. A fan-out that was cut goes
    /// on when the sender is there again, and nobody is told before its end that the message was taken: for who
    /// is out by then it is as if it had been written later.
    pub(super) fn was_put_out(&self, account: AccountId, written: &Written) -> bool {
        let Conversation::Group(group) = written.to else { return false };
        let stayed =
            |facts: &GroupFacts| written.epochs.iter().any(|since| facts.has_stayed(account, *since));
        !written.epochs.is_empty() && self.society.groups.get(&group).is_some_and(|facts| !stayed(facts))
    }

    /// Whether there is anybody beside the sending device; somebody alone in a group writes to nobody.
    pub(super) fn has_somebody_to_reach(&self, key: MessageKey, to: Conversation) -> bool {
        let epoch = match to {
            Conversation::Group(group) => self.society.groups.get(&group).map(GroupFacts::epoch),
            Conversation::Account(_) | Conversation::Status(_) => return true,
        };
        !self.owed(key, to, epoch).is_empty()
    }

    /// An account as it was committed.
    pub(super) fn account_is(&mut self, account: AccountId, row: &AccountRow) {
        let now_ms = self.now_ms;
        let there: BTreeSet<DeviceId> = row.devices.iter().map(|device| device.device).collect();
        let devices = self.society.accounts.entry(account).or_default();
        let gone: Vec<DeviceId> = devices.keys().filter(|device| !there.contains(device)).copied().collect();
        for device in gone {
            devices.remove(&device);
            let address = DeviceAddress { account, device };
            self.society.removed.insert(address, now_ms);
            if self.society.leaving.remove(&address) {
                self.society.logged_out.insert(account, now_ms);
            }
        }
        for device in there {
            let since = if device == DeviceId::PRIMARY { 0 } else { now_ms };
            devices.entry(device).or_insert(since);
            if self.society.removed.contains_key(&DeviceAddress { account, device }) {
                self.fail("8", format!("device {} of an account is there again", device.number()));
                return;
            }
        }
        match row.list.decode_list() {
            Ok(list) => {
                let listed = list.devices.iter().map(|listed| listed.device).collect();
                self.society.listed.insert(account, listed);
            }
            Err(error) => self.fail("client", format!("a device list: {error}")),
        }
    }

    /// A group as it was committed.
    pub(super) fn group_is(&mut self, group: GroupId, row: &GroupRow) {
        let facts = self.society.groups.entry(group).or_default();
        let members: BTreeSet<AccountId> = row.members.iter().map(|member| member.account).collect();
        let is_next = facts.epoch() + 1 == row.epoch;
        if is_next {
            facts.maker = facts.maker.or(members.first().copied().filter(|_| members.len() == 1));
            facts.maker = facts.maker.or(row.recent.first().map(|(from, _)| from.account));
            facts.epochs.push(members);
        } else if facts.epoch() != row.epoch || facts.current() != members {
            let (was, is) = (facts.epoch(), row.epoch);
            self.fail("agreement", format!("a group goes from epoch {was} to {is} on the server"));
        }
    }

    /// The last member has left: the server keeps nothing of such a group, not even that last epoch.
    pub(super) fn group_goes(&mut self, group: GroupId) {
        let facts = self.society.groups.entry(group).or_default();
        if !facts.current().is_empty() {
            facts.epochs.push(BTreeSet::new());
        }
    }

    /// The ciphertext of a message to a group as it was committed.
    pub(super) fn blob_is(&mut self, blob: BlobId, row: &BlobRow) {
        let envelope = match Item::decode(row.item.clone()) {
            Ok(Item::Envelope(envelope)) => envelope,
            _ => return self.fail("1", "a stored message to a group is none".into()),
        };
        let Some(group) = envelope.group.as_ref() else {
            return self.fail("1", "a stored message to a group names none".into());
        };
        let facts = BlobFacts {
            silent: envelope.silent,
            accepted_at_ms: envelope.accepted_at_ms,
            epoch: group.epoch,
        };
        self.key_is_spent(&envelope);
        if group.change.is_none() {
            self.key_is_of_this_epoch(blob, facts.epoch, &envelope.ciphertext);
        }
        self.society.blobs.insert(blob, facts);
        self.is_stored(MessageKey { from: blob.from, id: blob.id }, Some(facts.epoch));
    }

    /// Invariant 8: who has left a group cannot read what follows, so nobody uses a key that they hold.
    fn key_is_of_this_epoch(&mut self, blob: BlobId, epoch: u64, ciphertext: &[u8]) {
        let Some(outline) = outline(EnvelopeKind::SenderKey, ciphertext) else { return };
        let Some(facts) = self.society.groups.get(&blob.group) else { return };
        let since = *self.society.chains.entry(outline.ratchet_key).or_insert(epoch);
        let nobody = BTreeSet::new();
        let members = facts.members(epoch).unwrap_or(&nobody);
        let has_left = |before: u64| facts.members(before).is_some_and(|those| !those.is_subset(members));
        if (since..epoch).any(has_left) && self.is_honest() {
            let name = self.name(&MessageKey { from: blob.from, id: blob.id });
            self.fail("8", format!("{name} is encrypted with a key that somebody holds who has left"));
        }
    }

    /// Invariant 11 for messages: what a mailbox refers to stays.
    pub(super) fn blob_goes(&mut self, blob: BlobId) {
        self.society.blobs.remove(&blob);
        let refers = |waiting: &super::Waiting| waiting.blob == Some(blob);
        if self.boxes.values().any(|mailbox| mailbox.values().any(refers)) {
            let name = self.name(&MessageKey { from: blob.from, id: blob.id });
            self.fail("11", format!("{name} goes while a mailbox refers to it"));
        }
    }

    /// A member is shown a group: all members who are in an epoch hold the same.
    pub fn group_is_shown(&mut self, client: usize, shown: &Group) {
        let (group, epoch) = (shown.state.group, shown.state.epoch);
        let Some(facts) = self.society.groups.get_mut(&group) else {
            if self.is_honest() && shown.member {
                // Shown before the server has taken it.
                self.fail("agreement", format!("c{client} holds a group that the server does not have"));
            }
            return;
        };
        let hash = shown.state.hash();
        let first = *facts.states.entry(epoch).or_insert(hash);
        let members: BTreeSet<AccountId> = shown.state.members.iter().map(|member| member.account).collect();
        let agreed = facts.members(epoch).is_none_or(|known| *known == members);
        if self.is_forgiving() {
            return;
        }
        if first != hash {
            self.fail("agreement", format!("c{client} holds another state of a group in epoch {epoch}"));
        } else if !agreed {
            self.fail("agreement", format!("c{client} and the server name other members in epoch {epoch}"));
        }
    }

    /// The server lies in some way that lets members hold different things, which they then notice.
    pub(super) fn is_forgiving(&self) -> bool {
        !self.is_honest()
    }
}
