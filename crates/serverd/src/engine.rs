//! The engine thread: decides, commits, and carries out what was decided.
//!
//! One turn: take what is queued, decide command after command over what the turn has already decided,
//! commit all of it with one fsync, and only then let any answer out. While the disk works, the next
//! group gathers in the queue.

mod busy;
mod chain;
mod effects;
mod files;
mod group;
mod light;
mod requests;
mod sweep;
mod unsettled;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_server::{
    Command, CommitError, DirectoryCommand, Effect, FileCommand, Lights, Links, Piece, Settings, Time,
    rejects,
};
use waxwing_wire::directory::AddressCode;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{Reject, RejectCode};

use crate::limits::{GROUP_COMMANDS, SHUTDOWN_RETRY_AFTER_MS};
use crate::media::Keeper;
use crate::message::{Answered, IoPort, Job, Outcome};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::store::{Embedded, Pending, Room};
use busy::Busy;
use chain::{Chain, Operator};
use files::Askers;
use group::{Decided, Group, Otherwise, refuse_chain};
use sweep::Sweeper;
use unsettled::AllUnsettled;

/// The longest sleep, so that the clock and the sweep are looked at.
const MAX_SLEEP: Duration = Duration::from_millis(500);
/// How often offers to link are looked at that nobody has approved.
const LINKS_INTERVAL: Duration = Duration::from_secs(1);
/// How often the size of the store is looked at.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);

/// The engine failed: what it last wrote may or may not be there, so the process ends.
#[derive(Debug)]
pub struct Failed(pub String);

