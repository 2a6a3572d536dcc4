//! What front ends see of the database.

use waxwing_wire::content::Conversation;
use waxwing_wire::group::{Change, GroupState};
use waxwing_wire::limits::PUBLIC_KEY_BYTES;
use waxwing_wire::post::Post;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId, Username};

/// Names a message: the device that sent it and the id it chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageKey {
    /// Who sent it; a device of the own account for own messages.
    pub from: DeviceAddress,
    /// The sender's name for it.
    pub id: MessageId,
}

impl MessageKey {
    /// In keys of rows: account (16 bytes), device (1 byte), number (8 bytes).
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [&self.from.account.0[..], &[self.from.device.number()], &self.id.0.to_be_bytes()].concat()
    }

    /// Reads [`Self::bytes`].
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (device, id) = rest.split_first()?;
        let from = DeviceAddress { account: AccountId(*account), device: DeviceId::new(*device)? };
        Some(Self { from, id: MessageId(u64::from_be_bytes(id.try_into().ok()?)) })
    }
}

/// A message of the history.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub key: MessageKey,
    /// The conversation that it belongs to.
    pub with: Conversation,
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
    /// How far it has come. To a group: how far it has come with the member that is furthest behind.
    pub delivery: Delivery,
    /// Counts what surfaces from one sending device in one conversation; 0 for notices.
    pub position: u64,
    /// Messages of this sending device that are missing right before this one: they never came, and the
    /// sender could not be asked.
    pub missing_before: u64,
    /// When its sender said it otherwise, by the sender's clock, milliseconds since 1970; 0: never.
    pub edited_at_ms: u64,
    /// When it disappears, milliseconds since 1970; 0: never. From then on it is not shown any more; it is
    /// deleted when this device has heard of everything that was said about it.
    pub expires_at_ms: u64,
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
    /// What somebody wrote.
    Post(Box<Post>),
    /// Could not be decrypted yet; the sender has been asked to send it again.
    Waiting,
    /// Could not be decrypted, and asking again did not help.
    Lost,
    /// Needs a newer version of this program.
    Unknown,
    /// Nobody wrote it: something happened in the conversation.
    Notice(Notice),
    /// Its sender or an admin has deleted it for everyone.
    Deleted,
    /// It was to be seen once, and was.
    Opened,
}

impl Body {
    /// A text and nothing else.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Post(Box::new(Post::plain(text)))
    }

    /// What somebody wrote.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Post(post) => Some(&post.text),
            _ => None,
        }
    }
}

/// Something that happened in a conversation.
#[derive(Clone, PartialEq, Eq)]
pub enum Notice {
    /// The contact's (or member's) identity key is another than before.
    IdentityChanged(AccountId),
    /// A member changed the group.
    GroupChanged(Box<Change>),
    /// This account was brought into the group by that member; what was before is not known here.
    Joined(AccountId),
    /// That member has been told something else about the group by the server than this device: one of both
    /// was deceived, and what is written now may not reach everybody.
    GroupForked(AccountId),
    /// The server changed the group in another way than the member signed; the signed change counts.
    ServerDisagrees(AccountId),
    /// That account has set how long what is written in the conversation stays: so many seconds; 0: for good.
    Lifetime(AccountId, u32),
}

impl Notice {
    /// A number for the kind, then the account's 16 bytes (of [`Self::Lifetime`] the seconds behind them, 4
    /// bytes, most significant first) or what [`Change::encode`] gives. Rows hold it, and archives of a history
    /// carry it to other devices.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::IdentityChanged(account) => (1, account.0.to_vec()),
            Self::GroupChanged(change) => (2, change.encode().to_vec()),
            Self::Joined(account) => (3, account.0.to_vec()),
            Self::GroupForked(account) => (4, account.0.to_vec()),
            Self::ServerDisagrees(account) => (5, account.0.to_vec()),
            Self::Lifetime(account, seconds) => (6, [&account.0[..], &seconds.to_be_bytes()].concat()),
        };
        [&[kind][..], &bytes].concat()
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else, or what a newer version wrote.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, bytes) = bytes.split_first()?;
        let account = || bytes.try_into().ok().map(AccountId);
        Some(match kind {
            1 => Self::IdentityChanged(account()?),
            2 => Self::GroupChanged(Box::new(Change::decode(bytes).ok()?)),
            3 => Self::Joined(account()?),
            4 => Self::GroupForked(account()?),
            5 => Self::ServerDisagrees(account()?),
            6 => {
                let (account, seconds) = bytes.split_first_chunk()?;
                Self::Lifetime(AccountId(*account), u32::from_be_bytes(seconds.try_into().ok()?))
            }
            _ => return None,
        })
    }
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

