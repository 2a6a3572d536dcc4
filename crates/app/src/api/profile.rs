//! What people tell of themselves, and who may know it.

use serde::{Deserialize, Serialize};

/// What somebody tells of themself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// What they call themselves; nobody has checked that. Empty: nothing.
    pub name: String,
    /// What they say about themselves; empty: nothing, or not to the user.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub about: String,
    /// A small image file, base64; empty: none, or not for the user.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub picture: String,
    /// The user may not bring them into groups, but may send them an invitation link.
    #[serde(default)]
    pub no_groups: bool,
    /// The user may see when they are there.
    #[serde(default)]
    pub presence: bool,
}

/// What the user tells of themself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "value", rename_all = "camelCase")]
pub enum ProfileChange {
    /// At most 100 bytes; empty: none.
    Name(String),
    /// At most 512 bytes; empty: nothing.
    About(String),
    /// An image file of at most 8 KiB, base64; empty: none.
    Picture(String),
}

/// What others may know of the user, or do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrivacySetting {
    /// See the picture.
    Picture,
    /// Read what the user says about themself.
    About,
    /// When the user was there last.
    LastSeen,
    /// That the user is there: `everyone` or `likeLastSeen`.
    Online,
    /// Bring the user into groups.
    Groups,
    /// Between two people, that the user has read something: `everyone` or `nobody`, who does not hear either what
    /// others have read.
    Receipts,
    /// See the user's status updates: `contacts`, `contactsExcept` or `only`.
    Status,
}

/// For whom something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Audience {
    /// Whom the user has written to, or has accepted.
    Everyone,
    /// Whom the user has added, or given a name.
    Contacts,
    /// Of them, all but these.
    ContactsExcept {
        /// At most 400.
        accounts: Vec<String>,
    },
    /// Nobody.
    Nobody,
    /// Who may know when the user was there last.
    LikeLastSeen,
    /// These.
    Only {
        /// At most 400.
        accounts: Vec<String>,
    },
}

/// Who may know what of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Privacy {
    /// See [`PrivacySetting::Picture`].
    pub picture: Audience,
    /// See [`PrivacySetting::About`].
    pub about: Audience,
    /// See [`PrivacySetting::LastSeen`].
    pub last_seen: Audience,
    /// See [`PrivacySetting::Online`].
    pub online: Audience,
    /// See [`PrivacySetting::Groups`].
    pub groups: Audience,
    /// See [`PrivacySetting::Receipts`].
    pub receipts: bool,
    /// See [`PrivacySetting::Status`].
    #[serde(default = "contacts")]
    pub status: Audience,
}

fn contacts() -> Audience {
    Audience::Contacts
}
