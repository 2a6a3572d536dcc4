//! What a program that must miss nothing asks for: the journal, and commands that are done once.

use sha2::{Digest as _, Sha256};
use waxwing_client::{self as core, Delivery, Direction, Effect, Read as _};
use waxwing_wire::DeviceAddress;

use super::{Engine, storage_fails};
use crate::api::{self, Answer, Command, CommandId, Event, Failure, Happened, JournalEntry};
use crate::limits::{MAX_ONCE_KEY_BYTES, MAX_PAGE_MESSAGES};
use crate::store::{Act, JournalRow, Noted, Once};

/// A command that is to be done once, until it is.
pub struct Request {
    key: String,
    digest: [u8; 32],
}

impl Engine {
    /// What of a step goes into the journal.
    pub(super) fn journal_of(&self, effects: &[Effect]) -> Vec<Noted> {
        if !self.keeps_journal {
            return Vec::new();
        }
        let own = self.client.as_ref().and_then(core::Client::address);
        let noted = |effect: &Effect| match effect {
            Effect::Event(core::Event::Message(message) | core::Event::MessageFilled(message)) => {
                // A placeholder comes when it is filled. What this device itself wrote is no news.
                let is_news = match (&message.body, message.direction) {
                    (core::Body::Waiting, _) => false,
                    (core::Body::Notice(notice), _) => is_told(notice, own),
                    (_, Direction::Incoming) => message.delivery == Delivery::Delivered,
                    (_, Direction::Outgoing) => own.is_some_and(|own| own != message.key.from),
                };
                is_news.then_some(Noted::Message(message.key))
            }
            Effect::Event(core::Event::Delivery { message, delivery, .. }) => {
                let is_own = own.is_some_and(|own| own.account == message.from.account);
                (is_own && *delivery > Delivery::Sent).then_some(Noted::Delivery(*message, *delivery))
            }
            Effect::Event(core::Event::Changed { message, doer }) => {
                let elsewhere = own.is_some_and(|own| own != doer.by);
                elsewhere.then(|| Noted::Act(*message, Act::of(doer)))
            }
            _ => None,
        };
        effects.iter().filter_map(noted).collect()
    }

    /// Which commands a step has done that are to be done once.
    pub(super) fn done_once(&mut self, effects: &[Effect]) -> Vec<Once> {
        let mut done = Vec::new();
        for effect in effects {
            if let Effect::Event(core::Event::Done { command, message, .. }) = effect
                && let Some(request) = self.once.remove(&command.0)
            {
                let message = message.as_ref().map(api::message_key);
                done.push(Once { key: request.key, request: request.digest, message });
            }
        }
        done
    }

    /// Answers a command that was done before; otherwise returns what is to be done.
    pub(super) fn begin_once(
        &mut self,
        id: CommandId,
        key: String,
        command: Command,
    ) -> Result<Option<Command>, Failure> {
        if key.is_empty() || key.len() > MAX_ONCE_KEY_BYTES {
            let detail = format!("a key for doing something once has 1 to {MAX_ONCE_KEY_BYTES} bytes");
            return Err(Failure::user("malformedKey", detail));
        }
        let text = serde_json::to_vec(&command).map_err(|error| Failure::device(error.to_string()))?;
        let digest = Sha256::digest(&text).into();
        let before = self.profile.store.once(&key).map_err(|error| Failure::device(error.to_string()))?;
        if before.as_ref().is_some_and(|before| before.request != digest)
            || self.once.values().any(|request| request.key == key && request.digest != digest)
        {
            let detail = "something else was done under this key; draw another one for each request";
            return Err(Failure::user("keyReused", detail));
        }
        if let Some(before) = before {
            self.open_commands.remove(&id);
            self.tell(Event::Done { command: id, message: before.message, contact: None });
            return Ok(None);
        }
        if self.once.values().any(|request| request.key == key) {
            return Err(Failure::user("underWay", "this is being done already; wait for its answer"));
        }
        self.once.insert(id, Request { key, digest });
        Ok(Some(command))
    }

    pub(super) fn journal(&self, after: Option<u64>, limit: usize) -> Result<Answer, Failure> {
        let device = |error: &dyn std::fmt::Display| Failure::device(error.to_string());
        let store = &self.profile.store;
        let acknowledged = store.journal_acknowledged().map_err(|error| device(&error))?.unwrap_or_default();
        let newest = store.journal_newest().map_err(|error| device(&error))?;
        let rows = store.journal(after.unwrap_or(acknowledged), limit.min(MAX_PAGE_MESSAGES));
        let mut entries = Vec::new();
        for JournalRow { id, at_ms, what } in rows.map_err(|error| device(&error))? {
            let (Noted::Message(key) | Noted::Delivery(key, _) | Noted::Act(key, _)) = what;
            let message = store.message(&key).map_err(|error| device(&error))?;
            let what = match (what, message) {
                (Noted::Message(_), Some(message)) => Happened::Message { message: api::message(&message) },
                (Noted::Delivery(_, delivery), Some(message)) => {
                    let message = api::message(&message);
                    Happened::Delivery { message, delivery: api::delivery(delivery) }
                }
                (Noted::Act(_, act), Some(message)) => self.act_told(id, &message, act)?,
                (_, None) => Happened::Gone,
            };
            entries.push(JournalEntry { id, at_ms, what });
        }
        Ok(Answer::Journal { acknowledged, newest, entries })
    }

    /// What was done, if it still holds.
    fn act_told(&self, entry: u64, message: &core::Message, act: Act) -> Result<Happened, Failure> {
        let Some(client) = &self.client else { return Err(storage_fails()) };
        let acts = client.acts(&self.profile.store, message);
        let acts = acts.map_err(|error| Failure::device(error.to_string()))?;
        let done = acts.iter().find(|doer| Act::of(doer) == act).and_then(api::deed_done);
        let device = act.by.device.number();
        let Some(done) = done else { return Ok(Happened::Gone) };
        let times = self.profile.store.times_done(entry, &message.key, act);
        let times = times.map_err(|error| Failure::device(error.to_string()))?;
        Ok(Happened::Act { message: api::message(message), device, done, times })
    }
}

/// Notices that programs hear of: what others have made of a conversation.
fn is_told(notice: &core::Notice, own: Option<DeviceAddress>) -> bool {
    match notice {
        core::Notice::GroupChanged(change) => own != Some(change.by),
        core::Notice::Joined(_) => true,
        core::Notice::Lifetime(by, _) => own.is_some_and(|own| own.account != *by),
        core::Notice::IdentityChanged(_)
        | core::Notice::GroupForked(_)
        | core::Notice::ServerDisagrees(_) => false,
    }
}
