//! Whatever is read of files that strangers made: with bytes that come from files as they should be by a few changes,
//! and with bytes that only begin like one. Bounded time and memory, and never a panic.

use std::io::Cursor;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tempfile::TempDir;
use waxwing_wire::limits::MAX_THUMBNAIL_BYTES;

use super::vault::Vault;
use super::{How, Origin, animation, film, pdf, photo, prepare};
use crate::preview;
use crate::sound::{Source, hear};

/// Far more than any of them takes on a slow machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whole files, and what containers begin with.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let pixel = |x: u32, y: u32| Rgb([u8::try_from(x * 9).unwrap(), u8::try_from(y * 14).unwrap(), 90]);
        let picture = DynamicImage::from(RgbImage::from_fn(24, 16, pixel));
        let mut seeds = Vec::new();
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let mut file = Cursor::new(Vec::new());
            picture.write_to(&mut file, format).unwrap();
            seeds.push(file.into_inner());
        }
        let exif = b"\xff\xd8\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let jpeg = seeds.first().unwrap().get(2..).unwrap().to_vec();
        seeds.push([exif.to_vec(), jpeg].concat());
        let heads: [&[u8]; 14] = [
            b"%PDF-1.7\n1 0 obj\n<< /Type /Pages /Kids [2 0 R] /Count 12 >>\nendobj\ntrailer",
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data\x08\0\0\0\0\0\x01\0\x02\0\x03\0",
            b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff",
            b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0",
            b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0",
            b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\x64",
            b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x10moov\0\0\0\x08mvhd",
            b"\0\0\0\x14ftypM4A \0\0\0\0M4A ",
            b"\0\0\0\x10ftypheic\0\0\0\0\0\0\0\x42meta\0\0\0\0\0\0\0\x22iinf\0\0\0\0\0\x01\0\0\0\x14infe\x02\0\0\0\0\x01\0\0Exif\0\0\0\x14iloc\0\0\0\0\x44\0\0\x01",
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04",
            b"PK\x03\x04\x14\0\0\0\x08\0",
            b"GIF89a\xff\xff\xff\xff\xf7\0\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\0\0\0",
            b"\xff\xd8\xff\xc2\0\x11\x08\xff\xff\xff\xff\x03\x01\x44\0\x02\x11\x01\x03\x11\x01",
        ];
        seeds.extend(heads.map(<[u8]>::to_vec));
        seeds
    })
}

/// One change to a file.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    /// Numbers that lengths and sizes overflow at.
    Number(Index, u32, bool),
    Insert(Index, Vec<u8>),
    Cut(Index, usize),
    End(Index),
    /// A part of another file.
    Graft(Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let number = select(vec![0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, u32::MAX]);
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), number, any::<bool>()).prop_map(|(at, n, big)| Change::Number(at, n, big)),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, b)| Change::Insert(at, b)),
        1 => (any::<Index>(), 1..60_usize).prop_map(|(at, bytes)| Change::Cut(at, bytes)),
        1 => any::<Index>().prop_map(Change::End),
        1 => (any::<Index>(), any::<Index>(), any::<Index>()).prop_map(|(at, of, from)| Change::Graft(at, of, from)),
    ]
}

