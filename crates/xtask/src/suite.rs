//! `cargo xtask test`: every check and every test, in order, up to the first that fails.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process::{self, cargo};
use crate::setup::{self, Purpose};
use crate::{tidy, web, workspace};

#[cfg(test)]
mod tests;

const SIMULATOR_SEEDS: u32 = 200;
const SIMULATOR_SEEDS_QUICK: u32 = 20;
/// Worlds in which messages are of every kind, much is done about them, and days pass.
const LIVES_SEEDS: u32 = 40;
const LIVES_SEEDS_QUICK: u32 = 8;

/// Packages that read a stranger's bytes. `cargo test` runs their tests already; the suite runs those that feed
/// random bytes once more, with other randomness and more of it. A package of which none is found fails the step.
const FUZZ_PACKAGES: &[&str] = &["waxwing-wire", "waxwing-e2ee", "waxwing-serverd", "waxwing-app"];
/// What the names of such tests contain.
const FUZZ_NAMES: &[&str] = &["fuzz", "random_bytes", "any_bytes", "changed_", "is_total"];
/// Rounds of those that do not name a number themselves.
const FUZZ_CASES: &str = "5000";

/// What a step of the suite ends with.
enum Outcome {
    Passed,
    /// The step could not run here, and may be absent: another step covers what matters of it.
    Skipped(String),
}

/// Tests counted from the lines that `cargo test` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

/// What a line says of tests, if it is the last word of a runner.
type Parse = fn(&str) -> Option<Tally>;

/// The suite as it proceeds.
struct Suite {
    quick: bool,
    tally: Tally,
}

