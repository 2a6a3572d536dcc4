//! MP4 and QuickTime: boxes of boxes (ISO/IEC 14496-12).

use std::io::{Read, Seek};
use std::ops::Range;

use super::{Film, NoFilm, Over, part};
use crate::limits::{MAX_FILM_HEAD_BYTES, MAX_FILM_PARTS};

/// Boxes in boxes that are looked into.
const DEPTH: u32 = 8;

/// Reads one of so many bytes.
pub fn mp4(file: &mut (impl Read + Seek), bytes: u64) -> Result<Film, NoFilm> {
    let mut film = Film::default();
    let mut seen = false;
    let (mut at, mut parts) = (0, 0);
    while at < bytes {
        parts += 1;
        if parts > MAX_FILM_PARTS {
            return Err(NoFilm::Malformed);
        }
        let left = bytes - at;
        // What is too short for a box is none.
        if left < 8 {
            break;
        }
        let head = part(file, at, usize::try_from(left.min(16)).unwrap_or(16))?;
        let Some((kind, head_bytes, bytes_of)) = head_of(&head, left) else { return Err(NoFilm::Malformed) };
        match &kind {
            b"moov" => {
                let whole = usize::try_from(bytes_of).ok().filter(|size| *size <= MAX_FILM_HEAD_BYTES);
                let size = whole.filter(|_| bytes_of <= left && !seen).ok_or(NoFilm::Malformed)?;
                seen = true;
                let mut moov = part(file, at, size)?;
                let mut budget = MAX_FILM_PARTS;
                clean(moov.get_mut(head_bytes..).unwrap_or_default(), DEPTH, &mut film, &mut budget)?;
                film.over.push(Over::bytes(at, moov));
            }
            kind if says_more(kind) => {
                film.over.push(Over::bytes(at + 4, *b"free"));
                film.over.push(Over::zeroes(at + head_bytes as u64, at + bytes_of.min(left)));
            }
            _ => {}
        }
        at = at.saturating_add(bytes_of);
    }
    if seen { Ok(film) } else { Err(NoFilm::Malformed) }
}

/// Boxes in which players have nothing to look for.
pub(super) fn says_more(kind: &[u8; 4]) -> bool {
    matches!(kind, b"udta" | b"meta" | b"uuid" | b"free" | b"skip")
}

/// Kind, bytes of the head, and bytes in all.
pub(super) fn head_of(head: &[u8], left: u64) -> Option<([u8; 4], usize, u64)> {
    let kind: [u8; 4] = head.get(4..8)?.try_into().ok()?;
    let (head_bytes, size) = match number(head, 0)? {
        0 => (8, left),
        1 => (16, u64::from(number(head, 8)?) << 32 | u64::from(number(head, 12)?)),
        size => (8, u64::from(size)),
    };
    (size >= head_bytes as u64).then_some((kind, head_bytes, size))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
}

/// A box: its kind, where all of it is, and where its body is.
pub(super) type Place = ([u8; 4], Range<usize>, Range<usize>);

/// Where the boxes are that stand one behind the other. What is no box ends it.
pub(super) fn children(bytes: &[u8], budget: &mut u32) -> Result<Vec<Place>, NoFilm> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= 8) {
        *budget = budget.checked_sub(1).ok_or(NoFilm::Malformed)?;
        let Some((kind, head, size)) = head_of(rest, rest.len() as u64) else { break };
        let size = usize::try_from(size).ok().filter(|size| *size <= rest.len()).ok_or(NoFilm::Malformed)?;
        found.push((kind, at..at + size, at + head..at + size));
        at += size;
    }
    Ok(found)
}

