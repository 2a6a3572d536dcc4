//! Pieces that frames of both directions are made of.

use bytes::Bytes;
use prost::Message;

use crate::error::Malformed;
use crate::limits::{
    KYBER_KEY_BYTES, MAX_CIPHERTEXT_BYTES, MAX_PLAINTEXT_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES,
};
use crate::pb::frame as pb;
use crate::scan::{Rule, scan};

/// Decodes a whole frame, after its lists have been counted.
pub(crate) fn decode_bounded<M: Message + Default>(
    bytes: Bytes,
    rules: &'static [Rule],
    what: &'static str,
) -> Result<M, Malformed> {
    if bytes.len() > MAX_PLAINTEXT_BYTES {
        return Err(Malformed::new(what));
    }
    scan(&bytes, rules)?;
    M::decode(bytes).map_err(|_| Malformed::new(what))
}

pub(crate) fn fixed<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed::new(what))
}

pub(crate) fn at_most(bytes: Bytes, most: usize, what: &'static str) -> Result<Bytes, Malformed> {
    if bytes.len() > most { Err(Malformed::new(what)) } else { Ok(bytes) }
}

pub(crate) fn text(text: String, most: usize, what: &'static str) -> Result<String, Malformed> {
    if text.len() > most { Err(Malformed::new(what)) } else { Ok(text) }
}

pub(crate) fn registration_id(number: u32) -> Result<u16, Malformed> {
    // 14 bits, as the Signal Protocol has it.
    u16::try_from(number).ok().filter(|n| *n < 1 << 14).ok_or(Malformed::new("registration id"))
}

pub(crate) fn ciphertext(bytes: Bytes) -> Result<Bytes, Malformed> {
    at_most(bytes, MAX_CIPHERTEXT_BYTES, "ciphertext")
}

/// How an envelope's ciphertext is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvelopeKind {
    /// Signal message inside an established session.
    Whisper,
    /// Signal prekey message: begins a session.
    Prekey,
    /// Not encrypted: [`crate::content::PlainContent`].
    Plaintext,
    /// Signal sender-key message.
    SenderKey,
}

impl EnvelopeKind {
    pub(crate) fn to_pb(self) -> i32 {
        let kind = match self {
            Self::Whisper => pb::EnvelopeKind::Whisper,
            Self::Prekey => pb::EnvelopeKind::Prekey,
            Self::Plaintext => pb::EnvelopeKind::Plaintext,
            Self::SenderKey => pb::EnvelopeKind::SenderKey,
        };
        kind as i32
    }

    pub(crate) fn from_pb(kind: i32) -> Result<Self, Malformed> {
        match pb::EnvelopeKind::try_from(kind) {
            Ok(pb::EnvelopeKind::Whisper) => Ok(Self::Whisper),
            Ok(pb::EnvelopeKind::Prekey) => Ok(Self::Prekey),
            Ok(pb::EnvelopeKind::Plaintext) => Ok(Self::Plaintext),
            Ok(pb::EnvelopeKind::SenderKey) => Ok(Self::SenderKey),
            Err(_) => Err(Malformed::new("envelope kind")),
        }
    }
}

/// Signed X25519 prekey, public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPrekey {
    /// Names it to its device.
    pub id: u32,
    /// 0x05 and the key.
    pub key: [u8; PUBLIC_KEY_BYTES],
    /// XEdDSA by the identity key over `key`.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// Signed Kyber-1024 prekey, public half; one-time or last resort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KyberPrekey {
    /// Names it to its device.
    pub id: u32,
    /// 0x08 and the key, [`KYBER_KEY_BYTES`] in all.
    pub key: Bytes,
    /// XEdDSA by the identity key over `key`.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// One-time X25519 prekey, public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimePrekey {
    /// Names it to its device.
    pub id: u32,
    /// 0x05 and the key.
    pub key: [u8; PUBLIC_KEY_BYTES],
}

