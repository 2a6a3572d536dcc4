mod films;
mod stills;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;
use tempfile::TempDir;
use waxwing_client::Upload;
use waxwing_client::attachment::Layout;
use waxwing_wire::attachment::AttachmentKind;
use waxwing_wire::file::{Download, Segments, UploadTicket, UploadToken};
use waxwing_wire::{FileId, RejectCode};

use super::http::block_on;
use super::*;

fn vault() -> (TempDir, Vault) {
    let folder = TempDir::new().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    (folder, vault)
}

/// Bytes that look like nothing, and are always the same.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..bytes).map(next).collect()
}

fn sealed(vault: &Vault, content: &[u8]) -> (LocalFile, Attachment) {
    let local = vault.seal(&mut Cursor::new(content), content.len() as u64).unwrap();
    let mut attachment =
        Attachment::new(AttachmentKind::Document, local.key, local.digest, content.len() as u64);
    attachment.file = Some(FileId([1; 16]));
    (local, attachment)
}

fn nobody() -> Reporter {
    Arc::new(|_| true)
}

// ---------------------------------------------------------------- the vault

#[test]
fn what_is_kept_is_ciphertext_and_comes_back_as_it_was() {
    let (folder, vault) = vault();
    for bytes in [0, 1, 65_535, 65_536, 65_537, 300_000] {
        let mut clear = content(bytes);
        let canary = b"a canary in a file";
        if bytes > 100 {
            clear[50..50 + canary.len()].copy_from_slice(canary);
        }
        let (local, attachment) = sealed(&vault, &clear);
        assert_eq!(local.content, *blake3::hash(&clear).as_bytes());
        let kept = fs::read(folder.path().join("media").join(hex::encode(local.digest))).unwrap();
        assert_eq!(kept.len() as u64, Layout::new(bytes as u64).unwrap().sealed_bytes());
        assert_eq!(*blake3::hash(&kept).as_bytes(), local.digest);
        assert!(!kept.windows(canary.len()).any(|window| window == canary));
        let target = folder.path().join(format!("out{bytes}"));
        vault.save(&attachment, &target).unwrap();
        assert!(fs::read(&target).unwrap() == clear);
        let again = vault.save(&attachment, &target).err().map(|failure| failure.code);
        assert_eq!(again.as_deref(), Some("cannotSave"), "nothing is overwritten");
    }
}

#[test]
fn a_damaged_file_is_not_saved_and_a_file_that_changes_is_not_sealed() {
    let (folder, vault) = vault();
    let (local, attachment) = sealed(&vault, &content(200_000));
    let path = folder.path().join("media").join(hex::encode(local.digest));
    let mut bytes = fs::read(&path).unwrap();
    bytes[100_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let target = folder.path().join("out");
    assert!(vault.save(&attachment, &target).is_err() && !target.exists());
    for wrong in [199_999, 200_001] {
        let changed = vault.seal(&mut Cursor::new(content(wrong)), 200_000);
        assert_eq!(changed.err().map(|failure| failure.code).as_deref(), Some("fileChanged"));
    }
    vault.remove(&local.digest);
    assert!(vault.older_than(Duration::ZERO).unwrap().is_empty(), "and nothing is left of it");
}

// ---------------------------------------------------------------- transfers

/// How the server breaks things.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Break {
    Nothing,
    /// Every connection goes after so many bytes of body.
    CutAfter(usize),
    /// The first time, a byte at this place of the file is another.
    FlipOnce(usize),
    /// Always.
    Flip(usize),
    /// With this status, always.
    Status(u16),
}

#[derive(Default)]
struct Kept {
    files: BTreeMap<String, Vec<u8>>,
    /// Bytes of bodies that went either way.
    moved: usize,
    requests: Vec<String>,
    flipped: bool,
}

/// A small HTTP server that speaks enough of tus and of ranges, and breaks what it is told to.
struct Server {
    base: String,
    kept: Arc<Mutex<Kept>>,
}

