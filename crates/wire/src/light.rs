//! Light events: who types, who records, who is there. They are never stored and never waited for, and go only
//! to devices that are connected and awake. See `Light`, `Announcement` and `Watch` in `frame.proto`.
//!
//! What they say ([`LightContent`]) is encrypted by their sender; the server reads the rest.

use std::fmt;

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::content::Conversation;
use crate::error::Malformed;
use crate::group::GroupId;
use crate::id::{AccountId, DeviceAddress};
use crate::limits::MAX_LIGHT_BYTES;
use crate::pb::content as content_pb;
use crate::pb::frame as pb;
use crate::server_frame::{account_bytes, address};
use crate::shared::{at_most, fixed};

pub use crate::profile::LightKey;

/// SHA-256 of a token: whoever shows the token may see what is behind it.
pub type Gate = [u8; 32];

/// What lets somebody see an account's announcements. From the account's profile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PresenceToken(pub [u8; 16]);

impl PresenceToken {
    /// What the account tells the server of it.
    #[must_use]
    pub fn gate(&self) -> Gate {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for PresenceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresenceToken(…)")
    }
}

/// See `Light` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Light {
    /// To whom.
    pub to: Conversation,
    /// Encrypted [`LightContent`], at most [`MAX_LIGHT_BYTES`].
    pub sealed: Bytes,
}

/// See `Announcement` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Encrypted [`LightContent`], at most [`MAX_LIGHT_BYTES`].
    pub sealed: Bytes,
    /// Of the token that lets see it.
    pub gate: Gate,
    /// Encrypted [`LightContent`], at most [`MAX_LIGHT_BYTES`].
    pub seen: Bytes,
    /// Of the token that lets see that too; `None`: nobody may.
    pub seen_gate: Option<Gate>,
}

/// See `Watch` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// Light events shall come.
    pub awake: bool,
    /// Whose announcements, at most [`crate::limits::MAX_WATCHED`].
    pub watched: Vec<Watched>,
}

/// See `Watched` in `frame.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// Whose.
    pub account: AccountId,
    /// Lets see whether it is there.
    pub token: PresenceToken,
    /// Lets see when it last was.
    pub seen_token: Option<PresenceToken>,
}

/// See `LightEvent` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightEvent {
    /// The device that sent it, as proven to the server.
    pub from: DeviceAddress,
    /// It went to a group; `None`: to this account.
    pub group: Option<GroupId>,
    /// Encrypted [`LightContent`].
    pub sealed: Bytes,
}

/// See `Presence` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The device that announced it, as proven to the server.
    pub of: DeviceAddress,
    /// Encrypted [`LightContent`].
    pub sealed: Bytes,
    /// Encrypted [`LightContent`]; empty: not for this watcher.
    pub seen: Bytes,
    /// The device has no connection any more.
    pub gone: bool,
    /// Since when, milliseconds since 1970 on the server's clock; 0: it has one, or not for this watcher.
    pub left_at_ms: u64,
}

/// What a light event says. See `Light` in `content.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LightContent {
    /// What happened.
    pub kind: LightKind,
    /// The sender's clock, milliseconds since 1970.
    pub at_ms: u64,
}

/// What a light event can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LightKind {
    /// Neither types nor records any more.
    Stopped,
    /// Types.
    Typing,
    /// Records.
    Recording,
    /// The device is in use.
    Active,
    /// It is not.
    Away,
    /// When it was last in use.
    Seen,
}

impl LightContent {
    /// Bytes to encrypt.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            LightKind::Stopped => content_pb::LightKind::Stopped,
            LightKind::Typing => content_pb::LightKind::Typing,
            LightKind::Recording => content_pb::LightKind::Recording,
            LightKind::Active => content_pb::LightKind::Active,
            LightKind::Away => content_pb::LightKind::Away,
            LightKind::Seen => content_pb::LightKind::Seen,
        };
        content_pb::Light { kind: kind as i32, at: self.at_ms }.encode_to_vec()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else, or of a kind that this build does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("Light");
        if bytes.len() > MAX_LIGHT_BYTES {
            return Err(WRONG);
        }
        let light = content_pb::Light::decode(bytes).map_err(|_| WRONG)?;
        let kind = match content_pb::LightKind::try_from(light.kind).map_err(|_| WRONG)? {
            content_pb::LightKind::Stopped => LightKind::Stopped,
            content_pb::LightKind::Typing => LightKind::Typing,
            content_pb::LightKind::Recording => LightKind::Recording,
            content_pb::LightKind::Active => LightKind::Active,
            content_pb::LightKind::Away => LightKind::Away,
            content_pb::LightKind::Seen => LightKind::Seen,
        };
        Ok(Self { kind, at_ms: light.at })
    }
}

impl From<&Light> for pb::Light {
    fn from(light: &Light) -> Self {
        let (account, group) = match &light.to {
            Conversation::Account(account) => (account_bytes(*account), Bytes::new()),
            Conversation::Group(group) => (Bytes::new(), Bytes::copy_from_slice(&group.0)),
            // Nobody is there to be typed at; readers refuse it.
            Conversation::Status(_) => (Bytes::new(), Bytes::new()),
        };
        Self { account, group, sealed: light.sealed.clone() }
    }
}

