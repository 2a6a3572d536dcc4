//! What a front end may ask.

use std::cmp::Reverse;

use waxwing_client::{self as core, Client, Conversation, Peer, Read as _};
use waxwing_wire::{AccountId, Username};

use super::media::storage::files_of;
use super::{Engine, storage_fails};
use crate::api::{self, Answer, Chat, ChatWith, Contact, Failure, Person, Query, Setting, Status, Trust};
use crate::limits::{MAX_PAGE_MESSAGES, MAX_SEARCH_BYTES};
use crate::search::Wanted;
use crate::store::{Store, Within};

impl Engine {
    pub(super) fn look<'a>(&'a self, client: &'a Client) -> Look<'a> {
        Look { client, store: &self.profile.store }
    }

    /// What a front end asks.
    pub fn answer(&self, query: Query) -> Result<Answer, Failure> {
        let client = self.client.as_ref().ok_or_else(storage_fails)?;
        let look = self.look(client);
        let store = look.store;
        Ok(match query {
            Query::Status => Answer::Status(self.status(client)?),
            Query::Devices => Answer::Devices { devices: look.devices()? },
            Query::Contacts => Answer::Contacts { contacts: look.contacts()? },
            Query::Contact { name } => Answer::Contact { contact: look.contact(&name)? },
            Query::Chats => Answer::Chats { chats: look.chats()? },
            Query::Chat { name } => Answer::Chat { chat: look.chat_called(&name)? },
            Query::Groups => Answer::Groups { groups: look.groups()? },
            Query::Group { name } => Answer::Group { group: look.group(&name)? },
            Query::History { with, before, after, limit } => {
                let with = api::conversation_of(&with)?;
                Answer::Messages {
                    messages: look.history(with, before, after, limit.min(MAX_PAGE_MESSAGES))?,
                }
            }
            Query::Files { with, before, order, limit } => {
                let with = with.as_deref().map(api::conversation_of).transpose()?;
                let limit = limit.min(MAX_PAGE_MESSAGES);
                let found = match order {
                    Some(order) => self.kept_files(with, order, limit)?,
                    None => store.with_files(with, before.unwrap_or(u64::MAX), limit).map_err(device)?,
                };
                let messages: Vec<api::Message> =
                    found.iter().map(|message| look.message(message)).collect::<Result<_, _>>()?;
                let digests = || found.iter().flat_map(files_of).map(|file| file.digest);
                let here = digests().filter(|digest| self.media.vault.has(digest)).map(hex::encode).collect();
                let away = digests().filter(|digest| self.is_away(digest)).map(hex::encode).collect();
                Answer::Files { messages, here, away }
            }
            Query::StoredFiles => self.stored_files()?,
            Query::FetchRules => Answer::FetchRules { rules: self.fetch_rules()? },
            Query::FileContent { message, index } => {
                let content = self.file_content(&message, index)?;
                Answer::FileContent { content: api::picture(&content) }
            }
            Query::Search { .. } => look.search(query)?,
            Query::Message { id } => {
                let message = store.message(&api::message_key_of(&id)?).map_err(device)?;
                Answer::Message {
                    message: message.as_ref().map(|message| look.message(message)).transpose()?,
                }
            }
            Query::MessageAt { order } => {
                let newest = store.recent(order.saturating_add(1), 1).map_err(device)?;
                let message = newest.iter().find(|message| message.order == order);
                Answer::Message { message: message.map(|message| look.message(message)).transpose()? }
            }
            Query::MessageSentAt { from, sent_at_ms, with } => {
                let (from, with) = (api::account_of(&from)?, with.as_deref().map(api::conversation_of));
                let message = store.sent_at(from, sent_at_ms, with.transpose()?).map_err(device)?;
                Answer::Message { message: message.as_ref().map(api::message) }
            }
            Query::Journal { after, limit } => self.journal(after, limit)?,
            Query::Receipts { message } => Answer::Receipts { receipts: look.receipts(&message)? },
            Query::Starred => Answer::Messages { messages: look.starred()? },
            Query::Inbox { limit } => {
                Answer::Messages { messages: look.inbox(limit.min(MAX_PAGE_MESSAGES))? }
            }
            Query::SafetyNumber { account } => {
                let account = api::account_of(&account)?;
                let number = client.safety_number(store, account).map_err(device)?;
                let peer = client.peer(store, account).map_err(device)?;
                Answer::SafetyNumber { number, trust: peer.map_or(Trust::FirstUse, |p| api::trust(p.trust)) }
            }
            Query::Lists => Answer::Lists { lists: look.lists()? },
            Query::Settings => Answer::Settings { settings: look.settings()? },
            Query::Profile { account } => Answer::Profile { profile: look.profile(account.as_deref())? },
            Query::StatusUpdates => Answer::StatusUpdates { updates: look.status_updates()? },
            Query::Privacy => Answer::Privacy(api::privacy(&client.privacy(store).map_err(device)?)),
        })
    }

