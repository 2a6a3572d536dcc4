//! The history on its way to a device that was just linked: newest part first, a few parts at a time, each
//! until the device is known to have stored it.

use waxwing_wire::content::{
    Archive, ArchivedBody, ArchivedMessage, ArchivedPeer, Body as ContentBody, Conversation, StateEntry,
};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::limits::{MAX_MESSAGES_PER_PART, MAX_STATE_ENTRIES};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId};

use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::{Key, RawRow, Table};
use crate::limits::{
    ARCHIVE_STALL_MS, ARCHIVE_WINDOW_PARTS, ATTEMPTS_SKIPPED, MAX_DEVICES_KEPT, MAX_GROUPS_PER_PART,
    MAX_PEERS_PER_PART, PART_BYTES,
};
use crate::record::{ArchiveRow, Kind, OutboxRow, PeerRow, Record as _, StateRow};
use crate::row::{Body, Delivery, MessageKey};
use crate::sealing::payload;
use crate::state::StateKey;
use crate::sync::archived;
use crate::turn::Turn;

const DAY_MS: u64 = 24 * 3_600_000;

/// What is being sent. The numbers are those of the database.
const STATE: u32 = 0;
const PEERS: u32 = 1;
const GROUPS: u32 = 2;
const MESSAGES: u32 = 3;
const FINISHED: u32 = 4;

/// The last key of a page of fixed-length keys.
const END: [u8; 65] = [0xff; 65];

impl Client {
    // ------------------------------------------------------------ the primary

    /// A device was approved: it gets this much of the past once it says that it is there.
    pub(crate) fn plan_archive(&mut self, turn: &mut Turn<'_>, device: DeviceId, range: HistoryRange) {
        let (wanted, since_ms) = match range {
            HistoryRange::None => (false, 0),
            HistoryRange::Month => (true, turn.now.0.saturating_sub(30 * DAY_MS)),
            HistoryRange::Year => (true, turn.now.0.saturating_sub(365 * DAY_MS)),
            HistoryRange::All => (true, 0),
        };
        let row = ArchiveRow { messages_wanted: wanted, since_ms, before: u64::MAX, ..ArchiveRow::default() };
        turn.store.save(Key::Archive(device.number()), &row);
    }

