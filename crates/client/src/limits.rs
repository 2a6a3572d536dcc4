//! Bounds of what the client holds, each with its unit in its name. Those of the wire are in
//! [`waxwing_wire::limits`], those of sessions in [`waxwing_e2ee`].

/// A device list is good for so long, milliseconds: 60 days.
pub const LIST_LIFE_MS: u64 = 60 * 24 * 3_600_000;
/// Messages that may wait in the outbox.
pub const MAX_OUTBOX: u64 = 10_000;
/// One-time X25519 prekeys kept on the server, and the number below which more are published.
pub const ONE_TIME_PREKEYS: u32 = 100;
/// See [`ONE_TIME_PREKEYS`].
pub const ONE_TIME_PREKEYS_LOW: u32 = 40;
/// One-time Kyber prekeys kept on the server, and the number below which more are published.
pub const KYBER_PREKEYS: u32 = 20;
/// See [`KYBER_PREKEYS`].
pub const KYBER_PREKEYS_LOW: u32 = 8;
/// A signed prekey and the Kyber prekey of last resort are replaced after this time, milliseconds: 7 days.
pub const SIGNED_PREKEY_AGE_MS: u64 = 7 * 24 * 3_600_000;
/// Replaced ones are kept for messages under way, milliseconds: longer than a server keeps a message.
pub const OLD_PREKEY_KEPT_MS: u64 = 45 * 24 * 3_600_000;
/// Times that a device asks for one message again.
pub const MAX_RETRIES: u32 = 5;
/// Times that a device sends one message again because it was asked.
pub const MAX_RESENDS: u32 = 5;
/// Silence after which a ping is sent, milliseconds.
pub const KEEP_ALIVE_MS: u64 = 30_000;
/// Silence after a ping after which the connection counts as dead, milliseconds.
pub const PONG_TIMEOUT_MS: u64 = 10_000;
/// A connection that is not up by then is given up, milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 15_000;
/// First and longest pause before connecting again, milliseconds; doubled in between, with jitter.
pub const RECONNECT_MIN_MS: u64 = 500;
/// See [`RECONNECT_MIN_MS`].
pub const RECONNECT_MAX_MS: u64 = 60_000;
/// Other accounts that are kept, contacts and strangers who wrote.
pub const MAX_PEERS: u32 = 10_000;
/// Receipts and requests that may wait in the outbox beside [`MAX_OUTBOX`] messages.
pub const MAX_OUTBOX_SILENT: u64 = 2_048;
/// Bytes of messages in flight without an answer.
pub const MAX_BYTES_IN_FLIGHT: usize = 1024 * 1024;
/// Times that one message is encrypted anew because the server refused its copies or bundles were bad.
pub const MAX_TRIES: u32 = 8;
/// Pause after a temporary refusal that names none, milliseconds.
pub const HOLD_MS: u64 = 30_000;
/// Longest pause that a server can ask for, milliseconds.
pub const HOLD_MAX_MS: u64 = 600_000;
/// A server that leaves something unanswered for so long counts as dead, milliseconds.
pub const ANSWER_TIMEOUT_MS: u64 = 60_000;
/// Requests without an answer in one connection.
pub const MAX_REQUESTS_IN_FLIGHT: usize = 8;
/// Look-ups that wait for the connection.
pub const MAX_LOOKUPS: usize = 64;
/// Devices of another account that are remembered, former ones included.
pub const MAX_DEVICES_KEPT: usize = 16;
/// Messages marked as read by one command.
pub const MAX_UNREAD_PER_COMMAND: usize = 4_096;
/// Own silent messages that can be sent again when they are asked for.
pub const SILENT_KEPT: u16 = 256;
/// Own messages are sent again when they are asked for up to this age, milliseconds: 30 days.
pub const RESEND_AGE_MS: u64 = 30 * 24 * 3_600_000;
/// Because a device asks, its session is renewed at most once in so many milliseconds.
pub const RENEWAL_PAUSE_MS: u64 = 10_000;
/// A device that still writes in prekey form gets an empty answer at most once in so many milliseconds.
pub const ANSWER_PAUSE_MS: u64 = 10_000;
/// Pauses before a message is asked for again after its resend could not be read either, by the number of
/// times it has been asked for, milliseconds.
pub const RETRY_FAILED_MS: [u64; 6] = [0, 15_000, 120_000, 900_000, 7_200_000, 0];
/// Pauses before a message is asked for again because nothing came, likewise: 1 h, 6 h, 1 d, 3 d, 7 d.
pub const RETRY_SILENCE_MS: [u64; 6] = [0, 3_600_000, 21_600_000, 86_400_000, 259_200_000, 604_800_000];
/// Messages whose asking is planned at once; the others wait for the next connection.
pub const MAX_RETRIES_PLANNED: usize = 2_048;
/// Messages asked for in one step.
pub const MAX_RETRIES_PER_STEP: usize = 128;
/// Entries kept until the server is known to have heard that they could not be read.
pub const MAX_UNDECRYPTABLE_KEPT: usize = 64;
/// One-time prekeys of each kind whose private halves are kept, used up by nobody.
pub const MAX_PREKEYS_KEPT: usize = 1_000;
/// Ids skipped when an older copy of the device publishes anew, so that none names two keys.
pub const PREKEY_IDS_SKIPPED: u32 = 10_000;
/// Attempts skipped, at most, when an older copy of the device sends its outbox.
pub const ATTEMPTS_SKIPPED: u32 = 1 << 20;
