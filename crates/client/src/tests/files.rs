//! Messages with files, on all devices of everybody.

use waxwing_wire::attachment::{Attachment, AttachmentKind};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::post::{Deed, Post, Preview, Quote};
use waxwing_wire::{Bytes, FileId, Reject, RejectCode};

use super::world::World;
use crate::command::Failure;
use crate::{
    Body, Command, Conversation, Delivery, Event, LocalFile, Message, MessageKey, Read as _, UploadFailure,
};

const ALL: [&str; 4] = ["alice", "alice2", "bob", "bob2"];

/// Two people with two devices each, who know each other.
fn two() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    world.link("alice2", "alice", HistoryRange::All);
    world.link("bob2", "bob", HistoryRange::All);
    world
}

/// A file that is uploaded already.
fn photo(number: u8) -> Attachment {
    Attachment {
        file: Some(FileId([number; 16])),
        media_type: "image/jpeg".into(),
        name: "sea.jpg".into(),
        width: 1600,
        height: 1200,
        blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj".into(),
        thumbnail: Bytes::from_static(b"thumbnail"),
        ..Attachment::new(AttachmentKind::Photo, [number; 32], [number; 32], 123_456)
    }
}

fn said(world: &World, who: &str, key: MessageKey) -> Option<Message> {
    world.users[who].db.message(&key).unwrap()
}

fn post_of(world: &World, who: &str, key: MessageKey) -> Post {
    match said(world, who, key).expect("it is here").body {
        Body::Post(post) => *post,
        _ => panic!("{who}: not a post"),
    }
}

fn send(world: &mut World, from: &'static str, to: Conversation, post: Post) -> Result<MessageKey, Failure> {
    let id = world.command(from, Command::Send { to, post: Box::new(post) });
    let done = |event: &Event| match event {
        Event::Done { command, message, .. } if *command == id => Some(Ok((*message).unwrap())),
        Event::Failed { command, failure } if *command == id => Some(Err(failure.clone())),
        _ => None,
    };
    world.users[from].events.iter().find_map(done).expect("it is answered at once")
}

fn act(world: &mut World, who: &'static str, with: Conversation, target: MessageKey, deed: Deed) {
    let id = world.command(who, Command::Act { with, target: Some(target), deed });
    world.settle();
    assert_eq!(world.answer(who, id), None);
}

#[test]
fn files_reach_every_device_with_their_keys_and_go_with_their_message() {
    let mut world = two();
    let (to_bob, with_alice) = (world.conversation("bob"), world.conversation("alice"));
    let album = Post { attachments: vec![photo(1), photo(2)], ..Post::plain("at the sea") };
    let key = send(&mut world, "alice", to_bob, album.clone()).unwrap();
    world.settle();
    for who in ALL {
        assert!(post_of(&world, who, key) == album, "{who}");
    }
    // A caption is edited; the files stay.
    act(&mut world, "alice2", to_bob, key, Deed::Edit(Box::new(Post::plain("in the mountains"))));
    for who in ALL {
        let edited = Post { text: "in the mountains".into(), ..album.clone() };
        assert!(post_of(&world, who, key) == edited, "{who}");
    }
    // Whoever answers says of what kind it was.
    let message = (key.from, key.id);
    let quote = Some(Box::new(Quote { message, text: String::new(), attachments: Vec::new() }));
    let answer =
        send(&mut world, "bob2", with_alice, Post { quote, ..Post::plain("how beautiful") }).unwrap();
    world.settle();
    for who in ALL {
        let quote = post_of(&world, who, answer).quote.unwrap();
        assert_eq!(quote.text, "in the mountains", "{who}");
        assert_eq!(quote.attachments, vec![AttachmentKind::Photo; 2], "{who}");
    }
    act(&mut world, "alice", to_bob, key, Deed::Delete);
    for who in ALL {
        assert!(said(&world, who, key).unwrap().body == Body::Deleted, "{who}");
    }
    world.assert_at_rest();
}

