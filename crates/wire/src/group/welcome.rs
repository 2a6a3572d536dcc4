//! What somebody is told who begins to know a group.

use super::GroupState;
use crate::error::Malformed;
use crate::id::AccountId;
use crate::limits::{MAX_PAST_CHANGES, MAX_PAST_STANDINGS};
use crate::pb::content as pb;
use crate::shared::fixed;

/// A standing as it is written: an account and a number.
const STANDING_BYTES: usize = 17;

/// Where a group stands, and what led there.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupWelcome {
    /// Where it stands.
    pub state: GroupState,
    /// The last changes, newest first and without a gap; at most [`MAX_PAST_CHANGES`], with at most
    /// [`MAX_PAST_STANDINGS`] in all.
    pub past: Vec<PastChange>,
}

/// What was before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastChange {
    /// The epoch that it made.
    pub epoch: u64,
    /// Members who are no admins could write.
    pub everybody_sent: bool,
    /// Where those stood whom it concerned.
    pub before: Vec<(AccountId, Standing)>,
}

/// Where an account stands in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not in it.
    Outside,
    /// A member.
    Member,
    /// A member who may change everything.
    Admin,
}

impl GroupWelcome {
    pub(crate) fn to_pb(&self) -> pb::GroupWelcome {
        pb::GroupWelcome {
            state: Some(self.state.to_pb()),
            past: self.past.iter().map(PastChange::to_pb).collect(),
        }
    }
}

impl TryFrom<pb::GroupWelcome> for GroupWelcome {
    type Error = Malformed;

    fn try_from(welcome: pb::GroupWelcome) -> Result<Self, Malformed> {
        let state: GroupState = welcome.state.ok_or(Malformed::new("GroupWelcome.state"))?.try_into()?;
        let standings: usize = welcome.past.iter().map(|past| past.before.len() / STANDING_BYTES).sum();
        if welcome.past.len() > MAX_PAST_CHANGES || standings > MAX_PAST_STANDINGS {
            return Err(Malformed::new("GroupWelcome.past"));
        }
        let past: Vec<PastChange> =
            welcome.past.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        let newest_first = (0..).zip(&past).all(|(at, past)| state.epoch.checked_sub(at) == Some(past.epoch));
        if newest_first { Ok(Self { state, past }) } else { Err(Malformed::new("GroupWelcome.past")) }
    }
}

impl PastChange {
    fn to_pb(&self) -> pb::PastChange {
        let mut before = Vec::with_capacity(self.before.len() * STANDING_BYTES);
        for (account, standing) in &self.before {
            before.extend_from_slice(&account.0);
            before.push(standing.number());
        }
        pb::PastChange { epoch: self.epoch, everybody_sent: self.everybody_sent, before: before.into() }
    }
}

impl TryFrom<pb::PastChange> for PastChange {
    type Error = Malformed;

    fn try_from(past: pb::PastChange) -> Result<Self, Malformed> {
        let (entries, rest) = past.before.as_chunks::<STANDING_BYTES>();
        if !rest.is_empty() {
            return Err(Malformed::new("PastChange.before"));
        }
        let standing = |entry: &[u8; STANDING_BYTES]| {
            let [account @ .., number] = entry;
            Ok((AccountId(fixed(account, "PastChange.before")?), Standing::from_number(*number)))
        };
        let before = entries.iter().map(standing).collect::<Result<_, Malformed>>()?;
        Ok(Self { epoch: past.epoch, everybody_sent: past.everybody_sent, before })
    }
}

impl Standing {
    /// As it is written.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Outside => 0,
            Self::Member => 1,
            Self::Admin => 2,
        }
    }

    /// Reads [`Self::number`]. A newer kind of member is one all the same.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Outside,
            2 => Self::Admin,
            _ => Self::Member,
        }
    }
}
