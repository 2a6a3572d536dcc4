//! What the user does about messages, and messages that are more than text.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use waxwing_app::api::{
    Card, ChatChange, Command, Deed, Event, Message, Place, Post, Quote, Reply, Span, Style,
};
use waxwing_app::preview::{self, Reach};

use super::talk::{message_text, report};
use super::{history_of, now_ms};
use crate::arguments::{self, Coming, Global};
use crate::markup;
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::words::post_text;

/// Name of the setting for new conversations.
const LIFETIME_SETTING: &str = "lifetime";

/// What was typed, with formatting and mentions of people who are known here.
pub fn typed(session: &Session, text: &str, plain: bool) -> Result<Post, Error> {
    if plain {
        return Ok(Post::plain(text));
    }
    let (text, mut spans) = markup::parse(text);
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('@')) {
        let start = at + found;
        let name: &str = text.get(start + 1..).unwrap_or_default();
        let bytes =
            name.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).unwrap_or(name.len());
        let name = name.get(..bytes).unwrap_or_default().trim_end_matches('.');
        at = start + 1 + name.len();
        let apart = text.get(..start).and_then(|before| before.chars().next_back());
        if name.is_empty() || apart.is_some_and(char::is_alphanumeric) {
            continue;
        }
        if let Some(contact) = session.contact(name)? {
            let style = Style::Mention { account: contact.person.account };
            let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            spans.push(Span { start: number(start), bytes: number(name.len() + 1), style });
        }
    }
    Ok(Post { text, spans, ..Post::default() })
}

/// Writes a message to a conversation that is known here.
fn write(session: &mut Session, name: &str, post: Post, printer: &mut Printer) -> Result<(), Error> {
    let chat = session.find_chat(name)?;
    session.app.send(Command::GoOnline);
    let answered = session.run(Command::Send { to: chat.conversation.clone(), post: Box::new(post) })?;
    report(session, &answered.message.unwrap_or_default(), &chat, printer)?;
    session.spread();
    Ok(())
}

/// Does something about a message, lets it go out, and prints the message as it is now.
fn act(
    session: &mut Session,
    message: Message,
    deed: Deed,
    said: &str,
    printer: &mut Printer,
) -> Result<(), Error> {
    session.app.send(Command::GoOnline);
    let about = Some(message.id.clone());
    session.run(Command::Act { with: message.with.clone(), message: about, deed })?;
    session.settle();
    let now = session.message(&message.id)?.unwrap_or(message);
    printer.print(|| said.to_owned(), || object("acted", &[("message", &now)]))
}

/// The same about the message of that name.
fn acted(global: &Global, name: &str, deed: Deed, said: &str, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let message = session.known_message(name)?;
    act(&mut session, message, deed, said, printer)
}

pub fn react(global: &Global, arguments: &arguments::React, printer: &mut Printer) -> Result<(), Error> {
    let emoji = arguments.emoji.clone().unwrap_or_default();
    let said = if emoji.is_empty() { "reaction taken back" } else { "reacted" };
    acted(global, &arguments.message, Deed::React { emoji }, said, printer)
}

pub fn reply(global: &Global, arguments: &arguments::Reply, printer: &mut Printer) -> Result<(), Error> {
    let text = message_text(&arguments.text)?;
    let mut session = Session::open_registered(global)?;
    let message = session.known_message(&arguments.message)?;
    let quote = Some(Quote { message: message.id.clone(), text: String::new(), attachments: Vec::new() });
    let post = Post { quote, ..previewed(&session, typed(&session, &text, false)?)? };
    // What somebody shows is answered in the chat with them.
    let to = message.with.strip_prefix("s:").unwrap_or(&message.with);
    write(&mut session, to, post, printer)
}

pub fn edit(global: &Global, arguments: &arguments::Edit, printer: &mut Printer) -> Result<(), Error> {
    let text = message_text(&arguments.text)?;
    let mut session = Session::open_registered(global)?;
    let message = session.known_message(&arguments.message)?;
    let post = Box::new(previewed(&session, typed(&session, &text, false)?)?);
    act(&mut session, message, Deed::Edit { post }, "edited", printer)
}

pub fn delete_for_everyone(global: &Global, names: &[String], printer: &mut Printer) -> Result<(), Error> {
    delete_for_everyone_in(&mut Session::open_registered(global)?, names, printer)
}

/// The same in an open profile.
pub fn delete_for_everyone_in(
    session: &mut Session,
    names: &[String],
    printer: &mut Printer,
) -> Result<(), Error> {
    for name in names {
        let message = session.known_message(name)?;
        act(session, message, Deed::Delete, "deleted for everyone", printer)?;
    }
    Ok(())
}

