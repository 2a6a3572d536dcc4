use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::handshake::{Answer, PREAMBLE_BYTES, Responder};
use waxwing_wire::transport::Transport;
use waxwing_wire::{Bytes, frame};

use super::address::AddressError;
use super::*;

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

#[test]
fn addresses_are_read_as_people_write_them() {
    let read = |text: &str| ServerAddress::parse(text).map(|address| address.to_string());
    assert_eq!(read("example.org"), Ok("example.org:7667".into()));
    assert_eq!(read(" example.org:99 "), Ok("example.org:99".into()));
    assert_eq!(read("tcp://1.2.3.4:5"), Ok("1.2.3.4:5".into()));
    assert_eq!(read("[::1]:7000"), Ok("[::1]:7000".into()));
    assert_eq!(read("[::1]"), Ok("[::1]:7667".into()));
    assert_eq!(read("::1"), Ok("[::1]:7667".into()));
    assert_eq!(read("ws://h"), Ok("ws://h:80/v1/stream".into()));
    assert_eq!(read("WS://h:1/"), Ok("ws://h:1/v1/stream".into()));
    assert_eq!(read("ws://[::1]:1/x?y"), Ok("ws://[::1]:1/x?y".into()));
    assert_eq!(read("wss://h"), Err(AddressError::Tls));
    let malformed =
        ["", ":", "h:", "h:0", "h:65536", "a b", "h\nx", "[::1", "[::1]x", "ftp://h", "u@h", "h/x"];
    for bad in malformed {
        assert_eq!(read(bad), Err(AddressError::Malformed), "{bad}");
    }
    assert_eq!(read(&"x".repeat(600)), Err(AddressError::Malformed));
}

/// The server's half of a connection, as bytes.
struct Peer<S> {
    stream: S,
    transport: Transport,
}

