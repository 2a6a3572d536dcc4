//! Who may change what in a group: from a state and a change to the next state, the same on every member's
//! device. Pure: signatures, and whether a change is the next one, are `change`'s affair.
//!
//! | action | who |
//! |---|---|
//! | add | admins; everybody if `permissions.add` says so. A new admin is named by admins only |
//! | remove somebody else, promote, demote | admins |
//! | remove oneself | everybody |
//! | name, description, picture | admins; everybody if `permissions.edit` says so |
//! | permissions, link, linked groups, community | admins |
//! | send (no action) | admins; everybody if `permissions.send` says so and it is no community |
//!
//! The actions of a change are judged one after the other, each by the state that those before it have made;
//! all of them count or none. Whoever has removed itself may do nothing more in the same change. When the
//! last admin goes, or steps down, the member with the lowest account id becomes one: a rule that needs no
//! clock and no history. (The server does not follow it; an honest device names the successor itself, see
//! [`successor`].)

use waxwing_wire::AccountId;
use waxwing_wire::group::{Action, Allowed, Change, GroupKind, GroupState, LinkedGroup, Member, Permissions};
use waxwing_wire::limits::{
    MAX_ACTIONS_PER_CHANGE, MAX_GROUP_DESCRIPTION_BYTES, MAX_GROUP_MEMBERS, MAX_GROUP_NAME_BYTES,
    MAX_GROUP_PICTURE_BYTES, MAX_LINKED_GROUPS,
};

/// Why a change counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// It is not the next one after this state.
    NotNext,
    /// Its maker is no member.
    NotMember,
    /// Its maker may not do that.
    NotAllowed,
    /// [`MAX_GROUP_MEMBERS`] are there.
    Full,
    /// It does nothing that can be done: adds a member, removes somebody who is none, breaks a limit.
    Senseless,
}

/// The state that a change makes.
///
/// # Errors
/// [`Invalid`]; then [`skip`] is what it makes, the same for everybody.
pub(crate) fn apply(state: Option<&GroupState>, change: &Change) -> Result<GroupState, Invalid> {
    if change.actions.len() > MAX_ACTIONS_PER_CHANGE {
        return Err(Invalid::Senseless);
    }
    let (mut next, rest) = match state {
        None => create(change)?,
        Some(state) => (follow(state, change)?, change.actions.as_slice()),
    };
    for action in rest {
        act(&mut next, change.by.account, action)?;
    }
    if next.members.len() > MAX_GROUP_MEMBERS {
        return Err(Invalid::Full);
    }
    if next.members.iter().all(|member| !member.admin)
        && let Some(lowest) = next.members.first_mut()
    {
        lowest.admin = true;
    }
    Ok(next)
}

/// What a change makes that counts for nothing: it was one all the same, and the next one follows it.
pub(crate) fn skip(state: &GroupState) -> GroupState {
    GroupState { epoch: state.epoch.saturating_add(1), previous: Some(state.hash()), ..state.clone() }
}

/// Whether a member may write.
pub(crate) fn may_send(state: &GroupState, account: AccountId) -> bool {
    state.member(account).is_some_and(|member| member.admin || everybody_sends(state))
}

/// Whether members who are no admins may write.
pub(crate) fn everybody_sends(state: &GroupState) -> bool {
    state.kind == GroupKind::Group && state.permissions.send == Allowed::Everybody
}

/// Whom somebody who leaves names as admin: nobody unless it is the last one.
pub(crate) fn successor(state: &GroupState, leaving: AccountId) -> Option<AccountId> {
    let mut others = state.members.iter().filter(|member| member.account != leaving);
    if state.members.iter().any(|member| member.admin && member.account != leaving) {
        return None;
    }
    others.next().map(|member| member.account)
}

/// The first change makes the group.
fn create(change: &Change) -> Result<(GroupState, &[Action]), Invalid> {
    let (first, rest) = change.actions.split_first().ok_or(Invalid::NotNext)?;
    let Action::Create { name, kind } = first else { return Err(Invalid::NotNext) };
    if change.epoch != 1 || change.previous.is_some() {
        return Err(Invalid::NotNext);
    }
    let state = GroupState {
        group: change.group,
        epoch: 1,
        previous: None,
        name: checked_name(name)?,
        description: String::new(),
        picture: bytes::Bytes::new(),
        members: vec![Member { account: change.by.account, admin: true }],
        permissions: Permissions::default(),
        link: None,
        kind: *kind,
        linked: Vec::new(),
        community: None,
    };
    Ok((state, rest))
}

