//! The connection handshake, both roles: Noise with a post-quantum key on top.
//!
//! Noise Protocol Framework revision 34, `25519`, `AESGCM`, `SHA256`:
//! - `IK` when the client knows the server's static key, which an invitation carries: one round trip;
//! - `XX` otherwise: the client learns the key and the caller decides whether to trust it.
//!
//! **Hybrid key.** The client's first message carries a fresh ML-KEM-768 (FIPS 203) encapsulation key as
//! its payload, the server's answer the ciphertext. Transport keys are
//! `HKDF-SHA256(salt = h, ikm = k ‖ ss, info = label)` for each direction, with `h` the final Noise
//! handshake hash, `k` the key that Noise's `Split` gives for the direction and `ss` the encapsulated
//! secret. Why that is sound: HKDF extracts a good key when either part of its input is unknown to the
//! attacker, so confidentiality holds while either X25519 or ML-KEM-768 does; `h` covers both payloads, so
//! a substituted encapsulation key or ciphertext gives other keys on the two sides (and in all messages
//! but `XX`'s first the payload is authenticated by Noise itself); authentication rests on Noise alone and
//! is not weakened, because nothing is sent under the transport keys before it is complete. A recording
//! attacker who later breaks X25519 learns the static keys' identities, never the traffic.
//!
//! **Replay.** Noise's first `IK` message can be replayed: the answering side then ends its part with the
//! victim's key as [`Finished::peer`], but can never open a frame, because whoever replays does not have
//! the ephemeral key. So the accepting side acts on the peer's name only once the first frame has opened.
//!
//! Both roles are pure: bytes in, bytes out, fresh entropy at the start.

pub(crate) mod resolver;

use hkdf::Hkdf;
use libcrux_ml_kem::mlkem768;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Malformed;
use crate::frame;
use crate::id::DeviceKey;
use crate::transport::Transport;
use resolver::Resolver;

/// Bytes before the first handshake message: magic, wire version, Noise pattern. Also Noise's prologue.
pub const PREAMBLE_BYTES: usize = 5;
/// First bytes of every connection; tells a Waxwing stream from an HTTP request on the same port.
pub const MAGIC: [u8; 3] = *b"WXW";
/// Longest handshake message either side sends, length prefix included.
pub const MAX_HANDSHAKE_BYTES: usize = 2_048;

const ENCAPSULATION_KEY_BYTES: usize = 1_184;
const KEM_CIPHERTEXT_BYTES: usize = 1_088;

/// A static X25519 private key: a device's credential, or a server's identity.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct StaticKey([u8; 32]);

impl StaticKey {
    /// A new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// One that was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For the store that keeps it.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0)
    }

    /// What the peer learns.
    #[must_use]
    pub fn public(&self) -> DeviceKey {
        let secret = x25519_dalek::StaticSecret::from(self.0);
        DeviceKey(x25519_dalek::PublicKey::from(&secret).to_bytes())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Ik,
    Xx,
}

impl Pattern {
    const fn byte(self) -> u8 {
        match self {
            Self::Ik => 1,
            Self::Xx => 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ik => "Noise_IK_25519_AESGCM_SHA256",
            Self::Xx => "Noise_XX_25519_AESGCM_SHA256",
        }
    }

    const fn preamble(self) -> [u8; PREAMBLE_BYTES] {
        let [a, b, c] = MAGIC;
        [a, b, c, crate::WIRE_VERSION as u8, self.byte()]
    }
}

/// A finished handshake.
pub struct Finished {
    /// The encrypted stream.
    pub transport: Transport,
    /// The peer's static key. For the connecting side it is proven. The accepting side of `IK` must not act
    /// on it before the first frame has opened: until then the message may be a replay.
    pub peer: DeviceKey,
}

/// The connecting side.
pub struct Initiator {
    noise: Box<snow::HandshakeState>,
    pattern: Pattern,
    decapsulation: Zeroizing<Vec<u8>>,
}

