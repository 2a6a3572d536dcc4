use super::*;

#[test]
fn result_lines_are_counted() {
    let line =
        "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.10s";
    assert_eq!(Tally::parse(line), Some(Tally { passed: 12, failed: 0 }));
    let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
    assert_eq!(Tally::parse(line), Some(Tally { passed: 1, failed: 2 }));
}

#[test]
fn other_lines_are_not() {
    for line in ["test tidy::tests::arrows ... ok", "running 12 tests", "", "test result: what?"] {
        assert_eq!(Tally::parse(line), None, "{line}");
    }
}

fn sh(script: &str) -> Command {
    process::command(&workspace::root(), "sh", &["-c", script])
}

#[test]
fn the_tests_of_all_binaries_are_summed() {
    let (tally, result) = counted(
        sh("echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; echo noise;
        echo 'test result: ok. 3 passed; 0 failed; 0 ignored'"),
        Tally::parse,
    )
    .unwrap();
    assert_eq!(tally, Tally { passed: 5, failed: 0 });
    assert!(result.is_ok());
}

#[test]
fn failing_tests_are_counted_and_the_run_fails() {
    let (tally, result) =
        counted(sh("echo 'test result: FAILED. 2 passed; 1 failed; 0 ignored'; exit 101"), Tally::parse)
            .unwrap();
    assert_eq!(tally, Tally { passed: 2, failed: 1 });
    assert!(result.is_err());
}

#[test]
fn a_step_that_fails_names_itself() {
    let mut suite = Suite { quick: true, tally: Tally::default() };
    let error = suite.step(&("clippy", |_| bail!("no"))).unwrap_err();
    assert!(error.to_string().starts_with("clippy failed after"), "{error}");
    assert!(suite.step(&("clippy", |_| Ok(Outcome::Passed))).is_ok());
    assert!(suite.step(&("deny", |_| Ok(Outcome::Skipped("absent".into())))).is_ok());
}

#[test]
fn times_are_readable() {
    assert_eq!(shown(Duration::from_millis(1_240)), "1.2 s");
    assert_eq!(shown(Duration::from_secs(125)), "2 min 5 s");
}

#[test]
fn other_runners_are_counted_too() {
    let tally = |passed, failed| Some(Tally { passed, failed });
    assert_eq!(Tally::parse_vitest("      Tests  23 passed (23)"), tally(23, 0));
    assert_eq!(Tally::parse_vitest("      Tests  1 failed | 22 passed | 2 skipped (25)"), tally(22, 1));
    assert_eq!(Tally::parse_vitest(" Test Files  8 passed (8)"), None);
    assert_eq!(Tally::parse_node("ℹ pass 7"), tally(7, 0));
    assert_eq!(Tally::parse_node("ℹ fail 2"), tally(0, 2));
    assert_eq!(Tally::parse_node("ℹ cancelled 1"), tally(0, 1));
    assert_eq!(Tally::parse_node("ℹ duration_ms 712.5"), None);
}
