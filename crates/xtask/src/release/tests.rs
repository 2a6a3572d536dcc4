use super::*;

#[test]
fn a_tarball_is_packed_with_its_sum_and_the_same_input_gives_the_same_bytes() {
    let directory = std::env::temp_dir().join(format!("waxwing-xtask-release-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    // Any real binary will do: this very test is one.
    let binary = directory.join("waxwing");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let paper = directory.join("LICENSE");
    fs::write(&paper, "terms\n").unwrap();

    let mut made = Vec::new();
    for artifacts in ["first", "second"] {
        let artifacts = directory.join(artifacts);
        let tarball = pack(
            &artifacts,
            "waxwing-0-test",
            std::slice::from_ref(&binary),
            std::slice::from_ref(&paper),
            1_700_000_000,
        )
        .unwrap();
        process::run(process::command(&artifacts, "sha256sum", &["--check", "waxwing-0-test.tar.gz.sha256"]))
            .unwrap();
        made.push(fs::read(tarball).unwrap());
    }
    assert!(made.first() == made.last(), "two packings of the same files differ");

    let first = directory.join("first");
    let list = process::output(process::command(&first, "tar", &["-tzf", "waxwing-0-test.tar.gz"])).unwrap();
    let names: Vec<&str> = list.lines().collect();
    assert_eq!(names, ["waxwing-0-test/", "waxwing-0-test/LICENSE", "waxwing-0-test/waxwing"]);
    let stripped = first.join("waxwing-0-test/waxwing").metadata().unwrap().len();
    assert!(stripped < binary.metadata().unwrap().len(), "the binary was not stripped");
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_missing_binary_is_an_error() {
    let directory = std::env::temp_dir().join(format!("waxwing-xtask-absent-{}", std::process::id()));
    let error = pack(&directory, "absent", &[directory.join("waxwingd")], &[], 0).unwrap_err();
    assert!(error.to_string().contains("cannot copy"), "{error}");
    fs::remove_dir_all(&directory).unwrap();
}