    /// A device was approved and may be one of the account's by now, without this one having heard of it.
    pub(crate) fn awaits_device(&self, turn: &Turn<'_>) -> Result<bool, Error> {
        for (_, value) in turn.store.rows(Table::Archive, &[], &[0xff], MAX_DEVICES_KEPT)? {
            if !ArchiveRow::unpack(&value)?.begun {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The approval was refused. The number may be that of a device approved before, whose list this device
    /// had not heard of: that one still gets what was planned for it.
    pub(crate) fn unplan_archive(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        planned: Option<&ArchiveRow>,
    ) -> Result<(), Error> {
        let place = Key::Archive(device.number());
        match (turn.store.load::<ArchiveRow>(&place)?, planned) {
            // It has said meanwhile that it is there.
            (Some(row), _) if row.begun => {}
            (Some(_), Some(planned)) => turn.store.save(place, planned),
            (Some(_), None) => turn.store.delete(place),
            (None, _) => {}
        }
        Ok(())
    }

    /// A device of the account was just linked.
    pub(crate) fn companion_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        name: String,
    ) -> Result<(), Error> {
        if !self.is_primary() {
            return Ok(());
        }
        self.draw_keys(turn)?;
        let key = StateKey::DeviceName(device);
        if !name.is_empty() && crate::state::text(&turn.store, &key)?.is_none() {
            self.set_state(turn, &key, Some(name.into_bytes()))?;
        }
        let place = Key::Archive(device.number());
        let Some(mut row) = turn.store.load::<ArchiveRow>(&place)?.filter(|row| !row.begun) else {
            return Ok(());
        };
        row.begun = true;
        row.total = if row.messages_wanted { turn.store.count_since(row.since_ms)? } else { 0 };
        turn.store.save(place, &row);
        Ok(())
    }

    /// Puts the next parts of every history under way into the outbox.
    pub(crate) fn pump_archives(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if !self.is_primary() {
            return Ok(());
        }
        for (key, value) in turn.store.rows(Table::Archive, &[], &[0xff], MAX_DEVICES_KEPT)? {
            let row = ArchiveRow::unpack(&value)?;
            let Some(device) = key.first().and_then(|number| DeviceId::new(*number)) else { continue };
            if row.begun {
                self.pump_archive(turn, device, row)?;
            }
        }
        Ok(())
    }

    fn pump_archive(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        mut row: ArchiveRow,
    ) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        let place = Key::Archive(device.number());
        if !row.under_way.is_empty() && turn.now.0.abs_diff(row.moved_at_ms) >= ARCHIVE_STALL_MS {
            // The server may have had no room for a part; it says so to the other device only.
            row.moved_at_ms = turn.now.0;
            turn.store.save(place.clone(), &row);
            self.send_again(turn, device, &row)?;
            match turn.store.load(&place)? {
                Some(after) => row = after,
                None => return Ok(()),
            }
        }
        while row.phase != FINISHED && row.under_way.len() < ARCHIVE_WINDOW_PARTS {
            let mut next = row.clone();
            let part = self.next_part(turn, &mut next)?;
            let id = self.fresh_id(turn)?;
            let outbox = OutboxRow {
                kind: Kind::Archive as u32,
                to: own.account.0.to_vec(),
                id: id.0,
                sent_at_ms: turn.now.0,
                only: device.number().into(),
                payload: payload(ContentBody::Archive(Box::new(part))),
                ..OutboxRow::default()
            };
            if !self.enqueue(turn, &outbox)? {
                return Ok(());
            }
            next.under_way.push(id.0);
            next.moved_at_ms = turn.now.0;
            turn.store.save(place.clone(), &next);
            row = next;
        }
        Ok(())
    }

    /// Makes the part that comes next, and moves on.
    fn next_part(&self, turn: &Turn<'_>, row: &mut ArchiveRow) -> Result<Archive, Error> {
        row.part += 1;
        let mut part = Archive { part: row.part, total: row.total, ..Archive::default() };
        if row.phase == STATE {
            part.state = next_state(turn, row)?;
        }
        if row.phase == PEERS {
            part.peers = next_peers(turn, row)?;
        }
        if row.phase == GROUPS && part.state.is_empty() {
            next_groups(turn, row, &mut part)?;
        }
        if row.phase == MESSAGES && part.state.is_empty() && part.groups.is_empty() {
            next_messages(turn, row, &mut part)?;
        }
        part.last = row.phase == FINISHED;
        Ok(part)
    }

    /// A part is stored on the device. Whether the receipt was about one.
    pub(crate) fn part_stored(
        &mut self,
        turn: &mut Turn<'_>,
        by: DeviceAddress,
        id: MessageId,
    ) -> Result<bool, Error> {
        let place = Key::Archive(by.device.number());
        let Some(mut row) = turn.store.load::<ArchiveRow>(&place)? else { return Ok(false) };
        let Some(at) = row.under_way.iter().position(|sent| *sent == id.0) else { return Ok(false) };
        row.under_way.remove(at);
        row.moved_at_ms = turn.now.0;
        turn.store.delete(Key::Sent(id));
        let done = row.phase == FINISHED && row.under_way.is_empty();
        turn.event(Event::Archive {
            device: by.device,
            sending: true,
            messages: row.sent,
            total: row.total.max(row.sent),
            done,
        });
        if done {
            turn.store.delete(place);
        } else {
            turn.store.save(place, &row);
        }
        Ok(true)
    }

    /// The database is an older copy of itself: what is under way may have arrived without this copy having
    /// heard of it, and is sent again.
    pub(crate) fn renew_archives(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        for (key, value) in turn.store.rows(Table::Archive, &[], &[0xff], MAX_DEVICES_KEPT)? {
            if let Some(device) = key.first().and_then(|number| DeviceId::new(*number)) {
                self.send_again(turn, device, &ArchiveRow::unpack(&value)?)?;
            }
        }
        Ok(())
    }

    /// Sends again what is under way and not in the outbox; what was sent often enough is given up.
    fn send_again(&mut self, turn: &mut Turn<'_>, device: DeviceId, row: &ArchiveRow) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        for id in row.under_way.iter().map(|id| MessageId(*id)) {
            if self.outbox.order_of(id).is_some() {
                continue;
            }
            // Drawn, because another life of this device may have counted on.
            let attempt = 1 + turn.rng.next_u32() % ATTEMPTS_SKIPPED;
            self.resend(turn, id, attempt, None)?;
            if self.outbox.order_of(id).is_none() {
                self.part_stored(turn, DeviceAddress { account: own.account, device }, id)?;
            }
        }
        Ok(())
    }

