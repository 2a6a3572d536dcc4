//! A server node: the driver around the server core, as the real one is, with places to die at.

mod effects;
mod files;
mod light;

use std::collections::{BTreeMap, VecDeque};

use waxwing_server::{
    Command, CommitError, ConnId, Effect, FanOut, Key, Lights, Links, Origin, Piece, Row, Step, Store,
    Stored, Time, View, decide, reads, refuse, rejects,
};
use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::{DeviceAddress, DeviceKey, MessageId, Reject, RejectCode};

use crate::channel::{Channel, Heard};
use crate::dice::Dice;
use crate::disk::Mishap;
use crate::event::Event;
use crate::fault::Fault;
use crate::mutant::Mutant;
use crate::net::Way;
use crate::outgoing::Outgoing;
use crate::world::{EPOCH_MS, World, note};

pub(crate) use files::Files;

/// Silence after which a server closes a connection: three keep-alives of a client.
const IDLE_MS: u64 = 95_000;
/// Between two rounds of a node's regular work.
const SWEEP_MS: u64 = 5_000;
/// Commands of one connection that wait; reading stops there in the real shell, and here the rest of the
/// connection's bytes wait with it.
const MAX_WAITING: usize = 1_024;
/// Tries of one command after conflicts, and for each device: of all that settle a message to a large group at once,
/// each commit lets one through.
const MAX_TRIES: usize = 64;
const MAX_TRIES_PER_DEVICE: usize = 2;

/// A server node.
pub struct Node {
    pub(crate) up: bool,
    /// Raised at each start and end, so that what was meant for an earlier life is dropped.
    pub(crate) life: u64,
    links: Links,
    lights: Lights,
    peers: BTreeMap<u64, Peer>,
    /// Chains that belong to no connection.
    background: BTreeMap<u64, VecDeque<Command>>,
    background_next: u64,
    held: Vec<Decided>,
    deciding: bool,
    pub(crate) skew_ms: i64,
    dice: Dice,
    sweeps: u64,
}

/// A node's end of a connection.
struct Peer {
    channel: Channel,
    key: Option<DeviceKey>,
    address: Option<DeviceAddress>,
    /// What has arrived and is not begun.
    todo: VecDeque<Todo>,
    /// The commands that the one being carried out leads to.
    chain: VecDeque<Command>,
    tries: usize,
    /// What the device last said it has stored.
    settling: Option<Command>,
    /// The same, if it could not be settled: the device has no reason to say it again as long as its
    /// connection lasts, so the driver repeats it.
    unsettled: Option<Command>,
    heard_ms: u64,
    /// The connection has ended; what was begun is finished.
    gone: bool,
    out: Outgoing,
}

/// Parts of a frame, in the order in which they are carried out.
enum Todo {
    Hello(waxwing_wire::client_frame::Hello),
    Stored(waxwing_wire::client_frame::Stored),
    Send(Box<waxwing_wire::client_frame::Send>),
    GroupSend(Box<waxwing_wire::client_frame::GroupSend>),
    Request(Box<waxwing_wire::client_frame::Request>),
    Ping(u32),
    Light(Box<ClientFrame>),
}

/// Whose chain a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Peer(u64),
    Background(u64),
}

/// A command between decision and commit.
struct Decided {
    owner: Owner,
    command: Command,
    outcome: Result<(Step, View), Reject>,
}

impl Node {
    /// A node that is not started.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            up: false,
            life: 0,
            links: Links::default(),
            lights: Lights::default(),
            peers: BTreeMap::new(),
            background: BTreeMap::new(),
            background_next: 0,
            held: Vec::new(),
            deciding: false,
            skew_ms: 0,
            dice,
            sweeps: 0,
        }
    }

    /// Starts a chain that belongs to no connection.
    fn enqueue(&mut self, command: Command) {
        self.background_next += 1;
        self.background.insert(self.background_next, VecDeque::from([command]));
    }

    fn chain(&mut self, owner: Owner) -> Option<&mut VecDeque<Command>> {
        match owner {
            Owner::Peer(link) => self.peers.get_mut(&link).map(|peer| &mut peer.chain),
            Owner::Background(number) => self.background.get_mut(&number),
        }
    }

    fn has_work(&self) -> bool {
        let peers = self.peers.values();
        !self.background.is_empty()
            || peers.into_iter().any(|peer| peer.gone || !peer.chain.is_empty() || !peer.todo.is_empty())
    }

    fn owners(&mut self) -> Vec<Owner> {
        let mut owners: Vec<Owner> = self.peers.keys().map(|link| Owner::Peer(*link)).collect();
        owners.extend(self.background.keys().map(|number| Owner::Background(*number)));
        // Fair in the long run: nobody is always first.
        let first = self.dice.index(owners.len().max(1));
        let count = owners.len();
        owners.rotate_left(first.min(count));
        owners
    }
}

