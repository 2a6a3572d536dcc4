//! Groups: what members hold and sign, and what the server is told. See `proto/content.proto` (what is
//! encrypted to members) and `proto/frame.proto` (what the server knows).
//!
//! This module holds formats only; the rules of who may change what are the client core's.

use std::fmt;

use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::error::Malformed;
use crate::id::{AccountId, DeviceAddress, DeviceId};
use crate::limits::{
    MAX_CIPHERTEXT_BYTES, MAX_GROUP_DESCRIPTION_BYTES, MAX_GROUP_MEMBERS, MAX_GROUP_NAME_BYTES,
    MAX_GROUP_PICTURE_BYTES, SIGNATURE_BYTES,
};
use crate::pb::{content as pb, frame};
use crate::scan::{CHANGE, GROUP_STATE, scan};
use crate::shared::fixed;

/// What a member's device signs a change behind.
pub const CHANGE_LABEL: &[u8] = b"Waxwing group change 1";

/// A group: 16 random bytes, drawn by the device that makes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub [u8; 16]);

impl GroupId {
    pub(crate) fn parse(bytes: &[u8], what: &'static str) -> Result<Self, Malformed> {
        fixed(bytes, what).map(Self)
    }

    /// 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// The group that [`Self::to_hex`] wrote so.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "GroupId({a:02x}{b:02x}…)")
    }
}

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

/// A change of a group, as its maker signs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Which group.
    pub group: GroupId,
    /// Of the state it makes.
    pub epoch: u64,
    /// The state it changes; `None` at epoch 1.
    pub previous: Option<StateHash>,
    /// Who made it.
    pub by: DeviceAddress,
    /// The maker's clock, milliseconds since 1970.
    pub at_ms: u64,
    /// All of them or none, in order; at most [`MAX_ACTIONS_PER_CHANGE`].
    pub actions: Vec<Action>,
}

/// What a change does.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Makes the group; the maker becomes its first member and admin. The first action of the first change,
    /// and nowhere else.
    Create {
        /// Its name.
        name: String,
        /// Its kind.
        kind: GroupKind,
    },
    /// A new member.
    Add(Member),
    /// Somebody goes; the maker's own account: leaves.
    Remove(AccountId),
    /// A member becomes an admin.
    Promote(AccountId),
    /// An admin becomes a member.
    Demote(AccountId),
    /// Another name.
    Name(String),
    /// Another description.
    Description(String),
    /// Another picture, or none (empty).
    Picture(Bytes),
    /// Other permissions.
    Permissions(Permissions),
    /// Another invitation link, or none.
    Link(Option<GroupToken>),
    /// A community has one more group, or knows it by another name or link.
    LinkGroup(LinkedGroup),
    /// A community has one group less.
    UnlinkGroup(GroupId),
    /// The group belongs to this community from now on, or to none.
    Community(Option<GroupId>),
}

/// A change and its signature, as they travel: the signature is over these very bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedChange {
    /// What [`Change::encode`] gave.
    pub change: Bytes,
    /// XEdDSA by the maker's device over [`CHANGE_LABEL`] and `change`.
    pub signature: [u8; SIGNATURE_BYTES],
}

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

