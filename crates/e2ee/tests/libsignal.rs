//! Our side against the official Signal library, in both roles, over a bad network. It is a judge
//! that nobody here wrote; without it (Node.js 20 and npm) these tests fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

#[path = "shared/device.rs"]
mod device;
#[path = "libsignal/judge.rs"]
mod judge;

use device::Device;
use judge::{Judge, Party, ciphertext, unhex};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::json;
use waxwing_e2ee::{Address, Ciphertext, Error, safety_number, sender_key};

/// So that 2,000 messages are read each way when a tenth is lost.
const ROUNDS: usize = 285;
const PER_ROUND: usize = 8;
/// Places that a delayed message falls back, at most.
const WINDOW: u64 = 12;
const ALICE: Address = Address { account: [0xA1; 16], device: 3 };

fn setup(seed: u64) -> (Judge, Party, Device) {
    let mut judge = Judge::start();
    let party = Party::new(&mut judge, "alice", ALICE);
    (judge, party, Device::new(seed))
}

/// One direction of a bad network: loses 10% and delays 30%.
struct Road {
    rng: ChaCha20Rng,
    clock: u64,
    under_way: Vec<(u64, Vec<u8>, Ciphertext)>,
    lost: usize,
    delayed: usize,
}

impl Road {
    fn new(seed: u64) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(seed);
        Self { rng, clock: 0, under_way: Vec::new(), lost: 0, delayed: 0 }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.next_u32() % 100 < percent
    }

    fn put(&mut self, body: Vec<u8>, message: Ciphertext) {
        self.clock += 1;
        if self.chance(10) {
            self.lost += 1;
            return;
        }
        let mut due = self.clock;
        if self.chance(30) {
            self.delayed += 1;
            due += 1 + self.rng.next_u64() % WINDOW;
        }
        self.under_way.push((due, body, message));
    }

    fn arrive(&mut self, all: bool) -> Vec<(Vec<u8>, Ciphertext)> {
        let now = if all { u64::MAX } else { self.clock };
        let mut due: Vec<_> = self.under_way.extract_if(.., |(due, ..)| *due <= now).collect();
        due.sort_by_key(|(due, ..)| *due);
        due.into_iter().map(|(_, body, message)| (body, message)).collect()
    }

    /// The message with one bit changed. Only what the MAC covers: the outer fields of a prekey
    /// message are not.
    fn tampered(&mut self, message: &Ciphertext) -> Option<Ciphertext> {
        let Ciphertext::Whisper(bytes) = message else { return None };
        let mut bytes = bytes.clone();
        let at = self.rng.next_u64() as usize % bytes.len();
        bytes[at] ^= 1 << (self.rng.next_u32() % 8);
        Some(Ciphertext::Whisper(bytes))
    }
}

#[derive(Default, Debug)]
struct Tally {
    sent: usize,
    received: usize,
    duplicates_refused: usize,
    tampered_refused: usize,
    largest_record: usize,
}

/// 2,000 messages each way between parties that have a session, or one of which can start.
fn converse(judge: &mut Judge, alice: &Party, bob: &mut Device, seed: u64) {
    let (mut to_alice, mut to_bob) = (Road::new(seed), Road::new(seed + 1));
    let (mut at_alice, mut at_bob) = (Tally::default(), Tally::default());
    for round in 0..=ROUNDS {
        let last = round == ROUNDS;
        if !last {
            send_to_alice(bob, alice.address, round, &mut to_alice, &mut at_alice);
        }
        deliver_to_alice(judge, alice, bob.address, to_alice.arrive(last), &mut to_alice, &mut at_alice);
        if !last {
            send_to_bob(judge, alice, bob, round, &mut to_bob, &mut at_bob);
        }
        deliver_to_bob(bob, alice.address, to_bob.arrive(last), &mut to_bob, &mut at_bob);
    }
    let epoch = epoch(judge, &bob.send(alice.address, b"last").unwrap());
    assert!(epoch >= 20, "the post-quantum ratchet stands at epoch {epoch}");
    for (road, tally) in [(&to_alice, &at_alice), (&to_bob, &at_bob)] {
        println!("{tally:?}, {} lost, {} delayed, epoch {epoch}", road.lost, road.delayed);
        assert!(tally.sent >= 2_000 && tally.received >= 2_000);
        assert_eq!(tally.received, tally.sent - road.lost);
        assert!(road.lost * 100 > tally.sent * 7 && road.delayed * 100 > tally.sent * 22);
        assert!(tally.duplicates_refused > 100 && tally.tampered_refused > 100);
    }
}

