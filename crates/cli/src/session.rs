//! An open profile, and waiting for what it says.

mod queries;

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use etcetera::BaseStrategy as _;
use waxwing_app::api::{Chat, Command, CommandId, Connection, Contact, Event, Failure, NetFailure};
use waxwing_app::{App, Indexing, KeyChoice, ProfileOptions, Protection};
use zeroize::Zeroizing;

use crate::arguments::Global;
use crate::output::Error;

const PASSPHRASE_VARIABLE: &str = "WAXWING_PASSPHRASE";
/// Attempts to connect that fail before a command stops waiting for the server: one may hit a restart.
const ATTEMPTS: u32 = 3;
/// This device answers within this time, whatever `--timeout` says about the server.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether everything has gone out: no event says so.
const SETTLE_TICK: Duration = Duration::from_millis(50);
/// So long nothing is said about an index that is being made.
const INDEXING_SILENCE: Duration = Duration::from_secs(1);
/// Events kept while a command is waited for.
const MAX_BACKLOG: usize = 10_000;

/// An open profile.
pub struct Session {
    pub app: App,
    pub timeout: Duration,
    attempts: u32,
    reason: Option<NetFailure>,
    /// What happened while a command was waited for.
    backlog: VecDeque<Event>,
    /// The database does not work, and why.
    storage: Option<String>,
    /// The app's thread is gone, which is a bug of ours.
    ended: bool,
}

/// Whether waiting for a connection still makes sense.
pub enum Hope {
    /// It is there, or may come.
    Some,
    /// The server cannot be reached now.
    None,
    /// The server does not want this device.
    Refused(String),
}

impl Session {
    /// Opens the profile that the arguments name, or makes it if `create`.
    pub fn open(global: &Global, create: bool) -> Result<Self, Error> {
        let data_dir = data_dir(global)?;
        if !create && !waxwing_app::exists(&data_dir) {
            let detail = format!(
                "there is no profile in {}; make one with `waxwing register`, or with `waxwing link` if \
                 you have an account on another device; or name another folder with --data-dir",
                data_dir.display()
            );
            return Err(Error::user("noProfile", detail));
        }
        let protection = waxwing_app::protection(&data_dir, global.key_file.as_deref())?;
        let passphrase = passphrase(global, protection)?;
        let key = KeyChoice { key_file: global.key_file.clone(), passphrase };
        let mut indexing = IndexingLine::new(global);
        let app =
            App::open_with_progress(&ProfileOptions { data_dir, key }, &mut |so_far| indexing.show(so_far))?;
        drop(indexing);
        Ok(Self {
            app,
            timeout: global.timeout,
            attempts: 0,
            reason: None,
            backlog: VecDeque::new(),
            storage: None,
            ended: false,
        })
    }

    /// The same, and insists on an account.
    pub fn open_registered(global: &Global) -> Result<Self, Error> {
        let session = Self::open(global, false)?;
        if session.status()?.account.is_none() {
            let detail = "this profile has no account yet; make one with `waxwing register`, or join your own \
                          from another device with `waxwing link`";
            return Err(Error::user("notRegistered", detail));
        }
        Ok(session)
    }

    /// The next event before the deadline.
    pub fn next(&mut self, deadline: Instant) -> Option<Event> {
        self.backlog.pop_front().or_else(|| self.receive(deadline))
    }

    fn receive(&mut self, deadline: Instant) -> Option<Event> {
        let event = match self.app.events().recv_deadline(deadline) {
            Ok(event) => event,
            Err(error) => {
                self.ended |= error.is_disconnected();
                return None;
            }
        };
        self.notice(&event);
        Some(event)
    }

    /// Remembers what an event says about the connection.
    pub fn notice(&mut self, event: &Event) {
        match event {
            Event::Connection { connection: Connection::Waiting { reason, .. } } => {
                self.attempts += 1;
                self.reason = reason.clone().or(self.reason.take());
            }
            Event::Connection { connection: Connection::Online } => {
                self.attempts = 0;
                self.reason = None;
            }
            Event::StorageFailed { detail } => self.storage = Some(detail.clone()),
            Event::StorageRecovered => self.storage = None,
            _ => {}
        }
    }

