//! What groups send to this device, and what single accounts tell it about groups.

use waxwing_e2ee::{padding, sender_key};
use waxwing_wire::content::{Body as ContentBody, Content, Conversation, GroupContext};
use waxwing_wire::group::{Change, GroupId, SignedChange};
use waxwing_wire::post::{Act, ActBy};
use waxwing_wire::server_frame::{Envelope, GroupEnvelope};
use waxwing_wire::{AccountId, DeviceAddress, MessageId};

use super::change::write_public;
use super::keys::load_key;
use super::record::{GroupRow, KeyRow, LogRow, WaitingChange};
use super::send::load_state;
use crate::act::needs_voice;
use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::Key;
use crate::limits::ACT_AHEAD_MS;
use crate::positions;
use crate::row::{Body, Delivery, Direction, Message, MessageKey, Notice};
use crate::state::{is_deleted, is_deleted_by_name};
use crate::turn::Turn;

/// A sender-key message that could be read. Its key has moved on in `key`, which is to be saved if the
/// message is taken, and not if it is to be read again.
struct Opened {
    content: Content,
    context: GroupContext,
    key: KeyRow,
}

/// What a sender-key message turns out to be.
enum Opening {
    Opened(Box<Opened>),
    /// What it takes to read it is on its way.
    Early,
    Unreadable,
}

/// What becomes of a text.
enum Judged {
    Taken,
    /// This device does not know the group as far as its sender did.
    TooEarly,
    /// Its sender was no member, or could not write.
    Refused,
}

impl Client {
    /// Takes a sender-key message. `known`: the placeholder that stands for it. Whether it could be read, or
    /// need not be.
    pub(crate) fn group_envelope(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<Message>,
    ) -> Result<bool, Error> {
        let Some(of) = &envelope.group else { return Ok(false) };
        if self.address() == Some(envelope.from) {
            return Ok(true);
        }
        let opened = match self.open_group(turn, envelope, of.group)? {
            Opening::Opened(opened) => opened,
            Opening::Early => return self.group_unreadable(turn, envelope, of.group, known, true),
            Opening::Unreadable => return self.group_unreadable(turn, envelope, of.group, known, false),
        };
        let Opened { content, context, key } = *opened;
        let slot = Key::SenderKey(of.group, envelope.from);
        self.list_claimed(turn, envelope.from.account, content.devices)?;
        let about = MessageKey { from: envelope.from, id: envelope.id };
        if let ContentBody::Change(signed) = &content.body {
            turn.store.save(slot, &key);
            self.change_came(turn, envelope, of, &context, signed)?;
            self.compare_states(turn, about, &context)?;
            return Ok(true);
        }
        match self.judge_body(turn, envelope.from, &context, &content.body)? {
            Judged::TooEarly => {
                self.note_behind(turn, of.group, 0, context.epoch);
                return self.group_unreadable(turn, envelope, of.group, known, true);
            }
            Judged::Refused => {
                turn.store.save(slot, &key);
                self.refuse(turn, about, known)?;
                return Ok(false);
            }
            Judged::Taken => turn.store.save(slot, &key),
        }
        self.compare_states(turn, about, &context)?;
        if of.change.is_some() {
            // The server says that the message changes the group; its maker says nothing of the kind.
            let disagrees = Notice::ServerDisagrees(envelope.from.account);
            self.group_notice(turn, of.group, about, disagrees, super::change::DISAGREES, 0)?;
        }
        if let ContentBody::Act(act) = &content.body {
            self.act_in_group(turn, envelope, &context, act)?;
            self.nothing_to_show(turn, about, known)?;
            return Ok(true);
        }
        self.surface(turn, envelope, known, &content, &context)?;
        Ok(true)
    }

