//! Bytes of files to the server and from it, over HTTP: in pieces, so that what was moved stays moved, and what does
//! not move is noticed.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{TryRecvError, bounded};
use waxwing_client::Upload;
use waxwing_client::attachment::{Layout, Opener, Verifier};
use waxwing_wire::attachment::Attachment;
use web_time::Instant;

use super::http::{Http, Reply, pause};
use super::pieces::{CHUNK_SEALED_BYTES, Pieces as _, layout_of, opener_of, read_sealed};
use super::segments::Segmented;
use super::source::{Gap, Source, absolute};
use super::{Answer, Fetch, Fetched, Question, Report, Reporter, Sealed, Uploaded, Vault};
use crate::limits::{
    MAX_ADDRESSES_ASKED, MAX_CHUNK_TRIES, MAX_PIECE_BYTES, MAX_TRANSFER_TRIES, MIN_PIECE_BYTES, PIECE_TIME,
    PROGRESS_PAUSE, QUESTION_PATIENCE, TRANSFER_RETRY_MAX, TRANSFER_RETRY_MIN,
};

/// How often whoever waits looks whether it is to stop.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Waits longer with every failure in a row.
pub(super) struct Patience<'a> {
    pub failures: u32,
    pub stop: &'a AtomicBool,
}

impl Patience<'_> {
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// `false`: it is enough.
    pub async fn wait(&mut self, most: u32) -> bool {
        self.failures += 1;
        // A connection that broke in the middle is made anew at once.
        let time = match self.failures {
            1 => Duration::ZERO,
            more => TRANSFER_RETRY_MIN * 2_u32.saturating_pow(more.min(10) - 2),
        };
        let until = Instant::now() + time.min(TRANSFER_RETRY_MAX);
        while Instant::now() < until && !self.stopped() {
            pause(LOOK_AROUND).await;
        }
        self.failures < most && !self.stopped()
    }
}

impl Question {
    /// Asks, and waits for the answer.
    pub(super) async fn ask(self, report: &Reporter, stop: &AtomicBool) -> Answer {
        let (answer, answered) = bounded(1);
        if !report(Report::Asks(self, answer)) {
            return Answer::NotNow;
        }
        let end = Instant::now() + QUESTION_PATIENCE;
        while !stop.load(Ordering::Relaxed) && Instant::now() < end {
            match answered.try_recv() {
                Ok(answer) => return answer,
                Err(TryRecvError::Empty) => pause(LOOK_AROUND).await,
                Err(TryRecvError::Disconnected) => return Answer::NotNow,
            }
        }
        Answer::NotNow
    }
}

/// Says how far it is, now and then.
pub(super) struct Progress<'a> {
    report: &'a Reporter,
    digest: [u8; 32],
    sending: bool,
    total: u64,
    last: Option<Instant>,
}

impl<'a> Progress<'a> {
    pub(super) fn of(report: &'a Reporter, digest: [u8; 32], sending: bool, total: u64) -> Self {
        Self { report, digest, sending, total, last: None }
    }

    pub(super) fn at(&mut self, done: u64) {
        let now = Instant::now();
        if done < self.total && self.last.is_some_and(|last| now - last < PROGRESS_PAUSE) {
            return;
        }
        self.last = Some(now);
        let Self { digest, sending, total, .. } = *self;
        (self.report)(Report::Progress { digest, sending, done, total });
    }
}

/// Pieces that take about [`PIECE_TIME`].
struct Piece(u64);

impl Piece {
    fn took(&mut self, time: Duration) {
        let fits = if time < PIECE_TIME { self.0 * 2 } else { self.0 / 2 };
        self.0 = fits.clamp(MIN_PIECE_BYTES, MAX_PIECE_BYTES);
    }

    fn failed(&mut self) {
        self.0 = (self.0 / 4).max(MIN_PIECE_BYTES);
    }
}

// ---------------------------------------------------------------- up

/// What an answer means.
enum Said {
    /// So many bytes are there.
    Offset(u64),
    Ticket,
    Nothing,
}

fn said(answer: Option<Reply>) -> Said {
    let Some(answer) = answer else { return Said::Nothing };
    match answer.status {
        200 | 204 => answer.upload_offset.map_or(Said::Nothing, Said::Offset),
        400 | 401 | 403 | 404 | 410 | 413 => Said::Ticket,
        _ => Said::Nothing,
    }
}

