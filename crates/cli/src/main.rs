//! `waxwing`: the terminal client.
//!
//! Exit codes: 0 done, 1 what was asked cannot be done, 2 something unexpected on this device, 3 the server
//! refused or cannot be reached, 4 a key is not the expected one. With `--json` every line on standard
//! output is one JSON object with a `type`, and an error is one `{"error": {…}}` on standard error.

mod arguments;
mod chat;
mod commands;
mod daemon;
mod names;
mod output;
mod session;
mod text;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use output::{Error, Printer};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    let mut printer = Printer::new(arguments.global.json);
    let result = run(&arguments, &mut printer);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer.fail(&error),
    }
}

fn run(arguments: &Arguments, printer: &mut Printer) -> Result<(), Error> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Register(register) => commands::register(global, register, printer),
        Command::Link(link) => commands::link(global, link, printer),
        Command::Devices(devices) => commands::devices(global, devices, printer),
        Command::Send(send) => commands::send(global, send, printer),
        Command::Receive(receive) => commands::receive(global, receive, printer),
        Command::Chat(chat) => chat::chat(global, chat, printer),
        Command::Contacts(contacts) => commands::contacts(global, contacts, printer),
        Command::Chats(chats) => commands::chats(global, chats, printer),
        Command::Group(group) => commands::group(global, group, printer),
        Command::List(list) => commands::list(global, list, printer),
        Command::Messages(messages) => commands::messages(global, messages, printer),
        Command::History(history) => commands::history(global, history, printer),
        Command::Search(search) => commands::search(global, search, printer),
        Command::SafetyNumber(number) => commands::safety_number(global, number, printer),
        Command::Status => commands::status(global, printer),
        Command::Daemon(arguments) => daemon::daemon(global, arguments, printer),
        Command::Completions(completions) => commands::completions(completions),
    }
}
