//! What people tell of themselves, who may know it, and who writes unknown.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use waxwing_app::api::{
    Activity, Audience, ChatChange, Command, Connection, Contact, Event, Group, GroupAction, Presence,
    PrivacySetting, Profile as Told, ProfileChange,
};

use super::acts::PREVIEWS_SETTING;
use super::findable::findable;
use super::group::picture;
use super::now_ms;
use super::storage::{rules, rules_text, set_rule};
use crate::arguments::{
    For, Global, Online, Previews, Profile, ProfileCommand, Requests, RequestsCommand, Settings,
    SettingsCommand, Switch, Who,
};
use crate::names::{full_name, name_of, person_name};
use crate::output::{Error, Printer, fields, object};
use crate::session::{Hope, Session};
use crate::text::one_line;
use crate::words::presence_text;

pub fn profile(global: &Global, arguments: &Profile, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let change = match &arguments.command {
        None | Some(ProfileCommand::Show) => None,
        Some(ProfileCommand::Name { name }) => Some(ProfileChange::Name(name.clone())),
        Some(ProfileCommand::About { text }) => Some(ProfileChange::About(text.clone())),
        Some(ProfileCommand::Picture { file, .. }) => {
            Some(ProfileChange::Picture(file.as_deref().map(picture).transpose()?.unwrap_or_default()))
        }
    };
    if let Some(change) = change {
        session.run(Command::SetProfile { change })?;
        session.settle();
    }
    let told = session.profile(None)?;
    printer.print(
        || told.as_ref().map_or_else(String::new, described),
        || told.as_ref().map_or_else(|| object("profile", &[]), |told| fields("profile", told)),
    )
}

fn described(told: &Told) -> String {
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { one_line(text) };
    let picture = match told.picture.len() / 4 * 3 {
        0 => "none".to_owned(),
        bytes => format!("about {bytes} bytes"),
    };
    format!("name:    {}\nabout:   {}\npicture: {picture}", or_none(&told.name), or_none(&told.about))
}

/// Somebody else.
pub fn show(session: &mut Session, name: &str, printer: &mut Printer) -> Result<(), Error> {
    let contact = session.known_contact(name)?;
    let told = session.profile(Some(&contact.person.account))?;
    let presence = match &told {
        Some(told) if told.presence => presence(session, &contact.person.account),
        _ => Presence::Unknown,
    };
    let there = match presence_text(presence, now_ms(), &TimeZone::system()) {
        words if words.is_empty() => words,
        words => format!("\nthere:   {words}"),
    };
    printer.print(
        || match &told {
            None => format!("{}\nhas told nothing of themself", name_of(&contact)),
            Some(told) => {
                let groups = if told.no_groups { "\ndoes not let you add them to groups" } else { "" };
                format!("{}\n{}{there}{groups}", full_name(&contact.person), described(told))
            }
        },
        || object("contactProfile", &[("contact", &contact), ("profile", &told), ("presence", &presence)]),
    )
}

/// The server says at once whether somebody is there whom the user may see; silence means that it does not know.
const PRESENCE_PATIENCE: Duration = Duration::from_secs(2);

/// Whether somebody is there, as far as it is to be known now.
fn presence(session: &mut Session, of: &str) -> Presence {
    session.app.send(Command::GoOnline);
    session.app.send(Command::SetActivity { activity: Activity::Listening });
    session.app.send(Command::WatchPresence { accounts: vec![of.to_owned()] });
    let mut deadline = Instant::now() + session.timeout;
    while let Some(event) = session.next(deadline) {
        match &event {
            Event::Presence { account, presence } if account == of && *presence != Presence::Unknown => {
                return *presence;
            }
            Event::Connection { connection: Connection::Online } => {
                deadline = Instant::now() + PRESENCE_PATIENCE;
            }
            event if !matches!(session.hope(event), Hope::Some) => break,
            _ => {}
        }
    }
    Presence::Unknown
}

