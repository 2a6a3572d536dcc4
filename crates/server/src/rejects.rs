//! Refusals that a driver says itself.

use waxwing_wire::{Reject, RejectCode};

use crate::store::CommitError;

/// What a commit that failed for good is to whoever asked.
#[must_use]
pub fn commit_failed(error: &CommitError) -> Reject {
    match error {
        CommitError::Full => Reject::later(
            RejectCode::StorageFull,
            "the server's disk is full: keep the message and try again later, or tell the operator",
            60_000,
        ),
        CommitError::Conflict | CommitError::Broken(_) => unavailable(),
    }
}

/// The server cannot answer now; the engine could not read, for example.
#[must_use]
pub fn unavailable() -> Reject {
    Reject::later(RejectCode::Unavailable, "the server cannot answer now: try again in a few seconds", 5_000)
}

/// [`crate::Links`] did not allow it.
#[must_use]
pub fn rate_limited(retry_after_ms: u64) -> Reject {
    Reject::later(
        RejectCode::RateLimited,
        "too many requests: wait as long as this says and go on more slowly",
        retry_after_ms,
    )
}

/// The same device has connected again.
#[must_use]
pub fn replaced() -> Reject {
    Reject::new(RejectCode::Replaced, "this device has connected again elsewhere: use that connection")
}

/// The device is not the account's any more.
#[must_use]
pub fn removed() -> Reject {
    Reject::new(
        RejectCode::NotRegistered,
        "this device was removed from its account: link it again, or register with an invitation",
    )
}

/// Files are not kept here.
#[must_use]
pub fn not_offered() -> Reject {
    Reject::new(RejectCode::NotOffered, "this server keeps no files: send without, or ask its operator")
}

/// There is no such offer to link a device.
#[must_use]
pub fn link_unknown() -> Reject {
    Reject::new(
        RejectCode::LinkUnknown,
        "no device waits under this code, or not any more: show a new code on the new device",
    )
}
