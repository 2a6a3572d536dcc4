//! Every bound of this crate, by name. The first group is fixed by compatibility.

/// Receiving chains kept in a session: a sender's messages from before its last five ratchet steps
/// can no longer be read.
pub const RECEIVING_CHAINS_MAX: usize = 5;
/// Steps that a receiving chain may be advanced at once.
pub const FORWARD_JUMPS_MAX: u32 = 25_000;
/// Keys kept per receiving chain for messages that were overtaken. The oldest go first.
pub const SKIPPED_KEYS_MAX: usize = 2_000;
/// Sessions kept beside the current one, so that messages under way to them can be read.
pub const ARCHIVED_SESSIONS_MAX: usize = 40;
/// Age in milliseconds (30 days) after which a session that was never answered is not used to send.
pub const UNACKNOWLEDGED_AGE_MAX_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// States kept in a sender key record, newest first.
pub const SENDER_KEY_STATES_MAX: usize = 5;
/// Iterations of SHA-512 in a safety number.
pub const SAFETY_NUMBER_ITERATIONS: u32 = 5_200;
/// Post-quantum epochs kept before the one used to send.
pub const EPOCHS_BEFORE_SENDING: usize = 1;
/// Post-quantum epochs that can exist at once: the one used to send, the ones before, one ahead.
pub const EPOCHS_MAX: usize = EPOCHS_BEFORE_SENDING + 2;

/// Plaintext that can be encrypted at once, in bytes.
pub const PLAINTEXT_MAX_BYTES: usize = 1 << 20;
/// Message that is parsed, in bytes: the largest plaintext plus every header.
pub const MESSAGE_MAX_BYTES: usize = PLAINTEXT_MAX_BYTES + 4_096;
/// Stored record that is decoded, in bytes: 41 sessions with every skipped key.
pub const RECORD_MAX_BYTES: usize = 64 << 20;
/// Content of a file, in bytes: 2 GiB.
pub const ATTACHMENT_MAX_BYTES: u64 = 2 << 30;
