use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn bundle(rng: &mut ChaCha20Rng) -> PreKeyBundle {
    let identity = IdentityKeyPair::generate(rng);
    let signed = SignedPreKey::generate(&identity, 1, 0, rng);
    let kyber = KyberPreKey::generate(&identity, 2, 0, rng);
    PreKeyBundle {
        registration_id: 3,
        device_id: 4,
        identity: identity.public(),
        signed_prekey: (1, signed.public(), signed.signature),
        kyber_prekey: (2, kyber.public().to_vec(), kyber.signature),
        one_time: None,
    }
}

#[test]
fn records_round_trip_and_are_small() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let identity = IdentityKeyPair::generate(&mut rng);
    let signed = SignedPreKey::generate(&identity, 0xFF_FFFF, 1_800_000_000_000, &mut rng);
    let kyber = KyberPreKey::generate(&identity, 0xFF_FFFF, 1_800_000_000_000, &mut rng);
    let one_time = OneTimePreKey::generate(0xFF_FFFF, &mut rng);
    assert_eq!([signed.encode().len(), kyber.encode().len(), one_time.encode().len()], [107, 139, 37]);
    let again = KyberPreKey::decode(&kyber.encode()).unwrap();
    assert_eq!((again.public(), again.signature), (kyber.public(), kyber.signature));
    assert_eq!(SignedPreKey::decode(&signed.encode()).unwrap().public(), signed.public());
    assert_eq!(OneTimePreKey::decode(&one_time.encode()).unwrap().public(), one_time.public());
    for length in 0..107 {
        assert!(SignedPreKey::decode(&signed.encode()[..length]).is_err());
        assert!(KyberPreKey::decode(&kyber.encode()[..length]).is_err());
        assert!(length == 37 || OneTimePreKey::decode(&signed.encode()[..length]).is_err());
    }
}

#[test]
fn bundles_with_a_wrong_signature_are_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let good = bundle(&mut rng);
    assert_eq!(good.verify(), Ok(()));
    let mut bad = good.clone();
    bad.signed_prekey.2[3] ^= 1;
    assert_eq!(bad.verify(), Err(Error::InvalidSignature));
    let mut bad = good.clone();
    bad.kyber_prekey.2[3] ^= 1;
    assert_eq!(bad.verify(), Err(Error::InvalidSignature));
    let mut bad = good.clone();
    bad.identity = bundle(&mut rng).identity;
    assert_eq!(bad.verify(), Err(Error::InvalidSignature));
    let mut bad = good;
    bad.kyber_prekey.1[0] = 0x0A;
    assert!(matches!(bad.verify(), Err(Error::InvalidKey(_))));
}