impl Server {
    fn start(total: usize, breaks: Break) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared, total, breaks));
            }
        });
        Self { base, kept }
    }

    fn file(&self) -> Vec<u8> {
        self.kept.lock().unwrap().files.get("/f").cloned().unwrap_or_default()
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Kept>, total: usize, breaks: Break) {
    let mut head = Vec::new();
    let mut byte = [0];
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            head.push(byte[0]);
        }
        let text = String::from_utf8(head.clone()).unwrap().to_lowercase();
        let header = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned())
        };
        let method = text.split(' ').next().unwrap().to_owned();
        kept.lock().unwrap().requests.push(method.clone());
        if let Break::Status(status) = breaks {
            let _ = write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let path = text.split(' ').nth(1).unwrap().to_owned();
        if method == "put" {
            assert_eq!(header("authorization"), None, "the address is the right");
            assert_eq!(header("x-ms-blob-type").as_deref(), Some("blockblob"));
        } else if method != "get" {
            assert_eq!(header("authorization").unwrap(), format!("bearer {}", "07".repeat(32)));
            assert_eq!(header("tus-resumable").as_deref(), Some("1.0.0"));
        }
        match method.as_str() {
            "head" => {
                let offset = kept.lock().unwrap().files.entry("/f".into()).or_default().len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nUpload-Offset: {offset}\r\nUpload-Length: {total}\r\nContent-Length: 0\r\n\r\n"
                );
            }
            "patch" => {
                let length: usize = header("content-length").unwrap().parse().unwrap();
                let offset: usize = header("upload-offset").unwrap().parse().unwrap();
                let most = if let Break::CutAfter(bytes) = breaks { length.min(bytes) } else { length };
                let mut body = vec![0; most];
                stream.read_exact(&mut body).unwrap();
                let mut kept = kept.lock().unwrap();
                kept.moved += most;
                let file = kept.files.entry("/f".into()).or_default();
                if file.len() != offset {
                    let _ = write!(stream, "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");
                    continue;
                }
                file.extend(body);
                if most < length {
                    return;
                }
                let offset = file.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 204 No Content\r\nUpload-Offset: {offset}\r\nContent-Length: 0\r\n\r\n"
                );
            }
            "put" => {
                let mut body = vec![0; header("content-length").unwrap().parse().unwrap()];
                stream.read_exact(&mut body).unwrap();
                let mut kept = kept.lock().unwrap();
                kept.moved += body.len();
                // What is cut goes as a whole, as stores have it; once.
                if let Break::CutAfter(_) = breaks
                    && !std::mem::replace(&mut kept.flipped, true)
                {
                    return;
                }
                kept.files.insert(path, body);
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
            _ => {
                let range = header("range").unwrap();
                let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
                let mut kept = kept.lock().unwrap();
                let Some(file) = kept.files.get(&path).cloned() else {
                    let _ = write!(stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
                    continue;
                };
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                let mut body = file[from..(to + 1).min(file.len())].to_vec();
                let flips = match breaks {
                    Break::FlipOnce(at) if !kept.flipped => Some(at),
                    Break::Flip(at) => Some(at),
                    _ => None,
                };
                if let Some(at) = flips.filter(|at| (from..from + body.len()).contains(at)) {
                    body[at - from] ^= 0x40;
                    kept.flipped = true;
                }
                let _ = write!(stream, "HTTP/1.1 206 Partial\r\nContent-Length: {}\r\n\r\n", body.len());
                let most =
                    if let Break::CutAfter(bytes) = breaks { body.len().min(bytes) } else { body.len() };
                kept.moved += most;
                let cut = most < body.len();
                drop(kept);
                let _ = stream.write_all(&body[..most]);
                if cut {
                    return;
                }
            }
        }
    }
}

fn job(local: &LocalFile, base: &str) -> Upload {
    let ticket = UploadTicket {
        file: FileId([1; 16]),
        token: UploadToken([7; 32]),
        url: format!("{base}/f"),
        expires_at_ms: u64::MAX,
        segment_bytes: 0,
    };
    Upload { digest: local.digest, bytes: local.bytes, ticket }
}

