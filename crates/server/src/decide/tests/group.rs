use bytes::Bytes;
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::{GroupToken, PublicChange, view_digest};
use waxwing_wire::limits::{MAX_APPROVERS, MAX_CIPHERTEXT_BYTES, MAX_GROUP_MEMBERS};
use waxwing_wire::server_frame::{Item, ResponseBody};
use waxwing_wire::{AccountId, EnvelopeKind, MessageId, RejectCode};

use crate::limits::{BLOB_MARGIN_MS, RETENTION_MS};
use crate::row::Row;
use crate::world::groups::{GROUP, change_of};
use crate::world::{Device, World, message_to};
use crate::{Command, Key, Origin};

/// Alice has made a group with Bob and Carol. Alice and Bob have two devices. All have mailboxes.
struct People {
    world: World,
    alice: Device,
    laptop: Device,
    bob: Device,
    tablet: Device,
    carol: Device,
}

fn people() -> People {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.register("alice", 1), world.register("bob", 2));
    let mut carol = world.register("carol", 3);
    let (mut laptop, mut tablet) = (world.add_device(&alice, 4), world.add_device(&bob, 5));
    for device in [&mut alice, &mut laptop, &mut bob, &mut tablet, &mut carol] {
        let conn = world.connect(device, 0);
        world.disconnect(conn);
    }
    world.make_group(&alice, &[&bob, &carol]);
    world.stored(laptop.address, 1);
    world.stored(alice.address, 1);
    People { world, alice, laptop, bob, tablet, carol }
}

impl People {
    fn everybody(&self) -> [&Device; 5] {
        [&self.alice, &self.laptop, &self.bob, &self.tablet, &self.carol]
    }

    fn items(&self) -> [Vec<(u64, u64)>; 5] {
        self.everybody().map(|device| self.world.group_items(device))
    }

    fn all_store(&mut self) {
        for address in self.everybody().map(|device| device.address) {
            self.world.stored(address, u64::MAX);
        }
    }
}

#[test]
fn a_message_reaches_all_devices_of_all_members_and_is_kept_once() {
    let mut people = people();
    assert_eq!(people.world.blobs(), [0; 0], "what made the group is stored by all");
    let message = people.world.group_message(7);
    people.world.group_send(&people.bob, message.clone()).unwrap();
    let there = vec![(7, 1)];
    assert_eq!(people.items(), [there.clone(), there.clone(), vec![], there.clone(), there]);
    assert_eq!(people.world.blobs(), [4]);
    let items = people.world.items(people.carol.address);
    let Item::Envelope(envelope) = &items[0].1 else { panic!("{items:?}") };
    assert_eq!((envelope.from, envelope.kind), (people.bob.address, EnvelopeKind::SenderKey));
    assert_eq!((&envelope.ciphertext, envelope.silent), (&message.ciphertext, false));
    assert_eq!(envelope.accepted_at_ms, people.world.now.0);
    let of = envelope.group.as_ref().unwrap();
    assert_eq!((of.group, of.epoch, &of.change), (GROUP, 1, &None));
    // What is in the mailboxes is small.
    let large = GroupSend { ciphertext: vec![1; 40_000].into(), ..people.world.group_message(8) };
    people.world.group_send(&people.bob, large).unwrap();
    assert!(people.world.store.entries().all(|(_, _, bytes)| bytes.len() < 100));
    people.world.check_store();
    // Each device's word counts for both of the sender's.
    people.world.stored(people.carol.address, 2);
    for device in [&people.bob, &people.tablet] {
        let receipts = people.world.receipts(device.address);
        assert_eq!(receipts.len(), 1);
        assert_eq!((receipts[0].by, receipts[0].sent_by), (people.carol.address, people.bob.address.device));
        assert_eq!(receipts[0].ids, [MessageId(7), MessageId(8)]);
    }
    assert_eq!(people.world.blobs(), [3, 3]);
    people.all_store();
    assert_eq!(people.world.blobs(), [0; 0], "a blob goes with its last reference");
    assert!(people.world.store.rows().all(|(key, _)| !matches!(key, Key::Blob(_))));
    people.world.check_store();
}

