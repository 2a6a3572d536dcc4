//! Joining by link, and the past of a group for somebody who has joined.

use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::content::{ArchivedBody, ArchivedMessage, Body as ContentBody, Conversation};
use waxwing_wire::group::{GroupId, GroupLink, GroupToken};
use waxwing_wire::{AccountId, DeviceAddress, Reject};

use super::record::{GroupRow, JoinRow};
use super::send::load_state;
use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::connection::Asked;
use crate::db::Key;
use crate::limits::{
    MAX_CATCH_UP_BYTES, MAX_HISTORY_SCANNED, MAX_JOIN_REQUESTS, MAX_MESSAGES_SHARED, MIN_MESSAGES_SHARED,
    SHARING_MS,
};
use crate::privacy::group_asked_by;
use crate::record::{Kind, OutboxRow};
use crate::row::{Body, Delivery, Direction, Message, MessageKey};
use crate::sealing::payload;
use crate::turn::Turn;

impl Client {
    // ------------------------------------------------------------ who wants to join

    /// Asks the server who handles requests for the groups that the user wants to join.
    pub(crate) fn pump_joins(&mut self, turn: &mut Turn<'_>) {
        while let Some((command, link)) = self.groups.joins.pop_front() {
            let what = RequestBody::FindGroup(link.group, link.token);
            if self.link.ask(turn, what, Asked::FindGroup(command, link)).is_err() {
                self.groups.joins.push_front((command, link));
                return;
            }
        }
    }

    /// The answer to that.
    pub(crate) fn group_found(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        link: &GroupLink,
        found: Result<Vec<AccountId>, Reject>,
    ) -> Result<(), Error> {
        let approvers = match found {
            Ok(approvers) => approvers,
            Err(reject) => {
                turn.failed(command, Failure::Rejected(reject));
                return Ok(());
            }
        };
        let mut asked = false;
        for account in approvers.into_iter().take(waxwing_wire::limits::MAX_APPROVERS) {
            if self.is_own(account) || self.peer_row(turn, account)?.is_none() {
                continue;
            }
            let row = OutboxRow {
                kind: Kind::Join as u32,
                to: account.0.to_vec(),
                id: self.fresh_id(turn)?.0,
                sent_at_ms: turn.now.0,
                payload: payload(ContentBody::Join(link.group, link.token)),
                ..OutboxRow::default()
            };
            asked |= self.enqueue(turn, &row)?;
        }
        if asked {
            self.wants_group(turn, link.group)?;
            turn.done(command)
        } else {
            turn.failed(command, Failure::UnknownGroup)
        }
        Ok(())
    }

    // ------------------------------------------------------------ who lets them in

    /// Somebody holds a group's link and wants in.
    pub(crate) fn join_asked(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        token: GroupToken,
        account: AccountId,
    ) -> Result<(), Error> {
        let Some(state) = load_state(turn, group)? else { return Ok(()) };
        let admin = state.member(self.own_account()).is_some_and(|member| member.admin);
        // Nobody is let into a group that the user does not know of yet.
        let hidden = group_asked_by(&turn.store, group)?.is_some();
        if !admin || hidden || state.link != Some(token) || self.is_own(account) {
            return Ok(());
        }
        if state.member(account).is_some() {
            // It is in already and does not know it yet.
            return self.send_welcome(turn, group, account);
        }
        if !state.permissions.approve {
            // Full, or too much under way: whoever wants in asks again.
            let _refused = self.let_in(turn, None, &state, account)?;
            return Ok(());
        }
        let key = Key::JoinRequest(group, account);
        let requests = self.join_requests(turn, group)?;
        if requests.contains(&account) || requests.len() >= MAX_JOIN_REQUESTS {
            return Ok(());
        }
        turn.store.save(key, &JoinRow { at_ms: turn.now.0 });
        turn.event(Event::JoinRequested { group, account });
        turn.event(Event::Group(group));
        Ok(())
    }

    pub(crate) fn join_requests(&self, turn: &Turn<'_>, group: GroupId) -> Result<Vec<AccountId>, Error> {
        super::query::requests(&turn.store, group)
    }

