//! Mailbox entries as they are stored: what the wire delivers, with a note that only the server reads; or a
//! reference to a blob.
//!
//! A dedupe key names the attempt of a message, which an envelope does not carry, and has to be found again
//! when the entry goes. An attempt other than the first is therefore noted behind the item, in field 15 of
//! the entry's protobuf message, which clients skip as they skip every field they do not know.
//!
//! The ciphertext of a message to a group is stored once. What its mailboxes hold stands in field 14 of the same
//! message and never leaves the server: [`crate::resolve`] puts the item in its place.

use bytes::Bytes;
use prost::Message;
use waxwing_wire::server_frame::{Envelope, GroupEnvelope, Item, Receipt};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, GroupId, MessageId};

use crate::row::BlobId;

#[derive(Clone, Copy, PartialEq, Message)]
struct Note {
    #[prost(uint32, tag = "15")]
    attempt: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Referring {
    #[prost(message, optional, tag = "14")]
    reference: Option<Referred>,
    #[prost(uint32, tag = "15")]
    attempt: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Referred {
    #[prost(bytes = "bytes", tag = "1")]
    group: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    from: Bytes,
    #[prost(uint32, tag = "3")]
    device: u32,
    #[prost(fixed64, tag = "4")]
    id: u64,
    #[prost(uint64, tag = "5")]
    accepted_at_ms: u64,
    #[prost(bool, tag = "6")]
    silent: bool,
    #[prost(uint64, tag = "7")]
    epoch: u64,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stored {
    /// An envelope of its own, and which attempt it is.
    Envelope(Envelope, u32),
    /// A receipt.
    Receipt(Receipt),
    /// A message to a group.
    Reference(Reference),
}

/// A message to a group, in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Where its ciphertext is.
    pub blob: BlobId,
    /// When the server took it, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// It earns no receipt.
    pub silent: bool,
    /// The group's epoch that it belongs to.
    pub epoch: u64,
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

/// `None` when the bytes are damaged.
pub(crate) fn read(bytes: &Bytes) -> Option<Stored> {
    if let Some(reference) = Reference::read(bytes) {
        return Some(Stored::Reference(reference));
    }
    match Item::decode(bytes.clone()).ok()? {
        Item::Envelope(envelope) => {
            Some(Stored::Envelope(envelope, Note::decode(bytes.clone()).ok()?.attempt))
        }
        Item::Receipt(receipt) => Some(Stored::Receipt(receipt)),
    }
}

impl Stored {
    /// When the server took it, milliseconds since 1970.
    pub(crate) fn since_ms(&self) -> u64 {
        match self {
            Self::Envelope(envelope, _) => envelope.accepted_at_ms,
            Self::Receipt(receipt) => receipt.at_ms,
            Self::Reference(reference) => reference.accepted_at_ms,
        }
    }
}

impl Reference {
    pub(crate) fn encode(&self) -> Bytes {
        let BlobId { group, from, id, attempt } = self.blob;
        let reference = Referred {
            group: Bytes::copy_from_slice(&group.0),
            from: Bytes::copy_from_slice(&from.account.0),
            device: from.device.number().into(),
            id: id.0,
            accepted_at_ms: self.accepted_at_ms,
            silent: self.silent,
            epoch: self.epoch,
        };
        Referring { reference: Some(reference), attempt }.encode_to_vec().into()
    }

    /// `None` when it is something else.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        // Whatever a client chose stands inside fields 2 and 3, which come first in everything else.
        if bytes.first() != Some(&(14 << 3 | 2)) {
            return None;
        }
        let Referring { reference, attempt } = Referring::decode(bytes.clone()).ok()?;
        let reference = reference?;
        let account = AccountId(reference.from.as_ref().try_into().ok()?);
        let device = DeviceId::new(u8::try_from(reference.device).ok()?)?;
        let blob = BlobId {
            group: GroupId(reference.group.as_ref().try_into().ok()?),
            from: DeviceAddress { account, device },
            id: MessageId(reference.id),
            attempt,
        };
        let Referred { accepted_at_ms, silent, epoch, .. } = reference;
        Some(Self { blob, accepted_at_ms, silent, epoch })
    }

    /// What a device gets when the blob is gone: it asks the sender.
    pub(crate) fn without_ciphertext(&self) -> Bytes {
        let BlobId { group, from, id, attempt: _ } = self.blob;
        let envelope = Envelope {
            from,
            id,
            kind: EnvelopeKind::SenderKey,
            ciphertext: Bytes::new(),
            accepted_at_ms: self.accepted_at_ms,
            silent: self.silent,
            group: Some(GroupEnvelope { group, epoch: self.epoch, change: None }),
        };
        Item::Envelope(envelope).encode().into()
    }
}

#[cfg(test)]
mod tests;
