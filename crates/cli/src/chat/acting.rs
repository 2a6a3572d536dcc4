//! What the user does on the chat screen about messages, and moving between conversations.

use jiff::tz::TimeZone;
use waxwing_app::api::{ChatChange, ChatWith, Command, Deed, Direction, Event, Message, Post, Quote};

use super::bubble::open_text;
use super::chooser::{ChatRow, Chooser, Purpose};
use super::screen::Screen;
use super::select::About;
use super::{PAGE, Talk};
use crate::commands::{now_ms, typed};
use crate::names::{Names, chat_name, person_name};
use crate::output::Error;
use crate::text::{clock, date_and_clock, day, one_line};
use crate::words::{body_text, deed_text, is_notice, receipt_text, ticks};

impl Talk {
    /// Sends what was written, as an answer or as another word for something if it is one.
    pub(super) fn say(&mut self, text: String) -> Result<(), Error> {
        let with = self.screen.conversation().to_owned();
        let post = typed(&self.session, &text, false)?;
        let command = match self.screen.take_about() {
            Some(About::Edit { message }) => {
                Command::Act { with, message: Some(message), deed: Deed::Edit { post: Box::new(post) } }
            }
            Some(About::Reply { message, .. }) => {
                let quote = Some(Quote { message, text: String::new(), attachments: Vec::new() });
                Command::Send { to: with, post: Box::new(Post { quote, ..post }) }
            }
            Some(About::Save { message, .. }) => return self.save_files(&message, &text),
            None => Command::Send { to: with, post: Box::new(post) },
        };
        self.send_previewed(command, text)?;
        if !self.screen.chat.draft.is_empty() {
            self.keep_draft(String::new());
        }
        Ok(())
    }

    pub(super) fn act(&mut self, message: String, deed: Deed, said: &'static str) {
        let with = self.screen.conversation().to_owned();
        let command = self.session.app.send(Command::Act { with, message: Some(message), deed });
        self.doing.insert(command, said);
    }

    pub(super) fn star(&mut self, message: String, starred: bool) {
        let command = self.session.app.send(Command::SetStarred { message, starred });
        self.doing.insert(command, if starred { "starred" } else { "not starred any more" });
    }

    pub(super) fn delete_here(&mut self, message: String) {
        let command = self.session.app.send(Command::DeleteMessages { messages: vec![message] });
        self.doing.insert(command, "deleted on your devices; nobody else's are touched");
    }

    pub(super) fn open_once(&mut self, message: String) {
        let command = self.session.app.send(Command::Open { message });
        self.doing.insert(command, "seen; it is not shown again");
    }

    /// What was to be seen once, for once.
    pub(super) fn opened(&mut self, post: &Post) {
        let mut lines: Vec<String> = crate::text::harmless(&post.text).lines().map(str::to_owned).collect();
        lines.extend([String::new(), "It is not shown again. Esc closes this.".to_owned()]);
        self.screen.panel = Some(lines);
    }

    pub(super) fn forward(&mut self, message: String, to: String) {
        let command = self.session.app.send(Command::Forward { message, to: vec![to] });
        self.doing.insert(command, "passed on");
    }

    // ------------------------------------------------------------ conversations

    /// Shows the conversations, to choose one.
    pub(super) fn choose(&mut self, purpose: Purpose) -> Result<(), Error> {
        let rows = self.rows_for(&purpose)?;
        let nothing = match purpose {
            Purpose::Status => "nobody shows anything now; /status TEXT does",
            Purpose::Requests => "nobody whom you do not know has written",
            Purpose::Go | Purpose::Forward(_) => "",
        };
        if rows.is_empty() && !nothing.is_empty() {
            self.screen.notice = Some(nothing.to_owned());
            return Ok(());
        }
        self.screen.chooser = Some(Chooser::new(purpose, rows));
        Ok(())
    }

    /// Something happened while they are shown.
    pub(super) fn refresh_chooser(&mut self) -> Result<(), Error> {
        let Some(purpose) = self.screen.chooser.as_ref().map(|chooser| chooser.purpose.clone()) else {
            return Ok(());
        };
        let rows = self.rows_for(&purpose)?;
        if let Some(chooser) = &mut self.screen.chooser {
            chooser.refresh(rows);
        }
        Ok(())
    }

    fn rows_for(&mut self, purpose: &Purpose) -> Result<Vec<ChatRow>, Error> {
        match purpose {
            Purpose::Status => self.status_rows(),
            Purpose::Requests => self.request_rows(),
            Purpose::Forward(_) => self.chat_rows(false),
            Purpose::Go => {
                let mut rows = self.chat_rows(false)?;
                rows.extend(self.requests_row()?);
                Ok(rows)
            }
        }
    }

    /// Conversations, or those that are requests.
    pub(super) fn chat_rows(&mut self, requests: bool) -> Result<Vec<ChatRow>, Error> {
        let zone = TimeZone::system();
        let mut rows = Vec::new();
        for chat in self.session.chats()?.into_iter().filter(|chat| chat.request == requests) {
            let (mut last, mut time) = (String::new(), String::new());
            if let Some(message) = &chat.last_message {
                self.screen.names.learn(&self.session, message)?;
                last = last_words(message, &self.screen.names);
                let today = day(message.stored_at_ms, now_ms(), &zone);
                time = if today == "Today" { clock(message.stored_at_ms, &zone) } else { today };
            }
            rows.push(ChatRow {
                name: chat_name(&chat),
                unread: chat.unread,
                last,
                time,
                archived: chat.archived,
                conversation: chat.conversation,
            });
        }
        Ok(rows)
    }

