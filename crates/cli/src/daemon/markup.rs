//! Parts of a text as signal-cli's programs name them: `start:length:what`, in units of UTF-16.

use waxwing_app::api::{Span, Style};

use super::hub::Hub;
use super::limits::MAX_SPANS;
use super::params::Params;
use super::rpc::RpcError;

/// Formatting and mentions of a text, from `textStyle` and `mention`.
pub fn spans(hub: &Hub, params: &Params, text: &str) -> Result<Vec<Span>, RpcError> {
    let styles = params.texts(&["textStyle", "textStyles"])?;
    let mentions = params.texts(&["mention", "mentions"])?;
    if styles.len() + mentions.len() > MAX_SPANS {
        return Err(RpcError::user(format!("at most {MAX_SPANS} parts of a text are marked")));
    }
    let mut spans = Vec::new();
    for part in &styles {
        let (start, bytes, name) = place(text, part)?;
        spans.push(Span { start, bytes, style: style(name)? });
    }
    for part in &mentions {
        let (start, bytes, name) = place(text, part)?;
        let account = hub.account_of(name)?;
        spans.push(Span { start, bytes, style: Style::Mention { account } });
    }
    spans.sort_by_key(|span| (span.start, span.bytes));
    Ok(spans)
}

fn style(name: &str) -> Result<Style, RpcError> {
    Ok(match name {
        "BOLD" => Style::Bold,
        "ITALIC" => Style::Italic,
        "STRIKETHROUGH" => Style::Strike,
        "MONOSPACE" => Style::Monospace,
        "SPOILER" => Style::Spoiler,
        _ => {
            let known = "BOLD, ITALIC, STRIKETHROUGH, MONOSPACE and SPOILER";
            return Err(RpcError::user(format!("no such style; there are {known}")));
        }
    })
}

/// First byte and bytes in UTF-8, and what stands behind them.
fn place<'a>(text: &str, part: &'a str) -> Result<(u32, u32, &'a str), RpcError> {
    let wrong =
        || RpcError::user("a part of a text is start:length:what, in units of UTF-16 within the text");
    let mut fields = part.splitn(3, ':');
    let mut number = || fields.next().and_then(|field| field.parse::<usize>().ok()).ok_or_else(wrong);
    let (start, length) = (number()?, number()?);
    let what = fields.next().ok_or_else(wrong)?;
    let end = start.checked_add(length).ok_or_else(wrong)?;
    let (from, to) = (byte_at(text, start).ok_or_else(wrong)?, byte_at(text, end).ok_or_else(wrong)?);
    let offset = |bytes: usize| u32::try_from(bytes).map_err(|_| wrong());
    if length == 0 {
        return Err(wrong());
    }
    Ok((offset(from)?, offset(to - from)?, what))
}

/// Where so many units of UTF-16 are over; `None`: beyond the text, or inside a character.
fn byte_at(text: &str, units: usize) -> Option<usize> {
    let mut passed = 0;
    for (at, letter) in text.char_indices() {
        if passed >= units {
            return (passed == units).then_some(at);
        }
        passed += letter.len_utf16();
    }
    (passed == units).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_as_programs_count() {
        // The emoji is two units and four bytes, the umlaut one and two.
        let text = "\u{1f600}ä b";
        assert_eq!(place(text, "0:2:BOLD").unwrap(), (0, 4, "BOLD"));
        assert_eq!(place(text, "2:1:u:anna").unwrap(), (4, 2, "u:anna"));
        assert_eq!(place(text, "4:1:x").unwrap(), (7, 1, "x"));
        for wrong in [
            "1:1:x",
            "0:1:x",
            "0:0:x",
            "4:2:x",
            "5:1:x",
            "-1:2:x",
            "0:2",
            "a:b:c",
            "",
            "0:99999999999999999999:x",
        ] {
            assert!(place(text, wrong).is_err(), "{wrong}");
        }
        assert!(place(text, &format!("{}:{}:x", usize::MAX, usize::MAX)).is_err());
    }
}
