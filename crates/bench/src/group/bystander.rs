//! Two people who have nothing to do with the group: how long do they wait while it is written to?

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use waxwing_wire::MessageId;

use crate::fleet::{Event, Fleet};
use crate::limits::{PAUSE, STALL};
use crate::measure::Latencies;

/// Until each message of device 0 to device 1 is accepted, as long as `meanwhile` takes. In a thread of its own:
/// what the group's clients take is not the bystanders'.
pub fn watch(
    fleet: &mut Fleet,
    bytes: usize,
    meanwhile: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Latencies> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let talking = scope.spawn(|| talk(fleet, bytes, &stop));
        let done = meanwhile();
        stop.store(true, Ordering::Relaxed);
        let latencies = talking.join().map_err(|_| anyhow::anyhow!("the bystander panicked"))?;
        done.and(latencies)
    })
}

fn talk(fleet: &mut Fleet, bytes: usize, stop: &AtomicBool) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::new();
    while !stop.load(Ordering::Relaxed) || latencies.count() == 0 {
        let since = Instant::now();
        let id = fleet.send(0, 1, vec![0xc1; bytes].into())?;
        while !accepted(fleet, id)? {
            ensure!(since.elapsed() < STALL, "the server has fallen silent");
        }
        latencies.record(since.elapsed());
        std::thread::sleep(PAUSE);
    }
    Ok(latencies)
}

fn accepted(fleet: &mut Fleet, id: MessageId) -> anyhow::Result<bool> {
    let mut accepted = false;
    for (device, event) in fleet.round(Duration::from_millis(100))? {
        let Event::Frame(frame) = event else { continue };
        accepted |= frame.accepted.contains(&id);
        if let Some(last) = frame.entries.last() {
            fleet.stored(device, last.seq)?;
        }
    }
    Ok(accepted)
}
