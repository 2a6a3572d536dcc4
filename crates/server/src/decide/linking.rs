//! Linking a new device: its offer waits in a shard of its own, is approved there by the account's primary, and
//! becomes a device of the account only when the new device itself accepts.

use bytes::Bytes;
use waxwing_wire::client_frame::{ApproveLink, CompleteLink};
use waxwing_wire::devices::{DeviceList, LinkOffer, LinkReference, ListedDevice};
use waxwing_wire::limits::MAX_DEVICES;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, Reject, RejectCode};

use super::devices::{malformed, next_number, outdated, own_account, primary_only};
use super::{prekeys, respond};
use crate::limits::LINK_MS;
use crate::rejects::link_unknown;
use crate::row::{AccountRow, Approval, CredentialRow, DeviceRow, LinkingRow, Row};
use crate::{Batch, Command, Effect, Key, Keys, Origin, Shard, Step, Time, View};

pub(super) fn reads(reference: LinkReference) -> Keys {
    Keys { rows: vec![Key::Linking(reference)], ..Keys::default() }
}

pub(super) fn reads_with_account(reference: LinkReference, account: AccountId) -> Keys {
    Keys { rows: vec![Key::Linking(reference), Key::Account(account)], ..Keys::default() }
}

pub(super) fn reads_with_credential(reference: LinkReference, key: DeviceKey) -> Keys {
    Keys { rows: vec![Key::Linking(reference), Key::Credential(key)], ..Keys::default() }
}

/// The same key may repeat its offer, which is then answered as before, or replace it by another.
pub(super) fn offer(
    origin: Origin,
    key: DeviceKey,
    reference: LinkReference,
    offer: &Bytes,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    LinkOffer::decode(offer).map_err(malformed)?;
    let waiting = view.linking(reference).filter(|row| now.0 < row.expires_at_ms);
    if waiting.is_some_and(|row| row.key != key) {
        return Err(Reject::new(
            RejectCode::NotAllowed,
            "another device waits under this code: show a new code on the new device",
        ));
    }
    match waiting.filter(|row| row.offer == *offer) {
        Some(LinkingRow { approval: Some(approval), .. }) => {
            let (list, sealed) = (approval.list.clone(), approval.sealed.clone());
            Ok(Step::only(vec![respond(origin, ResponseBody::Linked { list, sealed })]))
        }
        Some(LinkingRow { expires_at_ms, .. }) => {
            let expires_at_ms = *expires_at_ms;
            Ok(Step::only(vec![Effect::AwaitLink { origin, reference, expires_at_ms }]))
        }
        None => {
            let expires_at_ms = now.0.saturating_add(LINK_MS);
            let row = LinkingRow { key, offer: offer.clone(), expires_at_ms, approval: None };
            let effects = vec![Effect::AwaitLink { origin, reference, expires_at_ms }];
            Ok(Step { batch: Some(batch_of(reference, row)), effects })
        }
    }
}

pub(super) fn fetch(
    origin: Origin,
    reference: LinkReference,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let row = waiting(reference, view, now)?;
    Ok(Step::only(vec![respond(origin, ResponseBody::LinkOffered(row.offer.clone()))]))
}

/// The account is not touched yet: it gets its device when that accepts.
pub(super) fn approve(
    origin: Origin,
    from: DeviceAddress,
    approve: &ApproveLink,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let ApproveLink { reference, list: signed, sealed } = approve;
    let account = own_account(from, view)?;
    if from.device != DeviceId::PRIMARY {
        return Err(primary_only());
    }
    let row = waiting(*reference, view, now)?;
    let done = respond(origin, ResponseBody::Done);
    match &row.approval {
        Some(approval) if approval.address.account != from.account => return Err(link_unknown()),
        // The answer was lost. What the device was told stays.
        Some(approval) if approval.list == *signed => return Ok(Step::only(vec![done])),
        _ => {}
    }
    let offer = LinkOffer::decode(&row.offer).map_err(malformed)?;
    if account.devices.iter().any(|device| device.key == row.key) {
        // It has come under an approval whose answer was lost. Another number would be another device.
        return Err(link_unknown());
    }
    let device = new_device(account, &signed.decode_list().map_err(malformed)?, &offer)?;
    let address = DeviceAddress { account: from.account, device };
    let approval = Approval { address, list: signed.clone(), sealed: sealed.clone() };
    let expires_at_ms = now.0.saturating_add(LINK_MS);
    let row = LinkingRow { approval: Some(approval), expires_at_ms, ..row.clone() };
    let linked = Effect::Linked { reference: *reference, list: signed.clone(), sealed: sealed.clone() };
    Ok(Step { batch: Some(batch_of(*reference, row)), effects: vec![done, linked] })
}

/// The number of the one device that the list adds to the account's.
fn new_device(account: &AccountRow, list: &DeviceList, offer: &LinkOffer) -> Result<DeviceId, Reject> {
    if list.version <= account.list_version {
        return Err(outdated());
    }
    if account.devices.len() >= MAX_DEVICES {
        return Err(too_many());
    }
    let listed = |device: &DeviceRow| ListedDevice {
        device: device.device,
        registration_id: device.registration_id,
        identity: device.identity,
    };
    let (before, new): (Vec<ListedDevice>, Vec<ListedDevice>) =
        list.devices.iter().partition(|listed| account.device(listed.device).is_some());
    match new.as_slice() {
        [new]
            if before.iter().copied().eq(account.devices.iter().map(listed))
                && (new.identity, new.registration_id) == (offer.identity, offer.registration_id)
                && new.device.number() == next_number(account)? =>
        {
            Ok(new.device)
        }
        _ => Err(Reject::new(
            RejectCode::Malformed,
            "the list must have the account's devices and the offered one under the next number: fetch the \
             account's devices and sign another",
        )),
    }
}

