use waxwing_wire::devices::{DeviceList, ListedDevice};
use waxwing_wire::server_frame::{DeviceState, ResponseBody};
use waxwing_wire::{AccountId, DeviceId, RejectCode};

use crate::row::Row;
use crate::world::groups::GROUP;
use crate::world::{BEGIN_MS, Device, LIST_MS, World, message, signed};
use crate::{Command, Key, PoolKind};

fn number(number: u8) -> DeviceId {
    DeviceId::new(number).unwrap()
}

fn devices(world: &mut World, asker: &Device, of: &Device) -> Vec<DeviceState> {
    let (asker, account) = (asker.address, of.address.account);
    let list = world.account(account).list;
    match world.ask(|origin| Command::FetchDevices { origin, asker, account }) {
        ResponseBody::Devices { list: given, devices } => {
            assert_eq!(given, list);
            devices
        }
        other => panic!("{other:?}"),
    }
}

fn publish(world: &mut World, from: &Device, list: &DeviceList) -> Result<(), RejectCode> {
    let list = Box::new(signed(list));
    done(world.ask(|origin| Command::PublishDeviceList { origin, from: from.address, list }))
}

fn remove(world: &mut World, from: &Device, device: DeviceId) -> Result<(), RejectCode> {
    done(world.ask(|origin| Command::RemoveDevice { origin, from: from.address, device }))
}

