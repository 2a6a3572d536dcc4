//! The one open profile, shared by all who talk to the daemon.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use waxwing_app::App;
use waxwing_app::api::{
    Answer, Attachment, Chat, Command, CommandId, Composing, Connection, Contact, Delivery, Event, Failure,
    Fault, Group, JournalEntry, Message, Query, Receipt, Status,
};
use waxwing_app::channel::{Sender, bounded};

use super::limits::{MAX_MOVING_FILES, MAX_SUBSCRIBERS, MAX_TYPING_EVENTS, QUICK_TRANSFER};
use crate::arguments::ReceiveMode;
use crate::output::Error;
use crate::session::refused;

/// How often it is looked whether it is time to stop.
const TICK: Duration = Duration::from_millis(200);

/// What commands led to.
pub struct Done {
    pub message: Option<String>,
    pub contact: Option<Contact>,
    pub attachment: Option<Attachment>,
}

/// The own account.
pub struct Own {
    pub account: String,
    pub username: Option<String>,
}

/// How far a file is.
struct Moved {
    /// Of what is told; 0: nothing yet.
    number: u64,
    /// When something was heard of it first.
    since: Instant,
    progress: Value,
}

/// An open profile that many threads use.
pub struct Hub {
    app: RwLock<Option<App>>,
    pub own: Own,
    pub mode: ReceiveMode,
    /// How long the server is waited for.
    pub timeout: Duration,
    waiting: Mutex<BTreeMap<CommandId, Sender<Result<Done, Failure>>>>,
    /// What is said of a file before its command is answered.
    attached: Mutex<BTreeMap<CommandId, Attachment>>,
    state: Mutex<State>,
    changed: Condvar,
    subscribers: AtomicUsize,
    /// When the last message was sent: the next one gets another time, by which programs name it.
    sending: Mutex<u64>,
    /// Groups are made one after the other, so that it is clear which is which.
    grouping: Mutex<()>,
    /// Who types, for those who listen now. Not in the journal.
    typing: Mutex<VecDeque<(u64, Typing)>>,
    /// How far files were last, likewise.
    moving: Mutex<VecDeque<Moved>>,
}

/// Somebody types, or has stopped.
#[derive(Clone)]
pub struct Typing {
    pub with: String,
    pub account: String,
    pub what: Composing,
    pub at_ms: u64,
}

struct State {
    /// Rises with everything that happens.
    generation: u64,
    online: bool,
    /// Why the daemon ends: by itself, or with an error.
    ended: Option<Option<Failure>>,
}

/// A page of the journal.
pub struct Page {
    pub acknowledged: u64,
    pub newest: u64,
    pub entries: Vec<JournalEntry>,
}

impl Hub {
    pub fn new(app: App, status: &Status, mode: ReceiveMode, timeout: Duration) -> Self {
        let account = status.account.clone().unwrap_or_default();
        Self {
            app: RwLock::new(Some(app)),
            own: Own { account, username: status.username.clone() },
            mode,
            timeout,
            waiting: Mutex::default(),
            attached: Mutex::default(),
            state: Mutex::new(State { generation: 0, online: false, ended: None }),
            changed: Condvar::new(),
            subscribers: AtomicUsize::new(0),
            sending: Mutex::default(),
            grouping: Mutex::default(),
            typing: Mutex::default(),
            moving: Mutex::default(),
        }
    }

    /// Hands out what happens, until the daemon ends. One thread does only this.
    pub fn dispatch(&self) {
        let Ok(events) = self.with_app(|app| app.events().clone()) else { return };
        while self.end().is_none() {
            match events.recv_timeout(TICK) {
                Ok(event) => self.take(event),
                Err(error) if error.is_timeout() => {}
                Err(_) => self.stop(Some(failure(Fault::Device, "internal", "something broke inside"))),
            }
        }
    }

