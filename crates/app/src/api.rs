//! The one interface of every front end: commands go in, events come out, queries are answered. All of it
//! is JSON with lower-camelCase names; times are milliseconds since 1970. The golden texts in `api/tests.rs`
//! pin the format: it may grow, and nothing in it may change its meaning.
//!
//! Names are text. An account: 32 hexadecimal digits. A group: `g:` and 32 hexadecimal digits. A
//! conversation: the name of the other account, or of the group; what an account shows for a day: `s:` and the
//! account. A device of an account: its number, 1 to 127; 1 is the primary. A message: its sender's account, device and number, joined by `-`. A broadcast
//! list: 32 hexadecimal digits.
//!
//! What holds what people wrote has no `Debug`, so that it cannot end in a log by accident.

mod attachment;
mod convert;
mod group;
mod light;
mod model;
mod post;
mod profile;
mod query;
mod storage;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use crate::key::Protection;
pub use crate::net::{NetFailure, NetFailureCode};
pub use attachment::{Attachment, AttachmentKind};
pub(crate) use convert::*;
pub use group::{Allowed, Group, GroupAction, GroupKind, LinkedGroup, Member, Notice, Permissions};
pub use light::{Activity, Composing, Presence};
pub use model::*;
pub use post::{Card, Deed, Done, Place, Post, Preview, Quote, Reply, Span, Style};
pub use profile::{Audience, Privacy, PrivacySetting, Profile, ProfileChange};
pub use query::{Answer, Query};
pub use storage::{CloudPlace, FetchRules, Fetching, FileOrder, StoredFiles};

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
    /// Become a device of an existing account: shows a code ([`Event::LinkCode`]) and waits until the
    /// account's first device approves. Goes online. Done when linked.
    OfferLink {
        /// `host:port` or `ws://host:port`, where the account is; with the server's key behind a `#`
        /// ([`Status::server_key`] of a device of the account) only that server is talked to, without it
        /// whichever answers first is taken for it.
        server: String,
        /// How the device calls itself at first, at most 64 bytes.
        name: String,
    },
    /// Stop offering.
    CancelLink,
    /// Take a new device into the account. Only on the first device. Done when the server has the new list.
    ApproveLink {
        /// As scanned or typed.
        code: String,
        /// What of the past the new device gets.
        history: HistoryRange,
    },
    /// Ask the server when and from where the account's devices were last there; then [`Event::Devices`].
    RefreshDevices,
    /// Name a device of the account.
    RenameDevice {
        /// Its number.
        device: u8,
        /// At most 64 bytes.
        name: String,
    },
    /// Cut a device off; this one: log out. Not the first one.
    RemoveDevice {
        /// Its number.
        device: u8,
    },
    /// Learn which account has a username and keep it as a contact. At once when already known; otherwise
    /// it needs a connection, or one that is being made.
    AddContact {
        /// The contact's alias.
        username: String,
    },
    /// Look up which people of an address book have an account and want to be found; they become contacts with
    /// the book's names. The server learns no address; nothing of the book is kept. Then [`Event::ContactsFound`].
    LookUpContacts {
        /// What is neither an e-mail address nor a telephone number with its country code is passed over. At most
        /// 2,000 addresses in all.
        entries: Vec<BookEntry>,
    },
    /// Whether the account is found by the addresses that the operator vouched for, and from now on if that is
    /// said; then [`Event::Findable`].
    Findable {
        /// From now on.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        set: Option<bool>,
    },
    /// The operator has vouched for an address of this account; then [`Event::Findable`].
    RedeemAddress {
        /// As the operator gave it.
        code: String,
    },
    /// Give a contact a name of one's own, the same on all devices; empty: none.
    SetContactName {
        /// The contact's account.
        account: String,
        /// At most 256 bytes.
        name: String,
    },
    /// Take nothing from an account any more, or do.
    SetBlocked {
        /// Whose account.
        account: String,
        /// Block.
        blocked: bool,
    },
    /// Do not know an account any more. What was written stays.
    RemoveContact {
        /// Whose account.
        account: String,
    },
    /// Say yes to what somebody has written whom the user does not know: see [`Chat::request`]. Writing to them
    /// and adding them says so too.
    Accept {
        /// Whose account.
        account: String,
    },
    /// Say yes to being in a group into which somebody has brought the user who may not: see [`Group::asked_by`].
    /// Writing there says so too; who does not want it leaves.
    AcceptGroup {
        /// Which.
        group: String,
    },
    /// Tell others something else of oneself.
    SetProfile {
        /// What.
        change: ProfileChange,
    },
    /// Say who may know something of the user, or do something.
    SetPrivacy {
        /// What.
        setting: PrivacySetting,
        /// Who.
        audience: Audience,
    },
    /// The user has compared safety numbers, or takes that back.
    SetVerified {
        /// The contact's account.
        account: String,
        /// They match.
        verified: bool,
    },
    /// Write a message. Done as soon as it is durably in the outbox.
    Send {
        /// The conversation; the own account: a note to oneself.
        to: String,
        /// What.
        post: Box<Post>,
    },
    /// Pass a message on: to all of these conversations or to none.
    Forward {
        /// [`Message::id`].
        message: String,
        /// Conversations, at most 5; one, if the message was passed on often.
        to: Vec<String>,
    },
    /// Do something about a message or a conversation. Done as soon as it is durably in the outbox.
    Act {
        /// The conversation.
        with: String,
        /// [`Message::id`]; absent: about the conversation.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message: Option<String>,
        /// What.
        deed: Deed,
    },
    /// See what is to be seen once: [`Event::Opened`] shows it, and it is gone from all own devices.
    Open {
        /// [`Message::id`].
        message: String,
    },
    /// The user has seen every message of the conversation up to and with this one.
    MarkRead {
        /// The conversation.
        with: String,
        /// [`Message::order`] of the last one seen.
        up_to: u64,
    },
    /// The same for a program that shows what [`Query::Inbox`] holds: no further than to the first message
    /// that still stands in there, because its placeholder was filled in between.
    MarkInboxRead {
        /// The conversation.
        with: String,
        /// [`Message::order`] of the last one shown.
        up_to: u64,
    },
    /// A program has taken these messages out of [`Query::Inbox`].
    AcknowledgeInbox {
        /// [`Message::id`]s.
        messages: Vec<String>,
    },
    /// Set something of a conversation, on all devices.
    SetChat {
        /// The conversation.
        conversation: String,
        /// What.
        change: ChatChange,
    },
    /// Mark a message for oneself, on all devices.
    SetStarred {
        /// [`Message::id`].
        message: String,
        /// Or take the mark away.
        starred: bool,
    },
    /// Delete messages on all own devices; nobody else notices.
    DeleteMessages {
        /// [`Message::id`]s, at most 256.
        messages: Vec<String>,
    },
    /// Set something of the program, on all devices.
    SetSetting {
        /// At most 32 bytes.
        key: String,
        /// At most 4,096 bytes; `null`: as it was at first.
        value: Option<String>,
    },
    /// Make a group. Done when the server has it; [`Event::Group`] names it.
    CreateGroup {
        /// Its name, at most 256 bytes.
        name: String,
        /// A group or a community.
        #[serde(default)]
        kind: GroupKind,
        /// The other members' accounts.
        members: Vec<String>,
    },
    /// Change a group: all of the actions or none. Removing oneself leaves.
    ChangeGroup {
        /// Which.
        group: String,
        /// In order.
        actions: Vec<GroupAction>,
    },
    /// Draw another invitation link for a group (the former ends), or have none. [`Group::link`] has it.
    SetGroupLink {
        /// Which.
        group: String,
        /// Or none.
        enabled: bool,
    },
    /// Ask to join a group. Done when the request is on its way.
    JoinGroup {
        /// The invitation link, `waxwing-group:…`.
        link: String,
    },
    /// Answer somebody who wants to join; see [`Group::requests`].
    AnswerJoin {
        /// Which group.
        group: String,
        /// Whose account.
        account: String,
        /// Yes or no.
        accept: bool,
    },
    /// Send the last messages of a group to somebody who has joined. Admins only.
    ShareHistory {
        /// Which group.
        group: String,
        /// Whose account.
        account: String,
        /// 25 to 100.
        messages: u32,
    },
    /// Make or change a broadcast list.
    SetList {
        /// As it is to be; without `id` it is a new one, which [`Event::StateChanged`] brings.
        list: BroadcastList,
    },
    /// Delete a broadcast list.
    DeleteList {
        /// Which.
        list: String,
    },
    /// Write to everybody on a list, each alone.
    SendToList {
        /// Which.
        list: String,
        /// What.
        post: Box<Post>,
    },
    /// Keep a journal of what happens from now on, over restarts too: [`Query::Journal`]. It begins with what
    /// stands in the inbox.
    KeepJournal,
    /// A program has dealt with the journal's entries up to and with this one; their messages leave the
    /// inbox.
    AcknowledgeJournal {
        /// [`JournalEntry::id`].
        up_to: u64,
    },
    /// Do this if no command was done under the same key before; otherwise answer as then. The key is kept in
    /// the same transaction as the message.
    Once {
        /// The caller's, at most 256 bytes.
        key: String,
        /// What to do.
        command: Box<Command>,
    },
    /// Show something for a day to those whom [`PrivacySetting::Status`] names. Done as soon as it is durably in the
    /// outbox.
    PostStatus {
        /// A text of at most 4,096 bytes, and what its link leads to.
        post: Box<Post>,
    },
    /// Say whether the user is at this device.
    SetActivity {
        /// Or a program, or nobody.
        activity: Activity,
    },
    /// See whether these accounts are there: [`Event::Presence`] says it from now on, as far as it is to be known.
    /// Replaces those before.
    WatchPresence {
        /// At most 256.
        accounts: Vec<String>,
    },
    /// The user types or records, or does so no more. May be said with every key.
    Compose {
        /// In which conversation.
        with: String,
        /// What.
        what: Composing,
    },
    /// Make a file of this device ready to be sent: encrypted, and uploaded while the user writes. Then
    /// [`Event::Attached`]; a post names it by [`Attachment::id`].
    Attach {
        /// Where it is.
        path: String,
        /// As what it is sent; absent: as what it is. As a document it is sent as it is, with all that it holds; a
        /// photo is made smaller, and nothing of it is kept but its pixels; as a voice message, any sound becomes
        /// Opus of about 20 kbit/s, and nothing of it is kept but what is heard.
        #[serde(default)]
        kind: Option<AttachmentKind>,
        /// A photo as large as it makes sense, a film with its pictures and sounds as they are.
        #[serde(default)]
        hd: bool,
    },
    /// The same with what is in memory, such as a recording. Then [`Event::Attached`].
    AttachContent {
        /// Its name; empty: none.
        #[serde(default)]
        name: String,
        /// Base64, of at most 16 MiB.
        content: String,
        /// As what it is sent; absent: as what it is.
        #[serde(default)]
        kind: Option<AttachmentKind>,
    },
    /// Fetch a file of a message. Done when it is here.
    FetchFile {
        /// [`Message::id`].
        message: String,
        /// Which of its files, from 0.
        index: u32,
    },
    /// Save a file of a message, and fetch it first if it is not here. Then [`Event::FileSaved`]. What is to be seen
    /// once was seen then.
    SaveFile {
        /// [`Message::id`].
        message: String,
        /// Which of its files, from 0.
        index: u32,
        /// Where to; nothing may be there yet.
        path: String,
    },
    /// Fetch files that arrive without being asked, by the rules, from now on and as long as the program runs.
    FetchByRules {
        /// Whether.
        on: bool,
    },
    /// Set the rules, for good.
    SetFetchRules {
        /// From now on.
        rules: FetchRules,
    },
    /// Free what a file of a message takes on this device. As long as the server has it, or storage of the user's own,
    /// it can be fetched again.
    RemoveFile {
        /// [`Message::id`].
        message: String,
        /// Which of its files, from 0.
        index: u32,
    },
    /// Move files to storage of the user's own, encrypted and under names that say nothing; each is deleted here when
    /// what is there was read back. [`Event::FileOffloaded`] for each, then done. Commands that need one fetch it from
    /// there.
    Offload {
        /// Where to; absent: where it was the last time.
        #[serde(default)]
        to: Option<CloudPlace>,
        /// Files of messages that came or were written longer ago.
        older_than_ms: u64,
        /// Files that are at least so large.
        larger_than_bytes: u64,
    },
    /// Keep a connection from now on.
    GoOnline,
    /// End the connection and make no new one.
    GoOffline,
}

