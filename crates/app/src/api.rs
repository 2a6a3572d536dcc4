//! The one interface of every front end: commands go in, events come out, queries are answered. All of it
//! is JSON with lower-camelCase names; accounts and messages are named by hexadecimal text; times are
//! milliseconds since 1970. The golden texts in `api/tests.rs` pin the format: it may grow, and nothing in
//! it may change its meaning.
//!
//! What holds what people wrote has no `Debug`, so that it cannot end in a log by accident.

mod convert;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use crate::key::Protection;
pub use crate::net::{NetFailure, NetFailureCode};
pub(crate) use convert::{
    account_of, connection, contact, delivery, failure, message, message_key, message_key_of, trust,
};

/// Names a command to whoever gave it.
pub type CommandId = u64;

/// What a user wants. Each is answered by [`Event::Done`] or [`Event::Failed`] exactly once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Make an account on a server. Goes online. Done when the server has confirmed.
    Register {
        /// `host:port` or `ws://host:port`.
        server: String,
        /// As the operator gave it.
        invitation: String,
        /// Wanted alias.
        username: String,
    },
    /// Learn which account has a username and keep it as a contact. At once when already known; otherwise
    /// it needs a connection, or one that is being made.
    AddContact {
        /// The contact's alias.
        username: String,
    },
    /// Write a message. Done as soon as it is durably in the outbox.
    SendText {
        /// The contact's account.
        to: String,
        /// The text.
        text: String,
    },
    /// The user has seen every message of the conversation up to and with this one.
    MarkRead {
        /// The contact's account.
        with: String,
        /// [`Message::order`] of the last one seen.
        up_to: u64,
    },
    /// A program has taken these messages out of [`Query::Inbox`].
    AcknowledgeInbox {
        /// [`Message::id`]s.
        messages: Vec<String>,
    },
    /// The user has compared safety numbers, or takes that back.
    SetVerified {
        /// The contact's account.
        account: String,
        /// They match.
        verified: bool,
    },
    /// Keep a connection from now on.
    GoOnline,
    /// End the connection and make no new one.
    GoOffline,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// A command succeeded.
    Done {
        /// Which.
        command: CommandId,
        /// [`Message::id`] of the message that was written.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message: Option<String>,
        /// The contact that was learned.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        contact: Option<Contact>,
    },
    /// A command did not succeed.
    Failed {
        /// Which.
        command: CommandId,
        /// Why, and what to do.
        failure: Failure,
    },
    /// The connection changed.
    Connection {
        /// As it is now.
        connection: Connection,
    },
    /// This device has an account now.
    Registered {
        /// Which.
        account: String,
        /// Which of its devices this is.
        device: u8,
    },
    /// A message is in the history now: written here, arrived, or a placeholder for one that could not be
    /// decrypted yet.
    Message {
        /// The message.
        message: Message,
    },
    /// A message changed: its placeholder was filled or given up.
    MessageFilled {
        /// As it is now.
        message: Message,
    },
    /// The ticks of a message changed.
    Delivery {
        /// [`Message::id`].
        message: String,
        /// In whose conversation.
        with: String,
        /// As it is now.
        delivery: Delivery,
    },
    /// A contact's identity key is another than before.
    IdentityChanged {
        /// Whose.
        account: String,
    },
    /// Messages are missing before the one that comes next from this device.
    Gap {
        /// Who sent them.
        account: String,
        /// From which device.
        device: u8,
        /// How many.
        missing: u64,
    },
    /// The database is an older copy of itself: sessions are being renewed.
    RestoredCopy,
    /// The database cannot be written or read; nothing is lost, commands fail, and it is tried again.
    StorageFailed {
        /// Why.
        detail: String,
    },
    /// The database works again.
    StorageRecovered,
    /// More happened than the front end took: ask for everything anew.
    Overrun,
}

/// What a front end wants to know; answered at once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Query {
    /// This profile.
    Status,
    /// Everybody who is known or has written, newest conversation first.
    Contacts,
    /// One contact.
    Contact {
        /// Username or account.
        name: String,
    },
    /// A page of a conversation.
    History {
        /// The contact's account.
        with: String,
        /// Only messages whose `order` is below this.
        #[serde(default)]
        before: Option<u64>,
        /// At most so many, the newest ones.
        limit: usize,
    },
    /// One message.
    Message {
        /// [`Message::id`].
        id: String,
    },
    /// Incoming messages that were neither read nor acknowledged, oldest first.
    Inbox {
        /// At most so many.
        limit: usize,
    },
    /// The number to compare with a contact.
    SafetyNumber {
        /// The contact's account.
        account: String,
    },
}

/// Answers, in the same order as [`Query`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// To [`Query::Status`].
    Status(Status),
    /// To [`Query::Contacts`].
    Contacts {
        /// All of them.
        contacts: Vec<Contact>,
    },
    /// To [`Query::Contact`].
    Contact {
        /// `None`: not known here.
        contact: Option<Contact>,
    },
    /// To [`Query::History`] and [`Query::Inbox`].
    Messages {
        /// Oldest first.
        messages: Vec<Message>,
    },
    /// To [`Query::Message`].
    Message {
        /// `None`: not known here.
        message: Option<Message>,
    },
    /// To [`Query::SafetyNumber`].
    SafetyNumber {
        /// 60 digits; `None` until a look-up or a message has shown the contact's key.
        number: Option<String>,
        /// What the user knows of the key.
        trust: Trust,
    },
}

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

/// Somebody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Their account.
    pub account: String,
    /// Alias when last looked up; unknown for somebody who wrote first.
    pub username: Option<String>,
    /// What the user knows of their identity key.
    pub trust: Trust,
    /// Messages from them that were not read.
    pub unread: u64,
    /// The newest message of the conversation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message: Option<Message>,
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
    /// The contact whose conversation it belongs to.
    pub with: String,
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
    /// How far it has come.
    pub delivery: Delivery,
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
    /// Text.
    Text {
        /// As written; may hold control characters.
        text: String,
    },
    /// Could not be decrypted yet; the sender has been asked to send it again.
    Waiting,
    /// Could not be decrypted, and asking again did not help.
    Lost,
    /// Needs a newer version of this program.
    Unknown,
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
    pub(crate) fn new(fault: Fault, code: &str, detail: impl Into<String>) -> Self {
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
