//! Rows as they stand in the database: a version byte and protobuf. A number is never reused, and golden
//! tests pin the bytes. Nothing here has `Debug`: rows hold keys and what people wrote.

use zeroize::Zeroize;

use crate::client::Error;

/// Version of every row. Raised only when an old reader would misunderstand a new writer.
const VERSION: u8 = 1;

/// A kind of row.
pub(crate) trait Record: prost::Message + Default {
    /// For [`Error::Damaged`].
    const NAME: &'static str;

    /// Bytes for the database.
    fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.encoded_len());
        bytes.push(VERSION);
        self.encode(&mut bytes).expect("a Vec grows as needed");
        bytes
    }

    /// Reads [`Self::pack`].
    fn unpack(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((&VERSION, body)) => Self::decode(body).map_err(|_| Error::Damaged(Self::NAME)),
            _ => Err(Error::Damaged(Self::NAME)),
        }
    }
}

/// The one row of the profile.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ProfileRow {
    #[prost(message, optional, tag = "1")]
    pub keys: Option<KeysRow>,
    #[prost(message, optional, tag = "2")]
    pub counters: Option<Counters>,
}

/// What a device is; never changes.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct KeysRow {
    /// Serialised identity key pair.
    #[prost(bytes = "vec", tag = "1")]
    pub identity: Vec<u8>,
    /// Noise static key, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub noise: Vec<u8>,
    /// 14 bits, not 0.
    #[prost(uint32, tag = "3")]
    pub registration_id: u32,
}

impl Drop for KeysRow {
    fn drop(&mut self) {
        self.identity.zeroize();
        self.noise.zeroize();
    }
}

/// What a device counts, and the account it belongs to.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct Counters {
    /// 16 bytes, or none before registration.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub device: u32,
    #[prost(string, tag = "3")]
    pub username: String,
    /// The largest lease that a `Hello` may have carried.
    #[prost(uint64, tag = "4")]
    pub lease: u64,
    /// The lease that `emitted` counts under.
    #[prost(uint64, tag = "5")]
    pub counted_lease: u64,
    /// Messages put into frames under `counted_lease`, each time one is. A connection keeps its order: when
    /// something that an older copy does not know of reached the server, the server has counted more.
    #[prost(uint64, tag = "6")]
    pub emitted: u64,
    /// The connection of `counted_lease` was not ended cleanly.
    #[prost(bool, tag = "7")]
    pub lease_open: bool,
    /// Mailbox entries up to this one are stored.
    #[prost(uint64, tag = "8")]
    pub stored: u64,
    /// Entries that could not be read and of which the server may not have heard so yet.
    #[prost(uint64, repeated, tag = "9")]
    pub undecryptable: Vec<u64>,
    /// Of the next message in the history.
    #[prost(uint64, tag = "10")]
    pub next_order: u64,
    /// Of the next row in the outbox.
    #[prost(uint64, tag = "11")]
    pub next_outbox: u64,
    /// Of the next prekey of any kind.
    #[prost(uint32, tag = "12")]
    pub next_prekey: u32,
    /// Id of the signed prekey now published.
    #[prost(uint32, tag = "13")]
    pub signed: u32,
    /// Id of the last-resort prekey now published.
    #[prost(uint32, tag = "14")]
    pub last_resort: u32,
    /// When both were made, milliseconds since 1970.
    #[prost(uint64, tag = "15")]
    pub signed_made_at_ms: u64,
    /// The server may not have them yet.
    #[prost(bool, tag = "16")]
    pub signed_unpublished: bool,
    /// The server still holds prekeys that a later life of this device published.
    #[prost(bool, tag = "17")]
    pub replace_prekeys: bool,
    /// How many times all sessions had to be renewed.
    #[prost(uint64, tag = "18")]
    pub renewals: u64,
    /// Rows of other accounts.
    #[prost(uint32, tag = "19")]
    pub peers: u32,
    /// Silent messages that the server has taken.
    #[prost(uint64, tag = "20")]
    pub silent_sent: u64,
    /// Of a companion: the primary's identity key, 33 bytes.
    #[prost(bytes = "vec", tag = "21")]
    pub primary: Vec<u8>,
    /// Largest time of a register that was seen.
    #[prost(uint64, tag = "22")]
    pub clock: u64,
    /// Rows of the account's state.
    #[prost(uint32, tag = "23")]
    pub states: u32,
    /// Rows of marks.
    #[prost(uint32, tag = "24")]
    pub marks: u32,
    /// Devices of the account that are gone and that the primary's next list leaves out.
    #[prost(uint32, repeated, tag = "25")]
    pub unlist: Vec<u32>,
    /// Largest version of a list that this device has signed, whatever became of it.
    #[prost(uint64, tag = "26")]
    pub list_signed: u64,
    /// When the own account's list was signed, milliseconds since 1970.
    #[prost(uint64, tag = "27")]
    pub list_issued_ms: u64,
    /// The lowest order in a linked device's history; archived messages go below it.
    #[prost(uint64, tag = "28")]
    pub archive_order: u64,
    /// Messages of the archive that have come.
    #[prost(uint64, tag = "29")]
    pub archived: u64,
    /// A new device was granted an account and has not told the server yet that it takes it: encoded grant.
    #[prost(bytes = "vec", tag = "30")]
    pub grant: Vec<u8>,
    #[prost(bytes = "vec", tag = "31")]
    pub grant_reference: Vec<u8>,
    #[prost(string, tag = "32")]
    pub grant_name: String,
    #[prost(bytes = "vec", tag = "33")]
    pub grant_list: Vec<u8>,
    #[prost(bytes = "vec", tag = "34")]
    pub grant_signature: Vec<u8>,
    /// As the server has said last: messages that were not kept for this device.
    #[prost(uint64, tag = "35")]
    pub skipped: u64,
    /// Acts that came before their messages.
    #[prost(uint64, tag = "36")]
    pub acts_early: u64,
    /// Own acts that the server has taken.
    #[prost(uint64, tag = "37")]
    pub acts_sent: u64,
    /// Somebody may have been told something else of the user than they may know now.
    #[prost(bool, tag = "38")]
    pub profile_changed: bool,
    /// The key of the server's directory of contacts, as it was at the first look-up; none before.
    #[prost(bytes = "vec", tag = "60")]
    pub directory_key: Vec<u8>,
}

