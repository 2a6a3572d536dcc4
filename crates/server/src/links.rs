pub(crate) mod allowance;
mod order;
mod waiting;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use waxwing_wire::client_frame::{RequestBody, Send};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::file::FileRequest;
use waxwing_wire::limits::{DELIVERY_WINDOW_BYTES, DELIVERY_WINDOW_ENTRIES};
use waxwing_wire::server_frame::Refused;
use waxwing_wire::{AccountId, DeviceAddress, devices::LinkReference};

use crate::limits::{
    CHANGES_PER_HOUR, FETCHES_PER_HOUR, GROUP_SENDS_PER_MINUTE, LOOKUPS_PER_HOUR, MAX_RESTING_ALLOWANCES,
    UPLOADS_PER_HOUR,
};
use crate::{Command, ConnId, Effect, Origin, Piece, Settings, Time, rejects};
use allowance::{Allowance, Rate};
use order::Order;
use waiting::Waiting;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
/// An empty list of what is in flight keeps room for so many, so that a quiet conversation does not allocate
/// for every message and an idle link does not hold what a busy hour needed.
const KEPT_IN_FLIGHT: usize = 4;

/// Which devices are connected, and how far each has been sent its mailbox.
///
/// A device is sent entries ahead of its acknowledgements within a window
/// ([`waxwing_wire::limits::DELIVERY_WINDOW_ENTRIES`] and `_BYTES`); entries that do not fit wait in the
/// store and are read in pages. At most one read per device is under way.
///
/// Effects must be handed over in the order of their commits.
#[derive(Debug, Default)]
pub struct Links {
    devices: BTreeMap<DeviceAddress, Link>,
    conns: BTreeMap<ConnId, DeviceAddress>,
    /// Of devices that have gone and have not yet got back all that they used: going away and coming back
    /// does not refill them.
    resting: BTreeMap<DeviceAddress, Allowances>,
    /// Connections that have offered themselves to be linked.
    waiting: Waiting,
    /// The latest time that anybody told.
    now_ms: u64,
}

/// One connected device. Small, because most are idle.
#[derive(Debug)]
struct Link {
    conn: ConnId,
    lease: u64,
    received: u64,
    /// Entries up to here were sent, or the device had them, or they are gone.
    sent: u64,
    /// The last entry that there is.
    last: u64,
    /// While a read is under way: `last` when it began. 0 otherwise.
    reading: u64,
    /// Sequence number and size of what was sent and is not settled, ascending.
    in_flight: VecDeque<(u64, u32)>,
    in_flight_bytes: usize,
    allowances: Allowances,
    /// Rarely there.
    order: Option<Box<Order>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Allowances {
    sends: Allowance,
    group_sends: Allowance,
    requests: Allowance,
}

impl Links {
    /// A connection speaks for a device now. Closes the device's earlier connection, if any.
    pub fn attach(
        &mut self,
        conn: ConnId,
        address: DeviceAddress,
        lease: u64,
        stored: u64,
        last: u64,
        now: Time,
    ) -> Vec<Effect> {
        self.now_ms = self.now_ms.max(now.0);
        let mut effects = Vec::new();
        let mut allowances = self.resting.remove(&address).unwrap_or_default();
        if let Some(earlier) = self.devices.remove(&address) {
            allowances = earlier.allowances;
            if earlier.conn != conn {
                self.conns.remove(&earlier.conn);
                let piece = Piece::Goodbye(rejects::replaced());
                effects.push(Effect::Reply { conn: earlier.conn, piece });
                effects.push(Effect::Close { conn: earlier.conn });
            }
        }
        let mut link = Link {
            conn,
            lease,
            received: 0,
            sent: stored,
            last: last.max(stored),
            reading: 0,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            allowances,
            order: None,
        };
        effects.extend(link.read_on(address));
        self.devices.insert(address, link);
        self.conns.insert(conn, address);
        effects
    }

