//! Room on the disk.

use std::path::Path;

use crate::limits::HARD_RESERVE_DIVISOR;

/// How much may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Anything.
    Ample,
    /// Only what lets the stored shrink.
    Low,
    /// Nothing.
    None,
}

/// Watches the file system of the store. fjall does not survive a write that fails for want of space (it
/// stops until it is opened again), so nothing is written to it when space runs short.
pub struct Space {
    reserve_bytes: u64,
    probe: Probe,
}

type Probe = Box<dyn Fn() -> u64 + Send + Sync>;

impl Space {
    /// Watches the file system that holds `directory`.
    #[must_use]
    pub fn of(directory: &Path, reserve_bytes: u64) -> Self {
        let directory = directory.to_owned();
        // A file system that cannot say how much is left is not refused for it.
        let free = move || rustix::fs::statvfs(&directory).map_or(u64::MAX, |fs| fs.f_bavail * fs.f_frsize);
        Self { reserve_bytes, probe: Box::new(free) }
    }

    /// Asks `probe` for the free bytes instead; for tests.
    #[must_use]
    pub fn probed(reserve_bytes: u64, probe: Probe) -> Self {
        Self { reserve_bytes, probe }
    }

    /// Whether `bytes` more may be written.
    #[must_use]
    pub fn room(&self, bytes: u64) -> Room {
        let free = (self.probe)().saturating_sub(bytes);
        if free >= self.reserve_bytes {
            Room::Ample
        } else if free >= self.reserve_bytes / HARD_RESERVE_DIVISOR {
            Room::Low
        } else {
            Room::None
        }
    }
}
