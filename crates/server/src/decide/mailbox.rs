use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use waxwing_wire::limits::MAX_IDS_PER_RECEIPT;
use waxwing_wire::server_frame::Receipt;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, MessageId};

use super::account::seen_now;
use crate::item::{Reference, Stored};
use crate::limits::{MAX_RECEIPTS_PER_SETTLE, RECEIPT_ROOM_FACTOR, TRIM_ENTRIES};
use crate::row::{BlobId, MailboxRow, Row};
use crate::{
    Append, Batch, Command, DedupeKey, Effect, Fate, Gone, Key, Keys, MailboxRange, Settings, Shard, Step,
    Time, Trim, View, item,
};

pub(super) fn reads_row(mailbox: DeviceAddress) -> Keys {
    Keys { rows: vec![Key::Mailbox(mailbox)], ..Keys::default() }
}

pub(super) fn reads_row_and_account(mailbox: DeviceAddress) -> Keys {
    Keys { rows: vec![Key::Mailbox(mailbox), Key::Account(mailbox.account)], ..Keys::default() }
}

pub(super) fn reads_row_and_seen(mailbox: DeviceAddress) -> Keys {
    Keys { rows: vec![Key::Mailbox(mailbox), Key::Seen(mailbox.account)], ..Keys::default() }
}

pub(super) fn reads_receipt(account: AccountId, devices: &[DeviceId]) -> Keys {
    let mut rows = vec![Key::Account(account)];
    rows.extend(devices.iter().map(|device| Key::Mailbox(DeviceAddress { account, device: *device })));
    Keys { rows, ..Keys::default() }
}

pub(super) fn reads_entries(mailbox: DeviceAddress, from: u64, up_to: u64) -> Keys {
    let range = MailboxRange { mailbox, from, up_to, max_entries: TRIM_ENTRIES };
    Keys { range: Some(range), ..reads_row(mailbox) }
}

/// Looks where the mailbox begins, so that the entries are read from there: an engine would have to walk
/// over the remains of all that ever was in the mailbox otherwise.
pub(super) fn stored(mailbox: DeviceAddress, up_to: u64, undecryptable: &[u64], view: &View) -> Step {
    let Some(mut row) = view.mailbox(mailbox) else { return Step::default() };
    let up_to = up_to.min(row.last);
    if up_to > row.settled {
        let fate = Fate::Stored { undecryptable: undecryptable.to_vec() };
        return Step::next(Command::Settle { mailbox, from: row.settled + 1, up_to, fate });
    }
    // Expired before the device said so.
    if up_to > row.acknowledged {
        row.acknowledged = up_to;
        return Step { batch: Some(batch_of(mailbox, row)), effects: Vec::new() };
    }
    Step::default()
}

/// As [`stored`], for what has waited too long. The mailbox of a device that is not the account's any more is
/// purged: its removal was cut off, or a message crossed it.
pub(super) fn expire(mailbox: DeviceAddress, view: &View) -> Step {
    let Some(row) = view.mailbox(mailbox) else { return Step::default() };
    if let Some(account) = view.account(mailbox.account)
        && account.device(mailbox.device).is_none()
    {
        return Step::only(match account.leaving.iter().find(|(device, _)| *device == mailbox.device) {
            Some(leaving) => super::devices::clear_away(None, mailbox.account, &[*leaving]),
            None => vec![Effect::Continue(Command::Purge { mailbox })],
        });
    }
    if row.entries == 0 {
        return Step::default();
    }
    Step::next(Command::Settle { mailbox, from: row.settled + 1, up_to: row.last, fate: Fate::Expired })
}

/// Everything in the mailbox goes, and then the mailbox.
pub(super) fn purge(mailbox: DeviceAddress, view: &View) -> Step {
    let Some(row) = view.mailbox(mailbox) else { return Step::default() };
    if row.settled < row.last {
        let settle = Command::Settle { mailbox, from: row.settled + 1, up_to: row.last, fate: Fate::Removed };
        return Step::only(vec![Effect::Continue(settle), Effect::Continue(Command::Purge { mailbox })]);
    }
    let mut rows = vec![(Key::Mailbox(mailbox), None)];
    rows.extend(super::account::seen_no_more(mailbox, view));
    let batch = Batch::of_rows(Shard::Mailboxes(mailbox.account), rows);
    Step { batch: Some(batch), effects: Vec::new() }
}

