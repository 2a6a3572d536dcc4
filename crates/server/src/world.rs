//! A small driver for tests: the loop of the crate's documentation over a [`MemoryStore`], which can meet
//! conflicts and crash after any commit.

mod check;
mod devices;
mod files;
pub(crate) mod groups;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use waxwing_wire::client_frame::{Copy, Hello, Register, Send};
use waxwing_wire::devices::{DeviceList, ListedDevice};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::server_frame::{Item, Receipt, Refused, ResponseBody, Welcome};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, EnvelopeKind, KyberPrekey, MessageId, OneTimePrekey,
    PrekeyUpload, Reject, SignedPrekey, WIRE_VERSION,
};

use crate::memory::MemoryStore;
use crate::row::{MailboxRow, Row};
use crate::store::{CommitError, Key, Keys, Store, Stored, Sweep};
use crate::{
    Command, ConnId, Effect, FileSettings, Links, Origin, Piece, Settings, Step, Time, decide, reads, refuse,
    rejects, resolve,
};

use check::check_shard;
pub(crate) use devices::{approve, completion, offer_of, signed};

/// When every world begins, milliseconds since 1970.
pub(crate) const BEGIN_MS: u64 = 1_700_000_000_000;
/// How long a device list is good: 60 days.
pub(crate) const LIST_MS: u64 = 60 * 24 * 3_600_000;
pub(crate) const TOKEN: InvitationToken = InvitationToken([9; 16]);

/// What a connection was told.
#[derive(Debug, Default, Clone)]
pub(crate) struct Outbox {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) entries: Vec<(u64, Bytes)>,
    pub(crate) closed: bool,
}

/// A server and what came out of it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) links: Links,
    pub(crate) now: Time,
    pub(crate) settings: Settings,
    pub(crate) rng: ChaCha12Rng,
    pub(crate) out: BTreeMap<ConnId, Outbox>,
    /// The server dies instead of making the commit after so many.
    pub(crate) commits_left: Option<usize>,
    /// Every commit is told so many times that something has changed, before it is made.
    pub(crate) conflicts: usize,
    /// The next commit finds no room.
    pub(crate) disk_full: bool,
    /// The same of the one after so many.
    pub(crate) full_after: Option<usize>,
    /// Commands that begin a chain each.
    begun: VecDeque<Command>,
    /// The server died; nothing happens any more until [`World::restart`].
    pub(crate) dead: bool,
    next_conn: u64,
    /// The bytes of files, as far as this driver keeps any.
    pub(crate) bytes: files::Bytes,
}

/// A device, as far as the server knows it.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) key: DeviceKey,
    pub(crate) address: DeviceAddress,
    pub(crate) registration_id: u16,
    pub(crate) identity: [u8; PUBLIC_KEY_BYTES],
    pub(crate) lease: u64,
}

