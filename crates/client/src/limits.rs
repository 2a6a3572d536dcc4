//! Bounds of what the client holds, each with its unit in its name. Those of the wire are in
//! [`waxwing_wire::limits`], those of sessions in [`waxwing_e2ee`].

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
