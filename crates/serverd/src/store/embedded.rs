//! The engine itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use fjall::compaction::Leveled;
use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use waxwing_server::{
    BlobId, BlobRow, CommitError, Key, Keys, MailboxRange, Row, Store, StoreError, Stored, Sweep, Version,
    View,
};
use waxwing_wire::DeviceAddress;

use super::cache::Recent;
use super::keys::{DedupeBytes, EntryKey, FORMAT_KEY, RowKey, rows_of, swept_key};
use super::pending::Pending;
use super::space::{Room, Space};
use crate::limits::{
    BLOB_CACHE_BYTES, BLOCK_CACHE_BYTES, ENTRY_CACHE_BYTES, JOURNAL_BYTES, MEMTABLE_BYTES, RESERVE_BYTES,
    ROW_CACHE_BYTES, TABLE_BYTES,
};

/// What a cached value costs beside its own bytes, about: keys and table slots.
const CACHED_BYTES: usize = 160;
/// The engine's directory inside the data directory.
const DIRECTORY: &str = "store";
/// Numbers that a trim marks one by one, whether there are entries or not.
const MAX_MARKED_SPAN: u64 = 1_024;
/// Raised when this build and an older one would misunderstand each other.
const FORMAT: u8 = 2;
/// Held as long as the process lives.
const LOCK_FILE: &str = "lock";

/// How the engine is opened.
pub struct Options {
    /// See [`RESERVE_BYTES`].
    pub reserve_bytes: u64,
    /// Watches something else than the data directory's file system; for tests.
    pub space: Option<Space>,
}

impl Default for Options {
    fn default() -> Self {
        Self { reserve_bytes: RESERVE_BYTES, space: None }
    }
}

/// A store in a directory of this machine.
///
/// The caches are coherent because there is one writer, this value: they change where a commit has
/// succeeded and nowhere else.
pub struct Embedded {
    db: Database,
    rows: Keyspace,
    entries: Keyspace,
    dedupe: Keyspace,
    /// Messages to groups: apart from the rows, which are small and change often.
    blobs: Keyspace,
    space: Space,
    row_cache: RefCell<Recent<RowKey, Option<Row>>>,
    entry_cache: RefCell<Recent<EntryKey, Bytes>>,
    blob_cache: RefCell<Recent<RowKey, Row>>,
    /// Last, so that the lock outlives the engine.
    _lock: File,
}

type Rows = HashMap<RowKey, Option<Row>>;

impl Embedded {
    /// Opens the store of a data directory, which must be there, or makes it.
    ///
    /// # Errors
    /// When another process has it open, or the engine cannot read it.
    pub fn open(data_dir: &Path, options: Options) -> anyhow::Result<Self> {
        let lock = lock(data_dir)?;
        let directory = data_dir.join(DIRECTORY);
        let db = Database::builder(&directory)
            .cache_size(BLOCK_CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            // What is stored is encrypted: compression would cost and not gain.
            .journal_compression(CompressionType::None)
            // One flushes while the other tidies up, so that writers do not wait for the tidying.
            .worker_threads(2)
            .open()
            .with_context(|| format!("cannot open the store in {}", directory.display()))?;
        let table = |name| db.keyspace(name, table_options).context("cannot open the store's tables");
        let rows = table("rows")?;
        check_format(&db, &rows)?;
        Ok(Self {
            rows,
            entries: table("entries")?,
            dedupe: table("dedupe")?,
            blobs: table("blobs")?,
            space: options.space.unwrap_or_else(|| Space::of(data_dir, options.reserve_bytes)),
            row_cache: RefCell::new(Recent::new(ROW_CACHE_BYTES)),
            entry_cache: RefCell::new(Recent::new(ENTRY_CACHE_BYTES)),
            blob_cache: RefCell::new(Recent::new(BLOB_CACHE_BYTES)),
            db,
            _lock: lock,
        })
    }

    /// Whether there is room for more.
    #[must_use]
    pub fn room(&self) -> Room {
        self.space.room(0)
    }

    /// Loads what a decision wants to see, as if `pending` were committed. The versions in the view say
    /// nothing: this is for the one writer, whose reads nobody can have overtaken.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn load_over(&self, pending: &Pending, keys: &Keys) -> Result<View, StoreError> {
        let mut view = View::default();
        for key in &keys.rows {
            let name = RowKey::from(key);
            let row = match pending.rows.get(&name) {
                Some(row) => row.clone(),
                None => self.committed_row(key, &name)?,
            };
            view.rows.insert(key.clone(), (row, Version::ABSENT));
        }
        for key in &keys.dedupe {
            let name = DedupeBytes::from(key);
            let seq = match pending.dedupe.get(&name) {
                Some(seq) => *seq,
                None => self.committed_dedupe(&name)?,
            };
            view.dedupe.extend(seq.map(|seq| (*key, seq)));
        }
        if let Some(range) = keys.range {
            view.entries = self.range_over(pending, range)?;
        }
        Ok(view)
    }

