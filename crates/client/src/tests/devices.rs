//! Accounts with several devices.

use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::devices::{DeviceList, HistoryRange, LinkCode, SignedDeviceList};
use waxwing_wire::{DeviceAddress, DeviceId, Reject, RejectCode};

use super::renewal::spoil_mailbox;
use super::world::World;
use crate::limits::{LINK_LIFE_MS, LIST_AGE_MS};
use crate::{Body, Command, CommandId, Delivery, Direction, Event, Failure, Key, Write};

const DAY_MS: u64 = 86_400_000;

/// Alice with a second device, and Bob; they know each other and have written once each.
pub fn linked() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "a0");
    world.send("bob", "alice", "b0");
    world.link("alice2", "alice", HistoryRange::All);
    world
}

fn number(n: u8) -> DeviceId {
    DeviceId::new(n).unwrap()
}

fn address(world: &World, name: &str) -> DeviceAddress {
    world.users[name].client.address().unwrap()
}

/// The conversation as a device has it, oldest first.
fn all(world: &World, name: &str, with: &str) -> Vec<String> {
    let messages = world.history(name, with).into_iter();
    messages.map(|message| super::world::words(&message.body)).collect()
}

fn failure(world: &mut World, name: &'static str, id: CommandId) -> Option<Failure> {
    world.take_events(name).into_iter().find_map(|event| match event {
        Event::Failed { command, failure } if command == id => Some(failure),
        _ => None,
    })
}

#[test]
fn a_linked_device_has_the_account_and_its_past() {
    let world = linked();
    assert_eq!(address(&world, "alice2").account, address(&world, "alice").account);
    assert_eq!(address(&world, "alice2").device, number(2));
    assert_eq!(world.users["alice2"].client.username().unwrap().as_str(), "alice");
    assert_eq!(all(&world, "alice2", "bob"), ["a0", "b0"]);
    assert_eq!(world.written("alice2", "bob"), ["a0 ✓✓"]);
    for name in ["alice", "alice2"] {
        let user = &world.users[name];
        let devices = user.client.devices(&user.db).unwrap();
        let named: Vec<_> = devices.iter().map(|d| (d.device.number(), d.this, d.name.as_str())).collect();
        assert_eq!(named, [(1, name == "alice", ""), (2, name == "alice2", "alice2")], "{name}");
        let peers = user.client.peers(&user.db).unwrap();
        assert_eq!(peers.len(), 1);
        assert_eq!(peers[0].username.as_ref().unwrap().as_str(), "bob");
    }
    let safety = |name: &str, of: &str| {
        let user = &world.users[name];
        user.client.safety_number(&user.db, world.account(of)).unwrap().unwrap()
    };
    assert_eq!(safety("alice", "bob"), safety("bob", "alice"));
    assert_eq!(safety("alice2", "bob"), safety("alice", "bob"), "the account's number, on every device");
    world.assert_at_rest();
}

/// The primary once took its own new list for one that a restored server had forgotten, and signed another,
/// which made the approval of the next device worthless.
#[test]
fn linking_takes_one_list_each() {
    let mut world = linked();
    world.link("alice3", "alice", HistoryRange::None);
    let account = address(&world, "alice").account;
    assert_eq!(world.relay.lists[&account].decode_list().unwrap().version, 3);
    world.assert_at_rest();
}

#[test]
fn the_archive_reports_its_progress() {
    let world = linked();
    let ends = |name: &str, from_here: bool| {
        world.count(name, |event| {
            matches!(event, Event::Archive { sending, messages: 2, total: 2, done: true, .. }
                if *sending == from_here)
        })
    };
    assert_eq!((ends("alice", true), ends("alice2", false)), (1, 1));
}

