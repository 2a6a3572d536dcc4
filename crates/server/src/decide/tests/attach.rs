use waxwing_wire::client_frame::{Hello, Send};
use waxwing_wire::{DeviceKey, PrekeysLeft, RejectCode, WIRE_VERSION};

use crate::limits::MAX_CLAIMED_SEQ;
use crate::row::{CredentialRow, Row};
use crate::world::{World, message_to};
use crate::{Command, Key, Piece};

#[test]
fn a_first_hello_is_welcome() {
    let mut world = World::new();
    let mut alice = world.register("alice", 1);
    let conn = world.connect(&mut alice, 0);
    let welcome = world.welcome(conn);
    assert_eq!((welcome.address, welcome.server_time_ms), (alice.address, world.now.0));
    assert_eq!((welcome.previous_lease, welcome.acknowledged, welcome.received_in_lease), (0, 0, None));
    assert_eq!(welcome.prekeys_left, PrekeysLeft { one_time: 2, one_time_kyber: 1 });
    assert_eq!(world.links.received(alice.address), Some((1, 0)));
}

#[test]
fn strangers_are_told_to_register() {
    let mut world = World::new();
    let hello = Hello { version: WIRE_VERSION, lease: 1, stored: 0 };
    let conn = world.hello(DeviceKey([7; 32]), hello);
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    // A registration that was not finished is none.
    let alice = world.register("alice", 1);
    let row = CredentialRow { address: alice.address, active: false };
    world.put(Key::Credential(alice.key), Row::Credential(row));
    let conn = world.hello(alice.key, hello);
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    // Nor is a key that is not the device's any more.
    let row = CredentialRow { address: alice.address, active: true };
    world.put(Key::Credential(DeviceKey([8; 32])), Row::Credential(row));
    let conn = world.hello(DeviceKey([8; 32]), hello);
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    assert!(world.links.is_empty());
}

#[test]
fn other_versions_and_absurd_numbers_are_refused() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    for version in [0, WIRE_VERSION + 1] {
        let conn = world.hello(alice.key, Hello { version, lease: 1, stored: 0 });
        assert_eq!(world.goodbye(conn).code, RejectCode::WireVersion);
    }
    let conn = world.hello(alice.key, Hello { version: WIRE_VERSION, lease: 1, stored: u64::MAX });
    assert_eq!(world.goodbye(conn).code, RejectCode::Malformed);
    let hello = Hello { version: WIRE_VERSION, lease: 1, stored: MAX_CLAIMED_SEQ };
    let conn = world.hello(alice.key, hello);
    world.welcome(conn);
    let bob = world.register("bob", 2);
    world.send(&bob, message_to(&alice, 1)).unwrap();
    assert_eq!(world.delivered(conn), [MAX_CLAIMED_SEQ + 1]);
    world.stored(alice.address, u64::MAX);
    world.check_store();
}

#[test]
fn what_waited_is_delivered_and_what_was_stored_is_settled() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.register("alice", 1), world.register("bob", 2));
    let conn = world.connect(&mut alice, 0);
    for id in 1..=4 {
        world.send(&alice, message_to(&bob, id)).unwrap();
    }
    let first = world.connect(&mut bob, 0);
    assert_eq!(world.delivered(first), [1, 2, 3, 4]);
    world.disconnect(first);
    // The device stored two of them; the acknowledgement was lost.
    let second = world.connect(&mut bob, 2);
    assert_eq!(world.delivered(second), [3, 4]);
    assert_eq!(world.seqs(bob.address), [3, 4]);
    assert_eq!(world.delivered(conn), [1], "the receipt");
    // Live messages follow at once.
    world.send(&alice, message_to(&bob, 5)).unwrap();
    assert_eq!(world.delivered(second), [3, 4, 5]);
    world.check_store();
}

