//! Programs that die between the server's taking of a change and the answer to it, and members who were away
//! for long.

use waxwing_wire::EnvelopeKind;
use waxwing_wire::client_frame::{Copy, RequestBody};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::{Action, GroupKind, Standing};
use waxwing_wire::server_frame::Item;

use super::relay::spoilt;
use super::world::{Crash, World};
use crate::row::Body;
use crate::{Command, CommandId, Event};

/// The server no longer knows what it has answered.
fn forget_answers(world: &mut World) {
    for known in world.relay.groups.groups.values_mut() {
        known.forget_taken();
    }
}

#[test]
fn a_group_of_one_whose_making_was_not_answered_is_there() {
    let mut world = World::with(&["alice"]);
    let command = Command::CreateGroup { name: "notes".into(), kind: GroupKind::Group, members: vec![] };
    world.command("alice", command);
    world.flow_up();
    assert_eq!(world.relay.groups.groups.len(), 1);
    forget_answers(&mut world);
    world.reopen("alice");
    world.online("alice");
    let group = *world.relay.groups.groups.keys().next().unwrap();
    world.assert_agreed(group, &["alice"]);
    world.said("alice", group, "a note");
    assert_eq!(world.wrote("alice", group), ["a note ✓"]);
    world.assert_at_rest();
}

/// Nobody says anything there.
#[test]
fn an_older_copy_finds_out_by_itself_that_its_groups_have_gone_on() {
    let mut world = World::friends(&["alice", "bob", "carol", "dave"]);
    let group = world.found("alice", &["bob", "carol"]);
    let copy = world.users["bob"].db.clone();
    world.changed("alice", group, Action::Promote(world.account("carol")));
    world.changed("alice", group, world.add("dave"));
    world.changed("alice", group, Action::Remove(world.account("carol")));
    world.restore("bob", &copy);
    world.online("bob");
    assert_eq!(world.group("bob", group).state.epoch, 1);
    // A device that is linked to it meanwhile begins with what it knows.
    world.link("tablet", "bob", HistoryRange::All);
    world.advance(20_000);
    world.assert_agreed(group, &["alice", "bob", "tablet", "dave"]);
    world.advance(60_000);
    world.assert_at_rest();
    // Once the server has confirmed it, it is not asked again.
    let asked = world.relay.groups.epoch_fetches;
    world.reopen("bob");
    world.online("bob");
    let confirmed = world.relay.groups.epoch_fetches;
    world.reopen("bob");
    world.online("bob");
    assert_eq!((confirmed, world.relay.groups.epoch_fetches), (asked + 1, asked + 1));
}

#[test]
fn an_older_copy_of_somebody_who_was_put_out_learns_of_it() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    let copy = world.users["bob"].db.clone();
    world.changed("alice", group, Action::Remove(world.account("bob")));
    world.restore("bob", &copy);
    world.online("bob");
    world.advance(60_000);
    let bob = world.account("bob");
    assert!(world.group("bob", group).state.member(bob).is_none());
    world.assert_at_rest();
}

#[test]
fn a_change_whose_answer_was_lost_is_known_from_the_others() {
    for forgets in [false, true] {
        let mut world = World::friends(&["alice", "bob", "carol"]);
        let group = world.found("alice", &["bob"]);
        world.change("alice", group, vec![world.add("carol")]);
        // Until the server has it; its answer is on its way then.
        for _ in 0..20 {
            world.flow_up();
            if world.relay.groups.groups[&group].epoch == 2 {
                break;
            }
            for name in ["alice", "bob", "carol"] {
                if world.has_input(name) {
                    world.next(name);
                }
            }
        }
        assert_eq!(world.relay.groups.groups[&group].epoch, 2);
        if forgets {
            forget_answers(&mut world);
        }
        world.reopen("alice");
        world.online("alice");
        world.advance(60_000);
        world.assert_agreed(group, &["alice", "bob", "carol"]);
        assert_eq!(world.users["alice"].client.outbox_len(), 0);
        world.said("alice", group, "all here");
        assert_eq!(
            world.hears("carol", group),
            ["all here"],
            "who was added was told where the group stands"
        );
    }
}

#[test]
fn a_program_that_dies_at_any_answer_loses_nothing() {
    for at in 0..14 {
        for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
            let mut world = World::friends(&["alice", "bob", "carol"]);
            let group = world.found("alice", &["bob"]);
            world.change("alice", group, vec![world.add("carol")]);
            world.say("alice", group, "with carol");
            for _ in 0..at {
                world.flow_up();
                for name in ["alice", "bob", "carol"] {
                    if world.has_input(name) {
                        world.next(name);
                    }
                }
            }
            world.flow_up();
            if world.has_input("alice") {
                world.next_and_crash("alice", crash);
            }
            world.online("alice");
            world.advance(60_000);
            world.assert_agreed(group, &["alice", "bob", "carol"]);
            assert_eq!(world.hears("bob", group), ["with carol"], "{at}");
            assert_eq!(world.wrote("alice", group), ["with carol ✓✓"], "{at}");
            // Whoever writes next finds everybody.
            world.said("bob", group, "here");
            assert_eq!(world.hears("carol", group).last().unwrap(), "here", "{at}");
        }
    }
}

