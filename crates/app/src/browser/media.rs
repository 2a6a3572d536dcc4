//! What works on files in a browser: tasks that take turns with everything else in the worker.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use js_sys::{ArrayBuffer, Uint8Array};
use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;
use waxwing_client::{LocalFile, Upload};
use waxwing_wire::Bytes;
use waxwing_wire::attachment::Attachment;
use waxwing_wire::limits::{
    MAX_ATTACHMENT_BYTES, MAX_FILE_NAME_BYTES, MAX_THUMBNAIL_BYTES, MAX_WAVEFORM_BYTES,
};
use web_sys::{Blob, FileReaderSync};

use super::http::pause;
use super::vault::Vault;
use crate::api::{self, AttachmentKind, CloudPlace, CommandId, Failure};
use crate::limits::{MAX_MEDIA_JOBS, MAX_PASSED_VOICE_BYTES};
use crate::media::blurhash::{SIDE_PIXELS, blurhash};
use crate::media::film::{self, NoFilm, Written};
use crate::media::pieces::{Sealing, damaged, layout_of, opener_of, read_sealed};
use crate::media::{Fetch, Fetched, How, Origin, Report, Reporter, busy, disk, transfer};
use crate::store::Away;

/// Chunks that are encrypted or decrypted before others have their turn: half a megabyte.
const CHUNKS_A_TURN: usize = 8;

/// A file that the page was given: a photo is made smaller there, since a browser does that best.
pub struct Given {
    /// Its content.
    pub content: Blob,
    /// What it is.
    pub about: About,
    /// Red, green, blue, opacity of each pixel of a small picture of it, 32 by 32; empty: there is none.
    pub pixels: Vec<u8>,
    /// A small image file; empty: none.
    pub thumbnail: Vec<u8>,
    /// Loudness of equal parts; empty: none.
    pub waveform: Vec<u8>,
}

/// What is said of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// To people.
    pub kind: AttachmentKind,
    /// Media type, as the browser found it.
    #[serde(default)]
    pub media_type: String,
    /// Empty: none is told.
    #[serde(default)]
    pub name: String,
    /// Pixels.
    #[serde(default)]
    pub width: u32,
    /// Pixels.
    #[serde(default)]
    pub height: u32,
    /// How long it plays.
    #[serde(default)]
    pub duration_ms: u32,
}

/// Reads what the page was given, piece by piece.
struct Reader {
    content: Blob,
    reader: FileReaderSync,
    bytes: u64,
    at: u64,
}

