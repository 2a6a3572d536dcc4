use waxwing_wire::server_frame::{DeviceMismatch, Item};
use waxwing_wire::{AccountId, DeviceId, RejectCode};

use crate::limits::MAILBOX_FULL_RETRY_MS;
use crate::world::{World, message, message_to};

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

#[test]
fn one_full_mailbox_refuses_the_message_for_all() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.settings.mailbox_entries = 1;
    world.send(&alice, message_to(&bob, 1)).unwrap();
    let tablet = world.add_device(&bob, 3);
    world.send(&alice, message(bob.address.account, &[&bob, &tablet], 2)).unwrap_err();
    assert_eq!(world.store.entries().count(), 1);
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
