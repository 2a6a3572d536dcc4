//! One seed from beginning to end.

use std::collections::BTreeMap;

use waxwing_client::Table;
use waxwing_server::{Command, Keys, Step, Store as _, Stored, Sweep, View, decide, reads};
use waxwing_wire::DeviceAddress;

use crate::device::{Device, Stage};
use crate::event::{Act, Event};
use crate::fault::Tally;
use crate::hostile::Attack;
use crate::mutant::Mutant;
use crate::oracle::{Ends, Oracle, Violation};
use crate::people::TOKEN;
use crate::plan::Plan;
use crate::world::World;

/// After healing everything is settled within this time, milliseconds.
const SETTLE_MS: u64 = 25 * 60_000;
/// The same in a world where a database was replaced by an older copy: it may know a placeholder as asked for
/// just now although the answer has come and gone, and asks again only after the core's pauses for silence,
/// of which this covers the first two (1 h and 6 h).
const SETTLE_AFTER_ROLLBACK_MS: u64 = 8 * 3_600_000;
/// Looks at whether it is; more rarely once [`SETTLE_MS`] is over.
const LOOK_MS: u64 = 2_000;
const LATE_LOOK_MS: u64 = 60_000;
/// Whoever holds a broken connection notices it within this time and has another, milliseconds: one
/// keep-alive and its answer, and one keep-alive more if the clock went back meanwhile.
const NOTICE_MS: u64 = 100_000;
/// Afterwards nothing but keep-alives is said for this long, milliseconds.
const QUIET_MS: u64 = 120_000;

/// Frames for each device within [`QUIET_MS`] some time after a server has stopped lying: more is a loop.
const FRAMES_AFTER_LIES: u64 = 150;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Names the run: equal for equal runs.
    pub hash: String,
    /// Events in the trace.
    pub events: u64,
    /// Texts written.
    pub messages: u64,
    /// Faults injected.
    pub faults: Tally,
    /// How often the server lied in which way.
    pub lies: BTreeMap<Attack, u64>,
    /// Complaints; empty when all is well.
    pub violations: Vec<Violation>,
    /// The last events.
    pub tail: Vec<String>,
    /// Virtual time the run took, milliseconds.
    pub took_ms: u64,
    /// Virtual time after healing until all was settled, milliseconds.
    pub settled_ms: u64,
}

/// Runs the plan of a seed. `print` prints the trace as it comes.
#[must_use]
pub fn run(seed: u64, mutant: Option<Mutant>, print: bool) -> Outcome {
    run_plan(Plan::new(seed), mutant, print)
}

/// Runs a plan. A panic of a core is a violation.
#[must_use]
pub fn run_plan(plan: Plan, mutant: Option<Mutant>, print: bool) -> Outcome {
    let seed = plan.seed;
    std::panic::catch_unwind(|| play(plan, mutant, print)).unwrap_or_else(|_| Outcome {
        lies: BTreeMap::new(),
        seed,
        hash: "panic".into(),
        events: 0,
        messages: 0,
        faults: Tally::default(),
        violations: vec![Violation { invariant: "panic", at_ms: 0, what: "see its message above".into() }],
        tail: Vec::new(),
        took_ms: 0,
        settled_ms: 0,
    })
}

fn play(plan: Plan, mutant: Option<Mutant>, print: bool) -> Outcome {
    let (seed, chaos_ms) = (plan.seed, plan.chaos_ms);
    let mut world = World::new(plan, mutant, print);
    world.invite();
    for node in 0..world.nodes.count() {
        world.schedule(0, Event::NodeStart { node });
    }
    world.schedule_faults();
    world.schedule_people();
    world.run_until(chaos_ms);
    let settled_ms = if world.plan.is_hostile() { world.outlast() } else { world.settle(chaos_ms) };
    if world.plan.lifetime_s > 0 && !world.oracle.is_violated() {
        world.outlive();
        world.settle(world.now);
    }
    if world.plan.files && !world.oracle.is_violated() {
        world.outlive_files();
    }
    world.oracle.count(&mut world.tally);
    Outcome {
        seed,
        hash: world.trace.hash(),
        events: world.trace.events(),
        messages: world.oracle.messages(),
        violations: world.oracle.violations().to_vec(),
        tail: world.trace.tail(),
        took_ms: world.now,
        settled_ms,
        faults: world.tally,
        lies: world.liar.told,
    }
}

impl World {
    /// The operator's part: an invitation for everybody.
    fn invite(&mut self) {
        let command = Command::CreateInvitation { token: TOKEN, uses: None, expires_at_ms: None };
        let (now, settings) = (self.server_time(0), self.plan.settings.clone());
        let keys: Keys = reads(&command);
        let view: View = self.disk.store.load(&keys).unwrap_or_default();
        let decided = decide(&command, &view, now, &settings, self.dice.rng());
        let batch = decided.ok().and_then(|step: Step| step.batch);
        let Some(batch) = batch else {
            return self.oracle.fail("server", "the operator cannot invite anybody".into());
        };
        let expected = view.expected(batch.shard);
        self.disk.store.commit(vec![Stored { batch, expected }]);
    }

