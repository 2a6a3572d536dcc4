//! Device lists, and linking a new device to an account. See `proto/devices.proto`.
//!
//! This module holds formats only; keys, signatures and ciphers are `e2ee`'s.

use bytes::Bytes;
use data_encoding::BASE32_NOPAD;
use prost::Message;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Malformed;
use crate::id::{AccountId, DeviceId, Username};
use crate::limits::{MAX_DEVICE_LIST_BYTES, MAX_DEVICE_NAME_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::pb::{devices as pb, frame};
use crate::scan::{DEVICE_LIST, scan};
use crate::shared::{fixed, registration_id};

/// What a primary device signs a list behind.
pub const LIST_LABEL: &[u8] = b"Waxwing device list 1";
/// What a companion signs its belonging behind.
pub const COMPANION_LABEL: &[u8] = b"Waxwing companion 1";

/// The devices of an account, as its primary says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceList {
    /// From 1, larger in each list of the account.
    pub version: u64,
    /// The primary's clock, milliseconds since 1970.
    pub issued_at_ms: u64,
    /// After it only the primary remains; milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Ascending, the primary first.
    pub devices: Vec<ListedDevice>,
    /// Number of the next device that is linked; 128 if no number is left.
    pub next: u8,
}

/// One device of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedDevice {
    /// Which.
    pub device: DeviceId,
    /// 14 random bits that tell installations of a device apart.
    pub registration_id: u16,
    /// 0x05 and the X25519 key.
    pub identity: [u8; PUBLIC_KEY_BYTES],
}

/// A list and its signature, as they travel: the signature is over these very bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDeviceList {
    /// What [`DeviceList::encode`] gave; at most [`MAX_DEVICE_LIST_BYTES`].
    pub list: Bytes,
    /// XEdDSA by the primary's identity key over [`LIST_LABEL`] and `list`.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// What a new device offers an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOffer {
    /// 0x05 and the X25519 key.
    pub identity: [u8; PUBLIC_KEY_BYTES],
    /// 14 bits.
    pub registration_id: u16,
    /// How the device calls itself, encrypted.
    pub name: Bytes,
    /// Over all before, by the code's secret.
    pub mac: [u8; 32],
}

/// What the primary tells a new device under the code's secret.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkGrant {
    /// The account.
    pub account: AccountId,
    /// The new device's number in it.
    pub device: DeviceId,
    /// The account's alias.
    pub username: Username,
    /// The primary's identity key: 0x05 and the X25519 key.
    pub identity: [u8; PUBLIC_KEY_BYTES],
    /// What the primary is going to send.
    pub history: HistoryRange,
}

/// How much of the past a new device gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HistoryRange {
    /// Nothing but names, settings and groups.
    None,
    /// The last 30 days.
    Month,
    /// The last 365 days.
    Year,
    /// Everything.
    All,
}

impl DeviceList {
    /// The bytes that are signed.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let device = |device: &ListedDevice| pb::Device {
            device: device.device.number().into(),
            registration: device.registration_id.into(),
            identity: Bytes::copy_from_slice(&device.identity),
        };
        pb::DeviceList {
            version: self.version,
            issued_at: self.issued_at_ms,
            expires_at: self.expires_at_ms,
            device: self.devices.iter().map(device).collect(),
            next: self.next.into(),
        }
        .encode_to_vec()
        .into()
    }

    /// Reads the bytes of a list. Says nothing about their signature.
    ///
    /// # Errors
    /// [`Malformed`] when they break the schema, the order of devices or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("DeviceList.device");
        if bytes.len() > MAX_DEVICE_LIST_BYTES {
            return Err(Malformed::new("DeviceList"));
        }
        scan(bytes, DEVICE_LIST)?;
        let list = pb::DeviceList::decode(bytes).map_err(|_| Malformed::new("DeviceList"))?;
        let device = |device: pb::Device| {
            Ok(ListedDevice {
                device: DeviceId::parse(device.device, "DeviceList.device")?,
                registration_id: registration_id(device.registration)?,
                identity: fixed(&device.identity, "DeviceList.identity")?,
            })
        };
        let devices: Vec<_> = list.device.into_iter().map(device).collect::<Result<_, _>>()?;
        let next = u8::try_from(list.next).ok().filter(|next| (2..=128).contains(next)).ok_or(WRONG)?;
        let ascending = devices.is_sorted_by(|a, b| a.device < b.device);
        let begins = devices.first().is_some_and(|device| device.device == DeviceId::PRIMARY);
        let ends = devices.last().is_some_and(|device| device.device.number() < next);
        if !ascending || !begins || !ends || list.version == 0 {
            return Err(WRONG);
        }
        Ok(Self {
            version: list.version,
            issued_at_ms: list.issued_at,
            expires_at_ms: list.expires_at,
            devices,
            next,
        })
    }

    /// The entry of a device.
    #[must_use]
    pub fn find(&self, device: DeviceId) -> Option<&ListedDevice> {
        self.devices.iter().find(|listed| listed.device == device)
    }

    /// The devices that the list vouches for at a time, milliseconds since 1970.
    pub fn valid_at(&self, now_ms: u64) -> impl Iterator<Item = &ListedDevice> {
        let current = now_ms < self.expires_at_ms;
        self.devices.iter().filter(move |device| current || device.device == DeviceId::PRIMARY)
    }
}

