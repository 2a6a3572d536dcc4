//! The input line, which may have several.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::text::harmless;

/// The wire's limit is 16 KiB; a little more may stand here so that the refusal can say so.
const MAX_BYTES: usize = 20 * 1024;

/// Text with a cursor in it, which is always between two characters as people see them.
#[derive(Default)]
pub struct Editor {
    text: String,
    /// Byte offset.
    cursor: usize,
}

/// A move of the cursor.
#[derive(Clone, Copy)]
pub enum Move {
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    Up,
    Down,
}

impl Editor {
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Types or pastes. Control characters of a paste become visible, as they would for the reader.
    pub fn insert(&mut self, text: &str) {
        let text = harmless(text);
        if self.text.len() + text.len() <= MAX_BYTES {
            self.text.insert_str(self.cursor, &text);
            self.cursor += text.len();
        }
    }

    pub fn go(&mut self, to: Move) {
        self.cursor = self.target(to);
    }

    /// Deletes from the cursor to where it would go.
    pub fn delete(&mut self, to: Move) {
        let target = self.target(to);
        let (start, end) = (self.cursor.min(target), self.cursor.max(target));
        self.text.replace_range(start..end, "");
        self.cursor = start;
    }

    fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    fn target(&self, to: Move) -> usize {
        let (before, after) = (self.before(), self.after());
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.cursor + after.find('\n').unwrap_or(after.len());
        match to {
            Move::Left => self.cursor - before.graphemes(true).next_back().map_or(0, str::len),
            Move::Right => self.cursor + after.graphemes(true).next().map_or(0, str::len),
            Move::WordLeft => {
                let words = before.trim_end();
                words.split_word_bound_indices().next_back().map_or(0, |(at, _)| at)
            }
            Move::WordRight => {
                let skipped = after.len() - after.trim_start().len();
                let word = after.trim_start().split_word_bounds().next().map_or(0, str::len);
                self.cursor + skipped + word
            }
            Move::LineStart => line_start,
            Move::LineEnd => line_end,
            Move::Up if line_start == 0 => 0,
            Move::Up => {
                let above = before.get(..line_start - 1).unwrap_or_default();
                let start = above.rfind('\n').map_or(0, |at| at + 1);
                self.at_column(start, line_start - 1, self.column(line_start))
            }
            Move::Down if line_end == self.text.len() => line_end,
            Move::Down => {
                let start = line_end + 1;
                let rest = self.text.get(start..).unwrap_or_default();
                let end = start + rest.find('\n').unwrap_or(rest.len());
                self.at_column(start, end, self.column(line_start))
            }
        }
    }

    fn column(&self, line_start: usize) -> usize {
        self.text.get(line_start..self.cursor).unwrap_or_default().width()
    }

    /// The place in a line that is nearest to a column.
    fn at_column(&self, start: usize, end: usize, column: usize) -> usize {
        let line = self.text.get(start..end).unwrap_or_default();
        let mut width = 0;
        for (at, grapheme) in line.grapheme_indices(true) {
            if width >= column {
                return start + at;
            }
            width += grapheme.width();
        }
        end
    }

    /// The text in rows of at most `width` columns, and where the cursor stands among them.
    pub fn rows(&self, width: usize) -> (Vec<String>, (usize, usize)) {
        let width = width.max(2);
        let (mut rows, mut row, mut columns) = (Vec::new(), String::new(), 0);
        let mut cursor = (0, 0);
        for (at, grapheme) in self.text.grapheme_indices(true) {
            let wide = grapheme.width();
            if grapheme != "\n" && columns + wide > width {
                rows.push(std::mem::take(&mut row));
                columns = 0;
            }
            if at == self.cursor {
                cursor = (rows.len(), columns);
            }
            if grapheme == "\n" {
                rows.push(std::mem::take(&mut row));
                columns = 0;
            } else {
                row.push_str(grapheme);
                columns += wide;
            }
        }
        if self.cursor == self.text.len() {
            if columns >= width {
                rows.push(std::mem::take(&mut row));
                columns = 0;
            }
            cursor = (rows.len(), columns);
        }
        rows.push(row);
        (rows, cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        editor.insert(text);
        editor
    }

    #[test]
    fn the_cursor_moves_by_what_people_see_as_characters() {
        let mut editor = typed("ae\u{301}👩‍👩‍👧日");
        for _ in 0..3 {
            editor.go(Move::Left);
        }
        editor.insert("|");
        assert_eq!(editor.text, "a|e\u{301}👩‍👩‍👧日");
        editor.delete(Move::Right);
        editor.delete(Move::Right);
        assert_eq!(editor.text, "a|日");
        editor.delete(Move::Left);
        editor.delete(Move::Left);
        assert_eq!(editor.text, "日");
        editor.delete(Move::Left);
        editor.go(Move::Left);
        assert_eq!(editor.text, "日");
    }

    #[test]
    fn words_and_lines() {
        let mut editor = typed("one two  three\nfour");
        editor.go(Move::Up);
        editor.insert("^");
        assert_eq!(editor.text, "one ^two  three\nfour");
        editor.go(Move::LineEnd);
        editor.delete(Move::WordLeft);
        assert_eq!(editor.text, "one ^two  \nfour");
        editor.delete(Move::LineStart);
        assert_eq!(editor.text, "\nfour");
        editor.go(Move::Down);
        editor.go(Move::WordRight);
        editor.insert("!");
        assert_eq!(editor.text, "\nfour!");
    }

    #[test]
    fn rows_are_as_wide_as_the_terminal_shows_them() {
        let (rows, cursor) = typed("日本語ab").rows(5);
        assert_eq!(rows, ["日本", "語ab"]);
        assert_eq!(cursor, (1, 4));
        let (rows, cursor) = typed("abcd\n").rows(4);
        assert_eq!(rows, ["abcd", ""]);
        assert_eq!(cursor, (1, 0));
        let (rows, cursor) = typed("abcd").rows(4);
        assert_eq!((rows.len(), cursor), (2, (1, 0)), "the cursor needs a place of its own");
    }

    #[test]
    fn a_paste_is_harmless_and_bounded() {
        let mut editor = typed("\x1b[31mred\r\n");
        assert_eq!(editor.text, "␛[31mred\n");
        editor.insert(&"x".repeat(MAX_BYTES));
        assert_eq!(editor.text, "␛[31mred\n");
    }
}
