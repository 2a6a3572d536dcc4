//! Two people talk through a real server, as the README says, whatever happens to it.

mod support;

use std::fs;

use support::proxy::Proxy;
use support::{Person, Server, eventually, files, holds, two};

#[test]
fn a_conversation_with_its_ticks() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    alice.send("bob", "hi bob");
    alice.send("bob", "zweite Zeile: ä 日本 👋");
    // Bob knows alice by her name once he has looked her up; messages arrive without that.
    bob.json(&["contacts", "add", "alice"]).succeeded();
    let received = bob.json(&["receive"]).succeeded();
    assert_eq!(received.texts(), ["hi bob", "zweite Zeile: ä 日本 👋"]);
    assert_eq!(received.objects()[0]["contact"]["username"], "alice");
    assert_eq!(bob.received(), [""; 0], "once is enough");
    bob.send("alice", "hi alice");
    assert_eq!(alice.received(), ["hi alice"]);
    eventually("both ticks are coloured", || {
        alice.json(&["receive"]).succeeded();
        alice.history("bob").ticks() == ["read", "read", "read"]
    });
    assert_eq!(alice.history("bob").texts(), ["hi bob", "zweite Zeile: ä 日本 👋", "hi alice"]);
}

#[test]
fn not_reading_tells_nobody_that_it_was_read() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    alice.send("bob", "secretly looked at");
    assert_eq!(bob.json(&["receive", "--no-read"]).succeeded().texts(), ["secretly looked at"]);
    assert_eq!(bob.json(&["receive", "--no-read"]).succeeded().texts(), [""; 0]);
    eventually("two ticks", || {
        alice.json(&["receive"]).succeeded();
        alice.history("bob").ticks() == ["delivered"]
    });
    let status = bob.json(&["account"]).succeeded().object();
    assert_eq!((&status["unread"], &status["connection"]["state"]), (&1.into(), &"online".into()));
}

#[test]
fn what_was_accepted_survives_a_killed_server_and_arrives_once_in_order() {
    let mut server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    alice.send("bob", "warm-up");
    assert_eq!(bob.received(), ["warm-up"]);
    let texts: Vec<String> = (0..12).map(|number| format!("message {number}")).collect();
    for text in &texts {
        alice.send("bob", text);
    }
    // Between acknowledgement and delivery.
    server.kill();
    let nothing = bob.json(&["--timeout", "2", "receive"]);
    assert_eq!((nothing.code, nothing.error().as_str()), (3, "unreachable"));
    server.start_again();
    assert_eq!(bob.received(), texts);
    assert_eq!(bob.received(), [""; 0]);
    eventually("read by the sender's screen too", || {
        alice.json(&["receive"]).succeeded();
        alice.history("bob").ticks() == vec!["read"; 13]
    });
}

#[test]
fn what_is_written_without_a_connection_goes_out_with_the_next_command() {
    let mut server = Server::start();
    let (alice, bob) = two(&server);
    alice.send("bob", "online");
    server.kill();
    for text in ["offline one", "offline two"] {
        let sent = alice.json(&["send", "bob", text]).succeeded().object();
        assert_eq!((&sent["type"], &sent["message"]["delivery"]), (&"sent".into(), &"pending".into()));
    }
    let said = alice.run(&["send", "bob", "offline three"]).succeeded().stdout;
    assert!(said.contains("queued") && said.contains("next command"), "{said}");
    assert_eq!(alice.json(&["--timeout", "1", "account"]).succeeded().object()["pending"], 3);
    server.start_again();
    alice.send("bob", "online again");
    assert_eq!(bob.received(), ["online", "offline one", "offline two", "offline three", "online again"]);
}

