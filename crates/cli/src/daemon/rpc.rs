//! JSON-RPC 2.0: requests, batches, answers, errors.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use waxwing_app::api::{Failure, Fault};

use super::limits::MAX_BATCH;

pub const PARSE_ERROR: i32 = -32_700;
pub const INVALID_REQUEST: i32 = -32_600;
pub const METHOD_NOT_FOUND: i32 = -32_601;
pub const INVALID_PARAMS: i32 = -32_602;
const INTERNAL_ERROR: i32 = -32_603;
/// Too many connections or subscribers, or no token.
pub const REFUSED: i32 = -32_000;
const USER_ERROR: i32 = -1;
const IO_ERROR: i32 = -3;
const UNTRUSTED_KEY: i32 = -4;
const RATE_LIMIT: i32 = -5;

/// Why a request did not succeed.
#[derive(Debug)]
pub struct RpcError {
    pub code: i32,
    pub message: String,
    pub data: Value,
}

impl RpcError {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    pub fn params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    pub fn user(message: impl Into<String>) -> Self {
        Self::new(USER_ERROR, message)
    }

    pub fn io(message: impl Into<String>, data: Value) -> Self {
        Self { code: IO_ERROR, message: message.into(), data }
    }

    /// The answer that says so.
    pub fn answer(&self, id: &Value) -> Value {
        let error = json!({ "code": self.code, "message": self.message, "data": self.data });
        json!({ "jsonrpc": "2.0", "error": error, "id": id })
    }
}

impl From<Failure> for RpcError {
    fn from(failure: Failure) -> Self {
        let code = match failure.fault {
            _ if failure.code == "rateLimited" => RATE_LIMIT,
            Fault::User => USER_ERROR,
            Fault::Server => IO_ERROR,
            Fault::Trust => UNTRUSTED_KEY,
            Fault::Device => INTERNAL_ERROR,
        };
        let data = json!({ "code": failure.code, "retryAfterMs": failure.retry_after_ms });
        Self { code, message: failure.detail, data }
    }
}

/// Of an answer that says that something did not succeed.
pub fn error_code(answer: &Value) -> Option<i32> {
    answer.get("error")?.get("code")?.as_i64().and_then(|code| i32::try_from(code).ok())
}

/// What does one request: a method and its parameters.
pub type Call<'a> = dyn FnMut(&str, Map<String, Value>) -> Result<Value, RpcError> + 'a;

/// Reads a request or a batch of them, has each done, and returns what is to be answered; `None`: nothing.
pub fn handle(text: &[u8], call: &mut Call<'_>) -> Option<Value> {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => {
            return Some(RpcError::new(PARSE_ERROR, format!("not JSON: {error}")).answer(&Value::Null));
        }
    };
    match value {
        Value::Array(requests) if requests.is_empty() || requests.len() > MAX_BATCH => {
            let error = format!("a batch has 1 to {MAX_BATCH} requests");
            Some(RpcError::new(INVALID_REQUEST, error).answer(&Value::Null))
        }
        Value::Array(requests) => {
            let answers: Vec<Value> =
                requests.into_iter().filter_map(|request| handle_one(request, call)).collect();
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
        request => handle_one(request, call),
    }
}

fn handle_one(request: Value, call: &mut Call<'_>) -> Option<Value> {
    let invalid = |message: &str, id: &Value| Some(RpcError::new(INVALID_REQUEST, message).answer(id));
    let Value::Object(mut request) = request else {
        return invalid("a request is a JSON object", &Value::Null);
    };
    // The answer to a request of ours, of which there are none.
    if !request.contains_key("method") && (request.contains_key("result") || request.contains_key("error")) {
        return None;
    }
    let id = request.remove("id");
    let named = id.clone().unwrap_or_default();
    if named.is_object() || named.is_array() || named.is_boolean() {
        return invalid("id must be a string or a number", &Value::Null);
    }
    if request.get("jsonrpc") != Some(&Value::from("2.0")) {
        return invalid("only jsonrpc version 2.0 is spoken", &named);
    }
    let method = match request.remove("method") {
        Some(Value::String(method)) => method,
        Some(_) => return invalid("method must be a string", &named),
        None => return invalid("method field must be set", &named),
    };
    let result = match request.remove("params") {
        None | Some(Value::Null) => call(&method, Map::new()),
        Some(Value::Object(params)) => call(&method, params),
        Some(Value::Array(params)) if params.is_empty() => call(&method, Map::new()),
        Some(_) => Err(RpcError::params("params must be an object")),
    };
    // Without an id it was a notification, which nobody answers.
    let id = id?;
    Some(match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "result": result, "id": id }),
        Err(error) => error.answer(&id),
    })
}
