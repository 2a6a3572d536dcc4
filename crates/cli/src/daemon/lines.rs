//! JSON-RPC one object a line: over standard input and output, a Unix socket, or TCP.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};
use waxwing_app::api::Failure;

use super::feed::{Feed, Told};
use super::hub::{Hub, lock};
use super::limits::{MAX_REQUEST_BYTES, MAX_SUBSCRIPTIONS, PAGE_EVENTS};
use super::methods::{self, too_many_subscribers};
use super::params::Params;
use super::rpc::{self, INVALID_REQUEST, PARSE_ERROR, REFUSED, RpcError};
use super::token::Token;
use crate::arguments::ReceiveMode;
use crate::output::json_line;

/// Nothing happens for so long at most before a receiver looks again.
const TICK: Duration = Duration::from_secs(1);

/// Somebody who is connected. Answers and events are written by two threads, whole lines each.
pub struct Client {
    out: Mutex<Box<dyn Write + Send>>,
    closed: AtomicBool,
    subscriptions: Mutex<Subscriptions>,
    /// Ends the reading too.
    hang_up: Box<dyn Fn() + Send + Sync>,
    /// It has to name the token before anything else.
    token: Option<Arc<Token>>,
    admitted: AtomicBool,
    /// Over TCP a browser can be made to send something: its first line is HTTP, and ends the connection.
    strict: bool,
}

#[derive(Default)]
struct Subscriptions {
    next: u64,
    /// By number; `None` is the automatic one, whose events are not wrapped.
    open: BTreeMap<Option<u64>, ()>,
}

impl Client {
    pub fn new(
        out: Box<dyn Write + Send>,
        hang_up: Box<dyn Fn() + Send + Sync>,
        token: Option<Arc<Token>>,
        strict: bool,
    ) -> Self {
        let admitted = AtomicBool::new(token.is_none());
        Self {
            out: Mutex::new(out),
            closed: AtomicBool::new(false),
            subscriptions: Mutex::default(),
            hang_up,
            token,
            admitted,
            strict,
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            (self.hang_up)();
        }
    }

    fn write(&self, value: &Value) -> io::Result<()> {
        let line = json_line(value) + "\n";
        let mut out = lock(&self.out);
        let written = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        drop(out);
        if let Err(error) = &written {
            if is_timeout(error) {
                super::note("a program that took nothing for too long was disconnected");
            }
            self.close();
        }
        written
    }

    pub fn refuse(&self, why: &str) {
        let _ = self.write(&RpcError::new(REFUSED, why).answer(&Value::Null));
    }

    fn is_admitted(&self) -> bool {
        self.admitted.load(Ordering::Acquire)
    }
}

/// Serves until the other side has said everything. Returns after the last answer was written.
pub fn serve(hub: &Arc<Hub>, client: &Arc<Client>, input: &mut dyn BufRead) {
    if hub.mode != ReceiveMode::Manual {
        lock(&client.subscriptions).open.insert(None, ());
    }
    let feeding = {
        let (hub, client) = (hub.clone(), client.clone());
        thread::Builder::new().name("feed".into()).spawn(move || feed(&hub, &client))
    };
    if feeding.is_err() {
        client.refuse("no thread can be started");
    }
    let mut first = true;
    while !client.is_closed() && hub.end().is_none() {
        let line = match read_line(input, MAX_REQUEST_BYTES, &|| client.is_admitted()) {
            Ok(Line::Whole(line)) => line,
            Ok(Line::TooLong) => {
                let error = format!("a request has at most {MAX_REQUEST_BYTES} bytes");
                let _ = client.write(&RpcError::new(INVALID_REQUEST, error).answer(&Value::Null));
                if client.strict {
                    break;
                }
                continue;
            }
            Ok(Line::End) | Err(_) => break,
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = rpc::handle(&line, &mut |method, params| call(hub, client, method, params));
        let is_malformed = answer.as_ref().and_then(rpc::error_code) == Some(PARSE_ERROR);
        if answer.is_some_and(|answer| client.write(&answer).is_err())
            || (client.strict && first && is_malformed)
        {
            break;
        }
        first = false;
    }
    client.closed.store(true, Ordering::Release);
    hub.wake();
    if let Ok(feeding) = feeding {
        let _ = feeding.join();
    }
}

pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[derive(Debug)]
pub enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

/// A line without its end. Of one that is too long nothing is kept, and it is read to its end. Silence ends
/// the reading unless `is_patient`.
pub fn read_line(input: &mut dyn BufRead, max: usize, is_patient: &dyn Fn() -> bool) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if is_timeout(&error) && is_patient() => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(match (too_long, line.is_empty()) {
                (true, _) => Line::TooLong,
                (_, true) => Line::End,
                _ => Line::Whole(line),
            });
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        too_long |= line.len() + part.len() > max;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole(line) });
        }
    }
}

