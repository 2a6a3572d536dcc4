//! Sender keys, version 3: a message to a group is encrypted once, with a chain that its sender
//! gave every member over their sessions (Signal's group sender keys; the symmetric chain of the
//! Double Ratchet, section 2.2, and an XEdDSA signature).
//!
//! One record holds the keys of one sending device in one distribution: ours, or another's.

use std::collections::{BTreeMap, VecDeque};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    Error, KeyPair, PrivateKey, PublicKey, kdf,
    keys::{Key, SIGNATURE_BYTES},
    limits,
    pqr::{decode_skipped, encode_skipped},
    protobuf,
    record::{Reader, Writer},
};

const VERSION: u8 = 0x33;
const RECORD_VERSION: u8 = 1;

/// The sender keys of one sending device in one distribution: the current state and up to four
/// older ones, which late messages may need.
#[derive(Clone)]
pub struct SenderKeyRecord {
    distribution_id: [u8; 16],
    /// Newest first; at most five, at least one.
    states: VecDeque<State>,
}

#[derive(Clone)]
struct State {
    chain_id: u32,
    /// Position of the message that `chain` is for.
    next: u32,
    chain: Key,
    signing: PublicKey,
    /// Only when the chain is ours.
    signing_private: Option<PrivateKey>,
    /// Seeds of messages that were overtaken, by position.
    skipped: BTreeMap<u32, Key>,
}

/// What a sender key message says before anything is decrypted. Unauthenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The distribution that it belongs to.
    pub distribution_id: [u8; 16],
    /// The sender's chain.
    pub chain_id: u32,
    /// The position in that chain, from 0.
    pub iteration: u32,
}

/// Makes a fresh sender key of ours. Do so when the group starts, when a member leaves, and after
/// a restore from a backup.
pub fn create(distribution_id: [u8; 16], rng: &mut dyn CryptoRng) -> SenderKeyRecord {
    let mut chain = Zeroizing::new([0; 32]);
    rng.fill_bytes(chain.as_mut());
    let signing = KeyPair::generate(rng);
    let state = State {
        // 31 bits: other implementations hold it in a signed integer.
        chain_id: rng.next_u32() >> 1,
        next: 0,
        chain,
        signing: signing.public,
        signing_private: Some(signing.private),
        skipped: BTreeMap::new(),
    };
    SenderKeyRecord { distribution_id, states: [state].into() }
}

/// The distribution message of our sender key at its present position: send it, encrypted, to
/// every device that shall read what follows.
///
/// # Errors
/// [`Error::NoSenderKey`] when the record is not one that [`create`] made.
pub fn distribution_message(record: &SenderKeyRecord) -> Result<Vec<u8>, Error> {
    let state = record.states.front().ok_or(Error::NoSenderKey)?;
    if state.signing_private.is_none() {
        return Err(Error::NoSenderKey);
    }
    let mut out = Vec::with_capacity(104);
    out.push(VERSION);
    protobuf::put_bytes(&mut out, 1, &record.distribution_id);
    protobuf::put_u32(&mut out, 2, state.chain_id);
    protobuf::put_u32(&mut out, 3, state.next);
    protobuf::put_bytes(&mut out, 4, state.chain.as_ref());
    protobuf::put_bytes(&mut out, 5, &state.signing.serialize());
    Ok(out)
}

/// Takes in a distribution message from another device. A chain that is known already stays where
/// it is, so that an old message brought again cannot turn it back.
///
/// # Errors
/// [`Error::InvalidMessage`], [`Error::InvalidKey`] or [`Error::UnsupportedVersion`] when it is
/// not one, or is for another distribution than the record.
pub fn process(existing: Option<SenderKeyRecord>, message: &[u8]) -> Result<SenderKeyRecord, Error> {
    let (distribution_id, state) = parse_distribution(message)?;
    let mut record = match existing {
        Some(record) if record.distribution_id != distribution_id => {
            return Err(Error::InvalidMessage("distribution id"));
        }
        Some(record) => record,
        None => SenderKeyRecord { distribution_id, states: VecDeque::new() },
    };
    let known = record.states.iter().position(|known| known.chain_id == state.chain_id);
    let state = match known.and_then(|at| record.states.remove(at)) {
        Some(known) if known.signing == state.signing => known,
        // The same id under another key is another chain, and replaces it.
        _ => state,
    };
    record.states.push_front(state);
    record.states.truncate(limits::SENDER_KEY_STATES_MAX);
    Ok(record)
}

