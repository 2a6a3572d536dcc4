//! What the secret of a linking code protects: the new device's offer (a MAC, and its name encrypted), and the
//! grant that answers it. The formats, and who says what to whom, are in `devices.proto` of `wire`.
//!
//! Keys are HKDF-SHA256 of the secret without salt, one for each use. The secret serves for one offer and one
//! grant, so that AES-256-GCM under a key of its own may have the zero nonce.

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::Error;
use crate::kdf::{hkdf, hmac};

/// Bytes that sealing adds.
pub const TAG_BYTES: usize = 16;

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

/// Encrypts for whoever holds the secret. At most once for each secret and purpose.
///
/// # Errors
/// [`Error::TooLarge`] above [`crate::limits::PLAINTEXT_MAX_BYTES`].
pub fn seal(secret: &[u8], purpose: Purpose, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    if plaintext.len() > crate::limits::PLAINTEXT_MAX_BYTES {
        return Err(Error::TooLarge);
    }
    cipher(secret, purpose).encrypt(&Nonce::default(), plaintext).map_err(|_| Error::TooLarge)
}

/// Decrypts what [`seal`] gave.
///
/// # Errors
/// [`Error::InvalidMessage`] when it was altered, or made with another secret or for another purpose.
pub fn open(secret: &[u8], purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let opened = cipher(secret, purpose).decrypt(&Nonce::default(), sealed);
    opened.map(Zeroizing::new).map_err(|_| Error::InvalidMessage("sealed by a linking code"))
}

fn cipher(secret: &[u8], purpose: Purpose) -> Aes256Gcm {
    let info = match purpose {
        Purpose::Name => NAME,
        Purpose::Grant => GRANT,
    };
    let key = hkdf::<32>(None, secret, &[info]);
    Aes256Gcm::new(&(*key).into())
}

#[cfg(test)]
mod tests;