    fn act_in_group(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        context: &GroupContext,
        act: &Act,
    ) -> Result<(), Error> {
        let admin = self.stood(turn, context.group, envelope.from.account, context.epoch)?.admin;
        let latest = envelope.accepted_at_ms.saturating_add(ACT_AHEAD_MS);
        let doer = ActBy { by: envelope.from, act: act.clone() };
        self.forget_retry(turn, MessageKey { from: envelope.from, id: envelope.id });
        self.take_act(turn, Conversation::Group(context.group), doer, admin, latest)?;
        Ok(())
    }

    fn open_group(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        group: GroupId,
    ) -> Result<Opening, Error> {
        let from = envelope.from;
        let mut key = load_key(turn, group, from)?;
        if !self.may_speak(turn, from)? {
            // The device may be a new one; or it is none of the account's any more. One answer tells.
            let about = MessageKey { from, id: envelope.id };
            if self.asks.get(&about).is_none_or(|ask| !ask.kept) {
                self.refetch.insert(from.account);
            }
            return Ok(Opening::Early);
        }
        let Some(mut record) = key.record()? else {
            let early = self.groups.early.has(group, from);
            return Ok(if early { Opening::Early } else { Opening::Unreadable });
        };
        let Ok(padded) = sender_key::decrypt(&mut record, &envelope.ciphertext) else {
            return Ok(Opening::Unreadable);
        };
        let content = padding::unpad(&padded).ok().and_then(|bytes| Content::decode(bytes).ok());
        let content = content.filter(|content| content.id == envelope.id);
        let context = content.as_ref().and_then(|content| content.group);
        let (Some(content), Some(context)) = (content, context.filter(|context| context.group == group))
        else {
            return Ok(Opening::Unreadable);
        };
        key.record = record.encode().to_vec();
        Ok(Opening::Opened(Box::new(Opened { content, context, key })))
    }

    /// A message of a group that cannot be read: its sender is asked. `early`: it may be readable soon.
    fn group_unreadable(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        group: GroupId,
        known: Option<Message>,
        early: bool,
    ) -> Result<bool, Error> {
        let key = MessageKey { from: envelope.from, id: envelope.id };
        let epoch = envelope.group.as_ref().map_or(0, |of| of.epoch);
        // A change has the number that it makes; its maker may have left by it.
        let change = u64::from(envelope.group.as_ref().is_some_and(|of| of.change.is_some()));
        let state = load_state(turn, group)?;
        if let Some(state) = &state {
            // Its sender's device may be gone by now, and nobody but other members tells what it changed.
            self.note_behind(turn, group, state.epoch, epoch);
        }
        // Who had left by then has nothing to say, and gives no answer.
        if let Some(state) = state
            && epoch <= state.epoch
            && !self.stood(turn, group, key.from.account, epoch.saturating_sub(change))?.member
        {
            self.refuse(turn, key, known)?;
            return Ok(false);
        }
        match known {
            // Given up already: a hostile sender gets no more out of it.
            Some(message) if message.body == Body::Lost => return Ok(false),
            Some(_) => {}
            None if envelope.silent => {}
            None => {
                let message = self.new_in_group(turn, envelope, group);
                if !is_deleted_by_name(&turn.store, &key)? {
                    let mut row = load_key(turn, group, key.from)?;
                    positions::wait(&mut row.waiting, message.order);
                    turn.store.save(Key::SenderKey(group, key.from), &row);
                    turn.show(message, false);
                }
            }
        }
        if early && self.keep_envelope(turn, envelope, group)? {
            return Ok(true);
        }
        self.plan_retry(turn, key, envelope.silent, Some(group))?;
        Ok(false)
    }

    fn new_in_group(&mut self, turn: &Turn<'_>, envelope: &Envelope, group: GroupId) -> Message {
        let own = self.is_own(envelope.from.account);
        Message {
            key: MessageKey { from: envelope.from, id: envelope.id },
            with: Conversation::Group(group),
            order: self.next_order(),
            direction: if own { Direction::Outgoing } else { Direction::Incoming },
            sent_at_ms: envelope.accepted_at_ms,
            stored_at_ms: turn.now.0,
            body: Body::Waiting,
            delivery: if own { Delivery::Sent } else { Delivery::Delivered },
            position: 0,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        }
    }

