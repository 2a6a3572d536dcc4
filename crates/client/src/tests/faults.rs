//! Days on which something breaks.

use waxwing_wire::server_frame::{DeviceMismatch, Item, Receipt, Refused, ServerFrame};
use waxwing_wire::{DeviceId, Reject, RejectCode};

use super::relay::spoilt;
use super::world::{Crash, World};
use crate::{Command, Event, Input};

fn pair() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "zero");
    world
}

#[test]
fn a_lost_acknowledgement_makes_no_second_message() {
    for forgetful in [false, true] {
        let mut world = pair();
        world.write("alice", "bob", "once");
        world.flow_up();
        world.cut("alice");
        world.settle();
        assert_eq!(world.written("alice", "bob"), ["zero ✓✓", "once ⌛"]);
        if forgetful {
            // A relay that has forgotten what it took delivers it again.
            world.relay.devices.values_mut().for_each(|device| device.seen.clear());
        }
        world.online("alice");
        assert_eq!(world.arrived("bob", "alice"), ["zero", "once"], "forgetful: {forgetful}");
        assert_eq!(world.written("alice", "bob"), ["zero ✓✓", "once ✓✓"]);
        let [.., first, second] = &world.relay.sends[..] else { panic!("both were sent") };
        assert_eq!(first, second, "what was encrypted once is sent again as it is");
        world.assert_at_rest();
    }
}

#[test]
fn a_crash_while_writing_loses_all_or_nothing() {
    for (crash, expected) in
        [(Crash::BeforeCommit, vec!["zero", "after"]), (Crash::AfterCommit, vec!["zero", "crash", "after"])]
    {
        let mut world = pair();
        let to = world.conversation("bob");
        world.command_and_crash("alice", Command::text(to, "crash"), crash);
        world.online("alice");
        world.send("alice", "bob", "after");
        assert_eq!(world.arrived("bob", "alice"), expected);
        assert_eq!(world.count("alice", |event| matches!(event, Event::RestoredCopy)), 0);
        assert_eq!(world.count("bob", |event| matches!(event, Event::Gap { .. })), 0);
        world.assert_at_rest();
    }
}

#[test]
fn a_crash_while_a_message_arrives_shows_it_once() {
    for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
        let mut world = pair();
        world.write("alice", "bob", "one");
        world.write("alice", "bob", "two");
        world.next_and_crash("bob", crash);
        world.settle();
        world.online("bob");
        world.send("alice", "bob", "three");
        assert_eq!(world.arrived("bob", "alice"), ["zero", "one", "two", "three"]);
        assert_eq!(world.count("bob", |event| matches!(event, Event::RestoredCopy)), 0);
        assert!(world.written("alice", "bob").iter().all(|line| line.ends_with("✓✓")));
        world.assert_at_rest();
    }
}

#[test]
fn a_crash_at_any_input_of_a_first_conversation_loses_nothing() {
    for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
        for at in 0..6 {
            let mut world = World::with(&["alice", "bob"]);
            world.befriend("alice", "bob");
            world.write("alice", "bob", "first");
            for _ in 0..at {
                if world.flow_up() && world.has_input("alice") {
                    world.next("alice");
                }
            }
            world.flow_up();
            if world.has_input("alice") {
                world.next_and_crash("alice", crash);
            } else {
                world.reopen("alice");
            }
            world.settle();
            world.online("alice");
            world.send("alice", "bob", "second");
            assert_eq!(world.arrived("bob", "alice"), ["first", "second"], "crash at {at}");
            world.assert_at_rest();
        }
    }
}

#[test]
fn a_contact_who_begins_anew_is_noticed_and_reached() {
    let mut world = pair();
    world.join("bob");
    world.register("bob");
    world.take_events("alice");
    world.send("alice", "bob", "still there?");
    assert_eq!(world.arrived("bob", "alice"), ["still there?"]);
    assert_eq!(world.count("alice", |event| matches!(event, Event::IdentityChanged(_))), 1);
    let (db, bob) = (world.users["alice"].db.clone(), world.account("bob"));
    let peer = world.users["alice"].client.peer(&db, bob).unwrap().unwrap();
    assert!(matches!(peer.trust, crate::Trust::Changed { .. }));
    assert!(peer.identity == Some(world.users["bob"].client.identity()));
    world.command("alice", Command::SetVerified { account: bob, verified: true });
    world.send("bob", "alice", "new phone");
    assert_eq!(world.arrived("alice", "bob"), ["!", "new phone"], "the change is in the history");
    let db = world.users["alice"].db.clone();
    let peer = world.users["alice"].client.peer(&db, bob).unwrap().unwrap();
    assert!(peer.trust == crate::Trust::Verified, "and nothing changed again");
    world.assert_at_rest();
}

