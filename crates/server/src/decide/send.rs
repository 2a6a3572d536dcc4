use std::collections::BTreeSet;

use waxwing_wire::client_frame::{Copy, Send};
use waxwing_wire::server_frame::{DeviceMismatch, Envelope, Refused};
use waxwing_wire::{DeviceAddress, DeviceId, Reject, RejectCode};

use crate::limits::MAILBOX_FULL_RETRY_MS;
use crate::row::{AccountRow, MailboxRow, Row};
use crate::{
    Append, Batch, ConnId, DedupeKey, Effect, Key, Keys, Piece, Settings, Shard, Step, Time, View, item,
};

pub(super) fn reads(from: DeviceAddress, send: &Send) -> Keys {
    let mut rows = vec![Key::Account(send.to)];
    rows.extend(send.copies.iter().map(|copy| Key::Mailbox(recipient(send, copy))));
    let dedupe = send.copies.iter().map(|copy| dedupe_key(from, send, copy)).collect();
    Keys { rows, dedupe, range: None }
}

/// All copies are taken or none; those that are there already count as taken.
pub(super) fn send(
    conn: ConnId,
    from: DeviceAddress,
    send: &Send,
    view: &View,
    now: Time,
    settings: &Settings,
) -> Result<Step, Reject> {
    let account = view.account(send.to).ok_or_else(|| {
        Reject::new(RejectCode::UnknownAccount, "no such account here: look its username up again")
    })?;
    let mismatch = compare(from, send, account)?;
    if mismatch != DeviceMismatch::default() {
        let reject = Reject::new(
            RejectCode::DeviceMismatch,
            "the account's devices have changed: fetch their bundles and send again to those named here",
        );
        let piece = Piece::Refused(Refused { id: send.id, reject, mismatch });
        return Ok(Step::only(vec![Effect::Reply { conn, piece }]));
    }
    let mut step = Step::only(vec![Effect::Reply { conn, piece: Piece::Accepted(send.id) }]);
    let mut batch = Batch::of_rows(Shard::Mailboxes(send.to), Vec::new());
    for copy in &send.copies {
        let dedupe = dedupe_key(from, send, copy);
        if !view.dedupe.contains_key(&dedupe) {
            let mailbox = recipient(send, copy);
            let mut row = view.mailbox(mailbox).unwrap_or_default();
            let item = item::envelope(envelope(from, send, copy, now), send.attempt);
            let seq = take_room(&mut row, item.len() as u64, settings)?;
            batch.rows.push((Key::Mailbox(mailbox), Some(Row::Mailbox(row))));
            batch.appends.push(Append { mailbox, seq, item, dedupe: Some(dedupe) });
        }
    }
    if !batch.appends.is_empty() {
        step.effects.push(Effect::CountAccepted { conn });
        step.effects.extend(batch.appends.iter().map(Append::effect));
        step.batch = Some(batch);
    }
    Ok(step)
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
    }
}

/// Devices that must have a copy: all of the account's, but not the sending device itself.
fn compare(from: DeviceAddress, send: &Send, account: &AccountRow) -> Result<DeviceMismatch, Reject> {
    let own = (send.to == from.account).then_some(from.device);
    let copied: BTreeSet<DeviceId> = send.copies.iter().map(|copy| copy.device).collect();
    if copied.len() != send.copies.len() {
        return Err(Reject::new(RejectCode::Malformed, "two copies for one device: send one for each"));
    }
    let mut mismatch = DeviceMismatch::default();
    for device in account.devices.iter().filter(|device| Some(device.device) != own) {
        match send.copies.iter().find(|copy| copy.device == device.device) {
            None => mismatch.missing.push(device.device),
            Some(copy) if copy.registration_id != device.registration_id => {
                mismatch.stale.push(device.device);
            }
            Some(_) => {}
        }
    }
    let expected =
        |id: &DeviceId| Some(*id) != own && account.devices.iter().any(|device| device.device == *id);
    mismatch.extra = copied.into_iter().filter(|id| !expected(id)).collect();
    Ok(mismatch)
}

fn take_room(row: &mut MailboxRow, bytes: u64, settings: &Settings) -> Result<u64, Reject> {
    if !row.has_room(bytes, settings, 1) {
        return Err(Reject::later(
            RejectCode::MailboxFull,
            "the recipient has not fetched messages for long and has no room: keep this one and try later",
            MAILBOX_FULL_RETRY_MS,
        ));
    }
    Ok(row.append(bytes, settings))
}
