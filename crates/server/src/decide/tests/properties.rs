//! Random histories: clients that send, fetch, acknowledge, publish, come and go; a server that dies after
//! any commit. A model on the side knows what was promised.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;
use waxwing_wire::limits::DELIVERY_WINDOW_ENTRIES;
use waxwing_wire::server_frame::{Item, ResponseBody};
use waxwing_wire::{DeviceAddress, MessageId, PrekeyUpload, RejectCode};

use crate::item::Stored;
use crate::limits::RETENTION_MS;
use crate::world::{BEGIN_MS, Device, LIST_MS, World, message, one_time};
use crate::{Command, ConnId, Origin, Piece};

#[derive(Debug, Clone)]
enum Op {
    Connect { device: usize },
    Disconnect { device: usize },
    Send { from: usize, to: usize, id: u64, attempt: u32 },
    Store { device: usize, entries: usize, tell: bool },
    Fetch { from: usize, of: usize },
    Publish { device: usize, again: bool, replace: bool },
    Wait { ms: u64 },
    Expire { device: usize },
    Crash,
}

/// Devices 0 and 1 are Alice's, 2 is Bob's, 3 is Carol's.
const DEVICES: usize = 4;

fn op() -> impl Strategy<Value = Op> {
    let device = 0..DEVICES;
    prop_oneof![
        2 => device.clone().prop_map(|device| Op::Connect { device }),
        1 => device.clone().prop_map(|device| Op::Disconnect { device }),
        8 => (device.clone(), device.clone(), 0..40_u64, 0..2_u32)
            .prop_map(|(from, to, id, attempt)| Op::Send { from, to, id, attempt }),
        6 => (device.clone(), 1..6_usize, any::<bool>())
            .prop_map(|(device, entries, tell)| Op::Store { device, entries, tell }),
        2 => (device.clone(), device.clone()).prop_map(|(from, of)| Op::Fetch { from, of }),
        2 => (device.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(device, again, replace)| Op::Publish { device, again, replace }),
        1 => (0..RETENTION_MS).prop_map(|ms| Op::Wait { ms }),
        1 => device.prop_map(|device| Op::Expire { device }),
        1 => Just(Op::Crash),
    ]
}

/// A client as simple as can be: it stores what it is sent, in order, and acknowledges.
#[derive(Debug)]
struct Client {
    device: Device,
    number: u8,
    conn: Option<ConnId>,
    /// Durably stored up to here, and so many entries of the connection's were looked at.
    stored: u64,
    looked_at: usize,
    /// Entries by number: a number never means two things.
    entries: BTreeMap<u64, Bytes>,
    next_prekey: u32,
    last_upload: Option<PrekeyUpload>,
}

#[derive(Debug)]
struct History {
    world: World,
    clients: Vec<Client>,
    /// What was accepted: recipient's mailbox, sender, id, attempt.
    accepted: BTreeSet<(DeviceAddress, DeviceAddress, MessageId, u32)>,
    /// Keys of one-time prekeys that were given out.
    given: BTreeSet<Vec<u8>>,
    /// Entries that are in the store, with when they came in.
    waiting: BTreeMap<(DeviceAddress, u64), u64>,
    expired: usize,
}

impl History {
    fn new() -> Self {
        let mut world = World::new();
        let alice = world.register("alice", 1);
        let tablet = world.add_device(&alice, 2);
        let devices = [alice, tablet, world.register("bob", 3), world.register("carol", 4)];
        let clients = devices.into_iter().zip(1..).map(|(device, number)| Client {
            device,
            number,
            conn: None,
            stored: 0,
            looked_at: 0,
            entries: BTreeMap::new(),
            next_prekey: 100,
            last_upload: None,
        });
        let clients = clients.collect();
        Self {
            world,
            clients,
            accepted: BTreeSet::new(),
            given: BTreeSet::new(),
            waiting: BTreeMap::new(),
            expired: 0,
        }
    }

    fn address(&self, device: usize) -> DeviceAddress {
        self.clients[device].device.address
    }

