//! Groups that have gone on without this device, and others whom this device helps to follow.
//!
//! Whoever misses changes asks with a retry request that names the epoch up to which it knows the group, and
//! gets the signed changes since then, or, if it does not know the group at all, its state.

use waxwing_wire::content::Body as ContentBody;
use waxwing_wire::group::{GroupId, GroupState, GroupWelcome, SignedChange};
use waxwing_wire::limits::{MAX_CHANGES_PER_CATCH_UP, MAX_GROUP_MEMBERS};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId};

use super::record::{GroupRow, LogRow, TallyRow, WaitingChange};
use super::send::load_state;
use crate::Time;
use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::{Key, Table};
use crate::limits::{
    CATCH_UP_MS, MAX_CATCH_UP_BYTES, MAX_CATCH_UPS, MAX_CATCH_UPS_ANSWERED, MAX_CHANGES_LOGGED,
    MAX_EARLY_ASKS, MAX_GROUP_RESENDS, MAX_GROUPS, MAX_RETRIES, RENEWAL_PAUSE_MS, RESEND_AGE_MS,
};
use crate::record::{EarlyAsk, Kind, OutboxRow, Record as _};
use crate::row::{MessageKey, Notice};
use crate::sealing::payload;
use crate::turn::Turn;

/// A group that has gone on.
#[derive(Clone, Copy)]
pub(crate) struct Behind {
    /// To this epoch, as far as is known.
    pub epoch: u64,
    /// When somebody is asked, or asked again.
    due: Time,
    /// Times that somebody was.
    asked: u32,
}

impl Client {
    // ------------------------------------------------------------ asking

    /// A group is known to be further than this device. What is missing is probably under way; if it does
    /// not come, members are asked, one after the other.
    pub(crate) fn note_behind(&mut self, turn: &Turn<'_>, group: GroupId, ours: u64, theirs: u64) {
        if theirs <= ours {
            if self.groups.behind.get(&group).is_some_and(|behind| behind.epoch <= ours) {
                self.groups.behind.remove(&group);
            }
            return;
        }
        let first = Behind { epoch: theirs, due: turn.now.plus(pause_ms(0)), asked: 0 };
        let behind = self.groups.behind.entry(group).or_insert(first);
        behind.epoch = behind.epoch.max(theirs);
    }

    /// Asks for what is missing and did not come.
    pub(crate) fn ask_for_changes(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if self.link.online().is_none() {
            return Ok(());
        }
        let now = turn.now;
        let due: Vec<_> = self.groups.behind.iter().filter(|(_, behind)| behind.due <= now).collect();
        let due: Vec<_> = due.into_iter().map(|(group, behind)| (*group, *behind)).collect();
        for (group, behind) in due {
            let whom = self.who_may_know(turn, group)?;
            let turns = usize::try_from(behind.asked).unwrap_or(usize::MAX);
            let Some(account) = whom.get(turns.checked_rem(whom.len()).unwrap_or(0)).copied() else {
                self.groups.behind.remove(&group);
                continue;
            };
            if behind.asked >= MAX_CATCH_UPS {
                // Nobody helps: what waits is tried, and the server says again what it thinks.
                self.groups.behind.remove(&group);
                continue;
            }
            self.ask_for_changes_of(turn, group, account)?;
            let next =
                Behind { due: now.plus(pause_ms(behind.asked + 1)), asked: behind.asked + 1, ..behind };
            self.groups.behind.insert(group, next);
        }
        Ok(())
    }

    pub(super) fn ask_for_changes_of(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        account: AccountId,
    ) -> Result<(), Error> {
        let row = OutboxRow {
            kind: Kind::Retry as u32,
            to: account.0.to_vec(),
            group: group.0.to_vec(),
            id: self.fresh_id(turn)?.0,
            sent_at_ms: turn.now.0,
            ids: vec![0],
            asked: 1,
            position: load_state(turn, group)?.map_or(0, |state| state.epoch),
            ..OutboxRow::default()
        };
        self.enqueue(turn, &row)?;
        Ok(())
    }

    /// When [`Self::ask_for_changes`] has something to do.
    pub(crate) fn ask_for_changes_at(&self) -> Option<Time> {
        self.groups.behind.values().map(|behind| behind.due).min()
    }