    /// Makes a group durable: when it returns `Ok`, all of it survives any crash. Gives the bytes of its keys and
    /// values.
    ///
    /// # Errors
    /// [`CommitError::Full`] and nothing was written; [`CommitError::Broken`] and it is not known what was.
    pub fn write(&mut self, pending: Pending) -> Result<u64, CommitError> {
        if pending.is_empty() {
            return Ok(0);
        }
        match self.space.room(pending.bytes() as u64) {
            Room::Ample => {}
            Room::Low if !pending.grows() => {}
            Room::Low | Room::None => return Err(CommitError::Full),
        }
        let removed = self.removed(&pending).map_err(|error| CommitError::Broken(error.0))?;
        let slots = pending.rows.len() + pending.appended.len() + pending.dedupe.len() + removed.len();
        let batch = OwnedWriteBatch::with_capacity(self.db.clone(), slots);
        let mut batch = batch.durability(Some(PersistMode::SyncAll));
        let mut bytes = (removed.len() * size_of::<EntryKey>()) as u64;
        let rows = self.put_rows(&mut batch, pending.rows);
        bytes += rows.iter().map(|(name, _, bytes)| (name.as_slice().len() + bytes) as u64).sum::<u64>();
        for (key, seq) in &pending.dedupe {
            bytes += (key.0.len() + seq.map_or(0, |_| size_of::<u64>())) as u64;
            match seq {
                Some(seq) => batch.insert(&self.dedupe, key.0, seq.to_be_bytes()),
                None => batch.remove(&self.dedupe, key.0),
            }
        }
        for (key, item) in &pending.appended {
            bytes += (key.0.len() + item.len()) as u64;
            batch.insert(&self.entries, key.0, item.clone());
        }
        for key in &removed {
            // An entry is written once and deleted once, so the mark of its deletion may vanish together
            // with it at their first meeting instead of sinking to the bottom of the tree.
            batch.remove_weak(&self.entries, key.0);
        }
        batch.commit().map_err(|error| CommitError::Broken(error.to_string()))?;
        self.remember(rows, pending.appended, &removed);
        Ok(bytes)
    }

