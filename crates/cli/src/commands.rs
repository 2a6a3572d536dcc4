//! The commands that print lines.

mod receive;

pub use receive::receive;

use std::io::Read as _;
use std::time::Instant;

use jiff::tz::TimeZone;
use waxwing_app::api::{
    Answer, Body, Command, Connection, Contact, Delivery, Direction, Event, Message, Protection, Query, Trust,
};

use crate::arguments::{
    Contacts, ContactsCommand, Global, History, Register, SafetyNumber, Send as SendArguments,
};
use crate::output::{Error, Printer, object};
use crate::session::{Hope, Session, refused};
use crate::text;

/// What is read from standard input at most; the server's own limit is lower and is told by its name.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

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

pub fn send(global: &Global, arguments: &SendArguments, printer: &mut Printer) -> Result<(), Error> {
    let text = message_text(&arguments.text)?;
    let mut session = Session::open_registered(global)?;
    let contact = session.find_contact(&arguments.name)?;
    session.app.send(Command::GoOnline);
    let answered = session.run(Command::SendText { to: contact.account.clone(), text })?;
    let id = answered.message.unwrap_or_default();
    let refusal = await_acceptance(&mut session, &id)?;
    let Some(message) = session.message(&id)? else {
        return Err(Error::device("internal", "the message is not in the history; this is a bug"));
    };
    if message.delivery == Delivery::Failed {
        return Err(Error::server("notTaken", "the server did not take the message for good; send it anew"));
    }
    let name = name_of(&contact);
    let why =
        session.reason().map_or_else(|| "no connection".to_owned(), |reason| text::one_line(&reason.detail));
    printer.print(
        || match message.delivery {
            Delivery::Pending => {
                format!("⏱ queued for {name}: {why}; it will go out with the next command")
            }
            delivery => format!("{} sent to {name}", ticks(delivery)),
        },
        || object("sent", &[("contact", &brief(&contact)), ("message", &message)]),
    )?;
    // The message is safe, but no later command will do better.
    match refusal {
        Some(code) if message.delivery == Delivery::Pending => Err(refused(&code)),
        _ => Ok(()),
    }
}

/// Until the server has the message, or there is no hope of that now. A refusal is returned.
fn await_acceptance(session: &mut Session, id: &str) -> Result<Option<String>, Error> {
    let deadline = Instant::now() + session.timeout;
    // It may have happened before the command was answered.
    while session.message(id)?.is_some_and(|message| message.delivery == Delivery::Pending) {
        let Some(event) = session.next(deadline) else { return Ok(None) };
        match session.hope(&event) {
            Hope::Some => {}
            Hope::None => return Ok(None),
            Hope::Refused(code) => return Ok(Some(code)),
        }
        if matches!(&event, Event::Failed { .. } | Event::StorageFailed { .. }) {
            return Ok(None);
        }
    }
    Ok(None)
}

fn message_text(words: &[String]) -> Result<String, Error> {
    if words != ["-"] {
        return Ok(words.join(" "));
    }
    let mut text = String::new();
    std::io::stdin().lock().take(MAX_INPUT_BYTES).read_to_string(&mut text).map_err(|error| {
        Error::user("badInput", format!("standard input cannot be read as UTF-8 text: {error}"))
    })?;
    let end = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(end);
    Ok(text)
}

pub fn contacts(global: &Global, arguments: &Contacts, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    if let Some(ContactsCommand::Add { name }) = &arguments.command {
        let contact = session.find_contact(name)?;
        return printer.print(|| format!("{} is a contact", name_of(&contact)), || contact_object(&contact));
    }
    let contacts = session.contacts()?;
    if contacts.is_empty() {
        printer.note("no contacts yet; add one with `waxwing contacts add NAME`");
    }
    let zone = TimeZone::system();
    for contact in &contacts {
        printer.print(|| contact_line(contact, &zone), || contact_object(contact))?;
    }
    Ok(())
}

fn contact_line(contact: &Contact, zone: &TimeZone) -> String {
    let trust = match contact.trust {
        Trust::FirstUse => "",
        Trust::Verified => "  verified",
        Trust::Changed { .. } => "  safety number changed",
    };
    let unread = if contact.unread > 0 { format!("  {} unread", contact.unread) } else { String::new() };
    let last = contact.last_message.as_ref().map(|message| {
        let mut text = text::one_line(&body_text(&message.body));
        if message.direction == Direction::Outgoing {
            text.insert_str(0, "you: ");
        }
        if let Some((end, _)) = text.char_indices().nth(40) {
            text.truncate(end);
            text.push('…');
        }
        format!("  {}  {text}", text::date_and_clock(message.stored_at_ms, zone))
    });
    format!("{}{trust}{unread}{}", name_of(contact), last.unwrap_or_default())
}

