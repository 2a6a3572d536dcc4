//! The program as an operator meets it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{
    Connection, Device, PATIENCE, Server, Way, eventually, message, message_id, receipt_ids, rng, run,
    waxwingd,
};
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::invitation::Invitation;
use waxwing_wire::{MessageId, RejectCode};

#[test]
fn an_unknown_key_in_the_configuration_is_named_and_ends_with_78() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("waxwingd.toml");
    std::fs::write(&file, "idle-secnods = 3\n").unwrap();
    let data_dir = directory.path().join("data");
    let paths = [data_dir.to_str().unwrap(), file.to_str().unwrap()];
    let output = run(&["serve", "--data-dir", paths[0], "--config", paths[1]]);
    assert_eq!(output.status.code(), Some(78));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("idle-secnods") && error.contains("waxwingd.toml"), "{error}");
}

#[test]
fn a_second_server_on_the_same_data_says_so() {
    let server = Server::start(&[]);
    let output = Server::try_start_in(&server.data_dir, &[]).err().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("another waxwingd is using"), "{error}");
}

#[test]
fn an_invitation_can_be_made_before_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let place = data_dir.to_str().unwrap();
    let output = run(&["invite", "--data-dir", place, "--json", "--expires-days", "3"]);
    assert!(output.status.success(), "{output:?}");
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let invitation = Invitation::parse(printed["invitation"].as_str().unwrap()).unwrap();
    let key = run(&["key", "--data-dir", place]).stdout;
    let hex: String = invitation.server.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(String::from_utf8(key).unwrap().trim(), hex);
    assert_eq!(mode(&data_dir.join("server.key")), 0o600);

    let server = Server::start_in(&data_dir, &[]);
    assert_eq!(mode(&data_dir.join("admin.sock")), 0o600);
    Device::register(server.address, &invitation, "alice");
    // It was for one.
    let mut other =
        Connection::open(server.address, Way::Tcp, &StaticKey::generate(&mut rng()), Some(invitation.server))
            .unwrap();
    other.send(&support::register_request(&invitation, "bob")).unwrap();
    let answer = format!("{:?}", other.receive().unwrap().responses);
    assert!(answer.contains("InvitationInvalid"), "{answer}");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn without_a_server_there_are_no_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["stats", "--data-dir", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no server is running"));
    assert!(output.stdout.is_empty());
}

#[test]
fn the_admin_socket_works_under_a_long_path() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("d".repeat(120)).join("data");
    std::fs::create_dir_all(data_dir.parent().unwrap()).unwrap();
    let server = Server::start_in(&data_dir, &[]);
    assert_eq!(server.stat("connections"), 0);
}

#[test]
fn sigterm_says_goodbye_settles_and_ends_with_0() {
    let mut server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut w = bob.connect(server.address, Way::WebSocket).unwrap();
    a.send(vec![message(bob.address.account, 1, 5)]).unwrap();
    a.accepted(MessageId(1)).unwrap();

    server.signal(Signal::TERM);
    for client in [&mut a, &mut w] {
        let goodbye = client.goodbye().unwrap();
        assert_eq!(goodbye.code, RejectCode::ShuttingDown);
        assert!(goodbye.retry_after_ms > 0);
        assert!(client.connection.receive().is_err());
    }
    drop((a, w));
    assert_eq!(server.wait().code(), Some(0), "{}", server.log_text());

    let server = server.start_again(&[]);
    // What was accepted under the lease is known after a shut-down in good order.
    let mut connection = Connection::open(server.address, Way::Tcp, &alice.key, Some(alice.server)).unwrap();
    let hello = waxwing_wire::client_frame::Hello { version: 1, lease: 2, stored: 0 };
    connection.send(&ClientFrame { hello: Some(hello), ..ClientFrame::default() }).unwrap();
    assert_eq!(connection.receive().unwrap().welcome.unwrap().received_in_lease, Some(1));
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(message_id(&b.entry().unwrap()), Some(1));
}