pub fn pin(global: &Global, arguments: &arguments::Pin, printer: &mut Printer) -> Result<(), Error> {
    let time = u64::try_from(arguments.time.as_millis()).unwrap_or(u64::MAX);
    let until_ms = if arguments.off { 0 } else { now_ms().saturating_add(time) };
    let said = if arguments.off { "not pinned any more" } else { "pinned" };
    acted(global, &arguments.message, Deed::Pin { until_ms }, said, printer)
}

pub fn keep(global: &Global, arguments: &arguments::Keep, printer: &mut Printer) -> Result<(), Error> {
    let said = if arguments.off { "it disappears" } else { "kept" };
    acted(global, &arguments.message, Deed::Keep { keep: !arguments.off }, said, printer)
}

pub fn vote(global: &Global, arguments: &arguments::Vote, printer: &mut Printer) -> Result<(), Error> {
    let number = |option: &u8| {
        option.checked_sub(1).ok_or_else(|| Error::user("badOption", "options are numbered from 1"))
    };
    let options = arguments.options.iter().map(number).collect::<Result<Vec<u8>, _>>()?;
    let said = if options.is_empty() { "vote taken back" } else { "voted" };
    acted(global, &arguments.message, Deed::Vote { options }, said, printer)
}

pub fn answer(global: &Global, arguments: &arguments::Answer, printer: &mut Printer) -> Result<(), Error> {
    let answer = match arguments.answer {
        Coming::Yes => Reply::Yes,
        Coming::No => Reply::No,
        Coming::Perhaps => Reply::Perhaps,
        Coming::None => Reply::None,
    };
    acted(global, &arguments.message, Deed::Answer { answer }, "answered", printer)
}

pub fn moved(global: &Global, arguments: &arguments::Moved, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let message = session.known_message(&arguments.message)?;
    let shared = match message.body.post().and_then(|post| post.card.clone()) {
        Some(Card::Place { place }) if place.live_s > 0 => place,
        _ => return Err(Error::user("noLiveLocation", "that is no live location of yours")),
    };
    let (latitude_e7, longitude_e7) = match (arguments.latitude, arguments.longitude) {
        (Some(latitude), Some(longitude)) => (e7(latitude, 90)?, e7(longitude, 180)?),
        _ => (shared.latitude_e7, shared.longitude_e7),
    };
    let live_s = if arguments.end { 0 } else { shared.live_s };
    let place = Place { latitude_e7, longitude_e7, live_s, ..shared };
    let said = if arguments.end { "ended" } else { "moved" };
    act(&mut session, message, Deed::Live { place }, said, printer)
}

pub fn forward(global: &Global, arguments: &arguments::Forward, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let message = session.known_message(&arguments.message)?.id;
    let mut to = Vec::new();
    for name in &arguments.names {
        to.push(session.known_chat(name)?.conversation);
    }
    session.app.send(Command::GoOnline);
    session.run(Command::Forward { message: message.clone(), to: to.clone() })?;
    session.settle();
    let names = arguments.names.join(", ");
    printer.print(
        || format!("passed on to {names}"),
        || object("forwarded", &[("message", &message), ("to", &to)]),
    )
}

pub fn poll(global: &Global, arguments: &arguments::Poll, printer: &mut Printer) -> Result<(), Error> {
    let card = Card::Poll { options: arguments.options.clone(), several: arguments.several };
    let post = Post { card: Some(card), ..Post::plain(arguments.question.as_str()) };
    write(&mut Session::open_registered(global)?, &arguments.name, post, printer)
}

pub fn event(global: &Global, arguments: &arguments::Event, printer: &mut Printer) -> Result<(), Error> {
    let ends_at_ms = arguments.until.as_deref().map(moment).transpose()?.unwrap_or(0);
    let card =
        Card::Event { starts_at_ms: moment(&arguments.at)?, ends_at_ms, place: arguments.place.clone() };
    let post = Post { card: Some(card), ..Post::plain(arguments.title.as_str()) };
    write(&mut Session::open_registered(global)?, &arguments.name, post, printer)
}

/// In the user's time zone.
pub fn moment(text: &str) -> Result<u64, Error> {
    let wrong = || Error::user("badTime", format!("{text:?} is no time; write it as 2026-12-24T18:00"));
    let time: DateTime = text.parse().map_err(|_| wrong())?;
    let zoned = time.to_zoned(TimeZone::system()).map_err(|_| wrong())?;
    u64::try_from(zoned.timestamp().as_millisecond()).map_err(|_| wrong())
}

pub fn location(
    global: &Global,
    arguments: &arguments::Location,
    printer: &mut Printer,
) -> Result<(), Error> {
    let place = Place {
        latitude_e7: e7(arguments.latitude, 90)?,
        longitude_e7: e7(arguments.longitude, 180)?,
        accuracy_m: 0,
        name: arguments.place.clone(),
        live_s: arguments.live.map_or(0, |time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX)),
    };
    let post = Post { card: Some(Card::Place { place }), ..Post::default() };
    write(&mut Session::open_registered(global)?, &arguments.name, post, printer)
}

