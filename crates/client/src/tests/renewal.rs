//! Broken sessions, restored copies, used-up prekeys: what mends itself.

use waxwing_wire::server_frame::Item;
use waxwing_wire::{DeviceAddress, RejectCode};

use super::relay::spoilt;
use super::world::{Crash, World};
use crate::limits::{KYBER_PREKEYS, OLD_PREKEY_KEPT_MS, ONE_TIME_PREKEYS, SIGNED_PREKEY_AGE_MS};
use crate::{Command, ConnectionState, Event, Key, Table, Write};

const DAY_MS: u64 = 86_400_000;

fn talking() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.send("alice", "bob", "a0");
    world.send("bob", "alice", "b0");
    world.send("alice", "bob", "a1");
    world
}

fn address(world: &World, name: &str) -> DeviceAddress {
    world.users[name].client.address().unwrap()
}

/// Spoils what waits for somebody.
pub fn spoil_mailbox(world: &mut World, name: &str) {
    let own = address(world, name);
    for item in world.relay.devices.get_mut(&own).unwrap().mailbox.values_mut() {
        if let Item::Envelope(envelope) = item {
            envelope.ciphertext = spoilt(&envelope.ciphertext);
        }
    }
}

fn restored(world: &World, name: &str) -> usize {
    world.count(name, |event| matches!(event, Event::RestoredCopy))
}

fn gaps(world: &World, name: &str) -> usize {
    world.count(name, |event| matches!(event, Event::Gap { .. }))
}

#[test]
fn a_spoilt_message_waits_and_is_filled_in_its_place() {
    let mut world = talking();
    world.offline("bob");
    world.send("alice", "bob", "spoilt");
    spoil_mailbox(&mut world, "bob");
    world.send("alice", "bob", "sound");
    world.offline("alice");
    world.online("bob");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "…", "sound"]);
    assert_eq!(world.written("alice", "bob"), ["a0 ✓✓", "a1 ✓✓", "spoilt ✓", "sound ✓"]);
    let orders: Vec<_> = world.history("bob", "alice").iter().map(|message| message.order).collect();
    world.online("alice");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "spoilt", "sound"]);
    let after: Vec<_> = world.history("bob", "alice").iter().map(|message| message.order).collect();
    assert_eq!(orders, after);
    assert_eq!(world.count("bob", |event| matches!(event, Event::MessageFilled(_))), 1);
    assert_eq!(gaps(&world, "bob"), 0, "a placeholder is no gap");
    assert!(world.written("alice", "bob").iter().all(|line| line.ends_with("✓✓")));
    assert_eq!(world.users["bob"].db.count(Table::Retry), 0);
    world.assert_at_rest();
}

#[test]
fn a_lost_session_is_renewed_from_either_side() {
    for loser in ["alice", "bob"] {
        let mut world = talking();
        let peer = if loser == "alice" { "bob" } else { "alice" };
        let session = Key::Session(address(&world, peer));
        world.user(loser).db.apply(&vec![Write::Row(session, None)]);
        for n in 2..6 {
            world.send("alice", "bob", &format!("a{n}"));
            world.send("bob", "alice", &format!("b{n}"));
            world.advance(20_000);
        }
        assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "a2", "a3", "a4", "a5"], "{loser} lost it");
        assert_eq!(world.arrived("alice", "bob"), ["b0", "b2", "b3", "b4", "b5"], "{loser} lost it");
        assert_eq!(gaps(&world, "alice") + gaps(&world, "bob"), 0);
        world.assert_at_rest();
    }
}

#[test]
fn a_burst_into_a_lost_session_costs_one_renewal() {
    let mut world = talking();
    world.offline("bob");
    for n in 2..50 {
        world.write("alice", "bob", &format!("a{n}"));
    }
    world.settle();
    let session = Key::Session(address(&world, "alice"));
    world.user("bob").db.apply(&vec![Write::Row(session, None)]);
    let fetches = world.relay.fetches;
    world.online("bob");
    assert_eq!(world.arrived("bob", "alice"), (0..50).map(|n| format!("a{n}")).collect::<Vec<_>>());
    assert_eq!(world.relay.fetches - fetches, 1);
    world.assert_at_rest();
}

