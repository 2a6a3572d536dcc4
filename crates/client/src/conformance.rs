//! What every engine under the client core must do, as one suite that each engine's tests call. It panics at
//! the first difference.

use waxwing_wire::content::Conversation;
use waxwing_wire::group::{Action, Change};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId};

use crate::db::{Batch, DbError, Key, Read, Table, Write};
use crate::row::{Body, Delivery, Direction, Message, MessageKey, Notice};

/// A database that can be written.
pub trait Engine: Read {
    /// Commits a batch in one transaction: all of it or, on an error, nothing.
    ///
    /// # Errors
    /// See [`DbError`].
    fn commit(&mut self, batch: &Batch) -> Result<(), DbError>;
}

/// Runs the suite; `empty` makes an empty database of its own on every call.
///
/// # Panics
/// Where the engine does something else than this suite says.
pub fn check<E: Engine>(empty: &mut dyn FnMut() -> E) {
    rows_are_written_replaced_and_deleted(&mut empty());
    later_changes_of_a_batch_win(&mut empty());
    ranges_are_ascending_and_bounded(&mut empty());
    tables_do_not_touch(&mut empty());
    messages_keep_every_column(&mut empty());
    history_goes_back_from_newest(&mut empty());
    unread_goes_forward_from_oldest(&mut empty());
    conversations_do_not_touch(&mut empty());
    recent_goes_over_all_conversations(&mut empty());
    count_since_looks_at_the_time_of_storing(&mut empty());
    deleted_messages_are_nowhere(&mut empty());
}

const ALICE: AccountId = AccountId([0xa1; 16]);
const BOB: AccountId = AccountId([0xb0; 16]);
const CAROL: AccountId = AccountId([0xff; 16]);

fn device(account: AccountId, number: u8) -> DeviceAddress {
    DeviceAddress { account, device: DeviceId::new(number).unwrap_or(DeviceId::PRIMARY) }
}

fn done<T>(result: Result<T, DbError>) -> T {
    result.expect("an engine under test does not fail")
}

fn put(key: Key, value: &[u8]) -> Write {
    Write::Row(key, Some(value.to_vec()))
}

fn message(with: AccountId, order: u64, direction: Direction, delivery: Delivery) -> Message {
    let from = if direction == Direction::Incoming { with } else { ALICE };
    Message {
        key: MessageKey { from: device(from, 1), id: MessageId(u64::MAX - order) },
        with: Conversation::Account(with),
        order,
        direction,
        sent_at_ms: 1_000 + order,
        stored_at_ms: 2_000 + order,
        body: Body::plain(format!("message {order}")),
        delivery,
        position: order % 7,
        missing_before: order % 3,
        edited_at_ms: order % 5,
        expires_at_ms: order % 7,
    }
}

fn write(message: &Message) -> Write {
    Write::Message(Box::new(message.clone()))
}

fn rows_are_written_replaced_and_deleted(db: &mut dyn Engine) {
    let key = Key::Session(device(BOB, 127));
    assert_eq!(done(db.row(&key)), None, "nothing is there at first");
    done(db.commit(&vec![put(key.clone(), b"one")]));
    assert_eq!(done(db.row(&key)).as_deref(), Some(&b"one"[..]), "a row is written");
    done(db.commit(&vec![put(key.clone(), b"")]));
    assert_eq!(done(db.row(&key)).as_deref(), Some(&b""[..]), "a row is replaced, and may be empty");
    done(db.commit(&vec![Write::Row(key.clone(), None)]));
    assert_eq!(done(db.row(&key)), None, "a row is deleted");
    done(db.commit(&vec![Write::Row(key.clone(), None)]));
    assert_eq!(done(db.row(&key)), None, "deleting what is not there is no error");
}

fn later_changes_of_a_batch_win(db: &mut dyn Engine) {
    let (kept, gone) = (Key::Prekey(1, 7), Key::Prekey(1, 8));
    done(db.commit(&vec![
        put(kept.clone(), b"early"),
        put(gone.clone(), b"early"),
        Write::Row(gone.clone(), None),
        put(kept.clone(), b"late"),
    ]));
    assert_eq!(done(db.row(&kept)).as_deref(), Some(&b"late"[..]), "the later value");
    assert_eq!(done(db.row(&gone)), None, "the later deletion");
}

