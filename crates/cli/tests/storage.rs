//! What files take on a device: looked at, removed, moved to storage of one's own, mended, and fetched by rules.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may end so")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::golden::check;
use support::tmux::Tmux;
use support::{Person, Server, acquainted, eventually, files};

/// Bytes of which no part is another.
fn content(bytes: usize) -> Vec<u8> {
    (0..bytes / 4 + 1).flat_map(|number| (number as u32).to_le_bytes()).take(bytes).collect()
}

fn written(folder: &Path, name: &str, bytes: usize) -> String {
    let path = folder.join(name);
    fs::write(&path, content(bytes)).unwrap();
    path.to_string_lossy().into_owned()
}

/// What `waxwing media list` says, the newest last.
fn listed(person: &Person, arguments: &[&str]) -> Vec<Value> {
    person.json(&[&["media", "list"], arguments].concat()).succeeded().objects()
}

/// Saves a file anew, and says what is in it.
fn saved(person: &Person, number: &Value, folder: &Path) -> Vec<u8> {
    let path = folder.join("saved");
    let _ = fs::remove_file(&path);
    person.json(&["media", "save", &number.to_string(), "-o", &path.to_string_lossy()]).succeeded();
    fs::read(path).unwrap()
}

fn vault(person: &Person) -> Vec<PathBuf> {
    files(&person.data_dir().join("media"))
}

/// Changes a byte in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn older_files_go_to_storage_of_ones_own_and_come_back_when_they_are_needed() {
    let mut server = Server::start();
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let cloud = folder.path().join("cloud");
    for (name, bytes) in [("small.bin", 10_000), ("large.bin", 700_000)] {
        alice.json(&["send", "--file", &written(folder.path(), name, bytes), "bob", name]).succeeded();
    }
    bob.json(&["receive"]).succeeded();
    let (small, large) = (listed(&bob, &[])[0]["number"].clone(), listed(&bob, &[])[1]["number"].clone());
    for number in [&small, &large] {
        saved(&bob, number, folder.path());
    }
    // What takes room is told.
    let largest = listed(&bob, &["--largest"]);
    assert_eq!((&largest[0]["number"], &largest[1]["number"]), (&large, &small));
    assert_eq!(listed(&bob, &["--oldest", "--limit", "1"])[0]["number"], small);
    let storage = bob.json(&["media", "storage"]).succeeded().objects();
    assert_eq!((&storage[0]["name"], &storage[0]["chat"]["bytesHere"]), (&json!("alice"), &json!(710_000)));
    assert!(storage[1]["bytes"].as_u64().unwrap() > 710_000);

    assert_eq!(bob.json(&["media", "offload"]).error(), "noPlace");
    let to = cloud.to_string_lossy().into_owned();
    let none = bob.json(&["media", "offload", "--to", &to]).succeeded().object();
    assert_eq!(none["files"], 0, "nothing is a month old");
    let moved = bob.json(&["media", "offload", "--older-than", "0", "--larger-than", "100KB"]).succeeded();
    assert_eq!(moved.object()["files"], 1);
    let copies = files(&cloud);
    let id = listed(&bob, &[])[1]["file"]["id"].as_str().unwrap().to_owned();
    let name = copies[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(copies.len() == 1 && name.len() == 32 && !id.contains(&name), "its name says nothing: {name}");
    let here = |person: &Person| -> Vec<(Value, Value)> {
        listed(person, &[]).iter().map(|file| (file["here"].clone(), file["away"].clone())).collect()
    };
    assert_eq!(here(&bob), [(json!(true), json!(false)), (json!(false), json!(true))]);
    assert_eq!(vault(&bob).len(), 1);

    // It comes from there, with no server at all.
    server.kill();
    assert!(saved(&bob, &large, folder.path()) == content(700_000));
    assert_eq!(here(&bob)[1], (json!(true), json!(false)));
    // Once more: what is there need not go there again.
    let again = bob.json(&["media", "offload", "--older-than", "0"]).succeeded().object();
    assert_eq!((&again["files"], files(&cloud).len(), vault(&bob).len()), (&json!(2), 2, 0));
    // What is damaged there is fetched from the server.
    damage(&copies[0]);
    server.start_again();
    assert!(saved(&bob, &large, folder.path()) == content(700_000));
    // A copy that is damaged is written anew before anything goes from here.
    bob.json(&["media", "offload", "--older-than", "0"]).succeeded();
    assert!(vault(&bob).is_empty());
    server.kill();
    assert!(saved(&bob, &large, folder.path()) == content(700_000));
    server.start_again();
    // With its message the copy goes as well.
    bob.json(&["delete", &small.to_string()]).succeeded();
    eventually("it is deleted there", || {
        bob.json(&["receive"]).succeeded();
        files(&cloud).len() == 1
    });
}

#[test]
fn what_was_removed_or_damaged_here_is_fetched_again() {
    let server = Server::start();
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    alice.json(&["send", "--file", &written(folder.path(), "a.bin", 900_000), "bob", "x"]).succeeded();
    bob.json(&["receive"]).succeeded();
    let number = listed(&bob, &[])[0]["number"].clone();
    saved(&bob, &number, folder.path());
    bob.json(&["media", "remove", &number.to_string()]).succeeded();
    assert!(vault(&bob).is_empty());
    assert!(saved(&bob, &number, folder.path()) == content(900_000));
    damage(&vault(&bob)[0]);
    assert!(saved(&bob, &number, folder.path()) == content(900_000), "only what is damaged is fetched");
    // The copy here is right again: nobody is asked for it.
    drop(server);
    assert!(saved(&bob, &number, folder.path()) == content(900_000));
    damage(&vault(&bob)[0]);
    let path = folder.path().join("never").to_string_lossy().into_owned();
    let failed =
        bob.command(&["--json", "--timeout", "3", "media", "save", &number.to_string(), "-o", &path]);
    let failed: support::Done = { failed }.output().unwrap().into();
    assert_ne!(failed.code, 0, "{}", failed.stdout);
    assert!(!Path::new(&path).exists());
}

#[test]
fn files_are_sent_and_saved_on_the_screen_and_come_by_rules() {
    let server = Server::start();
    let (alice, bob) = acquainted(&server);
    alice.json(&["contacts", "add", "bob"]).succeeded();
    let folder = tempfile::TempDir::new().unwrap();
    let file = written(folder.path(), "plan.bin", 200_000);
    let shown = bob.run(&["settings", "download", "documents", "100KB"]).succeeded().stdout;
    assert!(shown.contains("photos always, voice always, video never, documents up to 100.0 KB"), "{shown}");
    bob.run(&["settings", "download", "documents", "always"]).succeeded();
    let (a, b) = (Tmux::start(80, 20), Tmux::start(80, 20));
    a.chat(&alice, "bob");
    b.chat(&bob, "alice");
    for terminal in [&a, &b] {
        terminal.waits_for("● connected");
    }
    a.enter(&format!("/file {file}"));
    a.waits_for("✓✓");
    b.waits_for("[document, plan.bin, 195.3 KB]");
    eventually("it comes without being asked for", || vault(&bob).len() == 1);
    b.keys(&["Up"]);
    b.waits_for("w save");
    b.text("w");
    b.waits_for("saving [document, plan.bin, 195.3 KB] as");
    check(&b, "saving-a-file");
    let out = folder.path().join("out.bin");
    b.keys(&["C-u"]);
    b.enter(&out.to_string_lossy());
    b.waits_for("saved");
    assert!(fs::read(&out).unwrap() == content(200_000));
    a.enter("/file /nowhere/at/all");
    a.waits_for("cannot be read");
}
