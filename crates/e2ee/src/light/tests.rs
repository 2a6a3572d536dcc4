use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

const KEY: [u8; 32] = [7; 32];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

#[test]
fn what_is_sealed_opens_with_the_same_key_purpose_and_association_only() {
    let sealed = seal(&KEY, Purpose::Typing, b"alice to bob", b"types", &mut rng()).unwrap();
    assert_eq!(open(&KEY, Purpose::Typing, b"alice to bob", &sealed).unwrap(), b"types");
    assert!(open(&[8; 32], Purpose::Typing, b"alice to bob", &sealed).is_err());
    for purpose in [Purpose::Group, Purpose::Online, Purpose::Seen] {
        assert!(open(&KEY, purpose, b"alice to bob", &sealed).is_err());
    }
    assert!(open(&KEY, Purpose::Typing, b"alice to eve", &sealed).is_err());
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 0x80;
        assert!(open(&KEY, Purpose::Typing, b"alice to bob", &altered).is_err(), "byte {at}");
        assert!(open(&KEY, Purpose::Typing, b"alice to bob", &sealed[..at]).is_err(), "cut at {at}");
    }
    assert!(open(&KEY, Purpose::Typing, b"alice to bob", &[&sealed[..], &[0]].concat()).is_err());
}

#[test]
fn everything_has_one_size() {
    for bytes in 0..=PLAINTEXT_BYTES {
        let plaintext = vec![0; bytes];
        let sealed = seal(&KEY, Purpose::Online, b"", &plaintext, &mut rng()).unwrap();
        assert_eq!(sealed.len(), SEALED_BYTES);
        assert_eq!(open(&KEY, Purpose::Online, b"", &sealed).unwrap(), plaintext);
    }
    let longer = vec![0; PLAINTEXT_BYTES + 1];
    assert_eq!(seal(&KEY, Purpose::Online, b"", &longer, &mut rng()), Err(Error::TooLarge));
}

#[test]
fn nothing_is_sealed_under_one_nonce_twice() {
    let mut rng = rng();
    let mut nonce = || seal(&KEY, Purpose::Seen, b"", b"", &mut rng).unwrap()[..12].to_vec();
    assert_ne!(nonce(), nonce());
}

/// Computed with Python's `hmac` (RFC 5869) and `cryptography` (AES-256-GCM) from the labels above.
#[test]
fn the_keys_are_those_of_the_labels() {
    assert_eq!(hex::encode(token(&KEY)), "0cbdd7dc608af5f65a0dce1e9b97bb02");
    let sealed = hex::decode("000102030405060708090a0bf79b9f98ddfd2e497875ccd1f0418c2f18ff9fb7db87578202ade9336fdb0c1b3522799322403ddddebf70bcb218978c").unwrap();
    assert_eq!(open(&KEY, Purpose::Seen, b"about", &sealed).unwrap(), b"seen");
}
