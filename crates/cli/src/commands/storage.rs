//! What files take on this device, and where they go to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use waxwing_app::api::{
    Answer, CloudPlace, Command, Event, FetchRules, Fetching, Query, Status, StoredFiles,
};

use super::media::{Bar, wait};
use crate::arguments::{Download, DownloadKind, Offload};
use crate::names::chat_name;
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::words::size_text;

/// What files take, by conversation.
pub fn storage(session: &Session, printer: &mut Printer) -> Result<(), Error> {
    let Answer::StoredFiles { chats, bytes } = session.app.query(Query::StoredFiles)? else { return Ok(()) };
    let status = session.status()?;
    for chat in &chats {
        let name = name_of(session, &status, chat)?;
        printer.print(
            || {
                let files = if chat.files == 1 { "file" } else { "files" };
                let away = match chat.bytes_away {
                    0 => String::new(),
                    bytes => format!(", {} in your own storage", size_text(bytes)),
                };
                let here = size_text(chat.bytes_here);
                format!("{here:>10}  {name} ({} {files}, {} in all{away})", chat.files, size_text(chat.bytes))
            },
            || object("storedFiles", &[("name", &name), ("chat", chat)]),
        )?;
    }
    printer.print(
        || format!("{:>10}  on this device; see `waxwing media list --largest`", size_text(bytes)),
        || object("storage", &[("bytes", &bytes)]),
    )
}

fn name_of(session: &Session, status: &Status, chat: &StoredFiles) -> Result<String, Error> {
    if status.account.as_ref() == Some(&chat.with) {
        return Ok("notes to yourself".to_owned());
    }
    Ok(match session.chat(&chat.with)? {
        Some(chat) => chat_name(&chat),
        None => chat.with.clone(),
    })
}

/// Moves files to storage of the user's own.
pub fn offload(session: &mut Session, arguments: &Offload, printer: &mut Printer) -> Result<(), Error> {
    let to = arguments.to.as_deref().map(|to| place(to, arguments)).transpose()?;
    let older_than_ms = u64::try_from(arguments.older_than.as_millis()).unwrap_or(u64::MAX);
    let command = Command::Offload { to, older_than_ms, larger_than_bytes: arguments.larger_than };
    let id = session.app.send(command);
    let mut bar = Bar::new(printer.is_json());
    let moved = std::cell::RefCell::new(BTreeMap::new());
    let ended = wait(session, id, &mut bar, |event| {
        if let Event::FileOffloaded { command, file, bytes } = event
            && *command == id
        {
            moved.borrow_mut().insert(file.clone(), *bytes);
        }
        None::<()>
    });
    bar.clear();
    let moved = moved.into_inner();
    let (files, bytes) = (moved.len(), moved.values().sum::<u64>());
    // What was moved before something failed stays there.
    printer.print(
        || format!("moved {files} files; {} are free on this device", size_text(bytes)),
        || object("offloaded", &[("files", &files), ("bytes", &bytes)]),
    )?;
    ended.map(|_| ())
}

fn place(to: &str, arguments: &Offload) -> Result<CloudPlace, Error> {
    if !to.contains("://") {
        let path = std::path::absolute(Path::new(to))
            .map_err(|error| Error::user("malformedPlace", format!("{to} cannot be a folder: {error}")))?;
        return Ok(CloudPlace::Folder { path: path.to_string_lossy().into_owned() });
    }
    let password = match &arguments.password_file {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| {
                Error::user("cannotRead", format!("{} cannot be read: {error}", path.display()))
            })?;
            text.lines().next().map(str::to_owned)
        }
        None => std::env::var("WAXWING_CLOUD_PASSWORD").ok(),
    };
    let password = password.filter(|_| arguments.user.is_some());
    Ok(CloudPlace::WebDav { url: to.to_owned(), user: arguments.user.clone(), password })
}

/// The rules as they are.
pub fn rules(session: &Session) -> Result<FetchRules, Error> {
    match session.app.query(Query::FetchRules)? {
        Answer::FetchRules { rules } => Ok(rules),
        _ => Ok(FetchRules::default()),
    }
}

/// Changes one of them.
pub fn set_rule(session: &mut Session, download: &Download) -> Result<(), Error> {
    let mut rules = rules(session)?;
    let rule = match download.kind {
        DownloadKind::Photos => &mut rules.photos,
        DownloadKind::Voice => &mut rules.voice,
        DownloadKind::Video => &mut rules.video,
        DownloadKind::Documents => &mut rules.documents,
    };
    *rule = download.when;
    session.run(Command::SetFetchRules { rules })?;
    Ok(())
}

/// All of them in a line.
pub fn rules_text(rules: &FetchRules) -> String {
    let text = |fetching: Fetching| match fetching {
        Fetching::Always => "always".to_owned(),
        Fetching::Never => "never".to_owned(),
        Fetching::UpTo { bytes } => format!("up to {}", size_text(bytes)),
    };
    let FetchRules { photos, voice, video, documents } = *rules;
    let all = [("photos", photos), ("voice", voice), ("video", video), ("documents", documents)];
    all.map(|(kind, fetching)| format!("{kind} {}", text(fetching))).join(", ")
}
