//! A registration touches four shards, and so takes as many commits. Each step can be repeated: a client
//! that got no answer sends the same request again and comes through to the same account.

use rand_core::CryptoRng;
use waxwing_wire::client_frame::Register;
use waxwing_wire::devices::ListedDevice;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, Reject, RejectCode};

use super::account::parse_username;
use super::{devices, prekeys, respond};
use crate::limits::MAX_INVITATION_USES;
use crate::row::{AccountRow, CredentialRow, DeviceRow, InvitationRow, Row, UsernameRow, sha256};
use crate::{Batch, Command, DirectoryCommand, Effect, Key, Keys, Origin, Shard, Step, Time, View};

pub(super) fn reads_reservation(key: DeviceKey, register: &Register) -> Keys {
    let hash = sha256(&register.invitation.0);
    Keys { rows: vec![Key::Credential(key), Key::Invitation(hash)], ..Keys::default() }
}

pub(super) fn reads_invitation(register: &Register) -> Keys {
    reads_token(&register.invitation)
}

pub(super) fn reads_token(token: &InvitationToken) -> Keys {
    Keys { rows: vec![Key::Invitation(sha256(&token.0))], ..Keys::default() }
}

pub(super) fn reads_account(account: AccountId) -> Keys {
    prekeys::reads_pools(account, &[DeviceId::PRIMARY])
}

/// Reserves an account id. Whoever brings no good invitation leaves nothing behind, so the invitation is
/// looked at here already; [`claim_invitation`] has the last word.
pub(super) fn reserve(
    origin: Origin,
    key: DeviceKey,
    register: &Register,
    view: &View,
    now: Time,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    parse_username(&register.username)?;
    prekeys::signed_row(&register.prekeys)?;
    check_list(register)?;
    let register = Box::new(register.clone());
    // A number that was reserved for linking and never came to be is no account.
    let own =
        |credential: &&CredentialRow| credential.active || credential.address.device == DeviceId::PRIMARY;
    if let Some(credential) = view.credential(key).filter(own) {
        if credential.address.device != DeviceId::PRIMARY {
            return Err(another_account());
        }
        let account = credential.address.account;
        return Ok(Step::next(if credential.active {
            Command::CreateAccount { origin, key, account, register }
        } else {
            Command::ClaimInvitation { origin, key, account, register }
        }));
    }
    let invitation = view.invitation(sha256(&register.invitation.0));
    invitation.filter(|row| has_use_left(row, now)).ok_or_else(invitation_invalid)?;
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    let account = AccountId(id);
    let address = DeviceAddress { account, device: DeviceId::PRIMARY };
    let row = Row::Credential(CredentialRow { address, active: false });
    Ok(Step {
        batch: Some(Batch::of_rows(Shard::Credential(key), vec![(Key::Credential(key), Some(row))])),
        effects: vec![Effect::Continue(Command::ClaimInvitation { origin, key, account, register })],
    })
}

/// The first list says nothing but that there is this device.
fn check_list(register: &Register) -> Result<(), Reject> {
    let only = ListedDevice {
        device: DeviceId::PRIMARY,
        registration_id: register.registration_id,
        identity: register.identity,
    };
    match register.list.decode_list() {
        Ok(list) if list.version == 1 && list.devices == [only] => Ok(()),
        _ => Err(Reject::new(
            RejectCode::Malformed,
            "a registration needs a device list of version 1 with this device only: sign one",
        )),
    }
}

fn has_use_left(row: &InvitationRow, now: Time) -> bool {
    row.expires_at_ms.is_none_or(|end| now.0 < end)
        && row.uses.is_none_or(|uses| row.claimed_by.len() < uses as usize)
}

pub(super) fn claim_invitation(
    origin: Origin,
    key: DeviceKey,
    account: AccountId,
    register: &Register,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let hash = sha256(&register.invitation.0);
    let row = view.invitation(hash).ok_or_else(invitation_invalid)?;
    let mut batch = None;
    if !row.claimed_by.contains(&account) {
        if !has_use_left(row, now) {
            return Err(invitation_invalid());
        }
        // One without a bound would only grow.
        if row.uses.is_some() {
            let mut row = row.clone();
            row.claimed_by.push(account);
            let rows = vec![(Key::Invitation(hash), Some(Row::Invitation(row)))];
            batch = Some(Batch::of_rows(Shard::Invitation(hash), rows));
        }
    }
    let register = Box::new(register.clone());
    Ok(Step {
        batch,
        effects: vec![Effect::Continue(Command::ClaimUsername { origin, key, account, register })],
    })
}

