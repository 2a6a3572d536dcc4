//! One session: the double ratchet, with every message key also standing on the post-quantum
//! ratchet ("The Double Ratchet Algorithm", sections 3 and on the Triple Ratchet).

use std::collections::{BTreeMap, VecDeque};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    Ciphertext, Local, PreKeyHeader,
    pqxdh::{Agreement, Pending},
};
use crate::{
    Error, KeyPair, PrivateKey, PublicKey, kdf, kem,
    keys::Key,
    limits,
    message::{Draft, PreKeyMessage, SignalMessage},
    pqr::{PqRatchet, decode_skipped, encode_skipped},
    record::{Reader, Writer},
};

#[derive(Clone)]
pub(super) struct State {
    /// The initiator's base key: names the session on both sides.
    pub(super) base_key: PublicKey,
    pub(super) remote_registration_id: u32,
    root: Key,
    sending: SendingChain,
    /// Oldest first.
    receiving: VecDeque<ReceivingChain>,
    pq: PqRatchet,
    /// Until the first answer, at the initiator.
    pending: Option<Pending>,
}

#[derive(Clone)]
struct SendingChain {
    ratchet: KeyPair,
    key: Key,
    /// Counter of the next message, from 0.
    next: u32,
    /// Counter of the last message of the chain before.
    previous: u32,
}

#[derive(Clone)]
struct ReceivingChain {
    ratchet: PublicKey,
    key: Key,
    /// Counter of the message that `key` is for.
    next: u32,
    /// Seeds of messages that were overtaken, by counter.
    skipped: BTreeMap<u32, Key>,
}

impl State {
    pub(super) fn initiator(
        base_key: PublicKey,
        remote_registration_id: u32,
        agreement: &Agreement,
        signed_prekey: PublicKey,
        ratchet: KeyPair,
        pending: Pending,
    ) -> Result<Self, Error> {
        let (root, key) = root_step(&agreement.root, &ratchet.private, &signed_prekey)?;
        Ok(Self {
            base_key,
            remote_registration_id,
            root,
            sending: SendingChain { ratchet, key, next: 0, previous: 0 },
            receiving: [ReceivingChain::new(signed_prekey, agreement.chain.clone())].into(),
            pq: PqRatchet::initiator(&agreement.pq_key),
            pending: Some(pending),
        })
    }

    pub(super) fn responder(
        base_key: PublicKey,
        remote_registration_id: u32,
        agreement: Agreement,
        signed_prekey: KeyPair,
    ) -> Self {
        Self {
            base_key,
            remote_registration_id,
            root: agreement.root,
            sending: SendingChain { ratchet: signed_prekey, key: agreement.chain, next: 0, previous: 0 },
            receiving: VecDeque::new(),
            pq: PqRatchet::responder(&agreement.pq_key),
            pending: None,
        }
    }

    /// Whether the session waits for its first answer for more than 30 days.
    pub(super) fn is_stale(&self, now_ms: u64) -> bool {
        self.pending.as_ref().is_some_and(|pending| {
            pending.started_ms.saturating_add(limits::UNACKNOWLEDGED_AGE_MAX_MS) < now_ms
        })
    }

