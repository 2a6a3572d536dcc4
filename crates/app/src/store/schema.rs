use rusqlite::Connection;

use super::StoreError;

/// Entry n brings a database of version n to version n + 1. Entries are only ever appended.
const MIGRATIONS: &[&str] = &["
    -- Opaque rows of the client core.
    CREATE TABLE state (
        tab INTEGER NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (tab, key)
    ) STRICT, WITHOUT ROWID;

    -- The shell's own: the server's address and key, who this device is.
    CREATE TABLE setting (
        name TEXT NOT NULL PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE messages (
        conversation BLOB NOT NULL,   -- account, 16 bytes
        \"order\" INTEGER NOT NULL,     -- ascends over all conversations
        sender BLOB NOT NULL,         -- account, 16 bytes
        device INTEGER NOT NULL,
        id INTEGER NOT NULL,          -- 64 bits, as signed
        direction INTEGER NOT NULL,   -- 0 outgoing, 1 incoming
        sent_at INTEGER NOT NULL,     -- sender's clock, milliseconds since 1970
        stored_at INTEGER NOT NULL,   -- this device's clock
        kind INTEGER NOT NULL,        -- 0 text, 1 waiting, 2 lost, 3 unknown
        text TEXT,
        delivery INTEGER NOT NULL,    -- 0 pending, 1 sent, 2 delivered, 3 read, 4 failed
        fresh INTEGER NOT NULL,       -- 1: arrived, and no program has acknowledged it yet
        UNIQUE (sender, device, id)
    ) STRICT;
    CREATE INDEX messages_history ON messages (conversation, \"order\");
    CREATE INDEX messages_unread ON messages (conversation, \"order\") WHERE direction = 1 AND delivery = 2;
    CREATE INDEX messages_pending ON messages (\"order\") WHERE direction = 0 AND delivery = 0;
    CREATE INDEX messages_fresh ON messages (\"order\") WHERE fresh = 1;
"];

/// Brings the database to the schema of this build, one transaction for each version.
pub fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    loop {
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let index = usize::try_from(version).map_err(|_| StoreError::Newer(version))?;
        if index > MIGRATIONS.len() {
            return Err(StoreError::Newer(version));
        }
        let Some(migration) = MIGRATIONS.get(index) else { return Ok(()) };
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.commit()?;
    }
}
