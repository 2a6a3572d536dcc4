//! Whom the user knows.

use std::path::Path;

use jiff::tz::TimeZone;
use waxwing_app::api::{Command, Contact, Event, Trust};

use super::chats::last_line;
use crate::arguments::{Contacts, ContactsCommand, Global};
use crate::book;
use crate::names::{Names, full_name, name_of};
use crate::output::{Error, Printer, fields};
use crate::session::Session;

pub fn contacts(global: &Global, arguments: &Contacts, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    match &arguments.command {
        None | Some(ContactsCommand::List) => list(&session, printer),
        Some(ContactsCommand::Add { name }) => {
            let contact = session.find_contact(name)?;
            let contact = match &contact.person.username {
                // Somebody who wrote is known, and not yet a contact.
                Some(username) if !contact.contact => {
                    session.run(Command::AddContact { username: username.clone() })?;
                    session.settle();
                    session.known_contact(&contact.person.account)?
                }
                _ => contact,
            };
            changed(&contact, printer, |name| format!("{name} is a contact"))
        }
        Some(ContactsCommand::Show { name }) => super::people::show(&mut session, name, printer),
        Some(ContactsCommand::Remove { name }) => {
            let account = session.known_contact(name)?.person.account;
            session.run(Command::RemoveContact { account: account.clone() })?;
            session.settle();
            let contact = session.known_contact(&account)?;
            changed(&contact, printer, |name| format!("{name} is no contact any more"))
        }
        Some(ContactsCommand::Sync { file, country_code }) => {
            sync(&mut session, file, country_code.as_deref(), printer)
        }
        Some(ContactsCommand::Name { name, own_name }) => {
            let account = session.known_contact(name)?.person.account;
            session.run(Command::SetContactName { account: account.clone(), name: own_name.clone() })?;
            session.spread();
            let contact = session.known_contact(&account)?;
            changed(&contact, printer, |name| format!("{name} is what you call them, on all your devices"))
        }
        Some(ContactsCommand::Block { name }) => {
            // Somebody unknown need not be made a contact first by hand.
            let account = session.find_contact(name)?.person.account;
            set_blocked(&mut session, &account, true)?;
            let contact = session.known_contact(&account)?;
            changed(&contact, printer, |name| {
                format!("{name} is blocked: nothing comes from them any more; they are not told")
            })
        }
        Some(ContactsCommand::Unblock { name }) => {
            let account = session.known_contact(name)?.person.account;
            set_blocked(&mut session, &account, false)?;
            let contact = session.known_contact(&account)?;
            changed(&contact, printer, |name| format!("{name} is not blocked any more"))
        }
    }
}

/// Nothing of the book is kept but the names of those who were found.
fn sync(
    session: &mut Session,
    file: &Path,
    country_code: Option<&str>,
    printer: &mut Printer,
) -> Result<(), Error> {
    let entries = book::read(file, country_code)?;
    session.app.send(Command::GoOnline);
    session.ask(Command::LookUpContacts { entries })?;
    let found = session.take_backlog().into_iter().find_map(|event| match event {
        Event::ContactsFound { addresses, found, .. } => Some((addresses, found)),
        _ => None,
    });
    let (addresses, found) = found.unwrap_or_default();
    for found in &found {
        let contact = session.known_contact(&found.account)?;
        changed(&contact, printer, |name| name)?;
    }
    session.spread();
    printer.note(&format!("{} of {addresses} addresses lead to somebody who wants to be found", found.len()));
    Ok(())
}

fn set_blocked(session: &mut Session, account: &str, blocked: bool) -> Result<(), Error> {
    session.run(Command::SetBlocked { account: account.to_owned(), blocked })?;
    // Others get other keys.
    session.settle();
    Ok(())
}

fn changed(
    contact: &Contact,
    printer: &mut Printer,
    say: impl FnOnce(String) -> String,
) -> Result<(), Error> {
    printer.print(|| say(name_of(contact)), || fields("contact", contact))
}

fn list(session: &Session, printer: &mut Printer) -> Result<(), Error> {
    let contacts = session.contacts()?;
    if contacts.is_empty() {
        printer.note("no contacts yet; add one with `waxwing contacts add NAME`");
    }
    let (zone, mut names) = (TimeZone::system(), Names::new(&session.status()?));
    for contact in &contacts {
        if let Some(message) = &contact.last_message {
            names.learn(session, message)?;
        }
        printer.print(|| line(contact, &names, &zone), || fields("contact", contact))?;
    }
    if contacts.iter().any(is_only_known) {
        printer.note("who is not added is shown no status updates, nor what settings are for contacts: add them with `waxwing contacts add NAME`");
    }
    Ok(())
}

/// Somebody whom the user has written to or accepted, and has not among the contacts.
pub fn is_only_known(contact: &Contact) -> bool {
    !contact.contact && !contact.request && !contact.blocked
}

fn line(contact: &Contact, names: &Names, zone: &TimeZone) -> String {
    let username = match (&contact.person.name, &contact.person.username) {
        (Some(_), Some(username)) => format!(" ({username})"),
        _ => String::new(),
    };
    let trust = match contact.trust {
        Trust::FirstUse => "",
        Trust::Verified => "  verified",
        Trust::Changed { .. } => "  safety number changed",
    };
    let blocked = if contact.blocked { "  blocked" } else { "" };
    let unread = if contact.unread > 0 { format!("  {} unread", contact.unread) } else { String::new() };
    let last = contact.last_message.as_ref().map(|message| last_line(message, names, zone));
    let request = match contact {
        Contact { request: true, .. } => "  not accepted",
        Contact { contact: false, .. } => "  not added",
        _ => "",
    };
    let name = if contact.person.name.is_some() { name_of(contact) } else { full_name(&contact.person) };
    format!("{name}{username}{trust}{blocked}{request}{unread}{}", last.unwrap_or_default())
}
