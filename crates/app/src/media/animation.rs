//! Pictures that move, and those that stand for words. They stay as they are, but for what they say beside what they
//! show; how much they show is bounded before anybody unpacks it. What a fuzzer is to call: [`clean`] and [`sticker`].

use std::io::Cursor;

use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ExtendedColorType};

use super::photo::{Looks, decode, looks};
use crate::limits::{
    MAX_ANIMATION_FRAMES, MAX_ANIMATION_PIXELS, MAX_ANIMATION_SIDE_PIXELS, MAX_STICKER_BYTES,
    STICKER_SIDE_PIXELS,
};

/// A picture file that says no more than it shows.
#[derive(Debug)]
pub struct Clean {
    pub file: Vec<u8>,
    pub media_type: &'static str,
    /// Pictures that follow each other; 1: it stands still.
    pub frames: u32,
}

/// A sticker.
pub struct Sticker {
    pub file: Vec<u8>,
    pub media_type: &'static str,
    pub looks: Looks,
}

/// GIF, WebP and PNG, without comments, places, times and names. `None`: it is none of them, damaged, or too much.
pub fn clean(file: &[u8]) -> Option<Clean> {
    let mut budget = Budget::default();
    let (cleaned, media_type) = if file.starts_with(b"GIF8") {
        (gif(file, &mut budget)?, "image/gif")
    } else if file.starts_with(b"RIFF") {
        (webp(file, &mut budget)?, "image/webp")
    } else {
        (png(file, &mut budget)?, "image/png")
    };
    Some(Clean { file: cleaned, media_type, frames: budget.frames.max(1) })
}

/// At most 512 pixels each way. What is larger is made smaller, if it stands still.
pub fn sticker(file: &[u8]) -> Option<Sticker> {
    if let Some(clean) = clean(file).filter(|clean| clean.media_type != "image/gif") {
        let picture = decode(&clean.file)?;
        let fits = clean.file.len() as u64 <= MAX_STICKER_BYTES
            && picture.width().max(picture.height()) <= STICKER_SIDE_PIXELS;
        if fits {
            return Some(Sticker { looks: looks(&picture), file: clean.file, media_type: clean.media_type });
        }
        if clean.frames > 1 {
            return None;
        }
    }
    let mut picture = decode(file)?;
    if picture.width().max(picture.height()) > STICKER_SIDE_PIXELS {
        picture = picture.resize(STICKER_SIDE_PIXELS, STICKER_SIDE_PIXELS, FilterType::Triangle);
    }
    let pixels = DynamicImage::from(picture.to_rgba8());
    let mut made = Cursor::new(Vec::new());
    WebPEncoder::new_lossless(&mut made)
        .encode(pixels.as_bytes(), pixels.width(), pixels.height(), ExtendedColorType::Rgba8)
        .ok()?;
    Some(Sticker { file: made.into_inner(), media_type: "image/webp", looks: looks(&picture) })
}

/// How much a picture shows, all its frames together.
#[derive(Default)]
struct Budget {
    frames: u32,
    pixels: u64,
}

impl Budget {
    fn canvas(width: u32, height: u32) -> Option<(u32, u32)> {
        (width.max(height) <= MAX_ANIMATION_SIDE_PIXELS).then_some((width, height))
    }

    /// One more frame; on the whole canvas, since that is what it is shown on.
    fn frame(&mut self, (width, height): (u32, u32)) -> Option<()> {
        self.frames += 1;
        self.pixels += u64::from(width) * u64::from(height);
        (self.frames <= MAX_ANIMATION_FRAMES && self.pixels <= MAX_ANIMATION_PIXELS).then_some(())
    }
}

