//! Files of messages: sending, listing, saving.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use waxwing_app::api::{
    Answer, Attachment, AttachmentKind, Command, CommandId, Event, FileOrder, Message, Query,
};

use super::sound::play;
use super::storage::{offload, storage};
use crate::arguments::{Files, Global, Media, MediaCommand};
use crate::names::Names;
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::text::{date_and_clock, one_line};
use crate::words::{file_text, size_text};

/// A file may come slowly as long as it comes: so long nothing may move.
pub const STILL: Duration = Duration::from_secs(120);
/// Other names that are tried when something of a file's name is there already.
const OTHER_NAMES: u32 = 1_000;

/// Makes the files ready that go with a message.
/// `recorded`: what standard input said, which stands for the path of a voice message.
pub fn attach(
    session: &mut Session,
    files: &Files,
    recorded: Option<Vec<u8>>,
    json: bool,
) -> Result<Vec<Attachment>, Error> {
    let kind = files.document.then_some(AttachmentKind::Document);
    let path_of = |path: &PathBuf| path.to_string_lossy().into_owned();
    let attach = |path, kind| Command::Attach { path: path_of(path), kind, hd: files.hd };
    let voice = files.voice.iter().map(|path| match &recorded {
        Some(voice) => Command::AttachContent {
            name: String::new(),
            content: data_encoding::BASE64.encode(voice),
            kind: Some(AttachmentKind::Voice),
        },
        None => attach(path, Some(AttachmentKind::Voice)),
    });
    let others = files.files.iter().chain(&files.album).map(|path| attach(path, kind));
    let sticker = files.sticker.iter().map(|path| attach(path, Some(AttachmentKind::Sticker)));
    let wanted: Vec<Command> = voice.chain(sticker).chain(others).collect();
    let mut attached = Vec::new();
    let mut bar = Bar::new(json);
    for command in wanted {
        let id = session.app.send(command);
        attached.extend(wait(session, id, &mut bar, |event| match event {
            Event::Attached { command, attachment } if *command == id => Some(attachment.clone()),
            _ => None,
        })?);
    }
    Ok(attached)
}

/// Waits for a command that may take as long as files do; what `found` finds on the way.
pub fn wait<T>(
    session: &mut Session,
    id: CommandId,
    bar: &mut Bar,
    found: impl Fn(&Event) -> Option<T>,
) -> Result<Option<T>, Error> {
    let mut result = None;
    let mut deadline = Instant::now() + STILL;
    while let Some(event) = session.next(deadline) {
        bar.show(&event);
        result = found(&event).or(result);
        match event {
            Event::Done { command, .. } if command == id => return Ok(result),
            Event::Failed { command, failure } if command == id => return Err(failure.into()),
            Event::FileProgress { .. } | Event::Preparing { .. } => deadline = Instant::now() + STILL,
            _ => {}
        }
    }
    Err(session.unreachable())
}

pub fn media(global: &Global, arguments: &Media, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    match &arguments.command {
        MediaCommand::List { name, limit, largest, oldest } => {
            let order = match (largest, oldest) {
                (true, _) => Some(FileOrder::Largest),
                (_, true) => Some(FileOrder::Oldest),
                _ => None,
            };
            list(&session, name.as_deref(), order, *limit, printer)
        }
        MediaCommand::Storage => storage(&session, printer),
        MediaCommand::Remove { number, only } => remove(&mut session, *number, *only, printer),
        MediaCommand::Offload(arguments) => offload(&mut session, arguments, printer),
        MediaCommand::Save { number, only, output } => save(&mut session, *number, *only, output, printer),
        MediaCommand::Play { number, only, speed, output } => {
            play(&mut session, *number, *only, *speed, output.as_deref(), printer)
        }
    }
}

fn list(
    session: &Session,
    name: Option<&str>,
    order: Option<FileOrder>,
    limit: usize,
    printer: &mut Printer,
) -> Result<(), Error> {
    let chat = name.map(|name| session.known_chat(name)).transpose()?;
    let with = chat.map(|chat| chat.conversation);
    let query = Query::Files { with, before: None, order, limit };
    let Answer::Files { mut messages, here, away } = session.app.query(query)? else { return Ok(()) };
    if order.is_none() {
        messages.reverse();
    }
    let mut names = Names::new(&session.status()?);
    let zone = TimeZone::system();
    for message in &messages {
        let Some(post) = message.body.post() else { continue };
        names.learn(session, message)?;
        for (index, file) in post.attachments.iter().enumerate() {
            let (is_here, is_away) = (here.contains(&file.id), away.contains(&file.id));
            if order.is_some() && !is_here {
                continue;
            }
            printer.print(
                || {
                    let (when, who) = (date_and_clock(message.sent_at_ms, &zone), names.of(&message.from));
                    let place = match (is_here, is_away) {
                        (true, _) => "",
                        (_, true) => "  (in your own storage)",
                        _ => "  (on the server)",
                    };
                    format!("{:>6}  {when}  {who}: {}{place}", message.order, file_text(file))
                },
                || {
                    object(
                        "file",
                        &[
                            ("number", &message.order),
                            ("index", &index),
                            ("message", &message.id),
                            ("with", &message.with),
                            ("here", &is_here),
                            ("away", &is_away),
                            ("file", file),
                        ],
                    )
                },
            )?;
        }
    }
    Ok(())
}

