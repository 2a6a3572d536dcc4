//! Plaintext padding, so that the length of a ciphertext tells little about its content.
//!
//! A body is followed by 0x80 and zeros (ISO/IEC 7816-4) up to one byte less than a bucket; the
//! cipher's own padding (PKCS #7) adds that byte, so the ciphertext fills the bucket exactly.
//! Buckets are multiples of 32 bytes, and above 512 bytes those of Padmé ("Reducing Metadata
//! Leakage from Encrypted Files and Communication with PURBs", section 4), which leak
//! O(log log length) bits and cost at most 12%.

use zeroize::Zeroizing;

use crate::Error;

const MARK: u8 = 0x80;
const BUCKET_MIN_BYTES: u64 = 32;

/// Pads a body. A body of 200 bytes grows to 223, and to 224 in the cipher.
pub fn pad(body: &[u8]) -> Zeroizing<Vec<u8>> {
    let bucket = bucket(body.len() as u64 + 2);
    let length = usize::try_from(bucket).expect("a body in memory, and an eighth more") - 1;
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    out.extend_from_slice(body);
    out.push(MARK);
    out.resize(length, 0);
    out
}

/// Takes the padding off.
///
/// # Errors
/// [`Error::InvalidMessage`] when there is no mark before the trailing zeros.
pub fn unpad(padded: &[u8]) -> Result<&[u8], Error> {
    let mark = padded.iter().rposition(|byte| *byte != 0);
    match mark.and_then(|at| padded.split_at_checked(at)) {
        Some((body, [MARK, ..])) => Ok(body),
        _ => Err(Error::InvalidMessage("plaintext padding")),
    }
}

/// The least bucket that holds `length` bytes.
pub(crate) fn bucket(length: u64) -> u64 {
    let exponent = length.max(2).ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let step = (1 << exponent.saturating_sub(kept_bits)).max(BUCKET_MIN_BYTES);
    length.next_multiple_of(step)
}

#[cfg(test)]
mod tests;