fn ranges_are_ascending_and_bounded(db: &mut dyn Engine) {
    let orders = [3_u64, 1, 256, 2, u64::MAX];
    done(db.commit(&orders.iter().map(|order| put(Key::Outbox(*order), &order.to_be_bytes())).collect()));
    let keys = |from: u64, to: &[u8], max: usize| -> Vec<u64> {
        let rows = done(db.rows(Table::Outbox, &from.to_be_bytes(), to, max));
        rows.iter()
            .map(|(key, value)| {
                assert_eq!(key, value, "each row has its own value");
                key.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            })
            .collect()
    };
    let end = [0xff; 9];
    assert_eq!(keys(0, &end, 10), [1, 2, 3, 256, u64::MAX], "ascending by bytes");
    assert_eq!(keys(2, &end, 2), [2, 3], "from inclusive, at most so many");
    assert_eq!(keys(0, &3_u64.to_be_bytes(), 10), [1, 2], "to exclusive");
    assert_eq!(keys(3, &3_u64.to_be_bytes(), 10), [0; 0], "an empty range");
    assert_eq!(keys(9, &3_u64.to_be_bytes(), 10), [0; 0], "a range the wrong way round is empty");
}

fn tables_do_not_touch(db: &mut dyn Engine) {
    done(db.commit(&vec![put(Key::Peer(BOB), b"peer"), put(Key::Devices(BOB), b"devices")]));
    assert_eq!(done(db.row(&Key::Peer(BOB))).as_deref(), Some(&b"peer"[..]));
    assert_eq!(done(db.row(&Key::Devices(BOB))).as_deref(), Some(&b"devices"[..]));
    let peers = done(db.rows(Table::Peer, &[], &[0xff; 17], 10));
    assert_eq!(peers, [(BOB.0.to_vec(), b"peer".to_vec())], "a range stays in its table");
    done(db.commit(&vec![put(Key::Profile, b"profile")]));
    assert_eq!(done(db.row(&Key::Profile)).as_deref(), Some(&b"profile"[..]), "a key may be empty");
    assert_eq!(done(db.rows(Table::Profile, &[], &[0xff], 10)).len(), 1, "and is in the range from nothing");
}

fn messages_keep_every_column(db: &mut dyn Engine) {
    let change = Change {
        group: GroupId([7; 16]),
        epoch: 3,
        previous: Some([9; 32]),
        by: device(BOB, 2),
        at_ms: 11,
        actions: vec![Action::Name("Ünïcödé".into()), Action::Remove(CAROL)],
    };
    let bodies = [
        Body::plain("Ünïcödé 🐦\0\n"),
        Body::Waiting,
        Body::Lost,
        Body::Unknown,
        Body::Notice(Notice::IdentityChanged(BOB)),
        Body::Notice(Notice::GroupChanged(Box::new(change))),
        Body::Notice(Notice::Joined(BOB)),
        Body::Notice(Notice::GroupForked(CAROL)),
        Body::Notice(Notice::ServerDisagrees(CAROL)),
        Body::Notice(Notice::Lifetime(BOB, 86_400)),
    ];
    let deliveries =
        [Delivery::Pending, Delivery::Sent, Delivery::Delivered, Delivery::Read, Delivery::Failed];
    let mut order = 0;
    for body in bodies {
        for delivery in deliveries {
            order += 1;
            let mut written = message(BOB, order, Direction::Outgoing, delivery);
            written.body = body.clone();
            done(db.commit(&vec![write(&written)]));
            assert!(done(db.message(&written.key)) == Some(written), "message {order} comes back as it was");
        }
    }
    let mut changed = message(BOB, 1, Direction::Outgoing, Delivery::Read);
    changed.sent_at_ms = 0;
    changed.body = Body::plain("filled");
    done(db.commit(&vec![write(&changed)]));
    assert!(done(db.message(&changed.key)) == Some(changed), "a message is replaced by its name");
    assert_eq!(done(db.history(Conversation::Account(BOB), u64::MAX, 100)).len(), 50, "and is there once");
    let other = MessageKey { from: device(BOB, 2), id: MessageId(1) };
    assert!(done(db.message(&other)).is_none(), "an unknown name is none");
}

fn orders(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.order).collect()
}

fn history_goes_back_from_newest(db: &mut dyn Engine) {
    let mut batch = Vec::new();
    for order in 1..=9 {
        let with = if order % 3 == 0 { CAROL } else { BOB };
        batch.push(write(&message(with, order, Direction::Incoming, Delivery::Delivered)));
    }
    done(db.commit(&batch));
    assert_eq!(
        orders(&done(db.history(Conversation::Account(BOB), u64::MAX, 3))),
        [8, 7, 5],
        "newest first, one conversation"
    );
    assert_eq!(orders(&done(db.history(Conversation::Account(BOB), 5, 9))), [4, 2, 1], "before is exclusive");
    assert_eq!(orders(&done(db.history(Conversation::Account(CAROL), u64::MAX, 9))), [9, 6, 3]);
    assert_eq!(orders(&done(db.history(Conversation::Account(ALICE), u64::MAX, 9))), [0; 0]);
}