#[test]
fn three_devices_agree() {
    let mut world = linked();
    world.link("alice3", "alice", HistoryRange::All);
    world.take_events("bob");
    world.send("alice", "bob", "from the first");
    world.send("alice2", "bob", "from the second");
    world.send("bob", "alice", "to all");
    world.send("alice3", "bob", "from the third");
    let expected = ["a0", "b0", "from the first", "from the second", "to all", "from the third"];
    for name in ["alice", "alice2", "alice3", "bob"] {
        let with = if name == "bob" { "alice" } else { "bob" };
        assert_eq!(all(&world, name, with), expected, "{name}");
        assert_eq!(world.count(name, |event| matches!(event, Event::Gap { .. })), 0, "{name}");
    }
    assert_eq!(world.count("bob", |event| matches!(event, Event::IdentityChanged(_))), 0, "they are signed");
    let ticks = ["a0 ✓✓", "from the first ✓✓", "from the second ✓✓", "from the third ✓✓"];
    for name in ["alice", "alice2", "alice3"] {
        assert_eq!(world.written(name, "bob"), ticks, "{name}");
    }
    world.read_all("bob", "alice");
    let ticks = ["a0 ✓✓✓", "from the first ✓✓✓", "from the second ✓✓✓", "from the third ✓✓✓"];
    for name in ["alice", "alice2", "alice3"] {
        assert_eq!(world.written(name, "bob"), ticks, "{name}");
    }
    world.assert_at_rest();
}

#[test]
fn what_is_read_on_one_device_is_read_on_all() {
    let mut world = linked();
    world.send("bob", "alice", "seen once");
    world.read_all("alice2", "bob");
    for name in ["alice", "alice2"] {
        let unread = world.history(name, "bob").into_iter();
        let unread = unread.filter(|m| m.direction == Direction::Incoming && m.delivery != Delivery::Read);
        assert_eq!(unread.count(), 0, "{name}");
    }
    assert_eq!(world.written("bob", "alice"), ["b0 ✓✓✓", "seen once ✓✓✓"]);
    world.assert_at_rest();
}

#[test]
fn what_is_lost_on_one_device_is_not_read_on_another_for_it() {
    let mut world = linked();
    world.offline("alice2");
    world.send("bob", "alice", "for one only");
    spoil_mailbox(&mut world, "alice2");
    // Nobody sends it again: it is given up there.
    let id = world.history("bob", "alice").last().unwrap().key.id;
    world.user("bob").db.apply(&vec![Write::Row(Key::Sent(id), None)]);
    world.online("alice2");
    world.pass_days(30);
    let last = world.history("alice2", "bob").pop().unwrap();
    assert!(last.body == Body::Lost);
    world.read_all("alice2", "bob");
    let here = |world: &World| world.history("alice", "bob").into_iter().find(|m| m.key == last.key).unwrap();
    assert_eq!(here(&world).delivery, Delivery::Delivered, "nobody has seen it yet");
    world.read_all("alice", "bob");
    assert_eq!(world.written("bob", "alice").last().unwrap(), "for one only ✓✓✓");
}

#[test]
fn ticks_that_come_before_their_message_hold() {
    let mut world = linked();
    world.offline("alice2");
    // The second device hears of the read before it hears of the message: the first is away when it would tell.
    world.write("alice", "bob", "early bird");
    world.cut("alice");
    world.online("alice2");
    world.read_all("bob", "alice");
    world.online("alice");
    world.read_all("bob", "alice");
    assert_eq!(world.written("alice2", "bob").last().unwrap(), "early bird ✓✓✓");
    assert_eq!(world.written("alice", "bob").last().unwrap(), "early bird ✓✓✓");
    world.assert_at_rest();
}

#[test]
fn what_was_said_while_a_device_was_away_waits_for_it() {
    let mut world = linked();
    world.offline("alice2");
    for n in 0..20 {
        world.send(
            if n % 2 == 0 { "alice" } else { "bob" },
            if n % 2 == 0 { "bob" } else { "alice" },
            &n.to_string(),
        );
    }
    world.read_all("bob", "alice");
    world.online("alice2");
    assert_eq!(all(&world, "alice2", "bob"), all(&world, "alice", "bob"));
    assert_eq!(world.written("alice2", "bob"), world.written("alice", "bob"));
    world.assert_at_rest();
}

#[test]
fn a_message_that_fails_fails_on_all_devices() {
    let mut world = linked();
    world.relay.refuse.push_back(Reject::new(RejectCode::UnknownAccount, "gone"));
    world.send("alice2", "bob", "never");
    for name in ["alice", "alice2"] {
        assert_eq!(world.written(name, "bob").last().unwrap(), "never ✗", "{name}");
    }
}

