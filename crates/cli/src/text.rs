//! What other people wrote, made fit for a terminal, and times as people read them.

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Characters that would do something to a terminal instead of being seen: control characters of both
/// ranges, and those that turn the direction of what follows around. Line feeds are not among them.
pub fn is_harmful(c: char) -> bool {
    let controls = c.is_control() && c != '\n';
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    controls || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Text whose harmful characters are visible and do nothing. Line feeds stay.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push_str("    "),
            '\0'..='\u{1f}' if c != '\n' => out.push(picture(c)),
            '\u{7f}' => out.push('\u{2421}'),
            _ if is_harmful(c) => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

/// The picture that Unicode has for a control character: ␛ for escape.
fn picture(c: char) -> char {
    char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')
}

/// The same on one line.
pub fn one_line(text: &str) -> String {
    harmless(text).replace('\n', " ")
}

/// Text whose lines after the first are indented, so that none of them can pass for a line of the program.
pub fn indented(text: &str) -> String {
    harmless(text).replace('\n', "\n    ")
}

/// A moment in the user's time zone.
pub fn local(ms: u64, zone: &TimeZone) -> Zoned {
    let timestamp = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    timestamp.unwrap_or_default().to_zoned(zone.clone())
}

/// `14:05`.
pub fn clock(ms: u64, zone: &TimeZone) -> String {
    local(ms, zone).strftime("%H:%M").to_string()
}

/// `2026-03-07 14:05`.
pub fn date_and_clock(ms: u64, zone: &TimeZone) -> String {
    local(ms, zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `Today`, `Yesterday`, `Monday`, `7 March`, `7 March 2025`: as far back as it takes to be clear.
pub fn day(ms: u64, now_ms: u64, zone: &TimeZone) -> String {
    let (then, now) = (local(ms, zone).date(), local(now_ms, zone).date());
    match (now - then).get_days() {
        0 => "Today".to_owned(),
        1 => "Yesterday".to_owned(),
        2..=6 => then.strftime("%A").to_string(),
        _ if then.year() == now.year() => then.strftime("%-d %B").to_string(),
        _ => then.strftime("%-d %B %Y").to_string(),
    }
}
