//! The judge. It sees everything: what is committed where, what is said on every connection, what every
//! user is shown. It is told by the drivers and asks nothing of the cores.
//!
//! The numbers of its complaints are those of the safety list in the architecture note:
//! 1 accepted means not lost; 2 surfaces once; 3 in order or with a gap shown; 4 an entry goes only after
//! its device has it; 5 nothing surfaces that was not sent so; 6 no key and counter twice; 7 no plaintext
//! outside; 8 a removed device, or one outside a group, reads nothing; 9 a prekey is issued once; 10 limits;
//! 11 a message stays as long as a mailbox refers to it; "agreement": members of a group hold the same; "light": who types and who is there is true and stored nowhere. What is
//! owed when all is well again stands in `finish`.

mod circles;
mod client_side;
mod deeds;
mod describe;
mod finish;
mod light;
mod lives;
mod order;
mod server_side;
mod society;

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::memory::MemoryDb;
use waxwing_client::{Body, CommandId, Conversation, MessageKey, Read as _};
use waxwing_server::BlobId;
use waxwing_wire::{DeviceAddress, MessageId, RejectCode};

use crate::fault::{Fault, Tally};
use crate::people::CANARY;
use crate::plan::{Plan, Scenario};
use circles::Circles;
use light::Passing;
use lives::Lives;
use order::Hearsay;
use society::Society;

pub use describe::says_something;
pub use finish::Ends;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Number in the safety list, or a word.
    pub invariant: &'static str,
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// What happened, without what people wrote.
    pub what: String,
}

/// A text as its sender wrote it.
struct Written {
    text: String,
    /// Whose device.
    client: usize,
    to: Conversation,
    /// Place among what the device wrote to there.
    place: usize,
    at_ms: u64,
    /// By its sender's clock.
    sent_at_ms: u64,
    /// The sender forgot it in a rollback.
    orphaned: bool,
    /// When a device of a recipient first had it, as text.
    arrived_ms: Option<u64>,
    /// When the server first stored it for anybody.
    accepted_ms: Option<u64>,
    /// Of a group: the epochs in which the server took it. More than one: its sender did not know that it had
    /// been taken, and wrote it again to those who were there then.
    epochs: BTreeSet<u64>,
    /// Devices that must get it.
    owed: BTreeSet<DeviceAddress>,
    /// What its sender has made of it since.
    otherwise: BTreeSet<String>,
    /// Somebody who may has tried to delete it for everyone.
    may_be_deleted: bool,
    /// To be seen once.
    once: bool,
    /// Seconds until it disappears; 0: it stays.
    lifetime_s: u32,
    /// True time when it was written, milliseconds since the run began.
    true_ms: u64,
}

impl Written {
    fn says(&self, text: &str) -> bool {
        // Deleted before it was sent: its place is taken by nothing.
        self.text == text || self.otherwise.contains(text) || (self.may_be_deleted && text.is_empty())
    }

    /// Whether it may be that now, after it was something else.
    fn became(&self, body: &Body) -> bool {
        match body {
            // What a group did not take of its sender is taken back.
            Body::Post(post) => {
                self.otherwise.contains(&post.text)
                    || matches!(self.to, Conversation::Group(_)) && self.text == post.text
            }
            Body::Deleted => self.may_be_deleted,
            Body::Opened => self.once,
            _ => false,
        }
    }

    /// Whether it may be gone.
    fn may_go(&self) -> bool {
        self.may_be_deleted || self.once || self.lifetime_s > 0
    }
}

/// A mailbox entry as it was appended.
struct Waiting {
    /// The envelope's name; `None` for a receipt.
    envelope: Option<MessageKey>,
    silent: bool,
    accepted_at_ms: u64,
    /// It only refers to this.
    blob: Option<BlobId>,
}

/// What is known of a connection.
#[derive(Default)]
struct Window {
    /// Entries sent and not acknowledged, with their sizes.
    ahead: BTreeMap<u64, usize>,
    last: u64,
    /// Messages without an answer.
    in_flight: BTreeSet<MessageId>,
}

/// What is known of what one device writes in one conversation, seen from one that receives.
#[derive(Default)]
struct Front {
    /// Place of the newest message that has surfaced, counted from 1.
    place: usize,
    /// Skipped, and the user was told.
    announced: BTreeSet<MessageKey>,
    /// Skipped before a placeholder, whose position cannot be known: to be told with the next text.
    unannounced: BTreeSet<MessageKey>,
}