impl SignedDeviceList {
    /// The list itself, unverified.
    ///
    /// # Errors
    /// See [`DeviceList::decode`].
    pub fn decode_list(&self) -> Result<DeviceList, Malformed> {
        DeviceList::decode(&self.list)
    }

    /// What the signature is over.
    #[must_use]
    pub fn signed_bytes(list: &[u8]) -> Vec<u8> {
        [LIST_LABEL, list].concat()
    }
}

/// What a companion's countersignature is over.
#[must_use]
pub fn countersigned_bytes(primary: &[u8; PUBLIC_KEY_BYTES], device: DeviceId) -> Vec<u8> {
    [COMPANION_LABEL, primary, &[device.number()]].concat()
}

impl From<&SignedDeviceList> for frame::SignedDeviceList {
    fn from(list: &SignedDeviceList) -> Self {
        Self { list: list.list.clone(), signature: Bytes::copy_from_slice(&list.signature) }
    }
}

impl TryFrom<frame::SignedDeviceList> for SignedDeviceList {
    type Error = Malformed;

    fn try_from(list: frame::SignedDeviceList) -> Result<Self, Malformed> {
        DeviceList::decode(&list.list)?;
        Ok(Self { list: list.list, signature: fixed(&list.signature, "SignedDeviceList.signature")? })
    }
}

impl LinkOffer {
    /// Protobuf bytes; those without the MAC are what the MAC is over.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.encode_with(Bytes::copy_from_slice(&self.mac))
    }

    /// What the MAC is over.
    #[must_use]
    pub fn authenticated_bytes(&self) -> Bytes {
        self.encode_with(Bytes::new())
    }

    fn encode_with(&self, mac: Bytes) -> Bytes {
        pb::LinkOffer {
            identity: Bytes::copy_from_slice(&self.identity),
            registration: self.registration_id.into(),
            name: self.name.clone(),
            mac,
        }
        .encode_to_vec()
        .into()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > crate::limits::MAX_LINK_OFFER_BYTES {
            return Err(Malformed::new("LinkOffer"));
        }
        let offer = pb::LinkOffer::decode(bytes).map_err(|_| Malformed::new("LinkOffer"))?;
        Ok(Self {
            identity: fixed(&offer.identity, "LinkOffer.identity")?,
            registration_id: registration_id(offer.registration)?,
            name: Some(offer.name)
                .filter(|name| name.len() <= MAX_DEVICE_NAME_BYTES + 28)
                .ok_or(Malformed::new("LinkOffer.name"))?,
            mac: fixed(&offer.mac, "LinkOffer.mac")?,
        })
    }
}

impl LinkGrant {
    /// Protobuf bytes, to be encrypted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        pb::LinkGrant {
            account: Bytes::copy_from_slice(&self.account.0),
            device: self.device.number().into(),
            username: self.username.as_str().into(),
            identity: Bytes::copy_from_slice(&self.identity),
            history: match self.history {
                HistoryRange::None => pb::HistoryRange::None,
                HistoryRange::Month => pb::HistoryRange::HistoryRange30Days,
                HistoryRange::Year => pb::HistoryRange::Year,
                HistoryRange::All => pb::HistoryRange::All,
            } as i32,
        }
        .encode_to_vec()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let grant = pb::LinkGrant::decode(bytes).map_err(|_| Malformed::new("LinkGrant"))?;
        Ok(Self {
            account: AccountId::parse(&grant.account, "LinkGrant.account")?,
            device: DeviceId::parse(grant.device, "LinkGrant.device")?,
            username: Username::parse(&grant.username)?,
            identity: fixed(&grant.identity, "LinkGrant.identity")?,
            history: match pb::HistoryRange::try_from(grant.history) {
                Ok(pb::HistoryRange::HistoryRange30Days) => HistoryRange::Month,
                Ok(pb::HistoryRange::Year) => HistoryRange::Year,
                Ok(pb::HistoryRange::All) => HistoryRange::All,
                Ok(pb::HistoryRange::None) | Err(_) => HistoryRange::None,
            },
        })
    }
}

