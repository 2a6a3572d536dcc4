//! Random histories of files: uploads, messages that name them, devices that fetch and read and go, time that passes,
//! a server that dies after any commit. At every moment: what an undelivered message refers to is there, unless its
//! device has said that it needs it no more.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use waxwing_wire::client_frame::{GroupSend, Send};
use waxwing_wire::server_frame::Item;
use waxwing_wire::{DeviceAddress, FileId};

use crate::limits::{FILE_LINGER_MS, FILE_MARGIN_MS, RETENTION_MS, TICKET_MS};
use crate::row::FileStage;
use crate::world::{BEGIN_MS, Device, LIST_MS, World, message};
use crate::{Command, FileCommand, Key, Origin, QuotaRow};

#[derive(Debug, Clone)]
enum Op {
    Upload { by: usize, complete: bool },
    Send { from: usize, to: usize, files: Vec<usize> },
    GroupSend { from: usize, files: Vec<usize> },
    Fetched { by: usize, file: usize },
    Read { by: usize },
    Remove,
    Wait { ms: u64 },
    Sweep { lazy: bool },
}

/// 0 and 1 are Alice's, 2 is Bob's, 3 is Carol's; all are in a group.
const DEVICES: usize = 4;

fn op() -> impl Strategy<Value = Op> {
    let device = 0..DEVICES;
    let files = prop::collection::vec(0..12_usize, 1..4);
    prop_oneof![
        4 => (device.clone(), prop::bool::weighted(0.9)).prop_map(|(by, complete)| Op::Upload { by, complete }),
        6 => (device.clone(), device.clone(), files.clone())
            .prop_map(|(from, to, files)| Op::Send { from, to, files }),
        4 => (device.clone(), files).prop_map(|(from, files)| Op::GroupSend { from, files }),
        8 => (device.clone(), 0..12_usize).prop_map(|(by, file)| Op::Fetched { by, file }),
        4 => device.prop_map(|by| Op::Read { by }),
        1 => Just(Op::Remove),
        4 => prop_oneof![0..FILE_LINGER_MS, 0..RETENTION_MS].prop_map(|ms| Op::Wait { ms }),
        3 => prop::bool::weighted(0.2).prop_map(|lazy| Op::Sweep { lazy }),
    ]
}

#[derive(Debug)]
struct History {
    world: World,
    devices: Vec<Device>,
    files: Vec<FileId>,
    /// What each message names.
    named: BTreeMap<u64, Vec<FileId>>,
    fetched: BTreeSet<(DeviceAddress, FileId)>,
    removed: bool,
    next: u64,
}

impl History {
    fn new() -> Self {
        let mut world = World::new();
        let alice = world.register("alice", 1);
        let tablet = world.add_device(&alice, 2);
        let (bob, carol) = (world.register("bob", 3), world.register("carol", 4));
        world.make_group(&alice, &[&bob, &carol]);
        Self {
            world,
            devices: vec![alice, tablet, bob, carol],
            files: Vec::new(),
            named: BTreeMap::new(),
            fetched: BTreeSet::new(),
            removed: false,
            next: 1,
        }
    }