/// See the module's documentation.
pub struct Oracle {
    plan: Plan,
    now_ms: u64,
    violations: Vec<Violation>,
    texts: u64,
    addresses: BTreeMap<usize, DeviceAddress>,
    devices: BTreeMap<DeviceAddress, usize>,
    registered: BTreeSet<usize>,
    written: BTreeMap<MessageKey, Written>,
    lines: BTreeMap<(DeviceAddress, Conversation), Vec<MessageKey>>,
    fronts: BTreeMap<(usize, DeviceAddress, Conversation), Front>,
    society: Society,
    hearsay: Hearsay,
    passing: Passing,
    /// The person of each device.
    people: BTreeMap<usize, usize>,
    /// Times that somebody was told that something is not right.
    suspicions: u64,
    /// Envelopes that were ever committed to a mailbox, and to whose.
    appended: BTreeMap<MessageKey, BTreeSet<DeviceAddress>>,
    /// Messages that were said to a group.
    to_groups: BTreeSet<MessageKey>,
    /// Messages whose copies do not fit one frame.
    in_parts: BTreeSet<MessageKey>,
    /// Devices whose mailbox was too full for something.
    skipped: BTreeSet<DeviceAddress>,
    /// Devices that could not read something at once.
    has_asked: BTreeSet<usize>,
    /// Devices that were told that they were removed.
    told_removed: BTreeSet<usize>,
    accepted: BTreeSet<MessageKey>,
    expired: BTreeSet<MessageKey>,
    /// For whom something expired that is not shown: a receipt, for example.
    expired_silently: BTreeSet<DeviceAddress>,
    /// What senders were told to have expired.
    said_expired: BTreeSet<MessageKey>,
    boxes: BTreeMap<DeviceAddress, BTreeMap<u64, Waiting>>,
    /// What a device's database ever held.
    durable: BTreeSet<(usize, MessageKey)>,
    /// Last entry of the frame that a device is handling, and of those whose step it committed.
    heard: BTreeMap<usize, u64>,
    processed: BTreeMap<usize, u64>,
    windows: BTreeMap<u64, Window>,
    leases: BTreeMap<usize, u64>,
    /// Ratchet key and counter, with the ciphertext that stands under them.
    chains: BTreeMap<(Vec<u8>, u64), u32>,
    /// The same, of those that the server has stored.
    chains_stored: BTreeMap<(Vec<u8>, u64), u32>,
    prekeys_issued: BTreeSet<u32>,
    /// Bundles that left without a one-time prekey.
    exhausted: u64,
    /// Messages that were placeholders at first.
    undecryptable: u64,
    last_resorts: BTreeSet<u32>,
    shown: BTreeSet<(usize, MessageKey)>,
    filled: BTreeSet<(usize, MessageKey)>,
    open_commands: BTreeSet<(usize, CommandId)>,
    refusals: BTreeSet<(usize, RejectCode)>,
    /// Messages refused at least once, for whatever reason.
    put_off: BTreeSet<MessageKey>,
    /// Messages refused for good.
    refused: BTreeSet<MessageKey>,
    rollbacks: BTreeMap<usize, u64>,
    lost: BTreeSet<(usize, MessageKey)>,
    lives: Lives,
    circles: Circles,
}