#[test]
fn a_file_without_a_text_says_something_and_a_new_device_gets_it() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let to_bob = world.conversation("bob");
    let alone = Post { attachments: vec![photo(1)], ..Post::default() };
    let key = send(&mut world, "alice", to_bob, alone.clone()).unwrap();
    let once = Post { attachments: vec![photo(2)], once: true, ..Post::default() };
    let seen = send(&mut world, "alice", to_bob, once).unwrap();
    world.settle();
    let with_alice = world.conversation("alice");
    act(&mut world, "bob", with_alice, seen, Deed::Opened);
    world.link("bob2", "bob", HistoryRange::All);
    world.settle();
    for who in ["bob", "bob2"] {
        assert!(post_of(&world, who, key) == alone, "{who}");
        assert!(said(&world, who, seen).unwrap().body == Body::Opened, "{who}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_everything() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let to_bob = world.conversation("bob");
    let preview = Preview {
        url: "https://example.org/".into(),
        title: String::new(),
        description: String::new(),
        image: Bytes::new(),
    };
    let wrong = [
        Post { attachments: vec![photo(1); 31], ..Post::default() },
        Post { attachments: vec![Attachment { name: "x".repeat(256), ..photo(1) }], ..Post::default() },
        Post { attachments: vec![photo(1)], preview: Some(Box::new(preview)), ..Post::plain("x") },
        // Nobody has uploaded it, and there is nothing here that could be.
        Post { attachments: vec![Attachment { file: None, ..photo(1) }], ..Post::default() },
    ];
    for post in wrong {
        assert!(send(&mut world, "alice", to_bob, post).is_err());
    }
    world.settle();
    assert!(world.history("alice", "bob").is_empty());
    world.assert_at_rest();
}

// ---------------------------------------------------------------- uploads

/// A file whose ciphertext this device has.
fn local(number: u8) -> LocalFile {
    let digest = [number; 32];
    LocalFile { digest, key: [number ^ 0xff; 32], bytes: 70_000, content: [number ^ 0x0f; 32] }
}

/// As a front end names it: only the core knows its key.
fn named(number: u8) -> Attachment {
    Attachment { name: "a.bin".into(), ..Attachment::new(AttachmentKind::Document, [0; 32], [number; 32], 0) }
}

fn add(world: &mut World, who: &'static str, number: u8) {
    let id = world.command(who, Command::AddFile { file: local(number) });
    world.settle();
    assert_eq!(world.answer(who, id), None);
}

/// The shell of a device has uploaded what it was to upload; how many that were.
fn upload(world: &mut World, who: &'static str) -> usize {
    let mut count = 0;
    while let Some(upload) = world.user(who).uploads.pop() {
        assert!(world.relay.files.gone.remove(&upload.ticket.file), "there was a ticket for it");
        world.command(who, Command::Uploaded { digest: upload.digest });
        world.settle();
        count += 1;
    }
    count
}

fn delivery(world: &World, who: &str, key: MessageKey) -> Delivery {
    said(world, who, key).unwrap().delivery
}

#[test]
fn a_message_waits_for_its_files_and_holds_up_nothing() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    world.offline("alice");
    let id = world.command("alice", Command::AddFile { file: local(1) });
    assert_eq!(world.answer("alice", id), None);
    let post = Post { attachments: vec![named(1)], ..Post::plain("look") };
    let key = send(&mut world, "alice", to_bob, post).unwrap();
    assert!(post_of(&world, "alice", key).attachments[0].key == local(1).key, "it is shown at once");
    world.write("alice", "bob", "written after it");
    world.online("alice");
    world.settle();
    assert_eq!(world.arrived("bob", "alice"), ["written after it"]);
    assert_eq!(delivery(&world, "alice", key), Delivery::Pending);
    assert_eq!(world.relay.files.tickets.values().copied().collect::<Vec<_>>(), [71_680 + 2 * 16]);
    assert_eq!(upload(&mut world, "alice"), 1);
    for who in ALL {
        let post = post_of(&world, who, key);
        let [file] = &post.attachments[..] else { panic!("{who}: one file") };
        assert!(file.key == local(1).key && file.bytes == 70_000 && file.name == "a.bin", "{who}");
        assert_eq!(file.file, Some(FileId([0xf0; 16])), "{who}");
        assert_eq!(said(&world, who, key).unwrap().missing_before, 0, "{who}");
    }
    let naming = world.relay.files.named.iter().filter(|files| **files == [FileId([0xf0; 16])]).count();
    assert_eq!(naming, 2, "the message, and what other own devices hear of it");
    assert_eq!(delivery(&world, "alice", key), Delivery::Delivered);
    world.assert_at_rest();
}

