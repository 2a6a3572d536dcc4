//! What the user sets, on several devices.

use proptest::prelude::*;
use waxwing_wire::content::StateEntry;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::post::Post;
use waxwing_wire::{AccountId, Bytes, DeviceId};

use super::devices::linked;
use super::renewal::spoil_mailbox;
use super::world::World;
use crate::command::ChatChange;
use crate::memory::MemoryDb;
use crate::state::{Own, StateKey};
use crate::turn::Turn;
use crate::{BroadcastList, Command, Conversation, Delivery, Event, Read as _, Setting, Table, Time};

fn do_it(world: &mut World, name: &'static str, command: Command) {
    world.command(name, command);
    world.settle();
    assert_eq!(world.count(name, |event| matches!(event, Event::Failed { .. })), 0);
}

#[test]
fn what_is_set_on_one_device_holds_on_all_and_on_later_ones() {
    let mut world = linked();
    let (bob, with) = (world.account("bob"), world.conversation("bob"));
    let set = |change| Command::SetChat { conversation: with, change };
    do_it(&mut world, "alice", set(ChatChange::Archived(true)));
    do_it(&mut world, "alice2", set(ChatChange::Pinned(true)));
    do_it(&mut world, "alice2", set(ChatChange::MutedUntil(u64::MAX)));
    do_it(&mut world, "alice", Command::SetContactName { account: bob, name: "Bobby".into() });
    do_it(&mut world, "alice2", Command::SetSetting { key: "theme".into(), value: Some("dark".into()) });
    let list = BroadcastList { id: [7; 16], name: "friends".into(), members: vec![bob] };
    do_it(&mut world, "alice2", Command::SetList { list: list.clone() });
    let star = world.history("alice", "bob")[0].key;
    do_it(&mut world, "alice", Command::SetStarred { message: star, starred: true });
    world.link("alice3", "alice", HistoryRange::None);
    for name in ["alice", "alice2", "alice3"] {
        let user = &world.users[name];
        let (client, db) = (&user.client, &user.db);
        let chat = client.chat_state(db, with).unwrap();
        assert!(chat.archived && chat.pinned && chat.muted_until_ms == u64::MAX, "{name}");
        assert_eq!(client.contact_name(db, bob).unwrap().as_deref(), Some("Bobby"), "{name}");
        assert_eq!(client.setting(db, "theme").unwrap().as_deref(), Some("dark"), "{name}");
        assert_eq!(client.settings(db).unwrap(), [("theme".to_string(), "dark".to_string())], "{name}");
        assert!(client.lists(db).unwrap() == [list.clone()], "{name}");
        assert!(client.starred(db).unwrap() == [star], "{name}");
    }
    do_it(&mut world, "alice3", Command::SetSetting { key: "theme".into(), value: None });
    do_it(&mut world, "alice3", Command::DeleteList { list: [7; 16] });
    for name in ["alice", "alice2"] {
        let user = &world.users[name];
        assert_eq!(user.client.settings(&user.db).unwrap().len(), 0, "{name}");
        assert_eq!(user.client.lists(&user.db).unwrap().len(), 0, "{name}");
    }
    world.assert_at_rest();
}

#[test]
fn what_a_device_has_set_before_it_went_comes_to_all_who_stay() {
    let mut world = linked();
    world.link("alice3", "alice", HistoryRange::None);
    let setting = |value: &str| Command::SetSetting { key: "theme".into(), value: Some(value.into()) };
    do_it(&mut world, "alice", setting("light"));
    // The phone cannot read it, and whoever could say it again is gone by then.
    world.offline("alice");
    do_it(&mut world, "alice3", setting("dark"));
    spoil_mailbox(&mut world, "alice");
    let three = world.device("alice3").device;
    world.command("alice2", Command::RemoveDevice { device: three });
    world.settle();
    let theme = |world: &World, name: &str| {
        let user = &world.users[name];
        user.client.setting(&user.db, "theme").unwrap()
    };
    assert_eq!(theme(&world, "alice2").as_deref(), Some("dark"));
    world.online("alice");
    world.advance(60_000);
    assert_eq!(theme(&world, "alice").as_deref(), Some("dark"));
}

#[test]
fn what_is_set_without_a_connection_is_told_later_and_the_last_writer_wins() {
    let mut world = linked();
    let name = |name: &str, world: &World| Command::SetContactName {
        account: world.account("bob"),
        name: name.into(),
    };
    world.offline("alice");
    world.offline("alice2");
    let first = name("first", &world);
    world.command("alice", first);
    world.advance(1_000);
    let second = name("second", &world);
    world.command("alice2", second);
    world.online("alice2");
    world.online("alice");
    let bob = world.account("bob");
    for device in ["alice", "alice2"] {
        let user = &world.users[device];
        assert_eq!(user.client.contact_name(&user.db, bob).unwrap().as_deref(), Some("second"), "{device}");
    }
}

