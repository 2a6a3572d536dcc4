//! Files of messages.

use waxwing_wire::Bytes;
use waxwing_wire::attachment as core;

use super::{picture, picture_of};
use crate::api::{Attachment, AttachmentKind, Failure};

pub fn attachment(file: &core::Attachment) -> Attachment {
    Attachment {
        id: hex::encode(file.digest),
        kind: attachment_kind(file.kind),
        bytes: file.bytes,
        media_type: file.media_type.clone(),
        name: file.name.clone(),
        width: file.width,
        height: file.height,
        duration_ms: file.duration_ms,
        blurhash: file.blurhash.clone(),
        waveform: picture(&file.waveform),
        thumbnail: picture(&file.thumbnail),
        pages: file.pages,
    }
}

/// Files of one message. Where their small images are too large together, the last ones go without.
pub fn album_of(files: &[Attachment]) -> Result<Vec<core::Attachment>, Failure> {
    let mut album: Vec<core::Attachment> = files.iter().map(attachment_of).collect::<Result<_, _>>()?;
    for place in (0..album.len()).rev() {
        if core::fit(&album) {
            break;
        }
        if let Some(file) = album.get_mut(place) {
            file.thumbnail = Bytes::new();
        }
    }
    Ok(album)
}

/// The description alone: the core knows which key belongs to the file, and how the server calls it.
fn attachment_of(file: &Attachment) -> Result<core::Attachment, Failure> {
    Ok(core::Attachment {
        kind: attachment_kind_of(file.kind),
        file: None,
        key: [0; 32],
        digest: file_of(&file.id)?,
        bytes: file.bytes,
        media_type: file.media_type.clone(),
        name: file.name.clone(),
        width: file.width,
        height: file.height,
        duration_ms: file.duration_ms,
        blurhash: file.blurhash.clone(),
        waveform: picture_of(&file.waveform)?,
        thumbnail: picture_of(&file.thumbnail)?,
        pages: file.pages,
    })
}

/// Reads [`Attachment::id`].
fn file_of(id: &str) -> Result<[u8; 32], Failure> {
    let digest = hex::decode(id).ok().and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| Failure::user("malformedFile", "not the name of a file: 64 hexadecimal digits"))
}

pub fn attachment_kind(kind: core::AttachmentKind) -> AttachmentKind {
    match kind {
        core::AttachmentKind::Document => AttachmentKind::Document,
        core::AttachmentKind::Photo => AttachmentKind::Photo,
        core::AttachmentKind::Video => AttachmentKind::Video,
        core::AttachmentKind::Voice => AttachmentKind::Voice,
        core::AttachmentKind::Audio => AttachmentKind::Audio,
        core::AttachmentKind::Sticker => AttachmentKind::Sticker,
        core::AttachmentKind::Gif => AttachmentKind::Gif,
    }
}

pub fn attachment_kind_of(kind: AttachmentKind) -> core::AttachmentKind {
    match kind {
        AttachmentKind::Document => core::AttachmentKind::Document,
        AttachmentKind::Photo => core::AttachmentKind::Photo,
        AttachmentKind::Video => core::AttachmentKind::Video,
        AttachmentKind::Voice => core::AttachmentKind::Voice,
        AttachmentKind::Audio => core::AttachmentKind::Audio,
        AttachmentKind::Sticker => core::AttachmentKind::Sticker,
        AttachmentKind::Gif => core::AttachmentKind::Gif,
    }
}
