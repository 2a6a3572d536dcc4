//! `cargo xtask tidy`: what no compiler checks. Each check is a function from what was read to findings, so that
//! each can be shown a bad input.

mod arrows;
mod code;
mod licences;
mod manifests;
mod sources;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use cargo_metadata::{DependencyKind, Metadata};

use crate::workspace;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    /// What is wrong.
    what: String,
    /// What to do about it.
    fix: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into(), fix: fix.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.what, self.fix)
    }
}

/// A file of ours: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// The first line that starts with `start`, or the first of all: for pointing at a manifest.
    fn line_of(&self, start: &str) -> usize {
        self.text.lines().position(|line| line.trim_start().starts_with(start)).map_or(1, |index| index + 1)
    }
}

/// A crate of the workspace: its room in the architecture, its manifest, and what it uses.
struct Crate {
    room: String,
    manifest: File,
    licence: Option<String>,
    uses: Vec<Use>,
}

/// A dependency as a manifest declares it.
struct Use {
    package: String,
    kind: DependencyKind,
    /// Its dependency is fetched from a git repository.
    git: bool,
}

/// A package that ends up in a build: its name, version and licence expression.
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
}

/// Everything that the checks look at.
struct House {
    crates: Vec<Crate>,
    packages: Vec<Package>,
    /// Every file of text, manifests included.
    files: Vec<File>,
}

/// Runs all checks. Prints each finding on a line of its own; any finding is an error.
pub fn tidy() -> anyhow::Result<()> {
    let house = read(&workspace::root(), &workspace::metadata()?)?;
    let findings = check(&house);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} to put right", findings.len());
    }
    println!(
        "tidy: {} crates, {} files and {} dependencies are in order",
        house.crates.len(),
        house.files.len(),
        house.packages.len()
    );
    Ok(())
}

fn check(house: &House) -> Vec<Finding> {
    let mut findings = arrows::check(&house.crates, workspace::EXPECTED);
    findings.extend(manifests::check(&house.crates, &house.files));
    findings.extend(licences::check(&house.packages, &house.files));
    findings.extend(house.files.iter().flat_map(sources::check));
    findings.sort();
    findings.dedup();
    findings
}

fn read(root: &Path, metadata: &Metadata) -> anyhow::Result<House> {
    let mut crates = Vec::new();
    for package in metadata.workspace_packages() {
        let path = package.manifest_path.strip_prefix(root).unwrap_or(&package.manifest_path).to_string();
        let text =
            fs::read_to_string(&package.manifest_path).with_context(|| format!("cannot read {path}"))?;
        let uses = package.dependencies.iter().map(|dependency| Use {
            package: dependency.name.to_string(),
            kind: dependency.kind,
            git: dependency.source.as_ref().is_some_and(|source| source.repr.starts_with("git+")),
        });
        crates.push(Crate {
            room: room(&package.name),
            manifest: File { path, text },
            licence: package.license.clone(),
            uses: uses.collect(),
        });
    }
    let foreign = metadata.packages.iter().filter(|package| package.source.is_some());
    let packages = foreign.map(|package| Package {
        name: package.name.to_string(),
        version: package.version.to_string(),
        licence: package.license.clone(),
    });
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    Ok(House { crates, packages: packages.collect(), files })
}

/// The architecture's name for a package: `waxwing-wire` is `wire`.
fn room(package: &str) -> String {
    package.strip_prefix("waxwing-").unwrap_or(package).to_owned()
}

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", "dist", "wasm", ".git", "waxwing-data"];
/// Endings of the files that we write by hand.
const ENDINGS: &[&str] = &["rs", "toml", "md", "proto", "mjs", "js", "ts", "sh", "yml", "yaml"];
/// Written by tools.
const SKIPPED_FILES: &[&str] = &["Cargo.lock", "package-lock.json"];

/// Reads the files of ours under `folder`, in the order of their names.
fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
            continue;
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
        let ours = ENDINGS.contains(&ending.as_str()) || path.ends_with(".ci/run");
        if !kind.is_file() || !ours || SKIPPED_FILES.contains(&name.as_str()) {
            continue;
        }
        // A file that went away meanwhile, or that is no text, is not ours to judge.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        files.push(File { path, text });
    }
    Ok(())
}
