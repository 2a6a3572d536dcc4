//! A conversation of every kind of message, on two screens by keys and with a program, and how the screens look.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::golden::{check, masked};
use support::rpc::{Daemon, Program, text};
use support::tmux::Tmux;
use support::{Person, Server, eventually};

const WIDTH: u32 = 80;
/// So that the whole conversation is seen at once.
const HEIGHT: u32 = 62;

/// Selects the newest message and presses a key that does something about it.
#[track_caller]
fn about_the_newest(terminal: &Tmux, key: &str) {
    terminal.keys(&["Up"]);
    terminal.waits_for("d delete");
    terminal.text(key);
}

/// Nothing is selected any more. What comes right behind an Escape would be a key with Alt.
#[track_caller]
fn back_to_writing(terminal: &Tmux) {
    terminal.keys(&["Escape"]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!terminal.screen().contains("d delete"), "{}", terminal.screen());
}

/// Its own message stands on the screen, and is with the server.
#[track_caller]
fn has_said(terminal: &Tmux, text: &str) {
    eventually(text, || terminal.line(text).is_some_and(|line| line.contains('✓')));
}

/// The next event of a program with such a field in what was said.
#[track_caller]
fn told(program: &mut Program, field: &str) -> Value {
    loop {
        let event = program.event();
        let data = &event["envelope"]["dataMessage"];
        if !data[field].is_null() {
            return data.clone();
        }
    }
}

#[test]
fn a_conversation_of_every_kind_on_two_screens_and_with_a_program() {
    let server = Server::start();
    let invitation = server.invitation();
    let [anna, ben, bot] =
        ["anna", "ben", "bot"].map(|name| Person::registered(name, &server.address, &invitation));
    for name in ["ben", "bot"] {
        anna.json(&["contacts", "add", name]).succeeded();
    }
    anna.json(&["group", "create", "hikes", "ben", "bot"]).succeeded();
    anna.send("bot", "hello");
    ben.json(&["contacts", "add", "anna"]).succeeded();
    ben.json(&["contacts", "add", "bot"]).succeeded();
    eventually("ben is in the group", || {
        ben.json(&["receive"]).succeeded();
        ben.json(&["group", "show", "hikes"]).code == 0
    });
    let daemon = Daemon::start(&bot, &["--socket"]);
    let mut program = daemon.unix();
    assert_eq!(text(&program.message()), "hello");
    let (a, b) = (Tmux::start(WIDTH, HEIGHT), Tmux::start(WIDTH, HEIGHT));
    a.chat(&anna, "ben");
    b.chat(&ben, "anna");
    for terminal in [&a, &b] {
        terminal.waits_for("● connected");
    }
    two_people_talk(&a, &b);
    a.waits_for("▒▒");
    check(&a, "conversation");
    check(&b, "conversation-of-the-other");
    look_around(&a);

    // What happens elsewhere is counted, and one goes there.
    let group = program.call("listGroups", json!({}))[0]["id"].clone();
    program.call("send", json!({ "recipient": "anna", "message": "I am a program" }));
    program.call("send", json!({ "groupId": group, "message": "who comes?" }));
    a.waits_for("wrote in another conversation");
    a.keys(&["C-k"]);
    eventually("both are counted", || a.screen().matches("(1)").count() == 2);
    // The second may have come after Ctrl+K, and says so where the keys stand; it goes with the next key.
    a.keys(&["Down", "Up"]);
    eventually("the keys are shown", || !a.screen().contains("wrote in another conversation"));
    check(&a, "chats");
    a.text("hik");
    a.waits_for("conversations with “hik”");
    a.keys(&["Enter"]);
    a.waits_for("group of 3");
    a.waits_for("who comes?");

    // In the group, where a program listens.
    about_the_newest(&a, "+");
    a.waits_for("1 👍");
    a.text("2");
    assert_eq!(told(&mut program, "reaction")["reaction"]["emoji"], "❤️");
    a.text("r");
    a.waits_for("replying to bot: who comes?");
    a.enter("*I* do, @bot");
    let reply = told(&mut program, "quote");
    assert_eq!((&reply["quote"]["text"], &reply["message"]), (&json!("who comes?"), &json!("I do, @bot")));
    assert_eq!(reply["mentions"][0]["number"], "bot");
    let target = json!({
        "groupId": group, "targetAuthor": "anna", "targetTimestamp": reply["timestamp"], "emoji": "🎉",
    });
    program.call("sendReaction", target);
    a.waits_for("🎉");
    a.enter("/poll-any when? | Saturday | Sunday");
    let poll = told(&mut program, "pollCreate");
    assert_eq!(poll["pollCreate"]["options"], json!(["Saturday", "Sunday"]));
    has_said(&a, "○ 2 Sunday");
    about_the_newest(&a, "1");
    assert_eq!(told(&mut program, "pollVote")["pollVote"]["optionIndexes"], json!([0]));
    a.text("2");
    back_to_writing(&a);
    a.enter("a mistake");
    assert_eq!(text(&program.message()), "a mistake");
    has_said(&a, "a mistake");
    about_the_newest(&a, "d");
    a.waits_for("e for everyone");
    a.text("e");
    told(&mut program, "remoteDelete");
    a.keys(&["Escape"]);
    a.waits_for("this message was deleted");
    b.keys(&["C-k"]);
    b.waits_for("hikes");
    b.text("hikes");
    b.keys(&["Enter"]);
    b.waits_for("this message was deleted");
    b.enter("me too");
    assert_eq!(text(&program.message()), "me too");
    a.waits_for("me too");
    check(&a, "group");
    check(&b, "group-of-the-other");
    // What was begun is there when one comes back.
    a.text("half a sentence");
    go(&a, "bot", "I am a program");
    go(&a, "hikes", "› half a sentence");
    a.keys(&["C-u"]);
    for terminal in [&a, &b] {
        terminal.keys(&["Escape"]);
        terminal.waits_for("ready>");
    }
    assert_eq!(daemon.terminate(), 0);
}

