//! Sessions with one other device: the current one, and archived ones that messages may still be
//! under way to (Sesame, section 3, as far as one pair of devices goes).

mod pqxdh;
mod ratchet;

use std::collections::VecDeque;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    Address, Error, IdentityKeyPair, PreKeyBundle, PreKeys, PublicKey, limits,
    message::{PreKeyMessage, SignalMessage},
    record::{Reader, Writer},
};
use ratchet::State;

const RECORD_VERSION: u8 = 1;

/// Who we are in a conversation.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    /// Our identity.
    pub identity: &'a IdentityKeyPair,
    /// Our registration id (14 bits).
    pub registration_id: u32,
    /// Our own address. When both addresses are given, the messages that start a session are bound
    /// to them, and bound messages that come in are checked.
    pub address: Option<Address>,
    /// The address of the device at the other end, likewise.
    pub remote_address: Option<Address>,
}

impl Local<'_> {
    fn pair_outgoing(&self) -> Option<Vec<u8>> {
        Some(Address::pair(self.address.as_ref()?, self.remote_address.as_ref()?))
    }

    pub(crate) fn pair_incoming(&self) -> Option<Vec<u8>> {
        Some(Address::pair(self.remote_address.as_ref()?, self.address.as_ref()?))
    }
}

/// What was agreed with one other device: the current session, and up to 40 archived ones.
#[derive(Clone)]
pub struct Session {
    remote_identity: PublicKey,
    current: Option<State>,
    /// Encoded, newest first: they are rarely looked at.
    archived: VecDeque<Zeroizing<Vec<u8>>>,
}

impl Session {
    /// The record to store: 0.8 to 2 KB for a session, 32 bytes and some more for each message
    /// that was overtaken, and up to 2 KB for each archived session. A secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(RECORD_VERSION);
        out.fixed(self.remote_identity.as_bytes());
        out.u8(self.current.is_some().into());
        if let Some(state) = &self.current {
            state.encode(&mut out);
        }
        out.length(self.archived.len());
        for state in &self.archived {
            out.bytes(state);
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
        let remote_identity = PublicKey::from_bytes(*input.fixed()?);
        let current = match input.u8()? {
            0 => None,
            1 => Some(State::decode(&mut input)?),
            _ => return Err(Error::InvalidRecord("session")),
        };
        let count = input.count(limits::ARCHIVED_SESSIONS_MAX)?;
        let archived =
            (0..count).map(|_| Ok(Zeroizing::new(input.bytes()?.to_vec()))).collect::<Result<_, Error>>()?;
        input.finish()?;
        Ok(Self { remote_identity, current, archived })
    }

    /// Whether [`encrypt`] would work now: there is a current session, and it was answered or is
    /// younger than 30 days.
    pub fn has_usable_sender_chain(&self, now_ms: u64) -> bool {
        self.current.as_ref().is_some_and(|state| !state.is_stale(now_ms))
    }

    /// Retires the current session; messages under way to it can still be read.
    pub fn archive_current(&mut self) {
        if let Some(state) = self.current.take() {
            self.archived.push_front(state.archive());
            self.archived.truncate(limits::ARCHIVED_SESSIONS_MAX);
        }
    }

    /// The registration id of the device at the other end, as it said when the current session
    /// started. None without a current session.
    pub fn remote_registration_id(&self) -> Option<u32> {
        self.current.as_ref().map(|state| state.remote_registration_id)
    }

    /// The identity key of the device at the other end.
    pub fn remote_identity(&self) -> PublicKey {
        self.remote_identity
    }

    /// How many archived sessions the record holds, at most 40.
    pub fn archived_count(&self) -> usize {
        self.archived.len()
    }

    fn fresh(existing: Option<Self>, remote_identity: PublicKey) -> Result<Self, Error> {
        match existing {
            Some(session) if session.remote_identity == remote_identity => Ok(session),
            Some(_) => Err(Error::UntrustedIdentity),
            None => Ok(Self { remote_identity, current: None, archived: VecDeque::new() }),
        }
    }

