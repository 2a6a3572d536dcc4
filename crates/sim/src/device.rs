//! A client device: the driver around the client core, as the real one is, with places to die at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use waxwing_client::memory::MemoryDb;
use waxwing_client::{
    Batch, Body, BroadcastList, Client, Command, CommandId, ConnectionState, Conversation, DbError, Effect,
    Group, Input, Key, Message, MessageKey, Read, Table, Time, Write,
};
use waxwing_wire::client_frame::{ClientFrame, Copy};
use waxwing_wire::devices::LinkCode;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{AccountId, Bytes, DeviceId, EnvelopeKind, GroupId, MessageId};

use crate::channel::{Channel, Heard};
use crate::dice::Dice;
use crate::event::{Act, Event};
use crate::fault::Fault;
use crate::mutant::Mutant;
use crate::net::{Parcel, Way};
use crate::node::server_key;
use crate::oracle::says_something;
use crate::world::{EPOCH_MS, World, note};

/// Snapshots of a database that a rollback may go back to.
const SNAPSHOTS: usize = 4;
/// An operating system gives a connection attempt up by then.
const DIAL_MS: u64 = 130_000;

/// A row with a sender key is longer, one without is shorter.
const KEY_BYTES: usize = 64;
/// Length and last byte of the key of a register that says whether a message is kept: conversation, message, kind.
const KEEP_KEY_BYTES: usize = 44;
const KEEP_KIND: u8 = 5;
/// First byte of the key of a register that says who may see what.
const PRIVACY_KIND: u8 = 15;
/// Clocks are this far wrong at most where messages disappear, milliseconds. No clock is further at first.
pub const SKEW_MS: i64 = 7 * 3_600_000;

/// Later than any time of a run, milliseconds since 1970.
const AT_THE_END_MS: u64 = 4_000_000_000_000;

/// How far a device is with its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has taken it into use.
    Absent,
    /// It shows a code, or is about to.
    Offering,
    /// It has an account, or is about to register one.
    Linked,
    /// It had one.
    Removed,
}

/// A client device.
pub struct Device {
    pub(crate) number: usize,
    /// Whose it is: the number of the person's first device.
    pub(crate) person: usize,
    pub(crate) stage: Stage,
    /// What it shows to be linked.
    pub(crate) code: Option<LinkCode>,
    pub(crate) db: MemoryDb,
    pub(crate) client: Option<Client>,
    dice: Dice,
    /// Raised at each start and end.
    life: u64,
    skew_ms: i64,
    /// How much of that is time that has passed everywhere.
    slept_ms: i64,
    timer: u64,
    attempt: u64,
    line: Option<Line>,
    key: Option<StaticKey>,
    pub(crate) wants_online: bool,
    /// Contacts it has learned.
    pub(crate) contacts: BTreeMap<usize, AccountId>,
    snapshots: VecDeque<MemoryDb>,
    commands: u64,
    /// Commands that are not answered, with what is to be done again if they fail.
    pub(crate) pending: BTreeMap<CommandId, Act>,
}

struct Line {
    link: u64,
    channel: Channel,
}

impl Device {
    /// A device that was never started.
    #[must_use]
    pub fn new(number: usize, person: usize, dice: Dice, skew_ms: i64) -> Self {
        Self {
            number,
            person,
            stage: if number == person { Stage::Linked } else { Stage::Absent },
            code: None,
            db: MemoryDb::default(),
            client: None,
            dice,
            life: 0,
            skew_ms,
            slept_ms: 0,
            timer: 0,
            attempt: 0,
            line: None,
            key: None,
            wants_online: true,
            contacts: BTreeMap::new(),
            snapshots: VecDeque::new(),
            commands: 0,
            pending: BTreeMap::new(),
        }
    }

    /// A group, as its user would see it.
    pub(crate) fn group(&self, group: GroupId) -> Option<Group> {
        self.client.as_ref()?.group(&self.db, group).ok()?
    }