    fn take(&self, event: Event) {
        let answered = match event {
            Event::Done { command, message, contact } => {
                let attachment = lock(&self.attached).remove(&command);
                Some((command, Ok(Done { message, contact, attachment })))
            }
            Event::Failed { command, failure } => {
                lock(&self.attached).remove(&command);
                Some((command, Err(failure)))
            }
            Event::Attached { command, attachment } => {
                lock(&self.attached).insert(command, attachment);
                None
            }
            Event::Connection { connection } => {
                lock(&self.state).online = connection == Connection::Online;
                if let Connection::Refused { code } = connection {
                    self.refused(&code);
                }
                None
            }
            Event::Composing { with, account, what } => {
                self.typed(Typing { with, account, what, at_ms: now_ms() });
                None
            }
            Event::FileProgress { file, sending, done, total } => {
                self.moved(json!({ "id": file, "sending": sending, "done": done, "total": total }));
                None
            }
            Event::Removed => {
                self.refused("notRegistered");
                None
            }
            _ => None,
        };
        if let Some((command, answer)) = answered
            && let Some(waiting) = lock(&self.waiting).remove(&command)
        {
            let _ = waiting.send(answer);
        }
        self.wake();
    }

    fn refused(&self, code: &str) {
        if let Error::Failed(failure) = refused(code) {
            self.stop(Some(failure));
        }
    }

    fn typed(&self, typing: Typing) {
        let mut all = lock(&self.typing);
        let number = all.back().map_or(1, |(number, _)| number + 1);
        all.push_back((number, typing));
        if all.len() > MAX_TYPING_EVENTS {
            all.pop_front();
        }
    }

    /// A file is further: of each only the newest is kept. Nothing is said of what is done quickly.
    fn moved(&self, progress: Value) {
        let mut all = lock(&self.moving);
        let known = all.iter().position(|known| known.progress.get("id") == progress.get("id"));
        let before = known.and_then(|index| all.remove(index));
        let since = before.as_ref().map_or_else(Instant::now, |before| before.since);
        let is_long = since.elapsed() >= QUICK_TRANSFER;
        let number = all.iter().map(|known| known.number).max().unwrap_or(0);
        let number = number.max(before.map_or(0, |before| before.number));
        if is_long || progress.get("done") != progress.get("total") {
            all.push_back(Moved { number: if is_long { number + 1 } else { 0 }, since, progress });
        }
        if all.len() > MAX_MOVING_FILES {
            all.pop_front();
        }
    }

    /// The number of the last word about a file, for [`Self::moving_after`].
    pub fn last_moving(&self) -> u64 {
        lock(&self.moving).iter().map(|moved| moved.number).max().unwrap_or(0)
    }

    /// How far files are of which something was said since then.
    pub fn moving_after(&self, seen: u64) -> Vec<(u64, Value)> {
        let all = lock(&self.moving);
        let news = all.iter().filter(|moved| moved.number > seen);
        news.map(|moved| (moved.number, moved.progress.clone())).collect()
    }

    /// The number of the last one who was said to type, for [`Self::typing_after`].
    pub fn last_typing(&self) -> u64 {
        lock(&self.typing).back().map_or(0, |(number, _)| *number)
    }

    /// Who was said to type since then.
    pub fn typing_after(&self, seen: u64) -> Vec<(u64, Typing)> {
        lock(&self.typing).iter().filter(|(number, _)| *number > seen).cloned().collect()
    }

    /// Everybody who waits looks again.
    pub fn wake(&self) {
        lock(&self.state).generation += 1;
        self.changed.notify_all();
    }

    /// Until something has happened after this generation, or for so long. Returns the generation then.
    pub fn wait(&self, generation: u64, patience: Duration) -> u64 {
        let state = lock(&self.state);
        let nothing = |state: &mut State| state.generation == generation && state.ended.is_none();
        let waited = self.changed.wait_timeout_while(state, patience, nothing);
        waited.unwrap_or_else(PoisonError::into_inner).0.generation
    }

    pub fn generation(&self) -> u64 {
        lock(&self.state).generation
    }

    pub fn is_online(&self) -> bool {
        lock(&self.state).online
    }

    /// Ends the daemon.
    pub fn stop(&self, failure: Option<Failure>) {
        lock(&self.state).ended.get_or_insert(failure);
        self.wake();
    }

    /// Whether the daemon ends, and why.
    pub fn end(&self) -> Option<Option<Failure>> {
        lock(&self.state).ended.clone()
    }

    /// Closes the profile in good order.
    pub fn close(&self) {
        let app = self.app.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(app);
    }

    fn with_app<T>(&self, look: impl FnOnce(&App) -> T) -> Result<T, Failure> {
        let app = self.app.read().unwrap_or_else(PoisonError::into_inner);
        app.as_ref().map(look).ok_or_else(|| failure(Fault::Server, "stopping", "the daemon is ending"))
    }