#[test]
fn a_contact_who_begins_anew_and_writes_first_is_noticed_too() {
    let mut world = pair();
    world.join("bob");
    world.register("bob");
    world.befriend("bob", "alice");
    world.take_events("alice");
    world.send("bob", "alice", "new phone");
    assert_eq!(world.arrived("alice", "bob"), ["!", "new phone"], "the change is in the history");
    assert_eq!(world.count("alice", |event| matches!(event, Event::IdentityChanged(_))), 1);
    world.send("alice", "bob", "fine");
    assert_eq!(world.arrived("bob", "alice"), ["fine"]);
}

#[test]
fn a_mismatch_that_never_ends_does() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let mismatch = || Reject::new(RejectCode::DeviceMismatch, "always");
    world.relay.refuse.extend((0..1000).map(|_| mismatch()));
    world.send("alice", "bob", "never");
    assert_eq!(world.written("alice", "bob"), ["never ✗"]);
    assert!(world.relay.sends.len() < 20);
    assert_eq!(world.users["alice"].client.outbox_len(), 0);
}

#[test]
fn what_is_refused_for_now_goes_later_in_order_and_unchanged() {
    for code in [RejectCode::MailboxFull, RejectCode::StorageFull, RejectCode::RateLimited] {
        let mut world = pair();
        world.relay.refuse.extend((0..3).map(|_| Reject::later(code, "later", 5_000)));
        for text in ["one", "two", "three"] {
            world.write("alice", "bob", text);
        }
        world.settle();
        world.send("alice", "bob", "four");
        assert_eq!(world.arrived("bob", "alice"), ["zero"], "nothing overtakes");
        world.advance(4_900);
        assert_eq!(world.arrived("bob", "alice"), ["zero"], "not before its time");
        world.advance(200);
        assert_eq!(world.arrived("bob", "alice"), ["zero", "one", "two", "three", "four"]);
        for send in &world.relay.sends {
            let first = world.relay.sends.iter().find(|other| other.id == send.id);
            assert_eq!(first, Some(send), "encrypted once");
        }
        world.assert_at_rest();
    }
}

#[test]
fn a_message_that_falls_behind_is_missed_and_then_there() {
    let mut world = pair();
    world.relay.refuse.push_back(Reject::later(RejectCode::MailboxFull, "later", 5_000));
    for text in ["one", "two", "three"] {
        world.write("alice", "bob", text);
    }
    world.settle();
    assert_eq!(world.arrived("bob", "alice"), ["zero", "two", "three"]);
    assert_eq!(world.count("bob", |event| matches!(event, Event::Gap { missing: 1, .. })), 1);
    world.advance(6_000);
    assert_eq!(world.arrived("bob", "alice"), ["zero", "two", "three", "one"]);
    assert_eq!(world.count("bob", |event| matches!(event, Event::Gap { .. })), 1);
}

#[test]
fn an_account_that_is_gone_fails_its_messages_only() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world.send("alice", "carol", "before");
    world.offline("carol");
    let carol = world.account("carol");
    world.relay.devices.retain(|address, _| address.account != carol);
    world.write("alice", "carol", "after");
    world.write("alice", "bob", "to bob");
    world.settle();
    assert_eq!(world.written("alice", "carol"), ["before ✓✓", "after ✗"]);
    assert_eq!(world.written("alice", "bob"), ["to bob ✓✓"]);
}

