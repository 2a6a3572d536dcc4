//! Files of messages.

use serde::{Deserialize, Serialize};

/// A file of a message, as its sender describes it. What does not fit the kind is absent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Names it on this device and in all messages that carry the same file: 64 hexadecimal digits.
    pub id: String,
    /// What it is to people.
    pub kind: AttachmentKind,
    /// Its content.
    pub bytes: u64,
    /// Media type; absent: not known. Nobody has checked it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// Its name, as the sender calls it. It may hold anything: it is no path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Pixels, as it is shown.
    #[serde(default, skip_serializing_if = "super::post::is_zero")]
    pub width: u32,
    /// Pixels, as it is shown.
    #[serde(default, skip_serializing_if = "super::post::is_zero")]
    pub height: u32,
    /// How long it plays.
    #[serde(default, skip_serializing_if = "super::post::is_zero")]
    pub duration_ms: u32,
    /// Its colours, until it is here (see blurha.sh).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub blurhash: String,
    /// Loudness of equal parts, 0 to 255 each, Base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub waveform: String,
    /// A small image file, Base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thumbnail: String,
    /// Of a document.
    #[serde(default, skip_serializing_if = "super::post::is_zero")]
    pub pages: u32,
}

/// What a file is to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttachmentKind {
    /// A file like any other.
    Document,
    /// A picture that somebody took.
    Photo,
    /// A film.
    Video,
    /// Recorded to be said.
    Voice,
    /// Music, and whatever else is listened to.
    Audio,
    /// A small picture that stands for words.
    Sticker,
    /// A film without sound that runs in a loop.
    Gif,
}
