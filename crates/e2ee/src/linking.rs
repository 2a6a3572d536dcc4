//! What the secret of a linking code protects: the new device's offer (a MAC, and its name encrypted), and the
//! grant that answers it. The formats, and who says what to whom, are in `devices.proto` of `wire`.
//!
//! Keys are HKDF-SHA256 of the secret without salt, one for each use. What is sealed stands behind a random
//! nonce: an answer that was lost is given again, and need not say the same.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::Error;
use crate::kdf::{hkdf, hmac};
use crate::sealed;

/// Bytes that sealing adds: nonce and tag.
pub const SEAL_BYTES: usize = sealed::SEAL_BYTES;

const MAC: &[u8] = b"Waxwing link mac";
const NAME: &[u8] = b"Waxwing link name";
const GRANT: &[u8] = b"Waxwing link grant";

/// What is sealed under a secret of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// How the new device calls itself.
    Name,
    /// What the primary tells it.
    Grant,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Name => NAME,
            Self::Grant => GRANT,
        }
    }
}

/// HMAC-SHA256 over an offer, by the code's secret.
#[must_use]
pub fn offer_mac(secret: &[u8], offer: &[u8]) -> [u8; 32] {
    let key = hkdf::<32>(None, secret, &[MAC]);
    *hmac(key.as_ref(), &[offer])
}

/// Whether a MAC is the one of [`offer_mac`]; compared in constant time.
#[must_use]
pub fn verify_offer(secret: &[u8], offer: &[u8], mac: &[u8; 32]) -> bool {
    bool::from(offer_mac(secret, offer).ct_eq(mac))
}

/// Encrypts for whoever holds the secret, AES-256-GCM: nonce ‖ ciphertext ‖ tag.
///
/// # Errors
/// [`Error::TooLarge`] above [`crate::limits::PLAINTEXT_MAX_BYTES`].
pub fn seal(
    secret: &[u8],
    purpose: Purpose,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, Error> {
    if plaintext.len() > crate::limits::PLAINTEXT_MAX_BYTES {
        return Err(Error::TooLarge);
    }
    sealed::seal(secret, purpose.label(), &[], plaintext, rng)
}

/// Decrypts what [`seal`] gave.
///
/// # Errors
/// [`Error::InvalidMessage`] when it was altered, or made with another secret or for another purpose.
pub fn open(secret: &[u8], purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let opened = sealed::open(secret, purpose.label(), &[], sealed);
    opened.map(Zeroizing::new).ok_or(Error::InvalidMessage("sealed by a linking code"))
}

#[cfg(test)]
mod tests;
