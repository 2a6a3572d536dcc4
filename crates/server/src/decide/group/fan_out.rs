use std::collections::BTreeMap;

use waxwing_wire::{AccountId, DeviceAddress, GroupId};

use crate::item::Reference;
use crate::limits::{BLOB_MARGIN_MS, FAN_OUT_MS, NOTED_ACCOUNTS, RECEIPT_ROOM_FACTOR};
use crate::row::{BlobId, OnItsWay, ReferencesRow, Row};
use crate::{Append, Batch, Command, Effect, FanOut, Key, Keys, Piece, Settings, Shard, Step, Time, View};

pub(in crate::decide) fn reads_delivery(fan_out: &FanOut) -> Keys {
    let mailboxes: Vec<DeviceAddress> = mailboxes(fan_out).collect();
    let of_group = std::iter::once(Key::References(fan_out.blob));
    Keys {
        rows: mailboxes.iter().copied().map(Key::Mailbox).chain(of_group).collect(),
        dedupe: mailboxes.iter().map(|mailbox| fan_out.blob.dedupe(*mailbox)).collect(),
        range: None,
    }
}

pub(in crate::decide) fn reads_finish(fan_out: &FanOut) -> Keys {
    let mut keys = reads_release(&[fan_out.blob]);
    if fan_out.change {
        keys.rows.push(Key::Group(fan_out.blob.group));
    }
    keys
}

pub(in crate::decide) fn reads_release(blobs: &[BlobId]) -> Keys {
    Keys { rows: blobs.iter().copied().map(Key::References).collect(), ..Keys::default() }
}

/// Mailboxes of the account whose turn it is.
fn mailboxes(fan_out: &FanOut) -> impl Iterator<Item = DeviceAddress> {
    let target = fan_out.targets.get(fan_out.next).into_iter();
    target.flat_map(|target| {
        let address = |device: &_| DeviceAddress { account: target.account, device: *device };
        target.devices.iter().map(address)
    })
}

/// What comes next for a message on its way.
pub(super) fn next(fan_out: FanOut) -> Command {
    let fan_out = Box::new(fan_out);
    match fan_out.next {
        next if next >= fan_out.targets.len() => Command::GroupFinish { fan_out },
        // Notes beside the first account say nothing.
        next if next > 0 && next.is_multiple_of(NOTED_ACCOUNTS) => Command::GroupNote { fan_out },
        _ => Command::GroupDeliver { fan_out },
    }
}

/// What comes next if others have served all accounts before this one; `None`: all there are.
fn skip(fan_out: &FanOut, from: Option<AccountId>) -> Step {
    let behind = |from| fan_out.targets.partition_point(|target| target.account < from);
    let served = from.map_or(fan_out.targets.len(), behind);
    let fan_out = FanOut { next: served.max(fan_out.next), ..fan_out.clone() };
    if fan_out.next < fan_out.targets.len() {
        return Step::next(Command::GroupDeliver { fan_out: Box::new(fan_out) });
    }
    Step::next(Command::GroupFinish { fan_out: Box::new(fan_out) })
}

fn on_its_way(blob: BlobId, view: &View) -> Option<&OnItsWay> {
    view.references(blob).and_then(|references| references.on_its_way.as_ref())
}

/// References for one account. References are small: they may fill a mailbox further than messages may. A
/// device whose mailbox is full even so goes without.
pub(in crate::decide) fn deliver(fan_out: &FanOut, view: &View, settings: &Settings) -> Step {
    let FanOut { blob, epoch, accepted_at_ms, silent, .. } = *fan_out;
    let Some(target) = fan_out.targets.get(fan_out.next) else {
        return Step::next(next(fan_out.clone()));
    };
    // Somebody else may be at it too, and be further.
    let Some(way) = on_its_way(blob, view) else { return skip(fan_out, None) };
    if way.from.is_some_and(|from| target.account < from) {
        return skip(fan_out, way.from);
    }
    let reference = Reference { blob, accepted_at_ms, silent, epoch }.encode();
    let bytes = reference.len() as u64;
    let mut batch = Batch::of_rows(Shard::Mailboxes(target.account), Vec::new());
    for mailbox in mailboxes(fan_out) {
        let dedupe = blob.dedupe(mailbox);
        if view.dedupe.contains_key(&dedupe) || way.had.binary_search(&mailbox).is_ok() {
            continue;
        }
        let mut row = view.mailbox(mailbox).unwrap_or_default();
        if row.has_room(bytes, settings, RECEIPT_ROOM_FACTOR) {
            let seq = row.append(bytes, settings);
            batch.appends.push(Append { mailbox, seq, item: reference.clone(), dedupe: Some(dedupe) });
        } else {
            row.skipped += 1;
        }
        batch.rows.push((Key::Mailbox(mailbox), Some(Row::Mailbox(row))));
    }
    let mut fan_out = fan_out.clone();
    fan_out.next += 1;
    fan_out.appended += batch.appends.len() as u64;
    let live = |append: &Append| Effect::Appended {
        mailbox: append.mailbox,
        seq: append.seq,
        item: fan_out.item.clone(),
    };
    let mut effects: Vec<Effect> = batch.appends.iter().map(live).collect();
    effects.push(Effect::Continue(next(fan_out)));
    Step { batch: (!batch.rows.is_empty()).then_some(batch), effects }
}