/// Encrypts for everyone who has our sender key. Persist the record before the message leaves.
///
/// # Errors
/// [`Error::NoSenderKey`] when the record is not one that [`create`] made; [`Error::TooLarge`],
/// [`Error::Exhausted`]. The record is then unchanged.
pub fn encrypt(
    record: &mut SenderKeyRecord,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, Error> {
    if plaintext.len() > limits::PLAINTEXT_MAX_BYTES {
        return Err(Error::TooLarge);
    }
    let state = record.states.front_mut().ok_or(Error::NoSenderKey)?;
    let signing = state.signing_private.as_ref().ok_or(Error::NoSenderKey)?;
    let next = state.next.checked_add(1).ok_or(Error::Exhausted)?;
    let (seed, chain) = kdf::chain_step(&state.chain);
    let keys = MessageKeys::derive(&seed);
    let mut out = Vec::with_capacity(plaintext.len() + 120);
    out.push(VERSION);
    protobuf::put_bytes(&mut out, 1, &record.distribution_id);
    protobuf::put_u32(&mut out, 2, state.chain_id);
    protobuf::put_u32(&mut out, 3, state.next);
    protobuf::put_bytes(&mut out, 4, &kdf::aes_cbc_encrypt(&keys.cipher, &keys.iv, plaintext));
    let signature = signing.sign(&out, rng);
    out.extend_from_slice(&signature);
    state.chain = chain;
    state.next = next;
    Ok(out)
}

/// Decrypts a message of the device whose record this is.
///
/// # Errors
/// [`Error::NoSenderKey`] for a chain that was not distributed to us; [`Error::Duplicate`],
/// [`Error::InvalidSignature`], [`Error::TooFarAhead`], [`Error::InvalidMessage`]. The record is
/// then unchanged.
pub fn decrypt(record: &mut SenderKeyRecord, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let parsed = Message::parse(message)?;
    if parsed.header.distribution_id != record.distribution_id {
        return Err(Error::InvalidMessage("distribution id"));
    }
    let state = record
        .states
        .iter_mut()
        .find(|state| state.chain_id == parsed.header.chain_id)
        .ok_or(Error::NoSenderKey)?;
    if !state.signing.verify(parsed.signed, parsed.signature) {
        return Err(Error::InvalidSignature);
    }
    // Only the signer can make the rest fail, but then too nothing may have changed.
    let mut advanced = state.clone();
    let keys = MessageKeys::derive(&advanced.seed(parsed.header.iteration)?);
    let plaintext = kdf::aes_cbc_decrypt(&keys.cipher, &keys.iv, parsed.ciphertext)?;
    *state = advanced;
    Ok(plaintext)
}

/// Reads the header of a sender key message.
///
/// # Errors
/// [`Error::InvalidMessage`] or [`Error::UnsupportedVersion`] when it is not one.
pub fn peek(message: &[u8]) -> Result<Header, Error> {
    Message::parse(message).map(|message| message.header)
}

impl SenderKeyRecord {
    /// The distribution that these keys are for.
    pub fn distribution_id(&self) -> [u8; 16] {
        self.distribution_id
    }

    /// Whether the record is ours to encrypt with.
    pub fn is_own(&self) -> bool {
        self.states.front().is_some_and(|state| state.signing_private.is_some())
    }

    /// The record to store, about 125 bytes a state without gaps. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(RECORD_VERSION);
        out.fixed(&self.distribution_id);
        out.length(self.states.len());
        for state in &self.states {
            state.encode(&mut out);
        }
        out.finish()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when it is something else.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(record)?;
        input.version(RECORD_VERSION)?;
        let distribution_id = *input.fixed()?;
        let count = input.count(limits::SENDER_KEY_STATES_MAX)?;
        let states = (0..count).map(|_| State::decode(&mut input)).collect::<Result<_, _>>()?;
        input.finish()?;
        Ok(Self { distribution_id, states })
    }
}

impl State {
    /// The seed of a message. Each can be had once.
    fn seed(&mut self, iteration: u32) -> Result<Key, Error> {
        let Some(ahead) = iteration.checked_sub(self.next) else {
            return self.skipped.remove(&iteration).ok_or(Error::Duplicate);
        };
        if ahead > limits::FORWARD_JUMPS_MAX || iteration == u32::MAX {
            return Err(Error::TooFarAhead);
        }
        loop {
            let (seed, chain) = kdf::chain_step(&self.chain);
            let at = self.next;
            self.chain = chain;
            self.next += 1;
            if at == iteration {
                break Ok(seed);
            }
            self.skipped.insert(at, seed);
            if self.skipped.len() > limits::SKIPPED_KEYS_MAX {
                self.skipped.pop_first();
            }
        }
    }

