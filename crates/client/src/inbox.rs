//! What the server delivers: envelopes of others, and receipts.

use std::collections::BTreeSet;

use waxwing_e2ee::{
    self as e2ee, KyberPreKey, OneTimePreKey, PreKeyHeader, PreKeys, Session, SignedPreKey, padding,
};
use waxwing_wire::client_frame::Stored;
use waxwing_wire::content::{Body as ContentBody, Content, Conversation, PlainContent};
use waxwing_wire::post::ActBy;
use waxwing_wire::server_frame::{Entry, Envelope, Item, Receipt};
use waxwing_wire::{AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeKind, MessageId};
use zeroize::Zeroizing;

use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::{Key, Table};
use crate::devices::{Identity, Standing, load_devices};
use crate::group::keys::load_key;
use crate::limits::{
    ACT_AHEAD_MS, ANSWER_PAUSE_MS, HELD_PAUSE_MS, MAX_HELD, MAX_PEERS, MAX_RETRIES_PLANNED,
    MAX_UNDECRYPTABLE_KEPT,
};
use crate::positions;
use crate::prekeys::{KYBER, LAST_RESORT, ONE_TIME, SIGNED};
use crate::record::{Kind, OutboxRow, PeerRow, PrekeyRow, Record as _, RetryRow};
use crate::retry::Ask;
use crate::row::{Body, Delivery, Direction, Message, MessageKey};
use crate::turn::Turn;

/// What an envelope gave.
enum Opened {
    Plain(Zeroizing<Vec<u8>>, Proof),
    /// Its key was used before: its content was handled then, unless something is lost.
    Duplicate,
    Unreadable,
}

/// Whose key a message was encrypted with.
struct Proof {
    identity: Identity,
    standing: Standing,
}

impl Proof {
    fn new(identity: Identity, proven: bool) -> Self {
        Self { identity, standing: if proven { Standing::Known } else { Standing::Unproven } }
    }
}

impl From<e2ee::Error> for Opened {
    fn from(error: e2ee::Error) -> Self {
        if error == e2ee::Error::Duplicate { Self::Duplicate } else { Self::Unreadable }
    }
}

/// Own prekeys that one message names.
struct Named {
    one_time: Option<OneTimePreKey>,
    signed: Option<SignedPreKey>,
    kyber: Option<KyberPreKey>,
}

impl PreKeys for Named {
    fn one_time(&self, id: u32) -> Option<OneTimePreKey> {
        self.one_time.clone().filter(|prekey| prekey.id == id)
    }

    fn signed(&self, id: u32) -> Option<SignedPreKey> {
        self.signed.clone().filter(|prekey| prekey.id == id)
    }

    fn kyber(&self, id: u32) -> Option<KyberPreKey> {
        self.kyber.clone().filter(|prekey| prekey.id == id)
    }
}

impl Client {
    /// Takes the entries of a frame, all in this one step with the cursor, and acknowledges them.
    pub(crate) fn entries(&mut self, turn: &mut Turn<'_>, entries: Vec<Entry>) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        self.heard_at = Some(turn.now);
        let mut undecryptable = Vec::new();
        let mut unanswered = BTreeSet::new();
        for entry in entries {
            if entry.seq <= self.counters.stored {
                continue;
            }
            self.counters.stored = entry.seq;
            match entry.item {
                Item::Receipt(receipt) => self.receipt(turn, &receipt)?,
                Item::Envelope(envelope) => {
                    if !self.envelope(turn, &envelope, &mut unanswered)? && !envelope.silent {
                        undecryptable.push(entry.seq);
                    }
                }
            }
        }
        for device in unanswered {
            self.answer(turn, device)?;
        }
        let kept = &mut self.counters.undecryptable;
        kept.extend(&undecryptable);
        kept.drain(..kept.len().saturating_sub(MAX_UNDECRYPTABLE_KEPT));
        turn.out.stored = Some(Stored { up_to: self.counters.stored, undecryptable });
        Ok(())
    }