/// What a device puts on the server for others to begin sessions with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrekeyUpload {
    /// Replaces the signed prekey.
    pub signed: Option<SignedPrekey>,
    /// Replaces the Kyber prekey of last resort.
    pub last_resort: Option<KyberPrekey>,
    /// Added, up to [`crate::limits::MAX_ONE_TIME_PREKEYS`].
    pub one_time: Vec<OneTimePrekey>,
    /// Added, up to [`crate::limits::MAX_KYBER_PREKEYS_PER_UPLOAD`] at once.
    pub one_time_kyber: Vec<KyberPrekey>,
    /// Drop the one-time prekeys that the server still holds first (after a restore from an old copy).
    pub replace: bool,
}

/// One-time prekeys that the server still holds for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PrekeysLeft {
    /// X25519.
    pub one_time: u32,
    /// Kyber-1024.
    pub one_time_kyber: u32,
}

impl From<&SignedPrekey> for pb::SignedPrekey {
    fn from(prekey: &SignedPrekey) -> Self {
        Self {
            id: prekey.id,
            key: Bytes::copy_from_slice(&prekey.key),
            signature: Bytes::copy_from_slice(&prekey.signature),
        }
    }
}

impl TryFrom<pb::SignedPrekey> for SignedPrekey {
    type Error = Malformed;

    fn try_from(prekey: pb::SignedPrekey) -> Result<Self, Malformed> {
        Ok(Self {
            id: prekey.id,
            key: fixed(&prekey.key, "SignedPrekey.key")?,
            signature: fixed(&prekey.signature, "SignedPrekey.signature")?,
        })
    }
}

impl From<&KyberPrekey> for pb::KyberPrekey {
    fn from(prekey: &KyberPrekey) -> Self {
        Self { id: prekey.id, key: prekey.key.clone(), signature: Bytes::copy_from_slice(&prekey.signature) }
    }
}

impl TryFrom<pb::KyberPrekey> for KyberPrekey {
    type Error = Malformed;

    fn try_from(prekey: pb::KyberPrekey) -> Result<Self, Malformed> {
        if prekey.key.len() != KYBER_KEY_BYTES {
            return Err(Malformed::new("KyberPrekey.key"));
        }
        Ok(Self {
            id: prekey.id,
            key: prekey.key,
            signature: fixed(&prekey.signature, "KyberPrekey.signature")?,
        })
    }
}

impl From<&OneTimePrekey> for pb::OneTimePrekey {
    fn from(prekey: &OneTimePrekey) -> Self {
        Self { id: prekey.id, key: Bytes::copy_from_slice(&prekey.key) }
    }
}

impl TryFrom<pb::OneTimePrekey> for OneTimePrekey {
    type Error = Malformed;

    fn try_from(prekey: pb::OneTimePrekey) -> Result<Self, Malformed> {
        Ok(Self { id: prekey.id, key: fixed(&prekey.key, "OneTimePrekey.key")? })
    }
}

impl From<&PrekeyUpload> for pb::PublishPrekeys {
    fn from(upload: &PrekeyUpload) -> Self {
        Self {
            signed: upload.signed.as_ref().map(Into::into),
            last_resort: upload.last_resort.as_ref().map(Into::into),
            one_time: upload.one_time.iter().map(Into::into).collect(),
            one_time_kyber: upload.one_time_kyber.iter().map(Into::into).collect(),
            replace: upload.replace,
        }
    }
}

impl TryFrom<pb::PublishPrekeys> for PrekeyUpload {
    type Error = Malformed;

    fn try_from(upload: pb::PublishPrekeys) -> Result<Self, Malformed> {
        Ok(Self {
            signed: upload.signed.map(TryInto::try_into).transpose()?,
            last_resort: upload.last_resort.map(TryInto::try_into).transpose()?,
            one_time: upload.one_time.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            one_time_kyber: upload
                .one_time_kyber
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            replace: upload.replace,
        })
    }
}
