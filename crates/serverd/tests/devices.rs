//! Linking, device lists and removal through the real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::{
    Connection, Device, REGISTRATION_ID, Server, Way, complete_link, eventually, message, message_id,
    offer_link, receipt_ids, rng, signed,
};
use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::devices::LinkReference;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::{DeviceState, ResponseBody};
use waxwing_wire::{DeviceId, MessageId, RejectCode};

fn devices(answer: ResponseBody) -> Vec<DeviceState> {
    let ResponseBody::Devices { devices, .. } = answer else { panic!("{answer:?}") };
    devices
}

#[test]
fn a_linked_device_gets_what_its_account_gets() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut a1 = alice.connect(server.address, Way::Tcp).unwrap();
    let mut laptop = alice.link(server.address, &mut a1);
    assert_eq!(laptop.address.device.number(), 2);
    let mut a2 = laptop.connect(server.address, Way::WebSocket).unwrap();
    assert_eq!(server.stat("devices_linked"), 1);

    // A message for one device only is refused, and says which one is missing.
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    let mut send = message(alice.address.account, 1, 10);
    b.send(vec![send.clone()]).unwrap();
    let refused = b.refused().unwrap();
    assert_eq!(refused.reject.code, RejectCode::DeviceMismatch);
    assert_eq!(refused.mismatch.missing, [laptop.address.device]);
    let mut copy = send.copies[0].clone();
    copy.device = laptop.address.device;
    send.copies.push(copy);
    b.send(vec![send]).unwrap();
    b.accepted(MessageId(1)).unwrap();
    assert_eq!(message_id(&a1.entry().unwrap()), Some(1));
    assert_eq!(message_id(&a2.entry().unwrap()), Some(1));

    // The other device of an account hears of what the one has sent.
    a2.store(1).unwrap();
    assert_eq!(receipt_ids(&b.entry().unwrap()), [1]);
    a2.send(vec![message(bob.address.account, 2, 10)]).unwrap();
    let entry = b.entry().unwrap();
    assert_eq!(message_id(&entry), Some(2));
    b.store(entry.seq).unwrap();
    for client in [&mut a1, &mut a2] {
        assert_eq!(receipt_ids(&client.entry().unwrap()), [2]);
    }

    // Only the own account learns when and from where its devices were seen.
    let seen = devices(b.ask(RequestBody::FetchDevices(alice.address.account)));
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|device| device.place.is_empty() && device.last_seen_ms == 0));
    let own = devices(a1.ask(RequestBody::FetchDevices(alice.address.account)));
    assert!(own.iter().all(|device| device.place == "127.0.0.1" && device.last_seen_ms > 0), "{own:?}");
}

