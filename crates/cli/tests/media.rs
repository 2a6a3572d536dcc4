//! Files from one account to another through a real server: what is kept in a folder, and at an S3 server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may end so")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use support::objects::Kept;
use support::rpc::{Program, text};
use support::s3::S3;
use support::{Person, Server, acquainted, eventually, files, holds};

/// What is in a file, and nowhere on the server.
const CANARY: &str = "the canary sings in chunk after chunk";

/// A document of so many bytes that says the canary again and again, never twice at the same distance.
fn document(folder: &Path, name: &str, bytes: usize) -> String {
    let mut content = Vec::new();
    for number in 0_u64.. {
        content.extend(format!("{CANARY} {number}\n").bytes());
        if content.len() >= bytes {
            break;
        }
    }
    content.truncate(bytes);
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_string_lossy().into_owned()
}

/// A photo of a slope from dark to light.
fn photo(folder: &Path) -> String {
    let (width, height) = (2_000_u32, 300_u32);
    let pixel = |x: u32, y: u32| image::Rgb([u8::try_from(x / 8).unwrap(), u8::try_from(y / 2).unwrap(), 90]);
    let picture = image::RgbImage::from_fn(width, height, pixel);
    let path = folder.join("sea.png");
    picture.save(&path).unwrap();
    path.to_string_lossy().into_owned()
}

/// The number of the last message with files.
fn last(person: &Person) -> String {
    person.json(&["media", "list"]).succeeded().object()["number"].to_string()
}

fn a_document_and_a_photo_arrive(kept: &Kept) {
    let server = Server::start_with(kept.flags());
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let plan = document(folder.path(), "plan.txt", 700_001);
    let sent = alice.json(&["send", "--file", &plan, "bob", "the plan"]).succeeded().object();
    assert_eq!(sent["message"]["delivery"], "sent");
    let received = bob.json(&["receive"]).succeeded();
    assert_eq!(received.texts(), ["the plan"]);
    let file = &received.objects()[0]["message"]["body"]["attachments"][0];
    assert_eq!(
        (&file["name"], &file["bytes"], &file["kind"]),
        (&json!("plan.txt"), &json!(700_001), &json!("document"))
    );
    assert!(file.get("key").is_none(), "keys are nobody's business out here");
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let saved = bob.json(&["media", "save", &last(&bob), "-o", &out.to_string_lossy()]).succeeded().object();
    assert_eq!(Path::new(saved["path"].as_str().unwrap()), out.join("plan.txt"));
    assert!(fs::read(out.join("plan.txt")).unwrap() == fs::read(&plan).unwrap());
    // Once more: another name, and nothing is fetched again.
    bob.json(&["media", "save", &last(&bob), "-o", &out.to_string_lossy()]).succeeded();
    assert!(out.join("plan (1).txt").exists());
    // A photo without words is made smaller.
    let sea = photo(folder.path());
    alice.json(&["send", "--file", &sea, "bob"]).succeeded();
    let received = bob.json(&["receive"]).succeeded().objects().remove(0);
    let file = &received["message"]["body"]["attachments"][0];
    assert_eq!(
        (&file["kind"], &file["width"], &file["mediaType"]),
        (&json!("photo"), &json!(1_600), &json!("image/jpeg"))
    );
    bob.json(&["media", "save", &last(&bob), "-o", &out.join("sea.jpg").to_string_lossy()]).succeeded();
    assert_eq!(image::open(out.join("sea.jpg")).unwrap().width(), 1_600);
    // Pieces of the photo as it was and as it was sent.
    let pieces: Vec<Vec<u8>> = [Path::new(&sea), out.join("sea.jpg").as_path()]
        .into_iter()
        .flat_map(|photo| {
            let bytes = fs::read(photo).unwrap();
            [1, 2, 3].map(|quarter| bytes[bytes.len() * quarter / 4..][..24].to_vec())
        })
        .collect();
    assert!(pieces.iter().any(|piece| holds(&out.join("sea.jpg"), piece)));
    // Neither the server nor the devices' own folders have it in clear.
    let (copy, stored) = kept.all(&server);
    assert_eq!(stored.len(), 2);
    for place in [server.folder(), &alice.data_dir(), &bob.data_dir(), copy.path()] {
        for path in files(place) {
            assert!(!holds(&path, CANARY) && !holds(&path, "plan.txt"), "{}", path.display());
            assert!(!pieces.iter().any(|piece| holds(&path, piece)), "{}", path.display());
        }
    }
}

