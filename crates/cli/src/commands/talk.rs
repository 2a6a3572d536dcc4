//! Sending, and printing what was said.

use std::io::Read as _;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde_json::Value;
use waxwing_app::api::{
    Attachment, AttachmentKind, BroadcastList, Chat, ChatWith, Command, Delivery, Direction, Event, Message,
    Person, Post,
};

use super::acts::{previewed, typed};
use super::media::{Bar, STILL, attach};
use super::sound::recorded;
use crate::arguments::{Global, History, Send};
use crate::names::{Names, brief_person, chat_name};
use crate::output::{Error, Printer, object};
use crate::session::{Hope, Session, refused};
use crate::text;
use crate::words::{is_notice, missing_text, ticks, whole_text, without_preview};

/// What is read from standard input at most; the server's own limit is lower and is told by its name.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

/// Notes that are printed.
const NOTES: usize = 50;

/// Where a message can go.
enum Target {
    Chat(Box<Chat>),
    List(BroadcastList),
}

pub fn send(global: &Global, arguments: &Send, printer: &mut Printer) -> Result<(), Error> {
    let recorded = recorded(&arguments.files, &arguments.text)?;
    let text = message_text(&arguments.text)?;
    let mut session = Session::open_registered(global)?;
    match target(&mut session, &arguments.name)? {
        Target::Chat(chat) => {
            session.app.send(Command::GoOnline);
            let post = written(&mut session, &text, arguments, recorded, printer)?;
            let command = Command::Send { to: chat.conversation.clone(), post: Box::new(post) };
            let answered = session.run(once(command, arguments.idempotency_key.as_deref()))?;
            let id = answered.message.unwrap_or_default();
            if let Some(patience) = arguments.wait_delivered {
                await_delivery(&mut session, &id, patience)?;
            }
            report(&mut session, &id, &chat, printer)?;
            if arguments.wait_delivered.is_some() {
                delivered(&session, &id)?;
            }
        }
        Target::List(_) if arguments.wait_delivered.is_some() => {
            let detail = "a broadcast list is many conversations; --wait-delivered goes with one";
            return Err(Error::user("listDelivery", detail));
        }
        Target::List(list) => {
            session.app.send(Command::GoOnline);
            let post = Box::new(written(&mut session, &text, arguments, recorded, printer)?);
            let command = Command::SendToList { list: list.id.clone().unwrap_or_default(), post };
            send_to_list(&mut session, once(command, arguments.idempotency_key.as_deref()), printer)?;
        }
    }
    // The user's other devices are told after the server has taken it.
    session.spread();
    Ok(())
}

/// What is sent.
fn written(
    session: &mut Session,
    text: &str,
    arguments: &Send,
    recorded: Option<Vec<u8>>,
    printer: &mut Printer,
) -> Result<Post, Error> {
    let attachments = attach(session, &arguments.files, recorded, printer.is_json())?;
    let picture = |file: &Attachment| {
        file.kind == AttachmentKind::Document
            && matches!(file.media_type.as_str(), "image/heic" | "image/avif")
    };
    if !arguments.files.document && attachments.iter().any(picture) {
        printer.note(
            "HEIC and AVIF go as documents, without where and when they were taken; make a JPEG of it to send a photo",
        );
    }
    let alone = attachments.is_empty();
    let post = Post { once: arguments.once, attachments, ..typed(session, text, arguments.plain)? };
    if arguments.no_preview || !alone { Ok(post) } else { previewed(session, post) }
}

/// A contact or group that is known here, a broadcast list, or somebody whom the server knows.
fn target(session: &mut Session, name: &str) -> Result<Target, Error> {
    if let Some(chat) = session.chat(name)? {
        return Ok(Target::Chat(Box::new(chat)));
    }
    if let Some(list) = session.list(name)? {
        return Ok(Target::List(list));
    }
    Ok(Target::Chat(Box::new(session.find_chat(name)?)))
}

/// The caller's key makes a repetition harmless.
fn once(command: Command, key: Option<&str>) -> Command {
    match key {
        Some(key) => Command::Once { key: format!("cli:{key}"), command: Box::new(command) },
        None => command,
    }
}