#[test]
fn an_upload_goes_on_after_a_restart_and_serves_every_later_message() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    let (to_bob, to_carol) = (world.conversation("bob"), world.conversation("carol"));
    add(&mut world, "alice", 1);
    let key = send(&mut world, "alice", to_bob, Post { attachments: vec![named(1)], ..Post::default() });
    let key = key.unwrap();
    world.settle();
    let before = world.users["alice"].uploads[0].ticket.clone();
    world.reopen("alice");
    world.online("alice");
    world.settle();
    assert!(world.users["alice"].uploads[0].ticket == before, "the same ticket");
    assert_eq!(upload(&mut world, "alice"), 1);
    assert!(post_of(&world, "bob", key).attachments[0].file.is_some());
    // To somebody else, by the same name; and passed on.
    let again = Post { attachments: vec![named(1)], ..Post::default() };
    let again = send(&mut world, "alice", to_carol, again).unwrap();
    let id = world.command("alice", Command::Forward { message: key, to: vec![to_carol] });
    world.settle();
    assert_eq!(world.answer("alice", id), None);
    assert!(post_of(&world, "carol", again).attachments == post_of(&world, "bob", key).attachments);
    assert_eq!(world.history("carol", "alice").len(), 2);
    assert_eq!((world.relay.files.tickets.len(), upload(&mut world, "alice")), (1, 0));
    let user = &world.users["alice"];
    assert!(user.client.file_with(&user.db, local(1).content).unwrap() == Some(local(1)));
    assert!(user.client.file_with(&user.db, [9; 32]).unwrap().is_none());
    world.assert_at_rest();
}

#[test]
fn a_file_in_segments_is_uploaded_when_the_server_has_seen_them() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let to_bob = world.conversation("bob");
    (world.relay.files.segment_bytes, world.relay.files.incomplete) = (1_000, true);
    add(&mut world, "alice", 1);
    let key = send(&mut world, "alice", to_bob, Post { attachments: vec![named(1)], ..Post::default() });
    let key = key.unwrap();
    world.settle();
    assert_eq!(world.user("alice").uploads.pop().unwrap().ticket.segment_bytes, 1_000);
    let found = world.command("alice", Command::FindSegments { digest: [1; 32], first: 16 });
    world.settle();
    let told = |event: &Event| match event {
        Event::SegmentsFound { command, segments } => {
            *command == found && segments.urls == ["https://store.example/16"]
        }
        _ => false,
    };
    assert_eq!(world.count("alice", told), 1);
    // What is not the shell's to upload goes nowhere.
    let unknown = world.command("alice", Command::FindSegments { digest: [2; 32], first: 0 });
    assert_eq!(world.answer("alice", unknown), Some(Failure::UnknownFile));
    let early = world.command("alice", Command::FinishUpload { digest: [1; 32] });
    world.settle();
    let refused = world.answer("alice", early);
    assert!(matches!(refused, Some(Failure::Rejected(reject)) if reject.code == RejectCode::Malformed));
    assert_eq!(delivery(&world, "alice", key), Delivery::Pending);
    world.relay.files.incomplete = false;
    let done = world.command("alice", Command::FinishUpload { digest: [1; 32] });
    world.settle();
    assert_eq!(world.answer("alice", done), None);
    assert_eq!(delivery(&world, "alice", key), Delivery::Delivered);
    assert_eq!(post_of(&world, "bob", key).attachments[0].file, Some(FileId([0xf0; 16])));
    // The shell says it too; it is so already.
    world.command("alice", Command::Uploaded { digest: [1; 32] });
    world.offline("alice");
    let offline = world.command("alice", Command::FinishUpload { digest: [1; 32] });
    assert_eq!(world.answer("alice", offline), Some(Failure::UnknownFile), "it is no upload any more");
    world.online("alice");
    world.settle();
    world.assert_at_rest();
}

#[test]
fn what_the_server_has_no_more_is_uploaded_again() {
    let mut world = two();
    let (to_bob, with_alice) = (world.conversation("bob"), world.conversation("alice"));
    add(&mut world, "alice", 1);
    upload(&mut world, "alice");
    let first = FileId([0xf0; 16]);
    world.relay.files.gone.insert(first);
    let key = send(&mut world, "alice", to_bob, Post { attachments: vec![named(1)], ..Post::default() });
    let key = key.unwrap();
    world.settle();
    world.write("alice", "bob", "after it");
    world.settle();
    assert_eq!(delivery(&world, "alice", key), Delivery::Pending);
    assert!(world.arrived("bob", "alice").is_empty(), "its place was taken: nothing overtakes it");
    assert_eq!(upload(&mut world, "alice"), 1);
    for who in ALL {
        assert_eq!(post_of(&world, who, key).attachments[0].file, Some(FileId([0xf1; 16])), "{who}");
    }
    assert_eq!(world.history("bob", "alice").len(), 2);
    // Whoever passes on what somebody else has uploaded may have to upload it.
    world.relay.files.gone.insert(FileId([0xf1; 16]));
    let id = world.command("bob", Command::Forward { message: key, to: vec![with_alice] });
    world.settle();
    assert_eq!(world.answer("bob", id), None);
    assert_eq!(upload(&mut world, "bob"), 1);
    let passed = world.history("alice", "bob").into_iter().find(|message| message.key.from != key.from);
    let Some(Body::Post(passed)) = passed.map(|message| message.body) else { panic!("it came") };
    let [file] = &passed.attachments[..] else { panic!("with its file") };
    assert!(file.file == Some(FileId([0xf2; 16])) && file.key == local(1).key);
    world.assert_at_rest();
}

