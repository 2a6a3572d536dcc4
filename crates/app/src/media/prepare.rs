//! From a file on this device to what a message carries.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use waxwing_client::LocalFile;
use waxwing_wire::Bytes;
use waxwing_wire::attachment::{Attachment, AttachmentKind};
use waxwing_wire::limits::{MAX_ATTACHMENT_BYTES, MAX_FILE_NAME_BYTES};

use super::animation::{clean, sticker};
use super::ffmpeg::{Alive, Container};
use super::film::{Written, heif};
use super::photo::{self, Looks};
use super::video::{self, video};
use super::{How, Origin, Vault, disk, pdf, photo::photo};
use crate::api::Failure;
use crate::limits::{MAX_PDF_BYTES, MAX_PHOTO_BYTES};
use crate::sound::{Source, Unhearable, length, voice};

/// A file that is being read.
enum Input {
    File(File),
    Content(Cursor<Vec<u8>>),
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(into),
            Self::Content(content) => content.read(into),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Content(content) => content.seek(to),
        }
    }
}

impl Input {
    /// From its beginning.
    fn sound(&mut self) -> Result<Source<'_>, Unhearable> {
        self.rewind().map_err(Unhearable::Io)?;
        match self {
            Self::File(file) => Source::file(file.try_clone().map_err(Unhearable::Io)?),
            Self::Content(content) => Ok(Source::bytes(content.get_ref())),
        }
    }
}

const AVIF: &str = "image/avif";
const HEIC: &str = "image/heic";
/// What HEIC files call themselves (ISO/IEC 23008-12, annex B), and what all of their kind may.
const HEIC_BRANDS: [&[u8; 4]; 8] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];

/// What the first bytes of a file say that it is.
fn recognised(head: &[u8]) -> Option<(&'static str, AttachmentKind)> {
    use AttachmentKind::{Audio, Document, Gif, Photo, Video};
    let at = |from: usize, what: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(what));
    Some(match head {
        _ if at(0, &[0xff, 0xd8, 0xff]) => ("image/jpeg", Photo),
        _ if at(0, b"\x89PNG\r\n\x1a\n") => ("image/png", Photo),
        _ if at(0, b"GIF8") => ("image/gif", Gif),
        // Bit 2 of the flags: it moves (RFC 9649, section 2.7).
        _ if at(0, b"RIFF") && at(8, b"WEBPVP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0) => {
            ("image/webp", Gif)
        }
        _ if at(0, b"RIFF") && at(8, b"WEBP") => ("image/webp", Photo),
        _ if at(0, b"RIFF") && at(8, b"WAVE") => ("audio/wav", Audio),
        _ if at(4, b"ftypavif") || at(4, b"ftypavis") => (AVIF, Document),
        _ if HEIC_BRANDS.iter().any(|brand| at(4, b"ftyp") && at(8, *brand)) => (HEIC, Document),
        _ if at(4, b"ftypM4A") => ("audio/mp4", Audio),
        _ if at(4, b"ftypqt") => ("video/quicktime", Video),
        _ if at(4, b"ftyp") => ("video/mp4", Video),
        _ if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) => ("video/webm", Video),
        _ if at(0, b"OggS") => ("audio/ogg", Audio),
        _ if at(0, b"fLaC") => ("audio/flac", Audio),
        _ if at(0, b"ID3") || at(0, &[0xff, 0xfb]) => ("audio/mpeg", Audio),
        _ if at(0, b"%PDF-") => ("application/pdf", Document),
        _ if at(0, b"PK\x03\x04") => ("application/zip", Document),
        _ => return None,
    })
}

