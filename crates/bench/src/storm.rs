//! A storm of light events, and people who write to each other meanwhile.
//!
//! Four times the same span: messages alone, the storm alone, both together, and messages while the same storm is at
//! another server on the same machine. What the storm alone stores, and by how much the messages' latency differs
//! between the last two, is the answer: there, its clients and its server want as much of the processor.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rand_core::Rng as _;
use serde_json::{Value, json};
use waxwing_wire::content::Conversation;
use waxwing_wire::light::{Announcement, Light, PresenceToken, Watch, Watched};
use waxwing_wire::server_frame::{Item, ServerFrame};
use waxwing_wire::{Bytes, MessageId};

use crate::fleet::{Event, Fleet};
use crate::limits::{MAX_DEVICES, MAX_SECONDS, SETTLE, STALL};
use crate::measure::{Latencies, fields, report, rounded};
use crate::server::Server;
use crate::{Common, process};

/// What a sealed light event takes.
const SEALED_BYTES: usize = 60;
/// Each conversation has a message so often, at most.
const PAUSE: Duration = Duration::from_millis(20);
/// Of so many light events of a device one is an announcement; the others are typing.
const ANNOUNCES_EVERY: u64 = 4;
/// Between two looks at whose turn it is.
const TICK: Duration = Duration::from_millis(2);
const TOKEN: PresenceToken = PresenceToken([7; 16]);

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Light events in a second.
    pub events: usize,
    /// Devices that send them, in pairs that watch each other.
    pub devices: usize,
    /// Pairs that write to each other.
    pub pairs: usize,
    /// How long each of the three takes.
    pub seconds: f64,
}

/// What the server counted, in one span.
#[derive(Debug, Clone, Copy)]
struct Counted([u64; COUNTERS.len()]);

const COUNTERS: [&str; 8] = [
    "commits",
    "fsyncs",
    "log_bytes",
    "kept_bytes",
    "light_taken",
    "light_handed_on",
    "light_dropped",
    "messages_accepted",
];

impl Plan {
    /// Within the limits.
    pub fn checked(self) -> anyhow::Result<Self> {
        let devices = self.devices + 2 * self.pairs;
        ensure!(devices <= MAX_DEVICES, "--devices and --pairs: at most {MAX_DEVICES} devices in all");
        ensure!(self.devices >= 2 && self.devices.is_multiple_of(2), "--devices must be even");
        ensure!(self.pairs >= 1, "--pairs must be at least 1");
        ensure!((0.1..=MAX_SECONDS).contains(&self.seconds), "--seconds must be 0.1 to {MAX_SECONDS}");
        Ok(self)
    }
}

/// Measures.
pub fn run(common: &Common, plan: Plan) -> anyhow::Result<Value> {
    let server = Server::start(common)?;
    let mut talk = Talk::new(Fleet::register(server.address, server.invite()?, 2 * plan.pairs)?, plan)?;
    let mut storm = Storm::new(Fleet::register(server.address, server.invite()?, plan.devices)?, plan)?;
    let span = Duration::from_secs_f64(plan.seconds);
    talk.talk(span / 4)?;

    let (messages_alone, quiet) = counted(&server, || talk.talk(span))?;
    let (storm_alone, _) = counted(&server, || storm.rage(span))?;
    let cpu = process::cpu_us(server.pid())?;
    let (both, stormy) = counted(&server, || talk_in_storm(&mut talk, &mut storm, span))?;
    let cpu_us = process::cpu_us(server.pid())? - cpu;
    drop(storm);
    let elsewhere = Server::start(common)?;
    let invitation = elsewhere.invite()?;
    let mut storm = Storm::new(Fleet::register(elsewhere.address, invitation, plan.devices)?, plan)?;
    let (apart, beside) = counted(&server, || talk_in_storm(&mut talk, &mut storm, span))?;
    let span_json = |counted: &Counted, latencies: Option<&Latencies>| {
        let mut map = counted.to_json(plan.seconds);
        if let Some(latencies) = latencies {
            map.extend(fields(json!({
                "messages": latencies.count(),
                "p50_ms": rounded(latencies.percentile_ms(50.0)),
                "p99_ms": rounded(latencies.percentile_ms(99.0)),
            })));
        }
        map
    };
    let stored = |counted: &Counted| counted.of("log_bytes") as f64;
    let each = |counted: &Counted| stored(counted) / counted.of("messages_accepted").max(1) as f64;
    let parts = [fields(json!({
        "events_wanted_per_second": plan.events,
        "events_per_second": rounded(both.of("light_taken") as f64 / plan.seconds),
        "devices": plan.devices,
        "pairs": plan.pairs,
        "seconds": plan.seconds,
        "messages_alone": span_json(&messages_alone, Some(&quiet)),
        "storm_alone": span_json(&storm_alone, None),
        "both": span_json(&both, Some(&stormy)),
        "storm_elsewhere": span_json(&apart, Some(&beside)),
        "stored_bytes_by_storm_alone": storm_alone.of("log_bytes"),
        "commits_by_storm_alone": storm_alone.of("commits"),
        "log_bytes_per_message_alone": rounded(each(&messages_alone)),
        "log_bytes_per_message_in_storm": rounded(each(&both)),
        "server_cpu_share_in_storm": rounded(cpu_us as f64 / 1e6 / plan.seconds),
        "ratio_p99": ratio(&stormy, &quiet, 99.0),
        "ratio_p50_to_storm_elsewhere": ratio(&stormy, &beside, 50.0),
        "ratio_p99_to_storm_elsewhere": ratio(&stormy, &beside, 99.0),
    }))];
    Ok(report("storm", parts))
}