    /// Bytes that the engine's files take.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.db.disk_space().unwrap_or_default()
    }

    /// The entries that trims name and that may stand in the store.
    fn removed(&self, pending: &Pending) -> Result<Vec<EntryKey>, StoreError> {
        let mut removed = Vec::new();
        for (mailbox, from, up_to) in &pending.trims {
            if up_to - from < MAX_MARKED_SPAN {
                removed.extend((*from..=*up_to).map(|seq| EntryKey::new(*mailbox, seq)));
                continue;
            }
            // Numbers can be skipped by the billion: then only what is there is marked.
            let range = EntryKey::new(*mailbox, *from).0..=EntryKey::new(*mailbox, *up_to).0;
            for guard in self.entries.range(range) {
                let key = guard.key().map_err(broken)?;
                removed.extend(EntryKey::seq(&key).map(|seq| EntryKey::new(*mailbox, seq)));
            }
        }
        Ok(removed)
    }

    fn put_rows(&self, batch: &mut OwnedWriteBatch, rows: Rows) -> Vec<(RowKey, Option<Row>, usize)> {
        let mut written = Vec::with_capacity(rows.len());
        for (name, row) in rows {
            let table = if name.is_blob() { &self.blobs } else { &self.rows };
            let mut bytes = 0;
            match &row {
                Some(row) => {
                    let encoded = row.encode();
                    bytes = encoded.len();
                    batch.insert(table, name.as_slice(), encoded);
                }
                None => batch.remove(table, name.as_slice()),
            }
            written.push((name, row, bytes));
        }
        written
    }

    fn remember(
        &self,
        rows: Vec<(RowKey, Option<Row>, usize)>,
        appended: BTreeMap<EntryKey, Bytes>,
        removed: &[EntryKey],
    ) {
        let mut row_cache = self.row_cache.borrow_mut();
        let mut blob_cache = self.blob_cache.borrow_mut();
        for (name, row, bytes) in rows {
            if name.is_blob() {
                match row {
                    Some(row) => blob_cache.insert(name, row, bytes + CACHED_BYTES),
                    None => blob_cache.remove(&name),
                }
            } else if is_hot(row.as_ref()) {
                row_cache.insert(name, row, bytes + CACHED_BYTES);
            } else {
                row_cache.remove(&name);
            }
        }
        let mut entry_cache = self.entry_cache.borrow_mut();
        for key in removed {
            entry_cache.remove(key);
        }
        for (key, item) in appended {
            let weight = item.len() + CACHED_BYTES;
            entry_cache.insert(key, item, weight);
        }
    }

    fn committed_row(&self, key: &Key, name: &RowKey) -> Result<Option<Row>, StoreError> {
        if name.is_blob() {
            return self.committed_blob(key, name);
        }
        if let Some(row) = self.row_cache.borrow_mut().get(name) {
            return Ok(row.clone());
        }
        let Some(encoded) = self.rows.get(name.as_slice()).map_err(broken)? else { return Ok(None) };
        let weight = encoded.len() + CACHED_BYTES;
        // A copy: what the engine gives is part of a whole block of rows, which a cached row would hold fast.
        let encoded = Bytes::copy_from_slice(&encoded);
        let row = Row::decode(key, encoded).map_err(|error| StoreError(error.to_string()))?;
        if is_hot(Some(&row)) {
            self.row_cache.borrow_mut().insert(*name, Some(row.clone()), weight);
        }
        Ok(Some(row))
    }

    /// One message is fetched from hundreds of mailboxes, and read from the disk once.
    fn committed_blob(&self, key: &Key, name: &RowKey) -> Result<Option<Row>, StoreError> {
        let mut cache = self.blob_cache.borrow_mut();
        if let Some(row) = cache.get(name) {
            return Ok(Some(row.clone()));
        }
        let Some(encoded) = self.blobs.get(name.as_slice()).map_err(broken)? else { return Ok(None) };
        let weight = encoded.len() + CACHED_BYTES;
        let encoded = Bytes::copy_from_slice(&encoded);
        let row = Row::decode(key, encoded).map_err(|error| StoreError(error.to_string()))?;
        cache.insert(*name, row.clone(), weight);
        Ok(Some(row))
    }

    fn committed_dedupe(&self, name: &DedupeBytes) -> Result<Option<u64>, StoreError> {
        let Some(value) = self.dedupe.get(name.0).map_err(broken)? else { return Ok(None) };
        let seq = value.as_ref().try_into().map_err(|_| StoreError("dedupe entry: wrong length".into()))?;
        Ok(Some(u64::from_be_bytes(seq)))
    }

    fn range_over(&self, pending: &Pending, range: MailboxRange) -> Result<Vec<(u64, Bytes)>, StoreError> {
        if let Some(entries) = self.range_from_memory(pending, range) {
            return Ok(entries);
        }
        let from = EntryKey::new(range.mailbox, range.from);
        let to = EntryKey::new(range.mailbox, range.up_to);
        let mut entries = Vec::new();
        if from > to {
            return Ok(entries);
        }
        for guard in self.entries.range(from.0..=to.0) {
            if entries.len() >= range.max_entries {
                return Ok(entries);
            }
            let (seq, item) = entry(guard)?;
            if !pending.is_trimmed(range.mailbox, seq) {
                entries.push((seq, item));
            }
        }
        // Appended in this group: later than all that is committed.
        for (key, item) in pending.appended.range(from..=to) {
            if entries.len() >= range.max_entries {
                break;
            }
            entries.extend(EntryKey::seq(&key.0).map(|seq| (seq, item.clone())));
        }
        Ok(entries)
    }

    /// The common case: a device acknowledges what it was just sent. Sequence numbers have no gaps
    /// between the first entry of a mailbox and its last, so when each number asked for is in memory,
    /// memory has the whole answer.
    fn range_from_memory(&self, pending: &Pending, range: MailboxRange) -> Option<Vec<(u64, Bytes)>> {
        let mut cache = self.entry_cache.borrow_mut();
        let mut entries = Vec::new();
        for seq in (range.from..=range.up_to).take(range.max_entries) {
            if pending.is_trimmed(range.mailbox, seq) {
                continue;
            }
            let key = EntryKey::new(range.mailbox, seq);
            let item = pending.appended.get(&key).or_else(|| cache.get(&key))?;
            entries.push((seq, item.clone()));
        }
        Some(entries)
    }
}

