//! What a measurement gives, and how it is written down.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::limits::MAX_LATENCY_US;
use crate::process;

/// Latencies, microseconds.
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet.
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_LATENCY_US, 3).expect("bounds that a histogram can have"))
    }

    /// One more; above the bound it counts as the bound.
    pub fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(us);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Milliseconds, within which so many percent of them are.
    pub fn percentile_ms(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

/// Counts at the beginning of a measurement.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    at: Instant,
    cpu_us: u64,
    fsyncs: Option<u64>,
    bytes_up: u64,
    bytes_down: u64,
}

/// A finished measurement of something that is counted in messages, or in what takes their place.
pub struct Measured {
    pub messages: u64,
    pub seconds: f64,
    pub latencies: Latencies,
    pub cpu_us: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
    /// `None` for a server that does not say.
    pub fsyncs: Option<u64>,
}

impl Start {
    /// Now. `fsyncs` and the bytes as they were counted so far.
    pub fn now(pid: u32, fsyncs: Option<u64>, bytes: (u64, u64)) -> anyhow::Result<Self> {
        let (bytes_up, bytes_down) = bytes;
        Ok(Self { at: Instant::now(), cpu_us: process::cpu_us(pid)?, fsyncs, bytes_up, bytes_down })
    }

    /// The difference between [`Self::now`] then and `end`.
    pub fn until(self, end: Self, messages: u64, latencies: Latencies) -> Measured {
        Measured {
            messages,
            seconds: end.at.duration_since(self.at).as_secs_f64(),
            latencies,
            cpu_us: end.cpu_us - self.cpu_us,
            bytes_up: end.bytes_up - self.bytes_up,
            bytes_down: end.bytes_down - self.bytes_down,
            fsyncs: self.fsyncs.zip(end.fsyncs).map(|(before, after)| after - before),
        }
    }
}

impl Measured {
    /// Server time per message, microseconds.
    pub fn cpu_us_per_message(&self) -> f64 {
        self.per_message(self.cpu_us)
    }

    /// Both directions together.
    pub fn bytes_per_message(&self) -> f64 {
        self.per_message(self.bytes_up + self.bytes_down)
    }

    fn per_message(&self, count: u64) -> f64 {
        if self.messages == 0 { 0.0 } else { count as f64 / self.messages as f64 }
    }

    /// The fields that every subcommand prints.
    pub fn to_json(&self) -> Map<String, Value> {
        let value = json!({
            "messages": self.messages,
            "seconds": rounded(self.seconds),
            "messages_per_second": rounded(self.messages as f64 / self.seconds),
            "p50_ms": rounded(self.latencies.percentile_ms(50.0)),
            "p99_ms": rounded(self.latencies.percentile_ms(99.0)),
            "server_cpu_us_per_message": rounded(self.cpu_us_per_message()),
            "bytes_up_per_message": rounded(self.per_message(self.bytes_up)),
            "bytes_down_per_message": rounded(self.per_message(self.bytes_down)),
            "fsyncs_per_message": self.fsyncs.map(|count| rounded(self.per_message(count))),
        });
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// Four decimals at most.
pub fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// One line for programs.
pub fn report(bench: &str, parts: impl IntoIterator<Item = Map<String, Value>>) -> Value {
    let mut map = Map::new();
    map.insert("bench".into(), bench.into());
    map.insert("cores".into(), std::thread::available_parallelism().map_or(0, usize::from).into());
    map.extend(parts.into_iter().flatten());
    Value::Object(map)
}

/// The fields of a JSON object.
pub fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_string(), other)]),
    }
}
