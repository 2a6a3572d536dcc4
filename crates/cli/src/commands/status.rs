//! What people show for a day.

use jiff::tz::TimeZone;
use waxwing_app::api::{
    AttachmentKind, Audience, ChatChange, Command, Delivery, Message, Person, Post, PrivacySetting, Receipt,
    StatusUpdates,
};

use super::acts::{previewed, typed};
use super::contacts::is_only_known;
use super::media::{Bar, attach};
use super::now_ms;
use super::people::words;
use super::receive::catch_up;
use super::talk::{Writer, await_acceptance, message_text, no_connection};
use crate::arguments::{Files, Global, Status, StatusAudience, StatusCommand};
use crate::names::{brief_person, person_name};
use crate::output::{Error, Printer, object};
use crate::session::{Session, refused};
use crate::text::{date_and_clock, one_line};
use crate::words::kind_name;

/// People who are named one by one; more are counted.
const NAMED: usize = 4;
/// How the user names what they show themself.
const ME: &str = "me";

pub fn status(global: &Global, arguments: &Status, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    match &arguments.command {
        None => list(&mut session, false, printer),
        Some(StatusCommand::List { all }) => list(&mut session, *all, printer),
        Some(StatusCommand::Post { file, voice, hd, plain, no_preview, text }) => {
            let text = message_text(text)?;
            let post = typed(&session, &text, *plain)?;
            session.app.send(Command::GoOnline);
            let files = file.iter().cloned().collect();
            let files = Files { files, voice: voice.clone(), hd: *hd, ..Files::default() };
            let attachments = attach(&mut session, &files, None, printer.is_json())?;
            if let Some(file) = attachments.iter().find(|file| !can_be_shown(file.kind)) {
                let detail = format!(
                    "a status update has a photo, a video, a GIF or a voice message, and this is a file of kind \
                     {}: send it with `waxwing send --file`",
                    kind_name(file.kind)
                );
                return Err(Error::user("noStatusFile", detail));
            }
            let alone = attachments.is_empty();
            let post = Post { attachments, ..post };
            let post = if *no_preview || !alone { post } else { previewed(&session, post)? };
            let answered = session.run(Command::PostStatus { post: Box::new(post) })?;
            posted(&mut session, &answered.message.unwrap_or_default(), printer)
        }
        Some(StatusCommand::Show { name, no_read }) => show(&mut session, name.as_deref(), !no_read, printer),
        Some(StatusCommand::Seen { message }) => seen(&mut session, message.as_deref(), printer),
        Some(StatusCommand::Delete { messages }) => {
            for name in messages {
                own(&session, &session.known_message(name)?)?;
            }
            super::delete_for_everyone_in(&mut session, messages, printer)
        }
        Some(StatusCommand::Audience { who }) => audience(&mut session, who.as_ref(), printer),
        Some(StatusCommand::Mute { name, span }) => {
            let until_ms = span.map_or(u64::MAX, |span| {
                now_ms().saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
            });
            mute(&mut session, name, until_ms, printer)
        }
        Some(StatusCommand::Unmute { name }) => mute(&mut session, name, 0, printer),
    }
}

fn can_be_shown(kind: AttachmentKind) -> bool {
    use AttachmentKind::{Gif, Photo, Video, Voice};
    matches!(kind, Photo | Video | Gif | Voice)
}

fn posted(session: &mut Session, id: &str, printer: &mut Printer) -> Result<(), Error> {
    let refusal = await_acceptance(session, id, &mut Bar::new(printer.is_json()))?;
    session.spread();
    let message = session
        .message(id)?
        .ok_or_else(|| Error::device("internal", "the status update is not in the history; this is a bug"))?;
    if message.delivery == Delivery::Failed {
        return Err(Error::server("notTaken", "the server did not take it for anybody; post it anew"));
    }
    let people = session.receipts(id)?.len();
    let to = if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
    let pending = message.delivery == Delivery::Pending;
    let said =
        if pending { no_connection(session, "not shown yet") } else { format!("shown to {to} for 24 hours") };
    printer.print(
        || format!("{said}  #{}", message.order),
        || object("statusPosted", &[("people", &people), ("message", &message)]),
    )?;
    left_out(session, &session.privacy()?.status, printer)?;
    match refusal {
        Some(code) if pending => Err(refused(&code)),
        _ => Ok(()),
    }
}

