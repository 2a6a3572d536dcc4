//! What a search in the chat screen found, as a list to walk.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;
use waxwing_app::api::SnippetPiece;

use super::layout::Palette;
use super::view::cut;
use crate::text::one_line;

/// Where a message is.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub conversation: String,
    pub order: u64,
}

/// A message that was found.
pub struct Row {
    pub place: Place,
    /// When, by whom, where.
    pub head: String,
    pub snippet: Vec<SnippetPiece>,
}

/// The list; the newest is the first.
pub struct Results {
    pub title: String,
    pub rows: Vec<Row>,
    /// There may be more before this order.
    pub next: Option<u64>,
    selected: usize,
    /// The first row that was drawn last.
    top: usize,
    height: usize,
}

impl Results {
    pub fn new(title: String, rows: Vec<Row>, next: Option<u64>) -> Self {
        Self { title, rows, next, selected: 0, top: 0, height: 1 }
    }

    /// Where the selected one is.
    pub fn place(&self) -> Option<Place> {
        self.rows.get(self.selected).map(|row| row.place.clone())
    }

    /// Down, or up where it is negative. Whether the end is near and there may be more.
    pub fn walk(&mut self, by: isize) -> bool {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
        self.next.is_some() && self.selected + self.height >= last
    }

    /// Rows that fit the screen.
    pub fn page(&self) -> isize {
        isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(isize::MAX)
    }

    /// At most `height` lines.
    pub fn lines(&mut self, width: usize, height: usize, palette: Palette) -> Vec<Line<'static>> {
        let mut lines = vec![Line::styled(cut(&self.title, width), palette.dim()), Line::default()];
        self.height = height.saturating_sub(lines.len()).max(1);
        self.top = self.top.min(self.selected).max((self.selected + 1).saturating_sub(self.height));
        for (index, row) in self.rows.iter().enumerate().skip(self.top).take(self.height) {
            lines.push(row.line(width, index == self.selected, palette));
        }
        lines
    }
}

impl Row {
    fn line(&self, width: usize, selected: bool, palette: Palette) -> Line<'static> {
        let head = cut(&one_line(&self.head), width.saturating_sub(2));
        let mut left = width.saturating_sub(2 + head.width() + 2);
        let style = match selected {
            true => palette.accent().add_modifier(Modifier::BOLD),
            false => palette.dim(),
        };
        let mut spans =
            vec![Span::styled(if selected { "› " } else { "  " }, style), Span::styled(head, style)];
        spans.push(Span::raw("  "));
        for piece in &self.snippet {
            let text = cut(&one_line(&piece.text), left);
            left = left.saturating_sub(text.width());
            spans.push(match piece.marked {
                true => {
                    Span::styled(text, palette.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED))
                }
                false => Span::raw(text),
            });
        }
        Line::from(spans)
    }
}
