//! What devices say to each other inside envelopes. See `proto/content.proto`.

use bytes::Bytes;
use prost::Message;

use crate::error::Malformed;
use crate::group::{GroupId, GroupToken, GroupWelcome, SignedChange, StateHash};
use crate::id::{AccountId, DeviceAddress, DeviceId, MessageId, Username};
use crate::light::LightKey;
use crate::limits::{
    MAX_CIPHERTEXT_BYTES, MAX_DEVICE_NAME_BYTES, MAX_STATE_KEY_BYTES, MAX_STATE_VALUE_BYTES,
    MAX_STATUS_AUDIENCE, PUBLIC_KEY_BYTES,
};
use crate::pb::content as pb;
use crate::post::{Act, Post};
use crate::profile::Profile;
use crate::scan::{CONTENT, scan};
use crate::shared::fixed;

/// Plaintext of an encrypted envelope, before padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The sender's clock, milliseconds since 1970.
    pub sent_at_ms: u64,
    /// Counts what surfaces from one sending device in one conversation, from 1 without gaps; 0 for
    /// what does not surface. With [`Body::SenderKey`]: the last one before what the reader is to get.
    pub position: u64,
    /// The envelope's id, as the sender wrote it. A reader takes nothing from an envelope with another one.
    pub id: MessageId,
    /// The conversation is a group's.
    pub group: Option<GroupContext>,
    /// Version of the device list of the sender's account, as the sender knows it.
    pub devices: u64,
    /// What it says.
    pub body: Body,
}

/// Where the sender stood in a group when it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupContext {
    /// Which group.
    pub group: GroupId,
    /// Changes that the sender had seen.
    pub epoch: u64,
    /// The state that these had made.
    pub state: StateHash,
}

/// The kinds of content.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A message.
    Post(Box<Post>),
    /// Something about a message or the conversation.
    Act(Box<Act>),
    /// The reader has seen these messages of yours.
    Read(Vec<MessageId>),
    /// Nothing: a first answer that completes a new session.
    Renew,
    /// Keys to read this device's messages in the group from here on, and its light events.
    SenderKey(SenderKey),
    /// A change of the group.
    Change(SignedChange),
    /// Where the group stands, for a new member or a new device.
    Welcome(Box<GroupWelcome>),
    /// Somebody with the invitation link wants to join.
    Join(GroupId, GroupToken),
    /// Changes that the reader has missed, in order.
    CatchUp(Vec<SignedChange>),
    /// Recent messages of the group, for somebody who has joined.
    SharedHistory(Vec<ArchivedMessage>),
    /// From another device of the own account.
    Sync(Sync),
    /// A part of the history, for a device that was just linked.
    Archive(Box<Archive>),
    /// What its sender tells of themself.
    Profile(Box<Profile>),
    /// What its sender shows some people for a day.
    Status(Box<Status>),
    /// Something about a status of the target's sender: by that one, or by who was shown it.
    StatusAct(Box<Act>),
    /// Something that a newer version knows how to read.
    Unknown,
}

/// What somebody shows some people for a day. Each gets it in an envelope of their own.
#[derive(Clone, PartialEq, Eq)]
pub struct Status {
    /// Names it, whoever has it.
    pub id: MessageId,
    /// A text, and what its link leads to; readers ignore anything else in it.
    pub post: Box<Post>,
}

/// Keys of a device in a group. Without `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SenderKey {
    /// A Signal sender-key distribution message.
    pub distribution: Bytes,
    /// Its light events in the group are sealed under it; `None`: by a device that has none.
    pub light: Option<LightKey>,
}

/// What devices of one account tell each other.
#[derive(Clone, PartialEq, Eq)]
pub enum Sync {
    /// A message that the other device has sent.
    Sent(Box<ArchivedMessage>),
    /// Messages that the user has seen there, at most [`MAX_IDS_PER_RECEIPT`].
    Read(Conversation, Vec<MessageName>),
    /// Registers of the account's state, at most [`MAX_STATE_ENTRIES`].
    State(Vec<StateEntry>),
    /// The other device has had this one removed.
    Removed(DeviceId),
    /// The other device was just linked, and calls itself so.
    Hello(String),
    /// What the user has done there, in a conversation with one account.
    Act(Conversation, Box<Act>),
    /// Something that a newer version knows how to read.
    Unknown,
}

