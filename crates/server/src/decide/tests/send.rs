use waxwing_wire::server_frame::{DeviceMismatch, Item};
use waxwing_wire::{AccountId, DeviceId, MessageId, RejectCode};

use crate::Key;
use crate::limits::MAILBOX_FULL_RETRY_MS;
use crate::world::{Device, LIST_MS, World, message, message_to, signed};

#[test]
fn a_message_waits_in_its_mailbox() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.send(&alice, message_to(&bob, 7)).unwrap();
    let items = world.items(bob.address);
    let [(1, Item::Envelope(envelope))] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((envelope.from, envelope.id.0), (alice.address, 7));
    assert_eq!(envelope.accepted_at_ms, world.now.0);
    world.check_store();
}

#[test]
fn an_unknown_account_is_refused() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let refused = world.send(&alice, message(AccountId([0xee; 16]), &[&alice], 7)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::UnknownAccount);
    assert_eq!(refused.mismatch, DeviceMismatch::default());
}

#[test]
fn a_resend_is_accepted_and_appended_once() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    for _ in 0..3 {
        world.send(&alice, message_to(&bob, 7)).unwrap();
    }
    assert_eq!(world.seqs(bob.address), [1]);
    // A new encryption of the same message is another entry, and remembered as such.
    let mut again = message_to(&bob, 7);
    again.attempt = 1;
    for _ in 0..2 {
        world.send(&alice, again.clone()).unwrap();
    }
    assert_eq!(world.seqs(bob.address), [1, 2]);
    // Another sender's message of the same id is another message.
    let carol = world.register("carol", 3);
    world.send(&carol, message_to(&bob, 7)).unwrap();
    assert_eq!(world.seqs(bob.address), [1, 2, 3]);
    world.stored(bob.address, 3);
    world.check_store();
    assert_eq!(world.store.dedupe().count(), 0, "the attempt's key goes too");
}

#[test]
fn a_resend_fills_in_what_is_missing() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.send(&alice, message_to(&bob, 7)).unwrap();
    let tablet = world.add_device(&bob, 3);
    world.send(&alice, message(bob.address.account, &[&bob, &tablet], 7)).unwrap();
    assert_eq!(world.seqs(bob.address), [1]);
    assert_eq!(world.seqs(tablet.address), [1]);
    world.check_store();
}

#[test]
fn the_sender_learns_how_its_view_of_devices_differs() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let tablet = world.add_device(&bob, 3);
    let desktop = world.add_device(&bob, 4);
    let mut stale = desktop.clone();
    stale.registration_id += 1;
    let mut gone = tablet.clone();
    gone.address.device = DeviceId::new(99).unwrap();
    let send = message(bob.address.account, &[&tablet, &stale, &gone], 7);
    let refused = world.send(&alice, send).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::DeviceMismatch);
    assert_eq!(refused.mismatch.missing, [bob.address.device]);
    assert_eq!(refused.mismatch.stale, [desktop.address.device]);
    assert_eq!(refused.mismatch.extra, [gone.address.device]);
    assert_eq!(world.store.entries().count(), 0, "nothing is taken of a send that is refused");
    let twice = message(bob.address.account, &[&bob, &bob, &tablet, &desktop], 7);
    assert_eq!(world.send(&alice, twice).unwrap_err().reject.code, RejectCode::Malformed);
}

#[test]
fn ones_own_account_means_the_other_devices() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    // There is no other device yet.
    world.send(&alice, message(alice.address.account, &[], 6)).unwrap();
    let tablet = world.add_device(&alice, 2);
    let refused = world.send(&alice, message(alice.address.account, &[&alice, &tablet], 7)).unwrap_err();
    assert_eq!(refused.mismatch.extra, [alice.address.device]);
    let refused = world.send(&alice, message(alice.address.account, &[], 7)).unwrap_err();
    assert_eq!(refused.mismatch.missing, [tablet.address.device]);
    world.send(&alice, message(alice.address.account, &[&tablet], 7)).unwrap();
    world.send(&tablet, message(alice.address.account, &[&alice], 8)).unwrap();
    assert_eq!((world.seqs(tablet.address), world.seqs(alice.address)), (vec![1], vec![1]));
}