/// The post-quantum epoch in a message of ours, as the official library reads it. Below 128.
fn epoch(judge: &mut Judge, message: &Ciphertext) -> u8 {
    let body = hex::encode(message.as_bytes());
    let packet = unhex(&judge.one(json!({ "op": "pq_ratchet", "body": body })).unwrap());
    assert!(packet[1] < 128);
    packet[1]
}

fn body(round: usize, at: usize) -> Vec<u8> {
    format!("message {round}.{at} {}", "x".repeat((round * 7 + at * 31) % 300)).into_bytes()
}

fn send_to_alice(bob: &mut Device, to: Address, round: usize, road: &mut Road, tally: &mut Tally) {
    for at in 0..PER_ROUND {
        let body = body(round, at);
        let message = bob.send(to, &body).unwrap();
        tally.sent += 1;
        road.put(body, message);
    }
    tally.largest_record = tally.largest_record.max(bob.sessions[&to].len());
}

fn send_to_bob(
    judge: &mut Judge,
    alice: &Party,
    bob: &Device,
    round: usize,
    road: &mut Road,
    tally: &mut Tally,
) {
    let bodies: Vec<_> = (0..PER_ROUND).map(|at| body(round, at)).collect();
    let ops = bodies.iter().map(|body| alice.encrypt_op(bob.address, body, bob.now_ms)).collect();
    let verdicts = judge.call(ops);
    // Who waits for the first message of the other cannot send yet.
    if round == 0 && verdicts.iter().all(Result::is_err) {
        panic!("alice has no session: {:?}", verdicts[0]);
    }
    for (body, verdict) in bodies.into_iter().zip(verdicts) {
        tally.sent += 1;
        road.put(body, ciphertext(&verdict.unwrap()));
    }
}

fn deliver_to_alice(
    judge: &mut Judge,
    alice: &Party,
    bob: Address,
    arrived: Vec<(Vec<u8>, Ciphertext)>,
    road: &mut Road,
    tally: &mut Tally,
) {
    let (mut ops, mut expected) = (Vec::new(), Vec::new());
    let refused = |ops: &mut Vec<_>, message: &Ciphertext| {
        let session = alice.peer_op("session", bob);
        ops.extend([session.clone(), alice.decrypt_op(bob, message), session]);
    };
    for (body, message) in &arrived {
        let tampered = road.chance(15).then(|| road.tampered(message)).flatten();
        if let Some(tampered) = &tampered {
            refused(&mut ops, tampered);
            expected.push(Expected::Tampered);
        }
        ops.push(alice.decrypt_op(bob, message));
        expected.push(Expected::Read(body.clone()));
        if road.chance(15) {
            refused(&mut ops, message);
            expected.push(Expected::Duplicate);
        }
    }
    let mut verdicts = judge.call(ops).into_iter();
    let mut next = || verdicts.next().unwrap();
    for expected in expected {
        if let Expected::Read(body) = expected {
            assert_eq!(unhex(&next().unwrap()), body);
            tally.received += 1;
            continue;
        }
        let (before, refusal, after) = (next().unwrap(), next().unwrap_err(), next().unwrap());
        assert_eq!(before, after, "a refused message changed the official session");
        if let Expected::Duplicate = expected {
            assert!(refusal.contains("DuplicatedMessage"), "{refusal}");
            tally.duplicates_refused += 1;
        } else {
            tally.tampered_refused += 1;
        }
    }
}