impl Change {
    /// The bytes that are signed.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        pb::Change {
            group: copy(&self.group.0),
            epoch: self.epoch,
            previous: self.previous.map(|hash| copy(&hash)).unwrap_or_default(),
            by: copy(&self.by.account.0),
            device: self.by.device.number().into(),
            at: self.at_ms,
            action: self.actions.iter().map(Into::into).collect(),
        }
        .encode_to_vec()
        .into()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when it breaks the schema or a limit, or holds an action that this build does not know:
    /// whoever cannot follow a change must not guess at its result.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_CIPHERTEXT_BYTES {
            return Err(Malformed::new("Change"));
        }
        scan(bytes, CHANGE)?;
        let change = pb::Change::decode(bytes).map_err(|_| Malformed::new("Change"))?;
        Ok(Self {
            group: GroupId::parse(&change.group, "Change.group")?,
            epoch: change.epoch,
            previous: state_hash(&change.previous)?,
            by: DeviceAddress {
                account: AccountId::parse(&change.by, "Change.by")?,
                device: DeviceId::parse(change.device, "Change.device")?,
            },
            at_ms: change.at,
            actions: change.action.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }

    /// What the server must be told of it, given the state that it makes.
    #[must_use]
    pub fn public(&self, after: &GroupState) -> PublicChange {
        let mut public = PublicChange {
            members_add: after.permissions.add == Allowed::Everybody,
            link: after.link.map(|token| token.hash()),
            ..PublicChange::default()
        };
        for action in &self.actions {
            match action {
                Action::Create { .. } => {
                    public.add.push(self.by.account);
                    public.promote.push(self.by.account);
                }
                Action::Add(member) => {
                    public.add.push(member.account);
                    if member.admin {
                        public.promote.push(member.account);
                    }
                }
                Action::Remove(account) => public.remove.push(*account),
                Action::Promote(account) => public.promote.push(*account),
                Action::Demote(account) => public.demote.push(*account),
                _ => {}
            }
        }
        public
    }
}

impl SignedChange {
    /// What the signature is over.
    #[must_use]
    pub fn signed_bytes(change: &[u8]) -> Vec<u8> {
        [CHANGE_LABEL, change].concat()
    }
}

impl From<&SignedChange> for pb::SignedChange {
    fn from(change: &SignedChange) -> Self {
        Self { change: change.change.clone(), signature: copy(&change.signature) }
    }
}

impl TryFrom<pb::SignedChange> for SignedChange {
    type Error = Malformed;

    fn try_from(change: pb::SignedChange) -> Result<Self, Malformed> {
        Ok(Self { change: change.change, signature: fixed(&change.signature, "SignedChange.signature")? })
    }
}

impl From<&Action> for pb::Action {
    fn from(action: &Action) -> Self {
        use pb::action::What;
        let what = match action {
            Action::Create { name, kind } => {
                What::Create(pb::Create { name: name.clone(), kind: kind.to_pb() })
            }
            Action::Add(member) => What::Add(member.into()),
            Action::Remove(account) => What::Remove(copy(&account.0)),
            Action::Promote(account) => What::Promote(copy(&account.0)),
            Action::Demote(account) => What::Demote(copy(&account.0)),
            Action::Name(name) => What::Name(name.clone()),
            Action::Description(text) => What::Description(text.clone()),
            Action::Picture(picture) => What::Picture(picture.clone()),
            Action::Permissions(permissions) => What::Permissions((*permissions).into()),
            Action::Link(token) => What::Link(token_bytes(*token)),
            Action::LinkGroup(linked) => What::LinkGroup(linked.into()),
            Action::UnlinkGroup(group) => What::UnlinkGroup(copy(&group.0)),
            Action::Community(group) => {
                What::Community(group.map(|group| copy(&group.0)).unwrap_or_default())
            }
        };
        Self { what: Some(what) }
    }
}

impl TryFrom<pb::Action> for Action {
    type Error = Malformed;

