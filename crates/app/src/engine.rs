//! The loop around the core: one input, one step, one commit, then its effects.

mod commands;
mod events;
mod journal;
mod media;
mod queries;
mod server;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use waxwing_client::{self as core, Client, Effect, Key, Read as _, Time};
use web_time::{Instant, SystemTime, UNIX_EPOCH};

use crate::api::FetchRules;
use crate::api::{self, Answer, Command, CommandId, Event, Failure, Query};
use crate::key::Protection;
use crate::limits::{MAX_SLEEP, STORAGE_RETRY_MAX, STORAGE_RETRY_MIN};
use crate::media::{Media, Report, Vault};
use crate::net::{Connection, NetEvent, NetFailure, NetFailureCode, Target};
use crate::profile::{OpenError, Profile};
use crate::store::{Beside, Setting};
use journal::Request;
use media::Transfers;
use server::Server;

/// Commands that the engine itself gives the core; their answers are nobody's.
const OWN_COMMAND: core::CommandId = core::CommandId(0);

/// What the engine's thread takes.
pub enum Input {
    /// From the front end.
    Command(CommandId, Command),
    /// From the front end, answered by the channel.
    Query(Query, Sender<Result<Answer, Failure>>),
    /// From the threads that work on files.
    Media(Report),
    /// From the connection with this number.
    Net(u64, NetEvent),
    /// The end, for whoever turns the engine.
    #[cfg(not(target_family = "wasm"))]
    Stop,
}

/// The core's thread.
pub struct Engine {
    profile: Profile,
    /// `None` while the database does not work: the core had gone ahead of it and was dropped.
    client: Option<Client>,
    inputs: Sender<Input>,
    events: Sender<Event>,
    overrun: bool,
    connection: Option<Connection>,
    /// The one before, which may still have something to send.
    closing: Option<Connection>,
    /// Number of the newest connection: what older ones still report is ignored.
    connections: u64,
    /// Why the last connection ended or was not made.
    reason: Option<NetFailure>,
    server: Option<Server>,
    /// What the front end wants; given to a core that was opened anew.
    online: bool,
    /// Commands without an answer yet.
    open_commands: BTreeSet<CommandId>,
    /// Those of them that are to be done once.
    once: BTreeMap<CommandId, Request>,
    /// What happens is written down for programs.
    keeps_journal: bool,
    wake: Option<Time>,
    recovery: Option<Recovery>,
    media: Media,
    transfers: Transfers,
    auto_fetch: Option<FetchRules>,
}

/// The next try to open the core after the database failed.
struct Recovery {
    at: Instant,
    pause: Duration,
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

impl Engine {
    /// Opens the core, and makes its keys in an empty database.
    pub fn start(
        mut profile: Profile,
        inputs: Sender<Input>,
        events: Sender<Event>,
    ) -> Result<Self, OpenError> {
        let damaged = |error: &dyn std::fmt::Display| OpenError::Damaged(error.to_string());
        if profile.store.row(&Key::Profile).map_err(|error| damaged(&error))?.is_none() {
            let batch = Client::create(now(), &mut rng());
            profile.store.apply(&batch, &[]).map_err(OpenError::Store)?;
        }
        let client = Client::open(&profile.store, now()).map_err(|error| damaged(&error))?;
        let server = Server::read(&profile.store).map_err(|error| damaged(&error))?;
        let acknowledged = profile.store.journal_acknowledged().map_err(OpenError::Store)?;
        let folder = |error| OpenError::Folder { path: profile.data_dir.clone(), error };
        let vault = Vault::open(&profile.data_dir).map_err(folder)?;
        let to_engine = inputs.clone();
        let report = Arc::new(move |report| to_engine.send(Input::Media(report)).is_ok());
        let media = Media::start(vault, report).map_err(folder)?;
        Ok(Self {
            profile,
            client: Some(client),
            inputs,
            events,
            overrun: false,
            connection: None,
            closing: None,
            connections: 0,
            reason: None,
            server,
            online: false,
            open_commands: BTreeSet::new(),
            once: BTreeMap::new(),
            keeps_journal: acknowledged.is_some(),
            wake: None,
            recovery: None,
            media,
            transfers: Transfers::default(),
            auto_fetch: None,
        })
    }

    /// Before the first turn.
    pub fn begin(&mut self) {
        self.sweep_later();
        self.handle(core::Input::Tick);
    }

    /// Deals with one input, or only with what is due. Whoever turns it does so again at the latest after
    /// [`Self::patience`].
    pub fn turn(&mut self, input: Option<Input>) {
        match input {
            Some(Input::Command(id, command)) => self.command(id, command),
            Some(Input::Query(query, reply)) => {
                let _ = reply.send(self.answer(query));
            }
            Some(Input::Net(number, event)) if number == self.connections => self.net(event),
            Some(Input::Media(report)) => self.reported(report),
            Some(_) | None => {}
        }
        self.recover();
        self.sweep();
        if self.wake.is_some_and(|wake| wake <= now()) {
            self.wake = None;
            self.handle(core::Input::Tick);
        }
    }

    /// How long nothing is due.
    pub fn patience(&self) -> Duration {
        let wake = self.wake.map(|wake| Duration::from_millis(wake.0.saturating_sub(now().0)));
        let recovery = self.recovery.as_ref().map(|r| r.at.saturating_duration_since(Instant::now()));
        [wake, recovery].into_iter().flatten().fold(MAX_SLEEP, Duration::min)
    }