#[test]
fn a_message_whose_acknowledgement_was_lost_is_sent_again_and_shown_once() {
    let server = Server::start();
    let invitation = server.invitation();
    let proxy = Proxy::start(&server.address);
    let alice = Person::registered("alice", &proxy.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    alice.send("bob", "first");
    assert_eq!(bob.received(), ["first"]);
    // So that no receipt comes between the welcome and the acknowledgement.
    eventually("the receipts have come", || {
        alice.json(&["receive"]).succeeded();
        alice.history("bob").ticks() == ["read"]
    });
    // Its handshake, its welcome, and then silence: the acknowledgement never comes.
    proxy.deafen_after(2);
    let sent = alice.json(&["--timeout", "3", "send", "bob", "twice on the wire"]).succeeded().object();
    assert_eq!(sent["message"]["delivery"], "pending");
    assert_eq!(bob.received(), ["twice on the wire"], "the server has it");
    proxy.deafen_after(usize::MAX);
    alice.send("bob", "afterwards");
    assert_eq!(bob.received(), ["afterwards"]);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    assert_eq!(bob.history("alice").texts(), ["first", "twice on the wire", "afterwards"]);
}

#[test]
fn no_plaintext_rests_anywhere() {
    let mut server = Server::start();
    let (alice, bob) = two(&server);
    let canary = "canary-94b1f7-tweets";
    alice.send("bob", canary);
    bob.send("alice", canary);
    assert_eq!(bob.received(), [canary]);
    alice.send("bob", &format!("{canary} waits"));
    server.kill();
    for file in files(server.folder()) {
        assert!(!holds(&file, canary), "{}", file.display());
    }
    for person in [&alice, &bob] {
        assert!(person.history(if person.name == "alice" { "bob" } else { "alice" }).stdout.contains(canary));
        for file in files(&person.data_dir()) {
            assert!(!holds(&file, canary), "{}", file.display());
            assert!(!holds(&file, "SQLite format"), "{}", file.display());
        }
    }
}

#[test]
fn the_same_inside_websocket() {
    let server = Server::start();
    let invitation = server.invitation();
    let address = format!("ws://{}", server.address);
    let alice = Person::registered("alice", &address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    let long = "long ".repeat(3_000);
    for text in ["hi", long.trim()] {
        alice.send("bob", text);
    }
    assert_eq!(bob.received(), ["hi", long.trim()]);
    bob.send("alice", long.trim());
    assert_eq!(alice.received(), [long.trim()]);
}

#[test]
fn following_prints_what_arrives_and_ends_in_good_order() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    let printed = tempfile::NamedTempFile::new().unwrap();
    let mut follow =
        bob.command(&["--json", "receive", "--follow"]).stdout(printed.reopen().unwrap()).spawn().unwrap();
    for number in 0..3 {
        alice.send("bob", &format!("live {number}"));
        eventually("it is printed", || {
            fs::read_to_string(printed.path()).unwrap().contains(&format!("live {number}"))
        });
    }
    let pid = follow.id().to_string();
    let busy = bob.json(&["history", "alice"]);
    assert_eq!((busy.code, busy.error().as_str()), (1, "profileBusy"));
    assert!(busy.stderr.contains(&pid), "{}", busy.stderr);
    assert!(std::process::Command::new("kill").arg(&pid).status().unwrap().success());
    assert_eq!(follow.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_to_string(printed.path()).unwrap().lines().count(), 3);
    assert_eq!(bob.received(), [""; 0]);
}

#[test]
fn safety_numbers_are_the_same_on_both_sides() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    alice.send("bob", "hi");
    bob.json(&["contacts", "add", "alice"]).succeeded();
    let of = |person: &Person, name| person.json(&["safety-number", name]).succeeded().object();
    let (a, b) = (of(&alice, "bob"), of(&bob, "alice"));
    assert_eq!(a["number"], b["number"]);
    assert_eq!(a["number"].as_str().unwrap().len(), 60);
    assert_eq!(a["trust"]["state"], "firstUse");
    let verified = alice.json(&["safety-number", "bob", "--verified"]).succeeded().object();
    assert_eq!(verified["trust"]["state"], "verified");
    assert!(alice.run(&["contacts"]).succeeded().stdout.contains("verified"));
    let back = alice.json(&["safety-number", "bob", "--unverified"]).succeeded().object();
    assert_eq!(back["trust"]["state"], "firstUse");
}

