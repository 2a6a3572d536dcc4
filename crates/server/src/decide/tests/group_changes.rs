use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::PublicChange;
use waxwing_wire::limits::MAX_GROUP_MEMBERS;
use waxwing_wire::server_frame::Item;
use waxwing_wire::{AccountId, RejectCode};

use crate::Key;
use crate::limits::{BLOB_MARGIN_MS, RECENT_CHANGES, RETENTION_MS};
use crate::row::{MemberRow, Row};
use crate::world::groups::{GROUP, change_of};
use crate::world::{Device, World};

/// Alice has made a group with Bob and Carol; Dave is nobody to it.
fn four() -> (World, [Device; 4]) {
    let mut world = World::new();
    let people = [("alice", 1), ("bob", 2), ("carol", 3), ("dave", 4)];
    let people = people.map(|(name, number)| world.register(name, number));
    world.make_group(&people[0], &[&people[1], &people[2]]);
    (world, people)
}

fn nothing() -> PublicChange {
    PublicChange::default()
}

fn add(who: &[&Device]) -> PublicChange {
    PublicChange { add: accounts(who), ..nothing() }
}

fn remove(who: &[&Device]) -> PublicChange {
    PublicChange { remove: accounts(who), ..nothing() }
}

fn promote(who: &[&Device]) -> PublicChange {
    PublicChange { promote: accounts(who), ..nothing() }
}

fn accounts(who: &[&Device]) -> Vec<AccountId> {
    who.iter().map(|device| device.address.account).collect()
}

fn admins(world: &World) -> Vec<AccountId> {
    world.group().members.iter().filter(|member| member.admin).map(|member| member.account).collect()
}

#[test]
fn a_group_is_made_by_its_first_change() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let laptop = world.add_device(&alice, 3);
    let both = PublicChange { members_add: true, ..add(&[&alice, &bob]) };
    let wrong = [
        // Nobody makes a group without being in it, and its admin.
        PublicChange { promote: accounts(&[&bob]), ..add(&[&bob]) },
        both.clone(),
        PublicChange { remove: accounts(&[&bob]), promote: accounts(&[&alice]), ..both.clone() },
        PublicChange { promote: accounts(&[&alice]), ..add(&[&alice, &bob, &bob]) },
    ];
    let before = world.store.clone();
    for wrong in wrong {
        let refused = world.group_send(&alice, change_of(0, 1, wrong.clone())).unwrap_err();
        assert_eq!(refused.reject.code, RejectCode::Malformed, "{wrong:?}");
    }
    let stranger =
        PublicChange { add: vec![alice.address.account, AccountId([0xee; 16])], ..promote(&[&alice]) };
    let refused = world.group_send(&alice, change_of(0, 1, stranger)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::UnknownAccount);
    let early = world.group_send(&alice, change_of(1, 1, both.clone())).unwrap_err();
    assert_eq!(early.reject.code, RejectCode::UnknownGroup);
    assert_eq!(world.store, before);
    let good = PublicChange { promote: accounts(&[&alice]), ..both };
    world.group_send(&alice, change_of(0, 1, good.clone())).unwrap();
    let group = world.group();
    assert_eq!((group.epoch, group.members_add, group.link), (1, true, None));
    assert_eq!(group.pending, None);
    assert_eq!(admins(&world), [alice.address.account]);
    // Its maker's other devices learn of it, and others by a welcome of their own.
    assert_eq!(world.group_items(&laptop), [(1, 1)]);
    let items = world.items(laptop.address);
    let Item::Envelope(envelope) = &items[0].1 else { panic!("{items:?}") };
    assert_eq!(envelope.group.as_ref().unwrap().change, Some(good));
    assert!(world.group_items(&bob).is_empty());
}

