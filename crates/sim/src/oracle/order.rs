//! Invariant 3: messages surface in their sender's order, or the user is shown that some are missing. And
//! invariant 8, the sender's half: nobody encrypts for a device of which they know that it is gone.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::{Body, Conversation, Effect, Event, Message, MessageKey};
use waxwing_wire::client_frame::{ClientFrame, GroupSend, RequestBody};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::server_frame::{ResponseBody, ServerFrame};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, GroupId};

use super::Oracle;
use super::client_side::Committing;
use crate::signal::outline;

/// What a client was told of the devices of accounts.
#[derive(Default)]
pub(super) struct Hearsay {
    /// Requests under way on a connection, by their numbers, and about whom they are.
    asked: BTreeMap<(u64, u32), AccountId>,
    /// The connection that a client last spoke on.
    on: BTreeMap<usize, u64>,
    /// Told to whom and not committed yet: newest list and its devices.
    told: Vec<(usize, AccountId, u64, BTreeSet<DeviceId>)>,
    /// Committed.
    known: BTreeMap<(usize, AccountId), (u64, BTreeSet<DeviceId>)>,
    /// Sender keys by their names, and the epoch of a group in which they were first used.
    keys: BTreeMap<(GroupId, Vec<u8>), u64>,
}

impl Hearsay {
    /// What was told and not committed is forgotten with its process.
    pub(super) fn forget(&mut self) {
        self.told.clear();
    }
}

impl Oracle {
    /// For a message that surfaces now.
    pub(super) fn in_order(&mut self, step: &Committing<'_>, message: &Message) {
        let (client, key) = (step.client, message.key);
        let Some(written) = self.written.get(&key) else { return };
        let (place, orphaned, sender, to) = (written.place + 1, written.orphaned, written.client, written.to);
        if written.accepted_ms.is_some() && !self.is_owed(client, key) {
            // It comes out of a history, at the place that it had there.
            return;
        }
        let own = self.address(client).map(|address| address.account);
        let from_own_device = own == Some(key.from.account);
        let person = self.people.get(&client).copied().unwrap_or(client);
        let unsure = from_own_device && !self.is_honest();
        let excused = self.rolled_back(sender) || unsure || self.is_unwanted(person, key);
        let name = self.name(&key);
        let line = self.lines.get(&(key.from, to)).cloned().unwrap_or_default();
        // Whoever comes late cannot know what was before.
        let late = self.is_late(client, to);
        // Whoever has deleted what was over cannot know it when its sender repeats it.
        let over = self.may_be_over(written);
        // A liar keeps for later what nobody misses who was put out of the group meanwhile.
        let out = !self.is_honest() && own.is_some_and(|own| self.was_put_out(own, written));
        let front = self.fronts.entry((client, key.from, to)).or_default();
        if place <= front.place {
            let known = front.announced.remove(&key) | front.unannounced.remove(&key);
            // It could not be taken when it was passed by, and who came late does not miss it.
            let put_off = self.put_off.contains(&key) && late;
            if !known && !orphaned && !excused && !put_off && !over && !out {
                self.fail("3", format!("{name} surfaces at c{client} after later ones"));
            }
            return;
        }
        let skipped = line.get(front.place..place - 1).unwrap_or_default();
        let passed = skipped.to_vec();
        let is_first = front.place == 0;
        front.place = place;
        let told = step.gaps.contains(&key);
        // What people did on their other devices is told in the order in which it could be read: nothing stands for what
        // cannot be read yet, and the gap is shown.
        if is_first && late || from_own_device && told {
            front.announced.extend(skipped.iter().copied());
        }
        if is_first && late || from_own_device {
            return;
        }
        let skipped = skipped.iter().filter(|key| step.before(key).is_none());
        let skipped: Vec<MessageKey> = skipped
            .filter(|key| self.written.get(key).is_some_and(|written| !written.orphaned))
            .filter(|key| self.is_to_be_missed(client, **key))
            .copied()
            .collect();
        // What is over may have come and gone, or was never sent.
        let is_over = |key: &MessageKey| self.written.get(key).is_some_and(|it| self.may_be_over(it));
        let (gone, skipped): (Vec<MessageKey>, Vec<MessageKey>) =
            skipped.into_iter().partition(|key| is_over(key));
        // What its sender took away before it was sent is missing, and nobody can know that whoever has cleared the
        // conversation since does not want it.
        let never_sent = passed.iter().any(|key| {
            self.is_unwanted(person, *key)
                && self.written.get(key).is_some_and(|written| written.accepted_ms.is_none())
        });
        let Some(front) = self.fronts.get_mut(&(client, key.from, to)) else { return };
        let nothing_missing =
            skipped.is_empty() && gone.is_empty() && front.unannounced.is_empty() && !never_sent;
        front.unannounced.extend(skipped);
        if told && nothing_missing && self.is_honest() && !excused && !late && !self.rolled_back(client) {
            self.fail("3", format!("c{client} is shown a gap before {name}, and nothing is missing"));
        }
        if matches!(message.body, Body::Post(_) | Body::Deleted | Body::Opened) {
            self.tell_missing(step, key);
        }
    }