/// Degrees as they are sent.
pub fn e7(degrees: f64, most: i32) -> Result<i32, Error> {
    let e7 = (degrees * 1e7).round();
    if !e7.is_finite() || e7.abs() > f64::from(most) * 1e7 {
        let detail = format!("{degrees} is not between -{most} and {most} degrees");
        return Err(Error::user("badPlace", detail));
    }
    #[expect(clippy::cast_possible_truncation, reason = "within ±1.8e9, and rounded")]
    Ok(e7 as i32)
}

pub fn card(global: &Global, arguments: &arguments::Card, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let person = session.known_contact(&arguments.contact)?.person;
    let name = person.name.or(person.username).unwrap_or_else(|| arguments.contact.clone());
    let card = Card::Contact { name, account: Some(person.account), details: String::new() };
    write(&mut session, &arguments.name, Post { card: Some(card), ..Post::default() }, printer)
}

pub fn open(global: &Global, arguments: &arguments::Open, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let id = session.known_message(&arguments.message)?.id;
    session.app.send(Command::GoOnline);
    session.run(Command::Open { message: id.clone() })?;
    let shown = session.take_backlog().into_iter().find_map(|event| match event {
        Event::Opened { message, post } if message == id => Some(post),
        _ => None,
    });
    let names = crate::names::Names::new(&session.status()?);
    session.settle();
    let Some(post) = shown else {
        return Err(Error::device("internal", "it was opened and not shown; this is a bug"));
    };
    let post = Post { once: false, ..*post };
    printer.print(|| post_text(&post, &names), || object("opened", &[("message", &id), ("post", &post)]))
}

pub fn disappear(
    global: &Global,
    arguments: &arguments::Disappear,
    printer: &mut Printer,
) -> Result<(), Error> {
    let seconds = match arguments.time.as_str() {
        "off" => 0,
        time => {
            let span = arguments::span(time).map_err(|detail| Error::user("badTime", detail))?;
            u32::try_from(span.as_secs()).map_err(|_| Error::user("badTime", "that is too long"))?
        }
    };
    let mut session = Session::open_registered(global)?;
    let said = match seconds {
        0 => "what is written from now on stays".to_owned(),
        _ => format!("what is written from now on disappears after {}", arguments.time),
    };
    match &arguments.name {
        Some(name) => {
            let with = session.known_chat(name)?.conversation;
            session.app.send(Command::GoOnline);
            session.run(Command::Act { with, message: None, deed: Deed::Lifetime { seconds } })?;
            session.settle();
        }
        None => {
            let value = (seconds > 0).then(|| seconds.to_string());
            session.run(Command::SetSetting { key: LIFETIME_SETTING.to_owned(), value })?;
            session.spread();
        }
    }
    printer.print(|| said, || object("lifetime", &[("seconds", &seconds)]))
}

/// How far the program goes to find out what a link leads to: `off`, `everywhere`, or the public internet.
pub const PREVIEWS_SETTING: &str = "previews";

/// What somebody writes, with what the first link in it leads to. A site that does not answer takes nothing away.
pub fn previewed(session: &Session, post: Post) -> Result<Post, Error> {
    if post.once || preview::link(&post.text).is_none() {
        return Ok(post);
    }
    let Some(reach) = preview_reach(session)? else { return Ok(post) };
    Ok(Post { preview: preview::fetch(&post.text, reach).ok(), ..post })
}

/// Which sites may be asked; `None`: none.
pub fn preview_reach(session: &Session) -> Result<Option<Reach>, Error> {
    Ok(match session.setting(PREVIEWS_SETTING)?.as_deref() {
        Some("off") => None,
        Some("everywhere") => Some(Reach::Everywhere),
        _ => Some(Reach::Public),
    })
}

pub fn draft(global: &Global, arguments: &arguments::Draft, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let chat = session.known_chat(&arguments.name)?;
    if arguments.text.is_empty() && !arguments.clear {
        return printer.print(|| chat.draft.clone(), || object("draft", &[("text", &chat.draft)]));
    }
    let text = arguments.text.join(" ");
    let change = ChatChange::Draft(text.clone());
    session.run(Command::SetChat { conversation: chat.conversation, change })?;
    session.spread();
    printer.print(|| "kept".to_owned(), || object("draft", &[("text", &text)]))
}

pub fn note(global: &Global, arguments: &arguments::Note, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let own = session.status()?.account.unwrap_or_default();
    if arguments.text.is_empty() {
        return history_of(&session, &own, printer);
    }
    let post = previewed(&session, typed(&session, &message_text(&arguments.text)?, false)?)?;
    let answered = session.run(Command::Send { to: own, post: Box::new(post) })?;
    session.spread();
    let message = answered.message.unwrap_or_default();
    printer.print(|| "noted".to_owned(), || object("noted", &[("message", &message)]))
}
