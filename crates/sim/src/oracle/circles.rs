//! What people show for a day: it reaches those for whom it is, nobody else, and is gone after its time.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::limits::STATUS_LIFE_S;
use waxwing_client::post::Deed;
use waxwing_client::{Batch, Body, Conversation, Delivery, Key, Message, MessageKey, Read as _, Write};
use waxwing_wire::{AccountId, DeviceAddress};

use super::deeds::LINKED_MS;
use super::{Ends, Oracle};

/// What is known of it.
#[derive(Default)]
pub(super) struct Circles {
    /// Texts about to be shown, and for whom they are.
    meant: BTreeMap<String, Vec<AccountId>>,
    shown: BTreeMap<MessageKey, Shown>,
    /// Since when a device knows an account, in milliseconds of the run.
    knows: BTreeMap<(usize, AccountId), u64>,
}

/// Something that is shown.
struct Shown {
    text: String,
    /// For whom.
    to: BTreeSet<AccountId>,
    at_ms: u64,
    true_ms: u64,
    may_be_deleted: bool,
    /// Devices whose users have looked at it.
    seen_at: BTreeSet<usize>,
}

impl Oracle {
    /// Everybody's account, as far as anybody has said it.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.devices.keys().map(|address| address.account)
    }

    /// Somebody is about to show something to these.
    pub fn is_going_to_be_shown(&mut self, text: &str, to: Vec<AccountId>) {
        self.circles.meant.insert(text.into(), to);
    }

    /// Its author takes it away.
    pub fn may_be_shown_no_more(&mut self, key: MessageKey) {
        if let Some(shown) = self.circles.shown.get_mut(&key) {
            shown.may_be_deleted = true;
        }
    }

    /// Somebody looks at it.
    pub fn is_looked_at(&mut self, key: MessageKey, client: usize) {
        if let Some(shown) = self.circles.shown.get_mut(&key) {
            shown.seen_at.insert(client);
        }
    }

    /// Whom a device knows from now on.
    pub(super) fn gets_to_know(&mut self, client: usize, batch: &Batch) {
        for write in batch {
            if let Write::Row(Key::Peer(account), Some(_)) = write {
                self.circles.knows.entry((client, *account)).or_insert(self.now_ms);
            }
        }
    }

    /// A device commits something that is shown.
    pub(super) fn is_shown(&mut self, client: usize, author: AccountId, message: &Message) {
        let key = message.key;
        let own = self.address(client).map(|address| address.account);
        if key.from.account != author {
            return self.fail("5", format!("c{client} is shown something in the name of another"));
        }
        let (now_ms, true_ms) = (self.now_ms, self.true_ms());
        if self.address(client) == Some(key.from)
            && let Body::Post(post) = &message.body
            && let Some(to) = self.circles.meant.remove(&post.text)
        {
            let shown = Shown {
                text: post.text.clone(),
                to: to.into_iter().collect(),
                at_ms: now_ms,
                true_ms,
                may_be_deleted: false,
                seen_at: BTreeSet::new(),
            };
            self.circles.shown.insert(key, shown);
            return;
        }
        let name = format!("what {:08x} names", key.id.0 >> 32);
        let Some(shown) = self.circles.shown.get(&key) else {
            return self.fail("5", format!("{name} is shown at c{client}, and nobody has shown it"));
        };
        let same = match &message.body {
            Body::Post(post) => post.text == shown.text,
            Body::Deleted => shown.may_be_deleted,
            _ => false,
        };
        let meant = own == Some(author) || own.is_some_and(|own| shown.to.contains(&own));
        if !same {
            self.fail("5", format!("{name} is altered when it is shown at c{client}"));
        } else if !meant {
            self.fail("8", format!("{name} is shown at c{client}, for whom it is not"));
        }
    }

    /// What is shown and should not be, is not and should be, or was looked at and nobody has heard so.
    pub(super) fn circles_owed(&self, ends: &Ends<'_>) -> Vec<String> {
        if !self.is_honest() {
            return Vec::new();
        }
        let shown = self.circles.shown.iter();
        shown.flat_map(|(key, shown)| self.shown_owed(*key, shown, ends)).collect()
    }

    fn shown_owed(&self, key: MessageKey, shown: &Shown, ends: &Ends<'_>) -> Vec<String> {
        let name = format!("what c{:?} shows ({:08x})", self.devices.get(&key.from), key.id.0 >> 32);
        let at = |client: usize| ends.dbs.get(client).and_then(|db| db.message(&key).ok().flatten());
        let stands = |client: usize| at(client).is_some_and(|it| matches!(it.body, Body::Post(_)));
        let mut owed = Vec::new();
        if self.must_be_past(shown.ends_ms()) {
            let still = (0..ends.dbs.len()).filter(|client| stands(*client));
            owed.extend(still.map(|client| format!("{name} is over, and still at c{client}")));
            return owed;
        }
        let author = self.devices.get(&key.from).copied();
        let Some(author) = author.filter(|_| self.tells(key.from) && !self.may_be_past(shown.ends_ms()))
        else {
            return owed;
        };
        let Some(sent) = at(author).filter(|sent| matches!(sent.body, Body::Post(_))) else {
            // Taken away: everywhere.
            if self.was_taken_away_by_the_lost(author, key, ends) {
                return owed;
            }
            if shown.may_be_deleted {
                let still = self.those_who_hear(key.from.account, shown).filter(|client| stands(*client));
                owed.extend(still.map(|client| format!("{name} was taken away, and still is at c{client}")));
            } else {
                owed.push(format!("{name} is gone where it was written"));
            }
            return owed;
        };
        if sent.delivery == Delivery::Pending {
            owed.push(format!("{name} has not left"));
        }
        for client in self.those_who_hear(key.from.account, shown) {
            if !stands(client) {
                if !self.was_taken_away_by_the_lost(client, key, ends) {
                    owed.push(format!("{name} does not arrive at c{client}"));
                }
                continue;
            }
            owed.extend(
                self.looks_owed(key, shown, (author, client), ends).map(|what| format!("{name} {what}")),
            );
        }
        owed
    }

    /// Whoever took it away has told some of it, and can tell the others no more.
    fn was_taken_away_by_the_lost(&self, client: usize, key: MessageKey, ends: &Ends<'_>) -> bool {
        let taken = || {
            let (core, db) = ends.cores.get(client).copied().flatten().zip(ends.dbs.get(client))?;
            let acts = core.acts(*db, &db.message(&key).ok()??).ok()?;
            acts.into_iter().find(|act| act.act.deed == Deed::Delete)
        };
        taken().is_some_and(|act| !self.tells(act.by))
    }

    /// What one of those to whom it is shown has done about it, and its author has not heard.
    fn looks_owed(
        &self,
        key: MessageKey,
        shown: &Shown,
        (author, client): (usize, usize),
        ends: &Ends<'_>,
    ) -> Option<String> {
        let viewer = self.address(client)?;
        if viewer.account == key.from.account || !self.tells(viewer) {
            return None;
        }
        let core = |client: usize| ends.cores.get(client).copied().flatten().zip(ends.dbs.get(client));
        let ((there, theirs), (here, ours)) = (core(client)?, core(author)?);
        let receipts = here.receipts(*ours, key).ok()?;
        let receipt = receipts.into_iter().find(|receipt| receipt.account == viewer.account)?;
        if shown.seen_at.contains(&client) && receipt.delivery != Delivery::Read {
            return Some(format!("was looked at at c{client}, and c{author} has not heard so"));
        }
        let acts = |(core, db): (&waxwing_client::Client, &waxwing_client::memory::MemoryDb)| {
            let message = db.message(&key).ok().flatten()?;
            let acts = core.acts(db, &message).ok()?.into_iter();
            let mut reactions = acts.filter(|act| matches!(act.act.deed, Deed::React(_)));
            Some(reactions.find(|act| act.by.account == viewer.account).map(|act| (act.by, act.act)))
        };
        let (done, heard) = (acts((there, *theirs))?, acts((here, *ours))?);
        let sure = [&done, &heard].into_iter().flatten().all(|(by, _)| self.tells(*by));
        (sure && done != heard).then(|| format!("has another reaction at c{client} than at c{author}"))
    }

    /// Devices that must hear of it: the author's own, and of those for whom it is whoever knew the author.
    fn those_who_hear<'a>(&'a self, author: AccountId, shown: &'a Shown) -> impl Iterator<Item = usize> + 'a {
        let meant = self.devices.iter().filter(move |(address, client)| {
            let own = address.account == author;
            let knew =
                || self.circles.knows.get(&(**client, author)).is_some_and(|since| *since < shown.at_ms);
            own || shown.to.contains(&address.account) && knew()
        });
        let there = meant.filter(|(address, _)| {
            let since = self.society.linked_ms(**address);
            self.tells(**address) && (since == 0 || since + LINKED_MS <= shown.at_ms)
        });
        there.filter(|_| !self.expired_something()).map(|(_, client)| *client)
    }

    /// Whether what a device says reaches whom it should, and it hears what it should.
    fn tells(&self, device: DeviceAddress) -> bool {
        let client = self.devices.get(&device).copied();
        client.is_some_and(|client| !self.may_have_forgotten(client)) && !self.is_lost_as_a_teller(device)
    }
}

impl Shown {
    /// When it is over, by a true clock.
    fn ends_ms(&self) -> u64 {
        self.true_ms + u64::from(STATUS_LIFE_S) * 1_000
    }
}

/// Whether a message is shown for a day, and by whom.
pub(super) fn shown_by(message: &Message) -> Option<AccountId> {
    match message.with {
        Conversation::Status(author) => Some(author),
        Conversation::Account(_) | Conversation::Group(_) => None,
    }
}
