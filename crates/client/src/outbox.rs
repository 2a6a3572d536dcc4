//! What waits for the server: in order, a bounded part of it in flight, each thing until it is answered.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::client_frame::{ClientFrame, Copy, GroupSend, Send};
use waxwing_wire::content::{Body as ContentBody, Conversation};
use waxwing_wire::limits::{MAX_PLAINTEXT_BYTES, MAX_SENDS_IN_FLIGHT};
use waxwing_wire::server_frame::{DeviceMismatch, Refused};
use waxwing_wire::{
    AccountId, Bytes, DeviceId, EnvelopeKind, FileId, GroupId, MessageId, Reject, RejectCode,
};

use crate::client::{Client, Error};
use crate::connection::{Flight, Up};
use crate::db::{Key, Read, Table};
use crate::files::files_of;
use crate::limits::{
    ATTEMPTS_SKIPPED, HOLD_MAX_MS, HOLD_MIN_MS, HOLD_MS, MAX_BYTES_IN_FLIGHT, MAX_OUTBOX, MAX_OUTBOX_SILENT,
    MAX_TRIES,
};
use crate::record::{CopyRow, Kind, OutboxRow, Record as _};
use crate::row::Delivery;
use crate::sealing::Seal;
use crate::turn::{Outbound, Turn};

/// What a copy takes in a frame beside its ciphertext, at most.
const COPY_BYTES: usize = 16;
/// Kept free in a frame for what a message takes beside its copies.
const PART_SLACK_BYTES: usize = 512;
/// Rows read at once when a client opens.
const PAGE_ROWS: usize = 256;

/// The outbox table without what is written in it.
#[derive(Default)]
pub(crate) struct Outbox {
    places: BTreeMap<u64, Place>,
    by_id: BTreeMap<MessageId, u64>,
}

/// One row.
#[derive(Clone, std::marker::Copy)]
pub(crate) struct Place {
    /// A group here is sent to as one.
    pub to: Conversation,
    pub id: MessageId,
    pub kind: Kind,
    /// Has its ciphertexts.
    pub sealed: bool,
}

impl Outbox {
    /// Reads the table once; `see` sees each row.
    pub(crate) fn open(
        db: &dyn Read,
        mut see: impl FnMut(&OutboxRow) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut outbox = Self::default();
        let mut from = Vec::new();
        loop {
            let rows = db.rows(Table::Outbox, &from, &[0xff; 9], PAGE_ROWS)?;
            for (key, value) in &rows {
                let order = key.as_slice().try_into().map_err(|_| Error::Damaged(OutboxRow::NAME))?;
                let row = OutboxRow::unpack(value)?;
                outbox.insert(u64::from_be_bytes(order), &row)?;
                see(&row)?;
            }
            match rows.last() {
                // The key right after the last one.
                Some((key, _)) if rows.len() == PAGE_ROWS => from = [key.as_slice(), &[0]].concat(),
                _ => return Ok(outbox),
            }
        }
    }

    fn insert(&mut self, order: u64, row: &OutboxRow) -> Result<(), Error> {
        let place = Place {
            to: row.target()?,
            id: MessageId(row.id),
            kind: Kind::read(row.kind)?,
            sealed: row.is_sealed(),
        };
        self.by_id.insert(place.id, order);
        self.places.insert(order, place);
        Ok(())
    }

    pub(crate) fn len(&self) -> u64 {
        self.places.len() as u64
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= MAX_OUTBOX + MAX_OUTBOX_SILENT
    }

    /// Rows that tell who the user is.
    pub(crate) fn profiles(&self) -> usize {
        self.places.values().filter(|place| place.kind == Kind::Profile).count()
    }

    /// One of them that goes to an account and is not encrypted yet.
    pub(crate) fn profile_to(&self, to: AccountId) -> Option<(u64, MessageId)> {
        let to = Conversation::Account(to);
        let is_it = |place: &Place| place.kind == Kind::Profile && place.to == to && !place.sealed;
        self.places.iter().find(|(_, place)| is_it(place)).map(|(order, place)| (*order, place.id))
    }

