//! What the chat screen knows, and how keys and events change it. Draws nothing and waits for nothing.

#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crossterm::event::{Event as Key, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::text::Line;
use waxwing_app::api::{
    Body, Chat, ChatWith, CommandId, Connection, Deed, Delivery, Direction, Event, Message,
};

use super::chooser::{Choice, Chooser, Purpose, REQUESTS};
use super::editor::{Editor, Move};
use super::files::Moving;
use super::layout::{self, Context, Palette};
use super::light::Others;
use super::results::{Place, Results};
use super::select::Selection;
use crate::names::{Names, quoted_account};
use crate::words::{is_notice, without_preview};

/// Older pages are loaded when fewer messages than this lie above the screen.
const LOAD_AHEAD: usize = 30;
/// Messages held at once. Beyond that no older ones are loaded; `waxwing history` shows them.
const MAX_MESSAGES: usize = 20_000;

/// What a key asks of the loop.
pub enum Wish {
    Nothing,
    Send(String),
    /// A line that began with a slash, without it.
    Do(String),
    /// Show this message where it stands.
    Open(Place),
    /// The end of what a search found is near.
    MoreResults,
    /// Do something about a message of this conversation, and say so when it is done.
    Act {
        message: String,
        deed: Deed,
        said: &'static str,
    },
    Star {
        message: String,
        starred: bool,
    },
    /// On the own devices alone.
    Delete(String),
    /// Everything that is known of this message.
    Info(String),
    /// What is to be seen once.
    OpenOnce(String),
    /// Choose where this message is passed on to.
    Forward(String),
    /// There.
    PassOn {
        message: String,
        to: String,
    },
    /// Choose a conversation.
    Chats,
    /// Go there.
    Go(String),
    /// See what somebody shows for a day.
    See(String),
    /// Who has written whom the user does not know.
    Requests,
    Leave,
}

/// Which part of the history is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scroll {
    /// The newest messages, whatever comes.
    Bottom,
    /// This line of this message's block stands at the top; new messages and older pages do not move it.
    At { order: u64, line: usize },
}

/// The state of the screen.
pub struct Screen {
    pub chat: Chat,
    /// Who writes here.
    pub names: Names,
    /// Something to be read in place of the history; gone with the next key.
    pub panel: Option<Vec<String>>,
    /// What a search found, in place of the history.
    pub results: Option<Results>,
    /// The conversations, in place of the history.
    pub chooser: Option<Chooser>,
    pub selection: Selection,
    /// Files that are under way.
    pub moving: Moving,
    /// Messages that the user has marked, by id.
    pub starred: BTreeSet<String>,
    /// When it was drawn last.
    pub now_ms: u64,
    /// The order of the last message that was drawn.
    pub last_shown: u64,
    pub connection: Connection,
    /// Who is there, who types.
    pub others: Others,
    pub editor: Editor,
    pub palette: Palette,
    /// Something to be said once; gone with the next key.
    pub notice: Option<String>,
    /// Something that stays true until it is said otherwise.
    pub trouble: Option<String>,
    /// Messages that arrived below what is seen.
    pub new_below: usize,
    zone: TimeZone,
    messages: Vec<Message>,
    /// There may be older ones in the database.
    more: bool,
    wants_older: bool,
    /// There are newer ones in the database: an old message was looked up.
    detached: bool,
    wants_newer: bool,
    wants_newest: bool,
    /// The message that was looked up.
    found: Option<u64>,
    /// Where the unread messages began when the screen was opened, and how many.
    unread_mark: Option<(u64, u64)>,
    scroll: Scroll,
    /// First line that was drawn last: message index, line of its block.
    top: (usize, usize),
    size: (usize, usize),
    focused: bool,
    /// Unread messages that have not been on the screen.
    unseen: BTreeSet<u64>,
    /// Those that have been, and were not reported yet.
    seen: BTreeSet<u64>,
    sending: BTreeMap<CommandId, String>,
    leaving: bool,
}

