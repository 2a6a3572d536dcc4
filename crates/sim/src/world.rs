//! A world: a queue of events in virtual time, and everything they happen to. One thread, one seed.

use std::collections::BTreeMap;

use waxwing_wire::GroupId;

use crate::device::Device;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::event::{Act, Event};
use crate::fault::{Fault, Tally};
use crate::hostile::Liar;
use crate::mutant::Mutant;
use crate::net::{Network, Parcel, Pumped, Way};
use crate::node::{Files, Node};
use crate::numbered::Numbered;
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::run::is_intent;
use crate::trace::{Trace, digest};

/// The true time at which every world begins, milliseconds since 1970.
pub const EPOCH_MS: u64 = 1_800_000_000_000;
/// Events after which a run counts as one that does not end.
const MAX_EVENTS: u64 = 600_000;
const LIAR_STREAM: u64 = 4;
/// First stream of the nodes' own dice; 0 and 3 draw the plan and 1 what befalls the world.
const NODE_STREAMS: u64 = 100;
const CLIENT_STREAMS: u64 = 200;

/// Notes an event in a world's trace.
macro_rules! note {
    ($world:expr, $($what:tt)*) => {
        $world.trace.note($world.now, format_args!($($what)*))
    };
}
pub(crate) use note;

/// Everything there is.
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) mutant: Option<Mutant>,
    /// Milliseconds since the run began.
    pub(crate) now: u64,
    sequence: u64,
    queue: BTreeMap<(u64, u64), Event>,
    pub(crate) dice: Dice,
    pub(crate) net: Network,
    pub(crate) disk: Disk,
    pub(crate) nodes: Numbered<Node>,
    pub(crate) devices: Numbered<Device>,
    /// Groups that were made, by their numbers in the plan.
    pub(crate) groups: BTreeMap<usize, GroupId>,
    pub(crate) oracle: Oracle,
    pub(crate) liar: Liar,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
    /// What the driver knows of files.
    pub(crate) files: Files,
    /// The second phase: nothing goes wrong any more.
    pub(crate) healed: bool,
    /// Frames of any kind but keep-alives.
    pub(crate) busy_frames: u64,
}

impl World {
    /// The world of a plan, before anything has happened.
    #[must_use]
    pub fn new(plan: Plan, mutant: Option<Mutant>, print: bool) -> Self {
        let seed = plan.seed;
        let mut dice = Dice::new(seed, 1);
        let nodes = (0..plan.nodes).map(|number| Node::new(Dice::new(seed, NODE_STREAMS + number as u64)));
        let owners = (0..plan.clients).chain(plan.companions.iter().copied());
        let devices = owners.enumerate().map(|(number, person)| {
            // Up to two minutes wrong, and one clock in eight wrong by hours.
            let range = if dice.chance(1_250) { 6 * 3_600_000 } else { 120_000 };
            let skew = dice.below(2 * range) as i64 - range as i64;
            Device::new(number, person, Dice::new(seed, CLIENT_STREAMS + number as u64), skew)
        });
        let (nodes, devices) = (Numbered::new(nodes.collect()), Numbered::new(devices.collect()));
        Self {
            oracle: Oracle::new(&plan),
            plan,
            mutant,
            now: 0,
            sequence: 0,
            queue: BTreeMap::new(),
            dice,
            net: Network::default(),
            disk: Disk::default(),
            nodes,
            devices,
            groups: BTreeMap::new(),
            liar: Liar::new(Dice::new(seed, LIAR_STREAM)),
            trace: Trace::new(print),
            tally: Tally::default(),
            files: Files::default(),
            healed: false,
            busy_frames: 0,
        }
    }

