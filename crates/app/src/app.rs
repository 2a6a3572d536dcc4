use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use crate::api::{Answer, Command, CommandId, Event, Failure, Query};
use crate::engine::{Engine, Input};
use crate::limits::{MAX_EVENTS, MAX_INPUTS};
use crate::profile::{self, OpenError, ProfileOptions};
use crate::store::Indexing;

/// An open profile. It runs in a thread of its own; dropping the `App` ends it in good order.
pub struct App {
    inputs: Sender<Input>,
    events: Receiver<Event>,
    next_command: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

impl App {
    /// Opens the profile, or makes it. It is offline until [`Command::GoOnline`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &ProfileOptions) -> Result<Self, OpenError> {
        Self::open_with_progress(options, &mut |_| {})
    }

    /// The same, and tells how far it is where that takes long: the first time with a version of this program
    /// that indexes the history in another way.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with_progress(
        options: &ProfileOptions,
        progress: &mut dyn FnMut(Indexing),
    ) -> Result<Self, OpenError> {
        let profile = profile::open(options, &mut UnwrapErr(SysRng), progress)?;
        let (inputs, to_handle) = bounded(MAX_INPUTS);
        let (to_show, events) = bounded(MAX_EVENTS);
        let engine = Engine::start(profile, inputs.clone(), to_show)?;
        let run = move || run(engine, &to_handle);
        let folder = |error| OpenError::Folder { path: options.data_dir.clone(), error };
        let thread = thread::Builder::new().name("core".into()).spawn(run).map_err(folder)?;
        Ok(Self { inputs, events, next_command: AtomicU64::new(1), thread: Some(thread) })
    }

    /// Hands over a command. [`Event::Done`] or [`Event::Failed`] with this id answers it.
    pub fn send(&self, command: Command) -> CommandId {
        let id = self.next_command.fetch_add(1, Ordering::Relaxed);
        // The thread ends only when the `App` does, or by a bug of ours that its panic has shown already.
        let _ = self.inputs.send(Input::Command(id, command));
        id
    }

    /// Asks for something, as of the last commit.
    ///
    /// # Errors
    /// When the query names something that cannot be, or the database cannot be read.
    pub fn query(&self, query: Query) -> Result<Answer, Failure> {
        let (reply, answer) = bounded(1);
        let ended = || Failure::device("the profile is closed; start the program again");
        self.inputs.send(Input::Query(query, reply)).map_err(|_| ended())?;
        answer.recv().map_err(|_| ended())?
    }

    /// What happens. Clones of this receiver share the events out between them.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Goes offline, lets what was sent leave, and closes the database.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.inputs.send(Input::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut engine: Engine, inputs: &Receiver<Input>) {
    engine.begin();
    loop {
        match inputs.recv_timeout(engine.patience()) {
            Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return engine.stop(),
            Ok(input) => engine.turn(Some(input)),
            Err(RecvTimeoutError::Timeout) => engine.turn(None),
        }
    }
}
