use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use waxwing_app::api::{Command, Connection, Event, Message};

use super::talk::Writer;
use crate::arguments::{Global, Receive};
use crate::names::{brief, name_of};
use crate::output::{Error, Printer, object};
use crate::session::{Hope, Session, refused};
use crate::text;

/// The server says nothing when everything that waited has been delivered; so long a silence says it.
const SILENCE: Duration = Duration::from_millis(700);
const PAGE: usize = 200;
/// So long a message waits to be printed until the server has said what its author is called.
const NAMES: Duration = Duration::from_millis(1_500);

/// Messages that neither a screen nor an earlier `receive` has shown. A message leaves the inbox only after
/// it was printed: one that was printed when the program was killed is printed again.
pub fn receive(global: &Global, arguments: &Receive, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    let stop = stop_flag()?;
    session.app.send(Command::GoOnline);
    let mut writer = Writer::new(&session, printer)?;
    writer.places = true;
    let mut show = Show { writer, read: !arguments.no_read, last: BTreeMap::new() };
    show.inbox(&mut session)?;
    let mut patience = Patience::new(arguments, session.timeout);
    // When the inbox is to be printed.
    let mut due: Option<Instant> = None;
    while let Some(deadline) = patience.deadline() {
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(());
        }
        if due.is_some_and(|at| at <= Instant::now() || !show.is_nameless(&mut session).unwrap_or(false)) {
            show.inbox(&mut session)?;
            due = None;
        }
        // Signals are looked at in between.
        let soon = Instant::now() + Duration::from_millis(200);
        let soon = due.map_or(soon, |at| at.min(soon));
        let Some(event) = session.next(deadline.min(soon)) else {
            if Instant::now() >= deadline && due.is_none() {
                break;
            }
            continue;
        };
        patience.notice(&event);
        match session.hope(&event) {
            Hope::Refused(code) => return Err(refused(&code)),
            Hope::None if !patience.endless() => break,
            _ => {}
        }
        match &event {
            Event::Message { .. } | Event::MessageFilled { .. } | Event::Overrun => {
                due.get_or_insert(Instant::now() + NAMES);
            }
            Event::IdentityChanged { account } => show.identity_changed(&session, account)?,
            Event::JoinRequested { group, account } => show.join_requested(&session, group, account)?,
            Event::Skipped { messages } => show.skipped(*messages)?,
            Event::Removed => return Err(refused("notRegistered")),
            // Names may be others now.
            Event::StateChanged | Event::Group { .. } => show.writer.names.forget(),
            Event::StorageFailed { .. } if !patience.endless() => break,
            Event::StorageFailed { detail } => {
                show.writer.printer.note(&format!("the database cannot be written: {detail}; trying again"));
            }
            _ => {}
        }
    }
    if due.is_some() {
        show.inbox(&mut session)?;
    }
    if patience.was_online() && session.storage_works() {
        let unseen: u64 = session.status_updates()?.iter().map(|one| one.unseen).sum();
        if unseen > 0 {
            show.writer.printer.note("there are new status updates: waxwing status show");
        }
        return Ok(());
    }
    Err(session.unreachable())
}

/// Lets everything arrive that waits at the server, if it can be reached now.
pub fn catch_up(session: &mut Session) {
    session.app.send(Command::GoOnline);
    let arguments = Receive { follow: false, wait: None, no_read: true };
    let mut patience = Patience::new(&arguments, session.timeout);
    while let Some(deadline) = patience.deadline() {
        let Some(event) = session.next(deadline) else { return };
        patience.notice(&event);
        if !matches!(session.hope(&event), Hope::Some) {
            return;
        }
    }
}

/// Set when the program is to end.
pub fn stop_flag() -> Result<std::sync::Arc<std::sync::atomic::AtomicBool>, Error> {
    let flag = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, flag.clone())
            .map_err(|error| Error::device("io", format!("cannot listen for signals: {error}")))?;
    }
    Ok(flag)
}

/// How long to listen.
struct Patience {
    mode: Mode,
    online: bool,
    was_online: bool,
    quiet_since: Instant,
    started: Instant,
    timeout: Duration,
}

enum Mode {
    Endless,
    For(Duration),
    UntilQuiet,
}

