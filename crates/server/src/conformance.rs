//! What every store engine must pass: plain functions that panic where the engine does not do what
//! [`Store`] says.

mod samples;

use bytes::Bytes;
use samples::{
    account, account_row, address, append, batch, blob, dedupe, every_kind, file_row, item, linking_row,
    mailbox_row, mailbox_row_of, mailboxes, pool_row, references_row, rows, trim,
};
use waxwing_wire::devices::LinkReference;
use waxwing_wire::{AccountId, DeviceAddress, FileId};

use crate::row::{BlobId, BlobRow, PoolKind, Row};
use crate::step::{Append, Batch};
use crate::store::{
    CommitError, DedupeKey, Key, Keys, MailboxRange, Shard, Store, StoreError, Stored, Sweep, Version, View,
};

/// A new, empty store each time.
type Make<'a> = &'a mut dyn FnMut() -> Box<dyn Store>;

/// Checks an engine. `make` gives a new, empty store each time.
///
/// # Panics
/// When the engine does not do what [`Store`] says.
pub fn check(make: Make<'_>) {
    an_empty_store_has_nothing(make);
    rows_come_back(make);
    rows_change_and_go(make);
    a_conflict_writes_nothing(make);
    a_batch_holds_all_rows_of_its_shard(make);
    batches_of_a_group_apply_in_order(make);
    entries_come_back_in_order(make);
    mailboxes_do_not_mix(make);
    pages_have_bounds(make);
    ranges_have_bounds(make);
    trimmed_entries_go(make);
    dedupe_keys_live_with_their_entries(make);
    a_dedupe_key_can_move(make);
    mailboxes_are_listed_in_order(make);
    blobs_are_listed_in_order(make);
    linkings_are_listed_in_order(make);
    files_are_listed_in_order(make);
    a_blob_and_its_references_are_apart(make);
}

/// Checks that what an engine has committed is there after it was closed and opened again. `store` is new
/// and empty; `reopen` closes it and opens what it left behind.
///
/// # Panics
/// When it is not.
pub fn check_reopen(mut store: Box<dyn Store>, reopen: &mut dyn FnMut(Box<dyn Store>) -> Box<dyn Store>) {
    let sender = address(9, 1);
    let key = |id| dedupe(address(1, 1), sender, id, 0);
    let mut first = vec![Stored { batch: with_appends(1, &[1, 2, 3, 4], &key), expected: Vec::new() }];
    first.extend(every_kind().into_iter().map(|(key, row)| blind(rows(vec![(key, Some(row))]))));
    assert!(store.commit(first).iter().all(Result::is_ok), "an empty store takes everything");
    commit(&mut *store, Batch { trims: vec![trim(address(1, 1), 1, 2, &[key(1), key(2)])], ..mailboxes(1) });
    commit(&mut *store, rows(vec![(Key::Account(account(1)), Some(account_row(2)))]));
    commit(&mut *store, rows(vec![(Key::Invitation([3; 32]), None)]));
    for _ in 0..2 {
        store = reopen(store);
        for (key, row) in every_kind() {
            let expected = match key {
                Key::Account(_) => Some(account_row(2)),
                Key::Invitation(hash) if hash == [3; 32] => None,
                _ => Some(row),
            };
            let version = expected.as_ref().map_or(Version::ABSENT, Row::version);
            assert_eq!(load_row(&*store, &key), (expected, version), "{key:?} after opening again");
        }
        assert_eq!(sequence(&*store, address(1, 1), 0), [3, 4], "entries after opening again");
        let seen = store.load(&Keys { dedupe: (1..=4).map(key).collect(), ..Keys::default() });
        let seen: Vec<u64> = must(seen).dedupe.into_values().collect();
        assert_eq!(seen, [3, 4], "dedupe keys after opening again");
        let listed = must(store.sweep(Sweep::Mailboxes, None, 10));
        let mailboxes = [address(1, 1), address(1, 2)].map(Key::Mailbox);
        assert_eq!(listed, mailboxes, "mailboxes after opening again");
    }
    let stale = vec![(Key::Account(account(1)), account_row(1).version())];
    let late = Stored { batch: rows(vec![(Key::Account(account(1)), None)]), expected: stale };
    assert_eq!(store.commit(vec![late]), [Err(CommitError::Conflict)], "versions outlive a restart");
}

