//! A small driver for tests: the loop of the crate's documentation over a [`MemoryStore`], which can meet
//! conflicts and crash after any commit.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use waxwing_wire::client_frame::{Copy, Hello, Register, Send};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::server_frame::{Item, Receipt, Refused, ResponseBody, Welcome};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, EnvelopeKind, KyberPrekey, MessageId, OneTimePrekey,
    PrekeyUpload, Reject, SignedPrekey, WIRE_VERSION,
};

use crate::memory::MemoryStore;
use crate::row::{CredentialRow, MailboxRow, Row};
use crate::store::{CommitError, Key, Keys, Store, Stored};
use crate::{
    Command, ConnId, Effect, Links, Origin, Piece, Settings, Shard, Step, Time, decide, reads, refuse,
};

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
    /// The server died; nothing happens any more until [`World::restart`].
    pub(crate) dead: bool,
    next_conn: u64,
}

/// A device, as far as the server knows it.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) key: DeviceKey,
    pub(crate) address: DeviceAddress,
    pub(crate) registration_id: u16,
    pub(crate) lease: u64,
}

impl World {
    /// With an invitation without a bound.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            store: MemoryStore::default(),
            links: Links::default(),
            now: Time(1_700_000_000_000),
            settings: Settings::default(),
            rng: ChaCha12Rng::seed_from_u64(1),
            out: BTreeMap::new(),
            commits_left: None,
            conflicts: 0,
            dead: false,
            next_conn: 1,
        };
        world.run(Command::CreateInvitation { token: TOKEN, uses: None, expires_at_ms: None });
        world
    }

    /// Memory is gone, the store is there.
    pub(crate) fn restart(&mut self) {
        self.links = Links::default();
        self.commits_left = None;
        self.dead = false;
    }

    /// Decides a command and all that follow from it.
    pub(crate) fn run(&mut self, command: Command) {
        if self.dead {
            return;
        }
        let mut conflicts = self.conflicts;
        loop {
            let command = self.with_live(command.clone());
            let view = self.store.load(&reads(&command)).unwrap();
            let decided = decide(&command, &view, self.now, &self.settings, &mut self.rng);
            let Step { batch, effects } = match decided {
                Ok(step) => step,
                Err(reject) => {
                    return self.carry_out(refuse(&command, reject));
                }
            };
            if let Some(batch) = batch {
                if self.commits_left == Some(0) {
                    self.dead = true;
                    return;
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
            return self.carry_out(effects);
        }
    }

    fn with_live(&self, mut command: Command) -> Command {
        if let Command::AttachDevice { address, live, .. } = &mut command {
            *live = self.links.accepted(*address);
        }
        command
    }

    pub(crate) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if self.dead {
                return;
            }
            match effect {
                Effect::Reply { conn, piece } => self.out.entry(conn).or_default().pieces.push(piece),
                Effect::CountAccepted { conn } => self.links.count_accepted(conn),
                Effect::Attach { conn, address, lease, stored, last } => {
                    let effects = self.links.attach(conn, address, lease, stored, last, self.now);
                    self.carry_out(effects);
                }
                Effect::Appended { mailbox, seq, item } => {
                    let effect = self.links.appended(mailbox, seq, item);
                    self.carry_out(effect.into_iter().collect());
                }
                Effect::Trimmed { mailbox, up_to } => {
                    let effect = self.links.trimmed(mailbox, up_to);
                    self.carry_out(effect.into_iter().collect());
                }
                Effect::Deliver { conn, entries } => {
                    self.out.entry(conn).or_default().entries.extend(entries);
                }
                Effect::ReadMailbox { mailbox, conn, from, max_entries, max_bytes } => {
                    let page = self.store.read_mailbox(mailbox, from, max_entries, max_bytes).unwrap();
                    let effects = self.links.page(mailbox, conn, page);
                    self.carry_out(effects);
                }
                Effect::Close { conn } => {
                    self.out.entry(conn).or_default().closed = true;
                    let left = self.links.detach(conn);
                    self.carry_out(left.map(Effect::Continue).into_iter().collect());
                }
                Effect::Continue(command) => self.run(command),
            }
        }
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
        let key = DeviceKey([number; 32]);
        let register = Box::new(registration(username, number));
        let registration_id = register.registration_id;
        match self.ask(|origin| Command::Register { origin, key, register }) {
            ResponseBody::Registered(address) => Device { key, address, registration_id, lease: 0 },
            other => panic!("not registered: {other:?}"),
        }
    }

    /// A companion. There is no command for it yet, so it is written past the core.
    pub(crate) fn add_device(&mut self, device: &Device, number: u8) -> Device {
        let account = device.address.account;
        let Row::Account(mut row) = self.row(Key::Account(account)).unwrap() else { panic!("an account") };
        let id = DeviceId::new(row.devices.len() as u8 + 1).unwrap();
        let address = DeviceAddress { account, device: id };
        let mut companion = row.devices[0].clone();
        companion.device = id;
        companion.key = DeviceKey([number; 32]);
        companion.registration_id = number.into();
        row.devices.push(companion);
        self.put(Key::Account(account), Row::Account(row));
        let key = DeviceKey([number; 32]);
        self.put(Key::Credential(key), Row::Credential(CredentialRow { address, active: true }));
        Device { key, address, registration_id: number.into(), lease: 0 }
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
        self.run(Command::Attach { conn, key, hello });
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

    pub(crate) fn goodbye(&self, conn: ConnId) -> Reject {
        match self.out[&conn].pieces.last() {
            Some(Piece::Goodbye(reject)) if self.out[&conn].closed => reject.clone(),
            other => panic!("no goodbye: {other:?}"),
        }
    }

    /// Sends on a connection of its own and gives the answer.
    pub(crate) fn send(&mut self, from: &Device, send: Send) -> Result<MessageId, Refused> {
        let conn = self.conn();
        self.run(Command::Send { conn, from: from.address, send });
        match self.out.remove(&conn).unwrap().pieces.as_slice() {
            [Piece::Accepted(id)] => Ok(*id),
            [Piece::Refused(refused)] => Err(refused.clone()),
            other => panic!("not one answer: {other:?}"),
        }
    }

    pub(crate) fn stored(&mut self, mailbox: DeviceAddress, up_to: u64) {
        self.run(Command::Stored { mailbox, up_to, undecryptable: Vec::new() });
    }

    /// Everything in a mailbox.
    pub(crate) fn items(&self, mailbox: DeviceAddress) -> Vec<(u64, Item)> {
        let entries = self.store.read_mailbox(mailbox, 0, usize::MAX, usize::MAX).unwrap();
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

    /// What must hold of any store, whatever happened.
    pub(crate) fn check_store(&self) {
        let mut entries: BTreeMap<DeviceAddress, (u64, u64, u64)> = BTreeMap::new();
        let mut dedupe = 0;
        for (mailbox, seq, bytes) in self.store.entries() {
            let counted = entries.entry(mailbox).or_insert((0, 0, seq));
            *counted = (counted.0 + 1, counted.1 + bytes.len() as u64, counted.2);
            let row = self.mailbox(mailbox);
            assert!(seq > row.settled && seq <= row.last, "{seq} is outside of {row:?}");
            dedupe += usize::from(matches!(Item::decode(bytes.clone()), Ok(Item::Envelope(_))));
        }
        assert_eq!(self.store.dedupe().count(), dedupe, "a dedupe key for each envelope");
        for (key, bytes) in self.store.rows() {
            let row = Row::decode(key, bytes.clone()).unwrap();
            if let (Key::Mailbox(mailbox), Row::Mailbox(row)) = (key, row) {
                let (count, bytes, _) = entries.get(mailbox).copied().unwrap_or_default();
                assert_eq!((row.entries, row.bytes), (count, bytes), "counts of {mailbox:?}");
            }
        }
    }
}

/// Everything that a batch touches belongs to its shard.
fn check_shard(batch: &crate::Batch) {
    for (key, _) in &batch.rows {
        assert_eq!(key.shard(), batch.shard);
    }
    let appends = batch.appends.iter().map(|append| append.mailbox);
    for mailbox in appends.chain(batch.trims.iter().map(|trim| trim.mailbox)) {
        assert_eq!(Shard::Mailboxes(mailbox.account), batch.shard);
    }
}

pub(crate) fn registration(username: &str, number: u8) -> Register {
    Register {
        invitation: TOKEN,
        username: username.to_owned(),
        identity: [number; PUBLIC_KEY_BYTES],
        registration_id: number.into(),
        prekeys: PrekeyUpload {
            signed: Some(SignedPrekey {
                id: 1,
                key: [number; PUBLIC_KEY_BYTES],
                signature: [number; SIGNATURE_BYTES],
            }),
            last_resort: Some(kyber(number, 1_000)),
            ..one_time(number, 1..=2, 1..=1)
        },
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
    Send { id: MessageId(id), to, copies: copies.collect(), silent: false, attempt: 0 }
}

/// A message to one device's account, if it is the only device.
pub(crate) fn message_to(device: &Device, id: u64) -> Send {
    message(device.address.account, &[device], id)
}
