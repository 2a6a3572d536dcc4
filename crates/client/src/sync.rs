//! What the devices of one account tell each other, and ticks that come before their messages.

use waxwing_wire::content::{ArchivedBody, ArchivedMessage, Body as ContentBody, Conversation, Sync};
use waxwing_wire::limits::MAX_IDS_PER_RECEIPT;
use waxwing_wire::post::{ActBy, Post};
use waxwing_wire::{AccountId, Bytes, DeviceAddress, DeviceId, MessageId};

use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::{Key, Table};
use crate::limits::{MAX_MARKS, MAX_MARKS_PER_MESSAGE};
use crate::record::{Kind, MarkRow, OutboxRow, OwnPosition, PeerRow};
use crate::row::{Body, Delivery, Direction, Message, MessageKey};
use crate::sealing::payload;
use crate::turn::Turn;

/// A number that this build does not know is a tick all the same.
fn delivery_of(number: u32) -> Delivery {
    Delivery::from_number(number).unwrap_or(Delivery::Delivered)
}

/// A message as it travels.
pub(crate) fn archived(message: &Message) -> ArchivedMessage {
    ArchivedMessage {
        name: (message.key.from, message.key.id),
        conversation: message.with,
        sent_at_ms: message.sent_at_ms,
        stored_at_ms: message.stored_at_ms,
        delivery: message.delivery.number(),
        position: message.position,
        body: match &message.body {
            Body::Post(post) => ArchivedBody::Post(post.clone()),
            Body::Notice(notice) => ArchivedBody::Notice(Bytes::from(notice.encode())),
            Body::Waiting | Body::Lost => ArchivedBody::Lost,
            Body::Unknown => ArchivedBody::Unknown,
            // What disappears says for how long it stays. The act that comes with it leaves nothing else of it.
            Body::Deleted | Body::Opened if message.expires_at_ms > 0 => {
                let (lifetime_s, once) = (crate::act::lifetime_of(message), message.body == Body::Opened);
                ArchivedBody::Post(Box::new(Post { lifetime_s, once, ..Post::default() }))
            }
            Body::Deleted => ArchivedBody::Deleted,
            Body::Opened => ArchivedBody::Opened,
        },
        acts: Vec::new(),
        shown_to: Vec::new(),
    }
}

impl Client {
    /// What an archived message is in this device's history, at a place there.
    pub(crate) fn message_of(&self, archived: ArchivedMessage, order: u64) -> Message {
        let (from, id) = archived.name;
        let own = self.is_own(from.account);
        let body = match archived.body {
            ArchivedBody::Post(post) => Body::Post(post),
            ArchivedBody::Deleted => Body::Deleted,
            ArchivedBody::Opened => Body::Opened,
            ArchivedBody::Notice(bytes) => {
                crate::row::Notice::decode(&bytes).map_or(Body::Unknown, Body::Notice)
            }
            ArchivedBody::Lost => Body::Lost,
            ArchivedBody::Unknown => Body::Unknown,
        };
        let outgoing = own && !matches!(body, Body::Notice(_));
        let delivery = match delivery_of(archived.delivery) {
            // Whoever tells of it has it in its own outbox, or had.
            Delivery::Pending if outgoing => Delivery::Sent,
            delivery if outgoing => delivery,
            Delivery::Read => Delivery::Read,
            _ => Delivery::Delivered,
        };
        Message {
            key: MessageKey { from, id },
            with: archived.conversation,
            order,
            direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
            sent_at_ms: archived.sent_at_ms,
            stored_at_ms: archived.stored_at_ms,
            body,
            delivery,
            position: archived.position,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        }
    }

    /// The account has other devices, or may have: one that was approved is there before this device hears
    /// of it.
    pub(crate) fn has_others(&self, turn: &Turn<'_>) -> Result<bool, Error> {
        let listed = self.own_row(turn)?.list().map_or(0, |list| list.devices.len());
        let companion = self.address().is_some_and(|own| own.device != DeviceId::PRIMARY);
        Ok(listed > 1 || companion || self.awaits_device(turn)?)
    }

