//! The little of protobuf that Signal's messages need: varints and length-delimited bytes.
//!
//! Written here rather than generated because the messages are five small ones whose exact bytes
//! are authenticated, and because a total reader of forty lines is easier to trust.

use crate::Error;

/// The value of a field. Other wire types are skipped over as protobuf asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    Skipped,
}

impl<'a> Value<'a> {
    pub(crate) fn u32(self) -> Result<u32, Error> {
        match self {
            Self::Int(value) => u32::try_from(value).map_err(|_| MALFORMED),
            _ => Err(MALFORMED),
        }
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(MALFORMED),
        }
    }
}

const MALFORMED: Error = Error::InvalidMessage("protobuf");

/// Iterates over the fields in `input`; stops after the first error.
pub(crate) fn fields(input: &[u8]) -> Fields<'_> {
    Fields { input, failed: false }
}

pub(crate) struct Fields<'a> {
    input: &'a [u8],
    failed: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.input.is_empty() {
            return None;
        }
        let field = take_field(&mut self.input);
        self.failed = field.is_none();
        Some(field.ok_or(MALFORMED))
    }
}

fn take_field<'a>(input: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let tag = take_varint(input)?;
    let number = u32::try_from(tag >> 3).ok().filter(|number| *number != 0)?;
    let value = match tag & 7 {
        0 => Value::Int(take_varint(input)?),
        1 => take(input, 8).map(|_| Value::Skipped)?,
        2 => {
            let length = usize::try_from(take_varint(input)?).ok()?;
            Value::Bytes(take(input, length)?)
        }
        5 => take(input, 4).map(|_| Value::Skipped)?,
        _ => return None,
    };
    Some((number, value))
}

/// Takes `count` bytes off the front.
pub(crate) fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = input.split_at_checked(count)?;
    *input = tail;
    Some(head)
}

/// Takes a little-endian base-128 varint of at most ten bytes off the front.
pub(crate) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = input.split_first()?;
        *input = tail;
        let bits = u64::from(byte & 0x7F);
        // The tenth byte has room for one bit only.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_u32(out: &mut Vec<u8>, number: u32, value: u32) {
    put_varint(out, u64::from(number) << 3);
    put_varint(out, u64::from(value));
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
