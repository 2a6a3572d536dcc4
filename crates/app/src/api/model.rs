//! What is told about a profile, its contacts and its messages.

use serde::{Deserialize, Serialize};

use super::{Done, GroupKind, Notice, Post};
use crate::key::Protection;
use crate::net::{NetFailure, NetFailureCode};

/// A profile as it stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// This profile's account, once registered.
    pub account: Option<String>,
    /// This device's number in the account.
    pub device: Option<u8>,
    /// Alias as registered.
    pub username: Option<String>,
    /// The server's address.
    pub server: Option<String>,
    /// The server's key, hexadecimal; `None` until a first connection where nothing else told it.
    pub server_key: Option<String>,
    /// Who told the server's key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_trust: Option<ServerTrust>,
    /// Whether the server can be reached.
    pub connection: Connection,
    /// Incoming messages that were not read.
    pub unread: u64,
    /// Messages that the server does not have yet.
    pub pending: u64,
    /// Everything that waits for the server: messages, read receipts, requests to send again.
    pub outbox: u64,
    /// How the database key is protected.
    pub protection: Protection,
}

/// Who told the key that the server has to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServerTrust {
    /// The invitation.
    Invitation,
    /// The user.
    User,
    /// The server itself, at the first connection.
    FirstUse,
}

/// A device of the own account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its number; 1 is the first one, which decides about the others.
    pub device: u8,
    /// It is this one.
    pub this: bool,
    /// As the user named it; empty: not named.
    pub name: String,
    /// When it was last connected, to the hour, as the server said last; 0: unknown.
    pub last_seen_ms: u64,
    /// From which network address, as the server said last; empty: unknown.
    pub place: String,
    /// When it was linked; 0: unknown.
    pub linked_at_ms: u64,
}

/// How much of the past a new device gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// Whether the server can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Connection {
    /// No connection, and none wanted.
    Offline,
    /// No connection; trying again at this time.
    Waiting {
        /// When.
        until_ms: u64,
        /// Why there is none, if known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<NetFailure>,
    },
    /// Being set up.
    Connecting,
    /// Greeted by the server.
    Online,
    /// The server does not want this device; trying again will not help.
    Refused {
        /// The server's word for why.
        code: String,
    },
}

/// Whom an account belongs to, as far as is known.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The account.
    pub account: String,
    /// Alias when last looked up.
    pub username: Option<String>,
    /// The user's own name for them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// What they call themselves; nobody has checked that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile_name: Option<String>,
}

/// Somebody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// The user takes nothing from them.
    #[serde(default)]
    pub blocked: bool,
    /// The user has added them, or given them a name.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub contact: bool,
    /// They have written, and the user has not accepted them: see [`Chat::request`].
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub request: bool,
    /// What the user knows of their identity key.
    pub trust: Trust,
    /// Messages from them that were not read.
    pub unread: u64,
    /// The newest message of the conversation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message: Option<Message>,
}

/// A conversation as lists show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// Its name in the interface.
    pub conversation: String,
    /// With whom.
    pub with: ChatWith,
    /// Somebody has written whom the user has neither written to nor added nor accepted, or who may not has brought the
    /// user into the group. Nothing in there counts as unread, and they do not hear what was read.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub request: bool,
    /// Messages that were not read.
    pub unread: u64,
    /// The newest message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message: Option<Message>,
    /// Out of sight.
    pub archived: bool,
    /// Above the others.
    pub pinned: bool,
    /// No notifications until then; 18446744073709551615: for good; 0: not muted.
    pub muted_until_ms: u64,
    /// What is written there disappears so many seconds later; absent: it stays.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub lifetime_s: u64,
    /// What the user has begun to write, on whichever device.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub draft: String,
}

/// What somebody shows for a day, which no chat holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusUpdates {
    /// Names them all, as [`Message::with`]: to be marked as read, or muted, or for acts about one of them.
    pub conversation: String,
    /// Who shows it.
    pub author: Person,
    /// The user.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub own: bool,
    /// So many were not seen.
    pub unseen: u64,
    /// They are out of the way until then; 18446744073709551615: for good; 0: not muted.
    pub muted_until_ms: u64,
    /// Oldest first; at most 128.
    pub messages: Vec<Message>,
}

