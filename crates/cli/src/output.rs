//! What goes to standard output and standard error.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use waxwing_app::OpenError;
use waxwing_app::api::{Failure, Fault};

use crate::text;

const USER: u8 = 1;
const UNEXPECTED: u8 = 2;
const SERVER: u8 = 3;
const UNTRUSTED: u8 = 4;

/// Why a command ends early.
pub enum Error {
    /// With a reason that is told.
    Failed(Failure),
    /// Nobody reads what is printed any more. Not a failure: `waxwing history bob | head -1`.
    OutputClosed,
}

impl Error {
    /// What was asked cannot be done.
    pub fn user(code: &str, detail: impl Into<String>) -> Self {
        Self::of(Fault::User, code, detail)
    }

    /// The server does not answer.
    pub fn server(code: &str, detail: impl Into<String>) -> Self {
        Self::of(Fault::Server, code, detail)
    }

    /// Something unexpected on this device.
    pub fn device(code: &str, detail: impl Into<String>) -> Self {
        Self::of(Fault::Device, code, detail)
    }

    fn of(fault: Fault, code: &str, detail: impl Into<String>) -> Self {
        Self::Failed(Failure { code: code.to_owned(), fault, detail: detail.into(), retry_after_ms: 0 })
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        let fault = match &error {
            OpenError::Busy { .. } | OpenError::Key(_) | OpenError::WrongKey(_) => Fault::User,
            OpenError::Folder { .. } | OpenError::Store(_) | OpenError::Damaged(_) => Fault::Device,
        };
        Self::of(fault, error.code(), error.to_string())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::device("io", format!("cannot print: {error}")),
        }
    }
}

/// Prints to standard output: lines for people, or JSON objects for programs.
pub struct Printer {
    json: bool,
}

impl Printer {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    pub fn is_json(&self) -> bool {
        self.json
    }

    /// One line for people, or one object for programs. `line` has been made harmless already.
    pub fn print(
        &mut self,
        line: impl FnOnce() -> String,
        object: impl FnOnce() -> Value,
    ) -> Result<(), Error> {
        let line = if self.json { json_line(&object()) } else { line() };
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()?;
        Ok(())
    }

    /// One line of explanation for people, on standard error; nothing for programs.
    pub fn note(&self, line: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    /// Tells the error and gives the exit code.
    pub fn fail(&self, error: &Error) -> ExitCode {
        let Error::Failed(failure) = error else { return ExitCode::SUCCESS };
        let _ = if self.json {
            writeln!(io::stderr(), "{}", json_line(&json!({ "error": failure })))
        } else {
            // The server's words are somebody else's.
            writeln!(io::stderr(), "waxwing: {}", text::one_line(&failure.detail))
        };
        ExitCode::from(match failure.fault {
            Fault::User => USER,
            Fault::Server => SERVER,
            Fault::Trust => UNTRUSTED,
            Fault::Device => UNEXPECTED,
        })
    }
}

/// An object with `"type"` first, from parts that serialise.
pub fn object(kind: &str, parts: &[(&str, &dyn erased::Json)]) -> Value {
    let mut map = serde_json::Map::new();
    map.insert("type".to_owned(), Value::from(kind));
    for (name, part) in parts {
        map.insert((*name).to_owned(), part.to_json());
    }
    Value::Object(map)
}

/// An object with `"type"` first and then the fields of something that has fields.
pub fn fields(kind: &str, of: &impl Serialize) -> Value {
    let mut object = object(kind, &[]);
    if let (Some(map), Ok(Value::Object(fields))) = (object.as_object_mut(), serde_json::to_value(of)) {
        map.extend(fields);
    }
    object
}

/// Serialisable things behind one pointer.
pub mod erased {
    use super::{Serialize, Value};

    pub trait Json {
        fn to_json(&self) -> Value;
    }

    impl<T: Serialize> Json for T {
        fn to_json(&self) -> Value {
            serde_json::to_value(self).unwrap_or(Value::Null)
        }
    }
}

/// JSON whose text moves no cursor and turns no line around, wherever it is printed: JSON itself escapes
/// only the first 32 control characters.
pub fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if text::is_harmful(c) {
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            line.push(c);
        }
    }
    line
}

/// Help and version go to standard output and are no error; everything else is the user's.
pub fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // The arguments could not be read: whether JSON is wanted can only be guessed from them.
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let detail = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
        return Printer::new(true).fail(&Error::user("usage", detail));
    }
    let _ = error.print();
    ExitCode::from(USER)
}
