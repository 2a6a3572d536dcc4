//! Several devices of one person, and several people in one group, through a real server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;
use support::{Person, Server, eventually};

/// `waxwing link`, as it runs.
struct Linking {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Linking {
    fn begin(device: &Person, server: &str) -> Self {
        let arguments = ["--json", "link", "--server", server, "--name", device.name];
        let mut child = device.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("an object is next, and not {line:?}"))
    }

    fn code(&mut self) -> String {
        let code = self.next();
        assert_eq!(code["type"], "linkCode");
        assert!(code["qr"].as_str().unwrap().starts_with("WAXWING-LINK:"));
        code["code"].as_str().unwrap().to_owned()
    }

    /// Until the history is here. What it was told last.
    fn end(mut self) -> Value {
        let mut last = Value::Null;
        for line in self.lines.by_ref().lines().map_while(Result::ok) {
            last = serde_json::from_str(&line).unwrap();
        }
        assert!(self.child.wait().unwrap().success());
        last
    }
}

/// A second device of somebody.
fn linked(primary: &Person, name: &'static str, server: &str, history: &str) -> (Person, Value) {
    let device = Person::new(name);
    let mut linking = Linking::begin(&device, server);
    let code = linking.code();
    primary.json(&["devices", "approve", &code, "--history", history]).succeeded();
    let last = linking.end();
    (device, last)
}

fn texts(person: &Person, with: &str) -> Vec<String> {
    person.json(&["receive"]).succeeded();
    person.history(with).texts()
}

#[test]
fn a_second_device_has_the_history_and_takes_part() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    alice.send("bob", "before");
    assert_eq!(bob.received(), ["before"]);
    let status = alice.json(&["account"]).succeeded().object();
    let address = format!("{}#{}", server.address, status["serverKey"].as_str().unwrap());
    let (laptop, last) = linked(&alice, "laptop", &address, "all");
    assert_eq!((&last["type"], &last["messages"]), (&"archiveDone".into(), &1.into()));
    assert_eq!(laptop.history("bob").texts(), ["before"], "and the contact has its name");
    let status = laptop.json(&["account"]).succeeded().object();
    assert_eq!((&status["username"], &status["device"]), (&"alice".into(), &2.into()));
    assert_eq!(status["serverTrust"], "user");

    // Each device shows what either of them has sent, and both receive.
    laptop.send("bob", "from the laptop");
    alice.send("bob", "from the phone");
    let mut received = Vec::new();
    eventually("each of them is printed, once", || {
        received.extend(bob.received());
        received.len() >= 2
    });
    received.sort();
    assert_eq!(received, ["from the laptop", "from the phone"]);
    bob.send("alice", "to all of you");
    for device in [&alice, &laptop] {
        eventually("the same on every device", || {
            let mut said = texts(device, "bob");
            said.sort();
            said == ["before", "from the laptop", "from the phone", "to all of you"]
        });
    }
    // What is set on one is set on the other.
    laptop.json(&["contacts", "name", "bob", "Bobby"]).succeeded();
    eventually("the name has spread", || {
        alice.json(&["receive"]).succeeded();
        alice.json(&["contacts"]).succeeded().object()["name"] == "Bobby"
    });

    // A device that is removed is out.
    let devices = alice.json(&["devices"]).succeeded().objects();
    assert_eq!(devices.iter().map(|d| &d["device"]).collect::<Vec<_>>(), [1, 2]);
    alice.json(&["devices", "remove", "2"]).succeeded();
    bob.send("alice", "only to the phone");
    let out = laptop.json(&["receive"]);
    assert_eq!((out.code, out.error().as_str()), (3, "notRegistered"));
    assert!(texts(&alice, "bob").contains(&"only to the phone".to_owned()));
    assert_eq!(alice.json(&["devices"]).succeeded().objects().len(), 1);
}

#[test]
fn linking_in_every_wrong_way() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let fails = |person: &Person, arguments: &[&str], code: i32, name: &str| {
        let done = person.json(arguments);
        assert_eq!((done.code, done.error()), (code, name.to_owned()), "{}", done.stderr);
    };
    let laptop = Person::new("laptop");
    fails(&laptop, &["link"], 1, "serverNeeded");
    fails(&laptop, &["link", "--server", "h:x"], 1, "malformedAddress");
    let false_key = format!("{}#{}", server.address, "11".repeat(32));
    fails(&laptop, &["link", "--server", &false_key], 4, "untrustedServer");
    fails(&alice, &["link", "--server", &server.address], 1, "alreadyRegistered");
    fails(&alice, &["devices", "approve", "aaaaa-bbbbb-ccccc-ddddd-eeeee"], 1, "malformedCode");
    fails(&alice, &["devices", "remove", "7"], 1, "unknownDevice");
    // A code that somebody mistyped in a way that the check letter cannot notice, or that has expired.
    let mut linking = Linking::begin(&laptop, &server.address);
    let code = linking.code();
    linking.child.kill().unwrap();
    linking.child.wait().unwrap();
    let status = laptop.json(&["account"]).succeeded().object();
    assert_eq!((&status["serverTrust"], &status["account"]), (&"firstUse".into(), &Value::Null));
    assert_eq!(code.len(), 29, "{code}");
}

