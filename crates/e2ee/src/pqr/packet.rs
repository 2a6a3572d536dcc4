//! The message of the ratchet: 0x01 ‖ varint epoch ‖ varint index ‖ type ‖ [varint row ‖ 32 bytes].

use super::{Epoch, erasure::Row};
use crate::{Error, protobuf};

const VERSION: u8 = 1;
const MALFORMED: Error = Error::InvalidMessage("post-quantum ratchet");

/// A row of an encoding, with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) index: u16,
    pub(super) row: Row,
}

/// What a message brings the braid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Nothing,
    Header(Piece),
    Key(Piece),
    /// A piece of the key, and word that the first part of the ciphertext is complete.
    KeyAck(Piece),
    Ack,
    Ct1(Piece),
    Ct2(Piece),
}

pub(super) struct Packet {
    /// The epoch being agreed on, at least 1.
    pub(super) epoch: Epoch,
    /// Counts the messages of a direction within an epoch, from 1.
    pub(super) index: u32,
    pub(super) payload: Payload,
}

impl Packet {
    pub(super) fn serialize(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48);
        out.push(VERSION);
        protobuf::put_varint(&mut out, self.epoch);
        protobuf::put_varint(&mut out, self.index.into());
        let (kind, piece) = match &self.payload {
            Payload::Nothing => (0, None),
            Payload::Header(piece) => (1, Some(piece)),
            Payload::Key(piece) => (2, Some(piece)),
            Payload::KeyAck(piece) => (3, Some(piece)),
            Payload::Ack => (4, None),
            Payload::Ct1(piece) => (5, Some(piece)),
            Payload::Ct2(piece) => (6, Some(piece)),
        };
        out.push(kind);
        if let Some(piece) = piece {
            protobuf::put_varint(&mut out, piece.index.into());
            out.extend_from_slice(&piece.row);
        }
        out
    }

    /// Bytes after the packet are ignored, so that later versions can add to it.
    pub(super) fn parse(mut input: &[u8]) -> Result<Self, Error> {
        let input = &mut input;
        if byte(input) != Some(VERSION) {
            return Err(MALFORMED);
        }
        let epoch = protobuf::take_varint(input).filter(|epoch| *epoch != 0).ok_or(MALFORMED)?;
        let index = protobuf::take_varint(input).and_then(|index| u32::try_from(index).ok());
        let payload = match byte(input).ok_or(MALFORMED)? {
            0 => Payload::Nothing,
            1 => Payload::Header(piece(input)?),
            2 => Payload::Key(piece(input)?),
            3 => Payload::KeyAck(piece(input)?),
            4 => Payload::Ack,
            5 => Payload::Ct1(piece(input)?),
            6 => Payload::Ct2(piece(input)?),
            _ => return Err(MALFORMED),
        };
        Ok(Self { epoch, index: index.ok_or(MALFORMED)?, payload })
    }
}

fn byte(input: &mut &[u8]) -> Option<u8> {
    protobuf::take(input, 1)?.first().copied()
}

fn piece(input: &mut &[u8]) -> Result<Piece, Error> {
    let index = protobuf::take_varint(input).and_then(|index| u16::try_from(index).ok());
    let row = protobuf::take(input, size_of::<Row>()).and_then(|row| row.try_into().ok());
    Ok(Piece { index: index.ok_or(MALFORMED)?, row: row.ok_or(MALFORMED)? })
}