/// Reserves the number for the key. A device whose answer was lost comes through to the same end. What was
/// approved anew while it was accepting, under another number, is not what it accepts: it has countersigned the
/// number that it was told.
pub(super) fn complete(
    origin: Origin,
    key: DeviceKey,
    complete: &CompleteLink,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let meant = |address: DeviceAddress| complete.device.is_none_or(|device| device == address.device);
    let credential = view.credential(key);
    if let Some(credential) = credential.filter(|credential| credential.active) {
        return if meant(credential.address) {
            Ok(Step::only(vec![respond(origin, ResponseBody::Registered(credential.address))]))
        } else {
            Err(link_unknown())
        };
    }
    prekeys::signed_row(&complete.prekeys)?;
    let row = waiting(complete.reference, view, now);
    let approval = row.as_ref().ok().filter(|row| row.key == key).and_then(|row| row.approval.as_ref());
    let reserved = credential.map(|credential| credential.address).filter(|address| meant(*address));
    let (row, approval) = match (row, approval.filter(|approval| meant(approval.address)), reserved) {
        (Ok(row), Some(approval), _) => (row, approval),
        // The offer has ended, or is another's by now, between the account's step and the credential's.
        (_, _, Some(address)) => return Ok(Step::next(Command::ResumeLink { origin, key, address })),
        _ => return Err(link_unknown()),
    };
    let offer = LinkOffer::decode(&row.offer).map_err(malformed)?;
    if offer.registration_id != complete.registration_id {
        return Err(Reject::new(
            RejectCode::Malformed,
            "the registration id is not the one that was offered: offer the device again",
        ));
    }
    let reserved = CredentialRow { address: approval.address, active: false };
    let batch = (credential != Some(&reserved)).then(|| {
        let rows = vec![(Key::Credential(key), Some(Row::Credential(reserved)))];
        Batch::of_rows(Shard::Credential(key), rows)
    });
    let next = Command::AddDevice {
        origin,
        key,
        complete: Box::new(complete.clone()),
        approval: Box::new(approval.clone()),
    };
    Ok(Step { batch, effects: vec![Effect::Continue(next)] })
}

/// The list has been looked at when it was approved; it still holds if nothing was signed since.
pub(super) fn add_device(
    origin: Origin,
    key: DeviceKey,
    complete: &CompleteLink,
    approval: &Approval,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let address = approval.address;
    let before = view.account(address.account).ok_or_else(link_unknown)?;
    let activate = Effect::Continue(Command::ActivateCredential { origin, key, address });
    if let Some(device) = before.device(address.device) {
        return if device.key == key { Ok(Step::only(vec![activate])) } else { Err(outdated()) };
    }
    let list = approval.list.decode_list().map_err(malformed)?;
    if list.version <= before.list_version {
        return Err(outdated());
    }
    if before.devices.len() >= MAX_DEVICES {
        return Err(too_many());
    }
    let listed = list.find(address.device).ok_or_else(link_unknown)?;
    let mut after = before.clone();
    after.list = approval.list.clone();
    after.list_version = list.version;
    after.list_expires_ms = list.expires_at_ms;
    after.devices.push(DeviceRow {
        device: address.device,
        key,
        identity: listed.identity,
        registration_id: listed.registration_id,
        countersignature: Some(complete.countersignature),
        linked_at_ms: now.0,
    });
    after.devices.sort_unstable_by_key(|device| device.device);
    let mut rows = vec![(Key::Account(address.account), Some(Row::Account(after)))];
    rows.extend(prekeys::first(address, &complete.prekeys, view)?);
    Ok(Step { batch: Some(Batch::of_rows(Shard::Account(address.account), rows)), effects: vec![activate] })
}

/// The offer has ended between the account's step and the credential's. For a number that was reserved and never
/// came to be, whether for linking or for a registration, it is over.
pub(super) fn resume(
    origin: Origin,
    key: DeviceKey,
    address: DeviceAddress,
    view: &View,
) -> Result<Step, Reject> {
    let device = view.account(address.account).and_then(|account| account.device(address.device));
    let companion = device.filter(|device| device.key == key && device.device != DeviceId::PRIMARY);
    companion.ok_or_else(link_unknown)?;
    Ok(Step::next(Command::ActivateCredential { origin, key, address }))
}

pub(super) fn expire(reference: LinkReference, view: &View, now: Time) -> Step {
    let ended = view.linking(reference).is_some_and(|row| row.expires_at_ms <= now.0);
    let rows = vec![(Key::Linking(reference), None)];
    Step { batch: ended.then(|| Batch::of_rows(Shard::Linking(reference), rows)), effects: Vec::new() }
}

fn waiting(reference: LinkReference, view: &View, now: Time) -> Result<&LinkingRow, Reject> {
    view.linking(reference).filter(|row| now.0 < row.expires_at_ms).ok_or_else(link_unknown)
}

fn batch_of(reference: LinkReference, row: LinkingRow) -> Batch {
    let rows = vec![(Key::Linking(reference), Some(Row::Linking(row)))];
    Batch::of_rows(Shard::Linking(reference), rows)
}

fn too_many() -> Reject {
    Reject::new(RejectCode::TooMany, "the account has as many devices as it can: remove one first")
}
