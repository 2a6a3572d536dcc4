use bytes::Bytes;
use waxwing_wire::devices::{DeviceList, LinkReference, ListedDevice};
use waxwing_wire::limits::MAX_DEVICES;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{DeviceId, RejectCode};

use crate::limits::LINK_MS;
use crate::row::Row;
use crate::world::{Device, World, approve, completion, offer_of, registration, signed, stranger};
use crate::{Command, Key};

const REFERENCE: LinkReference = LinkReference([0x55; 16]);

fn fetch(world: &mut World) -> Result<Bytes, RejectCode> {
    match world.ask(|origin| Command::FetchLink { origin, reference: REFERENCE }) {
        ResponseBody::LinkOffered(offer) => Ok(offer),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

fn approved(world: &mut World, from: &Device, list: DeviceList) -> Result<(), RejectCode> {
    let (from, approve) = (from.address, approve(REFERENCE, list));
    match world.ask(|origin| Command::ApproveLink { origin, from, approve }) {
        ResponseBody::Done => Ok(()),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

fn completed(world: &mut World, device: &Device) -> Result<Device, RejectCode> {
    match world.complete(device, REFERENCE) {
        ResponseBody::Registered(address) => Ok(Device { address, ..device.clone() }),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

fn code(answers: &[ResponseBody]) -> RejectCode {
    match answers {
        [ResponseBody::Reject(reject)] => reject.code,
        other => panic!("{other:?}"),
    }
}

/// The sealed grant of `world::approve`.
fn linked(list: &DeviceList) -> ResponseBody {
    ResponseBody::Linked { list: signed(list), sealed: Bytes::from_static(b"a grant") }
}

/// A stranger's device that alice has approved, and that has not come yet.
fn approved_device() -> (World, Device, Device) {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let new = stranger(2);
    world.offer(&new, REFERENCE);
    let list = world.list_with(alice.address.account, &new);
    approved(&mut world, &alice, list).unwrap();
    (world, alice, new)
}

#[test]
fn a_device_is_offered_approved_and_comes_to_the_account() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let new = stranger(2);
    let conn = world.offer(&new, REFERENCE);
    assert!(world.answers(conn).is_empty(), "the answer waits for the approval");
    assert_eq!(fetch(&mut world), Ok(offer_of(&new)));
    let list = world.list_with(alice.address.account, &new);
    let before = world.account(alice.address.account);
    approved(&mut world, &alice, list.clone()).unwrap();
    assert_eq!(world.answers(conn), [linked(&list)]);
    assert_eq!(world.account(alice.address.account), before, "the account waits for the device");
    let mut new = completed(&mut world, &new).unwrap();
    assert_eq!((new.address.account, new.address.device.number()), (alice.address.account, 2));
    let row = world.account(alice.address.account);
    assert_eq!((row.list, row.list_version), (signed(&list), 2));
    let device = row.devices.last().unwrap();
    assert_eq!((device.key, device.identity, device.registration_id), (new.key, [2; 33], 2));
    assert_eq!((device.countersignature, device.linked_at_ms), (Some([2; 64]), world.now.0));
    let conn = world.connect(&mut new, 0);
    let welcome = world.welcome(conn);
    assert_eq!((welcome.address, welcome.list_version, welcome.devices), (new.address, 2, 2));
}

#[test]
fn whoever_lost_the_answer_asks_again() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let new = stranger(2);
    let first = world.offer(&new, REFERENCE);
    world.disconnect(first);
    let second = world.offer(&new, REFERENCE);
    let list = world.list_with(alice.address.account, &new);
    approved(&mut world, &alice, list.clone()).unwrap();
    assert!(world.answers(first).is_empty());
    assert_eq!(world.answers(second), [linked(&list)]);
    let store = world.store.clone();
    // After a restart nobody waits, and the answer is there.
    world.restart();
    let third = world.offer(&new, REFERENCE);
    assert_eq!(world.answers(third), [linked(&list)]);
    approved(&mut world, &alice, list.clone()).unwrap();
    assert_eq!(world.store, store);
    let there = completed(&mut world, &new).unwrap();
    let store = world.store.clone();
    assert_eq!(completed(&mut world, &new).unwrap().address, there.address);
    approved(&mut world, &alice, list).unwrap();
    assert_eq!(world.store, store, "nothing is written again");
    // Even when the offer has gone.
    world.now.0 += LINK_MS;
    world.sweep();
    assert_eq!(world.row(Key::Linking(REFERENCE)), None);
    assert_eq!(completed(&mut world, &new).unwrap().address, there.address);
}

#[test]
fn an_offer_belongs_to_its_key() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let (new, other) = (stranger(2), stranger(3));
    world.offer(&new, REFERENCE);
    let conn = world.offer(&other, REFERENCE);
    assert_eq!(code(&world.answers(conn)), RejectCode::NotAllowed);
    assert_eq!(fetch(&mut world), Ok(offer_of(&new)));
    // The same key may offer something else.
    let changed = Device { registration_id: 77, ..new.clone() };
    world.offer(&changed, REFERENCE);
    assert_eq!(fetch(&mut world), Ok(offer_of(&changed)));
    let list = world.list_with(alice.address.account, &changed);
    approved(&mut world, &alice, list.clone()).unwrap();
    assert_eq!(completed(&mut world, &other).unwrap_err(), RejectCode::LinkUnknown);
    assert_eq!(completed(&mut world, &new).unwrap_err(), RejectCode::Malformed, "as offered");
    // Another offer is not approved.
    world.offer(&new, REFERENCE);
    assert_eq!(completed(&mut world, &new).unwrap_err(), RejectCode::LinkUnknown);
    let list = DeviceList { version: list.version + 1, ..world.list_with(alice.address.account, &new) };
    approved(&mut world, &alice, list).unwrap();
    completed(&mut world, &new).unwrap();
    let conn = world.conn();
    let (origin, offer) = (crate::Origin { conn, request: 1 }, Bytes::from_static(b"nonsense"));
    world.run(Command::OfferLink { origin, key: other.key, reference: LinkReference([1; 16]), offer });
    assert_eq!(code(&world.answers(conn)), RejectCode::Malformed);
}

#[test]
fn offers_end() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let new = stranger(2);
    let conn = world.offer(&new, REFERENCE);
    let list = world.list_with(alice.address.account, &new);
    world.now.0 += LINK_MS - 1;
    world.sweep();
    assert!(fetch(&mut world).is_ok() && world.answers(conn).is_empty(), "one millisecond too early");
    world.now.0 += 1;
    assert_eq!(fetch(&mut world), Err(RejectCode::LinkUnknown));
    assert_eq!(approved(&mut world, &alice, list.clone()), Err(RejectCode::LinkUnknown));
    assert_eq!(completed(&mut world, &new).unwrap_err(), RejectCode::LinkUnknown);
    world.sweep();
    assert_eq!(code(&world.answers(conn)), RejectCode::LinkUnknown);
    assert_eq!(world.row(Key::Linking(REFERENCE)), None);
    // Somebody else may take the place, and an approval has its own ten minutes.
    let other = stranger(3);
    world.offer(&other, REFERENCE);
    world.now.0 += LINK_MS - 1;
    let list = world.list_with(alice.address.account, &other);
    approved(&mut world, &alice, list).unwrap();
    world.now.0 += LINK_MS - 1;
    completed(&mut world, &other).unwrap();
}

#[test]
fn only_the_primary_approves_and_only_what_fits() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 9));
    let tablet = world.add_device(&alice, 2);
    let new = stranger(3);
    let list = world.list_with(alice.address.account, &new);
    assert_eq!(approved(&mut world, &alice, list.clone()), Err(RejectCode::LinkUnknown));
    world.offer(&new, REFERENCE);
    assert_eq!(approved(&mut world, &tablet, list.clone()), Err(RejectCode::NotAllowed));
    let third = list.devices[2];
    let with_third = |third: &[ListedDevice]| {
        let mut list = list.clone();
        list.devices.truncate(2);
        list.devices.extend(third);
        list.next = 10;
        list
    };
    let device = |number| DeviceId::new(number).unwrap();
    let mut without_tablet = list.clone();
    without_tablet.devices.remove(1);
    let mut other_tablet = list.clone();
    other_tablet.devices[1].identity = [8; 33];
    let wrong = [
        with_third(&[]),
        with_third(&[third, ListedDevice { device: device(4), ..third }]),
        with_third(&[ListedDevice { device: device(4), ..third }]),
        with_third(&[ListedDevice { identity: [8; 33], ..third }]),
        with_third(&[ListedDevice { registration_id: 8, ..third }]),
        without_tablet,
        other_tablet,
    ];
    let before = world.store.clone();
    for wrong in wrong {
        assert_eq!(approved(&mut world, &alice, wrong.clone()), Err(RejectCode::Malformed), "{wrong:?}");
    }
    let old = DeviceList { version: 2, ..list.clone() };
    assert_eq!(approved(&mut world, &alice, old), Err(RejectCode::ListOutdated));
    assert_eq!(world.store, before);
    // Versions may be left out.
    approved(&mut world, &alice, DeviceList { version: 7, ..list }).unwrap();
    // Another account cannot take it over.
    let others = world.list_with(bob.address.account, &new);
    assert_eq!(approved(&mut world, &bob, others), Err(RejectCode::LinkUnknown));
    assert_eq!(completed(&mut world, &new).unwrap().address.account, alice.address.account);
}

