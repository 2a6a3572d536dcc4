//! A page's picture, made small. Nothing of the file it came in is kept but its pixels.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits, Rgb, RgbImage};
use waxwing_wire::limits::MAX_PREVIEW_IMAGE_BYTES;

use crate::limits::{MAX_PICTURE_MEMORY_BYTES, MAX_PICTURE_SIDE_PIXELS, PREVIEW_SIDES_PIXELS};

/// Qualities that are tried, best first.
const QUALITIES: [u8; 4] = [80, 65, 50, 35];

/// A JPEG file of at most [`MAX_PREVIEW_IMAGE_BYTES`]; `None`: that is no picture, or it is too large.
pub fn small(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PICTURE_SIDE_PIXELS);
    limits.max_image_height = Some(MAX_PICTURE_SIDE_PIXELS);
    limits.max_alloc = Some(MAX_PICTURE_MEMORY_BYTES);
    reader.limits(limits);
    shrunk(&reader.decode().ok()?, MAX_PREVIEW_IMAGE_BYTES)
}

/// A JPEG file of at most so many bytes.
pub fn shrunk(picture: &DynamicImage, most_bytes: usize) -> Option<Vec<u8>> {
    PREVIEW_SIDES_PIXELS.into_iter().find_map(|side| {
        let fits = picture.width().max(picture.height()) <= side;
        let small = if fits {
            on_white(picture)
        } else {
            on_white(&picture.resize(side, side, FilterType::Triangle))
        };
        QUALITIES.into_iter().find_map(|quality| {
            let mut file = Vec::new();
            JpegEncoder::new_with_quality(&mut file, quality).encode_image(&small).ok()?;
            (file.len() <= most_bytes).then_some(file)
        })
    })
}

/// JPEG knows nothing of transparency.
pub fn on_white(picture: &DynamicImage) -> RgbImage {
    let pixels = picture.to_rgba8();
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, opaque] = pixels.get_pixel(x, y).0;
        let blend = |colour: u8| {
            let (colour, opaque) = (u32::from(colour), u32::from(opaque));
            u8::try_from((colour * opaque + 255 * (255 - opaque)) / 255).unwrap_or(u8::MAX)
        };
        Rgb([blend(red), blend(green), blend(blue)])
    })
}