#[test]
fn a_view_that_differs_is_refused_with_the_server_s() {
    let mut people = people();
    let good = people.world.group_message(7);
    let before = people.world.store.clone();
    let wrong = GroupSend { view: [1; 32], ..good.clone() };
    let refused = people.world.group_send(&people.bob, wrong).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::GroupMismatch);
    let view = refused.group.unwrap();
    assert_eq!(view.epoch, 1);
    let members: Vec<AccountId> = view.members.iter().map(|member| member.account).collect();
    assert_eq!(members, people.world.members());
    let admins = view.members.iter().filter(|member| member.admin).map(|member| member.account);
    assert_eq!(admins.collect::<Vec<_>>(), [people.alice.address.account]);
    let digests = view.members.iter().map(|member| (member.account, member.digest));
    assert_eq!(view_digest(digests), good.view, "what it is told is what it must say");
    for epoch in [0, 2] {
        let other = GroupSend { epoch, ..good.clone() };
        let refused = people.world.group_send(&people.bob, other).unwrap_err();
        assert_eq!(refused.reject.code, RejectCode::GroupMismatch);
        assert_eq!(refused.group.unwrap(), view);
    }
    assert_eq!(people.world.store, before);
    // Another device of a member, a list without change, and an expired list change the view.
    let phone = people.world.add_device(&people.carol, 6);
    let refused = people.world.group_send(&people.bob, good.clone()).unwrap_err();
    assert_ne!(refused.group.unwrap(), view);
    let good = people.world.group_message(7);
    people.world.group_send(&people.bob, good).unwrap();
    assert_eq!(people.world.group_items(&phone), [(7, 1)]);
    let good = people.world.group_message(8);
    people.world.now.0 += crate::world::LIST_MS;
    let refused = people.world.group_send(&people.bob, good).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::GroupMismatch);
    let good = people.world.group_message(8);
    people.world.group_send(&people.bob, good).unwrap();
    let there = people.items().map(|items| items.contains(&(8, 1)));
    assert_eq!(there, [true, false, false, false, true], "primaries remain");
}

#[test]
fn only_members_send() {
    let mut people = people();
    let dave = people.world.register("dave", 9);
    let message = people.world.group_message(7);
    let refused = people.world.group_send(&dave, message.clone()).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::UnknownGroup);
    assert_eq!(refused.group, None, "and nobody else learns who is in it");
    let other = GroupSend { group: waxwing_wire::GroupId([1; 16]), ..message };
    let refused = people.world.group_send(&people.alice, other).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::UnknownGroup);
}

#[test]
fn a_resend_is_accepted_and_appended_once() {
    let mut people = people();
    let message = people.world.group_message(7);
    let conn = people.world.connect(&mut people.bob.clone(), 0);
    let from = people.bob.address;
    for _ in 0..3 {
        let send = Box::new(message.clone());
        people.world.run(Command::GroupSend { conn, from, send });
    }
    people.world.group_send(&people.bob, message.clone()).unwrap();
    assert_eq!(people.world.group_items(&people.carol), [(7, 1)]);
    assert_eq!(people.world.blobs(), [4], "what a repeated run reserved is given back");
    people.world.check_store();
    // Another attempt is another message to the server.
    people.world.group_send(&people.bob, GroupSend { attempt: 1, ..message }).unwrap();
    assert_eq!(people.world.group_items(&people.carol).len(), 2);
    people.all_store();
    assert_eq!(people.world.blobs(), [0; 0]);
    assert_eq!(people.world.store.dedupe().count(), 0);
}

#[test]
fn a_fan_out_that_was_cut_off_is_finished_by_a_resend() {
    let mut commits = 0;
    loop {
        let mut people = people();
        let message = people.world.group_message(7);
        people.world.commits_left = Some(commits);
        let bob = people.bob.clone();
        let answer = people.world.try_group_send(&bob, message.clone());
        people.world.restart();
        people.world.check_store();
        if commits == 2 {
            // Somebody reads what is there; the group goes on, and gets a new member.
            people.all_store();
            let dave = people.world.register("dave", 9);
            let add = PublicChange { add: vec![dave.address.account], ..PublicChange::default() };
            people.world.group_send(&people.alice, change_of(1, 8, add)).unwrap();
            people.world.group_send(&people.bob, message).unwrap();
            assert_eq!(people.world.group_items(&dave), [], "it was sent before it came");
        } else {
            people.world.group_send(&people.bob, message).unwrap();
        }
        people.world.check_store();
        for device in [&people.alice, &people.laptop, &people.tablet, &people.carol] {
            let there = people.world.group_items(device).contains(&(7, 1));
            let read = commits == 2;
            assert!(there || read, "{device:?} after {commits}");
        }
        people.all_store();
        let left = people.world.blobs();
        assert!(left.len() <= usize::from(answer.is_none()), "only what was cut off leaves a blob: {left:?}");
        people.world.now.0 += RETENTION_MS + BLOB_MARGIN_MS - 1;
        people.world.sweep();
        assert_eq!(people.world.blobs(), left, "one millisecond too early");
        people.world.now.0 += 1;
        people.world.sweep();
        assert_eq!(people.world.blobs(), [0; 0]);
        people.world.check_store();
        if answer.is_some() {
            break;
        }
        commits += 1;
    }
    assert_eq!(commits, 5, "the message, three accounts, and that it is everywhere");
}

