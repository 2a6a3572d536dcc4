//! What stands in a message's bubble: what it answers, what it says, what comes with it.

use jiff::tz::TimeZone;
use ratatui::style::{Modifier, Style as Look};
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr as _;
use waxwing_app::api::{Body, Card, Deed, Direction, Message, Place, Post, Reply, Style};

use super::files::Moving;
use super::layout::{Palette, wrap};
use super::view::cut;
use crate::names::Names;
use crate::text::{harmless, one_line};
use crate::words::{body_text, event_text, file_text, place_text, preview_text, quote_text};

/// Columns of the bar that shows how many have voted.
const BAR: usize = 8;

/// A row, in pieces of one look each.
pub type Row = Vec<Span<'static>>;

/// What the rows are made for.
pub struct Room<'a> {
    pub names: &'a Names,
    pub zone: &'a TimeZone,
    pub palette: Palette,
    /// Of the bubble.
    pub style: Look,
    /// Columns.
    pub width: usize,
    /// What is hidden until it is asked for is shown.
    pub open: bool,
    /// How far files are.
    pub moving: &'a Moving,
}

/// All rows of a message; `quoted`: whom it answers, if that is known.
pub fn rows(message: &Message, quoted: Option<&str>, room: &Room<'_>) -> Vec<Row> {
    let Body::Text(post) = &message.body else {
        let style = room.quiet().add_modifier(Modifier::ITALIC);
        return room.plain(&body_text(&message.body, room.names), style);
    };
    if post.once {
        let opened = message.done.iter().any(|done| done.deed == Deed::Opened);
        let said = match message.direction {
            Direction::Incoming => "a message to be seen once; select it and press o",
            Direction::Outgoing if opened => "a message to be seen once; it was",
            Direction::Outgoing => "a message to be seen once",
        };
        return room.plain(said, room.quiet());
    }
    let mut rows = Vec::new();
    match post.forwards {
        0 => {}
        1..=4 => rows.extend(room.plain("↪ forwarded", room.quiet())),
        _ => rows.extend(room.plain("↪ forwarded many times", room.quiet())),
    }
    if let Some(quote) = &post.quote {
        let who = quoted.map(|name| format!("{name}: ")).unwrap_or_default();
        let said = format!("│ {who}{}", quote_text(quote));
        rows.push(vec![Span::styled(cut(&said, room.width), room.quiet())]);
    }
    if !post.text.is_empty() {
        rows.extend(room.text(post));
    }
    for file in &post.attachments {
        let text = format!("{}{}", file_text(file), room.moving.text(file));
        rows.extend(room.plain(&text, room.style));
    }
    if let Some(preview) = &post.preview {
        rows.extend(room.plain(&preview_text(preview), room.quiet()));
    }
    if let Some(card) = &post.card {
        rows.extend(card_rows(card, message, room));
    }
    rows
}

/// The text on one line, without what is hidden in it; `None` where it says something else.
pub fn open_text(message: &Message) -> Option<String> {
    let post = message.body.post().filter(|post| !post.once && post.card.is_none())?;
    Some(one_line(&pieces(post, false).0)).filter(|text| !text.is_empty())
}

/// What stands below a bubble: who thinks what of it.
pub fn reactions(message: &Message) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for done in &message.done {
        let Deed::React { emoji } = &done.deed else { continue };
        match counted.iter_mut().find(|(known, _)| known == emoji) {
            Some((_, count)) => *count += 1,
            None => counted.push((emoji, 1)),
        }
    }
    let said = counted.iter().map(|(emoji, count)| match count {
        1 => one_line(emoji),
        count => format!("{} {count}", one_line(emoji)),
    });
    said.collect::<Vec<_>>().join("  ")
}

/// What is to be said of a message beside its time.
pub fn marks(message: &Message, starred: bool) -> String {
    let holds = |of: fn(&Deed) -> bool| message.done.iter().any(|done| of(&done.deed));
    let mut said = Vec::new();
    if starred {
        said.push("★");
    }
    if holds(|deed| matches!(deed, Deed::Pin { .. })) {
        said.push("pinned");
    }
    if holds(|deed| matches!(deed, Deed::Keep { keep: true })) {
        said.push("kept");
    }
    if message.edited_at_ms > 0 && matches!(message.body, Body::Text(_)) {
        said.push("edited");
    }
    said.join(" ")
}

fn card_rows(card: &Card, message: &Message, room: &Room<'_>) -> Vec<Row> {
    match card {
        Card::Contact { name, account, .. } => {
            let account = account.as_ref().map(|account| format!(" ({})", room.names.of(account)));
            room.plain(&format!("☎ {}{}", one_line(name), account.unwrap_or_default()), room.style)
        }
        Card::Place { place } => place_rows(place, message, room),
        Card::Poll { options, several } => {
            let how = if *several { "poll: choose any" } else { "poll: choose one" };
            let mut rows = room.plain(how, room.quiet());
            rows.extend(options.iter().enumerate().map(|(at, option)| option_row(at, option, message, room)));
            rows
        }
        Card::Event { starts_at_ms, ends_at_ms, place } => {
            let when = event_text(*starts_at_ms, *ends_at_ms, place, room.zone);
            let mut rows = room.plain(&when, room.quiet());
            for (wanted, said) in
                [(Reply::Yes, "comes"), (Reply::Perhaps, "perhaps"), (Reply::No, "does not come")]
            {
                let who = who_did(
                    message,
                    room,
                    |deed| matches!(deed, Deed::Answer { answer } if *answer == wanted),
                );
                if !who.is_empty() {
                    rows.extend(room.plain(&format!("{said}: {}", who.join(", ")), room.quiet()));
                }
            }
            rows
        }
    }
}

