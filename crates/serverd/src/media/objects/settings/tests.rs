use super::*;

fn s3() -> Options {
    Options {
        media_storage: Some(Storage::S3),
        media_bucket: Some("files".into()),
        media_region: Some("eu-central-1".into()),
        ..Options::default()
    }
}

fn refused(options: &Options) -> String {
    ObjectSettings::of(options).unwrap_err().to_string()
}

#[test]
fn a_folder_is_the_default_and_takes_no_bucket() {
    assert_eq!(ObjectSettings::of(&Options::default()).unwrap(), None);
    let mixed = Options { media_storage: None, ..s3() };
    assert!(refused(&mixed).starts_with("media-bucket is for object stores"));
    let mixed = Options { media_dir: Some("here".into()), ..s3() };
    assert!(refused(&mixed).contains("media-dir"));
}

#[test]
fn what_is_missing_is_said() {
    for (options, missing) in [
        (Options { media_bucket: None, ..s3() }, "media-bucket is missing"),
        (Options { media_region: None, ..s3() }, "media-region is missing"),
        (Options { media_access_key_id: Some("id".into()), ..s3() }, "belong together"),
        (Options { media_endpoint: Some("minio:9000".into()), ..s3() }, "https://"),
        (Options { media_storage: Some(Storage::Azblob), ..s3() }, "media-account is missing"),
        (Options { media_secret_file: Some("/none/such".into()), ..s3() }, "media-secret-file /none/such"),
    ] {
        assert!(refused(&options).contains(missing), "{missing}: {}", refused(&options));
    }
    let azure = Options { media_storage: Some(Storage::Azblob), media_account: Some("store".into()), ..s3() };
    assert!(refused(&azure).contains("SAS token will not do"));
}

#[test]
fn a_secret_is_read_from_its_file_and_shown_to_nobody() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a deep secret\n").unwrap();
    let options = Options {
        media_access_key_id: Some("id".into()),
        media_secret_file: Some(file.path().to_owned()),
        media_endpoint: Some("http://127.0.0.1:9000/".into()),
        media_prefix: Some("/waxwing/".into()),
        ..s3()
    };
    let settings = ObjectSettings::of(&options).unwrap().unwrap();
    assert_eq!(settings.secret.as_ref().unwrap().0.as_str(), "a deep secret");
    assert_eq!(settings.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(settings.prefix, "waxwing");
    assert!(!format!("{settings:?}").contains("deep"));
    let config = options.resolve().unwrap();
    assert!(!format!("{config:?}").contains("deep"));
    std::fs::write(file.path(), "x".repeat(100_000)).unwrap();
    let options = Options {
        media_access_key_id: Some("id".into()),
        media_secret_file: Some(file.path().to_owned()),
        ..s3()
    };
    assert!(refused(&options).contains("not a secret"));
}
