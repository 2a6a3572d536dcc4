//! Ordinary days.

use super::world::World;
use crate::{Command, Direction, Event, Failure, Trust};
use waxwing_wire::Username;

#[test]
fn two_people_talk_and_see_their_ticks() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    world.send("alice", "bob", "hello");
    assert_eq!(world.arrived("bob", "alice"), ["hello"]);
    assert_eq!(world.written("alice", "bob"), ["hello ✓✓"]);
    world.read_all("bob", "alice");
    assert_eq!(world.written("alice", "bob"), ["hello ✓✓✓"]);
    world.send("bob", "alice", "hello yourself");
    world.send("alice", "bob", "how are you?");
    assert_eq!(world.arrived("alice", "bob"), ["hello yourself"]);
    assert_eq!(world.arrived("bob", "alice"), ["hello", "how are you?"]);
    world.assert_at_rest();
}

#[test]
fn many_messages_both_ways_arrive_once_and_in_order() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    for n in 0..40 {
        world.write("alice", "bob", &format!("a{n}"));
        if n % 3 == 0 {
            world.write("bob", "alice", &format!("b{n}"));
        }
        if n % 7 == 0 {
            world.settle();
        }
    }
    world.settle();
    assert_eq!(world.arrived("bob", "alice"), (0..40).map(|n| format!("a{n}")).collect::<Vec<_>>());
    let theirs: Vec<_> = (0..40).step_by(3).map(|n| format!("b{n}")).collect();
    assert_eq!(world.arrived("alice", "bob"), theirs);
    for name in ["alice", "bob"] {
        assert_eq!(world.count(name, |event| matches!(event, Event::Gap { .. })), 0);
        assert_eq!(world.count(name, |event| matches!(event, Event::IdentityChanged(_))), 0);
    }
    world.assert_at_rest();
}

#[test]
fn a_message_written_without_a_connection_goes_out_when_there_is_one() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.offline("alice");
    world.send("alice", "bob", "one");
    world.send("alice", "bob", "two");
    assert_eq!(world.written("alice", "bob"), ["one ⌛", "two ⌛"]);
    assert_eq!(world.users["alice"].client.outbox_len(), 3, "and who she is");
    world.online("alice");
    assert_eq!(world.arrived("bob", "alice"), ["one", "two"]);
    assert_eq!(world.written("alice", "bob"), ["one ✓✓", "two ✓✓"]);
}

#[test]
fn one_who_is_away_gets_everything_later() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "zero");
    world.offline("bob");
    for n in 0..300 {
        world.write("alice", "bob", &n.to_string());
    }
    world.settle();
    assert!(world.written("alice", "bob").iter().skip(1).all(|line| line.ends_with(" ✓")));
    world.online("bob");
    let all: Vec<_> = std::iter::once("zero".to_string()).chain((0..300).map(|n| n.to_string())).collect();
    assert_eq!(world.arrived("bob", "alice"), all);
    assert!(world.written("alice", "bob").iter().all(|line| line.ends_with(" ✓✓")));
    world.assert_at_rest();
}

#[test]
fn a_reader_who_never_writes_ends_the_long_form() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    for n in 0..5 {
        world.send("alice", "bob", &n.to_string());
        world.advance(1_000);
    }
    let renewals: Vec<_> = world.users["bob"].client.outbox_len().to_string().chars().collect();
    assert_eq!(renewals, ['0'], "the answer is gone");
    let before = world.users["bob"].frames_sent;
    world.send("alice", "bob", "short form");
    assert_eq!(world.users["bob"].frames_sent - before, 1, "only the acknowledgement: no answer any more");
}

#[test]
fn many_read_receipts_are_one_message() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    for n in 0..20 {
        world.send("alice", "bob", &n.to_string());
    }
    world.offline("bob");
    let with = world.conversation("alice");
    let orders: Vec<u64> = world.history("bob", "alice").iter().map(|message| message.order).collect();
    for up_to in &orders {
        world.command("bob", Command::MarkRead { with, up_to: *up_to });
    }
    assert_eq!(world.users["bob"].client.outbox_len(), 1);
    world.command("bob", Command::MarkRead { with, up_to: u64::MAX });
    assert_eq!(world.users["bob"].client.outbox_len(), 1, "nothing is marked twice");
    world.online("bob");
    assert!(world.written("alice", "bob").iter().all(|line| line.ends_with("✓✓✓")));
}

#[test]
fn a_conversation_of_three_pairs_stays_three() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    for (one, other) in [("alice", "bob"), ("alice", "carol"), ("bob", "carol")] {
        world.befriend(one, other);
        world.send(one, other, &format!("{one} to {other}"));
    }
    assert_eq!(world.arrived("carol", "alice"), ["alice to carol"]);
    assert_eq!(world.arrived("carol", "bob"), ["bob to carol"]);
    assert_eq!(world.arrived("bob", "alice"), ["alice to bob"]);
    let orders: Vec<u64> = world.users["carol"].db.messages().map(|message| message.order).collect();
    assert_eq!(orders.len(), 2);
    assert_ne!(orders[0], orders[1], "orders are of the device, not of the conversation");
}

