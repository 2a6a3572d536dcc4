//! Voice messages through a real server: recorded, sent, seen and played.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on may end so")]

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use support::tmux::Tmux;
use support::{Person, Server};

/// A WAV file of something like a voice, so many seconds long, and a note of where it was recorded.
fn recording(seconds: u32) -> Vec<u8> {
    let rate = 44_100_u32;
    let mut phase = 0.0_f64;
    let mut data = Vec::new();
    for at in 0..seconds * rate {
        let time = f64::from(at) / f64::from(rate);
        phase += (130.0 + 25.0 * (time * 2.3).sin()) / f64::from(rate) * std::f64::consts::TAU;
        let buzz: f64 = (1..25).map(|n| (phase * f64::from(n)).sin() / f64::from(n)).sum();
        let loud = (time * 12.0).sin().max(0.0) * 6_000.0;
        data.extend(((buzz * loud) as i16).to_le_bytes());
    }
    let bytes = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((bytes + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend([rate.to_le_bytes(), (rate * 2).to_le_bytes()].concat());
    file.extend(b"\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(data);
    file.extend(b"LIST\x1a\0\0\0INFOICMT\x0e\0\0\0recorded here\0");
    file
}

/// Instead of a player: it writes down what it would play.
fn player(folder: &Path) -> String {
    let heard = folder.join("heard");
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    let path = bin.join("aplay");
    fs::write(&path, format!("#!/bin/sh\nexec /bin/cat > {}\n", heard.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    bin.to_string_lossy().into_owned()
}

#[test]
fn a_recording_is_sent_seen_and_played() {
    let server = Server::start();
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    let folder = tempfile::TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let wav = at("PTT-20261123.wav");
    fs::write(&wav, recording(5)).unwrap();

    let sent = alice.json(&["send", "--voice", &wav, "bob"]).succeeded().object();
    assert_eq!(sent["message"]["delivery"], "sent");
    bob.json(&["receive"]).succeeded();
    let listed = bob.json(&["media", "list"]).succeeded().object();
    let file = &listed["file"];
    assert_eq!((&file["kind"], &file["mediaType"]), (&"voice".into(), &"audio/ogg".into()));
    assert_eq!((file["durationMs"].as_u64(), file.get("name")), (Some(5_000), None));
    let bits = file["bytes"].as_u64().unwrap() * 8 / 5;
    assert!((16_000..=24_000).contains(&bits), "{bits}");
    let waveform = data_encoding::BASE64.decode(file["waveform"].as_str().unwrap().as_bytes()).unwrap();
    assert!(waveform.len() == 64 && waveform.contains(&255) && waveform.iter().any(|part| *part < 100));
    let number = listed["number"].to_string();
    let shown = bob.run(&["media", "list"]).succeeded().stdout;
    assert!(shown.contains("voice message, ") && shown.contains("0:05") && shown.contains('█'), "{shown}");

    bob.json(&["media", "save", &number, "-o", &at("voice.ogg")]).succeeded();
    let saved = fs::read(at("voice.ogg")).unwrap();
    assert!(saved.starts_with(b"OggS") && saved[28..36] == *b"OpusHead" && saved[37] == 1, "Opus, mono");
    assert!(!saved.windows(8).any(|window| window == b"recorded"), "without what the recorder noted");
    judged_by_others(&at("voice.ogg"));

    let played = bob.json(&["media", "play", &number, "--speed", "2", "-o", &at("fast.wav")]).succeeded();
    assert_eq!(played.object()["durationMs"], 2_500);
    assert_eq!(fs::metadata(at("fast.wav")).unwrap().len(), 44 + 240_000);
    assert_eq!(bob.json(&["media", "play", &number, "-o", &at("fast.wav")]).error(), "cannotSave");
    let bin = player(folder.path());
    let mut command = bob.command(&["media", "play", &number, "--speed", "1.5"]);
    assert!(command.env("PATH", &bin).status().unwrap().success());
    assert_eq!(fs::metadata(at("heard")).unwrap().len() / 1_000, 320, "two thirds of it");
    let mut command = bob.command(&["--json", "media", "play", &number]);
    let none = command.env("PATH", at("nothing")).output().unwrap();
    assert!(String::from_utf8_lossy(&none.stderr).contains("noPlayer"));

    // Recorded while it is said, by a recorder that does not know how long it will be.
    let mut said = recording(2);
    said[4..8].fill(0xff);
    said[40..44].fill(0xff);
    said.truncate(44 + 2 * 88_200);
    let mut command = alice.command(&["--json", "send", "--voice", "-", "bob", "listen"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&said).unwrap();
    assert!(child.wait().unwrap().success());
    let received = bob.json(&["receive"]).succeeded().objects().remove(0);
    let file = &received["message"]["body"]["attachments"][0];
    assert_eq!((&file["kind"], file["durationMs"].as_u64()), (&"voice".into(), Some(2_000)));
    let number = bob.json(&["media", "list"]).succeeded().object()["number"].to_string();
    let out = bob.command(&["media", "play", &number, "-o", "-"]).output().unwrap();
    assert!(out.status.success() && out.stdout.starts_with(b"RIFF") && out.stdout.len() == 44 + 192_000);

    let screen = Tmux::start(80, 24);
    screen.chat(&bob, "alice");
    screen.waits_for("voice message");
    screen.waits_for("0:05");
    screen.waits_for("listen");

    let text = at("text.txt");
    fs::write(&text, "no sound").unwrap();
    assert_eq!(alice.json(&["send", "--voice", &text, "bob"]).error(), "malformedSound");
    assert_eq!(alice.json(&["send", "--voice", "-", "bob", "-"]).error(), "badInput");
}

/// What the world's decoder says of it.
fn judged_by_others(file: &str) {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name,channels:format=duration:format_tags"])
        .args(["-of", "default=noprint_wrappers=1", file])
        .output();
    let Ok(probe) = probe else {
        eprintln!("NOT JUDGED: ffprobe is not installed (apt-get install ffmpeg)");
        return;
    };
    let said = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(said.contains("codec_name=opus") && said.contains("channels=1"), "{said}");
    assert!(said.contains("duration=5.0"), "{said}");
}