#[test]
fn a_message_without_anybody_to_get_it_is_accepted() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    world.make_group(&alice, &[]);
    assert_eq!(world.members(), [alice.address.account]);
    let before = world.store.clone();
    let message = world.group_message(7);
    world.group_send(&alice, message).unwrap();
    assert_eq!(world.store, before, "there is nothing to keep");
}

#[test]
fn whoever_is_connected_gets_the_whole_message_at_once() {
    let mut people = people();
    let mut carol = people.carol.clone();
    let conn = people.world.connect(&mut carol, 0);
    let message = people.world.group_message(7);
    people.world.group_send(&people.bob, message.clone()).unwrap();
    let live = people.world.out[&conn].entries.clone();
    assert_eq!(live.len(), 1);
    people.world.disconnect(conn);
    let conn = people.world.connect(&mut carol, 0);
    assert_eq!(people.world.out[&conn].entries, live, "and the same from the store");
    let Item::Envelope(envelope) = Item::decode(live[0].1.clone()).unwrap() else { panic!() };
    assert_eq!(envelope.ciphertext, message.ciphertext);
}

#[test]
fn silent_messages_earn_nothing_and_expired_ones_are_told() {
    let mut people = people();
    let silent = GroupSend { silent: true, ..people.world.group_message(7) };
    people.world.group_send(&people.bob, silent).unwrap();
    let message = people.world.group_message(8);
    people.world.group_send(&people.bob, message).unwrap();
    people.world.stored(people.carol.address, 1);
    assert!(people.world.receipts(people.bob.address).is_empty());
    people.world.now.0 += RETENTION_MS;
    people.world.run(Command::Expire { mailbox: people.carol.address });
    let receipts = people.world.receipts(people.bob.address);
    assert!(receipts[0].expired && receipts[0].ids == [MessageId(8)]);
    assert_eq!(people.world.blobs(), [3, 3]);
    people.world.check_store();
    people.world.sweep();
    assert_eq!(people.world.blobs(), [0; 0], "every mailbox has given its references back");
}

#[test]
fn references_have_more_room_than_messages_but_not_endless() {
    let mut people = people();
    people.world.settings.mailbox_entries = 2;
    for id in 1..=2 {
        people.world.send(&people.alice, message_to(&people.carol, id)).unwrap();
    }
    for id in 11..=13 {
        let message = people.world.group_message(id);
        people.world.group_send(&people.alice, message).unwrap();
    }
    assert_eq!(people.world.group_items(&people.carol), [(11, 1), (12, 1)]);
    assert_eq!(people.world.mailbox(people.carol.address).skipped, 1);
    assert_eq!(people.world.group_items(&people.bob).len(), 3, "the others have room");
    people.world.check_store();
    let mut counts = people.world.blobs();
    counts.sort_unstable();
    assert_eq!(counts, [3, 4, 4]);
}

#[test]
fn an_entry_must_fit_into_a_frame() {
    let mut people = people();
    let ciphertext = Bytes::from(vec![1; MAX_CIPHERTEXT_BYTES]);
    let add: Vec<AccountId> = (0..MAX_GROUP_MEMBERS - 3).map(nobody).collect();
    for account in &add {
        put_account(&mut people.world, *account, &people.carol);
    }
    let change = PublicChange { add, ..PublicChange::default() };
    let large = GroupSend { ciphertext, ..change_of(1, 7, change.clone()) };
    let refused = people.world.group_send(&people.alice, large).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::TooLarge);
    people.world.group_send(&people.alice, change_of(1, 7, change)).unwrap();
}

fn nobody(number: usize) -> AccountId {
    AccountId((1 + number as u128).to_be_bytes())
}

/// An account like another, past the core.
fn put_account(world: &mut World, account: AccountId, like: &Device) {
    let row = world.account(like.address.account);
    world.put(Key::Account(account), Row::Account(row));
}

