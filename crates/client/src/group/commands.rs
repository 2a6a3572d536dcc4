//! What the user wants of groups.

use waxwing_wire::content::Body as ContentBody;
use waxwing_wire::group::{
    Action, Change, GroupId, GroupKind, GroupLink, GroupState, GroupToken, Member, SignedChange,
};
use waxwing_wire::limits::{MAX_GROUP_MEMBERS, MAX_GROUP_NAME_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{AccountId, DeviceAddress};

use super::rules::{self, Invalid};
use super::send::load_state;
use crate::client::{Client, Error};
use crate::command::{Command, CommandId, Event, Failure};
use crate::db::{Key, Table};
use crate::limits::{MAX_CHANGES_UNDER_WAY, MAX_GROUPS};
use crate::record::{Kind, OutboxRow, PeerRow};
use crate::sealing::payload;
use crate::turn::Turn;

impl Client {
    /// Carries out a command that concerns groups.
    pub(crate) fn group_command(
        &mut self,
        turn: &mut Turn<'_>,
        id: CommandId,
        command: Command,
    ) -> Result<(), Error> {
        let Some(own) = self.address() else {
            turn.failed(id, Failure::NotRegistered);
            return Ok(());
        };
        let done = match command {
            Command::CreateGroup { name, kind, members } => {
                self.create_group(turn, id, own, name, kind, &members)?
            }
            Command::ChangeGroup { group, actions } => self.change_group(turn, id, own, group, actions)?,
            Command::SetGroupLink { group, enabled } => {
                let token = enabled.then(|| GroupToken(drawn(turn)));
                self.change_group(turn, id, own, group, vec![Action::Link(token)])?
            }
            Command::JoinGroup { link } => self.join_group(turn, id, link)?,
            Command::AnswerJoin { group, account, accept } => {
                self.answer_join(turn, id, own, group, account, accept)?
            }
            Command::ShareHistory { group, account, messages } => {
                self.share_history(turn, id, own, group, account, messages)?
            }
            _ => Ok(()),
        };
        if let Err(failure) = done {
            turn.failed(id, failure);
        }
        Ok(())
    }

    fn create_group(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        own: DeviceAddress,
        name: String,
        kind: GroupKind,
        members: &[AccountId],
    ) -> Result<Result<(), Failure>, Error> {
        let groups = turn.store.rows(Table::Group, &[], &[0xff; 17], MAX_GROUPS)?;
        if groups.len() >= MAX_GROUPS {
            return Ok(Err(Failure::NotAllowed));
        }
        if name.trim().is_empty() {
            return Ok(Err(Failure::Empty));
        }
        if name.len() > MAX_GROUP_NAME_BYTES {
            return Ok(Err(Failure::TooLong { limit_bytes: MAX_GROUP_NAME_BYTES }));
        }
        let mut actions = vec![Action::Create { name, kind }];
        for account in members.iter().filter(|account| **account != own.account) {
            if let Some(failure) = check_addition(turn, *account)? {
                return Ok(Err(failure));
            }
            let add = Action::Add(Member { account: *account, admin: false });
            if !actions.contains(&add) {
                actions.push(add);
            }
        }
        let group = GroupId(drawn(turn));
        self.want_change(turn, Some(command), own, group, None, actions)
    }

    fn change_group(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        own: DeviceAddress,
        group: GroupId,
        actions: Vec<Action>,
    ) -> Result<Result<(), Failure>, Error> {
        let Some(state) = load_state(turn, group)? else { return Ok(Err(Failure::UnknownGroup)) };
        for action in &actions {
            if let Action::Add(member) = action
                && let Some(failure) = check_addition(turn, member.account)?
            {
                return Ok(Err(failure));
            }
        }
        self.want_change(turn, Some(command), own, group, Some(&state), actions)
    }

    /// Puts a change into the outbox, if the rules allow it as the group stands. It is signed when it leaves.
    fn want_change(
        &mut self,
        turn: &mut Turn<'_>,
        command: Option<CommandId>,
        own: DeviceAddress,
        group: GroupId,
        state: Option<&GroupState>,
        actions: Vec<Action>,
    ) -> Result<Result<(), Failure>, Error> {
        if command.is_some() && !self.link.is_wanted() {
            return Ok(Err(Failure::NotConnected));
        }
        if actions.is_empty() {
            return Ok(Err(Failure::Empty));
        }
        if self.groups.commands.len() >= MAX_CHANGES_UNDER_WAY {
            return Ok(Err(Failure::Busy));
        }
        let draft = Change {
            group,
            epoch: state.map_or(1, |state| state.epoch.saturating_add(1)),
            previous: state.map(GroupState::hash),
            by: own,
            at_ms: turn.now.0,
            actions,
        };
        if let Err(why) = rules::apply(state, &draft) {
            return Ok(Err(match why {
                Invalid::Full => Failure::GroupFull { limit: MAX_GROUP_MEMBERS },
                _ => Failure::NotAllowed,
            }));
        }
        let unsigned = SignedChange { change: draft.encode(), signature: [0; SIGNATURE_BYTES] };
        let id = self.fresh_id(turn)?;
        let row = OutboxRow {
            kind: Kind::Change as u32,
            group: group.0.to_vec(),
            id: id.0,
            sent_at_ms: turn.now.0,
            payload: payload(ContentBody::Change(unsigned)),
            ..OutboxRow::default()
        };
        if !self.enqueue(turn, &row)? {
            return Ok(Err(Failure::OutboxFull));
        }
        if let Some(command) = command {
            self.groups.commands.insert(id, command);
        }
        Ok(Ok(()))
    }

    /// Adds somebody who asked for it, unless that is under way.
    pub(crate) fn let_in(
        &mut self,
        turn: &mut Turn<'_>,
        command: Option<CommandId>,
        state: &GroupState,
        account: AccountId,
    ) -> Result<Result<(), Failure>, Error> {
        let Some(own) = self.address() else { return Ok(Err(Failure::NotRegistered)) };
        let add = vec![Action::Add(Member { account, admin: false })];
        for order in self.outbox.to_group(state.group, Kind::Change).collect::<Vec<_>>() {
            let row = self.outbox_row(turn, order)?;
            if super::send::drafted(&row).is_some_and(|change| change.actions == add) {
                return Ok(Ok(()));
            }
        }
        self.want_change(turn, command, own, state.group, Some(state), add)
    }

    fn join_group(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        link: GroupLink,
    ) -> Result<Result<(), Failure>, Error> {
        let own = self.own_account();
        if load_state(turn, link.group)?.is_some_and(|state| state.member(own).is_some()) {
            turn.done(command);
            return Ok(Ok(()));
        }
        if !self.link.is_wanted() {
            return Ok(Err(Failure::NotConnected));
        }
        if self.groups.joins.len() >= MAX_CHANGES_UNDER_WAY {
            return Ok(Err(Failure::Busy));
        }
        self.groups.joins.push_back((command, link));
        Ok(Ok(()))
    }

    fn answer_join(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        own: DeviceAddress,
        group: GroupId,
        account: AccountId,
        accept: bool,
    ) -> Result<Result<(), Failure>, Error> {
        let Some(state) = load_state(turn, group)? else { return Ok(Err(Failure::UnknownGroup)) };
        if !state.member(own.account).is_some_and(|member| member.admin) {
            return Ok(Err(Failure::NotAllowed));
        }
        if !accept || state.member(account).is_some() {
            turn.store.delete(Key::JoinRequest(group, account));
            turn.event(Event::Group(group));
            turn.done(command);
            return Ok(Ok(()));
        }
        self.let_in(turn, Some(command), &state, account)
    }
}

pub(crate) fn drawn(turn: &mut Turn<'_>) -> [u8; 16] {
    let mut bytes = [0; 16];
    turn.rng.fill_bytes(&mut bytes);
    bytes
}

/// Why the user cannot bring an account into a group, if so: it is not known, or does not let them.
fn check_addition(turn: &Turn<'_>, account: AccountId) -> Result<Option<Failure>, Error> {
    if turn.store.load::<PeerRow>(&Key::Peer(account))?.is_none() {
        return Ok(Some(Failure::UnknownContact));
    }
    let told = crate::profile::told(&turn.store, account)?;
    Ok(told.is_some_and(|told| told.no_groups).then_some(Failure::NotAddable))
}
