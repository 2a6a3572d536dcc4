//! Messages that could not be decrypted: asking for them again, and sending again what is asked for.

use std::collections::BTreeMap;

use waxwing_wire::content::Conversation;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId};

use crate::Time;
use crate::client::{Client, Error};
use crate::db::{Key, RawRow, Read, Table};
use crate::devices::load_devices;
use crate::limits::{
    ACTS_KEPT, HOLD_MS, MAX_RESENDS, MAX_RETRIES, MAX_RETRIES_PER_STEP, MAX_RETRIES_PLANNED,
    RENEWAL_PAUSE_MS, RESEND_AGE_MS, RETRY_FAILED_MS, RETRY_SILENCE_MS, SILENT_KEPT,
};
use crate::overlay::Overlay;
use crate::record::{Kind, OutboxRow, Record as _, RetryRow, SentRow};
use crate::row::{Body, MessageKey};
use crate::turn::Turn;

/// A message that is going to be asked for.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    /// When.
    pub due: Time,
    /// Times it has been asked for.
    pub attempts: u32,
    /// It is not part of the history.
    pub silent: bool,
    /// It came in this group.
    pub group: Option<GroupId>,
    /// It is here, and may become readable.
    pub kept: bool,
}

fn pause_ms(table: &[u64], attempts: u32) -> u64 {
    usize::try_from(attempts).ok().and_then(|at| table.get(at)).copied().unwrap_or(0)
}

/// Where the silent messages that can be sent again are kept.
pub(crate) fn open_silent(db: &dyn Read) -> Result<BTreeMap<MessageId, u16>, Error> {
    let rows = db.rows(Table::Sent, &[1], &[2], usize::from(SILENT_KEPT) + usize::from(ACTS_KEPT))?;
    let slot = |(key, value): RawRow| match key.as_slice() {
        [1, high, low] => Ok((MessageId(SentRow::unpack(&value)?.id), u16::from_be_bytes([*high, *low]))),
        _ => Err(Error::Damaged(SentRow::NAME)),
    };
    rows.into_iter().map(slot).collect()
}

fn is_unheard_of(store: &Overlay<'_>, device: DeviceAddress) -> Result<bool, Error> {
    let devices = load_devices(store, device.account)?;
    Ok(devices.version > 0 && devices.get(device.device).is_none_or(|entry| !entry.active))
}

/// The account of the one device that a row of the outbox goes to, if nobody here has heard of that yet: an earlier
/// process was about to ask.
pub(crate) fn unheard_of(db: &dyn Read, row: &OutboxRow) -> Result<Option<AccountId>, Error> {
    let device = u8::try_from(row.only).ok().and_then(DeviceId::new).filter(|_| !row.is_sealed());
    let Some((device, Conversation::Account(account))) = device.zip(Some(row.target()?)) else {
        return Ok(None);
    };
    let unheard_of = is_unheard_of(&Overlay::new(db), DeviceAddress { account, device })?;
    Ok(unheard_of.then_some(account))
}

impl SentRow {
    /// Counts that it is sent again, and makes the row for the outbox.
    pub(crate) fn again(&mut self, attempt: u32) -> OutboxRow {
        self.resends += 1;
        // Two devices may ask for the same attempt; the server takes each number once.
        self.attempt = attempt.max(self.attempt.saturating_add(1));
        OutboxRow {
            kind: self.kind,
            to: self.to.clone(),
            id: self.id,
            attempt: self.attempt,
            sent_at_ms: self.sent_at_ms,
            position: self.position,
            ids: self.ids.clone(),
            group: self.group.clone(),
            payload: self.payload.clone(),
            only: self.only,
            epoch: self.epoch,
            state: self.state.clone(),
            resend: true,
            ..OutboxRow::default()
        }
    }
}

impl Client {
    // ------------------------------------------------------------ asking

    /// Plans what an earlier connection or process has left.
    pub(crate) fn plan_retries(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let rows = turn.store.rows(Table::Retry, &[], &[0xff; 26], MAX_RETRIES_PLANNED)?;
        for (key, value) in rows {
            let key = MessageKey::parse(&key).ok_or(Error::Damaged(RetryRow::NAME))?;
            let row = RetryRow::unpack(&value)?;
            let kept = !row.envelope.is_empty();
            if kept || !row.held.is_empty() {
                self.refetch.insert(key.from.account);
            }
            let ask = Ask {
                due: Time(row.due_ms),
                attempts: row.attempts,
                silent: row.silent,
                group: row.group(),
                kept,
            };
            if self.asks.len() < MAX_RETRIES_PLANNED {
                self.asks.entry(key).or_insert(ask);
            }
        }
        Ok(())
    }