/// Another account.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct PeerRow {
    /// Empty: unknown.
    #[prost(string, tag = "1")]
    pub username: String,
    /// 33 bytes, or none.
    #[prost(bytes = "vec", tag = "2")]
    pub identity: Vec<u8>,
    /// 0 first use, 1 verified, 2 changed.
    #[prost(uint32, tag = "3")]
    pub trust: u32,
    #[prost(uint64, tag = "4")]
    pub changed_at_ms: u64,
    /// Messages written to it so far by this device.
    #[prost(uint64, tag = "5")]
    pub written: u64,
    /// The server was asked for its alias.
    #[prost(bool, tag = "6")]
    pub name_asked: bool,
    /// Positions of the last messages that other devices of the own account have written to it.
    #[prost(message, repeated, tag = "7")]
    pub own_positions: Vec<OwnPosition>,
}

/// Of another device of the own account.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct OwnPosition {
    #[prost(uint32, tag = "1")]
    pub device: u32,
    #[prost(uint64, tag = "2")]
    pub position: u64,
    /// As in [`DeviceEntry`].
    #[prost(uint64, tag = "3")]
    pub first: u64,
    #[prost(fixed64, tag = "4")]
    pub first_id: u64,
}

/// Devices of an account.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct DevicesRow {
    #[prost(message, repeated, tag = "1")]
    pub devices: Vec<DeviceEntry>,
    /// Of the newest list that was verified; 0: none was.
    #[prost(uint64, tag = "2")]
    pub version: u64,
    #[prost(uint64, tag = "3")]
    pub issued_at_ms: u64,
    #[prost(uint64, tag = "4")]
    pub expires_at_ms: u64,
    /// Encoded, as it was signed.
    #[prost(bytes = "vec", tag = "5")]
    pub list: Vec<u8>,
    /// 64 bytes.
    #[prost(bytes = "vec", tag = "6")]
    pub signature: Vec<u8>,
}

