//! Messages through the real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::{
    Connection, Device, Server, Way, eventually, message, message_id, receipt_ids, register_request, request,
    rng,
};
use waxwing_wire::client_frame::{ClientFrame, Hello, RequestBody};
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{MessageId, RejectCode, WIRE_VERSION};

fn a_conversation(way: Way) {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut a = alice.connect(server.address, way).unwrap();
    let mut b = bob.connect(server.address, way).unwrap();

    a.connection.send(&request(RequestBody::FindAccount("Bob".into()))).unwrap();
    match a.response().unwrap() {
        ResponseBody::Found { account, .. } => assert_eq!(account, bob.address.account),
        other => panic!("{other:?}"),
    }
    a.connection.send(&request(RequestBody::FetchBundles(bob.address.account, Vec::new()))).unwrap();
    assert!(matches!(a.response().unwrap(), ResponseBody::Bundles { bundles, .. } if bundles.len() == 1));

    // Small and large, so that frames and messages are cut in several places.
    for (id, bytes) in [(1, 200), (2, 0), (3, 40_000), (4, 3)] {
        a.send(vec![message(bob.address.account, id, bytes)]).unwrap();
        a.accepted(MessageId(id)).unwrap();
        let entry = b.entry().unwrap();
        assert_eq!((entry.seq, message_id(&entry)), (id, Some(id)));
        b.store(entry.seq).unwrap();
        let receipt = a.entry().unwrap();
        assert_eq!((receipt.seq, receipt_ids(&receipt)), (id, vec![id]));
        a.store(receipt.seq).unwrap();
    }

    // A resend is acknowledged again; while the message waits it is not doubled.
    drop(b);
    a.send(vec![message(bob.address.account, 9, 10), message(bob.address.account, 9, 10)]).unwrap();
    a.accepted(MessageId(9)).unwrap();
    a.accepted(MessageId(9)).unwrap();
    bob.stored = 4;
    let mut b = bob.connect(server.address, way).unwrap();
    let entry = b.entry().unwrap();
    assert_eq!((entry.seq, message_id(&entry)), (5, Some(9)));
    b.connection.send(&ClientFrame { ping: Some(3), ..ClientFrame::default() }).unwrap();
    assert_eq!(b.until(|frame| frame.pong.take()).unwrap(), 3);
    assert!(b.frames.iter().all(|frame| frame.entries.is_empty()));
    assert_eq!(server.stat("messages_accepted"), 5);
}

#[test]
fn a_flood_of_sends_is_slowed_down_and_a_peer_that_does_not_read_is_dropped() {
    let server = Server::start(&["--send-burst", "10"]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let bob = Device::register(server.address, &invitation, "bob");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.send((1..=50).map(|id| message(bob.address.account, id, 5)).collect()).unwrap();
    let refused = a.until(|frame| (!frame.refused.is_empty()).then(|| frame.refused.remove(0))).unwrap();
    assert_eq!(refused.reject.code, RejectCode::RateLimited);
    assert!(refused.reject.retry_after_ms > 0);

    // Answers pile up until the server has had enough. The client's own socket blocks before that if the
    // server stops reading, which it must not do for want of room to write.
    let ping = ClientFrame { ping: Some(u32::MAX), ..ClientFrame::default() };
    while a.connection.send(&ping).is_ok() {}
    eventually("the connection is closed", || server.stat("slow_closed") == 1);
    assert_eq!(server.stat("connections"), 0);
}

#[test]
fn a_second_hello_ends_the_connection() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let hello = Some(Hello { version: WIRE_VERSION, lease: 9, stored: 0 });
    a.connection.send(&ClientFrame { hello, ..ClientFrame::default() }).unwrap();
    assert_eq!(a.goodbye().unwrap().code, RejectCode::Malformed);
    assert!(a.connection.receive().is_err());
}

#[test]
fn over_tcp() {
    a_conversation(Way::Tcp);
}

#[test]
fn over_websocket() {
    a_conversation(Way::WebSocket);
}