/// With whom a conversation is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ChatWith {
    /// One other person.
    Contact {
        /// Who.
        #[serde(flatten)]
        person: Person,
        /// What the user knows of their key.
        trust: Trust,
        /// The user takes nothing from them.
        blocked: bool,
    },
    /// A group.
    Group {
        /// Its name for people.
        name: String,
        /// A group or a community.
        group_kind: GroupKind,
        /// So many are in it.
        members: u64,
        /// This account is one of them.
        member: bool,
    },
}

/// What can be set of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "value", rename_all = "camelCase")]
pub enum ChatChange {
    /// Out of sight, or back.
    Archived(bool),
    /// Above the others, or back.
    Pinned(bool),
    /// No notifications until then; 18446744073709551615: for good; 0: not muted.
    MutedUntilMs(u64),
    /// Delete all messages so far.
    Cleared,
    /// What the user has begun to write; empty: nothing. At most 4,096 bytes.
    Draft(String),
}

/// People to whom one writes at once, each alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BroadcastList {
    /// Names it; `None` for one that is to be made.
    #[serde(default)]
    pub id: Option<String>,
    /// For the user.
    pub name: String,
    /// To whom: accounts.
    pub members: Vec<String>,
}

/// How far an own message has come with the contact, or with one member of the group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// How far.
    pub delivery: Delivery,
    /// Since when; 0: unknown.
    #[serde(default)]
    pub at_ms: u64,
    /// Since when it is on a device of theirs, as far as this device knows; absent: it is not, or unknown.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub delivered_at_ms: u64,
    /// Since when they have seen it, likewise.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub read_at_ms: u64,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// Its place: ascends, and is never used again.
    pub id: u64,
    /// This device's clock when it happened.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: Happened,
}

/// What the journal tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happened {
    /// A message arrived, or was written on another own device.
    Message {
        /// As it is now.
        message: Message,
    },
    /// An own message has come further.
    Delivery {
        /// As it is now.
        message: Message,
        /// How far it had come then.
        delivery: Delivery,
    },
    /// Somebody, or another own device, did something about a message.
    Act {
        /// As it is now; of an edit, what it says now.
        message: Message,
        /// From which of their devices.
        device: u8,
        /// Who did what.
        done: Done,
        /// So often have they done this kind of thing about it, this time included, as far as the journal reaches
        /// back; absent: once.
        #[serde(skip_serializing_if = "is_one", default = "one")]
        times: u64,
    },
    /// The message that this was about has been deleted since, or somebody did something else in its place,
    /// which has an entry of its own.
    Gone,
}

/// Something that the user has set of the program.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// What.
    pub key: String,
    /// To what.
    pub value: String,
}

/// What the user knows of a contact's identity key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Trust {
    /// As first seen.
    FirstUse,
    /// Safety numbers were compared.
    Verified,
    /// Another one than before, and not verified since.
    Changed {
        /// When it was noticed.
        at_ms: u64,
    },
}

