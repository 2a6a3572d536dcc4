//! Formatting as people type it: `*bold*`, `_italic_`, `~struck~`, `` `monospace` ``, `||spoiler||`.

#[cfg(test)]
mod tests;

use waxwing_app::api::{Post, Span, Style};

/// Markers and what they stand for; the longer ones first.
const MARKS: [(&str, Style); 5] = [
    ("||", Style::Spoiler),
    ("*", Style::Bold),
    ("_", Style::Italic),
    ("~", Style::Strike),
    ("`", Style::Monospace),
];

/// Takes the markers out of what was typed. A marker counts where a word begins, and its partner where one
/// ends; any other character stays what it is.
pub fn parse(typed: &str) -> (String, Vec<Span>) {
    let (mut text, mut spans) = (String::with_capacity(typed.len()), Vec::new());
    let mut open: Vec<(&Style, &str, usize)> = Vec::new();
    let mut rest = typed;
    while let Some(next) = rest.chars().next() {
        let mark = MARKS.iter().find(|(mark, _)| rest.starts_with(mark));
        let Some((mark, style)) = mark.filter(|(mark, _)| !is_code(&open) || *mark == "`") else {
            text.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        let after = &rest[mark.len()..];
        if let Some(at) = open.iter().rposition(|(_, opened, _)| opened == mark)
            && ends(&text, after)
            && let Some((_, _, start)) = open.get(at).copied()
            && text.len() > start
        {
            open.truncate(at);
            spans.push(span(start, text.len(), style));
            rest = after;
        } else if begins(&text, after) && closes(after, mark) {
            open.push((style, mark, text.len()));
            rest = after;
        } else {
            text.push_str(mark);
            rest = after;
        }
    }
    // The outer one first, which was closed last.
    spans.reverse();
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.bytes)));
    // What was opened and not closed was no marker after all.
    if open.is_empty() { (text, spans) } else { (typed.to_owned(), Vec::new()) }
}

fn is_code(open: &[(&Style, &str, usize)]) -> bool {
    open.last().is_some_and(|(_, mark, _)| *mark == "`")
}

fn span(start: usize, end: usize, style: &Style) -> Span {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: number(start), bytes: number(end - start), style: style.clone() }
}

fn begins(before: &str, after: &str) -> bool {
    let apart = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    apart && after.chars().next().is_some_and(|c| !c.is_whitespace())
}

fn ends(before: &str, after: &str) -> bool {
    let apart = after.chars().next().is_none_or(|c| !c.is_alphanumeric());
    apart && before.chars().next_back().is_some_and(|c| !c.is_whitespace())
}

/// Whether a partner comes, on the same line.
fn closes(after: &str, mark: &str) -> bool {
    let line = after.lines().next().unwrap_or_default();
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find(mark)) {
        let at = from + at;
        let inside = &line[..at];
        if inside.chars().any(|c| !mark.contains(c)) && ends(inside, &line[at + mark.len()..]) {
            return true;
        }
        from = at + mark.len();
    }
    false
}

/// Puts the markers back, for where styles cannot be shown.
pub fn marked(post: &Post) -> String {
    let mut marks: Vec<(usize, bool, usize, &str)> = Vec::new();
    for (number, span) in post.spans.iter().enumerate() {
        let Some((mark, _)) = MARKS.iter().find(|(_, style)| *style == span.style) else { continue };
        let (start, bytes) = (span.start as usize, span.bytes as usize);
        marks.push((start, true, number, mark));
        marks.push((start + bytes, false, usize::MAX - number, mark));
    }
    // Ends before beginnings; what began last ends first.
    marks.sort_by_key(|(at, begins, number, _)| (*at, *begins, *number));
    let (mut text, mut done) = (String::with_capacity(post.text.len() + marks.len()), 0);
    for (at, _, _, mark) in marks {
        text.push_str(post.text.get(done..at).unwrap_or_default());
        text.push_str(mark);
        done = at.max(done);
    }
    text.push_str(post.text.get(done..).unwrap_or_default());
    text
}
