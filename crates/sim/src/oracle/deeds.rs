//! What is done about messages: everybody comes to the same.

use std::mem::{Discriminant, discriminant};

use waxwing_client::limits::{DELETE_WITHIN_MS, EDIT_WITHIN_MS};
use waxwing_client::post::{ActBy, Deed};
use waxwing_client::{Body, Conversation, Message, MessageKey, Read as _};
use waxwing_wire::{AccountId, DeviceAddress, GroupId};

use super::lives::APART_MS;
use super::{Ends, Oracle, Written};

/// All devices of an account know of a new one by then, milliseconds.
pub(super) const LINKED_MS: u64 = 60_000;

/// A message at a device, and what was done about it.
struct View {
    client: usize,
    message: Message,
    done: Vec<ActBy>,
}

/// What acts are about: of those with the same one stays. The kind of act, and whose it is if everybody has one of their
/// own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Register(Discriminant<Deed>, Option<AccountId>);

impl Register {
    fn of(deed: &Deed, by: Option<AccountId>) -> Self {
        let own = matches!(deed, Deed::React(_) | Deed::Vote(_) | Deed::Answer(_) | Deed::Opened);
        Self(discriminant(deed), by.filter(|_| own))
    }

    fn is_of(self, doer: &ActBy) -> bool {
        Self::of(&doer.act.deed, Some(doer.by.account)) == self
    }
}

impl View {
    fn says(&self) -> (&Body, u64) {
        (&self.message.body, self.message.edited_at_ms)
    }
}

impl Oracle {
    /// Somebody tries to say a message otherwise. Its sender may, for a while; whoever else tries is refused.
    pub fn is_said_otherwise(&mut self, key: MessageKey, by: AccountId, text: &str) {
        let in_time = self.is_younger(&key, EDIT_WITHIN_MS);
        if let Some(written) = self.written.get_mut(&key).filter(|_| by == key.from.account && in_time) {
            written.otherwise.insert(text.into());
        }
    }

    /// Somebody tries to delete it for everyone. Its sender may, for a while, and admins of the group may.
    pub fn may_be_deleted(&mut self, key: MessageKey, by: AccountId, is_admin: bool) {
        let in_time = self.is_younger(&key, DELETE_WITHIN_MS);
        let may = is_admin || by == key.from.account && in_time;
        if let Some(written) = self.written.get_mut(&key).filter(|_| may) {
            written.may_be_deleted = true;
        }
    }

    /// Whether any clock may say that no more than this has passed since a message was written.
    fn is_younger(&self, key: &MessageKey, within_ms: u64) -> bool {
        let age_ms = |written: &Written| self.true_ms().saturating_sub(written.true_ms);
        self.written.get(key).is_some_and(|written| age_ms(written) <= within_ms + APART_MS)
    }

    /// Messages that do not say the same on all devices that have heard everything about them, or of which not the
    /// same was done.
    pub(super) fn deeds_owed(&self, ends: &Ends<'_>) -> Vec<String> {
        if self.plan.deeds == 0 || !self.is_honest() {
            return Vec::new();
        }
        let mut owed = Vec::new();
        for (key, written) in &self.written {
            let all = 0..ends.dbs.len();
            let (followers, others): (Vec<usize>, Vec<usize>) = all
                .filter(|client| self.hears(*client, key, written))
                .partition(|client| self.stays(*client, written));
            let outside: Vec<View> = others.iter().filter_map(|client| view(*client, key, ends)).collect();
            owed.extend(self.own_deeds_owed(key, &outside));
            let views: Vec<View> = followers.iter().filter_map(|client| view(*client, key, ends)).collect();
            if self.may_have_lost_the_right(key, written, &views) {
                continue;
            }
            owed.extend(self.lives_owed(key, &followers, ends));
            for (at, one) in views.iter().enumerate() {
                for two in views.iter().skip(at + 1) {
                    if let Some(what) = self.views_differ(one, two) {
                        let (name, one, two) = (self.name(key), one.client, two.client);
                        owed.push(format!("{name} {what} at c{one} and at c{two}"));
                    }
                }
            }
        }
        owed
    }

    /// What somebody has done who was put out of the group, before or after that: nothing of it is heard any more, and
    /// what the server has not taken is taken back, so that the devices of the account agree.
    fn own_deeds_owed(&self, key: &MessageKey, views: &[View]) -> Vec<String> {
        let mut owed = Vec::new();
        for (at, one) in views.iter().enumerate() {
            for two in views.iter().skip(at + 1) {
                let account = self.address(one.client).map(|address| address.account);
                let is_own =
                    |doer: &&ActBy| Some(doer.by.account) == account && !self.is_lost_as_a_teller(doer.by);
                let same = account == self.address(two.client).map(|address| address.account);
                let gone = |view: &View| !matches!(view.message.body, Body::Post(_));
                if !same || gone(one) != gone(two) && self.may_have_been_deleted(key) {
                    continue;
                }
                for (here, there) in [(one, two), (two, one)] {
                    let mut done = here.done.iter().filter(is_own);
                    let lacks = |doer: &ActBy| {
                        let register = Register::of(&doer.act.deed, account);
                        let theirs = there.done.iter().find(|theirs| register.is_of(theirs));
                        theirs.is_none_or(|theirs| Some(theirs.by.account) == account && theirs != doer)
                    };
                    if done.any(lacks) {
                        let (name, has, lacks) = (self.name(key), here.client, there.client);
                        owed.push(format!("{name}: what was done at c{has} is otherwise at c{lacks}"));
                    }
                }
            }
        }
        owed
    }

