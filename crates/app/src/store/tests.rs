mod search;

use std::path::PathBuf;

use tempfile::TempDir;
use waxwing_client::conformance::{self, Engine};
use waxwing_client::{Body, Delivery, Direction, Notice};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId, Username};

use super::*;
use crate::key;

const ALICE: AccountId = AccountId([0xa1; 16]);
const BOB: AccountId = AccountId([0xb0; 16]);
pub const TO_ALICE: Conversation = Conversation::Account(ALICE);
const TO_BOB: Conversation = Conversation::Account(BOB);

pub struct OnDisk {
    pub store: Store,
    _folder: TempDir,
}

impl Read for OnDisk {
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, DbError> {
        self.store.row(key)
    }
    fn rows(&self, t: Table, from: &[u8], to: &[u8], max: usize) -> Result<Vec<RawRow>, DbError> {
        self.store.rows(t, from, to, max)
    }
    fn message(&self, key: &MessageKey) -> Result<Option<Message>, DbError> {
        self.store.message(key)
    }
    fn history(&self, with: Conversation, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        self.store.history(with, before, max)
    }
    fn recent(&self, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        self.store.recent(before, max)
    }
    fn count_since(&self, stored_at_ms: u64) -> Result<u64, DbError> {
        self.store.count_since(stored_at_ms)
    }
    fn unread(&self, with: Conversation, up_to: u64, max: usize) -> Result<Vec<Message>, DbError> {
        self.store.unread(with, up_to, max)
    }
}

impl Engine for OnDisk {
    fn commit(&mut self, batch: &Batch) -> Result<(), DbError> {
        self.store.apply(batch, &[]).map_err(|error| DbError(error.to_string()))
    }
}

fn some_key(folder: &TempDir) -> DatabaseKey {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    key::obtain(&folder.path().join("key.json"), None, true, &mut rng).unwrap().0
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("test.db")
}

fn open(folder: &TempDir, key: &DatabaseKey) -> Result<Store, StoreError> {
    Store::open(&path(folder), key, &mut |_| {})
}

pub fn empty() -> OnDisk {
    let folder = TempDir::new().unwrap();
    let store = open(&folder, &some_key(&folder)).unwrap();
    OnDisk { store, _folder: folder }
}

fn incoming(order: u64, body: Body, delivery: Delivery) -> Message {
    let from = DeviceAddress { account: BOB, device: DeviceId::PRIMARY };
    Message {
        key: MessageKey { from, id: MessageId(u64::MAX - order) },
        with: TO_BOB,
        order,
        direction: Direction::Incoming,
        sent_at_ms: u64::MAX,
        stored_at_ms: 5,
        body,
        delivery,
        position: u64::MAX,
        missing_before: u64::MAX,
        edited_at_ms: 0,
        expires_at_ms: 0,
    }
}

pub fn text(order: u64) -> Message {
    incoming(order, Body::plain(format!("m{order}")), Delivery::Delivered)
}

pub fn put(store: &mut Store, message: &Message) {
    store.apply(&vec![Write::Message(Box::new(message.clone()))], &[]).unwrap();
}

/// Unread messages, and those that the server does not have.
fn counts(store: &Store) -> (u64, u64) {
    let unread = store.unread_by_conversation().unwrap();
    (unread.iter().map(|(_, unread)| unread).sum(), store.pending().unwrap())
}

pub fn inbox(store: &Store) -> Vec<u64> {
    store.inbox(0, 100).unwrap().iter().map(|message| message.order).collect()
}

#[test]
fn passes_the_suite_that_every_engine_passes() {
    conformance::check(&mut empty);
}

