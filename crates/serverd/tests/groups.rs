//! Messages to groups through the real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::{Device, Members, Server, Way, eventually, message, message_id, receipt_ids, register_many};
use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::group::{GroupToken, PublicChange};
use waxwing_wire::server_frame::{Entry, Item, ResponseBody};
use waxwing_wire::{AccountId, EnvelopeKind, MessageId, RejectCode};

/// Group epoch and length of the ciphertext, when the entry is a message to a group.
fn group_message(entry: &Entry) -> Option<(u64, usize)> {
    let Item::Envelope(envelope) = &entry.item else { return None };
    assert_eq!(envelope.kind, EnvelopeKind::SenderKey);
    Some((envelope.group.as_ref()?.epoch, envelope.ciphertext.len()))
}

#[test]
fn one_upload_reaches_all_devices_of_all_members_and_is_kept_once() {
    let server = Server::start(&["--sweep-seconds", "1"]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut carol = Device::register(server.address, &invitation, "carol");
    let mut a1 = alice.connect(server.address, Way::Tcp).unwrap();
    let mut laptop = alice.link(server.address, &mut a1);
    let mut a2 = laptop.connect(server.address, Way::WebSocket).unwrap();
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();

    let mut group = Members::new(1, [&alice, &bob, &carol]);
    a1.group_send(vec![group.make(1, alice.address.account)]).unwrap();
    a1.accepted(MessageId(1)).unwrap();
    // Who was not in the group before a change does not get it; the maker's other device does.
    let made = a2.entry().unwrap();
    assert_eq!((message_id(&made), group_message(&made)), (Some(1), Some((1, 100))));

    b.group_send(vec![group.message(2, 30_000)]).unwrap();
    b.accepted(MessageId(2)).unwrap();
    for client in [&mut a1, &mut a2] {
        let entry = client.entry().unwrap();
        assert_eq!((message_id(&entry), group_message(&entry)), (Some(2), Some((1, 30_000))));
        client.store(entry.seq).unwrap();
        assert_eq!(receipt_ids(&b.entry().unwrap()), [2]);
    }
    // Once the two have it, it waits for the third, whose device comes when the server was started again.
    assert_eq!(server.stat("group_messages"), 2);
    assert_eq!(server.stat("group_references"), 1 + 3);
    eventually("one message is kept", || server.stat("blobs") == 1);
    let server = server.restart_after_kill(&["--sweep-seconds", "1"]);
    let mut c = carol.connect(server.address, Way::Tcp).unwrap();
    let entry = c.entry().unwrap();
    assert_eq!((message_id(&entry), group_message(&entry)), (Some(2), Some((1, 30_000))));
    c.store(entry.seq).unwrap();
    eventually("nothing is kept", || server.stat("blobs_deleted") == 1);
    eventually("and the look through the store says so", || server.stat("blobs") == 0);
}

#[test]
fn whoever_sees_the_group_differently_is_told_how_it_is() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut mallory = Device::register(server.address, &invitation, "mallory");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    let mut group = Members::new(2, [&alice, &bob]);
    let token = GroupToken([6; 16]);
    let mut make = group.make(1, alice.address.account);
    make.change.as_mut().unwrap().link = Some(token.hash());
    a.group_send(vec![make]).unwrap();
    a.accepted(MessageId(1)).unwrap();

    // Alice has a second device that bob does not know of.
    let outdated = group.clone();
    alice.link(server.address, &mut a);
    b.group_send(vec![outdated.message(2, 10)]).unwrap();
    let refused = b.refused().unwrap();
    assert_eq!((refused.id, refused.reject.code), (MessageId(2), RejectCode::GroupMismatch));
    let view = refused.group.unwrap();
    assert_eq!((view.epoch, view.members.len()), (1, 2));
    group.members.insert(alice.address.account, alice.list.clone());
    b.group_send(vec![group.message(2, 10)]).unwrap();
    b.accepted(MessageId(2)).unwrap();

    let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
    m.group_send(vec![group.message(3, 10)]).unwrap();
    assert_eq!(m.refused().unwrap().reject.code, RejectCode::UnknownGroup);
    let add = PublicChange { add: vec![mallory.address.account], ..PublicChange::default() };
    let mut change = group.message(4, 10);
    change.change = Some(add);
    b.group_send(vec![change.clone()]).unwrap();
    assert_eq!(b.refused().unwrap().reject.code, RejectCode::NotAllowed);
    let found = m.ask(RequestBody::FindGroup(group.group, token));
    assert_eq!(found, ResponseBody::GroupFound(vec![alice.address.account]));
    a.group_send(vec![change]).unwrap();
    a.accepted(MessageId(4)).unwrap();
}

#[test]
fn a_large_fan_out_takes_several_commits_and_what_follows_it_does_not_overtake() {
    const MEMBERS: usize = 600;
    let server = Server::start(&["--io-threads", "2"]);
    let mut members = register_many(&server, MEMBERS);
    let address = server.address;
    let mut sender = members[0].connect(address, Way::Tcp).unwrap();
    let accounts: Vec<AccountId> = members.iter().map(|device| device.address.account).collect();
    // The last to be served.
    let last = (1..MEMBERS).max_by_key(|place| accounts[*place]).unwrap();
    let mut reader = members[last].connect(address, Way::Tcp).unwrap();
    let mut group = Members::new(3, &members);
    sender.group_send(vec![group.make(1, accounts[0])]).unwrap();
    sender.accepted(MessageId(1)).unwrap();

    let commits = server.stat("commits");
    let frame = ClientFrame {
        group_sends: vec![group.message(2, 100), group.message(3, 100)],
        ..ClientFrame::default()
    };
    sender.connection.send(&frame).unwrap();
    sender.send(vec![message(accounts[last], 4, 10)]).unwrap();
    for id in [2, 3, 4] {
        let entry = reader.entry().unwrap();
        assert_eq!(message_id(&entry), Some(id));
    }
    for id in [2, 3, 4] {
        sender.accepted(MessageId(id)).unwrap();
    }
    assert!(server.stat("commits") - commits > 3, "one commit carries no more than a part");
    assert_eq!(server.stat("group_references"), 2 * (MEMBERS as u64 - 1));
    // From a page: read once from the disk, however many fetch it.
    let server = server.restart_after_kill(&[]);
    for member in members.iter_mut().take(20).skip(1) {
        let mut client = member.connect(server.address, Way::Tcp).unwrap();
        assert_eq!(
            [client.entry().unwrap(), client.entry().unwrap()].map(|e| message_id(&e)),
            [Some(2), Some(3)]
        );
    }
}