#[test]
fn an_upload_goes_on_where_it_was_cut() {
    let (_folder, vault) = vault();
    let (local, _) = sealed(&vault, &content(2_000_000));
    let mut whole = Vec::new();
    vault.open_sealed(&local.digest).unwrap().read_to_end(&mut whole).unwrap();
    for breaks in [Break::Nothing, Break::CutAfter(300_000)] {
        let server = Server::start(whole.len(), breaks);
        let progress: Arc<Mutex<Vec<u64>>> = Arc::default();
        let seen = Arc::clone(&progress);
        let report: Reporter = Arc::new(move |report| {
            if let Report::Progress { done, .. } = report {
                seen.lock().unwrap().push(done);
            }
            true
        });
        let end = block_on(transfer::upload(
            &vault,
            &job(&local, &server.base),
            "",
            &AtomicBool::default(),
            &report,
        ));
        assert_eq!(end, Some(Uploaded::Whole));
        assert!(server.file() == whole);
        assert_eq!(server.kept.lock().unwrap().moved, whole.len(), "nothing went twice");
        let progress = progress.lock().unwrap();
        assert!(progress.is_sorted() && progress.last() == Some(&(whole.len() as u64)));
    }
}

/// A server that went down between the last byte and the word that it has them all says so only to a PATCH.
#[test]
fn what_is_all_there_is_not_taken_for_complete() {
    let (_folder, vault) = vault();
    let (local, _) = sealed(&vault, &content(200_000));
    let mut whole = Vec::new();
    vault.open_sealed(&local.digest).unwrap().read_to_end(&mut whole).unwrap();
    let server = Server::start(whole.len(), Break::Nothing);
    server.kept.lock().unwrap().files.insert("/f".into(), whole.clone());
    let end =
        block_on(transfer::upload(&vault, &job(&local, &server.base), "", &AtomicBool::default(), &nobody()));
    assert_eq!(end, Some(Uploaded::Whole));
    assert!(server.file() == whole);
    let kept = server.kept.lock().unwrap();
    assert_eq!((kept.requests.as_slice(), kept.moved), (&["head".to_owned(), "patch".to_owned()][..], 0));
}

#[test]
fn an_upload_ends_when_its_ticket_does_or_it_is_stopped_or_its_file_is_gone() {
    let (_folder, vault) = vault();
    let (local, _) = sealed(&vault, &content(1_000));
    let gone = Server::start(1_016, Break::Status(404));
    let run = |job: &Upload, stop: bool| {
        block_on(transfer::upload(&vault, job, "", &AtomicBool::new(stop), &nobody()))
    };
    assert_eq!(run(&job(&local, &gone.base), false), Some(Uploaded::Ticket));
    let broken = Server::start(1_016, Break::Status(503));
    assert_eq!(run(&job(&local, &broken.base), true), None);
    vault.remove(&local.digest);
    assert_eq!(run(&job(&local, &gone.base), false), Some(Uploaded::Missing));
}

fn fetched(breaks: Break, bytes: usize, here: usize) -> (Option<Fetched>, Server, TempDir, Vec<u8>) {
    let (_folder, from) = vault();
    let clear = content(bytes);
    let (local, attachment) = sealed(&from, &clear);
    let mut whole = Vec::new();
    from.open_sealed(&local.digest).unwrap().read_to_end(&mut whole).unwrap();
    let server = Server::start(whole.len(), breaks);
    let (folder, vault) = vault();
    fs::write(vault.part(&local.digest), &whole[..here]).unwrap();
    server.kept.lock().unwrap().files.insert("/f".into(), whole);
    let fetch = at(&server, attachment.clone());
    let end = block_on(transfer::fetch(&vault, &fetch, &AtomicBool::default(), &nobody()));
    if end == Some(Fetched::Whole) {
        let target = folder.path().join("out");
        vault.save(&attachment, &target).unwrap();
        assert!(fs::read(target).unwrap() == clear);
    } else {
        assert!(!vault.has(&local.digest));
    }
    (end, server, folder, clear)
}