#[test]
fn who_may_do_what() {
    let (mut world, [alice, bob, carol, dave]) = four();
    let link = Some([7; 32]);
    let (settings, link) =
        (PublicChange { members_add: true, ..nothing() }, PublicChange { link, ..nothing() });
    let demote = PublicChange { demote: accounts(&[&alice]), ..nothing() };
    let before = world.store.clone();
    let denied = [
        add(&[&dave]),
        remove(&[&carol]),
        remove(&[&bob, &carol]),
        promote(&[&bob]),
        demote.clone(),
        settings.clone(),
        link.clone(),
    ];
    for change in denied {
        let refused = world.group_send(&bob, change_of(1, 9, change.clone())).unwrap_err();
        assert_eq!(refused.reject.code, RejectCode::NotAllowed, "{change:?}");
    }
    let malformed = [
        add(&[&bob]),
        remove(&[&dave]),
        promote(&[&dave]),
        PublicChange { demote: accounts(&[&dave]), ..nothing() },
        PublicChange { remove: accounts(&[&dave]), ..add(&[&dave]) },
        add(&[&dave, &dave]),
    ];
    for change in malformed {
        let refused = world.group_send(&alice, change_of(1, 9, change.clone())).unwrap_err();
        assert_eq!(refused.reject.code, RejectCode::Malformed, "{change:?}");
    }
    assert_eq!(
        world.group_send(&dave, change_of(1, 9, add(&[&dave]))).unwrap_err().reject.code,
        RejectCode::UnknownGroup
    );
    assert_eq!(world.store, before);
    // An admin may everything.
    world.group_send(&alice, change_of(1, 10, promote(&[&bob]))).unwrap();
    assert_eq!(admins(&world).len(), 2);
    world.group_send(&bob, change_of(2, 11, demote)).unwrap();
    assert_eq!(admins(&world), [bob.address.account]);
    let both = PublicChange { link: link.link, ..settings };
    world.group_send(&bob, change_of(3, 12, both.clone())).unwrap();
    assert_eq!((world.group().members_add, world.group().link), (true, link.link));
    // Now members may add others, as long as they leave the rest as it is.
    let change = PublicChange { add: accounts(&[&dave]), ..both.clone() };
    let turned_off = PublicChange { members_add: false, ..change.clone() };
    let refused = world.group_send(&carol, change_of(4, 13, turned_off)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::NotAllowed);
    world.group_send(&carol, change_of(4, 13, change)).unwrap();
    assert_eq!(world.group().member(dave.address.account).unwrap().since, 5);
    // Anybody goes.
    world.group_send(&dave, change_of(5, 14, PublicChange { remove: accounts(&[&dave]), ..both })).unwrap();
    assert_eq!(world.members().len(), 3);
    world.check_store();
}

#[test]
fn a_change_goes_to_those_who_were_there_before_it() {
    let (mut world, [alice, bob, carol, dave]) = four();
    let laptop = world.add_device(&alice, 9);
    let change = PublicChange { remove: accounts(&[&carol]), ..add(&[&dave]) };
    world.group_send(&alice, change_of(1, 9, change.clone())).unwrap();
    for device in [&laptop, &bob, &carol] {
        assert_eq!(world.group_items(device), [(9, 2)]);
    }
    for device in [&alice, &dave] {
        assert_eq!(world.group_items(device), []);
    }
    let message = world.group_message(10);
    world.group_send(&alice, message).unwrap();
    assert_eq!(world.group_items(&carol), [(9, 2)]);
    assert_eq!(world.group_items(&dave), [(10, 2)]);
    let refused = world.group_send(&carol, world.group_message(11)).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::UnknownGroup, "who was removed sends no more");
}

#[test]
fn one_of_two_changes_of_the_same_epoch_is_taken() {
    let (mut world, [alice, bob, carol, _]) = four();
    world.group_send(&alice, change_of(1, 9, promote(&[&bob]))).unwrap();
    let refused = world.group_send(&carol, change_of(1, 10, remove(&[&carol]))).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::GroupMismatch);
    let view = refused.group.unwrap();
    assert_eq!((view.epoch, view.members.len()), (2, 3));
    world.group_send(&carol, change_of(2, 10, remove(&[&carol]))).unwrap();
    // A repeated one is known even though others came after it.
    let before = world.store.clone();
    world.group_send(&alice, change_of(1, 9, promote(&[&bob]))).unwrap();
    world.group_send(&carol, change_of(2, 10, remove(&[&carol]))).unwrap();
    assert_eq!(world.store, before);
    for id in 0..RECENT_CHANGES as u64 + 3 {
        world.group_send(&alice, change_of(3 + id, 20 + id, nothing())).unwrap();
    }
    assert_eq!(world.group().recent.len(), RECENT_CHANGES);
}

