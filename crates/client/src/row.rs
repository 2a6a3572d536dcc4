//! What front ends see of the database.

use waxwing_wire::limits::PUBLIC_KEY_BYTES;
use waxwing_wire::{AccountId, DeviceAddress, MessageId, Username};

/// Names a message: the device that sent it and the id it chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageKey {
    /// Who sent it; this device for own messages.
    pub from: DeviceAddress,
    /// The sender's name for it.
    pub id: MessageId,
}

/// A message of the history.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub key: MessageKey,
    /// The contact whose conversation it belongs to.
    pub with: AccountId,
    /// Place in this device's history: ascends over all conversations, never changes.
    pub order: u64,
    /// Written here or there.
    pub direction: Direction,
    /// The sender's clock, milliseconds since 1970.
    pub sent_at_ms: u64,
    /// This device's clock when it was written or arrived, milliseconds since 1970.
    pub stored_at_ms: u64,
    /// What it says.
    pub body: Body,
    /// How far it has come.
    pub delivery: Delivery,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From this account.
    Outgoing,
    /// To this account.
    Incoming,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Text.
    Text(String),
    /// Could not be decrypted yet; the sender has been asked to send it again.
    Waiting,
    /// Could not be decrypted, and asking again did not help.
    Lost,
    /// Needs a newer version of this program.
    Unknown,
}

/// How far a message has come. For incoming ones only `Delivered` (unread here) and `Read` occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// In the outbox.
    Pending,
    /// Durably on the server: one tick.
    Sent,
    /// Stored on a device of the recipient: two ticks.
    Delivered,
    /// Seen by the recipient: two coloured ticks.
    Read,
    /// Not taken by the server for good, or expired there.
    Failed,
}

/// Another account.
#[derive(Clone, PartialEq, Eq)]
pub struct Peer {
    /// Which.
    pub account: AccountId,
    /// Its alias when it was last looked up; unknown for somebody who wrote first.
    pub username: Option<Username>,
    /// Its identity key: 0x05 and the X25519 key. `None` until a session or look-up showed it.
    pub identity: Option<[u8; PUBLIC_KEY_BYTES]>,
    /// What the user knows of that key.
    pub trust: Trust,
}

/// What the user knows of a peer's identity key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// As first seen.
    FirstUse,
    /// Safety numbers were compared.
    Verified,
    /// Another one than before, since this time (milliseconds since 1970), and not verified since.
    Changed {
        /// When it was noticed.
        at_ms: u64,
    },
}