/// What alice shows, as somebody has it.
fn status(world: &World, who: &str) -> Option<Message> {
    let with = Conversation::Status(world.account("alice"));
    world.users[who].db.history(with, u64::MAX, 2).unwrap().pop()
}

fn show(world: &mut World, attachments: Vec<Attachment>) -> Option<Failure> {
    let post = Post { attachments, ..Post::plain("at the sea") };
    let id = world.command("alice", Command::Show { post: Box::new(post) });
    world.settle();
    world.answer("alice", id)
}

#[test]
fn what_is_shown_for_a_day_can_have_a_photo_that_is_uploaded_once_for_everybody() {
    let mut world = two();
    world.join("carol");
    world.register("carol");
    world.befriend("alice", "carol");
    world.befriend("carol", "alice");
    for wrong in [vec![photo(1), photo(2)], vec![named(1)]] {
        assert_eq!(show(&mut world, wrong), Some(Failure::Malformed), "one, to look at or to listen to");
    }
    let unknown = Attachment { file: None, ..photo(1) };
    assert_eq!(show(&mut world, vec![unknown.clone()]), Some(Failure::UnknownFile));
    assert!(status(&world, "alice").is_none());
    add(&mut world, "alice", 1);
    assert_eq!(show(&mut world, vec![unknown]), None);
    assert_eq!(status(&world, "alice").unwrap().delivery, Delivery::Pending);
    assert!(status(&world, "bob").is_none() && status(&world, "alice2").is_none(), "it is not there yet");
    assert_eq!(upload(&mut world, "alice"), 1);
    assert_eq!(status(&world, "alice").unwrap().delivery, Delivery::Sent);
    for who in ["alice", "alice2", "bob", "bob2", "carol"] {
        let Some(Body::Post(post)) = status(&world, who).map(|message| message.body) else {
            panic!("{who} is shown it")
        };
        let [file] = &post.attachments[..] else { panic!("{who}: with its photo") };
        assert!(file.file == Some(FileId([0xf0; 16])) && file.key == local(1).key, "{who}");
    }
    let naming = world.relay.files.named.iter().filter(|files| **files == [FileId([0xf0; 16])]).count();
    assert_eq!(naming, 3, "for each of its audience, and what other own devices hear of it");
    world.assert_at_rest();
}

#[test]
fn a_photo_of_a_status_that_the_server_has_no_more_is_uploaded_again_for_everybody() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    for other in ["bob", "carol"] {
        world.befriend("alice", other);
        world.befriend(other, "alice");
    }
    add(&mut world, "alice", 1);
    upload(&mut world, "alice");
    world.relay.files.gone.insert(FileId([0xf0; 16]));
    assert_eq!(show(&mut world, vec![Attachment { file: None, ..photo(1) }]), None);
    assert_eq!(status(&world, "alice").unwrap().delivery, Delivery::Pending);
    assert_eq!(upload(&mut world, "alice"), 1);
    for who in ["bob", "carol"] {
        let Some(Body::Post(post)) = status(&world, who).map(|message| message.body) else {
            panic!("{who} is shown it")
        };
        assert_eq!(post.attachments[0].file, Some(FileId([0xf1; 16])), "{who}");
    }
    assert_eq!(status(&world, "alice").unwrap().delivery, Delivery::Sent);
    // After its day nobody keeps anything of it, and the server hears that nobody fetches it any more.
    world.pass_days(1);
    world.advance(20_000);
    assert!(["alice", "bob", "carol"].iter().all(|who| status(&world, who).is_none()));
    let fetched: Vec<_> = world.relay.files.fetched.clone();
    assert_eq!(fetched, [("bob", FileId([0xf1; 16])), ("carol", FileId([0xf1; 16]))]);
    world.assert_at_rest();
}