/// As much of a name as a message can say.
fn short_name(name: &str) -> String {
    let mut end = name.len().min(MAX_FILE_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default().to_owned()
}

/// Its name for messages and for people, and how many bytes it has.
fn opened(from: Origin) -> Result<(Input, String, String, u64), Failure> {
    let (input, name, shown, bytes) = match from {
        Origin::Content { name, content } => {
            let bytes = content.len() as u64;
            (Input::Content(Cursor::new(content)), name, "the file".to_owned(), bytes)
        }
        Origin::Path(path) => {
            let shown = path.display().to_string();
            let unreadable = |error| cannot_read(&shown, &error);
            let file = File::open(&path).map_err(unreadable)?;
            let data = file.metadata().map_err(unreadable)?;
            if !data.is_file() {
                return Err(Failure::user("cannotRead", format!("{shown} is no file")));
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (Input::File(file), name, shown, data.len())
        }
    };
    if bytes > MAX_ATTACHMENT_BYTES {
        return Err(Failure::user("fileTooLarge", format!("{shown} is too large: a file has at most 2 GiB")));
    }
    Ok((input, short_name(&name), shown, bytes))
}

fn cannot_read(shown: &str, error: &io::Error) -> Failure {
    Failure::user("cannotRead", format!("{shown} cannot be read: {error}"))
}

/// Makes a file ready, and keeps its ciphertext.
///
/// `alive` is asked now and then while it takes long; `false`: it is to stop.
pub fn prepare(vault: &Vault, how: How, alive: Alive<'_>) -> Result<(LocalFile, Box<Attachment>), Failure> {
    let path = match &how.from {
        Origin::Path(path) => Some(path.clone()),
        Origin::Content { .. } => None,
    };
    let (mut file, name, shown, bytes) = opened(how.from)?;
    let unreadable = |error| cannot_read(&shown, &error);
    let mut head = Vec::new();
    (&mut file).take(64).read_to_end(&mut head).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let known = recognised(&head);
    let kind = how.kind.or(known.map(|(_, kind)| kind)).unwrap_or(AttachmentKind::Document);
    let mut attachment = Attachment::new(kind, [0; 32], [0; 32], bytes);
    attachment.name = name;
    attachment.media_type = known.map_or("application/octet-stream", |(name, _)| name).to_owned();
    let no_picture = || {
        let detail = format!("{shown} cannot be read as a picture, or is too large; send it as a document");
        Failure::user("malformedPicture", detail)
    };
    let local = match kind {
        AttachmentKind::Photo => {
            let picture = read_all(&mut file, MAX_PHOTO_BYTES).map_err(disk)?;
            let made = picture.and_then(|picture| photo(&picture, how.hd)).ok_or_else(no_picture)?;
            "image/jpeg".clone_into(&mut attachment.media_type);
            // What a camera calls a file says when it was taken.
            attachment.name.clear();
            attachment.bytes = made.file.len() as u64;
            looks_of(&mut attachment, made.looks);
            vault.seal(&mut Cursor::new(&made.file), made.file.len() as u64)?
        }
        AttachmentKind::Sticker | AttachmentKind::Gif => {
            let picture = read_all(&mut file, MAX_PHOTO_BYTES).map_err(disk)?.ok_or_else(no_picture)?;
            let (made, media_type, looks) = if kind == AttachmentKind::Sticker {
                let made = sticker(&picture).ok_or_else(no_picture)?;
                attachment.name.clear();
                (made.file, made.media_type, made.looks)
            } else {
                let made = clean(&picture).ok_or_else(no_picture)?;
                let first = photo::decode(&made.file).ok_or_else(no_picture)?;
                (made.file, made.media_type, photo::looks(&first))
            };
            media_type.clone_into(&mut attachment.media_type);
            attachment.bytes = made.len() as u64;
            looks_of(&mut attachment, looks);
            vault.seal(&mut Cursor::new(&made), made.len() as u64)?
        }
        AttachmentKind::Voice => {
            let unheard = |error: Unhearable| {
                Failure::user(error.code(), format!("{shown} cannot be sent so: {error}"))
            };
            let made = file.sound().and_then(voice).map_err(unheard)?;
            "audio/ogg".clone_into(&mut attachment.media_type);
            // What a recorder calls a file says when it was recorded.
            attachment.name.clear();
            attachment.bytes = made.file.len() as u64;
            attachment.duration_ms = made.duration_ms;
            attachment.waveform = Bytes::from(made.waveform);
            vault.seal(&mut Cursor::new(&made.file), made.file.len() as u64)?
        }
        AttachmentKind::Video => {
            let media_type = attachment.media_type.as_str();
            let container = match media_type {
                "video/mp4" | "video/quicktime" => Container::Mp4,
                "video/webm" => Container::WebM,
                _ => return Err(video::malformed()),
            };
            let quicktime = media_type == "video/quicktime";
            let wanted = video::Wanted { path: path.as_deref(), container, quicktime, bytes, hd: how.hd };
            let made = video(vault, &mut file, &wanted, alive)?;
            made.media_type.clone_into(&mut attachment.media_type);
            // What a camera calls a file says when it was taken.
            attachment.name.clear();
            attachment.bytes = made.bytes;
            if let Some(looks) = made.looks {
                looks_of(&mut attachment, looks);
            }
            (attachment.width, attachment.height) = (made.film.width, made.film.height);
            attachment.duration_ms = made.film.duration_ms;
            made.local
        }
        AttachmentKind::Document if how.kind.is_none() && matches!(known, Some((HEIC | AVIF, _))) => {
            let end = if attachment.media_type == AVIF { "avif" } else { "heic" };
            // What a camera calls a file says when it was taken.
            attachment.name = format!("picture.{end}");
            without_place(vault, file, bytes, &shown)?
        }
        _ => {
            if known.is_some_and(|(name, _)| name == "application/pdf") {
                let document = read_all(&mut file, MAX_PDF_BYTES).map_err(disk)?;
                attachment.pages = document.map_or(0, |document| pdf::pages(&document));
            }
            if kind == AttachmentKind::Audio {
                attachment.duration_ms = file.sound().map_or(0, length);
            }
            file.rewind().map_err(unreadable)?;
            vault.seal(&mut file, bytes)?
        }
    };
    (attachment.digest, attachment.key) = (local.digest, local.key);
    Ok((local, Box::new(attachment)))
}

/// No decoder of ours reads it, so it is no photo; but nobody means to tell where it was taken.
fn without_place(vault: &Vault, mut file: Input, bytes: u64, shown: &str) -> Result<LocalFile, Failure> {
    let over = heif(&mut file, bytes).map_err(|_| {
        let detail = format!(
            "{shown} says where and when it was taken in a way that cannot be taken out here; make a JPEG of it, or \
             send it as a document, as it is"
        );
        Failure::user("malformedPicture", detail)
    })?;
    let mut file = Written::new(file, over).map_err(|error| cannot_read(shown, &error))?;
    vault.seal(&mut file, bytes)
}

fn looks_of(attachment: &mut Attachment, looks: Looks) {
    (attachment.width, attachment.height) = (looks.width, looks.height);
    attachment.blurhash = looks.blurhash;
    attachment.thumbnail = Bytes::from(looks.thumbnail);
}

/// `None`: it is longer.
fn read_all(file: &mut Input, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}
