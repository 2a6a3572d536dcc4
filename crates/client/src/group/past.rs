//! What somebody is told, and keeps, of the changes that led to a state: who was a member, and who could write,
//! when a message was written before it.

use waxwing_wire::AccountId;
use waxwing_wire::group::{GroupState, GroupWelcome, PastChange, Standing};
use waxwing_wire::limits::{MAX_PAST_CHANGES, MAX_PAST_STANDINGS};

use super::record::{LogRow, StandingRow};
use crate::client::{Client, Error};
use crate::db::Key;
use crate::limits::MAX_WELCOME_BYTES;
use crate::overlay::Overlay;
use crate::record::Record as _;
use crate::turn::Turn;

/// Bytes of a past change in a welcome, at most; and of one standing in it.
const CHANGE_BYTES: usize = 18;
const STANDING_BYTES: usize = 17;

/// A state with as much of its past as is known and fits.
pub(crate) fn with_past(store: &Overlay<'_>, state: GroupState) -> Result<GroupWelcome, Error> {
    let mut past = Vec::new();
    let mut standings = 0;
    let room = MAX_WELCOME_BYTES.saturating_sub(state.encode().len());
    for epoch in (1..=state.epoch).rev().take(MAX_PAST_CHANGES) {
        let Some(log) = store.load::<LogRow>(&Key::GroupLog(state.group, epoch))? else { break };
        standings += log.before.len();
        if standings > MAX_PAST_STANDINGS
            || (past.len() + 1) * CHANGE_BYTES + standings * STANDING_BYTES > room
        {
            break;
        }
        let before = log.before.iter().map(StandingRow::read).collect::<Result<_, _>>()?;
        past.push(PastChange { epoch, everybody_sent: log.everybody_sent, before });
    }
    Ok(GroupWelcome { state, past })
}

/// Bytes that a welcome takes in a part of an archive.
pub(crate) fn size(welcome: &GroupWelcome) -> usize {
    let standings: usize = welcome.past.iter().map(|past| past.before.len()).sum();
    welcome.state.encode().len() + welcome.past.len() * CHANGE_BYTES + standings * STANDING_BYTES
}

impl StandingRow {
    pub(super) fn new(account: AccountId, standing: Standing) -> Self {
        Self { account: account.0.to_vec(), standing: standing.number().into() }
    }

    fn read(&self) -> Result<(AccountId, Standing), Error> {
        let account = self.account.as_slice().try_into().map_err(|_| Error::Damaged(LogRow::NAME))?;
        let number = u8::try_from(self.standing).map_err(|_| Error::Damaged(LogRow::NAME))?;
        Ok((AccountId(account), Standing::from_number(number)))
    }
}

impl Client {
    /// Keeps what a welcome says of the changes before its state, where this device knows nothing of them.
    pub(super) fn keep_past(&self, turn: &mut Turn<'_>, welcome: &GroupWelcome) -> Result<(), Error> {
        for past in &welcome.past {
            let place = Key::GroupLog(welcome.state.group, past.epoch);
            if turn.store.load::<LogRow>(&place)?.is_some() {
                continue;
            }
            let before = past.before.iter().map(|(account, stood)| StandingRow::new(*account, *stood));
            let log =
                LogRow { before: before.collect(), everybody_sent: past.everybody_sent, ..LogRow::default() };
            turn.store.save(place, &log);
        }
        Ok(())
    }

    /// Another device of the account tells of a state that is known already: of what came before it, it may
    /// know more.
    pub(super) fn compare_welcome(&self, turn: &mut Turn<'_>, welcome: &GroupWelcome) -> Result<(), Error> {
        let state = &welcome.state;
        let known = self.hash_at(turn, state.group, state.epoch)?;
        if known.is_some_and(|known| known == state.hash()) { self.keep_past(turn, welcome) } else { Ok(()) }
    }
}