#[test]
fn what_cannot_be_uploaded_fails_and_can_be_sent_again() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let to_bob = world.conversation("bob");
    let album = |numbers: &[u8]| Post {
        attachments: numbers.iter().map(|number| named(*number)).collect(),
        ..Post::plain("album")
    };
    world.relay.files.refuse = Some(Reject::new(RejectCode::Quota, "full"));
    add(&mut world, "alice", 1);
    let refused = send(&mut world, "alice", to_bob, album(&[1])).unwrap();
    world.settle();
    assert_eq!(delivery(&world, "alice", refused), Delivery::Failed);
    let told = |event: &Event| matches!(event, Event::FileRefused { file, .. } if *file == [1; 32]);
    assert!(world.count("alice", told) > 0);
    world.relay.files.refuse = None;
    let again = send(&mut world, "alice", to_bob, album(&[1])).unwrap();
    world.settle();
    assert_eq!(upload(&mut world, "alice"), 1);
    assert_eq!(delivery(&world, "alice", again), Delivery::Delivered);
    // Its ciphertext is gone from this device.
    add(&mut world, "alice", 2);
    let lost = send(&mut world, "alice", to_bob, album(&[1, 2])).unwrap();
    let failed = Command::UploadFailed { digest: [2; 32], why: UploadFailure::Missing };
    world.command("alice", failed);
    world.settle();
    assert_eq!(delivery(&world, "alice", lost), Delivery::Failed);
    // A ticket that does not count any more: another one, after a while.
    world.user("alice").uploads.clear();
    add(&mut world, "alice", 3);
    let key = send(&mut world, "alice", to_bob, album(&[3])).unwrap();
    world.user("alice").uploads.clear();
    world.command("alice", Command::UploadFailed { digest: [3; 32], why: UploadFailure::Ticket });
    world.settle();
    assert!(world.users["alice"].uploads.is_empty());
    world.advance(60_000);
    world.settle();
    assert_eq!(upload(&mut world, "alice"), 1);
    assert_eq!(delivery(&world, "alice", key), Delivery::Delivered);
    assert_eq!(world.history("bob", "alice").len(), 2);
    world.assert_at_rest();
}

#[test]
fn files_in_groups_notes_and_lists() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    add(&mut world, "alice", 1);
    let post = || Post { attachments: vec![named(1)], ..Post::default() };
    let key = send(&mut world, "alice", Conversation::Group(group), post()).unwrap();
    let own = world.conversation("alice");
    let note = send(&mut world, "alice", own, post()).unwrap();
    world.said("alice", group, "text");
    assert_eq!(delivery(&world, "alice", note), Delivery::Pending);
    assert_eq!(upload(&mut world, "alice"), 1);
    for who in ["alice", "bob", "carol"] {
        assert_eq!(post_of(&world, who, key).attachments[0].file, Some(FileId([0xf0; 16])), "{who}");
    }
    assert_eq!(delivery(&world, "alice", note), Delivery::Read);
    // Gone, in a group.
    world.relay.files.gone.insert(FileId([0xf0; 16]));
    let key = send(&mut world, "alice", Conversation::Group(group), post()).unwrap();
    world.settle();
    assert_eq!(upload(&mut world, "alice"), 1);
    for who in ["bob", "carol"] {
        assert_eq!(post_of(&world, who, key).attachments[0].file, Some(FileId([0xf1; 16])), "{who}");
    }
    world.assert_at_rest();
}

#[test]
fn what_was_fetched_is_told_durably_and_what_goes_unread_too() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    let to_bob = world.conversation("bob");
    let key = |world: &mut World, number: u8| {
        let key = send(world, "alice", to_bob, Post { attachments: vec![photo(number)], ..Post::default() })
            .unwrap();
        world.settle();
        key
    };
    let (first, second) = (key(&mut world, 1), key(&mut world, 2));
    world.offline("bob");
    world.command("bob", Command::Fetched { file: FileId([1; 16]) });
    world.reopen("bob");
    world.online("bob");
    world.settle();
    assert_eq!(world.relay.files.fetched, [("bob", FileId([1; 16]))]);
    world.reopen("bob");
    world.online("bob");
    world.settle();
    assert_eq!(world.relay.files.fetched.len(), 1, "once");
    let id = world.command("bob", Command::DeleteMessages { messages: vec![second] });
    world.settle();
    assert_eq!(world.answer("bob", id), None);
    assert_eq!(world.relay.files.fetched.last(), Some(&("bob", FileId([2; 16]))));
    act(&mut world, "alice", to_bob, first, Deed::Delete);
    world.settle();
    let found = world.command("bob", Command::FindFile { file: FileId([3; 16]), first: 0 });
    world.settle();
    let told = |event: &Event| matches!(event, Event::FileFound { command, .. } if *command == found);
    assert_eq!(world.count("bob", told), 1);
    assert_eq!(world.answer("bob", found), None);
    world.assert_at_rest();
}
