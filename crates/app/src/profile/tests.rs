use std::{fs, process};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use tempfile::TempDir;

use super::folder::KEY_FILE;
use super::*;
use crate::key::KeyChoice;

fn options(folder: &TempDir, key_file: Option<PathBuf>) -> ProfileOptions {
    let key = KeyChoice { key_file, passphrase: None };
    ProfileOptions { data_dir: folder.path().join("profile"), key }
}

fn try_open(options: &ProfileOptions) -> Result<Profile, OpenError> {
    open(options, &mut UnwrapErr(SysRng), &mut |_| {})
}

#[test]
fn a_second_process_is_told_who_has_the_profile() {
    let folder = TempDir::new().unwrap();
    let options = options(&folder, None);
    let first = try_open(&options).unwrap();
    let error = try_open(&options).err().unwrap();
    assert!(matches!(error, OpenError::Busy { pid: Some(pid) } if pid == process::id()));
    assert!(error.to_string().contains(&format!("(pid {})", process::id())), "{error}");
    drop(first);
    try_open(&options).unwrap();
}

#[test]
fn only_the_owner_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let options = options(&folder, None);
    try_open(&options).unwrap();
    assert_eq!(fs::metadata(&options.data_dir).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_database_without_its_key_is_never_given_a_new_one() {
    let folder = TempDir::new().unwrap();
    let elsewhere = folder.path().join("elsewhere.json");
    let with_key = options(&folder, Some(elsewhere.clone()));
    try_open(&with_key).unwrap();
    assert!(elsewhere.exists());
    let error = try_open(&options(&folder, None)).err().unwrap();
    assert!(error.to_string().contains("--key-file"), "{error}");
    assert!(!with_key.data_dir.join(KEY_FILE).exists());
    try_open(&with_key).unwrap();
}

#[test]
fn another_databases_key_is_named() {
    let folder = TempDir::new().unwrap();
    try_open(&options(&folder, None)).unwrap();
    let other = TempDir::new().unwrap();
    try_open(&options(&other, None)).unwrap();
    let foreign = other.path().join("profile").join(KEY_FILE);
    let error = try_open(&options(&folder, Some(foreign.clone()))).err().unwrap();
    assert!(matches!(&error, OpenError::WrongKey(path) if *path == foreign));
    assert_eq!(error.code(), "keyWrong");
}
