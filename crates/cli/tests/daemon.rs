//! Programs that send and receive through `waxwing daemon`, and what they must never see.

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use support::rpc::{Daemon, Program, Stream, get, http, id, post, text};
use support::{Person, Server, eventually};

const MOMENT: Duration = Duration::from_millis(700);

struct World {
    server: Server,
    bot: Person,
    anna: Person,
}

fn world() -> World {
    let server = Server::start();
    let invitation = server.invitation();
    let bot = Person::registered("bot", &server.address, &invitation);
    let anna = Person::registered("anna", &server.address, &invitation);
    World { server, bot, anna }
}

#[test]
fn a_program_sends_and_receives_over_standard_input_and_output() {
    let World { server: _server, bot, anna } = world();
    let (mut program, mut child) = Program::standard(&bot, &[]);
    anna.send("bot", "hello");
    let event = program.message();
    let envelope = &event["envelope"];
    assert_eq!(text(&event), "hello");
    assert_eq!((&envelope["source"], &envelope["sourceNumber"]), (&json!("anna"), &json!("anna")));
    assert_eq!(envelope["sourceName"], "anna");
    assert_eq!(envelope["sourceDevice"], 1);
    assert_eq!(envelope["timestamp"], envelope["dataMessage"]["timestamp"]);
    assert_eq!(event["account"], "bot");
    let uuid = envelope["sourceUuid"].as_str().unwrap();
    // The author can be answered by any of the names that the event has for them.
    for name in ["anna", uuid] {
        let sent = program.call("send", json!({ "recipient": [name], "message": format!("to {name}") }));
        assert_eq!(sent["results"][0]["type"], "SUCCESS");
        assert_eq!(sent["results"][0]["recipientAddress"]["uuid"], uuid);
        assert!(sent["timestamp"].as_u64().is_some() && sent["messageId"].is_string());
    }
    assert_eq!(anna.received(), ["to anna".to_owned(), format!("to {uuid}")]);
    // Read receipts are the program's to send.
    let read = json!({ "recipient": "anna", "type": "read", "targetTimestamp": envelope["timestamp"] });
    program.call("sendReceipt", read);
    eventually("the second tick is coloured", || {
        anna.json(&["receive"]).succeeded();
        anna.history("bot").ticks().first().is_some_and(|tick| tick == "read")
    });
    let version = program.call("version", Value::Null);
    assert!(version["version"].is_string());
    assert_eq!(program.call("listAccounts", json!({}))[0]["number"], "bot");
    assert_eq!(program.call("listContacts", json!({ "account": "bot" }))[0]["number"], "anna");
    assert_eq!(program.call("listDevices", json!({}))[0]["isThisDevice"], true);
    let known = program.call("getUserStatus", json!({ "recipient": ["anna", "nobody"] }));
    assert_eq!((&known[0]["isRegistered"], &known[1]["isRegistered"]), (&json!(true), &json!(false)));
    drop(program);
    assert!(child.wait().unwrap().success(), "the end of the input is the end");
}

