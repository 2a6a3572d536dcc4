//! People find each other by addresses that their operator knows, through real programs; and nothing of an address
//! book is left anywhere.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::process::Command;

use support::{Person, Server, files, holds, waxwingd};

const ANNA: &str = "canary-anna@example.org";
const BEN: &str = "canary-ben@example.org";

fn operator(server: &Server, arguments: &[&str]) -> String {
    let output = Command::new(waxwingd()).args(arguments).arg("--data-dir").arg(server.data_dir()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn who_opted_in_is_found_and_nothing_of_the_book_is_kept() {
    let mut server = Server::start();
    // Anna's address came with her invitation, Ben's later with a code.
    let anna =
        Person::registered("anna", &server.address, &operator(&server, &["invite", "--address", ANNA]));
    let invitation = server.invitation();
    let ben = Person::registered("ben", &server.address, &invitation);
    let carol = Person::registered("carol", &server.address, &invitation);
    let code = operator(&server, &["address", BEN]);
    let told = ben.json(&["settings", "address", &code]).succeeded().object();
    assert_eq!((told["on"].as_bool(), told["addresses"].as_u64()), (Some(false), Some(1)));
    assert_eq!(carol.json(&["settings", "address", &code]).error(), "invitationInvalid");
    assert_eq!(carol.json(&["settings", "address", "abc"]).error(), "malformedCode");

    let folder = tempfile::TempDir::new().unwrap();
    let book = folder.path().join("book.vcf");
    let card = |name: &str, address: &str| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEMAIL:{address}\r\nEND:VCARD\r\n")
    };
    let stranger = card("canary-stranger", "canary-nobody@example.org");
    fs::write(&book, card("Anna B", "Canary-Anna@Example.org") + &card("Ben C", BEN) + &stranger).unwrap();
    let book = book.to_str().unwrap();
    let found = |person: &Person| {
        let contacts = person.json(&["contacts", "sync", book]).succeeded().objects();
        let name = |contact: &serde_json::Value| contact["name"].as_str().unwrap().to_owned();
        contacts.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(found(&carol), [""; 0], "nobody has opted in");
    let told = anna.json(&["settings", "discoverable", "on"]).succeeded().object();
    assert_eq!((told["on"].as_bool(), told["addresses"].as_u64()), (Some(true), Some(1)));
    assert_eq!(found(&carol), ["Anna B"], "ben has not");
    server.kill();
    server.start_again();
    assert_eq!(found(&carol), ["Anna B"], "and it stays so");
    let contacts = carol.json(&["contacts"]).succeeded().objects();
    assert_eq!(contacts.len(), 1);
    assert_eq!((contacts[0]["name"].as_str(), contacts[0]["username"].as_str()), (Some("Anna B"), None));
    // Whoever is found can be written to, by the name in the book.
    carol.send("Anna B", "found you");
    assert_eq!(anna.received(), ["found you"]);
    assert!(anna.run(&["settings", "discoverable"]).succeeded().stdout.contains("finds you"));
    anna.json(&["settings", "discoverable", "off"]).succeeded();
    assert_eq!(found(&ben), [""; 0]);
    assert_eq!(carol.json(&["contacts", "sync", "/nowhere"]).error(), "unreadable");

    server.kill();
    for place in [server.folder().to_owned(), carol.data_dir(), ben.data_dir(), anna.data_dir()] {
        for file in files(&place) {
            assert!(!holds(&file, "canary"), "{}", file.display());
            assert!(!holds(&file, "example.org"), "{}", file.display());
        }
    }
}

#[test]
fn a_day_has_only_so_many_look_ups_also_for_a_server_that_starts_again() {
    let mut server = Server::start();
    let alice = Person::registered("alice", &server.address, &server.invitation());
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, count: usize| {
        let rows: String = (0..count).map(|n| format!("Somebody {n},a{n}@example.org\n")).collect();
        let file = folder.path().join(name);
        fs::write(&file, format!("Name,E-mail\n{rows}")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (full, one, more) = (write("full.csv", 2_000), write("one.csv", 1), write("more.csv", 2_001));
    assert_eq!(alice.json(&["contacts", "sync", &more]).error(), "tooManyAddresses");
    assert_eq!(alice.json(&["contacts", "sync", &full]).succeeded().stdout, "");
    server.kill();
    server.start_again();
    assert_eq!(alice.json(&["contacts", "sync", &one]).error(), "rateLimited");
    // Everything else goes on.
    alice.json(&["settings", "discoverable"]).succeeded();
}
