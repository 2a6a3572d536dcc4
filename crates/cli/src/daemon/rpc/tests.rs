use super::*;

fn call(method: &str, params: Map<String, Value>) -> Result<Value, RpcError> {
    match method {
        "echo" => Ok(Value::Object(params)),
        "fail" => Err(RpcError::user("no")),
        _ => Err(RpcError::new(METHOD_NOT_FOUND, "Method not implemented")),
    }
}

fn answer(text: &str) -> Value {
    handle(text.as_bytes(), &mut call).unwrap_or_default()
}

/// The code of the error in the answer, and the id.
fn error(text: &str) -> (i64, Value) {
    let answer = answer(text);
    assert_eq!(answer["jsonrpc"], "2.0", "{text}");
    assert!(answer.get("result").is_none() && answer["error"]["message"].is_string(), "{text}");
    (answer["error"]["code"].as_i64().unwrap(), answer["id"].clone())
}

#[test]
fn requests_are_answered_by_their_id() {
    for id in [json!(1), json!("a"), json!(1.5), Value::Null] {
        let request = json!({ "jsonrpc": "2.0", "method": "echo", "params": { "a": 1 }, "id": id });
        let golden = json!({ "jsonrpc": "2.0", "result": { "a": 1 }, "id": id });
        assert_eq!(answer(&request.to_string()), golden);
    }
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"echo","id":1,"params":null}"#)["result"], json!({}));
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"echo","id":1,"params":[]}"#)["result"], json!({}));
    let failed = answer(r#"{"jsonrpc":"2.0","method":"fail","id":1}"#);
    assert_eq!(failed["error"], json!({ "code": -1, "message": "no", "data": null }));
}

#[test]
fn what_is_no_request_is_said_to_be_none() {
    assert_eq!(error("{"), (-32_700, Value::Null));
    assert_eq!(error(""), (-32_700, Value::Null));
    assert_eq!(error("GET / HTTP/1.1"), (-32_700, Value::Null));
    assert_eq!(error(&"[".repeat(100_000)), (-32_700, Value::Null));
    assert_eq!(error("7"), (-32_600, Value::Null));
    assert_eq!(error(r#"{"jsonrpc":"2.0"}"#), (-32_600, Value::Null));
    assert_eq!(error(r#"{"jsonrpc":"2.0","id":4}"#), (-32_600, json!(4)));
    assert_eq!(error(r#"{"jsonrpc":"1.0","method":"echo","id":4}"#), (-32_600, json!(4)));
    assert_eq!(error(r#"{"method":"echo","id":4}"#), (-32_600, json!(4)));
    assert_eq!(error(r#"{"jsonrpc":"2.0","method":7,"id":4}"#), (-32_600, json!(4)));
    assert_eq!(error(r#"{"jsonrpc":"2.0","method":"echo","id":{}}"#), (-32_600, Value::Null));
    assert_eq!(error(r#"{"jsonrpc":"2.0","method":"echo","id":4,"params":7}"#), (-32_602, json!(4)));
    assert_eq!(error(r#"{"jsonrpc":"2.0","method":"other","id":4}"#), (-32_601, json!(4)));
}

#[test]
fn notifications_and_answers_are_not_answered() {
    for text in [
        r#"{"jsonrpc":"2.0","method":"echo"}"#,
        r#"{"jsonrpc":"2.0","method":"fail"}"#,
        r#"{"jsonrpc":"2.0","result":1,"id":1}"#,
        r#"[{"jsonrpc":"2.0","method":"echo"}]"#,
    ] {
        assert_eq!(answer(text), Value::Null, "{text}");
    }
}

#[test]
fn batches_are_answered_by_batches() {
    let text = r#"[{"jsonrpc":"2.0","method":"echo","id":1},7,{"jsonrpc":"2.0","method":"echo"},
                   {"jsonrpc":"2.0","method":"fail","id":2}]"#;
    let answers = answer(text);
    let ids: Vec<&Value> = answers.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!(1), &Value::Null, &json!(2)]);
    assert_eq!(error("[]"), (-32_600, Value::Null));
    let many = vec![json!({ "jsonrpc": "2.0", "method": "echo", "id": 1 }); MAX_BATCH + 1];
    assert_eq!(error(&Value::Array(many).to_string()), (-32_600, Value::Null));
}