    pub(crate) fn order_of(&self, id: MessageId) -> Option<u64> {
        self.by_id.get(&id).copied()
    }

    /// The last row to an account that is not encrypted yet, if it goes through sessions.
    pub(crate) fn last_unsealed(&self, to: AccountId) -> Option<(u64, Place)> {
        let mut places = self.places.iter().rev();
        let (order, place) =
            places.find(|(_, place)| place.to == Conversation::Account(to) && place.kind != Kind::Retry)?;
        (!place.sealed).then_some((*order, *place))
    }

    fn remove(&mut self, order: u64) {
        if let Some(place) = self.places.remove(&order) {
            self.by_id.remove(&place.id);
        }
    }

    /// A row that is not in flight gets another id.
    pub(crate) fn rename(&mut self, order: u64, id: MessageId) {
        if let Some(place) = self.places.get_mut(&order) {
            self.by_id.remove(&place.id);
            place.id = id;
            self.by_id.insert(id, order);
        }
    }

    /// Rows of a kind that go to a group, in order.
    pub(crate) fn to_group(&self, group: GroupId, kind: Kind) -> impl Iterator<Item = u64> {
        let to = Conversation::Group(group);
        let places = self.places.iter().filter(move |(_, place)| place.to == to && place.kind == kind);
        places.map(|(order, _)| *order)
    }

    /// A row before another one to an account is under way for other devices than these. If the server refuses
    /// it for that, it goes once more, and whatever went meanwhile would have overtaken it.
    pub(crate) fn is_under_way_otherwise(
        &self,
        to: AccountId,
        before: u64,
        devices: &BTreeSet<(u32, u32)>,
        up: &Up,
    ) -> bool {
        let to = Conversation::Account(to);
        let earlier = up.flight.values().filter(|flight| flight.order < before);
        let mut differ = earlier.filter(|flight| flight.devices != *devices);
        differ.any(|flight| self.places.get(&flight.order).is_some_and(|place| place.to == to))
    }

    /// The last row before another one that goes to the same group, no change of it, and is in flight.
    pub(crate) fn under_way(&self, group: GroupId, before: u64, up: &Up) -> Option<u64> {
        let to = Conversation::Group(group);
        let mut places = self.places.range(..before).rev();
        let waits = |place: &Place| place.to == to && place.kind != Kind::Change;
        let place = places.find(|(_, place)| waits(place) && up.flight.contains_key(&place.id));
        place.map(|(order, _)| *order)
    }

    fn next(&self, from: u64) -> Option<(u64, Place)> {
        self.places.range(from..).next().map(|(order, place)| (*order, *place))
    }
}

impl OutboxRow {
    pub(crate) fn account(&self) -> Result<AccountId, Error> {
        self.to.as_slice().try_into().map(AccountId).map_err(|_| Error::Damaged(Self::NAME))
    }

    /// Of a row that has to do with one.
    pub(crate) fn group(&self) -> Result<Option<GroupId>, Error> {
        if self.group.is_empty() {
            return Ok(None);
        }
        let group = self.group.as_slice().try_into().map_err(|_| Error::Damaged(Self::NAME))?;
        Ok(Some(GroupId(group)))
    }

    /// Nothing yet, to be brought there; see [`Self::target`].
    pub(crate) fn toward(to: Conversation) -> Self {
        match to {
            Conversation::Account(account) => Self { to: account.0.to_vec(), ..Self::default() },
            Conversation::Group(group) => Self { group: group.0.to_vec(), ..Self::default() },
            // To those who are shown it, one by one.
            Conversation::Status(_) => Self::default(),
        }
    }

