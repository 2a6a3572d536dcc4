//! What the server enforces of a change: who may do it. Everything else about groups is the members' own.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::group::PublicChange;
use waxwing_wire::limits::MAX_GROUP_MEMBERS;
use waxwing_wire::{AccountId, Reject, RejectCode};

use crate::row::{GroupRow, MemberRow};

/// The group after a change that `maker` makes; `None`: there was none, and it is made.
pub(super) fn changed(
    before: Option<&GroupRow>,
    maker: AccountId,
    change: &PublicChange,
) -> Result<GroupRow, Reject> {
    let nothing = GroupRow { members_add: change.members_add, link: change.link, ..GroupRow::default() };
    let group = before.unwrap_or(&nothing);
    let is_admin = match before {
        None => true,
        Some(group) => group.member(maker).ok_or_else(not_allowed)?.admin,
    };
    let adds = !change.add.is_empty();
    let only_oneself = change.remove.iter().all(|account| *account == maker);
    let promotes = !change.promote.is_empty() || !change.demote.is_empty();
    let settings = (change.members_add, change.link) != (group.members_add, group.link);
    if !is_admin && ((adds && !group.members_add) || !only_oneself || promotes || settings) {
        return Err(not_allowed());
    }
    let epoch = group.epoch + 1;
    let mut members: BTreeMap<AccountId, MemberRow> =
        group.members.iter().map(|member| (member.account, *member)).collect();
    for account in &change.add {
        let member = MemberRow { account: *account, admin: false, since: epoch };
        if members.insert(*account, member).is_some() {
            return Err(malformed());
        }
    }
    for (accounts, admin) in [(&change.promote, true), (&change.demote, false)] {
        for account in accounts {
            members.get_mut(account).ok_or_else(malformed)?.admin = admin;
        }
    }
    let removed: BTreeSet<AccountId> = change.remove.iter().copied().collect();
    let added_too = change.add.iter().any(|account| removed.contains(account));
    if added_too || !removed.iter().all(|account| members.remove(account).is_some()) {
        return Err(malformed());
    }
    if members.len() > MAX_GROUP_MEMBERS {
        return Err(Reject::new(
            RejectCode::TooMany,
            "the group has as many members as it can: remove some first",
        ));
    }
    if before.is_none() && members.get(&maker).is_none_or(|member| !member.admin) {
        return Err(malformed());
    }
    Ok(GroupRow {
        epoch,
        members: members.into_values().collect(),
        members_add: change.members_add,
        link: change.link,
        pending: None,
        recent: group.recent.clone(),
    })
}

fn not_allowed() -> Reject {
    Reject::new(RejectCode::NotAllowed, "only an admin of the group may do this: ask one")
}

fn malformed() -> Reject {
    Reject::new(
        RejectCode::Malformed,
        "the change does not fit the group's members, or a group is made without its maker as admin: look at \
         the group again",
    )
}
