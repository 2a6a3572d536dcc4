//! Looking up which contacts have an account, without telling the server whom one looks for.
//!
//! A verifiable oblivious pseudorandom function (RFC 9497, ristretto255-SHA512, by the `voprf` crate): the client
//! sends its addresses blinded, the server applies its key and proves that it is the same key for everybody, and
//! the client unblinds. What comes out is as good as random to whoever has not asked the server for this very
//! address, and the server cannot tell which address was asked for.
//!
//! From an output come three things (HKDF-SHA256, [`Place`]): four bytes whose first bits name a bucket of the
//! directory, a tag by which an entry of the bucket is found, and a key that opens it. So whoever fetches buckets
//! without having asked for the addresses in them holds tags and ciphertexts that say nothing.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::BASE32_NOPAD;
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use voprf::{BlindedElement, EvaluationElement, Group as _, Proof, Ristretto255, VoprfClient, VoprfServer};

use crate::error::Malformed;
use crate::id::AccountId;
use crate::invitation::checksum;
use crate::limits::{MAX_ADDRESS_BYTES, MAX_BUCKET_BITS};

/// A group element.
pub const ELEMENT_BYTES: usize = 32;
/// What shows that an evaluation was made with a certain key.
pub const PROOF_BYTES: usize = 64;
/// Tag, nonce, encrypted account.
pub const ENTRY_BYTES: usize = TAG_BYTES + NONCE_BYTES + SEALED_BYTES;
/// An encoded [`Place`].
pub const PLACE_BYTES: usize = 4 + TAG_BYTES + KEY_BYTES;
const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const SEALED_BYTES: usize = 16 + 16;
const KEY_BYTES: usize = 32;
/// Digits of a telephone number with its country code (E.164), without the plus.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
const CODE_VERSION: u8 = 1;

/// A group element, encoded; not checked yet.
pub type Element = [u8; ELEMENT_BYTES];

/// An e-mail address or a telephone number in the one form in which it is looked up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(String);

/// The operator's word that an account has an address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressCode(pub [u8; 16]);

/// Where an address stands in the directory, and the key of its entry. Whoever has it can look for this address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    first: [u8; 4],
    /// By which the entry is found in its bucket.
    pub tag: [u8; TAG_BYTES],
    key: [u8; KEY_BYTES],
}

/// The server's answer to blinded addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// In the order of the blinded ones.
    pub elements: Vec<Element>,
    /// That all of them were made with `key`.
    pub proof: [u8; PROOF_BYTES],
    /// The directory's public key.
    pub key: Element,
    /// A bucket is so many first bits of a [`Place`].
    pub bits: u8,
}

/// The directory's secret key.
pub struct DirectoryKey(VoprfServer<Ristretto255>);

/// An address on its way to the server and back.
pub struct Blinded {
    address: Address,
    state: VoprfClient<Ristretto255>,
    element: Element,
}

/// Why an evaluation is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// It was made, or is said to have been made, with another key than the one that is known.
    #[error("the directory's key is another than before")]
    AnotherKey,
    /// It does not answer the question, or its proof is false.
    #[error("the directory's answer is not proven")]
    False,
}

impl Address {
    /// Reads what people write: an e-mail address, or a telephone number with its country code (`+49 170 …` or
    /// `0049…`).
    ///
    /// # Errors
    /// [`Malformed`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.len() > MAX_ADDRESS_BYTES {
            return Err(Malformed::new("address: too long"));
        }
        let address = if text.contains('@') { mail(text) } else { phone(text) };
        address.map(Self).ok_or(Malformed::new(
            "address: neither an e-mail address nor a telephone number with its country code",
        ))
    }

    /// As it is shown to its owner.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What goes into the function. A mail address has an `@`, a number has none: they cannot be confused.
    fn input(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn mail(text: &str) -> Option<String> {
    let (name, domain) = text.split_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '<' | '>' | ',' | ';');
    let labels = domain.split('.').count();
    let sound = !name.is_empty()
        && labels >= 2
        && domain.split('.').all(|label| !label.is_empty())
        && name.chars().chain(domain.chars()).all(plain);
    let lower = text.to_lowercase();
    (sound && lower.len() <= MAX_ADDRESS_BYTES).then_some(lower)
}

