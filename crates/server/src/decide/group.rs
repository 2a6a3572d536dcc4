//! Messages to groups, and changes of them: checked, stored once, and fanned out account by account.
//!
//! A message goes through `GroupSend` (may the sender?), `GroupCompare` (reads all members' accounts, and nothing
//! but reads), `GroupStore` (the message and, for a change, the group after it), `GroupDeliver` for each account,
//! and `GroupFinish`. A step that finds the group changed since the one before begins again.
//!
//! References are never counted too low. `GroupStore` reserves one for each device before any is given out;
//! `GroupFinish` gives back what this run did not use. A run that was cut off leaves some too many, and the blob
//! stays until it expires; whoever repeats the message reserves anew.
//!
//! A message comes into each mailbox once, however often its fan-out is begun again, and by however many at a time:
//! the entry's dedupe key tells while it is there, and the references' row (`OnItsWay`) which have gone before the
//! message was everywhere. Once it is, and its last reference has gone, the server forgets it: what is sent again
//! under the same id after that is a new message to it, which clients know from their history.

mod fan_out;
mod rules;

pub(super) use fan_out::{
    deliver, expire, finish, note, note_had, reads_delivery, reads_finish, reads_release, release,
};

use std::collections::BTreeSet;
use std::sync::Arc;

use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::{GroupToken, GroupView, MemberView, member_digest, view_digest};
use waxwing_wire::limits::{MAX_APPROVERS, MAX_PLAINTEXT_BYTES};
use waxwing_wire::server_frame::{
    DeviceMismatch, Envelope, GroupEnvelope, Item, Refused, ResponseBody, entry_bytes_bound,
};
use waxwing_wire::{AccountId, DeviceAddress, EnvelopeKind, GroupId, Reject, RejectCode};

use super::account::unknown_account;
use super::respond;
use crate::limits::RECENT_CHANGES;
use crate::row::{BlobId, BlobRow, GroupRow, OnItsWay, PendingChange, ReferencesRow, Row};
use crate::{
    Batch, Command, ConnId, Effect, FanOut, FileCommand, Key, Keys, Origin, Piece, Settings, Shard, Step,
    Target, Time, View, rejects,
};

/// Who waits for the answer, and what it sent.
pub(super) type Sender = Option<(ConnId, Box<GroupSend>)>;

pub(super) fn blob_of(from: DeviceAddress, send: &GroupSend) -> BlobId {
    BlobId { group: send.group, from, id: send.id, attempt: send.attempt }
}

pub(super) fn reads_group(group: GroupId) -> Keys {
    Keys { rows: vec![Key::Group(group)], ..Keys::default() }
}

pub(super) fn reads_message(blob: BlobId) -> Keys {
    Keys { rows: vec![Key::Group(blob.group), Key::References(blob)], ..Keys::default() }
}

pub(super) fn reads_accounts(blob: BlobId, taken: bool, accounts: &[AccountId]) -> Keys {
    let mut keys = reads_message(blob);
    if taken {
        keys.rows.push(Key::Blob(blob));
    }
    keys.rows.extend(accounts.iter().copied().map(Key::Account));
    keys
}

/// First step. A change that is not in all mailboxes yet goes first, whatever is asked of the group.
pub(super) fn send(conn: ConnId, from: DeviceAddress, send: &GroupSend, view: &View) -> Result<Step, Reject> {
    let blob = blob_of(from, send);
    let compare = |taken, accounts| {
        let sender = Some((conn, Box::new(send.clone())));
        Ok(Step::next(Command::GroupCompare { sender, blob, taken, accounts }))
    };
    let accepted = || Ok(Step::only(vec![Effect::Reply { conn, piece: Piece::Accepted(send.id) }]));
    let group = view.group(send.group);
    let pending = group.and_then(|group| group.pending.as_ref());
    if let Some(pending) = pending.filter(|pending| pending.blob != blob) {
        let again = Command::GroupSend { conn, from, send: Box::new(send.clone()) };
        let resume = Command::GroupResume { group: pending.blob.group };
        return Ok(Step::only(vec![Effect::Continue(resume), Effect::Continue(again)]));
    }
    if let (Some(group), Some(pending)) = (group, pending) {
        return compare(true, accounts_before(group, pending));
    }
    if group.is_some_and(|group| group.recent.contains(&(from, send.id))) {
        return accepted();
    }
    if let Some(references) = view.references(blob) {
        // Stored, but its sender does not know: it may not be in all mailboxes.
        let on_its_way = send.change.is_none() && references.on_its_way.is_some();
        let Some(group) = group.filter(|_| on_its_way) else { return accepted() };
        return compare(true, accounts_since(group, references.epoch));
    }
    match group {
        None if send.change.is_none() || send.epoch != 0 => Err(unknown_group()),
        None => compare(false, accounts_of(None, send)),
        Some(group) => {
            group.member(from.account).ok_or_else(unknown_group)?;
            compare(false, accounts_of(Some(group), send))
        }
    }
}

