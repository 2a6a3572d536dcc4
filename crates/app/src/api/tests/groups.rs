//! Groups and what happens in them.

use waxwing_client as core;
use waxwing_wire::group as wire;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId};

use super::*;

const GROUP: &str = "g:07070707070707070707070707070707";
const LINK: &str = "waxwing-group:";

#[test]
pub(super) fn commands_and_events() {
    let create = Command::CreateGroup {
        name: text("hikes"),
        kind: GroupKind::Community,
        members: vec![text(ACCOUNT)],
    };
    let golden = json!({"type": "createGroup", "name": "hikes", "kind": "community", "members": [ACCOUNT]});
    check(&create, golden);
    let change = Command::ChangeGroup { group: text(GROUP), actions: Vec::new() };
    check(&change, json!({"type": "changeGroup", "group": GROUP, "actions": []}));
    let link = Command::SetGroupLink { group: text(GROUP), enabled: true };
    check(&link, json!({"type": "setGroupLink", "group": GROUP, "enabled": true}));
    check(&Command::JoinGroup { link: text(LINK) }, json!({"type": "joinGroup", "link": LINK}));
    let answer = Command::AnswerJoin { group: text(GROUP), account: text(ACCOUNT), accept: false };
    let golden = json!({"type": "answerJoin", "group": GROUP, "account": ACCOUNT, "accept": false});
    check(&answer, golden);
    let share = Command::ShareHistory { group: text(GROUP), account: text(ACCOUNT), messages: 25 };
    let golden = json!({"type": "shareHistory", "group": GROUP, "account": ACCOUNT, "messages": 25});
    check(&share, golden);
    check(&Event::Group { group: text(GROUP) }, json!({"type": "group", "group": GROUP}));
    let requested = Event::JoinRequested { group: text(GROUP), account: text(ACCOUNT) };
    check(&requested, json!({"type": "joinRequested", "group": GROUP, "account": ACCOUNT}));
    check(&Query::Groups, json!({"type": "groups"}));
    check(&Query::Group { name: text(GROUP) }, json!({"type": "group", "name": GROUP}));
    check(&Answer::Group { group: None }, json!({"type": "group", "group": null}));
    let chat =
        ChatWith::Group { name: text("hikes"), group_kind: GroupKind::Group, members: 3, member: true };
    let golden =
        json!({"kind": "group", "name": "hikes", "groupKind": "group", "members": 3, "member": true});
    check(&chat, golden);
}

#[test]
pub(super) fn what_can_be_changed() {
    let account = || text(ACCOUNT);
    let permissions =
        Permissions { send: Allowed::Everybody, edit: Allowed::Admins, add: Allowed::Admins, approve: true };
    let linked = LinkedGroup { group: text(GROUP), name: text("n"), link: None };
    for (action, golden) in [
        (
            GroupAction::Add { account: account(), admin: true },
            json!({"what": "add", "account": ACCOUNT, "admin": true}),
        ),
        (GroupAction::Remove { account: account() }, json!({"what": "remove", "account": ACCOUNT})),
        (GroupAction::Promote { account: account() }, json!({"what": "promote", "account": ACCOUNT})),
        (GroupAction::Demote { account: account() }, json!({"what": "demote", "account": ACCOUNT})),
        (GroupAction::Name { name: text("n") }, json!({"what": "name", "name": "n"})),
        (GroupAction::Description { text: text("d") }, json!({"what": "description", "text": "d"})),
        (GroupAction::Picture { picture: text("AAEC") }, json!({"what": "picture", "picture": "AAEC"})),
        (
            GroupAction::Permissions { permissions },
            json!({"what": "permissions", "permissions": {
                "send": "everybody", "edit": "admins", "add": "admins", "approve": true,
            }}),
        ),
        (
            GroupAction::LinkGroup { linked },
            json!({"what": "linkGroup", "linked": {"group": GROUP, "name": "n", "link": null}}),
        ),
        (GroupAction::UnlinkGroup { group: text(GROUP) }, json!({"what": "unlinkGroup", "group": GROUP})),
        (
            GroupAction::Community { community: Some(text(GROUP)) },
            json!({"what": "community", "community": GROUP}),
        ),
    ] {
        check(&action, golden);
        let core = action_of(&action).unwrap();
        let change = core::Notice::GroupChanged(Box::new(wire::Change {
            group: GroupId([7; 16]),
            epoch: 2,
            previous: None,
            by: DeviceAddress { account: AccountId([0xb0; 16]), device: DeviceId::PRIMARY },
            at_ms: 3,
            actions: vec![core],
        }));
        let Notice::GroupChanged { actions, .. } = notice(&change) else { panic!("a change stays one") };
        assert!(actions == [action], "the same after the way through the core");
    }
    let short: GroupAction = serde_json::from_value(json!({"what": "add", "account": ACCOUNT})).unwrap();
    assert!(short == GroupAction::Add { account: account(), admin: false }, "no admin unless said");
}