#[test]
fn a_long_backlog_arrives_in_order_in_windows() {
    const MESSAGES: u64 = 1_500;
    let server = Server::start(&["--send-burst", "100000"]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    // A device has a mailbox from its account on.
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    for ids in (1..=MESSAGES).collect::<Vec<_>>().chunks(50) {
        a.send(ids.iter().map(|id| message(bob.address.account, *id, 1_000)).collect()).unwrap();
        for id in ids {
            a.accepted(MessageId(*id)).unwrap();
        }
    }
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    for id in 1..=MESSAGES {
        let entry = b.entry().unwrap();
        assert_eq!((entry.seq, message_id(&entry)), (id, Some(id)));
        if id % 64 == 0 {
            b.store(id).unwrap();
        }
    }
}

#[test]
fn registration_is_repeatable_and_its_refusals_say_why() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let key = StaticKey::generate(&mut rng());
    let mut answers = Vec::new();
    for server_key in [Some(invitation.server), None] {
        let mut connection = Connection::open(server.address, Way::Tcp, &key, server_key).unwrap();
        connection.send(&register_request(&invitation, "carol")).unwrap();
        answers.push(connection.receive().unwrap().responses.remove(0).what);
    }
    assert!(matches!(answers[0], ResponseBody::Registered(_)));
    assert_eq!(answers[0], answers[1]);

    let mut other =
        Connection::open(server.address, Way::Tcp, &StaticKey::generate(&mut rng()), None).unwrap();
    other.send(&register_request(&invitation, "Carol")).unwrap();
    let taken = other.receive().unwrap().responses.remove(0).what;
    assert!(matches!(taken, ResponseBody::Reject(reject) if reject.code == RejectCode::UsernameTaken));
}

#[test]
fn strangers_are_told_to_register() {
    let server = Server::start(&[]);
    let mut stranger =
        Connection::open(server.address, Way::Tcp, &StaticKey::generate(&mut rng()), None).unwrap();
    let account = waxwing_wire::AccountId([1; 16]);
    let frame = ClientFrame {
        sends: vec![message(account, 1, 1)],
        ..request(RequestBody::FetchBundles(account, Vec::new()))
    };
    stranger.send(&frame).unwrap();
    let answer = stranger.receive().unwrap();
    assert_eq!(answer.refused[0].reject.code, RejectCode::NotRegistered);
    assert!(
        matches!(&answer.responses[0].what, ResponseBody::Reject(r) if r.code == RejectCode::NotRegistered)
    );

    let hello = Hello { version: WIRE_VERSION, lease: 1, stored: 0 };
    stranger.send(&ClientFrame { hello: Some(hello), ..ClientFrame::default() }).unwrap();
    assert_eq!(stranger.receive().unwrap().goodbye.unwrap().code, RejectCode::NotRegistered);
    assert!(stranger.receive().is_err());
}

#[test]
fn what_stands_beside_a_hello_is_carried_out_after_it() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let alice = Device::register(server.address, &invitation, "alice");
    let bob = Device::register(server.address, &invitation, "bob");
    let mut connection = Connection::open(server.address, Way::Tcp, &alice.key, Some(alice.server)).unwrap();
    let hello = Some(Hello { version: WIRE_VERSION, lease: 1, stored: 0 });
    let to = bob.address.account;
    connection
        .send(&ClientFrame { hello, sends: vec![message(to, 1, 5)], ..ClientFrame::default() })
        .unwrap();
    connection.send(&ClientFrame { sends: vec![message(to, 2, 5)], ..ClientFrame::default() }).unwrap();
    let (mut welcomed, mut accepted) = (false, Vec::new());
    while accepted.len() < 2 {
        let frame = connection.receive().unwrap();
        welcomed |= frame.welcome.is_some();
        assert!(welcomed && frame.refused.is_empty(), "{frame:?}");
        accepted.extend(frame.accepted);
    }
    assert_eq!(accepted, [MessageId(1), MessageId(2)]);
}

#[test]
fn a_second_connection_replaces_the_first_and_learns_what_it_did() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let bob = Device::register(server.address, &invitation, "bob");
    let mut first = alice.connect(server.address, Way::Tcp).unwrap();
    first.send(vec![message(bob.address.account, 1, 5)]).unwrap();
    first.accepted(MessageId(1)).unwrap();

    let mut second = Connection::open(server.address, Way::Tcp, &alice.key, Some(alice.server)).unwrap();
    let hello = Some(Hello { version: WIRE_VERSION, lease: 2, stored: 0 });
    second.send(&ClientFrame { hello, ..ClientFrame::default() }).unwrap();
    let welcome = second.receive().unwrap().welcome.unwrap();
    assert_eq!((welcome.previous_lease, welcome.received_in_lease), (1, Some(1)));
    assert_eq!(first.goodbye().unwrap().code, RejectCode::Replaced);
}
