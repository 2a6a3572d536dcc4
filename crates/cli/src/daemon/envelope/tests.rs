//! The shapes that programs read, byte for byte.

use waxwing_app::api::{Allowed, Card, Deed, Done, GroupKind, Permissions, Post, Quote, Reply, Span, Style};

use super::*;

const BOT: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
const ANNA: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const GROUP: &str = "g:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";

const STRANGER: &str = "57575757575757575757575757575757";
const QUOTED: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-0000000000000001";

struct Book;

impl Directory for Book {
    fn person(&self, account: &str) -> Result<Person, Failure> {
        let username = (account == ANNA).then(|| "anna".to_owned());
        Ok(Person { account: account.to_owned(), username, name: None, profile_name: None })
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
            asked_by: None,
        }))
    }

    fn receivers(&self, message: &Message, _delivery: Delivery) -> Result<Vec<Person>, Failure> {
        Ok(vec![self.person(&message.with)?])
    }

    fn message(&self, id: &str) -> Result<Option<Message>, Failure> {
        Ok((id == QUOTED).then(|| message(BOT, ANNA, Direction::Outgoing, text())))
    }

    fn is_request(&self, conversation: &str) -> Result<bool, Failure> {
        Ok(conversation == STRANGER)
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
fn who_is_unknown_is_said_to_be() {
    let flag = |from: &str| {
        let message = message(from, from, Direction::Incoming, text());
        told(Happened::Message { message })[0]["envelope"]["isMessageRequest"].clone()
    };
    assert_eq!((flag(STRANGER), flag(ANNA)), (json!(true), Value::Null));
}

#[test]
fn what_is_shown_for_a_day_is_a_story() {
    let with = format!("s:{ANNA}");
    let shown = message(ANNA, &with, Direction::Incoming, text());
    let story = json!({
        "allowsReplies": true, "textAttachment": { "text": "hi" }, "timestamp": 1_631_458_508_784_u64,
        "messageId": "m",
    });
    let envelope = told(Happened::Message { message: shown.clone() })[0]["envelope"].clone();
    assert_eq!((&envelope["storyMessage"], &envelope["dataMessage"]), (&story, &Value::Null));
    let own = message(BOT, &format!("s:{BOT}"), Direction::Outgoing, text());
    let sync =
        told(Happened::Message { message: own })[0]["envelope"]["syncMessage"]["sentStoryMessage"].clone();
    assert_eq!((&sync["destinationNumber"], &sync["textAttachment"]["text"]), (&Value::Null, &json!("hi")));
    let react = Deed::React { emoji: "👍".to_owned() };
    let done = Done { by: ANNA.to_owned(), at_ms: 7, deed: react };
    let own = message(BOT, &format!("s:{BOT}"), Direction::Outgoing, text());
    let reacted =
        told(Happened::Act { message: own, device: 1, done, times: 1 })[0]["envelope"]["dataMessage"].clone();
    assert_eq!(reacted["reaction"]["targetAuthorNumber"], json!(BOT));
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

fn act(by: &str, deed: Deed) -> Value {
    let message = message(ANNA, GROUP, Direction::Incoming, text());
    let done = Done { by: by.to_owned(), at_ms: 1_631_458_510_000, deed };
    let told = told(Happened::Act { message, device: 3, done, times: 1 });
    told.first().cloned().unwrap_or_default()
}

#[test]
fn what_is_done_about_a_message_names_it_by_author_and_time() {
    let reaction = act(ANNA, Deed::React { emoji: "👍".to_owned() });
    let envelope = &reaction["envelope"];
    assert_eq!((&envelope["source"], &envelope["sourceDevice"]), (&json!("anna"), &json!(3)));
    assert_eq!((&envelope["timestamp"], &reaction["eventId"]), (&json!(1_631_458_510_000_u64), &json!(5)));
    let target = json!({
        "targetAuthor": "anna", "targetAuthorNumber": "anna",
        "targetAuthorUuid": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
        "targetSentTimestamp": 1_631_458_508_784_u64,
    });
    let with = |more: Value| {
        let mut whole = target.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let data = &envelope["dataMessage"];
    assert_eq!(data["reaction"], with(json!({ "emoji": "👍", "isRemove": false })));
    assert_eq!((&data["message"], &data["groupInfo"]["groupName"]), (&Value::Null, &json!("hikes")));
    let field = |by: &str, deed: Deed, name: &str| act(by, deed)["envelope"]["dataMessage"][name].clone();
    let taken_back = field(ANNA, Deed::React { emoji: String::new() }, "reaction");
    assert_eq!(taken_back["isRemove"], true);
    let deleted = field(ANNA, Deed::Delete, "remoteDelete");
    assert_eq!(deleted, json!({ "timestamp": 1_631_458_508_784_u64 }));
    let ben = "beefbeefbeefbeefbeefbeefbeefbeef";
    assert_eq!(field(ben, Deed::Delete, "adminDelete"), target);
    assert_eq!(field(ben, Deed::Pin { until_ms: 0 }, "unpinMessage"), target);
    let pinned = field(ben, Deed::Pin { until_ms: 1_631_458_570_000 }, "pinMessage");
    assert_eq!(pinned, with(json!({ "pinDurationSeconds": 60 })));
    let vote = field(ben, Deed::Vote { options: vec![0, 2] }, "pollVote");
    assert_eq!((&vote["authorNumber"], &vote["optionIndexes"]), (&json!("anna"), &json!([0, 2])));
    let answer = field(ben, Deed::Answer { answer: Reply::Perhaps }, "eventAnswer");
    assert_eq!(answer["answer"], "perhaps");
    let edit = act(ANNA, Deed::Edit { post: Box::default() });
    let edit = &edit["envelope"]["editMessage"];
    assert_eq!(edit["targetSentTimestamp"], 1_631_458_508_784_u64);
    assert_eq!(edit["dataMessage"]["message"], "hi", "what it says now");
    assert_eq!(edit["dataMessage"]["timestamp"], 1_631_458_510_000_u64);
    assert_eq!(act(ANNA, Deed::Opened), Value::Null, "nobody but people needs to know");
    // Another own device.
    let own = act(BOT, Deed::React { emoji: "👍".to_owned() });
    assert_eq!(own["envelope"]["syncMessage"]["sentMessage"]["reaction"]["emoji"], "👍");
    let own = act(BOT, Deed::Edit { post: Box::default() });
    let sent = &own["envelope"]["syncMessage"]["sentMessage"];
    assert_eq!(sent["editMessage"]["dataMessage"]["message"], "hi");
}

#[test]
fn answers_mentions_formatting_and_cards_are_told() {
    let data = |post: Post| {
        let message = message(ANNA, ANNA, Direction::Incoming, Body::Text(Box::new(post)));
        told(Happened::Message { message })[0]["envelope"]["dataMessage"].clone()
    };
    // The clef takes two units of UTF-16 and four bytes.
    let span = |start, bytes, style| Span { start, bytes, style };
    let written = data(Post {
        text: "𝄞 @bot *yes*".to_owned(),
        spans: vec![
            span(5, 4, Style::Mention { account: BOT.to_owned() }),
            span(10, 5, Style::Bold),
            span(3, 900, Style::Bold),
        ],
        quote: Some(Quote { message: QUOTED.to_owned(), text: "when?".to_owned(), attachments: Vec::new() }),
        ..Post::default()
    });
    assert_eq!(
        written["mentions"],
        json!([{ "name": BOT, "number": BOT, "uuid": uuid(BOT), "start": 3, "length": 4 }])
    );
    assert_eq!(written["textStyles"], json!([{ "style": "BOLD", "start": 8, "length": 5 }]));
    let quote = &written["quote"];
    assert_eq!((&quote["id"], &quote["text"]), (&json!(1_631_458_508_784_u64), &json!("when?")));
    assert_eq!((&quote["authorUuid"], &quote["attachments"]), (&json!(uuid(BOT)), &json!([])));
    let card = |text: &str, card| data(Post { card: Some(card), ..Post::plain(text) });
    let poll = card("when?", Card::Poll { options: vec!["a".into(), "b".into()], several: true });
    assert_eq!(
        poll["pollCreate"],
        json!({ "question": "when?", "allowMultiple": true, "options": ["a", "b"] })
    );
    let contact = Card::Contact { name: "Ann".into(), account: Some(ANNA.into()), details: String::new() };
    let contact = card("", contact);
    assert_eq!(contact["contacts"][0]["name"]["display"], "Ann");
    assert_eq!(contact["contacts"][0]["phone"][0]["value"], "anna");
    let lifetime = Body::Notice { notice: Notice::Lifetime { by: ANNA.to_owned(), seconds: 60 } };
    let update = told(Happened::Message { message: message(BOT, ANNA, Direction::Incoming, lifetime) });
    let update = &update[0]["envelope"];
    assert_eq!((&update["source"], &update["sourceDevice"]), (&json!("anna"), &Value::Null));
    let data = &update["dataMessage"];
    assert_eq!((&data["expiresInSeconds"], &data["isExpirationUpdate"]), (&json!(60), &json!(true)));
}
