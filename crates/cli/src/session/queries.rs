//! What a profile is asked.

use waxwing_app::api::{
    Answer, BroadcastList, Chat, Contact, Device, Group, Hit, Message, Privacy, Profile, Query, Receipt,
    Setting, Status, StatusUpdates,
};

use super::{Session, mismatch};
use crate::output::Error;

impl Session {
    pub fn status(&self) -> Result<Status, Error> {
        match self.app.query(Query::Status)? {
            Answer::Status(status) => Ok(status),
            _ => Err(mismatch()),
        }
    }

    pub fn contacts(&self) -> Result<Vec<Contact>, Error> {
        match self.app.query(Query::Contacts)? {
            Answer::Contacts { contacts } => Ok(contacts),
            _ => Err(mismatch()),
        }
    }

    /// What somebody tells of themself; without an account the user.
    pub fn profile(&self, account: Option<&str>) -> Result<Option<Profile>, Error> {
        match self.app.query(Query::Profile { account: account.map(str::to_owned) })? {
            Answer::Profile { profile } => Ok(profile),
            _ => Err(mismatch()),
        }
    }

    pub fn privacy(&self) -> Result<Privacy, Error> {
        match self.app.query(Query::Privacy)? {
            Answer::Privacy(privacy) => Ok(privacy),
            _ => Err(mismatch()),
        }
    }

    pub fn contact(&self, name: &str) -> Result<Option<Contact>, Error> {
        match self.app.query(Query::Contact { name: name.to_owned() })? {
            Answer::Contact { contact } => Ok(contact),
            _ => Err(mismatch()),
        }
    }

    pub fn group(&self, name: &str) -> Result<Option<Group>, Error> {
        match self.app.query(Query::Group { name: name.to_owned() })? {
            Answer::Group { group } => Ok(group),
            _ => Err(mismatch()),
        }
    }

    pub fn chat(&self, name: &str) -> Result<Option<Chat>, Error> {
        match self.app.query(Query::Chat { name: name.to_owned() })? {
            Answer::Chat { chat } => Ok(chat),
            _ => Err(mismatch()),
        }
    }

    /// A conversation that must be here already.
    pub fn known_chat(&self, name: &str) -> Result<Chat, Error> {
        self.chat(name)?.ok_or_else(|| {
            let detail = format!(
                "no contact or group {name:?}; add a contact with `waxwing contacts add {name}`, or list the \
                 groups with `waxwing group`"
            );
            Error::user("unknownContact", detail)
        })
    }

    /// A group that must be here already.
    pub fn known_group(&self, name: &str) -> Result<Group, Error> {
        self.group(name)?.ok_or_else(|| {
            let detail = format!("no group {name:?}; list the groups with `waxwing group`");
            Error::user("unknownGroup", detail)
        })
    }

    pub fn groups(&self) -> Result<Vec<Group>, Error> {
        match self.app.query(Query::Groups)? {
            Answer::Groups { groups } => Ok(groups),
            _ => Err(mismatch()),
        }
    }

    pub fn chats(&self) -> Result<Vec<Chat>, Error> {
        match self.app.query(Query::Chats)? {
            Answer::Chats { chats } => Ok(chats),
            _ => Err(mismatch()),
        }
    }

    pub fn devices(&self) -> Result<Vec<Device>, Error> {
        match self.app.query(Query::Devices)? {
            Answer::Devices { devices } => Ok(devices),
            _ => Err(mismatch()),
        }
    }

    pub fn lists(&self) -> Result<Vec<BroadcastList>, Error> {
        match self.app.query(Query::Lists)? {
            Answer::Lists { lists } => Ok(lists),
            _ => Err(mismatch()),
        }
    }

    /// The user's settings of the program.
    pub fn settings(&self) -> Result<Vec<Setting>, Error> {
        match self.app.query(Query::Settings)? {
            Answer::Settings { settings } => Ok(settings),
            _ => Err(mismatch()),
        }
    }