    /// One operation; the server dies in it after so many commits, if that many are made.
    fn step(&mut self, op: Op, commits: Option<usize>, conflicts: usize) {
        self.world.commits_left = commits;
        self.world.conflicts = conflicts;
        match op {
            Op::Connect { device } => self.connect(device),
            Op::Disconnect { device } => {
                if let Some(conn) = self.clients[device].conn.take() {
                    self.world.disconnect(conn);
                }
            }
            Op::Send { from, to, id, attempt } => self.send(from, to, id, attempt),
            Op::Store { device, entries, tell } => self.store(device, entries, tell),
            Op::Fetch { from, of } => self.fetch(from, of),
            Op::Publish { device, again, replace } => self.publish(device, again, replace),
            // Not so long that the device lists expire: then a companion is none any more.
            Op::Wait { ms } => {
                let until = BEGIN_MS + LIST_MS - 1;
                self.world.now.0 = self.world.now.0.max((self.world.now.0 + ms / 4).min(until));
            }
            Op::Expire { device } => self.world.run(Command::Expire { mailbox: self.address(device) }),
            Op::Crash => self.world.dead = true,
        }
        self.hear();
        if self.world.dead {
            self.world.restart();
            for client in &mut self.clients {
                client.conn = None;
            }
        }
        self.check();
    }

    fn connect(&mut self, device: usize) {
        let client = &mut self.clients[device];
        let conn = self.world.connect(&mut client.device, client.stored);
        if !self.world.dead {
            client.conn = Some(conn);
            client.looked_at = 0;
        }
    }

    fn send(&mut self, from: usize, to: usize, id: u64, attempt: u32) {
        let Some(conn) = self.clients[from].conn else { return };
        let to = self.address(to).account;
        let from = self.address(from);
        let of_account = self.clients.iter().map(|client| &client.device);
        let devices: Vec<&Device> =
            of_account.filter(|device| device.address.account == to && device.address != from).collect();
        let send = waxwing_wire::client_frame::Send { attempt, ..message(to, &devices, id) };
        let mailboxes: Vec<DeviceAddress> = devices.iter().map(|device| device.address).collect();
        self.world.run(Command::Send { conn, from, send });
        match self.world.out.get_mut(&conn).and_then(|out| out.pieces.pop()) {
            Some(Piece::Accepted(accepted)) if accepted.0 == id => {
                for mailbox in mailboxes {
                    let sent = (mailbox, from, MessageId(id), attempt);
                    self.accepted.insert(sent);
                    let key = crate::DedupeKey { mailbox, from, id: MessageId(id), attempt };
                    assert!(self.world.store.dedupe().any(|(there, _)| *there == key), "accepted, so there");
                }
            }
            _ if self.world.dead => {}
            other => panic!("not accepted: {other:?}"),
        }
    }

    fn store(&mut self, device: usize, entries: usize, tell: bool) {
        let client = &mut self.clients[device];
        let Some(conn) = client.conn else { return };
        let sent = self.world.delivered(conn);
        let Some(next) = sent.get(client.looked_at..) else { return };
        let Some(last) = next.iter().take(entries).next_back() else { return };
        client.looked_at += next.len().min(entries);
        client.stored = *last;
        if tell {
            self.world.stored(client.device.address, *last);
        }
    }

    fn fetch(&mut self, from: usize, of: usize) {
        let Some(conn) = self.clients[from].conn else { return };
        let account = self.address(of).account;
        let asker = self.address(from);
        let origin = Origin { conn, request: 1 };
        self.world.run(Command::FetchBundles { origin, asker, account, named: Vec::new() });
        if self.world.dead {
            return;
        }
        let Some(Piece::Response(response)) = self.world.out.get_mut(&conn).and_then(|out| out.pieces.pop())
        else {
            panic!("no answer");
        };
        let ResponseBody::Bundles { bundles, .. } = response.what else { panic!("no bundles") };
        for bundle in bundles {
            let last_resort = bundle.kyber.id == 1_000;
            let keys = bundle.one_time.map(|prekey| prekey.key.to_vec()).into_iter();
            for key in keys.chain((!last_resort).then(|| bundle.kyber.key.to_vec())) {
                assert!(self.given.insert(key), "a one-time prekey was given out twice");
            }
        }
    }