#[test]
fn what_was_written_is_there_after_opening_again_and_only_under_the_same_key() {
    let folder = TempDir::new().unwrap();
    let key = some_key(&folder);
    let canary = "canary-7d1f0a-canary";
    {
        let mut store = open(&folder, &key).unwrap();
        put(&mut store, &incoming(1, Body::plain(canary), Delivery::Delivered));
        let row = Write::Row(Key::Profile, Some(canary.as_bytes().to_vec()));
        store.apply(&vec![row], &[Setting { name: canary.into(), value: Some(canary.into()) }]).unwrap();
        // The write-ahead log is still there: it must not show anything either.
        assert!(path(&folder).with_extension("db-wal").exists());
        assert_hidden(&folder, canary);
    }
    assert_hidden(&folder, canary);
    {
        let store = open(&folder, &key).unwrap();
        assert!(store.history(TO_BOB, u64::MAX, 9).unwrap()[0].body == Body::plain(canary));
        assert_eq!(store.setting(canary).unwrap().as_deref(), Some(canary.as_bytes()));
    }
    let other = some_key(&TempDir::new().unwrap());
    assert!(matches!(open(&folder, &other), Err(StoreError::WrongKey)));
    assert!(open(&folder, &key).is_ok(), "a wrong key has done no harm");
}

fn assert_hidden(folder: &TempDir, canary: &str) {
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for needle in [canary.as_bytes(), b"SQLite format"] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[test]
fn a_batch_that_fails_changes_nothing() {
    let mut db = empty();
    put(&mut db.store, &text(1));
    // A full disk in the small: the database may not grow any more.
    let pages: i64 = db.store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    db.store.connection.pragma_update(None, "max_page_count", pages + 2).unwrap();
    let big = Write::Row(Key::Profile, Some(vec![7; 100_000]));
    let batch = vec![Write::Message(Box::new(text(2))), Write::Row(Key::Outbox(1), Some(vec![1])), big];
    assert!(matches!(db.store.apply(&batch, &[]), Err(StoreError::Full)));
    assert!(db.store.row(&Key::Outbox(1)).unwrap().is_none());
    assert_eq!(db.store.history(TO_BOB, u64::MAX, 9).unwrap().len(), 1);
    db.store.connection.pragma_update(None, "max_page_count", pages + 200).unwrap();
    db.store.apply(&batch, &[]).unwrap();
    assert_eq!(db.store.history(TO_BOB, u64::MAX, 9).unwrap().len(), 2);
}

#[test]
fn what_is_shown_for_a_day_is_neither_mail_nor_found() {
    let store = &mut empty().store;
    put(store, &text(1));
    put(store, &Message { with: Conversation::Status(BOB), body: Body::plain("m1 shown"), ..text(2) });
    assert_eq!(inbox(store), [1]);
    assert_eq!(store.statuses().unwrap(), [Conversation::Status(BOB)]);
    let shown = store.history(Conversation::Status(BOB), u64::MAX, 9).unwrap();
    assert_eq!(shown.iter().map(|message| message.order).collect::<Vec<_>>(), [2]);
    let wanted = crate::search::Wanted::new("m1", None, None, None);
    let within = index::Within { before: u64::MAX, since_ms: 0, until_ms: u64::MAX };
    let hits = store.search(&wanted, &within, 9).unwrap().hits;
    assert_eq!(hits.iter().map(|(message, _)| message.order).collect::<Vec<_>>(), [1]);
}

#[test]
fn the_inbox_holds_what_arrived_until_it_is_acknowledged_or_read() {
    let store = &mut empty().store;
    for order in 1..=4 {
        put(store, &text(order));
    }
    assert_eq!(inbox(store), [1, 2, 3, 4]);
    store.acknowledge(&[text(2).key, text(4).key]).unwrap();
    put(store, &Message { delivery: Delivery::Read, ..text(3) });
    assert_eq!(inbox(store), [1]);
    // Written again, whatever for: what was acknowledged stays so.
    put(store, &text(2));
    assert_eq!(inbox(store), [1]);
}

#[test]
fn a_placeholder_enters_the_inbox_when_it_is_filled_even_if_it_was_passed_over() {
    let store = &mut empty().store;
    put(store, &incoming(1, Body::Waiting, Delivery::Delivered));
    put(store, &text(2));
    assert_eq!(inbox(store), [2]);
    store.acknowledge(&[text(1).key, text(2).key]).unwrap();
    assert_eq!(store.first_fresh(TO_BOB, 2).unwrap(), None);
    put(store, &text(1));
    assert_eq!(inbox(store), [1]);
    // So nobody can count it as read together with the one after it.
    assert_eq!(store.first_fresh(TO_BOB, 2).unwrap(), Some(1));
    assert_eq!(
        (store.first_fresh(TO_BOB, 0).unwrap(), store.first_fresh(TO_ALICE, 2).unwrap()),
        (None, None)
    );
    put(store, &incoming(3, Body::Waiting, Delivery::Delivered));
    put(store, &incoming(3, Body::Lost, Delivery::Delivered));
    assert_eq!(inbox(store), [1, 3]);
}

#[test]
fn a_conversation_has_its_newest_message_and_counts_what_can_be_read_and_was_not() {
    let store = &mut empty().store;
    assert!(store.summary(TO_BOB).unwrap().is_none());
    put(store, &text(1));
    put(store, &text(2));
    put(store, &incoming(3, Body::Waiting, Delivery::Delivered));
    let mut to_alice = text(4);
    to_alice.with = TO_ALICE;
    to_alice.direction = Direction::Outgoing;
    to_alice.delivery = Delivery::Pending;
    put(store, &to_alice);
    let seen = |store: &Store, with| store.summary(with).unwrap().map(|c| (c.unread, c.last.order));
    assert_eq!((seen(store, TO_ALICE), seen(store, TO_BOB)), (Some((0, 4)), Some((2, 3))));
    assert_eq!(counts(store), (2, 1));
    // What nobody wrote need not be read.
    put(store, &incoming(5, Body::Notice(Notice::IdentityChanged(BOB)), Delivery::Delivered));
    assert_eq!((seen(store, TO_BOB), counts(store)), (Some((2, 5)), (2, 1)));
    assert_eq!(inbox(store), [1, 2, 5], "but programs hear of it");
    // A group of the same digits is another conversation.
    assert!(store.summary(Conversation::Group(GroupId(BOB.0))).unwrap().is_none());
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let key = some_key(&folder);
    open(&folder, &key).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(open(&folder, &key), Err(StoreError::Newer(99))));
}

