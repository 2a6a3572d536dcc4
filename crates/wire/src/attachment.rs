//! Files of a message. See `proto/content.proto`.

use bytes::Bytes;
use prost::Message as _;

use crate::error::Malformed;
use crate::id::FileId;
use crate::limits::{
    MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, MAX_ATTACHMENTS_BYTES, MAX_BLURHASH_BYTES, MAX_FILE_NAME_BYTES,
    MAX_MEDIA_TYPE_BYTES, MAX_THUMBNAIL_BYTES, MAX_WAVEFORM_BYTES,
};
use crate::pb::content as pb;
use crate::shared::{at_most, fixed, text};

/// A file, as its message describes it: everything but its bytes. What does not fit the kind is 0 or empty. Without
/// `Debug`: it holds a key, and what people wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is to people.
    pub kind: AttachmentKind,
    /// Its ciphertext; `None`: not uploaded yet, so only on the sender's device.
    pub file: Option<FileId>,
    /// Its ciphertext is made with this.
    pub key: [u8; 32],
    /// BLAKE3 of the ciphertext.
    pub digest: [u8; 32],
    /// Its content, at most [`MAX_ATTACHMENT_BYTES`].
    pub bytes: u64,
    /// Media type, at most [`MAX_MEDIA_TYPE_BYTES`]; empty: not known.
    pub media_type: String,
    /// Its name, at most [`MAX_FILE_NAME_BYTES`]; nobody has checked that it is no path.
    pub name: String,
    /// Pixels, as it is shown.
    pub width: u32,
    /// Pixels, as it is shown.
    pub height: u32,
    /// Milliseconds.
    pub duration_ms: u32,
    /// Colours in few characters, at most [`MAX_BLURHASH_BYTES`].
    pub blurhash: String,
    /// Loudness of equal parts, at most [`MAX_WAVEFORM_BYTES`].
    pub waveform: Bytes,
    /// A small image file, at most [`MAX_THUMBNAIL_BYTES`].
    pub thumbnail: Bytes,
    /// Of a document.
    pub pages: u32,
}

/// What a file is to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

impl AttachmentKind {
    fn to_pb(self) -> pb::AttachmentKind {
        match self {
            Self::Document => pb::AttachmentKind::Document,
            Self::Photo => pb::AttachmentKind::Photo,
            Self::Video => pb::AttachmentKind::Video,
            Self::Voice => pb::AttachmentKind::Voice,
            Self::Audio => pb::AttachmentKind::Audio,
            Self::Sticker => pb::AttachmentKind::Sticker,
            Self::Gif => pb::AttachmentKind::Gif,
        }
    }

    fn from_pb(number: i32) -> Self {
        match pb::AttachmentKind::try_from(number) {
            Ok(pb::AttachmentKind::Photo) => Self::Photo,
            Ok(pb::AttachmentKind::Video) => Self::Video,
            Ok(pb::AttachmentKind::Voice) => Self::Voice,
            Ok(pb::AttachmentKind::Audio) => Self::Audio,
            Ok(pb::AttachmentKind::Sticker) => Self::Sticker,
            Ok(pb::AttachmentKind::Gif) => Self::Gif,
            // What a newer version knows can still be saved.
            Ok(pb::AttachmentKind::Document) | Err(_) => Self::Document,
        }
    }
}

impl Attachment {
    /// A file of which nothing else is known, not uploaded.
    #[must_use]
    pub const fn new(kind: AttachmentKind, key: [u8; 32], digest: [u8; 32], bytes: u64) -> Self {
        Self {
            kind,
            file: None,
            key,
            digest,
            bytes,
            media_type: String::new(),
            name: String::new(),
            width: 0,
            height: 0,
            duration_ms: 0,
            blurhash: String::new(),
            waveform: Bytes::new(),
            thumbnail: Bytes::new(),
            pages: 0,
        }
    }

    pub(crate) fn to_pb(&self) -> pb::Attachment {
        pb::Attachment {
            kind: self.kind.to_pb() as i32,
            file: self.file.map(|file| Bytes::copy_from_slice(&file.0)).unwrap_or_default(),
            key: Bytes::copy_from_slice(&self.key),
            digest: Bytes::copy_from_slice(&self.digest),
            size: self.bytes,
            r#type: self.media_type.clone(),
            name: self.name.clone(),
            width: self.width,
            height: self.height,
            duration: self.duration_ms,
            blurhash: self.blurhash.clone(),
            waveform: self.waveform.clone(),
            thumbnail: self.thumbnail.clone(),
            pages: self.pages,
        }
    }
}

impl TryFrom<pb::Attachment> for Attachment {
    type Error = Malformed;

    fn try_from(file: pb::Attachment) -> Result<Self, Malformed> {
        let name =
            if file.file.is_empty() { None } else { Some(FileId::parse(&file.file, "Attachment.file")?) };
        if file.size > MAX_ATTACHMENT_BYTES {
            return Err(Malformed::new("Attachment.size"));
        }
        Ok(Self {
            kind: AttachmentKind::from_pb(file.kind),
            file: name,
            key: fixed(&file.key, "Attachment.key")?,
            digest: fixed(&file.digest, "Attachment.digest")?,
            bytes: file.size,
            media_type: text(file.r#type, MAX_MEDIA_TYPE_BYTES, "Attachment.type")?,
            name: text(file.name, MAX_FILE_NAME_BYTES, "Attachment.name")?,
            width: file.width,
            height: file.height,
            duration_ms: file.duration,
            blurhash: text(file.blurhash, MAX_BLURHASH_BYTES, "Attachment.blurhash")?,
            waveform: at_most(file.waveform, MAX_WAVEFORM_BYTES, "Attachment.waveform")?,
            thumbnail: at_most(file.thumbnail, MAX_THUMBNAIL_BYTES, "Attachment.thumbnail")?,
            pages: file.pages,
        })
    }
}

/// Whether a message can carry them: each within its bounds, not too many, and short enough in all.
#[must_use]
pub fn fit(files: &[Attachment]) -> bool {
    let all: Vec<pb::Attachment> = files.iter().map(Attachment::to_pb).collect();
    fit_encoded(&all) && all.into_iter().all(|file| Attachment::try_from(file).is_ok())
}

fn fit_encoded(files: &[pb::Attachment]) -> bool {
    let bytes: usize = files.iter().map(pb::Attachment::encoded_len).sum();
    files.len() <= MAX_ATTACHMENTS && bytes <= MAX_ATTACHMENTS_BYTES
}

pub(crate) fn read_all(files: Vec<pb::Attachment>) -> Result<Vec<Attachment>, Malformed> {
    if !fit_encoded(&files) {
        return Err(Malformed::new("Post.attachment"));
    }
    files.into_iter().map(Attachment::try_from).collect()
}

pub(crate) fn kinds_to_pb(kinds: &[AttachmentKind]) -> Vec<i32> {
    kinds.iter().map(|kind| kind.to_pb() as i32).collect()
}

pub(crate) fn read_kinds(kinds: &[i32]) -> Result<Vec<AttachmentKind>, Malformed> {
    if kinds.len() > MAX_ATTACHMENTS {
        return Err(Malformed::new("Quote.attachment"));
    }
    Ok(kinds.iter().map(|kind| AttachmentKind::from_pb(*kind)).collect())
}
