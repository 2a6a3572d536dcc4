//! Who types, who is there.

use std::collections::BTreeSet;

use waxwing_wire::content::Conversation;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::Action;
use waxwing_wire::light::{Light, LightEvent};
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{AccountId, Bytes};

use super::world::World;
use crate::limits::{ANNOUNCE_PAUSE_MS, TYPING_LASTS_MS, TYPING_REPEAT_MS, WATCH_AGAIN_MS};
use crate::{Activity, Audience, Command, Composing, Event, Input, Presence, Setting, Time};

/// People who have written to each other, and so know each other's keys.
fn acquainted(names: &[&'static str]) -> World {
    let mut world = World::with(names);
    for name in names {
        for other in names.iter().filter(|other| *other != name) {
            world.befriend(name, other);
            world.send(name, other, "hello");
        }
    }
    for name in names {
        world.take_events(name);
    }
    world
}

fn set(world: &mut World, name: &'static str, activity: Activity) {
    world.command(name, Command::SetActivity(activity));
    world.settle();
}

fn watch(world: &mut World, name: &'static str, others: &[&str]) {
    let accounts: BTreeSet<AccountId> = others.iter().map(|other| world.account(other)).collect();
    world.command(name, Command::WatchPresence(accounts));
    world.settle();
}

fn compose(world: &mut World, name: &'static str, with: Conversation, what: Composing) {
    world.command(name, Command::Compose { with, what });
    world.settle();
}

fn types_to(world: &mut World, name: &'static str, to: &str) {
    let with = world.conversation(to);
    compose(world, name, with, Composing::Typing);
}

/// What a device has heard of others' typing since last asked.
fn heard(world: &mut World, name: &str) -> Vec<(Conversation, AccountId, Composing)> {
    let events = world.take_events(name).into_iter();
    events
        .filter_map(|event| match event {
            Event::Composing { with, account, what } => Some((with, account, what)),
            _ => None,
        })
        .collect()
}

fn seen(world: &mut World, name: &str) -> Vec<Presence> {
    let events = world.take_events(name).into_iter();
    events
        .filter_map(|event| match event {
            Event::Presence { presence, .. } => Some(presence),
            _ => None,
        })
        .collect()
}

#[test]
fn typing_is_heard_while_it_lasts() {
    let mut world = acquainted(&["alice", "bob"]);
    set(&mut world, "bob", Activity::Listening);
    let (alice, with) = (world.account("alice"), world.conversation("alice"));
    types_to(&mut world, "alice", "bob");
    assert_eq!(heard(&mut world, "bob"), [(with, alice, Composing::Typing)]);
    // Each key says it; it goes out so often as it helps, and is told once.
    for _ in 0..100 {
        world.advance(100);
        types_to(&mut world, "alice", "bob");
    }
    assert_eq!(world.relay.lights.said.len(), 1 + (10_000 / TYPING_REPEAT_MS) as usize);
    assert!(heard(&mut world, "bob").iter().all(|(_, _, what)| *what == Composing::Typing));
    world.advance(TYPING_LASTS_MS + 1);
    assert_eq!(heard(&mut world, "bob"), [(with, alice, Composing::Stopped)]);
    // Recording, and said to be over.
    let to_bob = world.conversation("bob");
    compose(&mut world, "alice", to_bob, Composing::Recording);
    compose(&mut world, "alice", to_bob, Composing::Stopped);
    compose(&mut world, "alice", to_bob, Composing::Stopped);
    let recorded = [(with, alice, Composing::Recording), (with, alice, Composing::Stopped)];
    assert_eq!(heard(&mut world, "bob"), recorded);
    // A message ends it.
    types_to(&mut world, "alice", "bob");
    world.send("alice", "bob", "there");
    let ended = [(with, alice, Composing::Typing), (with, alice, Composing::Stopped)];
    assert_eq!(heard(&mut world, "bob"), ended);
    world.assert_at_rest();
}

#[test]
fn nothing_light_is_stored_or_waits() {
    let mut world = acquainted(&["alice", "bob"]);
    set(&mut world, "bob", Activity::Active);
    watch(&mut world, "bob", &["alice"]);
    let rows = |world: &World, name: &str| world.users[name].db.clone();
    let before = ["alice", "bob"].map(|name| rows(&world, name));
    set(&mut world, "alice", Activity::Active);
    types_to(&mut world, "alice", "bob");
    world.advance(TYPING_LASTS_MS + 1);
    set(&mut world, "alice", Activity::Away);
    for (name, before) in ["alice", "bob"].into_iter().zip(before) {
        assert!(rows(&world, name) == before, "{name}'s database is another");
        assert_eq!(world.users[name].client.outbox_len(), 0);
    }
    // Without a connection it is not said, not even later.
    world.offline("alice");
    let said = world.relay.lights.said.len();
    types_to(&mut world, "alice", "bob");
    world.online("alice");
    assert_eq!(world.relay.lights.said.len(), said);
}

#[test]
fn a_device_that_is_away_hears_and_tells_nothing() {
    let mut world = acquainted(&["alice", "bob"]);
    types_to(&mut world, "alice", "bob");
    assert_eq!(heard(&mut world, "bob"), []);
    assert!(world.relay.lights.handed_on.is_empty(), "the server was not told that bob is awake");
    set(&mut world, "bob", Activity::Listening);
    set(&mut world, "bob", Activity::Away);
    world.advance(TYPING_REPEAT_MS);
    types_to(&mut world, "alice", "bob");
    assert_eq!(heard(&mut world, "bob"), []);
    assert_eq!(world.relay.lights.announcements, 0);
}

#[test]
fn strangers_and_blocked_people_neither_hear_nor_are_heard() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "who are you?");
    for name in ["alice", "bob"] {
        set(&mut world, name, Activity::Listening);
    }
    // Bob has not answered: he is told nothing of, and tells nothing.
    types_to(&mut world, "alice", "bob");
    types_to(&mut world, "bob", "alice");
    assert_eq!(heard(&mut world, "bob"), []);
    assert_eq!(heard(&mut world, "alice"), []);
    world.send("bob", "alice", "bob");
    world.advance(TYPING_REPEAT_MS);
    types_to(&mut world, "alice", "bob");
    types_to(&mut world, "bob", "alice");
    assert_eq!(heard(&mut world, "bob").len(), 1);
    assert_eq!(heard(&mut world, "alice").len(), 1);
    world.advance(TYPING_LASTS_MS + 1);
    let alice = world.account("alice");
    world.command("bob", Command::SetBlocked { account: alice, blocked: true });
    world.settle();
    world.take_events("bob");
    world.take_events("alice");
    let said = world.relay.lights.said.len();
    types_to(&mut world, "bob", "alice");
    assert_eq!(world.relay.lights.said.len(), said, "bob says nothing to whom he has blocked");
    types_to(&mut world, "alice", "bob");
    assert_eq!(heard(&mut world, "bob"), []);
}

