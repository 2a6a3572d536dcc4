//! One message as lines of the screen.

use jiff::tz::TimeZone;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;
use waxwing_app::api::{Delivery, Direction, Message};

use super::bubble::{self, Room};
use super::files::Moving;
use super::view::cut;
use crate::names::Names;
use crate::text;
use crate::words::{body_text, is_notice, missing_text};

/// A bubble takes at most three quarters of the width, and no more than is good to read.
const MAX_TEXT_COLUMNS: usize = 76;

/// Colours, or their absence where the user wants none (`NO_COLOR`).
#[derive(Clone, Copy)]
pub struct Palette {
    pub colours: bool,
}

impl Palette {
    fn coloured(self, style: Style) -> Style {
        if self.colours { style } else { Style::new() }
    }

    pub fn dim(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Indexed(245))
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    pub fn plain(self) -> Style {
        Style::new()
    }

    pub fn bar(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(237))
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }

    pub fn warning(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(214))
        } else {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        }
    }

    pub fn good(self) -> Style {
        self.coloured(Style::new().fg(Color::Indexed(78)))
    }

    pub fn uncertain(self) -> Style {
        self.coloured(Style::new().fg(Color::Indexed(221)))
    }

    pub fn bad(self) -> Style {
        self.coloured(Style::new().fg(Color::Indexed(203)))
    }

    pub fn accent(self) -> Style {
        self.coloured(Style::new().fg(Color::Indexed(80)))
    }

    fn bubble(self, direction: Direction) -> Style {
        self.coloured(match direction {
            Direction::Outgoing => Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(23)),
            Direction::Incoming => Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(237)),
        })
    }

    /// Beside what people wrote.
    pub fn quiet(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Indexed(248))
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    fn tick(self, delivery: Delivery) -> Style {
        match delivery {
            Delivery::Pending | Delivery::Sent | Delivery::Delivered => self.quiet(),
            Delivery::Read if self.colours => {
                Style::new().fg(Color::Indexed(45)).add_modifier(Modifier::BOLD)
            }
            Delivery::Read => Style::new().add_modifier(Modifier::BOLD),
            Delivery::Failed => self.bad().add_modifier(Modifier::BOLD),
        }
    }
}

/// What surrounds a message.
pub struct Context<'a> {
    pub previous: Option<&'a Message>,
    /// The conversation begins here.
    pub first: bool,
    /// It was looked up.
    pub found: bool,
    /// The keys act on it.
    pub selected: bool,
    /// The user has marked it.
    pub starred: bool,
    /// Whose message it answers, if that is known here.
    pub quoted: Option<String>,
    /// So many unread messages begin here.
    pub unread: Option<u64>,
    pub names: &'a Names,
    /// Several people write here: each is named.
    pub group: bool,
    pub width: usize,
    pub now_ms: u64,
    pub zone: &'a TimeZone,
    pub palette: Palette,
    /// How far files are.
    pub moving: &'a Moving,
}

/// Everything from the end of the message before to the end of this one.
pub fn block(message: &Message, context: &Context<'_>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let zone = context.zone;
    let day = |message: &Message| text::local(message.stored_at_ms, zone).date();
    let new_day = context.previous.map_or(context.first, |previous| day(previous) != day(message));
    if new_day {
        lines.push(Line::default());
        let name = text::day(message.stored_at_ms, context.now_ms, zone);
        lines.push(separator(&name, context, context.palette.dim()));
    }
    if let Some(count) = context.unread {
        let noun = if count == 1 { "unread message" } else { "unread messages" };
        lines.push(Line::default());
        lines.push(separator(&format!("{count} {noun}"), context, context.palette.accent()));
    }
    if context.found {
        lines.push(Line::default());
        lines.push(separator("found", context, context.palette.accent()));
    }
    if message.missing_before > 0 {
        lines.push(Line::default());
        let text = missing_text(message.missing_before, &context.names.of(&message.from));
        lines.push(separator(&text, context, context.palette.uncertain()));
    }
    if is_notice(message) {
        lines.push(Line::default());
        notice(message, context, &mut lines);
        return lines.into_iter().map(|line| margined(line, " ", context.palette)).collect();
    }
    let turns = context.previous.is_some_and(|previous| turns(previous, message, context.group));
    if turns || !lines.is_empty() {
        lines.push(Line::default());
    }
    let speaks = turns || context.previous.is_none() || !lines.is_empty();
    if context.group && speaks && message.direction == Direction::Incoming {
        let name = wrap(&context.names.of(&message.from), context.width).swap_remove(0);
        lines.push(Line::styled(name, context.palette.accent().add_modifier(Modifier::BOLD)));
    }
    let head = lines.len();
    bubble(message, context, &mut lines);
    let margin = |(index, line)| {
        let mark = if context.selected && index >= head { "▌" } else { " " };
        margined(line, mark, context.palette)
    };
    lines.into_iter().enumerate().map(margin).collect()
}

/// With what stands in the margin at its left.
fn margined(mut line: Line<'static>, mark: &'static str, palette: Palette) -> Line<'static> {
    line.spans.insert(0, Span::styled(mark, palette.accent().add_modifier(Modifier::BOLD)));
    line
}

/// Somebody else speaks.
fn turns(previous: &Message, message: &Message, group: bool) -> bool {
    let other_author = group && previous.from != message.from;
    previous.direction != message.direction || is_notice(previous) || other_author
}

