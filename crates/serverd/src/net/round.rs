//! The loop of an I/O thread.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use rand_chacha::ChaCha20Rng;
use waxwing_server::ConnId;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::{Reject, RejectCode};

use super::admission::Admission;
use super::conn::{Conn, Guest, Stage};
use super::draft::Draft;
use super::socket::tune;
use super::table::Table;
use crate::engine::fresh_rng;
use crate::limits::{
    ACCEPT_PAUSE, ACCEPTS_PER_ROUND, EVENTS_PER_ROUND, HANDSHAKES_PER_ROUND, JOBS_PER_HANDOVER, LINGER,
    READ_BUFFER_BYTES, STALL_PAUSE,
};
use crate::media::{Keeper, Media};
use crate::message::{IoPort, Job, Outcome, conn_id, place_of};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::web::Site;

/// Woken by another thread.
pub const WAKE: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);
/// The clock is looked at so often when nothing happens.
const TICK: Duration = Duration::from_millis(250);
/// All connections are looked at for silence once in so many seconds.
const IDLE_ROUND_SECONDS: u64 = 60;

/// What an operator can set of the network.
#[derive(Debug, Clone)]
pub struct IoSettings {
    /// Connections at once, of all threads.
    pub max_connections: usize,
    /// See [`crate::limits::HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
    /// See [`crate::limits::GUEST_TIMEOUT`].
    pub guest_timeout: Duration,
    /// See [`crate::limits::IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// Believe what a proxy says about whom it speaks for.
    pub trust_forwarded_for: bool,
}

/// What all I/O threads share.
pub struct Shared {
    /// The server's identity.
    pub key: StaticKey,
    /// The way to the engine.
    pub engine: Arc<Queue<Job>>,
    /// The ways to all I/O threads, in their order.
    pub ports: Vec<Arc<IoPort>>,
    /// Bounds on strangers.
    pub admission: Admission,
    /// What is counted.
    pub stats: Arc<Stats>,
    /// Files; `None`: none are kept here.
    pub media: Option<Arc<dyn Keeper>>,
    /// The web app.
    pub web: Arc<Site>,
    /// What is set.
    pub settings: IoSettings,
    /// Stop accepting and reading.
    pub stopping: AtomicBool,
}

impl Shared {
    /// Files that go through this server.
    #[must_use]
    pub fn folder(&self) -> Option<Arc<Media>> {
        self.media.clone().and_then(Keeper::folder)
    }
}

/// An I/O thread and what it owns.
pub struct IoThread {
    pub(super) index: usize,
    pub(super) poll: Poll,
    listener: Option<TcpListener>,
    pub(super) shared: Arc<Shared>,
    pub(super) rng: ChaCha20Rng,
    pub(super) table: Table,
    serial: u64,
    /// The thread that gets the next connection.
    next_thread: usize,
    began: Instant,
    pub(super) now: Instant,
    /// Connections that have more to do than one turn allows.
    pub(super) again: VecDeque<ConnId>,
    /// The engine has no room: nothing is read.
    pub(super) stalled: bool,
    pub(super) handshakes_left: usize,
    /// Connections in the handshake, and connections after it that are still guests, by deadline.
    handshakes: VecDeque<(Instant, ConnId)>,
    pub(super) guests: VecDeque<(Instant, ConnId)>,
    /// Guests that wait to be linked, by deadline.
    pub(super) waiting: VecDeque<(Instant, ConnId)>,
    /// Connections that were said goodbye to, by deadline.
    pub(super) lingering: VecDeque<(Instant, ConnId)>,
    accept_at: Option<Instant>,
    /// Where the search for silent connections stands.
    hand: usize,
    hand_at: Instant,
    pub(super) buffer: Vec<u8>,
    /// What the thread's connections owe their peers, together.
    pub(super) unsent_bytes: usize,
    pub(super) sealed: Vec<u8>,
    pub(super) draft: Draft,
    pub(super) jobs: Vec<Job>,
    pub(super) job_bytes: usize,
    stopped: bool,
}

