//! Changes of groups: whose they are, whether they are the next, what they make, and what becomes of those
//! that cannot be judged yet.
//!
//! The server brings changes in the order in which it took them, each inside a sender-key message of its
//! maker. What it says of them counts for nothing but that order: a change is signed by its maker's device,
//! names the state it changes by hash, and is judged by [`rules`]. One that the server took and that breaks
//! a rule makes the next epoch all the same, with nothing changed, on every member's device.
//!
//! A change whose maker's devices are not known well enough waits in the group's row until they are; one that
//! comes before its predecessor likewise, and the predecessor is asked for ([`super::catch_up`]). A change by
//! a device that was removed from its account since cannot be verified any more: it is believed from one of
//! this account's own devices or from an admin, who could have made it as well.

use waxwing_e2ee::PublicKey;
use waxwing_wire::client_frame::{ClientFrame, GroupSend};
use waxwing_wire::content::{Conversation, GroupContext};
use waxwing_wire::group::{
    Action, Change, GroupId, GroupState, Member, PublicChange, SignedChange, Standing,
};
use waxwing_wire::{AccountId, DeviceAddress, MessageId};

use super::record::{GroupRow, LogRow, StandingRow, WaitingChange};
use super::rules;
use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::Key;
use crate::limits::{MAX_CHANGES_LOGGED, MAX_CHANGES_WAITING, MAX_FORKS_KEPT};
use crate::row::{Body, Delivery, Direction, Message, MessageKey, Notice};
use crate::turn::Turn;

/// Added to the id of what a notice is about, so that both have a place in the history.
pub(super) const FORKED: u64 = 1;
/// See [`FORKED`].
pub(super) const DISAGREES: u64 = 2;
/// See [`FORKED`].
pub(super) const VIEW: u64 = 4;

/// What a change turns out to be.
enum Verdict {
    /// It makes this state.
    Made(Box<GroupState>, Box<Change>),
    /// It was the next and counts for nothing.
    Skipped(Option<AccountId>),
    /// Its maker's devices must be known better first.
    Waits(AccountId),
    /// Its maker's device is not the account's any more: somebody must vouch for it.
    Unvouched,
    /// Nobody has a reason to believe that it was ever taken.
    Dropped,
}

/// How well a device is known.
pub(crate) enum Known {
    /// Its account's valid list has it, with this identity.
    Listed(Box<PublicKey>),
    /// Its account's valid list does not have it.
    Unlisted,
    /// There is no list that would say.
    Unknown,
}

/// Puts a signature on a change.
pub(crate) fn sign(client: &Client, turn: &mut Turn<'_>, change: &Change) -> SignedChange {
    let bytes = change.encode();
    let signature = client.keys.identity.sign(&SignedChange::signed_bytes(&bytes), turn.rng);
    SignedChange { change: bytes, signature }
}

impl WaitingChange {
    pub(crate) fn new(signed: &SignedChange, epoch: u64) -> Self {
        Self {
            epoch,
            change: signed.change.to_vec(),
            signature: signed.signature.to_vec(),
            ..Self::default()
        }
    }
}

impl GroupRow {
    /// Keeps a change until it can be judged. Of two the same, the one that is known better stays; when there
    /// are too many, the latest goes, which can be asked for again.
    pub(crate) fn wait(&mut self, change: WaitingChange) {
        let known =
            self.waiting.iter_mut().find(|one| one.epoch == change.epoch && one.change == change.change);
        if let Some(known) = known {
            known.vouched |= change.vouched;
            if change.live {
                known.live = true;
                known.public = change.public;
            }
            return;
        }
        self.waiting.push(change);
        // What the server brought first: of two for one epoch it is the one that was taken.
        self.waiting.sort_by_key(|one| (one.epoch, !one.live, !one.vouched));
        self.waiting.truncate(MAX_CHANGES_WAITING);
    }
}

