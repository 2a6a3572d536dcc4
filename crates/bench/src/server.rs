//! The `waxwingd` under measurement.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use waxwing_wire::invitation::Invitation;

use crate::Common;
use crate::limits::{START, STOP};

/// The server's own directory; what it writes to stderr lies beside it.
const DATA: &str = "data";

/// A few devices here send as much as many people do.
const UNLIMITED: &str = "1000000000";

/// A running server and its data, both of which go with this value.
pub struct Server {
    binary: PathBuf,
    scratch: TempDir,
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// A directory for a server's data.
pub fn scratch(common: &Common) -> anyhow::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("waxwing-bench-");
    match &common.scratch {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    }
    .context("a directory for the server's data")
}

/// Waits for a child that was asked to end; ends it if it does not. Only ever the child itself.
pub fn stop(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may be gone already.
        let _ = kill_process(pid, Signal::TERM);
    }
    let deadline = Instant::now() + STOP;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
}

impl Server {
    /// Starts one on an empty data directory.
    pub fn start(common: &Common) -> anyhow::Result<Self> {
        let binary = match &common.server {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("waxwingd"),
        };
        if !binary.exists() {
            bail!("there is no {}: build waxwingd, or name it with --server", binary.display());
        }
        let scratch = scratch(common)?;
        let (child, address) = spawn(&binary, &scratch.path().join(DATA))?;
        Ok(Self { binary, scratch, child, address })
    }

    /// Stops it and starts it again on the same data.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        stop(&mut self.child);
        (self.child, self.address) = spawn(&self.binary, &self.scratch.path().join(DATA))?;
        Ok(())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps files.
    pub fn media(&self) -> PathBuf {
        self.scratch.path().join(DATA).join("media")
    }

    /// An invitation for any number of accounts.
    pub fn invite(&self) -> anyhow::Result<Invitation> {
        let text = self.ask(&["invite", "--reusable"])?;
        text.split_whitespace()
            .find_map(|word| Invitation::parse(word).ok())
            .with_context(|| format!("no invitation in what waxwingd said: {text}"))
    }

    /// One of its counters.
    pub fn counter(&self, name: &str) -> anyhow::Result<u64> {
        self.counters([name]).map(|[count]| count)
    }

    /// Several of its counters, at one moment.
    pub fn counters<const N: usize>(&self, names: [&str; N]) -> anyhow::Result<[u64; N]> {
        let text = self.ask(&["stats", "--json"])?;
        let stats: serde_json::Value = serde_json::from_str(&text).context("stats are not JSON")?;
        let mut counts = [0; N];
        for (count, name) in counts.iter_mut().zip(names) {
            let found = stats.get(name).and_then(serde_json::Value::as_u64);
            *count = found.with_context(|| format!("no {name} in {text}"))?;
        }
        Ok(counts)
    }

    fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .arg("--data-dir")
            .arg(self.scratch.path().join(DATA))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("waxwingd {arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn spawn(binary: &Path, data: &Path) -> anyhow::Result<(Child, SocketAddr)> {
    let log = data.with_file_name("log");
    let mut child = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(["--sends-per-second", UNLIMITED, "--send-burst", UNLIMITED, "--data-dir"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    let lines = lines_of(&mut child);
    let address = lines.and_then(|lines| ready(&lines));
    match address {
        Ok(address) => Ok((child, address)),
        Err(error) => {
            stop(&mut child);
            Err(error.context(std::fs::read_to_string(&log).unwrap_or_default()))
        }
    }
}

/// What a child prints, line by line, so that it never waits for a reader.
fn lines_of(child: &mut Child) -> anyhow::Result<Receiver<String>> {
    let stdout = child.stdout.take().context("stdout is a pipe")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is ready.
            let _ = sender.send(line);
        }
    });
    Ok(receiver)
}

fn ready(lines: &Receiver<String>) -> anyhow::Result<SocketAddr> {
    let deadline = Instant::now() + START;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(rest).context("waxwingd did not say where it listens")?;
        if let Some((_, address)) = line.split_once("listening on ") {
            let address = address.split_whitespace().next().unwrap_or_default();
            return address.parse().with_context(|| format!("waxwingd listens on {address:?}"));
        }
    }
}