enum Expected {
    Read(Vec<u8>),
    Duplicate,
    Tampered,
}

fn deliver_to_bob(
    bob: &mut Device,
    alice: Address,
    arrived: Vec<(Vec<u8>, Ciphertext)>,
    road: &mut Road,
    tally: &mut Tally,
) {
    for (body, message) in arrived {
        if road.chance(15)
            && let Some(tampered) = road.tampered(&message)
        {
            assert!(bob.receive(alice, &tampered).is_err());
            tally.tampered_refused += 1;
        }
        assert_eq!(bob.receive(alice, &message).unwrap(), body);
        tally.received += 1;
        if road.chance(15) {
            assert_eq!(bob.receive(alice, &message), Err(Error::Duplicate));
            tally.duplicates_refused += 1;
        }
    }
    tally.largest_record = tally.largest_record.max(bob.sessions[&alice].len());
}

#[test]
fn we_start_and_talk_over_a_bad_network() {
    let (mut judge, alice, mut bob) = setup(1);
    let bundle = alice.bundle(&mut judge, true);
    bob.start(alice.address, &bundle).unwrap();
    let first = bob.send(alice.address, b"hello").unwrap();
    assert_eq!(alice.decrypt(&mut judge, bob.address, &first).unwrap(), b"hello");
    converse(&mut judge, &alice, &mut bob, 10);
}

#[test]
fn libsignal_starts_and_talks_over_a_bad_network() {
    let (mut judge, alice, mut bob) = setup(2);
    let bundle = bob.bundle(true);
    alice.start(&mut judge, bob.address, &bundle, bob.now_ms);
    let first = alice.encrypt(&mut judge, bob.address, b"hello", bob.now_ms);
    assert_eq!(bob.receive(alice.address, &first).unwrap(), b"hello");
    converse(&mut judge, &alice, &mut bob, 20);
}

#[test]
fn sessions_start_without_a_one_time_prekey() {
    let (mut judge, alice, mut bob) = setup(3);
    bob.start(alice.address, &alice.bundle(&mut judge, false)).unwrap();
    talk(&mut judge, &alice, &mut bob, 4);
    let bundle = bob.bundle(false);
    alice.start(&mut judge, bob.address, &bundle, bob.now_ms);
    talk(&mut judge, &alice, &mut bob, 4);
}

/// Some messages each way, alternating, nothing lost.
fn talk(judge: &mut Judge, alice: &Party, bob: &mut Device, rounds: usize) {
    for round in 0..rounds {
        if bob.session(alice.address).is_some() {
            let message = bob.send(alice.address, &body(round, 0)).unwrap();
            let found = alice.decrypt(judge, bob.address, &message).unwrap();
            assert_eq!(found, body(round, 0));
        }
        let message = alice.encrypt(judge, bob.address, &body(round, 1), bob.now_ms);
        assert_eq!(bob.receive(alice.address, &message).unwrap(), body(round, 1));
    }
}

#[test]
fn refused_messages_leave_the_official_session_untouched_by_us() {
    let (mut judge, alice, mut bob) = setup(4);
    bob.start(alice.address, &alice.bundle(&mut judge, true)).unwrap();
    talk(&mut judge, &alice, &mut bob, 3);
    let message = bob.send(alice.address, b"one").unwrap();
    let Ciphertext::Whisper(mut bytes) = message.clone() else { panic!("answered session") };
    *bytes.last_mut().unwrap() ^= 1;
    let verdicts = judge.call(vec![
        alice.peer_op("session", bob.address),
        alice.decrypt_op(bob.address, &Ciphertext::Whisper(bytes)),
        alice.peer_op("session", bob.address),
        alice.decrypt_op(bob.address, &message),
    ]);
    assert_eq!(verdicts[0].as_ref().unwrap()["hash"], verdicts[2].as_ref().unwrap()["hash"]);
    assert!(verdicts[1].is_err() && verdicts[3].is_ok());
}