impl Reader {
    fn new(content: Blob) -> io::Result<Self> {
        let reader =
            FileReaderSync::new().map_err(|_| io::Error::other("the browser reads no files here"))?;
        let bytes = content.size() as u64;
        Ok(Self { content, reader, bytes, at: 0 })
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let end = self.bytes.min(self.at + into.len() as u64);
        if end <= self.at {
            return Ok(0);
        }
        let gone = |_| io::Error::other("the file is not there any more, or has changed");
        let piece = self.content.slice_with_f64_and_f64(self.at as f64, end as f64).map_err(gone)?;
        let piece: ArrayBuffer = self.reader.read_as_array_buffer(&piece).map_err(gone)?;
        let piece = Uint8Array::new(&piece);
        let count = (piece.length() as usize).min(into.len());
        piece.subarray(0, count as u32).copy_to(into.get_mut(..count).unwrap_or_default());
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// See the module.
pub struct Media {
    pub vault: Arc<Vault>,
    report: Reporter,
    stop: Arc<AtomicBool>,
    /// Files that were decrypted and that nobody has taken yet.
    made: Rc<RefCell<BTreeMap<CommandId, Blob>>>,
}

fn not_here() -> Failure {
    Failure::user("notInBrowser", "a browser cannot do this; use a program of this account for it")
}

impl Media {
    #[expect(clippy::arc_with_non_send_sync, reason = "threads of a program share it; a worker has one")]
    pub fn start(vault: Vault, report: Reporter) -> io::Result<Self> {
        let report: Reporter = Arc::new(move |said| {
            let listened = report(said);
            super::wake();
            listened
        });
        Ok(Self { vault: Arc::new(vault), report, stop: Arc::default(), made: Rc::default() })
    }

    fn shared(&self) -> (Arc<Vault>, Reporter, Arc<AtomicBool>) {
        (Arc::clone(&self.vault), Arc::clone(&self.report), Arc::clone(&self.stop))
    }

    /// Makes a file ready; then [`Report::Prepared`].
    pub fn prepare(&self, command: CommandId, how: How) -> Result<(), Failure> {
        let (vault, report, stop) = self.shared();
        let Origin::Page(given) = how.from;
        spawn_local(async move {
            let prepared = prepare(&vault, *given, &stop).await;
            report(Report::Prepared(command, prepared));
        });
        Ok(())
    }

    /// Decrypts a file for the page, which takes it by [`Self::take`]; then [`Report::Saved`].
    pub fn save(&self, command: CommandId, file: &Attachment, to: PathBuf) -> Result<(), Failure> {
        let (vault, report, _) = self.shared();
        let (made, file) = (Rc::clone(&self.made), file.clone());
        if made.borrow().len() >= MAX_MEDIA_JOBS {
            return Err(busy());
        }
        spawn_local(async move {
            let saved = content(&vault, &file).await.map(|content| {
                made.borrow_mut().insert(command, content);
                to
            });
            report(Report::Saved(command, saved));
        });
        Ok(())
    }

    /// What was decrypted by a command.
    pub fn take(&self, command: CommandId) -> Option<Blob> {
        self.made.borrow_mut().remove(&command)
    }

    /// Then [`Report::Uploaded`].
    pub fn upload(&self, upload: Upload, server: String) {
        let (vault, report, stop) = self.shared();
        spawn_local(async move {
            if let Some(end) = transfer::upload(&vault, &upload, &server, &stop, &report).await {
                report(Report::Uploaded(upload.digest, end));
            }
        });
    }

    /// Then [`Report::Fetched`].
    pub fn fetch(&self, fetch: Fetch) {
        let (vault, report, stop) = self.shared();
        spawn_local(async move {
            if let Some(end) = transfer::fetch(&vault, &fetch, &stop, &report).await {
                report(Report::Fetched(fetch.attachment.digest, end));
            }
        });
    }

    /// No storage of the user's own is reached from a page.
    pub fn offload(&self, digest: [u8; 32], _: CloudPlace, _: String) {
        (self.report)(Report::Offloaded(digest, Err(not_here())));
    }

    /// Likewise.
    pub fn recall(&self, attachment: Attachment, _: Away) {
        (self.report)(Report::Fetched(attachment.digest, Fetched::Unreachable));
    }

    /// Likewise; nothing was ever moved there from here.
    pub fn discard(&self, _: Vec<(Option<[u8; 32]>, Away)>) {}
}

impl Drop for Media {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// As much of a name as a message can say.
fn short_name(name: &str) -> String {
    name.get(..name.floor_char_boundary(MAX_FILE_NAME_BYTES)).unwrap_or_default().to_owned()
}

async fn prepare(
    vault: &Vault,
    given: Given,
    stop: &AtomicBool,
) -> Result<(LocalFile, Box<Attachment>), Failure> {
    let Given { content, about, pixels, thumbnail, waveform } = given;
    let mut reader = Reader::new(content).map_err(disk)?;
    let bytes = reader.bytes;
    if bytes > MAX_ATTACHMENT_BYTES {
        return Err(Failure::user("fileTooLarge", "the file is too large: a file has at most 2 GiB"));
    }
    let kind = api::attachment_kind_of(about.kind);
    let mut attachment = Attachment::new(kind, [0; 32], [0; 32], bytes);
    attachment.media_type = about.media_type;
    (attachment.width, attachment.height) = (about.width, about.height);
    attachment.duration_ms = about.duration_ms;
    if matches!(about.kind, AttachmentKind::Document | AttachmentKind::Audio) {
        attachment.name = short_name(&about.name);
    }
    if thumbnail.len() <= MAX_THUMBNAIL_BYTES {
        attachment.thumbnail = Bytes::from(thumbnail);
    }
    if waveform.len() <= MAX_WAVEFORM_BYTES {
        attachment.waveform = Bytes::from(waveform);
    }
    let small: Vec<[u8; 3]> =
        pixels.as_chunks::<4>().0.iter().map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
    if small.len() == (SIDE_PIXELS * SIDE_PIXELS) as usize {
        attachment.blurhash = blurhash(&small);
    }
    let local = if about.kind == AttachmentKind::Voice {
        let recorded = read_all(&mut reader, MAX_PASSED_VOICE_BYTES)?;
        // What a browser records in another way goes as it is.
        let (sound, media_type) = match film::ogg(&recorded) {
            Some((sound, duration_ms)) => {
                attachment.duration_ms = duration_ms;
                (sound, "audio/ogg".to_owned())
            }
            None => (recorded, std::mem::take(&mut attachment.media_type)),
        };
        attachment.media_type = media_type;
        attachment.bytes = sound.len() as u64;
        seal(vault, &mut sound.as_slice(), attachment.bytes, stop).await?
    } else if about.kind == AttachmentKind::Video {
        let read = if attachment.media_type == "video/webm" { film::webm } else { film::mp4 };
        let film = read(&mut reader, bytes).map_err(|why| no_film(&why))?;
        if film.width > 0 {
            (attachment.width, attachment.height) = (film.width, film.height);
        }
        attachment.duration_ms = film.duration_ms;
        let mut cleaned = Written::new(reader, film.over).map_err(disk)?;
        seal(vault, &mut cleaned, bytes, stop).await?
    } else {
        seal(vault, &mut reader, bytes, stop).await?
    };
    (attachment.digest, attachment.key) = (local.digest, local.key);
    Ok((local, Box::new(attachment)))
}

/// All of a recording.
fn read_all(reader: &mut Reader, most: u64) -> Result<Vec<u8>, Failure> {
    if reader.bytes > most {
        return Err(Failure::user("fileTooLarge", "the recording is too long; send it as a document"));
    }
    let mut all = Vec::new();
    reader.read_to_end(&mut all).map_err(disk)?;
    Ok(all)
}

fn no_film(why: &NoFilm) -> Failure {
    let detail = match why {
        NoFilm::Malformed => "the film is damaged, or of a kind that is not known; send it as a document",
        NoFilm::Unreadable => "the file cannot be read; choose it once more",
        NoFilm::Track => {
            "the film holds where it was made, which cannot be taken out here; send it as a document if that may be known"
        }
    };
    Failure::user("malformedFilm", detail)
}

/// Encrypts so many bytes under a fresh key, and keeps the ciphertext durably.
async fn seal(
    vault: &Vault,
    content: &mut dyn Read,
    bytes: u64,
    stop: &AtomicBool,
) -> Result<LocalFile, Failure> {
    let mut sealing = Sealing::new(bytes)?;
    let (name, mut file) = vault.begin().map_err(disk)?;
    let mut chunk = Vec::new();
    let mut turn = 0;
    let sealed = loop {
        match sealing.next(content, &mut chunk) {
            Ok(true) => {}
            Ok(false) => break sealing.finish(content),
            Err(failure) => break Err(failure),
        }
        if let Err(error) = file.write_all(&chunk) {
            break Err(disk(error));
        }
        turn += 1;
        if turn % CHUNKS_A_TURN == 0 {
            pause(Duration::ZERO).await;
            if stop.load(Ordering::Relaxed) {
                break Err(Failure::device("the profile was closed"));
            }
        }
    };
    let kept = sealed.and_then(|local| vault.finish(&name, &local).map(|()| local));
    if kept.is_err() {
        vault.give_up(&name);
    }
    kept
}

/// The content of a file that is here, as something that the page can show.
async fn content(vault: &Vault, file: &Attachment) -> Result<Blob, Failure> {
    let layout = layout_of(file)?;
    let mut sealed = vault.open_sealed(&file.digest).map_err(disk)?;
    let opener = opener_of(file, layout);
    let parts = js_sys::Array::new();
    let mut bytes = Vec::new();
    for (index, chunk) in (0..layout.chunks()).filter_map(|index| Some((index, layout.chunk(index)?))) {
        read_sealed(&mut sealed, chunk, &mut bytes).map_err(disk)?;
        if opener.open(index, &mut bytes).is_err() {
            return Err(damaged());
        }
        parts.push(&Uint8Array::from(bytes.as_slice()));
        if (index as usize + 1) % CHUNKS_A_TURN == 0 {
            pause(Duration::ZERO).await;
        }
    }
    let blob = Blob::new_with_u8_array_sequence(&parts);
    blob.map_err(|_| Failure::device("the browser has no room to show the file"))
}