#[test]
fn a_list_that_was_overtaken_is_not_taken() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let new = stranger(2);
    world.offer(&new, REFERENCE);
    let list = world.list_with(alice.address.account, &new);
    approved(&mut world, &alice, list.clone()).unwrap();
    // The primary gave up waiting and signed another.
    let (from, other) = (alice.address, Box::new(signed(&world.next_list(alice.address.account))));
    let answer = world.ask(|origin| Command::PublishDeviceList { origin, from, list: other });
    assert_eq!(answer, ResponseBody::Done);
    assert_eq!(completed(&mut world, &new).unwrap_err(), RejectCode::ListOutdated);
    assert_eq!(world.account(alice.address.account).devices.len(), 1);
    // It approves again, with a number that the list before has not given.
    world.offer(&new, REFERENCE);
    let list = world.list_with(alice.address.account, &new);
    approved(&mut world, &alice, list).unwrap();
    completed(&mut world, &new).unwrap();
}

#[test]
fn an_account_has_room_for_so_many_devices() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    for number in 2..=MAX_DEVICES as u8 {
        world.add_device(&alice, number);
    }
    let new = stranger(99);
    world.offer(&new, REFERENCE);
    let mut list = world.next_list(alice.address.account);
    let taken = list.devices.pop().unwrap();
    list.devices.push(ListedDevice { device: DeviceId::new(list.next).unwrap(), ..taken });
    list.next += 1;
    assert_eq!(approved(&mut world, &alice, list), Err(RejectCode::TooMany));
}

