//! Stickers and pictures that move.

use super::super::animation::{clean, sticker};
use super::*;

fn contains(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}

/// A GIF file of so many frames, that says where it was made.
fn gif(side: u16, frames: usize) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend([side.to_le_bytes(), side.to_le_bytes()].concat());
    file.extend(b"\x80\0\0\0\0\0\xff\xff\xff");
    file.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    file.extend(b"\x21\xfe\x0848.2082N\0");
    file.extend(b"\x21\xff\x0bXMP DataXMP\x0816.3738E\0");
    for _ in 0..frames {
        file.extend(b"\x21\xf9\x04\0\x0a\0\0\0");
        // One pixel: clear, 1, end.
        file.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0");
    }
    file.push(0x3b);
    file
}

#[test]
fn a_gif_goes_on_moving_and_says_no_more_than_it_shows() {
    let file = gif(20, 5);
    let (attachment, made) = prepared("cat.gif", &file, None).unwrap();
    assert_eq!((attachment.kind, attachment.media_type.as_str()), (AttachmentKind::Gif, "image/gif"));
    assert_eq!((attachment.width, attachment.bytes), (20, made.len() as u64));
    assert!(contains(&file, b"48.2082N") && !contains(&made, b"48.2082N") && !contains(&made, b"16.3738E"));
    assert!(contains(&made, b"NETSCAPE2.0"), "it begins again");
    let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(&made)).unwrap();
    assert_eq!(image::AnimationDecoder::into_frames(decoder).collect_frames().unwrap().len(), 5);
}

#[test]
fn too_many_frames_or_pixels_are_refused_before_anybody_unpacks_them() {
    let begun = std::time::Instant::now();
    for bomb in [gif(10, 1_000_000), gif(4_000, 100), gif(20_000, 1), gif(10, 0)] {
        assert_eq!(prepared("bomb.gif", &bomb, None).err().as_deref(), Some("malformedPicture"));
    }
    assert_eq!(clean(&gif(100, 1_000)).map(|clean| clean.frames), Some(1_000));
    let cut = gif(10, 3);
    assert!((14..cut.len()).all(|end| clean(&cut[..end]).is_none()));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = [kind, &u32::try_from(content.len()).unwrap().to_le_bytes()[..], content].concat();
    if content.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

/// An animation whose frames are the picture.
fn webp(picture: &DynamicImage, frames: usize) -> Vec<u8> {
    let still = encoded(picture, ImageFormat::WebP);
    let coded = &still[12..];
    let side = |pixels: u32| (pixels - 1).to_le_bytes()[..3].to_vec();
    let size = [side(picture.width()), side(picture.height())].concat();
    let mut inside = chunk(b"VP8X", &[&[0x1e, 0, 0, 0][..], &size].concat());
    inside.extend(chunk(b"ANIM", &[0; 6]));
    for _ in 0..frames {
        inside.extend(chunk(b"ANMF", &[&[0; 6][..], &size, &[100, 0, 0, 0], coded].concat()));
    }
    inside.extend(chunk(b"EXIF", b"48.2082N"));
    inside.extend(chunk(b"XMP ", b"16.3738E!"));
    [b"RIFF", &u32::try_from(inside.len() + 4).unwrap().to_le_bytes()[..], b"WEBP", &inside].concat()
}

#[test]
fn webp_that_moves_goes_on_moving() {
    let file = webp(&picture(32, 24), 4);
    let (attachment, made) = prepared("wave.webp", &file, None).unwrap();
    assert_eq!((attachment.kind, attachment.media_type.as_str()), (AttachmentKind::Gif, "image/webp"));
    assert!(!contains(&made, b"48.2082N") && !contains(&made, b"16.3738E"));
    let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(&made)).unwrap();
    assert_eq!(image::AnimationDecoder::into_frames(decoder).collect_frames().unwrap().len(), 4);
    let (attachment, made) = prepared("wave.webp", &file, Some(AttachmentKind::Sticker)).unwrap();
    assert_eq!((attachment.kind, attachment.width), (AttachmentKind::Sticker, 32));
    assert_eq!(clean(&made).map(|clean| clean.frames), Some(4));
    // What stands still is a photo.
    let still = encoded(&picture(32, 24), ImageFormat::WebP);
    assert_eq!(prepared("still.webp", &still, None).unwrap().0.kind, AttachmentKind::Photo);
}

#[test]
fn a_sticker_is_small_and_keeps_what_can_be_seen_through_it() {
    let sees = |picture: &DynamicImage| picture.to_rgba8().pixels().any(|pixel| pixel.0[3] == 0);
    let mut clear = picture(1_000, 600).to_rgba8();
    clear.pixels_mut().take(100_000).for_each(|pixel| pixel.0[3] = 0);
    let large = encoded(&DynamicImage::ImageRgba8(clear), ImageFormat::Png);
    let (attachment, made) = prepared("fox.png", &large, Some(AttachmentKind::Sticker)).unwrap();
    assert_eq!((attachment.width, attachment.height), (512, 307));
    assert_eq!((attachment.media_type.as_str(), attachment.name.as_str()), ("image/webp", ""));
    assert!(sees(&image::load_from_memory(&made).unwrap()));
    // What is small enough stays as it is, but for its notes.
    let small = encoded(&picture(100, 80), ImageFormat::Png);
    let mut noted = small[..33].to_vec();
    noted.extend([&8_u32.to_be_bytes()[..], b"tEXt48.2082N", &[0; 4]].concat());
    noted.extend(&small[33..]);
    let kept = sticker(&noted).unwrap();
    assert!(kept.file == small && kept.media_type == "image/png");
    assert!(sticker(&webp(&picture(600, 20), 2)).is_none(), "it moves, and is too large");
    assert!(sticker(b"GIF89a nothing").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn tampered_animations_are_cleaned_or_refused(
        kind in 0..3_usize,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
    ) {
        let mut file = match kind {
            0 => gif(20, 3),
            1 => webp(&picture(16, 16), 2),
            _ => encoded(&picture(16, 16), ImageFormat::Png),
        };
        for (at, byte) in changes {
            let at = at % file.len();
            file[at] = byte;
        }
        if let Some(clean) = clean(&file) {
            prop_assert!(clean.file.len() <= file.len());
        }
        if let Some(sticker) = sticker(&file) {
            prop_assert!(sticker.looks.width.max(sticker.looks.height) <= 512);
        }
    }
}
