//! The key of the database, and where it comes from: a key file, or a passphrase that unwraps it.

#[cfg(not(target_family = "wasm"))]
mod file;
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::limits::{MAX_ARGON2_ITERATIONS, MAX_ARGON2_MEMORY_KIB};
#[cfg(not(target_family = "wasm"))]
pub(crate) use file::{obtain, protection};

/// Argon2id, second recommended option of RFC 9106 (section 4): 64 MiB, 3 passes, 4 lanes.
const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
const ARGON2_ITERATIONS: u32 = 3;
const ARGON2_LANES: u32 = 4;
const FILE_VERSION: u32 = 1;

/// What opens the database. No `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DatabaseKey([u8; 32]);

impl DatabaseKey {
    pub(crate) fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// For SQLite.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0))
    }
}

/// How the user protects the database key.
#[derive(Default)]
pub struct KeyChoice {
    /// The key file; in the profile's folder if `None`.
    pub key_file: Option<PathBuf>,
    /// Wraps the key in the key file.
    pub passphrase: Option<Zeroizing<String>>,
}

/// How a profile's key is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Protection {
    /// By the permissions of the key file.
    KeyFile,
    /// By a passphrase.
    Passphrase,
}

/// Why there is no database key. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is gone, or was never here.
    #[error(
        "this profile's key file {0} is missing and its database cannot be opened without it; bring the \
         file back, name it with --key-file, or use another --data-dir for a new profile"
    )]
    Missing(PathBuf),
    /// The file is something else.
    #[error(
        "{0} is not a Waxwing key file or is damaged; bring the right one back or name it with --key-file"
    )]
    Malformed(PathBuf),
    /// Others can read it.
    #[error("{0} can be read by other users; run: chmod 600 {0}")]
    Readable(PathBuf),
    /// Wrapped, and no passphrase given.
    #[error(
        "this profile is protected by a passphrase; set WAXWING_PASSPHRASE or run on a terminal to be asked"
    )]
    PassphraseNeeded,
    /// Does not unwrap the key.
    #[error("wrong passphrase; try again")]
    PassphraseWrong,
    /// Given, but the key is not wrapped.
    #[error(
        "this profile is protected by its key file, not by a passphrase; leave --passphrase and \
         WAXWING_PASSPHRASE away"
    )]
    PassphraseUnused,
    /// An empty one protects nothing.
    #[error("the passphrase is empty; choose one, or leave --passphrase away")]
    PassphraseEmpty,
    /// The file system.
    #[error("cannot use the key file {path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What is in the key file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum KeyFile {
    Plain { version: u32, key: String },
    Passphrase { version: u32, memory_kib: u32, iterations: u32, lanes: u32, salt: String, wrapped: String },
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if let Self::Plain { key, .. } = self {
            key.zeroize();
        }
    }
}

/// How what is in a key file is protected; `None`: it is none.
pub(crate) fn protection_of(file: &KeyFile) -> Protection {
    match file {
        KeyFile::Plain { .. } => Protection::KeyFile,
        KeyFile::Passphrase { .. } => Protection::Passphrase,
    }
}

/// Reads what is in a key file; `path` is for words.
pub(crate) fn parse(text: &str, path: &Path) -> Result<KeyFile, KeyError> {
    let malformed = || KeyError::Malformed(path.to_owned());
    let parsed: KeyFile = serde_json::from_str(text).map_err(|_| malformed())?;
    let (KeyFile::Plain { version, .. } | KeyFile::Passphrase { version, .. }) = &parsed;
    if *version == FILE_VERSION { Ok(parsed) } else { Err(malformed()) }
}

/// The key in a key file.
pub(crate) fn open(file: &KeyFile, passphrase: Option<&str>, path: &Path) -> Result<DatabaseKey, KeyError> {
    let malformed = || KeyError::Malformed(path.to_owned());
    match (file, passphrase) {
        (KeyFile::Plain { key, .. }, None) => {
            let mut bytes = Zeroizing::new([0; 32]);
            hex::decode_to_slice(key, &mut *bytes).map_err(|_| malformed())?;
            Ok(DatabaseKey(*bytes))
        }
        (KeyFile::Plain { .. }, Some(_)) => Err(KeyError::PassphraseUnused),
        (KeyFile::Passphrase { .. }, None) => Err(KeyError::PassphraseNeeded),
        (KeyFile::Passphrase { memory_kib, iterations, lanes, salt, wrapped, .. }, Some(passphrase)) => {
            let salt = hex::decode(salt).map_err(|_| malformed())?;
            let wrapped = hex::decode(wrapped).map_err(|_| malformed())?;
            let wrapping = Wrapping { memory_kib: *memory_kib, iterations: *iterations, lanes: *lanes };
            let cipher = wrapping.cipher(passphrase, &salt).ok_or_else(malformed)?;
            let (nonce, sealed) = wrapped.split_first_chunk::<12>().ok_or_else(malformed)?;
            let payload = Payload { msg: sealed, aad: &wrapping.to_bytes() };
            let opened = cipher
                .decrypt(&Nonce::from(*nonce), payload)
                .map(Zeroizing::new)
                .map_err(|_| KeyError::PassphraseWrong)?;
            let bytes = opened.as_slice().try_into().map_err(|_| malformed())?;
            Ok(DatabaseKey(bytes))
        }
    }
}

/// What is in the key file of a key.
pub(crate) fn pack(
    key: &DatabaseKey,
    passphrase: Option<&str>,
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<String>, KeyError> {
    let file = match passphrase {
        Some("") => return Err(KeyError::PassphraseEmpty),
        None => KeyFile::Plain { version: FILE_VERSION, key: hex::encode(key.0) },
        Some(passphrase) => wrap(key, passphrase, rng),
    };
    let text = serde_json::to_string_pretty(&file).expect("texts and numbers can be written as JSON");
    Ok(Zeroizing::new(text + "\n"))
}

/// Parameters of the wrapping, authenticated along with the key.
struct Wrapping {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Wrapping {
    fn cipher(&self, passphrase: &str, salt: &[u8]) -> Option<ChaCha20Poly1305> {
        if self.memory_kib > MAX_ARGON2_MEMORY_KIB || self.iterations > MAX_ARGON2_ITERATIONS {
            return None;
        }
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
            .ok()?;
        ChaCha20Poly1305::new_from_slice(&*key).ok()
    }

    fn to_bytes(&self) -> Vec<u8> {
        [FILE_VERSION, self.memory_kib, self.iterations, self.lanes].map(u32::to_be_bytes).concat()
    }
}

fn wrap(key: &DatabaseKey, passphrase: &str, rng: &mut dyn CryptoRng) -> KeyFile {
    let wrapping =
        Wrapping { memory_kib: ARGON2_MEMORY_KIB, iterations: ARGON2_ITERATIONS, lanes: ARGON2_LANES };
    let (mut salt, mut nonce) = ([0; 16], [0; 12]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut nonce);
    let cipher = wrapping.cipher(passphrase, &salt).expect("these parameters are within Argon2's limits");
    let payload = Payload { msg: &key.0, aad: &wrapping.to_bytes() };
    let sealed = cipher.encrypt(&Nonce::from(nonce), payload).expect("32 bytes are below the limit");
    KeyFile::Passphrase {
        version: FILE_VERSION,
        memory_kib: wrapping.memory_kib,
        iterations: wrapping.iterations,
        lanes: wrapping.lanes,
        salt: hex::encode(salt),
        wrapped: hex::encode([&nonce[..], &sealed].concat()),
    }
}
