//! What goes wrong is said in words and in codes, and says what to do.

mod support;

use std::io::Write as _;
use std::process::Stdio;

use support::{Done, Person, Server, waxwing};

/// Exit code and the error's code.
fn failed(done: &Done) -> (i32, String) {
    (done.code, done.error())
}

fn expect(done: &Done, code: i32, name: &str) {
    assert_eq!(failed(done), (code, name.to_owned()), "{}", done.stderr);
}

#[test]
fn without_a_profile_the_next_step_is_named() {
    let nobody = Person::new("nobody");
    for arguments in
        [&["account"][..], &["send", "bob", "hi"], &["receive"], &["contacts"], &["history", "x"]]
    {
        let done = nobody.json(arguments);
        expect(&done, 1, "noProfile");
        assert!(done.stderr.contains("waxwing register"));
        assert!(done.stdout.is_empty());
    }
    assert!(!nobody.data_dir().exists(), "looking makes nothing");
}

#[test]
fn usage_is_the_users_affair_and_help_is_no_error() {
    let run = |arguments: &[&str]| -> Done {
        std::process::Command::new(waxwing()).args(arguments).output().unwrap().into()
    };
    assert_eq!(run(&["--help"]).code, 0);
    assert_eq!(run(&["send", "--help"]).code, 0);
    assert_eq!(run(&[]).code, 1);
    assert_eq!(run(&["send"]).code, 1);
    let done = run(&["--json", "frobnicate"]);
    assert_eq!(done.code, 1);
    assert_eq!(done.error(), "usage");
    assert_eq!(run(&["--timeout", "soon", "account"]).code, 1);
}

#[test]
fn registering_in_every_wrong_way() {
    let mut server = Server::start();
    let invitation = server.invitation();
    let address = server.address.clone();
    let alice = Person::registered("alice", &address, &invitation);
    let register = |person: &Person, address: &str, invitation: &str, name: &str| {
        person.json(&["register", address, "--invite", invitation, "--username", name])
    };
    expect(&register(&alice, &address, &invitation, "other"), 1, "alreadyRegistered");
    let bob = Person::new("bob");
    expect(&register(&bob, &address, "abc", "bob"), 1, "malformedInvitation");
    expect(&register(&bob, "h:x", &invitation, "bob"), 1, "malformedAddress");
    expect(&register(&bob, "wss://h", &invitation, "bob"), 1, "malformedAddress");
    expect(&register(&bob, &address, &invitation, "!"), 1, "malformedUsername");
    expect(&register(&bob, &address, &invitation, "Alice"), 3, "usernameTaken");
    // Another server's invitation: this server is not the one that it names.
    let other = Server::start();
    expect(&register(&bob, &address, &other.invitation(), "bob"), 4, "untrustedServer");
    server.kill();
    expect(&register(&bob, &address, &invitation, "bob"), 3, "unreachable");
    server.start_again();
    // None of that has spoilt the profile.
    register(&bob, &address, &invitation, "bob").succeeded();
}

#[test]
fn sending_in_every_wrong_way() {
    let mut server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let _bob = Person::registered("bob", &server.address, &invitation);
    expect(&alice.json(&["send", "nobody", "hi"]), 3, "unknownAccount");
    expect(&alice.json(&["send", "alice", "hi"]), 1, "ownName");
    expect(&alice.json(&["send", "bob", "  "]), 1, "empty");
    expect(&alice.json(&["send", "bob", &"x".repeat(17_000)]), 1, "tooLong");
    expect(&alice.json(&["history", "carol"]), 1, "unknownContact");
    expect(&alice.json(&["safety-number", "carol"]), 1, "unknownContact");
    expect(&alice.json(&["chat", "bob"]), 1, "notForPrograms");
    let chat = alice.run(&["chat", "bob"]);
    assert!(chat.code == 1 && chat.stderr.contains("terminal"), "{}", chat.stderr);
    server.kill();
    expect(&alice.json(&["--timeout", "5", "send", "stranger", "hi"]), 3, "unreachable");
    let words = alice.run(&["--timeout", "5", "send", "stranger", "hi"]);
    assert!(words.stderr.starts_with("waxwing: the server 127.0.0.1:"), "{}", words.stderr);
}

#[test]
fn text_comes_from_standard_input_too() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    let mut command = alice.command(&["--json", "send", "bob", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("two\nlines\n".as_bytes()).unwrap();
    Done::from(child.wait_with_output().unwrap()).succeeded();
    alice.json(&["send", "bob", "--", "-x", "--json", "words"]).succeeded();
    assert_eq!(bob.received(), ["two\nlines", "-x --json words"]);
}

#[test]
fn what_others_write_does_nothing_to_the_terminal() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    alice.send("bob", "\u{1b}[2J\u{9b}1m\u{7f}\n2026-01-01 00:00 bank: pay");
    let plain = bob.run(&["receive", "--no-read"]).succeeded().stdout;
    assert!(plain.contains("␛[2J\u{fffd}1m␡\n    2026-01-01 00:00 bank: pay\n"), "{plain}");
    bob.run(&["contacts", "add", "alice"]).succeeded();
    let json = bob.json(&["history", "alice"]).succeeded();
    assert!(json.stdout.contains("\\u001b[2J\\u009b1m\\u007f\\n"), "{}", json.stdout);
    assert_eq!(json.texts(), ["\u{1b}[2J\u{9b}1m\u{7f}\n2026-01-01 00:00 bank: pay"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let _bob = Person::registered("bob", &server.address, &invitation);
    for number in 0..3 {
        alice.send("bob", &number.to_string());
    }
    for arguments in [&["history", "bob"][..], &["--json", "contacts"], &["account"]] {
        let mut child =
            alice.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && error.is_empty(), "{arguments:?}: {error}");
    }
}

#[test]
fn a_passphrase_protects_a_profile() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::new("alice");
    let run = |passphrase: Option<&str>, arguments: &[&str]| -> Done {
        let mut command = alice.command(&["--json"]);
        command.args(arguments);
        if let Some(passphrase) = passphrase {
            command.env("WAXWING_PASSPHRASE", passphrase);
        }
        command.output().unwrap().into()
    };
    let register = ["register", &server.address, "--invite", &invitation, "--username", "alice"];
    run(Some("open sesame"), &register).succeeded();
    let status = run(Some("open sesame"), &["account"]).succeeded().object();
    assert_eq!(status["protection"], "passphrase");
    expect(&run(Some("open barley"), &["account"]), 1, "passphraseWrong");
    expect(&run(None, &["account"]), 1, "passphraseNeeded");
    let key_file = alice.data_dir().join("elsewhere.json");
    expect(&run(None, &["--key-file", key_file.to_str().unwrap(), "account"]), 1, "keyMissing");
}