impl Initiator {
    /// Begins a handshake and returns the first bytes to send: preamble and first message.
    ///
    /// # Errors
    /// [`Malformed`] when `server` is not a usable X25519 key.
    pub fn start(
        local: &StaticKey,
        server: Option<DeviceKey>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<u8>), Malformed> {
        let pattern = if server.is_some() { Pattern::Ik } else { Pattern::Xx };
        let mut seed = Zeroizing::new([0u8; libcrux_ml_kem::KEY_GENERATION_SEED_SIZE]);
        rng.fill_bytes(&mut *seed);
        let (private, public) = mlkem768::generate_key_pair(*seed).into_parts();
        let mut noise = build(pattern, local, server, true, rng)?;
        let mut bytes = pattern.preamble().to_vec();
        write_message(&mut noise, public.as_slice(), &mut bytes)?;
        let decapsulation = Zeroizing::new(private.as_slice().to_vec());
        Ok((Self { noise: Box::new(noise), pattern, decapsulation }, bytes))
    }

    /// Reads the server's answer (one frame without its length) and ends the handshake. The bytes
    /// returned beside it, if any, go out before any frame.
    ///
    /// # Errors
    /// [`Malformed`] when the peer is not the server that was asked for, or not a Waxwing server.
    pub fn finish(mut self, frame: &[u8]) -> Result<(Finished, Vec<u8>), Malformed> {
        let ciphertext = read_message(&mut self.noise, frame)?;
        let ciphertext: [u8; KEM_CIPHERTEXT_BYTES] =
            ciphertext.as_slice().try_into().map_err(|_| Malformed::new("handshake: ML-KEM ciphertext"))?;
        let private = mlkem768::MlKem768PrivateKey::try_from(self.decapsulation.as_slice())
            .expect("it was a private key when the handshake began");
        let shared = Zeroizing::new(mlkem768::decapsulate(&private, &ciphertext.into()));
        let mut out = Vec::new();
        if self.pattern == Pattern::Xx {
            write_message(&mut self.noise, &[], &mut out)?;
        }
        let (up, down) = transport_keys(&mut self.noise, &shared);
        Ok((Finished { transport: Transport::new(&up, &down), peer: peer_key(&self.noise)? }, out))
    }
}

/// The accepting side.
pub struct Responder {
    noise: Box<snow::HandshakeState>,
    pattern: Pattern,
    shared: Zeroizing<[u8; 32]>,
    seed: Zeroizing<[u8; 32]>,
}

/// What the accepting side has after a message.
pub enum Answer {
    /// Send these bytes and wait for the client's last message.
    Continue(Responder, Vec<u8>),
    /// Send these bytes; the handshake is over.
    Finished(Finished, Vec<u8>),
}

