//! What members sign.

use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use super::state::{copy, group_or_none, picture, state_hash, token, token_bytes};
use super::{
    Allowed, GroupId, GroupKind, GroupState, GroupToken, LinkedGroup, Member, Permissions, PublicChange,
    StateHash,
};
use crate::error::Malformed;
use crate::id::{AccountId, DeviceAddress, DeviceId, MessageId};
use crate::limits::{
    MAX_CIPHERTEXT_BYTES, MAX_GROUP_DESCRIPTION_BYTES, MAX_GROUP_NAME_BYTES, SIGNATURE_BYTES,
};
use crate::pb::content as pb;
use crate::scan::{CHANGE, scan};
use crate::shared::{fixed, text};

/// What a member's device signs a change behind.
pub const CHANGE_LABEL: &[u8] = b"Waxwing group change 1";

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

    /// The id of the envelope that brings it to the group, and of the message that shows it: the first 8 bytes
    /// of SHA-256 over `change`. So all members' devices call it the same, however they came by it.
    #[must_use]
    pub fn id(&self) -> MessageId {
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(&self.change).into();
        MessageId(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
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
