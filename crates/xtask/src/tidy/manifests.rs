//! What a manifest must say, and what a core must forbid itself.

use toml::{Table, Value};

use super::arrows::CORES;
use super::{Crate, File, Finding};

const LICENCE: &str = "AGPL-3.0-only";
const DEPENDENCY_TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// What every core's `clippy.toml` must disallow at the least.
const DISALLOWED_METHODS: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::env::var",
    "std::fs::read",
    "std::fs::write",
    "std::thread::spawn",
];
const DISALLOWED_TYPES: &[&str] =
    &["std::collections::HashMap", "std::collections::HashSet", "std::sync::Mutex", "std::sync::RwLock"];

pub fn check(crates: &[Crate], files: &[File]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = crates.iter().flat_map(manifest).collect();
    findings.extend(files.iter().filter(|file| file.path == "Cargo.toml").flat_map(root));
    let cores = crates.iter().filter(|subject| CORES.contains(&subject.room.as_str()));
    findings.extend(cores.flat_map(|core| prohibitions(core, files)));
    findings
}

fn manifest(subject: &Crate) -> Vec<Finding> {
    let file = &subject.manifest;
    let Ok(table) = file.text.parse::<Table>() else {
        return vec![Finding::new(&file.path, 1, "not TOML", "put it right")];
    };
    let mut findings = Vec::new();
    let inherits = |value: Option<&Value>| value.is_some_and(|value| flag(value, "workspace"));
    if !inherits(table.get("lints")) {
        let line = file.line_of("[lints]");
        findings.push(Finding::new(
            &file.path,
            line,
            "the workspace's lints are off",
            "add: [lints] workspace = true",
        ));
    }
    if subject.licence.as_deref() != Some(LICENCE) {
        let what = format!("the licence is not {LICENCE}");
        findings.push(Finding::new(
            &file.path,
            file.line_of("license"),
            what,
            "say: license.workspace = true",
        ));
    }
    for used in subject.uses.iter().filter(|used| used.git) {
        let what = format!("`{}` comes from a git repository", used.package);
        findings.push(Finding::new(&file.path, file.line_of(&used.package), what, "use a published version"));
    }
    for name in dependencies(&table).filter(|(_, value)| !flag(value, "workspace")).map(|(name, _)| name) {
        let what = format!("`{name}` has a version of its own");
        let fix = "pin it in the root's [workspace.dependencies] and say: workspace = true";
        findings.push(Finding::new(&file.path, file.line_of(name), what, fix));
    }
    findings
}

/// Every dependency that a manifest names, those of single platforms included.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let owners = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    let tables = owners.flat_map(|owner| DEPENDENCY_TABLES.iter().filter_map(|name| owner.get(*name)));
    tables.filter_map(Value::as_table).flatten()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// The root pins every dependency to a version or to a folder of ours.
fn root(file: &File) -> Vec<Finding> {
    let Ok(table) = file.text.parse::<Table>() else {
        return vec![Finding::new(&file.path, 1, "not TOML", "put it right")];
    };
    let pinned = table.get("workspace").and_then(|workspace| workspace.get("dependencies")?.as_table());
    let mut findings = Vec::new();
    for (name, value) in pinned.into_iter().flatten() {
        let version = value.as_str().or_else(|| value.get("version")?.as_str());
        let is_ours =
            value.get("path").and_then(Value::as_str).is_some_and(|path| path.starts_with("crates/"));
        let problem = match version {
            _ if value.get("git").is_some() => "comes from a git repository",
            Some(version) if !version.contains(|c: char| c.is_ascii_digit()) => "takes any version",
            None if !is_ours => "has no version",
            _ => continue,
        };
        let what = format!("`{name}` {problem}");
        findings.push(Finding::new(
            &file.path,
            file.line_of(&format!("{name} ")),
            what,
            "name a published version",
        ));
    }
    findings
}

/// A core's own `clippy.toml` replaces the root's, so it repeats those lines and adds the prohibitions.
fn prohibitions(core: &Crate, files: &[File]) -> Vec<Finding> {
    let path = format!("crates/{}/clippy.toml", core.room);
    let Some(file) = files.iter().find(|file| file.path == path) else {
        let what = format!("the core `{}` has no clippy.toml", core.room);
        return vec![Finding::new(&path, 1, what, "copy the one of another core")];
    };
    let Ok(table) = file.text.parse::<Table>() else {
        return vec![Finding::new(&path, 1, "not TOML", "put it right")];
    };
    let mut findings = Vec::new();
    for (list, wanted) in [("disallowed-methods", DISALLOWED_METHODS), ("disallowed-types", DISALLOWED_TYPES)]
    {
        let listed = table.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let paths: Vec<&str> = listed
            .iter()
            .filter_map(|entry| entry.as_str().or_else(|| entry.get("path")?.as_str()))
            .collect();
        for absent in wanted.iter().filter(|wanted| !paths.contains(wanted)) {
            let what = format!("`{absent}` is not disallowed");
            findings.push(Finding::new(
                &path,
                file.line_of(list),
                what,
                format!("add it to {list} with a reason"),
            ));
        }
    }
    let of_root = files.iter().find(|file| file.path == "clippy.toml").map(|root| root.text.as_str());
    for line in of_root.unwrap_or_default().lines().filter(|line| line.starts_with("allow-")) {
        if !file.text.lines().any(|own| own == line) {
            let what = format!("`{line}` of the root's clippy.toml is lost here");
            findings.push(Finding::new(&path, 1, what, "repeat it: the nearest file replaces the root's"));
        }
    }
    findings
}
