//! From bytes to jobs.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use waxwing_server::{Piece, rejects};
use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::handshake::{Answer, MAGIC, MAX_HANDSHAKE_BYTES, PREAMBLE_BYTES, Responder};
use waxwing_wire::server_frame::{Response, ResponseBody};
use waxwing_wire::{Malformed, Reject, RejectCode, frame};

use super::conn::Stage;
use super::draft;
use super::http;
use super::round::IoThread;
use super::websocket::{self, Control, Inbound};
use crate::limits::{LIGHT_QUEUE_JOBS, MAX_HTTP_HEAD_BYTES, READS_PER_ROUND};
use crate::message::{JOB_BYTES, Job, Peer};
use crate::stats::{Number, Stats};
use crate::visitor::{Host, Pool, Visitor};

/// Why a connection is not read any further.
enum End {
    /// It was not a conversation yet: nothing is said.
    Quiet,
    /// The peer is told, where the connection allows.
    Malformed(Malformed),
    /// HTTP has its own way to say no.
    Http(&'static [u8]),
    /// The peer closes the WebSocket.
    Closed,
}

impl From<Malformed> for End {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl IoThread {
    /// Reads a socket. `to_the_end`: there may be more than the last read gave, or an end of the stream.
    pub(super) fn readable(&mut self, place: usize, to_the_end: bool) {
        if self.is_stopped() && !self.is_closing(place) {
            return;
        }
        for _ in 0..READS_PER_ROUND {
            if !self.may_read(place) {
                return self.queue(place);
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = self.read_once(place, &mut buffer);
            self.buffer = buffer;
            match read {
                Ok(More::No) => return,
                Ok(More::Perhaps) if !to_the_end => return,
                Ok(More::Perhaps | More::Surely) => {}
                Err(end) => return self.end_reading(place, end),
            }
        }
        self.queue(place);
    }

    /// Whether it is the connection's turn: the engine has room, and the round has time for a handshake.
    fn may_read(&mut self, place: usize) -> bool {
        self.hand_over_if_much();
        if !self.shared.engine.has_room() {
            self.stalled = true;
            return false;
        }
        let Some(conn) = self.table.get(place) else { return true };
        let shakes_hands = matches!(conn.stage, Stage::Preamble | Stage::Handshake(_) | Stage::Sniff);
        if shakes_hands && self.handshakes_left == 0 {
            return false;
        }
        true
    }

    fn queue(&mut self, place: usize) {
        if let Some(conn) = self.table.get(place).filter(|conn| !conn.queued) {
            conn.queued = true;
            self.again.push_back(conn.id);
        }
    }

    fn read_once(&mut self, place: usize, buffer: &mut [u8]) -> Result<More, End> {
        let now_s = self.seconds();
        let Some(conn) = self.table.get(place) else { return Ok(More::No) };
        let begun = conn.partial.as_ref().map_or(0, |partial| partial.len());
        let (head, tail) = buffer.split_at_mut_checked(begun).ok_or(End::Quiet)?;
        let read = match conn.socket.read(tail) {
            Ok(0) => return Err(End::Closed),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(More::No),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(More::Surely),
            Err(_) => return Err(End::Closed),
        };
        let more = if read == tail.len() { More::Surely } else { More::Perhaps };
        conn.heard_s = now_s;
        let mut partial = conn.partial.take();
        if let Some(partial) = &partial {
            head.copy_from_slice(partial);
        }
        let stats = &self.shared.stats;
        stats.bytes_in.add(read as u64);
        stats.socket_reads.add(1);
        let length = begun + self.unwrap_websocket(place, tail.get_mut(..read).unwrap_or_default())?;
        let stream = buffer.get_mut(..length).unwrap_or_default();
        let used = self.consume(place, stream)?;
        let rest = stream.get(used..).unwrap_or_default();
        if let Some(conn) = self.table.get(place).filter(|_| !rest.is_empty()) {
            let kept = partial.get_or_insert_default();
            kept.clear();
            kept.extend_from_slice(rest);
            conn.partial = partial;
        }
        Ok(more)
    }

    /// Leaves the stream's bytes at the start of what was read and returns how many they are.
    fn unwrap_websocket(&mut self, place: usize, read: &mut [u8]) -> Result<usize, End> {
        let Some(websocket) = self.table.get(place).and_then(|conn| conn.websocket.as_mut()) else {
            return Ok(read.len());
        };
        let mut controls = Vec::new();
        let length = websocket.decode(read, &mut controls).map_err(|_| End::Quiet)?;
        for control in controls {
            match control {
                Control::Ping(payload) => self.write(place, &websocket::pong(&payload)),
                Control::Close => {
                    self.write(place, &websocket::close());
                    return Err(End::Closed);
                }
            }
        }
        Ok(length)
    }

    /// Takes whole units from the start of `stream`; returns the bytes taken.
    fn consume(&mut self, place: usize, stream: &mut [u8]) -> Result<usize, End> {
        let mut used = 0;
        loop {
            let Some(conn) = self.table.get(place) else { return Ok(stream.len()) };
            let rest = stream.get_mut(used..).unwrap_or_default();
            let taken = match &conn.stage {
                Stage::Sniff => match sniff(rest)? {
                    Some(stage) => {
                        conn.stage = stage;
                        continue;
                    }
                    None => 0,
                },
                Stage::Http => match http::whose(rest) {
                    Some(http::Whose::Web) => {
                        let web = self.shared.web.clone();
                        return self.give_away(place, rest, &web, |stats| &stats.web_connections);
                    }
                    Some(http::Whose::Files) => match self.shared.folder() {
                        Some(media) => {
                            return self.give_away(place, rest, &media, |stats| &stats.media_connections);
                        }
                        None => self.http(place, rest)?,
                    },
                    Some(http::Whose::Stream) | None => self.http(place, rest)?,
                },
                Stage::Preamble => self.preamble(place, rest)?,
                Stage::Handshake(_) => self.handshake(place, rest)?,
                Stage::Open(_) => self.frame(place, rest)?,
                Stage::Closing => return Ok(stream.len()),
            };
            if taken == 0 {
                return Ok(used);
            }
            used += taken;
        }
    }

    fn http(&mut self, place: usize, rest: &mut [u8]) -> Result<usize, End> {
        match http::answer(rest) {
            http::Answer::Partial if rest.len() < MAX_HTTP_HEAD_BYTES => Ok(0),
            http::Answer::Partial => Err(End::Quiet),
            http::Answer::Refuse(response) => Err(End::Http(response)),
            http::Answer::Upgrade { consumed, response, forwarded_for } => {
                // A client may not send before it has the response (RFC 6455, section 4.1): what would
                // follow here is not masked yet, so it is not the stream either.
                if consumed != rest.len() {
                    return Err(End::Quiet);
                }
                if let Some(ip) = forwarded_for.filter(|_| self.shared.settings.trust_forwarded_for) {
                    self.speaks_for(place, ip)?;
                }
                self.write(place, &response);
                if let Some(conn) = self.table.get(place) {
                    conn.websocket = Some(Box::new(Inbound::default()));
                    conn.stage = Stage::Preamble;
                }
                Ok(consumed)
            }
        }
    }

    /// A request that others answer: the connection is theirs from here on.
    fn give_away<H: Host>(
        &mut self,
        place: usize,
        rest: &[u8],
        host: &Arc<H>,
        counted: fn(&Stats) -> &Number,
    ) -> Result<usize, End> {
        let Some(mut conn) = self.table.remove(place) else { return Err(End::Quiet) };
        let _ = self.poll.registry().deregister(&mut conn.socket);
        let ip = conn.guest.map(|guest| {
            self.forget_guest(guest.ip, true);
            guest.ip
        });
        // Behind a proxy that is believed an address says nothing of who comes.
        let ip = ip.filter(|_| !self.shared.settings.trust_forwarded_for);
        let refused = match Visitor::admit(&self.shared, conn.socket.into(), rest.to_vec(), ip, counted) {
            Ok(visitor) => Pool::take(host, visitor).err().map(Visitor::into_stream),
            Err(stream) => Some(stream),
        };
        if let Some(mut stream) = refused {
            host.refused();
            // A few bytes, which the kernel takes at once or never.
            let _ = stream.write_all(http::BUSY);
        }
        Ok(rest.len())
    }

    /// A proxy that is believed says from where the connection comes: from here on that address is counted.
    fn speaks_for(&mut self, place: usize, ip: IpAddr) -> Result<(), End> {
        let admission = &self.shared.admission;
        let Some(guest) = self.table.get(place).and_then(|conn| conn.guest.as_mut()) else { return Ok(()) };
        if !admission.enter(ip) {
            self.shared.stats.turned_away.add(1);
            return Err(End::Quiet);
        }
        admission.leave(guest.ip);
        guest.ip = ip;
        Ok(())
    }

    fn preamble(&mut self, place: usize, rest: &mut [u8]) -> Result<usize, End> {
        let Some(preamble) = rest.first_chunk::<PREAMBLE_BYTES>() else { return Ok(0) };
        let responder = Responder::start(&self.shared.key, preamble, &mut self.rng)?;
        if let Some(conn) = self.table.get(place) {
            conn.stage = Stage::Handshake(Box::new(responder));
        }
        Ok(PREAMBLE_BYTES)
    }

    fn handshake(&mut self, place: usize, rest: &mut [u8]) -> Result<usize, End> {
        let Some(cut) = frame::cut(rest)? else {
            // A stranger does not get room for a whole frame.
            return if rest.len() < MAX_HANDSHAKE_BYTES { Ok(0) } else { Err(End::Quiet) };
        };
        let whole = cut.prefix_bytes + cut.frame_bytes;
        let message = rest.get(cut.prefix_bytes..whole).unwrap_or_default();
        let Some(conn) = self.table.get(place) else { return Ok(0) };
        let stage = std::mem::replace(&mut conn.stage, Stage::Closing);
        let Stage::Handshake(responder) = stage else { return Err(End::Quiet) };
        self.handshakes_left = self.handshakes_left.saturating_sub(1);
        let bytes = match responder.read(message)? {
            Answer::Continue(responder, bytes) => {
                conn.stage = Stage::Handshake(Box::new(responder));
                bytes
            }
            Answer::Finished(finished, bytes) => {
                conn.stage = Stage::Open(finished.transport);
                if let Some(guest) = &mut conn.guest {
                    guest.key = Some(finished.peer);
                }
                let deadline = self.now + self.shared.settings.guest_timeout;
                self.guests.push_back((deadline, conn.id));
                self.shared.stats.handshakes.add(1);
                bytes
            }
        };
        self.write_stream(place, &bytes);
        Ok(whole)
    }

    fn frame(&mut self, place: usize, rest: &mut [u8]) -> Result<usize, End> {
        let Some(cut) = frame::cut(rest)? else { return Ok(0) };
        let whole = cut.prefix_bytes + cut.frame_bytes;
        let sealed = rest.get_mut(cut.prefix_bytes..whole).unwrap_or_default();
        let Some(conn) = self.table.get(place) else { return Ok(0) };
        let Stage::Open(transport) = &mut conn.stage else { return Err(End::Quiet) };
        let plaintext = transport.open(sealed)?;
        let frame = ClientFrame::decode(Bytes::copy_from_slice(plaintext))?;
        self.shared.stats.frames_in.add(1);
        self.take_in(place, frame, whole);
        Ok(whole)
    }

    /// Answers what needs no decision and makes a job of the rest.
    fn take_in(&mut self, place: usize, mut frame: ClientFrame, bytes: usize) {
        if let Some(nonce) = frame.ping.take() {
            self.write_frame(place, &draft::pong(nonce));
        }
        self.limit_strangers(place, &mut frame);
        self.drop_light_under_load(&mut frame);
        if frame.is_empty() {
            return;
        }
        let Some(conn) = self.table.get(place) else { return };
        let guest = conn.guest.as_ref();
        let peer = guest.and_then(|guest| guest.key.map(|key| Peer { key, ip: guest.ip }));
        conn.known = true;
        self.jobs.push(Job::Frame { conn: conn.id, peer, frame: Box::new(frame) });
        self.job_bytes += bytes + JOB_BYTES;
    }

    /// What is light goes first when the engine has much to do.
    fn drop_light_under_load(&self, frame: &mut ClientFrame) {
        if frame.has_light() && self.shared.engine.waiting() >= LIGHT_QUEUE_JOBS {
            self.shared.stats.light_dropped.add(1);
            (frame.lights, frame.announcement, frame.watch) = (Vec::new(), None, None);
        }
    }

    fn limit_strangers(&mut self, place: usize, frame: &mut ClientFrame) {
        let Some(ip) = self.table.get(place).and_then(|conn| conn.guest.as_ref()).map(|guest| guest.ip)
        else {
            return;
        };
        let mut refused = Vec::new();
        frame.requests.retain(|request| {
            let verdict = match request.what {
                RequestBody::Register(_) => self.shared.admission.register(ip, self.now),
                RequestBody::OfferLink(..) => self.shared.admission.offer(ip, self.now),
                _ => Ok(()),
            };
            if let Err(retry_after_ms) = verdict {
                refused.push((request.id, rejects::rate_limited(retry_after_ms)));
            }
            verdict.is_ok()
        });
        for (id, reject) in refused {
            self.shared.stats.reject(&reject);
            let response = Response { id, what: ResponseBody::Reject(reject) };
            self.write_piece(place, Piece::Response(response));
        }
    }

    fn end_reading(&mut self, place: usize, end: End) {
        let Some(conn) = self.table.get(place) else { return };
        let was_open = matches!(conn.stage, Stage::Open(_));
        if !was_open && !matches!(conn.stage, Stage::Sniff | Stage::Http) && !matches!(end, End::Http(_)) {
            self.shared.stats.handshakes_failed.add(1);
        }
        match end {
            End::Malformed(malformed) if was_open => {
                self.shared.stats.malformed.add(1);
                let detail = format!("{malformed}: update the program that sent it, or report it");
                let reject = Reject::new(RejectCode::Malformed, detail);
                self.shared.stats.reject(&reject);
                self.say_goodbye(place, &reject);
            }
            End::Http(response) => {
                self.write(place, response);
                self.linger(place);
            }
            End::Quiet | End::Malformed(_) | End::Closed => self.close(place),
        }
    }
}

/// Whether another read would give something.
enum More {
    No,
    Perhaps,
    Surely,
}

/// What a connection is, from its first bytes; `None` when they are too few.
fn sniff(bytes: &[u8]) -> Result<Option<Stage>, End> {
    // Any HTTP method gets an HTTP answer; the longest are seven letters.
    let letters = bytes.iter().take(8).take_while(|byte| byte.is_ascii_uppercase()).count();
    if bytes.starts_with(&MAGIC) {
        return Ok(Some(Stage::Preamble));
    }
    match bytes.get(letters) {
        Some(b' ') if letters >= 3 => Ok(Some(Stage::Http)),
        None if letters < 8 => Ok(None),
        _ => Err(End::Quiet),
    }
}
