//! `cargo xtask up`: a server on this machine, and the lines with which two people start talking.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::process::{self, cargo, typed};
use crate::setup::{self, Purpose};
use crate::{web, workspace};

#[cfg(test)]
mod tests;

/// A store that was killed replays its log before it answers.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// What `waxwingd` prints, once, in front of the address it answers on.
const READY: &str = "listening on ";

pub struct Options {
    pub listen: String,
    pub data_dir: PathBuf,
    pub debug: bool,
}

pub fn up(options: &Options) -> anyhow::Result<()> {
    setup::setup(Purpose::Running)?;
    if let Err(error) = web::web() {
        // Everything else works without it.
        println!("up: going on without the web app: {error:#}");
    }
    let binaries = build(options.debug)?;
    let daemon = binaries.join("waxwingd");
    // From here on a signal is the server's to obey, so that it ends in good order.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    let mut server = start(&daemon, options)?;
    let pid = Pid::from_child(&server);
    thread::spawn(move || {
        for signal in signals.forever() {
            // A hang-up means the terminal has gone: for the server that is a request to end.
            let signal = if signal == SIGINT { Signal::INT } else { Signal::TERM };
            let _ = rustix::process::kill_process(pid, signal);
        }
    });
    if let Err(error) = introduce(&mut server, &daemon, &binaries.join("waxwing"), options) {
        let _ = rustix::process::kill_process(pid, Signal::TERM);
        let _ = server.wait();
        return Err(error);
    }
    let status = server.wait().context("cannot wait for waxwingd")?;
    if !status.success() {
        bail!("waxwingd ended with {status}");
    }
    println!("waxwingd has ended in good order.");
    Ok(())
}

/// Builds the two binaries and says where they are.
fn build(debug: bool) -> anyhow::Result<PathBuf> {
    let mut arguments = vec!["build", "-p", "waxwing-serverd", "-p", "waxwing-cli"];
    if !debug {
        arguments.push("--release");
    }
    println!("up: cargo {}", arguments.join(" "));
    process::run(cargo(&workspace::root(), &arguments))?;
    let target = workspace::metadata()?.target_directory.into_std_path_buf();
    Ok(target.join(if debug { "debug" } else { "release" }))
}

/// The server in a process group of its own: Ctrl-C reaches it once, through us, and not twice.
fn start(daemon: &Path, options: &Options) -> anyhow::Result<Child> {
    let mut command = Command::new(daemon);
    command.arg("serve").arg("--listen").arg(&options.listen).arg("--data-dir").arg(&options.data_dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    command.spawn().with_context(|| format!("cannot start {}", daemon.display()))
}

/// Waits until the server answers, then says how to talk through it.
fn introduce(server: &mut Child, daemon: &Path, client: &Path, options: &Options) -> anyhow::Result<()> {
    let stdout = server.stdout.take().context("waxwingd has no standard output")?;
    let address = await_ready(stdout, READY_TIMEOUT)?;
    let invitation = invite(daemon, &options.data_dir)?;
    println!("{}", welcome(&typed(client), &reachable(&address), &invitation));
    Ok(())
}

/// Passes the server's lines on, for as long as it lives, and returns the address it says it listens on.
fn await_ready(stdout: ChildStdout, timeout: Duration) -> anyhow::Result<String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            if let Some(address) = line.strip_prefix(READY) {
                let _ = sender.try_send(address.trim().to_owned());
            }
        }
    });
    match receiver.recv_timeout(timeout) {
        Ok(address) => Ok(address),
        Err(RecvTimeoutError::Timeout) => bail!("waxwingd did not answer within {} s", timeout.as_secs()),
        Err(RecvTimeoutError::Disconnected) => {
            bail!("waxwingd ended before it answered; its reason is above")
        }
    }
}

/// An invitation that any number of people may use.
fn invite(daemon: &Path, data_dir: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(daemon);
    command.arg("invite").arg("--data-dir").arg(data_dir).arg("--reusable").stdin(Stdio::null());
    let printed = process::output(command)?;
    match printed.trim() {
        "" => bail!("`waxwingd invite` printed no invitation"),
        invitation => Ok(invitation.to_owned()),
    }
}

/// The address as a client on this machine dials it: one may listen everywhere but not connect to everywhere.
fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]", port)) => format!("127.0.0.1:{port}"),
        _ => address.to_owned(),
    }
}

fn welcome(client: &Path, address: &str, invitation: &str) -> String {
    let client = client.display();
    let register = |name: &str| {
        format!("{client} --data-dir ./{name} register {address} --invite {invitation} --username {name}")
    };
    let chat = |name: &str, other: &str| format!("{client} --data-dir ./{name} chat {other}");
    format!(
        "
Open in a browser; anyone who has the link may register:
    http://{address}/#invite={invitation}

Waxwing answers on {address}
Invitation for terminals: {invitation}

In a second terminal, from this directory:
    {}
In a third:
    {}
Then they talk:
    {}
    {}

Ctrl-C ends the server; what it keeps stays where it is.",
        register("alice"),
        register("bob"),
        chat("alice", "bob"),
        chat("bob", "alice"),
    )
}
