//! What the account tells of itself, and what it says to people who write for the first time.

use serde_json::{Value, json};
use waxwing_app::api::{Audience, ChatChange, Command, PrivacySetting, ProfileChange};

use super::done;
use super::groups::{leave, picture};
use crate::commands::acts::PREVIEWS_SETTING;
use crate::daemon::hub::Hub;
use crate::daemon::params::Params;
use crate::daemon::rpc::RpcError;

/// Name, about and picture. There is one name here: given and family name make it together.
pub fn update_profile(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    params.refuse(&["mobileCoinAddress", "aboutEmoji"], "not known here")?;
    let given = params.text(&["givenName", "name"])?;
    let family = params.text(&["familyName"])?.unwrap_or_default();
    let about = params.text(&["about"])?;
    let avatar = match params.text(&["avatar"])? {
        Some(path) => Some(picture(&path)?),
        None => params.flag("removeAvatar")?.then(String::new),
    };
    let name = given.map(|given| format!("{given} {family}").trim().to_owned());
    let changes =
        [name.map(ProfileChange::Name), about.map(ProfileChange::About), avatar.map(ProfileChange::Picture)];
    for change in changes.into_iter().flatten() {
        hub.run(Command::SetProfile { change })?;
    }
    Ok(json!({}))
}

/// Who may know what. What is not named stays as it is.
pub fn update_configuration(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let fixed = "cannot be changed here";
    params.refuse(&["unidentifiedDeliveryIndicators", "typingIndicators"], fixed)?;
    if let Some(tell) = params.switch("readReceipts")? {
        let audience = if tell { Audience::Everyone } else { Audience::Nobody };
        hub.run(Command::SetPrivacy { setting: PrivacySetting::Receipts, audience })?;
    }
    if let Some(fetch) = params.switch("linkPreviews")? {
        let value = (!fetch).then(|| "off".to_owned());
        hub.run(Command::SetSetting { key: PREVIEWS_SETTING.to_owned(), value })?;
    }
    Ok(json!({}))
}

/// Yes or no to somebody, or to a group, who is a request so far.
pub fn answer_request(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let accepts = match params.needed_text(&["type"])?.to_ascii_lowercase().as_str() {
        "accept" => true,
        "delete" => false,
        _ => return Err(RpcError::user("type must be accept or delete")),
    };
    let people = params.texts(&["recipient", "recipients"])?;
    let groups = params.texts(&["groupId", "groupIds"])?;
    if people.is_empty() && groups.is_empty() {
        return Err(RpcError::user("No recipients given: name a recipient or a groupId"));
    }
    for name in &people {
        let account = hub.find(name)?.person.account;
        hub.run(if accepts { Command::Accept { account } } else { cleared(account) })?;
    }
    for id in &groups {
        let group = hub.find_group(id)?.group;
        if accepts {
            hub.run(Command::AcceptGroup { group })?;
            continue;
        }
        leave(hub, group.clone())?;
        hub.run(cleared(group))?;
    }
    Ok(json!({}))
}

fn cleared(conversation: String) -> Command {
    Command::SetChat { conversation, change: ChatChange::Cleared }
}

/// Somebody is no contact any more.
pub fn remove_contact(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    params.refuse(&["hide", "forget"], "not known here; leave it away to remove the contact")?;
    let account = hub.find(&params.needed_text(&["recipient"])?)?.person.account;
    done(hub, Command::RemoveContact { account })
}
