//! What the oracle learns from the clients: commits, frames, and what users are shown.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::memory::MemoryDb;
use waxwing_client::{
    Batch, Body, CommandId, Conversation, Delivery, Direction, Effect, Event, Message, MessageKey, Notice,
    Read as _, Table, Write, limits,
};
use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::limits::MAX_SENDS_IN_FLIGHT;
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{Bytes, DeviceAddress, EnvelopeKind};

use super::circles::shown_by;
use super::order::gaps;
use super::{Oracle, Written, describe};
use crate::signal::outline;
use crate::trace::digest;

/// A step that is being committed.
pub(super) struct Committing<'a> {
    pub client: usize,
    db: &'a MemoryDb,
    /// Messages right before which the user is told that some are missing.
    pub gaps: BTreeSet<MessageKey>,
    now_ms: u64,
    /// Messages as the earlier writes of the batch leave them.
    newer: BTreeMap<MessageKey, Message>,
}

impl Committing<'_> {
    pub fn before(&self, key: &MessageKey) -> Option<Message> {
        self.newer.get(key).cloned().or_else(|| self.db.message(key).ok().flatten())
    }

    /// How many messages of a device are waited for, or were given up.
    pub fn placeholders(&self, from: DeviceAddress) -> usize {
        // What the same step has shown before counts as well.
        let older = self.db.messages().filter(|message| !self.newer.contains_key(&message.key));
        let all = older.chain(self.newer.values()).filter(|message| message.key.from == from);
        all.filter(|message| matches!(message.body, Body::Waiting | Body::Lost)).count()
    }
}

impl Oracle {
    /// A frame is about to be handled by a device.
    pub fn client_hears(&mut self, client: usize, frame: &ServerFrame) {
        if let Some(last) = frame.entries.last() {
            self.heard.insert(client, last.seq);
        }
        self.hears_of_devices(client, frame);
    }

    /// A device commits a step. Returns what it is, in short.
    pub fn client_commits(
        &mut self,
        client: usize,
        db: &MemoryDb,
        batch: &Batch,
        effects: &[Effect],
        now_ms: u64,
    ) -> String {
        self.now_ms = now_ms;
        let mut step = Committing { client, db, gaps: gaps(effects), now_ms, newer: BTreeMap::new() };
        // A batch holds each message once, in any order; the history shows them by theirs.
        let messages = batch.iter().filter_map(|write| match write {
            Write::Row(..) | Write::DeleteMessage(_) => None,
            Write::Message(message) => Some(&**message),
        });
        let mut messages: Vec<&Message> = messages.collect();
        messages.sort_by_key(|message| message.order);
        // What is over when it comes is not shown, and what stands before it disappears with it: whoever waits for
        // word whether it was kept is told of the gap alone.
        let marked = |message: &&&Message| message.missing_before > 0;
        let marked: BTreeMap<MessageKey, bool> = (messages.iter().filter(marked))
            .map(|message| (message.key, message.expires_at_ms > 0))
            .collect();
        step.gaps.retain(|key| marked.contains_key(key));
        step.gaps.extend(marked.iter().filter(|(_, disappears)| **disappears).map(|(key, _)| *key));
        self.gets_to_know(client, batch);
        for message in &messages {
            if let Some(author) = shown_by(message) {
                self.is_shown(client, author, message);
                continue;
            }
            match (&message.body, message.direction) {
                (Body::Notice(notice), _) => self.notice_is_true(client, notice),
                (_, Direction::Outgoing) => self.outgoing(&step, message),
                (_, Direction::Incoming) => self.incoming(&step, message),
            }
            step.newer.insert(message.key, (*message).clone());
        }
        let names: Vec<String> = messages.iter().map(|message| self.describe(message)).collect();
        let rows = batch.len() - messages.len();
        if let Some(seq) = self.heard.remove(&client) {
            let processed = self.processed.entry(client).or_default();
            *processed = (*processed).max(seq);
        }
        self.knows_of_devices(client);
        if db.count(Table::Outbox) as u64 > limits::MAX_OUTBOX {
            self.fail("10", format!("the outbox of c{client} is above its limit"));
        }
        format!("{rows} rows{}", names.concat())
    }

