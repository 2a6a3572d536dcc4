//! Where the workspace lies and who lives in it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand};

/// Packages without which the house is not whole. A check that finds one missing fails: a step that quietly
/// has nothing to do looks like a step that passed.
pub const EXPECTED: &[&str] = &[
    "waxwing-wire",
    "waxwing-e2ee",
    "waxwing-client",
    "waxwing-server",
    "waxwing-app",
    "waxwing-cli",
    "waxwing-serverd",
    "waxwing-sim",
    "waxwing-bench",
    "waxwing-web",
    "xtask",
];

/// The root of the workspace: the one this tool was built from.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).expect("crates/xtask lies two levels below the root").to_path_buf()
}

/// What cargo knows of the workspace and of everything it depends on.
pub fn metadata() -> anyhow::Result<Metadata> {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().context("cargo metadata failed")
}

/// Where cargo builds.
pub fn target() -> anyhow::Result<PathBuf> {
    let mut command = MetadataCommand::new();
    let metadata = command.manifest_path(root().join("Cargo.toml")).no_deps().exec();
    Ok(metadata.context("cargo metadata failed")?.target_directory.into_std_path_buf())
}
