//! Bounds of what the server holds, each with its unit in its name. Those of the wire are in
//! [`waxwing_wire::limits`].

/// A message waits this long for its device, milliseconds: 30 days.
pub const RETENTION_MS: u64 = 30 * 24 * 3_600_000;
/// Messages per second that a device may send in the long run.
pub const SENDS_PER_SECOND: u32 = 50;
/// Messages that a device may send at once.
pub const SEND_BURST: u32 = 1_000;
/// Entries in one mailbox.
pub const MAILBOX_ENTRIES: u64 = 20_000;
/// Bytes in one mailbox.
pub const MAILBOX_BYTES: u64 = 128 * 1024 * 1024;
/// Accounts that one counted invitation can admit.
pub const MAX_INVITATION_USES: u32 = 1_000;
/// Prekey bundles that a device may fetch at once, and that come back in an hour. Keeps anybody from
/// emptying another's store of one-time prekeys.
pub const BUNDLE_FETCHES_PER_HOUR: u32 = 600;
/// Username look-ups that a device may make at once, and that come back in an hour.
pub const LOOKUPS_PER_HOUR: u32 = 600;
/// Entries that one acknowledgement settles at once; a device that acknowledges more is settled in steps.
pub const TRIM_ENTRIES: usize = 512;
/// Receipts that one step of settling a mailbox may lead to; entries that would need more wait for the next.
pub const MAX_RECEIPTS_PER_SETTLE: usize = 32;
/// Receipts may fill a mailbox to so many times its bounds before they are dropped: they are small, and
/// dropping one costs its sender no more than a tick.
pub const RECEIPT_ROOM_FACTOR: u64 = 2;
/// The largest sequence number that a device can claim to have stored. Leaves room to count on from there.
pub const MAX_CLAIMED_SEQ: u64 = 1 << 62;
/// A sender whose recipient's mailbox is full tries again after so many milliseconds.
pub const MAILBOX_FULL_RETRY_MS: u64 = 600_000;
/// Devices that are not connected whose used-up allowances are remembered.
pub const MAX_RESTING_ALLOWANCES: usize = 10_000;
/// Steps that one command may lead to. A mailbox is settled in longer chains if much is in it; a driver that
/// stops there loses nothing, because the next acknowledgement goes on where this one ended. Every shorter
/// chain, and every round of settling, fits.
pub const MAX_CHAIN: usize = 64;
