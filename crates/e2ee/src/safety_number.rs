//! Safety numbers: what two people compare to know that nobody sits between them.

use core::fmt::Write;

use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;

use crate::{Error, PublicKey, limits, protobuf};

/// Version of the scannable form.
const SCANNABLE_VERSION: u32 = 2;
const HALF_BYTES: usize = 32;

/// The numeric form: 60 digits, the same on both sides. `local_id` and `remote_id` are the stable
/// ids of the accounts (16 bytes here).
pub fn numeric(local_id: &[u8], local_key: &PublicKey, remote_id: &[u8], remote_key: &PublicKey) -> String {
    let local = digits(&fingerprint(local_id, local_key));
    let remote = digits(&fingerprint(remote_id, remote_key));
    if local < remote { local + &remote } else { remote + &local }
}

/// The form for a QR code: protobuf {1 version, 2 {1 local half}, 3 {1 remote half}}, 74 bytes.
/// Compare what the other side shows with [`compare_scanned`].
pub fn scannable(
    local_id: &[u8],
    local_key: &PublicKey,
    remote_id: &[u8],
    remote_key: &PublicKey,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(74);
    protobuf::put_u32(&mut out, 1, SCANNABLE_VERSION);
    for (number, id, key) in [(2, local_id, local_key), (3, remote_id, remote_key)] {
        let mut half = Vec::with_capacity(HALF_BYTES + 2);
        protobuf::put_bytes(&mut half, 1, head(&fingerprint(id, key)));
        protobuf::put_bytes(&mut out, number, &half);
    }
    out
}

/// Whether the code that the other side shows matches our own [`scannable`] one.
///
/// # Errors
/// [`Error::InvalidMessage`] when either is not such a code, [`Error::UnsupportedVersion`] when
/// the other is of another version.
pub fn compare_scanned(ours: &[u8], theirs: &[u8]) -> Result<bool, Error> {
    let (our_local, our_remote) = parse(ours)?;
    let (their_local, their_remote) = parse(theirs)?;
    Ok(bool::from(our_local.ct_eq(their_remote) & our_remote.ct_eq(their_local)))
}

/// The iterated hash of an id and a key, 64 bytes.
fn fingerprint(id: &[u8], key: &PublicKey) -> [u8; 64] {
    let key = key.serialize();
    // Two zero bytes are the version of the hash itself.
    let first = Sha512::new().chain_update([0, 0]).chain_update(key).chain_update(id);
    let mut hash = first.chain_update(key).finalize();
    for _ in 1..limits::SAFETY_NUMBER_ITERATIONS {
        hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
    }
    hash.into()
}

/// Six groups of five digits from the first 30 bytes.
fn digits(fingerprint: &[u8; 64]) -> String {
    let mut out = String::with_capacity(30);
    for group in fingerprint.chunks_exact(5).take(6) {
        let number = group.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        write!(out, "{:05}", number % 100_000).expect("writing to a String cannot fail");
    }
    out
}

fn head(fingerprint: &[u8; 64]) -> &[u8] {
    fingerprint.first_chunk::<HALF_BYTES>().map_or(&[], |head| head)
}

fn parse(code: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    const MALFORMED: Error = Error::InvalidMessage("scanned code");
    let (mut version, mut local, mut remote) = (0, None, None);
    for field in protobuf::fields(code) {
        match field? {
            (1, value) => version = value.u32()?,
            (2, value) => local = Some(half(value.bytes()?)?),
            (3, value) => remote = Some(half(value.bytes()?)?),
            _ => {}
        }
    }
    if version != SCANNABLE_VERSION {
        return Err(Error::UnsupportedVersion(u8::try_from(version).unwrap_or(u8::MAX)));
    }
    Ok((local.ok_or(MALFORMED)?, remote.ok_or(MALFORMED)?))
}

fn half(message: &[u8]) -> Result<&[u8], Error> {
    for field in protobuf::fields(message) {
        if let (1, protobuf::Value::Bytes(content)) = field?
            && content.len() == HALF_BYTES
        {
            return Ok(content);
        }
    }
    Err(Error::InvalidMessage("scanned code"))
}

#[cfg(test)]
mod tests;
