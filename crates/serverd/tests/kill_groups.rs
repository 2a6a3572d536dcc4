//! `kill -9` in the middle of fan-outs: what was acknowledged reaches every device of every member, in order and
//! once; changes of the group come in their order; and no ciphertext stays behind for good.
//!
//! The group is large enough that a message takes several commits. A few members talk, one of them adds others
//! now and then, and most are away until the end. `WAXWING_KILL_ROUNDS` sets how many rounds are played.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;
use support::{Client, Device, Members, PATIENCE, Server, Way, random_u64, register_many, rng};
use waxwing_server::{Command, Settings, Store, Stored, Sweep, Time, decide, reads};
use waxwing_serverd::store::{Embedded, Options};
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::PublicChange;
use waxwing_wire::server_frame::{Item, ServerFrame};
use waxwing_wire::{AccountId, RejectCode};

const DEFAULT_ROUNDS: usize = 12;
/// Those who talk.
const PLAYERS: usize = 5;
/// Members from the beginning.
const MEMBERS: usize = 150;
/// Who may be added later.
const LATE: usize = 8;
const IN_FLIGHT: usize = 2;
const FLAGS: [&str; 2] = ["--io-threads", "2"];

/// What every player knows: who is in the group in which epoch.
struct World {
    group: Members,
    late: Vec<Device>,
}

impl World {
    /// The group as its members see it in an epoch.
    fn at(&self, epoch: u64) -> Members {
        let mut group = self.group.clone();
        group.epoch = epoch;
        let added = self.late.iter().take(epoch as usize - 1);
        group.members.extend(added.map(|device| (device.address.account, device.list.clone())));
        group
    }
}

/// What a device knows for good.
struct Player {
    device: Device,
    way: Way,
    /// The first of them also adds members.
    changes: bool,
    epoch: u64,
    written: u64,
    /// Not acknowledged yet; with a number: a change of the group in this epoch.
    outbox: BTreeMap<u64, Option<u64>>,
    accepted: BTreeSet<u64>,
    /// Went out more than once, and may come in more than once.
    resent: BTreeSet<u64>,
    /// Surfaced here, by sender, in the order of surfacing.
    surfaced: BTreeMap<AccountId, Vec<u64>>,
    doubled: BTreeSet<(AccountId, u64)>,
    /// Epochs of the changes that came.
    epochs: Vec<u64>,
}

impl Player {
    fn new(device: Device, number: usize) -> Self {
        Self {
            device,
            way: if number == 2 { Way::WebSocket } else { Way::Tcp },
            changes: number == 0,
            epoch: 1,
            // The group was made with the first.
            written: 1,
            outbox: BTreeMap::new(),
            accepted: BTreeSet::new(),
            resent: BTreeSet::new(),
            surfaced: BTreeMap::new(),
            doubled: BTreeSet::new(),
            epochs: Vec::new(),
        }
    }

    fn message(&self, world: &World, id: u64, change: Option<u64>) -> GroupSend {
        let mut send = world.at(change.unwrap_or(self.epoch)).message(id, 300);
        if let Some(late) = change.and_then(|epoch| world.late.get(epoch as usize - 1)) {
            send.change = Some(PublicChange { add: vec![late.address.account], ..PublicChange::default() });
        }
        send
    }

    fn resend(&mut self, world: &World) -> Vec<GroupSend> {
        self.resent.extend(self.outbox.keys());
        self.outbox.iter().map(|(id, change)| self.message(world, *id, *change)).collect()
    }

    /// Talks until the connection breaks or `stop` is set.
    fn play(&mut self, address: SocketAddr, world: &World, stop: &AtomicBool) {
        let Ok(mut client) = self.device.connect(address, self.way) else { return };
        client.connection.stream().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let again = self.resend(world);
        if client.group_send(again).is_err() || self.read(&mut client, world).is_none() {
            return;
        }
        while !stop.load(Ordering::Relaxed) {
            let mut sends = Vec::new();
            while self.outbox.len() < IN_FLIGHT {
                self.written += 1;
                let open = self.outbox.values().any(Option::is_some);
                let late = (self.epoch as usize) <= world.late.len();
                let change = self.changes && late && !open && random_u64().is_multiple_of(8);
                let change = change.then_some(self.epoch);
                self.outbox.insert(self.written, change);
                sends.push(self.message(world, self.written, change));
            }
            let broken = !sends.is_empty() && client.group_send(sends).is_err();
            if broken || self.read(&mut client, world).is_none() {
                return;
            }
        }
    }