#[test]
fn a_removed_device_is_cut_off_and_nothing_is_encrypted_for_it() {
    let mut world = linked();
    world.link("alice3", "alice", HistoryRange::None);
    world.take_events("alice3");
    world.command("alice2", Command::RemoveDevice { device: number(3) });
    world.settle();
    assert_eq!(world.count("alice3", |event| matches!(event, Event::Removed)), 1);
    world.send("bob", "alice", "without it");
    assert_eq!(world.relay.sends.iter().rfind(|send| !send.silent).unwrap().copies.len(), 2);
    let list = world.relay.lists[&world.account("alice")].decode_list().unwrap();
    assert!(list.find(number(3)).is_none() && list.next == 4, "the primary has signed a list without it");
    for name in ["alice", "alice2"] {
        let user = &world.users[name];
        assert_eq!(user.client.devices(&user.db).unwrap().len(), 2, "{name}");
    }
    // Its number is not given twice.
    world.link("alice4", "alice", HistoryRange::None);
    assert_eq!(address(&world, "alice4").device, number(4));
    world.assert_at_rest_but(&["alice3"]);
}

#[test]
fn a_device_removed_while_the_primary_was_away_is_unlisted_later() {
    let mut world = linked();
    world.link("alice3", "alice", HistoryRange::None);
    world.offline("alice");
    world.command("alice2", Command::RemoveDevice { device: number(3) });
    world.settle();
    world.send("bob", "alice", "without it");
    world.online("alice");
    let list = world.relay.lists[&world.account("alice")].decode_list().unwrap();
    assert!(list.find(number(3)).is_none());
    world.send("bob", "alice", "after that");
    assert_eq!(world.arrived("alice2", "bob"), ["b0", "without it", "after that"]);
    world.assert_at_rest_but(&["alice3"]);
}

#[test]
fn the_primary_cannot_be_removed_and_only_it_approves() {
    let mut world = linked();
    let id = world.command("alice2", Command::RemoveDevice { device: number(1) });
    assert!(matches!(failure(&mut world, "alice2", id), Some(Failure::Rejected(_))));
    let id = world.command("alice2", Command::RemoveDevice { device: number(9) });
    assert_eq!(failure(&mut world, "alice2", id), Some(Failure::UnknownDevice));
    let code = LinkCode { secret: [1; 15], identity: None };
    let approve = Command::ApproveLink { code, history: HistoryRange::None };
    let id = world.command("alice2", approve.clone());
    assert_eq!(failure(&mut world, "alice2", id), Some(Failure::NotPrimary));
    let id = world.command("alice", approve);
    world.settle();
    assert_eq!(failure(&mut world, "alice", id), Some(Failure::UnknownCode));
}

#[test]
fn a_false_offer_is_not_approved() {
    let mut world = linked();
    let code = world.offer("alice3");
    // Somebody who has seen the reference, not the secret, puts another device there.
    let lie = waxwing_wire::devices::LinkOffer {
        identity: world.users["bob"].client.identity(),
        registration_id: 5,
        name: waxwing_wire::Bytes::new(),
        mac: [0; 32],
    };
    world.relay.false_offer = Some(lie.encode());
    let id = world.command("alice", Command::ApproveLink { code: code.clone(), history: HistoryRange::All });
    world.settle();
    assert_eq!(failure(&mut world, "alice", id), Some(Failure::FalseCode));
    world.relay.false_offer = None;
    // A scanned code names the device's key, and another one does not pass.
    let scanned = LinkCode { secret: code.secret, identity: Some(world.users["bob"].client.identity()) };
    let id = world.command("alice", Command::ApproveLink { code: scanned, history: HistoryRange::All });
    world.settle();
    assert_eq!(failure(&mut world, "alice", id), Some(Failure::FalseCode));
    assert!(world.users["alice3"].client.address().is_none());
    let identity = Some(world.users["alice3"].client.identity());
    let scanned = LinkCode { secret: code.secret, identity };
    world.command("alice", Command::ApproveLink { code: scanned, history: HistoryRange::All });
    world.settle();
    assert!(world.users["alice3"].client.address().is_some());
}

