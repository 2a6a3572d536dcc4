//! Light events: nobody is shown what nobody did, and nobody's database is another because of them.

use std::collections::BTreeSet;

use waxwing_client::{Activity, Composing, Conversation, Event, Presence};
use waxwing_wire::AccountId;

use super::Oracle;

/// What people did.
#[derive(Default)]
pub(super) struct Passing {
    /// Who has typed, and to whom.
    composed: BTreeSet<(AccountId, Conversation)>,
    /// Who was there.
    active: BTreeSet<AccountId>,
    /// Times that somebody was shown something.
    shown: u64,
}

impl Oracle {
    /// Somebody types, or wants to.
    pub fn composes(&mut self, client: usize, with: Conversation) {
        if let Some(own) = self.address(client) {
            self.passing.composed.insert((own.account, with));
        }
    }

    /// Somebody is there, or is not.
    pub fn is_active(&mut self, client: usize, activity: Activity) {
        if let Some(own) = self.address(client).filter(|_| activity == Activity::Active) {
            self.passing.active.insert(own.account);
        }
    }

    /// A device shows what others do in passing.
    pub(super) fn shows_light(&mut self, client: usize, event: &Event) {
        let Some(own) = self.address(client) else { return };
        match event {
            Event::Composing { with, account, what } if *what != Composing::Stopped => {
                self.passing.shown += 1;
                let to = match with {
                    Conversation::Account(_) => Conversation::Account(own.account),
                    Conversation::Group(_) | Conversation::Status(_) => *with,
                };
                if *account == own.account || !self.passing.composed.contains(&(*account, to)) {
                    self.fail("light", format!("c{client} is shown somebody typing who did not"));
                }
            }
            Event::Presence { account, presence } if *presence != Presence::Unknown => {
                self.passing.shown += 1;
                if !self.passing.active.contains(account) {
                    self.fail("light", format!("c{client} is shown somebody who was never there"));
                }
            }
            _ => {}
        }
    }

    /// A step about nothing but light events has changed a device's database.
    pub fn light_is_stored(&mut self, client: usize) {
        self.fail("light", format!("c{client} stores something because of a light event"));
    }

    /// How often somebody was shown something light.
    #[must_use]
    pub fn lights_shown(&self) -> u64 {
        self.passing.shown
    }
}
