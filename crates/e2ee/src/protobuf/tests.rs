use proptest::prelude::*;

use super::*;

#[test]
fn varints_are_those_of_the_specification() {
    for (value, bytes) in [
        (0, vec![0]),
        (127, vec![127]),
        (300, vec![0xAC, 2]),
        (u64::MAX, {
            let mut bytes = vec![0xFF; 9];
            bytes.push(1);
            bytes
        }),
    ] {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        assert_eq!(out, bytes);
        assert_eq!(take_varint(&mut &out[..]), Some(value));
    }
    assert_eq!(take_varint(&mut &[0x80][..]), None);
    assert_eq!(take_varint(&mut &[0xFF; 11][..]), None);
    assert_eq!(take_varint(&mut &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2][..]), None);
}

#[test]
fn unknown_fields_are_skipped_and_groups_refused() {
    let mut message = vec![0x49];
    message.extend([0; 8]);
    message.extend([0x4D, 0, 0, 0, 0]);
    put_u32(&mut message, 1, 7);
    let found: Vec<_> = fields(&message).map(Result::unwrap).collect();
    assert_eq!(found, [(9, Value::Skipped), (9, Value::Skipped), (1, Value::Int(7))]);
    assert_eq!(fields(&[0x0B]).count(), 1);
    assert!(fields(&[0x0B]).all(|field| field.is_err()));
    assert!(fields(&[0x00, 0x00]).all(|field| field.is_err()), "field number 0");
}

proptest! {
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(fields(&bytes).count() <= bytes.len());
    }

    #[test]
    fn fields_round_trip(number in 1_u32..1_000, value: u32, content: Vec<u8>) {
        let mut out = Vec::new();
        put_u32(&mut out, number, value);
        put_bytes(&mut out, number, &content);
        let found: Vec<_> = fields(&out).map(Result::unwrap).collect();
        prop_assert_eq!(found, vec![(number, Value::Int(value.into())), (number, Value::Bytes(&content))]);
    }
}
