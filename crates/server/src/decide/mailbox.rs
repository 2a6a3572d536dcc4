use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use waxwing_wire::limits::MAX_IDS_PER_RECEIPT;
use waxwing_wire::server_frame::{Item, Receipt};
use waxwing_wire::{DeviceAddress, MessageId};

use crate::limits::{MAX_RECEIPTS_PER_SETTLE, RECEIPT_ROOM_FACTOR, TRIM_ENTRIES};
use crate::row::{MailboxRow, Row};
use crate::{
    Append, Batch, Command, DedupeKey, Effect, Fate, Gone, Key, Keys, MailboxRange, Settings, Shard, Step,
    Time, Trim, View, item,
};

pub(super) fn reads_row(mailbox: DeviceAddress) -> Keys {
    Keys { rows: vec![Key::Mailbox(mailbox)], ..Keys::default() }
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

/// As [`stored`], for what has waited too long.
pub(super) fn expire(mailbox: DeviceAddress, view: &View) -> Step {
    match view.mailbox(mailbox) {
        Some(row) if row.entries > 0 => Step::next(Command::Settle {
            mailbox,
            from: row.settled + 1,
            up_to: row.last,
            fate: Fate::Expired,
        }),
        _ => Step::default(),
    }
}

/// Receipts first, then the entries go, then what is left over. A crash in between doubles receipts, which
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
    };
    let (end, more) = match (fate, outcome) {
        // Everything that is there has been taken. Numbers without entries behind it go as well.
        (Fate::Stored { .. }, Taken::All) if view.entries.len() < TRIM_ENTRIES => (up_to, false),
        (_, Taken::Some) => (settling.last_taken(), false),
        (_, Taken::All) => (settling.last_taken(), view.entries.len() == TRIM_ENTRIES),
        (_, Taken::NoRoom) => (settling.last_taken(), true),
    };
    if end <= row.settled {
        return Step::default();
    }
    let mut effects = settling.receipts(now, matches!(fate, Fate::Expired));
    let acknowledged = matches!(fate, Fate::Stored { .. });
    effects.push(Effect::Continue(Command::Trim { mailbox, up_to: end, gone: settling.gone, acknowledged }));
    if more && end < up_to {
        effects.push(Effect::Continue(match fate {
            Fate::Stored { undecryptable } => {
                let undecryptable = undecryptable.iter().copied().filter(|seq| *seq > end).collect();
                Command::Stored { mailbox, up_to, undecryptable }
            }
            Fate::Expired => Command::Expire { mailbox },
        }));
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
                Some((item, _)) if since_ms(item).saturating_add(retention_ms) > now.0 => return Taken::Some,
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
    fn take(&mut self, seq: u64, bytes: &Bytes, read: Option<&(Item, u32)>, receipt: bool) -> bool {
        if let Some((Item::Envelope(envelope), _)) = read
            && receipt
            && !envelope.silent
        {
            let ids = self.earned.entry(envelope.from).or_default();
            if ids.len().is_multiple_of(MAX_IDS_PER_RECEIPT) {
                if self.receipts == MAX_RECEIPTS_PER_SETTLE {
                    return false;
                }
                self.receipts += 1;
            }
            ids.push(envelope.id);
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
                let receipt = Receipt { by: self.mailbox, ids: ids.to_vec(), at_ms: now.0, expired };
                let item = item::receipt(receipt);
                effects.push(Effect::Continue(Command::PutReceipt { mailbox: *sender, item }));
            }
        }
        effects
    }
}

fn gone(mailbox: DeviceAddress, seq: u64, bytes: &Bytes, read: Option<&(Item, u32)>) -> Gone {
    let dedupe = match read {
        Some((Item::Envelope(envelope), attempt)) => {
            Some(DedupeKey { mailbox, from: envelope.from, id: envelope.id, attempt: *attempt })
        }
        _ => None,
    };
    Gone { seq, bytes: bytes.len() as u64, dedupe }
}

fn since_ms(item: &Item) -> u64 {
    match item {
        Item::Envelope(envelope) => envelope.accepted_at_ms,
        Item::Receipt(receipt) => receipt.at_ms,
    }
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
    Step { batch: Some(batch), effects: vec![Effect::Trimmed { mailbox, up_to }] }
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

/// A receipt for a device without a mailbox is for nobody: a device gets its mailbox when it first attaches,
/// before it can send. One for a mailbox that is full beyond what receipts may take is dropped.
pub(super) fn put_receipt(mailbox: DeviceAddress, item: &Bytes, view: &View, settings: &Settings) -> Step {
    let Some(mut row) = view.mailbox(mailbox) else { return Step::default() };
    let bytes = item.len() as u64;
    if !row.has_room(bytes, settings, RECEIPT_ROOM_FACTOR) {
        return Step::default();
    }
    let append = Append { mailbox, seq: row.append(bytes, settings), item: item.clone(), dedupe: None };
    let effects = vec![append.effect()];
    Step { batch: Some(Batch { appends: vec![append], ..batch_of(mailbox, row) }), effects }
}

pub(super) fn detach(address: DeviceAddress, lease: u64, accepted: u64, view: &View) -> Step {
    match view.mailbox(address) {
        // Otherwise a newer connection has the lease.
        Some(mut row) if row.lease == lease && row.accepted_in_lease != Some(accepted) => {
            row.accepted_in_lease = Some(accepted);
            Step { batch: Some(batch_of(address, row)), effects: Vec::new() }
        }
        _ => Step::default(),
    }
}

fn batch_of(mailbox: DeviceAddress, row: MailboxRow) -> Batch {
    let rows = vec![(Key::Mailbox(mailbox), Some(Row::Mailbox(row)))];
    Batch::of_rows(Shard::Mailboxes(mailbox.account), rows)
}
