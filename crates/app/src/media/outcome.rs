//! What is to become of files, and what has.

use std::io;
#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;

use waxwing_wire::attachment::{Attachment, AttachmentKind};
use waxwing_wire::file::Download;

use crate::api::Failure;

/// What is to become of a file.
pub struct How {
    /// Where it is.
    pub from: Origin,
    /// As what it is sent; `None`: as what it is.
    pub kind: Option<AttachmentKind>,
    /// A photo as large as it makes sense; a film whose pictures and sounds stay as they are.
    pub hd: bool,
}

/// Where a file is.
#[cfg_attr(not(target_family = "wasm"), derive(Clone))]
pub enum Origin {
    /// On this device.
    #[cfg(not(target_family = "wasm"))]
    Path(PathBuf),
    /// In memory, under a name that may be empty.
    #[cfg(not(target_family = "wasm"))]
    Content { name: String, content: Vec<u8> },
    /// Given to the page, which has made it ready as far as only a browser can.
    #[cfg(target_family = "wasm")]
    Page(Box<crate::browser::Given>),
}

/// How an upload has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// The server has all of it, durably.
    Whole,
    /// The ticket does not count any more.
    Ticket,
    /// The ciphertext is not here.
    Missing,
    /// It did not even begin.
    NotNow,
}

/// How a download has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// All of it is here, and it is what the sender meant.
    Whole,
    /// The address does not count any more.
    Address,
    /// The server cannot be reached, or answers something else.
    Unreachable,
    /// What the server has is another file than the message says.
    False,
    /// It cannot be kept; why.
    Disk(String),
}

/// A download.
pub struct Fetch {
    /// What the message says of it.
    pub attachment: Attachment,
    /// Where its ciphertext is.
    pub download: Download,
    /// Where the server speaks HTTP.
    pub server: String,
}

/// Code of the failure that a file is damaged on this device.
pub const DAMAGED: &str = "damagedFile";

/// Nothing of the file or its path is in it.
pub fn disk(error: io::Error) -> Failure {
    Failure::device(format!("the file cannot be worked on: {error}"))
}
