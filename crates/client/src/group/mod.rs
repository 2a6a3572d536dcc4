//! Groups.
//!
//! | module | what it decides |
//! |---|---|
//! | `rules` | from a state and a change to the next state; pure |
//! | `change` | whose a change is, whether it is the next, what becomes of it |
//! | `catch_up` | what this device has missed, and what others have |
//! | `doubt` | whether groups have gone on that this device may not have heard of |
//! | `members` | the devices of members, as known here and on the server |
//! | `past` | what led to the state that somebody begins with |
//! | `keys` | sender keys, own and others' |
//! | `early` | keys that come before the word that their senders are members |
//! | `kept` | messages that come before what it takes to read them |
//! | `send`, `arrive` | messages and changes to and from groups |
//! | `receipts` | how far own messages have come |
//! | `commands`, `joining`, `query` | what users want and see |

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use waxwing_wire::group::{GroupId, GroupLink, GroupState, GroupWelcome};
use waxwing_wire::{AccountId, DeviceAddress, MessageId};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, Failure};
use crate::db::Key;
use crate::limits::MAX_GROUPS;
use crate::record::{Kind, OutboxRow};
use crate::turn::Turn;

mod arrive;
mod catch_up;
mod change;
mod commands;
mod doubt;
mod early;
mod joining;
mod kept;
pub(crate) mod keys;
mod members;
pub(crate) mod past;
mod query;
pub(crate) mod receipts;
pub(crate) mod record;
mod rules;
mod send;

pub(crate) use keys::load_key;
pub(crate) use query::states;
pub(crate) use rules::may_send;
pub(crate) use send::load_state;

/// What lives as long as the process.
#[derive(Default)]
pub(crate) struct Groups {
    /// Who waits for a change to be taken, by the change's place in the outbox.
    commands: BTreeMap<MessageId, CommandId>,
    /// Groups that the user wants to join and that were not asked after yet.
    joins: VecDeque<(CommandId, GroupLink)>,
    /// What the server says of members' devices and this device does not know.
    views: BTreeMap<GroupId, members::Told>,
    /// Groups that have gone on without this device.
    behind: BTreeMap<GroupId, catch_up::Behind>,
    /// Groups that the server is to be asked about.
    doubts: BTreeSet<GroupId>,
    /// Not before.
    doubts_after: Option<Time>,
    /// Accounts whose devices must be known better before changes of these groups can be judged.
    unverified: BTreeMap<AccountId, BTreeSet<GroupId>>,
    /// Accounts for which the own key waits in the outbox.
    giving: BTreeMap<GroupId, BTreeSet<AccountId>>,
    /// Accounts that the own key cannot be given to.
    unreachable: BTreeSet<(GroupId, AccountId)>,
    /// Keys for groups that this device does not know yet, or not with those whose keys they are.
    early: early::EarlyKeys,
    /// What was kept is to be tried again.
    pub(crate) news: kept::News,
    /// Who was helped to follow, and when; for a short time.
    answered: BTreeMap<(GroupId, DeviceAddress), Time>,
}

impl Groups {
    /// When a client opens: what a row of the outbox says of what is under way.
    pub(crate) fn see(&mut self, row: &OutboxRow) -> Result<(), Error> {
        // What is sent again is no key that messages wait for: nobody tells when it has arrived.
        let gives = row.kind == Kind::SenderKey as u32 && !row.resend;
        if let Some(group) = row.group()?.filter(|_| gives) {
            self.giving.entry(group).or_default().insert(row.account()?);
        }
        Ok(())
    }
}

impl Client {
    /// The server has welcomed this device: goes on with what an earlier process has left.
    pub(crate) fn groups_online(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        for state in states(&turn.store, None, MAX_GROUPS)? {
            let row: Option<record::GroupRow> = turn.store.load(&Key::Group(state.group))?;
            let Some(row) = row else { continue };
            if row.doubted > 0 {
                self.groups.doubts.insert(state.group);
            }
            if !row.waiting.is_empty() {
                self.advance(turn, state.group)?;
            }
        }
        Ok(())
    }

    /// Does what time has made due, and asks the server what the user wants to know.
    pub(crate) fn pump_groups(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let answered = |account: &AccountId| !self.refetch.contains(account);
        let answered: Vec<AccountId> = self.groups.unverified.keys().copied().filter(answered).collect();
        for account in answered {
            for group in self.groups.unverified.get(&account).cloned().unwrap_or_default() {
                self.advance(turn, group)?;
            }
            self.groups.unverified.remove(&account);
        }
        self.read_kept(turn)?;
        self.ask_for_changes(turn)?;
        self.pump_doubts(turn);
        self.pump_joins(turn);
        Ok(())
    }

    /// Tells everybody who waits for an answer of the server that none will come for now. Changes that may
    /// have reached it stay in the outbox; their fate shows in the group.
    pub(crate) fn give_up_groups(&mut self, turn: &mut Turn<'_>) {
        for (command, _) in std::mem::take(&mut self.groups.joins) {
            turn.failed(command, Failure::NotConnected);
        }
    }

    /// Messages are encrypted for other devices of the account than before.
    pub(crate) fn devices_changed(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        self.groups.unreachable.retain(|(_, unreachable)| *unreachable != account);
        for group in self.groups.unverified.get(&account).cloned().unwrap_or_default() {
            self.advance(turn, group)?;
        }
        Ok(())
    }

    /// Who is a member, or an admin, is another than before.
    fn members_changed(
        &mut self,
        turn: &mut Turn<'_>,
        before: &GroupState,
        after: &GroupState,
    ) -> Result<(), Error> {
        if before.members.iter().any(|member| after.member(member.account).is_none()) {
            self.forget_keys(turn, after)?;
        }
        self.take_early_keys(turn, after)?;
        self.settle_requests(turn, after)
    }

    /// Another device of the account has told where a group stands.
    pub(crate) fn group_archived(
        &mut self,
        turn: &mut Turn<'_>,
        welcome: &GroupWelcome,
    ) -> Result<(), Error> {
        let known = send::load_state(turn, welcome.state.group)?.map_or(0, |known| known.epoch);
        if welcome.state.epoch > known {
            self.begin_group(turn, welcome, 0)?;
            // Whoever tells of it may be an older copy.
            self.doubt(turn, welcome.state.group)
        } else {
            self.compare_welcome(turn, welcome)
        }
    }
}