    /// Does something and waits for the answer.
    pub fn run(&self, command: Command) -> Result<Done, Failure> {
        self.run_for(command, self.timeout)
    }

    /// The same, for what may take longer.
    pub fn run_for(&self, command: Command, patience: Duration) -> Result<Done, Failure> {
        let (answer, answered) = bounded(1);
        let id = {
            // Held, so that the answer cannot come before somebody waits for it.
            let mut waiting = lock(&self.waiting);
            let id = self.with_app(|app| app.send(command))?;
            waiting.insert(id, answer);
            id
        };
        answered.recv_timeout(patience).unwrap_or_else(|_| {
            lock(&self.waiting).remove(&id);
            let detail = "the server did not answer in time; try again, or start the daemon with a longer \
                          --timeout";
            Err(failure(Fault::Server, "timeout", detail))
        })
    }

    fn query(&self, query: Query) -> Result<Answer, Failure> {
        self.with_app(|app| app.query(query))?
    }

    pub fn status(&self) -> Result<Status, Failure> {
        match self.query(Query::Status)? {
            Answer::Status(status) => Ok(status),
            _ => Err(mismatch()),
        }
    }

    pub fn page(&self, after: Option<u64>, limit: usize) -> Result<Page, Failure> {
        match self.query(Query::Journal { after, limit })? {
            Answer::Journal { acknowledged, newest, entries } => Ok(Page { acknowledged, newest, entries }),
            _ => Err(mismatch()),
        }
    }

    /// Messages with files, newest first.
    pub fn with_files(&self, with: Option<String>, limit: usize) -> Result<Vec<Message>, Failure> {
        match self.query(Query::Files { with, before: None, order: None, limit })? {
            Answer::Files { messages, .. } => Ok(messages),
            _ => Err(mismatch()),
        }
    }

    /// Base64 of a file that is here.
    pub fn file_content(&self, message: String, index: u32) -> Result<String, Failure> {
        match self.query(Query::FileContent { message, index })? {
            Answer::FileContent { content } => Ok(content),
            _ => Err(mismatch()),
        }
    }

    pub fn contact(&self, name: &str) -> Result<Option<Contact>, Failure> {
        match self.query(Query::Contact { name: name.to_owned() })? {
            Answer::Contact { contact } => Ok(contact),
            _ => Err(mismatch()),
        }
    }

    pub fn chat(&self, name: &str) -> Result<Option<Chat>, Failure> {
        match self.query(Query::Chat { name: name.to_owned() })? {
            Answer::Chat { chat } => Ok(chat),
            _ => Err(mismatch()),
        }
    }

    pub fn contacts(&self) -> Result<Vec<Contact>, Failure> {
        match self.query(Query::Contacts)? {
            Answer::Contacts { contacts } => Ok(contacts),
            _ => Err(mismatch()),
        }
    }

    pub fn group(&self, name: &str) -> Result<Option<Group>, Failure> {
        match self.query(Query::Group { name: name.to_owned() })? {
            Answer::Group { group } => Ok(group),
            _ => Err(mismatch()),
        }
    }

    pub fn groups(&self) -> Result<Vec<Group>, Failure> {
        match self.query(Query::Groups)? {
            Answer::Groups { groups } => Ok(groups),
            _ => Err(mismatch()),
        }
    }

    pub fn devices(&self) -> Result<Vec<waxwing_app::api::Device>, Failure> {
        match self.query(Query::Devices)? {
            Answer::Devices { devices } => Ok(devices),
            _ => Err(mismatch()),
        }
    }

    pub fn message(&self, id: &str) -> Result<Option<Message>, Failure> {
        self.one(Query::Message { id: id.to_owned() })
    }

    /// A message as signal-cli's programs name it.
    pub fn sent_at(
        &self,
        from: &str,
        sent_at_ms: u64,
        with: Option<String>,
    ) -> Result<Option<Message>, Failure> {
        self.one(Query::MessageSentAt { from: from.to_owned(), sent_at_ms, with })
    }

    fn one(&self, query: Query) -> Result<Option<Message>, Failure> {
        match self.query(query)? {
            Answer::Message { message } => Ok(message),
            _ => Err(mismatch()),
        }
    }

