//! The sparse post-quantum ratchet, version 1: gives every message of a session a key that also
//! stands on ML-KEM-768, for about 35 bytes a message (Double Ratchet, sections on the Sparse
//! Post-Quantum Ratchet and the Triple Ratchet; "The ML-KEM Braid Protocol").
//!
//! [`braid`] agrees on a new secret per epoch by sending keys and ciphertexts in small pieces;
//! [`erasure`] makes the pieces, so that lost ones do not matter; [`chain`] turns the secrets into
//! message keys.

mod authenticator;
mod braid;
mod chain;
mod erasure;
mod mlkem;
mod packet;

use rand_core::CryptoRng;

use crate::{
    Error,
    keys::Key,
    record::{Reader, Writer},
};
pub(crate) use chain::{decode_skipped, encode_skipped};

use braid::Braid;
use chain::{Chain, Direction};
use packet::Packet;

/// Number of an agreed secret. The first agreed one is 1; 0 is the one that PQXDH gave.
type Epoch = u64;

/// A secret that an epoch of the braid agreed on.
struct EpochSecret {
    epoch: Epoch,
    secret: Key,
}

/// The ratchet of one session.
#[derive(Clone)]
pub(crate) struct PqRatchet {
    braid: Braid,
    chain: Chain,
}

impl PqRatchet {
    /// The ratchet of the side that started the session, from the 32 bytes of PQXDH.
    pub(crate) fn initiator(key: &Key) -> Self {
        Self { braid: Braid::sends_keys(key), chain: Chain::new(key, Direction::FromInitiator) }
    }

    /// The ratchet of the other side.
    pub(crate) fn responder(key: &Key) -> Self {
        Self { braid: Braid::sends_ciphertext(key), chain: Chain::new(key, Direction::ToInitiator) }
    }

    /// The next message of the ratchet, and the key for the message that carries it. On an error
    /// the ratchet is unchanged.
    pub(crate) fn send(&mut self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Key), Error> {
        let mut next = self.clone();
        let (epoch, payload, agreed) = next.braid.send(rng)?;
        if let Some(agreed) = agreed {
            next.chain.add_epoch(&agreed)?;
        }
        // A packet of epoch n is sent while n is being agreed on: its key is of the one before.
        let (index, key) = next.chain.send_key(epoch - 1)?;
        *self = next;
        Ok((Packet { epoch, index, payload }.serialize(), key))
    }

    /// Takes in a message of the ratchet; gives the key of the message that carried it. On an
    /// error the ratchet is unchanged.
    pub(crate) fn receive(&mut self, message: &[u8]) -> Result<Key, Error> {
        let Packet { epoch, index, payload } = Packet::parse(message)?;
        let mut chain = self.chain.clone();
        let (braid, agreed) = self.braid.clone().receive(epoch, payload)?;
        if let Some(agreed) = agreed {
            chain.add_epoch(&agreed)?;
        }
        let key = chain.receive_key(epoch - 1, index)?;
        *self = Self { braid, chain };
        Ok(key)
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        self.chain.encode(out);
        self.braid.encode(out);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { chain: Chain::decode(input)?, braid: Braid::decode(input)? })
    }
}

#[cfg(test)]
mod tests;
