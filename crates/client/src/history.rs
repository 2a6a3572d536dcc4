//! What the user has seen.

use std::collections::BTreeMap;

use waxwing_wire::content::Conversation;
use waxwing_wire::limits::MAX_IDS_PER_RECEIPT;
use waxwing_wire::{AccountId, GroupId, MessageId};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::db::Key;
use crate::limits::{
    COMPANION_ORDER, MAX_OUTBOX, MAX_OUTBOX_SILENT, MAX_SEEN_BEFORE, MAX_UNREAD_PER_COMMAND,
};
use crate::privacy::{group_asked_by, load_privacy};
use crate::profile::is_accepted;
use crate::record::{Kind, OutboxRow};
use crate::row::{Body, Delivery, Direction};
use crate::turn::Turn;

impl Client {
    pub(crate) fn next_order(&mut self) -> u64 {
        let order = self.counters.next_order;
        self.counters.next_order = order.saturating_add(1);
        order
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
                // Its sender need not hear that nothing was seen; nor need other devices, which may have it.
                Body::Lost | Body::Notice(_) => {}
                Body::Post(_) | Body::Unknown | Body::Deleted | Body::Opened => {
                    read.entry(message.key.from.account).or_default().push(message.key.id);
                    seen.push(message.key);
                }
            }
            message.delivery = Delivery::Read;
            turn.event(Event::Delivery { message: message.key, with, delivery: Delivery::Read });
            turn.store.write_message(message);
        }
        self.send_receipts(turn, with, read)?;
        self.tell_read(turn, with, &seen)?;
        turn.done(command);
        Ok(())
    }

    /// Says to those who wrote it what the user has seen in a conversation, as far as they may know.
    fn send_receipts(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        read: BTreeMap<AccountId, Vec<MessageId>>,
    ) -> Result<(), Error> {
        let group = if let Conversation::Group(group) = with { Some(group) } else { None };
        let receipts = match group {
            Some(group) => group_asked_by(&turn.store, group)?.is_none(),
            None => load_privacy(&turn.store)?.receipts,
        };
        for (sender, ids) in read {
            // Whoever is blocked learns nothing, nor does somebody whom the user has not accepted.
            let known = group.is_some() || is_accepted(&turn.store, sender)?;
            if receipts && known && !crate::state::is_blocked(&turn.store, sender)? {
                self.send_read(turn, sender, group, &ids)?;
            }
        }
        Ok(())
    }

    /// Whether somebody has written whom the user has not accepted.
    pub(crate) fn is_request(&self, turn: &Turn<'_>, with: Conversation) -> Result<bool, Error> {
        Ok(match with {
            Conversation::Account(account) => !is_accepted(&turn.store, account)?,
            Conversation::Group(_) | Conversation::Status(_) => false,
        })
    }

    /// The user has said yes to what was a request until now: what was seen of it meanwhile, nobody has been told.
    pub(crate) fn tell_seen_before(&mut self, turn: &mut Turn<'_>, with: Conversation) -> Result<(), Error> {
        let mut seen: BTreeMap<AccountId, Vec<MessageId>> = BTreeMap::new();
        for message in turn.store.history(with, u64::MAX, MAX_SEEN_BEFORE)?.into_iter().rev() {
            let told = matches!(message.body, Body::Post(_) | Body::Unknown | Body::Deleted | Body::Opened);
            // What came out of a history its senders have heard of from where that came from.
            let came = self.counters.archive_order == 0 || message.order >= COMPANION_ORDER;
            let read = came && message.direction == Direction::Incoming && message.delivery == Delivery::Read;
            if told && read {
                seen.entry(message.key.from.account).or_default().push(message.key.id);
            }
        }
        self.send_receipts(turn, with, seen)
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