    /// Encrypts. On an error the state is unchanged.
    pub(super) fn send(
        &mut self,
        remote: &PublicKey,
        local: &Local<'_>,
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Ciphertext, Error> {
        let counter = self.sending.next;
        let next = counter.checked_add(1).ok_or(Error::Exhausted)?;
        let (pq_ratchet, pq_key) = self.pq.send(rng)?;
        let (seed, chain) = kdf::chain_step(&self.sending.key);
        let keys = MessageKeys::derive(&seed, &pq_key);
        let draft = Draft {
            ratchet_key: self.sending.ratchet.public,
            counter,
            previous_counter: self.sending.previous,
            ciphertext: &kdf::aes_cbc_encrypt(&keys.cipher, &keys.iv, plaintext),
            pq_ratchet: &pq_ratchet,
            addresses: self.pending.as_ref().and_then(|_| local.pair_outgoing()),
        };
        let inner = draft.seal(keys.mac.as_ref(), &local.identity.public(), remote);
        self.sending.key = chain;
        self.sending.next = next;
        Ok(match &self.pending {
            None => Ciphertext::Whisper(inner),
            Some(pending) => Ciphertext::PreKey(self.wrap(pending, local, &inner)),
        })
    }

    fn wrap(&self, pending: &Pending, local: &Local<'_>, inner: &[u8]) -> Vec<u8> {
        let header = PreKeyHeader {
            registration_id: local.registration_id,
            identity: local.identity.public(),
            one_time: pending.one_time,
            signed: pending.signed,
            kyber: pending.kyber,
            base_key: self.base_key,
        };
        let kyber_ciphertext = &pending.kyber_ciphertext;
        PreKeyMessage { header, kyber_ciphertext, inner }.serialize()
    }

    /// Decrypts. On an error the state is of no more use: work on a copy.
    pub(super) fn receive(
        &mut self,
        remote: &PublicKey,
        local: &Local<'_>,
        message: &SignalMessage<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let seed = self.receiving_chain(&message.ratchet_key, rng)?.seed(message.counter)?;
        // The double ratchet has just told a duplicate from a new message. The post-quantum one
        // counts by itself, and sees a used number also where the message is of another session.
        let pq_key = self.pq.receive(message.pq_ratchet).map_err(|error| match error {
            Error::Duplicate => Error::InvalidMessage("post-quantum ratchet"),
            error => error,
        })?;
        let keys = MessageKeys::derive(&seed, &pq_key);
        message.authentic(keys.mac.as_ref(), remote, local)?;
        let plaintext = kdf::aes_cbc_decrypt(&keys.cipher, &keys.iv, message.ciphertext)?;
        self.pending = None;
        Ok(plaintext)
    }

    /// The chain of a ratchet key; a key not seen before turns the ratchet (section 3.5).
    fn receiving_chain(
        &mut self,
        their: &PublicKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<&mut ReceivingChain, Error> {
        let known = self.receiving.iter().position(|chain| chain.ratchet == *their);
        if known.is_none() {
            let ours = &self.sending.ratchet.private;
            let (root, receiving) = root_step(&self.root, ours, their)?;
            let ratchet = KeyPair::generate(rng);
            let (root, key) = root_step(&root, &ratchet.private, their)?;
            let previous = self.sending.next.saturating_sub(1);
            self.root = root;
            self.sending = SendingChain { ratchet, key, next: 0, previous };
            self.receiving.push_back(ReceivingChain::new(*their, receiving));
            if self.receiving.len() > limits::RECEIVING_CHAINS_MAX {
                self.receiving.pop_front();
            }
        }
        let at = known.unwrap_or(self.receiving.len() - 1);
        self.receiving.get_mut(at).ok_or(Error::InvalidMessage("no chain"))
    }
}

impl ReceivingChain {
    fn new(ratchet: PublicKey, key: Key) -> Self {
        Self { ratchet, key, next: 0, skipped: BTreeMap::new() }
    }

    /// The seed of a message. Each can be had once.
    fn seed(&mut self, counter: u32) -> Result<Key, Error> {
        let Some(ahead) = counter.checked_sub(self.next) else {
            return self.skipped.remove(&counter).ok_or(Error::Duplicate);
        };
        if ahead > limits::FORWARD_JUMPS_MAX || counter == u32::MAX {
            return Err(Error::TooFarAhead);
        }
        loop {
            let (seed, key) = kdf::chain_step(&self.key);
            let at = self.next;
            self.key = key;
            self.next += 1;
            if at == counter {
                break Ok(seed);
            }
            self.skipped.insert(at, seed);
            if self.skipped.len() > limits::SKIPPED_KEYS_MAX {
                self.skipped.pop_first();
            }
        }
    }
}

/// A step of the root chain (section 5.2, KDF_RK): the new root, and the key of a new chain.
fn root_step(root: &Key, ours: &PrivateKey, their: &PublicKey) -> Result<(Key, Key), Error> {
    let shared = ours.agree(their)?;
    let block = kdf::hkdf::<64>(Some(root.as_ref()), shared.as_ref(), &[b"WhisperRatchet"]);
    Ok((kdf::part(block.as_ref(), 0), kdf::part(block.as_ref(), 32)))
}

struct MessageKeys {
    cipher: Key,
    mac: Key,
    iv: Zeroizing<[u8; 16]>,
}

impl MessageKeys {
    fn derive(seed: &Key, pq_key: &Key) -> Self {
        let block = kdf::hkdf::<80>(Some(pq_key.as_ref()), seed.as_ref(), &[b"WhisperMessageKeys"]);
        Self {
            cipher: kdf::part(block.as_ref(), 0),
            mac: kdf::part(block.as_ref(), 32),
            iv: kdf::part(block.as_ref(), 64),
        }
    }
}

// ---- At rest ----

impl State {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.encode_ratchets(out);
        out.u8(self.pending.is_some().into());
        if let Some(pending) = &self.pending {
            out.option(pending.one_time);
            out.varint(pending.signed.into());
            out.varint(pending.kyber.into());
            out.bytes(&pending.kyber_ciphertext);
            out.varint(pending.started_ms);
        }
    }

    /// The record of an archived state. It is never sent with again before a message was received
    /// on it, so what it would repeat is dropped.
    pub(super) fn archive(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        self.encode_ratchets(&mut out);
        out.u8(0);
        out.finish()
    }

    fn encode_ratchets(&self, out: &mut Writer) {
        out.fixed(self.base_key.as_bytes());
        out.varint(self.remote_registration_id.into());
        out.fixed(self.root.as_ref());
        out.fixed(self.sending.ratchet.private.as_bytes());
        out.fixed(self.sending.ratchet.public.as_bytes());
        out.fixed(self.sending.key.as_ref());
        out.varint(self.sending.next.into());
        out.varint(self.sending.previous.into());
        out.length(self.receiving.len());
        for chain in &self.receiving {
            out.fixed(chain.ratchet.as_bytes());
            out.fixed(chain.key.as_ref());
            out.varint(chain.next.into());
            encode_skipped(&chain.skipped, out);
        }
        self.pq.encode(out);
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        let base_key = PublicKey::from_bytes(*input.fixed()?);
        let remote_registration_id = input.u32()?;
        let root = input.key()?;
        // The public half is kept beside the private one: growing it again costs as much as all
        // the rest of decoding.
        let ratchet = KeyPair {
            private: PrivateKey::from_bytes(input.key()?),
            public: PublicKey::from_bytes(*input.fixed()?),
        };
        let key = input.key()?;
        let sending = SendingChain { ratchet, key, next: input.u32()?, previous: input.u32()? };
        let count = input.count(limits::RECEIVING_CHAINS_MAX)?;
        let receiving = (0..count).map(|_| ReceivingChain::decode(input)).collect::<Result<_, _>>()?;
        let pq = PqRatchet::decode(input)?;
        let pending = match input.u8()? {
            0 => None,
            1 => Some(Pending::decode(input)?),
            _ => return Err(Error::InvalidRecord("session")),
        };
        Ok(Self { base_key, remote_registration_id, root, sending, receiving, pq, pending })
    }

    /// The base key of an encoded state, without decoding the rest.
    pub(super) fn decode_base_key(record: &[u8]) -> Option<PublicKey> {
        record.first_chunk().map(|bytes| PublicKey::from_bytes(*bytes))
    }
}

impl ReceivingChain {
    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            ratchet: PublicKey::from_bytes(*input.fixed()?),
            key: input.key()?,
            next: input.u32()?,
            skipped: decode_skipped(input)?,
        })
    }
}

impl Pending {
    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        let (one_time, signed, kyber) = (input.option()?, input.u32()?, input.u32()?);
        let kyber_ciphertext = input.bytes()?.to_vec();
        if kyber_ciphertext.len() != kem::CIPHERTEXT_BYTES {
            return Err(Error::InvalidRecord("Kyber ciphertext"));
        }
        Ok(Self { one_time, signed, kyber, kyber_ciphertext, started_ms: input.varint()? })
    }
}
