//! What the user writes and reads.

use std::collections::BTreeMap;

use waxwing_wire::content::Conversation;
use waxwing_wire::limits::{MAX_IDS_PER_RECEIPT, MAX_TEXT_BYTES};
use waxwing_wire::{AccountId, GroupId, MessageId};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::db::Key;
use crate::limits::{MAX_OUTBOX, MAX_OUTBOX_SILENT, MAX_UNREAD_PER_COMMAND};
use crate::record::{Kind, OutboxRow, PeerRow};
use crate::row::{Body, Delivery, Direction, Message, MessageKey};
use crate::turn::Turn;

impl Client {
    pub(crate) fn next_order(&mut self) -> u64 {
        let order = self.counters.next_order;
        self.counters.next_order = order.saturating_add(1);
        order
    }

    pub(crate) fn send_text(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        to: AccountId,
        text: &str,
    ) -> Result<(), Error> {
        let room = self.room_for(1);
        match self.check_text(turn, to, text)?.or(room) {
            Some(failure) => turn.failed(command, failure),
            None => {
                let message = self.write_text(turn, to, text)?;
                turn.event(Event::Done { command, message, peer: None });
            }
        }
        Ok(())
    }

    /// Writes to everybody on a list, each alone: to all of them or, if something is wrong, to nobody.
    pub(crate) fn send_to_list(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        list: [u8; 16],
        text: &str,
    ) -> Result<(), Error> {
        let Some(list) = crate::state::list(&turn.store, list)? else {
            return fail(turn, command, Failure::UnknownList);
        };
        let mut failure = self.room_for(list.members.len() as u64);
        for member in &list.members {
            failure = failure.or(self.check_text(turn, *member, text)?);
        }
        if let Some(failure) = failure {
            return fail(turn, command, failure);
        }
        for member in list.members {
            self.write_text(turn, member, text)?;
        }
        turn.done(command);
        Ok(())
    }

    fn room_for(&self, messages: u64) -> Option<Failure> {
        (self.outbox.len().saturating_add(messages) > MAX_OUTBOX).then_some(Failure::OutboxFull)
    }

    /// Why a text cannot be written to an account, if so.
    fn check_text(&self, turn: &Turn<'_>, to: AccountId, text: &str) -> Result<Option<Failure>, Error> {
        let known = turn.store.load::<PeerRow>(&Key::Peer(to))?.is_some();
        Ok(if self.address().is_none() {
            Some(Failure::NotRegistered)
        } else if !known {
            Some(Failure::UnknownContact)
        } else if text.trim().is_empty() {
            Some(Failure::Empty)
        } else if text.len() > MAX_TEXT_BYTES {
            Some(Failure::TooLong { limit_bytes: MAX_TEXT_BYTES })
        } else {
            None
        })
    }

    /// A message in the history and a row in the outbox.
    fn write_text(
        &mut self,
        turn: &mut Turn<'_>,
        to: AccountId,
        text: &str,
    ) -> Result<Option<MessageKey>, Error> {
        let Some(from) = self.address() else { return Ok(None) };
        let key = MessageKey { from, id: self.fresh_id(turn)? };
        let mut peer: PeerRow = turn.store.load(&Key::Peer(to))?.unwrap_or_default();
        peer.written = peer.written.saturating_add(1);
        turn.store.save(Key::Peer(to), &peer);
        let row = OutboxRow {
            kind: Kind::Text as u32,
            to: to.0.to_vec(),
            id: key.id.0,
            sent_at_ms: turn.now.0,
            position: peer.written,
            ..OutboxRow::default()
        };
        self.enqueue(turn, &row)?;
        self.wrote(turn, key, Conversation::Account(to), peer.written, text.into());
        Ok(Some(key))
    }

    /// A text of the user's goes into the history.
    pub(crate) fn wrote(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        with: Conversation,
        position: u64,
        text: String,
    ) {
        let message = Message {
            key,
            with,
            order: self.next_order(),
            direction: Direction::Outgoing,
            sent_at_ms: turn.now.0,
            stored_at_ms: turn.now.0,
            body: Body::Text(text),
            delivery: Delivery::Pending,
            position,
            missing_before: 0,
        };
        turn.show(message, false);
    }

    pub(crate) fn mark_read(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        with: Conversation,
        up_to: u64,
    ) -> Result<(), Error> {
        if self.address().is_none() {
            return fail(turn, command, Failure::NotRegistered);
        }
        let chunks = MAX_UNREAD_PER_COMMAND.div_ceil(MAX_IDS_PER_RECEIPT) as u64;
        if self.outbox.len() + chunks > MAX_OUTBOX + MAX_OUTBOX_SILENT {
            return fail(turn, command, Failure::OutboxFull);
        }
        let mut seen = Vec::new();
        let mut read: BTreeMap<AccountId, Vec<MessageId>> = BTreeMap::new();
        for mut message in turn.store.unread(with, up_to, MAX_UNREAD_PER_COMMAND)? {
            match message.body {
                // Its content was not seen yet.
                Body::Waiting => continue,
                // Its sender need not hear that nothing was seen.
                Body::Lost | Body::Notice(_) => {}
                Body::Text(_) | Body::Unknown => {
                    read.entry(message.key.from.account).or_default().push(message.key.id)
                }
            }
            message.delivery = Delivery::Read;
            seen.push(message.key);
            turn.event(Event::Delivery { message: message.key, with, delivery: Delivery::Read });
            turn.store.write_message(message);
        }
        let group = if let Conversation::Group(group) = with { Some(group) } else { None };
        for (sender, ids) in read {
            // Whoever is blocked learns nothing.
            if !crate::state::is_blocked(&turn.store, sender)? {
                self.send_read(turn, sender, group, &ids)?;
            }
        }
        self.tell_read(turn, with, &seen)?;
        turn.done(command);
        Ok(())
    }

    fn send_read(
        &mut self,
        turn: &mut Turn<'_>,
        to: AccountId,
        group: Option<GroupId>,
        ids: &[MessageId],
    ) -> Result<(), Error> {
        let group = group.map(|group| group.0.to_vec()).unwrap_or_default();
        let mut ids: Vec<u64> = ids.iter().map(|id| id.0).collect();
        // One that still waits takes what fits.
        if let Some((order, place)) = self.outbox.last_unsealed(to)
            && place.kind == Kind::Read
            && !self.link.up().is_some_and(|up| up.flight.contains_key(&place.id))
        {
            let mut row = self.outbox_row(turn, order)?;
            if !row.resend && row.group == group && row.ids.len() + ids.len() <= MAX_IDS_PER_RECEIPT {
                row.ids.append(&mut ids);
                turn.store.save(Key::Outbox(order), &row);
            }
        }
        for chunk in ids.chunks(MAX_IDS_PER_RECEIPT) {
            let id = self.fresh_id(turn)?;
            let row = OutboxRow {
                kind: Kind::Read as u32,
                to: to.0.to_vec(),
                id: id.0,
                sent_at_ms: turn.now.0,
                ids: chunk.to_vec(),
                group: group.clone(),
                ..OutboxRow::default()
            };
            self.enqueue(turn, &row)?;
        }
        Ok(())
    }
}

fn fail(turn: &mut Turn<'_>, command: CommandId, failure: Failure) -> Result<(), Error> {
    turn.failed(command, failure);
    Ok(())
}
