//! Who somebody is, who may know it, and who writes unknown: through a real server and the real programs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::Value;
use support::{Person, Server, eventually};

fn people<const N: usize>(server: &Server, names: [&'static str; N]) -> [Person; N] {
    let invitation = server.invitation();
    names.map(|name| Person::registered(name, &server.address, &invitation))
}

/// What somebody knows of another one, after everything has come.
fn told(who: &Person, of: &str) -> Value {
    who.json(&["receive", "--no-read"]).succeeded();
    who.json(&["contacts", "show", of]).succeeded().object()["profile"].clone()
}

fn ticks(who: &Person, with: &str) -> Vec<String> {
    who.json(&["receive", "--no-read"]).succeeded();
    who.history(with).ticks()
}

#[test]
fn who_writes_is_known_by_name_and_shows_no_more_than_they_want() {
    let server = Server::start();
    let [anna, ben, carla] = people(&server, ["anna", "ben", "carla"]);
    anna.json(&["profile", "name", "Anna A."]).succeeded();
    let own = anna.json(&["profile", "about", "at the sea"]).succeeded().object();
    assert_eq!((&own["name"], &own["about"]), (&"Anna A.".into(), &"at the sea".into()));
    let set = anna.json(&["settings", "about", "contacts", "--except", "carla"]).succeeded().object();
    assert_eq!(
        (&set["about"]["who"], &set["picture"]["who"]),
        (&"contactsExcept".into(), &"everyone".into())
    );
    for other in ["ben", "carla"] {
        anna.json(&["contacts", "add", other]).succeeded();
        anna.send(other, "hello");
    }
    eventually("ben knows her", || told(&ben, "anna")["about"] == "at the sea");
    eventually("carla knows her name", || told(&carla, "anna")["name"] == "Anna A.");
    assert_eq!(told(&carla, "anna")["about"], Value::Null);
    assert!(ben.run(&["contacts"]).succeeded().stdout.contains("anna (~Anna A.)"));
    // What changes is told; what is taken back is gone.
    anna.json(&["profile", "name", "Ann"]).succeeded();
    anna.json(&["settings", "about", "nobody"]).succeeded();
    eventually("ben hears of it", || {
        let profile = told(&ben, "anna");
        profile["name"] == "Ann" && profile["about"].is_null()
    });
    // Who may not add her is told so before anything happens.
    assert_eq!(anna.json(&["settings", "groups", "nobody"]).succeeded().object()["groups"]["who"], "nobody");
    eventually("ben knows that too", || told(&ben, "anna")["noGroups"] == true);
    let refused = ben.json(&["group", "create", "hikes", "anna"]);
    assert_eq!((refused.code, refused.error().as_str()), (1, "notAddable"));
    anna.json(&["settings", "groups", "everyone"]).succeeded();
    eventually("she may be added again", || told(&ben, "anna")["noGroups"] == false);
    ben.json(&["group", "create", "hikes", "anna"]).succeeded();
    let wrong = anna.json(&["settings", "about", "nobody", "--except", "ben"]);
    assert_eq!((wrong.code, wrong.error().as_str()), (1, "usage"));
}

#[test]
fn who_is_unknown_asks_and_hears_nothing_until_the_answer() {
    let server = Server::start();
    let [anna, ben, carla] = people(&server, ["anna", "ben", "carla"]);
    ben.json(&["profile", "name", "Ben B."]).succeeded();
    for stranger in [&anna, &carla] {
        stranger.send("ben", "do you know me?");
    }
    let asking = || {
        ben.json(&["receive"]).succeeded();
        let requests = ben.json(&["requests"]).succeeded().objects();
        let mut names: Vec<String> = requests
            .iter()
            .map(|request| request["username"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names
    };
    eventually("both ask", || asking() == ["anna", "carla"]);
    let chats = ben.json(&["chats"]).succeeded().objects();
    assert!(chats.iter().all(|chat| chat["request"] == true && chat["unread"] == 0));
    assert_eq!(ben.json(&["account"]).succeeded().object()["unread"], 0);
    eventually("it has arrived", || ticks(&anna, "ben") == ["delivered"]);
    assert_eq!(told(&anna, "ben"), Value::Null, "and who he is has not been told");

    ben.json(&["requests", "accept", "anna"]).succeeded();
    eventually("she hears who he is", || told(&anna, "ben")["name"] == "Ben B.");
    anna.send("ben", "now you do");
    assert_eq!(ben.received(), ["now you do"]);
    eventually("and that he has read it", || ticks(&anna, "ben") == ["read", "read"]);
    ben.json(&["requests", "block", "carla"]).succeeded();
    assert_eq!(asking(), [""; 0]);
    carla.send("ben", "hello?");
    assert_eq!(ben.received(), [""; 0]);
    assert_eq!(ben.history("carla").texts(), [""; 0]);
    let unknown = ben.json(&["requests", "accept", "anna"]);
    assert_eq!((unknown.code, unknown.error().as_str()), (1, "unknownRequest"));

    // Who does not tell what they have read does not hear it either.
    anna.json(&["settings", "receipts", "off"]).succeeded();
    ben.send("anna", "one");
    assert_eq!(anna.received(), ["one"]);
    anna.send("ben", "two");
    assert_eq!(ben.received(), ["two"]);
    // Of what came to them, each has read everything; of what they wrote, neither hears it.
    eventually("ben's has arrived", || ticks(&ben, "anna")[2..] == ["delivered", "read"]);
    eventually("so has anna's", || ticks(&anna, "ben") == ["read", "read", "read", "delivered"]);
}

#[test]
fn a_group_of_somebody_who_may_not_add_one_waits_for_an_answer() {
    let server = Server::start();
    let [ben, carla] = people(&server, ["ben", "carla"]);
    ben.json(&["settings", "groups", "nobody"]).succeeded();
    carla.json(&["contacts", "add", "ben"]).succeeded();
    // He has told her nothing yet, so her program does not know.
    for name in ["hikes", "spam"] {
        carla.json(&["group", "create", name, "ben"]).succeeded();
        carla.send(name, "hello all");
    }
    let asked = || {
        assert_eq!(ben.received(), [""; 0], "nothing is printed");
        let requests = ben.json(&["requests"]).succeeded().objects();
        let name = |request: &Value| request["name"].as_str().unwrap_or_default().to_owned();
        let mut names: Vec<String> = requests.iter().map(name).collect();
        names.sort();
        names
    };
    eventually("both ask", || asked() == ["hikes", "spam"]);
    for list in [&["chats"][..], &["group"]] {
        assert!(ben.json(list).succeeded().objects().is_empty(), "it is in no list");
    }
    ben.json(&["requests", "accept", "hikes"]).succeeded();
    ben.json(&["requests", "delete", "spam"]).succeeded();
    assert_eq!(ben.json(&["requests"]).succeeded().objects().len(), 0);
    let groups = ben.json(&["group"]).succeeded().objects();
    assert_eq!(groups.iter().map(|group| group["name"].clone()).collect::<Vec<_>>(), ["hikes"]);
    eventually("what was said there is printed now", || ben.received() == ["hello all"]);
    ben.send("hikes", "hello");
    eventually("and he is heard", || carla.received() == ["hello"]);
}