/// If the username is taken the reservation and the invitation stay the device's: it tries another.
pub(super) fn claim_username(
    origin: Origin,
    key: DeviceKey,
    account: AccountId,
    register: &Register,
    view: &View,
) -> Result<Step, Reject> {
    let username = parse_username(&register.username)?;
    let batch = match view.username(&username) {
        Some(row) if row.account == account => None,
        Some(_) => {
            return Err(Reject::new(
                RejectCode::UsernameTaken,
                "somebody has this username: register with another, the invitation stays good",
            ));
        }
        None => {
            let key = Key::Username(username);
            let row = Row::Username(UsernameRow { account });
            Some(Batch::of_rows(key.shard(), vec![(key, Some(row))]))
        }
    };
    let register = Box::new(register.clone());
    Ok(Step {
        batch,
        effects: vec![Effect::Continue(Command::CreateAccount { origin, key, account, register })],
    })
}

/// An account that is there already stays as it is: its one-time prekeys may have been given out.
pub(super) fn create_account(
    origin: Origin,
    key: DeviceKey,
    account: AccountId,
    register: &Register,
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let address = DeviceAddress { account, device: DeviceId::PRIMARY };
    // The operator may have vouched for an address together with the invitation.
    let hash = sha256(&register.invitation.0);
    let redeem = DirectoryCommand::Redeem { origin: None, account, hash };
    let next = vec![
        Effect::Continue(Command::Directory(redeem)),
        Effect::Continue(Command::ActivateCredential { origin, key, address }),
    ];
    let row = new_account(key, register, now)?;
    if let Some(existing) = view.account(account) {
        return if same_account(existing, &row) { Ok(Step::only(next)) } else { Err(another_account()) };
    }
    let mut rows = vec![(Key::Account(account), Some(Row::Account(row)))];
    rows.extend(prekeys::first(address, &register.prekeys, view)?);
    Ok(Step { batch: Some(Batch::of_rows(Shard::Account(account), rows)), effects: next })
}

fn new_account(key: DeviceKey, register: &Register, now: Time) -> Result<AccountRow, Reject> {
    let device = DeviceRow {
        device: DeviceId::PRIMARY,
        key,
        identity: register.identity,
        registration_id: register.registration_id,
        countersignature: None,
        linked_at_ms: now.0,
    };
    let list = register.list.decode_list().map_err(devices::malformed)?;
    Ok(AccountRow {
        username: parse_username(&register.username)?,
        created_at_ms: now.0,
        devices: vec![device],
        list: register.list.clone(),
        list_version: list.version,
        list_expires_ms: list.expires_at_ms,
        leaving: Vec::new(),
    })
}

fn another_account() -> Reject {
    Reject::new(
        RejectCode::UsernameInvalid,
        "this device has an account already, under another username or identity: use that one, or register \
         with a new device key",
    )
}

/// Whether the account is what this registration once made. Its prekeys may have been replaced since.
fn same_account(existing: &AccountRow, registered: &AccountRow) -> bool {
    let same_device = |a: &DeviceRow, b: &DeviceRow| {
        (a.device, a.key, a.identity, a.registration_id) == (b.device, b.key, b.identity, b.registration_id)
    };
    existing.username == registered.username
        && registered.devices.iter().all(|new| existing.devices.iter().any(|old| same_device(old, new)))
}

pub(super) fn activate(
    origin: Origin,
    key: DeviceKey,
    address: DeviceAddress,
    view: &View,
) -> Result<Step, Reject> {
    let credential = view.credential(key).filter(|credential| credential.address == address);
    // Steps of the same registration come in order, so the reservation is there unless the store lost it.
    let credential = credential.ok_or_else(crate::rejects::unavailable)?;
    let batch = (!credential.active).then(|| {
        let row = Row::Credential(CredentialRow { address, active: true });
        Batch::of_rows(Shard::Credential(key), vec![(Key::Credential(key), Some(row))])
    });
    Ok(Step { batch, effects: vec![respond(origin, ResponseBody::Registered(address))] })
}

/// An invitation that is there already stays as it is.
pub(super) fn create_invitation(
    token: &InvitationToken,
    uses: Option<u32>,
    expires_at_ms: Option<u64>,
    view: &View,
) -> Result<Step, Reject> {
    if uses.is_some_and(|uses| uses > MAX_INVITATION_USES) {
        return Err(Reject::new(
            RejectCode::TooLarge,
            "too many uses to count: make several invitations, or one without a bound",
        ));
    }
    let hash = sha256(&token.0);
    let batch = view.invitation(hash).is_none().then(|| {
        let row = Row::Invitation(InvitationRow { uses, claimed_by: Vec::new(), expires_at_ms });
        Batch::of_rows(Shard::Invitation(hash), vec![(Key::Invitation(hash), Some(row))])
    });
    Ok(Step { batch, effects: Vec::new() })
}

fn invitation_invalid() -> Reject {
    Reject::new(
        RejectCode::InvitationInvalid,
        "the invitation is unknown, used up or expired: ask the operator for a new one",
    )
}
