use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::{KyberPreKey, OneTimePreKey, SignedPreKey};

struct Side {
    identity: IdentityKeyPair,
    signed: SignedPreKey,
    kyber: KyberPreKey,
}

impl PreKeys for Side {
    fn one_time(&self, _: u32) -> Option<OneTimePreKey> {
        None
    }

    fn signed(&self, id: u32) -> Option<SignedPreKey> {
        (id == self.signed.id).then(|| self.signed.clone())
    }

    fn kyber(&self, id: u32) -> Option<KyberPreKey> {
        (id == self.kyber.id).then(|| self.kyber.clone())
    }
}

impl Side {
    fn new(rng: &mut ChaCha20Rng) -> Self {
        let identity = IdentityKeyPair::generate(rng);
        let signed = SignedPreKey::generate(&identity, 1, 0, rng);
        let kyber = KyberPreKey::generate(&identity, 2, 0, rng);
        Self { identity, signed, kyber }
    }

    fn local(&self) -> Local<'_> {
        Local { identity: &self.identity, registration_id: 5, address: None, remote_address: None }
    }

    fn bundle(&self) -> PreKeyBundle {
        PreKeyBundle {
            registration_id: 5,
            device_id: 1,
            identity: self.identity.public(),
            signed_prekey: (1, self.signed.public(), self.signed.signature),
            kyber_prekey: (2, self.kyber.public().to_vec(), self.kyber.signature),
            one_time: None,
        }
    }
}

/// Two sides with a session that both have used.
fn talking(rng: &mut ChaCha20Rng) -> (Side, Session, Side, Session) {
    let (a, b) = (Side::new(rng), Side::new(rng));
    let mut at_a = initiate(None, &a.local(), &b.bundle(), 0, rng).unwrap();
    let first = encrypt(&mut at_a, &a.local(), b"1", 0, rng).unwrap();
    let (mut at_b, body, used) = decrypt_prekey(None, &b.local(), &b, first.as_bytes(), 0, rng).unwrap();
    assert_eq!(
        (body.as_slice(), used),
        (&b"1"[..], UsedPreKeys { new_session: true, one_time: None, signed: 1, kyber: 2 })
    );
    let answer = encrypt(&mut at_b, &b.local(), b"2", 0, rng).unwrap();
    assert_eq!(*decrypt_whisper(&mut at_a, &a.local(), answer.as_bytes(), rng).unwrap(), b"2");
    (a, at_a, b, at_b)
}

#[test]
fn at_most_five_receiving_chains_are_kept() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (a, mut at_a, b, mut at_b) = talking(&mut rng);
    let mut held_back = Vec::new();
    for _ in 0..10 {
        held_back.push(encrypt(&mut at_a, &a.local(), b"late", 0, &mut rng).unwrap());
        let message = encrypt(&mut at_a, &a.local(), b"there", 0, &mut rng).unwrap();
        decrypt_whisper(&mut at_b, &b.local(), message.as_bytes(), &mut rng).unwrap();
        let message = encrypt(&mut at_b, &b.local(), b"back", 0, &mut rng).unwrap();
        decrypt_whisper(&mut at_a, &a.local(), message.as_bytes(), &mut rng).unwrap();
    }
    let read = |message: &Ciphertext| {
        let record = at_b.encode();
        let mut session = Session::decode(&record).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        decrypt_whisper(&mut session, &b.local(), message.as_bytes(), &mut rng).is_ok()
    };
    let readable: Vec<_> = held_back.iter().map(read).collect();
    assert_eq!(readable.iter().filter(|read| **read).count(), limits::RECEIVING_CHAINS_MAX);
    assert!(readable[5..].iter().all(|read| *read));
}