fn contact_object(contact: &Contact) -> serde_json::Value {
    let mut object = object("contact", &[]);
    if let (Some(map), Ok(serde_json::Value::Object(fields))) =
        (object.as_object_mut(), serde_json::to_value(contact))
    {
        map.extend(fields);
    }
    object
}

pub fn history(global: &Global, arguments: &History, printer: &mut Printer) -> Result<(), Error> {
    let session = Session::open_registered(global)?;
    let contact = session.known_contact(&arguments.name)?;
    let mut pages: Vec<Vec<Message>> = Vec::new();
    let (mut left, mut before) = (arguments.limit, None);
    while left > 0 {
        let page = session.history(&contact.account, before, left.min(500))?;
        let Some(first) = page.first() else { break };
        before = Some(first.order);
        left -= page.len();
        pages.push(page);
    }
    let zone = TimeZone::system();
    for message in pages.iter().rev().flatten() {
        printer.print(
            || message_line(message, &contact, &zone),
            || object("message", &[("contact", &brief(&contact)), ("message", message)]),
        )?;
    }
    Ok(())
}

pub fn safety_number(global: &Global, arguments: &SafetyNumber, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let contact = session.known_contact(&arguments.name)?;
    if arguments.verified || arguments.unverified {
        let account = contact.account.clone();
        session.run(Command::SetVerified { account, verified: arguments.verified })?;
    }
    let query = Query::SafetyNumber { account: contact.account.clone() };
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

pub fn status(global: &Global, printer: &mut Printer) -> Result<(), Error> {
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
    let mut object = object("status", &[]);
    if let (Some(map), Ok(serde_json::Value::Object(fields))) =
        (object.as_object_mut(), serde_json::to_value(&status))
    {
        map.extend(fields);
    }
    printer.print(
        || {
            let account = match (&status.username, &status.account) {
                (Some(name), Some(account)) => format!("{name} (account {account})"),
                (None, Some(account)) => format!("account {account}"),
                (_, None) => "not registered; make an account with `waxwing register`".to_owned(),
            };
            let protection = match status.protection {
                Protection::KeyFile => "a key file",
                Protection::Passphrase => "a passphrase",
            };
            format!(
                "account:    {account}\nserver:     {}\nconnection: {}\nunread:     {}\npending:    {}\n\
                 database:   encrypted under {protection}",
                status.server.as_deref().map_or_else(|| "none".to_owned(), text::one_line),
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

/// A contact as people call it. Usernames are ASCII; an account without one is named by its first digits.
pub fn name_of(contact: &Contact) -> String {
    contact.username.clone().unwrap_or_else(|| {
        let digits: String = contact.account.chars().take(8).collect();
        format!("someone unknown ({digits}…)")
    })
}

/// A contact where a message names it for programs.
pub fn brief(contact: &Contact) -> serde_json::Value {
    serde_json::json!({ "account": contact.account, "username": contact.username })
}

/// Ticks as everybody knows them; colours are the screen's affair.
pub fn ticks(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "⏱",
        Delivery::Sent => "✓",
        Delivery::Delivered => "✓✓",
        Delivery::Read => "✓✓ read",
        Delivery::Failed => "✗ not sent",
    }
}

/// What a message says, or what is to be said about it.
pub fn body_text(body: &Body) -> String {
    match body {
        Body::Text { text } => text.clone(),
        Body::Waiting => "waiting for this message…".to_owned(),
        Body::Lost => "this message could not be decrypted; ask for it to be sent again".to_owned(),
        Body::Unknown => "this message needs a newer version of waxwing".to_owned(),
    }
}

/// One message of a conversation as a line; lines of its text after the first are indented.
pub fn message_line(message: &Message, contact: &Contact, zone: &TimeZone) -> String {
    let time = text::date_and_clock(message.stored_at_ms, zone);
    let text = text::indented(&body_text(&message.body));
    match message.direction {
        Direction::Incoming => format!("{time} {}: {text}", name_of(contact)),
        Direction::Outgoing => format!("{time} you: {text}  {}", ticks(message.delivery)),
    }
}
