//! The database with the changes of the step under way on top, so that the second message of a frame sees
//! what the first has changed although nothing is committed yet.

use std::collections::BTreeMap;

use waxwing_wire::content::Conversation;

use crate::client::Error;
use crate::db::{Batch, Key, RawRow, Read, Table, Write};
use crate::record::Record;
use crate::row::{Message, MessageKey};

/// A row as it will be, `None` for deleted.
type Change = (Key, Option<Vec<u8>>);

pub(crate) struct Overlay<'a> {
    db: &'a dyn Read,
    rows: BTreeMap<(Table, Vec<u8>), Change>,
    /// As they will be, `None` for deleted.
    messages: BTreeMap<MessageKey, Option<Message>>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(db: &'a dyn Read) -> Self {
        Self { db, rows: BTreeMap::new(), messages: BTreeMap::new() }
    }

    pub(crate) fn load<R: Record>(&self, key: &Key) -> Result<Option<R>, Error> {
        match self.rows.get(&(key.table(), key.bytes())) {
            Some((_, value)) => value.as_deref().map(R::unpack).transpose(),
            None => self.db.row(key)?.as_deref().map(R::unpack).transpose(),
        }
    }

    pub(crate) fn save<R: Record>(&mut self, key: Key, row: &R) {
        self.rows.insert((key.table(), key.bytes()), (key, Some(row.pack())));
    }

    pub(crate) fn delete(&mut self, key: Key) {
        self.rows.insert((key.table(), key.bytes()), (key, None));
    }

    /// As [`Read::rows`].
    pub(crate) fn rows(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        max: usize,
    ) -> Result<Vec<RawRow>, Error> {
        let changed = || self.rows.range((table, from.to_vec())..(table, to.to_vec()));
        let mut merged: BTreeMap<_, _> =
            self.db.rows(table, from, to, max.saturating_add(changed().count()))?.into_iter().collect();
        for ((_, bytes), (_, value)) in changed() {
            match value {
                Some(value) => merged.insert(bytes.clone(), value.clone()),
                None => merged.remove(bytes),
            };
        }
        Ok(merged.into_iter().take(max).collect())
    }

    pub(crate) fn message(&self, key: &MessageKey) -> Result<Option<Message>, Error> {
        match self.messages.get(key) {
            Some(message) => Ok(message.clone()),
            None => Ok(self.db.message(key)?),
        }
    }

    pub(crate) fn write_message(&mut self, message: Message) {
        self.messages.insert(message.key, Some(message));
    }

    pub(crate) fn delete_message(&mut self, key: MessageKey) {
        self.messages.insert(key, None);
    }

    /// As [`Read::history`].
    pub(crate) fn history(&self, with: Conversation, before: u64, max: usize) -> Result<Vec<Message>, Error> {
        let asked = max.saturating_add(self.messages.len());
        let mut page = self.db.history(with, before, asked)?;
        page.retain(|message| !self.messages.contains_key(&message.key));
        let changed = self.messages.values().flatten();
        page.extend(changed.filter(|message| message.with == with && message.order < before).cloned());
        page.sort_by_key(|message| std::cmp::Reverse(message.order));
        page.truncate(max);
        Ok(page)
    }

    /// As [`Read::recent`].
    pub(crate) fn recent(&self, before: u64, max: usize) -> Result<Vec<Message>, Error> {
        let asked = max.saturating_add(self.messages.len());
        let mut page = self.db.recent(before, asked)?;
        page.retain(|message| !self.messages.contains_key(&message.key));
        page.extend(self.messages.values().flatten().filter(|message| message.order < before).cloned());
        page.sort_by_key(|message| std::cmp::Reverse(message.order));
        page.truncate(max);
        Ok(page)
    }

    /// As [`Read::count_since`], of what is committed.
    pub(crate) fn count_since(&self, stored_at_ms: u64) -> Result<u64, Error> {
        Ok(self.db.count_since(stored_at_ms)?)
    }

    /// As [`Read::unread`], of what is committed: the step that asks has written no message before.
    pub(crate) fn unread(&self, with: Conversation, up_to: u64, max: usize) -> Result<Vec<Message>, Error> {
        Ok(self.db.unread(with, up_to, max)?)
    }

    pub(crate) fn into_batch(self) -> Batch {
        let rows = self.rows.into_values().map(|(key, value)| Write::Row(key, value));
        let messages = self.messages.into_iter().map(|(key, message)| match message {
            Some(message) => Write::Message(Box::new(message)),
            None => Write::DeleteMessage(key),
        });
        rows.chain(messages).collect()
    }
}