fn done(answer: ResponseBody) -> Result<(), RejectCode> {
    match answer {
        ResponseBody::Done => Ok(()),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

/// Nothing of the device is left but its old messages' senders.
fn assert_gone(world: &World, device: &Device) {
    let address = device.address;
    let pools = [PoolKind::OneTime, PoolKind::Kyber].map(|kind| Key::Pool(address, kind));
    let keys = [Key::Credential(device.key), Key::Mailbox(address), Key::Signed(address)];
    for key in keys.into_iter().chain(pools) {
        assert_eq!(world.row(key.clone()), None, "{key:?}");
    }
    assert!(world.store.entries().all(|(mailbox, ..)| mailbox != address));
    let account = world.account(address.account);
    assert!(account.device(address.device).is_none() && account.leaving.is_empty());
    if let Some(Row::Seen(row)) = world.row(Key::Seen(address.account)) {
        assert!(row.devices.iter().all(|seen| seen.device != address.device));
    }
}

#[test]
fn devices_are_told_to_anybody_and_their_use_to_their_own_account() {
    let mut world = World::new();
    let (mut alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    world.now.0 += 90 * 60_000;
    let tablet = world.add_device(&alice, 3);
    let linked_at_ms = world.now.0;
    let conn = world.connect(&mut alice, 0);
    let seen_ms = world.now.0 - world.now.0 % 3_600_000;
    let own = devices(&mut world, &tablet, &alice);
    assert_eq!(own.iter().map(|state| state.device).collect::<Vec<_>>(), [number(1), number(2)]);
    assert_eq!((own[0].last_seen_ms, own[0].place.as_str()), (seen_ms, "192.0.2.1"));
    assert_eq!((own[1].last_seen_ms, own[1].place.as_str()), (0, ""), "it was never connected");
    assert_eq!((own[0].linked_at_ms, own[1].linked_at_ms), (BEGIN_MS, linked_at_ms));
    assert_eq!((own[0].countersignature, own[1].countersignature), (None, Some([3; 64])));
    let others = devices(&mut world, &bob, &alice);
    assert_eq!(others[1].registration_id, tablet.registration_id);
    for state in others {
        assert_eq!((state.last_seen_ms, state.linked_at_ms, state.place.as_str()), (0, 0, ""));
    }
    // The end of a connection is seen as well, to the hour.
    world.now.0 += 3_600_000;
    world.disconnect(conn);
    assert_eq!(devices(&mut world, &alice, &alice)[0].last_seen_ms, seen_ms + 3_600_000);
    // Within the hour nothing is written.
    let before = world.row(Key::Seen(alice.address.account));
    world.now.0 += 1;
    let conn = world.connect(&mut alice, 0);
    world.disconnect(conn);
    assert_eq!(world.row(Key::Seen(alice.address.account)), before);
    // An expired list vouches for the primary only.
    world.now.0 += LIST_MS;
    assert_eq!(devices(&mut world, &bob, &alice).len(), 1);
    let (asker, account) = (bob.address, AccountId([0xee; 16]));
    let answer = world.ask(|origin| Command::FetchDevices { origin, asker, account });
    assert_eq!(done(answer), Err(RejectCode::UnknownAccount));
}

#[test]
fn places_are_cut_to_their_bound() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let conn = world.conn();
    let hello = waxwing_wire::client_frame::Hello { version: 1, lease: 1, stored: 0 };
    let place = "\u{fc}".repeat(40);
    world.run(Command::Attach { conn, key: alice.key, hello, place });
    world.welcome(conn);
    assert_eq!(devices(&mut world, &alice, &alice)[0].place, "\u{fc}".repeat(32));
}

#[test]
fn a_username_is_found_by_its_account() {
    let mut world = World::new();
    let alice = world.register("Alice", 1);
    let account = alice.address.account;
    let answer = world.ask(|origin| Command::FindUsername { origin, account });
    assert_eq!(answer, ResponseBody::Username("alice".to_owned()));
    let account = AccountId([0xee; 16]);
    let answer = world.ask(|origin| Command::FindUsername { origin, account });
    assert_eq!(done(answer), Err(RejectCode::UnknownAccount));
}

#[test]
fn a_new_list_replaces_the_one_before() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let tablet = world.add_device(&alice, 2);
    world.now.0 += 7 * 24 * 3_600_000;
    let list = world.next_list(alice.address.account);
    assert_eq!(list.version, 3);
    assert_eq!(publish(&mut world, &tablet, &list), Err(RejectCode::NotAllowed));
    publish(&mut world, &alice, &list).unwrap();
    let row = world.account(alice.address.account);
    assert_eq!((row.list_version, row.list_expires_ms), (3, world.now.0 + LIST_MS));
    assert_eq!((row.list, row.devices.len()), (signed(&list), 2));
    // A repeated one is there already, another of the same version is not.
    let before = world.store.clone();
    publish(&mut world, &alice, &list).unwrap();
    let other = DeviceList { expires_at_ms: 1, ..list.clone() };
    assert_eq!(publish(&mut world, &alice, &other), Err(RejectCode::ListOutdated));
    let older = DeviceList { version: 1, ..list };
    assert_eq!(publish(&mut world, &alice, &older), Err(RejectCode::ListOutdated));
    assert_eq!(world.store, before);
    assert_eq!(world.welcome_of(&alice).list_version, 3);
}

#[test]
fn a_list_can_only_take_devices_away() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    world.add_device(&alice, 2);
    let list = world.next_list(alice.address.account);
    let with = |at: usize, listed: ListedDevice| {
        let mut list = list.clone();
        list.devices[at] = listed;
        list
    };
    let [first, second] = list.devices[..] else { panic!() };
    let mut more = list.clone();
    more.devices.push(ListedDevice { device: number(3), ..second });
    more.next = 4;
    let mut fewer = list.clone();
    fewer.devices.pop();
    fewer.next = 2;
    let others = [
        more,
        with(1, ListedDevice { device: number(3), ..second }),
        with(1, ListedDevice { identity: [8; 33], ..second }),
        with(0, ListedDevice { registration_id: 8, ..first }),
        // The number 2 would be given again.
        fewer,
    ];
    let before = world.store.clone();
    for other in others {
        let other = DeviceList { next: other.next.max(2), ..other };
        assert_eq!(publish(&mut world, &alice, &other), Err(RejectCode::Malformed), "{other:?}");
    }
    assert_eq!(world.store, before);
}

#[test]
fn a_device_that_is_not_listed_any_more_is_removed() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let mut tablet = world.add_device(&alice, 2);
    let conn = world.connect(&mut tablet, 0);
    let mut list = world.next_list(alice.address.account);
    list.devices.pop();
    publish(&mut world, &alice, &list).unwrap();
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    assert_gone(&world, &tablet);
    let again = world.add_device(&alice, 3);
    assert_eq!(again.address.device, number(3), "numbers are not given twice");
}