pub fn settings(global: &Global, arguments: &Settings, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let change = match &arguments.command {
        None | Some(SettingsCommand::Show) => None,
        Some(SettingsCommand::Discoverable { switch }) => {
            let set = switch.as_ref().map(|switch| matches!(switch, Switch::On));
            return findable(&mut session, Command::Findable { set }, printer);
        }
        Some(SettingsCommand::Download(download)) => {
            set_rule(&mut session, download)?;
            None
        }
        Some(SettingsCommand::Address { code }) => {
            return findable(&mut session, Command::RedeemAddress { code: code.clone() }, printer);
        }
        Some(SettingsCommand::Previews { how }) => {
            let value = match how {
                Previews::On => None,
                Previews::Off => Some("off".to_owned()),
                Previews::Everywhere => Some("everywhere".to_owned()),
            };
            session.run(Command::SetSetting { key: PREVIEWS_SETTING.to_owned(), value })?;
            session.settle();
            None
        }
        Some(SettingsCommand::Picture(who)) => Some((PrivacySetting::Picture, audience(&mut session, who)?)),
        Some(SettingsCommand::About(who)) => Some((PrivacySetting::About, audience(&mut session, who)?)),
        Some(SettingsCommand::LastSeen(who)) => {
            Some((PrivacySetting::LastSeen, audience(&mut session, who)?))
        }
        Some(SettingsCommand::Groups(who)) => Some((PrivacySetting::Groups, audience(&mut session, who)?)),
        Some(SettingsCommand::Online { who: Online::Everyone }) => {
            Some((PrivacySetting::Online, Audience::Everyone))
        }
        Some(SettingsCommand::Online { who: Online::LikeLastSeen }) => {
            Some((PrivacySetting::Online, Audience::LikeLastSeen))
        }
        Some(SettingsCommand::Receipts { receipts: Switch::On }) => {
            Some((PrivacySetting::Receipts, Audience::Everyone))
        }
        Some(SettingsCommand::Receipts { receipts: Switch::Off }) => {
            Some((PrivacySetting::Receipts, Audience::Nobody))
        }
    };
    if let Some((setting, audience)) = change {
        session.run(Command::SetPrivacy { setting, audience })?;
        session.settle();
    }
    let privacy = session.privacy()?;
    let rules = rules(&session)?;
    let receipts = if privacy.receipts { "on" } else { "off" };
    let lines = [
        ("picture", words(&session, &privacy.picture)?),
        ("about", words(&session, &privacy.about)?),
        ("last-seen", words(&session, &privacy.last_seen)?),
        ("online", words(&session, &privacy.online)?),
        ("groups", words(&session, &privacy.groups)?),
        ("receipts", receipts.to_owned()),
        ("status", words(&session, &privacy.status)?),
        ("download", rules_text(&rules)),
        ("previews", session.setting(PREVIEWS_SETTING)?.unwrap_or_else(|| "on".to_owned())),
    ];
    let lines: Vec<_> = lines.iter().map(|(setting, value)| format!("{setting:<10} {value}")).collect();
    printer.print(|| lines.join("\n"), || fields("privacy", &privacy))
}

fn audience(session: &mut Session, of: &For) -> Result<Audience, Error> {
    match (of.who, of.except.is_empty()) {
        (Who::Everyone, true) => Ok(Audience::Everyone),
        (Who::Contacts, true) => Ok(Audience::Contacts),
        (Who::Nobody, true) => Ok(Audience::Nobody),
        (Who::Contacts, false) => Ok(Audience::ContactsExcept { accounts: session.accounts(&of.except)? }),
        (Who::Everyone | Who::Nobody, false) => {
            Err(Error::user("usage", "--except goes with `contacts` only"))
        }
    }
}

pub fn words(session: &Session, audience: &Audience) -> Result<String, Error> {
    Ok(match audience {
        Audience::Everyone => "everyone".to_owned(),
        Audience::Contacts => "contacts".to_owned(),
        Audience::Nobody => "nobody".to_owned(),
        Audience::LikeLastSeen => "like last-seen".to_owned(),
        Audience::ContactsExcept { accounts } => {
            format!("contacts except {}", listed(session, accounts)?)
        }
        Audience::Only { accounts } if accounts.is_empty() => "nobody".to_owned(),
        Audience::Only { accounts } => format!("only {}", listed(session, accounts)?),
    })
}