#[test]
fn a_side_that_lost_its_state_renews_the_session() {
    let (mut judge, alice, mut bob) = setup(5);
    bob.start(alice.address, &alice.bundle(&mut judge, true)).unwrap();
    talk(&mut judge, &alice, &mut bob, 5);

    // We lose ours, and start again.
    let unread = alice.encrypt(&mut judge, bob.address, b"lost", bob.now_ms);
    bob.sessions.clear();
    assert_eq!(bob.receive(alice.address, &unread), Err(Error::NoSession));
    bob.start(alice.address, &alice.bundle(&mut judge, true)).unwrap();
    assert!(bob.receive(alice.address, &unread).is_err());
    talk(&mut judge, &alice, &mut bob, 5);

    // They lose theirs, and start again. Ours keeps the old session beside the new one.
    let late = alice.encrypt(&mut judge, bob.address, b"late", bob.now_ms);
    judge.one(alice.peer_op("forget", bob.address)).unwrap();
    let bundle = bob.bundle(true);
    alice.start(&mut judge, bob.address, &bundle, bob.now_ms);
    let renewed = alice.encrypt(&mut judge, bob.address, b"renewed", bob.now_ms);
    assert_eq!(bob.receive(alice.address, &renewed).unwrap(), b"renewed");
    assert_eq!(bob.receive(alice.address, &late).unwrap(), b"late");
    let again = alice.encrypt(&mut judge, bob.address, b"again", bob.now_ms);
    assert_eq!(bob.receive(alice.address, &again).unwrap(), b"again");
    talk(&mut judge, &alice, &mut bob, 5);
}

#[test]
fn both_sides_start_at_once_and_settle() {
    let (mut judge, alice, mut bob) = setup(6);
    let (ours, theirs) = (alice.bundle(&mut judge, true), bob.bundle(true));
    bob.start(alice.address, &ours).unwrap();
    alice.start(&mut judge, bob.address, &theirs, bob.now_ms);
    let from_bob: Vec<_> =
        (0..3).map(|at| (body(0, at), bob.send(alice.address, &body(0, at)).unwrap())).collect();
    let from_alice: Vec<_> = (0..3)
        .map(|at| (body(1, at), alice.encrypt(&mut judge, bob.address, &body(1, at), bob.now_ms)))
        .collect();
    for (body, message) in &from_bob {
        assert!(matches!(message, Ciphertext::PreKey(_)));
        assert_eq!(alice.decrypt(&mut judge, bob.address, message).unwrap(), *body);
    }
    for (body, message) in &from_alice {
        assert!(matches!(message, Ciphertext::PreKey(_)));
        assert_eq!(bob.receive(alice.address, message).unwrap(), *body);
    }
    assert_eq!(bob.session(alice.address).unwrap().archived_count(), 1);
    converse(&mut judge, &alice, &mut bob, 60);
}

#[test]
fn archived_sessions_still_read_and_come_back() {
    let (mut judge, alice, mut bob) = setup(7);
    bob.start(alice.address, &alice.bundle(&mut judge, true)).unwrap();
    talk(&mut judge, &alice, &mut bob, 3);
    let late: Vec<_> =
        (0..4).map(|at| alice.encrypt(&mut judge, bob.address, &body(9, at), bob.now_ms)).collect();
    // Ten renewals later, what was under way to the first session is still read.
    for round in 0..10 {
        bob.archive(alice.address);
        assert_eq!(bob.send(alice.address, b"x"), Err(Error::NoSession));
        bob.start(alice.address, &alice.bundle(&mut judge, round % 2 == 0)).unwrap();
        let message = bob.send(alice.address, &body(round, 0)).unwrap();
        assert_eq!(alice.decrypt(&mut judge, bob.address, &message).unwrap(), body(round, 0));
    }
    for (at, message) in late.iter().enumerate() {
        assert_eq!(bob.receive(alice.address, message).unwrap(), body(9, at));
    }
    assert_eq!(bob.session(alice.address).unwrap().archived_count(), 10);
    // They archive too, and the session that we now use comes back at their side.
    judge.one(alice.peer_op("archive", bob.address)).unwrap();
    talk(&mut judge, &alice, &mut bob, 5);
}

