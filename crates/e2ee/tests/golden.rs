//! Every stored record and every message, pinned byte for byte: what was written once is read for
//! ever. A change here needs a new version byte and a reader for the old one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

#[path = "shared/device.rs"]
mod device;

use std::fmt::Write;

use device::Device;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use waxwing_e2ee::{
    Ciphertext, IdentityKeyPair, KyberPreKey, OneTimePreKey, Session, SignedPreKey, sender_key,
};

const GOLDEN: &str = include_str!("golden/v1.txt");

/// Name, length and bytes: in full when short, else their hash.
fn line(out: &mut String, name: &str, bytes: &[u8]) {
    let text = if bytes.len() <= 160 {
        hex::encode(bytes)
    } else {
        format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
    };
    writeln!(out, "{name} {} {text}", bytes.len()).unwrap();
}

/// The same story from the same seeds, and what it stores and sends.
fn story() -> String {
    let mut out = String::new();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let identity = IdentityKeyPair::generate(&mut rng);
    line(&mut out, "identity", &identity.serialize());
    line(
        &mut out,
        "signed_prekey",
        &SignedPreKey::generate(&identity, 300, 1_800_000_000_000, &mut rng).encode(),
    );
    line(
        &mut out,
        "kyber_prekey",
        &KyberPreKey::generate(&identity, 300, 1_800_000_000_000, &mut rng).encode(),
    );
    line(&mut out, "one_time_prekey", &OneTimePreKey::generate(300, &mut rng).encode());
    let mut own = sender_key::create([7; 16], &mut rng);
    line(&mut out, "sender_key_own", &own.encode());
    line(&mut out, "sender_key_distribution", &sender_key::distribution_message(&own).unwrap());
    let other = sender_key::distribution_message(&own).unwrap();
    let mut other = sender_key::process(None, &other).unwrap();
    sender_key::encrypt(&mut own, b"skipped", &mut rng).unwrap();
    let message = sender_key::encrypt(&mut own, b"group", &mut rng).unwrap();
    line(&mut out, "sender_key_message", &message);
    sender_key::decrypt(&mut other, &message).unwrap();
    line(&mut out, "sender_key_other_with_a_gap", &other.encode());

    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    alice.start(bob.address, &bob.bundle(true)).unwrap();
    line(&mut out, "session_unanswered", &alice.sessions[&bob.address]);
    let first = alice.send(bob.address, b"hello").unwrap();
    line(&mut out, "prekey_message", first.as_bytes());
    bob.receive(alice.address, &first).unwrap();
    line(&mut out, "session_of_the_responder", &bob.sessions[&alice.address]);
    // Far enough for the post-quantum ratchet to pass through every phase, with gaps.
    for round in 0..120 {
        let lost = alice.send(bob.address, b"lost").unwrap();
        let message = alice.send(bob.address, b"there").unwrap();
        bob.receive(alice.address, &message).unwrap();
        let message = bob.send(alice.address, b"back").unwrap();
        alice.receive(bob.address, &message).unwrap();
        if round % 2 == 0 {
            bob.receive(alice.address, &lost).unwrap();
        }
        if round % 3 == 0 {
            line(&mut out, &format!("session_a_{round}"), &alice.sessions[&bob.address]);
            line(&mut out, &format!("session_b_{round}"), &bob.sessions[&alice.address]);
        }
        if round % 20 == 0 {
            line(&mut out, &format!("whisper_message_{round}"), message.as_bytes());
        }
    }
    bob.archive(alice.address);
    line(&mut out, "session_archived", &bob.sessions[&alice.address]);
    out
}

#[test]
fn records_and_messages_are_as_they_were() {
    let story = story();
    if story != GOLDEN {
        let expected = GOLDEN.lines().chain(std::iter::repeat(""));
        let first = story.lines().zip(expected).find(|(found, expected)| found != expected);
        println!("{story}");
        panic!("the bytes changed; first at {first:?}");
    }
}

/// A record written by this version of the crate when it was made, and not since.
#[test]
fn an_old_session_record_still_works() {
    let record = hex::decode(include_str!("golden/session_v1.hex").trim()).unwrap();
    let message = hex::decode(include_str!("golden/message_v1.hex").trim()).unwrap();
    let session = Session::decode(&record).unwrap();
    assert_eq!(*session.encode(), record);
    let mut alice = Device::new(1);
    let bob = Device::new(2).address;
    alice.sessions.insert(bob, record);
    assert_eq!(alice.receive(bob, &Ciphertext::Whisper(message)).unwrap(), b"for the record");
}

/// Prints the two files of the test above.
#[test]
#[ignore = "only to make a record of a new version"]
fn print_a_record() {
    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    alice.start(bob.address, &bob.bundle(true)).unwrap();
    for round in 0..24 {
        let lost = alice.send(bob.address, b"lost").unwrap();
        let message = alice.send(bob.address, b"there").unwrap();
        bob.receive(alice.address, &message).unwrap();
        for _ in 0..round % 3 + 1 {
            let message = bob.send(alice.address, b"back").unwrap();
            if round % 4 != 1 {
                alice.receive(bob.address, &message).unwrap();
            }
        }
        drop(lost);
        if round == 10 {
            alice.start(bob.address, &bob.bundle(false)).unwrap();
        }
    }
    let message = bob.send(alice.address, b"for the record").unwrap();
    println!("session_v1 {}", hex::encode(&alice.sessions[&bob.address]));
    println!("message_v1 {}", hex::encode(message.as_bytes()));
}
