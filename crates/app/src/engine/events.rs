//! What the core says, as front ends understand it.

use waxwing_client::{self as core, Read as _};
use waxwing_wire::post::ActBy;
use waxwing_wire::{AccountId, RejectCode};

use super::Engine;
use crate::api::{self, CommandId, Event, Failure, FoundContact};
use crate::media::Answer;

impl Engine {
    pub(super) fn show(&mut self, event: core::Event) {
        if let core::Event::Message(message) | core::Event::MessageFilled(message) = &event {
            self.fetch_by_rule(message);
        }
        match event {
            core::Event::Done { command, message, peer } => {
                if self.answered(command.0, || Answer::Done) || !self.open_commands.remove(&command.0) {
                    return;
                }
                let message = message.as_ref().map(api::message_key);
                let contact = peer.as_ref().map(api::contact);
                self.tell(Event::Done { command: command.0, message, contact });
            }
            core::Event::Failed { command, failure } => {
                let refused = || match &failure {
                    core::Failure::Rejected(reject) => Answer::Refused(reject.code),
                    // The upload is over, whoever ended it.
                    core::Failure::UnknownFile => Answer::Refused(RejectCode::FileGone),
                    _ => Answer::NotNow,
                };
                if self.answered(command.0, refused) || self.not_found(command.0, api::failure(&failure)) {
                    return;
                }
                if self.open_commands.contains(&command.0) {
                    self.failed(command.0, self.explained(&failure));
                }
            }
            core::Event::Connection(state) => {
                let connection = api::connection(state, self.reason.as_ref());
                self.tell(Event::Connection { connection });
            }
            core::Event::FileFound { command, download } => self.file_found(command.0, &download),
            core::Event::SegmentsFound { command, segments } => {
                self.answered(command.0, || Answer::Segments(*segments));
            }
            core::Event::Deleted(keys) => {
                self.sweep_later();
                self.tell(Event::Deleted { messages: keys.iter().map(api::message_key).collect() });
            }
            core::Event::Changed { message, doer } => {
                self.sweep_later();
                self.changed(&message, &doer);
            }
            other => {
                if let Some(event) = plain(other) {
                    self.tell(event);
                }
            }
        }
    }

    /// A message as it is now, with what was done about it.
    fn changed(&mut self, key: &core::MessageKey, doer: &ActBy) {
        let Some(client) = &self.client else { return };
        let Ok(Some(message)) = self.profile.store.message(key) else { return };
        // A database that cannot be read says so at the next step.
        if let Ok(message) = self.look(client).message(&message) {
            self.tell(Event::MessageChanged { message, done: api::deed_done(doer) });
        }
    }

    /// "Not connected" is better said with the reason.
    fn explained(&self, failure: &core::Failure) -> Failure {
        match (failure, &self.reason) {
            (core::Failure::NotConnected, Some(reason)) => reason.into(),
            _ => api::failure(failure),
        }
    }

    pub(super) fn done(&mut self, id: CommandId) {
        self.open_commands.remove(&id);
        self.tell(Event::Done { command: id, message: None, contact: None });
    }

    pub(super) fn failed(&mut self, id: CommandId, failure: Failure) {
        self.open_commands.remove(&id);
        self.once.remove(&id);
        self.tell(Event::Failed { command: id, failure });
    }

    /// A front end that does not listen must not stop the core: what does not fit is dropped, and said.
    pub(super) fn tell(&mut self, event: Event) {
        if self.overrun && self.events.try_send(Event::Overrun).is_ok() {
            self.overrun = false;
        }
        self.overrun = self.overrun || self.events.try_send(event).is_err();
    }
}

/// Events that only have to be translated.
fn plain(event: core::Event) -> Option<Event> {
    use core::Event as Core;
    Some(match event {
        Core::Done { .. }
        | Core::Failed { .. }
        | Core::Connection(_)
        | Core::Changed { .. }
        | Core::FileFound { .. }
        | Core::SegmentsFound { .. } => {
            return None;
        }
        Core::Registered(address) => {
            Event::Registered { account: address.account.to_hex(), device: address.device.number() }
        }
        Core::Message(message) => Event::Message { message: api::message(&message) },
        Core::MessageFilled(message) => Event::MessageFilled { message: api::message(&message) },
        Core::Delivery { message, with, delivery } => Event::Delivery {
            message: api::message_key(&message),
            with: api::conversation_name(with),
            delivery: api::delivery(delivery),
        },
        Core::IdentityChanged(account) => Event::IdentityChanged { account: account.to_hex() },
        Core::Gap { from, missing } => {
            Event::Gap { account: from.account.to_hex(), device: from.device.number(), missing }
        }
        Core::RestoredCopy => Event::RestoredCopy,
        Core::LinkCode { code, identity } => {
            Event::LinkCode { code: code.to_text(), qr: code.to_qr(&identity) }
        }
        Core::Devices(devices) => Event::Devices { devices: devices.iter().map(api::device).collect() },
        Core::Removed => Event::Removed,
        Core::Archive { device, sending, messages, total, done } => {
            Event::Archive { device: device.number(), sending, messages, total, done }
        }
        Core::Deleted(keys) => Event::Deleted { messages: keys.iter().map(api::message_key).collect() },
        Core::StateChanged => Event::StateChanged,
        Core::Group(group) => Event::Group { group: api::group_name(group) },
        Core::JoinRequested { group, account } => {
            Event::JoinRequested { group: api::group_name(group), account: account.to_hex() }
        }
        Core::Composing { with, account, what } => Event::Composing {
            with: api::conversation_name(with),
            account: account.to_hex(),
            what: api::composing(what),
        },
        Core::Presence { account, presence } => {
            Event::Presence { account: account.to_hex(), presence: api::presence(presence) }
        }
        Core::Skipped(messages) => Event::Skipped { messages },
        Core::ContactsFound { command, addresses, found: list } => {
            let found = |(account, name): (AccountId, _)| FoundContact { account: account.to_hex(), name };
            Event::ContactsFound {
                command: command.0,
                addresses: addresses as u64,
                found: list.into_iter().map(found).collect(),
            }
        }
        Core::FileUploaded(digest) => Event::FileUploaded { file: hex::encode(digest) },
        Core::FileRefused { file, failure } => {
            Event::FileRefused { file: hex::encode(file), failure: api::failure(&failure) }
        }
        Core::Findable { command, on, addresses } => Event::Findable { command: command.0, on, addresses },
    })
}
