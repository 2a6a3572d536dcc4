//! A `waxwing` in a process of its own, as people run it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process;

/// A profile.
pub struct Person {
    binary: PathBuf,
    data: PathBuf,
}

/// A command that was carried out.
pub struct Done {
    /// What it printed.
    pub said: String,
    /// The most memory that it had, resident, bytes.
    pub peak_bytes: u64,
}

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(3);

impl Person {
    pub fn new(binary: &Path, data: PathBuf) -> Self {
        Self { binary: binary.to_owned(), data }
    }

    /// Where its files are.
    pub fn media(&self) -> PathBuf {
        self.data.join("media")
    }

    /// Runs a command to its end, and looks in between.
    pub fn run(&self, arguments: &[&str], mut look: impl FnMut()) -> anyhow::Result<Done> {
        let mut child = self.spawn(arguments)?;
        let mut peak_bytes = 0;
        let deadline = Instant::now() + crate::limits::MAX_TRANSFER;
        while child.try_wait()?.is_none() {
            // It may be gone by now.
            peak_bytes = process::peak(child.id()).unwrap_or(0).max(peak_bytes);
            look();
            std::thread::sleep(LOOK);
            if Instant::now() > deadline {
                crate::server::stop(&mut child);
            }
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("waxwing {arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(Done { said, peak_bytes })
    }

    fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        Command::new(&self.binary)
            .arg("--data-dir")
            .arg(&self.data)
            .args(["--json", "--timeout", "120"])
            .args(arguments)
            .env_remove("WAXWING_PASSPHRASE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.binary.display()))
    }
}