/// Receipts first, then the entries go, then what is left over. Messages to groups that are not everywhere yet
/// are told apart before their entries go, which were what told them. A crash in between doubles receipts, which
/// is harmless, and never loses one.
pub(super) fn settle(
    mailbox: DeviceAddress,
    up_to: u64,
    fate: &Fate,
    view: &View,
    now: Time,
    settings: &Settings,
) -> Step {
    let Some(row) = view.mailbox(mailbox) else { return Step::default() };
    let up_to = up_to.min(row.last);
    if up_to <= row.settled {
        return Step::default();
    }
    let entries = view.entries.iter().filter(|(seq, _)| *seq > row.settled && *seq <= up_to);
    let mut settling = Settling::new(mailbox);
    let outcome = match fate {
        Fate::Stored { undecryptable } => settling.take_stored(entries, undecryptable),
        Fate::Expired => settling.take_expired(entries, now, settings.retention_ms),
        Fate::Removed => settling.take_silently(entries),
    };
    let (end, more) = match (fate, outcome) {
        // Everything that is there has been taken. Numbers without entries behind it go as well.
        (Fate::Stored { .. } | Fate::Removed, Taken::All) if view.entries.len() < TRIM_ENTRIES => {
            (up_to, false)
        }
        (_, Taken::Some) => (settling.last_taken(), false),
        (_, Taken::All) => (settling.last_taken(), view.entries.len() == TRIM_ENTRIES),
        (_, Taken::NoRoom) => (settling.last_taken(), true),
    };
    if end <= row.settled {
        return Step::default();
    }
    let mut effects = settling.receipts(now, matches!(fate, Fate::Expired));
    let acknowledged = matches!(fate, Fate::Stored { .. });
    let had = blobs_of(&settling.gone);
    effects.extend(had.map(|(group, blobs)| Effect::Continue(Command::NoteHad { mailbox, group, blobs })));
    effects.push(Effect::Continue(Command::Trim { mailbox, up_to: end, gone: settling.gone, acknowledged }));
    if more && end < up_to {
        match fate {
            Fate::Stored { undecryptable } => {
                let undecryptable = undecryptable.iter().copied().filter(|seq| *seq > end).collect();
                effects.push(Effect::Continue(Command::Stored { mailbox, up_to, undecryptable }));
            }
            Fate::Expired => effects.push(Effect::Continue(Command::Expire { mailbox })),
            // The purge comes back by itself.
            Fate::Removed => {}
        }
    }
    Step::only(effects)
}

/// How far the entries were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// To the last that was read.
    All,
    /// To one whose time has not come.
    Some,
    /// To one that would need one receipt too many.
    NoRoom,
}

/// Entries that go, and the receipts they earn.
#[derive(Debug)]
struct Settling {
    mailbox: DeviceAddress,
    gone: Vec<Gone>,
    earned: BTreeMap<DeviceAddress, Vec<MessageId>>,
    receipts: usize,
}

impl Settling {
    fn new(mailbox: DeviceAddress) -> Self {
        Self { mailbox, gone: Vec::new(), earned: BTreeMap::new(), receipts: 0 }
    }

