use std::fs;
use std::os::unix::fs::PermissionsExt;

use getrandom::SysRng;
use rand_core::UnwrapErr;
use tempfile::TempDir;

use super::*;

fn get(path: &Path, passphrase: Option<&str>, create: bool) -> Result<([u8; 32], Protection), KeyError> {
    obtain(path, passphrase, create, &mut UnwrapErr(SysRng)).map(|(key, protection)| (key.0, protection))
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key.json");
    (folder, path)
}

#[test]
fn a_key_file_is_made_once_and_only_its_owner_can_read_it() {
    let (_folder, path) = folder();
    let made = get(&path, None, true).unwrap();
    assert_eq!(made.1, Protection::KeyFile);
    assert_eq!(get(&path, None, false).unwrap(), made);
    assert_eq!(get(&path, None, true).unwrap(), made);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (_other, elsewhere) = self::folder();
    assert_ne!(get(&elsewhere, None, true).unwrap().0, made.0);
}

#[test]
fn a_passphrase_opens_what_it_closed_and_no_other_does() {
    let (_folder, path) = folder();
    let made = get(&path, Some("correct horse"), true).unwrap();
    assert_eq!(made.1, Protection::Passphrase);
    assert_eq!(get(&path, Some("correct horse"), false).unwrap(), made);
    assert!(matches!(get(&path, Some("battery staple"), false), Err(KeyError::PassphraseWrong)));
    assert!(matches!(get(&path, None, false), Err(KeyError::PassphraseNeeded)));
    assert!(matches!(get(&path, Some(""), false), Err(KeyError::PassphraseEmpty)));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"memoryKib\": 65536") && text.contains("\"iterations\": 3"), "{text}");
    assert!(!text.contains(&hex::encode(made.0)));
    assert_eq!(protection(&path).unwrap(), Some(Protection::Passphrase));
}

#[test]
fn every_other_state_of_the_file_is_said_in_words() {
    let (_folder, path) = folder();
    assert!(matches!(get(&path, None, false), Err(KeyError::Missing(_))));
    assert_eq!(protection(&path).unwrap(), None);
    get(&path, None, true).unwrap();
    assert!(matches!(get(&path, Some("x"), true), Err(KeyError::PassphraseUnused)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(get(&path, None, true), Err(KeyError::Readable(_))));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    for bad in [
        "",
        "{}",
        "\u{0}",
        &good.replace("plain", "other"),
        &good.replace("\"version\": 1", "\"version\": 2"),
    ] {
        fs::write(&path, bad).unwrap();
        assert!(matches!(get(&path, None, true), Err(KeyError::Malformed(_))), "{bad}");
    }
    fs::write(&path, [0xff; 9_000]).unwrap();
    assert!(matches!(get(&path, None, true), Err(KeyError::Malformed(_))));
}

#[test]
fn changed_parameters_do_not_open_and_do_not_exhaust_memory() {
    let (_folder, path) = folder();
    get(&path, Some("pass"), true).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("65536", "65544")).unwrap();
    assert!(matches!(get(&path, Some("pass"), true), Err(KeyError::PassphraseWrong)));
    fs::write(&path, good.replace("65536", "4294967295")).unwrap();
    assert!(matches!(get(&path, Some("pass"), true), Err(KeyError::Malformed(_))));
}

#[test]
fn the_format_of_the_file_stays() {
    let (_folder, path) = folder();
    // Made by the first version of this program.
    let plain = "{\"kind\":\"plain\",\"version\":1,\
                 \"key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}";
    fs::write(&path, plain).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let expected: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    assert_eq!(get(&path, None, false).unwrap().0, expected);
}
