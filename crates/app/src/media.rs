//! Files of messages: made ready, encrypted, moved and kept.
//!
//! What is kept is ciphertext ([`Vault`]), named by its digest, beside the database that holds the keys. What works on
//! files ([`Media`]: threads of a program, tasks of a browser) tells the engine what has become of it, and decides
//! nothing.

#[cfg(not(target_family = "wasm"))]
pub mod animation;
#[cfg(not(target_family = "wasm"))]
mod away;
pub mod blurhash;
#[cfg(not(target_family = "wasm"))]
mod ffmpeg;
pub mod film;
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod fuzz;
#[cfg(not(target_family = "wasm"))]
mod http;
mod outcome;
#[cfg(not(target_family = "wasm"))]
pub mod pdf;
#[cfg(not(target_family = "wasm"))]
pub mod photo;
pub mod pieces;
#[cfg(not(target_family = "wasm"))]
mod prepare;
mod question;
mod segments;
mod source;
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;
#[cfg(not(target_family = "wasm"))]
mod threads;
pub mod transfer;
#[cfg(not(target_family = "wasm"))]
mod vault;
#[cfg(not(target_family = "wasm"))]
mod video;

use std::path::PathBuf;
use std::sync::Arc;

use waxwing_client::LocalFile;
use waxwing_wire::attachment::Attachment;

use crate::api::{CommandId, Failure};
#[cfg(target_family = "wasm")]
use crate::browser::http;
#[cfg(target_family = "wasm")]
pub use crate::browser::{
    media::Media,
    vault::{Sealed, Vault},
};
pub use outcome::{DAMAGED, Fetch, Fetched, How, Origin, Uploaded, disk};
pub use question::{Answer, Asker, Question};
#[cfg(target_family = "wasm")]
pub use source::Gap;
#[cfg(not(target_family = "wasm"))]
pub use threads::Media;
#[cfg(not(target_family = "wasm"))]
pub use vault::Vault;

/// A ciphertext, open.
#[cfg(not(target_family = "wasm"))]
pub type Sealed = std::fs::File;

/// What has become of something.
pub enum Report {
    /// A file is encrypted and kept, and what is to be said of it.
    Prepared(CommandId, Result<(LocalFile, Box<Attachment>), Failure>),
    /// It is still being made ready; said now and then.
    Preparing(CommandId),
    /// It is where it was to be saved.
    Saved(CommandId, Result<PathBuf, Failure>),
    /// An upload, by its file's digest.
    Uploaded([u8; 32], Uploaded),
    /// A download, likewise.
    Fetched([u8; 32], Fetched),
    /// A file is in storage of the user's own and was read back; how many bytes it has.
    Offloaded([u8; 32], Result<u64, Failure>),
    /// It is there no more.
    Discarded([u8; 32]),
    /// A transfer asks something, and waits.
    Asks(Question, Asker),
    /// So many bytes of so many, of a download or an upload.
    Progress { digest: [u8; 32], sending: bool, done: u64, total: u64 },
}

/// Where reports go. `false`: nobody listens any more.
pub type Reporter = Arc<dyn Fn(Report) -> bool + Send + Sync>;

pub fn busy() -> Failure {
    Failure::user("busy", "too many files are being worked on; try again when they are done")
}
