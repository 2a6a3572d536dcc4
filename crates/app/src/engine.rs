//! The loop around the core: one input, one step, one commit, then its effects.

mod queries;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde::{Deserialize, Serialize};
use waxwing_client::{self as core, Client, Effect, Key, Read as _, Time};
use waxwing_wire::invitation::Invitation;
use waxwing_wire::{DeviceKey, Username};

use crate::api::{self, Answer, Command, CommandId, Event, Failure, Query};
use crate::key::Protection;
use crate::limits::{MAX_SLEEP, STORAGE_RETRY_MAX, STORAGE_RETRY_MIN};
use crate::net::{Connection, NetEvent, NetFailure, NetFailureCode, ServerAddress, Target};
use crate::profile::{OpenError, Profile};
use crate::store::{Setting, Store};

const SERVER_SETTING: &str = "server";
/// Commands that the engine itself gives the core; their answers are nobody's.
const OWN_COMMAND: core::CommandId = core::CommandId(0);

/// What the engine's thread takes.
pub enum Input {
    /// From the front end.
    Command(CommandId, Command),
    /// From the front end, answered by the channel.
    Query(Query, Sender<Result<Answer, Failure>>),
    /// From the connection with this number.
    Net(u64, NetEvent),
    /// The end.
    Stop,
}

