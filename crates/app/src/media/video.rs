//! Films: small enough for a telephone where an `ffmpeg` is there, as they are otherwise, and never with the place and
//! time at which they were made.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use waxwing_client::LocalFile;

use super::ffmpeg::{self, Alive, Container};
use super::film::{Film, NoFilm, Written, mp4, webm};
use super::photo::{self, Looks};
use super::{Vault, disk};
use crate::api::Failure;
use crate::limits::{MAX_KEPT_VIDEO_BITS_PER_SECOND, VIDEO_SIDE_PIXELS};

/// What has become of a film.
pub struct Video {
    pub local: LocalFile,
    pub bytes: u64,
    pub media_type: &'static str,
    pub film: Film,
    /// A picture of it, if there is somebody who can make one.
    pub looks: Option<Looks>,
}

/// What is to become of a film.
pub struct Wanted<'a> {
    /// Where it is, unless it is in memory.
    pub path: Option<&'a Path>,
    pub container: Container,
    /// In QuickTime's own container.
    pub quicktime: bool,
    pub bytes: u64,
    /// Its pictures and sounds stay as they are.
    pub hd: bool,
}

/// Keeps a film as it is to be sent.
pub fn video(
    vault: &Vault,
    file: &mut (impl Read + Seek),
    wanted: &Wanted<'_>,
    alive: Alive<'_>,
) -> Result<Video, Failure> {
    let read = read(file, wanted.container, wanted.bytes);
    if let Some(path) = wanted.path
        && ffmpeg::is_here()
        && let Some(made) = made(path, wanted, read.as_ref().ok(), alive)
    {
        let Made { folder: _folder, path, container } = made;
        let mut file = File::open(&path).map_err(disk)?;
        let bytes = file.metadata().map_err(disk)?.len();
        let film = self::read(&mut file, container, bytes).map_err(|error| refused(&error))?;
        let at = Duration::from_millis(u64::from(film.duration_ms / 10).min(1_000));
        let frame = path.parent().and_then(|folder| ffmpeg::frame(&path, container, at, folder, alive));
        let looks = frame.map(|frame| photo::looks(&frame));
        let media_type = if container == Container::Mp4 { "video/mp4" } else { "video/webm" };
        return sealed(vault, file, film, bytes, media_type, looks);
    }
    let film = read.map_err(|error| refused(&error))?;
    let media_type = match wanted.container {
        Container::Mp4 if wanted.quicktime => "video/quicktime",
        Container::Mp4 => "video/mp4",
        Container::WebM => "video/webm",
    };
    sealed(vault, file, film, wanted.bytes, media_type, None)
}

fn read(file: &mut (impl Read + Seek), container: Container, bytes: u64) -> Result<Film, NoFilm> {
    match container {
        Container::Mp4 => mp4(file, bytes),
        Container::WebM => webm(file, bytes),
    }
}

/// A film that was made here; it goes with its folder.
struct Made {
    folder: TempDir,
    path: std::path::PathBuf,
    container: Container,
}

/// `None`: `ffmpeg` cannot do it.
fn made(path: &Path, wanted: &Wanted<'_>, film: Option<&Film>, alive: Alive<'_>) -> Option<Made> {
    let path = path.canonicalize().ok()?;
    let folder = tempfile::Builder::new().prefix("waxwing-").tempdir().ok()?;
    let small = film.is_some_and(|film| is_small(film, wanted));
    let to = folder.path().join("small.mp4");
    if !wanted.hd && !small && ffmpeg::transcode(&path, wanted.container, &to, alive) {
        return Some(Made { folder, path: to, container: Container::Mp4 });
    }
    let to = folder.path().join("same");
    ffmpeg::copy(&path, wanted.container, &to, alive).then_some(Made {
        folder,
        path: to,
        container: wanted.container,
    })
}

/// Whether every telephone plays it as it is.
fn is_small(film: &Film, wanted: &Wanted<'_>) -> bool {
    let bits = wanted.bytes.saturating_mul(8_000).checked_div(u64::from(film.duration_ms));
    wanted.container == Container::Mp4
        && film.codec == "avc1"
        && film.width.max(film.height) <= VIDEO_SIDE_PIXELS
        && bits.is_some_and(|bits| bits <= MAX_KEPT_VIDEO_BITS_PER_SECOND)
}

fn sealed(
    vault: &Vault,
    file: impl Read + Seek,
    mut film: Film,
    bytes: u64,
    media_type: &'static str,
    looks: Option<Looks>,
) -> Result<Video, Failure> {
    let mut written = Written::new(file, std::mem::take(&mut film.over)).map_err(disk)?;
    let local = vault.seal(&mut written, bytes)?;
    Ok(Video { local, bytes, media_type, film, looks })
}

/// It is none.
pub fn malformed() -> Failure {
    refused(&NoFilm::Malformed)
}

fn refused(why: &NoFilm) -> Failure {
    let (code, detail) = match why {
        NoFilm::Malformed => ("malformedVideo", "it cannot be read as a video; send it as a document"),
        NoFilm::Unreadable => ("cannotRead", "the video cannot be read"),
        NoFilm::Track => (
            "placesInside",
            "the video holds a track of its own that may say where it was filmed, which only ffmpeg can take out: \
             install it, or send the file as it is with --document",
        ),
    };
    Failure::user(code, detail)
}