#[test]
fn a_change_that_was_cut_off_goes_before_everything_else() {
    for commits in 0..6 {
        for by in 0..3 {
            let (mut world, people) = four();
            let [alice, bob, carol, dave] = &people;
            let change = PublicChange { remove: accounts(&[carol]), ..add(&[dave]) };
            world.commits_left = Some(commits);
            let answer = world.try_group_send(alice, change_of(1, 9, change.clone()));
            world.restart();
            world.check_store();
            if commits == 0 {
                assert_eq!(world.group().epoch, 1);
                continue;
            }
            assert_eq!(world.group().epoch, 2);
            assert_eq!(world.group().pending.is_some(), answer.is_none());
            match by {
                // Its maker repeats it.
                0 => drop(world.group_send(alice, change_of(1, 9, change)).unwrap()),
                // A newcomer writes, or a member that knows of the change already.
                1 => drop(world.group_send(dave, world.group_message(10)).unwrap()),
                // A member that does not is told of it.
                _ => {
                    let refused = world.group_send(bob, change_of(1, 10, remove(&[bob]))).unwrap_err();
                    assert_eq!(refused.reject.code, RejectCode::GroupMismatch);
                }
            }
            assert_eq!(world.group().pending, None);
            for device in [bob, carol] {
                assert_eq!(world.group_items(device)[0], (9, 2), "the change comes first");
            }
            assert!(world.group_items(dave).iter().all(|(id, _)| *id != 9), "a newcomer does not get it");
            world.check_store();
            // Afterwards it is known when it is repeated.
            let change = PublicChange { remove: accounts(&[carol]), ..add(&[dave]) };
            world.group_send(alice, change_of(1, 9, change)).unwrap();
            assert_eq!(world.group_items(bob).iter().filter(|(id, _)| *id == 9).count(), 1);
        }
    }
}

#[test]
fn a_change_whose_ciphertext_has_gone_holds_nothing_up() {
    let (mut world, [alice, bob, carol, _]) = four();
    world.commits_left = Some(1);
    assert!(world.try_group_send(&alice, change_of(1, 9, promote(&[&bob]))).is_none());
    world.restart();
    world.now.0 += RETENTION_MS + BLOB_MARGIN_MS;
    world.sweep();
    assert_eq!(world.blobs(), [0; 0]);
    world.group_send(&carol, GroupSend { epoch: 2, ..world.group_message(10) }).unwrap();
    assert_eq!(world.group().pending, None);
    assert_eq!(world.group_items(&bob), [(10, 2)]);
}

#[test]
fn whoever_waits_behind_a_change_is_answered_when_it_fails() {
    let (mut world, [alice, bob, ..]) = four();
    world.commits_left = Some(1);
    assert!(world.try_group_send(&alice, change_of(1, 9, promote(&[&bob]))).is_none());
    world.restart();
    world.disk_full = true;
    let refused = world.group_send(&bob, world.group_message(10)).unwrap_err();
    assert_eq!((refused.id.0, refused.reject.code), (10, RejectCode::StorageFull));
    world.group_send(&bob, world.group_message(10)).unwrap();
    assert_eq!(world.group().pending, None);
    assert_eq!(world.group_items(&bob), [(9, 2)]);
}

#[test]
fn a_group_ends_with_its_last_member() {
    let (mut world, [alice, bob, carol, _]) = four();
    world.group_send(&alice, change_of(1, 9, remove(&[&bob, &carol]))).unwrap();
    world.group_send(&alice, change_of(2, 10, remove(&[&alice]))).unwrap();
    assert_eq!(world.row(Key::Group(GROUP)), None);
    let refused = world.group_send(&alice, change_of(3, 11, add(&[&alice]))).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::UnknownGroup);
    // The same with another device to tell.
    let laptop = world.add_device(&alice, 9);
    world.make_group(&alice, &[]);
    world.group_send(&alice, change_of(1, 12, remove(&[&alice]))).unwrap();
    assert_eq!(world.row(Key::Group(GROUP)), None);
    assert_eq!(world.group_items(&laptop), [(1_000, 1), (12, 2)]);
    // What is left of it goes when it is stored, even though there is no group any more.
    for device in [&laptop, &bob, &carol] {
        world.stored(device.address, u64::MAX);
    }
    assert_eq!(world.blobs(), [0; 0]);
    world.check_store();
}

#[test]
fn a_group_has_room_for_so_many() {
    let (mut world, [alice, _, _, dave]) = four();
    let mut row = world.group();
    let more = (0..MAX_GROUP_MEMBERS as u128 - 3).map(|number| MemberRow {
        account: AccountId((1 + number).to_be_bytes()),
        admin: false,
        since: 1,
    });
    row.members.extend(more);
    row.members.sort_by_key(|member| member.account);
    world.put(Key::Group(GROUP), Row::Group(row));
    let refused = world.group_send(&alice, change_of(1, 9, add(&[&dave]))).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::TooMany);
    // One for another.
    let gone = vec![AccountId(1_u128.to_be_bytes())];
    let change = PublicChange { remove: gone, ..add(&[&dave]) };
    world.group_send(&alice, change_of(1, 9, change)).unwrap();
    assert_eq!(world.members().len(), MAX_GROUP_MEMBERS);
}
