//! Groups, by their sixteen bytes in base64.

use std::fs::File;
use std::io::Read as _;

use data_encoding::BASE64;
use serde_json::{Value, json};
use waxwing_app::api::{Allowed, Command, Group, GroupAction, GroupKind, Permissions, Person};

use super::done;
use crate::daemon::hub::{Hub, now_ms};
use crate::daemon::names::{group_id, group_name, number, uuid};
use crate::daemon::params::Params;
use crate::daemon::rpc::RpcError;

/// What members take as a picture.
const MAX_PICTURE_BYTES: u64 = 8 * 1024;

pub fn list(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let wanted: Vec<String> =
        params.texts(&["groupId", "groupIds"])?.iter().map(|id| group_name(id)).collect::<Result<_, _>>()?;
    let groups = hub.groups()?.into_iter();
    let wanted = groups.filter(|group| wanted.is_empty() || wanted.contains(&group.group));
    Ok(wanted.map(|group| described(&group)).collect())
}

fn described(group: &Group) -> Value {
    let person = |person: &Person| json!({ "number": number(person), "uuid": uuid(&person.account) });
    let members = group.members.iter().map(|member| person(&member.person));
    let admins = group.members.iter().filter(|member| member.admin).map(|member| person(&member.person));
    json!({
        "id": group_id(&group.group),
        "name": group.name,
        "description": group.description,
        "isMember": group.member,
        "isBlocked": false,
        "messageExpirationTime": 0,
        "members": members.collect::<Value>(),
        "pendingMembers": [],
        "requestingMembers": group.requests.iter().map(person).collect::<Value>(),
        "admins": admins.collect::<Value>(),
        "banned": [],
        "permissionAddMember": permission(group.permissions.add),
        "permissionEditDetails": permission(group.permissions.edit),
        "permissionSendMessage": permission(group.permissions.send),
        "groupInviteLink": group.link,
    })
}

fn permission(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::Everybody => "EVERY_MEMBER",
        Allowed::Admins => "ONLY_ADMINS",
    }
}

/// Without an id a new group, otherwise a change of that one.
pub fn update(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    params.refuse(&["expiration", "memberLabel", "memberLabelEmoji", "ban", "unban"], "not supported yet")?;
    let group = match params.text(&["groupId"])? {
        Some(id) => hub.find_group(&id)?,
        None => create(hub, params)?,
    };
    let is_new = params.text(&["groupId"])?.is_none();
    let actions = actions(hub, params, &group, is_new)?;
    if !actions.is_empty() {
        hub.run(Command::ChangeGroup { group: group.group.clone(), actions })?;
    }
    link(hub, params, &group)?;
    Ok(json!({ "groupId": group_id(&group.group), "timestamp": now_ms(), "results": [] }))
}

fn create(hub: &Hub, params: &Params) -> Result<Group, RpcError> {
    let name = params.needed_text(&["name"])?;
    let members = hub.find_accounts(&params.texts(&["member", "members"])?)?;
    Ok(hub.make_group(Command::CreateGroup { name, kind: GroupKind::Group, members })?)
}

fn actions(hub: &Hub, params: &Params, group: &Group, is_new: bool) -> Result<Vec<GroupAction>, RpcError> {
    let mut actions = Vec::new();
    if let (false, Some(name)) = (is_new, params.text(&["name"])?) {
        actions.push(GroupAction::Name { name });
    }
    if let Some(text) = params.text(&["description"])? {
        actions.push(GroupAction::Description { text });
    }
    if let Some(path) = params.text(&["avatar"])? {
        actions.push(GroupAction::Picture { picture: picture(&path)? });
    }
    let people = |names: &[&str]| hub.find_accounts(&params.texts(names)?);
    let is_member = |account: &String| group.members.iter().any(|member| member.person.account == *account);
    if !is_new {
        let added = people(&["member", "members"])?.into_iter().filter(|account| !is_member(account));
        actions.extend(added.map(|account| GroupAction::Add { account, admin: false }));
    }
    let removed = people(&["removeMember", "removeMembers"])?;
    actions.extend(removed.into_iter().map(|account| GroupAction::Remove { account }));
    let promoted = people(&["admin", "admins"])?;
    actions.extend(promoted.into_iter().map(|account| GroupAction::Promote { account }));
    let demoted = people(&["removeAdmin", "removeAdmins"])?;
    actions.extend(demoted.into_iter().map(|account| GroupAction::Demote { account }));
    let permissions = permissions(params, group.permissions)?;
    if permissions != group.permissions {
        actions.push(GroupAction::Permissions { permissions });
    }
    Ok(actions)
}

