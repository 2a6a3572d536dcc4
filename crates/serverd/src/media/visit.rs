//! One connection and its requests, one after the other.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;

use waxwing_server::{FileCommand, OpenUpload};
use waxwing_wire::file::UploadToken;
use waxwing_wire::{FileId, Reject, RejectCode};

use super::head::{Head, Method, parse};
use super::{Media, now_s};
use crate::limits::{MEDIA_BUFFER_BYTES, MEDIA_IO_TIMEOUT};
use crate::message::UploadAsk;
use crate::net::Whose;
use crate::visitor::reply::{self, Reply, Status};
use crate::visitor::{self, Ended, Next, Pace, Visitor};

/// What every answer says. Any page may read it, of whichever origin (the web app): there are no cookies here, and
/// nothing is said that its token or link does not entitle to.
const ALWAYS: &str = "Tus-Resumable: 1.0.0\r\nAccess-Control-Allow-Origin: *\r\n\
                      Access-Control-Expose-Headers: Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, \
                      Content-Range, Accept-Ranges, ETag\r\n";

fn answer(status: Status) -> Reply {
    Reply::new(status).with_lines(ALWAYS)
}

/// Serves a connection to its end.
pub fn serve(media: &Media, visitor: Visitor) {
    let mut visit = Visit { media, read: Vec::new(), buffer: Vec::new() };
    visitor::serve(visitor, Whose::Files, |stream, read| {
        visit.read = std::mem::take(read);
        let next = visit.request(stream);
        *read = std::mem::take(&mut visit.read);
        next
    });
}

struct Visit<'a> {
    media: &'a Media,
    /// What came behind the last head.
    read: Vec<u8>,
    buffer: Vec<u8>,
}