/// What concerns the connection itself is done here.
fn call(hub: &Hub, client: &Client, method: &str, params: Map<String, Value>) -> Result<Value, RpcError> {
    if !client.is_admitted() {
        return authenticate(hub, client, method, params);
    }
    match method {
        "authenticate" => Ok(json!({})),
        "subscribeReceive" => {
            let mut subscriptions = lock(&client.subscriptions);
            if subscriptions.open.len() >= MAX_SUBSCRIPTIONS {
                return Err(too_many_subscribers());
            }
            let number = subscriptions.next;
            subscriptions.next += 1;
            subscriptions.open.insert(Some(number), ());
            drop(subscriptions);
            hub.wake();
            Ok(number.into())
        }
        "unsubscribeReceive" => {
            let number = Params(params).needed_number(&["subscription"])?;
            match lock(&client.subscriptions).open.remove(&Some(number)) {
                Some(()) => Ok(json!({})),
                None => Err(RpcError::user("Unknown subscription id")),
            }
        }
        _ => methods::call(hub, method, params),
    }
}

fn authenticate(
    hub: &Hub,
    client: &Client,
    method: &str,
    params: Map<String, Value>,
) -> Result<Value, RpcError> {
    let told = Params(params).text(&["token"])?.unwrap_or_default();
    let is_right = client.token.as_ref().is_some_and(|token| token.is(&told));
    if method != "authenticate" || !is_right {
        return Err(RpcError::new(REFUSED, "call `authenticate` with the daemon's token first"));
    }
    client.admitted.store(true, Ordering::Release);
    hub.wake();
    Ok(json!({}))
}

/// Tells what happens, until the connection ends.
fn feed(hub: &Hub, client: &Client) {
    let mut receiving = None;
    while !client.is_closed() && hub.end().is_none() {
        let generation = hub.generation();
        let wanted = client.is_admitted() && !lock(&client.subscriptions).open.is_empty();
        let mut again = None;
        if !wanted {
            receiving = None;
        } else if receiving.is_none() {
            receiving = match (hub.subscribe(), Feed::new(hub)) {
                (Some(subscriber), Ok(feed)) => Some((subscriber, feed)),
                (None, _) => {
                    client.refuse(&too_many_subscribers().message);
                    lock(&client.subscriptions).open.clear();
                    None
                }
                // The database does not work now.
                (_, Err(_)) => None,
            };
        }
        if let Some((_, feed)) = &mut receiving {
            match tell(hub, client, feed) {
                Ok(Progress::Told) => continue,
                Ok(Progress::UpToDate(wait)) => again = wait,
                Err(_) => {}
            }
        }
        hub.wait(generation, again.unwrap_or(TICK));
    }
}

/// Tells each of a client's subscriptions.
fn notify(client: &Client, method: &str, params: &Value) -> io::Result<()> {
    let subscriptions: Vec<Option<u64>> = lock(&client.subscriptions).open.keys().copied().collect();
    for subscription in subscriptions {
        let params = match subscription {
            None => params.clone(),
            Some(number) => json!({ "subscription": number, "result": params }),
        };
        client.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))?;
    }
    Ok(())
}

enum Progress {
    Told,
    UpToDate(Option<Duration>),
}

fn tell(hub: &Hub, client: &Client, feed: &mut Feed) -> Result<Progress, Failure> {
    let (told, again) = feed.next(hub, PAGE_EVENTS)?;
    let mut last = None;
    for params in feed.moving(hub) {
        if notify(client, "fileProgress", &params).is_err() {
            return Ok(Progress::UpToDate(None));
        }
    }
    for params in feed.typing(hub) {
        if notify(client, "receive", &params).is_err() {
            return Ok(Progress::UpToDate(None));
        }
    }
    for Told { id, params } in told {
        for params in params {
            if notify(client, "receive", &params).is_err() {
                return Ok(Progress::UpToDate(None));
            }
        }
        last = Some(id);
    }
    match last {
        Some(last) => {
            hub.written(last)?;
            Ok(Progress::Told)
        }
        None => Ok(Progress::UpToDate(again)),
    }
}