#[test]
fn the_largest_group_gets_its_message() {
    let mut people = people();
    let add: Vec<AccountId> = (0..MAX_GROUP_MEMBERS - 3).map(nobody).collect();
    for account in &add {
        put_account(&mut people.world, *account, &people.carol);
    }
    let change = PublicChange { add: add.clone(), ..PublicChange::default() };
    people.world.group_send(&people.alice, change_of(1, 7, change)).unwrap();
    let message = people.world.group_message(8);
    people.world.group_send(&people.alice, message).unwrap();
    let device = people.carol.address.device;
    for account in add {
        let mailbox = waxwing_wire::DeviceAddress { account, device };
        assert_eq!(people.world.mailbox(mailbox).last, 1);
    }
    let mut counts = people.world.blobs();
    counts.sort_unstable();
    assert_eq!(counts, [4, MAX_GROUP_MEMBERS as u64 + 1], "the change went to those before it");
    people.world.check_store();
    // Its view fits into a frame.
    let wrong = GroupSend { view: [0; 32], ..people.world.group_message(9) };
    let refused = people.world.group_send(&people.alice, wrong).unwrap_err();
    let frame = waxwing_wire::server_frame::ServerFrame { refused: vec![*refused], ..Default::default() };
    assert!(frame.encode().len() < waxwing_wire::limits::MAX_PLAINTEXT_BYTES * 2 / 3);
}

#[test]
fn a_link_leads_to_the_admins() {
    let mut people = people();
    let token = GroupToken([5; 16]);
    let find = |world: &mut World, token| {
        let answer = world.ask(|origin: Origin| Command::FindGroup { origin, group: GROUP, token });
        match answer {
            ResponseBody::GroupFound(approvers) => Ok(approvers),
            ResponseBody::Reject(reject) => Err(reject.code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(find(&mut people.world, token), Err(RejectCode::UnknownGroup), "there is no link");
    let link = PublicChange { link: Some(token.hash()), ..PublicChange::default() };
    people.world.group_send(&people.alice, change_of(1, 7, link)).unwrap();
    assert_eq!(find(&mut people.world, token), Ok(vec![people.alice.address.account]));
    assert_eq!(find(&mut people.world, GroupToken([6; 16])), Err(RejectCode::UnknownGroup));
    let add: Vec<AccountId> = (0..MAX_APPROVERS + 3).map(nobody).collect();
    for account in &add {
        put_account(&mut people.world, *account, &people.carol);
    }
    let many =
        PublicChange { promote: add.clone(), add, link: Some(token.hash()), ..PublicChange::default() };
    people.world.group_send(&people.alice, change_of(2, 8, many)).unwrap();
    assert_eq!(find(&mut people.world, token).unwrap().len(), MAX_APPROVERS);
    people.world.group_send(&people.alice, change_of(3, 9, PublicChange::default())).unwrap();
    assert_eq!(find(&mut people.world, token), Err(RejectCode::UnknownGroup), "the link was taken back");
}

#[test]
fn only_members_learn_how_far_a_group_is() {
    let mut people = people();
    let ask = |world: &mut World, account| match world.ask(|origin: Origin| Command::FetchGroupEpoch {
        origin,
        account,
        group: GROUP,
    }) {
        ResponseBody::GroupEpoch(epoch) => Ok(epoch),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    };
    let (bob, carol) = (people.bob.address.account, people.carol.address.account);
    assert_eq!(ask(&mut people.world, bob), Ok(1));
    let out = PublicChange { remove: vec![carol], ..PublicChange::default() };
    people.world.group_send(&people.alice, change_of(1, 7, out)).unwrap();
    assert_eq!(ask(&mut people.world, bob), Ok(2));
    assert_eq!(ask(&mut people.world, carol), Err(RejectCode::UnknownGroup));
}

#[test]
fn conflicts_and_full_disks_lose_nothing() {
    let mut people = people();
    people.world.conflicts = 2;
    let message = people.world.group_message(7);
    people.world.group_send(&people.bob, message).unwrap();
    assert_eq!(people.world.blobs(), [4]);
    people.world.conflicts = 0;
    let message = people.world.group_message(8);
    for after in 0..4 {
        people.world.full_after = Some(after);
        let refused = people.world.group_send(&people.bob, message.clone()).unwrap_err();
        assert_eq!(refused.reject.code, RejectCode::StorageFull);
        people.world.check_store();
    }
    people.world.full_after = None;
    people.world.group_send(&people.bob, message).unwrap();
    let there = people.items().map(|items| items.contains(&(8, 1)));
    assert_eq!(there, [true, true, false, true, true]);
    people.world.check_store();
}