#[test]
fn what_is_repeated_altered_or_about_something_else_is_ignored() {
    let mut world = acquainted(&["alice", "bob", "carol"]);
    set(&mut world, "bob", Activity::Listening);
    types_to(&mut world, "alice", "bob");
    world.advance(TYPING_LASTS_MS + 1);
    assert_eq!(heard(&mut world, "bob").len(), 2);
    let (from, Light { sealed, .. }) = world.relay.lights.said[0].clone();
    let carol = world.users["carol"].client.address().unwrap();
    let bob = world.users["bob"].client.address().unwrap();
    let mut altered = sealed.to_vec();
    altered[20] ^= 1;
    let event = LightEvent { from, group: None, sealed };
    let group = Some(waxwing_wire::GroupId([1; 16]));
    let lies = [
        event.clone(),
        LightEvent { from: carol, ..event.clone() },
        LightEvent { sealed: altered.into(), ..event.clone() },
        LightEvent { sealed: Bytes::new(), ..event.clone() },
        LightEvent { group, ..event.clone() },
        LightEvent { from: bob, ..event },
    ];
    for lie in lies {
        world.relay.hand_on(bob, ServerFrame { lights: vec![lie], ..Default::default() });
        world.settle();
        assert_eq!(heard(&mut world, "bob"), []);
    }
    // After a restart what is old is still no news, once it is old enough.
    world.reopen("bob");
    world.online("bob");
    set(&mut world, "bob", Activity::Listening);
    world.advance(crate::limits::LIGHT_AGE_MS);
    let (from, Light { sealed, .. }) = world.relay.lights.said[0].clone();
    let lights = vec![LightEvent { from, group: None, sealed }];
    world.relay.hand_on(bob, ServerFrame { lights, ..Default::default() });
    world.settle();
    assert_eq!(heard(&mut world, "bob"), []);
}