/// Answers what a transfer asks: addresses of two segments at a time, and the word at the end.
fn answering(
    base: &str,
    segment_bytes: u64,
    asked: &Arc<Mutex<Vec<Question>>>,
    end: Vec<Answer>,
) -> Reporter {
    let (base, asked, end) = (base.to_owned(), Arc::clone(asked), Mutex::new(end));
    Arc::new(move |report| {
        let Report::Asks(question, asker) = report else { return true };
        asked.lock().unwrap().push(question);
        let urls = |first: u32| (first..first + 2).map(|number| format!("{base}/s/{number}")).collect();
        let answer = match question {
            Question::Segments { first, .. } => {
                let headers = vec![("x-ms-blob-type".to_owned(), "BlockBlob".to_owned())];
                Answer::Segments(Segments { urls: urls(first), expires_at_ms: u64::MAX, headers })
            }
            Question::Finish { .. } => end.lock().unwrap().remove(0),
            Question::Download { first, .. } => Answer::Download(Download {
                bytes: 1,
                segment_bytes,
                urls: urls(first),
                expires_at_ms: u64::MAX,
            }),
        };
        asker.send(answer).is_ok()
    })
}

#[test]
fn segments_go_up_one_after_the_other_and_each_once() {
    let (_folder, vault) = vault();
    let (local, _) = sealed(&vault, &content(2_000_000));
    let mut whole = Vec::new();
    vault.open_sealed(&local.digest).unwrap().read_to_end(&mut whole).unwrap();
    let segment = 300_000;
    let count = whole.len().div_ceil(segment);
    let server = Server::start(0, Break::CutAfter(0));
    let mut job = job(&local, "");
    (job.ticket.url, job.ticket.segment_bytes) = (String::new(), segment as u64);
    let run = |job: &Upload, end: Vec<Answer>| {
        let asked = Arc::default();
        let report = answering(&server.base, segment as u64, &asked, end);
        let end = block_on(transfer::upload(&vault, job, "", &AtomicBool::default(), &report));
        let asked = asked.lock().unwrap().clone();
        (end, asked)
    };
    let (end, asked) = run(&job, vec![Answer::Done]);
    assert_eq!(end, Some(Uploaded::Whole));
    let up = |server: &Server| -> Vec<u8> {
        let kept = server.kept.lock().unwrap();
        (0..count).flat_map(|number| kept.files[&format!("/s/{number}")].clone()).collect()
    };
    assert!(up(&server) == whole);
    assert_eq!(server.kept.lock().unwrap().moved, whole.len() + segment, "the one that was cut went twice");
    assert_eq!(asked.len(), count.div_ceil(2) + 1);
    // The first four are up, from a run before; of another ticket nothing is.
    let (file, digest) = (job.ticket.file, local.digest);
    for (noted, moved) in [(file, whole.len() - 4 * segment), (FileId([9; 16]), whole.len())] {
        vault.note_sent(&digest, noted, 4);
        server.kept.lock().unwrap().moved = 0;
        assert_eq!(run(&job, vec![Answer::Done]).0, Some(Uploaded::Whole));
        assert_eq!(server.kept.lock().unwrap().moved, moved);
        assert_eq!(vault.sent(&digest, noted), 0, "it is forgotten when it is over");
    }
    // Something that seemed to be there is not; and the ticket is over.
    vault.note_sent(&digest, file, 1_000_000);
    server.kept.lock().unwrap().files.clear();
    let end = vec![Answer::Refused(RejectCode::Malformed), Answer::Done];
    assert_eq!(run(&job, end).0, Some(Uploaded::Whole));
    assert!(up(&server) == whole);
    let end = vec![Answer::Refused(RejectCode::FileGone)];
    assert_eq!(run(&job, end).0, Some(Uploaded::Ticket));
}

