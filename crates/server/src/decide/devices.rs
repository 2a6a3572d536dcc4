//! Device lists, and devices that go. What is left of a removed device lies in three shards, so it is cleared
//! away in a chain; the account remembers the device as `leaving` until it is through, so that whoever repeats
//! the request, or the sweep, can begin the chain again.

use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, Malformed, Reject, RejectCode};

use super::respond;
use crate::row::{AccountRow, DeviceRow, PoolKind, Row};
use crate::{Batch, Command, Effect, Key, Origin, Shard, Step, View};

/// The primary's list replaces the one before. It can only take devices away: a new one comes by linking.
pub(super) fn publish_list(
    origin: Origin,
    from: DeviceAddress,
    signed: &SignedDeviceList,
    view: &View,
) -> Result<Step, Reject> {
    let before = own_account(from, view)?;
    if from.device != DeviceId::PRIMARY {
        return Err(primary_only());
    }
    let list = signed.decode_list().map_err(malformed)?;
    if before.list == *signed {
        // Its answer was lost.
        return Ok(removal(Some(origin), from.account, before.clone(), Vec::new(), before));
    }
    if list.version <= before.list_version {
        return Err(outdated());
    }
    let known = |listed: &waxwing_wire::devices::ListedDevice| {
        before.device(listed.device).is_some_and(|device| {
            (device.identity, device.registration_id) == (listed.identity, listed.registration_id)
        })
    };
    if !list.devices.iter().all(known) || list.next < next_number(before)? {
        return Err(Reject::new(
            RejectCode::Malformed,
            "the list has devices that the account does not have, or gives a number twice: fetch the account's \
             devices and sign another",
        ));
    }
    let mut after = before.clone();
    after.list = signed.clone();
    after.list_version = list.version;
    after.list_expires_ms = list.expires_at_ms;
    let gone = before.devices.iter().filter(|device| list.find(device.device).is_none()).cloned().collect();
    Ok(removal(Some(origin), from.account, after, gone, before))
}

/// Any device may cut off any but the primary, itself too.
pub(super) fn remove(
    origin: Origin,
    from: DeviceAddress,
    device: DeviceId,
    view: &View,
) -> Result<Step, Reject> {
    // A device that has cut itself off may repeat what it said.
    let before = view.account(from.account).ok_or_else(crate::rejects::removed)?;
    if from.device != device {
        own_account(from, view)?;
    }
    if device == DeviceId::PRIMARY {
        return Err(Reject::new(
            RejectCode::NotAllowed,
            "the primary device cannot be removed: remove the others from it instead",
        ));
    }
    let gone = before.device(device).cloned().into_iter().collect();
    Ok(removal(Some(origin), from.account, before.clone(), gone, before))
}

/// Writes the account without these devices, and clears away what is left of them and of any earlier one.
fn removal(
    origin: Option<Origin>,
    account: AccountId,
    mut after: AccountRow,
    gone: Vec<DeviceRow>,
    before: &AccountRow,
) -> Step {
    after.devices.retain(|device| !gone.iter().any(|gone| gone.device == device.device));
    after.leaving.extend(gone.iter().map(|device| (device.device, device.key)));
    let effects = clear_away(origin, account, &after.leaving);
    if after == *before {
        return Step::only(effects);
    }
    let mut rows = Vec::new();
    for device in &gone {
        let address = DeviceAddress { account, device: device.device };
        rows.push((Key::Signed(address), None));
        rows.extend([PoolKind::OneTime, PoolKind::Kyber].map(|kind| (Key::Pool(address, kind), None)));
    }
    rows.push((Key::Account(account), Some(Row::Account(after))));
    Step { batch: Some(Batch::of_rows(Shard::Account(account), rows)), effects }
}

/// Ends the connections of removed devices, and clears away their credentials and mailboxes.
pub(super) fn clear_away(
    origin: Option<Origin>,
    account: AccountId,
    leaving: &[(DeviceId, DeviceKey)],
) -> Vec<Effect> {
    let mut effects = Vec::with_capacity(3 * leaving.len() + 1);
    for (device, key) in leaving {
        let address = DeviceAddress { account, device: *device };
        effects.push(Effect::Removed { address });
        effects.push(Effect::Continue(Command::DropCredential { address, key: *key }));
        effects.push(Effect::Continue(Command::Purge { mailbox: address }));
    }
    let devices = leaving.iter().map(|(device, _)| *device).collect();
    effects.push(Effect::Continue(Command::FinishRemoval { origin, account, devices }));
    effects
}

/// Unless the key has become another device's since.
pub(super) fn drop_credential(address: DeviceAddress, key: DeviceKey, view: &View) -> Step {
    let own = view.credential(key).is_some_and(|credential| credential.address == address);
    let rows = vec![(Key::Credential(key), None)];
    Step { batch: own.then(|| Batch::of_rows(Shard::Credential(key), rows)), effects: Vec::new() }
}

pub(super) fn finish(origin: Option<Origin>, account: AccountId, devices: &[DeviceId], view: &View) -> Step {
    let effects = origin.map(|origin| respond(origin, ResponseBody::Done)).into_iter().collect();
    let Some(before) = view.account(account) else { return Step::only(effects) };
    let mut after = before.clone();
    after.leaving.retain(|(device, _)| !devices.contains(device));
    if after == *before {
        return Step::only(effects);
    }
    let rows = vec![(Key::Account(account), Some(Row::Account(after)))];
    Step { batch: Some(Batch::of_rows(Shard::Account(account), rows)), effects }
}

/// The account of an attached device, which may have been removed a moment ago.
pub(super) fn own_account(from: DeviceAddress, view: &View) -> Result<&AccountRow, Reject> {
    let account = view.account(from.account).ok_or_else(crate::rejects::removed)?;
    account.device(from.device).ok_or_else(crate::rejects::removed)?;
    Ok(account)
}

/// The number that the account's next device gets.
pub(super) fn next_number(account: &AccountRow) -> Result<u8, Reject> {
    account.list.decode_list().map(|list| list.next).map_err(malformed)
}

pub(super) fn malformed(malformed: Malformed) -> Reject {
    Reject::new(RejectCode::Malformed, malformed.to_string())
}

pub(super) fn primary_only() -> Reject {
    Reject::new(RejectCode::NotAllowed, "only the account's primary device may do this: do it there")
}

pub(super) fn outdated() -> Reject {
    Reject::new(
        RejectCode::ListOutdated,
        "a newer device list is there: fetch the account's devices and sign one after it",
    )
}
