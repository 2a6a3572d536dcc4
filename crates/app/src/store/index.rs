//! The index for searching: which messages have which words (see [`crate::search`]), and which days they are of.
//!
//! The words' table holds no texts. What leaves it has to be named word by word; `secure-delete` then takes it
//! out of the index's pages at once, instead of noting that it is to be left out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use waxwing_client::{Conversation, Message, MessageKey};

use super::row::{COLUMNS, message_of, to_sql};
use super::{Store, StoreError};
use crate::limits::{INDEX_PAGE_MESSAGES, MAX_SEARCH_CANDIDATES};
use crate::search::{self, Wanted};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// The messages that a search may look at.
pub struct Within {
    /// Only those whose `order` is below this.
    pub before: u64,
    /// Only those that were written or arrived at or after this time, milliseconds since 1970.
    pub since_ms: u64,
    /// And before this one.
    pub until_ms: u64,
}

/// What was found.
pub struct Found {
    /// The newest first, each with the bytes of its text that were looked for.
    pub hits: Vec<(Message, Vec<Range<usize>>)>,
    /// There may be more before this `order`.
    pub next: Option<u64>,
}

/// How far making the index has come, in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexing {
    /// Of those that were there.
    pub done: u64,
    /// As estimated.
    pub total: u64,
}

/// Bytes, for measurements.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// The database's pages.
    pub database: u64,
    /// Of that, entries of the index, without what pages leave empty.
    pub index: u64,
    /// Of that, texts of messages, likewise.
    pub texts: u64,
    /// Messages, not bytes.
    pub messages: u64,
}

/// What a transaction does to messages, kept until its end: the index wants ascending orders, and each message
/// but once.
#[derive(Default)]
pub struct Changes<'a>(BTreeMap<MessageKey, (Option<Message>, Option<&'a Message>)>);

impl<'a> Changes<'a> {
    /// A message is about to be written (`to`) or deleted.
    pub fn note(
        &mut self,
        transaction: &Transaction<'_>,
        key: MessageKey,
        to: Option<&'a Message>,
    ) -> Result<(), StoreError> {
        if let Some((_, now)) = self.0.get_mut(&key) {
            *now = to;
            return Ok(());
        }
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE sender = ?1 AND device = ?2 AND id = ?3");
        let name = params![key.from.account.0, key.from.device.number(), key.id.0.cast_signed()];
        let was = transaction.prepare_cached(&sql)?.query_row(name, message_of).optional()?;
        self.0.insert(key, (was, to));
        Ok(())
    }

    /// Brings the index to what the messages say now.
    pub fn write(self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for (was, now) in self.0.values() {
            if was.as_ref().zip(*now).is_some_and(|(was, now)| is_indexed_alike(was, now)) {
                continue;
            }
            let mut gone = was.as_ref().and_then(search::words);
            let mut new = now.and_then(search::words);
            if let (Some(was), Some(now), Some(old), Some(words)) = (was, *now, &gone, &new)
                && to_sql(was.order) == to_sql(now.order)
            {
                // SQLite 3.53 loses what follows where a word leaves and enters one place at once. Both rows are
                // written even if they are empty: SQLite counts them.
                (gone, new) = (Some(without(old, words)), Some(without(words, old)));
            }
            entries.extend(was.as_ref().zip(gone).map(|(was, words)| (was, false, words)));
            entries.extend(now.zip(new).map(|(now, words)| (now, true, words)));
        }
        // By order; with the same one, what goes before what comes.
        entries.sort_by_key(|(message, new, _)| (message.order, *new));
        for (message, new, words) in entries {
            if new {
                insert(transaction, message, &words)?;
            } else {
                let sql = "INSERT INTO search (search, rowid, words) VALUES ('delete', ?1, ?2)";
                transaction.prepare_cached(sql)?.execute(params![to_sql(message.order), words])?;
            }
        }
        Ok(())
    }
}

/// The words that are not among the others.
fn without(words: &str, others: &str) -> String {
    let others: BTreeSet<&str> = others.split_whitespace().collect();
    let left: Vec<&str> = words.split_whitespace().filter(|word| !others.contains(word)).collect();
    left.join(" ")
}

/// Most messages are written again because their ticks changed.
fn is_indexed_alike(was: &Message, now: &Message) -> bool {
    to_sql(was.order) == to_sql(now.order)
        && was.with == now.with
        && to_sql(was.stored_at_ms) == to_sql(now.stored_at_ms)
        && was.body == now.body
}

fn insert(transaction: &Transaction<'_>, message: &Message, words: &str) -> Result<(), StoreError> {
    let order = to_sql(message.order);
    let sql = "INSERT INTO search (rowid, words) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![order, words])?;
    let sql = "INSERT INTO search_days (day, first, last) VALUES (?1, ?2, ?2)
               ON CONFLICT (day) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)
               WHERE excluded.first < first OR excluded.last > last";
    transaction.prepare_cached(sql)?.execute(params![to_sql(message.stored_at_ms / DAY_MS), order])?;
    Ok(())
}

