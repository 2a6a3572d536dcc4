//! What the core needs of the device's database. The rows of [`Key`] are bytes that only this crate
//! reads; messages are columns, because front ends list and search them.

use waxwing_wire::content::Conversation;
use waxwing_wire::{AccountId, DeviceAddress, FileId, GroupId, MessageId};

use crate::row::{Message, MessageKey};

/// Tables of opaque rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// One row: this device's account, keys, counters and cursors.
    Profile = 1,
    /// Signal sessions, one for each device of others.
    Session = 2,
    /// Own prekeys, private halves.
    Prekey = 3,
    /// Other accounts.
    Peer = 4,
    /// What waits for the server, in order.
    Outbox = 5,
    /// Own messages that the server has taken, so that they can be sent again when they are asked for.
    Sent = 6,
    /// Messages that could not be decrypted and were asked for again.
    Retry = 7,
    /// Devices of accounts, the own one included, as their signed lists name them.
    Devices = 8,
    /// Registers of the account's state, which all its devices share.
    State = 9,
    /// Groups: what this device knows of them.
    Group = 10,
    /// Keys to read what devices write in groups, one's own key among them.
    SenderKey = 11,
    /// Signed changes of groups, for members who missed them.
    GroupLog = 12,
    /// How far messages to groups have come, for each member.
    Receipt = 13,
    /// Ticks and reads of messages that are not here yet.
    Mark = 14,
    /// Histories on their way to new devices.
    Archive = 15,
    /// Requests to join groups that wait for an admin.
    JoinRequest = 16,
    /// What was done about messages and conversations.
    Act = 17,
    /// Of it, what came before its message: a ring of places.
    EarlyAct = 18,
    /// Messages that disappear, by time.
    Expiry = 19,
    /// What other accounts have told of themselves.
    PeerProfile = 20,
    /// Files that this device has encrypted or had to upload.
    File = 21,
    /// Of them, which has which content.
    FileContent = 22,
    /// Messages that wait for uploads, in order.
    Unsent = 23,
    /// Files of which the server is to hear that this device needs them no more.
    Fetched = 24,
}

/// Names an opaque row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The one row of [`Table::Profile`].
    Profile,
    /// Session with a device.
    Session(DeviceAddress),
    /// Own prekey: kind (the core's own numbers) and id.
    Prekey(u8, u32),
    /// Another account.
    Peer(AccountId),
    /// Place in the outbox.
    Outbox(u64),
    /// An own message that is part of the history.
    Sent(MessageId),
    /// An own message that nobody sees (a read receipt): one of a ring of places.
    Silent(u16),
    /// A message that was asked for again.
    Retry(DeviceAddress, MessageId),
    /// Devices of an account.
    Devices(AccountId),
    /// A register, by its key's bytes.
    State(Vec<u8>),
    /// A group.
    Group(GroupId),
    /// What a device writes in a group can be read with this.
    SenderKey(GroupId, DeviceAddress),
    /// The change that made an epoch of a group.
    GroupLog(GroupId, u64),
    /// How far an own message to a group has come with one member.
    Receipt(MessageId, AccountId),
    /// A tick or read of a message that is not here yet.
    Mark(DeviceAddress, MessageId),
    /// The history on its way to a device of the own account.
    Archive(u8),
    /// Somebody wants to join a group.
    JoinRequest(GroupId, AccountId),
    /// What was done, by what it was done about; the core's own bytes.
    Act(Vec<u8>),
    /// An act that came before its message.
    EarlyAct(u16),
    /// A message disappears then, milliseconds since 1970.
    Expiry(u64, MessageKey),
    /// What another account has told of itself.
    PeerProfile(AccountId),
    /// A file, by its digest.
    File([u8; 32]),
    /// The file with this content.
    FileContent([u8; 32]),
    /// The message with this order waits for uploads.
    Unsent(u64),
    /// The server is to hear of it.
    Fetched(FileId),
}

/// One change.
#[derive(Clone)]
pub enum Write {
    /// Write (`Some`) or delete (`None`) an opaque row.
    Row(Key, Option<Vec<u8>>),
    /// Write a message, replacing the one with the same [`MessageKey`].
    Message(Box<Message>),
    /// Delete a message, if it is there.
    DeleteMessage(MessageKey),
}

/// Changes to be committed in one transaction, in order.
pub type Batch = Vec<Write>;

/// Reading failed: the database is damaged, locked or its key is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("database: {0}")]
pub struct DbError(pub String);

/// Key bytes and value of an opaque row.
pub type RawRow = (Vec<u8>, Vec<u8>);

/// Synchronous reads of the device's database, as of the last commit.
pub trait Read {
    /// An opaque row.
    ///
    /// # Errors
    /// See [`DbError`].
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, DbError>;

