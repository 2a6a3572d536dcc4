use super::*;
use crate::api::MessageKind as Kind;
use crate::search::Wanted;
use crate::store::index::{Found, Indexing, Within};

const EVER: Within = Within { before: u64::MAX, since_ms: 0, until_ms: u64::MAX };
const DAY_MS: u64 = 86_400_000;
const NONE: [u64; 0] = [];

fn said(order: u64, text: &str) -> Message {
    incoming(order, Body::plain(text), Delivery::Delivered)
}

fn orders(found: &Found) -> Vec<u64> {
    found.hits.iter().map(|(message, _)| message.order).collect()
}

fn search(store: &Store, text: &str) -> Vec<u64> {
    orders(&store.search(&Wanted::new(text, None, None, None), &EVER, 100).unwrap())
}

/// The index is sound, and holds exactly the words of the messages that are there.
fn check_index(store: &Store) {
    let connection = &store.connection;
    connection.execute_batch("INSERT INTO search (search) VALUES ('integrity-check')").unwrap();
    connection
        .execute_batch(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.found USING fts5vocab('main', 'search', 'instance')",
        )
        .unwrap();
    let mut held = connection.prepare("SELECT doc, term FROM temp.found").unwrap();
    let held = held.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
    let mut held: Vec<_> = held.map(Result::unwrap).collect();
    held.sort();
    held.dedup();
    let mut expected = Vec::new();
    for message in store.recent(u64::MAX, 10_000).unwrap() {
        let words = crate::search::words(&message).unwrap_or_default();
        expected.extend(words.split_whitespace().map(|word| (to_sql(message.order), word.to_owned())));
    }
    expected.sort();
    expected.dedup();
    // Not all of them, where they differ: they are many.
    assert!(held == expected, "{:?}", held.iter().zip(&expected).find(|(held, expected)| held != expected));
}

#[test]
fn the_newest_comes_first_and_pages_follow_each_other() {
    let mut db = empty();
    for order in 1..=25 {
        put(&mut db.store, &said(order, if order % 2 == 0 { "even tea" } else { "odd tea" }));
    }
    let wanted = Wanted::new("tea", None, None, None);
    let first = db.store.search(&wanted, &EVER, 10).unwrap();
    assert_eq!(orders(&first), (16..=25).rev().collect::<Vec<_>>());
    let second = db.store.search(&wanted, &Within { before: first.next.unwrap(), ..EVER }, 10).unwrap();
    assert_eq!(orders(&second), (6..=15).rev().collect::<Vec<_>>());
    let third = db.store.search(&wanted, &Within { before: second.next.unwrap(), ..EVER }, 10).unwrap();
    assert_eq!((orders(&third), third.next), ((1..=5).rev().collect(), None));
    assert_eq!(search(&db.store, "odd"), (1..=25).rev().step_by(2).collect::<Vec<_>>());
    check_index(&db.store);
}

#[test]
fn a_message_that_is_rewritten_is_found_by_what_it_says_now() {
    let mut db = empty();
    put(&mut db.store, &incoming(1, Body::Waiting, Delivery::Delivered));
    assert_eq!(search(&db.store, ""), NONE);
    put(&mut db.store, &said(1, "first words 北京"));
    assert_eq!((search(&db.store, "first"), search(&db.store, "北京")), (vec![1], vec![1]));
    put(&mut db.store, &said(1, "other words"));
    assert_eq!((search(&db.store, "first"), search(&db.store, "other")), (vec![], vec![1]));
    let mut ticked = said(1, "other words");
    ticked.delivery = Delivery::Read;
    put(&mut db.store, &ticked);
    assert_eq!(search(&db.store, "words"), [1]);
    // Written and deleted in one step, and the other way round.
    let (a, b) = (said(2, "two"), said(3, "three"));
    put(&mut db.store, &b);
    let write = |message: &Message| Write::Message(Box::new(message.clone()));
    let batch =
        vec![write(&a), Write::DeleteMessage(a.key), Write::DeleteMessage(b.key), write(&b), write(&b)];
    db.store.apply(&batch, &[]).unwrap();
    assert_eq!(search(&db.store, ""), [3, 1]);
    check_index(&db.store);
    put(&mut db.store, &incoming(1, Body::Lost, Delivery::Delivered));
    assert_eq!(search(&db.store, ""), [3]);
    check_index(&db.store);
}

