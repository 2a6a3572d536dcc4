use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use waxwing_server::{Append, Batch, DedupeKey, MailboxRow, Shard, Trim, conformance};
use waxwing_wire::{AccountId, DeviceId, MessageId};

use super::*;

/// A store and the directory that goes with it.
struct Kept {
    store: Option<Embedded>,
    directory: TempDir,
}

impl Kept {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { store: Some(open(&directory)), directory }
    }

    fn reopened(mut self) -> Self {
        self.store = None;
        self.store = Some(open(&self.directory));
        self
    }

    fn inner(&self) -> &Embedded {
        self.store.as_ref().unwrap()
    }
}

impl Store for Kept {
    fn load(&self, keys: &Keys) -> Result<View, StoreError> {
        self.inner().load(keys)
    }

    fn commit(&mut self, group: Vec<Stored>) -> Vec<Result<(), CommitError>> {
        self.store.as_mut().unwrap().commit(group)
    }

    fn read_mailbox(
        &self,
        mailbox: DeviceAddress,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StoreError> {
        self.inner().read_mailbox(mailbox, from, max_entries, max_bytes)
    }

    fn sweep(&self, kind: Sweep, after: Option<&Key>, max: usize) -> Result<Vec<Key>, StoreError> {
        self.inner().sweep(kind, after, max)
    }
}

fn open(directory: &TempDir) -> Embedded {
    Embedded::open(directory.path(), Options::default()).unwrap()
}

fn address(number: u8) -> DeviceAddress {
    DeviceAddress { account: AccountId([number; 16]), device: DeviceId::PRIMARY }
}

fn dedupe(mailbox: DeviceAddress, id: u64) -> DedupeKey {
    DedupeKey { mailbox, from: address(200), id: MessageId(id), attempt: 0 }
}

fn append(mailbox: DeviceAddress, seq: u64, item: Bytes) -> Batch {
    let row = MailboxRow { last: seq, ..MailboxRow::default() };
    let mut batch = batch(mailbox, row);
    batch.appends.push(Append { mailbox, seq, item, dedupe: Some(dedupe(mailbox, seq)) });
    batch
}

fn trim(mailbox: DeviceAddress, from: u64, up_to: u64) -> Batch {
    let row = MailboxRow { last: up_to, settled: up_to, ..MailboxRow::default() };
    let mut batch = batch(mailbox, row);
    let dedupe = (from..=up_to).take(2_000).map(|id| dedupe(mailbox, id)).collect();
    batch.trims.push(Trim { mailbox, from, up_to, dedupe });
    batch
}

fn batch(mailbox: DeviceAddress, row: MailboxRow) -> Batch {
    Batch {
        shard: Shard::Mailboxes(mailbox.account),
        rows: vec![(Key::Mailbox(mailbox), Some(Row::Mailbox(row)))],
        appends: Vec::new(),
        trims: Vec::new(),
    }
}

fn write(store: &mut Embedded, batches: impl IntoIterator<Item = Batch>) -> Result<(), CommitError> {
    let mut pending = Pending::default();
    batches.into_iter().for_each(|batch| pending.add(batch));
    store.write(pending).map(drop)
}

fn whole(mailbox: DeviceAddress) -> Keys {
    let range = MailboxRange { mailbox, from: 1, up_to: u64::MAX, max_entries: 10_000 };
    Keys { range: Some(range), ..Keys::default() }
}

fn seqs(view: &View) -> Vec<u64> {
    view.entries.iter().map(|(seq, _)| *seq).collect()
}

#[test]
fn conforms() {
    conformance::check(&mut || Box::new(Kept::new()));
}

#[test]
fn conforms_after_reopening() {
    // `reopen` gets the store as a trait object: it comes back from where the test keeps it.
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let made = Box::new(open(&directory));
    conformance::check_reopen(made, &mut |closed| {
        drop(closed);
        Box::new(open(&directory))
    });
}

#[test]
fn a_group_reads_what_it_has_not_committed_yet() {
    let mut kept = Kept::new();
    let mailbox = address(1);
    let item = Bytes::from_static(b"item");
    let store = kept.store.as_mut().unwrap();
    write(store, [append(mailbox, 1, item.clone()), append(mailbox, 2, item.clone())]).unwrap();

    let mut pending = Pending::default();
    pending.add(append(mailbox, 3, item.clone()));
    pending.add(trim(mailbox, 1, 1));
    let keys = Keys {
        rows: vec![Key::Mailbox(mailbox)],
        dedupe: [1, 2, 3].map(|id| dedupe(mailbox, id)).to_vec(),
        range: whole(mailbox).range,
    };
    let view = store.load_over(&pending, &keys).unwrap();
    assert_eq!(seqs(&view), [2, 3]);
    assert_eq!(view.dedupe.values().copied().collect::<Vec<_>>(), [2, 3]);
    let exact = MailboxRange { from: 2, up_to: 3, max_entries: 9, mailbox };
    let exact = store.load_over(&pending, &Keys { range: Some(exact), ..Keys::default() }).unwrap();
    assert_eq!(seqs(&exact), [2, 3]);
    let Some((Some(Row::Mailbox(row)), _)) = view.rows.get(&Key::Mailbox(mailbox)) else { panic!("no row") };
    assert_eq!(row.settled, 1);

    // Appended and trimmed in one group: never written.
    pending.add(trim(mailbox, 2, 3));
    assert_eq!(seqs(&store.load_over(&pending, &whole(mailbox)).unwrap()), [0; 0]);
    store.write(pending).unwrap();
    let kept = kept.reopened();
    assert_eq!(seqs(&kept.load(&whole(mailbox)).unwrap()), [0; 0]);
}

#[test]
fn numbers_that_were_skipped_cost_nothing() {
    let mut kept = Kept::new();
    let mailbox = address(1);
    let store = kept.store.as_mut().unwrap();
    let far = 1 << 60;
    write(
        store,
        [append(mailbox, 1, Bytes::from_static(b"a")), append(mailbox, far, Bytes::from_static(b"b"))],
    )
    .unwrap();
    assert_eq!(seqs(&store.load(&whole(mailbox)).unwrap()), [1, far]);
    write(store, [trim(mailbox, 1, far)]).unwrap();
    assert_eq!(seqs(&store.load(&whole(mailbox)).unwrap()), [0; 0]);
}

#[test]
fn a_store_of_another_format_is_left_alone_and_the_operator_is_told_what_to_do() {
    for (format, advice) in
        [(FORMAT - 1, "begin with an empty data directory"), (FORMAT + 1, "update waxwingd")]
    {
        let mut kept = Kept::new();
        kept.inner().rows.insert(FORMAT_KEY, [format]).unwrap();
        kept.inner().db.persist(PersistMode::SyncAll).unwrap();
        drop(kept.store.take());
        let error = Embedded::open(kept.directory.path(), Options::default()).err().unwrap().to_string();
        assert!(error.contains(advice) && error.contains(&format.to_string()), "{error}");
    }
}

#[test]
fn a_second_process_is_kept_out() {
    let kept = Kept::new();
    let error = Embedded::open(kept.directory.path(), Options::default()).err().unwrap();
    assert!(error.to_string().contains("another waxwingd"), "{error}");
}

#[test]
fn a_full_disk_refuses_what_grows_and_lets_mailboxes_empty() {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(1_000_000));
    let probe = free.clone();
    let space = Space::probed(400_000, Box::new(move || probe.load(Ordering::Relaxed)));
    let options = Options { space: Some(space), ..Options::default() };
    let mut store = Embedded::open(directory.path(), options).unwrap();
    let mailbox = address(1);
    let item = Bytes::from_static(b"item");
    write(&mut store, [append(mailbox, 1, item.clone())]).unwrap();

