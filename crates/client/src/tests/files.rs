//! Messages with files, on all devices of everybody.

use waxwing_wire::attachment::{Attachment, AttachmentKind};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::post::{Deed, Post, Preview, Quote};
use waxwing_wire::{Bytes, FileId};

use super::world::World;
use crate::command::Failure;
use crate::{Body, Command, Conversation, Event, Message, MessageKey, Read as _};

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
