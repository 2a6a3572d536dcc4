//! The server of the profile: where it is, and which key it has to prove.

use serde::{Deserialize, Serialize};
use waxwing_client as core;
use waxwing_wire::DeviceKey;

use super::Engine;
use crate::api::{Failure, ServerTrust};
use crate::net::ServerAddress;
use crate::store::{Setting, Store, StoreError};

const SETTING: &str = "server";

/// As it stands in the database.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    pub address: String,
    /// Hexadecimal; `None` until the first connection where nobody told it before.
    pub key: Option<String>,
    pub trust: ServerTrust,
}

impl Server {
    /// As an invitation names it.
    pub fn invited(address: &ServerAddress, key: DeviceKey) -> Self {
        let key = Some(hex::encode(key.0));
        Self { address: address.to_string(), key, trust: ServerTrust::Invitation }
    }

    /// As a user names it: an address, and perhaps `#` and the key.
    pub fn named(text: &str) -> Result<Self, Failure> {
        let (address, key) = text.split_once('#').map_or((text, None), |(address, key)| (address, Some(key)));
        let address = parse_address(address)?;
        let (key, trust) = match key.map(parse_key) {
            None => (None, ServerTrust::FirstUse),
            Some(Some(key)) => (Some(hex::encode(key.0)), ServerTrust::User),
            Some(None) => {
                let detail = "what stands behind the # is not a server's key; copy all 64 digits of it from \
                              `waxwing status` on the other device";
                return Err(Failure::user("malformedKey", detail));
            }
        };
        Ok(Self { address: address.to_string(), key, trust })
    }

    /// Where to connect, and whom to expect there.
    pub fn target(&self) -> Option<(ServerAddress, Option<DeviceKey>)> {
        let address = ServerAddress::parse(&self.address).ok()?;
        let key = match &self.key {
            Some(key) => Some(parse_key(key)?),
            None => None,
        };
        Some((address, key))
    }

    pub fn read(store: &Store) -> Result<Option<Self>, String> {
        let value = store.setting(SETTING).map_err(|error| error.to_string())?;
        let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|error| error.to_string());
        value.map(parse).transpose()
    }

    fn write(&self, store: &mut Store) -> Result<(), StoreError> {
        let value = serde_json::to_vec(self).expect("three texts can be written as JSON");
        store.apply(&Vec::new(), &[Setting { name: SETTING.to_owned(), value: Some(value) }])
    }
}

impl Engine {
    /// From now on this is the server.
    pub(super) fn set_server(&mut self, server: Server) -> Result<(), Failure> {
        let applied = server.write(&mut self.profile.store);
        applied.map_err(|error| Failure::device(error.to_string()))?;
        if self.server.replace(server.clone()).is_some_and(|old| old != server) && self.connection.is_some() {
            self.drop_connection();
            self.handle(core::Input::Disconnected);
        }
        Ok(())
    }

    /// A server that nobody has vouched for is the one that answered first, from now on.
    pub(super) fn remember_key(&mut self, key: DeviceKey) -> Result<(), StoreError> {
        let Some(server) = self.server.as_mut().filter(|server| server.key.is_none()) else { return Ok(()) };
        server.key = Some(hex::encode(key.0));
        server.write(&mut self.profile.store)
    }
}

pub fn parse_address(text: &str) -> Result<ServerAddress, Failure> {
    ServerAddress::parse(text).map_err(|error| Failure::user("malformedAddress", error.to_string()))
}

fn parse_key(text: &str) -> Option<DeviceKey> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(DeviceKey(key))
}