    /// Whose word on missing changes is worth most, first: own devices, admins, other members.
    pub(super) fn who_may_know(&self, turn: &Turn<'_>, group: GroupId) -> Result<Vec<AccountId>, Error> {
        let (Some(state), Some(own)) = (load_state(turn, group)?, self.address()) else {
            return Ok(Vec::new());
        };
        let mut whom = Vec::new();
        if self.has_others(turn)? {
            whom.push(own.account);
        }
        let others = || state.members.iter().filter(|member| member.account != own.account);
        whom.extend(others().filter(|member| member.admin).map(|member| member.account));
        whom.extend(others().filter(|member| !member.admin).map(|member| member.account));
        Ok(whom)
    }

    // ------------------------------------------------------------ helping

    /// A device could not read a message of this device to a group, which it knows up to that epoch.
    pub(crate) fn group_retry_asked(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        id: MessageId,
        attempt: u32,
        (group, epoch): (GroupId, u64),
    ) -> Result<(), Error> {
        if attempt == 0 || attempt > MAX_RETRIES {
            return Ok(());
        }
        let Some(state) = load_state(turn, group)? else { return Ok(()) };
        let own_member = self.address().is_some_and(|own| state.member(own.account).is_some());
        let asker = state.member(from.account).is_some();
        // Whoever has left may be the only one who knows of it: an older copy of a member's asks for that change.
        let past = (1..state.epoch).contains(&epoch);
        let up_to = match asker {
            true if own_member || past => Some(state.epoch),
            false if past => self.left_by(turn, &state, from.account, epoch)?,
            _ => None,
        };
        if let Some(up_to) = up_to
            && self.may_be_answered(turn, group, from)
        {
            match epoch {
                0 => self.send_welcome(turn, group, from.account)?,
                known if known < up_to => self.send_changes(turn, group, (known, up_to), from.account)?,
                _ => {}
            }
            if asker && own_member && id.0 != 0 {
                self.give_key_again(turn, group, from, id)?;
            }
        }
        if id.0 == 0 { Ok(()) } else { self.resend_to_member(turn, from, id, attempt, group) }
    }

    /// The change that put out an account which was a member at an epoch: it was to learn that one, and none
    /// after it.
    fn left_by(
        &self,
        turn: &Turn<'_>,
        state: &GroupState,
        account: AccountId,
        known: u64,
    ) -> Result<Option<u64>, Error> {
        if !self.stood(turn, state.group, account, known)?.member {
            return Ok(None);
        }
        let logged = state.epoch.saturating_sub(MAX_CHANGES_LOGGED);
        for epoch in known.max(logged).saturating_add(1)..=state.epoch {
            if !self.stood(turn, state.group, account, epoch)?.member {
                return Ok(Some(epoch));
            }
        }
        Ok(None)
    }

    /// Not more often than a device can be wrong in good faith.
    fn may_be_answered(&mut self, turn: &Turn<'_>, group: GroupId, from: DeviceAddress) -> bool {
        let answered = &mut self.groups.answered;
        answered.retain(|_, at| turn.now.0.abs_diff(at.0) < RENEWAL_PAUSE_MS);
        if answered.contains_key(&(group, from)) || answered.len() >= MAX_CATCH_UPS_ANSWERED {
            return false;
        }
        answered.insert((group, from), turn.now);
        true
    }

    /// Tells an account where a group stands.
    pub(crate) fn send_welcome(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        account: AccountId,
    ) -> Result<(), Error> {
        match load_state(turn, group)? {
            Some(state) if state.member(account).is_some() => {
                let welcome = super::past::with_past(&turn.store, state)?;
                let body = ContentBody::Welcome(Box::new(welcome));
                self.tell_account(turn, group, account, Kind::Welcome, body)
            }
            _ => Ok(()),
        }
    }

    fn send_changes(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        (known, up_to): (u64, u64),
        account: AccountId,
    ) -> Result<(), Error> {
        let (mut part, mut bytes) = (Vec::new(), 0);
        for epoch in known.saturating_add(1)..=up_to {
            let log = turn.store.load::<LogRow>(&Key::GroupLog(group, epoch))?;
            let Some(log) = log.filter(LogRow::is_whole) else {
                // Gone from the log. Whoever has missed so much may believe the state as a whole.
                return self.send_welcome(turn, group, account);
            };
            let full =
                part.len() >= MAX_CHANGES_PER_CATCH_UP || bytes + log.change.len() > MAX_CATCH_UP_BYTES;
            if full && !part.is_empty() {
                let changes = std::mem::take(&mut part);
                self.tell_account(turn, group, account, Kind::CatchUp, ContentBody::CatchUp(changes))?;
                bytes = 0;
            }
            bytes += log.change.len();
            part.push(log.signed()?);
        }
        self.tell_account(turn, group, account, Kind::CatchUp, ContentBody::CatchUp(part))
    }

