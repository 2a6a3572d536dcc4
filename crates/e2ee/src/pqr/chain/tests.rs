use super::*;

fn pair() -> (Chain, Chain) {
    let key = Zeroizing::new([9; 32]);
    (Chain::new(&key, Direction::FromInitiator), Chain::new(&key, Direction::ToInitiator))
}

fn agreed(epoch: Epoch) -> EpochSecret {
    EpochSecret { epoch, secret: Zeroizing::new([epoch as u8; 32]) }
}

#[test]
fn directions_match_in_every_epoch() {
    let (mut a, mut b) = pair();
    for epoch in 0..5 {
        for index in 1..10 {
            let (found, key) = a.send_key(epoch).unwrap();
            assert_eq!(found, index);
            assert_eq!(b.receive_key(epoch, index).unwrap(), key);
            let (_, key) = b.send_key(epoch).unwrap();
            assert_eq!(a.receive_key(epoch, index).unwrap(), key);
        }
        a.add_epoch(&agreed(epoch + 1)).unwrap();
        b.add_epoch(&agreed(epoch + 1)).unwrap();
    }
    assert!(a.send_key(3).is_err(), "sending never goes back");
    assert!(a.add_epoch(&agreed(9)).is_err(), "epochs come in turn");
}

#[test]
fn a_key_is_given_once() {
    let (mut a, mut b) = pair();
    let keys: Vec<_> = (0..50).map(|_| a.send_key(0).unwrap()).collect();
    for (index, key) in keys.iter().rev() {
        assert_eq!(b.receive_key(0, *index).unwrap(), *key);
        assert_eq!(b.receive_key(0, *index).unwrap_err(), Error::Duplicate);
    }
    assert_eq!(b.receive_key(0, 0).unwrap_err(), Error::Duplicate, "counters start at 1");
}

#[test]
fn jumps_and_skipped_keys_are_bounded() {
    let (_, mut b) = pair();
    let far = limits::FORWARD_JUMPS_MAX + 1;
    assert_eq!(b.receive_key(0, far).unwrap_err(), Error::TooFarAhead);
    b.receive_key(0, far - 1).unwrap();
    assert_eq!(b.epochs[0].skipped.len(), limits::SKIPPED_KEYS_MAX);
    assert_eq!(b.receive_key(0, 1).unwrap_err(), Error::Duplicate);
    b.receive_key(0, far - 2).unwrap();
    assert!(b.receive_key(1, 1).is_err(), "an epoch that is not agreed on");
}

#[test]
fn records_round_trip() {
    let (mut a, _) = pair();
    a.send_key(0).unwrap();
    a.receive_key(0, 5).unwrap();
    a.add_epoch(&agreed(1)).unwrap();
    a.receive_key(1, 3).unwrap();
    a.send_key(1).unwrap();
    let encode = |chain: &Chain| {
        let mut out = Writer::new();
        chain.encode(&mut out);
        out.finish()
    };
    let record = encode(&a);
    let again = Chain::decode(&mut Reader::new(&record).unwrap()).unwrap();
    assert_eq!(*encode(&again), *record);
}
