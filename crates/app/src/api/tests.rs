//! The interface's texts. Programs read them: a change here is a change for all of them.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

const ACCOUNT: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
const ID: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff";

fn check<T: Serialize + DeserializeOwned + PartialEq>(value: &T, golden: serde_json::Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), golden);
    assert!(serde_json::from_value::<T>(golden).unwrap() == *value, "it reads what it wrote");
}

fn text(value: &str) -> String {
    value.to_owned()
}

fn some_message() -> Message {
    Message {
        id: text(ID),
        with: text(ACCOUNT),
        order: 7,
        direction: Direction::Incoming,
        sent_at_ms: 1_700_000_000_000,
        stored_at_ms: 1_700_000_000_250,
        body: Body::Text { text: text("hi") },
        delivery: Delivery::Delivered,
    }
}

fn some_message_json() -> serde_json::Value {
    json!({
        "id": ID, "with": ACCOUNT, "order": 7, "direction": "incoming",
        "sentAtMs": 1_700_000_000_000_u64, "storedAtMs": 1_700_000_000_250_u64,
        "body": {"kind": "text", "text": "hi"}, "delivery": "delivered",
    })
}

#[test]
fn commands() {
    let register = Command::Register { server: text("h:1"), invitation: text("abc"), username: text("bob") };
    check(&register, json!({"type": "register", "server": "h:1", "invitation": "abc", "username": "bob"}));
    check(&Command::AddContact { username: text("bob") }, json!({"type": "addContact", "username": "bob"}));
    let send = Command::SendText { to: text(ACCOUNT), text: text("hi") };
    check(&send, json!({"type": "sendText", "to": ACCOUNT, "text": "hi"}));
    let read = Command::MarkRead { with: text(ACCOUNT), up_to: 7 };
    check(&read, json!({"type": "markRead", "with": ACCOUNT, "upTo": 7}));
    let acknowledge = Command::AcknowledgeInbox { messages: vec![text(ID)] };
    check(&acknowledge, json!({"type": "acknowledgeInbox", "messages": [ID]}));
    let verified = Command::SetVerified { account: text(ACCOUNT), verified: true };
    check(&verified, json!({"type": "setVerified", "account": ACCOUNT, "verified": true}));
    check(&Command::GoOnline, json!({"type": "goOnline"}));
    check(&Command::GoOffline, json!({"type": "goOffline"}));
}

#[test]
fn events() {
    let done = Event::Done { command: 3, message: None, contact: None };
    check(&done, json!({"type": "done", "command": 3}));
    let done = Event::Done { command: 3, message: Some(text(ID)), contact: None };
    check(&done, json!({"type": "done", "command": 3, "message": ID}));
    let failure = Failure::user("unknownContact", "no such contact");
    check(
        &Event::Failed { command: 4, failure },
        json!({"type": "failed", "command": 4, "failure": {
            "code": "unknownContact", "fault": "user", "detail": "no such contact", "retryAfterMs": 0,
        }}),
    );
    let registered = Event::Registered { account: text(ACCOUNT), device: 1 };
    check(&registered, json!({"type": "registered", "account": ACCOUNT, "device": 1}));
    let message = Event::Message { message: some_message() };
    check(&message, json!({"type": "message", "message": some_message_json()}));
    let filled = Event::MessageFilled { message: some_message() };
    check(&filled, json!({"type": "messageFilled", "message": some_message_json()}));
    let delivery = Event::Delivery { message: text(ID), with: text(ACCOUNT), delivery: Delivery::Read };
    check(&delivery, json!({"type": "delivery", "message": ID, "with": ACCOUNT, "delivery": "read"}));
    let changed = Event::IdentityChanged { account: text(ACCOUNT) };
    check(&changed, json!({"type": "identityChanged", "account": ACCOUNT}));
    let gap = Event::Gap { account: text(ACCOUNT), device: 2, missing: 3 };
    check(&gap, json!({"type": "gap", "account": ACCOUNT, "device": 2, "missing": 3}));
    check(&Event::RestoredCopy, json!({"type": "restoredCopy"}));
    check(&Event::StorageFailed { detail: text("full") }, json!({"type": "storageFailed", "detail": "full"}));
    check(&Event::StorageRecovered, json!({"type": "storageRecovered"}));
    check(&Event::Overrun, json!({"type": "overrun"}));
}

