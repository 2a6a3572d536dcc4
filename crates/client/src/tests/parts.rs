//! Pieces on their own: the overlay, and how frames are filled.

use waxwing_wire::client_frame::{Copy, Request, RequestBody, Send};
use waxwing_wire::limits::{MAX_PLAINTEXT_BYTES, MAX_REQUESTS_PER_FRAME, MAX_SENDS_PER_FRAME};
use waxwing_wire::{AccountId, Bytes, DeviceId, EnvelopeKind, MessageId};

use crate::memory::MemoryDb;
use crate::overlay::Overlay;
use crate::record::RetryRow;
use crate::turn::{Outbound, Outgoing};
use crate::{Client, Error, Key, Table, Time, Write};

fn row(attempts: u32) -> RetryRow {
    RetryRow { attempts, ..RetryRow::default() }
}

#[test]
fn the_overlay_shows_what_the_step_has_changed() {
    use crate::record::Record as _;
    let mut db = MemoryDb::default();
    let rows = [1_u64, 3, 5].map(|order| Write::Row(Key::Outbox(order), Some(row(order as u32).pack())));
    db.apply(&rows.to_vec());
    let mut overlay = Overlay::new(&db);
    overlay.save(Key::Outbox(2), &row(2));
    overlay.save(Key::Outbox(3), &row(33));
    overlay.delete(Key::Outbox(1));
    let load = |overlay: &Overlay<'_>, order| {
        overlay.load::<RetryRow>(&Key::Outbox(order)).unwrap().map(|row| row.attempts)
    };
    assert_eq!([1, 2, 3, 5].map(|order| load(&overlay, order)), [None, Some(2), Some(33), Some(5)]);
    let list = |max| -> Vec<u32> {
        let rows = overlay.rows(Table::Outbox, &[], &[0xff; 9], max).unwrap();
        rows.iter().map(|(_, value)| RetryRow::unpack(value).unwrap().attempts).collect()
    };
    assert_eq!(list(9), [2, 33, 5]);
    assert_eq!(list(2), [2, 33], "deleted rows do not eat the bound");
    db.clone().apply(&overlay.into_batch());
}

fn send(bytes: usize) -> Send {
    let copy = Copy {
        device: DeviceId::PRIMARY,
        registration_id: 1,
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::from(vec![7; bytes]),
    };
    Send {
        id: MessageId(1),
        to: AccountId([1; 16]),
        copies: vec![copy],
        silent: false,
        attempt: 0,
        others: Vec::new(),
        files: Vec::new(),
    }
}

#[test]
fn frames_are_filled_up_to_the_bounds_of_the_wire() {
    for (count, bytes) in [(1, 10), (300, 10), (5, 48 * 1024), (90, 700), (0, 0)] {
        let out = Outgoing {
            sends: (0..count).map(|_| Outbound::Account(send(bytes))).collect(),
            ..Outgoing::default()
        };
        let frames = out.into_frames();
        assert_eq!(frames.iter().map(|frame| frame.sends.len()).sum::<usize>(), count);
        for frame in &frames {
            assert!(frame.encode().len() <= MAX_PLAINTEXT_BYTES && frame.sends.len() <= MAX_SENDS_PER_FRAME);
        }
        let least = (count * bytes).div_ceil(MAX_PLAINTEXT_BYTES).max(count.div_ceil(MAX_SENDS_PER_FRAME));
        assert!(frames.len() <= 2 * least, "{} frames for {count} of {bytes}", frames.len());
    }
}

#[test]
fn requests_are_bounded_and_prekeys_go_before_messages() {
    let fetch = |id| Request { id, what: RequestBody::FetchBundles(AccountId([1; 16]), Vec::new()) };
    let out = Outgoing {
        requests: (0..20).map(fetch).collect(),
        sends: vec![Outbound::Account(send(1))],
        ..Outgoing::default()
    };
    let frames = out.into_frames();
    assert!(frames.iter().all(|frame| frame.requests.len() <= MAX_REQUESTS_PER_FRAME));
    assert_eq!(frames.last().unwrap().sends.len(), 1);
    let upload = RequestBody::PublishPrekeys(Box::default());
    let requests = vec![Request { id: 1, what: upload }];
    let frames =
        Outgoing { requests, sends: vec![Outbound::Account(send(1))], ..Outgoing::default() }.into_frames();
    assert_eq!((frames.len(), frames[0].requests.len(), frames[1].sends.len()), (2, 1, 1));
}

#[test]
fn a_damaged_database_is_said_to_be_so() {
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(1);
    assert!(Client::open(&MemoryDb::default(), Time(0)).err() == Some(Error::Damaged("profile")));
    let mut db = MemoryDb::default();
    db.apply(&Client::create(Time(0), &mut rng));
    assert!(Client::open(&db, Time(0)).is_ok());
    db.apply(&vec![Write::Row(Key::Outbox(1), Some(vec![1, 0xff]))]);
    assert!(Client::open(&db, Time(0)).err() == Some(Error::Damaged("outbox")));
    db.apply(&vec![Write::Row(Key::Profile, Some(vec![1]))]);
    assert!(Client::open(&db, Time(0)).err() == Some(Error::Damaged("profile")));
}

#[test]
fn a_new_device_has_what_it_publishes() {
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(2);
    let mut db = MemoryDb::default();
    db.apply(&Client::create(Time(5), &mut rng));
    assert_eq!((db.count(Table::Profile), db.count(Table::Prekey)), (1, 122));
    let client = Client::open(&db, Time(5)).unwrap();
    assert!(client.address().is_none() && client.username().is_none() && client.outbox_len() == 0);
    let again = Client::open(&db, Time(5)).unwrap();
    assert_eq!(client.noise_key().to_bytes(), again.noise_key().to_bytes());
    assert_eq!(client.identity(), again.identity());
}

#[test]
fn keys_are_ordered_as_their_tables_are_read() {
    use waxwing_wire::DeviceAddress;
    let device = DeviceAddress { account: AccountId([0xab; 16]), device: DeviceId::new(3).unwrap() };
    let account = [0xab; 16].to_vec();
    let of = |key: Key| (key.table() as u8, key.bytes());
    let place = [&account[..], &[3]].concat();
    assert_eq!(of(Key::Profile), (1, vec![]));
    assert_eq!(of(Key::Session(device)), (2, place.clone()));
    assert_eq!(of(Key::Prekey(4, 0x0102)), (3, vec![4, 0, 0, 1, 2]));
    assert_eq!(of(Key::Peer(device.account)), (4, account.clone()));
    assert_eq!(of(Key::Outbox(0x0102)), (5, vec![0, 0, 0, 0, 0, 0, 1, 2]));
    assert_eq!(of(Key::Sent(MessageId(7))), (6, vec![0, 0, 0, 0, 0, 0, 0, 0, 7]));
    assert_eq!(of(Key::Silent(0x0102)), (6, vec![1, 1, 2]));
    let retry = [&place[..], &[0, 0, 0, 0, 0, 0, 0, 7]].concat();
    assert_eq!(of(Key::Retry(device, MessageId(7))), (7, retry));
    assert_eq!(of(Key::Devices(device.account)), (8, account));
}