    /// The groups, as its user would see them.
    pub(crate) fn groups(&self) -> Vec<Group> {
        self.client.as_ref().and_then(|core| core.groups(&self.db).ok()).unwrap_or_default()
    }

    /// The lists of people to write to, as its user would see them.
    pub(crate) fn lists(&self) -> Vec<BroadcastList> {
        self.client.as_ref().and_then(|core| core.lists(&self.db).ok()).unwrap_or_default()
    }

    /// The devices of its account, as its user would see them.
    pub(crate) fn own_devices(&self) -> BTreeSet<DeviceId> {
        let devices = self.client.as_ref().and_then(|core| core.devices(&self.db).ok()).unwrap_or_default();
        devices.into_iter().map(|own| own.device).collect()
    }

    /// In which of its lives it is.
    pub(crate) fn life(&self) -> u64 {
        self.life
    }

    /// Whether its user would see that it is connected.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.client.as_ref().is_some_and(|core| core.connection() == ConnectionState::Online)
    }

    /// Others may have to hear something else of its user.
    #[must_use]
    pub fn tells_profile(&self) -> bool {
        self.client.as_ref().is_some_and(Client::tells_profile)
    }

    /// Its user has said yes to what an account writes.
    #[must_use]
    pub fn has_accepted(&self, account: AccountId) -> bool {
        self.client.as_ref().is_some_and(|core| core.is_accepted(&self.db, account).unwrap_or_default())
    }

    /// It has nothing to say, and waits for nothing that it could not read.
    #[must_use]
    pub fn owes_nothing(&self) -> bool {
        self.db.count(Table::Outbox) == 0 && self.db.count(Table::Retry) == 0
    }

    /// Time passes.
    pub(crate) fn sleep(&mut self, ms: u64) {
        self.skew_ms = self.skew_ms.saturating_add_unsigned(ms);
        self.slept_ms = self.slept_ms.saturating_add_unsigned(ms);
    }

    /// Its connection.
    #[must_use]
    pub fn link(&self) -> Option<u64> {
        self.line.as_ref().map(|line| line.link)
    }
}

impl World {
    pub(crate) fn device_time(&self, client: usize) -> Time {
        Time((EPOCH_MS + self.now).saturating_add_signed(self.devices[client].skew_ms))
    }

    // ------------------------------------------------------------ life and death

    pub(crate) fn start_device(&mut self, client: usize, life: u64) {
        let now = self.device_time(client);
        let device = &mut self.devices[client];
        if device.life != life || device.client.is_some() || device.stage == Stage::Absent {
            return;
        }
        if device.key.is_none() {
            let batch = Client::create(now, device.dice.rng());
            device.db.apply(&batch);
        }
        match Client::open(&device.db, now) {
            Ok(core) => {
                device.key = Some(core.noise_key());
                device.client = Some(core);
            }
            Err(error) => return self.oracle.fail("client", format!("c{client} does not open: {error}")),
        }
        note!(self, "c{client} starts");
        if self.devices[client].wants_online {
            self.command(client, waxwing_client::Command::GoOnline, None);
        } else {
            self.give(client, Input::Tick);
        }
    }

    /// Kills a client: what is not in its database is gone. It comes back soon.
    pub(crate) fn crash_device(&mut self, client: usize, why: &str) -> bool {
        if self.devices[client].client.is_none() {
            return false;
        }
        note!(self, "c{client} dies: {why}");
        let device = &mut self.devices[client];
        device.client = None;
        device.life += 1;
        device.timer += 1;
        device.attempt += 1;
        let (life, link) = (device.life, device.line.take().map(|line| line.link));
        let lost: Vec<Act> = std::mem::take(&mut device.pending).into_values().collect();
        if let Some(link) = link {
            let notices = self.dice.chance(7_000);
            self.break_link(link, false, notices);
        }
        self.oracle.client_dies(client);
        let back = self.now + self.dice.skewed(100, 15_000);
        self.schedule(back, Event::ClientStart { client, life });
        for act in lost {
            self.again(client, act, back);
        }
        true
    }

