//! Between the core's types and the interface's. Names arrive as text and are parsed here, once.

mod attachment;
mod group;
mod light;
mod post;
mod profile;

pub use attachment::{album_of, attachment, attachment_kind, attachment_kind_of};
pub use group::{action_of, group, link_of, notice};
pub use light::{activity_of, composing, composing_of, presence};
pub use post::{deed_done, deed_of, done, post, post_of, whole_post};
pub use profile::{audience_of, own_profile, peer_profile, privacy, profile_change_of, setting_of};

use std::ops::Range;

use data_encoding::BASE64;
use waxwing_client as core;
use waxwing_client::Conversation;
use waxwing_wire::{AccountId, Bytes, DeviceAddress, DeviceId, GroupId, MessageId, RejectCode, devices};

use super::{
    Body, BroadcastList, ChatChange, Connection, Contact, Delivery, Device, Direction, Failure, Fault,
    HistoryRange, Hit, Message, NetFailure, Person, SnippetPiece, Trust,
};
use crate::limits::MAX_FILE_CONTENT_BYTES;
use crate::search;

/// What names of groups begin with, so that none can be taken for an account's.
const GROUP_PREFIX: &str = "g:";
/// And those of what an account shows for a day.
const STATUS_PREFIX: &str = "s:";

/// An account as the interface names it.
pub fn account_of(text: &str) -> Result<AccountId, Failure> {
    AccountId::from_hex(text)
        .ok_or_else(|| Failure::user("malformedAccount", "not an account; it has 32 hexadecimal digits"))
}

/// Several of them.
pub fn accounts_of(texts: &[String]) -> Result<Vec<AccountId>, Failure> {
    texts.iter().map(|text| account_of(text)).collect()
}

/// A group as the interface names it.
pub fn group_name(group: GroupId) -> String {
    format!("{GROUP_PREFIX}{}", group.to_hex())
}

/// Reads what [`group_name`] wrote.
pub fn group_of(text: &str) -> Result<GroupId, Failure> {
    text.strip_prefix(GROUP_PREFIX)
        .and_then(GroupId::from_hex)
        .ok_or_else(|| Failure::user("malformedGroup", "not a group; it is `g:` and 32 hexadecimal digits"))
}

/// A conversation as the interface names it.
pub fn conversation_name(conversation: Conversation) -> String {
    match conversation {
        Conversation::Account(account) => account.to_hex(),
        Conversation::Group(group) => group_name(group),
        Conversation::Status(account) => format!("{STATUS_PREFIX}{}", account.to_hex()),
    }
}

/// Reads what [`conversation_name`] wrote.
pub fn conversation_of(text: &str) -> Result<Conversation, Failure> {
    if text.starts_with(GROUP_PREFIX) {
        group_of(text).map(Conversation::Group)
    } else if let Some(account) = text.strip_prefix(STATUS_PREFIX) {
        account_of(account).map(Conversation::Status)
    } else {
        account_of(text).map(Conversation::Account)
    }
}

/// A device of the own account.
pub fn device_of(number: u8) -> Result<DeviceId, Failure> {
    DeviceId::new(number)
        .ok_or_else(|| Failure::user("malformedDevice", "not a device; its number is 1 to 127"))
}

/// A broadcast list.
pub fn list_id_of(text: &str) -> Result<[u8; 16], Failure> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id)
        .map_err(|_| Failure::user("malformedList", "not a broadcast list; it has 32 hexadecimal digits"))?;
    Ok(id)
}

/// A small picture as the interface shows it.
pub fn picture(file: &[u8]) -> String {
    BASE64.encode(file)
}

/// Reads what [`picture`] wrote.
pub fn picture_of(text: &str) -> Result<Bytes, Failure> {
    let file = BASE64.decode(text.as_bytes());
    file.map(Bytes::from).map_err(|_| Failure::user("malformedPicture", "the picture is not base64"))
}

/// Reads a file that came with a command.
pub fn file_content_of(text: &str) -> Result<Vec<u8>, Failure> {
    if text.len() as u64 > MAX_FILE_CONTENT_BYTES.div_ceil(3) * 4 {
        return Err(Failure::user(
            "fileTooLarge",
            "the file is too large to be taken so; name it by its path",
        ));
    }
    BASE64.decode(text.as_bytes()).map_err(|_| Failure::user("malformedFile", "the file is not Base64"))
}