    /// What happened while commands were waited for, once.
    pub fn take_backlog(&mut self) -> VecDeque<Event> {
        std::mem::take(&mut self.backlog)
    }

    /// Whether it makes sense to go on waiting after this event.
    pub fn hope(&self, event: &Event) -> Hope {
        match event {
            Event::Connection { connection: Connection::Refused { code } } => Hope::Refused(code.clone()),
            Event::Connection { connection: Connection::Waiting { .. } } if self.attempts >= ATTEMPTS => {
                Hope::None
            }
            _ => Hope::Some,
        }
    }

    /// Does something that needs the server, and waits for its answer.
    pub fn ask(&mut self, command: Command) -> Result<Answered, Error> {
        let id = self.app.send(command);
        self.answer(id, true)
    }

    /// Does something that this device does alone.
    pub fn run(&mut self, command: Command) -> Result<Answered, Error> {
        let id = self.app.send(command);
        self.answer(id, false)
    }

    fn answer(&mut self, command: CommandId, from_server: bool) -> Result<Answered, Error> {
        let patience = if from_server { self.timeout } else { LOCAL_TIMEOUT };
        let deadline = Instant::now() + patience;
        while let Some(event) = self.receive(deadline) {
            match event {
                Event::Done { command: of, message, contact } if of == command => {
                    return Ok(Answered { message, contact });
                }
                Event::Failed { command: of, failure } if of == command => return Err(failure.into()),
                _ => {}
            }
            match self.hope(&event) {
                Hope::None if from_server => return Err(self.unreachable()),
                Hope::Refused(code) if from_server => return Err(refused(&code)),
                _ => {}
            }
            if self.backlog.len() < MAX_BACKLOG {
                self.backlog.push_back(event);
            }
        }
        Err(self.unreachable())
    }

    /// A contact by name, looked up on the server if it is not known here.
    pub fn find_contact(&mut self, name: &str) -> Result<Contact, Error> {
        if let Some(contact) = self.contact(name)? {
            return Ok(contact);
        }
        let own = self.status()?.username;
        if own.is_some_and(|own| own.eq_ignore_ascii_case(name)) {
            return Err(Error::user("ownName", "that is your own username; name somebody else"));
        }
        self.app.send(Command::GoOnline);
        let answered = self.ask(Command::AddContact { username: name.to_owned() })?;
        answered.contact.ok_or_else(mismatch)
    }

    /// A conversation by name, with somebody whom the server knows if it is not known here.
    pub fn find_chat(&mut self, name: &str) -> Result<Chat, Error> {
        if let Some(chat) = self.chat(name)? {
            return Ok(chat);
        }
        let contact = self.find_contact(name)?;
        self.known_chat(&contact.person.account)
    }

    /// The accounts of people by their names, looked up on the server if they are not known here.
    pub fn accounts(&mut self, names: &[String]) -> Result<Vec<String>, Error> {
        let mut accounts: Vec<String> = Vec::new();
        for name in names {
            let account = self.find_contact(name)?.person.account;
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Ok(accounts)
    }

    /// Lets what was set go out to the user's other devices, if there are any and the server can be reached
    /// now; otherwise it goes with the next command.
    pub fn spread(&mut self) {
        if self.devices().is_ok_and(|devices| devices.len() > 1) {
            self.settle();
        }
    }

    /// Lets everything go out that waits for the server, if it can be reached now.
    pub fn settle(&mut self) {
        self.app.send(Command::GoOnline);
        let deadline = Instant::now() + self.timeout;
        while self.status().is_ok_and(|status| status.outbox > 0) {
            let soon = Instant::now() + SETTLE_TICK;
            let event = self.next(deadline.min(soon));
            if event.as_ref().is_some_and(|event| !matches!(self.hope(event), Hope::Some))
                || Instant::now() >= deadline
            {
                return;
            }
        }
    }

    /// What to say when the server did not answer in time.
    pub fn unreachable(&self) -> Error {
        if self.ended {
            return ended();
        }
        if let Some(detail) = &self.storage {
            let detail =
                format!("the database cannot be written ({detail}); make room on the disk and try again");
            return Error::device("storage", detail);
        }
        match &self.reason {
            Some(reason) => Failure::from(reason).into(),
            None => Error::server(
                "timeout",
                "the server did not answer in time; try again, or wait longer with --timeout SECONDS",
            ),
        }
    }

    /// Whether the database works, as far as is known.
    pub fn storage_works(&self) -> bool {
        self.storage.is_none() && !self.ended
    }

    /// Why there is no connection, if known.
    pub fn reason(&self) -> Option<&NetFailure> {
        self.reason.as_ref()
    }
}

/// One line on the terminal while the history is being indexed, if that takes long.
struct IndexingLine {
    wanted: bool,
    since: Instant,
    shown: bool,
}

impl IndexingLine {
    fn new(global: &Global) -> Self {
        let wanted = !global.json && io::stderr().is_terminal();
        Self { wanted, since: Instant::now(), shown: false }
    }