impl Client {
    /// Takes the changes that wait for a group as far as they can be judged.
    pub(crate) fn advance(&mut self, turn: &mut Turn<'_>, group: GroupId) -> Result<(), Error> {
        loop {
            let Some(mut row) = turn.store.load::<GroupRow>(&Key::Group(group))? else { return Ok(()) };
            let state = row.state()?;
            let next = state.epoch.saturating_add(1);
            row.waiting.retain(|one| one.epoch >= next);
            let latest = row.waiting.last().map_or(0, |one| one.epoch);
            let Some(at) = row.waiting.iter().position(|one| one.epoch == next) else {
                turn.store.save(Key::Group(group), &row);
                self.note_behind(turn, group, state.epoch, latest);
                return Ok(());
            };
            let waiting = row.waiting.remove(at);
            match self.judge(turn, group, Some(&state), &waiting)? {
                Verdict::Waits(account)
                    if self.groups.unverified.get(&account).is_none_or(|of| !of.contains(&group)) =>
                {
                    self.groups.unverified.entry(account).or_default().insert(group);
                    self.refetch.insert(account);
                    return Ok(());
                }
                // Asking did not help.
                Verdict::Waits(_) => {
                    self.note_behind(turn, group, state.epoch, latest);
                    return Ok(());
                }
                Verdict::Unvouched => {
                    self.note_behind(turn, group, state.epoch, latest);
                    return Ok(());
                }
                Verdict::Dropped => turn.store.save(Key::Group(group), &row),
                Verdict::Made(after, change) => {
                    let made = Made { after: *after, change: Some(*change), by: None };
                    self.make(turn, row, Some(&state), &made, &waiting)?;
                }
                Verdict::Skipped(by) => {
                    let made = Made { after: rules::skip(&state), change: None, by };
                    self.make(turn, row, Some(&state), &made, &waiting)?;
                }
            }
        }
    }

    /// The first change of a group that another device of this account has made.
    pub(crate) fn created_elsewhere(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        waiting: &WaitingChange,
    ) -> Result<(), Error> {
        if let Verdict::Made(after, change) = self.judge(turn, group, None, waiting)? {
            let row = GroupRow { first: after.epoch, ..GroupRow::default() };
            let made = Made { after: *after, change: Some(*change), by: None };
            self.make(turn, row, None, &made, waiting)?;
        }
        Ok(())
    }

    /// A change of this device that the server has taken.
    pub(crate) fn made_here(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        signed: &SignedChange,
    ) -> Result<bool, Error> {
        let row: Option<GroupRow> = turn.store.load(&Key::Group(group))?;
        let before = row.as_ref().map(GroupRow::state).transpose()?;
        let Ok(change) = Change::decode(&signed.change) else { return Ok(false) };
        let Ok(after) = rules::apply(before.as_ref(), &change) else { return Ok(false) };
        let waiting = WaitingChange::new(signed, change.epoch);
        let row = row.unwrap_or(GroupRow { first: after.epoch, ..GroupRow::default() });
        self.make(turn, row, before.as_ref(), &Made { after, change: Some(change), by: None }, &waiting)?;
        self.advance(turn, group)?;
        Ok(true)
    }

    fn judge(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
        state: Option<&GroupState>,
        waiting: &WaitingChange,
    ) -> Result<Verdict, Error> {
        let taken = waiting.live || waiting.vouched;
        let worthless = |by| if taken { Verdict::Skipped(by) } else { Verdict::Dropped };
        let change = Change::decode(&waiting.change).ok();
        let Some(change) = change.filter(|change| change.group == group && change.epoch == waiting.epoch)
        else {
            return Ok(worthless(None));
        };
        let by = change.by;
        let verified = match self.device_known(turn, by)? {
            Known::Listed(key) => {
                key.verify(&SignedChange::signed_bytes(&waiting.change), &waiting.signature)
            }
            Known::Unknown if !waiting.vouched => return Ok(Verdict::Waits(by.account)),
            Known::Unlisted if !waiting.vouched => return Ok(Verdict::Unvouched),
            Known::Unknown | Known::Unlisted => true,
        };
        if !verified {
            return Ok(worthless(Some(by.account)));
        }
        Ok(match rules::apply(state, &change) {
            Ok(after) => Verdict::Made(Box::new(after), Box::new(change)),
            // Its maker signed it for this very state, so that whoever holds it comes to the same end.
            Err(_) if state.is_some_and(|state| change.previous == Some(state.hash())) => {
                Verdict::Skipped(Some(by.account))
            }
            Err(_) => worthless(Some(by.account)),
        })
    }