/// A last-writer-wins register. Of two values the one with the larger (`at`, `device`, `value`) stays.
#[derive(Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// Which register; at most [`MAX_STATE_KEY_BYTES`].
    pub key: Bytes,
    /// At most [`MAX_STATE_VALUE_BYTES`]; `None`: deleted.
    pub value: Option<Bytes>,
    /// Hybrid logical clock: milliseconds since 1970, or one more than the largest seen.
    pub at: u64,
    /// The device that wrote it.
    pub device: DeviceId,
}

/// Between two accounts, or a group's, or what an account shows for a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// With one other account.
    Account(AccountId),
    /// Of a group.
    Group(GroupId),
    /// What one account shows some people for a day; the own one's too.
    Status(AccountId),
}

/// Names a message: the device that sent it and the id it chose.
pub type MessageName = (DeviceAddress, MessageId);

/// A message of the history, as it travels.
#[derive(Clone, PartialEq, Eq)]
pub struct ArchivedMessage {
    /// Its name.
    pub name: MessageName,
    /// Where it belongs.
    pub conversation: Conversation,
    /// The sender's clock, milliseconds since 1970.
    pub sent_at_ms: u64,
    /// The clock of the device that stored it first, milliseconds since 1970.
    pub stored_at_ms: u64,
    /// How far it had come; the numbers are those of the schema.
    pub delivery: u32,
    /// As in [`Content::position`].
    pub position: u64,
    /// What it says.
    pub body: ArchivedBody,
    /// What was done about it, each as [`crate::post::ActBy::encode`] gives it; at most
    /// [`MAX_ACTS_PER_ARCHIVED`]. An edit is in `body` already and says only when it was made.
    pub acts: Vec<Bytes>,
    /// Of an own status: to whom; at most [`MAX_STATUS_AUDIENCE`].
    pub shown_to: Vec<AccountId>,
}

/// What an archived message says.
#[derive(Clone, PartialEq, Eq)]
pub enum ArchivedBody {
    /// A message.
    Post(Box<Post>),
    /// Something that happened in the conversation, encoded by the client core.
    Notice(Bytes),
    /// It could not be read there.
    Lost,
    /// Needs a newer version.
    Unknown,
    /// Its sender or an admin has deleted it for everyone.
    Deleted,
    /// It was to be seen once, and was.
    Opened,
}

/// A part of an account's history.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Archive {
    /// From 1; the newest messages first.
    pub part: u32,
    /// No part comes after this one.
    pub last: bool,
    /// Messages in all parts, as estimated by the sender.
    pub total: u64,
    /// At most [`MAX_MESSAGES_PER_PART`], newest first; after them what accounts show for a day.
    pub messages: Vec<ArchivedMessage>,
    /// At most [`MAX_STATE_ENTRIES`].
    pub state: Vec<StateEntry>,
    /// Groups that the account is in.
    pub groups: Vec<GroupWelcome>,
    /// Whom the account knows.
    pub peers: Vec<ArchivedPeer>,
}

/// Somebody whom the account knows.
#[derive(Clone, PartialEq, Eq)]
pub struct ArchivedPeer {
    /// Who.
    pub account: AccountId,
    /// Alias when last looked up.
    pub username: Option<Username>,
    /// 0x05 and the X25519 key of the primary.
    pub identity: Option<[u8; PUBLIC_KEY_BYTES]>,
    /// Safety numbers were compared.
    pub verified: bool,
    /// What it has told of itself.
    pub profile: Option<Box<Profile>>,
}

/// Plaintext of an unencrypted envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainContent {
    /// "I could not decrypt this message of yours."
    Retry {
        /// Which message.
        id: MessageId,
        /// How many times the device has asked for it, from 1.
        attempt: u32,
        /// It came in this group; the device knows the group up to this epoch (0: not at all).
        group: Option<(GroupId, u64)>,
    },
}