    /// Where the server brings it.
    pub(crate) fn target(&self) -> Result<Conversation, Error> {
        match self.group()? {
            Some(group) if self.to.is_empty() => Ok(Conversation::Group(group)),
            _ => self.account().map(Conversation::Account),
        }
    }

    /// Has its ciphertexts.
    pub(crate) fn is_sealed(&self) -> bool {
        !self.copies.is_empty() || !self.frame.is_empty()
    }

    /// What the server is to keep for the readers of what this row says.
    pub(crate) fn set_files(&mut self, body: &ContentBody) {
        self.files = if self.without_files {
            Vec::new()
        } else {
            files_of(body).iter().flat_map(|file| file.0).collect()
        };
    }

    pub(crate) fn named_files(&self) -> Result<Vec<FileId>, Error> {
        let file = |file: &[u8]| file.try_into().map(FileId).map_err(|_| Error::Damaged(Self::NAME));
        self.files.chunks(16).map(file).collect()
    }

    fn to_outbound(&self) -> Result<Option<Outbound>, Error> {
        if self.frame.is_empty() {
            return self.to_send().map(|send| Some(Outbound::Account(send)));
        }
        Ok(self.to_group_send()?.map(Outbound::Group))
    }

    /// What a row to a group was encrypted as; `None` before that.
    pub(crate) fn to_group_send(&self) -> Result<Option<GroupSend>, Error> {
        if self.frame.is_empty() {
            return Ok(None);
        }
        let frame = ClientFrame::decode(Bytes::copy_from_slice(&self.frame));
        let frame = frame.map_err(|_| Error::Damaged(Self::NAME))?;
        Ok(frame.group_sends.into_iter().next())
    }

    /// The epoch of its group in which a row was last encrypted; `None`: it never was.
    pub(crate) fn last_epoch(&self) -> Option<u64> {
        let send = self.to_group_send().ok().flatten();
        send.map(|send| send.epoch).or_else(|| (self.epoch > 0).then_some(self.epoch))
    }

    /// The part of the message that goes next: copies that the server does not have, as many as fit a frame.
    fn next_part(&self) -> Vec<u32> {
        let mut bytes = 0;
        let mut part = Vec::new();
        for copy in self.copies.iter().filter(|copy| !copy.sent) {
            bytes += copy.ciphertext.len() + COPY_BYTES;
            if !part.is_empty() && bytes > MAX_PLAINTEXT_BYTES - PART_SLACK_BYTES {
                break;
            }
            part.push(copy.device);
        }
        part
    }

    /// No copy remains after the next part.
    fn is_last_part(&self) -> bool {
        self.next_part().len() == self.copies.iter().filter(|copy| !copy.sent).count()
    }

    /// The server has taken the part that was under way.
    fn part_taken(&mut self) {
        let part = self.next_part();
        for copy in self.copies.iter_mut().filter(|copy| part.contains(&copy.device)) {
            copy.sent = true;
            copy.ciphertext.clear();
        }
    }

    fn to_send(&self) -> Result<Send, Error> {
        let part = self.next_part();
        let (copies, others): (Vec<_>, Vec<_>) =
            self.copies.iter().partition(|copy| part.contains(&copy.device));
        let others = others.into_iter().chain(&self.others);
        Ok(Send {
            id: MessageId(self.id),
            to: self.account()?,
            copies: copies.into_iter().map(CopyRow::to_copy).collect::<Result<_, _>>()?,
            // The archive goes on when a part of it is known to be stored.
            silent: !matches!(Kind::read(self.kind)?, Kind::Text | Kind::Archive),
            attempt: self.attempt,
            others: others.map(CopyRow::to_target).collect::<Result<_, _>>()?,
            files: self.named_files()?,
        })
    }
}

impl CopyRow {
    pub(crate) fn new(device: DeviceId, registration_id: u32, kind: EnvelopeKind, bytes: &[u8]) -> Self {
        let kind = match kind {
            EnvelopeKind::Whisper => 0,
            EnvelopeKind::Prekey => 1,
            EnvelopeKind::Plaintext | EnvelopeKind::SenderKey => 2,
        };
        Self {
            device: device.number().into(),
            registration_id,
            kind,
            ciphertext: bytes.to_vec(),
            sent: false,
        }
    }

