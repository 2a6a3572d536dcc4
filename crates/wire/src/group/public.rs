//! What the server knows of a group, and says of it.

use sha2::{Digest, Sha256};

use crate::error::Malformed;
use crate::id::{AccountId, DeviceId};
use crate::limits::MAX_GROUP_MEMBERS;
use crate::pb::frame;
use crate::shared::fixed;

use super::state::copy;

/// What the server must know of a change to fan out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublicChange {
    /// New members.
    pub add: Vec<AccountId>,
    /// Members that go.
    pub remove: Vec<AccountId>,
    /// Members that become admins.
    pub promote: Vec<AccountId>,
    /// Admins that become members.
    pub demote: Vec<AccountId>,
    /// From now on every member may add others.
    pub members_add: bool,
    /// From now on: the hash of the invitation link's token.
    pub link: Option<[u8; 32]>,
}

/// A group as the server sees it; told to senders whose view differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupView {
    /// Changes so far; 0: no such group.
    pub epoch: u64,
    /// Ascending by account.
    pub members: Vec<MemberView>,
}

/// A member as the server sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberView {
    /// Who.
    pub account: AccountId,
    /// Names the member's devices: see [`member_digest`].
    pub digest: [u8; 8],
    /// An admin.
    pub admin: bool,
}

/// Names the devices of one account: both sides of the wire compute it from what they know. `devices` ascending,
/// with their registration ids.
#[must_use]
pub fn member_digest(list_version: u64, devices: impl IntoIterator<Item = (DeviceId, u16)>) -> [u8; 8] {
    let mut hash = Sha256::new().chain_update(list_version.to_be_bytes());
    for (device, registration_id) in devices {
        hash.update([device.number()]);
        hash.update(registration_id.to_be_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hash.finalize().into();
    [a, b, c, d, e, f, g, h]
}

/// Names the devices of a whole group: SHA-256 over account and digest of each member, ascending by account.
#[must_use]
pub fn view_digest(members: impl IntoIterator<Item = (AccountId, [u8; 8])>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (account, digest) in members {
        hash.update(account.0);
        hash.update(digest);
    }
    hash.finalize().into()
}

impl From<&PublicChange> for frame::GroupChange {
    fn from(change: &PublicChange) -> Self {
        let bytes =
            |list: &[AccountId]| list.iter().flat_map(|account| account.0).collect::<Vec<u8>>().into();
        Self {
            add: bytes(&change.add),
            remove: bytes(&change.remove),
            promote: bytes(&change.promote),
            demote: bytes(&change.demote),
            members_add: change.members_add,
            link: change.link.map(|hash| copy(&hash)).unwrap_or_default(),
        }
    }
}

impl TryFrom<frame::GroupChange> for PublicChange {
    type Error = Malformed;

    fn try_from(change: frame::GroupChange) -> Result<Self, Malformed> {
        Ok(Self {
            add: accounts(&change.add, "GroupChange.add")?,
            remove: accounts(&change.remove, "GroupChange.remove")?,
            promote: accounts(&change.promote, "GroupChange.promote")?,
            demote: accounts(&change.demote, "GroupChange.demote")?,
            members_add: change.members_add,
            link: if change.link.is_empty() { None } else { Some(fixed(&change.link, "GroupChange.link")?) },
        })
    }
}

impl From<&GroupView> for frame::GroupView {
    fn from(view: &GroupView) -> Self {
        let mut bytes = Vec::with_capacity(view.members.len() * MEMBER_VIEW_BYTES);
        for member in &view.members {
            bytes.extend_from_slice(&member.account.0);
            bytes.extend_from_slice(&member.digest);
            bytes.push(member.admin.into());
        }
        Self { epoch: view.epoch, member: bytes.into() }
    }
}

impl TryFrom<frame::GroupView> for GroupView {
    type Error = Malformed;

    fn try_from(view: frame::GroupView) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("GroupView.member");
        let (parts, rest) = view.member.as_chunks::<MEMBER_VIEW_BYTES>();
        if !rest.is_empty() || parts.len() > MAX_GROUP_MEMBERS {
            return Err(WRONG);
        }
        let member = |part: &[u8; MEMBER_VIEW_BYTES]| {
            let (account, rest) = part.split_first_chunk().ok_or(WRONG)?;
            let (digest, admin) = rest.split_first_chunk().ok_or(WRONG)?;
            Ok(MemberView { account: AccountId(*account), digest: *digest, admin: admin != [0] })
        };
        let members: Vec<_> = parts.iter().map(member).collect::<Result<_, Malformed>>()?;
        if !members.is_sorted_by(|a, b| a.account < b.account) {
            return Err(WRONG);
        }
        Ok(Self { epoch: view.epoch, members })
    }
}

/// Bytes of one [`MemberView`] on the wire.
const MEMBER_VIEW_BYTES: usize = 25;

fn accounts(bytes: &[u8], what: &'static str) -> Result<Vec<AccountId>, Malformed> {
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() || ids.len() > MAX_GROUP_MEMBERS {
        return Err(Malformed::new(what));
    }
    Ok(ids.iter().copied().map(AccountId).collect())
}