fn read_frame(stream: &mut impl io::Read, buffer: &mut Vec<u8>) -> Vec<u8> {
    loop {
        if let Some(cut) = frame::cut(buffer).unwrap() {
            let end = cut.prefix_bytes + cut.frame_bytes;
            let frame = buffer[cut.prefix_bytes..end].to_vec();
            buffer.drain(..end);
            return frame;
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the client closed");
        buffer.extend_from_slice(&chunk[..count]);
    }
}

fn accept<S: io::Read + io::Write>(mut stream: S, key: &StaticKey) -> Peer<S> {
    let mut preamble = [0; PREAMBLE_BYTES];
    stream.read_exact(&mut preamble).unwrap();
    let mut responder = Responder::start(key, &preamble, &mut rng()).unwrap();
    let mut buffer = Vec::new();
    loop {
        let message = read_frame(&mut stream, &mut buffer);
        match responder.read(&message).unwrap() {
            Answer::Continue(next, answer) => {
                stream.write_all(&answer).unwrap();
                responder = next;
            }
            Answer::Finished(finished, answer) => {
                stream.write_all(&answer).unwrap();
                return Peer { stream, transport: finished.transport };
            }
        }
    }
}

fn pong(nonce: u32) -> ServerFrame {
    ServerFrame { pong: Some(nonce), ..ServerFrame::default() }
}

fn ping(nonce: u32) -> Vec<u8> {
    ClientFrame { ping: Some(nonce), ..ClientFrame::default() }.encode()
}

fn target(port: u16, server: &StaticKey) -> Target {
    let address = ServerAddress::parse(&format!("127.0.0.1:{port}")).unwrap();
    Target { address, server: Some(server.public()), key: StaticKey::generate(&mut rng()) }
}

fn open(target: Target) -> (Connection, Receiver<NetEvent>) {
    let (sender, events) = unbounded();
    (Connection::open(target, move |event| sender.send(event).is_ok()).unwrap(), events)
}

fn next(events: &Receiver<NetEvent>) -> NetEvent {
    events.recv_timeout(Duration::from_secs(60)).expect("an event within a minute")
}

fn failure(events: &Receiver<NetEvent>) -> NetFailure {
    match next(events) {
        NetEvent::Disconnected(failure) => failure,
        _ => panic!("the connection should have failed"),
    }
}

#[test]
fn frames_go_both_ways_and_what_was_sent_leaves_before_the_close() {
    let key = StaticKey::generate(&mut rng());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut connection, events) = open(target(listener.local_addr().unwrap().port(), &key));
    let server = thread::spawn(move || {
        let mut peer = accept(listener.accept().unwrap().0, &key);
        let (mut buffer, mut out) = (Vec::new(), Vec::new());
        for nonce in 0..1_000 {
            peer.transport.seal(&pong(nonce).encode(), &mut out).unwrap();
        }
        // In small pieces, so that frames are cut anywhere.
        for piece in out.chunks(77) {
            peer.stream.write_all(piece).unwrap();
        }
        let mut nonces = Vec::new();
        for _ in 0..500 {
            let mut frame = read_frame(&mut peer.stream, &mut buffer);
            let plaintext = peer.transport.open(&mut frame).unwrap();
            nonces.push(ClientFrame::decode(Bytes::copy_from_slice(plaintext)).unwrap().ping.unwrap());
        }
        assert_eq!(peer.stream.read(&mut [0; 1]).unwrap(), 0, "and then the end");
        nonces
    });
    assert!(matches!(next(&events), NetEvent::Connected(_)));
    for nonce in 0..1_000 {
        match next(&events) {
            NetEvent::Frame(frame) => assert_eq!(*frame, pong(nonce)),
            _ => panic!("a frame is next"),
        }
    }
    for nonce in 0..500 {
        assert!(connection.send(ping(nonce)));
    }
    connection.close();
    assert_eq!(server.join().unwrap(), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_frame_in_one_piece_with_the_handshake_is_not_left_lying() {
    let key = StaticKey::generate(&mut rng());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (connection, events) = open(target(listener.local_addr().unwrap().port(), &key));
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut preamble = [0; PREAMBLE_BYTES];
        stream.read_exact(&mut preamble).unwrap();
        let responder = Responder::start(&key, &preamble, &mut rng()).unwrap();
        let first = read_frame(&mut stream, &mut Vec::new());
        let Answer::Finished(mut finished, mut out) = responder.read(&first).unwrap() else {
            panic!("IK is one round")
        };
        finished.transport.seal(&pong(1).encode(), &mut out).unwrap();
        stream.write_all(&out).unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    assert!(matches!(next(&events), NetEvent::Connected(_)));
    assert!(matches!(next(&events), NetEvent::Frame(frame) if *frame == pong(1)));
    drop(connection);
    server.join().unwrap();
}

#[test]
fn a_connection_that_is_dropped_ends_whatever_it_is_doing() {
    let key = StaticKey::generate(&mut rng());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = key.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut peer = accept(stream, &server);
            // Held open: only the client's end ends it.
            thread::spawn(move || peer.stream.read(&mut [0; 1]));
        }
    });
    for _ in 0..100 {
        let (connection, events) = open(target(port, &key));
        assert!(matches!(next(&events), NetEvent::Connected(_)));
        drop(connection);
        assert_eq!(failure(&events).code, NetFailureCode::Closed);
    }
}