    /// A message could not be decrypted: for the first time, or again.
    pub(crate) fn plan_retry(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        silent: bool,
        group: Option<GroupId>,
    ) -> Result<(), Error> {
        let planned = self.asks.get(&key).copied();
        let stored = || turn.store.load::<RetryRow>(&Key::Retry(key.from, key.id));
        let attempts = match planned {
            Some(ask) => ask.attempts,
            None => stored()?.map_or(0, |row| row.attempts),
        };
        let due = turn.now.plus(pause_ms(&RETRY_FAILED_MS, attempts));
        self.put_ask(turn, key, Ask { due, attempts, silent, group, kept: false });
        Ok(())
    }

    fn put_ask(&mut self, turn: &mut Turn<'_>, key: MessageKey, ask: Ask) {
        // What nobody sees can be lost as well: an edit, a deletion. A flood of it is remembered in part.
        let room = self.asks.len() < MAX_RETRIES_PLANNED || self.asks.contains_key(&key);
        if !ask.silent || room || self.is_own(key.from.account) {
            let row = RetryRow {
                attempts: ask.attempts,
                due_ms: ask.due.0,
                silent: ask.silent,
                group: ask.group.map(|group| group.0.to_vec()).unwrap_or_default(),
                ..RetryRow::default()
            };
            turn.store.save(Key::Retry(key.from, key.id), &row);
        }
        if room {
            self.asks.insert(key, ask);
        }
    }

    /// A message is there, or given up: it is not asked for any more.
    pub(crate) fn forget_retry(&mut self, turn: &mut Turn<'_>, key: MessageKey) {
        self.asks.remove(&key);
        turn.store.delete(Key::Retry(key.from, key.id));
    }

    /// Asks for what is due.
    pub(crate) fn ask_again(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if self.link.online().is_none() {
            return Ok(());
        }
        let due = self.asks.iter().filter(|(_, ask)| ask.due <= turn.now);
        let due: Vec<_> = due.map(|(key, ask)| (*key, *ask)).take(MAX_RETRIES_PER_STEP).collect();
        for (key, ask) in due {
            if ask.attempts >= MAX_RETRIES {
                self.give_up(turn, key)?;
                continue;
            }
            let attempts = ask.attempts + 1;
            if let Some(mut row) = turn.store.load::<RetryRow>(&Key::Retry(key.from, key.id))?
                && !row.held.is_empty()
            {
                // It is here; what lacks is the word of its account.
                let due = turn.now.plus(pause_ms(&RETRY_SILENCE_MS, attempts));
                (row.attempts, row.due_ms) = (attempts, due.0);
                turn.store.save(Key::Retry(key.from, key.id), &row);
                self.asks.insert(key, Ask { due, attempts, ..ask });
                self.refetch.insert(key.from.account);
                continue;
            }
            if ask.attempts == 0 {
                self.wants_device(turn, key.from)?;
            }
            let id = self.fresh_id(turn)?;
            let epoch = match ask.group {
                Some(group) => self.group_context(turn, group)?.map_or(0, |context| context.epoch),
                None => 0,
            };
            let row = OutboxRow {
                kind: Kind::Retry as u32,
                to: key.from.account.0.to_vec(),
                id: id.0,
                sent_at_ms: turn.now.0,
                ids: vec![key.id.0],
                asked: attempts,
                only: key.from.device.number().into(),
                group: ask.group.map(|group| group.0.to_vec()).unwrap_or_default(),
                position: epoch,
                ..OutboxRow::default()
            };
            let ask = Ask { kept: false, ..ask };
            let next = if self.enqueue(turn, &row)? {
                let due = turn.now.plus(pause_ms(&RETRY_SILENCE_MS, attempts));
                Ask { due, attempts, ..ask }
            } else {
                Ask { due: turn.now.plus(HOLD_MS), ..ask }
            };
            self.put_ask(turn, key, next);
        }
        Ok(())
    }

    /// Nobody is asked, nor told what they ask for, who is not known to be there: a device that has just been linked
    /// may write before anybody has heard of it.
    pub(crate) fn wants_device(&mut self, turn: &Turn<'_>, device: DeviceAddress) -> Result<(), Error> {
        if is_unheard_of(&turn.store, device)? {
            self.refetch.insert(device.account);
        }
        Ok(())
    }

    fn give_up(&mut self, turn: &mut Turn<'_>, key: MessageKey) -> Result<(), Error> {
        self.forget_retry(turn, key);
        if let Some(mut message) = turn.store.message(&key)?
            && message.body == Body::Waiting
        {
            message.body = Body::Lost;
            self.apply_acts(turn, &mut message)?;
            turn.show(message, true);
        }
        Ok(())
    }

    /// When [`Self::ask_again`] has something to do.
    pub(crate) fn ask_at(&self) -> Option<Time> {
        self.asks.values().map(|ask| ask.due).min()
    }

    /// A clock that went back must not put anything off for longer than the longest pause.
    pub(crate) fn mend_asks(&mut self, now: Time) {
        let latest = now.plus(RETRY_SILENCE_MS.iter().copied().max().unwrap_or(0));
        for ask in self.asks.values_mut() {
            ask.due = ask.due.min(latest);
        }
    }

    // ------------------------------------------------------------ sending again

