//! Looking contacts up.

use waxwing_wire::directory::{Address, AddressCode, DirectoryKey};
use waxwing_wire::server_frame::{Response, ResponseBody, ServerFrame};
use waxwing_wire::{AccountId, RejectCode};

use super::world::World;
use crate::limits::{MAX_BOOK_ADDRESSES, MAX_CONTACT_NAME_BYTES};
use crate::{BookEntry, Command, Event, Failure, Input, Read as _, Table};

fn entry(name: &str, addresses: &[&str]) -> BookEntry {
    let addresses = addresses.iter().map(|text| Address::parse(text).unwrap()).collect();
    BookEntry { name: name.into(), addresses }
}

fn world() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.relay.directory = Some(DirectoryKey::from_seed(&[1; 32]).unwrap());
    let listed = [("bob@example.org", "bob"), ("+491701234567", "carol"), ("alice@example.org", "alice")];
    world.relay.findable =
        listed.map(|(address, who)| (Address::parse(address).unwrap(), world.account(who))).to_vec();
    world
}

fn look_up(world: &mut World, entries: Vec<BookEntry>) -> Result<(usize, Vec<(AccountId, String)>), Failure> {
    world.command("alice", Command::LookUpContacts { entries });
    world.settle();
    let mut result = None;
    for event in world.take_events("alice") {
        match event {
            Event::ContactsFound { addresses, found, .. } => result = Some(Ok((addresses, found))),
            Event::Failed { failure, .. } => result = Some(Err(failure)),
            _ => {}
        }
    }
    result.expect("an answer")
}

#[test]
fn people_of_the_book_become_contacts_with_its_names() {
    let mut world = world();
    let (bob, carol) = (world.account("bob"), world.account("carol"));
    world.command("alice", Command::SetContactName { account: carol, name: "my Carol".into() });
    let long = "\u{fc}".repeat(MAX_CONTACT_NAME_BYTES);
    let book = vec![
        entry(&long, &["nobody@example.org", "bob@example.org"]),
        entry("Carol", &["+49 170 123 45 67", "carol@example.org"]),
        entry("me", &["alice@example.org"]),
        entry("Bob again", &["bob@example.org"]),
    ];
    let (addresses, mut found) = look_up(&mut world, book).unwrap();
    assert_eq!(addresses, 5, "each once");
    found.sort();
    let mut expected = vec![(bob, "\u{fc}".repeat(MAX_CONTACT_NAME_BYTES / 2)), (carol, "Carol".into())];
    expected.sort();
    assert!(found == expected);
    let user = &world.users["alice"];
    let name = |account| user.client.contact_name(&user.db, account).unwrap().unwrap();
    assert_eq!(name(carol), "my Carol", "what the user has said stays");
    assert_eq!(name(bob).len(), MAX_CONTACT_NAME_BYTES);
    let peers = user.client.peers(&user.db).unwrap();
    assert_eq!(peers.len(), 2);
    assert!(peers.iter().all(|peer| peer.username.is_none()), "the server does not learn who was found");
    assert_eq!((world.relay.username_fetches, world.relay.fetches), (0, 0));
    // They can be written to.
    world.send("alice", "bob", "found you");
    assert_eq!(world.arrived("bob", "alice"), ["found you"]);
    // Each bucket was fetched once.
    let mut buckets = world.relay.buckets.clone();
    buckets.dedup();
    assert_eq!(buckets, world.relay.buckets);
    assert!(buckets.is_sorted());
}

#[test]
fn many_go_in_parts_and_nothing_of_the_book_is_kept() {
    let mut world = world();
    let texts: Vec<String> = (0..300).map(|n| format!("canary{n}@example.org")).collect();
    let mut book: Vec<BookEntry> =
        texts.iter().map(|text| entry("a canary of the book", &[text.as_str()])).collect();
    book.push(entry("Bob", &["bob@example.org"]));
    let (addresses, found) = look_up(&mut world, book).unwrap();
    assert_eq!((addresses, found.len()), (301, 1));
    assert_eq!(world.relay.evaluated, [128, 128, 45]);
    let db = &world.users["alice"].db;
    for table in [Table::Peer, Table::State] {
        for (key, value) in db.rows(table, &[], &[0xff; 64], usize::MAX).unwrap() {
            for bytes in [key, value] {
                assert!(!bytes.windows(6).any(|part| part == b"canary"));
                assert!(!bytes.windows(11).any(|part| part == b"example.org"));
            }
        }
    }
}

