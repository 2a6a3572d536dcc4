//! What happened, kept until a program has dealt with it, and the commands that are to be done once.

#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use waxwing_client::{Delivery, MessageKey};
use waxwing_wire::post::{ActBy, Deed};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId};

use super::row::to_sql;
use super::{Store, StoreError};
use crate::limits::{MAX_JOURNAL_ENTRIES, MAX_JOURNAL_ENTRIES_DEALT_WITH, MAX_ONCE_KEYS};

/// The setting that says how far programs have come; that it is there says that there is a journal.
const ACKNOWLEDGED: &str = "journal";

/// Something to write into the journal. The message itself stands in the history alone, so that deleting it
/// there deletes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// A message arrived, or was written on another own device.
    Message(MessageKey),
    /// An own message has come so far.
    Delivery(MessageKey, Delivery),
    /// Somebody did something about a message.
    Act(MessageKey, Act),
}

/// Names what somebody did about a message; what it was stands with the message alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Who.
    pub by: DeviceAddress,
    /// When, as the act says.
    pub at: u64,
    /// Its kind: see [`Act::of`].
    pub kind: u32,
}

impl Act {
    /// Of something that was done.
    #[must_use]
    pub fn of(doer: &ActBy) -> Self {
        let kind = match &doer.act.deed {
            Deed::React(_) => 1,
            Deed::Edit(_) => 2,
            Deed::Delete => 3,
            Deed::Pin(_) => 4,
            Deed::Keep(_) => 5,
            Deed::Vote(_) => 6,
            Deed::Answer(_) => 7,
            Deed::Live(_) => 8,
            Deed::Opened => 9,
            Deed::Lifetime(_) | Deed::Unknown => 0,
        };
        Self { by: doer.by, at: doer.act.at, kind }
    }

    /// Account (16 bytes), device (1 byte), time (8 bytes).
    fn bytes(&self) -> Vec<u8> {
        [&self.by.account.0[..], &[self.by.device.number()], &self.at.to_be_bytes()].concat()
    }

    /// Reads [`Self::bytes`].
    fn parse(bytes: &[u8], kind: u32) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (device, at) = rest.split_first()?;
        let by = DeviceAddress { account: AccountId(*account), device: DeviceId::new(*device)? };
        Some(Self { by, at: u64::from_be_bytes(at.try_into().ok()?), kind })
    }
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalRow {
    /// Its place.
    pub id: u64,
    /// When.
    pub at_ms: u64,
    /// What.
    pub what: Noted,
}

/// A command that was done under a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Once {
    /// The caller's.
    pub key: String,
    /// SHA-256 of the command.
    pub request: [u8; 32],
    /// Name of the message that it made.
    pub message: Option<String>,
}

impl Store {
    /// Begins the journal with what stands in the inbox, unless there is one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn keep_journal(&mut self, now_ms: u64) -> Result<(), StoreError> {
        if self.journal_acknowledged()?.is_some() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        set_acknowledged(&transaction, 0)?;
        transaction.execute(
            "INSERT INTO journal (at, kind, sender, device, message)
             SELECT ?1, 0, sender, device, id FROM messages WHERE fresh = 1 ORDER BY \"order\"",
            [to_sql(now_ms)],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// The last entry that a program has dealt with; `None`: there is no journal.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn journal_acknowledged(&self) -> Result<Option<u64>, StoreError> {
        let value = self.setting(ACKNOWLEDGED)?;
        Ok(value.map(|bytes| bytes.try_into().map_or(0, u64::from_be_bytes)))
    }