fn must<T>(result: Result<T, StoreError>) -> T {
    result.expect("nothing is wrong with the engine in these tests")
}

fn blind(batch: Batch) -> Stored {
    Stored { batch, expected: Vec::new() }
}

fn commit(store: &mut dyn Store, batch: Batch) {
    assert_eq!(store.commit(vec![blind(batch)]), [Ok(())], "a batch that expects nothing");
}

fn load_row(store: &dyn Store, key: &Key) -> (Option<Row>, Version) {
    let view = must(store.load(&Keys { rows: vec![key.clone()], ..Keys::default() }));
    assert_eq!(view.rows.len(), 1, "a view holds the rows that were asked for, absent ones too");
    view.rows.into_iter().next().expect("there is one").1
}

fn read(store: &dyn Store, mailbox: DeviceAddress, from: u64) -> Vec<(u64, Bytes)> {
    must(store.read_mailbox(mailbox, from, usize::MAX, usize::MAX))
}

/// Sequence numbers of the entries from `from` on, after a look at their bytes.
fn sequence(store: &dyn Store, mailbox: DeviceAddress, from: u64) -> Vec<u64> {
    let entries = read(store, mailbox, from);
    for (seq, bytes) in &entries {
        assert_eq!(*bytes, item(*seq, bytes.len()), "entry {seq} has its own bytes");
    }
    entries.into_iter().map(|(seq, _)| seq).collect()
}

/// Entries for device 1 of an account.
fn with_appends(account_number: u8, seqs: &[u64], key: &dyn Fn(u64) -> DedupeKey) -> Batch {
    let mailbox = address(account_number, 1);
    let appends = seqs.iter().map(|seq| Append { dedupe: Some(key(*seq)), ..append(mailbox, *seq) });
    Batch { appends: appends.collect(), ..mailboxes(account_number) }
}

fn plain_appends(mailbox: DeviceAddress, seqs: impl IntoIterator<Item = u64>) -> Batch {
    let appends = seqs.into_iter().map(|seq| append(mailbox, seq)).collect();
    Batch { appends, ..batch(Shard::Mailboxes(mailbox.account)) }
}

fn an_empty_store_has_nothing(make: Make<'_>) {
    let mut store = make();
    let keys = every_kind().into_iter().map(|(key, _)| key);
    let asked = Keys {
        rows: keys.collect(),
        dedupe: vec![dedupe(address(1, 1), address(2, 1), 1, 0)],
        range: Some(MailboxRange { mailbox: address(1, 1), from: 1, up_to: u64::MAX, max_entries: 10 }),
    };
    let view = must(store.load(&asked));
    assert_eq!(view.rows.len(), asked.rows.len(), "absent rows are in the view as well");
    assert!(view.rows.values().all(|row| *row == (None, Version::ABSENT)), "and have version 0");
    assert!(view.dedupe.is_empty() && view.entries.is_empty(), "what is not there is not an error");
    assert!(read(&*store, address(1, 1), 0).is_empty(), "no mailbox, no entries");
    for kind in Sweep::ALL {
        assert!(must(store.sweep(kind, None, 10)).is_empty(), "no {kind:?}");
    }
    assert!(store.commit(Vec::new()).is_empty(), "an empty group has no results");
    let nothing = must(store.load(&Keys::default()));
    assert!(nothing.rows.is_empty() && nothing.dedupe.is_empty() && nothing.entries.is_empty());
}

fn rows_come_back(make: Make<'_>) {
    let mut store = make();
    for (key, row) in every_kind() {
        commit(&mut *store, rows(vec![(key, Some(row))]));
    }
    for (key, row) in every_kind() {
        let version = row.version();
        assert_ne!(version, Version::ABSENT);
        assert_eq!(load_row(&*store, &key), (Some(row), version), "{key:?}");
    }
}

