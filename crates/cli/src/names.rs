//! Who is who, looked up once.

use std::collections::BTreeMap;

use waxwing_app::api::{Body, Chat, ChatWith, Contact, GroupAction, Message, Notice, Person, Quote, Status};

use crate::output::Error;
use crate::session::Session;
use crate::text::one_line;

/// Names as the user reads them, by account and by group. Only who has a name is remembered: somebody who
/// wrote first gets one when the server has been asked.
#[derive(Default)]
pub struct Names {
    own: Option<String>,
    people: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
}

impl Names {
    pub fn new(status: &Status) -> Self {
        Self { own: status.account.clone(), ..Self::default() }
    }

    /// Looks up everybody whom a message names.
    pub fn learn(&mut self, session: &Session, message: &Message) -> Result<(), Error> {
        let mut named = Vec::new();
        people_in(message, &mut named);
        for account in named {
            self.learn_person(session, account)?;
        }
        if message.with.starts_with("g:")
            && !self.groups.contains_key(&message.with)
            && let Some(group) = session.group(&message.with)?
        {
            self.groups.insert(message.with.clone(), group.name);
        }
        Ok(())
    }

    pub fn learn_person(&mut self, session: &Session, account: &str) -> Result<(), Error> {
        if self.is_own(account) || self.people.contains_key(account) {
            return Ok(());
        }
        if let Some(contact) = session.contact(account)? {
            self.is(&contact.person);
        }
        Ok(())
    }

    /// Takes somebody's name from elsewhere.
    pub fn is(&mut self, person: &Person) {
        if person.name.is_some() || person.username.is_some() || person.profile_name.is_some() {
            self.people.insert(person.account.clone(), person_name(person));
        }
    }

    /// Names may be others from now on.
    pub fn forget(&mut self) {
        *self = Self { own: self.own.take(), ..Self::default() };
    }

    pub fn is_own(&self, account: &str) -> bool {
        self.own.as_deref() == Some(account)
    }

    /// `you` for the own account.
    pub fn of(&self, account: &str) -> String {
        if self.is_own(account) {
            return "you".to_owned();
        }
        self.people.get(account).cloned().unwrap_or_else(|| unknown(account))
    }

    /// A group's name.
    pub fn group(&self, group: &str) -> String {
        self.groups.get(group).map_or_else(|| "a group".to_owned(), |name| one_line(name))
    }

    /// Somebody where a message names them for programs.
    pub fn brief(&self, account: &str) -> serde_json::Value {
        serde_json::json!({ "account": account, "name": self.people.get(account) })
    }
}

fn people_in<'a>(message: &'a Message, named: &mut Vec<&'a str>) {
    named.push(&message.from);
    if !message.with.contains(':') {
        named.push(&message.with);
    }
    named.extend(message.done.iter().map(|done| done.by.as_str()));
    named.extend(message.body.post().and_then(|post| post.quote.as_ref()).and_then(quoted_account));
    let Body::Notice { notice } = &message.body else { return };
    match notice {
        Notice::IdentityChanged { account }
        | Notice::GroupForked { account }
        | Notice::ServerDisagrees { account }
        | Notice::Joined { by: account }
        | Notice::Lifetime { by: account, .. } => named.push(account),
        Notice::GroupChanged { by, actions, .. } => {
            named.push(by);
            for action in actions {
                match action {
                    GroupAction::Add { account, .. }
                    | GroupAction::Remove { account }
                    | GroupAction::Promote { account }
                    | GroupAction::Demote { account } => named.push(account),
                    _ => {}
                }
            }
        }
    }
}

/// Whose message a quote is of.
pub fn quoted_account(quote: &Quote) -> Option<&str> {
    quote.message.split('-').next().filter(|account| account.len() == 32)
}

/// A person as the user calls them: by the user's own name for them, or by their username. Usernames are
/// ASCII; an account without one is named by what it calls itself, which nobody has checked, or by its first digits.
pub fn person_name(person: &Person) -> String {
    match (&person.name, &person.username, &person.profile_name) {
        (Some(name), ..) => one_line(name),
        (None, Some(username), _) => username.clone(),
        (None, None, Some(own)) => format!("~{}", one_line(own)),
        (None, None, None) => unknown(&person.account),
    }
}

/// The same, with what somebody calls themself to whom the user has given no name: `zoe (~Zoë)`.
pub fn full_name(person: &Person) -> String {
    match (&person.name, &person.username, &person.profile_name) {
        (None, Some(username), Some(own)) => format!("{username} (~{})", one_line(own)),
        _ => person_name(person),
    }
}

fn unknown(account: &str) -> String {
    let digits: String = account.chars().take(8).collect();
    format!("someone unknown ({digits}…)")
}

/// A contact as the user calls them.
pub fn name_of(contact: &Contact) -> String {
    person_name(&contact.person)
}

/// A conversation as the user calls it.
pub fn chat_name(chat: &Chat) -> String {
    match &chat.with {
        ChatWith::Contact { person, .. } => person_name(person),
        ChatWith::Group { name, .. } => one_line(name),
    }
}

/// A contact where a message names it for programs.
pub fn brief(contact: &Contact) -> serde_json::Value {
    brief_person(&contact.person)
}

/// Likewise.
pub fn brief_person(person: &Person) -> serde_json::Value {
    serde_json::json!({ "account": person.account, "username": person.username, "name": person.name })
}
