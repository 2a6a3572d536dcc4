use std::time::Duration;

use clap::{Args, ValueEnum};

use super::chats::span;

#[derive(Args)]
pub struct React {
    /// Number or id, as `waxwing history --numbers` prints it
    pub message: String,
    /// An emoji; without one the reaction is taken back
    pub emoji: Option<String>,
}

#[derive(Args)]
pub struct Reply {
    /// Number or id of the message that this one answers
    pub message: String,
    /// Text; `-` reads it from standard input
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub text: Vec<String>,
}

#[derive(Args)]
pub struct Edit {
    /// Number or id of a message of yours, at most 15 minutes old
    pub message: String,
    /// What it says from now on; `-` reads it from standard input
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub text: Vec<String>,
}

#[derive(Args)]
pub struct Delete {
    /// Numbers or ids
    #[arg(required = true)]
    pub messages: Vec<String>,
    /// On everybody's devices: yours within 2 days, anybody's if you are an admin of the group
    #[arg(long)]
    pub for_everyone: bool,
}

#[derive(Args)]
pub struct Pin {
    /// Number or id
    pub message: String,
    /// For so long: 30m, 8h, 7d, 2w
    #[arg(long = "for", value_name = "TIME", default_value = "7d", value_parser = span)]
    pub time: Duration,
    /// Not any more
    #[arg(long)]
    pub off: bool,
}

#[derive(Args)]
pub struct Keep {
    /// Number or id of a message that would disappear
    pub message: String,
    /// Let it disappear after all
    #[arg(long)]
    pub off: bool,
}

#[derive(Args)]
pub struct Forward {
    /// Number or id
    pub message: String,
    /// Contacts and groups, at most 5
    #[arg(required = true)]
    pub names: Vec<String>,
}

#[derive(Args)]
pub struct Poll {
    /// A contact or group
    pub name: String,
    /// What is asked
    pub question: String,
    /// What can be chosen, 2 to 12
    #[arg(required = true, num_args = 2..)]
    pub options: Vec<String>,
    /// More than one may be chosen
    #[arg(long)]
    pub several: bool,
}

#[derive(Args)]
pub struct Vote {
    /// Number or id of the poll
    pub message: String,
    /// Numbers of options, from 1; none: takes the vote back
    pub options: Vec<u8>,
}

#[derive(Args)]
pub struct Event {
    /// A contact or group
    pub name: String,
    /// What is going to happen
    pub title: String,
    /// When, as 2026-12-24T18:00
    #[arg(long, value_name = "TIME")]
    pub at: String,
    /// Until when
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Where
    #[arg(long, default_value = "")]
    pub place: String,
}

#[derive(Args)]
pub struct Answer {
    /// Number or id of the event
    pub message: String,
    /// Whether you come
    pub answer: Coming,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Coming {
    Yes,
    No,
    Perhaps,
    /// Take the answer back
    None,
}

#[derive(Args)]
pub struct Location {
    /// A contact or group
    pub name: String,
    /// Degrees, north positive
    #[arg(allow_negative_numbers = true)]
    pub latitude: f64,
    /// Degrees, east positive
    #[arg(allow_negative_numbers = true)]
    pub longitude: f64,
    /// What the place is called
    #[arg(long, default_value = "")]
    pub place: String,
    /// Keep it up to date for so long, with `waxwing moved`
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub live: Option<Duration>,
}

#[derive(Args)]
pub struct Moved {
    /// Number or id of a live location of yours
    pub message: String,
    /// Degrees, north positive
    #[arg(allow_negative_numbers = true, required_unless_present = "end")]
    pub latitude: Option<f64>,
    /// Degrees, east positive
    #[arg(allow_negative_numbers = true, required_unless_present = "end")]
    pub longitude: Option<f64>,
    /// It is not kept up to date any more
    #[arg(long)]
    pub end: bool,
}

#[derive(Args)]
pub struct Card {
    /// To whom: a contact or group
    pub name: String,
    /// Whose card: a contact
    pub contact: String,
}

#[derive(Args)]
pub struct Open {
    /// Number or id of a message that is to be seen once
    pub message: String,
}

#[derive(Args)]
pub struct Disappear {
    /// A contact or group; without one: every new conversation
    #[arg(long = "in", value_name = "NAME")]
    pub name: Option<String>,
    /// What is written from now on disappears after this time, as 24h, 7d, 90d; `off`: it stays
    pub time: String,
}

#[derive(Args)]
pub struct Draft {
    /// A contact or group
    pub name: String,
    /// What you have begun to write, for all your devices; nothing: shows it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub text: Vec<String>,
    /// Throw it away
    #[arg(long)]
    pub clear: bool,
}

#[derive(Args)]
pub struct Note {
    /// Something to remember, on all your devices; without text, your notes are printed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub text: Vec<String>,
}