#[test]
fn a_chain_jumps_25_000_at_most_and_keeps_2_000() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (a, mut at_a, b, mut at_b) = talking(&mut rng);
    let mut messages = Vec::new();
    // The post-quantum chain has counted the message before these too, so it binds one earlier.
    for at in 0..=limits::FORWARD_JUMPS_MAX {
        let message = encrypt(&mut at_a, &a.local(), b"x", 0, &mut rng).unwrap();
        if !(2..=limits::FORWARD_JUMPS_MAX - 2_002).contains(&at) {
            messages.push((at, message));
        }
    }
    let (_, beyond) = messages.pop().unwrap();
    let before = at_b.encode();
    let mut read = |message: &Ciphertext| {
        decrypt_whisper(&mut at_b, &b.local(), message.as_bytes(), &mut rng).map(|_| ())
    };
    assert_eq!(read(&beyond), Err(Error::TooFarAhead));
    let (_, last) = messages.pop().unwrap();
    assert_eq!(read(&last), Ok(()));
    assert_eq!(read(&messages[0].1), Err(Error::Duplicate), "given up");
    let kept = messages[2..].iter().filter(|(_, message)| read(message).is_ok()).count();
    assert!(kept >= limits::SKIPPED_KEYS_MAX - 2, "{kept}");
    assert_ne!(*before, *at_b.encode());
}

#[test]
fn at_most_forty_sessions_are_archived() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let (a, at_a, b, mut at_b) = talking(&mut rng);
    let mut session = at_a;
    let late = encrypt(&mut at_b, &b.local(), b"late", 0, &mut rng).unwrap();
    for count in 1..=limits::ARCHIVED_SESSIONS_MAX + 5 {
        session = initiate(Some(session), &a.local(), &b.bundle(), 0, &mut rng).unwrap();
        assert_eq!(session.archived_count(), count.min(limits::ARCHIVED_SESSIONS_MAX));
        let mut copy = session.clone();
        let read = decrypt_whisper(&mut copy, &a.local(), late.as_bytes(), &mut rng);
        assert_eq!(read.is_ok(), count <= limits::ARCHIVED_SESSIONS_MAX);
        assert_eq!(copy.archived_count(), session.archived_count());
    }
    // One that was never answered holds its Kyber ciphertext only while it is current.
    let size = session.encode().len();
    assert!(size < 40_000, "{size}");
}

#[test]
fn repeated_first_messages_make_one_session() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (a, b) = (Side::new(&mut rng), Side::new(&mut rng));
    let mut at_a = initiate(None, &a.local(), &b.bundle(), 0, &mut rng).unwrap();
    let mut at_b = None;
    for round in 0..5 {
        let message = encrypt(&mut at_a, &a.local(), &[round], 0, &mut rng).unwrap();
        let (session, body, used) =
            decrypt_prekey(at_b.take(), &b.local(), &b, message.as_bytes(), 0, &mut rng).unwrap();
        assert_eq!((body.as_slice(), used.new_session), (&[round][..], round == 0));
        assert_eq!(session.archived_count(), 0);
        let again = decrypt_prekey(Some(session.clone()), &b.local(), &b, message.as_bytes(), 0, &mut rng);
        assert_eq!(again.err(), Some(Error::Duplicate));
        at_b = Some(session);
    }
}

#[test]
fn another_identity_is_not_taken_for_the_same_peer() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let (a, at_a, _, _) = talking(&mut rng);
    let mallory = Side::new(&mut rng);
    let refused = initiate(Some(at_a.clone()), &a.local(), &mallory.bundle(), 0, &mut rng).err();
    assert_eq!(refused, Some(Error::UntrustedIdentity));
    let mut at_mallory = initiate(None, &mallory.local(), &a.bundle(), 0, &mut rng).unwrap();
    let message = encrypt(&mut at_mallory, &mallory.local(), b"me", 0, &mut rng).unwrap();
    let read = |existing, rng: &mut ChaCha20Rng| {
        decrypt_prekey(existing, &a.local(), &a, message.as_bytes(), 0, rng).err()
    };
    assert_eq!(read(Some(at_a), &mut rng), Some(Error::UntrustedIdentity));
    assert_eq!(read(None, &mut rng), None);
}

#[test]
fn missing_prekeys_are_named() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let (a, mut b) = (Side::new(&mut rng), Side::new(&mut rng));
    let mut bundle = b.bundle();
    let one_time = OneTimePreKey::generate(9, &mut rng);
    let first = |bundle: &PreKeyBundle, rng: &mut ChaCha20Rng| {
        let mut session = initiate(None, &a.local(), bundle, 0, rng).unwrap();
        encrypt(&mut session, &a.local(), b"m", 0, rng).unwrap()
    };
    let read = |b: &Side, message: &Ciphertext, rng: &mut ChaCha20Rng| {
        decrypt_prekey(None, &b.local(), b, message.as_bytes(), 0, rng).err()
    };
    let plain = first(&bundle, &mut rng);
    bundle.one_time = Some((9, one_time.public()));
    let with_one_time = first(&bundle, &mut rng);
    assert_eq!(read(&b, &with_one_time, &mut rng), Some(Error::UnknownOneTimePreKey(9)));
    b.kyber.id = 70;
    assert_eq!(read(&b, &plain, &mut rng), Some(Error::UnknownKyberPreKey(2)));
    b.signed.id = 71;
    assert_eq!(read(&b, &plain, &mut rng), Some(Error::UnknownSignedPreKey(1)));
}

