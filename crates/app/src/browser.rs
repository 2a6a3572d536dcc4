//! The shell in a browser: one dedicated worker, which turns the engine by itself. Its database lies in the origin's
//! private file system, encrypted like a program's; its key is what the page's side keeps sealed under a key that the
//! browser does not give out.

mod connection;
pub(crate) mod http;
pub(crate) mod media;
pub(crate) mod unicode;
pub(crate) mod vault;

pub use connection::Connection;
pub use media::{About, Given};

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use rsqlite_vfs::VfsFilesManager as _;
use sqlite_wasm_rs::WasmOsCallback;
use sqlite_wasm_vfs::sahpool::{OpfsSAHError, OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil};
use zeroize::Zeroizing;

use crate::api::{Answer, Command, CommandId, Event, Failure, Query};
use crate::engine::{Engine, Input};
use crate::key::{self, KeyError, Protection};
use crate::limits::MAX_EVENTS;
use crate::profile::{DATABASE_FILE, OpenError, Profile};
use crate::store::{Indexing, Store};

/// Under which name SQLite has the origin's private files.
const FILES: &str = "opfs-sahpool";
/// The same with page encryption: SQLite3 Multiple Ciphers makes it when it is first named.
pub(crate) const ENCRYPTED_FILES: &str = "multipleciphers-opfs-sahpool";
/// Files of databases and their journals.
const MAX_DATABASE_FILES: usize = 8;

thread_local! {
    /// What is called when something waits for the engine.
    static WAKE: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Something waits for the engine: a frame, or what has become of a file.
pub(crate) fn wake() {
    let wake = WAKE.with(|wake| wake.borrow().clone());
    if let Some(wake) = wake {
        wake();
    }
}

/// Where databases lie.
#[derive(Clone)]
pub struct Files(Option<OpfsSAHPoolUtil>);

/// Why there are no private files.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// This browser, or this kind of window, has none.
    #[error("this window cannot keep anything; use a current browser, and not a private window")]
    Unsupported,
    /// Another worker has them open.
    #[error("Waxwing is open in another tab; close that one")]
    Busy,
    /// Anything else.
    #[error("the browser does not give its files out: {0}")]
    Other(String),
}

impl FilesError {
    /// Name of the error for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported => "filesUnsupported",
            Self::Busy => "profileBusy",
            Self::Other(_) => "files",
        }
    }
}

impl Files {
    /// Takes the origin's private files. One worker has them at a time.
    ///
    /// # Errors
    /// See [`FilesError`].
    pub async fn open() -> Result<Self, FilesError> {
        let options = OpfsSAHPoolCfgBuilder::new()
            .vfs_name(FILES)
            .directory("waxwing")
            .initial_capacity(MAX_DATABASE_FILES)
            .build();
        match sqlite_wasm_vfs::sahpool::install::<WasmOsCallback>(&options, false).await {
            Ok(pool) => Ok(Self(Some(pool))),
            Err(OpfsSAHError::NotSupported) => Err(FilesError::Unsupported),
            Err(OpfsSAHError::Opfs { message, .. }) if message.contains("NoModificationAllowed") => {
                Err(FilesError::Busy)
            }
            Err(OpfsSAHError::Opfs { message, .. }) if message.contains("SecurityError") => {
                Err(FilesError::Unsupported)
            }
            Err(error) => Err(FilesError::Other(error.to_string())),
        }
    }

    /// None: all is gone with the window.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether there is a profile in them.
    #[must_use]
    pub fn has_profile(&self) -> bool {
        self.0.as_ref().is_some_and(|files| files.contains(DATABASE_FILE).unwrap_or(false))
    }

    /// Deletes what is in them. Only when nothing is open.
    ///
    /// # Errors
    /// When a database is open.
    pub fn clear(&self) -> Result<(), FilesError> {
        let cleared = self.0.as_ref().map_or(Ok(()), |files| files.clear());
        cleared.map_err(|error| FilesError::Other(error.to_string()))
    }
}