#[test]
fn messages_that_lose_words_can_still_be_deleted() {
    let mut db = empty();
    for text in ["one two three", "one two", "one", "", "one"] {
        put(&mut db.store, &said(1, text));
    }
    check_index(&db.store);
    db.store.apply(&vec![Write::DeleteMessage(said(1, "").key)], &[]).unwrap();
    check_index(&db.store);
}

#[test]
fn what_is_deleted_leaves_no_trace_in_the_index() {
    let mut db = empty();
    for order in 1..=300 {
        put(&mut db.store, &said(order, &format!("weather number{order} tomorrow")));
    }
    let secret = said(301, "weather zyxwvutsecretsrqp tomorrow");
    put(&mut db.store, &secret);
    for order in 302..=600 {
        put(&mut db.store, &said(order, &format!("weather number{order} tomorrow")));
    }
    let traces = |store: &Store| -> i64 {
        let sql = "SELECT count(*) FROM search_data WHERE instr(block, CAST('wvutsecrets' AS BLOB)) > 0";
        store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert!(traces(&db.store) > 0);
    db.store.apply(&vec![Write::DeleteMessage(secret.key)], &[]).unwrap();
    assert_eq!(traces(&db.store), 0, "not only left out: gone");
    assert_eq!(search(&db.store, "zyx"), NONE);
    assert_eq!(search(&db.store, "weather").len(), 100);
    check_index(&db.store);
    let all = (1..=600).map(|order| Write::DeleteMessage(said(order, "").key)).collect();
    db.store.apply(&all, &[]).unwrap();
    check_index(&db.store);
    assert_eq!(search(&db.store, ""), NONE);
}

#[test]
fn archived_messages_come_with_descending_orders() {
    let mut db = empty();
    let batch: Vec<_> =
        (1..=50).rev().map(|order| Write::Message(Box::new(said(order, "old tea")))).collect();
    db.store.apply(&batch, &[]).unwrap();
    let count = "SELECT count(*) FROM search_idx";
    let segments: i64 = db.store.connection.query_row(count, [], |row| row.get(0)).unwrap();
    assert!(segments <= 2, "one transaction is one segment, not one for each message: {segments}");
    assert_eq!(search(&db.store, "tea").len(), 50);
}

#[test]
fn by_person_conversation_kind_and_date() {
    let mut db = empty();
    let mut put_at = |order: u64, day: u64, from: AccountId, with, text: &str| {
        let mut message = said(order, text);
        message.key.from.account = from;
        message.with = with;
        message.stored_at_ms = day * DAY_MS + 1_000;
        put(&mut db.store, &message);
    };
    let group = Conversation::Group(GroupId([7; 16]));
    put_at(1, 10, ALICE, TO_ALICE, "tea");
    put_at(2, 11, BOB, TO_BOB, "tea https://tea.example");
    put_at(3, 12, BOB, group, "more tea");
    put_at(4, 12, ALICE, group, "coffee");
    // Somebody's clock was wrong for a while.
    put_at(5, 3, ALICE, group, "tea again");
    put_at(6, 13, BOB, TO_BOB, "tea at last");
    let store = &db.store;
    let find = |text, with, from, kind, since_ms, until_ms| {
        let wanted = Wanted::new(text, with, from, kind);
        orders(&store.search(&wanted, &Within { before: u64::MAX, since_ms, until_ms }, 100).unwrap())
    };
    let ever = u64::MAX;
    assert_eq!(find("tea", None, Some(ALICE), None, 0, ever), [5, 1]);
    assert_eq!(find("tea", Some(group), None, None, 0, ever), [5, 3]);
    assert_eq!(find("", Some(group), Some(ALICE), None, 0, ever), [5, 4]);
    assert_eq!(find("", None, None, Some(Kind::Link), 0, ever), [2]);
    assert_eq!(find("tea", None, None, None, 11 * DAY_MS, 13 * DAY_MS), [3, 2]);
    assert_eq!(find("", None, None, None, 12 * DAY_MS + 1_000, 12 * DAY_MS + 1_001), [4, 3]);
    assert_eq!(find("", None, None, None, 12 * DAY_MS, 12 * DAY_MS + 1_000), NONE);
    assert_eq!(find("tea", None, None, None, 0, 4 * DAY_MS), [5]);
    assert_eq!(find("tea", None, None, None, 13 * DAY_MS, ever), [6]);
    assert_eq!(find("tea", None, None, None, 20 * DAY_MS, ever), NONE);
    assert_eq!(find("tea", None, None, None, 5, 5), NONE);
    assert_eq!(find("tea", None, None, None, 0, 0), NONE);
}

#[test]
fn what_people_type_is_never_the_language_of_the_index() {
    let mut db = empty();
    put(&mut db.store, &said(1, "one AND two OR NOT three NEAR four"));
    let searches = [
        "\"",
        "\"\"",
        "\"\"\"",
        "'",
        "*",
        "a*",
        "^one",
        "words:one",
        "words : one",
        "{words}: one",
        "-one",
        "+one",
        "one AND",
        "OR",
        "NOT",
        "NOT one",
        "NEAR(one two)",
        "(",
        ")",
        "(one",
        "one)",
        "\\",
        "%",
        "_",
        ";",
        "--",
        "'; DROP TABLE messages; --",
        "\u{0}",
        "one\u{0}two",
        "\u{80}m",
        "\u{80}",
        "\u{feff}",
        "\u{202e}",
        "🏳️‍🌈",
        "ﷺ",
        "one \"two",
        "rank",
        "search",
    ];
    for text in searches {
        let wanted = Wanted::new(text, None, None, None);
        assert!(db.store.search(&wanted, &EVER, 100).is_ok(), "{text:?}");
    }
    assert_eq!(search(&db.store, "OR NOT AND"), [1], "they are words like others");
    assert_eq!(search(&db.store, "four OR five"), NONE);
    assert_eq!(search(&db.store, "\u{80}m"), NONE, "only the letter");
    assert_eq!(search(&db.store, "\u{80}ktext"), NONE);
    let long = "one ".repeat(256);
    assert_eq!(search(&db.store, &long), [1]);
    let many: String = (0..500).map(|number| format!("{number} ")).collect();
    assert_eq!(search(&db.store, &many), NONE);
}

#[test]
fn a_database_of_schema_2_is_indexed_when_it_is_opened() {
    let folder = TempDir::new().unwrap();
    let key = some_key(&folder);
    {
        let mut store = open(&folder, &key).unwrap();
        for order in 1..=40 {
            put(&mut store, &said(order * 3, &format!("tea number{order}")));
        }
        put(&mut store, &incoming(200, Body::Waiting, Delivery::Delivered));
        let back = "ALTER TABLE messages DROP COLUMN edited_at; ALTER TABLE messages DROP COLUMN expires_at;
                    DROP TABLE search; DROP TABLE search_days; DROP TABLE search_state; DROP TABLE journal;
                    DROP TABLE once; DROP TABLE cloud; DROP TABLE away; DROP INDEX messages_sent;
                    PRAGMA user_version = 2;";
        store.connection.execute_batch(back).unwrap();
    }
    let mut told = Vec::new();
    let store = Store::open(&path(&folder), &key, &mut |indexing| told.push(indexing)).unwrap();
    assert_eq!(told, [Indexing { done: 41, total: 41 }]);
    assert_eq!((search(&store, "tea").len(), search(&store, "number17")), (40, vec![51]));
    check_index(&store);
    drop(store);
    // Once.
    Store::open(&path(&folder), &key, &mut |_| panic!("it is made already")).unwrap();
    // Interrupted in the middle.
    let store = open(&folder, &key).unwrap();
    store
        .connection
        .execute_batch(
            "INSERT INTO search (search) VALUES ('delete-all'); UPDATE search_state SET made_to = 60;",
        )
        .unwrap();
    drop(store);
    assert_eq!(search(&open(&folder, &key).unwrap(), "tea").len(), 20, "it goes on where it was");
    // By a version whose words are others.
    let store = open(&folder, &key).unwrap();
    store.connection.execute_batch("UPDATE search_state SET version = 'other'").unwrap();
    drop(store);
    let store = open(&folder, &key).unwrap();
    assert_eq!(search(&store, "tea").len(), 40);
    check_index(&store);
}

#[test]
fn searches_are_answered_by_the_index_in_its_own_order() {
    let store = empty().store;
    let sql = "EXPLAIN QUERY PLAN SELECT text FROM search CROSS JOIN messages ON \"order\" = search.rowid
               WHERE search MATCH 'a' AND search.rowid BETWEEN 1 AND 2 ORDER BY search.rowid DESC";
    let mut statement = store.connection.prepare(sql).unwrap();
    let steps: Vec<String> = statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    assert_eq!(steps.len(), 2, "nothing is sorted: {steps:?}");
    assert!(steps[1].contains("messages_order"), "{steps:?}");
}

#[test]
fn the_index_stays_sound_whatever_comes() {
    let mut db = empty();
    let mut seed = 7_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let some = ["tea", "北京", "กินข้าว", "Straße", "👍🏽", "number", "weather", "あした"];
    for _ in 0..150 {
        let mut batch = Vec::new();
        for _ in 0..draw(8) {
            let order = 1 + draw(120);
            let text: Vec<&str> = (0..draw(5)).filter_map(|_| some.get(draw(8) as usize).copied()).collect();
            batch.push(match draw(3) {
                0 => Write::DeleteMessage(said(order, "").key),
                _ => Write::Message(Box::new(said(order, &text.join(" ")))),
            });
        }
        db.store.apply(&batch, &[]).unwrap();
    }
    check_index(&db.store);
}

#[test]
fn long_lists_stay_sound_when_something_is_taken_out_of_them() {
    let mut db = empty();
    let all: Vec<_> =
        (1..=12_000).map(|order| said(order, if order % 3 == 0 { "tea" } else { "tea 北京" })).collect();
    for page in all.chunks(3_000) {
        let batch = page.iter().map(|message| Write::Message(Box::new(message.clone()))).collect();
        db.store.apply(&batch, &[]).unwrap();
    }
    let gone = |order: u64| order.is_multiple_of(2) || (4_000..9_000).contains(&order);
    let deleted: Vec<_> = all.iter().filter(|message| gone(message.order)).collect();
    for page in deleted.chunks(256) {
        let batch = page.iter().map(|message| Write::DeleteMessage(message.key)).collect();
        db.store.apply(&batch, &[]).unwrap();
    }
    check_index(&db.store);
    let wanted = Wanted::new("tea", None, None, None);
    let found = db.store.search(&wanted, &Within { before: 9_500, ..EVER }, 1_000).unwrap();
    assert_eq!(
        orders(&found),
        (1..9_500).rev().filter(|order| !gone(*order)).take(1_000).collect::<Vec<_>>()
    );
    db.store.apply(&all.iter().map(|message| Write::DeleteMessage(message.key)).collect(), &[]).unwrap();
    check_index(&db.store);
}
