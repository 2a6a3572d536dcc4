//! Groups into which somebody brings people who do not let them. A program that keeps to the rules knows from the
//! profile that it may not; here nobody was told one.

use waxwing_wire::content::Conversation;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::{Action, GroupLink};
use waxwing_wire::{DeviceAddress, GroupId};

use super::world::World;
use crate::group::record::KeyRow;
use crate::record::Record as _;
use crate::{Audience, Command, Composing, Delivery, Event, Key, Read as _, Setting};

fn do_it(world: &mut World, name: &'static str, command: Command) {
    world.command(name, command);
    world.settle();
    assert_eq!(world.count(name, |event| matches!(event, Event::Failed { .. })), 0);
}

fn let_nobody(world: &mut World, name: &'static str) {
    let command = Command::SetPrivacy { setting: Setting::Groups, audience: Audience::Nobody };
    do_it(world, name, command);
}

fn asks(world: &World, name: &str, group: GroupId) -> bool {
    let user = &world.users[name];
    user.client.is_group_request(&user.db, group).unwrap()
}

/// Whether a device has the sender key of another one.
fn has_key(world: &World, name: &str, group: GroupId, of: DeviceAddress) -> bool {
    let row = world.users[name].db.row(&Key::SenderKey(group, of)).unwrap();
    row.is_some_and(|row| !KeyRow::unpack(&row).unwrap().record.is_empty())
}

/// Bob lets nobody add him, and Alice, who was not told so, has.
fn brought() -> (World, GroupId) {
    let mut world = World::friends(&["alice", "bob"]);
    world.link("tablet", "bob", HistoryRange::All);
    let_nobody(&mut world, "bob");
    let group = world.found("alice", &["bob"]);
    (world, group)
}

#[test]
fn it_is_a_request_and_nobody_there_hears_or_gets_anything() {
    let (mut world, group) = brought();
    let bob = world.users["bob"].client.address().unwrap();
    world.said("alice", group, "welcome");
    for name in ["bob", "tablet"] {
        assert!(asks(&world, name, group), "{name}");
        assert_eq!(world.group(name, group).asked_by, Some(world.account("alice")), "{name}");
        assert_eq!(world.hears(name, group), ["welcome"], "it is kept, unshown");
    }
    world.read_group("bob", group);
    assert_eq!(world.wrote("alice", group), ["welcome ✓✓"], "no receipt");
    assert!(!has_key(&world, "alice", group, bob));
    let with = Conversation::Group(group);
    do_it(&mut world, "bob", Command::Compose { with, what: Composing::Typing });
    assert_eq!(world.count("alice", |event| matches!(event, Event::Composing { .. })), 0);
    // The word of one own device is that of all.
    do_it(&mut world, "tablet", Command::AcceptGroup { group });
    assert!(!asks(&world, "bob", group) && !asks(&world, "tablet", group));
    assert!(!has_key(&world, "alice", group, bob), "that alone says nothing");
    assert_eq!(world.wrote("alice", group), ["welcome ✓✓✓"], "but what was read before");
    world.said("bob", group, "hello");
    assert_eq!(world.hears("alice", group), ["hello"]);
    world.said("alice", group, "again");
    world.read_group("bob", group);
    assert_eq!(world.wrote("alice", group).last().unwrap(), "again ✓✓✓");
    world.assert_at_rest();
}

#[test]
fn writing_there_accepts_and_leaving_declines() {
    let (mut world, group) = brought();
    world.said("tablet", group, "oh, hello");
    assert!(!asks(&world, "bob", group) && !asks(&world, "tablet", group));
    let (mut world, group) = brought();
    let bob = world.account("bob");
    assert_eq!(world.changed("bob", group, Action::Remove(bob)), None);
    assert!(asks(&world, "bob", group) && !world.group("bob", group).member, "still not to be shown");
    // Brought back, it is a request again.
    assert_eq!(world.changed("alice", group, world.add("bob")), None);
    assert!(asks(&world, "bob", group) && world.group("bob", group).member);
    world.assert_at_rest();
}

#[test]
fn who_may_does_not_ask_and_who_asked_to_join_wants_it() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    let_nobody(&mut world, "bob");
    assert!(!asks(&world, "bob", group), "what was before stays");
    let mut world = World::friends(&["alice", "bob"]);
    let_nobody(&mut world, "bob");
    let group = world.found("alice", &[]);
    do_it(&mut world, "alice", Command::SetGroupLink { group, enabled: true });
    let token = world.group("alice", group).state.link.unwrap();
    do_it(&mut world, "bob", Command::JoinGroup { link: GroupLink { group, token } });
    assert!(world.group("bob", group).member && !asks(&world, "bob", group));
    // Whom the user has blocked may not either.
    let mut world = World::friends(&["alice", "bob"]);
    let account = world.account("alice");
    do_it(&mut world, "bob", Command::SetBlocked { account, blocked: true });
    let group = world.found("alice", &["bob"]);
    assert!(asks(&world, "bob", group));
}

#[test]
fn nobody_is_let_in_by_somebody_who_does_not_know_of_it() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let_nobody(&mut world, "bob");
    let group = world.found("alice", &["bob"]);
    do_it(&mut world, "alice", Command::SetGroupLink { group, enabled: true });
    let bob = world.account("bob");
    assert_eq!(world.changed("alice", group, Action::Promote(bob)), None);
    let token = world.group("alice", group).state.link.unwrap();
    world.offline("alice");
    do_it(&mut world, "carol", Command::JoinGroup { link: GroupLink { group, token } });
    let in_it = |world: &World| {
        let state = world.group("bob", group).state;
        state.member(world.account("carol")).is_some()
    };
    assert!(!in_it(&world), "bob's program lets nobody in");
    world.online("alice");
    assert!(in_it(&world), "alice's does");
    let sent = world.messages("bob", group).iter().filter(|m| m.delivery == Delivery::Pending).count();
    assert_eq!(sent, 0);
}
