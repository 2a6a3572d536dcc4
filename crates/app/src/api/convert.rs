//! Between the core's types and the interface's. Names arrive as text and are parsed here, once.

use waxwing_client as core;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId, RejectCode};

use super::{Body, Connection, Contact, Delivery, Direction, Failure, Fault, Message, NetFailure, Trust};

/// An account as the interface names it.
pub fn account_of(text: &str) -> Result<AccountId, Failure> {
    AccountId::from_hex(text)
        .ok_or_else(|| Failure::user("malformedAccount", "not an account; it has 32 hexadecimal digits"))
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
        with: message.with.to_hex(),
        order: message.order,
        direction: match message.direction {
            core::Direction::Outgoing => Direction::Outgoing,
            core::Direction::Incoming => Direction::Incoming,
        },
        sent_at_ms: message.sent_at_ms,
        stored_at_ms: message.stored_at_ms,
        body: match &message.body {
            core::Body::Text(text) => Body::Text { text: text.clone() },
            core::Body::Waiting => Body::Waiting,
            core::Body::Lost => Body::Lost,
            core::Body::Unknown => Body::Unknown,
        },
        delivery: delivery(message.delivery),
    }
}

/// A contact, without what the history knows of it.
pub fn contact(peer: &core::Peer) -> Contact {
    Contact {
        account: peer.account.to_hex(),
        username: peer.username.as_ref().map(|name| name.as_str().to_owned()),
        trust: trust(peer.trust),
        unread: 0,
        last_message: None,
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
        Core::NotRegistered => "notRegistered",
        Core::AlreadyRegistered => "alreadyRegistered",
        Core::UnknownContact => "unknownContact",
        Core::TooLong { .. } => "tooLong",
        Core::OutboxFull => "outboxFull",
        Core::Empty => "empty",
    };
    Failure::user(code, failure.to_string())
}

fn reject_code(code: RejectCode) -> String {
    let name = code.name();
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
