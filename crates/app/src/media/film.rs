//! What a film says of itself, and the same without where and when it was made: by reading its container, which is done
//! where no `ffmpeg` is there. Pictures in boxes as well. What a fuzzer is to call: [`mp4`], [`webm`] and [`heif`].

mod heif;
mod mp4;
mod opus;
mod webm;

use std::io::{self, Read, Seek, SeekFrom};

pub use heif::heif;
pub use mp4::mp4;
pub use opus::ogg;
pub use webm::webm;

/// A film.
#[derive(Debug, Default)]
pub struct Film {
    /// Pixels, as it is shown; 0: not known.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Milliseconds; 0: not known.
    pub duration_ms: u32,
    /// How its pictures are coded, as the container calls it; empty: not known.
    pub codec: String,
    /// What is to be written over it, so that it does not say more than it shows: in order, and as long as it was.
    pub over: Vec<Over>,
}

/// Other bytes at a place.
#[derive(Debug, PartialEq, Eq)]
pub struct Over {
    pub at: u64,
    pub with: With,
}

#[derive(Debug, PartialEq, Eq)]
pub enum With {
    Bytes(Vec<u8>),
    Zeroes(u64),
}

impl Over {
    fn bytes(at: u64, bytes: impl Into<Vec<u8>>) -> Self {
        Self { at, with: With::Bytes(bytes.into()) }
    }

    fn zeroes(from: u64, to: u64) -> Self {
        Self { at: from, with: With::Zeroes(to.saturating_sub(from)) }
    }

    fn end(&self) -> u64 {
        let length = match &self.with {
            With::Bytes(bytes) => bytes.len() as u64,
            With::Zeroes(count) => *count,
        };
        self.at.saturating_add(length)
    }
}

/// Why a file is no film.
#[derive(Debug, PartialEq, Eq)]
pub enum NoFilm {
    /// It is none, or damaged.
    Malformed,
    /// It cannot be read.
    Unreadable,
    /// It holds a track of places or the like, which cannot be taken out here.
    Track,
}

impl From<io::Error> for NoFilm {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Malformed } else { Self::Unreadable }
    }
}

/// A file with other bytes at some places.
pub struct Written<R> {
    file: R,
    at: u64,
    over: std::iter::Peekable<std::vec::IntoIter<Over>>,
}

impl<R: Read + Seek> Written<R> {
    pub fn new(mut file: R, mut over: Vec<Over>) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        over.sort_by_key(|over| over.at);
        Ok(Self { file, at: 0, over: over.into_iter().peekable() })
    }
}

impl<R: Read> Read for Written<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        let read = into.get_mut(..count).unwrap_or_default();
        let end = self.at + count as u64;
        while let Some(over) = self.over.peek() {
            if over.at >= end {
                break;
            }
            let place = |at: u64| usize::try_from(at.clamp(self.at, end) - self.at).unwrap_or(count);
            let part = read.get_mut(place(over.at)..place(over.end())).unwrap_or_default();
            match &over.with {
                With::Zeroes(_) => part.fill(0),
                With::Bytes(bytes) => {
                    let from = usize::try_from(self.at.saturating_sub(over.at)).unwrap_or(usize::MAX);
                    let bytes = bytes.get(from..).unwrap_or_default();
                    part.iter_mut().zip(bytes).for_each(|(old, new)| *old = *new);
                }
            }
            if over.end() > end {
                break;
            }
            self.over.next();
        }
        self.at = end;
        Ok(count)
    }
}

/// So many bytes from a place.
fn part(file: &mut (impl Read + Seek), at: u64, bytes: usize) -> Result<Vec<u8>, NoFilm> {
    file.seek(SeekFrom::Start(at))?;
    let mut part = Vec::new();
    file.take(bytes as u64).read_to_end(&mut part)?;
    if part.len() == bytes { Ok(part) } else { Err(NoFilm::Malformed) }
}
