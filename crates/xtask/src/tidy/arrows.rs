//! Which room may use which.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use super::{Crate, Finding, room};

/// The architecture's table. An arrow that is not here may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("e2ee", &["wire"]),
    ("client", &["wire", "e2ee"]),
    ("server", &["wire"]),
    ("call", &["wire"]),
    ("app", &["client", "call", "wire"]),
    ("cli", &["app"]),
    ("web", &["app"]),
    ("serverd", &["server", "call", "wire"]),
    ("sim", &["wire", "e2ee", "client", "server", "call"]),
    ("bench", &["wire", "e2ee", "client", "app"]),
    ("xtask", &[]),
];

/// What tests may use beyond that: those of whole programs start the other side.
const TESTS_MAY_USE: &[(&str, &[&str])] = &[("serverd", &["app", "cli"]), ("cli", &["serverd"])];

/// Pairs between which there must be no path at all, however long: the server cannot read a message.
const NO_PATH: &[(&str, &str)] = &[("serverd", "e2ee"), ("serverd", "client"), ("server", "e2ee")];

/// Rooms whose decisions must be replayable.
pub const CORES: &[&str] = &["wire", "e2ee", "client", "server", "call"];

/// Crates that do I/O, read a clock, draw randomness or start threads.
const NOT_IN_CORES: &[&str] = &[
    "async-std",
    "chrono",
    "crossbeam-channel",
    "fjall",
    "getrandom",
    "mio",
    "parking_lot",
    "rand",
    "rayon",
    "rusqlite",
    "rustix",
    "signal-hook",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tracing",
];

pub fn check(crates: &[Crate], expected: &[&str]) -> Vec<Finding> {
    let mut findings = missing(crates, expected);
    for subject in crates {
        findings.extend(arrows_of(subject, crates));
        findings.extend(core_dependencies(subject));
    }
    findings.extend(paths(crates));
    findings
}

fn missing(crates: &[Crate], expected: &[&str]) -> Vec<Finding> {
    let present: BTreeSet<&str> = crates.iter().map(|subject| subject.room.as_str()).collect();
    let absent = expected.iter().map(|package| room(package)).filter(|room| !present.contains(room.as_str()));
    let findings = absent.map(|room| {
        let what = format!("the crate `{room}` is missing from the workspace");
        Finding::new("Cargo.toml", 1, what, format!("put it into crates/{room}"))
    });
    findings.collect()
}

fn table(rows: &[(&str, &'static [&'static str])], room: &str) -> Option<&'static [&'static str]> {
    rows.iter().find(|(name, _)| *name == room).map(|(_, may)| *may)
}

fn arrows_of(subject: &Crate, crates: &[Crate]) -> Vec<Finding> {
    let path = &subject.manifest.path;
    let Some(may) = table(MAY_USE, &subject.room) else {
        let what = format!("the architecture knows no room `{}`", subject.room);
        return vec![Finding::new(
            path,
            1,
            what,
            "add it to MAY_USE with the arrows it needs, or make it a module",
        )];
    };
    let tests_may = table(TESTS_MAY_USE, &subject.room).unwrap_or_default();
    let mut findings = Vec::new();
    for used in &subject.uses {
        let other = room(&used.package);
        if !crates.iter().any(|owner| owner.room == other) || other == subject.room {
            continue;
        }
        let for_tests = used.kind == DependencyKind::Development && tests_may.contains(&other.as_str());
        if !may.contains(&other.as_str()) && !for_tests {
            let what = format!("`{}` may not use `{other}`", subject.room);
            let line = subject.manifest.line_of(&used.package);
            findings.push(Finding::new(path, line, what, "remove the dependency or move the code"));
        }
    }
    findings
}

fn core_dependencies(subject: &Crate) -> Vec<Finding> {
    if !CORES.contains(&subject.room.as_str()) {
        return Vec::new();
    }
    let used = subject.uses.iter().filter(|used| used.kind == DependencyKind::Normal);
    let shell_only = used.filter(|used| NOT_IN_CORES.contains(&used.package.as_str()));
    let findings = shell_only.map(|used| {
        let what = format!("the core `{}` uses `{}`", subject.room, used.package);
        let line = subject.manifest.line_of(&used.package);
        Finding::new(
            &subject.manifest.path,
            line,
            what,
            "a core takes times, randomness and input as arguments",
        )
    });
    findings.collect()
}

/// Follows the arrows of what ships, tests aside.
fn paths(crates: &[Crate]) -> Vec<Finding> {
    let mut arrows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for subject in crates {
        let used = subject.uses.iter().filter(|used| used.kind != DependencyKind::Development);
        arrows.insert(&subject.room, used.map(|used| room(&used.package)).collect());
    }
    let mut findings = Vec::new();
    for (from, to) in NO_PATH {
        let Some(subject) = crates.iter().find(|subject| subject.room == *from) else { continue };
        if let Some(path) = path(&arrows, from, to) {
            let what = format!("a path leads from `{from}` to `{to}`: {}", path.join(" -> "));
            findings.push(Finding::new(
                &subject.manifest.path,
                1,
                what,
                "no code of the server's may reach it",
            ));
        }
    }
    findings
}

/// The shortest path, by breadth.
fn path(arrows: &BTreeMap<&str, Vec<String>>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([from.to_owned()]);
    let mut paths = vec![vec![from.to_owned()]];
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in &paths {
            let last = path.last().map(String::as_str).unwrap_or_default();
            for next in arrows.get(last).into_iter().flatten() {
                let extended = [path.as_slice(), std::slice::from_ref(next)].concat();
                if next == to {
                    return Some(extended);
                }
                if seen.insert(next.clone()) {
                    longer.push(extended);
                }
            }
        }
        paths = longer;
    }
    None
}
