//! The ML-KEM Braid: one side sends a public key in pieces, the other a ciphertext, at the same
//! time; then they change roles ("The ML-KEM Braid Protocol", the state machine). Names of phases
//! follow that document. Every message of the session carries one piece.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    Epoch, EpochSecret,
    authenticator::{self, Authenticator, MAC_BYTES},
    erasure::{self, Collector},
    mlkem::{self, CT1_BYTES, CT2_BYTES, Coins, HEADER_BYTES, KEY_BYTES, Seed},
    packet::{Payload, Piece},
};
use crate::{
    Error, kdf,
    keys::Key,
    record::{Reader, Writer},
};

const HEADER_AND_MAC_BYTES: usize = HEADER_BYTES + MAC_BYTES;
const CT2_AND_MAC_BYTES: usize = CT2_BYTES + MAC_BYTES;

#[derive(Clone)]
pub(super) struct Braid {
    /// The epoch being agreed on, from 1.
    epoch: Epoch,
    authenticator: Authenticator,
    phase: Phase,
}

#[derive(Clone)]
enum Phase {
    KeysUnsampled,
    KeysSampled(KeysSampled),
    HeaderSent(HeaderSent),
    Ct1Received(Ct1Received),
    EkSentCt1Received(EkSentCt1Received),
    NoHeaderReceived(Collector),
    HeaderReceived(Box<[u8; HEADER_BYTES]>),
    Ct1Sampled(Ct1Sampled),
    EkReceivedCt1Sampled(EkReceivedCt1Sampled),
    Ct1Acknowledged(Ct1Acknowledged),
    Ct2Sampled(Ct2Sampled),
}

#[derive(Clone)]
struct KeysSampled {
    seed: Seed,
    next_row: u16,
}

#[derive(Clone)]
struct HeaderSent {
    seed: Seed,
    next_row: u16,
    ct1: Collector,
}

#[derive(Clone)]
struct Ct1Received {
    seed: Seed,
    next_row: u16,
    ct1: Box<[u8; CT1_BYTES]>,
}

#[derive(Clone)]
struct EkSentCt1Received {
    seed: Seed,
    ct1: Box<[u8; CT1_BYTES]>,
    ct2: Collector,
}

#[derive(Clone)]
struct Ct1Sampled {
    encapsulation: Encapsulation,
    next_row: u16,
    key: Collector,
}

#[derive(Clone)]
struct EkReceivedCt1Sampled {
    encapsulation: Encapsulation,
    next_row: u16,
    ct2_and_mac: Box<[u8; CT2_AND_MAC_BYTES]>,
}

#[derive(Clone)]
struct Ct1Acknowledged {
    encapsulation: Encapsulation,
    key: Collector,
}

#[derive(Clone)]
struct Ct2Sampled {
    next_row: u16,
    ct2_and_mac: Box<[u8; CT2_AND_MAC_BYTES]>,
}

/// All that an encapsulation grows from.
#[derive(Clone)]
struct Encapsulation {
    header: Box<[u8; HEADER_BYTES]>,
    coins: Coins,
}

impl Braid {
    /// The side that sends the first key.
    pub(super) fn sends_keys(key: &Key) -> Self {
        let authenticator = Authenticator::new(key, 1);
        Self { epoch: 1, authenticator, phase: Phase::KeysUnsampled }
    }

    /// The side that answers with a ciphertext.
    pub(super) fn sends_ciphertext(key: &Key) -> Self {
        let authenticator = Authenticator::new(key, 1);
        Self { epoch: 1, authenticator, phase: Phase::no_header_received() }
    }