    /// Replaces a database by an older copy.
    pub(crate) fn roll_back(&mut self, client: usize) -> bool {
        let index = self.dice.index(self.devices[client].snapshots.len());
        let Some(copy) = self.devices[client].snapshots.get(index).cloned() else { return false };
        if !self.crash_device(client, "restored from an older copy") {
            return false;
        }
        let device = &mut self.devices[client];
        device.snapshots.clear();
        device.db = copy;
        self.oracle.client_rolls_back(client, &self.devices[client].db, self.now);
        true
    }

    pub(crate) fn jump_clock(&mut self, client: usize) -> bool {
        let jump = self.dice.below(10 * 3_600_000) as i64 - 5 * 3_600_000;
        let lets_live = self.plan.lifetime_s > 0;
        let device = &mut self.devices[client];
        let mut skew = device.skew_ms - device.slept_ms + jump;
        if lets_live {
            // What disappears within a day has to be the same for clocks that differ.
            skew = skew.clamp(-SKEW_MS, SKEW_MS);
        }
        device.skew_ms = device.slept_ms + skew;
        note!(self, "c{client} clock jumps by {jump} ms");
        true
    }

    // ------------------------------------------------------------ the loop of a shell

    /// Hands a command to a client; `act` is done again if it fails or is lost.
    pub(crate) fn command(&mut self, client: usize, command: waxwing_client::Command, act: Option<Act>) {
        let device = &mut self.devices[client];
        if device.client.is_none() {
            return;
        }
        device.commands += 1;
        let id = CommandId(device.commands);
        if let Some(act) = act {
            device.pending.insert(id, act);
        }
        self.oracle.client_is_told(client, id);
        self.give(client, Input::Command(id, command));
    }

    /// Input, commit, effects.
    pub(crate) fn give(&mut self, client: usize, input: Input) {
        let (light, heard) = (is_light(&input), matches!(input, Input::Frame(_)));
        if light {
            // What time has made due is no light event's doing.
            self.give(client, Input::Tick);
        }
        let now = self.device_time(client);
        let mutant = self.mutant;
        let device = &mut self.devices[client];
        let Some(core) = device.client.as_mut() else { return };
        let forgets = matches!(
            mutant,
            Some(
                Mutant::SeenForgotten | Mutant::LastToArrive | Mutant::NothingTooLate | Mutant::EverybodySees
            )
        );
        let answer = if forgets {
            core.handle(now, device.dice.rng(), input, &Forgetful(&device.db, mutant))
        } else {
            core.handle(now, device.dice.rng(), input, &device.db)
        };
        let step = match answer {
            Ok(step) => step,
            Err(error) => return self.oracle.fail("client", format!("c{client}: {error}")),
        };
        let wake = step.wake;
        let mut batch =
            mutate(step.batch, &self.devices[client].db, mutant.filter(|it| heard || it.is_always()));
        let mut effects = step.effects;
        if mutant == Some(Mutant::ClientSpeaksFirst) {
            let (said, rest) = effects.into_iter().partition(|effect| matches!(effect, Effect::Send(_)));
            effects = rest;
            self.device_effects(client, said);
        }
        if self.devices[client].client.is_none() {
            return;
        }
        let stores = light && mutant == Some(Mutant::LightStored);
        if let Some(row) = self.devices[client].db.row(&Key::Profile).ok().flatten().filter(|_| stores) {
            batch.push(Write::Row(Key::Profile, Some(row)));
        }
        if light && !batch.is_empty() {
            self.oracle.light_is_stored(client);
        }
        if !batch.is_empty() {
            if self.strikes(Fault::ClientCrashBeforeCommit) {
                self.crash_device(client, "before its commit");
                return;
            }
            self.apply(client, batch, &effects);
            if self.strikes(Fault::ClientCrashAfterCommit) {
                self.crash_device(client, "after its commit, before the effects");
                return;
            }
        }
        self.set_timer(client, now, wake);
        self.device_effects(client, effects);
    }

