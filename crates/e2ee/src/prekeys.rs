//! Prekeys: what a device publishes so that others can start sessions while it is away (PQXDH,
//! section 3.2). The private records here are kept by their owner; a bundle is what others fetch.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    Error, IdentityKeyPair, KeyPair, PrivateKey, PublicKey,
    kem::{self, Seed},
    keys::SIGNATURE_BYTES,
    record::{Reader, Writer},
};

const RECORD_VERSION: u8 = 1;

/// A medium-term X25519 prekey, signed by the identity.
#[derive(Clone)]
pub struct SignedPreKey {
    /// Chosen by the owner; 24 bits are enough.
    pub id: u32,
    /// When it was made, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    /// The key pair.
    pub key_pair: KeyPair,
    /// XEdDSA signature of the identity over the serialised public key.
    pub signature: [u8; SIGNATURE_BYTES],
}

impl SignedPreKey {
    /// Draws and signs a prekey.
    pub fn generate(identity: &IdentityKeyPair, id: u32, now_ms: u64, rng: &mut dyn CryptoRng) -> Self {
        let key_pair = KeyPair::generate(rng);
        let signature = identity.sign(&key_pair.public.serialize(), rng);
        Self { id, timestamp_ms: now_ms, key_pair, signature }
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.key_pair.public
    }

    /// The record to store, about 108 bytes. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(RECORD_VERSION);
        out.varint(self.id.into());
        out.varint(self.timestamp_ms);
        out.fixed(self.key_pair.private.as_bytes());
        out.fixed(&self.signature);
        out.finish()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when it is something else.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(record)?;
        input.version(RECORD_VERSION)?;
        let (id, timestamp_ms) = (input.u32()?, input.varint()?);
        let key_pair = KeyPair::from_private(PrivateKey::from_bytes(input.key()?));
        let signature = *input.fixed()?;
        input.finish()?;
        Ok(Self { id, timestamp_ms, key_pair, signature })
    }
}

/// A Kyber-1024 prekey, signed by the identity: one-time, or the last resort when those ran out.
#[derive(Clone)]
pub struct KyberPreKey {
    /// Chosen by the owner; 24 bits are enough.
    pub id: u32,
    /// When it was made, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    seed: Seed,
    public: Vec<u8>,
    /// XEdDSA signature of the identity over the serialised public key.
    pub signature: [u8; SIGNATURE_BYTES],
}

impl KyberPreKey {
    /// Draws and signs a prekey.
    pub fn generate(identity: &IdentityKeyPair, id: u32, now_ms: u64, rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 64]);
        rng.fill_bytes(seed.as_mut());
        let public = kem::public(&seed);
        let signature = identity.sign(&public, rng);
        Self { id, timestamp_ms: now_ms, seed, public, signature }
    }

    /// The serialised public key: 0x08 ‖ 1,568 bytes.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The record to store, about 140 bytes: the key pair is kept as its seed. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(RECORD_VERSION);
        out.varint(self.id.into());
        out.varint(self.timestamp_ms);
        out.fixed(self.seed.as_ref());
        out.fixed(&self.signature);
        out.finish()
    }

    /// Reads what [`Self::encode`] wrote, and grows the key pair again.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when it is something else.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(record)?;
        input.version(RECORD_VERSION)?;
        let (id, timestamp_ms) = (input.u32()?, input.varint()?);
        let seed = Zeroizing::new(*input.fixed()?);
        let signature = *input.fixed()?;
        input.finish()?;
        Ok(Self { id, timestamp_ms, public: kem::public(&seed), seed, signature })
    }

    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }
}

/// A one-time X25519 prekey. Delete it once a session was made with it.
#[derive(Clone)]
pub struct OneTimePreKey {
    /// Chosen by the owner; 24 bits are enough.
    pub id: u32,
    pub(crate) key_pair: KeyPair,
}

impl OneTimePreKey {
    /// Draws a prekey.
    pub fn generate(id: u32, rng: &mut dyn CryptoRng) -> Self {
        Self { id, key_pair: KeyPair::generate(rng) }
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.key_pair.public
    }

    /// The record to store, about 36 bytes. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(RECORD_VERSION);
        out.varint(self.id.into());
        out.fixed(self.key_pair.private.as_bytes());
        out.finish()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when it is something else.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(record)?;
        input.version(RECORD_VERSION)?;
        let id = input.u32()?;
        let key_pair = KeyPair::from_private(PrivateKey::from_bytes(input.key()?));
        input.finish()?;
        Ok(Self { id, key_pair })
    }
}

/// What one device fetches about another to start a session with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreKeyBundle {
    /// The device's registration id (14 bits).
    pub registration_id: u32,
    /// The device's number in its account.
    pub device_id: u32,
    /// The device's identity key.
    pub identity: PublicKey,
    /// Id, key and signature of the signed prekey.
    pub signed_prekey: (u32, PublicKey, [u8; SIGNATURE_BYTES]),
    /// Id, serialised key (0x08 ‖ 1,568 bytes) and signature of the Kyber prekey.
    pub kyber_prekey: (u32, Vec<u8>, [u8; SIGNATURE_BYTES]),
    /// Id and key of a one-time prekey, when one was left.
    pub one_time: Option<(u32, PublicKey)>,
}

impl PreKeyBundle {
    /// Verifies both signatures and the shape of the Kyber key.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`], or [`Error::InvalidKey`].
    pub fn verify(&self) -> Result<(), Error> {
        let (_, signed, signed_signature) = &self.signed_prekey;
        let (_, kyber, kyber_signature) = &self.kyber_prekey;
        kem::check_public(kyber)?;
        if self.identity.verify(&signed.serialize(), signed_signature)
            && self.identity.verify(kyber, kyber_signature)
        {
            Ok(())
        } else {
            Err(Error::InvalidSignature)
        }
    }
}

/// Where the private halves of published prekeys are found.
pub trait PreKeys {
    /// The one-time prekey of this id, unless it was used.
    fn one_time(&self, id: u32) -> Option<OneTimePreKey>;
    /// The signed prekey of this id, unless it was rotated out.
    fn signed(&self, id: u32) -> Option<SignedPreKey>;
    /// The Kyber prekey of this id, unless it was used or rotated out.
    fn kyber(&self, id: u32) -> Option<KyberPreKey>;
}

#[cfg(test)]
mod tests;