#[test]
fn messages_bound_to_other_addresses_are_refused() {
    let (mut judge, alice, mut bob) = setup(8);
    let bundle = bob.bundle(true);
    alice.start(&mut judge, bob.address, &bundle, bob.now_ms);
    let message = alice.encrypt(&mut judge, bob.address, b"for bob", bob.now_ms);
    let elsewhere = Address { device: 9, ..alice.address };
    assert_eq!(bob.receive(elsewhere, &message), Err(Error::WrongAddress));
    assert_eq!(bob.receive(alice.address, &message).unwrap(), b"for bob");
    // And ours, by the official library.
    let (mut judge, alice, mut bob) = setup(9);
    bob.start(alice.address, &alice.bundle(&mut judge, true)).unwrap();
    let message = bob.send(alice.address, b"for alice").unwrap();
    let elsewhere = Address { device: 8, ..bob.address };
    assert!(alice.decrypt(&mut judge, elsewhere, &message).is_err());
    assert_eq!(alice.decrypt(&mut judge, bob.address, &message).unwrap(), b"for alice");
}

#[test]
fn sender_keys_both_ways() {
    let (mut judge, alice, mut bob) = setup(11);
    let id = [0x5A; 16];
    let uuid = "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a";

    // Ours, read by the official library, in another order and once only.
    let mut ours = sender_key::create(id, &mut bob.rng);
    let distribution = sender_key::distribution_message(&ours).unwrap();
    let mut process = alice.peer_op("sender_key_process", bob.address);
    process["body"] = json!(hex::encode(distribution));
    judge.one(process).unwrap();
    let mut road = Road::new(11);
    let mut messages: Vec<_> = (0..300)
        .map(|at| (body(1, at), sender_key::encrypt(&mut ours, &body(1, at), &mut bob.rng).unwrap()))
        .filter(|_| !road.chance(10))
        .collect();
    let shuffle = |road: &mut Road, at: usize| at as u64 + road.rng.next_u64() % WINDOW;
    let mut order: Vec<_> = (0..messages.len()).map(|at| (shuffle(&mut road, at), at)).collect();
    order.sort_unstable();
    let mut ops = Vec::new();
    for (_, at) in &order {
        let mut op = alice.peer_op("sender_key_decrypt", bob.address);
        op["body"] = json!(hex::encode(&messages[*at].1));
        ops.extend([op.clone(), op]);
    }
    for (pair, (_, at)) in judge.call(ops).chunks(2).zip(&order) {
        assert_eq!(unhex(pair[0].as_ref().unwrap()), messages[*at].0);
        assert!(pair[1].as_ref().unwrap_err().contains("DuplicatedMessage"));
    }

    // Theirs, read by us.
    let create = json!({ "op": "sender_key_create", "party": "alice", "distribution": uuid });
    let distribution = unhex(&judge.one(create).unwrap());
    let mut theirs = sender_key::process(None, &distribution).unwrap();
    assert_eq!(theirs.distribution_id(), id);
    let ops = (0..300).map(|at| {
        json!({ "op": "sender_key_encrypt", "party": "alice", "distribution": uuid,
            "body": hex::encode(body(2, at)) })
    });
    messages = judge
        .call(ops.collect())
        .into_iter()
        .enumerate()
        .map(|(at, verdict)| (body(2, at), unhex(&verdict.unwrap())))
        .filter(|_| !road.chance(10))
        .collect();
    let mut order: Vec<_> = (0..messages.len()).map(|at| (shuffle(&mut road, at), at)).collect();
    order.sort_unstable();
    for (_, at) in order {
        let (body, message) = &messages[at];
        assert_eq!(*sender_key::decrypt(&mut theirs, message).unwrap(), *body);
        assert_eq!(sender_key::decrypt(&mut theirs, message), Err(Error::Duplicate));
    }
}