/// How far an own message has come with the contact, or with one member of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberReceipt {
    /// With whom.
    pub account: AccountId,
    /// `Sent`, `Delivered`, `Read`, or `Failed`: it expired on the server.
    pub delivery: Delivery,
    /// When this device learned that, milliseconds since 1970; 0: not yet, or not known.
    pub at_ms: u64,
    /// When it learned that it is on a device of theirs, likewise.
    pub delivered_at_ms: u64,
    /// When it learned that they have seen it, likewise.
    pub read_at_ms: u64,
}

impl Delivery {
    /// As it is stored, and as it travels between devices of an account.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Pending => 0,
            Self::Sent => 1,
            Self::Delivered => 2,
            Self::Read => 3,
            Self::Failed => 4,
        }
    }

    /// What [`Self::number`] gave.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Pending, Self::Sent, Self::Delivered, Self::Read, Self::Failed]
            .into_iter()
            .find(|delivery| delivery.number() == number)
    }
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

/// A device of the own account.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnDevice {
    /// Its number; 1 is the primary.
    pub device: DeviceId,
    /// It is this one.
    pub this: bool,
    /// As the user named it; empty: not named.
    pub name: String,
    /// When it was last connected, to the hour, as the server said last; 0: unknown. Milliseconds since 1970.
    pub last_seen_ms: u64,
    /// Network address of its last log-in, as the server said last; empty: unknown.
    pub place: String,
    /// When it was linked; 0: unknown. Milliseconds since 1970.
    pub linked_at_ms: u64,
}

/// A group, as this device knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Group {
    /// As all members hold it.
    pub state: GroupState,
    /// The own account is a member.
    pub member: bool,
    /// Who wants to join, if this account may say yes.
    pub requests: Vec<AccountId>,
    /// Who has brought this account into it against its setting, as long as the user has not said yes to that: it is
    /// not to be shown until then.
    pub asked_by: Option<AccountId>,
}

/// What the user has set for a conversation, the same on all devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChatState {
    /// Out of sight.
    pub archived: bool,
    /// Above the others.
    pub pinned: bool,
    /// No notifications until then, milliseconds since 1970; `u64::MAX`: for good; 0: not muted.
    pub muted_until_ms: u64,
    /// Messages sent at or before this time are deleted here, milliseconds since 1970.
    pub cleared_ms: u64,
}

/// What the user tells of themself.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OwnProfile {
    /// Empty: none.
    pub name: String,
    /// Empty: nothing.
    pub about: String,
    /// A small image file; empty: none.
    pub picture: Vec<u8>,
}

/// What another account has told of itself.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PeerProfile {
    /// What it calls itself; nobody has checked that. Empty: nothing.
    pub name: String,
    /// Empty: nothing, or it does not tell this account.
    pub about: String,
    /// A small image file; empty: none, or it does not tell this account.
    pub picture: Vec<u8>,
    /// This account may not bring it into groups.
    pub no_groups: bool,
    /// This account may see when it is there.
    pub presence: bool,
}

/// Something that the user lets others know, or do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// See the picture.
    Picture,
    /// Read what the user says about themself.
    About,
    /// When the user was there last.
    LastSeen,
    /// That the user is there: [`Audience::Everyone`] or [`Audience::LikeLastSeen`]. Whoever may know the last
    /// time may know this.
    Online,
    /// Bring the user into groups.
    Groups,
    /// Between two people, that the user has read something: [`Audience::Everyone`] or [`Audience::Nobody`], who
    /// does not hear either what others have read.
    Receipts,
    /// See what the user shows for a day: [`Audience::Contacts`], [`Audience::ContactsExcept`] or
    /// [`Audience::Only`].
    Status,
}

/// For whom something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Whom the user has written to, or has accepted.
    Everyone,
    /// Whom the user has added, or given a name.
    Contacts,
    /// Of them, all but these; at most [`crate::limits::MAX_AUDIENCE`].
    ContactsExcept(Vec<AccountId>),
    /// For nobody.
    Nobody,
    /// For whom [`Setting::LastSeen`] is.
    LikeLastSeen,
    /// For these; at most [`crate::limits::MAX_AUDIENCE`].
    Only(Vec<AccountId>),
}

/// Who may know what of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// See [`Setting::Picture`].
    pub picture: Audience,
    /// See [`Setting::About`].
    pub about: Audience,
    /// See [`Setting::LastSeen`].
    pub last_seen: Audience,
    /// See [`Setting::Online`].
    pub online: Audience,
    /// See [`Setting::Groups`].
    pub groups: Audience,
    /// See [`Setting::Receipts`].
    pub receipts: bool,
    /// See [`Setting::Status`].
    pub status: Audience,
}

/// People to whom one writes at once, each alone.
#[derive(Clone, PartialEq, Eq)]
pub struct BroadcastList {
    /// Names it.
    pub id: [u8; 16],
    /// For the user.
    pub name: String,
    /// To whom.
    pub members: Vec<AccountId>,
}
