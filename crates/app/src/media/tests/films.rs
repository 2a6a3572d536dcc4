//! Films: read, made smaller, and without the place where they were made.

use std::path::Path;
use std::process::Command;

use super::super::film::{Film, NoFilm, With, Written, heif, mp4, webm};
use super::*;

/// Where it was filmed, as telephones write it.
const PLACE: &str = "+48.2082+016.3738/";

fn contains(file: &[u8], needle: &str) -> bool {
    file.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn cleaned(file: &[u8], film: Film) -> Vec<u8> {
    let mut clean = Vec::new();
    Written::new(Cursor::new(file), film.over).unwrap().read_to_end(&mut clean).unwrap();
    assert_eq!(clean.len(), file.len());
    clean
}

// ---------------------------------------------------------------- MP4

fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind, body].concat()
}

fn atoms(kind: &[u8; 4], inside: &[Vec<u8>]) -> Vec<u8> {
    atom(kind, &inside.concat())
}

const NOON: [u8; 4] = [0xe5, 0x4a, 0x11, 0x22];

fn track(handler: &[u8; 4], turned: bool) -> Vec<u8> {
    let mut head = vec![0, 0, 0, 3];
    head.extend([NOON, NOON].concat());
    head.extend([0; 28]);
    let one = [0, 1, 0, 0];
    let zero = [0; 4];
    let matrix = if turned {
        [zero, one, zero, one, zero, zero, zero, zero, one]
    } else {
        [one, zero, zero, zero, one, zero, zero, zero, one]
    };
    head.extend(matrix.concat());
    head.extend([(1_920_u32 << 16).to_be_bytes(), (1_080_u32 << 16).to_be_bytes()].concat());
    let mut says = vec![0; 8];
    says.extend(handler);
    says.extend([0; 13]);
    let coded = [&[0; 8][..], &[0, 0, 0, 0], b"avc1", &[0; 20]].concat();
    let table = atoms(b"stbl", &[atom(b"stsd", &coded)]);
    let times = [&[0; 4][..], &NOON, &NOON, &[0; 12]].concat();
    let media = atoms(b"mdia", &[atom(b"mdhd", &times), atom(b"hdlr", &says), atoms(b"minf", &[table])]);
    atoms(b"trak", &[atom(b"tkhd", &head), media, atom(b"udta", PLACE.as_bytes())])
}

fn film(tracks: &[Vec<u8>]) -> Vec<u8> {
    let mut head = vec![0; 4];
    head.extend([NOON, NOON].concat());
    head.extend([600_u32.to_be_bytes(), 1_500_u32.to_be_bytes()].concat());
    head.extend([0; 80]);
    let place = atom(b"\xa9xyz", &[&[0, 18, 0x15, 0xc7], PLACE.as_bytes()].concat());
    let mut inside = vec![atom(b"mvhd", &head)];
    inside.extend_from_slice(tracks);
    inside.push(atoms(b"udta", &[place]));
    inside.push(atom(b"meta", b"com.apple.quicktime.location.ISO6709 +48.2082+016.3738/"));
    [
        atom(b"ftyp", b"mp42\0\0\0\0mp42"),
        atom(b"free", PLACE.as_bytes()),
        atoms(b"moov", &inside),
        atom(b"mdat", b"pictures and sounds"),
        atom(b"uuid", &[&[7; 16], PLACE.as_bytes()].concat()),
    ]
    .concat()
}

#[test]
fn an_mp4_file_says_how_large_and_long_it_is_and_no_more_where() {
    for (turned, size) in [(false, (1_920, 1_080)), (true, (1_080, 1_920))] {
        let file = film(&[track(b"vide", turned), track(b"soun", false)]);
        let read = mp4(&mut Cursor::new(&file), file.len() as u64).unwrap();
        assert_eq!((read.width, read.height, read.duration_ms), (size.0, size.1, 2_500));
        assert_eq!(read.codec, "avc1");
        let clean = cleaned(&file, read);
        assert!(contains(&file, PLACE) && !contains(&clean, "48.2082"));
        assert!(!clean.windows(4).any(|window| window == NOON), "nor when");
        assert!(contains(&clean, "pictures and sounds"));
        // It is the same film.
        let again = mp4(&mut Cursor::new(&clean), clean.len() as u64).unwrap();
        assert_eq!((again.width, again.height, again.duration_ms), (size.0, size.1, 2_500));
    }
    let walked = film(&[track(b"vide", false), track(b"camm", false)]);
    let refused = mp4(&mut Cursor::new(&walked), walked.len() as u64);
    assert_eq!(refused.err(), Some(NoFilm::Track), "a place for each moment is more than a note");
}

