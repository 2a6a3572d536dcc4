//! Names of accounts, devices and messages.

use std::fmt;
use std::ops::RangeInclusive;

use crate::error::Malformed;
use crate::limits::USERNAME_CHARS;

/// An account: 16 random bytes, chosen by the server at registration. Independent of usernames, phone
/// numbers and addresses, all of which may change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub [u8; 16]);

/// What 16 bytes that name something have in common.
macro_rules! named_by_16_bytes {
    ($name:ident) => {
        impl $name {
            pub(crate) fn parse(bytes: &[u8], what: &'static str) -> Result<Self, crate::Malformed> {
                crate::shared::fixed(bytes, what).map(Self)
            }

            /// 32 lower-case hexadecimal digits, for programs and for people's eyes.
            #[must_use]
            pub fn to_hex(self) -> String {
                data_encoding::HEXLOWER.encode(&self.0)
            }

            /// What [`Self::to_hex`] wrote so.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
                bytes.try_into().ok().map(Self)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Two bytes tell ids apart in a test's output and identify nobody in a log.
                let [a, b, ..] = self.0;
                write!(f, concat!(stringify!($name), "({:02x}{:02x}…)"), a, b)
            }
        }
    };
}
pub(crate) use named_by_16_bytes;

named_by_16_bytes!(AccountId);

/// The ciphertext of a file: 16 random bytes, drawn by the server. Whoever knows them may fetch it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 16]);

named_by_16_bytes!(FileId);

/// A device of an account: 1 is the primary, companions follow. At most 127, as in the Signal Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(u8);

impl DeviceId {
    /// The device an account is registered with.
    pub const PRIMARY: Self = Self(1);
    /// The largest number.
    pub const LAST: Self = Self(127);

    /// `None` unless 1 to 127.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 127 { Some(Self(number)) } else { None }
    }

    /// As it stands in a field of its own, where the primary goes without saying (0 is not encoded).
    pub(crate) fn to_pb(self) -> u32 {
        if self == Self::PRIMARY { 0 } else { self.0.into() }
    }

    /// Reads [`Self::to_pb`]; an outspoken 1 is as good.
    pub(crate) fn from_pb(number: u32, what: &'static str) -> Result<Self, Malformed> {
        if number == 0 { Ok(Self::PRIMARY) } else { Self::parse(number, what) }
    }

    /// As it stands in lists, where every device is named.
    pub(crate) fn parse(number: u32, what: &'static str) -> Result<Self, Malformed> {
        u8::try_from(number).ok().and_then(Self::new).ok_or(Malformed::new(what))
    }

    /// 1 to 127.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// One device of one account: where a mailbox is, and who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceAddress {
    /// Whose device.
    pub account: AccountId,
    /// Which of them.
    pub device: DeviceId,
}

impl DeviceAddress {
    /// Every device that the account can have, in their order.
    #[must_use]
    pub const fn all_of(account: AccountId) -> RangeInclusive<Self> {
        let first = Self { account, device: DeviceId::PRIMARY };
        RangeInclusive::new(first, Self { device: DeviceId::LAST, ..first })
    }
}

/// A device's Noise static public key (X25519): its credential towards the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub [u8; 32]);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "DeviceKey({a:02x}{b:02x}…)")
    }
}

/// A message: 64 random bits chosen by the sending device, unique per sending device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// An alias of an account, unique on its server: lower-case ASCII letters, digits, `_`, `-` and `.`,
/// beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// Accepts upper case and folds it, so that nobody can pass for somebody by a capital letter.
    ///
    /// # Errors
    /// [`Malformed`] when the text breaks the rules of the type.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let folded = text.to_ascii_lowercase();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
        let starts_well = folded.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if USERNAME_CHARS.contains(&folded.len()) && starts_well && folded.chars().all(allowed) {
            Ok(Self(folded))
        } else {
            Err(Malformed::new("username"))
        }
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Username(…)")
    }
}
