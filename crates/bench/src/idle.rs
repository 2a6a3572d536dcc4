//! Connections that say nothing, and their keep-alive.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};

use crate::fleet::{Event, Fleet};
use crate::limits::{MAX_DEVICES, MAX_MESSAGES, STALL};
use crate::measure::{Latencies, Start, fields, report};
use crate::server::Server;
use crate::{Common, process};

/// Until the server has come to rest.
const SETTLE: Duration = Duration::from_secs(2);
/// Devices that ping at once.
const PINGS_AT_ONCE: usize = 8;

/// Memory of a freshly started server before and after the connections, then pings over them.
pub fn run(common: &Common, connections: usize, pings: usize) -> anyhow::Result<Value> {
    ensure!((1..=MAX_DEVICES).contains(&connections), "--connections must be 1 to {MAX_DEVICES}");
    ensure!((1..=MAX_MESSAGES).contains(&pings), "--pings must be 1 to {MAX_MESSAGES}");
    let mut server = Server::start(common)?;
    let mut fleet = Fleet::register(server.address, server.invite()?, connections)?;
    // A server that has registered everybody has memory to give away: only a fresh one is honest.
    server.restart()?;
    fleet.moved_to(server.address);
    // Whatever the first one needs, it needs once.
    fleet.attach(0..1)?;
    std::thread::sleep(SETTLE);
    let before = process::memory(server.pid())?;
    fleet.attach(1..connections)?;
    std::thread::sleep(SETTLE);
    let after = process::memory(server.pid())?;
    let open = server.counter("connections")?;
    ensure!(open >= connections as u64, "only {open} connections are open");

    let quiet = process::cpu_us(server.pid())?;
    std::thread::sleep(SETTLE);
    let quiet_cpu_us = process::cpu_us(server.pid())? - quiet;

    let begin = Start::now(server.pid(), Some(server.counter("fsyncs")?), fleet.sockets.bytes())?;
    let latencies = ping(&mut fleet, connections, pings)?;
    let end = Start::now(server.pid(), Some(server.counter("fsyncs")?), fleet.sockets.bytes())?;
    let measured = begin.until(end, latencies.count(), latencies);
    let more = connections.saturating_sub(1).max(1) as u64;
    let each = |before: u64, after: u64| after.saturating_sub(before) / more;
    Ok(report(
        "idle",
        [
            fields(json!({
                "connections": connections,
                "server_memory_per_connection": each(before.resident_bytes, after.resident_bytes),
                "server_heap_per_connection": each(before.anonymous_bytes, after.anonymous_bytes),
                "server_memory_before": before.resident_bytes,
                "server_memory_after": after.resident_bytes,
                "quiet_server_cpu_us_per_second": quiet_cpu_us as f64 / SETTLE.as_secs_f64(),
            })),
            measured.to_json(),
        ],
    ))
}

fn ping(fleet: &mut Fleet, connections: usize, pings: usize) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::new();
    let mut since = vec![None; connections];
    // A stride that shares no factor with most counts wanders over all of them.
    let mut next = (0..pings).map(|number| (number * 7_919) % connections);
    let mut say = |fleet: &mut Fleet, since: &mut Vec<Option<Instant>>| -> anyhow::Result<()> {
        for device in next.by_ref() {
            if let Some(place @ None) = since.get_mut(device) {
                *place = Some(Instant::now());
                fleet.say(device)?.ping = Some(1);
                break;
            }
        }
        Ok(())
    };
    for _ in 0..PINGS_AT_ONCE {
        say(fleet, &mut since)?;
    }
    let mut last_news = Instant::now();
    while since.iter().any(Option::is_some) {
        for (device, event) in fleet.round(Duration::from_millis(100))? {
            let Event::Frame(frame) = event else { continue };
            if frame.pong.is_some()
                && let Some(sent) = since.get_mut(device).and_then(Option::take)
            {
                latencies.record(sent.elapsed());
                last_news = Instant::now();
                say(fleet, &mut since)?;
            }
        }
        ensure!(last_news.elapsed() < STALL, "the server does not answer pings");
    }
    Ok(latencies)
}
