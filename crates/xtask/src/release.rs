//! `cargo xtask release`: the binaries for others, as one tarball with its SHA-256.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::process::{self, cargo, typed};
use crate::setup::{self, Purpose};
use crate::{web, workspace};

#[cfg(test)]
mod tests;

const BINARIES: &[&str] = &["waxwingd", "waxwing"];
/// What goes along with the binaries, from the root.
const PAPERS: &[&str] = &["LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md"];

pub fn release() -> anyhow::Result<()> {
    setup::setup(Purpose::Running)?;
    web::web()?;
    let root = workspace::root();
    let build = ["build", "--release", "--locked", "-p", "waxwing-serverd", "-p", "waxwing-cli"];
    println!("release: cargo {}", build.join(" "));
    process::run(cargo(&root, &build))?;

    let target = workspace::metadata()?.target_directory.into_std_path_buf();
    let binaries: Vec<PathBuf> = BINARIES.iter().map(|name| target.join("release").join(name)).collect();
    let papers: Vec<PathBuf> = PAPERS.iter().map(|name| root.join(name)).collect();
    let name = format!("waxwing-{}-{}", env!("CARGO_PKG_VERSION"), host()?);
    let artifacts = target.join("release-artifacts");
    let tarball = pack(&artifacts, &name, &binaries, &papers, committed_at(&root)?)?;
    println!("release: {}", typed(&tarball).display());
    println!("release: {}.sha256", typed(&tarball).display());
    Ok(())
}

/// Strips the binaries, puts them into a tarball with the papers, and writes its SHA-256 beside it. The same
/// files and the same time give the same bytes.
fn pack(
    artifacts: &Path,
    name: &str,
    binaries: &[PathBuf],
    papers: &[PathBuf],
    time_s: u64,
) -> anyhow::Result<PathBuf> {
    let folder = artifacts.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for file in binaries.iter().chain(papers) {
        let copy = folder.join(file.file_name().context("a file without a name")?);
        fs::copy(file, &copy).with_context(|| format!("cannot copy {}", file.display()))?;
        if binaries.contains(file) {
            process::run(process::command(&folder, "strip", &[&copy.to_string_lossy()]))?;
        }
    }
    let tarball = format!("{name}.tar.gz");
    let time = format!("--mtime=@{time_s}");
    let owner = ["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
    let mut arguments = vec!["--create", "--file", &tarball, "--use-compress-program=gzip -n", "--sort=name"];
    arguments.extend(owner);
    arguments.extend([time.as_str(), name]);
    process::run(process::command(artifacts, "tar", &arguments))?;
    let sum = process::output(process::command(artifacts, "sha256sum", &[&tarball]))?;
    fs::write(artifacts.join(format!("{tarball}.sha256")), sum).context("cannot write the SHA-256")?;
    Ok(artifacts.join(tarball))
}

/// The machine that this compiler builds for, such as `x86_64-unknown-linux-gnu`.
fn host() -> anyhow::Result<String> {
    let about = process::answer("rustc", &["-vV"]).context("rustc does not answer")?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

/// The time of the last commit, in seconds since 1970: the time that every file in the tarball bears.
fn committed_at(root: &Path) -> anyhow::Result<u64> {
    let time = process::output(process::command(root, "git", &["log", "-1", "--format=%ct"]))?;
    time.trim().parse().context("git did not name the time of the last commit")
}
