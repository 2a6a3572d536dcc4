//! What members hold.

use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use super::{GroupId, GroupToken, StateHash};
use crate::error::Malformed;
use crate::id::AccountId;
use crate::limits::{MAX_GROUP_DESCRIPTION_BYTES, MAX_GROUP_NAME_BYTES, MAX_GROUP_PICTURE_BYTES};
use crate::pb::content as pb;
use crate::scan::{GROUP_STATE, scan};
use crate::shared::{fixed, text};

/// What every member of a group holds.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupState {
    /// Which group.
    pub group: GroupId,
    /// Changes so far; the first is 1.
    pub epoch: u64,
    /// The state before; `None` at epoch 1.
    pub previous: Option<StateHash>,
    /// At most [`MAX_GROUP_NAME_BYTES`].
    pub name: String,
    /// At most [`MAX_GROUP_DESCRIPTION_BYTES`].
    pub description: String,
    /// A small image file, at most [`MAX_GROUP_PICTURE_BYTES`]; empty: none.
    pub picture: Bytes,
    /// Ascending by account, at most [`MAX_GROUP_MEMBERS`].
    pub members: Vec<Member>,
    /// Who may do what.
    pub permissions: Permissions,
    /// Of the invitation link.
    pub link: Option<GroupToken>,
    /// A group or a community.
    pub kind: GroupKind,
    /// The groups of a community.
    pub linked: Vec<LinkedGroup>,
    /// The community that this group belongs to.
    pub community: Option<GroupId>,
}

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Who.
    pub account: AccountId,
    /// May change everything.
    pub admin: bool,
}

/// Who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Write messages.
    pub send: Allowed,
    /// Change name, description and picture.
    pub edit: Allowed,
    /// Add members.
    pub add: Allowed,
    /// Requests by link wait for an admin's word.
    pub approve: bool,
}

/// To whom something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allowed {
    /// Every member.
    #[default]
    Everybody,
    /// Admins only.
    Admins,
}

/// Kinds of group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupKind {
    /// People who write to each other.
    #[default]
    Group,
    /// A group of groups; its own messages are announcements.
    Community,
}

/// A group of a community.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkedGroup {
    /// Which.
    pub group: GroupId,
    /// Its name when it was linked.
    pub name: String,
    /// To ask for joining it.
    pub link: Option<GroupToken>,
}

impl GroupState {
    /// The bytes whose hash names the state.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_pb().encode_to_vec()
    }

    /// The state's name.
    #[must_use]
    pub fn hash(&self) -> StateHash {
        Sha256::digest(self.encode()).into()
    }

    /// The entry of a member.
    #[must_use]
    pub fn member(&self, account: AccountId) -> Option<&Member> {
        let at = self.members.binary_search_by_key(&account, |member| member.account).ok()?;
        self.members.get(at)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when it breaks the schema, the order of members or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        scan(bytes, GROUP_STATE)?;
        pb::GroupState::decode(bytes).map_err(|_| Malformed::new("GroupState"))?.try_into()
    }

    pub(crate) fn to_pb(&self) -> pb::GroupState {
        pb::GroupState {
            group: copy(&self.group.0),
            epoch: self.epoch,
            previous: self.previous.map(|hash| copy(&hash)).unwrap_or_default(),
            name: self.name.clone(),
            description: self.description.clone(),
            picture: self.picture.clone(),
            member: self.members.iter().map(Into::into).collect(),
            permissions: Some(self.permissions.into()),
            link: token_bytes(self.link),
            kind: self.kind.to_pb(),
            linked: self.linked.iter().map(Into::into).collect(),
            community: self.community.map(|group| copy(&group.0)).unwrap_or_default(),
        }
    }
}

impl TryFrom<pb::GroupState> for GroupState {
    type Error = Malformed;