/// Second step.
pub(super) fn compare(
    sender: &Sender,
    blob: BlobId,
    taken: bool,
    accounts: &[AccountId],
    view: &View,
    now: Time,
    settings: &Settings,
) -> Result<Step, Reject> {
    if taken {
        return Ok(go_on(sender, blob, accounts, view, now, settings));
    }
    let Some((conn, send)) = sender else { return Ok(Step::default()) };
    let group = view.group(blob.group);
    if view.references(blob).is_some() || accounts_of(group, send) != accounts {
        return Ok(again(*conn, blob.from, send));
    }
    if group.map_or(0, |group| group.epoch) != send.epoch {
        return Ok(mismatch(*conn, send, group, view, now));
    }
    let members = match (&send.change, group) {
        (Some(change), _) => {
            if change.add.iter().any(|account| view.account(*account).is_none()) {
                return Err(unknown_account());
            }
            rules::changed(group, blob.from.account, change)?;
            let before = group.map(accounts_in).unwrap_or_default();
            if group.is_none() { vec![blob.from.account] } else { before }
        }
        (None, Some(group)) => {
            let digests = views(group, view, now).map(|member| (member.account, member.digest));
            if view_digest(digests) != send.view {
                return Ok(mismatch(*conn, send, Some(group), view, now));
            }
            accounts_in(group)
        }
        (None, None) => return Err(unknown_group()),
    };
    let epoch = send.epoch + u64::from(send.change.is_some());
    let envelope = Envelope {
        from: blob.from,
        id: send.id,
        kind: EnvelopeKind::SenderKey,
        ciphertext: send.ciphertext.clone(),
        accepted_at_ms: now.0,
        silent: send.silent,
        group: Some(GroupEnvelope { group: send.group, epoch, change: send.change.clone() }),
    };
    let item = Item::Envelope(envelope).encode();
    if entry_bytes_bound(item.len()) > MAX_PLAINTEXT_BYTES {
        return Err(Reject::new(
            RejectCode::TooLarge,
            "message and change do not fit into one frame: make several smaller changes",
        ));
    }
    let targets = targets(blob.from, &members, view, now);
    let fan_out = FanOut {
        conn: Some(*conn),
        blob,
        epoch,
        accepted_at_ms: now.0,
        silent: send.silent,
        item: item.into(),
        change: send.change.is_some(),
        reserved: devices_in(&targets),
        targets: targets.into(),
        next: 0,
        appended: 0,
    };
    let mailboxes = fan_out.mailboxes();
    let store = Command::GroupStore { sender: sender.clone(), taken, fan_out: Box::new(fan_out) };
    if send.files.is_empty() {
        return Ok(Step::next(store));
    }
    settings.files.as_ref().ok_or_else(rejects::not_offered)?;
    Ok(Step::next(FileCommand::refer(&send.files, mailboxes, false, store)))
}

/// The message is stored already.
fn go_on(
    sender: &Sender,
    blob: BlobId,
    accounts: &[AccountId],
    view: &View,
    now: Time,
    settings: &Settings,
) -> Step {
    let stored = view.blob(blob).and_then(|row| {
        let Ok(Item::Envelope(envelope)) = Item::decode(row.item.clone()) else { return None };
        Some((row.item.clone(), envelope.silent, envelope.accepted_at_ms, envelope.group?))
    });
    let conn = sender.as_ref().map(|(conn, _)| *conn);
    let Some((item, silent, accepted_at_ms, of)) = stored else {
        return lost(sender, blob);
    };
    let from = match view.references(blob).and_then(|references| references.on_its_way.as_ref()) {
        None => return Step::next(Command::GroupFinish { fan_out: Box::new(nothing(sender, blob)) }),
        Some(way) => way.from,
    };
    let mut targets = targets(blob.from, accounts, view, now);
    if let Some(from) = from {
        targets.retain(|target| target.account >= from);
    }
    let fan_out = FanOut {
        conn,
        blob,
        epoch: of.epoch,
        accepted_at_ms,
        silent,
        item,
        change: of.change.is_some(),
        reserved: devices_in(&targets),
        targets: targets.into(),
        next: 0,
        appended: 0,
    };
    let mailboxes = fan_out.mailboxes();
    let store = Command::GroupStore { sender: sender.clone(), taken: true, fan_out: Box::new(fan_out) };
    // Devices may have come since.
    let files = view.references(blob).map(|references| references.files.as_slice()).unwrap_or_default();
    if files.is_empty() || settings.files.is_none() {
        return Step::next(store);
    }
    Step::next(FileCommand::refer(files, mailboxes, true, store))
}

