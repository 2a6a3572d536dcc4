//! Rows of groups as they stand in the database; see [`crate::record`].

use waxwing_wire::group::{GroupState, SignedChange};
use zeroize::Zeroize;

use crate::client::Error;
use crate::record::Record;

/// A group.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct GroupRow {
    /// Encoded [`GroupState`].
    #[prost(bytes = "vec", tag = "1")]
    pub state: Vec<u8>,
    /// Changes that cannot be judged yet, ascending by epoch; at most [`crate::limits::MAX_CHANGES_WAITING`].
    #[prost(message, repeated, tag = "2")]
    pub waiting: Vec<WaitingChange>,
    /// When this account was brought in, milliseconds since 1970; 0: it made the group, or was there before
    /// this device.
    #[prost(uint64, tag = "3")]
    pub joined_at_ms: u64,
    /// Messages from before then that were shared so far.
    #[prost(uint32, tag = "4")]
    pub shared: u32,
    /// Accounts, 16 bytes each, of which the user has been told that they have seen another group; at most
    /// [`crate::limits::MAX_FORKS_KEPT`].
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub forked: Vec<Vec<u8>>,
    /// The epoch with which this device began to know the group.
    #[prost(uint64, tag = "6")]
    pub first: u64,
    /// The group may have gone on unheard of: the server is asked on so many connections more, or until it says that
    /// it has not.
    #[prost(uint32, tag = "7")]
    pub doubted: u32,
}

/// A change that cannot be judged yet.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct WaitingChange {
    #[prost(uint64, tag = "1")]
    pub epoch: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub change: Vec<u8>,
    /// 64 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub signature: Vec<u8>,
    /// The server brought it as the group's; otherwise a member has passed it on.
    #[prost(bool, tag = "4")]
    pub live: bool,
    /// A device of this account, or an admin, has passed it on.
    #[prost(bool, tag = "5")]
    pub vouched: bool,
    /// What the server made of it: an encoded `GroupSend` with nothing but the change; none: not told.
    #[prost(bytes = "vec", tag = "6")]
    pub public: Vec<u8>,
}

/// The change that made an epoch. Of one that was only told of, with the state that this device began with, it
/// has `before` and `everybody_sent`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct LogRow {
    #[prost(bytes = "vec", tag = "1")]
    pub change: Vec<u8>,
    /// 64 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
    /// Where those stood before it whom it concerned.
    #[prost(message, repeated, tag = "3")]
    pub before: Vec<StandingRow>,
    /// Members who are no admins could write before it.
    #[prost(bool, tag = "4")]
    pub everybody_sent: bool,
    /// It counted for nothing.
    #[prost(bool, tag = "5")]
    pub skipped: bool,
    /// Hash of the state that it made, 32 bytes.
    #[prost(bytes = "vec", tag = "6")]
    pub made: Vec<u8>,
}

/// Where an account stood.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct StandingRow {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    /// 0 no member, 1 member, 2 admin.
    #[prost(uint32, tag = "2")]
    pub standing: u32,
}

/// What a device writes in a group can be read with this, and whether it has this device's own key. The row
/// of this device itself holds its own key.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct KeyRow {
    /// Sender-key record; none: not given to us.
    #[prost(bytes = "vec", tag = "1")]
    pub record: Vec<u8>,
    /// Own: which of the own keys this is, from 1. Others': the last of the own keys that the device has.
    #[prost(uint64, tag = "2")]
    pub generation: u64,
    /// Others': the registration id that it was given to.
    #[prost(uint32, tag = "3")]
    pub registration_id: u32,
    /// Own: [`crate::record::Counters::renewals`] when it was made.
    #[prost(uint64, tag = "4")]
    pub renewals: u64,
    /// Own: the view of the group whose devices all have the key, 32 bytes; none: nobody may have it.
    #[prost(bytes = "vec", tag = "5")]
    pub view: Vec<u8>,
    /// Own: messages written in the group so far. Others': position of the last one that surfaced.
    #[prost(uint64, tag = "6")]
    pub position: u64,
    /// Others': `position` is known.
    #[prost(bool, tag = "8")]
    pub counted: bool,
    /// Others': as in [`crate::record::DeviceEntry`].
    #[prost(uint64, repeated, tag = "9")]
    pub waiting: Vec<u64>,
    /// Under which the device's light events are sealed, 32 bytes; none: it came without.
    #[prost(bytes = "vec", tag = "10")]
    pub light: Vec<u8>,
    /// Others': the position that came with the first own key it was given since it is a member: what follows it is
    /// owed to it, were all keys lost until today.
    #[prost(uint64, optional, tag = "11")]
    pub owed_after: Option<u64>,
}