#[test]
fn connections() {
    let event = |connection| Event::Connection { connection };
    let golden = |connection: serde_json::Value| json!({"type": "connection", "connection": connection});
    check(&event(Connection::Offline), golden(json!({"state": "offline"})));
    check(&event(Connection::Connecting), golden(json!({"state": "connecting"})));
    check(&event(Connection::Online), golden(json!({"state": "online"})));
    let refused = Connection::Refused { code: text("notRegistered") };
    check(&event(refused), golden(json!({"state": "refused", "code": "notRegistered"})));
    let waiting = Connection::Waiting { until_ms: 9, reason: None };
    check(&event(waiting), golden(json!({"state": "waiting", "untilMs": 9})));
    let reason = NetFailure { code: NetFailureCode::Unreachable, detail: text("no") };
    let waiting = Connection::Waiting { until_ms: 9, reason: Some(reason) };
    let golden_reason = json!({"code": "unreachable", "detail": "no"});
    check(&event(waiting), golden(json!({"state": "waiting", "untilMs": 9, "reason": golden_reason})));
}

#[test]
fn queries_and_answers() {
    check(&Query::Status, json!({"type": "status"}));
    check(&Query::Contacts, json!({"type": "contacts"}));
    check(&Query::Contact { name: text("bob") }, json!({"type": "contact", "name": "bob"}));
    let history = Query::History { with: text(ACCOUNT), before: Some(7), limit: 20 };
    check(&history, json!({"type": "history", "with": ACCOUNT, "before": 7, "limit": 20}));
    check(&Query::Message { id: text(ID) }, json!({"type": "message", "id": ID}));
    check(&Query::Inbox { limit: 5 }, json!({"type": "inbox", "limit": 5}));
    check(
        &Query::SafetyNumber { account: text(ACCOUNT) },
        json!({"type": "safetyNumber", "account": ACCOUNT}),
    );
    let status = Status {
        account: Some(text(ACCOUNT)),
        device: Some(1),
        username: Some(text("alice")),
        server: Some(text("h:1")),
        connection: Connection::Online,
        unread: 2,
        pending: 3,
        outbox: 4,
        protection: Protection::KeyFile,
    };
    check(
        &Answer::Status(status),
        json!({
            "type": "status", "account": ACCOUNT, "device": 1, "username": "alice", "server": "h:1",
            "connection": {"state": "online"}, "unread": 2, "pending": 3, "outbox": 4, "protection": "keyFile",
        }),
    );
    let contact = Contact {
        account: text(ACCOUNT),
        username: Some(text("bob")),
        trust: Trust::Changed { at_ms: 5 },
        unread: 1,
        last_message: Some(some_message()),
    };
    let golden = json!({
        "account": ACCOUNT, "username": "bob", "trust": {"state": "changed", "atMs": 5}, "unread": 1,
        "lastMessage": some_message_json(),
    });
    check(&Answer::Contacts { contacts: vec![contact] }, json!({"type": "contacts", "contacts": [golden]}));
    check(&Answer::Contact { contact: None }, json!({"type": "contact", "contact": null}));
    let messages = Answer::Messages { messages: vec![some_message()] };
    check(&messages, json!({"type": "messages", "messages": [some_message_json()]}));
    let number = Answer::SafetyNumber { number: Some(text("12345")), trust: Trust::FirstUse };
    check(&number, json!({"type": "safetyNumber", "number": "12345", "trust": {"state": "firstUse"}}));
}

#[test]
fn every_body_and_tick() {
    for (body, golden) in [
        (Body::Waiting, json!({"kind": "waiting"})),
        (Body::Lost, json!({"kind": "lost"})),
        (Body::Unknown, json!({"kind": "unknown"})),
    ] {
        check(&body, golden);
    }
    for (delivery, golden) in [
        (Delivery::Pending, "pending"),
        (Delivery::Sent, "sent"),
        (Delivery::Delivered, "delivered"),
        (Delivery::Read, "read"),
        (Delivery::Failed, "failed"),
    ] {
        check(&delivery, json!(golden));
    }
}

#[test]
fn names_of_messages_are_read_as_they_are_written() {
    let key = message_key_of(ID).unwrap();
    assert_eq!(message_key(&key), ID);
    assert_eq!(key.id.0, 0xff);
    for bad in
        ["", "x", "-", "--", &ID[1..], &format!("{ID}0"), &format!("{ID}-1"), &ID.replace("-1-", "-128-")]
    {
        assert_eq!(message_key_of(bad).unwrap_err().code, "malformedMessage", "{bad}");
    }
    assert!(account_of(ACCOUNT).is_ok());
    assert_eq!(account_of("b0").unwrap_err().code, "malformedAccount");
}

#[test]
fn codes_of_the_server_are_in_camel_case() {
    let reject = waxwing_wire::Reject::later(waxwing_wire::RejectCode::UsernameTaken, "taken", 5);
    let failure = failure(&waxwing_client::Failure::Rejected(reject));
    assert_eq!((failure.code.as_str(), failure.fault), ("usernameTaken", Fault::Server));
    assert_eq!((failure.detail.as_str(), failure.retry_after_ms), ("taken", 5));
}