/// A broadcast list as the interface shows it.
pub fn list(list: &core::BroadcastList) -> BroadcastList {
    BroadcastList {
        id: Some(hex::encode(list.id)),
        name: list.name.clone(),
        members: list.members.iter().map(|account| account.to_hex()).collect(),
    }
}

/// A message's name: account, device and number, joined by `-`.
pub fn message_key(key: &core::MessageKey) -> String {
    format!("{}-{}-{:016x}", key.from.account.to_hex(), key.from.device.number(), key.id.0)
}

/// Reads what [`message_key`] wrote.
pub fn message_key_of(text: &str) -> Result<core::MessageKey, Failure> {
    let parse = || {
        let mut parts = text.split('-');
        let account = AccountId::from_hex(parts.next()?)?;
        let device = DeviceId::new(parts.next()?.parse().ok()?)?;
        let id = parts.next().filter(|id| id.len() == 16)?;
        let id = MessageId(u64::from_str_radix(id, 16).ok()?);
        let from = DeviceAddress { account, device };
        parts.next().is_none().then_some(core::MessageKey { from, id })
    };
    parse().ok_or_else(|| Failure::user("malformedMessage", "not a message's id"))
}

/// A message of the history.
pub fn message(message: &core::Message) -> Message {
    Message {
        id: message_key(&message.key),
        with: conversation_name(message.with),
        from: message.key.from.account.to_hex(),
        device: message.key.from.device.number(),
        order: message.order,
        direction: match message.direction {
            core::Direction::Outgoing => Direction::Outgoing,
            core::Direction::Incoming => Direction::Incoming,
        },
        sent_at_ms: message.sent_at_ms,
        stored_at_ms: message.stored_at_ms,
        body: match &message.body {
            core::Body::Post(of) => Body::Text(Box::new(post(of))),
            core::Body::Deleted => Body::Deleted,
            core::Body::Opened => Body::Opened,
            core::Body::Waiting => Body::Waiting,
            core::Body::Lost => Body::Lost,
            core::Body::Unknown => Body::Unknown,
            core::Body::Notice(what) => Body::Notice { notice: notice(what) },
        },
        delivery: delivery(message.delivery),
        missing_before: message.missing_before,
        edited_at_ms: message.edited_at_ms,
        expires_at_ms: message.expires_at_ms,
        done: Vec::new(),
    }
}

/// A message that was looked for. `marks`: bytes of its text.
pub fn hit(found: &core::Message, marks: &[Range<usize>]) -> Hit {
    let text = search::searchable(found).unwrap_or_default();
    let pieces = search::snippet(&text, marks).into_iter();
    let snippet = pieces.map(|piece| SnippetPiece { text: piece.text, marked: piece.marked }).collect();
    Hit { message: message(found), snippet }
}

/// Whom an account belongs to. `name`: the user's own for them.
pub fn person(account: AccountId, peer: Option<&core::Peer>, name: Option<String>) -> Person {
    let username = peer.and_then(|peer| peer.username.as_ref());
    Person {
        account: account.to_hex(),
        username: username.map(|username| username.as_str().to_owned()),
        name,
        profile_name: None,
    }
}

/// A contact, without what the user and the history know of it.
pub fn contact(peer: &core::Peer) -> Contact {
    Contact {
        person: person(peer.account, Some(peer), None),
        blocked: false,
        contact: false,
        request: false,
        trust: trust(peer.trust),
        unread: 0,
        last_message: None,
    }
}

/// A device of the own account.
pub fn device(device: &core::OwnDevice) -> Device {
    Device {
        device: device.device.number(),
        this: device.this,
        name: device.name.clone(),
        last_seen_ms: device.last_seen_ms,
        place: device.place.clone(),
        linked_at_ms: device.linked_at_ms,
    }
}

/// What a new device gets of the past.
pub fn history_of(range: HistoryRange) -> devices::HistoryRange {
    match range {
        HistoryRange::None => devices::HistoryRange::None,
        HistoryRange::Month => devices::HistoryRange::Month,
        HistoryRange::Year => devices::HistoryRange::Year,
        HistoryRange::All => devices::HistoryRange::All,
    }
}

