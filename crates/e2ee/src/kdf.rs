//! The symmetric half: HKDF-SHA256 (RFC 5869), HMAC-SHA256 (RFC 2104), AES-256-CBC with PKCS #7.

use aes::Aes256;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, keys::Key};

/// HKDF-SHA256 to `N` bytes. No salt is the same as 32 zero bytes.
pub(crate) fn hkdf<const N: usize>(salt: Option<&[u8]>, input: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(salt, input)
        .expand_multi_info(info, out.as_mut())
        .expect("at most 96 bytes are asked, 8,160 could be had");
    out
}

/// HMAC-SHA256 over the parts in turn.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Key {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes any key length");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The `N` bytes at `at` of a derived block.
pub(crate) fn part<const N: usize>(block: &[u8], at: usize) -> Zeroizing<[u8; N]> {
    let part = block.get(at..).and_then(|rest| rest.first_chunk::<N>());
    Zeroizing::new(*part.expect("offsets are constants within the block"))
}

/// A step of a symmetric chain (Double Ratchet, section 5.2): the message seed, and the next key.
pub(crate) fn chain_step(chain: &Key) -> (Key, Key) {
    (hmac(chain.as_ref(), &[&[1]]), hmac(chain.as_ref(), &[&[2]]))
}

pub(crate) fn aes_cbc_encrypt(key: &[u8; 32], iv: &[u8; 16], plaintext: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes256>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(plaintext)
}

/// # Errors
/// [`Error::InvalidMessage`] when the length or the padding is wrong. Call it only on
/// authenticated bytes: the difference would tell an attacker the plaintext.
pub(crate) fn aes_cbc_decrypt(
    key: &[u8; 32],
    iv: &[u8; 16],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded_vec::<Pkcs7>(ciphertext)
        .map(Zeroizing::new)
        .map_err(|_| Error::InvalidMessage("cipher padding"))
}

#[cfg(test)]
mod tests;