impl Command {
    /// Write a text and nothing else.
    #[must_use]
    pub fn text(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Send { to: to.into(), post: Box::new(Post::plain(text)) }
    }
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
    /// Show this to the user, for the account's first device to scan or to be typed there. It serves once.
    LinkCode {
        /// To be typed: five groups of five letters and digits.
        code: String,
        /// Content of a QR code.
        qr: String,
    },
    /// The account's devices changed, or more is known of them.
    Devices {
        /// All of them.
        devices: Vec<Device>,
    },
    /// This device is not the account's any more: it was removed from another one.
    Removed,
    /// A history is on its way to or from another device of the account.
    Archive {
        /// The other device.
        device: u8,
        /// From this device to the other.
        sending: bool,
        /// Messages so far.
        messages: u64,
        /// Messages in all, as estimated.
        total: u64,
        /// That was the last of it.
        done: bool,
    },
    /// A message is in the history now: written here or on another own device, arrived, or a placeholder
    /// for one that could not be decrypted yet.
    Message {
        /// The message.
        message: Message,
    },
    /// A message changed: its placeholder was filled or given up.
    MessageFilled {
        /// As it is now.
        message: Message,
    },
    /// A message is another now: edited, deleted for everyone, or something was done about it.
    MessageChanged {
        /// As it is now.
        message: Message,
        /// Who did what.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        done: Option<Done>,
    },
    /// What was to be seen once, for once.
    Opened {
        /// [`Message::id`].
        message: String,
        /// What it said.
        post: Box<Post>,
    },
    /// The ticks of a message changed.
    Delivery {
        /// [`Message::id`].
        message: String,
        /// In which conversation.
        with: String,
        /// As it is now.
        delivery: Delivery,
    },
    /// Messages were deleted, here or on another own device.
    Deleted {
        /// [`Message::id`]s.
        messages: Vec<String>,
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
    /// So many messages were not kept for this device, because its mailbox was full.
    Skipped {
        /// How many.
        messages: u64,
    },
    /// What [`Command::LookUpContacts`] has come to.
    ContactsFound {
        /// Which.
        command: CommandId,
        /// Addresses that were looked up.
        addresses: u64,
        /// Who was found.
        found: Vec<FoundContact>,
    },
    /// How the account is found.
    Findable {
        /// Which command asked.
        command: CommandId,
        /// By its addresses, or not.
        on: bool,
        /// Addresses that the operator vouched for.
        addresses: u32,
    },
    /// Something that the user sets is another now: conversations, contacts, stars, lists, settings.
    StateChanged,
    /// A group is new, or another than before.
    Group {
        /// Which.
        group: String,
    },
    /// Somebody wants to join a group and waits for this account's word.
    JoinRequested {
        /// Which group.
        group: String,
        /// Whose account.
        account: String,
    },
    /// Somebody types or records, or does so no more.
    Composing {
        /// In which conversation.
        with: String,
        /// Who.
        account: String,
        /// What.
        what: Composing,
    },
    /// Whether somebody is there who is watched is another than before; unknown at first.
    Presence {
        /// Who.
        account: String,
        /// What is known.
        presence: Presence,
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
    /// A file is still being made ready to be sent, since a film takes its time; said now and then.
    Preparing {
        /// Which command asked.
        command: CommandId,
    },
    /// A file is ready to be sent.
    Attached {
        /// Which command asked.
        command: CommandId,
        /// For the post.
        attachment: Attachment,
    },
    /// A file is on its way; said now and then.
    FileProgress {
        /// [`Attachment::id`].
        file: String,
        /// To the server; otherwise from it.
        sending: bool,
        /// Bytes so far, of its ciphertext.
        done: u64,
        /// Of it all.
        total: u64,
    },
    /// The server has all of a file.
    FileUploaded {
        /// [`Attachment::id`].
        file: String,
    },
    /// A file cannot be uploaded; messages that waited for it have failed.
    FileRefused {
        /// [`Attachment::id`].
        file: String,
        /// Why.
        failure: Failure,
    },
    /// All of a file is on this device.
    FileFetched {
        /// [`Attachment::id`].
        file: String,
    },
    /// A file is in storage of the user's own, and here no more.
    FileOffloaded {
        /// Which command moves it.
        command: CommandId,
        /// [`Attachment::id`].
        file: String,
        /// What it took here.
        bytes: u64,
    },
    /// A file is where it was to be saved.
    FileSaved {
        /// Which command asked.
        command: CommandId,
        /// Where.
        path: String,
    },
    /// More happened than the front end took: ask for everything anew.
    Overrun,
}