#[test]
fn boxes_that_lie_are_refused() {
    let whole = film(&[track(b"vide", false)]);
    let code = |file: &[u8]| mp4(&mut Cursor::new(file), file.len() as u64).err();
    assert_eq!(code(b""), Some(NoFilm::Malformed));
    assert_eq!(code(b"\0\0\0\x18ftypmp42 and so on"), Some(NoFilm::Malformed), "no head");
    assert_eq!(code(b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"), Some(NoFilm::Malformed));
    assert_eq!(code(&atom(b"moov", &[0, 0, 0, 3, b't', b'r', b'a', b'k'])), None, "what is cut off is left");
    let twice = [whole.clone(), atoms(b"moov", &[])].concat();
    assert_eq!(code(&twice), Some(NoFilm::Malformed));
    let empty = [0, 0, 0, 8, b'm', b'd', b'a', b't'].repeat(crate::limits::MAX_FILM_PARTS as usize + 1);
    assert_eq!(code(&empty), Some(NoFilm::Malformed), "so many boxes are none");
    let mut deep = atom(b"mdia", b"");
    for _ in 0..20 {
        deep = atom(b"mdia", &deep);
    }
    assert_eq!(code(&atom(b"moov", &deep)), Some(NoFilm::Malformed));
}

// ---------------------------------------------------------------- WebM

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    [id, &(0x4000 | u16::try_from(content.len()).unwrap()).to_be_bytes(), content].concat()
}

const TAGS: &[u8] = &[0x12, 0x54, 0xc3, 0x67];

fn web_film(kind: u8, unknown_sizes: bool) -> Vec<u8> {
    let info = [
        element(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()),
        element(&[0x44, 0x89], &2_500.0_f64.to_be_bytes()),
        element(&[0x44, 0x61], &[0x42; 8]),
        element(&[0x57, 0x41], b"Some Camera 3000"),
    ]
    .concat();
    let size = [element(&[0xb0], &[5, 0]), element(&[0xba], &[2, 0xd0])].concat();
    let track = [element(&[0x83], &[kind]), element(&[0x86], b"V_VP8"), element(&[0xe0], &size)].concat();
    let block = element(&[0xa3], b"pictures and sounds");
    let cluster = if unknown_sizes {
        [&[0x1f, 0x43, 0xb6, 0x75, 0xff][..], &block].concat()
    } else {
        element(&[0x1f, 0x43, 0xb6, 0x75], &block)
    };
    let inside = [
        element(&[0x15, 0x49, 0xa9, 0x66], &info),
        element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &track)),
        cluster,
        element(TAGS, PLACE.as_bytes()),
    ]
    .concat();
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    let segment: &[u8] = &[0x18, 0x53, 0x80, 0x67];
    let size = (1_u64 << 56 | if unknown_sizes { (1 << 56) - 1 } else { inside.len() as u64 }).to_be_bytes();
    [&head, segment, &size, &inside].concat()
}