    /// Whether the message could be read, or need not be.
    fn envelope(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        unanswered: &mut BTreeSet<DeviceAddress>,
    ) -> Result<bool, Error> {
        let from = envelope.from;
        if self.address().is_none_or(|own| own == from) {
            return Ok(true);
        }
        let own = self.is_own(from.account);
        let key = MessageKey { from, id: envelope.id };
        let known = turn.store.message(&key)?;
        if known.as_ref().is_some_and(|message| !matches!(message.body, Body::Waiting | Body::Lost)) {
            return Ok(true);
        }
        // A stranger beyond the bound gets no session, no history and no receipt.
        let stranger = !own && turn.store.load::<PeerRow>(&Key::Peer(from.account))?.is_none();
        if self.counters.peers >= MAX_PEERS && stranger {
            return Ok(false);
        }
        let opened = match envelope.kind {
            EnvelopeKind::Plaintext => {
                if let Ok(PlainContent::Retry { id, attempt, group }) =
                    PlainContent::decode(&envelope.ciphertext)
                {
                    match group {
                        Some(group) => self.group_retry_asked(turn, from, id, attempt, group)?,
                        None => self.retry_asked(turn, from, id, attempt)?,
                    }
                }
                return Ok(true);
            }
            EnvelopeKind::SenderKey => return self.group_envelope(turn, envelope, known),
            EnvelopeKind::Whisper => self.open_whisper(turn, envelope)?,
            EnvelopeKind::Prekey => {
                let opened = self.open_prekey(turn, envelope)?;
                if matches!(opened, Opened::Plain(..)) {
                    unanswered.insert(from);
                }
                opened
            }
        };
        match opened {
            Opened::Plain(padded, proof) => {
                let content = read_content(envelope, &padded);
                // The server passes one message off as another. The one it stands for is asked for.
                if content.id != envelope.id {
                    self.unreadable(turn, envelope, known)?;
                    return Ok(false);
                }
                if proof.standing == Standing::Unproven {
                    return self.hold_content(turn, envelope, known, &content, proof.identity);
                }
                return self.content_arrived(turn, envelope, known, content);
            }
            Opened::Duplicate if envelope.silent => {}
            Opened::Duplicate | Opened::Unreadable => {
                self.unreadable(turn, envelope, known)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open_whisper(&mut self, turn: &mut Turn<'_>, envelope: &Envelope) -> Result<Opened, Error> {
        let mut sessions = self.load_session(turn, envelope.from)?;
        let local = self.keys.local(self.address(), envelope.from);
        let mut failure = Opened::Unreadable;
        for (stale, session) in [(false, sessions.session()?), (true, sessions.stale_session()?)] {
            let Some(mut session) = session else { continue };
            match e2ee::decrypt_whisper(&mut session, &local, &envelope.ciphertext, turn.rng) {
                Ok(plain) => {
                    let identity = session.remote_identity().serialize();
                    let proven = self.is_proven(turn, envelope.from, identity)?;
                    if stale {
                        sessions.stale = session.encode().to_vec();
                        turn.store.save(Key::Session(envelope.from), &sessions);
                    } else {
                        self.save_session(turn, envelope.from, sessions, &session);
                    }
                    return Ok(Opened::Plain(plain, Proof::new(identity, proven)));
                }
                Err(e2ee::Error::Duplicate) => failure = Opened::Duplicate,
                Err(_) => {}
            }
        }
        Ok(failure)
    }

    fn open_prekey(&mut self, turn: &mut Turn<'_>, envelope: &Envelope) -> Result<Opened, Error> {
        let from = envelope.from;
        let Ok(header) = e2ee::peek_prekey(&envelope.ciphertext) else { return Ok(Opened::Unreadable) };
        // 14 bits: with more, no frame to that device would be well-formed.
        let Some(registration_id) = u16::try_from(header.registration_id).ok().filter(|id| *id < 1 << 14)
        else {
            return Ok(Opened::Unreadable);
        };
        let mut sessions = self.load_session(turn, from)?;
        let local = self.keys.local(self.address(), from);
        let same = |session: &Session| session.remote_identity() == header.identity;
        let (existing, stale) = (sessions.session()?.filter(same), sessions.stale_session()?.filter(same));
        let keys = named(turn, &header)?;
        let (message, now_ms) = (&envelope.ciphertext, turn.now.0);
        if existing.is_none() && !sessions.record.is_empty() {
            sessions.stale.clear();
        }
        let failure = match e2ee::decrypt_prekey(existing, &local, &keys, message, now_ms, turn.rng) {
            Ok((session, plain, used)) => {
                // The identity in the header is proven now: whoever lacks its key could not agree on this
                // session's.
                self.save_session(turn, from, sessions, &session);
                let identity = header.identity.serialize();
                let standing = self.learn_sender(turn, from, registration_id, identity)?;
                self.use_up(turn, &used);
                return Ok(Opened::Plain(plain, Proof { identity, standing }));
            }
            Err(error) => error,
        };
        // A session from before a renewal of everything: read it, but never go on from it.
        if let Some(stale) = stale
            && let Ok((session, plain, used)) =
                e2ee::decrypt_prekey(Some(stale), &local, &keys, message, now_ms, turn.rng)
            && !used.new_session
        {
            sessions.stale = session.encode().to_vec();
            turn.store.save(Key::Session(from), &sessions);
            let identity = header.identity.serialize();
            let proven = self.is_proven(turn, from, identity)?;
            return Ok(Opened::Plain(plain, Proof::new(identity, proven)));
        }
        Ok(failure.into())
    }

    /// What a device says that belongs to its account. Whether it counts as stored.
    pub(crate) fn content_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<Message>,
        mut content: Content,
    ) -> Result<bool, Error> {
        let key = MessageKey { from: envelope.from, id: envelope.id };
        self.list_claimed(turn, key.from.account, content.devices)?;
        let own = self.is_own(key.from.account);
        let groups_only = matches!(
            content.body,
            ContentBody::SenderKey(_)
                | ContentBody::Change(_)
                | ContentBody::Welcome(_)
                | ContentBody::Join(..)
                | ContentBody::CatchUp(_)
                | ContentBody::SharedHistory(_)
        );
        if content.group.is_some() || groups_only {
            // A message that came too early is asked for once more: what becomes of that is decided there.
            let text =
                matches!(content.body, ContentBody::Post(_) | ContentBody::Act(_) | ContentBody::Unknown);
            if self.group_content(turn, envelope, known.as_ref(), &content)? || envelope.silent {
                if !text || content.group.is_none() {
                    self.nothing_to_show(turn, key, None)?;
                }
                return Ok(true);
            }
            content.body = ContentBody::Unknown;
        }
        if own {
            // A device tells others of its account nothing that would be shown as it is.
            match content.body {
                ContentBody::Sync(sync) => self.sync_arrived(turn, key.from, sync)?,
                ContentBody::Archive(archive) => self.archive_arrived(turn, key.from, *archive)?,
                _ => {}
            }
            self.nothing_to_show(turn, key, known)?;
            return Ok(true);
        }
        if crate::state::is_blocked(&turn.store, key.from.account)? {
            return self.ignore(turn, key, known, content.position);
        }
        let with = Conversation::Account(key.from.account);
        let body = match content.body {
            ContentBody::Status(status) => {
                self.status_arrived(turn, key.from, content.sent_at_ms, *status)?;
                self.nothing_to_show(turn, key, known)?;
                return Ok(true);
            }
            ContentBody::Post(post) => Body::Post(post),
            other => {
                if self.heard(turn, envelope, other)? {
                    self.nothing_to_show(turn, key, known)?;
                    return Ok(true);
                }
                Body::Unknown
            }
        };
        if crate::state::is_deleted(&turn.store, &key, with, content.sent_at_ms)? {
            self.ignore(turn, key, known, content.position)?;
            return Ok(true);
        }
        // A server that lies about where an envelope belongs has its placeholder elsewhere.
        let misplaced = known.as_ref().is_some_and(|message| message.with != with);
        if let Some(message) = known.as_ref().filter(|_| misplaced) {
            turn.event(Event::Deleted(vec![key]));
            self.stands_for_nothing(turn, message)?;
        }
        let known = known.filter(|_| !misplaced);
        let filled = known.is_some();
        let Some(mut message) = (match known {
            Some(message) => Some(message),
            None => self.new_incoming(turn, envelope)?,
        }) else {
            return Ok(true);
        };
        message.sent_at_ms = content.sent_at_ms;
        message.body = body;
        message.position = content.position;
        let place = filled.then_some(message.order);
        message.missing_before = self.count_position(turn, key, content.position, place)?;
        self.apply_mark(turn, &mut message)?;
        self.forget_retry(turn, key);
        if !self.settle(turn, &mut message)? {
            return self.over(turn, key, filled).map(|()| true);
        }
        turn.show(message, filled);
        self.tell_early_acts(turn, with, key)?;
        self.want_username(turn, key.from.account)?;
        Ok(true)
    }

    /// What another account says that is no message. Whether it is nothing to be shown.
    fn heard(&mut self, turn: &mut Turn<'_>, envelope: &Envelope, body: ContentBody) -> Result<bool, Error> {
        let from = envelope.from;
        match body {
            ContentBody::Act(act) => {
                let latest = envelope.accepted_at_ms.saturating_add(ACT_AHEAD_MS);
                let doer = ActBy { by: from, act: *act };
                self.take_act(turn, Conversation::Account(from.account), doer, false, latest)?;
            }
            ContentBody::StatusAct(act) => {
                let latest = envelope.accepted_at_ms.saturating_add(ACT_AHEAD_MS);
                self.status_act_arrived(turn, ActBy { by: from, act: *act }, latest)?;
            }
            // Whoever does not tell does not hear either.
            ContentBody::Read(_) if !crate::privacy::load_privacy(&turn.store)?.receipts => {}
            ContentBody::Read(ids) => {
                for id in ids {
                    self.raise_own(turn, id, None, from.account, Delivery::Read)?;
                }
            }
            ContentBody::Profile(profile) => {
                self.profile_arrived(turn, from.account, from.device.number(), &profile)?;
            }
            ContentBody::Renew | ContentBody::Sync(_) | ContentBody::Archive(_) => {}
            ContentBody::Unknown => return Ok(envelope.silent),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A message that has disappeared before it came.
    pub(crate) fn over(&mut self, turn: &mut Turn<'_>, key: MessageKey, filled: bool) -> Result<(), Error> {
        let Some(message) = turn.store.message(&key)?.filter(|_| filled) else { return Ok(()) };
        if matches!(message.body, Body::Waiting | Body::Lost) {
            self.forget_message(turn, &message)?;
        }
        turn.event(Event::Deleted(vec![key]));
        Ok(())
    }

    /// A message that the user does not want: counted, so that nothing seems to be missing, and not stored. It
    /// earns its sender no receipt.
    fn ignore(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        known: Option<Message>,
        position: u64,
    ) -> Result<bool, Error> {
        if known.is_some() {
            turn.store.delete_message(key);
            turn.event(Event::Deleted(vec![key]));
        }
        self.forget_retry(turn, key);
        if position > 0 {
            self.pass_position(turn, key, position, known.map(|message| message.order))?;
        }
        Ok(false)
    }

    /// What a device says that may not belong to its account: kept unshown until the account's list is there.
    fn hold_content(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<Message>,
        content: &Content,
        identity: Identity,
    ) -> Result<bool, Error> {
        let key = MessageKey { from: envelope.from, id: envelope.id };
        self.refetch.insert(key.from.account);
        let (from, to) = held_range(key.from.account);
        let held = turn.store.rows(Table::Retry, &from, &to, MAX_HELD)?.len();
        let new = !self.asks.contains_key(&key);
        self.unreadable(turn, envelope, known)?;
        if held >= MAX_HELD && new {
            return Ok(false);
        }
        let due = turn.now.plus(HELD_PAUSE_MS);
        let silent = envelope.silent || self.is_own(key.from.account);
        let row = RetryRow {
            attempts: 0,
            due_ms: due.0,
            silent,
            held: content.encode(),
            held_order: self.next_order(),
            accepted_at_ms: envelope.accepted_at_ms,
            identity: identity.to_vec(),
            ..RetryRow::default()
        };
        turn.store.save(Key::Retry(key.from, key.id), &row);
        self.asks.insert(key, Ask { due, attempts: 0, silent, group: None, kept: false });
        Ok(true)
    }

    /// An account's list came: what its devices have said meanwhile is taken, if they belong to it.
    pub(crate) fn release_held(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        self.groups.news.accounts.insert(account);
        let (from, to) = held_range(account);
        let mut held = Vec::new();
        for (bytes, value) in turn.store.rows(Table::Retry, &from, &to, MAX_RETRIES_PLANNED)? {
            let row = RetryRow::unpack(&value)?;
            let key = MessageKey::parse(&bytes).filter(|_| !row.held.is_empty());
            held.extend(key.map(|key| (key, row)));
        }
        held.sort_by_key(|(_, row)| row.held_order);
        for (key, row) in held {
            // The session may be another one by now.
            match Identity::try_from(row.identity.as_slice()) {
                Ok(identity) if self.is_proven(turn, key.from, identity)? => {}
                _ => continue,
            }
            let Ok(content) = Content::decode(&row.held) else { continue };
            let envelope = Envelope {
                from: key.from,
                id: key.id,
                kind: EnvelopeKind::Whisper,
                ciphertext: Bytes::new(),
                accepted_at_ms: row.accepted_at_ms,
                silent: row.silent,
                group: None,
            };
            self.forget_retry(turn, key);
            let known = turn.store.message(&key)?;
            self.content_arrived(turn, &envelope, known, content)?;
        }
        Ok(())
    }

    /// A message that carries nothing to show; if a placeholder stands for it, its sender said otherwise.
    pub(crate) fn nothing_to_show(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        known: Option<Message>,
    ) -> Result<(), Error> {
        if self.asks.contains_key(&key) || known.is_some() {
            self.forget_retry(turn, key);
        }
        if let Some(mut message) = known {
            self.stands_for_nothing(turn, &message)?;
            message.body = Body::Unknown;
            turn.show(message, true);
        }
        Ok(())
    }

    /// A place in the history for a message that arrives; none if its sender would be one account too many.
    fn new_incoming(&mut self, turn: &mut Turn<'_>, envelope: &Envelope) -> Result<Option<Message>, Error> {
        if self.peer_row(turn, envelope.from.account)?.is_none() {
            return Ok(None);
        }
        Ok(Some(Message {
            key: MessageKey { from: envelope.from, id: envelope.id },
            with: Conversation::Account(envelope.from.account),
            order: self.next_order(),
            direction: Direction::Incoming,
            sent_at_ms: envelope.accepted_at_ms,
            stored_at_ms: turn.now.0,
            body: Body::Waiting,
            delivery: Delivery::Delivered,
            position: 0,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        }))
    }

    fn unreadable(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<Message>,
    ) -> Result<(), Error> {
        let key = MessageKey { from: envelope.from, id: envelope.id };
        if let Some(message) = &known {
            // Given up already: a hostile sender gets no more out of it.
            let lost = message.body == Body::Lost;
            let group = if let Conversation::Group(group) = message.with { Some(group) } else { None };
            return if lost { Ok(()) } else { self.plan_retry(turn, key, false, group) };
        }
        let silent = envelope.silent || self.is_own(key.from.account);
        if crate::state::is_blocked(&turn.store, key.from.account)? {
            return Ok(());
        }
        // It has been asked for, and its placeholder is gone: the user has deleted it.
        if let Some(row) =
            turn.store.load::<RetryRow>(&Key::Retry(key.from, key.id))?.filter(|row| !row.silent)
        {
            return self.plan_retry(turn, key, false, row.group());
        }
        if !silent {
            let Some(message) = self.new_incoming(turn, envelope)? else { return Ok(()) };
            // A server that repeats what the user has deleted brings nothing of it back.
            if !crate::state::is_deleted_by_name(&turn.store, &key)? {
                let mut devices = load_devices(&turn.store, key.from.account)?;
                if let Some(entry) = devices.find(key.from.device) {
                    positions::wait(&mut entry.waiting, message.order);
                    turn.store.save(Key::Devices(key.from.account), &devices);
                }
                turn.show(message, false);
            }
        }
        self.plan_retry(turn, key, silent, None)
    }

    /// A placeholder turned out to be no message of its conversation: none is counted for it there.
    pub(crate) fn stands_for_nothing(&self, turn: &mut Turn<'_>, placeholder: &Message) -> Result<(), Error> {
        let (from, order) = (placeholder.key.from, placeholder.order);
        match placeholder.with {
            Conversation::Account(_) => {
                let mut devices = load_devices(&turn.store, from.account)?;
                let Some(entry) = devices.find(from.device) else { return Ok(()) };
                entry.waiting.retain(|waiting| *waiting != order);
                turn.store.save(Key::Devices(from.account), &devices);
            }
            Conversation::Group(group) => {
                let mut row = load_key(turn, group, from)?;
                row.waiting.retain(|waiting| *waiting != order);
                turn.store.save(Key::SenderKey(group, from), &row);
            }
            Conversation::Status(_) => {}
        }
        Ok(())
    }

    /// Notices what is missing before a message, and says how much. `filled`: the order of the placeholder that
    /// stood for it.
    fn count_position(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        position: u64,
        filled: Option<u64>,
    ) -> Result<u64, Error> {
        let missing = self.pass_position(turn, key, position, filled)?;
        if missing > 0 {
            turn.event(Event::Gap { from: key.from, missing });
        }
        Ok(missing)
    }

    fn pass_position(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        position: u64,
        filled: Option<u64>,
    ) -> Result<u64, Error> {
        let from = key.from;
        let joined = !self.is_primary();
        let mut devices = load_devices(&turn.store, from.account)?;
        let Some(entry) = devices.find(from.device) else { return Ok(0) };
        if joined && entry.position == 0 && entry.first == 0 && position > 0 {
            // A companion joins in the middle: what was before is in the archive, or comes late.
            entry.position = position.saturating_sub(1 + positions::earlier(&entry.waiting, filled));
            (entry.first, entry.first_id) = (position, key.id.0);
        }
        if position > 0 && position < entry.first {
            // It came late, unless the place where it stands is before the first one.
            let first = MessageKey { from, id: MessageId(entry.first_id) };
            let place = turn.store.message(&first)?.map(|message| message.order);
            if filled.is_none() || filled > place {
                self.missed_first(turn, first)?;
            }
        }
        let missing = positions::pass(&mut entry.position, &mut entry.waiting, position, filled);
        turn.store.save(Key::Devices(from.account), &devices);
        Ok(missing)
    }

    /// A message was not the first of its device after all: the one before it came late.
    pub(crate) fn missed_first(&self, turn: &mut Turn<'_>, first: MessageKey) -> Result<(), Error> {
        if let Some(mut message) = turn.store.message(&first)? {
            message.missing_before = message.missing_before.saturating_add(1);
            turn.store.write_message(message);
            turn.event(Event::Gap { from: first.from, missing: 1 });
        }
        Ok(())
    }

    fn receipt(&mut self, turn: &mut Turn<'_>, receipt: &Receipt) -> Result<(), Error> {
        let delivery = if receipt.expired { Delivery::Failed } else { Delivery::Delivered };
        let own = self.is_own(receipt.by.account);
        for id in &receipt.ids {
            if own {
                self.part_stored(turn, receipt.by, *id)?;
            } else {
                self.raise_own(turn, *id, Some(receipt.sent_by), receipt.by.account, delivery)?;
            }
        }
        Ok(())
    }

    /// The server has taken a message of this device, or has refused it for good.
    pub(crate) fn raise_sent(
        &mut self,
        turn: &mut Turn<'_>,
        id: MessageId,
        to: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        let Some(from) = self.address() else { return Ok(()) };
        if let Some(message) = turn.store.message(&MessageKey { from, id })? {
            self.raise(turn, message, to, delivery)?;
        }
        self.tell_sent(turn, id)
    }

    /// An account says something of an own message: a device of it has stored or seen it. Which of the own
    /// devices sent it is not always known.
    pub(crate) fn raise_own(
        &mut self,
        turn: &mut Turn<'_>,
        id: MessageId,
        sent_by: Option<DeviceId>,
        to: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        let addresses = self.own_addresses(turn)?;
        let of = |from: &DeviceAddress| sent_by.is_none_or(|device| device == from.device);
        for from in addresses.iter().copied().filter(of) {
            if let Some(message) = turn.store.message(&MessageKey { from, id })? {
                return self.raise(turn, message, to, delivery);
            }
        }
        match self.address() {
            Some(from) if delivery != Delivery::Failed => {
                self.put_mark(turn, MessageKey { from, id }, to, delivery)
            }
            _ => Ok(()),
        }
    }

    /// Brings an own message further, if it was written to that account. Never back.
    pub(crate) fn raise(
        &mut self,
        turn: &mut Turn<'_>,
        mut message: Message,
        to: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        if message.direction != Direction::Outgoing {
            return Ok(());
        }
        match message.with {
            Conversation::Group(_) => return self.group_raised(turn, message, to, delivery),
            Conversation::Status(_) => return self.status_raised(turn, &message, to, delivery),
            Conversation::Account(_) => {}
        }
        if message.with != Conversation::Account(to) {
            return Ok(());
        }
        if crate::group::receipts::is_further(message.delivery, delivery) {
            message.delivery = delivery;
            self.note_receipt(turn, message.key.id, to, delivery)?;
            turn.event(Event::Delivery { message: message.key, with: message.with, delivery });
            turn.store.write_message(message);
        }
        Ok(())
    }

    /// A device still writes in prekey form: any answer ends that. Its recipient may never write one.
    fn answer(&mut self, turn: &mut Turn<'_>, to: DeviceAddress) -> Result<(), Error> {
        let mut devices = load_devices(&turn.store, to.account)?;
        let Some(entry) = devices.find(to.device) else { return Ok(()) };
        let lately = entry.answered_at_ms > 0 && turn.now.0.abs_diff(entry.answered_at_ms) < ANSWER_PAUSE_MS;
        let blocked = crate::state::is_blocked(&turn.store, to.account)?;
        if lately || blocked || self.outbox.last_unsealed(to.account).is_some() {
            return Ok(());
        }
        entry.answered_at_ms = turn.now.0.max(1);
        let id = self.fresh_id(turn)?;
        let row = OutboxRow {
            kind: Kind::Renew as u32,
            to: to.account.0.to_vec(),
            id: id.0,
            sent_at_ms: turn.now.0,
            only: to.device.number().into(),
            ..OutboxRow::default()
        };
        if self.enqueue(turn, &row)? {
            turn.store.save(Key::Devices(to.account), &devices);
        }
        Ok(())
    }
}

/// Keys of what is asked for again from an account.
fn held_range(account: AccountId) -> (Vec<u8>, Vec<u8>) {
    (account.0.to_vec(), [&account.0[..], &[0xff]].concat())
}

/// What was decrypted. A sender of a later version may write what this one cannot parse.
fn read_content(envelope: &Envelope, padded: &[u8]) -> Content {
    let content = padding::unpad(padded).ok().and_then(|bytes| Content::decode(bytes).ok());
    content.unwrap_or(Content {
        sent_at_ms: envelope.accepted_at_ms,
        position: 0,
        id: envelope.id,
        group: None,
        devices: 0,
        body: ContentBody::Unknown,
    })
}

fn named(turn: &Turn<'_>, header: &PreKeyHeader) -> Result<Named, Error> {
    let load =
        |kind: u8, id: u32| -> Result<Option<PrekeyRow>, Error> { turn.store.load(&Key::Prekey(kind, id)) };
    let damaged = |_| Error::Damaged("prekey");
    let one_time = match header.one_time {
        Some(id) => load(ONE_TIME, id)?,
        None => None,
    };
    let kyber = match load(KYBER, header.kyber)? {
        Some(row) => Some(row),
        None => load(LAST_RESORT, header.kyber)?,
    };
    let signed = load(SIGNED, header.signed)?;
    Ok(Named {
        one_time: one_time.map(|row| OneTimePreKey::decode(&row.record)).transpose().map_err(damaged)?,
        signed: signed.map(|row| SignedPreKey::decode(&row.record)).transpose().map_err(damaged)?,
        kyber: kyber.map(|row| KyberPreKey::decode(&row.record)).transpose().map_err(damaged)?,
    })
}