#[test]
fn what_nobody_has_any_more_is_lost_visibly_in_the_end() {
    let mut world = talking();
    world.offline("bob");
    world.send("alice", "bob", "spoilt");
    spoil_mailbox(&mut world, "bob");
    let id = world.history("alice", "bob").last().unwrap().key.id;
    world.user("alice").db.apply(&vec![Write::Row(Key::Sent(id), None)]);
    world.online("bob");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "…"]);
    let before = world.relay.sends.len();
    world.pass_days(30);
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "∅"]);
    assert_eq!(world.relay.sends.len() - before, 4, "asked five times in all");
    assert_eq!(world.users["bob"].db.count(Table::Retry), 0);
    world.send("alice", "bob", "life goes on");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "∅", "life goes on"]);
}

#[test]
fn a_line_that_spoils_everything_ends_in_a_bounded_number_of_tries() {
    let mut world = talking();
    world.relay.spoils = Some(address(&world, "alice"));
    let (sends, fetches) = (world.relay.sends.len(), world.relay.fetches);
    world.send("alice", "bob", "never");
    world.advance(300_000);
    world.pass_days(40);
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "∅"]);
    assert!(world.relay.sends.len() - sends < 30, "{} sends", world.relay.sends.len() - sends);
    assert!(world.relay.fetches - fetches < 10);
    world.relay.spoils = None;
    world.send("alice", "bob", "at last");
    world.advance(DAY_MS);
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "∅", "at last"]);
    world.assert_at_rest();
}

#[test]
fn a_spoilt_read_receipt_arrives_all_the_same() {
    let mut world = talking();
    world.offline("alice");
    world.read_all("bob", "alice");
    spoil_mailbox(&mut world, "alice");
    world.online("alice");
    world.advance(60_000);
    assert_eq!(world.written("alice", "bob"), ["a0 ✓✓✓", "a1 ✓✓✓"]);
    assert_eq!(world.arrived("alice", "bob"), ["b0"], "and nobody saw a placeholder");
    world.assert_at_rest();
}

#[test]
fn an_older_copy_renews_before_it_writes() {
    let mut world = talking();
    let copy = world.users["alice"].db.clone();
    for n in 2..6 {
        world.send("alice", "bob", &format!("a{n}"));
    }
    world.send("bob", "alice", "b1");
    world.cut("alice");
    world.restore("alice", &copy);
    world.write("alice", "bob", "from the copy");
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
    assert_eq!(world.state("alice"), ConnectionState::Online);
    world.send("alice", "bob", "again");
    world.send("bob", "alice", "b2");
    let all = ["a0", "a1", "a2", "a3", "a4", "a5", "from the copy", "again"];
    assert_eq!(world.arrived("bob", "alice"), all);
    assert_eq!(world.arrived("alice", "bob"), ["b0", "b2"]);
    assert_eq!(gaps(&world, "alice"), 1, "what the copy misses is shown");
    world.assert_at_rest();
    // An ordinary reconnect afterwards is one.
    world.reopen("alice");
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
}

#[test]
fn an_older_copy_of_the_same_connection_is_noticed_by_what_was_accepted() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    world.send("bob", "alice", "b0");
    world.send("alice", "bob", "a0");
    // Nothing comes back to alice that her cursor would show.
    world.offline("bob");
    world.send("alice", "bob", "a1");
    let copy = world.users["alice"].db.clone();
    world.send("alice", "bob", "a2");
    world.restore("alice", &copy);
    world.write("alice", "bob", "other words");
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
    world.online("bob");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "a2", "other words"]);
    world.assert_at_rest();
}

#[test]
fn a_copy_taken_between_hello_and_welcome_is_noticed() {
    let mut world = talking();
    world.offline("bob");
    world.offline("alice");
    world.reopen("alice");
    world.command("alice", Command::GoOnline);
    world.next("alice");
    let copy = world.users["alice"].db.clone();
    world.settle();
    world.send("alice", "bob", "a2");
    world.restore("alice", &copy);
    world.write("alice", "bob", "other words");
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
    world.online("bob");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "a2", "other words"]);
}

