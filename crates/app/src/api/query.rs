//! What front ends ask, and what they are answered.

use serde::{Deserialize, Serialize};

use super::*;

/// What a front end wants to know; answered at once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Query {
    /// What is in a file of a message that is on this device, and has at most 16 MiB. Not of what is to be seen once.
    FileContent {
        /// [`Message::id`].
        message: String,
        /// Which of its files, from 0.
        index: u32,
    },
    /// Messages with files, newest first.
    Files {
        /// Only of this conversation.
        #[serde(default)]
        with: Option<String>,
        /// Only those whose [`Message::order`] is below this.
        #[serde(default)]
        before: Option<u64>,
        /// Only those with files on this device, in another order; `before` does not count then.
        #[serde(default)]
        order: Option<FileOrder>,
        /// At most 1,000.
        limit: usize,
    },
    /// What files take, by conversation, the most first.
    StoredFiles,
    /// Which files are fetched without being asked for, where a program has them fetched.
    FetchRules,
    /// This profile.
    Status,
    /// The account's devices.
    Devices,
    /// Everybody who is known or has written, newest conversation first.
    Contacts,
    /// One contact.
    Contact {
        /// Username, account, or the user's own name for them.
        name: String,
    },
    /// Every conversation that has messages or is a group's: pinned ones first, then by the newest message.
    Chats,
    /// One conversation.
    Chat {
        /// A conversation, a username, the user's own name for a contact, or a group's name.
        name: String,
    },
    /// Every group, by name.
    Groups,
    /// One group.
    Group {
        /// Its name in the interface, or its name for people.
        name: String,
    },
    /// A page of a conversation.
    History {
        /// The conversation.
        with: String,
        /// Only messages whose `order` is below this.
        #[serde(default)]
        before: Option<u64>,
        /// Only messages whose `order` is above this.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        after: Option<u64>,
        /// At most so many: with `after` and without `before` the oldest ones, otherwise the newest ones.
        limit: usize,
    },
    /// Messages of the whole history that are like this; newest first. What is left out does not matter.
    Search {
        /// Words, in any order, of which the beginnings are enough; in double quotes: as it stands. Case and
        /// accents do not matter.
        #[serde(default)]
        text: String,
        /// The conversation.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        with: Option<String>,
        /// The account that wrote it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        from: Option<String>,
        /// [`Message::stored_at_ms`] is not before this.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        since_ms: Option<u64>,
        /// [`Message::stored_at_ms`] is before this.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        until_ms: Option<u64>,
        /// What kind of message.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        kind: Option<MessageKind>,
        /// Only messages whose `order` is below this.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        before: Option<u64>,
        /// At most so many.
        limit: usize,
    },
    /// One message.
    Message {
        /// [`Message::id`].
        id: String,
    },
    /// The message with this [`Message::order`].
    MessageAt {
        /// Its place.
        order: u64,
    },
    /// The message that somebody sent at this time; of several the newest.
    MessageSentAt {
        /// The author's account.
        from: String,
        /// [`Message::sent_at_ms`].
        sent_at_ms: u64,
        /// Only in this conversation.
        #[serde(default)]
        with: Option<String>,
    },
    /// How far a message has come with each member of the group, or who has seen a status update.
    Receipts {
        /// [`Message::id`] of an own message.
        message: String,
    },
    /// Messages that the user has marked, oldest first.
    Starred,
    /// Incoming messages that were neither read nor acknowledged, oldest first.
    Inbox {
        /// At most so many.
        limit: usize,
    },
    /// What happened, in order: see [`Command::KeepJournal`].
    Journal {
        /// Only what came after this entry; `null`: what was not acknowledged.
        #[serde(default)]
        after: Option<u64>,
        /// At most so many, the oldest ones.
        limit: usize,
    },
    /// The number to compare with a contact.
    SafetyNumber {
        /// The contact's account.
        account: String,
    },
    /// Broadcast lists, by name.
    Lists,
    /// What is set of the program, by key.
    Settings,
    /// What somebody tells of themself.
    Profile {
        /// Whose account; absent: what the user tells.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        account: Option<String>,
    },
    /// Who may know what of the user.
    Privacy,
    /// What the user and contacts show for a day: the own first, then what was not seen, the newest first; muted
    /// ones last. [`Query::Receipts`] says who has seen an own one.
    StatusUpdates,
}

/// Answers, in the same order as [`Query`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// To [`Query::FileContent`].
    FileContent {
        /// Base64.
        content: String,
    },
    /// To [`Query::Files`].
    Files {
        /// Newest first.
        messages: Vec<Message>,
        /// [`Attachment::id`] of those files of them that are on this device.
        here: Vec<String>,
        /// Likewise of those that are only in storage of the user's own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<String>,
    },
    /// To [`Query::StoredFiles`].
    StoredFiles {
        /// Those with the most on this device first.
        chats: Vec<StoredFiles>,
        /// What all files take on this device's disk.
        bytes: u64,
    },
    /// To [`Query::FetchRules`].
    FetchRules {
        /// As they are.
        rules: FetchRules,
    },
    /// To [`Query::Status`].
    Status(Status),
    /// To [`Query::Devices`].
    Devices {
        /// Ascending.
        devices: Vec<Device>,
    },
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
    /// To [`Query::Chats`].
    Chats {
        /// All of them.
        chats: Vec<Chat>,
    },
    /// To [`Query::Chat`].
    Chat {
        /// `None`: nothing is called so here.
        chat: Option<Chat>,
    },
    /// To [`Query::Groups`].
    Groups {
        /// All of them.
        groups: Vec<Group>,
    },
    /// To [`Query::Group`].
    Group {
        /// `None`: not known here.
        group: Option<Group>,
    },
    /// To [`Query::History`], [`Query::Starred`] and [`Query::Inbox`].
    Messages {
        /// Oldest first.
        messages: Vec<Message>,
    },
    /// To [`Query::Search`].
    Hits {
        /// Newest first.
        hits: Vec<Hit>,
        /// There may be more, also where there are fewer than asked for: ask again with this as `before`.
        next: Option<u64>,
    },
    /// To [`Query::Message`], [`Query::MessageAt`] and [`Query::MessageSentAt`].
    Message {
        /// `None`: not known here.
        message: Option<Message>,
    },
    /// To [`Query::Receipts`].
    Receipts {
        /// By account.
        receipts: Vec<Receipt>,
    },
    /// To [`Query::Journal`].
    Journal {
        /// The last entry that a program has acknowledged.
        acknowledged: u64,
        /// The newest entry; 0: none yet.
        newest: u64,
        /// Oldest first.
        entries: Vec<JournalEntry>,
    },
    /// To [`Query::SafetyNumber`].
    SafetyNumber {
        /// 60 digits; `None` until a look-up or a message has shown the contact's key.
        number: Option<String>,
        /// What the user knows of the key.
        trust: Trust,
    },
    /// To [`Query::Lists`].
    Lists {
        /// All of them.
        lists: Vec<BroadcastList>,
    },
    /// To [`Query::Settings`].
    Settings {
        /// All of them.
        settings: Vec<Setting>,
    },
    /// To [`Query::Profile`].
    Profile {
        /// `None`: they have told nothing.
        profile: Option<Profile>,
    },
    /// To [`Query::Privacy`].
    Privacy(Privacy),
    /// To [`Query::StatusUpdates`].
    StatusUpdates {
        /// By author.
        updates: Vec<StatusUpdates>,
    },
}
