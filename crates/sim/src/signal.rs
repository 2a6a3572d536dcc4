//! The outer shape of Signal messages, read by the oracle from the ciphertexts that leave devices. Written
//! here once more rather than taken from `e2ee`: a judge that shares the code of the judged sees little.

use waxwing_wire::EnvelopeKind;

use crate::trace::digest;

const VERSION: u8 = 0x44;
const MAC_BYTES: usize = 8;
const SENDER_KEY_VERSION: u8 = 0x33;
const SIGNATURE_BYTES: usize = 64;

/// Under which key a ciphertext stands, and which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The sender's ratchet key.
    pub ratchet_key: Vec<u8>,
    /// Place in the chain.
    pub counter: u64,
    /// Names the ciphertext.
    pub ciphertext: u32,
}

/// Reads the outline of an envelope's bytes; `None` when they are not what their kind says.
#[must_use]
pub fn outline(kind: EnvelopeKind, bytes: &[u8]) -> Option<Outline> {
    match kind {
        EnvelopeKind::Whisper => whisper(bytes),
        EnvelopeKind::Prekey => {
            let fields = fields(bytes.strip_prefix(&[VERSION])?)?;
            whisper(find(&fields, 4)?)
        }
        EnvelopeKind::SenderKey => sender_key(bytes),
        EnvelopeKind::Plaintext => None,
    }
}

/// A message of a group: the chain is named by distribution and chain id, the place by the iteration.
fn sender_key(bytes: &[u8]) -> Option<Outline> {
    let body = bytes.strip_prefix(&[SENDER_KEY_VERSION])?;
    let body = body.get(..body.len().checked_sub(SIGNATURE_BYTES)?)?;
    let fields = fields(body)?;
    let number = |wanted: u64| {
        fields.iter().find_map(|(number, field)| match field {
            Field::Number(value) if *number == wanted => Some(*value),
            _ => None,
        })
    };
    let mut ratchet_key = find(&fields, 1)?.to_vec();
    ratchet_key.extend_from_slice(&number(2)?.to_be_bytes());
    Some(Outline { ratchet_key, counter: number(3).unwrap_or(0), ciphertext: digest(find(&fields, 4)?) })
}

fn whisper(bytes: &[u8]) -> Option<Outline> {
    let body = bytes.strip_prefix(&[VERSION])?;
    let body = body.get(..body.len().checked_sub(MAC_BYTES)?)?;
    let fields = fields(body)?;
    let counter = fields.iter().find_map(|(number, field)| match field {
        Field::Number(value) if *number == 2 => Some(*value),
        _ => None,
    });
    Some(Outline {
        ratchet_key: find(&fields, 1)?.to_vec(),
        counter: counter?,
        ciphertext: digest(find(&fields, 4)?),
    })
}

/// The bytes in a protobuf message at the end of a path of field numbers.
pub(crate) fn nested<'a>(bytes: &'a [u8], path: &[u64]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, number| find(&fields(bytes)?, *number))
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn find<'a>(fields: &[(u64, Field<'a>)], wanted: u64) -> Option<&'a [u8]> {
    fields.iter().find_map(|(number, field)| match field {
        Field::Bytes(bytes) if *number == wanted => Some(*bytes),
        _ => None,
    })
}

fn fields(mut rest: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut rest)?),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                rest = after;
                Field::Bytes(bytes)
            }
            _ => return None,
        };
        fields.push((tag >> 3, field));
    }
    Some(fields)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
