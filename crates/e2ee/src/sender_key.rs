//! Sender keys, version 3.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::Error;

/// The sender keys of one sending device in one distribution: ours, or another's.
#[derive(Clone)]
pub struct SenderKeyRecord {}

impl SenderKeyRecord {
    /// The record to store. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Vec::new())
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when it is something else.
    pub fn decode(_record: &[u8]) -> Result<Self, Error> {
        Err(Error::NoSenderKey)
    }

    /// The distribution that these keys are for.
    pub fn distribution_id(&self) -> [u8; 16] {
        [0; 16]
    }
}

/// What a sender key message says before anything is decrypted. Unauthenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The distribution that it belongs to.
    pub distribution_id: [u8; 16],
    /// The sender's chain.
    pub chain_id: u32,
    /// The position in that chain.
    pub iteration: u32,
}

/// Makes a fresh sender key of ours.
pub fn create(_distribution_id: [u8; 16], _rng: &mut dyn CryptoRng) -> SenderKeyRecord {
    SenderKeyRecord {}
}

/// The distribution message of our sender key at its present position: send it, encrypted, to
/// every device that shall read what follows.
///
/// # Errors
/// [`Error::NoSenderKey`] when the record is not one that [`create`] made.
pub fn distribution_message(_record: &SenderKeyRecord) -> Result<Vec<u8>, Error> {
    Err(Error::NoSenderKey)
}

/// Takes in a distribution message from another device.
///
/// # Errors
/// [`Error::InvalidMessage`] and the like when it is not one.
pub fn process(
    _existing: Option<SenderKeyRecord>,
    _message: &[u8],
) -> Result<SenderKeyRecord, Error> {
    Err(Error::NoSenderKey)
}

/// Encrypts for everyone who has our sender key.
///
/// # Errors
/// See [`Error`].
pub fn encrypt(
    _record: &mut SenderKeyRecord,
    _plaintext: &[u8],
    _rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, Error> {
    Err(Error::NoSenderKey)
}

/// Decrypts a message of the device whose record this is.
///
/// # Errors
/// See [`Error`].
pub fn decrypt(_record: &mut SenderKeyRecord, _message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    Err(Error::NoSenderKey)
}

/// Reads the header of a sender key message.
///
/// # Errors
/// [`Error::InvalidMessage`] and the like when it is not one.
pub fn peek(_message: &[u8]) -> Result<Header, Error> {
    Err(Error::NoSenderKey)
}
