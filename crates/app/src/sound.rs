//! Sound: whatever people record or send is heard as one channel of 48,000 samples a second, voice messages are made
//! of that, and played faster without being pitched higher.
//!
//! Files come from strangers. Everything here reads within the bounds that [`crate::limits`] names, in memory that does
//! not grow with what a file says of itself; that a decoder of others panics counts as a malformed file. What a fuzzer
//! is to call: [`hear`] (every container and codec, and resampling), [`voice`] (that, and what is passed on as it is)
//! [`play`] (that, and stretching) and [`length`].

mod decode;
mod loudness;
mod play;
mod resample;
mod stretch;
#[cfg(test)]
mod tests;
mod voice;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom};

use symphonia::core::io::{MediaSource, ReadOnlySource};

use crate::limits::MAX_SOUND_BYTES;
pub use decode::{hear, length};
pub use play::{PLAYED_RATE, Speed, play, wav_head};
pub use voice::{Voice, voice};

/// Samples of a second.
const RATE: u32 = 48_000;

/// Where sound is read from.
pub struct Source<'s>(Box<dyn MediaSource + 's>);

impl Source<'static> {
    /// A file, from its beginning.
    pub fn file(file: File) -> Result<Self, Unhearable> {
        if file.metadata().map_err(Unhearable::Io)?.len() > MAX_SOUND_BYTES {
            return Err(Unhearable::TooLarge);
        }
        Ok(Self(Box::new(file)))
    }
}

impl<'s> Source<'s> {
    /// What is in memory.
    #[must_use]
    pub fn bytes(bytes: &'s [u8]) -> Self {
        Self(Box::new(Cursor::new(bytes)))
    }

    /// What is being recorded, until it ends.
    pub fn stream(stream: impl Read + Send + Sync + 's) -> Self {
        Self(Box::new(ReadOnlySource::new(stream.take(MAX_SOUND_BYTES))))
    }

    /// Whether it is Opus in Ogg (RFC 7845, section 5.1), by its first page. It is at its beginning again then.
    fn is_opus(&mut self) -> Result<bool, Unhearable> {
        const PLACE: usize = 28;
        const NAME: &[u8] = b"OpusHead";
        let mut head = Vec::new();
        (&mut self.0).take((PLACE + NAME.len()) as u64).read_to_end(&mut head).map_err(Unhearable::Io)?;
        let is_opus = head.starts_with(b"OggS") && head.get(PLACE..).is_some_and(|name| name == NAME);
        if self.0.is_seekable() {
            self.0.seek(SeekFrom::Start(0)).map_err(Unhearable::Io)?;
        } else {
            let rest = std::mem::replace(&mut self.0, Box::new(Cursor::new(Vec::<u8>::new())));
            self.0 = Box::new(ReadOnlySource::new(Cursor::new(head).chain(rest)));
        }
        Ok(is_opus)
    }
}

/// Why a file cannot be heard.
#[derive(Debug, thiserror::Error)]
pub enum Unhearable {
    /// It is no sound that is known here, or damaged.
    #[error("it cannot be read as sound: WAV, FLAC, MP3, AAC, Vorbis and Opus can")]
    Malformed,
    /// There is nothing in it.
    #[error("there is no sound in it")]
    Empty,
    /// It plays longer than is wanted.
    #[error("it plays too long: a voice message has at most an hour")]
    TooLong,
    /// It has too many bytes.
    #[error("it is too large")]
    TooLarge,
    /// It cannot be read, or what is heard cannot be written.
    #[error("{0}")]
    Io(io::Error),
}

impl Unhearable {
    /// A name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformedSound",
            Self::Empty => "emptySound",
            Self::TooLong => "soundTooLong",
            Self::TooLarge => "soundTooLarge",
            Self::Io(_) => "cannotRead",
        }
    }
}

/// Decoders are others' code, and what they read is others' files: a panic in one is a malformed file.
fn contained<T>(work: impl FnOnce() -> Result<T, Unhearable>) -> Result<T, Unhearable> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(Err(Unhearable::Malformed))
}
