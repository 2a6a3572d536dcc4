use waxwing_wire::limits::MAX_PLACE_BYTES;
use waxwing_wire::server_frame::{DeviceState, ResponseBody};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, Reject, RejectCode, Username};

use super::respond;
use crate::row::{DeviceRow, Row, Seen};
use crate::{Command, Key, Keys, Origin, Step, Time, View};

const HOUR_MS: u64 = 3_600_000;

pub(super) fn reads_username(username: &str) -> Keys {
    let key = Username::parse(username).ok().map(Key::Username);
    Keys { rows: key.into_iter().collect(), ..Keys::default() }
}

pub(super) fn reads_account(account: AccountId) -> Keys {
    Keys { rows: vec![Key::Account(account)], ..Keys::default() }
}

pub(super) fn find(origin: Origin, username: &str, view: &View) -> Result<Step, Reject> {
    let username = parse_username(username)?;
    let account = view.username(&username).ok_or_else(unknown_username)?.account;
    Ok(Step::next(Command::DescribeAccount { origin, account, username }))
}

/// A username can lead to an account that does not exist yet, or that took another name in the end.
pub(super) fn describe(
    origin: Origin,
    account: AccountId,
    username: &Username,
    view: &View,
) -> Result<Step, Reject> {
    let row = view.account(account).filter(|row| row.username == *username).ok_or_else(unknown_username)?;
    let identity = row.device(DeviceId::PRIMARY).ok_or_else(unknown_username)?.identity;
    Ok(Step::only(vec![respond(origin, ResponseBody::Found { account, identity })]))
}

pub(super) fn parse_username(text: &str) -> Result<Username, Reject> {
    Username::parse(text).map_err(|_| {
        Reject::new(
            RejectCode::UsernameInvalid,
            "a username has 2 to 32 characters: letters a to z, digits, and _ - . after the first",
        )
    })
}

pub(super) fn find_username(origin: Origin, account: AccountId, view: &View) -> Result<Step, Reject> {
    let row = view.account(account).ok_or_else(unknown_account)?;
    let username = row.username.as_str().to_owned();
    Ok(Step::only(vec![respond(origin, ResponseBody::Username(username))]))
}

pub(super) fn reads_devices(account: AccountId) -> Keys {
    Keys { rows: vec![Key::Account(account), Key::Seen(account)], ..Keys::default() }
}

/// Devices that count now. When and where from they are used is told to the account's own devices only.
pub(super) fn devices(
    origin: Origin,
    asker: DeviceAddress,
    account: AccountId,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let row = view.account(account).ok_or_else(unknown_account)?;
    let seen = view.seen(account).devices;
    let own = asker.account == account;
    let state = |device: &DeviceRow| {
        let seen = seen.iter().find(|seen| own && seen.device == device.device);
        DeviceState {
            device: device.device,
            registration_id: device.registration_id,
            countersignature: device.countersignature,
            last_seen_ms: seen.map_or(0, |seen| seen.last_seen_ms),
            place: seen.map(|seen| seen.place.clone()).unwrap_or_default(),
            linked_at_ms: if own { device.linked_at_ms } else { 0 },
        }
    };
    let devices = row.devices_at(now).map(state).collect();
    let list = row.list.clone();
    Ok(Step::only(vec![respond(origin, ResponseBody::Devices { list, devices })]))
}

/// The row to write when a device is seen, if it changes: at a log-in with its place, which also begins its
/// entry, and at the end of a connection without.
pub(super) fn seen_now(
    address: DeviceAddress,
    place: Option<&str>,
    now: Time,
    view: &View,
) -> Option<(Key, Option<Row>)> {
    let before = view.seen(address.account);
    let mut after = before.clone();
    let place = place.map(|place| shortened(place, MAX_PLACE_BYTES).to_owned());
    let last_seen_ms = now.0 - now.0 % HOUR_MS;
    match after.devices.binary_search_by_key(&address.device, |seen| seen.device) {
        Ok(at) => {
            let seen = after.devices.get_mut(at)?;
            seen.last_seen_ms = seen.last_seen_ms.max(last_seen_ms);
            seen.place = place.unwrap_or_else(|| std::mem::take(&mut seen.place));
        }
        Err(at) => after.devices.insert(at, Seen { device: address.device, last_seen_ms, place: place? }),
    }
    (after != before).then(|| (Key::Seen(address.account), Some(Row::Seen(after))))
}

/// The row to write when a device is forgotten, if it changes.
pub(super) fn seen_no_more(address: DeviceAddress, view: &View) -> Option<(Key, Option<Row>)> {
    let before = view.seen(address.account);
    let mut after = before.clone();
    after.devices.retain(|seen| seen.device != address.device);
    (after != before).then(|| (Key::Seen(address.account), Some(Row::Seen(after))))
}

fn shortened(text: &str, most: usize) -> &str {
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

pub(super) fn unknown_account() -> Reject {
    Reject::new(RejectCode::UnknownAccount, "no such account here: look its username up again")
}

fn unknown_username() -> Reject {
    Reject::new(RejectCode::UnknownAccount, "nobody here has this username: check how it is written")
}
