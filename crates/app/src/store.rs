//! The device's database: SQLite, encrypted as a whole, one writer, one transaction for each step.

mod away;
mod index;
mod journal;
mod row;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use waxwing_client::{
    Batch, Body, Conversation, DbError, Key, Message, MessageKey, RawRow, Read, Table, Write,
};
use waxwing_wire::AccountId;
use zeroize::Zeroizing;

use crate::key::DatabaseKey;
pub use away::Away;
use index::Changes;
#[cfg(not(target_family = "wasm"))]
pub use index::Sizes;
pub use index::{Indexing, Within};
pub use journal::{Act, JournalRow, Noted, Once};
use row::{COLUMNS, conversation_of, conversation_to_sql, delete_message, message_of, to_sql, write_message};

/// An open database.
pub struct Store {
    connection: Connection,
}

/// Why the database could not be opened or changed. Never says what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not a database under this key.
    #[error("the key does not open this profile's database")]
    WrongKey,
    /// Written by a later version of this program.
    #[error("the database was written by a newer version of this program (schema {0}); update this one")]
    Newer(i64),
    /// Written by a version of this program that was never released.
    #[error(
        "the database was written by a trial version of this program (schema {0}), which this one cannot \
         read; use another --data-dir and register or link anew"
    )]
    Older(i64),
    /// No room.
    #[error("the disk is full")]
    Full,
    /// Anything else.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
}

/// A value of the shell's own, written in the same transaction as a step.
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// What is written in the same transaction as a step.
#[derive(Default)]
pub struct Beside<'a> {
    /// The shell's own values.
    pub settings: &'a [Setting],
    /// What happened, for the journal.
    pub journal: &'a [Noted],
    /// Commands that were done once.
    pub once: &'a [Once],
    /// This device's clock.
    pub now_ms: u64,
}

/// A conversation as lists show it.
pub struct Summary {
    /// Incoming messages that were not read.
    pub unread: u64,
    /// The newest message.
    pub last: Message,
}

const UNREAD_IN: &str = "SELECT count(*) FROM messages
    WHERE conversation = ?1 AND direction = 1 AND delivery = 2 AND kind NOT IN (1, 4)";