    /// The epoch and piece to send next, and a secret when this agreed on one.
    pub(super) fn send(
        &mut self,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Epoch, Payload, Option<EpochSecret>), Error> {
        if self.epoch == Epoch::MAX {
            return Err(Error::Exhausted);
        }
        self.sample(rng);
        let mut agreed = None;
        if let Phase::HeaderReceived(header) = &self.phase {
            let mut coins = Zeroizing::new([0; 32]);
            rng.fill_bytes(coins.as_mut());
            let encapsulation = Encapsulation { header: header.clone(), coins };
            let (_, shared) = encapsulation.ct1();
            agreed = Some(self.agree(&shared));
            let key = Collector::new(KEY_BYTES);
            self.phase = Phase::Ct1Sampled(Ct1Sampled { encapsulation, next_row: 0, key });
        }
        let payload = self.next_payload();
        Ok((self.epoch, payload, agreed))
    }

    /// Takes in a piece, and gives a secret when this agreed on one.
    pub(super) fn receive(
        mut self,
        epoch: Epoch,
        payload: Payload,
    ) -> Result<(Self, Option<EpochSecret>), Error> {
        if epoch > self.epoch {
            // Only who has sent its whole ciphertext may be overtaken: the other side has it.
            return match self.phase {
                Phase::Ct2Sampled(_) if epoch - 1 == self.epoch => {
                    Ok((Self { epoch, phase: Phase::KeysUnsampled, ..self }, None))
                }
                _ => Err(Error::InvalidMessage("post-quantum epoch")),
            };
        }
        if epoch < self.epoch {
            return Ok((self, None));
        }
        self.phase = match (self.phase, payload) {
            (Phase::KeysSampled(phase), Payload::Ct1(piece)) => phase.receive(piece),
            (Phase::HeaderSent(phase), Payload::Ct1(piece)) => phase.receive(piece),
            (Phase::Ct1Received(phase), Payload::Ct2(piece)) => phase.receive(piece),
            (Phase::EkSentCt1Received(mut phase), Payload::Ct2(piece)) => {
                if let Some(content) = phase.ct2.add(piece.index, piece.row) {
                    return finish(self.epoch, &self.authenticator, &phase, &content);
                }
                Phase::EkSentCt1Received(phase)
            }
            (Phase::NoHeaderReceived(mut header), Payload::Header(piece)) => {
                match header.add(piece.index, piece.row) {
                    Some(content) => Phase::header_received(self.epoch, &self.authenticator, &content)?,
                    None => Phase::NoHeaderReceived(header),
                }
            }
            (Phase::Ct1Sampled(phase), Payload::Key(piece)) => {
                phase.receive(piece, false, self.epoch, &self.authenticator)?
            }
            (Phase::Ct1Sampled(phase), Payload::KeyAck(piece)) => {
                phase.receive(piece, true, self.epoch, &self.authenticator)?
            }
            (Phase::EkReceivedCt1Sampled(phase), Payload::Ack | Payload::KeyAck(_)) => {
                Phase::Ct2Sampled(Ct2Sampled { next_row: 0, ct2_and_mac: phase.ct2_and_mac })
            }
            (Phase::Ct1Acknowledged(phase), Payload::Key(piece) | Payload::KeyAck(piece)) => {
                phase.receive(piece, self.epoch, &self.authenticator)?
            }
            // Pieces that came late, or came early and will come again.
            (phase, _) => phase,
        };
        Ok((self, None))
    }

    /// Draws a key pair when it is time for one.
    fn sample(&mut self, rng: &mut dyn CryptoRng) {
        if let Phase::KeysUnsampled = self.phase {
            let mut seed = Zeroizing::new([0; 64]);
            rng.fill_bytes(seed.as_mut());
            self.phase = Phase::KeysSampled(KeysSampled { seed, next_row: 0 });
        }
    }

    /// Derives the secret of this epoch, and mixes it into the authenticator.
    fn agree(&mut self, shared: &Key) -> EpochSecret {
        let (agreed, authenticator) = agree(self.epoch, &self.authenticator, shared);
        self.authenticator = authenticator;
        agreed
    }