#[test]
fn an_offer_waits_and_can_be_repeated_at_every_step() {
    let server = Server::start(&["--guest-seconds", "1"]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let reference = LinkReference([7; 16]);
    let key = StaticKey::generate(&mut rng());
    let open = || Connection::open(server.address, Way::Tcp, &key, Some(invitation.server)).unwrap();
    let mut first = open();
    first.send(&offer_link(reference)).unwrap();
    eventually("the offer is there", || {
        matches!(a.ask(RequestBody::FetchLink(reference)), ResponseBody::LinkOffered(_))
    });
    // The connection breaks, and another waits longer than a guest without an offer may.
    drop(first);
    let mut second = open();
    second.send(&offer_link(reference)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    // A stranger cannot wait under the same reference.
    let other = StaticKey::generate(&mut rng());
    let mut other = Connection::open(server.address, Way::Tcp, &other, Some(invitation.server)).unwrap();
    other.send(&offer_link(reference)).unwrap();
    let answer = other.receive().unwrap().responses.remove(0).what;
    assert!(matches!(&answer, ResponseBody::Reject(r) if r.code == RejectCode::NotAllowed), "{answer:?}");

    for _ in 0..2 {
        a.connection.send(&alice.approve_link(reference)).unwrap();
        assert_eq!(a.response().unwrap(), ResponseBody::Done);
    }
    let linked = second.receive().unwrap().responses.remove(0).what;
    assert!(matches!(&linked, ResponseBody::Linked { list, .. } if *list == signed(&alice.next_list())));
    // The answer was lost, and it is asked again; then the same with the last step.
    let mut third = open();
    third.send(&offer_link(reference)).unwrap();
    assert_eq!(third.receive().unwrap().responses.remove(0).what, linked);
    let server = server.restart_after_kill(&[]);
    for _ in 0..2 {
        let mut again = Connection::open(server.address, Way::Tcp, &key, Some(invitation.server)).unwrap();
        again.send(&complete_link(reference)).unwrap();
        let answer = again.receive().unwrap().responses.remove(0).what;
        assert!(matches!(answer, ResponseBody::Registered(address) if address.device.number() == 2));
    }
    // Whoever has an account does not get another.
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.connection.send(&offer_link(LinkReference([8; 16]))).unwrap();
    let answer = a.response().unwrap();
    assert!(matches!(&answer, ResponseBody::Reject(r) if r.code == RejectCode::Malformed), "{answer:?}");
}

#[test]
fn a_guest_that_offers_nothing_is_still_sent_away() {
    let server = Server::start(&["--guest-seconds", "1"]);
    let key = StaticKey::generate(&mut rng());
    let mut guest = Connection::open(server.address, Way::Tcp, &key, None).unwrap();
    assert_eq!(guest.receive().unwrap().goodbye.unwrap().code, RejectCode::NotRegistered);
}

#[test]
fn a_removed_device_is_cut_off_at_once_and_leaves_nothing_behind() {
    let server = Server::start(&["--sweep-seconds", "1"]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut a1 = alice.connect(server.address, Way::Tcp).unwrap();
    let mut laptop = alice.link(server.address, &mut a1);
    let mut phone = alice.link(server.address, &mut a1);
    let mut a2 = laptop.connect(server.address, Way::Tcp).unwrap();
    let mut a3 = phone.connect(server.address, Way::WebSocket).unwrap();

    // A companion cannot remove the primary; any other it can.
    let answer = a2.ask(RequestBody::RemoveDevice(DeviceId::PRIMARY));
    assert!(matches!(&answer, ResponseBody::Reject(r) if r.code == RejectCode::NotAllowed), "{answer:?}");
    assert_eq!(a2.ask(RequestBody::RemoveDevice(phone.address.device)), ResponseBody::Done);
    assert_eq!(a3.goodbye().unwrap().code, RejectCode::NotRegistered);
    assert!(a3.connection.receive().is_err());
    let mut again = Connection::open(server.address, Way::Tcp, &phone.key, Some(phone.server)).unwrap();
    let hello =
        waxwing_wire::client_frame::Hello { version: waxwing_wire::WIRE_VERSION, lease: 9, stored: 0 };
    again.send(&ClientFrame { hello: Some(hello), ..ClientFrame::default() }).unwrap();
    assert_eq!(again.receive().unwrap().goodbye.unwrap().code, RejectCode::NotRegistered);

    // A list without the other one does the same.
    let mut list = alice.list.clone();
    list.version += 1;
    list.devices.retain(|device| device.device == DeviceId::PRIMARY);
    assert_eq!(a1.ask(RequestBody::PublishDeviceList(signed(&list))), ResponseBody::Done);
    assert_eq!(a2.goodbye().unwrap().code, RejectCode::NotRegistered);
    assert_eq!(server.stat("devices_removed"), 2);
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    b.send(vec![message(alice.address.account, 1, 5)]).unwrap();
    b.accepted(MessageId(1)).unwrap();
    assert_eq!(message_id(&a1.entry().unwrap()), Some(1));
    eventually("two mailboxes are left", || server.stat("mailboxes") == 2);
}

#[test]
fn a_removal_that_a_crash_has_cut_is_finished_by_the_sweep() {
    // So many that clearing the mailbox away takes several commits.
    const MESSAGES: u64 = 9_000;
    let flags = ["--sweep-seconds", "1", "--send-burst", "100000"];
    let mut server = Server::start(&flags);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let bob = Device::register(server.address, &invitation, "bob");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut laptop = alice.link(server.address, &mut a);
    drop(laptop.connect(server.address, Way::Tcp).unwrap());
    for ids in (1..=MESSAGES).collect::<Vec<_>>().chunks(100) {
        // To the own other device, silent: so that nothing but its mailbox grows.
        let mut sends: Vec<_> = ids.iter().map(|id| message(alice.address.account, *id, 5)).collect();
        for send in &mut sends {
            send.silent = true;
            send.copies[0].device = laptop.address.device;
        }
        a.send(sends).unwrap();
        ids.iter().for_each(|id| a.accepted(MessageId(*id)).unwrap());
    }
    a.connection.send(&support::request(RequestBody::RemoveDevice(laptop.address.device))).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(4));
    server.kill();
    let server = server.start_again(&flags);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    if devices(a.ask(RequestBody::FetchDevices(alice.address.account))).len() > 1 {
        assert_eq!(a.ask(RequestBody::RemoveDevice(laptop.address.device)), ResponseBody::Done);
    }
    // Bob never connected: he has no mailbox yet.
    assert_eq!(bob.address.device, DeviceId::PRIMARY);
    eventually("one mailbox is left", || server.stat("mailboxes") == 1);
    assert!(laptop.connect(server.address, Way::Tcp).is_err(), "its credential is gone");
}

#[test]
fn a_forwarded_address_counts_only_where_the_operator_says_so() {
    for (flags, expected) in [(&[][..], "127.0.0.1"), (&["--trust-forwarded-for"][..], "192.0.2.77")] {
        let server = Server::start(flags);
        let invitation = server.invite();
        let mut alice = Device::register(server.address, &invitation, "alice");
        let mut a = alice.connect_forwarded(server.address, "198.51.100.9, 192.0.2.77").unwrap();
        let own = devices(a.ask(RequestBody::FetchDevices(alice.address.account)));
        assert_eq!((own.len(), own[0].place.as_str()), (1, expected));
        assert_eq!(own[0].registration_id, REGISTRATION_ID);
    }
}
