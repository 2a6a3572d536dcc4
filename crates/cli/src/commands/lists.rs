//! Broadcast lists.

use waxwing_app::api::{BroadcastList, Command};

use crate::arguments::{Global, List, ListCommand};
use crate::names::Names;
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::text::one_line;

pub fn list(global: &Global, arguments: &List, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    match &arguments.command {
        None | Some(ListCommand::Show) => {
            let lists = session.lists()?;
            if lists.is_empty() {
                printer.note("no broadcast lists; make one with `waxwing list create NAME MEMBER…`");
            }
            lists.iter().try_for_each(|list| show(&session, list, printer))
        }
        Some(ListCommand::Create { name, members }) => {
            if session.list(name)?.is_some() {
                let detail = format!("there is a list {name:?} already; add to it with `waxwing list add`");
                return Err(Error::user("listExists", detail));
            }
            let members = session.accounts(members)?;
            set(&mut session, BroadcastList { id: None, name: name.clone(), members }, printer)
        }
        Some(ListCommand::Rename { list, name }) => {
            let list = session.known_list(list)?;
            set(&mut session, BroadcastList { name: name.clone(), ..list }, printer)
        }
        Some(ListCommand::Add { list, members }) => {
            let mut list = session.known_list(list)?;
            for account in session.accounts(members)? {
                if !list.members.contains(&account) {
                    list.members.push(account);
                }
            }
            set(&mut session, list, printer)
        }
        Some(ListCommand::Remove { list, members }) => {
            let mut list = session.known_list(list)?;
            let gone = session.accounts(members)?;
            list.members.retain(|account| !gone.contains(account));
            set(&mut session, list, printer)
        }
        Some(ListCommand::Delete { list }) => {
            let list = session.known_list(list)?;
            let id = list.id.clone().unwrap_or_default();
            session.run(Command::DeleteList { list: id })?;
            session.spread();
            printer.print(
                || format!("the list “{}” is deleted", one_line(&list.name)),
                || object("listDeleted", &[("list", &list)]),
            )
        }
    }
}

fn set(session: &mut Session, list: BroadcastList, printer: &mut Printer) -> Result<(), Error> {
    let name = list.name.clone();
    session.run(Command::SetList { list })?;
    session.spread();
    show(session, &session.known_list(&name)?, printer)
}

fn show(session: &Session, list: &BroadcastList, printer: &mut Printer) -> Result<(), Error> {
    let mut names = Names::new(&session.status()?);
    for account in &list.members {
        names.learn_person(session, account)?;
    }
    printer.print(
        || {
            let members: Vec<String> = list.members.iter().map(|account| names.of(account)).collect();
            format!("{}: {}", one_line(&list.name), members.join(", "))
        },
        || object("list", &[("list", list)]),
    )
}