/// What is set of a conversation.
pub fn chat_change_of(change: ChatChange) -> core::ChatChange {
    match change {
        ChatChange::Archived(archived) => core::ChatChange::Archived(archived),
        ChatChange::Pinned(pinned) => core::ChatChange::Pinned(pinned),
        ChatChange::MutedUntilMs(until_ms) => core::ChatChange::MutedUntil(until_ms),
        ChatChange::Cleared => core::ChatChange::Cleared,
        ChatChange::Draft(text) => core::ChatChange::Draft(text),
    }
}

/// What the user knows of a key.
pub fn trust(trust: core::Trust) -> Trust {
    match trust {
        core::Trust::FirstUse => Trust::FirstUse,
        core::Trust::Verified => Trust::Verified,
        core::Trust::Changed { at_ms } => Trust::Changed { at_ms },
    }
}

/// Ticks.
pub fn delivery(delivery: core::Delivery) -> Delivery {
    match delivery {
        core::Delivery::Pending => Delivery::Pending,
        core::Delivery::Sent => Delivery::Sent,
        core::Delivery::Delivered => Delivery::Delivered,
        core::Delivery::Read => Delivery::Read,
        core::Delivery::Failed => Delivery::Failed,
    }
}

/// The connection, with what the shell knows of the reason.
pub fn connection(state: core::ConnectionState, reason: Option<&NetFailure>) -> Connection {
    match state {
        core::ConnectionState::Offline => Connection::Offline,
        core::ConnectionState::Waiting { until_ms } => {
            Connection::Waiting { until_ms, reason: reason.cloned() }
        }
        core::ConnectionState::Connecting => Connection::Connecting,
        core::ConnectionState::Online => Connection::Online,
        core::ConnectionState::Refused(code) => Connection::Refused { code: reject_code(code) },
    }
}

/// Why a command did not succeed.
pub fn failure(failure: &core::Failure) -> Failure {
    use core::Failure as Core;
    let code = match failure {
        Core::Rejected(reject) => {
            let mut failure = Failure::new(Fault::Server, &reject_code(reject.code), &reject.detail);
            failure.retry_after_ms = reject.retry_after_ms;
            return failure;
        }
        Core::NotConnected => {
            return Failure::new(Fault::Server, "notConnected", failure.to_string());
        }
        Core::Busy => "busy",
        Core::TooManyContacts { .. } => "tooManyContacts",
        Core::TooManyAddresses { .. } => "tooManyAddresses",
        Core::FalseDirectory => {
            return Failure::new(Fault::Trust, "falseDirectory", failure.to_string());
        }
        Core::NotRegistered => "notRegistered",
        Core::AlreadyRegistered => "alreadyRegistered",
        Core::UnknownContact => "unknownContact",
        Core::TooLong { .. } => "tooLong",
        Core::OutboxFull => "outboxFull",
        Core::Empty => "empty",
        Core::NotPrimary => "notPrimary",
        Core::UnknownDevice => "unknownDevice",
        Core::UnknownCode => "unknownCode",
        Core::FalseCode => return Failure::new(Fault::Trust, "falseCode", failure.to_string()),
        Core::TooManyDevices { .. } => "tooManyDevices",
        Core::UnknownGroup => "unknownGroup",
        Core::NotAllowed => "notAllowed",
        Core::GroupFull { .. } => "groupFull",
        Core::NotAddable => "notAddable",
        Core::GroupBusy => "groupBusy",
        Core::UnknownMessage => "unknownMessage",
        Core::UnknownList => "unknownList",
        Core::TooLate => "tooLate",
        Core::TooManyForwards { .. } => "tooManyForwards",
        Core::Malformed => "malformed",
        Core::NoAudience => "noAudience",
        Core::AudienceTooLarge { .. } => "audienceTooLarge",
        Core::TooManyStatuses { .. } => "tooManyStatuses",
        Core::UnknownFile => "unknownFile",
        Core::TooManyFiles { .. } => "tooManyFiles",
    };
    Failure::user(code, failure.to_string())
}

fn reject_code(code: RejectCode) -> String {
    let name = code.name();
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