/// A step: its name and what it does.
type Step = (&'static str, fn(&mut Suite) -> anyhow::Result<Outcome>);

const STEPS: &[Step] = &[
    ("set-up", |_| setup::setup(Purpose::Testing).map(|()| Outcome::Passed)),
    ("format", |_| run(cargo(&workspace::root(), &["fmt", "--all", "--check"]))),
    ("tidy", |_| tidy::tidy().map(|()| Outcome::Passed)),
    ("clippy", |_| {
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        run(cargo(&workspace::root(), &arguments))
    }),
    ("deny", |_| deny()),
    // The server has it in it.
    ("web app", |_| web::web().map(|()| Outcome::Passed)),
    // Tests of whole programs start each other's binaries, which `cargo test` alone does not build.
    ("binaries", |_| run(cargo(&workspace::root(), &["build", "--workspace", "--bins"]))),
    ("tests", Suite::tests),
    ("web tests", Suite::web),
    ("fuzz smoke", |_| fuzz()),
    ("simulator", Suite::simulator),
];

/// Runs the suite. The last line printed is `N passed, M failed`, whatever happened.
pub fn test(quick: bool) -> anyhow::Result<()> {
    let mut suite = Suite { quick, tally: Tally::default() };
    let begin = Instant::now();
    let result = STEPS.iter().try_for_each(|step| suite.step(step));
    if let Err(error) = &result {
        println!("\nstopped: {error:#}");
        // A step that failed without a failing test is one failure nevertheless.
        suite.tally.failed = suite.tally.failed.max(1);
    }
    println!("\nall of it: {}", shown(begin.elapsed()));
    println!("{} passed, {} failed", suite.tally.passed, suite.tally.failed);
    if result.is_err() {
        std::process::exit(1);
    }
    Ok(())
}

impl Suite {
    fn step(&mut self, (name, act): &Step) -> anyhow::Result<()> {
        println!("\n== {name}");
        let begin = Instant::now();
        let outcome = act(self).with_context(|| format!("{name} failed after {}", shown(begin.elapsed())))?;
        match outcome {
            Outcome::Passed => println!("== {name}: passed in {}", shown(begin.elapsed())),
            Outcome::Skipped(why) => println!("== {name}: skipped: {why}"),
        }
        Ok(())
    }

    fn tests(&mut self) -> anyhow::Result<Outcome> {
        let arguments = ["test", "--workspace", "--no-fail-fast"];
        let (tally, result) = counted(cargo(&workspace::root(), &arguments), Tally::parse)?;
        self.tally = tally;
        result?;
        if tally.passed == 0 || tally.failed > 0 {
            bail!("cargo test says it succeeded with {} passed, {} failed", tally.passed, tally.failed);
        }
        Ok(Outcome::Passed)
    }

    /// The interface by itself, then all of it in a browser.
    fn web(&mut self) -> anyhow::Result<Outcome> {
        let root = workspace::root();
        let (ui, browser) = (root.join("crates/web/ui"), root.join("crates/web/e2e"));
        process::run(process::command(&ui, "npm", &["run", "--silent", "check"]))?;
        let mut unit = process::command(&ui, "npm", &["run", "--silent", "test"]);
        unit.env("NO_COLOR", "1");
        let mut whole = process::command(&browser, "npm", &["run", "--silent", "test"]);
        whole.env("WAXWING_PROGRAMS", workspace::target()?.join("debug"));
        let parses: [(Command, Parse); 2] = [(unit, Tally::parse_vitest), (whole, Tally::parse_node)];
        for (command, parse) in parses {
            let (tally, result) = counted(command, parse)?;
            self.tally.passed += tally.passed;
            self.tally.failed += tally.failed;
            result?;
            if tally.passed == 0 || tally.failed > 0 {
                bail!("{} passed, {} failed", tally.passed, tally.failed);
            }
        }
        Ok(Outcome::Passed)
    }

    fn simulator(&mut self) -> anyhow::Result<Outcome> {
        let (seeds, lives) = if self.quick {
            (SIMULATOR_SEEDS_QUICK, LIVES_SEEDS_QUICK)
        } else {
            (SIMULATOR_SEEDS, LIVES_SEEDS)
        };
        let simulator = ["run", "-q", "-p", "waxwing-sim", "--"];
        let of = |rest: &[&str]| cargo(&workspace::root(), &[&simulator, rest].concat());
        run(of(&["--seeds", &seeds.to_string()]))?;
        for worlds in ["--lives", "--circles", "--files"] {
            run(of(&[worlds, "--seeds", &lives.to_string()]))?;
        }
        Ok(Outcome::Passed)
    }
}

fn run(command: Command) -> anyhow::Result<Outcome> {
    process::run(command).map(|()| Outcome::Passed)
}

fn deny() -> anyhow::Result<Outcome> {
    if process::answer("cargo", &["deny", "--version"]).is_none() {
        return Ok(Outcome::Skipped("cargo-deny is not installed (tidy has checked the licences)".into()));
    }
    run(cargo(&workspace::root(), &["deny", "check"]))
}

fn fuzz() -> anyhow::Result<Outcome> {
    for package in FUZZ_PACKAGES {
        let arguments = [&["test", "-p", package, "--"], FUZZ_NAMES].concat();
        let mut command = cargo(&workspace::root(), &arguments);
        command.env("PROPTEST_CASES", FUZZ_CASES);
        let (tally, result) = counted(command, Tally::parse)?;
        result?;
        if tally.passed == 0 {
            bail!("{package} has no test that feeds random bytes: none is named {}", FUZZ_NAMES.join(" or "));
        }
    }
    Ok(Outcome::Passed)
}

/// Runs tests, passes their lines on, and counts what `parse` finds in them.
fn counted(mut command: Command, parse: Parse) -> anyhow::Result<(Tally, anyhow::Result<()>)> {
    let line = process::shown(&command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {line}"))?;
    let stdout = child.stdout.take().with_context(|| format!("{line} has no standard output"))?;
    let mut tally = Tally::default();
    for printed in BufReader::new(stdout).split(b'\n') {
        let printed = printed.with_context(|| format!("cannot read what {line} prints"))?;
        let printed = String::from_utf8_lossy(&printed);
        println!("{printed}");
        if let Some(more) = parse(&printed) {
            tally.passed += more.passed;
            tally.failed += more.failed;
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for {line}"))?;
    let result = if status.success() { Ok(()) } else { Err(anyhow::anyhow!("{line} ended with {status}")) };
    Ok((tally, result))
}

impl Tally {
    /// Reads `test result: ok. 12 passed; 0 failed; …`, which every test binary ends with.
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = counts.split("; ");
        let passed = counts.next()?.strip_suffix(" passed")?.parse().ok()?;
        let failed = counts.next()?.strip_suffix(" failed")?.parse().ok()?;
        Some(Self { passed, failed })
    }

    /// Reads `Tests  1 failed | 22 passed (23)`, with which Vitest ends.
    fn parse_vitest(line: &str) -> Option<Self> {
        let counts = line.trim().strip_prefix("Tests ")?;
        let mut tally = Self::default();
        for count in counts.split('(').next()?.split('|') {
            let (number, what) = count.trim().split_once(' ')?;
            match what.trim() {
                "passed" => tally.passed = number.parse().ok()?,
                "failed" => tally.failed = number.parse().ok()?,
                _ => {}
            }
        }
        Some(tally)
    }

    /// Reads `ℹ pass 7` and `ℹ fail 0`, with which Node's runner ends.
    fn parse_node(line: &str) -> Option<Self> {
        let (what, number) = line.trim().strip_prefix("ℹ ")?.split_once(' ')?;
        let number = number.parse().ok()?;
        match what {
            "pass" => Some(Self { passed: number, failed: 0 }),
            "fail" | "cancelled" => Some(Self { passed: 0, failed: number }),
            _ => None,
        }
    }
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}