#[test]
fn a_reserved_number_is_no_account() {
    let (mut world, alice, new) = approved_device();
    world.commits_left = Some(1);
    let conn = world.conn();
    let origin = crate::Origin { conn, request: 1 };
    let complete = completion(&new, REFERENCE);
    world.run(Command::CompleteLink { origin, key: new.key, complete });
    assert!(world.dead);
    world.restart();
    let hello = waxwing_wire::client_frame::Hello { version: 1, lease: 1, stored: 0 };
    let conn = world.hello(new.key, hello);
    assert_eq!(world.goodbye(conn).code, RejectCode::NotRegistered);
    // The key may even become an account of its own, and nobody's name is touched by it.
    let bob = world.register("bob", 2);
    assert_ne!(bob.address.account, alice.address.account);
    assert_eq!(completed(&mut world, &new).unwrap().address, bob.address, "it has an account now");
    assert_eq!(world.account(alice.address.account).devices.len(), 1);
    // A companion has an account already.
    let tablet = world.add_device(&alice, 7);
    let (key, register) = (tablet.key, Box::new(registration("carol", 7)));
    let answer = world.ask(|origin| Command::Register { origin, key, register });
    assert_eq!(code(&[answer]), RejectCode::UsernameInvalid);
}

#[test]
fn a_new_device_brings_its_prekeys() {
    let (mut world, _, new) = approved_device();
    let mut complete = completion(&new, REFERENCE);
    complete.prekeys.last_resort = None;
    let key = new.key;
    let before = world.store.clone();
    let answer = world.ask(|origin| Command::CompleteLink { origin, key, complete });
    assert_eq!(code(&[answer]), RejectCode::Malformed);
    assert_eq!(world.store, before);
    let new = completed(&mut world, &new).unwrap();
    assert!(matches!(world.row(Key::Signed(new.address)), Some(Row::Signed(row)) if row.signed.id == 1));
}