impl World {
    pub(crate) fn server_time(&self, node: usize) -> Time {
        Time((EPOCH_MS + self.now).saturating_add_signed(self.nodes[node].skew_ms))
    }

    fn alive(&self, node: usize, life: u64) -> bool {
        self.nodes[node].up && self.nodes[node].life == life
    }

    // ------------------------------------------------------------ life and death

    pub(crate) fn start_node(&mut self, node: usize) {
        if self.nodes[node].up {
            return;
        }
        note!(self, "s{node} starts");
        let life = {
            let node = &mut self.nodes[node];
            node.up = true;
            node.life += 1;
            node.life
        };
        let first = self.now + self.dice.below(SWEEP_MS);
        self.schedule(first, Event::Sweep { node, life });
    }

    /// Kills a node: what is not on the disk is gone. It comes back soon.
    pub(crate) fn crash_node(&mut self, node: usize, why: &str) -> bool {
        if !self.nodes[node].up {
            return false;
        }
        note!(self, "s{node} dies: {why}");
        self.disk.crash();
        let dead = &mut self.nodes[node];
        dead.up = false;
        dead.life += 1;
        dead.links = Links::default();
        dead.lights = Lights::default();
        dead.peers.clear();
        dead.background.clear();
        dead.held.clear();
        dead.deciding = false;
        for link in self.net.find(|link| link.node == node) {
            self.net.deafen(link, Way::Up);
            // A killed process has its sockets closed; a machine without power says nothing.
            let notices = self.dice.chance(8_000);
            self.net.cut(link);
            if notices {
                let at = self.now + self.dice.skewed(1, 2_000);
                self.schedule(at, Event::Broken { link, way: Way::Up });
            }
        }
        let back = self.now + self.dice.skewed(200, 15_000);
        self.schedule(back, Event::NodeStart { node });
        true
    }

    /// A client's connection reaches the node.
    pub(crate) fn accept_link(&mut self, node: usize, link: u64) {
        let key = self.plan.noise.then(|| server_key(self.plan.seed));
        let peer = Peer {
            channel: Channel::accept(key),
            key: None,
            address: None,
            todo: VecDeque::new(),
            chain: VecDeque::new(),
            tries: 0,
            settling: None,
            unsettled: None,
            heard_ms: self.now,
            gone: false,
            out: Outgoing::default(),
        };
        self.nodes[node].peers.insert(link, peer);
    }

    // ------------------------------------------------------------ what arrives

    pub(crate) fn node_hears(&mut self, link: u64, bytes: &[u8]) {
        let Some(number) = self.net.link(link).map(|link| link.node) else { return };
        let now = self.now;
        let node = &mut self.nodes[number];
        let Some(peer) = node.peers.get_mut(&link).filter(|peer| !peer.gone) else { return };
        peer.heard_ms = now;
        peer.channel.feed(bytes);
        loop {
            let node = &mut self.nodes[number];
            let Some(peer) = node.peers.get_mut(&link) else { return };
            match peer.channel.hear(&mut node.dice) {
                Ok(Heard::Nothing) => break,
                Ok(Heard::Reply(bytes)) => self.send_bytes(link, Way::Down, bytes),
                Ok(Heard::Ready(bytes, key)) => {
                    peer.key = key;
                    self.send_bytes(link, Way::Down, bytes);
                }
                Ok(Heard::Frame(plain)) => match ClientFrame::decode(plain) {
                    Ok(frame) => self.node_reads(number, link, frame),
                    Err(error) => self.oracle.fail("frames", format!("a client's frame: {error}")),
                },
                Err(error) => {
                    self.oracle.fail("frames", format!("a client's stream: {error}"));
                    return;
                }
            }
        }
        self.poke(number);
    }

