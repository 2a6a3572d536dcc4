//! Threads that may wait, as many as are needed and no more than a bound.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::{IpAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::limits::{MEDIA_IDLE_THREAD, MEDIA_STACK_BYTES, MEDIA_WAITING};
use crate::net::{BUSY, Shared, Whose};
use crate::stats::{Number, Stats};

/// A connection that was given away by an I/O thread.
pub struct Visitor {
    /// It waits when it is read and written.
    pub stream: TcpStream,
    /// What was read of it already: the beginning of a request.
    pub begun: Vec<u8>,
    place: Place,
}

/// Counted as long as the visit lasts.
struct Place {
    shared: Arc<Shared>,
    ip: Option<IpAddr>,
    counted: fn(&Stats) -> &Number,
}

/// Whoever visitors come to.
pub trait Host: Send + Sync + 'static {
    /// Their threads.
    fn pool(&self) -> &Pool;
    /// Serves one to the end of its connection.
    fn serve(&self, visitor: Visitor);
    /// One was told to come again.
    fn refused(&self);
}

impl Visitor {
    /// A visitor from an address, if not too many are there from it; `None` for an address that tells nothing, such
    /// as a proxy's. `counted` is the level of those that are there.
    ///
    /// # Errors
    /// The stream, when there are.
    pub fn admit(
        shared: &Arc<Shared>,
        stream: TcpStream,
        begun: Vec<u8>,
        ip: Option<IpAddr>,
        counted: fn(&Stats) -> &Number,
    ) -> Result<Self, TcpStream> {
        if ip.is_some_and(|ip| !shared.admission.visit(ip)) {
            return Err(stream);
        }
        counted(&shared.stats).add(1);
        Ok(Self { stream, begun, place: Place { shared: shared.clone(), ip, counted } })
    }

    /// Nobody has time for it.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Whether somebody else answers such requests.
    #[must_use]
    pub fn can_go_to(&self, whose: Whose) -> bool {
        match whose {
            Whose::Web => true,
            Whose::Files => self.place.shared.folder().is_some(),
            Whose::Stream => false,
        }
    }

    /// Gives the connection to whoever answers its next request, of which this was read.
    pub fn go_to(mut self, whose: Whose, begun: Vec<u8>) {
        self.begun = begun;
        let shared = self.place.shared.clone();
        let back = match (whose, shared.folder()) {
            (Whose::Files, Some(media)) => Pool::take(&media, self),
            _ => Pool::take(&shared.web, self),
        };
        if let Err(mut visitor) = back {
            let _ = visitor.stream.write_all(BUSY);
        }
    }

    /// The process is ending.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.place.shared.stopping.load(std::sync::atomic::Ordering::Acquire)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        (self.counted)(&self.shared.stats).sub(1);
        if let Some(ip) = self.ip {
            self.shared.admission.end_visit(ip);
        }
    }
}

/// The threads, and who waits for one.
pub struct Pool {
    name: &'static str,
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Visitor>,
    threads: usize,
    idle: usize,
}

impl Pool {
    /// So many threads at most, under this name.
    #[must_use]
    pub fn new(name: &'static str, most: usize) -> Self {
        Self { name, most, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Gives a visitor to a thread, or has it wait for one. If too many wait it comes back.
    ///
    /// # Errors
    /// The visitor.
    pub fn take<H: Host>(host: &Arc<H>, visitor: Visitor) -> Result<(), Visitor> {
        let pool = host.pool();
        let mut state = pool.lock();
        if state.waiting.len() >= MEDIA_WAITING {
            return Err(visitor);
        }
        state.waiting.push_back(visitor);
        if state.idle < state.waiting.len() && state.threads < pool.most {
            let host = host.clone();
            let builder = thread::Builder::new().name(pool.name.into()).stack_size(MEDIA_STACK_BYTES);
            // Without another thread those that are there have to do.
            if builder.spawn(move || Self::work(&*host)).is_ok() {
                state.threads += 1;
            }
        }
        pool.changed.notify_one();
        Ok(())
    }

    fn work<H: Host>(host: &H) {
        while let Some(visitor) = host.pool().next() {
            host.serve(visitor);
        }
    }

    /// Who is next; `None` when nobody came for long.
    fn next(&self) -> Option<Visitor> {
        let mut state = self.lock();
        state.idle += 1;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, MEDIA_IDLE_THREAD, |state| state.waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        let next = state.waiting.pop_front();
        state.threads -= usize::from(next.is_none());
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in any thread ends the process, so a poisoned lock is never seen by anyone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