fn follow(state: &GroupState, change: &Change) -> Result<GroupState, Invalid> {
    let next = skip(state);
    if change.group != state.group || change.epoch != next.epoch || change.previous != next.previous {
        return Err(Invalid::NotNext);
    }
    Ok(next)
}

fn act(state: &mut GroupState, by: AccountId, action: &Action) -> Result<(), Invalid> {
    let maker = *state.member(by).ok_or(Invalid::NotMember)?;
    let allowed = match action {
        Action::Create { .. } => return Err(Invalid::Senseless),
        Action::Remove(account) if *account == by => true,
        Action::Add(member) if !member.admin => state.permissions.add == Allowed::Everybody,
        Action::Name(_) | Action::Description(_) | Action::Picture(_) => {
            state.permissions.edit == Allowed::Everybody
        }
        _ => false,
    };
    if !allowed && !maker.admin {
        return Err(Invalid::NotAllowed);
    }
    match action {
        Action::Create { .. } => {}
        Action::Add(member) => add(state, *member)?,
        Action::Remove(account) => remove(state, *account)?,
        Action::Promote(account) => set_admin(state, *account, true)?,
        Action::Demote(account) => set_admin(state, *account, false)?,
        Action::Name(name) => state.name = checked_name(name)?,
        Action::Description(text) if text.len() <= MAX_GROUP_DESCRIPTION_BYTES => {
            state.description.clone_from(text);
        }
        Action::Picture(picture) if picture.len() <= MAX_GROUP_PICTURE_BYTES => {
            state.picture.clone_from(picture);
        }
        Action::Description(_) | Action::Picture(_) => return Err(Invalid::Senseless),
        Action::Permissions(permissions) => state.permissions = *permissions,
        Action::Link(token) => state.link = *token,
        Action::LinkGroup(linked) => link(state, linked)?,
        Action::UnlinkGroup(group) => {
            let at = state.linked.iter().position(|linked| linked.group == *group);
            state.linked.remove(at.ok_or(Invalid::Senseless)?);
        }
        Action::Community(group) if state.kind == GroupKind::Group => state.community = *group,
        Action::Community(_) => return Err(Invalid::Senseless),
    }
    Ok(())
}

fn add(state: &mut GroupState, member: Member) -> Result<(), Invalid> {
    match state.members.binary_search_by_key(&member.account, |member| member.account) {
        Ok(_) => Err(Invalid::Senseless),
        Err(_) if state.members.len() >= MAX_GROUP_MEMBERS => Err(Invalid::Full),
        Err(at) => {
            state.members.insert(at, member);
            Ok(())
        }
    }
}

fn remove(state: &mut GroupState, account: AccountId) -> Result<(), Invalid> {
    let at = state.members.binary_search_by_key(&account, |member| member.account);
    state.members.remove(at.map_err(|_| Invalid::Senseless)?);
    Ok(())
}

fn set_admin(state: &mut GroupState, account: AccountId, admin: bool) -> Result<(), Invalid> {
    let at = state.members.binary_search_by_key(&account, |member| member.account);
    let member = at.ok().and_then(|at| state.members.get_mut(at)).ok_or(Invalid::Senseless)?;
    if member.admin == admin {
        return Err(Invalid::Senseless);
    }
    member.admin = admin;
    Ok(())
}

/// Ascending by group, so that the order in which groups came does not matter to the hash.
fn link(state: &mut GroupState, linked: &LinkedGroup) -> Result<(), Invalid> {
    if state.kind != GroupKind::Community || linked.group == state.group {
        return Err(Invalid::Senseless);
    }
    let linked = LinkedGroup { name: checked_name(&linked.name)?, ..linked.clone() };
    match state.linked.binary_search_by_key(&linked.group, |linked| linked.group) {
        Ok(at) => {
            if let Some(known) = state.linked.get_mut(at) {
                *known = linked;
            }
        }
        Err(_) if state.linked.len() >= MAX_LINKED_GROUPS => return Err(Invalid::Full),
        Err(at) => state.linked.insert(at, linked),
    }
    Ok(())
}

fn checked_name(name: &str) -> Result<String, Invalid> {
    if name.trim().is_empty() || name.len() > MAX_GROUP_NAME_BYTES {
        return Err(Invalid::Senseless);
    }
    Ok(name.into())
}

#[cfg(test)]
mod tests;
