//! Groups, as front ends see them.

use serde::{Deserialize, Serialize};

use super::Person;

/// A group or community, as this device knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name in the interface.
    pub group: String,
    /// A group or a community.
    pub kind: GroupKind,
    /// Its name for people.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// A small image file, base64; empty: none.
    pub picture: String,
    /// Changes so far.
    pub epoch: u64,
    /// This account is a member.
    pub member: bool,
    /// This account is an admin.
    pub admin: bool,
    /// Who is in it, by account.
    pub members: Vec<Member>,
    /// Who may do what.
    pub permissions: Permissions,
    /// The invitation link, if there is one.
    pub link: Option<String>,
    /// Of a community: its groups.
    pub linked: Vec<LinkedGroup>,
    /// The community that it belongs to.
    pub community: Option<String>,
    /// Who wants to join, if this account may say yes.
    pub requests: Vec<Person>,
    /// Who has brought the user into it who may not, as long as the user has not said yes: it is not to be shown
    /// until then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked_by: Option<Person>,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// May change everything.
    pub admin: bool,
}

/// Kinds of group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GroupKind {
    /// People who write to each other.
    #[default]
    Group,
    /// A group of groups; its own messages are announcements.
    Community,
}

/// Who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permissions {
    /// Write messages.
    pub send: Allowed,
    /// Change name, description and picture.
    pub edit: Allowed,
    /// Add members.
    pub add: Allowed,
    /// Whoever comes by link waits for an admin's word.
    pub approve: bool,
}

/// To whom something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Allowed {
    /// Every member.
    Everybody,
    /// Admins only.
    Admins,
}

/// A group of a community.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedGroup {
    /// Which.
    pub group: String,
    /// Its name when it was linked.
    pub name: String,
    /// Its invitation link then.
    #[serde(default)]
    pub link: Option<String>,
}

/// A change of a group. [`super::Command::ChangeGroup`] takes all but `create` and `link`, which have commands
/// of their own; [`Notice::GroupChanged`] tells all of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum GroupAction {
    /// The group was made.
    Create {
        /// Its first name.
        name: String,
        /// A group or a community.
        kind: GroupKind,
    },
    /// Another invitation link, or none.
    Link {
        /// There is one.
        enabled: bool,
    },
    /// A new member.
    Add {
        /// Whose account.
        account: String,
        /// As an admin.
        #[serde(default)]
        admin: bool,
    },
    /// Somebody goes; the own account: leaves.
    Remove {
        /// Whose account.
        account: String,
    },
    /// A member becomes an admin.
    Promote {
        /// Whose account.
        account: String,
    },
    /// An admin becomes a member.
    Demote {
        /// Whose account.
        account: String,
    },
    /// Another name.
    Name {
        /// At most 256 bytes.
        name: String,
    },
    /// Another description.
    Description {
        /// At most 2,048 bytes.
        text: String,
    },
    /// Another picture, or none.
    Picture {
        /// An image file of at most 8 KiB, base64; empty: none.
        picture: String,
    },
    /// Other permissions.
    Permissions {
        /// All of them.
        permissions: Permissions,
    },
    /// A community has one more group, or knows it by another name or link.
    LinkGroup {
        /// The group.
        linked: LinkedGroup,
    },
    /// A community has one group less.
    UnlinkGroup {
        /// Which.
        group: String,
    },
    /// The group belongs to this community from now on, or to none.
    Community {
        /// Which.
        community: Option<String>,
    },
}

/// Something that happened in a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// The identity key of the contact, or of a member, is another than before.
    IdentityChanged {
        /// Whose.
        account: String,
    },
    /// A member changed the group.
    GroupChanged {
        /// Whose account.
        by: String,
        /// From which device.
        device: u8,
        /// The maker's clock.
        at_ms: u64,
        /// What was changed, in order.
        actions: Vec<GroupAction>,
    },
    /// That member brought this account into the group; what was before is not known here.
    Joined {
        /// Whose account.
        by: String,
    },
    /// The server has told that member something else about the group than this device: one of both was
    /// deceived.
    GroupForked {
        /// Whose account.
        account: String,
    },
    /// The server changed the group in another way than the member signed; the signed change counts.
    ServerDisagrees {
        /// Whose account.
        account: String,
    },
    /// Somebody has set how long what is written in the conversation stays.
    Lifetime {
        /// Whose account.
        by: String,
        /// Then it disappears; 0: it stays for good.
        seconds: u32,
    },
}