#[test]
fn an_offer_waits_long_and_not_for_ever() {
    let mut world = linked();
    world.join("alice3");
    let id = world.command("alice3", Command::OfferLink { name: "tablet".into() });
    world.advance(LINK_LIFE_MS - 1_000);
    assert_eq!(failure(&mut world, "alice3", id), None, "neither a ping nor a missing answer ends it");
    assert!(world.users["alice3"].connected);
    world.advance(2_000);
    assert!(matches!(failure(&mut world, "alice3", id), Some(Failure::Rejected(_))));
    assert!(!world.users["alice3"].connected);
    let id = world.command("alice3", Command::OfferLink { name: "tablet".into() });
    world.settle();
    world.command("alice3", Command::CancelLink);
    assert!(failure(&mut world, "alice3", id).is_some(), "each command is answered");
    world.user("alice3").reachable = false;
    let id = world.command("alice3", Command::OfferLink { name: "tablet".into() });
    world.settle();
    assert_eq!(failure(&mut world, "alice3", id), Some(Failure::NotConnected));
}

#[test]
fn every_answer_of_the_linking_may_be_lost() {
    let lost: [fn(&RequestBody) -> bool; 3] = [
        |what| matches!(what, RequestBody::OfferLink(..)),
        |what| matches!(what, RequestBody::CompleteLink(_)),
        |what| matches!(what, RequestBody::ApproveLink(_)),
    ];
    for (case, swallow) in lost.into_iter().enumerate() {
        let mut world = linked();
        let code = world.offer("alice3");
        world.relay.swallow = Some(swallow);
        world.command("alice", Command::ApproveLink { code, history: HistoryRange::All });
        if case == 0 {
            world.cut("alice3");
        }
        world.settle();
        world.relay.swallow = None;
        for name in ["alice", "alice3"] {
            world.cut(name);
            world.user(name).reachable = true;
        }
        world.advance(120_000);
        for name in ["alice", "alice3"] {
            world.online(name);
        }
        assert!(world.users["alice3"].client.address().is_some(), "case {case}");
        world.send("bob", "alice", "to three");
        assert_eq!(all(&world, "alice3", "bob"), ["a0", "b0", "to three"], "case {case}");
        let user = &world.users["alice"];
        assert_eq!(user.client.devices(&user.db).unwrap().len(), 3, "case {case}");
        world.assert_at_rest();
    }
}

#[test]
fn a_device_that_was_approved_and_never_came_stands_in_nobodys_way() {
    let mut world = linked();
    let code = world.offer("alice3");
    world.cut("alice3");
    world.command("alice", Command::ApproveLink { code, history: HistoryRange::All });
    world.settle();
    let version = |world: &World| world.relay.lists[&world.account("alice")].decode_list().unwrap().version;
    let before = version(&world);
    let user = &world.users["alice"];
    assert_eq!(user.client.devices(&user.db).unwrap().len(), 2, "it has not come");
    // Somebody else comes in its stead.
    world.link("alice4", "alice", HistoryRange::All);
    assert_eq!(address(&world, "alice4").device, number(3));
    assert!(version(&world) > before + 1, "a version is not signed twice");
    assert_eq!(all(&world, "alice4", "bob"), ["a0", "b0"]);
    // Now it comes, too late.
    world.online("alice3");
    world.advance(120_000);
    assert!(world.users["alice3"].client.address().is_none());
    world.send("alice", "bob", "still works");
    for name in ["alice", "alice2", "alice4"] {
        assert_eq!(all(&world, name, "bob"), ["a0", "b0", "still works"], "{name}");
    }
    world.assert_at_rest();
}

#[test]
fn a_refused_approval_takes_no_history_from_the_device_approved_before() {
    let mut world = World::friends(&["alice", "bob"]);
    world.send("alice", "bob", "a0");
    let (second, third) = (world.offer("alice2"), world.offer("alice3"));
    // The new device is in the account, and has not heard of it: the primary counts on without it.
    world.relay.swallow = Some(|what| matches!(what, RequestBody::CompleteLink(_)));
    world.command("alice", Command::ApproveLink { code: second, history: HistoryRange::All });
    world.settle();
    assert_eq!(world.relay.there(world.account("alice")).len(), 2);
    let id = world.command("alice", Command::ApproveLink { code: third, history: HistoryRange::None });
    world.settle();
    assert!(matches!(failure(&mut world, "alice", id), Some(Failure::Rejected(_))), "its number is taken");
    world.relay.swallow = None;
    world.cut("alice2");
    world.advance(120_000);
    world.online("alice2");
    assert_eq!(all(&world, "alice2", "bob"), ["a0"], "what was planned for it comes");
}

