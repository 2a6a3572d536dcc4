//! The commands that print lines.

pub mod acts;
mod chats;
mod completions;
mod contacts;
mod devices;
mod findable;
mod group;
mod link;
mod lists;
mod media;
mod messages;
mod people;
mod receive;
mod search;
mod sound;
mod status;
mod storage;
mod talk;

pub use acts::{
    answer, card, delete_for_everyone, delete_for_everyone_in, disappear, draft, e7, edit, event, forward,
    keep, location, moment, moved, note, open, pin, poll, preview_reach, react, reply, typed, vote,
};
pub use chats::chats;
pub use completions::completions;
pub use contacts::contacts;
pub use devices::{devices, line as device_line, now_ms};
pub use group::{described, group};
pub use link::link;
pub use lists::list;
pub use media::{media, safe_name, safe_name_of, target};
pub use messages::{delete, messages};
pub use people::{profile, requests, settings};
pub use receive::{receive, stop_flag};
pub use search::{place, search};
pub use status::{author as status_author, status};
pub use talk::{history, history_of, send};

use std::time::Instant;

use waxwing_app::api::{Answer, Command, Connection, Event, Protection, Query, ServerTrust, Trust};

use crate::arguments::{Global, Register, SafetyNumber};
use crate::names::{brief, name_of};
use crate::output::{Error, Printer, fields, object};
use crate::session::{Hope, Session};
use crate::text;

pub fn register(global: &Global, arguments: &Register, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open(global, true)?;
    session.ask(Command::Register {
        server: arguments.server.clone(),
        invitation: arguments.invite.clone(),
        username: arguments.username.clone(),
    })?;
    let status = session.status()?;
    let name = status.username.clone().unwrap_or_default();
    printer.print(
        || format!("registered as {name}; talk with `waxwing chat NAME`"),
        || {
            object(
                "registered",
                &[
                    ("account", &status.account),
                    ("device", &status.device),
                    ("username", &status.username),
                    ("server", &status.server),
                ],
            )
        },
    )
}

pub fn safety_number(global: &Global, arguments: &SafetyNumber, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let contact = session.known_contact(&arguments.name)?;
    if arguments.verified || arguments.unverified {
        let account = contact.person.account.clone();
        session.run(Command::SetVerified { account, verified: arguments.verified })?;
    }
    let query = Query::SafetyNumber { account: contact.person.account.clone() };
    let Answer::SafetyNumber { number: Some(number), trust } = session.app.query(query)? else {
        let detail = "this contact's key is not known yet; it is once a message went either way";
        return Err(Error::user("keyUnknown", detail));
    };
    printer.print(
        || {
            let trust = match trust {
                Trust::FirstUse => "not verified: compare these digits with theirs, then add --verified",
                Trust::Verified => "verified",
                Trust::Changed { .. } => {
                    "their key is another than before: compare these digits anew, then add --verified"
                }
            };
            format!("{}\n\n{}\n{trust}", name_of(&contact), digits(&number))
        },
        || object("safetyNumber", &[("contact", &brief(&contact)), ("number", &number), ("trust", &trust)]),
    )
}

/// Sixty digits as people compare them: groups of five, four to a line.
fn digits(number: &str) -> String {
    let mut out = String::new();
    for (index, digit) in number.chars().filter(char::is_ascii_digit).enumerate() {
        match (index % 20, index % 5) {
            (0, _) if index > 0 => out.push('\n'),
            (_, 0) if index > 0 => out.push(' '),
            _ => {}
        }
        out.push(digit);
    }
    out + "\n"
}

pub fn account(global: &Global, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open(global, false)?;
    if session.status()?.account.is_some() {
        session.app.send(Command::GoOnline);
        let deadline = Instant::now() + session.timeout;
        while let Some(event) = session.next(deadline) {
            let online = matches!(&event, Event::Connection { connection: Connection::Online });
            if online || !matches!(session.hope(&event), Hope::Some) {
                break;
            }
        }
    }
    let status = session.status()?;
    let object = fields("account", &status);
    printer.print(
        || {
            let account = match (&status.username, &status.account) {
                (Some(name), Some(account)) => format!("{name} (account {account})"),
                (None, Some(account)) => format!("account {account}"),
                (_, None) => "not registered; make an account with `waxwing register`, or link \
                              this device to yours with `waxwing link`"
                    .to_owned(),
            };
            let protection = match status.protection {
                Protection::KeyFile => "a key file",
                Protection::Passphrase => "a passphrase",
            };
            let server = match (&status.server, &status.server_key) {
                (Some(server), Some(key)) => format!("{}#{key}", text::one_line(server)),
                (Some(server), None) => text::one_line(server),
                (None, _) => "none".to_owned(),
            };
            let trust = match status.server_trust {
                Some(ServerTrust::Invitation) => "\n            its key is the one in the invitation",
                Some(ServerTrust::User) => "\n            its key is the one that you named",
                Some(ServerTrust::FirstUse) => {
                    "\n            its key is the one that it showed first: compare it with another device's"
                }
                None => "",
            };
            let device = status.device.map(|device| format!("device:     {device}\n")).unwrap_or_default();
            format!(
                "account:    {account}\n{device}server:     {server}{trust}\nconnection: {}\nunread:     {}\npending:    {}\n\
                 database:   encrypted under {protection}",
                connection_words(&status.connection),
                status.unread,
                status.pending,
            )
        },
        || object,
    )
}

/// The connection in words.
pub fn connection_words(connection: &Connection) -> String {
    match connection {
        Connection::Offline => "offline".to_owned(),
        Connection::Waiting { reason: Some(reason), .. } => {
            format!("none; {}", text::one_line(&reason.detail))
        }
        Connection::Waiting { reason: None, .. } => "none; trying again".to_owned(),
        Connection::Connecting => "connecting".to_owned(),
        Connection::Online => "connected".to_owned(),
        Connection::Refused { code } => format!("refused by the server ({})", text::one_line(code)),
    }
}