    /// Goes to another conversation; what was begun here stays here.
    pub(super) fn go(&mut self, conversation: &str) -> Result<(), Error> {
        if conversation == self.screen.conversation() {
            return Ok(());
        }
        if self.switch(conversation)? {
            let unread = usize::try_from(self.screen.chat.unread).unwrap_or(usize::MAX);
            let page = self.page(None, PAGE.saturating_add(unread).min(1_000))?;
            self.screen.begin(page, PAGE);
        }
        Ok(())
    }

    /// Another conversation's screen, with nothing on it yet. Whether there is such a conversation.
    pub(super) fn switch(&mut self, conversation: &str) -> Result<bool, Error> {
        let Some(chat) = self.session.chat(conversation)? else {
            self.screen.notice = Some("this conversation is not here any more".to_owned());
            return Ok(false);
        };
        self.leave_draft();
        let status = self.session.status()?;
        let names = Names::new(&status);
        let mut screen = Screen::new(chat, names, status.connection, TimeZone::system());
        screen.editor.set(screen.chat.draft.clone());
        self.screen = screen;
        let watched = matches!(self.screen.chat.with, ChatWith::Contact { .. });
        let accounts = watched.then(|| self.screen.conversation().to_owned()).into_iter().collect();
        self.session.app.send(Command::WatchPresence { accounts });
        self.learn_stars()?;
        Ok(true)
    }

    /// What was begun is kept, on all devices.
    fn leave_draft(&mut self) {
        self.screen.drop_about();
        let text = self.screen.editor.take();
        if text != self.screen.chat.draft {
            self.keep_draft(text);
        }
    }

    fn keep_draft(&mut self, text: String) {
        let conversation = self.screen.conversation().to_owned();
        self.session.app.send(Command::SetChat { conversation, change: ChatChange::Draft(text) });
    }

    pub(super) fn learn_stars(&mut self) -> Result<(), Error> {
        self.screen.starred = self.session.starred()?.into_iter().map(|message| message.id).collect();
        Ok(())
    }

    // ------------------------------------------------------------ one message

    pub(super) fn info_of_last(&mut self) -> Result<(), Error> {
        let last = self.screen.messages().iter().rev().find(|message| !is_notice(message));
        match last.map(|message| message.id.clone()) {
            Some(id) => self.info(&id),
            None => Ok(()),
        }
    }

    /// Everything that is known of a message.
    pub(super) fn info(&mut self, id: &str) -> Result<(), Error> {
        let Some(message) = self.session.message(id)? else { return Ok(()) };
        let zone = TimeZone::system();
        let names = &self.screen.names;
        let at = |ms: u64| date_and_clock(ms, &zone);
        let mut lines = vec![last_words(&message, names), String::new()];
        lines.push(format!("written by {} {}", names.of(&message.from), at(message.sent_at_ms)));
        match message.direction {
            Direction::Incoming => lines.push(format!("here since {}", at(message.stored_at_ms))),
            Direction::Outgoing => {
                for receipt in self.session.receipts(id)? {
                    let name = person_name(&receipt.person);
                    let since = receipt_text(&receipt, &zone);
                    lines.push(format!("{name}  {}{since}", ticks(receipt.delivery)));
                }
            }
        }
        for (what, ms) in [("said otherwise", message.edited_at_ms), ("disappears", message.expires_at_ms)] {
            if ms > 0 {
                lines.push(format!("{what} {}", at(ms)));
            }
        }
        for done in &message.done {
            if let Some(what) = deed_text(&done.deed) {
                lines.push(format!("{} {what} {}", names.of(&done.by), at(done.at_ms)));
            }
        }
        lines.extend([String::new(), "Esc closes this.".to_owned()]);
        self.screen.panel = Some(lines);
        Ok(())
    }

    /// Events that concern what this module shows.
    pub(super) fn acting_event(&mut self, event: &Event) -> Result<(), Error> {
        match event {
            Event::Message { message } | Event::MessageFilled { message } => {
                self.screen.names.learn(&self.session, message)?;
                self.status_shown(message)?;
                self.refresh_chooser()
            }
            Event::MessageChanged { message, .. } => {
                self.screen.names.learn(&self.session, message)?;
                self.refresh_chooser()
            }
            Event::StateChanged | Event::Deleted { .. } => {
                self.learn_stars()?;
                self.refresh_chooser()
            }
            Event::Opened { post, .. } => {
                self.opened(post);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What a message says, on one line.
fn last_words(message: &Message, names: &Names) -> String {
    let text = open_text(message).unwrap_or_else(|| one_line(&body_text(&message.body, names)));
    match message.direction {
        _ if is_notice(message) => text,
        Direction::Outgoing => format!("you: {text}"),
        Direction::Incoming if message.with.starts_with("g:") => {
            format!("{}: {text}", names.of(&message.from))
        }
        Direction::Incoming => text,
    }
}
