//! `waxwing-bench`: what a message, a login and an idle connection cost the server, what a long history costs a
//! client, and what becomes of files.
//!
//! Each subcommand starts the server that it measures on a directory of its own, loads it over loopback
//! from one thread, prints one line of JSON and stops the server. See `README.md` for what the numbers mean.

mod ciphertext;
mod client;
mod fleet;
mod group;
mod idle;
mod limits;
mod logins;
mod measure;
mod media;
mod net;
mod offline;
mod online;
mod process;
mod server;
mod storm;
mod wire;
mod xmpp;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures a Waxwing server.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Pairs of devices that are both connected.
    Online {
        #[command(flatten)]
        common: Common,
        /// Senders, each with a recipient of its own.
        #[arg(long, default_value_t = 100)]
        pairs: usize,
        /// Messages that each sender keeps in flight.
        #[arg(long, default_value_t = 4)]
        window: usize,
        /// How long to measure, seconds, after a second of warming up.
        #[arg(long, default_value_t = 8.0)]
        seconds: f64,
        /// Measure another server in the same way and print the ratio.
        #[arg(long)]
        vs: Option<Rival>,
    },
    /// Messages for devices that are away, and their delivery afterwards.
    Offline {
        #[command(flatten)]
        common: Common,
        /// Senders, each with a recipient of its own.
        #[arg(long, default_value_t = 100)]
        pairs: usize,
        /// Messages in all.
        #[arg(long, default_value_t = 50_000)]
        messages: usize,
    },
    /// Connections that say nothing, and their keep-alive.
    Idle {
        #[command(flatten)]
        common: Common,
        /// Connections to hold, each with an account of its own.
        #[arg(long, default_value_t = 2_000)]
        connections: usize,
        /// Keep-alive round trips to sample.
        #[arg(long, default_value_t = 2_000)]
        pings: usize,
    },
    /// Connections that come and go: handshake, Hello, Welcome.
    Logins {
        #[command(flatten)]
        common: Common,
        /// Devices that log in in turns.
        #[arg(long, default_value_t = 200)]
        devices: usize,
        /// Logins under way at once.
        #[arg(long, default_value_t = 16)]
        concurrency: usize,
        /// How long to measure, seconds.
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
    },
    /// Messages to groups, against the same sent to each member.
    Group {
        #[command(flatten)]
        common: Common,
        /// Sizes of the groups.
        #[arg(long, value_delimiter = ',', default_values_t = [32, 256, 1_024])]
        members: Vec<usize>,
        /// Devices of each member.
        #[arg(long, default_value_t = 1)]
        devices: usize,
        /// Messages of each way.
        #[arg(long, default_value_t = 20)]
        messages: usize,
        /// One line for programs instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// A storm of light events (typing, presence), and people who write to each other meanwhile.
    Storm {
        #[command(flatten)]
        common: Common,
        /// Light events in a second.
        #[arg(long, default_value_t = 10_000)]
        events: usize,
        /// Devices that send them. The server takes about 10 a second from each.
        #[arg(long, default_value_t = 1_600)]
        devices: usize,
        /// Pairs that write to each other.
        #[arg(long, default_value_t = 10)]
        pairs: usize,
        /// How long each part takes, seconds.
        #[arg(long, default_value_t = 8.0)]
        seconds: f64,
    },
    /// A client with a long history: searching it, and starting with it.
    Client {
        #[command(flatten)]
        common: Common,
        /// Messages of the history.
        #[arg(long, default_value_t = 1_000_000)]
        messages: usize,
        /// Contacts, each with a conversation.
        #[arg(long, default_value_t = 300)]
        conversations: usize,
        /// Searches of each kind.
        #[arg(long, default_value_t = 60)]
        searches: usize,
    },
    /// Files: over a bad link, through the server, and encrypted.
    Media {
        #[command(flatten)]
        common: Common,
        /// The `waxwing` of sender and recipient; the one beside this program if not given.
        #[arg(long)]
        client: Option<PathBuf>,
        /// Content of the file that goes over the bad link; 0: none does.
        #[arg(long, default_value_t = 256 * 1024 * 1024)]
        bytes: u64,
        /// What the link carries, megabits a second.
        #[arg(long, default_value_t = 200.0)]
        mbit: f64,
        /// All connections break so often, seconds; as often as carries 37.5 MB if not given: 30 s at 10 Mbit/s.
        #[arg(long)]
        drop_every: Option<f64>,
        /// There and back, milliseconds; 60 at 10 Mbit/s and as many bits at another rate if not given.
        #[arg(long)]
        rtt_ms: Option<f64>,
        /// Segments that are lost, percent.
        #[arg(long, default_value_t = 5.0)]
        loss: f64,
        /// A file of 2 GB at 10 Mbit/s with a break every 30 s: takes an hour.
        #[arg(long, conflicts_with_all = ["bytes", "mbit", "drop_every", "rtt_ms"])]
        full: bool,
        /// Content of the file that is compared with a copy of it; 0: none is.
        #[arg(long, default_value_t = 256 * 1024 * 1024)]
        local_bytes: u64,
        /// Bytes that are encrypted.
        #[arg(long, default_value_t = 64 * 1024 * 1024)]
        cipher_bytes: u64,
    },
    /// Bytes on the socket for one message alone and for many.
    Wire {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// The `waxwingd` to measure; the one beside this program if not given.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Where the server's data go while it runs; on the disk that is to be measured.
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// As small as it can be: shows that everything works, not how fast.
    #[arg(long)]
    smoke: bool,
}

/// Servers to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rival {
    /// XMPP with acknowledgements (XEP-0198) and delivery receipts (XEP-0184); Debian's package.
    Ejabberd,
}

