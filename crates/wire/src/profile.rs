//! What somebody tells others of themself. See `proto/content.proto`.

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::error::Malformed;
use crate::limits::{MAX_ABOUT_BYTES, MAX_PROFILE_NAME_BYTES, MAX_PROFILE_PICTURE_BYTES};
use crate::pb::content as pb;
use crate::shared::{at_most, fixed};

/// A key for light events, given to those who may read them.
pub type LightKey = [u8; 32];

/// What an account tells another one of itself: as much as that one may know, and so not the same for all.
/// Of two, the one with the larger `at` stays.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Hybrid logical clock: milliseconds since 1970, or one more than what it replaces.
    pub at: u64,
    /// At most [`MAX_PROFILE_NAME_BYTES`]; empty: none.
    pub name: String,
    /// At most [`MAX_ABOUT_BYTES`]; empty: none, or not for the reader.
    pub about: String,
    /// A small image file, at most [`MAX_PROFILE_PICTURE_BYTES`]; empty: none, or not for the reader.
    pub picture: Bytes,
    /// Under which the sender types at the reader.
    pub light_key: Option<LightKey>,
    /// To see when the sender is there; `None`: not for the reader.
    pub presence: Option<PresenceKeys>,
    /// The reader may not bring the sender into groups, but may send an invitation link.
    pub no_groups: bool,
}

/// Under which an account tells whether it is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PresenceKeys {
    /// That it is.
    pub online: LightKey,
    /// When it was; `None`: not for the reader.
    pub last_seen: Option<LightKey>,
}

impl Profile {
    /// Names what it says, whenever it was said: the first half of the SHA-256 of the encoded profile without
    /// its time.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let timeless = pb::Profile { at: 0, ..self.to_pb() }.encode_to_vec();
        let hash: [u8; 32] = Sha256::digest(timeless).into();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        half
    }

    /// Protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_pb().encode_to_vec()
    }

    /// Reads [`Self::encode`], from this device's own database.
    ///
    /// # Errors
    /// [`Malformed`] names the part that breaks the schema or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let profile = pb::Profile::decode(Bytes::copy_from_slice(bytes));
        profile.map_err(|_| Malformed::new("Profile"))?.try_into()
    }

    pub(crate) fn to_pb(&self) -> pb::Profile {
        let key = |key: &LightKey| Bytes::copy_from_slice(key);
        pb::Profile {
            at: self.at,
            name: self.name.clone(),
            about: self.about.clone(),
            picture: self.picture.clone(),
            light_key: self.light_key.as_ref().map(key).unwrap_or_default(),
            presence: self.presence.as_ref().map(|keys| pb::PresenceKeys {
                online: key(&keys.online),
                last_seen: keys.last_seen.as_ref().map(key).unwrap_or_default(),
            }),
            no_groups: self.no_groups,
        }
    }
}

impl TryFrom<pb::Profile> for Profile {
    type Error = Malformed;

    fn try_from(profile: pb::Profile) -> Result<Self, Malformed> {
        let text = |text: String, most: usize, what| {
            if text.len() > most { Err(Malformed::new(what)) } else { Ok(text) }
        };
        Ok(Self {
            at: profile.at,
            name: text(profile.name, MAX_PROFILE_NAME_BYTES, "Profile.name")?,
            about: text(profile.about, MAX_ABOUT_BYTES, "Profile.about")?,
            picture: at_most(profile.picture, MAX_PROFILE_PICTURE_BYTES, "Profile.picture")?,
            light_key: key(&profile.light_key, "Profile.light_key")?,
            presence: profile.presence.map(PresenceKeys::try_from).transpose()?,
            no_groups: profile.no_groups,
        })
    }
}

impl TryFrom<pb::PresenceKeys> for PresenceKeys {
    type Error = Malformed;

    fn try_from(keys: pb::PresenceKeys) -> Result<Self, Malformed> {
        Ok(Self {
            online: fixed(&keys.online, "PresenceKeys.online")?,
            last_seen: key(&keys.last_seen, "PresenceKeys.last_seen")?,
        })
    }
}

fn key(bytes: &[u8], what: &'static str) -> Result<Option<LightKey>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { fixed(bytes, what).map(Some) }
}
