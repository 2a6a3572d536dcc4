//! `waxwing`: the terminal client.
//!
//! Exit codes: 0 done, 1 what was asked cannot be done, 2 something unexpected on this device, 3 the server
//! refused or cannot be reached, 4 a key is not the expected one. With `--json` every line on standard
//! output is one JSON object with a `type`, and an error is one `{"error": {…}}` on standard error.

mod arguments;
mod book;
mod chat;
mod commands;
mod daemon;
mod markup;
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
        Command::Media(media) => commands::media(global, media, printer),
        Command::Receive(receive) => commands::receive(global, receive, printer),
        Command::Chat(chat) => chat::chat(global, chat, printer),
        Command::Contacts(contacts) => commands::contacts(global, contacts, printer),
        Command::Requests(requests) => commands::requests(global, requests, printer),
        Command::Profile(profile) => commands::profile(global, profile, printer),
        Command::Settings(settings) => commands::settings(global, settings, printer),
        Command::Chats(chats) => commands::chats(global, chats, printer),
        Command::Group(group) => commands::group(global, group, printer),
        Command::List(list) => commands::list(global, list, printer),
        Command::Messages(messages) => commands::messages(global, messages, printer),
        Command::History(history) => commands::history(global, history, printer),
        Command::Search(search) => commands::search(global, search, printer),
        Command::SafetyNumber(number) => commands::safety_number(global, number, printer),
        Command::Status(status) => commands::status(global, status, printer),
        Command::Account => commands::account(global, printer),
        Command::Daemon(arguments) => daemon::daemon(global, arguments, printer),
        Command::Completions(completions) => commands::completions(completions),
        Command::React(react) => commands::react(global, react, printer),
        Command::Reply(reply) => commands::reply(global, reply, printer),
        Command::Edit(edit) => commands::edit(global, edit, printer),
        Command::Delete(delete) => commands::delete(global, delete, printer),
        Command::Pin(pin) => commands::pin(global, pin, printer),
        Command::Keep(keep) => commands::keep(global, keep, printer),
        Command::Forward(forward) => commands::forward(global, forward, printer),
        Command::Poll(poll) => commands::poll(global, poll, printer),
        Command::Vote(vote) => commands::vote(global, vote, printer),
        Command::Event(event) => commands::event(global, event, printer),
        Command::Answer(answer) => commands::answer(global, answer, printer),
        Command::Location(location) => commands::location(global, location, printer),
        Command::Moved(moved) => commands::moved(global, moved, printer),
        Command::Card(card) => commands::card(global, card, printer),
        Command::Open(open) => commands::open(global, open, printer),
        Command::Disappear(disappear) => commands::disappear(global, disappear, printer),
        Command::Draft(draft) => commands::draft(global, draft, printer),
        Command::Note(note) => commands::note(global, note, printer),
    }
}