    /// Somebody else may have deleted it, and one who is out have heard of that in part.
    fn may_have_been_deleted(&self, key: &MessageKey) -> bool {
        self.written.get(key).is_some_and(|written| written.may_be_deleted)
    }

    /// In what two devices differ that should be of one mind.
    fn views_differ(&self, one: &View, two: &View) -> Option<&'static str> {
        let account = |view: &View| self.address(view.client).map(|address| address.account);
        let in_register = |view: &View, register: Register| {
            view.done.iter().find(|doer| register.is_of(doer)).map(|doer| (doer.by, doer.act.clone()))
        };
        let is_unsure = |register: Register| {
            let mut doers = [one, two].into_iter().filter_map(|view| in_register(view, register));
            doers.any(|(by, _)| self.is_lost_as_a_teller(by))
        };
        // Nothing else is left of what was deleted.
        if is_unsure(Register::of(&Deed::Delete, None)) {
            return None;
        }
        for view in [one, two].into_iter().filter(|view| view.message.body == Body::Opened) {
            // What was seen once is gone for those who have seen it.
            if account(one) != account(two) || is_unsure(Register::of(&Deed::Opened, account(view))) {
                return None;
            }
        }
        if one.says() != two.says() && !is_unsure(Register::of(&Deed::Edit(Box::default()), None)) {
            return Some("says something else");
        }
        let done = one.done.iter().chain(&two.done);
        let registers = done.map(|doer| Register::of(&doer.act.deed, Some(doer.by.account)));
        let mut sure = registers.filter(|register| !is_unsure(*register));
        sure.any(|register| in_register(one, register) != in_register(two, register))
            .then_some("has had something else done to it")
    }

    /// Whether two devices of an account may show a message otherwise, since somebody has changed it of whom nothing can
    /// be heard any more.
    pub(super) fn may_say_otherwise(&self, key: &MessageKey, pair: (usize, usize), ends: &Ends<'_>) -> bool {
        let views = [pair.0, pair.1].into_iter().filter_map(|client| view(client, key, ends));
        let mut changed = views.flat_map(|view| view.done);
        changed.any(|it| {
            matches!(it.act.deed, Deed::Edit(_) | Deed::Delete | Deed::Opened)
                && self.is_lost_as_a_teller(it.by)
        })
    }

    /// Whether a device hears everything about a message as long as its account is where it was written: it was there
    /// when the message was taken, nothing on its way there has expired, and it is no older copy, nor began with what one knew.
    /// Such a copy has forgotten what it said and heard, and what its other life told only some of those who had to
    /// hear it, nobody tells the others.
    fn hears(&self, client: usize, key: &MessageKey, written: &Written) -> bool {
        let Some(address) = self.address(client).filter(|address| self.society.is_there(*address)) else {
            return false;
        };
        // A note to oneself goes to who was there.
        let own = written.to == Conversation::Account(address.account) && key.from.account == address.account;
        let noted = own && self.society.linked_ms(address) + LINKED_MS <= written.at_ms;
        let there = written.owed.contains(&address) || address == key.from || noted;
        let person = self.people.get(&client).copied().unwrap_or(client);
        let forgot = self.may_have_forgotten(client) || self.expired_silently.contains(&address);
        let writer = self.devices.get(&key.from).is_some_and(|writer| self.rolled_back(*writer));
        there && !forgot && !writer && !self.is_unwanted(person, *key) && !self.skipped.contains(&address)
    }

    /// Its account is still where a message was written, and has been ever since.
    fn stays(&self, client: usize, written: &Written) -> bool {
        let Conversation::Group(group) = written.to else { return true };
        self.address(client).is_some_and(|own| self.has_stayed_since(group, own.account, written))
    }

    /// Somebody did something of whom nothing can be heard any more: the device is gone, or an older copy of itself,
    /// and may have told some and not others. That cannot be otherwise: what goes to two accounts goes in two messages,
    /// since no step of the server touches two shards, and the device may be cut off after the first. Whoever got that
    /// one cannot know that there was no other, and whoever could not read it has nobody left to ask. The same goes for
    /// a device that may not have heard that somebody asks it.
    pub(super) fn is_lost_as_a_teller(&self, by: DeviceAddress) -> bool {
        let copy = self.devices.get(&by).is_none_or(|client| self.rolled_back(*client));
        copy || !self.society.is_there(by)
            || self.expired_silently.contains(&by)
            || self.skipped.contains(&by)
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
