//! How many pages a PDF file has (ISO 32000-1, 7.7.3): the largest count that one of its page trees names. Where the
//! trees are compressed with the objects that hold them, it is not known.

/// 0: not known.
pub fn pages(file: &[u8]) -> u32 {
    if !file.starts_with(b"%PDF-") {
        return 0;
    }
    let mut most = 0;
    let mut rest = file;
    while let Some(at) = find(rest, b"/Count") {
        let (before, after) = rest.split_at(at);
        let after = after.get(6..).unwrap_or_default();
        // A dictionary of a tree's node is short, and its type may stand on either side.
        let near = before.len().saturating_sub(NEAR);
        let begins = before.get(near..).unwrap_or_default();
        let ends = after.get(..after.len().min(NEAR)).unwrap_or_default();
        let begins = rfind(begins, b"<<").and_then(|at| begins.get(at..)).unwrap_or(begins);
        let ends = find(ends, b">>").and_then(|at| ends.get(..at)).unwrap_or(ends);
        if [begins, ends].iter().any(|part| is_pages(part)) {
            most = most.max(number(after));
        }
        rest = after;
    }
    if most > MOST { 0 } else { most }
}

/// Bytes of a dictionary that are looked at, on either side.
const NEAR: usize = 4_096;
/// More pages than that are a lie.
const MOST: u32 = 1_000_000;

fn is_pages(part: &[u8]) -> bool {
    find(part, b"/Pages").is_some()
}

fn number(text: &[u8]) -> u32 {
    let digits = text.iter().skip_while(|byte| byte.is_ascii_whitespace()).take_while(|b| b.is_ascii_digit());
    digits.take(9).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn rfind(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}
