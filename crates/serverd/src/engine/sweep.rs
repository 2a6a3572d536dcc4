//! Looking through the store for what has waited too long or was left over.

use std::time::{Duration, Instant};

use waxwing_server::{Command, Key, Store, Sweep};

use super::{Engine, Failed};
use crate::limits::{SWEEP_PAGE, SWEEP_PAUSE};

/// Where the search stands: kind by kind, page by page.
pub struct Sweeper {
    interval: Duration,
    next: Instant,
    /// Which of [`Sweep::ALL`].
    kind: usize,
    after: Option<Key>,
    /// Rows of this kind so far.
    seen: u64,
}

impl Sweeper {
    /// Begins after one interval.
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, next: now + interval, kind: 0, after: None, seen: 0 }
    }

    /// Whatever it is at, it goes on now; at the beginning, it begins.
    pub fn begin_now(&mut self, now: Instant) {
        self.next = now;
    }

    /// Until the next page.
    pub fn pause(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }
}

impl Engine {
    /// A page of commands, when it is time to.
    pub(super) fn sweep(&mut self, now: Instant) -> Result<Vec<Command>, Failed> {
        let sweeper = &mut self.sweeper;
        if now < sweeper.next {
            return Ok(Vec::new());
        }
        let Some(kind) = Sweep::ALL.get(sweeper.kind).copied() else { return Ok(Vec::new()) };
        let page = self.store.sweep(kind, sweeper.after.as_ref(), SWEEP_PAGE);
        let page = page.map_err(|error| Failed(error.to_string()))?;
        self.stats.swept.add(page.len() as u64);
        sweeper.seen += page.len() as u64;
        sweeper.after = page.last().filter(|_| page.len() == SWEEP_PAGE).cloned();
        let mut pause = SWEEP_PAUSE;
        if sweeper.after.is_none() {
            match kind {
                Sweep::Mailboxes => self.stats.mailboxes.set(sweeper.seen),
                Sweep::Blobs => self.stats.blobs.set(sweeper.seen),
                Sweep::Linkings => self.stats.links_open.set(sweeper.seen),
                Sweep::Awaiting => self.stats.files_awaited.set(sweeper.seen),
                Sweep::Files => {
                    self.stats.files.set(sweeper.seen);
                    self.stats.file_bytes.set(self.file_bytes);
                    self.file_bytes = 0;
                }
            }
            sweeper.seen = 0;
            sweeper.kind = (sweeper.kind + 1) % Sweep::ALL.len();
            if sweeper.kind == 0 {
                pause = sweeper.interval;
            }
        }
        sweeper.next = now + pause;
        Ok(page.iter().filter_map(Command::sweep).collect())
    }
}