    /// Lease of the device's connection and messages that came under it so far, if it is connected: what a
    /// second connection of the same device is told in its `Welcome`.
    #[must_use]
    pub fn received(&self, address: DeviceAddress) -> Option<(u64, u64)> {
        self.devices.get(&address).map(|link| (link.lease, link.received))
    }

    /// The connection that speaks for a device.
    #[must_use]
    pub fn conn(&self, address: DeviceAddress) -> Option<ConnId> {
        self.devices.get(&address).map(|link| link.conn)
    }

    /// The device that a connection speaks for.
    #[must_use]
    pub fn device(&self, conn: ConnId) -> Option<DeviceAddress> {
        self.conns.get(&conn).copied()
    }

    /// A message came from the connection's device; to be called before anything else is done about it, whether it
    /// is new or refused. Nothing happens if the connection does not speak for the device any more: what it still
    /// brought in belongs to an earlier lease.
    pub fn count_received(&mut self, conn: ConnId) {
        if let Some(link) = self.conns.get(&conn).and_then(|address| self.devices.get_mut(address)) {
            link.received += 1;
        }
    }

    /// A new entry was committed.
    pub fn appended(&mut self, mailbox: DeviceAddress, seq: u64, item: Bytes) -> Option<Effect> {
        let link = self.devices.get_mut(&mailbox)?;
        if seq <= link.last {
            // Told twice, or the page that is under way or still to come brings it.
            return None;
        }
        let everything_sent = link.sent == link.last && link.last + 1 == seq;
        link.last = seq;
        if everything_sent && link.reading == 0 && link.has_room(item.len()) {
            link.put_in_flight(seq, item.len());
            return Some(Effect::Deliver { conn: link.conn, entries: vec![(seq, item)] });
        }
        link.read_on(mailbox)
    }

    /// Entries read from the store for a connection; `entries` empty when there are no more.
    pub fn page(&mut self, mailbox: DeviceAddress, conn: ConnId, entries: Vec<(u64, Bytes)>) -> Vec<Effect> {
        let Some(link) = self.devices.get_mut(&mailbox).filter(|link| link.conn == conn) else {
            return Vec::new();
        };
        let until = std::mem::take(&mut link.reading);
        if entries.is_empty() {
            // What the read was for has expired or was settled elsewhere.
            link.sent = link.sent.max(until);
        }
        let mut effects = Vec::new();
        let mut run: Vec<(u64, Bytes)> = Vec::new();
        for (seq, item) in entries {
            if seq <= link.sent {
                continue;
            }
            if run.last().is_some_and(|(previous, _)| previous + 1 != seq) {
                effects.push(Effect::Deliver { conn, entries: std::mem::take(&mut run) });
            }
            link.put_in_flight(seq, item.len());
            run.push((seq, item));
        }
        if !run.is_empty() {
            effects.push(Effect::Deliver { conn, entries: run });
        }
        effects.extend(link.read_on(mailbox));
        effects
    }

    /// The device's mailbox is settled up to an entry: there is room in the window again.
    pub fn trimmed(&mut self, mailbox: DeviceAddress, up_to: u64) -> Option<Effect> {
        let link = self.devices.get_mut(&mailbox)?;
        while let Some((_, bytes)) = link.in_flight.pop_front_if(|(seq, _)| *seq <= up_to) {
            link.in_flight_bytes -= bytes as usize;
        }
        if link.in_flight.is_empty() {
            link.in_flight.shrink_to(KEPT_IN_FLIGHT);
        }
        // Entries can expire before they were sent.
        link.sent = link.sent.max(up_to);
        link.last = link.last.max(up_to);
        link.read_on(mailbox)
    }

    /// A device was removed from its account: its connection speaks for nobody from now on, and ends.
    pub fn removed(&mut self, address: DeviceAddress) -> Vec<Effect> {
        self.resting.remove(&address);
        let Some(Link { conn, .. }) = self.devices.remove(&address) else { return Vec::new() };
        self.conns.remove(&conn);
        vec![Effect::Reply { conn, piece: Piece::Goodbye(rejects::removed()) }, Effect::Close { conn }]
    }

