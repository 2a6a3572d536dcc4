use std::collections::BTreeSet;

use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::content::Conversation;
use waxwing_wire::devices::{HistoryRange, LinkCode};
use waxwing_wire::directory::{Address, AddressCode};
use waxwing_wire::file::{Download, Segments, UploadTicket};
use waxwing_wire::group::{Action, GroupKind, GroupLink};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::limits::PUBLIC_KEY_BYTES;
use waxwing_wire::post::{ActBy, Deed, Post};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, FileId, GroupId, RejectCode, Username};

use crate::row::{Audience, BroadcastList, Delivery, Message, MessageKey, OwnDevice, Peer, Setting};

/// Names a command to whoever gave it; chosen by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// What a user wants. Each is answered by [`Event::Done`] or [`Event::Failed`] exactly once.
#[derive(Clone)]
pub enum Command {
    /// Make an account with this device, and keep a connection from now on. Done when the server has
    /// confirmed; failed when it cannot be reached.
    Register {
        /// From the invitation.
        invitation: InvitationToken,
        /// Wanted alias.
        username: Username,
    },
    /// Learn which account has a username and keep it as a contact. Done at once when already known;
    /// otherwise needs a connection, or one that is being made.
    AddContact {
        /// The contact's alias.
        username: Username,
    },
    /// Write a message. Done as soon as it is durably in the outbox, with or without a connection.
    Send {
        /// The contact or group; must be known. Or the own account: a note to oneself.
        to: Conversation,
        /// Without a lifetime it gets the conversation's. What a quote says is filled in.
        post: Box<Post>,
    },
    /// Pass a message on: to all of these conversations or to none.
    Forward {
        /// Which.
        message: MessageKey,
        /// At most [`crate::limits::MAX_FORWARDED_TO`]; one, if it was passed on often.
        to: Vec<Conversation>,
    },
    /// Do something about a message or a conversation. Done as soon as it is durably in the outbox.
    Act {
        /// Where.
        with: Conversation,
        /// About which message; `None`: the conversation.
        target: Option<MessageKey>,
        /// What.
        deed: Deed,
    },
    /// The user has seen every message of the conversation up to and with this one.
    MarkRead {
        /// Which conversation.
        with: Conversation,
        /// Local order of the last message seen.
        up_to: u64,
    },
    /// The user has compared safety numbers (or takes that back).
    SetVerified {
        /// Whose.
        account: AccountId,
        /// They match.
        verified: bool,
    },
    /// Become a device of an existing account: show a code ([`Event::LinkCode`]) and wait until an existing
    /// device has approved. Done when linked; failed when the offer expired or the server cannot be reached.
    OfferLink {
        /// How the device calls itself at first.
        name: String,
    },
    /// Stop offering.
    CancelLink,
    /// Take a new device into the account. Only on the primary. Done when the server has the new list.
    ApproveLink {
        /// As scanned or typed.
        code: LinkCode,
        /// What of the past it gets.
        history: HistoryRange,
    },
    /// Ask the server for last-seen times and places of the account's devices; then [`Event::Devices`].
    RefreshDevices,
    /// Name a device of the account.
    RenameDevice {
        /// Which.
        device: DeviceId,
        /// At most [`waxwing_wire::limits::MAX_DEVICE_NAME_BYTES`].
        name: String,
    },
    /// Cut a device off. From any device, about any but the primary; about this one: log out.
    RemoveDevice {
        /// Which.
        device: DeviceId,
    },
    /// Set something of a conversation, on all devices.
    SetChat {
        /// Which.
        conversation: Conversation,
        /// What.
        change: ChatChange,
    },
    /// Give a contact a name of one's own; empty: none.
    SetContactName {
        /// Whose.
        account: AccountId,
        /// At most 256 bytes.
        name: String,
    },
    /// Take nothing from an account any more, and tell it nothing.
    SetBlocked {
        /// Whose.
        account: AccountId,
        /// Or the contrary.
        blocked: bool,
    },
    /// Mark a message for oneself.
    SetStarred {
        /// Which.
        message: MessageKey,
        /// Or the contrary.
        starred: bool,
    },
    /// Delete messages on all own devices.
    DeleteMessages {
        /// Which; at most 256.
        messages: Vec<MessageKey>,
    },
    /// Set something of the program, on all devices. The core does not look into it.
    SetSetting {
        /// At most 32 bytes.
        key: String,
        /// At most 4,096 bytes; `None`: as it was at first.
        value: Option<String>,
    },
    /// Tell others something else of oneself.
    SetProfile {
        /// What.
        change: ProfileChange,
    },
    /// Say yes to what somebody has written whom the user does not know. Writing to them says so too.
    Accept {
        /// Who.
        account: AccountId,
    },
    /// Say yes to being in a group into which somebody has brought the user who may not. Writing there says so too;
    /// who does not want it leaves.
    AcceptGroup {
        /// Which.
        group: GroupId,
    },
    /// Say who may know something of the user.
    SetPrivacy {
        /// What.
        setting: Setting,
        /// Who. Not everything can be set for [`Setting::Online`] and [`Setting::Receipts`].
        audience: Audience,
    },
    /// Do not know an account any more. What was written stays.
    RemoveContact {
        /// Which.
        account: AccountId,
    },
    /// Make a group. Done when the server has it; [`Event::Group`] names it.
    CreateGroup {
        /// Its name.
        name: String,
        /// A group or a community.
        kind: GroupKind,
        /// Its other members; must be known.
        members: Vec<AccountId>,
    },
    /// Change a group: all of the actions or none. Done when the server has taken it.
    ChangeGroup {
        /// Which.
        group: GroupId,
        /// In order. `Remove` of the own account leaves.
        actions: Vec<Action>,
    },
    /// Draw another invitation link for a group (the former ends), or have none.
    SetGroupLink {
        /// Which.
        group: GroupId,
        /// Or none.
        enabled: bool,
    },
    /// Ask to join a group. Done when the request is on its way; the answer is a message of the group's.
    JoinGroup {
        /// From the invitation link.
        link: GroupLink,
    },
    /// Answer somebody who wants to join.
    AnswerJoin {
        /// Which group.
        group: GroupId,
        /// Who.
        account: AccountId,
        /// Yes or no.
        accept: bool,
    },
    /// Send the last messages of a group to somebody who has joined. Admins only.
    ShareHistory {
        /// Which group.
        group: GroupId,
        /// Who.
        account: AccountId,
        /// 25 to 100.
        messages: u32,
    },
    /// Make or change a broadcast list.
    SetList {
        /// Which.
        list: BroadcastList,
    },
    /// Delete a broadcast list.
    DeleteList {
        /// Which.
        list: [u8; 16],
    },
    /// Write to everybody on a list, each alone.
    SendToList {
        /// Which.
        list: [u8; 16],
        /// What.
        post: Box<Post>,
    },
    /// Show something for a day to those for whom [`Setting::Status`] is.
    Show {
        /// A text of at most [`crate::limits::MAX_STATUS_TEXT_BYTES`], and what its link leads to.
        post: Box<Post>,
    },
    /// Say whether the user is at this device. Until then it is [`Activity::Away`].
    SetActivity(Activity),
    /// See whether these accounts are there, at most [`waxwing_wire::limits::MAX_WATCHED`], as far as they and the
    /// own settings let: [`Event::Presence`] says it from now on. Replaces those before.
    WatchPresence(BTreeSet<AccountId>),
    /// The user types or records, or does so no more. May be said as often as a key is pressed: it goes out when
    /// there is a connection and somebody who may know, and so often as it helps.
    Compose {
        /// To whom.
        with: Conversation,
        /// What.
        what: Composing,
    },
    /// Look up which people of an address book have an account and want to be found; they become contacts with
    /// the book's names. Nothing of the book is kept but these names, and the server learns no address. Then
    /// [`Event::ContactsFound`].
    LookUpContacts {
        /// At most [`crate::limits::MAX_BOOK_ADDRESSES`] addresses in all.
        entries: Vec<BookEntry>,
    },
    /// Whether the own account is found by its addresses, and from now on if that is said; then
    /// [`Event::Findable`].
    Findable {
        /// From now on.
        set: Option<bool>,
    },
    /// The operator has vouched for an address of this account; then [`Event::Findable`].
    RedeemAddress {
        /// As the operator gave it.
        code: AddressCode,
    },
    /// The shell has a file's ciphertext: upload it. Done at once; the upload begins when the server can be reached.
    /// Posts name it by its digest from now on.
    AddFile {
        /// Which.
        file: LocalFile,
    },
    /// All of a file is where the ticket of [`Effect::Upload`] said.
    Uploaded {
        /// Which.
        digest: [u8; 32],
    },
    /// [`Effect::Upload`] is over without that.
    UploadFailed {
        /// Which.
        digest: [u8; 32],
        /// Why.
        why: UploadFailure,
    },
    /// Ask the server where a file is; then [`Event::FileFound`].
    FindFile {
        /// Which.
        file: FileId,
        /// Of a file in segments: from this one on.
        first: u32,
    },
    /// Ask the server where segments of a file go that is being uploaded; then [`Event::SegmentsFound`].
    FindSegments {
        /// Which.
        digest: [u8; 32],
        /// From this one on.
        first: u32,
    },
    /// All segments of a file are where the server said: have it look. Done when it has them all; then the file is
    /// uploaded, as with [`Self::Uploaded`]. It fails with [`waxwing_wire::RejectCode::Malformed`] if some are missing.
    FinishUpload {
        /// Which.
        digest: [u8; 32],
    },
    /// This device has all of a file, or does not want it.
    Fetched {
        /// Which.
        file: FileId,
    },
    /// Keep a connection from now on.
    GoOnline,
    /// End the connection and make no new one.
    GoOffline,
}