#[test]
fn a_killed_client_shows_everything_once() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    let texts: Vec<String> = (0..40).map(|number| format!("burst {number}")).collect();
    let mut follow =
        bob.command(&["--json", "receive", "--follow"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    for text in &texts[..20] {
        alice.send("bob", text);
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
    for text in &texts[20..] {
        alice.send("bob", text);
    }
    bob.json(&["receive"]).succeeded();
    bob.json(&["contacts", "add", "alice"]).succeeded();
    assert_eq!(bob.history("alice").texts(), texts);
}

#[test]
fn a_full_disk_loses_nothing() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    let texts: Vec<String> = (0..80).map(|number| format!("{number} {}", "x".repeat(15_000))).collect();
    for text in &texts {
        alice.send("bob", text);
    }
    // No file may grow beyond what the database has now and a little: a disk that is full, for one process.
    let size = fs::metadata(bob.data_dir().join("waxwing.db")).unwrap().len();
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", (size + 100_000) / 512);
    let limited = |arguments: &[&str]| -> support::Done {
        let command = bob.command(&["--json"]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).arg(command.get_program()).args(command.get_args()).args(arguments);
        shell.output().unwrap().into()
    };
    let done = limited(&["receive"]);
    assert_eq!((done.code, done.error().as_str()), (2, "storage"));
    let printed = done.texts();
    assert!(printed.len() < texts.len() && texts.starts_with(&printed));
    // With room again everything is there, in order; only what was being printed may come twice.
    bob.json(&["receive"]).succeeded();
    assert_eq!(bob.history("alice").texts(), texts);
    eventually("everything was read", || {
        alice.json(&["receive"]).succeeded();
        alice.history("bob").ticks() == vec!["read"; 80]
    });
}

#[test]
fn what_was_said_is_found() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    alice.send("bob", "Treffen wir uns im Café am Fluß?");
    alice.send("bob", "明天去北京吃烤鸭 https://example.org/ente");
    bob.json(&["contacts", "add", "alice"]).succeeded();
    bob.json(&["receive"]).succeeded();
    bob.send("alice", "im Cafe, gern");
    let found = |arguments: &[&str]| {
        let all = [&["search"], arguments].concat();
        bob.json(&all).succeeded().texts()
    };
    assert_eq!(found(&["cafe"]), ["im Cafe, gern", "Treffen wir uns im Café am Fluß?"]);
    assert_eq!(found(&["cafe", "--from", "alice"]), ["Treffen wir uns im Café am Fluß?"]);
    assert_eq!(found(&["cafe", "--from", "me", "--in", "alice", "--since", "1h"]), ["im Cafe, gern"]);
    assert_eq!(found(&["北京"]).len(), 1);
    assert_eq!(found(&["--kind", "link"]).len(), 1);
    assert_eq!(found(&["cafe", "--until", "2020-01-01"]), [""; 0]);
    assert_eq!(found(&["am fluss"]).len(), 1, "next to each other");
    assert_eq!(found(&["fluss am"]), [""; 0]);
    assert_eq!(found(&["--limit", "2"]).len(), 2);
    let hit = bob.json(&["search", "gern"]).succeeded().object();
    assert_eq!((&hit["type"], &hit["contact"]["username"]), (&"hit".into(), &"alice".into()));
    assert_eq!(hit["snippet"][1], serde_json::json!({"text": "gern", "marked": true}));
    let line = bob.run(&["search", "gern"]).succeeded().stdout;
    assert!(line.contains("you to alice: im Cafe, gern") && !line.contains('\u{1b}'), "{line}");
    assert_eq!(bob.json(&["search", "x", "--in", "nobody"]).error(), "unknownContact");
    // What is deleted is not found any more.
    let id = hit["message"]["id"].as_str().unwrap().to_owned();
    bob.json(&["messages", "delete", &id]).succeeded();
    assert_eq!(found(&["gern"]), [""; 0]);
}
