//! What this device says to groups: from a row of the outbox to a sender-key message, and what the server's
//! answer to it leads to.
//!
//! A row waits while the group is known to have gone on without this device ([`super::catch_up`]), and while
//! members' devices lack the own key ([`super::keys`]). A change is signed only when it leaves, for the state
//! of that moment; refused because somebody else's came first, it is made anew for the state after that.

use waxwing_e2ee::{Error as CryptoError, padding, sender_key};
use waxwing_wire::client_frame::{ClientFrame, GroupSend};
use waxwing_wire::content::{Body as ContentBody, Conversation, GroupContext};
use waxwing_wire::group::{Action, Change, GroupId, GroupState, GroupView, PublicChange, SignedChange};
use waxwing_wire::server_frame::Refused;
use waxwing_wire::{AccountId, Bytes, DeviceAddress, MessageId, RejectCode};

use super::change::sign;
use super::record::{GroupRow, KeyRow, LogRow, TallyRow};
use super::rules::{self, Invalid};
use crate::act::{counts, needs_voice};
use crate::client::{Client, Error};
use crate::command::{Event, Failure};
use crate::db::Key;
use crate::files::Lack;
use crate::limits::{HOLD_MS, MAX_TRIES};
use crate::record::{Kind, OutboxRow, Record as _};
use crate::row::{Delivery, MessageKey};
use crate::sealing::{Seal, payload, read_payload};
use crate::turn::Turn;

/// What the server makes of a message beside bringing it.
struct Address {
    group: GroupId,
    epoch: u64,
    view: [u8; 32],
    change: Option<PublicChange>,
}

pub(crate) fn load_state(turn: &Turn<'_>, group: GroupId) -> Result<Option<GroupState>, Error> {
    let row: Option<GroupRow> = turn.store.load(&Key::Group(group))?;
    row.as_ref().map(GroupRow::state).transpose()
}

fn accounts(state: &GroupState) -> Vec<AccountId> {
    state.members.iter().map(|member| member.account).collect()
}

impl Client {
    /// Where this device stands in a group, for what it writes there or to one account about it.
    pub(crate) fn group_context(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
    ) -> Result<Option<GroupContext>, Error> {
        Ok(Some(match load_state(turn, group)? {
            Some(state) => GroupContext { group, epoch: state.epoch, state: state.hash() },
            None => GroupContext { group, epoch: 0, state: [0; 32] },
        }))
    }

    /// Where this device stood when it wrote what a row says.
    pub(crate) fn context_of(
        &self,
        turn: &Turn<'_>,
        row: &OutboxRow,
        group: GroupId,
    ) -> Result<Option<GroupContext>, Error> {
        if row.resend && row.kind == Kind::Act as u32 {
            let state = row.state.as_slice().try_into().unwrap_or([0; 32]);
            return Ok(Some(GroupContext { group, epoch: row.epoch, state }));
        }
        if row.resend && row.kind == Kind::Text as u32 {
            let tally: Option<TallyRow> =
                turn.store.load(&Key::Receipt(MessageId(row.id), self.own_account()))?;
            if let Some(tally) = tally
                && let Ok(state) = tally.state.as_slice().try_into()
            {
                return Ok(Some(GroupContext { group, epoch: tally.epoch, state }));
            }
        }
        self.group_context(turn, group)
    }

    /// Hash of the state of a group at an epoch, if it is still known.
    pub(crate) fn hash_at(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
        epoch: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        match load_state(turn, group)? {
            Some(state) if state.epoch == epoch => Ok(Some(state.hash().to_vec())),
            _ => {
                let log = turn.store.load::<LogRow>(&Key::GroupLog(group, epoch))?;
                if let Some(log) = log.filter(LogRow::is_whole) {
                    return Ok(Some(log.made));
                }
                // The state that this device was brought in with has no change here; the one after it names it.
                let next: Option<LogRow> = turn.store.load(&Key::GroupLog(group, epoch.saturating_add(1)))?;
                let change = next.filter(|log| !log.skipped).and_then(|log| Change::decode(&log.change).ok());
                Ok(change.and_then(|change| change.previous).map(|hash| hash.to_vec()))
            }
        }
    }

