//! Authenticates what the braid sends in pieces, with a key that every epoch renews (ML-KEM Braid,
//! the authenticator).

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Epoch;
use crate::{
    Error, kdf,
    keys::Key,
    record::{Reader, Writer},
};

/// Length of a MAC in bytes.
pub(super) const MAC_BYTES: usize = 32;

#[derive(Clone)]
pub(super) struct Authenticator {
    root: Key,
    mac_key: Key,
}

impl Authenticator {
    pub(super) fn new(key: &Key, epoch: Epoch) -> Self {
        let zero = Zeroizing::new([0; 32]);
        Self { root: zero.clone(), mac_key: zero }.updated(epoch, key)
    }

    /// Mixes in the secret of an epoch.
    pub(super) fn updated(&self, epoch: Epoch, secret: &Key) -> Self {
        let mut input = Zeroizing::new([0; 64]);
        for (to, from) in input.iter_mut().zip(self.root.iter().chain(secret.iter())) {
            *to = *from;
        }
        let label = b"Signal_PQCKA_V1_MLKEM768:Authenticator Update";
        let block = kdf::hkdf::<64>(None, input.as_ref(), &[label, &epoch.to_be_bytes()]);
        let (root, mac_key) = (kdf::part(block.as_ref(), 0), kdf::part(block.as_ref(), 32));
        Self { root, mac_key }
    }

    pub(super) fn mac_header(&self, epoch: Epoch, header: &[u8]) -> [u8; MAC_BYTES] {
        let label = b"Signal_PQCKA_V1_MLKEM768:ekheader";
        *kdf::hmac(self.mac_key.as_ref(), &[label, &epoch.to_be_bytes(), header])
    }

    pub(super) fn mac_ciphertext(&self, epoch: Epoch, ct1: &[u8], ct2: &[u8]) -> [u8; MAC_BYTES] {
        let label = b"Signal_PQCKA_V1_MLKEM768:ciphertext";
        *kdf::hmac(self.mac_key.as_ref(), &[label, &epoch.to_be_bytes(), ct1, ct2])
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.fixed(self.root.as_ref());
        out.fixed(self.mac_key.as_ref());
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { root: input.key()?, mac_key: input.key()? })
    }
}

/// Compares MACs in constant time.
pub(super) fn check(expected: &[u8; MAC_BYTES], found: &[u8]) -> Result<(), Error> {
    if bool::from(expected.as_slice().ct_eq(found)) {
        Ok(())
    } else {
        Err(Error::InvalidMessage("post-quantum ratchet authentication"))
    }
}