/// To another conversation, in the middle of a sentence.
#[track_caller]
fn go(terminal: &Tmux, name: &str, shows: &str) {
    terminal.keys(&["M-k"]);
    terminal.waits_for("type to narrow");
    terminal.text(name);
    terminal.keys(&["Enter"]);
    terminal.waits_for(shows);
}

/// By keys, everything that two people can say to each other.
#[track_caller]
fn two_people_talk(a: &Tmux, b: &Tmux) {
    a.enter("*dinner* _soon_, @ben?");
    b.waits_for("dinner soon, @ben?");
    about_the_newest(b, "r");
    b.waits_for("replying to anna: dinner soon");
    b.enter("yes, at seven");
    a.waits_for("yes, at seven");
    has_said(b, "yes, at seven");
    about_the_newest(b, "e");
    b.waits_for("saying it otherwise");
    b.keys(&["C-u"]);
    b.enter("yes, at eight");
    a.waits_for("yes, at eight");
    about_the_newest(a, "+");
    a.waits_for("1 👍");
    a.text("1");
    b.waits_for("👍");
    back_to_writing(a);
    a.enter("/poll what? | pizza | soup");
    b.waits_for("○ 2 soup");
    about_the_newest(b, "2");
    a.waits_for("▇ 1");
    back_to_writing(b);
    b.enter("/event party | 2030-12-24T18:00 | here");
    a.waits_for("event: 2030-12-24 18:00, here");
    about_the_newest(a, "m");
    b.waits_for("perhaps: anna");
    back_to_writing(a);
    a.enter("/place 48.2 16.37 Vienna");
    b.waits_for("Vienna (48.20000, 16.37000)");
    a.enter("/card ben");
    b.waits_for("☎ ben");
    a.enter("/once a secret");
    b.waits_for("to be seen once");
    about_the_newest(b, "o");
    b.waits_for("a secret");
    b.keys(&["Escape"]);
    b.waits_for("opened");
    back_to_writing(b);
    a.enter("a mistake");
    b.waits_for("a mistake");
    has_said(a, "a mistake");
    about_the_newest(a, "d");
    a.waits_for("m for me · e for everyone");
    a.text("e");
    b.waits_for("this message was deleted");
    back_to_writing(a);
    a.enter("/disappear 7d");
    b.waits_for("anna set messages to disappear after 7 days");
    a.enter("the end: ||he lives||");
    b.waits_for("the end: ▒▒ ▒▒▒▒▒");
    about_the_newest(b, "f");
    b.waits_for("pass it on to");
    b.text("anna");
    b.keys(&["Enter"]);
    a.waits_for("↪ forwarded");
    back_to_writing(b);
}

/// Selecting, help, search, and who has read what.
#[track_caller]
fn look_around(a: &Tmux) {
    a.resize(WIDTH, 24);
    a.keys(&["Up", "Up"]);
    a.waits_for("he lives");
    check(a, "selected");
    a.text("i");
    a.waits_for("read ");
    check(a, "info");
    a.keys(&["Escape"]);
    a.waits_for("the end: he lives");
    back_to_writing(a);
    a.enter("/help");
    a.waits_for("Esc closes this.");
    check(a, "help");
    a.keys(&["Escape"]);
    a.waits_for("the end");
    a.enter("/search dinner");
    a.waits_for("newest first");
    check(a, "search");
    back_to_writing(a);
}

#[test]
fn only_times_are_masked() {
    let shown = masked("bob 14:05 ✓✓ 2026-03-07 1:2  12:3x\n9:30 100:59 \n\n");
    assert_eq!(shown, "bob ##:## ✓✓ ####-##-## 1:2  12:3x\n9:30 1##:##\n");
}