    /// Encrypts a row that goes to a group: fills [`OutboxRow::frame`].
    pub(crate) fn seal_group(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        row: &mut OutboxRow,
    ) -> Result<Seal, Error> {
        let (Some(group), Some(own)) = (row.group()?, self.address()) else { return Ok(Seal::Pointless) };
        if self.groups.behind.contains_key(&group) {
            return Ok(Seal::Waits);
        }
        if row.kind == Kind::Change as u32 {
            // One at a time: of two for the same state the server takes only one, and two that want the same
            // would have the same name.
            if self.outbox.to_group(group, Kind::Change).next() != Some(order) {
                return Ok(Seal::Waits);
            }
            return self.seal_change(turn, order, row, group, own);
        }
        let acts = row.kind == Kind::Act as u32;
        let may = |state: &GroupState| may_say(state, row, own.account);
        let Some(state) = load_state(turn, group)?.filter(may) else {
            self.group_failed(turn, row)?;
            return Ok(Seal::Pointless);
        };
        let before = if acts {
            let written = super::keys::load_key(turn, group, own)?;
            self.position_before(turn, group, &written)?
        } else {
            row.position.saturating_sub(1)
        };
        let Some((key, record)) = self.own_key(turn, group, &accounts(&state), before)? else {
            return Ok(Seal::Waits);
        };
        let insists = self.groups.views.contains_key(&group);
        let view = match key.view.as_slice().try_into() {
            Ok(view) if !insists => view,
            _ => self.told_view(turn, &state)?,
        };
        let address = Address { group, epoch: state.epoch, view, change: None };
        if self.would_overtake(turn, order, &address)? {
            return Ok(Seal::Waits);
        }
        self.encrypt_for_group(turn, row, address, key, record)
    }

