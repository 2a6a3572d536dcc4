//! Connections: made, kept, lost, refused.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{Reject, RejectCode, Username};

use super::world::{Crash, World};
use crate::connection::backoff_ms;
use crate::limits::{CONNECT_TIMEOUT_MS, KEEP_ALIVE_MS, PONG_TIMEOUT_MS, RECONNECT_MAX_MS, RECONNECT_MIN_MS};
use crate::{Command, ConnectionState, Event, Failure, Input};

fn failures(world: &World, name: &str) -> Vec<Failure> {
    let events = world.users[name].events.iter();
    let failure = |event: &Event| match event {
        Event::Failed { failure, .. } => Some(failure.clone()),
        _ => None,
    };
    events.filter_map(failure).collect()
}

fn register(username: &str) -> Command {
    let username = Username::parse(username).unwrap();
    Command::Register { invitation: InvitationToken([7; 16]), username }
}

fn goodbye(world: &mut World, name: &'static str, reject: Reject) {
    world.input(name, Input::Frame(ServerFrame { goodbye: Some(reject), ..ServerFrame::default() }));
}

#[test]
fn back_off_doubles_within_its_bounds() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for failures in 0..100 {
        let longest = (RECONNECT_MIN_MS << failures.min(20)).min(RECONNECT_MAX_MS);
        for _ in 0..50 {
            let pause = backoff_ms(failures, &mut rng);
            assert!((longest / 2..=longest).contains(&pause), "{pause} after {failures}");
        }
    }
    let draws: std::collections::BTreeSet<_> = (0..50).map(|_| backoff_ms(9, &mut rng)).collect();
    assert!(draws.len() > 40, "jitter");
}

#[test]
fn an_unreachable_server_is_tried_again_but_not_too_often() {
    let mut world = World::with(&["alice"]);
    world.cut("alice");
    world.take_events("alice");
    world.advance(3_600_000);
    let tries = world.count("alice", |event| matches!(event, Event::Connection(ConnectionState::Connecting)));
    assert!((60..160).contains(&tries), "{tries} tries in an hour");
    world.user("alice").reachable = true;
    world.advance(RECONNECT_MAX_MS);
    assert_eq!(world.state("alice"), ConnectionState::Online);
}

#[test]
fn a_dead_connection_is_noticed_and_replaced() {
    let mut world = World::with(&["alice"]);
    world.advance(1_000);
    world.relay.mute = true;
    world.take_events("alice");
    world.advance(KEEP_ALIVE_MS + PONG_TIMEOUT_MS - 1_001);
    assert_eq!(world.state("alice"), ConnectionState::Online);
    world.advance(1);
    assert_ne!(world.state("alice"), ConnectionState::Online);
    world.relay.mute = false;
    world.advance(CONNECT_TIMEOUT_MS + 2_000);
    assert_eq!(world.state("alice"), ConnectionState::Online);
}

#[test]
fn a_quiet_connection_costs_a_ping_now_and_then_and_stays() {
    let mut world = World::with(&["alice"]);
    let sent = world.users["alice"].frames_sent;
    world.take_events("alice");
    world.advance(3_600_000);
    assert_eq!(world.state("alice"), ConnectionState::Online);
    assert!(world.users["alice"].events.is_empty());
    let pings = world.users["alice"].frames_sent - sent;
    assert!((110..=120).contains(&pings), "{pings} pings in an hour");
}

#[test]
fn a_connection_that_never_comes_up_is_given_up() {
    let mut world = World::with(&["alice"]);
    world.offline("alice");
    world.relay.mute = true;
    world.command("alice", Command::GoOnline);
    world.advance(CONNECT_TIMEOUT_MS - 1);
    assert_eq!(world.state("alice"), ConnectionState::Connecting);
    world.advance(1);
    assert!(matches!(world.state("alice"), ConnectionState::Waiting { .. }));
}

#[test]
fn a_clock_that_jumps_hangs_nothing() {
    for (jump, down) in [(-86_400_000_000_i64, true), (-86_400_000_000, false), (86_400_000_000, false)] {
        let mut world = World::with(&["alice", "bob"]);
        world.befriend("alice", "bob");
        world.send("alice", "bob", "before");
        if down {
            world.cut("alice");
            world.user("alice").reachable = true;
        } else {
            world.relay.mute = true;
            world.advance(KEEP_ALIVE_MS);
        }
        world.now = world.now.checked_add_signed(jump).unwrap();
        for name in ["alice", "bob"] {
            // Shells measure pauses with a clock that does not jump; one that wakes too early does no harm.
            world.input(name, Input::Tick);
        }
        world.relay.mute = false;
        world.advance(RECONNECT_MAX_MS + CONNECT_TIMEOUT_MS + KEEP_ALIVE_MS);
        assert_eq!(world.state("alice"), ConnectionState::Online, "jump {jump}, down {down}");
        world.send("alice", "bob", "after");
        assert_eq!(world.arrived("bob", "alice"), ["before", "after"]);
    }
}

#[test]
fn who_is_refused_stays_away_until_told_otherwise() {
    for code in [RejectCode::Replaced, RejectCode::NotRegistered, RejectCode::WireVersion] {
        let mut world = World::with(&["alice"]);
        goodbye(&mut world, "alice", Reject::new(code, "go away"));
        assert_eq!(world.state("alice"), ConnectionState::Refused(code));
        world.advance(86_400_000);
        assert_eq!(world.state("alice"), ConnectionState::Refused(code));
        world.online("alice");
        assert_eq!(world.state("alice"), ConnectionState::Online);
    }
}