fn rows_change_and_go(make: Make<'_>) {
    let mut store = make();
    let key = Key::Account(account(1));
    for row in [Some(account_row(1)), Some(account_row(2)), None, Some(account_row(1)), None] {
        let (_, version) = load_row(&*store, &key);
        let batch = rows(vec![(key.clone(), row.clone())]);
        let stored = Stored { batch, expected: vec![(key.clone(), version)] };
        assert_eq!(store.commit(vec![stored]), [Ok(())], "the version is the one that was read");
        let version = row.as_ref().map_or(Version::ABSENT, Row::version);
        assert_eq!(load_row(&*store, &key), (row, version));
    }
    // Deleting what is not there is no error.
    commit(&mut *store, rows(vec![(key, None)]));
}

fn a_conflict_writes_nothing(make: Make<'_>) {
    let mut store = make();
    let mailbox = address(1, 1);
    let old = dedupe(mailbox, address(2, 1), 1, 0);
    let start = Batch { rows: vec![mailbox_row(1)], ..with_appends(1, &[1], &|_| old) };
    commit(&mut *store, start);
    let there = load_row(&*store, &Key::Mailbox(mailbox)).1;
    let absent = Key::Mailbox(address(1, 2));
    let late = Batch {
        rows: vec![mailbox_row(2), mailbox_row_of(address(1, 2), 1)],
        appends: vec![Append { dedupe: Some(dedupe(mailbox, address(2, 1), 2, 0)), ..append(mailbox, 2) }],
        trims: vec![trim(mailbox, 1, 1, &[old])],
        ..mailboxes(1)
    };
    let expectations = [
        vec![(Key::Mailbox(mailbox), Version::ABSENT)],
        vec![(Key::Mailbox(mailbox), Version(there.0 ^ 1))],
        vec![(absent.clone(), there)],
        // One that holds does not make up for one that does not.
        vec![(Key::Mailbox(mailbox), there), (absent.clone(), there)],
        vec![(absent.clone(), Version::ABSENT), (Key::Mailbox(mailbox), Version::ABSENT)],
    ];
    for expected in expectations {
        let stored = Stored { batch: late.clone(), expected };
        assert_eq!(store.commit(vec![stored]), [Err(CommitError::Conflict)]);
        assert_eq!(load_row(&*store, &Key::Mailbox(mailbox)).1, there, "no row was written");
        assert_eq!(load_row(&*store, &absent).1, Version::ABSENT, "no row was written");
        assert_eq!(sequence(&*store, mailbox, 0), [1], "nothing was added or trimmed");
        let both = vec![old, dedupe(mailbox, address(2, 1), 2, 0)];
        let view = must(store.load(&Keys { dedupe: both, ..Keys::default() }));
        assert_eq!(view.dedupe.into_iter().collect::<Vec<_>>(), [(old, 1)], "no dedupe key changed");
    }
    let expected = vec![(Key::Mailbox(mailbox), there), (absent, Version::ABSENT)];
    assert_eq!(store.commit(vec![Stored { batch: late, expected }]), [Ok(())], "it was only the versions");
    assert_eq!(sequence(&*store, mailbox, 0), [2]);
}

