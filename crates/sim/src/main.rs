//! `waxwing-sim`: runs seeds and says what they found.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use sha2::{Digest, Sha256};
use waxwing_sim::fault::{Fault, Tally};
use waxwing_sim::hostile::Attack;
use waxwing_sim::trace::say;
use waxwing_sim::{Outcome, Plan, run_plan};

/// Seeds after which a kind of fault that never happened is a fault of the simulator.
const SEEDS_FOR_EVERY_FAULT: u64 = 50;
/// The same for what only some scenarios lead to.
const SEEDS_FOR_RARE_FAULTS: u64 = 200;
/// Violations that are printed with their traces.
const PRINTED: usize = 5;

/// Runs the real cores of client and server in simulated worlds with faults, and judges them.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this one.
    #[arg(long)]
    seed: Option<u64>,
    /// Print every event of the run.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Worlds in which everybody has one device, nobody makes groups, and no server lies.
    #[arg(long)]
    alone: bool,
    /// Worlds in which people react to messages as well, edit them and delete them for everyone.
    #[arg(long, conflicts_with = "alone")]
    deeds: bool,
    /// The same, in which messages are of every kind, some disappear, and days pass.
    #[arg(long, conflicts_with_all = ["alone", "deeds"])]
    lives: bool,
    /// Worlds in which people show things for a day as well, write to lists, and are asked before they are in a group.
    #[arg(long, conflicts_with_all = ["alone", "deeds", "lives"])]
    circles: bool,
    /// The same as with lives, in which messages name files, which the driver keeps.
    #[arg(long, conflicts_with_all = ["alone", "deeds", "lives"])]
    files: bool,
    /// Worlds in which people type as well, are there, and look who is.
    #[arg(long, conflicts_with_all = ["alone", "deeds", "lives"])]
    light: bool,
    /// Worlds whose server lies, in every way at once.
    #[arg(long, conflicts_with_all = ["alone", "deeds", "lives", "light"])]
    hostile: bool,
    /// Worlds at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

impl Arguments {
    /// The flag for worlds like these.
    fn worlds(&self) -> &'static str {
        let flags = [
            (self.alone, " --alone"),
            (self.deeds, " --deeds"),
            (self.lives, " --lives"),
            (self.circles, " --circles"),
            (self.files, " --files"),
            (self.light, " --light"),
            (self.hostile, " --hostile"),
        ];
        flags.into_iter().find_map(|(is_set, flag)| is_set.then_some(flag)).unwrap_or_default()
    }

    fn plan(&self, seed: u64) -> Plan {
        match (self.deeds, self.alone) {
            _ if self.light => Plan::with_light(seed),
            _ if self.hostile => Plan::hostile(seed, Attack::ALL),
            _ if self.lives => Plan::with_lives(seed),
            _ if self.circles => Plan::with_circles(seed),
            _ if self.files => Plan::with_files(seed),
            (true, _) => Plan::with_deeds(seed),
            (_, true) => Plan::alone(seed),
            _ => Plan::new(seed),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (from, count) = arguments.seed.map_or((arguments.from, arguments.seeds), |seed| (seed, 1));
    if let Some(seed) = arguments.seed {
        say(&format!("{:?}", arguments.plan(seed)));
    }
    let begin = Instant::now();
    let outcomes = run_all(&arguments, from, count);
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.violations.is_empty()).collect();
    for outcome in failed.iter().take(PRINTED) {
        explain(outcome, &arguments);
    }
    for outcome in failed.iter().skip(PRINTED) {
        for violation in &outcome.violations {
            say(&format!("seed {}: invariant {}: {}", outcome.seed, violation.invariant, violation.what));
        }
    }
    let complete = summarise(&outcomes, begin.elapsed().as_secs_f64(), !arguments.hostile);
    let faults = failed.len() + usize::from(!complete);
    say(&format!("{} passed, {faults} failed", outcomes.len() - failed.len()));
    if faults > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs the seeds on some threads; the outcomes come back in the order of seeds.
fn run_all(arguments: &Arguments, from: u64, count: u64) -> Vec<Outcome> {
    let next = AtomicU64::new(from);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - from >= count {
                        return;
                    }
                    let outcome = run_plan(arguments.plan(seed), None, arguments.trace);
                    done.lock().expect("no run panics while it holds the list").push(outcome);
                }
            });
        }
    });
    let mut outcomes = done.into_inner().expect("no run panics while it holds the list");
    outcomes.sort_by_key(|outcome| outcome.seed);
    outcomes
}

fn explain(outcome: &Outcome, arguments: &Arguments) {
    say(&format!("\nseed {} failed; its last events:", outcome.seed));
    for line in &outcome.tail {
        say(&format!("  {line}"));
    }
    for violation in &outcome.violations {
        say(&format!(
            "seed {}: invariant {} at {}.{:03} s: {}",
            outcome.seed,
            violation.invariant,
            violation.at_ms / 1_000,
            violation.at_ms % 1_000,
            violation.what
        ));
    }
    let worlds = arguments.worlds();
    say(&format!("again: cargo run -p waxwing-sim -- --seed {} --trace{worlds}", outcome.seed));
}

/// Prints what the seeds amount to. False when a kind of fault was never injected though it should.
/// `faulty`: worlds in which things fail; a server that lies does not fail as well.
fn summarise(outcomes: &[Outcome], seconds: f64, faulty: bool) -> bool {
    let (mut faults, mut hash) = (Tally::default(), Sha256::new());
    let (mut events, mut messages, mut virtual_ms, mut slowest) = (0, 0, 0, (0, 0));
    for outcome in outcomes {
        faults.add(&outcome.faults);
        hash.update(outcome.hash.as_bytes());
        events += outcome.events;
        messages += outcome.messages;
        virtual_ms += outcome.took_ms;
        slowest = slowest.max((outcome.settled_ms, outcome.seed));
    }
    let hash: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let by_kind: Vec<String> =
        faults.iter().map(|(fault, count)| format!("{} {count}", fault.name())).collect();
    println!(
        "\n{} seeds, {events} events, {messages} messages, {} virtual hours in {seconds:.1} s; \
         settled at most {} s after healing (seed {})",
        outcomes.len(),
        virtual_ms / 3_600_000,
        slowest.0 / 1_000,
        slowest.1
    );
    say(&format!("{} faults: {}", faults.total(), by_kind.join(", ")));
    say(&format!("trace hash {hash}"));
    let enough = |fault: Fault| {
        let rare =
            matches!(fault, Fault::PrekeysExhausted | Fault::Undecryptable | Fault::ServerCrashMidCommit);
        outcomes.len() as u64 >= if rare { SEEDS_FOR_RARE_FAULTS } else { SEEDS_FOR_EVERY_FAULT }
    };
    let missing: Vec<&str> = faults
        .iter()
        .filter(|(fault, count)| faulty && enough(*fault) && *count == 0)
        .map(|(fault, _)| fault.name())
        .collect();
    if !missing.is_empty() {
        say(&format!("never injected, so nothing is known about: {}", missing.join(", ")));
    }
    missing.is_empty()
}