fn phone(text: &str) -> Option<String> {
    let kept: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '/' | '(' | ')')).collect();
    let digits = kept.strip_prefix('+').or_else(|| kept.strip_prefix("00"))?;
    let sound = PHONE_DIGITS.contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    sound.then(|| format!("+{digits}"))
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

impl AddressCode {
    /// 32 lower-case letters and digits, with a checksum.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = vec![CODE_VERSION];
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&checksum(&bytes));
        BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
    }

    /// Reads what [`Self::to_text`] wrote, in any case and with blanks around it.
    ///
    /// # Errors
    /// [`Malformed`] when it is not a code or was mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed::new("code: copy it again, all 32 characters of it");
        let text = text.trim();
        if text.len() != 32 {
            return Err(malformed);
        }
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| malformed)?;
        let (body, sum) = bytes.split_last_chunk::<3>().ok_or(malformed)?;
        match body.split_first() {
            Some((&CODE_VERSION, code)) if *sum == checksum(body) => {
                Ok(Self(code.try_into().map_err(|_| malformed)?))
            }
            _ => Err(malformed),
        }
    }
}

impl fmt::Debug for AddressCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressCode(…)")
    }
}

impl Place {
    fn of(output: &[u8]) -> Self {
        let mut bytes = [0; PLACE_BYTES];
        Hkdf::<Sha256>::new(None, output)
            .expand(b"waxwing directory 1", &mut bytes)
            .expect("HKDF-SHA256 gives up to 8,160 bytes");
        Self::from_bytes(&bytes)
    }

    /// First bits, tag, key.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PLACE_BYTES] {
        let mut bytes = [0; PLACE_BYTES];
        let parts = self.first.iter().chain(&self.tag).chain(&self.key);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// The contrary of [`Self::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8; PLACE_BYTES]) -> Self {
        let part = |from: usize, to: &mut [u8]| {
            to.iter_mut().zip(bytes.iter().skip(from)).for_each(|(to, from)| *to = *from);
        };
        let mut place = Self { first: [0; 4], tag: [0; TAG_BYTES], key: [0; KEY_BYTES] };
        part(0, &mut place.first);
        part(4, &mut place.tag);
        part(4 + TAG_BYTES, &mut place.key);
        place
    }

    /// The bucket that it is in, if buckets have so many bits.
    #[must_use]
    pub fn bucket(&self, bits: u8) -> u32 {
        let bits = u32::from(bits.min(MAX_BUCKET_BITS));
        u32::from_be_bytes(self.first).checked_shr(32 - bits).unwrap_or(0)
    }

    /// An entry of the directory.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn seal(&self, account: AccountId, rng: &mut dyn CryptoRng) -> [u8; ENTRY_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let cipher = Aes256Gcm::new(&self.key.into());
        let sealed =
            cipher.encrypt(&Nonce::from(nonce), account.0.as_slice()).expect("16 bytes can be sealed");
        let mut entry = [0; ENTRY_BYTES];
        let parts = self.tag.iter().chain(&nonce).chain(&sealed);
        entry.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        entry
    }

    /// The account in an entry that was made for this place. `None` if it was made for another.
    #[must_use]
    pub fn open(&self, entry: &[u8; ENTRY_BYTES]) -> Option<AccountId> {
        let (nonce, sealed) = entry.strip_prefix(&self.tag)?.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = Aes256Gcm::new(&self.key.into());
        let account = cipher.decrypt(&Nonce::from(*nonce), sealed).ok()?;
        Some(AccountId(account.try_into().ok()?))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(…)")
    }
}