/// The blob has gone meanwhile: all that referred to it has been stored or has expired. A message is sent anew; a
/// change cannot be, and is over.
fn lost(sender: &Sender, blob: BlobId) -> Step {
    match sender {
        Some((conn, send)) if send.change.is_none() => again(*conn, blob.from, send),
        _ => Step::next(Command::GroupFinish { fan_out: Box::new(nothing(sender, blob)) }),
    }
}

/// A fan-out to nobody: ends a change.
fn nothing(sender: &Sender, blob: BlobId) -> FanOut {
    FanOut {
        conn: sender.as_ref().map(|(conn, _)| *conn),
        blob,
        epoch: 0,
        accepted_at_ms: 0,
        silent: true,
        item: bytes::Bytes::new(),
        change: true,
        targets: Arc::new([]),
        next: 0,
        reserved: 0,
        appended: 0,
    }
}

/// Third step.
pub(super) fn store(sender: &Sender, taken: bool, fan_out: &FanOut, view: &View) -> Result<Step, Reject> {
    let blob = fan_out.blob;
    let deliver = Effect::Continue(fan_out::next(fan_out.clone()));
    if taken {
        let Some(mut references) = view.references(blob).cloned() else { return Ok(lost(sender, blob)) };
        references.count = references.count.saturating_add(fan_out.reserved);
        let rows = vec![(Key::References(blob), Some(Row::References(references)))];
        return Ok(Step {
            batch: Some(Batch::of_rows(Shard::Group(blob.group), rows)),
            effects: vec![deliver],
        });
    }
    let Some((conn, send)) = sender else { return Ok(Step::default()) };
    let group = view.group(blob.group);
    // Another change, or another run of this very message, came in between.
    let overtaken = group.map_or(0, |group| group.epoch) != send.epoch
        || group.is_some_and(|group| group.pending.is_some())
        || view.references(blob).is_some();
    if overtaken {
        return Ok(again(*conn, blob.from, send));
    }
    let mut rows = Vec::new();
    if let Some(change) = &send.change {
        let mut after = rules::changed(group, blob.from.account, change)?;
        after.recent.push((blob.from, blob.id));
        if after.recent.len() > RECENT_CHANGES {
            after.recent.remove(0);
        }
        let sorted = |accounts: &[AccountId]| accounts.iter().copied().collect::<BTreeSet<_>>();
        after.pending = (fan_out.reserved > 0).then(|| PendingChange {
            blob,
            added: sorted(&change.add).into_iter().collect(),
            removed: sorted(&change.remove).into_iter().collect(),
        });
        let gone = after.members.is_empty() && after.pending.is_none();
        rows.push((Key::Group(blob.group), (!gone).then_some(Row::Group(after))));
    }
    if fan_out.reserved > 0 {
        let (accepted_at_ms, epoch) = (fan_out.accepted_at_ms, fan_out.epoch);
        let on_its_way = Some(OnItsWay { from: Some(AccountId([0; 16])), had: Vec::new() });
        let files = send.files.clone();
        let references = ReferencesRow { count: fan_out.reserved, accepted_at_ms, epoch, on_its_way, files };
        rows.push((Key::Blob(blob), Some(Row::Blob(BlobRow { item: fan_out.item.clone() }))));
        rows.push((Key::References(blob), Some(Row::References(references))));
    }
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Group(blob.group), rows));
    let mut effects = Vec::new();
    if batch.is_some() {
        effects.push(Effect::Accepted);
    }
    effects.push(deliver);
    Ok(Step { batch, effects })
}

/// Somebody has left a change half fanned out.
pub(super) fn resume(group: GroupId, view: &View) -> Step {
    let Some(row) = view.group(group) else { return Step::default() };
    let Some(pending) = &row.pending else { return Step::default() };
    let accounts = accounts_before(row, pending);
    Step::next(Command::GroupCompare { sender: None, blob: pending.blob, taken: true, accounts })
}