    /// A connection waits for its offer to be approved. Whoever waited under the same reference before, or
    /// on the same connection, is told that it waits in vain.
    pub fn await_link(
        &mut self,
        origin: Origin,
        reference: LinkReference,
        expires_at_ms: u64,
    ) -> Vec<Effect> {
        self.waiting.add(origin, reference, expires_at_ms)
    }

    /// An offer was approved: whoever waits for it gets the answer.
    pub fn linked(
        &mut self,
        reference: LinkReference,
        list: &SignedDeviceList,
        sealed: &Bytes,
    ) -> Option<Effect> {
        self.waiting.linked(reference, list, sealed)
    }

    /// Answers those whose offers have ended. To be called about once a second.
    pub fn expire_links(&mut self, now: Time) -> Vec<Effect> {
        self.waiting.expire(now)
    }

    /// A connection is gone, whether it spoke for a device or not. Gives the command that remembers how
    /// much came under its lease, unless the device is already connected anew.
    pub fn detach(&mut self, conn: ConnId) -> Option<Command> {
        self.waiting.forget(conn);
        let address = self.conns.remove(&conn)?;
        let link = self.devices.remove(&address)?;
        if !link.allowances.is_full(self.now_ms) {
            self.rest(address, link.allowances);
        }
        Some(Command::Detach { address, lease: link.lease, received: link.received })
    }

    fn rest(&mut self, address: DeviceAddress, allowances: Allowances) {
        if self.resting.len() >= MAX_RESTING_ALLOWANCES {
            let now_ms = self.now_ms;
            self.resting.retain(|_, allowances| !allowances.is_full(now_ms));
        }
        if self.resting.len() < MAX_RESTING_ALLOWANCES {
            self.resting.insert(address, allowances);
        }
    }

    /// Takes one message from the device's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_send(&mut self, address: DeviceAddress, now: Time, settings: &Settings) -> Result<(), u64> {
        let rate = Rate::new(settings.sends_per_second, 1_000, settings.send_burst);
        self.allow(address, now, rate, 1, |allowances| &mut allowances.sends)
    }

    /// What a message is refused with, before anything else is asked, because one before it to the same account was
    /// refused and its sender cannot know yet.
    pub fn overtakes(&mut self, from: DeviceAddress, send: &Send) -> Option<Refused> {
        let order = &mut self.devices.get_mut(&from)?.order;
        let refused = order.as_mut()?.overtakes(send);
        order.take_if(|order| order.is_empty());
        refused
    }

    /// What is answered to a message that a device has sent to an account, or was, if its commit failed.
    pub fn note_refusals(&mut self, from: DeviceAddress, to: AccountId, effects: &[Effect]) {
        let Some(link) = self.devices.get_mut(&from) else { return };
        for effect in effects {
            if let Effect::Reply { piece: Piece::Refused(refused), .. } = effect {
                link.order.get_or_insert_default().refused(to, refused);
            }
        }
    }

