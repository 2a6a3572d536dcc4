//! What the oracle learns from the clients: commits, frames, and what users are shown.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::memory::MemoryDb;
use waxwing_client::{
    Batch, Body, CommandId, Delivery, Direction, Effect, Event, Message, MessageKey, Read as _, Table, Write,
    limits,
};
use waxwing_wire::client_frame::{ClientFrame, RequestBody, Send};
use waxwing_wire::limits::MAX_SENDS_IN_FLIGHT;
use waxwing_wire::server_frame::ServerFrame;

use super::{Oracle, Written};
use crate::signal::outline;
use crate::trace::digest;

/// A step that is being committed.
struct Committing<'a> {
    client: usize,
    db: &'a MemoryDb,
    /// Messages right before which the user is told that some are missing.
    gaps: BTreeSet<MessageKey>,
    now_ms: u64,
    /// Messages as the earlier writes of the batch leave them.
    newer: BTreeMap<MessageKey, Message>,
}

impl Committing<'_> {
    fn before(&self, key: &MessageKey) -> Option<Message> {
        self.newer.get(key).cloned().or_else(|| self.db.message(key).ok().flatten())
    }
}

impl Oracle {
    /// A frame is about to be handled by a device.
    pub fn client_hears(&mut self, client: usize, frame: &ServerFrame) {
        if let Some(last) = frame.entries.last() {
            self.heard.insert(client, last.seq);
        }
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
            Write::Row(..) => None,
            Write::Message(message) => Some(&**message),
        });
        let mut messages: Vec<&Message> = messages.collect();
        messages.sort_by_key(|message| message.order);
        for message in &messages {
            match message.direction {
                Direction::Outgoing => self.outgoing(&step, message),
                Direction::Incoming => self.incoming(&step, message),
            }
            step.newer.insert(message.key, (*message).clone());
        }
        let (rows, messages) = (batch.len() - messages.len(), messages.len());
        if let Some(seq) = self.heard.remove(&client) {
            let processed = self.processed.entry(client).or_default();
            *processed = (*processed).max(seq);
        }
        if db.count(Table::Outbox) as u64 > limits::MAX_OUTBOX {
            self.fail("10", format!("the outbox of c{client} is above its limit"));
        }
        format!("{rows} rows, {messages} messages")
    }

    fn outgoing(&mut self, step: &Committing<'_>, message: &Message) {
        let (client, key) = (step.client, message.key);
        if self.address(client).is_some_and(|address| address != key.from) {
            self.fail("5", format!("c{client} writes in the name of another"));
        }
        if let Some(before) = step.before(&key) {
            let name = self.name(&key);
            if before.order != message.order || before.body != message.body || before.with != message.with {
                self.fail("5", format!("{name} is changed at its sender"));
            }
            let back = before.delivery != Delivery::Failed && message.delivery < before.delivery;
            if back || (before.delivery == Delivery::Failed && message.delivery == Delivery::Pending) {
                let (was, is) = (before.delivery, message.delivery);
                self.fail("ticks", format!("{name} goes back from {was:?} to {is:?}"));
            }
            return;
        }
        let Body::Text(text) = &message.body else {
            return self.fail("5", format!("c{client} has written something that is no text"));
        };
        let line = self.lines.entry((key.from, message.with)).or_default();
        let place = line.len();
        line.push(key);
        let written = Written {
            text: text.clone(),
            client,
            to: message.with,
            place,
            at_ms: step.now_ms,
            orphaned: false,
            arrived_ms: None,
        };
        self.written.insert(key, written);
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
                if before.order != message.order || before.with != message.with {
                    self.fail("2", format!("{name} surfaces again at c{client}, in another place"));
                }
                let may_change = matches!(before.body, Body::Waiting | Body::Lost);
                if before.body != message.body && !may_change {
                    self.fail("2", format!("{name} changes at c{client} after it has surfaced"));
                }
                if message.delivery < before.delivery {
                    self.fail("ticks", format!("{name} is unread again at c{client}"));
                }
                if matches!(before.body, Body::Waiting) && matches!(message.body, Body::Text(_)) {
                    self.tell_missing(step, key);
                }
            }
        }
        if let (Body::Text(_), Some(written)) = (&message.body, self.written.get_mut(&key)) {
            written.arrived_ms.get_or_insert(step.now_ms);
        }
    }

    /// Invariant 5.
    fn is_genuine(&mut self, client: usize, message: &Message) {
        let name = self.name(&message.key);
        let own = self.address(client).map(|address| address.account);
        let Some(written) = self.written.get(&message.key) else {
            return self.fail("5", format!("{name} surfaces at c{client}, and nobody wrote it"));
        };
        let same = match &message.body {
            Body::Text(text) => *text == written.text,
            Body::Waiting | Body::Lost => true,
            Body::Unknown => false,
        };
        if !same {
            return self.fail("5", format!("{name} is altered when it surfaces at c{client}"));
        }
        if message.with != message.key.from.account || Some(written.to) != own {
            self.fail("5", format!("{name} surfaces at c{client} in a wrong conversation"));
        }
    }

    /// Invariant 3, for a message that surfaces now.
    fn in_order(&mut self, step: &Committing<'_>, message: &Message) {
        let (client, key) = (step.client, message.key);
        let Some(written) = self.written.get(&key) else { return };
        let (place, orphaned, sender) = (written.place + 1, written.orphaned, written.client);
        let excused = self.rolled_back(sender);
        let name = self.name(&key);
        let line = self.lines.get(&(key.from, written.to)).cloned().unwrap_or_default();
        let front = self.fronts.entry((client, key.from)).or_default();
        if place <= front.place {
            let known = front.announced.remove(&key) | front.unannounced.remove(&key);
            if !known && !orphaned && !excused {
                self.fail("3", format!("{name} surfaces at c{client} after later ones"));
            }
            return;
        }
        let skipped = line.get(front.place..place - 1).unwrap_or_default();
        let skipped = skipped.iter().filter(|key| step.before(key).is_none());
        let skipped: Vec<MessageKey> = skipped
            .filter(|key| self.written.get(key).is_some_and(|written| !written.orphaned))
            .copied()
            .collect();
        front.place = place;
        let nothing_missing = skipped.is_empty() && front.unannounced.is_empty();
        front.unannounced.extend(skipped);
        let told = step.gaps.contains(&key);
        if told && nothing_missing && !excused && !self.rolled_back(client) {
            self.fail("3", format!("c{client} is shown a gap before {name}, and nothing is missing"));
        }
        if matches!(message.body, Body::Text(_)) {
            self.tell_missing(step, key);
        }
    }

    /// What was skipped must be told by now.
    fn tell_missing(&mut self, step: &Committing<'_>, shown: MessageKey) {
        let (client, from) = (step.client, shown.from);
        let sender = self.devices.get(&from).copied();
        let excused = sender.is_some_and(|sender| self.rolled_back(sender)) || self.rolled_back(client);
        let Some(front) = self.fronts.get_mut(&(client, from)) else { return };
        let missing = std::mem::take(&mut front.unannounced);
        let Some(first) = missing.first().copied() else { return };
        let count = missing.len();
        front.announced.extend(missing.iter().copied());
        let for_nothing = |key: &&MessageKey| !self.put_off.contains(*key) && !self.expired.contains(*key);
        if let Some(key) = missing.iter().find(for_nothing).filter(|_| !excused) {
            let name = self.name(key);
            self.fail("3", format!("{name} is overtaken on its way to c{client}, for no reason"));
        }
        if !step.gaps.contains(&shown) && !excused {
            let name = self.name(&first);
            self.fail("3", format!("c{client} is not told that {count} are missing: {name}"));
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
        let in_flight = window.in_flight.len();
        if in_flight > MAX_SENDS_IN_FLIGHT {
            self.fail("10", format!("c{client} has {in_flight} messages without an answer"));
        }
        for send in &frame.sends {
            self.keys_are_fresh(client, send);
        }
        for request in &frame.requests {
            let upload = match &request.what {
                RequestBody::Register(register) => Some(&register.prekeys),
                RequestBody::PublishPrekeys(upload) => Some(&**upload),
                RequestBody::FindAccount(_) | RequestBody::FetchBundles(_) => None,
            };
            let last_resort = upload.and_then(|upload| upload.last_resort.as_ref());
            self.last_resorts.extend(last_resort.map(|prekey| digest(&prekey.key)));
        }
        describe(frame)
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
    fn keys_are_fresh(&mut self, client: usize, send: &Send) {
        for copy in &send.copies {
            let Some(outline) = outline(copy.kind, &copy.ciphertext) else { continue };
            let place = (outline.ratchet_key, outline.counter);
            let differs = |before: &u32| *before != outline.ciphertext;
            let stored = self.chains_stored.get(&place).is_some_and(differs);
            let before = self.chains.insert(place, outline.ciphertext);
            if stored || (before.is_some_and(|before| differs(&before)) && !self.rolled_back(client)) {
                let counter = outline.counter;
                self.fail("6", format!("c{client} encrypts two texts with key {counter} of one chain"));
            }
        }
    }

    /// A command is handed to a client.
    pub fn client_is_told(&mut self, client: usize, command: CommandId) {
        self.open_commands.insert((client, command));
    }

    /// A user is shown something.
    pub fn client_shows(&mut self, client: usize, event: &Event) {
        match event {
            Event::Done { command, .. } | Event::Failed { command, .. } => {
                let is_open = self.open_commands.remove(&(client, *command));
                if !is_open {
                    self.fail("commands", format!("c{client} answers command {} twice", command.0));
                }
            }
            Event::Registered(address) => {
                self.learn_address(client, *address);
                self.registered.insert(client);
            }
            Event::Message(message) if message.direction == Direction::Incoming => {
                let is_first = self.shown.insert((client, message.key));
                if !is_first {
                    let name = self.name(&message.key);
                    self.fail("2", format!("{name} is shown twice at c{client}"));
                }
            }
            Event::MessageFilled(message) if matches!(message.body, Body::Text(_)) => {
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

/// A gap is told right before the message behind it.
fn gaps(effects: &[Effect]) -> BTreeSet<MessageKey> {
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

fn describe(frame: &ClientFrame) -> String {
    let mut parts = Vec::new();
    parts.extend(frame.hello.map(|hello| format!("hello lease {} stored {}", hello.lease, hello.stored)));
    parts.extend(
        frame
            .stored
            .as_ref()
            .map(|stored| format!("stored {} ({} undecryptable)", stored.up_to, stored.undecryptable.len())),
    );
    if !frame.sends.is_empty() {
        let silent = frame.sends.iter().filter(|send| send.silent).count();
        let again = frame.sends.iter().filter(|send| send.attempt > 0).count();
        parts.push(format!("{} sends ({silent} silent, {again} anew)", frame.sends.len()));
    }
    for request in &frame.requests {
        parts.push(match &request.what {
            RequestBody::Register(_) => "register".into(),
            RequestBody::FindAccount(_) => "find".into(),
            RequestBody::FetchBundles(_) => "fetch".into(),
            RequestBody::PublishPrekeys(upload) => format!("publish (replace {})", upload.replace),
        });
    }
    parts.extend(frame.ping.map(|_| "ping".into()));
    parts.join(", ")
}