impl Content {
    /// Protobuf bytes, to be padded and encrypted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        pb::Content {
            sent_at: self.sent_at_ms,
            position: self.position,
            id: self.id.0,
            group: self.group.map(|context| pb::GroupContext {
                group: copy(&context.group.0),
                epoch: context.epoch,
                state: copy(&context.state),
            }),
            devices: self.devices,
            body: self.body.to_pb(),
        }
        .encode_to_vec()
    }

    /// Reads a decrypted and unpadded plaintext.
    ///
    /// # Errors
    /// [`Malformed`] names the part that breaks the schema or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_CIPHERTEXT_BYTES {
            return Err(Malformed::new("Content"));
        }
        scan(bytes, CONTENT)?;
        // Copied once, so that what stays of it does not keep the rest in memory.
        let content =
            pb::Content::decode(Bytes::copy_from_slice(bytes)).map_err(|_| Malformed::new("Content"))?;
        let group = |context: pb::GroupContext| {
            Ok(GroupContext {
                group: GroupId::parse(&context.group, "GroupContext.group")?,
                epoch: context.epoch,
                state: fixed(&context.state, "GroupContext.state")?,
            })
        };
        Ok(Self {
            sent_at_ms: content.sent_at,
            position: content.position,
            id: MessageId(content.id),
            group: content.group.map(group).transpose()?,
            devices: content.devices,
            body: content.body.map_or(Ok(Body::Unknown), Body::from_pb)?,
        })
    }
}

impl Body {
    fn to_pb(&self) -> Option<pb::content::Body> {
        use pb::content::Body as Pb;
        Some(match self {
            Self::Post(post) => Pb::Post(post.to_pb()),
            Self::Act(act) => Pb::Act(act.to_pb()),
            Self::Read(ids) => Pb::Read(pb::Read { id: ids.iter().map(|id| id.0).collect() }),
            Self::Renew => Pb::Renew(pb::Renew {}),
            Self::SenderKey(key) => Pb::SenderKey(pb::SenderKey {
                distribution: key.distribution.clone(),
                light: key.light.map(|light| copy(&light)).unwrap_or_default(),
            }),
            Self::Change(change) => Pb::Change(change.into()),
            Self::Welcome(welcome) => Pb::Welcome(welcome.to_pb()),
            Self::Join(group, token) => {
                Pb::Join(pb::JoinRequest { group: copy(&group.0), token: copy(&token.0) })
            }
            Self::CatchUp(changes) => {
                Pb::CatchUp(pb::CatchUp { change: changes.iter().map(Into::into).collect() })
            }
            Self::SharedHistory(messages) => {
                Pb::SharedHistory(pb::SharedHistory { message: messages.iter().map(Into::into).collect() })
            }
            Self::Sync(sync) => Pb::Sync(sync.to_pb()),
            Self::Archive(archive) => Pb::Archive((&**archive).into()),
            Self::Profile(profile) => Pb::Profile(profile.to_pb()),
            Self::Status(status) => {
                Pb::Status(pb::Status { id: status.id.0, post: Some(status.post.to_pb()) })
            }
            Self::StatusAct(act) => Pb::StatusAct(act.to_pb()),
            Self::Unknown => return None,
        })
    }

