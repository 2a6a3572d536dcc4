//! XEdDSA: Ed25519-shaped signatures with X25519 keys ("The XEdDSA and VXEdDSA Signature Schemes",
//! sections 2 and 4), in the older form that travels on the wire: the signer's Edwards key keeps
//! its sign, and the sign bit is sent in the top bit of the signature's last byte.

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar, edwards::CompressedEdwardsY};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// The prefix of hash_1: 2^256 − 2 in little-endian (section 2.5).
const HASH_1_PREFIX: [u8; 32] = {
    let mut prefix = [0xFF; 32];
    prefix[0] = 0xFE;
    prefix
};
const SIGN_BIT: u8 = 0b1000_0000;
/// Bits that a reduced scalar never has, in its last byte, once the sign bit is cleared.
const EXCESS_BITS: u8 = 0b1110_0000;

/// Signs with a clamped X25519 scalar and 64 fresh random bytes.
pub(crate) fn sign(scalar: &[u8; 32], message: &[u8], noise: &[u8; 64]) -> [u8; 64] {
    let a = Zeroizing::new(Scalar::from_bytes_mod_order(*scalar));
    let public = EdwardsPoint::mul_base(&a).compress();
    let r = Zeroizing::new(hash_to_scalar(&[&HASH_1_PREFIX, scalar, message, noise]));
    let commitment = EdwardsPoint::mul_base(&r).compress();
    let h = hash_to_scalar(&[commitment.as_bytes(), public.as_bytes(), message]);
    let mut s = (*r + h * *a).to_bytes();
    let [.., last] = &mut s;
    let [.., public_last] = public.as_bytes();
    *last |= public_last & SIGN_BIT;
    join(commitment.as_bytes(), &s)
}

/// Verifies against the u-coordinate of the signer's X25519 key.
pub(crate) fn verify(u: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let mut signature = *signature;
    let [.., last] = &mut signature;
    let sign = *last >> 7;
    *last &= !SIGN_BIT;
    match MontgomeryPoint(*u).to_edwards(sign) {
        Some(point) => verify_edwards(&point.compress(), message, &signature),
        None => false,
    }
}

/// Plain Ed25519 verification (RFC 8032, section 5.1.7), cofactorless, with a canonical s.
pub(crate) fn verify_edwards(public: &CompressedEdwardsY, message: &[u8], signature: &[u8; 64]) -> bool {
    let (Some(commitment), Some(s)) = (signature.first_chunk::<32>(), signature.last_chunk::<32>()) else {
        return false;
    };
    if s.last().is_none_or(|last| last & EXCESS_BITS != 0) {
        return false;
    }
    let (Some(point), Some(s)) =
        (public.decompress(), Option::<Scalar>::from(Scalar::from_canonical_bytes(*s)))
    else {
        return false;
    };
    let h = hash_to_scalar(&[commitment, public.as_bytes(), message]);
    let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&h, &-point, &s);
    expected.compress().as_bytes() == commitment
}

fn hash_to_scalar(parts: &[&[u8]]) -> Scalar {
    let mut hash = Sha512::new();
    for part in parts {
        hash.update(part);
    }
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn join(head: &[u8; 32], tail: &[u8; 32]) -> [u8; 64] {
    let mut out = [0; 64];
    for (to, from) in out.iter_mut().zip(head.iter().chain(tail)) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests;
