use proptest::prelude::*;

use super::samples;
use crate::invitation::Invitation;
use crate::{AccountId, DeviceId, Username};

#[test]
fn usernames() {
    for (given, folded) in [("bob", "bob"), ("Bob", "bob"), ("a1", "a1"), ("0_x-y.z", "0_x-y.z")] {
        assert_eq!(Username::parse(given).unwrap().as_str(), folded);
    }
    assert!(Username::parse(&"x".repeat(32)).is_ok());
    for bad in ["", "a", "_ab", ".ab", "-ab", "a b", "bäh", "a\0b", "ab\n", "a/b", "@ab", &"x".repeat(33)] {
        assert!(Username::parse(bad).is_err(), "{bad:?}");
    }
    // Look-alikes that other alphabets have: a Cyrillic а, a Kelvin sign that folds to k.
    for bad in ["\u{430}bc", "\u{212a}bc"] {
        assert!(Username::parse(bad).is_err());
    }
}

#[test]
fn device_numbers() {
    assert_eq!(DeviceId::new(1), Some(DeviceId::PRIMARY));
    assert_eq!(DeviceId::new(127).map(DeviceId::number), Some(127));
    assert!([0, 128, 255].iter().all(|number| DeviceId::new(*number).is_none()));
}

#[test]
fn account_ids_as_text() {
    let text = samples::ALICE.to_hex();
    assert_eq!(text, "616c6963652773206163636f756e7421");
    assert_eq!(AccountId::from_hex(&text), Some(samples::ALICE));
    assert_eq!(AccountId::from_hex(&text.to_uppercase()), Some(samples::ALICE));
    for bad in ["", "61", &text[1..], &text.replace('6', "g")] {
        assert_eq!(AccountId::from_hex(bad), None);
    }
}

#[test]
fn invitations_as_text() {
    let invitation = samples::invitation();
    let text = invitation.to_text();
    assert_eq!(text.len(), 84);
    assert!(text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    assert_eq!(Invitation::parse(&text), Ok(invitation));
    assert_eq!(Invitation::parse(&format!("  {}\n", text.to_uppercase())), Ok(invitation));
}

#[test]
fn a_mistyped_invitation_is_noticed() {
    let text = samples::invitation().to_text();
    for at in 0..text.len() {
        for other in ["a", "7", "q", "0", " ", "ä"] {
            if &text[at..=at] != other {
                let typo = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                assert!(Invitation::parse(&typo).is_err(), "{typo}");
            }
        }
    }
    for bad in ["", &text[1..], &text[..83], &format!("{text}a"), &"a".repeat(1 << 20)] {
        assert!(Invitation::parse(bad).is_err());
    }
}

#[test]
fn an_invitation_of_a_later_version_says_so() {
    use sha2::{Digest, Sha256};
    for keys_bytes in [20, 48, 64, 90] {
        let mut bytes = vec![2];
        bytes.resize(1 + keys_bytes, 9);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum[..3]);
        let error = Invitation::parse(&data_encoding::BASE32_NOPAD.encode(&bytes)).unwrap_err();
        assert!(error.what.contains("newer version"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn invitation_parsing_is_total(text in "\\PC{0,100}", base32 in "[a-z2-7]{80,90}") {
        prop_assert!(Invitation::parse(&text).is_err());
        prop_assert!(Invitation::parse(&base32).is_err());
    }

    #[test]
    fn username_parsing_is_total(text in "\\PC{0,40}") {
        if let Ok(name) = Username::parse(&text) {
            prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
        }
    }
}