/// All accounts before the next one have it.
pub(in crate::decide) fn note(fan_out: &FanOut, view: &View) -> Step {
    let blob = fan_out.blob;
    let Some(target) = fan_out.targets.get(fan_out.next) else {
        return Step::next(next(fan_out.clone()));
    };
    let Some(mut references) = view.references(blob).cloned() else { return skip(fan_out, None) };
    let Some(way) = &mut references.on_its_way else { return skip(fan_out, None) };
    if way.from.is_some_and(|from| target.account <= from) {
        return skip(fan_out, way.from);
    }
    way.from = Some(target.account);
    way.had.retain(|mailbox| mailbox.account >= target.account);
    let rows = vec![(Key::References(blob), Some(Row::References(references)))];
    Step {
        batch: Some(Batch::of_rows(Shard::Group(blob.group), rows)),
        ..skip(fan_out, Some(target.account))
    }
}

/// Entries that refer to blobs are about to go from a mailbox.
pub(in crate::decide) fn note_had(
    mailbox: DeviceAddress,
    group: GroupId,
    blobs: &[BlobId],
    view: &View,
) -> Step {
    let noted = |blob: &BlobId| {
        let mut references = view.references(*blob)?.clone();
        let way = references.on_its_way.as_mut()?;
        let at = way.had.binary_search(&mailbox).err()?;
        let further = way.from.is_some_and(|from| mailbox.account < from);
        way.had.insert(at, mailbox);
        (!further).then_some((Key::References(*blob), Some(Row::References(references))))
    };
    let rows: Vec<_> = blobs.iter().filter_map(noted).collect();
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Group(group), rows));
    Step { batch, effects: Vec::new() }
}

/// Everybody has it.
pub(in crate::decide) fn finish(fan_out: &FanOut, view: &View) -> Step {
    let FanOut { conn, blob, reserved, appended, .. } = *fan_out;
    let unused = reserved.saturating_sub(appended);
    let mut rows = Vec::new();
    if let Some(row) = view.references(blob).filter(|row| unused > 0 || row.on_its_way.is_some()) {
        rows = with_less(blob, unused, ReferencesRow { on_its_way: None, files: Vec::new(), ..row.clone() });
    }
    let pending = view
        .group(blob.group)
        .filter(|group| fan_out.change && group.pending.as_ref().is_some_and(|pending| pending.blob == blob));
    if let Some(group) = pending {
        let mut group = group.clone();
        group.pending = None;
        // The last has left.
        let gone = group.members.is_empty();
        rows.push((Key::Group(blob.group), (!gone).then_some(Row::Group(group))));
    }
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Group(blob.group), rows));
    let reply = conn.map(|conn| Effect::Reply { conn, piece: Piece::Accepted(blob.id) });
    Step { batch, effects: reply.into_iter().collect() }
}

/// Entries that referred to blobs are gone.
pub(in crate::decide) fn release(group: GroupId, blobs: &[BlobId], view: &View) -> Step {
    let mut counts: BTreeMap<BlobId, u64> = BTreeMap::new();
    for blob in blobs {
        *counts.entry(*blob).or_default() += 1;
    }
    let after = |(blob, count)| Some(with_less(blob, count, view.references(blob)?.clone()));
    let rows: Vec<_> = counts.into_iter().filter_map(after).flatten().collect();
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Group(group), rows));
    Step { batch, effects: Vec::new() }
}

/// The rows of a blob with so many references less. One that is everywhere, and to which nothing refers any more,
/// goes.
fn with_less(blob: BlobId, count: u64, before: ReferencesRow) -> Vec<(Key, Option<Row>)> {
    let count = before.count.saturating_sub(count);
    if count == 0 && before.on_its_way.is_none() {
        return vec![(Key::Blob(blob), None), (Key::References(blob), None)];
    }
    vec![(Key::References(blob), Some(Row::References(ReferencesRow { count, ..before })))]
}

/// No mailbox entry can refer to it any more, if the sweep has been everywhere. Before that: what is still not
/// everywhere is gone on with, since its sender may never come back.
pub(in crate::decide) fn expire(blob: BlobId, view: &View, now: Time, settings: &Settings) -> Step {
    let Some(references) = view.references(blob) else { return Step::default() };
    let kept_ms = settings.retention_ms.saturating_add(BLOB_MARGIN_MS);
    if references.accepted_at_ms.saturating_add(kept_ms) <= now.0 {
        let rows = vec![(Key::Blob(blob), None), (Key::References(blob), None)];
        return Step { batch: Some(Batch::of_rows(Shard::Group(blob.group), rows)), effects: Vec::new() };
    }
    let cut_off = references.on_its_way.as_ref().is_some_and(|way| way.from.is_some())
        && references.accepted_at_ms.saturating_add(FAN_OUT_MS) <= now.0;
    match view.group(blob.group).filter(|_| cut_off) {
        None => Step::default(),
        Some(group) if group.pending.as_ref().is_some_and(|pending| pending.blob == blob) => {
            Step::next(Command::GroupResume { group: blob.group })
        }
        Some(group) => {
            let accounts = super::accounts_since(group, references.epoch);
            Step::next(Command::GroupCompare { sender: None, blob, taken: true, accounts })
        }
    }
}
