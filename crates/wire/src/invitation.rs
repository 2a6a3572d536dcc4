//! Invitations: what an operator hands to somebody who shall get an account.
//!
//! The text is base32 without padding (RFC 4648, lower case) of version byte 1 ‖ 32-byte server static
//! key ‖ 16-byte token ‖ first 3 bytes of SHA-256 over all before. It carries the server's key, so that
//! the first connection is already authenticated, and a checksum, so that a slip of the pen is noticed
//! before anything is sent.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::error::Malformed;
use crate::id::DeviceKey;

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 3;
/// Longer texts are not looked at; leaves room for later versions.
const MAX_CHARS: usize = 256;

/// The secret part of an invitation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InvitationToken(pub [u8; 16]);

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(…)")
    }
}

/// An invitation as people pass it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    /// The server's static key.
    pub server: DeviceKey,
    /// What entitles to an account.
    pub token: InvitationToken,
}

impl Invitation {
    /// 84 characters: lower-case letters and digits.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.server.0);
        bytes.extend_from_slice(&self.token.0);
        bytes.extend_from_slice(&checksum(&bytes));
        BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
    }

    /// Reads what [`Self::to_text`] wrote, in any case and with blanks around it.
    ///
    /// # Errors
    /// [`Malformed`] when it is not an invitation or was mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed::new("invitation: copy it again, all 84 characters of it");
        let text = text.trim();
        if text.len() > MAX_CHARS {
            return Err(malformed);
        }
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| malformed)?;
        let (body, sum) =
            bytes.split_last_chunk::<CHECKSUM_BYTES>().map(|(b, s)| (b, *s)).ok_or(malformed)?;
        if sum != checksum(body) {
            return Err(malformed);
        }
        // The checksum and the version come first whatever the length: a later version may be longer.
        let (version, keys) = body.split_first().ok_or(malformed)?;
        if *version != VERSION {
            return Err(Malformed::new("invitation: made by a newer version, update this program"));
        }
        let (server, token) = keys.split_at_checked(32).ok_or(malformed)?;
        Ok(Self {
            server: DeviceKey(server.try_into().map_err(|_| malformed)?),
            token: InvitationToken(token.try_into().map_err(|_| malformed)?),
        })
    }
}

/// First 3 bytes of SHA-256.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, ..]: [u8; 32] = Sha256::digest(bytes).into();
    [a, b, c]
}
