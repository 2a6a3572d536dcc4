//! A list of conversations to choose from.

use crossterm::event::KeyCode;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::layout::Palette;
use super::view::cut;

/// What is typed to narrow the list, at most.
const MAX_NARROW_BYTES: usize = 256;

/// What the choice is for.
#[derive(Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To talk there.
    Go,
    /// To pass this message on.
    Forward(String),
    /// To see what somebody shows for a day.
    Status,
    /// To see what somebody has written whom the user does not know.
    Requests,
}

/// Stands for all requests among the conversations.
pub const REQUESTS: &str = "requests";

/// A conversation.
pub struct ChatRow {
    pub conversation: String,
    pub name: String,
    pub unread: u64,
    /// What was said last, on one line.
    pub last: String,
    /// When.
    pub time: String,
    /// Out of sight until it is looked for.
    pub archived: bool,
}

/// What a key led to.
pub enum Choice {
    Open,
    Closed,
    Taken(String),
}

pub struct Chooser {
    pub purpose: Purpose,
    rows: Vec<ChatRow>,
    narrow: String,
    selected: usize,
    /// The first row that was drawn last.
    top: usize,
    height: usize,
}

impl Chooser {
    pub fn new(purpose: Purpose, rows: Vec<ChatRow>) -> Self {
        Self { purpose, rows, narrow: String::new(), selected: 0, top: 0, height: 1 }
    }

    /// The same list as it is now; the same conversation stays selected.
    pub fn refresh(&mut self, rows: Vec<ChatRow>) {
        let before = self.chosen().map(|row| row.conversation.clone());
        self.rows = rows;
        let place = self.matching().position(|row| Some(&row.conversation) == before.as_ref());
        self.selected = place.unwrap_or(self.selected);
        self.walk(0);
    }

    fn matching(&self) -> impl Iterator<Item = &ChatRow> {
        let wanted = self.narrow.to_lowercase();
        let fits = move |row: &&ChatRow| {
            if wanted.is_empty() { !row.archived } else { row.name.to_lowercase().contains(&wanted) }
        };
        self.rows.iter().filter(fits)
    }

    fn chosen(&self) -> Option<&ChatRow> {
        self.matching().nth(self.selected)
    }

    fn walk(&mut self, by: isize) {
        let last = self.matching().count().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    pub fn key(&mut self, code: KeyCode) -> Choice {
        let page = isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(isize::MAX);
        match code {
            KeyCode::Esc => return Choice::Closed,
            KeyCode::Enter => {
                let chosen = self.chosen().map(|row| row.conversation.clone());
                return chosen.map_or(Choice::Open, Choice::Taken);
            }
            KeyCode::Up => self.walk(-1),
            KeyCode::Down => self.walk(1),
            KeyCode::PageUp => self.walk(-page),
            KeyCode::PageDown => self.walk(page),
            KeyCode::Home => self.walk(isize::MIN),
            KeyCode::End => self.walk(isize::MAX),
            KeyCode::Backspace => {
                self.narrow.pop();
                self.walk(isize::MIN);
            }
            KeyCode::Char(c) if !c.is_control() && self.narrow.len() < MAX_NARROW_BYTES => {
                self.narrow.push(c);
                self.walk(isize::MIN);
            }
            _ => {}
        }
        Choice::Open
    }

    /// At most `height` lines.
    pub fn lines(&mut self, width: usize, height: usize, palette: Palette) -> Vec<Line<'static>> {
        let title = match (&self.purpose, self.narrow.as_str()) {
            (Purpose::Go, "") => "conversations".to_owned(),
            (Purpose::Forward(_), "") => "pass it on to".to_owned(),
            (Purpose::Requests, "") => {
                "requests: people whom you do not know, groups you were added to".to_owned()
            }
            (Purpose::Status, "") => "status updates; /status TEXT shows something of yours".to_owned(),
            (_, narrow) => format!("conversations with “{narrow}”"),
        };
        let mut lines = vec![Line::styled(cut(&title, width), palette.dim()), Line::default()];
        self.height = height.saturating_sub(lines.len()).max(1);
        self.top = self.top.min(self.selected).max((self.selected + 1).saturating_sub(self.height));
        let names = self.matching().map(|row| row.name.width()).max().unwrap_or(0).min(width / 3);
        let shown = self.matching().enumerate().skip(self.top).take(self.height);
        let rows: Vec<Line<'static>> =
            shown.map(|(index, row)| row.line(width, names, index == self.selected, palette)).collect();
        if rows.is_empty() {
            lines.push(Line::styled("  nothing is called so", palette.dim()));
        }
        lines.extend(rows);
        lines
    }
}