/// Nothing is history that was written when the new device was in the account, whoever knew of it.
#[test]
fn what_is_written_while_a_device_completes_its_link_is_told_to_it() {
    let mut world = World::friends(&["alice", "bob"]);
    let code = world.offer("alice2");
    world.relay.swallow = Some(|what| matches!(what, RequestBody::CompleteLink(_)));
    world.command("alice", Command::ApproveLink { code, history: HistoryRange::None });
    world.settle();
    world.send("alice", "bob", "a0");
    world.relay.swallow = None;
    world.cut("alice2");
    world.advance(120_000);
    world.online("alice2");
    assert_eq!(all(&world, "alice2", "bob"), ["a0"]);
    world.assert_at_rest();
}

#[test]
fn whoever_logs_out_is_told_that_it_is_done() {
    let mut world = linked();
    world.take_events("alice2");
    let id = world.command("alice2", Command::RemoveDevice { device: number(2) });
    world.settle();
    let done = |event: &Event| matches!(event, Event::Done { command, .. } if *command == id);
    assert_eq!(world.count("alice2", done), 1);
    assert_eq!(world.count("alice2", |event| matches!(event, Event::Removed)), 1);
    world.send("bob", "alice", "to one");
    assert_eq!(world.arrived("alice", "bob"), ["b0", "to one"]);
    world.offline("alice");
    world.online("alice");
    assert_eq!(world.relay.lists[&world.account("alice")].decode_list().unwrap().devices.len(), 1);
}

#[test]
fn lists_are_signed_anew_and_expired_ones_leave_the_primary_alone() {
    let mut world = linked();
    let version = |world: &World| world.relay.lists[&world.account("alice")].decode_list().unwrap().version;
    let before = version(&world);
    world.offline("alice2");
    world.pass_days(LIST_AGE_MS / DAY_MS + 1);
    assert!(version(&world) > before, "a list of a week ago is signed anew");
    let before = version(&world);
    world.offline("alice");
    world.offline("bob");
    world.now += 65 * DAY_MS;
    world.online("bob");
    world.send("bob", "alice", "to the primary alone");
    let last = world.relay.sends.iter().rfind(|send| !send.silent).unwrap();
    assert_eq!(last.copies.iter().map(|copy| copy.device).collect::<Vec<_>>(), [DeviceId::PRIMARY]);
    world.online("alice");
    assert!(version(&world) > before, "the primary is back");
    world.online("alice2");
    world.send("bob", "alice", "to both");
    assert_eq!(world.arrived("alice2", "bob").last().unwrap(), "to both");
}

#[test]
fn a_list_that_cannot_be_published_makes_nobody_spin() {
    let mut world = linked();
    world.now += LIST_AGE_MS + 1_000;
    for name in ["alice", "alice2", "bob"] {
        world.cut(name);
    }
    world.relay.swallow = Some(|what| matches!(what, RequestBody::PublishDeviceList(_)));
    world.online("alice");
    let asleep = |world: &World| world.users["alice"].wake.unwrap().0 - world.now;
    assert!(asleep(&world) >= 1_000, "while there is no answer");
    world.relay.swallow = None;
    world.offline("alice");
    world.online("alice");
    let list = world.relay.lists[&world.account("alice")].decode_list().unwrap();
    assert!(world.now - list.issued_at_ms < 60_000, "signed anew");
    assert!(asleep(&world) >= 1_000);
}

fn signed_by(world: &mut World, name: &str, list: &DeviceList) -> SignedDeviceList {
    let list = list.encode();
    let user = world.user(name);
    let signature = user.client.keys.identity.sign(&SignedDeviceList::signed_bytes(&list), &mut user.rng);
    SignedDeviceList { list, signature }
}

