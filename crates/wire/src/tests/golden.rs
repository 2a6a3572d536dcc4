//! The encoding of everything, pinned. A change here is a change of the wire format.
//!
//! `WAXWING_WRITE_GOLDEN=1 cargo test -p waxwing-wire golden` writes the files anew.
#![allow(clippy::disallowed_methods, reason = "the vectors are files, and are written on demand")]

use std::path::PathBuf;

use super::{join_ik, join_xx, samples};
use crate::client_frame::ClientFrame;
use crate::content::{Content, PlainContent};
use crate::handshake::Finished;
use crate::light::LightContent;
use crate::server_frame::{Item, ServerFrame};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.hex"))
}

/// Hexadecimal, 50 bytes a line.
fn to_text(bytes: &[u8]) -> String {
    bytes.chunks(50).map(|line| hex::encode(line) + "\n").collect()
}

/// Compares with the file and hands out the file's bytes.
fn check(name: &str, bytes: &[u8]) -> bytes::Bytes {
    let path = file(name);
    if std::env::var_os("WAXWING_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, to_text(bytes)).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let golden = hex::decode(text.split_whitespace().collect::<String>()).unwrap();
    assert_eq!(to_text(bytes), to_text(&golden), "{name}: the encoding has changed");
    golden.into()
}

#[test]
fn frames() {
    for (name, frame) in samples::client_frames() {
        assert_eq!(ClientFrame::decode(check(name, &frame.encode())).unwrap(), frame);
    }
    for (name, frame) in samples::server_frames() {
        assert_eq!(ServerFrame::decode(check(name, &frame.encode())).unwrap(), frame);
    }
    for (name, item) in samples::items() {
        assert_eq!(Item::decode(check(name, &item.encode())).unwrap(), item);
    }
}

#[test]
fn contents() {
    for (name, content) in samples::contents() {
        assert!(Content::decode(&check(name, &content.encode())).unwrap() == content);
    }
    for (name, content) in samples::plain_contents() {
        assert_eq!(PlainContent::decode(&check(name, &content.encode())).unwrap(), content);
    }
    for (name, content) in samples::light_contents() {
        assert_eq!(LightContent::decode(&check(name, &content.encode())).unwrap(), content);
    }
}

#[test]
fn invitation() {
    let text = samples::invitation().to_text();
    check("invitation", text.as_bytes());
}

#[test]
fn handshakes_and_their_first_frames() {
    for (name, joined) in [("handshake_ik", join_ik(1)), ("handshake_xx", join_xx(2))] {
        let mut bytes = joined.messages.concat();
        let (Finished { transport: mut client, .. }, Finished { transport: mut server, .. }) =
            (joined.client, joined.server);
        for _ in 0..2 {
            client.seal(b"up", &mut bytes).unwrap();
            server.seal(b"down", &mut bytes).unwrap();
        }
        check(name, &bytes);
    }
}

#[test]
fn every_file_is_used() {
    let mut names: Vec<String> = ["handshake_ik", "handshake_xx", "invitation"].map(String::from).to_vec();
    names.extend(samples::client_frames().iter().map(|(name, _)| (*name).to_string()));
    names.extend(samples::server_frames().iter().map(|(name, _)| (*name).to_string()));
    names.extend(samples::items().iter().map(|(name, _)| (*name).to_string()));
    names.extend(samples::contents().iter().map(|(name, _)| (*name).to_string()));
    names.extend(samples::plain_contents().iter().map(|(name, _)| (*name).to_string()));
    names.extend(samples::light_contents().iter().map(|(name, _)| (*name).to_string()));
    let folder = file("x").parent().unwrap().to_path_buf();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(names.contains(&name), "{name}.hex belongs to nothing");
    }
}