    /// Makes a state the current one, and archives the one that was.
    fn promote(&mut self, state: State) {
        self.archive_current();
        self.current = Some(state);
    }

    /// Takes out the state that a prekey message of this base key made, if it is still here.
    fn take_matching(&mut self, base_key: &PublicKey) -> Option<State> {
        if self.current.as_ref().is_some_and(|state| state.base_key == *base_key) {
            return self.current.take();
        }
        let at = self
            .archived
            .iter()
            .position(|state| State::decode_base_key(state).is_some_and(|found| found == *base_key))?;
        let state = decode_archived(self.archived.get(at)?).ok()?;
        self.archived.remove(at);
        Some(state)
    }
}

fn decode_archived(record: &[u8]) -> Result<State, Error> {
    let mut input = Reader::new(record)?;
    let state = State::decode(&mut input)?;
    input.finish()?;
    Ok(state)
}

/// A message to send, as its kind and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ciphertext {
    /// Makes the session at the other end; the form is repeated until its first answer.
    PreKey(Vec<u8>),
    /// Within a session that both ends have.
    Whisper(Vec<u8>),
}

impl Ciphertext {
    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::PreKey(bytes) | Self::Whisper(bytes) => bytes,
        }
    }
}

/// Starts a session with the device that published a bundle (PQXDH, section 3.3), and archives
/// what was current. The caller has made sure that the bundle's identity is trusted.
///
/// # Errors
/// [`Error::InvalidSignature`] or [`Error::InvalidKey`] for a bad bundle;
/// [`Error::UntrustedIdentity`] when the existing sessions were made with another identity.
pub fn initiate(
    existing: Option<Session>,
    local: &Local<'_>,
    bundle: &PreKeyBundle,
    now_ms: u64,
    rng: &mut dyn CryptoRng,
) -> Result<Session, Error> {
    let mut session = Session::fresh(existing, bundle.identity)?;
    session.promote(pqxdh::initiate(local, bundle, now_ms, rng)?);
    Ok(session)
}

/// Encrypts with the current session. Persist the session before the message leaves.
///
/// # Errors
/// [`Error::NoSession`] without a current session; [`Error::StaleSession`] when it was never
/// answered for 30 days; [`Error::TooLarge`], [`Error::Exhausted`]. The session is then unchanged.
pub fn encrypt(
    session: &mut Session,
    local: &Local<'_>,
    plaintext: &[u8],
    now_ms: u64,
    rng: &mut dyn CryptoRng,
) -> Result<Ciphertext, Error> {
    if plaintext.len() > limits::PLAINTEXT_MAX_BYTES {
        return Err(Error::TooLarge);
    }
    let state = session.current.as_mut().ok_or(Error::NoSession)?;
    if state.is_stale(now_ms) {
        return Err(Error::StaleSession);
    }
    state.send(&session.remote_identity, local, plaintext, rng)
}