fn a_file_survives_a_killed_server(kept: &Kept) {
    let mut server = Server::start_with(kept.flags());
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let film = document(folder.path(), "film.bin", 24_000_000);
    let mut sending = alice
        .command(&["send", "--document", "--file", &film, "bob", "watch this"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("some of it is there", || kept.bytes(&server) > 500_000);
    server.kill();
    let before = kept.bytes(&server);
    server.start_again();
    let _ = sending.wait();
    eventually("it is sent", || {
        alice.json(&["receive", "--wait", "2"]).succeeded();
        alice.history("bob").ticks() != ["pending"]
    });
    let stored = kept.bytes(&server);
    assert!(stored >= before && stored < 26_000_000, "one file, which went on where it was");
    bob.json(&["receive"]).succeeded();
    let out = folder.path().join("film");
    bob.json(&["media", "save", &last(&bob), "-o", &out.to_string_lossy()]).succeeded();
    assert!(fs::read(&out).unwrap() == fs::read(&film).unwrap());
    alice.json(&["send", "--document", "--file", &film, "bob", "once more"]).succeeded();
    assert_eq!(bob.received(), ["once more"]);
    assert_eq!(kept.bytes(&server), stored, "the same content does not go up again");
}

/// Of a file in the store a byte is another: nothing of it is saved, and when the byte is right again only what is
/// missing is fetched.
fn a_corrupted_byte_is_found(kept: &Kept) {
    let server = Server::start_with(kept.flags());
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let book = document(folder.path(), "book.txt", 3_000_000);
    alice.json(&["send", "--file", &book, "bob"]).succeeded();
    bob.json(&["receive"]).succeeded();
    let place = 20 * 65_552 + 77;
    kept.corrupt(&server, place);
    let out = folder.path().join("out");
    let save = || bob.json(&["media", "save", &last(&bob), "-o", &out.to_string_lossy()]);
    assert_eq!(save().error(), "falseFile");
    assert!(!out.exists());
    let came = || -> u64 {
        let parts = files(&bob.data_dir())
            .into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "part"));
        parts.map(|path| fs::metadata(path).map_or(0, |data| data.len())).sum()
    };
    assert_eq!(came(), 20 * 65_552, "the chunks before it are right and stay");
    kept.corrupt(&server, place);
    save().succeeded();
    assert!(fs::read(&out).unwrap() == fs::read(&book).unwrap());
}

fn s3() -> Kept {
    Kept::S3(S3::moto())
}

mod in_a_folder {
    use super::*;

    #[test]
    fn a_document_and_a_photo_arrive_and_the_server_knows_neither() {
        a_document_and_a_photo_arrive(&Kept::Folder);
    }

    #[test]
    fn a_file_survives_a_killed_server_and_is_passed_on_without_going_up_again() {
        a_file_survives_a_killed_server(&Kept::Folder);
    }

    #[test]
    fn a_corrupted_byte_is_found_and_the_rest_is_kept() {
        a_corrupted_byte_is_found(&Kept::Folder);
    }
}

mod at_an_s3_server {
    use super::*;

    #[test]
    fn a_document_and_a_photo_arrive_and_neither_server_knows_them() {
        a_document_and_a_photo_arrive(&s3());
    }

    #[test]
    fn a_file_survives_a_killed_server_and_is_passed_on_without_going_up_again() {
        a_file_survives_a_killed_server(&s3());
    }

    #[test]
    fn a_corrupted_byte_is_found_and_the_rest_is_kept() {
        a_corrupted_byte_is_found(&s3());
    }
}

/// A longer run: `WAXWING_GARAGE=… cargo test -p waxwing-cli --test media -- --ignored`.
mod at_garage {
    use super::*;

    #[test]
    #[ignore = "wants Garage's program in WAXWING_GARAGE"]
    fn the_same_in_one_go() {
        for test in
            [a_document_and_a_photo_arrive, a_file_survives_a_killed_server, a_corrupted_byte_is_found]
        {
            test(&Kept::S3(S3::garage()));
        }
    }
}

#[test]
fn a_program_sends_files_by_path_and_gets_those_that_come() {
    let server = Server::start();
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let note = document(folder.path(), "note.txt", 1_000);
    let (mut program, mut child) = Program::standard(&bob, &[]);
    let sent = json!({ "recipient": "alice", "message": "from a program", "attachments": [note] });
    let sent = program.call("send", sent);
    assert_eq!(sent["results"][0]["type"], "SUCCESS");
    eventually("it arrives", || {
        alice.json(&["receive"]).succeeded();
        !alice.json(&["media", "list"]).succeeded().stdout.is_empty()
    });
    alice.json(&["send", "--file", &note, "bob", "back"]).succeeded();
    let event = program.message();
    assert_eq!(text(&event), "back");
    let file = &event["envelope"]["dataMessage"]["attachments"][0];
    assert_eq!((&file["filename"], &file["size"]), (&json!("note.txt"), &json!(1_000)));
    let got = program.call("getAttachment", json!({ "id": file["id"], "sender": "alice" }));
    let content = data_encoding::BASE64.decode(got["data"].as_str().unwrap().as_bytes()).unwrap();
    assert!(content == fs::read(&note).unwrap());
    // A file as it is, and how far it is.
    let inline = "data:text/plain;filename=inline.txt;base64,aGVsbG8=";
    program.call("send", json!({ "recipient": "alice", "message": "as it is", "attachments": [inline] }));
    eventually("it arrives too", || {
        alice.json(&["receive"]).succeeded();
        alice
            .json(&["media", "list"])
            .succeeded()
            .objects()
            .iter()
            .any(|it| it["file"]["name"] == "inline.txt")
    });
    assert_eq!(program.fails("getAttachment", json!({ "id": "00" })), -1);
    program.close();
    let _ = child.wait();
}

