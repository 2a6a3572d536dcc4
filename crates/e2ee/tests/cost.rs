//! Sizes, and processor time when asked: `cargo test -p waxwing-e2ee --test cost -- --ignored
//! --nocapture` (with `--config profile.dev.opt-level=3` for times that mean something).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

#[path = "shared/device.rs"]
mod device;

use device::Device;
use waxwing_e2ee::{Ciphertext, Local, Session, decrypt_whisper, encrypt, padding, sender_key};

/// Sizes of messages with a padded body of 200 bytes, and of records, in a long conversation.
#[test]
fn messages_and_records_are_small() {
    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    alice.start(bob.address, &bob.bundle(true)).unwrap();
    let unanswered = alice.sessions[&bob.address].len();
    let body = padding::pad(&[b'x'; 200]);
    let first = alice.send(bob.address, &body).unwrap();
    bob.receive(alice.address, &first).unwrap();
    let (mut messages, mut records) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        for _ in 0..3 {
            let message = alice.send(bob.address, &body).unwrap();
            bob.receive(alice.address, &message).unwrap();
            let message = bob.send(alice.address, &body).unwrap();
            alice.receive(bob.address, &message).unwrap();
            messages.push(message.as_bytes().len());
        }
        records.push(alice.sessions[&bob.address].len());
    }
    messages.sort_unstable();
    records.sort_unstable();
    let of = |sizes: &[usize]| (sizes[0], sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
    println!("prekey message {} bytes, unanswered record {unanswered} bytes", first.as_bytes().len());
    println!("messages {:?}, records {:?} (least, median, most)", of(&messages), of(&records));
    assert!(first.as_bytes().len() < 2_100 && unanswered < 2_300);
    assert!(messages[messages.len() - 1] <= 320);
    assert!(records[records.len() - 1] < 2_900);

    let mut own = sender_key::create([1; 16], &mut alice.rng);
    let group = sender_key::encrypt(&mut own, &body, &mut alice.rng).unwrap();
    println!("sender key message {} bytes, own record {} bytes", group.len(), own.encode().len());
    assert!(group.len() < 330);
}

#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods, reason = "it measures time")]
fn times() {
    use std::time::Instant;
    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    let bundle = bob.bundle(true);
    let start = Instant::now();
    for _ in 0..100 {
        alice.sessions.clear();
        alice.start(bob.address, &bundle).unwrap();
    }
    println!("initiate {:?}", start.elapsed() / 100);
    let first = alice.send(bob.address, b"1").unwrap();
    let start = Instant::now();
    bob.receive(alice.address, &first).unwrap();
    println!("decrypt_prekey, with growing the prekeys from their records {:?}", start.elapsed());
    let body = padding::pad(&[b'x'; 200]);
    for (what, burst) in [("alternating", 1), ("bursts of 10", 10)] {
        let (mut sending, mut receiving, mut storing) = (0, 0, 0);
        let rounds = 2_000 / burst;
        for round in 0..rounds * 2 {
            let (from, to) = if round % 2 == 0 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            let (from_identity, to_identity) = (from.identity.clone(), to.identity.clone());
            let local_from = Local {
                identity: &from_identity,
                registration_id: 1,
                address: Some(from.address),
                remote_address: Some(to.address),
            };
            let local_to = Local {
                identity: &to_identity,
                registration_id: 1,
                address: Some(to.address),
                remote_address: Some(from.address),
            };
            for _ in 0..burst {
                let mut session = from.session(to.address).unwrap();
                let start = Instant::now();
                let message = encrypt(&mut session, &local_from, &body, 0, &mut from.rng).unwrap();
                sending += start.elapsed().as_nanos();
                from.sessions.insert(to.address, session.encode().to_vec());
                let mut session = to.session(from.address).unwrap();
                let start = Instant::now();
                match &message {
                    Ciphertext::Whisper(bytes) => {
                        decrypt_whisper(&mut session, &local_to, bytes, &mut to.rng).unwrap();
                    }
                    Ciphertext::PreKey(_) => {
                        to.receive(from.address, &message).unwrap();
                        continue;
                    }
                }
                receiving += start.elapsed().as_nanos();
                let start = Instant::now();
                let record = session.encode();
                Session::decode(&record).unwrap();
                storing += start.elapsed().as_nanos();
                to.sessions.insert(from.address, record.to_vec());
            }
        }
        let count = (rounds * 2 * burst) as u128;
        println!(
            "{what}: encrypt {} ns, decrypt {} ns, record to bytes and back {} ns",
            sending / count,
            receiving / count,
            storing / count
        );
    }
    let mut own = sender_key::create([1; 16], &mut alice.rng);
    let mut other = sender_key::process(None, &sender_key::distribution_message(&own).unwrap()).unwrap();
    let (mut sending, mut receiving) = (0, 0);
    for _ in 0..2_000 {
        let start = Instant::now();
        let message = sender_key::encrypt(&mut own, &body, &mut alice.rng).unwrap();
        sending += start.elapsed().as_nanos();
        let start = Instant::now();
        sender_key::decrypt(&mut other, &message).unwrap();
        receiving += start.elapsed().as_nanos();
    }
    println!("sender key: encrypt {} ns, decrypt {} ns", sending / 2_000, receiving / 2_000);
}
