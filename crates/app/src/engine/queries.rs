//! What a front end may ask.

use std::cmp::Reverse;

use waxwing_client::{Client, Peer, Read as _};
use waxwing_wire::{AccountId, Username};

use super::{Engine, storage_fails};
use crate::api::{self, Answer, Contact, Failure, Query, Status, Trust};
use crate::limits::MAX_PAGE_MESSAGES;

impl Engine {
    pub(super) fn answer(&self, query: Query) -> Result<Answer, Failure> {
        let client = self.client.as_ref().ok_or_else(storage_fails)?;
        let store = &self.profile.store;
        Ok(match query {
            Query::Status => Answer::Status(self.status(client)?),
            Query::Contacts => Answer::Contacts { contacts: self.contacts(client)? },
            Query::Contact { name } => Answer::Contact { contact: self.contact(client, &name)? },
            Query::History { with, before, limit } => {
                let with = api::account_of(&with)?;
                let limit = limit.min(MAX_PAGE_MESSAGES);
                let page = store.history(with, before.unwrap_or(u64::MAX), limit).map_err(device)?;
                Answer::Messages { messages: page.iter().rev().map(api::message).collect() }
            }
            Query::Message { id } => {
                let message = store.message(&api::message_key_of(&id)?).map_err(device)?;
                Answer::Message { message: message.as_ref().map(api::message) }
            }
            Query::Inbox { limit } => {
                let inbox = store.inbox(limit.min(MAX_PAGE_MESSAGES)).map_err(device)?;
                Answer::Messages { messages: inbox.iter().map(api::message).collect() }
            }
            Query::SafetyNumber { account } => {
                let account = api::account_of(&account)?;
                let number = client.safety_number(store, account).map_err(device)?;
                let peer = client.peer(store, account).map_err(device)?;
                Answer::SafetyNumber { number, trust: peer.map_or(Trust::FirstUse, |p| api::trust(p.trust)) }
            }
        })
    }

    fn status(&self, client: &Client) -> Result<Status, Failure> {
        let (unread, pending) = self.profile.store.counts().map_err(device)?;
        let address = client.address();
        Ok(Status {
            account: address.map(|address| address.account.to_hex()),
            device: address.map(|address| address.device.number()),
            username: client.username().map(|name| name.as_str().to_owned()),
            server: self.server.as_ref().map(|server| server.address.clone()),
            connection: api::connection(client.connection(), self.reason.as_ref()),
            unread,
            pending,
            outbox: client.outbox_len(),
            protection: self.protection(),
        })
    }

    /// Conversations come first, the newest at the top; then whoever has none yet, by name.
    fn contacts(&self, client: &Client) -> Result<Vec<Contact>, Failure> {
        let peers = client.peers(&self.profile.store).map_err(device)?;
        let mut contacts: Vec<Contact> =
            peers.iter().map(|peer| self.with_history(peer)).collect::<Result<_, _>>()?;
        let place = |contact: &Contact| {
            let newest = contact.last_message.as_ref().map(|message| message.order);
            (Reverse(newest), contact.username.clone(), contact.account.clone())
        };
        contacts.sort_by_cached_key(place);
        Ok(contacts)
    }

    fn contact(&self, client: &Client, name: &str) -> Result<Option<Contact>, Failure> {
        let store = &self.profile.store;
        let mut peer = None;
        if let Some(account) = AccountId::from_hex(name) {
            peer = client.peer(store, account).map_err(device)?;
        }
        // A username may look like an account's digits.
        if let (None, Ok(username)) = (&peer, Username::parse(name)) {
            let mut peers = client.peers(store).map_err(device)?.into_iter();
            peer = peers.find(|peer| peer.username.as_ref() == Some(&username));
        }
        peer.map(|peer| self.with_history(&peer)).transpose()
    }

    fn with_history(&self, peer: &Peer) -> Result<Contact, Failure> {
        let mut contact = api::contact(peer);
        if let Some(conversation) = self.profile.store.conversation(peer.account).map_err(device)? {
            contact.unread = conversation.unread;
            contact.last_message = Some(api::message(&conversation.last));
        }
        Ok(contact)
    }
}

fn device(error: impl std::fmt::Display) -> Failure {
    Failure::device(error.to_string())
}
