use proptest::prelude::*;

use super::*;

#[test]
fn short_bodies_share_buckets() {
    let lengths = |range: core::ops::RangeInclusive<usize>| {
        let mut lengths: Vec<_> = range.map(|length| pad(&vec![1; length]).len()).collect();
        lengths.dedup();
        lengths
    };
    assert_eq!(lengths(0..=30), [31]);
    assert_eq!(lengths(31..=62), [63]);
    assert_eq!(lengths(191..=222), [223]);
}

#[test]
fn growth_is_small() {
    // A body of 200 bytes takes 224 in the cipher: 12%; without padding 208.
    assert_eq!(pad(&[1; 200]).len() + 1, 224);
    for length in 300..100_000 {
        let growth = bucket(length + 2) - length;
        assert!(growth * 100 <= length * 12 || growth <= 33, "{length} grows by {growth}");
    }
}

#[test]
fn what_is_not_padded_is_refused() {
    for wrong in [&[][..], &[0, 0, 0], &[1, 2, 3], &[0x80, 1, 0]] {
        assert!(unpad(wrong).is_err());
    }
    assert_eq!(unpad(&[0x80]), Ok(&[][..]));
}

proptest! {
    #[test]
    fn bodies_come_back(body in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let padded = pad(&body);
        prop_assert_eq!((padded.len() + 1) % 32, 0);
        prop_assert_eq!(unpad(&padded), Ok(&body[..]));
    }

    #[test]
    fn any_bytes_give_an_answer(bytes: Vec<u8>) {
        let _ = unpad(&bytes);
    }
}
