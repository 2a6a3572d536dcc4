//! The shapes that programs read, byte for byte.

use waxwing_app::api::{Allowed, GroupKind, Permissions};

use super::*;

const BOT: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
const ANNA: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const GROUP: &str = "g:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";

struct Book;

impl Directory for Book {
    fn person(&self, account: &str) -> Result<Person, Failure> {
        let username = (account == ANNA).then(|| "anna".to_owned());
        Ok(Person { account: account.to_owned(), username, name: None })
    }

    fn group(&self, name: &str) -> Result<Option<Group>, Failure> {
        Ok((name == GROUP).then(|| Group {
            group: GROUP.to_owned(),
            kind: GroupKind::Group,
            name: "hikes".to_owned(),
            description: String::new(),
            picture: String::new(),
            epoch: 3,
            member: true,
            admin: false,
            members: Vec::new(),
            permissions: Permissions {
                send: Allowed::Everybody,
                edit: Allowed::Everybody,
                add: Allowed::Everybody,
                approve: false,
            },
            link: None,
            linked: Vec::new(),
            community: None,
            requests: Vec::new(),
        }))
    }

    fn receivers(&self, message: &Message, _delivery: Delivery) -> Result<Vec<Person>, Failure> {
        Ok(vec![self.person(&message.with)?])
    }

    fn own(&self) -> (&str, &str) {
        (BOT, "bot")
    }
}

fn message(from: &str, with: &str, direction: Direction, body: Body) -> Message {
    Message {
        id: "m".to_owned(),
        with: with.to_owned(),
        from: from.to_owned(),
        device: 2,
        order: 7,
        direction,
        sent_at_ms: 1_631_458_508_784,
        stored_at_ms: 1_631_458_509_000,
        body,
        delivery: Delivery::Delivered,
        missing_before: 0,
        edited_at_ms: 0,
        expires_at_ms: 0,
        done: Vec::new(),
    }
}

fn told(what: Happened) -> Vec<Value> {
    notifications(&Book, &JournalEntry { id: 5, at_ms: 9, what }).unwrap()
}

fn text() -> Body {
    Body::plain("hi")
}

#[test]
fn a_message_is_an_envelope_with_data() {
    let message = message(ANNA, ANNA, Direction::Incoming, text());
    let golden = json!({
        "envelope": {
            "source": "anna", "sourceNumber": "anna", "sourceUuid": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
            "sourceName": "anna", "sourceDevice": 2, "timestamp": 1_631_458_508_784_u64,
            "serverReceivedTimestamp": 1_631_458_509_000_u64, "serverDeliveredTimestamp": 1_631_458_509_000_u64,
            "dataMessage": {
                "timestamp": 1_631_458_508_784_u64, "message": "hi", "expiresInSeconds": 0, "viewOnce": false,
                "messageId": "m",
            },
        },
        "account": "bot",
        "eventId": 5,
    });
    assert_eq!(told(Happened::Message { message }), [golden]);
}

#[test]
fn a_group_is_named_by_its_bytes_and_its_name() {
    let told_of = |body| told(Happened::Message { message: message(ANNA, GROUP, Direction::Incoming, body) });
    let info = |kind: &str| json!({ "groupId": "DAwMDAwMDAwMDAwMDAwMDA==", "groupName": "hikes", "revision": 3, "type": kind });
    assert_eq!(told_of(text())[0]["envelope"]["dataMessage"]["groupInfo"], info("DELIVER"));
    let joined = Body::Notice { notice: Notice::Joined { by: ANNA.to_owned() } };
    let update = &told_of(joined)[0]["envelope"]["dataMessage"];
    assert_eq!((&update["groupInfo"], &update["message"]), (&info("UPDATE"), &Value::Null));
    let changed = Body::Notice { notice: Notice::IdentityChanged { account: ANNA.to_owned() } };
    assert!(told_of(changed).is_empty(), "signal-cli has no word for it");
    let lost = told_of(Body::Lost);
    assert_eq!(lost[0]["exception"]["type"], "UndecryptableMessage");
}

#[test]
fn what_another_own_device_wrote_is_a_sync_message() {
    let message = message(BOT, ANNA, Direction::Outgoing, text());
    let told = told(Happened::Message { message });
    assert_eq!(told[0]["envelope"]["sourceUuid"], uuid(BOT));
    assert_eq!(
        told[0]["envelope"]["syncMessage"]["sentMessage"],
        json!({
            "destination": "anna", "destinationNumber": "anna",
            "destinationUuid": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1", "timestamp": 1_631_458_508_784_u64,
            "message": "hi", "expiresInSeconds": 0, "viewOnce": false, "messageId": "m",
        })
    );
}

#[test]
fn receipts_name_the_message_by_its_time() {
    let told_of = |delivery| {
        let message = message(BOT, ANNA, Direction::Outgoing, text());
        told(Happened::Delivery { message, delivery })
    };
    let read = told_of(Delivery::Read);
    assert_eq!(read[0]["envelope"]["source"], "anna");
    assert_eq!(
        read[0]["envelope"]["receiptMessage"],
        json!({ "when": 9, "isDelivery": false, "isRead": true, "isViewed": false,
                "timestamps": [1_631_458_508_784_u64] })
    );
    assert_eq!(told_of(Delivery::Delivered)[0]["envelope"]["receiptMessage"]["isDelivery"], true);
    assert!(told_of(Delivery::Failed).is_empty() && told_of(Delivery::Sent).is_empty());
    assert!(told(Happened::Gone).is_empty());
}
