//! The server's static key: what clients recognise it by.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use waxwing_wire::DeviceKey;
use waxwing_wire::handshake::StaticKey;
use zeroize::Zeroizing;

use crate::engine::fresh_rng;

/// The key's file in the data directory: 64 hexadecimal digits and a line end.
const KEY_FILE: &str = "server.key";

/// Reads the server's key, or makes it.
///
/// # Errors
/// When the file cannot be read or written, or holds something else.
pub fn load_or_create(data_dir: &Path) -> anyhow::Result<StaticKey> {
    match load(data_dir)? {
        Some(key) => Ok(key),
        None => create(data_dir),
    }
}

/// Reads the server's key; `None` when it was not made yet.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn load(data_dir: &Path) -> anyhow::Result<Option<StaticKey>> {
    let path = data_dir.join(KEY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let Some(bytes) = from_hex(text.trim()) else {
        bail!(
            "{} does not hold a key of 64 hexadecimal digits: put back the one from your backup",
            path.display()
        );
    };
    Ok(Some(StaticKey::from_bytes(bytes)))
}

/// As [`load`] and the command line show it.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The public half, for people.
#[must_use]
pub fn public_text(key: &DeviceKey) -> String {
    to_hex(&key.0)
}

/// Written beside and then moved into place, so that there is never half a key.
fn create(data_dir: &Path) -> anyhow::Result<StaticKey> {
    let key = StaticKey::generate(&mut fresh_rng());
    let path = data_dir.join(KEY_FILE);
    let unfinished = data_dir.join("server.key.new");
    let written = (|| {
        let mut file =
            File::options().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        let text = Zeroizing::new(to_hex(&*key.to_bytes()) + "\n");
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(data_dir)?.sync_all()
    })();
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
