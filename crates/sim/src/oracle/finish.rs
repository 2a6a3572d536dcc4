//! What is owed once everything is well again.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::memory::MemoryDb;
use waxwing_client::{Body, Client, Conversation, Delivery, Group, Message, MessageKey, Read as _, Table};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, RejectCode};

use super::society::GroupFacts;
use super::{Oracle, Written};
use crate::people::{FLOODER, VICTIM};

/// In a flood, what others write arrives within this time, milliseconds.
const FLOOD_LATENCY_MS: u64 = 10_000;
/// First byte of the key of a register that holds a device's name.
const NAME_KIND: u8 = 11;
/// Complaints of one kind that are listed.
const LISTED: usize = 6;

/// What is there when a run ends.
pub struct Ends<'a> {
    /// Each client's database.
    pub dbs: Vec<&'a MemoryDb>,
    /// Each client's core, where it runs.
    pub cores: Vec<Option<&'a Client>>,
    /// Which clients belong to an account, or should.
    pub linked: Vec<bool>,
    /// The groups that each client knows.
    pub groups: Vec<Vec<Group>>,
    /// The devices of the own account that each client knows.
    pub own: Vec<BTreeSet<DeviceId>>,
    /// Entries in each client's mailbox.
    pub waiting: Vec<usize>,
    /// Clients without a connection.
    pub offline: usize,
    /// Things that people have not got round to.
    pub acts: usize,
    /// Messages to groups that the server still keeps.
    pub blobs: usize,
}

impl Oracle {
    /// What is still owed; empty when all is settled.
    #[must_use]
    pub fn unsettled(&self, ends: &Ends<'_>) -> Vec<String> {
        let mut owed = Vec::new();
        if ends.acts > 0 {
            owed.push(format!("people have not got round to {} things", ends.acts));
        }
        if ends.offline > 0 {
            owed.push(format!("{} clients are not connected", ends.offline));
        }
        let linked = |client: &usize| ends.linked.get(*client).copied().unwrap_or_default();
        for (client, db) in ends.dbs.iter().enumerate().filter(|(client, _)| linked(client)) {
            if !self.is_registered(client) {
                owed.push(format!("c{client} has no account"));
            }
            let outbox = db.count(Table::Outbox);
            if outbox > 0 && !self.writes_to_a_lost_group(client, ends) {
                owed.push(format!("{outbox} wait in the outbox of c{client}"));
            }
        }
        let waiting = ends.waiting.iter().enumerate().filter(|(client, _)| linked(client));
        for (client, waiting) in waiting.filter(|(_, waiting)| **waiting > 0) {
            owed.push(format!("{waiting} wait in the mailbox of c{client}"));
        }
        let to_lost =
            |to: Conversation| matches!(to, Conversation::Group(group) if self.is_lost(ends, group));
        let messages = self.written.iter().filter(|(_, written)| !written.orphaned && !to_lost(written.to));
        let faults = messages.flat_map(|(key, written)| self.message_owed(key, written, ends));
        owed.extend(faults.take(LISTED));
        for (client, command) in self.open_commands.iter().take(LISTED) {
            owed.push(format!("c{client} has not answered command {}", command.0));
        }
        owed.extend(self.agreement_owed(ends).into_iter().take(LISTED));
        owed.extend(self.convergence_owed(ends).into_iter().take(LISTED));
        owed.extend(self.deeds_owed(ends).into_iter().take(LISTED));
        owed.extend(self.circles_owed(ends).into_iter().take(LISTED));
        owed
    }