impl Command {
    /// Write a text and nothing else.
    #[must_use]
    pub fn text(to: Conversation, text: impl Into<String>) -> Self {
        Self::Send { to, post: Box::new(Post::plain(text)) }
    }
}

/// A file whose ciphertext the shell has.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// BLAKE3 of its ciphertext: its name on this device.
    pub digest: [u8; 32],
    /// Its ciphertext is made with this.
    pub key: [u8; 32],
    /// Of its content.
    pub bytes: u64,
    /// BLAKE3 of its content.
    pub content: [u8; 32],
}

/// Why an upload is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadFailure {
    /// The ticket does not count any more.
    Ticket,
    /// The ciphertext is not here.
    Missing,
}

/// A file that is to be uploaded.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// Which.
    pub digest: [u8; 32],
    /// Of its content.
    pub bytes: u64,
    /// Where to, and by which right.
    pub ticket: UploadTicket,
}

/// What the user tells of themself. Without `Debug`: it is what people write.
#[derive(Clone, PartialEq, Eq)]
pub enum ProfileChange {
    /// At most [`waxwing_wire::limits::MAX_PROFILE_NAME_BYTES`]; empty: none.
    Name(String),
    /// At most [`waxwing_wire::limits::MAX_ABOUT_BYTES`]; empty: nothing.
    About(String),
    /// A small image file, at most [`waxwing_wire::limits::MAX_PROFILE_PICTURE_BYTES`]; empty: none.
    Picture(Vec<u8>),
}