impl World {
    /// With an invitation without a bound.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            store: MemoryStore::default(),
            links: Links::default(),
            now: Time(BEGIN_MS),
            settings: Settings { files: Some(FileSettings::default()), ..Settings::default() },
            rng: ChaCha12Rng::seed_from_u64(1),
            out: BTreeMap::new(),
            commits_left: None,
            conflicts: 0,
            disk_full: false,
            full_after: None,
            begun: VecDeque::new(),
            dead: false,
            next_conn: 1,
            bytes: files::Bytes::default(),
        };
        world.run(Command::CreateInvitation { token: TOKEN, uses: None, expires_at_ms: None });
        world
    }

    /// Memory is gone, the store is there.
    pub(crate) fn restart(&mut self) {
        self.links = Links::default();
        self.begun.clear();
        self.commits_left = None;
        self.dead = false;
    }

    /// Decides a command and all that follow from it.
    pub(crate) fn run(&mut self, command: Command) {
        if let Command::Send { conn, .. } | Command::GroupSend { conn, .. } = &command {
            self.links.count_received(*conn);
        }
        self.begun.push_back(command);
        while let Some(command) = self.begun.pop_front() {
            let mut chain = VecDeque::from([command]);
            while let Some(command) = chain.pop_front().filter(|_| !self.dead) {
                match self.run_one(&command) {
                    Ok(next) => next.into_iter().rev().for_each(|command| chain.push_front(command)),
                    Err(reject) => {
                        for command in std::iter::once(command).chain(std::mem::take(&mut chain)) {
                            self.carry_out(refuse(&command, reject.clone()));
                        }
                    }
                }
            }
        }
    }

    /// Decides and commits one step, and gives what it leads to.
    pub(crate) fn run_one(&mut self, command: &Command) -> Result<Vec<Command>, Reject> {
        let mut conflicts = self.conflicts;
        loop {
            let command = self.with_live(command.clone());
            let view = self.store.load(&reads(&command)).unwrap();
            let Step { batch, effects } = decide(&command, &view, self.now, &self.settings, &mut self.rng)?;
            if let Some(batch) = batch {
                if self.commits_left == Some(0) {
                    self.dead = true;
                    return Ok(Vec::new());
                }
                self.disk_full |= self.full_after == Some(0);
                self.full_after = self.full_after.map(|left| left.saturating_sub(1));
                if std::mem::take(&mut self.disk_full) {
                    return Err(rejects::commit_failed(&CommitError::Full));
                }
                if conflicts > 0 {
                    conflicts -= 1;
                    continue;
                }
                check_shard(&batch);
                let expected = view.expected(batch.shard);
                let result = self.store.commit(vec![Stored { batch, expected }]);
                assert_eq!(result, [Ok::<(), CommitError>(())], "one thread, no conflicts");
                self.commits_left = self.commits_left.map(|left| left - 1);
            }
            return Ok(self.carry_out(effects));
        }
    }

    fn with_live(&self, mut command: Command) -> Command {
        if let Command::AttachDevice { address, live, .. } = &mut command {
            *live = self.links.received(*address);
        }
        command
    }

    /// Gives what is to be decided next.
    pub(crate) fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Command> {
        let mut next = Vec::new();
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let more = match effect {
                Effect::Continue(command) => {
                    next.push(command);
                    Vec::new()
                }
                effect => self.carry_out_one(effect),
            };
            more.into_iter().rev().for_each(|effect| effects.push_front(effect));
        }
        next
    }

    fn carry_out_one(&mut self, effect: Effect) -> Vec<Effect> {
        match effect {
            Effect::Reply { conn, piece } => {
                self.out.entry(conn).or_default().pieces.push(piece);
                Vec::new()
            }
            Effect::Accepted => Vec::new(),
            Effect::Attach { conn, address, lease, stored, last } => {
                self.links.attach(conn, address, lease, stored, last, self.now)
            }
            Effect::Appended { mailbox, seq, item } => {
                self.links.appended(mailbox, seq, item).into_iter().collect()
            }
            Effect::Trimmed { mailbox, up_to } => self.links.trimmed(mailbox, up_to).into_iter().collect(),
            Effect::Deliver { conn, entries } => {
                self.out.entry(conn).or_default().entries.extend(entries);
                Vec::new()
            }
            Effect::ReadMailbox { mailbox, conn, from, max_entries, max_bytes } => {
                let page = self.store.read_mailbox(mailbox, from, max_entries, max_bytes).unwrap();
                let page = resolve(&self.store, page, max_bytes).unwrap();
                self.links.page(mailbox, conn, page)
            }
            Effect::AwaitLink { origin, reference, expires_at_ms } => {
                self.links.await_link(origin, reference, expires_at_ms)
            }
            Effect::Linked { reference, list, sealed } => {
                self.links.linked(reference, &list, &sealed).into_iter().collect()
            }
            Effect::Removed { address } => self.links.removed(address),
            Effect::Close { conn } => {
                self.out.entry(conn).or_default().closed = true;
                self.begun.extend(self.links.detach(conn));
                Vec::new()
            }
            Effect::GrantUpload { .. }
            | Effect::GrantSegments { .. }
            | Effect::GrantDownload { .. }
            | Effect::CheckUpload { .. }
            | Effect::DeleteFile { .. }
            | Effect::FileAnswer { .. } => {
                self.carry_out_of_file(effect);
                Vec::new()
            }
            Effect::Continue(_) => unreachable!("taken out before"),
        }
    }

    /// As the driver does now and then: everything that can end is looked at.
    pub(crate) fn sweep(&mut self) {
        for kind in Sweep::ALL {
            let mut after = None;
            loop {
                let page = self.store.sweep(kind, after.as_ref(), 3).unwrap();
                page.iter().filter_map(Command::sweep).for_each(|command| self.run(command));
                let Some(last) = page.into_iter().next_back() else { break };
                after = Some(last);
            }
        }
        let ended = self.links.expire_links(self.now);
        self.carry_out(ended);
    }

    pub(crate) fn conn(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(self.next_conn)
    }

    /// Runs a request on a connection of its own and gives its answer.
    pub(crate) fn ask(&mut self, command: impl FnOnce(Origin) -> Command) -> ResponseBody {
        let conn = self.conn();
        self.run(command(Origin { conn, request: 5 }));
        match self.out.remove(&conn).unwrap().pieces.as_slice() {
            [Piece::Response(response)] if response.id == 5 => response.what.clone(),
            other => panic!("not one answer: {other:?}"),
        }
    }

    /// A device of a new account; `number` makes its keys different from others'.
    pub(crate) fn register(&mut self, username: &str, number: u8) -> Device {
        let register = Box::new(registration(username, number));
        let mut device = stranger(number);
        let key = device.key;
        match self.ask(|origin| Command::Register { origin, key, register }) {
            ResponseBody::Registered(address) => device.address = address,
            other => panic!("not registered: {other:?}"),
        }
        device
    }

    /// The answers that a connection has had to its requests.
    pub(crate) fn answers(&self, conn: ConnId) -> Vec<ResponseBody> {
        let pieces = self.out.get(&conn).map(|out| out.pieces.as_slice()).unwrap_or_default();
        let answers = pieces.iter().filter_map(|piece| match piece {
            Piece::Response(response) => Some(response.what.clone()),
            _ => None,
        });
        answers.collect()
    }

    /// Writes a row past the core.
    pub(crate) fn put(&mut self, key: Key, row: Row) {
        let batch = crate::Batch::of_rows(key.shard(), vec![(key, Some(row))]);
        self.store.commit(vec![Stored { batch, expected: Vec::new() }]).remove(0).unwrap();
    }

    pub(crate) fn row(&self, key: Key) -> Option<Row> {
        let view = self.store.load(&Keys { rows: vec![key.clone()], ..Keys::default() }).unwrap();
        view.rows.get(&key).unwrap().0.clone()
    }

    pub(crate) fn mailbox(&self, mailbox: DeviceAddress) -> MailboxRow {
        match self.row(Key::Mailbox(mailbox)) {
            Some(Row::Mailbox(row)) => row,
            _ => panic!("no mailbox"),
        }
    }

    /// A new connection says hello with the device's next lease.
    pub(crate) fn connect(&mut self, device: &mut Device, stored: u64) -> ConnId {
        device.lease += 1;
        let hello = Hello { version: WIRE_VERSION, lease: device.lease, stored };
        self.hello(device.key, hello)
    }

    pub(crate) fn hello(&mut self, key: DeviceKey, hello: Hello) -> ConnId {
        let conn = self.conn();
        let place = String::from("192.0.2.1");
        self.run(Command::Attach { conn, key, hello, place });
        conn
    }

    pub(crate) fn disconnect(&mut self, conn: ConnId) {
        if let Some(command) = self.links.detach(conn) {
            self.run(command);
        }
    }

    pub(crate) fn welcome(&self, conn: ConnId) -> Welcome {
        let welcome = self.out[&conn].pieces.iter().find_map(|piece| match piece {
            Piece::Welcome(welcome) => Some(*welcome),
            _ => None,
        });
        welcome.unwrap_or_else(|| panic!("not welcome: {:?}", self.out[&conn].pieces))
    }

    /// What the device is told when it connects.
    pub(crate) fn welcome_of(&mut self, device: &Device) -> Welcome {
        let conn = self.connect(&mut device.clone(), 0);
        let welcome = self.welcome(conn);
        self.disconnect(conn);
        welcome
    }

    pub(crate) fn goodbye(&self, conn: ConnId) -> Reject {
        match self.out[&conn].pieces.last() {
            Some(Piece::Goodbye(reject)) if self.out[&conn].closed => reject.clone(),
            other => panic!("no goodbye: {other:?}"),
        }
    }

    /// Sends on a connection of its own and gives the answer.
    pub(crate) fn send(&mut self, from: &Device, send: Send) -> Result<MessageId, Box<Refused>> {
        let conn = self.conn();
        self.run(Command::Send { conn, from: from.address, send });
        match self.out.remove(&conn).unwrap().pieces.as_slice() {
            [Piece::Accepted(id)] => Ok(*id),
            [Piece::Refused(refused)] => Err(Box::new(refused.clone())),
            other => panic!("not one answer: {other:?}"),
        }
    }

    pub(crate) fn stored(&mut self, mailbox: DeviceAddress, up_to: u64) {
        self.run(Command::Stored { mailbox, up_to, undecryptable: Vec::new() });
    }

    /// Everything in a mailbox, as it would be delivered.
    pub(crate) fn items(&self, mailbox: DeviceAddress) -> Vec<(u64, Item)> {
        let entries = self.store.read_mailbox(mailbox, 0, usize::MAX, usize::MAX).unwrap();
        let entries = resolve(&self.store, entries, usize::MAX).unwrap();
        entries.into_iter().map(|(seq, bytes)| (seq, Item::decode(bytes).unwrap())).collect()
    }

    pub(crate) fn seqs(&self, mailbox: DeviceAddress) -> Vec<u64> {
        self.items(mailbox).into_iter().map(|(seq, _)| seq).collect()
    }

    pub(crate) fn receipts(&self, mailbox: DeviceAddress) -> Vec<Receipt> {
        let items = self.items(mailbox).into_iter();
        let receipts = items.filter_map(|(_, item)| match item {
            Item::Receipt(receipt) => Some(receipt),
            Item::Envelope(_) => None,
        });
        receipts.collect()
    }

    /// Sequence numbers that a connection was sent.
    pub(crate) fn delivered(&self, conn: ConnId) -> Vec<u64> {
        self.out.get(&conn).map_or_else(Vec::new, |out| out.entries.iter().map(|(seq, _)| *seq).collect())
    }

    /// Blobs in the store, with what their counters say.
    pub(crate) fn blobs(&self) -> Vec<u64> {
        let references = self.store.rows().filter_map(|(key, bytes)| {
            match (key, Row::decode(key, bytes.clone()).unwrap()) {
                (Key::References(_), Row::References(row)) => Some(row.count),
                _ => None,
            }
        });
        references.collect()
    }
}