fn listed(session: &Session, accounts: &[String]) -> Result<String, Error> {
    let mut names = Vec::new();
    for account in accounts {
        let contact = session.contact(account)?;
        names.push(contact.map_or_else(|| account.clone(), |contact| person_name(&contact.person)));
    }
    Ok(names.join(", "))
}

pub fn requests(global: &Global, arguments: &Requests, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let (name, said) = match &arguments.command {
        None | Some(RequestsCommand::List) => return list(&session, printer),
        Some(RequestsCommand::Accept { name }) => (name, "accepted"),
        Some(RequestsCommand::Delete { name }) => {
            (name, "what they have written is deleted; they are not told")
        }
        Some(RequestsCommand::Block { name }) => {
            (name, "blocked: nothing comes from them any more; they are not told")
        }
    };
    if let Some(group) = session.group(name)?.filter(|group| group.asked_by.is_some() && group.member) {
        return answer_group(&mut session, &group, &arguments.command, printer);
    }
    let request = session.contact(name)?.filter(|contact| contact.request);
    let request = request.ok_or_else(|| {
        Error::user("unknownRequest", format!("no request of {name:?}; list them with `waxwing requests`"))
    })?;
    let account = request.person.account.clone();
    let clear = Command::SetChat { conversation: account.clone(), change: ChatChange::Cleared };
    match &arguments.command {
        Some(RequestsCommand::Accept { .. }) => {
            session.run(Command::Accept { account })?;
        }
        Some(RequestsCommand::Delete { .. }) => {
            session.run(clear)?;
        }
        _ => {
            session.run(Command::SetBlocked { account, blocked: true })?;
            session.run(clear)?;
        }
    }
    session.settle();
    let contact = session.known_contact(&request.person.account)?;
    printer.print(|| format!("{}: {said}", name_of(&contact)), || fields("contact", &contact))
}

/// Of a group into which somebody has brought the user who may not.
fn answer_group(
    session: &mut Session,
    group: &Group,
    answer: &Option<RequestsCommand>,
    printer: &mut Printer,
) -> Result<(), Error> {
    let name = one_line(&group.name);
    session.app.send(Command::GoOnline);
    if let Some(RequestsCommand::Accept { .. }) = answer {
        session.run(Command::AcceptGroup { group: group.group.clone() })?;
        session.spread();
        let group = session.known_group(&group.group)?;
        return printer.print(|| format!("{name}: you are in it now"), || fields("group", &group));
    }
    let account = session.status()?.account.unwrap_or_default();
    let leave = vec![GroupAction::Remove { account }];
    session.ask(Command::ChangeGroup { group: group.group.clone(), actions: leave })?;
    let clear = Command::SetChat { conversation: group.group.clone(), change: ChatChange::Cleared };
    session.run(clear)?;
    if let (Some(RequestsCommand::Block { .. }), Some(by)) = (answer, &group.asked_by) {
        session.run(Command::SetBlocked { account: by.account.clone(), blocked: true })?;
    }
    session.settle();
    printer.print(
        || format!("{name}: you are not in it any more"),
        || object("groupDeclined", &[("group", &group.group), ("name", &group.name)]),
    )
}

fn list(session: &Session, printer: &mut Printer) -> Result<(), Error> {
    let mut requests = session.contacts()?;
    requests.retain(|contact| contact.request && !contact.blocked);
    let groups: Vec<Group> =
        session.groups()?.into_iter().filter(|group| group.asked_by.is_some() && group.member).collect();
    if requests.is_empty() && groups.is_empty() {
        printer.note("nobody whom you do not know has written");
    }
    for group in &groups {
        let by = group.asked_by.as_ref().map(full_name).unwrap_or_default();
        printer.print(
            || format!("{}  group: {by} has added you, whom you do not let", one_line(&group.name)),
            || fields("groupRequest", group),
        )?;
    }
    for contact in &requests {
        printer.print(|| line(contact), || fields("request", contact))?;
    }
    Ok(())
}

fn line(contact: &Contact) -> String {
    let said = contact.last_message.as_ref().map(|message| match &message.body {
        waxwing_app::api::Body::Text(post) => one_line(&post.text),
        _ => String::new(),
    });
    format!("{}  {}", full_name(&contact.person), said.unwrap_or_default())
}