/// Where an offer to link waits on the server: SHA-256 of a label and the code's secret, cut to 16 bytes.
/// Whoever knows it can answer the offer only with the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkReference(pub [u8; 16]);

/// What a new device shows and an existing one reads: a secret that serves once, and, where there is room for
/// it (in the QR code), the new device's identity key. People who cannot scan type the secret alone; the
/// identity key then comes through the server, authenticated by the secret.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct LinkCode {
    /// 120 random bits.
    pub secret: [u8; LinkCode::SECRET_BYTES],
    /// 0x05 and the X25519 key, if the code was scanned.
    pub identity: Option<[u8; PUBLIC_KEY_BYTES]>,
}

impl LinkCode {
    /// Bytes of the secret.
    pub const SECRET_BYTES: usize = 15;
    /// What the content of a QR code begins with.
    pub const SCHEME: &'static str = "waxwing-link:";

    /// Where the offer waits.
    #[must_use]
    pub fn reference(&self) -> LinkReference {
        let digest =
            Sha256::new().chain_update(b"Waxwing link reference").chain_update(self.secret).finalize();
        let digest: [u8; 32] = digest.into();
        LinkReference(digest.first_chunk().copied().unwrap_or_default())
    }

    /// Five groups of five letters and digits, the last of them a check: `abcde-…`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = BASE32_NOPAD.encode(&self.secret).to_ascii_lowercase();
        text.push(check(&self.secret));
        let mut grouped = String::with_capacity(text.len() + 4);
        for (index, letter) in text.chars().enumerate() {
            if index > 0 && index % 5 == 0 {
                grouped.push('-');
            }
            grouped.push(letter);
        }
        grouped
    }

    /// The content of the QR code: scheme, base32 of secret and identity key, upper case (which makes a QR
    /// code smaller).
    #[must_use]
    pub fn to_qr(&self, identity: &[u8; PUBLIC_KEY_BYTES]) -> String {
        let bytes = [&self.secret[..], identity].concat();
        format!("{}{}", Self::SCHEME, BASE32_NOPAD.encode(&bytes)).to_ascii_uppercase()
    }

    /// Reads either form, in any case, with blanks and hyphens anywhere.
    ///
    /// # Errors
    /// [`Malformed`] when it is neither, or was mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("linking code: copy it again, all 25 characters of it");
        if text.len() > 256 {
            return Err(WRONG);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let text = text.to_ascii_uppercase();
        let scheme = Self::SCHEME.replace('-', "").to_ascii_uppercase();
        if let Some(scanned) = text.strip_prefix(&scheme) {
            let bytes = BASE32_NOPAD.decode(scanned.as_bytes()).map_err(|_| WRONG)?;
            let (secret, identity) = bytes.split_first_chunk().ok_or(WRONG)?;
            return Ok(Self { secret: *secret, identity: Some(identity.try_into().map_err(|_| WRONG)?) });
        }
        // What people mistake for a letter of the alphabet.
        let text = text.replace('0', "O").replace('1', "I").replace('8', "B");
        let (body, sum) = text.split_at_checked(24).ok_or(WRONG)?;
        let secret = BASE32_NOPAD.decode(body.as_bytes()).map_err(|_| WRONG)?;
        let secret: [u8; Self::SECRET_BYTES] = secret.try_into().map_err(|_| WRONG)?;
        if sum.to_ascii_lowercase() != check(&secret).to_string() {
            return Err(WRONG);
        }
        Ok(Self { secret, identity: None })
    }
}

/// One letter that a slip of the pen changes in 31 of 32 cases.
fn check(secret: &[u8]) -> char {
    let [first, ..]: [u8; 32] = Sha256::digest(secret).into();
    let letter = BASE32_NOPAD.encode(&[first]).to_ascii_lowercase();
    letter.chars().next().unwrap_or('a')
}