    /// What is committed of a message, in short.
    fn describe(&self, message: &Message) -> String {
        let body = match &message.body {
            Body::Post(_) => "",
            Body::Waiting => " is waited for,",
            Body::Lost => " is lost,",
            Body::Unknown => " is unknown,",
            Body::Deleted => " is deleted,",
            Body::Opened => " was opened,",
            Body::Notice(_) => return ", a notice".into(),
        };
        format!(", {}{body} {:?}", self.name(&message.key), message.delivery)
    }

    /// What people are told to have happened. A server that does its work gives no cause for the worst.
    fn notice_is_true(&mut self, client: usize, notice: &Notice) {
        let what = match notice {
            Notice::IdentityChanged(_) => "another identity",
            Notice::GroupForked(_) => "a fork of a group",
            Notice::ServerDisagrees(_) => "a lie of the server",
            Notice::GroupChanged(_) | Notice::Joined(_) | Notice::Lifetime(..) => return,
        };
        self.suspicions += 1;
        if self.is_honest() {
            self.fail("agreement", format!("c{client} is told of {what}, and there was none"));
        }
    }

    /// A message of the own account: written on this device, or on another one of the same person.
    fn outgoing(&mut self, step: &Committing<'_>, message: &Message) {
        let (client, key) = (step.client, message.key);
        let own = self.address(client);
        if own.is_some_and(|own| own.account != key.from.account) {
            self.fail("5", format!("c{client} writes in the name of another"));
        }
        let written_here = own.is_none_or(|own| own == key.from);
        if let Some(before) = step.before(&key) {
            let name = self.name(&key);
            let may_change = !written_here && matches!(before.body, Body::Waiting | Body::Lost)
                || self.written.get(&key).is_some_and(|written| written.became(&message.body));
            let body = before.body != message.body && !may_change;
            // A placeholder that a lying server had put elsewhere moves.
            let moves =
                !written_here && !self.is_honest() && matches!(before.body, Body::Waiting | Body::Lost);
            let moved = before.order != message.order || before.with != message.with;
            if moved && !moves || body {
                self.fail("5", format!("{name} is changed at its sender"));
            }
            let back = before.delivery != Delivery::Failed && message.delivery < before.delivery;
            if back || (before.delivery == Delivery::Failed && message.delivery == Delivery::Pending) {
                let (was, is) = (before.delivery, message.delivery);
                self.fail("ticks", format!("{name} goes back from {was:?} to {is:?}"));
            }
            return;
        }
        if !written_here || self.written.contains_key(&key) {
            return self.arrives_from_own_device(step, message);
        }
        let Body::Post(post) = &message.body else {
            return self.fail("5", format!("c{client} has written something that is no text"));
        };
        let line = self.lines.entry((key.from, message.with)).or_default();
        let place = line.len();
        line.push(key);
        let written = Written {
            text: post.text.clone(),
            client,
            to: message.with,
            place,
            at_ms: step.now_ms,
            sent_at_ms: message.sent_at_ms,
            orphaned: false,
            arrived_ms: None,
            accepted_ms: None,
            epochs: BTreeSet::new(),
            owed: BTreeSet::new(),
            otherwise: BTreeSet::new(),
            may_be_deleted: false,
            once: post.once,
            lifetime_s: post.lifetime_s,
            true_ms: self.true_ms(),
        };
        self.written.insert(key, written);
    }