    pub fn receipts(&self, message: &str) -> Result<Vec<Receipt>, Failure> {
        match self.query(Query::Receipts { message: message.to_owned() })? {
            Answer::Receipts { receipts } => Ok(receipts),
            _ => Err(mismatch()),
        }
    }

    pub fn safety_number(&self, account: &str) -> Result<Option<String>, Failure> {
        match self.query(Query::SafetyNumber { account: account.to_owned() })? {
            Answer::SafetyNumber { number, .. } => Ok(number),
            _ => Err(mismatch()),
        }
    }

    pub fn is_own(&self, account: &str) -> bool {
        self.own.account == account
    }

    /// How others call the own account.
    pub fn own_name(&self) -> &str {
        self.own.username.as_deref().unwrap_or(&self.own.account)
    }

    /// Writes one message. Each gets a time of its own.
    pub fn send(&self, command: Command) -> Result<Message, Failure> {
        let mut last = lock(&self.sending);
        while now_ms() == *last {
            std::thread::sleep(Duration::from_micros(200));
        }
        let id = self.run(command)?.message.ok_or_else(mismatch)?;
        let gone = || failure(Fault::User, "messageGone", "the message was sent, and has been deleted since");
        let message = self.message(&id)?.ok_or_else(gone)?;
        *last = message.sent_at_ms.max(*last);
        Ok(message)
    }

    /// Makes a group and says which it is.
    pub fn make_group(&self, command: Command) -> Result<Group, Failure> {
        let _alone = lock(&self.grouping);
        let before = self.groups()?;
        self.run(command)?;
        let is_new = |group: &Group| !before.iter().any(|known| known.group == group.group) && group.admin;
        self.groups()?.into_iter().find(is_new).ok_or_else(mismatch)
    }

    /// Until the messages have come so far, or failed, or for so long.
    pub fn await_delivery(
        &self,
        ids: &[String],
        wanted: Delivery,
        patience: Duration,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let generation = self.generation();
            let mut left = false;
            for id in ids {
                // `Failed` is beyond all others.
                left |= self.message(id)?.is_some_and(|message| message.delivery < wanted);
            }
            let patience = deadline.saturating_duration_since(Instant::now());
            if !left || patience.is_zero() || self.end().is_some() {
                return Ok(());
            }
            self.wait(generation, patience);
        }
    }

    /// Lets everything go out, if the server can be reached now.
    pub fn settle(&self) {
        let deadline = Instant::now() + self.timeout;
        while Instant::now() < deadline && self.end().is_none() {
            let Ok(status) = self.status() else { return };
            if status.outbox == 0 || matches!(status.connection, Connection::Waiting { .. }) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn acknowledge(&self, up_to: u64) -> Result<(), Failure> {
        self.run(Command::AcknowledgeJournal { up_to }).map(drop)
    }

    /// What was written to a program that does not acknowledge counts as dealt with.
    pub fn written(&self, up_to: u64) -> Result<(), Failure> {
        if self.mode == ReceiveMode::Ack { Ok(()) } else { self.acknowledge(up_to) }
    }

    /// Somebody begins to receive; `None`: too many do.
    pub fn subscribe(&self) -> Option<Subscriber<'_>> {
        let taken = |count| (count < MAX_SUBSCRIBERS).then_some(count + 1);
        let before = self.subscribers.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken).ok()?;
        if before == 0 && self.mode == ReceiveMode::OnConnection {
            let _ = self.run(Command::GoOnline);
        }
        Some(Subscriber(self))
    }
}

/// Somebody who receives, until it is dropped.
pub struct Subscriber<'a>(&'a Hub);

impl Drop for Subscriber<'_> {
    fn drop(&mut self) {
        let before = self.0.subscribers.fetch_sub(1, Ordering::AcqRel);
        if before == 1 && self.0.mode == ReceiveMode::OnConnection {
            let _ = self.0.run(Command::GoOffline);
        }
    }
}

pub fn failure(fault: Fault, code: &str, detail: impl Into<String>) -> Failure {
    Failure { code: code.to_owned(), fault, detail: detail.into(), retry_after_ms: 0 }
}

fn mismatch() -> Failure {
    failure(
        Fault::Device,
        "internal",
        "the answer does not fit the question; this is a bug, please report it",
    )
}

/// Nothing here is left half done by a thread that ends.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
