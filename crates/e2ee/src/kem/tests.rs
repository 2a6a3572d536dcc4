use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

fn seed(rng: &mut ChaCha20Rng) -> Seed {
    let mut seed = Zeroizing::new([0; 64]);
    rng.fill_bytes(seed.as_mut());
    seed
}

#[test]
fn both_sides_agree_and_forgeries_do_not() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for _ in 0..20 {
        let seed = seed(&mut rng);
        let (ours, mut ciphertext) = encapsulate(&public(&seed), &mut rng).unwrap();
        assert_eq!(ciphertext.len(), CIPHERTEXT_BYTES);
        assert_eq!(decapsulate(&seed, &ciphertext).unwrap(), ours);
        ciphertext[1 + (rng.next_u32() % 1_568) as usize] ^= 1;
        assert_ne!(decapsulate(&seed, &ciphertext).unwrap(), ours);
    }
}

#[test]
fn other_types_and_lengths_are_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let seed = seed(&mut rng);
    let key = public(&seed);
    let mut ml_kem = key.clone();
    ml_kem[0] = 0x0A;
    for wrong in [&ml_kem[..], &key[..1_568], &key[1..], &[]] {
        assert!(check_public(wrong).is_err());
        assert!(encapsulate(wrong, &mut rng).is_err());
        assert!(decapsulate(&seed, wrong).is_err());
    }
    let unreduced = [&[TYPE_KYBER_1024][..], &[0xFF; RAW_BYTES]].concat();
    assert_eq!(check_public(&unreduced), Err(Error::InvalidKey("Kyber public key")));
}

/// Round-3 Kyber hashes the shared secret once more than ML-KEM: the two must differ.
#[test]
fn this_is_kyber_and_not_ml_kem() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let seed = seed(&mut rng);
    let (kyber, ciphertext) = encapsulate(&public(&seed), &mut rng).unwrap();
    let (private, _) = kyber1024::generate_key_pair(*seed).into_parts();
    let raw: [u8; RAW_BYTES] = ciphertext[1..].try_into().unwrap();
    assert_ne!(mlkem1024::decapsulate(&private, &raw.into()), *kyber);
}
