//! Draws the chat screen.

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;
use waxwing_app::api::{ChatWith, Connection, GroupKind, Trust};

use super::screen::Screen;
use crate::names::{chat_name, full_name};
use crate::text::one_line;

/// The input takes at most so many rows; the cursor's row is always among them.
const MAX_INPUT_ROWS: usize = 6;
const PROMPT: &str = "› ";
/// What the keys do; the first that fits is shown.
const HINTS: [&str; 4] = [
    "Enter sends · Alt+Enter new line · ↑ messages · Ctrl+K chats · /help · Esc leaves",
    "Enter sends · Alt+Enter new line · ↑ messages · /help · Esc leaves",
    "Enter sends · Alt+Enter new line · Esc leaves",
    "Enter sends · Esc leaves",
];

/// Draws everything, and notes in the screen what was seen.
pub fn draw(frame: &mut Frame<'_>, screen: &mut Screen, now_ms: u64) {
    let area = frame.area();
    let width = usize::from(area.width);
    let banners = banners(screen, width);
    let room = width.saturating_sub(PROMPT.width()).max(2);
    let (rows, cursor) = screen.editor.rows(room);
    let input_rows = rows.len().min(MAX_INPUT_ROWS);
    let hint_rows = u16::from(area.height >= 8);
    let about = screen.about();
    let [header, notes, history, rule, context, input, hint] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::try_from(banners.len()).unwrap_or(1)),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(u16::from(about.is_some())),
        Constraint::Length(u16::try_from(input_rows).unwrap_or(1)),
        Constraint::Length(hint_rows),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(header_line(screen, width, now_ms)), header);
    frame.render_widget(Paragraph::new(banners), notes);
    draw_history(frame, screen, history, now_ms);
    frame.render_widget(Paragraph::new(rule_line(screen, width)), rule);
    let about = about.map(|about| Line::styled(cut(&format!("  {about}"), width), screen.palette.accent()));
    frame.render_widget(Paragraph::new(about.unwrap_or_default()), context);
    draw_input(frame, screen, input, &rows, cursor);
    frame.render_widget(Paragraph::new(hint_line(screen, width)), hint);
}

fn header_line(screen: &Screen, width: usize, now_ms: u64) -> Line<'static> {
    let palette = screen.palette;
    let bar = palette.bar();
    let (dot, style, words) = match &screen.connection {
        Connection::Online => ("●", palette.good(), "connected".to_owned()),
        Connection::Connecting => ("◌", palette.uncertain(), "connecting…".to_owned()),
        Connection::Waiting { until_ms, .. } => {
            let seconds = until_ms.saturating_sub(now_ms).div_ceil(1_000);
            let words = match seconds {
                0 => "no connection, trying again…".to_owned(),
                seconds => format!("no connection, trying again in {seconds} s"),
            };
            ("○", palette.uncertain(), words)
        }
        Connection::Offline => ("○", palette.uncertain(), "offline".to_owned()),
        Connection::Refused { .. } => ("✗", palette.bad(), "refused by the server".to_owned()),
    };
    let trust = match &screen.chat.with {
        ChatWith::Contact { trust: Trust::Verified, .. } => "  ✔ verified".to_owned(),
        ChatWith::Contact { .. } => String::new(),
        ChatWith::Group { group_kind, members, .. } => match group_kind {
            GroupKind::Group => format!("  group of {members}"),
            GroupKind::Community => format!("  community of {members}"),
        },
    };
    let name = match &screen.chat.with {
        ChatWith::Contact { person, .. } => full_name(person),
        ChatWith::Group { .. } => chat_name(&screen.chat),
    };
    let name = cut(&name, width.saturating_sub(2));
    let presence = match screen.others.presence(now_ms, screen.zone()) {
        text if text.is_empty() => text,
        text => format!("  {text}"),
    };
    let right = format!("{dot} {words} ");
    let known = 1 + name.width() + trust.width();
    let presence = if known + presence.width() + dot.width() + 3 <= width { presence } else { String::new() };
    let taken = known + presence.width();
    let right = if taken + 2 + right.width() <= width { right } else { format!("{dot} ") };
    let gap = width.saturating_sub(taken + right.width());
    Line::from(vec![
        Span::styled(" ", bar),
        Span::styled(name, bar.add_modifier(Modifier::BOLD)),
        Span::styled(trust, bar.patch(palette.good())),
        Span::styled(presence, bar),
        Span::styled(" ".repeat(gap), bar),
        Span::styled(right, bar.patch(style)),
    ])
}

/// Lines below the header that need attention.
fn banners(screen: &Screen, width: usize) -> Vec<Line<'static>> {
    let palette = screen.palette;
    let mut lines = Vec::new();
    let mut banner = |text: String, style: Style| {
        let text = cut(&format!(" {text}"), width);
        let rest = " ".repeat(width.saturating_sub(text.width()));
        lines.push(Line::styled(text + &rest, style));
    };
    let name = chat_name(&screen.chat);
    if screen.chat.request {
        let what = match &screen.chat.with {
            ChatWith::Contact { .. } => format!("You do not know {name}"),
            ChatWith::Group { .. } => "You were added by somebody whom you do not let".to_owned(),
        };
        banner(format!("{what}: /accept, /decline or /block. Writing accepts."), palette.uncertain());
    }
    match &screen.chat.with {
        ChatWith::Contact { trust: Trust::Changed { .. }, .. } => {
            let what = format!("The safety number changed. Compare it: waxwing safety-number {name}");
            banner(what, palette.warning());
        }
        ChatWith::Contact { blocked: true, .. } => {
            banner(format!("{name} is blocked: waxwing contacts unblock {name}"), palette.uncertain());
        }
        ChatWith::Group { member: false, .. } => {
            banner("You are not in this group (any more).".to_owned(), palette.uncertain());
        }
        _ => {}
    }
    if let Some(trouble) = &screen.trouble {
        banner(one_line(trouble), palette.warning());
    }
    match &screen.connection {
        Connection::Waiting { reason: Some(reason), .. } => {
            banner(one_line(&reason.detail), palette.uncertain());
        }
        Connection::Refused { code } => banner(refusal(code).to_owned(), palette.warning()),
        _ => {}
    }
    lines
}

