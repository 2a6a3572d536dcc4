use data_encoding::BASE32_NOPAD;

use super::{GroupId, GroupToken};
use crate::error::Malformed;
use crate::invitation::checksum;

/// What an invitation link of a group carries: the group and its token, as text for people to pass on and
/// as the content of a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLink {
    /// Which group.
    pub group: GroupId,
    /// What entitles to ask for joining it.
    pub token: GroupToken,
}

impl GroupLink {
    /// What the text begins with.
    pub const SCHEME: &'static str = "waxwing-group:";

    /// Scheme, and base32 of group ‖ token ‖ first 3 bytes of SHA-256 over both, lower case.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = [self.group.0, self.token.0].concat();
        bytes.extend_from_slice(&checksum(&bytes));
        format!("{}{}", Self::SCHEME, BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
    }

    /// Reads what [`Self::to_text`] wrote, in any case and with blanks around it.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else or was mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("group link: copy it again, the whole of it");
        let text = text.trim();
        if text.len() > 128 {
            return Err(WRONG);
        }
        let text = text.to_ascii_uppercase();
        let body = text.strip_prefix(&Self::SCHEME.to_ascii_uppercase()).ok_or(WRONG)?;
        let bytes = BASE32_NOPAD.decode(body.as_bytes()).map_err(|_| WRONG)?;
        let (group, rest) = bytes.split_first_chunk().ok_or(WRONG)?;
        let (token, sum) = rest.split_first_chunk().ok_or(WRONG)?;
        if sum != checksum(&[*group, *token].concat()) {
            return Err(WRONG);
        }
        Ok(Self { group: GroupId(*group), token: GroupToken(*token) })
    }
}
