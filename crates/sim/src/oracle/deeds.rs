//! What is done about messages: everybody comes to the same.

use waxwing_client::{Body, Conversation, Message, MessageKey, Read as _, Table};
use waxwing_wire::AccountId;

use super::{Ends, Oracle, Written};

/// Rows about one message, as their keys and values.
type Rows = Vec<(Vec<u8>, Vec<u8>)>;

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

    /// Messages that do not say the same on all devices that have them, or of which not the same was done.
    pub(super) fn deeds_owed(&self, ends: &Ends<'_>) -> Vec<String> {
        let mut owed = Vec::new();
        if self.plan.deeds == 0 || !self.is_honest() || self.expired_something() || !self.rollbacks.is_empty()
        {
            return owed;
        }
        for (key, written) in &self.written {
            if self.has_lost_a_teller(key, written) {
                continue;
            }
            let mut first: Option<(usize, Message, Rows)> = None;
            for (client, db) in ends.dbs.iter().enumerate() {
                if !self.follows(client, key, written) {
                    continue;
                }
                let Some(message) = db.message(key).ok().flatten() else { continue };
                if matches!(message.body, Body::Waiting | Body::Lost) {
                    continue;
                }
                let rows = self.rows_about(client, db, key);
                match &first {
                    None => first = Some((client, message, rows)),
                    Some((other, said, done)) => {
                        let name = self.name(key);
                        if said.body != message.body || said.edited_at_ms != message.edited_at_ms {
                            owed.push(format!("{name} says something else at c{other} and at c{client}"));
                        } else if *done != rows {
                            owed.push(format!(
                                "what was done about {name} differs at c{other} and c{client}"
                            ));
                        }
                    }
                }
            }
        }
        owed
    }

    /// Whether a device hears everything about a message: it was there when the message was taken, and its
    /// account has been ever since.
    fn follows(&self, client: usize, key: &MessageKey, written: &Written) -> bool {
        let Some(address) = self.address(client).filter(|address| self.society.is_there(*address)) else {
            return false;
        };
        let there = written.owed.contains(&address) || address == key.from;
        let person = self.people.get(&client).copied().unwrap_or(client);
        let stays = match written.to {
            Conversation::Group(group) => self.stays_together(group),
            Conversation::Account(_) => true,
        };
        there && stays && !self.is_unwanted(person, *key) && !self.skipped.contains(&address)
    }

    /// A device that is gone did something that it has told some and not others: nobody tells it them.
    fn has_lost_a_teller(&self, key: &MessageKey, written: &Written) -> bool {
        let accounts = written.owed.iter().map(|address| address.account);
        accounts.chain([key.from.account]).any(|account| self.society.has_lost_a_device(account))
    }

    /// Nobody has left the group or come to it since it was made.
    fn stays_together(&self, group: waxwing_wire::GroupId) -> bool {
        self.society.groups.get(&group).is_some_and(|facts| {
            let current: Vec<AccountId> = facts.current().into_iter().collect();
            (1..=facts.epoch()).all(|epoch| {
                facts.members(epoch).is_some_and(|members| current.iter().all(|who| members.contains(who)))
                    && facts.members(epoch).is_some_and(|members| members.len() == current.len())
            })
        })
    }

    /// Registers about a message, without the conversation, which each side names by the other.
    fn rows_about(&self, _client: usize, db: &waxwing_client::memory::MemoryDb, key: &MessageKey) -> Rows {
        let named = [&key.from.account.0[..], &[key.from.device.number()], &key.id.0.to_be_bytes()].concat();
        let rows = db.rows(Table::Act, &[], &[0xff; 80], usize::MAX).unwrap_or_default();
        let about = rows.into_iter().filter_map(|(bytes, value)| {
            let rest = bytes.get(18..)?.strip_prefix(named.as_slice())?.to_vec();
            Some((rest, value))
        });
        about.collect()
    }
}
