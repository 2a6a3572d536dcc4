use std::fmt;

use waxwing_wire::AccountId;
use waxwing_wire::directory::{DirectoryKey, ENTRY_BYTES, Place};

/// The directory of contacts. Without its seed no address can be looked for, and with it every one: it is as secret
/// as the server's own key.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryRow {
    /// Of [`DirectoryKey::from_seed`].
    pub seed: [u8; 32],
    /// Bits that tell buckets apart. Fixed when the directory is begun.
    pub bits: u8,
}

/// Vouched addresses whose places share their first bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketRow {
    /// Ascending by tag, at most [`waxwing_wire::limits::MAX_BUCKET_ENTRIES`].
    pub entries: Vec<BucketEntry>,
}

/// A vouched address in the directory. What address it is does not stand here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEntry {
    /// Of its place.
    pub tag: [u8; 16],
    /// Whose it is: of the account for which the operator vouched last.
    pub account: AccountId,
    /// What is shown to clients, if the account is to be found.
    pub shown: Option<[u8; ENTRY_BYTES]>,
}

/// The operator's word that whoever redeems the code has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherRow {
    /// Where the address stands.
    pub place: Place,
    /// When the code ends, milliseconds since 1970; `None`: never.
    pub expires_at_ms: Option<u64>,
    /// Who has redeemed it.
    pub claimed_by: Option<AccountId>,
    /// All that follows from it is done.
    pub done: bool,
}

/// An account and the directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindableRow {
    /// It is found by its addresses.
    pub on: bool,
    /// Addresses that the operator vouched for, at most [`crate::limits::MAX_ADDRESSES`].
    pub places: Vec<Place>,
    /// The day of the two counts below, days since 1970.
    pub day: u64,
    /// Addresses that the account has looked up on that day.
    pub addresses: u32,
    /// Buckets that it has fetched on that day.
    pub buckets: u32,
}

impl DirectoryRow {
    /// The key; `None` if the seed gives none.
    pub(crate) fn key(&self) -> Option<DirectoryKey> {
        DirectoryKey::from_seed(&self.seed).ok()
    }
}

impl fmt::Debug for DirectoryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryRow").field("bits", &self.bits).finish_non_exhaustive()
    }
}

impl BucketRow {
    pub(crate) fn at(&self, tag: &[u8; 16]) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.tag.cmp(tag))
    }
}