impl Responder {
    /// Begins with the first [`PREAMBLE_BYTES`] of the stream.
    ///
    /// # Errors
    /// [`Malformed`] when the peer does not speak this protocol or this version of it.
    pub fn start(
        local: &StaticKey,
        preamble: &[u8; PREAMBLE_BYTES],
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Malformed> {
        let pattern = [Pattern::Ik, Pattern::Xx]
            .into_iter()
            .find(|pattern| pattern.preamble() == *preamble)
            .ok_or(Malformed::new("preamble"))?;
        let noise = Box::new(build(pattern, local, None, false, rng)?);
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Ok(Self { noise, pattern, shared: Zeroizing::new([0; 32]), seed })
    }

    /// Reads one frame (without its length) of the handshake.
    ///
    /// # Errors
    /// [`Malformed`] when it is not a valid message; the connection is then to be closed.
    pub fn read(mut self, frame: &[u8]) -> Result<Answer, Malformed> {
        let payload = read_message(&mut self.noise, frame)?;
        if self.noise.is_handshake_finished() {
            if !payload.is_empty() {
                return Err(Malformed::new("handshake: last message"));
            }
            let finished = self.finished()?;
            return Ok(Answer::Finished(finished, Vec::new()));
        }
        let key: [u8; ENCAPSULATION_KEY_BYTES] =
            payload.as_slice().try_into().map_err(|_| Malformed::new("handshake: ML-KEM key"))?;
        let key = key.into();
        if !mlkem768::validate_public_key(&key) {
            return Err(Malformed::new("handshake: ML-KEM key"));
        }
        let (ciphertext, shared) = mlkem768::encapsulate(&key, *self.seed);
        self.shared = Zeroizing::new(shared);
        let mut out = Vec::new();
        write_message(&mut self.noise, ciphertext.as_slice(), &mut out)?;
        match self.pattern {
            Pattern::Ik => Ok(Answer::Finished(self.finished()?, out)),
            Pattern::Xx => Ok(Answer::Continue(self, out)),
        }
    }

    fn finished(&mut self) -> Result<Finished, Malformed> {
        let (up, down) = transport_keys(&mut self.noise, &self.shared);
        Ok(Finished { transport: Transport::new(&down, &up), peer: peer_key(&self.noise)? })
    }
}

fn build(
    pattern: Pattern,
    local: &StaticKey,
    server: Option<DeviceKey>,
    initiator: bool,
    rng: &mut dyn CryptoRng,
) -> Result<snow::HandshakeState, Malformed> {
    let broken = |_| Malformed::new("handshake keys");
    let params = pattern.name().parse().map_err(broken)?;
    let preamble = pattern.preamble();
    let mut ephemeral = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(&mut *ephemeral);
    let resolver = Box::new(Resolver::new(ephemeral));
    let mut builder = snow::Builder::with_resolver(params, resolver)
        .local_private_key(&local.0)
        .and_then(|b| b.prologue(&preamble))
        .map_err(broken)?;
    if let Some(server) = &server {
        builder = builder.remote_public_key(&server.0).map_err(broken)?;
    }
    let built = if initiator { builder.build_initiator() } else { builder.build_responder() };
    built.map_err(broken)
}

fn write_message(
    noise: &mut snow::HandshakeState,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let mut message = [0u8; MAX_HANDSHAKE_BYTES];
    let length = noise.write_message(payload, &mut message).map_err(|_| Malformed::new("handshake keys"))?;
    frame::put_length(out, length);
    out.extend_from_slice(message.get(..length).unwrap_or_default());
    Ok(())
}

fn read_message(noise: &mut snow::HandshakeState, message: &[u8]) -> Result<Vec<u8>, Malformed> {
    if message.len() > MAX_HANDSHAKE_BYTES {
        return Err(Malformed::new("handshake: too long"));
    }
    let mut payload = vec![0; message.len()];
    let length = noise
        .read_message(message, &mut payload)
        .map_err(|_| Malformed::new("handshake: not authentic, or meant for another server"))?;
    payload.truncate(length);
    Ok(payload)
}

fn peer_key(noise: &snow::HandshakeState) -> Result<DeviceKey, Malformed> {
    noise
        .get_remote_static()
        .and_then(|key| key.try_into().ok())
        .map(DeviceKey)
        .ok_or(Malformed::new("handshake: no static key"))
}

/// Keys of the client's and of the server's direction.
fn transport_keys(
    noise: &mut snow::HandshakeState,
    shared: &[u8; 32],
) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    let (up, down) = noise.dangerously_get_raw_split();
    let (up, down) = (Zeroizing::new(up), Zeroizing::new(down));
    let hash = noise.get_handshake_hash();
    let derive = |key: &[u8; 32], label: &[u8]| {
        let mut input = Zeroizing::new([0u8; 64]);
        let (first, second) = input.split_at_mut(32);
        first.copy_from_slice(key);
        second.copy_from_slice(shared);
        let mut output = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(hash), &*input)
            .expand(label, &mut *output)
            .expect("32 bytes are below HKDF's limit of 8,160");
        output
    };
    (derive(&up, b"waxwing 1 client to server"), derive(&down, b"waxwing 1 server to client"))
}
