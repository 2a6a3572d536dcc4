//! Whether groups have gone on that this device may not have heard of: its database is an older copy of itself, or it
//! began with what such a copy told it.
//!
//! The server says how many changes a group has seen, to its members. What it says leads to nothing but questions to
//! members, whose answers are verified as ever ([`super::catch_up`]).

use waxwing_wire::GroupId;
use waxwing_wire::RejectCode;
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::server_frame::ResponseBody;

use super::query::states;
use super::record::GroupRow;
use super::send::load_state;
use crate::Time;
use crate::client::{Client, Error};
use crate::connection::{Asked, as_reject};
use crate::db::Key;
use crate::limits::{DOUBTS_ASKED, HOLD_MAX_MS, MAX_DOUBTS, MAX_GROUPS};
use crate::outbox::hold_ms;
use crate::turn::Turn;

impl Client {
    /// The database is an older copy of itself.
    pub(crate) fn doubt_groups(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        for state in states(&turn.store, None, MAX_GROUPS)? {
            self.doubt(turn, state.group)?;
        }
        Ok(())
    }

    /// A group may have gone on. It is not forgotten before the server has said that it has not.
    pub(super) fn doubt(&mut self, turn: &mut Turn<'_>, group: GroupId) -> Result<(), Error> {
        self.set_doubt(turn, group, MAX_DOUBTS)?;
        self.groups.doubts.insert(group);
        Ok(())
    }

    fn set_doubt(&self, turn: &mut Turn<'_>, group: GroupId, doubted: u32) -> Result<(), Error> {
        if let Some(row) = turn.store.load::<GroupRow>(&Key::Group(group))? {
            turn.store.save(Key::Group(group), &GroupRow { doubted, ..row });
        }
        Ok(())
    }

    /// Asks about one group after the other.
    pub(super) fn pump_doubts(&mut self, turn: &mut Turn<'_>) {
        let waits = |at: &Time| *at > turn.now && *at <= turn.now.plus(HOLD_MAX_MS);
        self.groups.doubts_after = self.groups.doubts_after.filter(waits);
        let asks = |asked: &Asked| matches!(asked, Asked::Epoch(_));
        if self.groups.doubts_after.is_some() || self.link.online().is_none_or(|up| up.has_asked(asks)) {
            return;
        }
        if let Some(group) = self.groups.doubts.pop_first()
            && self.link.ask(turn, RequestBody::FetchGroupEpoch(group), Asked::Epoch(group)).is_err()
        {
            self.groups.doubts.insert(group);
        }
    }

    /// When [`Self::pump_doubts`] has something to do that no answer brings about.
    pub(crate) fn doubts_at(&self) -> Option<Time> {
        self.groups.doubts_after
    }

    /// The answer to that.
    pub(crate) fn epoch_told(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        let Some(state) = load_state(turn, group)? else { return Ok(()) };
        match answer {
            ResponseBody::GroupEpoch(epoch) if epoch <= state.epoch => self.set_doubt(turn, group, 0),
            // Until the changes are here the doubt stays: the next connection asks again.
            ResponseBody::GroupEpoch(epoch) => {
                self.note_behind(turn, group, state.epoch, epoch);
                Ok(())
            }
            answer => {
                let reject = as_reject(answer);
                if reject.code == RejectCode::UnknownGroup {
                    return self.not_of_the_group(turn, group);
                }
                self.groups.doubts.insert(group);
                self.groups.doubts_after = Some(turn.now.plus(hold_ms(&reject)));
                Ok(())
            }
        }
    }

    /// The account is no member any more. Members that are left know why, and so do the own devices.
    fn not_of_the_group(&mut self, turn: &mut Turn<'_>, group: GroupId) -> Result<(), Error> {
        let Some(row) = turn.store.load::<GroupRow>(&Key::Group(group))? else { return Ok(()) };
        if row.state()?.member(self.own_account()).is_none() {
            return self.set_doubt(turn, group, 0);
        }
        let turns = usize::try_from(MAX_DOUBTS.saturating_sub(row.doubted)).unwrap_or(0);
        self.set_doubt(turn, group, row.doubted.saturating_sub(1))?;
        let whom = self.who_may_know(turn, group)?;
        for account in whom.iter().cycle().skip(turns * DOUBTS_ASKED).take(DOUBTS_ASKED.min(whom.len())) {
            self.ask_for_changes_of(turn, group, *account)?;
        }
        Ok(())
    }
}