impl Store {
    /// Opens or makes the database. `progress` hears of an index that has to be made first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        path: &Path,
        key: &DatabaseKey,
        progress: &mut dyn FnMut(Indexing),
    ) -> Result<Self, StoreError> {
        Self::prepare(Connection::open(path)?, Some(key), progress)
    }

    /// The same in a browser's private files; without a path in memory, where nothing is encrypted.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[cfg(target_family = "wasm")]
    pub fn open_in_browser(
        path: Option<&Path>,
        key: &DatabaseKey,
        progress: &mut dyn FnMut(Indexing),
    ) -> Result<Self, StoreError> {
        use rusqlite::OpenFlags;
        let Some(path) = path else {
            return Self::prepare(Connection::open_in_memory()?, None, progress);
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let vfs = crate::browser::ENCRYPTED_FILES;
        Self::prepare(Connection::open_with_flags_and_vfs(path, flags, vfs)?, Some(key), progress)
    }

    fn prepare(
        connection: Connection,
        key: Option<&DatabaseKey>,
        progress: &mut dyn FnMut(Indexing),
    ) -> Result<Self, StoreError> {
        if let Some(key) = key {
            unlock(&connection, key)?;
        }
        // Exclusive: no shared-memory file beside the database, which a browser does not have. The profile's lock
        // file is what tells a second process so in words.
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE;")?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA temp_store = MEMORY;
             PRAGMA secure_delete = ON;
             PRAGMA journal_size_limit = 4194304;
             PRAGMA trusted_schema = OFF;",
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        let mut store = Self { connection };
        schema::migrate(&mut store.connection)?;
        index::complete(&mut store.connection, progress)?;
        Ok(store)
    }

    /// Commits a step: all of it or nothing.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing has changed then.
    pub fn apply(&mut self, batch: &Batch, settings: &[Setting]) -> Result<(), StoreError> {
        self.apply_with(batch, &Beside { settings, ..Beside::default() })
    }

    /// Commits a step and what goes with it: all of it or nothing.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing has changed then.
    pub fn apply_with(&mut self, batch: &Batch, beside: &Beside<'_>) -> Result<(), StoreError> {
        let Beside { settings, journal, once, now_ms } = beside;
        if batch.is_empty() && settings.is_empty() && journal.is_empty() && once.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        let mut changes = Changes::default();
        for write in batch {
            match write {
                Write::Row(key, Some(value)) => {
                    let sql = "INSERT OR REPLACE INTO state (tab, key, value) VALUES (?1, ?2, ?3)";
                    transaction.prepare_cached(sql)?.execute(params![
                        key.table() as u8,
                        key.bytes(),
                        value
                    ])?;
                }
                Write::Row(key, None) => {
                    let sql = "DELETE FROM state WHERE tab = ?1 AND key = ?2";
                    transaction.prepare_cached(sql)?.execute(params![key.table() as u8, key.bytes()])?;
                }
                Write::Message(message) => {
                    changes.note(&transaction, message.key, Some(message))?;
                    write_message(&transaction, message)?;
                }
                Write::DeleteMessage(key) => {
                    changes.note(&transaction, *key, None)?;
                    delete_message(&transaction, key)?;
                }
            }
        }
        changes.write(&transaction)?;
        journal::note(&transaction, journal, *now_ms)?;
        journal::keep_once(&transaction, once)?;
        for setting in *settings {
            match &setting.value {
                Some(value) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
                    .execute(params![setting.name, value])?,
                None => transaction
                    .prepare_cached("DELETE FROM setting WHERE name = ?1")?
                    .execute([&setting.name])?,
            };
        }
        transaction.commit()?;
        Ok(())
    }

    /// A value of the shell's own.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Incoming messages that no [`Self::acknowledge`] has named yet and that were not read, above an order, oldest
    /// first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn inbox(&self, after: u64, max: usize) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE fresh = 1 AND \"order\" > ?1 ORDER BY \"order\" LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([to_sql(after), to_sql(max as u64)], message_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The first message of a conversation that stands in the inbox, up to and with an order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn first_fresh(&self, with: Conversation, up_to: u64) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT \"order\" FROM messages WHERE fresh = 1 AND conversation = ?1 AND \"order\" <= ?2
                   ORDER BY \"order\" LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let bounds = params![conversation_to_sql(with), to_sql(up_to)];
        Ok(statement.query_row(bounds, |row| row.get::<_, i64>(0)).optional()?.map(i64::cast_unsigned))
    }

    /// Takes messages out of the inbox.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn acknowledge(&mut self, messages: &[MessageKey]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for key in messages {
            let sql =
                "UPDATE messages SET fresh = 0 WHERE sender = ?1 AND device = ?2 AND id = ?3 AND fresh = 1";
            transaction.prepare_cached(sql)?.execute(params![
                key.from.account.0,
                key.from.device.number(),
                key.id.0.cast_signed()
            ])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The message that an account sent at a time, of several the newest.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn sent_at(
        &self,
        from: AccountId,
        sent_at_ms: u64,
        with: Option<Conversation>,
    ) -> Result<Option<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages
             WHERE sender = ?1 AND sent_at = ?2 AND (?3 IS NULL OR conversation = ?3)
             ORDER BY \"order\" DESC LIMIT 1"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let bounds = params![from.0, sent_at_ms.cast_signed(), with.map(conversation_to_sql)];
        Ok(statement.query_row(bounds, message_of).optional()?)
    }

    /// Messages that carry files, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn with_files(
        &self,
        with: Option<Conversation>,
        before: u64,
        max: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages
             WHERE kind = 0 AND notice IS NOT NULL AND \"order\" < ?1 AND (?2 IS NULL OR conversation = ?2)
             ORDER BY \"order\" DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![to_sql(before), with.map(conversation_to_sql)])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let message = message_of(row)?;
            if matches!(&message.body, Body::Post(post) if !post.attachments.is_empty()) {
                found.push(message);
            }
            if found.len() >= max {
                break;
            }
        }
        Ok(found)
    }

    /// Every file that some message carries, by its digest.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn files(&self) -> Result<BTreeSet<[u8; 32]>, StoreError> {
        let messages = self.with_files(None, u64::MAX, usize::MAX)?;
        let posts = messages.iter().filter_map(|message| match &message.body {
            Body::Post(post) => Some(&post.attachments),
            _ => None,
        });
        Ok(posts.flatten().map(|file| file.digest).collect())
    }

    /// What a conversation comes to; `None` while there is no message. Two looks into an index, however
    /// long it is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn summary(&self, with: Conversation) -> Result<Option<Summary>, StoreError> {
        let with = conversation_to_sql(with);
        let sql =
            format!("SELECT {COLUMNS} FROM messages WHERE conversation = ?1 ORDER BY \"order\" DESC LIMIT 1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let Some(last) = statement.query_row([with], message_of).optional()? else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(UNREAD_IN)?;
        let unread = statement.query_row([with], |row| row.get::<_, i64>(0))?.cast_unsigned();
        Ok(Some(Summary { unread, last }))
    }

    /// Incoming messages that can be read and were not, by conversation.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn unread_by_conversation(&self) -> Result<Vec<(Conversation, u64)>, StoreError> {
        let sql = "SELECT conversation, count(*) FROM messages
            WHERE direction = 1 AND delivery = 2 AND kind NOT IN (1, 4) GROUP BY conversation";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        let mut counted = Vec::new();
        for row in rows {
            let (conversation, unread) = row?;
            counted.extend(conversation_of(conversation).map(|with| (with, unread.cast_unsigned())));
        }
        Ok(counted)
    }

    /// Conversations of statuses of which there are any.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn statuses(&self) -> Result<Vec<Conversation>, StoreError> {
        let sql =
            "SELECT DISTINCT conversation FROM messages WHERE conversation >= X'02' AND conversation < X'03'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().filter_map(conversation_of).collect())
    }

    /// Outgoing messages that the server does not have yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn pending(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM messages WHERE direction = 0 AND delivery = 0";
        let pending = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))?;
        Ok(pending.cast_unsigned())
    }

    fn page(&self, sql: &str, with: Conversation, bound: u64, max: usize) -> rusqlite::Result<Vec<Message>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement
            .query_map(params![conversation_to_sql(with), to_sql(bound), to_sql(max as u64)], message_of)?
            .collect()
    }
}