    /// What the same person has written on another device.
    fn arrives_from_own_device(&mut self, step: &Committing<'_>, message: &Message) {
        let (client, name) = (step.client, self.name(&message.key));
        let is_placeholder = matches!(message.body, Body::Waiting | Body::Lost | Body::Unknown);
        let Some(written) = self.written.get(&message.key) else {
            if is_placeholder && !self.is_honest() {
                return;
            }
            return self.fail("5", format!("{name} surfaces at c{client}, and nobody wrote it"));
        };
        let same = match &message.body {
            Body::Post(post) => written.says(&post.text),
            Body::Waiting | Body::Lost => true,
            Body::Deleted => written.may_be_deleted,
            Body::Opened => written.once,
            Body::Unknown | Body::Notice(_) => false,
        };
        // A lying server puts a placeholder where it likes.
        let misplaced = written.to != message.with && (self.is_honest() || !is_placeholder);
        if !same || misplaced {
            self.fail("5", format!("{name} is altered when it surfaces at c{client}"));
        }
        self.may_be_read(client, message);
        self.in_order(step, message);
        self.durable.insert((client, message.key));
        self.lost.remove(&(client, message.key));
    }

    fn incoming(&mut self, step: &Committing<'_>, message: &Message) {
        let (client, key) = (step.client, message.key);
        self.is_genuine(client, message);
        let name = self.name(&key);
        match step.before(&key) {
            None => {
                self.undecryptable += u64::from(message.body == Body::Waiting);
                self.in_order(step, message);
                self.durable.insert((client, key));
                self.lost.remove(&(client, key));
            }
            Some(before) => {
                // A placeholder that a lying server had put elsewhere moves.
                let unsure = !self.is_honest() || self.rolled_back(client);
                let moves = unsure && matches!(before.body, Body::Waiting | Body::Lost);
                if (before.order != message.order || before.with != message.with) && !moves {
                    self.fail("2", format!("{name} surfaces again at c{client}, in another place"));
                }
                let may_change = matches!(before.body, Body::Waiting | Body::Lost)
                    || self.written.get(&key).is_some_and(|written| written.became(&message.body));
                if before.body != message.body && !may_change {
                    self.fail("2", format!("{name} changes at c{client} after it has surfaced"));
                }
                if message.delivery < before.delivery {
                    self.fail("ticks", format!("{name} is unread again at c{client}"));
                }
                if matches!(before.body, Body::Waiting) && matches!(message.body, Body::Post(_)) {
                    self.tell_missing(step, key);
                }
            }
        }
        if let (Body::Post(_), Some(written)) = (&message.body, self.written.get_mut(&key)) {
            written.arrived_ms.get_or_insert(step.now_ms);
        }
    }

    /// Invariant 5.
    fn is_genuine(&mut self, client: usize, message: &Message) {
        let name = self.name(&message.key);
        let own = self.address(client).map(|address| address.account);
        let Some(written) = self.written.get(&message.key) else {
            let is_placeholder = matches!(message.body, Body::Waiting | Body::Lost | Body::Unknown);
            // A lying server can name messages that there are not; nobody can tell before they are asked for.
            if self.is_honest() || !is_placeholder {
                self.fail("5", format!("{name} surfaces at c{client}, and nobody wrote it"));
            }
            return;
        };
        let same = match &message.body {
            Body::Post(post) => written.says(&post.text),
            Body::Waiting | Body::Lost => true,
            Body::Deleted => written.may_be_deleted,
            Body::Opened => written.once,
            Body::Unknown | Body::Notice(_) => false,
        };
        if !same {
            return self.fail("5", format!("{name} is altered when it surfaces at c{client}"));
        }
        let right = match written.to {
            Conversation::Account(account) => {
                Some(account) == own && message.with == Conversation::Account(message.key.from.account)
            }
            group => message.with == group,
        };
        // Nor does an older copy know in which group it had asked for what comes over a session, nor who has
        // cleared the group meanwhile.
        let person = self.people.get(&client).copied().unwrap_or(client);
        let unsure = !self.is_honest() || self.rolled_back(client) || self.is_unwanted(person, message.key);
        if !right && (!unsure || matches!(message.body, Body::Post(_))) {
            let (is, should) = (message.with, written.to);
            let what = format!("{name} surfaces at c{client} in {is:?} instead of {should:?}");
            return self.fail("5", what);
        }
        self.may_be_read(client, message);
    }

