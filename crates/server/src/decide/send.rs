use std::collections::BTreeMap;

use waxwing_wire::client_frame::{Copy, Send};
use waxwing_wire::server_frame::{DeviceMismatch, Envelope, Refused};
use waxwing_wire::{DeviceAddress, DeviceId, Reject, RejectCode};

use super::account::unknown_account;
use crate::limits::MAILBOX_FULL_RETRY_MS;
use crate::row::{AccountRow, Row};
use crate::{
    Append, Batch, Command, ConnId, DedupeKey, Effect, FileCommand, Key, Keys, Piece, Settings, Shard, Step,
    Time, View, item, rejects,
};

pub(super) fn reads(from: DeviceAddress, send: &Send) -> Keys {
    let mut rows = vec![Key::Account(send.to)];
    rows.extend(looked_at(from, send).map(Key::Mailbox));
    let dedupe = send.copies.iter().map(|copy| dedupe_key(from, send, copy)).collect();
    Keys { rows, dedupe, range: None }
}

/// Mailboxes of the account that the sender knows of, whether or not there is a copy for them in this part.
fn looked_at(from: DeviceAddress, send: &Send) -> impl Iterator<Item = DeviceAddress> {
    let own = (send.to == from.account).then_some(from.device);
    let copies = send.copies.iter().map(|copy| copy.device);
    let devices = copies.chain(send.others.iter().map(|(device, _)| *device)).chain(own);
    devices.map(|device| DeviceAddress { account: send.to, device })
}

/// All copies of this part are taken or none; those that are there already count as taken. A companion whose
/// mailbox is full does not stand in the way of the account's other devices: it goes without.
pub(super) fn send(
    conn: ConnId,
    from: DeviceAddress,
    send: &Send,
    view: &View,
    now: Time,
    settings: &Settings,
) -> Result<Step, Reject> {
    if !send.files.is_empty() && settings.files.is_none() {
        return Err(rejects::not_offered());
    }
    let account = view.account(send.to).ok_or_else(unknown_account)?;
    let mismatch = compare(from, send, account, now)?;
    if mismatch != DeviceMismatch::default() {
        let reject = Reject::new(
            RejectCode::DeviceMismatch,
            "the account's devices have changed: fetch their bundles and send again to those named here",
        );
        let piece =
            Piece::Refused(Refused { id: send.id, reject, mismatch, group: None, files_gone: Vec::new() });
        return Ok(Step::only(vec![Effect::Reply { conn, piece }]));
    }
    let mut step = Step::only(vec![Effect::Reply { conn, piece: Piece::Accepted(send.id) }]);
    let mut batch = Batch::of_rows(Shard::Mailboxes(send.to), Vec::new());
    for copy in &send.copies {
        let dedupe = dedupe_key(from, send, copy);
        if view.dedupe.contains_key(&dedupe) {
            continue;
        }
        let mailbox = recipient(send, copy);
        let mut row = view.mailbox(mailbox).unwrap_or_default();
        let item = item::envelope(envelope(from, send, copy, now), send.attempt);
        let bytes = item.len() as u64;
        if row.has_room(bytes, settings, 1) {
            let seq = row.append(bytes, settings);
            batch.appends.push(Append { mailbox, seq, item, dedupe: Some(dedupe) });
        } else if copy.device == DeviceId::PRIMARY
            || !another_has_room(from, send, mailbox, bytes, view, settings)
        {
            return Err(mailbox_full());
        } else {
            row.skipped += 1;
        }
        batch.rows.push((Key::Mailbox(mailbox), Some(Row::Mailbox(row))));
    }
    if !send.files.is_empty() && !batch.appends.is_empty() {
        // First the files wait for whoever gets the message; it comes back without them then.
        let mailboxes = batch.appends.iter().map(|append| append.mailbox).collect();
        let then = Command::Send { conn, from, send: Send { files: Vec::new(), ..send.clone() } };
        return Ok(Step::next(FileCommand::refer(&send.files, mailboxes, false, then)));
    }
    if !batch.appends.is_empty() {
        step.effects.push(Effect::Accepted);
        step.effects.extend(batch.appends.iter().map(Append::effect));
    }
    step.batch = (!batch.rows.is_empty()).then_some(batch);
    Ok(step)
}

fn another_has_room(
    from: DeviceAddress,
    send: &Send,
    full: DeviceAddress,
    bytes: u64,
    view: &View,
    settings: &Settings,
) -> bool {
    let mut others = looked_at(from, send).filter(|mailbox| *mailbox != full);
    others.any(|mailbox| view.mailbox(mailbox).unwrap_or_default().has_room(bytes, settings, 1))
}

fn mailbox_full() -> Reject {
    Reject::later(
        RejectCode::MailboxFull,
        "the recipient has not fetched messages for long and has no room: keep this one and try later",
        MAILBOX_FULL_RETRY_MS,
    )
}

fn recipient(send: &Send, copy: &Copy) -> DeviceAddress {
    DeviceAddress { account: send.to, device: copy.device }
}

fn dedupe_key(from: DeviceAddress, send: &Send, copy: &Copy) -> DedupeKey {
    DedupeKey { mailbox: recipient(send, copy), from, id: send.id, attempt: send.attempt }
}

fn envelope(from: DeviceAddress, send: &Send, copy: &Copy, now: Time) -> Envelope {
    Envelope {
        from,
        id: send.id,
        kind: copy.kind,
        ciphertext: copy.ciphertext.clone(),
        accepted_at_ms: now.0,
        silent: send.silent,
        group: None,
    }
}

/// Devices that must have a copy, in this part or another: all of the account's, but not the sending device
/// itself.
fn compare(
    from: DeviceAddress,
    send: &Send,
    account: &AccountRow,
    now: Time,
) -> Result<DeviceMismatch, Reject> {
    let own = (send.to == from.account).then_some(from.device);
    let mut given = BTreeMap::new();
    let copies = send.copies.iter().map(|copy| (copy.device, copy.registration_id));
    for (device, registration_id) in copies.chain(send.others.iter().copied()) {
        if given.insert(device, registration_id).is_some() {
            return Err(Reject::new(
                RejectCode::Malformed,
                "a device is named twice: send one copy for each, in one of the parts",
            ));
        }
    }
    let mut mismatch = DeviceMismatch::default();
    for device in account.devices_at(now).filter(|device| Some(device.device) != own) {
        match given.remove(&device.device) {
            None => mismatch.missing.push(device.device),
            Some(registration_id) if registration_id != device.registration_id => {
                mismatch.stale.push(device.device);
            }
            Some(_) => {}
        }
    }
    mismatch.extra = given.into_keys().collect();
    Ok(mismatch)
}
