//! From the secrets of epochs to message keys (Double Ratchet, the symmetric part of the Sparse
//! Post-Quantum Ratchet). Two chains an epoch, one for each direction; counters start at 1.

use std::collections::{BTreeMap, VecDeque};

use zeroize::Zeroizing;

use super::{Epoch, EpochSecret};
use crate::{
    Error, kdf,
    keys::Key,
    limits,
    record::{Reader, Writer},
};

/// Which way our own messages go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    FromInitiator,
    ToInitiator,
}

#[derive(Clone)]
pub(super) struct Chain {
    ours: Direction,
    current_epoch: Epoch,
    send_epoch: Epoch,
    next_root: Key,
    /// Of consecutive epochs, the last one the current.
    epochs: VecDeque<EpochChains>,
}

impl Chain {
    pub(super) fn new(key: &Key, ours: Direction) -> Self {
        // The label has two spaces on the wire.
        let block = kdf::hkdf(None, key.as_ref(), &[b"Signal PQ Ratchet V1 Chain  Start"]);
        let (next_root, chains) = split(&block, ours);
        Self { ours, current_epoch: 0, send_epoch: 0, next_root, epochs: VecDeque::from([chains]) }
    }

    /// Starts the chains of the next epoch.
    pub(super) fn add_epoch(&mut self, agreed: &EpochSecret) -> Result<(), Error> {
        let expected = self.current_epoch.checked_add(1);
        if expected != Some(agreed.epoch) || self.epochs.len() >= limits::EPOCHS_MAX {
            return Err(Error::InvalidMessage("post-quantum epoch"));
        }
        let label = b"Signal PQ Ratchet V1 Chain Add Epoch";
        let block = kdf::hkdf(Some(self.next_root.as_ref()), agreed.secret.as_ref(), &[label]);
        let (next_root, chains) = split(&block, self.ours);
        self.current_epoch = agreed.epoch;
        self.next_root = next_root;
        self.epochs.push_back(chains);
        Ok(())
    }

    /// The next key to send with in an epoch, and its counter. Sending in a later epoch ends the
    /// sending chains of the earlier ones.
    pub(super) fn send_key(&mut self, epoch: Epoch) -> Result<(u32, Key), Error> {
        if epoch < self.send_epoch {
            return Err(Error::InvalidMessage("post-quantum epoch"));
        }
        let mut at = self.position(epoch)?;
        self.send_epoch = epoch;
        while at > limits::EPOCHS_BEFORE_SENDING {
            self.epochs.pop_front();
            at -= 1;
        }
        for ended in self.epochs.iter_mut().take(at) {
            ended.sending.key = None;
        }
        let chains = self.epochs.get_mut(at).ok_or(Error::Exhausted)?;
        chains.sending.step()
    }

    /// The key of a message received in an epoch. Each can be had once.
    pub(super) fn receive_key(&mut self, epoch: Epoch, index: u32) -> Result<Key, Error> {
        let at = self.position(epoch)?;
        let chains = self.epochs.get_mut(at).ok_or(Error::Duplicate)?;
        chains.receive_key(index)
    }