#[test]
fn members_of_a_group_hear_who_types_and_those_who_left_do_not() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    for name in ["bob", "carol"] {
        set(&mut world, name, Activity::Listening);
        world.take_events(name);
    }
    let with = Conversation::Group(group);
    compose(&mut world, "alice", with, Composing::Typing);
    assert_eq!(heard(&mut world, "bob"), [], "nobody has alice's key before she has written");
    world.said("alice", group, "hello");
    world.take_events("bob");
    world.take_events("carol");
    world.advance(TYPING_LASTS_MS + 1);
    let alice = world.account("alice");
    compose(&mut world, "alice", with, Composing::Typing);
    assert_eq!(heard(&mut world, "bob"), [(with, alice, Composing::Typing)]);
    assert_eq!(heard(&mut world, "carol"), [(with, alice, Composing::Typing)]);
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    world.advance(TYPING_LASTS_MS + 1);
    world.said("alice", group, "without carol");
    world.take_events("bob");
    world.take_events("carol");
    // Even a server that hands it on to her does not make her hear it.
    compose(&mut world, "alice", with, Composing::Typing);
    assert_eq!(heard(&mut world, "bob"), [(with, alice, Composing::Typing)]);
    let (from, Light { sealed, .. }) = world.relay.lights.said.last().unwrap().clone();
    let event = LightEvent { from, group: Some(group), sealed };
    let device = world.users["carol"].client.address().unwrap();
    world.relay.hand_on(device, ServerFrame { lights: vec![event.clone()], ..Default::default() });
    world.settle();
    assert_eq!(heard(&mut world, "carol"), []);
    let key = |world: &World, name: &str| {
        let db = &world.users[name].db;
        let overlay = crate::overlay::Overlay::new(db);
        let row = overlay.load::<crate::group::record::KeyRow>(&crate::Key::SenderKey(group, from)).unwrap();
        row.and_then(|row| row.light_key())
    };
    assert!(key(&world, "bob").is_some() && key(&world, "bob") != key(&world, "carol"));
}

#[test]
fn presence_is_seen_by_those_who_may() {
    let mut world = acquainted(&["alice", "bob"]);
    set(&mut world, "alice", Activity::Listening);
    watch(&mut world, "alice", &["bob"]);
    assert_eq!(seen(&mut world, "alice"), []);
    set(&mut world, "bob", Activity::Active);
    assert_eq!(seen(&mut world, "alice"), [Presence::Online]);
    // Nothing more is said while nothing is different, however long it takes.
    world.advance(10 * WATCH_AGAIN_MS);
    assert_eq!(seen(&mut world, "alice"), []);
    assert_eq!(world.relay.lights.announcements, 1);
    let left = world.now;
    set(&mut world, "bob", Activity::Away);
    assert_eq!(seen(&mut world, "alice"), [Presence::LastSeen(left)]);
    world.advance(60_000);
    set(&mut world, "bob", Activity::Active);
    assert_eq!(seen(&mut world, "alice"), [Presence::Online]);
    // A connection that breaks is noticed by the server.
    world.advance(60_000);
    let left = world.now;
    world.relay.now = left;
    world.cut("bob");
    world.settle();
    assert_eq!(seen(&mut world, "alice"), [Presence::LastSeen(left)]);
    // Without a connection nothing is known.
    world.cut("alice");
    assert_eq!(seen(&mut world, "alice"), [Presence::Unknown]);
}

#[test]
fn presence_follows_the_settings_both_ways() {
    let mut world = acquainted(&["alice", "bob"]);
    for name in ["alice", "bob"] {
        set(&mut world, name, Activity::Active);
    }
    watch(&mut world, "alice", &["bob"]);
    watch(&mut world, "bob", &["alice"]);
    assert_eq!(seen(&mut world, "alice"), [Presence::Online]);
    assert_eq!(seen(&mut world, "bob"), [Presence::Online]);
    // Alice shows neither when she was there nor whether she is: she sees neither of others.
    let setting = |setting, audience| Command::SetPrivacy { setting, audience };
    world.command("alice", setting(Setting::LastSeen, Audience::Nobody));
    world.settle();
    world.command("alice", setting(Setting::Online, Audience::LikeLastSeen));
    world.settle();
    world.advance(2 * WATCH_AGAIN_MS);
    assert_eq!(seen(&mut world, "bob").last(), Some(&Presence::Unknown));
    assert_eq!(seen(&mut world, "alice").last(), Some(&Presence::Unknown));
    // And again, when she shows it again.
    world.command("alice", setting(Setting::Online, Audience::Everyone));
    world.settle();
    world.advance(2 * WATCH_AGAIN_MS);
    assert_eq!(seen(&mut world, "bob"), [Presence::Online]);
    assert_eq!(seen(&mut world, "alice"), [Presence::Online]);
    // But not when: that is still nobody's business, and so bob's is none of hers.
    set(&mut world, "alice", Activity::Away);
    set(&mut world, "bob", Activity::Away);
    assert_eq!(seen(&mut world, "bob"), [Presence::Unknown]);
    world.advance(ANNOUNCE_PAUSE_MS);
    assert_eq!(
        world
            .count("alice", |event| matches!(event, Event::Presence { presence: Presence::LastSeen(_), .. })),
        0
    );
}

