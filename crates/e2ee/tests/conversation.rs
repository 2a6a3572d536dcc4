//! Two devices of ours, in one process, over a bad network.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

#[path = "shared/device.rs"]
mod device;

use device::Device;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_e2ee::{Ciphertext, Error};

/// Talks for some rounds with loss, delay, duplication and tampering; gives how many were read.
fn converse(seed: u64, rounds: u64, alice: &mut Device, bob: &mut Device) -> usize {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut way: Vec<(u64, bool, Vec<u8>, Ciphertext)> = Vec::new();
    let mut read = 0;
    let (alice_at, bob_at) = (alice.address, bob.address);
    for round in 0..rounds {
        for to_bob in [true, false] {
            let (from, to) = if to_bob { (&mut *alice, bob_at) } else { (&mut *bob, alice_at) };
            for _ in 0..rng.next_u32() % 4 {
                if from.session(to).is_none() {
                    continue;
                }
                let body = format!("{round} {to_bob} {}", rng.next_u32()).into_bytes();
                let message = from.send(to, &body).unwrap();
                if rng.next_u32() % 100 < 10 {
                    continue;
                }
                let late = if rng.next_u32() % 100 < 30 { rng.next_u64() % 3 } else { 0 };
                way.push((round + late, to_bob, body, message));
            }
        }
        let last = round + 1 == rounds;
        for (_, to_bob, body, message) in way.extract_if(.., |(due, ..)| last || *due <= round) {
            let (to, from) = if to_bob { (&mut *bob, alice_at) } else { (&mut *alice, bob_at) };
            if let Ciphertext::Whisper(bytes) = &message {
                let mut altered = bytes.clone();
                let at = rng.next_u64() as usize % altered.len();
                altered[at] ^= 1 << (rng.next_u32() % 8);
                // The helper asserts that the session is untouched.
                assert!(to.receive(from, &Ciphertext::Whisper(altered)).is_err());
            }
            assert_eq!(to.receive(from, &message).unwrap(), body);
            assert_eq!(to.receive(from, &message), Err(Error::Duplicate));
            read += 1;
        }
    }
    read
}

#[test]
fn conversations_survive_a_bad_network() {
    for seed in 0..4 {
        let (mut alice, mut bob) = (Device::new(seed), Device::new(seed + 50));
        let bundle = bob.bundle(seed % 2 == 0);
        alice.start(bob.address, &bundle).unwrap();
        assert!(converse(seed, 300, &mut alice, &mut bob) > 500);
    }
}

#[test]
fn both_start_at_once_and_settle_on_one_session() {
    for seed in 0..8 {
        let (mut alice, mut bob) = (Device::new(seed), Device::new(seed + 50));
        let (to_alice, to_bob) = (alice.bundle(true), bob.bundle(true));
        alice.start(bob.address, &to_bob).unwrap();
        bob.start(alice.address, &to_alice).unwrap();
        assert!(converse(100 + seed, 60, &mut alice, &mut bob) > 90);
        // Once nothing is under way, an exchange each way uses one session without the long form.
        for _ in 0..2 {
            let message = alice.send(bob.address, b"ping").unwrap();
            assert_eq!(bob.receive(alice.address, &message).unwrap(), b"ping");
            let message = bob.send(alice.address, b"pong").unwrap();
            assert_eq!(alice.receive(bob.address, &message).unwrap(), b"pong");
        }
        assert!(matches!(alice.send(bob.address, b"m").unwrap(), Ciphertext::Whisper(_)));
    }
}

#[test]
fn every_altered_bit_of_a_message_is_refused() {
    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    alice.start(bob.address, &bob.bundle(true)).unwrap();
    let first = alice.send(bob.address, b"1").unwrap();
    bob.receive(alice.address, &first).unwrap();
    let message = bob.send(alice.address, b"2").unwrap();
    for at in 0..message.as_bytes().len() {
        for bit in 0..8 {
            let mut bytes = message.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(alice.receive(bob.address, &Ciphertext::Whisper(bytes)).is_err());
        }
        let cut = message.as_bytes()[..at].to_vec();
        assert!(alice.receive(bob.address, &Ciphertext::Whisper(cut)).is_err());
    }
    assert_eq!(alice.receive(bob.address, &message).unwrap(), b"2");
}

/// The outer fields of the first message are not under its MAC: whatever is changed in them, either
/// it is refused, or it is read as it was sent, in a session with the same keys.
#[test]
fn an_altered_first_message_is_refused_or_harmless() {
    let (mut alice, mut bob) = (Device::new(3), Device::new(4));
    alice.start(bob.address, &bob.bundle(false)).unwrap();
    let message = alice.send(bob.address, b"first").unwrap();
    let mut harmless = 0;
    for at in 0..message.as_bytes().len() {
        let mut bytes = message.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        if let Ok(body) = bob.receive(alice.address, &Ciphertext::PreKey(bytes)) {
            assert_eq!(body, b"first");
            harmless += 1;
            bob.sessions.clear();
        }
    }
    // The registration id, and the tag of fields that default.
    assert!(harmless < 6, "{harmless}");
    assert_eq!(bob.receive(alice.address, &message).unwrap(), b"first");
}

#[test]
fn a_message_for_someone_else_is_refused() {
    let (mut alice, mut bob, mut carol) = (Device::new(5), Device::new(6), Device::new(7));
    alice.start(bob.address, &bob.bundle(true)).unwrap();
    alice.start(carol.address, &carol.bundle(true)).unwrap();
    let for_bob = alice.send(bob.address, b"bob").unwrap();
    let for_carol = alice.send(carol.address, b"carol").unwrap();
    assert!(bob.receive(alice.address, &for_carol).is_err());
    bob.receive(alice.address, &for_bob).unwrap();
    carol.receive(alice.address, &for_carol).unwrap();
    let answer = carol.send(alice.address, b"from carol").unwrap();
    assert!(alice.receive(bob.address, &answer).is_err());
    assert_eq!(alice.receive(carol.address, &answer).unwrap(), b"from carol");
}
