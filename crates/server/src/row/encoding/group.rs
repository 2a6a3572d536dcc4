use bytes::Bytes;
use prost::Message;
use waxwing_wire::{AccountId, GroupId, MessageId};

use super::{account, address, copy, fixed, put_address};
use crate::row::{BlobId, GroupRow, MemberRow, PendingChange, RowDamaged};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Group {
    #[prost(uint64, tag = "1")]
    epoch: u64,
    #[prost(message, repeated, tag = "2")]
    members: Vec<Member>,
    #[prost(bool, tag = "3")]
    members_add: bool,
    #[prost(bytes = "bytes", tag = "4")]
    link: Bytes,
    #[prost(message, optional, tag = "5")]
    pending: Option<Pending>,
    #[prost(message, repeated, tag = "6")]
    recent: Vec<Made>,
}

#[derive(Clone, PartialEq, Message)]
struct Member {
    #[prost(bytes = "bytes", tag = "1")]
    account: Bytes,
    #[prost(bool, tag = "2")]
    admin: bool,
    #[prost(uint64, tag = "3")]
    since: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Pending {
    #[prost(bytes = "bytes", tag = "1")]
    group: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    from: Bytes,
    #[prost(fixed64, tag = "3")]
    id: u64,
    #[prost(uint32, tag = "4")]
    attempt: u32,
    /// 16 bytes each, one after the other.
    #[prost(bytes = "bytes", tag = "5")]
    added: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    removed: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Made {
    #[prost(bytes = "bytes", tag = "1")]
    by: Bytes,
    #[prost(fixed64, tag = "2")]
    id: u64,
}

impl From<&GroupRow> for Group {
    fn from(row: &GroupRow) -> Self {
        let member = |member: &MemberRow| Member {
            account: copy(&member.account.0),
            admin: member.admin,
            since: member.since,
        };
        Self {
            epoch: row.epoch,
            members: row.members.iter().map(member).collect(),
            members_add: row.members_add,
            link: row.link.map(|hash| copy(&hash)).unwrap_or_default(),
            pending: row.pending.as_ref().map(Into::into),
            recent: row.recent.iter().map(|(by, id)| Made { by: put_address(*by), id: id.0 }).collect(),
        }
    }
}

impl TryFrom<Group> for GroupRow {
    type Error = RowDamaged;

    fn try_from(row: Group) -> Result<Self, RowDamaged> {
        let member = |member: Member| {
            let Member { account: bytes, admin, since } = member;
            Ok(MemberRow { account: account(&bytes)?, admin, since })
        };
        let members: Vec<_> = row.members.into_iter().map(member).collect::<Result<_, _>>()?;
        if !members.is_sorted_by(|a, b| a.account < b.account) {
            return Err(RowDamaged { what: "members" });
        }
        let link = Some(&row.link).filter(|bytes| !bytes.is_empty());
        Ok(Self {
            epoch: row.epoch,
            members,
            members_add: row.members_add,
            link: link.map(|bytes| fixed(bytes, "link")).transpose()?,
            pending: row.pending.map(TryInto::try_into).transpose()?,
            recent: row
                .recent
                .into_iter()
                .map(|made| Ok((address(&made.by)?, MessageId(made.id))))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<&PendingChange> for Pending {
    fn from(pending: &PendingChange) -> Self {
        let BlobId { group, from, id, attempt } = pending.blob;
        let accounts = |list: &[AccountId]| list.iter().flat_map(|account| account.0).collect();
        Self {
            group: copy(&group.0),
            from: put_address(from),
            id: id.0,
            attempt,
            added: accounts(&pending.added),
            removed: accounts(&pending.removed),
        }
    }
}

impl TryFrom<Pending> for PendingChange {
    type Error = RowDamaged;

    fn try_from(pending: Pending) -> Result<Self, RowDamaged> {
        let Pending { group, from, id, attempt, added, removed } = pending;
        let accounts = |bytes: Bytes| bytes.chunks(16).map(account).collect::<Result<_, _>>();
        let group = GroupId(fixed(&group, "group id")?);
        Ok(Self {
            blob: BlobId { group, from: address(&from)?, id: MessageId(id), attempt },
            added: accounts(added)?,
            removed: accounts(removed)?,
        })
    }
}
