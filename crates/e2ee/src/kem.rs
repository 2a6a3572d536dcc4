//! Round-3 Kyber-1024, as PQXDH on the wire has it (type byte 0x08; not ML-KEM-1024).

use libcrux_ml_kem::{kyber1024, mlkem1024};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, keys::Key};

const TYPE_KYBER_1024: u8 = 0x08;
const RAW_BYTES: usize = 1_568;
/// Length of a serialised public key in bytes: 0x08 ‖ 1,568 bytes.
pub(crate) const PUBLIC_BYTES: usize = 1 + RAW_BYTES;
/// Length of a serialised ciphertext in bytes: 0x08 ‖ 1,568 bytes.
pub(crate) const CIPHERTEXT_BYTES: usize = 1 + RAW_BYTES;

/// The 64 bytes that a key pair grows from. Kept instead of the 3,168-byte private key.
pub(crate) type Seed = Zeroizing<[u8; 64]>;

/// The serialised public key of a seed, 1,569 bytes.
pub(crate) fn public(seed: &Seed) -> Vec<u8> {
    let (private, public) = kyber1024::generate_key_pair(**seed).into_parts();
    wipe(private);
    let mut out = Vec::with_capacity(PUBLIC_BYTES);
    out.push(TYPE_KYBER_1024);
    out.extend_from_slice(public.as_slice());
    out
}

/// Whether the bytes have the type and length of a public key, and every coefficient is reduced.
pub(crate) fn check_public(bytes: &[u8]) -> Result<(), Error> {
    parse_public(bytes).map(|_| ())
}

/// Encapsulates to a serialised public key: the shared secret, and the ciphertext to send.
pub(crate) fn encapsulate(public: &[u8], rng: &mut dyn CryptoRng) -> Result<(Key, Vec<u8>), Error> {
    let public = parse_public(public)?;
    let mut coins = Zeroizing::new([0; 32]);
    rng.fill_bytes(coins.as_mut());
    let (ciphertext, shared) = kyber1024::encapsulate(&public, *coins);
    let mut out = Vec::with_capacity(CIPHERTEXT_BYTES);
    out.push(TYPE_KYBER_1024);
    out.extend_from_slice(ciphertext.as_slice());
    Ok((Zeroizing::new(shared), out))
}

/// The shared secret of a serialised ciphertext. A forged one gives an unrelated secret, not an
/// error (implicit rejection).
pub(crate) fn decapsulate(seed: &Seed, ciphertext: &[u8]) -> Result<Key, Error> {
    let raw: [u8; RAW_BYTES] = raw(ciphertext, "Kyber ciphertext")?;
    let (private, _) = kyber1024::generate_key_pair(**seed).into_parts();
    let shared = Zeroizing::new(kyber1024::decapsulate(&private, &raw.into()));
    wipe(private);
    Ok(shared)
}

fn parse_public(bytes: &[u8]) -> Result<mlkem1024::MlKem1024PublicKey, Error> {
    let public = mlkem1024::MlKem1024PublicKey::from(raw(bytes, "Kyber public key")?);
    if mlkem1024::validate_public_key(&public) {
        Ok(public)
    } else {
        Err(Error::InvalidKey("Kyber public key"))
    }
}

fn raw(bytes: &[u8], what: &'static str) -> Result<[u8; RAW_BYTES], Error> {
    match bytes.split_first() {
        Some((&TYPE_KYBER_1024, raw)) => raw.try_into().map_err(|_| Error::InvalidKey(what)),
        _ => Err(Error::InvalidKey(what)),
    }
}

/// libcrux does not wipe its private keys.
fn wipe(mut private: mlkem1024::MlKem1024PrivateKey) {
    private[0..].zeroize();
}

#[cfg(test)]
mod tests;