/// Reads the boxes of a film's head, and takes out what nobody needs to see it.
pub(super) fn clean(bytes: &mut [u8], depth: u32, film: &mut Film, budget: &mut u32) -> Result<(), NoFilm> {
    let depth = depth.checked_sub(1).ok_or(NoFilm::Malformed)?;
    for (kind, whole, body) in children(bytes, budget)? {
        if says_more(&kind) {
            bytes.get_mut(whole.start + 4..whole.start + 8).unwrap_or_default().copy_from_slice(b"free");
            bytes.get_mut(body).unwrap_or_default().fill(0);
            continue;
        }
        let body = bytes.get_mut(body).unwrap_or_default();
        match &kind {
            b"trak" => track(body, depth, film, budget)?,
            b"mvhd" => {
                forget_times(body);
                film.duration_ms = duration_ms(body);
            }
            b"mdhd" => forget_times(body),
            b"mdia" | b"minf" => clean(body, depth, film, budget)?,
            _ => {}
        }
    }
    Ok(())
}

/// A track is seen, heard or read; any other may say where the camera was at each moment.
fn track(bytes: &mut [u8], depth: u32, film: &mut Film, budget: &mut u32) -> Result<(), NoFilm> {
    let found = children(bytes, budget)?;
    let body_of =
        |wanted: &[u8; 4]| found.iter().find(|(kind, ..)| kind == wanted).map(|(_, _, body)| body.clone());
    let media = body_of(b"mdia").and_then(|body| bytes.get(body)).unwrap_or_default();
    let handler = inside(media, &[b"hdlr"], budget)?.and_then(|body| body.get(8..12)).unwrap_or_default();
    match handler {
        b"vide" => {
            let coded = inside(media, &[b"minf", b"stbl", b"stsd"], budget)?;
            let coded = coded.and_then(|body| body.get(12..16)).unwrap_or_default();
            let coded: String =
                coded.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
            let head = body_of(b"tkhd").and_then(|body| bytes.get(body)).unwrap_or_default();
            let (width, height) = size(head);
            if width > film.width || film.width == 0 {
                (film.width, film.height, film.codec) = (width, height, coded);
            }
        }
        b"soun" | b"text" | b"sbtl" | b"subt" | b"clcp" | b"tmcd" => {}
        _ => return Err(NoFilm::Track),
    }
    if let Some(head) = body_of(b"tkhd").and_then(|body| bytes.get_mut(body)) {
        forget_times(head);
    }
    clean(bytes, depth, film, budget)
}

/// The body of a box that stands in others.
fn inside<'a>(mut bytes: &'a [u8], path: &[&[u8; 4]], budget: &mut u32) -> Result<Option<&'a [u8]>, NoFilm> {
    for wanted in path {
        let found = children(bytes, budget)?.into_iter().find(|(kind, ..)| kind == *wanted);
        let Some((_, _, body)) = found else { return Ok(None) };
        bytes = bytes.get(body).unwrap_or_default();
    }
    Ok(Some(bytes))
}

/// When it was made and changed: 4 or 8 bytes each, behind the version.
fn forget_times(body: &mut [u8]) {
    let bytes = if body.first() == Some(&1) { 16 } else { 8 };
    if let Some(times) = body.get_mut(4..4 + bytes) {
        times.fill(0);
    }
}

/// Of a film's head.
fn duration_ms(body: &[u8]) -> u32 {
    let long = body.first() == Some(&1);
    let unit = number(body, if long { 20 } else { 12 });
    let duration = if long {
        number(body, 24).zip(number(body, 28)).map(|(high, low)| u64::from(high) << 32 | u64::from(low))
    } else {
        number(body, 16).map(u64::from)
    };
    let (Some(unit), Some(duration)) = (unit.filter(|unit| *unit > 0), duration) else { return 0 };
    // All ones: not known.
    if duration >= u64::from(u32::MAX) {
        return 0;
    }
    u32::try_from(duration.saturating_mul(1_000) / u64::from(unit)).unwrap_or(0)
}

/// Width and height of a track as it is shown: its head ends with them, and with how it is turned before.
fn size(head: &[u8]) -> (u32, u32) {
    let Some(matrix) = head.len().checked_sub(44) else { return (0, 0) };
    let at = |place: usize| number(head, matrix + 4 * place).unwrap_or(0);
    let (width, height) = (at(9) >> 16, at(10) >> 16);
    // Upright, or upside down, if the first number of the matrix is not 0.
    if at(0) == 0 && at(1) != 0 { (height, width) } else { (width, height) }
}
