//! The ciphertexts of files in a browser: chunks in a database of their own, since a database has pages that are
//! written at once, and the origin's private files can be opened by waiting only.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use waxwing_client::LocalFile;
use waxwing_wire::FileId;
use waxwing_wire::attachment::Attachment;
use web_time::{SystemTime, UNIX_EPOCH};

use super::FILES;
use crate::api::Failure;
use crate::media::disk;
use crate::media::pieces::{CHUNK_SEALED_BYTES, Pieces, content_of};

const DATABASE_FILE: &str = "media.db";
/// A whole chunk.
const CHUNK: u64 = CHUNK_SEALED_BYTES as u64;

type Database = Rc<RefCell<Connection>>;

/// See the module.
pub struct Vault {
    database: Database,
}

fn failed(error: rusqlite::Error) -> io::Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => io::ErrorKind::StorageFull.into(),
        _ => io::Error::other(error),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Vault {
    /// Opens or makes it, in memory where the profile is (an empty path); removes what was not finished and cannot be.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let connection = if data_dir.as_os_str().is_empty() {
            Connection::open_in_memory()
        } else {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            Connection::open_with_flags_and_vfs(DATABASE_FILE, flags, FILES)
        };
        let connection = connection.map_err(failed)?;
        // A file is `name` while it is written: its digest; drawn at random before that is known. `whole`: all of it
        // is here, and it is what it is called.
        let made = connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA auto_vacuum = INCREMENTAL;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA journal_size_limit = 4194304;
             CREATE TABLE IF NOT EXISTS file (
                 id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, whole INTEGER NOT NULL DEFAULT 0,
                 touched INTEGER NOT NULL, uploaded_as TEXT, segments INTEGER NOT NULL DEFAULT 0);
             CREATE TABLE IF NOT EXISTS chunk (
                 id INTEGER PRIMARY KEY, file INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL,
                 UNIQUE (file, place));
             DELETE FROM chunk WHERE file IN (SELECT id FROM file WHERE length(name) <> 32);
             DELETE FROM file WHERE length(name) <> 32;",
        );
        made.map_err(failed)?;
        Ok(Self { database: Rc::new(RefCell::new(connection)) })
    }

    fn look<T>(
        &self,
        sql: &str,
        name: &[u8],
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> io::Result<Option<T>> {
        let database = self.database.borrow();
        let mut statement = database.prepare_cached(sql).map_err(failed)?;
        statement.query_row([name], read).optional().map_err(failed)
    }

    fn change(&self, sql: &str, values: impl rusqlite::Params) -> io::Result<()> {
        let database = self.database.borrow();
        database.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(failed)?;
        Ok(())
    }

    /// Whether all of it is here.
    pub fn has(&self, digest: &[u8; 32]) -> bool {
        matches!(self.look("SELECT whole FROM file WHERE name = ?1", digest, |row| row.get(0)), Ok(Some(1)))
    }

    fn open_named(&self, name: &[u8]) -> io::Result<Sealed> {
        let id = self.look("SELECT id FROM file WHERE name = ?1", name, |row| row.get(0))?;
        let id = id.ok_or(io::ErrorKind::NotFound)?;
        Ok(Sealed { database: Rc::clone(&self.database), id, at: 0 })
    }

    fn make(&self, name: &[u8]) -> io::Result<Sealed> {
        self.change("INSERT OR IGNORE INTO file (name, touched) VALUES (?1, ?2)", params![name, now_ms()])?;
        self.open_named(name)
    }

    /// Its ciphertext, for reading.
    pub fn open_sealed(&self, digest: &[u8; 32]) -> io::Result<Sealed> {
        if self.has(digest) { self.open_named(digest) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// What of it has come, to go on with.
    pub fn open_part(&self, digest: &[u8; 32]) -> io::Result<Sealed> {
        self.make(digest)
    }

    /// A part has become the whole.
    pub fn keep(&self, digest: &[u8; 32]) -> io::Result<()> {
        self.change("UPDATE file SET whole = 1, touched = ?2 WHERE name = ?1", params![digest, now_ms()])
    }

    /// The whole is one no more: it is to be fetched again as far as it is damaged.
    pub fn take_apart(&self, digest: &[u8; 32]) -> io::Result<()> {
        self.change("UPDATE file SET whole = 0 WHERE name = ?1", params![digest])
    }

    /// How many segments of a file are up, under this name of the server's; those from the first on.
    pub fn sent(&self, digest: &[u8; 32], file: FileId) -> u64 {
        let sql = "SELECT uploaded_as, segments FROM file WHERE name = ?1";
        let noted =
            self.look(sql, digest, |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?)));
        match noted {
            Ok(Some((Some(name), segments))) if name == file.to_hex() => segments.cast_unsigned(),
            _ => 0,
        }
    }

    /// So many are. If it cannot be noted they go up again after a restart.
    pub fn note_sent(&self, digest: &[u8; 32], file: FileId, segments: u64) {
        let sql = "UPDATE file SET uploaded_as = ?2, segments = ?3 WHERE name = ?1";
        let _ = self.change(sql, params![digest, file.to_hex(), segments.cast_signed()]);
    }

    /// None are, or it does not matter any more.
    pub fn forget_sent(&self, digest: &[u8; 32]) {
        let _ =
            self.change("UPDATE file SET uploaded_as = NULL, segments = 0 WHERE name = ?1", params![digest]);
    }

    /// It is not needed any more.
    pub fn remove(&self, digest: &[u8; 32]) {
        let sql = "DELETE FROM chunk WHERE file IN (SELECT id FROM file WHERE name = ?1)";
        let _ = self.change(sql, params![digest]);
        let _ = self.change("DELETE FROM file WHERE name = ?1", params![digest]);
        let _ = self.database.borrow().execute_batch("PRAGMA incremental_vacuum;");
    }

    /// What all of it takes, bytes.
    pub fn bytes(&self) -> io::Result<u64> {
        let database = self.database.borrow();
        let sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        database.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned).map_err(failed)
    }

    /// Everything that is here, whole or in part, and was not touched for so long.
    pub fn older_than(&self, age: Duration) -> io::Result<Vec<[u8; 32]>> {
        let before = now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let database = self.database.borrow();
        let sql = "SELECT name FROM file WHERE touched <= ?1 AND length(name) = 32";
        let mut statement = database.prepare_cached(sql).map_err(failed)?;
        let names = statement.query_map([before], |row| row.get(0)).map_err(failed)?;
        names.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// A file that has no digest yet, because it is being encrypted.
    pub fn begin(&self) -> io::Result<(Vec<u8>, Sealed)> {
        let mut name = vec![0; 8];
        UnwrapErr(SysRng).fill_bytes(&mut name);
        let made = self.make(&name)?;
        Ok((name, made))
    }

    /// It has one, and all of it is here. The same content under the same key was never encrypted before.
    pub fn finish(&self, name: &[u8], local: &LocalFile) -> Result<(), Failure> {
        let sql = "UPDATE file SET name = ?2, whole = 1, touched = ?3 WHERE name = ?1";
        self.change(sql, params![name, local.digest, now_ms()]).map_err(disk)
    }

    /// It was not finished.
    pub fn give_up(&self, name: &[u8]) {
        let _ = self
            .change("DELETE FROM chunk WHERE file IN (SELECT id FROM file WHERE name = ?1)", params![name]);
        let _ = self.change("DELETE FROM file WHERE name = ?1", params![name]);
    }

    /// The content of a small file.
    pub fn read(&self, file: &Attachment) -> Result<Vec<u8>, Failure> {
        content_of(&mut self.open_sealed(&file.digest).map_err(disk)?, file)
    }
}

