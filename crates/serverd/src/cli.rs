//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use waxwing_wire::invitation::Invitation;

use crate::admin::{Request, ask};
use crate::config::{self, Options, Unusable};
use crate::engine::Engine;
use crate::message::Job;
use crate::queue::Queue;
use crate::serve::{make_directory, serve};
use crate::stats::Stats;
use crate::store::{self, Embedded};
use crate::{fail_stop, identity};

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The Waxwing server: keeps and hands on encrypted messages that it cannot read.
#[derive(Parser)]
#[command(name = "waxwingd", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to end
    Serve(Box<Serve>),
    /// Make an invitation, and print it
    Invite(Invite),
    /// Print what the running server counts
    Stats(Place),
    /// Print the server's public key
    Key(Place),
}

#[derive(Args)]
struct Serve {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", env = "WAXWINGD_DATA_DIR")]
    data_dir: PathBuf,
    /// Settings as TOML, by the names of the flags
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
struct Invite {
    #[command(flatten)]
    place: Place,
    /// For any number of accounts
    #[arg(long, conflicts_with = "uses")]
    reusable: bool,
    /// For so many accounts
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u32,
    /// Ends after so many days [default: never]
    #[arg(long, value_name = "N")]
    expires_days: Option<u32>,
}

#[derive(Args)]
struct Place {
    /// Where the server keeps everything
    #[arg(long, value_name = "DIR", env = "WAXWINGD_DATA_DIR")]
    data_dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    fail_stop::install();
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => run_serve(*arguments),
        Command::Invite(arguments) => run_invite(&arguments),
        Command::Stats(place) => run_stats(&place),
        Command::Key(place) => run_key(&place),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "waxwingd: {error:#}");
            if error.is::<Unusable>() { ExitCode::from(EXIT_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

fn run_serve(arguments: Serve) -> anyhow::Result<()> {
    let mut options = config::read(arguments.options, arguments.config.as_ref())?;
    log(options.log.take(), options.log_json.unwrap_or(false))?;
    serve(&arguments.data_dir, &options.resolve())
}

fn run_invite(arguments: &Invite) -> anyhow::Result<()> {
    let uses = (!arguments.reusable).then_some(arguments.uses);
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is set before 1970")?;
    let ends = arguments.expires_days.map(|days| now + DAY * days);
    let expires_at_ms = ends.map(|ends| ends.as_millis().try_into().unwrap_or(u64::MAX));
    let data_dir = &arguments.place.data_dir;
    let invitation = match ask(data_dir, &Request::Invite { uses, expires_at_ms })? {
        Some(answer) => answer
            .get("invitation")
            .and_then(Value::as_str)
            .context("the server's answer is not understood")?
            .to_owned(),
        None => invite_offline(data_dir, uses, expires_at_ms)?,
    };
    if arguments.place.json {
        let object = json!({ "invitation": invitation, "uses": uses, "expires_at_ms": expires_at_ms });
        print(&object.to_string())
    } else {
        print(&invitation)
    }
}

/// Nobody serves on the data directory: then its store can be opened here.
fn invite_offline(data_dir: &Path, uses: Option<u32>, expires_at_ms: Option<u64>) -> anyhow::Result<String> {
    make_directory(data_dir)?;
    let store = Embedded::open(data_dir, store::Options::default())?;
    let key = identity::load_or_create(data_dir)?;
    let inbox = Arc::new(Queue::new(1, 1));
    let (answer, answered) = sync_channel(1);
    inbox.put(&mut vec![Job::Invite { uses, expires_at_ms, answer }], 0);
    // An engine with no I/O threads ends when its queue is empty.
    let engine = Engine::new(store, Default::default(), DAY, inbox, Vec::new(), Arc::new(Stats::default()));
    if let Err(failed) = engine.run() {
        bail!("cannot write the invitation: {}", failed.0);
    }
    match answered.recv().context("the invitation was not made")? {
        Ok(token) => Ok(Invitation { server: key.public(), token }.to_text()),
        Err(reject) => bail!("{}", reject.detail),
    }
}

fn run_stats(place: &Place) -> anyhow::Result<()> {
    let Some(answer) = ask(&place.data_dir, &Request::Stats)? else {
        bail!("no server is running on {}: start one with `waxwingd serve`", place.data_dir.display());
    };
    match answer {
        Value::Object(numbers) if !place.json => {
            let lines: Vec<_> = numbers.iter().map(|(name, value)| format!("{name} {value}")).collect();
            print(&lines.join("\n"))
        }
        answer => print(&answer.to_string()),
    }
}

fn run_key(place: &Place) -> anyhow::Result<()> {
    let Some(key) = identity::load(&place.data_dir)? else {
        bail!("no server key in {} yet: start the server once", place.data_dir.display());
    };
    let public = identity::public_text(&key.public());
    if place.json { print(&json!({ "key": public }).to_string()) } else { print(&public) }
}

fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("cannot write to standard output")
}

/// Logs to standard error. fjall's own lines are kept to warnings: they name files, never rows.
fn log(filter: Option<String>, json: bool) -> anyhow::Result<()> {
    let filter = filter.unwrap_or_else(|| "info,fjall=warn,lsm_tree=warn".into());
    let filter = EnvFilter::try_new(&filter).with_context(|| format!("--log {filter}: not a filter"))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        subscriber.json().init()
    } else {
        subscriber.with_ansi(false).init()
    }
    Ok(())
}