    /// A part cannot be sent: the history goes on without it.
    pub(crate) fn part_failed(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        let (Some(own), Some(device)) = (self.address(), u8::try_from(row.only).ok().and_then(DeviceId::new))
        else {
            return Ok(());
        };
        self.part_stored(turn, DeviceAddress { account: own.account, device }, MessageId(row.id))?;
        Ok(())
    }

    // ------------------------------------------------------------ the new device

    /// A part of the history: nothing in it replaces what is here.
    pub(crate) fn archive_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        archive: Archive,
    ) -> Result<(), Error> {
        if from.device != DeviceId::PRIMARY {
            return Ok(());
        }
        self.state_arrived(turn, &archive.state)?;
        for peer in &archive.peers {
            self.peer_archived(turn, peer)?;
        }
        for group in archive.groups {
            self.group_archived(turn, &group)?;
        }
        let arrived = archive.messages.len() as u64;
        for message in archive.messages {
            let key = MessageKey { from: message.name.0, id: message.name.1 };
            let gone = crate::state::is_deleted(&turn.store, &key, message.conversation, message.sent_at_ms)?;
            // What this device has written it knows itself.
            let own = self.address() == Some(key.from) && !matches!(message.body, ArchivedBody::Notice(_));
            if gone || own || turn.store.message(&key)?.is_some() {
                continue;
            }
            self.counters.archive_order = self.counters.archive_order.saturating_sub(1);
            let (acts, shown_to) = (message.acts.clone(), message.shown_to.clone());
            let mut message = self.message_of(message, self.counters.archive_order);
            self.keep_shown_to(turn, &message, &shown_to)?;
            self.apply_mark(turn, &mut message)?;
            self.acts_archived(turn, &mut message, &acts)?;
            if self.settle(turn, &mut message)? {
                turn.store.write_message(message);
            } else if let Conversation::Status(_) = message.with {
                // Nobody can have kept it.
                self.forget_message(turn, &message)?;
            }
        }
        self.counters.archived = self.counters.archived.saturating_add(arrived);
        turn.event(Event::Archive {
            device: from.device,
            sending: false,
            messages: self.counters.archived,
            total: archive.total.max(self.counters.archived),
            done: archive.last,
        });
        Ok(())
    }

    fn peer_archived(&mut self, turn: &mut Turn<'_>, peer: &ArchivedPeer) -> Result<(), Error> {
        if self.is_own(peer.account) {
            return Ok(());
        }
        let Some(mut row) = self.peer_row(turn, peer.account)? else { return Ok(()) };
        if row.username.is_empty()
            && let Some(username) = &peer.username
        {
            row.username = username.as_str().into();
        }
        if row.identity.is_empty() {
            row.identity = peer.identity.map(|key| key.to_vec()).unwrap_or_default();
        }
        // What the user has compared was that key, on the other device.
        if peer.verified && row.trust == 0 && row.identity() == peer.identity {
            row.trust = 1;
        }
        turn.store.save(Key::Peer(peer.account), &row);
        match &peer.profile {
            Some(profile) => self.profile_arrived(turn, peer.account, 0, profile),
            None => Ok(()),
        }
    }
}

/// A page of a table after the cursor of a history, which moves on. Whether it was the last one.
fn page(
    turn: &Turn<'_>,
    row: &mut ArchiveRow,
    table: Table,
    max: usize,
) -> Result<(Vec<RawRow>, bool), Error> {
    let from = if row.cursor.is_empty() { Vec::new() } else { [row.cursor.as_slice(), &[0]].concat() };
    let rows = turn.store.rows(table, &from, &END, max)?;
    let last = rows.len() < max;
    Ok((rows, last))
}

