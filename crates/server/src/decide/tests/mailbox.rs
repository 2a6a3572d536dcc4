use waxwing_wire::MessageId;
use waxwing_wire::limits::MAX_IDS_PER_RECEIPT;

use crate::limits::{MAX_RECEIPTS_PER_SETTLE, RETENTION_MS, TRIM_ENTRIES};
use crate::store::Store;
use crate::world::{Device, World, message_to};
use crate::{Command, Key};

/// Alice and Bob, who both have a mailbox.
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
fn a_stored_message_earns_a_receipt_and_goes() {
    let (mut world, alice, bob) = two();
    for id in 1..=3 {
        world.send(&alice, message_to(&bob, id)).unwrap();
    }
    world.stored(bob.address, 2);
    assert_eq!(world.seqs(bob.address), [3]);
    let receipts = world.receipts(alice.address);
    assert_eq!(receipts.len(), 1, "one receipt for all of one sender's");
    assert_eq!(receipts[0].ids, [MessageId(1), MessageId(2)]);
    assert_eq!((receipts[0].by, receipts[0].at_ms), (bob.address, world.now.0));
    assert!(!receipts[0].expired);
    let row = world.mailbox(bob.address);
    assert_eq!((row.settled, row.acknowledged, row.last, row.entries), (2, 2, 3, 1));
    world.check_store();
    // Receipts earn none.
    world.stored(alice.address, 1);
    assert_eq!(world.seqs(bob.address), [3]);
    assert_eq!(world.seqs(alice.address), [0; 0]);
}

#[test]
fn silent_and_undecryptable_messages_earn_nothing() {
    let (mut world, alice, bob) = two();
    for id in 1..=3 {
        let mut send = message_to(&bob, id);
        send.silent = id == 1;
        world.send(&alice, send).unwrap();
    }
    world.run(Command::Stored { mailbox: bob.address, up_to: 3, undecryptable: vec![3] });
    assert_eq!(world.receipts(alice.address)[0].ids, [MessageId(2)]);
    assert!(world.seqs(bob.address).is_empty());
}

#[test]
fn an_acknowledgement_reaches_no_further_than_the_mailbox() {
    let (mut world, alice, bob) = two();
    world.send(&alice, message_to(&bob, 1)).unwrap();
    world.stored(bob.address, u64::MAX);
    let row = world.mailbox(bob.address);
    assert_eq!((row.settled, row.acknowledged, row.last), (1, 1, 1));
    // Older ones change nothing.
    let before = world.store.clone();
    world.stored(bob.address, 1);
    world.stored(bob.address, 0);
    assert_eq!(world.store, before);
    // Nor does one for a mailbox that nobody has.
    let mut nobody = bob.address;
    nobody.account.0 = [0; 16];
    world.stored(nobody, 5);
    assert_eq!(world.store, before);
}

#[test]
fn much_is_settled_in_rounds() {
    let (mut world, alice, bob) = two();
    let count = TRIM_ENTRIES as u64 + 10;
    for id in 1..=count {
        world.send(&alice, message_to(&bob, id)).unwrap();
    }
    let undecryptable = vec![1, count];
    world.run(Command::Stored { mailbox: bob.address, up_to: count, undecryptable });
    assert!(world.seqs(bob.address).is_empty());
    let receipts = world.receipts(alice.address);
    assert!(receipts.iter().all(|receipt| receipt.ids.len() <= MAX_IDS_PER_RECEIPT));
    let ids: Vec<u64> = receipts.iter().flat_map(|receipt| receipt.ids.iter().map(|id| id.0)).collect();
    assert_eq!(ids, (2..count).collect::<Vec<_>>());
    world.check_store();
}

#[test]
fn many_senders_are_settled_in_rounds() {
    let (mut world, _, bob) = two();
    let senders: Vec<Device> = (0..MAX_RECEIPTS_PER_SETTLE as u8 + 5)
        .map(|number| {
            let mut sender = world.register(&format!("sender-{number}"), 100 + number);
            let conn = world.connect(&mut sender, 0);
            world.disconnect(conn);
            sender
        })
        .collect();
    for id in 1..=2 {
        for sender in &senders {
            world.send(sender, message_to(&bob, id)).unwrap();
        }
    }
    world.stored(bob.address, 1_000);
    assert!(world.seqs(bob.address).is_empty());
    for sender in &senders {
        let receipts = world.receipts(sender.address);
        let ids: Vec<u64> = receipts.iter().flat_map(|receipt| receipt.ids.iter().map(|id| id.0)).collect();
        assert_eq!(ids, [1, 2]);
    }
    world.check_store();
}

