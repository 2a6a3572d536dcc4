//! Messages for devices that are away, and their delivery afterwards.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use waxwing_wire::server_frame::Item;
use waxwing_wire::{Bytes, MessageId};

use crate::fleet::{Event, Fleet, entropy};
use crate::limits::{MAX_DEVICES, MAX_MESSAGES, STALL};
use crate::measure::{Latencies, Measured, Start, fields, report};
use crate::online::TEXT_BYTES;
use crate::server::Server;
use crate::{Common, ciphertext, process};

/// Messages that each sender keeps in flight while it fills a mailbox.
const WINDOW: usize = 16;

/// Stores the messages, then drains the mailboxes. Device 2n sends to device 2n + 1.
pub fn run(common: &Common, pairs: usize, messages: usize) -> anyhow::Result<Value> {
    ensure!((1..=MAX_DEVICES / 2).contains(&pairs), "--pairs must be 1 to {}", MAX_DEVICES / 2);
    ensure!((1..=MAX_MESSAGES).contains(&messages), "--messages must be 1 to {MAX_MESSAGES}");
    let ciphertext_bytes = ciphertext::bytes_of_text(TEXT_BYTES, &mut entropy()?)?;
    let server = Server::start(common)?;
    let mut fleet = Fleet::register(server.address, server.invite()?, 2 * pairs)?;
    let before = process::memory(server.pid())?;
    fleet.attach((0..pairs).map(|pair| 2 * pair))?;
    let mut load = Load {
        fleet,
        ciphertext: vec![0xc1; ciphertext_bytes].into(),
        unsent: (0..pairs).map(|pair| messages / pairs + usize::from(pair < messages % pairs)).collect(),
        flights: (0..pairs).map(|_| BTreeMap::new()).collect(),
        to_come: 0,
        latencies: Latencies::new(),
        since: Instant::now(),
    };
    let begin = count(&server, &load)?;
    load.store(messages)?;
    let middle = count(&server, &load)?;
    let stored = begin.until(middle, load.latencies.count(), load.take_latencies());
    load.drain(pairs, messages)?;
    let end = count(&server, &load)?;
    let drained = middle.until(end, messages as u64, load.take_latencies());
    let after = process::memory(server.pid())?;
    let whole = Measured {
        messages: messages as u64,
        seconds: stored.seconds + drained.seconds,
        cpu_us: stored.cpu_us + drained.cpu_us,
        bytes_up: stored.bytes_up + drained.bytes_up,
        bytes_down: stored.bytes_down + drained.bytes_down,
        fsyncs: stored.fsyncs.zip(drained.fsyncs).map(|(a, b)| a + b),
        latencies: Latencies::new(),
    };
    let connections = 2 * pairs as u64;
    let mut parts = vec![fields(json!({
        "pairs": pairs,
        "window": WINDOW,
        "text_bytes": TEXT_BYTES,
        "ciphertext_bytes": ciphertext_bytes,
        "server_memory_per_connection":
            after.resident_bytes.saturating_sub(before.resident_bytes) / connections,
    }))];
    let mut sums = whole.to_json();
    // Latency means something else in each phase: until accepted, and until delivered after the reunion.
    let store = stored.to_json();
    for name in ["p50_ms", "p99_ms"] {
        sums.insert(name.into(), store.get(name).cloned().unwrap_or_default());
    }
    parts.push(sums);
    parts.push(fields(json!({ "store": store, "drain": drained.to_json() })));
    Ok(report("offline", parts))
}

fn count(server: &Server, load: &Load) -> anyhow::Result<Start> {
    Start::now(server.pid(), Some(server.counter("fsyncs")?), load.fleet.sockets.bytes())
}

struct Load {
    fleet: Fleet,
    ciphertext: Bytes,
    unsent: Vec<usize>,
    flights: Vec<BTreeMap<MessageId, Instant>>,
    to_come: usize,
    latencies: Latencies,
    since: Instant,
}

impl Load {
    fn take_latencies(&mut self) -> Latencies {
        std::mem::replace(&mut self.latencies, Latencies::new())
    }

    /// Until every message is accepted.
    fn store(&mut self, messages: usize) -> anyhow::Result<()> {
        self.to_come = messages;
        for pair in 0..self.unsent.len() {
            for _ in 0..WINDOW {
                self.send(pair)?;
            }
        }
        self.until_all_came(|load, device, frame| {
            if let Some(refused) = frame.refused.first() {
                bail!("the server refused a message: {}", refused.reject);
            }
            for id in frame.accepted {
                let flights = load.flights.get_mut(device / 2).context("a pair")?;
                let since = flights.remove(&id).context("an answer to nothing")?;
                load.latencies.record(since.elapsed());
                load.to_come -= 1;
                load.send(device / 2)?;
            }
            Ok(())
        })
    }

    fn send(&mut self, pair: usize) -> anyhow::Result<()> {
        let unsent = self.unsent.get_mut(pair).context("a pair")?;
        if *unsent == 0 {
            return Ok(());
        }
        *unsent -= 1;
        let id = self.fleet.send(2 * pair, 2 * pair + 1, self.ciphertext.clone())?;
        self.flights.get_mut(pair).context("a pair")?.insert(id, Instant::now());
        Ok(())
    }

    /// The recipients come back; until they have everything and the senders know.
    fn drain(&mut self, pairs: usize, messages: usize) -> anyhow::Result<()> {
        self.to_come = 2 * messages;
        self.since = Instant::now();
        for pair in 0..pairs {
            self.fleet.connect(2 * pair + 1)?;
        }
        self.until_all_came(|load, device, frame| {
            let Some(last) = frame.entries.last().map(|entry| entry.seq) else { return Ok(()) };
            for entry in frame.entries {
                match entry.item {
                    Item::Envelope(_) => {
                        load.latencies.record(load.since.elapsed());
                        load.to_come = load.to_come.checked_sub(1).context("delivered twice")?;
                    }
                    Item::Receipt(receipt) => {
                        let came = receipt.ids.len();
                        load.to_come = load.to_come.checked_sub(came).context("a receipt too many")?;
                    }
                }
            }
            load.fleet.stored(device, last)
        })
    }

    fn until_all_came(
        &mut self,
        mut take_in: impl FnMut(&mut Self, usize, waxwing_wire::server_frame::ServerFrame) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut last_news = Instant::now();
        while self.to_come > 0 {
            for (device, event) in self.fleet.round(Duration::from_millis(100))? {
                last_news = Instant::now();
                match event {
                    Event::Joined => self.fleet.hello(device)?,
                    Event::Frame(frame) => take_in(self, device, *frame)?,
                }
            }
            ensure!(last_news.elapsed() < STALL, "{} messages did not come", self.to_come);
        }
        // The last acknowledgements go out.
        self.fleet.round(Duration::ZERO).map(drop)
    }
}
