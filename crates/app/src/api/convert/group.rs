//! Between the core's groups and the interface's.

use waxwing_client as core;
use waxwing_wire::AccountId;
use waxwing_wire::group as wire;
use waxwing_wire::group::{Action, GroupLink};

use super::{account_of, group_name, group_of, picture, picture_of};
use crate::api::{Allowed, Failure, Group, GroupAction, GroupKind, LinkedGroup, Member, Notice};
use crate::api::{Permissions, Person};

/// A group. `own`: this account; `person`: who somebody is.
pub fn group(
    group: &core::Group,
    own: Option<AccountId>,
    mut person: impl FnMut(AccountId) -> Result<Person, Failure>,
) -> Result<Group, Failure> {
    let state = &group.state;
    let mut member = |member: &wire::Member| -> Result<Member, Failure> {
        Ok(Member { person: person(member.account)?, admin: member.admin })
    };
    let members = state.members.iter().map(&mut member).collect::<Result<_, _>>()?;
    Ok(Group {
        group: group_name(state.group),
        kind: state.kind.into(),
        name: state.name.clone(),
        description: state.description.clone(),
        picture: picture(&state.picture),
        epoch: state.epoch,
        member: group.member,
        admin: group.member && own.and_then(|own| state.member(own)).is_some_and(|member| member.admin),
        members,
        permissions: state.permissions.into(),
        link: state.link.map(|token| GroupLink { group: state.group, token }.to_text()),
        linked: state.linked.iter().map(linked).collect(),
        community: state.community.map(group_name),
        requests: group.requests.iter().map(|account| person(*account)).collect::<Result<_, _>>()?,
        asked_by: group.asked_by.map(person).transpose()?,
    })
}

/// Something that happened.
pub fn notice(notice: &core::Notice) -> Notice {
    match notice {
        core::Notice::IdentityChanged(account) => Notice::IdentityChanged { account: account.to_hex() },
        core::Notice::GroupChanged(change) => Notice::GroupChanged {
            by: change.by.account.to_hex(),
            device: change.by.device.number(),
            at_ms: change.at_ms,
            actions: change.actions.iter().map(action).collect(),
        },
        core::Notice::Joined(by) => Notice::Joined { by: by.to_hex() },
        core::Notice::GroupForked(account) => Notice::GroupForked { account: account.to_hex() },
        core::Notice::ServerDisagrees(account) => Notice::ServerDisagrees { account: account.to_hex() },
        core::Notice::Lifetime(by, seconds) => Notice::Lifetime { by: by.to_hex(), seconds: *seconds },
    }
}

fn action(action: &Action) -> GroupAction {
    match action {
        Action::Create { name, kind } => GroupAction::Create { name: name.clone(), kind: (*kind).into() },
        Action::Add(member) => GroupAction::Add { account: member.account.to_hex(), admin: member.admin },
        Action::Remove(account) => GroupAction::Remove { account: account.to_hex() },
        Action::Promote(account) => GroupAction::Promote { account: account.to_hex() },
        Action::Demote(account) => GroupAction::Demote { account: account.to_hex() },
        Action::Name(name) => GroupAction::Name { name: name.clone() },
        Action::Description(text) => GroupAction::Description { text: text.clone() },
        Action::Picture(picture) => GroupAction::Picture { picture: self::picture(picture) },
        Action::Permissions(permissions) => GroupAction::Permissions { permissions: (*permissions).into() },
        Action::Link(token) => GroupAction::Link { enabled: token.is_some() },
        Action::LinkGroup(group) => GroupAction::LinkGroup { linked: linked(group) },
        Action::UnlinkGroup(group) => GroupAction::UnlinkGroup { group: group_name(*group) },
        Action::Community(group) => GroupAction::Community { community: group.map(group_name) },
    }
}

/// What a user wants changed.
pub fn action_of(action: &GroupAction) -> Result<Action, Failure> {
    Ok(match action {
        GroupAction::Create { .. } | GroupAction::Link { .. } => {
            let detail = "making a group and its invitation link are commands of their own: createGroup and \
                          setGroupLink";
            return Err(Failure::user("malformedAction", detail));
        }
        GroupAction::Add { account, admin } => {
            Action::Add(wire::Member { account: account_of(account)?, admin: *admin })
        }
        GroupAction::Remove { account } => Action::Remove(account_of(account)?),
        GroupAction::Promote { account } => Action::Promote(account_of(account)?),
        GroupAction::Demote { account } => Action::Demote(account_of(account)?),
        GroupAction::Name { name } => Action::Name(name.clone()),
        GroupAction::Description { text } => Action::Description(text.clone()),
        GroupAction::Picture { picture } => Action::Picture(picture_of(picture)?),
        GroupAction::Permissions { permissions } => Action::Permissions((*permissions).into()),
        GroupAction::LinkGroup { linked } => Action::LinkGroup(wire::LinkedGroup {
            group: group_of(&linked.group)?,
            name: linked.name.clone(),
            link: linked.link.as_deref().map(|text| link_of(text).map(|link| link.token)).transpose()?,
        }),
        GroupAction::UnlinkGroup { group } => Action::UnlinkGroup(group_of(group)?),
        GroupAction::Community { community } => {
            Action::Community(community.as_deref().map(group_of).transpose()?)
        }
    })
}

/// An invitation link as people pass it on.
pub fn link_of(text: &str) -> Result<GroupLink, Failure> {
    GroupLink::parse(text).map_err(|_| {
        Failure::user("malformedLink", "not a group's invitation link; copy it again, the whole of it")
    })
}

fn linked(linked: &wire::LinkedGroup) -> LinkedGroup {
    LinkedGroup {
        group: group_name(linked.group),
        name: linked.name.clone(),
        link: linked.link.map(|token| GroupLink { group: linked.group, token }.to_text()),
    }
}

impl From<wire::GroupKind> for GroupKind {
    fn from(kind: wire::GroupKind) -> Self {
        match kind {
            wire::GroupKind::Group => Self::Group,
            wire::GroupKind::Community => Self::Community,
        }
    }
}

impl From<GroupKind> for wire::GroupKind {
    fn from(kind: GroupKind) -> Self {
        match kind {
            GroupKind::Group => Self::Group,
            GroupKind::Community => Self::Community,
        }
    }
}

impl From<wire::Permissions> for Permissions {
    fn from(permissions: wire::Permissions) -> Self {
        Self {
            send: permissions.send.into(),
            edit: permissions.edit.into(),
            add: permissions.add.into(),
            approve: permissions.approve,
        }
    }
}

impl From<Permissions> for wire::Permissions {
    fn from(permissions: Permissions) -> Self {
        Self {
            send: permissions.send.into(),
            edit: permissions.edit.into(),
            add: permissions.add.into(),
            approve: permissions.approve,
        }
    }
}

impl From<wire::Allowed> for Allowed {
    fn from(allowed: wire::Allowed) -> Self {
        match allowed {
            wire::Allowed::Everybody => Self::Everybody,
            wire::Allowed::Admins => Self::Admins,
        }
    }
}

impl From<Allowed> for wire::Allowed {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::Everybody => Self::Everybody,
            Allowed::Admins => Self::Admins,
        }
    }
}
