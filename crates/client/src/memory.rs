//! A database in memory, for tests and the simulator. A clone is a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::content::Conversation;

use crate::conformance::Engine;
use crate::db::{Batch, DbError, Key, RawRow, Read, Table, Write};
use crate::row::{Delivery, Direction, Message, MessageKey};

/// See the module's documentation.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MemoryDb {
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    messages: BTreeMap<MessageKey, Message>,
    /// Conversation and order, for [`Read::history`].
    by_order: BTreeMap<(Conversation, u64), MessageKey>,
    /// The same over all conversations, for [`Read::recent`].
    all: BTreeMap<u64, MessageKey>,
    /// Time stored and name, for [`Read::count_since`].
    by_time: BTreeSet<(u64, MessageKey)>,
    /// Those of them that are incoming and unread.
    unread: BTreeMap<(Conversation, u64), MessageKey>,
}

impl MemoryDb {
    /// Commits a batch; cannot fail.
    pub fn apply(&mut self, batch: &Batch) {
        for write in batch {
            match write {
                Write::Row(key, Some(value)) => {
                    self.rows.insert((key.table(), key.bytes()), value.clone());
                }
                Write::Row(key, None) => {
                    self.rows.remove(&(key.table(), key.bytes()));
                }
                Write::Message(message) => self.write_message(message),
                Write::DeleteMessage(key) => self.forget_message(key),
            }
        }
    }

    /// Every message, by name.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, table: Table) -> usize {
        self.rows.keys().filter(|(of, _)| *of == table).count()
    }

    fn write_message(&mut self, message: &Message) {
        self.forget_message(&message.key);
        self.messages.insert(message.key, message.clone());
        let place = (message.with, message.order);
        self.by_order.insert(place, message.key);
        self.all.insert(message.order, message.key);
        self.by_time.insert((message.stored_at_ms, message.key));
        if message.direction == Direction::Incoming && message.delivery != Delivery::Read {
            self.unread.insert(place, message.key);
        }
    }

    fn forget_message(&mut self, key: &MessageKey) {
        if let Some(old) = self.messages.remove(key) {
            self.by_order.remove(&(old.with, old.order));
            self.unread.remove(&(old.with, old.order));
            self.all.remove(&old.order);
            self.by_time.remove(&(old.stored_at_ms, old.key));
        }
    }

    fn named<'a>(&'a self, keys: impl Iterator<Item = &'a MessageKey>, max: usize) -> Vec<Message> {
        keys.filter_map(|key| self.messages.get(key)).take(max).cloned().collect()
    }
}

impl Read for MemoryDb {
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, DbError> {
        Ok(self.rows.get(&(key.table(), key.bytes())).cloned())
    }

    fn rows(&self, table: Table, from: &[u8], to: &[u8], max: usize) -> Result<Vec<RawRow>, DbError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = self.rows.range((table, from.to_vec())..(table, to.to_vec()));
        Ok(range.take(max).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn message(&self, key: &MessageKey) -> Result<Option<Message>, DbError> {
        Ok(self.messages.get(key).cloned())
    }

    fn history(&self, with: Conversation, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        Ok(self.named(self.by_order.range((with, 0)..(with, before)).rev().map(|(_, key)| key), max))
    }

    fn recent(&self, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        Ok(self.named(self.all.range(..before).rev().map(|(_, key)| key), max))
    }

    fn count_since(&self, stored_at_ms: u64) -> Result<u64, DbError> {
        Ok(self.by_time.iter().rev().take_while(|(at, _)| *at >= stored_at_ms).count() as u64)
    }

    fn unread(&self, with: Conversation, up_to: u64, max: usize) -> Result<Vec<Message>, DbError> {
        Ok(self.named(self.unread.range((with, 0)..=(with, up_to)).map(|(_, key)| key), max))
    }
}

impl Engine for MemoryDb {
    fn commit(&mut self, batch: &Batch) -> Result<(), DbError> {
        self.apply(batch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use waxwing_wire::MessageId;

    use super::*;

    #[test]
    fn passes_the_suite_that_every_engine_passes() {
        crate::conformance::check(&mut || MemoryDb::default());
    }

    #[test]
    fn a_clone_is_a_snapshot() {
        let mut db = MemoryDb::default();
        let before = db.clone();
        db.apply(&vec![Write::Row(Key::Sent(MessageId(1)), Some(vec![1]))]);
        assert_eq!((before.count(Table::Sent), db.count(Table::Sent)), (0, 1));
    }
}