#[test]
fn the_same_inside_websocket() {
    let key = StaticKey::generate(&mut rng());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = target(listener.local_addr().unwrap().port(), &key);
    target.address = ServerAddress::parse(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
    let (mut connection, events) = open(target);
    let server = thread::spawn(move || {
        let socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        let mut peer = accept(InMessages { socket, rest: Vec::new() }, &key);
        let mut frame = read_frame(&mut peer.stream, &mut Vec::new());
        peer.transport.open(&mut frame).unwrap();
        let mut out = Vec::new();
        peer.transport.seal(&pong(1).encode(), &mut out).unwrap();
        peer.transport.seal(&pong(2).encode(), &mut out).unwrap();
        let (first, second) = out.split_at(7);
        peer.stream.write_all(first).unwrap();
        peer.stream.write_all(second).unwrap();
        let _ = peer.stream.socket.close(None);
        let _ = peer.stream.socket.flush();
    });
    assert!(matches!(next(&events), NetEvent::Connected(_)));
    assert!(connection.send(ping(1)));
    for nonce in [1, 2] {
        assert!(matches!(next(&events), NetEvent::Frame(frame) if *frame == pong(nonce)));
    }
    assert_eq!(failure(&events).code, NetFailureCode::Closed);
    server.join().unwrap();
}

/// Bytes over messages, as a server would do it.
struct InMessages {
    socket: tungstenite::WebSocket<TcpStream>,
    rest: Vec<u8>,
}

impl io::Read for InMessages {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            if let tungstenite::Message::Binary(bytes) = self.socket.read().map_err(io::Error::other)? {
                self.rest = bytes.to_vec();
            }
        }
        let count = into.len().min(self.rest.len());
        into[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

impl io::Write for InMessages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let message = tungstenite::Message::Binary(bytes.to_vec().into());
        self.socket.send(message).map_err(io::Error::other)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_server_with_another_key_is_not_trusted() {
    let (real, expected) = (StaticKey::generate(&mut rng()), StaticKey::generate(&mut rng()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_connection, events) = open(target(listener.local_addr().unwrap().port(), &expected));
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut preamble = [0; PREAMBLE_BYTES];
        stream.read_exact(&mut preamble).unwrap();
        let responder = Responder::start(&real, &preamble, &mut rng()).unwrap();
        let first = read_frame(&mut stream, &mut Vec::new());
        assert!(responder.read(&first).is_err());
    });
    let failure = failure(&events);
    assert_eq!(failure.code, NetFailureCode::UntrustedServer);
    assert!(failure.detail.contains("invitation"), "{failure}");
}

#[test]
fn a_server_that_nobody_vouched_for_says_its_key() {
    let key = StaticKey::generate(&mut rng());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = target(listener.local_addr().unwrap().port(), &key);
    target.server = None;
    let (connection, events) = open(target);
    let public = key.public();
    let server = thread::spawn(move || {
        let mut peer = accept(listener.accept().unwrap().0, &key);
        let mut out = Vec::new();
        peer.transport.seal(&pong(1).encode(), &mut out).unwrap();
        peer.stream.write_all(&out).unwrap();
        let _ = peer.stream.read(&mut [0; 1]);
    });
    assert!(matches!(next(&events), NetEvent::Connected(server) if server == public));
    assert!(matches!(next(&events), NetEvent::Frame(frame) if *frame == pong(1)));
    drop(connection);
    server.join().unwrap();
}

#[test]
fn what_answers_like_a_web_server_is_no_waxwing_server() {
    for scheme in ["tcp", "ws"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut target = target(1, &StaticKey::generate(&mut rng()));
        target.address =
            ServerAddress::parse(&format!("{scheme}://{}", listener.local_addr().unwrap())).unwrap();
        let (_connection, events) = open(target);
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let page =
                "HTTP/1.1 400 Bad Request\r\nContent-Length: 3000\r\n\r\n".to_owned() + &"x".repeat(3_000);
            let _ = stream.write_all(page.as_bytes());
            let _ = stream.read(&mut [0; 64]);
        });
        let failure = failure(&events);
        let expected = [NetFailureCode::NotWaxwing, NetFailureCode::UntrustedServer];
        assert!(expected.contains(&failure.code), "{scheme}: {failure}");
    }
}

#[test]
fn nobody_listening_is_said_with_the_address() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_connection, events) = open(target(port, &StaticKey::generate(&mut rng())));
    let failure = failure(&events);
    assert_eq!(failure.code, NetFailureCode::Unreachable);
    assert!(failure.detail.contains(&format!("127.0.0.1:{port}")), "{failure}");
}

#[test]
fn a_stream_that_is_not_authentic_ends_the_connection() {
    let key = StaticKey::generate(&mut rng());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_connection, events) = open(target(listener.local_addr().unwrap().port(), &key));
    let server = thread::spawn(move || {
        let mut peer = accept(listener.accept().unwrap().0, &key);
        let mut out = Vec::new();
        peer.transport.seal(&pong(1).encode(), &mut out).unwrap();
        *out.last_mut().unwrap() ^= 1;
        peer.stream.write_all(&out).unwrap();
        let _ = peer.stream.read(&mut [0; 1]);
    });
    assert!(matches!(next(&events), NetEvent::Connected(_)));
    assert_eq!(failure(&events).code, NetFailureCode::Protocol);
    server.join().unwrap();
}
