//! Bounds of what a measurement may take.

use std::time::Duration;

/// Devices and connections of one run.
pub const MAX_DEVICES: usize = 100_000;
/// Messages that one sender keeps in flight.
pub const MAX_WINDOW: usize = 256;
/// One measurement.
pub const MAX_SECONDS: f64 = 600.0;
/// Messages of one offline run.
pub const MAX_MESSAGES: usize = 5_000_000;
/// Contacts of the client that is measured.
pub const MAX_CONTACTS: usize = 5_000;
/// Messages of one run over groups: the server bounds what a device sends to groups in a minute.
pub const MAX_GROUP_MESSAGES: usize = 200;
/// Messages that a sender of pairwise messages keeps in flight: what fits a frame.
pub const SENDS_IN_FLIGHT: usize = 32;
/// Until the server has done all that a message leads to.
pub const SETTLE: Duration = Duration::from_millis(300);
/// How long somebody is watched while nothing else goes on.
pub const QUIET: Duration = Duration::from_secs(1);
/// Pause of somebody who writes now and then.
pub const PAUSE: Duration = Duration::from_millis(2);
/// Handshakes under way while devices register or connect.
pub const CONNECTING_AT_ONCE: usize = 64;
/// Devices that share one loopback address: the server counts registrations by address.
pub const DEVICES_PER_ADDRESS: usize = 40;
/// Without any news for so long a run has failed.
pub const STALL: Duration = Duration::from_secs(20);
/// Until a server that was started must be ready.
pub const START: Duration = Duration::from_secs(30);
/// Until a server that was asked to stop must have stopped.
pub const STOP: Duration = Duration::from_secs(25);
/// What is read from a socket at once, bytes.
pub const READ_BYTES: usize = 64 * 1024;
/// Latencies are recorded up to this, microseconds.
pub const MAX_LATENCY_US: u64 = 60_000_000;
/// The longest transfer of a file.
pub const MAX_TRANSFER: Duration = Duration::from_secs(2 * 3_600);