fn a_batch_holds_all_rows_of_its_shard(make: Make<'_>) {
    let mut store = make();
    let of_account = vec![
        (Key::Account(account(1)), Some(account_row(1))),
        (Key::Pool(address(1, 1), PoolKind::OneTime), Some(pool_row(PoolKind::OneTime, 2))),
        (Key::Pool(address(1, 1), PoolKind::Kyber), Some(pool_row(PoolKind::Kyber, 2))),
        (Key::Pool(address(1, 2), PoolKind::OneTime), Some(pool_row(PoolKind::OneTime, 3))),
    ];
    commit(&mut *store, rows(of_account.clone()));
    let view =
        must(store.load(&Keys {
            rows: of_account.iter().map(|(key, _)| key.clone()).collect(),
            ..Keys::default()
        }));
    for (key, row) in of_account {
        assert_eq!(view.rows.get(&key).map(|(row, _)| row), Some(&row), "{key:?}");
    }
    let devices = [address(1, 1), address(1, 2), address(1, 127)];
    let of_mailboxes = Batch {
        rows: devices.iter().map(|device| mailbox_row_of(*device, 1)).collect(),
        appends: devices.iter().map(|device| append(*device, 1)).collect(),
        ..mailboxes(1)
    };
    commit(&mut *store, of_mailboxes);
    for device in devices {
        assert_eq!(sequence(&*store, device, 0), [1], "an entry for each device of the account");
    }
}