/// Admins handle requests to join. Who does not know the link does not learn whether there is such a group.
pub(super) fn find(origin: Origin, group: GroupId, token: GroupToken, view: &View) -> Result<Step, Reject> {
    let row = view.group(group).filter(|row| row.link == Some(token.hash()));
    let row = row.ok_or_else(|| {
        Reject::new(RejectCode::UnknownGroup, "the group's link does not lead anywhere: ask for a new one")
    })?;
    let admins = row.members.iter().filter(|member| member.admin);
    let approvers = admins.take(MAX_APPROVERS).map(|member| member.account).collect();
    Ok(Step::only(vec![respond(origin, ResponseBody::GroupFound(approvers))]))
}

/// Only a member learns how far its group is. A change that was cut in the middle of its fan-out goes on.
pub(super) fn epoch(origin: Origin, account: AccountId, group: GroupId, view: &View) -> Result<Step, Reject> {
    let row = view.group(group).filter(|row| row.member(account).is_some()).ok_or_else(unknown_group)?;
    let mut step = Step::only(vec![respond(origin, ResponseBody::GroupEpoch(row.epoch))]);
    step.effects.extend(row.pending.as_ref().map(|_| Effect::Continue(Command::GroupResume { group })));
    Ok(step)
}

fn again(conn: ConnId, from: DeviceAddress, send: &GroupSend) -> Step {
    Step::next(Command::GroupSend { conn, from, send: Box::new(send.clone()) })
}

/// Members of the group, and who is added to it.
fn accounts_of(group: Option<&GroupRow>, send: &GroupSend) -> Vec<AccountId> {
    let mut accounts: BTreeSet<AccountId> = group.map(accounts_in).unwrap_or_default().into_iter().collect();
    accounts.extend(send.change.iter().flat_map(|change| &change.add));
    accounts.into_iter().collect()
}

fn accounts_in(group: &GroupRow) -> Vec<AccountId> {
    group.members.iter().map(|member| member.account).collect()
}

/// Who gets a message of this epoch, of those that are members now.
fn accounts_since(group: &GroupRow, epoch: u64) -> Vec<AccountId> {
    let there = group.members.iter().filter(|member| member.since <= epoch);
    there.map(|member| member.account).collect()
}

/// Who was a member when the change was made. A group that was made by it had none but its maker.
fn accounts_before(group: &GroupRow, pending: &PendingChange) -> Vec<AccountId> {
    let maker = pending.blob.from.account;
    if group.epoch == 1 {
        return vec![maker];
    }
    let mut accounts: BTreeSet<AccountId> = accounts_in(group).into_iter().collect();
    accounts.retain(|account| pending.added.binary_search(account).is_err());
    accounts.extend(&pending.removed);
    accounts.into_iter().collect()
}

/// All devices of these accounts, but not the sending one.
fn targets(from: DeviceAddress, accounts: &[AccountId], view: &View, now: Time) -> Vec<Target> {
    let target = |account: &AccountId| {
        let row = view.account(*account)?;
        let devices = row.devices_at(now).map(|device| device.device);
        let devices: Vec<_> =
            devices.filter(|device| from != DeviceAddress { account: *account, device: *device }).collect();
        (!devices.is_empty()).then_some(Target { account: *account, devices })
    };
    accounts.iter().filter_map(target).collect()
}

fn devices_in(targets: &[Target]) -> u64 {
    targets.iter().map(|target| target.devices.len() as u64).sum()
}

fn views(group: &GroupRow, view: &View, now: Time) -> impl Iterator<Item = MemberView> {
    group.members.iter().map(move |member| {
        let digest = view.account(member.account).map_or([0; 8], |row| {
            let devices = row.devices_at(now).map(|device| (device.device, device.registration_id));
            member_digest(row.list_version, devices)
        });
        MemberView { account: member.account, digest, admin: member.admin }
    })
}

fn mismatch(conn: ConnId, send: &GroupSend, group: Option<&GroupRow>, view: &View, now: Time) -> Step {
    let epoch = group.map_or(0, |group| group.epoch);
    let members = group.map(|group| views(group, view, now).collect()).unwrap_or_default();
    let reject = Reject::new(
        RejectCode::GroupMismatch,
        "the group or a member's devices have changed: fetch what differs here and send again",
    );
    let group = Some(GroupView { epoch, members });
    let refused =
        Refused { id: send.id, reject, mismatch: DeviceMismatch::default(), group, files_gone: Vec::new() };
    Step::only(vec![Effect::Reply { conn, piece: Piece::Refused(refused) }])
}

fn unknown_group() -> Reject {
    Reject::new(
        RejectCode::UnknownGroup,
        "no such group, or the account is not a member of it: ask a member to add it",
    )
}
