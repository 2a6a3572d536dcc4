//! The right to one blob of Azure's for a time: a *service SAS*, made with the account's key.
//!
//! <https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas>

use anyhow::Context;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

const VERSION: &str = "2020-12-06";

/// Signs with an account's key.
pub struct Sas {
    account: String,
    key: Zeroizing<Vec<u8>>,
}

impl Sas {
    /// `key` as Azure shows it.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn new(account: &str, key: &str) -> anyhow::Result<Self> {
        let key = BASE64.decode(key.as_bytes()).context("Azure: the account's key is not base64")?;
        Ok(Self { account: account.to_owned(), key: Zeroizing::new(key) })
    }

    /// What stands behind the question mark. `path` is `CONTAINER/NAME`, `may` is `r` or `cw`, `until` is UTC as
    /// `2026-11-23T02:00:00Z`.
    pub fn query(&self, path: &str, may: &str, until: &str) -> String {
        let resource = format!("/blob/{}/{path}", self.account);
        // Permissions, start, expiry, resource, identifier, IP, protocol, version, kind of resource, snapshot,
        // encryption scope, and five headers of the answer.
        let fields = [may, "", until, &resource, "", "", "", VERSION, "b", "", "", "", "", "", "", ""];
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(fields.join("\n").as_bytes());
        let signature = BASE64.encode(&mac.finalize().into_bytes());
        Serializer::new(String::new())
            .extend_pairs([("sv", VERSION), ("se", until), ("sp", may), ("sr", "b"), ("sig", &signature)])
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `reqsign-azure-storage` 3.3.0 has it in its tests.
    #[test]
    fn signs_as_others_do() {
        let sas = Sas::new("account", &BASE64.encode(b"key")).unwrap();
        assert_eq!(
            sas.query("container/path/to/blob.txt", "r", "2022-03-01T08:17:34Z"),
            "sv=2020-12-06&se=2022-03-01T08%3A17%3A34Z&sp=r&sr=b&sig=CP9a2LIrR9zeG4I4jZjqPetJSXWJ77QeUA7c3GMypyM%3D"
        );
        assert!(Sas::new("account", "no base64!").is_err());
    }
}
