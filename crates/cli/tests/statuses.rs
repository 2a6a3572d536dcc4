//! What people show for a day: through a real server and the real programs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::rpc::Program;
use support::{Person, Server, eventually};

/// People who have each other among their contacts.
fn acquainted<const N: usize>(server: &Server, names: [&'static str; N]) -> [Person; N] {
    let invitation = server.invitation();
    let people = names.map(|name| Person::registered(name, &server.address, &invitation));
    for person in &people {
        for name in names.iter().filter(|name| **name != person.name) {
            person.json(&["contacts", "add", name]).succeeded();
        }
    }
    people
}

fn texts(objects: &[Value]) -> Vec<String> {
    let text = |object: &Value| object["message"]["body"]["text"].as_str().map(str::to_owned);
    objects.iter().filter_map(text).collect()
}

fn shown(who: &Person, of: &str) -> Vec<String> {
    texts(&who.json(&["status", "show", of, "--no-read"]).succeeded().objects())
}

fn seen(who: &Person) -> Vec<String> {
    let name = |object: Value| object["contact"]["username"].as_str().unwrap().to_owned();
    who.json(&["status", "seen"]).succeeded().objects().into_iter().map(name).collect()
}

#[test]
fn what_is_shown_is_seen_answered_and_taken_back() {
    let server = Server::start();
    let [anna, ben, carla] = acquainted(&server, ["anna", "ben", "carla"]);
    assert_eq!(anna.run(&["status"]).succeeded().stdout, "");
    let posted = anna.json(&["status", "post", "at the *sea*"]).succeeded().object();
    assert_eq!((&posted["type"], &posted["people"]), (&"statusPosted".into(), &2.into()));
    assert_eq!(posted["message"]["delivery"], "sent");
    eventually("ben is shown it", || shown(&ben, "anna") == ["at the sea"]);
    // No chat knows of it, and nothing counts as unread.
    assert!(ben.json(&["chats"]).succeeded().objects().is_empty());
    assert_eq!(ben.json(&["account"]).succeeded().object()["unread"], 0);
    assert!(ben.json(&["search", "sea"]).succeeded().objects().is_empty());
    let listed = ben.run(&["status"]).succeeded().stdout;
    assert!(listed.starts_with("anna (1 new)  ") && listed.contains("at the sea"), "{listed}");
    assert_eq!(texts(&ben.json(&["status", "show"]).succeeded().objects()), ["at the sea"]);
    assert!(ben.json(&["status", "show"]).succeeded().objects().is_empty(), "it is not new any more");
    eventually("she sees who has seen it", || seen(&anna) == ["ben"]);
    // Reactions and answers go to its author alone.
    let message = ben.json(&["status", "show", "anna"]).succeeded().objects().remove(0);
    let number = message["message"]["order"].to_string();
    ben.json(&["react", &number, "🌊"]).succeeded();
    ben.json(&["reply", &number, "take me with you"]).succeeded();
    eventually("the answer is a message that quotes it", || {
        anna.json(&["receive"]).succeeded();
        let messages = anna.json(&["history", "ben"]).succeeded().objects();
        messages.iter().any(|object| object["message"]["body"]["quote"]["text"] == "at the sea")
    });
    let own = anna.json(&["status", "show", "me"]).succeeded().objects().remove(0);
    assert_eq!(own["message"]["done"][0]["emoji"], "🌊");
    carla.json(&["receive"]).succeeded();
    assert_eq!(
        carla.json(&["status", "show", "anna"]).succeeded().objects()[0]["message"]["done"],
        Value::Null
    );
    // Nobody else can take it back.
    assert_eq!(ben.json(&["status", "delete", &number]).error(), "unknownStatus");
    anna.json(&["status", "delete", &own["message"]["order"].to_string()]).succeeded();
    eventually("it is gone", || shown(&ben, "anna").is_empty() && shown(&carla, "anna").is_empty());
}

#[test]
fn a_photo_is_shown_and_saved_and_a_program_shows_one() {
    let server = Server::start();
    let [anna, ben] = acquainted(&server, ["anna", "ben"]);
    let folder = tempfile::TempDir::new().unwrap();
    let photo = folder.path().join("sea.png");
    image::RgbImage::from_fn(200, 100, |x, y| image::Rgb([x as u8, y as u8, 90])).save(&photo).unwrap();
    let photo = photo.to_string_lossy().into_owned();
    let posted = anna.json(&["status", "post", "--file", &photo, "at the sea"]).succeeded().objects();
    let posted = posted.last().unwrap();
    assert_eq!((&posted["type"], &posted["message"]["delivery"]), (&"statusPosted".into(), &"sent".into()));
    eventually("ben is shown it", || shown(&ben, "anna") == ["at the sea"]);
    let listed = ben.run(&["status"]).succeeded().stdout;
    assert!(listed.contains("[photo] at the sea"), "{listed}");
    let message = ben.json(&["status", "show", "anna"]).succeeded().objects().remove(0)["message"].clone();
    let out = folder.path().join("saved.jpg");
    let number = message["order"].to_string();
    ben.json(&["media", "save", &number, "-o", &out.to_string_lossy()]).succeeded();
    let saved = image::open(&out).unwrap();
    assert_eq!((saved.width(), saved.height()), (200, 100));
    // What is no picture, film or voice message is shown to nobody.
    let note = folder.path().join("note.txt");
    std::fs::write(&note, "words").unwrap();
    assert_eq!(anna.json(&["status", "post", "--file", &note.to_string_lossy()]).error(), "noStatusFile");
    let (mut program, mut child) = Program::standard(&ben, &[]);
    program.call("sendStory", json!({ "attachment": photo }));
    let mut story = Value::Null;
    eventually("anna is shown it", || {
        let shown = anna.json(&["status", "show", "ben"]).succeeded().objects().pop();
        story = shown.unwrap_or_default();
        !story.is_null()
    });
    assert_eq!(story["message"]["body"]["attachments"][0]["kind"], "photo");
    drop(program);
    child.wait().unwrap();
}

/// Who has written and is not added is no contact: lists say so, and so does whatever goes to contacts.
#[test]
fn who_is_not_added_is_said_to_be_shown_nothing() {
    let server = Server::start();
    let [anna, _ben] = acquainted(&server, ["anna", "ben"]);
    let carla = Person::registered("carla", &server.address, &server.invitation());
    carla.json(&["contacts", "add", "anna"]).succeeded();
    carla.json(&["send", "anna", "hello"]).succeeded();
    eventually("it comes", || !anna.json(&["receive"]).succeeded().objects().is_empty());
    let listed = anna.run(&["contacts"]).succeeded();
    assert!(listed.stdout.contains("carla  not accepted"), "{}", listed.stdout);
    anna.json(&["send", "carla", "who are you?"]).succeeded();
    let listed = anna.run(&["contacts"]).succeeded();
    assert!(listed.stdout.contains("carla  not added"), "{}", listed.stdout);
    assert!(!listed.stdout.contains("ben  not added"), "{}", listed.stdout);
    assert!(listed.stderr.contains("waxwing contacts add"), "{}", listed.stderr);
    let audience = anna.run(&["status", "audience"]).succeeded();
    assert_eq!(audience.stdout, "contacts: ben\n");
    assert!(audience.stderr.contains("carla is not added"), "{}", audience.stderr);
    let posted = anna.run(&["status", "post", "at the sea"]).succeeded();
    assert!(posted.stdout.starts_with("shown to 1 person for 24 hours"), "{}", posted.stdout);
    assert!(posted.stderr.contains("carla is not added"), "{}", posted.stderr);
    anna.json(&["contacts", "add", "carla"]).succeeded();
    let audience = anna.run(&["status", "audience"]).succeeded();
    assert_eq!((audience.stdout.as_str(), audience.stderr.as_str()), ("contacts: carla, ben\n", ""));
    let people = anna.json(&["status", "audience"]).succeeded().object()["people"].clone();
    assert_eq!(people.as_array().unwrap().len(), 2);
}

/// The same through a daemon, as bots do it.
#[test]
fn a_program_hears_of_stories_and_tells_one() {
    let server = Server::start();
    let [anna, ben] = acquainted(&server, ["anna", "ben"]);
    let (mut program, mut child) = Program::standard(&ben, &[]);
    anna.json(&["status", "post", "at the sea"]).succeeded();
    let mut story = Value::Null;
    eventually("the story comes", || {
        story = program.event()["envelope"].clone();
        story["storyMessage"]["textAttachment"]["text"] == "at the sea"
    });
    assert_eq!(story["source"], "anna");
    let about = json!({ "targetAuthor": "anna", "targetTimestamp": story["timestamp"], "emoji": "🌊" });
    program.call("sendReaction", about.clone());
    let back = json!({ "targetAuthor": "anna", "targetTimestamp": story["timestamp"], "remove": true });
    program.call("sendReaction", back);
    program.call("sendReaction", about);
    let answer = json!({
        "recipient": ["anna"], "message": "wait for me",
        "storyAuthor": "anna", "storyTimestamp": story["timestamp"],
    });
    program.call("send", answer);
    let told = program.call("sendStory", json!({ "message": "beep" }));
    assert_eq!(told["results"][0]["recipientAddress"]["username"], "anna");
    program.close();
    child.wait().unwrap();
    assert_eq!(shown(&anna, "ben"), ["beep"]);
    let own = anna.json(&["status", "show", "me"]).succeeded().objects().remove(0);
    assert_eq!(own["message"]["done"][0]["emoji"], "🌊");
    let answer = anna.json(&["history", "ben"]).succeeded().objects().remove(0);
    assert_eq!(answer["message"]["body"]["quote"]["text"], "at the sea");
}

#[test]
fn only_those_who_are_meant_are_shown_it() {
    let server = Server::start();
    let [anna, ben, carla] = acquainted(&server, ["anna", "ben", "carla"]);
    assert_eq!(anna.run(&["status", "audience"]).succeeded().stdout, "contacts: ben, carla\n");
    let set = anna.run(&["status", "audience", "contacts", "--except", "carla"]).succeeded().stdout;
    assert_eq!(set, "contacts except carla: ben\n");
    anna.json(&["status", "post", "not for carla"]).succeeded();
    assert_eq!(anna.run(&["status", "audience", "only", "carla"]).succeeded().stdout, "only carla\n");
    anna.json(&["status", "post", "for carla"]).succeeded();
    assert!(anna.run(&["settings"]).succeeded().stdout.contains("status     only carla"));
    anna.json(&["contacts", "block", "carla"]).succeeded();
    assert_eq!(anna.json(&["status", "post", "for nobody"]).error(), "noAudience");
    eventually("ben", || shown(&ben, "anna") == ["not for carla"]);
    eventually("carla", || shown(&carla, "anna") == ["for carla"]);
    // Who is muted is out of the way, and found when looked for.
    ben.json(&["status", "mute", "anna"]).succeeded();
    assert!(ben.json(&["status"]).succeeded().objects().is_empty());
    assert_eq!(ben.json(&["status", "list", "--all"]).succeeded().objects().len(), 1);
    ben.json(&["status", "unmute", "anna"]).succeeded();
    assert_eq!(ben.json(&["status"]).succeeded().objects().len(), 1);
    // What somebody shows who is no contact is not.
    ben.json(&["contacts", "remove", "anna"]).succeeded();
    assert!(ben.json(&["status"]).succeeded().objects().is_empty());
}
