//! Brings whatever is missing, and says what it does.

use std::path::Path;

use anyhow::{Context, bail};

use crate::process;
use crate::workspace;

#[cfg(test)]
mod tests;

/// The oldest Node that the official Signal library runs on.
const NODE_MAJOR: u64 = 20;

/// What the set-up is for: running the house needs less than testing it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Running,
    Testing,
}

/// Something the house needs from the machine.
struct Need {
    name: &'static str,
    why: &'static str,
    purpose: Purpose,
    /// What was found, or nothing.
    look: fn() -> Option<String>,
    /// Debian's packages for it.
    packages: &'static [&'static str],
    /// For what nothing can be done without it; otherwise, if it cannot be brought, that is said.
    needed: &'static [Purpose],
}

const ALWAYS: &[Purpose] = &[Purpose::Running, Purpose::Testing];
const TESTING: &[Purpose] = &[Purpose::Testing];

const NEEDS: &[Need] = &[
    Need {
        name: "C compiler",
        why: "the client's encrypted SQLite is built from source",
        purpose: Purpose::Running,
        look: c_compiler,
        packages: &["build-essential"],
        needed: ALWAYS,
    },
    Need {
        name: "make",
        why: "it builds the cryptography of the client's SQLite",
        purpose: Purpose::Running,
        look: || process::answer("make", &["--version"]),
        packages: &["make"],
        needed: ALWAYS,
    },
    Need {
        name: "perl",
        why: "it configures that build",
        purpose: Purpose::Running,
        look: || process::answer("perl", &["-e", "print $^V"]),
        packages: &["perl"],
        needed: ALWAYS,
    },
    Need {
        name: "node",
        why: "the web app is built with it, and the official Signal library judges ours",
        purpose: Purpose::Running,
        look: || process::answer("node", &["--version"]),
        packages: &["nodejs"],
        needed: TESTING,
    },
    Need {
        name: "npm",
        why: "it brings what those need",
        purpose: Purpose::Running,
        look: || process::answer("npm", &["--version"]),
        packages: &["npm"],
        needed: TESTING,
    },
    Need {
        name: "python3",
        why: "files are tested with moto, an S3 server",
        purpose: Purpose::Testing,
        look: || process::answer("python3", &["-c", "import ensurepip, sys, venv; print(sys.version)"]),
        packages: &["python3", "python3-venv"],
        needed: TESTING,
    },
    Need {
        name: "tmux",
        why: "the chat screen is tested in it",
        purpose: Purpose::Testing,
        look: || process::answer("tmux", &["-V"]),
        packages: &["tmux"],
        needed: TESTING,
    },
    Need {
        name: "chromium",
        why: "the web app is tested in it",
        purpose: Purpose::Testing,
        look: || process::answer("chromium", &["--version"]),
        packages: &["chromium"],
        needed: TESTING,
    },
    Need {
        name: "ffmpeg",
        why: "films are made smaller by it, and it judges our Opus",
        purpose: Purpose::Testing,
        look: || process::answer("ffmpeg", &["-version"]),
        packages: &["ffmpeg"],
        needed: &[],
    },
];

/// Brings everything that `purpose` needs, or says exactly what is missing and how to get it.
pub fn setup(purpose: Purpose) -> anyhow::Result<()> {
    let root = workspace::root();
    check_rust(&root)?;
    let (optional, missing): (Vec<&Need>, Vec<&Need>) =
        missing(purpose).into_iter().partition(|need| !need.needed.contains(&purpose));
    if !missing.is_empty() {
        install(&missing)?;
    }
    if !optional.is_empty()
        && let Err(error) = install(&optional)
    {
        say("going on without it", &format!("{error:#}"));
    }
    if purpose == Purpose::Testing {
        check_components()?;
        check_node()?;
        bring_packages(&root.join("tests/interop"))?;
        bring_packages(&root.join("crates/web/e2e"))?;
        bring_moto(&root)?;
    }
    Ok(())
}

pub fn say(what: &str, state: &str) {
    println!("setup: {what}: {state}");
}

fn missing(purpose: Purpose) -> Vec<&'static Need> {
    let wanted = NEEDS.iter().filter(|need| purpose == Purpose::Testing || need.purpose == purpose);
    let mut missing = Vec::new();
    for need in wanted {
        match (need.look)() {
            Some(version) => say(need.name, version.lines().next().unwrap_or_default().trim()),
            None => {
                say(need.name, &format!("missing ({})", need.why));
                missing.push(need);
            }
        }
    }
    missing
}

/// Installs with apt where that is possible without asking anyone, otherwise says what to install.
fn install(missing: &[&Need]) -> anyhow::Result<()> {
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
    apt_install(&packages).with_context(|| format!("missing: {}", names.join(", ")))?;
    match missing.iter().find(|need| (need.look)().is_none()) {
        Some(need) => bail!("{} is still missing after apt-get installed {}", need.name, packages.join(" ")),
        None => Ok(()),
    }
}

