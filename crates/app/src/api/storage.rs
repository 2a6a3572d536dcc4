//! What files take, where they go to, and which come by themselves.

use serde::{Deserialize, Serialize};

use super::AttachmentKind;

/// Storage of the user's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CloudPlace {
    /// A folder of this machine, perhaps one that another program keeps in step with a cloud.
    Folder {
        /// Its whole path.
        path: String,
    },
    /// A folder of a WebDAV server.
    WebDav {
        /// Where it is: `https://…`; `http://` takes a password on this machine only.
        url: String,
        /// Who asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Kept in the encrypted database.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    },
}

impl CloudPlace {
    /// Where it is, without what is secret.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Folder { path } => path,
            Self::WebDav { url, .. } => url,
        }
    }
}

/// Whether files of a kind are fetched without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "fetch")]
pub enum Fetching {
    /// However large they are.
    Always,
    /// Only when somebody looks at them.
    Never,
    /// If they are no larger.
    UpTo {
        /// Content.
        bytes: u64,
    },
}

/// Which files are fetched without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchRules {
    /// Photos, stickers and loops.
    pub photos: Fetching,
    /// Voice messages.
    pub voice: Fetching,
    /// Films.
    pub video: Fetching,
    /// Everything else.
    pub documents: Fetching,
}

impl Default for FetchRules {
    fn default() -> Self {
        Self {
            photos: Fetching::Always,
            voice: Fetching::Always,
            video: Fetching::Never,
            documents: Fetching::Never,
        }
    }
}

impl FetchRules {
    /// Whether such a file is fetched.
    #[must_use]
    pub fn fetches(&self, kind: AttachmentKind, bytes: u64) -> bool {
        let rule = match kind {
            AttachmentKind::Photo | AttachmentKind::Sticker | AttachmentKind::Gif => self.photos,
            AttachmentKind::Voice => self.voice,
            AttachmentKind::Video => self.video,
            AttachmentKind::Audio | AttachmentKind::Document => self.documents,
        };
        match rule {
            Fetching::Always => true,
            Fetching::Never => false,
            Fetching::UpTo { bytes: most } => bytes <= most,
        }
    }
}

/// What the files of a conversation take.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFiles {
    /// The conversation.
    pub with: String,
    /// Files of its messages.
    pub files: u64,
    /// Content of all of them.
    pub bytes: u64,
    /// Of those that are on this device. A file that two conversations have is counted in both.
    pub bytes_here: u64,
    /// Of those that were moved to storage of the user's own and are not here.
    pub bytes_away: u64,
}

/// In which order files are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileOrder {
    /// Of those on this device, the largest first.
    Largest,
    /// Of those on this device, the oldest first.
    Oldest,
}