    fn next_payload(&mut self) -> Payload {
        let epoch = self.epoch;
        match &mut self.phase {
            Phase::KeysSampled(phase) => {
                let header = mlkem::header(&phase.seed);
                let mac = self.authenticator.mac_header(epoch, &header);
                Payload::Header(piece(&[header.as_slice(), &mac].concat(), &mut phase.next_row))
            }
            Phase::HeaderSent(phase) => Payload::Key(piece(&mlkem::key(&phase.seed), &mut phase.next_row)),
            Phase::Ct1Received(phase) => {
                Payload::KeyAck(piece(&mlkem::key(&phase.seed), &mut phase.next_row))
            }
            Phase::EkSentCt1Received(_) => Payload::Ack,
            Phase::Ct1Sampled(phase) => {
                Payload::Ct1(piece(&phase.encapsulation.ct1().0, &mut phase.next_row))
            }
            Phase::EkReceivedCt1Sampled(phase) => {
                Payload::Ct1(piece(&phase.encapsulation.ct1().0, &mut phase.next_row))
            }
            Phase::Ct2Sampled(phase) => {
                Payload::Ct2(piece(phase.ct2_and_mac.as_slice(), &mut phase.next_row))
            }
            Phase::KeysUnsampled
            | Phase::NoHeaderReceived(_)
            | Phase::HeaderReceived(_)
            | Phase::Ct1Acknowledged(_) => Payload::Nothing,
        }
    }
}

impl KeysSampled {
    fn receive(self, piece: Piece) -> Phase {
        // The first piece of ciphertext proves that the header arrived.
        let ct1 = Collector::new(CT1_BYTES);
        HeaderSent { seed: self.seed, next_row: 0, ct1 }.receive(piece)
    }
}

impl HeaderSent {
    fn receive(mut self, piece: Piece) -> Phase {
        match self.ct1.add(piece.index, piece.row).and_then(boxed) {
            Some(ct1) => Phase::Ct1Received(Ct1Received { seed: self.seed, next_row: self.next_row, ct1 }),
            None => Phase::HeaderSent(self),
        }
    }
}

impl Ct1Received {
    fn receive(self, piece: Piece) -> Phase {
        // The first piece of the second part proves that the key arrived.
        let mut ct2 = Collector::new(CT2_AND_MAC_BYTES);
        ct2.add(piece.index, piece.row);
        Phase::EkSentCt1Received(EkSentCt1Received { seed: self.seed, ct1: self.ct1, ct2 })
    }
}

impl Ct1Sampled {
    fn receive(
        mut self,
        piece: Piece,
        acknowledged: bool,
        epoch: Epoch,
        authenticator: &Authenticator,
    ) -> Result<Phase, Error> {
        let Some(key) = self.key.add(piece.index, piece.row).and_then(boxed) else {
            let Self { encapsulation, key, .. } = &self;
            return Ok(if acknowledged {
                Phase::Ct1Acknowledged(Ct1Acknowledged {
                    encapsulation: encapsulation.clone(),
                    key: key.clone(),
                })
            } else {
                Phase::Ct1Sampled(self)
            });
        };
        let ct2_and_mac = self.encapsulation.ct2_and_mac(&key, epoch, authenticator)?;
        Ok(if acknowledged {
            Phase::Ct2Sampled(Ct2Sampled { next_row: 0, ct2_and_mac })
        } else {
            let Self { encapsulation, next_row, .. } = self;
            Phase::EkReceivedCt1Sampled(EkReceivedCt1Sampled { encapsulation, next_row, ct2_and_mac })
        })
    }
}

impl Ct1Acknowledged {
    fn receive(mut self, piece: Piece, epoch: Epoch, authenticator: &Authenticator) -> Result<Phase, Error> {
        match self.key.add(piece.index, piece.row).and_then(boxed) {
            Some(key) => {
                let ct2_and_mac = self.encapsulation.ct2_and_mac(&key, epoch, authenticator)?;
                Ok(Phase::Ct2Sampled(Ct2Sampled { next_row: 0, ct2_and_mac }))
            }
            None => Ok(Phase::Ct1Acknowledged(self)),
        }
    }
}

