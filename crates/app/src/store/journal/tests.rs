use super::*;
use crate::store::Beside;
use crate::store::tests::{empty, inbox, put, text};

fn note_all(store: &mut Store, journal: &[Noted]) {
    store.apply_with(&Vec::new(), &Beside { journal, now_ms: 5, ..Beside::default() }).unwrap();
}

fn ids(store: &Store, after: u64) -> Vec<u64> {
    store.journal(after, 9_999).unwrap().iter().map(|row| row.id).collect()
}

#[test]
fn a_journal_begins_with_the_inbox_and_acknowledging_empties_both() {
    let store = &mut empty().store;
    for order in 1..=3 {
        put(store, &text(order));
    }
    assert_eq!(store.journal_acknowledged().unwrap(), None);
    store.acknowledge_journal(9).unwrap();
    assert_eq!(inbox(store), [1, 2, 3], "without a journal there is nothing to acknowledge");
    store.keep_journal(7).unwrap();
    store.keep_journal(8).unwrap();
    assert_eq!((store.journal_acknowledged().unwrap(), store.journal_newest().unwrap()), (Some(0), 3));
    let first = JournalRow { id: 1, at_ms: 7, what: Noted::Message(text(1).key) };
    assert_eq!(store.journal(0, 1).unwrap(), [first]);
    let delivered = Noted::Delivery(text(9).key, Delivery::Read);
    note_all(store, &[delivered]);
    assert_eq!(store.journal(3, 9).unwrap(), [JournalRow { id: 4, at_ms: 5, what: delivered }]);
    store.acknowledge_journal(2).unwrap();
    assert_eq!((inbox(store), store.journal_acknowledged().unwrap()), (vec![3], Some(2)));
    store.acknowledge_journal(1).unwrap();
    assert_eq!(store.journal_acknowledged().unwrap(), Some(2), "not back");
    store.acknowledge_journal(99).unwrap();
    assert_eq!(store.journal_acknowledged().unwrap(), Some(4), "not further than there is");
    assert_eq!(ids(store, 0), [1, 2, 3, 4], "for whoever comes back");
}

#[test]
fn old_entries_go_and_their_ids_are_never_used_again() {
    let store = &mut empty().store;
    store.keep_journal(1).unwrap();
    let many = vec![Noted::Message(text(1).key); 500];
    for _ in 0..4 {
        note_all(store, &many);
    }
    store.acknowledge_journal(2_000).unwrap();
    assert_eq!(ids(store, 0), (1_001..=2_000).collect::<Vec<_>>());
    store.connection.execute("DELETE FROM journal", []).unwrap();
    note_all(store, &many[..1]);
    assert_eq!(ids(store, 0), [2_001]);
    assert_eq!(store.journal_newest().unwrap(), 2_001);
}

#[test]
fn what_nobody_acknowledges_is_bounded() {
    let store = &mut empty().store;
    store.keep_journal(1).unwrap();
    let max = usize::try_from(MAX_JOURNAL_ENTRIES).unwrap();
    note_all(store, &vec![Noted::Message(text(1).key); max + 10]);
    assert_eq!(store.journal(0, 1).unwrap().first().map(|row| row.id), Some(11));
}

#[test]
fn what_was_done_under_a_key_is_remembered_with_what_it_made() {
    let store = &mut empty().store;
    let once = Once { key: "k".into(), request: [7; 32], message: Some("m".into()) };
    let beside = Beside { once: std::slice::from_ref(&once), ..Beside::default() };
    store.apply_with(&Vec::new(), &beside).unwrap();
    assert!(store.once("k").unwrap() == Some(once.clone()));
    assert!(store.once("other").unwrap().is_none());
    let again = store.apply_with(&Vec::new(), &beside);
    assert!(again.is_err(), "the engine looks before");
}

#[test]
fn a_message_is_found_by_its_author_and_time() {
    let store = &mut empty().store;
    let message = text(1);
    put(store, &message);
    let found = |time, with| store.sent_at(message.key.from.account, time, with).unwrap().map(|m| m.order);
    assert_eq!(found(message.sent_at_ms, None), Some(1));
    assert_eq!(found(message.sent_at_ms, Some(message.with)), Some(1));
    assert_eq!(found(message.sent_at_ms, Some(crate::store::tests::TO_ALICE)), None);
    assert_eq!(found(message.sent_at_ms - 1, None), None);
}

#[test]
fn how_often_somebody_did_something_is_counted_for_each() {
    let store = &mut empty().store;
    store.keep_journal(1).unwrap();
    let act = |account: u8, device: u8, kind: u32, at: u64| {
        let by = DeviceAddress { account: AccountId([account; 16]), device: DeviceId::new(device).unwrap() };
        Act { by, at, kind }
    };
    let (one, other) = (text(1).key, text(2).key);
    // A vote from either device of an account, another account's, another kind, another message.
    let acts =
        [(one, act(7, 1, 6, 1)), (one, act(7, 2, 6, 2)), (one, act(8, 1, 6, 3)), (one, act(7, 1, 1, 4))];
    let mut noted: Vec<Noted> = acts.iter().map(|(key, act)| Noted::Act(*key, *act)).collect();
    noted.push(Noted::Act(other, act(7, 1, 6, 5)));
    noted.push(Noted::Act(one, act(7, 1, 6, 6)));
    note_all(store, &noted);
    let times = |up_to, key, act| store.times_done(up_to, &key, act).unwrap();
    assert_eq!(times(1, one, act(7, 1, 6, 1)), 1);
    assert_eq!(times(2, one, act(7, 2, 6, 2)), 2);
    assert_eq!(times(3, one, act(8, 1, 6, 3)), 1);
    assert_eq!(times(5, other, act(7, 1, 6, 5)), 1);
    assert_eq!(times(6, one, act(7, 1, 6, 6)), 3);
}