#[test]
pub(super) fn what_happened() {
    let body = |notice| Body::Notice { notice };
    let golden = |notice: serde_json::Value| json!({"kind": "notice", "notice": notice});
    let changed = Notice::IdentityChanged { account: text(ACCOUNT) };
    check(&body(changed), golden(json!({"what": "identityChanged", "account": ACCOUNT})));
    let create = GroupAction::Create { name: text("n"), kind: GroupKind::Group };
    let actions = vec![create, GroupAction::Link { enabled: false }];
    let changed = Notice::GroupChanged { by: text(ACCOUNT), device: 2, at_ms: 3, actions };
    check(
        &body(changed),
        golden(json!({"what": "groupChanged", "by": ACCOUNT, "device": 2, "atMs": 3, "actions": [
            {"what": "create", "name": "n", "kind": "group"}, {"what": "link", "enabled": false},
        ]})),
    );
    check(&body(Notice::Joined { by: text(ACCOUNT) }), golden(json!({"what": "joined", "by": ACCOUNT})));
    let lifetime = Notice::Lifetime { by: text(ACCOUNT), seconds: 60 };
    check(&body(lifetime), golden(json!({"what": "lifetime", "by": ACCOUNT, "seconds": 60})));
    let forked = Notice::GroupForked { account: text(ACCOUNT) };
    check(&body(forked), golden(json!({"what": "groupForked", "account": ACCOUNT})));
    let disagrees = Notice::ServerDisagrees { account: text(ACCOUNT) };
    check(&body(disagrees), golden(json!({"what": "serverDisagrees", "account": ACCOUNT})));
}

#[test]
pub(super) fn a_group_with_everything() {
    let (me, other) = (AccountId([0xb0; 16]), AccountId([0xc0; 16]));
    let token = wire::GroupToken([9; 16]);
    let state = wire::GroupState {
        group: GroupId([7; 16]),
        epoch: 4,
        previous: None,
        name: text("hikes"),
        description: text("up"),
        picture: vec![0, 1, 2].into(),
        members: vec![
            wire::Member { account: me, admin: true },
            wire::Member { account: other, admin: false },
        ],
        permissions: wire::Permissions { send: wire::Allowed::Admins, ..wire::Permissions::default() },
        link: Some(token),
        kind: wire::GroupKind::Group,
        linked: Vec::new(),
        community: Some(GroupId([8; 16])),
    };
    let known = core::Group { state, member: true, requests: vec![other], asked_by: None };
    let person = |account: AccountId| {
        Ok(Person {
            account: account.to_hex(),
            username: None,
            name: Some(text("somebody")),
            profile_name: None,
        })
    };
    let link = wire::GroupLink { group: GroupId([7; 16]), token }.to_text();
    let golden = json!({
        "group": GROUP, "kind": "group", "name": "hikes", "description": "up", "picture": "AAEC", "epoch": 4,
        "member": true, "admin": true,
        "members": [
            {"account": ACCOUNT, "username": null, "name": "somebody", "admin": true},
            {"account": "c0".repeat(16), "username": null, "name": "somebody", "admin": false},
        ],
        "permissions": {"send": "admins", "edit": "everybody", "add": "everybody", "approve": false},
        "link": link, "linked": [], "community": format!("g:{}", "08".repeat(16)),
        "requests": [{"account": "c0".repeat(16), "username": null, "name": "somebody"}],
    });
    let shown = group(&known, Some(me), person).unwrap();
    check(&Answer::Groups { groups: vec![shown] }, json!({"type": "groups", "groups": [golden]}));
    assert!(!group(&known, Some(other), person).unwrap().admin);
    assert!(!group(&core::Group { member: false, ..known }, Some(me), person).unwrap().admin);
    assert!(link_of(&link).unwrap().token == token);
}
