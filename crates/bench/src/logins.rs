//! Connections that come and go: a full handshake, Hello, Welcome, and away again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::fleet::{Event, Fleet};
use crate::limits::{CONNECTING_AT_ONCE, MAX_DEVICES, MAX_SECONDS, STALL};
use crate::measure::{Latencies, Start, fields, report};
use crate::server::Server;
use crate::{Common, process};

/// Devices log in in turns, `concurrency` of them at once.
pub fn run(common: &Common, devices: usize, concurrency: usize, seconds: f64) -> anyhow::Result<Value> {
    ensure!((1..=MAX_DEVICES).contains(&devices), "--devices must be 1 to {MAX_DEVICES}");
    ensure!(
        (1..=CONNECTING_AT_ONCE).contains(&concurrency),
        "--concurrency must be 1 to {CONNECTING_AT_ONCE}"
    );
    ensure!((0.1..=MAX_SECONDS).contains(&seconds), "--seconds must be 0.1 to {MAX_SECONDS}");
    let concurrency = concurrency.min(devices);
    let server = Server::start(common)?;
    let mut fleet = Fleet::register(server.address, server.invite()?, devices)?;
    let memory_before = process::memory(server.pid())?;
    let begin = Start::now(server.pid(), Some(server.counter("fsyncs")?), fleet.sockets.bytes())?;
    let latencies = log_in(&mut fleet, devices, concurrency, Duration::from_secs_f64(seconds))?;
    let end = Start::now(server.pid(), Some(server.counter("fsyncs")?), fleet.sockets.bytes())?;
    let memory_after = process::memory(server.pid())?;
    let measured = begin.until(end, latencies.count(), latencies);
    ensure!(measured.messages > 0, "nobody got in");
    let grown = memory_after.resident_bytes.saturating_sub(memory_before.resident_bytes);
    Ok(report(
        "logins",
        [
            fields(json!({
                "devices": devices,
                "concurrency": concurrency,
                "pattern": "IK",
                "server_memory_per_connection": grown / concurrency as u64,
            })),
            measured.to_json(),
        ],
    ))
}

fn log_in(
    fleet: &mut Fleet,
    devices: usize,
    concurrency: usize,
    time: Duration,
) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::new();
    let mut since = vec![Instant::now(); devices];
    let mut away: VecDeque<usize> = (0..devices).collect();
    let connect =
        |fleet: &mut Fleet, away: &mut VecDeque<usize>, since: &mut [Instant]| -> anyhow::Result<()> {
            let device = away.pop_front().context("more logins at once than devices")?;
            *since.get_mut(device).context("a device")? = Instant::now();
            fleet.connect(device)
        };
    for _ in 0..concurrency {
        connect(fleet, &mut away, &mut since)?;
    }
    let end = Instant::now() + time;
    let (mut under_way, mut last_news) = (concurrency, Instant::now());
    while under_way > 0 {
        for (device, event) in fleet.round(Duration::from_millis(100))? {
            last_news = Instant::now();
            match event {
                Event::Joined => fleet.hello(device)?,
                Event::Frame(frame) => {
                    if let Some(reject) = frame.goodbye {
                        bail!("device {device} is not welcome: {reject}");
                    }
                    if frame.welcome.is_some() {
                        latencies.record(since.get(device).map(Instant::elapsed).unwrap_or_default());
                        fleet.disconnect(device)?;
                        away.push_back(device);
                        under_way -= 1;
                        if Instant::now() < end {
                            connect(fleet, &mut away, &mut since)?;
                            under_way += 1;
                        }
                    }
                }
            }
        }
        ensure!(last_news.elapsed() < STALL, "the server lets nobody in");
    }
    Ok(latencies)
}
