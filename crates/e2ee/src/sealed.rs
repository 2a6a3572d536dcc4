//! Short secrets sealed under a key of their use: AES-256-GCM under HKDF-SHA256 of a secret, without salt and with
//! the use as info; nonce ‖ ciphertext ‖ tag. The nonce is random, so that saying something again is harmless.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use rand_core::CryptoRng;

use crate::Error;
use crate::kdf::hkdf;

/// Bytes in front of the ciphertext.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes that sealing adds: nonce and tag.
pub(crate) const SEAL_BYTES: usize = NONCE_BYTES + 16;

/// # Errors
/// [`Error::TooLarge`] above what the cipher takes, 64 GiB.
pub(crate) fn seal(
    secret: &[u8],
    purpose: &[u8],
    associated: &[u8],
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let payload = Payload { msg: plaintext, aad: associated };
    let sealed = cipher(secret, purpose).encrypt(&nonce.into(), payload).map_err(|_| Error::TooLarge)?;
    Ok([&nonce[..], &sealed].concat())
}

/// `None`: it was altered, or sealed under another secret, for another use or with something else.
pub(crate) fn open(secret: &[u8], purpose: &[u8], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg: sealed, aad: associated };
    cipher(secret, purpose).decrypt(&(*nonce).into(), payload).ok()
}

fn cipher(secret: &[u8], purpose: &[u8]) -> Aes256Gcm {
    let key = hkdf::<32>(None, secret, &[purpose]);
    Aes256Gcm::new(&(*key).into())
}
