//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use waxwing_wire::directory::{Address, AddressCode};
use waxwing_wire::invitation::{Invitation, InvitationToken};
use waxwing_wire::{DeviceKey, Reject};

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
    /// Vouch for an e-mail address or telephone number of an account that is there, and print the code to redeem
    Address(AddressArguments),
    /// Print what the running server counts
    Stats(Place),
    /// Print what takes room on the disk of the running server
    Storage(Storage),
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
    /// For one account, which has this e-mail address or telephone number: it can let itself be found by it
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["reusable", "uses"])]
    address: Option<String>,
}

#[derive(Args)]
struct AddressArguments {
    #[command(flatten)]
    place: Place,
    /// An e-mail address, or a telephone number with its country code
    address: String,
    /// The code ends after so many days
    #[arg(long, value_name = "N", default_value_t = 7)]
    expires_days: u32,
}

#[derive(Args)]
struct Storage {
    #[command(flatten)]
    place: Place,
    /// Look for what has expired now, and delete what belongs to nothing
    #[arg(long)]
    reclaim: bool,
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
        Command::Address(arguments) => run_address(&arguments),
        Command::Stats(place) => print_numbers(&place, &Request::Stats),
        Command::Storage(Storage { place, reclaim }) => print_numbers(&place, &Request::Storage { reclaim }),
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
    serve(&arguments.data_dir, &options.resolve()?)
}

fn run_invite(arguments: &Invite) -> anyhow::Result<()> {
    let uses = (!arguments.reusable).then_some(arguments.uses);
    let expires_at_ms = arguments.expires_days.map(ends_after).transpose()?;
    let data_dir = &arguments.place.data_dir;
    let address = arguments.address.as_deref().map(Address::parse).transpose()?;
    let request = Request::Invite { uses, expires_at_ms, address: arguments.address.clone() };
    let invitation = match ask(data_dir, &request)? {
        Some(answer) => text_of(&answer, "invitation")?,
        None => {
            let job = |answer| Job::Invite { uses, expires_at_ms, address, answer };
            let (server, token) = draw_offline(data_dir, job)?;
            Invitation { server, token }.to_text()
        }
    };
    if arguments.place.json {
        let object = json!({ "invitation": invitation, "uses": uses, "expires_at_ms": expires_at_ms });
        print(&object.to_string())
    } else {
        print(&invitation)
    }
}

fn run_address(arguments: &AddressArguments) -> anyhow::Result<()> {
    let expires_at_ms = Some(ends_after(arguments.expires_days)?);
    let data_dir = &arguments.place.data_dir;
    let address = Address::parse(&arguments.address)?;
    let request = Request::Address { address: arguments.address.clone(), expires_at_ms };
    let code = match ask(data_dir, &request)? {
        Some(answer) => text_of(&answer, "code")?,
        None => {
            let job = |answer| Job::Vouch { address, expires_at_ms, answer };
            AddressCode(draw_offline(data_dir, job)?.1.0).to_text()
        }
    };
    if arguments.place.json {
        print(&json!({ "code": code, "expires_at_ms": expires_at_ms }).to_string())
    } else {
        print(&code)
    }
}

fn ends_after(days: u32) -> anyhow::Result<u64> {
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is set before 1970")?;
    Ok((now + DAY * days).as_millis().try_into().unwrap_or(u64::MAX))
}

fn text_of(answer: &Value, name: &str) -> anyhow::Result<String> {
    let text = answer.get(name).and_then(Value::as_str);
    Ok(text.context("the server's answer is not understood")?.to_owned())
}

/// Nobody serves on the data directory: then its store can be opened here. Gives the server's key too.
fn draw_offline(
    data_dir: &Path,
    job: impl FnOnce(SyncSender<Result<InvitationToken, Reject>>) -> Job,
) -> anyhow::Result<(DeviceKey, InvitationToken)> {
    make_directory(data_dir)?;
    let store = Embedded::open(data_dir, store::Options::default())?;
    let key = identity::load_or_create(data_dir)?;
    let inbox = Arc::new(Queue::new(1, 1));
    let (answer, answered) = sync_channel(1);
    inbox.put(&mut vec![job(answer)], 0);
    // An engine with no I/O threads ends when its queue is empty.
    let engine = Engine::new(store, Default::default(), DAY, inbox, Vec::new(), Arc::new(Stats::default()));
    if let Err(failed) = engine.run() {
        bail!("cannot write to the store: {}", failed.0);
    }
    match answered.recv().context("the store was not written to")? {
        Ok(token) => Ok((key.public(), token)),
        Err(reject) => bail!("{}", reject.detail),
    }
}

/// An object of a running server, a line for each of its members or as JSON.
fn print_numbers(place: &Place, request: &Request) -> anyhow::Result<()> {
    let Some(answer) = ask(&place.data_dir, request)? else {
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