    /// Nothing is taken from the sender; a placeholder says so.
    fn refuse(&mut self, turn: &mut Turn<'_>, key: MessageKey, known: Option<Message>) -> Result<(), Error> {
        self.forget_retry(turn, key);
        if let Some(mut message) = known.filter(|message| message.body == Body::Waiting) {
            message.body = Body::Lost;
            turn.show(message, true);
        }
        Ok(())
    }

    fn judge_body(
        &self,
        turn: &Turn<'_>,
        from: DeviceAddress,
        context: &GroupContext,
        body: &ContentBody,
    ) -> Result<Judged, Error> {
        let Some(state) = load_state(turn, context.group)? else { return Ok(Judged::TooEarly) };
        // Whoever is out may be in again, and not have heard of it yet.
        if context.epoch > state.epoch {
            return Ok(Judged::TooEarly);
        }
        if state.member(self.own_account()).is_none() {
            // Out of the group by now; what was sent before that is still for this account.
            let then = self.stood(turn, context.group, self.own_account(), context.epoch)?;
            if !then.member {
                return Ok(Judged::Refused);
            }
        }
        let stood = self.stood(turn, context.group, from.account, context.epoch)?;
        let voice = !matches!(body, ContentBody::Act(act) if !needs_voice(&act.deed));
        let may = if voice { stood.spoke } else { stood.member };
        Ok(if may { Judged::Taken } else { Judged::Refused })
    }

    /// A message of a group goes into the history.
    fn surface(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<Message>,
        content: &Content,
        context: &GroupContext,
    ) -> Result<(), Error> {
        let body = match &content.body {
            ContentBody::Post(post) => Body::Post(post.clone()),
            _ if envelope.silent => return Ok(()),
            _ => Body::Unknown,
        };
        let group = context.group;
        // A server that lies about where an envelope belongs has its placeholder elsewhere.
        let misplaced = known.as_ref().is_some_and(|message| message.with != Conversation::Group(group));
        if let Some(message) = known.as_ref().filter(|_| misplaced) {
            self.stands_for_nothing(turn, message)?;
        }
        let known = known.filter(|_| !misplaced);
        let filled = known.is_some();
        let mut message = match known {
            Some(message) => message,
            None => self.new_in_group(turn, envelope, group),
        };
        let key = message.key;
        if misplaced {
            turn.event(Event::Deleted(vec![key]));
        }
        message.sent_at_ms = content.sent_at_ms;
        message.body = body;
        message.position = content.position;
        let place = filled.then_some(message.order);
        message.missing_before = self.count_in_group(turn, group, key.from, content.position, place)?;
        let outgoing = message.direction == Direction::Outgoing;
        if is_deleted(&turn.store, &key, message.with, message.sent_at_ms)? {
            if filled {
                turn.store.delete_message(key);
                turn.event(Event::Deleted(vec![key]));
            }
            self.forget_retry(turn, key);
            return Ok(());
        }
        let marks = if outgoing { self.group_marks(turn, key)? } else { Vec::new() };
        self.apply_mark(turn, &mut message)?;
        self.forget_retry(turn, key);
        if !self.settle(turn, &mut message)? {
            return self.over(turn, key, filled);
        }
        turn.show(message, filled);
        self.tell_early_acts(turn, Conversation::Group(group), key)?;
        if !outgoing {
            return self.want_username(turn, key.from.account);
        }
        self.group_sent(turn, group, key, context.epoch)?;
        for (by, delivery) in marks {
            if let Some(message) = turn.store.message(&key)? {
                self.group_raised(turn, message, by, delivery)?;
            }
        }
        Ok(())
    }