#[test]
fn an_expired_message_failed_unless_it_arrived() {
    let mut world = pair();
    world.offline("bob");
    world.send("alice", "bob", "old");
    let (alice, bob) =
        (world.users["alice"].client.address().unwrap(), world.users["bob"].client.address().unwrap());
    let ids: Vec<_> = world.history("alice", "bob").iter().map(|message| message.key.id).collect();
    let receipt = |expired| {
        Item::Receipt(Receipt { by: bob, sent_by: DeviceId::PRIMARY, ids: ids.clone(), at_ms: 0, expired })
    };
    world.relay.put(alice, receipt(true));
    world.settle();
    assert_eq!(world.written("alice", "bob"), ["zero ✓✓", "old ✗"], "the delivered one stays delivered");
    world.relay.put(alice, receipt(false));
    world.settle();
    assert_eq!(world.written("alice", "bob"), ["zero ✓✓", "old ✓✓"]);
}

#[test]
fn entries_come_twice_and_count_once() {
    let mut world = pair();
    world.offline("bob");
    world.send("alice", "bob", "one");
    world.send("alice", "bob", "two");
    world.online("bob");
    let bob = world.users["bob"].client.address().unwrap();
    let again: Vec<_> = world.relay.devices[&bob].mailbox.clone().into_iter().collect();
    assert!(again.is_empty(), "the relay may delete them");
    assert_eq!(world.arrived("bob", "alice"), ["zero", "one", "two"]);
    // The same frame once more, out of nowhere.
    world.input("bob", Input::Tick);
    world.settle();
    assert_eq!(world.arrived("bob", "alice"), ["zero", "one", "two"]);
}

#[test]
fn an_undecryptable_entry_earns_no_receipt_even_across_a_lost_connection() {
    let mut world = pair();
    world.offline("bob");
    world.write("alice", "bob", "garbled");
    world.settle();
    let bob = world.users["bob"].client.address().unwrap();
    for item in world.relay.devices.get_mut(&bob).unwrap().mailbox.values_mut() {
        if let Item::Envelope(envelope) = item {
            envelope.ciphertext = spoilt(&envelope.ciphertext);
        }
    }
    // The connection is lost before the acknowledgement arrives.
    world.command("bob", Command::GoOnline);
    for _ in 0..3 {
        world.flow_up();
        if world.has_input("bob") {
            world.next("bob");
        }
    }
    assert_eq!(world.arrived("bob", "alice"), ["zero", "…"]);
    world.cut("bob");
    world.offline("alice");
    world.online("bob");
    assert_eq!(world.written("alice", "bob"), ["zero ✓✓", "garbled ✓"]);
    let alice = world.users["alice"].client.address().unwrap();
    let receipts =
        world.relay.devices[&alice].mailbox.values().filter(|item| matches!(item, Item::Receipt(_)));
    assert_eq!(receipts.count(), 0);
    world.online("alice");
    assert_eq!(world.arrived("bob", "alice"), ["zero", "garbled"]);
    assert_eq!(world.written("alice", "bob"), ["zero ✓✓", "garbled ✓✓"]);
    world.assert_at_rest();
}

#[test]
fn nothing_overtakes_a_message_whose_answer_is_still_to_come() {
    let mut world = pair();
    world.relay.mute = true;
    let texts = ["one", "two", "three"].map(|text| {
        world.write("alice", "bob", text);
        if text == "two" {
            refuse_as_extra(&mut world, 1);
        }
        world.history("alice", "bob").last().unwrap().key.id
    });
    let flown = |world: &mut World| -> Vec<_> {
        let frames = std::mem::take(&mut world.user("alice").up);
        frames.into_iter().flat_map(|frame| frame.sends).map(|send| send.id).collect()
    };
    assert_eq!(flown(&mut world), [texts[0], texts[1], texts[0]], "the third waits for the second");
    refuse_as_extra(&mut world, 2);
    assert_eq!(flown(&mut world), [texts[1], texts[2]]);
}

/// Tells alice that her message at this place was encrypted for one device too many.
fn refuse_as_extra(world: &mut World, at: usize) {
    let id = world.history("alice", "bob")[at].key.id;
    let mismatch =
        DeviceMismatch { extra: vec![DeviceId::new(9).unwrap()], missing: Vec::new(), stale: Vec::new() };
    let reject = Reject::new(RejectCode::DeviceMismatch, "devices");
    let refused = vec![Refused { id, reject, mismatch, group: None, files_gone: Vec::new() }];
    world.input("alice", Input::Frame(ServerFrame { refused, ..ServerFrame::default() }));
}