#[test]
fn safety_numbers_agree() {
    let (mut judge, alice, bob) = setup(12);
    let (ours, theirs) = (bob.identity.public(), alice.identity);
    let op = json!({
        "op": "safety_number",
        "local_id": hex::encode(alice.address.account),
        "local_key": hex::encode(theirs.serialize()),
        "remote_id": hex::encode(bob.address.account),
        "remote_key": hex::encode(ours.serialize()),
    });
    let verdict = judge.one(op).unwrap();
    let (local, remote) = (&bob.address.account, &alice.address.account);
    let numeric = safety_number::numeric(local, &ours, remote, &theirs);
    assert_eq!(verdict["numeric"], numeric);
    assert_eq!(numeric.len(), 60);
    let scannable = safety_number::scannable(local, &ours, remote, &theirs);
    let scanned = unhex(&verdict["scannable"]);
    assert_eq!(safety_number::compare_scanned(&scannable, &scanned), Ok(true));
    assert_eq!(safety_number::compare_scanned(&scannable, &scannable), Ok(false));
    assert_eq!(safety_number::scannable(remote, &theirs, local, &ours), scanned);
}

#[test]
fn signatures_agreements_and_identities_agree() {
    let (mut judge, alice, mut bob) = setup(13);
    for at in 0..100_usize {
        let message = body(at, at);
        let signature = bob.identity.sign(&message, &mut bob.rng);
        let verdicts = judge.call(vec![
            json!({ "op": "verify", "key": hex::encode(bob.identity.public().serialize()),
                "body": hex::encode(&message), "signature": hex::encode(signature) }),
            json!({ "op": "sign", "party": "alice", "body": hex::encode(&message) }),
        ]);
        assert_eq!(verdicts[0], Ok(json!(true)));
        let signature = unhex(verdicts[1].as_ref().unwrap());
        assert!(alice.identity.verify(&message, &signature));
        assert!(!alice.identity.verify(b"another", &signature));
    }
    let verdicts = judge.call(vec![
        json!({ "op": "agree", "party": "alice",
            "key": hex::encode(bob.identity.public().serialize()) }),
        json!({ "op": "identity", "party": "alice" }),
    ]);
    let shared = bob.identity.private().agree(&alice.identity).unwrap();
    assert_eq!(unhex(verdicts[0].as_ref().unwrap()), *shared);
    let identity = unhex(verdicts[1].as_ref().unwrap());
    let parsed = waxwing_e2ee::IdentityKeyPair::deserialize(&identity).unwrap();
    assert_eq!(parsed.public(), alice.identity);
    assert_eq!(*parsed.serialize(), identity);
}

#[test]
fn stale_unanswered_sessions_are_refused_on_both_sides() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let (mut judge, alice, mut bob) = setup(14);
    bob.start(alice.address, &alice.bundle(&mut judge, true)).unwrap();
    let bundle = bob.bundle(true);
    alice.start(&mut judge, bob.address, &bundle, bob.now_ms);
    bob.now_ms += 29 * DAY_MS;
    bob.send(alice.address, b"in time").unwrap();
    judge.one(alice.encrypt_op(bob.address, b"in time", bob.now_ms)).unwrap();
    bob.now_ms += 2 * DAY_MS;
    assert_eq!(bob.send(alice.address, b"too late"), Err(Error::StaleSession));
    assert!(judge.one(alice.encrypt_op(bob.address, b"too late", bob.now_ms)).is_err());
}