    /// Says something about a group to one account.
    pub(crate) fn tell_account(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        account: AccountId,
        kind: Kind,
        body: ContentBody,
    ) -> Result<(), Error> {
        let row = OutboxRow {
            kind: kind as u32,
            to: account.0.to_vec(),
            group: group.0.to_vec(),
            id: self.fresh_id(turn)?.0,
            sent_at_ms: turn.now.0,
            payload: payload(body),
            ..OutboxRow::default()
        };
        // A full outbox: whoever lacks it asks again.
        self.enqueue(turn, &row)?;
        Ok(())
    }

    /// Sends a message to a group again, to the account of one device that could not read it, if that account
    /// was a member when it was sent.
    pub(crate) fn resend_to_member(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        id: MessageId,
        attempt: u32,
        group: GroupId,
    ) -> Result<(), Error> {
        let Some((key, mut sent)) = self.load_sent(turn, id)? else {
            return self.note_early_ask(turn, from, id, attempt, group);
        };
        let epoch = match Kind::read(sent.kind)? {
            Kind::Text => {
                let tally: Option<TallyRow> = turn.store.load(&Key::Receipt(id, self.own_account()))?;
                tally.map(|tally| tally.epoch)
            }
            Kind::Act => Some(sent.epoch),
            _ => None,
        };
        let Some(epoch) = epoch.filter(|_| sent.group == group.0) else { return Ok(()) };
        let member = self.stood(turn, group, from.account, epoch)?.member;
        let old = turn.now.0.saturating_sub(sent.sent_at_ms) > RESEND_AGE_MS;
        if !member || old || sent.resends >= MAX_GROUP_RESENDS {
            return Ok(());
        }
        self.wants_device(turn, from)?;
        let (to, only) = (from.account.0.to_vec(), from.device.number().into());
        let row = OutboxRow { to, only, ..sent.again(attempt) };
        if self.enqueue(turn, &row)? {
            turn.store.save(key, &sent);
        }
        Ok(())
    }

    /// The message is on its way and unanswered: it is sent again when the server has said that it took it.
    fn note_early_ask(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        id: MessageId,
        attempt: u32,
        group: GroupId,
    ) -> Result<(), Error> {
        let Some(order) = self.outbox.order_of(id) else { return Ok(()) };
        let mut row = self.outbox_row(turn, order)?;
        let sent = matches!(Kind::read(row.kind)?, Kind::Text | Kind::Act) && row.is_sealed();
        if !sent || !row.to.is_empty() || row.group != group.0 {
            return Ok(());
        }
        let ask = EarlyAsk { account: from.account.0.to_vec(), device: from.device.number().into(), attempt };
        row.early.retain(|early| (&early.account, early.device) != (&ask.account, ask.device));
        if row.early.len() < MAX_EARLY_ASKS {
            row.early.push(ask);
            turn.store.save(Key::Outbox(order), &row);
        }
        Ok(())
    }

    /// The server has taken a message to a group: sends it again to those who asked for it before.
    pub(crate) fn answer_early_asks(
        &mut self,
        turn: &mut Turn<'_>,
        row: &OutboxRow,
        group: GroupId,
    ) -> Result<(), Error> {
        for ask in &row.early {
            let account = ask.account.as_slice().try_into().map(AccountId);
            let device = u8::try_from(ask.device).ok().and_then(DeviceId::new);
            let (Ok(account), Some(device)) = (account, device) else {
                return Err(Error::Damaged(OutboxRow::NAME));
            };
            let from = DeviceAddress { account, device };
            self.resend_to_member(turn, from, MessageId(row.id), ask.attempt, group)?;
        }
        Ok(())
    }

    // ------------------------------------------------------------ being helped

