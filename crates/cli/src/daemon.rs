//! `waxwing daemon`: what programs use to send and receive. It speaks JSON-RPC 2.0 as signal-cli does.
//!
//! One profile, one journal: everything that a program must not miss has an ascending id there, and stays
//! until it was acknowledged. Receivers hold places in the journal, not copies of it.

mod envelope;
mod feed;
mod http;
mod hub;
mod limits;
mod lines;
mod listen;
mod markup;
mod methods;
mod names;
mod params;
mod rpc;
mod token;
#[cfg(test)]
mod total;

use std::io::{self, BufReader, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use waxwing_app::api::{Activity, Command};

use crate::arguments::{Daemon, Global, ReceiveMode};
use crate::commands::stop_flag;
use crate::output::{Error, Printer, object};
use crate::session::Session;
use hub::Hub;
use lines::Client;
use listen::{Door, UnixDoor};
use token::Token;

/// The socket in the profile's folder unless told otherwise.
const SOCKET: &str = "socket";
const TICK: Duration = Duration::from_millis(100);

pub fn daemon(global: &Global, arguments: &Daemon, printer: &mut Printer) -> Result<(), Error> {
    let stop = stop_flag()?;
    let token = arguments.token_file.as_deref().map(Token::read).transpose()?.map(Arc::new);
    let mut session = Session::open_registered(global)?;
    let status = session.status()?;
    session.run(Command::KeepJournal)?;
    if arguments.receive_mode != ReceiveMode::OnConnection {
        session.app.send(Command::GoOnline);
    }
    session.app.send(Command::FetchByRules { on: true });
    // Programs hear who types; that one runs is no sign that the user is there.
    session.app.send(Command::SetActivity { activity: Activity::Listening });
    let timeout = session.timeout;
    let hub = Arc::new(Hub::new(session.app, &status, arguments.receive_mode, timeout));
    let dispatching = hub.clone();
    start("dispatch", move || dispatching.dispatch())?;
    let door = Door::new(hub.clone(), token);
    let result = listen(global, arguments, &door, printer).map(|unix| {
        while hub.end().is_none() && !stop.load(Ordering::Relaxed) {
            thread::sleep(TICK);
        }
        hub.stop(None);
        drop(unix);
    });
    hub.stop(None);
    hub.close();
    result?;
    match hub.end() {
        Some(Some(failure)) => Err(failure.into()),
        _ => Ok(()),
    }
}

fn listen(
    global: &Global,
    arguments: &Daemon,
    door: &Door,
    printer: &mut Printer,
) -> Result<Option<UnixDoor>, Error> {
    let has_token = door.token.is_some();
    let mut unix = None;
    if let Some(path) = &arguments.socket {
        let path = match path {
            Some(path) => path.clone(),
            None => crate::session::data_dir(global)?.join(SOCKET),
        };
        unix = Some(listen::unix(door, &path)?);
        tell(printer, "unix", &path.display().to_string())?;
    }
    if let Some(address) = &arguments.tcp {
        let address = listen::tcp(door, &listen::resolve(address, has_token)?)?;
        tell(printer, "tcp", &address.to_string())?;
    }
    if let Some(address) = &arguments.http {
        let address = listen::http(door, &listen::resolve(address, has_token)?)?;
        tell(printer, "http", &format!("http://{address}"))?;
    }
    if arguments.socket.is_none() && arguments.tcp.is_none() && arguments.http.is_none() {
        serve_standard(&door.hub)?;
    }
    Ok(unix)
}

fn tell(printer: &mut Printer, kind: &str, address: &str) -> Result<(), Error> {
    let told = printer.print(
        || format!("listening on {address}"),
        || object("listening", &[("kind", &kind), ("address", &address)]),
    );
    match told {
        // Nobody wants to know.
        Err(Error::OutputClosed) => Ok(()),
        told => told,
    }
}

/// Standard input and output are one connection; when it ends, the daemon does.
fn serve_standard(hub: &Arc<Hub>) -> Result<(), Error> {
    let (hub, unheard) = (hub.clone(), hub.clone());
    let hang_up = move || unheard.stop(None);
    let client = Arc::new(Client::new(Box::new(io::stdout()), Box::new(hang_up), None, false));
    let serve = move || {
        lines::serve(&hub, &client, &mut BufReader::new(io::stdin()));
        // What was asked for last is still to go out.
        hub.settle();
        hub.stop(None);
    };
    start("standard", serve)
}

/// Runs something beside everything else.
fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(drop).map_err(|error| Error::device("thread", format!("no thread can be started: {error}")))
}

/// For whoever started the daemon.
fn note(line: &str) {
    let _ = writeln!(io::stderr(), "waxwing: {line}");
}
