//! Light events: typing and presence, sealed under keys that their readers have from their sender.
//!
//! Every use has a key of its own, HKDF-SHA256 of the given one without salt. What is sealed stands behind a
//! random nonce and is padded to one size, so that a typing person and one who has stopped look alike. There is
//! no ratchet: whoever has the key reads what is sealed under it, until another is drawn.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::Error;
use crate::kdf::hkdf;
use crate::padding::unpad;
use crate::sealed;

/// Bytes of whatever is sealed: nonce, padded plaintext, tag.
pub const SEALED_BYTES: usize = sealed::SEAL_BYTES + PADDED_BYTES;
/// Bytes that can be sealed, at most.
pub const PLAINTEXT_BYTES: usize = PADDED_BYTES - 1;

const PADDED_BYTES: usize = 32;

const TYPING: &[u8] = b"Waxwing light typing";
const GROUP: &[u8] = b"Waxwing light group";
const ONLINE: &[u8] = b"Waxwing light online";
const SEEN: &[u8] = b"Waxwing light seen";
const TOKEN: &[u8] = b"Waxwing light token";

/// What is sealed under a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To one account.
    Typing,
    /// To a group.
    Group,
    /// Whether a device is in use.
    Online,
    /// When it was last in use.
    Seen,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Typing => TYPING,
            Self::Group => GROUP,
            Self::Online => ONLINE,
            Self::Seen => SEEN,
        }
    }
}

/// Encrypts for whoever holds the key, AES-256-GCM.
///
/// # Errors
/// [`Error::TooLarge`] above [`PLAINTEXT_BYTES`].
pub fn seal(
    key: &[u8; 32],
    purpose: Purpose,
    associated: &[u8],
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, Error> {
    if plaintext.len() > PLAINTEXT_BYTES {
        return Err(Error::TooLarge);
    }
    let mut padded = Zeroizing::new([0; PADDED_BYTES]);
    for (to, from) in padded.iter_mut().zip(plaintext.iter().chain(&[0x80])) {
        *to = *from;
    }
    sealed::seal(key, purpose.label(), associated, padded.as_ref(), rng)
}

/// Decrypts what [`seal`] gave.
///
/// # Errors
/// [`Error::InvalidMessage`] when it was altered, or sealed under another key, for another purpose or about
/// something else.
pub fn open(key: &[u8; 32], purpose: Purpose, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    const FALSE: Error = Error::InvalidMessage("light event");
    if sealed.len() != SEALED_BYTES {
        return Err(FALSE);
    }
    let padded = sealed::open(key, purpose.label(), associated, sealed).ok_or(FALSE)?;
    unpad(&padded).map(<[u8]>::to_vec)
}

/// What the server is shown by those who hold a key for presence.
#[must_use]
pub fn token(key: &[u8; 32]) -> [u8; 16] {
    *hkdf::<16>(None, key, &[TOKEN])
}

#[cfg(test)]
mod tests;