/// A ciphertext, open. What is written begins where a chunk does.
pub struct Sealed {
    database: Database,
    id: i64,
    at: u64,
}

impl Pieces for Sealed {
    fn size(&self) -> io::Result<u64> {
        let database = self.database.borrow();
        let sql = "SELECT place, length(bytes) FROM chunk WHERE file = ?1 ORDER BY place DESC LIMIT 1";
        let mut statement = database.prepare_cached(sql).map_err(failed)?;
        let last = statement
            .query_row([self.id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()
            .map_err(failed)?;
        Ok(last.map_or(0, |(place, bytes)| place.cast_unsigned() * CHUNK + bytes.cast_unsigned()))
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        let database = self.database.borrow();
        let first = bytes.div_ceil(CHUNK).cast_signed();
        let sql = "DELETE FROM chunk WHERE file = ?1 AND place >= ?2";
        database.prepare_cached(sql).and_then(|mut cut| cut.execute([self.id, first])).map_err(failed)?;
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.database.borrow().execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").map_err(failed)
    }
}

impl Read for Sealed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (place, within) = ((self.at / CHUNK).cast_signed(), self.at % CHUNK);
        let read = {
            let database = self.database.borrow();
            let sql = "SELECT bytes FROM chunk WHERE file = ?1 AND place = ?2";
            let mut statement = database.prepare_cached(sql).map_err(failed)?;
            let mut rows = statement.query([self.id, place]).map_err(failed)?;
            match rows.next().map_err(failed)? {
                None => 0,
                Some(row) => {
                    let bytes = row.get_ref(0).and_then(|value| Ok(value.as_blob()?)).map_err(failed)?;
                    let from = usize::try_from(within).unwrap_or(usize::MAX);
                    let rest = bytes.get(from..).unwrap_or_default();
                    let count = rest.len().min(into.len());
                    into.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
                    count
                }
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Write for Sealed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.at % CHUNK != 0 {
            return Err(io::Error::other("what is written begins where a chunk does"));
        }
        let piece = bytes.get(..bytes.len().min(CHUNK_SEALED_BYTES)).unwrap_or_default();
        let place = (self.at / CHUNK).cast_signed();
        let database = self.database.borrow();
        let sql = "INSERT OR REPLACE INTO chunk (file, place, bytes) VALUES (?1, ?2, ?3)";
        let mut statement = database.prepare_cached(sql).map_err(failed)?;
        statement.execute(params![self.id, place, piece]).map_err(failed)?;
        self.at += piece.len() as u64;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sealed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size()?.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
