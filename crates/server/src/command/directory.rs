use waxwing_wire::AccountId;
use waxwing_wire::directory::{Address, AddressCode, Element, Place};
use waxwing_wire::invitation::InvitationToken;

use super::Origin;
use crate::row::sha256;

/// What can be asked about the directory of contacts. See [`waxwing_wire::directory`].
#[derive(Debug, Clone)]
pub enum DirectoryCommand {
    /// The driver begins: the directory gets its key, if it has none.
    Open,
    /// The operator makes an invitation for one account that has an address. As
    /// [`super::Command::CreateInvitation`].
    Invite {
        /// Drawn by the driver.
        token: InvitationToken,
        /// When it ends, milliseconds since 1970.
        expires_at_ms: Option<u64>,
        /// For which the operator vouches.
        address: Address,
    },
    /// The operator vouches for an address. No answer: the driver tells the operator when it is committed.
    Vouch {
        /// Under which it is redeemed: SHA-256 of the code, or of the invitation's token.
        hash: [u8; 32],
        /// When that ends, milliseconds since 1970.
        expires_at_ms: Option<u64>,
        /// Which address.
        address: Address,
    },
    /// An account redeems a code. First step: claims it.
    Redeem {
        /// Where the answer goes; `None`: with a registration, whose invitation may not be such a code.
        origin: Option<Origin>,
        /// The account.
        account: AccountId,
        /// SHA-256 of the code.
        hash: [u8; 32],
    },
    /// Second step: the account has the address.
    AddAddress {
        /// As in `Redeem`.
        origin: Option<Origin>,
        /// The account.
        account: AccountId,
        /// SHA-256 of the code.
        hash: [u8; 32],
        /// Where the address stands.
        place: Place,
    },
    /// Third step: so does the directory, and no other account any more.
    Own {
        /// As in `Redeem`.
        origin: Option<Origin>,
        /// The account.
        account: AccountId,
        /// SHA-256 of the code.
        hash: [u8; 32],
        /// Where the address stands.
        place: Place,
        /// Its bucket.
        bucket: u32,
    },
    /// Last step: the code is used up.
    Redeemed {
        /// As in `Redeem`.
        origin: Option<Origin>,
        /// The account.
        account: AccountId,
        /// SHA-256 of the code.
        hash: [u8; 32],
    },
    /// Whether an account is found by its addresses; and from now on, if that is said.
    Findable {
        /// Where the answer goes.
        origin: Origin,
        /// The account.
        account: AccountId,
        /// From now on.
        set: Option<bool>,
    },
    /// Part of `Findable`: an address is shown in the directory, or not any more.
    Show {
        /// The account.
        account: AccountId,
        /// Where the address stands.
        place: Place,
        /// Its bucket.
        bucket: u32,
    },
    /// Blinded addresses are put under the directory's key.
    Evaluate {
        /// Where the answer goes.
        origin: Origin,
        /// Whose allowance it takes from.
        account: AccountId,
        /// What the client sent.
        blinded: Vec<Element>,
    },
    /// What stands in a bucket?
    FetchBucket {
        /// Where the answer goes.
        origin: Origin,
        /// Whose allowance it takes from.
        account: AccountId,
        /// Which.
        bucket: u32,
    },
}

impl DirectoryCommand {
    /// Under which a code is kept: the store cannot be used to redeem it.
    #[must_use]
    pub fn hash(code: AddressCode) -> [u8; 32] {
        sha256(&code.0)
    }

    /// Who waits for an answer.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Open | Self::Invite { .. } | Self::Vouch { .. } | Self::Show { .. } => None,
            Self::Redeem { origin, .. }
            | Self::AddAddress { origin, .. }
            | Self::Own { origin, .. }
            | Self::Redeemed { origin, .. } => *origin,
            Self::Findable { origin, .. }
            | Self::Evaluate { origin, .. }
            | Self::FetchBucket { origin, .. } => Some(*origin),
        }
    }
}