    /// Notices what is missing before a message, and says how much. `filled`: the order of the placeholder that
    /// stood for it.
    fn count_in_group(
        &self,
        turn: &mut Turn<'_>,
        group: GroupId,
        from: DeviceAddress,
        position: u64,
        filled: Option<u64>,
    ) -> Result<u64, Error> {
        let mut row = load_key(turn, group, from)?;
        if !row.counted {
            (row.counted, row.position) = (true, position.saturating_sub(1));
        }
        let missing = positions::pass(&mut row.position, &mut row.waiting, position, filled);
        turn.store.save(Key::SenderKey(group, from), &row);
        if missing > 0 {
            turn.event(Event::Gap { from, missing });
        }
        Ok(missing)
    }

    // ------------------------------------------------------------ changes

    /// The server brings a change.
    fn change_came(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        of: &GroupEnvelope,
        context: &GroupContext,
        signed: &SignedChange,
    ) -> Result<(), Error> {
        let about = MessageKey { from: envelope.from, id: envelope.id };
        let change = Change::decode(&signed.change).ok().filter(|change| change.by == envelope.from);
        // The server's count is its maker's: what it took as the next is the next, whatever it is.
        let next = of.change.is_some() && context.epoch.checked_add(1) == Some(of.epoch);
        let mut waiting = match &change {
            Some(change) if change.epoch == of.epoch || !next => WaitingChange::new(signed, change.epoch),
            None if !next => WaitingChange::default(),
            _ => {
                let nothing =
                    SignedChange { change: waxwing_wire::Bytes::new(), signature: signed.signature };
                WaitingChange::new(&nothing, of.epoch)
            }
        };
        waiting.live = next;
        waiting.public = of.change.as_ref().map(|public| write_public(of.group, public)).unwrap_or_default();
        if !next || change.is_none() {
            let disagrees = Notice::ServerDisagrees(envelope.from.account);
            self.group_notice(turn, of.group, about, disagrees, super::change::DISAGREES, 0)?;
        }
        self.forget_retry(turn, about);
        let Some(mut row) = turn.store.load::<GroupRow>(&Key::Group(of.group))? else {
            if self.is_own(envelope.from.account) && waiting.epoch == 1 {
                return self.created_elsewhere(turn, of.group, &waiting);
            }
            // Without the group there is nothing to change: whoever made it is asked for all of it.
            return self.plan_retry(turn, about, true, Some(of.group));
        };
        let ours = row.state()?.epoch;
        if waiting.epoch > ours {
            row.wait(waiting);
            turn.store.save(Key::Group(of.group), &row);
            return self.advance(turn, of.group);
        }
        self.compare_past(turn, of.group, about, &waiting)
    }

    /// A change for an epoch that is over: it should be the one that made it.
    fn compare_past(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        about: MessageKey,
        waiting: &WaitingChange,
    ) -> Result<(), Error> {
        let log: Option<LogRow> = turn.store.load(&Key::GroupLog(group, waiting.epoch))?;
        let differs = |log: &LogRow| log.is_whole() && log.change != waiting.change;
        if log.is_some_and(|log| differs(&log)) && waiting.live {
            let forked = Notice::GroupForked(about.from.account);
            self.group_notice(turn, group, about, forked, super::change::FORKED, 0)?;
        }
        Ok(())
    }

    // ------------------------------------------------------------ over sessions