    /// Whether the account's leaving a group waits for the server.
    pub(crate) fn is_leaving(&self, turn: &Turn<'_>, group: GroupId) -> Result<bool, Error> {
        for order in self.outbox.to_group(group, Kind::Change) {
            let draft = drafted(&self.outbox_row(turn, order)?);
            if draft.is_some_and(|draft| draft.actions.contains(&Action::Remove(self.own_account()))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the message before this one is under way for another moment of the group: the server would
    /// refuse that one and take this.
    fn would_overtake(&mut self, turn: &Turn<'_>, order: u64, address: &Address) -> Result<bool, Error> {
        let Some(up) = self.link.online() else { return Ok(false) };
        let Some(before) = self.outbox.under_way(address.group, order, up) else { return Ok(false) };
        let stamp = self.outbox_row(turn, before)?.to_group_send()?.map(|send| (send.epoch, send.view));
        Ok(stamp.is_some_and(|stamp| stamp != (address.epoch, address.view)))
    }

    fn seal_change(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        row: &mut OutboxRow,
        group: GroupId,
        own: DeviceAddress,
    ) -> Result<Seal, Error> {
        let state = load_state(turn, group)?;
        let Some(draft) = drafted(row) else { return Err(Error::Damaged(OutboxRow::NAME)) };
        let creates = matches!(draft.actions.first(), Some(Action::Create { .. }));
        if creates && state.is_some() {
            // An answer was lost, and another device of this account has told of the group meanwhile. Nobody but
            // this one has told the members.
            self.welcome_newcomers(turn, group, &draft)?;
            self.change_done(turn, MessageId(row.id));
            return Ok(Seal::Pointless);
        }
        let change = Change {
            group,
            epoch: state.as_ref().map_or(1, |state| state.epoch.saturating_add(1)),
            previous: state.as_ref().map(GroupState::hash),
            by: own,
            // Of a creation every attempt is the same: which one the server took, nobody may be there to tell.
            at_ms: if creates { draft.at_ms } else { turn.now.0 },
            actions: with_successor(draft.actions, state.as_ref(), own.account),
        };
        let after = match (&state, rules::apply(state.as_ref(), &change)) {
            (_, Ok(after)) => after,
            (None, Err(_)) => return self.change_pointless(turn, row, Failure::UnknownGroup),
            (Some(_), Err(why)) => return self.change_pointless(turn, row, failure(why)),
        };
        let members = state.as_ref().map_or_else(|| vec![own.account], accounts);
        let written = super::keys::load_key(turn, group, own)?;
        let before = self.position_before(turn, group, &written)?;
        let Some((key, record)) = self.own_key(turn, group, &members, before)? else {
            return Ok(Seal::Waits);
        };
        let signed = sign(self, turn, &change);
        row.payload = payload(ContentBody::Change(signed.clone()));
        self.rename(order, row, signed.id());
        let public = Some(change.public(&after));
        // The server compares no view for changes.
        let address = Address { group, epoch: change.epoch.saturating_sub(1), view: [0; 32], change: public };
        self.encrypt_for_group(turn, row, address, key, record)
    }

    fn encrypt_for_group(
        &mut self,
        turn: &mut Turn<'_>,
        row: &mut OutboxRow,
        address: Address,
        mut key: KeyRow,
        mut record: sender_key::SenderKeyRecord,
    ) -> Result<Seal, Error> {
        let Some(own) = self.address() else { return Ok(Seal::Pointless) };
        match self.complete_row(turn, row)? {
            Lack::Nothing => {}
            Lack::Uploads => return Ok(Seal::Waits),
            Lack::Forever => return Ok(Seal::Fails),
        }
        let Some(content) = self.content(turn, row)? else { return Ok(Seal::Pointless) };
        row.set_files(&content.body);
        let padded = padding::pad(&content.encode());
        let slot = Key::SenderKey(address.group, own);
        let ciphertext = match sender_key::encrypt(&mut record, &padded, turn.rng) {
            Ok(ciphertext) => ciphertext,
            Err(CryptoError::Exhausted) => {
                // The chain is at its very end: another one.
                key.record.clear();
                turn.store.save(slot, &key);
                return Ok(Seal::Waits);
            }
            Err(_) => {
                self.group_failed(turn, row)?;
                return Ok(Seal::Pointless);
            }
        };
        key.record = record.encode().to_vec();
        turn.store.save(slot, &key);
        let send = GroupSend {
            id: MessageId(row.id),
            group: address.group,
            epoch: address.epoch,
            view: address.view,
            ciphertext: Bytes::from(ciphertext),
            silent: row.kind != Kind::Text as u32,
            attempt: row.attempt,
            change: address.change,
            files: row.named_files()?,
        };
        row.frame = ClientFrame { group_sends: vec![send], ..ClientFrame::default() }.encode();
        Ok(Seal::Done)
    }

    /// A change gets the name that everybody will know it by.
    fn rename(&mut self, order: u64, row: &mut OutboxRow, id: MessageId) {
        let former = MessageId(row.id);
        if let Some(command) = self.groups.commands.remove(&former) {
            self.groups.commands.insert(id, command);
        }
        row.id = id.0;
        self.outbox.rename(order, id);
    }

    fn change_pointless(
        &mut self,
        turn: &mut Turn<'_>,
        row: &OutboxRow,
        failure: Failure,
    ) -> Result<Seal, Error> {
        if let Some(command) = self.groups.commands.remove(&MessageId(row.id)) {
            turn.failed(command, failure);
        }
        Ok(Seal::Pointless)
    }

    fn change_done(&mut self, turn: &mut Turn<'_>, id: MessageId) {
        if let Some(command) = self.groups.commands.remove(&id) {
            turn.done(command);
        }
    }

    // ------------------------------------------------------------ answers

    /// The server has taken a row that went to a group; it is out of the outbox already.
    pub(crate) fn group_accepted(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        let (Some(group), Some(from)) = (row.group()?, self.address()) else { return Ok(()) };
        if row.kind == Kind::Act as u32 {
            let epoch = row.last_epoch().unwrap_or(0);
            let state = self.hash_at(turn, group, epoch)?.unwrap_or_default();
            self.remember_sent(turn, &OutboxRow { epoch, state, ..row.clone() })?;
            self.act_taken(turn, row)?;
            return self.answer_early_asks(turn, row, group);
        }
        if row.kind != Kind::Change as u32 {
            self.remember_sent(turn, row)?;
            let key = MessageKey { from, id: MessageId(row.id) };
            self.group_sent(turn, group, key, row.last_epoch().unwrap_or(0))?;
            return self.answer_early_asks(turn, row, group);
        }
        let Some(ContentBody::Change(signed)) = read_payload(&row.payload) else { return Ok(()) };
        let made = self.made_here(turn, group, &signed)? || self.is_logged(turn, group, &signed)?;
        if !made {
            // The server's order is another than ours: what it is comes from the members.
            let epoch = drafted(row).map_or(0, |change| change.epoch);
            let ours = load_state(turn, group)?.map_or(0, |state| state.epoch);
            self.note_behind(turn, group, ours, epoch);
        }
        if let Some(change) = drafted(row) {
            self.welcome_newcomers(turn, group, &change)?;
        }
        self.change_done(turn, MessageId(row.id));
        Ok(())
    }

    fn is_logged(&self, turn: &Turn<'_>, group: GroupId, signed: &SignedChange) -> Result<bool, Error> {
        let Ok(change) = Change::decode(&signed.change) else { return Ok(false) };
        let log: Option<LogRow> = turn.store.load(&Key::GroupLog(group, change.epoch))?;
        Ok(log.is_some_and(|log| log.change == signed.change))
    }

    /// Whoever was brought in learns where the group stands.
    fn welcome_newcomers(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        change: &Change,
    ) -> Result<(), Error> {
        for action in &change.actions {
            if let Action::Add(member) = action {
                self.send_welcome(turn, group, member.account)?;
            }
        }
        Ok(())
    }

    /// A change of this device that came back from others before the server's answer did.
    pub(crate) fn settle_own_change(&mut self, turn: &mut Turn<'_>, key: MessageKey) -> Result<(), Error> {
        if self.address() != Some(key.from) {
            return Ok(());
        }
        let Some(order) = self.outbox.order_of(key.id) else { return Ok(()) };
        if self.link.up().is_some_and(|up| up.flight.contains_key(&key.id)) {
            return Ok(());
        }
        let row = self.outbox_row(turn, order)?;
        let (Some(group), Some(change)) = (row.group()?, drafted(&row)) else { return Ok(()) };
        self.drop_row(turn, order);
        self.welcome_newcomers(turn, group, &change)?;
        self.change_done(turn, key.id);
        Ok(())
    }

    /// The server has not taken a row that went to a group, because of the group. The row is still in the
    /// outbox.
    pub(crate) fn group_refused(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        refused: &Refused,
    ) -> Result<(), Error> {
        let mut row = self.outbox_row(turn, order)?;
        let Some(group) = row.group()? else { return self.fail_row(turn, order) };
        if self.was_taken(turn, &row)? {
            self.drop_row(turn, order);
            return self.group_accepted(turn, &row);
        }
        if refused.reject.code != RejectCode::GroupMismatch {
            if row.kind == Kind::Change as u32 {
                self.change_pointless(turn, &row, Failure::NotAllowed)?;
            }
            return self.fail_row(turn, order);
        }
        row.tries += 1;
        if row.tries > MAX_TRIES {
            return self.fail_row(turn, order);
        }
        turn.store.save(Key::Outbox(order), &row);
        let view = refused.group.clone().unwrap_or_default();
        let state = load_state(turn, group)?;
        let epoch = state.as_ref().map_or(0, |state| state.epoch);
        if self.must_be_ours(turn, &row, state.as_ref(), &view)? {
            self.drop_row(turn, order);
            self.group_accepted(turn, &row)?;
            let ours = load_state(turn, group)?.map_or(0, |state| state.epoch);
            self.note_behind(turn, group, ours, view.epoch);
            return Ok(());
        }
        self.unseal(turn, order, Conversation::Group(group))?;
        match (view.epoch.cmp(&epoch), state) {
            (std::cmp::Ordering::Greater, _) => self.note_behind(turn, group, epoch, view.epoch),
            (std::cmp::Ordering::Equal, Some(state)) => {
                self.learn_view(turn, &state, &view, MessageId(row.id))?;
            }
            // A server that knows less than its members lost something, and may find it again.
            _ => self.hold(turn, Conversation::Group(group), HOLD_MS),
        }
        Ok(())
    }

    /// Whether a refused message was taken before, when the answer was lost: somebody has it already, and it is
    /// only the repetition that was refused. Those who have joined since are not meant. As another attempt it
    /// is no repetition: the server may have gone down before everybody had the first.
    fn was_taken(&self, turn: &Turn<'_>, row: &OutboxRow) -> Result<bool, Error> {
        let Some(from) = self.address().filter(|_| row.kind == Kind::Text as u32 && row.attempt == 0) else {
            return Ok(false);
        };
        let message = turn.store.message(&MessageKey { from, id: MessageId(row.id) })?;
        Ok(message.is_some_and(|message| !matches!(message.delivery, Delivery::Pending | Delivery::Failed)))
    }

    /// Whether a refused change was taken before, when the answer was lost: nobody else could have made one,
    /// and nobody else could tell.
    fn must_be_ours(
        &self,
        turn: &Turn<'_>,
        row: &OutboxRow,
        state: Option<&GroupState>,
        view: &GroupView,
    ) -> Result<bool, Error> {
        let Some(own) = self.address().filter(|_| row.kind == Kind::Change as u32) else { return Ok(false) };
        let Some(change) = drafted(row) else { return Ok(false) };
        // Its name was drawn here. What became of it since, those know who are brought in by it.
        if state.is_none() && matches!(change.actions.first(), Some(Action::Create { .. })) {
            return Ok(view.epoch >= change.epoch);
        }
        let epoch = state.map_or(0, |state| state.epoch);
        let alone =
            state.is_none_or(|state| state.members.iter().all(|member| member.account == own.account));
        if !alone || view.epoch != epoch.saturating_add(1) || self.has_others(turn)? {
            return Ok(false);
        }
        let Ok(after) = rules::apply(state, &change) else { return Ok(false) };
        Ok(accounts(&after).into_iter().eq(view.members.iter().map(|member| member.account)))
    }

    /// A row that went to a group, or had a group's context, was given up; it is out of the outbox already,
    /// or goes out of it now.
    pub(crate) fn group_failed(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        match Kind::read(row.kind)? {
            Kind::SenderKey if row.resend => {}
            Kind::SenderKey => self.key_given(turn, row, false)?,
            Kind::Change => {
                self.change_pointless(turn, row, Failure::GroupBusy)?;
            }
            Kind::Act => self.take_back(turn, row)?,
            Kind::Text if row.to.is_empty() => {
                let Some(from) = self.address() else { return Ok(()) };
                let key = MessageKey { from, id: MessageId(row.id) };
                let Some(mut message) = turn.store.message(&key)? else { return Ok(()) };
                match (message.delivery, row.group()?.zip(row.last_epoch())) {
                    (Delivery::Pending, _) => {
                        message.delivery = Delivery::Failed;
                        let (with, delivery) = (message.with, message.delivery);
                        turn.event(Event::Delivery { message: key, with, delivery });
                        turn.store.write_message(message);
                    }
                    (Delivery::Failed, _) | (_, None) => {}
                    // Whose receipt came first was taken: it is only the repetition that was refused.
                    (_, Some((group, epoch))) => self.group_sent(turn, group, key, epoch)?,
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether what a row says counts for those who stand in that state. What may have been taken in a former one is said
/// again: the others know where its maker stood then.
fn may_say(state: &GroupState, row: &OutboxRow, own: AccountId) -> bool {
    let Some(member) = state.member(own).filter(|_| row.kind == Kind::Act as u32) else {
        return rules::may_send(state, own);
    };
    match read_payload(&row.payload) {
        Some(ContentBody::Act(act)) if row.undo.as_ref().is_some_and(|undo| !undo.unsure) => {
            counts(&act, own, member.admin) && (rules::may_send(state, own) || !needs_voice(&act.deed))
        }
        _ => true,
    }
}

/// What a row of a change wants: the change itself, signed for the state that it was made for last.
pub(crate) fn drafted(row: &OutboxRow) -> Option<Change> {
    match read_payload(&row.payload)? {
        ContentBody::Change(signed) => Change::decode(&signed.change).ok(),
        _ => None,
    }
}

/// The last admin who leaves names another one, so that the server learns of it. What was named for a former
/// state and is an admin by now need not be named again.
fn with_successor(mut actions: Vec<Action>, state: Option<&GroupState>, own: AccountId) -> Vec<Action> {
    let Some(state) = state.filter(|_| actions.contains(&Action::Remove(own))) else { return actions };
    let promoted = |account: &AccountId| state.member(*account).is_some_and(|member| !member.admin);
    actions.retain(|action| !matches!(action, Action::Promote(account) if !promoted(account)));
    let named = actions.iter().any(|action| matches!(action, Action::Promote(_)));
    let admin = state.member(own).is_some_and(|member| member.admin);
    if let Some(successor) = rules::successor(state, own).filter(|_| admin && !named) {
        let at = actions.iter().position(|action| *action == Action::Remove(own)).unwrap_or(0);
        actions.insert(at, Action::Promote(successor));
    }
    actions
}

fn failure(why: Invalid) -> Failure {
    match why {
        Invalid::Full => Failure::GroupFull { limit: waxwing_wire::limits::MAX_GROUP_MEMBERS },
        Invalid::NotMember | Invalid::NotAllowed => Failure::NotAllowed,
        Invalid::NotNext | Invalid::Senseless => Failure::GroupBusy,
    }
}
