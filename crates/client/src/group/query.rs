//! What front ends, and new devices, are told of groups.

use waxwing_wire::AccountId;
use waxwing_wire::group::{GroupId, GroupState};

use super::record::GroupRow;
use crate::client::{Client, Error};
use crate::db::{Key, RawRow, Read, Table};
use crate::limits::{MAX_GROUPS, MAX_JOIN_REQUESTS};
use crate::overlay::Overlay;
use crate::record::Record as _;
use crate::row::Group;

impl Client {
    /// Every group that is known, those included that this account has left, by id.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn groups(&self, db: &dyn Read) -> Result<Vec<Group>, Error> {
        let store = Overlay::new(db);
        let mut groups = Vec::new();
        for state in all(&store, None, MAX_GROUPS)? {
            groups.push(self.to_group(&store, state)?);
        }
        Ok(groups)
    }

    /// One group.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn group(&self, db: &dyn Read, group: GroupId) -> Result<Option<Group>, Error> {
        let store = Overlay::new(db);
        let row: Option<GroupRow> = store.load(&Key::Group(group))?;
        row.map(|row| self.to_group(&store, row.state()?)).transpose()
    }

    /// Whether the account was brought into a group against its setting, and the user has not said yes to that.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn is_group_request(&self, db: &dyn Read, group: GroupId) -> Result<bool, Error> {
        Ok(crate::privacy::group_asked_by(&Overlay::new(db), group)?.is_some())
    }

    fn to_group(&self, store: &Overlay<'_>, state: GroupState) -> Result<Group, Error> {
        let member = state.member(self.own_account()).is_some();
        let requests = requests(store, state.group)?;
        let asked_by = crate::privacy::group_asked_by(store, state.group)?;
        Ok(Group { state, member, requests, asked_by })
    }
}

/// Where groups stand, after a group and at most so many, for a new device of the account.
pub(crate) fn states(
    store: &Overlay<'_>,
    after: Option<GroupId>,
    max: usize,
) -> Result<Vec<GroupState>, Error> {
    all(store, after, max)
}

/// Who wants to join.
pub(crate) fn requests(store: &Overlay<'_>, group: GroupId) -> Result<Vec<AccountId>, Error> {
    let to = [&group.0[..], &[0xff; 17]].concat();
    let rows = store.rows(Table::JoinRequest, &group.0, &to, MAX_JOIN_REQUESTS)?;
    let account = |(key, _): RawRow| key.get(16..).and_then(|bytes| bytes.try_into().ok()).map(AccountId);
    Ok(rows.into_iter().filter_map(account).collect())
}

fn all(store: &Overlay<'_>, after: Option<GroupId>, max: usize) -> Result<Vec<GroupState>, Error> {
    // The key right after that one.
    let from = after.map(|group| [&group.0[..], &[0]].concat()).unwrap_or_default();
    let rows = store.rows(Table::Group, &from, &[0xff; 17], max)?;
    rows.iter().map(|(_, value)| GroupRow::unpack(value)?.state()).collect()
}