impl Screen {
    pub fn new(chat: Chat, names: Names, connection: Connection, zone: TimeZone) -> Self {
        Self {
            chat,
            names,
            panel: None,
            results: None,
            chooser: None,
            selection: Selection::default(),
            moving: Moving::default(),
            starred: BTreeSet::new(),
            now_ms: 0,
            last_shown: 0,
            connection,
            others: Others::default(),
            editor: Editor::default(),
            palette: Palette { colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) },
            notice: None,
            trouble: None,
            new_below: 0,
            zone,
            messages: Vec::new(),
            more: false,
            wants_older: false,
            detached: false,
            wants_newer: false,
            wants_newest: false,
            found: None,
            unread_mark: None,
            scroll: Scroll::Bottom,
            top: (0, 0),
            size: (80, 20),
            focused: true,
            unseen: BTreeSet::new(),
            seen: BTreeSet::new(),
            sending: BTreeMap::new(),
            leaving: false,
        }
    }

    pub fn conversation(&self) -> &str {
        &self.chat.conversation
    }

    /// Whether the user looks at it, as far as the terminal says.
    pub fn is_focused(&self) -> bool {
        self.focused
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub fn is_group(&self) -> bool {
        matches!(self.chat.with, ChatWith::Group { .. })
    }

    /// What is shown now.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub fn connection(&mut self, connection: Connection) {
        self.connection = connection;
    }

    /// Shows the newest page; begins at the first unread message.
    pub fn begin(&mut self, messages: Vec<Message>, page: usize) {
        self.more = messages.len() >= page;
        self.messages = messages;
        self.unseen = self.messages.iter().filter(|m| is_unread(m)).map(|m| m.order).collect();
        self.unread_mark = self.unseen.first().map(|order| (*order, self.unseen.len() as u64));
        self.scroll =
            self.unseen.first().map_or(Scroll::Bottom, |order| Scroll::At { order: *order, line: 0 });
        self.new_below = 0;
        (self.detached, self.wants_newest, self.found) = (false, false, None);
    }

    /// Shows a message that was looked up: `older` ends with it, `newer` begins after it.
    pub fn begin_at(&mut self, order: u64, older: Vec<Message>, newer: Vec<Message>, page: usize) {
        let more_newer = newer.len() >= page;
        self.more = older.len() >= page;
        self.messages = older;
        self.messages.extend(newer);
        self.detached = more_newer;
        self.unseen = self.messages.iter().filter(|m| is_unread(m)).map(|m| m.order).collect();
        self.unread_mark = None;
        self.found = Some(order);
        self.scroll = Scroll::At { order, line: 0 };
        (self.new_below, self.wants_newer, self.wants_newest) = (0, false, false);
    }

    /// Puts a newer page behind.
    pub fn append(&mut self, newer: Vec<Message>, page: usize) {
        self.detached = newer.len() >= page;
        self.wants_newer = false;
        let last = self.messages.last().map_or(0, |message| message.order);
        let newer = newer.into_iter().filter(|message| message.order > last);
        for message in newer {
            if is_unread(&message) {
                self.unseen.insert(message.order);
            }
            self.messages.push(message);
        }
        let excess = self.messages.len().saturating_sub(MAX_MESSAGES);
        if excess > 0 {
            self.messages.drain(..excess);
            self.top.0 = self.top.0.saturating_sub(excess);
            self.more = true;
        }
    }

    /// Set by drawing: the order after which messages are to be loaded.
    pub fn wants_newer(&self) -> Option<u64> {
        self.messages.last().filter(|_| self.wants_newer).map(|message| message.order)
    }

    /// Whether the newest messages are to be loaded instead of those that are here, once.
    pub fn take_wants_newest(&mut self) -> bool {
        std::mem::take(&mut self.wants_newest)
    }

    /// Puts an older page in front.
    pub fn prepend(&mut self, mut older: Vec<Message>, page: usize) {
        self.more = older.len() >= page && self.messages.len() + older.len() < MAX_MESSAGES;
        self.wants_older = false;
        if let Some(first) = self.messages.first().map(|message| message.order) {
            older.retain(|message| message.order < first);
        }
        self.top.0 += older.len();
        older.append(&mut self.messages);
        self.messages = older;
    }

    /// Set by drawing: the order before which messages are to be loaded.
    pub fn wants_older(&self) -> Option<u64> {
        self.messages.first().filter(|_| self.wants_older).map(|message| message.order)
    }

    /// The last message that was seen together with all unread ones before it, once.
    pub fn take_seen(&mut self) -> Option<u64> {
        let bound = self.unseen.first().copied().unwrap_or(u64::MAX);
        let later = self.seen.split_off(&bound);
        let seen = std::mem::replace(&mut self.seen, later);
        seen.last().copied()
    }

    /// A message was given to the app.
    pub fn sending(&mut self, command: CommandId, text: String) {
        self.sending.insert(command, text);
    }

    pub fn event(&mut self, event: Event) {
        self.others.event(&self.chat.conversation, &event);
        self.moving.event(&event);
        match event {
            Event::Message { message } if message.with == self.chat.conversation => self.arrived(message),
            Event::MessageFilled { message } if message.with == self.chat.conversation => {
                self.filled(message)
            }
            // Said by the loop, which knows whose are muted.
            Event::Message { message } if message.with.starts_with("s:") => {}
            Event::Message { message } if message.direction == Direction::Incoming => {
                let who = self.names.of(&message.from);
                self.notice = Some(format!("{who} wrote in another conversation (Ctrl+K)"));
            }
            Event::MessageChanged { message, .. } if message.with == self.chat.conversation => {
                if let Some(known) = self.messages.iter_mut().rev().find(|known| known.id == message.id) {
                    *known = message;
                }
            }
            Event::Delivery { message, delivery, .. } => {
                if let Some(known) = self.messages.iter_mut().rev().find(|known| known.id == message) {
                    known.delivery = delivery;
                }
            }
            Event::Connection { connection } => self.connection = connection,
            Event::Done { command, .. } => drop(self.sending.remove(&command)),
            Event::Failed { command, failure } => {
                if let Some(text) = self.sending.remove(&command) {
                    if self.editor.is_empty() {
                        self.editor.set(text);
                    }
                    self.notice = Some(failure.detail);
                }
            }
            Event::Deleted { messages } => self.deleted(&messages),
            Event::Removed => {
                self.trouble = Some("this device was removed from your account on another one".to_owned());
            }
            Event::Skipped { messages } => {
                self.notice =
                    Some(format!("{messages} messages were not kept for this device; it was away too long"));
            }
            Event::StorageFailed { detail } => self.trouble = Some(format!("cannot write: {detail}")),
            Event::StorageRecovered => self.trouble = None,
            Event::RestoredCopy => {
                self.notice =
                    Some("this profile is an older copy of itself; sessions are renewed".to_owned());
            }
            _ => {}
        }
    }

    fn arrived(&mut self, message: Message) {
        let place = self.messages.partition_point(|known| known.order < message.order);
        if self.messages.get(place).is_some_and(|known| known.order == message.order) {
            return;
        }
        if self.detached {
            // It comes with the pages between.
            match message.direction {
                Direction::Outgoing => self.wants_newest = true,
                Direction::Incoming => self.new_below += usize::from(!is_notice(&message)),
            }
            return;
        }
        if is_unread(&message) {
            self.unseen.insert(message.order);
        }
        match message.direction {
            _ if is_notice(&message) => {}
            Direction::Outgoing => {
                // Whoever writes has read; the mark has done its work.
                self.unread_mark = None;
                self.follow();
            }
            Direction::Incoming if self.scroll != Scroll::Bottom => self.new_below += 1,
            Direction::Incoming => {}
        }
        self.messages.insert(place, message);
    }

    fn filled(&mut self, message: Message) {
        if is_unread(&message) {
            self.unseen.insert(message.order);
        }
        if let Some(known) = self.messages.iter_mut().rev().find(|known| known.order == message.order) {
            *known = message;
        }
    }

    fn deleted(&mut self, ids: &[String]) {
        self.messages.retain(|message| !ids.contains(&message.id));
        let known: BTreeSet<u64> = self.messages.iter().map(|message| message.order).collect();
        self.unseen.retain(|order| known.contains(order));
        self.top.0 = self.top.0.min(self.messages.len());
        self.selection.cursor = self.selection.cursor.filter(|order| known.contains(order));
    }

    pub fn key(&mut self, key: &Key) -> Wish {
        match key {
            Key::Key(key) if key.kind != KeyEventKind::Release => self.pressed(*key),
            Key::Paste(text) => {
                self.leaving = false;
                self.editor.insert(text);
                Wish::Nothing
            }
            Key::FocusGained => {
                self.focused = true;
                Wish::Nothing
            }
            Key::FocusLost => {
                self.focused = false;
                Wish::Nothing
            }
            _ => Wish::Nothing,
        }
    }

    fn pressed(&mut self, key: KeyEvent) -> Wish {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        self.notice = None;
        let was_leaving = std::mem::take(&mut self.leaving);
        if self.panel.take().is_some() && matches!(key.code, KeyCode::Esc | KeyCode::Enter) {
            return Wish::Nothing;
        }
        if let Some(wish) = self.choose_key(key.code, control || alt) {
            return wish;
        }
        if self.results.is_some()
            && let Some(wish) = self.walk_results(key.code)
        {
            return wish;
        }
        if self.acts_on_message()
            && let Some(wish) = self.act_key(key)
        {
            return wish;
        }
        match key.code {
            KeyCode::Esc if self.drop_about() => {}
            KeyCode::Esc => return self.leave(was_leaving),
            KeyCode::Char('c') if control => return self.leave(was_leaving),
            KeyCode::Char('k') if alt || (control && self.editor.is_empty()) => return Wish::Chats,
            KeyCode::Char('d') if control && self.editor.is_empty() => return Wish::Leave,
            KeyCode::Char('j') if control => self.editor.insert("\n"),
            KeyCode::Enter if alt || key.modifiers.contains(KeyModifiers::SHIFT) => self.editor.insert("\n"),
            KeyCode::Enter if !self.editor.is_blank() && self.asks_for_place() => {
                return Wish::Send(self.editor.take());
            }
            KeyCode::Enter if !self.editor.is_blank() => return said(self.editor.take()),
            KeyCode::PageUp => self.scroll_up(self.page()),
            KeyCode::PageDown => self.scroll_down(self.page()),
            KeyCode::Home if control => self.scroll_up(usize::MAX),
            KeyCode::End if control => self.follow(),
            KeyCode::Up if self.editor.is_empty() && !control => self.select_up(),
            KeyCode::Up if control => self.scroll_up(1),
            KeyCode::Down if control || self.editor.is_empty() => self.scroll_down(1),
            code => self.edit(code, control, alt),
        }
        Wish::Nothing
    }

    /// `None`: no list of conversations is shown.
    fn choose_key(&mut self, code: KeyCode, modified: bool) -> Option<Wish> {
        let mut chooser = self.chooser.take()?;
        if modified {
            self.chooser = (code != KeyCode::Char('c')).then_some(chooser);
            return Some(Wish::Nothing);
        }
        Some(match (chooser.key(code), &chooser.purpose) {
            (Choice::Closed, _) => Wish::Nothing,
            (Choice::Taken(row), Purpose::Go) if row == REQUESTS => Wish::Requests,
            (Choice::Taken(conversation), Purpose::Go | Purpose::Requests) => Wish::Go(conversation),
            (Choice::Taken(of), Purpose::Status) => Wish::See(of),
            (Choice::Taken(to), Purpose::Forward(message)) => Wish::PassOn { message: message.clone(), to },
            (Choice::Open, _) => {
                self.chooser = Some(chooser);
                Wish::Nothing
            }
        })
    }

    /// `None`: another key than those of the list, which ends it.
    fn walk_results(&mut self, code: KeyCode) -> Option<Wish> {
        let mut results = self.results.take()?;
        let near_end = match code {
            KeyCode::Esc => return Some(Wish::Nothing),
            KeyCode::Enter => return Some(results.place().map_or(Wish::Nothing, Wish::Open)),
            KeyCode::Up => results.walk(-1),
            KeyCode::Down => results.walk(1),
            KeyCode::PageUp => results.walk(-results.page()),
            KeyCode::PageDown => results.walk(results.page()),
            KeyCode::Home => results.walk(isize::MIN),
            KeyCode::End => results.walk(isize::MAX),
            _ => return None,
        };
        self.results = Some(results);
        Some(if near_end { Wish::MoreResults } else { Wish::Nothing })
    }

    fn edit(&mut self, code: KeyCode, control: bool, alt: bool) {
        let editor = &mut self.editor;
        match code {
            KeyCode::Left if control || alt => editor.go(Move::WordLeft),
            KeyCode::Right if control || alt => editor.go(Move::WordRight),
            KeyCode::Left => editor.go(Move::Left),
            KeyCode::Right => editor.go(Move::Right),
            KeyCode::Up => editor.go(Move::Up),
            KeyCode::Down => editor.go(Move::Down),
            KeyCode::Home => editor.go(Move::LineStart),
            KeyCode::End => editor.go(Move::LineEnd),
            KeyCode::Backspace if control || alt => editor.delete(Move::WordLeft),
            KeyCode::Backspace => editor.delete(Move::Left),
            KeyCode::Delete => editor.delete(Move::Right),
            KeyCode::Char('a') if control => editor.go(Move::LineStart),
            KeyCode::Char('e') if control => editor.go(Move::LineEnd),
            KeyCode::Char('w' | 'h') if control => editor.delete(Move::WordLeft),
            KeyCode::Char('u') if control => editor.delete(Move::LineStart),
            KeyCode::Char('k') if control => editor.delete(Move::LineEnd),
            KeyCode::Char('b') if alt => editor.go(Move::WordLeft),
            KeyCode::Char('f') if alt => editor.go(Move::WordRight),
            KeyCode::Char(c) if !control && !alt => editor.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Tab => editor.insert("\t"),
            _ => {}
        }
    }

    /// At once when nothing is lost by it; otherwise at the second time.
    fn leave(&mut self, again: bool) -> Wish {
        if again || self.editor.is_blank() {
            return Wish::Leave;
        }
        self.leaving = true;
        self.notice = Some("not sent yet: press again to leave without it".to_owned());
        Wish::Nothing
    }

    fn page(&self) -> usize {
        self.size.1.saturating_sub(2).max(1)
    }

    fn follow(&mut self) {
        self.wants_newest |= self.detached;
        self.scroll = Scroll::Bottom;
        self.new_below = 0;
    }

    fn scroll_up(&mut self, lines: usize) {
        let (mut index, mut line) = self.top;
        let mut left = lines;
        while left > line && index > 0 {
            left -= line + 1;
            index -= 1;
            line = self.lines(index, 0).len().saturating_sub(1);
        }
        line = line.saturating_sub(left);
        self.scroll_to(index, line);
    }

    fn scroll_down(&mut self, lines: usize) {
        let (mut index, mut line) = self.top;
        let mut left = lines;
        loop {
            let length = self.lines(index, 0).len();
            if length == 0 || line + left < length {
                break;
            }
            left -= length - line;
            index += 1;
            line = 0;
        }
        self.scroll_to(index, line + left);
    }

    /// Scrolls as little as it takes to show a message.
    pub fn reveal(&mut self, order: u64) {
        let Some(index) = self.messages.iter().position(|message| message.order == order) else { return };
        let (top, skipped) = self.top;
        if index < top || (index == top && skipped > 0) {
            self.scroll_to(index, 0);
            return;
        }
        let lines: usize = (top..=index).map(|index| self.lines(index, 0).len()).sum();
        let beyond = lines.saturating_sub(skipped + self.size.1);
        if beyond > 0 {
            self.scroll_down(beyond);
        }
    }

    fn scroll_to(&mut self, index: usize, line: usize) {
        match self.messages.get(index) {
            Some(message) => {
                self.scroll = Scroll::At { order: message.order, line };
                // The next key may come before the screen is drawn again.
                self.top = (index, line);
            }
            None => self.follow(),
        }
    }

    /// The lines of the history that fill `width` × `height`, and what follows from their being seen.
    pub fn visible(&mut self, width: usize, height: usize, now_ms: u64) -> Vec<Line<'static>> {
        self.size = (width, height);
        self.now_ms = now_ms;
        let below_anchor = match self.scroll {
            Scroll::At { order, line } => self.below_anchor(order, line, height, now_ms),
            Scroll::Bottom => None,
        };
        let (lines, shown) = match below_anchor {
            Some(found) => found,
            // There is more to fill the screen with.
            None if self.detached && self.scroll != Scroll::Bottom => {
                self.wants_newer = true;
                self.above_end(height, now_ms)
            }
            None => {
                self.follow();
                self.above_end(height, now_ms)
            }
        };
        self.last_shown = shown.iter().copied().max().unwrap_or(0);
        self.wants_older = self.more && self.top.0 < LOAD_AHEAD;
        if self.focused {
            for order in shown {
                if self.unseen.remove(&order) {
                    self.seen.insert(order);
                }
            }
        }
        lines
    }

    /// `None` when the lines below the anchor do not fill the screen.
    fn below_anchor(
        &mut self,
        order: u64,
        line: usize,
        height: usize,
        now_ms: u64,
    ) -> Option<(Vec<Line<'static>>, Vec<u64>)> {
        let start = self.messages.partition_point(|message| message.order < order);
        let (mut lines, mut shown) = (Vec::new(), Vec::new());
        let mut skip = line;
        for index in start..self.messages.len() {
            let block = self.lines(index, now_ms);
            lines.extend(block.into_iter().skip(std::mem::take(&mut skip)));
            if lines.len() <= height {
                shown.extend(self.messages.get(index).map(|message| message.order));
            }
            if lines.len() >= height {
                lines.truncate(height);
                // The last line stands at the bottom: from now on new messages are followed.
                if index + 1 == self.messages.len() && shown.last() == self.messages.last().map(|m| &m.order)
                {
                    return None;
                }
                self.top = (start, line);
                return Some((lines, shown));
            }
        }
        None
    }

    fn above_end(&mut self, height: usize, now_ms: u64) -> (Vec<Line<'static>>, Vec<u64>) {
        let (mut blocks, mut shown, mut total) = (Vec::new(), Vec::new(), 0);
        let mut top = (0, 0);
        for index in (0..self.messages.len()).rev() {
            let block = self.lines(index, now_ms);
            total += block.len();
            blocks.push(block);
            shown.extend(self.messages.get(index).map(|message| message.order));
            top = (index, total.saturating_sub(height));
            if total >= height {
                break;
            }
        }
        self.top = top;
        let lines = blocks.into_iter().rev().flatten().skip(total.saturating_sub(height)).collect();
        (lines, shown)
    }

    fn lines(&self, index: usize, now_ms: u64) -> Vec<Line<'static>> {
        let Some(message) = self.messages.get(index) else { return Vec::new() };
        let quoted = message.body.post().and_then(|post| post.quote.as_ref()).and_then(quoted_account);
        let previous = index.checked_sub(1).and_then(|before| self.messages.get(before));
        let context = Context {
            previous,
            first: index == 0,
            found: self.found == Some(message.order),
            selected: self.selection.cursor == Some(message.order),
            starred: self.starred.contains(&message.id),
            quoted: quoted.map(|account| self.names.of(account)),
            unread: self.unread_mark.filter(|(order, _)| *order == message.order).map(|(_, count)| count),
            names: &self.names,
            group: self.is_group(),
            width: self.size.0,
            now_ms,
            zone: &self.zone,
            palette: self.palette,
            moving: &self.moving,
        };
        if self.chat.request {
            return layout::block(&without_preview(message), &context);
        }
        layout::block(message, &context)
    }
}

/// A line with one slash in front is a command; with two, a message with one.
fn said(line: String) -> Wish {
    match line.strip_prefix('/') {
        Some(message) if message.starts_with('/') => Wish::Send(message.to_owned()),
        Some(command) => Wish::Do(command.to_owned()),
        None => Wish::Send(line),
    }
}

/// Can be read, and was not.
fn is_unread(message: &Message) -> bool {
    message.direction == Direction::Incoming
        && message.delivery == Delivery::Delivered
        && message.body != Body::Waiting
}
