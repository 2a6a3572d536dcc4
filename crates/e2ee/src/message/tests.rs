use proptest::prelude::*;

use super::*;

fn draft<'a>(ciphertext: &'a [u8], pq_ratchet: &'a [u8]) -> Draft<'a> {
    Draft {
        ratchet_key: PublicKey::from_bytes([1; 32]),
        counter: 0,
        previous_counter: 300,
        ciphertext,
        pq_ratchet,
        addresses: None,
    }
}

#[test]
fn a_message_is_laid_out_as_the_format_says() {
    let (from, to) = (PublicKey::from_bytes([2; 32]), PublicKey::from_bytes([3; 32]));
    let message = draft(&[0xCC; 16], &[1, 1, 1, 0]).seal(&[7; 32], &from, &to);
    let expected = format!("440a2105{}100018ac022210{}2a0401010100", "01".repeat(32), "cc".repeat(16));
    assert_eq!(hex::encode(&message[..message.len() - 8]), expected);
    let parsed = SignalMessage::parse(&message).unwrap();
    assert_eq!((parsed.counter, parsed.ciphertext), (0, &[0xCC; 16][..]));
}

#[test]
fn older_versions_and_missing_parts_are_refused() {
    let key = PublicKey::from_bytes([2; 32]);
    let message = draft(b"c", &[1, 1, 1, 0]).seal(&[7; 32], &key, &key);
    for version in [0x33, 0x34, 0x43, 0x45, 0x54] {
        let mut other = message.clone();
        other[0] = version;
        assert_eq!(SignalMessage::parse(&other).err(), Some(Error::UnsupportedVersion(version >> 4)));
    }
    assert!(SignalMessage::parse(&[0x44; 9]).is_err());
    assert!(SignalMessage::parse(&[]).is_err());
    assert_eq!(PreKeyMessage::parse(&[0x44]).err(), Some(Error::InvalidMessage("no identity key")));
    let huge = vec![0x44; limits::MESSAGE_MAX_BYTES + 1];
    assert_eq!(SignalMessage::parse(&huge).err(), Some(Error::TooLarge));
    assert_eq!(PreKeyMessage::parse(&huge).err(), Some(Error::TooLarge));
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(mut bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let _ = (SignalMessage::parse(&bytes), PreKeyMessage::parse(&bytes));
        bytes[0] = VERSION;
        let _ = (SignalMessage::parse(&bytes), PreKeyMessage::parse(&bytes));
    }
}
