//! Pairs of devices that are both connected.
//!
//! A message counts when its sender has seen that the server keeps it and that the recipient has stored it.
//! Each message that counts makes room in the window for the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use waxwing_wire::server_frame::{Item, ServerFrame};
use waxwing_wire::{Bytes, MessageId};

use crate::fleet::{Event, Fleet, entropy};
use crate::limits::{MAX_DEVICES, MAX_SECONDS, MAX_WINDOW, STALL};
use crate::measure::{Latencies, Measured, Start, fields, report, rounded};
use crate::server::Server;
use crate::{Common, Rival, ciphertext, process, xmpp};

/// Bytes of the text of each message.
pub const TEXT_BYTES: usize = 200;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Senders, each with a recipient of its own.
    pub pairs: usize,
    /// Messages that each sender keeps in flight.
    pub window: usize,
    /// Before anything counts.
    pub warm_up_seconds: f64,
    /// While it counts.
    pub seconds: f64,
}

impl Plan {
    /// Within the limits.
    pub fn checked(self) -> anyhow::Result<Self> {
        ensure!((1..=MAX_DEVICES / 2).contains(&self.pairs), "--pairs must be 1 to {}", MAX_DEVICES / 2);
        ensure!((1..=MAX_WINDOW).contains(&self.window), "--window must be 1 to {MAX_WINDOW}");
        ensure!((0.1..=MAX_SECONDS).contains(&self.seconds), "--seconds must be 0.1 to {MAX_SECONDS}");
        Ok(self)
    }
}

/// Measures, and compares if asked to.
pub fn run(common: &Common, plan: Plan, vs: Option<Rival>) -> anyhow::Result<Value> {
    let ciphertext_bytes = ciphertext::bytes_of_text(TEXT_BYTES, &mut entropy()?)?;
    let (ours, memory) = waxwing(common, plan, ciphertext_bytes)?;
    let mut parts = vec![
        fields(json!({
            "pairs": plan.pairs,
            "window": plan.window,
            "text_bytes": TEXT_BYTES,
            "ciphertext_bytes": ciphertext_bytes,
            "server_memory_per_connection": memory,
        })),
        ours.to_json(),
    ];
    if vs == Some(Rival::Ejabberd) {
        let theirs = xmpp::measure(common, plan)?;
        let ratio = |ours: f64, theirs: f64| rounded(ours / theirs.max(f64::MIN_POSITIVE));
        parts.push(fields(json!({
            "ejabberd": theirs.to_json(),
            "ratio_server_cpu": ratio(ours.cpu_us_per_message(), theirs.cpu_us_per_message()),
            "ratio_bytes": ratio(ours.bytes_per_message(), theirs.bytes_per_message()),
        })));
    }
    Ok(report("online", parts))
}

/// The measurement of our own server, and its resident memory per connection, bytes.
pub fn waxwing(common: &Common, plan: Plan, ciphertext_bytes: usize) -> anyhow::Result<(Measured, u64)> {
    let server = Server::start(common)?;
    let mut fleet = Fleet::register(server.address, server.invite()?, 2 * plan.pairs)?;
    let before = process::memory(server.pid())?;
    fleet.attach(0..2 * plan.pairs)?;
    let after = process::memory(server.pid())?;
    let memory = after.resident_bytes.saturating_sub(before.resident_bytes) / (2 * plan.pairs) as u64;
    let mut load = Load::new(fleet, plan, ciphertext_bytes);
    load.fill_windows()?;
    load.pump(Duration::from_secs_f64(plan.warm_up_seconds))?;
    load.restart_counts();
    let start = Start::now(server.pid(), Some(server.counter("fsyncs")?), load.fleet.sockets.bytes())?;
    load.pump(Duration::from_secs_f64(plan.seconds))?;
    let bytes = load.fleet.sockets.bytes();
    let end = Start::now(server.pid(), Some(server.counter("fsyncs")?), bytes)?;
    let messages = load.latencies.count();
    ensure!(messages > 0, "not one message was delivered");
    let measured = start.until(end, messages, std::mem::replace(&mut load.latencies, Latencies::new()));
    load.finish()?;
    Ok((measured, memory))
}

