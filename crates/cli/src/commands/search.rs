//! Looking for messages.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use waxwing_app::api::{Chat, Direction, Hit, MessageKind, Query, SnippetPiece};

use super::now_ms;
use super::talk::with_chat;
use crate::arguments::{Global, Kind, Search, When};
use crate::names::{Names, chat_name};
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::text;

/// Asked for at once.
const PAGE: usize = 200;
const BOLD: (&str, &str) = ("\u{1b}[1m", "\u{1b}[22m");

pub fn search(global: &Global, arguments: &Search, printer: &mut Printer) -> Result<(), Error> {
    let session = Session::open_registered(global)?;
    let mut query = query(&session, arguments)?;
    let mut found = Found::new(&session)?;
    let mut left = arguments.limit;
    while left > 0 {
        if let Query::Search { limit, .. } = &mut query {
            *limit = left.min(PAGE);
        }
        let (hits, next) = session.search(query.clone())?;
        left = left.saturating_sub(hits.len());
        for hit in &hits {
            found.print(&session, hit, printer)?;
        }
        let Query::Search { before, .. } = &mut query else { break };
        *before = next;
        if next.is_none() {
            break;
        }
    }
    if left == arguments.limit {
        printer.note("nothing found");
    }
    Ok(())
}

fn query(session: &Session, arguments: &Search) -> Result<Query, Error> {
    let chat = |name: &String| session.known_chat(name).map(|chat| chat.conversation);
    let person = |name: &String| match name.as_str() {
        "me" => Ok(session.status()?.account.unwrap_or_default()),
        name => session.known_contact(name).map(|contact| contact.person.account),
    };
    let zone = TimeZone::system();
    Ok(Query::Search {
        text: words(&arguments.text),
        with: arguments.chat.as_ref().map(chat).transpose()?,
        from: arguments.from.as_ref().map(person).transpose()?,
        since_ms: arguments.since.map(|when| beginning_ms(when, 0, &zone)),
        until_ms: arguments.until.map(|when| beginning_ms(when, 1, &zone)),
        kind: arguments.kind.map(|kind| match kind {
            Kind::Text => MessageKind::Text,
            Kind::Link => MessageKind::Link,
            Kind::Contact => MessageKind::Contact,
            Kind::Place => MessageKind::Place,
            Kind::Poll => MessageKind::Poll,
            Kind::Event => MessageKind::Event,
            Kind::Photo => MessageKind::Photo,
            Kind::Video => MessageKind::Video,
            Kind::Voice => MessageKind::Voice,
            Kind::Document => MessageKind::Document,
        }),
        before: None,
        limit: PAGE,
    })
}

/// The shell takes the quotes off: what had any still has its spaces.
fn words(arguments: &[String]) -> String {
    let word = |word: &String| match word.contains(char::is_whitespace) && !word.contains('"') {
        true => format!("\"{word}\""),
        false => word.clone(),
    };
    arguments.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// When a day (or one so many days later) begins here; or the moment so long ago. Milliseconds since 1970.
fn beginning_ms(when: When, days_later: i32, zone: &TimeZone) -> u64 {
    match when {
        When::Ago(span) => now_ms().saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        When::Day(day) => {
            let day = day.saturating_add(days_later.days());
            let begins = day.to_zoned(zone.clone()).map(|begins| begins.timestamp().as_millisecond());
            begins.ok().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
        }
    }
}

/// Prints what was found.
struct Found {
    names: Names,
    chats: BTreeMap<String, Option<Chat>>,
    zone: TimeZone,
    bold: bool,
}

impl Found {
    fn new(session: &Session) -> Result<Self, Error> {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Ok(Self {
            names: Names::new(&session.status()?),
            chats: BTreeMap::new(),
            zone: TimeZone::system(),
            bold: colours && std::io::stdout().is_terminal(),
        })
    }

    fn print(&mut self, session: &Session, hit: &Hit, printer: &mut Printer) -> Result<(), Error> {
        let message = &hit.message;
        self.names.learn(session, message)?;
        if !self.chats.contains_key(&message.with) {
            self.chats.insert(message.with.clone(), session.chat(&message.with)?);
        }
        let chat = self.chats.get(&message.with).and_then(Option::as_ref);
        printer.print(
            || {
                let time = text::date_and_clock(message.stored_at_ms, &self.zone);
                let who = place(hit, chat, &self.names);
                format!("#{} {time} {who}: {}", message.order, self.line(&hit.snippet))
            },
            || {
                let author = self.names.brief(&message.from);
                let parts: &[(&str, &dyn crate::output::erased::Json)] =
                    &[("author", &author), ("message", message), ("snippet", &hit.snippet)];
                match chat {
                    Some(chat) => with_chat("hit", chat, parts),
                    None => object("hit", parts),
                }
            },
        )
    }

    fn line(&self, snippet: &[SnippetPiece]) -> String {
        let piece = |piece: &SnippetPiece| {
            let text = text::one_line(&piece.text);
            match piece.marked && self.bold {
                true => format!("{}{text}{}", BOLD.0, BOLD.1),
                false => text,
            }
        };
        snippet.iter().map(piece).collect()
    }
}

/// Who wrote it, and where.
pub fn place(hit: &Hit, chat: Option<&Chat>, names: &Names) -> String {
    let message = &hit.message;
    let is_group = message.with.starts_with("g:");
    let chat = || chat.map_or_else(|| group_or_person(&message.with, names), chat_name);
    match message.direction {
        Direction::Incoming if is_group => format!("{} in {}", names.of(&message.from), chat()),
        Direction::Incoming => names.of(&message.from),
        Direction::Outgoing if is_group => format!("you in {}", chat()),
        Direction::Outgoing => format!("you to {}", chat()),
    }
}

fn group_or_person(conversation: &str, names: &Names) -> String {
    if conversation.starts_with("g:") { names.group(conversation) } else { names.of(conversation) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_quoted_for_the_shell_is_quoted_for_the_search() {
        let words =
            |arguments: &[&str]| words(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["new york", "today"]), "\"new york\" today");
        assert_eq!(words(&["\"new york\" today"]), "\"new york\" today");
        assert_eq!(words(&[]), "");
    }

    #[test]
    fn a_day_begins_where_one_is() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let day = When::Day(jiff::civil::date(1970, 1, 2));
        assert_eq!(beginning_ms(day, 0, &zone), 22 * 3_600_000);
        assert_eq!(beginning_ms(day, 1, &zone), 46 * 3_600_000);
        assert_eq!(beginning_ms(When::Day(jiff::civil::date(1960, 1, 2)), 0, &zone), 0);
    }
}
