//! JSON-RPC over HTTP/1.1, and what happens as server-sent events: `POST /api/v1/rpc`, `GET /api/v1/events`,
//! `GET /api/v1/check`. One thread for each connection.

pub mod request;
#[cfg(test)]
mod tests;

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::feed::{Feed, Told};
use super::hub::Hub;
use super::limits::{IDLE_TIMEOUT, KEEP_ALIVE, LINGER_TIMEOUT, PAGE_EVENTS, REQUEST_TIMEOUT};
use super::lines::is_timeout;
use super::methods;
use super::rpc;
use super::token::Token;
use crate::arguments::ReceiveMode;
use crate::output::json_line;
use request::{Head, Problem, Reader};

const JSON: &str = "application/json";
const WORDS: &str = "text/plain; charset=utf-8";

/// Why a request is not served: a status and words.
type Refusal = (u16, &'static str);

pub fn refuse(stream: &TcpStream, why: &str) {
    let _ = answer(stream, 503, WORDS, why.as_bytes(), false);
}

/// Serves one connection until either side ends it.
pub fn serve(hub: &Arc<Hub>, token: Option<&Token>, address: SocketAddr, stream: &TcpStream) {
    converse(hub, token, address, stream);
    linger(stream);
}

/// A connection that is closed while something waits to be read takes the answer with it.
fn linger(mut stream: &TcpStream) {
    let deadline = Instant::now() + LINGER_TIMEOUT;
    let _ = stream.shutdown(Shutdown::Write).and_then(|()| stream.set_read_timeout(Some(LINGER_TIMEOUT)));
    while Instant::now() < deadline && stream.read(&mut [0; 8 * 1024]).is_ok_and(|read| read > 0) {}
}

fn converse(hub: &Arc<Hub>, token: Option<&Token>, address: SocketAddr, stream: &TcpStream) {
    let mut reader = Reader::new(stream);
    while hub.end().is_none() {
        let head = match reader.head(IDLE_TIMEOUT, REQUEST_TIMEOUT) {
            Ok(Some(head)) => head,
            Ok(None) | Err(Problem::Io) => return,
            Err(Problem::Refused(status, why)) => {
                let _ = answer(stream, status, WORDS, why.as_bytes(), false);
                return;
            }
        };
        if let Err((status, why)) = admit(&head, token, address) {
            let _ = answer(stream, status, WORDS, why.as_bytes(), false);
            return;
        }
        match route(hub, &head, &mut reader, stream) {
            Ok(true) => {}
            Ok(false) | Err(_) => return,
        }
    }
}

/// Programs that know the word come in; without one, programs of this machine, and no web pages: neither
/// those that say where they are from, nor those that had their own name lead here.
fn admit(head: &Head, token: Option<&Token>, address: SocketAddr) -> Result<(), Refusal> {
    let is_page = head.field("origin").is_some()
        || head.field("sec-fetch-site").is_some_and(|site| !site.eq_ignore_ascii_case("none"));
    if is_page {
        return Err((403, "web pages are not served"));
    }
    match (token, head.field("authorization")) {
        (None, _) if is_named_here(head.field("host").unwrap_or_default(), address) => Ok(()),
        (None, _) => Err((403, "the Host field names another machine")),
        (Some(token), Some(told)) => {
            let word = told.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            match word {
                Some((_, word)) if token.is(word.trim()) => Ok(()),
                _ => Err((401, "not the daemon's token")),
            }
        }
        (Some(_), None) => Err((401, "send the daemon's token: Authorization: Bearer …")),
    }
}

fn is_named_here(host: &str, address: SocketAddr) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == address.ip())
}

/// Whether the connection goes on.
fn route(hub: &Arc<Hub>, head: &Head, reader: &mut Reader<'_>, stream: &TcpStream) -> io::Result<bool> {
    let path = head.path.split('?').next().unwrap_or_default();
    let wanted = match path {
        "/api/v1/rpc" => "POST",
        "/api/v1/events" | "/api/v1/check" => "GET",
        _ => return answer(stream, 404, WORDS, b"no such address", false),
    };
    if head.method != wanted {
        return answer(stream, 405, WORDS, format!("say {wanted}").as_bytes(), false);
    }
    match path {
        "/api/v1/rpc" => rpc(hub, head, reader, stream),
        "/api/v1/events" => events(hub, head, stream).map(|()| false),
        _ => answer(stream, 200, JSON, b"{}", head.keep_alive && !head.has_body()),
    }
}

