//! What can go wrong, said once.

use thiserror::Error;

/// Why an operation of this crate refused.
///
/// After any error the state that was passed in is exactly as before. No variant carries content,
/// keys or names, so an error may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The message was decrypted before, or its key was given up by a bound of [`crate::limits`].
    #[error("message was received before")]
    Duplicate,
    /// There is no session (or no current one) to work with. Start one from a bundle.
    #[error("no session")]
    NoSession,
    /// The session was started here over 30 days ago and never answered. Start another.
    #[error("session was never acknowledged and is stale")]
    StaleSession,
    /// The identity key is not the one this session was made with. If the user accepts the new one,
    /// pass no existing session.
    #[error("identity key differs from the session's")]
    UntrustedIdentity,
    /// A signature does not verify under the identity or signing key.
    #[error("signature does not verify")]
    InvalidSignature,
    /// Bytes that should be a key are not one. Says which.
    #[error("invalid key: {0}")]
    InvalidKey(&'static str),
    /// The message is malformed, altered, or made for another session. Says which part.
    #[error("invalid message: {0}")]
    InvalidMessage(&'static str),
    /// The message speaks a protocol version that this crate refuses (older ones lack the
    /// post-quantum parts).
    #[error("unsupported message version {0}")]
    UnsupportedVersion(u8),
    /// The message was bound to other addresses than the ones it came between.
    #[error("message is bound to other addresses")]
    WrongAddress,
    /// The message lies further ahead of the last one received than [`crate::limits`] allows.
    #[error("message is too far ahead")]
    TooFarAhead,
    /// The message names a one-time prekey that is not here (used before, or never ours).
    #[error("unknown one-time prekey {0}")]
    UnknownOneTimePreKey(u32),
    /// The message names a signed prekey that is not here (rotated out, or never ours).
    #[error("unknown signed prekey {0}")]
    UnknownSignedPreKey(u32),
    /// The message names a Kyber prekey that is not here (used, rotated out, or never ours).
    #[error("unknown Kyber prekey {0}")]
    UnknownKyberPreKey(u32),
    /// No sender key for the chain that the message names: ask its sender to distribute it again.
    #[error("no sender key for this chain")]
    NoSenderKey,
    /// The chain has reached its last counter. Start another session or sender key.
    #[error("chain is exhausted")]
    Exhausted,
    /// The input is longer than [`crate::limits`] allows.
    #[error("input is too large")]
    TooLarge,
    /// A stored record does not decode. Says which part.
    #[error("invalid record: {0}")]
    InvalidRecord(&'static str),
}