#[test]
fn three_people_in_a_group() {
    let server = Server::start();
    let invitation = server.invitation();
    let [alice, bob, carol] =
        ["alice", "bob", "carol"].map(|name| Person::registered(name, &server.address, &invitation));
    let made = alice.json(&["group", "create", "hikes", "bob", "carol"]).succeeded().object();
    let group = made["group"].as_str().unwrap().to_owned();
    assert_eq!((&made["name"], made["members"].as_array().unwrap().len()), (&"hikes".into(), 3));
    for person in [&bob, &carol] {
        eventually("everybody has the group", || {
            person.json(&["receive"]).succeeded();
            person.json(&["group"]).succeeded().objects().len() == 1
        });
    }
    alice.send("hikes", "who comes?");
    bob.json(&["receive"]).succeeded();
    bob.send(&group, "I do");
    carol.json(&["receive"]).succeeded();
    carol.send("hikes", "me too");
    for person in [&alice, &bob, &carol] {
        eventually("all of it everywhere", || texts(person, "hikes") == ["who comes?", "I do", "me too"]);
    }
    // In words for people: who wrote what, and what happened.
    let said = alice.run(&["history", "hikes"]).succeeded().stdout;
    for line in [" bob: I do", " carol: me too", " you: who comes?", "* you made the group “hikes”"] {
        assert!(said.contains(line), "{line:?} in\n{said}");
    }
    eventually("the ticks of the slowest member turn", || {
        alice.json(&["receive"]).succeeded();
        alice
            .history("hikes")
            .objects()
            .iter()
            .any(|o| o["message"]["body"]["text"] == "who comes?" && o["message"]["delivery"] == "read")
    });

    // Rules hold, and whoever is removed reads nothing more.
    let refused = bob.json(&["group", "promote", "hikes", "carol"]);
    assert_eq!((refused.code, refused.error().as_str()), (1, "notAllowed"));
    alice.json(&["group", "rename", "hikes", "climbs"]).succeeded();
    alice.json(&["group", "remove", "climbs", "carol"]).succeeded();
    alice.send("climbs", "without carol");
    eventually("bob follows", || texts(&bob, "climbs").contains(&"without carol".to_owned()));
    assert!(!texts(&carol, &group).contains(&"without carol".to_owned()));
    let late = carol.json(&["send", &group, "am I still here?"]);
    assert_ne!(late.code, 0, "{}", late.stdout);
    let members = |person: &Person| {
        let group = person.json(&["group", "show", &group]).succeeded().object();
        group["members"].as_array().unwrap().len()
    };
    assert_eq!((members(&alice), members(&bob)), (2, 2));
}

#[test]
fn a_broadcast_list_writes_to_each_alone() {
    let server = Server::start();
    let invitation = server.invitation();
    let [alice, bob, carol] =
        ["alice", "bob", "carol"].map(|name| Person::registered(name, &server.address, &invitation));
    alice.json(&["list", "create", "friends", "bob", "carol"]).succeeded();
    let sent = alice.json(&["send", "friends", "party"]).succeeded().objects();
    assert_eq!(sent.len(), 2);
    for person in [&bob, &carol] {
        assert_eq!(person.received(), ["party"]);
    }
    bob.send("alice", "nice");
    assert_eq!(alice.received(), ["nice"]);
    alice.json(&["list", "remove", "friends", "carol"]).succeeded();
    alice.json(&["send", "friends", "only bob"]).succeeded();
    assert_eq!((bob.received(), carol.received()), (vec!["only bob".to_owned()], Vec::new()));
}

#[test]
fn conversations_are_archived_muted_starred_and_cleared() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    alice.send("bob", "one");
    alice.send("bob", "two");
    assert_eq!(alice.json(&["chats", "archive", "bob"]).succeeded().object()["archived"], true);
    assert_eq!(alice.json(&["chats"]).succeeded().objects().len(), 0);
    assert_eq!(alice.json(&["chats", "list", "--archived"]).succeeded().objects().len(), 1);
    let muted = alice.json(&["chats", "mute", "bob", "--for", "8h"]).succeeded().object();
    assert!(muted["mutedUntilMs"].as_u64().unwrap() > 8 * 3_600_000);
    let messages = alice.history("bob").objects();
    let number = messages[0]["message"]["order"].to_string();
    alice.json(&["messages", "star", &number]).succeeded();
    assert_eq!(alice.json(&["messages", "starred"]).succeeded().texts(), ["one"]);
    alice.json(&["messages", "delete", &number]).succeeded();
    assert_eq!(alice.history("bob").texts(), ["two"]);
    alice.json(&["chats", "clear", "bob"]).succeeded();
    assert_eq!(alice.history("bob").texts(), [""; 0]);
    assert_eq!(bob.received(), ["one", "two"], "that is nobody else's affair");
    alice.json(&["contacts", "block", "bob"]).succeeded();
    bob.send("alice", "nothing comes of it");
    assert_eq!(alice.received(), [""; 0]);
}
