use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const ID: [u8; 16] = [4; 16];

fn pair(rng: &mut ChaCha20Rng) -> (SenderKeyRecord, SenderKeyRecord) {
    let ours = create(ID, rng);
    let theirs = process(None, &distribution_message(&ours).unwrap()).unwrap();
    (ours, theirs)
}

#[test]
fn messages_are_read_in_any_order_and_once() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (mut ours, mut theirs) = pair(&mut rng);
    let messages: Vec<_> = (0..200_u8).map(|at| encrypt(&mut ours, &[at; 9], &mut rng).unwrap()).collect();
    for at in (0..200).rev().step_by(2).chain((0..200).step_by(2)) {
        theirs = SenderKeyRecord::decode(&theirs.encode()).unwrap();
        let header = peek(&messages[at]).unwrap();
        assert_eq!((header.distribution_id, header.iteration), (ID, at as u32));
        assert_eq!(*decrypt(&mut theirs, &messages[at]).unwrap(), [at as u8; 9]);
        assert_eq!(decrypt(&mut theirs, &messages[at]), Err(Error::Duplicate));
    }
}

#[test]
fn who_joins_later_reads_only_what_follows() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let (mut ours, _) = pair(&mut rng);
    let early = encrypt(&mut ours, b"early", &mut rng).unwrap();
    let mut late = process(None, &distribution_message(&ours).unwrap()).unwrap();
    assert_eq!(decrypt(&mut late, &early), Err(Error::Duplicate));
    let next = encrypt(&mut ours, b"next", &mut rng).unwrap();
    assert_eq!(*decrypt(&mut late, &next).unwrap(), b"next");
}

#[test]
fn any_altered_byte_is_refused_and_changes_nothing() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (mut ours, mut theirs) = pair(&mut rng);
    let message = encrypt(&mut ours, b"body", &mut rng).unwrap();
    let before = theirs.encode();
    for at in 0..message.len() {
        let mut altered = message.clone();
        altered[at] ^= 0x10;
        assert!(decrypt(&mut theirs, &altered).is_err());
        assert!(decrypt(&mut theirs, &message[..at]).is_err());
    }
    assert_eq!(*theirs.encode(), *before);
    assert_eq!(*decrypt(&mut theirs, &message).unwrap(), b"body");
}

#[test]
fn a_repeated_distribution_does_not_turn_the_chain_back() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let (mut ours, mut theirs) = pair(&mut rng);
    let distribution = distribution_message(&ours).unwrap();
    let message = encrypt(&mut ours, b"m", &mut rng).unwrap();
    decrypt(&mut theirs, &message).unwrap();
    let mut theirs = process(Some(theirs), &distribution).unwrap();
    assert_eq!(decrypt(&mut theirs, &message), Err(Error::Duplicate));
    // Nor does our own message, come back to us, take our own key away.
    let ours = process(Some(ours), &distribution).unwrap();
    assert!(ours.is_own() && !theirs.is_own());
}

#[test]
fn five_chains_are_kept_and_unknown_ones_named() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut theirs = None;
    let mut messages = Vec::new();
    for _ in 0..7 {
        let mut ours = create(ID, &mut rng);
        theirs = Some(process(theirs, &distribution_message(&ours).unwrap()).unwrap());
        messages.push(encrypt(&mut ours, b"m", &mut rng).unwrap());
    }
    let mut theirs = theirs.unwrap();
    for (at, message) in messages.iter().enumerate() {
        let expected = if at < 2 { Some(Error::NoSenderKey) } else { None };
        assert_eq!(decrypt(&mut theirs, message).err(), expected);
    }
}

#[test]
fn only_the_owner_encrypts_and_only_in_its_distribution() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let (mut ours, mut theirs) = pair(&mut rng);
    assert_eq!(encrypt(&mut theirs, b"m", &mut rng), Err(Error::NoSenderKey));
    assert_eq!(distribution_message(&theirs), Err(Error::NoSenderKey));
    let other = create([5; 16], &mut rng);
    assert!(process(Some(theirs.clone()), &distribution_message(&other).unwrap()).is_err());
    let (mut elsewhere, _) = (create([5; 16], &mut rng), ());
    let message = encrypt(&mut elsewhere, b"m", &mut rng).unwrap();
    assert_eq!(decrypt(&mut theirs, &message), Err(Error::InvalidMessage("distribution id")));
    let too_large = vec![0; limits::PLAINTEXT_MAX_BYTES + 1];
    assert_eq!(encrypt(&mut ours, &too_large, &mut rng), Err(Error::TooLarge));
}

#[test]
fn jumps_and_skipped_keys_are_bounded() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let (mut ours, mut theirs) = pair(&mut rng);
    let first = encrypt(&mut ours, b"m", &mut rng).unwrap();
    for _ in 0..limits::FORWARD_JUMPS_MAX - 1 {
        // What encrypting does to the chain, without its signatures.
        let state = ours.states.front_mut().unwrap();
        (_, state.chain) = kdf::chain_step(&state.chain);
        state.next += 1;
    }
    let mut further = ours.clone();
    let last = encrypt(&mut ours, b"m", &mut rng).unwrap();
    let state = further.states.front_mut().unwrap();
    (_, state.chain) = kdf::chain_step(&state.chain);
    state.next += 1;
    let beyond = encrypt(&mut further, b"m", &mut rng).unwrap();
    assert_eq!(decrypt(&mut theirs, &beyond), Err(Error::TooFarAhead));
    decrypt(&mut theirs, &last).unwrap();
    assert_eq!(theirs.states[0].skipped.len(), limits::SKIPPED_KEYS_MAX);
    assert_eq!(decrypt(&mut theirs, &first), Err(Error::Duplicate));
}