fn place_rows(place: &Place, message: &Message, room: &Room<'_>) -> Vec<Row> {
    let mut rows = room.plain(&format!("⌖ {}", place_text(place)), room.style);
    for done in &message.done {
        if let Deed::Live { place } = &done.deed {
            let said =
                if place.live_s > 0 { format!("now at {}", place_text(place)) } else { "ended".to_owned() };
            rows.extend(room.plain(&said, room.quiet()));
        }
    }
    rows
}

fn who_did(message: &Message, room: &Room<'_>, of: impl Fn(&Deed) -> bool) -> Vec<String> {
    message.done.iter().filter(|done| of(&done.deed)).map(|done| room.names.of(&done.by)).collect()
}

/// `● 1 pizza  ▇▇▇▇ 2`: the own vote is a full circle.
fn option_row(at: usize, option: &str, message: &Message, room: &Room<'_>) -> Row {
    let votes = |done: &&waxwing_app::api::Done| match &done.deed {
        Deed::Vote { options } => options.iter().any(|chosen| usize::from(*chosen) == at),
        _ => false,
    };
    let voters = message.done.iter().filter(|done| matches!(done.deed, Deed::Vote { .. })).count();
    let count = message.done.iter().filter(votes).count();
    let own = message.done.iter().filter(votes).any(|done| room.names.is_own(&done.by));
    let bar = "▇".repeat((count * BAR).div_ceil(voters.max(1)));
    let end = if count == 0 { String::new() } else { format!("  {bar} {count}") };
    let circle = if own { "●" } else { "○" };
    let said =
        cut(&format!("{circle} {} {}", at + 1, one_line(option)), room.width.saturating_sub(end.width()));
    let mut row = vec![Span::styled(said, room.style)];
    row.push(Span::styled(end, room.style.patch(room.palette.accent())));
    row
}

impl Room<'_> {
    fn quiet(&self) -> Look {
        self.style.patch(self.palette.quiet())
    }

    fn plain(&self, text: &str, style: Look) -> Vec<Row> {
        wrap(&harmless(text), self.width).into_iter().map(|row| vec![Span::styled(row, style)]).collect()
    }

    /// The text with its formatting.
    fn text(&self, post: &Post) -> Vec<Row> {
        let (text, pieces) = pieces(post, self.open);
        let mut rows = Vec::new();
        let mut at = 0;
        for row in wrap(&text, self.width) {
            // Rows follow each other in the text; between them nothing is left out but blanks.
            let start =
                text.get(at..).and_then(|rest| rest.find(row.as_str())).map_or(at, |found| at + found);
            at = start + row.len();
            rows.push(self.looks(&row, start, &pieces));
        }
        rows
    }

    fn looks(&self, row: &str, start: usize, pieces: &[(usize, Modifier)]) -> Row {
        let mut spans = Vec::new();
        let mut done = 0;
        for (index, (from, look)) in pieces.iter().enumerate() {
            let end = pieces.get(index + 1).map_or(usize::MAX, |(next, _)| *next);
            let (from, end) =
                (from.saturating_sub(start).max(done), end.saturating_sub(start).min(row.len()));
            if let Some(part) = row.get(from..end).filter(|part| !part.is_empty()) {
                spans.push(Span::styled(part.to_owned(), self.style.add_modifier(*look)));
                done = end;
            }
        }
        spans
    }
}

/// The text without harm, and from which byte of it on it looks how. Ascends from 0.
fn pieces(post: &Post, open: bool) -> (String, Vec<(usize, Modifier)>) {
    let ends = |span: &waxwing_app::api::Span| {
        let start = span.start as usize;
        [start, start.saturating_add(span.bytes as usize)]
    };
    let mut cuts: Vec<usize> = post.spans.iter().flat_map(ends).chain([0, post.text.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let (mut text, mut pieces) = (String::with_capacity(post.text.len()), Vec::new());
    for pair in cuts.windows(2) {
        let &[from, to] = pair else { continue };
        let Some(part) = post.text.get(from..to) else { continue };
        let mut look = Modifier::empty();
        let mut hidden = false;
        for span in &post.spans {
            let [start, end] = ends(span);
            if start > from || end < to {
                continue;
            }
            look |= match &span.style {
                Style::Bold => Modifier::BOLD,
                Style::Italic => Modifier::ITALIC,
                Style::Strike => Modifier::CROSSED_OUT,
                Style::Monospace => Modifier::DIM,
                Style::Mention { .. } => Modifier::BOLD | Modifier::UNDERLINED,
                Style::Spoiler => Modifier::empty(),
            };
            hidden |= span.style == Style::Spoiler;
        }
        pieces.push((text.len(), look));
        if hidden && !open {
            text.extend(part.chars().map(|c| if c.is_whitespace() { c } else { '▒' }));
        } else {
            text.push_str(&harmless(part));
        }
    }
    (text, pieces)
}
