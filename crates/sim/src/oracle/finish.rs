//! What is owed once everything is well again.

use waxwing_client::memory::MemoryDb;
use waxwing_client::{Body, Delivery, MessageKey, Read as _, Table};
use waxwing_wire::RejectCode;

use super::{Oracle, Written};
use crate::people::{FLOODER, VICTIM};

/// In a flood, what others write arrives within this time, milliseconds.
const FLOOD_LATENCY_MS: u64 = 10_000;
/// Complaints of one kind that are listed.
const LISTED: usize = 6;

/// What is there when a run ends.
pub struct Ends<'a> {
    /// Each client's database.
    pub dbs: Vec<&'a MemoryDb>,
    /// Entries in each client's mailbox.
    pub waiting: Vec<usize>,
    /// Clients without a connection.
    pub offline: usize,
    /// Things that people have not got round to.
    pub acts: usize,
}

impl Oracle {
    /// What is still owed; empty when all is settled.
    #[must_use]
    pub fn unsettled(&self, ends: &Ends<'_>) -> Vec<String> {
        let mut owed = Vec::new();
        if ends.acts > 0 {
            owed.push(format!("people have not got round to {} things", ends.acts));
        }
        if ends.offline > 0 {
            owed.push(format!("{} clients are not connected", ends.offline));
        }
        for (client, db) in ends.dbs.iter().enumerate() {
            if !self.is_registered(client) {
                owed.push(format!("c{client} has no account"));
            }
            let outbox = db.count(Table::Outbox);
            if outbox > 0 {
                owed.push(format!("{outbox} wait in the outbox of c{client}"));
            }
        }
        for (client, waiting) in ends.waiting.iter().enumerate().filter(|(_, waiting)| **waiting > 0) {
            owed.push(format!("{waiting} wait in the mailbox of c{client}"));
        }
        let messages = self.written.iter().filter(|(_, written)| !written.orphaned);
        let faults = messages.filter_map(|(key, written)| self.message_owed(key, written, ends));
        owed.extend(faults.take(LISTED));
        for (client, command) in self.open_commands.iter().take(LISTED) {
            owed.push(format!("c{client} has not answered command {}", command.0));
        }
        owed
    }

    fn message_owed(&self, key: &MessageKey, written: &Written, ends: &Ends<'_>) -> Option<String> {
        let name = self.name(key);
        let recipient = self.devices.iter().find(|(address, _)| address.account == written.to);
        let Some((_, recipient)) = recipient else { return Some(format!("{name} is for nobody")) };
        let find = |client: usize| ends.dbs.get(client)?.message(key).ok().flatten();
        let Some(sent) = find(written.client) else { return Some(format!("{name} is gone at its sender")) };
        let arrived = find(*recipient);
        let since = |client: &usize| self.rollbacks.get(client).is_none_or(|at| written.at_ms > *at);
        let (sender_exact, recipient_exact) = (since(&written.client), since(recipient));
        let is_read = arrived.as_ref().is_some_and(|message| message.delivery == Delivery::Read);
        let wanted = match (&sent.delivery, arrived.map(|message| message.body)) {
            (Delivery::Failed, arrived) => {
                let has_cause = self.said_expired.contains(key) || self.refused.contains(key);
                // It arrived, its device could not say so in time, and it expired.
                let may_be_both = self.said_expired.contains(key) || !sender_exact;
                match arrived {
                    _ if !has_cause => "failed without a cause",
                    Some(Body::Text(_)) if !may_be_both => "failed and arrived",
                    _ => return None,
                }
            }
            (_, None) if self.lost.contains(&(*recipient, *key)) => return None,
            // So has what would have told its sender, who did not fetch it either.
            (_, None) if self.expired.contains(key) && self.expired_silently.contains(&key.from) => {
                return None;
            }
            (_, None) if self.expired.contains(key) => "expired, and its sender does not know",
            (_, None) => "has not arrived",
            (_, Some(Body::Lost)) if !sender_exact => return None,
            (_, Some(Body::Lost)) => "is lost",
            (_, Some(Body::Waiting)) => "is still waited for",
            (_, Some(Body::Unknown)) => "is not understood",
            _ if !sender_exact || !recipient_exact || self.expired.contains(key) => return None,
            // A receipt that waited too long for its device is gone, too.
            _ if self.expired_silently.contains(&key.from) => return None,
            (Delivery::Pending, _) => "arrived, and is pending at its sender",
            (Delivery::Sent, _) => "arrived, and is only sent at its sender",
            (Delivery::Delivered, _) if is_read => "was read, and its sender does not know",
            (Delivery::Read, _) if !is_read => "is said to be read, and was not",
            (Delivery::Delivered | Delivery::Read, _) => return None,
        };
        Some(format!("{name} for c{recipient} {wanted}"))
    }

    /// Judges what can be judged only at the end.
    pub fn close(&mut self) {
        let unstored = self.accepted.iter().find(|key| {
            let arrived = self.written.get(*key).is_none_or(|written| written.arrived_ms.is_some());
            let kept = self.durable.iter().any(|(_, durable)| durable == *key);
            !arrived && !kept && !self.expired.contains(*key)
        });
        if let Some(key) = unstored.copied() {
            let name = self.name(&key);
            self.fail("1", format!("{name} was accepted and is lost"));
        }
        if self.is_flood() {
            self.flood_hurts_the_flooder();
        }
    }

    fn flood_hurts_the_flooder(&mut self) {
        let limited = [RejectCode::RateLimited, RejectCode::MailboxFull];
        if !limited.iter().any(|code| self.refusals.contains(&(FLOODER, *code))) {
            self.fail("10", "the flooder was never refused anything".into());
        }
        let others: Vec<(MessageKey, u64)> = (self.written.iter())
            .filter(|(_, written)| written.client != FLOODER && written.client != VICTIM)
            .map(|(key, written)| (*key, written.arrived_ms.unwrap_or(u64::MAX) - written.at_ms))
            .collect();
        for (key, took_ms) in others {
            if took_ms > FLOOD_LATENCY_MS {
                let name = self.name(&key);
                self.fail("10", format!("{name} took {took_ms} ms while another flooded"));
            }
        }
    }
}