impl Oracle {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            now_ms: 0,
            violations: Vec::new(),
            texts: 0,
            addresses: BTreeMap::new(),
            devices: BTreeMap::new(),
            registered: BTreeSet::new(),
            written: BTreeMap::new(),
            lines: BTreeMap::new(),
            fronts: BTreeMap::new(),
            society: Society::default(),
            hearsay: Hearsay::default(),
            passing: Passing::default(),
            people: (0..plan.clients).chain(plan.companions.iter().copied()).enumerate().collect(),
            suspicions: 0,
            appended: BTreeMap::new(),
            to_groups: BTreeSet::new(),
            in_parts: BTreeSet::new(),
            skipped: BTreeSet::new(),
            has_asked: BTreeSet::new(),
            told_removed: BTreeSet::new(),
            accepted: BTreeSet::new(),
            expired: BTreeSet::new(),
            expired_silently: BTreeSet::new(),
            said_expired: BTreeSet::new(),
            boxes: BTreeMap::new(),
            durable: BTreeSet::new(),
            heard: BTreeMap::new(),
            processed: BTreeMap::new(),
            windows: BTreeMap::new(),
            leases: BTreeMap::new(),
            chains: BTreeMap::new(),
            chains_stored: BTreeMap::new(),
            prekeys_issued: BTreeSet::new(),
            exhausted: 0,
            undecryptable: 0,
            last_resorts: BTreeSet::new(),
            shown: BTreeSet::new(),
            filled: BTreeSet::new(),
            open_commands: BTreeSet::new(),
            refusals: BTreeSet::new(),
            put_off: BTreeSet::new(),
            refused: BTreeSet::new(),
            rollbacks: BTreeMap::new(),
            lost: BTreeSet::new(),
            lives: Lives::default(),
            circles: Circles::default(),
        }
    }

    /// A complaint.
    pub fn fail(&mut self, invariant: &'static str, what: String) {
        self.violations.push(Violation { invariant, at_ms: self.now_ms, what });
    }

    /// Whether there is a complaint.
    #[must_use]
    pub fn is_violated(&self) -> bool {
        !self.violations.is_empty()
    }

    /// All of them.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The time, before an event is carried out after it.
    pub fn at(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Texts that were written, orphans included.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.written.len() as u64
    }

    /// Adds what went wrong by itself.
    pub fn count(&self, tally: &mut Tally) {
        (0..self.exhausted).for_each(|_| tally.count(Fault::PrekeysExhausted));
        (0..self.undecryptable).for_each(|_| tally.count(Fault::Undecryptable));
    }

    /// A text that nobody else writes.
    pub fn new_text(&mut self, bytes: usize) -> String {
        self.texts += 1;
        let mut text = format!("{CANARY}{:x}.{}", self.plan.seed, self.texts);
        text.extend(std::iter::repeat_n('.', bytes));
        text
    }

    /// The address of a client's device, once anybody has said it.
    #[must_use]
    pub fn address(&self, client: usize) -> Option<DeviceAddress> {
        self.addresses.get(&client).copied()
    }

    /// Whether the client has been told that it has an account.
    #[must_use]
    pub fn is_registered(&self, client: usize) -> bool {
        self.registered.contains(&client)
    }

    /// The client says that it has an account.
    pub fn client_is_registered(&mut self, client: usize) {
        self.registered.insert(client);
    }

    fn learn_address(&mut self, client: usize, address: DeviceAddress) {
        let known = self.addresses.insert(client, address);
        // Whoever was removed before it had heard that it was taken in may offer itself again.
        let let_go = |known| self.society.removed_ms(known).is_some() && !self.is_registered(client);
        if known.is_some_and(|known| known != address && !let_go(known)) {
            self.fail("1", format!("c{client} has another account than before"));
        }
        let owner = self.devices.insert(address, client);
        if owner.is_some_and(|owner| owner != client) {
            self.fail("5", format!("c{client} has the account of another client"));
        }
    }

    /// Whether any database was replaced by an older copy.
    #[must_use]
    pub fn any_rolled_back(&self) -> bool {
        !self.rollbacks.is_empty()
    }

    fn rolled_back(&self, client: usize) -> bool {
        self.rollbacks.contains_key(&client)
    }

    /// Names a message in a complaint.
    fn name(&self, key: &MessageKey) -> String {
        let place = self.written.get(key).map_or(0, |written| written.place + 1);
        match self.devices.get(&key.from) {
            Some(client) => format!("message {place} of c{client} ({:08x})", key.id.0 >> 32),
            None => format!("message {:08x} of nobody", key.id.0 >> 32),
        }
    }

    /// A process ended; its answers and its frame under way are void.
    pub fn client_dies(&mut self, client: usize) {
        self.heard.remove(&client);
        self.hearsay.forget();
        self.open_commands.retain(|(of, _)| *of != client);
    }

    /// A database was replaced by an older copy.
    pub fn client_rolls_back(&mut self, client: usize, db: &MemoryDb, now_ms: u64) {
        self.rollbacks.insert(client, now_ms);
        let has = |key: &MessageKey| db.message(key).is_ok_and(|message| message.is_some());
        for (key, written) in self.written.iter_mut().filter(|(_, written)| written.client == client) {
            written.orphaned |= !has(key);
        }
        let lost = self.durable.iter().filter(|(of, key)| *of == client && !has(key));
        let lost: Vec<_> = lost.copied().collect();
        self.lost.extend(lost);
        self.shown.retain(|(of, key)| *of != client || has(key));
        // A copy from when it was a placeholder is filled again, as it should.
        let is_text = |key: &MessageKey| {
            db.message(key)
                .is_ok_and(|found| found.is_some_and(|message| matches!(message.body, Body::Post(_))))
        };
        self.filled.retain(|(of, key)| *of != client || is_text(key));
        for ((of, from, to), front) in &mut self.fronts {
            if *of == client {
                let line =
                    self.written.iter().filter(|(key, written)| key.from == *from && written.to == *to);
                let places = line.filter(|(key, _)| has(key));
                front.place = places.map(|(_, written)| written.place + 1).max().unwrap_or(0);
            }
        }
    }

    fn no_canary(&mut self, bytes: &[u8], place: &str) {
        if bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
            self.fail("7", format!("plaintext in {place}"));
        }
    }

    /// A device was told that it was removed: it owes no more answers.
    pub fn device_is_told_of_its_removal(&mut self, client: usize) {
        self.told_removed.insert(client);
        self.open_commands.retain(|(of, _)| *of != client);
        let address = self.address(client);
        if self.is_honest() && address.is_some_and(|address| self.society.is_there(address)) {
            self.fail("8", format!("c{client} is told that it was removed, and was not"));
        }
    }

    /// Whether the server does what it should.
    pub(crate) fn is_honest(&self) -> bool {
        self.plan.scenario != Scenario::Hostile
    }

    fn is_flood(&self) -> bool {
        self.plan.scenario == Scenario::Flood
    }
}