    /// Puts an event into the queue.
    pub(crate) fn schedule(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), event);
    }

    /// Whether a fault of a rate in occasions happens now; counted if so.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        if self.healed || !self.dice.chance(self.plan.rate(fault)) {
            return false;
        }
        self.tally.count(fault);
        true
    }

    /// Lets time pass until then, or until something is violated.
    pub(crate) fn run_until(&mut self, end: u64) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end || self.oracle.is_violated() {
                break;
            }
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            if self.trace.events() > MAX_EVENTS {
                self.oracle.fail("liveness", "the run does not come to an end".into());
                break;
            }
            self.oracle.at(self.now);
            self.happen(event);
        }
        if !self.oracle.is_violated() {
            self.now = self.now.max(end);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Pump { link, way } => self.pump(link, way),
            Event::Broken { link, way: Way::Up } => self.device_hung_up(link),
            Event::Broken { link, way: Way::Down } => self.node_hung_up(link),
            Event::Dialled { client, attempt, node } => self.dialled(client, attempt, node),
            Event::Wake { client, timer } => self.woken(client, timer),
            Event::ClientStart { client, life } => self.start_device(client, life),
            Event::Act { client, act } => self.act(client, act),
            Event::Decide { node, life } => self.decide(node, life),
            Event::Commit { node, life } => self.commit(node, life),
            Event::Page { node, life, mailbox, link, entries } => {
                self.page(node, life, mailbox, link, entries);
            }
            Event::NodeStart { node } => self.start_node(node),
            Event::Sweep { node, life } => self.sweep(node, life),
            Event::Notice { node, told } => self.notice(node, told),
            Event::Fault(fault) => self.fault(fault),
            Event::Leap { ms } => self.leap(ms),
            Event::DiskFree => {
                note!(self, "disk has room again");
                self.disk.full = false;
            }
            Event::Heal => self.heal(),
        }
    }

    /// What people still mean to do.
    pub(crate) fn count_acts(&self) -> usize {
        self.queue.values().filter(|event| is_intent(event)).count()
    }

    // ------------------------------------------------------------ network

    pub(crate) fn delay(&mut self) -> u64 {
        let most = self.plan.max_delay_ms;
        self.dice.skewed(1, most)
    }

    /// Sends a part of the stream.
    pub(crate) fn send_bytes(&mut self, link: u64, way: Way, mut bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if bytes.len() > 1 && self.dice.chance(1_000) {
            let at = 1 + self.dice.index(bytes.len() - 1);
            let rest = bytes.split_off(at);
            self.put_parcel(link, way, Parcel::Bytes(bytes));
            bytes = rest;
        }
        self.put_parcel(link, way, Parcel::Bytes(bytes));
    }

    pub(crate) fn put_parcel(&mut self, link: u64, way: Way, parcel: Parcel) {
        let at = self.now + self.delay();
        if self.net.send(link, way, at, parcel) {
            self.schedule(at, Event::Pump { link, way });
        }
    }

    fn pump(&mut self, link: u64, way: Way) {
        loop {
            match self.net.pump(link, way, self.now) {
                Pumped::Idle => return,
                Pumped::Later(at) => return self.schedule(at, Event::Pump { link, way }),
                Pumped::Arrived(Parcel::Bytes(bytes)) => match way {
                    Way::Up => self.node_hears(link, &bytes),
                    Way::Down => self.device_hears(link, &bytes),
                },
                Pumped::Arrived(Parcel::End) => match way {
                    Way::Up => self.node_hung_up(link),
                    Way::Down => self.device_hung_up(link),
                },
            }
        }
    }

    /// Breaks a connection; each side notices soon, or not before its own timers.
    pub(crate) fn break_link(&mut self, link: u64, client_notices: bool, server_notices: bool) {
        let lost = self.net.cut(link);
        note!(self, "link {link} breaks, {lost} parcels lost, noticed by {client_notices}/{server_notices}");
        for (way, notices) in [(Way::Up, client_notices), (Way::Down, server_notices)] {
            if notices {
                let at = self.now + self.dice.skewed(1, 2_000);
                self.schedule(at, Event::Broken { link, way });
            }
        }
    }

    /// Names a frame in the trace.
    pub(crate) fn note_frame(&mut self, link: u64, way: Way, plain: &[u8], what: &str) {
        let arrow = if way == Way::Up { "->" } else { "<-" };
        let Some(found) = self.net.link(link) else { return };
        let (client, node) = (found.client, found.node);
        note!(self, "c{client} {arrow} s{node} link {link}: {what} {:08x}", digest(plain));
    }

    // ------------------------------------------------------------ faults by schedule

    pub(crate) fn schedule_faults(&mut self) {
        let scheduled = [
            Fault::Reset,
            Fault::HalfOpenClient,
            Fault::HalfOpenServer,
            Fault::PartitionUp,
            Fault::PartitionDown,
            Fault::Stall,
            Fault::ServerRestart,
            Fault::DiskFull,
            Fault::ServerClockJump,
            Fault::ClientRestart,
            Fault::ClientRollback,
            Fault::ClientClockJump,
        ];
        for fault in scheduled {
            for _ in 0..self.plan.rate(fault) {
                let at = self.dice.between(1_000, self.plan.chaos_ms);
                self.schedule(at, Event::Fault(fault));
            }
        }
        self.schedule(self.plan.chaos_ms, Event::Heal);
    }

    fn fault(&mut self, fault: Fault) {
        if self.healed {
            return;
        }
        let (client, node) = (self.dice.index(self.devices.count()), self.dice.index(self.nodes.count()));
        let link = self.devices[client].link();
        let span = self.dice.skewed(500, 40_000);
        let happened = match (fault, link) {
            (Fault::Reset, Some(link)) => {
                self.break_link(link, true, true);
                true
            }
            (Fault::HalfOpenClient, Some(link)) => {
                self.break_link(link, false, true);
                true
            }
            (Fault::HalfOpenServer, Some(link)) => {
                self.break_link(link, true, false);
                true
            }
            (Fault::Stall, Some(link)) => {
                note!(self, "link {link} stalls for {span} ms");
                self.net.stall(link, self.now + span);
                true
            }
            (Fault::PartitionUp | Fault::PartitionDown, _) => {
                let way = if fault == Fault::PartitionUp { Way::Up } else { Way::Down };
                note!(self, "c{client} and s{node} are cut {way:?} for {span} ms");
                self.net.partition(client, node, way, self.now + span);
                true
            }
            (Fault::ServerRestart, _) => self.crash_node(node, "restart"),
            (Fault::DiskFull, _) => {
                note!(self, "disk is full for {span} ms");
                self.disk.full = true;
                self.schedule(self.now + span, Event::DiskFree);
                true
            }
            (Fault::ServerClockJump, _) => {
                let jump = self.dice.below(120_000) as i64 - 60_000;
                note!(self, "s{node} clock jumps by {jump} ms");
                self.nodes[node].skew_ms += jump;
                true
            }
            (Fault::ClientRestart, _) => self.crash_device(client, "restart"),
            (Fault::ClientRollback, _) => self.roll_back(client),
            (Fault::ClientClockJump, _) => self.jump_clock(client),
            _ => false,
        };
        if happened {
            self.tally.count(fault);
        }
    }

    fn heal(&mut self) {
        note!(self, "everything heals");
        self.healed = true;
        self.net.heal();
        self.disk.full = false;
        // What was blocked must be looked at again: its pumps stand in the queue for later.
        let pumps: Vec<(u64, u64)> =
            self.queue.iter().filter(|(_, e)| matches!(e, Event::Pump { .. })).map(|(k, _)| *k).collect();
        for key in pumps {
            if let Some(event) = self.queue.remove(&key) {
                self.schedule(self.now, event);
            }
        }
        let away: Vec<usize> =
            self.devices.iter().filter(|device| !device.wants_online).map(|device| device.number).collect();
        for client in away {
            self.schedule(self.now, Event::Act { client, act: Act::Back });
        }
    }
}