    fn node_reads(&mut self, node: usize, link: u64, mut frame: ClientFrame) {
        if let Some(client) = self.net.link(link).map(|link| link.client).filter(|_| self.plan.is_hostile()) {
            self.bend_up(client, &mut frame);
        }
        let Some(peer) = self.nodes[node].peers.get_mut(&link) else { return };
        let light = frame.has_light().then(|| ClientFrame {
            lights: std::mem::take(&mut frame.lights),
            announcement: frame.announcement.take(),
            watch: frame.watch.take(),
            ..ClientFrame::default()
        });
        peer.todo.extend(frame.hello.map(Todo::Hello));
        peer.todo.extend(light.map(|light| Todo::Light(Box::new(light))));
        peer.todo.extend(frame.stored.map(Todo::Stored));
        let mut sends = frame.sends;
        if self.mutant == Some(Mutant::SwapSends) {
            sends.reverse();
        }
        peer.todo.extend(sends.into_iter().map(|send| Todo::Send(Box::new(send))));
        peer.todo.extend(frame.group_sends.into_iter().map(|send| Todo::GroupSend(Box::new(send))));
        peer.todo.extend(frame.requests.into_iter().map(|request| Todo::Request(Box::new(request))));
        peer.todo.extend(frame.ping.map(Todo::Ping));
        if peer.todo.len() > MAX_WAITING {
            let waiting = peer.todo.len();
            self.oracle.fail("10", format!("a client made its server hold {waiting} commands"));
        }
    }

    pub(crate) fn node_hung_up(&mut self, link: u64) {
        let Some(number) = self.net.link(link).map(|link| link.node) else { return };
        self.net.deafen(link, Way::Up);
        let Some(peer) = self.nodes[number].peers.get_mut(&link) else { return };
        peer.gone = true;
        peer.todo.clear();
        note!(self, "s{number} notices the end of link {link}");
        self.poke(number);
    }

    /// Sees to it that the node goes on with its work.
    fn poke(&mut self, number: usize) {
        let at = self.now + self.dice.below(3);
        let node = &mut self.nodes[number];
        if node.up && !node.deciding && node.held.is_empty() && node.has_work() {
            node.deciding = true;
            let life = node.life;
            self.schedule(at, Event::Decide { node: number, life });
        }
    }

    // ------------------------------------------------------------ decide

    pub(crate) fn decide(&mut self, node: usize, life: u64) {
        if !self.alive(node, life) {
            return;
        }
        self.nodes[node].deciding = false;
        for owner in self.nodes[node].owners() {
            if self.nodes[node].held.len() >= self.plan.group {
                break;
            }
            if let Some(command) = self.next_command(node, owner) {
                self.decide_one(node, owner, command);
            }
        }
        if self.nodes[node].held.is_empty() {
            self.flush(node);
            return self.poke(node);
        }
        let at = self.now + self.dice.between(1, 4);
        self.schedule(at, Event::Commit { node, life });
        if self.mutant == Some(Mutant::SpeakBeforeCommit) {
            self.speak_early(node);
        }
    }

    fn decide_one(&mut self, node: usize, owner: Owner, mut command: Command) {
        let now = self.server_time(node);
        if let Command::AttachDevice { address, live, .. } = &mut command {
            *live = self.nodes[node].links.received(*address);
        }
        let view = match self.disk.store.load(&reads(&command)) {
            Ok(view) => view,
            Err(error) => return self.oracle.fail("store", error.to_string()),
        };
        let mut settings = self.plan.settings.clone();
        if self.mutant == Some(Mutant::NoLimits) {
            settings.mailbox_entries = u64::MAX;
        }
        let rng = self.nodes[node].dice.rng();
        let outcome = decide(&command, &view, now, &settings, rng).map(|step| (step, view));
        self.nodes[node].held.push(Decided { owner, command, outcome });
    }

    /// The next command of a chain; what needs none is answered on the way.
    fn next_command(&mut self, node: usize, owner: Owner) -> Option<Command> {
        let Owner::Peer(link) = owner else {
            let command = self.nodes[node].chain(owner)?.pop_front();
            if command.is_none() {
                self.nodes[node].chain(owner).map(VecDeque::clear);
                if let Owner::Background(number) = owner {
                    self.nodes[node].background.remove(&number);
                }
            }
            return command;
        };
        loop {
            let peer = self.nodes[node].peers.get_mut(&link)?;
            if let Some(command) = peer.chain.pop_front() {
                if matches!(command, Command::Stored { .. }) {
                    peer.settling = Some(command.clone());
                }
                return Some(command);
            }
            peer.tries = 0;
            if peer.gone {
                self.part(node, link);
                return None;
            }
            let todo = peer.todo.pop_front()?;
            match self.command_of(node, link, todo) {
                Ok(command) => return Some(command),
                Err(effects) => self.carry_out(node, owner, effects),
            }
        }
    }

