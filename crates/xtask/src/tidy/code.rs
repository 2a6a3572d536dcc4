//! Rust text without its comments and the contents of its literals, line by line as before: enough to look for
//! words without parsing.

/// What surrounds the place where the reader is.
enum Inside {
    Code,
    LineComment,
    BlockComment { depth: usize },
    String,
    RawString { hashes: usize },
    Char,
}

/// The text with every comment and the inside of every literal made blank. Lines keep their numbers and columns.
pub fn only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut inside = Inside::Code;
    let mut at = 0;
    while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
        let (next, length, keep) = step(inside, rest, at.checked_sub(1).and_then(|before| chars.get(before)));
        for c in rest.iter().take(length) {
            kept.push(if keep || *c == '\n' { *c } else { ' ' });
        }
        inside = next;
        at += length;
    }
    kept
}

/// Reads at least one character: where that leads, how many were read, and whether they are code.
fn step(inside: Inside, rest: &[char], before: Option<&char>) -> (Inside, usize, bool) {
    let starts = |start: &str| start.chars().enumerate().all(|(index, c)| rest.get(index) == Some(&c));
    match inside {
        Inside::Code => open(rest, before),
        Inside::LineComment if starts("\n") => (Inside::Code, 1, true),
        Inside::BlockComment { depth } if starts("/*") => {
            (Inside::BlockComment { depth: depth + 1 }, 2, false)
        }
        Inside::BlockComment { depth: 1 } if starts("*/") => (Inside::Code, 2, false),
        Inside::BlockComment { depth } if starts("*/") => {
            (Inside::BlockComment { depth: depth - 1 }, 2, false)
        }
        Inside::String | Inside::Char if starts("\\") => (inside, rest.len().min(2), false),
        Inside::String if starts("\"") => (Inside::Code, 1, true),
        Inside::Char if starts("'") => (Inside::Code, 1, true),
        Inside::RawString { hashes } if starts(&format!("\"{}", "#".repeat(hashes))) => {
            (Inside::Code, 1 + hashes, true)
        }
        other => (other, 1, false),
    }
}

/// In code: does something that is not code begin here?
fn open(rest: &[char], before: Option<&char>) -> (Inside, usize, bool) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    match rest {
        ['/', '/', ..] => (Inside::LineComment, 2, false),
        ['/', '*', ..] => (Inside::BlockComment { depth: 1 }, 2, false),
        ['b' | 'c', 'r', ..] | ['r', ..] if !in_word => {
            let prefix = rest.iter().position(|c| *c == 'r').unwrap_or(0) + 1;
            let hashes = rest.iter().skip(prefix).take_while(|c| **c == '#').count();
            match rest.get(prefix + hashes) {
                Some('"') => (Inside::RawString { hashes }, prefix + hashes + 1, true),
                _ => (Inside::Code, 1, true),
            }
        }
        ['"', ..] => (Inside::String, 1, true),
        // A lifetime is a quote and a name without a quote after its first letter.
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => (Inside::Char, 1, true),
        _ => (Inside::Code, 1, true),
    }
}

/// Whether `word` stands in `line` with no letter, digit or underscore next to it.
pub fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(index, _)| {
        let before = line.get(..index).and_then(|text| text.chars().next_back());
        let after = line.get(index + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}