    fn try_from(state: pb::GroupState) -> Result<Self, Malformed> {
        let members: Vec<Member> =
            state.member.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        if !members.is_sorted_by(|a, b| a.account < b.account) {
            return Err(Malformed::new("GroupState.member"));
        }
        Ok(Self {
            group: GroupId::parse(&state.group, "GroupState.group")?,
            epoch: state.epoch,
            previous: state_hash(&state.previous)?,
            name: text(state.name, MAX_GROUP_NAME_BYTES, "GroupState.name")?,
            description: text(state.description, MAX_GROUP_DESCRIPTION_BYTES, "GroupState.description")?,
            picture: picture(state.picture)?,
            members,
            permissions: state.permissions.unwrap_or_default().into(),
            link: token(&state.link)?,
            kind: GroupKind::from_pb(state.kind),
            linked: state.linked.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            community: group_or_none(&state.community)?,
        })
    }
}

impl From<&Member> for pb::Member {
    fn from(member: &Member) -> Self {
        Self { account: copy(&member.account.0), admin: member.admin }
    }
}

impl TryFrom<pb::Member> for Member {
    type Error = Malformed;

    fn try_from(member: pb::Member) -> Result<Self, Malformed> {
        Ok(Self { account: AccountId::parse(&member.account, "Member.account")?, admin: member.admin })
    }
}

impl From<&LinkedGroup> for pb::LinkedGroup {
    fn from(linked: &LinkedGroup) -> Self {
        Self { group: copy(&linked.group.0), name: linked.name.clone(), link: token_bytes(linked.link) }
    }
}

impl TryFrom<pb::LinkedGroup> for LinkedGroup {
    type Error = Malformed;

    fn try_from(linked: pb::LinkedGroup) -> Result<Self, Malformed> {
        Ok(Self {
            group: GroupId::parse(&linked.group, "LinkedGroup.group")?,
            name: text(linked.name, MAX_GROUP_NAME_BYTES, "LinkedGroup.name")?,
            link: token(&linked.link)?,
        })
    }
}

impl From<Permissions> for pb::Permissions {
    fn from(permissions: Permissions) -> Self {
        Self {
            send: permissions.send.to_pb(),
            edit: permissions.edit.to_pb(),
            add: permissions.add.to_pb(),
            approve: permissions.approve,
        }
    }
}

impl From<pb::Permissions> for Permissions {
    fn from(permissions: pb::Permissions) -> Self {
        Self {
            send: Allowed::from_pb(permissions.send),
            edit: Allowed::from_pb(permissions.edit),
            add: Allowed::from_pb(permissions.add),
            approve: permissions.approve,
        }
    }
}

impl Allowed {
    pub(super) fn to_pb(self) -> i32 {
        match self {
            Self::Everybody => pb::Allowed::Everybody as i32,
            Self::Admins => pb::Allowed::Admins as i32,
        }
    }

    /// A newer kind of restriction is one all the same.
    pub(super) fn from_pb(allowed: i32) -> Self {
        if allowed == pb::Allowed::Everybody as i32 { Self::Everybody } else { Self::Admins }
    }
}

impl GroupKind {
    pub(super) fn to_pb(self) -> i32 {
        match self {
            Self::Group => pb::GroupKind::Group as i32,
            Self::Community => pb::GroupKind::Community as i32,
        }
    }

    pub(super) fn from_pb(kind: i32) -> Self {
        if kind == pb::GroupKind::Community as i32 { Self::Community } else { Self::Group }
    }
}

pub(super) fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

pub(super) fn picture(bytes: Bytes) -> Result<Bytes, Malformed> {
    if bytes.len() > MAX_GROUP_PICTURE_BYTES { Err(Malformed::new("group picture")) } else { Ok(bytes) }
}

pub(super) fn state_hash(bytes: &[u8]) -> Result<Option<StateHash>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { fixed(bytes, "state hash").map(Some) }
}

pub(super) fn token_bytes(token: Option<GroupToken>) -> Bytes {
    token.map(|token| copy(&token.0)).unwrap_or_default()
}

pub(super) fn token(bytes: &[u8]) -> Result<Option<GroupToken>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { Ok(Some(GroupToken(fixed(bytes, "group token")?))) }
}

pub(super) fn group_or_none(bytes: &[u8]) -> Result<Option<GroupId>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { GroupId::parse(bytes, "group id").map(Some) }
}
