use waxwing_wire::server_frame::{Bundle, ResponseBody};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, KyberPrekey, OneTimePrekey, PrekeyUpload, PrekeysLeft, Reject,
    RejectCode,
};

use super::account::unknown_account;
use super::respond;
use crate::row::{AccountRow, DeviceRow, Pool, PoolKind, PoolRow, Row, SignedRow, sha256};
use crate::{Batch, Command, Key, Keys, Origin, Shard, Step, Time, View};

pub(super) fn reads_pools(account: AccountId, devices: &[DeviceId]) -> Keys {
    let mut rows = vec![Key::Account(account)];
    for device in devices {
        let address = DeviceAddress { account, device: *device };
        rows.push(Key::Signed(address));
        rows.push(Key::Pool(address, PoolKind::OneTime));
        rows.push(Key::Pool(address, PoolKind::Kyber));
    }
    Keys { rows, ..Keys::default() }
}

pub(super) fn fetch(
    origin: Origin,
    asker: DeviceAddress,
    account: AccountId,
    named: &[DeviceId],
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let row = view.account(account).ok_or_else(unknown_account)?;
    let devices = selected(row, asker, account, named, now).map(|device| device.device).collect();
    Ok(Step::next(Command::TakePrekeys { origin, asker, account, named: named.to_vec(), devices }))
}

fn selected<'a>(
    row: &'a AccountRow,
    asker: DeviceAddress,
    account: AccountId,
    named: &'a [DeviceId],
    now: Time,
) -> impl Iterator<Item = &'a DeviceRow> {
    row.devices_at(now)
        .filter(move |device| named.is_empty() || named.contains(&device.device))
        .filter(move |device| asker != DeviceAddress { account, device: device.device })
}

/// Takes one prekey of each kind from every device. The commit is conditional on the pools' versions: no
/// prekey is given out twice. An answer that is lost loses the prekeys in it, which is what they are for.
pub(super) fn take(
    origin: Origin,
    asker: DeviceAddress,
    account: AccountId,
    named: &[DeviceId],
    devices: &[DeviceId],
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let row = view.account(account).ok_or_else(unknown_account)?;
    if !selected(row, asker, account, named, now).map(|device| &device.device).eq(devices) {
        // A device came or went since; its pools have not been read.
        return Ok(Step::next(Command::FetchBundles { origin, asker, account, named: named.to_vec() }));
    }
    let mut rows = Vec::new();
    let mut bundles = Vec::with_capacity(devices.len());
    for device in selected(row, asker, account, named, now) {
        let address = DeviceAddress { account, device: device.device };
        // Written with the device; without it nobody can begin a session with the device.
        let Some(signed) = view.signed(address) else { continue };
        let mut one_time = view.pool(address, PoolKind::OneTime);
        let mut kyber = view.pool(address, PoolKind::Kyber);
        bundles.push(bundle(device, signed, &mut one_time, &mut kyber));
        for (kind, pool) in [(PoolKind::OneTime, one_time), (PoolKind::Kyber, kyber)] {
            // One that was empty stays as it was.
            if pool != view.pool(address, kind) {
                rows.push((Key::Pool(address, kind), Some(Row::Pool(pool))));
            }
        }
    }
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Account(account), rows));
    let list = row.list.clone();
    Ok(Step { batch, effects: vec![respond(origin, ResponseBody::Bundles { list, bundles })] })
}

fn bundle(device: &DeviceRow, signed: &SignedRow, one_time: &mut PoolRow, kyber: &mut PoolRow) -> Bundle {
    Bundle {
        device: device.device,
        registration_id: device.registration_id,
        identity: device.identity,
        signed: signed.signed.clone(),
        kyber: kyber.take_kyber().unwrap_or_else(|| signed.last_resort.clone()),
        one_time: one_time.take_one_time(),
        countersignature: device.countersignature,
    }
}

/// The prekeys that are not one-time of a device that publishes its first.
pub(super) fn signed_row(upload: &PrekeyUpload) -> Result<SignedRow, Reject> {
    match (&upload.signed, &upload.last_resort) {
        (Some(signed), Some(last_resort)) => {
            Ok(SignedRow { signed: signed.clone(), last_resort: last_resort.clone() })
        }
        _ => Err(Reject::new(
            RejectCode::Malformed,
            "a new device needs a signed prekey and a Kyber prekey of last resort: add them",
        )),
    }
}

