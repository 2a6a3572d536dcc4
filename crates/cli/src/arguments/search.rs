use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::chats::span;

#[derive(Args)]
pub struct Search {
    /// Words, of which the beginnings are enough; words in one pair of quotes stand next to each other.
    /// Without any, everything that fits the options is listed
    pub text: Vec<String>,
    /// Only in this conversation
    #[arg(long = "in", value_name = "CHAT")]
    pub chat: Option<String>,
    /// Only what this person wrote; `me`: you
    #[arg(long, value_name = "PERSON")]
    pub from: Option<String>,
    /// Not before this day, as 2026-03-07, or this long ago, as 8h, 7d or 2w
    #[arg(long, value_name = "DATE", value_parser = when)]
    pub since: Option<When>,
    /// Not after this day, or this long ago
    #[arg(long, value_name = "DATE", value_parser = when)]
    pub until: Option<When>,
    /// Only messages of this kind
    #[arg(long)]
    pub kind: Option<Kind>,
    /// At most so many, the newest ones
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Texts
    Text,
    /// Texts with an address of the web
    Link,
    /// Contact cards
    Contact,
    /// Places, live or not
    Place,
    /// Polls
    Poll,
    /// Events
    Event,
    /// Photos, stickers and moving pictures
    Photo,
    /// Videos
    Video,
    /// Voice messages and other sound
    Voice,
    /// Other files
    Document,
}

/// A day or a span before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Day(Date),
    Ago(Duration),
}

fn when(text: &str) -> Result<When, String> {
    if let Ok(day) = text.parse() {
        return Ok(When::Day(day));
    }
    span(text).map(When::Ago).map_err(|_| "write a day, as 2026-03-07, or a span, as 8h, 7d or 2w".to_owned())
}