/// One of them.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct DeviceEntry {
    /// 1 to 127.
    #[prost(uint32, tag = "1")]
    pub device: u32,
    /// Messages are encrypted for it.
    #[prost(bool, tag = "2")]
    pub active: bool,
    #[prost(uint32, tag = "3")]
    pub registration_id: u32,
    /// 33 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub identity: Vec<u8>,
    /// Position of the last message that surfaced from it.
    #[prost(uint64, tag = "5")]
    pub position: u64,
    /// When our session with it was last renewed because it asked, milliseconds since 1970; 0: never.
    #[prost(uint64, tag = "7")]
    pub renewed_at_ms: u64,
    /// When it last got an answer that carries nothing, milliseconds since 1970; 0: never.
    #[prost(uint64, tag = "8")]
    pub answered_at_ms: u64,
    /// The primary has signed for `identity`, and its holder for belonging to the account; or it is the
    /// primary.
    #[prost(bool, tag = "9")]
    pub verified: bool,
    /// Of the own account's: see [`crate::OwnDevice`].
    #[prost(uint64, tag = "10")]
    pub last_seen_ms: u64,
    #[prost(string, tag = "11")]
    pub place: String,
    #[prost(uint64, tag = "12")]
    pub linked_at_ms: u64,
    /// On a linked device: position and id of the first message that surfaced from it here; 0: none did, or it
    /// began at 1. 1 without an id: it is another device than before, and all that it writes comes here.
    #[prost(uint64, tag = "13")]
    pub first: u64,
    #[prost(fixed64, tag = "14")]
    pub first_id: u64,
    /// Orders of the placeholders since `position`, whose own positions are not known; at most
    /// [`crate::limits::MAX_PLACEHOLDERS_COUNTED`].
    #[prost(uint64, repeated, tag = "15")]
    pub waiting: Vec<u64>,
}

/// Sessions with a device.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct SessionRow {
    /// [`Counters::renewals`] when `record` was current.
    #[prost(uint64, tag = "1")]
    pub renewals: u64,
    /// To send and receive with; none after a renewal.
    #[prost(bytes = "vec", tag = "2")]
    pub record: Vec<u8>,
    /// From before a renewal: messages under way can still be read with it, but its sending chains may have
    /// been used by another life of this device and are never used again.
    #[prost(bytes = "vec", tag = "3")]
    pub stale: Vec<u8>,
}

impl Drop for SessionRow {
    fn drop(&mut self) {
        self.record.zeroize();
        self.stale.zeroize();
    }
}

/// An own prekey, private half.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct PrekeyRow {
    #[prost(bytes = "vec", tag = "1")]
    pub record: Vec<u8>,
    /// When it was replaced, milliseconds since 1970; 0 while it is in use.
    #[prost(uint64, tag = "2")]
    pub retired_at_ms: u64,
}

impl Drop for PrekeyRow {
    fn drop(&mut self) {
        self.record.zeroize();
    }
}

