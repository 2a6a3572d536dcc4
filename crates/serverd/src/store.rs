//! The embedded store engine: fjall, an LSM tree, in one directory.
//!
//! - Tables: `rows`, `entries` (mailboxes, in the order of mailbox and sequence number), `dedupe`, and
//!   `blobs` (the ciphertexts of messages to groups, each once; mailboxes hold references).
//! - A group of steps is gathered in [`Pending`], over which later decisions of the group read, and goes to
//!   the log as one record with one fsync: all of it or nothing.
//! - Rows are written once per group, however often they changed; what a group appends and trims again
//!   never reaches the disk.
//! - One writer. A file lock keeps a second process out.

mod cache;
mod embedded;
mod keys;
mod pending;
mod space;

pub use embedded::{Embedded, Options};
pub use pending::Pending;
pub use space::{Room, Space};