/// What the engine thread owns.
pub struct Engine {
    store: Embedded,
    links: Links,
    lights: Lights,
    rng: ChaCha20Rng,
    settings: Settings,
    inbox: Arc<Queue<Job>>,
    io: Vec<Arc<IoPort>>,
    stats: Arc<Stats>,
    /// What effects have led to, and what did not fit a commit, for the next one.
    backlog: VecDeque<Chain>,
    busy: Busy,
    outbox: Vec<Vec<Outcome>>,
    outbox_bytes: usize,
    now: Time,
    sweeper: Sweeper,
    next_measure: Instant,
    next_links: Instant,
    io_stopped: usize,
    unsettled: AllUnsettled,
    media: Option<Arc<dyn Keeper>>,
    askers: Askers,
    /// Of the files that the sweep has come by.
    file_bytes: u64,
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
        let begun = Instant::now();
        Self {
            store,
            links: Links::default(),
            lights: Lights::default(),
            rng: fresh_rng(),
            settings,
            inbox,
            outbox: io.iter().map(|_| Vec::new()).collect(),
            outbox_bytes: 0,
            io,
            stats,
            // The first thing that a new store gets.
            backlog: VecDeque::from([Chain::new(Command::Directory(DirectoryCommand::Open))]),
            busy: Busy::default(),
            now: Time(0),
            sweeper: Sweeper::new(sweep_interval, begun),
            next_measure: begun,
            next_links: begun,
            io_stopped: 0,
            unsettled: AllUnsettled::new(begun),
            media: None,
            askers: Askers::default(),
            file_bytes: 0,
        }
    }

    /// With a place for files.
    #[must_use]
    pub fn with_media(self, media: Option<Arc<dyn Keeper>>) -> Self {
        Self { media, ..self }
    }

    /// Works until all I/O threads have stopped reading and all that they read is settled.
    ///
    /// # Errors
    /// [`Failed`] when the store failed. Clients have been told.
    pub fn run(mut self) -> Result<(), Failed> {
        let mut taken = Vec::new();
        let mut jobs = VecDeque::new();
        loop {
            self.take_back(&mut jobs);
            if jobs.is_empty() && self.backlog.is_empty() {
                self.inbox.wait(&mut taken, self.sweeper.pause(Instant::now()).min(MAX_SLEEP));
            } else if jobs.len() < GROUP_COMMANDS && self.busy.has_room() {
                self.inbox.take(&mut taken);
            }
            jobs.extend(taken.drain(..));
            self.stats.engine_queue.set(jobs.len() as u64);
            if let Err(failed) = self.turn(&mut jobs) {
                self.refuse_everybody(jobs);
                return Err(failed);
            }
            self.measure();
            let idle = jobs.is_empty() && self.backlog.is_empty() && !self.busy.has_released();
            if idle && self.io_stopped == self.io.len() {
                return self.shut_down();
            }
        }
    }

    /// Puts one group together and settles it: first a part of each chain that was begun, then what is new,
    /// and then, if there is time, more of the chains.
    fn turn(&mut self, jobs: &mut VecDeque<Job>) -> Result<(), Failed> {
        self.read_clock();
        self.look_around()?;
        let mut group = Group::new(self.store.room());
        for _ in 0..self.backlog.len() {
            let Some(chain) = self.backlog.pop_front_if(|_| group.has_room_for_old()) else { break };
            self.go_on(&mut group, chain)?;
        }
        self.take_back(jobs);
        while group.has_room() {
            let Some(job) = jobs.pop_front() else { break };
            self.take_in(&mut group, job)?;
        }
        while group.has_time() {
            let Some(chain) = group.unfinished.pop_front() else { break };
            self.go_on(&mut group, chain)?;
        }
        for job in std::mem::take(&mut group.deferred).into_iter().rev() {
            jobs.push_front(job);
        }
        self.settle(group)
    }

    /// What waited for a message to be through comes before what its connection has said since.
    fn take_back(&mut self, jobs: &mut VecDeque<Job>) {
        for job in self.busy.released().into_iter().rev() {
            jobs.push_front(job);
        }
    }

    /// What nobody asked for and is due.
    fn look_around(&mut self) -> Result<(), Failed> {
        let now = Instant::now();
        let swept = self.sweep(now)?;
        let again = self.unsettled.due(now);
        self.backlog.extend(swept.into_iter().chain(again).map(Chain::new));
        if now >= self.next_links {
            self.next_links = now + LINKS_INTERVAL;
            let ended = self.links.expire_links(self.now);
            self.carry_out(ended)?;
        }
        Ok(())
    }

    fn take_in(&mut self, group: &mut Group, job: Job) -> Result<(), Failed> {
        match job {
            Job::Frame { conn, .. } | Job::Closed(conn) if self.busy.is(conn) => {
                if !self.busy.wait(conn, job) {
                    group.say(vec![
                        Effect::Reply { conn, piece: Piece::Goodbye(rejects::rate_limited(1_000)) },
                        Effect::Close { conn },
                    ]);
                }
                Ok(())
            }
            Job::Frame { conn, .. } | Job::Closed(conn) if group.attached.contains(&conn) => {
                group.deferred.push(job);
                Ok(())
            }
            Job::Frame { conn, peer, frame } => self.take_in_frame(group, conn, peer, *frame),
            Job::Closed(conn) => {
                group.closed.push(conn);
                Ok(())
            }
            Job::Invite { uses, expires_at_ms, address, answer } => {
                let token = self.draw_token();
                let command = match address {
                    None => Command::CreateInvitation { token, uses, expires_at_ms },
                    Some(address) => {
                        Command::Directory(DirectoryCommand::Invite { token, expires_at_ms, address })
                    }
                };
                self.take_in_operator(group, command, (token, answer))
            }
            Job::Vouch { address, expires_at_ms, answer } => {
                let token = self.draw_token();
                let hash = DirectoryCommand::hash(AddressCode(token.0));
                let command = DirectoryCommand::Vouch { hash, expires_at_ms, address };
                self.take_in_operator(group, Command::Directory(command), (token, answer))
            }
            Job::Upload { what, file, token, answer } => {
                let command = self.askers.command(what, file, token, answer);
                self.decide(group, command)
            }
            Job::FileChecked { origin, file, token, whole } => {
                self.take_in_checked(group, origin, file, token, whole)
            }
            Job::FileAnswered(answered) => {
                let Answered { origin, what } = *answered;
                self.respond(origin, what);
                Ok(())
            }
            Job::FileDeleted(file) => self.decide(group, Command::File(FileCommand::Deleted { file })),
            Job::Sweep => {
                self.sweeper.begin_now(Instant::now());
                Ok(())
            }
            Job::IoStopped => {
                self.io_stopped += 1;
                Ok(())
            }
        }
    }

    fn take_in_operator(
        &mut self,
        group: &mut Group,
        command: Command,
        operator: Operator,
    ) -> Result<(), Failed> {
        if group.room != Room::Ample {
            let _ = operator.1.send(Err(rejects::commit_failed(&CommitError::Full)));
            return Ok(());
        }
        self.go_on(group, Chain::of_operator(command, operator))
    }

    /// Commits a group and carries out its effects, or refuses all of it.
    fn settle(&mut self, group: Group) -> Result<(), Failed> {
        let Group { pending, decided, closed, unfinished, .. } = group;
        let committed = if pending.is_empty() { Ok(()) } else { self.commit(pending) };
        if let Err(error) = &committed {
            let reject = rejects::commit_failed(error);
            for decided in decided {
                self.refuse(decided, &reject);
            }
            unfinished.iter().filter_map(|chain| chain.conn).for_each(|conn| self.busy.end(conn));
        } else {
            for Decided { effects, operator, rejected, .. } in decided {
                self.carry_out(effects)?;
                if let Some((token, answer)) = operator {
                    // An operator who has gone away misses nothing: the invitation names nobody.
                    let _ = answer.send(rejected.map_or(Ok(token), Err));
                }
            }
            self.backlog.extend(unfinished.into_iter().map(Chain::committed));
        }
        for conn in closed {
            self.end_light(conn);
            self.backlog.extend(self.links.detach(conn).map(Chain::new));
        }
        self.stats.devices.set(self.links.len() as u64);
        self.count_light();
        self.hand_over();
        match committed {
            Err(error @ (CommitError::Broken(_) | CommitError::Conflict)) => Err(Failed(error.to_string())),
            Err(CommitError::Full) | Ok(()) => Ok(()),
        }
    }

    fn commit(&mut self, pending: Pending) -> Result<(), CommitError> {
        let begun = Instant::now();
        let bytes = self.store.write(pending)?;
        self.stats.log_bytes.add(bytes);
        self.stats.commit_us.set(begun.elapsed().as_micros().try_into().unwrap_or(u64::MAX));
        self.stats.commits.add(1);
        self.stats.fsyncs.add(1);
        Ok(())
    }

    /// The commit has failed: whoever asked is told, and what would be lost is remembered.
    fn refuse(&mut self, decided: Decided, reject: &Reject) {
        if let Some((mailbox, waits)) = decided.unsettled {
            self.unsettled.remember(mailbox, waits);
        }
        let effects = match &decided.otherwise {
            Otherwise::Same => decided.effects,
            Otherwise::Refuse(first, behind) => refuse_chain(std::iter::once(&**first).chain(behind), reject),
            Otherwise::Nothing => Vec::new(),
        };
        if let Otherwise::Refuse(first, _) = &decided.otherwise
            && let Command::Send { from, send, .. } = &**first
        {
            self.links.note_refusals(*from, send.to, &effects);
        }
        self.say(effects);
        if let Some((_, answer)) = decided.operator {
            let _ = answer.send(Err(reject.clone()));
        }
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
    fn refuse_everybody(&mut self, jobs: VecDeque<Job>) {
        let mut taken = Vec::new();
        self.inbox.take(&mut taken);
        for job in jobs.into_iter().chain(taken) {
            if let Job::Invite { answer, .. } | Job::Vouch { answer, .. } = job {
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

#[cfg(test)]
mod tests;
