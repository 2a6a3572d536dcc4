//! What one commit carries.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::mpsc::SyncSender;

use waxwing_server::limits::MAX_CHAIN;
use waxwing_server::{Command, ConnId, Effect, decide, reads, refuse};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{DeviceAddress, Reject};

use super::{Engine, Failed};
use crate::limits::{GROUP_BYTES, GROUP_COMMANDS};
use crate::message::Job;
use crate::store::{Pending, Room};

/// An operator who waits for the invitation to be durable.
pub type Operator = (InvitationToken, SyncSender<Result<InvitationToken, Reject>>);

/// Decisions that become durable together.
pub struct Group {
    /// Whether there was room for more when the group was begun.
    pub room: Room,
    /// What they change.
    pub pending: Pending,
    /// What they lead to.
    pub decided: Vec<Decided>,
    /// Connections that speak for a device once the group is committed. What else they said waits for it.
    pub attached: HashSet<ConnId>,
    /// What waits for it.
    pub deferred: Vec<Job>,
    /// Messages newly accepted in this group, which [`waxwing_server::Links`] does not know of yet.
    pub accepted: HashMap<DeviceAddress, u64>,
    /// Connections that ended meanwhile.
    pub closed: Vec<ConnId>,
    /// Commands decided.
    pub commands: usize,
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
            accepted: HashMap::new(),
            closed: Vec::new(),
            commands: 0,
        }
    }

    /// Whether it takes another command.
    pub fn has_room(&self) -> bool {
        self.commands < GROUP_COMMANDS && self.pending.bytes() < GROUP_BYTES
    }

    /// Adds what no commit changes.
    pub fn say(&mut self, effects: Vec<Effect>) {
        self.decided.push(Decided { asked: None, effects, operator: None, rejected: None });
        self.commands += 1;
    }
}

/// A decided command.
pub struct Decided {
    /// The command, to refuse it if the commit fails. `None` when the effects do not depend on the commit;
    /// they still wait for it, so that answers keep their order.
    pub asked: Option<Command>,
    /// To be carried out after the commit.
    pub effects: Vec<Effect>,
    /// Who waits beside the network.
    pub operator: Option<Operator>,
    /// The command was refused.
    pub rejected: Option<Reject>,
}

impl Engine {
    /// Decides a command, and what it leads to, over what the group has decided already.
    pub(super) fn decide(
        &mut self,
        group: &mut Group,
        mut asked: Command,
        operator: Option<Operator>,
    ) -> Result<(), Failed> {
        let mut decided = Decided { asked: None, effects: Vec::new(), operator, rejected: None };
        let mut chain = VecDeque::new();
        if let Err(reject) = self.decide_one(group, &mut asked, &mut chain, &mut decided.effects)? {
            decided.effects.extend(refuse(&asked, reject.clone()));
            decided.rejected = Some(reject);
        }
        for _ in 1..MAX_CHAIN {
            let Some(mut command) = chain.pop_front() else { break };
            if let Err(reject) = self.decide_one(group, &mut command, &mut chain, &mut decided.effects)? {
                decided.effects.extend(refuse(&command, reject.clone()));
                decided.rejected = Some(reject);
                // What would have come after it must not happen without it.
                break;
            }
        }
        self.stats.commands.add(1);
        decided.asked = Some(asked);
        group.decided.push(decided);
        Ok(())
    }

    /// Decides one command; what it leads to comes first in the chain.
    fn decide_one(
        &mut self,
        group: &mut Group,
        command: &mut Command,
        chain: &mut VecDeque<Command>,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<(), Reject>, Failed> {
        self.note(group, command);
        let view = self.store.load_over(&group.pending, &reads(command));
        let view = view.map_err(|error| Failed(error.to_string()))?;
        group.commands += 1;
        let step = match decide(command, &view, self.now, &self.settings, &mut self.rng) {
            Ok(step) => step,
            Err(reject) => return Ok(Err(reject)),
        };
        if let Some(batch) = step.batch {
            group.pending.add(batch);
        }
        let mut next = Vec::new();
        for effect in step.effects {
            self.foresee(group, &effect);
            match effect {
                Effect::Continue(command) => next.push(command),
                effect => effects.push(effect),
            }
        }
        next.into_iter().rev().for_each(|command| chain.push_front(command));
        Ok(Ok(()))
    }

    /// What a decision must know of connections, and what is counted.
    fn note(&mut self, group: &Group, command: &mut Command) {
        match command {
            Command::AttachDevice { address, live, .. } => {
                let uncounted = group.accepted.get(address).copied().unwrap_or_default();
                *live = self.links.accepted(*address).map(|(lease, accepted)| (lease, accepted + uncounted));
            }
            Command::PutReceipt { .. } => self.stats.receipts.add(1),
            _ => {}
        }
    }

    /// What later decisions of the same group must know of an effect that is not carried out yet.
    fn foresee(&self, group: &mut Group, effect: &Effect) {
        match effect {
            Effect::Attach { conn, .. } => {
                group.attached.insert(*conn);
            }
            Effect::CountAccepted { conn } => {
                if let Some(address) = self.links.device(*conn) {
                    *group.accepted.entry(address).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}
