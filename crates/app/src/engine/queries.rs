//! What a front end may ask.

use std::collections::BTreeMap;

use waxwing_client::{Client, Read as _};
use waxwing_wire::{AccountId, Username};

use super::{Engine, storage_fails};
use crate::api::{self, Answer, Contact, Failure, Query, Status, Trust};
use crate::limits::{MAX_CONTACTS, MAX_PAGE_MESSAGES};
use crate::store::Conversation;

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

    fn contacts(&self, client: &Client) -> Result<Vec<Contact>, Failure> {
        let peers = client.peers(&self.profile.store).map_err(device)?;
        let mut peers: BTreeMap<AccountId, Contact> =
            peers.iter().map(|peer| (peer.account, api::contact(peer))).collect();
        let conversations = self.profile.store.conversations(MAX_CONTACTS).map_err(device)?;
        // Conversations come first, in their order; then whoever has none yet, by name.
        let mut contacts: Vec<Contact> = conversations
            .iter()
            .map(|conversation| {
                let contact = peers.remove(&conversation.with);
                with_history(contact.unwrap_or_else(|| stranger(conversation.with)), conversation)
            })
            .collect();
        let mut silent: Vec<Contact> = peers.into_values().collect();
        silent.sort_by(|a, b| (&a.username, &a.account).cmp(&(&b.username, &b.account)));
        contacts.extend(silent);
        Ok(contacts)
    }

    fn contact(&self, client: &Client, name: &str) -> Result<Option<Contact>, Failure> {
        let account = AccountId::from_hex(name).map(AccountId::to_hex);
        let username = Username::parse(name).ok();
        let named = |contact: &Contact| {
            account.as_ref() == Some(&contact.account)
                || username.as_ref().is_some_and(|name| contact.username.as_deref() == Some(name.as_str()))
        };
        Ok(self.contacts(client)?.into_iter().find(named))
    }
}

fn with_history(mut contact: Contact, conversation: &Conversation) -> Contact {
    contact.unread = conversation.unread;
    contact.last_message = Some(api::message(&conversation.last));
    contact
}

fn stranger(account: AccountId) -> Contact {
    Contact {
        account: account.to_hex(),
        username: None,
        trust: Trust::FirstUse,
        unread: 0,
        last_message: None,
    }
}

fn device(error: impl std::fmt::Display) -> Failure {
    Failure::device(error.to_string())
}
