//! A profile's folder: its key, its database, and the lock that keeps a second process out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;

use super::{DATABASE_FILE, OpenError, Profile};
use crate::key::{self, KeyChoice, Protection};
use crate::store::{Indexing, Store, StoreError};

const LOCK_FILE: &str = "lock";
pub const KEY_FILE: &str = "key.json";

/// Which profile, and how it is protected.
pub struct ProfileOptions {
    /// Its folder; made if it does not exist.
    pub data_dir: PathBuf,
    /// The database key.
    pub key: KeyChoice,
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

pub fn open(
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

pub fn make_folder(path: &Path) -> std::io::Result<()> {
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
