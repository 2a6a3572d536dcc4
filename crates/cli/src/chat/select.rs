//! Acting on messages with keys: one of them is selected, and letters say what to do with it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use waxwing_app::api::{Body, Card, Deed, Delivery, Direction, Message, Reply};

use super::bubble::open_text;
use super::files::offered;
use super::screen::{Screen, Wish};
use crate::text::one_line;
use crate::words::{file_text, is_notice};

/// Reactions that take one key.
const REACTIONS: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
/// Within this time after it was sent a message can be said otherwise; the core decides.
const EDIT_WITHIN_MS: u64 = 15 * 60 * 1_000;

/// What is asked of the user about the selected message.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Asking {
    #[default]
    Nothing,
    Reaction,
    Deletion,
}

/// What the input line is about.
#[derive(Clone, PartialEq, Eq)]
pub enum About {
    /// It answers this message.
    Reply { message: String, said: String },
    /// It says this message otherwise.
    Edit { message: String },
    /// It says where the files of this message are saved.
    Save { message: String, said: String },
}

/// The selected message, and what is asked about it.
#[derive(Default)]
pub struct Selection {
    /// Its order.
    pub cursor: Option<u64>,
    asking: Asking,
    about: Option<About>,
}

impl Screen {
    /// Whether keys act on a message.
    pub fn acts_on_message(&self) -> bool {
        self.selection.cursor.is_some()
    }

    /// What the input line is about, for the user.
    pub fn about(&self) -> Option<String> {
        Some(match self.selection.about.as_ref()? {
            About::Reply { said, .. } => format!("↪ replying to {said}  (Esc: not)"),
            About::Save { said, .. } => format!("⤓ saving {said} as  (Esc: not)"),
            About::Edit { .. } => "✎ saying it otherwise  (Esc: not)".to_owned(),
        })
    }

    /// Whether the line is a place, and no message.
    pub fn asks_for_place(&self) -> bool {
        matches!(self.selection.about, Some(About::Save { .. }))
    }

    /// The same for the program, once.
    pub fn take_about(&mut self) -> Option<About> {
        self.selection.about.take()
    }

    /// Gives up what the input line was about. Whether it was about something.
    pub fn drop_about(&mut self) -> bool {
        match self.selection.about.take() {
            None => false,
            Some(About::Reply { .. }) => true,
            Some(About::Edit { .. } | About::Save { .. }) => {
                self.editor.take();
                true
            }
        }
    }

    /// What stands in an empty input line.
    pub fn invitation(&self) -> String {
        match self.selection.asking {
            Asking::Reaction => {
                let offered = REACTIONS.iter().enumerate().map(|(at, emoji)| format!("{} {emoji}", at + 1));
                offered.collect::<Vec<_>>().join("  ")
            }
            _ => "Write a message".to_owned(),
        }
    }

    /// What the keys do with the selected message.
    pub fn act_hints(&self) -> String {
        let Some(message) = self.selected() else { return String::new() };
        match self.selection.asking {
            Asking::Reaction => {
                return "a number, or another emoji and Enter · Enter alone: none · Esc".to_owned();
            }
            Asking::Deletion if self.may_delete_for_all(message) => {
                return "delete: m for me · e for everyone · Esc".to_owned();
            }
            Asking::Deletion => return "delete: m for me · Esc".to_owned(),
            Asking::Nothing => {}
        }
        let mut hints = Vec::new();
        let post = message.body.post();
        if post.is_some() {
            hints.extend(["r reply", "+ react"]);
        }
        if self.may_edit(message) {
            hints.push("e edit");
        }
        if post.is_some_and(|post| matches!(post.card, Some(Card::Poll { .. }))) {
            hints.push("1-9 vote");
        }
        if post.is_some_and(|post| matches!(post.card, Some(Card::Event { .. }))) {
            hints.push("y/n/m");
        }
        if is_closed(message) {
            hints.push("o open");
        }
        if post.is_some_and(|post| !post.attachments.is_empty()) {
            hints.push("w save");
        }
        if message.expires_at_ms > 0 {
            hints.push("k keep");
        }
        hints.push("d delete");
        if post.is_some_and(|post| !post.once) {
            hints.push("f forward");
        }
        hints.push(if self.starred.contains(&message.id) { "s unstar" } else { "s star" });
        if post.is_some() {
            hints.push(if is_pinned(message) { "p unpin" } else { "p pin" });
        }
        hints.push("i info");
        hints.join("  ")
    }

