//! HEIF: HEIC and AVIF (ISO/IEC 23008-12). A picture here is an item, and so is what the camera noted; where the bytes of
//! each are stands apart. Nothing is decoded.

use std::io::{Read, Seek};
use std::ops::Range;

use super::mp4::{Place, children, clean, head_of, says_more};
use super::{Film, NoFilm, Over, part};
use crate::limits::{MAX_FILM_HEAD_BYTES, MAX_FILM_PARTS};

/// Boxes in boxes of a film that stands beside the picture.
const DEPTH: u32 = 8;

/// What is to be written over a picture of so many bytes, so that it does not say where and when it was taken.
pub fn heif(file: &mut (impl Read + Seek), bytes: u64) -> Result<Vec<Over>, NoFilm> {
    let mut over = Vec::new();
    let mut items = None;
    let (mut at, mut budget) = (0, MAX_FILM_PARTS);
    // What is too short for a box is none.
    while bytes.saturating_sub(at) >= 8 {
        budget = budget.checked_sub(1).ok_or(NoFilm::Malformed)?;
        let left = bytes - at;
        let head = part(file, at, usize::try_from(left.min(16)).unwrap_or(16))?;
        let (kind, head_bytes, size) =
            head_of(&head, left).filter(|(.., size)| *size <= left).ok_or(NoFilm::Malformed)?;
        let all = || usize::try_from(size).ok().filter(|size| *size <= MAX_FILM_HEAD_BYTES);
        match &kind {
            b"meta" if items.is_none() => {
                let all = part(file, at, all().ok_or(NoFilm::Malformed)?)?;
                items = Some((at, head_bytes, all));
            }
            // A picture that moves as well.
            b"moov" => {
                let mut all = part(file, at, all().ok_or(NoFilm::Malformed)?)?;
                let film = &mut Film::default();
                clean(all.get_mut(head_bytes..).unwrap_or_default(), DEPTH, film, &mut budget)?;
                over.push(Over::bytes(at, all));
            }
            kind if says_more(kind) => {
                over.push(Over::bytes(at + 4, *b"free"));
                over.push(Over::zeroes(at + head_bytes as u64, at + size));
            }
            _ => {}
        }
        at = at.saturating_add(size);
    }
    let (at, head_bytes, mut meta) = items.ok_or(NoFilm::Malformed)?;
    let here = at..at + meta.len() as u64;
    let mut gone = notes(&mut meta, head_bytes, &here, bytes, &mut budget)?;
    over.push(Over::bytes(here.start, meta));
    // None may lie in another.
    gone.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in gone {
        let start = range.start.max(end);
        end = end.max(range.end);
        if start < range.end {
            over.push(Over::zeroes(start, range.end));
        }
    }
    Ok(over)
}

/// Takes out of a picture's head what is no picture, and says where the rest of it is. `here`: where the head is.
fn notes(
    meta: &mut [u8],
    head_bytes: usize,
    here: &Range<u64>,
    bytes: u64,
    budget: &mut u32,
) -> Result<Vec<Range<u64>>, NoFilm> {
    // Behind the head: version and flags.
    let inside = head_bytes + 4;
    let found = children(meta.get(inside..).unwrap_or_default(), budget)?;
    let body = |wanted: &[u8; 4]| {
        let found = found.iter().find(|(kind, ..)| kind == wanted);
        found.map(|(_, _, body)| body.start + inside..body.end + inside)
    };
    let listed = body(b"iinf").and_then(|body| meta.get(body)).ok_or(NoFilm::Malformed)?;
    let noted = noted(listed, budget)?;
    let places = body(b"iloc").and_then(|body| meta.get(body)).ok_or(NoFilm::Malformed)?;
    let idat = body(b"idat").unwrap_or(0..0);
    let (mut gone, mut within) = (Vec::new(), Vec::new());
    for (item, from, range) in extents(places, budget)? {
        if !noted.contains(&item) {
            continue;
        }
        let length = range.end.checked_sub(range.start).filter(|length| *length > 0);
        let length = length.ok_or(NoFilm::Malformed)?;
        let start = match from {
            Whence::Item => return Err(NoFilm::Malformed),
            Whence::File => range.start,
            Whence::Head => range.start.saturating_add(here.start + idat.start as u64),
        };
        let end = start.checked_add(length).filter(|end| *end <= bytes).ok_or(NoFilm::Malformed)?;
        if start >= here.start && end <= here.end {
            within.push(start - here.start..end - here.start);
        } else if end <= here.start || start >= here.end {
            gone.push(start..end);
        } else {
            return Err(NoFilm::Malformed);
        }
    }
    properties(meta, body(b"iprp"), budget)?;
    for range in within {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        meta.get_mut(place(range.start)..place(range.end)).ok_or(NoFilm::Malformed)?.fill(0);
    }
    Ok(gone)
}