    /// One operation; the server dies in it after so many commits, if that many are made.
    fn step(&mut self, op: Op, commits: Option<usize>) {
        self.note_needed();
        self.world.commits_left = commits;
        self.act(op);
        self.world.commits_left = None;
        if self.world.dead {
            self.world.restart();
        }
        self.note_needed();
        self.world.check_store();
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Upload { by, complete } => {
                let conn = self.world.conn();
                let (owner, origin) = (self.devices[by].address.account, Origin { conn, request: 1 });
                self.world.run(Command::File(FileCommand::RequestUpload { origin, owner, bytes: 100 }));
                let answer = self.world.answers(conn).pop();
                let Some(waxwing_wire::server_frame::ResponseBody::UploadTicket(ticket)) = answer else {
                    return;
                };
                self.files.push(ticket.file);
                if complete && !self.world.dead {
                    let (asker, token) = (None, FileCommand::hash(ticket.token));
                    let file = ticket.file;
                    self.world.run(Command::File(FileCommand::Complete { asker, origin: None, file, token }));
                }
            }
            Op::Send { from, to, files } => {
                let (id, files) = self.name(files);
                let (from, to) = (self.devices[from].clone(), self.devices[to].address.account);
                let there = self.devices.iter().zip(0..).filter(|(_, at)| *at != 1 || !self.removed);
                let devices: Vec<&Device> = there
                    .map(|(device, _)| device)
                    .filter(|device| device.address.account == to && device.address != from.address)
                    .collect();
                let send = Send { files, ..message(to, &devices, id) };
                let conn = self.world.conn();
                self.world.run(Command::Send { conn, from: from.address, send });
            }
            Op::GroupSend { from, files } => {
                let (id, files) = self.name(files);
                let from = self.devices[from].clone();
                let send = GroupSend { files, ..self.world.group_message(id) };
                let _ = self.world.try_group_send(&from, send);
            }
            Op::Fetched { by, file } => {
                let Some(file) = self.files.get(file).copied() else { return };
                let (conn, by) = (self.world.conn(), self.devices[by].address);
                // As soon as it is said, the server may act on it.
                self.fetched.insert((by, file));
                self.world.bytes.needed = self.needed();
                let origin = Origin { conn, request: 1 };
                let files = [file].as_slice().into();
                self.world.run(Command::File(FileCommand::Fetched { origin, by, files, next: 0 }));
            }
            Op::Read { by } => {
                let mailbox = self.devices[by].address;
                if let Some(Some(row)) = self.has_mailbox(by).then(|| Some(self.world.mailbox(mailbox))) {
                    self.world.bytes.needed.clear();
                    self.world.stored(mailbox, row.last);
                }
            }
            Op::Remove => {
                self.removed = true;
                self.world.bytes.needed.clear();
                let (from, device) = (self.devices[0].address, self.devices[1].address.device);
                let origin = Origin { conn: self.world.conn(), request: 1 };
                self.world.run(Command::RemoveDevice { origin, from, device });
            }
            // Not so long that the device lists expire: then a companion is none any more.
            Op::Wait { ms } => {
                self.world.now.0 = (self.world.now.0 + ms).min(BEGIN_MS + LIST_MS - 1);
            }
            Op::Sweep { lazy } => {
                self.world.bytes.kept = lazy;
                self.world.sweep();
                self.world.bytes.kept = false;
            }
        }
    }

    fn has_mailbox(&self, device: usize) -> bool {
        self.world.row(Key::Mailbox(self.devices[device].address)).is_some()
    }

    fn name(&mut self, files: Vec<usize>) -> (u64, Vec<FileId>) {
        self.next += 1;
        let files: Vec<FileId> = files.into_iter().filter_map(|at| self.files.get(at).copied()).collect();
        self.named.insert(self.next, files.clone());
        (self.next, files)
    }

    /// What messages in mailboxes refer to, and their devices have not fetched.
    fn needed(&self) -> BTreeSet<FileId> {
        let mut needed = BTreeSet::new();
        for (at, device) in self.devices.iter().enumerate() {
            if !self.has_mailbox(at) || (at == 1 && self.removed) {
                continue;
            }
            for (_, item) in self.world.items(device.address) {
                let Item::Envelope(envelope) = item else { continue };
                let over = envelope.accepted_at_ms + RETENTION_MS <= self.world.now.0;
                let files = self.named.get(&envelope.id.0).filter(|_| !over).into_iter().flatten();
                needed.extend(files.filter(|file| !self.fetched.contains(&(device.address, **file))));
            }
        }
        needed
    }

    fn note_needed(&mut self) {
        self.world.bytes.needed = self.needed();
        for file in &self.world.bytes.needed {
            let stage = self.world.file(*file).map(|row| row.stage);
            assert_eq!(stage, Some(FileStage::Complete), "an undelivered message refers to {file:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn nothing_that_an_undelivered_message_refers_to_is_collected(
        ops in prop::collection::vec((op(), prop::option::weighted(0.2, 0..12_usize)), 1..60),
    ) {
        let mut history = History::new();
        for (op, commits) in ops {
            history.step(op, commits);
        }
        // In the end nothing stays.
        history.world.now.0 += RETENTION_MS + FILE_MARGIN_MS + TICKET_MS;
        history.world.bytes.needed.clear();
        for _ in 0..3 {
            history.world.sweep();
            history.world.check_store();
        }
        let left = |key: &Key| matches!(key, Key::File(_) | Key::Awaiting(..) | Key::Owned(..));
        prop_assert!(!history.world.store.rows().any(|(key, _)| left(key)));
        prop_assert!(history.world.bytes.there.is_empty(), "{:?}", history.world.bytes.there);
        for device in &history.devices {
            prop_assert_eq!(history.world.quota(device.address.account), QuotaRow::default());
        }
    }
}

/// A message to a group that the sweep has brought late stands behind a younger one when its time is over.
#[test]
fn what_is_over_behind_something_younger_refers_to_nothing() {
    let mut history = History::new();
    history.step(Op::GroupSend { from: 0, files: vec![0] }, Some(1));
    for op in [
        Op::Wait { ms: 210_954_931 },
        Op::Send { from: 0, to: 0, files: vec![0] },
        Op::Sweep { lazy: false },
        Op::Wait { ms: 2_467_445_069 },
        Op::Sweep { lazy: false },
    ] {
        history.step(op, None);
    }
}