    fn selected(&self) -> Option<&Message> {
        let order = self.selection.cursor?;
        self.messages().iter().rev().find(|message| message.order == order)
    }

    fn may_edit(&self, message: &Message) -> bool {
        let in_time = self.now_ms.saturating_sub(message.sent_at_ms) <= EDIT_WITHIN_MS;
        let is_own = message.direction == Direction::Outgoing && message.delivery != Delivery::Failed;
        is_own && in_time && message.body.post().is_some_and(|post| !post.once)
    }

    /// An admin may delete others' too: then the core decides.
    fn may_delete_for_all(&self, message: &Message) -> bool {
        message.body.post().is_some() && (message.direction == Direction::Outgoing || self.is_group())
    }

    /// Begins with the last message that is seen, or goes to the next one above.
    pub fn select_up(&mut self) {
        let before = self.selection.cursor.unwrap_or(self.last_shown.saturating_add(1));
        let above = |message: &&Message| message.order < before && !is_notice(message);
        if let Some(order) = self.messages().iter().rev().find(above).map(|message| message.order) {
            self.select(Some(order));
        }
    }

    fn select_down(&mut self) {
        let Some(now) = self.selection.cursor else { return };
        let below = |message: &&Message| message.order > now && !is_notice(message);
        let order = self.messages().iter().find(below).map(|message| message.order);
        self.select(order);
    }

    fn select(&mut self, order: Option<u64>) {
        self.selection.cursor = order;
        self.selection.asking = Asking::Nothing;
        if let Some(order) = order {
            self.reveal(order);
        }
    }

    /// `None`: the key means what it means when nothing is selected.
    pub fn act_key(&mut self, key: KeyEvent) -> Option<Wish> {
        let Some(message) = self.selected().cloned() else {
            self.select(None);
            return None;
        };
        let modified = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        if let KeyCode::Char(letter) = key.code
            && key.modifiers == KeyModifiers::ALT
            && letter != 'k'
        {
            // Escape and a letter so quickly behind it that the terminal takes both for one key.
            self.select(None);
            self.editor.insert(letter.encode_utf8(&mut [0; 4]));
            return Some(Wish::Nothing);
        }
        if modified && self.selection.asking == Asking::Nothing {
            if !matches!(key.code, KeyCode::Up | KeyCode::Down) {
                self.select(None);
            }
            return None;
        }
        match self.selection.asking {
            Asking::Nothing => self.chosen(key.code, message),
            Asking::Reaction => self.reaction(key, &message),
            Asking::Deletion => Some(self.deletion(key.code, &message)),
        }
    }