#[test]
fn a_webm_file_says_how_large_and_long_it_is_and_no_more_where() {
    for unknown_sizes in [false, true] {
        let file = web_film(1, unknown_sizes);
        let read = webm(&mut Cursor::new(&file), file.len() as u64).unwrap();
        assert_eq!((read.width, read.height, read.duration_ms), (1_280, 720, 2_500));
        let clean = cleaned(&file, read);
        assert!(contains(&file, PLACE) && !contains(&clean, "48.2082") && !contains(&clean, "Camera"));
        assert!(contains(&clean, "pictures and sounds"));
        let again = webm(&mut Cursor::new(&clean), clean.len() as u64).unwrap();
        assert_eq!((again.width, again.height, again.duration_ms), (1_280, 720, 2_500));
        assert!(again.over.iter().all(|over| !matches!(&over.with, With::Bytes(b) if b[0] != 0xec)));
    }
    let walked = web_film(0x21, false);
    assert_eq!(webm(&mut Cursor::new(&walked), walked.len() as u64).err(), Some(NoFilm::Track));
    for wrong in [&b""[..], b"\x1a\x45\xdf\xa3\x80", b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe"] {
        assert_eq!(webm(&mut Cursor::new(wrong), wrong.len() as u64).err(), Some(NoFilm::Malformed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    /// Containers that were tampered with are read or refused, and what is written over them stays within them.
    #[test]
    fn tampered_films_are_read_or_refused(
        kind in 0..3_usize,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        cut in any::<usize>(),
    ) {
        let mut file = match kind {
            0 => film(&[track(b"vide", false), track(b"soun", true)]),
            kind => web_film(1, kind == 1),
        };
        for (at, byte) in changes {
            let at = at % file.len();
            file[at] = byte;
        }
        file.truncate(cut % (file.len() + 1));
        let bytes = file.len() as u64;
        let read = if kind == 0 { mp4(&mut Cursor::new(&file), bytes) } else { webm(&mut Cursor::new(&file), bytes) };
        if let Ok(film) = read {
            cleaned(&file, film);
        }
    }

    /// However it is read, the same comes of it.
    #[test]
    fn pieces_do_not_matter(pieces in prop::collection::vec(1..40_usize, 1..200)) {
        let file = film(&[track(b"vide", false)]);
        let over = || mp4(&mut Cursor::new(&file), file.len() as u64).unwrap();
        let whole = cleaned(&file, over());
        let mut written = Written::new(Cursor::new(&file), over().over).unwrap();
        let mut all: Vec<u8> = Vec::new();
        for piece in pieces.iter().cycle() {
            let mut part = vec![0; *piece];
            let count = written.read(&mut part).unwrap();
            if count == 0 {
                break;
            }
            all.extend(&part[..count]);
        }
        prop_assert!(all == whole);
    }
}

// ---------------------------------------------------------------- ffmpeg

/// A film of so many pixels with a sound and a place. `None`: there is no `ffmpeg` to make it.
fn filmed(folder: &Path, name: &str, size: &str, codecs: &[&str]) -> Option<Vec<u8>> {
    let path = folder.join(name);
    let picture = format!("testsrc2=size={size}:rate=25:duration=3");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi"]);
    command.args(["-i", "sine=frequency=440:duration=3", "-metadata", &format!("location={PLACE}")]);
    // MP4 has a place in numbers (`loci`), and what somebody wrote of it.
    command.args(["-metadata", &format!("comment=filmed at {PLACE}")]);
    command.args(["-metadata", "creation_time=2026-11-22T10:00:00Z"]).args(codecs).arg(&path);
    let Ok(status) = command.status() else {
        eprintln!("NOT TESTED: ffmpeg is not installed (apt-get install ffmpeg)");
        return None;
    };
    assert!(status.success());
    Some(fs::read(path).unwrap())
}

const MOBILE: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];

#[test]
fn with_ffmpeg_a_film_is_made_small_and_says_not_where_it_was_made() {
    let folder = TempDir::new().unwrap();
    let Some(file) = filmed(folder.path(), "VID_1.mp4", "1920x1080", MOBILE) else { return };
    assert!(contains(&file, PLACE), "it is in there");
    let (attachment, made) = prepared("VID_1.mp4", &file, None).unwrap();
    assert_eq!((attachment.kind, attachment.media_type.as_str()), (AttachmentKind::Video, "video/mp4"));
    assert_eq!((attachment.width, attachment.height, attachment.name.as_str()), (1_280, 720, ""));
    assert!((2_900..3_200).contains(&attachment.duration_ms), "{}", attachment.duration_ms);
    assert!(contains(&file, "loci") && !contains(&made, "loci"));
    assert!(!contains(&made, "48.2082") && attachment.bytes == made.len() as u64);
    assert_eq!(attachment.blurhash.len(), 28);
    assert_eq!(image::load_from_memory(&attachment.thumbnail).unwrap().width(), 240);
    // As it is: the same pictures, without the place.
    let (vault_folder, vault) = vault();
    let path = folder.path().join("VID_1.mp4");
    let how = How { from: Origin::Path(path), kind: None, hd: true };
    let (_, same) = prepare::prepare(&vault, how, &mut || true).unwrap();
    assert_eq!((same.width, same.height), (1_920, 1_080));
    let target = vault_folder.path().join("saved");
    vault.save(&same, &target).unwrap();
    assert!(!contains(&fs::read(target).unwrap(), "48.2082"));
}

#[test]
fn what_ffmpeg_writes_is_read_without_it_too() {
    let folder = TempDir::new().unwrap();
    for (name, codecs) in [
        ("a.mp4", MOBILE),
        ("a.mov", MOBILE),
        ("a.webm", &["-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M", "-c:a", "libopus"][..]),
    ] {
        let Some(file) = filmed(folder.path(), name, "640x360", codecs) else { return };
        assert!(contains(&file, "48.2082"), "{name}");
        let bytes = file.len() as u64;
        let mut read = Cursor::new(&file);
        let film = if name == "a.webm" { webm(&mut read, bytes) } else { mp4(&mut read, bytes) }.unwrap();
        assert_eq!((film.width, film.height), (640, 360), "{name}");
        assert!((2_900..3_200).contains(&film.duration_ms), "{name}: {}", film.duration_ms);
        let clean = cleaned(&file, film);
        assert!(!contains(&clean, "48.2082") && !contains(&clean, "loci"), "{name}");
        // It can still be seen, to the last picture.
        let path = folder.path().join(format!("clean-{name}"));
        fs::write(&path, clean).unwrap();
        let seen =
            Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&path).args(["-f", "null", "-"]).output();
        let seen = seen.unwrap();
        assert!(
            seen.status.success() && seen.stderr.is_empty(),
            "{name}: {}",
            String::from_utf8_lossy(&seen.stderr)
        );
    }
}

/// A playlist that calls itself a film would make `ffmpeg` read other files, and send what is in them.
#[test]
fn what_only_looks_like_a_film_opens_nothing() {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret.txt");
    fs::write(&secret, "the secret").unwrap();
    let list = format!("#EXTM3U\n#EXTINF:1,\nconcat:{0}|file:{0}\n", secret.display());
    for kind in [None, Some(AttachmentKind::Video)] {
        match prepared("holiday.mp4", list.as_bytes(), kind) {
            Ok((attachment, same)) => {
                assert_eq!(attachment.kind, AttachmentKind::Document);
                assert!(same == list.as_bytes());
            }
            Err(code) => assert_eq!(code, "malformedVideo"),
        }
    }
    let begins = [&b"\0\0\0\x14ftypmp42\0\0\0\0mp42"[..], list.as_bytes()].concat();
    assert_eq!(prepared("holiday.mp4", &begins, None).err().as_deref(), Some("malformedVideo"));
}

#[test]
fn ffmpeg_stops_when_it_is_told_to() {
    let folder = TempDir::new().unwrap();
    if filmed(folder.path(), "long.mp4", "1920x1080", MOBILE).is_none() {
        return;
    }
    let (_vault_folder, vault) = vault();
    let how = How { from: Origin::Path(folder.path().join("long.mp4")), kind: None, hd: false };
    let mut asked = 0;
    let made = prepare::prepare(&vault, how, &mut || {
        asked += 1;
        false
    });
    // Then it goes as it is, read by ourselves.
    assert!(asked > 0 && made.is_ok_and(|(_, attachment)| attachment.width == 1_920));
}

// ---------------------------------------------------------------- HEIC and AVIF

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_be_bytes()
}

