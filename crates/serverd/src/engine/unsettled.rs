//! Acknowledgements that met a full disk. A device says once on a connection what it has stored, so what could
//! not be settled then is settled again here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use waxwing_server::Command;
use waxwing_wire::DeviceAddress;
use waxwing_wire::limits::MAX_UNDECRYPTABLE_PER_STORED;

/// Pause before another attempt.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);

/// An acknowledgement that waits to be settled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// The device has stored its mailbox up to here.
    pub up_to: u64,
    /// Entries that earn no receipt.
    pub undecryptable: Vec<u64>,
}

/// At most one for each device.
#[derive(Debug)]
pub struct AllUnsettled {
    waiting: BTreeMap<DeviceAddress, Unsettled>,
    again: Instant,
}

impl AllUnsettled {
    /// None yet.
    pub fn new(now: Instant) -> Self {
        Self { waiting: BTreeMap::new(), again: now }
    }

    /// Remembers one that found no room.
    pub fn remember(&mut self, mailbox: DeviceAddress, more: Unsettled) {
        let waits = self.waiting.entry(mailbox).or_default();
        waits.up_to = waits.up_to.max(more.up_to);
        for seq in more.undecryptable {
            if waits.undecryptable.len() < MAX_UNDECRYPTABLE_PER_STORED && !waits.undecryptable.contains(&seq)
            {
                waits.undecryptable.push(seq);
            }
        }
    }

    /// The device says more: this goes with it.
    pub fn take(&mut self, mailbox: DeviceAddress) -> Option<Unsettled> {
        self.waiting.remove(&mailbox)
    }

    /// All of them, when it is time for another attempt.
    pub fn due(&mut self, now: Instant) -> Vec<Command> {
        if self.waiting.is_empty() || now < self.again {
            return Vec::new();
        }
        self.again = now + SETTLE_AGAIN;
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        waiting
            .map(|(mailbox, waits)| Command::Stored {
                mailbox,
                up_to: waits.up_to,
                undecryptable: waits.undecryptable,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