/// Something that waits for the server.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct OutboxRow {
    /// See [`Kind`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Account, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub to: Vec<u8>,
    #[prost(fixed64, tag = "3")]
    pub id: u64,
    #[prost(uint32, tag = "4")]
    pub attempt: u32,
    #[prost(uint64, tag = "5")]
    pub sent_at_ms: u64,
    #[prost(uint64, tag = "6")]
    pub position: u64,
    /// [`Kind::Read`]: what was read. [`Kind::Retry`]: the one message that is asked for. [`Kind::Profile`]: the
    /// time of the register that says what is told. [`Kind::Status`]: its name.
    #[prost(fixed64, repeated, tag = "7")]
    pub ids: Vec<u64>,
    /// [`Kind::Retry`]: how often it has been asked for.
    #[prost(uint32, tag = "8")]
    pub asked: u32,
    /// The server has taken it before; the recipient asked for it again.
    #[prost(bool, tag = "9")]
    pub resend: bool,
    /// Times that the server refused the copies.
    #[prost(uint32, tag = "10")]
    pub tries: u32,
    /// The recipient has asked for this attempt while an earlier one was not acknowledged yet; 0: no.
    #[prost(uint32, tag = "11")]
    pub again: u32,
    /// Encrypted; none yet.
    #[prost(message, repeated, tag = "12")]
    pub copies: Vec<CopyRow>,
    /// Without `to`: goes to this group. With it: says so to that account alone.
    #[prost(bytes = "vec", tag = "13")]
    pub group: Vec<u8>,
    /// What kinds that are not made from other rows say: see [`payload`].
    #[prost(bytes = "vec", tag = "14")]
    pub payload: Vec<u8>,
    /// Goes to this device of the account alone; 0: to all.
    #[prost(uint32, tag = "15")]
    pub only: u32,
    /// To a group: a frame with nothing but the encrypted message; none yet.
    #[prost(bytes = "vec", tag = "16")]
    pub frame: Vec<u8>,
    /// With `only`, once there are copies: the other devices of the account, which get none. Without
    /// ciphertexts.
    #[prost(message, repeated, tag = "17")]
    pub others: Vec<CopyRow>,
    /// To a group: who has asked for it again before the server said that it took it; at most
    /// [`crate::limits::MAX_EARLY_ASKS`].
    #[prost(message, repeated, tag = "18")]
    pub early: Vec<EarlyAsk>,
    /// An act in a group that is sent again: epoch and hash of the state in which it was done. A message to a group
    /// that is to be encrypted anew: the epoch in which it was last encrypted.
    #[prost(uint64, tag = "19")]
    pub epoch: u64,
    #[prost(bytes = "vec", tag = "20")]
    pub state: Vec<u8>,
    /// Once there are copies: files that the message names, 16 bytes each.
    #[prost(bytes = "vec", tag = "21")]
    pub files: Vec<u8>,
    /// It names none to the server any more, because they are gone.
    #[prost(bool, tag = "22")]
    pub without_files: bool,
    /// [`Kind::Act`], to a group: what was before, until the server has taken it.
    #[prost(message, optional, tag = "24")]
    pub undo: Option<UndoRow>,
}

/// What an act of the user's has replaced.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct UndoRow {
    /// The [`ActRow`] in its place; none if it is empty.
    #[prost(bytes = "vec", tag = "1")]
    pub former: Vec<u8>,
    /// Of an edit or a deletion: what the message said, as content; see [`crate::sealing::payload`].
    #[prost(bytes = "vec", tag = "2")]
    pub body: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub edited_at_ms: u64,
    /// Of a deletion: everything else that was done about the message.
    #[prost(message, repeated, tag = "4")]
    pub acts: Vec<UndoneAct>,
    /// The server may have taken it: it left, and no answer came.
    #[prost(bool, tag = "5")]
    pub unsure: bool,
}

/// An [`ActRow`] and its key.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct UndoneAct {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub act: Vec<u8>,
}

/// A device that has a message to a group, cannot read it, and was quicker than the server's word to its sender.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct EarlyAsk {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub device: u32,
    #[prost(uint32, tag = "3")]
    pub attempt: u32,
}

/// A message encrypted for one device.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct CopyRow {
    #[prost(uint32, tag = "1")]
    pub device: u32,
    #[prost(uint32, tag = "2")]
    pub registration_id: u32,
    /// 0 whisper, 1 prekey, 2 plain.
    #[prost(uint32, tag = "3")]
    pub kind: u32,
    #[prost(bytes = "vec", tag = "4")]
    pub ciphertext: Vec<u8>,
    /// The server has it: an earlier part of the message held it. The ciphertext is gone then.
    #[prost(bool, tag = "5")]
    pub sent: bool,
}

/// An own message that the server has taken and that may be asked for again.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct SentRow {
    /// See [`Kind`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub to: Vec<u8>,
    #[prost(fixed64, tag = "3")]
    pub id: u64,
    #[prost(uint64, tag = "4")]
    pub sent_at_ms: u64,
    #[prost(uint64, tag = "5")]
    pub position: u64,
    #[prost(fixed64, repeated, tag = "6")]
    pub ids: Vec<u64>,
    /// The last attempt.
    #[prost(uint32, tag = "7")]
    pub attempt: u32,
    /// Times it was sent again.
    #[prost(uint32, tag = "8")]
    pub resends: u32,
    /// As in [`OutboxRow`].
    #[prost(bytes = "vec", tag = "9")]
    pub group: Vec<u8>,
    /// As in [`OutboxRow`].
    #[prost(bytes = "vec", tag = "10")]
    pub payload: Vec<u8>,
    /// As in [`OutboxRow`].
    #[prost(uint32, tag = "11")]
    pub only: u32,
    /// As in [`OutboxRow`].
    #[prost(uint64, tag = "12")]
    pub epoch: u64,
    /// As in [`OutboxRow`].
    #[prost(bytes = "vec", tag = "13")]
    pub state: Vec<u8>,
}

