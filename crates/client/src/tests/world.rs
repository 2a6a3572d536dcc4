//! Devices, their shells, the relay and the clock of a story.

use std::collections::{BTreeMap, VecDeque};

use prost::Message as _;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::content::Conversation;
use waxwing_wire::devices::{HistoryRange, LinkCode};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::limits::MAX_PLAINTEXT_BYTES;
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{AccountId, Bytes, EnvelopeKind, Username};

use super::relay::Relay;
use crate::memory::MemoryDb;
use crate::{
    Body, Client, Command, CommandId, ConnectionState, Delivery, Direction, Effect, Event, Input, Message,
    Time, Upload,
};

/// Where the process dies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    BeforeCommit,
    AfterCommit,
}

pub struct User {
    pub db: MemoryDb,
    pub client: Client,
    pub rng: ChaCha20Rng,
    /// The relay can be reached.
    pub reachable: bool,
    pub connected: bool,
    /// Inputs that the shell has for the core.
    inputs: VecDeque<Input>,
    pub up: VecDeque<ClientFrame>,
    pub wake: Option<Time>,
    pub events: Vec<Event>,
    /// What its shell is to upload, in this process.
    pub uploads: Vec<Upload>,
    pub frames_sent: usize,
}

pub struct World {
    pub now: u64,
    pub users: BTreeMap<&'static str, User>,
    pub relay: Relay,
    /// Ratchet key and counter of every ciphertext that left a device, and what it said.
    ledger: BTreeMap<(Vec<u8>, u32), Vec<u8>>,
    next_command: u64,
}

impl World {
    pub fn new() -> Self {
        Self {
            now: 1_700_000_000_000,
            users: BTreeMap::new(),
            relay: Relay::default(),
            ledger: BTreeMap::new(),
            next_command: 1,
        }
    }

