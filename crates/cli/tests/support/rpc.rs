//! A daemon, and programs that talk to it.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PATIENCE, Person};

/// `waxwing daemon`; killed when dropped.
pub struct Daemon {
    child: Child,
    lines: Receiver<String>,
    addresses: Vec<String>,
}

impl Daemon {
    /// With listeners, of which there are so many.
    pub fn start(person: &Person, arguments: &[&str]) -> Self {
        let mut command = person.command(&["daemon"]);
        command.args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("waxwing starts");
        let lines = lines(child.stdout.take().unwrap());
        let listeners = arguments
            .iter()
            .filter(|a| ["--socket", "--tcp", "--http"].iter().any(|listener| a.starts_with(listener)))
            .count();
        let mut daemon = Self { child, lines, addresses: Vec::new() };
        for _ in 0..listeners {
            let line = daemon.lines.recv_timeout(PATIENCE).expect("it says where it listens");
            daemon.addresses.push(line.strip_prefix("listening on ").expect(&line).to_owned());
        }
        daemon
    }

    fn address(&self, is_wanted: impl Fn(&str) -> bool) -> &str {
        self.addresses.iter().find(|address| is_wanted(address)).expect("it listens so")
    }

    pub fn http(&self) -> String {
        self.address(|address| address.starts_with("http")).to_owned()
    }

    pub fn socket(&self) -> PathBuf {
        self.address(|address| address.starts_with('/')).into()
    }

    pub fn tcp_address(&self) -> &str {
        self.address(|address| !address.starts_with(['/', 'h']))
    }

    pub fn unix(&self) -> Program {
        Program::unix(&self.socket())
    }

    pub fn tcp(&self) -> Program {
        let stream = TcpStream::connect(self.tcp_address()).unwrap();
        let reading = stream.try_clone().unwrap();
        let closing = stream.try_clone().unwrap();
        Program::new(stream, reading, Box::new(move || drop(closing.shutdown(Shutdown::Both))))
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As an operator does.
    pub fn terminate(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").arg(&pid).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(reading: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reading).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A program that speaks JSON-RPC, one object a line.
pub struct Program {
    writing: Box<dyn Write>,
    lines: Receiver<String>,
    close: Box<dyn Fn()>,
    /// Notifications that came while an answer was waited for.
    seen: Vec<Value>,
    next: u64,
}

impl Program {
    fn new(writing: impl Write + 'static, reading: impl Read + Send + 'static, close: Box<dyn Fn()>) -> Self {
        Self { writing: Box::new(writing), lines: lines(reading), close, seen: Vec::new(), next: 1 }
    }

    pub fn unix(path: &std::path::Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        let reading = stream.try_clone().unwrap();
        let closing = stream.try_clone().unwrap();
        Self::new(stream, reading, Box::new(move || drop(closing.shutdown(Shutdown::Both))))
    }

    /// A daemon of its own, over standard input and output.
    pub fn standard(person: &Person, arguments: &[&str]) -> (Self, Child) {
        let mut command = person.command(&["daemon"]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("waxwing starts");
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        (Self::new(stdin, stdout, Box::new(|| {})), child)
    }

    pub fn say(&mut self, line: &str) {
        self.writing.write_all(line.as_bytes()).unwrap();
        self.writing.write_all(b"\n").unwrap();
        self.writing.flush().unwrap();
    }

    /// The next line; `None`: the other side has ended.
    #[track_caller]
    pub fn line(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(serde_json::from_str(&line).expect(&line)),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing came"),
        }
    }

    /// The whole answer to a request.
    #[track_caller]
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        let request = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": id });
        self.say(&request.to_string());
        loop {
            let line = self.line().expect("an answer comes");
            if line["id"] == id {
                return line;
            }
            assert_eq!(line["method"], "receive", "{line}");
            self.seen.push(line);
        }
    }

    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The code of the error.
    #[track_caller]
    pub fn fails(&mut self, method: &str, params: Value) -> i64 {
        let answer = self.ask(method, params);
        assert!(answer["error"]["message"].as_str().is_some_and(|words| words.len() > 3), "{answer}");
        answer["error"]["code"].as_i64().unwrap()
    }

    /// The parameters of the next notification.
    #[track_caller]
    pub fn event(&mut self) -> Value {
        if !self.seen.is_empty() {
            return self.seen.remove(0)["params"].clone();
        }
        let line = self.line().expect("an event comes");
        assert_eq!(line["method"], "receive", "{line}");
        line["params"].clone()
    }

    /// The next event that brings a message.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        loop {
            let event = self.event();
            let inner = event.get("result").unwrap_or(&event);
            if inner["envelope"]["dataMessage"]["message"].is_string() {
                return event;
            }
        }
    }

    /// Events that come within a moment.
    pub fn more(&mut self, moment: Duration) -> Vec<Value> {
        let deadline = Instant::now() + moment;
        let mut events = std::mem::take(&mut self.seen);
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            events.push(serde_json::from_str(&line).expect(&line));
        }
        events.into_iter().map(|event| event["params"].clone()).collect()
    }

    pub fn close(self) {
        (self.close)();
    }
}

/// The text of an event's message.
pub fn text(event: &Value) -> &str {
    event["envelope"]["dataMessage"]["message"].as_str().unwrap_or_default()
}

pub fn id(event: &Value) -> u64 {
    event["eventId"].as_u64().expect("an event has an id")
}

/// An answer of HTTP: status and body.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }
}

/// One request as it stands, on a connection of its own.
pub fn http(address: &str, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(request);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let all = String::from_utf8(all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A request with some fields, its body's length, and `Connection: close`.
pub fn post(address: &str, fields: &str, body: &str) -> Answer {
    let request = format!(
        "POST /api/v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{fields}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    http(address, request.as_bytes())
}

pub fn get(address: &str, path: &str, fields: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n");
    http(address, request.as_bytes())
}

/// An event stream.
pub struct Stream {
    lines: Receiver<String>,
    stream: TcpStream,
}

impl Stream {
    pub fn open(address: &str, fields: &str) -> Self {
        let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
        let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let lines = lines(stream.try_clone().unwrap());
        let opened = Self { lines, stream };
        assert!(opened.lines.recv_timeout(PATIENCE).unwrap().starts_with("HTTP/1.1 200"));
        opened
    }

    /// The next event that brings a message: its id, and what it says.
    #[track_caller]
    pub fn message(&mut self) -> (u64, Value) {
        let (mut id, mut data) = (0, None);
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("an event comes");
            if let Some(told) = line.strip_prefix("id:") {
                id = told.parse().unwrap();
            } else if let Some(told) = line.strip_prefix("data:") {
                data = Some(serde_json::from_str::<Value>(told).unwrap());
            } else if line.is_empty()
                && let Some(data) = data.take()
                && data["envelope"]["dataMessage"]["message"].is_string()
            {
                return (id, data);
            }
        }
    }

    pub fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