/// A message of the history.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Names it on this device: sender's account, device and number.
    pub id: String,
    /// The conversation that it belongs to.
    pub with: String,
    /// The account that wrote it.
    pub from: String,
    /// From which of its devices.
    pub device: u8,
    /// Place in this device's history: ascends over all conversations.
    pub order: u64,
    /// Which way it went.
    pub direction: Direction,
    /// The sender's clock.
    pub sent_at_ms: u64,
    /// This device's clock when it was written or arrived.
    pub stored_at_ms: u64,
    /// What it says.
    pub body: Body,
    /// How far it has come; to a group: with the member that is furthest behind.
    pub delivery: Delivery,
    /// So many messages of this device are missing right before it.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub missing_before: u64,
    /// When its sender said it otherwise, by their clock; absent: never.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub edited_at_ms: u64,
    /// When it disappears; absent: never.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub expires_at_ms: u64,
    /// What has been done about it and holds: reactions, votes, answers, pins.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub done: Vec<Done>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_one(number: &u64) -> bool {
    *number == 1
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// From this account.
    Outgoing,
    /// To this account.
    Incoming,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Body {
    /// What somebody wrote.
    Text(Box<Post>),
    /// Could not be decrypted yet; the sender has been asked to send it again.
    Waiting,
    /// Could not be decrypted, and asking again did not help.
    Lost,
    /// Needs a newer version of this program.
    Unknown,
    /// Nobody wrote it: something happened in the conversation.
    Notice {
        /// What.
        notice: Notice,
    },
    /// Deleted for everyone.
    Deleted,
    /// It was to be seen once, and was.
    Opened,
}

/// What kinds of messages can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MessageKind {
    /// Somebody wrote a text.
    Text,
    /// A text with an address of the web in it.
    Link,
    /// Somebody's card.
    Contact,
    /// A place, live or not.
    Place,
    /// A question with options.
    Poll,
    /// Something that is going to happen.
    Event,
    /// With a picture: a photo, a sticker, one that moves.
    Photo,
    /// With a film.
    Video,
    /// With a recording, or other sound.
    Voice,
    /// With a file of another kind.
    Document,
}

/// A message that was looked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The message.
    pub message: Message,
    /// The part of its text in which the first of what was looked for stands, in pieces that follow each other;
    /// `…` where text was left out.
    pub snippet: Vec<SnippetPiece>,
}

/// A piece of a [`Hit::snippet`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnippetPiece {
    /// As written; may hold control characters.
    pub text: String,
    /// This is what was looked for.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub marked: bool,
}

/// How far a message has come. Incoming ones are `delivered` (not read here) or `read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// Why a command or query did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// For programs: a code of the server's (`usernameTaken`) or of this program's (`unknownContact`).
    pub code: String,
    /// Whose fault it is.
    pub fault: Fault,
    /// For people: what happened and what to do next.
    pub detail: String,
    /// Milliseconds after which trying again makes sense; 0 if it does not.
    #[serde(default)]
    pub retry_after_ms: u64,
}

/// Whose fault a failure is; the terminal program's exit codes follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// What was asked cannot be done.
    User,
    /// The server refused or cannot be reached.
    Server,
    /// A key is not the expected one.
    Trust,
    /// This device: its disk or its database.
    Device,
}

impl Failure {
    /// With a code and words; trying again is not said to help.
    pub fn new(fault: Fault, code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), fault, detail: detail.into(), retry_after_ms: 0 }
    }

    pub(crate) fn user(code: &str, detail: impl Into<String>) -> Self {
        Self::new(Fault::User, code, detail)
    }

    pub(crate) fn device(detail: impl Into<String>) -> Self {
        Self::new(Fault::Device, "storage", detail)
    }
}

impl From<&NetFailure> for Failure {
    fn from(failure: &NetFailure) -> Self {
        let (fault, code) = match failure.code {
            NetFailureCode::NameNotFound => (Fault::Server, "nameNotFound"),
            NetFailureCode::Unreachable => (Fault::Server, "unreachable"),
            NetFailureCode::NotWaxwing => (Fault::Server, "notWaxwing"),
            NetFailureCode::UntrustedServer => (Fault::Trust, "untrustedServer"),
            NetFailureCode::Closed => (Fault::Server, "closed"),
            NetFailureCode::Protocol => (Fault::Server, "protocol"),
        };
        Self::new(fault, code, failure.detail.clone())
    }
}

/// Somebody in an address book.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookEntry {
    /// As the book calls them; what is longer than 256 bytes is cut.
    pub name: String,
    /// E-mail addresses and telephone numbers.
    pub addresses: Vec<String>,
}

/// Somebody of an address book who has an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundContact {
    /// Their account.
    pub account: String,
    /// As the book calls them.
    pub name: String,
}
