//! Voice messages: recorded from standard input, and played.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use waxwing_app::api::{Answer, Attachment, AttachmentKind, Command, Query};
use waxwing_app::sound::{self, PLAYED_RATE, Source, Speed, Unhearable};

use super::media::{Bar, files_at, wait};
use crate::arguments::{Files, PlaySpeed};
use crate::output::{Error, Printer, object};
use crate::session::Session;
use crate::words::duration_text;

/// What means standard input or output.
const STANDARD: &str = "-";

/// Programs that play 16-bit samples from their standard input, and what they want to hear; the first that is there
/// is taken. What a stranger sent is never read by them: they get samples alone.
const PLAYERS: &[(&str, &[&str])] = &[
    (
        "ffplay",
        &["-nodisp", "-autoexit", "-loglevel", "error", "-f", "s16le", "-sample_rate", RATE, "-i", "pipe:0"],
    ),
    (
        "mpv",
        &[
            "--no-config",
            "--really-quiet",
            "--demuxer=rawaudio",
            "--demuxer-rawaudio-format=s16le",
            "--demuxer-rawaudio-rate=48000",
            "--demuxer-rawaudio-channels=mono",
            STANDARD,
        ],
    ),
    ("paplay", &["--raw", "--format=s16le", "--rate=48000", "--channels=1"]),
    ("pw-play", &["--raw", "--format=s16", "--rate=48000", "--channels=1", STANDARD]),
    ("aplay", &["-q", "-t", "raw", "-f", "S16_LE", "-r", RATE, "-c", "1"]),
];
/// [`PLAYED_RATE`] as programs are told.
const RATE: &str = "48000";
const _: () = assert!(PLAYED_RATE == 48_000, "as the players are told");

/// What `--voice -` records: a voice message, made while it is spoken.
pub fn recorded(files: &Files, text: &[String]) -> Result<Option<Vec<u8>>, Error> {
    if files.voice.as_deref() != Some(Path::new(STANDARD)) {
        return Ok(None);
    }
    if text == [STANDARD] {
        return Err(Error::user("badInput", "standard input cannot be both the recording and the text"));
    }
    let made = sound::voice(Source::stream(io::stdin()));
    made.map(|voice| Some(voice.file)).map_err(|error| unheard("what was recorded", &error))
}

fn unheard(what: &str, error: &Unhearable) -> Error {
    Error::user(error.code(), format!("{what} cannot be heard: {error}"))
}

/// Plays one file of a message, or writes what would be heard.
pub fn play(
    session: &mut Session,
    number: u64,
    only: Option<u32>,
    speed: PlaySpeed,
    output: Option<&Path>,
    printer: &mut Printer,
) -> Result<(), Error> {
    let speed = match speed {
        PlaySpeed::Normal => Speed::Normal,
        PlaySpeed::Faster => Speed::Faster,
        PlaySpeed::Double => Speed::Double,
    };
    let (message, chosen) = files_at(session, number, only)?;
    let sounds = |file: &Attachment| matches!(file.kind, AttachmentKind::Voice | AttachmentKind::Audio);
    let found = chosen.iter().find(|(_, file)| only.is_some() || sounds(file));
    let Some((index, file)) = found else {
        return Err(Error::user("noSound", "the message has nothing to be heard; see `waxwing media list`"));
    };
    let index = u32::try_from(*index).unwrap_or(u32::MAX);
    session.app.send(Command::GoOnline);
    let id = session.app.send(Command::FetchFile { message: message.clone(), index });
    wait(session, id, &mut Bar::new(printer.is_json()), |_| None::<()>)?;
    let Answer::FileContent { content } = session.app.query(Query::FileContent { message, index })? else {
        return Ok(());
    };
    let content = data_encoding::BASE64.decode(content.as_bytes());
    let content = content.map_err(|_| Error::device("internal", "the file is not Base64; this is a bug"))?;
    let source = Source::bytes(&content);
    let length = match output {
        None => to_player(source, speed)?,
        Some(path) if path == Path::new(STANDARD) => {
            let mut out = io::stdout().lock();
            let played = write_wav(source, speed, &mut out);
            return match played {
                Err(Unhearable::Io(error)) => Err(error.into()),
                played => played.map(|_| ()).map_err(|error| unheard("the file", &error)),
            };
        }
        Some(path) => to_file(source, speed, path)?,
    };
    let file = file.clone();
    printer.print(
        || {
            let long = duration_text(u32::try_from(length.as_millis()).unwrap_or(u32::MAX));
            match output {
                None => format!("played {long}"),
                Some(_) => format!("written {long}"),
            }
        },
        || {
            let path = output.map(|path| path.to_string_lossy().into_owned());
            let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
            object("played", &[("durationMs", &ms), ("path", &path), ("file", &file)])
        },
    )
}

