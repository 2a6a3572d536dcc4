//! Conversations, and what is set of them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use waxwing_app::api::{Chat, ChatChange, ChatWith, Command, Direction, GroupKind, Message};

use crate::arguments::{Chats, ChatsCommand, Global};
use crate::names::{Names, chat_name};
use crate::output::{Error, Printer, fields};
use crate::session::Session;
use crate::text;
use crate::words::{body_text, is_notice};

pub fn chats(global: &Global, arguments: &Chats, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let (name, change) = match &arguments.command {
        None => return list(&session, false, printer),
        Some(ChatsCommand::List { archived }) => return list(&session, *archived, printer),
        Some(ChatsCommand::Archive { name }) => (name, ChatChange::Archived(true)),
        Some(ChatsCommand::Unarchive { name }) => (name, ChatChange::Archived(false)),
        Some(ChatsCommand::Pin { name }) => (name, ChatChange::Pinned(true)),
        Some(ChatsCommand::Unpin { name }) => (name, ChatChange::Pinned(false)),
        Some(ChatsCommand::Mute { name, span: None }) => (name, ChatChange::MutedUntilMs(u64::MAX)),
        Some(ChatsCommand::Mute { name, span: Some(span) }) => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let until_ms = u64::try_from((since + *span).as_millis()).unwrap_or(u64::MAX);
            (name, ChatChange::MutedUntilMs(until_ms))
        }
        Some(ChatsCommand::Unmute { name }) => (name, ChatChange::MutedUntilMs(0)),
        Some(ChatsCommand::Clear { name }) => (name, ChatChange::Cleared),
    };
    let chat = session.known_chat(name)?;
    session.run(Command::SetChat { conversation: chat.conversation.clone(), change: change.clone() })?;
    session.spread();
    let chat = session.known_chat(&chat.conversation)?;
    printer.print(|| format!("{}: {}", chat_name(&chat), said(&change)), || fields("chat", &chat))
}

fn said(change: &ChatChange) -> &'static str {
    match change {
        ChatChange::Archived(true) => "archived",
        ChatChange::Archived(false) => "not archived any more",
        ChatChange::Pinned(true) => "pinned",
        ChatChange::Pinned(false) => "not pinned any more",
        ChatChange::MutedUntilMs(0) => "not muted any more",
        ChatChange::MutedUntilMs(_) => "muted",
        ChatChange::Cleared => "all messages so far are deleted, on all your devices",
        ChatChange::Draft(_) => "the draft is kept",
    }
}

fn list(session: &Session, archived: bool, printer: &mut Printer) -> Result<(), Error> {
    let chats = session.chats()?;
    let (shown, hidden): (Vec<_>, Vec<_>) = chats.into_iter().partition(|chat| archived || !chat.archived);
    if shown.is_empty() {
        printer.note("no conversations; begin one with `waxwing send NAME TEXT` or `waxwing group create`");
    }
    let (zone, mut names) = (TimeZone::system(), Names::new(&session.status()?));
    for chat in &shown {
        if let Some(message) = &chat.last_message {
            names.learn(session, message)?;
        }
        printer.print(|| line(chat, &names, &zone), || fields("chat", chat))?;
    }
    if !hidden.is_empty() {
        printer.note(&format!("{} archived; see them with `waxwing chats list --archived`", hidden.len()));
    }
    Ok(())
}

fn line(chat: &Chat, names: &Names, zone: &TimeZone) -> String {
    let mut line = chat_name(chat);
    let mut mark = |mark: &str| {
        line.push_str("  ");
        line.push_str(mark);
    };
    match &chat.with {
        ChatWith::Contact { blocked: true, .. } => mark("blocked"),
        ChatWith::Contact { .. } => {}
        ChatWith::Group { member: false, .. } => mark("group that you are not in"),
        ChatWith::Group { members, group_kind, .. } => match group_kind {
            GroupKind::Group => mark(&format!("group of {members}")),
            GroupKind::Community => mark(&format!("community of {members}")),
        },
    }
    if chat.request {
        mark("not accepted");
    }
    if chat.pinned {
        mark("pinned");
    }
    if chat.archived {
        mark("archived");
    }
    if chat.muted_until_ms > 0 {
        mark("muted");
    }
    if chat.unread > 0 {
        mark(&format!("{} unread", chat.unread));
    }
    line + &chat.last_message.as_ref().map(|message| last_line(message, names, zone)).unwrap_or_default()
}

/// The newest message behind a conversation's name.
pub fn last_line(message: &Message, names: &Names, zone: &TimeZone) -> String {
    let mut text = text::one_line(&body_text(&message.body, names));
    let author = match message.direction {
        _ if is_notice(message) => None,
        Direction::Outgoing => Some("you".to_owned()),
        Direction::Incoming if message.with.starts_with("g:") => Some(names.of(&message.from)),
        Direction::Incoming => None,
    };
    if let Some(author) = author {
        text.insert_str(0, &format!("{author}: "));
    }
    if let Some((end, _)) = text.char_indices().nth(40) {
        text.truncate(end);
        text.push('…');
    }
    format!("  {}  {text}", text::date_and_clock(message.stored_at_ms, zone))
}
