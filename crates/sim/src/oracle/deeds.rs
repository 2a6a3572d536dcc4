//! What is done about messages: everybody comes to the same.

use waxwing_client::post::{ActBy, Deed};
use waxwing_client::{Body, Conversation, Message, MessageKey, Read as _};
use waxwing_wire::{AccountId, GroupId};

use super::{Ends, Oracle, Written};

/// All devices of an account know of a new one by then, milliseconds.
const LINKED_MS: u64 = 60_000;

/// A message at a device, and what was done about it.
struct View {
    client: usize,
    message: Message,
    done: Vec<ActBy>,
}

impl View {
    fn says(&self) -> (&Body, u64) {
        (&self.message.body, self.message.edited_at_ms)
    }
}

impl Oracle {
    /// Its sender may say it otherwise; whoever else tries is refused.
    pub fn is_said_otherwise(&mut self, key: MessageKey, text: &str) {
        if let Some(written) = self.written.get_mut(&key) {
            written.otherwise.insert(text.into());
        }
    }

    /// Somebody tries to delete it for everyone.
    pub fn may_be_deleted(&mut self, key: MessageKey) {
        if let Some(written) = self.written.get_mut(&key) {
            written.may_be_deleted = true;
        }
    }

    /// Messages that do not say the same on all devices that have heard everything about them, or of which not the
    /// same was done.
    pub(super) fn deeds_owed(&self, ends: &Ends<'_>) -> Vec<String> {
        if self.plan.deeds == 0 || !self.is_honest() || self.expired_something() {
            return Vec::new();
        }
        let mut owed = Vec::new();
        for (key, written) in &self.written {
            let followers: Vec<usize> =
                (0..ends.dbs.len()).filter(|client| self.follows(*client, key, written)).collect();
            let views: Vec<View> = followers.iter().filter_map(|client| view(*client, key, ends)).collect();
            if self.has_lost_a_teller(&views) || self.may_have_lost_the_right(key, written, &views) {
                continue;
            }
            owed.extend(self.lives_owed(key, &followers, ends));
            let Some((first, others)) = views.split_first() else { continue };
            for other in others {
                // What was seen once is gone for those who have seen it.
                let account = |view: &View| self.address(view.client).map(|address| address.account);
                let seen = |view: &View| written.once && view.message.body == Body::Opened;
                if (seen(first) || seen(other)) && account(first) != account(other) {
                    continue;
                }
                let (name, one, two) = (self.name(key), first.client, other.client);
                if first.says() != other.says() {
                    owed.push(format!("{name} says something else at c{one} and at c{two}"));
                } else if first.done != other.done {
                    owed.push(format!("what was done about {name} differs at c{one} and c{two}"));
                }
            }
        }
        owed
    }

    /// Whether a device hears everything about a message: it was there when the message was taken, its account has
    /// been ever since, and no device of the account is an older copy. Such a copy has forgotten what it said and
    /// heard, and what its other life told only some of those who had to hear it, nobody tells the others.
    fn follows(&self, client: usize, key: &MessageKey, written: &Written) -> bool {
        let Some(address) = self.address(client).filter(|address| self.society.is_there(*address)) else {
            return false;
        };
        // A note to oneself goes to who was there.
        let own = written.to == Conversation::Account(address.account) && key.from.account == address.account;
        let noted = own && self.society.linked_ms(address) + LINKED_MS <= written.at_ms;
        let there = written.owed.contains(&address) || address == key.from || noted;
        let person = self.people.get(&client).copied().unwrap_or(client);
        let stays = match written.to {
            Conversation::Group(group) => self.has_stayed_since(group, address.account, written),
            Conversation::Account(_) | Conversation::Status(_) => true,
        };
        let copy = self.rolled_back_account(address.account) || self.rolled_back_account(key.from.account);
        there && stays && !copy && !self.is_unwanted(person, *key) && !self.skipped.contains(&address)
    }

    /// Somebody did something of whom nothing can be heard any more: the device is gone, or an older copy of itself,
    /// and may have told some and not others. That cannot be otherwise: what goes to two accounts goes in two messages,
    /// since no step of the server touches two shards, and the device may be cut off after the first. Whoever got that
    /// one cannot know that there was no other, and whoever could not read it has nobody left to ask. The same goes for
    /// a message that the own devices were not told of.
    fn has_lost_a_teller(&self, views: &[View]) -> bool {
        let mut tellers = views.iter().flat_map(|view| &view.done).map(|doer| doer.by);
        tellers.any(|by| !self.society.is_there(by) || self.rolled_back_account(by.account))
    }

    /// An admin has deleted it, and may have been one no more when the word left: then nobody else takes it, and
    /// where it was deleted nothing is left to be shown again.
    fn may_have_lost_the_right(&self, key: &MessageKey, written: &Written, views: &[View]) -> bool {
        let Conversation::Group(group) = written.to else { return false };
        let facts = self.society.groups.get(&group);
        let has_changed = facts.is_none_or(|facts| written.epochs.first() != Some(&facts.epoch()));
        let mut doers = views.iter().flat_map(|view| &view.done);
        has_changed && doers.any(|it| it.act.deed == Deed::Delete && it.by.account != key.from.account)
    }

    /// An account has been in a group since a message was taken there.
    fn has_stayed_since(&self, group: GroupId, account: AccountId, written: &Written) -> bool {
        let facts = self.society.groups.get(&group);
        let since = written.epochs.first().copied();
        facts.zip(since).is_some_and(|(facts, since)| facts.has_stayed(account, since))
    }
}

/// What a device has of a message, if it could read it.
fn view(client: usize, key: &MessageKey, ends: &Ends<'_>) -> Option<View> {
    let (db, core) = (ends.dbs.get(client)?, ends.cores.get(client).copied().flatten()?);
    let message = db.message(key).ok().flatten()?;
    if matches!(message.body, Body::Waiting | Body::Lost) {
        return None;
    }
    let done = core.acts(*db, &message).ok()?;
    Some(View { client, message, done })
}