    fn apply(&mut self, client: usize, batch: Batch, effects: &[Effect]) {
        let device = &mut self.devices[client];
        let summary = self.oracle.client_commits(client, &device.db, &batch, effects, self.now);
        device.db.apply(&batch);
        note!(self, "c{client} commits {summary}");
        // Whoever goes back to before there was an account begins anew, and that is another story.
        let core = self.devices[client].client.as_ref();
        let has_account = core.is_some_and(|core| core.address().is_some());
        let may_go_back = has_account && self.plan.rate(Fault::ClientRollback) > 0 && !self.healed;
        if may_go_back && self.dice.chance(300) {
            let device = &mut self.devices[client];
            if device.snapshots.len() == SNAPSHOTS {
                device.snapshots.pop_front();
            }
            device.snapshots.push_back(device.db.clone());
        }
    }

    fn set_timer(&mut self, client: usize, now: Time, wake: Option<Time>) {
        let device = &mut self.devices[client];
        device.timer += 1;
        let timer = device.timer;
        if let Some(wake) = wake.filter(|_| self.mutant != Some(Mutant::NoTimers)) {
            let at = self.now + wake.0.saturating_sub(now.0).max(1);
            self.schedule(at, Event::Wake { client, timer });
        }
    }

    pub(crate) fn woken(&mut self, client: usize, timer: u64) {
        if self.devices[client].timer == timer {
            self.give(client, Input::Tick);
        }
    }

    fn device_effects(&mut self, client: usize, effects: Vec<Effect>) {
        let life = self.devices[client].life;
        for (place, effect) in effects.into_iter().enumerate() {
            if place > 0 && self.strikes(Fault::ClientCrashBetweenEffects) {
                self.crash_device(client, "between effects");
                return;
            }
            match effect {
                Effect::Connect => self.dial(client),
                Effect::Disconnect => self.hang_up(client),
                Effect::Send(frame) => self.device_says(client, frame),
                // Nobody here sends files.
                Effect::Upload(_) => {}
                Effect::Event(event) => self.shown(client, event),
            }
            if self.devices[client].life != life {
                return;
            }
        }
    }

    // ------------------------------------------------------------ connection

    fn dial(&mut self, client: usize) {
        self.hang_up(client);
        let attempt = self.devices[client].attempt;
        let (node, after) = if self.strikes(Fault::ConnectRefused) {
            (None, self.dice.skewed(1, 3_000))
        } else if self.strikes(Fault::ConnectHang) {
            (None, DIAL_MS)
        } else {
            (Some(self.dice.index(self.nodes.count())), self.delay() + self.delay())
        };
        self.schedule(self.now + after, Event::Dialled { client, attempt, node });
    }

    fn hang_up(&mut self, client: usize) {
        self.devices[client].attempt += 1;
        if let Some(line) = self.devices[client].line.take() {
            self.net.deafen(line.link, Way::Down);
            self.put_parcel(line.link, Way::Up, Parcel::End);
        }
    }

    pub(crate) fn dialled(&mut self, client: usize, attempt: u64, node: Option<usize>) {
        let device = &self.devices[client];
        if device.attempt != attempt || device.client.is_none() {
            return;
        }
        let Some(node) = node.filter(|node| self.nodes[*node].up) else {
            note!(self, "c{client} is not connected");
            return self.give(client, Input::Disconnected);
        };
        let link = self.net.open(client, node);
        note!(self, "c{client} connects to s{node} by link {link}");
        self.accept_link(node, link);
        let server = self.plan.noise.then(|| server_key(self.plan.seed).public());
        let device = &mut self.devices[client];
        let Some(key) = device.key.as_ref() else { return };
        match Channel::connect(key, server, &mut device.dice) {
            Ok((channel, bytes)) => {
                device.line = Some(Line { link, channel });
                self.send_bytes(link, Way::Up, bytes);
            }
            Err(error) => self.oracle.fail("frames", format!("c{client}: {error}")),
        }
    }