fn apply(file: &mut Vec<u8>, change: Change) {
    let place = |at: Index, file: &Vec<u8>| at.index(file.len() + 1);
    match change {
        Change::Set(at, byte) => {
            let at = place(at, file);
            file.get_mut(at).into_iter().for_each(|was| *was = byte);
        }
        Change::Number(at, number, big) => {
            let bytes = if big { number.to_be_bytes() } else { number.to_le_bytes() };
            let at = place(at, file);
            file.iter_mut().skip(at).zip(bytes).for_each(|(was, byte)| *was = byte);
        }
        Change::Insert(at, bytes) => {
            let at = place(at, file);
            file.splice(at..at, bytes);
        }
        Change::Cut(at, bytes) => {
            let at = place(at, file);
            file.drain(at..(at + bytes).min(file.len()));
        }
        Change::End(at) => file.truncate(place(at, file)),
        Change::Graft(at, of, from) => {
            let other = of.get(seeds());
            let part = other.get(from.index(other.len())..).unwrap_or_default().to_vec();
            let at = place(at, file);
            file.splice(at..at, part);
        }
    }
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let changed = (select(seeds()), prop::collection::vec(change(), 0..6)).prop_map(|(mut file, changes)| {
        changes.into_iter().for_each(|change| apply(&mut file, change));
        file
    });
    prop_oneof![9 => changed, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// What a picture becomes, if it is one.
fn pictures(file: &[u8]) {
    if let Some(made) = photo::photo(file, false) {
        assert!(made.looks.thumbnail.len() <= MAX_THUMBNAIL_BYTES);
        assert!(made.looks.width.max(made.looks.height) <= crate::limits::PHOTO_SIDE_PIXELS);
        assert!(photo::decode(&made.file).is_some(), "what is sent can be shown");
    }
    let _small = preview::small(file);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn fuzz_pictures(file in file()) {
        let begun = Instant::now();
        pictures(&file);
        prop_assert!(begun.elapsed() < PATIENCE);
    }

    #[test]
    fn fuzz_animations(file in file()) {
        let begun = Instant::now();
        if let Some(clean) = animation::clean(&file) {
            prop_assert!(animation::clean(&clean.file).is_some(), "what was cleaned is clean");
        }
        let _sticker = animation::sticker(&file);
        prop_assert!(begun.elapsed() < PATIENCE);
    }

    #[test]
    fn fuzz_films(file in file(), longer in 0..u64::MAX) {
        for bytes in [file.len() as u64, longer] {
            let _either = film::mp4(&mut Cursor::new(&file), bytes);
            let _either = film::webm(&mut Cursor::new(&file), bytes);
            let _either = film::heif(&mut Cursor::new(&file), bytes);
            let _either = film::ogg(&file);
        }
    }

    #[test]
    fn fuzz_sounds(file in file()) {
        let begun = Instant::now();
        let mut heard = 0;
        let told = hear(Source::bytes(&file), Duration::from_secs(60), &mut |samples| {
            heard += samples.len();
            Ok(())
        });
        if told.is_ok() {
            prop_assert!(heard <= 61 * 48_000, "no more than was asked for");
        }
        prop_assert!(begun.elapsed() < PATIENCE);
    }

    #[test]
    fn fuzz_documents(file in file(), at in any::<Index>()) {
        let mut document = b"%PDF-1.7 << /Type /Pages /Count 4294967295999 ".to_vec();
        let at = at.index(document.len());
        document.splice(at..at, file.iter().copied());
        let _either = (pdf::pages(&document), pdf::pages(&file));
    }
}

/// The whole way, by whatever name it is sent.
#[test]
fn fuzz_making_ready() {
    let folder = TempDir::new().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let path = folder.path().join("file");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        // Each goes to the disk.
        cases: cases().cases / 10,
        ..cases()
    });
    let kinds = [
        None,
        Some(waxwing_wire::attachment::AttachmentKind::Photo),
        Some(waxwing_wire::attachment::AttachmentKind::Sticker),
        Some(waxwing_wire::attachment::AttachmentKind::Document),
    ];
    let ran = runner.run(&(file(), select(kinds.to_vec())), |(file, kind)| {
        std::fs::write(&path, &file).unwrap();
        let begun = Instant::now();
        if let Ok((local, attachment)) =
            prepare::prepare(&vault, How { from: Origin::Path(path.clone()), kind, hd: false }, &mut || true)
        {
            prop_assert_eq!(local.bytes, attachment.bytes);
            prop_assert!(vault.has(&local.digest));
            let content = vault.read(&attachment).map_err(|failure| TestCaseError::fail(failure.detail))?;
            prop_assert_eq!(content.len() as u64, attachment.bytes);
            vault.remove(&local.digest);
        }
        prop_assert!(begun.elapsed() < PATIENCE);
        Ok(())
    });
    ran.unwrap();
}
