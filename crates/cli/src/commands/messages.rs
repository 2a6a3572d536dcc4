//! Single messages: stars, deletion, receipts.

use jiff::tz::TimeZone;
use waxwing_app::api::{Command, Direction, Message};

use super::talk::Writer;
use crate::arguments::{Delete, Global, Messages, MessagesCommand};
use crate::names::{brief_person, person_name};
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::words::{is_notice, receipt_text, ticks};

/// The core deletes so many with one command.
const MAX_DELETED_AT_ONCE: usize = 256;

pub fn messages(global: &Global, arguments: &Messages, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    match &arguments.command {
        MessagesCommand::Starred => starred(&session, printer),
        MessagesCommand::Star { messages } => star(&mut session, messages, true, printer),
        MessagesCommand::Unstar { messages } => star(&mut session, messages, false, printer),
        MessagesCommand::Delete { messages } => delete_here(&mut session, messages, printer),
        MessagesCommand::Receipts { message } => receipts(&session, message, printer),
    }
}

fn starred(session: &Session, printer: &mut Printer) -> Result<(), Error> {
    let messages = session.starred()?;
    if messages.is_empty() {
        printer.note("no starred messages; star one with `waxwing messages star NUMBER`");
    }
    let mut writer = Writer::new(session, printer)?;
    (writer.numbers, writer.places) = (true, true);
    for message in &messages {
        let chat = session.known_chat(&message.with)?;
        writer.message(session, message, &chat)?;
    }
    Ok(())
}

fn known(session: &Session, names: &[String]) -> Result<Vec<Message>, Error> {
    names.iter().map(|name| session.known_message(name)).collect()
}

fn star(session: &mut Session, names: &[String], starred: bool, printer: &mut Printer) -> Result<(), Error> {
    let messages = known(session, names)?;
    for message in &messages {
        session.run(Command::SetStarred { message: message.id.clone(), starred })?;
    }
    session.spread();
    let ids: Vec<_> = messages.iter().map(|message| &message.id).collect();
    printer.print(
        || format!("{} {}", count(messages.len()), if starred { "starred" } else { "not starred any more" }),
        || object("starred", &[("messages", &ids), ("starred", &starred)]),
    )
}

/// Deletes messages on the own devices, or on everybody's.
pub fn delete(global: &Global, arguments: &Delete, printer: &mut Printer) -> Result<(), Error> {
    if arguments.for_everyone {
        return super::delete_for_everyone(global, &arguments.messages, printer);
    }
    delete_here(&mut Session::open_registered(global)?, &arguments.messages, printer)
}

fn delete_here(session: &mut Session, names: &[String], printer: &mut Printer) -> Result<(), Error> {
    let ids: Vec<String> = known(session, names)?.into_iter().map(|message| message.id).collect();
    for some in ids.chunks(MAX_DELETED_AT_ONCE) {
        session.run(Command::DeleteMessages { messages: some.to_vec() })?;
    }
    session.spread();
    printer.print(
        || format!("{} deleted on your devices; nobody else's are touched", count(ids.len())),
        || object("deleted", &[("messages", &ids)]),
    )
}

fn count(messages: usize) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

fn receipts(session: &Session, name: &str, printer: &mut Printer) -> Result<(), Error> {
    let message = session.known_message(name)?;
    if message.direction == Direction::Incoming || is_notice(&message) {
        return Err(Error::user("noReceipts", "only messages of yours have receipts"));
    }
    let zone = TimeZone::system();
    for receipt in session.receipts(&message.id)? {
        printer.print(
            || {
                let name = person_name(&receipt.person);
                format!("{name}  {}{}", ticks(receipt.delivery), receipt_text(&receipt, &zone))
            },
            || {
                let person = brief_person(&receipt.person);
                let (delivered, read) = (receipt.delivered_at_ms, receipt.read_at_ms);
                object(
                    "receipt",
                    &[
                        ("contact", &person),
                        ("delivery", &receipt.delivery),
                        ("atMs", &receipt.at_ms),
                        ("deliveredAtMs", &delivered),
                        ("readAtMs", &read),
                    ],
                )
            },
        )?;
    }
    Ok(())
}