    fn chosen(&mut self, code: KeyCode, message: Message) -> Option<Wish> {
        let post = message.body.post().cloned();
        let id = message.id.clone();
        match (code, post) {
            (KeyCode::Esc, _) => self.select(None),
            (KeyCode::Up, _) => self.select_up(),
            (KeyCode::Down, _) => self.select_down(),
            (KeyCode::PageUp | KeyCode::PageDown, _) => return None,
            (KeyCode::Char('r') | KeyCode::Enter, Some(post)) => {
                let said = format!(
                    "{}: {}",
                    self.names.of(&message.from),
                    open_text(&message).unwrap_or_else(|| one_line(&post.text))
                );
                self.selection.about = Some(About::Reply { message: id, said });
                self.select(None);
            }
            (KeyCode::Char('e'), Some(post)) if self.may_edit(&message) => {
                self.selection.about = Some(About::Edit { message: id });
                self.editor.set(crate::markup::marked(&post));
                self.select(None);
            }
            (KeyCode::Char('w'), Some(post)) if !post.attachments.is_empty() => {
                let said = match post.attachments.as_slice() {
                    [file] => file_text(file),
                    files => format!("{} files", files.len()),
                };
                self.selection.about = Some(About::Save { message: id, said });
                self.editor.set(offered(&post.attachments).unwrap_or_default());
                self.select(None);
            }
            (KeyCode::Char('+' | ' '), Some(_)) => self.selection.asking = Asking::Reaction,
            (KeyCode::Char('d'), _) => self.selection.asking = Asking::Deletion,
            (KeyCode::Char('f'), Some(post)) if !post.once => return Some(Wish::Forward(id)),
            (KeyCode::Char('s'), _) => {
                let starred = !self.starred.contains(&id);
                return Some(Wish::Star { message: id, starred });
            }
            (KeyCode::Char('i'), _) => return Some(Wish::Info(id)),
            (KeyCode::Char('o'), Some(_)) if is_closed(&message) => return Some(Wish::OpenOnce(id)),
            (KeyCode::Char('p'), Some(_)) => {
                let (until_ms, said) =
                    if is_pinned(&message) { (0, "not pinned any more") } else { (u64::MAX, "pinned") };
                return Some(Wish::Act { message: id, deed: Deed::Pin { until_ms }, said });
            }
            (KeyCode::Char('k'), Some(_)) if message.expires_at_ms > 0 => {
                return Some(Wish::Act { message: id, deed: Deed::Keep { keep: true }, said: "kept" });
            }
            (KeyCode::Char(letter @ ('y' | 'n' | 'm')), Some(post)) => {
                let Some(Card::Event { .. }) = post.card else { return self.written() };
                let answer = match letter {
                    'y' => Reply::Yes,
                    'n' => Reply::No,
                    _ => Reply::Perhaps,
                };
                return Some(Wish::Act { message: id, deed: Deed::Answer { answer }, said: "answered" });
            }
            (KeyCode::Char(digit @ '1'..='9'), Some(post)) => {
                let option = digit.to_digit(10).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(1) - 1;
                let Some(Card::Poll { several, .. }) = post.card else { return self.written() };
                let deed = Deed::Vote { options: self.vote(&message, option, several) };
                return Some(Wish::Act { message: id, deed, said: "voted" });
            }
            (KeyCode::Char(_), _) => return self.written(),
            _ => {
                self.select(None);
                return None;
            }
        }
        Some(Wish::Nothing)
    }

    /// A letter that says nothing about a message begins a text.
    fn written(&mut self) -> Option<Wish> {
        self.select(None);
        None
    }