/// Whether the user is at this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activity {
    /// No: nobody is told that the user is there, and nothing light comes.
    #[default]
    Away,
    /// A program listens: light events come, and nobody is told that the user is there.
    Listening,
    /// Yes: those who may know are told.
    Active,
}

/// What somebody does who is about to say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Composing {
    /// Nothing any more.
    Stopped,
    /// Types.
    Typing,
    /// Records.
    Recording,
}

/// What is known of whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// Nothing: it is not to be known, or not known now.
    #[default]
    Unknown,
    /// At one of their devices, now.
    Online,
    /// Not now; milliseconds since 1970.
    LastSeen(u64),
}

/// Somebody in an address book.
#[derive(Clone)]
pub struct BookEntry {
    /// As the book calls them.
    pub name: String,
    /// Theirs.
    pub addresses: Vec<Address>,
}

/// What can be set for a conversation. Without `Debug`: it may hold what people write.
#[derive(Clone, PartialEq, Eq)]
pub enum ChatChange {
    /// Out of sight, or back.
    Archived(bool),
    /// Above the others, or back.
    Pinned(bool),
    /// No notifications until then, milliseconds since 1970; 0: not muted; `u64::MAX`: for good.
    MutedUntil(u64),
    /// Delete all messages so far.
    Cleared,
    /// What the user has begun to write; empty: nothing.
    Draft(String),
}

/// What the shell does after the commit, in order.
#[derive(Clone)]
pub enum Effect {
    /// Open a connection; then [`crate::Input::Connected`] or [`crate::Input::Disconnected`].
    Connect,
    /// Close the connection; no input is expected for it any more.
    Disconnect,
    /// Encode, seal and send.
    Send(ClientFrame),
    /// Bring a file's ciphertext to the server, going on where it was; then [`Command::Uploaded`] or
    /// [`Command::UploadFailed`]. Said once in a process for each, whatever becomes of the connection.
    Upload(Box<Upload>),
    /// Tell the front end.
    Event(Event),
}

