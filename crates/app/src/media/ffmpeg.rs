//! The system's `ffmpeg`, where there is one: films are made small enough for a telephone, and looked at.
//!
//! What it reads may come from a stranger. It is told which container that is, so that nothing which only looks like a
//! film makes it open other files; it opens files alone, no network; its time and what it writes are bounded.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use image::DynamicImage;
use waxwing_wire::limits::MAX_ATTACHMENT_BYTES;

use super::photo;
use crate::limits::{
    MAX_FILM_FRAME_BYTES, MAX_FILM_FRAME_PIXELS, MAX_FILM_RATE_FPS, MAX_FILM_TIME, VIDEO_SIDE_PIXELS,
};

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(100);

/// What tells others that something is still going on; `false`: it is to stop.
pub type Alive<'a> = &'a mut dyn FnMut() -> bool;

/// A container that it is told to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// And QuickTime.
    Mp4,
    /// And Matroska.
    WebM,
}

impl Container {
    const fn reads(self) -> &'static str {
        match self {
            Self::Mp4 => "mov",
            Self::WebM => "matroska",
        }
    }

    const fn writes(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::WebM => "webm",
        }
    }
}

/// Whether it is there.
pub fn is_here() -> bool {
    let mut command = Command::new("ffmpeg");
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The first moving picture and the first sound as H.264 and AAC in MP4, as a telephone plays them, and nothing else.
pub fn transcode(film: &Path, container: Container, to: &Path, alive: Alive<'_>) -> bool {
    let side = VIDEO_SIDE_PIXELS;
    let scale = format!(
        "scale=w='min({side},iw)':h='min({side},ih)':force_original_aspect_ratio=decrease\
         :force_divisible_by=2,setsar=1"
    );
    let rate = MAX_FILM_RATE_FPS.to_string();
    let mut arguments = reading(film, container);
    arguments.extend(words(&["-map", "0:v:0", "-map", "0:a:0?", "-vf", &scale, "-fpsmax", &rate]));
    arguments.extend(words(&["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-crf", "26"]));
    arguments.extend(words(&["-maxrate", "2M", "-bufsize", "4M", "-pix_fmt", "yuv420p"]));
    arguments.extend(words(&["-c:a", "aac", "-b:a", "96k", "-ac", "2"]));
    run(arguments, Container::Mp4, to, alive)
}

/// The same pictures and sounds as they are, and nothing else.
pub fn copy(film: &Path, container: Container, to: &Path, alive: Alive<'_>) -> bool {
    let mut arguments = reading(film, container);
    arguments.extend(words(&["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy"]));
    run(arguments, container, to, alive)
}

/// A picture of it, near its beginning.
pub fn frame(
    film: &Path,
    container: Container,
    at: Duration,
    folder: &Path,
    alive: Alive<'_>,
) -> Option<DynamicImage> {
    let to = folder.join("frame.png");
    let mut arguments = words(&["-ss", &format!("{:.3}", at.as_secs_f64())]);
    arguments.extend(reading(film, container));
    arguments.extend(words(&["-map", "0:v:0", "-frames:v", "1"]));
    arguments.extend(words(&[
        "-vf",
        "scale=w='min(640,iw)':h='min(640,ih)':force_original_aspect_ratio=decrease",
    ]));
    arguments.extend(words(&["-c:v", "png", "-f", "image2", "-update", "1"]));
    arguments.push(to.clone().into_os_string());
    let made = done(arguments, alive);
    let small = std::fs::metadata(&to).is_ok_and(|data| data.len() <= MAX_FILM_FRAME_BYTES);
    let picture = std::fs::read(&to).ok().filter(|_| made && small)?;
    photo::decode(&picture)
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// What is said of a film that is read, up to itself.
fn reading(film: &Path, container: Container) -> Vec<OsString> {
    let mut arguments = words(&["-protocol_whitelist", "file,pipe", "-f", container.reads()]);
    arguments.extend(words(&["-max_pixels", &MAX_FILM_FRAME_PIXELS.to_string(), "-i"]));
    // Whatever it is called, it is a file.
    let mut name = OsString::from("file:");
    name.push(film);
    arguments.push(name);
    arguments
}

fn run(mut arguments: Vec<OsString>, container: Container, to: &Path, alive: Alive<'_>) -> bool {
    arguments.extend(words(&["-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]));
    arguments.extend(words(&["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]));
    arguments.extend(words(&["-fs", &MAX_ATTACHMENT_BYTES.to_string()]));
    if container == Container::Mp4 {
        arguments.extend(words(&["-movflags", "+faststart"]));
    }
    arguments.extend(words(&["-f", container.writes()]));
    arguments.push(to.as_os_str().to_owned());
    done(arguments, alive) && File::open(to).and_then(|file| file.metadata()).is_ok_and(|data| data.len() > 0)
}

/// Whether it did what it was told, in its time.
fn done(arguments: Vec<OsString>, alive: Alive<'_>) -> bool {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]);
    command.args(["-timelimit", &MAX_FILM_TIME.as_secs().to_string()]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if begun.elapsed() < MAX_FILM_TIME && alive() => thread::sleep(LOOK),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// Says that it goes on, now and then, until it is to stop.
pub fn heartbeat<'a>(
    stop: &'a AtomicBool,
    pause: Duration,
    mut beat: impl FnMut() -> bool + 'a,
) -> impl FnMut() -> bool + 'a {
    let mut last = Instant::now();
    move || {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        if last.elapsed() < pause {
            return true;
        }
        last = Instant::now();
        beat()
    }
}