fn rpc(hub: &Arc<Hub>, head: &Head, reader: &mut Reader<'_>, stream: &TcpStream) -> io::Result<bool> {
    let kind = head.field("content-type").unwrap_or_default();
    if !kind.trim().to_ascii_lowercase().starts_with(JSON) {
        return answer(stream, 415, WORDS, b"say Content-Type: application/json", false);
    }
    if head.expects_continue() {
        let mut out = stream;
        out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let body = match reader.body(head, REQUEST_TIMEOUT) {
        Ok(body) => body,
        Err(Problem::Io) => return Ok(false),
        Err(Problem::Refused(status, why)) => return answer(stream, status, WORDS, why.as_bytes(), false),
    };
    let key = head.field("idempotency-key");
    let mut number = 0;
    let answered = rpc::handle(&body, &mut |method, mut params: Map<String, Value>| {
        if let Some(key) = key {
            // Each request of a batch has a key of its own then.
            let key = if number == 0 { key.to_owned() } else { format!("{key}+{number}") };
            if params.get("idempotencyKey").is_none_or(Value::is_null) {
                params.insert("idempotencyKey".to_owned(), key.into());
            }
        }
        number += 1;
        methods::call(hub, method, params)
    });
    match answered {
        Some(value) => answer(stream, 200, JSON, json_line(&value).as_bytes(), head.keep_alive),
        // Nothing but notifications.
        None => answer(stream, 201, JSON, b"", head.keep_alive),
    }
}

/// Tells what happens until the other side goes.
fn events(hub: &Arc<Hub>, head: &Head, stream: &TcpStream) -> io::Result<()> {
    let Some(_subscriber) = hub.subscribe() else {
        let refusal = methods::too_many_subscribers().message;
        return answer(stream, 503, WORDS, refusal.as_bytes(), false).map(drop);
    };
    let seen = head.field("last-event-id").and_then(|id| id.trim().parse().ok());
    let Ok(mut feed) = Feed::after(hub, seen) else {
        return answer(stream, 503, WORDS, b"the database does not work now", false).map(drop);
    };
    // Whoever names the last event has dealt with it.
    if hub.mode == ReceiveMode::Ack {
        let _ = hub.acknowledge(feed.position());
    }
    let mut out = stream;
    out.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
          X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n:\n",
    )?;
    let mut spoke = Instant::now();
    while hub.end().is_none() {
        let generation = hub.generation();
        let (told, again) = feed.next(hub, PAGE_EVENTS).unwrap_or_default();
        for params in feed.moving(hub) {
            let event = format!("event:fileProgress\ndata:{}\n\n", json_line(&params));
            out.write_all(event.as_bytes()).inspect_err(slow)?;
            spoke = Instant::now();
        }
        for params in feed.typing(hub) {
            let event = format!("event:receive\ndata:{}\n\n", json_line(&params));
            out.write_all(event.as_bytes()).inspect_err(slow)?;
            spoke = Instant::now();
        }
        for told in &told {
            out.write_all(event(told).as_bytes()).inspect_err(slow)?;
            spoke = Instant::now();
        }
        if let Some(last) = told.last() {
            let _ = hub.written(last.id);
            continue;
        }
        if spoke.elapsed() >= KEEP_ALIVE {
            out.write_all(b":\n").inspect_err(slow)?;
            spoke = Instant::now();
        }
        if has_gone(stream) {
            return Ok(());
        }
        hub.wait(generation, again.unwrap_or(Duration::from_secs(1)));
    }
    Ok(())
}

/// An entry as events; the last of them has its id, so that a break in between loses none.
fn event(told: &Told) -> String {
    let mut text = String::new();
    for (index, params) in told.params.iter().enumerate() {
        if index + 1 == told.params.len() {
            text.push_str(&format!("id:{}\n", told.id));
        }
        text.push_str(&format!("event:receive\ndata:{}\n\n", json_line(params)));
    }
    text
}

fn slow(error: &io::Error) {
    if is_timeout(error) {
        super::note("a program that took nothing for too long was disconnected");
    }
}

/// Whether the other side has ended its half: then nobody reads any more.
fn has_gone(stream: &TcpStream) -> bool {
    let _ = stream.set_nonblocking(true);
    let gone = matches!(stream.peek(&mut [0]), Ok(0));
    let _ = stream.set_nonblocking(false);
    gone
}

/// Writes an answer; returns whether the connection goes on.
fn answer(
    mut stream: &TcpStream,
    status: u16,
    kind: &str,
    body: &[u8],
    keep_alive: bool,
) -> io::Result<bool> {
    let reason = match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        _ => "Service Unavailable",
    };
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let challenge = if status == 401 { "WWW-Authenticate: Bearer\r\n" } else { "" };
    let mut whole = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\n{challenge}Connection: {connection}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    whole.extend_from_slice(body);
    stream.write_all(&whole)?;
    Ok(keep_alive)
}