    /// Says something to all other devices of the account.
    pub(crate) fn tell_own(&mut self, turn: &mut Turn<'_>, body: &ContentBody) -> Result<(), Error> {
        let row =
            OutboxRow { kind: Kind::Sync as u32, payload: payload(body.clone()), ..OutboxRow::default() };
        self.enqueue_own(turn, row)
    }

    /// Tells the other devices of the account of a message that this one has sent, or given up.
    pub(crate) fn tell_sent(&mut self, turn: &mut Turn<'_>, id: MessageId) -> Result<(), Error> {
        // What it says is looked up when it is encrypted.
        let row = OutboxRow { kind: Kind::Sync as u32, ids: vec![id.0], ..OutboxRow::default() };
        self.enqueue_own(turn, row)
    }

    /// Tells the other devices of the account what the user has seen here.
    pub(crate) fn tell_read(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        read: &[MessageKey],
    ) -> Result<(), Error> {
        for chunk in read.chunks(MAX_IDS_PER_RECEIPT) {
            let names = chunk.iter().map(|key| (key.from, key.id)).collect();
            self.tell_own(turn, &ContentBody::Sync(Sync::Read(with, names)))?;
        }
        Ok(())
    }

    /// Makes the other devices of the account look at its list: every message says which one its sender knows.
    pub(crate) fn nudge_own(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        self.enqueue_own(turn, OutboxRow { kind: Kind::Renew as u32, ..OutboxRow::default() })
    }