/// What nobody wrote stands in the middle.
fn notice(message: &Message, context: &Context<'_>, lines: &mut Vec<Line<'static>>) {
    let room = context.width.saturating_sub(4).clamp(2, MAX_TEXT_COLUMNS);
    for row in wrap(&text::one_line(&body_text(&message.body, context.names)), room) {
        let indent = context.width.saturating_sub(row.width()) / 2;
        let style = context.palette.dim().add_modifier(Modifier::ITALIC);
        lines.push(Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(row, style)]));
    }
}

fn separator(text: &str, context: &Context<'_>, style: Style) -> Line<'static> {
    let width = context.width;
    let side = (width.saturating_sub(text.width() + 2) / 2).min(12);
    let rule = "─".repeat(side);
    let whole = format!("{rule} {text} {rule}");
    let indent = width.saturating_sub(whole.width()) / 2;
    Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(whole, style)])
}

/// What it says, with time and ticks at the lower right corner and reactions below; own messages stand at the
/// right edge.
fn bubble(message: &Message, context: &Context<'_>, lines: &mut Vec<Line<'static>>) {
    let palette = context.palette;
    let style = palette.bubble(message.direction);
    let width =
        (context.width * 3 / 4).clamp(8, MAX_TEXT_COLUMNS + 2).min(context.width).saturating_sub(2).max(1);
    let room = Room {
        names: context.names,
        zone: context.zone,
        palette,
        style,
        width,
        open: context.selected,
        moving: context.moving,
    };
    let rows = bubble::rows(message, context.quoted.as_deref(), &room);
    let meta = meta(message, context, style);
    let columns = |row: &[Span<'_>]| row.iter().map(|span| span.content.width()).sum::<usize>();
    let meta_width = columns(&meta);
    let last_width = rows.last().map_or(0, |row| columns(row));
    let beside = last_width + 2 + meta_width <= width;
    let longest = rows.iter().map(|row| columns(row)).max().unwrap_or(0);
    let inner = longest.max(if beside { last_width + 2 + meta_width } else { meta_width }).min(width);
    let indent = match message.direction {
        Direction::Incoming => 0,
        Direction::Outgoing => context.width.saturating_sub(inner + 2),
    };
    let mut emit = |row: &[Span<'static>], meta: &[Span<'static>]| {
        let used = columns(row) + columns(meta);
        let mut spans = vec![Span::raw(" ".repeat(indent)), Span::styled(" ", style)];
        spans.extend_from_slice(row);
        spans.push(Span::styled(" ".repeat(inner.saturating_sub(used)), style));
        spans.extend_from_slice(meta);
        spans.push(Span::styled(" ", style));
        lines.push(Line::from(spans));
    };
    let count = rows.len();
    for (index, row) in rows.iter().enumerate() {
        emit(row, if beside && index + 1 == count { &meta } else { &[] });
    }
    if !beside {
        emit(&[], &meta);
    }
    let reactions = bubble::reactions(message);
    if !reactions.is_empty() {
        let said = cut(&reactions, inner.max(width / 2));
        let indent = match message.direction {
            Direction::Incoming => 1,
            Direction::Outgoing => context.width.saturating_sub(said.width() + 1),
        };
        lines.push(Line::from(vec![Span::raw(" ".repeat(indent)), Span::raw(said)]));
    }
}

/// `edited 14:05 ✓✓`.
fn meta(message: &Message, context: &Context<'_>, style: Style) -> Vec<Span<'static>> {
    let palette = context.palette;
    let mut said = bubble::marks(message, context.starred);
    if !said.is_empty() {
        said.push(' ');
    }
    said.push_str(&text::clock(message.stored_at_ms, context.zone));
    let mut meta = vec![Span::styled(said, style.patch(palette.quiet()))];
    if message.direction == Direction::Outgoing {
        let tick = format!(" {}", tick(message.delivery));
        meta.push(Span::styled(tick, style.patch(palette.tick(message.delivery))));
    }
    meta
}

fn tick(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "⏱",
        Delivery::Sent => "✓",
        Delivery::Delivered | Delivery::Read => "✓✓",
        Delivery::Failed => "✗ not sent",
    }
}

/// Breaks text into rows of at most `width` columns, between words where that is possible.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut rows = Vec::new();
    for line in text.split('\n') {
        let (mut row, mut columns) = (String::new(), 0);
        for word in line.split_word_bounds() {
            let wide = word.width();
            if columns + wide > width && wide <= width {
                rows.push(std::mem::take(&mut row).trim_end().to_owned());
                columns = 0;
                if word.trim().is_empty() {
                    continue;
                }
            }
            if wide <= width {
                row.push_str(word);
                columns += wide;
                continue;
            }
            for grapheme in word.graphemes(true) {
                let wide = grapheme.width();
                if columns + wide > width && !row.is_empty() {
                    rows.push(std::mem::take(&mut row));
                    columns = 0;
                }
                row.push_str(grapheme);
                columns += wide;
            }
        }
        rows.push(row.trim_end().to_owned());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("abcdefghijkl mn", 5), ["abcde", "fghij", "kl mn"]);
        assert_eq!(wrap("hello    world", 7), ["hello", "world"]);
    }

    #[test]
    fn wide_characters_count_twice_and_families_stay_together() {
        assert_eq!(wrap("日本語日本語", 7), ["日本語", "日本語"]);
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(wrap(&family.repeat(3), 4), [family.repeat(2), family.to_owned()]);
        for row in wrap("🏳️‍🌈é́é日x".repeat(20).as_str(), 9) {
            assert!(row.width() <= 9, "{row}");
        }
    }
}