impl IoThread {
    /// A thread that waits on `poll`; the first one also accepts.
    #[must_use]
    pub fn new(index: usize, poll: Poll, listener: Option<TcpListener>, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            index,
            poll,
            listener,
            shared,
            rng: fresh_rng(),
            table: Table::default(),
            serial: 0,
            next_thread: 0,
            began: now,
            now,
            again: VecDeque::new(),
            stalled: false,
            handshakes_left: 0,
            handshakes: VecDeque::new(),
            guests: VecDeque::new(),
            waiting: VecDeque::new(),
            lingering: VecDeque::new(),
            accept_at: None,
            hand: 0,
            hand_at: now,
            buffer: vec![0; READ_BUFFER_BYTES],
            unsent_bytes: 0,
            sealed: Vec::new(),
            draft: Draft::default(),
            jobs: Vec::new(),
            job_bytes: 0,
            stopped: false,
        }
    }

    /// Works until the engine says that it is over.
    ///
    /// # Errors
    /// When the kernel refuses to wait for sockets.
    pub fn run(mut self) -> io::Result<()> {
        if let Some(listener) = &mut self.listener {
            self.poll.registry().register(listener, LISTENER, Interest::READABLE)?;
        }
        let mut events = Events::with_capacity(EVENTS_PER_ROUND);
        let mut outcomes = Vec::new();
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.now = Instant::now();
            self.handshakes_left = HANDSHAKES_PER_ROUND;
            self.port().queue.take(&mut outcomes);
            if let Some(goodbye) = self.deliver(&mut outcomes) {
                return self.end(&mut events, &goodbye);
            }
            self.stop_if_told();
            for event in &events {
                self.happened(event);
            }
            self.another_turn();
            self.hand_over();
            self.keep_time();
        }
    }

    fn timeout(&self) -> Duration {
        match (self.again.is_empty(), self.stalled) {
            (false, false) => Duration::ZERO,
            (false, true) => STALL_PAUSE,
            (true, _) => self.accept_at.map_or(TICK, |_| ACCEPT_PAUSE),
        }
    }

    fn happened(&mut self, event: &Event) {
        match event.token() {
            WAKE => {}
            LISTENER => self.accept(),
            Token(place) => {
                if event.is_writable() {
                    self.writable(place);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.readable(place, event.is_read_closed() || event.is_error());
                }
            }
        }
    }

    /// Goes on with connections that had more to do than one turn allowed.
    fn another_turn(&mut self) {
        self.stalled = false;
        for _ in 0..self.again.len() {
            let Some(id) = self.again.pop_front() else { return };
            let place = place_of(id);
            if let Some(conn) = self.table.get(place).filter(|conn| conn.id == id) {
                conn.queued = false;
                self.readable(place, true);
            }
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_PER_ROUND {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok((stream, address)) => self.welcome(stream, address.ip()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.accept_at = None;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // No descriptors are left, most likely. Those who are connected go on.
                    tracing::warn!(%error, "cannot accept a connection");
                    self.accept_at = Some(self.now + ACCEPT_PAUSE);
                    return;
                }
            }
        }
        self.accept_at = Some(self.now);
    }

    /// Lets a connection in, or not, and gives it to the thread whose turn it is.
    fn welcome(&mut self, stream: TcpStream, ip: IpAddr) {
        let Shared { stats, settings, admission, ports, .. } = &*self.shared;
        stats.accepts.add(1);
        let full = stats.connections.now() >= settings.max_connections as u64;
        if full || !admission.enter(ip) {
            stats.turned_away.add(1);
            return;
        }
        stats.connections.add(1);
        stats.guests.add(1);
        self.next_thread = (self.next_thread + 1) % ports.len();
        match ports.get(self.next_thread) {
            Some(port) if self.next_thread != self.index => {
                port.put(&mut vec![Outcome::Accepted(stream, ip)])
            }
            _ => self.adopt(stream, ip),
        }
    }

    /// Takes over a connection.
    pub(super) fn adopt(&mut self, mut socket: TcpStream, ip: IpAddr) {
        self.serial += 1;
        let (index, serial, heard_s) = (self.index, self.serial, self.seconds());
        let registry = self.poll.registry();
        let tuned = tune(&socket);
        let mut registered = Ok(());
        let place = self.table.insert(|place| {
            // Both at once: the kernel says once when a socket becomes writable again, and nothing else.
            let interest = Interest::READABLE | Interest::WRITABLE;
            registered = registry.register(&mut socket, Token(place), interest);
            Conn {
                id: conn_id(index, place, serial),
                socket,
                stage: Stage::Sniff,
                partial: None,
                unsent: None,
                websocket: None,
                guest: Some(Box::new(Guest { ip, key: None, waits_until: None })),
                heard_s,
                queued: false,
                known: false,
            }
        });
        let Some(place) = place else {
            self.shared.stats.turned_away.add(1);
            return self.forget_guest(ip, true);
        };
        if tuned.is_err() || registered.is_err() {
            return self.close(place);
        }
        let deadline = self.now + self.shared.settings.handshake_timeout;
        self.handshakes.push_back((deadline, conn_id(index, place, serial)));
    }

    /// Hands the engine what was read.
    pub(super) fn hand_over(&mut self) {
        self.shared.engine.put(&mut self.jobs, self.job_bytes);
        self.job_bytes = 0;
    }

    /// Hands the engine what was read if it is much.
    pub(super) fn hand_over_if_much(&mut self) {
        if self.jobs.len() >= JOBS_PER_HANDOVER {
            self.hand_over();
        }
    }

    fn keep_time(&mut self) {
        self.now = Instant::now();
        if self.accept_at.is_some_and(|at| at <= self.now) {
            self.accept();
        }
        while let Some(id) = due(&mut self.handshakes, self.now) {
            let unfinished =
                |conn: &&mut Conn| conn.id == id && !matches!(conn.stage, Stage::Open(_) | Stage::Closing);
            if self.table.get(place_of(id)).filter(unfinished).is_some() {
                self.shared.stats.handshakes_failed.add(1);
                self.close(place_of(id));
            }
        }
        while let Some(id) = due(&mut self.guests, self.now).or_else(|| due(&mut self.waiting, self.now)) {
            let now = self.now;
            let may_stay = |guest: &Guest| guest.waits_until.is_some_and(|until| until > now);
            let overdue =
                |conn: &&mut Conn| conn.id == id && conn.guest.as_ref().is_some_and(|guest| !may_stay(guest));
            if self.table.get(place_of(id)).filter(overdue).is_some() {
                let reject = "say Hello, register, or offer to be linked after the handshake: connect again";
                self.say_goodbye(place_of(id), &Reject::new(RejectCode::NotRegistered, reject));
            }
        }
        while let Some(id) = due(&mut self.lingering, self.now) {
            if self.table.get(place_of(id)).filter(|conn| conn.id == id).is_some() {
                self.close(place_of(id));
            }
        }
        self.close_silent();
    }

    /// Looks at a part of the connections and closes those from which nothing came for long. Looking at
    /// all of them once in a while costs less than a timer for each.
    fn close_silent(&mut self) {
        let idle_s = self.shared.settings.idle_timeout.as_secs().max(1);
        let round = Duration::from_secs(IDLE_ROUND_SECONDS.min(idle_s.div_ceil(2)));
        let places = self.table.places();
        if places == 0 || self.table.len() == 0 {
            self.hand_at = self.now;
            return;
        }
        let elapsed = self.now.duration_since(self.hand_at).min(round);
        let part = (places as u128 * elapsed.as_millis() / round.as_millis()) as usize;
        if part == 0 {
            return;
        }
        self.hand_at = self.now;
        let now_s = u64::from(self.seconds());
        for _ in 0..part {
            self.hand = if self.hand + 1 < places { self.hand + 1 } else { 0 };
            let silent = |conn: &&mut Conn| now_s.saturating_sub(u64::from(conn.heard_s)) > idle_s;
            if self.table.get(self.hand).filter(silent).is_some() {
                self.shared.stats.idle_closed.add(1);
                self.close(self.hand);
            }
        }
    }

    fn stop_if_told(&mut self) {
        if !self.stopped && self.shared.stopping.load(Ordering::Acquire) {
            self.stopped = true;
            self.listener = None;
            self.accept_at = None;
            for place in 0..self.table.places() {
                // To the engine they are gone; answers that are under way still reach them.
                if let Some(conn) = self.table.get(place)
                    && std::mem::take(&mut conn.known)
                {
                    self.jobs.push(Job::Closed(conn.id));
                }
            }
            self.jobs.push(Job::IoStopped);
        }
    }

    /// Nothing is read any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Says goodbye to everybody and waits a little for them to read it.
    fn end(mut self, events: &mut Events, goodbye: &Reject) -> io::Result<()> {
        self.stopped = true;
        self.listener = None;
        for place in 0..self.table.places() {
            if self.table.get(place).is_some() {
                self.say_goodbye(place, goodbye);
            }
        }
        let deadline = Instant::now() + LINGER;
        while self.table.len() > 0 && Instant::now() < deadline {
            match self.poll.poll(events, Some(Duration::from_millis(20))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &*events {
                self.happened(event);
            }
            // Nobody takes jobs any more.
            self.jobs.clear();
        }
        Ok(())
    }

    /// Seconds since the thread began.
    pub(super) fn seconds(&self) -> u32 {
        u32::try_from(self.now.duration_since(self.began).as_secs()).unwrap_or(u32::MAX)
    }

    fn port(&self) -> &IoPort {
        self.shared.ports.get(self.index).expect("there is a port for each thread")
    }
}

/// Takes the first of a list that is in the order of deadlines, if it is due.
fn due(list: &mut VecDeque<(Instant, ConnId)>, now: Instant) -> Option<ConnId> {
    let first = list.pop_front_if(|(deadline, _)| *deadline <= now);
    if first.is_some() && list.len() < list.capacity() / 4 {
        // After a rush of connections the list is long; the memory is wanted for other things.
        list.shrink_to(list.len() * 2);
    }
    first.map(|(_, id)| id)
}