    fn encode(&self, out: &mut Writer) {
        out.varint(self.chain_id.into());
        out.varint(self.next.into());
        out.fixed(self.chain.as_ref());
        out.fixed(self.signing.as_bytes());
        out.u8(self.signing_private.is_some().into());
        if let Some(private) = &self.signing_private {
            out.fixed(private.as_bytes());
        }
        encode_skipped(&self.skipped, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            chain_id: input.u32()?,
            next: input.u32()?,
            chain: input.key()?,
            signing: PublicKey::from_bytes(*input.fixed()?),
            signing_private: match input.u8()? {
                0 => None,
                1 => Some(PrivateKey::from_bytes(input.key()?)),
                _ => return Err(Error::InvalidRecord("sender key")),
            },
            skipped: decode_skipped(input)?,
        })
    }
}

/// A sender key message: 0x33 ‖ protobuf ‖ signature over both.
struct Message<'a> {
    header: Header,
    ciphertext: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8; SIGNATURE_BYTES],
}

impl<'a> Message<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, Error> {
        if message.len() > limits::MESSAGE_MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let (signed, signature) = message.split_last_chunk().ok_or(Error::InvalidMessage("too short"))?;
        let (mut distribution_id, mut chain_id) = (None, None);
        let (mut iteration, mut ciphertext) = (None, None);
        for field in protobuf::fields(body(signed)?) {
            match field? {
                (1, value) => distribution_id = Some(uuid(value.bytes()?)?),
                (2, value) => chain_id = Some(value.u32()?),
                (3, value) => iteration = Some(value.u32()?),
                (4, value) => ciphertext = Some(value.bytes()?),
                _ => {}
            }
        }
        let header = Header {
            distribution_id: distribution_id.ok_or(Error::InvalidMessage("no distribution id"))?,
            chain_id: chain_id.ok_or(Error::InvalidMessage("no chain id"))?,
            iteration: iteration.ok_or(Error::InvalidMessage("no iteration"))?,
        };
        let ciphertext = ciphertext.ok_or(Error::InvalidMessage("no ciphertext"))?;
        Ok(Self { header, ciphertext, signed, signature })
    }
}

fn parse_distribution(message: &[u8]) -> Result<([u8; 16], State), Error> {
    let (mut distribution_id, mut chain_id, mut next) = (None, None, None);
    let (mut chain, mut signing) = (None, None);
    for field in protobuf::fields(body(message)?) {
        match field? {
            (1, value) => distribution_id = Some(uuid(value.bytes()?)?),
            (2, value) => chain_id = Some(value.u32()?),
            (3, value) => next = Some(value.u32()?),
            (4, value) => {
                let key = value.bytes()?.try_into();
                chain = Some(Zeroizing::new(key.map_err(|_| Error::InvalidKey("chain key"))?));
            }
            (5, value) => signing = Some(PublicKey::deserialize(value.bytes()?)?),
            _ => {}
        }
    }
    let state = State {
        chain_id: chain_id.ok_or(Error::InvalidMessage("no chain id"))?,
        next: next.ok_or(Error::InvalidMessage("no iteration"))?,
        chain: chain.ok_or(Error::InvalidMessage("no chain key"))?,
        signing: signing.ok_or(Error::InvalidMessage("no signing key"))?,
        signing_private: None,
        skipped: BTreeMap::new(),
    };
    Ok((distribution_id.ok_or(Error::InvalidMessage("no distribution id"))?, state))
}

fn body(message: &[u8]) -> Result<&[u8], Error> {
    match message.split_first() {
        Some((&VERSION, body)) => Ok(body),
        Some((version, _)) => Err(Error::UnsupportedVersion(version >> 4)),
        None => Err(Error::InvalidMessage("too short")),
    }
}

fn uuid(bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_| Error::InvalidMessage("distribution id"))
}

struct MessageKeys {
    iv: Zeroizing<[u8; 16]>,
    cipher: Key,
}

impl MessageKeys {
    fn derive(seed: &Key) -> Self {
        let block = kdf::hkdf::<48>(None, seed.as_ref(), &[b"WhisperGroup"]);
        Self { iv: kdf::part(block.as_ref(), 0), cipher: kdf::part(block.as_ref(), 16) }
    }
}

#[cfg(test)]
mod tests;