    fn take_stored<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a (u64, Bytes)>,
        undecryptable: &[u64],
    ) -> Taken {
        let undecryptable: BTreeSet<u64> = undecryptable.iter().copied().collect();
        for (seq, bytes) in entries {
            let read = item::read(bytes);
            if !self.take(*seq, bytes, read.as_ref(), !undecryptable.contains(seq)) {
                return Taken::NoRoom;
            }
        }
        Taken::All
    }

    fn take_silently<'a>(&mut self, entries: impl Iterator<Item = &'a (u64, Bytes)>) -> Taken {
        for (seq, bytes) in entries {
            self.take(*seq, bytes, item::read(bytes).as_ref(), false);
        }
        Taken::All
    }

    /// Damaged entries have no age. They go with the next one that expired, and stay behind the last.
    fn take_expired<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a (u64, Bytes)>,
        now: Time,
        retention_ms: u64,
    ) -> Taken {
        let mut damaged: Vec<Gone> = Vec::new();
        for (seq, bytes) in entries {
            let read = item::read(bytes);
            match &read {
                None => damaged.push(gone(self.mailbox, *seq, bytes, None)),
                Some(stored) if stored.since_ms().saturating_add(retention_ms) > now.0 => return Taken::Some,
                Some(_) => {
                    self.gone.append(&mut damaged);
                    if !self.take(*seq, bytes, read.as_ref(), true) {
                        return Taken::NoRoom;
                    }
                }
            }
        }
        Taken::All
    }

    /// `false` if there is no room for the receipt that the entry earns; it is not taken then.
    fn take(&mut self, seq: u64, bytes: &Bytes, read: Option<&Stored>, receipt: bool) -> bool {
        if let Some((from, id)) = read.filter(|_| receipt).and_then(earns) {
            let ids = self.earned.entry(from).or_default();
            if ids.len().is_multiple_of(MAX_IDS_PER_RECEIPT) {
                if self.receipts == MAX_RECEIPTS_PER_SETTLE {
                    return false;
                }
                self.receipts += 1;
            }
            ids.push(id);
        }
        self.gone.push(gone(self.mailbox, seq, bytes, read));
        true
    }

    fn last_taken(&self) -> u64 {
        self.gone.last().map_or(0, |gone| gone.seq)
    }

    fn receipts(&self, now: Time, expired: bool) -> Vec<Effect> {
        let mut effects = Vec::with_capacity(self.receipts + 2);
        for (sender, ids) in &self.earned {
            for ids in ids.chunks(MAX_IDS_PER_RECEIPT) {
                let receipt = Receipt {
                    by: self.mailbox,
                    sent_by: sender.device,
                    ids: ids.to_vec(),
                    at_ms: now.0,
                    expired,
                };
                effects.push(Effect::Continue(Command::PutReceipt {
                    account: sender.account,
                    // Right for an account with one device, as most are.
                    devices: vec![sender.device],
                    item: item::receipt(receipt),
                }));
            }
        }
        effects
    }
}

/// The message whose sender gets a receipt.
fn earns(stored: &Stored) -> Option<(DeviceAddress, MessageId)> {
    match stored {
        Stored::Envelope(envelope, _) if !envelope.silent => Some((envelope.from, envelope.id)),
        Stored::Reference(reference) if !reference.silent => Some((reference.blob.from, reference.blob.id)),
        _ => None,
    }
}

fn gone(mailbox: DeviceAddress, seq: u64, bytes: &Bytes, read: Option<&Stored>) -> Gone {
    let (dedupe, blob) = match read {
        Some(Stored::Envelope(envelope, attempt)) => {
            let dedupe = DedupeKey { mailbox, from: envelope.from, id: envelope.id, attempt: *attempt };
            (Some(dedupe), None)
        }
        Some(Stored::Reference(Reference { blob, .. })) => (Some(blob.dedupe(mailbox)), Some(*blob)),
        Some(Stored::Receipt(_)) | None => (None, None),
    };
    Gone { seq, bytes: bytes.len() as u64, dedupe, blob }
}

pub(super) fn trim(
    mailbox: DeviceAddress,
    up_to: u64,
    gone: &[Gone],
    acknowledged: bool,
    view: &View,
) -> Step {
    let Some(before) = view.mailbox(mailbox) else { return Step::default() };
    let mut row = before;
    let up_to = up_to.min(row.last);
    if acknowledged {
        row.acknowledged = row.acknowledged.max(up_to);
    }
    // Some may have gone since they were read: expiry and an acknowledgement can cross.
    let gone: Vec<Gone> =
        gone.iter().copied().filter(|gone| gone.seq > row.settled && gone.seq <= up_to).collect();
    row.entries = row.entries.saturating_sub(gone.len() as u64);
    row.bytes = row.bytes.saturating_sub(gone.iter().map(|gone| gone.bytes).sum());
    row.settled = row.settled.max(up_to);
    if row == before {
        return Step::default();
    }
    let batch = Batch { trims: runs(mailbox, &gone), ..batch_of(mailbox, row) };
    let mut effects = vec![Effect::Trimmed { mailbox, up_to }];
    effects.extend(releases(&gone));
    Step { batch: Some(batch), effects }
}