/// Installs Debian's packages, where that is possible without asking anyone.
pub fn apt_install(packages: &[&str]) -> anyhow::Result<()> {
    let root = workspace::root();
    let has_apt = process::answer("apt-get", &["--version"]).is_some();
    if !has_apt || !rustix::process::geteuid().is_root() {
        bail!(
            "Install and run this again; on Debian and its kin: sudo apt-get install {}",
            packages.join(" ")
        );
    }
    let apt = |arguments: &[&str]| {
        let mut command = process::command(&root, "apt-get", arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        process::run(command)
    };
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    say("apt-get install", &packages.join(" "));
    if apt(&arguments).is_err() {
        // The usual reason is a package list that is absent or stale.
        say("apt-get update", "once, then again");
        apt(&["update"])?;
        apt(&arguments)?;
    }
    Ok(())
}

fn check_rust(root: &Path) -> anyhow::Result<()> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let manifest: toml::Table = manifest.parse().context("Cargo.toml is not TOML")?;
    let wanted = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("rust-version")?.as_str())
        .context("Cargo.toml names no workspace.package.rust-version")?;
    let found =
        process::answer("rustc", &["--version"]).context("rustc is missing: see https://rustup.rs")?;
    if version(&found) < version(wanted) {
        bail!("{} is older than {wanted}; run: rustup update stable", found.trim());
    }
    say("rust", found.trim());
    Ok(())
}

fn check_components() -> anyhow::Result<()> {
    for component in ["fmt", "clippy"] {
        if let Some(found) = process::answer("cargo", &[component, "--version"]) {
            say(component, found.trim());
            continue;
        }
        let package = if component == "fmt" { "rustfmt" } else { component };
        say(component, &format!("missing; rustup component add {package}"));
        process::run(process::command(&workspace::root(), "rustup", &["component", "add", package]))?;
    }
    Ok(())
}

/// Whether Node is there, and new enough.
pub fn check_node() -> anyhow::Result<()> {
    let found = process::answer("node", &["--version"])
        .context("node is missing: see https://nodejs.org/en/download")?;
    if version(&found) < [NODE_MAJOR, 0, 0] {
        bail!("node {} is older than {NODE_MAJOR}: see https://nodejs.org/en/download", found.trim());
    }
    Ok(())
}

/// Brings a folder's packages of npm when the lock file is newer than what is there.
pub fn bring_packages(directory: &Path) -> anyhow::Result<()> {
    let (lock, marker) = (directory.join("package-lock.json"), directory.join(NODE_MARKER));
    let name = process::typed(directory).display().to_string();
    if is_installed(&lock, &marker)? {
        return Ok(());
    }
    say(&name, "npm ci");
    process::run(process::command(
        directory,
        "npm",
        &["ci", "--no-audit", "--no-fund", "--loglevel", "error"],
    ))
}

/// Brings an S3 server, into a Python environment of its own.
fn bring_moto(root: &Path) -> anyhow::Result<()> {
    let (list, home) = (root.join("tests/objects/requirements.txt"), root.join("target/moto"));
    let marker = home.join("installed");
    if is_installed(&list, &marker)? {
        say("target/moto", "installed");
        return Ok(());
    }
    say("target/moto", "pip install");
    let home = home.to_str().context("the path of the workspace is not UTF-8")?;
    let list = list.to_str().context("the path of the workspace is not UTF-8")?;
    process::run(process::command(root, "python3", &["-m", "venv", home]))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check", "-r", list];
    process::run(process::command(root, &format!("{home}/bin/pip"), &pip))?;
    std::fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))
}

/// npm writes it last, so it also tells an installation that was cut short.
const NODE_MARKER: &str = "node_modules/.package-lock.json";

/// Whether a list of packages was installed since it changed: then the marker was written.
fn is_installed(list: &Path, marker: &Path) -> anyhow::Result<bool> {
    let wanted = list.metadata().and_then(|file| file.modified());
    let wanted = wanted.with_context(|| format!("cannot read {}", list.display()))?;
    let installed = marker.metadata().and_then(|file| file.modified());
    Ok(installed.is_ok_and(|installed| installed >= wanted))
}

fn c_compiler() -> Option<String> {
    let named = std::env::var("CC").ok();
    let candidates = named.iter().map(String::as_str).chain(["cc", "gcc", "clang"]);
    candidates.into_iter().find_map(|compiler| process::answer(compiler, &["--version"]))
}

/// The first dotted number in a line such as `rustc 1.95.0 (f2d3ce0bd 2026-03-21)` or `v20.20.2`.
fn version(text: &str) -> [u64; 3] {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let number = text.get(start..).unwrap_or_default();
    let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let mut parts = number.get(..end).unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}