/// A device that the server does not know yet.
pub(crate) fn stranger(number: u8) -> Device {
    Device {
        key: DeviceKey([number; 32]),
        address: DeviceAddress { account: AccountId([0; 16]), device: DeviceId::PRIMARY },
        registration_id: number.into(),
        identity: [number; PUBLIC_KEY_BYTES],
        lease: 0,
    }
}

pub(crate) fn registration(username: &str, number: u8) -> Register {
    let device = stranger(number);
    let only = ListedDevice {
        device: DeviceId::PRIMARY,
        registration_id: device.registration_id,
        identity: device.identity,
    };
    let list = DeviceList {
        version: 1,
        issued_at_ms: BEGIN_MS,
        expires_at_ms: BEGIN_MS + LIST_MS,
        devices: vec![only],
        next: 2,
    };
    Register {
        invitation: TOKEN,
        username: username.to_owned(),
        identity: device.identity,
        registration_id: device.registration_id,
        prekeys: first_prekeys(number),
        list: signed(&list),
    }
}

fn first_prekeys(number: u8) -> PrekeyUpload {
    PrekeyUpload {
        signed: Some(SignedPrekey {
            id: 1,
            key: [number; PUBLIC_KEY_BYTES],
            signature: [number; SIGNATURE_BYTES],
        }),
        last_resort: Some(kyber(number, 1_000)),
        ..one_time(number, 1..=2, 1..=1)
    }
}