/// The rows of a device that publishes its first prekeys.
pub(super) fn first(
    address: DeviceAddress,
    upload: &PrekeyUpload,
    view: &View,
) -> Result<Vec<(Key, Option<Row>)>, Reject> {
    let mut rows = vec![(Key::Signed(address), Some(Row::Signed(signed_row(upload)?)))];
    for kind in [PoolKind::OneTime, PoolKind::Kyber] {
        let mut pool = view.pool(address, kind);
        put(&mut pool, upload)?;
        rows.push((Key::Pool(address, kind), Some(Row::Pool(pool))));
    }
    Ok(rows)
}

pub(super) fn publish(
    origin: Origin,
    address: DeviceAddress,
    upload: &PrekeyUpload,
    view: &View,
) -> Result<Step, Reject> {
    let not_registered =
        || Reject::new(RejectCode::NotRegistered, "this device is not the account's any more: register anew");
    let account = view.account(address.account).ok_or_else(not_registered)?;
    account.device(address.device).ok_or_else(not_registered)?;
    let before = view.signed(address).ok_or_else(not_registered)?;
    let mut after = before.clone();
    after.signed = upload.signed.clone().unwrap_or(after.signed);
    after.last_resort = upload.last_resort.clone().unwrap_or(after.last_resort);
    let mut rows = Vec::new();
    if after != *before {
        rows.push((Key::Signed(address), Some(Row::Signed(after))));
    }
    let mut published = |kind| {
        let before = view.pool(address, kind);
        let mut pool = before.clone();
        if upload.replace {
            pool.clear();
        }
        put(&mut pool, upload)?;
        let left = pool.len() as u32;
        if pool != before {
            rows.push((Key::Pool(address, kind), Some(Row::Pool(pool))));
        }
        Ok(left)
    };
    let left =
        PrekeysLeft { one_time: published(PoolKind::OneTime)?, one_time_kyber: published(PoolKind::Kyber)? };
    let batch = (!rows.is_empty()).then(|| Batch::of_rows(Shard::Account(address.account), rows));
    Ok(Step { batch, effects: vec![respond(origin, ResponseBody::Published(left))] })
}

/// Adds the prekeys of the pool's kind. A prekey that is there, or was taken, is not added again.
pub(super) fn put(pool: &mut PoolRow, upload: &PrekeyUpload) -> Result<(), Reject> {
    let PoolRow { pool, taken } = pool;
    match pool {
        Pool::OneTime(list) => add(list, taken, &upload.one_time, PoolKind::OneTime),
        Pool::Kyber(list) => add(list, taken, &upload.one_time_kyber, PoolKind::Kyber),
    }
}

fn add<P: Prekey>(list: &mut Vec<P>, taken: &[u64], new: &[P], kind: PoolKind) -> Result<(), Reject> {
    for prekey in new.iter().filter(|prekey| !taken.contains(&mark(prekey.key()))) {
        match list.iter_mut().find(|old| old.id() == prekey.id()) {
            // The device has made this number anew, and can only use the new key.
            Some(old) => *old = prekey.clone(),
            None => list.push(prekey.clone()),
        }
    }
    if list.len() > kind.max() {
        return Err(Reject::new(
            RejectCode::TooLarge,
            "more one-time prekeys than a device may have here: publish fewer, as Welcome says how many are left",
        ));
    }
    Ok(())
}

/// By which a key that was taken is known again.
fn mark(key: &[u8]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = sha256(key);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

trait Prekey: Clone {
    fn id(&self) -> u32;
    fn key(&self) -> &[u8];
}

impl Prekey for OneTimePrekey {
    fn id(&self) -> u32 {
        self.id
    }

    fn key(&self) -> &[u8] {
        &self.key
    }
}

impl Prekey for KyberPrekey {
    fn id(&self) -> u32 {
        self.id
    }

    fn key(&self) -> &[u8] {
        &self.key
    }
}

impl PoolRow {
    fn take_one_time(&mut self) -> Option<OneTimePrekey> {
        match &mut self.pool {
            Pool::OneTime(list) => take_first(list, &mut self.taken, PoolKind::OneTime),
            Pool::Kyber(_) => None,
        }
    }

    fn take_kyber(&mut self) -> Option<KyberPrekey> {
        match &mut self.pool {
            Pool::OneTime(_) => None,
            Pool::Kyber(list) => take_first(list, &mut self.taken, PoolKind::Kyber),
        }
    }

    fn clear(&mut self) {
        match &mut self.pool {
            Pool::OneTime(list) => list.clear(),
            Pool::Kyber(list) => list.clear(),
        }
    }
}

fn take_first<P: Prekey>(list: &mut Vec<P>, taken: &mut Vec<u64>, kind: PoolKind) -> Option<P> {
    if list.is_empty() {
        return None;
    }
    let prekey = list.remove(0);
    taken.push(mark(prekey.key()));
    if taken.len() > kind.max() {
        taken.remove(0);
    }
    Some(prekey)
}
