//! The operator's way in: a Unix socket in the data directory that only its owner can open. One JSON object
//! a line asks, one answers.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use waxwing_wire::Reject;
use waxwing_wire::directory::{Address, AddressCode};
use waxwing_wire::invitation::{Invitation, InvitationToken};

use crate::limits::{ADMIN_TIMEOUT, MAX_ADMIN_LINE_BYTES, STORAGE_TIME};
use crate::media::{self, Counted};
use crate::message::Job;
use crate::net::Shared;

const SOCKET_FILE: &str = "admin.sock";
/// Longest path that a Unix socket address holds, with its end.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// What an operator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// An invitation.
    Invite {
        /// How many accounts it admits; absent for no bound.
        uses: Option<u32>,
        /// When it ends, milliseconds since 1970; absent for never.
        expires_at_ms: Option<u64>,
        /// For one account that has this address.
        address: Option<String>,
    },
    /// A code by which an account gets an address.
    Address {
        /// Which.
        address: String,
        /// When it ends, milliseconds since 1970; absent for never.
        expires_at_ms: Option<u64>,
    },
    /// Everything that is counted.
    Stats,
    /// What takes room on the disk.
    Storage {
        /// Look through the store now, and delete what lies where files are and belongs to nothing.
        reclaim: bool,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done.
    Ok(Value),
    /// Not done, and why.
    Error(String),
}

/// The listening end.
pub struct Admin {
    listener: UnixListener,
    shared: Arc<Shared>,
    /// Somebody has what takes room counted.
    counts: Arc<AtomicBool>,
}

impl Admin {
    /// Opens the socket. The caller holds the data directory's lock, so a socket that is there is a dead
    /// server's.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(data_dir: &Path, shared: Arc<Shared>) -> anyhow::Result<Self> {
        let listener = at_socket(data_dir, |path| {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        let listener = listener.context("cannot open the admin socket")?;
        Ok(Self { listener, shared, counts: Arc::default() })
    }

    /// Answers operators, one after the other, as long as the process lives; but what is counted is counted beside.
    pub fn run(self) {
        for stream in self.listener.incoming() {
            let answered = stream.and_then(|stream| self.answer(stream));
            if let Err(error) = answered {
                tracing::debug!(%error, "admin connection");
            }
        }
    }

    fn answer(&self, mut stream: UnixStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(ADMIN_TIMEOUT))?;
        stream.set_write_timeout(Some(ADMIN_TIMEOUT))?;
        let mut line = String::new();
        BufReader::new((&stream).take(MAX_ADMIN_LINE_BYTES)).read_line(&mut line)?;
        let answer = match serde_json::from_str(&line) {
            Ok(Request::Storage { reclaim }) => return self.count(stream, reclaim),
            Ok(Request::Stats) => Answer::Ok(Value::Object(self.shared.stats.to_json())),
            Ok(Request::Invite { uses, expires_at_ms, address }) => {
                self.invite(uses, expires_at_ms, address.as_deref())
            }
            Ok(Request::Address { address, expires_at_ms }) => self.vouch(&address, expires_at_ms),
            Err(error) => Answer::Error(format!("not understood: {error}")),
        };
        say(&mut stream, &answer)
    }