    fn show(&mut self, so_far: Indexing) {
        if self.wanted && self.since.elapsed() >= INDEXING_SILENCE {
            let percent = so_far.done.saturating_mul(100) / so_far.total.max(1);
            eprint!("\rindexing the history, once: {percent}% of {} messages", so_far.total);
            self.shown = true;
        }
    }
}

impl Drop for IndexingLine {
    fn drop(&mut self) {
        if self.shown {
            eprintln!();
        }
    }
}

/// What a command led to.
pub struct Answered {
    pub message: Option<String>,
    pub contact: Option<Contact>,
}

/// What to say when the server does not want this device.
pub fn refused(code: &str) -> Error {
    let detail = match code {
        "replaced" => "this profile has connected elsewhere; it must not be used in two places at once",
        "notRegistered" => {
            "the server does not know this device (any more): it may have been removed from another one; \
             register or link a new profile with another --data-dir"
        }
        "wireVersion" => "the server speaks another version of the protocol; update this program",
        _ => "the server refused this device; ask its operator",
    };
    Error::server(code, detail)
}

/// The app's thread is gone.
pub fn ended() -> Error {
    Error::device("internal", "something broke inside; this is a bug, please report it and start again")
}

fn mismatch() -> Error {
    Error::device("internal", "the answer does not fit the question; this is a bug, please report it")
}

/// The profile's folder.
pub fn data_dir(global: &Global) -> Result<PathBuf, Error> {
    if let Some(folder) = &global.data_dir {
        return Ok(folder.clone());
    }
    let strategy = etcetera::choose_base_strategy()
        .map_err(|_| Error::user("noHome", "there is no home folder; name a folder with --data-dir"))?;
    Ok(strategy.data_dir().join("waxwing"))
}

/// From the environment, or asked for where the profile needs one.
fn passphrase(global: &Global, protection: Option<Protection>) -> Result<Option<Zeroizing<String>>, Error> {
    if let Ok(text) = std::env::var(PASSPHRASE_VARIABLE) {
        return Ok(Some(Zeroizing::new(text)));
    }
    let (wanted, new) = match protection {
        Some(Protection::Passphrase) => (true, false),
        Some(Protection::KeyFile) => (global.passphrase, false),
        None => (global.passphrase, true),
    };
    if !wanted {
        return Ok(None);
    }
    if !io::stdin().is_terminal() {
        // Without one, opening says what to do.
        return if new {
            let detail = format!("set {PASSPHRASE_VARIABLE}, or run this on a terminal to be asked");
            Err(Error::user("passphraseNeeded", detail))
        } else {
            Ok(None)
        };
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|error| Error::device("io", format!("cannot read the passphrase: {error}")))
    };
    let text = ask("Passphrase: ")?;
    if new && *text != *ask("The same again: ")? {
        return Err(Error::user("passphraseDiffers", "the two passphrases differ; try again"));
    }
    Ok(Some(text))
}