/// A message that could not be decrypted.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct RetryRow {
    /// Times it has been asked for.
    #[prost(uint32, tag = "1")]
    pub attempts: u32,
    /// When it is to be asked for again, milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub due_ms: u64,
    /// It is not part of the history.
    #[prost(bool, tag = "3")]
    pub silent: bool,
    /// It was read, but its device is not proven to belong to its account: decrypted and unpadded.
    #[prost(bytes = "vec", tag = "4")]
    pub held: Vec<u8>,
    /// When the server took it, milliseconds since 1970.
    #[prost(uint64, tag = "5")]
    pub accepted_at_ms: u64,
    /// It came in this group, 16 bytes.
    #[prost(bytes = "vec", tag = "6")]
    pub group: Vec<u8>,
    /// Ascends with what is held: it is taken in the order in which it came.
    #[prost(uint64, tag = "7")]
    pub held_order: u64,
    /// Whose key it was encrypted with: identity key, 33 bytes.
    #[prost(bytes = "vec", tag = "8")]
    pub identity: Vec<u8>,
    /// A message to a group as it came, before what it takes to read it: encoded
    /// [`waxwing_wire::server_frame::Item`], at most [`crate::limits::MAX_KEPT_BYTES`].
    #[prost(bytes = "vec", tag = "9")]
    pub envelope: Vec<u8>,
}

impl RetryRow {
    /// In which group it came, if in one.
    pub(crate) fn group(&self) -> Option<waxwing_wire::GroupId> {
        self.group.as_slice().try_into().ok().map(waxwing_wire::GroupId)
    }
}

/// A register of the account's state.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct StateRow {
    /// None: deleted.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub value: Option<Vec<u8>>,
    /// Hybrid logical clock.
    #[prost(uint64, tag = "2")]
    pub at: u64,
    /// Which device of the account wrote it.
    #[prost(uint32, tag = "3")]
    pub device: u32,
}

/// A broadcast list: value of its register.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ListRow {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Accounts, 16 bytes each.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub members: Vec<Vec<u8>>,
}

/// A tick, or that the user has seen it, of a message that is not here yet.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct MarkRow {
    /// The numbers are those of the wire's schema.
    #[prost(uint32, tag = "1")]
    pub delivery: u32,
    /// Whose device: account, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub by: Vec<u8>,
    /// Of a message to a group: likewise of other members, account and number, 17 bytes each; at most
    /// [`crate::limits::MAX_MARKS_PER_MESSAGE`].
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub others: Vec<Vec<u8>>,
}

/// The history on its way to a device of the account.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ArchiveRow {
    /// Messages too, not only names, settings and groups.
    #[prost(bool, tag = "1")]
    pub messages_wanted: bool,
    /// From this time on, milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub since_ms: u64,
    /// The device has said that it is there.
    #[prost(bool, tag = "3")]
    pub begun: bool,
    /// What is being sent; the numbers are `archive`'s.
    #[prost(uint32, tag = "4")]
    pub phase: u32,
    /// Key of the last row that was sent in this phase.
    #[prost(bytes = "vec", tag = "5")]
    pub cursor: Vec<u8>,
    /// Messages below this order remain to be sent.
    #[prost(uint64, tag = "6")]
    pub before: u64,
    /// Parts made.
    #[prost(uint32, tag = "7")]
    pub part: u32,
    /// Messages in them.
    #[prost(uint64, tag = "8")]
    pub sent: u64,
    /// Messages in all, as estimated.
    #[prost(uint64, tag = "9")]
    pub total: u64,
    /// Parts that the device is not known to have stored, by the ids of their messages.
    #[prost(fixed64, repeated, tag = "10")]
    pub under_way: Vec<u64>,
    /// When it last went on, or was planned, milliseconds since 1970.
    #[prost(uint64, tag = "11")]
    pub moved_at_ms: u64,
}