    /// Invariant 8: nobody reads what was taken when they were not there.
    fn may_be_read(&mut self, client: usize, message: &Message) {
        let (Some(written), Some(address)) = (self.written.get(&message.key), self.address(client)) else {
            return;
        };
        let (Some(accepted_ms), Body::Post(_)) = (written.accepted_ms, &message.body) else { return };
        let removed_ms = self.society.removed_ms(address);
        let outside = match written.to {
            Conversation::Group(group) if !written.epochs.is_empty() => {
                let facts = self.society.groups.get(&group);
                facts.is_some_and(|facts| {
                    let inside = |epoch: &u64| {
                        facts.members(*epoch).is_some_and(|members| members.contains(&address.account))
                    };
                    !written.epochs.iter().any(inside) && !facts.is_shared_with(address.account)
                })
            }
            _ => false,
        };
        let name = self.name(&message.key);
        if removed_ms.is_some_and(|at| at < accepted_ms) {
            self.fail("8", format!("{name} was taken after c{client} was removed, and is read there"));
        }
        if outside {
            self.fail("8", format!("{name} was taken in an epoch without c{client}, and is read there"));
        }
    }

    /// A frame to the server, before it is encrypted. Returns what it is, in short.
    pub fn client_says(&mut self, client: usize, link: u64, frame: &ClientFrame, plain: &[u8]) -> String {
        self.no_canary(plain, "a frame to the server");
        if let Some(hello) = &frame.hello {
            let last = self.leases.insert(client, hello.lease).unwrap_or(0);
            if hello.lease <= last && !self.rolled_back(client) {
                self.fail("6", format!("c{client} uses lease {} after {last}", hello.lease));
            }
            self.is_durable(client, hello.stored);
        }
        if let Some(stored) = &frame.stored {
            self.is_durable(client, stored.up_to);
            let window = self.windows.entry(link).or_default();
            window.ahead.retain(|seq, _| *seq > stored.up_to);
        }
        let window = self.windows.entry(link).or_default();
        window.in_flight.extend(frame.sends.iter().map(|send| send.id));
        window.in_flight.extend(frame.group_sends.iter().map(|send| send.id));
        let in_flight = window.in_flight.len();
        if in_flight > MAX_SENDS_IN_FLIGHT {
            self.fail("10", format!("c{client} has {in_flight} messages without an answer"));
        }
        // Silent messages are asked for without a word about them in `stored`.
        let asks =
            frame.sends.iter().flat_map(|send| &send.copies).any(|copy| copy.kind == EnvelopeKind::Plaintext);
        if asks || frame.stored.as_ref().is_some_and(|stored| !stored.undecryptable.is_empty()) {
            self.has_asked.insert(client);
        }
        self.encrypts_for_whom_it_should(client, link, frame);
        for copy in frame.sends.iter().flat_map(|send| &send.copies) {
            self.keys_are_fresh(client, copy.kind, &copy.ciphertext);
        }
        if let Some(from) = self.address(client) {
            let parts = frame.sends.iter().filter(|send| !send.others.is_empty());
            self.in_parts.extend(parts.map(|send| MessageKey { from, id: send.id }));
        }
        for send in &frame.group_sends {
            self.keys_are_fresh(client, EnvelopeKind::SenderKey, &send.ciphertext);
            self.key_is_drawn_anew(client, send);
            if let Some(from) = self.address(client) {
                self.to_groups.insert(MessageKey { from, id: send.id });
            }
        }
        for request in &frame.requests {
            let own = self.address(client).filter(
                |own| matches!(&request.what, RequestBody::RemoveDevice(device) if *device == own.device),
            );
            if let Some(own) = own {
                self.logs_out(own);
            }
            let upload = match &request.what {
                RequestBody::Register(register) => Some(&register.prekeys),
                RequestBody::PublishPrekeys(upload) => Some(&**upload),
                RequestBody::CompleteLink(complete) => Some(&complete.prekeys),
                _ => None,
            };
            let last_resort = upload.and_then(|upload| upload.last_resort.as_ref());
            self.last_resorts.extend(last_resort.map(|prekey| digest(&prekey.key)));
        }
        describe::client_frame(frame)
    }