    /// Where the chains of an epoch are.
    fn position(&self, epoch: Epoch) -> Result<usize, Error> {
        let back = self.current_epoch.checked_sub(epoch);
        back.and_then(|back| usize::try_from(back).ok())
            .and_then(|back| self.epochs.len().checked_sub(1)?.checked_sub(back))
            .ok_or(Error::InvalidMessage("post-quantum epoch"))
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.u8(match self.ours {
            Direction::FromInitiator => 0,
            Direction::ToInitiator => 1,
        });
        out.varint(self.current_epoch);
        // At most two behind, so it fits a byte for ever.
        out.varint(self.current_epoch - self.send_epoch);
        out.fixed(self.next_root.as_ref());
        out.length(self.epochs.len());
        for chains in &self.epochs {
            chains.encode(out);
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        const INVALID: Error = Error::InvalidRecord("post-quantum chain");
        let ours = match input.u8()? {
            0 => Direction::FromInitiator,
            1 => Direction::ToInitiator,
            _ => return Err(INVALID),
        };
        let current_epoch = input.varint()?;
        let send_epoch = current_epoch.checked_sub(input.varint()?).ok_or(INVALID)?;
        let next_root = input.key()?;
        let count = input.count(limits::EPOCHS_MAX)?;
        let epochs = (0..count).map(|_| EpochChains::decode(input)).collect::<Result<_, _>>()?;
        let chain = Self { ours, current_epoch, send_epoch, next_root, epochs };
        // The epoch that is sent in must be there, and the numbers must leave room to count on.
        chain.position(send_epoch).map_err(|_| INVALID)?;
        if current_epoch == Epoch::MAX { Err(INVALID) } else { Ok(chain) }
    }
}

/// Both directions of an epoch.
#[derive(Clone)]
struct EpochChains {
    sending: Link,
    receiving: Link,
    /// Keys of messages that were overtaken, by counter.
    skipped: BTreeMap<u32, Key>,
}

impl EpochChains {
    fn receive_key(&mut self, index: u32) -> Result<Key, Error> {
        let Some(ahead) = index.checked_sub(self.receiving.counter).filter(|ahead| *ahead != 0) else {
            return self.skipped.remove(&index).ok_or(Error::Duplicate);
        };
        if ahead > limits::FORWARD_JUMPS_MAX {
            return Err(Error::TooFarAhead);
        }
        loop {
            let (counter, key) = self.receiving.step()?;
            if counter == index {
                break Ok(key);
            }
            self.skipped.insert(counter, key);
            if self.skipped.len() > limits::SKIPPED_KEYS_MAX {
                self.skipped.pop_first();
            }
        }
    }

    fn encode(&self, out: &mut Writer) {
        self.sending.encode(out);
        self.receiving.encode(out);
        encode_skipped(&self.skipped, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        let (sending, receiving) = (Link::decode(input)?, Link::decode(input)?);
        Ok(Self { sending, receiving, skipped: decode_skipped(input)? })
    }
}

/// A chain: the counter of the last key it gave, and what the next grows from, unless it ended.
#[derive(Clone)]
struct Link {
    counter: u32,
    key: Option<Key>,
}

impl Link {
    fn step(&mut self) -> Result<(u32, Key), Error> {
        let counter = self.counter.checked_add(1).ok_or(Error::Exhausted)?;
        let key = self.key.as_ref().ok_or(Error::Exhausted)?;
        let label = b"Signal PQ Ratchet V1 Chain Next";
        let block = kdf::hkdf::<64>(None, key.as_ref(), &[&counter.to_be_bytes(), label]);
        self.counter = counter;
        self.key = Some(kdf::part(block.as_ref(), 0));
        Ok((counter, kdf::part(block.as_ref(), 32)))
    }

    fn encode(&self, out: &mut Writer) {
        out.varint(self.counter.into());
        out.u8(self.key.is_some().into());
        if let Some(key) = &self.key {
            out.fixed(key.as_ref());
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        let counter = input.u32()?;
        let key = match input.u8()? {
            0 => None,
            1 => Some(input.key()?),
            _ => return Err(Error::InvalidRecord("post-quantum chain")),
        };
        Ok(Self { counter, key })
    }
}

/// Skipped keys, as counters less the one before and 32 bytes each.
pub(crate) fn encode_skipped(skipped: &BTreeMap<u32, Key>, out: &mut Writer) {
    out.length(skipped.len());
    let mut last = 0;
    for (counter, key) in skipped {
        out.varint((counter - last).into());
        out.fixed(key.as_ref());
        last = *counter;
    }
}

pub(crate) fn decode_skipped(input: &mut Reader<'_>) -> Result<BTreeMap<u32, Key>, Error> {
    let (mut skipped, mut last) = (BTreeMap::new(), 0_u32);
    for _ in 0..input.count(limits::SKIPPED_KEYS_MAX)? {
        last = last.checked_add(input.u32()?).ok_or(Error::InvalidRecord("skipped key"))?;
        skipped.insert(last, input.key()?);
    }
    Ok(skipped)
}

/// A block of 96 bytes: root ‖ chain from the initiator ‖ chain to the initiator.
fn split(block: &Zeroizing<[u8; 96]>, ours: Direction) -> (Key, EpochChains) {
    let link = |at| Link { counter: 0, key: Some(kdf::part(block.as_ref(), at)) };
    let (sending, receiving) = match ours {
        Direction::FromInitiator => (link(32), link(64)),
        Direction::ToInitiator => (link(64), link(32)),
    };
    let chains = EpochChains { sending, receiving, skipped: BTreeMap::new() };
    (kdf::part(block.as_ref(), 0), chains)
}

#[cfg(test)]
mod tests;
