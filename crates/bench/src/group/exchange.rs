//! One message after the other, each until everybody who is connected has it and the sender knows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use rand_core::Rng;
use waxwing_wire::MessageId;
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::server_frame::{Item, ServerFrame};

use crate::fleet::{Event, Fleet};
use crate::limits::{SENDS_IN_FLIGHT, STALL};

/// The sending device.
const SENDER: usize = 0;
/// Entries that the sender takes before it acknowledges: it is the upload of messages that is measured.
const ACKNOWLEDGE_AFTER: usize = 100;

/// How a message goes to all members.
pub enum Way {
    /// Once, to the group; like this one.
    Group(Box<GroupSend>),
    /// Once to each member.
    Pairwise,
}

/// How long a message took.
pub struct Times {
    /// Until the server had taken all of it.
    pub accepted: Duration,
    /// Until the last device that is connected had it.
    pub last_online: Duration,
}

/// Members and their devices: device `d` belongs to member `d % members`, and is connected if that is below
/// `online`.
pub struct Exchange {
    fleet: Fleet,
    members: usize,
    devices: usize,
    online: usize,
    stored: usize,
    flight: Flight,
}

/// What is still to come of a message.
#[derive(Default)]
struct Flight {
    to_accept: BTreeSet<MessageId>,
    ids: BTreeSet<MessageId>,
    /// Devices without it.
    to_receive: BTreeSet<usize>,
    /// Receipts of other members' devices.
    receipts: usize,
}

impl Exchange {
    /// Nothing is under way.
    pub fn new(fleet: Fleet, members: usize, devices: usize, online: usize) -> Self {
        Self { fleet, members, devices, online, stored: 0, flight: Flight::default() }
    }

    /// Bytes that the sender has written to its socket.
    pub fn sent(&self) -> u64 {
        self.fleet.sockets.sent_by(SENDER)
    }

    /// Sends the first change, which goes to nobody but the maker's own devices.
    pub fn send_change(&mut self, change: GroupSend) -> anyhow::Result<()> {
        self.flight = Flight { to_accept: BTreeSet::from([change.id]), ..Flight::default() };
        self.fleet.group_send(SENDER, change)?;
        self.until(|exchange| exchange.flight.to_accept.is_empty())
    }

    /// Sends a message.
    pub fn send(&mut self, way: &Way, bytes: usize) -> anyhow::Result<Times> {
        let connected = (0..self.devices).filter(|device| device % self.members < self.online);
        let others: BTreeSet<usize> = connected.filter(|device| device % self.members != SENDER).collect();
        self.flight = Flight { receipts: others.len(), to_receive: others, ..Flight::default() };
        let begun = Instant::now();
        let mut accepted = None;
        let mut last_online = None;
        let mut unsent = 1..self.members;
        if let Way::Group(like) = way {
            let id = MessageId(self.fleet.rng.next_u64());
            let send = GroupSend { id, ciphertext: vec![0xc1; bytes].into(), ..GroupSend::clone(like) };
            self.fleet.group_send(SENDER, send)?;
            self.flight.note(id);
            unsent = 1..1;
        }
        self.until(|exchange| {
            while exchange.flight.to_accept.len() < SENDS_IN_FLIGHT
                && let Some(member) = unsent.next()
            {
                match exchange.fleet.send(SENDER, member, vec![0xc1; bytes].into()) {
                    Ok(id) => exchange.flight.note(id),
                    Err(_) => return true,
                }
            }
            let all_sent = unsent.is_empty() && exchange.flight.to_accept.is_empty();
            accepted = accepted.or_else(|| all_sent.then(|| begun.elapsed()));
            let all_have = exchange.flight.to_receive.is_empty();
            last_online = last_online.or_else(|| all_have.then(|| begun.elapsed()));
            accepted.is_some() && last_online.is_some() && exchange.flight.receipts == 0
        })?;
        match (accepted, last_online) {
            (Some(accepted), Some(last_online)) => Ok(Times { accepted, last_online }),
            _ => bail!("a message could not be sent"),
        }
    }

    fn until(&mut self, mut done: impl FnMut(&mut Self) -> bool) -> anyhow::Result<()> {
        let mut last_news = Instant::now();
        while !done(self) {
            for (device, event) in self.fleet.round(Duration::from_millis(100))? {
                last_news = Instant::now();
                if let Event::Frame(frame) = event {
                    self.take_in(device, *frame)?;
                }
            }
            ensure!(last_news.elapsed() < STALL, "the server has fallen silent");
        }
        Ok(())
    }

    fn take_in(&mut self, device: usize, frame: ServerFrame) -> anyhow::Result<()> {
        if let Some(refused) = frame.refused.first() {
            bail!("the server refused a message: {}", refused.reject);
        }
        if let Some(reject) = frame.goodbye {
            bail!("the server said goodbye: {reject}");
        }
        for id in frame.accepted {
            self.flight.to_accept.remove(&id);
        }
        let Some(last) = frame.entries.last().map(|entry| entry.seq) else { return Ok(()) };
        for entry in &frame.entries {
            match &entry.item {
                Item::Envelope(envelope) if self.flight.ids.contains(&envelope.id) => {
                    self.flight.to_receive.remove(&device);
                }
                Item::Receipt(receipt) if device == SENDER => {
                    let own = receipt.ids.iter().filter(|id| self.flight.ids.contains(id));
                    self.flight.receipts = self.flight.receipts.saturating_sub(own.count());
                }
                _ => {}
            }
        }
        if device == SENDER {
            self.stored += frame.entries.len();
            if self.stored < ACKNOWLEDGE_AFTER {
                return Ok(());
            }
            self.stored = 0;
        }
        self.fleet.stored(device, last)
    }
}

impl Flight {
    fn note(&mut self, id: MessageId) {
        self.ids.insert(id);
        self.to_accept.insert(id);
    }
}