    /// Goes on to the state that a change has made.
    fn make(
        &mut self,
        turn: &mut Turn<'_>,
        mut row: GroupRow,
        before: Option<&GroupState>,
        made: &Made,
        waiting: &WaitingChange,
    ) -> Result<(), Error> {
        let (group, epoch) = (made.after.group, made.after.epoch);
        row.state = made.after.encode();
        let log = LogRow {
            change: waiting.change.clone(),
            signature: waiting.signature.clone(),
            before: before.map(|before| touched(before, &made.after)).unwrap_or_default(),
            everybody_sent: before.is_some_and(rules::everybody_sends),
            skipped: made.change.is_none(),
            made: made.after.hash().to_vec(),
        };
        turn.store.save(Key::GroupLog(group, epoch), &log);
        if let Some(old) = epoch.checked_sub(MAX_CHANGES_LOGGED) {
            turn.store.delete(Key::GroupLog(group, old));
        }
        turn.store.save(Key::Group(group), &row);
        self.groups.views.remove(&group);
        self.groups.news.groups.insert(group);
        if self.groups.behind.get(&group).is_some_and(|behind| behind.epoch <= epoch) {
            self.groups.behind.remove(&group);
        }
        if let Some(before) = before {
            self.members_changed(turn, before, &made.after)?;
        }
        self.tell(turn, made, waiting)?;
        turn.event(Event::Group(group));
        Ok(())
    }

    /// What the user is told of a change.
    fn tell(&mut self, turn: &mut Turn<'_>, made: &Made, waiting: &WaitingChange) -> Result<(), Error> {
        let group = made.after.group;
        let public = read_public(&waiting.public);
        let Some(change) = &made.change else {
            let Some(by) = made.by else { return Ok(()) };
            let from = DeviceAddress { account: by, device: waxwing_wire::DeviceId::PRIMARY };
            let key = MessageKey { from, id: signed_id(waiting)? };
            return self.group_notice(turn, group, key, Notice::ServerDisagrees(by), DISAGREES, 0);
        };
        let key = MessageKey { from: change.by, id: signed_id(waiting)? };
        let by = change.by.account;
        let differs = public.is_some_and(|public| public != change.public(&made.after));
        let at_ms = change.at_ms;
        let own = self.own_account();
        let admin = made.after.member(own).is_some_and(|member| member.admin);
        if is_leaving(change) && by != own && !admin {
            let placeholder = turn.store.message(&key)?.filter(|message| message.body == Body::Waiting);
            self.nothing_to_show(turn, key, placeholder)?;
        } else {
            let notice = Notice::GroupChanged(Box::new(change.clone()));
            self.group_notice(turn, group, key, notice, 0, at_ms)?;
        }
        if differs {
            self.group_notice(turn, group, key, Notice::ServerDisagrees(by), DISAGREES, at_ms)?;
        }
        self.settle_own_change(turn, key)
    }

