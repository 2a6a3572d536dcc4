//! Sizes, and processor time when asked: `cargo test -p waxwing-e2ee --test cost -- --ignored
//! --nocapture` (with `--config profile.dev.opt-level=3` for times that mean something).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

#[path = "shared/device.rs"]
mod device;

use std::{
    fmt,
    time::{Duration, Instant},
};

use device::Device;
use rand_core::Rng;
use waxwing_e2ee::{Local, Session, decrypt_whisper, encrypt, padding, sender_key};

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
fn times() {
    let (mut alice, mut bob) = (Device::new(1), Device::new(2));
    let bundle = bob.bundle(true);
    let mut initiating = Clock::default();
    for _ in 0..100 {
        alice.sessions.clear();
        initiating.time(|| alice.start(bob.address, &bundle).unwrap());
    }
    let first = alice.send(bob.address, b"1").unwrap();
    let mut answering = Clock::default();
    answering.time(|| bob.receive(alice.address, &first).unwrap());
    println!("initiate {initiating}; decrypt the first message and grow its prekeys {answering}");
    let message = bob.send(alice.address, b"2").unwrap();
    alice.receive(bob.address, &message).unwrap();
    talk("alternating", 1, &mut alice, &mut bob);
    talk("bursts of 10", 10, &mut alice, &mut bob);
    group(&mut alice);
}

fn talk(what: &str, burst: usize, alice: &mut Device, bob: &mut Device) {
    let body = padding::pad(&[b'x'; 200]);
    let [mut encrypting, mut decrypting, mut storing] = [(); 3].map(|()| Clock::default());
    for round in 0..4_000 / burst {
        let (from, to) = if round % 2 == 0 { (&mut *alice, &mut *bob) } else { (&mut *bob, &mut *alice) };
        for _ in 0..burst {
            let mut session = from.session(to.address).unwrap();
            let local = local(from, to);
            let message =
                encrypting.time(|| encrypt(&mut session, &local, &body, 0, &mut from.rng.clone()).unwrap());
            from.rng.next_u32();
            from.sessions.insert(to.address, session.encode().to_vec());
            let mut session = to.session(from.address).unwrap();
            let (local, bytes) = (self::local(to, from), message.as_bytes());
            decrypting.time(|| decrypt_whisper(&mut session, &local, bytes, &mut to.rng.clone()).unwrap());
            to.rng.next_u32();
            let record = storing.time(|| {
                let record = session.encode();
                Session::decode(&record).unwrap();
                record
            });
            to.sessions.insert(from.address, record.to_vec());
        }
    }
    println!("{what}: encrypt {encrypting}, decrypt {decrypting}, record to bytes and back {storing}");
}

fn local<'a>(near: &'a Device, far: &Device) -> Local<'a> {
    let (address, remote_address) = (Some(near.address), Some(far.address));
    Local { identity: &near.identity, registration_id: 1, address, remote_address }
}

fn group(alice: &mut Device) {
    let body = padding::pad(&[b'x'; 200]);
    let mut own = sender_key::create([1; 16], &mut alice.rng);
    let distribution = sender_key::distribution_message(&own).unwrap();
    let mut other = sender_key::process(None, &distribution).unwrap();
    let [mut encrypting, mut decrypting] = [(); 2].map(|()| Clock::default());
    for _ in 0..2_000 {
        let message = encrypting.time(|| sender_key::encrypt(&mut own, &body, &mut alice.rng).unwrap());
        decrypting.time(|| sender_key::decrypt(&mut other, &message).unwrap());
    }
    println!("sender key: encrypt {encrypting}, decrypt {decrypting}");
}

/// Adds up the time of a repeated step.
#[derive(Default)]
struct Clock {
    total: Duration,
    count: u32,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "it measures time")]
    fn time<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let out = step();
        self.total += start.elapsed();
        self.count += 1;
        out
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1?}", self.total / self.count)
    }
}