impl Encapsulation {
    fn ct1(&self) -> ([u8; CT1_BYTES], Key) {
        mlkem::encapsulate_1(&self.header, &self.coins)
    }

    fn ct2_and_mac(
        &self,
        key: &[u8; KEY_BYTES],
        epoch: Epoch,
        authenticator: &Authenticator,
    ) -> Result<Box<[u8; CT2_AND_MAC_BYTES]>, Error> {
        let (ct1, _) = self.ct1();
        let ct2 = mlkem::encapsulate_2(&self.header, &self.coins, key)?;
        let mac = authenticator.mac_ciphertext(epoch, &ct1, &ct2);
        Ok(boxed([ct2.as_slice(), &mac].concat()).expect("128 bytes and 32 are 160"))
    }
}

impl Phase {
    fn no_header_received() -> Self {
        Self::NoHeaderReceived(Collector::new(HEADER_AND_MAC_BYTES))
    }

    fn header_received(epoch: Epoch, authenticator: &Authenticator, content: &[u8]) -> Result<Self, Error> {
        let (header, mac) = content
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(Error::InvalidMessage("post-quantum header"))?;
        authenticator::check(&authenticator.mac_header(epoch, header), mac)?;
        Ok(Self::HeaderReceived(Box::new(*header)))
    }
}

/// The holder of the key has the whole ciphertext: the epoch ends, and the roles change.
fn finish(
    epoch: Epoch,
    authenticator: &Authenticator,
    phase: &EkSentCt1Received,
    content: &[u8],
) -> Result<(Braid, Option<EpochSecret>), Error> {
    let (ct2, mac) =
        content.split_first_chunk::<CT2_BYTES>().ok_or(Error::InvalidMessage("post-quantum ciphertext"))?;
    let shared = mlkem::decapsulate(&phase.seed, &phase.ct1, ct2);
    let (agreed, authenticator) = agree(epoch, authenticator, &shared);
    authenticator::check(&authenticator.mac_ciphertext(epoch, phase.ct1.as_slice(), ct2), mac)?;
    let epoch = epoch.checked_add(1).ok_or(Error::Exhausted)?;
    Ok((Braid { epoch, authenticator, phase: Phase::no_header_received() }, Some(agreed)))
}

fn agree(epoch: Epoch, before: &Authenticator, shared: &Key) -> (EpochSecret, Authenticator) {
    let label = b"Signal_PQCKA_V1_MLKEM768:SCKA Key";
    let secret = kdf::hkdf(None, shared.as_ref(), &[label, &epoch.to_be_bytes()]);
    let authenticator = before.updated(epoch, &secret);
    (EpochSecret { epoch, secret }, authenticator)
}

/// The next row of some content. Rows are numbered on past the content, and from 0 again after
/// 65,535.
fn piece(content: &[u8], next_row: &mut u16) -> Piece {
    let index = *next_row;
    *next_row = index.wrapping_add(1);
    Piece { index, row: erasure::row(content, index) }
}

fn boxed<const N: usize>(content: Vec<u8>) -> Option<Box<[u8; N]>> {
    content.into_boxed_slice().try_into().ok()
}

// ---- At rest ----