#[test]
fn the_welcome_tells_of_the_lease_before() {
    let mut world = World::new();
    let (mut alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let conn = world.connect(&mut alice, 0);
    for id in 1..=3 {
        world.run(Command::Send { conn, from: alice.address, send: message_to(&bob, id) });
    }
    // A repeated one came as well; so did one that is refused.
    world.run(Command::Send { conn, from: alice.address, send: message_to(&bob, 3) });
    let to_nobody = Send { copies: Vec::new(), ..message_to(&bob, 4) };
    world.run(Command::Send { conn, from: alice.address, send: to_nobody });
    assert_eq!(world.links.received(alice.address), Some((1, 5)));
    world.disconnect(conn);
    let conn = world.connect(&mut alice, 0);
    let welcome = world.welcome(conn);
    assert_eq!((welcome.previous_lease, welcome.received_in_lease), (1, Some(5)));
    // The earlier connection may still be there.
    world.run(Command::Send { conn, from: alice.address, send: message_to(&bob, 4) });
    let next = world.connect(&mut alice, 0);
    let welcome = world.welcome(next);
    assert_eq!((welcome.previous_lease, welcome.received_in_lease), (2, Some(1)));
    assert_eq!(world.goodbye(conn).code, RejectCode::Replaced);
    // What it still brings in does not count for the new lease.
    world.run(Command::Send { conn, from: alice.address, send: message_to(&bob, 5) });
    assert_eq!(world.links.received(alice.address), Some((3, 0)));
    // After a crash nobody knows.
    world.restart();
    let last = world.connect(&mut alice, 0);
    let welcome = world.welcome(last);
    assert_eq!((welcome.previous_lease, welcome.received_in_lease), (3, None));
}

#[test]
fn a_restored_copy_learns_what_it_is() {
    let mut world = World::new();
    let (mut alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.send(&bob, message_to(&alice, 1)).unwrap();
    let copy = alice.clone();
    for _ in 0..3 {
        let conn = world.connect(&mut alice, 1);
        world.run(Command::Send { conn, from: alice.address, send: message_to(&bob, 1) });
        world.disconnect(conn);
    }
    let mut copy = copy;
    let conn = world.connect(&mut copy, 0);
    let welcome = world.welcome(conn);
    assert_eq!((welcome.previous_lease, welcome.acknowledged), (3, 1));
    assert_eq!(welcome.received_in_lease, Some(1), "a repeated message came as well");
    assert_eq!(world.mailbox(alice.address).lease, 3, "the largest lease stays");
    // Its own lease leaves no count that could be taken for the largest one's, neither live nor later.
    world.run(Command::Send { conn, from: alice.address, send: message_to(&bob, 9) });
    assert_eq!(world.links.received(alice.address), Some((1, 1)));
    let conn = world.connect(&mut copy, 0);
    assert_eq!(world.welcome(conn).received_in_lease, None);
    world.disconnect(conn);
    assert_eq!(world.mailbox(alice.address).received_in_lease, None);
}

#[test]
fn numbers_that_a_device_has_seen_are_not_given_out_again() {
    let mut world = World::new();
    let (alice, mut bob) = (world.register("alice", 1), world.register("bob", 2));
    for id in 1..=2 {
        world.send(&alice, message_to(&bob, id)).unwrap();
    }
    // The store was put back to an older copy: the device knows ten entries, the mailbox two.
    let conn = world.connect(&mut bob, 10);
    assert!(world.delivered(conn).is_empty());
    world.send(&alice, message_to(&bob, 3)).unwrap();
    assert_eq!(world.delivered(conn), [11]);
    assert_eq!(world.seqs(bob.address), [11]);
    world.check_store();
}

#[test]
fn an_old_detach_changes_nothing() {
    let mut world = World::new();
    let mut alice = world.register("alice", 1);
    world.connect(&mut alice, 0);
    let conn = world.connect(&mut alice, 0);
    world.run(Command::Detach { address: alice.address, lease: 1, received: 9 });
    assert_eq!(world.mailbox(alice.address).received_in_lease, None);
    let goodbyes = |conn| {
        let pieces: &Vec<Piece> = &world.out[&conn].pieces;
        pieces.iter().filter(|piece| matches!(piece, Piece::Goodbye(_))).count()
    };
    assert_eq!(goodbyes(conn), 0);
}
