//! Files to storage of the user's own and back. There they are what they are here: ciphertext.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use waxwing_client::attachment::Verifier;
use waxwing_wire::attachment::Attachment;

use super::pieces::{CHUNK_SEALED_BYTES, layout_of, opener_of};
use super::transfer::{Progress, finish, whole_chunks};
use super::{Fetched, Reporter, Vault};
use crate::cloud::{Cloud, CloudError};

fn stopped() -> CloudError {
    CloudError::Unreachable("this program ended".to_owned())
}

/// Brings a file there, unless it is there already, and reads it back: only what is there as it is here counts. How
/// many bytes it has.
pub fn offload(
    vault: &Vault,
    cloud: &dyn Cloud,
    digest: [u8; 32],
    name: &str,
    stop: &AtomicBool,
    report: &Reporter,
) -> Result<u64, CloudError> {
    let mut file = vault.open_sealed(&digest)?;
    let bytes = file.metadata()?.len();
    let mut progress = Progress::of(report, digest, true, bytes);
    if verified(&mut file, bytes, digest, stop, &mut |_| {}).is_err() {
        return Err(CloudError::Unreachable("the file is damaged on this device".to_owned()));
    }
    let there = |progress: &mut Progress<'_>| {
        let mut copy = cloud.read(name, 0)?;
        verified(&mut *copy, bytes, digest, stop, &mut |at| progress.at(at))
    };
    match there(&mut progress) {
        Ok(()) => return Ok(bytes),
        Err(CloudError::Refused) => return Err(CloudError::Refused),
        Err(_) => {}
    }
    file.rewind()?;
    cloud.put(name, file, bytes)?;
    there(&mut progress)?;
    Ok(bytes)
}

/// Whether a copy is the file, to its last byte and no further.
fn verified(
    copy: &mut dyn Read,
    total: u64,
    digest: [u8; 32],
    stop: &AtomicBool,
    at: &mut dyn FnMut(u64),
) -> Result<(), CloudError> {
    let mut verifier = Verifier::default();
    let mut bytes = vec![0; CHUNK_SEALED_BYTES];
    let mut done = 0;
    while done <= total {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        let read = copy.read(&mut bytes)?;
        let piece = bytes.get(..read).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        verifier.update(piece);
        done += read as u64;
        at(done);
    }
    let right = done == total && verifier.finish(&digest).is_ok();
    right.then_some(()).ok_or_else(|| CloudError::Unreachable("it keeps something else".to_owned()))
}

/// Fetches a file from there, going on where it was, to where it is kept. `None`: it was stopped.
pub fn recall(
    vault: &Vault,
    attachment: &Attachment,
    cloud: &dyn Cloud,
    name: &str,
    stop: &AtomicBool,
    report: &Reporter,
) -> Option<Fetched> {
    let Ok(layout) = layout_of(attachment) else { return Some(Fetched::False) };
    let total = layout.sealed_bytes();
    let path = vault.part(&attachment.digest);
    let run = || -> io::Result<Result<bool, CloudError>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let index = whole_chunks(&mut file, layout, &opener_of(attachment, layout))?;
        let from = layout.chunk(index).map_or(total, |chunk| chunk.sealed_at);
        let mut copy = match cloud.read(name, from) {
            Ok(copy) => copy,
            Err(error) => return Ok(Err(error)),
        };
        file.seek(SeekFrom::Start(from))?;
        let mut progress = Progress::of(report, attachment.digest, false, total);
        if let Err(error) = copy_from(&mut *copy, &mut file, from, total, stop, &mut progress)? {
            return Ok(Err(error));
        }
        finish(vault, &mut file, attachment, total).map(Ok)
    };
    let end = match run() {
        Ok(Ok(true)) => Fetched::Whole,
        Ok(Ok(false)) => Fetched::False,
        Ok(Err(CloudError::Gone)) => Fetched::Address,
        Ok(Err(_)) => Fetched::Unreachable,
        Err(error) => Fetched::Disk(error.to_string()),
    };
    (!stop.load(Ordering::Relaxed)).then_some(end)
}

/// The outer error is this device's disk, the inner one the other side's.
fn copy_from(
    copy: &mut dyn Read,
    file: &mut File,
    mut at: u64,
    total: u64,
    stop: &AtomicBool,
    progress: &mut Progress<'_>,
) -> io::Result<Result<(), CloudError>> {
    let mut bytes = vec![0; CHUNK_SEALED_BYTES];
    while at < total {
        progress.at(at);
        if stop.load(Ordering::Relaxed) {
            return Ok(Err(stopped()));
        }
        let most = usize::try_from(total - at).unwrap_or(usize::MAX).min(bytes.len());
        let read = match copy.read(bytes.get_mut(..most).unwrap_or_default()) {
            Ok(0) => return Ok(Err(CloudError::Unreachable("it ends early".to_owned()))),
            Ok(read) => read,
            Err(error) => return Ok(Err(error.into())),
        };
        file.write_all(bytes.get(..read).unwrap_or_default())?;
        at += read as u64;
    }
    progress.at(total);
    Ok(Ok(()))
}