    fn try_from(action: pb::Action) -> Result<Self, Malformed> {
        use pb::action::What;
        let account = |bytes: &[u8]| AccountId::parse(bytes, "Action: account");
        Ok(match action.what.ok_or(Malformed::new("Action.what"))? {
            What::Create(create) => Self::Create {
                name: text(create.name, MAX_GROUP_NAME_BYTES, "Create.name")?,
                kind: GroupKind::from_pb(create.kind),
            },
            What::Add(member) => Self::Add(member.try_into()?),
            What::Remove(bytes) => Self::Remove(account(&bytes)?),
            What::Promote(bytes) => Self::Promote(account(&bytes)?),
            What::Demote(bytes) => Self::Demote(account(&bytes)?),
            What::Name(name) => Self::Name(text(name, MAX_GROUP_NAME_BYTES, "Action.name")?),
            What::Description(description) => {
                Self::Description(text(description, MAX_GROUP_DESCRIPTION_BYTES, "Action.description")?)
            }
            What::Picture(bytes) => Self::Picture(picture(bytes)?),
            What::Permissions(permissions) => Self::Permissions(permissions.into()),
            What::Link(bytes) => Self::Link(token(&bytes)?),
            What::LinkGroup(linked) => Self::LinkGroup(linked.try_into()?),
            What::UnlinkGroup(bytes) => Self::UnlinkGroup(GroupId::parse(&bytes, "Action.unlink_group")?),
            What::Community(bytes) => Self::Community(group_or_none(&bytes)?),
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
    fn to_pb(self) -> i32 {
        match self {
            Self::Everybody => pb::Allowed::Everybody as i32,
            Self::Admins => pb::Allowed::Admins as i32,
        }
    }

    /// A newer kind of restriction is one all the same.
    fn from_pb(allowed: i32) -> Self {
        if allowed == pb::Allowed::Everybody as i32 { Self::Everybody } else { Self::Admins }
    }
}

impl GroupKind {
    fn to_pb(self) -> i32 {
        match self {
            Self::Group => pb::GroupKind::Group as i32,
            Self::Community => pb::GroupKind::Community as i32,
        }
    }

    fn from_pb(kind: i32) -> Self {
        if kind == pb::GroupKind::Community as i32 { Self::Community } else { Self::Group }
    }
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

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn text(text: String, most: usize, what: &'static str) -> Result<String, Malformed> {
    if text.len() > most { Err(Malformed::new(what)) } else { Ok(text) }
}

fn picture(bytes: Bytes) -> Result<Bytes, Malformed> {
    if bytes.len() > MAX_GROUP_PICTURE_BYTES { Err(Malformed::new("group picture")) } else { Ok(bytes) }
}

fn state_hash(bytes: &[u8]) -> Result<Option<StateHash>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { fixed(bytes, "state hash").map(Some) }
}

fn token_bytes(token: Option<GroupToken>) -> Bytes {
    token.map(|token| copy(&token.0)).unwrap_or_default()
}

fn token(bytes: &[u8]) -> Result<Option<GroupToken>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { Ok(Some(GroupToken(fixed(bytes, "group token")?))) }
}

fn group_or_none(bytes: &[u8]) -> Result<Option<GroupId>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { GroupId::parse(bytes, "group id").map(Some) }
}

/// What an invitation link of a group carries: the group and its token, as text for people to pass on and
/// as the content of a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLink {
    /// Which group.
    pub group: GroupId,
    /// What entitles to ask for joining it.
    pub token: GroupToken,
}

impl GroupLink {
    /// What the text begins with.
    pub const SCHEME: &'static str = "waxwing-group:";

    /// Scheme, and base32 of group ‖ token ‖ first 3 bytes of SHA-256 over both, lower case.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = [self.group.0, self.token.0].concat();
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest[..3]);
        format!("{}{}", Self::SCHEME, data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
    }

    /// Reads what [`Self::to_text`] wrote, in any case and with blanks around it.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else or was mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("group link: copy it again, the whole of it");
        let text = text.trim();
        if text.len() > 128 {
            return Err(WRONG);
        }
        let text = text.to_ascii_uppercase();
        let body = text.strip_prefix(&Self::SCHEME.to_ascii_uppercase()).ok_or(WRONG)?;
        let bytes = data_encoding::BASE32_NOPAD.decode(body.as_bytes()).map_err(|_| WRONG)?;
        let (group, rest) = bytes.split_first_chunk().ok_or(WRONG)?;
        let (token, sum) = rest.split_first_chunk().ok_or(WRONG)?;
        let digest = Sha256::new().chain_update(group).chain_update(token).finalize();
        if sum != &digest[..3] {
            return Err(WRONG);
        }
        Ok(Self { group: GroupId(*group), token: GroupToken(*token) })
    }
}