#[derive(Debug)]
struct Flight {
    since: Instant,
    accepted: bool,
    received: bool,
}

/// Device 2n sends to device 2n + 1.
struct Load {
    fleet: Fleet,
    plan: Plan,
    ciphertext: Bytes,
    flights: Vec<BTreeMap<MessageId, Flight>>,
    latencies: Latencies,
    refilling: bool,
}

impl Load {
    fn new(fleet: Fleet, plan: Plan, ciphertext_bytes: usize) -> Self {
        Self {
            fleet,
            plan,
            ciphertext: vec![0xc1; ciphertext_bytes].into(),
            flights: (0..plan.pairs).map(|_| BTreeMap::new()).collect(),
            latencies: Latencies::new(),
            refilling: true,
        }
    }

    fn restart_counts(&mut self) {
        self.latencies = Latencies::new();
    }

    fn fill_windows(&mut self) -> anyhow::Result<()> {
        (0..self.plan.pairs).try_for_each(|pair| (0..self.plan.window).try_for_each(|_| self.send(pair)))
    }

    fn send(&mut self, pair: usize) -> anyhow::Result<()> {
        let id = self.fleet.send(2 * pair, 2 * pair + 1, self.ciphertext.clone())?;
        let flight = Flight { since: Instant::now(), accepted: false, received: false };
        self.flights.get_mut(pair).context("a pair")?.insert(id, flight);
        Ok(())
    }

    /// Keeps the windows full for so long.
    fn pump(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        let mut last_news = Instant::now();
        while Instant::now() < end {
            if self.round()? > 0 {
                last_news = Instant::now();
            } else if last_news.elapsed() > STALL {
                bail!("the server has fallen silent");
            }
        }
        Ok(())
    }

    /// Lets what is in flight arrive.
    fn finish(&mut self) -> anyhow::Result<()> {
        self.refilling = false;
        let deadline = Instant::now() + STALL;
        while self.flights.iter().any(|flights| !flights.is_empty()) {
            self.round()?;
            ensure!(Instant::now() < deadline, "messages were lost");
        }
        Ok(())
    }

    fn round(&mut self) -> anyhow::Result<usize> {
        let events = self.fleet.round(Duration::from_millis(100))?;
        let count = events.len();
        for (device, event) in events {
            if let Event::Frame(frame) = event {
                self.take_in(device, *frame)?;
            }
        }
        Ok(count)
    }

    fn take_in(&mut self, device: usize, frame: ServerFrame) -> anyhow::Result<()> {
        if let Some(refused) = frame.refused.first() {
            bail!("the server refused a message: {}", refused.reject);
        }
        if let Some(reject) = frame.goodbye {
            bail!("the server said goodbye: {reject}");
        }
        let pair = device / 2;
        for id in frame.accepted {
            self.mark(pair, id, |flight| flight.accepted = true)?;
        }
        let Some(last) = frame.entries.last().map(|entry| entry.seq) else { return Ok(()) };
        for entry in frame.entries {
            if let Item::Receipt(receipt) = entry.item {
                for id in receipt.ids {
                    self.mark(pair, id, |flight| flight.received = true)?;
                }
            }
        }
        self.fleet.stored(device, last)
    }

    fn mark(&mut self, pair: usize, id: MessageId, change: impl FnOnce(&mut Flight)) -> anyhow::Result<()> {
        let flights = self.flights.get_mut(pair).context("a pair")?;
        let Some(flight) = flights.get_mut(&id) else { bail!("news of a message that is not under way") };
        change(flight);
        if flight.accepted && flight.received {
            self.latencies.record(flight.since.elapsed());
            flights.remove(&id);
            if self.refilling {
                self.send(pair)?;
            }
        }
        Ok(())
    }
}