/// What happened, for front ends. Holds what people wrote: never to be logged.
#[derive(Clone)]
pub enum Event {
    /// A command succeeded. `message` is the one it made, if any.
    Done {
        /// Which.
        command: CommandId,
        /// The message written, for [`Command::Send`].
        message: Option<MessageKey>,
        /// The contact learned, for [`Command::AddContact`].
        peer: Option<Peer>,
    },
    /// A command did not succeed.
    Failed {
        /// Which.
        command: CommandId,
        /// Why, and what to do.
        failure: Failure,
    },
    /// Somebody types or records, or does so no more. Said once for each time it begins, changes or ends.
    Composing {
        /// In which conversation.
        with: Conversation,
        /// Who.
        account: AccountId,
        /// What.
        what: Composing,
    },
    /// Whether somebody is there who is watched is another than before, [`Presence::Unknown`] at first.
    Presence {
        /// Who.
        account: AccountId,
        /// What is known.
        presence: Presence,
    },
    /// The connection changed.
    Connection(ConnectionState),
    /// This device has an account now.
    Registered(DeviceAddress),
    /// A message is in the history now: written here, arrived, or a placeholder for one that could not be
    /// decrypted yet.
    Message(Message),
    /// A message changed: its placeholder was filled.
    MessageFilled(Message),
    /// Somebody has done something about a message, and it may be another now: its sender has edited it or
    /// deleted it for everyone, or it was to be seen once and was. Also for what was done before the message
    /// came, right after it. See [`crate::Client::acts`].
    Changed {
        /// Which.
        message: MessageKey,
        /// Who, from which device, and what.
        doer: Box<ActBy>,
    },
    /// The ticks of a message changed.
    Delivery {
        /// Which.
        message: MessageKey,
        /// In which conversation.
        with: Conversation,
        /// As it is now.
        delivery: Delivery,
    },
    /// A contact's identity key is another than before: their safety number changed.
    IdentityChanged(AccountId),
    /// Messages of this sending device are missing before the one just shown.
    Gap {
        /// Who sent them.
        from: DeviceAddress,
        /// How many.
        missing: u64,
    },
    /// The database is an older copy of itself: sessions are being renewed.
    RestoredCopy,
    /// Show this to the user, for an existing device to scan or to be typed there.
    LinkCode {
        /// Its text; see [`LinkCode::to_text`].
        code: LinkCode,
        /// This device's identity key, for the QR code; see [`LinkCode::to_qr`].
        identity: [u8; PUBLIC_KEY_BYTES],
    },
    /// The own account's devices changed, or more is known of them.
    Devices(Vec<OwnDevice>),
    /// This device is not the account's any more: it was removed from another one.
    Removed,
    /// A history is on its way from (`sending`) or to this device.
    Archive {
        /// The other device.
        device: DeviceId,
        /// From this device to the other.
        sending: bool,
        /// Messages so far.
        messages: u64,
        /// Messages in all, as estimated.
        total: u64,
        /// That was the last of it.
        done: bool,
    },
    /// Messages were deleted, here or on another own device.
    Deleted(Vec<MessageKey>),
    /// Something that the user sets is another now: conversations, contacts, stars, lists, settings.
    StateChanged,
    /// A group is new, or another than before.
    Group(GroupId),
    /// Somebody wants to join a group and waits for this account's word.
    JoinRequested {
        /// Which group.
        group: GroupId,
        /// Who.
        account: AccountId,
    },
    /// Messages were not kept for this device while its mailbox was full.
    Skipped(u64),
    /// What a look-up has come to.
    ContactsFound {
        /// Which.
        command: CommandId,
        /// Addresses that were looked up.
        addresses: usize,
        /// Who was found, and how the book calls them.
        found: Vec<(AccountId, String)>,
    },
    /// A file is uploaded, by its digest.
    FileUploaded([u8; 32]),
    /// A file cannot be uploaded; messages that waited for it have failed.
    FileRefused {
        /// Its digest.
        file: [u8; 32],
        /// Why.
        failure: Failure,
    },
    /// Where a file is.
    FileFound {
        /// Which command asked.
        command: CommandId,
        /// Where.
        download: Box<Download>,
    },
    /// Where segments of a file go.
    SegmentsFound {
        /// Which command asked.
        command: CommandId,
        /// Where.
        segments: Box<Segments>,
    },
    /// How the own account is found.
    Findable {
        /// Which command asked.
        command: CommandId,
        /// By its addresses, or not.
        on: bool,
        /// Addresses that the operator vouched for.
        addresses: u32,
    },
}

/// Whether the server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// No connection, and none wanted.
    Offline,
    /// No connection; trying again at this time, milliseconds since 1970.
    Waiting {
        /// When.
        until_ms: u64,
    },
    /// Being set up.
    Connecting,
    /// Greeted by the server.
    Online,
    /// The server does not want this device; trying again will not help.
    Refused(RejectCode),
}