    /// Counts in a thread of its own what takes room: an object store lists a thousand objects at a time.
    fn count(&self, mut stream: UnixStream, reclaim: bool) -> std::io::Result<()> {
        if self.counts.swap(true, Ordering::AcqRel) {
            return say(&mut stream, &Answer::Error("it is being counted for somebody already: wait".into()));
        }
        let (shared, counts) = (self.shared.clone(), self.counts.clone());
        let spawned = thread::Builder::new().name("storage".into()).spawn(move || {
            let answer = storage(&shared, reclaim);
            counts.store(false, Ordering::Release);
            let answer = answer.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Ok);
            if let Err(error) = say(&mut stream, &answer) {
                tracing::debug!(%error, "admin connection");
            }
        });
        if spawned.is_err() {
            self.counts.store(false, Ordering::Release);
        }
        spawned.map(|_| ())
    }

    fn invite(&self, uses: Option<u32>, expires_at_ms: Option<u64>, address: Option<&str>) -> Answer {
        match address.map(Address::parse).transpose() {
            Ok(address) => self.draw(
                |answer| Job::Invite { uses, expires_at_ms, address, answer },
                |token| {
                    let invitation = Invitation { server: self.shared.key.public(), token };
                    json!({ "invitation": invitation.to_text() })
                },
            ),
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    fn vouch(&self, address: &str, expires_at_ms: Option<u64>) -> Answer {
        match Address::parse(address) {
            Ok(address) => self.draw(
                |answer| Job::Vouch { address, expires_at_ms, answer },
                |token| json!({ "code": AddressCode(token.0).to_text() }),
            ),
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    /// Has the engine draw a token and make something of it.
    fn draw(
        &self,
        job: impl FnOnce(SyncSender<Result<InvitationToken, Reject>>) -> Job,
        show: impl FnOnce(InvitationToken) -> Value,
    ) -> Answer {
        let (answer, answered) = sync_channel(1);
        self.shared.engine.put(&mut vec![job(answer)], 0);
        match answered.recv_timeout(ADMIN_TIMEOUT) {
            Ok(Ok(token)) => Answer::Ok(show(token)),
            Ok(Err(reject)) => Answer::Error(reject.detail),
            Err(_) => Answer::Error("the server is shutting down or overloaded: try again".into()),
        }
    }
}

fn say(stream: &mut UnixStream, answer: &Answer) -> std::io::Result<()> {
    let mut text = serde_json::to_string(answer)?;
    text.push('\n');
    stream.write_all(text.as_bytes())
}

fn storage(shared: &Shared, reclaim: bool) -> anyhow::Result<Value> {
    let Shared { media, stats, engine, .. } = shared;
    let until = Instant::now() + STORAGE_TIME;
    let counted = media.as_ref().map(|media| media::count(&**media, reclaim.then_some(&**engine), until));
    let Counted { stays, gone, whole } = counted.transpose()?.unwrap_or_default();
    if reclaim {
        engine.put(&mut vec![Job::Sweep], 0);
    }
    Ok(json!({
        "store_bytes": stats.store_bytes.now(),
        "files": stays.files,
        "file_bytes": stays.bytes,
        "all_counted": whole,
        "files_known": stats.files.now(),
        "files_awaited": stats.files_awaited.now(),
        "keeps_files": media.is_some(),
        "reclaimed_files": gone.files,
        "reclaimed_bytes": gone.bytes,
    }))
}

/// Asks the server that runs on a data directory. `None`: there is none.
///
/// # Errors
/// When the server cannot be asked, or says no.
pub fn ask(data_dir: &Path, request: &Request) -> anyhow::Result<Option<Value>> {
    let mut stream = match at_socket(data_dir, |path| UnixStream::connect(path)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error).context("cannot reach the server's admin socket"),
    };
    let counts = matches!(request, Request::Storage { .. });
    stream.set_read_timeout(Some(if counts { STORAGE_TIME + ADMIN_TIMEOUT } else { ADMIN_TIMEOUT * 2 }))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).context("the server did not answer")?;
    match serde_json::from_str(&answer).context("the server's answer is not understood")? {
        Answer::Ok(value) => Ok(Some(value)),
        Answer::Error(error) => bail!("the server refused: {error}"),
    }
}

/// A socket's address is short; a path to a data directory need not be. Then the way leads through the open
/// directory.
fn at_socket<T>(data_dir: &Path, act: impl FnOnce(&Path) -> std::io::Result<T>) -> std::io::Result<T> {
    let path = data_dir.join(SOCKET_FILE);
    if path.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
        return act(&path);
    }
    let directory = fs::File::open(data_dir)?;
    let short: PathBuf = format!("/proc/self/fd/{}/{SOCKET_FILE}", directory.as_raw_fd()).into();
    act(&short)
}