    /// Whether a device must get a message.
    fn is_owed(&self, client: usize, key: MessageKey) -> bool {
        let (written, address) = (self.written.get(&key), self.address(client));
        written.zip(address).is_some_and(|(written, address)| written.owed.contains(&address))
    }

    /// Whether it is missing when later ones are there: not if it was taken before the device was there, nor if
    /// it could still be taken, nor if the person has deleted it.
    fn is_to_be_missed(&self, client: usize, key: MessageKey) -> bool {
        let taken = self.written.get(&key).is_some_and(|written| written.accepted_ms.is_some());
        let wanted = self.people.get(&client).is_none_or(|person| !self.is_unwanted(*person, key));
        // Who was put out of a group and comes back begins to count anew: what was written meanwhile and what was
        // lost before cannot be told apart.
        let (written, address) = (self.written.get(&key), self.address(client));
        let was_out =
            written.zip(address).is_some_and(|(written, own)| self.was_put_out(own.account, written));
        let early = self.address(client).is_none_or(|address| self.society.linked_ms(address) == 0);
        // What was refused by a group that one is not in any more has no place among what follows.
        let to_group =
            self.written.get(&key).is_some_and(|written| matches!(written.to, Conversation::Group(_)));
        wanted && !was_out && if taken { self.is_owed(client, key) } else { early && !to_group }
    }

    fn is_late(&self, client: usize, to: Conversation) -> bool {
        let companion = self.address(client).is_some_and(|address| address.device != DeviceId::PRIMARY);
        companion || matches!(to, Conversation::Group(_))
    }

    /// What was skipped must be told by now.
    pub(super) fn tell_missing(&mut self, step: &Committing<'_>, shown: MessageKey) {
        let (client, from) = (step.client, shown.from);
        let sender = self.devices.get(&from).copied();
        let excused = sender.is_some_and(|sender| self.rolled_back(sender)) || self.rolled_back(client);
        let Some((to, place)) = self.written.get(&shown).map(|written| (written.to, written.place)) else {
            return;
        };
        let Some(front) = self.fronts.get_mut(&(client, from, to)) else { return };
        // What is missing behind it is told when what comes after that is there.
        let is_before = |key: &MessageKey| self.written.get(key).is_none_or(|written| written.place < place);
        let (missing, behind) = std::mem::take(&mut front.unannounced).into_iter().partition(is_before);
        front.unannounced = behind;
        let missing: BTreeSet<MessageKey> = missing;
        front.announced.extend(missing.iter().copied());
        // Who was put out since has forgotten how far it had come.
        let missing: BTreeSet<MessageKey> =
            missing.into_iter().filter(|key| self.is_to_be_missed(client, *key)).collect();
        let Some(first) = missing.first().copied() else { return };
        let count = missing.len();
        let for_nothing = |key: &&MessageKey| {
            // Who deletes what waits to be sent does not send it.
            let deleted = sender.is_some_and(|sender| {
                self.people.get(&sender).is_some_and(|person| self.is_unwanted(*person, **key))
            });
            !self.put_off.contains(*key) && !self.expired.contains(*key) && !deleted
        };
        let for_nothing = missing.iter().find(for_nothing).filter(|_| !excused && self.is_honest());
        if let Some(key) = for_nothing {
            let name = self.name(key);
            self.fail("3", format!("{name} is overtaken on its way to c{client}, for no reason"));
        }
        // A lying server names messages as it likes: then a placeholder stands for what is missing.
        let stands_for_it = !self.is_honest() && step.placeholders(from) >= count;
        // Placeholders are filled in any order: the first of them that is says what is missing before them all.
        let here = |key: &&MessageKey| {
            key.from == from && self.written.get(key).is_some_and(|written| written.to == to)
        };
        let told = step.gaps.iter().any(|gap| here(&gap));
        if !told && !excused && !stands_for_it {
            let name = self.name(&first);
            self.fail("3", format!("c{client} is not told that {count} are missing: {name}"));
        }
    }

