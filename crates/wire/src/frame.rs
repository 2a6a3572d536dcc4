//! Cutting the byte stream into frames: a length of one to three bytes, then that many bytes.
//!
//! The length is a protobuf varint: small frames (acknowledgements, pings) spend one byte on it. A
//! length above [`MAX_FRAME_BYTES`] ends the connection before anything is read or allocated.

use crate::error::Malformed;
use crate::limits::MAX_FRAME_BYTES;

/// Longest length prefix, in bytes.
pub const MAX_LENGTH_BYTES: usize = 3;

/// Where the first frame of a buffer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of length prefix before the frame.
    pub prefix_bytes: usize,
    /// Bytes of the frame itself.
    pub frame_bytes: usize,
}

/// Looks for a whole frame at the start of `buffer`; `None` means that more bytes are needed.
///
/// # Errors
/// [`Malformed`] when the length is above the limit or not in its shortest form.
pub fn cut(buffer: &[u8]) -> Result<Option<Cut>, Malformed> {
    let Some((prefix_bytes, frame_bytes)) = read_length(buffer)? else { return Ok(None) };
    let whole = buffer.len() >= prefix_bytes + frame_bytes;
    Ok(whole.then_some(Cut { prefix_bytes, frame_bytes }))
}

fn read_length(buffer: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut length = 0usize;
    for (index, byte) in buffer.iter().take(MAX_LENGTH_BYTES).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if length > MAX_FRAME_BYTES || (index > 0 && *byte == 0) {
                return Err(Malformed::new("frame length"));
            }
            return Ok(Some((index + 1, length)));
        }
    }
    if buffer.len() >= MAX_LENGTH_BYTES { Err(Malformed::new("frame length")) } else { Ok(None) }
}

/// Appends the length prefix of a frame of `frame_bytes` bytes.
pub(crate) fn put_length(out: &mut Vec<u8>, frame_bytes: usize) {
    debug_assert!(frame_bytes <= MAX_FRAME_BYTES);
    let mut rest = frame_bytes;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