    /// The server has taken a message: keeps what it takes to send it again.
    pub(crate) fn remember_sent(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        let key = match Kind::read(row.kind)? {
            Kind::Retry => return Ok(()),
            Kind::Text | Kind::Archive | Kind::Status => Key::Sent(MessageId(row.id)),
            kind => {
                // Two rings of places, so that receipts do not drive out what people do.
                let (counter, ring, first) = match kind {
                    Kind::Act => (&mut self.counters.acts_sent, ACTS_KEPT, SILENT_KEPT),
                    _ => (&mut self.counters.silent_sent, SILENT_KEPT, 0),
                };
                let slot = first + u16::try_from(*counter % u64::from(ring)).unwrap_or(0);
                *counter = counter.wrapping_add(1);
                self.silent.retain(|_, taken| *taken != slot);
                self.silent.insert(MessageId(row.id), slot);
                Key::Silent(slot)
            }
        };
        let sent = SentRow {
            kind: row.kind,
            to: row.to.clone(),
            id: row.id,
            sent_at_ms: row.sent_at_ms,
            position: row.position,
            ids: row.ids.clone(),
            attempt: row.attempt,
            resends: 0,
            group: row.group.clone(),
            payload: row.payload.clone(),
            only: row.only,
            epoch: row.epoch,
            state: row.state.clone(),
        };
        turn.store.save(key, &sent);
        Ok(())
    }

    /// A device asks for a message of this device again.
    pub(crate) fn retry_asked(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        id: MessageId,
        attempt: u32,
    ) -> Result<(), Error> {
        if attempt == 0 || attempt > MAX_RETRIES {
            return Ok(());
        }
        if let Some(order) = self.outbox.order_of(id) {
            let mut row = self.outbox_row(turn, order)?;
            // One attempt is under way at a time, so that an answer of the server names one.
            // What goes to a group has no account, and is asked for as such.
            let theirs = row.target()? == Conversation::Account(from.account);
            if theirs && row.kind != Kind::Retry as u32 {
                self.renew_session(turn, from)?;
                if !row.copies.is_empty() && !row.resend {
                    row.again = row.again.max(attempt);
                    turn.store.save(Key::Outbox(order), &row);
                }
            }
            return Ok(());
        }
        let Some((_, sent)) = self.load_sent(turn, id)? else {
            // It may have been what told who the user is.
            return self.doubt_told(turn, from.account);
        };
        if sent.to == from.account.0 {
            self.renew_session(turn, from)?;
            self.resend(turn, id, attempt, Some(from.device))?;
        } else if let (true, Ok(group)) = (sent.to.is_empty(), sent.group.as_slice().try_into()) {
            // A message to a group was sent again over the session, and could not be read there either by a device
            // that has forgotten since in which group it had asked for it.
            self.renew_session(turn, from)?;
            self.resend_to_member(turn, from, id, attempt, GroupId(group))?;
        }
        Ok(())
    }

    pub(crate) fn load_sent(&self, turn: &Turn<'_>, id: MessageId) -> Result<Option<(Key, SentRow)>, Error> {
        let key = match self.silent.get(&id) {
            Some(slot) => Key::Silent(*slot),
            None => Key::Sent(id),
        };
        Ok(turn.store.load(&key)?.map(|row| (key, row)))
    }

    /// Puts a message that the server has taken into the outbox again, to be encrypted anew.
    /// `only`: for this device.
    pub(crate) fn resend(
        &mut self,
        turn: &mut Turn<'_>,
        id: MessageId,
        attempt: u32,
        only: Option<DeviceId>,
    ) -> Result<(), Error> {
        let Some((key, mut sent)) = self.load_sent(turn, id)? else { return Ok(()) };
        if sent.resends >= MAX_RESENDS || turn.now.0.saturating_sub(sent.sent_at_ms) > RESEND_AGE_MS {
            return Ok(());
        }
        let only = only.map_or(sent.only, |device| device.number().into());
        let row = OutboxRow { only, ..sent.again(attempt) };
        if self.enqueue(turn, &row)? {
            turn.store.save(key, &sent);
        }
        Ok(())
    }

    /// The device cannot read what this device writes in their session: another is made for the next
    /// message. Not more often than a device can be wrong in good faith, since each takes a bundle.
    fn renew_session(&mut self, turn: &mut Turn<'_>, device: DeviceAddress) -> Result<(), Error> {
        let mut devices = load_devices(&turn.store, device.account)?;
        let Some(entry) = devices.find(device.device).filter(|entry| entry.active) else {
            self.refetch.insert(device.account);
            return Ok(());
        };
        if entry.renewed_at_ms > 0 && turn.now.0.abs_diff(entry.renewed_at_ms) < RENEWAL_PAUSE_MS {
            return Ok(());
        }
        entry.renewed_at_ms = turn.now.0.max(1);
        turn.store.save(Key::Devices(device.account), &devices);
        self.retire_session(turn, device)
    }
}
