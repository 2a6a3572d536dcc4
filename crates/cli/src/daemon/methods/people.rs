//! Contacts, keys, and the account's devices.

use serde_json::{Value, json};
use waxwing_app::api::{Command, Contact, HistoryRange, Trust};

use super::done;
use crate::daemon::hub::Hub;
use crate::daemon::names::{number, plain, uuid};
use crate::daemon::params::Params;
use crate::daemon::rpc::RpcError;

pub fn contacts(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let wanted = params.texts(&["recipient", "recipients"])?;
    let blocked = params.flag("blocked")?;
    let contacts = hub.contacts()?.into_iter().filter(|contact| {
        (wanted.is_empty() || wanted.iter().any(|name| is_called(contact, name)))
            && (!blocked || contact.blocked)
    });
    Ok(contacts.map(|contact| described(&contact)).collect())
}

fn is_called(contact: &Contact, name: &str) -> bool {
    let name = plain(name);
    contact.person.account == name || contact.person.username.as_deref() == Some(&name)
}

fn described(contact: &Contact) -> Value {
    let person = &contact.person;
    json!({
        "number": number(person),
        "uuid": uuid(&person.account),
        "username": person.username,
        "name": person.name,
        "isBlocked": contact.blocked,
        "isHidden": false,
        "messageExpirationTime": 0,
        "unread": contact.unread,
    })
}

pub fn update_contact(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    params.refuse(&["expiration", "note"], "not supported yet")?;
    let account = hub.find(&params.needed_text(&["recipient"])?)?.person.account;
    match params.text(&["name", "givenName", "nickGivenName"])? {
        Some(name) => done(hub, Command::SetContactName { account, name }),
        None => Ok(json!({})),
    }
}

/// Whom the server knows. Somebody unknown is no error.
pub fn user_status(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let mut names = params.texts(&["recipient", "recipients"])?;
    names.extend(params.texts(&["username", "usernames"])?);
    let mut told = Vec::new();
    for name in names {
        let account = match hub.find_accounts(std::slice::from_ref(&name)) {
            Ok(accounts) => accounts.into_iter().next(),
            Err(error) if is_unknown(&error) => None,
            Err(error) => return Err(error),
        };
        told.push(json!({
            "recipient": name,
            "number": name,
            "uuid": account.as_deref().map(uuid),
            "isRegistered": account.is_some(),
        }));
    }
    Ok(Value::Array(told))
}

fn is_unknown(error: &RpcError) -> bool {
    let code = error.data.get("code").and_then(Value::as_str);
    matches!(code, Some("unknownAccount" | "malformedUsername"))
}

pub fn block(hub: &Hub, params: &Params, blocked: bool) -> Result<Value, RpcError> {
    params.refuse(&["groupId", "groupIds"], "groups cannot be blocked; leave the group instead")?;
    let names = params.texts(&["recipient", "recipients", "contact", "contacts"])?;
    if names.is_empty() {
        return Err(RpcError::params("recipient is missing"));
    }
    for account in hub.find_accounts(&names)? {
        hub.run(Command::SetBlocked { account, blocked })?;
    }
    Ok(json!({}))
}

pub fn identities(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let wanted = params.text(&["number", "recipient"])?;
    let mut told = Vec::new();
    for contact in hub.contacts()? {
        if wanted.as_ref().is_some_and(|name| !is_called(&contact, name)) {
            continue;
        }
        let Some(safety_number) = hub.safety_number(&contact.person.account)? else { continue };
        let trust = match contact.trust {
            Trust::FirstUse => "TRUSTED_UNVERIFIED",
            Trust::Verified => "TRUSTED_VERIFIED",
            Trust::Changed { .. } => "UNTRUSTED",
        };
        told.push(json!({
            "number": number(&contact.person),
            "uuid": uuid(&contact.person.account),
            "safetyNumber": safety_number,
            "trustLevel": trust,
        }));
    }
    Ok(Value::Array(told))
}

/// Only a number that was compared makes a key trusted.
pub fn trust(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let account = hub.find(&params.needed_text(&["recipient"])?)?.person.account;
    params
        .refuse(&["trustAllKnownKeys"], "compare the safety number, and give it as verifiedSafetyNumber")?;
    let told = params.needed_text(&["verifiedSafetyNumber", "verifiedFingerprint"])?;
    let told: String = told.chars().filter(|c| !c.is_whitespace()).collect();
    if hub.safety_number(&account)? != Some(told) {
        return Err(RpcError::user("that is not the safety number with this contact"));
    }
    done(hub, Command::SetVerified { account, verified: true })
}

pub fn devices(hub: &Hub) -> Result<Value, RpcError> {
    let told = hub.devices()?.into_iter().map(|device| {
        json!({
            "id": device.device,
            "name": device.name,
            "createdTimestamp": device.linked_at_ms,
            "lastSeenTimestamp": device.last_seen_ms,
            "isThisDevice": device.this,
        })
    });
    Ok(told.collect())
}

/// `uri` is what `waxwing link` shows on the new device, as text or as the QR code's content.
pub fn add_device(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let history = match params.text(&["history"])?.as_deref() {
        None | Some("all") => HistoryRange::All,
        Some("year") => HistoryRange::Year,
        Some("month") => HistoryRange::Month,
        Some("none") => HistoryRange::None,
        Some(_) => return Err(RpcError::user("history must be all, year, month or none")),
    };
    done(hub, Command::ApproveLink { code: params.needed_text(&["uri"])?, history })
}

pub fn remove_device(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    done(hub, Command::RemoveDevice { device: device(params)? })
}

pub fn update_device(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let name = params.needed_text(&["deviceName"])?;
    done(hub, Command::RenameDevice { device: device(params)?, name })
}

fn device(params: &Params) -> Result<u8, RpcError> {
    let number = params.needed_number(&["deviceId"])?;
    u8::try_from(number).map_err(|_| RpcError::user("no such device"))
}

pub fn accounts(hub: &Hub) -> Value {
    json!([{ "number": hub.own_name(), "aci": uuid(&hub.own.account), "uuid": uuid(&hub.own.account) }])
}
