use bytes::Bytes;
use prost::Message;

use super::{account, copy, fixed};
use crate::row::{FileRow, FileStage, OwnedRow, QuotaRow, RowDamaged};

#[derive(Clone, PartialEq, Message)]
pub(super) struct File {
    #[prost(bytes = "bytes", tag = "1")]
    owner: Bytes,
    #[prost(uint64, tag = "2")]
    bytes: u64,
    #[prost(bytes = "bytes", tag = "3")]
    token: Bytes,
    #[prost(uint32, tag = "4")]
    stage: u32,
    #[prost(uint64, tag = "5")]
    expires_at_ms: u64,
    #[prost(uint64, tag = "6")]
    keep_until_ms: u64,
    #[prost(uint64, tag = "7")]
    awaiting: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Owned {
    #[prost(uint64, tag = "1")]
    bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Quota {
    #[prost(uint64, tag = "1")]
    files: u64,
    #[prost(uint64, tag = "2")]
    bytes: u64,
}

impl From<&FileRow> for File {
    fn from(row: &FileRow) -> Self {
        let stage = match row.stage {
            FileStage::Uploading => 0,
            FileStage::Complete => 1,
            FileStage::Deleting => 2,
        };
        Self {
            owner: copy(&row.owner.0),
            bytes: row.bytes,
            token: copy(&row.token),
            stage,
            expires_at_ms: row.expires_at_ms,
            keep_until_ms: row.keep_until_ms,
            awaiting: row.awaiting,
        }
    }
}

impl TryFrom<File> for FileRow {
    type Error = RowDamaged;

    fn try_from(row: File) -> Result<Self, RowDamaged> {
        let stage = match row.stage {
            0 => FileStage::Uploading,
            1 => FileStage::Complete,
            2 => FileStage::Deleting,
            _ => return Err(RowDamaged { what: "file stage" }),
        };
        Ok(Self {
            owner: account(&row.owner)?,
            bytes: row.bytes,
            token: fixed(&row.token, "file token")?,
            stage,
            expires_at_ms: row.expires_at_ms,
            keep_until_ms: row.keep_until_ms,
            awaiting: row.awaiting,
        })
    }
}

impl From<&OwnedRow> for Owned {
    fn from(row: &OwnedRow) -> Self {
        Self { bytes: row.bytes }
    }
}

impl From<Owned> for OwnedRow {
    fn from(row: Owned) -> Self {
        Self { bytes: row.bytes }
    }
}

impl From<&QuotaRow> for Quota {
    fn from(row: &QuotaRow) -> Self {
        Self { files: row.files, bytes: row.bytes }
    }
}

impl From<Quota> for QuotaRow {
    fn from(row: Quota) -> Self {
        Self { files: row.files, bytes: row.bytes }
    }
}