impl Patience {
    fn new(arguments: &Receive, timeout: Duration) -> Self {
        let mode = match (arguments.follow, arguments.wait) {
            (true, _) => Mode::Endless,
            (false, Some(wait)) => Mode::For(wait),
            (false, None) => Mode::UntilQuiet,
        };
        let now = Instant::now();
        Self { mode, online: false, was_online: false, quiet_since: now, started: now, timeout }
    }

    fn notice(&mut self, event: &Event) {
        self.quiet_since = Instant::now();
        if let Event::Connection { connection } = event {
            self.online = *connection == Connection::Online;
            self.was_online |= self.online;
        }
    }

    /// `None` when it is over.
    fn deadline(&self) -> Option<Instant> {
        let deadline = match self.mode {
            Mode::Endless => return Some(Instant::now() + Duration::from_secs(60)),
            Mode::For(wait) => self.started + wait,
            Mode::UntilQuiet if self.online => self.quiet_since + SILENCE,
            Mode::UntilQuiet => self.started + self.timeout,
        };
        (deadline > Instant::now()).then_some(deadline)
    }

    fn endless(&self) -> bool {
        matches!(self.mode, Mode::Endless | Mode::For(_))
    }

    fn was_online(&self) -> bool {
        self.was_online
    }
}

struct Show<'a> {
    writer: Writer<'a>,
    read: bool,
    /// The last message printed of each conversation. One before it may be printed later, when its
    /// placeholder has been filled.
    last: BTreeMap<String, u64>,
}

impl Show<'_> {
    /// Prints everything in the inbox, then takes it out.
    fn inbox(&mut self, session: &mut Session) -> Result<(), Error> {
        loop {
            let messages = session.inbox(PAGE)?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in &messages {
                let chat = session.known_chat(&message.with)?;
                self.writer.message(session, message, &chat)?;
            }
            self.take_out(session, &messages)?;
        }
    }

    /// Somebody wrote whose name is not known yet, and the server is being asked for it.
    fn is_nameless(&self, session: &mut Session) -> Result<bool, Error> {
        let authors: BTreeSet<String> =
            session.inbox(PAGE)?.into_iter().map(|message| message.from).collect();
        for author in authors {
            let contact = session.contact(&author)?;
            if contact.is_some_and(|contact| contact.person.username.is_none()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take_out(&mut self, session: &mut Session, messages: &[Message]) -> Result<(), Error> {
        let ids = messages.iter().map(|message| message.id.clone()).collect();
        session.run(Command::AcknowledgeInbox { messages: ids })?;
        if self.read {
            for message in messages {
                let last = self.last.entry(message.with.clone()).or_default();
                *last = message.order.max(*last);
            }
            let with: BTreeSet<&String> = messages.iter().map(|message| &message.with).collect();
            for with in with {
                let up_to = self.last.get(with).copied().unwrap_or_default();
                session.run(Command::MarkInboxRead { with: with.clone(), up_to })?;
            }
        }
        Ok(())
    }

    fn identity_changed(&mut self, session: &Session, account: &str) -> Result<(), Error> {
        let contact = session.contact(account)?;
        let name = contact.as_ref().map_or_else(|| account.to_owned(), name_of);
        self.writer.printer.print(
            || format!("! the safety number of {name} has changed: waxwing safety-number {name}"),
            || object("identityChanged", &[("contact", &contact.as_ref().map(brief)), ("account", &account)]),
        )
    }

    fn join_requested(&mut self, session: &Session, group: &str, account: &str) -> Result<(), Error> {
        self.writer.names.learn_person(session, account)?;
        let person = self.writer.names.of(account);
        let name =
            session.group(group)?.map_or_else(|| group.to_owned(), |group| text::one_line(&group.name));
        let brief = self.writer.names.brief(account);
        self.writer.printer.print(
            || format!("! {person} wants to join {name}: waxwing group accept, or decline"),
            || object("joinRequest", &[("group", &group), ("contact", &brief)]),
        )
    }

    fn skipped(&mut self, messages: u64) -> Result<(), Error> {
        self.writer.printer.print(
            || {
                format!(
                    "! {messages} messages were not kept for this device while it was away too long; your \
                     other devices may have them"
                )
            },
            || object("skipped", &[("messages", &messages)]),
        )
    }
}
