//! The account's devices.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use waxwing_app::api::{self, Command, Device, Event};

use crate::arguments::{Devices, DevicesCommand, Global, HistoryRange};
use crate::output::{Error, Printer, fields, object};
use crate::session::{Hope, Session};
use crate::text;

/// A history that does not move for so long is left to the next command.
const ARCHIVE_SILENCE: Duration = Duration::from_secs(30);
/// A device is in use if it was connected within this time; the server tells hours.
const NOW_MS: u64 = 2 * 3_600_000;

pub fn devices(global: &Global, arguments: &Devices, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open_registered(global)?;
    match &arguments.command {
        None | Some(DevicesCommand::List) => list(&mut session, printer),
        Some(DevicesCommand::Approve { code, history }) => approve(&mut session, code, *history, printer),
        Some(DevicesCommand::Name { device, name }) => {
            known(&session, *device)?;
            session.run(Command::RenameDevice { device: *device, name: name.clone() })?;
            session.spread();
            let device = known(&session, *device)?;
            printer.print(|| line(&device, now_ms(), &TimeZone::system()), || fields("device", &device))
        }
        Some(DevicesCommand::Remove { device }) => remove(&mut session, *device, printer),
    }
}

fn list(session: &mut Session, printer: &mut Printer) -> Result<(), Error> {
    session.app.send(Command::GoOnline);
    // What is known here is better than nothing.
    if let Err(Error::Failed(failure)) = session.ask(Command::RefreshDevices) {
        printer.note(&format!("as last known: {}", text::one_line(&failure.detail)));
    }
    for device in session.devices()? {
        printer.print(|| line(&device, now_ms(), &TimeZone::system()), || fields("device", &device))?;
    }
    Ok(())
}

/// One device on one line.
pub fn line(device: &Device, now_ms: u64, zone: &TimeZone) -> String {
    let name = match device.name.as_str() {
        "" if device.device == 1 => "first device".to_owned(),
        "" => "not named".to_owned(),
        name => text::one_line(name),
    };
    let mut line = format!("{:>3}  {name}", device.device);
    if device.device == 1 && !device.name.is_empty() {
        line.push_str("  (first device)");
    }
    if device.this {
        return line + "  this device";
    }
    match device.last_seen_ms {
        0 => {}
        seen if now_ms.saturating_sub(seen) < NOW_MS => line.push_str("  connected lately"),
        seen => line.push_str(&format!("  last connected {}", text::date_and_clock(seen, zone))),
    }
    if !device.place.is_empty() {
        line.push_str(&format!("  from {}", text::one_line(&device.place)));
    }
    line
}

/// The clock, milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn known(session: &Session, number: u8) -> Result<Device, Error> {
    session.devices()?.into_iter().find(|device| device.device == number).ok_or_else(|| {
        let detail = format!("the account has no device {number}; see `waxwing devices`");
        Error::user("unknownDevice", detail)
    })
}

fn approve(
    session: &mut Session,
    code: &str,
    history: HistoryRange,
    printer: &mut Printer,
) -> Result<(), Error> {
    let range = match history {
        HistoryRange::All => api::HistoryRange::All,
        HistoryRange::Year => api::HistoryRange::Year,
        HistoryRange::Month => api::HistoryRange::Month,
        HistoryRange::None => api::HistoryRange::None,
    };
    session.app.send(Command::GoOnline);
    session.ask(Command::ApproveLink { code: code.to_owned(), history: range })?;
    printer.print(
        || "approved: the new device belongs to your account now; its history goes out…".to_owned(),
        || object("approved", &[]),
    )?;
    Progress::sending().follow(session, printer)
}

fn remove(session: &mut Session, number: u8, printer: &mut Printer) -> Result<(), Error> {
    let device = known(session, number)?;
    session.app.send(Command::GoOnline);
    session.ask(Command::RemoveDevice { device: number })?;
    if !device.this {
        // The others should hear of it at once.
        session.spread();
    }
    printer.print(
        || match device.this {
            true => "this device is not one of the account's any more".to_owned(),
            false => format!("device {number} is cut off; it reads nothing that is written from now on"),
        },
        || object("deviceRemoved", &[("device", &number)]),
    )
}

/// A history on its way between two devices.
pub struct Progress {
    sending: bool,
    /// When it was last told how far it is.
    told: Option<Instant>,
}

impl Progress {
    pub fn sending() -> Self {
        Self { sending: true, told: None }
    }

    pub fn receiving() -> Self {
        Self { sending: false, told: None }
    }

    /// Until it is there, or does not move any more.
    pub fn follow(mut self, session: &mut Session, printer: &mut Printer) -> Result<(), Error> {
        let patience = ARCHIVE_SILENCE.max(session.timeout);
        let mut deadline = Instant::now() + patience;
        while let Some(event) = session.next(deadline) {
            match &event {
                Event::Archive { sending, done: true, messages, device, .. } if *sending == self.sending => {
                    let what = if self.sending { "sent" } else { "here" };
                    printer.print(
                        || format!("the history is {what}: {messages} messages"),
                        || object("archiveDone", &[("device", device), ("messages", messages)]),
                    )?;
                    // The last acknowledgements and one's own news should still go out.
                    session.spread();
                    return Ok(());
                }
                Event::Archive { sending, messages, total, device, .. } if *sending == self.sending => {
                    deadline = Instant::now() + patience;
                    self.tell(*device, *messages, *total, printer)?;
                }
                _ => {}
            }
            if !matches!(session.hope(&event), Hope::Some) {
                break;
            }
        }
        printer.note(
            "the rest of the history comes whenever both devices are connected; run `waxwing receive` or \
             `waxwing chat` on both",
        );
        Ok(())
    }

    /// Once a second for people; each step for programs.
    fn tell(&mut self, device: u8, messages: u64, total: u64, printer: &mut Printer) -> Result<(), Error> {
        let lately = self.told.is_some_and(|told| told.elapsed() < Duration::from_secs(1));
        if lately && !printer.is_json() {
            return Ok(());
        }
        self.told = Some(Instant::now());
        let total = total.max(messages);
        printer.print(
            || format!("  {messages} of about {total} messages"),
            || object("archive", &[("device", &device), ("messages", &messages), ("total", &total)]),
        )
    }
}
