//! A terminal that a test can type into and look at.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::{Person, eventually, waxwing};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A shell in a tmux server of its own, which ends with it.
pub struct Tmux {
    socket: String,
}

impl Tmux {
    pub fn start(width: u32, height: u32) -> Self {
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let tmux = Self { socket: format!("waxwing-test-{}-{number}", std::process::id()) };
        let (width, height) = (width.to_string(), height.to_string());
        let shell = "env -i HOME=/nonexistent PATH=/usr/bin:/bin TERM=tmux-256color LC_ALL=C.UTF-8 TZ=UTC \
                     PS1='ready>' sh";
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, shell]);
        tmux.run(&["set-option", "-g", "escape-time", "0"]);
        tmux.run(&["set-option", "-g", "focus-events", "off"]);
        tmux
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-u", "-L", &self.socket])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("tmux is installed (apt-get install tmux)");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8 on the screen")
    }

    /// Keys by tmux's names for them.
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Text as it is.
    pub fn text(&self, text: &str) {
        self.run(&["send-keys", "-l", "--", text]);
    }

    /// A line for the shell, or a message.
    pub fn enter(&self, text: &str) {
        self.text(text);
        self.keys(&["Enter"]);
    }

    /// Everything that programs write to the terminal from now on.
    pub fn records(&self) -> Record {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("record");
        std::fs::write(&file, []).unwrap();
        self.run(&["pipe-pane", "-o", &format!("exec cat >> {}", file.display())]);
        Record { _folder: folder, file }
    }

    pub fn paste(&self, text: &str) {
        self.run(&["set-buffer", "--", text]);
        self.run(&["paste-buffer", "-p"]);
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.run(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// What is seen.
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The same with its colours as escape sequences.
    pub fn colours(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    #[track_caller]
    pub fn waits_for(&self, text: &str) {
        let mut last = String::new();
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(text, || {
                last = self.screen();
                last.contains(text)
            });
        }));
        assert!(seen.is_ok(), "{text:?} is not on the screen:\n{last}");
    }

    /// The line of the screen that holds a text.
    pub fn line(&self, text: &str) -> Option<String> {
        self.screen().lines().find(|line| line.contains(text)).map(str::to_owned)
    }

    pub fn chat(&self, person: &Person, with: &str) {
        let (program, folder) = (waxwing().display(), person.data_dir());
        self.enter(&format!("clear; {program} --data-dir {} --timeout 60 chat {with}", folder.display()));
    }
}

/// What was written to a terminal.
pub struct Record {
    _folder: TempDir,
    file: PathBuf,
}

impl Record {
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file).unwrap()
    }

    /// Each ends with the cursor being shown again.
    pub fn frames(&self) -> usize {
        const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
        self.bytes().windows(SHOW_CURSOR.len()).filter(|part| *part == SHOW_CURSOR).count()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let screen = Command::new("tmux").args(["-u", "-L", &self.socket, "capture-pane", "-p"]).output();
            let screen = screen.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            eprintln!("--- a screen\n{}", screen.unwrap_or_default());
        }
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}