    /// What is owed of one message: that every device has it which must, and that its sender knows.
    fn message_owed(&self, key: &MessageKey, written: &Written, ends: &Ends<'_>) -> Vec<String> {
        let name = self.name(key);
        let Some(sender) = self.witness(key, written) else { return Vec::new() };
        let find = |client: usize| ends.dbs.get(client)?.message(key).ok().flatten();
        let person = self.people.get(&sender).copied().unwrap_or(sender);
        let Some(sent) = find(sender) else {
            let excused = self.is_unwanted(person, *key)
                || self.is_past(written.client)
                || sender != written.client
                || self.may_be_over(written);
            return if excused { Vec::new() } else { vec![format!("{name} is gone at its sender")] };
        };
        let mut owed = Vec::new();
        if sent.delivery == Delivery::Failed {
            let put_out = match written.to {
                Conversation::Group(group) => self.society.was_ever_outside(group, key.from.account),
                Conversation::Account(_) | Conversation::Status(_) => false,
            };
            let has_cause = put_out || self.said_expired.contains(key) || self.refused.contains(key);
            if !has_cause {
                owed.push(format!("{name} failed without a cause"));
            }
            // It may have arrived, its device could not say so in time, and it expired.
            let may_be_both = self.said_expired.contains(key)
                || !self.is_exact(written.client, written)
                || self.is_to_former_group(written);
            if written.accepted_ms.is_some() && !may_be_both {
                owed.push(format!("{name} failed and was taken"));
            }
            return owed;
        }
        if written.accepted_ms.is_none() && sent.delivery == Delivery::Pending && sender == written.client {
            owed.push(format!("{name} was never taken"));
        }
        for device in &written.owed {
            let client = self.devices.get(device).copied();
            let Some(client) = client.filter(|_| self.society.is_there(*device)) else { continue };
            if let Some(what) = self.copy_owed(key, written, client, find(client).as_ref()) {
                owed.push(format!("{name} for c{client} {what}"));
            }
        }
        if let Some(what) = self.tick_owed(key, written, &sent, &find) {
            owed.push(format!("{name} {what}"));
        }
        owed
    }

    /// A device by which to judge what the sender of a message sees: the one that wrote it, or if that is gone
    /// the person's first. `None` when nobody can know of the message.
    fn witness(&self, key: &MessageKey, written: &Written) -> Option<usize> {
        if self.society.is_there(key.from) {
            return Some(written.client);
        }
        written.accepted_ms?;
        self.people.get(&written.client).copied()
    }

    /// The device that wrote something was removed: nobody can ask it any more.
    fn is_past(&self, client: usize) -> bool {
        self.address(client).is_some_and(|address| !self.society.is_there(address))
    }

    /// The database of the device was not replaced by an older copy since a message was written.
    fn is_exact(&self, client: usize, written: &Written) -> bool {
        self.rollbacks.get(&client).is_none_or(|at| written.at_ms > *at)
    }

