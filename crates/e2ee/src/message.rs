//! The two messages of a session on the wire, version 4 (PQXDH with the triple ratchet).

use subtle::ConstantTimeEq;

use crate::{
    Error, PublicKey, kdf, kem, limits, protobuf,
    session::{Local, PreKeyHeader},
};

/// Message version in the high half, version of the sender's software in the low half.
const VERSION: u8 = 0x44;
const MAC_BYTES: usize = 8;

/// What goes into a SignalMessage.
pub(crate) struct Draft<'a> {
    pub(crate) ratchet_key: PublicKey,
    pub(crate) counter: u32,
    pub(crate) previous_counter: u32,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) pq_ratchet: &'a [u8],
    pub(crate) addresses: Option<Vec<u8>>,
}

impl Draft<'_> {
    /// 0x44 ‖ protobuf ‖ first 8 bytes of the MAC over both identities and everything before.
    pub(crate) fn seal(&self, mac_key: &[u8], from: &PublicKey, to: &PublicKey) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.ciphertext.len() + 160);
        out.push(VERSION);
        protobuf::put_bytes(&mut out, 1, &self.ratchet_key.serialize());
        protobuf::put_u32(&mut out, 2, self.counter);
        protobuf::put_u32(&mut out, 3, self.previous_counter);
        protobuf::put_bytes(&mut out, 4, self.ciphertext);
        protobuf::put_bytes(&mut out, 5, self.pq_ratchet);
        if let Some(addresses) = &self.addresses {
            protobuf::put_bytes(&mut out, 6, addresses);
        }
        let mac = mac(mac_key, from, to, &out);
        out.extend_from_slice(&mac);
        out
    }
}

/// A SignalMessage as it arrived. Nothing in it is to be believed before [`Self::authentic`].
pub(crate) struct SignalMessage<'a> {
    pub(crate) ratchet_key: PublicKey,
    pub(crate) counter: u32,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) pq_ratchet: &'a [u8],
    addresses: Option<&'a [u8]>,
    signed: &'a [u8],
    mac: &'a [u8; MAC_BYTES],
}

impl<'a> SignalMessage<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Error> {
        if message.len() > limits::MESSAGE_MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let (signed, mac) =
            message.split_last_chunk::<MAC_BYTES>().ok_or(Error::InvalidMessage("too short"))?;
        let (mut ratchet_key, mut counter, mut ciphertext) = (None, None, None);
        let (mut pq_ratchet, mut addresses) = (None, None);
        for field in protobuf::fields(body(signed)?) {
            match field? {
                (1, value) => ratchet_key = Some(PublicKey::deserialize(value.bytes()?)?),
                (2, value) => counter = Some(value.u32()?),
                (4, value) => ciphertext = Some(value.bytes()?),
                (5, value) => pq_ratchet = Some(value.bytes()?),
                (6, value) => addresses = Some(value.bytes()?),
                // 3 is the previous counter, which is told but never needed: old chains are kept.
                _ => {}
            }
        }
        Ok(Self {
            ratchet_key: ratchet_key.ok_or(Error::InvalidMessage("no ratchet key"))?,
            counter: counter.ok_or(Error::InvalidMessage("no counter"))?,
            ciphertext: ciphertext.ok_or(Error::InvalidMessage("no ciphertext"))?,
            pq_ratchet: pq_ratchet.ok_or(Error::InvalidMessage("no post-quantum ratchet"))?,
            addresses,
            signed,
            mac,
        })
    }

    /// Checks the MAC, and the addresses when the message is bound to some and ours are known.
    pub(crate) fn authentic(&self, mac_key: &[u8], from: &PublicKey, local: &Local<'_>) -> Result<(), Error> {
        let expected = mac(mac_key, from, &local.identity.public(), self.signed);
        if !bool::from(expected.ct_eq(self.mac)) {
            return Err(Error::InvalidMessage("authentication"));
        }
        match (self.addresses, local.pair_incoming()) {
            (Some(found), Some(expected)) if found != expected => Err(Error::WrongAddress),
            _ => Ok(()),
        }
    }
}

/// A PreKeySignalMessage: what the other side needs to make the session, around a SignalMessage.
pub(crate) struct PreKeyMessage<'a> {
    pub(crate) header: PreKeyHeader,
    pub(crate) kyber_ciphertext: &'a [u8],
    pub(crate) inner: &'a [u8],
}

impl<'a> PreKeyMessage<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Error> {
        if message.len() > limits::MESSAGE_MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let (mut one_time, mut base_key, mut identity) = (None, None, None);
        let (mut inner, mut registration_id, mut signed) = (None, 0, None);
        let (mut kyber, mut kyber_ciphertext) = (None, None);
        for field in protobuf::fields(body(message)?) {
            match field? {
                (1, value) => one_time = Some(value.u32()?),
                (2, value) => base_key = Some(PublicKey::deserialize(value.bytes()?)?),
                (3, value) => identity = Some(PublicKey::deserialize(value.bytes()?)?),
                (4, value) => inner = Some(value.bytes()?),
                (5, value) => registration_id = value.u32()?,
                (6, value) => signed = Some(value.u32()?),
                (7, value) => kyber = Some(value.u32()?),
                (8, value) => kyber_ciphertext = Some(value.bytes()?),
                _ => {}
            }
        }
        Ok(Self {
            header: PreKeyHeader {
                registration_id,
                identity: identity.ok_or(Error::InvalidMessage("no identity key"))?,
                one_time,
                signed: signed.ok_or(Error::InvalidMessage("no signed prekey id"))?,
                kyber: kyber.ok_or(Error::InvalidMessage("no Kyber prekey id"))?,
                base_key: base_key.ok_or(Error::InvalidMessage("no base key"))?,
            },
            kyber_ciphertext: kyber_ciphertext.ok_or(Error::InvalidMessage("no Kyber ciphertext"))?,
            inner: inner.ok_or(Error::InvalidMessage("no inner message"))?,
        })
    }

    pub(crate) fn serialize(&self) -> Vec<u8> {
        let header = &self.header;
        let mut out = Vec::with_capacity(self.inner.len() + kem::CIPHERTEXT_BYTES + 128);
        out.push(VERSION);
        if let Some(id) = header.one_time {
            protobuf::put_u32(&mut out, 1, id);
        }
        protobuf::put_bytes(&mut out, 2, &header.base_key.serialize());
        protobuf::put_bytes(&mut out, 3, &header.identity.serialize());
        protobuf::put_bytes(&mut out, 4, self.inner);
        protobuf::put_u32(&mut out, 5, header.registration_id);
        protobuf::put_u32(&mut out, 6, header.signed);
        protobuf::put_u32(&mut out, 7, header.kyber);
        protobuf::put_bytes(&mut out, 8, self.kyber_ciphertext);
        out
    }
}

fn body(message: &[u8]) -> Result<&[u8], Error> {
    match message.split_first() {
        Some((&VERSION, body)) => Ok(body),
        Some((version, _)) => Err(Error::UnsupportedVersion(version >> 4)),
        None => Err(Error::InvalidMessage("too short")),
    }
}

fn mac(key: &[u8], from: &PublicKey, to: &PublicKey, signed: &[u8]) -> [u8; MAC_BYTES] {
    let full = kdf::hmac(key, &[&from.serialize(), &to.serialize(), signed]);
    *kdf::part::<MAC_BYTES>(full.as_ref(), 0)
}

#[cfg(test)]
mod tests;