/// Items that are no picture nor part of one: Exif, XMP, addresses.
fn noted(listed: &[u8], budget: &mut u32) -> Result<Vec<u32>, NoFilm> {
    let wide = *listed.first().ok_or(NoFilm::Malformed)? > 0;
    let listed = listed.get(if wide { 8 } else { 6 }..).unwrap_or_default();
    let mut noted = Vec::new();
    for (kind, _, body) in children(listed, budget)? {
        let mut entry = Numbers(listed.get(body).unwrap_or_default());
        let version = entry.next(1)?;
        entry.next(3)?;
        let item = entry.next(if version > 2 { 4 } else { 2 })?;
        entry.next(2)?;
        // Before version 2 every item has a media type instead: nothing that a camera makes.
        let what = if version > 1 { entry.next(4)?.to_be_bytes() } else { *b"\0\0\0\0mime" };
        if kind == *b"infe" && matches!(what.get(4..), Some(b"Exif" | b"mime" | b"uri ")) {
            noted.push(u32::try_from(item).unwrap_or(u32::MAX));
        }
    }
    Ok(noted)
}

/// From where an item's place is counted.
#[derive(Clone, Copy)]
enum Whence {
    File,
    /// From the data in the head.
    Head,
    /// From the beginning of another item: nothing that a camera makes of its notes.
    Item,
}

/// Where the parts of each item are.
fn extents(places: &[u8], budget: &mut u32) -> Result<Vec<(u32, Whence, Range<u64>)>, NoFilm> {
    let mut found = Vec::new();
    let mut numbers = Numbers(places);
    let version = numbers.next(1)?;
    numbers.next(3)?;
    let sizes = numbers.next(2)?;
    let size = |shift: u32| usize::try_from(sizes >> shift & 0xf).unwrap_or(0);
    let (offset, length, base, index) = (size(12), size(8), size(4), if version > 0 { size(0) } else { 0 });
    let wide = if version > 1 { 4 } else { 2 };
    for _ in 0..numbers.next(wide)? {
        *budget = budget.checked_sub(1).ok_or(NoFilm::Malformed)?;
        let item = u32::try_from(numbers.next(wide)?).unwrap_or(u32::MAX);
        let how = if version > 0 { numbers.next(2)? & 0xf } else { 0 };
        numbers.next(2)?;
        let base = numbers.next(base)?;
        for _ in 0..numbers.next(2)? {
            *budget = budget.checked_sub(1).ok_or(NoFilm::Malformed)?;
            numbers.next(index)?;
            let start = numbers.next(offset)?.checked_add(base).ok_or(NoFilm::Malformed)?;
            let end = start.checked_add(numbers.next(length)?).ok_or(NoFilm::Malformed)?;
            let from = match how {
                0 => Whence::File,
                1 => Whence::Head,
                _ => Whence::Item,
            };
            found.push((item, from, start..end));
        }
    }
    Ok(found)
}

/// What somebody wrote about the picture, and when it was made: each keeps its place among the properties.
fn properties(meta: &mut [u8], body: Option<Range<usize>>, budget: &mut u32) -> Result<(), NoFilm> {
    let Some(body) = body else { return Ok(()) };
    let inner = |meta: &[u8], body: &Range<usize>, budget: &mut u32| -> Result<Vec<Place>, NoFilm> {
        let shift = |range: Range<usize>| range.start + body.start..range.end + body.start;
        let found = children(meta.get(body.clone()).unwrap_or_default(), budget)?;
        Ok(found.into_iter().map(|(kind, whole, body)| (kind, shift(whole), shift(body))).collect())
    };
    for (kind, _, all) in inner(meta, &body, budget)? {
        if kind != *b"ipco" {
            continue;
        }
        for (kind, whole, body) in inner(meta, &all, budget)? {
            if matches!(&kind, b"udes" | b"altt" | b"crtt" | b"mdft" | b"uuid") {
                meta.get_mut(whole.start + 4..whole.start + 8).unwrap_or_default().copy_from_slice(b"free");
                meta.get_mut(body).unwrap_or_default().fill(0);
            }
        }
    }
    Ok(())
}

/// Numbers of some bytes each, one behind the other.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    /// Of at most 8 bytes; of none it is 0.
    fn next(&mut self, bytes: usize) -> Result<u64, NoFilm> {
        let (number, rest) = self.0.split_at_checked(bytes).ok_or(NoFilm::Malformed)?;
        self.0 = rest;
        if bytes > 8 {
            return Err(NoFilm::Malformed);
        }
        Ok(number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}
