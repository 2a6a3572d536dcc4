//! Every chain, cut off after every one of its commits and begun again, comes to the same end.

use waxwing_wire::DeviceKey;
use waxwing_wire::MessageId;
use waxwing_wire::invitation::InvitationToken;

use crate::memory::MemoryStore;
use crate::world::{Device, TOKEN, World, registration};
use crate::{Command, Origin};

/// Runs the command in a world without faults and in one for each place to crash.
fn same_end(make: impl Fn() -> World, command: &Command) -> Vec<World> {
    let mut whole = make();
    whole.run(command.clone());
    let mut worlds = Vec::new();
    for commits in 0.. {
        let mut world = make();
        let rng = world.rng.clone();
        world.commits_left = Some(commits);
        world.run(command.clone());
        let died = world.dead;
        world.restart();
        // The same draws, so that the ends can be compared.
        world.rng = rng;
        world.run(command.clone());
        // What changed meanwhile is noticed and decided again.
        worlds.push(world);
        if !died {
            break;
        }
    }
    worlds.insert(0, whole);
    worlds
}

fn all_equal(worlds: &[World]) -> &MemoryStore {
    let first = &worlds[0].store;
    assert!(worlds.iter().all(|world| world.store == *first), "every end is the same");
    first
}

#[test]
fn a_registration() {
    let token = InvitationToken([5; 16]);
    let make = || {
        let mut world = World::new();
        world.run(Command::CreateInvitation { token, uses: Some(1), expires_at_ms: None });
        world
    };
    let mut world = make();
    let register =
        Box::new(waxwing_wire::client_frame::Register { invitation: token, ..registration("alice", 1) });
    let origin = Origin { conn: world.conn(), request: 1 };
    let command = Command::Register { origin, key: DeviceKey([1; 32]), register };
    let worlds = same_end(make, &command);
    assert_eq!(worlds.len(), 1 + 5 + 1, "five commits make an account");
    let store = all_equal(&worlds);
    assert_eq!(store.rows().count(), 1 + 1 + 1 + 1 + 1 + 3, "two invitations and the account's rows");
    assert_ne!(token, TOKEN);
}

fn two() -> (World, Device, Device) {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.register("alice", 1), world.register("bob", 2));
    for device in [&mut alice, &mut bob] {
        let conn = world.connect(device, 0);
        world.disconnect(conn);
    }
    (world, alice, bob)
}

#[test]
fn a_message() {
    let (mut world, alice, bob) = two();
    let send = crate::world::message_to(&bob, 1);
    let command = Command::Send { conn: world.conn(), from: alice.address, send };
    let worlds = same_end(|| two().0, &command);
    all_equal(&worlds);
    assert_eq!(worlds[0].seqs(bob.address), [1]);
}

#[test]
fn settling_loses_no_receipt() {
    let make = || {
        let (mut world, alice, bob) = two();
        let mut carol = world.register("carol", 3);
        let conn = world.connect(&mut carol, 0);
        world.disconnect(conn);
        for id in 1..=3 {
            world.send(&alice, crate::world::message_to(&bob, id)).unwrap();
            world.send(&carol, crate::world::message_to(&bob, id)).unwrap();
        }
        world
    };
    let (_, alice, bob) = two();
    let command = Command::Stored { mailbox: bob.address, up_to: 5, undecryptable: Vec::new() };
    let worlds = same_end(make, &command);
    assert_eq!(worlds.len(), 1 + 3 + 1, "two receipts and the trim");
    for world in worlds {
        world.check_store();
        assert_eq!(world.seqs(bob.address), [6]);
        let row = world.mailbox(bob.address);
        assert_eq!((row.settled, row.acknowledged), (5, 5));
        let receipts = world.receipts(alice.address);
        assert!(!receipts.is_empty() && receipts.len() <= 2, "doubled at worst");
        for receipt in receipts {
            assert_eq!(receipt.ids, [MessageId(1), MessageId(2), MessageId(3)]);
        }
    }
}

#[test]
fn new_prekeys() {
    let (mut world, alice, _) = two();
    let origin = Origin { conn: world.conn(), request: 1 };
    let upload = Box::new(crate::world::one_time(1, 3..=9, 3..=9));
    let command = Command::PublishPrekeys { origin, address: alice.address, upload };
    all_equal(&same_end(|| two().0, &command));
}

#[test]
fn conflicts_change_nothing() {
    let run = |conflicts| {
        let mut world = World::new();
        world.conflicts = conflicts;
        let (alice, mut bob) = (world.register("alice", 1), world.register("bob", 2));
        world.send(&alice, crate::world::message_to(&bob, 1)).unwrap();
        let conn = world.connect(&mut bob, 0);
        world.stored(bob.address, 1);
        world.disconnect(conn);
        (world, alice, bob)
    };
    let (calm, _, bob) = run(0);
    let (busy, ..) = run(2);
    // Account ids are drawn anew when a reservation is decided anew; everything else is the same.
    assert_eq!(calm.store.rows().count(), busy.store.rows().count());
    assert_eq!(calm.mailbox(bob.address).settled, 1);
    busy.check_store();
}
