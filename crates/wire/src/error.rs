use crate::limits::MAX_DETAIL_BYTES;
use crate::pb;

/// The peer's bytes do not mean anything in this protocol. Names the place, never the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {what}")]
pub struct Malformed {
    /// Which part was wrong, in the words of the schema.
    pub what: &'static str,
}

impl Malformed {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what }
    }
}

/// The server's refusal, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Reject {
    /// For programs.
    pub code: RejectCode,
    /// For people: what happened and what to do next. Never holds user data.
    pub detail: String,
    /// Milliseconds after which trying again makes sense; 0 if it does not.
    pub retry_after_ms: u64,
}

impl Reject {
    /// A refusal that trying again will not change.
    #[must_use]
    pub fn new(code: RejectCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after_ms: 0 }
    }

    /// A refusal that may be different after `retry_after_ms` milliseconds.
    #[must_use]
    pub fn later(code: RejectCode, detail: impl Into<String>, retry_after_ms: u64) -> Self {
        Self { code, detail: detail.into(), retry_after_ms }
    }
}

macro_rules! reject_codes {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Why a server refused. The numbers are those of `RejectCode` in `frame.proto`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum RejectCode { $($(#[$doc])* $name,)* }

        impl RejectCode {
            pub(crate) fn to_pb(self) -> i32 {
                match self { $(Self::$name => pb::frame::RejectCode::$name as i32,)* }
            }

            pub(crate) fn from_pb(code: i32) -> Self {
                match pb::frame::RejectCode::try_from(code) {
                    $(Ok(pb::frame::RejectCode::$name) => Self::$name,)*
                    // A newer server may have reasons that this build has no name for.
                    Err(_) => Self::Unspecified,
                }
            }

            /// Name of the code for programs: that of the schema in camel case, without its prefix.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

reject_codes! {
    /// No reason known to this build.
    Unspecified,
    /// The request could not be parsed.
    Malformed,
    /// Some part is above its limit.
    TooLarge,
    /// Too many requests; see `retry_after_ms`.
    RateLimited,
    /// The connection's key belongs to no device.
    NotRegistered,
    /// No such invitation, or it is used up or expired.
    InvitationInvalid,
    /// Somebody else has the username.
    UsernameTaken,
    /// The username breaks the rules for usernames.
    UsernameInvalid,
    /// No such account.
    UnknownAccount,
    /// The sender's view of the account's devices is not the server's.
    DeviceMismatch,
    /// The recipient's mailbox is full.
    MailboxFull,
    /// The server's disk is full.
    StorageFull,
    /// The server cannot answer now.
    Unavailable,
    /// The server does not speak the client's wire version.
    WireVersion,
    /// The same device has connected again elsewhere.
    Replaced,
    /// The server is shutting down.
    ShuttingDown,
    /// The sender's view of a group is not the server's.
    GroupMismatch,
    /// No such group, or not a member of it.
    UnknownGroup,
    /// This device or member may not do that.
    NotAllowed,
    /// No such offer to link a device, or it has expired.
    LinkUnknown,
    /// A newer device list is there.
    ListOutdated,
    /// Too many devices of an account, or members of a group.
    TooMany,
    /// A file is not there (any more), or not all of it: upload it again.
    FileGone,
    /// The account's files have as much room as they may have.
    Quota,
    /// This server does not do that.
    NotOffered,
}

impl From<&Reject> for pb::frame::Reject {
    fn from(reject: &Reject) -> Self {
        Self { code: reject.code.to_pb(), detail: reject.detail.clone(), retry_after: reject.retry_after_ms }
    }
}

impl TryFrom<pb::frame::Reject> for Reject {
    type Error = Malformed;

    fn try_from(reject: pb::frame::Reject) -> Result<Self, Malformed> {
        if reject.detail.len() > MAX_DETAIL_BYTES {
            return Err(Malformed::new("Reject.detail"));
        }
        Ok(Self {
            code: RejectCode::from_pb(reject.code),
            detail: reject.detail,
            retry_after_ms: reject.retry_after,
        })
    }
}