    fn publish(&mut self, device: usize, again: bool, replace: bool) {
        let client = &mut self.clients[device];
        let Some(conn) = client.conn else { return };
        let upload = client.last_upload.clone().filter(|_| again).unwrap_or_else(|| {
            let ids = client.next_prekey..client.next_prekey + 3;
            PrekeyUpload { replace, ..one_time(client.number, ids.clone(), ids) }
        });
        client.next_prekey += 3;
        client.last_upload = Some(upload.clone());
        let origin = Origin { conn, request: 1 };
        let address = client.device.address;
        self.world.run(Command::PublishPrekeys { origin, address, upload: Box::new(upload) });
        match self.world.out.get_mut(&conn).and_then(|out| out.pieces.pop()) {
            Some(Piece::Response(response)) => match response.what {
                ResponseBody::Published(_) => {}
                ResponseBody::Reject(reject) => assert_eq!(reject.code, RejectCode::TooLarge),
                other => panic!("{other:?}"),
            },
            _ if self.world.dead => {}
            other => panic!("{other:?}"),
        }
    }

    /// Looks at everything that connections were sent.
    fn hear(&mut self) {
        for client in &mut self.clients {
            let Some(out) = client.conn.and_then(|conn| self.world.out.get(&conn)) else { continue };
            let mut previous = 0;
            for (seq, bytes) in &out.entries {
                assert!(*seq > previous, "numbers ascend on a connection");
                previous = *seq;
                let known = client.entries.entry(*seq).or_insert_with(|| bytes.clone());
                assert_eq!(known, bytes, "a number never means two things");
            }
            let unanswered = out.entries.iter().filter(|(seq, _)| *seq > client.stored).count();
            assert!(unanswered <= DELIVERY_WINDOW_ENTRIES, "the window holds");
        }
    }

    fn check(&mut self) {
        self.world.check_store();
        let now: BTreeMap<(DeviceAddress, u64), u64> = self
            .world
            .store
            .entries()
            .map(|(mailbox, seq, bytes)| ((mailbox, seq), since_ms(bytes)))
            .collect();
        for ((mailbox, seq), since_ms) in std::mem::take(&mut self.waiting) {
            if !now.contains_key(&(mailbox, seq)) {
                let client = self.clients.iter().find(|client| client.device.address == mailbox);
                let stored = client.is_some_and(|client| client.stored >= seq);
                let expired = since_ms + RETENTION_MS <= self.world.now.0;
                assert!(stored || expired, "entry {seq} went without a reason");
                self.expired += usize::from(!stored);
            }
        }
        self.waiting = now;
    }

    /// Everybody comes back, and everything comes to its end.
    fn heal(&mut self) {
        for device in 0..DEVICES {
            self.step(Op::Connect { device }, None, 0);
        }
        for _ in 0..100 {
            for device in 0..DEVICES {
                self.step(Op::Store { device, entries: 50, tell: true }, None, 0);
            }
        }
        assert_eq!(self.world.store.entries().count(), 0, "every mailbox empties");
        let mut received = BTreeSet::new();
        let mut receipts = BTreeSet::new();
        for client in &self.clients {
            for bytes in client.entries.values() {
                let mailbox = client.device.address;
                match crate::item::read(bytes).unwrap() {
                    Stored::Envelope(envelope, attempt) => {
                        received.insert((mailbox, envelope.from, envelope.id, attempt));
                    }
                    Stored::Receipt(receipt) => {
                        receipts.extend(receipt.ids.iter().map(|id| (receipt.by, mailbox, *id)));
                    }
                    Stored::Reference(_) => panic!("references are resolved before they are delivered"),
                }
            }
        }
        if self.expired == 0 {
            assert!(self.accepted.is_subset(&received), "everything accepted has come");
            for (mailbox, from, id, _) in &self.accepted {
                assert!(receipts.contains(&(*mailbox, *from, *id)), "and its sender knows");
            }
        }
    }
}

fn since_ms(bytes: &Bytes) -> u64 {
    match Item::decode(bytes.clone()).unwrap() {
        Item::Envelope(envelope) => envelope.accepted_at_ms,
        Item::Receipt(receipt) => receipt.at_ms,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold(
        ops in prop::collection::vec((op(), prop::option::weighted(0.2, 0..4_usize), 0..2_usize), 1..120),
    ) {
        let mut history = History::new();
        for (op, commits, conflicts) in ops {
            history.step(op, commits, conflicts);
        }
        history.heal();
    }
}
