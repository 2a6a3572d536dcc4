//! The engine thread: decides, commits, and carries out what was decided.
//!
//! One turn: take what is queued, decide command after command over what the turn has already decided,
//! commit all of it with one fsync, and only then let any answer out. While the disk works, the next
//! group gathers in the queue.

mod group;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_server::{Command, CommitError, ConnId, Effect, Links, Piece, Settings, Store, Time, rejects};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::limits::MAX_UNDECRYPTABLE_PER_STORED;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{DeviceAddress, Reject, RejectCode};

use crate::limits::{OUTBOX_BYTES, SHUTDOWN_RETRY_AFTER_MS, SWEEP_PAGE, SWEEP_PAUSE};
use crate::message::{IoPort, Job, Outcome, thread_of};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::store::{Embedded, Pending, Room};
use group::{Decided, Group};

/// The longest sleep, so that the clock and the sweep are looked at.
const MAX_SLEEP: Duration = Duration::from_millis(500);
/// Pause before an acknowledgement is settled again that the disk had no room for.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);
/// How often the size of the store is looked at.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);

/// The engine failed: what it last wrote may or may not be there, so the process ends.
#[derive(Debug)]
pub struct Failed(pub String);

/// What the engine thread owns.
pub struct Engine {
    store: Embedded,
    links: Links,
    rng: ChaCha20Rng,
    settings: Settings,
    sweep_interval: Duration,
    inbox: Arc<Queue<Job>>,
    io: Vec<Arc<IoPort>>,
    stats: Arc<Stats>,
    /// Commands that effects have led to, for the next group.
    backlog: VecDeque<Command>,
    outbox: Vec<Vec<Outcome>>,
    outbox_bytes: usize,
    now: Time,
    next_sweep: Instant,
    sweep_after: Option<DeviceAddress>,
    next_measure: Instant,
    io_stopped: usize,
    /// What devices said they have stored, and the disk had no room to settle: at most one for each device. A
    /// device says it only once on a connection.
    unsettled: BTreeMap<DeviceAddress, Unsettled>,
    settle_again: Instant,
}

/// An acknowledgement that waits to be settled.
#[derive(Debug, Default)]
struct Unsettled {
    up_to: u64,
    undecryptable: Vec<u64>,
}