#[test]
fn unanswered_sessions_go_stale_and_answered_ones_do_not() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let (a, mut at_a, b, _) = talking(&mut rng);
    let century_ms = 100 * 365 * 24 * 60 * 60 * 1_000;
    assert!(at_a.has_usable_sender_chain(century_ms));
    encrypt(&mut at_a, &a.local(), b"m", century_ms, &mut rng).unwrap();
    let mut fresh = initiate(Some(at_a), &a.local(), &b.bundle(), 1_000, &mut rng).unwrap();
    let last_ms = 1_000 + limits::UNACKNOWLEDGED_AGE_MAX_MS;
    assert!(fresh.has_usable_sender_chain(last_ms));
    assert!(!fresh.has_usable_sender_chain(last_ms + 1));
    let before = fresh.encode();
    let refused = encrypt(&mut fresh, &a.local(), b"m", last_ms + 1, &mut rng);
    assert_eq!(refused, Err(Error::StaleSession));
    assert_eq!(*before, *fresh.encode());
    fresh.archive_current();
    assert!(!fresh.has_usable_sender_chain(0));
    assert_eq!(fresh.remote_registration_id(), None);
    assert_eq!(encrypt(&mut fresh, &a.local(), b"m", 0, &mut rng), Err(Error::NoSession));
}

#[test]
fn too_large_plaintexts_are_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let (a, mut at_a, b, mut at_b) = talking(&mut rng);
    let largest = vec![7; limits::PLAINTEXT_MAX_BYTES];
    let message = encrypt(&mut at_a, &a.local(), &largest, 0, &mut rng).unwrap();
    let read = decrypt_whisper(&mut at_b, &b.local(), message.as_bytes(), &mut rng).unwrap();
    assert_eq!(*read, largest);
    let larger = vec![7; limits::PLAINTEXT_MAX_BYTES + 1];
    let refused = encrypt(&mut at_a, &a.local(), &larger, 0, &mut rng);
    assert_eq!(refused, Err(Error::TooLarge));
}

/// A message of an archived session, tried on the current one first, meets a post-quantum number
/// that was used there. It is not a duplicate for that.
#[test]
fn a_number_used_in_another_session_is_no_duplicate() {
    let mut rng = ChaCha20Rng::seed_from_u64(10);
    let (a, at_a, b, mut at_b) = talking(&mut rng);
    let late = encrypt(&mut at_b, &b.local(), b"late", 0, &mut rng).unwrap();
    let mut at_a = initiate(Some(at_a), &a.local(), &b.bundle(), 0, &mut rng).unwrap();
    let first = encrypt(&mut at_a, &a.local(), b"1", 0, &mut rng).unwrap();
    let (mut at_b, ..) = decrypt_prekey(Some(at_b), &b.local(), &b, first.as_bytes(), 0, &mut rng).unwrap();
    for _ in 0..4 {
        let message = encrypt(&mut at_b, &b.local(), b"2", 0, &mut rng).unwrap();
        decrypt_whisper(&mut at_a, &a.local(), message.as_bytes(), &mut rng).unwrap();
    }
    let read = decrypt_whisper(&mut at_a, &a.local(), late.as_bytes(), &mut rng);
    assert_eq!(*read.unwrap(), b"late");
}

#[test]
fn a_bundle_with_a_wrong_signature_starts_nothing() {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let (a, b) = (Side::new(&mut rng), Side::new(&mut rng));
    for spoil in [0, 1] {
        let mut bundle = b.bundle();
        let signatures = [&mut bundle.signed_prekey.2, &mut bundle.kyber_prekey.2];
        signatures.into_iter().nth(spoil).unwrap()[5] ^= 1;
        let refused = initiate(None, &a.local(), &bundle, 0, &mut rng).err();
        assert_eq!(refused, Some(Error::InvalidSignature));
    }
}