fn main() -> anyhow::Result<()> {
    process::raise_descriptor_limit().context("raising the limit of open files")?;
    let report = match Cli::parse().what {
        What::Online { common, pairs, window, seconds, vs } => {
            let plan = if common.smoke {
                online::Plan { pairs: 4, window, warm_up_seconds: 0.3, seconds: 1.0 }
            } else {
                online::Plan { pairs, window, warm_up_seconds: 1.0, seconds }
            };
            online::run(&common, plan.checked()?, vs)
        }
        What::Offline { common, pairs, messages } => {
            let (pairs, messages) = if common.smoke { (4, 200) } else { (pairs, messages) };
            offline::run(&common, pairs, messages)
        }
        What::Idle { common, connections, pings } => {
            let (connections, pings) = if common.smoke { (50, 100) } else { (connections, pings) };
            idle::run(&common, connections, pings)
        }
        What::Logins { common, devices, concurrency, seconds } => {
            let (devices, seconds) = if common.smoke { (8, 1.0) } else { (devices, seconds) };
            logins::run(&common, devices, concurrency, seconds)
        }
        What::Group { common, members, devices, messages, json } => {
            let plan = if common.smoke {
                group::Plan { members: vec![6], devices: 2, messages: 3 }
            } else {
                group::Plan { members, devices, messages }
            };
            let report = group::run(&common, &plan.checked()?)?;
            if !json {
                println!("{}", group::table(&report));
                return Ok(());
            }
            Ok(report)
        }
        What::Client { common, messages, conversations, searches } => {
            let plan = if common.smoke {
                client::Plan { messages: 3_000, conversations: 20, searches: 2 }
            } else {
                client::Plan { messages, conversations, searches }
            };
            client::run(&common, &plan.checked()?)
        }
        What::Storm { common, events, devices, pairs, seconds } => {
            let plan = if common.smoke {
                storm::Plan { events: 200, devices: 40, pairs: 2, seconds: 1.0 }
            } else {
                storm::Plan { events, devices, pairs, seconds }
            };
            storm::run(&common, plan.checked()?)
        }
        What::Media {
            common,
            client,
            bytes,
            mbit,
            drop_every,
            rtt_ms,
            loss,
            full,
            local_bytes,
            cipher_bytes,
        } => {
            let (bytes, mbit) = if full { (2_000_000_000, 10.0) } else { (bytes, mbit) };
            let (bytes, mbit, local_bytes, cipher_bytes) = if common.smoke {
                (6_000_000, 20.0, 2_000_000, 1_000_000)
            } else {
                (bytes, mbit, local_bytes, cipher_bytes)
            };
            let drop_every = if common.smoke { 0.7 } else { drop_every.unwrap_or(300.0 / mbit) };
            let rtt_ms = rtt_ms.unwrap_or(600.0 / mbit);
            let plan =
                media::Plan { client, bytes, mbit, drop_every, rtt_ms, loss, local_bytes, cipher_bytes };
            media::run(&common, &plan.checked()?)
        }
        What::Wire { common } => wire::run(&common),
    }?;
    println!("{report}");
    Ok(())
}