#[test]
fn a_lost_welcome_hides_no_older_copy() {
    let mut world = talking();
    world.offline("bob");
    world.send("alice", "bob", "a2");
    let copy = world.users["alice"].db.clone();
    world.send("alice", "bob", "a3");
    world.restore("alice", &copy);
    world.write("alice", "bob", "other words");
    // The hello arrives, the welcome does not; then the process dies as well.
    world.command("alice", Command::GoOnline);
    world.next("alice");
    world.flow_up();
    world.cut("alice");
    world.reopen("alice");
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
    world.online("bob");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "a2", "a3", "other words"]);
}

#[test]
fn crashes_and_clean_ends_are_no_older_copies() {
    let mut world = talking();
    for round in 0..12 {
        world.write("alice", "bob", &format!("round {round}"));
        match round % 4 {
            0 => world.reopen("alice"),
            1 => {
                world.flow_up();
                world.reopen("alice");
            }
            2 => {
                world.settle();
                world.offline("alice");
                world.reopen("alice");
            }
            _ => {
                let to = world.conversation("bob");
                let text = Command::text(to, "lost");
                world.command_and_crash("alice", text, Crash::BeforeCommit);
            }
        }
        world.online("alice");
    }
    assert_eq!(restored(&world, "alice"), 0);
    assert_eq!(world.arrived("bob", "alice").len(), 14);
    world.assert_at_rest();
}

#[test]
fn an_older_copy_reads_what_was_under_way_but_never_writes_on_it() {
    let mut world = talking();
    world.offline("alice");
    let copy = world.users["alice"].db.clone();
    world.online("alice");
    world.send("alice", "bob", "a2");
    world.offline("alice");
    world.send("bob", "alice", "in the old session");
    world.restore("alice", &copy);
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
    assert_eq!(world.arrived("alice", "bob"), ["b0", "in the old session"]);
    assert_eq!(world.count("alice", |event| matches!(event, Event::MessageFilled(_))), 0);
    world.send("alice", "bob", "a3");
    world.send("bob", "alice", "b2");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "a2", "a3"]);
    assert_eq!(world.arrived("alice", "bob"), ["b0", "in the old session", "b2"]);
    world.assert_at_rest();
}

#[test]
fn an_older_copy_publishes_anew() {
    let mut world = talking();
    let alice = address(&world, "alice");
    let copy = world.users["alice"].db.clone();
    world.send("alice", "bob", "a2");
    let before: Vec<_> = world.relay.devices[&alice].one_time.iter().map(|prekey| prekey.id).collect();
    world.cut("alice");
    world.restore("alice", &copy);
    world.online("alice");
    let device = &world.relay.devices[&alice];
    assert_eq!(
        (device.one_time.len(), device.kyber.len()),
        (ONE_TIME_PREKEYS as usize, KYBER_PREKEYS as usize)
    );
    assert!(device.one_time.iter().all(|prekey| !before.contains(&prekey.id)), "no id names two keys");
    world.join("carol");
    world.register("carol");
    world.befriend("carol", "alice");
    world.send("carol", "alice", "hello");
    assert_eq!(world.arrived("alice", "carol"), ["hello"]);
}

#[test]
fn used_prekeys_are_replaced_before_they_run_out() {
    let mut world = talking();
    let alice = address(&world, "alice");
    for _ in 0..3 {
        for _ in 0..70 {
            // Somebody takes them and never writes.
            world.relay.bundles(alice.account, &[]);
        }
        world.cut("alice");
        world.online("alice");
        let device = &world.relay.devices[&alice];
        assert!(device.one_time.len() >= ONE_TIME_PREKEYS as usize, "{}", device.one_time.len());
        assert!(device.kyber.len() >= KYBER_PREKEYS as usize);
    }
    let mut ids: Vec<_> = world.relay.devices[&alice].one_time.iter().map(|prekey| prekey.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ONE_TIME_PREKEYS as usize);
    for _ in 0..30 {
        for _ in 0..70 {
            world.relay.bundles(alice.account, &[]);
        }
        world.cut("alice");
        world.online("alice");
    }
    let kept = world.users["alice"].db.count(Table::Prekey);
    assert!(kept < 2_300, "{kept} private halves");
}