fn save(
    session: &mut Session,
    number: u64,
    only: Option<u32>,
    output: &Path,
    printer: &mut Printer,
) -> Result<(), Error> {
    let (message, chosen) = files_at(session, number, only)?;
    session.app.send(Command::GoOnline);
    let mut bar = Bar::new(printer.is_json());
    let several = chosen.len() > 1;
    for (index, file) in chosen {
        let path = target(output, &file, several)?;
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let name = path.to_string_lossy().into_owned();
        let command = Command::SaveFile { message: message.clone(), index, path: name };
        let id = session.app.send(command);
        wait(session, id, &mut bar, |_| None::<()>)?;
        bar.clear();
        let shown = one_line(&path.to_string_lossy());
        printer.print(
            || format!("saved {shown} ({})", size_text(file.bytes)),
            || object("saved", &[("path", &path.to_string_lossy()), ("file", &file)]),
        )?;
    }
    session.settle();
    Ok(())
}

/// The message with a number and those of its files that are wanted, with their places.
pub fn files_at(
    session: &Session,
    number: u64,
    only: Option<u32>,
) -> Result<(String, Vec<(usize, Attachment)>), Error> {
    let unknown =
        || Error::user("unknownMessage", "no message with files has this number; see `waxwing media list`");
    let message = match session.app.query(Query::MessageAt { order: number })? {
        Answer::Message { message: Some(message) } => message,
        _ => return Err(unknown()),
    };
    let chosen: Vec<(usize, Attachment)> = files_of(&message)
        .into_iter()
        .enumerate()
        .filter(|(index, _)| only.is_none_or(|only| u32::try_from(*index + 1) == Ok(only)))
        .collect();
    if chosen.is_empty() { Err(unknown()) } else { Ok((message.id, chosen)) }
}

fn remove(session: &mut Session, number: u64, only: Option<u32>, printer: &mut Printer) -> Result<(), Error> {
    let (message, chosen) = files_at(session, number, only)?;
    for (index, file) in chosen {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        session.run(Command::RemoveFile { message: message.clone(), index })?;
        printer.print(
            || format!("removed {} from this device", file_text(&file)),
            || object("removed", &[("message", &message), ("file", &file)]),
        )?;
    }
    Ok(())
}

fn files_of(message: &Message) -> Vec<Attachment> {
    message.body.post().map(|post| post.attachments.clone()).unwrap_or_default()
}

/// Where a file is saved: nothing is overwritten, and its sender's name for it leads nowhere else.
pub fn target(output: &Path, file: &Attachment, several: bool) -> Result<PathBuf, Error> {
    if !output.is_dir() {
        if several {
            let detail = format!("{} is no folder, and the message has several files", output.display());
            return Err(Error::user("noFolder", detail));
        }
        return Ok(output.to_owned());
    }
    let name = safe_name(file);
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem.to_owned(), format!(".{extension}")),
        _ => (name, String::new()),
    };
    let numbered = |number: u32| match number {
        0 => format!("{stem}{extension}"),
        number => format!("{stem} ({number}){extension}"),
    };
    let free = (0..OTHER_NAMES).map(|number| output.join(numbered(number))).find(|path| !path.exists());
    free.ok_or_else(|| {
        Error::user("cannotSave", format!("{} is full of files of that name", output.display()))
    })
}

/// The last part of a name, without what a file's name cannot have, or should not; or one of our own.
pub fn safe_name(file: &Attachment) -> String {
    let short: String = file.id.chars().take(8).collect();
    safe_name_of(&file.name, &file.media_type, &format!("waxwing-{short}"))
}

/// The same, of a name, a media type and what it is called if it has no name.
pub fn safe_name_of(name: &str, media_type: &str, nameless: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = one_line(last)
        .chars()
        .map(|c| if matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
        .collect();
    let clean = clean.trim().trim_start_matches('.').to_owned();
    if !clean.is_empty() {
        return clean;
    }
    let extension = match media_type {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "video/mp4" => ".mp4",
        "video/quicktime" => ".mov",
        "video/webm" => ".webm",
        "audio/ogg" => ".ogg",
        "audio/wav" => ".wav",
        "application/pdf" => ".pdf",
        _ => "",
    };
    format!("{nameless}{extension}")
}

/// One line on standard error that says how far a file is: on a terminal only, and only if it takes a while.
pub struct Bar {
    wanted: bool,
    since: Instant,
    shown: bool,
}

/// So long nothing is said.
const SILENCE: Duration = Duration::from_secs(1);
/// Places of a bar.
const WIDTH: u64 = 24;

impl Bar {
    pub fn new(json: bool) -> Self {
        Self { wanted: !json && io::stderr().is_terminal(), since: Instant::now(), shown: false }
    }

    pub fn show(&mut self, event: &Event) {
        if let Event::FileProgress { sending, done, total, .. } = event
            && self.wanted
            && self.since.elapsed() >= SILENCE
        {
            let _ = write!(io::stderr(), "\r{}", bar(*sending, *done, *total));
            self.shown = true;
        }
    }

    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

fn bar(sending: bool, done: u64, total: u64) -> String {
    let total = total.max(1);
    let full = done.min(total).saturating_mul(WIDTH) / total;
    let what = if sending { "sending" } else { "fetching" };
    let places: String = (0..WIDTH).map(|place| if place < full { '█' } else { '·' }).collect();
    format!("{what} {places} {:>3}% of {}", done.min(total).saturating_mul(100) / total, size_text(total))
}
