//! Whether others find the user by an address.

use waxwing_app::api::{Command, Event};

use crate::output::{Error, Printer, object};
use crate::session::Session;

pub fn findable(session: &mut Session, command: Command, printer: &mut Printer) -> Result<(), Error> {
    session.app.send(Command::GoOnline);
    session.ask(command)?;
    let told = session.take_backlog().into_iter().find_map(|event| match event {
        Event::Findable { on, addresses, .. } => Some((on, addresses)),
        _ => None,
    });
    let (on, addresses) = told.unwrap_or_default();
    let line = || match (on, addresses) {
        (true, 0) => "you would be found, but the operator has vouched for no address of yours".to_owned(),
        (true, 1) => "whoever has your address finds you".to_owned(),
        (true, count) => format!("whoever has one of your {count} addresses finds you"),
        (false, 0) => "nobody finds you by an address; the operator has vouched for none of yours".to_owned(),
        (false, count) => format!("nobody finds you by an address; the operator has vouched for {count}"),
    };
    printer.print(line, || object("findable", &[("on", &on), ("addresses", &addresses)]))
}