    /// Takes one message to a group from the device's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_group_send(&mut self, address: DeviceAddress, now: Time) -> Result<(), u64> {
        let rate = Rate::new(GROUP_SENDS_PER_MINUTE, MINUTE_MS, GROUP_SENDS_PER_MINUTE);
        self.allow(address, now, rate, 1, |allowances| &mut allowances.group_sends)
    }

    /// Takes one request of this kind from the attached device's allowance. All kinds share one; those of which
    /// fewer are allowed cost more.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_request(
        &mut self,
        address: DeviceAddress,
        request: &RequestBody,
        now: Time,
    ) -> Result<(), u64> {
        let per_hour = match request {
            RequestBody::FetchBundles(..)
            | RequestBody::FetchDevices(_)
            | RequestBody::FetchGroupEpoch(_) => FETCHES_PER_HOUR,
            RequestBody::File(FileRequest::Upload(_)) => UPLOADS_PER_HOUR,
            RequestBody::File(_) => FETCHES_PER_HOUR,
            RequestBody::FindAccount(_)
            | RequestBody::FindUsername(_)
            | RequestBody::FindGroup(..)
            | RequestBody::FetchLink(_)
            // What these may do in a day is counted durably besides.
            | RequestBody::EvaluateAddresses(_)
            | RequestBody::FetchBucket(_)
            | RequestBody::Findable(_)
            | RequestBody::RedeemAddress(_) => LOOKUPS_PER_HOUR,
            RequestBody::PublishPrekeys(_)
            | RequestBody::PublishDeviceList(_)
            | RequestBody::RemoveDevice(_)
            | RequestBody::ApproveLink(_)
            // From connections without a device; attached ones are refused.
            | RequestBody::Register(_)
            | RequestBody::OfferLink(..)
            | RequestBody::CompleteLink(_) => CHANGES_PER_HOUR,
        };
        let rate = Rate::new(FETCHES_PER_HOUR, HOUR_MS, FETCHES_PER_HOUR);
        self.allow(address, now, rate, FETCHES_PER_HOUR / per_hour, |allowances| &mut allowances.requests)
    }

    /// Takes one `OfferLink` or `CompleteLink` from the allowance of a connection that speaks for no device.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn allow_offer(&mut self, conn: ConnId, now: Time) -> Result<(), u64> {
        self.waiting.allow(conn, now)
    }

    fn allow(
        &mut self,
        address: DeviceAddress,
        now: Time,
        rate: Rate,
        cost: u32,
        which: impl FnOnce(&mut Allowances) -> &mut Allowance,
    ) -> Result<(), u64> {
        self.now_ms = self.now_ms.max(now.0);
        if let Some(link) = self.devices.get_mut(&address) {
            return which(&mut link.allowances).take(now, rate, cost);
        }
        // Its hello may be decided and not yet carried out: what it sent along with it counts from here.
        let mut allowances = self.resting.remove(&address).unwrap_or_default();
        let allowed = which(&mut allowances).take(now, rate, cost);
        self.rest(address, allowances);
        allowed
    }

    /// Connected devices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// No device is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }
}

impl Link {
    /// An empty window takes anything, so that no entry can block its mailbox.
    fn has_room(&self, bytes: usize) -> bool {
        self.in_flight.is_empty()
            || (self.in_flight.len() < DELIVERY_WINDOW_ENTRIES
                && self.in_flight_bytes + bytes <= DELIVERY_WINDOW_BYTES)
    }

    fn put_in_flight(&mut self, seq: u64, bytes: usize) {
        self.in_flight.push_back((seq, u32::try_from(bytes).unwrap_or(u32::MAX)));
        self.in_flight_bytes += bytes;
        self.sent = seq;
        self.last = self.last.max(seq);
    }

    /// Begins a read if there is something to read, none is under way, and half of the window is free: not
    /// a read for every acknowledgement.
    fn read_on(&mut self, mailbox: DeviceAddress) -> Option<Effect> {
        let free = self.in_flight.len() <= DELIVERY_WINDOW_ENTRIES / 2
            && self.in_flight_bytes <= DELIVERY_WINDOW_BYTES / 2;
        if self.reading != 0 || self.sent >= self.last || !free {
            return None;
        }
        self.reading = self.last;
        Some(Effect::ReadMailbox {
            mailbox,
            conn: self.conn,
            from: self.sent + 1,
            max_entries: DELIVERY_WINDOW_ENTRIES - self.in_flight.len(),
            max_bytes: DELIVERY_WINDOW_BYTES - self.in_flight_bytes,
        })
    }
}

impl Allowances {
    fn is_full(&self, now_ms: u64) -> bool {
        let all = [self.sends, self.group_sends, self.requests];
        all.into_iter().all(|allowance| allowance.is_full(now_ms))
    }
}

#[cfg(test)]
mod tests;