    /// The newest entry that there ever was; 0: none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn journal_newest(&self) -> Result<u64, StoreError> {
        Ok(newest(&self.connection)?)
    }

    /// Entries after one, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn journal(&self, after: u64, max: usize) -> Result<Vec<JournalRow>, StoreError> {
        let sql = "SELECT id, at, kind, sender, device, message, detail, doer FROM journal
                   WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([to_sql(after), to_sql(max as u64)], entry_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How often somebody did the same kind of thing about a message, up to and with an entry, as far as the journal
    /// reaches back; from whichever of their devices.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn times_done(&self, up_to: u64, message: &MessageKey, act: Act) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM journal WHERE id <= ?1 AND kind = 2 AND sender = ?2 AND device = ?3
                   AND message = ?4 AND detail = ?5 AND substr(doer, 1, 16) = ?6";
        let mut statement = self.connection.prepare_cached(sql)?;
        let named = params![
            to_sql(up_to),
            message.from.account.0,
            message.from.device.number(),
            message.id.0.cast_signed(),
            act.kind,
            act.by.account.0,
        ];
        Ok(statement.query_row(named, |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// A program has dealt with everything up to and with an entry.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn acknowledge_journal(&mut self, up_to: u64) -> Result<(), StoreError> {
        let Some(before) = self.journal_acknowledged()? else { return Ok(()) };
        let transaction = self.connection.transaction()?;
        let up_to = up_to.min(newest(&transaction)?);
        if up_to <= before {
            return Ok(());
        }
        transaction.execute(
            "UPDATE messages SET fresh = 0 FROM journal
             WHERE journal.id > ?1 AND journal.id <= ?2 AND journal.kind = 0 AND fresh = 1
                 AND messages.sender = journal.sender AND messages.device = journal.device
                 AND messages.id = journal.message",
            [to_sql(before), to_sql(up_to)],
        )?;
        set_acknowledged(&transaction, up_to)?;
        delete_up_to(&transaction, up_to.saturating_sub(MAX_JOURNAL_ENTRIES_DEALT_WITH))?;
        transaction.commit()?;
        Ok(())
    }

    /// What was done under a key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn once(&self, key: &str) -> Result<Option<Once>, StoreError> {
        let sql = "SELECT request, message FROM once WHERE key = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let read =
            |row: &Row<'_>| Ok(Once { key: key.to_owned(), request: row.get(0)?, message: row.get(1)? });
        Ok(statement.query_row([key], read).optional()?)
    }
}

/// Appends to the journal, and drops what is too old for it.
pub fn note(transaction: &Transaction<'_>, journal: &[Noted], now_ms: u64) -> Result<(), StoreError> {
    for noted in journal {
        let (kind, key, detail, doer) = match noted {
            Noted::Message(key) => (0, key, None, None),
            Noted::Delivery(key, delivery) => (1, key, Some(delivery.number()), None),
            Noted::Act(key, act) => (2, key, Some(act.kind), Some(act.bytes())),
        };
        let sql = "INSERT INTO journal (at, kind, sender, device, message, detail, doer)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        transaction.prepare_cached(sql)?.execute(params![
            to_sql(now_ms),
            kind,
            key.from.account.0,
            key.from.device.number(),
            key.id.0.cast_signed(),
            detail,
            doer,
        ])?;
    }
    if journal.is_empty() {
        return Ok(());
    }
    let newest = transaction.last_insert_rowid().cast_unsigned();
    delete_up_to(transaction, newest.saturating_sub(MAX_JOURNAL_ENTRIES))
}

/// Remembers what was done under which keys, and forgets the oldest.
pub fn keep_once(transaction: &Transaction<'_>, once: &[Once]) -> Result<(), StoreError> {
    for once in once {
        let sql = "INSERT INTO once (key, request, message) VALUES (?1, ?2, ?3)";
        transaction.prepare_cached(sql)?.execute(params![once.key, once.request, once.message])?;
    }
    if once.is_empty() {
        return Ok(());
    }
    let newest = transaction.last_insert_rowid().cast_unsigned();
    let sql = "DELETE FROM once WHERE id <= ?1";
    transaction.prepare_cached(sql)?.execute([to_sql(newest.saturating_sub(MAX_ONCE_KEYS))])?;
    Ok(())
}

fn newest(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'journal'";
    let newest: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(newest.unwrap_or_default().cast_unsigned())
}

fn set_acknowledged(transaction: &Transaction<'_>, up_to: u64) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
        .execute(params![ACKNOWLEDGED, up_to.to_be_bytes()])?;
    Ok(())
}

fn delete_up_to(transaction: &Transaction<'_>, id: u64) -> Result<(), StoreError> {
    transaction.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([to_sql(id)])?;
    Ok(())
}

fn entry_of(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    let damaged = |column| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    let device = DeviceId::new(row.get(4)?).ok_or(damaged(4))?;
    let from = DeviceAddress { account: AccountId(row.get(3)?), device };
    let key = MessageKey { from, id: MessageId(row.get::<_, i64>(5)?.cast_unsigned()) };
    let what = match row.get(2)? {
        0 => Noted::Message(key),
        1 => Noted::Delivery(key, Delivery::from_number(row.get(6)?).ok_or(damaged(6))?),
        2 => {
            let act = Act::parse(&row.get::<_, Vec<u8>>(7)?, row.get(6)?);
            Noted::Act(key, act.ok_or(damaged(7))?)
        }
        _ => return Err(damaged(2)),
    };
    let (id, at) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
    Ok(JournalRow { id: id.cast_unsigned(), at_ms: at.cast_unsigned(), what })
}