/// Until a message is on a device of everybody it is for, or failed, or for so long.
fn await_delivery(session: &mut Session, id: &str, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    while session.message(id)?.is_some_and(|message| message.delivery < Delivery::Delivered) {
        let Some(event) = session.next(deadline) else { break };
        if matches!(session.hope(&event), Hope::Refused(_)) {
            break;
        }
    }
    Ok(())
}

/// Insists on it.
fn delivered(session: &Session, id: &str) -> Result<(), Error> {
    match session.message(id)?.map(|message| message.delivery) {
        Some(Delivery::Delivered | Delivery::Read) => Ok(()),
        _ => Err(Error::server(
            "notDelivered",
            "the message is not on the recipient's device yet; it is kept, and will be delivered",
        )),
    }
}

fn send_to_list(session: &mut Session, command: Command, printer: &mut Printer) -> Result<(), Error> {
    session.app.send(Command::GoOnline);
    session.run(command)?;
    let outgoing = |event| match event {
        Event::Message { message } if message.direction == Direction::Outgoing => Some(message),
        _ => None,
    };
    let written: Vec<Message> = session.take_backlog().into_iter().filter_map(outgoing).collect();
    let mut result = Ok(());
    for message in written {
        let chat = session.known_chat(&message.with)?;
        // Whoever comes after somebody whom it did not reach gets theirs all the same.
        let reported = report(session, &message.id, &chat, printer);
        result = result.and(reported);
    }
    result
}

/// Waits until the server has the message, or not, and says which.
pub fn report(session: &mut Session, id: &str, chat: &Chat, printer: &mut Printer) -> Result<(), Error> {
    let refusal = await_acceptance(session, id, &mut Bar::new(printer.is_json()))?;
    let Some(message) = session.message(id)? else {
        return Err(Error::device("internal", "the message is not in the history; this is a bug"));
    };
    if message.delivery == Delivery::Failed {
        return Err(Error::server("notTaken", "the server did not take the message for good; send it anew"));
    }
    let name = chat_name(chat);
    let queued = no_connection(session, &format!("queued for {name}"));
    printer.print(
        || match message.delivery {
            Delivery::Pending => queued,
            delivery => format!("{} sent to {name}", ticks(delivery)),
        },
        || with_chat("sent", chat, &[("message", &message)]),
    )?;
    // The message is safe, but no later command will do better.
    match refusal {
        Some(code) if message.delivery == Delivery::Pending => Err(refused(&code)),
        _ => Ok(()),
    }
}

/// What is said of something that waits for the server.
pub fn no_connection(session: &Session, what: &str) -> String {
    let why =
        session.reason().map_or_else(|| "no connection".to_owned(), |reason| text::one_line(&reason.detail));
    format!("⏱ {what}: {why}; it will go out with the next command")
}