/// Who is no contact is shown nothing that goes to contacts, although they may have written to each other.
fn left_out(session: &Session, audience: &Audience, printer: &mut Printer) -> Result<(), Error> {
    if !matches!(audience, Audience::Contacts | Audience::ContactsExcept { .. }) {
        return Ok(());
    }
    let known = session.contacts()?;
    let known: Vec<String> =
        known.iter().filter(|known| is_only_known(known)).map(|known| person_name(&known.person)).collect();
    if let Some(first) = known.first() {
        let others = known.len() - 1;
        let (who, are) = match others {
            0 => (first.clone(), "is not added and is"),
            1..NAMED => (known.join(", "), "are not added and are"),
            _ => (format!("{first} and {others} others"), "are not added and are"),
        };
        printer.note(&format!("{who} {are} not shown it; add people with `waxwing contacts add NAME`"));
    }
    Ok(())
}

/// Whom an update would be shown to now.
fn viewers(session: &Session, audience: &Audience) -> Result<Vec<Person>, Error> {
    let mut people = session.contacts()?;
    people.retain(|one| {
        let account = &one.person.account;
        let meant = match audience {
            Audience::ContactsExcept { accounts } => one.contact && !accounts.contains(account),
            Audience::Only { accounts } => accounts.contains(account),
            _ => one.contact,
        };
        meant && !one.blocked
    });
    Ok(people.into_iter().map(|one| one.person).collect())
}

fn list(session: &mut Session, all: bool, printer: &mut Printer) -> Result<(), Error> {
    catch_up(session);
    let now = now_ms();
    let mut updates = session.status_updates()?;
    let muted = updates.iter().filter(|one| one.muted_until_ms > now).count();
    updates.retain(|one| all || one.muted_until_ms <= now);
    if updates.is_empty() {
        printer.note("nobody shows anything now; show something with `waxwing status post TEXT`");
    }
    let zone = TimeZone::system();
    for one in &updates {
        printer.print(
            || line(one, now, &zone),
            || object("statusAuthor", &[("author", &brief_person(&one.author)), ("updates", one)]),
        )?;
    }
    if muted > 0 && !all {
        printer.note("some are muted: waxwing status list --all");
    }
    Ok(())
}

/// Who shows something, and the last of it.
fn line(one: &StatusUpdates, now_ms: u64, zone: &TimeZone) -> String {
    let new = match one.unseen {
        0 => String::new(),
        count => format!(" ({count} new)"),
    };
    let muted = if one.muted_until_ms > now_ms { " [muted]" } else { "" };
    let last = one.messages.last().map(|message| {
        let text = message.body.post().map(brief).unwrap_or_default();
        format!("{}  {text}", date_and_clock(message.sent_at_ms, zone))
    });
    format!("{}{new}{muted}  {}", author(one), last.unwrap_or_default())
}

/// On one line, what its file is first.
fn brief(post: &Post) -> String {
    let kind = post.attachments.first().map(|file| format!("[{}]", kind_name(file.kind)));
    let text = one_line(&post.text);
    kind.into_iter().chain((!text.is_empty()).then_some(text)).collect::<Vec<_>>().join(" ")
}

/// As the user calls them.
pub fn author(one: &StatusUpdates) -> String {
    if one.own { "you".to_owned() } else { person_name(&one.author) }
}

/// What somebody shows, `me` for the user.
fn called(session: &Session, name: &str) -> Result<Option<StatusUpdates>, Error> {
    let account = if name == ME {
        session.status()?.account.unwrap_or_default()
    } else {
        session.known_contact(name)?.person.account
    };
    Ok(session.status_updates()?.into_iter().find(|one| one.author.account == account))
}

