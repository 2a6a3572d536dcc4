//! Real servers and real clients, each a process of its own.

// Each test program uses its own part of this.
#![allow(dead_code, missing_docs)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

pub mod golden;
pub mod objects;
pub mod proxy;
pub mod rpc;
pub mod s3;
pub mod tmux;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Patience with a machine that does other things too. No test that succeeds waits so long.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub fn waxwing() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_waxwing"))
}

/// The server's program, built if need be.
pub fn waxwingd() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = waxwing().parent().expect("a binary lies in a folder");
        let target = folder.parent().expect("which lies in the target folder");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut build = Command::new(cargo);
        // The whole workspace: the package alone would be built with other features of its dependencies, and
        // so from the ground up, beside what is there already.
        build.args(["build", "--quiet", "--workspace", "--bins", "--target-dir"]).arg(target);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo starts").success(), "waxwing-serverd must build");
        folder.join("waxwingd")
    })
}

/// A server; killed when dropped.
pub struct Server {
    folder: TempDir,
    child: Option<Child>,
    pub address: String,
    flags: Vec<String>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(Vec::new())
    }

    /// With flags of `waxwingd serve`.
    pub fn start_with(flags: Vec<String>) -> Self {
        let (folder, address) = (TempDir::new().unwrap(), "127.0.0.1:0".to_owned());
        let mut server = Self { folder, child: None, address, flags };
        server.start_again();
        server
    }

    /// On the same port as before.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut child = Command::new(waxwingd())
            .args(["serve", "--listen", &self.address, "--data-dir"])
            .arg(self.data_dir())
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("waxwingd starts");
        let stdout = child.stdout.take().unwrap();
        self.child = Some(child);
        let (sender, ready) = mpsc::channel();
        let copy = self.log();
        std::thread::spawn(move || {
            let mut copy = File::options().append(true).open(copy).unwrap();
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = writeln!(copy, "{line}");
                if let Some(address) = line.strip_prefix("listening on ") {
                    let _ = sender.send(address.trim().to_owned());
                }
            }
        });
        self.address = ready.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("waxwingd did not come up: {}", fs::read_to_string(self.log()).unwrap_or_default())
        });
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn invitation(&self) -> String {
        let output = Command::new(waxwingd())
            .args(["invite", "--reusable", "--data-dir"])
            .arg(self.data_dir())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What `waxwingd` prints as JSON about itself.
    pub fn tells(&self, command: &[&str]) -> Value {
        let mut asked = Command::new(waxwingd());
        let output =
            asked.args(command).args(["--json", "--data-dir"]).arg(self.data_dir()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The data directory and the log together.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", fs::read_to_string(self.log()).unwrap_or_default());
        }
    }
}

/// A profile, and its owner's commands.
pub struct Person {
    folder: TempDir,
    pub name: &'static str,
}

/// What a command printed and how it ended.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
        }
    }
}

impl Done {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "it failed\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// One object a line.
    pub fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    pub fn object(&self) -> Value {
        self.objects().pop().expect("an object")
    }

    /// The error's code.
    #[track_caller]
    pub fn error(&self) -> String {
        let error: Value = serde_json::from_str(self.stderr.trim()).expect(&self.stderr);
        assert!(error["error"]["detail"].as_str().is_some_and(|detail| detail.len() > 10));
        error["error"]["code"].as_str().expect("a code").to_owned()
    }

    /// The texts of the messages.
    pub fn texts(&self) -> Vec<String> {
        self.objects()
            .iter()
            .filter_map(|o| o["message"]["body"]["text"].as_str().map(str::to_owned))
            .collect()
    }

    /// The ticks of the messages.
    pub fn ticks(&self) -> Vec<String> {
        self.objects().iter().filter_map(|o| o["message"]["delivery"].as_str().map(str::to_owned)).collect()
    }
}

/// Alice and Bob, who do not know each other yet.
pub fn two(server: &Server) -> (Person, Person) {
    let invitation = server.invitation();
    let alice = Person::registered("alice", &server.address, &invitation);
    let bob = Person::registered("bob", &server.address, &invitation);
    (alice, bob)
}

/// Alice and Bob, who has her among his contacts.
pub fn acquainted(server: &Server) -> (Person, Person) {
    let (alice, bob) = two(server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    (alice, bob)
}

impl Person {
    pub fn new(name: &'static str) -> Self {
        Self { folder: TempDir::new().unwrap(), name }
    }

    /// With an account.
    pub fn registered(name: &'static str, address: &str, invitation: &str) -> Self {
        let person = Self::new(name);
        person.json(&["register", address, "--invite", invitation, "--username", name]).succeeded();
        person
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(waxwing());
        command.arg("--data-dir").arg(self.data_dir()).args(["--timeout", "60"]).args(arguments);
        command.env_remove("WAXWING_PASSPHRASE").env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().expect("waxwing starts").into()
    }

    pub fn json(&self, arguments: &[&str]) -> Done {
        let mut command = self.command(&["--json"]);
        command.args(arguments).output().expect("waxwing starts").into()
    }

    /// Sends, and insists that the server has taken it.
    #[track_caller]
    pub fn send(&self, to: &str, text: &str) {
        let sent = self.json(&["send", to, text]).succeeded().object();
        assert_ne!(sent["message"]["delivery"], "pending", "{text}");
    }

    pub fn received(&self) -> Vec<String> {
        self.json(&["receive"]).succeeded().texts()
    }

    pub fn history(&self, with: &str) -> Done {
        self.json(&["history", with, "--limit", "1000"]).succeeded()
    }
}

/// Until it holds, or patience ends.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

pub fn holds(file: &Path, needle: impl AsRef<[u8]>) -> bool {
    let needle = needle.as_ref();
    fs::read(file).unwrap().windows(needle.len()).any(|window| window == needle)
}
