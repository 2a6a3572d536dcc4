//! What people show some others for a day.

use proptest::prelude::*;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::post::{Card, Deed, Post, Quote};

use super::world::{World, words};
use crate::limits::{MAX_STATUS_TEXT_BYTES, MAX_STATUSES_KEPT, STATUS_LIFE_S};
use crate::{
    Audience, Body, ChatChange, Command, CommandId, Conversation, Delivery, Direction, Event, Failure,
    Message, MessageKey, Read as _, Setting, Table,
};

fn do_it(world: &mut World, name: &'static str, command: Command) {
    world.command(name, command);
    world.settle();
    assert_eq!(world.count(name, |event| matches!(event, Event::Failed { .. })), 0);
}

fn show(text: &str) -> Command {
    Command::Show { post: Box::new(Post::plain(text)) }
}

fn for_whom(audience: Audience) -> Command {
    Command::SetPrivacy { setting: Setting::Status, audience }
}

fn failure(world: &mut World, name: &'static str, command: Command) -> Option<Failure> {
    let id: CommandId = world.command(name, command);
    world.settle();
    world.take_events(name).into_iter().find_map(|event| match event {
        Event::Failed { command, failure } if command == id => Some(failure),
        _ => None,
    })
}

fn statuses(world: &World, name: &str, of: &str) -> Vec<Message> {
    let with = Conversation::Status(world.account(of));
    let mut found = world.users[name].db.history(with, u64::MAX, 1_000).unwrap();
    found.reverse();
    found
}

fn shown(world: &World, name: &str, of: &str) -> Vec<String> {
    statuses(world, name, of).iter().map(|message| words(&message.body)).collect()
}

/// Who is known to have seen it, and who only could.
fn seen_by(world: &World, name: &str, message: MessageKey) -> (Vec<&'static str>, Vec<&'static str>) {
    let user = &world.users[name];
    let receipts = user.client.receipts(&user.db, message).unwrap();
    let named = |seen: bool| {
        let mut found: Vec<&'static str> = Vec::new();
        for receipt in receipts.iter().filter(|receipt| (receipt.delivery == Delivery::Read) == seen) {
            let of = |name: &&&'static str| world.account(name) == receipt.account;
            found.extend(world.users.keys().find(of));
        }
        found
    };
    (named(true), named(false))
}

fn look(world: &mut World, name: &'static str, of: &str) {
    let with = Conversation::Status(world.account(of));
    do_it(world, name, Command::MarkRead { with, up_to: u64::MAX });
}