impl ChatRow {
    fn line(&self, width: usize, names: usize, selected: bool, palette: Palette) -> Line<'static> {
        let style = if selected { palette.accent().add_modifier(Modifier::BOLD) } else { palette.plain() };
        let name = cut(&self.name, names);
        let unread = if self.unread == 0 { String::new() } else { format!("({}) ", self.unread) };
        let pad = " ".repeat(names.saturating_sub(name.width()) + 2);
        let head = 2 + name.width() + pad.width();
        let left = width.saturating_sub(head + unread.width() + self.time.width() + 1);
        let last = cut(&self.last, left);
        let gap = " ".repeat(left.saturating_sub(last.width()) + 1);
        Line::from(vec![
            Span::styled(if selected { "› " } else { "  " }, style),
            Span::styled(name, style),
            Span::raw(pad),
            Span::styled(unread, palette.good().add_modifier(Modifier::BOLD)),
            Span::styled(last, palette.dim()),
            Span::raw(gap),
            Span::styled(self.time.clone(), palette.dim()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, unread: u64, archived: bool) -> ChatRow {
        let (last, time) = ("see you".to_owned(), "14:05".to_owned());
        ChatRow { conversation: format!("c-{name}"), name: name.to_owned(), unread, last, time, archived }
    }

    fn rows() -> Vec<ChatRow> {
        vec![row("anna", 2, false), row("ben", 0, false), row("old friends", 0, true)]
    }

    fn shown(chooser: &mut Chooser) -> Vec<String> {
        let lines = chooser.lines(40, 12, Palette { colours: true });
        let text = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
        lines.iter().skip(2).map(|line| text(line).trim_end().to_owned()).collect()
    }

    #[test]
    fn unread_messages_are_counted_and_typing_narrows() {
        let mut chooser = Chooser::new(Purpose::Go, rows());
        assert_eq!(
            shown(&mut chooser),
            ["› anna  (2) see you                14:05", "  ben   see you                    14:05"]
        );
        assert!(matches!(chooser.key(KeyCode::Down), Choice::Open));
        assert!(matches!(chooser.key(KeyCode::Enter), Choice::Taken(chat) if chat == "c-ben"));
        for letter in "OLD".chars() {
            chooser.key(KeyCode::Char(letter));
        }
        assert!(matches!(chooser.key(KeyCode::Enter), Choice::Taken(chat) if chat == "c-old friends"));
        chooser.key(KeyCode::Char('x'));
        assert_eq!(shown(&mut chooser), ["  nothing is called so"]);
        assert!(matches!(chooser.key(KeyCode::Enter), Choice::Open));
        assert!(matches!(chooser.key(KeyCode::Esc), Choice::Closed));
    }

    #[test]
    fn what_is_selected_stays_so_when_the_order_changes() {
        let mut chooser = Chooser::new(Purpose::Go, rows());
        chooser.key(KeyCode::Down);
        let mut turned = rows();
        turned.reverse();
        chooser.refresh(turned);
        assert!(matches!(chooser.key(KeyCode::Enter), Choice::Taken(chat) if chat == "c-ben"));
        chooser.refresh(Vec::new());
        assert!(matches!(chooser.key(KeyCode::Enter), Choice::Open), "there is nothing left");
    }
}