/// Makes the index where there is none, or one of another version; goes on where it was interrupted.
pub fn complete(connection: &mut Connection, progress: &mut dyn FnMut(Indexing)) -> Result<(), StoreError> {
    let version = search::version();
    let known = connection
        .query_row("SELECT version, made_to FROM search_state", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .optional()?;
    let mut made_to = match known {
        Some((known, None)) if known == version => return Ok(()),
        Some((known, Some(made_to))) if known == version => made_to,
        _ => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(
                "INSERT INTO search (search) VALUES ('delete-all');
                 INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
                 DELETE FROM search_days;
                 DELETE FROM search_state;",
            )?;
            transaction.execute(
                "INSERT INTO search_state (only, version, made_to) VALUES (0, ?1, -1)",
                [&version],
            )?;
            transaction.commit()?;
            -1
        }
    };
    let count = |sql: &str, bound: i64| connection.query_row(sql, [bound], |row| row.get::<_, i64>(0));
    let total = count("SELECT count(*) FROM messages WHERE ?1 IS NOT NULL", 0)?.cast_unsigned();
    let mut done = count("SELECT count(*) FROM messages WHERE \"order\" <= ?1", made_to)?.cast_unsigned();
    while done < total {
        let transaction = connection.transaction()?;
        let page = page_after(&transaction, made_to)?;
        let Some(last) = page.last() else { break };
        made_to = to_sql(last.order);
        for message in &page {
            if let Some(words) = search::words(message) {
                insert(&transaction, message, &words)?;
            }
        }
        transaction.execute("UPDATE search_state SET made_to = ?1", [made_to])?;
        transaction.commit()?;
        done = done.saturating_add(page.len() as u64);
        progress(Indexing { done, total });
    }
    connection.execute("UPDATE search_state SET made_to = NULL", [])?;
    Ok(())
}

fn page_after(transaction: &Transaction<'_>, order: i64) -> rusqlite::Result<Vec<Message>> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE \"order\" > ?1 ORDER BY \"order\" LIMIT ?2");
    let mut statement = transaction.prepare_cached(&sql)?;
    statement.query_map(params![order, to_sql(INDEX_PAGE_MESSAGES as u64)], message_of)?.collect()
}

impl Store {
    /// Looks for messages, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn search(&self, wanted: &Wanted, within: &Within, max: usize) -> Result<Found, StoreError> {
        let mut found = Found { hits: Vec::new(), next: None };
        let (Some(expression), Some((first, last))) = (wanted.expression(), self.bounds(within)?) else {
            return Ok(found);
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM search CROSS JOIN messages ON \"order\" = search.rowid
             WHERE search MATCH ?1 AND search.rowid BETWEEN ?2 AND ?3 ORDER BY search.rowid DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![expression, first, last])?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            let message = message_of(row)?;
            let order = message.order;
            looked_at += 1;
            if (within.since_ms..within.until_ms).contains(&message.stored_at_ms)
                && let Some(marks) = wanted.marks(&message)
            {
                found.hits.push((message, marks));
            }
            if found.hits.len() >= max || looked_at >= MAX_SEARCH_CANDIDATES {
                found.next = Some(order);
                break;
            }
        }
        Ok(found)
    }

    /// The first and the last order that may be within; `None`: nothing is. Orders ascend with time, but for
    /// clocks that were set wrong; so days know their orders, and whoever looks further looks at the time itself.
    fn bounds(&self, within: &Within) -> Result<Option<(i64, i64)>, StoreError> {
        let Some(before) = within.before.checked_sub(1) else { return Ok(None) };
        let Some(until_ms) = within.until_ms.checked_sub(1) else { return Ok(None) };
        let sql = "SELECT min(first), max(last) FROM search_days WHERE day BETWEEN ?1 AND ?2";
        let days = params![to_sql(within.since_ms / DAY_MS), to_sql(until_ms / DAY_MS)];
        let bounds = self
            .connection
            .prepare_cached(sql)?
            .query_row(days, |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
        Ok(match bounds {
            (Some(first), Some(last)) => Some((first, last.min(to_sql(before)))),
            _ => None,
        })
    }

    /// See [`crate::measure`].
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        let number = |sql: &str| -> rusqlite::Result<u64> {
            self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
        };
        Ok(Sizes {
            database: number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?),
            index: number("SELECT coalesce(sum(length(block)), 0) FROM search_data")?,
            texts: number("SELECT coalesce(sum(octet_length(text)), 0) FROM messages")?,
            messages: number("SELECT count(*) FROM messages")?,
        })
    }

    /// See [`crate::measure`].
    pub fn scan(&self, text: &str, max: usize) -> Result<usize, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE text LIKE '%' || ?1 || '%' ORDER BY \"order\" DESC LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found: Vec<Message> =
            statement.query_map(params![text, to_sql(max as u64)], message_of)?.collect::<Result<_, _>>()?;
        Ok(found.len())
    }

    /// See [`crate::measure`].
    pub fn forget_index(&mut self) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM search_state", [])?;
        Ok(())
    }

    /// A page of a conversation that begins after an order, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn history_after(
        &self,
        with: Conversation,
        after: u64,
        max: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE conversation = ?1 AND \"order\" > ?2
             ORDER BY \"order\" LIMIT ?3"
        );
        Ok(self.page(&sql, with, after, max)?)
    }
}
