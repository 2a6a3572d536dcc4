use super::*;

const ACCOUNT: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";

#[test]
fn accounts_are_uuids_and_back() {
    assert_eq!(uuid(ACCOUNT), "a1b2c3d4-e5f6-0718-293a-4b5c6d7e8f90");
    assert_eq!(plain(&uuid(ACCOUNT)), ACCOUNT);
    assert_eq!(plain(&uuid(ACCOUNT).to_uppercase()), ACCOUNT);
    for name in ["bob", "a-name-with-dashes-of-36-characters-", ACCOUNT, ""] {
        assert_eq!(plain(name), name);
    }
    assert_eq!(plain("u:bob"), "bob");
}

#[test]
fn groups_are_base64_and_back() {
    let name = format!("g:{}", "fb".repeat(16));
    let id = group_id(&name);
    assert_eq!(id, "+/v7+/v7+/v7+/v7+/v7+w==");
    for written in [id.as_str(), "-_v7-_v7-_v7-_v7-_v7-w==", "-_v7-_v7-_v7-_v7-_v7-w", &name] {
        assert_eq!(group_name(written).unwrap(), name);
    }
    for wrong in ["", "AAAA", "+/v7+/v7+/v7+/v7+/v7+w=", "bob", "ü"] {
        assert!(group_name(wrong).is_err(), "{wrong}");
    }
}
