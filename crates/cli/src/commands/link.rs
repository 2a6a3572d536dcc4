//! Making this profile a device of an account that is there already.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use qrcode::{Color, EcLevel, QrCode};
use waxwing_app::api::{Command, Connection, Event, ServerTrust, Status};

use super::devices::Progress;
use crate::arguments::{Global, Link};
use crate::output::{Error, Printer, object};
use crate::session::{Hope, Session, refused};
use crate::text;

/// The server keeps an offer for ten minutes and then says so; this is only for a server that does not.
const OFFER_TIMEOUT: Duration = Duration::from_secs(11 * 60);
/// Light modules around a QR code. The standard wants four, scanners are content with two.
const QUIET: usize = 2;

pub fn link(global: &Global, arguments: &Link, printer: &mut Printer) -> Result<(), Error> {
    let mut session = Session::open(global, true)?;
    let server = server(&session.status()?, arguments)?;
    let name = arguments.name.clone().unwrap_or_else(machine_name);
    let command = session.app.send(Command::OfferLink { server, name });
    let mut offer = Offer { printer, online: false };
    let deadline = Instant::now() + OFFER_TIMEOUT;
    loop {
        // Only the first connection is waited for as any other; after it somebody has to walk to a phone.
        let patience = if offer.online { deadline } else { Instant::now() + session.timeout };
        let Some(event) = session.next(patience.min(deadline)) else {
            return Err(session.unreachable());
        };
        match &event {
            Event::Done { command: of, .. } if *of == command => break,
            Event::Failed { command: of, failure } if *of == command => return Err(explained(failure)),
            event => offer.notice(&session, event)?,
        }
        match session.hope(&event) {
            Hope::None => return Err(session.unreachable()),
            Hope::Refused(code) => return Err(refused(&code)),
            Hope::Some => {}
        }
    }
    let status = session.status()?;
    printer.print(
        || {
            let name = status.username.clone().unwrap_or_default();
            let device = status.device.unwrap_or_default();
            format!("linked: this is device {device} of {name} now; the history is coming…")
        },
        || {
            object(
                "linked",
                &[
                    ("account", &status.account),
                    ("device", &status.device),
                    ("username", &status.username),
                    ("server", &status.server),
                ],
            )
        },
    )?;
    Progress::receiving().follow(&mut session, printer)
}

/// What the arguments name, or what an earlier attempt did.
fn server(status: &Status, arguments: &Link) -> Result<String, Error> {
    match (&arguments.server, &status.server, &status.server_key, status.server_trust) {
        (Some(server), ..) => Ok(server.clone()),
        (None, Some(server), Some(key), Some(ServerTrust::Invitation | ServerTrust::User)) => {
            Ok(format!("{server}#{key}"))
        }
        (None, Some(server), ..) => Ok(server.clone()),
        (None, None, ..) => {
            let detail = "name the server of your account with --server HOST:PORT; `waxwing account` on your \
                          other device prints it";
            Err(Error::user("serverNeeded", detail))
        }
    }
}

/// An offer that ran out is the usual failure, and nobody's fault.
fn explained(failure: &waxwing_app::api::Failure) -> Error {
    if failure.code == "linkUnknown" {
        let detail = "nobody approved this device in time; run `waxwing link` again for a new code";
        return Error::server("linkExpired", detail);
    }
    failure.clone().into()
}

struct Offer<'a> {
    printer: &'a mut Printer,
    online: bool,
}