    pub(crate) fn device_hears(&mut self, link: u64, bytes: &[u8]) {
        let Some(client) = self.net.link(link).map(|link| link.client) else { return };
        if let Some(line) = self.devices[client].line.as_mut().filter(|line| line.link == link) {
            line.channel.feed(bytes);
        }
        loop {
            let device = &mut self.devices[client];
            let Some(line) = device.line.as_mut().filter(|line| line.link == link) else { return };
            match line.channel.hear(&mut device.dice) {
                Ok(Heard::Nothing) => return,
                Ok(Heard::Reply(bytes)) => self.send_bytes(link, Way::Up, bytes),
                Ok(Heard::Ready(bytes, _)) => {
                    self.send_bytes(link, Way::Up, bytes);
                    self.give(client, Input::Connected);
                }
                Ok(Heard::Frame(plain)) => match ServerFrame::decode(plain) {
                    Ok(frame) => {
                        self.oracle.client_hears(client, &frame);
                        self.give(client, Input::Frame(frame));
                    }
                    Err(error) => return self.oracle.fail("frames", format!("a server's frame: {error}")),
                },
                Err(error) => return self.oracle.fail("frames", format!("a server's stream: {error}")),
            }
        }
    }

    pub(crate) fn device_hung_up(&mut self, link: u64) {
        let Some(client) = self.net.link(link).map(|link| link.client) else { return };
        if self.devices[client].link() == Some(link) {
            note!(self, "c{client} notices the end of link {link}");
            self.net.deafen(link, Way::Down);
            self.devices[client].line = None;
            self.give(client, Input::Disconnected);
        }
    }

    pub(crate) fn device_says(&mut self, client: usize, mut frame: ClientFrame) {
        if self.mutant == Some(Mutant::TextInTheClear) {
            self.bare(client, &mut frame);
        }
        if self.mutant == Some(Mutant::RemovedKept) {
            for send in &mut frame.sends {
                let removed = self.oracle.removed_device(send.to);
                let copy = send.copies.first().cloned().zip(removed);
                send.copies.extend(copy.map(|(copy, device)| Copy { device, ..copy }));
            }
        }
        let plain = frame.encode();
        let device = &mut self.devices[client];
        let Some(line) = device.line.as_mut() else {
            return self.oracle.fail("client", format!("c{client} speaks without a connection"));
        };
        let (link, sealed) = (line.link, line.channel.say(&plain));
        let summary = self.oracle.client_says(client, link, &frame, &plain);
        if says_something(&summary) {
            self.busy_frames += 1;
        }
        self.note_frame(link, Way::Up, &plain, &summary);
        match sealed {
            Ok(bytes) => self.send_bytes(link, Way::Up, bytes),
            Err(error) => self.oracle.fail("frames", format!("c{client}: {error}")),
        }
    }

    /// The mutant that does not encrypt.
    fn bare(&self, client: usize, frame: &mut ClientFrame) {
        for send in &mut frame.sends {
            let Some(from) = self.oracle.address(client) else { continue };
            let key = MessageKey { from, id: send.id };
            if let Ok(Some(Message { body: Body::Post(post), .. })) = self.devices[client].db.message(&key) {
                for copy in &mut send.copies {
                    copy.kind = EnvelopeKind::Plaintext;
                    copy.ciphertext = Bytes::from(post.text.clone().into_bytes());
                }
            }
        }
    }
}

/// Nothing but who types and who is there.
fn is_light(input: &Input) -> bool {
    match input {
        Input::Command(_, command) => {
            matches!(command, Command::SetActivity(_) | Command::WatchPresence(_) | Command::Compose { .. })
        }
        Input::Frame(frame) => {
            let heavy = ServerFrame { lights: Vec::new(), presences: Vec::new(), ..frame.clone() };
            frame != &heavy && heavy == ServerFrame::default()
        }
        Input::Connected | Input::Disconnected | Input::Tick => false,
    }
}