    /// Who is a member by now, or asked an account that is none any more, does not wait any longer.
    pub(crate) fn settle_requests(
        &self,
        turn: &mut Turn<'_>,
        after: &waxwing_wire::group::GroupState,
    ) -> Result<(), Error> {
        let admin = after.member(self.own_account()).is_some_and(|member| member.admin);
        for account in self.join_requests(turn, after.group)? {
            if !admin || after.member(account).is_some() {
                turn.store.delete(Key::JoinRequest(after.group, account));
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------ the past

    /// Sends the last messages of a group to a member.
    pub(crate) fn share_history(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        own: DeviceAddress,
        group: GroupId,
        account: AccountId,
        messages: u32,
    ) -> Result<Result<(), Failure>, Error> {
        let Some(state) = load_state(turn, group)? else { return Ok(Err(Failure::UnknownGroup)) };
        let admin = state.member(own.account).is_some_and(|member| member.admin);
        if !admin || state.member(account).is_none() || account == own.account {
            return Ok(Err(Failure::NotAllowed));
        }
        let wanted = messages.clamp(MIN_MESSAGES_SHARED, MAX_MESSAGES_SHARED);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let recent = turn.store.history(Conversation::Group(group), u64::MAX, MAX_HISTORY_SCANNED)?;
        let texts = recent.iter().filter_map(archived).take(wanted);
        let (mut part, mut bytes) = (Vec::new(), 0);
        let mut parts = Vec::new();
        for message in texts {
            let size = size_of_text(&message);
            if bytes + size > MAX_CATCH_UP_BYTES && !part.is_empty() {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += size;
            part.push(message);
        }
        parts.push(part);
        // Oldest first, so that they stand in the other's history as they do here.
        for mut part in parts.into_iter().rev() {
            part.reverse();
            self.tell_account(turn, group, account, Kind::SharedHistory, ContentBody::SharedHistory(part))?;
        }
        turn.done(command);
        Ok(Ok(()))
    }

    /// An admin tells what was said before this account was brought in. Taken only for some time after that,
    /// and only for what was said before: a past that can be told at any time could be told differently.
    pub(crate) fn history_shared(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        from: AccountId,
        messages: &[ArchivedMessage],
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<GroupRow>(&Key::Group(group))? else { return Ok(()) };
        let admin = row.state()?.member(from).is_some_and(|member| member.admin);
        let joined = row.joined_at_ms;
        if !admin || joined == 0 || turn.now.0.saturating_sub(joined) > SHARING_MS {
            return Ok(());
        }
        for message in messages {
            let key = MessageKey { from: message.name.0, id: message.name.1 };
            let known = turn.store.message(&key)?.is_some();
            let here = message.conversation == Conversation::Group(group);
            let early = message.sent_at_ms <= joined;
            let ArchivedBody::Post(post) = &message.body else { continue };
            if known || !here || !early || row.shared >= MAX_MESSAGES_SHARED || self.is_own(key.from.account)
            {
                continue;
            }
            row.shared += 1;
            let mut message = Message {
                key,
                with: Conversation::Group(group),
                order: self.next_order(),
                direction: Direction::Incoming,
                sent_at_ms: message.sent_at_ms,
                stored_at_ms: turn.now.0,
                body: Body::Post(post.clone()),
                delivery: Delivery::Read,
                position: message.position,
                missing_before: 0,
                edited_at_ms: 0,
                expires_at_ms: 0,
            };
            if self.settle(turn, &mut message)? {
                turn.show(message, false);
            }
        }
        turn.store.save(Key::Group(group), &row);
        Ok(())
    }
}

/// A text as it travels to somebody else; nothing else does.
fn archived(message: &Message) -> Option<ArchivedMessage> {
    let gone_out = !matches!(message.delivery, Delivery::Pending | Delivery::Failed);
    let text = gone_out && matches!(message.body, Body::Post(_));
    // How far it has come here concerns nobody there.
    let delivery = Delivery::Delivered.number();
    text.then(|| ArchivedMessage { delivery, ..crate::sync::archived(message) })
}

fn size_of_text(message: &ArchivedMessage) -> usize {
    // Names, times and tags.
    const BESIDE: usize = 128;
    match &message.body {
        ArchivedBody::Post(post) => post.encode().len() + BESIDE,
        _ => BESIDE,
    }
}