fn refusal(code: &str) -> &'static str {
    match code {
        "replaced" => "This profile has connected elsewhere; use it in one place only.",
        "notRegistered" => "The server does not know this device any more: it was removed, or never there.",
        "wireVersion" => "The server speaks another version; update this program.",
        _ => "The server refused this device; ask its operator.",
    }
}

/// The newest message stands at the bottom, however few there are.
fn draw_history(frame: &mut Frame<'_>, screen: &mut Screen, area: Rect, now_ms: u64) {
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if let Some(panel) = &screen.panel {
        let lines = panel.iter().map(|line| Line::raw(cut(line, usize::from(inner.width))));
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
        return;
    }
    if let Some(chooser) = &mut screen.chooser {
        let lines = chooser.lines(usize::from(inner.width), usize::from(inner.height), screen.palette);
        frame.render_widget(Paragraph::new(lines), inner);
        return;
    }
    if let Some(results) = &mut screen.results {
        let lines = results.lines(usize::from(inner.width), usize::from(inner.height), screen.palette);
        frame.render_widget(Paragraph::new(lines), inner);
        return;
    }
    let lines = screen.visible(usize::from(inner.width), usize::from(inner.height), now_ms);
    // Their margin is theirs.
    let inner = Rect { x: area.x, width: area.width.saturating_sub(1), ..area };
    if lines.is_empty() {
        let text = Line::styled("no messages yet; say hello", screen.palette.dim()).centered();
        let middle = Rect { y: area.y + area.height / 2, height: 1, ..area };
        frame.render_widget(Paragraph::new(text), middle.intersection(area));
        return;
    }
    let height = u16::try_from(lines.len()).unwrap_or(inner.height).min(inner.height);
    let place = Rect { y: inner.y + inner.height - height, height, ..inner };
    frame.render_widget(Paragraph::new(lines), place);
}

fn rule_line(screen: &Screen, width: usize) -> Line<'static> {
    let palette = screen.palette;
    let note = match screen.new_below {
        0 => String::new(),
        1 => " ↓ 1 new message (Ctrl+End) ".to_owned(),
        count => format!(" ↓ {count} new messages (Ctrl+End) "),
    };
    let note = cut(&note, width);
    let composing = match screen.others.composing(&screen.names, screen.is_group()) {
        who if who.is_empty() => who,
        who => cut(&format!("─ {} ", one_line(&who)), width.saturating_sub(note.width() + 2)),
    };
    let rest = width.saturating_sub(note.width() + composing.width());
    let end = rest.min(2);
    Line::from(vec![
        Span::styled(composing, palette.accent()),
        Span::styled("─".repeat(rest - end), palette.dim()),
        Span::styled(note, palette.accent().add_modifier(Modifier::BOLD)),
        Span::styled("─".repeat(end), palette.dim()),
    ])
}

fn draw_input(
    frame: &mut Frame<'_>,
    screen: &Screen,
    area: Rect,
    rows: &[String],
    (cursor_row, cursor_column): (usize, usize),
) {
    let height = usize::from(area.height).max(1);
    let first = (cursor_row + 1).saturating_sub(height);
    let palette = screen.palette;
    let mut lines = Vec::new();
    for (index, row) in rows.iter().enumerate().skip(first).take(height) {
        let prompt = if index == 0 { PROMPT } else { "  " };
        let prompt = Span::styled(prompt, palette.accent().add_modifier(Modifier::BOLD));
        lines.push(if screen.editor.is_empty() {
            Line::from(vec![prompt, Span::styled(screen.invitation(), palette.dim())])
        } else {
            Line::from(vec![prompt, Span::raw(row.clone())])
        });
    }
    frame.render_widget(Paragraph::new(lines), area);
    let column = u16::try_from(PROMPT.width() + cursor_column).unwrap_or(u16::MAX);
    let row = u16::try_from(cursor_row - first).unwrap_or(u16::MAX);
    let last = area.width.saturating_sub(1);
    frame.set_cursor_position(Position { x: area.x + column.min(last), y: area.y.saturating_add(row) });
}

fn hint_line(screen: &Screen, width: usize) -> Line<'static> {
    let palette = screen.palette;
    match &screen.notice {
        Some(notice) => Line::styled(format!("  {}", one_line(notice)), palette.uncertain()),
        None if screen.acts_on_message() => {
            Line::styled(cut(&format!("  {}", screen.act_hints()), width), palette.dim())
        }
        None if screen.chooser.is_some() => {
            Line::styled("  ↑/↓ choose · type to narrow · Enter opens · Esc closes", palette.dim())
        }
        None if screen.results.is_some() => {
            Line::styled("  ↑/↓ choose · Enter shows it where it stands · Esc closes", palette.dim())
        }
        None => {
            let fits = |hint: &&&str| hint.width() + 2 <= width;
            let hint = HINTS.iter().find(fits).copied().unwrap_or_default();
            Line::styled(format!("  {hint}"), palette.dim())
        }
    }
}

/// At most `width` columns of a text.
pub fn cut(text: &str, width: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation as _;
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut columns) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        columns += grapheme.width();
        if columns + 1 > width {
            break;
        }
        out.push_str(grapheme);
    }
    if width > 0 { out + "…" } else { out }
}