/// What a mutant makes of a batch.
fn mutate(mut batch: Batch, db: &MemoryDb, mutant: Option<Mutant>) -> Batch {
    match mutant {
        Some(Mutant::KeyKept) => batch.retain(|write| !forgets_key(write, db)),
        Some(Mutant::SessionsForgotten) => {
            batch.retain(|write| !matches!(write, Write::Row(Key::Session(_), _)));
        }
        Some(Mutant::OutboxForgotten) => {
            batch.retain(|write| !matches!(write, Write::Row(Key::Outbox(_), Some(_))));
        }
        Some(Mutant::GroupsForgotten) => {
            batch.retain(|write| !matches!(write, Write::Row(Key::Group(_), _)));
        }
        Some(Mutant::NothingDisappears) => {
            let disappears = |key: &MessageKey| {
                db.message(key).is_ok_and(|found| found.is_some_and(|message| message.expires_at_ms > 0))
            };
            batch.retain(|write| !matches!(write, Write::DeleteMessage(key) if disappears(key)));
        }
        Some(Mutant::OpenedHere) => {
            batch.retain(|write| !matches!(write, Write::Message(message) if message.body == Body::Opened));
        }
        Some(Mutant::KeptHere) => {
            let keeps = |key: &[u8]| key.len() == KEEP_KEY_BYTES && key.last() == Some(&KEEP_KIND);
            batch.retain(|write| !matches!(write, Write::Row(Key::Act(key), Some(_)) if keeps(key)));
        }
        Some(Mutant::LooksUnheard) => {
            let is_status = |id: MessageId| {
                let mut messages = db.messages();
                messages.any(|it| it.key.id == id && matches!(it.with, Conversation::Status(_)))
            };
            batch.retain(|write| !matches!(write, Write::Row(Key::Receipt(id, _), _) if is_status(*id)));
        }
        Some(Mutant::EditedHere) => {
            batch.retain(|write| !matches!(write, Write::Message(message) if message.edited_at_ms > 0));
        }
        Some(Mutant::TextAltered) => {
            for write in &mut batch {
                if let Write::Message(message) = write
                    && message.direction == waxwing_client::Direction::Incoming
                    && let Body::Post(post) = &mut message.body
                {
                    post.text.push('!');
                }
            }
        }
        _ => {}
    }
    batch
}

/// Whether a write takes the key out of a row of sender keys, and leaves the rest.
fn forgets_key(write: &Write, db: &MemoryDb) -> bool {
    let Write::Row(key @ Key::SenderKey(..), Some(row)) = write else { return false };
    let before = db.row(key).ok().flatten().map_or(0, |row| row.len());
    before >= KEY_BYTES && row.len() < KEY_BYTES
}

/// A database that does not know what has surfaced, or what was set.
struct Forgetful<'a>(&'a MemoryDb, Option<Mutant>);

impl Read for Forgetful<'_> {
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, DbError> {
        let unset = match (key, self.1) {
            (Key::State(_), Some(Mutant::LastToArrive)) => true,
            (Key::State(key), Some(Mutant::EverybodySees)) => key.first() == Some(&PRIVACY_KIND),
            _ => false,
        };
        if unset { Ok(None) } else { self.0.row(key) }
    }

    fn rows(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        max: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, DbError> {
        self.0.rows(table, from, to, max)
    }

    fn message(&self, key: &MessageKey) -> Result<Option<Message>, DbError> {
        let message = self.0.message(key)?;
        let seen = self.1 != Some(Mutant::SeenForgotten);
        let late = |message: Message| match self.1 {
            Some(Mutant::NothingTooLate) => Message { sent_at_ms: AT_THE_END_MS, ..message },
            _ => message,
        };
        Ok(message
            .map(late)
            .filter(|message| seen || message.direction == waxwing_client::Direction::Outgoing))
    }

    fn history(&self, with: Conversation, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        self.0.history(with, before, max)
    }

    fn recent(&self, before: u64, max: usize) -> Result<Vec<Message>, DbError> {
        self.0.recent(before, max)
    }

    fn count_since(&self, stored_at_ms: u64) -> Result<u64, DbError> {
        self.0.count_since(stored_at_ms)
    }

    fn unread(&self, with: Conversation, up_to: u64, max: usize) -> Result<Vec<Message>, DbError> {
        self.0.unread(with, up_to, max)
    }
}
