use waxwing_wire::client_frame::Hello;
use waxwing_wire::server_frame::Welcome;
use waxwing_wire::{DeviceAddress, DeviceKey, PrekeysLeft, Reject, RejectCode, WIRE_VERSION};

use super::account::seen_now;
use crate::limits::MAX_CLAIMED_SEQ;
use crate::row::{MailboxRow, PoolKind, Row};
use crate::{Batch, Command, ConnId, Effect, Key, Keys, Piece, Shard, Step, Time, View};

pub(super) fn reads_key(key: DeviceKey) -> Keys {
    Keys { rows: vec![Key::Credential(key)], ..Keys::default() }
}

pub(super) fn reads_device(address: DeviceAddress) -> Keys {
    let rows = vec![
        Key::Account(address.account),
        Key::Mailbox(address),
        Key::Pool(address, PoolKind::OneTime),
        Key::Pool(address, PoolKind::Kyber),
        Key::Seen(address.account),
    ];
    Keys { rows, ..Keys::default() }
}

pub(super) fn attach(
    conn: ConnId,
    key: DeviceKey,
    hello: &Hello,
    place: &str,
    view: &View,
) -> Result<Step, Reject> {
    if hello.version != WIRE_VERSION {
        return Err(Reject::new(
            RejectCode::WireVersion,
            "this server does not speak the client's version: update the older of the two",
        ));
    }
    if hello.stored > MAX_CLAIMED_SEQ {
        return Err(Reject::new(RejectCode::Malformed, "Hello.stored is no sequence number of this server"));
    }
    let credential = view.credential(key).filter(|credential| credential.active);
    let address = credential.ok_or_else(not_registered)?.address;
    let place = place.to_owned();
    Ok(Step::next(Command::AttachDevice { conn, key, address, hello: *hello, place, live: None }))
}

/// The device gets its mailbox here if it has none yet.
#[expect(clippy::too_many_arguments, reason = "they are the command's fields")]
pub(super) fn attach_device(
    conn: ConnId,
    key: DeviceKey,
    address: DeviceAddress,
    hello: &Hello,
    place: &str,
    live: Option<(u64, u64)>,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let account = view.account(address.account).ok_or_else(not_registered)?;
    if account.device(address.device).is_none_or(|device| device.key != key) {
        return Err(not_registered());
    }
    let before = view.mailbox(address);
    let row = before.unwrap_or_default();
    let welcome = Welcome {
        address,
        server_time_ms: now.0,
        previous_lease: row.lease,
        acknowledged: row.acknowledged,
        received_in_lease: match live {
            Some((lease, received)) if lease == row.lease => Some(received),
            _ => row.received_in_lease,
        },
        prekeys_left: PrekeysLeft {
            one_time: view.pool(address, PoolKind::OneTime).len() as u32,
            one_time_kyber: view.pool(address, PoolKind::Kyber).len() as u32,
        },
        list_version: account.list_version,
        devices: account.devices_at(now).count() as u32,
        skipped: row.skipped,
    };
    let after = taken_over(row, hello);
    let stored = hello.stored.max(after.settled);
    let mut effects = vec![
        Effect::Reply { conn, piece: Piece::Welcome(welcome) },
        Effect::Attach { conn, address, lease: hello.lease, stored, last: after.last },
    ];
    if hello.stored > after.settled || hello.stored > after.acknowledged {
        let undecryptable = Vec::new();
        effects.push(Effect::Continue(Command::Stored {
            mailbox: address,
            up_to: hello.stored,
            undecryptable,
        }));
    }
    let mut rows = Vec::new();
    if before != Some(after) {
        rows.push((Key::Mailbox(address), Some(Row::Mailbox(after))));
    }
    rows.extend(seen_now(address, Some(place), now, view));
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Mailboxes(address.account), rows));
    Ok(Step { batch, effects })
}

/// The mailbox once the connection has its lease.
///
/// A lease that is not above the largest seen comes from a restored copy of the device, which is welcome: it
/// learns what it is from the `Welcome`, and heals itself.
///
/// A device that has stored entries which the mailbox never had shows that the store went back to an older
/// copy. Numbers that the device knows must not be given out again, because it would take what gets them for
/// stored; so counting goes on after them. What came in between the restore and this hello has such numbers
/// and is lost, unless [`crate::Settings::first_seq`] was raised with the restore as it should.
fn taken_over(mut row: MailboxRow, hello: &Hello) -> MailboxRow {
    row.lease = row.lease.max(hello.lease);
    row.received_in_lease = None;
    row.last = row.last.max(hello.stored);
    row
}

fn not_registered() -> Reject {
    Reject::new(RejectCode::NotRegistered, "this device has no account here: register with an invitation")
}