#[test]
fn deleted_messages_are_gone_everywhere_and_stay_so() {
    let mut world = linked();
    world.offline("alice2");
    world.send("bob", "alice", "delete me");
    world.send("bob", "alice", "keep me");
    let gone = world.history("alice", "bob").into_iter().rev().nth(1).unwrap().key;
    do_it(&mut world, "alice", Command::DeleteMessages { messages: vec![gone] });
    assert_eq!(world.arrived("alice", "bob"), ["b0", "keep me"]);
    world.online("alice2");
    assert_eq!(world.arrived("alice2", "bob"), ["b0", "keep me"]);
}

#[test]
fn what_was_deleted_before_it_came_does_not_come() {
    let mut world = linked();
    // The second device hears that a message was deleted before it hears of the message.
    let bob = world.users["bob"].client.address().unwrap();
    let key = crate::MessageKey { from: bob, id: waxwing_wire::MessageId(7) };
    let entry = StateEntry {
        key: StateKey::Deleted(key).bytes().into(),
        value: Some(Bytes::from_static(&[1])),
        at: world.now,
        device: DeviceId::PRIMARY,
    };
    let user = world.users.get_mut("alice2").unwrap();
    let mut turn = Turn::new(Time(1), &mut user.rng, &user.db);
    user.client.state_arrived(&mut turn, &[entry]).unwrap();
    let with = Conversation::Account(bob.account);
    assert!(crate::state::is_deleted(&turn.store, &key, with, u64::MAX).unwrap());
    let other = crate::MessageKey { from: bob, id: waxwing_wire::MessageId(8) };
    assert!(!crate::state::is_deleted(&turn.store, &other, with, u64::MAX).unwrap());
}

#[test]
fn a_cleared_conversation_is_empty_on_all_devices() {
    let mut world = linked();
    world.offline("alice2");
    world.send("bob", "alice", "before");
    world.advance(1_000);
    let with = world.conversation("bob");
    do_it(&mut world, "alice", Command::SetChat { conversation: with, change: ChatChange::Cleared });
    world.advance(1_000);
    world.send("bob", "alice", "after");
    world.online("alice2");
    for name in ["alice", "alice2"] {
        assert_eq!(world.arrived(name, "bob"), ["after"], "{name}");
        assert_eq!(world.count(name, |event| matches!(event, Event::Gap { .. })), 0, "{name}");
    }
    assert_eq!(world.written("bob", "alice"), ["b0 ✓✓", "before ✓✓", "after ✓✓"]);
}

#[test]
fn nothing_is_taken_from_whoever_is_blocked_and_nothing_told() {
    let mut world = linked();
    let bob = world.account("bob");
    do_it(&mut world, "alice2", Command::SetBlocked { account: bob, blocked: true });
    world.send("bob", "alice", "let me in");
    world.offline("alice");
    world.send("bob", "alice", "hello?");
    world.online("alice");
    world.read_all("alice", "bob");
    for name in ["alice", "alice2"] {
        assert_eq!(world.arrived(name, "bob"), ["b0"], "{name}");
        let user = &world.users[name];
        assert!(user.client.is_blocked(&user.db, bob).unwrap(), "{name}");
    }
    assert_eq!(world.written("bob", "alice"), ["b0 ✓✓", "let me in ✓", "hello? ✓"], "one tick, whatever");
    world.assert_at_rest();
    do_it(&mut world, "alice", Command::SetBlocked { account: bob, blocked: false });
    world.send("bob", "alice", "thanks");
    for name in ["alice", "alice2"] {
        assert_eq!(world.arrived(name, "bob"), ["b0", "thanks"], "{name}");
        assert_eq!(world.count(name, |event| matches!(event, Event::Gap { .. })), 0, "{name}");
    }
}

#[test]
fn a_broadcast_goes_to_each_alone() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    let members = vec![world.account("bob"), world.account("carol")];
    do_it(
        &mut world,
        "alice",
        Command::SetList { list: BroadcastList { id: [1; 16], name: "both".into(), members } },
    );
    do_it(&mut world, "alice", Command::SendToList { list: [1; 16], post: Box::new(Post::plain("to each")) });
    assert_eq!(world.arrived("bob", "alice"), ["to each"]);
    assert_eq!(world.arrived("carol", "alice"), ["to each"]);
    assert_eq!(world.written("alice", "bob"), ["to each ✓✓"]);
    let id = world
        .command("alice", Command::SendToList { list: [2; 16], post: Box::new(Post::plain("to nobody")) });
    let unknown = |event: &Event| matches!(event, Event::Failed { command, failure: crate::Failure::UnknownList } if *command == id);
    assert_eq!(world.count("alice", unknown), 1);
}