impl Braid {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.varint(self.epoch);
        self.authenticator.encode(out);
        match &self.phase {
            Phase::KeysUnsampled => out.u8(0),
            Phase::KeysSampled(phase) => {
                out.u8(1);
                out.fixed(phase.seed.as_ref());
                out.varint(phase.next_row.into());
            }
            Phase::HeaderSent(phase) => {
                out.u8(2);
                out.fixed(phase.seed.as_ref());
                out.varint(phase.next_row.into());
                phase.ct1.encode(out);
            }
            Phase::Ct1Received(phase) => {
                out.u8(3);
                out.fixed(phase.seed.as_ref());
                out.varint(phase.next_row.into());
                out.fixed(phase.ct1.as_slice());
            }
            Phase::EkSentCt1Received(phase) => {
                out.u8(4);
                out.fixed(phase.seed.as_ref());
                out.fixed(phase.ct1.as_slice());
                phase.ct2.encode(out);
            }
            Phase::NoHeaderReceived(header) => {
                out.u8(5);
                header.encode(out);
            }
            Phase::HeaderReceived(header) => {
                out.u8(6);
                out.fixed(header.as_slice());
            }
            Phase::Ct1Sampled(phase) => {
                out.u8(7);
                phase.encapsulation.encode(out);
                out.varint(phase.next_row.into());
                phase.key.encode(out);
            }
            Phase::EkReceivedCt1Sampled(phase) => {
                out.u8(8);
                phase.encapsulation.encode(out);
                out.varint(phase.next_row.into());
                out.fixed(phase.ct2_and_mac.as_slice());
            }
            Phase::Ct1Acknowledged(phase) => {
                out.u8(9);
                phase.encapsulation.encode(out);
                phase.key.encode(out);
            }
            Phase::Ct2Sampled(phase) => {
                out.u8(10);
                out.varint(phase.next_row.into());
                out.fixed(phase.ct2_and_mac.as_slice());
            }
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        let epoch = input.varint()?;
        if epoch == 0 {
            return Err(Error::InvalidRecord("post-quantum epoch"));
        }
        let authenticator = Authenticator::decode(input)?;
        let phase = Phase::decode(input)?;
        Ok(Self { epoch, authenticator, phase })
    }
}

impl Phase {
    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        // Fields are read in the order they are written in: struct expressions keep it.
        Ok(match input.u8()? {
            0 => Self::KeysUnsampled,
            1 => Self::KeysSampled(KeysSampled { seed: seed(input)?, next_row: number(input)? }),
            2 => Self::HeaderSent(HeaderSent {
                seed: seed(input)?,
                next_row: number(input)?,
                ct1: Collector::decode(input, CT1_BYTES)?,
            }),
            3 => Self::Ct1Received(Ct1Received {
                seed: seed(input)?,
                next_row: number(input)?,
                ct1: Box::new(*input.fixed()?),
            }),
            4 => Self::EkSentCt1Received(EkSentCt1Received {
                seed: seed(input)?,
                ct1: Box::new(*input.fixed()?),
                ct2: Collector::decode(input, CT2_AND_MAC_BYTES)?,
            }),
            5 => Self::NoHeaderReceived(Collector::decode(input, HEADER_AND_MAC_BYTES)?),
            6 => Self::HeaderReceived(Box::new(*input.fixed()?)),
            7 => Self::Ct1Sampled(Ct1Sampled {
                encapsulation: Encapsulation::decode(input)?,
                next_row: number(input)?,
                key: Collector::decode(input, KEY_BYTES)?,
            }),
            8 => Self::EkReceivedCt1Sampled(EkReceivedCt1Sampled {
                encapsulation: Encapsulation::decode(input)?,
                next_row: number(input)?,
                ct2_and_mac: Box::new(*input.fixed()?),
            }),
            9 => Self::Ct1Acknowledged(Ct1Acknowledged {
                encapsulation: Encapsulation::decode(input)?,
                key: Collector::decode(input, KEY_BYTES)?,
            }),
            10 => Self::Ct2Sampled(Ct2Sampled {
                next_row: number(input)?,
                ct2_and_mac: Box::new(*input.fixed()?),
            }),
            _ => return Err(Error::InvalidRecord("post-quantum phase")),
        })
    }
}

impl Encapsulation {
    fn encode(&self, out: &mut Writer) {
        out.fixed(self.header.as_slice());
        out.fixed(self.coins.as_ref());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { header: Box::new(*input.fixed()?), coins: input.key()? })
    }
}

fn seed(input: &mut Reader<'_>) -> Result<Seed, Error> {
    Ok(Zeroizing::new(*input.fixed()?))
}

fn number(input: &mut Reader<'_>) -> Result<u16, Error> {
    u16::try_from(input.u32()?).map_err(|_| Error::InvalidRecord("row number"))
}