    /// The connection is over and so is everything that came in on it.
    fn part(&mut self, node: usize, link: u64) {
        let now = self.server_time(node);
        self.nodes[node].peers.remove(&link);
        self.end_light(node, link, now);
        let node = &mut self.nodes[node];
        if let Some(command) = node.links.detach(ConnId(link)) {
            node.enqueue(command);
        }
    }

    fn command_of(&mut self, number: usize, link: u64, mut todo: Todo) -> Result<Command, Vec<Effect>> {
        self.name_files(number, link, &mut todo);
        let (now, settings) = (self.server_time(number), self.plan.settings.clone());
        let node = &mut self.nodes[number];
        let conn = ConnId(link);
        let Some(peer) = node.peers.get_mut(&link) else { return Err(Vec::new()) };
        let Some(key) = peer.key else { return Err(vec![Effect::Close { conn }]) };
        let stranger = || Err(goodbye(conn, Reject::new(RejectCode::NotRegistered, "say hello first")));
        let limited = |command: Command, allowed: Result<(), u64>| match allowed {
            Ok(()) => Ok(command),
            Err(wait_ms) => Err(refuse(&command, rejects::rate_limited(wait_ms))),
        };
        match (todo, peer.address) {
            (Todo::Hello(hello), _) => {
                let place = format!("192.0.2.{}", link % 250);
                Ok(Command::Attach { conn, key, hello, place })
            }
            (Todo::Ping(nonce), _) => {
                peer.out.pong(nonce);
                Err(Vec::new())
            }
            (Todo::Request(request), address) => {
                let origin = Origin { conn, request: request.id };
                let allowed = match (&request.what, address) {
                    (RequestBody::Register(_), _) => Ok(()),
                    (RequestBody::OfferLink(..) | RequestBody::CompleteLink(_), None) => {
                        node.links.allow_offer(conn, now)
                    }
                    (_, None) => return stranger(),
                    (what, Some(from)) => node.links.allow_request(from, what, now),
                };
                let of_device = |what| Command::of_device(origin, address?, what);
                let command =
                    Command::of_stranger(origin, key, request.what).or_else(|what| of_device(what).ok_or(()));
                let Ok(command) = command else { return stranger() };
                limited(command, allowed)
            }
            (Todo::Light(_), None) => Err(Vec::new()),
            (Todo::Light(frame), Some(from)) => Err(self.take_in_light(number, conn, from, *frame)),
            (_, None) => stranger(),
            (Todo::Stored(stored), Some(mailbox)) => {
                let (up_to, undecryptable) = (stored.up_to, stored.undecryptable);
                let command = Command::Stored { mailbox, up_to, undecryptable };
                peer.settling = Some(command.clone());
                Ok(command)
            }
            (Todo::Send(send), Some(from)) => {
                node.links.count_received(conn);
                let overtaken = self.mutant == Some(Mutant::Overtaken);
                if let Some(refused) = node.links.overtakes(from, &send).filter(|_| !overtaken) {
                    return Err(vec![Effect::Reply { conn, piece: Piece::Refused(refused) }]);
                }
                let allowed = node.links.allow_send(from, now, &settings);
                let to = send.to;
                let command = limited(Command::Send { conn, from, send: *send }, allowed);
                if let Err(effects) = &command {
                    node.links.note_refusals(from, to, effects);
                }
                command
            }
            (Todo::GroupSend(send), Some(from)) => {
                node.links.count_received(conn);
                let allowed = node.links.allow_group_send(from, now);
                if allowed.is_err() {
                    self.oracle.server_refuses(from, send.id);
                }
                limited(Command::GroupSend { conn, from, send }, allowed)
            }
        }
    }

    // ------------------------------------------------------------ commit