/// Until the server has the message, or there is no hope of that now. A refusal is returned.
pub fn await_acceptance(session: &mut Session, id: &str, bar: &mut Bar) -> Result<Option<String>, Error> {
    let mut deadline = Instant::now() + session.timeout;
    // It may have happened before the command was answered.
    while session.message(id)?.is_some_and(|message| message.delivery == Delivery::Pending) {
        let Some(event) = session.next(deadline) else { return Ok(None) };
        bar.show(&event);
        if matches!(&event, Event::FileProgress { .. }) {
            deadline = Instant::now() + STILL;
        }
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

pub fn message_text(words: &[String]) -> Result<String, Error> {
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

pub fn history(global: &Global, arguments: &History, printer: &mut Printer) -> Result<(), Error> {
    let session = Session::open_registered(global)?;
    let chat = session.known_chat(&arguments.name)?;
    let mut pages: Vec<Vec<Message>> = Vec::new();
    let (mut left, mut before) = (arguments.limit, None);
    while left > 0 {
        let page = session.history(&chat.conversation, before, left.min(500))?;
        let Some(first) = page.first() else { break };
        before = Some(first.order);
        left -= page.len();
        pages.push(page);
    }
    let mut writer = Writer::new(&session, printer)?;
    writer.numbers = arguments.numbers;
    for message in pages.iter().rev().flatten() {
        writer.message(&session, message, &chat)?;
    }
    Ok(())
}

/// Prints the last messages of a conversation with their numbers.
pub fn history_of(session: &Session, name: &str, printer: &mut Printer) -> Result<(), Error> {
    let chat = session.known_chat(name)?;
    let page = session.history(&chat.conversation, None, NOTES)?;
    let mut writer = Writer::new(session, printer)?;
    writer.numbers = true;
    for message in &page {
        writer.message(session, message, &chat)?;
    }
    Ok(())
}

/// Prints messages.
pub struct Writer<'a> {
    pub names: Names,
    pub printer: &'a mut Printer,
    /// With the message's number.
    pub numbers: bool,
    /// With the group's name.
    pub places: bool,
    zone: TimeZone,
}

impl<'a> Writer<'a> {
    pub fn new(session: &Session, printer: &'a mut Printer) -> Result<Self, Error> {
        let names = Names::new(&session.status()?);
        Ok(Self { names, printer, numbers: false, places: false, zone: TimeZone::system() })
    }

    /// One message; and before it, what is missing there.
    pub fn message(&mut self, session: &Session, message: &Message, chat: &Chat) -> Result<(), Error> {
        self.names.learn(session, message)?;
        if message.missing_before > 0 {
            self.printer.print(
                || format!("! {}", missing_text(message.missing_before, &self.names.of(&message.from))),
                || {
                    let from = self.names.brief(&message.from);
                    with_chat("gap", chat, &[("from", &from), ("missing", &message.missing_before)])
                },
            )?;
        }
        let line = if chat.request { self.line(&without_preview(message)) } else { self.line(message) };
        self.printer.print(
            || line,
            || match &chat.with {
                ChatWith::Contact { .. } => with_chat("message", chat, &[("message", message)]),
                ChatWith::Group { .. } => {
                    let author = self.names.brief(&message.from);
                    with_chat("message", chat, &[("author", &author), ("message", message)])
                }
            },
        )
    }

    /// One of somebody's status updates.
    pub fn status(&mut self, session: &Session, message: &Message, author: &Person) -> Result<(), Error> {
        self.names.learn(session, message)?;
        self.numbers = true;
        let line = self.line(message);
        let brief = brief_person(author);
        self.printer.print(|| line, || object("statusUpdate", &[("author", &brief), ("message", message)]))
    }

    /// One message as a line; lines of its text after the first are indented.
    fn line(&self, message: &Message) -> String {
        let names = &self.names;
        let number = if self.numbers { format!("#{} ", message.order) } else { String::new() };
        let time = text::date_and_clock(message.stored_at_ms, &self.zone);
        let is_group = message.with.starts_with("g:");
        let place = match is_group && self.places {
            true => format!(" in {}", names.group(&message.with)),
            false => String::new(),
        };
        let text = text::indented(&whole_text(message, names));
        if is_notice(message) {
            return format!("{number}{time} *{place} {text}");
        }
        match message.direction {
            Direction::Incoming => format!("{number}{time} {}{place}: {text}", names.of(&message.from)),
            Direction::Outgoing => {
                format!("{number}{time} you{place}: {text}  {}", ticks(message.delivery))
            }
        }
    }
}

/// An object that names its conversation: `contact` or `group`.
pub fn with_chat(kind: &str, chat: &Chat, parts: &[(&str, &dyn crate::output::erased::Json)]) -> Value {
    let (key, value) = match &chat.with {
        ChatWith::Contact { person, .. } => ("contact", brief_person(person)),
        ChatWith::Group { name, .. } => {
            ("group", serde_json::json!({ "group": chat.conversation, "name": name }))
        }
    };
    let mut all: Vec<(&str, &dyn crate::output::erased::Json)> = vec![(key, &value)];
    all.extend_from_slice(parts);
    object(kind, &all)
}