#[test]
fn forged_and_rolled_back_lists_are_refused() {
    let mut world = linked();
    world.link("mallory", "bob", HistoryRange::None);
    let alice = world.account("alice");
    let genuine = world.relay.lists[&alice].clone();
    let former = world.relay.lists[&alice].decode_list().unwrap();
    world.send("bob", "alice", "known");
    // With a device more, signed by nobody; by a companion; with its signature and without its own consent.
    let mut forged = genuine.decode_list().unwrap();
    forged.version += 1;
    forged.devices.push(waxwing_wire::devices::ListedDevice {
        device: number(3),
        registration_id: 7,
        identity: world.users["mallory"].client.identity(),
    });
    forged.next = 4;
    let ghost = DeviceAddress { account: alice, device: number(3) };
    world.relay.ghosts.insert(ghost, 7);
    let unsigned = SignedDeviceList { list: forged.encode(), signature: genuine.signature };
    let by_companion = signed_by(&mut world, "alice2", &forged);
    let unwilling = signed_by(&mut world, "alice", &forged);
    for (case, lie) in [unsigned, by_companion, unwilling].into_iter().enumerate() {
        world.relay.false_lists.insert(alice, lie);
        world.write("bob", "alice", "secret");
        world.settle();
        let seen = world.relay.sends.iter().flat_map(|send| &send.copies);
        assert_eq!(seen.filter(|copy| copy.device == number(3)).count(), 0, "case {case}");
        world.advance(600_000);
    }
    assert_eq!(world.count("bob", |event| matches!(event, Event::IdentityChanged(_))), 0);
    world.relay.ghosts.clear();
    world.relay.false_lists.clear();
    // An older list, in which a removed device is still named.
    world.command("alice", Command::RemoveDevice { device: number(2) });
    world.settle();
    world.send("bob", "alice", "learns of it");
    let old = signed_by(&mut world, "alice", &former);
    world.relay.false_lists.insert(alice, old);
    world.relay.ghosts.insert(DeviceAddress { account: alice, device: number(2) }, 9);
    let sends = world.relay.sends.len();
    world.write("bob", "alice", "not for the second");
    world.settle();
    let seen = world.relay.sends[sends..].iter().flat_map(|send| &send.copies);
    assert_eq!(seen.filter(|copy| copy.device == number(2)).count(), 0);
}

#[test]
fn a_mismatch_is_mended_silently_and_takes_one_bundle() {
    let mut world = linked();
    world.send("bob", "alice", "to two");
    world.link("alice3", "alice", HistoryRange::None);
    world.take_events("bob");
    let (fetches, events) = (world.relay.fetches, |world: &World| {
        world.count("bob", |event| matches!(event, Event::IdentityChanged(_) | Event::Failed { .. }))
    });
    for n in 0..30 {
        world.write("bob", "alice", &n.to_string());
    }
    world.settle();
    assert_eq!(world.relay.fetches, fetches + 1, "for the device that lacked a session");
    assert_eq!(events(&world), 0);
    let numbers: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    assert_eq!(world.arrived("alice3", "bob"), numbers);
    assert_eq!(world.arrived("alice2", "bob")[2..], numbers);
    assert_eq!(world.count("alice2", |event| matches!(event, Event::Gap { .. })), 0);
    world.assert_at_rest();
}

#[test]
fn a_device_that_is_not_proven_yet_is_heard_once_it_is() {
    let mut world = linked();
    world.offline("bob");
    world.link("alice3", "alice", HistoryRange::None);
    world.send("alice3", "bob", "from a device that bob has not heard of");
    world.user("bob").reachable = true;
    world.command("bob", Command::GoOnline);
    world.settle();
    assert_eq!(world.arrived("bob", "alice").last().unwrap(), "from a device that bob has not heard of");
    assert_eq!(world.written("alice3", "bob"), ["from a device that bob has not heard of ✓✓"]);
    assert_eq!(world.count("bob", |event| matches!(event, Event::IdentityChanged(_))), 0);
    world.assert_at_rest();
}