    pub(crate) fn commit(&mut self, node: usize, life: u64) {
        if !self.alive(node, life) {
            return;
        }
        if self.strikes(Fault::ServerCrashBeforeCommit) {
            self.crash_node(node, "before a commit");
            return;
        }
        let held = std::mem::take(&mut self.nodes[node].held);
        let mut mishap = Mishap::default();
        let batches = held.iter().filter(|one| one.batch().is_some()).count();
        if batches > 0 && self.strikes(Fault::Conflict) {
            mishap.conflict_at = Some(self.dice.index(batches));
        }
        if batches > 1 && self.strikes(Fault::ServerCrashMidCommit) {
            mishap.only = Some(self.dice.index(batches));
        }
        let group = held.iter().filter_map(|one| one.stored(self.mutant)).collect();
        let results = self.disk.commit(group, &mishap, self.mutant);
        note!(self, "s{node} commits {} of {batches} in {}", results.iter().flatten().count(), held.len());
        self.observe_commits(node, &held, &results, &mishap);
        if mishap.only.is_some() {
            self.crash_node(node, "in a commit");
            return;
        }
        if self.strikes(Fault::ServerCrashAfterCommit) {
            self.crash_node(node, "after a commit, before its effects");
            return;
        }
        self.conclude(node, held, results);
        if self.alive(node, life) {
            self.flush(node);
            self.poke(node);
        }
    }

    fn observe_commits(
        &mut self,
        node: usize,
        held: &[Decided],
        results: &[Result<(), CommitError>],
        mishap: &Mishap,
    ) {
        let now_ms = self.server_time(node).0;
        let mut results = results.iter().enumerate();
        for one in held {
            let result = if one.batch().is_some() { results.next() } else { None };
            if let Some((place, Err(CommitError::Conflict))) = result
                && mishap.conflict_at != Some(place)
            {
                self.tally.count(Fault::RealConflict);
            }
            let Ok((step, view)) = &one.outcome else { continue };
            match result {
                Some((_, Ok(()))) => {
                    let batch = one.stored(self.mutant).map(|stored| stored.batch);
                    self.oracle.server_concludes(batch.as_ref(), view, &step.effects, now_ms);
                }
                None if one.batch().is_none() => {
                    self.oracle.server_concludes(None, view, &step.effects, now_ms);
                }
                // Not committed, or not reached before the node died.
                _ => {}
            }
        }
    }

    /// Effects of a group, or the refusals.
    fn conclude(&mut self, node: usize, held: Vec<Decided>, results: Vec<Result<(), CommitError>>) {
        let mut results = results.into_iter();
        let life = self.nodes[node].life;
        for one in held {
            let result = if one.batch().is_some() { results.next().unwrap_or(Ok(())) } else { Ok(()) };
            let Decided { owner, command, outcome } = one;
            let is_taken = matches!((&outcome, &result), (Ok(_), Ok(()) | Err(CommitError::Conflict)));
            let to_group = !matches!(command, Command::Send { .. });
            if let Some((from, id)) = message_of(&command).filter(|_| !is_taken && to_group) {
                self.oracle.server_refuses(from, id);
            }
            let effects = match (outcome, result) {
                (Ok((step, _)), Ok(())) => step.effects,
                (Ok(_), Err(CommitError::Conflict)) if self.may_try_again(node, owner) => {
                    if let Some(chain) = self.nodes[node].chain(owner) {
                        chain.push_front(command);
                    }
                    continue;
                }
                (Ok(_), Err(error)) => {
                    self.keep_unsettled(node, owner, &command);
                    if let Some(chain) = self.nodes[node].chain(owner) {
                        chain.clear();
                    }
                    refuse(&command, rejects::commit_failed(&error))
                }
                (Err(reject), _) => {
                    if let Some(chain) = self.nodes[node].chain(owner) {
                        chain.clear();
                    }
                    refuse(&command, reject)
                }
            };
            if let Command::Send { from, send, .. } = &command {
                self.nodes[node].links.note_refusals(*from, send.to, &effects);
                self.note_refusals(*from, &effects);
            }
            self.carry_out(node, owner, effects);
            if !self.alive(node, life) {
                return;
            }
        }
    }