fn ratio(one: &Latencies, other: &Latencies, percentile: f64) -> f64 {
    rounded(one.percentile_ms(percentile) / other.percentile_ms(percentile).max(f64::MIN_POSITIVE))
}

/// People write to each other while the storm goes on.
fn talk_in_storm(talk: &mut Talk, storm: &mut Storm, span: Duration) -> anyhow::Result<Latencies> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let raging = scope.spawn(|| storm.rage_until(|since| since >= span || over.load(Ordering::Relaxed)));
        let talked = talk.talk(span);
        over.store(true, Ordering::Relaxed);
        let raged = raging.join().map_err(|_| anyhow::anyhow!("the storm panicked"))?;
        raged.and(talked)
    })
}

/// What the server counts while something goes on, and until it has come to rest.
fn counted<T>(server: &Server, what: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Counted, T)> {
    std::thread::sleep(SETTLE);
    let before = server.counters(COUNTERS)?;
    let done = what()?;
    std::thread::sleep(SETTLE);
    let after = server.counters(COUNTERS)?;
    let mut counted = [0; COUNTERS.len()];
    for (count, (after, before)) in counted.iter_mut().zip(after.into_iter().zip(before)) {
        *count = after - before;
    }
    Ok((Counted(counted), done))
}

impl Counted {
    fn of(&self, name: &str) -> u64 {
        let place = COUNTERS.iter().position(|counter| *counter == name);
        place.and_then(|place| self.0.get(place)).copied().unwrap_or_default()
    }

    fn to_json(self, seconds: f64) -> serde_json::Map<String, Value> {
        let counts = COUNTERS.iter().zip(self.0).map(|(name, count)| ((*name).to_string(), count.into()));
        let mut map: serde_json::Map<String, Value> = counts.collect();
        let per_second = rounded(self.of("light_taken") as f64 / seconds);
        map.insert("light_taken_per_second".into(), per_second.into());
        map
    }
}

/// Device 2n writes to device 2n + 1, one message after the other.
struct Talk {
    fleet: Fleet,
    pairs: Vec<Pair>,
    ciphertext: Bytes,
    latencies: Latencies,
}

struct Pair {
    flight: Option<(MessageId, Instant)>,
    next: Instant,
}

impl Talk {
    fn new(mut fleet: Fleet, plan: Plan) -> anyhow::Result<Self> {
        fleet.attach(0..2 * plan.pairs)?;
        let now = Instant::now();
        let pairs = (0..plan.pairs).map(|_| Pair { flight: None, next: now }).collect();
        Ok(Self { fleet, pairs, ciphertext: vec![0xc1; 329].into(), latencies: Latencies::new() })
    }