    fn to_target(&self) -> Result<(DeviceId, u16), Error> {
        const DAMAGED: Error = Error::Damaged(OutboxRow::NAME);
        let device = u8::try_from(self.device).ok().and_then(DeviceId::new).ok_or(DAMAGED)?;
        Ok((device, u16::try_from(self.registration_id).map_err(|_| DAMAGED)?))
    }

    fn to_copy(&self) -> Result<Copy, Error> {
        const DAMAGED: Error = Error::Damaged(OutboxRow::NAME);
        let (device, registration_id) = self.to_target()?;
        let kind = match self.kind {
            0 => EnvelopeKind::Whisper,
            1 => EnvelopeKind::Prekey,
            2 => EnvelopeKind::Plaintext,
            _ => return Err(DAMAGED),
        };
        Ok(Copy { device, registration_id, kind, ciphertext: Bytes::copy_from_slice(&self.ciphertext) })
    }
}

impl Client {
    /// Puts a row at the end, or says that the outbox is full.
    pub(crate) fn enqueue(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<bool, Error> {
        let shown = row.kind == Kind::Text as u32 && !row.resend;
        let most = if shown { MAX_OUTBOX } else { MAX_OUTBOX + MAX_OUTBOX_SILENT };
        if self.outbox.len() >= most {
            return Ok(false);
        }
        let order = self.counters.next_outbox;
        self.counters.next_outbox = order.saturating_add(1);
        self.outbox.insert(order, row)?;
        turn.store.save(Key::Outbox(order), row);
        Ok(true)
    }

    /// A name that no message of this device has.
    pub(crate) fn fresh_id(&self, turn: &mut Turn<'_>) -> Result<MessageId, Error> {
        loop {
            let id = MessageId(turn.rng.next_u64());
            let taken = self.outbox.order_of(id).is_some() || self.silent.contains_key(&id);
            if !taken && turn.store.load::<crate::record::SentRow>(&Key::Sent(id))?.is_none() {
                return Ok(id);
            }
        }
    }

    pub(crate) fn outbox_row(&self, turn: &Turn<'_>, order: u64) -> Result<OutboxRow, Error> {
        turn.store.load(&Key::Outbox(order))?.ok_or(Error::Damaged(OutboxRow::NAME))
    }

    pub(crate) fn drop_row(&mut self, turn: &mut Turn<'_>, order: u64) {
        self.outbox.remove(order);
        turn.store.delete(Key::Outbox(order));
    }

    /// Puts on the wire what may go now.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if self.link.online().is_none() {
            return Ok(());
        }
        self.maintain_prekeys(turn)?;
        self.maintain_list(turn)?;
        self.pump_lookups(turn);
        self.pump_wishes(turn);
        self.pump_archives(turn)?;
        if self.hold_all.is_some() {
            self.pump_refetch(turn);
            return Ok(());
        }
        let mut blocked: BTreeSet<Conversation> = self.holds.keys().copied().collect();
        let mut bytes = self.link.online().map_or(0, |up| up.flight.values().map(|one| one.bytes).sum());
        let mut from = 0;
        while let Some((order, place)) = self.outbox.next(from) {
            from = order.saturating_add(1);
            let Some(up) = self.link.online() else { break };
            if let Some(flight) = up.flight.get(&place.id) {
                // What comes later must not overtake the parts that remain.
                if flight.unsealed || !flight.last {
                    blocked.insert(place.to);
                }
                continue;
            }
            if blocked.contains(&place.to) {
                continue;
            }
            if up.flight.len() >= MAX_SENDS_IN_FLIGHT || bytes >= MAX_BYTES_IN_FLIGHT {
                break;
            }
            match self.launch(turn, order, place)? {
                Launch::Sent { size, last } => {
                    bytes += size;
                    if !last {
                        blocked.insert(place.to);
                    }
                }
                Launch::Waits => {
                    blocked.insert(place.to);
                }
                Launch::Gone => {}
            }
        }
        self.pump_refetch(turn);
        Ok(())
    }

    /// Encrypts a row if that is still to be done, and sends it.
    fn launch(&mut self, turn: &mut Turn<'_>, order: u64, place: Place) -> Result<Launch, Error> {
        let mut row = self.outbox_row(turn, order)?;
        if place.sealed && row.may_be_taken() {
            turn.store.save(Key::Outbox(order), &row);
        }
        if !place.sealed {
            let sealed = match place.to {
                Conversation::Account(_) | Conversation::Status(_) => self.seal(turn, order, &mut row)?,
                Conversation::Group(_) => self.seal_group(turn, order, &mut row)?,
            };
            match sealed {
                Seal::Done => {
                    turn.store.save(Key::Outbox(order), &row);
                    if let Some(place) = self.outbox.places.get_mut(&order) {
                        place.sealed = true;
                    }
                }
                Seal::NeedsBundles(devices) => {
                    if let Conversation::Account(account) = place.to {
                        self.want_bundles(turn, account, devices);
                    }
                    return Ok(Launch::Waits);
                }
                Seal::NeedsDevices => {
                    if let Conversation::Account(account) = place.to {
                        self.refetch.insert(account);
                    }
                    return Ok(Launch::Waits);
                }
                Seal::Waits => return Ok(Launch::Waits),
                Seal::Fails => {
                    self.fail_row(turn, order)?;
                    return Ok(Launch::Gone);
                }
                Seal::Pointless => {
                    self.drop_row(turn, order);
                    if row.kind == Kind::SenderKey as u32 {
                        self.key_given(turn, &row, false)?;
                    }
                    self.brought_nothing(turn, &row)?;
                    return Ok(Launch::Gone);
                }
            }
        }
        let (bytes, send) = match row.to_outbound()? {
            Some(Outbound::Account(send)) if send.fits() => (send.encoded_bytes(), Outbound::Account(send)),
            Some(Outbound::Group(send)) if send.fits() => (send.encoded_bytes(), Outbound::Group(send)),
            _ => {
                self.fail_row(turn, order)?;
                return Ok(Launch::Gone);
            }
        };
        let last = row.is_last_part();
        let copies = row.copies.iter().chain(&row.others);
        let devices = copies.map(|copy| (copy.device, copy.registration_id)).collect();
        if let Some(up) = self.link.online() {
            let flight = Flight { order, bytes, since: turn.now, unsealed: false, last, devices };
            up.flight.insert(MessageId(row.id), flight);
            self.counters.emitted = self.counters.emitted.saturating_add(1);
            turn.out.sends.push(send);
        }
        Ok(Launch::Sent { size: bytes, last })
    }

    /// Takes an answered message out of flight.
    fn land(&mut self, id: MessageId) -> Option<Flight> {
        self.link.online()?.flight.remove(&id)
    }

    pub(crate) fn accepted(&mut self, turn: &mut Turn<'_>, id: MessageId) -> Result<(), Error> {
        let Some(flight) = self.land(id) else { return Ok(()) };
        let mut row = self.outbox_row(turn, flight.order)?;
        // One part is under way at a time.
        if !flight.last {
            if !flight.unsealed {
                row.part_taken();
                turn.store.save(Key::Outbox(flight.order), &row);
            }
            return Ok(());
        }
        self.drop_row(turn, flight.order);
        if let Conversation::Group(_) = row.target()? {
            return self.group_accepted(turn, &row);
        }
        if row.resend {
            return Ok(());
        }
        self.remember_sent(turn, &row)?;
        if row.kind == Kind::SenderKey as u32 {
            self.key_given(turn, &row, true)?;
        }
        if row.kind == Kind::Text as u32 {
            self.raise_sent(turn, id, row.account()?, Delivery::Sent)?;
        }
        self.status_brought(turn, &row, true)?;
        if row.again > 0 { self.resend(turn, id, row.again, None) } else { Ok(()) }
    }

    pub(crate) fn refused(&mut self, turn: &mut Turn<'_>, refused: &Refused) -> Result<(), Error> {
        let Some(flight) = self.land(refused.id) else { return Ok(()) };
        let order = flight.order;
        let Some((_, place)) = self.outbox.next(order).filter(|(found, _)| *found == order) else {
            return Ok(());
        };
        match refused.reject.code {
            RejectCode::FileGone => self.files_gone(turn, order, place.to, &refused.files_gone)?,
            RejectCode::DeviceMismatch => self.mismatch(turn, order, place, &refused.mismatch)?,
            // What was refused is encrypted anew anyhow, after an earlier message: nothing is learnt from it
            // that the refusal of that one did not say.
            RejectCode::GroupMismatch if flight.unsealed && place.kind == Kind::Text => {}
            RejectCode::GroupMismatch | RejectCode::UnknownGroup | RejectCode::NotAllowed
                if matches!(place.to, Conversation::Group(_)) =>
            {
                self.group_refused(turn, order, refused)?;
            }
            RejectCode::MailboxFull => {
                self.holds.insert(place.to, turn.now.plus(hold_ms(&refused.reject)));
            }
            RejectCode::StorageFull | RejectCode::RateLimited | RejectCode::Unavailable => {
                self.hold_all = Some(turn.now.plus(hold_ms(&refused.reject)));
            }
            _ if refused.reject.retry_after_ms > 0 => {
                self.holds.insert(place.to, turn.now.plus(hold_ms(&refused.reject)));
            }
            _ => self.fail_row(turn, order)?,
        }
        Ok(())
    }

    /// The server knows other devices of the account than this device encrypted for.
    fn mismatch(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        place: Place,
        mismatch: &DeviceMismatch,
    ) -> Result<(), Error> {
        let Conversation::Account(account) = place.to else { return self.fail_row(turn, order) };
        let mut row = self.outbox_row(turn, order)?;
        row.tries += 1;
        if row.tries > MAX_TRIES {
            return self.fail_row(turn, order);
        }
        turn.store.save(Key::Outbox(order), &row);
        let devices = self.drop_devices(turn, account, &mismatch.extra)?;
        let only_extra = mismatch.missing.is_empty() && mismatch.stale.is_empty();
        if !only_extra || mismatch.extra.is_empty() || devices.active(turn.now).next().is_none() {
            self.refetch.insert(account);
        }
        self.unseal(turn, order, place.to)
    }

    /// The database is an older copy of itself: every row is to be encrypted anew. The server may have taken
    /// it already, and the receipt for it may have gone to the other life of this device; as an attempt of
    /// its own it is stored, and earns its receipt, again. Its recipient shows it once.
    pub(crate) fn unseal_all(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let orders: Vec<u64> = self.outbox.places.keys().copied().collect();
        for order in orders {
            let mut row = self.outbox_row(turn, order)?;
            // Drawn, because the other life may have counted on too.
            row.attempt = row.attempt.saturating_add(1 + turn.rng.next_u32() % ATTEMPTS_SKIPPED);
            row.may_be_taken();
            self.unseal_row(turn, order, row);
        }
        Ok(())
    }

    /// Rows from one on, to one account, are to be encrypted anew, in order.
    pub(crate) fn unseal(&mut self, turn: &mut Turn<'_>, from: u64, to: Conversation) -> Result<(), Error> {
        let sealed = self.outbox.places.range(from..).filter(|(_, place)| place.sealed && place.to == to);
        let orders: Vec<u64> = sealed.map(|(order, _)| *order).collect();
        for order in orders {
            let row = self.outbox_row(turn, order)?;
            self.unseal_row(turn, order, row);
        }
        Ok(())
    }

    fn unseal_row(&mut self, turn: &mut Turn<'_>, order: u64, mut row: OutboxRow) {
        row.epoch = row.last_epoch().unwrap_or(row.epoch);
        row.copies.clear();
        row.others.clear();
        row.frame.clear();
        turn.store.save(Key::Outbox(order), &row);
        if let Some(place) = self.outbox.places.get_mut(&order) {
            place.sealed = false;
        }
        if let Some(flight) = self.link.up().and_then(|up| up.flight.get_mut(&MessageId(row.id))) {
            flight.unsealed = true;
        }
    }

    /// Gives a row up.
    pub(crate) fn fail_row(&mut self, turn: &mut Turn<'_>, order: u64) -> Result<(), Error> {
        let row = self.outbox_row(turn, order)?;
        self.drop_row(turn, order);
        if !row.group.is_empty() {
            return self.group_failed(turn, &row);
        }
        if row.kind == Kind::Text as u32 && !row.resend {
            self.raise_sent(turn, MessageId(row.id), row.account()?, Delivery::Failed)?;
        }
        if row.kind == Kind::Archive as u32 {
            self.part_failed(turn, &row)?;
        }
        self.brought_nothing(turn, &row)
    }

    /// A row has gone out of the outbox, and nobody got it.
    fn brought_nothing(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        if row.kind == Kind::Profile as u32 {
            self.left_untold(turn, row)?;
        }
        self.status_brought(turn, row, false)
    }

    /// Gives up every row to an account that is not in flight.
    pub(crate) fn fail_account(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        let rows = self.outbox.places.iter().filter(|(_, place)| place.to == Conversation::Account(account));
        let rows: Vec<(u64, MessageId)> = rows.map(|(order, place)| (*order, place.id)).collect();
        for (order, id) in rows {
            if self.link.up().is_none_or(|up| !up.flight.contains_key(&id)) {
                self.fail_row(turn, order)?;
            }
        }
        Ok(())
    }

    /// The bundles of an account were of no use: tries again later, a bounded number of times.
    pub(crate) fn strike(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        let first = self
            .outbox
            .places
            .iter()
            .find(|(_, place)| place.to == Conversation::Account(account) && !place.sealed);
        if let Some((&order, _)) = first {
            let mut row = self.outbox_row(turn, order)?;
            row.tries += 1;
            if row.tries > MAX_TRIES {
                self.fail_row(turn, order)?;
            } else {
                turn.store.save(Key::Outbox(order), &row);
            }
        }
        self.hold(turn, Conversation::Account(account), HOLD_MS);
        Ok(())
    }

    pub(crate) fn hold(&mut self, turn: &Turn<'_>, to: Conversation, pause_ms: u64) {
        self.holds.insert(to, turn.now.plus(pause_ms));
    }

    /// Ends pauses that are over, or that a clock that went back would stretch.
    pub(crate) fn end_holds(&mut self, now: crate::Time) {
        let over = |until: &crate::Time| *until <= now || *until > now.plus(HOLD_MAX_MS);
        self.holds.retain(|_, until| !over(until));
        self.hold_all = self.hold_all.filter(|until| !over(until));
    }

    /// When [`Self::end_holds`] has something to do.
    pub(crate) fn holds_end_at(&self) -> Option<crate::Time> {
        self.holds.values().chain(&self.hold_all).min().copied()
    }
}

enum Launch {
    /// So many bytes; another part of it may come after.
    Sent {
        size: usize,
        last: bool,
    },
    Waits,
    Gone,
}

pub(crate) fn hold_ms(reject: &Reject) -> u64 {
    if reject.retry_after_ms == 0 { HOLD_MS } else { reject.retry_after_ms.clamp(HOLD_MIN_MS, HOLD_MAX_MS) }
}
