//! What the server takes for nobody is taken back where it was done.

use waxwing_wire::GroupId;
use waxwing_wire::content::Conversation;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::Action;
use waxwing_wire::post::{Deed, Post};

use super::world::World;
use crate::{Body, Command, Message, Read as _};

/// Alice with two devices, Bob and Carol; Alice is an admin, and Bob has written.
fn talking() -> (World, GroupId) {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    world.link("tablet", "alice", HistoryRange::All);
    let group = world.found("bob", &["alice", "carol"]);
    let alice = world.account("alice");
    assert_eq!(world.changed("bob", group, Action::Promote(alice)), None);
    world.said("bob", group, "hello");
    world.said("alice", group, "hi");
    (world, group)
}

fn message(world: &World, name: &str, group: GroupId, text: &str) -> Message {
    let history = world.users[name].db.history(Conversation::Group(group), u64::MAX, 50).unwrap();
    let says = |message: &Message| matches!(&message.body, Body::Post(post) if post.text == text);
    history.into_iter().find(says).unwrap_or_else(|| panic!("{name} has no {text}"))
}

fn texts(world: &World, name: &str, group: GroupId) -> Vec<String> {
    let mut history = world.users[name].db.history(Conversation::Group(group), u64::MAX, 50).unwrap();
    history.reverse();
    let text = |message: Message| match message.body {
        Body::Post(post) => Some(post.text),
        Body::Deleted => Some("deleted".into()),
        _ => None,
    };
    history.into_iter().filter_map(text).collect()
}

fn reactions(world: &World, name: &str, message: &Message) -> Vec<String> {
    let user = &world.users[name];
    let acts = user.client.acts(&user.db, message).unwrap();
    let react = |deed| if let Deed::React(emoji) = deed { Some(emoji) } else { None };
    acts.into_iter().filter_map(|doer| react(doer.act.deed)).collect()
}

fn act(world: &mut World, name: &'static str, group: GroupId, on: &Message, deed: Deed) {
    let (with, target) = (Conversation::Group(group), Some(on.key));
    world.command(name, Command::Act { with, target, deed });
}

#[test]
fn who_was_put_out_meanwhile_has_done_nothing() {
    let (mut world, group) = talking();
    let (theirs, ours) = (message(&world, "alice", group, "hello"), message(&world, "alice", group, "hi"));
    act(&mut world, "alice", group, &theirs, Deed::React("👍".into()));
    act(&mut world, "bob", group, &theirs, Deed::React("🎉".into()));
    world.settle();
    world.offline("alice");
    act(&mut world, "alice", group, &theirs, Deed::React("👎".into()));
    act(&mut world, "alice", group, &ours, Deed::Edit(Box::new(Post::plain("ho"))));
    act(&mut world, "alice", group, &ours, Deed::Edit(Box::new(Post::plain("hey"))));
    act(&mut world, "alice", group, &theirs, Deed::Delete);
    act(&mut world, "alice", group, &ours, Deed::Delete);
    assert_eq!(texts(&world, "alice", group), ["deleted", "deleted"]);
    let alice = world.account("alice");
    assert_eq!(world.changed("bob", group, Action::Remove(alice)), None);
    world.online("alice");
    world.settle();
    for name in ["alice", "tablet", "bob", "carol"] {
        assert_eq!(texts(&world, name, group), ["hello", "hi"], "{name}");
        let message = message(&world, name, group, "hello");
        let mut reactions = reactions(&world, name, &message);
        reactions.sort();
        assert_eq!(reactions, ["🎉", "👍"], "{name}");
    }
    assert_eq!(message(&world, "alice", group, "hi").edited_at_ms, 0);
    world.assert_at_rest();
}

#[test]
fn who_is_no_admin_any_more_has_deleted_nothing_of_others() {
    let (mut world, group) = talking();
    let (theirs, ours) = (message(&world, "alice", group, "hello"), message(&world, "alice", group, "hi"));
    world.offline("alice");
    act(&mut world, "alice", group, &theirs, Deed::Delete);
    act(&mut world, "alice", group, &ours, Deed::Delete);
    let alice = world.account("alice");
    assert_eq!(world.changed("bob", group, Action::Demote(alice)), None);
    // What is done about it meanwhile is not forgotten.
    act(&mut world, "carol", group, &theirs, Deed::React("🎉".into()));
    act(&mut world, "bob", group, &theirs, Deed::Edit(Box::new(Post::plain("hello, all"))));
    world.settle();
    world.online("alice");
    world.settle();
    for name in ["alice", "tablet", "bob", "carol"] {
        assert_eq!(texts(&world, name, group), ["hello, all", "deleted"], "{name}");
        let message = message(&world, name, group, "hello, all");
        assert_eq!(reactions(&world, name, &message), ["🎉"], "{name}");
    }
    world.assert_at_rest();
}

#[test]
fn what_was_pinned_in_vain_leaves_what_others_have_pinned() {
    let (mut world, group) = talking();
    let theirs = message(&world, "alice", group, "hello");
    world.offline("alice");
    act(&mut world, "bob", group, &theirs, Deed::Pin(1));
    world.settle();
    world.advance(1_000);
    act(&mut world, "alice", group, &theirs, Deed::Pin(2));
    let alice = world.account("alice");
    assert_eq!(world.changed("bob", group, Action::Remove(alice)), None);
    world.online("alice");
    world.settle();
    for name in ["alice", "tablet", "bob", "carol"] {
        let user = &world.users[name];
        let acts = user.client.acts(&user.db, &message(&world, name, group, "hello")).unwrap();
        assert!(matches!(acts.as_slice(), [doer] if doer.act.deed == Deed::Pin(1)), "{name}");
    }
    world.assert_at_rest();
}