    /// The second phase. Returns how long it took until all was settled.
    fn settle(&mut self, healed_at: u64) -> u64 {
        loop {
            let owed = self.owed();
            let took = self.now.saturating_sub(healed_at);
            if self.oracle.is_violated() {
                return took;
            }
            if owed.is_empty() {
                self.stay_quiet();
                return took;
            }
            let patience = if self.oracle.any_rolled_back() { SETTLE_AFTER_ROLLBACK_MS } else { SETTLE_MS };
            if took > patience {
                let all = owed.join("; ");
                self.oracle.fail("liveness", format!("after {} s: {all}", took / 1_000));
                return took;
            }
            self.run_until(self.now + if took < SETTLE_MS { LOOK_MS } else { LATE_LOOK_MS });
        }
    }

    /// The end of a run with a liar: nothing is owed, and nobody may be kept busy for ever.
    fn outlast(&mut self) -> u64 {
        self.run_until(self.now + NOTICE_MS);
        self.busy_frames = 0;
        self.run_until(self.now + QUIET_MS);
        let most = FRAMES_AFTER_LIES * self.devices.count() as u64;
        if self.busy_frames > most {
            let frames = self.busy_frames;
            self.oracle
                .fail("liveness", format!("after the lies {frames} frames are exchanged in two minutes"));
        }
        if !self.oracle.is_violated() {
            self.judge_liar();
        }
        NOTICE_MS + QUIET_MS
    }

    /// Nothing is owed any more, so nothing is said any more, and it stays so.
    fn stay_quiet(&mut self) {
        // The last answers are still under way, and whoever is the only one not to know that its connection
        // is broken notices it.
        self.run_until(self.now + NOTICE_MS);
        self.busy_frames = 0;
        self.run_until(self.now + QUIET_MS);
        // An older copy may ask for what it alone has forgotten to have, or to be gone, hours later.
        let asks = |device: &Device| device.db.count(Table::Retry) > 0;
        if self.busy_frames > 0 && self.oracle.any_rolled_back() && self.devices.iter().any(asks) {
            self.busy_frames = 0;
            self.run_until(self.now + QUIET_MS);
        }
        if self.busy_frames > 0 {
            let frames = self.busy_frames;
            self.oracle.fail("liveness", format!("{frames} frames were exchanged about nothing"));
        }
        let owed = self.owed();
        if !owed.is_empty() && !self.oracle.is_violated() {
            self.oracle.fail("liveness", format!("settled, and then: {}", owed.join("; ")));
        }
        if !self.oracle.is_violated() {
            self.close();
        }
    }

    /// What can be judged only at the end.
    fn close(&mut self) {
        let mut oracle = std::mem::replace(&mut self.oracle, Oracle::new(&self.plan));
        oracle.close(&self.ends_for(&oracle));
        self.oracle = oracle;
    }

    fn owed(&self) -> Vec<String> {
        let mut owed = self.oracle.unsettled(&self.ends_for(&self.oracle));
        let tells =
            self.devices.iter().filter(|device| device.stage == Stage::Linked && device.tells_profile());
        owed.extend(tells.map(|device| format!("c{} has still to tell who its user is", device.number)));
        owed
    }

    /// What is there now, for an oracle that knows whose it is.
    fn ends_for(&self, oracle: &Oracle) -> Ends<'_> {
        let mut waiting: BTreeMap<DeviceAddress, usize> = BTreeMap::new();
        for (mailbox, ..) in self.disk.store.entries() {
            *waiting.entry(mailbox).or_default() += 1;
        }
        let all = || self.devices.iter();
        let is_wanted = |device: &Device| matches!(device.stage, Stage::Offering | Stage::Linked);
        let known = |device: &Device| oracle.groups().filter_map(|group| device.group(group)).collect();
        let in_mailbox = |client: usize| {
            let address = oracle.address(client);
            address.and_then(|address| waiting.get(&address)).copied().unwrap_or(0)
        };
        Ends {
            dbs: all().map(|device| &device.db).collect(),
            cores: all().map(|device| device.client.as_ref()).collect(),
            linked: all().map(is_wanted).collect(),
            groups: all().map(known).collect(),
            own: all().map(Device::own_devices).collect(),
            waiting: all().map(|device| in_mailbox(device.number)).collect(),
            offline: all().filter(|device| is_wanted(device) && !device.is_online()).count(),
            acts: self.count_acts(),
            blobs: self.disk.store.sweep(Sweep::Blobs, None, usize::MAX).map_or(0, |rows| rows.len()),
        }
    }
}

/// Whether an event is something that a person still means to do.
#[must_use]
pub fn is_intent(event: &Event) -> bool {
    matches!(
        event,
        Event::Act {
            act: Act::Register
                | Act::Meet { .. }
                | Act::Write { .. }
                | Act::Read { .. }
                | Act::Link { .. }
                | Act::Approve { .. }
                | Act::Unlink { .. }
                | Act::Set { .. }
                | Act::Group { .. },
            ..
        }
    )
}
