//! Who is there and who types, for the chat screen.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use waxwing_app::api::{Composing, Event, Presence};

use crate::names::Names;
use crate::words::presence_text;

/// Named at most, of those who type in a group at once.
const MAX_NAMED: usize = 2;

/// What is known of the others in a conversation.
pub struct Others {
    presence: Presence,
    composing: BTreeMap<String, Composing>,
}

impl Default for Others {
    fn default() -> Self {
        Self { presence: Presence::Unknown, composing: BTreeMap::new() }
    }
}

impl Others {
    /// Takes what is about this conversation.
    pub fn event(&mut self, conversation: &str, event: &Event) {
        match event {
            Event::Presence { account, presence } if account == conversation => self.presence = *presence,
            Event::Composing { with, account, what: Composing::Stopped } if with == conversation => {
                self.composing.remove(account);
            }
            Event::Composing { with, account, what } if with == conversation => {
                self.composing.insert(account.clone(), *what);
            }
            _ => {}
        }
    }

    /// Whether the contact is there; empty: not known.
    pub fn presence(&self, now_ms: u64, zone: &TimeZone) -> String {
        presence_text(self.presence, now_ms, zone)
    }

    /// Who types; empty: nobody. In a group with names.
    pub fn composing(&self, names: &Names, group: bool) -> String {
        let does =
            |what: &Composing| if *what == Composing::Recording { "recording…" } else { "typing…" };
        let Some((first, what)) = self.composing.first_key_value() else { return String::new() };
        if !group {
            return does(what).to_owned();
        }
        if self.composing.len() > MAX_NAMED {
            return format!("{} people are typing…", self.composing.len());
        }
        if let (2, Some((second, _))) = (self.composing.len(), self.composing.last_key_value()) {
            return format!("{} and {} are typing…", names.of(first), names.of(second));
        }
        format!("{} is {}", names.of(first), does(what))
    }
}
