//! What compiles to wasm: rustup's target, or where there is no rustup, Debian's compiler and the source of its
//! library. And `wasm-bindgen`, which has to be exactly as old as the library that it writes for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::{TARGET, text};
use crate::process;
use crate::setup::{self, say};

/// Debian's compiler that is new enough, the source of its library, and a linker.
const DEBIAN: &[&str] = &["rustc-web", "rust-web-src", "lld-19"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";

/// With which compiler.
pub enum Compiler {
    /// The one that builds everything, which has a library for wasm.
    Own,
    /// Debian's, which builds the library too.
    Debian,
}

impl Compiler {
    /// Has a `cargo build` use it.
    pub fn apply(&self, build: &mut Command) {
        if matches!(self, Self::Debian) {
            build.args(["-Z", "build-std=std,panic_abort"]);
            build.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
        }
    }
}

/// Finds what compiles to wasm here, and brings it if it is missing.
pub fn compiler(root: &Path) -> anyhow::Result<Compiler> {
    if has_target() {
        return Ok(Compiler::Own);
    }
    if process::answer("rustup", &["--version"]).is_some() {
        say(TARGET, &format!("missing; rustup target add {TARGET}"));
        if process::run(process::command(root, "rustup", &["target", "add", TARGET])).is_ok() && has_target()
        {
            return Ok(Compiler::Own);
        }
    }
    if !has_debian() {
        say(TARGET, "missing, and rustup does not bring it; Debian's compiler does");
        setup::apt_install(DEBIAN)?;
    }
    if !has_debian() {
        bail!("nothing here compiles to {TARGET}: install rustup (https://rustup.rs), then run this again");
    }
    Ok(Compiler::Debian)
}

/// SQLite is C, and the C compiler of a machine compiles for that machine alone; clang for wasm too.
pub fn c_compiler() -> anyhow::Result<()> {
    if process::answer("clang", &["--version"]).is_none() {
        say("clang", "missing");
        setup::apt_install(&["clang"])?;
    }
    Ok(())
}

fn has_target() -> bool {
    let folder = process::answer("rustc", &["--print", "target-libdir", "--target", TARGET]);
    folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

fn has_debian() -> bool {
    [DEBIAN_RUSTC, DEBIAN_LIBRARY, DEBIAN_LINKER].iter().all(|path| Path::new(path).exists())
}

/// The `wasm-bindgen` for the library in the lock file; installed into the target directory, not for everybody.
pub fn bindgen(root: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let version = locked(&lock, "wasm-bindgen").context("Cargo.lock has no wasm-bindgen")?;
    let home = work.join("tools");
    let program = home.join("bin/wasm-bindgen");
    let found = process::answer(text(&program)?, &["--version"]);
    if found.is_some_and(|found| found.trim() == format!("wasm-bindgen {version}")) {
        return Ok(program);
    }
    say(
        "wasm-bindgen",
        &format!("cargo install wasm-bindgen-cli {version}, into {}", process::typed(&home).display()),
    );
    // Not `--locked`: that lock file names versions that were taken back.
    let which = ["install", "wasm-bindgen-cli", "--version", &version, "--bin", "wasm-bindgen"];
    let arguments = [&which[..], &["--root", text(&home)?, "--quiet"]].concat();
    process::run(process::cargo(root, &arguments))?;
    Ok(program)
}

/// The version of a package in a lock file.
pub fn locked(lock: &str, name: &str) -> Option<String> {
    let lock: toml::Table = lock.parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let package =
        packages.iter().find(|package| package.get("name").and_then(toml::Value::as_str) == Some(name))?;
    Some(package.get("version")?.as_str()?.to_owned())
}