#[test]
fn what_waited_too_long_expires_and_its_sender_is_told() {
    let (mut world, alice, bob) = two();
    world.send(&alice, message_to(&bob, 1)).unwrap();
    world.now.0 += 1_000;
    world.send(&alice, message_to(&bob, 2)).unwrap();
    let expire = Command::Expire { mailbox: bob.address };
    world.now.0 += RETENTION_MS - 1_001;
    world.run(expire.clone());
    assert_eq!(world.seqs(bob.address), [1, 2], "one millisecond too early");
    world.now.0 += 1;
    world.run(expire.clone());
    assert_eq!(world.seqs(bob.address), [2]);
    let receipts = world.receipts(alice.address);
    assert!(receipts[0].expired && receipts[0].ids == [MessageId(1)]);
    let row = world.mailbox(bob.address);
    assert_eq!((row.settled, row.acknowledged), (1, 0), "the device has not said that it stored it");
    // A late acknowledgement is remembered and earns nothing more.
    world.stored(bob.address, 1);
    assert_eq!(world.mailbox(bob.address).acknowledged, 1);
    assert_eq!(world.receipts(alice.address).len(), 1);
    // Receipts expire as well, quietly.
    world.now.0 += RETENTION_MS;
    world.run(Command::Expire { mailbox: alice.address });
    assert!(world.seqs(alice.address).is_empty());
    world.run(expire);
    assert!(world.seqs(bob.address).is_empty());
    world.check_store();
}

#[test]
fn expiry_goes_through_a_large_mailbox() {
    let (mut world, alice, bob) = two();
    for id in 1..=TRIM_ENTRIES as u64 * 2 + 3 {
        world.send(&alice, message_to(&bob, id)).unwrap();
    }
    world.now.0 += RETENTION_MS;
    world.run(Command::Expire { mailbox: bob.address });
    assert!(world.seqs(bob.address).is_empty());
    world.check_store();
}

#[test]
fn a_clock_that_begins_at_zero_expires_nothing_early() {
    let (mut world, alice, bob) = two();
    world.now.0 = 0;
    world.send(&alice, message_to(&bob, 1)).unwrap();
    world.now.0 = 5;
    world.run(Command::Expire { mailbox: bob.address });
    assert_eq!(world.seqs(bob.address), [1]);
}

#[test]
fn a_crossed_trim_takes_only_what_is_left() {
    let (mut world, alice, bob) = two();
    for id in 1..=4 {
        world.send(&alice, message_to(&bob, id)).unwrap();
    }
    let settle = |up_to| Command::Settle {
        mailbox: bob.address,
        from: 1,
        up_to,
        fate: crate::Fate::Stored { undecryptable: Vec::new() },
    };
    let trim = |world: &mut World, up_to| {
        let view = world.store.load(&crate::reads(&settle(up_to))).unwrap();
        let step = crate::decide(&settle(up_to), &view, world.now, &world.settings, &mut world.rng).unwrap();
        match step.effects.into_iter().next_back() {
            Some(crate::Effect::Continue(command)) => command,
            other => panic!("{other:?}"),
        }
    };
    let (short, long) = (trim(&mut world, 2), trim(&mut world, 3));
    world.run(short);
    world.run(long.clone());
    world.check_store();
    assert_eq!(world.seqs(bob.address), [4]);
    world.run(long);
    world.check_store();
    assert_eq!(world.seqs(bob.address), [4]);
}

#[test]
fn receipts_have_more_room_than_messages_but_not_endless() {
    let (mut world, alice, bob) = two();
    world.settings.mailbox_entries = 2;
    for id in 1..=2 {
        world.send(&bob, message_to(&alice, id)).unwrap();
    }
    for id in 1..=4 {
        world.send(&alice, message_to(&bob, id)).unwrap();
        world.stored(bob.address, id);
    }
    assert_eq!(world.receipts(alice.address).len(), 2);
    assert!(world.seqs(bob.address).is_empty(), "messages go even if their receipts found no room");
    world.check_store();
}

#[test]
fn a_receipt_for_nobody_is_dropped() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    // Alice never attached, so she has no mailbox; the test sends past that.
    world.send(&alice, message_to(&bob, 1)).unwrap();
    world.stored(bob.address, 1);
    assert!(world.row(Key::Mailbox(alice.address)).is_none());
    assert!(world.seqs(bob.address).is_empty());
}

#[test]
fn damaged_entries_go_with_their_neighbours() {
    let (mut world, alice, bob) = two();
    world.send(&alice, message_to(&bob, 1)).unwrap();
    let mut row = world.mailbox(bob.address);
    for seq in [2, 4] {
        row.last = seq;
        row.entries += 1;
        row.bytes += 2;
        let rows = vec![(Key::Mailbox(bob.address), Some(crate::Row::Mailbox(row)))];
        let mut batch = crate::Batch::of_rows(crate::Shard::Mailboxes(bob.address.account), rows);
        let item = bytes::Bytes::from_static(b"\xff\xff");
        batch.appends = vec![crate::Append { mailbox: bob.address, seq, item, dedupe: None }];
        world.store.commit(vec![crate::Stored { batch, expected: Vec::new() }]);
        if seq == 2 {
            world.send(&alice, message_to(&bob, 3)).unwrap();
            row = world.mailbox(bob.address);
        }
    }
    world.now.0 += RETENTION_MS;
    world.run(Command::Expire { mailbox: bob.address });
    let left = world.store.read_mailbox(bob.address, 0, 10, 1_000).unwrap();
    assert_eq!(left.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4], "its age is not known");
    world.stored(bob.address, 4);
    assert_eq!(world.store.entries().filter(|(mailbox, _, _)| *mailbox == bob.address).count(), 0);
    assert_eq!((world.mailbox(bob.address).entries, world.mailbox(bob.address).bytes), (0, 0));
}
