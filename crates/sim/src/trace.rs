//! What happened, in order: hashed whole, remembered for the last part, printed on request. Lines hold
//! names and sizes, never what people wrote.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;

use sha2::{Digest, Sha256};

/// Lines kept to explain a violation.
const TAIL_LINES: usize = 120;

/// The events of a run.
pub struct Trace {
    hash: Sha256,
    tail: VecDeque<String>,
    print: bool,
    events: u64,
}

impl Trace {
    /// An empty one; `print` says every line as it comes.
    #[must_use]
    pub fn new(print: bool) -> Self {
        Self { hash: Sha256::new(), tail: VecDeque::new(), print, events: 0 }
    }

    /// One event, at a time in milliseconds since the run began.
    pub fn note(&mut self, at_ms: u64, what: fmt::Arguments<'_>) {
        let line = format!("{:>4}.{:03} {what}", at_ms / 1_000, at_ms % 1_000);
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        self.events += 1;
        if self.print {
            say(&line);
        }
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    /// Names the whole run: the first 16 bytes of SHA-256 over its lines, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        self.hash.clone().finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Events so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }
}

/// Prints a line. Whoever does not want to read on has closed the pipe, and that is all right.
pub fn say(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

/// A short name for bytes, so that the trace depends on all of them and shows none.
#[must_use]
pub fn digest(bytes: &[u8]) -> u32 {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(bytes).into();
    u32::from_be_bytes([a, b, c, d])
}
