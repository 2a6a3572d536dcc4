//! Commands that follow from each other.
//!
//! Most chains are short and go into one commit as a whole. A message to a group takes a step for each member:
//! such a chain goes into the commits in parts of [`MAX_CHAIN`] steps, between which the others get their turn.
//! Nothing of a part is told to anybody before its commit, and when a commit fails the chain ends there: whoever
//! began it is told, and begins it again.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;

use waxwing_server::limits::MAX_CHAIN;
use waxwing_server::{
    Command, CommitError, ConnId, Effect, FileCommand, Key, Row, View, decide, reads, rejects,
};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{DeviceAddress, Reject};

use super::group::{Decided, Group, Otherwise, refuse_chain};
use super::unsettled::Unsettled;
use super::{Engine, Failed};
use crate::store::Room;

/// An operator who waits for the invitation to be durable.
pub type Operator = (InvitationToken, SyncSender<Result<InvitationToken, Reject>>);

/// A command, and what it has led to so far.
pub struct Chain {
    /// What is to be decided, in this order.
    waiting: VecDeque<Command>,
    /// Who waits beside the network.
    operator: Option<Operator>,
    /// The connection whose next frames wait for the end.
    pub conn: Option<ConnId>,
    /// The acknowledgement that it settles.
    unsettled: Option<(DeviceAddress, Unsettled)>,
    /// The group that is being put together has a part of it already.
    in_group: bool,
    /// A part of it is committed.
    begun: bool,
}

impl Chain {
    /// A chain that begins with this command.
    pub fn new(command: Command) -> Self {
        let waiting = VecDeque::from([command]);
        Self { waiting, operator: None, conn: None, unsettled: None, in_group: false, begun: false }
    }

    /// For an operator who waits.
    pub fn of_operator(command: Command, operator: Operator) -> Self {
        Self { operator: Some(operator), ..Self::new(command) }
    }

    /// Of a connection whose next frames wait for the end: what it sends must not overtake itself.
    pub fn of_conn(command: Command, conn: ConnId) -> Self {
        Self { conn: Some(conn), ..Self::new(command) }
    }

    /// Its part of a group is committed.
    pub fn committed(self) -> Self {
        Self { in_group: false, begun: true, ..self }
    }
}

impl Engine {
    /// Decides a command, and what it leads to, over what the group has decided already.
    pub(super) fn decide(&mut self, group: &mut Group, command: Command) -> Result<(), Failed> {
        self.go_on(group, Chain::new(command))
    }

    /// Decides the next part of a chain.
    pub(super) fn go_on(&mut self, group: &mut Group, mut chain: Chain) -> Result<(), Failed> {
        let mut decided = Decided { operator: chain.operator.take(), ..Decided::default() };
        // Cheap: at the beginning of a chain nothing waits behind its command, and later on little.
        let behind: Vec<_> = chain.waiting.iter().skip(1).cloned().collect();
        let mut first = None;
        for _ in 0..MAX_CHAIN {
            let Some(mut command) = chain.waiting.pop_front() else { break };
            chain.note_settling(&command);
            let verdict = if chain.begun && group.room != Room::Ample && command.stores_message() {
                Err(rejects::commit_failed(&CommitError::Full))
            } else {
                self.decide_one(group, &mut command, &mut chain.waiting, &mut decided.effects)?
            };
            if let Err(reject) = verdict {
                // What would have come after it must not happen without it.
                let rest = chain.waiting.drain(..).collect::<Vec<_>>();
                decided.effects.extend(refuse_chain(std::iter::once(&command).chain(&rest), &reject));
                decided.rejected = Some(reject);
            }
            first.get_or_insert(command);
        }
        decided.otherwise = match first {
            Some(first) if !chain.in_group => Otherwise::Refuse(Box::new(first), behind),
            _ => Otherwise::Nothing,
        };
        decided.unsettled = chain.unsettled.clone();
        group.decided.push(decided);
        self.stats.commands.add(u64::from(!chain.begun && !chain.in_group));
        if chain.waiting.is_empty() {
            chain.conn.into_iter().for_each(|conn| self.busy.end(conn));
        } else {
            chain.conn.into_iter().for_each(|conn| self.busy.begin(conn));
            chain.in_group = true;
            group.unfinished.push_back(chain);
        }
        Ok(())
    }

    /// Decides one command; what it leads to comes first in the chain.
    fn decide_one(
        &mut self,
        group: &mut Group,
        command: &mut Command,
        waiting: &mut VecDeque<Command>,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<(), Reject>, Failed> {
        self.tell_of_connections(command);
        let view = self.store.load_over(&group.pending, &reads(command));
        let view = view.map_err(|error| Failed(error.to_string()))?;
        group.commands += 1;
        let step = match decide(command, &view, self.now, &self.settings, &mut self.rng) {
            Ok(step) => step,
            Err(reject) => return Ok(Err(reject)),
        };
        self.stats.count_step(command, &view, step.batch.as_ref());
        self.file_bytes += swept_bytes(command, &view);
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
        next.into_iter().rev().for_each(|command| waiting.push_front(command));
        Ok(Ok(()))
    }

    /// What a decision must know of connections.
    fn tell_of_connections(&self, command: &mut Command) {
        if let Command::AttachDevice { address, live, .. } = command {
            *live = self.links.received(*address);
        }
    }

    /// What later decisions of the same group must know of an effect that is not carried out yet.
    fn foresee(&self, group: &mut Group, effect: &Effect) {
        if let Effect::Attach { conn, address, .. } = effect {
            group.attached.insert(*conn);
            // What the earlier connection still says was not counted for the welcome of this one.
            group.attached.extend(self.links.conn(*address));
        }
    }
}

impl Chain {
    fn note_settling(&mut self, command: &Command) {
        if let Command::Stored { mailbox, up_to, undecryptable } = command
            && self.unsettled.is_none()
        {
            let waits = Unsettled { up_to: *up_to, undecryptable: undecryptable.clone() };
            self.unsettled = Some((*mailbox, waits));
        }
    }
}

/// Bytes of a file that the sweep looks at.
fn swept_bytes(command: &Command, view: &View) -> u64 {
    let Command::File(FileCommand::Expire { file }) = command else { return 0 };
    match view.rows.get(&Key::File(*file)) {
        Some((Some(Row::File(row)), _)) => row.bytes,
        _ => 0,
    }
}

/// What the driver must know of commands.
trait Weight {
    /// Puts a message into the store, and not only in order.
    fn stores_message(&self) -> bool;
}

impl Weight for Command {
    fn stores_message(&self) -> bool {
        matches!(self, Self::GroupStore { .. } | Self::GroupDeliver { .. })
    }
}
