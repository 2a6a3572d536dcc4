//! The primitives behind Noise: dalek and RustCrypto, and an ephemeral key that the caller brings.
//!
//! `snow`'s own resolver draws from the operating system, which a pure handshake may not.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};
use sha2::{Digest, Sha256};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub(crate) struct Resolver {
    ephemeral: Zeroizing<[u8; 32]>,
}

impl Resolver {
    /// `ephemeral`: fresh entropy; becomes the private ephemeral key of the one handshake made with it.
    pub(crate) fn new(ephemeral: Zeroizing<[u8; 32]>) -> Self {
        Self { ephemeral }
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Once(Some(self.ephemeral.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::<X25519>::default() as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::<Sha>::default() as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::AESGCM).then(|| Box::<Gcm>::default() as Box<dyn Cipher>)
    }
}

/// Hands out its bytes once. Both patterns have one `e` for each role, so nothing asks twice; if something
/// ever did, it would get an error and not the same key again.
struct Once(Option<Zeroizing<[u8; 32]>>);

impl Random for Once {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let bytes = self.0.take().filter(|bytes| bytes.len() == dest.len()).ok_or(Error::Rng)?;
        dest.copy_from_slice(&*bytes);
        Ok(())
    }
}

#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct X25519 {
    private: [u8; 32],
    public: [u8; 32],
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, privkey: &[u8]) {
        if let Ok(private) = privkey.try_into() {
            self.private = private;
            let secret = x25519_dalek::StaticSecret::from(private);
            self.public = x25519_dalek::PublicKey::from(&secret).to_bytes();
        }
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut private = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(&mut *private)?;
        self.set(&*private);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &self.private
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let peer: [u8; 32] = pubkey.get(..32).and_then(|k| k.try_into().ok()).ok_or(Error::Dh)?;
        let secret = x25519_dalek::StaticSecret::from(self.private);
        let shared = secret.diffie_hellman(&x25519_dalek::PublicKey::from(peer));
        // Noise leaves low-order points to the implementation; nobody honest sends one.
        if !shared.was_contributory() {
            return Err(Error::Dh);
        }
        out.get_mut(..32).ok_or(Error::Dh)?.copy_from_slice(shared.as_bytes());
        Ok(())
    }
}

#[derive(Default)]
struct Sha(Sha256);

impl Hash for Sha {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0 = Sha256::new();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        let digest = self.0.finalize_reset();
        out.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    }
}

#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Gcm {
    key: [u8; 32],
}

impl Gcm {
    fn nonce(nonce: u64) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&nonce.to_be_bytes());
        bytes
    }
}

impl Cipher for Gcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.key = *key;
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let length = plaintext.len();
        let (body, rest) = out.split_at_mut(length);
        body.copy_from_slice(plaintext);
        let cipher = Aes256Gcm::new(&self.key.into());
        let tag = cipher
            .encrypt_inout_detached(&Self::nonce(nonce).into(), authtext, body.into())
            .expect("handshake messages are far below the limit of AES-GCM");
        rest.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        length + 16
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (body, tag) = ciphertext.split_last_chunk::<16>().ok_or(Error::Decrypt)?;
        let out = out.get_mut(..body.len()).ok_or(Error::Decrypt)?;
        out.copy_from_slice(body);
        Aes256Gcm::new(&self.key.into())
            .decrypt_inout_detached(&Self::nonce(nonce).into(), authtext, out.into(), &Tag::from(*tag))
            .map_err(|_| Error::Decrypt)?;
        Ok(body.len())
    }
}
