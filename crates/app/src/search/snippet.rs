//! The part of a text in which something was found.

use std::ops::Range;

use super::unicode::characters;
use crate::limits::{MAX_SNIPPET_CHARACTERS, SNIPPET_LEAD_CHARACTERS};

/// A part of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    /// It is what was looked for.
    pub marked: bool,
}

/// The surroundings of the first mark, with an ellipsis where something was left out. `marks`: bytes of the text,
/// ascending.
pub fn snippet(text: &str, marks: &[Range<usize>]) -> Vec<Piece> {
    let starts: Vec<usize> = characters(text).map(|(at, _)| at).collect();
    let first = marks.first().map_or(0, |mark| starts.partition_point(|at| *at < mark.start));
    // With all of the text, if it fits, and not ending long before the text does.
    let latest = starts.len().saturating_sub(MAX_SNIPPET_CHARACTERS);
    let begin = first.saturating_sub(SNIPPET_LEAD_CHARACTERS).min(latest);
    let at = |index: usize| starts.get(index).copied().unwrap_or(text.len());
    let (begin, end) = (at(begin), at(begin + MAX_SNIPPET_CHARACTERS));
    let mut pieces: Vec<Piece> = Vec::new();
    let mut add = |piece: &str, marked: bool| match pieces.last_mut() {
        _ if piece.is_empty() => {}
        Some(last) if last.marked == marked => last.text.push_str(piece),
        _ => pieces.push(Piece { text: piece.to_owned(), marked }),
    };
    let mut done = begin;
    if begin > 0 {
        add("…", false);
    }
    for mark in marks {
        let (from, to) = (mark.start.clamp(done, end), mark.end.clamp(done, end));
        add(text.get(done..from).unwrap_or_default(), false);
        add(text.get(from..to).unwrap_or_default(), true);
        done = to;
    }
    add(text.get(done..end).unwrap_or_default(), false);
    if end < text.len() {
        add("…", false);
    }
    pieces
}