fn unread_goes_forward_from_oldest(db: &mut dyn Engine) {
    done(db.commit(&vec![
        write(&message(BOB, 1, Direction::Incoming, Delivery::Delivered)),
        write(&message(BOB, 2, Direction::Incoming, Delivery::Read)),
        write(&message(BOB, 3, Direction::Outgoing, Delivery::Delivered)),
        write(&message(BOB, 4, Direction::Incoming, Delivery::Delivered)),
        write(&message(CAROL, 5, Direction::Incoming, Delivery::Delivered)),
        write(&message(BOB, 6, Direction::Incoming, Delivery::Delivered)),
    ]));
    assert_eq!(
        orders(&done(db.unread(Conversation::Account(BOB), u64::MAX, 9))),
        [1, 4, 6],
        "incoming and unread, oldest first"
    );
    assert_eq!(orders(&done(db.unread(Conversation::Account(BOB), 4, 9))), [1, 4], "up_to is inclusive");
    assert_eq!(orders(&done(db.unread(Conversation::Account(BOB), 6, 2))), [1, 4], "at most so many");
    done(db.commit(&vec![write(&message(BOB, 1, Direction::Incoming, Delivery::Read))]));
    assert_eq!(
        orders(&done(db.unread(Conversation::Account(BOB), u64::MAX, 9))),
        [4, 6],
        "what was read goes"
    );
}

fn conversations_do_not_touch(db: &mut dyn Engine) {
    let mut to_group = message(BOB, 1, Direction::Incoming, Delivery::Delivered);
    to_group.with = Conversation::Group(GroupId(BOB.0));
    let alone = message(BOB, 2, Direction::Incoming, Delivery::Delivered);
    done(db.commit(&vec![write(&to_group), write(&alone)]));
    assert_eq!(orders(&done(db.history(to_group.with, u64::MAX, 9))), [1], "a group of the same bytes");
    assert_eq!(orders(&done(db.history(alone.with, u64::MAX, 9))), [2]);
    assert_eq!(orders(&done(db.unread(to_group.with, u64::MAX, 9))), [1]);
    assert_eq!(orders(&done(db.unread(alone.with, u64::MAX, 9))), [2]);
    assert!(done(db.message(&to_group.key)) == Some(to_group), "comes back in its conversation");
}

fn recent_goes_over_all_conversations(db: &mut dyn Engine) {
    let mut batch = Vec::new();
    for order in 1..=6 {
        let mut one =
            message(if order % 2 == 0 { CAROL } else { BOB }, order, Direction::Outgoing, Delivery::Sent);
        if order == 3 {
            one.with = Conversation::Group(GroupId([3; 16]));
        }
        batch.push(write(&one));
    }
    done(db.commit(&batch));
    assert_eq!(orders(&done(db.recent(u64::MAX, 4))), [6, 5, 4, 3], "newest first, every conversation");
    assert_eq!(orders(&done(db.recent(3, 9))), [2, 1], "before is exclusive");
    assert_eq!(orders(&done(db.recent(1, 9))), [0; 0]);
}

fn count_since_looks_at_the_time_of_storing(db: &mut dyn Engine) {
    for order in 1..=5 {
        done(db.commit(&vec![write(&message(BOB, order, Direction::Incoming, Delivery::Read))]));
    }
    // Stored at 2,001 to 2,005.
    assert_eq!(done(db.count_since(0)), 5);
    assert_eq!(done(db.count_since(2_004)), 2, "at or after");
    assert_eq!(done(db.count_since(2_006)), 0);
}

fn deleted_messages_are_nowhere(db: &mut dyn Engine) {
    let gone = message(BOB, 1, Direction::Incoming, Delivery::Delivered);
    let kept = message(BOB, 2, Direction::Incoming, Delivery::Delivered);
    done(db.commit(&vec![write(&gone), write(&kept)]));
    done(db.commit(&vec![Write::DeleteMessage(gone.key), Write::DeleteMessage(gone.key)]));
    assert!(done(db.message(&gone.key)).is_none(), "a message is deleted, and once more is no error");
    assert_eq!(orders(&done(db.history(kept.with, u64::MAX, 9))), [2]);
    assert_eq!(orders(&done(db.unread(kept.with, u64::MAX, 9))), [2]);
    assert_eq!(orders(&done(db.recent(u64::MAX, 9))), [2]);
    assert_eq!(done(db.count_since(0)), 1);
    done(db.commit(&vec![Write::DeleteMessage(kept.key), write(&kept)]));
    assert!(done(db.message(&kept.key)) == Some(kept), "what is written after the deletion is there");
}
