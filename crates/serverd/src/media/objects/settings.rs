//! Which object store, and how it is reached.

use std::fmt;
use std::path::Path;

use clap::ValueEnum;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::{Options, Unusable};
use crate::limits::MAX_SECRET_FILE_BYTES;

/// The environment variable that may hold the store's secret.
pub const SECRET_VARIABLE: &str = "WAXWINGD_MEDIA_SECRET";

/// Where files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// In a folder of this machine
    Folder,
    /// At S3, or what speaks its protocol
    S3,
    /// At Google Cloud Storage
    Gcs,
    /// At Azure Blob Storage
    Azblob,
}

/// An object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSettings {
    /// By which protocol.
    pub service: Service,
    /// Bucket or container.
    pub bucket: String,
    /// `None`: the provider's own.
    pub endpoint: Option<String>,
    /// What all names in it begin with.
    pub prefix: String,
    /// `None`: what this machine is given by its provider.
    pub secret: Option<Secret>,
}

/// The protocol, and what only it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// Amazon's, which many others speak.
    S3 {
        /// Part of what is signed.
        region: String,
        /// Id of the access key whose secret there is.
        key_id: Option<String>,
        /// The bucket stands in the host's name.
        virtual_host: bool,
    },
    /// The secret is the JSON of a service account.
    Gcs,
    /// The secret is the account's key.
    Azblob {
        /// Name of the storage account.
        account: String,
    },
}

/// What only the operator and the store know.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Zeroizing<String>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl ObjectSettings {
    /// What the options say; `None`: files are in a folder.
    ///
    /// # Errors
    /// What is missing, or too much, and what to do.
    pub fn of(options: &Options) -> Result<Option<Self>, Unusable> {
        let storage = options.media_storage.unwrap_or(Storage::Folder);
        if storage == Storage::Folder {
            return match given_for_objects(options) {
                Some(name) => Err(Unusable::new(format!(
                    "{name} is for object stores: set media-storage to s3, gcs or azblob, or take {name} away"
                ))),
                None => Ok(None),
            };
        }
        if options.media_dir.is_some() {
            return Err(Unusable::new("media-dir is for media-storage = \"folder\": take one of them away"));
        }
        let bucket = options.media_bucket.clone().filter(|bucket| !bucket.is_empty());
        let bucket = bucket
            .ok_or_else(|| Unusable::new("media-bucket is missing: the bucket or container for files"))?;
        let secret = secret(options.media_secret_file.as_deref())?;
        let service = match storage {
            Storage::Folder | Storage::S3 => s3(options, secret.is_some())?,
            Storage::Gcs => Service::Gcs,
            Storage::Azblob => azblob(options, secret.is_some())?,
        };
        let endpoint = options.media_endpoint.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        if endpoint.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            return Err(Unusable::new("media-endpoint has to begin with https:// (or http://)"));
        }
        let prefix = options.media_prefix.as_deref().unwrap_or_default().trim_matches('/').to_owned();
        Ok(Some(Self { service, bucket, endpoint, prefix, secret }))
    }
}

/// An option that a folder has no use for.
fn given_for_objects(options: &Options) -> Option<&'static str> {
    let given = [
        (options.media_bucket.is_some(), "media-bucket"),
        (options.media_endpoint.is_some(), "media-endpoint"),
        (options.media_region.is_some(), "media-region"),
        (options.media_prefix.is_some(), "media-prefix"),
        (options.media_access_key_id.is_some(), "media-access-key-id"),
        (options.media_account.is_some(), "media-account"),
        (options.media_secret_file.is_some(), "media-secret-file"),
    ];
    given.into_iter().find(|(is, _)| *is).map(|(_, name)| name)
}

fn s3(options: &Options, has_secret: bool) -> Result<Service, Unusable> {
    let key_id = options.media_access_key_id.clone();
    if key_id.is_some() != has_secret {
        return Err(Unusable::new(format!(
            "S3: media-access-key-id and its secret (media-secret-file, or {SECRET_VARIABLE} in the environment) \
             belong together; with neither, the machine's own credentials are taken"
        )));
    }
    // What is no cloud mostly takes any region, and this one for none.
    let region = options.media_region.clone();
    let region = region.or_else(|| options.media_endpoint.as_ref().map(|_| "us-east-1".to_owned()));
    let region = region.ok_or_else(|| {
        Unusable::new("S3: media-region is missing, such as eu-central-1; other stores want media-endpoint")
    })?;
    Ok(Service::S3 { region, key_id, virtual_host: options.media_virtual_host.unwrap_or(false) })
}

fn azblob(options: &Options, has_secret: bool) -> Result<Service, Unusable> {
    let account = options.media_account.clone();
    let account =
        account.ok_or_else(|| Unusable::new("Azure: media-account is missing: the storage account"))?;
    if !has_secret {
        // A SAS token of the operator's would do for OpenDAL, and be handed to every client as it is.
        return Err(Unusable::new(format!(
            "Azure: the account's key is missing (media-secret-file, or {SECRET_VARIABLE} in the environment). A SAS \
             token will not do: each client gets one of its own, for one object and a short time, made with the key"
        )));
    }
    Ok(Service::Azblob { account })
}

fn secret(file: Option<&Path>) -> Result<Option<Secret>, Unusable> {
    let text = match file {
        Some(path) => Some(read(path)?),
        None => std::env::var(SECRET_VARIABLE).ok().map(Zeroizing::new),
    };
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Err(Unusable::new(format!("the secret (media-secret-file or {SECRET_VARIABLE}) is empty")));
    }
    Ok(Some(Secret(Zeroizing::new(text.to_owned()))))
}

fn read(path: &Path) -> Result<Zeroizing<String>, Unusable> {
    let unusable =
        |why: &dyn fmt::Display| Unusable::new(format!("media-secret-file {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unusable(&error))?.len();
    if size > MAX_SECRET_FILE_BYTES {
        return Err(unusable(&format!("larger than {MAX_SECRET_FILE_BYTES} bytes: not a secret")));
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| unusable(&error))
}

#[cfg(test)]
mod tests;