#[test]
fn segments_come_down_and_of_a_corrupted_one_only_the_chunk_again() {
    let (_folder, from) = vault();
    let clear = content(2_000_000);
    let (local, attachment) = sealed(&from, &clear);
    let mut whole = Vec::new();
    from.open_sealed(&local.digest).unwrap().read_to_end(&mut whole).unwrap();
    // Chunks cross from one segment to the next.
    let segment = 300_000;
    let server = Server::start(0, Break::FlipOnce(250_000));
    for (number, bytes) in whole.chunks(segment).enumerate() {
        server.kept.lock().unwrap().files.insert(format!("/s/{number}"), bytes.to_vec());
    }
    let (folder, vault) = vault();
    let asked = Arc::default();
    let report = answering(&server.base, segment as u64, &asked, Vec::new());
    let download = Download {
        bytes: whole.len() as u64,
        segment_bytes: segment as u64,
        urls: vec![format!("{}/s/0", server.base), format!("{}/gone/1", server.base)],
        expires_at_ms: 0,
    };
    let fetch = Fetch { attachment: attachment.clone(), download, server: String::new() };
    let end = block_on(transfer::fetch(&vault, &fetch, &AtomicBool::default(), &report));
    assert_eq!(end, Some(Fetched::Whole));
    let target = folder.path().join("out");
    vault.save(&attachment, &target).unwrap();
    assert!(fs::read(target).unwrap() == clear);
    let again = server.kept.lock().unwrap().moved - whole.len();
    assert!(again <= 10 * SEALED_CHUNK, "{again} bytes went twice");
    let asked = asked.lock().unwrap().clone();
    assert!(asked.iter().all(|question| matches!(question, Question::Download { .. })) && asked.len() >= 3);
}

/// A download of the server's one file.
fn at(server: &Server, attachment: Attachment) -> Fetch {
    let urls = vec![format!("{}/f", server.base)];
    let download = Download { bytes: 1, segment_bytes: 0, urls, expires_at_ms: u64::MAX };
    Fetch { attachment, download, server: String::new() }
}

const SEALED_CHUNK: usize = 65_536 + 16;

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let whole = Layout::new(2_000_000).unwrap().sealed_bytes() as usize;
    let (end, server, ..) = fetched(Break::CutAfter(200_000), 2_000_000, 0);
    assert_eq!(end, Some(Fetched::Whole));
    // Of each piece at most a part of a chunk goes twice.
    let moved = server.kept.lock().unwrap().moved;
    assert!(moved < whole * 3 / 2, "{moved} of {whole}");
    // Five chunks and a half are here already.
    let (end, server, ..) = fetched(Break::Nothing, 2_000_000, 5 * SEALED_CHUNK + 1_000);
    assert_eq!(end, Some(Fetched::Whole));
    assert_eq!(server.kept.lock().unwrap().moved, whole - 5 * SEALED_CHUNK);
}

#[test]
fn of_a_corrupted_file_only_the_chunk_is_fetched_again() {
    let whole = Layout::new(2_000_000).unwrap().sealed_bytes() as usize;
    let place = 3 * SEALED_CHUNK + 77;
    let (end, server, ..) = fetched(Break::FlipOnce(place), 2_000_000, 0);
    assert_eq!(end, Some(Fetched::Whole));
    let again = server.kept.lock().unwrap().moved - whole;
    // The rest of the piece that it came in, and itself.
    assert!(again <= 6 * SEALED_CHUNK, "{again} bytes went twice");
    let (end, ..) = fetched(Break::Flip(place), 2_000_000, 0);
    assert_eq!(end, Some(Fetched::False), "and given up when it stays so");
}