    fn enqueue_own(&mut self, turn: &mut Turn<'_>, mut row: OutboxRow) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        if !self.has_others(turn)? {
            return Ok(());
        }
        row.to = own.account.0.to_vec();
        row.id = self.fresh_id(turn)?.0;
        row.sent_at_ms = turn.now.0;
        self.enqueue(turn, &row)?;
        Ok(())
    }

    /// Another device of the account says something.
    pub(crate) fn sync_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        sync: Sync,
    ) -> Result<(), Error> {
        match sync {
            Sync::Sent(message) => self.sent_elsewhere(turn, from, *message),
            Sync::Read(with, names) => {
                for (sender, id) in names {
                    self.read_elsewhere(turn, with, MessageKey { from: sender, id })?;
                }
                Ok(())
            }
            Sync::State(entries) => self.state_arrived(turn, &entries),
            Sync::Removed(device) => self.forget_device(turn, device),
            Sync::Hello(name) => self.companion_arrived(turn, from.device, name),
            Sync::Act(with, act) => {
                let doer = ActBy { by: from, act: *act };
                self.take_act(turn, with, doer, false, u64::MAX)?;
                Ok(())
            }
            Sync::Unknown => Ok(()),
        }
    }

    /// Another device of the account has sent a message: it is part of this history too.
    fn sent_elsewhere(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        archived: ArchivedMessage,
    ) -> Result<(), Error> {
        if archived.name.0 != from {
            return Ok(());
        }
        let peer = match archived.conversation {
            Conversation::Account(peer) => peer,
            Conversation::Status(_) => return self.shown_elsewhere(turn, archived),
            Conversation::Group(_) => return Ok(()),
        };
        let key = MessageKey { from, id: archived.name.1 };
        if let Some(known) = turn.store.message(&key)? {
            let delivery = delivery_of(archived.delivery);
            // It came with the archive, when it was not sent yet.
            if known.delivery == Delivery::Pending || delivery == Delivery::Failed {
                self.raise(turn, known, peer, delivery)?;
            }
            return Ok(());
        }
        if crate::state::is_deleted(&turn.store, &key, archived.conversation, archived.sent_at_ms)? {
            return Ok(());
        }
        if self.is_own(peer) {
            return self.noted_elsewhere(turn, archived);
        }
        let Some(mut row) = self.peer_row(turn, peer)? else { return Ok(()) };
        let own = self.address().map_or(DeviceId::PRIMARY, |own| own.device);
        let counted = row.count_own(key, archived.position, own < from.device);
        turn.store.save(Key::Peer(peer), &row);
        let missing = match counted {
            Counted::Missing(missing) => missing,
            Counted::Before(first) => {
                self.missed_first(turn, MessageKey { from, id: first })?;
                0
            }
        };
        let acts = archived.acts.clone();
        let mut message = self.message_of(archived, 0);
        message.order = self.next_order();
        message.stored_at_ms = turn.now.0;
        message.missing_before = missing;
        self.apply_mark(turn, &mut message)?;
        self.acts_archived(turn, &mut message, &acts)?;
        if missing > 0 {
            turn.event(Event::Gap { from, missing });
        }
        if !self.settle(turn, &mut message)? {
            return Ok(());
        }
        let (with, key) = (message.with, message.key);
        turn.show(message, false);
        self.tell_early_acts(turn, with, key)?;
        self.want_username(turn, peer)
    }

    /// The user has written something to themself on another device.
    fn noted_elsewhere(&mut self, turn: &mut Turn<'_>, archived: ArchivedMessage) -> Result<(), Error> {
        let acts = archived.acts.clone();
        let mut message = self.message_of(archived, 0);
        message.order = self.next_order();
        message.stored_at_ms = turn.now.0;
        message.delivery = Delivery::Read;
        self.acts_archived(turn, &mut message, &acts)?;
        if self.settle(turn, &mut message)? {
            turn.show(message, false);
        }
        Ok(())
    }

    fn read_elsewhere(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        key: MessageKey,
    ) -> Result<(), Error> {
        match turn.store.message(&key)? {
            Some(mut message) => {
                let unread = message.direction == Direction::Incoming && message.delivery != Delivery::Read;
                if message.with == with && unread {
                    message.delivery = Delivery::Read;
                    turn.event(Event::Delivery { message: key, with, delivery: Delivery::Read });
                    turn.store.write_message(message);
                }
                Ok(())
            }
            None => self.put_mark(turn, key, key.from.account, Delivery::Read),
        }
    }

    // ------------------------------------------------------------ marks

    /// An own message's mark goes by its id alone: whoever has seen it does not say which device sent it.
    fn mark_key(&self, key: MessageKey) -> Key {
        let from = match self.address() {
            Some(own) if own.account == key.from.account => {
                DeviceAddress { account: own.account, device: DeviceId::PRIMARY }
            }
            _ => key.from,
        };
        Key::Mark(from, key.id)
    }

    /// Remembers a tick, or that the user has seen it, of a message that is not here yet.
    pub(crate) fn put_mark(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        by: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        // With one device every message is here that anybody could know of.
        if !self.has_others(turn)? {
            return Ok(());
        }
        let place = self.mark_key(key);
        let number = delivery.number();
        let mut mark = MarkRow { delivery: number, by: by.0.to_vec(), others: Vec::new() };
        match turn.store.load::<MarkRow>(&place)? {
            Some(mut row) if row.by != mark.by => {
                row.put_other(by, number);
                mark = row;
            }
            Some(row) if row.delivery >= number => return Ok(()),
            Some(row) => mark.others.clone_from(&row.others),
            None => {
                if self.counters.marks >= MAX_MARKS {
                    let victim = turn.store.rows(Table::Mark, &[], &[0xff; 26], 1)?;
                    for (bytes, _) in victim {
                        if let Some(key) = MessageKey::parse(&bytes) {
                            turn.store.delete(Key::Mark(key.from, key.id));
                            self.counters.marks = self.counters.marks.saturating_sub(1);
                        }
                    }
                }
                self.counters.marks += 1;
            }
        }
        turn.store.save(place, &mark);
        Ok(())
    }

    /// What is known of a message to a group that is about to be part of the history, by member.
    pub(crate) fn group_marks(
        &self,
        turn: &Turn<'_>,
        key: MessageKey,
    ) -> Result<Vec<(AccountId, Delivery)>, Error> {
        let Some(mark) = turn.store.load::<MarkRow>(&self.mark_key(key))? else { return Ok(Vec::new()) };
        let first = (mark.by.as_slice(), mark.delivery);
        let others = mark.others.iter().filter_map(|other| {
            let (number, account) = other.split_last()?;
            Some((account, u32::from(*number)))
        });
        let read = |(account, number): (&[u8], u32)| {
            Some((AccountId(account.try_into().ok()?), delivery_of(number)))
        };
        Ok(std::iter::once(first).chain(others).filter_map(read).collect())
    }

    /// A message is about to be part of the history: what was known of it before holds.
    pub(crate) fn apply_mark(&mut self, turn: &mut Turn<'_>, message: &mut Message) -> Result<(), Error> {
        let place = self.mark_key(message.key);
        let Some(mark) = turn.store.load::<MarkRow>(&place)? else { return Ok(()) };
        turn.store.delete(place);
        self.counters.marks = self.counters.marks.saturating_sub(1);
        let delivery = delivery_of(mark.delivery);
        let meant = match (message.direction, message.with) {
            (Direction::Incoming, _) => delivery == Delivery::Read,
            (Direction::Outgoing, Conversation::Account(with)) => mark.by == with.0,
            (Direction::Outgoing, Conversation::Group(_) | Conversation::Status(_)) => false,
        };
        if meant && (message.delivery < delivery || message.delivery == Delivery::Failed) {
            message.delivery = delivery;
            if let (Direction::Outgoing, Conversation::Account(with)) = (message.direction, message.with) {
                self.note_receipt(turn, message.key.id, with, delivery)?;
            }
        }
        Ok(())
    }

    /// The devices of the account that may have sent a message.
    pub(crate) fn own_addresses(&self, turn: &Turn<'_>) -> Result<Vec<DeviceAddress>, Error> {
        let Some(own) = self.address() else { return Ok(Vec::new()) };
        let mut addresses = vec![own];
        for entry in &self.own_row(turn)?.devices {
            if let Some(device) = entry.id().filter(|device| *device != own.device) {
                addresses.push(DeviceAddress { account: own.account, device });
            }
        }
        Ok(addresses)
    }
}