#[test]
fn a_device_that_went_leaves_nobody_waiting_for_it() {
    let mut world = World::friends(&["alice", "bob"]);
    world.link("laptop", "alice", HistoryRange::None);
    let group = world.found("alice", &["bob"]);
    world.offline("laptop");
    let laptop = world.device("laptop").device;
    world.offline("alice");
    world.say("alice", group, "as it goes");
    world.command("alice", Command::GoOnline);
    world.command("alice", Command::RemoveDevice { device: laptop });
    world.settle();
    world.advance(60_000);
    assert_eq!(world.hears("bob", group), ["as it goes"]);
    world.said("bob", group, "so I see");
    assert_eq!(world.hears("alice", group), ["so I see"]);
    world.assert_at_rest();
}

#[test]
fn who_was_away_for_too_long_believes_an_admin() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    world.offline("bob");
    for n in 0..crate::limits::MAX_CHANGES_LOGGED + 2 {
        world.change("alice", group, vec![Action::Description(n.to_string())]);
        world.settle();
    }
    // The server has not kept them either.
    let bob = world.device("bob");
    world.relay.devices.get_mut(&bob).unwrap().mailbox.clear();
    world.online("bob");
    world.said("bob", group, "what happened?");
    world.advance(120_000);
    world.assert_agreed(group, &["alice", "bob"]);
    assert_eq!(world.hears("alice", group), ["what happened?"]);
    world.said("alice", group, "much");
    assert_eq!(world.hears("bob", group).last().unwrap(), "much");
}

#[test]
fn a_lost_connection_fails_what_was_asked_and_nothing_else() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    world.offline("alice");
    let id = world.change("alice", group, vec![Action::Name("later".into())]);
    assert!(world.answer("alice", id).is_some(), "changes need a connection");
    world.online("alice");
    let id = world.change("alice", group, vec![Action::Name("now".into())]);
    world.cut("alice");
    assert_eq!(
        world.count("alice", |event| matches!(event, Event::Failed { command, .. } if *command == id)),
        0
    );
    world.online("alice");
    assert_eq!(world.answer("alice", id), None);
    world.assert_agreed(group, &["alice", "bob"]);
}

/// Messages of the group cannot be read by a device; changes, if they reach it, can.
fn spoil_texts(world: &mut World, name: &str, drop_changes: bool) {
    let reader = world.device(name);
    world.tamper(move |to, mut envelope| {
        let change = envelope.group.as_ref().is_some_and(|of| of.change.is_some());
        if to != reader {
            return vec![envelope];
        }
        if change {
            return if drop_changes { vec![] } else { vec![envelope] };
        }
        envelope.ciphertext = spoilt(&envelope.ciphertext);
        vec![envelope]
    });
}

#[test]
fn a_key_that_comes_before_the_group_is_kept() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob"]);
    world.offline("carol");
    let add = world.add("carol");
    assert_eq!(world.changed("alice", group, add), None);
    world.said("bob", group, "welcome");
    // What alice has to say comes right before the message itself.
    let (alice, carol) = (world.account("alice"), world.device("carol"));
    let mailbox = &mut world.relay.devices.get_mut(&carol).unwrap().mailbox;
    let places: Vec<u64> = mailbox.keys().copied().collect();
    let mut items: Vec<Item> = std::mem::take(mailbox).into_values().collect();
    let rank = |item: &Item| match item {
        Item::Envelope(envelope) if !envelope.silent => 2,
        Item::Envelope(envelope) => u8::from(envelope.from.account == alice),
        _ => 0,
    };
    items.sort_by_key(rank);
    mailbox.extend(places.into_iter().zip(items));
    world.take_events("carol");
    world.online("carol");
    assert_eq!(world.hears("carol", group), ["welcome"]);
    assert_eq!(world.count("carol", |event| matches!(event, Event::MessageFilled(_))), 0, "read at once");
    world.assert_agreed(group, &["alice", "bob", "carol"]);
}

