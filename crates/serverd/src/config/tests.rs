use super::*;

fn parse(text: &str) -> Result<Options, Unusable> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Options::read(file.path())
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let file = parse("listen = '127.0.0.2:1'\nidle-seconds = 9\nsend-burst = 3").unwrap();
    let flags = Options { idle_seconds: Some(5), ..Options::default() };
    let config = flags.or(file).resolve().unwrap();
    assert_eq!(config.listen, "127.0.0.2:1".parse().unwrap());
    assert_eq!(config.io.idle_timeout, Duration::from_secs(5));
    assert_eq!(config.settings.send_burst, 3);
    assert_eq!(config.settings.mailbox_entries, Settings::default().mailbox_entries);
}

#[test]
fn names_an_unknown_key() {
    let error = parse("idle-second = 9").unwrap_err().to_string();
    assert!(error.contains("idle-second") && error.contains("idle-seconds"), "{error}");
}