/// Decrypts a [`Ciphertext::Whisper`] with the current session, or else an archived one, which then
/// becomes the current one.
///
/// # Errors
/// [`Error::Duplicate`], [`Error::TooFarAhead`], [`Error::WrongAddress`], or
/// [`Error::InvalidMessage`] when no session reads it. The session is then unchanged.
pub fn decrypt_whisper(
    session: &mut Session,
    local: &Local<'_>,
    message: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let message = SignalMessage::parse(message)?;
    let mut failure = Error::NoSession;
    if let Some(state) = &session.current {
        match received(state.clone(), &session.remote_identity, local, &message, rng) {
            Ok((state, plaintext)) => {
                session.current = Some(state);
                return Ok(plaintext);
            }
            Err(Error::Duplicate) => return Err(Error::Duplicate),
            Err(error) => failure = error,
        }
    }
    for at in 0..session.archived.len() {
        let state = session.archived.get(at).map(|record| decode_archived(record));
        let Some(Ok(state)) = state else { continue };
        match received(state, &session.remote_identity, local, &message, rng) {
            Ok((state, plaintext)) => {
                session.archived.remove(at);
                session.promote(state);
                return Ok(plaintext);
            }
            Err(Error::Duplicate) => return Err(Error::Duplicate),
            Err(error) if failure == Error::NoSession => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

/// Receives on a state that may be thrown away.
fn received(
    mut state: State,
    remote_identity: &PublicKey,
    local: &Local<'_>,
    message: &SignalMessage<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<(State, Zeroizing<Vec<u8>>), Error> {
    let plaintext = state.receive(remote_identity, local, message, rng)?;
    Ok((state, plaintext))
}

/// Which of our prekeys a prekey message used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedPreKeys {
    /// Whether the message made a new session; else the ids are repeated from the one that did.
    pub new_session: bool,
    /// The one-time prekey: delete it, in the commit that stores the session.
    pub one_time: Option<u32>,
    /// The signed prekey: keep it until it is rotated out.
    pub signed: u32,
    /// The Kyber prekey: delete it likewise, unless it is the last resort. Of that one, remember
    /// the base keys it was used with and refuse a new session with one of them: else whoever kept
    /// a first message without one-time prekeys could bring it again once its session is gone.
    pub kyber: u32,
}

/// Decrypts a [`Ciphertext::PreKey`]: makes the session unless it exists, and archives what was
/// current. Check before, by [`peek_prekey`], that the identity in it is trusted. On an error the
/// caller still has its record; nothing was used up.
///
/// `_now_ms` is not looked at today: the age of prekeys is their owner's affair.
///
/// # Errors
/// The unknown-prekey errors when a prekey it names is gone; [`Error::UntrustedIdentity`] when the
/// existing sessions were made with another identity; [`Error::Duplicate`] and the others of
/// [`decrypt_whisper`].
pub fn decrypt_prekey(
    existing: Option<Session>,
    local: &Local<'_>,
    keys: &dyn PreKeys,
    message: &[u8],
    _now_ms: u64,
    rng: &mut dyn CryptoRng,
) -> Result<(Session, Zeroizing<Vec<u8>>, UsedPreKeys), Error> {
    let message = PreKeyMessage::parse(message)?;
    let inner = SignalMessage::parse(message.inner)?;
    let header = &message.header;
    let mut session = Session::fresh(existing, header.identity)?;
    let (state, new_session) = match session.take_matching(&header.base_key) {
        Some(state) => (state, false),
        None => (pqxdh::respond(local, keys, &message)?, true),
    };
    let (state, plaintext) = received(state, &header.identity, local, &inner, rng)?;
    session.promote(state);
    let used =
        UsedPreKeys { new_session, one_time: header.one_time, signed: header.signed, kyber: header.kyber };
    Ok((session, plaintext, used))
}

/// What a prekey message says before anything is decrypted. Unauthenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreKeyHeader {
    /// The sender's registration id.
    pub registration_id: u32,
    /// The sender's identity key: check that it is trusted.
    pub identity: PublicKey,
    /// Our one-time prekey that it used.
    pub one_time: Option<u32>,
    /// Our signed prekey that it used.
    pub signed: u32,
    /// Our Kyber prekey that it used.
    pub kyber: u32,
    /// The sender's base key, which names the session.
    pub base_key: PublicKey,
}

/// Reads the header of a prekey message.
///
/// # Errors
/// [`Error::InvalidMessage`], [`Error::InvalidKey`] or [`Error::UnsupportedVersion`] when it is
/// not one.
pub fn peek_prekey(message: &[u8]) -> Result<PreKeyHeader, Error> {
    PreKeyMessage::parse(message).map(|message| message.header)
}

#[cfg(test)]
mod tests;
