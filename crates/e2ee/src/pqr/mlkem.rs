//! ML-KEM-768 (FIPS 203) in two halves, as the braid sends it.
//!
//! Only seeds are ever stored. Keys and the state between the halves are grown from them again when
//! needed (some 20 µs): libcrux's own encoding of that state is 2,080 bytes long, differs between
//! platforms, and would follow a record wherever it goes.

use libcrux_ml_kem::mlkem768::incremental;
use zeroize::Zeroizing;

use crate::{Error, keys::Key};

/// First part of the public key: the seed of the matrix, and a hash of the key.
pub(super) const HEADER_BYTES: usize = 64;
/// Second part of the public key.
pub(super) const KEY_BYTES: usize = 1_152;
pub(super) const CT1_BYTES: usize = 960;
pub(super) const CT2_BYTES: usize = 128;

/// What a key pair grows from.
pub(super) type Seed = Zeroizing<[u8; 64]>;
/// What an encapsulation grows from.
pub(super) type Coins = Key;

pub(super) fn header(seed: &Seed) -> [u8; HEADER_BYTES] {
    *incremental::KeyPairCompressedBytes::from_seed(**seed).pk1()
}

pub(super) fn key(seed: &Seed) -> [u8; KEY_BYTES] {
    *incremental::KeyPairCompressedBytes::from_seed(**seed).pk2()
}

/// Encapsulates to a header: the first part of the ciphertext, and the shared secret.
pub(super) fn encapsulate_1(header: &[u8; HEADER_BYTES], coins: &Coins) -> ([u8; CT1_BYTES], Key) {
    let (ct1, _, shared) = encapsulation(header, coins);
    (ct1, shared)
}

/// Completes an encapsulation: the second part of the ciphertext.
///
/// # Errors
/// [`Error::InvalidMessage`] when the key is not the one of the header.
pub(super) fn encapsulate_2(
    header: &[u8; HEADER_BYTES],
    coins: &Coins,
    key: &[u8; KEY_BYTES],
) -> Result<[u8; CT2_BYTES], Error> {
    incremental::validate_pk_bytes(header, key).map_err(|_| Error::InvalidMessage("post-quantum key"))?;
    let (_, state, _) = encapsulation(header, coins);
    Ok(incremental::encapsulate2(&state, key).value)
}

/// A forged ciphertext gives an unrelated secret, not an error (implicit rejection).
pub(super) fn decapsulate(seed: &Seed, ct1: &[u8; CT1_BYTES], ct2: &[u8; CT2_BYTES]) -> Key {
    let pair = Zeroizing::new(incremental::KeyPairCompressedBytes::from_seed(**seed).to_bytes());
    let (ct1, ct2) = (incremental::Ciphertext1 { value: *ct1 }, incremental::Ciphertext2 { value: *ct2 });
    Zeroizing::new(incremental::decapsulate_compressed_key(&pair, &ct1, &ct2))
}

type State = Zeroizing<[u8; incremental::encaps_state_len()]>;

fn encapsulation(header: &[u8; HEADER_BYTES], coins: &Coins) -> ([u8; CT1_BYTES], State, Key) {
    let mut state = Zeroizing::new([0; incremental::encaps_state_len()]);
    let mut shared = Zeroizing::new([0; 32]);
    let ct1 = incremental::encapsulate1(header, **coins, state.as_mut(), shared.as_mut())
        .expect("it fails only for wrong lengths, and these are fixed");
    (ct1.value, state, shared)
}