/// A picture with what a telephone notes: Exif behind the picture, XMP in the head, a description.
fn picture(brand: &[u8; 4]) -> Vec<u8> {
    let item = |id: usize, kind: &[u8; 4]| {
        atom(b"infe", &[&[2, 0, 0, 0][..], &short(id), &[0, 0], kind, b"\0"].concat())
    };
    let items = [item(1, b"hvc1"), item(2, b"Exif"), item(3, b"mime")].concat();
    let described = atom(b"udes", &[&[0; 4][..], b"en\0", PLACE.as_bytes()].concat());
    let looks = atoms(b"iprp", &[atoms(b"ipco", &[atom(b"ispe", &[0; 12]), described])]);
    let head = |shown: usize, noted: usize| {
        // Places of 4 bytes each, counted from the file's beginning or, of the third, in the head.
        let place = |id: usize, how: u8, start: usize, length: usize| {
            let long = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
            [&short(id)[..], &[0, how], &[0, 0], &short(1), &long(start), &long(length)].concat()
        };
        let at = [place(1, 0, shown, 10), place(2, 0, noted, PLACE.len()), place(3, 1, 3, PLACE.len())];
        let places = [&[1, 0, 0, 0, 0x44, 0x00][..], &short(3), &at.concat()].concat();
        let kept = [b"xyz", PLACE.as_bytes(), b"!"].concat();
        let listed = [&[0, 0, 0, 0][..], &short(3), &items].concat();
        let inside = [atom(b"iinf", &listed), atom(b"iloc", &places), looks.clone(), atom(b"idat", &kept)];
        atom(b"meta", &[&[0; 4][..], &inside.concat()].concat())
    };
    let begins = atom(b"ftyp", &[brand, &[0; 4][..], b"mif1"].concat());
    let shown = begins.len() + head(0, 0).len() + 8;
    let kept = atom(b"mdat", &[b"a picture.", PLACE.as_bytes(), b"and its end"].concat());
    [begins, head(shown, shown + 10), kept, atom(b"uuid", PLACE.as_bytes())].concat()
}

