//! The interface's texts. Programs read them: a change here is a change for all of them.

mod groups;
mod typescript;

use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

const ACCOUNT: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
const ID: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff";

fn check<T: Serialize + DeserializeOwned + PartialEq>(value: &T, golden: serde_json::Value) {
    typescript::sample::<T>(&golden);
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
        from: text(ACCOUNT),
        device: 1,
        order: 7,
        direction: Direction::Incoming,
        sent_at_ms: 1_700_000_000_000,
        stored_at_ms: 1_700_000_000_250,
        body: Body::plain("hi"),
        delivery: Delivery::Delivered,
        missing_before: 0,
        edited_at_ms: 0,
        expires_at_ms: 0,
        done: Vec::new(),
    }
}

fn bob() -> Person {
    Person { account: text(ACCOUNT), username: Some(text("bob")), name: None, profile_name: None }
}

fn some_message_json() -> serde_json::Value {
    json!({
        "id": ID, "with": ACCOUNT, "from": ACCOUNT, "device": 1, "order": 7, "direction": "incoming",
        "sentAtMs": 1_700_000_000_000_u64, "storedAtMs": 1_700_000_000_250_u64,
        "body": {"kind": "text", "text": "hi"}, "delivery": "delivered",
    })
}

#[test]
fn commands() {
    let register = Command::Register { server: text("h:1"), invitation: text("abc"), username: text("bob") };
    check(&register, json!({"type": "register", "server": "h:1", "invitation": "abc", "username": "bob"}));
    check(&Command::AddContact { username: text("bob") }, json!({"type": "addContact", "username": "bob"}));
    let entry = BookEntry { name: text("Bob"), addresses: vec![text("bob@example.org")] };
    let golden = json!({"name": "Bob", "addresses": ["bob@example.org"]});
    check(
        &Command::LookUpContacts { entries: vec![entry] },
        json!({"type": "lookUpContacts", "entries": [golden]}),
    );
    check(&Command::Findable { set: None }, json!({"type": "findable"}));
    check(&Command::Findable { set: Some(true) }, json!({"type": "findable", "set": true}));
    check(&Command::RedeemAddress { code: text("abc") }, json!({"type": "redeemAddress", "code": "abc"}));
    let send = Command::text(ACCOUNT, "hi");
    check(&send, json!({"type": "send", "to": ACCOUNT, "post": {"text": "hi"}}));
    let read = Command::MarkRead { with: text(ACCOUNT), up_to: 7 };
    check(&read, json!({"type": "markRead", "with": ACCOUNT, "upTo": 7}));
    let read = Command::MarkInboxRead { with: text(ACCOUNT), up_to: 7 };
    check(&read, json!({"type": "markInboxRead", "with": ACCOUNT, "upTo": 7}));
    let acknowledge = Command::AcknowledgeInbox { messages: vec![text(ID)] };
    check(&acknowledge, json!({"type": "acknowledgeInbox", "messages": [ID]}));
    let verified = Command::SetVerified { account: text(ACCOUNT), verified: true };
    check(&verified, json!({"type": "setVerified", "account": ACCOUNT, "verified": true}));
    let offer = Command::OfferLink { server: text("h:1"), name: text("laptop") };
    check(&offer, json!({"type": "offerLink", "server": "h:1", "name": "laptop"}));
    check(&Command::CancelLink, json!({"type": "cancelLink"}));
    let approve = Command::ApproveLink { code: text("abcde"), history: HistoryRange::Month };
    check(&approve, json!({"type": "approveLink", "code": "abcde", "history": "month"}));
    check(&Command::RefreshDevices, json!({"type": "refreshDevices"}));
    let rename = Command::RenameDevice { device: 2, name: text("laptop") };
    check(&rename, json!({"type": "renameDevice", "device": 2, "name": "laptop"}));
    check(&Command::RemoveDevice { device: 2 }, json!({"type": "removeDevice", "device": 2}));
    let name = Command::SetContactName { account: text(ACCOUNT), name: text("Bob") };
    check(&name, json!({"type": "setContactName", "account": ACCOUNT, "name": "Bob"}));
    let block = Command::SetBlocked { account: text(ACCOUNT), blocked: true };
    check(&block, json!({"type": "setBlocked", "account": ACCOUNT, "blocked": true}));
    let star = Command::SetStarred { message: text(ID), starred: true };
    check(&star, json!({"type": "setStarred", "message": ID, "starred": true}));
    let delete = Command::DeleteMessages { messages: vec![text(ID)] };
    check(&delete, json!({"type": "deleteMessages", "messages": [ID]}));
    let set = Command::SetSetting { key: text("theme"), value: None };
    check(&set, json!({"type": "setSetting", "key": "theme", "value": null}));
    for (change, golden) in [
        (ChatChange::Archived(true), json!({"what": "archived", "value": true})),
        (ChatChange::Pinned(false), json!({"what": "pinned", "value": false})),
        (ChatChange::MutedUntilMs(9), json!({"what": "mutedUntilMs", "value": 9})),
        (ChatChange::Cleared, json!({"what": "cleared"})),
    ] {
        let set = Command::SetChat { conversation: text(ACCOUNT), change };
        check(&set, json!({"type": "setChat", "conversation": ACCOUNT, "change": golden}));
    }
    let list = BroadcastList { id: None, name: text("all"), members: vec![text(ACCOUNT)] };
    let golden = json!({"id": null, "name": "all", "members": [ACCOUNT]});
    check(&Command::SetList { list }, json!({"type": "setList", "list": golden}));
    check(&Command::DeleteList { list: text("07") }, json!({"type": "deleteList", "list": "07"}));
    let send = Command::SendToList { list: text("07"), post: Box::new(Post::plain("hi")) };
    check(&send, json!({"type": "sendToList", "list": "07", "post": {"text": "hi"}}));
    check(&Command::KeepJournal, json!({"type": "keepJournal"}));
    check(&Command::AcknowledgeJournal { up_to: 7 }, json!({"type": "acknowledgeJournal", "upTo": 7}));
    let once = Command::Once { key: text("k"), command: Box::new(Command::CancelLink) };
    check(&once, json!({"type": "once", "key": "k", "command": {"type": "cancelLink"}}));
    let active = Command::SetActivity { activity: Activity::Active };
    check(&active, json!({"type": "setActivity", "activity": "active"}));
    let watch = Command::WatchPresence { accounts: vec![text(ACCOUNT)] };
    check(&watch, json!({"type": "watchPresence", "accounts": [ACCOUNT]}));
    let compose = Command::Compose { with: text(ACCOUNT), what: Composing::Recording };
    check(&compose, json!({"type": "compose", "with": ACCOUNT, "what": "recording"}));
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
    let code = Event::LinkCode { code: text("abcde"), qr: text("WAXWING-LINK:A") };
    check(&code, json!({"type": "linkCode", "code": "abcde", "qr": "WAXWING-LINK:A"}));
    check(
        &Event::Devices { devices: vec![some_device()] },
        json!({"type": "devices", "devices": [some_device_json()]}),
    );
    check(&Event::Removed, json!({"type": "removed"}));
    let archive = Event::Archive { device: 2, sending: true, messages: 3, total: 4, done: false };
    let golden = json!({
        "type": "archive", "device": 2, "sending": true, "messages": 3, "total": 4, "done": false,
    });
    check(&archive, golden);
    check(&Event::Deleted { messages: vec![text(ID)] }, json!({"type": "deleted", "messages": [ID]}));
    check(&Event::StateChanged, json!({"type": "stateChanged"}));
    let found = FoundContact { account: text(ACCOUNT), name: text("Bob") };
    let golden = json!({"account": ACCOUNT, "name": "Bob"});
    check(
        &Event::ContactsFound { command: 3, addresses: 4, found: vec![found] },
        json!({"type": "contactsFound", "command": 3, "addresses": 4, "found": [golden]}),
    );
    check(
        &Event::Findable { command: 3, on: true, addresses: 1 },
        json!({"type": "findable", "command": 3, "on": true, "addresses": 1}),
    );
    check(&Event::Skipped { messages: 2 }, json!({"type": "skipped", "messages": 2}));
    let composing = Event::Composing { with: text("g:07"), account: text(ACCOUNT), what: Composing::Typing };
    check(&composing, json!({"type": "composing", "with": "g:07", "account": ACCOUNT, "what": "typing"}));
    for (presence, golden) in [
        (Presence::Unknown, json!({"state": "unknown"})),
        (Presence::Online, json!({"state": "online"})),
        (Presence::LastSeen { at_ms: 7 }, json!({"state": "lastSeen", "atMs": 7})),
    ] {
        let event = Event::Presence { account: text(ACCOUNT), presence };
        check(&event, json!({"type": "presence", "account": ACCOUNT, "presence": golden}));
    }
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
    let history = Query::History { with: text(ACCOUNT), before: Some(7), after: None, limit: 20 };
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
        server_key: Some(text("ab")),
        server_trust: Some(ServerTrust::FirstUse),
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
            "serverKey": "ab", "serverTrust": "firstUse", "connection": {"state": "online"}, "unread": 2, "pending": 3, "outbox": 4, "protection": "keyFile",
        }),
    );
    let contact = Contact {
        person: Person { name: Some(text("Bob")), ..bob() },
        blocked: true,
        contact: true,
        request: false,
        trust: Trust::Changed { at_ms: 5 },
        unread: 1,
        last_message: Some(some_message()),
    };
    let golden = json!({
        "account": ACCOUNT, "username": "bob", "name": "Bob", "blocked": true, "contact": true, "trust": {"state": "changed", "atMs": 5}, "unread": 1,
        "lastMessage": some_message_json(),
    });
    check(&Answer::Contacts { contacts: vec![contact] }, json!({"type": "contacts", "contacts": [golden]}));
    check(&Answer::Contact { contact: None }, json!({"type": "contact", "contact": null}));
    let messages = Answer::Messages { messages: vec![some_message()] };
    check(&messages, json!({"type": "messages", "messages": [some_message_json()]}));
    let number = Answer::SafetyNumber { number: Some(text("12345")), trust: Trust::FirstUse };
    check(&number, json!({"type": "safetyNumber", "number": "12345", "trust": {"state": "firstUse"}}));
}