impl DirectoryKey {
    /// The key that comes from a seed.
    ///
    /// # Errors
    /// [`Malformed`] for about one seed in 2^252.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, Malformed> {
        let key = VoprfServer::new_from_seed(seed, b"waxwing directory");
        key.map(Self).map_err(|_| Malformed::new("directory key"))
    }

    /// What clients hold it against.
    #[must_use]
    pub fn public(&self) -> Element {
        Ristretto255::serialize_elem(self.0.get_public_key()).into()
    }

    /// Answers blinded addresses.
    ///
    /// # Errors
    /// [`Malformed`] when one of them is no element of the group, or the one that everything maps to itself.
    pub fn evaluate(
        &self,
        blinded: &[Element],
        bits: u8,
        rng: &mut dyn CryptoRng,
    ) -> Result<Evaluated, Malformed> {
        let malformed = Malformed::new("EvaluateAddresses.blinded: not an element");
        let blinded: Result<Vec<_>, _> =
            blinded.iter().map(|element| BlindedElement::deserialize(element)).collect();
        let blinded = blinded.map_err(|_| malformed)?;
        let answer = self.0.batch_blind_evaluate(&mut Old(rng), &blinded).map_err(|_| malformed)?;
        Ok(Evaluated {
            elements: answer.messages.iter().map(|element| element.serialize().into()).collect(),
            proof: answer.proof.serialize().into(),
            key: self.public(),
            bits,
        })
    }

    /// Where an address stands that the operator names.
    ///
    /// # Errors
    /// [`Malformed`] for about one address in 2^252.
    pub fn place(&self, address: &Address) -> Result<Place, Malformed> {
        let output = self.0.evaluate(address.input()).map_err(|_| Malformed::new("address"))?;
        Ok(Place::of(&output))
    }
}

impl fmt::Debug for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryKey(…)")
    }
}

impl Blinded {
    /// Blinds an address with a factor drawn from `rng`.
    ///
    /// # Errors
    /// [`Malformed`] for about one address in 2^252.
    pub fn new(address: Address, rng: &mut dyn CryptoRng) -> Result<Self, Malformed> {
        let blinded = VoprfClient::blind(address.input(), &mut Old(rng));
        let blinded = blinded.map_err(|_| Malformed::new("address"))?;
        let element = blinded.message.serialize().into();
        Ok(Self { address, state: blinded.state, element })
    }

    /// What the server gets.
    #[must_use]
    pub fn element(&self) -> Element {
        self.element
    }

    /// What places these addresses have. `known` is the directory's key, if it is known already.
    ///
    /// # Errors
    /// [`Unproven`] unless all of it was made with the key that is known, or else with the one that it names.
    pub fn places(
        blinded: &[Self],
        evaluated: &Evaluated,
        known: Option<&Element>,
    ) -> Result<Vec<Place>, Unproven> {
        if known.is_some_and(|known| *known != evaluated.key) {
            return Err(Unproven::AnotherKey);
        }
        if evaluated.elements.len() != blinded.len() {
            return Err(Unproven::False);
        }
        let key = Ristretto255::deserialize_elem(&evaluated.key).map_err(|_| Unproven::False)?;
        let proof = Proof::deserialize(&evaluated.proof).map_err(|_| Unproven::False)?;
        let elements: Result<Vec<_>, _> =
            evaluated.elements.iter().map(|element| EvaluationElement::deserialize(element)).collect();
        let elements = elements.map_err(|_| Unproven::False)?;
        let inputs: Vec<&[u8]> = blinded.iter().map(|one| one.address.input()).collect();
        let states: Vec<_> = blinded.iter().map(|one| one.state.clone()).collect();
        let outputs = VoprfClient::<Ristretto255>::batch_finalize(&inputs, &states, &elements, &proof, key);
        let outputs = outputs.map_err(|_| Unproven::False)?;
        outputs.map(|output| Ok(Place::of(&output.map_err(|_| Unproven::False)?))).collect()
    }
}

impl fmt::Debug for Blinded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinded(…)")
    }
}

/// The generator's trait as `voprf` knows it.
struct Old<'a>(&'a mut dyn CryptoRng);

impl rand_core_of_voprf::RngCore for Old<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_of_voprf::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core_of_voprf::CryptoRng for Old<'_> {}

/// Things of one size, one after the other, at most so many bytes of them.
pub(crate) fn chunks<const N: usize>(
    bytes: &[u8],
    most: usize,
    what: &'static str,
) -> Result<Vec<[u8; N]>, Malformed> {
    let (whole, rest) = bytes.as_chunks::<N>();
    if bytes.len() > most || !rest.is_empty() { Err(Malformed::new(what)) } else { Ok(whole.to_vec()) }
}

/// As [`chunks`], of elements, and at least one.
pub(crate) fn elements(bytes: &[u8], most: usize, what: &'static str) -> Result<Vec<Element>, Malformed> {
    let elements = chunks(bytes, most, what)?;
    if elements.is_empty() { Err(Malformed::new(what)) } else { Ok(elements) }
}

#[cfg(test)]
mod tests;