impl Engine {
    /// An engine over a store.
    #[must_use]
    pub fn new(
        store: Embedded,
        settings: Settings,
        sweep_interval: Duration,
        inbox: Arc<Queue<Job>>,
        io: Vec<Arc<IoPort>>,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            store,
            links: Links::default(),
            rng: fresh_rng(),
            settings,
            sweep_interval,
            inbox,
            outbox: io.iter().map(|_| Vec::new()).collect(),
            outbox_bytes: 0,
            io,
            stats,
            backlog: VecDeque::new(),
            now: Time(0),
            next_sweep: Instant::now() + sweep_interval,
            sweep_after: None,
            next_measure: Instant::now(),
            io_stopped: 0,
            unsettled: BTreeMap::new(),
            settle_again: Instant::now(),
        }
    }

    /// Works until all I/O threads have stopped reading and all that they read is settled.
    ///
    /// # Errors
    /// [`Failed`] when the store failed. Clients have been told.
    pub fn run(mut self) -> Result<(), Failed> {
        let mut taken = Vec::new();
        loop {
            let sleep = self.next_sweep.saturating_duration_since(Instant::now()).min(MAX_SLEEP);
            self.inbox.wait(&mut taken, sleep);
            self.stats.engine_queue.set(taken.len() as u64);
            let worked = self.work_off(&mut taken);
            if let Err(failed) = worked {
                self.refuse_everybody(&mut taken);
                return Err(failed);
            }
            self.measure();
            if self.io_stopped == self.io.len() {
                return self.shut_down();
            }
        }
    }

    /// Settles `taken` and everything that it leads to.
    fn work_off(&mut self, taken: &mut Vec<Job>) -> Result<(), Failed> {
        let mut jobs = VecDeque::from(std::mem::take(taken));
        self.sweep()?;
        self.settle_what_waits();
        while !jobs.is_empty() || !self.backlog.is_empty() {
            self.read_clock();
            let mut group = Group::new(self.store.room());
            while group.has_room() {
                let Some(command) = self.backlog.pop_front() else { break };
                self.decide(&mut group, command, None)?;
            }
            while group.has_room() {
                let Some(job) = jobs.pop_front() else { break };
                self.take_in(&mut group, job)?;
            }
            for job in std::mem::take(&mut group.deferred).into_iter().rev() {
                jobs.push_front(job);
            }
            self.settle(group)?;
        }
        *taken = jobs.into();
        Ok(())
    }

    fn take_in(&mut self, group: &mut Group, job: Job) -> Result<(), Failed> {
        match job {
            Job::Frame { conn, .. } | Job::Closed(conn) if group.attached.contains(&conn) => {
                group.deferred.push(job);
                Ok(())
            }
            Job::Frame { conn, key, frame } => self.take_in_frame(group, conn, key, frame),
            Job::Closed(conn) => {
                group.closed.push(conn);
                Ok(())
            }
            Job::Invite { uses, expires_at_ms, answer } => {
                if group.room != Room::Ample {
                    let _ = answer.send(Err(rejects::commit_failed(&CommitError::Full)));
                    return Ok(());
                }
                let token = self.draw_token();
                let command = Command::CreateInvitation { token, uses, expires_at_ms };
                self.decide(group, command, Some((token, answer)))
            }
            Job::IoStopped => {
                self.io_stopped += 1;
                Ok(())
            }
        }
    }

    /// Commits a group and carries out its effects, or refuses all of it.
    fn settle(&mut self, group: Group) -> Result<(), Failed> {
        let Group { pending, decided, closed, .. } = group;
        let committed = if pending.is_empty() { Ok(()) } else { self.commit(pending) };
        if let Err(error) = &committed {
            let reject = rejects::commit_failed(error);
            for decided in decided {
                self.refuse(decided, &reject);
            }
        } else {
            for Decided { effects, operator, rejected, .. } in decided {
                self.carry_out(effects)?;
                if let Some((token, answer)) = operator {
                    // An operator who has gone away misses nothing: the invitation names nobody.
                    let _ = answer.send(rejected.map_or(Ok(token), Err));
                }
            }
        }
        for conn in closed {
            self.backlog.extend(self.links.detach(conn));
        }
        self.stats.devices.set(self.links.len() as u64);
        self.hand_over();
        match committed {
            Err(error @ (CommitError::Broken(_) | CommitError::Conflict)) => Err(Failed(error.to_string())),
            Err(CommitError::Full) | Ok(()) => Ok(()),
        }
    }

    fn commit(&mut self, pending: Pending) -> Result<(), CommitError> {
        let begun = Instant::now();
        self.store.write(pending)?;
        self.stats.commit_us.set(begun.elapsed().as_micros().try_into().unwrap_or(u64::MAX));
        self.stats.commits.add(1);
        self.stats.fsyncs.add(1);
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), Failed> {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Reply { conn, piece } => self.reply(conn, piece),
                Effect::CountAccepted { conn } => {
                    self.stats.messages_accepted.add(1);
                    self.links.count_accepted(conn);
                }
                Effect::Attach { conn, address, lease, stored, last } => {
                    self.out(conn, Outcome::Attached(conn));
                    prepend(&mut effects, self.links.attach(conn, address, lease, stored, last, self.now));
                }
                Effect::Appended { mailbox, seq, item } => {
                    prepend(&mut effects, self.links.appended(mailbox, seq, item));
                }
                Effect::Trimmed { mailbox, up_to } => {
                    prepend(&mut effects, self.links.trimmed(mailbox, up_to));
                }
                Effect::Deliver { conn, entries } => {
                    self.stats.entries_delivered.add(entries.len() as u64);
                    self.out(conn, Outcome::Entries(conn, entries));
                }
                Effect::ReadMailbox { mailbox, conn, from, max_entries, max_bytes } => {
                    let entries = self.store.read_mailbox(mailbox, from, max_entries, max_bytes);
                    let entries = entries.map_err(|error| Failed(error.to_string()))?;
                    self.stats.entries_paged.add(entries.len() as u64);
                    prepend(&mut effects, self.links.page(mailbox, conn, entries));
                }
                Effect::Close { conn } => self.out(conn, Outcome::Close(conn)),
                Effect::Continue(command) => self.backlog.push_back(command),
            }
        }
        Ok(())
    }

    fn reply(&mut self, conn: ConnId, piece: Piece) {
        match &piece {
            Piece::Refused(refused) => self.stats.reject(&refused.reject),
            Piece::Goodbye(reject) => self.stats.reject(reject),
            Piece::Response(response) => {
                if let ResponseBody::Reject(reject) = &response.what {
                    self.stats.reject(reject);
                }
            }
            Piece::Welcome(_) | Piece::Accepted(_) => {}
        }
        self.out(conn, Outcome::Piece(conn, piece));
    }

    /// Begins again what found no room before, when it is time to.
    fn settle_what_waits(&mut self) {
        if self.unsettled.is_empty() || Instant::now() < self.settle_again {
            return;
        }
        self.settle_again = Instant::now() + SETTLE_AGAIN;
        let again = std::mem::take(&mut self.unsettled).into_iter();
        self.backlog.extend(again.map(|(mailbox, waits)| Command::Stored {
            mailbox,
            up_to: waits.up_to,
            undecryptable: waits.undecryptable,
        }));
    }

    fn remember_unsettled(&mut self, mailbox: DeviceAddress, up_to: u64, undecryptable: &[u64]) {
        let waits = self.unsettled.entry(mailbox).or_default();
        waits.up_to = waits.up_to.max(up_to);
        let room = MAX_UNDECRYPTABLE_PER_STORED.saturating_sub(waits.undecryptable.len());
        waits.undecryptable.extend(undecryptable.iter().take(room));
    }

    fn refuse(&mut self, decided: Decided, reject: &Reject) {
        if let Some(Command::Stored { mailbox, up_to, undecryptable }) = &decided.asked {
            self.remember_unsettled(*mailbox, *up_to, undecryptable);
        }
        let refusal = |asked| waxwing_server::refuse(&asked, reject.clone());
        for effect in decided.asked.map_or(decided.effects, refusal) {
            match effect {
                Effect::Reply { conn, piece } => self.reply(conn, piece),
                Effect::Close { conn } => self.out(conn, Outcome::Close(conn)),
                // A refusal says something and may hang up; it changes nothing.
                _ => {}
            }
        }
        if let Some((_, answer)) = decided.operator {
            let _ = answer.send(Err(reject.clone()));
        }
    }

    fn out(&mut self, conn: ConnId, outcome: Outcome) {
        if let Some(outbox) = self.outbox.get_mut(thread_of(conn)) {
            self.outbox_bytes += outcome.bytes();
            outbox.push(outcome);
        }
        if self.outbox_bytes >= OUTBOX_BYTES {
            // Pages of mailboxes can be many: they do not gather here.
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let mut waiting = 0;
        self.outbox_bytes = 0;
        for (port, outbox) in self.io.iter().zip(&mut self.outbox) {
            if !outbox.is_empty() {
                port.queue.wait_for_room();
                port.put(outbox);
            }
            waiting += port.queue.waiting();
        }
        self.stats.io_queue.set(waiting as u64);
    }

    /// Looks at a page of mailboxes for messages that waited too long, when it is time to.
    fn sweep(&mut self) -> Result<(), Failed> {
        if Instant::now() < self.next_sweep {
            return Ok(());
        }
        let page = self.store.mailboxes(self.sweep_after, SWEEP_PAGE);
        let page = page.map_err(|error| Failed(error.to_string()))?;
        self.stats.swept.add(page.len() as u64);
        self.sweep_after = page.last().copied().filter(|_| page.len() == SWEEP_PAGE);
        let pause = if self.sweep_after.is_some() { SWEEP_PAUSE } else { self.sweep_interval };
        self.next_sweep = Instant::now() + pause;
        self.backlog.extend(page.into_iter().map(|mailbox| Command::Expire { mailbox }));
        Ok(())
    }

    fn measure(&mut self) {
        if Instant::now() >= self.next_measure {
            self.next_measure = Instant::now() + MEASURE_INTERVAL;
            self.stats.store_bytes.set(self.store.disk_bytes());
        }
    }

    fn read_clock(&mut self) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // A clock that is set back must not make what was just accepted older than what came before.
        self.now = self.now.max(Time(since.as_millis().try_into().unwrap_or(u64::MAX)));
    }

    /// All that was asked is settled, and all devices are detached.
    fn shut_down(mut self) -> Result<(), Failed> {
        self.say_goodbye(&Reject::later(
            RejectCode::ShuttingDown,
            "the server is shutting down: connect again in a moment",
            SHUTDOWN_RETRY_AFTER_MS,
        ));
        Ok(())
    }

    /// After the store has failed: tells everybody who still waits that nothing is promised.
    fn refuse_everybody(&mut self, taken: &mut Vec<Job>) {
        self.inbox.take(taken);
        for job in taken.drain(..) {
            if let Job::Invite { answer, .. } = job {
                let _ = answer.send(Err(rejects::unavailable()));
            }
        }
        // Clients take a goodbye as the refusal of all that was not answered.
        self.say_goodbye(&rejects::unavailable());
    }

    fn say_goodbye(&mut self, reject: &Reject) {
        self.hand_over();
        for port in &self.io {
            port.put(&mut vec![Outcome::Shutdown(reject.clone())]);
        }
    }

    fn draw_token(&mut self) -> InvitationToken {
        let mut token = [0; 16];
        self.rng.fill_bytes(&mut token);
        InvitationToken(token)
    }
}

/// Seeded by the system.
///
/// # Panics
/// When the system has no entropy: nothing safe can be done without.
#[must_use]
pub fn fresh_rng() -> ChaCha20Rng {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the system gives entropy");
    ChaCha20Rng::from_seed(seed)
}

fn prepend(
    effects: &mut VecDeque<Effect>,
    first: impl IntoIterator<Item = Effect, IntoIter: DoubleEndedIterator>,
) {
    for effect in first.into_iter().rev() {
        effects.push_front(effect);
    }
}