fn batches_of_a_group_apply_in_order(make: Make<'_>) {
    let mut store = make();
    let key = Key::Mailbox(address(1, 1));
    let step = |last: u64, expected: Version| Stored {
        batch: Batch { rows: vec![mailbox_row(last)], ..plain_appends(address(1, 1), [last]) },
        expected: vec![(key.clone(), expected)],
    };
    let version_at = |last| mailbox_row(last).1.map_or(Version::ABSENT, |row| row.version());
    let other = Stored {
        batch: rows(vec![(Key::Account(account(1)), Some(account_row(1)))]),
        expected: vec![(Key::Account(account(1)), Version::ABSENT)],
    };
    let results = store.commit(vec![
        step(1, Version::ABSENT),
        // Decided before the first was there.
        step(9, Version::ABSENT),
        other.clone(),
        // Decided upon the first.
        step(2, version_at(1)),
        step(3, version_at(2)),
        other,
        step(4, version_at(9)),
    ]);
    let conflict = Err(CommitError::Conflict);
    assert_eq!(results, [Ok(()), conflict.clone(), Ok(()), Ok(()), Ok(()), conflict.clone(), conflict]);
    assert_eq!(sequence(&*store, address(1, 1), 0), [1, 2, 3]);
    assert_eq!(load_row(&*store, &key).1, version_at(3));
    let both = Batch { trims: vec![trim(address(1, 1), 1, 3, &[])], ..mailboxes(1) };
    let results = store.commit(vec![
        blind(plain_appends(address(1, 1), [4])),
        blind(both),
        blind(plain_appends(address(1, 1), [5])),
    ]);
    assert_eq!(results, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(sequence(&*store, address(1, 1), 0), [4, 5], "a trim in the middle of a group");
}

fn entries_come_back_in_order(make: Make<'_>) {
    let mut store = make();
    let mailbox = address(1, 1);
    // Around the places where a number gets another byte, in groups and alone, with gaps.
    let seqs = [1, 2, 127, 128, 254, 255, 256, 257, 65_535, 65_536, 1 << 32, 1 << 40, (1 << 62) + 1];
    for pair in seqs.chunks(2) {
        let batch = plain_appends(mailbox, pair.iter().copied());
        commit(&mut *store, batch);
    }
    assert_eq!(sequence(&*store, mailbox, 0), seqs);
    for from in seqs {
        let rest: Vec<u64> = seqs.into_iter().filter(|seq| *seq >= from).collect();
        assert_eq!(sequence(&*store, mailbox, from), rest, "from {from}");
        assert_eq!(
            sequence(&*store, mailbox, from - 1).len(),
            rest.len() + usize::from(seqs.contains(&(from - 1)))
        );
    }
    assert!(read(&*store, mailbox, (1 << 62) + 2).is_empty(), "nothing after the last");
    assert!(read(&*store, mailbox, u64::MAX).is_empty(), "nothing after the last");
    // As large as an entry can be.
    let large = Append { item: item(3, 50_000), ..append(mailbox, 3) };
    commit(&mut *store, Batch { appends: vec![large], ..mailboxes(1) });
    let third = must(store.read_mailbox(mailbox, 3, 1, usize::MAX));
    assert_eq!(third, [(3, item(3, 50_000))]);
}

fn mailboxes_do_not_mix(make: Make<'_>) {
    let mut store = make();
    let first = DeviceAddress { account: AccountId([0; 16]), ..address(1, 1) };
    let last = DeviceAddress { account: AccountId([0xff; 16]), ..address(1, 127) };
    let neighbours = [first, address(1, 1), address(1, 2), address(1, 127), address(2, 1), last];
    for (mailbox, seq) in neighbours.into_iter().zip(10..) {
        commit(&mut *store, plain_appends(mailbox, [seq, seq + 1]));
    }
    for (mailbox, seq) in neighbours.into_iter().zip(10..) {
        assert_eq!(sequence(&*store, mailbox, 0), [seq, seq + 1]);
        let range = MailboxRange { mailbox, from: 0, up_to: u64::MAX, max_entries: 100 };
        let view = must(store.load(&Keys { range: Some(range), ..Keys::default() }));
        assert_eq!(view.entries, read(&*store, mailbox, 0), "both ways to read agree");
    }
    commit(&mut *store, Batch { trims: vec![trim(address(1, 2), 12, 13, &[])], ..mailboxes(1) });
    for (mailbox, seq) in neighbours.into_iter().zip(10..) {
        let left = if mailbox == address(1, 2) { vec![] } else { vec![seq, seq + 1] };
        assert_eq!(sequence(&*store, mailbox, 0), left, "a trim is for one mailbox");
    }
}

fn pages_have_bounds(make: Make<'_>) {
    let mut store = make();
    let mailbox = address(1, 1);
    // 100 bytes each.
    commit(&mut *store, plain_appends(mailbox, 1..=10));
    let page = |from, max_entries, max_bytes| -> Vec<u64> {
        let entries = must(store.read_mailbox(mailbox, from, max_entries, max_bytes));
        entries.into_iter().map(|(seq, _)| seq).collect()
    };
    assert_eq!(page(1, 3, usize::MAX), [1, 2, 3]);
    assert_eq!(page(9, 3, usize::MAX), [9, 10]);
    assert_eq!(page(1, 0, usize::MAX), [0; 0]);
    assert_eq!(page(1, 10, 250), [1, 2, 3], "the entry that reaches the bound is in");
    assert_eq!(page(1, 10, 200), [1, 2], "and the next is not");
    assert_eq!(page(1, 10, 1), [1], "never an empty page where there is something");
    assert_eq!(page(4, 2, 1_000), [4, 5], "whichever bound comes first");
}

fn ranges_have_bounds(make: Make<'_>) {
    let mut store = make();
    let mailbox = address(1, 1);
    commit(&mut *store, plain_appends(mailbox, [1, 2, 3, 5, 8, 13]));
    let range = |from, up_to, max_entries| -> Vec<u64> {
        let range = Some(MailboxRange { mailbox, from, up_to, max_entries });
        let view = must(store.load(&Keys { range, ..Keys::default() }));
        view.entries.into_iter().map(|(seq, _)| seq).collect()
    };
    assert_eq!(range(0, u64::MAX, 100), [1, 2, 3, 5, 8, 13]);
    assert_eq!(range(2, 8, 100), [2, 3, 5, 8], "both ends are in");
    assert_eq!(range(4, 7, 100), [5]);
    assert_eq!(range(1, 13, 3), [1, 2, 3], "the oldest come first");
    assert_eq!(range(6, 7, 100), [0; 0]);
    assert_eq!(range(8, 2, 100), [0; 0], "a range the wrong way round is empty");
}

fn trimmed_entries_go(make: Make<'_>) {
    let mut store = make();
    let mailbox = address(1, 1);
    commit(&mut *store, plain_appends(mailbox, 1..=600));
    let trimmed = |trims| Batch { trims, ..mailboxes(1) };
    commit(&mut *store, trimmed(vec![trim(mailbox, 1, 512, &[])]));
    assert_eq!(sequence(&*store, mailbox, 0), (513..=600).collect::<Vec<_>>());
    commit(&mut *store, trimmed(vec![trim(mailbox, 513, 520, &[]), trim(mailbox, 590, 598, &[])]));
    let left: Vec<u64> = (521..=589).chain([599, 600]).collect();
    assert_eq!(sequence(&*store, mailbox, 0), left, "two runs in one batch");
    // What is gone already can go again: commits are repeated when nobody knows whether they happened.
    commit(&mut *store, trimmed(vec![trim(mailbox, 1, 512, &[]), trim(mailbox, 513, 600, &[])]));
    assert!(read(&*store, mailbox, 0).is_empty());
    commit(&mut *store, plain_appends(mailbox, [601]));
    assert_eq!(sequence(&*store, mailbox, 0), [601], "an emptied mailbox goes on");
}

fn dedupe_keys_live_with_their_entries(make: Make<'_>) {
    let mut store = make();
    let (mailbox, sender) = (address(1, 1), address(2, 1));
    let own = dedupe(mailbox, sender, 7, 0);
    let alike = [
        dedupe(mailbox, sender, 7, 1),
        dedupe(mailbox, sender, 7 << 32, 0),
        dedupe(mailbox, sender, 8, 0),
        dedupe(mailbox, address(2, 2), 7, 0),
        dedupe(mailbox, address(3, 1), 7, 0),
        dedupe(address(1, 2), sender, 7, 0),
        dedupe(sender, mailbox, 7, 0),
    ];
    let seen = |store: &dyn Store, keys: Vec<DedupeKey>| {
        must(store.load(&Keys { dedupe: keys, ..Keys::default() })).dedupe
    };
    commit(&mut *store, with_appends(1, &[1], &|_| own));
    assert_eq!(seen(&*store, vec![own]).into_iter().collect::<Vec<_>>(), [(own, 1)]);
    assert!(seen(&*store, alike.to_vec()).is_empty(), "every part of the key counts");
    let [retry, ..] = alike;
    commit(&mut *store, with_appends(1, &[2], &|_| retry));
    commit(&mut *store, Batch { trims: vec![trim(mailbox, 1, 1, &[own])], ..mailboxes(1) });
    let left = seen(&*store, vec![own, retry]);
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [(retry, 2)], "a key goes with its entry only");
    commit(&mut *store, Batch { trims: vec![trim(mailbox, 2, 2, &[retry])], ..mailboxes(1) });
    assert!(seen(&*store, vec![own, retry]).is_empty());
    commit(&mut *store, with_appends(1, &[3], &|_| own));
    assert_eq!(seen(&*store, vec![own]).into_values().collect::<Vec<_>>(), [3], "and can come back");
}