/// From here on the connection reads and writes pages under the key.
fn unlock(connection: &Connection, key: &DatabaseKey) -> Result<(), StoreError> {
    let literal = Zeroizing::new(format!("raw:{}", key.to_hex().as_str()));
    // An error of this statement would quote it, key and all.
    let keyed = connection
        .pragma_update(None, "cipher", "chacha20")
        .and_then(|()| connection.pragma_update(None, "key", literal.as_str()));
    keyed.map_err(|_| StoreError::WrongKey)
}

impl Read for Store {
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, DbError> {
        let read = || -> rusqlite::Result<_> {
            let sql = "SELECT value FROM state WHERE tab = ?1 AND key = ?2";
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_row(params![key.table() as u8, key.bytes()], |row| row.get(0)).optional()
        };
        read().map_err(db_error)
    }

    fn rows(&self, table: Table, from: &[u8], to: &[u8], max: usize) -> Result<Vec<RawRow>, DbError> {
        let read = || -> rusqlite::Result<_> {
            let sql = "SELECT key, value FROM state WHERE tab = ?1 AND key >= ?2 AND key < ?3
                       ORDER BY key LIMIT ?4";
            let mut statement = self.connection.prepare_cached(sql)?;
            let bounds = params![table as u8, from, to, to_sql(max as u64)];
            statement
                .query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(db_error)
    }

    fn message(&self, key: &MessageKey) -> Result<Option<Message>, DbError> {
        let read = || -> rusqlite::Result<_> {
            let sql = format!("SELECT {COLUMNS} FROM messages WHERE sender = ?1 AND device = ?2 AND id = ?3");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let name = params![key.from.account.0, key.from.device.number(), key.id.0.cast_signed()];
            statement.query_row(name, message_of).optional()
        };
        read().map_err(db_error)
    }

    fn history(&self, with: Conversation, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE conversation = ?1 AND \"order\" < ?2
             ORDER BY \"order\" DESC LIMIT ?3"
        );
        self.page(&sql, with, before, max).map_err(db_error)
    }

    fn recent(&self, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        let read = || -> rusqlite::Result<_> {
            let sql = format!(
                "SELECT {COLUMNS} FROM messages WHERE \"order\" < ?1 ORDER BY \"order\" DESC LIMIT ?2"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            statement.query_map([to_sql(before), to_sql(max as u64)], message_of)?.collect()
        };
        read().map_err(db_error)
    }

    fn count_since(&self, stored_at_ms: u64) -> Result<u64, DbError> {
        let read = || -> rusqlite::Result<i64> {
            let sql = "SELECT count(*) FROM messages WHERE stored_at >= ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_row([to_sql(stored_at_ms)], |row| row.get(0))
        };
        read().map(i64::cast_unsigned).map_err(db_error)
    }

    fn unread(&self, with: Conversation, up_to: u64, max: usize) -> Result<Vec<Message>, DbError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages
             WHERE conversation = ?1 AND direction = 1 AND delivery = 2 AND \"order\" <= ?2
             ORDER BY \"order\" LIMIT ?3"
        );
        self.page(&sql, with, up_to, max).map_err(db_error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::WrongKey,
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}

fn db_error(error: rusqlite::Error) -> DbError {
    DbError(StoreError::from(error).to_string())
}
