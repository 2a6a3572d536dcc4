//! X25519 keys, and identity keys that also sign (XEdDSA).

use core::fmt;

use curve25519_dalek::MontgomeryPoint;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, protobuf, xeddsa};

/// A 32-byte secret that is wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// Type byte of a serialised X25519 key.
const TYPE_X25519: u8 = 0x05;

/// Length of a serialised [`PublicKey`] in bytes.
pub const PUBLIC_KEY_BYTES: usize = 33;
/// Length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// An X25519 public key: 32 bytes, the u-coordinate (RFC 7748, section 5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The 33 bytes of the wire: 0x05 ‖ u-coordinate.
    pub fn serialize(&self) -> [u8; PUBLIC_KEY_BYTES] {
        let mut out = [TYPE_X25519; PUBLIC_KEY_BYTES];
        if let Some(tail) = out.last_chunk_mut::<32>() {
            *tail = self.0;
        }
        out
    }

    /// Reads the 33 bytes of the wire.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for another length or type byte.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((&TYPE_X25519, tail)) => match tail.try_into() {
                Ok(u) => Ok(Self(u)),
                Err(_) => Err(Error::InvalidKey("public key length")),
            },
            _ => Err(Error::InvalidKey("public key type")),
        }
    }

    /// Whether `sig` is the 64-byte XEdDSA signature of `msg` under this key.
    pub fn verify(&self, msg: &[u8], sig: &[u8]) -> bool {
        match sig.try_into() {
            Ok(sig) => xeddsa::verify(&self.0, msg, sig),
            Err(_) => false,
        }
    }

    /// The bare 32 bytes, without the type byte.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// An X25519 private key: a clamped scalar of 32 bytes, wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey(Key);

impl PrivateKey {
    /// Draws a key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut scalar = Zeroizing::new([0; 32]);
        rng.fill_bytes(scalar.as_mut());
        Self::from_bytes(scalar)
    }

    /// The public key of this private key.
    pub fn public(&self) -> PublicKey {
        PublicKey(MontgomeryPoint::mul_base_clamped(*self.0).to_bytes())
    }

    /// The 32 bytes of the scalar. A secret: store it encrypted.
    pub fn serialize(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// Reads the 32 bytes of a scalar.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for another length.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.try_into() {
            Ok(scalar) => Ok(Self::from_bytes(Zeroizing::new(scalar))),
            Err(_) => Err(Error::InvalidKey("private key length")),
        }
    }

    /// X25519 (RFC 7748, section 5).
    ///
    /// # Errors
    /// [`Error::InvalidKey`] when the result is zero, which only a key of small order gives: it
    /// would make the secret public.
    pub fn agree(&self, their: &PublicKey) -> Result<Zeroizing<[u8; 32]>, Error> {
        let shared = Zeroizing::new(MontgomeryPoint(their.0).mul_clamped(*self.0).to_bytes());
        if bool::from(shared.ct_eq(&[0; 32])) {
            return Err(Error::InvalidKey("public key of small order"));
        }
        Ok(shared)
    }

    /// XEdDSA signature of `msg`, 64 bytes.
    pub fn sign(&self, msg: &[u8], rng: &mut dyn CryptoRng) -> [u8; SIGNATURE_BYTES] {
        let mut noise = Zeroizing::new([0; 64]);
        rng.fill_bytes(noise.as_mut());
        xeddsa::sign(&self.0, msg, &noise)
    }

    pub(crate) fn from_bytes(mut scalar: Key) -> Self {
        // Clamped once here, so that the Montgomery and the Edwards views see the same scalar.
        let [first, .., last] = &mut *scalar;
        *first &= 0b1111_1000;
        *last = (*last & 0b0111_1111) | 0b0100_0000;
        Self(scalar)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// An X25519 key pair.
#[derive(Clone)]
pub struct KeyPair {
    /// The public half.
    pub public: PublicKey,
    /// The private half, wiped when dropped.
    pub private: PrivateKey,
}

impl KeyPair {
    /// Draws a key pair.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_private(PrivateKey::generate(rng))
    }

    pub(crate) fn from_private(private: PrivateKey) -> Self {
        Self { public: private.public(), private }
    }
}

/// A device's long-term key pair: what safety numbers and signatures stand on.
#[derive(Clone)]
pub struct IdentityKeyPair(KeyPair);

impl IdentityKeyPair {
    /// Draws an identity.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(KeyPair::generate(rng))
    }

    /// The public identity key.
    pub fn public(&self) -> PublicKey {
        self.0.public
    }

    /// The private identity key.
    pub fn private(&self) -> &PrivateKey {
        &self.0.private
    }

    /// Protobuf {1 public key (33 bytes), 2 private key (32 bytes)}, 69 bytes. A secret.
    pub fn serialize(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Vec::with_capacity(69);
        protobuf::put_bytes(&mut out, 1, &self.0.public.serialize());
        protobuf::put_bytes(&mut out, 2, self.0.private.as_bytes());
        Zeroizing::new(out)
    }

    /// Reads what [`Self::serialize`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] or [`Error::InvalidKey`] when it is something else, or the halves
    /// do not belong together.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, Error> {
        let (mut public, mut private) = (None, None);
        for field in protobuf::fields(bytes) {
            match field.map_err(|_| Error::InvalidRecord("identity"))? {
                (1, protobuf::Value::Bytes(bytes)) => public = Some(PublicKey::deserialize(bytes)?),
                (2, protobuf::Value::Bytes(bytes)) => {
                    private = Some(PrivateKey::deserialize(bytes)?);
                }
                _ => return Err(Error::InvalidRecord("identity")),
            }
        }
        let (Some(public), Some(private)) = (public, private) else {
            return Err(Error::InvalidRecord("identity"));
        };
        let pair = KeyPair::from_private(private);
        if pair.public != public {
            return Err(Error::InvalidKey("identity halves differ"));
        }
        Ok(Self(pair))
    }

    /// XEdDSA signature of `msg`, 64 bytes.
    pub fn sign(&self, msg: &[u8], rng: &mut dyn CryptoRng) -> [u8; SIGNATURE_BYTES] {
        self.0.private.sign(msg, rng)
    }
}

#[cfg(test)]
mod tests;
