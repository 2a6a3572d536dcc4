use proptest::prelude::*;

use super::*;

const ALICE: &str = "0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868";
const BOB: &str = "05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b";

fn key(text: &str) -> PublicKey {
    PublicKey::deserialize(&hex::decode(text).unwrap()).unwrap()
}

/// The published vector of the format.
#[test]
fn known_vector() {
    let (alice, bob) = (key(ALICE), key(BOB));
    let (alice_id, bob_id) = (b"+14152222222", b"+14153333333");
    let expected = "300354477692869396892869876765458257569162576843440918079131";
    assert_eq!(numeric(alice_id, &alice, bob_id, &bob), expected);
    assert_eq!(numeric(bob_id, &bob, alice_id, &alice), expected);
    assert_eq!(
        hex::encode(scannable(alice_id, &alice, bob_id, &bob)),
        "080212220a201e301a0353dce3dbe7684cb8336e85136cdc0ee96219494ada305d62a7bd61df1a220a20d62cbf73a11592015b6b9f1682ac306fea3aaf3885b84d12bca631e9d4fb3a4d",
    );
}

#[test]
fn another_key_or_id_shows() {
    let (alice, bob) = (key(ALICE), key(BOB));
    let ours = scannable(b"a", &alice, b"b", &bob);
    assert_eq!(compare_scanned(&ours, &scannable(b"b", &bob, b"a", &alice)), Ok(true));
    assert_eq!(compare_scanned(&ours, &scannable(b"b", &alice, b"a", &alice)), Ok(false));
    assert_eq!(compare_scanned(&ours, &scannable(b"c", &bob, b"a", &alice)), Ok(false));
    let mut other = ours.clone();
    other[1] = 3;
    assert_eq!(compare_scanned(&ours, &other), Err(Error::UnsupportedVersion(3)));
}

proptest! {
    #[test]
    fn any_scanned_bytes_give_an_answer(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }
}