#[test]
fn what_is_another_file_is_not_kept_and_what_is_gone_is_said() {
    let (end, ..) = fetched(Break::Status(404), 1_000, 0);
    assert_eq!(end, Some(Fetched::Address));
    // Every chunk opens, since whoever has the key can make others; the digest tells.
    let (_folder, from) = vault();
    let (local, mut attachment) = sealed(&from, &content(100_000));
    let mut whole = Vec::new();
    from.open_sealed(&local.digest).unwrap().read_to_end(&mut whole).unwrap();
    let server = Server::start(whole.len(), Break::Nothing);
    server.kept.lock().unwrap().files.insert("/f".into(), whole);
    attachment.digest = [9; 32];
    let (folder, vault) = vault();
    let fetch = at(&server, attachment);
    assert_eq!(
        block_on(transfer::fetch(&vault, &fetch, &AtomicBool::default(), &nobody())),
        Some(Fetched::False)
    );
    assert_eq!(fs::read_dir(folder.path().join("media")).unwrap().count(), 0);
}

// ---------------------------------------------------------------- what is made of files

fn picture(width: u32, height: u32) -> DynamicImage {
    let pixel = |x: u32, y: u32| Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 90]);
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A JPEG file with an EXIF block: turned by a quarter, and where it was taken in words that can be found.
fn with_exif(picture: &DynamicImage) -> Vec<u8> {
    let file = encoded(picture, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    exif.extend(b"\x01\x0e\0\x02\0\0\0\x1a\0\0\0\x26");
    exif.extend(b"\0\0\0\0GPS 48.2082N 16.3738E here\0");
    let mut made = file[..2].to_vec();
    made.extend([0xff, 0xe1]);
    made.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    made.extend(exif);
    made.extend(&file[2..]);
    made
}

fn prepared(name: &str, bytes: &[u8], kind: Option<AttachmentKind>) -> Result<(Attachment, Vec<u8>), String> {
    let (folder, vault) = vault();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let how = How { from: Origin::Path(path), kind, hd: false };
    let (_, attachment) = prepare::prepare(&vault, how, &mut || true).map_err(|failure| failure.code)?;
    let target = folder.path().join("saved");
    vault.save(&attachment, &target).unwrap();
    Ok((*attachment, fs::read(target).unwrap()))
}

#[test]
fn a_photo_stands_upright_fits_a_telephone_and_says_nothing_of_where_it_was() {
    let file = with_exif(&picture(2_000, 400));
    assert!(file.windows(3).any(|window| window == b"GPS"));
    let (attachment, made) = prepared("IMG_20261122.jpg", &file, None).unwrap();
    assert_eq!(attachment.kind, AttachmentKind::Photo);
    assert_eq!((attachment.width, attachment.height), (320, 1_600), "turned, and made smaller");
    assert_eq!((attachment.media_type.as_str(), attachment.name.as_str()), ("image/jpeg", ""));
    assert_eq!(attachment.bytes, made.len() as u64);
    for needle in [&b"GPS"[..], b"Exif"] {
        assert!(!made.windows(needle.len()).any(|window| window == needle));
    }
    let again = image::load_from_memory(&made).unwrap();
    assert_eq!((again.width(), again.height()), (320, 1_600));
    let small = image::load_from_memory(&attachment.thumbnail).unwrap();
    assert!(small.height() <= 240 && attachment.thumbnail.len() <= 8 * 1024);
    assert_eq!(attachment.blurhash.len(), 28);
    // As a document it goes as it is.
    let (attachment, same) = prepared("sea.jpg", &file, Some(AttachmentKind::Document)).unwrap();
    assert!(same == file && attachment.name == "sea.jpg" && attachment.kind == AttachmentKind::Document);
}

#[test]
fn a_blurhash_is_what_others_make_of_the_same_picture() {
    // Of one colour nothing but the mean is left: 0xff8040 in its four digits.
    let plain = DynamicImage::ImageRgb8(RgbImage::from_pixel(64, 64, Rgb([255, 128, 64])));
    let hash = photo::looks(&plain).blurhash;
    assert_eq!(hash.len(), 28);
    let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
    let value = |text: &str| text.chars().fold(0, |sum, c| sum * 83 + digits.find(c).unwrap());
    assert_eq!(value(&hash[..1]), 3 + 2 * 9);
    assert_eq!(value(&hash[2..6]), 0xff_80_40);
}

#[test]
fn other_files_are_known_by_what_they_are() {
    let gif = encoded(&picture(40, 30), ImageFormat::Gif);
    let (attachment, same) = prepared("cat.gif", &gif, None).unwrap();
    assert_eq!((attachment.kind, attachment.width), (AttachmentKind::Gif, 40));
    assert!(same == gif && !attachment.thumbnail.is_empty());
    let pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Pages /Kids [2 0 R] /Count 12 >>\nendobj\n<< /Count 99 >>";
    let (attachment, same) = prepared("plan.pdf", pdf, None).unwrap();
    assert_eq!((attachment.kind, attachment.pages), (AttachmentKind::Document, 12));
    assert_eq!(attachment.media_type, "application/pdf");
    assert!(same == pdf);
    let (attachment, _) = prepared("empty", b"", None).unwrap();
    assert_eq!((attachment.bytes, attachment.kind), (0, AttachmentKind::Document));
}

#[test]
fn the_pages_of_a_document_are_counted_in_bounded_time() {
    let tree = b"<</Type/Pages/Kids[2 0 R]/Count 37>>";
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(tree, 6);
    let with = |packed: &[u8]| {
        let head = b"%PDF-1.7\n9 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>stream\r\n";
        [&head[..], packed, b"\nendstream\nendobj\n"].concat()
    };
    assert_eq!(pdf::pages(&with(&packed)), 37);
    assert_eq!(pdf::pages(b"%PDF-1.4\n1 0 obj\n<</Linearized 1/L 9999/H [1 2]/O 5/E 7/N 214/T 9>>"), 214);
    let begun = std::time::Instant::now();
    // Streams that unpack to a thousand times their size, again and again.
    let bomb = with(&miniz_oxide::deflate::compress_to_vec_zlib(&vec![b' '; 20_000_000], 6)).repeat(100);
    // Streams that unpack to nothing at all, for as long as there are bytes.
    let idle = [&b"\x78\x01"[..], &b"\0\0\0\xff\xff".repeat(200_000)].concat();
    let counts = [&b"%PDF-1.4 "[..], &b"/Count 1 ".repeat(500_000)].concat();
    for file in [bomb, with(&idle).repeat(5), counts] {
        assert_eq!(pdf::pages(&file), 0);
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn what_pretends_to_be_a_picture_is_refused_quickly() {
    // A PNG file of 30,000 by 30,000 pixels in a few bytes.
    let mut bomb = encoded(&picture(8, 8), ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    for wrong in [&bomb[..], b"\xff\xd8\xff\xe0 no picture", b"\x89PNG\r\n\x1a\n"] {
        assert_eq!(prepared("x", wrong, None).err().as_deref(), Some("malformedPicture"));
    }
    let (folder, vault) = vault();
    let how = How { from: Origin::Path(folder.path().to_owned()), kind: None, hd: false };
    assert_eq!(
        prepare::prepare(&vault, how, &mut || true).err().map(|failure| failure.code).as_deref(),
        Some("cannotRead")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// Headers that were tampered with cost a bounded time and memory, and never a panic.
    #[test]
    fn tampered_pictures_are_pictures_or_refused(
        format in 0..4_usize,
        changes in prop::collection::vec((0..200_usize, any::<u8>()), 1..8),
        cut in 0..4_000_usize,
    ) {
        let format = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP][format];
        let mut file = encoded(&picture(24, 16), format);
        for (at, byte) in changes {
            let at = at % file.len();
            file[at] = byte;
        }
        file.truncate(cut.max(12));
        if let Some(made) = photo::photo(&file, false) {
            prop_assert!(made.looks.thumbnail.len() <= 8 * 1024);
            prop_assert!(made.looks.width.max(made.looks.height) <= 1_600);
        }
    }

    #[test]
    fn any_bytes_have_pages_or_none(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0..300_usize) {
        let mut file = b"%PDF-1.7 << /Type /Pages /Count 4294967295999 ".to_vec();
        let place = at % file.len();
        file.splice(place..place, bytes);
        let _pages = pdf::pages(&file);
    }
}