impl Visit<'_> {
    fn request(&mut self, stream: &mut TcpStream) -> Next {
        let Some(head) = self.head(stream)? else { return Ok(false) };
        stream.set_read_timeout(Some(MEDIA_IO_TIMEOUT))?;
        self.media.stats.media_requests.add(1);
        let answered = match (head.method, head.file) {
            (Method::Options, _) => Self::options(stream, &head)?,
            (_, None) => self.refuse(stream, reply::NOT_FOUND)?,
            (Method::Get, Some(file)) => self.get(stream, &head, file)?,
            (Method::Head, Some(file)) if head.token.is_none() => self.get(stream, &head, file)?,
            (Method::Head, Some(file)) => self.upload_head(stream, &head, file)?,
            (Method::Patch, Some(file)) => self.patch(stream, &head, file)?,
            (Method::Delete, Some(file)) => self.give_up(stream, &head, file)?,
            (Method::Other, Some(_)) => self.refuse(stream, reply::METHOD_NOT_ALLOWED)?,
        };
        // A body that nobody read would be taken for the next request.
        let has_body = head.method != Method::Patch && (head.encoded || head.content_length.unwrap_or(0) > 0);
        Ok(answered && !head.close && !has_body)
    }

    /// `None`: it is over, and all is said.
    fn head(&mut self, stream: &mut TcpStream) -> Result<Option<Head>, Ended> {
        match visitor::head(stream, &mut self.read, parse)? {
            Ok(head) => Ok(Some(head)),
            Err(status) => self.refuse(stream, status).map(|_| None),
        }
    }

    fn options(stream: &mut TcpStream, head: &Head) -> Next {
        answer(reply::NO_CONTENT)
            .with("Tus-Version", "1.0.0")
            .with("Tus-Extension", "expiration,termination")
            .with("Tus-Max-Size", waxwing_wire::limits::MAX_FILE_BYTES)
            .with("Access-Control-Allow-Methods", "GET, HEAD, PATCH, DELETE, OPTIONS")
            .with(
                "Access-Control-Allow-Headers",
                "Authorization, Content-Type, Upload-Offset, Tus-Resumable, Range, If-None-Match",
            )
            .with("Access-Control-Max-Age", 86_400)
            .send(stream, None, head.close)?;
        Ok(true)
    }

    /// Says no, and that the connection ends: what is under way on it may be anything.
    fn refuse(&self, stream: &mut TcpStream, status: Status) -> Next {
        self.media.stats.media_refused.add(1);
        let mut reply = answer(status).with("Cache-Control", "no-store");
        if status == reply::UNAVAILABLE {
            reply = reply.with("Retry-After", 5);
        }
        if status == reply::PRECONDITION_FAILED {
            reply = reply.with("Tus-Version", "1.0.0");
        }
        reply.send(stream, Some(0), true)?;
        visitor::linger(stream);
        Ok(false)
    }

    fn refuse_for(&self, stream: &mut TcpStream, reject: &Reject) -> Next {
        self.refuse(
            stream,
            match reject.code {
                RejectCode::NotAllowed => reply::FORBIDDEN,
                RejectCode::FileGone => reply::GONE,
                RejectCode::StorageFull => reply::NO_SPACE,
                _ => reply::UNAVAILABLE,
            },
        )
    }

    // ---------------------------------------------------------------- down

    fn get(&mut self, stream: &mut TcpStream, head: &Head, file: FileId) -> Next {
        let Some(until_s) = self.media.links.check(file, &head.query, now_s()) else {
            return self.refuse(stream, reply::FORBIDDEN);
        };
        let opened = self.media.folder.read(file).and_then(|open| Ok((open.metadata()?.len(), open)));
        let Ok((bytes, mut open)) = opened else { return self.refuse(stream, reply::NOT_FOUND) };
        let seen_by = if self.media.cdn_url.is_some() { "public" } else { "private" };
        let age_s = until_s.saturating_sub(now_s());
        let described = |status| {
            answer(status)
                .with("ETag", format_args!("\"{}\"", file.to_hex()))
                .with("Accept-Ranges", "bytes")
                .with("Cache-Control", format_args!("{seen_by}, max-age={age_s}, immutable"))
        };
        if head.has_it {
            described(reply::NOT_MODIFIED).send(stream, None, head.close)?;
            return Ok(true);
        }
        let (first, length, ready) = match head.range.map(|range| range.within(bytes)) {
            None => (0, bytes, described(reply::OK)),
            Some(Some((first, length))) => {
                let range = format!("bytes {first}-{}/{bytes}", first + length - 1);
                (first, length, described(reply::PARTIAL_CONTENT).with("Content-Range", range))
            }
            Some(None) => {
                let none =
                    answer(reply::NOT_SATISFIABLE).with("Content-Range", format_args!("bytes */{bytes}"));
                none.send(stream, Some(0), head.close)?;
                return Ok(true);
            }
        };
        let ready = ready.with("Content-Type", "application/octet-stream");
        ready.send(stream, Some(length), head.close)?;
        if head.method == Method::Get {
            open.seek(SeekFrom::Start(first))?;
            self.send(stream, &mut open, length)?;
        }
        Ok(true)
    }

    fn send(&mut self, stream: &mut TcpStream, open: &mut File, mut left: u64) -> Result<(), Ended> {
        self.buffer.resize(MEDIA_BUFFER_BYTES, 0);
        let mut pace = Pace::new();
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let read = open.read(self.buffer.get_mut(..most).unwrap_or_default())?;
            let mut piece = self.buffer.get(..read).filter(|piece| !piece.is_empty()).ok_or(Ended)?;
            while !piece.is_empty() {
                match stream.write(piece) {
                    Ok(written) => {
                        piece = piece.get(written..).unwrap_or_default();
                        left = left.saturating_sub(written as u64);
                        self.media.stats.media_bytes_out.add(written as u64);
                        self.moved(&mut pace, written)?;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return Err(Ended),
                }
            }
        }
        Ok(())
    }

    // ---------------------------------------------------------------- up

    fn upload_head(&mut self, stream: &mut TcpStream, head: &Head, file: FileId) -> Next {
        let Some(token) = head.token.filter(|_| head.tus) else {
            return self.refuse(stream, reply::PRECONDITION_FAILED);
        };
        let upload = match self.ask(UploadAsk::Open, file, token) {
            Ok(upload) => upload,
            Err(reject) => return self.refuse_for(stream, &reject),
        };
        // Whoever still writes has lost its connection: the client asks because it begins again.
        let Some(_mine) = self.media.hold(file, Some(stream)) else {
            return self.refuse(stream, reply::LOCKED);
        };
        let offset = self.media.folder.bytes(file).unwrap_or(0);
        answer(reply::OK)
            .with("Upload-Offset", offset)
            .with("Upload-Length", upload.bytes)
            .with("Cache-Control", "no-store")
            .send(stream, Some(0), head.close)?;
        Ok(true)
    }

    fn patch(&mut self, stream: &mut TcpStream, head: &Head, file: FileId) -> Next {
        let Some(token) = head.token else { return self.refuse(stream, reply::UNAUTHORIZED) };
        if !head.tus {
            return self.refuse(stream, reply::PRECONDITION_FAILED);
        }
        if !head.offset_stream {
            return self.refuse(stream, reply::UNSUPPORTED);
        }
        let Some(length) = head.content_length.filter(|_| !head.encoded) else {
            return self.refuse(stream, reply::LENGTH_REQUIRED);
        };
        let Some(offset) = head.upload_offset else { return self.refuse(stream, reply::BAD_REQUEST) };
        let upload = match self.ask(UploadAsk::Open, file, token) {
            Ok(upload) => upload,
            Err(reject) => return self.refuse_for(stream, &reject),
        };
        let Some(_mine) = self.media.hold(file, Some(stream)) else {
            return self.refuse(stream, reply::LOCKED);
        };
        let there = self.media.folder.bytes(file).unwrap_or(0);
        if offset != there {
            return self.refuse(stream, reply::CONFLICT);
        }
        if there.checked_add(length).is_none_or(|end| end > upload.bytes) {
            return self.refuse(stream, reply::TOO_LARGE);
        }
        if !self.media.folder.has_room(length) {
            return self.refuse(stream, reply::NO_SPACE);
        }
        if head.expects_continue {
            stream.write_all(reply::CONTINUE)?;
        }
        if let Err(status) = self.receive(stream, file, length)? {
            return self.refuse(stream, status);
        }
        self.end_patch(stream, head, file, token, &upload)
    }

    /// Writes what comes to the end of the file.
    fn receive(
        &mut self,
        stream: &mut TcpStream,
        file: FileId,
        mut left: u64,
    ) -> Result<Result<(), Status>, Ended> {
        let Ok(mut open) = self.media.folder.append(file) else { return Ok(Err(reply::UNAVAILABLE)) };
        self.buffer.resize(MEDIA_BUFFER_BYTES, 0);
        let mut pace = Pace::new();
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let room = self.buffer.get_mut(..most).unwrap_or_default();
            let read = if self.read.is_empty() {
                match stream.read(room) {
                    Ok(0) => return Err(Ended),
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => return Err(Ended),
                }
            } else {
                let count = self.read.len().min(most);
                for (to, from) in room.iter_mut().zip(self.read.drain(..count)) {
                    *to = from;
                }
                count
            };
            match open.write_all(self.buffer.get(..read).unwrap_or_default()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(Err(reply::NO_SPACE)),
                Err(_) => return Ok(Err(reply::UNAVAILABLE)),
            }
            left = left.saturating_sub(read as u64);
            self.media.stats.media_bytes_in.add(read as u64);
            self.moved(&mut pace, read)?;
        }
        Ok(Ok(()))
    }

    fn end_patch(
        &mut self,
        stream: &mut TcpStream,
        head: &Head,
        file: FileId,
        token: UploadToken,
        upload: &OpenUpload,
    ) -> Next {
        let there = self.media.folder.bytes(file).unwrap_or(0);
        if there == upload.bytes && !upload.complete {
            if self.media.folder.make_durable(file).is_err() {
                return self.refuse(stream, reply::UNAVAILABLE);
            }
            if let Err(reject) = self.ask(UploadAsk::Complete, file, token) {
                if reject.code == RejectCode::FileGone {
                    // It ended while its last bytes came; nobody else will look for them.
                    let _ = self.media.folder.delete(file);
                }
                return self.refuse_for(stream, &reject);
            }
            self.media.stats.files_uploaded.add(1);
        }
        answer(reply::NO_CONTENT)
            .with("Upload-Offset", there)
            .with("Cache-Control", "no-store")
            .send(stream, None, head.close)?;
        Ok(true)
    }

    fn give_up(&mut self, stream: &mut TcpStream, head: &Head, file: FileId) -> Next {
        let Some(token) = head.token else { return self.refuse(stream, reply::UNAUTHORIZED) };
        if !head.tus {
            return self.refuse(stream, reply::PRECONDITION_FAILED);
        }
        match self.ask(UploadAsk::GiveUp, file, token) {
            Ok(_) => {
                answer(reply::NO_CONTENT).send(stream, None, head.close)?;
                Ok(true)
            }
            Err(reject) => self.refuse_for(stream, &reject),
        }
    }

    fn ask(&self, what: UploadAsk, file: FileId, token: UploadToken) -> Result<OpenUpload, Reject> {
        let answer = self.media.ask(what, file, FileCommand::hash(token));
        answer.unwrap_or_else(|| Err(waxwing_server::rejects::unavailable()))
    }
}

impl Visit<'_> {
    fn moved(&self, pace: &mut Pace, bytes: usize) -> Result<(), Ended> {
        if pace.keeps_up(bytes) {
            return Ok(());
        }
        self.media.stats.media_slow.add(1);
        Err(Ended)
    }
}
