use std::fs::File;
use std::time::{Duration, SystemTime};

use super::*;

#[test]
fn versions_are_read_from_what_programs_print() {
    assert_eq!(version("rustc 1.95.0 (f2d3ce0bd 2026-03-21)"), [1, 95, 0]);
    assert_eq!(version("v20.20.2\n"), [20, 20, 2]);
    assert_eq!(version("1.95"), [1, 95, 0]);
    assert_eq!(version("none"), [0, 0, 0]);
}

#[test]
fn an_older_version_is_less() {
    assert!(version("1.9.9") < version("1.95"));
    assert!(version("v18.19.0") < [NODE_MAJOR, 0, 0]);
    assert!(version("v20.0.0") >= [NODE_MAJOR, 0, 0]);
}

#[test]
fn node_modules_older_than_the_lock_file_are_brought_again() {
    let directory = std::env::temp_dir().join(format!("waxwing-xtask-setup-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("node_modules")).unwrap();
    let (list, marker) = (directory.join("package-lock.json"), directory.join(NODE_MARKER));
    assert!(is_installed(&list, &marker).is_err(), "without a lock file nothing can be said");

    let lock = File::create(&list).unwrap();
    assert!(!is_installed(&list, &marker).unwrap(), "an installation that was cut short");

    File::create(&marker).unwrap();
    assert!(is_installed(&list, &marker).unwrap());

    lock.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    assert!(!is_installed(&list, &marker).unwrap(), "the lock file changed since");
    std::fs::remove_dir_all(&directory).unwrap();
}
