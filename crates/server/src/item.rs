//! Mailbox entries as they are stored: what the wire delivers, with a note that only the server reads.
//!
//! A dedupe key names the attempt of a message, which an envelope does not carry, and has to be found again
//! when the entry goes. An attempt other than the first is therefore noted behind the item, in field 15 of
//! the entry's protobuf message, which clients skip as they skip every field they do not know.

use bytes::Bytes;
use prost::Message;
use waxwing_wire::server_frame::{Envelope, Item, Receipt};

#[derive(Clone, Copy, PartialEq, Message)]
struct Note {
    #[prost(uint32, tag = "15")]
    attempt: u32,
}

pub(crate) fn envelope(envelope: Envelope, attempt: u32) -> Bytes {
    let mut bytes = Item::Envelope(envelope).encode();
    // Protobuf messages concatenate; the default value takes no byte.
    bytes.extend_from_slice(&Note { attempt }.encode_to_vec());
    bytes.into()
}

pub(crate) fn receipt(receipt: Receipt) -> Bytes {
    Item::Receipt(receipt).encode().into()
}

/// The item and, if it is an envelope, the attempt. `None` when the bytes are damaged.
pub(crate) fn read(bytes: &Bytes) -> Option<(Item, u32)> {
    let item = Item::decode(bytes.clone()).ok()?;
    let note = Note::decode(bytes.clone()).ok()?;
    Some((item, note.attempt))
}

#[cfg(test)]
mod tests;