impl Offer<'_> {
    fn notice(&mut self, session: &Session, event: &Event) -> Result<(), Error> {
        match event {
            Event::LinkCode { code, qr } => self.show(session, code, qr),
            Event::Connection { connection: Connection::Online } => {
                self.online = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn show(&mut self, session: &Session, code: &str, qr: &str) -> Result<(), Error> {
        // With the code the server has been reached.
        self.online = true;
        let status = session.status()?;
        self.printer.print(
            || {
                let server = status.server.as_deref().map(text::one_line).unwrap_or_default();
                let key = status.server_key.clone().unwrap_or_default();
                let trust = match status.server_trust {
                    Some(ServerTrust::FirstUse) => format!(
                        "Connected to {server}, which showed the key\n{key}\nfor the first time. To be sure \
                         of it, compare it with `waxwing account` on your other device.\nWhoever the server \
                         is, it cannot approve this device without the code below.\n\n"
                    ),
                    _ => format!("Connected to {server}, which proved the key that you named.\n\n"),
                };
                let drawn = drawn(qr).unwrap_or_default();
                format!(
                    "{trust}{drawn}\n    {code}\n\nOn your first device: scan the QR code, or run\n    \
                     waxwing devices approve {code}\nThe code serves once, for ten minutes. Waiting…"
                )
            },
            || object("linkCode", &[("code", &code), ("qr", &qr), ("server", &status.server)]),
        )
    }
}

/// A QR code as text: two modules above each other in one character. On a terminal dark is really dark,
/// whatever its colours are.
fn drawn(content: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(content, EcLevel::M).ok()?;
    let width = code.width();
    let modules = code.to_colors();
    let dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < width);
        let (Some(x), Some(y)) = (inside(x), inside(y)) else { return false };
        modules.get(y * width + x) == Some(&Color::Dark)
    };
    let (begin, end) = match std::io::stdout().is_terminal() {
        true => ("\u{1b}[38;5;16;48;5;231m", "\u{1b}[0m"),
        false => ("", ""),
    };
    let mut text = String::new();
    for y in (0..width + 2 * QUIET).step_by(2) {
        text.push_str(begin);
        text.extend((0..width + 2 * QUIET).map(|x| match (dark(x, y), dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        text.push_str(end);
        text.push('\n');
    }
    Some(text)
}

/// What the machine calls itself, cut to what a device's name may be.
fn machine_name() -> String {
    const MAX_BYTES: usize = 64;
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let name = read("/proc/sys/kernel/hostname")
        .or_else(|| read("/etc/hostname"))
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    let mut name = name.trim().to_owned();
    while name.len() > MAX_BYTES {
        name.pop();
    }
    if name.is_empty() { "terminal".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_has_its_size_and_a_light_edge() {
        let text = drawn("WAXWING-LINK:AAAA").unwrap();
        let rows: Vec<&str> = text.lines().collect();
        // Version 1 has 21 modules a side.
        let side = 21 + 2 * QUIET;
        assert_eq!(rows.len(), side.div_ceil(2));
        assert!(rows.iter().all(|row| row.chars().count() == side && row.starts_with("  ")));
        assert!(rows[0].chars().all(|c| c == ' '), "the first two rows are quiet");
        assert!(rows[1].starts_with("  █▀▀▀▀▀█ "), "the corner's mark: {}", rows[1]);
    }

    #[test]
    fn the_server_is_named_or_remembered_or_asked_for() {
        let none = Link { server: None, name: None };
        let status = |trust: Option<&str>| -> Status {
            let server = trust.map(|_| "h:1");
            serde_json::from_value(serde_json::json!({
                "account": null, "device": null, "username": null, "server": server,
                "serverKey": trust.map(|_| "ab"), "serverTrust": trust,
                "connection": {"state": "offline"}, "unread": 0, "pending": 0, "outbox": 0,
                "protection": "keyFile",
            }))
            .unwrap()
        };
        assert!(server(&status(None), &none).is_err());
        assert!(server(&status(Some("user")), &none).is_ok_and(|server| server == "h:1#ab"));
        // Whoever answered first then need not be the right one now.
        assert!(server(&status(Some("firstUse")), &none).is_ok_and(|server| server == "h:1"));
        let named = Link { server: Some("x:2".into()), name: None };
        assert!(server(&status(Some("user")), &named).is_ok_and(|server| server == "x:2"));
    }
}
