use rusqlite::Connection;

use super::StoreError;

/// Databases of versions before this one were written by programs that were never released.
const FIRST_VERSION: i64 = 2;

/// The first entry makes an empty database one of [`FIRST_VERSION`]; each one after it brings a database to
/// the next version. Entries are only ever appended.
const MIGRATIONS: &[&str] = &[
    "
    -- Opaque rows of the client core.
    CREATE TABLE state (
        tab INTEGER NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (tab, key)
    ) STRICT, WITHOUT ROWID;

    -- The shell's own: the server's address and key.
    CREATE TABLE setting (
        name TEXT NOT NULL PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE messages (
        conversation BLOB NOT NULL,   -- 0 and the other account's 16 bytes, or 1 and the group's
        \"order\" INTEGER NOT NULL,     -- ascends over all conversations
        sender BLOB NOT NULL,         -- account, 16 bytes
        device INTEGER NOT NULL,
        id INTEGER NOT NULL,          -- 64 bits, as signed
        direction INTEGER NOT NULL,   -- 0 outgoing, 1 incoming
        sent_at INTEGER NOT NULL,     -- sender's clock, milliseconds since 1970, 64 bits, as signed
        stored_at INTEGER NOT NULL,   -- this device's clock, likewise, at most 2^63 - 1
        kind INTEGER NOT NULL,        -- 0 text, 1 waiting, 2 lost, 3 unknown, 4 notice
        text TEXT,                    -- of a text
        notice BLOB,                  -- of a notice, as the core encodes it
        delivery INTEGER NOT NULL,    -- 0 pending, 1 sent, 2 delivered, 3 read, 4 failed
        position INTEGER NOT NULL,    -- 64 bits, as signed
        missing INTEGER NOT NULL,     -- so many are missing right before it; 64 bits, as signed
        fresh INTEGER NOT NULL,       -- 1: arrived, and no program has acknowledged it yet
        UNIQUE (sender, device, id)
    ) STRICT;
    CREATE INDEX messages_order ON messages (\"order\");
    CREATE INDEX messages_history ON messages (conversation, \"order\");
    CREATE INDEX messages_stored ON messages (stored_at);
    CREATE INDEX messages_unread ON messages (conversation, \"order\") WHERE direction = 1 AND delivery = 2;
    CREATE INDEX messages_pending ON messages (\"order\") WHERE direction = 0 AND delivery = 0;
    CREATE INDEX messages_fresh ON messages (\"order\") WHERE fresh = 1;
", "
    -- Which messages have which words; rowid is the message's order. `index.rs` fills it: after this for what is
    -- there already, then with each message.
    CREATE VIRTUAL TABLE search USING fts5 (
        words, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
    );
    -- Orders of a day's messages, which may stand between others'; a deleted message's may be among them.
    CREATE TABLE search_days (
        day INTEGER NOT NULL PRIMARY KEY,   -- of stored_at, counted since 1970
        first INTEGER NOT NULL,
        last INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE search_state (
        only INTEGER NOT NULL PRIMARY KEY CHECK (only = 0),
        version TEXT NOT NULL,              -- of the words
        made_to INTEGER                     -- order up to which the index was made; null: it is complete
    ) STRICT;
", "
    -- What happened, for programs that must miss nothing. Ids are never used again.
    CREATE TABLE journal (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,          -- this device's clock, milliseconds since 1970
        kind INTEGER NOT NULL,        -- 0 message, 1 delivery
        sender BLOB NOT NULL,         -- the message's name
        device INTEGER NOT NULL,
        message INTEGER NOT NULL,
        detail INTEGER                -- of a delivery: how far
    ) STRICT;

    -- Commands that are to be done once, by the caller's key.
    CREATE TABLE once (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        request BLOB NOT NULL,        -- SHA-256 of the command
        message TEXT                  -- the answer
    ) STRICT;

    CREATE INDEX messages_sent ON messages (sender, sent_at);
", "
    -- `notice` holds of a text what it has beside its text; kinds 5 and 6 are deleted and opened.
    ALTER TABLE messages ADD COLUMN edited_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
", "
    -- Of kind 2, what somebody did about a message: account, device and time; `detail` says what.
    ALTER TABLE journal ADD COLUMN doer BLOB;
", "
    -- A conversation may be 2 and an account: its statuses. Programs of earlier versions cannot read that.
", "
    -- Storage of the user's own, and the files that were moved there.
    CREATE TABLE cloud (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        place TEXT NOT NULL UNIQUE,   -- where, without what is secret
        access BLOB NOT NULL,         -- where and by whom, JSON
        used INTEGER NOT NULL         -- the larger, the later it was named
    ) STRICT;
    CREATE TABLE away (
        digest BLOB NOT NULL PRIMARY KEY,
        cloud INTEGER NOT NULL,
        name TEXT NOT NULL,           -- there
        whole INTEGER NOT NULL        -- 1: it was read back; 0: perhaps nothing is there, perhaps a part
    ) STRICT, WITHOUT ROWID;
"];

/// Brings the database to the schema of this build, one transaction for each version.
pub fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    loop {
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if (1..FIRST_VERSION).contains(&version) {
            return Err(StoreError::Older(version));
        }
        let (index, next) = match version {
            0 => (0, FIRST_VERSION),
            version => (version - FIRST_VERSION + 1, version + 1),
        };
        let index = usize::try_from(index).map_err(|_| StoreError::Newer(version))?;
        if index > MIGRATIONS.len() {
            return Err(StoreError::Newer(version));
        }
        let Some(migration) = MIGRATIONS.get(index) else { return Ok(()) };
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", next)?;
        transaction.commit()?;
    }
}