    /// Opaque rows of a table whose key bytes are at or after `from` and before `to`, ascending by key
    /// bytes, at most `max`.
    ///
    /// # Errors
    /// See [`DbError`].
    fn rows(&self, table: Table, from: &[u8], to: &[u8], max: usize) -> Result<Vec<RawRow>, DbError>;

    /// A message by name.
    ///
    /// # Errors
    /// See [`DbError`].
    fn message(&self, key: &MessageKey) -> Result<Option<Message>, DbError>;

    /// Messages of a conversation with `order` below `before`, newest first, at most `max`.
    ///
    /// # Errors
    /// See [`DbError`].
    fn history(&self, with: Conversation, before: u64, max: usize) -> Result<Vec<Message>, DbError>;

    /// Messages of all conversations with `order` below `before`, newest first, at most `max`.
    ///
    /// # Errors
    /// See [`DbError`].
    fn recent(&self, before: u64, max: usize) -> Result<Vec<Message>, DbError>;

    /// How many messages there are with `stored_at_ms` at or after this time.
    ///
    /// # Errors
    /// See [`DbError`].
    fn count_since(&self, stored_at_ms: u64) -> Result<u64, DbError>;

    /// Incoming messages of a conversation that are unread, with `order` at or below `up_to`, oldest
    /// first, at most `max`.
    ///
    /// # Errors
    /// See [`DbError`].
    fn unread(&self, with: Conversation, up_to: u64, max: usize) -> Result<Vec<Message>, DbError>;
}

impl Key {
    /// Which table.
    #[must_use]
    pub fn table(&self) -> Table {
        match self {
            Self::Profile => Table::Profile,
            Self::Session(_) => Table::Session,
            Self::Prekey(..) => Table::Prekey,
            Self::Peer(_) => Table::Peer,
            Self::Outbox(_) => Table::Outbox,
            Self::Sent(_) | Self::Silent(_) => Table::Sent,
            Self::Retry(..) => Table::Retry,
            Self::Devices(_) => Table::Devices,
            Self::State(_) => Table::State,
            Self::Group(_) => Table::Group,
            Self::SenderKey(..) => Table::SenderKey,
            Self::GroupLog(..) => Table::GroupLog,
            Self::Receipt(..) => Table::Receipt,
            Self::Mark(..) => Table::Mark,
            Self::Archive(_) => Table::Archive,
            Self::JoinRequest(..) => Table::JoinRequest,
            Self::Act(_) => Table::Act,
            Self::EarlyAct(_) => Table::EarlyAct,
            Self::Expiry(..) => Table::Expiry,
            Self::PeerProfile(_) => Table::PeerProfile,
            Self::File(_) => Table::File,
            Self::FileContent(_) => Table::FileContent,
            Self::Unsent(_) => Table::Unsent,
            Self::Fetched(_) => Table::Fetched,
        }
    }

    /// Key bytes: their order is the order of rows.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let address = |address: &DeviceAddress| {
            let mut bytes = address.account.0.to_vec();
            bytes.push(address.device.number());
            bytes
        };
        match self {
            Self::Profile => Vec::new(),
            Self::Session(device) => address(device),
            Self::Prekey(kind, id) => [&[*kind][..], &id.to_be_bytes()].concat(),
            Self::Peer(account) | Self::Devices(account) | Self::PeerProfile(account) => account.0.to_vec(),
            Self::Outbox(order) | Self::Unsent(order) => order.to_be_bytes().to_vec(),
            Self::File(digest) | Self::FileContent(digest) => digest.to_vec(),
            Self::Fetched(file) => file.0.to_vec(),
            Self::Sent(id) => [&[0][..], &id.0.to_be_bytes()].concat(),
            Self::Silent(place) => [&[1][..], &place.to_be_bytes()].concat(),
            Self::State(key) | Self::Act(key) => key.clone(),
            Self::EarlyAct(place) => place.to_be_bytes().to_vec(),
            Self::Expiry(at, key) => [&at.to_be_bytes()[..], &key.bytes()].concat(),
            Self::Group(group) => group.0.to_vec(),
            Self::SenderKey(group, device) => [group.0.to_vec(), address(device)].concat(),
            Self::GroupLog(group, epoch) => [&group.0[..], &epoch.to_be_bytes()].concat(),
            Self::Receipt(id, account) => [&id.0.to_be_bytes()[..], &account.0].concat(),
            Self::Archive(device) => vec![*device],
            Self::JoinRequest(group, account) => [group.0, account.0].concat(),
            Self::Retry(device, id) | Self::Mark(device, id) => MessageKey { from: *device, id: *id }.bytes(),
        }
    }
}