    /// For so long, and until the last message has arrived: latencies from writing until the recipient has it.
    fn talk(&mut self, span: Duration) -> anyhow::Result<Latencies> {
        let begun = Instant::now();
        let begins = |pair: usize| begun + PAUSE.mul_f64(pair as f64 / self.pairs.len() as f64);
        let starts: Vec<Instant> = (0..self.pairs.len()).map(begins).collect();
        self.pairs.iter_mut().zip(starts).for_each(|(pair, start)| pair.next = start);
        while begun.elapsed() < span || self.pairs.iter().any(|pair| pair.flight.is_some()) {
            ensure!(begun.elapsed() < span + STALL, "messages were lost");
            let now = Instant::now();
            for number in 0..self.pairs.len() {
                let pair = self.pairs.get_mut(number).context("a pair")?;
                if pair.flight.is_none() && pair.next <= now && begun.elapsed() < span {
                    let id = self.fleet.send(2 * number, 2 * number + 1, self.ciphertext.clone())?;
                    let pair = self.pairs.get_mut(number).context("a pair")?;
                    pair.flight = Some((id, now));
                    pair.next = now + PAUSE;
                }
            }
            for (device, event) in self.fleet.round(TICK)? {
                if let Event::Frame(frame) = event {
                    self.take_in(device, *frame)?;
                }
            }
        }
        Ok(std::mem::replace(&mut self.latencies, Latencies::new()))
    }

    fn take_in(&mut self, device: usize, frame: ServerFrame) -> anyhow::Result<()> {
        ensure!(frame.refused.is_empty() && frame.goodbye.is_none(), "the server refused a message");
        let Some(last) = frame.entries.last().map(|entry| entry.seq) else { return Ok(()) };
        let pair = self.pairs.get_mut(device / 2).context("a pair")?;
        for entry in &frame.entries {
            if let Item::Envelope(envelope) = &entry.item
                && let Some((id, since)) = pair.flight
                && id == envelope.id
            {
                self.latencies.record(since.elapsed());
                pair.flight = None;
            }
        }
        self.fleet.stored(device, last)
    }
}

/// Device 2n and device 2n + 1 type at each other and watch each other.
struct Storm {
    fleet: Fleet,
    plan: Plan,
    sealed: Bytes,
    said: BTreeMap<usize, u64>,
}

impl Storm {
    fn new(mut fleet: Fleet, plan: Plan) -> anyhow::Result<Self> {
        fleet.attach(0..plan.devices)?;
        for device in 0..plan.devices {
            let account = fleet.account(device ^ 1)?;
            let watched = vec![Watched { account, token: TOKEN, seen_token: None }];
            fleet.say(device)?.watch = Some(Watch { awake: true, watched });
        }
        let mut sealed = vec![0; SEALED_BYTES];
        fleet.rng.fill_bytes(&mut sealed);
        Ok(Self { fleet, plan, sealed: sealed.into(), said: BTreeMap::new() })
    }

    fn rage(&mut self, span: Duration) -> anyhow::Result<()> {
        self.rage_until(|since| since >= span)
    }

    /// In turns, so that all devices together say as much as is wanted.
    fn rage_until(&mut self, over: impl Fn(Duration) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut said = 0;
        while !over(begun.elapsed()) {
            let due = (begun.elapsed().as_secs_f64() * self.plan.events as f64) as usize;
            for event in said..due {
                self.say(event % self.plan.devices)?;
            }
            said = due.max(said);
            self.fleet.round(TICK)?;
        }
        Ok(())
    }

    fn say(&mut self, device: usize) -> anyhow::Result<()> {
        let number = self.said.entry(device).or_default();
        *number += 1;
        let announces = number.is_multiple_of(ANNOUNCES_EVERY);
        let sealed = self.sealed.clone();
        if announces {
            let announcement =
                Announcement { sealed, gate: TOKEN.gate(), seen: Bytes::new(), seen_gate: None };
            self.fleet.say(device)?.announcement = Some(Box::new(announcement));
        } else {
            let to = Conversation::Account(self.fleet.account(device ^ 1)?);
            self.fleet.say(device)?.lights.push(Light { to, sealed });
        }
        Ok(())
    }
}
