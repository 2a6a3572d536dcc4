//! Messages to groups that came before what it takes to read them.
//!
//! A member whom this device has never met writes: its key is here, and the list that says whose device it is has
//! still to be fetched. Or the group has gone on, and the change is under way. The message is kept as it came and read
//! when that is here. Asking for it instead would have its sender encrypt it once more for every device in the group.

use std::collections::BTreeSet;

use waxwing_wire::server_frame::{Envelope, Item};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId};

use crate::client::{Client, Error};
use crate::db::Key;
use crate::limits::{KEPT_PAUSE_MS, MAX_HELD, MAX_KEPT_BYTES, MAX_RETRIES_PLANNED};
use crate::record::{Record as _, RetryRow};
use crate::retry::Ask;
use crate::row::MessageKey;
use crate::turn::Turn;

/// What may make readable what is kept.
#[derive(Default)]
pub(crate) struct News {
    /// Their lists came, or keys of their devices.
    pub accounts: BTreeSet<AccountId>,
    /// They have gone on, or are known now.
    pub groups: BTreeSet<GroupId>,
}

impl Client {
    /// Keeps a message that cannot be read yet, and asks for it only if that does not change soon. `false`: there is no
    /// room for it, or it has been asked for.
    pub(super) fn keep_envelope(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: &Envelope,
        group: GroupId,
    ) -> Result<bool, Error> {
        let key = MessageKey { from: envelope.from, id: envelope.id };
        let known = self.asks.get(&key).map(|ask| ask.kept);
        if known.is_some() || turn.store.load::<RetryRow>(&Key::Retry(key.from, key.id))?.is_some() {
            return Ok(known == Some(true));
        }
        let full = self.asks.len() >= MAX_RETRIES_PLANNED || self.kept_of(key.from.account) >= MAX_HELD;
        if full {
            return Ok(false);
        }
        let item = Item::Envelope(envelope.clone()).encode();
        if item.len() > MAX_KEPT_BYTES {
            return Ok(false);
        }
        let due = turn.now.plus(KEPT_PAUSE_MS);
        let row = RetryRow {
            due_ms: due.0,
            silent: envelope.silent,
            group: group.0.to_vec(),
            held_order: self.next_order(),
            envelope: item,
            ..RetryRow::default()
        };
        turn.store.save(Key::Retry(key.from, key.id), &row);
        let ask = Ask { due, attempts: 0, silent: envelope.silent, group: Some(group), kept: true };
        self.asks.insert(key, ask);
        Ok(true)
    }

    fn kept_of(&self, account: AccountId) -> usize {
        let first = DeviceAddress { account, device: DeviceId::PRIMARY };
        let of_account = self.asks.range(MessageKey { from: first, id: MessageId(0) }..);
        of_account.take_while(|(key, _)| key.from.account == account).filter(|(_, ask)| ask.kept).count()
    }

    /// Reads what was kept and may be readable by now, in the order in which it came.
    pub(super) fn read_kept(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        // One that is read may be what another waits for; each time there are fewer.
        while !self.groups.news.accounts.is_empty() || !self.groups.news.groups.is_empty() {
            let News { accounts, groups } = std::mem::take(&mut self.groups.news);
            let concerned = |(key, ask): &(&MessageKey, &Ask)| {
                let moved = ask.group.is_some_and(|group| groups.contains(&group));
                ask.kept && (moved || accounts.contains(&key.from.account))
            };
            let keys: Vec<MessageKey> = self.asks.iter().filter(concerned).map(|(key, _)| *key).collect();
            let mut kept = Vec::new();
            for key in keys {
                let row: Option<RetryRow> = turn.store.load(&Key::Retry(key.from, key.id))?;
                kept.extend(row.filter(|row| !row.envelope.is_empty()));
            }
            kept.sort_by_key(|row| row.held_order);
            for row in kept {
                let Ok(Item::Envelope(envelope)) = Item::decode(row.envelope.into()) else {
                    return Err(Error::Damaged(RetryRow::NAME));
                };
                let known = turn.store.message(&MessageKey { from: envelope.from, id: envelope.id })?;
                self.group_envelope(turn, &envelope, known)?;
            }
        }
        Ok(())
    }
}