/// What somebody does about a message or a conversation.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ActRow {
    /// As in the act.
    #[prost(uint64, tag = "1")]
    pub at: u64,
    /// Who, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub account: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub device: u32,
    /// Encoded. Of an edit that is in its message, the text is left out.
    #[prost(bytes = "vec", tag = "4")]
    pub act: Vec<u8>,
}

/// How far an own status has come, in all; on the device that it was written on.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct StatusRow {
    /// So many rows of the outbox are still to bring it to somebody.
    #[prost(uint32, tag = "1")]
    pub waiting: u32,
    /// So many have: the server has taken them.
    #[prost(uint32, tag = "2")]
    pub taken: u32,
}

/// An act that came before its message.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct EarlyActRow {
    /// Of its row.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
}

/// A message disappears: its key says which, and when.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ExpiryRow {}

/// What another account has told of itself.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct PeerProfileRow {
    /// Encoded.
    #[prost(bytes = "vec", tag = "1")]
    pub profile: Vec<u8>,
    /// Number of the device that has told it; 0: not known.
    #[prost(uint32, tag = "2")]
    pub device: u32,
}

impl Drop for PeerProfileRow {
    fn drop(&mut self) {
        self.profile.zeroize();
    }
}

/// Who may know something: value of a register.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct AudienceRow {
    /// 0 everyone, 1 contacts, 2 contacts except these, 3 nobody, 4 as with the last time seen.
    #[prost(uint32, tag = "1")]
    pub who: u32,
    /// Accounts, 16 bytes each.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub accounts: Vec<Vec<u8>>,
}

/// What an outbox row is. The numbers are those of the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message of the history.
    Text = 1,
    /// A read receipt.
    Read = 2,
    /// Nothing: completes a session.
    Renew = 3,
    /// Asks for a message again; not encrypted.
    Retry = 4,
    /// Key to read this device's messages in a group.
    SenderKey = 5,
    /// A change of a group.
    Change = 6,
    /// Where a group stands.
    Welcome = 7,
    /// Asks to join a group.
    Join = 8,
    /// Changes that somebody has missed.
    CatchUp = 9,
    /// Recent messages of a group.
    SharedHistory = 10,
    /// To the account's other devices.
    Sync = 11,
    /// A part of the history, to a new device of the account.
    Archive = 12,
    /// Something about a message or a conversation.
    Act = 13,
    /// Who the user is. What it says is looked up when it is encrypted.
    Profile = 14,
    /// A status, to one of those who are shown it. What it says is looked up when it is encrypted.
    Status = 15,
}

impl Kind {
    pub(crate) fn read(number: u32) -> Result<Self, Error> {
        match number {
            1 => Ok(Self::Text),
            2 => Ok(Self::Read),
            3 => Ok(Self::Renew),
            4 => Ok(Self::Retry),
            5 => Ok(Self::SenderKey),
            6 => Ok(Self::Change),
            7 => Ok(Self::Welcome),
            8 => Ok(Self::Join),
            9 => Ok(Self::CatchUp),
            10 => Ok(Self::SharedHistory),
            11 => Ok(Self::Sync),
            12 => Ok(Self::Archive),
            13 => Ok(Self::Act),
            14 => Ok(Self::Profile),
            15 => Ok(Self::Status),
            _ => Err(Error::Damaged(OutboxRow::NAME)),
        }
    }
}

macro_rules! names {
    ($($row:ident $name:literal,)*) => { $(impl Record for $row { const NAME: &'static str = $name; })* };
}

names! {
    ProfileRow "profile",
    PeerRow "peer",
    DevicesRow "devices",
    SessionRow "session",
    PrekeyRow "prekey",
    OutboxRow "outbox",
    SentRow "sent",
    RetryRow "retry",
    StateRow "state",
    ListRow "list",
    MarkRow "mark",
    ArchiveRow "archive",
    ActRow "act",
    EarlyActRow "early act",
    ExpiryRow "expiry",
    PeerProfileRow "peer profile",
    AudienceRow "audience",
    StatusRow "status",
}
