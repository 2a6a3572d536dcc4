//! Messages as columns.

use rusqlite::{Row, Transaction, params};
use waxwing_client::post::Post;
use waxwing_client::{Body, Conversation, Delivery, Direction, Message, MessageKey, Notice};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId};

use super::StoreError;

/// In the order in which [`message_of`] takes them.
pub const COLUMNS: &str = "conversation, \"order\", sender, device, id, direction, sent_at, stored_at, kind,
    text, notice, delivery, position, missing, edited_at, expires_at";

/// Inserts a message or replaces the one of the same name. It stands in the inbox from its arrival until
/// it is acknowledged or read; a placeholder enters when it is filled. What somebody shows for a day is nobody's mail.
pub fn write_message(transaction: &Transaction<'_>, message: &Message) -> Result<(), StoreError> {
    let arrived = message.direction == Direction::Incoming
        && message.delivery == Delivery::Delivered
        && message.body != Body::Waiting
        && !matches!(message.with, Conversation::Status(_));
    let (kind, text, notice) = body_to_sql(&message.body);
    let sql = "INSERT INTO messages (conversation, \"order\", sender, device, id, direction, sent_at,
                                    stored_at, kind, text, notice, delivery, position, missing, fresh,
                                    edited_at, expires_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
               ON CONFLICT (sender, device, id) DO UPDATE SET
                   conversation = excluded.conversation, \"order\" = excluded.\"order\",
                   direction = excluded.direction, sent_at = excluded.sent_at,
                   stored_at = excluded.stored_at, text = excluded.text, notice = excluded.notice,
                   delivery = excluded.delivery, position = excluded.position, missing = excluded.missing,
                   fresh = CASE WHEN kind = 1 THEN excluded.fresh ELSE min(fresh, excluded.fresh) END,
                   edited_at = excluded.edited_at, expires_at = excluded.expires_at, kind = excluded.kind";
    transaction.prepare_cached(sql)?.execute(params![
        conversation_to_sql(message.with),
        to_sql(message.order),
        message.key.from.account.0,
        message.key.from.device.number(),
        message.key.id.0.cast_signed(),
        matches!(message.direction, Direction::Incoming),
        message.sent_at_ms.cast_signed(),
        to_sql(message.stored_at_ms),
        kind,
        text,
        notice,
        message.delivery.number(),
        message.position.cast_signed(),
        message.missing_before.cast_signed(),
        arrived,
        message.edited_at_ms.cast_signed(),
        to_sql(message.expires_at_ms),
    ])?;
    Ok(())
}

/// Deletes a message, if it is there.
pub fn delete_message(transaction: &Transaction<'_>, key: &MessageKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM messages WHERE sender = ?1 AND device = ?2 AND id = ?3";
    transaction.prepare_cached(sql)?.execute(params![
        key.from.account.0,
        key.from.device.number(),
        key.id.0.cast_signed()
    ])?;
    Ok(())
}

/// Reads [`COLUMNS`].
pub fn message_of(row: &Row<'_>) -> rusqlite::Result<Message> {
    let device = DeviceId::new(row.get(3)?).ok_or(damaged(3))?;
    let from = DeviceAddress { account: AccountId(row.get(2)?), device };
    let (text, notice): (Option<String>, Option<Vec<u8>>) = (row.get(9)?, row.get(10)?);
    Ok(Message {
        key: MessageKey { from, id: MessageId(row.get::<_, i64>(4)?.cast_unsigned()) },
        with: conversation_of(row.get(0)?).ok_or(damaged(0))?,
        order: row.get::<_, i64>(1)?.cast_unsigned(),
        direction: if row.get(5)? { Direction::Incoming } else { Direction::Outgoing },
        sent_at_ms: row.get::<_, i64>(6)?.cast_unsigned(),
        stored_at_ms: row.get::<_, i64>(7)?.cast_unsigned(),
        body: body_of(row.get(8)?, text, notice).ok_or(damaged(8))?,
        delivery: Delivery::from_number(row.get(11)?).ok_or(damaged(11))?,
        position: row.get::<_, i64>(12)?.cast_unsigned(),
        missing_before: row.get::<_, i64>(13)?.cast_unsigned(),
        edited_at_ms: row.get::<_, i64>(14)?.cast_unsigned(),
        expires_at_ms: row.get::<_, i64>(15)?.cast_unsigned(),
    })
}

/// 17 bytes: 0 and the account, 1 and the group, or 2 and the account whose statuses they are.
pub fn conversation_to_sql(conversation: Conversation) -> [u8; 17] {
    let (kind, id) = match conversation {
        Conversation::Account(account) => (0, account.0),
        Conversation::Group(group) => (1, group.0),
        Conversation::Status(account) => (2, account.0),
    };
    let mut bytes = [kind; 17];
    bytes[1..].copy_from_slice(&id);
    bytes
}

pub fn conversation_of(bytes: [u8; 17]) -> Option<Conversation> {
    let [kind, id @ ..] = bytes;
    match kind {
        0 => Some(Conversation::Account(AccountId(id))),
        1 => Some(Conversation::Group(GroupId(id))),
        2 => Some(Conversation::Status(AccountId(id))),
        _ => None,
    }
}

fn damaged(column: usize) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(column, 0)
}

fn body_to_sql(body: &Body) -> (u8, Option<&str>, Option<Vec<u8>>) {
    match body {
        Body::Post(post) => (0, Some(&post.text), post.encode_rest()),
        Body::Waiting => (1, None, None),
        Body::Lost => (2, None, None),
        Body::Unknown => (3, None, None),
        Body::Notice(notice) => (4, None, Some(notice.encode())),
        Body::Deleted => (5, None, None),
        Body::Opened => (6, None, None),
    }
}

fn body_of(kind: u8, text: Option<String>, notice: Option<Vec<u8>>) -> Option<Body> {
    match kind {
        0 => post_of(text?, notice).map(Body::Post),
        1 => Some(Body::Waiting),
        2 => Some(Body::Lost),
        3 => Some(Body::Unknown),
        4 => Notice::decode(&notice?).map(Body::Notice),
        5 => Some(Body::Deleted),
        6 => Some(Body::Opened),
        _ => None,
    }
}

fn post_of(text: String, rest: Option<Vec<u8>>) -> Option<Box<Post>> {
    match rest {
        Some(rest) => Post::decode_rest(text, &rest).ok().map(Box::new),
        None => Some(Box::new(Post::plain(text))),
    }
}

/// Numbers that are compared: SQLite's are signed, and nothing above its largest can be stored.
pub fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