    /// Registered people who are connected.
    pub fn with(names: &[&'static str]) -> Self {
        let mut world = Self::new();
        for name in names {
            world.join(name);
            world.register(name);
        }
        world
    }

    /// A new device without an account.
    pub fn join(&mut self, name: &'static str) {
        let seed =
            name.bytes().fold(self.users.len() as u64 + 1, |seed, b| seed << 7 ^ u64::from(b) ^ self.now);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut db = MemoryDb::default();
        db.apply(&Client::create(Time(self.now), &mut rng));
        let client = Client::open(&db, Time(self.now)).unwrap();
        let user = User {
            db,
            client,
            rng,
            reachable: true,
            connected: false,
            inputs: VecDeque::new(),
            up: VecDeque::new(),
            wake: None,
            events: Vec::new(),
            uploads: Vec::new(),
            frames_sent: 0,
        };
        self.users.insert(name, user);
    }

    pub fn register(&mut self, name: &'static str) -> CommandId {
        let username = Username::parse(name).unwrap();
        let id = self.command(name, Command::Register { invitation: InvitationToken([7; 16]), username });
        self.settle();
        id
    }

    /// A new device is taken into the account of an old one.
    pub fn link(&mut self, new: &'static str, old: &'static str, history: HistoryRange) {
        let code = self.offer(new);
        self.command(old, Command::ApproveLink { code, history });
        self.settle();
        assert!(self.users[new].client.address().is_some(), "{new} is linked");
    }

    /// A new device shows its code.
    pub fn offer(&mut self, new: &'static str) -> LinkCode {
        if !self.users.contains_key(new) {
            self.join(new);
        }
        self.command(new, Command::OfferLink { name: new.into() });
        self.settle();
        let shown = self.take_events(new).into_iter().find_map(|event| match event {
            Event::LinkCode { code, .. } => Some(code),
            _ => None,
        });
        shown.expect("a code is shown")
    }

    pub fn user(&mut self, name: &str) -> &mut User {
        self.users.get_mut(name).unwrap()
    }

    pub fn account(&self, name: &str) -> AccountId {
        self.users[name].client.address().unwrap().account
    }

    pub fn conversation(&self, name: &str) -> Conversation {
        Conversation::Account(self.account(name))
    }

    pub fn command(&mut self, name: &'static str, command: Command) -> CommandId {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.input(name, Input::Command(id, command));
        id
    }

    pub fn input(&mut self, name: &'static str, input: Input) {
        let effects = self.step(name, input, None);
        self.carry_out(name, effects);
    }

    /// The process dies in the step; what was not committed is gone, and so is every effect.
    pub fn input_and_crash(&mut self, name: &'static str, input: Input, crash: Crash) {
        let effects = self.step(name, input, Some(crash));
        if crash == Crash::AfterCommit {
            // Stories ask whether a gap was noticed; that nobody was told is the crash's doing.
            let gaps = effects.into_iter().filter_map(|effect| match effect {
                Effect::Event(event @ Event::Gap { .. }) => Some(event),
                _ => None,
            });
            self.user(name).events.extend(gaps);
        }
        self.reopen(name);
    }

    pub fn command_and_crash(&mut self, name: &'static str, command: Command, crash: Crash) {
        self.input_and_crash(name, Input::Command(CommandId(0), command), crash);
    }

    fn step(&mut self, name: &'static str, input: Input, crash: Option<Crash>) -> Vec<Effect> {
        let now = Time(self.now);
        let user = self.users.get_mut(name).unwrap();
        let step = user.client.handle(now, &mut user.rng, input, &user.db).unwrap();
        if crash != Some(Crash::BeforeCommit) {
            user.db.apply(&step.batch);
        }
        user.wake = step.wake;
        step.effects
    }

    /// The next input that waits in the shell comes, and the process dies in its step.
    pub fn next_and_crash(&mut self, name: &'static str, crash: Crash) {
        self.flow_up();
        let input = self.user(name).inputs.pop_front().expect("an input waits");
        self.input_and_crash(name, input, crash);
    }

    pub fn has_input(&self, name: &str) -> bool {
        !self.users[name].inputs.is_empty()
    }

    /// The next input that waits in the shell comes.
    pub fn next(&mut self, name: &'static str) {
        let input = self.user(name).inputs.pop_front().expect("an input waits");
        self.input(name, input);
    }

    /// A new process over the same database.
    pub fn reopen(&mut self, name: &'static str) {
        let now = Time(self.now);
        self.relay.gone(name);
        let user = self.user(name);
        user.client = Client::open(&user.db, now).unwrap();
        user.connected = false;
        user.inputs.clear();
        user.up.clear();
        user.wake = None;
        user.uploads.clear();
    }

    /// A new process over an older copy of the database.
    pub fn restore(&mut self, name: &'static str, copy: &MemoryDb) {
        self.user(name).db = copy.clone();
        self.reopen(name);
    }

    fn carry_out(&mut self, name: &'static str, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect => {
                    let user = self.user(name);
                    user.connected = user.reachable;
                    let input = if user.reachable { Input::Connected } else { Input::Disconnected };
                    user.inputs.push_back(input);
                }
                Effect::Disconnect => {
                    self.relay.gone(name);
                    let user = self.user(name);
                    user.connected = false;
                    user.inputs.clear();
                    user.up.clear();
                }
                Effect::Send(frame) => {
                    let bytes = frame.encode();
                    assert!(bytes.len() <= MAX_PLAINTEXT_BYTES, "a frame fits");
                    let decoded = ClientFrame::decode(Bytes::from(bytes)).expect("within the wire's bounds");
                    assert_eq!(decoded, frame);

                    let user = self.user(name);
                    user.frames_sent += 1;
                    if user.connected {
                        user.up.push_back(frame);
                    }
                }
                Effect::Upload(upload) => self.user(name).uploads.push(*upload),
                Effect::Event(event) => self.user(name).events.push(event),
            }
        }
    }

    /// Invariant 6: no key and counter ever encrypt two plaintexts.
    fn note(&mut self, frame: &ClientFrame) {
        for copy in frame.sends.iter().flat_map(|send| &send.copies) {
            let whisper = match copy.kind {
                EnvelopeKind::Whisper => copy.ciphertext.to_vec(),
                EnvelopeKind::Prekey => PrekeyPb::decode(&copy.ciphertext[1..]).unwrap().inner,
                _ => continue,
            };
            let head = WhisperPb::decode(&whisper[1..whisper.len() - 8]).unwrap();
            let said = head.ciphertext.clone();
            let before = self.ledger.insert((head.key, head.counter), said.clone());
            assert!(before.is_none_or(|before| before == said), "a key and counter encrypted two plaintexts");
        }
    }

    /// Likewise of sender keys.
    fn note_groups(&mut self, name: &'static str, frame: &ClientFrame) {
        for send in &frame.group_sends {
            let header = waxwing_e2ee::sender_key::peek(&send.ciphertext).unwrap();
            let key = [name.as_bytes(), &header.distribution_id, &header.chain_id.to_be_bytes()].concat();
            let said = send.ciphertext.to_vec();
            let before = self.ledger.insert((key, header.iteration), said.clone());
            assert!(before.is_none_or(|before| before == said), "a sender key encrypted two plaintexts");
        }
    }

    /// What the device has said reaches the relay; the answers are on their way.
    pub fn flow_up(&mut self) -> bool {
        let names: Vec<_> = self.users.keys().copied().collect();
        let mut moved = false;
        for name in names {
            while let Some(frame) = self.user(name).up.pop_front() {
                self.note(&frame);
                self.note_groups(name, &frame);
                self.relay.now = self.now;
                self.relay.frame(name, frame);
                moved = true;
            }
        }
        self.relay.push_all();
        for (name, frame) in std::mem::take(&mut self.relay.down) {
            let user = self.user(name);
            if user.connected {
                let frame = ServerFrame::decode(Bytes::from(frame.encode())).unwrap();
                user.inputs.push_back(Input::Frame(frame));
                moved = true;
            }
        }
        moved
    }

    /// Lets everything flow until nothing moves. Time stands still.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.flow() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    fn flow(&mut self) -> bool {
        let mut moved = self.flow_up();
        let names: Vec<_> = self.users.keys().copied().collect();
        for name in names {
            if let Some(input) = self.user(name).inputs.pop_front() {
                self.input(name, input);
                moved = true;
            }
        }
        moved
    }

    /// Lets time pass, waking whoever asked for it.
    pub fn advance(&mut self, ms: u64) {
        let end = self.now + ms;
        self.settle();
        for _ in 0..100_000 {
            let next = self.users.iter().filter_map(|(name, user)| Some((user.wake?, *name))).min();
            match next.filter(|(wake, _)| wake.0 <= end) {
                Some((wake, name)) => {
                    self.now = self.now.max(wake.0);
                    self.input(name, Input::Tick);
                    self.settle();
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("somebody keeps waking up");
    }

    /// Everybody is away for a day and then back: cheaper than a day of pings.
    pub fn pass_days(&mut self, days: u64) {
        let names: Vec<_> = self.users.keys().copied().collect();
        for _ in 0..days {
            names.iter().for_each(|name| self.offline(name));
            self.advance(86_400_000);
            names.iter().for_each(|name| self.online(name));
        }
    }

    pub fn online(&mut self, name: &'static str) {
        self.user(name).reachable = true;
        self.command(name, Command::GoOnline);
        self.settle();
    }

    pub fn offline(&mut self, name: &'static str) {
        self.command(name, Command::GoOffline);
        self.settle();
    }

    /// The network takes the connection away, with all that was on it.
    pub fn cut(&mut self, name: &'static str) {
        self.relay.gone(name);
        let user = self.user(name);
        user.reachable = false;
        user.connected = false;
        user.inputs.clear();
        user.up.clear();
        self.input(name, Input::Disconnected);
    }

    pub fn befriend(&mut self, name: &'static str, other: &str) {
        let username = Username::parse(other).unwrap();
        self.command(name, Command::AddContact { username });
        self.settle();
    }

    /// Writes without letting anything flow.
    pub fn write(&mut self, from: &'static str, to: &str, text: &str) -> CommandId {
        let to = self.conversation(to);
        self.command(from, Command::text(to, text))
    }

    pub fn send(&mut self, from: &'static str, to: &str, text: &str) {
        self.write(from, to, text);
        self.settle();
    }

    pub fn read_all(&mut self, name: &'static str, with: &str) {
        let with = self.conversation(with);
        self.command(name, Command::MarkRead { with, up_to: u64::MAX });
        self.settle();
    }

    /// The history of a conversation, oldest first.
    pub fn history(&self, name: &str, with: &str) -> Vec<Message> {
        use crate::Read as _;
        let mut messages = self.users[name].db.history(self.conversation(with), u64::MAX, 10_000).unwrap();
        messages.reverse();
        messages
    }

    /// What arrived, as words; `…` waits, `∅` is lost.
    pub fn arrived(&self, name: &str, from: &str) -> Vec<String> {
        let messages = self.history(name, from).into_iter();
        messages.filter(|m| m.direction == Direction::Incoming).map(|m| words(&m.body)).collect()
    }

    /// What was written, with its ticks: ⌛ ✓ ✓✓ ✓✓✓ ✗.
    pub fn written(&self, name: &str, to: &str) -> Vec<String> {
        let messages = self.history(name, to).into_iter();
        let tick = |delivery| match delivery {
            Delivery::Pending => "⌛",
            Delivery::Sent => "✓",
            Delivery::Delivered => "✓✓",
            Delivery::Read => "✓✓✓",
            Delivery::Failed => "✗",
        };
        messages
            .filter(|m| m.direction == Direction::Outgoing)
            .map(|m| format!("{} {}", words(&m.body), tick(m.delivery)))
            .collect()
    }

    pub fn state(&self, name: &str) -> ConnectionState {
        self.users[name].client.connection()
    }

    pub fn take_events(&mut self, name: &str) -> Vec<Event> {
        std::mem::take(&mut self.user(name).events)
    }

    /// How many such events came since they were last taken.
    pub fn count(&self, name: &str, of: impl Fn(&Event) -> bool) -> usize {
        self.users[name].events.iter().filter(|event| of(event)).count()
    }

    /// One round of everything that flows.
    pub fn flow_step(&mut self) {
        self.flow();
    }

    /// Nothing waits anywhere.
    pub fn assert_at_rest(&self) {
        self.assert_at_rest_but(&[]);
    }

    /// Nothing waits anywhere but with these.
    pub fn assert_at_rest_but(&self, others: &[&str]) {
        for (name, user) in self.users.iter().filter(|(name, _)| !others.contains(name)) {
            assert_eq!(user.client.outbox_len(), 0, "{name}'s outbox");
        }
        for (address, device) in &self.relay.devices {
            assert_eq!(device.mailbox.len(), 0, "the mailbox of {address:?}");
        }
    }
}

pub fn words(body: &Body) -> String {
    match body {
        Body::Post(post) => post.text.clone(),
        Body::Waiting => "…".into(),
        Body::Lost => "∅".into(),
        Body::Unknown => "?".into(),
        Body::Notice(_) => "!".into(),
        Body::Deleted => "deleted".into(),
        Body::Opened => "opened".into(),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct WhisperPb {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(uint32, tag = "2")]
    counter: u32,
    #[prost(bytes = "vec", tag = "4")]
    ciphertext: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PrekeyPb {
    #[prost(bytes = "vec", tag = "4")]
    inner: Vec<u8>,
}
