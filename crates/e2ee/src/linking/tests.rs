use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

const SECRET: &[u8] = b"fifteen bytes!!";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

#[test]
fn an_offer_is_bound_to_the_secret_and_to_each_byte() {
    let mac = offer_mac(SECRET, b"offer");
    assert!(verify_offer(SECRET, b"offer", &mac));
    assert!(!verify_offer(b"another secret!", b"offer", &mac));
    assert!(!verify_offer(SECRET, b"offes", &mac));
    let mut altered = mac;
    altered[31] ^= 1;
    assert!(!verify_offer(SECRET, b"offer", &altered));
}

#[test]
fn what_is_sealed_opens_with_the_same_secret_and_purpose_only() {
    let sealed = seal(SECRET, Purpose::Grant, b"welcome", &mut rng()).unwrap();
    assert_eq!(sealed.len(), 7 + SEAL_BYTES);
    assert_eq!(open(SECRET, Purpose::Grant, &sealed).unwrap().as_slice(), b"welcome");
    assert!(open(SECRET, Purpose::Name, &sealed).is_err());
    assert!(open(b"another secret!", Purpose::Grant, &sealed).is_err());
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 0x80;
        assert!(open(SECRET, Purpose::Grant, &altered).is_err(), "byte {at}");
        assert!(open(SECRET, Purpose::Grant, &sealed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn the_keys_of_the_uses_differ() {
    let name = seal(SECRET, Purpose::Name, &[0; 32], &mut rng()).unwrap();
    let grant = seal(SECRET, Purpose::Grant, &[0; 32], &mut rng()).unwrap();
    assert_eq!(name[..12], grant[..12], "the same generator");
    assert_ne!(name[12..], grant[12..]);
}

#[test]
fn nothing_is_sealed_under_one_nonce_twice() {
    let mut rng = rng();
    let mut nonce = || seal(SECRET, Purpose::Grant, b"welcome", &mut rng).unwrap()[..12].to_vec();
    assert_ne!(nonce(), nonce());
}

/// Computed with Python's `hashlib` and `hmac` from the labels of the schema (RFC 5869).
#[test]
fn the_mac_is_the_one_of_the_schema() {
    assert_eq!(
        hex::encode(offer_mac(SECRET, b"offer")),
        "ae88dd7df501a77936aec7244063bcd25933dac5dbf5d54d6ef786785fff56d2"
    );
}