/// Brings a file to where its ticket says, as tus has it, going on where it was; for as long as it takes. `None`: it
/// was stopped.
pub async fn upload(
    vault: &Vault,
    upload: &Upload,
    server: &str,
    stop: &AtomicBool,
    report: &Reporter,
) -> Option<Uploaded> {
    let Ok(layout) = Layout::new(upload.bytes) else { return Some(Uploaded::Missing) };
    let total = layout.sealed_bytes();
    let Ok(mut file) = vault.open_sealed(&upload.digest) else { return Some(Uploaded::Missing) };
    if file.size().ok() != Some(total) {
        return Some(Uploaded::Missing);
    }
    if upload.ticket.segment_bytes > 0 {
        return Segmented::new(vault, upload, (file, layout), stop, report).run().await;
    }
    let (http, url) = (Http::new(), absolute(&upload.ticket.url, server));
    let token = format!("Bearer {}", upload.ticket.token.to_hex());
    let headers = [("Authorization", token.as_str()), ("Tus-Resumable", "1.0.0")];
    let mut patience = Patience { failures: 0, stop };
    let mut progress = Progress::of(report, upload.digest, true, total);
    let mut piece = Piece(MIN_PIECE_BYTES * 4);
    let mut bytes = Vec::new();
    loop {
        let head = http.head(&url, &headers).await;
        // A server that went down after the last byte has all of it and does not know so: only its answer to a
        // PATCH, were it an empty one, says that it is complete.
        let mut offset = match said(head) {
            Said::Offset(offset) => Some((offset, false)),
            Said::Ticket => return Some(Uploaded::Ticket),
            Said::Nothing => None,
        };
        while let Some((at, complete)) = offset {
            progress.at(at);
            if complete {
                return Some(Uploaded::Whole);
            }
            if patience.stopped() {
                return None;
            }
            if read_piece(&mut file, at, piece.0, &mut bytes).is_err() || bytes.is_empty() && at < total {
                return Some(Uploaded::Missing);
            }
            let begun = Instant::now();
            let from = at.to_string();
            let [authorisation, version] = headers;
            let patch = http.patch(&url, &[authorisation, version, ("Upload-Offset", &from)], &bytes).await;
            offset = match said(patch) {
                Said::Offset(to) if (to > at || at == total) && to <= total => {
                    piece.took(begun.elapsed());
                    patience.failures = 0;
                    Some((to, to == total))
                }
                Said::Ticket => return Some(Uploaded::Ticket),
                Said::Offset(_) | Said::Nothing => None,
            };
        }
        piece.failed();
        if !patience.wait(u32::MAX).await {
            return None;
        }
    }
}

fn read_piece(file: &mut Sealed, at: u64, most: u64, into: &mut Vec<u8>) -> std::io::Result<()> {
    into.clear();
    file.seek(SeekFrom::Start(at))?;
    file.take(most).read_to_end(into).map(|_| ())
}

// ---------------------------------------------------------------- down

/// Of a file in segments: the addresses from a byte on. `None`: there are no others.
async fn further(
    fetch: &Fetch,
    source: &Source,
    at: u64,
    stop: &AtomicBool,
    report: &Reporter,
) -> Option<Source> {
    let file = fetch.attachment.file.filter(|_| source.is_segmented())?;
    let first = source.segment_of(at);
    match (Question::Download { file, first }).ask(report, stop).await {
        Answer::Download(download) if download.segment_bytes == fetch.download.segment_bytes => {
            Some(Source::new(&download, first, &fetch.server))
        }
        _ => None,
    }
}