#[test]
fn keys_of_registers_are_read_as_they_are_written() {
    let account = AccountId([3; 16]);
    let group = waxwing_wire::GroupId([4; 16]);
    let from = waxwing_wire::DeviceAddress { account, device: DeviceId::new(9).unwrap() };
    let message = crate::MessageKey { from, id: waxwing_wire::MessageId(0x0102) };
    let keys = [
        StateKey::Archived(Conversation::Account(account)),
        StateKey::Pinned(Conversation::Group(group)),
        StateKey::Muted(Conversation::Account(account)),
        StateKey::Cleared(Conversation::Group(group)),
        StateKey::ContactName(account),
        StateKey::Blocked(account),
        StateKey::Starred(message),
        StateKey::Deleted(message),
        StateKey::List([5; 16]),
        StateKey::Setting("theme".into()),
        StateKey::DeviceName(DeviceId::PRIMARY),
        StateKey::Draft(Conversation::Account(account)),
        StateKey::Contact(account),
        StateKey::Given(account),
        StateKey::Privacy(Setting::Receipts),
        StateKey::Own(Own::LightKey),
    ];
    for (kind, key) in keys.into_iter().enumerate() {
        let bytes = key.bytes();
        assert_eq!(usize::from(bytes[0]), kind + 1, "the number of a kind stays");
        assert!(bytes.len() <= waxwing_wire::limits::MAX_STATE_KEY_BYTES);
        assert_eq!(StateKey::parse(&bytes), Some(key));
    }
    assert_eq!(StateKey::parse(&[99, 1]), None);
    assert_eq!(StateKey::parse(&[]), None);
}

/// Which register, what in it, when and by whom.
type Written = (usize, Option<Vec<u8>>, u64, u8);

fn written() -> impl Strategy<Value = Written> {
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..9));
    (0_usize..5, value, 0_u64..6, 1_u8..4)
}

fn entry((register, value, at, device): &Written) -> StateEntry {
    let account = Conversation::Account(AccountId([3; 16]));
    let keys = [
        StateKey::Archived(account),
        StateKey::Muted(account),
        StateKey::ContactName(AccountId([4; 16])),
        StateKey::Setting("a".into()),
        StateKey::Cleared(account),
    ];
    StateEntry {
        key: keys[*register].bytes().into(),
        value: value.clone().map(Bytes::from),
        at: *at,
        device: DeviceId::new(*device).unwrap(),
    }
}

fn merged(entries: &[Written]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut world = World::new();
    world.join("alice");
    let user = world.users.get_mut("alice").unwrap();
    for chunk in entries.chunks(3) {
        let mut turn = Turn::new(Time(1), &mut user.rng, &user.db);
        let chunk: Vec<StateEntry> = chunk.iter().map(entry).collect();
        user.client.state_arrived(&mut turn, &chunk).unwrap();
        let batch = turn.store.into_batch();
        user.db.apply(&batch);
    }
    let db: &MemoryDb = &user.db;
    db.rows(Table::State, &[], &[0xff; 65], 100).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_doubles_give_the_same_state(
        entries in prop::collection::vec(written(), 0..24),
        order in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let expected = merged(&entries);
        let mut shuffled = entries.clone();
        // Doubles, turned and mixed.
        shuffled.extend(entries.iter().take(order.index(entries.len() + 1)).cloned());
        let length = shuffled.len().max(1) as u64;
        for at in 0..shuffled.len() {
            let other = (seed.rotate_left(at as u32) % length) as usize;
            shuffled.swap(at, other);
        }
        prop_assert_eq!(merged(&shuffled), expected);
    }
}

#[test]
fn reads_of_messages_that_are_not_here_are_bounded() {
    let mut world = linked();
    let bob = world.users["bob"].client.address().unwrap();
    let user = world.users.get_mut("alice2").unwrap();
    for round in 0..50_u64 {
        let mut turn = Turn::new(Time(1), &mut user.rng, &user.db);
        for n in 0..100 {
            let key = crate::MessageKey { from: bob, id: waxwing_wire::MessageId(round * 1_000 + n + 1_000) };
            user.client.put_mark(&mut turn, key, bob.account, Delivery::Read).unwrap();
        }
        let batch = turn.store.into_batch();
        user.db.apply(&batch);
    }
    assert_eq!(user.db.count(Table::Mark), crate::limits::MAX_MARKS as usize);
}