#[test]
fn several_devices_are_one_person() {
    let mut world = acquainted(&["alice", "bob"]);
    world.link("bob2", "bob", HistoryRange::All);
    world.take_events("alice");
    set(&mut world, "alice", Activity::Listening);
    watch(&mut world, "alice", &["bob"]);
    set(&mut world, "bob", Activity::Active);
    set(&mut world, "bob2", Activity::Active);
    assert_eq!(seen(&mut world, "alice"), [Presence::Online]);
    world.advance(ANNOUNCE_PAUSE_MS);
    set(&mut world, "bob", Activity::Away);
    assert_eq!(seen(&mut world, "alice"), [], "the other device is still in use");
    let left = world.now;
    set(&mut world, "bob2", Activity::Away);
    assert_eq!(seen(&mut world, "alice"), [Presence::LastSeen(left)]);
    // Each types for itself.
    types_to(&mut world, "bob2", "alice");
    assert_eq!(heard(&mut world, "alice").len(), 1);
}

#[test]
fn who_changes_their_mind_often_is_announced_now_and_then() {
    let mut world = acquainted(&["alice", "bob"]);
    set(&mut world, "alice", Activity::Listening);
    watch(&mut world, "alice", &["bob"]);
    for _ in 0..50 {
        set(&mut world, "bob", Activity::Active);
        set(&mut world, "bob", Activity::Away);
    }
    assert_eq!(world.relay.lights.announcements, 1);
    world.advance(ANNOUNCE_PAUSE_MS + 1);
    assert_eq!(world.relay.lights.announcements, 2, "and what holds in the end is said");
    assert!(matches!(seen(&mut world, "alice")[..], [Presence::Online, Presence::LastSeen(_)]));
}

#[test]
fn a_clock_that_jumps_lets_nobody_type_for_ever() {
    let mut world = acquainted(&["alice", "bob"]);
    set(&mut world, "bob", Activity::Listening);
    types_to(&mut world, "alice", "bob");
    assert_eq!(heard(&mut world, "bob").len(), 1);
    let user = world.users.get_mut("bob").unwrap();
    let earlier = Time(world.now - 1_000_000);
    let step = user.client.handle(earlier, &mut user.rng, Input::Tick, &user.db).unwrap();
    let wake = step.wake.unwrap();
    assert!(wake.0 <= earlier.0 + TYPING_LASTS_MS, "{wake:?}");
}

#[test]
fn a_server_that_holds_back_who_has_gone_is_not_believed_for_long() {
    let mut world = acquainted(&["alice", "bob"]);
    set(&mut world, "alice", Activity::Listening);
    watch(&mut world, "alice", &["bob"]);
    set(&mut world, "bob", Activity::Active);
    // Whoever stays says so now and then.
    world.advance(3 * crate::limits::LIGHT_AGE_MS);
    assert_eq!(seen(&mut world, "alice"), [Presence::Online]);
    world.relay.lights.holds_back = true;
    world.cut("bob");
    world.advance(crate::limits::LIGHT_AGE_MS / 4);
    assert_eq!(seen(&mut world, "alice"), []);
    world.advance(crate::limits::LIGHT_AGE_MS);
    assert!(matches!(seen(&mut world, "alice")[..], [Presence::LastSeen(_)]));
}

#[test]
fn whoever_watches_without_being_awake_is_woken_by_nothing() {
    let mut world = acquainted(&["alice", "bob"]);
    watch(&mut world, "alice", &["bob"]);
    set(&mut world, "bob", Activity::Active);
    // Keep-alives, and nothing else.
    let before = world.users["alice"].frames_sent;
    world.advance(600_000);
    assert!(world.users["alice"].frames_sent - before <= 600_000 / 30_000 + 1);
    assert_eq!(seen(&mut world, "alice"), []);
    assert_eq!(world.relay.lights.watches, 1, "bob's");
}