fn a_dedupe_key_can_move(make: Make<'_>) {
    let mut store = make();
    let mailbox = address(1, 1);
    let key = dedupe(mailbox, address(2, 1), 7, 0);
    commit(&mut *store, with_appends(1, &[1], &|_| key));
    let moved = Batch { trims: vec![trim(mailbox, 1, 1, &[key])], ..with_appends(1, &[2], &|_| key) };
    commit(&mut *store, moved);
    assert_eq!(sequence(&*store, mailbox, 0), [2]);
    let view: View = must(store.load(&Keys { dedupe: vec![key], ..Keys::default() }));
    assert_eq!(view.dedupe.get(&key), Some(&2), "trims come before appends within a batch");
}

fn mailboxes_are_listed_in_order(make: Make<'_>) {
    let mailboxes = [address(1, 1), address(1, 2), address(1, 127), address(2, 1), address(0xff, 3)];
    let row = |mailbox| mailbox_row_of(mailbox, 0);
    listed_in_order(make, Sweep::Mailboxes, &mailboxes.map(row), &Key::Mailbox(address(1, 3)));
}

fn blobs_are_listed_in_order(make: Make<'_>) {
    let first = blob(1, 1);
    let other_sender = BlobId { from: address(3, 1), ..first };
    let blobs = [
        first,
        BlobId { attempt: 1, ..first },
        BlobId { attempt: 256, ..first },
        blob(1, 255),
        blob(1, 1 << 40),
        BlobId { from: address(1, 3), ..first },
        other_sender,
        blob(0xff, 0),
    ];
    let rows = blobs.map(|blob| references_row(blob, 1));
    listed_in_order(make, Sweep::Blobs, &rows, &Key::References(BlobId { attempt: 2, ..first }));
}

