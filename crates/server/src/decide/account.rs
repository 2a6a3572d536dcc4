use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, DeviceId, Reject, RejectCode, Username};

use super::respond;
use crate::{Command, Key, Keys, Origin, Step, View};

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
    let primary = row.devices.iter().find(|device| device.device == DeviceId::PRIMARY);
    let identity = primary.ok_or_else(unknown_username)?.identity;
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

fn unknown_username() -> Reject {
    Reject::new(RejectCode::UnknownAccount, "nobody here has this username: check how it is written")
}