impl TryFrom<pb::Light> for Light {
    type Error = Malformed;

    fn try_from(light: pb::Light) -> Result<Self, Malformed> {
        let to = match (light.account.is_empty(), light.group.is_empty()) {
            (false, true) => Conversation::Account(AccountId::parse(&light.account, "Light.account")?),
            (true, false) => Conversation::Group(GroupId::parse(&light.group, "Light.group")?),
            _ => return Err(Malformed::new("Light: account or group")),
        };
        Ok(Self { to, sealed: at_most(light.sealed, MAX_LIGHT_BYTES, "Light.sealed")? })
    }
}

impl From<&Announcement> for pb::Announcement {
    fn from(announcement: &Announcement) -> Self {
        Self {
            sealed: announcement.sealed.clone(),
            gate: Bytes::copy_from_slice(&announcement.gate),
            seen: announcement.seen.clone(),
            seen_gate: announcement.seen_gate.map(|gate| Bytes::copy_from_slice(&gate)).unwrap_or_default(),
        }
    }
}

impl TryFrom<pb::Announcement> for Announcement {
    type Error = Malformed;

    fn try_from(announcement: pb::Announcement) -> Result<Self, Malformed> {
        let seen_gate = &announcement.seen_gate;
        Ok(Self {
            sealed: at_most(announcement.sealed, MAX_LIGHT_BYTES, "Announcement.sealed")?,
            gate: fixed(&announcement.gate, "Announcement.gate")?,
            seen: at_most(announcement.seen, MAX_LIGHT_BYTES, "Announcement.seen")?,
            seen_gate: if seen_gate.is_empty() {
                None
            } else {
                Some(fixed(seen_gate, "Announcement.seen_gate")?)
            },
        })
    }
}

impl From<&Watch> for pb::Watch {
    fn from(watch: &Watch) -> Self {
        Self { awake: watch.awake, watched: watch.watched.iter().map(Into::into).collect() }
    }
}

impl TryFrom<pb::Watch> for Watch {
    type Error = Malformed;

    fn try_from(watch: pb::Watch) -> Result<Self, Malformed> {
        let watched = watch.watched.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Self { awake: watch.awake, watched })
    }
}

impl From<&Watched> for pb::Watched {
    fn from(watched: &Watched) -> Self {
        let token = |token: &PresenceToken| Bytes::copy_from_slice(&token.0);
        Self {
            account: account_bytes(watched.account),
            token: token(&watched.token),
            seen_token: watched.seen_token.as_ref().map(token).unwrap_or_default(),
        }
    }
}

impl TryFrom<pb::Watched> for Watched {
    type Error = Malformed;

    fn try_from(watched: pb::Watched) -> Result<Self, Malformed> {
        let seen_token = if watched.seen_token.is_empty() {
            None
        } else {
            Some(PresenceToken(fixed(&watched.seen_token, "Watched.seen_token")?))
        };
        Ok(Self {
            account: AccountId::parse(&watched.account, "Watched.account")?,
            token: PresenceToken(fixed(&watched.token, "Watched.token")?),
            seen_token,
        })
    }
}

impl From<&LightEvent> for pb::LightEvent {
    fn from(event: &LightEvent) -> Self {
        Self {
            from: account_bytes(event.from.account),
            device: event.from.device.to_pb(),
            group: event.group.map(|group| Bytes::copy_from_slice(&group.0)).unwrap_or_default(),
            sealed: event.sealed.clone(),
        }
    }
}

impl TryFrom<pb::LightEvent> for LightEvent {
    type Error = Malformed;

    fn try_from(event: pb::LightEvent) -> Result<Self, Malformed> {
        let group = &event.group;
        Ok(Self {
            from: address(&event.from, event.device, "LightEvent.from")?,
            group: if group.is_empty() { None } else { Some(GroupId::parse(group, "LightEvent.group")?) },
            sealed: at_most(event.sealed, MAX_LIGHT_BYTES, "LightEvent.sealed")?,
        })
    }
}

impl From<&Presence> for pb::Presence {
    fn from(presence: &Presence) -> Self {
        Self {
            account: account_bytes(presence.of.account),
            device: presence.of.device.to_pb(),
            sealed: presence.sealed.clone(),
            seen: presence.seen.clone(),
            gone: presence.gone,
            left_at: presence.left_at_ms,
        }
    }
}

impl TryFrom<pb::Presence> for Presence {
    type Error = Malformed;

    fn try_from(presence: pb::Presence) -> Result<Self, Malformed> {
        Ok(Self {
            of: address(&presence.account, presence.device, "Presence.account")?,
            sealed: at_most(presence.sealed, MAX_LIGHT_BYTES, "Presence.sealed")?,
            seen: at_most(presence.seen, MAX_LIGHT_BYTES, "Presence.seen")?,
            gone: presence.gone,
            left_at_ms: presence.left_at,
        })
    }
}
