//! Every check is shown a good input, which it must pass, and each bad one, which it must not.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.into(), text: text.into() }
}

fn used(package: &str, kind: DependencyKind) -> Use {
    Use { package: package.into(), kind, git: false }
}

/// A crate in order that uses what is named, in what ships.
fn crate_using(room: &str, packages: &[&str]) -> Crate {
    let mut text =
        "[package]\nlicense.workspace = true\n[lints]\nworkspace = true\n[dependencies]\n".to_owned();
    for package in packages {
        text.push_str(&format!("{package}.workspace = true\n"));
    }
    Crate {
        room: room.into(),
        manifest: file(&format!("crates/{room}/Cargo.toml"), &text),
        licence: Some("AGPL-3.0-only".into()),
        uses: packages.iter().map(|package| used(package, DependencyKind::Normal)).collect(),
    }
}

/// A crate in order whose tests use what is named.
fn crate_testing_with(room: &str, packages: &[&str]) -> Crate {
    let mut subject = crate_using(room, &[]);
    subject.uses = packages.iter().map(|package| used(package, DependencyKind::Development)).collect();
    subject
}

/// Fails unless there is exactly one finding, at that place, that says that much.
#[track_caller]
fn one(findings: &[Finding], place: &str, what: &str) {
    let shown: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(shown.len(), 1, "expected one finding, got {shown:#?}");
    let only = shown.first().unwrap();
    assert!(only.starts_with(&format!("{place}: ")) && only.contains(what), "{only}");
}

#[track_caller]
fn none(findings: &[Finding]) {
    let shown: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(shown.is_empty(), "expected no finding, got {shown:#?}");
}

mod arrow_checks {
    use super::*;

    fn check(crates: &[Crate]) -> Vec<Finding> {
        arrows::check(crates, &[])
    }

    #[test]
    fn the_arrows_of_the_architecture_pass() {
        none(&check(&[
            crate_using("wire", &["bytes"]),
            crate_using("e2ee", &["waxwing-wire"]),
            crate_using("client", &["waxwing-wire", "waxwing-e2ee"]),
            crate_using("server", &["waxwing-wire"]),
            crate_using("app", &["waxwing-client", "waxwing-wire", "rusqlite"]),
            crate_using("serverd", &["waxwing-server", "waxwing-wire", "mio"]),
            crate_using("xtask", &["clap"]),
        ]));
    }

    #[test]
    fn an_arrow_against_the_table() {
        let crates = [crate_using("wire", &["waxwing-e2ee"]), crate_using("e2ee", &[])];
        one(&check(&crates), "crates/wire/Cargo.toml:6", "`wire` may not use `e2ee`");
    }

    #[test]
    fn a_build_script_obeys_the_arrows_too() {
        let mut wire = crate_using("wire", &[]);
        wire.uses.push(used("waxwing-server", DependencyKind::Build));
        one(&check(&[wire, crate_using("server", &[])]), "crates/wire/Cargo.toml:1", "may not use `server`");
    }

    #[test]
    fn tests_of_whole_programs_may_use_the_other_side_and_no_others_may() {
        let app = || crate_using("app", &[]);
        none(&check(&[crate_testing_with("serverd", &["waxwing-app"]), app()]));
        one(
            &check(&[crate_testing_with("server", &["waxwing-app"]), app()]),
            "crates/server/Cargo.toml:1",
            "`server` may not use `app`",
        );
        one(
            &check(&[crate_using("serverd", &["waxwing-app"]), app()]),
            "crates/serverd/Cargo.toml:6",
            "`app`",
        );
    }

    #[test]
    fn a_roundabout_path_from_the_server_to_the_keys() {
        let crates = [
            crate_using("serverd", &["waxwing-call"]),
            crate_using("call", &["waxwing-e2ee"]),
            crate_using("e2ee", &[]),
        ];
        let found: Vec<String> = check(&crates).iter().map(Finding::to_string).collect();
        assert!(found.iter().any(|line| line.contains("serverd -> call -> e2ee")), "{found:#?}");
    }

    #[test]
    fn tests_make_no_path_from_the_server_to_the_keys() {
        none(&check(&[
            crate_testing_with("serverd", &["waxwing-app"]),
            crate_using("app", &["waxwing-client"]),
            crate_using("client", &["waxwing-e2ee"]),
            crate_using("e2ee", &[]),
        ]));
    }

