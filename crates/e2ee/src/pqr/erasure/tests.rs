use proptest::prelude::*;

use super::*;

#[test]
fn the_field_is_a_field() {
    assert_eq!(multiply(2, 0x8000), 0x100B);
    for a in (1..=u16::MAX).step_by(97) {
        assert_eq!(multiply(a, inverse(a)), 1);
        assert_eq!(multiply(a, 1), a);
        assert_eq!(multiply(a, 0x1234), multiply(0x1234, a));
        assert_eq!(multiply(a, 3 ^ 0x700), multiply(a, 3) ^ multiply(a, 0x700));
    }
}

#[test]
fn the_first_rows_are_the_content() {
    let content: Vec<u8> = (0..96).collect();
    for (index, chunk) in content.chunks(32).enumerate() {
        assert_eq!(row(&content, index as u16), chunk);
    }
}

#[test]
fn repeated_rows_do_not_count() {
    let content: Vec<u8> = (0..96).collect();
    let mut collector = Collector::new(96);
    for index in [7, 7, 7, 900] {
        assert_eq!(collector.add(index, row(&content, index)), None);
    }
    assert_eq!(collector.add(65_535, row(&content, 65_535)), Some(content));
}

proptest! {
    /// Any n different rows, in any order, give the content back: n as in the braid.
    #[test]
    fn any_rows_suffice(
        rows in prop_oneof![Just(3_usize), Just(5), Just(30), Just(36)],
        fill: u64,
        places in proptest::collection::btree_set(any::<u16>(), 40),
        near in any::<bool>(),
    ) {
        let content: Vec<u8> =
            (0..rows * 32).map(|at| (fill.rotate_left(at as u32 % 61) >> 3) as u8 ^ at as u8).collect();
        let mut collector = Collector::new(content.len());
        let mut found = None;
        for place in places {
            // Near ones mix rows of the content with rows past it, as losses on the way do.
            let place = if near { place % (2 * rows as u16) } else { place };
            prop_assert!(found.is_none());
            found = collector.add(place, row(&content, place));
            if found.is_some() {
                break;
            }
        }
        if let Some(found) = found {
            prop_assert_eq!(found, content);
        } else {
            prop_assert!(near);
        }
    }
}