/// Why a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server's word.
    #[error("{0}")]
    Rejected(waxwing_wire::Reject),
    /// Only possible with a connection.
    #[error("not connected to the server; try again when it can be reached")]
    NotConnected,
    /// This device has no account.
    #[error("this profile has no account yet; register it first")]
    NotRegistered,
    /// This device has an account already.
    #[error("this profile has an account already; use another data directory for another account")]
    AlreadyRegistered,
    /// The contact is not known here.
    #[error("no such contact; add it by its username first")]
    UnknownContact,
    /// Above a limit.
    #[error("the message is too long; the limit is {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// The outbox is full.
    #[error("too many messages wait to be sent; try again when the server can be reached")]
    OutboxFull,
    /// Nothing to send.
    #[error("the message is empty")]
    Empty,
    /// Too many commands wait for an answer.
    #[error("another command is still under way; try again when it is done")]
    Busy,
    /// Only the primary device can do that.
    #[error("only the account's first device can do that; use that one")]
    NotPrimary,
    /// The account has no such device.
    #[error("the account has no such device; list the devices again")]
    UnknownDevice,
    /// Nothing is offered under the code.
    #[error("no device waits with this code; show a new one on the other device and try again")]
    UnknownCode,
    /// Somebody other than the code's device answered to it.
    #[error(
        "what waits under this code does not belong to it: do not approve; show a new code and try again"
    )]
    FalseCode,
    /// [`waxwing_wire::limits::MAX_DEVICES`] are there.
    #[error("the account has {limit} devices already; remove one first")]
    TooManyDevices {
        /// The limit.
        limit: usize,
    },
    /// The group is not known here.
    #[error("no such group; list the groups again")]
    UnknownGroup,
    /// The group's rules do not let this account do that.
    #[error("the group's rules do not allow that; ask one of its admins")]
    NotAllowed,
    /// [`waxwing_wire::limits::MAX_GROUP_MEMBERS`] are there.
    #[error("the group would be too large; the limit is {limit} members")]
    GroupFull {
        /// The limit.
        limit: usize,
    },
    /// Somebody lets others add them to groups, but not this account.
    #[error("somebody of them does not let you add them to groups; send them the group's invitation link")]
    NotAddable,
    /// Something else came in between too many times.
    #[error("the group was changed by others at the same time; try again")]
    GroupBusy,
    /// Edits and deletions for everyone have their time.
    #[error("it is too late for that, or the message is somebody else's")]
    TooLate,
    /// See [`Command::Forward`].
    #[error("a message that was passed on often goes to {limit} conversation(s) at once")]
    TooManyForwards {
        /// How many.
        limit: usize,
    },
    /// A poll without options, a place that is none.
    #[error("that is incomplete; see the help of the command")]
    Malformed,
    /// The message is not in the history.
    #[error("no such message; it may have been deleted")]
    UnknownMessage,
    /// Nobody is among those for whom [`Setting::Status`] is.
    #[error("nobody would see it: add contacts first, or change for whom your status updates are")]
    NoAudience,
    /// Above [`waxwing_wire::limits::MAX_STATUS_AUDIENCE`].
    #[error("more than {limit} people would see it; change for whom your status updates are")]
    AudienceTooLarge {
        /// The limit.
        limit: usize,
    },
    /// [`crate::limits::MAX_STATUSES_KEPT`] are shown.
    #[error("{limit} status updates are shown at a time; delete one, or wait until one is a day old")]
    TooManyStatuses {
        /// The limit.
        limit: usize,
    },
    /// The list is not known.
    #[error("no such broadcast list; list them again")]
    UnknownList,
    /// Above [`crate::limits::MAX_BOOK_ADDRESSES`].
    #[error("too many addresses to look up at once; the limit is {limit}")]
    TooManyAddresses {
        /// The limit.
        limit: usize,
    },
    /// The directory's key is another than at the first look-up, or its answer is not proven.
    #[error(
        "the server's directory of contacts is not the one that this device knows: nobody was looked up in it; \
         ask the operator whether it was begun anew"
    )]
    FalseDirectory,
    /// The file is not here.
    #[error("no such file here; add it again")]
    UnknownFile,
    /// [`crate::limits::MAX_FILES`] wait to be uploaded.
    #[error("too many files wait to be uploaded; the limit is {limit}")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// Above [`crate::limits::MAX_PEERS`].
    #[error("too many contacts; the limit is {limit}")]
    TooManyContacts {
        /// The limit.
        limit: u32,
    },
}