#[test]
fn linking_that_was_cut_off_comes_to_the_same_end() {
    let mut ends = Vec::new();
    for commits in 0.. {
        let mut world = World::new();
        let alice = world.register("alice", 1);
        let new = stranger(2);
        let list = world.list_with(alice.address.account, &new);
        world.commits_left = Some(commits);
        let mut restarts = 0;
        // Each of the three says what it has to until it is answered.
        for _ in 0..2 {
            let conn = world.offer(&new, REFERENCE);
            let _ = world.answers(conn);
            let origin = crate::Origin { conn: world.conn(), request: 1 };
            let approve = approve(REFERENCE, list.clone());
            world.run(Command::ApproveLink { origin, from: alice.address, approve });
            let origin = crate::Origin { conn: world.conn(), request: 1 };
            let complete = completion(&new, REFERENCE);
            world.run(Command::CompleteLink { origin, key: new.key, complete });
            if world.dead {
                restarts += 1;
                world.restart();
            }
        }
        assert_eq!(completed(&mut world, &new).unwrap().address.device.number(), 2, "after {commits}");
        ends.push(world.store);
        if restarts == 0 {
            assert_eq!(commits, 5, "offer, approval, reservation, account, credential");
            break;
        }
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "every end is the same");
}

/// The device accepts the number that it was granted.
fn accepted(world: &mut World, device: &Device, number: u8) -> Result<u8, RejectCode> {
    let mut complete = completion(device, REFERENCE);
    complete.device = DeviceId::new(number);
    match world.ask(|origin| Command::CompleteLink { origin, key: device.key, complete }) {
        ResponseBody::Registered(address) => Ok(address.device.number()),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_approved_anew_under_another_number_is_not_what_a_device_accepts() {
    let (mut world, alice, new) = approved_device();
    // Another device comes meanwhile, and the first one is approved again, behind it.
    assert_eq!(world.add_device(&alice, 3).address.device.number(), 2);
    let list = world.list_with(alice.address.account, &new);
    approved(&mut world, &alice, list).unwrap();
    assert_eq!(accepted(&mut world, &new, 2), Err(RejectCode::LinkUnknown));
    assert_eq!(
        world.account(alice.address.account).devices.len(),
        2,
        "it is nothing that it has not countersigned"
    );
    assert_eq!(accepted(&mut world, &new, 3), Ok(3));
    assert_eq!(accepted(&mut world, &new, 3), Ok(3), "an answer may be lost");
    assert_eq!(accepted(&mut world, &new, 4), Err(RejectCode::LinkUnknown));
}

#[test]
fn a_device_that_has_come_is_not_approved_again() {
    // Cut off between the account's step and the credential's: the device is there, and has not heard of it.
    let (mut world, alice, new) = approved_device();
    world.commits_left = Some(2);
    let origin = crate::Origin { conn: world.conn(), request: 1 };
    let complete = completion(&new, REFERENCE);
    world.run(Command::CompleteLink { origin, key: new.key, complete });
    assert!(world.dead);
    world.restart();
    assert_eq!(world.account(alice.address.account).devices.len(), 2);
    let list = world.list_with(alice.address.account, &new);
    assert_eq!(approved(&mut world, &alice, list), Err(RejectCode::LinkUnknown));
    assert_eq!(accepted(&mut world, &new, 2), Ok(2));
    assert_eq!(world.account(alice.address.account).devices.len(), 2);
}

#[test]
fn linking_that_was_cut_off_late_is_finished_after_the_offer_has_ended() {
    for (commits, comes) in [(1, false), (2, true)] {
        let (mut world, alice, new) = approved_device();
        world.commits_left = Some(commits);
        let origin = crate::Origin { conn: world.conn(), request: 1 };
        let complete = completion(&new, REFERENCE);
        world.run(Command::CompleteLink { origin, key: new.key, complete });
        assert!(world.dead);
        world.restart();
        world.now.0 += LINK_MS;
        world.sweep();
        assert_eq!(world.account(alice.address.account).devices.len() == 2, comes);
        let end = completed(&mut world, &new);
        assert_eq!(end.as_ref().err(), (!comes).then_some(&RejectCode::LinkUnknown));
        if let Ok(mut new) = end {
            let conn = world.connect(&mut new, 0);
            world.welcome(conn);
        }
    }
}
