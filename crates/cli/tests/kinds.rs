//! Everything that a message can be, between two people, through a real server and the real programs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::Value;
use support::{Person, Server, eventually};

/// Two people who have talked.
fn two(server: &Server) -> (Person, Person) {
    let anna = Person::registered("anna", &server.address, &server.invitation());
    let ben = Person::registered("ben", &server.address, &server.invitation());
    anna.send("ben", "hello");
    assert_eq!(ben.received(), ["hello"]);
    (anna, ben)
}

/// The newest message of a conversation, after everything has come.
fn newest(who: &Person, with: &str) -> Value {
    who.json(&["receive", "--no-read"]).succeeded();
    let objects = who.json(&["history", with, "--limit", "1"]).succeeded().objects();
    objects.last().unwrap()["message"].clone()
}

/// The newest message, once it is as it should be.
#[track_caller]
fn until(who: &Person, with: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut message = Value::Null;
    eventually(what, || {
        message = newest(who, with);
        holds(&message)
    });
    message
}

fn says(text: &'static str) -> impl Fn(&Value) -> bool {
    move |message| message["body"]["text"] == text
}

fn has(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |message| message["body"]["card"]["kind"] == kind
}

fn number(message: &Value) -> String {
    format!("{}", message["order"])
}

/// What was done about the newest message, as kinds.
fn done(message: &Value) -> Vec<String> {
    let done = message["done"].as_array().cloned().unwrap_or_default();
    done.iter().map(|done| done["what"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_conversation_of_every_kind() {
    let server = Server::start();
    let (anna, ben) = two(&server);

    // Formatting, a mention and a reply.
    anna.json(&["send", "ben", "*dinner* _soon_, @ben?"]).succeeded();
    let dinner = until(&ben, "anna", "dinner", says("dinner soon, @ben?"));
    let styles: Vec<&str> =
        dinner["body"]["spans"].as_array().unwrap().iter().map(|s| s["style"].as_str().unwrap()).collect();
    assert_eq!(styles, ["bold", "italic", "mention"]);
    ben.json(&["reply", &number(&dinner), "yes"]).succeeded();
    let reply = until(&anna, "ben", "the reply", says("yes"));
    assert_eq!(reply["body"]["quote"]["text"], "dinner soon, @ben?");
    let shown = anna.run(&["history", "ben"]).succeeded().stdout;
    assert!(shown.contains("│ dinner soon") && shown.contains("*dinner* _soon_"), "{shown}");

    // Reactions, edits, pins.
    ben.json(&["react", &number(&dinner), "👍"]).succeeded();
    anna.json(&["react", &number(&reply), "❤️"]).succeeded();
    let at_ben = until(&ben, "anna", "the reaction", |message| done(message) == ["react"]);
    ben.json(&["edit", &number(&at_ben), "yes, at", "eight"]).succeeded();
    ben.json(&["pin", &number(&at_ben)]).succeeded();
    let at_anna = until(&anna, "ben", "the pin", |message| done(message) == ["react", "pin"]);
    assert_eq!(at_anna["body"]["text"], "yes, at eight");
    assert!(at_anna["editedAtMs"].as_u64().unwrap() > 0);
    assert!(anna.run(&["history", "ben"]).succeeded().stdout.contains("(edited)"));
    anna.json(&["react", &number(&at_anna)]).succeeded();
    until(&ben, "anna", "the reaction goes", |message| done(message) == ["pin"]);

    // Somebody else's message is not edited or deleted.
    assert_eq!(anna.json(&["edit", &number(&at_anna), "no"]).error(), "tooLate");
    assert_eq!(anna.json(&["delete", &number(&at_anna), "--for-everyone"]).error(), "tooLate");

    // Polls and events.
    anna.json(&["poll", "ben", "what?", "pizza", "soup"]).succeeded();
    let poll = until(&ben, "anna", "the poll", has("poll"));
    assert_eq!(poll["body"]["card"]["options"][1], "soup");
    ben.json(&["vote", &number(&poll), "2"]).succeeded();
    assert_eq!(ben.json(&["vote", &number(&poll), "1", "2"]).error(), "notAllowed");
    until(&anna, "ben", "the vote", |message| message["done"][0]["options"][0] == 1);
    ben.json(&["event", "anna", "party", "--at", "2030-12-24T18:00", "--place", "here"]).succeeded();
    let event = until(&anna, "ben", "the event", has("event"));
    anna.json(&["answer", &number(&event), "perhaps"]).succeeded();
    until(&ben, "anna", "the answer", |message| message["done"][0]["answer"] == "perhaps");

    // Places and cards.
    anna.json(&["location", "ben", "48.2", "16.37", "--place", "Vienna", "--live", "15m"]).succeeded();
    let place = until(&ben, "anna", "the place", has("place"));
    assert_eq!(place["body"]["card"]["latitudeE7"], 482_000_000);
    anna.json(&["moved", &number(&newest(&anna, "ben")), "48.3", "16.4"]).succeeded();
    until(&ben, "anna", "it moves", |message| message["done"][0]["place"]["latitudeE7"] == 483_000_000);
    assert_eq!(anna.json(&["location", "ben", "91", "0"]).error(), "badPlace");
    anna.json(&["card", "ben", "ben"]).succeeded();
    assert_eq!(until(&ben, "anna", "the card", has("contact"))["body"]["card"]["name"], "ben");

    // What is to be seen once.
    anna.json(&["send", "--once", "ben", "a secret"]).succeeded();
    let once = until(&ben, "anna", "the secret", |message| message["body"]["once"] == true);
    assert_eq!(once["body"]["text"], "");
    assert!(!ben.run(&["search", "secret"]).stdout.contains("a secret"));
    let opened = ben.json(&["open", &number(&once)]).succeeded().object();
    assert_eq!(opened["post"]["text"], "a secret");
    assert_eq!(newest(&ben, "anna")["body"]["kind"], "opened");
    assert_eq!(ben.json(&["open", &number(&once)]).error(), "unknownMessage");
    until(&anna, "ben", "that it was opened", |message| done(message) == ["opened"]);

    // Forwarding, drafts, notes.
    anna.json(&["note", "buy milk"]).succeeded();
    let note = anna.json(&["note"]).succeeded().objects();
    assert_eq!(note[0]["message"]["body"]["text"], "buy milk");
    anna.json(&["forward", &number(&note[0]["message"]), "ben"]).succeeded();
    until(&ben, "anna", "the note", |message| message["body"]["forwards"] == 1);
    anna.json(&["draft", "ben", "half", "a"]).succeeded();
    assert_eq!(anna.json(&["draft", "ben"]).succeeded().object()["text"], "half a");

    // Deleted for everyone.
    anna.json(&["send", "ben", "a mistake"]).succeeded();
    until(&ben, "anna", "the mistake", says("a mistake"));
    anna.json(&["delete", &number(&newest(&anna, "ben")), "--for-everyone"]).succeeded();
    until(&ben, "anna", "the deletion", |message| message["body"]["kind"] == "deleted");
    assert!(!ben.run(&["search", "mistake"]).stdout.contains("mistake"), "it cannot be found any more");
}

#[test]
fn messages_disappear_on_both_sides() {
    let server = Server::start();
    let (anna, ben) = two(&server);
    assert_eq!(anna.json(&["disappear", "--in", "ben", "soon"]).error(), "badTime");
    anna.json(&["disappear", "--in", "ben", "1m"]).succeeded();
    eventually("ben knows", || {
        ben.json(&["receive", "--no-read"]).succeeded();
        ben.json(&["chats"]).succeeded().object()["lifetimeS"] == 60
    });
    ben.json(&["send", "anna", "it goes"]).succeeded();
    let message = until(&anna, "ben", "what goes", says("it goes"));
    let (sent, expires) = (message["sentAtMs"].as_u64().unwrap(), message["expiresAtMs"].as_u64().unwrap());
    assert_eq!(expires - sent, 60_000);
    ben.json(&["disappear", "--in", "anna", "off"]).succeeded();
    eventually("anna knows", || {
        anna.json(&["receive", "--no-read"]).succeeded();
        anna.json(&["chats"]).succeeded().object()["lifetimeS"].is_null()
    });
    anna.send("ben", "it stays");
    let stays = until(&ben, "anna", "what stays", says("it stays"));
    assert!(stays["expiresAtMs"].is_null());
}