    // ------------------------------------------------------------ for whom

    /// The key of a message to a group was never given to anybody who has left since.
    pub(super) fn key_is_drawn_anew(&mut self, client: usize, send: &GroupSend) {
        let Some(outline) = outline(EnvelopeKind::SenderKey, &send.ciphertext) else { return };
        // What makes a group goes to its first members.
        let epoch = send.epoch.max(1);
        let first = *self.hearsay.keys.entry((send.group, outline.ratchet_key)).or_insert(epoch);
        let Some(facts) = self.society.groups.get(&send.group).filter(|_| self.is_honest()) else { return };
        let Some(had_it) = facts.members(first) else { return };
        let mut since = (first..=epoch).filter_map(|epoch| facts.members(epoch));
        if since.any(|members| had_it.iter().any(|member| !members.contains(member))) {
            self.fail(
                "8",
                format!("c{client} writes in epoch {epoch} with a key that somebody has who left"),
            );
        }
    }

    /// A device is told which devices an account has, in an answer to what it asked.
    pub(super) fn hears_of_devices(&mut self, client: usize, frame: &ServerFrame) {
        let Some(link) = self.hearsay.on.get(&client).copied() else { return };
        self.hearsay.told.clear();
        for response in &frame.responses {
            let Some(account) = self.hearsay.asked.remove(&(link, response.id)) else { continue };
            let list: &SignedDeviceList = match &response.what {
                ResponseBody::Devices { list, .. } | ResponseBody::Bundles { list, .. } => list,
                _ => continue,
            };
            if let Ok(list) = list.decode_list() {
                let devices = list.devices.iter().map(|listed| listed.device).collect();
                self.hearsay.told.push((client, account, list.version, devices));
            }
        }
    }

    /// What it was told is committed.
    pub(super) fn knows_of_devices(&mut self, client: usize) {
        // Who died before it could commit has not heard it.
        self.hearsay.told.retain(|(told, ..)| *told == client);
        for (_, account, version, devices) in std::mem::take(&mut self.hearsay.told) {
            let known = self.hearsay.known.entry((client, account)).or_default();
            if version >= known.0 {
                *known = (version, devices);
            }
        }
    }

    /// Copies go to devices of the newest list that the sender was told, and to nobody else.
    pub(super) fn encrypts_for_whom_it_should(&mut self, client: usize, link: u64, frame: &ClientFrame) {
        self.hearsay.on.insert(client, link);
        for request in &frame.requests {
            if let RequestBody::FetchDevices(account) | RequestBody::FetchBundles(account, _) = &request.what
            {
                self.hearsay.asked.insert((link, request.id), *account);
            }
        }
        let own = self.address(client).map(|address| address.account);
        for send in &frame.sends {
            for copy in &send.copies {
                let address = DeviceAddress { account: send.to, device: copy.device };
                if self.society.removed_ms(address).is_none() && !self.society.is_there(address) {
                    let number = copy.device.number();
                    self.fail(
                        "8",
                        format!("c{client} encrypts for device {number}, which its account never had"),
                    );
                }
                // What was encrypted before may still be repeated.
                let fresh = outline(copy.kind, &copy.ciphertext).is_some_and(|outline| {
                    !self.chains.contains_key(&(outline.ratchet_key, outline.counter))
                });
                let known = self.hearsay.known.get(&(client, send.to)).filter(|_| own != Some(send.to));
                let gone = known.is_some_and(|(_, devices)| !devices.contains(&copy.device));
                if gone && fresh && !self.rolled_back(client) && self.is_honest() {
                    let number = copy.device.number();
                    self.fail(
                        "8",
                        format!("c{client} encrypts for device {number}, which it knows to be gone"),
                    );
                }
            }
        }
    }
}

/// A gap is told right before the message behind it.
pub(super) fn gaps(effects: &[Effect]) -> BTreeSet<MessageKey> {
    let (mut gaps, mut told) = (BTreeSet::new(), None);
    for effect in effects {
        match effect {
            Effect::Event(Event::Gap { from, .. }) => told = Some(*from),
            Effect::Event(Event::Message(message) | Event::MessageFilled(message)) => {
                let is_behind = told.take() == Some(message.key.from);
                gaps.extend(is_behind.then_some(message.key));
            }
            _ => {}
        }
    }
    gaps
}
