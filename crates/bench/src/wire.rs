//! Bytes on the socket: one message alone, step by step, and many.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use waxwing_wire::server_frame::{Item, ServerFrame};

use crate::Common;
use crate::fleet::{Event, Fleet, entropy};
use crate::limits::STALL;
use crate::measure::{Latencies, Start, fields, report};
use crate::online::{self, Plan, TEXT_BYTES};
use crate::server::Server;
use crate::{ciphertext, process};

/// Messages sent one after the other, each alone.
const SINGLES: u64 = 20;

/// Both tables.
pub fn run(common: &Common) -> anyhow::Result<Value> {
    let ciphertext_bytes = ciphertext::bytes_of_text(TEXT_BYTES, &mut entropy()?)?;
    let server = Server::start(common)?;
    let mut fleet = Fleet::register(server.address, server.invite()?, 2)?;
    let memory_before = process::memory(server.pid())?;
    fleet.attach(0..2)?;
    let memory_after = process::memory(server.pid())?;
    let begin = Start::now(server.pid(), Some(server.counter("fsyncs")?), fleet.sockets.bytes())?;
    let mut latencies = Latencies::new();
    let mut steps = Steps::default();
    for _ in 0..SINGLES {
        let since = Instant::now();
        steps = one(&mut fleet, ciphertext_bytes)?;
        latencies.record(since.elapsed());
    }
    let end = Start::now(server.pid(), Some(server.counter("fsyncs")?), fleet.sockets.bytes())?;
    let singles = begin.until(end, SINGLES, latencies);
    drop(server);

    let (pairs, seconds) = if common.smoke { (2, 0.5) } else { (50, 3.0) };
    let plan = Plan { pairs, window: 4, warm_up_seconds: 0.3, seconds };
    let (load, _) = online::waxwing(common, plan, ciphertext_bytes)?;
    let grown = memory_after.resident_bytes.saturating_sub(memory_before.resident_bytes);
    Ok(report(
        "wire",
        [
            fields(json!({
                "text_bytes": TEXT_BYTES,
                "ciphertext_bytes": ciphertext_bytes,
                "server_memory_per_connection": grown / 2,
                "one_message": {
                    "send": steps.send,
                    "accepted": steps.accepted,
                    "entry": steps.entry,
                    "stored": steps.stored,
                    "receipt": steps.receipt,
                    "receipt_stored": steps.receipt_stored,
                    "total": steps.total(),
                },
                "under_load": load.to_json(),
            })),
            singles.to_json(),
        ],
    ))
}

/// Bytes of each step of a message that travels alone.
#[derive(Debug, Default)]
struct Steps {
    send: u64,
    accepted: u64,
    entry: u64,
    stored: u64,
    receipt: u64,
    receipt_stored: u64,
}

impl Steps {
    fn total(&self) -> u64 {
        self.send + self.accepted + self.entry + self.stored + self.receipt + self.receipt_stored
    }
}

/// Device 0 sends one message to device 1, which waits with its acknowledgement until all is quiet.
fn one(fleet: &mut Fleet, ciphertext_bytes: usize) -> anyhow::Result<Steps> {
    let mut steps = Steps::default();
    let (mut up, mut down) = fleet.sockets.bytes();
    let mut passed = |fleet: &Fleet| {
        let (up_before, down_before) = (up, down);
        (up, down) = fleet.sockets.bytes();
        (up - up_before, down - down_before)
    };
    fleet.send(0, 1, vec![0xc1; ciphertext_bytes].into())?;
    // The answer to the sender and the entry for the recipient come in either order.
    let (mut accepted, mut entry) = (None, None);
    let mut entry_seq = 0;
    while accepted.is_none() || entry.is_none() {
        for (device, frame, bytes) in next(fleet)? {
            if device == 0 && !frame.accepted.is_empty() {
                accepted = Some(bytes);
            }
            if let Some(last) = frame.entries.last() {
                entry_seq = last.seq;
                entry = Some(bytes);
            }
        }
    }
    let (sent, received) = passed(fleet);
    steps.send = sent;
    steps.accepted = accepted.unwrap_or_default();
    steps.entry = entry.unwrap_or_default();
    ensure!(received == steps.accepted + steps.entry, "more came than the two frames");

    fleet.stored(1, entry_seq)?;
    let mut receipt_seq = None;
    while receipt_seq.is_none() {
        for (_, frame, _) in next(fleet)? {
            let receipt = frame.entries.iter().find(|entry| matches!(entry.item, Item::Receipt(_)));
            receipt_seq = receipt.map(|entry| entry.seq).or(receipt_seq);
        }
    }
    (steps.stored, steps.receipt) = passed(fleet);
    fleet.stored(0, receipt_seq.unwrap_or_default())?;
    fleet.round(Duration::from_millis(5))?;
    (steps.receipt_stored, _) = passed(fleet);
    Ok(steps)
}

/// The next frames, each with its bytes on the socket.
fn next(fleet: &mut Fleet) -> anyhow::Result<Vec<(usize, Box<ServerFrame>, u64)>> {
    let deadline = Instant::now() + STALL;
    while Instant::now() < deadline {
        let events = fleet.round(Duration::from_millis(100))?;
        let frames: Vec<_> = events
            .into_iter()
            .filter_map(|(device, event)| match event {
                Event::Frame(frame) => {
                    let bytes = bytes_on_line(&frame);
                    Some((device, frame, bytes))
                }
                Event::Joined => None,
            })
            .collect();
        if !frames.is_empty() {
            return Ok(frames);
        }
    }
    bail!("the server has fallen silent")
}

/// Length prefix, plaintext and tag. Encodings are canonical, so this is what was on the socket; the sum is
/// checked against the sockets' own count.
fn bytes_on_line(frame: &ServerFrame) -> u64 {
    let sealed = frame.encode().len() + waxwing_wire::transport::TAG_BYTES;
    let prefix = match sealed {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    };
    (sealed + prefix) as u64
}
