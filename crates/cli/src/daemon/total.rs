//! Whatever bytes come: every reader of them ends, panics never, and keeps to its bounds.

use std::io::{BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::http::request::{Head, Reader};
use super::limits::{MAX_BATCH, MAX_REQUEST_BYTES};
use super::lines::{Line, read_line};
use super::names::{group_name, plain};
use super::params::Params;
use super::rpc;

/// Requests as they should be, to be spoilt.
const GOOD: [&str; 6] = [
    "POST /api/v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "POST /api/v1/rpc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "GET /api/v1/events HTTP/1.1\r\nHost: localhost:8080\r\nLast-Event-ID: 7\r\nConnection: close\r\n\r\n",
    r#"{"jsonrpc":"2.0","method":"send","params":{"recipient":["anna"],"message":"hi"},"id":1}"#,
    r#"[{"jsonrpc":"2.0","method":"version","id":"a"},{"jsonrpc":"2.0","method":"x","id":null}]"#,
    "{\"jsonrpc\":\"2.0\",\"method\":\"acknowledge\",\"params\":{\"eventId\":18446744073709551615}}\n",
];

/// Anything, and what is nearly right: bytes changed, left out, repeated.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let spoilt =
        (prop::sample::select(&GOOD[..]), prop::collection::vec(change, 0..6)).prop_map(|(text, changes)| {
            let mut bytes = text.as_bytes().to_vec();
            for (place, byte, how) in changes {
                let at = place.index(bytes.len().max(1));
                match how {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 => bytes.insert(at.min(bytes.len()), byte),
                    2 => drop(bytes.drain(at.min(bytes.len())..)),
                    _ => bytes.extend_from_within(at.min(bytes.len())..),
                }
            }
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..400), spoilt.clone(), spoilt]
}

/// JSON of any shape, not too deep.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(&["2.0", "send", "9", "true"][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop::sample::select(&["jsonrpc", "method", "params", "id", "a", "result"][..]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

/// What a reader of HTTP makes of bytes that come in pieces: what it has read of bodies, at most.
fn read_http(bytes: &[u8], piece: usize) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut writing = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (reading, _) = listener.accept().unwrap();
    let parts: Vec<Vec<u8>> = bytes.chunks(piece.max(1)).map(<[u8]>::to_vec).collect();
    let write = std::thread::spawn(move || {
        for part in parts {
            if writing.write_all(&part).is_err() {
                return;
            }
        }
        let _ = writing.shutdown(Shutdown::Write);
    });
    let patience = Duration::from_secs(5);
    let mut reader = Reader::new(&reading);
    let mut largest = 0;
    while let Ok(Some(head)) = reader.head(patience, patience) {
        match reader.body(&head, patience) {
            Ok(body) => largest = largest.max(body.len()),
            Err(_) => break,
        }
    }
    drop(reader);
    drop(reading);
    write.join().unwrap();
    largest
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn heads_are_read_from_any_bytes(bytes in input()) {
        if let Ok(Some((head, used))) = Head::parse(&bytes) {
            prop_assert!(used <= bytes.len());
            let _ = (head.field("host"), head.has_body(), head.expects_continue());
            // More bytes behind it, or fewer before its end, change nothing and are not enough.
            let mut more = bytes.clone();
            more.extend_from_slice(b"{}");
            prop_assert!(matches!(Head::parse(&more), Ok(Some((_, again))) if again == used));
            prop_assert!(matches!(Head::parse(&bytes[..used - 1]), Ok(None)));
        }
    }

    #[test]
    fn requests_are_answered_whatever_they_are(bytes in input()) {
        let mut calls = 0;
        let answer = rpc::handle(&bytes, &mut |_, _| {
            calls += 1;
            Ok(Value::Null)
        });
        prop_assert!(calls <= MAX_BATCH);
        if let Some(answer) = answer {
            let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
            for answer in answers {
                prop_assert_eq!(&answer["jsonrpc"], "2.0");
                prop_assert!(answer.get("result").is_some() != answer.get("error").is_some());
                prop_assert!(!answer["id"].is_object() && !answer["id"].is_array());
            }
        }
    }

    #[test]
    fn requests_of_any_shape_are_answered(value in value()) {
        let text = value.to_string();
        let answer = rpc::handle(text.as_bytes(), &mut |_, params| Ok(Value::Object(params)));
        let batch = value.as_array().is_some_and(|batch| !batch.is_empty());
        prop_assert!(answer.is_none_or(|answer| answer.is_array() == batch));
    }

    #[test]
    fn parameters_of_any_shape_are_read(value in value(), text in ".{0,40}") {
        let params = Params(Map::from_iter([("a".to_owned(), value)]));
        let names = &["missing", "a"][..];
        let _ = (params.text(names), params.texts(names), params.number(names), params.numbers(names));
        let _ = (params.flag("a"), params.patience("a"), params.refuse(names, "no"));
        let _ = (params.needed_text(names), params.needed_number(names));
        if let Ok(group) = group_name(&text) {
            prop_assert!(group.starts_with("g:"));
        }
        prop_assert!(plain(&text).len() <= text.len());
    }

    #[test]
    fn lines_are_what_stands_between_their_ends(bytes in input(), buffer in 1..64_usize, max in 0..200_usize) {
        let mut input = BufReader::with_capacity(buffer, bytes.as_slice());
        let mut read = Vec::new();
        loop {
            match read_line(&mut input, max, &|| true).unwrap() {
                Line::Whole(line) => read.push(Some(line)),
                Line::TooLong => read.push(None),
                Line::End => break,
            }
        }
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        let expected: Vec<Option<Vec<u8>>> =
            lines.into_iter().map(|line| (line.len() <= max).then(|| line.to_vec())).collect();
        prop_assert_eq!(read, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn connections_may_say_anything_in_any_pieces(bytes in input(), piece in 1..200_usize) {
        prop_assert!(read_http(&bytes, piece) <= MAX_REQUEST_BYTES);
    }
}

#[test]
fn what_a_request_announces_is_not_believed() {
    let head = "POST / HTTP/1.1\r\nHost: x\r\n";
    let sized = format!("{head}Content-Length: {}\r\n\r\n", MAX_REQUEST_BYTES + 1);
    assert_eq!(read_http(sized.as_bytes(), 7), 0);
    let endless = "ffff\r\n".to_owned() + &"x".repeat(0xffff) + "\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", endless.repeat(17));
    assert_eq!(read_http(chunked.as_bytes(), 60_000), 0, "more than 1 MiB in pieces is refused as well");
    for size in ["ffffffffffffffff", "ffffffffffffffffffffffff", "-1", "", "0x10"] {
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{size}\r\nabc");
        assert_eq!(read_http(chunked.as_bytes(), 100), 0, "{size}");
    }
    let whole = format!("{head}Content-Length: {MAX_REQUEST_BYTES}\r\n\r\n{}", "x".repeat(MAX_REQUEST_BYTES));
    assert_eq!(read_http(whole.as_bytes(), 60_000), MAX_REQUEST_BYTES);
    let batch = Value::Array(vec![json!({ "jsonrpc": "2.0", "method": "x" }); MAX_BATCH + 1]).to_string();
    let mut calls = 0;
    rpc::handle(batch.as_bytes(), &mut |_, _| {
        calls += 1;
        Ok(Value::Null)
    });
    assert_eq!(calls, 0, "a batch that is too large is not begun");
}