    /// The own vote with this option, or without it.
    fn vote(&self, message: &Message, option: u8, several: bool) -> Vec<u8> {
        let own = message.done.iter().filter(|done| self.names.is_own(&done.by));
        let mut voted: Vec<u8> = own
            .filter_map(|done| match &done.deed {
                Deed::Vote { options } => Some(options.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        let had = voted.contains(&option);
        if several {
            voted.retain(|known| *known != option);
        } else {
            voted.clear();
        }
        if !had {
            voted.push(option);
        }
        voted
    }

    fn reaction(&mut self, key: KeyEvent, message: &Message) -> Option<Wish> {
        let offered = match key.code {
            KeyCode::Char(digit) if self.editor.is_empty() => digit.to_digit(10),
            _ => None,
        };
        let emoji = match key.code {
            KeyCode::Esc => {
                self.editor.take();
                self.selection.asking = Asking::Nothing;
                return Some(Wish::Nothing);
            }
            KeyCode::Enter => self.editor.take().trim().to_owned(),
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => return Some(Wish::Nothing),
            _ => {
                let emoji = offered.and_then(|digit| REACTIONS.get((digit as usize).wrapping_sub(1)));
                // Everything else is typed into the input line.
                (*emoji?).to_owned()
            }
        };
        self.selection.asking = Asking::Nothing;
        let said = if emoji.is_empty() { "reaction taken back" } else { "reacted" };
        Some(Wish::Act { message: message.id.clone(), deed: Deed::React { emoji }, said })
    }

    fn deletion(&mut self, code: KeyCode, message: &Message) -> Wish {
        self.selection.asking = Asking::Nothing;
        let message_id = message.id.clone();
        match code {
            KeyCode::Char('m') => Wish::Delete(message_id),
            KeyCode::Char('e') if self.may_delete_for_all(message) => {
                Wish::Act { message: message_id, deed: Deed::Delete, said: "deleted for everyone" }
            }
            _ => Wish::Nothing,
        }
    }
}

/// To be seen once, and not seen yet.
fn is_closed(message: &Message) -> bool {
    let once = matches!(&message.body, Body::Text(post) if post.once);
    once && message.direction == Direction::Incoming
}

fn is_pinned(message: &Message) -> bool {
    message.done.iter().any(|done| matches!(done.deed, Deed::Pin { .. }))
}

#[cfg(test)]
mod tests {
    use waxwing_app::api::{Done, Post};

    use super::super::screen::tests::*;
    use super::*;

    fn wish(screen: &mut Screen, code: KeyCode) -> Wish {
        press(screen, code)
    }

    fn three() -> Screen {
        let mut screen = screen();
        let own = Message { sent_at_ms: NOON + 3_500_000, delivery: Delivery::Sent, ..mine(3, "third") };
        screen.begin(vec![theirs(1, "first"), theirs(2, "second"), own], 100);
        rows(&mut screen, 60, 16);
        screen
    }

    fn shows(screen: &mut Screen, text: &str) -> bool {
        rows(screen, 90, 16).iter().any(|row| row.contains(text))
    }

    fn selected(screen: &mut Screen) -> Vec<String> {
        let rows = rows(screen, 60, 16);
        rows.into_iter().filter(|row| row.starts_with('▌')).collect()
    }

    #[test]
    fn up_selects_and_what_can_be_done_is_said() {
        let mut screen = three();
        assert!(selected(&mut screen).is_empty());
        press(&mut screen, KeyCode::Up);
        assert!(selected(&mut screen)[0].contains("third"));
        assert!(shows(&mut screen, "e edit"));
        press(&mut screen, KeyCode::Up);
        assert!(selected(&mut screen)[0].contains("second"));
        assert!(shows(&mut screen, "r reply") && !shows(&mut screen, "e edit"), "somebody else's");
        press(&mut screen, KeyCode::Down);
        press(&mut screen, KeyCode::Down);
        assert!(selected(&mut screen).is_empty(), "below the last one nothing is selected");
        press(&mut screen, KeyCode::Up);
        assert!(matches!(press(&mut screen, KeyCode::Esc), Wish::Nothing), "it does not leave");
        assert!(selected(&mut screen).is_empty());
        // A letter that means nothing here begins a text.
        press(&mut screen, KeyCode::Up);
        type_in(&mut screen, "hello");
        assert!(matches!(wish(&mut screen, KeyCode::Enter), Wish::Send(text) if text == "hello"));
    }

    #[test]
    fn what_is_selected_is_on_the_screen() {
        let mut screen = screen();
        let messages = (1..=80).map(|order| Message { delivery: Delivery::Read, ..theirs(order, "m") });
        screen.begin(messages.collect(), 10_000);
        rows(&mut screen, 60, 16);
        for _ in 0..60 {
            press(&mut screen, KeyCode::Up);
            assert_eq!(selected(&mut screen).len(), 1);
        }
        for _ in 0..58 {
            press(&mut screen, KeyCode::Down);
            assert_eq!(selected(&mut screen).len(), 1);
        }
    }

    #[test]
    fn replies_and_edits_say_what_they_are_about_and_can_be_given_up() {
        let mut screen = three();
        press(&mut screen, KeyCode::Up);
        press(&mut screen, KeyCode::Up);
        press(&mut screen, KeyCode::Char('r'));
        assert!(shows(&mut screen, "↪ replying to bob: second"));
        assert!(matches!(press(&mut screen, KeyCode::Esc), Wish::Nothing));
        assert!(!shows(&mut screen, "replying") && screen.take_about().is_none());
        press(&mut screen, KeyCode::Up);
        press(&mut screen, KeyCode::Char('e'));
        assert!(shows(&mut screen, "› third"), "its text is there to be changed");
        assert!(matches!(screen.take_about(), Some(About::Edit { message }) if message == "id3"));
        // After 15 minutes it is too late.
        let mut screen = super::super::screen::tests::screen();
        screen.begin(vec![Message { delivery: Delivery::Read, ..mine(1, "old") }], 100);
        rows(&mut screen, 60, 16);
        press(&mut screen, KeyCode::Up);
        assert!(!shows(&mut screen, "e edit"));
        press(&mut screen, KeyCode::Char('e'));
        assert!(screen.take_about().is_none());
    }

    #[test]
    fn reactions_take_one_key_or_are_typed() {
        let mut screen = three();
        let emoji = |wish: Wish| match wish {
            Wish::Act { message, deed: Deed::React { emoji }, .. } => Some((message, emoji)),
            _ => None,
        };
        press(&mut screen, KeyCode::Up);
        press(&mut screen, KeyCode::Char('+'));
        assert!(shows(&mut screen, "1 👍"));
        assert_eq!(emoji(press(&mut screen, KeyCode::Char('1'))), Some(("id3".into(), "👍".into())));
        press(&mut screen, KeyCode::Char(' '));
        type_in(&mut screen, "🏳️‍🌈");
        assert_eq!(emoji(press(&mut screen, KeyCode::Enter)), Some(("id3".into(), "🏳️‍🌈".into())));
        assert!(screen.editor.is_empty());
        press(&mut screen, KeyCode::Char('+'));
        assert_eq!(emoji(press(&mut screen, KeyCode::Enter)), Some(("id3".into(), String::new())));
        press(&mut screen, KeyCode::Char('+'));
        type_in(&mut screen, "x");
        press(&mut screen, KeyCode::Esc);
        assert!(screen.editor.is_empty() && screen.acts_on_message());
    }

    #[test]
    fn deleting_asks_for_whom() {
        let mut screen = three();
        press(&mut screen, KeyCode::Up);
        press(&mut screen, KeyCode::Char('d'));
        assert!(shows(&mut screen, "m for me · e for everyone"));
        let wish = press(&mut screen, KeyCode::Char('e'));
        assert!(matches!(wish, Wish::Act { deed: Deed::Delete, .. }));
        press(&mut screen, KeyCode::Char('d'));
        assert!(matches!(press(&mut screen, KeyCode::Char('x')), Wish::Nothing), "nothing by mistake");
        press(&mut screen, KeyCode::Up);
        press(&mut screen, KeyCode::Char('d'));
        assert!(!shows(&mut screen, "for everyone"), "somebody else's");
        assert!(matches!(press(&mut screen, KeyCode::Char('e')), Wish::Nothing));
        press(&mut screen, KeyCode::Char('d'));
        assert!(matches!(press(&mut screen, KeyCode::Char('m')), Wish::Delete(id) if id == "id2"));
    }

    #[test]
    fn votes_are_shown_and_toggled() {
        let mut screen = screen();
        let card = Some(Card::Poll { options: vec!["pizza".into(), "soup".into()], several: true });
        let body = Body::Text(Box::new(Post { card, ..Post::plain("what?") }));
        let vote = |by: &str, options: &[u8]| Done {
            by: by.into(),
            at_ms: 1,
            deed: Deed::Vote { options: options.to_vec() },
        };
        let done = vec![vote(BOB, &[0]), vote(CAROL, &[0, 1])];
        screen.begin(vec![Message { body, done, ..theirs(1, "") }], 100);
        assert!(shows(&mut screen, "○ 1 pizza  ▇▇▇▇▇▇▇▇ 2") && shows(&mut screen, "○ 2 soup  ▇▇▇▇ 1"));
        press(&mut screen, KeyCode::Up);
        let wish = press(&mut screen, KeyCode::Char('2'));
        assert!(matches!(wish, Wish::Act { deed: Deed::Vote { options }, .. } if options == [1]));
    }
}
