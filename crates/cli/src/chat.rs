//! The chat screen. What it shows is a [`screen::Screen`], drawn by [`view`] and changed by keys and by what
//! the app says; this module only carries things between them.

mod acting;
mod bubble;
mod chooser;
mod compose;
mod editor;
mod files;
mod layout;
mod light;
mod previews;
mod requests;
mod results;
mod screen;
mod search;
mod select;
mod slash;
mod status;
mod view;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal as _, Stdout};
use std::time::{Duration, Instant};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, Event as Key,
};
use crossterm::execute;
use jiff::tz::TimeZone;
use ratatui::backend::CrosstermBackend;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use waxwing_app::api::{self, Activity, ChatWith, Command, CommandId, Composing, Event, Query};
use waxwing_app::channel::{Receiver, Sender, bounded, select};

use crate::arguments::{Chat, Global};
use crate::commands::now_ms;
use crate::names::Names;
use crate::output::{Error, Printer};
use crate::session::{Session, ended};
use chooser::Purpose;
use previews::{Found, Previews};
use screen::{Screen, Wish};

/// Messages in one page of history.
const PAGE: usize = 100;
/// The countdown to the next attempt to connect goes by seconds.
const TICK: Duration = Duration::from_secs(1);
/// The screen is drawn at most so often: what happens in between is shown together.
const FRAME: Duration = Duration::from_micros(16_667);
/// A frame that is larger takes several writes.
const FRAME_BYTES: usize = 64 * 1024;
/// Things that happened and are shown together, at most: then the screen is drawn.
const MAX_AT_ONCE: usize = 500;

/// Talks until the user leaves.
pub fn chat(global: &Global, arguments: &Chat, printer: &mut Printer) -> Result<(), Error> {
    if printer.is_json() {
        return Err(Error::user(
            "notForPrograms",
            "chat is a screen; programs use send and receive --follow",
        ));
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::user("noTerminal", "chat needs a terminal; use send and receive without one"));
    }
    let mut session = Session::open_registered(global)?;
    let chat = session.find_chat(&arguments.name)?;
    session.app.send(Command::GoOnline);
    session.app.send(Command::SetActivity { activity: Activity::Active });
    session.app.send(Command::FetchByRules { on: true });
    let watched = matches!(chat.with, ChatWith::Contact { .. }).then(|| chat.conversation.clone());
    session.app.send(Command::WatchPresence { accounts: watched.into_iter().collect() });
    let mut talk = Talk::begin(session, chat)?;
    let terminal = Terminal::enter()?;
    let result = talk.run(terminal);
    talk.send_waiting();
    // Leaving the screen comes first: closing may take a moment, and its end should be seen.
    drop(talk);
    result
}

/// What wakes the loop.
enum Wake {
    Key(Key),
    App(Box<Event>),
    Previewed(Box<Found>),
    Tick,
    Leave,
    /// The app's thread is gone.
    Ended,
}

struct Talk {
    session: Session,
    screen: Screen,
    /// Commands under way that no message belongs to, and what to say when they are done.
    doing: BTreeMap<CommandId, &'static str>,
    /// The search whose results are shown.
    query: Option<Query>,
    previews: Previews,
    attaching: files::Attaching,
}

impl Talk {
    fn begin(session: Session, chat: api::Chat) -> Result<Self, Error> {
        let status = session.status()?;
        let unread = usize::try_from(chat.unread).unwrap_or(usize::MAX);
        let names = Names::new(&status);
        let screen = Screen::new(chat, names, status.connection, TimeZone::system());
        let mut talk = Self {
            session,
            screen,
            doing: BTreeMap::new(),
            query: None,
            previews: Previews::default(),
            attaching: files::Attaching::new(),
        };
        talk.screen.editor.set(talk.screen.chat.draft.clone());
        talk.learn_stars()?;
        // Enough to begin at the first unread message.
        let page = talk.page(None, PAGE.saturating_add(unread).min(1_000))?;
        talk.screen.begin(page, PAGE);
        Ok(talk)
    }

    /// A page of the history, and the names of everybody in it.
    fn page(&mut self, before: Option<u64>, limit: usize) -> Result<Vec<api::Message>, Error> {
        let page = self.session.history(self.screen.conversation(), before, limit)?;
        self.learn(&page)?;
        Ok(page)
    }

