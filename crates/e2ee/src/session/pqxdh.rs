//! PQXDH: the first secret of a session, from either side ("The PQXDH Key Agreement Protocol",
//! section 3; curve25519, SHA-256, round-3 Kyber-1024).

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Local, ratchet::State};
use crate::{
    Error, KeyPair, PreKeyBundle, PreKeyHeader, PreKeys, kdf, kem, keys::Key, message::PreKeyMessage,
};

const INFO: &[u8] = b"WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024";

/// What both sides come out with.
pub(super) struct Agreement {
    pub(super) root: Key,
    /// The chain that the responder's signed prekey stands for.
    pub(super) chain: Key,
    pub(super) pq_key: Key,
}

/// What the initiator repeats until it is answered.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) one_time: Option<u32>,
    pub(super) signed: u32,
    pub(super) kyber: u32,
    /// Serialised, 1,569 bytes.
    pub(super) kyber_ciphertext: Vec<u8>,
    /// When the session was started, in milliseconds since the epoch.
    pub(super) started_ms: u64,
}

/// The initiator's side.
pub(super) fn initiate(
    local: &Local<'_>,
    bundle: &PreKeyBundle,
    now_ms: u64,
    rng: &mut dyn CryptoRng,
) -> Result<State, Error> {
    bundle.verify()?;
    let base = KeyPair::generate(rng);
    let ratchet = KeyPair::generate(rng);
    let (signed_id, signed, _) = &bundle.signed_prekey;
    let (kyber_id, kyber, _) = &bundle.kyber_prekey;
    let (kyber_shared, kyber_ciphertext) = kem::encapsulate(kyber, rng)?;
    let mut secret = Secret::new();
    secret.add(&local.identity.private().agree(signed)?);
    secret.add(&base.private.agree(&bundle.identity)?);
    secret.add(&base.private.agree(signed)?);
    if let Some((_, one_time)) = &bundle.one_time {
        secret.add(&base.private.agree(one_time)?);
    }
    secret.add(&kyber_shared);
    let pending = Pending {
        one_time: bundle.one_time.map(|(id, _)| id),
        signed: *signed_id,
        kyber: *kyber_id,
        kyber_ciphertext,
        started_ms: now_ms,
    };
    State::initiator(base.public, bundle.registration_id, &secret.derive(), *signed, ratchet, pending)
}

/// The responder's side: finds the prekeys that the message names.
pub(super) fn respond(
    local: &Local<'_>,
    keys: &dyn PreKeys,
    message: &PreKeyMessage<'_>,
) -> Result<State, Error> {
    let PreKeyHeader { registration_id, identity, one_time, signed, kyber, base_key } = &message.header;
    let one_time = match one_time {
        Some(id) => Some(keys.one_time(*id).ok_or(Error::UnknownOneTimePreKey(*id))?),
        None => None,
    };
    let signed = keys.signed(*signed).ok_or(Error::UnknownSignedPreKey(*signed))?.key_pair;
    let kyber = keys.kyber(*kyber).ok_or(Error::UnknownKyberPreKey(*kyber))?;
    let mut secret = Secret::new();
    secret.add(&signed.private.agree(identity)?);
    secret.add(&local.identity.private().agree(base_key)?);
    secret.add(&signed.private.agree(base_key)?);
    if let Some(one_time) = &one_time {
        secret.add(&one_time.key_pair.private.agree(base_key)?);
    }
    secret.add(&kem::decapsulate(kyber.seed(), message.kyber_ciphertext)?);
    Ok(State::responder(*base_key, *registration_id, secret.derive(), signed))
}

/// The input of the derivation, as it is put together.
struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Starts with 32 bytes 0xFF (section 2.2: they set X25519 apart from other curves).
    fn new() -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(6 * 32));
        bytes.resize(32, 0xFF);
        Self(bytes)
    }

    fn add(&mut self, shared: &Key) {
        self.0.extend_from_slice(shared.as_ref());
    }

    fn derive(self) -> Agreement {
        let block = kdf::hkdf::<96>(None, &self.0, &[INFO]);
        Agreement {
            root: kdf::part(block.as_ref(), 0),
            chain: kdf::part(block.as_ref(), 32),
            pq_key: kdf::part(block.as_ref(), 64),
        }
    }
}
