//! Whatever bytes come in, every public decoder answers: no panic, no memory beyond the input's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use waxwing_e2ee::{
    IdentityKeyPair, KyberPreKey, Local, OneTimePreKey, PreKeyBundle, PreKeys, PrivateKey, PublicKey,
    Session, SignedPreKey, decrypt_prekey, decrypt_whisper, encrypt, initiate, padding, peek_prekey,
    safety_number, sender_key,
};

struct Keys(IdentityKeyPair);

impl PreKeys for Keys {
    fn one_time(&self, id: u32) -> Option<OneTimePreKey> {
        Some(OneTimePreKey::generate(id, &mut ChaCha20Rng::seed_from_u64(1)))
    }

    fn signed(&self, id: u32) -> Option<SignedPreKey> {
        Some(SignedPreKey::generate(&self.0, id, 0, &mut ChaCha20Rng::seed_from_u64(2)))
    }

    fn kyber(&self, id: u32) -> Option<KyberPreKey> {
        Some(KyberPreKey::generate(&self.0, id, 0, &mut ChaCha20Rng::seed_from_u64(3)))
    }
}

/// Passes the bytes to every decoder there is.
fn decode_all(bytes: &[u8]) {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let identity = IdentityKeyPair::generate(&mut rng);
    let local = Local { identity: &identity, registration_id: 1, address: None, remote_address: None };
    let _ = PublicKey::deserialize(bytes);
    let _ = PrivateKey::deserialize(bytes);
    let _ = IdentityKeyPair::deserialize(bytes);
    let _ = SignedPreKey::decode(bytes);
    let _ = KyberPreKey::decode(bytes);
    let _ = OneTimePreKey::decode(bytes);
    let _ = peek_prekey(bytes);
    let _ = padding::unpad(bytes);
    let _ = safety_number::compare_scanned(bytes, bytes);
    let _ = sender_key::peek(bytes);
    let _ = identity.public().verify(b"", bytes);
    let _ = decrypt_prekey(None, &local, &Keys(identity.clone()), bytes, 0, &mut rng);
    if let Ok(mut record) = sender_key::SenderKeyRecord::decode(bytes) {
        let _ = sender_key::encrypt(&mut record, b"m", &mut rng);
        let _ = sender_key::decrypt(&mut record, bytes);
    }
    if let Ok(record) = sender_key::process(None, bytes) {
        let _ = sender_key::decrypt(&mut record.clone(), bytes);
    }
    if let Ok(mut session) = Session::decode(bytes) {
        // What decodes must also hold up in use, and encode again.
        let _ = encrypt(&mut session, &local, b"m", 0, &mut rng);
        let _ = decrypt_whisper(&mut session, &local, bytes, &mut rng);
        assert!(Session::decode(&session.encode()).is_ok());
    }
}

/// Well-formed bytes of every kind, to alter.
fn samples() -> Vec<Vec<u8>> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let identity = IdentityKeyPair::generate(&mut rng);
    let local = Local { identity: &identity, registration_id: 1, address: None, remote_address: None };
    let signed = SignedPreKey::generate(&identity, 1, 0, &mut rng);
    let kyber = KyberPreKey::generate(&identity, 2, 0, &mut rng);
    let one_time = OneTimePreKey::generate(3, &mut rng);
    let bundle = PreKeyBundle {
        registration_id: 1,
        device_id: 1,
        identity: identity.public(),
        signed_prekey: (1, signed.public(), signed.signature),
        kyber_prekey: (2, kyber.public().to_vec(), kyber.signature),
        one_time: Some((3, one_time.public())),
    };
    let session = initiate(None, &local, &bundle, 0, &mut rng).unwrap();
    let mut session = initiate(Some(session), &local, &bundle, 0, &mut rng).unwrap();
    let message = encrypt(&mut session, &local, b"body", 0, &mut rng).unwrap();
    let mut own = sender_key::create([1; 16], &mut rng);
    let distribution = sender_key::distribution_message(&own).unwrap();
    let group = sender_key::encrypt(&mut own, b"body", &mut rng).unwrap();
    vec![
        session.encode().to_vec(),
        message.as_bytes().to_vec(),
        own.encode().to_vec(),
        distribution,
        group,
        identity.serialize().to_vec(),
        signed.encode().to_vec(),
        kyber.encode().to_vec(),
        one_time.encode().to_vec(),
        safety_number::scannable(b"a", &identity.public(), b"b", &signed.public()),
    ]
}

#[test]
fn every_cut_of_every_sample() {
    for sample in samples() {
        for length in 0..sample.len() {
            decode_all(&sample[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        decode_all(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_version(
        mut bytes in proptest::collection::vec(any::<u8>(), 1..400),
        version in prop_oneof![Just(0x44_u8), Just(0x33), Just(1)],
    ) {
        bytes[0] = version;
        decode_all(&bytes);
    }

    #[test]
    fn altered_samples(
        which in 0_usize..10,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<proptest::sample::Index>(),
        doubled: bool,
    ) {
        let mut bytes = samples().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if doubled {
            let at = cut.index(bytes.len());
            let tail = bytes[at..].to_vec();
            bytes.extend(tail);
        }
        decode_all(&bytes);
    }
}
