//! Random histories of a group: members that write, come and go, read or not; a server that dies after any
//! commit. A model on the side knows what was promised.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::PublicChange;
use waxwing_wire::server_frame::{Envelope, Item};
use waxwing_wire::{AccountId, DeviceAddress, MessageId, RejectCode};

use crate::limits::{BLOB_MARGIN_MS, RETENTION_MS};
use crate::world::groups::change_of;
use crate::world::{Device, World};
use crate::{Command, ConnId};

#[derive(Debug, Clone)]
enum Op {
    Write {
        by: usize,
        id: u64,
    },
    Add {
        by: usize,
        who: usize,
    },
    Remove {
        by: usize,
        who: usize,
    },
    /// Whatever the device was not answered, it says again.
    Repeat {
        by: usize,
    },
    Connect {
        device: usize,
    },
    Disconnect {
        device: usize,
    },
    Store {
        device: usize,
        entries: usize,
    },
    Expire {
        device: usize,
    },
    Crash,
}

/// Devices 0 and 1 are Alice's, 2 and 3 are Bob's, 4 is Carol's, 5 is Dave's.
const DEVICES: usize = 6;

fn op() -> impl Strategy<Value = Op> {
    let device = 0..DEVICES;
    let two = (device.clone(), device.clone());
    prop_oneof![
        8 => (device.clone(), 0..50_u64).prop_map(|(by, id)| Op::Write { by, id }),
        3 => two.clone().prop_map(|(by, who)| Op::Add { by, who }),
        2 => two.prop_map(|(by, who)| Op::Remove { by, who }),
        3 => device.clone().prop_map(|by| Op::Repeat { by }),
        2 => device.clone().prop_map(|device| Op::Connect { device }),
        1 => device.clone().prop_map(|device| Op::Disconnect { device }),
        6 => (device.clone(), 1..6_usize).prop_map(|(device, entries)| Op::Store { device, entries }),
        1 => device.prop_map(|device| Op::Expire { device }),
        1 => Just(Op::Crash),
    ]
}

#[derive(Debug)]
struct Client {
    device: Device,
    conn: Option<ConnId>,
    stored: u64,
    looked_at: usize,
    /// What it was sent, in order.
    received: Vec<Envelope>,
    /// Sent, and not answered.
    waits: Option<GroupSend>,
}

#[derive(Debug)]
struct History {
    world: World,
    clients: Vec<Client>,
    next_change: u64,
    written: BTreeMap<u64, GroupSend>,
    /// Who made the change of each epoch.
    makers: BTreeMap<u64, DeviceAddress>,
    /// Sender, id, recipient.
    accepted: BTreeSet<(DeviceAddress, MessageId, DeviceAddress)>,
    /// Said again when the server had forgotten them, which it may when they had come to all.
    anew: BTreeSet<(DeviceAddress, MessageId)>,
    expired: bool,
}

impl History {
    fn new() -> Self {
        let mut world = World::new();
        let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
        let (laptop, tablet) = (world.add_device(&alice, 3), world.add_device(&bob, 4));
        let (carol, dave) = (world.register("carol", 5), world.register("dave", 6));
        world.make_group(&alice, &[&bob]);
        let makers = BTreeMap::from([(1, alice.address)]);
        let devices = [alice, laptop, bob, tablet, carol, dave];
        let client = |device| Client {
            device,
            conn: None,
            stored: 0,
            looked_at: 0,
            received: Vec::new(),
            waits: None,
        };
        let clients = devices.into_iter().map(client).collect();
        Self {
            world,
            clients,
            next_change: 10_000,
            written: BTreeMap::new(),
            makers,
            accepted: BTreeSet::new(),
            anew: BTreeSet::new(),
            expired: false,
        }
    }

    fn address(&self, device: usize) -> DeviceAddress {
        self.clients[device].device.address
    }

    fn step(&mut self, op: Op, commits: Option<usize>, conflicts: usize) {
        self.world.commits_left = commits;
        self.world.conflicts = conflicts;
        match op {
            Op::Write { by, id } => {
                let id = id + 100 * by as u64;
                // A client that says something again says the same.
                let message = match self.written.get(&id) {
                    Some(message) => message.clone(),
                    None => self.world.group_message(id),
                };
                self.written.insert(id, message.clone());
                self.say(by, message);
            }
            Op::Add { by, who } => {
                let change = PublicChange { add: vec![self.address(who).account], ..PublicChange::default() };
                self.change(by, change);
            }
            Op::Remove { by, who } => {
                let remove = vec![self.address(who).account];
                self.change(by, PublicChange { remove, ..PublicChange::default() });
            }
            Op::Repeat { by } => {
                if let Some(send) = self.clients[by].waits.take() {
                    self.say(by, send);
                }
            }
            Op::Connect { device } => {
                let client = &mut self.clients[device];
                let conn = self.world.connect(&mut client.device, client.stored);
                client.conn = (!self.world.dead).then_some(conn);
                client.looked_at = 0;
            }
            Op::Disconnect { device } => {
                if let Some(conn) = self.clients[device].conn.take() {
                    self.world.disconnect(conn);
                }
            }
            Op::Store { device, entries } => self.store(device, entries),
            Op::Expire { device } => {
                self.world.now.0 += RETENTION_MS / 20;
                self.expired = true;
                self.world.run(Command::Expire { mailbox: self.address(device) });
            }
            Op::Crash => self.world.dead = true,
        }
        if self.world.dead {
            self.world.restart();
            self.clients.iter_mut().for_each(|client| client.conn = None);
        }
        self.world.commits_left = None;
        self.world.check_store();
    }

