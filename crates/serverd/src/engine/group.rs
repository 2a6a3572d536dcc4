//! What one commit carries.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use waxwing_server::{Command, ConnId, Effect, refuse};
use waxwing_wire::{DeviceAddress, Reject};

use super::chain::{Chain, Operator};
use super::unsettled::Unsettled;
use crate::limits::{FAN_OUT_TIME, GROUP_BYTES, GROUP_COMMANDS};
use crate::message::Job;
use crate::store::{Pending, Room};

/// Decisions that become durable together.
pub struct Group {
    /// Whether there was room for more when the group was begun.
    pub room: Room,
    /// What they change.
    pub pending: Pending,
    /// What they lead to.
    pub decided: Vec<Decided>,
    /// Connections that speak for a device once the group is committed, and those that do not any more then. What
    /// else they said waits for it.
    pub attached: HashSet<ConnId>,
    /// What waits for it.
    pub deferred: Vec<Job>,
    /// Connections that ended meanwhile.
    pub closed: Vec<ConnId>,
    /// Chains that are not at their end.
    pub unfinished: VecDeque<Chain>,
    /// Commands decided.
    pub commands: usize,
    /// Light events taken in meanwhile. They are no part of it.
    pub lights: usize,
    begun: Instant,
}

impl Group {
    /// An empty one.
    pub fn new(room: Room) -> Self {
        Self {
            room,
            pending: Pending::default(),
            decided: Vec::new(),
            attached: HashSet::new(),
            deferred: Vec::new(),
            closed: Vec::new(),
            unfinished: VecDeque::new(),
            commands: 0,
            lights: 0,
            begun: Instant::now(),
        }
    }

    /// Whether it takes another command.
    pub fn has_room(&self) -> bool {
        self.commands < GROUP_COMMANDS && self.pending.bytes() < GROUP_BYTES
    }

    /// Whether it takes more of what was begun earlier: half of it is for what is new.
    pub fn has_room_for_old(&self) -> bool {
        self.commands < GROUP_COMMANDS / 2 && self.pending.bytes() < GROUP_BYTES / 2
    }

    /// Whether it takes another part of a long chain when everybody has had a turn: those who come now wait.
    pub fn has_time(&self) -> bool {
        self.has_room() && self.begun.elapsed() < FAN_OUT_TIME
    }

    /// Adds what no commit changes.
    pub fn say(&mut self, effects: Vec<Effect>) {
        self.decided.push(Decided { effects, ..Decided::default() });
        self.commands += 1;
    }
}

/// A decided command, or a part of a chain.
#[derive(Default)]
pub struct Decided {
    /// To be carried out after the commit.
    pub effects: Vec<Effect>,
    /// What becomes of it if the commit fails.
    pub otherwise: Otherwise,
    /// An acknowledgement that is lost with a failed commit unless somebody remembers it.
    pub unsettled: Option<(DeviceAddress, Unsettled)>,
    /// Who waits beside the network.
    pub operator: Option<Operator>,
    /// The command was refused.
    pub rejected: Option<Reject>,
}

/// What happens to a decision whose commit fails.
#[derive(Default)]
pub enum Otherwise {
    /// Its effects do not depend on the commit. They still wait for it, so that answers keep their order.
    #[default]
    Same,
    /// Whoever asked is told. The chain as it stood before the group: its next command, and what waited behind
    /// that one.
    Refuse(Box<Command>, Vec<Command>),
    /// An earlier part of the same chain in the same group does the telling.
    Nothing,
}

/// How it is said that a chain does not go on: to whoever waits for the command that failed, or for one that
/// would have come after it.
pub fn refuse_chain<'a>(commands: impl IntoIterator<Item = &'a Command>, reject: &Reject) -> Vec<Effect> {
    commands.into_iter().flat_map(|command| refuse(command, reject.clone())).collect()
}
