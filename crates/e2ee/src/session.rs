//! Two-party sessions.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Address, Error, IdentityKeyPair, PreKeyBundle, PreKeys, PublicKey};

/// Who we are in a conversation.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    /// Our identity.
    pub identity: &'a IdentityKeyPair,
    /// Our registration id.
    pub registration_id: u32,
    /// Our own address, when messages shall be bound to addresses.
    pub address: Option<Address>,
    /// The address of the device at the other end, likewise.
    pub remote_address: Option<Address>,
}

/// What was agreed with one other device: the current session and the archived ones.
#[derive(Clone)]
pub struct Session {}

impl Session {
    /// The record to store. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Vec::new())
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when it is something else.
    pub fn decode(_record: &[u8]) -> Result<Self, Error> {
        Err(Error::NoSession)
    }

    /// Whether [`encrypt`] would work now.
    pub fn has_usable_sender_chain(&self, _now_ms: u64) -> bool {
        false
    }

    /// Retires the current session; messages under way to it can still be read.
    pub fn archive_current(&mut self) {}

    /// The registration id of the device at the other end, as it said when the current session
    /// started. None without a current session.
    pub fn remote_registration_id(&self) -> Option<u32> {
        None
    }

    /// The identity key of the device at the other end.
    pub fn remote_identity(&self) -> PublicKey {
        PublicKey::from_bytes([0; 32])
    }
}

/// A message to send, as its kind and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ciphertext {
    /// Starts a session at the other end; repeated until its first answer.
    PreKey(Vec<u8>),
    /// Within a session that both ends have.
    Whisper(Vec<u8>),
}

/// Starts a session.
///
/// # Errors
/// See [`Error`].
pub fn initiate(
    _existing: Option<Session>,
    _local: &Local<'_>,
    _bundle: &PreKeyBundle,
    _now_ms: u64,
    _rng: &mut dyn CryptoRng,
) -> Result<Session, Error> {
    Err(Error::NoSession)
}

/// Encrypts.
///
/// # Errors
/// See [`Error`].
pub fn encrypt(
    _session: &mut Session,
    _local: &Local<'_>,
    _plaintext: &[u8],
    _now_ms: u64,
    _rng: &mut dyn CryptoRng,
) -> Result<Ciphertext, Error> {
    Err(Error::NoSession)
}

/// Decrypts a [`Ciphertext::Whisper`].
///
/// # Errors
/// See [`Error`].
pub fn decrypt_whisper(
    _session: &mut Session,
    _local: &Local<'_>,
    _message: &[u8],
    _rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    Err(Error::NoSession)
}

/// Which of our prekeys a prekey message used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedPreKeys {
    /// Whether the message made a new session; else the ids are those it repeats.
    pub new_session: bool,
    /// The one-time prekey: delete it.
    pub one_time: Option<u32>,
    /// The signed prekey.
    pub signed: u32,
    /// The Kyber prekey: delete it unless it is the last resort.
    pub kyber: u32,
}

/// Decrypts a [`Ciphertext::PreKey`].
///
/// # Errors
/// See [`Error`].
pub fn decrypt_prekey(
    _existing: Option<Session>,
    _local: &Local<'_>,
    _keys: &dyn PreKeys,
    _message: &[u8],
    _now_ms: u64,
    _rng: &mut dyn CryptoRng,
) -> Result<(Session, Zeroizing<Vec<u8>>, UsedPreKeys), Error> {
    Err(Error::NoSession)
}

/// What a prekey message says before anything is decrypted. Unauthenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreKeyHeader {
    /// The sender's registration id.
    pub registration_id: u32,
    /// The sender's identity key: check that it is trusted.
    pub identity: PublicKey,
    /// Our one-time prekey that it used.
    pub one_time: Option<u32>,
    /// Our signed prekey that it used.
    pub signed: u32,
    /// Our Kyber prekey that it used.
    pub kyber: u32,
    /// The sender's base key, which names the session.
    pub base_key: PublicKey,
}

/// Reads the header of a prekey message.
///
/// # Errors
/// [`Error::InvalidMessage`] and the like when it is not one.
pub fn peek_prekey(_message: &[u8]) -> Result<PreKeyHeader, Error> {
    Err(Error::NoSession)
}