fn show(session: &mut Session, name: Option<&str>, read: bool, printer: &mut Printer) -> Result<(), Error> {
    catch_up(session);
    let now = now_ms();
    let updates: Vec<StatusUpdates> = match name {
        Some(name) => called(session, name)?.into_iter().collect(),
        None => {
            let new = |one: &StatusUpdates| one.unseen > 0 && one.muted_until_ms <= now;
            session.status_updates()?.into_iter().filter(new).collect()
        }
    };
    if updates.is_empty() {
        printer.note(&match name {
            Some(ME) => "you show nothing now; show something with `waxwing status post TEXT`".to_owned(),
            Some(name) => format!("{} shows nothing now", one_line(name)),
            None => "nobody shows anything new; `waxwing status` lists what there is".to_owned(),
        });
    }
    for one in &updates {
        let mut writer = Writer::new(session, printer)?;
        for message in &one.messages {
            writer.status(session, message, &one.author)?;
        }
        if let (true, false, Some(last)) = (read, one.own, one.messages.last()) {
            session.run(Command::MarkRead { with: one.conversation.clone(), up_to: last.order })?;
        }
    }
    session.settle();
    Ok(())
}

fn own(session: &Session, message: &Message) -> Result<(), Error> {
    let own = session.status()?.account.unwrap_or_default();
    if message.with == format!("s:{own}") {
        return Ok(());
    }
    let detail = "that is no status update of yours; see them with `waxwing status show me`";
    Err(Error::user("unknownStatus", detail))
}

fn seen(session: &mut Session, name: Option<&str>, printer: &mut Printer) -> Result<(), Error> {
    catch_up(session);
    let message = match name {
        Some(name) => session.known_message(name)?,
        None => {
            let newest = called(session, ME)?.and_then(|one| one.messages.last().cloned());
            newest.ok_or_else(|| Error::user("unknownStatus", "you show nothing now"))?
        }
    };
    own(session, &message)?;
    let receipts = session.receipts(&message.id)?;
    let (seen, not): (Vec<Receipt>, Vec<Receipt>) =
        receipts.into_iter().partition(|receipt| receipt.delivery == Delivery::Read);
    let zone = TimeZone::system();
    for receipt in &seen {
        printer.print(
            || format!("{}  {}", person_name(&receipt.person), date_and_clock(receipt.read_at_ms, &zone)),
            || {
                let person = brief_person(&receipt.person);
                object("statusSeen", &[("contact", &person), ("readAtMs", &receipt.read_at_ms)])
            },
        )?;
    }
    printer.note(&format!("seen by {} of {}", seen.len(), seen.len() + not.len()));
    Ok(())
}

fn audience(session: &mut Session, who: Option<&StatusAudience>, printer: &mut Printer) -> Result<(), Error> {
    let audience = match who {
        None => None,
        Some(StatusAudience::Contacts { except }) if except.is_empty() => Some(Audience::Contacts),
        Some(StatusAudience::Contacts { except }) => {
            Some(Audience::ContactsExcept { accounts: session.accounts(except)? })
        }
        Some(StatusAudience::Only { names }) => Some(Audience::Only { accounts: session.accounts(names)? }),
    };
    if let Some(audience) = audience {
        session.run(Command::SetPrivacy { setting: PrivacySetting::Status, audience })?;
        session.spread();
    }
    let audience = session.privacy()?.status;
    let viewers = viewers(session, &audience)?;
    let names: Vec<String> = viewers.iter().map(person_name).collect();
    let who = if names.is_empty() { "nobody now".to_owned() } else { names.join(", ") };
    let said = match audience {
        // That says who it is already.
        Audience::Only { .. } => words(session, &audience)?,
        _ => format!("{}: {who}", words(session, &audience)?),
    };
    let viewers: Vec<_> = viewers.iter().map(brief_person).collect();
    printer.print(|| said, || object("statusAudience", &[("audience", &audience), ("people", &viewers)]))?;
    left_out(session, &audience, printer)
}

fn mute(session: &mut Session, name: &str, until_ms: u64, printer: &mut Printer) -> Result<(), Error> {
    let person = session.known_contact(name)?.person;
    let conversation = format!("s:{}", person.account);
    session.run(Command::SetChat { conversation, change: ChatChange::MutedUntilMs(until_ms) })?;
    session.spread();
    let said = if until_ms == 0 { "not muted any more" } else { "muted" };
    printer.print(
        || format!("{}: {said}", person_name(&person)),
        || object("statusMuted", &[("contact", &brief_person(&person)), ("mutedUntilMs", &until_ms)]),
    )
}