#[test]
fn a_device_that_no_list_names_is_not_heard() {
    let mut world = World::with(&["alice", "bob", "mallory"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "a0");
    world.befriend("mallory", "bob");
    // The server passes mallory's device off as one of alice's.
    let (alice, bob) = (world.account("alice"), address(&world, "bob"));
    world.offline("bob");
    world.send("mallory", "bob", "this is alice");
    for item in world.relay.devices.get_mut(&bob).unwrap().mailbox.values_mut() {
        if let waxwing_wire::server_frame::Item::Envelope(envelope) = item {
            envelope.from = DeviceAddress { account: alice, device: number(2) };
        }
    }
    world.online("bob");
    world.pass_days(14);
    assert!(!world.arrived("bob", "alice").iter().any(|text| text == "this is alice"));
}

#[test]
fn texts_too_large_for_one_frame_go_in_parts() {
    let mut world = linked();
    for name in ["alice3", "alice4", "alice5", "alice6"] {
        world.link(name, "alice", HistoryRange::None);
    }
    let long = "€".repeat(5_400);
    world.take_events("bob");
    // The second one does not overtake the parts of the first.
    world.write("bob", "alice", &long);
    world.write("bob", "alice", "short");
    world.settle();
    for name in ["alice", "alice2", "alice3", "alice6"] {
        let arrived = world.arrived(name, "bob");
        assert_eq!(arrived[arrived.len() - 2..], [long.clone(), "short".into()], "{name}");
    }
    let id = world.history("bob", "alice").into_iter().rev().nth(1).unwrap().key.id;
    let parts = world.relay.sends.iter().filter(|send| send.id == id);
    let parts: Vec<_> = parts.filter(|send| send.copies.len() + send.others.len() == 6).collect();
    assert!(parts.len() >= 2, "the whole account is named in each part");
    assert_eq!(parts.iter().map(|send| send.copies.len()).sum::<usize>(), 6, "and has one copy each");
    assert_eq!(world.written("bob", "alice")[1..], [format!("{long} ✓✓"), "short ✓✓".into()]);
    // And to the other devices of the own account.
    world.send("alice", "bob", &long);
    for name in ["alice2", "alice6"] {
        assert_eq!(world.written(name, "bob").last().unwrap(), &format!("{long} ✓✓"), "{name}");
    }
    world.assert_at_rest();
}

#[test]
fn parts_survive_lost_connections() {
    let mut world = linked();
    for name in ["alice3", "alice4", "alice5"] {
        world.link(name, "alice", HistoryRange::None);
    }
    let long = "€".repeat(5_400);
    world.write("bob", "alice", &long);
    for _ in 0..12 {
        world.flow_up();
        world.cut("bob");
        world.user("bob").reachable = true;
        world.online("bob");
    }
    world.settle();
    for name in ["alice", "alice2", "alice5"] {
        assert_eq!(world.arrived(name, "bob").iter().filter(|text| **text == long).count(), 1, "{name}");
    }
    world.assert_at_rest();
}

#[test]
fn what_one_device_cannot_read_is_sent_to_it_again() {
    let mut world = linked();
    world.offline("alice2");
    world.relay.spoils = Some(address(&world, "bob"));
    world.send("bob", "alice", "spoilt");
    world.relay.spoils = None;
    world.send("bob", "alice", "sound");
    world.online("alice2");
    world.advance(120_000);
    for name in ["alice", "alice2"] {
        assert_eq!(all(&world, name, "bob"), ["a0", "b0", "spoilt", "sound"], "{name}");
    }
    assert_eq!(world.written("bob", "alice"), ["b0 ✓✓", "spoilt ✓✓", "sound ✓✓"]);
    world.assert_at_rest();
}

#[test]
fn what_own_devices_cannot_read_of_each_other_comes_again() {
    let mut world = linked();
    world.relay.spoils = Some(address(&world, "alice"));
    world.send("alice", "bob", "spoilt for all");
    world.relay.spoils = None;
    world.advance(60_000);
    assert_eq!(world.written("alice2", "bob"), ["a0 ✓✓", "spoilt for all ✓✓"]);
    assert_eq!(world.arrived("bob", "alice"), ["a0", "spoilt for all"]);
    world.read_all("bob", "alice");
    assert_eq!(world.written("alice2", "bob").last().unwrap(), "spoilt for all ✓✓✓");
    world.assert_at_rest();
}

#[test]
fn a_new_device_can_be_used_while_its_history_comes() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let long = "x".repeat(2_000);
    for n in 0..120 {
        world.write("alice", "bob", &format!("{n} {long}"));
    }
    world.settle();
    let code = world.offer("alice2");
    world.command("alice", Command::ApproveLink { code, history: HistoryRange::All });
    for _ in 0..200 {
        world.flow_step();
        if world.users["alice2"].db.messages().count() > 0 {
            break;
        }
    }
    let so_far = world.users["alice2"].db.messages().count();
    assert!((1..120).contains(&so_far), "{so_far} have come");
    world.write("alice2", "bob", "already here");
    world.write("bob", "alice", "meanwhile");
    // In the middle of it the primary's process ends.
    world.reopen("alice");
    world.online("alice");
    world.settle();
    let texts = all(&world, "alice2", "bob");
    assert_eq!(texts.len(), 122);
    let numbers: Vec<String> = (0..120).map(|n| format!("{n} {long}")).collect();
    assert_eq!(texts[..120], numbers, "in their order, below what came meanwhile");
    assert_eq!(world.arrived("bob", "alice").len(), 121);
    world.assert_at_rest();
}