#[test]
fn a_full_mailbox_refuses_but_not_a_resend() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.settings.mailbox_entries = 2;
    world.send(&alice, message_to(&bob, 1)).unwrap();
    world.send(&alice, message_to(&bob, 2)).unwrap();
    let refused = world.send(&alice, message_to(&bob, 3)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::MailboxFull);
    assert_eq!(refused.reject.retry_after_ms, MAILBOX_FULL_RETRY_MS);
    world.send(&alice, message_to(&bob, 2)).unwrap();
    assert_eq!(world.seqs(bob.address), [1, 2]);
    world.stored(bob.address, 1);
    world.send(&alice, message_to(&bob, 3)).unwrap();
    // The same bound in bytes.
    world.settings.mailbox_entries = 1_000;
    world.settings.mailbox_bytes = world.mailbox(bob.address).bytes + 10;
    let refused = world.send(&alice, message_to(&bob, 4)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::MailboxFull);
}

/// Bob's mailboxes have room for one entry, and that of one of his devices is full.
fn full(which: usize) -> (World, Device, [Device; 3]) {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let (tablet, desktop) = (world.add_device(&bob, 3), world.add_device(&bob, 4));
    let devices = [bob, tablet, desktop];
    world.settings.mailbox_entries = 2;
    for id in 1..=2 {
        let mut send = message(devices[0].address.account, &[&devices[0], &devices[1], &devices[2]], id);
        send.silent = true;
        world.send(&alice, send).unwrap();
    }
    for (at, device) in devices.iter().enumerate() {
        if at != which {
            world.stored(device.address, 2);
        }
    }
    (world, alice, devices)
}

#[test]
fn a_full_companion_goes_without() {
    let (mut world, alice, mut devices) = full(1);
    let [bob, tablet, desktop] = &devices;
    let account = bob.address.account;
    world.send(&alice, message(account, &[bob, tablet, desktop], 3)).unwrap();
    assert_eq!(world.seqs(bob.address), [3]);
    assert_eq!(world.seqs(tablet.address), [1, 2]);
    assert_eq!(world.seqs(desktop.address), [3]);
    // In a part of its own as well.
    let mut part = message(account, &[tablet], 4);
    part.others = vec![(bob.address.device, 2), (desktop.address.device, 4)];
    world.send(&alice, part).unwrap();
    assert_eq!(world.mailbox(tablet.address).skipped, 2);
    world.check_store();
    let conn = world.connect(&mut devices[1], 0);
    assert_eq!(world.welcome(conn).skipped, 2, "it learns of it");
    let [bob, tablet, _] = &devices;
    assert_eq!(world.welcome_of(bob).skipped, 0);
    world.stored(tablet.address, 2);
    world.send(&alice, message(account, &[bob, tablet, &devices[2]], 5)).unwrap();
    assert_eq!(world.mailbox(tablet.address).last, 3, "and gets messages again");
}

#[test]
fn a_full_primary_refuses_the_message_for_all() {
    let (mut world, alice, [bob, tablet, desktop]) = full(0);
    let account = bob.address.account;
    let before = world.store.clone();
    let refused = world.send(&alice, message(account, &[&bob, &tablet, &desktop], 3)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::MailboxFull);
    assert_eq!(world.store, before, "nothing is taken of a send that is refused");
    // The copies of companions may go through in a part of their own: its primary's is refused then.
    let mut part = message(account, &[&tablet, &desktop], 3);
    part.others = vec![(bob.address.device, 2)];
    world.send(&alice, part).unwrap();
    let mut part = message(account, &[&bob], 3);
    part.others = vec![(tablet.address.device, 3), (desktop.address.device, 4)];
    assert_eq!(world.send(&alice, part).unwrap_err().reject.code, RejectCode::MailboxFull);
}

#[test]
fn companions_that_are_all_full_refuse() {
    let (mut world, alice, [bob, tablet, desktop]) = full(1);
    world.settings.mailbox_entries = 0;
    let account = bob.address.account;
    let mut part = message(account, &[&tablet, &desktop], 3);
    part.others = vec![(bob.address.device, 2)];
    assert_eq!(world.send(&alice, part).unwrap_err().reject.code, RejectCode::MailboxFull);
}

#[test]
fn a_dead_companion_does_not_stop_its_own_account() {
    let (mut world, _, [bob, tablet, desktop]) = full(1);
    world.send(&bob, message(bob.address.account, &[&tablet, &desktop], 3)).unwrap();
    assert_eq!((world.mailbox(tablet.address).skipped, world.seqs(desktop.address)), (1, vec![3]));
    // The only other device.
    let mut list = world.next_list(bob.address.account);
    list.devices.retain(|listed| listed.device != desktop.address.device);
    let (from, list) = (bob.address, Box::new(signed(&list)));
    world.ask(|origin| crate::Command::PublishDeviceList { origin, from, list });
    world.send(&bob, message(bob.address.account, &[&tablet], 4)).unwrap();
    assert_eq!(world.mailbox(tablet.address).skipped, 2);
}