/// One-time prekeys with these ids, different for each device and id.
pub(crate) fn one_time(
    number: u8,
    x25519: impl IntoIterator<Item = u32>,
    kyber_ids: impl IntoIterator<Item = u32>,
) -> PrekeyUpload {
    let x25519 = x25519.into_iter().map(|id| {
        let mut key = [number; PUBLIC_KEY_BYTES];
        key[1..5].copy_from_slice(&id.to_be_bytes());
        OneTimePrekey { id, key }
    });
    let one_time_kyber = kyber_ids.into_iter().map(|id| kyber(number, id)).collect();
    PrekeyUpload { one_time: x25519.collect(), one_time_kyber, ..PrekeyUpload::default() }
}

pub(crate) fn kyber(number: u8, id: u32) -> KyberPrekey {
    let mut key = vec![number; KYBER_KEY_BYTES];
    key[1..5].copy_from_slice(&id.to_be_bytes());
    KyberPrekey { id, key: key.into(), signature: [number; SIGNATURE_BYTES] }
}

/// A message to the given devices of an account.
pub(crate) fn message(to: AccountId, devices: &[&Device], id: u64) -> Send {
    let copies = devices.iter().map(|device| Copy {
        device: device.address.device,
        registration_id: device.registration_id,
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::from(id.to_be_bytes().to_vec()),
    });
    Send {
        id: MessageId(id),
        to,
        copies: copies.collect(),
        silent: false,
        attempt: 0,
        others: Vec::new(),
        files: Vec::new(),
    }
}

/// A message to one device's account, if it is the only device.
pub(crate) fn message_to(device: &Device, id: u64) -> Send {
    message(device.address.account, &[device], id)
}