/// Reads forward.
struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.all.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn since(&self, from: usize) -> &'a [u8] {
        self.all.get(from..self.at).unwrap_or_default()
    }
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// GIF 89a: blocks, each with its sub-blocks.
fn gif(file: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    const LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];
    let mut from = Bytes { all: file, at: 0 };
    let head = from.take(13)?;
    let canvas = Budget::canvas(little(head.get(6..8)?), little(head.get(8..10)?))?;
    colours(&mut from, *head.get(10)?)?;
    let mut made = from.since(0).to_vec();
    loop {
        let begins = from.at;
        match from.byte()? {
            // An extension: how a frame is shown stays, and that it all begins again.
            0x21 => {
                let label = from.byte()?;
                let named = from.all.get(from.at + 1..from.at + 12).unwrap_or_default();
                let stays = label == 0xf9 || (label == 0xff && LOOPS.contains(&named));
                sub_blocks(&mut from)?;
                if stays {
                    made.extend(from.since(begins));
                }
            }
            0x2c => {
                let place = from.take(9)?;
                budget.frame(canvas)?;
                colours(&mut from, *place.get(8)?)?;
                from.byte()?;
                sub_blocks(&mut from)?;
                made.extend(from.since(begins));
            }
            0x3b => {
                made.push(0x3b);
                return (budget.frames > 0).then_some(made);
            }
            _ => return None,
        }
    }
}

fn colours(from: &mut Bytes<'_>, flags: u8) -> Option<()> {
    if flags & 0x80 != 0 {
        from.take(3 << (1 + (flags & 7)))?;
    }
    Some(())
}

fn sub_blocks(from: &mut Bytes<'_>) -> Option<()> {
    loop {
        let count = from.byte()?;
        if count == 0 {
            return Some(());
        }
        from.take(usize::from(count))?;
    }
}

/// WebP: chunks of a RIFF file (RFC 9649).
fn webp(file: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    let mut from = Bytes { all: file, at: 0 };
    let head = from.take(12)?;
    let end = usize::try_from(little(head.get(4..8)?)).ok()?.checked_add(8)?;
    if head.get(8..12)? != b"WEBP" || end > file.len() {
        return None;
    }
    let mut canvas = (0, 0);
    let mut made = head.to_vec();
    while from.at < end {
        let begins = from.at;
        let kind = from.take(4)?;
        let bytes = usize::try_from(little(from.take(4)?)).ok()?;
        let content = from.take(bytes)?;
        // To an even place.
        if bytes % 2 == 1 && from.at < file.len() {
            from.take(1)?;
        }
        match kind {
            b"VP8X" => {
                let side = |at: usize| Some(little(content.get(at..at + 3)?) + 1);
                canvas = Budget::canvas(side(4)?, side(7)?)?;
                made.extend(from.since(begins));
                // Neither EXIF nor XMP is in it any more.
                let flags = made.len() - (from.at - begins) + 8;
                *made.get_mut(flags)? &= !0x0c;
            }
            b"ANMF" => {
                budget.frame(canvas)?;
                made.extend(from.since(begins));
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ICCP" => made.extend(from.since(begins)),
            _ => {}
        }
    }
    let bytes = u32::try_from(made.len() - 8).ok()?;
    made.get_mut(4..8)?.copy_from_slice(&bytes.to_le_bytes());
    Some(made)
}

/// PNG: chunks (W3C Portable Network Graphics, third edition).
fn png(file: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    const STAYS: [&[u8]; 14] = [
        b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD",
        b"acTL", b"fcTL", b"fdAT",
    ];
    let mut from = Bytes { all: file, at: 0 };
    let mut made = from.take(8)?.to_vec();
    if made != b"\x89PNG\r\n\x1a\n" {
        return None;
    }
    let mut canvas = None;
    loop {
        let begins = from.at;
        let bytes = u32::from_be_bytes(from.take(4)?.try_into().ok()?);
        let kind = from.take(4)?;
        let content = from.take(usize::try_from(bytes).ok()?)?;
        from.take(4)?;
        let big = |at: usize| Some(u32::from_be_bytes(content.get(at..at + 4)?.try_into().ok()?));
        match kind {
            b"IHDR" => canvas = Some(Budget::canvas(big(0)?, big(4)?)?),
            b"fcTL" => budget.frame(canvas?)?,
            _ => {}
        }
        if STAYS.contains(&kind) {
            made.extend(from.since(begins));
        }
        if kind == b"IEND" {
            return Some(made);
        }
    }
}