impl Store for Embedded {
    fn load(&self, keys: &Keys) -> Result<View, StoreError> {
        let mut view = self.load_over(&Pending::default(), keys)?;
        for (row, version) in view.rows.values_mut() {
            *version = row.as_ref().map_or(Version::ABSENT, Row::version);
        }
        Ok(view)
    }

    fn commit(&mut self, group: Vec<Stored>) -> Vec<Result<(), CommitError>> {
        let mut pending = Pending::default();
        let mut results = Vec::with_capacity(group.len());
        for Stored { batch, expected } in group {
            let verdict = self.unchanged(&pending, &expected);
            if verdict.is_ok() {
                pending.add(batch);
            }
            results.push(verdict);
        }
        if let Err(error) = self.write(pending) {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(error.clone());
            }
        }
        results
    }

    fn read_mailbox(
        &self,
        mailbox: DeviceAddress,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StoreError> {
        let range = EntryKey::new(mailbox, from).0..=EntryKey::new(mailbox, u64::MAX).0;
        let mut entries = Vec::new();
        let mut bytes = 0;
        for guard in self.entries.range(range).take(max_entries) {
            let (seq, item) = entry(guard)?;
            bytes += item.len();
            entries.push((seq, item));
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(entries)
    }

    fn blob(&self, blob: BlobId) -> Result<Option<BlobRow>, StoreError> {
        let key = Key::Blob(blob);
        match self.committed_row(&key, &RowKey::from(&key))? {
            Some(Row::Blob(row)) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    fn sweep(&self, kind: Sweep, after: Option<&Key>, max: usize) -> Result<Vec<Key>, StoreError> {
        let (mut from, to) = rows_of(kind);
        if let Some(after) = after {
            let mut next = RowKey::from(after).as_slice().to_vec();
            next.push(0); // the first key after it
            from = from.max(next);
        }
        let mut keys = Vec::new();
        if from >= to {
            return Ok(keys);
        }
        for guard in self.rows.range(from..to).take(max) {
            let key = guard.key().map_err(broken)?;
            keys.push(swept_key(&key).ok_or_else(|| StoreError("row: damaged key".into()))?);
        }
        Ok(keys)
    }
}

impl Embedded {
    /// Whether rows still have the versions that a decision has seen.
    fn unchanged(&self, pending: &Pending, expected: &[(Key, Version)]) -> Result<(), CommitError> {
        for (key, version) in expected {
            let name = RowKey::from(key);
            let row = match pending.rows.get(&name) {
                Some(row) => row.clone(),
                None => self.committed_row(key, &name).map_err(|error| CommitError::Broken(error.0))?,
            };
            let now = row.as_ref().map_or(Version::ABSENT, Row::version);
            if now != *version {
                return Err(CommitError::Conflict);
            }
        }
        Ok(())
    }
}

fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another waxwingd is using {}: stop it, or give this one another --data-dir",
                data_dir.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// A new store gets the number of this build's format; one with another number is left alone.
fn check_format(db: &Database, rows: &Keyspace) -> anyhow::Result<()> {
    match rows.get(FORMAT_KEY).context("cannot read the store")? {
        None => {
            rows.insert(FORMAT_KEY, [FORMAT]).context("cannot write to the store")?;
            db.persist(PersistMode::SyncAll).context("cannot write to the store")
        }
        Some(format) if *format == [FORMAT] => Ok(()),
        Some(format) => match format.first() {
            Some(older) if *older < FORMAT => bail!(
                "the store has format {older}, of an earlier development build, and this build knows \
                 {FORMAT}: begin with an empty data directory, or go back to that build"
            ),
            newer => bail!(
                "the store has format {}, and this build knows {FORMAT}: update waxwingd",
                newer.copied().unwrap_or_default()
            ),
        },
    }
}

fn table_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        .data_block_compression_policy(CompressionPolicy::disabled())
        .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(TABLE_BYTES)))
}

/// Rows that most messages touch. Prekeys are large and rarely wanted.
fn is_hot(row: Option<&Row>) -> bool {
    matches!(
        row,
        Some(Row::Mailbox(_) | Row::Account(_) | Row::Credential(_) | Row::Group(_) | Row::References(_))
    )
}

fn entry(guard: fjall::Guard) -> Result<(u64, Bytes), StoreError> {
    let (key, value) = guard.into_inner().map_err(broken)?;
    let seq = EntryKey::seq(&key).ok_or_else(|| StoreError("mailbox entry: damaged key".into()))?;
    Ok((seq, value.into()))
}

fn broken(error: fjall::Error) -> StoreError {
    StoreError(error.to_string())
}

#[cfg(test)]
mod tests;