    /// Writes into a group's history what nobody wrote. `about`: what it is about, in whose history it stands
    /// next to it. Nothing is written twice.
    pub(crate) fn group_notice(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        about: MessageKey,
        notice: Notice,
        kind: u64,
        sent_at_ms: u64,
    ) -> Result<(), Error> {
        let key = MessageKey { from: about.from, id: MessageId(about.id.0 ^ kind) };
        let known = turn.store.message(&key)?;
        if known.as_ref().is_some_and(|message| !matches!(message.body, Body::Waiting | Body::Lost)) {
            return Ok(());
        }
        let own = self.address().is_some_and(|own| own.account == about.from.account);
        let filled = known.is_some();
        let message = Message {
            key,
            with: Conversation::Group(group),
            order: known.map_or_else(|| self.next_order(), |message| message.order),
            direction: if own { Direction::Outgoing } else { Direction::Incoming },
            sent_at_ms: if sent_at_ms == 0 { turn.now.0 } else { sent_at_ms },
            stored_at_ms: turn.now.0,
            body: Body::Notice(notice),
            delivery: Delivery::Read,
            position: 0,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        };
        self.forget_retry(turn, key);
        turn.show(message, filled);
        Ok(())
    }

    /// Compares what a member says of a group with what this device knows, and shows when both differ.
    pub(crate) fn compare_states(
        &mut self,
        turn: &mut Turn<'_>,
        about: MessageKey,
        context: &GroupContext,
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<GroupRow>(&Key::Group(context.group))? else { return Ok(()) };
        let state = row.state()?;
        let ours = self.hash_at(turn, context.group, context.epoch)?;
        let account = about.from.account;
        let told = row.forked.iter().any(|forked| *forked == account.0);
        if ours.is_none_or(|ours| ours == context.state) || told || state.member(account).is_none() {
            return Ok(());
        }
        row.forked.push(account.0.to_vec());
        let surplus = row.forked.len().saturating_sub(MAX_FORKS_KEPT);
        row.forked.drain(..surplus);
        turn.store.save(Key::Group(context.group), &row);
        self.group_notice(turn, context.group, about, Notice::GroupForked(account), FORKED, 0)
    }
}

/// A step from one state to the next.
struct Made {
    after: GroupState,
    /// `None`: it counted for nothing.
    change: Option<Change>,
    /// Whose change counted for nothing, if that is known.
    by: Option<AccountId>,
}

/// Somebody leaves, and nothing else but what that takes. It is silent: admins hear of it, and whoever is one by it;
/// the others see it when they look who is there.
fn is_leaving(change: &Change) -> bool {
    let leaves = |action: &Action| *action == Action::Remove(change.by.account);
    let names = |action: &Action| matches!(action, Action::Promote(_));
    change.actions.iter().any(leaves) && change.actions.iter().all(|action| leaves(action) || names(action))
}

/// A change's name: its envelope has it, and the notice about it.
pub(crate) fn signed_id(waiting: &WaitingChange) -> Result<MessageId, Error> {
    waiting.signed().map(|signed| signed.id())
}

/// Where those stood before whose standing is another after.
fn touched(before: &GroupState, after: &GroupState) -> Vec<StandingRow> {
    let gone = before.members.iter().filter(|member| after.member(member.account) != Some(member));
    let standing = |member: &Member| if member.admin { Standing::Admin } else { Standing::Member };
    let gone = gone.map(|member| StandingRow::new(member.account, standing(member)));
    let new = after.members.iter().filter(|member| before.member(member.account).is_none());
    let new = new.map(|member| StandingRow::new(member.account, Standing::Outside));
    gone.chain(new).collect()
}

/// Where the server's word on a change is kept until the change is judged: the wire's own encoding of it.
pub(crate) fn write_public(group: GroupId, public: &PublicChange) -> Vec<u8> {
    let send = GroupSend {
        id: MessageId(0),
        group,
        epoch: 0,
        view: [0; 32],
        ciphertext: waxwing_wire::Bytes::from_static(&[0]),
        silent: false,
        attempt: 0,
        change: Some(public.clone()),
        files: Vec::new(),
    };
    ClientFrame { group_sends: vec![send], ..ClientFrame::default() }.encode()
}

fn read_public(bytes: &[u8]) -> Option<PublicChange> {
    let frame = ClientFrame::decode(waxwing_wire::Bytes::copy_from_slice(bytes)).ok()?;
    frame.group_sends.into_iter().next()?.change
}