fn linkings_are_listed_in_order(make: Make<'_>) {
    let references = [[0; 16], [1; 16], [2; 16], [0xff; 16]].map(LinkReference);
    let absent = Key::Linking(LinkReference([3; 16]));
    listed_in_order(make, Sweep::Linkings, &references.map(linking_row), &absent);
}

fn files_are_listed_in_order(make: Make<'_>) {
    let files = [[0; 16], [1; 16], [2; 16], [0xff; 16]].map(FileId);
    listed_in_order(make, Sweep::Files, &files.map(file_row), &Key::File(FileId([3; 16])));
    let [first, second, ..] = files;
    let awaiting = [
        Key::Awaiting(first, address(1, 1)),
        Key::Awaiting(first, address(1, 127)),
        Key::Awaiting(first, address(0xff, 1)),
        Key::Awaiting(second, address(0, 3)),
    ];
    let rows = awaiting.map(|key| (key, Some(Row::Awaiting)));
    listed_in_order(make, Sweep::Awaiting, &rows, &Key::Awaiting(first, address(2, 1)));
}

/// `written` in the order of their keys; `absent` is not among them.
fn listed_in_order(make: Make<'_>, kind: Sweep, written: &[(Key, Option<Row>)], absent: &Key) {
    let mut store = make();
    // Other rows are not listed, whatever they begin with.
    for (key, row) in every_kind().into_iter().filter(|(key, _)| !kind.includes(key)) {
        commit(&mut *store, rows(vec![(key, Some(row))]));
    }
    for row in written.iter().rev() {
        commit(&mut *store, rows(vec![row.clone()]));
    }
    let all: Vec<Key> = written.iter().map(|(key, _)| key.clone()).collect();
    let listed = |after: Option<&Key>, max| must(store.sweep(kind, after, max));
    assert_eq!(listed(None, 100), all, "{kind:?}");
    assert_eq!(listed(None, 2), all.iter().take(2).cloned().collect::<Vec<_>>());
    assert_eq!(listed(None, 0), []);
    for (place, key) in all.iter().enumerate() {
        let rest: Vec<Key> = all.iter().skip(place + 1).cloned().collect();
        assert_eq!(listed(Some(key), 100), rest, "after {key:?}");
    }
    let behind: Vec<Key> = all.iter().filter(|key| *key > absent).cloned().collect();
    assert_eq!(listed(Some(absent), 100), behind, "after one that is not there");
}

fn a_blob_and_its_references_are_apart(make: Make<'_>) {
    let mut store = make();
    let (one, other) = (blob(1, 1), blob(1, 2));
    let row = |size| Some(Row::Blob(BlobRow { item: item(1, size) }));
    let both = vec![(Key::Blob(one), row(40_000)), references_row(one, 2), (Key::Blob(other), row(10))];
    commit(&mut *store, rows(both));
    commit(&mut *store, rows(vec![references_row(one, 1)]));
    assert_eq!(load_row(&*store, &Key::Blob(one)).0, row(40_000), "counting does not touch the blob");
    assert_eq!(Some(load_row(&*store, &Key::References(one)).0), Some(references_row(one, 1).1));
    assert_eq!(must(store.blob(one)).map(Row::Blob), row(40_000), "the short way gives the same");
    commit(&mut *store, rows(vec![(Key::Blob(one), None), (Key::References(one), None)]));
    assert_eq!(load_row(&*store, &Key::Blob(one)), (None, Version::ABSENT));
    assert_eq!(must(store.blob(one)), None);
    assert_eq!(load_row(&*store, &Key::Blob(other)).0, row(10));
}