/// The server of the profile, as it stands in the database.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    address: String,
    /// Hexadecimal.
    key: String,
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
    wake: Option<Time>,
    recovery: Option<Recovery>,
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
        let server = read_server(&profile.store).map_err(|error| damaged(&error))?;
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
            wake: None,
            recovery: None,
        })
    }

    /// Turns until it is stopped.
    pub fn run(mut self, inputs: &Receiver<Input>) {
        self.handle(core::Input::Tick);
        loop {
            match inputs.recv_timeout(self.patience()) {
                Ok(Input::Command(id, command)) => self.command(id, command),
                Ok(Input::Query(query, reply)) => {
                    let _ = reply.send(self.answer(query));
                }
                Ok(Input::Net(number, event)) if number == self.connections => self.net(event),
                Ok(Input::Net(..)) => {}
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return self.stop(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.recover();
            if self.wake.is_some_and(|wake| wake <= now()) {
                self.wake = None;
                self.handle(core::Input::Tick);
            }
        }
    }

    fn patience(&self) -> Duration {
        let wake = self.wake.map(|wake| Duration::from_millis(wake.0.saturating_sub(now().0)));
        let recovery = self.recovery.as_ref().map(|r| r.at.saturating_duration_since(Instant::now()));
        [wake, recovery].into_iter().flatten().fold(MAX_SLEEP, Duration::min)
    }

    fn stop(mut self) {
        self.handle(core::Input::Command(OWN_COMMAND, core::Command::GoOffline));
        self.drop_connection();
        if let Some(connection) = self.closing.take() {
            connection.close();
        }
    }

    fn command(&mut self, id: CommandId, command: Command) {
        self.open_commands.insert(id);
        if let Err(failure) = self.try_command(id, command) {
            self.failed(id, failure);
        }
    }

    fn try_command(&mut self, id: CommandId, command: Command) -> Result<(), Failure> {
        if self.client.is_none() {
            return Err(storage_fails());
        }
        let command = match command {
            Command::Register { server, invitation, username } => {
                self.register(&server, &invitation, &username)?
            }
            Command::AddContact { username } => core::Command::AddContact { username: alias(&username)? },
            Command::SendText { to, text } => core::Command::SendText { to: api::account_of(&to)?, text },
            Command::MarkRead { with, up_to } => {
                core::Command::MarkRead { with: api::account_of(&with)?, up_to }
            }
            Command::AcknowledgeInbox { messages } => {
                let keys: Vec<_> =
                    messages.iter().map(|id| api::message_key_of(id)).collect::<Result<_, _>>()?;
                self.profile.store.acknowledge(&keys).map_err(|error| Failure::device(error.to_string()))?;
                self.done(id);
                return Ok(());
            }
            Command::SetVerified { account, verified } => {
                core::Command::SetVerified { account: api::account_of(&account)?, verified }
            }
            Command::GoOnline => {
                self.online = true;
                core::Command::GoOnline
            }
            Command::GoOffline => {
                self.online = false;
                core::Command::GoOffline
            }
        };
        self.handle(core::Input::Command(core::CommandId(id), command));
        Ok(())
    }

    /// Notes where the server is and who it is; the core does the rest.
    fn register(
        &mut self,
        address: &str,
        invitation: &str,
        username: &str,
    ) -> Result<core::Command, Failure> {
        let address = ServerAddress::parse(address)
            .map_err(|error| Failure::user("malformedAddress", error.to_string()))?;
        let invitation = Invitation::parse(invitation)
            .map_err(|error| Failure::user("malformedInvitation", error.to_string()))?;
        let username = alias(username)?;
        let registered = self.client.as_ref().is_some_and(|client| client.address().is_some());
        if !registered {
            let server = Server { address: address.to_string(), key: hex::encode(invitation.server.0) };
            let value = serde_json::to_vec(&server).map_err(|error| Failure::device(error.to_string()))?;
            let setting = Setting { name: SERVER_SETTING.to_owned(), value: Some(value) };
            let applied = self.profile.store.apply(&Vec::new(), &[setting]);
            applied.map_err(|error| Failure::device(error.to_string()))?;
            if self.server.replace(server.clone()).is_some_and(|old| old != server) {
                self.drop_connection();
            }
            self.online = true;
        }
        Ok(core::Command::Register { invitation: invitation.token, username })
    }

    /// One input, one step, one commit, then its effects.
    fn handle(&mut self, input: core::Input) {
        let Some(client) = &mut self.client else { return };
        let step = match client.handle(now(), &mut rng(), input, &self.profile.store) {
            Ok(step) => step,
            Err(error) => return self.storage_failed(&error),
        };
        if let Err(error) = self.profile.store.apply(&step.batch, &[]) {
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
            detail: "this profile has no server yet; register it first".to_owned(),
        };
        let client = self.client.as_ref().ok_or_else(unknown)?;
        let server = self.server.as_ref().ok_or_else(unknown)?;
        let mut key = [0; 32];
        hex::decode_to_slice(&server.key, &mut key).map_err(|_| unknown())?;
        let address = ServerAddress::parse(&server.address).map_err(|_| unknown())?;
        Ok(Target { address, server: DeviceKey(key), key: client.noise_key() })
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
            NetEvent::Connected => {
                self.reason = None;
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

    fn show(&mut self, event: core::Event) {
        let event = match event {
            core::Event::Done { command, message, peer } => {
                if !self.open_commands.remove(&command.0) {
                    return;
                }
                let message = message.as_ref().map(api::message_key);
                let contact = peer.as_ref().map(api::contact);
                Event::Done { command: command.0, message, contact }
            }
            core::Event::Failed { command, failure } => {
                if self.open_commands.contains(&command.0) {
                    self.failed(command.0, self.explained(&failure));
                }
                return;
            }
            core::Event::Connection(state) => {
                Event::Connection { connection: api::connection(state, self.reason.as_ref()) }
            }
            core::Event::Registered(address) => {
                Event::Registered { account: address.account.to_hex(), device: address.device.number() }
            }
            core::Event::Message(message) => Event::Message { message: api::message(&message) },
            core::Event::MessageFilled(message) => Event::MessageFilled { message: api::message(&message) },
            core::Event::Delivery { message, with, delivery } => Event::Delivery {
                message: api::message_key(&message),
                with: with.to_hex(),
                delivery: api::delivery(delivery),
            },
            core::Event::IdentityChanged(account) => Event::IdentityChanged { account: account.to_hex() },
            core::Event::Gap { from, missing } => {
                Event::Gap { account: from.account.to_hex(), device: from.device.number(), missing }
            }
            core::Event::RestoredCopy => Event::RestoredCopy,
        };
        self.tell(event);
    }

    /// "Not connected" is better said with the reason.
    fn explained(&self, failure: &core::Failure) -> Failure {
        match (failure, &self.reason) {
            (core::Failure::NotConnected, Some(reason)) => reason.into(),
            _ => api::failure(failure),
        }
    }

    fn done(&mut self, id: CommandId) {
        self.open_commands.remove(&id);
        self.tell(Event::Done { command: id, message: None, contact: None });
    }

    fn failed(&mut self, id: CommandId, failure: Failure) {
        self.open_commands.remove(&id);
        self.tell(Event::Failed { command: id, failure });
    }

    /// A front end that does not listen must not stop the core: what does not fit is dropped, and said.
    fn tell(&mut self, event: Event) {
        if self.overrun && self.events.try_send(Event::Overrun).is_ok() {
            self.overrun = false;
        }
        self.overrun = self.overrun || self.events.try_send(event).is_err();
    }

    fn protection(&self) -> Protection {
        self.profile.protection
    }
}

fn alias(text: &str) -> Result<Username, Failure> {
    Username::parse(text).map_err(|_| {
        let rule = "a username has 2 to 32 of the characters a-z, 0-9, '_', '-' and '.', and begins with a \
                    letter or digit";
        Failure::user("malformedUsername", rule)
    })
}

fn storage_fails() -> Failure {
    Failure::device("the database cannot be written now; make room on the disk and try again")
}

fn read_server(store: &Store) -> Result<Option<Server>, String> {
    let value = store.setting(SERVER_SETTING).map_err(|error| error.to_string())?;
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|error| error.to_string());
    value.map(parse).transpose()
}