#[test]
fn prekeys_used_on_a_long_connection_are_replaced_too() {
    let mut world = World::with(&["alice", "bob"]);
    let alice = address(&world, "alice");
    world.befriend("bob", "alice");
    for n in 0..15 {
        let session = Key::Session(alice);
        world.user("bob").db.apply(&vec![Write::Row(session, None)]);
        world.send("bob", "alice", &n.to_string());
    }
    assert_eq!(world.arrived("alice", "bob").len(), 15);
    let kyber = world.relay.devices[&alice].kyber.len();
    assert!(kyber > 15, "{kyber} left");
}

#[test]
fn a_session_is_begun_when_every_one_time_prekey_is_gone() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let alice = address(&world, "alice");
    world.offline("alice");
    for _ in 0..110 {
        world.relay.bundles(alice.account, &[]);
    }
    for name in ["bob", "carol"] {
        world.befriend(name, "alice");
        world.send(name, "alice", "the last resort");
    }
    world.online("alice");
    assert_eq!(world.arrived("alice", "bob"), ["the last resort"]);
    assert_eq!(world.arrived("alice", "carol"), ["the last resort"]);
}

#[test]
fn signed_prekeys_are_replaced_and_kept_for_what_is_under_way() {
    let mut world = World::with(&["alice", "bob"]);
    let alice = address(&world, "alice");
    let first = world.relay.devices[&alice].signed.clone();
    world.befriend("bob", "alice");
    world.offline("bob");
    world.pass_days(8);
    let second = world.relay.devices[&alice].signed.clone();
    assert_ne!(first.id, second.id);
    // Bob has a bundle from before.
    world.relay.devices.get_mut(&alice).unwrap().signed = first;
    world.online("bob");
    world.send("bob", "alice", "with the old one");
    assert_eq!(world.arrived("alice", "bob"), ["with the old one"]);
    let rows = |world: &World| world.users["alice"].db.count(Table::Prekey);
    let before = rows(&world);
    world.pass_days(60);
    world.pass_days(60);
    let rotations = (OLD_PREKEY_KEPT_MS / SIGNED_PREKEY_AGE_MS) as usize;
    assert!(rows(&world) < before + 2 * (rotations + 2), "{before} then {}", rows(&world));
    assert_eq!(world.state("alice"), ConnectionState::Online);
    assert_ne!(world.state("alice"), ConnectionState::Refused(RejectCode::Unspecified));
}

#[test]
fn an_older_copy_that_reads_on_an_old_chain_does_not_write_on_its_own() {
    let mut world = talking();
    world.send("bob", "alice", "b1");
    world.offline("bob");
    world.write("bob", "alice", "written before he has read x1");
    world.send("alice", "bob", "x1");
    let copy = world.users["alice"].db.clone();
    world.send("alice", "bob", "x2");
    world.cut("alice");
    // Bob encrypts at the welcome, before what waits for him arrives: on the chain that alice knows.
    world.online("bob");
    world.restore("alice", &copy);
    world.online("alice");
    assert_eq!(restored(&world, "alice"), 1);
    assert_eq!(world.arrived("alice", "bob"), ["b0", "b1", "written before he has read x1"]);
    assert_eq!(world.count("alice", |event| matches!(event, Event::MessageFilled(_))), 0);
    world.send("alice", "bob", "other words");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "x1", "x2", "other words"]);
    world.assert_at_rest();
}

#[test]
fn an_older_copy_encrypts_anew_what_it_had_encrypted() {
    let mut world = talking();
    world.write("alice", "bob", "under way");
    let copy = world.users["alice"].db.clone();
    world.settle();
    world.send("alice", "bob", "later");
    world.cut("alice");
    world.restore("alice", &copy);
    let sends = world.relay.sends.len();
    world.online("alice");
    let id = world.history("alice", "bob").last().unwrap().key.id;
    let find = |sends: &[waxwing_wire::client_frame::Send]| sends.iter().find(|send| send.id == id).cloned();
    let (before, after) = (find(&world.relay.sends[..sends]), find(&world.relay.sends[sends..]));
    assert_ne!(before.unwrap().copies, after.unwrap().copies);
    assert_eq!(world.arrived("bob", "alice"), ["a0", "a1", "under way", "later"]);
    // The receipt went to the other life of the device; this one gets its own.
    assert_eq!(world.written("alice", "bob"), ["a0 ✓✓", "a1 ✓✓", "under way ✓✓"]);
    world.assert_at_rest();
}