#[test]
fn both_write_first_at_the_same_moment() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    world.write("alice", "bob", "a1");
    world.write("bob", "alice", "b1");
    world.settle();
    for n in 2..6 {
        world.write("alice", "bob", &format!("a{n}"));
        world.write("bob", "alice", &format!("b{n}"));
        world.settle();
    }
    assert_eq!(world.arrived("bob", "alice"), ["a1", "a2", "a3", "a4", "a5"]);
    assert_eq!(world.arrived("alice", "bob"), ["b1", "b2", "b3", "b4", "b5"]);
    world.assert_at_rest();
}

#[test]
fn safety_numbers_are_the_same_on_both_sides() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "hello");
    let (alice, bob) = (world.account("alice"), world.account("bob"));
    let number = |world: &World, name: &str, of| {
        let user = &world.users[name];
        user.client.safety_number(&user.db, of).unwrap().unwrap()
    };
    assert_eq!(number(&world, "alice", bob), number(&world, "bob", alice));
    assert_eq!(number(&world, "alice", bob).len(), 60);
}

#[test]
fn a_stranger_who_writes_becomes_a_peer_whose_name_is_asked_for_once() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "guess who");
    world.send("alice", "bob", "once more");
    assert_eq!(world.relay.username_fetches, 1);
    let (db, alice) = (world.users["bob"].db.clone(), world.account("alice"));
    let peer = world.users["bob"].client.peer(&db, alice).unwrap().unwrap();
    assert!(peer.username.as_ref().unwrap().as_str() == "alice");
    assert!(peer.identity.is_some() && peer.trust == Trust::FirstUse);
    world.befriend("bob", "alice");
    let db = world.users["bob"].db.clone();
    let peers = world.users["bob"].client.peers(&db).unwrap();
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].username.as_ref().unwrap().as_str(), "alice");
    assert_eq!(peers[0].identity, peer.identity);
}

#[test]
fn what_cannot_be_done_is_said_at_once() {
    let mut world = World::with(&["alice", "bob"]);
    let fails = |world: &mut World, name: &'static str, command| -> Option<Failure> {
        world.take_events(name);
        let id = world.command(name, command);
        world.settle();
        let events = world.take_events(name);
        let answers: Vec<_> = events
            .into_iter()
            .filter_map(|event| match event {
                Event::Done { command, .. } if command == id => Some(None),
                Event::Failed { command, failure } if command == id => Some(Some(failure)),
                _ => None,
            })
            .collect();
        assert_eq!(answers.len(), 1, "each command is answered exactly once");
        answers.into_iter().next().unwrap()
    };
    let bob = world.conversation("bob");
    let text = |to, text: &str| Command::text(to, text);
    assert_eq!(fails(&mut world, "alice", text(bob, "hi")), Some(Failure::UnknownContact));
    world.befriend("alice", "bob");
    assert_eq!(fails(&mut world, "alice", text(bob, " \n")), Some(Failure::Empty));
    let long = "x".repeat(16 * 1024 + 1);
    let too_long = Failure::TooLong { limit_bytes: 16 * 1024 };
    assert_eq!(fails(&mut world, "alice", text(bob, &long)), Some(too_long));
    assert_eq!(fails(&mut world, "alice", text(bob, &long[1..])), None);
    assert_eq!(world.arrived("bob", "alice"), [&long[1..]]);
    let find = |name: &str| Command::AddContact { username: Username::parse(name).unwrap() };
    assert!(matches!(fails(&mut world, "alice", find("nobody")), Some(Failure::Rejected(_))));
    assert_eq!(fails(&mut world, "alice", find("alice")), Some(Failure::UnknownContact));
    assert_eq!(fails(&mut world, "alice", find("bob")), None, "known already");
    world.offline("alice");
    assert_eq!(fails(&mut world, "alice", find("carol")), Some(Failure::NotConnected));
    world.join("carol");
    assert_eq!(fails(&mut world, "carol", text(bob, "hi")), Some(Failure::NotRegistered));
    assert_eq!(fails(&mut world, "carol", find("bob")), Some(Failure::NotRegistered));
    let read = Command::MarkRead { with: bob, up_to: 9 };
    assert_eq!(fails(&mut world, "carol", read), Some(Failure::NotRegistered));
}

#[test]
fn own_messages_and_theirs_stand_in_one_order() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "1");
    world.send("bob", "alice", "2");
    world.send("alice", "bob", "3");
    let directions: Vec<_> = world.history("alice", "bob").iter().map(|message| message.direction).collect();
    assert_eq!(directions, [Direction::Outgoing, Direction::Incoming, Direction::Outgoing]);
}