#[test]
fn heic_and_avif_go_as_documents_that_do_not_say_where_they_were_taken() {
    let (_folder, vault) = vault();
    for (brand, media_type, name) in
        [(b"heic", "image/heic", "picture.heic"), (b"avif", "image/avif", "picture.avif")]
    {
        let file = picture(brand);
        assert_eq!(String::from_utf8_lossy(&file).matches(PLACE).count(), 4);
        let send = |kind| {
            let from = Origin::Content { name: "IMG_20261123_043000.HEIC".into(), content: file.clone() };
            let how = How { from, kind, hd: false };
            let (_, attachment) =
                prepare::prepare(&vault, how, &mut || true).map_err(|why| why.code).unwrap();
            let plain = vault.read(&attachment).map_err(|why| why.code).unwrap();
            (attachment, plain)
        };
        let (attachment, clean) = send(None);
        assert_eq!((attachment.kind, attachment.media_type.as_str()), (AttachmentKind::Document, media_type));
        assert_eq!((attachment.name.as_str(), clean.len()), (name, file.len()));
        assert!(!contains(&clean, PLACE) && contains(&clean, "a picture."), "{brand:?}");
        assert!(contains(&clean, "and its end") && contains(&clean, "xyz"), "what is no note stays");
        // Whoever says that it is a document sends it as it is.
        let (attachment, whole) = send(Some(AttachmentKind::Document));
        assert!(whole == file && attachment.name == "IMG_20261123_043000.HEIC");
    }
}

#[test]
fn pictures_in_boxes_that_lie_are_refused() {
    let file = picture(b"heic");
    let code = |file: &[u8]| heif(&mut Cursor::new(file), file.len() as u64).err();
    assert_eq!(code(&file), None);
    for cut in 1..file.len() - 1 {
        // Whatever is left of it: refused, or without the notes.
        let part = &file[..cut];
        if let Ok(over) = heif(&mut Cursor::new(part), part.len() as u64) {
            let clean = cleaned(part, Film { over, ..Film::default() });
            let shown = cut > file.len() - 8 - PLACE.len();
            assert!(shown || !contains(&clean, PLACE), "{cut}");
        }
    }
    let place = |name: &[u8; 4]| file.windows(4).position(|window| window == name).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        file
    };
    assert_eq!(code(&changed(place(b"iinf"), b'x')), Some(NoFilm::Malformed), "nothing says what is a note");
    assert_eq!(code(&changed(place(b"iloc"), b'x')), Some(NoFilm::Malformed));
    // The second of the places: 16 bytes each, behind 12.
    let second = place(b"iloc") + 12 + 16;
    assert_eq!(code(&changed(second + 3, 2)), Some(NoFilm::Malformed), "in another item");
    assert_eq!(code(&changed(second + 8, 0xff)), Some(NoFilm::Malformed), "behind the end");
}