fn some_device() -> Device {
    Device {
        device: 2,
        this: true,
        name: text("laptop"),
        last_seen_ms: 3_600_000,
        place: text("192.0.2.1"),
        linked_at_ms: 5,
    }
}

fn some_device_json() -> serde_json::Value {
    json!({
        "device": 2, "this": true, "name": "laptop", "lastSeenMs": 3_600_000, "place": "192.0.2.1",
        "linkedAtMs": 5,
    })
}

#[test]
fn devices_chats_and_what_is_set() {
    check(&Query::Devices, json!({"type": "devices"}));
    let devices = Answer::Devices { devices: vec![some_device()] };
    check(&devices, json!({"type": "devices", "devices": [some_device_json()]}));
    check(&Query::Chats, json!({"type": "chats"}));
    check(&Query::Chat { name: text("bob") }, json!({"type": "chat", "name": "bob"}));
    let chat = Chat {
        conversation: text(ACCOUNT),
        with: ChatWith::Contact { person: bob(), trust: Trust::Verified, blocked: false },
        request: true,
        unread: 1,
        last_message: None,
        archived: false,
        pinned: true,
        muted_until_ms: u64::MAX,
        lifetime_s: 0,
        draft: String::new(),
    };
    let golden = json!({
        "conversation": ACCOUNT,
        "with": {
            "kind": "contact", "account": ACCOUNT, "username": "bob", "trust": {"state": "verified"},
            "blocked": false,
        },
        "request": true, "unread": 1, "archived": false, "pinned": true, "mutedUntilMs": 18_446_744_073_709_551_615_u64,
    });
    check(&Answer::Chats { chats: vec![chat] }, json!({"type": "chats", "chats": [golden]}));
    check(&Answer::Chat { chat: None }, json!({"type": "chat", "chat": null}));
    check(&Query::MessageAt { order: 7 }, json!({"type": "messageAt", "order": 7}));
    check(&Query::Receipts { message: text(ID) }, json!({"type": "receipts", "message": ID}));
    let receipt =
        Receipt { person: bob(), delivery: Delivery::Read, at_ms: 5, delivered_at_ms: 4, read_at_ms: 5 };
    let golden = json!({"account": ACCOUNT, "username": "bob", "delivery": "read", "atMs": 5, "deliveredAtMs": 4,
        "readAtMs": 5});
    check(&Answer::Receipts { receipts: vec![receipt] }, json!({"type": "receipts", "receipts": [golden]}));
    check(&Query::Starred, json!({"type": "starred"}));
    check(&Query::Lists, json!({"type": "lists"}));
    let list = BroadcastList { id: Some(text("07")), name: text("all"), members: vec![text(ACCOUNT)] };
    let golden = json!({"id": "07", "name": "all", "members": [ACCOUNT]});
    check(&Answer::Lists { lists: vec![list] }, json!({"type": "lists", "lists": [golden]}));
    check(&Query::Settings, json!({"type": "settings"}));
    let setting = Setting { key: text("theme"), value: text("dark") };
    let golden = json!({"key": "theme", "value": "dark"});
    check(&Answer::Settings { settings: vec![setting] }, json!({"type": "settings", "settings": [golden]}));
    let missing = Message { missing_before: 3, ..some_message() };
    let mut golden = some_message_json();
    golden["missingBefore"] = json!(3);
    check(&Answer::Message { message: Some(missing) }, json!({"type": "message", "message": golden}));
}

