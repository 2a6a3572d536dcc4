//! Groups: what members hold and sign, and what the server is told. See `proto/content.proto` (what is
//! encrypted to members) and `proto/frame.proto` (what the server knows).
//!
//! This module holds formats only; the rules of who may change what are the client core's.

mod change;
mod link;
mod public;
mod state;
mod welcome;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::id::named_by_16_bytes;

pub use change::{Action, CHANGE_LABEL, Change, SignedChange};
pub use link::GroupLink;
pub use public::{GroupView, MemberView, PublicChange, member_digest, view_digest};
pub use state::{Allowed, GroupKind, GroupState, LinkedGroup, Member, Permissions};
pub use welcome::{GroupWelcome, PastChange, Standing};

/// A group: 16 random bytes, drawn by the device that makes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub [u8; 16]);

named_by_16_bytes!(GroupId);

/// The secret of a group's invitation link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupToken(pub [u8; 16]);

impl fmt::Debug for GroupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupToken(…)")
    }
}

impl GroupToken {
    /// What the server knows of it: SHA-256.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// SHA-256 of a group's encoded state: names it.
pub type StateHash = [u8; 32];