    fn change(&mut self, by: usize, change: PublicChange) {
        // Somebody has to stay, or the group ends and begins anew with the same epochs.
        if change.remove.contains(&self.address(0).account) {
            return;
        }
        self.next_change += 1;
        let send = change_of(self.world.group().epoch, self.next_change, change);
        self.say(by, send);
    }

    fn say(&mut self, by: usize, send: GroupSend) {
        if self.clients[by].waits.is_some() {
            return;
        }
        let from = self.clients[by].device.clone();
        let before = self.world.group();
        let known = (from.address, send.id);
        let blob =
            crate::BlobId { group: send.group, from: from.address, id: send.id, attempt: send.attempt };
        if self.received().contains(&known) && self.world.row(crate::Key::References(blob)).is_none() {
            self.anew.insert(known);
        }
        let answer = self.world.try_group_send(&from, send.clone());
        let after = self.world.group();
        if after.epoch > before.epoch {
            self.makers.insert(after.epoch, from.address);
        }
        match answer {
            None => self.clients[by].waits = Some(send),
            Some(Ok(_)) if send.change.is_none() => {
                let members = after.members.iter().filter(|member| member.since <= send.epoch);
                let accounts: Vec<AccountId> = members.map(|member| member.account).collect();
                self.promise(from.address, &send, &accounts);
            }
            Some(Ok(_)) if after.epoch > before.epoch => {
                let accounts: Vec<AccountId> = before.members.iter().map(|member| member.account).collect();
                self.promise(from.address, &send, &accounts);
            }
            Some(Ok(_)) => {}
            Some(Err(refused)) => {
                let expected = [
                    RejectCode::UnknownGroup,
                    RejectCode::GroupMismatch,
                    RejectCode::NotAllowed,
                    RejectCode::Malformed,
                ];
                assert!(expected.contains(&refused.reject.code), "{refused:?}");
            }
        }
    }

    fn received(&self) -> BTreeSet<(DeviceAddress, MessageId)> {
        let all = self.clients.iter().flat_map(|client| &client.received);
        all.map(|envelope| (envelope.from, envelope.id)).collect()
    }

    fn promise(&mut self, from: DeviceAddress, send: &GroupSend, accounts: &[AccountId]) {
        let addresses = self.clients.iter().map(|client| client.device.address);
        let recipients = addresses.filter(|to| accounts.contains(&to.account) && *to != from);
        self.accepted.extend(recipients.map(|to| (from, send.id, to)));
    }

    fn store(&mut self, device: usize, entries: usize) {
        let client = &mut self.clients[device];
        let Some(conn) = client.conn else { return };
        let sent = self.world.out.get(&conn).map(|out| out.entries.clone()).unwrap_or_default();
        let next = sent.iter().skip(client.looked_at).take(entries);
        for (seq, bytes) in next {
            client.looked_at += 1;
            client.stored = *seq;
            if let Item::Envelope(envelope) = Item::decode(bytes.clone()).unwrap() {
                client.received.push(envelope);
            }
        }
        let (address, stored) = (client.device.address, client.stored);
        self.world.stored(address, stored);
    }

    fn heal(&mut self) {
        for device in 0..DEVICES {
            self.step(Op::Repeat { by: device }, None, 0);
        }
        // Whatever was cut off in the middle goes on with the next message.
        let last = self.world.group_message(99);
        self.say(0, last);
        assert_eq!(self.world.group().pending, None);
        for device in 0..DEVICES {
            self.step(Op::Connect { device }, None, 0);
        }
        for _ in 0..60 {
            for device in 0..DEVICES {
                self.step(Op::Store { device, entries: 50 }, None, 0);
            }
        }
        assert_eq!(self.world.store.entries().count(), 0, "every mailbox empties");
        self.world.now.0 += RETENTION_MS + BLOB_MARGIN_MS;
        self.world.sweep();
        assert_eq!(self.world.blobs(), [0; 0], "and every blob goes");
        for client in &self.clients {
            self.check_received(client);
        }
    }

    fn check_received(&self, client: &Client) {
        let address = client.device.address;
        let (mut known, mut once) = (BTreeSet::new(), BTreeSet::new());
        for envelope in &client.received {
            let of = envelope.group.as_ref().expect("nobody writes anything else");
            assert_ne!(envelope.from, address, "nobody gets its own");
            assert!(!envelope.ciphertext.is_empty() || self.expired, "a blob was there for each reference");
            let message = (envelope.from, envelope.id);
            assert!(once.insert(message) || self.anew.contains(&message), "{message:?} came twice");
            if of.change.is_some() {
                known.insert(of.epoch);
            }
            if let Some(member) = self.world.group().member(address.account)
                && member.since < of.epoch
                && !self.expired
            {
                let own = self.makers.get(&of.epoch) == Some(&address);
                assert!(own || known.contains(&of.epoch), "{of:?} overtook its change");
            }
        }
        if !self.expired {
            let received: BTreeSet<(DeviceAddress, MessageId)> =
                client.received.iter().map(|envelope| (envelope.from, envelope.id)).collect();
            for (from, id, _) in self.accepted.iter().filter(|(_, _, to)| *to == address) {
                assert!(received.contains(&(*from, *id)), "{id:?} was accepted and has not come");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold(
        ops in prop::collection::vec((op(), prop::option::weighted(0.25, 0..7_usize), 0..2_usize), 1..100),
    ) {
        let mut history = History::new();
        for (op, commits, conflicts) in ops {
            history.step(op, commits, conflicts);
        }
        history.heal();
    }
}