    /// The same, after an order.
    fn page_after(&mut self, after: u64) -> Result<Vec<api::Message>, Error> {
        let page = self.session.history_after(self.screen.conversation(), after, PAGE)?;
        self.learn(&page)?;
        Ok(page)
    }

    fn learn(&mut self, page: &[api::Message]) -> Result<(), Error> {
        for message in page {
            self.screen.names.learn(&self.session, message)?;
        }
        Ok(())
    }

    fn run(&mut self, mut terminal: Terminal) -> Result<(), Error> {
        let (keys, signals) = (read_keys()?, read_signals()?);
        let (events, found) = (self.session.app.events().clone(), self.previews.found.clone());
        let sources = Sources { keys, signals, events, found };
        loop {
            self.draw(&mut terminal)?;
            let drawn = Instant::now();
            let mut wake = sources.wait(drawn + TICK);
            loop {
                for _ in 0..MAX_AT_ONCE {
                    if self.handle(wake)? {
                        return Ok(());
                    }
                    match sources.next() {
                        Some(more) => wake = more,
                        None => break,
                    }
                }
                if drawn.elapsed() >= FRAME {
                    break;
                }
                wake = sources.wait(drawn + FRAME);
            }
        }
    }

    fn draw(&mut self, terminal: &mut Terminal) -> Result<(), Error> {
        // Drawing may show that older or newer messages are needed, and then shows them.
        for _ in 0..3 {
            let screen = &mut self.screen;
            terminal.inner.draw(|frame| view::draw(frame, screen, now_ms()))?;
            if self.screen.take_wants_newest() {
                let page = self.page(None, PAGE)?;
                self.screen.begin(page, PAGE);
            } else if let Some(after) = self.screen.wants_newer() {
                let page = self.page_after(after)?;
                self.screen.append(page, PAGE);
            } else if let Some(before) = self.screen.wants_older() {
                let page = self.page(Some(before), PAGE)?;
                self.screen.prepend(page, PAGE);
            } else {
                break;
            }
        }
        if let Some(up_to) = self.screen.take_seen() {
            let with = self.screen.conversation().to_owned();
            self.session.app.send(Command::MarkRead { with, up_to });
        }
        Ok(())
    }

    /// Whether the user wants to leave.
    fn handle(&mut self, wake: Wake) -> Result<bool, Error> {
        match wake {
            Wake::Key(key) => match self.key(&key) {
                Wish::Nothing => {}
                Wish::Leave => return Ok(true),
                Wish::Do(line) => self.slash(&line)?,
                Wish::Open(place) => self.open(&place)?,
                Wish::MoreResults => self.more_results()?,
                Wish::Send(text) => self.say(text)?,
                Wish::Act { message, deed, said } => self.act(message, deed, said),
                Wish::Star { message, starred } => self.star(message, starred),
                Wish::Delete(message) => self.delete_here(message),
                Wish::Info(message) => self.info(&message)?,
                Wish::OpenOnce(message) => self.open_once(message),
                Wish::Forward(message) => self.choose(Purpose::Forward(message))?,
                Wish::PassOn { message, to } => self.forward(message, to),
                Wish::Chats => self.choose(Purpose::Go)?,
                Wish::Go(conversation) => self.go(&conversation)?,
                Wish::See(conversation) => self.see(&conversation)?,
                Wish::Requests => self.choose(Purpose::Requests)?,
            },
            Wake::App(event) => self.event(*event)?,
            Wake::Previewed(found) => self.previewed(*found),
            Wake::Tick => {}
            Wake::Leave => return Ok(true),
            Wake::Ended => return Err(ended()),
        }
        Ok(false)
    }

    /// Takes a key, and says what it means for those who see whether the user is there and types.
    fn key(&mut self, key: &Key) -> Wish {
        let (was_focused, before) = (self.screen.is_focused(), self.screen.editor.text().to_owned());
        let wish = self.screen.key(key);
        if was_focused != self.screen.is_focused() {
            let activity = if was_focused { Activity::Listening } else { Activity::Active };
            self.session.app.send(Command::SetActivity { activity });
        }
        let text = self.screen.editor.text();
        if text != before {
            let types = !text.is_empty() && !text.starts_with('/');
            let what = if types { Composing::Typing } else { Composing::Stopped };
            let with = self.screen.conversation().to_owned();
            self.session.app.send(Command::Compose { with, what });
        }
        wish
    }

