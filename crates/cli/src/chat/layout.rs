//! One message as lines of the screen.

use jiff::tz::TimeZone;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;
use waxwing_app::api::{Body, Delivery, Direction, Message};

use crate::names::Names;
use crate::text;
use crate::words::{body_text, is_notice, missing_text, whole_text};

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

    fn time(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Indexed(248))
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    fn tick(self, delivery: Delivery) -> Style {
        match delivery {
            Delivery::Pending | Delivery::Sent | Delivery::Delivered => self.time(),
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
    /// So many unread messages begin here.
    pub unread: Option<u64>,
    pub names: &'a Names,
    /// Several people write here: each is named.
    pub group: bool,
    pub width: usize,
    pub now_ms: u64,
    pub zone: &'a TimeZone,
    pub palette: Palette,
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
        return lines;
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
    bubble(message, context, &mut lines);
    lines
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

/// The text with time and ticks at its lower right corner; own messages stand at the right edge.
fn bubble(message: &Message, context: &Context<'_>, lines: &mut Vec<Line<'static>>) {
    let palette = context.palette;
    let style = palette.bubble(message.direction);
    let room =
        (context.width * 3 / 4).clamp(8, MAX_TEXT_COLUMNS + 2).min(context.width).saturating_sub(2).max(1);
    let rows = wrap(&text::harmless(&whole_text(message, context.names)), room);
    let time = text::clock(message.stored_at_ms, context.zone);
    let tick = match message.direction {
        Direction::Incoming => "",
        Direction::Outgoing => tick(message.delivery),
    };
    let meta_width = time.width() + if tick.is_empty() { 0 } else { 1 + tick.width() };
    let last_width = rows.last().map_or(0, |row| row.width());
    let beside = last_width + 2 + meta_width <= room;
    let longest = rows.iter().map(|row| row.width()).max().unwrap_or(0);
    let inner = longest.max(if beside { last_width + 2 + meta_width } else { meta_width }).min(room);
    let indent = match message.direction {
        Direction::Incoming => 0,
        Direction::Outgoing => context.width.saturating_sub(inner + 2),
    };
    let text_style = match message.body {
        Body::Text(_) => style,
        Body::Waiting | Body::Lost | Body::Unknown | Body::Notice { .. } | Body::Deleted | Body::Opened => {
            style.patch(palette.time()).add_modifier(Modifier::ITALIC)
        }
    };
    let count = rows.len();
    let mut emit = |row: &str, with_meta: bool| {
        let used = row.width() + if with_meta { meta_width } else { 0 };
        let mut spans = vec![Span::raw(" ".repeat(indent)), Span::styled(" ", style)];
        spans.push(Span::styled(row.to_owned(), text_style));
        spans.push(Span::styled(" ".repeat(inner.saturating_sub(used)), style));
        if with_meta {
            spans.push(Span::styled(time.clone(), style.patch(palette.time())));
            if !tick.is_empty() {
                spans.push(Span::styled(format!(" {tick}"), style.patch(palette.tick(message.delivery))));
            }
        }
        spans.push(Span::styled(" ", style));
        lines.push(Line::from(spans));
    };
    for (index, row) in rows.iter().enumerate() {
        emit(row, beside && index + 1 == count);
    }
    if !beside {
        emit("", true);
    }
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
