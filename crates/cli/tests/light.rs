//! Who types and who is there, through the real programs.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::rpc::{Daemon, Program};
use support::tmux::Tmux;
use support::{Person, Server, eventually};

/// Two people who have written to each other: only then do they know what lets them see more.
fn acquainted(server: &Server) -> (Person, Person) {
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    alice.send("bob", "hello");
    assert_eq!(bob.received(), ["hello"]);
    bob.send("alice", "hello yourself");
    assert_eq!(alice.received(), ["hello yourself"]);
    // What they tell each other of themselves goes with it.
    bob.json(&["receive"]).succeeded();
    (alice, bob)
}

/// The next event that says that somebody types.
fn typing(program: &mut Program) -> Value {
    loop {
        let event = program.event();
        if event.pointer("/envelope/typingMessage").is_some() {
            return event;
        }
    }
}

#[test]
fn a_program_types_and_another_hears_it_and_nothing_is_kept() {
    let server = Server::start();
    let (alice, bob) = acquainted(&server);
    let a = Daemon::start(&alice, &["--socket"]);
    let b = Daemon::start(&bob, &["--socket"]);
    let (mut from, mut to) = (a.unix(), b.unix());
    to.more(Duration::from_millis(300));
    // The daemons may not both be connected yet.
    let mut heard = None;
    eventually("bob hears that alice types", || {
        assert_eq!(from.call("sendTyping", json!({ "recipient": "bob" })), json!({}));
        let mut events = to.more(Duration::from_millis(500)).into_iter();
        heard = events.rfind(|event| event["envelope"]["typingMessage"].is_object());
        heard.is_some()
    });
    let event = heard.unwrap();
    assert_eq!(event["envelope"]["typingMessage"]["action"], "STARTED");
    assert_eq!(event["envelope"]["source"], "alice");
    assert!(event["envelope"]["typingMessage"]["timestamp"].as_u64().is_some());
    assert!(event.get("eventId").is_none(), "nobody has to acknowledge it: {event}");
    from.call("sendTyping", json!({ "recipient": "bob", "stop": true }));
    assert_eq!(typing(&mut to)["envelope"]["typingMessage"]["action"], "STOPPED");
    assert_eq!(from.fails("sendTyping", json!({ "recipient": "nobody" })), -3);
    // A receiver that comes later hears nothing of it, and neither does one that asks.
    let mut later = b.unix();
    let asked = later.call("receive", json!({ "timeout": 0.3 }));
    assert!(!asked.to_string().contains("typingMessage"), "{asked}");
    let events = later.more(Duration::from_millis(300));
    assert!(events.iter().all(|event| !event["envelope"]["typingMessage"].is_object()), "{events:?}");
    // In no history either.
    for program in [from, to, later] {
        program.close();
    }
    assert_eq!(b.terminate(), 0);
    assert!(bob.history("alice").texts() == ["hello", "hello yourself"]);
}

#[test]
fn the_screen_shows_who_is_there_and_who_types_and_tells_the_other() {
    let server = Server::start();
    let (alice, bob) = acquainted(&server);
    let a = Tmux::start(80, 24);
    a.chat(&alice, "bob");
    a.waits_for("● connected");
    // A program is nobody's presence, but it hears and says who types.
    let daemon = Daemon::start(&bob, &["--socket"]);
    let mut program = daemon.unix();
    program.more(Duration::from_millis(300));
    eventually("bob's typing is on alice's screen", || {
        program.call("sendTyping", json!({ "recipient": "alice" }));
        std::thread::sleep(Duration::from_millis(200));
        a.screen().contains("─ typing… ─")
    });
    assert!(a.line("● connected").is_some_and(|line| !line.contains("online")), "{}", a.screen());
    a.text("I am");
    eventually("the program hears that alice types", || {
        a.text(".");
        let events = program.more(Duration::from_millis(500));
        events.iter().any(|event| event["envelope"]["typingMessage"]["action"] == "STARTED")
    });
    // Not what she types, and a message ends it.
    program.call("send", json!({ "recipient": "alice", "message": "I see" }));
    a.waits_for("I see");
    eventually("nobody types any more", || !a.screen().contains("typing…"));
    assert_eq!(daemon.terminate(), 0);

    // With somebody at the other screen they see each other.
    let b = Tmux::start(80, 24);
    b.chat(&bob, "alice");
    b.waits_for("● connected");
    for screen in [&a, &b] {
        screen.waits_for("online");
    }
    b.keys(&["Escape"]);
    b.waits_for("ready>");
    a.waits_for("last seen");
}