fn next_state(turn: &Turn<'_>, row: &mut ArchiveRow) -> Result<Vec<StateEntry>, Error> {
    let (rows, mut last) = page(turn, row, Table::State, MAX_STATE_ENTRIES)?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (key, value) in rows {
        let entry = StateRow::unpack(&value)?.to_entry(&key);
        bytes += key.len() + value.len() + 32;
        if bytes > PART_BYTES && !entries.is_empty() {
            last = false;
            break;
        }
        entries.extend(entry);
        row.cursor = key;
    }
    if last {
        (row.phase, row.cursor) = (PEERS, Vec::new());
    }
    Ok(entries)
}

fn next_peers(turn: &Turn<'_>, row: &mut ArchiveRow) -> Result<Vec<ArchivedPeer>, Error> {
    let (rows, mut last) = page(turn, row, Table::Peer, MAX_PEERS_PER_PART)?;
    let mut peers = Vec::new();
    let mut bytes = 0;
    for (key, value) in rows {
        let account = AccountId(key.as_slice().try_into().map_err(|_| Error::Damaged(PeerRow::NAME))?);
        let peer = PeerRow::unpack(&value)?.to_peer(account);
        let verified = peer.trust == crate::row::Trust::Verified;
        let profile = crate::profile::told(&turn.store, account)?.map(Box::new);
        bytes += 100 + profile.as_ref().map_or(0, |profile| profile.encode().len());
        if bytes > PART_BYTES && !peers.is_empty() {
            last = false;
            break;
        }
        peers.push(ArchivedPeer {
            account,
            username: peer.username,
            identity: peer.identity,
            verified,
            profile,
        });
        row.cursor = key;
    }
    if last {
        (row.phase, row.cursor) = (GROUPS, Vec::new());
    }
    Ok(peers)
}

fn next_groups(turn: &Turn<'_>, row: &mut ArchiveRow, part: &mut Archive) -> Result<(), Error> {
    let after = row.cursor.as_slice().try_into().ok().map(GroupId);
    let mut bytes = 0;
    let mut last = true;
    for state in crate::group::states(&turn.store, after, MAX_GROUPS_PER_PART + 1)? {
        let group = state.group;
        let welcome = crate::group::past::with_past(&turn.store, state)?;
        bytes += crate::group::past::size(&welcome);
        if !part.groups.is_empty() && (bytes > PART_BYTES || part.groups.len() >= MAX_GROUPS_PER_PART) {
            last = false;
            break;
        }
        row.cursor = group.0.to_vec();
        part.groups.push(welcome);
    }
    if last {
        row.phase = if row.messages_wanted { MESSAGES } else { FINISHED };
        row.cursor.clear();
    }
    Ok(())
}

fn next_messages(turn: &Turn<'_>, row: &mut ArchiveRow, part: &mut Archive) -> Result<(), Error> {
    let mut bytes = 0;
    let page = turn.store.recent(row.before, MAX_MESSAGES_PER_PART)?;
    let mut last = page.len() < MAX_MESSAGES_PER_PART;
    for message in page {
        let size = 80 + if let Body::Post(post) = &message.body { post.encode().len() } else { 300 };
        if !part.messages.is_empty() && bytes + size > PART_BYTES {
            last = false;
            break;
        }
        row.before = message.order;
        // What was stored earlier may come after what was stored later, where an archive came here itself.
        // What waits in the outbox is told of when it was sent.
        if message.stored_at_ms >= row.since_ms && message.delivery != Delivery::Pending {
            bytes += size;
            let acts = crate::act::archived_acts(&turn.store, &message)?;
            let shown_to = crate::status::shown_to(&turn.store, &message)?;
            bytes += acts.iter().map(|act| act.len() + 4).sum::<usize>() + shown_to.len() * 16;
            part.messages.push(ArchivedMessage { acts, shown_to, ..archived(&message) });
        }
    }
    row.sent = row.sent.saturating_add(part.messages.len() as u64);
    if last {
        row.phase = FINISHED;
    }
    Ok(())
}