/// One step for each group. Only entries that really went count, so that no reference is given back twice.
fn releases(gone: &[Gone]) -> impl Iterator<Item = Effect> + use<> {
    blobs_of(gone).map(|(group, blobs)| Effect::Continue(Command::Release { group, blobs }))
}

/// Messages to groups, group by group.
fn blobs_of(gone: &[Gone]) -> impl Iterator<Item = (GroupId, Vec<BlobId>)> + use<> {
    let mut blobs: BTreeMap<GroupId, Vec<BlobId>> = BTreeMap::new();
    for blob in gone.iter().filter_map(|gone| gone.blob) {
        blobs.entry(blob.group).or_default().push(blob);
    }
    blobs.into_iter()
}

/// One trim for each run of numbers without a gap.
fn runs(mailbox: DeviceAddress, gone: &[Gone]) -> Vec<Trim> {
    let runs = gone.chunk_by(|a, b| a.seq + 1 == b.seq);
    let trim = |run: &[Gone]| {
        let (first, last) = (run.first()?, run.last()?);
        let dedupe = run.iter().filter_map(|gone| gone.dedupe).collect();
        Some(Trim { mailbox, from: first.seq, up_to: last.seq, dedupe })
    };
    runs.filter_map(trim).collect()
}

/// A receipt goes to all devices of the account, because all of them show its messages. One for a device
/// without a mailbox is for nobody: a device gets its mailbox when it first attaches, before it can send. One
/// for a mailbox that is full beyond what receipts may take is dropped.
pub(super) fn put_receipt(
    account: AccountId,
    devices: &[DeviceId],
    item: &Bytes,
    view: &View,
    settings: &Settings,
) -> Step {
    let Some(row) = view.account(account) else { return Step::default() };
    if !row.devices.iter().map(|device| &device.device).eq(devices) {
        let devices = row.devices.iter().map(|device| device.device).collect();
        return Step::next(Command::PutReceipt { account, devices, item: item.clone() });
    }
    let mut batch = Batch::of_rows(Shard::Mailboxes(account), Vec::new());
    for device in devices {
        let mailbox = DeviceAddress { account, device: *device };
        let Some(mut row) = view.mailbox(mailbox) else { continue };
        let bytes = item.len() as u64;
        if row.has_room(bytes, settings, RECEIPT_ROOM_FACTOR) {
            let seq = row.append(bytes, settings);
            batch.rows.push((Key::Mailbox(mailbox), Some(Row::Mailbox(row))));
            batch.appends.push(Append { mailbox, seq, item: item.clone(), dedupe: None });
        }
    }
    if batch.appends.is_empty() {
        return Step::default();
    }
    let effects = batch.appends.iter().map(Append::effect).collect();
    Step { batch: Some(batch), effects }
}

pub(super) fn detach(address: DeviceAddress, lease: u64, received: u64, view: &View, now: Time) -> Step {
    match view.mailbox(address) {
        // Otherwise a newer connection has the lease.
        Some(mut row) if row.lease == lease && row.received_in_lease != Some(received) => {
            row.received_in_lease = Some(received);
            let mut batch = batch_of(address, row);
            batch.rows.extend(seen_now(address, None, now, view));
            Step { batch: Some(batch), effects: Vec::new() }
        }
        _ => Step::default(),
    }
}

fn batch_of(mailbox: DeviceAddress, row: MailboxRow) -> Batch {
    let rows = vec![(Key::Mailbox(mailbox), Some(Row::Mailbox(row)))];
    Batch::of_rows(Shard::Mailboxes(mailbox.account), rows)
}
