use waxwing_wire::limits::{MAX_ONE_TIME_KYBER_PREKEYS, MAX_ONE_TIME_PREKEYS};
use waxwing_wire::server_frame::{Bundle, ResponseBody};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, PrekeyUpload, PrekeysLeft, RejectCode, SignedPrekey};

use crate::Command;
use crate::world::{Device, World, kyber, one_time};

fn fetch(world: &mut World, device: &Device) -> Vec<Bundle> {
    fetch_named(world, device, &[])
}

/// Somebody else fetches.
fn fetch_named(world: &mut World, device: &Device, named: &[DeviceId]) -> Vec<Bundle> {
    let asker = DeviceAddress { account: AccountId([0xaa; 16]), device: DeviceId::PRIMARY };
    fetch_as(world, asker, device, named)
}

fn fetch_as(world: &mut World, asker: DeviceAddress, device: &Device, named: &[DeviceId]) -> Vec<Bundle> {
    let (account, named) = (device.address.account, named.to_vec());
    let list = world.account(account).list;
    match world.ask(|origin| Command::FetchBundles { origin, asker, account, named }) {
        ResponseBody::Bundles { list: given, bundles } => {
            assert_eq!(given, list, "bundles come with the list");
            bundles
        }
        other => panic!("{other:?}"),
    }
}

fn publish(world: &mut World, device: &Device, upload: PrekeyUpload) -> Result<PrekeysLeft, RejectCode> {
    let upload = Box::new(upload);
    match world.ask(|origin| Command::PublishPrekeys { origin, address: device.address, upload }) {
        ResponseBody::Published(left) => Ok(left),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

/// Ids of the one-time prekeys in the only bundle.
fn ids(bundles: &[Bundle]) -> (Option<u32>, u32) {
    let [bundle] = bundles else { panic!("one device") };
    (bundle.one_time.as_ref().map(|prekey| prekey.id), bundle.kyber.id)
}

#[test]
fn prekeys_are_given_out_once_and_then_the_last_resort() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let first = fetch(&mut world, &alice);
    assert_eq!((first[0].device, first[0].registration_id), (alice.address.device, 1));
    assert_eq!((first[0].identity, first[0].signed.id), ([1; 33], 1));
    assert_eq!(ids(&first), (Some(1), 1));
    assert_eq!(ids(&fetch(&mut world, &alice)), (Some(2), 1_000));
    let store = world.store.clone();
    assert_eq!(ids(&fetch(&mut world, &alice)), (None, 1_000));
    assert_eq!(world.store, store, "nothing left, nothing written");
    let nobody = AccountId([0; 16]);
    let (asker, named) = (alice.address, Vec::new());
    let answer = world.ask(|origin| Command::FetchBundles { origin, asker, account: nobody, named });
    assert!(matches!(answer, ResponseBody::Reject(reject) if reject.code == RejectCode::UnknownAccount));
}

#[test]
fn every_device_has_its_bundle() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let tablet = world.add_device(&alice, 2);
    publish(&mut world, &tablet, one_time(2, 5..=5, 6..=6)).unwrap();
    let bundles = fetch(&mut world, &alice);
    let devices: Vec<_> = bundles.iter().map(|bundle| (bundle.device, bundle.kyber.id)).collect();
    assert_eq!(devices, [(alice.address.device, 1), (tablet.address.device, 6)]);
    // Devices that changed between the two halves of a fetch are looked at again.
    let conn = world.conn();
    let (account, devices) = (alice.address.account, vec![alice.address.device]);
    let origin = crate::Origin { conn, request: 1 };
    let asker = DeviceAddress { account: AccountId([0xaa; 16]), device: DeviceId::PRIMARY };
    world.run(Command::TakePrekeys { origin, asker, account, named: Vec::new(), devices });
    let [crate::Piece::Response(response)] = world.out[&conn].pieces.as_slice() else { panic!() };
    assert!(matches!(&response.what, ResponseBody::Bundles { bundles, .. } if bundles.len() == 2));
}

#[test]
fn bundles_are_given_for_the_devices_that_are_named() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let (tablet, desktop) = (world.add_device(&alice, 2), world.add_device(&alice, 3));
    let devices =
        |bundles: Vec<Bundle>| -> Vec<DeviceId> { bundles.into_iter().map(|bundle| bundle.device).collect() };
    let unknown = DeviceId::new(99).unwrap();
    let named = fetch_named(&mut world, &alice, &[desktop.address.device, unknown]);
    assert_eq!(named[0].countersignature, Some([3; 64]));
    assert_eq!(devices(named), [desktop.address.device], "unknown ones are left out");
    let all = fetch(&mut world, &alice);
    assert_eq!(all[0].countersignature, None, "the primary has none");
    assert_eq!(devices(all), [1, 2, 3].map(|number| DeviceId::new(number).unwrap()));
    let own = fetch_as(&mut world, tablet.address, &alice, &[]);
    assert_eq!(devices(own), [alice.address.device, desktop.address.device], "never a device's own");
    let own = fetch_as(&mut world, tablet.address, &alice, &[tablet.address.device]);
    assert_eq!(devices(own), []);
    // An expired list vouches for the primary only.
    world.now.0 += crate::world::LIST_MS;
    assert_eq!(devices(fetch(&mut world, &alice)), [alice.address.device]);
}

