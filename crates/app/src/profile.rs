//! A profile's folder: its key, its database, and the lock that keeps a second process out.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;

use crate::key::{self, KeyChoice, KeyError, Protection};
use crate::store::{Indexing, Store, StoreError};

const LOCK_FILE: &str = "lock";
const KEY_FILE: &str = "key.json";
const DATABASE_FILE: &str = "waxwing.db";

/// Which profile, and how it is protected.
pub struct ProfileOptions {
    /// Its folder; made if it does not exist.
    pub data_dir: PathBuf,
    /// The database key.
    pub key: KeyChoice,
}

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
    pub data_dir: PathBuf,
    _lock: File,
}

/// How the profile is protected; `None` when there is no profile yet.
///
/// # Errors
/// When a key file is there that cannot be read.
pub fn protection(data_dir: &Path, key_file: Option<&Path>) -> Result<Option<Protection>, OpenError> {
    Ok(key::protection(&key_path(data_dir, key_file))?)
}

/// Whether there is a profile in the folder.
#[must_use]
pub fn exists(data_dir: &Path) -> bool {
    data_dir.join(DATABASE_FILE).exists()
}

pub(crate) fn open(
    options: &ProfileOptions,
    rng: &mut dyn CryptoRng,
    progress: &mut dyn FnMut(Indexing),
) -> Result<Profile, OpenError> {
    let data_dir = &options.data_dir;
    let folder = |error| OpenError::Folder { path: data_dir.clone(), error };
    make_folder(data_dir).map_err(folder)?;
    let lock = lock(&data_dir.join(LOCK_FILE), data_dir)?;
    let database = data_dir.join(DATABASE_FILE);
    let key_path = key_path(data_dir, options.key.key_file.as_deref());
    let passphrase = options.key.passphrase.as_ref().map(|text| text.as_str());
    let (key, protection) = key::obtain(&key_path, passphrase, !database.exists(), rng)?;
    let store = Store::open(&database, &key, progress).map_err(|error| match error {
        StoreError::WrongKey => OpenError::WrongKey(key_path),
        other => OpenError::Store(other),
    })?;
    Ok(Profile { store, protection, data_dir: data_dir.clone(), _lock: lock })
}

fn key_path(data_dir: &Path, key_file: Option<&Path>) -> PathBuf {
    key_file.map_or_else(|| data_dir.join(KEY_FILE), Path::to_owned)
}

pub(crate) fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn lock(path: &Path, data_dir: &Path) -> Result<File, OpenError> {
    let folder = |error| OpenError::Folder { path: data_dir.to_owned(), error };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(folder)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = (&file).take(32).read_to_string(&mut text);
            return Err(OpenError::Busy { pid: text.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(folder(error)),
    }
    // Only so that the other process can be named; a failure here is no reason not to start.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}