    /// One of them, if it was changed.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.settings()?.into_iter().find(|setting| setting.key == key).map(|setting| setting.value))
    }

    /// A broadcast list by name or id.
    pub fn list(&self, name: &str) -> Result<Option<BroadcastList>, Error> {
        let mut lists = self.lists()?;
        lists.retain(|list| list.name == name || list.id.as_deref() == Some(name));
        if lists.len() > 1 {
            let detail = format!("several lists are called {name:?}; name the one you mean by its id");
            return Err(Error::user("ambiguousName", detail));
        }
        Ok(lists.pop())
    }

    /// A broadcast list that must be here already.
    pub fn known_list(&self, name: &str) -> Result<BroadcastList, Error> {
        self.list(name)?.ok_or_else(|| {
            let detail = format!("no broadcast list {name:?}; see them with `waxwing list`");
            Error::user("unknownList", detail)
        })
    }

    pub fn receipts(&self, message: &str) -> Result<Vec<Receipt>, Error> {
        match self.app.query(Query::Receipts { message: message.to_owned() })? {
            Answer::Receipts { receipts } => Ok(receipts),
            _ => Err(mismatch()),
        }
    }

    /// What the user and contacts show for a day.
    pub fn status_updates(&self) -> Result<Vec<StatusUpdates>, Error> {
        match self.app.query(Query::StatusUpdates)? {
            Answer::StatusUpdates { updates } => Ok(updates),
            _ => Err(mismatch()),
        }
    }

    pub fn starred(&self) -> Result<Vec<Message>, Error> {
        self.messages(Query::Starred)
    }

    /// A message by its id or its number.
    pub fn known_message(&self, name: &str) -> Result<Message, Error> {
        let message = match name.trim_start_matches('#').parse() {
            Ok(order) => match self.app.query(Query::MessageAt { order })? {
                Answer::Message { message } => message,
                _ => return Err(mismatch()),
            },
            Err(_) => self.message(name)?,
        };
        message.ok_or_else(|| {
            let detail = format!("no message {name:?}; find it with `waxwing history NAME --numbers`");
            Error::user("unknownMessage", detail)
        })
    }

    /// A contact that must be here already.
    pub fn known_contact(&self, name: &str) -> Result<Contact, Error> {
        self.contact(name)?.ok_or_else(|| {
            let detail = format!("no contact {name:?}; add them with `waxwing contacts add {name}`");
            Error::user("unknownContact", detail)
        })
    }

    pub fn history(&self, with: &str, before: Option<u64>, limit: usize) -> Result<Vec<Message>, Error> {
        self.messages(Query::History { with: with.to_owned(), before, after: None, limit })
    }

    /// The page of a conversation that begins after an order.
    pub fn history_after(&self, with: &str, after: u64, limit: usize) -> Result<Vec<Message>, Error> {
        self.messages(Query::History { with: with.to_owned(), before: None, after: Some(after), limit })
    }

    /// Messages that are like this, newest first, and where to go on.
    pub fn search(&self, query: Query) -> Result<(Vec<Hit>, Option<u64>), Error> {
        match self.app.query(query)? {
            Answer::Hits { hits, next } => Ok((hits, next)),
            _ => Err(mismatch()),
        }
    }

    pub fn inbox(&self, limit: usize) -> Result<Vec<Message>, Error> {
        self.messages(Query::Inbox { limit })
    }

    fn messages(&self, query: Query) -> Result<Vec<Message>, Error> {
        match self.app.query(query)? {
            Answer::Messages { messages } => Ok(messages),
            _ => Err(mismatch()),
        }
    }

    pub fn message(&self, id: &str) -> Result<Option<Message>, Error> {
        match self.app.query(Query::Message { id: id.to_owned() })? {
            Answer::Message { message } => Ok(message),
            _ => Err(mismatch()),
        }
    }
}