#[test]
fn stickers_and_films_are_seen_as_such_and_say_not_where_they_were_made() {
    let server = Server::start();
    let (alice, bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    alice.json(&["send", "--sticker", &photo(folder.path()), "bob"]).succeeded();
    bob.json(&["receive"]).succeeded();
    let file = bob.json(&["media", "list"]).succeeded().object()["file"].clone();
    assert_eq!((&file["kind"], &file["mediaType"]), (&json!("sticker"), &json!("image/webp")));
    assert_eq!((&file["width"], &file["height"]), (&json!(512), &json!(77)));

    let film = path("VID_20261123.mp4");
    let filmed = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1600x900:rate=25:duration=2"])
        .args([
            "-metadata",
            "location=+48.2082+016.3738/",
            "-metadata",
            "comment=48.2082",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ])
        .args(["-pix_fmt", "yuv420p", &film])
        .status();
    if filmed.is_err() {
        eprintln!("NOT TESTED: ffmpeg is not installed (apt-get install ffmpeg)");
        return;
    }
    assert!(holds(Path::new(&film), "48.2082"));
    for (arguments, width) in [(&["--file"][..], 1_280), (&["--hd", "--file"][..], 1_600)] {
        let mut arguments = [&["send"], arguments].concat();
        arguments.extend([film.as_str(), "bob"]);
        alice.json(&arguments).succeeded();
        bob.json(&["receive"]).succeeded();
        let file = bob.json(&["media", "list"]).succeeded().object()["file"].clone();
        assert_eq!((&file["kind"], &file["width"]), (&json!("video"), &json!(width)));
        assert!(file["durationMs"].as_u64().is_some_and(|ms| (1_900..2_200).contains(&ms)));
        assert!(file.get("thumbnail").is_some() && file.get("blurhash").is_some());
        let saved = path(&format!("saved{width}.mp4"));
        bob.json(&["media", "save", &last(&bob), "-o", &saved]).succeeded();
        assert!(!holds(Path::new(&saved), "48.2082") && !holds(Path::new(&saved), "loci"));
    }
    // Without ffmpeg: as it is, but for the place.
    let mut command = alice.command(&["--json", "send", "--file", &film, "bob"]);
    assert!(command.env("PATH", path("nothing")).output().unwrap().status.success());
    bob.json(&["receive"]).succeeded();
    let listed = bob.json(&["media", "list"]).succeeded().object();
    assert_eq!((&listed["file"]["width"], listed["file"].get("name")), (&json!(1_600), None));
    bob.json(&["media", "save", &last(&bob), "-o", &path("plain.mp4")]).succeeded();
    let (sent, came) = (fs::read(&film).unwrap(), fs::read(path("plain.mp4")).unwrap());
    let plain = path("plain.mp4");
    assert!(came.len() == sent.len() && holds(Path::new(&film), "loci"));
    assert!(!holds(Path::new(&plain), "48.2082") && !holds(Path::new(&plain), "loci"));
}

#[test]
fn what_cannot_be_sent_is_said() {
    let server = Server::start();
    let (alice, _bob) = acquainted(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let missing = folder.path().join("none").to_string_lossy().into_owned();
    assert_eq!(alice.json(&["send", "--file", &missing, "bob", "x"]).error(), "cannotRead");
    let broken = folder.path().join("x.jpg");
    fs::write(&broken, b"\xff\xd8\xff no picture").unwrap();
    let broken = broken.to_string_lossy().into_owned();
    assert_eq!(alice.json(&["send", "--file", &broken, "bob", "x"]).error(), "malformedPicture");
    alice.json(&["send", "--document", "--file", &broken, "bob", "x"]).succeeded();
    assert_eq!(alice.json(&["media", "save", "99999"]).error(), "unknownMessage");
    assert_eq!(alice.history("bob").texts(), ["x"]);
}