#[test]
fn a_server_that_shuts_down_is_given_the_time_it_asks_for() {
    let mut world = World::with(&["alice"]);
    let now = world.now;
    goodbye(&mut world, "alice", Reject::later(RejectCode::ShuttingDown, "back soon", 20_000));
    assert_eq!(world.state("alice"), ConnectionState::Waiting { until_ms: now + 20_000 });
    world.advance(20_000);
    assert_eq!(world.state("alice"), ConnectionState::Online);
}

#[test]
fn registering_says_hello_only_afterwards() {
    let mut world = World::new();
    world.join("alice");
    let id = world.register("alice");
    let user = &world.users["alice"];
    assert_eq!(user.client.username().unwrap().as_str(), "alice");
    assert_eq!(user.client.address(), Some(world.relay.names["alice"]));
    let done = |event: &Event| matches!(event, Event::Done { command, .. } if *command == id);
    assert_eq!(world.count("alice", done), 1);
    assert_eq!(world.count("alice", |event| matches!(event, Event::Registered(_))), 1);
    assert_eq!(world.state("alice"), ConnectionState::Online);
    world.command("alice", register("other"));
    assert_eq!(failures(&world, "alice"), [Failure::AlreadyRegistered]);
}

#[test]
fn a_username_that_is_taken_is_said_and_another_can_be_tried() {
    let mut world = World::with(&["alice"]);
    world.join("bob");
    world.command("bob", register("alice"));
    world.settle();
    assert!(
        matches!(&failures(&world, "bob")[..], [Failure::Rejected(reject)] if reject.code == RejectCode::UsernameTaken)
    );
    assert_eq!(world.state("bob"), ConnectionState::Offline);
    world.register("bob");
    assert_eq!(world.state("bob"), ConnectionState::Online);
}

#[test]
fn registering_without_a_server_fails_and_waits_for_nobody() {
    let mut world = World::new();
    world.join("alice");
    world.user("alice").reachable = false;
    world.register("alice");
    assert_eq!(failures(&world, "alice"), [Failure::NotConnected]);
    assert_eq!(world.state("alice"), ConnectionState::Offline);
    assert_eq!(world.users["alice"].wake, None);
    world.user("alice").reachable = true;
    world.command("alice", register("alice"));
    world.command("alice", register("alice"));
    assert_eq!(failures(&world, "alice"), [Failure::NotConnected, Failure::Busy]);
    world.settle();
    assert_eq!(world.state("alice"), ConnectionState::Online);
}

#[test]
fn a_registration_whose_answer_is_lost_can_be_repeated() {
    for crash in [None, Some(Crash::BeforeCommit), Some(Crash::AfterCommit)] {
        let mut world = World::new();
        world.join("alice");
        world.command("alice", register("alice"));
        world.next("alice");
        world.flow_up();
        match crash {
            None => world.cut("alice"),
            Some(crash) => world.next_and_crash("alice", crash),
        }
        world.user("alice").reachable = true;
        if world.users["alice"].client.address().is_none() {
            world.register("alice");
        }
        world.online("alice");
        assert_eq!(world.state("alice"), ConnectionState::Online);
        assert_eq!(world.relay.devices.len(), 1, "one account");
        assert_eq!(world.count("alice", |event| matches!(event, Event::RestoredCopy)), 0);
    }
}

#[test]
fn leases_ascend_and_are_persisted_before_they_are_said() {
    let mut world = World::with(&["alice"]);
    for round in 0..20 {
        match round % 4 {
            0 => world.offline("alice"),
            1 => world.cut("alice"),
            2 => world.reopen("alice"),
            _ => {
                world.cut("alice");
                world.user("alice").reachable = true;
                world.command("alice", Command::GoOnline);
                world.next_and_crash("alice", Crash::AfterCommit);
            }
        }
        world.online("alice");
    }
    let leases = world.relay.leases.values().next().unwrap();
    assert!(leases.len() > 20 && leases.is_sorted_by(|a, b| a < b), "{leases:?}");
    assert_eq!(world.count("alice", |event| matches!(event, Event::RestoredCopy)), 0);
}

#[test]
fn look_ups_wait_for_a_connection_that_is_being_made() {
    let mut world = World::with(&["alice", "bob"]);
    world.offline("alice");
    world.take_events("alice");
    world.command("alice", Command::GoOnline);
    world.command("alice", Command::AddContact { username: Username::parse("bob").unwrap() });
    world.settle();
    assert_eq!(world.count("alice", |event| matches!(event, Event::Done { peer: Some(_), .. })), 1);
    world.cut("alice");
    world.command("alice", Command::GoOnline);
    world.command("alice", Command::AddContact { username: Username::parse("carol").unwrap() });
    world.settle();
    assert_eq!(failures(&world, "alice"), [Failure::NotConnected]);
}

#[test]
fn a_server_that_answers_pings_but_nothing_else_is_left() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.relay.mute = true;
    world.write("alice", "bob", "hello?");
    for _ in 0..5 {
        world.advance(14_000);
        world.input("alice", Input::Frame(ServerFrame { pong: Some(0), ..ServerFrame::default() }));
    }
    world.relay.mute = false;
    world.advance(10_000);
    assert_eq!(world.arrived("bob", "alice"), ["hello?"]);
}