#[test]
fn searches_and_what_they_find() {
    let history = Query::History { with: text(ACCOUNT), before: None, after: Some(7), limit: 20 };
    let golden = json!({"type": "history", "with": ACCOUNT, "before": null, "after": 7, "limit": 20});
    check(&history, golden);
    let search = Query::Search {
        text: text("hi"),
        with: Some(text(ACCOUNT)),
        from: Some(text(ACCOUNT)),
        since_ms: Some(1),
        until_ms: Some(2),
        kind: Some(MessageKind::Link),
        before: Some(7),
        limit: 20,
    };
    let golden = json!({
        "type": "search", "text": "hi", "with": ACCOUNT, "from": ACCOUNT, "sinceMs": 1, "untilMs": 2,
        "kind": "link", "before": 7, "limit": 20,
    });
    check(&search, golden);
    let short = serde_json::from_value(json!({"type": "search", "kind": "text", "limit": 20}));
    let Ok(Query::Search { text: looked_for, with: None, kind: Some(MessageKind::Text), .. }) = short else {
        panic!("what is left out does not matter")
    };
    assert_eq!(looked_for, "");
    let piece = |value: &str, marked| SnippetPiece { text: text(value), marked };
    let hit = Hit { message: some_message(), snippet: vec![piece("h", true), piece("i", false)] };
    let golden = json!({
        "type": "hits",
        "hits": [{"message": some_message_json(), "snippet": [{"text": "h", "marked": true}, {"text": "i"}]}],
        "next": 5,
    });
    check(&Answer::Hits { hits: vec![hit], next: Some(5) }, golden);
    check(&Answer::Hits { hits: Vec::new(), next: None }, json!({"type": "hits", "hits": [], "next": null}));
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
fn conversations_are_read_as_they_are_written_and_groups_are_no_accounts() {
    for name in [ACCOUNT, &format!("g:{ACCOUNT}")] {
        assert_eq!(conversation_name(conversation_of(name).unwrap()), name);
    }
    assert!(conversation_of(ACCOUNT).unwrap() != conversation_of(&format!("g:{ACCOUNT}")).unwrap());
    for bad in ["", "g:", "g:b0", &format!("g: {ACCOUNT}"), &format!("h:{ACCOUNT}")] {
        assert!(conversation_of(bad).is_err(), "{bad}");
    }
}

#[test]
fn codes_of_the_server_are_in_camel_case() {
    let reject = waxwing_wire::Reject::later(waxwing_wire::RejectCode::UsernameTaken, "taken", 5);
    let failure = failure(&waxwing_client::Failure::Rejected(reject));
    assert_eq!((failure.code.as_str(), failure.fault), ("usernameTaken", Fault::Server));
    assert_eq!((failure.detail.as_str(), failure.retry_after_ms), ("taken", 5));
}

#[test]
fn profiles_and_who_may_know_them() {
    check(&Command::Accept { account: text(ACCOUNT) }, json!({"type": "accept", "account": ACCOUNT}));
    let remove = Command::RemoveContact { account: text(ACCOUNT) };
    check(&remove, json!({"type": "removeContact", "account": ACCOUNT}));
    let change = ProfileChange::Picture(text("AAAA"));
    let golden = json!({"type": "setProfile", "change": {"what": "picture", "value": "AAAA"}});
    check(&Command::SetProfile { change }, golden);
    let audience = Audience::ContactsExcept { accounts: vec![text(ACCOUNT)] };
    let golden = json!({
        "type": "setPrivacy", "setting": "lastSeen", "audience": {"who": "contactsExcept", "accounts": [ACCOUNT]},
    });
    check(&Command::SetPrivacy { setting: PrivacySetting::LastSeen, audience }, golden);
    check(&Query::Profile { account: None }, json!({"type": "profile"}));
    check(&Query::Privacy, json!({"type": "privacy"}));
    let profile = Profile {
        name: text("Zoe"),
        about: text("sea"),
        picture: text("AA=="),
        no_groups: true,
        presence: true,
    };
    let golden = json!({
        "type": "profile",
        "profile": {"name": "Zoe", "about": "sea", "picture": "AA==", "noGroups": true, "presence": true},
    });
    check(&Answer::Profile { profile: Some(profile) }, golden);
    let privacy = Privacy {
        picture: Audience::Everyone,
        about: Audience::Contacts,
        last_seen: Audience::Nobody,
        online: Audience::LikeLastSeen,
        groups: Audience::Everyone,
        receipts: false,
        status: Audience::Only { accounts: vec![text(ACCOUNT)] },
    };
    let golden = json!({
        "type": "privacy", "picture": {"who": "everyone"}, "about": {"who": "contacts"},
        "lastSeen": {"who": "nobody"}, "online": {"who": "likeLastSeen"}, "groups": {"who": "everyone"},
        "receipts": false, "status": {"who": "only", "accounts": [ACCOUNT]},
    });
    check(&Answer::Privacy(privacy), golden);
}

#[test]
fn status_updates() {
    let post = Command::PostStatus { post: Box::new(Post::plain("hi")) };
    check(&post, json!({"type": "postStatus", "post": {"text": "hi"}}));
    check(&Query::StatusUpdates, json!({"type": "statusUpdates"}));
    let name = format!("s:{ACCOUNT}");
    let person = |account| Person { account, username: None, name: None, profile_name: None };
    let updates = StatusUpdates {
        conversation: name.clone(),
        author: person(text(ACCOUNT)),
        own: false,
        unseen: 1,
        muted_until_ms: 0,
        messages: vec![some_message()],
    };
    let golden = json!({
        "type": "statusUpdates",
        "updates": [{
            "conversation": name, "author": {"account": ACCOUNT, "username": null}, "unseen": 1,
            "mutedUntilMs": 0, "messages": [some_message_json()],
        }],
    });
    check(&Answer::StatusUpdates { updates: vec![updates] }, golden);
    let conversation = conversation_of(&name).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(conversation_name(conversation), name);
    assert!(conversation_of("s:1").is_err());
}

#[test]
fn the_journal() {
    let query = Query::Journal { after: Some(3), limit: 9 };
    check(&query, json!({"type": "journal", "after": 3, "limit": 9}));
    let query = Query::MessageSentAt { from: text(ACCOUNT), sent_at_ms: 5, with: None };
    check(&query, json!({"type": "messageSentAt", "from": ACCOUNT, "sentAtMs": 5, "with": null}));
    let entry = |id, what| JournalEntry { id, at_ms: 5, what };
    let entries = vec![
        entry(1, Happened::Message { message: some_message() }),
        entry(2, Happened::Delivery { message: some_message(), delivery: Delivery::Read }),
        entry(3, Happened::Gone),
        entry(
            4,
            Happened::Act {
                message: some_message(),
                device: 2,
                done: Done { by: text(ACCOUNT), at_ms: 6, deed: Deed::React { emoji: String::new() } },
                times: 1,
            },
        ),
    ];
    let golden = json!({
        "type": "journal", "acknowledged": 0, "newest": 3,
        "entries": [
            {"id": 1, "atMs": 5, "what": "message", "message": some_message_json()},
            {"id": 2, "atMs": 5, "what": "delivery", "message": some_message_json(), "delivery": "read"},
            {"id": 3, "atMs": 5, "what": "gone"},
            {
                "id": 4, "atMs": 5, "what": "act", "message": some_message_json(), "device": 2,
                "done": {"by": ACCOUNT, "atMs": 6, "what": "react", "emoji": ""},
            },
        ],
    });
    check(&Answer::Journal { acknowledged: 0, newest: 3, entries }, golden);
}
