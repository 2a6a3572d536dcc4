//! How programs name people and groups. Where signal-cli has a phone number, there is a username here; where
//! it has a UUID, the account's sixteen bytes written as one.

#[cfg(test)]
mod tests;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use waxwing_app::api::{Command, Contact, Group, Person};

use super::hub::{Hub, failure};
use super::rpc::RpcError;
use waxwing_app::api::Fault;

/// What groups are called in the interface begins so.
const GROUP_PREFIX: &str = "g:";

/// An account as a UUID.
pub fn uuid(account: &str) -> String {
    let part = |from: usize, to: usize| account.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// A name as the interface takes it: UUIDs become accounts, `u:` before a username falls away.
pub fn plain(name: &str) -> String {
    let digits: String = name.chars().filter(|c| *c != '-').collect();
    let is_uuid = name.len() == 36 && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if is_uuid {
        return digits.to_ascii_lowercase();
    }
    name.strip_prefix("u:").unwrap_or(name).to_owned()
}

/// A group's sixteen bytes in base64.
pub fn group_id(group: &str) -> String {
    let digits = group.strip_prefix(GROUP_PREFIX).unwrap_or(group);
    HEXLOWER.decode(digits.as_bytes()).map_or_else(|_| group.to_owned(), |bytes| BASE64.encode(&bytes))
}

/// A group as the interface names it, from base64 of any kind, or as it is.
pub fn group_name(id: &str) -> Result<String, RpcError> {
    if id.starts_with(GROUP_PREFIX) {
        return Ok(id.to_owned());
    }
    [BASE64, BASE64URL, BASE64_NOPAD, BASE64URL_NOPAD]
        .iter()
        .find_map(|alphabet| alphabet.decode(id.as_bytes()).ok())
        .filter(|bytes| bytes.len() == 16)
        .map(|bytes| format!("{GROUP_PREFIX}{}", HEXLOWER.encode(&bytes)))
        .ok_or_else(|| RpcError::user("Invalid group id: it is sixteen bytes in base64"))
}

/// Somebody as `{"uuid","number","username"}`.
pub fn address(person: &Person) -> Value {
    json!({
        "uuid": uuid(&person.account),
        "number": person.username.as_deref().unwrap_or(&person.account),
        "username": person.username,
    })
}

/// How somebody is called where signal-cli has a number.
pub fn number(person: &Person) -> &str {
    person.username.as_deref().unwrap_or(&person.account)
}

impl Hub {
    /// Whose account a name means, the own one's included.
    pub fn account_of(&self, name: &str) -> Result<String, RpcError> {
        if self.means_own(name) { Ok(self.own.account.clone()) } else { Ok(self.find(name)?.person.account) }
    }

    /// A contact by username, account or own name, looked up on the server if it is not known here.
    pub fn find(&self, name: &str) -> Result<Contact, RpcError> {
        let name = plain(name);
        if let Some(contact) = self.contact(&name)? {
            return Ok(contact);
        }
        if self.is_own(&name) || self.own.username.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&name))
        {
            return Err(failure(Fault::User, "ownName", "that is the own account; name somebody else").into());
        }
        let learned = self.run(Command::AddContact { username: name })?.contact;
        learned.ok_or_else(|| RpcError::user("the server did not say who that is"))
    }

    /// Several of them, each once.
    pub fn find_accounts(&self, names: &[String]) -> Result<Vec<String>, RpcError> {
        let mut accounts: Vec<String> = Vec::new();
        for name in names {
            let account =
                if self.means_own(name) { self.own.account.clone() } else { self.find(name)?.person.account };
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Ok(accounts)
    }

    /// Whether a name means the own account.
    pub fn means_own(&self, name: &str) -> bool {
        let name = plain(name);
        self.is_own(&name) || self.own.username.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&name))
    }

    /// A group that must be here, by its id.
    pub fn find_group(&self, id: &str) -> Result<Group, RpcError> {
        let unknown = || RpcError::user("no such group here; `listGroups` has those that are");
        self.group(&group_name(id)?)?.ok_or_else(unknown)
    }
}