    /// What is owed of a message to one device.
    fn copy_owed(
        &self,
        key: &MessageKey,
        written: &Written,
        client: usize,
        arrived: Option<&Message>,
    ) -> Option<&'static str> {
        let person = self.people.get(&client).copied().unwrap_or(client);
        let from_own_device = self.people.get(&written.client) == Some(&person);
        let address = self.address(client)?;
        let is_gone = self.is_past(written.client);
        let left = match written.to {
            Conversation::Group(group) => !self.is_member(group, address.account),
            Conversation::Account(_) | Conversation::Status(_) => false,
        };
        if self.is_unwanted(person, *key) || self.skipped.contains(&address) {
            return None;
        }
        match arrived.map(|message| &message.body) {
            Some(Body::Post(_) | Body::Deleted | Body::Opened) => None,
            None if self.may_be_over(written) => None,
            None if self.lost.contains(&(client, *key)) => None,
            // What tells the own devices expires as silently as a receipt.
            None if from_own_device && (is_gone || self.expired_silently.contains(&address)) => None,
            None if from_own_device && self.rolled_back_account(address.account) => None,
            None if self.expired.contains(key) => None,
            None if self.was_put_out(address.account, written) && !self.was_stored(*key, address) => None,
            None => Some("has not arrived"),
            Some(Body::Lost | Body::Waiting) if is_gone || left => None,
            // Nor can be read what asks, or what answers, if it has expired.
            Some(Body::Lost | Body::Waiting)
                if self.expired_silently.contains(&address) || self.expired_silently.contains(&key.from) =>
            {
                None
            }
            Some(Body::Lost) if !self.is_exact(written.client, written) => None,
            Some(Body::Lost) => Some("is lost"),
            Some(Body::Waiting) => Some("is still waited for"),
            Some(Body::Unknown | Body::Notice(_)) => Some("is not understood"),
        }
    }

    /// Whether what the sender sees of a message is what became of it.
    fn tick_owed(
        &self,
        key: &MessageKey,
        written: &Written,
        sent: &Message,
        find: &impl Fn(usize) -> Option<Message>,
    ) -> Option<String> {
        let own = key.from.account;
        let mut accounts: BTreeMap<AccountId, Delivery> = BTreeMap::new();
        for device in written.owed.iter().filter(|device| device.account != own) {
            if self.was_put_out(device.account, written) && !self.was_stored(*key, *device) {
                return None;
            }
            let client = self.devices.get(device).copied()?;
            let person = self.people.get(&client).copied().unwrap_or(client);
            // What a device that was removed had not told yet, nobody tells.
            let gone = self.society.has_lost_a_device(device.account);
            // Nor need it know what its user has seen on another one, if word of that has expired.
            let gone = gone || self.expired_silently.contains(device);
            let excused = gone || !self.is_exact(client, written) || self.is_unwanted(person, *key);
            if excused || written.may_go() || !self.society.is_there(*device) {
                return None;
            }
            let delivery = match find(client) {
                Some(message) if matches!(message.body, Body::Post(_)) => message.delivery,
                _ => Delivery::Sent,
            };
            let so_far = accounts.entry(device.account).or_insert(delivery);
            *so_far = (*so_far).max(delivery);
        }
        let left = match written.to {
            Conversation::Group(group) => accounts.keys().any(|account| !self.is_member(group, *account)),
            Conversation::Account(_) | Conversation::Status(_) => false,
        };
        let inexact = !self.is_exact(written.client, written) || self.rolled_back_account(own);
        // A receipt that waited too long for its device is gone, too.
        let expired =
            self.expired.contains(key) || self.expired_silently.iter().any(|device| device.account == own);
        let expired = expired || self.expired_silently.contains(&key.from);
        // It was there, its device could not say so before its time, and the server said that it had expired.
        let expired = expired || self.said_expired.contains(key);
        if left || inexact || expired || self.is_past(written.client) || written.accepted_ms.is_none() {
            return None;
        }
        let wanted = accounts.values().copied().min().unwrap_or(Delivery::Sent);
        // Alone in a group: nobody is behind.
        let alone = accounts.is_empty() && sent.delivery >= Delivery::Sent;
        let is = sent.delivery;
        // What had come further in an earlier epoch does not go back, whoever it was written to once more.
        if is > wanted && written.epochs.len() > 1 {
            return None;
        }
        (is != wanted && !alone).then(|| format!("is {wanted:?}, and {is:?} at its sender"))
    }

    /// Whether a message was ever put into a device's mailbox.
    fn was_stored(&self, key: MessageKey, device: DeviceAddress) -> bool {
        self.appended.get(&key).is_some_and(|mailboxes| mailboxes.contains(&device))
    }

    pub(super) fn rolled_back_account(&self, account: AccountId) -> bool {
        self.rollbacks
            .keys()
            .any(|client| self.address(*client).is_some_and(|known| known.account == account))
    }

    /// What members and devices must agree on.
    fn agreement_owed(&self, ends: &Ends<'_>) -> Vec<String> {
        let mut owed = Vec::new();
        let outdated = self.society.outdated_lists().filter(|account| {
            let primary = DeviceAddress { account: **account, device: DeviceId::PRIMARY };
            !self.rolled_back_account(**account) && !self.may_be_unaware(primary)
        });
        owed.extend(outdated.filter_map(|account| {
            Some(format!("the list of c{} names other devices than there are", self.person_of(*account)?))
        }));
        for (group, facts) in &self.society.groups {
            let known = self.epochs_known(ends, *group);
            let epoch = facts.epoch();
            let lost = self.is_lost(ends, *group);
            let behind = known.into_iter().filter(|(client, known)| {
                *known != epoch
                    && !(*known == 0 && self.may_have_forgotten(*client))
                    && !self.has_missed_something(*client)
            });
            owed.extend(
                behind
                    .filter(|_| !lost)
                    .map(|(client, known)| format!("c{client} knows a group up to epoch {known} of {epoch}")),
            );
        }
        owed
    }

    /// How far the devices of its members know a group.
    fn epochs_known(&self, ends: &Ends<'_>, group: GroupId) -> Vec<(usize, u64)> {
        let members = self.society.groups.get(&group).map(GroupFacts::current).unwrap_or_default();
        let devices = members.into_iter().flat_map(|account| self.society.devices(account));
        let clients = devices.filter_map(|device| self.devices.get(&device).copied());
        let known = |client: usize| {
            let groups = ends.groups.get(client).into_iter().flatten();
            let known = groups.filter(|known| known.state.group == group).map(|known| known.state.epoch);
            known.max().unwrap_or(0)
        };
        clients.map(|client| (client, known(client))).collect()
    }

    fn writes_to_a_lost_group(&self, client: usize, ends: &Ends<'_>) -> bool {
        let mut groups = ends.groups.get(client).into_iter().flatten();
        groups.any(|group| self.is_lost(ends, group.state.group))
    }

    /// A device changed a group, and was an older copy before anybody was told who could tell it, or what told the
    /// others expired: nobody can write there any more. Whom it brought in knows the group, and not the change.
    fn is_lost(&self, ends: &Ends<'_>, group: GroupId) -> bool {
        let Some(facts) = self.society.groups.get(&group) else { return false };
        let known = self.epochs_known(ends, group);
        let behind = |(client, known): &(usize, u64)| {
            let Some(own) = self.address(*client).filter(|_| self.rolled_back(*client)) else { return false };
            let nobody =
                |epoch| facts.members(epoch).is_some_and(|members| members.iter().eq([&own.account]));
            *known < facts.epoch() && nobody(*known)
        };
        let all_behind = known.iter().all(|(_, known)| *known < facts.epoch());
        known.iter().any(behind) || all_behind && known.iter().any(|(client, _)| self.rolled_back(*client))
    }

    /// Something expired on its way to a device of which nobody but its sender would have to be told.
    fn has_missed_something(&self, client: usize) -> bool {
        self.address(client).is_some_and(|address| self.expired_silently.contains(&address))
    }

    /// Something expired, so what depends on it may be missing.
    pub(super) fn expired_something(&self) -> bool {
        !self.expired.is_empty() || !self.expired_silently.is_empty()
    }

    /// An older copy that does not know a group at all hears of it when somebody says something there: the server keeps
    /// no list of an account's groups that it could be asked for. The same goes for whoever was linked to it, and began
    /// with what it knew.
    pub(super) fn may_have_forgotten(&self, client: usize) -> bool {
        let began_with_it =
            |own: DeviceAddress| self.rolled_back_account(own.account) && self.society.linked_ms(own) > 0;
        self.rolled_back(client) || self.address(client).is_some_and(began_with_it)
    }

    /// What must be the same on all devices of an account.
    fn convergence_owed(&self, ends: &Ends<'_>) -> Vec<String> {
        let mut owed = Vec::new();
        let accounts: BTreeSet<AccountId> = self.devices.keys().map(|address| address.account).collect();
        for account in accounts {
            let devices: Vec<DeviceAddress> = self.society.devices(account).into_iter().collect();
            let clients: Vec<usize> =
                devices.iter().filter_map(|device| self.devices.get(device)).copied().collect();
            let [first, others @ ..] = clients.as_slice() else { continue };
            let missed = |device: &DeviceAddress| {
                self.skipped.contains(device) || self.expired_silently.contains(device)
            };
            if self.rolled_back_account(account) || others.is_empty() || devices.iter().any(missed) {
                continue;
            }
            let Some(person) = self.people.get(first).copied() else { continue };
            let since = devices.iter().map(|device| self.society.linked_ms(*device)).max().unwrap_or(0);
            let numbers: BTreeSet<DeviceId> = devices.iter().map(|device| device.device).collect();
            for other in others {
                let pair = (ends.dbs.get(*first), ends.dbs.get(*other));
                let (Some(one), Some(two)) = pair else { continue };
                let (here, there) = (registers(one), registers(two));
                // Names of devices that are gone may have come to one and not to the other.
                let is_there = |key: &[u8]| match key {
                    [NAME_KIND, number] => numbers.iter().any(|device| device.number() == *number),
                    _ => true,
                };
                if let Some((key, _)) = here.symmetric_difference(&there).find(|(key, _)| is_there(key)) {
                    let kind = key.first().copied().unwrap_or_default();
                    owed.push(format!("c{first} and c{other} have other settings (of kind {kind})"));
                }
                if let Some(what) = self.histories_differ(person, (*first, *other), ends, since) {
                    owed.push(format!("at c{first} and c{other} {what}"));
                }
            }
            for client in &clients {
                let unaware = devices.iter().any(|device| self.may_be_unaware(*device));
                if unaware {
                    continue;
                }
                if let Some(own) = ends.own.get(*client).filter(|own| **own != numbers) {
                    owed.push(format!("c{client} knows the devices {own:?} of {numbers:?}"));
                }
            }
        }
        owed
    }

    /// What was written since all devices were there is the same on all of them.
    fn histories_differ(
        &self,
        person: usize,
        pair: (usize, usize),
        ends: &Ends<'_>,
        since_ms: u64,
    ) -> Option<String> {
        let (one, two) = (*ends.dbs.get(pair.0)?, *ends.dbs.get(pair.1)?);
        for (here, there, other) in [(one, two, pair.1), (two, one, pair.0)] {
            let recent = here.messages().filter(|message| {
                let written = self.written.get(&message.key);
                written.is_some_and(|written| written.at_ms > since_ms && written.accepted_ms.is_some())
                    && !self.is_unwanted(person, message.key)
                    && written.is_some_and(|written| !written.may_go())
            });
            for message in recent {
                let name = self.name(&message.key);
                match there.message(&message.key).ok().flatten() {
                    None if self.is_past_device(message.key.from) => {}
                    None if !self.is_still_to_come(message.key, other) => {}
                    None if self.expired.contains(&message.key) => {}
                    None => return Some(format!("{name} is on one of them only")),
                    Some(other)
                        if other.body != message.body
                            && !self.is_past_device(message.key.from)
                            && !self.is_forgotten(person, &message.key, &other.body, &message.body)
                            && !self.may_say_otherwise(&message.key, pair, ends) =>
                    {
                        return Some(format!("{name} says something else"));
                    }
                    // What one of them could not read, and now cannot, has no ticks there: it is not known
                    // whom it was for.
                    Some(other) if other.body != message.body => {}
                    Some(other)
                        if [other.delivery, message.delivery].contains(&Delivery::Failed)
                            && self
                                .written
                                .get(&message.key)
                                .is_some_and(|it| self.is_to_former_group(it)) => {}
                    // What a device had read that was removed since, not all others need have heard.
                    Some(other)
                        if other.delivery.max(message.delivery) == Delivery::Read
                            && self.has_lost_a_reader(person, &message.key) => {}
                    Some(other) if other.delivery != message.delivery => {
                        let (this, that) = (message.delivery, other.delivery);
                        return Some(format!("{name} is {this:?} and {that:?}"));
                    }
                    Some(_) => {}
                }
            }
        }
        None
    }

    /// One could not read it, and its sender has nothing to send again: it was deleted there, or the sender was
    /// replaced by an older copy, which knows nothing of it. Or nobody tells any more who was a member then: the
    /// account has been put out since.
    fn is_forgotten(&self, person: usize, key: &MessageKey, one: &Body, other: &Body) -> bool {
        let unread = [one, other].into_iter().any(|body| matches!(body, Body::Waiting | Body::Lost));
        let Some(written) = self.written.get(key).filter(|_| unread) else { return false };
        if self.address(person).is_some_and(|own| self.was_put_out(own.account, written)) {
            return true;
        }
        let deleted = self.people.get(&written.client).is_some_and(|person| self.is_unwanted(*person, *key));
        deleted || !self.is_exact(written.client, written)
    }

    /// Its last member has left the group: the server knows nothing of it any more, and refuses the repetition of
    /// a message that it had taken.
    fn is_to_former_group(&self, written: &Written) -> bool {
        let Conversation::Group(group) = written.to else { return false };
        self.society.groups.get(&group).is_some_and(|facts| facts.current().is_empty())
    }

    /// A device of an account that was to get the message was removed after it was written: what it said of it,
    /// devices that had to ask for its account's list meanwhile do not believe any more.
    fn has_lost_a_reader(&self, person: usize, key: &MessageKey) -> bool {
        let Some(written) = self.written.get(key) else { return false };
        let own = self.people.get(&written.client) == Some(&person);
        let gone = |account| self.society.has_lost_a_device_since(account, written.at_ms);
        let readers = written.owed.iter().map(|device| device.account);
        readers.filter(|account| !own || *account != key.from.account).any(gone)
    }

    /// Whether a device that was to get a message still can. Who was put out of its group before it was in all
    /// mailboxes goes without it: the server was cut off in between, and the sender said it again too late for them.
    fn is_still_owed(&self, key: MessageKey, written: &Written, device: DeviceAddress) -> bool {
        let put_out = self.was_put_out(device.account, written) && !self.was_stored(key, device);
        self.society.is_there(device) && !put_out
    }

    /// The same, of a client's device.
    fn is_still_to_come(&self, key: MessageKey, client: usize) -> bool {
        let (written, device) = (self.written.get(&key), self.address(client));
        written.zip(device).is_none_or(|(written, device)| self.is_still_owed(key, written, device))
    }

    fn is_past_device(&self, address: DeviceAddress) -> bool {
        !self.society.is_there(address)
    }

    /// Judges what can be judged only at the end.
    pub fn close(&mut self, ends: &Ends<'_>) {
        let unstored = self.accepted.iter().find(|key| {
            let arrived = self.written.get(*key).is_none_or(|written| {
                let nobody = written.owed.iter().all(|device| !self.is_still_owed(**key, written, *device));
                written.arrived_ms.is_some() || nobody
            });
            let kept = self.durable.iter().any(|(_, durable)| durable == *key);
            let wanted = self.people.values().all(|person| !self.is_unwanted(*person, **key));
            let over = self.written.get(*key).is_some_and(|written| self.may_be_over(written));
            !arrived && !kept && wanted && !over && !self.expired.contains(*key)
        });
        if let Some(key) = unstored.copied() {
            let name = self.name(&key);
            self.fail("1", format!("{name} was accepted and is lost"));
        }
        self.nobody_holds_a_key_of_strangers(ends);
        if self.plan.rates.is_empty() && ends.blobs > 0 {
            self.fail("10", format!("the server keeps {} messages to groups for nobody", ends.blobs));
        }
        if self.is_flood() {
            self.flood_hurts_the_flooder();
        }
    }

    /// Invariant 8: the key to what is written in a group is only with those who were ever in it.
    pub fn nobody_holds_a_key_of_strangers(&mut self, ends: &Ends<'_>) {
        let mut strangers = Vec::new();
        for (client, db) in ends.dbs.iter().enumerate() {
            let Some(account) = self.address(client).map(|address| address.account) else { continue };
            for (key, _) in db.rows(Table::SenderKey, &[], &[0xff; 40], usize::MAX).unwrap_or_default() {
                let group = key.first_chunk().map(|bytes| waxwing_wire::GroupId(*bytes));
                let facts = group.and_then(|group| self.society.groups.get(&group));
                if !facts.is_some_and(|facts| facts.was_ever_member(account)) {
                    strangers.push(client);
                }
            }
        }
        for client in strangers {
            self.fail("8", format!("c{client} holds a key of a group that it was never in"));
        }
    }

    fn flood_hurts_the_flooder(&mut self) {
        let limited = [RejectCode::RateLimited, RejectCode::MailboxFull];
        if !limited.iter().any(|code| self.refusals.contains(&(FLOODER, *code))) {
            self.fail("10", "the flooder was never refused anything".into());
        }
        let others: Vec<(MessageKey, u64)> = (self.written.iter())
            .filter(|(_, written)| written.client != FLOODER && written.client != VICTIM)
            .map(|(key, written)| (*key, written.arrived_ms.unwrap_or(u64::MAX) - written.at_ms))
            .collect();
        for (key, took_ms) in others {
            if took_ms > FLOOD_LATENCY_MS {
                let name = self.name(&key);
                self.fail("10", format!("{name} took {took_ms} ms while another flooded"));
            }
        }
    }
}

/// What the user has set, as it is stored.
fn registers(db: &MemoryDb) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    db.rows(Table::State, &[], &[0xff; 80], usize::MAX).unwrap_or_default().into_iter().collect()
}