#[test]
fn noise_on_the_port_hurts_nobody() {
    let server = Server::start(&["--handshake-seconds", "1"]);
    let http = |request: &str| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(http("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(http("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(http("POST /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 400 "));

    // The web app, or the page that says that it is not built; also when the request comes in pieces.
    let whole = http("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(
        whole.starts_with("HTTP/1.1 200 ")
            && whole.contains("\r\nContent-Security-Policy: default-src 'none'; ")
    );
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    for piece in ["GE", "T /", " HTTP/1.1\r\nHost: x\r\nConn", "ection: close\r\n\r", "\n"] {
        slow.write_all(piece.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut pieces = String::new();
    slow.read_to_string(&mut pieces).unwrap();
    assert_eq!(pieces, whole);

    let mut garbage = vec![0u8; 3_000];
    for round in 0..200 {
        getrandom::fill(&mut garbage).unwrap();
        // Sometimes it begins like one of ours.
        match round % 4 {
            0 => garbage[..5].copy_from_slice(b"WXW\x01\x01"),
            1 => garbage[..5].copy_from_slice(b"WXW\x01\x02"),
            2 => garbage[..4].copy_from_slice(b"GET "),
            _ => {}
        }
        let mut stream = TcpStream::connect(server.address).unwrap();
        let _ = stream.write_all(&garbage[..1 + round * 14]);
    }

    // Slow ones: a byte now and then, or nothing at all, for longer than a handshake may take.
    let begun = Instant::now();
    let mut slow: Vec<_> = (0..20).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    eventually("slow connections are closed", || {
        for stream in &mut slow {
            let _ = stream.write_all(b"W");
            std::thread::sleep(Duration::from_millis(2));
        }
        server.stat("connections") == 0
    });
    assert!(begun.elapsed() < Duration::from_secs(20));

    // And after a handshake.
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.connection.send_plaintext(b"\x0a\xff\xff\xff\xff").unwrap();
    assert_eq!(a.goodbye().unwrap().code, RejectCode::Malformed);
    assert!(a.connection.receive().is_err());
    let mut again = alice.connect(server.address, Way::WebSocket).unwrap();
    again.connection.send(&ClientFrame { ping: Some(1), ..ClientFrame::default() }).unwrap();
    assert_eq!(again.until(|frame| frame.pong.take()).unwrap(), 1);
}

#[test]
fn silence_ends_a_connection_and_strangers_are_bounded() {
    let flags =
        ["--idle-seconds", "2", "--guests-per-ip", "5", "--limit-loopback", "--registrations-per-hour", "2"];
    let server = Server::start(&flags);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut silent = alice.connect(server.address, Way::Tcp).unwrap();
    let begun = Instant::now();
    assert!(silent.connection.receive().is_err());
    assert!(begun.elapsed() > Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(15));
    assert_eq!(server.stat("idle_closed"), 1);

    Device::register(server.address, &invitation, "bob");
    let mut third =
        Connection::open(server.address, Way::Tcp, &StaticKey::generate(&mut rng()), Some(invitation.server))
            .unwrap();
    third.send(&support::register_request(&invitation, "carol")).unwrap();
    let answer = format!("{:?}", third.receive().unwrap().responses);
    assert!(answer.contains("RateLimited"), "{answer}");
    drop(third);

    eventually("guests leave", || server.stat("guests") == 0);
    let guests: Vec<_> = (0..9).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    eventually("guests are turned away", || server.stat("turned_away") == 4);
    drop(guests);
}

#[test]
fn messages_that_wait_too_long_expire_and_their_sender_hears_of_it() {
    let server = Server::start(&["--retention-seconds", "1", "--sweep-seconds", "1"]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    drop(bob.connect(server.address, Way::Tcp).unwrap());
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.send(vec![message(bob.address.account, 1, 5)]).unwrap();
    a.accepted(MessageId(1)).unwrap();
    let receipt = a.entry().unwrap();
    assert_eq!(receipt_ids(&receipt), [1]);
    assert!(format!("{receipt:?}").contains("expired: true"));
}

#[test]
fn numbers_for_monitoring() {
    let directory = tempfile::tempdir().unwrap();
    let port = {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    };
    let address = format!("127.0.0.1:{port}");
    let _server = Server::start_in(&directory.path().join("data"), &["--metrics", &address, "--log-json"]);
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let metrics = ask("/metrics");
    // A new store is begun with a commit, which may be done by now.
    assert!(metrics.starts_with("HTTP/1.1 200 ") && metrics.contains("\nwaxwing_fsyncs_total "), "{metrics}");
    assert!(metrics.contains("waxwing_rejects_total{code=\"storage_full\"} 0"));
    assert!(ask("/healthz").ends_with("ok\n"));
    assert!(ask("/").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_closed_pipe_is_no_reason_to_panic() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let mut child = waxwingd()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", place])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    eventually("it serves", || run(&["stats", "--data-dir", place]).status.success());
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}