/// What the page's side keeps sealed, for a new profile or with another passphrase. The text of a key file.
///
/// # Errors
/// When the passphrase is empty, or the former one is wrong.
pub fn make_key(
    former: Option<(&str, Option<&str>)>,
    passphrase: Option<&str>,
) -> Result<Zeroizing<String>, KeyError> {
    let mut rng = UnwrapErr(SysRng);
    let key = match former {
        None => key::DatabaseKey::generate(&mut rng),
        Some((text, passphrase)) => {
            key::open(&key::parse(text, Path::new("key"))?, passphrase, Path::new("key"))?
        }
    };
    key::pack(&key, passphrase, &mut rng)
}

/// How such a text is protected.
///
/// # Errors
/// When it is none.
pub fn protection(text: &str) -> Result<Protection, KeyError> {
    Ok(key::protection_of(&key::parse(text, Path::new("key"))?))
}

/// An open profile in a worker.
pub struct App {
    engine: Engine,
    inputs: Sender<Input>,
    to_handle: Receiver<Input>,
    events: Receiver<Event>,
}

impl App {
    /// Opens the profile, or makes it. It is offline until [`Command::GoOnline`]. `wake` is called, perhaps from
    /// within this type's methods, when [`Self::turn`] has something to do.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        files: &Files,
        key: &str,
        passphrase: Option<&str>,
        wake: impl Fn() + 'static,
        progress: &mut dyn FnMut(Indexing),
    ) -> Result<Self, OpenError> {
        WAKE.with(|slot| *slot.borrow_mut() = Some(Rc::new(wake)));
        let file = key::parse(key, Path::new("key"))?;
        let protection = key::protection_of(&file);
        let key = key::open(&file, passphrase, Path::new("key"))?;
        let path = files.0.as_ref().map(|_| Path::new(DATABASE_FILE));
        let store = Store::open_in_browser(path, &key, progress).map_err(OpenError::Store)?;
        let profile = Profile { store, protection, data_dir: path.unwrap_or(Path::new("")).to_owned() };
        // Whoever brings something wakes the one who takes it out, which in one thread is before anything else can
        // be brought: it holds a handful, and a bounded channel would have nobody to wait for.
        let (inputs, to_handle) = unbounded();
        let (to_show, events) = bounded(MAX_EVENTS);
        let mut engine = Engine::start(profile, inputs.clone(), to_show)?;
        engine.begin();
        Ok(Self { engine, inputs, to_handle, events })
    }

    /// Hands over a command, for [`Self::turn`].
    pub fn send(&self, id: CommandId, command: Command) {
        let _ = self.inputs.send(Input::Command(id, command));
    }

    /// Asks for something, as of the last commit.
    ///
    /// # Errors
    /// When the query names something that cannot be, or the database cannot be read.
    pub fn query(&self, query: Query) -> Result<Answer, Failure> {
        self.engine.answer(query)
    }

    /// Makes a file that the page was given ready to be sent; then [`Event::Attached`].
    pub fn attach(&mut self, id: CommandId, given: Given) {
        self.engine.attach_given(id, given);
        wake();
    }

    /// What a [`Command::SaveFile`] that is done has made, once. Its path means nothing in a browser.
    #[must_use]
    pub fn take_file(&self, id: CommandId) -> Option<web_sys::Blob> {
        self.engine.take_file(id)
    }

    /// Does everything that is to be done now, and says what happened.
    pub fn turn(&mut self) -> Vec<Event> {
        let mut idle = true;
        while let Ok(input) = self.to_handle.try_recv() {
            idle = false;
            self.engine.turn(Some(input));
        }
        if idle {
            self.engine.turn(None);
        }
        self.events.try_iter().collect()
    }

    /// After how long [`Self::turn`] has something to do by itself.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.engine.patience()
    }

    /// Goes offline in good order.
    pub fn close(self) {
        WAKE.with(|slot| *slot.borrow_mut() = None);
        self.engine.stop();
    }
}
