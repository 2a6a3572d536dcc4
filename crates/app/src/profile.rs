//! A profile that is open, and why one is not.

#[cfg(not(target_family = "wasm"))]
mod folder;
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;

use std::path::PathBuf;

use crate::key::{KeyError, Protection};
use crate::store::{Store, StoreError};
#[cfg(not(target_family = "wasm"))]
pub use folder::{ProfileOptions, exists, make_folder, open, protection};

/// The database's name in its folder.
pub const DATABASE_FILE: &str = "waxwing.db";

/// Why a profile could not be opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "another waxwing process{} uses this profile; end it first, or use another --data-dir",
        .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Busy {
        /// Which process, if it said so.
        pid: Option<u32>,
    },
    /// The folder.
    #[error("cannot use the profile folder {path}: {error}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key is one, but another database's.
    #[error(
        "the key in {0} does not open this profile's database; name the right one with --key-file, or use \
         another --data-dir"
    )]
    WrongKey(PathBuf),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
    /// The core's own rows.
    #[error("{0}; bring back a copy of the profile folder, or use another --data-dir")]
    Damaged(String),
}

impl OpenError {
    /// Name of the error for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "profileBusy",
            Self::Folder { .. } => "profileFolder",
            Self::Key(KeyError::Missing(_)) => "keyMissing",
            Self::Key(KeyError::Malformed(_)) => "keyMalformed",
            Self::Key(KeyError::Readable(_)) => "keyReadable",
            Self::Key(KeyError::PassphraseNeeded) => "passphraseNeeded",
            Self::Key(KeyError::PassphraseWrong) => "passphraseWrong",
            Self::Key(KeyError::PassphraseUnused) => "passphraseUnused",
            Self::Key(KeyError::PassphraseEmpty) => "passphraseEmpty",
            Self::Key(KeyError::Io { .. }) => "keyFile",
            Self::WrongKey(_) | Self::Store(StoreError::WrongKey) => "keyWrong",
            Self::Store(StoreError::Newer(_)) => "databaseNewer",
            Self::Store(StoreError::Older(_)) => "databaseOlder",
            Self::Store(StoreError::Full) => "diskFull",
            Self::Store(StoreError::Sqlite(_)) => "database",
            Self::Damaged(_) => "databaseDamaged",
        }
    }
}

/// An open profile; unlocked when dropped.
pub(crate) struct Profile {
    pub store: Store,
    pub protection: Protection,
    /// Where everything of it is.
    pub data_dir: PathBuf,
    /// Held for as long as it is open.
    #[cfg(not(target_family = "wasm"))]
    pub _lock: std::fs::File,
}