    fn status(&self, client: &Client) -> Result<Status, Failure> {
        let pending = self.profile.store.pending().map_err(device)?;
        let unread = self.look(client).unread()?;
        let address = client.address();
        Ok(Status {
            account: address.map(|address| address.account.to_hex()),
            device: address.map(|address| address.device.number()),
            username: client.username().map(|name| name.as_str().to_owned()),
            server: self.server.as_ref().map(|server| server.address.clone()),
            server_key: self.server.as_ref().and_then(|server| server.key.clone()),
            server_trust: self.server.as_ref().map(|server| server.trust),
            connection: api::connection(client.connection(), self.reason.as_ref()),
            unread,
            pending,
            outbox: client.outbox_len().saturating_add(client.tells_profile_now().into()),
            protection: self.protection(),
        })
    }
}

/// A look at the profile as of the last commit.
pub(super) struct Look<'a> {
    client: &'a Client,
    store: &'a Store,
}

impl Look<'_> {
    fn devices(&self) -> Result<Vec<api::Device>, Failure> {
        let devices = self.client.devices(self.store).map_err(device)?;
        Ok(devices.iter().map(api::device).collect())
    }

    /// Conversations come first, the newest at the top; then whoever has none yet, by name.
    fn contacts(&self) -> Result<Vec<Contact>, Failure> {
        let peers = self.client.peers(self.store).map_err(device)?;
        let mut contacts: Vec<Contact> =
            peers.iter().map(|peer| self.with_history(peer)).collect::<Result<_, _>>()?;
        let place = |contact: &Contact| {
            let newest = contact.last_message.as_ref().map(|message| message.order);
            (Reverse(newest), contact.person.username.clone(), contact.person.account.clone())
        };
        contacts.sort_by_cached_key(place);
        Ok(contacts)
    }

    fn contact(&self, name: &str) -> Result<Option<Contact>, Failure> {
        let peer = self.peer_called(name)?;
        peer.map(|peer| self.with_history(&peer)).transpose()
    }

    /// By account, username, or the user's own name, in this order.
    fn peer_called(&self, name: &str) -> Result<Option<Peer>, Failure> {
        if let Some(account) = AccountId::from_hex(name)
            && let Some(peer) = self.peer(account)?
        {
            return Ok(Some(peer));
        }
        // A username may look like an account's digits.
        let peers = self.client.peers(self.store).map_err(device)?;
        if let Ok(username) = Username::parse(name)
            && let Some(peer) = peers.iter().find(|peer| peer.username.as_ref() == Some(&username))
        {
            return Ok(Some(peer.clone()));
        }
        let mut named = Vec::new();
        for peer in peers {
            if self.own_name(peer.account)?.as_deref() == Some(name) {
                named.push(peer);
            }
        }
        only(named, "contacts", name)
    }

    /// What is shown for a day and there, by author.
    fn status_updates(&self) -> Result<Vec<api::StatusUpdates>, Failure> {
        let own = self.client.address().map(|own| own.account);
        let mut updates = Vec::new();
        for with in self.store.statuses().map_err(device)? {
            let Conversation::Status(author) = with else { continue };
            if !self.client.shows_statuses_of(self.store, author).map_err(device)? {
                continue;
            }
            let mut messages = self.history(with, None, None, MAX_PAGE_MESSAGES)?;
            messages.retain(|message| matches!(message.body, api::Body::Text(_)));
            let unseen = |message: &&api::Message| {
                message.direction == api::Direction::Incoming && message.delivery != api::Delivery::Read
            };
            let state = self.client.chat_state(self.store, with).map_err(device)?;
            updates.push(api::StatusUpdates {
                conversation: api::conversation_name(with),
                author: self.person(author)?,
                own: own == Some(author),
                unseen: messages.iter().filter(unseen).count() as u64,
                muted_until_ms: state.muted_until_ms,
                messages,
            });
        }
        updates.retain(|one| !one.messages.is_empty());
        let now = super::now().0;
        updates.sort_by_cached_key(|one| {
            let newest = one.messages.last().map(|message| message.order);
            (Reverse(one.own), one.muted_until_ms > now, one.unseen == 0, Reverse(newest))
        });
        Ok(updates)
    }

    /// Without what waits in groups that the user does not know of yet.
    fn inbox(&self, limit: usize) -> Result<Vec<api::Message>, Failure> {
        let (mut found, mut after) = (Vec::new(), 0);
        while found.len() < limit {
            let page = self.store.inbox(after, limit).map_err(device)?;
            let Some(last) = page.last() else { break };
            after = last.order;
            for message in page {
                let hidden =
                    matches!(message.with, Conversation::Group(_)) && self.is_request(message.with)?;
                if !hidden && found.len() < limit {
                    found.push(message);
                }
            }
        }
        self.messages(&found)
    }

    /// Unread messages of whom the user has accepted.
    fn unread(&self) -> Result<u64, Failure> {
        let mut unread = 0_u64;
        for (with, count) in self.store.unread_by_conversation().map_err(device)? {
            if !self.is_request(with)? {
                unread = unread.saturating_add(count);
            }
        }
        Ok(unread)
    }

    /// Whether somebody who has written there is none whom the user has written to or accepted, or has brought the user
    /// into the group against the settings. What is shown for a
    /// day counts as little.
    fn is_request(&self, with: Conversation) -> Result<bool, Failure> {
        match with {
            Conversation::Account(account) => {
                Ok(!self.client.is_accepted(self.store, account).map_err(device)?)
            }
            Conversation::Group(group) => self.client.is_group_request(self.store, group).map_err(device),
            Conversation::Status(_) => Ok(true),
        }
    }

    fn profile(&self, account: Option<&str>) -> Result<Option<api::Profile>, Failure> {
        let Some(account) = account else {
            let own = self.client.own_profile(self.store).map_err(device)?;
            return Ok(Some(api::own_profile(&own)));
        };
        let told = self.client.profile(self.store, api::account_of(account)?).map_err(device)?;
        Ok(told.as_ref().map(api::peer_profile))
    }

    fn peer(&self, account: AccountId) -> Result<Option<Peer>, Failure> {
        self.client.peer(self.store, account).map_err(device)
    }

    fn own_name(&self, account: AccountId) -> Result<Option<String>, Failure> {
        self.client.contact_name(self.store, account).map_err(device)
    }

    fn person(&self, account: AccountId) -> Result<Person, Failure> {
        if self.client.address().is_some_and(|own| own.account == account) {
            let username = self.client.username().map(|name| name.as_str().to_owned());
            return Ok(Person { account: account.to_hex(), username, name: None, profile_name: None });
        }
        let peer = self.peer(account)?;
        self.called(account, peer.as_ref())
    }

    /// Somebody else, as the user calls them and as they call themselves.
    fn called(&self, account: AccountId, peer: Option<&Peer>) -> Result<Person, Failure> {
        let told = self.client.profile(self.store, account).map_err(device)?;
        let profile_name = told.map(|told| told.name).filter(|name| !name.is_empty());
        Ok(Person { profile_name, ..api::person(account, peer, self.own_name(account)?) })
    }

    fn with_history(&self, peer: &Peer) -> Result<Contact, Failure> {
        let mut contact = api::contact(peer);
        contact.person = self.called(peer.account, Some(peer))?;
        contact.contact = self.client.is_contact(self.store, peer.account).map_err(device)?;
        contact.blocked = self.client.is_blocked(self.store, peer.account).map_err(device)?;
        if let Some(summary) = self.store.summary(Conversation::Account(peer.account)).map_err(device)? {
            contact.request = self.is_request(Conversation::Account(peer.account))?;
            contact.unread = if contact.request { 0 } else { summary.unread };
            contact.last_message = Some(api::message(&summary.last));
        }
        Ok(contact)
    }

    fn groups(&self) -> Result<Vec<api::Group>, Failure> {
        let groups = self.client.groups(self.store).map_err(device)?;
        let mut groups: Vec<_> =
            groups.iter().map(|group| self.described(group)).collect::<Result<_, _>>()?;
        groups.sort_by_cached_key(|group| (group.name.clone(), group.group.clone()));
        Ok(groups)
    }

    fn group(&self, name: &str) -> Result<Option<api::Group>, Failure> {
        self.group_called(name)?.map(|group| self.described(&group)).transpose()
    }

    /// By its name in the interface, or by its name for people.
    fn group_called(&self, name: &str) -> Result<Option<core::Group>, Failure> {
        if let Ok(group) = api::group_of(name) {
            return self.client.group(self.store, group).map_err(device);
        }
        let mut groups = self.client.groups(self.store).map_err(device)?;
        groups.retain(|group| group.state.name == name);
        // One that was left does not stand in the way of another of the same name.
        if groups.len() > 1 && groups.iter().any(|group| group.member) {
            groups.retain(|group| group.member);
        }
        only(groups, "groups", name)
    }

    fn described(&self, group: &core::Group) -> Result<api::Group, Failure> {
        let own = self.client.address().map(|address| address.account);
        api::group(group, own, |account| self.person(account))
    }

    fn chats(&self) -> Result<Vec<Chat>, Failure> {
        let mut chats = Vec::new();
        for peer in self.client.peers(self.store).map_err(device)? {
            let chat = self.contact_chat(&peer)?;
            if chat.last_message.is_some() {
                chats.push(chat);
            }
        }
        for group in self.client.groups(self.store).map_err(device)? {
            // It is shown when the user has said yes.
            if group.asked_by.is_some() {
                continue;
            }
            chats.push(self.group_chat(&group)?);
        }
        chats.sort_by_cached_key(|chat| {
            let newest = chat.last_message.as_ref().map(|message| message.order);
            (Reverse(chat.pinned), Reverse(newest), chat.conversation.clone())
        });
        Ok(chats)
    }

    /// A contact comes before a group of the same name.
    fn chat_called(&self, name: &str) -> Result<Option<Chat>, Failure> {
        if let Some(own) = self.client.address().map(|own| own.account).filter(|own| own.to_hex() == name) {
            let peer = self.client.username().map(|username| username.as_str().to_owned());
            let person = Person { account: own.to_hex(), username: peer, name: None, profile_name: None };
            let with = ChatWith::Contact { person, trust: Trust::FirstUse, blocked: false };
            return self.chat(Conversation::Account(own), with).map(Some);
        }
        if let Some(peer) = self.peer_called(name)? {
            return self.contact_chat(&peer).map(Some);
        }
        self.group_called(name)?.map(|group| self.group_chat(&group)).transpose()
    }

    fn contact_chat(&self, peer: &Peer) -> Result<Chat, Failure> {
        let with = ChatWith::Contact {
            person: self.called(peer.account, Some(peer))?,
            trust: api::trust(peer.trust),
            blocked: self.client.is_blocked(self.store, peer.account).map_err(device)?,
        };
        self.chat(Conversation::Account(peer.account), with)
    }

    fn group_chat(&self, group: &core::Group) -> Result<Chat, Failure> {
        let with = ChatWith::Group {
            name: group.state.name.clone(),
            group_kind: group.state.kind.into(),
            members: group.state.members.len() as u64,
            member: group.member,
        };
        self.chat(Conversation::Group(group.state.group), with)
    }

    fn chat(&self, conversation: Conversation, with: ChatWith) -> Result<Chat, Failure> {
        let state = self.client.chat_state(self.store, conversation).map_err(device)?;
        let summary = self.store.summary(conversation).map_err(device)?;
        let request = summary.is_some() && self.is_request(conversation)?;
        let unread = summary.as_ref().map_or(0, |summary| summary.unread);
        Ok(Chat {
            conversation: api::conversation_name(conversation),
            with,
            request,
            unread: if request { 0 } else { unread },
            last_message: summary.map(|summary| api::message(&summary.last)),
            archived: state.archived,
            pinned: state.pinned,
            muted_until_ms: state.muted_until_ms,
            lifetime_s: self.client.lifetime(self.store, conversation).map_err(device)?.into(),
            draft: self.client.draft(self.store, conversation).map_err(device)?,
        })
    }

    /// A message with what was done about it.
    pub(super) fn message(&self, message: &core::Message) -> Result<api::Message, Failure> {
        let acts = self.client.acts(self.store, message).map_err(device)?;
        Ok(api::Message { done: acts.iter().filter_map(api::done).collect(), ..api::message(message) })
    }

    /// What has disappeared is not shown, even if it has not been deleted yet, unless somebody has kept it.
    fn messages<'m>(
        &self,
        messages: impl IntoIterator<Item = &'m core::Message>,
    ) -> Result<Vec<api::Message>, Failure> {
        let now = super::now().0;
        let mut shown = Vec::new();
        for message in messages {
            let over = message.expires_at_ms > 0 && message.expires_at_ms <= now;
            if !over || self.client.is_kept(self.store, message).map_err(device)? {
                shown.push(self.message(message)?);
            }
        }
        Ok(shown)
    }

    fn receipts(&self, message: &str) -> Result<Vec<api::Receipt>, Failure> {
        let key = api::message_key_of(message)?;
        let receipts = self.client.receipts(self.store, key).map_err(device)?;
        let mut told = Vec::new();
        for receipt in receipts {
            told.push(api::Receipt {
                person: self.person(receipt.account)?,
                delivery: api::delivery(receipt.delivery),
                at_ms: receipt.at_ms,
                delivered_at_ms: receipt.delivered_at_ms,
                read_at_ms: receipt.read_at_ms,
            });
        }
        Ok(told)
    }

    fn history(
        &self,
        with: Conversation,
        before: Option<u64>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<api::Message>, Failure> {
        if let (None, Some(after)) = (before, after) {
            let page = self.store.history_after(with, after, limit).map_err(device)?;
            return self.messages(&page);
        }
        let page = self.store.history(with, before.unwrap_or(u64::MAX), limit).map_err(device)?;
        let above = |message: &&core::Message| after.is_none_or(|after| message.order > after);
        self.messages(page.iter().rev().filter(above))
    }

    fn search(&self, query: Query) -> Result<Answer, Failure> {
        let Query::Search { text, with, from, since_ms, until_ms, kind, before, limit } = query else {
            return Ok(Answer::Hits { hits: Vec::new(), next: None });
        };
        if text.len() > MAX_SEARCH_BYTES {
            let detail = format!("what is looked for is longer than {MAX_SEARCH_BYTES} bytes");
            return Err(Failure::user("tooLong", detail));
        }
        let with = with.map(|with| api::conversation_of(&with)).transpose()?;
        let from = from.map(|from| api::account_of(&from)).transpose()?;
        let wanted = Wanted::new(&text, with, from, kind);
        let within = Within {
            before: before.unwrap_or(u64::MAX),
            since_ms: since_ms.unwrap_or(0),
            until_ms: until_ms.unwrap_or(u64::MAX),
        };
        let found = self.store.search(&wanted, &within, limit.min(MAX_PAGE_MESSAGES)).map_err(device)?;
        let hits = found.hits.iter().map(|(message, marks)| api::hit(message, marks)).collect();
        Ok(Answer::Hits { hits, next: found.next })
    }

    fn starred(&self) -> Result<Vec<api::Message>, Failure> {
        let mut messages = Vec::new();
        for key in self.client.starred(self.store).map_err(device)? {
            messages.extend(self.store.message(&key).map_err(device)?);
        }
        messages.sort_by_key(|message| message.order);
        self.messages(&messages)
    }

    fn lists(&self) -> Result<Vec<api::BroadcastList>, Failure> {
        let lists = self.client.lists(self.store).map_err(device)?;
        let mut lists: Vec<_> = lists.iter().map(api::list).collect();
        lists.sort_by_cached_key(|list| (list.name.clone(), list.id.clone()));
        Ok(lists)
    }

    fn settings(&self) -> Result<Vec<Setting>, Failure> {
        let settings = self.client.settings(self.store).map_err(device)?;
        Ok(settings.into_iter().map(|(key, value)| Setting { key, value }).collect())
    }
}

/// The only one of that name, if there is one; with several, the user has to choose.
fn only<T>(mut found: Vec<T>, what: &str, name: &str) -> Result<Option<T>, Failure> {
    if found.len() > 1 {
        let detail = format!("several {what} are called {name:?}; name the one you mean by its id");
        return Err(Failure::user("ambiguousName", detail));
    }
    Ok(found.pop())
}

fn device(error: impl std::fmt::Display) -> Failure {
    Failure::device(error.to_string())
}