    /// Takes what was decrypted from a session and concerns a group. The device belongs to its account.
    /// Whether that is all there is to it; if not, it is shown as something unknown.
    pub(crate) fn group_content(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<&Message>,
        content: &Content,
    ) -> Result<bool, Error> {
        let from = envelope.from;
        let about = MessageKey { from, id: envelope.id };
        if let ContentBody::Join(group, token) = &content.body {
            self.join_asked(turn, *group, *token, from.account)?;
            return Ok(true);
        }
        let Some(context) = content.group else { return Ok(true) };
        let group = context.group;
        if !self.believes_about(turn, &context, from, &content.body)? {
            match &content.body {
                ContentBody::SenderKey(key) => {
                    self.groups.early.keep(group, from, key, content.position);
                }
                ContentBody::Read(ids) => self.read_by(turn, ids, from.account)?,
                // It was asked for, and what is not known yet of the group may make its sender a member.
                ContentBody::Post(_) | ContentBody::Act(_) | ContentBody::Unknown => {
                    return self.sent_again(turn, envelope, known, content, &context);
                }
                _ => {}
            }
            return Ok(true);
        }
        match &content.body {
            ContentBody::SenderKey(key) => {
                let keys = (&key.distribution[..], key.light.as_ref());
                self.key_arrived(turn, group, from, keys, content.position)?;
            }
            ContentBody::Welcome(welcome) if welcome.state.group == group => {
                self.welcomed(turn, about, welcome)?;
            }
            ContentBody::CatchUp(changes) => self.changes_arrived(turn, group, from.account, changes)?,
            ContentBody::Change(signed) => {
                self.changes_arrived(turn, group, from.account, std::slice::from_ref(signed))?;
            }
            ContentBody::SharedHistory(messages) => {
                self.history_shared(turn, group, from.account, messages)?
            }
            ContentBody::Read(ids) => self.read_by(turn, ids, from.account)?,
            ContentBody::Post(_) | ContentBody::Act(_) | ContentBody::Unknown => {
                return self.sent_again(turn, envelope, known, content, &context);
            }
            _ => {}
        }
        self.compare_states(turn, about, &context)?;
        Ok(true)
    }

    /// Who was a member when a message was sent may say that it was seen, wherever the group stands for either
    /// by now: that is looked at with each message.
    fn read_by(&mut self, turn: &mut Turn<'_>, ids: &[MessageId], by: AccountId) -> Result<(), Error> {
        for id in ids {
            self.raise_own(turn, *id, None, by, Delivery::Read)?;
        }
        Ok(())
    }

    /// Members are believed about their group, and own devices; and a group may be told of by anybody.
    fn believes_about(
        &self,
        turn: &Turn<'_>,
        context: &GroupContext,
        from: DeviceAddress,
        body: &ContentBody,
    ) -> Result<bool, Error> {
        if self.is_own(from.account) || matches!(body, ContentBody::Welcome(_)) {
            return Ok(true);
        }
        let Some(state) = load_state(turn, context.group)? else { return Ok(false) };
        if state.member(from.account).is_some() {
            return Ok(true);
        }
        // Messages of somebody who has left since.
        let epoch = context.epoch.min(state.epoch);
        let past = matches!(body, ContentBody::Post(_) | ContentBody::Act(_) | ContentBody::Unknown);
        Ok(past && self.stood(turn, context.group, from.account, epoch)?.member)
    }

    /// A message to a group that this device had asked for comes over a session.
    fn sent_again(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        known: Option<&Message>,
        content: &Content,
        context: &GroupContext,
    ) -> Result<bool, Error> {
        let about = MessageKey { from: envelope.from, id: envelope.id };
        let group = context.group;
        // Only what was asked for: what comes unasked might be told to one member alone.
        let places = [Conversation::Group(group), Conversation::Account(envelope.from.account)];
        let asked = match &content.body {
            ContentBody::Act(_) => self.asks.get(&about).is_some_and(|ask| ask.group == Some(group)),
            _ => known.is_some_and(|message| places.contains(&message.with)),
        };
        if !asked {
            self.forget_retry(turn, about);
            return Ok(true);
        }
        let acts = matches!(content.body, ContentBody::Act(_));
        match self.judge_body(turn, envelope.from, context, &content.body)? {
            Judged::Taken if let ContentBody::Act(act) = &content.body => {
                self.compare_states(turn, about, context)?;
                self.act_in_group(turn, envelope, context, act)?;
            }
            Judged::Taken => {
                self.compare_states(turn, about, context)?;
                self.surface(turn, envelope, known.cloned(), content, context)?;
                self.forget_retry(turn, about);
            }
            Judged::TooEarly => {
                self.note_behind(turn, group, 0, context.epoch);
                self.plan_retry(turn, about, acts, Some(group))?;
            }
            Judged::Refused => self.refuse(turn, about, known.cloned())?,
        }
        Ok(true)
    }
}