    /// What is refused for good is not sent again before what comes later.
    fn note_refusals(&mut self, from: DeviceAddress, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Reply { piece: Piece::Refused(refused), .. } = effect
                && refused.reject.retry_after_ms == 0
                && refused.reject.code != RejectCode::DeviceMismatch
            {
                self.oracle.server_refuses(from, refused.id);
            }
        }
    }

    /// A device's word that could not be carried out is kept until it can.
    fn keep_unsettled(&mut self, node: usize, owner: Owner, failed: &Command) {
        let settles = matches!(
            failed,
            Command::Stored { .. }
                | Command::Settle { .. }
                | Command::PutReceipt { .. }
                | Command::NoteHad { .. }
                | Command::Trim { .. }
                | Command::Release { .. }
        );
        let Owner::Peer(link) = owner else { return };
        let forgets = self.mutant == Some(Mutant::SettledOnce);
        if let Some(peer) = self.nodes[node].peers.get_mut(&link).filter(|_| settles && !forgets) {
            peer.unsettled = peer.settling.clone();
        }
    }

    fn may_try_again(&mut self, node: usize, owner: Owner) -> bool {
        let Owner::Peer(link) = owner else { return true };
        let Some(peer) = self.nodes[node].peers.get_mut(&link) else { return false };
        peer.tries += 1;
        if peer.tries == MAX_TRIES.max(MAX_TRIES_PER_DEVICE * self.plan.clients) {
            let what = format!("a command met a conflict {} times in a row", peer.tries);
            self.oracle.fail("liveness", what);
        }
        true
    }

    /// The mutant that answers before it has committed.
    fn speak_early(&mut self, node: usize) {
        let mut early = Vec::new();
        for one in &mut self.nodes[node].held {
            if let Ok((step, _)) = &mut one.outcome {
                let (said, kept) = std::mem::take(&mut step.effects)
                    .into_iter()
                    .partition(|effect| matches!(effect, Effect::Reply { .. }));
                step.effects = kept;
                early.push((one.owner, said));
            }
        }
        for (owner, effects) in early {
            self.carry_out(node, owner, effects);
        }
        if self.nodes[node].up {
            self.flush(node);
        }
    }
}

impl Decided {
    fn batch(&self) -> Option<&waxwing_server::Batch> {
        self.outcome.as_ref().ok().and_then(|(step, _)| step.batch.as_ref())
    }

    /// What is handed to the store; a mutant leaves something out.
    fn stored(&self, mutant: Option<Mutant>) -> Option<Stored> {
        let (step, view) = self.outcome.as_ref().ok()?;
        let mut batch = step.batch.clone()?;
        if mutant == Some(Mutant::PrekeysStay) && matches!(self.command, Command::TakePrekeys { .. }) {
            batch.rows.retain(|(key, _)| !matches!(key, waxwing_server::Key::Pool(..)));
        }
        if mutant == Some(Mutant::MembersStay) {
            batch.rows.iter_mut().for_each(|(key, row)| keep_members(key, row.as_mut(), view));
        }
        let expected = view.expected(batch.shard);
        Some(Stored { batch, expected })
    }
}

/// The mutant that lets nobody go.
fn keep_members(key: &Key, row: Option<&mut Row>, view: &View) {
    let before = view.rows.get(key).and_then(|(row, _)| row.as_ref());
    if let (Some(Row::Group(row)), Some(Row::Group(before))) = (row, before) {
        for member in &before.members {
            let place = row.members.binary_search_by_key(&member.account, |member| member.account);
            if let Err(place) = place {
                row.members.insert(place, *member);
            }
        }
    }
}

fn goodbye(conn: ConnId, reject: Reject) -> Vec<Effect> {
    vec![Effect::Reply { conn, piece: waxwing_server::Piece::Goodbye(reject) }, Effect::Close { conn }]
}

/// The message that a command is about to take.
fn message_of(command: &Command) -> Option<(DeviceAddress, MessageId)> {
    let of = |fan_out: &FanOut| (fan_out.blob.from, fan_out.blob.id);
    match command {
        Command::Send { from, send, .. } => Some((*from, send.id)),
        Command::GroupSend { from, send, .. } => Some((*from, send.id)),
        Command::GroupCompare { sender: Some(_), blob, .. } => Some((blob.from, blob.id)),
        Command::GroupStore { fan_out, .. }
        | Command::GroupDeliver { fan_out }
        | Command::GroupNote { fan_out }
        | Command::GroupFinish { fan_out } => Some(of(fan_out)),
        _ => None,
    }
}

/// The one identity of all nodes.
#[must_use]
pub fn server_key(seed: u64) -> StaticKey {
    StaticKey::generate(Dice::new(seed, 2).rng())
}
