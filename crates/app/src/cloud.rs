//! Storage of the user's own: a folder that some other program keeps in step with a cloud, or a WebDAV server. What
//! goes there is encrypted before, and is named by the caller so that its name says nothing.

#[cfg(not(target_family = "wasm"))]
mod folder;
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;
#[cfg(not(target_family = "wasm"))]
mod webdav;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::api::{CloudPlace, Failure};
use crate::limits::MAX_PLACE_BYTES;

/// Somewhere that keeps bytes under names.
pub trait Cloud {
    /// Keeps what a file has, durably, in the place of what was there under this name.
    ///
    /// # Errors
    /// See [`CloudError`]; something may be there then.
    fn put(&self, name: &str, content: File, bytes: u64) -> Result<(), CloudError>;

    /// What is there under this name, from a byte on.
    ///
    /// # Errors
    /// See [`CloudError`].
    fn read(&self, name: &str, from: u64) -> Result<Box<dyn Read>, CloudError>;

    /// Deletes it. There may be nothing.
    ///
    /// # Errors
    /// See [`CloudError`].
    fn delete(&self, name: &str) -> Result<(), CloudError>;
}

/// Why something could not be done there. Names nothing of the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// Nothing is there under this name.
    #[error("it is not there any more")]
    Gone,
    /// It does not let this user in.
    #[error("user or password are wrong there, or may not do this")]
    Refused,
    /// There is no room.
    #[error("there is no more room there")]
    Full,
    /// Anything else, now.
    #[error("it cannot be reached, or does not do what it should: {0}")]
    Unreachable(String),
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        let code = match error {
            CloudError::Gone => "cloudGone",
            CloudError::Refused => "cloudRefused",
            CloudError::Full => "cloudFull",
            CloudError::Unreachable(_) => "cloudUnreachable",
        };
        Self::user(code, format!("your own storage: {error}"))
    }
}

/// Opens a place as the user names it.
///
/// # Errors
/// When it is no place.
#[cfg(not(target_family = "wasm"))]
pub fn open(place: &CloudPlace) -> Result<Box<dyn Cloud>, Failure> {
    check(place)?;
    Ok(match place {
        CloudPlace::Folder { path } => Box::new(folder::Folder(path.into())),
        CloudPlace::WebDav { url, user, password } => {
            Box::new(webdav::WebDav::new(url, user.as_deref(), password.as_deref()))
        }
    })
}

/// Whether it can be one.
///
/// # Errors
/// When it cannot.
pub fn check(place: &CloudPlace) -> Result<(), Failure> {
    let wrong = |detail: &str| Err(Failure::user("malformedPlace", detail));
    match place {
        CloudPlace::Folder { path } if path.len() > MAX_PLACE_BYTES || !Path::new(path).is_absolute() => {
            wrong("the folder must be named by its whole path")
        }
        CloudPlace::WebDav { url, .. } if url.len() > MAX_PLACE_BYTES || !is_http(url) => {
            wrong("the address of a WebDAV folder begins with https:// or http://, and has no ? or #")
        }
        // What proves who one is does not go over the network for everybody to read.
        CloudPlace::WebDav { url, user: Some(_), .. } if !is_secret(url) => {
            wrong("a user and a password are given to https:// only, or to this machine")
        }
        _ => Ok(()),
    }
}

fn is_secret(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return true };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && !rest.contains(['?', '#', '@']) && !rest.contains(char::is_whitespace)
    })
}

impl From<io::Error> for CloudError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Gone,
            ErrorKind::PermissionDenied => Self::Refused,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Unreachable(kind.to_string()),
        }
    }
}