    fn from_pb(body: pb::content::Body) -> Result<Self, Malformed> {
        use pb::content::Body as Pb;
        Ok(match body {
            Pb::Post(post) => Self::Post(Box::new(post.try_into()?)),
            Pb::Act(act) => Self::Act(Box::new(act.try_into()?)),
            Pb::Read(read) => Self::Read(read.id.into_iter().map(MessageId).collect()),
            Pb::Renew(_) => Self::Renew,
            Pb::SenderKey(key) => Self::SenderKey(SenderKey {
                distribution: key.distribution,
                light: if key.light.is_empty() { None } else { Some(fixed(&key.light, "SenderKey.light")?) },
            }),
            Pb::Change(change) => Self::Change(change.try_into()?),
            Pb::Welcome(welcome) => Self::Welcome(Box::new(welcome.try_into()?)),
            Pb::Join(join) => Self::Join(
                GroupId::parse(&join.group, "JoinRequest.group")?,
                GroupToken(fixed(&join.token, "JoinRequest.token")?),
            ),
            Pb::CatchUp(catch_up) => Self::CatchUp(parsed(catch_up.change)?),
            Pb::SharedHistory(history) => Self::SharedHistory(parsed(history.message)?),
            Pb::Sync(sync) => Self::Sync(Sync::from_pb(sync)?),
            Pb::Archive(archive) => Self::Archive(Box::new(archive.try_into()?)),
            Pb::Profile(profile) => Self::Profile(Box::new(profile.try_into()?)),
            Pb::Status(status) => Self::Status(Box::new(Status {
                id: MessageId(status.id),
                post: Box::new(status.post.ok_or(Malformed::new("Status.post"))?.try_into()?),
            })),
            Pb::StatusAct(act) => Self::StatusAct(Box::new(act.try_into()?)),
        })
    }
}

impl Sync {
    fn to_pb(&self) -> pb::Sync {
        use pb::sync::What;
        let what = match self {
            Self::Sent(message) => What::Sent(pb::SyncSent { message: Some((&**message).into()) }),
            Self::Read(conversation, names) => What::Read(pb::SyncRead {
                conversation: Some(conversation.into()),
                message: names.iter().map(name_to_pb).collect(),
            }),
            Self::State(entries) => {
                What::State(pb::SyncState { entry: entries.iter().map(Into::into).collect() })
            }
            Self::Removed(device) => What::Removed(pb::SyncRemoved { device: device.number().into() }),
            Self::Hello(name) => What::Hello(pb::SyncHello { name: name.clone() }),
            Self::Act(conversation, act) => {
                What::Act(pb::SyncAct { conversation: Some(conversation.into()), act: Some(act.to_pb()) })
            }
            Self::Unknown => return pb::Sync { what: None },
        };
        pb::Sync { what: Some(what) }
    }

    fn from_pb(sync: pb::Sync) -> Result<Self, Malformed> {
        use pb::sync::What;
        Ok(match sync.what {
            Some(What::Sent(sent)) => {
                let message = sent.message.ok_or(Malformed::new("SyncSent.message"))?;
                Self::Sent(Box::new(message.try_into()?))
            }
            Some(What::Read(read)) => {
                let conversation = read.conversation.ok_or(Malformed::new("SyncRead.conversation"))?;
                let names = read.message.into_iter().map(name_from_pb).collect::<Result<_, _>>()?;
                Self::Read(conversation.try_into()?, names)
            }
            Some(What::State(state)) => Self::State(parsed(state.entry)?),
            Some(What::Removed(removed)) => {
                Self::Removed(DeviceId::parse(removed.device, "SyncRemoved.device")?)
            }
            Some(What::Hello(hello)) if hello.name.len() <= MAX_DEVICE_NAME_BYTES => Self::Hello(hello.name),
            Some(What::Hello(_)) => return Err(Malformed::new("SyncHello.name")),
            Some(What::Act(sync)) => {
                let conversation = sync.conversation.ok_or(Malformed::new("SyncAct.conversation"))?;
                let act = sync.act.ok_or(Malformed::new("SyncAct.act"))?;
                Self::Act(conversation.try_into()?, Box::new(act.try_into()?))
            }
            None => Self::Unknown,
        })
    }
}

impl From<&StateEntry> for pb::StateEntry {
    fn from(entry: &StateEntry) -> Self {
        Self {
            key: entry.key.clone(),
            value: entry.value.clone(),
            at: entry.at,
            device: entry.device.number().into(),
        }
    }
}

impl TryFrom<pb::StateEntry> for StateEntry {
    type Error = Malformed;

    fn try_from(entry: pb::StateEntry) -> Result<Self, Malformed> {
        let value_bytes = entry.value.as_ref().map_or(0, Bytes::len);
        if entry.key.len() > MAX_STATE_KEY_BYTES || value_bytes > MAX_STATE_VALUE_BYTES {
            return Err(Malformed::new("StateEntry"));
        }
        Ok(Self {
            key: entry.key,
            value: entry.value,
            at: entry.at,
            device: DeviceId::parse(entry.device, "StateEntry.device")?,
        })
    }
}