    /// Somebody has passed on changes.
    pub(crate) fn changes_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        from: AccountId,
        changes: &[SignedChange],
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<GroupRow>(&Key::Group(group))? else { return Ok(()) };
        let state = row.state()?;
        let Some(member) = state.member(from) else { return Ok(()) };
        let trusted = member.admin || self.is_own(from);
        let mut epoch = None;
        for signed in changes {
            let change = waxwing_wire::group::Change::decode(&signed.change).ok();
            // Whose device made it may say so after that is gone: its account could have made it all the same.
            let vouched = trusted || change.as_ref().is_some_and(|change| change.by.account == from);
            let named = change.map(|change| change.epoch);
            // What counts for nothing names no epoch: it stands between those that do.
            epoch = named.or(epoch.map(|epoch: u64| epoch.saturating_add(1)));
            let Some(epoch) = epoch.or_else(|| changes_begin(changes, state.epoch)) else { continue };
            if epoch > state.epoch {
                row.wait(WaitingChange { vouched, ..WaitingChange::new(signed, epoch) });
            }
        }
        turn.store.save(Key::Group(group), &row);
        self.advance(turn, group)
    }

    /// A member tells where a group stands.
    pub(crate) fn welcomed(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        welcome: &GroupWelcome,
    ) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        let state = &welcome.state;
        let from = key.from.account;
        let both = state.member(own.account).is_some() && state.member(from).is_some();
        if both && from == own.account {
            self.compare_welcome(turn, welcome)?;
        }
        if !both || state.epoch == 0 || !self.may_begin(turn, own.account, from, state)? {
            return Ok(());
        }
        let before = load_state(turn, state.group)?;
        let joins = before.is_none_or(|before| before.member(own.account).is_none());
        self.begin_group(turn, welcome, if from == own.account { 0 } else { turn.now.0 })?;
        if from != own.account {
            if joins {
                self.brought_into(turn, state.group, from)?;
            }
            self.group_notice(turn, state.group, key, Notice::Joined(from), 0, 0)?;
        }
        Ok(())
    }

    /// Whether a state is believed: of a group that is not known, or that this account had been removed from;
    /// from own devices whenever it is newer; and from an admin, who might have made any change, when more
    /// changes are missing than anybody keeps.
    fn may_begin(
        &self,
        turn: &Turn<'_>,
        own: AccountId,
        from: AccountId,
        state: &GroupState,
    ) -> Result<bool, Error> {
        let Some(known) = load_state(turn, state.group)? else {
            let groups = turn.store.rows(Table::Group, &[], &[0xff; 17], MAX_GROUPS)?;
            return Ok(groups.len() < MAX_GROUPS);
        };
        let missing = state.epoch.saturating_sub(known.epoch);
        let admin = known.member(from).is_some_and(|member| member.admin);
        let lost = missing > MAX_CHANGES_LOGGED && admin;
        Ok(missing > 0 && (from == own || known.member(own).is_none() || lost))
    }

    /// Holds a state from now on. What was known of the group before, if anything, was left behind.
    pub(crate) fn begin_group(
        &mut self,
        turn: &mut Turn<'_>,
        welcome: &GroupWelcome,
        joined_at_ms: u64,
    ) -> Result<(), Error> {
        let state = &welcome.state;
        let group = state.group;
        let before: Option<GroupRow> = turn.store.load(&Key::Group(group))?;
        if before.is_some() {
            self.forget_keys(turn, state)?;
        }
        let row = GroupRow {
            state: state.encode(),
            joined_at_ms,
            first: state.epoch,
            waiting: before.map(|row| row.waiting).unwrap_or_default(),
            ..GroupRow::default()
        };
        turn.store.save(Key::Group(group), &row);
        // Nothing of the log before belongs to what comes.
        let (from, to) = (group.0.to_vec(), [&group.0[..], &[0xff; 9]].concat());
        for (key, _) in turn.store.rows(Table::GroupLog, &from, &to, MAX_GROUP_MEMBERS)? {
            if let Some(epoch) = key.get(16..).and_then(|bytes| bytes.try_into().ok()) {
                turn.store.delete(Key::GroupLog(group, u64::from_be_bytes(epoch)));
            }
        }
        self.keep_past(turn, welcome)?;
        self.groups.views.remove(&group);
        self.groups.news.groups.insert(group);
        self.groups.behind.remove(&group);
        self.take_early_keys(turn, state)?;
        turn.event(Event::Group(group));
        self.advance(turn, group)
    }
}

/// The epoch of the first of some changes, from the first that names one.
fn changes_begin(changes: &[SignedChange], ours: u64) -> Option<u64> {
    let decoded = |signed: &SignedChange| waxwing_wire::group::Change::decode(&signed.change).ok();
    let named = changes.iter().enumerate().find_map(|(at, signed)| Some((at as u64, decoded(signed)?.epoch)));
    match named {
        Some((at, epoch)) => epoch.checked_sub(at),
        None => Some(ours.saturating_add(1)),
    }
}

fn pause_ms(asked: u32) -> u64 {
    let at = usize::try_from(asked).unwrap_or(usize::MAX).min(CATCH_UP_MS.len() - 1);
    CATCH_UP_MS.get(at).copied().unwrap_or(0)
}
