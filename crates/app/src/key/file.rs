//! The key file of a profile's folder.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{DatabaseKey, KeyError, KeyFile, Protection, open, pack, parse, protection_of};
use crate::limits::MAX_KEY_FILE_BYTES;

/// How the key file at `path` is protected; `None` when there is none.
///
/// # Errors
/// See [`KeyError`].
pub fn protection(path: &Path) -> Result<Option<Protection>, KeyError> {
    Ok(read_file(path)?.as_ref().map(protection_of))
}

/// Reads the key, or makes one when `create` allows it.
pub fn obtain(
    path: &Path,
    passphrase: Option<&str>,
    create: bool,
    rng: &mut dyn CryptoRng,
) -> Result<(DatabaseKey, Protection), KeyError> {
    if passphrase.is_some_and(str::is_empty) {
        return Err(KeyError::PassphraseEmpty);
    }
    match read_file(path)? {
        Some(file) => Ok((open(&file, passphrase, path)?, protection_of(&file))),
        None if create => {
            let key = DatabaseKey::generate(rng);
            let text = pack(&key, passphrase, rng)?;
            write_file(path, &text).map_err(|error| KeyError::Io { path: path.to_owned(), error })?;
            let protection = passphrase.map_or(Protection::KeyFile, |_| Protection::Passphrase);
            Ok((key, protection))
        }
        None => Err(KeyError::Missing(path.to_owned())),
    }
}

fn read_file(path: &Path) -> Result<Option<KeyFile>, KeyError> {
    let io = |error| KeyError::Io { path: path.to_owned(), error };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let metadata = file.metadata().map_err(io)?;
    if readable_by_others(&metadata) {
        return Err(KeyError::Readable(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    let read = (&mut file).take(MAX_KEY_FILE_BYTES).read_to_string(&mut text);
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Err(KeyError::Malformed(path.to_owned()));
        }
        read => read.map_err(io)?,
    };
    parse(&text, path).map(Some)
}

/// Durable before the database exists: a database whose key was lost in a power cut would be worthless.
fn write_file(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&beside)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    if path.exists() {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(&beside, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(unix)]
fn readable_by_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &fs::Metadata) -> bool {
    false
}