#[test]
fn a_program_formats_asks_pins_and_tells_of_itself() {
    let World { server: _server, bot, anna } = world();
    let (mut program, mut child) = Program::standard(&bot, &[]);
    anna.send("bot", "hello");
    program.message();
    // Places are in units of UTF-16: the emoji has two.
    let marked = json!({
        "recipient": "anna", "message": "\u{1f600} see @bot", "textStyle": "3:3:BOLD", "mention": ["7:4:bot"],
    });
    program.call("send", marked);
    let ask =
        json!({ "recipient": "anna", "question": "lunch?", "option": ["soup", "salad"], "noMulti": true });
    let poll = program.call("sendPollCreate", ask);
    let about = json!({
        "recipient": "anna", "pollAuthor": "bot", "pollTimestamp": poll["timestamp"], "option": [1], "voteCount": 1,
    });
    program.call("sendPollVote", about);
    let pin = json!({ "targetAuthor": "bot", "targetTimestamp": poll["timestamp"], "pinDuration": 86_400 });
    program.call("sendPinMessage", pin);
    eventually("the poll is there with its vote, above the conversation", || {
        anna.json(&["receive"]).succeeded();
        let history = anna.history("bot").objects();
        let of = |text: &str| {
            let found = history.iter().find(|object| object["message"]["body"]["text"] == text);
            found.map(|object| object["message"].clone()).unwrap_or_default()
        };
        let (written, asked) = (of("\u{1f600} see @bot"), of("lunch?").to_string());
        let spans = &written["body"]["spans"];
        let bold = json!({ "start": 5, "bytes": 3, "style": "bold" });
        spans[0] == bold
            && (&spans[1]["start"], &spans[1]["bytes"], &spans[1]["style"])
                == (&json!(9), &json!(4), &json!("mention"))
            && asked.contains(r#""what":"vote""#)
            && asked.contains(r#""what":"pin""#)
    });
    let own = program.call("send", json!({ "noteToSelf": true, "message": "buy milk" }));
    assert!(own["timestamp"].as_u64().is_some());
    program.call("sendMessageRequestResponse", json!({ "recipient": "anna", "type": "accept" }));
    program.call("updateProfile", json!({ "givenName": "Bo", "familyName": "Bot", "about": "beep" }));
    program.call("updateConfiguration", json!({ "readReceipts": false, "linkPreviews": false }));
    program.call("sendSyncRequest", Value::Null);
    eventually("anna sees how it calls itself", || {
        anna.json(&["receive"]).succeeded();
        let told = anna.json(&["contacts", "show", "bot"]).object();
        told["profile"]["name"] == "Bo Bot" && told["profile"]["about"] == "beep"
    });
    for (method, wrong) in [
        ("send", json!({ "recipient": "anna", "message": "x", "textStyle": "0:2:BOLD" })),
        ("send", json!({ "recipient": "anna", "message": "x", "textStyle": "0:1:LOUD" })),
        ("sendPollCreate", json!({ "recipient": "anna", "question": "one?", "option": "only" })),
        ("sendPollVote", json!({ "pollAuthor": "bot", "pollTimestamp": poll["timestamp"], "option": 7 })),
        ("sendPinMessage", json!({ "targetAuthor": "bot", "targetTimestamp": 1 })),
        ("sendMessageRequestResponse", json!({ "recipient": "anna", "type": "perhaps" })),
        ("updateProfile", json!({ "avatar": "/nowhere" })),
        ("updateConfiguration", json!({ "typingIndicators": true })),
    ] {
        assert_eq!(program.fails(method, wrong.clone()), -1, "{method} {wrong}");
    }
    let unknown = json!({ "recipient": "anna", "message": "x", "mention": "0:1:nobody-at-all" });
    assert_eq!(program.fails("send", unknown), -3, "the server knows nobody of that name");
    drop(program);
    assert!(child.wait().unwrap().success());
    let settings = Value::from(bot.json(&["settings"]).objects());
    assert!(settings.to_string().contains(r#""receipts":false"#), "{settings}");
    assert!(
        bot.run(&["settings"])
            .stdout
            .lines()
            .any(|line| line.starts_with("previews") && line.ends_with("off"))
    );
    assert!(bot.json(&["note"]).texts().contains(&"buy milk".to_owned()));
}

#[test]
fn what_makes_no_sense_is_said_so_and_harms_nothing() {
    let World { server: _server, bot, anna: _anna } = world();
    let (mut program, mut child) = Program::standard(&bot, &[]);
    let code = |program: &mut Program, line: &str| {
        program.say(line);
        program.line().unwrap()["error"]["code"].as_i64().unwrap()
    };
    assert_eq!(code(&mut program, "{nonsense"), -32_700);
    assert_eq!(code(&mut program, "7"), -32_600);
    assert_eq!(code(&mut program, "[]"), -32_600);
    assert_eq!(code(&mut program, r#"{"jsonrpc":"2.0","id":1}"#), -32_600);
    assert_eq!(code(&mut program, &"[".repeat(50_000)), -32_700);
    assert_eq!(code(&mut program, &"x".repeat(3_000_000)), -32_600);
    assert_eq!(code(&mut program, "\u{0}"), -32_700);
    assert_eq!(program.fails("frobnicate", json!({})), -32_601);
    assert_eq!(program.fails("version", json!({ "account": "+15551234" })), -32_602);
    for wrong in [
        json!({ "recipient": 7, "message": "x" }),
        json!({ "recipient": ["anna", 7], "message": "x" }),
        json!({ "recipient": "anna", "message": ["x"] }),
        json!({ "recipient": "anna", "message": "x", "waitDelivered": "long" }),
        json!({ "recipient": "anna", "message": "x", "waitDelivered": -1 }),
        json!({ "recipient": "anna", "message": "x", "idempotencyKey": "" }),
    ] {
        assert_eq!(program.fails("send", wrong.clone()), -32_602, "{wrong}");
    }
    for wrong in [
        json!({ "message": "x" }),
        json!({ "recipient": "bot", "message": "x" }),
        json!({ "recipient": "anna" }),
        json!({ "recipient": "anna", "message": "x".repeat(17_000) }),
        json!({ "recipient": "anna", "message": "x", "attachments": ["data:text/plain,x"] }),
        json!({ "recipient": "anna", "message": "x", "attachments": ["data:text/plain;base64,eA="] }),
        json!({ "groupId": "nonsense", "message": "x" }),
        json!({ "groupId": "AAAAAAAAAAAAAAAAAAAAAA==", "message": "x" }),
        json!({ "recipient": vec!["anna"; 101], "message": "x" }),
    ] {
        assert_eq!(program.fails("send", wrong.clone()), -1, "{wrong}");
    }
    assert_eq!(program.fails("send", json!({ "recipient": "nobody", "message": "x" })), -3);
    assert_eq!(program.fails("unsubscribeReceive", json!({ "subscription": 9 })), -1);
    assert_eq!(program.fails("acknowledge", json!({ "eventId": 999_999 })), -32_602);
    assert_eq!(program.fails("acknowledge", json!({})), -32_602);
    program.say(r#"{"jsonrpc":"2.0","method":"version"}"#);
    program.say("");
    program.say(r#"[{"jsonrpc":"2.0","method":"version","id":"a"},{"jsonrpc":"2.0","method":"x","id":"b"}]"#);
    let batch = program.line().unwrap();
    assert_eq!((&batch[0]["id"], &batch[1]["error"]["code"]), (&json!("a"), &json!(-32_601)));
    assert_eq!(bot.json(&["account"]).error(), "profileBusy");
    drop(program);
    assert!(child.wait().unwrap().success());
    // Nobody reads, or nobody writes: no panic either way.
    let mut command = bot.command(&["daemon"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..100 {
        use std::io::Write as _;
        let _ = stdin.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"version\",\"id\":1}\n");
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}

#[test]
fn what_was_not_acknowledged_comes_again_after_kill_9_and_nothing_else_does() {
    let World { server: _server, bot, anna } = world();
    let start = || Daemon::start(&bot, &["--socket", "--receive-mode", "ack"]);
    let daemon = start();
    let mode = std::fs::metadata(daemon.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may talk to it");
    let mut program = daemon.unix();
    for number in 1..=3 {
        anna.send("bot", &format!("m{number}"));
    }
    let events: Vec<Value> = (0..3).map(|_| program.message()).collect();
    assert_eq!(events.iter().map(text).collect::<Vec<_>>(), ["m1", "m2", "m3"]);
    assert!(id(&events[0]) < id(&events[1]) && id(&events[1]) < id(&events[2]));
    let acknowledged = program.call("acknowledge", json!({ "eventId": id(&events[0]) }));
    assert_eq!(acknowledged["acknowledged"], id(&events[0]));
    daemon.kill();
    // Told, but not acknowledged: it comes again, under the same ids, with what came in between.
    anna.send("bot", "m4");
    let daemon = start();
    let mut program = daemon.unix();
    let again: Vec<Value> = (0..3).map(|_| program.message()).collect();
    assert_eq!(again.iter().map(text).collect::<Vec<_>>(), ["m2", "m3", "m4"]);
    assert_eq!((id(&again[0]), id(&again[1])), (id(&events[1]), id(&events[2])));
    // And to another program too, as long as nobody has acknowledged it.
    let mut other = daemon.unix();
    assert_eq!(text(&other.message()), "m2");
    program.call("acknowledge", json!({ "eventId": id(&again[2]) }));
    assert!(program.more(MOMENT).iter().all(|event| text(event).is_empty()), "nothing is told twice");
    daemon.kill();
    let daemon = start();
    let mut program = daemon.unix();
    assert!(program.more(MOMENT).iter().all(|event| text(event).is_empty()));
    assert_eq!(daemon.terminate(), 0);
    assert!(!bot.data_dir().join("socket").exists());
    // What a program has dealt with, people need not see as new.
    assert!(bot.received().is_empty());
}

#[test]
fn without_acknowledgement_nothing_is_lost_between_two_connections() {
    let World { server: _server, bot, anna } = world();
    let daemon = Daemon::start(&bot, &["--tcp=127.0.0.1:0", "--socket"]);
    let mut program = daemon.tcp();
    anna.send("bot", "one");
    assert_eq!(text(&program.message()), "one");
    program.close();
    anna.send("bot", "two");
    eventually("the daemon has it", || {
        let mut other = daemon.tcp();
        let is_there = other.more(MOMENT).iter().any(|event| text(event) == "two");
        other.close();
        is_there
    });
    let mut program = daemon.unix();
    assert!(program.more(MOMENT).is_empty(), "somebody had it");
    // A browser can be made to say this, and nothing of it is done.
    let body = r#"{"jsonrpc":"2.0","method":"send","params":{"recipient":"anna","message":"spam"},"id":1}"#;
    let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{body}\n");
    let answer = http(daemon.tcp_address(), request.as_bytes());
    assert!(!answer.head.contains("result"), "{}", answer.head);
    assert!(anna.received().is_empty());
}

#[test]
fn subscriptions_are_wrapped_and_can_be_ended() {
    let World { server: _server, bot, anna } = world();
    let daemon = Daemon::start(&bot, &["--socket", "--receive-mode=manual"]);
    let mut program = daemon.unix();
    anna.send("bot", "one");
    assert!(program.more(MOMENT).is_empty(), "nobody asked for it");
    let number = program.call("subscribeReceive", Value::Null);
    assert_eq!(number, 0);
    let event = program.message();
    assert_eq!((&event["subscription"], text(&event["result"])), (&json!(0), "one"));
    program.call("unsubscribeReceive", json!({ "subscription": 0 }));
    anna.send("bot", "two");
    assert!(program.more(MOMENT).is_empty());
    // Or by asking.
    let received = program.call("receive", json!({ "timeout": 30 }));
    assert_eq!(text(&received[0]), "two");
    assert_eq!(program.call("receive", json!({ "timeout": 0 })), json!([]));
}

#[test]
fn a_group_is_made_written_to_and_left() {
    let World { server: _server, bot, anna } = world();
    let daemon = Daemon::start(&bot, &["--socket"]);
    let mut program = daemon.unix();
    let made =
        program.call("updateGroup", json!({ "name": "hikes", "members": ["anna"], "description": "up" }));
    let group = made["groupId"].as_str().unwrap().to_owned();
    let listed = program.call("listGroups", json!({}));
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&json!(group), &json!("hikes")));
    assert_eq!((&listed[0]["description"], &listed[0]["isMember"]), (&json!("up"), &json!(true)));
    assert_eq!(listed[0]["admins"][0]["number"], "bot");
    assert_eq!(listed[0]["members"].as_array().unwrap().len(), 2);
    eventually("anna is in it", || {
        anna.json(&["receive"]).succeeded();
        anna.json(&["group", "show", "hikes"]).code == 0
    });
    anna.send("hikes", "where to?");
    let event = program.message();
    let info = &event["envelope"]["dataMessage"]["groupInfo"];
    assert_eq!((&info["groupId"], &info["groupName"]), (&json!(group), &json!("hikes")));
    assert_eq!((&info["type"], text(&event)), (&json!("DELIVER"), "where to?"));
    let sent = program.call("send", json!({ "groupId": group, "message": "the lake", "waitDelivered": 0.2 }));
    assert_eq!((&sent["delivered"], &sent["results"][0]["groupId"]), (&json!(false), &json!(group)));
    assert_eq!(sent["results"][0]["recipientAddress"]["number"], "anna");
    assert_eq!(anna.received(), ["the lake"]);
    program.call("updateGroup", json!({ "groupId": group, "name": "lakes", "link": "enabled" }));
    let listed = program.call("listGroups", json!({ "groupId": group }));
    assert_eq!(listed[0]["name"], "lakes");
    assert!(listed[0]["groupInviteLink"].as_str().unwrap().starts_with("waxwing-group:"));
    program.call("quitGroup", json!({ "groupId": group }));
    assert_eq!(program.call("listGroups", json!({ "groupId": group }))[0]["isMember"], false);
}

#[test]
fn a_repetition_under_the_same_key_is_the_same_message_also_after_kill_9() {
    let World { server: _server, bot, anna } = world();
    let start = || Daemon::start(&bot, &["--http=127.0.0.1:0"]);
    let daemon = start();
    let send = |address: &str, fields: &str, message: &str, key: Option<&str>| {
        let params = json!({ "recipient": "anna", "message": message, "idempotencyKey": key });
        let request = json!({ "jsonrpc": "2.0", "method": "send", "params": params, "id": 1 });
        post(address, fields, &request.to_string()).json()
    };
    let address = daemon.http();
    let first = send(&address, "", "once", Some("k1"))["result"].clone();
    let by_field = send(&address, "Idempotency-Key: k2\r\n", "twice", None)["result"].clone();
    assert!(first["timestamp"].is_u64() && by_field["timestamp"].is_u64());
    daemon.kill();
    let daemon = start();
    let address = daemon.http();
    for (message, key, before) in [("once", "k1", &first), ("twice", "k2", &by_field)] {
        let again = send(&address, &format!("Idempotency-Key: {key}\r\n"), message, None)["result"].clone();
        assert_eq!((&again["timestamp"], &again["messageId"]), (&before["timestamp"], &before["messageId"]));
    }
    let other = send(&address, "", "something else", Some("k1"));
    assert_eq!(other["error"]["data"]["code"], "keyReused", "{other}");
    assert_eq!(anna.received(), ["once", "twice"]);
    drop(daemon);
    let send = ["send", "--idempotency-key", "k", "anna", "thrice"];
    let ids: Vec<Value> =
        (0..2).map(|_| bot.json(&send).succeeded().object()["message"]["id"].clone()).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(anna.received(), ["thrice"]);
    assert_eq!(bot.json(&["send", "--idempotency-key", "k", "anna", "other"]).error(), "keyReused");
}

#[test]
fn events_come_over_http_from_where_a_program_was() {
    let World { server: _server, bot, anna } = world();
    let daemon = Daemon::start(&bot, &["--http=localhost:0", "--receive-mode=ack"]);
    let address = daemon.http();
    assert_eq!(get(&address, "/api/v1/check", "").status, 200);
    for number in 1..=3 {
        anna.send("bot", &format!("m{number}"));
    }
    let mut stream = Stream::open(&address, "");
    let (first, told) = stream.message();
    assert_eq!((text(&told), id(&told)), ("m1", first));
    let (second, told) = stream.message();
    assert_eq!(text(&told), "m2");
    stream.close();
    daemon.kill();
    let daemon = Daemon::start(&bot, &["--http=localhost:0", "--receive-mode=ack"]);
    let address = daemon.http();
    let mut stream = Stream::open(&address, &format!("Last-Event-ID: {first}\r\n"));
    assert_eq!(stream.message().0, second);
    stream.close();
    // Naming an event acknowledges it; what came after it was not.
    assert_eq!(Stream::open(&address, "").message().0, second);
    // An id that never was counts for nothing.
    assert_eq!(Stream::open(&address, "Last-Event-ID: 99999999\r\n").message().0, second);
    let version = r#"{"jsonrpc":"2.0","method":"version","id":1}"#;
    assert_eq!(post(&address, "", version).json()["id"], 1);
    assert_eq!(post(&address, "", &format!("[{version},{version}]")).json().as_array().unwrap().len(), 2);
    assert_eq!(post(&address, "", r#"{"jsonrpc":"2.0","method":"version"}"#).status, 201);
    assert_eq!(post(&address, "", "{").json()["error"]["code"], -32_700);
    let chunked = format!(
        "POST /api/v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        &version[..5],
        version.len() - 5,
        &version[5..]
    );
    assert_eq!(http(&address, chunked.as_bytes()).json()["id"], 1);
    // Everything else is refused.
    assert_eq!(post(&address, "Origin: http://localhost\r\n", version).status, 403);
    assert_eq!(http(&address, b"GET /api/v1/check HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403);
    let plain = "POST /api/v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(http(&address, plain.as_bytes()).status, 415);
    assert_eq!(get(&address, "/api/v1/rpc", "").status, 405);
    assert_eq!(get(&address, "/other", "").status, 404);
    assert_eq!(post(&address, "Content-Length: 1\r\n", version).status, 400);
    let large = "POST /api/v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n";
    assert_eq!(http(&address, large.as_bytes()).status, 413);
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n", "x".repeat(20_000));
    assert_eq!(http(&address, head.as_bytes()).status, 431);
    assert_eq!(http(&address, b"nonsense\r\n\r\n").status, 400);
}

#[test]
fn only_those_who_know_the_word_come_in() {
    let World { server: _server, bot, anna: _anna } = world();
    assert_eq!(bot.json(&["daemon", "--http=0.0.0.0:0"]).error(), "notLoopback");
    assert_eq!(bot.json(&["daemon", "--tcp=nonsense"]).error(), "malformedAddress");
    let token = bot.data_dir().join("token");
    std::fs::write(&token, "a-word-that-nobody-guesses\n").unwrap();
    let named = token.to_str().unwrap().to_owned();
    assert_eq!(bot.json(&["daemon", "--token-file", &named]).error(), "tokenReadable");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let daemon =
        Daemon::start(&bot, &["--tcp=127.0.0.1:0", "--http=0.0.0.0:0", "--socket", "--token-file", &named]);
    let http = daemon.http().replace("0.0.0.0", "127.0.0.1");
    let version = r#"{"jsonrpc":"2.0","method":"version","id":1}"#;
    assert_eq!(post(&http, "", version).status, 401);
    assert_eq!(post(&http, "Authorization: Bearer wrong\r\n", version).status, 401);
    let right = "Authorization: Bearer a-word-that-nobody-guesses\r\n";
    assert_eq!(post(&http, right, version).status, 200);
    assert_eq!(get(&http, "/api/v1/events", "").status, 401);
    let mut program = daemon.tcp();
    assert_eq!(program.fails("version", json!({})), -32_000);
    assert_eq!(program.fails("authenticate", json!({ "token": "wrong" })), -32_000);
    program.call("authenticate", json!({ "token": "a-word-that-nobody-guesses" }));
    program.call("version", json!({}));
    // The socket belongs to the same user.
    daemon.unix().call("version", json!({}));
}

#[test]
fn a_message_is_waited_for_until_it_is_delivered() {
    let World { server: _server, bot, anna } = world();
    let (mut listener, mut child) = Program::standard(&anna, &[]);
    let sent = bot.json(&["send", "--wait-delivered", "anna", "hello"]).succeeded().object();
    assert_eq!(sent["message"]["delivery"], "delivered");
    assert_eq!(text(&listener.message()), "hello");
    let daemon = Daemon::start(&bot, &["--socket"]);
    let mut program = daemon.unix();
    let sent = program.call("send", json!({ "recipient": "anna", "message": "x", "waitDelivered": true }));
    assert_eq!((&sent["delivered"], &sent["results"][0]["delivery"]), (&json!(true), &json!("delivered")));
    // The receipt is an event too.
    let receipt = loop {
        let event = program.event();
        if event["envelope"]["receiptMessage"].is_object() {
            break event;
        }
    };
    let receipt = &receipt["envelope"];
    assert_eq!(
        (&receipt["source"], &receipt["receiptMessage"]["isDelivery"]),
        (&json!("anna"), &json!(true))
    );
    assert_eq!(receipt["receiptMessage"]["timestamps"], json!([sent["timestamp"]]));
    drop(listener);
    assert!(child.wait().unwrap().success());
    let sent = program.call("send", json!({ "recipient": "anna", "message": "y", "waitDelivered": 0.3 }));
    assert_eq!((&sent["delivered"], &sent["results"][0]["type"]), (&json!(false), &json!("SUCCESS")));
    drop(daemon);
    assert_eq!(bot.json(&["send", "--wait-delivered=0.3", "anna", "z"]).error(), "notDelivered");
    assert_eq!(anna.received(), ["y", "z"]);
}

#[test]
fn shells_can_complete_commands() {
    let nobody = Person::new("nobody");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = nobody.run(&["completions", shell]).succeeded().stdout;
        assert!(script.contains("waxwing") && script.contains("daemon"), "{shell}");
    }
    let mut command = nobody.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn what_people_do_about_messages_is_told_until_it_was_acknowledged() {
    let World { server: _server, bot, anna } = world();
    let start = || Daemon::start(&bot, &["--socket", "--receive-mode", "ack"]);
    let daemon = start();
    let mut program = daemon.unix();
    let poll = json!({ "recipient": "anna", "message": "lunch?" });
    let asked = program.call("send", poll)["timestamp"].clone();
    assert_eq!(anna.received(), ["lunch?"]);
    let newest = || {
        anna.json(&["receive", "--no-read"]).succeeded();
        let newest = anna.json(&["history", "bot", "--limit", "1"]).succeeded().object();
        newest["message"]["order"].to_string()
    };
    // The next event that is no receipt.
    let next = |program: &mut Program| loop {
        let event = program.event();
        if event["envelope"]["receiptMessage"].is_null() {
            break event;
        }
    };
    let lunch = newest();
    anna.json(&["react", &lunch, "👍"]).succeeded();
    let event = next(&mut program);
    let (envelope, reaction) = (&event["envelope"], &event["envelope"]["dataMessage"]["reaction"]);
    assert_eq!((&envelope["source"], &envelope["sourceDevice"]), (&json!("anna"), &json!(1)));
    assert_eq!((&reaction["emoji"], &reaction["isRemove"]), (&json!("👍"), &json!(false)));
    assert_eq!((&reaction["targetAuthor"], &reaction["targetSentTimestamp"]), (&json!("bot"), &asked));
    // Not acknowledged: it comes again, under the same id; what replaced it comes in its place.
    daemon.kill();
    let daemon = start();
    let mut program = daemon.unix();
    let again = next(&mut program);
    assert_eq!((id(&again), &again["envelope"]), (id(&event), envelope));
    daemon.kill();
    anna.json(&["react", &lunch]).succeeded();
    anna.json(&["reply", &lunch, "*yes*, @bot"]).succeeded();
    anna.json(&["edit", &newest(), "at two"]).succeeded();
    let daemon = start();
    let mut program = daemon.unix();
    let mut taken_back = next(&mut program);
    if id(&taken_back) == id(&event) {
        // It held until what has happened since was here.
        taken_back = next(&mut program);
    }
    let data = |event: &Value| event["envelope"]["dataMessage"].clone();
    assert_eq!(data(&taken_back)["reaction"]["isRemove"], true);
    let reply = data(&next(&mut program));
    assert_eq!((&reply["quote"]["id"], &reply["quote"]["authorNumber"]), (&asked, &json!("bot")));
    assert_eq!(reply["quote"]["text"], "lunch?");
    let edit = next(&mut program)["envelope"]["editMessage"].clone();
    assert_eq!(edit["targetSentTimestamp"], reply["timestamp"]);
    assert_eq!(edit["dataMessage"]["message"], "at two");
    anna.json(&["send", "bot", "*bold* @bot"]).succeeded();
    let styled = data(&next(&mut program));
    assert_eq!(styled["textStyles"], json!([{ "style": "BOLD", "start": 0, "length": 4 }]));
    assert_eq!(
        (&styled["mentions"][0]["number"], &styled["mentions"][0]["start"]),
        (&json!("bot"), &json!(5))
    );
    anna.json(&["poll", "bot", "what?", "pizza", "soup"]).succeeded();
    let event = next(&mut program);
    let poll = data(&event)["pollCreate"].clone();
    assert_eq!((&poll["question"], &poll["options"][1]), (&json!("what?"), &json!("soup")));
    anna.json(&["vote", &newest(), "2"]).succeeded();
    let vote = data(&next(&mut program))["pollVote"].clone();
    assert_eq!(
        (&vote["targetSentTimestamp"], &vote["optionIndexes"]),
        (&data(&event)["timestamp"], &json!([1]))
    );
    anna.json(&["delete", &newest(), "--for-everyone"]).succeeded();
    let deleted = next(&mut program);
    assert_eq!(data(&deleted)["remoteDelete"]["timestamp"], data(&event)["timestamp"]);
    anna.json(&["disappear", "--in", "bot", "7d"]).succeeded();
    let lifetime = next(&mut program);
    assert_eq!(data(&lifetime)["isExpirationUpdate"], true);
    assert_eq!(
        (&lifetime["envelope"]["source"], &data(&lifetime)["expiresInSeconds"]),
        (&json!("anna"), &json!(604_800))
    );
    program.call("acknowledge", json!({ "eventId": id(&lifetime) }));
    daemon.kill();
    let daemon = start();
    assert!(daemon.unix().more(MOMENT).is_empty(), "everything was dealt with");
}

#[test]
fn connections_and_subscriptions_have_limits_and_others_are_told_so() {
    let World { server: _server, bot, anna: _anna } = world();
    let daemon = Daemon::start(&bot, &["--socket", "--receive-mode=manual"]);
    let mut programs: Vec<Program> = (0..64).map(|_| daemon.unix()).collect();
    for program in &mut programs {
        program.call("version", Value::Null);
    }
    let refused = daemon.unix().line().expect("it is told so");
    assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32_000), &Value::Null));
    let first = &mut programs[0];
    for number in 0..16 {
        assert_eq!(first.call("subscribeReceive", Value::Null), number);
    }
    assert!(first.fails("subscribeReceive", Value::Null) < 0, "17 of one connection are too many");
    first.call("unsubscribeReceive", json!({ "subscription": 3 }));
    assert_eq!(first.call("subscribeReceive", Value::Null), 16);
    // Who leaves makes room.
    programs.pop().expect("they are connected").close();
    eventually("there is room again", || {
        let mut program = daemon.unix();
        program.say(r#"{"jsonrpc":"2.0","method":"version","id":1}"#);
        let answered = program.line().is_some_and(|line| line["result"].is_object());
        program.close();
        answered
    });
    assert_eq!(daemon.terminate(), 0);
}

/// What the daemon may have given to a program that never reads: what lies in the socket, and no more.
const IN_A_SOCKET_BYTES: usize = 1024 * 1024;

#[test]
fn a_program_that_never_reads_holds_nobody_up_and_is_put_out() {
    let World { server: _server, bot, anna } = world();
    let daemon = Daemon::start(&bot, &["--socket"]);
    let mut stuck = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
    let mut reader = daemon.unix();
    let (mut writer, _child) = Program::standard(&anna, &[]);
    let long = "x".repeat(16_000);
    let count = 100;
    for n in 0..count {
        writer.call("send", json!({ "recipient": ["bot"], "message": format!("{n} {long}") }));
    }
    for n in 0..count {
        assert!(text(&reader.message()).starts_with(&format!("{n} ")), "in order, and none is left out");
    }
    // Whoever comes meanwhile is served, and is told everything that was not acknowledged from now on.
    assert!(daemon.unix().call("version", json!({}))["version"].is_string());
    writer.call("send", json!({ "recipient": ["bot"], "message": "still there?" }));
    assert_eq!(text(&reader.message()), "still there?");
    // It is disconnected; what it would have been told waits in the database, not in memory.
    std::thread::sleep(Duration::from_secs(35));
    let mut left = Vec::new();
    stuck.set_read_timeout(Some(MOMENT)).unwrap();
    std::io::Read::read_to_end(&mut stuck, &mut left).expect("the connection has ended");
    assert!(left.len() < IN_A_SOCKET_BYTES, "{} bytes", left.len());
    assert!(daemon.unix().call("version", json!({}))["version"].is_string());
}