/// What a position says.
enum Counted {
    /// So many messages are missing before this one.
    Missing(u64),
    /// It was missing before that one, the first that was heard of.
    Before(MessageId),
}

impl MarkRow {
    fn put_other(&mut self, by: AccountId, number: u32) {
        let entry = [&by.0[..], &[u8::try_from(number).unwrap_or(0)]].concat();
        let room = self.others.len() < MAX_MARKS_PER_MESSAGE;
        match self.others.iter_mut().find(|other| other.starts_with(&by.0)) {
            Some(other) if other.last() < entry.last() => *other = entry,
            Some(_) => {}
            None if room => self.others.push(entry),
            None => {}
        }
    }
}

impl PeerRow {
    /// Notices what is missing before a message that another device of the own account has sent to this peer.
    /// `later`: that device is younger than this one, which has thus heard everything from the first on.
    fn count_own(&mut self, key: MessageKey, position: u64, later: bool) -> Counted {
        let number = u32::from(key.from.device.number());
        if !self.own_positions.iter().any(|known| known.device == number) {
            let before = if later { 0 } else { position.saturating_sub(1) };
            let first = if later { 0 } else { position };
            self.own_positions.push(OwnPosition {
                device: number,
                position: before,
                first,
                first_id: key.id.0,
            });
            if self.own_positions.len() > crate::limits::MAX_DEVICES_KEPT {
                self.own_positions.remove(0);
            }
        }
        let Some(known) = self.own_positions.iter_mut().find(|known| known.device == number) else {
            return Counted::Missing(0);
        };
        if position < known.first {
            return Counted::Before(MessageId(known.first_id));
        }
        let Some(ahead) = position.checked_sub(known.position).filter(|ahead| *ahead > 0) else {
            return Counted::Missing(0);
        };
        known.position = position;
        Counted::Missing(ahead - 1)
    }
}