impl Drop for KeyRow {
    fn drop(&mut self) {
        self.record.zeroize();
        self.light.zeroize();
    }
}

/// How far an own message has come, in all.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct TallyRow {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub group: Vec<u8>,
    /// In which it was sent.
    #[prost(uint64, tag = "2")]
    pub epoch: u64,
    /// Other members then.
    #[prost(uint32, tag = "3")]
    pub members: u32,
    /// Of them: have it on a device.
    #[prost(uint32, tag = "4")]
    pub delivered: u32,
    /// Of them: have seen it.
    #[prost(uint32, tag = "5")]
    pub read: u32,
    /// Hash of the state in which it was sent, 32 bytes.
    #[prost(bytes = "vec", tag = "6")]
    pub state: Vec<u8>,
    /// The server has not said yet that it has taken it, or in which epoch: the one here is where the group
    /// stood when a member said first that it has it.
    #[prost(bool, tag = "7")]
    pub early: bool,
}

/// How far an own message has come with one member, or with the one it was written to.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ReceiptRow {
    /// 2 delivered, 3 read, 4 expired there.
    #[prost(uint32, tag = "1")]
    pub delivery: u32,
    /// This device's clock, milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
    /// When it was there, or was known to be, likewise; 0: not known.
    #[prost(uint64, tag = "3")]
    pub delivered_at_ms: u64,
    /// When it was seen, likewise; 0: not known.
    #[prost(uint64, tag = "4")]
    pub read_at_ms: u64,
    /// Of a status: the envelope in which the account got it from this device; 0: from another one.
    #[prost(fixed64, tag = "5")]
    pub envelope: u64,
}

/// Somebody wants to join.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct JoinRow {
    /// Milliseconds since 1970.
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
}

impl Record for GroupRow {
    const NAME: &'static str = "group";
}
impl Record for LogRow {
    const NAME: &'static str = "group log";
}
impl Record for KeyRow {
    const NAME: &'static str = "sender key";
}
impl Record for TallyRow {
    const NAME: &'static str = "receipts";
}
impl Record for ReceiptRow {
    const NAME: &'static str = "receipt";
}
impl Record for JoinRow {
    const NAME: &'static str = "join request";
}

impl GroupRow {
    pub(crate) fn state(&self) -> Result<GroupState, Error> {
        GroupState::decode(&self.state).map_err(|_| Error::Damaged(Self::NAME))
    }
}

impl LogRow {
    /// The change itself is known, and what it made.
    pub(crate) fn is_whole(&self) -> bool {
        !self.made.is_empty()
    }

    pub(crate) fn signed(&self) -> Result<SignedChange, Error> {
        let signature = self.signature.as_slice().try_into().map_err(|_| Error::Damaged(Self::NAME))?;
        Ok(SignedChange { change: bytes::Bytes::copy_from_slice(&self.change), signature })
    }
}

impl WaitingChange {
    pub(crate) fn signed(&self) -> Result<SignedChange, Error> {
        let signature = self.signature.as_slice().try_into().map_err(|_| Error::Damaged(GroupRow::NAME))?;
        Ok(SignedChange { change: bytes::Bytes::copy_from_slice(&self.change), signature })
    }
}