#[test]
fn another_directory_is_noticed() {
    let mut world = world();
    let book = || vec![entry("Bob", &["bob@example.org"])];
    assert_eq!(look_up(&mut world, book()).unwrap().1.len(), 1);
    world.relay.directory = Some(DirectoryKey::from_seed(&[2; 32]).unwrap());
    assert_eq!(look_up(&mut world, book()).unwrap_err(), Failure::FalseDirectory);
    world.reopen("alice");
    world.online("alice");
    assert_eq!(look_up(&mut world, book()).unwrap_err(), Failure::FalseDirectory, "it is remembered");
    world.relay.directory = Some(DirectoryKey::from_seed(&[1; 32]).unwrap());
    assert_eq!(look_up(&mut world, book()).unwrap().1.len(), 1);
}

#[test]
fn what_is_refused_or_lost_fails_and_leaves_nothing() {
    let mut world = world();
    let book = || vec![entry("Bob", &["bob@example.org"])];
    let directory = world.relay.directory.take();
    let Err(Failure::Rejected(reject)) = look_up(&mut world, book()) else { panic!("not refused") };
    assert_eq!((reject.code, reject.retry_after_ms), (RejectCode::RateLimited, 1_000));
    world.relay.directory = directory;
    assert_eq!(look_up(&mut world, Vec::new()).unwrap_err(), Failure::Empty);
    assert_eq!(look_up(&mut world, vec![entry("nobody", &[])]).unwrap_err(), Failure::Empty);
    let many: Vec<String> = (0..=MAX_BOOK_ADDRESSES).map(|n| format!("a{n}@example.org")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let limit = MAX_BOOK_ADDRESSES;
    let too_many = look_up(&mut world, vec![entry("all", &many)]).unwrap_err();
    assert_eq!(too_many, Failure::TooManyAddresses { limit });
    world.offline("alice");
    world.take_events("alice");
    assert_eq!(look_up(&mut world, book()).unwrap_err(), Failure::NotConnected);
    world.online("alice");
    // The connection breaks in the middle.
    world.command("alice", Command::LookUpContacts { entries: book() });
    world.cut("alice");
    world.settle();
    let lost = |event: &Event| matches!(event, Event::Failed { failure: Failure::NotConnected, .. });
    assert_eq!(world.count("alice", lost), 1);
    world.online("alice");
    assert_eq!(look_up(&mut world, book()).unwrap().1.len(), 1);
}

#[test]
fn whatever_a_server_answers_is_a_failure_and_no_more() {
    let answers = [
        ResponseBody::Done,
        ResponseBody::Bucket(vec![[7; 60]; 3]),
        ResponseBody::Evaluated(Box::new(waxwing_wire::directory::Evaluated {
            elements: vec![[7; 32]],
            proof: [7; 64],
            key: [7; 32],
            bits: 16,
        })),
    ];
    for answer in answers {
        let mut world = world();
        world.relay.mute = true;
        world.command("alice", Command::LookUpContacts { entries: vec![entry("Bob", &["bob@example.org"])] });
        for id in 0..20 {
            let frame =
                ServerFrame { responses: vec![Response { id, what: answer.clone() }], ..Default::default() };
            world.input("alice", Input::Frame(frame));
        }
        assert_eq!(world.count("alice", |event| matches!(event, Event::Failed { .. })), 1);
        assert_eq!(world.count("alice", |event| matches!(event, Event::ContactsFound { .. })), 0);
    }
}

#[test]
fn being_found_is_asked_and_set() {
    let mut world = world();
    for (command, expected) in [
        (Command::Findable { set: None }, (false, 0)),
        (Command::Findable { set: Some(true) }, (true, 0)),
        (Command::Findable { set: None }, (true, 0)),
        (Command::RedeemAddress { code: AddressCode([1; 16]) }, (false, 1)),
    ] {
        world.command("alice", command);
        world.settle();
        let told = world.take_events("alice").into_iter().find_map(|event| match event {
            Event::Findable { on, addresses, .. } => Some((on, addresses)),
            _ => None,
        });
        assert_eq!(told, Some(expected));
    }
}