fn permissions(params: &Params, now: Permissions) -> Result<Permissions, RpcError> {
    let allowed = |name: &str, now| match params.text(&[name])?.as_deref() {
        None => Ok(now),
        Some("every-member" | "EVERY_MEMBER" | "everyMember") => Ok(Allowed::Everybody),
        Some("only-admins" | "ONLY_ADMINS" | "onlyAdmins") => Ok(Allowed::Admins),
        Some(_) => Err(RpcError::user(format!("{name} must be every-member or only-admins"))),
    };
    let approve = match link_state(params)? {
        Some(LinkState::WithApproval) => true,
        Some(LinkState::Enabled) => false,
        _ => now.approve,
    };
    Ok(Permissions {
        send: allowed("setPermissionSendMessages", now.send)?,
        edit: allowed("setPermissionEditDetails", now.edit)?,
        add: allowed("setPermissionAddMember", now.add)?,
        approve,
    })
}

enum LinkState {
    Enabled,
    WithApproval,
    Disabled,
}

fn link_state(params: &Params) -> Result<Option<LinkState>, RpcError> {
    match params.text(&["link"])?.as_deref() {
        None => Ok(None),
        Some("enabled") => Ok(Some(LinkState::Enabled)),
        Some("enabled-with-approval" | "enabledWithApproval") => Ok(Some(LinkState::WithApproval)),
        Some("disabled") => Ok(Some(LinkState::Disabled)),
        Some(_) => Err(RpcError::user("link must be enabled, enabled-with-approval or disabled")),
    }
}

fn link(hub: &Hub, params: &Params, group: &Group) -> Result<(), RpcError> {
    let enabled = match link_state(params)? {
        Some(LinkState::Disabled) => group.link.is_some().then_some(false),
        Some(_) => group.link.is_none().then_some(true),
        None => None,
    };
    let enabled = if params.flag("resetLink")? { Some(true) } else { enabled };
    if let Some(enabled) = enabled {
        hub.run(Command::SetGroupLink { group: group.group.clone(), enabled })?;
    }
    Ok(())
}

pub(super) fn picture(path: &str) -> Result<String, RpcError> {
    let unreadable = |error: std::io::Error| RpcError::user(format!("avatar: cannot read {path}: {error}"));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_PICTURE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_PICTURE_BYTES {
        return Err(RpcError::user(format!("avatar: {path} is larger than 8 KiB; make it smaller")));
    }
    Ok(BASE64.encode(&bytes))
}

pub fn quit(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let group = hub.find_group(&params.needed_text(&["groupId"])?)?;
    leave(hub, group.group)?;
    Ok(json!({ "timestamp": now_ms(), "results": [] }))
}

pub(super) fn leave(hub: &Hub, group: String) -> Result<(), RpcError> {
    let actions = vec![GroupAction::Remove { account: hub.own.account.clone() }];
    hub.run(Command::ChangeGroup { group, actions })?;
    Ok(())
}

pub fn join(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let link = params.needed_text(&["uri"])?;
    done(hub, Command::JoinGroup { link })?;
    Ok(json!({ "timestamp": now_ms(), "results": [], "onlyRequested": true }))
}
