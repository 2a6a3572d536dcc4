//! What the oracle learns from the server: commits and frames.

use std::collections::BTreeSet;

use waxwing_client::{Conversation, MessageKey};
use waxwing_server::limits::RECEIPT_ROOM_FACTOR;
use waxwing_server::{Append, Batch, Effect, Key, Piece, Pool, Row, View};
use waxwing_wire::limits::{DELIVERY_WINDOW_BYTES, DELIVERY_WINDOW_ENTRIES, MAX_CIPHERTEXT_BYTES};
use waxwing_wire::server_frame::{Bundle, Envelope, Item, ResponseBody, ServerFrame};
use waxwing_wire::{Bytes, DeviceAddress, MessageId};

use super::{Oracle, Waiting, describe};
use crate::signal::outline;
use crate::trace::digest;

/// A message that is being put into mailboxes does not notice at once that a device has gone, milliseconds.
const PURGE_MS: u64 = 5_000;

impl Oracle {
    /// A decision of the server took effect; `batch` is what was committed for it, if anything.
    pub fn server_concludes(&mut self, batch: Option<&Batch>, view: &View, effects: &[Effect], now_ms: u64) {
        for effect in effects {
            if let Effect::Reply { piece: Piece::Response(response), .. } = effect
                && let ResponseBody::Bundles { bundles, .. } = &response.what
            {
                for bundle in bundles {
                    self.bundle_is_fair(bundle, view);
                }
            }
        }
        let Some(batch) = batch else { return };
        for trim in &batch.trims {
            let Some(mailbox) = self.boxes.get_mut(&trim.mailbox) else { continue };
            let gone: Vec<u64> = match trim.from <= trim.up_to {
                true => mailbox.range(trim.from..=trim.up_to).map(|(seq, _)| *seq).collect(),
                false => Vec::new(),
            };
            let gone: Vec<(u64, Waiting)> =
                gone.into_iter().filter_map(|seq| Some((seq, mailbox.remove(&seq)?))).collect();
            for (seq, waiting) in gone {
                self.entry_goes(trim.mailbox, seq, &waiting, now_ms);
            }
        }
        for (key, row) in &batch.rows {
            match (key, row) {
                (Key::Account(account), Some(Row::Account(row))) => self.account_is(*account, row),
                (Key::Group(group), Some(Row::Group(row))) => self.group_is(*group, row),
                (Key::Group(group), None) => self.group_goes(*group),
                (Key::Blob(blob), Some(Row::Blob(row))) => self.blob_is(*blob, row),
                (Key::Blob(blob), None) => self.blob_goes(*blob),
                _ => {}
            }
        }
        for append in &batch.appends {
            self.entry_comes(append);
        }
        for (key, row) in batch.rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?))) {
            self.no_canary(&row.encode(), "a row of the server");
            if let (Key::Mailbox(address), Row::Mailbox(row)) = (key, row) {
                let limits = &self.plan.settings;
                // Receipts may fill a mailbox further than messages, or no other mailbox could be emptied.
                let most_entries = limits.mailbox_entries.saturating_mul(RECEIPT_ROOM_FACTOR);
                let most_bytes = limits.mailbox_bytes.saturating_mul(RECEIPT_ROOM_FACTOR);
                if row.entries > most_entries || row.bytes > most_bytes {
                    let client = self.devices.get(address);
                    self.fail("10", format!("the mailbox of {client:?} holds {} entries", row.entries));
                }
                if row.skipped > 0 {
                    self.skipped.insert(*address);
                }
                self.mailbox_adds_up(*address, row.entries);
                self.messages_fit(*address);
            }
        }
    }

    /// Messages that wait in mailboxes of devices that are there, and when the server took them.
    pub fn waiting_envelopes(&self) -> impl Iterator<Item = (DeviceAddress, MessageKey, u64)> {
        let boxes = self.boxes.iter().filter(|(mailbox, _)| self.society.is_there(**mailbox));
        boxes.flat_map(|(mailbox, entries)| {
            let envelope = |waiting: &Waiting| Some((*mailbox, waiting.envelope?, waiting.accepted_at_ms));
            entries.values().filter_map(envelope)
        })
    }

    /// The server does not take a message, for now or for good: later ones may overtake it.
    pub fn server_refuses(&mut self, from: DeviceAddress, id: MessageId) {
        self.put_off.insert(MessageKey { from, id });
    }

    fn mailbox_adds_up(&mut self, address: DeviceAddress, entries: u64) {
        let there = self.boxes.get(&address).map_or(0, |mailbox| mailbox.len() as u64);
        if entries != there {
            self.fail("10", format!("a mailbox's row counts {entries} entries and {there} are there"));
        }
    }

    fn messages_fit(&mut self, address: DeviceAddress) {
        let messages = self.boxes.get(&address).map_or(0, |mailbox| {
            mailbox.values().filter(|waiting| waiting.envelope.is_some()).count() as u64
        });
        if messages > self.plan.settings.mailbox_entries {
            self.fail("10", format!("a mailbox holds {messages} messages"));
        }
    }

    /// One-time prekeys go first; the last resort only when there are none.
    fn bundle_is_fair(&mut self, bundle: &Bundle, view: &View) {
        for (key, (row, _)) in &view.rows {
            let (Key::Pool(address, _), Some(Row::Pool(row))) = (key, row) else { continue };
            if address.device != bundle.device {
                continue;
            }
            let passed_over = match &row.pool {
                Pool::OneTime(keys) => !keys.is_empty() && bundle.one_time.is_none(),
                Pool::Kyber(keys) => !keys.is_empty() && !keys.contains(&bundle.kyber),
            };
            if passed_over {
                self.fail("9", "a bundle without a one-time prekey, though there were some".into());
            }
        }
    }

    fn entry_comes(&mut self, append: &Append) {
        self.no_canary(&append.item, "a mailbox");
        let dedupe = append.dedupe.map(|dedupe| (dedupe.from, dedupe.id, dedupe.attempt));
        let blobs = self.society.blobs.iter();
        let referred = dedupe.and_then(|named| {
            blobs
                .map(|(blob, facts)| (*blob, *facts))
                .find(|(blob, _)| (blob.from, blob.id, blob.attempt) == named)
        });
        let waiting = match (referred, Item::decode(append.item.clone())) {
            (Some((blob, facts)), decoded) if decoded.is_err() => {
                let key = MessageKey { from: blob.from, id: blob.id };
                let (silent, accepted_at_ms) = (facts.silent, facts.accepted_at_ms);
                Waiting { envelope: Some(key), silent, accepted_at_ms, blob: Some(blob) }
            }
            (_, Ok(Item::Envelope(envelope))) => {
                let key = MessageKey { from: envelope.from, id: envelope.id };
                self.key_is_spent(&envelope);
                let (silent, accepted_at_ms) = (envelope.silent, envelope.accepted_at_ms);
                Waiting { envelope: Some(key), silent, accepted_at_ms, blob: None }
            }
            (_, Ok(Item::Receipt(receipt))) => {
                let from = DeviceAddress { account: append.mailbox.account, device: receipt.sent_by };
                let ids = receipt.ids.iter().filter(|_| receipt.expired);
                self.said_expired.extend(ids.map(|id| MessageKey { from, id: *id }));
                Waiting { envelope: None, silent: true, accepted_at_ms: receipt.at_ms, blob: None }
            }
            (_, Err(error)) => return self.fail("1", format!("a stored entry: {error}")),
        };
        if let Some(key) = waiting.envelope {
            self.appended.entry(key).or_default().insert(append.mailbox);
            self.is_stored(key, None);
        }
        self.nobody_is_there_who_left(append.mailbox);
        let mailbox = self.boxes.entry(append.mailbox).or_default();
        let last = mailbox.last_key_value().map_or(0, |(seq, _)| *seq);
        mailbox.insert(append.seq, waiting);
        if append.seq <= last {
            self.fail("3", format!("entry {} comes after entry {last}", append.seq));
        }
        if append.item.len() > MAX_CIPHERTEXT_BYTES + 256 {
            self.fail("10", format!("an entry of {} bytes", append.item.len()));
        }
    }

    /// The server has a message; whoever is there now must get it.
    pub(super) fn is_stored(&mut self, key: MessageKey, epoch: Option<u64>) {
        let now_ms = self.now_ms;
        let Some(written) = self.written.get_mut(&key) else { return };
        let to_group = matches!(written.to, Conversation::Group(_));
        if to_group != epoch.is_some() {
            return;
        }
        let again = epoch.is_some_and(|epoch| written.epochs.insert(epoch)) && written.accepted_ms.is_some();
        if written.accepted_ms.is_some() && !again {
            return;
        }
        let to = written.to;
        let owed = self.owed(key, to, epoch);
        if let Some(written) = self.written.get_mut(&key) {
            written.accepted_ms.get_or_insert(now_ms);
            written.owed.extend(owed);
        }
    }

    /// Invariant 8, the server's half: what is put into the mailbox of a device that is not there any more is
    /// cleared away with it.
    fn nobody_is_there_who_left(&mut self, mailbox: DeviceAddress) {
        let left = self.society.removed_ms(mailbox);
        if left.is_some_and(|at| at + PURGE_MS < self.now_ms) {
            self.fail("8", "something is put into the mailbox of a device that was removed".into());
        }
    }

    /// Invariant 6, the server's half: what stands in a mailbox stands there for good, whatever becomes of
    /// the device that wrote it.
    pub(super) fn key_is_spent(&mut self, envelope: &Envelope) {
        let Some(outline) = outline(envelope.kind, &envelope.ciphertext) else { return };
        let place = (outline.ratchet_key, outline.counter);
        let before = self.chains_stored.insert(place, outline.ciphertext);
        if before.is_some_and(|before| before != outline.ciphertext) {
            let (client, counter) = (self.devices.get(&envelope.from), outline.counter);
            self.fail("6", format!("{client:?} has encrypted two texts with key {counter} of one chain"));
        }
    }

    /// Invariant 4: only after its device stored it durably, or after it expired.
    fn entry_goes(&mut self, mailbox: DeviceAddress, seq: u64, waiting: &Waiting, now_ms: u64) {
        let Some(client) = self.devices.get(&mailbox).copied() else { return };
        if !self.society.is_there(mailbox) || !self.is_honest() {
            return;
        }
        let processed = self.processed.get(&client).is_some_and(|up_to| seq <= *up_to);
        let person = self.people.get(&client).copied().unwrap_or(client);
        let surfaces = |key: &MessageKey| self.written.contains_key(key) && !self.is_unwanted(person, *key);
        let is_stored = match waiting.envelope {
            Some(key) if !waiting.silent && surfaces(&key) => self.durable.contains(&(client, key)),
            _ => processed,
        };
        if is_stored {
            return;
        }
        let expires_at_ms = waiting.accepted_at_ms.saturating_add(self.plan.settings.retention_ms);
        if now_ms >= expires_at_ms {
            self.expired.extend(waiting.envelope);
            if waiting.silent {
                self.expired_silently.insert(mailbox);
            }
            return;
        }
        let what = waiting.envelope.map_or_else(|| "a receipt".into(), |key| self.name(&key));
        self.fail("4", format!("entry {seq} of c{client} ({what}) goes; the device has not stored it"));
    }

    /// A frame to a client, as it is encrypted. Returns what it is, in short.
    pub fn server_says(&mut self, client: usize, link: u64, plain: &[u8]) -> String {
        self.no_canary(plain, "a frame to a client");
        let frame = match ServerFrame::decode(Bytes::copy_from_slice(plain)) {
            Ok(frame) => frame,
            Err(error) => {
                self.fail("frames", format!("a server's frame: {error}"));
                return "malformed".into();
            }
        };
        if let Some(welcome) = &frame.welcome {
            self.learn_address(client, welcome.address);
            self.is_greeted(welcome.address);
        }
        for response in &frame.responses {
            match &response.what {
                ResponseBody::Registered(address) => self.learn_address(client, *address),
                ResponseBody::Bundles { bundles, .. } => self.bundles_leave(bundles),
                ResponseBody::Reject(reject) => {
                    self.refusals.insert((client, reject.code));
                }
                _ => {}
            }
        }
        let address = self.address(client);
        for id in &frame.accepted {
            if let Some(from) = address {
                self.is_accepted(MessageKey { from, id: *id });
            }
        }
        for refused in &frame.refused {
            self.refusals.insert((client, refused.reject.code));
            if let Some(from) = address.filter(|_| refused.reject.retry_after_ms == 0) {
                self.refused.insert(MessageKey { from, id: refused.id });
            }
        }
        self.window_holds(client, link, &frame);
        describe::server_frame(&frame)
    }

    /// Invariant 1, first half: what is accepted is in a mailbox or has been there. The other half is that
    /// entries do not go: invariant 4.
    fn is_accepted(&mut self, key: MessageKey) {
        self.accepted.insert(key);
        let nowhere = BTreeSet::new();
        let mailboxes = self.appended.get(&key).unwrap_or(&nowhere);
        let missing = match self.written.get(&key) {
            // To everybody who was there then and still is.
            Some(written) => {
                let is_left_out = |device: &&DeviceAddress| {
                    let own =
                        device.account == key.from.account && !matches!(written.to, Conversation::Group(_));
                    !own && !mailboxes.contains(device)
                        && self.society.is_there(**device)
                        && !self.skipped.contains(device)
                        && !self.was_put_out(device.account, written)
                };
                let nowhere = written.accepted_ms.is_none() && self.has_somebody_to_reach(key, written.to);
                // Parts of one message are accepted one by one.
                let whole = !self.in_parts.contains(&key);
                nowhere || whole && written.owed.iter().any(|device| is_left_out(&device))
            }
            None => mailboxes.is_empty() && !self.to_groups.contains(&key),
        };
        if missing && self.is_honest() {
            let name = self.name(&key);
            self.fail("1", format!("{name} is accepted and not stored for everybody"));
        }
    }

    fn bundles_leave(&mut self, bundles: &[Bundle]) {
        for bundle in bundles {
            self.exhausted += u64::from(bundle.one_time.is_none());
            let kyber = digest(&bundle.kyber.key);
            let fresh_kyber = self.last_resorts.contains(&kyber) || self.prekeys_issued.insert(kyber);
            let one_time = bundle.one_time.as_ref().map(|prekey| digest(&prekey.key));
            let fresh_one_time = one_time.is_none_or(|key| self.prekeys_issued.insert(key));
            if (!fresh_kyber || !fresh_one_time) && self.is_honest() {
                self.fail("9", "a one-time prekey is issued again".into());
            }
        }
    }

    /// Invariant 10: what is sent ahead of the acknowledgements.
    fn window_holds(&mut self, client: usize, link: u64, frame: &ServerFrame) {
        let window = self.windows.entry(link).or_default();
        let mut disordered = false;
        for entry in &frame.entries {
            disordered |= entry.seq <= window.last;
            window.last = entry.seq;
            window.ahead.insert(entry.seq, entry.item.encode().len());
        }
        for id in frame.accepted.iter().chain(frame.refused.iter().map(|refused| &refused.id)) {
            window.in_flight.remove(id);
        }
        let (count, bytes) = (window.ahead.len(), window.ahead.values().sum::<usize>());
        let last = window.ahead.last_key_value().map_or(0, |(_, bytes)| *bytes);
        if disordered {
            self.fail("3", format!("c{client} gets an entry out of order or twice on one connection"));
        }
        if count > DELIVERY_WINDOW_ENTRIES || bytes - last > DELIVERY_WINDOW_BYTES {
            self.fail("10", format!("c{client} is sent {count} entries of {bytes} bytes ahead"));
        }
    }
}