#[test]
fn a_database_of_a_trial_version_is_left_alone_and_says_so() {
    let folder = TempDir::new().unwrap();
    let key = some_key(&folder);
    open(&folder, &key).unwrap().connection.pragma_update(None, "user_version", 1).unwrap();
    let error = open(&folder, &key).err().unwrap();
    assert!(matches!(error, StoreError::Older(1)));
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn a_deleted_message_leaves_the_inbox() {
    let store = &mut empty().store;
    put(store, &text(1));
    put(store, &text(2));
    store.apply(&vec![Write::DeleteMessage(text(1).key)], &[]).unwrap();
    assert_eq!(inbox(store), [2]);
    assert_eq!(counts(store), (1, 0));
}

#[test]
fn history_pages_are_read_by_the_index() {
    let store = empty().store;
    let plan = |sql: &str| -> String {
        store.connection.query_row(&format!("EXPLAIN QUERY PLAN {sql}"), [], |row| row.get(3)).unwrap()
    };
    let history = plan(
        "SELECT text FROM messages WHERE conversation = x'00' AND \"order\" < 5 ORDER BY \"order\" DESC LIMIT 3",
    );
    assert!(history.contains("messages_history"), "{history}");
    let recent = plan("SELECT text FROM messages WHERE \"order\" < 5 ORDER BY \"order\" DESC LIMIT 3");
    assert!(recent.contains("messages_order"), "{recent}");
    let count = plan("SELECT count(*) FROM messages WHERE stored_at >= 5");
    assert!(count.contains("messages_stored"), "{count}");
    let inbox = plan("SELECT text FROM messages WHERE fresh = 1 ORDER BY \"order\" LIMIT 3");
    assert!(inbox.contains("messages_fresh"), "{inbox}");
    let unread = plan("SELECT count(*) FROM messages WHERE direction = 1 AND delivery = 2");
    assert!(unread.contains("messages_unread"), "{unread}");
    let unread = plan(&UNREAD_IN.replace("?1", "x'00'"));
    assert!(unread.contains("messages_unread (conversation=?)"), "{unread}");
}

#[test]
fn nothing_of_the_contents_is_in_an_error() {
    let name = Username::parse("bobby").unwrap();
    let mut db = empty();
    db.store.connection.execute_batch("DROP TABLE messages").unwrap();
    let mut message = text(1);
    message.body = Body::plain(name.as_str());
    let error = db.store.apply(&vec![Write::Message(Box::new(message))], &[]).unwrap_err().to_string();
    assert!(!error.contains("bobby"), "{error}");
}