#[test]
fn who_asks_before_the_sender_knows_that_its_message_was_taken_gets_it() {
    for crash in [false, true] {
        let mut world = World::friends(&["alice", "bob"]);
        let group = world.found("alice", &["bob"]);
        world.said("alice", group, "first");
        spoil_texts(&mut world, "bob", false);
        world.say("alice", group, "second");
        world.flow_up();
        world.cut("alice");
        world.settle();
        assert!(world.messages("bob", group).last().unwrap().body == Body::Waiting);
        if crash {
            world.reopen("alice");
        }
        world.online("alice");
        assert_eq!(world.hears("bob", group), ["first", "second"]);
    }
}

#[test]
fn a_copy_that_comes_before_the_change_it_needs_is_asked_for_again() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    world.said("alice", group, "first");
    spoil_texts(&mut world, "bob", true);
    // Whoever has just been helped to follow is not helped again at once.
    world.said("alice", group, "second");
    assert_eq!(world.changed("alice", group, Action::Name("walkers".into())), None);
    world.said("alice", group, "third");
    assert!(world.messages("bob", group).last().unwrap().body == Body::Waiting);
    world.advance(60_000);
    world.assert_agreed(group, &["alice", "bob"]);
    assert_eq!(world.hears("bob", group), ["first", "second", "third"]);
}

/// The first word of a device of somebody whom nobody else in the group has met: its key and its account's list are not
/// there when the message is.
#[test]
fn what_strangers_say_is_read_without_being_asked_for() {
    for sender in ["bob", "tablet"] {
        let mut world = World::with(&["alice", "bob", "carol", "dave"]);
        for other in ["bob", "carol", "dave"] {
            world.befriend("alice", other);
        }
        world.link("tablet", "bob", HistoryRange::All);
        let group = world.found("alice", &["bob", "carol", "dave"]);
        world.offline("dave");
        world.relay.sends.clear();
        world.said(sender, group, "hello");
        world.said(sender, group, "is anybody there?");
        world.online("dave");
        for reader in ["alice", "carol", "dave"] {
            assert_eq!(world.hears(reader, group), ["hello", "is anybody there?"], "{reader} of {sender}");
        }
        assert_eq!(world.wrote(sender, group), ["hello ✓✓", "is anybody there? ✓✓"]);
        let asked = world.relay.sends.iter().flat_map(|send| &send.copies);
        assert_eq!(asked.filter(|copy| is_question(copy)).count(), 0, "of {sender}");
        world.assert_at_rest();
    }
}

#[test]
fn what_is_kept_is_still_there_after_a_restart() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world.link("tablet", "bob", HistoryRange::All);
    let group = world.found("alice", &["bob", "carol"]);
    world.offline("carol");
    world.said("tablet", group, "hello");
    world.relay.swallow = Some(|what| matches!(what, RequestBody::FetchDevices(_)));
    world.online("carol");
    assert!(world.messages("carol", group).last().unwrap().body == Body::Waiting);
    world.relay.swallow = None;
    world.relay.sends.clear();
    world.reopen("carol");
    world.online("carol");
    assert_eq!(world.hears("carol", group), ["hello"]);
    let asked = world.relay.sends.iter().flat_map(|send| &send.copies);
    assert_eq!(asked.filter(|copy| is_question(copy)).count(), 0);
}

fn is_question(copy: &Copy) -> bool {
    copy.kind == EnvelopeKind::Plaintext
}

#[test]
fn a_message_waits_for_one_that_is_under_way_for_an_earlier_epoch() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("bob", &["alice"]);
    // Both have given their keys.
    world.said("bob", group, "hello");
    world.said("alice", group, "zero");
    world.change("bob", group, vec![Action::Name("later".into())]);
    world.flow_up();
    // The change is on its way to her: what she says is refused.
    world.say("alice", group, "one");
    while world.has_input("alice") {
        world.next("alice");
    }
    assert_eq!(world.group("alice", group).state.epoch, 2);
    // She knows of it now, and not yet of the refusal.
    world.say("alice", group, "two");
    world.settle();
    assert_eq!(world.hears("bob", group), ["zero", "one", "two"]);
    world.assert_agreed(group, &["alice", "bob"]);
    world.assert_at_rest();
}

#[test]
fn what_was_delivered_does_not_fail_when_its_repetition_is_refused() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("bob", &["alice"]);
    world.say("alice", group, "zero");
    world.settle();
    world.say("alice", group, "one");
    world.flow_up();
    // The answer is lost, and she is put out before she can ask again.
    world.cut("alice");
    world.settle();
    assert_eq!(world.hears("bob", group), ["zero", "one"]);
    let alice = world.account("alice");
    assert_eq!(world.changed("bob", group, Action::Remove(alice)), None);
    world.online("alice");
    assert_eq!(world.wrote("alice", group), ["zero ✓✓", "one ✓✓"]);
    world.assert_at_rest();
}