impl From<&Conversation> for pb::Conversation {
    fn from(conversation: &Conversation) -> Self {
        use pb::conversation::What;
        let what = match conversation {
            Conversation::Account(account) => What::Account(copy(&account.0)),
            Conversation::Group(group) => What::Group(copy(&group.0)),
            Conversation::Status(account) => What::Status(copy(&account.0)),
        };
        Self { what: Some(what) }
    }
}

impl TryFrom<pb::Conversation> for Conversation {
    type Error = Malformed;

    fn try_from(conversation: pb::Conversation) -> Result<Self, Malformed> {
        use pb::conversation::What;
        match conversation.what {
            Some(What::Account(account)) => {
                AccountId::parse(&account, "Conversation.account").map(Self::Account)
            }
            Some(What::Group(group)) => GroupId::parse(&group, "Conversation.group").map(Self::Group),
            Some(What::Status(account)) => {
                AccountId::parse(&account, "Conversation.status").map(Self::Status)
            }
            None => Err(Malformed::new("Conversation.what")),
        }
    }
}

pub(crate) fn name_to_pb((from, id): &MessageName) -> pb::MessageName {
    pb::MessageName { account: copy(&from.account.0), device: from.device.number().into(), id: id.0 }
}

pub(crate) fn name_from_pb(name: pb::MessageName) -> Result<MessageName, Malformed> {
    let account = AccountId::parse(&name.account, "MessageName.account")?;
    let device = DeviceId::parse(name.device, "MessageName.device")?;
    Ok((DeviceAddress { account, device }, MessageId(name.id)))
}

impl From<&ArchivedMessage> for pb::ArchivedMessage {
    fn from(message: &ArchivedMessage) -> Self {
        use pb::archived_message::Body as Pb;
        let body = match &message.body {
            ArchivedBody::Post(post) => Some(Pb::Post(post.to_pb())),
            ArchivedBody::Notice(notice) => Some(Pb::Notice(notice.clone())),
            ArchivedBody::Lost => Some(Pb::Lost(true)),
            ArchivedBody::Unknown => Some(Pb::Unknown(true)),
            ArchivedBody::Deleted => Some(Pb::Gone(pb::Gone::Deleted.into())),
            ArchivedBody::Opened => Some(Pb::Gone(pb::Gone::Opened.into())),
        };
        Self {
            name: Some(name_to_pb(&message.name)),
            conversation: Some((&message.conversation).into()),
            sent_at: message.sent_at_ms,
            stored_at: message.stored_at_ms,
            delivery: message.delivery,
            position: message.position,
            body,
            act: message.acts.clone(),
            shown_to: message.shown_to.iter().flat_map(|account| account.0).collect::<Vec<u8>>().into(),
        }
    }
}

impl TryFrom<pb::ArchivedMessage> for ArchivedMessage {
    type Error = Malformed;

