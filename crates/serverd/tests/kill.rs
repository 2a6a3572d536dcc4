//! `kill -9` at any instant: nothing acknowledged is missing, nothing surfaces twice, order holds.
//!
//! Devices talk to each other through the real program while it is killed and started again, round after
//! round. What a device here keeps in memory stands for what a real one has in its database.
//! `WAXWING_KILL_ROUNDS` sets how many rounds are played.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::{Client, Device, PATIENCE, Server, Way, message, random_u64};
use waxwing_wire::AccountId;
use waxwing_wire::server_frame::{Item, ServerFrame};

const DEFAULT_ROUNDS: usize = 40;
const PLAYERS: usize = 6;
const IN_FLIGHT: usize = 4;
/// Allowances are another test's subject. Two threads, so that messages cross from one to the other.
const FLAGS: [&str; 6] = ["--send-burst", "100000000", "--sends-per-second", "1000000", "--io-threads", "2"];

/// What a device knows for good.
struct Player {
    device: Device,
    way: Way,
    /// Messages are numbered in the order in which they are written.
    written: u64,
    /// Not acknowledged yet, with the recipient.
    outbox: BTreeMap<u64, AccountId>,
    /// Acknowledged, with the recipient.
    accepted: BTreeMap<u64, AccountId>,
    /// Went out more than once: may come in more than once, and then does not surface again.
    resent: BTreeSet<u64>,
    /// Surfaced here, by sender, in the order of surfacing.
    surfaced: BTreeMap<AccountId, Vec<u64>>,
    /// Came in again.
    doubled: BTreeSet<(AccountId, u64)>,
    /// Delivered, as receipts say.
    delivered: BTreeSet<u64>,
}

impl Player {
    /// Talks until the connection breaks or `stop` is set.
    fn play(&mut self, address: SocketAddr, others: &[AccountId], stop: &AtomicBool) {
        let Ok(mut client) = self.device.connect(address, self.way) else { return };
        client.connection.stream().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let again: Vec<_> = self.outbox.iter().map(|(id, to)| message(*to, *id, 200)).collect();
        self.resent.extend(self.outbox.keys());
        if client.send(again).is_err() || self.read(&mut client).is_none() {
            return;
        }
        while !stop.load(Ordering::Relaxed) {
            let mut sends = Vec::new();
            while self.outbox.len() < IN_FLIGHT {
                self.written += 1;
                let to = others[random_u64() as usize % others.len()];
                self.outbox.insert(self.written, to);
                sends.push(message(to, self.written, 200));
            }
            if (!sends.is_empty() && client.send(sends).is_err()) || self.read(&mut client).is_none() {
                return;
            }
        }
    }

    /// Only reads, until everything has come that is on its way: to this device, and to those that are `unsettled`,
    /// for whose messages it must be there.
    fn settle(&mut self, address: SocketAddr, unsettled: &AtomicUsize) {
        let deadline = Instant::now() + PATIENCE;
        let mut client = self.device.connect(address, self.way).unwrap();
        client.connection.stream().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let again: Vec<_> = self.outbox.iter().map(|(id, to)| message(*to, *id, 200)).collect();
        self.resent.extend(self.outbox.keys());
        client.send(again).unwrap();
        let mut settled = false;
        while unsettled.load(Ordering::Acquire) > 0 {
            assert!(Instant::now() < deadline, "not everything was delivered");
            self.read(&mut client).unwrap();
            let all = self.outbox.is_empty() && self.accepted.keys().all(|id| self.delivered.contains(id));
            if all && !settled {
                settled = true;
                unsettled.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// Takes what has come, and stores it. `None` when the connection is gone.
    fn read(&mut self, client: &mut Client) -> Option<()> {
        let frames = std::mem::take(&mut client.frames);
        frames.into_iter().for_each(|frame| self.take(frame));
        match client.connection.receive() {
            Ok(frame) => self.take(frame),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Some(());
            }
            Err(_) => return None,
        }
        client.store(self.device.stored).ok()
    }

    fn take(&mut self, frame: ServerFrame) {
        assert!(frame.refused.is_empty() && frame.goodbye.is_none(), "{frame:?}");
        for id in frame.accepted {
            let to = self.outbox.remove(&id.0);
            self.accepted.extend(to.map(|to| (id.0, to)));
        }
        for entry in frame.entries {
            assert!(entry.seq > self.device.stored, "sent again what was stored");
            self.device.stored = entry.seq;
            match entry.item {
                Item::Receipt(receipt) => self.delivered.extend(receipt.ids.iter().map(|id| id.0)),
                Item::Envelope(envelope) => {
                    let from = envelope.from.account;
                    let surfaced = self.surfaced.entry(from).or_default();
                    if surfaced.contains(&envelope.id.0) {
                        self.doubled.insert((from, envelope.id.0));
                    } else {
                        assert!(surfaced.last().is_none_or(|last| *last < envelope.id.0), "out of order");
                        surfaced.push(envelope.id.0);
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_acknowledged_is_missing_and_nothing_surfaces_twice() {
    let rounds = std::env::var("WAXWING_KILL_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds = rounds.unwrap_or(DEFAULT_ROUNDS);
    let mut server = Server::start(&FLAGS);
    let mut players = players(&server);
    let accounts: Vec<_> = players.iter().map(|player| player.device.address.account).collect();
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        let address = server.address;
        std::thread::scope(|scope| {
            for player in &mut players {
                let others: Vec<_> = accounts
                    .iter()
                    .copied()
                    .filter(|account| *account != player.device.address.account)
                    .collect();
                let stop = &stop;
                scope.spawn(move || player.play(address, &others, stop));
            }
            std::thread::sleep(Duration::from_micros(random_u64() % 300_000));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        if round % 5 == 4 {
            kill_while_starting(&server);
        }
        server = server.start_again(&FLAGS);
    }
    let address = server.address;
    let unsettled = &AtomicUsize::new(players.len());
    std::thread::scope(|scope| {
        for player in &mut players {
            scope.spawn(move || player.settle(address, unsettled));
        }
    });
    judge(&players);
    let accepted: usize = players.iter().map(|player| player.accepted.len()).sum();
    println!("{rounds} rounds, {accepted} messages acknowledged, all delivered once");
    assert!(accepted > rounds, "hardly anything was sent: {accepted}");
}

fn players(server: &Server) -> Vec<Player> {
    let invitation = server.invite();
    let player = |number: usize| Player {
        device: Device::register(server.address, &invitation, &format!("player-{number}")),
        way: if number.is_multiple_of(3) { Way::WebSocket } else { Way::Tcp },
        written: 0,
        outbox: BTreeMap::new(),
        accepted: BTreeMap::new(),
        resent: BTreeSet::new(),
        surfaced: BTreeMap::new(),
        doubled: BTreeSet::new(),
        delivered: BTreeSet::new(),
    };
    (0..PLAYERS).map(player).collect()
}

/// Recovery is interrupted as well.
fn kill_while_starting(server: &Server) {
    let mut command = support::waxwingd();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&server.data_dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_micros(random_u64() % 50_000));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn judge(players: &[Player]) {
    let by_account: BTreeMap<_, _> =
        players.iter().map(|player| (player.device.address.account, player)).collect();
    for player in players {
        let from = player.device.address.account;
        for (id, to) in &player.accepted {
            let surfaced = by_account[to].surfaced.get(&from);
            assert!(
                surfaced.is_some_and(|ids| ids.binary_search(id).is_ok()),
                "an acknowledged message is missing"
            );
        }
        for (from, id) in &player.doubled {
            assert!(by_account[from].resent.contains(id), "a message came twice that was sent once");
        }
    }
}