    /// Takes what has come, and stores it. `None` when the connection is gone.
    fn read(&mut self, client: &mut Client, world: &World) -> Option<()> {
        let mut frames = Vec::from(std::mem::take(&mut client.frames));
        match client.connection.receive() {
            Ok(frame) => frames.push(frame),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return None,
        }
        let mut again = Vec::new();
        let before = self.device.stored;
        for frame in frames {
            again.extend(self.take(frame));
        }
        if !again.is_empty() {
            // Refused, because the group has changed meanwhile.
            self.resent.extend(&again);
            let again = again.iter().filter_map(|id| Some(self.message(world, *id, *self.outbox.get(id)?)));
            client.group_send(again.collect()).ok()?;
        }
        if self.device.stored > before { client.store(self.device.stored).ok() } else { Some(()) }
    }

    /// Gives the messages to be sent again.
    fn take(&mut self, frame: ServerFrame) -> Vec<u64> {
        assert!(frame.goodbye.is_none(), "{frame:?}");
        let mut again = Vec::new();
        for refused in frame.refused {
            assert_eq!(refused.reject.code, RejectCode::GroupMismatch, "{refused:?}");
            self.epoch = self.epoch.max(refused.group.unwrap().epoch);
            again.push(refused.id.0);
        }
        for id in frame.accepted {
            if let Some(Some(epoch)) = self.outbox.remove(&id.0) {
                self.epoch = self.epoch.max(epoch + 1);
            }
            self.accepted.insert(id.0);
        }
        for entry in frame.entries {
            assert!(entry.seq > self.device.stored, "sent again what was stored");
            self.device.stored = entry.seq;
            let Item::Envelope(envelope) = entry.item else { continue };
            let of = envelope.group.unwrap();
            if of.change.is_some() {
                assert!(
                    self.epochs.last().is_none_or(|last| *last <= of.epoch),
                    "a change came out of order"
                );
                self.epochs.push(of.epoch);
                self.epoch = self.epoch.max(of.epoch);
            }
            let from = envelope.from.account;
            let surfaced = self.surfaced.entry(from).or_default();
            if surfaced.contains(&envelope.id.0) {
                self.doubled.insert((from, envelope.id.0));
            } else {
                surfaced.push(envelope.id.0);
            }
        }
        again
    }
}