    #[test]
    fn a_room_that_is_not_in_the_table() {
        one(&check(&[crate_using("common", &[])]), "crates/common/Cargo.toml:1", "no room `common`");
    }

    #[test]
    fn an_expected_crate_that_is_missing() {
        let findings = arrows::check(&[crate_using("wire", &[])], &["waxwing-wire", "waxwing-sim"]);
        one(&findings, "Cargo.toml:1", "`sim` is missing");
    }

    #[test]
    fn a_core_with_a_shells_dependency() {
        for package in ["tokio", "mio", "getrandom", "rusqlite", "fjall", "crossbeam-channel", "rayon"] {
            let what = format!("the core `client` uses `{package}`");
            one(&check(&[crate_using("client", &[package])]), "crates/client/Cargo.toml:6", &what);
        }
        none(&check(&[crate_testing_with("client", &["getrandom"])]));
        none(&check(&[crate_using("app", &["mio", "rusqlite"])]));
    }
}

mod manifest_checks {
    use super::*;

    const CLIPPY: &str = "allow-unwrap-in-tests = true
disallowed-methods = [
    { path = \"std::time::SystemTime::now\" }, { path = \"std::time::Instant::now\" },
    { path = \"std::env::var\" }, { path = \"std::fs::read\" }, { path = \"std::fs::write\" },
    { path = \"std::thread::spawn\" },
]
disallowed-types = [
    { path = \"std::collections::HashMap\" }, { path = \"std::collections::HashSet\" },
    { path = \"std::sync::Mutex\" }, \"std::sync::RwLock\",
]
";

    fn check_crate(subject: Crate) -> Vec<Finding> {
        manifests::check(&[subject], &[])
    }

    fn with_text(text: &str) -> Crate {
        let mut subject = crate_using("app", &[]);
        subject.manifest.text = text.into();
        subject
    }

    #[test]
    fn a_manifest_in_order_passes() {
        none(&check_crate(crate_using("app", &["anyhow"])));
    }

    #[test]
    fn the_lints_are_off() {
        one(&check_crate(with_text("[package]\n")), "crates/app/Cargo.toml:1", "lints are off");
        one(
            &check_crate(with_text("[lints]\nworkspace = false\n")),
            "crates/app/Cargo.toml:1",
            "lints are off",
        );
    }

    #[test]
    fn another_licence() {
        let mut subject = crate_using("app", &[]);
        subject.licence = Some("MIT".into());
        one(&check_crate(subject), "crates/app/Cargo.toml:2", "licence is not AGPL-3.0-only");
        let mut subject = crate_using("app", &[]);
        subject.licence = None;
        one(&check_crate(subject), "crates/app/Cargo.toml:2", "licence");
    }

    #[test]
    fn a_git_dependency() {
        let mut subject = crate_using("app", &["anyhow"]);
        subject.uses.iter_mut().for_each(|used| used.git = true);
        one(&check_crate(subject), "crates/app/Cargo.toml:6", "git repository");
    }

    #[test]
    fn a_version_of_its_own() {
        let lints = "[lints]\nworkspace = true\n";
        for table in
            ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            for version in ["\"1\"", "{ version = \"1\" }", "{ path = \"../wire\" }"] {
                let text = format!("{lints}[{table}]\nbytes = {version}\n");
                one(&check_crate(with_text(&text)), "crates/app/Cargo.toml:4", "version of its own");
            }
            none(&check_crate(with_text(&format!("{lints}[{table}]\nbytes = {{ workspace = true }}\n"))));
        }
    }

    #[test]
    fn the_root_pins_what_it_names() {
        let check = |line: &str| {
            let text = format!("[workspace.dependencies]\n{line}\n");
            manifests::check(&[], &[file("Cargo.toml", &text)])
        };
        none(&check("a = \"1.2\""));
        none(&check("a = { version = \"1.2\" }"));
        none(&check("a = { path = \"crates/a\" }"));
        one(&check("a = \"*\""), "Cargo.toml:2", "takes any version");
        one(&check("a = { features = [] }"), "Cargo.toml:2", "has no version");
        one(&check("a = { path = \"../a\" }"), "Cargo.toml:2", "has no version");
        one(&check("a = { git = \"https://example.org/a\" }"), "Cargo.toml:2", "git repository");
    }

    #[test]
    fn a_core_forbids_itself_what_a_core_must_not_do() {
        let check = |text: &str| {
            let root = file("clippy.toml", "# why\nallow-unwrap-in-tests = true\n");
            let files = [root, file("crates/wire/clippy.toml", text)];
            manifests::check(&[crate_using("wire", &[])], &files)
        };
        none(&check(CLIPPY));
        let path = "crates/wire/clippy.toml";
        one(
            &check(&CLIPPY.replace("std::env::var", "std::env::args")),
            &format!("{path}:2"),
            "`std::env::var`",
        );
        one(&check(&CLIPPY.replace("sync::Mutex", "sync::Once")), &format!("{path}:7"), "`std::sync::Mutex`");
        one(&check(&CLIPPY.replace("allow-unwrap", "allow-panic")), &format!("{path}:1"), "is lost here");
        one(&check("["), &format!("{path}:1"), "not TOML");
        one(&manifests::check(&[crate_using("wire", &[])], &[]), &format!("{path}:1"), "has no clippy.toml");
        none(&manifests::check(&[crate_using("app", &[])], &[]));
    }
}

mod licence_checks {
    use super::*;

    const LIST: &str =
        "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\", \"ISC\"]
exceptions = [{ crate = \"special\", allow = [\"OpenSSL\"] }]\n";

    fn check(name: &str, licence: Option<&str>) -> Vec<Finding> {
        let package =
            Package { name: name.into(), version: "1.0.0".into(), licence: licence.map(str::to_owned) };
        licences::check(&[package], &[file("deny.toml", LIST)])
    }

    #[test]
    fn expressions_that_can_be_met_pass() {
        for licence in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-2.0 OR MIT",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
            "MIT AND (GPL-2.0 OR ISC)",
            "(MIT OR GPL-2.0) AND ISC",
        ] {
            none(&check("bytes", Some(licence)));
        }
    }

    #[test]
    fn expressions_that_cannot_be_met_do_not() {
        for licence in
            ["GPL-2.0", "MIT AND GPL-2.0", "GPL-2.0 WITH LLVM-exception", "GPL-2.0/SSPL-1.0", "OpenSSL"]
        {
            one(&check("bytes", Some(licence)), "deny.toml:2", "not allowed");
        }
        // AND binds more closely than OR.
        one(&check("bytes", Some("GPL-2.0 OR MIT AND SSPL-1.0")), "deny.toml:2", "not allowed");
        none(&check("bytes", Some("MIT OR GPL-2.0 AND SSPL-1.0")));
    }

    #[test]
    fn an_exception_holds_for_its_package_only() {
        none(&check("special", Some("OpenSSL AND MIT")));
        one(&check("other", Some("OpenSSL")), "deny.toml:2", "other 1.0.0");
    }

    #[test]
    fn no_licence_or_an_unreadable_one() {
        one(&check("bytes", None), "deny.toml:2", "names no licence");
        for licence in ["MIT OR", "(MIT", "MIT ISC", "", ")"] {
            one(&check("bytes", Some(licence)), "deny.toml:2", "cannot be read");
        }
    }

    #[test]
    fn without_a_list_nothing_is_allowed() {
        one(&licences::check(&[], &[]), "deny.toml:1", "no list");
        one(
            &licences::check(&[], &[file("deny.toml", "[licenses]\n")]),
            "deny.toml:1",
            "no [licenses] allow",
        );
    }
}

mod source_checks {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<Finding> {
        sources::check(&file(path, text))
    }

    const CORE: &str = "crates/wire/src/frame.rs";

    #[test]
    fn a_file_in_order_passes() {
        none(&check(CORE, "//! Frames.\n\npub fn f() -> u8 {\n    1\n}\n"));
    }

    #[test]
    fn white_space_at_the_end() {
        one(&check(CORE, "fn f() {} \n"), "crates/wire/src/frame.rs:1", "white space");
        one(&check("README.md", "one\ntwo\t\n"), "README.md:2", "white space");
        one(&check("README.md", "one\r\n"), "README.md:1", "white space");
    }

    #[test]
    fn unfinished_business() {
        for word in [concat!("TO", "DO"), concat!("FIX", "ME")] {
            one(&check(CORE, &format!("// {word}: later\n")), "crates/wire/src/frame.rs:1", word);
            none(&check(CORE, &format!("// {word}S is another word\n")));
        }
    }

    #[test]
    fn files_that_are_too_long() {
        let lines = |count: usize| "//\n".repeat(count);
        none(&check(CORE, &lines(800)));
        one(&check(CORE, &lines(801)), "crates/wire/src/frame.rs:801", "801 lines");
        none(&check("crates/wire/src/frame/tests.rs", &lines(1_200)));
        one(
            &check("crates/wire/tests/frames.rs", &lines(1_201)),
            "crates/wire/tests/frames.rs:1201",
            "1201 lines",
        );
        none(&check("README.md", &lines(2_000)));
    }

    #[test]
    fn functions_that_are_too_long() {
        let function = |lines: usize| {
            format!("impl A {{\n    fn f() {{\n{}    }}\n}}\n", "        g();\n".repeat(lines))
        };
        none(&check(CORE, &function(100)));
        one(&check(CORE, &function(101)), "crates/wire/src/frame.rs:2", "101 lines of code");
        none(&check("crates/wire/src/tests.rs", &function(101)));
        let commented =
            function(90).replace("g();\n    }", &format!("g();\n{}    }}", "        // why\n\n".repeat(40)));
        none(&check(CORE, &commented));
        let declared = format!(
            "trait A {{\n    fn f(\n        a: u8,\n    );\n{}}}\n",
            "    // why\n    type B;\n".repeat(200)
        );
        none(&check(CORE, &declared));
    }

    #[test]
    fn unsafe_code() {
        let word = concat!("un", "safe");
        let code = format!("fn f() {{\n    {word} {{ g() }}\n}}\n");
        one(&check("crates/serverd/src/main.rs", &code), "crates/serverd/src/main.rs:2", word);
        for harmless in [
            format!("// {word} is not here\n"),
            format!("const A: &str = \"{word}\";\n"),
            format!("#![forbid({word}_code)]\n"),
        ] {
            none(&check(CORE, &harmless));
        }
    }

    #[test]
    fn printing_in_a_core() {
        for printing in ["println!(\"a\")", "eprintln!()", "print!(\"\")", "dbg!(1)"] {
            one(
                &check(CORE, &format!("fn f() {{\n    {printing};\n}}\n")),
                "crates/wire/src/frame.rs:2",
                "in the core",
            );
        }
        let line = "fn f() {\n    println!(\"a\");\n}\n";
        none(&check("crates/cli/src/main.rs", line));
        none(&check("crates/wire/build.rs", line));
        none(&check("crates/wire/src/frame/tests.rs", line));
    }
}

mod code_reading {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expected: &str) {
        assert_eq!(code::only(text), expected);
    }

    #[test]
    fn comments_and_literals_become_blank_and_lines_stay() {
        reads("a // b\nc", "a     \nc");
        reads("a /* b /* c */ \n d */ e", "a              \n      e");
        reads(r#"f("a\"b", c)"#, r#"f("    ", c)"#);
        reads("r#\"a\"b\"# c", "r#\"   \"# c");
        reads("for r in \"x\" {}", "for r in \" \" {}");
        reads(r"f('a', '\'', '\n')", r"f(' ', '  ', '  ')");
    }

    #[test]
    fn lifetimes_are_not_characters() {
        reads("fn f<'a>(a: &'a str) -> &'static str", "fn f<'a>(a: &'a str) -> &'static str");
    }

    #[test]
    fn what_never_ends_ends_with_the_text() {
        for text in ["\"a", "/* a", "r##\"a\"#", "'\\", "\"\\"] {
            assert_eq!(code::only(text).chars().count(), text.chars().count(), "{text}");
        }
    }

    #[test]
    fn words_stand_alone() {
        assert!(code::has_word("pub fn f()", "fn"));
        assert!(!code::has_word("fnord fn_ afn", "fn"));
    }
}

#[test]
fn this_workspace_can_be_read() {
    let root = workspace::root();
    let house = read(&root, &workspace::metadata().unwrap()).unwrap();
    assert!(house.crates.iter().any(|subject| subject.room == "xtask"));
    assert!(house.packages.iter().any(|package| package.name == "clap" && package.licence.is_some()));
    assert!(house.files.iter().any(|file| file.path == "crates/xtask/src/tidy/tests.rs"));
    assert!(house.files.iter().all(|file| !file.path.contains("node_modules/")));
}