#[test]
fn publishing_adds_and_replaces() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let mut upload = one_time(1, 3..=4, 2..=2);
    upload.signed = Some(SignedPrekey { id: 2, key: [8; 33], signature: [8; 64] });
    upload.last_resort = Some(kyber(1, 1_001));
    let left = publish(&mut world, &alice, upload).unwrap();
    assert_eq!(left, PrekeysLeft { one_time: 4, one_time_kyber: 2 });
    let bundles = fetch(&mut world, &alice);
    assert_eq!((bundles[0].signed.id, ids(&bundles)), (2, (Some(1), 1)), "the oldest go first");
    let upload = PrekeyUpload { replace: true, ..one_time(1, 20..=20, []) };
    let left = publish(&mut world, &alice, upload).unwrap();
    assert_eq!(left, PrekeysLeft { one_time: 1, one_time_kyber: 0 });
    assert_eq!(ids(&fetch(&mut world, &alice)), (Some(20), 1_001));
}

#[test]
fn a_repeated_upload_brings_nothing_back() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    for replace in [false, true] {
        let start = if replace { 200 } else { 100 };
        let upload = PrekeyUpload { replace, ..one_time(1, start..start + 10, start..start + 5) };
        publish(&mut world, &alice, upload.clone()).unwrap();
        let mut given = Vec::new();
        for _ in 0..6 {
            given.push(ids(&fetch(&mut world, &alice)));
        }
        let left = publish(&mut world, &alice, upload).unwrap();
        for _ in 0..left.one_time {
            given.push(ids(&fetch(&mut world, &alice)));
        }
        let mut one_time_ids: Vec<u32> = given.iter().filter_map(|(id, _)| *id).collect();
        let count = one_time_ids.len();
        one_time_ids.dedup();
        assert_eq!(one_time_ids.len(), count, "{given:?}");
        let mut kyber_ids: Vec<u32> = given.iter().map(|(_, id)| *id).filter(|id| *id < 1_000).collect();
        let count = kyber_ids.len();
        kyber_ids.sort_unstable();
        kyber_ids.dedup();
        assert_eq!(kyber_ids.len(), count, "{given:?}");
    }
}

#[test]
fn a_key_made_anew_takes_the_place_of_its_number() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    publish(&mut world, &alice, one_time(77, 1..=1, [])).unwrap();
    assert_eq!(fetch(&mut world, &alice)[0].one_time, one_time(77, 1..=1, []).one_time.pop());
    // And even a number that was given out can be used for a new key.
    publish(&mut world, &alice, one_time(78, 1..=1, [])).unwrap();
    assert_eq!(fetch(&mut world, &alice)[0].one_time.as_ref().map(|prekey| prekey.id), Some(2));
    assert_eq!(fetch(&mut world, &alice)[0].one_time, one_time(78, 1..=1, []).one_time.pop());
}

#[test]
fn pools_are_bounded() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let all = MAX_ONE_TIME_PREKEYS as u32;
    let left = publish(&mut world, &alice, one_time(1, 1..=all, [])).unwrap();
    assert_eq!(left.one_time, all);
    let before = world.store.clone();
    let mut surplus = one_time(1, all + 1..=all + 1, [9]);
    surplus.last_resort = Some(kyber(1, 5));
    assert_eq!(publish(&mut world, &alice, surplus), Err(RejectCode::TooLarge));
    let surplus = one_time(1, [], 1..=MAX_ONE_TIME_KYBER_PREKEYS as u32 + 1);
    assert_eq!(publish(&mut world, &alice, surplus), Err(RejectCode::TooLarge));
    assert_eq!(world.store, before, "an upload is taken as a whole or not at all");
    // Repeating a full upload is no surplus.
    assert_eq!(publish(&mut world, &alice, one_time(1, 1..=all, [])).unwrap(), left);
    let mut gone = alice.clone();
    gone.address.device = waxwing_wire::DeviceId::new(50).unwrap();
    assert_eq!(publish(&mut world, &gone, one_time(1, [5], [])), Err(RejectCode::NotRegistered));
}

#[test]
fn what_was_taken_is_remembered_within_bounds() {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    for round in 0..3_u32 {
        let start = 1_000 * (round + 1);
        let upload = PrekeyUpload {
            replace: true,
            ..one_time(1, start..start + MAX_ONE_TIME_PREKEYS as u32, start..start + 50)
        };
        publish(&mut world, &alice, upload).unwrap();
        for _ in 0..MAX_ONE_TIME_PREKEYS {
            fetch(&mut world, &alice);
        }
    }
    for kind in [crate::PoolKind::OneTime, crate::PoolKind::Kyber] {
        match world.row(crate::Key::Pool(alice.address, kind)) {
            Some(crate::Row::Pool(row)) => assert_eq!((row.len(), row.taken.len()), (0, kind.max())),
            other => panic!("{other:?}"),
        }
    }
}