#[test]
fn a_message_that_was_acknowledged_reaches_everybody_and_nothing_stays_behind() {
    let rounds = std::env::var("WAXWING_KILL_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds: usize = rounds.unwrap_or(DEFAULT_ROUNDS);
    let mut server = Server::start(&FLAGS);
    let mut devices = register_many(&server, MEMBERS + LATE);
    let late = devices.split_off(MEMBERS);
    let mut group = Members::new(7, &devices);
    let maker = devices[0].address.account;
    let mut client = devices[0].connect(server.address, Way::Tcp).unwrap();
    client.group_send(vec![group.make(1, maker)]).unwrap();
    client.accepted(waxwing_wire::MessageId(1)).unwrap();
    drop(client);
    let world = World { group, late };
    let silent = devices.split_off(PLAYERS);
    let mut players: Vec<_> =
        devices.into_iter().zip(0..).map(|(device, n)| Player::new(device, n)).collect();
    for _ in 0..rounds {
        let stop = AtomicBool::new(false);
        let address = server.address;
        std::thread::scope(|scope| {
            for player in &mut players {
                let (world, stop) = (&world, &stop);
                scope.spawn(move || player.play(address, world, stop));
            }
            std::thread::sleep(Duration::from_micros(random_u64() % 300_000));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        server = server.start_again(&FLAGS);
    }
    // Those who were away come now.
    let mut everybody = players;
    everybody.extend(silent.into_iter().map(|device| Player::new(device, 1)));
    settle(&server, &mut everybody, &world);
    judge(&everybody);
    let accepted: usize = everybody.iter().map(|player| player.accepted.len()).sum();
    let changes = everybody[1].epochs.len();
    let resent: usize = everybody.iter().map(|player| player.resent.len()).sum();
    println!("{rounds} rounds, {accepted} messages acknowledged, {changes} changes, {resent} sent again");
    assert!(accepted > rounds, "hardly anything was sent: {accepted}");

    for device in &mut world.late.clone() {
        drain(device, server.address);
    }
    // Everything was stored. Runs that were cut off have counted references that never were.
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    let left = blobs(&server.data_dir, 0);
    println!("{left} messages are kept until they expire");
    assert!(left <= resent, "{left} are kept, and {resent} were sent again");
    assert_eq!(blobs(&server.data_dir, Settings::default().retention_ms + 2 * 24 * 3_600_000), 0);
}

/// Sends what is open and reads, until everybody has all that anybody knows to be taken.
fn settle(server: &Server, players: &mut [Player], world: &World) {
    let deadline = Instant::now() + 3 * PATIENCE;
    let mut clients = Vec::new();
    for player in &mut *players {
        let mut client = player.device.connect(server.address, player.way).unwrap();
        client.connection.stream().set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let again = player.resend(world);
        client.group_send(again).unwrap();
        clients.push(client);
    }
    loop {
        for (player, client) in players.iter_mut().zip(&mut clients) {
            player.read(client, world).unwrap();
        }
        let sent: Vec<_> = players.iter().map(|p| (p.device.address.account, p.accepted.len())).collect();
        let has_all = |player: &Player| {
            let own = player.device.address.account;
            sent.iter()
                .all(|(from, count)| *from == own || *count <= player.surfaced.get(from).map_or(0, Vec::len))
        };
        if players.iter().all(|player| player.outbox.is_empty() && has_all(player)) {
            return;
        }
        assert!(Instant::now() < deadline, "not everything came to everybody");
    }
}

/// Takes all that is in a mailbox.
fn drain(device: &mut Device, address: SocketAddr) {
    let mut client = device.connect(address, Way::Tcp).unwrap();
    client.connection.stream().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    while let Ok(entry) = client.entry() {
        device.stored = entry.seq;
        client.store(entry.seq).unwrap();
    }
}

fn judge(players: &[Player]) {
    for sender in players {
        let from = sender.device.address.account;
        for reader in players.iter().filter(|reader| reader.device.address.account != from) {
            let surfaced = reader.surfaced.get(&from).cloned().unwrap_or_default();
            for id in &sender.accepted {
                assert!(surfaced.contains(id), "an acknowledged message is missing");
            }
            let straight = surfaced.iter().filter(|id| !sender.resent.contains(id));
            assert!(straight.is_sorted(), "out of order");
            for (from, id) in &reader.doubled {
                let sender = players.iter().find(|player| player.device.address.account == *from).unwrap();
                assert!(sender.resent.contains(id), "a message came twice that was sent once");
            }
        }
    }
}

/// Messages to groups that are left in a store, once the sweep has gone through them so much later.
fn blobs(data_dir: &Path, later_ms: u64) -> usize {
    let mut store = Embedded::open(data_dir, Options::default()).unwrap();
    let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
    for key in store.sweep(Sweep::Blobs, None, usize::MAX).unwrap() {
        let command = Command::sweep(&key).unwrap();
        let view = store.load(&reads(&command)).unwrap();
        let step =
            decide(&command, &view, Time(now_ms + later_ms), &Settings::default(), &mut rng()).unwrap();
        let expected = Vec::new();
        let stored = step.batch.map(|batch| Stored { batch, expected }).into_iter().collect();
        assert!(store.commit(stored).iter().all(Result::is_ok));
    }
    store.sweep(Sweep::Blobs, None, usize::MAX).unwrap().len()
}