    fn try_from(message: pb::ArchivedMessage) -> Result<Self, Malformed> {
        use pb::archived_message::Body as Pb;
        const SHOWN_TO: &str = "ArchivedMessage.shown_to";
        let conversation = message.conversation.ok_or(Malformed::new("ArchivedMessage.conversation"))?;
        if message.shown_to.len() > MAX_STATUS_AUDIENCE * 16 {
            return Err(Malformed::new(SHOWN_TO));
        }
        let shown_to = message.shown_to.chunks(16).map(|account| AccountId::parse(account, SHOWN_TO));
        Ok(Self {
            name: name_from_pb(message.name.ok_or(Malformed::new("ArchivedMessage.name"))?)?,
            conversation: conversation.try_into()?,
            sent_at_ms: message.sent_at,
            stored_at_ms: message.stored_at,
            delivery: message.delivery,
            position: message.position,
            body: match message.body {
                Some(Pb::Post(post)) => ArchivedBody::Post(Box::new(post.try_into()?)),
                Some(Pb::Notice(notice)) => ArchivedBody::Notice(notice),
                Some(Pb::Lost(_)) => ArchivedBody::Lost,
                Some(Pb::Gone(gone)) => match pb::Gone::try_from(gone) {
                    Ok(pb::Gone::Deleted) => ArchivedBody::Deleted,
                    Ok(pb::Gone::Opened) => ArchivedBody::Opened,
                    _ => ArchivedBody::Unknown,
                },
                Some(Pb::Unknown(_)) | None => ArchivedBody::Unknown,
            },
            acts: message.act,
            shown_to: shown_to.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Archive> for pb::Archive {
    fn from(archive: &Archive) -> Self {
        let peer = |peer: &ArchivedPeer| pb::ArchivedPeer {
            account: copy(&peer.account.0),
            username: peer.username.as_ref().map(|name| name.as_str().into()).unwrap_or_default(),
            identity: peer.identity.map(|key| copy(&key)).unwrap_or_default(),
            verified: peer.verified,
            profile: peer.profile.as_ref().map(|profile| profile.to_pb()),
        };
        let is_status = |message: &&ArchivedMessage| matches!(message.conversation, Conversation::Status(_));
        let messages = archive.messages.iter();
        Self {
            part: archive.part,
            last: archive.last,
            total: archive.total,
            message: messages.clone().filter(|message| !is_status(message)).map(Into::into).collect(),
            status: messages.filter(is_status).map(Into::into).collect(),
            state: archive.state.iter().map(Into::into).collect(),
            group: archive.groups.iter().map(GroupWelcome::to_pb).collect(),
            peer: archive.peers.iter().map(peer).collect(),
        }
    }
}

impl TryFrom<pb::Archive> for Archive {
    type Error = Malformed;

    fn try_from(archive: pb::Archive) -> Result<Self, Malformed> {
        let peer = |peer: pb::ArchivedPeer| {
            Ok(ArchivedPeer {
                account: AccountId::parse(&peer.account, "ArchivedPeer.account")?,
                username: if peer.username.is_empty() {
                    None
                } else {
                    Some(Username::parse(&peer.username)?)
                },
                identity: if peer.identity.is_empty() {
                    None
                } else {
                    Some(fixed(&peer.identity, "ArchivedPeer.identity")?)
                },
                verified: peer.verified,
                profile: peer.profile.map(Profile::try_from).transpose()?.map(Box::new),
            })
        };
        let mut messages: Vec<ArchivedMessage> = parsed(archive.message)?;
        messages.append(&mut parsed(archive.status)?);
        Ok(Self {
            part: archive.part,
            last: archive.last,
            total: archive.total,
            messages,
            state: parsed(archive.state)?,
            groups: parsed(archive.group)?,
            peers: archive.peer.into_iter().map(peer).collect::<Result<_, Malformed>>()?,
        })
    }
}

impl PlainContent {
    /// Protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self::Retry { id, attempt, group } = self;
        let retry = pb::Retry {
            id: id.0,
            attempt: *attempt,
            group: group.map(|(group, _)| copy(&group.0)).unwrap_or_default(),
            epoch: group.map_or(0, |(_, epoch)| epoch),
        };
        pb::PlainContent { body: Some(pb::plain_content::Body::Retry(retry)) }.encode_to_vec()
    }

    /// Reads the bytes of an unencrypted envelope.
    ///
    /// # Errors
    /// [`Malformed`] when they are not one of the kinds of this build.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let content = pb::PlainContent::decode(bytes).map_err(|_| Malformed::new("PlainContent"))?;
        match content.body {
            Some(pb::plain_content::Body::Retry(retry)) => Ok(Self::Retry {
                id: MessageId(retry.id),
                attempt: retry.attempt,
                group: if retry.group.is_empty() {
                    None
                } else {
                    Some((GroupId::parse(&retry.group, "Retry.group")?, retry.epoch))
                },
            }),
            None => Err(Malformed::new("PlainContent.body")),
        }
    }
}

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// Their number was counted when the content was scanned.
fn parsed<P, T: TryFrom<P, Error = Malformed>>(parts: Vec<P>) -> Result<Vec<T>, Malformed> {
    parts.into_iter().map(TryInto::try_into).collect()
}
