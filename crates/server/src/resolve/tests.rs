use bytes::Bytes;
use waxwing_wire::server_frame::Item;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, GroupId, MessageId};

use crate::item::{Reference, Stored, read};
use crate::memory::MemoryStore;
use crate::row::{BlobId, BlobRow, Row};
use crate::store::Store;
use crate::{Batch, Key, resolve};

fn reference(id: u64) -> Reference {
    let from = DeviceAddress { account: AccountId([1; 16]), device: DeviceId::new(2).unwrap() };
    let blob = BlobId { group: GroupId([3; 16]), from, id: MessageId(id), attempt: 4 };
    Reference { blob, accepted_at_ms: 5, silent: true, epoch: 6 }
}

fn store(blobs: &[(u64, usize)]) -> MemoryStore {
    let mut store = MemoryStore::default();
    for (id, size) in blobs {
        let key = Key::Blob(reference(*id).blob);
        let row = Row::Blob(BlobRow { item: Bytes::from(vec![*id as u8; *size]) });
        let batch = Batch::of_rows(key.shard(), vec![(key, Some(row))]);
        store.commit(vec![crate::Stored { batch, expected: Vec::new() }]).remove(0).unwrap();
    }
    store
}

#[test]
fn a_reference_comes_back() {
    for reference in [reference(1), Reference { silent: false, epoch: 0, accepted_at_ms: 0, ..reference(0) }]
    {
        let bytes = reference.encode();
        assert_eq!(read(&bytes), Some(Stored::Reference(reference)));
        assert!(bytes.len() < 80, "{} bytes", bytes.len());
        for end in 0..bytes.len() {
            // Cut off it is something else or nothing, and never a panic.
            let _ = read(&bytes.slice(..end));
        }
        assert_eq!(Item::decode(bytes).ok(), None, "nobody takes it for an item");
    }
}

/// These bytes are in mailboxes out there: a change here is a migration.
#[test]
fn the_bytes_of_a_reference_stay() {
    let bytes: String = reference(1).encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let (group, account) = ("03".repeat(16), "01".repeat(16));
    let fields = format!("0a10{group}1210{account}18022101000000000000002805300138067804");
    assert_eq!(bytes, format!("7235{fields}"));
}

#[test]
fn references_are_replaced_and_the_rest_stays() {
    let store = store(&[(1, 100), (2, 100)]);
    let plain = Bytes::from_static(b"plain");
    let page = vec![(7, reference(1).encode()), (8, plain.clone()), (10, reference(2).encode())];
    let resolved = resolve(&store, page, 1_000).unwrap();
    let expected = [(7, Bytes::from(vec![1; 100])), (8, plain), (10, Bytes::from(vec![2; 100]))];
    assert_eq!(resolved, expected);
}

#[test]
fn a_page_keeps_its_bound() {
    let store = store(&[(1, 100), (2, 100), (3, 100)]);
    let page = || (1..=3).map(|id| (id, reference(id).encode())).collect::<Vec<_>>();
    let lengths = |max_bytes| resolve(&store, page(), max_bytes).unwrap().len();
    assert_eq!([1, 100, 101, 200, 201, 1_000].map(lengths), [1, 1, 2, 2, 3, 3]);
}

#[test]
fn a_blob_that_is_gone_leaves_an_envelope_without_ciphertext() {
    let resolved = resolve(&MemoryStore::default(), vec![(1, reference(9).encode())], 1_000).unwrap();
    let Item::Envelope(envelope) = Item::decode(resolved[0].1.clone()).unwrap() else { panic!() };
    assert_eq!((envelope.from, envelope.id), (reference(9).blob.from, MessageId(9)));
    assert_eq!((envelope.kind, envelope.ciphertext.len()), (EnvelopeKind::SenderKey, 0));
    let of = envelope.group.unwrap();
    assert_eq!((of.group, of.epoch, of.change), (GroupId([3; 16]), 6, None));
    assert_eq!((envelope.accepted_at_ms, envelope.silent), (5, true));
}