    free.store(399_999, Ordering::Relaxed);
    assert_eq!(store.room(), Room::Low);
    assert_eq!(write(&mut store, [append(mailbox, 2, item.clone())]), Err(CommitError::Full));
    assert_eq!(seqs(&store.load(&whole(mailbox)).unwrap()), [1]);
    assert_eq!(write(&mut store, [trim(mailbox, 1, 1)]), Ok(()));

    free.store(99_999, Ordering::Relaxed);
    assert_eq!(store.room(), Room::None);
    assert_eq!(write(&mut store, [trim(mailbox, 1, 1)]), Err(CommitError::Full));

    free.store(1_000_000, Ordering::Relaxed);
    assert_eq!(write(&mut store, [append(mailbox, 2, item)]), Ok(()));
    assert_eq!(seqs(&store.load(&whole(mailbox)).unwrap()), [2]);
}

#[test]
fn what_is_trimmed_gives_its_space_back() {
    const CYCLES: u64 = 100_000;
    const WINDOW: u64 = 500;
    let kept = Kept::new();
    let mut kept = kept;
    let store = kept.store.as_mut().unwrap();
    let mailbox = address(1);
    let item = Bytes::from(vec![7; 4_000]);
    for from in (1..=CYCLES).step_by(WINDOW as usize) {
        let up_to = from + WINDOW - 1;
        write(store, (from..=up_to).map(|seq| append(mailbox, seq, item.clone()))).unwrap();
        write(store, [trim(mailbox, from, up_to)]).unwrap();
    }
    // 400 MB went through. The log may hold the last 128 MB and what is on its way out, which on a busy machine
    // is more; the tables next to nothing.
    let bytes = store.disk_bytes();
    assert!(bytes < 300_000_000, "{bytes}");
    assert!(store.entries.disk_space() < 40_000_000, "{}", store.entries.disk_space());
    drop(kept.store.take());
    let on_disk = disk_usage(kept.directory.path());
    assert!(on_disk < 320_000_000, "{on_disk}");
}

/// Blocks that the files below a directory really take: the log is allocated ahead with holes.
fn disk_usage(path: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.metadata().unwrap() {
            metadata if metadata.is_dir() => disk_usage(&entry.path()),
            metadata => metadata.blocks() * 512,
        })
        .sum()
}
