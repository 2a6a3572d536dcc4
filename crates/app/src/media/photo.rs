//! Photos, made small enough for a telephone. Of the file nothing is kept but its pixels: no place, no time, no name of
//! a camera.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};

use super::blurhash::{SIDE_PIXELS, blurhash};
use crate::limits::{MAX_PHOTO_MEMORY_BYTES, MAX_PHOTO_SIDE_PIXELS, PHOTO_HD_SIDE_PIXELS, PHOTO_SIDE_PIXELS};
use crate::preview;

const QUALITY: u8 = 80;
const HD_QUALITY: u8 = 88;

/// What becomes of a photo.
pub struct Photo {
    /// A JPEG file without metadata.
    pub file: Vec<u8>,
    /// See [`Looks`].
    pub looks: Looks,
}

/// How something looks that has no room here.
pub struct Looks {
    pub width: u32,
    pub height: u32,
    pub blurhash: String,
    /// A small JPEG file; empty: none.
    pub thumbnail: Vec<u8>,
}

/// Decodes within bounds, upright. `None`: that is no picture, or it is too large.
pub fn decode(file: &[u8]) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PHOTO_SIDE_PIXELS);
    limits.max_image_height = Some(MAX_PHOTO_SIDE_PIXELS);
    limits.max_alloc = Some(MAX_PHOTO_MEMORY_BYTES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height).ok()?;
    // Four bytes a pixel, and once more for what comes of it.
    if u64::from(width) * u64::from(height) * 8 > MAX_PHOTO_MEMORY_BYTES {
        return None;
    }
    let orientation = decoder.orientation().ok()?;
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    Some(picture)
}

/// `hd`: as large as it makes sense.
pub fn photo(file: &[u8], hd: bool) -> Option<Photo> {
    let mut picture = decode(file)?;
    let side = if hd { PHOTO_HD_SIDE_PIXELS } else { PHOTO_SIDE_PIXELS };
    if picture.width().max(picture.height()) > side {
        picture = picture.resize(side, side, FilterType::Triangle);
    }
    let mut file = Vec::new();
    let quality = if hd { HD_QUALITY } else { QUALITY };
    let pixels = preview::on_white(&picture);
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(&pixels).ok()?;
    Some(Photo { file, looks: looks(&picture) })
}

pub fn looks(picture: &DynamicImage) -> Looks {
    let small = picture.thumbnail_exact(SIDE_PIXELS, SIDE_PIXELS).to_rgb8();
    let small: Vec<[u8; 3]> = small.pixels().map(|pixel| pixel.0).collect();
    Looks {
        width: picture.width(),
        height: picture.height(),
        blurhash: blurhash(&small),
        thumbnail: preview::shrunk(picture, waxwing_wire::limits::MAX_THUMBNAIL_BYTES).unwrap_or_default(),
    }
}