    /// Goes offline in good order.
    pub fn stop(mut self) {
        self.handle(core::Input::Command(OWN_COMMAND, core::Command::GoOffline));
        self.drop_connection();
        if let Some(connection) = self.closing.take() {
            connection.close();
        }
    }

    /// One input, one step, one commit, then its effects.
    fn handle(&mut self, input: core::Input) {
        let Some(client) = &mut self.client else { return };
        let step = match client.handle(now(), &mut rng(), input, &self.profile.store) {
            Ok(step) => step,
            Err(error) => return self.storage_failed(&error),
        };
        let (journal, once) = (self.journal_of(&step.effects), self.done_once(&step.effects));
        let beside = Beside { journal: &journal, once: &once, now_ms: now().0, ..Beside::default() };
        if let Err(error) = self.profile.store.apply_with(&step.batch, &beside) {
            return self.storage_failed(&error);
        }
        self.wake = step.wake;
        for effect in step.effects {
            match effect {
                Effect::Connect => self.connect(),
                Effect::Disconnect => self.drop_connection(),
                Effect::Send(frame) => {
                    // A connection that takes nothing reports its end by itself, or is ended here.
                    let taken = self.connection.as_mut().is_some_and(|c| c.send(frame.encode()));
                    if !taken && self.connection.is_some() {
                        self.connection = None;
                    }
                }
                Effect::Upload(upload) => self.upload(*upload),
                Effect::Event(event) => self.show(event),
            }
        }
    }

    fn connect(&mut self) {
        self.drop_connection();
        let number = self.connections;
        let inputs = self.inputs.clone();
        let report = move |event| inputs.send(Input::Net(number, event)).is_ok();
        let opened = match self.target() {
            Ok(target) => Connection::open(target, report).map_err(|error| NetFailure {
                code: NetFailureCode::Unreachable,
                detail: format!("no connection can be made: {error}"),
            }),
            Err(failure) => Err(failure),
        };
        match opened {
            Ok(connection) => self.connection = Some(connection),
            Err(failure) => {
                // As if the connection had said so: the core is in the middle of a step.
                let event = NetEvent::Disconnected(failure);
                let _ = self.inputs.try_send(Input::Net(number, event));
            }
        }
    }

    fn target(&self) -> Result<Target, NetFailure> {
        let unknown = || NetFailure {
            code: NetFailureCode::Unreachable,
            detail: "this profile has no server yet; register or link it first".to_owned(),
        };
        let client = self.client.as_ref().ok_or_else(unknown)?;
        let (address, server) = self.server.as_ref().and_then(Server::target).ok_or_else(unknown)?;
        Ok(Target { address, server, key: client.noise_key() })
    }

    /// What it still reports is ignored; what was sent before still leaves.
    fn drop_connection(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.end();
            self.closing = Some(connection);
        }
        self.connections += 1;
    }

    fn net(&mut self, event: NetEvent) {
        match event {
            NetEvent::Connected(key) => {
                self.reason = None;
                if let Err(error) = self.remember_key(key) {
                    return self.storage_failed(&error);
                }
                self.handle(core::Input::Connected);
            }
            NetEvent::Frame(frame) => self.handle(core::Input::Frame(*frame)),
            NetEvent::Disconnected(failure) => {
                self.reason = Some(failure);
                self.drop_connection();
                self.handle(core::Input::Disconnected);
            }
        }
    }

    /// The core has gone ahead of the database, or cannot read it: both begin anew from what is committed.
    fn storage_failed(&mut self, error: &dyn std::fmt::Display) {
        self.client = None;
        self.wake = None;
        self.drop_connection();
        self.once.clear();
        for command in std::mem::take(&mut self.open_commands) {
            self.tell(Event::Failed { command, failure: storage_fails() });
        }
        if self.recovery.is_none() {
            self.tell(Event::StorageFailed { detail: error.to_string() });
        }
        let pause = self.recovery.take().map_or(STORAGE_RETRY_MIN, |r| (r.pause * 2).min(STORAGE_RETRY_MAX));
        self.recovery = Some(Recovery { at: Instant::now() + pause, pause });
        if self.online {
            // The core that would have said so is gone.
            let until_ms = now().0.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
            self.tell(Event::Connection { connection: api::Connection::Waiting { until_ms, reason: None } });
        }
    }

    fn recover(&mut self) {
        if self.client.is_some() || self.recovery.as_ref().is_some_and(|r| r.at > Instant::now()) {
            return;
        }
        // A write shows whether there is room again.
        let probe = Setting { name: "probe".to_owned(), value: Some(now().0.to_be_bytes().to_vec()) };
        let opened = match self.profile.store.apply(&Vec::new(), &[probe]) {
            Ok(()) => Client::open(&self.profile.store, now()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match opened {
            Ok(client) => {
                self.client = Some(client);
                if self.online {
                    self.handle(core::Input::Command(OWN_COMMAND, core::Command::GoOnline));
                }
                self.handle(core::Input::Tick);
                if self.client.is_some() {
                    self.recovery = None;
                    self.tell(Event::StorageRecovered);
                }
            }
            Err(error) => self.storage_failed(&error),
        }
    }

    fn protection(&self) -> Protection {
        self.profile.protection
    }
}

fn storage_fails() -> Failure {
    Failure::device("the database cannot be written now; make room on the disk and try again")
}