    fn event(&mut self, event: Event) -> Result<(), Error> {
        self.acting_event(&event)?;
        self.file_event(&event);
        match event {
            Event::IdentityChanged { account } if account == self.screen.conversation() => {
                self.refresh_chat()?;
            }
            Event::Group { ref group } if group == self.screen.conversation() => self.refresh_chat()?,
            Event::StateChanged => self.refresh_chat()?,
            Event::Done { command, .. } if self.doing.contains_key(&command) => {
                let said = self.doing.remove(&command).filter(|said| !said.is_empty());
                self.screen.notice = said.map(str::to_owned);
            }
            Event::Failed { command, failure } if self.doing.contains_key(&command) => {
                self.doing.remove(&command);
                self.screen.notice = Some(failure.detail);
            }
            // More happened than the channel held: begin anew.
            Event::Overrun => {
                self.refresh_chat()?;
                let page = self.page(None, PAGE)?;
                self.screen.begin(page, PAGE);
                self.screen.connection(self.session.status()?.connection);
            }
            Event::Message { message } if self.is_elsewhere_asked(&message)? => {}
            event => {
                if let Event::Composing { account, .. } = &event {
                    self.screen.names.learn_person(&self.session, account)?;
                }
                self.screen.event(event);
            }
        }
        Ok(())
    }

    /// Names may be others, and so may what is said of the conversation.
    fn refresh_chat(&mut self) -> Result<(), Error> {
        if let Some(chat) = self.session.chat(self.screen.conversation())? {
            self.screen.chat = chat;
        }
        self.screen.names.forget();
        for message in self.screen.messages().to_vec() {
            self.screen.names.learn(&self.session, &message)?;
        }
        Ok(())
    }
}

/// What wakes the loop comes from here.
struct Sources {
    keys: Receiver<Key>,
    signals: Receiver<()>,
    events: Receiver<Event>,
    found: Receiver<Found>,
}

impl Sources {
    fn wait(&self, until: Instant) -> Wake {
        let tick = waxwing_app::channel::at(until);
        select! {
            recv(self.keys) -> key => key.map_or(Wake::Leave, Wake::Key),
            recv(self.signals) -> _ => Wake::Leave,
            recv(self.events) -> event => event.map_or(Wake::Ended, |event| Wake::App(Box::new(event))),
            recv(self.found) -> found => found.map_or(Wake::Tick, |found| Wake::Previewed(Box::new(found))),
            recv(tick) -> _ => Wake::Tick,
        }
    }

    /// What else has happened already.
    fn next(&self) -> Option<Wake> {
        let key = self.keys.try_recv().map(Wake::Key);
        let signal = || self.signals.try_recv().map(|()| Wake::Leave);
        let found = || self.found.try_recv().map(|found| Wake::Previewed(Box::new(found)));
        let event = || self.events.try_recv().map(|event| Wake::App(Box::new(event)));
        key.or_else(|_| signal()).or_else(|_| found()).or_else(|_| event()).ok()
    }
}

/// The thread ends when the terminal does, or with the process.
fn read_keys() -> Result<Receiver<Key>, Error> {
    let (sender, keys) = bounded(1_024);
    let read =
        move || while let Some(true) = crossterm::event::read().ok().map(|key| sender.send(key).is_ok()) {};
    std::thread::Builder::new().name("keys".into()).spawn(read)?;
    Ok(keys)
}

fn read_signals() -> Result<Receiver<()>, Error> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let (sender, receiver): (Sender<()>, Receiver<()>) = bounded(1);
    let watch = move || {
        for _ in signals.forever() {
            let _ = sender.try_send(());
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch)?;
    Ok(receiver)
}

/// The terminal as a screen; as it was before when dropped. Ratatui restores it after a panic.
///
/// What one frame changes is written at once: nothing of it is seen half done, and it takes one packet.
struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Terminal {
    fn enter() -> Result<Self, Error> {
        // Sets the terminal up, also for being restored after a panic.
        drop(ratatui::init());
        let _ = execute!(io::stdout(), EnableBracketedPaste, EnableFocusChange);
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout()));
        Ok(Self { inner: ratatui::Terminal::new(backend)? })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, DisableFocusChange);
        ratatui::restore();
    }
}