fn write_wav(source: Source<'_>, speed: Speed, out: &mut dyn Write) -> Result<Duration, Unhearable> {
    out.write_all(&sound::wav_head(None)).map_err(Unhearable::Io)?;
    let played = sound::play(source, speed, out)?;
    out.flush().map_err(Unhearable::Io)?;
    Ok(played)
}

fn to_file(source: Source<'_>, speed: Speed, path: &Path) -> Result<Duration, Error> {
    let cannot = |error: io::Error| {
        Error::user("cannotSave", format!("{} cannot be written: {error}", path.display()))
    };
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(cannot)?;
    let mut out = io::BufWriter::new(file);
    let written = write_wav(source, speed, &mut out);
    let written = match written {
        Err(Unhearable::Io(error)) => Err(cannot(error)),
        written => written.map_err(|error| unheard("the file", &error)),
    };
    // How long it is, is known now.
    let headed = written.and_then(|length| {
        let mut file = out.into_inner().map_err(|error| cannot(error.into_error()))?;
        let bytes = file.metadata().map_err(cannot)?.len().saturating_sub(44);
        file.seek(SeekFrom::Start(0)).map_err(cannot)?;
        file.write_all(&sound::wav_head(u32::try_from(bytes).ok())).map_err(cannot)?;
        Ok(length)
    });
    if headed.is_err() {
        let _ = std::fs::remove_file(path);
    }
    headed
}

fn to_player(source: Source<'_>, speed: Speed) -> Result<Duration, Error> {
    let (name, mut child) = player()?;
    let failed = |error: io::Error| Error::device("player", format!("{name} cannot be used: {error}"));
    let length = match child.stdin.take() {
        Some(mut samples) => match sound::play(source, speed, &mut samples) {
            // Whoever closes the player has heard enough.
            Err(Unhearable::Io(error)) if error.kind() == ErrorKind::BrokenPipe => Duration::ZERO,
            Err(Unhearable::Io(error)) => return Err(failed(error)),
            played => played.map_err(|error| unheard("the file", &error))?,
        },
        None => Duration::ZERO,
    };
    let ended = child.wait().map_err(failed)?;
    if length == Duration::ZERO || ended.success() {
        return Ok(length);
    }
    Err(Error::device("player", format!("{name} could not play it; write it with --output FILE")))
}

fn player() -> Result<(&'static str, Child), Error> {
    for (name, arguments) in PLAYERS {
        let mut process = Process::new(name);
        process.args(*arguments).stdin(Stdio::piped()).stdout(Stdio::null());
        match process.spawn() {
            Ok(child) => return Ok((name, child)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::device("player", format!("{name} cannot be started: {error}"))),
        }
    }
    let names: Vec<&str> = PLAYERS.iter().map(|(name, _)| *name).collect();
    let detail = format!(
        "no program here plays sound ({}); write it with --output FILE, or - for standard output",
        names.join(", ")
    );
    Err(Error::user("noPlayer", detail))
}