#[test]
fn parts_of_a_history_that_cannot_be_read_come_again() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    for n in 0..700 {
        world.write("alice", "bob", &n.to_string());
    }
    world.settle();
    let code = world.offer("alice2");
    world.command("alice", Command::ApproveLink { code, history: HistoryRange::All });
    let alice = address(&world, "alice");
    for round in 0..60 {
        world.relay.spoils = (round % 3 == 0).then_some(alice);
        world.flow_step();
    }
    world.relay.spoils = None;
    world.settle();
    world.advance(3_600_000);
    let numbers: Vec<String> = (0..700).map(|n| n.to_string()).collect();
    assert_eq!(all(&world, "alice2", "bob"), numbers);
    world.assert_at_rest();
}

#[test]
fn a_range_of_the_past_is_kept_to() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "long ago");
    world.pass_days(40);
    world.send("alice", "bob", "lately");
    world.link("alice2", "alice", HistoryRange::Month);
    world.link("alice3", "alice", HistoryRange::None);
    assert_eq!(all(&world, "alice2", "bob"), ["lately"]);
    assert_eq!(all(&world, "alice3", "bob"), [""; 0]);
    assert_eq!(world.users["alice3"].client.peers(&world.users["alice3"].db).unwrap().len(), 1);
}

#[test]
fn restored_copies_of_companion_and_primary_lose_and_double_nothing() {
    for name in ["alice2", "alice"] {
        let mut world = linked();
        world.send(name, "bob", "before the copy");
        let copy = world.users[name].db.clone();
        world.send(name, "bob", "after the copy");
        world.send("bob", "alice", "answer");
        world.restore(name, &copy);
        world.online(name);
        assert_eq!(world.count(name, |event| matches!(event, Event::RestoredCopy)), 1, "{name}");
        world.send(name, "bob", "from the copy");
        world.send("bob", "alice", "to the copy");
        world.advance(60_000);
        assert_eq!(
            world.arrived("bob", "alice"),
            ["a0", "before the copy", "after the copy", "from the copy"],
            "{name}"
        );
        assert_eq!(world.arrived(name, "bob").last().unwrap(), "to the copy", "{name}");
        let other = if name == "alice" { "alice2" } else { "alice" };
        let expected =
            ["a0", "b0", "before the copy", "after the copy", "answer", "from the copy", "to the copy"];
        assert_eq!(all(&world, other, "bob"), expected, "{name}");
        world.assert_at_rest();
    }
}

#[test]
fn last_seen_and_place_are_shown_when_asked_for() {
    let mut world = linked();
    world.take_events("alice2");
    world.command("alice2", Command::RefreshDevices);
    world.settle();
    let told = world.take_events("alice2").into_iter().find_map(|event| match event {
        Event::Devices(devices) => Some(devices),
        _ => None,
    });
    let told = told.unwrap();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|device| device.last_seen_ms == 3_600_000 && device.place == "192.0.2.1"));
    world.command("alice2", Command::RenameDevice { device: number(1), name: "telephone".into() });
    world.settle();
    let user = &world.users["alice"];
    assert_eq!(user.client.devices(&user.db).unwrap()[0].name, "telephone");
}
