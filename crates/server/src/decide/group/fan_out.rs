use std::collections::BTreeMap;

use waxwing_wire::{DeviceAddress, GroupId};

use crate::item::Reference;
use crate::limits::{BLOB_MARGIN_MS, RECEIPT_ROOM_FACTOR};
use crate::row::{BlobId, ReferencesRow, Row};
use crate::{Append, Batch, Command, Effect, FanOut, Key, Keys, Piece, Settings, Shard, Step, Time, View};

pub(in crate::decide) fn reads_delivery(fan_out: &FanOut) -> Keys {
    let mailboxes: Vec<DeviceAddress> = mailboxes(fan_out).collect();
    Keys {
        rows: mailboxes.iter().copied().map(Key::Mailbox).collect(),
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
    if fan_out.next < fan_out.targets.len() {
        Command::GroupDeliver { fan_out }
    } else {
        Command::GroupFinish { fan_out }
    }
}

/// References for one account. References are small: they may fill a mailbox further than messages may. A
/// device whose mailbox is full even so goes without.
pub(in crate::decide) fn deliver(fan_out: &FanOut, view: &View, settings: &Settings) -> Step {
    let FanOut { blob, epoch, accepted_at_ms, silent, .. } = *fan_out;
    let Some(target) = fan_out.targets.get(fan_out.next) else {
        return Step::next(next(fan_out.clone()));
    };
    let reference = Reference { blob, accepted_at_ms, silent, epoch }.encode();
    let bytes = reference.len() as u64;
    let mut batch = Batch::of_rows(Shard::Mailboxes(target.account), Vec::new());
    for mailbox in mailboxes(fan_out) {
        let dedupe = blob.dedupe(mailbox);
        if view.dedupe.contains_key(&dedupe) {
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

/// Everybody has it.
pub(in crate::decide) fn finish(fan_out: &FanOut, view: &View) -> Step {
    let FanOut { conn, blob, reserved, appended, .. } = *fan_out;
    let mut rows = given_back(blob, reserved.saturating_sub(appended), view);
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
    let rows: Vec<_> = counts.into_iter().flat_map(|(blob, count)| given_back(blob, count, view)).collect();
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Group(group), rows));
    Step { batch, effects: Vec::new() }
}

/// A blob to which nothing refers any more goes.
fn given_back(blob: BlobId, count: u64, view: &View) -> Vec<(Key, Option<Row>)> {
    match view.references(blob).filter(|_| count > 0) {
        None => Vec::new(),
        Some(before) if before.count <= count => vec![(Key::Blob(blob), None), (Key::References(blob), None)],
        Some(before) => {
            let after = ReferencesRow { count: before.count - count, ..before };
            vec![(Key::References(blob), Some(Row::References(after)))]
        }
    }
}

/// No mailbox entry can refer to it any more, if the sweep has been everywhere.
pub(in crate::decide) fn expire(blob: BlobId, view: &View, now: Time, settings: &Settings) -> Step {
    let kept_ms = settings.retention_ms.saturating_add(BLOB_MARGIN_MS);
    let ended = view
        .references(blob)
        .is_some_and(|references| references.accepted_at_ms.saturating_add(kept_ms) <= now.0);
    let rows = vec![(Key::Blob(blob), None), (Key::References(blob), None)];
    Step { batch: ended.then(|| Batch::of_rows(Shard::Group(blob.group), rows)), effects: Vec::new() }
}