#[test]
fn a_removed_device_is_cut_off_and_leaves_nothing() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let mut tablet = world.add_device(&alice, 3);
    let desktop = world.add_device(&alice, 4);
    world.make_group(&bob, &[&alice]);
    for id in 1..=700 {
        let to = [&alice, &tablet, &desktop];
        world.send(&bob, message(alice.address.account, &to, id)).unwrap();
    }
    let group_message = world.group_message(701);
    world.group_send(&bob, group_message).unwrap();
    let conn = world.connect(&mut tablet, 0);
    assert_eq!(remove(&mut world, &desktop, number(1)), Err(RejectCode::NotAllowed));
    remove(&mut world, &desktop, tablet.address.device).unwrap();
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    assert!(world.links.device(conn).is_none());
    assert_gone(&world, &tablet);
    world.check_store();
    assert_eq!(world.blobs(), [2], "its reference was given back");
    let conn = world.connect(&mut tablet, 0);
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    // Again, or about a device that never was: nothing is left to do.
    let before = world.store.clone();
    remove(&mut world, &desktop, tablet.address.device).unwrap();
    remove(&mut world, &desktop, number(99)).unwrap();
    assert_eq!(world.store, before);
    // What is sent now goes to the others, and the list still stands until the primary signs the next.
    let refused = world.send(&bob, message(alice.address.account, &[&alice, &tablet, &desktop], 9_000));
    assert_eq!(refused.unwrap_err().mismatch.extra, [tablet.address.device]);
    assert_eq!(world.account(alice.address.account).list_version, 3);
    // A device can remove itself.
    remove(&mut world, &desktop, desktop.address.device).unwrap();
    assert_gone(&world, &desktop);
    assert_eq!(remove(&mut world, &desktop, number(1)), Err(RejectCode::NotRegistered));
    assert_eq!(world.group().epoch, 1, "{GROUP:?} does not change by it");
}

#[test]
fn a_removal_that_was_cut_off_is_healed() {
    let make = || {
        let mut world = World::new();
        let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
        let mut tablet = world.add_device(&alice, 3);
        let conn = world.connect(&mut tablet, 0);
        world.disconnect(conn);
        for id in 1..=600 {
            world.send(&bob, message(alice.address.account, &[&alice, &tablet], id)).unwrap();
        }
        (world, alice, tablet)
    };
    let mut ends = Vec::new();
    for by_sweep in [false, true] {
        for commits in 0.. {
            let (mut world, alice, tablet) = make();
            world.commits_left = Some(commits);
            let conn = world.conn();
            let origin = crate::Origin { conn, request: 1 };
            let device = tablet.address.device;
            world.run(Command::RemoveDevice { origin, from: alice.address, device });
            let died = world.dead;
            world.restart();
            if commits > 0 {
                // It is cut off from the first commit on.
                assert!(world.account(alice.address.account).device(device).is_none());
            }
            if by_sweep && commits > 0 {
                world.sweep();
            } else {
                remove(&mut world, &alice, device).unwrap();
            }
            world.check_store();
            // The sweep begins at mailboxes: it is not needed once there is none.
            if !by_sweep || world.account(alice.address.account).leaving.is_empty() {
                assert_gone(&world, &tablet);
                ends.push(world.store);
            } else {
                assert_eq!(world.row(Key::Mailbox(tablet.address)), None);
                assert_eq!(world.row(Key::Credential(tablet.key)), None);
            }
            if !died {
                assert!(commits >= 5, "account, credential, two rounds and the mailbox, the end");
                break;
            }
        }
    }
    assert!(ends.len() > 8 && ends.iter().all(|end| *end == ends[0]), "every end is the same");
}

#[test]
fn what_crosses_a_removal_goes_with_the_sweep() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let tablet = world.add_device(&alice, 3);
    let send = Command::Send {
        conn: world.conn(),
        from: bob.address,
        send: message(alice.address.account, &[&alice, &tablet], 1),
    };
    // Decided over the account as it was, and committed after the device had gone.
    let view = crate::Store::load(&world.store, &crate::reads(&send)).unwrap();
    let step = crate::decide(&send, &view, world.now, &world.settings, &mut world.rng).unwrap();
    remove(&mut world, &alice, tablet.address.device).unwrap();
    let batch = step.batch.unwrap();
    let expected = view.expected(batch.shard);
    let stored = crate::Stored { batch, expected };
    assert_eq!(crate::Store::commit(&mut world.store, vec![stored]), [Ok(())]);
    assert_eq!(world.seqs(tablet.address), [1]);
    world.sweep();
    assert_gone(&world, &tablet);
    assert_eq!(world.seqs(alice.address), [1]);
    world.check_store();
}

#[test]
fn a_full_disk_answers_whoever_removes() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let tablet = world.add_device(&alice, 2);
    world.disk_full = true;
    assert_eq!(remove(&mut world, &alice, tablet.address.device), Err(RejectCode::StorageFull));
    // In the middle of the chain.
    world.disk_full = false;
    let mut list = world.next_list(alice.address.account);
    list.devices.pop();
    world.full_after = Some(1);
    assert_eq!(publish(&mut world, &alice, &list), Err(RejectCode::StorageFull));
    assert_eq!(world.account(alice.address.account).leaving.len(), 1);
    world.full_after = None;
    publish(&mut world, &alice, &list).unwrap();
    assert_gone(&world, &tablet);
}