    /// Invariant 4, the device's half: it acknowledges only what it has committed.
    fn is_durable(&mut self, client: usize, up_to: u64) {
        let processed = self.processed.get(&client).copied().unwrap_or(0);
        if up_to > processed {
            self.fail("4", format!("c{client} acknowledges {up_to} and has committed {processed}"));
        }
    }

    /// Invariant 6. A device that went back to an older copy cannot know which ciphertexts left it and were
    /// lost on the way, under the encryption of the connection; what the server has stored, it must know.
    fn keys_are_fresh(&mut self, client: usize, kind: EnvelopeKind, ciphertext: &Bytes) {
        let Some(outline) = outline(kind, ciphertext) else { return };
        let place = (outline.ratchet_key, outline.counter);
        let differs = |before: &u32| *before != outline.ciphertext;
        let stored = self.chains_stored.get(&place).is_some_and(differs);
        let before = self.chains.insert(place, outline.ciphertext);
        if stored || (before.is_some_and(|before| differs(&before)) && !self.rolled_back(client)) {
            let counter = outline.counter;
            self.fail("6", format!("c{client} encrypts two texts with key {counter} of one chain"));
        }
    }

    /// A command is handed to a client.
    pub fn client_is_told(&mut self, client: usize, command: CommandId) {
        self.open_commands.insert((client, command));
    }

    /// A user is shown something.
    pub fn client_shows(&mut self, client: usize, event: &Event) {
        self.shows_light(client, event);
        match event {
            Event::Done { command, .. } | Event::Failed { command, .. } => {
                let is_open = self.open_commands.remove(&(client, *command));
                if !is_open && !self.told_removed.contains(&client) {
                    self.fail("commands", format!("c{client} answers command {} twice", command.0));
                }
            }
            Event::Registered(address) => {
                self.learn_address(client, *address);
                self.registered.insert(client);
            }
            Event::Message(message) if !matches!(message.body, Body::Notice(_)) => {
                let is_first = self.shown.insert((client, message.key));
                // What was deleted is not known any more until it can be read again.
                let person = self.people.get(&client).copied().unwrap_or(client);
                // A server that went down before it knew that everybody had it brings it again when it is back, be it
                // days later, and who has deleted what was over since can neither read it nor know it.
                let written = self.written.get(&message.key);
                let over =
                    message.body == Body::Waiting && written.is_some_and(|written| self.may_be_over(written));
                if !is_first && !over && !self.is_unwanted(person, message.key) {
                    let name = self.name(&message.key);
                    self.fail("2", format!("{name} is shown twice at c{client}"));
                }
            }
            // What comes to stand elsewhere is shown anew there: a lying server puts it where it likes, and an older copy
            // does not know in which group it had asked for what comes over a session.
            Event::Deleted(keys) if !self.is_honest() || self.rolled_back(client) => {
                self.shown.retain(|(of, key)| *of != client || !keys.contains(key));
            }
            Event::MessageFilled(message) if matches!(message.body, Body::Post(_)) => {
                let is_first = self.filled.insert((client, message.key));
                if !is_first {
                    let name = self.name(&message.key);
                    self.fail("2", format!("{name} is filled twice at c{client}"));
                }
            }
            _ => {}
        }
    }
}
