//! WebM and Matroska: elements of elements (RFC 8794, RFC 9559).

use std::io::{Read, Seek};

use super::{Film, NoFilm, Over, part};
use crate::limits::{MAX_FILM_PARTS, MAX_FILM_TRACKS_BYTES};

const HEAD: u32 = 0x1a45_dfa3;
pub(super) const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
pub(super) const TRACKS: u32 = 0x1654_ae6b;
pub(super) const CLUSTER: u32 = 0x1f43_b675;
const TAGS: u32 = 0x1254_c367;
const ATTACHMENTS: u32 = 0x1941_a469;
const CHAPTERS: u32 = 0x1043_a770;
const VOID: u8 = 0xec;

const TIME_UNIT: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const TRACK: u32 = 0xae;
const TRACK_KIND: u32 = 0x83;
const CODEC: u32 = 0x86;
const VIDEO: u32 = 0xe0;
const WIDTH: u32 = 0xb0;
const HEIGHT: u32 = 0xba;
const SHOWN_WIDTH: u32 = 0x54b0;
const SHOWN_HEIGHT: u32 = 0x54ba;

/// An element: what it is, where its content begins, and how long that is; `None`: as long as what is in it.
pub(super) struct Element {
    pub id: u32,
    at: u64,
    pub content: u64,
    pub bytes: Option<u64>,
}

/// Reads one of so many bytes.
pub fn webm(file: &mut (impl Read + Seek), bytes: u64) -> Result<Film, NoFilm> {
    let mut film = Film::default();
    let mut known = false;
    let (mut at, mut parts) = (0, 0);
    while at < bytes {
        parts += 1;
        if parts > MAX_FILM_PARTS {
            return Err(NoFilm::Malformed);
        }
        let head = part(file, at, usize::try_from((bytes - at).min(12)).unwrap_or(12))?;
        let Some(element) = element(&head, at) else { return Err(NoFilm::Malformed) };
        if (at == 0) != (element.id == HEAD) {
            return Err(NoFilm::Malformed);
        }
        // What is in these stands in a row with what is beside them.
        if element.id == SEGMENT || (element.id == CLUSTER && element.bytes.is_none()) {
            at = element.content;
            continue;
        }
        let length = element.bytes.ok_or(NoFilm::Malformed)?;
        let end = element.content.saturating_add(length);
        match element.id {
            INFO | TRACKS => {
                let length = usize::try_from(length).ok().filter(|length| *length <= MAX_FILM_TRACKS_BYTES);
                let content = part(file, element.content, length.ok_or(NoFilm::Malformed)?)?;
                if element.id == INFO {
                    info(&content, element.content, &mut film);
                } else {
                    known |= tracks(&content, &mut film)?;
                }
            }
            TAGS | ATTACHMENTS | CHAPTERS => void(&mut film.over, element.at, end.min(bytes)),
            _ => {}
        }
        at = end;
    }
    if known { Ok(film) } else { Err(NoFilm::Malformed) }
}

/// A number whose first byte says how long it is; `marked`: with what says so.
pub(super) fn vint(bytes: &[u8], marked: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let bytes = bytes.get(..length).filter(|_| length <= 8)?;
    let value = bytes.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let mark = 1_u64 << (7 * length);
    Some((if marked { value } else { value ^ mark }, length))
}

pub(super) fn element(head: &[u8], at: u64) -> Option<Element> {
    let (id, id_bytes) = vint(head, true)?;
    let (size, size_bytes) = vint(head.get(id_bytes..)?, false)?;
    let unknown = size == (1_u64 << (7 * size_bytes)) - 1;
    Some(Element {
        id: u32::try_from(id).ok()?,
        at,
        content: at + (id_bytes + size_bytes) as u64,
        bytes: (!unknown).then_some(size),
    })
}

/// The elements of one that is in memory, with their contents.
pub(super) fn elements(bytes: &[u8]) -> impl Iterator<Item = (Element, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let element = element(bytes.get(at..)?, at as u64)?;
        let from = usize::try_from(element.content).ok()?;
        let to = from.checked_add(usize::try_from(element.bytes?).ok()?)?;
        let content = bytes.get(from..to)?;
        at = to;
        Some((element, content))
    })
}

fn number(content: &[u8]) -> u64 {
    content.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn float(content: &[u8]) -> f64 {
    match content {
        [a, b, c, d] => f64::from(f32::from_be_bytes([*a, *b, *c, *d])),
        _ => content.try_into().map_or(0.0, f64::from_be_bytes),
    }
}

/// How long it is; all else that it says, such as when it was made and by what, is taken out.
fn info(content: &[u8], begins: u64, film: &mut Film) {
    let (mut unit, mut duration) = (1_000_000, 0.0);
    for (element, content) in elements(content) {
        match element.id {
            TIME_UNIT => unit = number(content),
            DURATION => duration = float(content),
            // What writes and reads these has to be named; a checksum is of what was.
            0x4d80 | 0x5741 => film.over.push(Over::zeroes(
                begins + element.content,
                begins + element.content + content.len() as u64,
            )),
            _ => void(&mut film.over, begins + element.at, begins + element.content + content.len() as u64),
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a unit of time")]
    let ms = duration * unit as f64 / 1e6;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at before")]
    let whole = if ms.is_finite() && (0.0..4e9).contains(&ms) { ms.round() as u32 } else { 0 };
    film.duration_ms = whole;
}

/// Whether there are any.
fn tracks(content: &[u8], film: &mut Film) -> Result<bool, NoFilm> {
    let mut any = false;
    for (element, track) in elements(content) {
        if element.id != TRACK {
            continue;
        }
        any = true;
        let mut kind = 0;
        let (mut size, mut shown, mut coded) = ((0, 0), (0, 0), String::new());
        for (element, content) in elements(track) {
            match element.id {
                TRACK_KIND => kind = number(content),
                CODEC => coded = content.iter().map(|byte| char::from(*byte)).take(32).collect(),
                VIDEO => {
                    for (element, content) in elements(content) {
                        let value = u32::try_from(number(content)).unwrap_or(0);
                        match element.id {
                            WIDTH => size.0 = value,
                            HEIGHT => size.1 = value,
                            SHOWN_WIDTH => shown.0 = value,
                            SHOWN_HEIGHT => shown.1 = value,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        match kind {
            // Seen; heard; read.
            1 => {
                let size = if shown.0 > 0 && shown.1 > 0 { shown } else { size };
                if size.0 > film.width {
                    (film.width, film.height, film.codec) = (size.0, size.1, coded);
                }
            }
            2 | 0x11 => {}
            _ => return Err(NoFilm::Track),
        }
    }
    Ok(any)
}

/// Makes an element one that says nothing, as long as it was.
fn void(over: &mut Vec<Over>, from: u64, to: u64) {
    let bytes = to.saturating_sub(from);
    if bytes < 2 {
        return;
    }
    let head = match bytes {
        ..=9 => vec![VOID, 0x80 | u8::try_from(bytes - 2).unwrap_or(0)],
        _ => [&[VOID][..], &(1_u64 << 56 | (bytes - 9)).to_be_bytes()].concat(),
    };
    let begins = from + head.len() as u64;
    over.push(Over::bytes(from, head));
    over.push(Over::zeroes(begins, to));
}