#[test]
fn what_was_delivered_is_not_repeated_to_who_has_joined_since() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("bob", &["alice"]);
    world.said("alice", group, "zero");
    world.say("alice", group, "one");
    world.flow_up();
    // The answer is lost, and somebody is brought in before she can ask again.
    world.cut("alice");
    world.settle();
    let carol = world.add("carol");
    assert_eq!(world.changed("bob", group, carol), None);
    world.online("alice");
    world.said("alice", group, "two");
    assert_eq!(world.hears("bob", group), ["zero", "one", "two"]);
    assert_eq!(world.hears("carol", group), ["two"]);
    assert_eq!(world.wrote("alice", group), ["zero ✓✓", "one ✓✓", "two ✓✓"]);
    world.assert_at_rest();
}

#[test]
fn who_wants_the_same_twice_is_answered_twice() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    let rename = || vec![Action::Name("later".into())];
    let carol = world.account("carol");
    let commands = [
        world.change("alice", group, rename()),
        world.change("alice", group, rename()),
        world.change("alice", group, vec![Action::Remove(carol)]),
        world.change("alice", group, vec![Action::Remove(carol)]),
    ];
    world.settle();
    let events = world.take_events("alice");
    let answers = |id: CommandId| {
        let of = |event: &&Event| matches!(event, Event::Done { command, .. } | Event::Failed { command, .. } if *command == id);
        events.iter().filter(of).count()
    };
    assert_eq!(commands.map(answers), [1; 4]);
    world.assert_agreed(group, &["alice", "bob"]);
    world.assert_at_rest();
}

#[test]
fn who_was_put_out_and_lacks_a_change_before_learns_of_it_and_of_nothing_after() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    let carol = world.device("carol");
    world.tamper(move |to, envelope| {
        let lost = to == carol && envelope.group.as_ref().is_some_and(|of| of.epoch == 2);
        if lost { vec![] } else { vec![envelope] }
    });
    let name = |name: &str| Action::Name(name.into());
    assert_eq!(world.changed("alice", group, name("lost on the way")), None);
    assert_eq!(world.changed("alice", group, Action::Remove(carol.account)), None);
    assert_eq!(world.changed("alice", group, name("without carol")), None);
    world.say("carol", group, "am I still here?");
    world.advance(60_000);
    let left = world.group("carol", group);
    assert_eq!((left.member, left.state.epoch), (false, 3));
    assert_eq!(world.wrote("carol", group), ["am I still here? ✗"]);
    assert_eq!(world.hears("bob", group), Vec::<String>::new());
    world.assert_agreed(group, &["alice", "bob"]);
    world.assert_at_rest();
}

#[test]
fn what_a_former_member_wrote_is_read_by_who_begins_with_a_later_state() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    world.link("laptop", "bob", HistoryRange::None);
    world.offline("laptop");
    let group = world.found("alice", &["bob", "carol"]);
    world.said("carol", group, "before I go");
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    // Nothing reaches it of how the group began, nor the key to read how it went on: it asks who changed it
    // last, and by then carol was out.
    let (alice, laptop) = (world.account("alice"), world.device("laptop"));
    let mailbox = &mut world.relay.devices.get_mut(&laptop).unwrap().mailbox;
    mailbox.retain(|_, item| match item {
        Item::Envelope(envelope) => {
            envelope.from.account != alice || envelope.kind == EnvelopeKind::SenderKey
        }
        _ => true,
    });
    world.online("laptop");
    world.advance(60_000);
    world.assert_agreed(group, &["alice", "bob", "laptop"]);
    assert_eq!(world.hears("laptop", group), ["before I go"]);
    // What it was told it tells the next device.
    let user = &world.users["laptop"];
    let past = crate::group::past::with_past(
        &crate::overlay::Overlay::new(&user.db),
        world.group("laptop", group).state,
    );
    let stood: Vec<_> = past.unwrap().past.into_iter().map(|past| (past.epoch, past.before)).collect();
    assert_eq!(stood[0], (2, vec![(carol, Standing::Member)]));
    assert_eq!(stood.len(), 2);
}

#[test]
fn what_comes_before_the_word_that_one_is_in_again_is_asked_for() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    world.said("bob", group, "hello");
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    world.offline("carol");
    let add = world.add("carol");
    assert_eq!(world.changed("alice", group, add), None);
    world.said("bob", group, "welcome back");
    // Nothing of what alice has to say reaches her.
    let (alice, device) = (world.account("alice"), world.device("carol"));
    let mailbox = &mut world.relay.devices.get_mut(&device).unwrap().mailbox;
    mailbox.retain(|_, item| !matches!(item, Item::Envelope(envelope) if envelope.from.account == alice));
    world.online("carol");
    world.advance(60_000);
    assert_eq!(world.hears("carol", group), ["hello", "welcome back"]);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
}