#[test]
fn copies_travel_in_parts() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let tablet = world.add_device(&bob, 3);
    let account = bob.address.account;
    let mut first = message(account, &[&bob], 7);
    first.others = vec![(tablet.address.device, 3)];
    let mut second = message(account, &[&tablet], 7);
    second.others = vec![(bob.address.device, 2)];
    world.send(&alice, first.clone()).unwrap();
    assert_eq!((world.seqs(bob.address), world.seqs(tablet.address)), (vec![1], vec![]));
    for _ in 0..2 {
        world.send(&alice, second.clone()).unwrap();
        world.send(&alice, first.clone()).unwrap();
    }
    assert_eq!((world.seqs(bob.address), world.seqs(tablet.address)), (vec![1], vec![1]));
    // All of them are compared in each.
    let mut stale = first.clone();
    stale.others = vec![(tablet.address.device, 4), (DeviceId::new(9).unwrap(), 1)];
    let refused = world.send(&alice, stale).unwrap_err().mismatch;
    assert_eq!((refused.stale, refused.extra.len()), (vec![tablet.address.device], 1));
    let mut twice = first.clone();
    twice.others.push((bob.address.device, 2));
    assert_eq!(world.send(&alice, twice).unwrap_err().reject.code, RejectCode::Malformed);
    first.others.clear();
    assert_eq!(world.send(&alice, first).unwrap_err().mismatch.missing, [tablet.address.device]);
}

#[test]
fn an_expired_list_leaves_the_primary() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let tablet = world.add_device(&bob, 3);
    let account = bob.address.account;
    world.now.0 += LIST_MS - 1;
    world.send(&alice, message(account, &[&bob, &tablet], 1)).unwrap();
    world.now.0 += 1;
    let refused = world.send(&alice, message(account, &[&bob, &tablet], 2)).unwrap_err();
    assert_eq!(refused.mismatch.extra, [tablet.address.device]);
    world.send(&alice, message(account, &[&bob], 2)).unwrap();
    // The companion is still a device of its own, until the primary comes back.
    assert_eq!(world.welcome_of(&tablet).devices, 1);
    world.send(&tablet, message(account, &[&bob], 3)).unwrap();
    let (from, list) = (bob.address, Box::new(signed(&world.next_list(account))));
    world.ask(|origin| crate::Command::PublishDeviceList { origin, from, list });
    world.send(&alice, message(account, &[&bob, &tablet], 4)).unwrap();
    assert_eq!(world.seqs(tablet.address), [1, 2]);
}

#[test]
fn all_devices_of_the_sender_get_the_receipt() {
    let mut world = World::new();
    let (mut alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let mut tablet = world.add_device(&alice, 3);
    let never_connected = world.add_device(&alice, 4);
    for device in [&mut alice, &mut tablet] {
        let conn = world.connect(device, 0);
        world.disconnect(conn);
    }
    world.send(&tablet, message_to(&bob, 1)).unwrap();
    world.stored(bob.address, 1);
    for device in [&alice, &tablet] {
        let receipts = world.receipts(device.address);
        let [receipt] = receipts.as_slice() else { panic!("{receipts:?}") };
        assert_eq!((receipt.by, receipt.sent_by), (bob.address, tablet.address.device));
        assert_eq!(receipt.ids, [MessageId(1)]);
    }
    assert!(world.row(Key::Mailbox(never_connected.address)).is_none());
    world.check_store();
}

#[test]
fn numbers_go_on_after_a_restore() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.send(&alice, message_to(&bob, 1)).unwrap();
    world.settings.first_seq = 1 << 40;
    world.send(&alice, message_to(&bob, 2)).unwrap();
    world.send(&alice, message_to(&bob, 3)).unwrap();
    assert_eq!(world.seqs(bob.address), [1, 1 << 40, (1 << 40) + 1]);
    assert_eq!(world.mailbox(bob.address).entries, 3);
    // A device that had stored more than the older copy knew of gets what came since.
    let mut bob = bob;
    let conn = world.connect(&mut bob, 50);
    assert_eq!(world.delivered(conn), [1 << 40, (1 << 40) + 1]);
    world.stored(bob.address, 1 << 40);
    assert_eq!(world.seqs(bob.address), [(1 << 40) + 1]);
    world.check_store();
}