/// Fetches a file to where it is kept, going on where it was. Each chunk is looked at when it comes, and only what is
/// wrong is fetched again. `None`: it was stopped.
pub async fn fetch(vault: &Vault, fetch: &Fetch, stop: &AtomicBool, report: &Reporter) -> Option<Fetched> {
    let attachment = &fetch.attachment;
    let Ok(layout) = layout_of(attachment) else { return Some(Fetched::False) };
    let disk = |error: std::io::Error| Some(Fetched::Disk(error.to_string()));
    let mut file = match vault.open_part(&attachment.digest) {
        Ok(file) => file,
        Err(error) => return disk(error),
    };
    let opener = opener_of(attachment, layout);
    let total = layout.sealed_bytes();
    let mut progress = Progress::of(report, attachment.digest, false, total);
    let mut index = match whole_chunks(&mut file, layout, &opener) {
        Ok(index) => index,
        Err(error) => return disk(error),
    };
    // Of what was whole once only what is damaged is fetched.
    let was_whole = index < layout.chunks() && file.size().is_ok_and(|here| here == total);
    let mut scratch = Vec::new();
    let http = Http::new();
    let mut patience = Patience { failures: 0, stop };
    let mut piece = Piece(MIN_PIECE_BYTES * 4);
    let (mut false_in_a_row, mut asked) = (0, 0);
    let mut source = Source::new(&fetch.download, 0, &fetch.server);
    while let Some(chunk) = layout.chunk(index) {
        if was_whole && matches!(is_right(&mut file, layout, index, &opener, &mut scratch), Ok(true)) {
            index += 1;
            continue;
        }
        if patience.stopped() {
            return None;
        }
        progress.at(chunk.sealed_at);
        // Whole chunks; one that was false alone.
        let chunks =
            if false_in_a_row > 0 || was_whole { 1 } else { (piece.0 / CHUNK_SEALED_BYTES as u64).max(1) };
        let wanted = (chunks * CHUNK_SEALED_BYTES as u64).min(total - chunk.sealed_at);
        let begun = Instant::now();
        let bytes = match source.read(&http, chunk.sealed_at, chunk.sealed_bytes as u64, wanted).await {
            Ok(bytes) => bytes,
            Err(Gap::Address) => {
                asked += 1;
                let found = further(fetch, &source, chunk.sealed_at, stop, report).await;
                match found.filter(|_| asked <= MAX_ADDRESSES_ASKED) {
                    Some(further) => source = further,
                    None if patience.stopped() => return None,
                    None => return Some(Fetched::Address),
                }
                continue;
            }
            Err(Gap::Network) => {
                piece.failed();
                if !patience.wait(MAX_TRANSFER_TRIES).await {
                    return (!patience.stopped()).then_some(Fetched::Unreachable);
                }
                continue;
            }
        };
        let (good, false_chunk) = good_chunks(&bytes, layout, index, &opener);
        if let Err(error) = file.seek(SeekFrom::Start(chunk.sealed_at)).and_then(|_| file.write_all(good)) {
            return disk(error);
        }
        let came = good.len().div_ceil(CHUNK_SEALED_BYTES);
        index += u32::try_from(came).unwrap_or(u32::MAX);
        if came > 0 {
            piece.took(begun.elapsed());
            (patience.failures, false_in_a_row, asked) = (0, 0, 0);
        } else if !false_chunk && !patience.wait(MAX_TRANSFER_TRIES).await {
            return (!patience.stopped()).then_some(Fetched::Unreachable);
        }
        if false_chunk {
            false_in_a_row += 1;
            if false_in_a_row > MAX_CHUNK_TRIES {
                return Some(Fetched::False);
            }
        }
    }
    progress.at(total);
    Some(match finish(vault, &mut file, attachment, total) {
        Ok(true) => Fetched::Whole,
        Ok(false) => Fetched::False,
        Err(error) => Fetched::Disk(error.to_string()),
    })
}

/// How many chunks of what is here already are whole and right. The file ends behind them, unless the last one is right
/// as well: then it was whole once, and what is between may be right too.
pub(super) fn whole_chunks(file: &mut Sealed, layout: Layout, opener: &Opener) -> std::io::Result<u32> {
    let here = file.size()?;
    let mut bytes = Vec::new();
    let mut index = 0;
    while let Some(chunk) = layout.chunk(index) {
        if chunk.sealed_at + chunk.sealed_bytes as u64 > here {
            break;
        }
        if !is_right(file, layout, index, opener, &mut bytes)? {
            break;
        }
        index += 1;
    }
    let last = layout.chunks() - 1;
    if index < last && here == layout.sealed_bytes() && is_right(file, layout, last, opener, &mut bytes)? {
        return Ok(index);
    }
    file.cut(layout.chunk(index).map_or(layout.sealed_bytes(), |chunk| chunk.sealed_at))?;
    Ok(index)
}

/// Whether a chunk is here, and right.
fn is_right(
    file: &mut Sealed,
    layout: Layout,
    index: u32,
    opener: &Opener,
    bytes: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let Some(chunk) = layout.chunk(index) else { return Ok(false) };
    read_sealed(file, chunk, bytes)?;
    Ok(opener.open(index, bytes).is_ok())
}

/// What of some bytes are chunks that are right, from one on; whether one that is there is wrong.
fn good_chunks<'a>(bytes: &'a [u8], layout: Layout, first: u32, opener: &Opener) -> (&'a [u8], bool) {
    let mut good = 0;
    let mut index = first;
    while let Some(chunk) = layout.chunk(index) {
        let Some(sealed) = bytes.get(good..good + chunk.sealed_bytes) else { break };
        if opener.open(index, &mut sealed.to_vec()).is_err() {
            return (bytes.get(..good).unwrap_or_default(), true);
        }
        good += chunk.sealed_bytes;
        index += 1;
    }
    (bytes.get(..good).unwrap_or_default(), false)
}

/// Compares the whole with what the sender meant, and keeps it. What is another file does not stay.
pub(super) fn finish(
    vault: &Vault,
    file: &mut Sealed,
    attachment: &Attachment,
    total: u64,
) -> std::io::Result<bool> {
    let mut verifier = Verifier::default();
    let mut bytes = vec![0; CHUNK_SEALED_BYTES];
    file.seek(SeekFrom::Start(0))?;
    let mut rest = total;
    while rest > 0 {
        let most = usize::try_from(rest).unwrap_or(usize::MAX).min(bytes.len());
        let piece = bytes.get_mut(..most).unwrap_or_default();
        file.read_exact(piece)?;
        verifier.update(piece);
        rest -= most as u64;
    }
    if verifier.finish(&attachment.digest).is_err() {
        vault.remove(&attachment.digest);
        return Ok(false);
    }
    file.make_durable()?;
    vault.keep(&attachment.digest)?;
    Ok(true)
}