/// Alice knows all the others, and they know her.
fn acquainted(others: &[&'static str]) -> World {
    let mut world = World::with(&["alice"]);
    for other in others {
        world.join(other);
        world.register(other);
        world.befriend("alice", other);
        world.befriend(other, "alice");
    }
    world
}

#[test]
fn contacts_are_shown_it_and_the_chats_know_nothing_of_it() {
    let mut world = acquainted(&["bob", "carol"]);
    world.join("dave");
    world.register("dave");
    world.befriend("dave", "alice");
    do_it(&mut world, "alice", show("at the sea"));
    for name in ["alice", "bob", "carol"] {
        assert_eq!(shown(&world, name, "alice"), ["at the sea"], "{name}");
    }
    assert!(shown(&world, "dave", "alice").is_empty(), "who is no contact of its author's is shown nothing");
    assert!(world.history("bob", "alice").is_empty() && world.history("alice", "bob").is_empty());
    let (own, theirs) = (&statuses(&world, "alice", "alice")[0], &statuses(&world, "bob", "alice")[0]);
    assert_eq!((own.direction, own.delivery), (Direction::Outgoing, Delivery::Sent));
    assert_eq!((theirs.direction, theirs.delivery), (Direction::Incoming, Delivery::Delivered));
    assert_eq!(own.key, theirs.key, "one name for all");
    assert_eq!(own.expires_at_ms, own.sent_at_ms + u64::from(STATUS_LIFE_S) * 1_000);
    world.assert_at_rest();
}

#[test]
fn its_author_sees_who_has_seen_it_if_both_tell_such_things() {
    let mut world = acquainted(&["bob", "carol", "dave"]);
    do_it(&mut world, "dave", Command::SetPrivacy { setting: Setting::Receipts, audience: Audience::Nobody });
    do_it(&mut world, "alice", show("look"));
    let key = statuses(&world, "alice", "alice")[0].key;
    assert_eq!(seen_by(&world, "alice", key), (vec![], vec!["bob", "carol", "dave"]));
    for name in ["bob", "dave"] {
        look(&mut world, name, "alice");
        assert_eq!(statuses(&world, name, "alice")[0].delivery, Delivery::Read);
    }
    assert_eq!(seen_by(&world, "alice", key), (vec!["bob"], vec!["carol", "dave"]));
    let hide = Command::SetPrivacy { setting: Setting::Receipts, audience: Audience::Nobody };
    do_it(&mut world, "alice", hide);
    look(&mut world, "carol", "alice");
    assert_eq!(seen_by(&world, "alice", key).0, ["bob"], "who does not tell does not hear either");
    world.assert_at_rest();
}

#[test]
fn audiences_hold_and_blocked_people_get_nothing() {
    let mut world = acquainted(&["bob", "carol", "dave"]);
    let [bob, carol, dave] = ["bob", "carol", "dave"].map(|name| world.account(name));
    do_it(&mut world, "alice", for_whom(Audience::ContactsExcept(vec![bob])));
    do_it(&mut world, "alice", show("not for bob"));
    do_it(&mut world, "alice", for_whom(Audience::Only(vec![bob, dave])));
    do_it(&mut world, "alice", show("not for carol"));
    do_it(&mut world, "alice", for_whom(Audience::Contacts));
    do_it(&mut world, "alice", Command::SetBlocked { account: dave, blocked: true });
    do_it(&mut world, "alice", show("not for dave"));
    assert_eq!(shown(&world, "bob", "alice"), ["not for carol", "not for dave"]);
    assert_eq!(shown(&world, "carol", "alice"), ["not for bob", "not for dave"]);
    assert_eq!(shown(&world, "dave", "alice"), ["not for bob", "not for carol"]);
    // Who is blocked while it waits gets nothing either, and what the blocked show does not come.
    world.offline("alice");
    world.command("alice", show("waits"));
    do_it(&mut world, "alice", Command::SetBlocked { account: carol, blocked: true });
    world.online("alice");
    assert_eq!(shown(&world, "bob", "alice").last().unwrap(), "waits");
    assert!(!shown(&world, "carol", "alice").contains(&"waits".to_string()));
    do_it(&mut world, "carol", show("to whom?"));
    assert!(shown(&world, "alice", "carol").is_empty());
    let own = statuses(&world, "alice", "alice").pop().unwrap();
    assert_eq!(own.delivery, Delivery::Sent);
    world.assert_at_rest();
}

#[test]
fn what_strangers_show_is_kept_apart() {
    let mut world = acquainted(&["bob"]);
    world.join("eve");
    world.register("eve");
    world.befriend("eve", "bob");
    do_it(&mut world, "eve", show("buy this"));
    let bob = |world: &World| {
        let user = &world.users["bob"];
        user.client.shows_statuses_of(&user.db, world.account("eve")).unwrap()
    };
    assert!(!bob(&world), "not to be shown");
    assert_eq!(world.count("bob", |event| matches!(event, Event::Message(_))), 0);
    world.befriend("bob", "eve");
    do_it(&mut world, "eve", show("hello"));
    assert!(bob(&world));
    assert_eq!(shown(&world, "bob", "eve").last().unwrap(), "hello");
    let account = world.account("eve");
    do_it(&mut world, "bob", Command::SetBlocked { account, blocked: true });
    assert!(!bob(&world));
}

#[test]
fn it_is_gone_after_a_day_everywhere_with_all_that_was_kept_for_it() {
    let mut world = acquainted(&["bob"]);
    world.link("alice2", "alice", HistoryRange::All);
    do_it(&mut world, "alice", show("today"));
    look(&mut world, "bob", "alice");
    let key = statuses(&world, "bob", "alice")[0].key;
    let with = Conversation::Status(world.account("alice"));
    do_it(&mut world, "bob", Command::Act { with, target: Some(key), deed: Deed::React("👍".into()) });
    for name in ["alice", "alice2"] {
        assert_eq!(shown(&world, name, "alice"), ["today"], "{name}");
        assert_eq!(seen_by(&world, name, key), (vec!["bob"], vec![]), "{name}");
    }
    world.pass_days(1);
    world.advance(20_000);
    for name in ["alice", "alice2", "bob"] {
        assert!(shown(&world, name, "alice").is_empty(), "{name}");
        let db = &world.users[name].db;
        for table in [Table::Receipt, Table::Expiry, Table::Act] {
            assert!(db.rows(table, &[], &[0xff; 80], 10).unwrap().is_empty(), "{name}: {table:?}");
        }
    }
    let sent = world.users["alice"].db.rows(Table::Sent, &[0], &[1], 100).unwrap();
    assert!(sent.is_empty(), "nothing is kept to send it again");
    // Who was away for longer than a day is not shown it.
    world.offline("bob");
    do_it(&mut world, "alice", show("missed"));
    world.pass_days(2);
    world.online("bob");
    assert!(shown(&world, "bob", "alice").is_empty());
}

#[test]
fn deleting_it_deletes_it_for_everyone_from_any_own_device() {
    let mut world = acquainted(&["bob", "carol"]);
    world.link("alice2", "alice", HistoryRange::All);
    let carol = world.account("carol");
    do_it(&mut world, "alice", for_whom(Audience::ContactsExcept(vec![carol])));
    do_it(&mut world, "alice", show("oh no"));
    let key = statuses(&world, "alice2", "alice")[0].key;
    let with = Conversation::Status(world.account("alice"));
    let wipe = || Command::Act { with, target: Some(key), deed: Deed::Delete };
    assert_eq!(
        failure(&mut world, "bob", wipe()),
        Some(Failure::NotAllowed),
        "not by those who are shown it"
    );
    let before = world.relay.devices.len();
    world.offline("bob");
    do_it(&mut world, "alice2", wipe());
    world.online("bob");
    for name in ["alice", "alice2", "bob"] {
        assert_eq!(shown(&world, name, "alice"), ["deleted"], "{name}");
    }
    let acts = world.users["carol"].db.rows(Table::Act, &[], &[0xff; 80], 10).unwrap();
    assert!(acts.is_empty() && before == 4, "who was not shown it does not hear that it is gone");
    world.pass_days(1);
    world.advance(20_000);
    assert!(shown(&world, "bob", "alice").is_empty(), "nor does that remain for longer than it would have");
    world.assert_at_rest();
}

#[test]
fn what_viewers_do_goes_to_its_author_alone() {
    let mut world = acquainted(&["bob", "carol"]);
    world.befriend("bob", "carol");
    world.befriend("carol", "bob");
    world.link("alice2", "alice", HistoryRange::All);
    do_it(&mut world, "alice", show("a cake"));
    let key = statuses(&world, "bob", "alice")[0].key;
    let with = Conversation::Status(world.account("alice"));
    let act = |deed| Command::Act { with, target: Some(key), deed };
    do_it(&mut world, "bob", act(Deed::React("🎂".into())));
    let reactions = |world: &World, name: &str| {
        let user = &world.users[name];
        let message = user.db.message(&key).unwrap().unwrap();
        user.client.acts(&user.db, &message).unwrap().len()
    };
    let counted = ["alice", "alice2", "bob", "carol"].map(|name| reactions(&world, name));
    assert_eq!(counted, [1, 1, 1, 0]);
    for deed in [
        Deed::Keep(true),
        Deed::Pin(u64::MAX),
        Deed::Edit(Box::new(Post::plain("mine"))),
        Deed::Lifetime(0),
        Deed::Opened,
    ] {
        assert_eq!(failure(&mut world, "bob", act(deed)), Some(Failure::NotAllowed));
    }
    // An answer is a message between the two.
    let quote =
        Some(Box::new(Quote { message: (key.from, key.id), text: String::new(), attachments: Vec::new() }));
    let answer = Post { quote, ..Post::plain("yum") };
    let to = world.conversation("alice");
    do_it(&mut world, "bob", Command::Send { to, post: Box::new(answer) });
    for name in ["alice", "alice2"] {
        let messages = world.history(name, "bob");
        let Body::Post(post) = &messages.last().unwrap().body else { panic!("a post") };
        assert_eq!(post.quote.as_ref().unwrap().text, "a cake", "{name}");
    }
    let forward = Command::Forward { message: key, to: vec![world.conversation("carol")] };
    assert_eq!(failure(&mut world, "bob", forward), Some(Failure::NotAllowed));
    world.assert_at_rest();
}

#[test]
fn bounds_hold() {
    let mut world = acquainted(&["bob"]);
    assert_eq!(failure(&mut world, "alice", show(" ")), Some(Failure::Empty));
    let long = "x".repeat(MAX_STATUS_TEXT_BYTES + 1);
    let limit_bytes = MAX_STATUS_TEXT_BYTES;
    assert_eq!(failure(&mut world, "alice", show(&long)), Some(Failure::TooLong { limit_bytes }));
    let poll = Card::Poll { options: vec!["a".into(), "b".into()], several: false };
    let card = Post { card: Some(Box::new(poll)), ..Post::plain("?") };
    let card = Command::Show { post: Box::new(card) };
    assert_eq!(failure(&mut world, "alice", card), Some(Failure::Malformed));
    for audience in [Audience::Everyone, Audience::Nobody, Audience::LikeLastSeen] {
        assert_eq!(failure(&mut world, "alice", for_whom(audience)), Some(Failure::Malformed));
    }
    let only = Command::SetPrivacy { setting: Setting::About, audience: Audience::Only(vec![]) };
    assert_eq!(failure(&mut world, "alice", only), Some(Failure::Malformed));
    do_it(&mut world, "alice", for_whom(Audience::Only(vec![])));
    assert_eq!(failure(&mut world, "alice", show("to nobody")), Some(Failure::NoAudience));
    do_it(&mut world, "alice", for_whom(Audience::Contacts));
    for n in 0..MAX_STATUSES_KEPT {
        do_it(&mut world, "alice", show(&n.to_string()));
    }
    let limit = MAX_STATUSES_KEPT;
    assert_eq!(failure(&mut world, "alice", show("one more")), Some(Failure::TooManyStatuses { limit }));
    let with = Conversation::Status(world.account("alice"));
    let write = Command::text(with, "as a message");
    assert_eq!(failure(&mut world, "alice", write), Some(Failure::NotAllowed));
    let archive = Command::SetChat { conversation: with, change: ChatChange::Archived(true) };
    assert_eq!(failure(&mut world, "bob", archive), Some(Failure::NotAllowed));
    let mute = ChatChange::MutedUntil(u64::MAX);
    do_it(&mut world, "bob", Command::SetChat { conversation: with, change: mute });
    let user = &world.users["bob"];
    assert_eq!(user.client.chat_state(&user.db, with).unwrap().muted_until_ms, u64::MAX);
}

/// What a modified program sends is bounded by whoever reads it.
#[test]
fn nobody_shows_more_than_the_bounds_or_for_longer_than_a_day() {
    let mut world = acquainted(&["bob"]);
    let alice = world.users["alice"].client.address().unwrap();
    for n in 0..MAX_STATUSES_KEPT as u64 + 8 {
        let post = Post { lifetime_s: u32::MAX, once: true, ..Post::plain(n.to_string()) };
        let status = waxwing_wire::content::Status { id: waxwing_wire::MessageId(n), post: Box::new(post) };
        take(&mut world, "bob", |client, turn| client.status_arrived(turn, alice, turn.now.0, status));
    }
    let kept = statuses(&world, "bob", "alice");
    assert_eq!(kept.len(), MAX_STATUSES_KEPT);
    let latest = world.now + u64::from(STATUS_LIFE_S) * 1_000;
    let plain = |message: &Message| match &message.body {
        Body::Post(post) => !post.once && post.lifetime_s == STATUS_LIFE_S,
        _ => false,
    };
    assert!(kept.iter().all(|message| message.expires_at_ms <= latest && plain(message)));
    // A name that is a message's in a chat makes nothing of that message.
    world.send("alice", "bob", "a message");
    let key = world.history("bob", "alice")[0].key;
    let status = waxwing_wire::content::Status { id: key.id, post: Box::new(Post::plain("not this")) };
    take(&mut world, "bob", |client, turn| client.status_arrived(turn, alice, turn.now.0, status));
    assert_eq!(world.arrived("bob", "alice"), ["a message"]);
}

fn take(
    world: &mut World,
    name: &'static str,
    what: impl FnOnce(&mut crate::Client, &mut crate::turn::Turn<'_>) -> Result<(), crate::client::Error>,
) {
    let now = crate::Time(world.now);
    let user = world.user(name);
    let db = user.db.clone();
    let mut turn = crate::turn::Turn::new(now, &mut user.rng, &db);
    what(&mut user.client, &mut turn).unwrap();
    let batch = turn.store.into_batch();
    user.db.apply(&batch);
}

/// A status that cannot be read is asked for again, and seen where nobody sees a placeholder.
#[test]
fn what_cannot_be_read_is_asked_for_and_shown_late() {
    let mut world = acquainted(&["bob"]);
    world.send("alice", "bob", "a0");
    world.send("bob", "alice", "b0");
    world.offline("bob");
    do_it(&mut world, "alice", show("garbled"));
    super::renewal::spoil_mailbox(&mut world, "bob");
    world.online("bob");
    assert_eq!(shown(&world, "bob", "alice"), ["garbled"]);
    assert_eq!(world.arrived("bob", "alice"), ["a0"], "no placeholder in the chat");
    world.assert_at_rest();
}

#[test]
fn a_device_linked_later_is_shown_what_holds() {
    let mut world = acquainted(&["bob"]);
    do_it(&mut world, "alice", show("mine"));
    do_it(&mut world, "bob", show("bob's"));
    world.link("alice2", "alice", HistoryRange::All);
    assert_eq!(shown(&world, "alice2", "alice"), ["mine"]);
    assert_eq!(shown(&world, "alice2", "bob"), ["bob's"]);
    let key = statuses(&world, "alice2", "alice")[0].key;
    look(&mut world, "bob", "alice");
    assert_eq!(seen_by(&world, "alice2", key), (vec!["bob"], vec![]));
    look(&mut world, "alice2", "bob");
    assert_eq!(statuses(&world, "alice", "bob")[0].delivery, Delivery::Read, "seen on all own devices");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is shown, seen, reacted to, deleted and forbidden on several devices that come and go: in the end all
    /// devices of its author agree, and viewers have what was shown to them and not deleted.
    #[test]
    fn all_devices_come_to_the_same(steps in prop::collection::vec((0u8..8, 0u8..4), 1..24)) {
        let mut world = acquainted(&["bob", "carol"]);
        world.link("alice2", "alice", HistoryRange::All);
        let names = ["alice", "alice2", "bob", "carol"];
        let mut shown_count = 0;
        for (step, who) in steps {
            let name = names[usize::from(who)];
            let author = ["alice", "alice2"][usize::from(who % 2)];
            match step {
                0 | 1 => {
                    shown_count += 1;
                    world.command(author, show(&format!("s{shown_count}")));
                }
                2 => {
                    let except = vec![world.account("carol")];
                    world.command(author, for_whom(Audience::ContactsExcept(except)));
                }
                3 => {
                    let with = Conversation::Status(world.account("alice"));
                    world.command(name, Command::MarkRead { with, up_to: u64::MAX });
                }
                4 | 5 => {
                    let Some(message) = statuses(&world, name, "alice").pop() else { continue };
                    let own = message.direction == Direction::Outgoing;
                    let deed = if own { Deed::Delete } else { Deed::React("👍".into()) };
                    world.command(name, Command::Act { with: message.with, target: Some(message.key), deed });
                }
                6 => world.offline(name),
                _ => world.online(name),
            }
            if step % 3 == 0 {
                world.settle();
            }
        }
        names.iter().for_each(|name| world.online(name));
        world.advance(60_000);
        let view = |name: &str| {
            let user = &world.users[name];
            let mut found: Vec<_> = statuses(&world, name, "alice")
                .into_iter()
                .map(|message| {
                    let acts = user.client.acts(&user.db, &message).unwrap();
                    let acts: Vec<_> = acts.iter().map(waxwing_wire::post::ActBy::encode).collect();
                    (message.key, words(&message.body), acts, seen_by(&world, name, message.key))
                })
                .collect();
            found.sort();
            found
        };
        prop_assert!(view("alice") == view("alice2"));
        for viewer in ["bob", "carol"] {
            for (key, text, ..) in view(viewer) {
                let own = world.users["alice"].db.message(&key).unwrap().unwrap();
                prop_assert_eq!(words(&own.body), text);
            }
        }
        world.assert_at_rest();
    }
}
