//! Files through a real server: tickets over the connection, bytes over HTTP on the same port.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::files::{rejected, request, storage, ticket};
use support::{Client, Device, PATIENCE, Server, Way, eventually, message};
use waxwing_wire::client_frame::Send;
use waxwing_wire::file::{Download, FileRequest, UploadTicket, UploadToken};
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{FileId, RejectCode};

/// An answer: status, headers by lower-case name, body.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    fn offset(&self) -> u64 {
        self.header("upload-offset").parse().unwrap()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads one answer; `None`: the server hung up.
fn answer(stream: &mut TcpStream, has_body: bool) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("{error}"),
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let named = lines.filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        named.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; if has_body { length } else { 0 }];
    stream.read_exact(&mut body).unwrap();
    Some(Answer { status, headers, body })
}

fn ask_on(stream: &mut TcpStream, method: &str, url: &str, headers: &str, body: &[u8]) -> Answer {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{method} {url} HTTP/1.1\r\nHost: here\r\n{headers}{length}\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    answer(stream, method != "HEAD").unwrap()
}

fn ask(address: SocketAddr, method: &str, url: &str, headers: &str, body: &[u8]) -> Answer {
    ask_on(&mut connect(address), method, url, headers, body)
}

fn tus(token: UploadToken) -> String {
    format!("Tus-Resumable: 1.0.0\r\nAuthorization: Bearer {}\r\n", token.to_hex())
}

fn patching(token: UploadToken, offset: u64) -> String {
    format!("{}Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n", tus(token))
}

fn patch(address: SocketAddr, ticket: &UploadTicket, offset: u64, bytes: &[u8]) -> Answer {
    ask(address, "PATCH", &ticket.url, &patching(ticket.token, offset), bytes)
}

fn offset(address: SocketAddr, ticket: &UploadTicket) -> u64 {
    let answer = ask(address, "HEAD", &ticket.url, &tus(ticket.token), b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.offset()
}

fn download(client: &mut Client, file: FileId) -> Download {
    match request(client, FileRequest::Download { file, first: 0 }) {
        ResponseBody::Download(download) => download,
        other => panic!("{other:?}"),
    }
}

/// Bytes that look like a ciphertext: no two pieces are equal.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn people(server: &Server) -> (Device, Device) {
    let invitation = server.invite();
    let alice = Device::register(server.address, &invitation, "alice");
    (alice, Device::register(server.address, &invitation, "bob"))
}

#[test]
fn a_file_goes_up_is_named_and_comes_down() {
    let server = Server::start(&[]);
    let (mut alice, mut bob) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut b = bob.connect(server.address, Way::WebSocket).unwrap();
    let bytes = noise(300_000);
    let ticket = ticket(&mut a, 300_000);
    assert_eq!(offset(server.address, &ticket), 0);
    // Named too early: nobody could fetch it.
    let send = |id| Send { files: vec![ticket.file], ..message(bob.address.account, id, 100) };
    a.send(vec![send(1)]).unwrap();
    let refused = a.refused().unwrap();
    assert_eq!((refused.reject.code, refused.files_gone), (RejectCode::FileGone, vec![ticket.file]));

    let mut stream = connect(server.address);
    let first = ask_on(&mut stream, "PATCH", &ticket.url, &patching(ticket.token, 0), &bytes[..100_000]);
    assert_eq!((first.status, first.offset()), (204, 100_000));
    let second =
        ask_on(&mut stream, "PATCH", &ticket.url, &patching(ticket.token, 100_000), &bytes[100_000..]);
    assert_eq!((second.status, second.offset()), (204, 300_000));
    a.send(vec![send(2)]).unwrap();
    a.accepted(waxwing_wire::MessageId(2)).unwrap();
    b.entry().unwrap();

    let download = download(&mut b, ticket.file);
    assert_eq!((download.bytes, download.urls.len(), download.segment_bytes), (300_000, 1, 0));
    let url = download.urls[0].as_str();
    let whole = ask_on(&mut stream, "GET", url, "", b"");
    assert_eq!((whole.status, whole.body.len()), (200, 300_000));
    assert!(whole.body == bytes, "the bytes that went up come down");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert!(whole.header("cache-control").starts_with("private, max-age="));
    assert_eq!(whole.header("access-control-allow-origin"), "*");
    let part = ask_on(&mut stream, "GET", url, "Range: bytes=65536-65600\r\n", b"");
    assert_eq!((part.status, part.header("content-range")), (206, "bytes 65536-65600/300000"));
    assert!(part.body == bytes[65_536..=65_600]);
    let end = ask_on(&mut stream, "GET", url, "Range: bytes=-10\r\n", b"");
    assert!(end.body == bytes[299_990..]);
    let behind = ask_on(&mut stream, "GET", url, "Range: bytes=300000-\r\n", b"");
    assert_eq!((behind.status, behind.header("content-range")), (416, "bytes */300000"));
    let known = format!("If-None-Match: {}\r\n", whole.header("etag"));
    assert_eq!(ask_on(&mut stream, "GET", url, &known, b"").status, 304);
    let size = ask_on(&mut stream, "HEAD", url, "", b"");
    assert_eq!((size.status, size.header("content-length")), (200, "300000"));
    assert_eq!(request(&mut b, FileRequest::Fetched(vec![ticket.file])), ResponseBody::Done);
    assert_eq!((server.stat("files_uploaded"), server.stat("media_bytes_in")), (1, 300_000));
    eventually("the connection is counted out", || {
        let _ = stream.shutdown(Shutdown::Both);
        server.stat("media_connections") == 0
    });
}

#[test]
fn a_browser_asks_for_the_web_app_and_for_files_on_one_connection() {
    let server = Server::start(&[]);
    let (mut alice, _) = people(&server);
    let mut client = alice.connect(server.address, Way::WebSocket).unwrap();
    let bytes = noise(100_000);
    let ticket = ticket(&mut client, 100_000);
    let mut stream = connect(server.address);
    for half in [0, 50_000] {
        let page = ask_on(&mut stream, "GET", "/", "", b"");
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let headers = patching(ticket.token, half as u64);
        let piece = ask_on(&mut stream, "PATCH", &ticket.url, &headers, &bytes[half..half + 50_000]);
        assert_eq!((piece.status, piece.offset()), (204, half as u64 + 50_000));
    }
    assert_eq!(ask_on(&mut stream, "GET", "/nowhere", "", b"").status, 404);
    assert_eq!(server.stat("files_uploaded"), 1);
}

#[test]
fn an_upload_goes_on_after_kill_9() {
    let mut server = Server::start(&[]);
    let (mut alice, _) = people(&server);
    let bytes = noise(3_000_000);
    let ticket = ticket(&mut alice.connect(server.address, Way::Tcp).unwrap(), 3_000_000);
    let mut there = 0;
    for round in 0..4 {
        let mut stream = connect(server.address);
        let rest = &bytes[there as usize..];
        let head = format!(
            "PATCH {} HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n",
            ticket.url,
            patching(ticket.token, there),
            rest.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A part of it, and then nothing more: the connection or the server dies.
        stream.write_all(&rest[..500_000 + round * 7]).unwrap();
        let before = there;
        eventually("something of it is there", || {
            let folder = server.data_dir.join("media").join(&ticket.file.to_hex()[..2]);
            let size = std::fs::metadata(folder.join(ticket.file.to_hex())).map_or(0, |file| file.len());
            size > before
        });
        if round % 2 == 0 {
            server = server.restart_after_kill(&[]);
        }
        // The connection before may still stand, as far as the server knows: whoever asks anew takes over.
        there = offset(server.address, &ticket);
        assert!(there > before && there <= before + 500_000 + round as u64 * 7, "{there} after {before}");
        drop(stream);
    }
    let done = patch(server.address, &ticket, there, &bytes[there as usize..]);
    assert_eq!((done.status, done.offset()), (204, 3_000_000));
    let server = server.restart_after_kill(&[]);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let download = download(&mut a, ticket.file);
    let whole = ask(server.address, "GET", &download.urls[0], "", b"");
    assert!(whole.body == bytes, "what was put together from parts is the file");
    assert_eq!(
        request(&mut a, FileRequest::Finish { file: ticket.file, token: ticket.token }),
        ResponseBody::Done
    );
}

#[test]
fn nobody_gets_in_without_the_ticket_or_the_link() {
    let server = Server::start(&[]);
    let (mut alice, _) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let ticket = ticket(&mut a, 10);
    let wrong = UploadToken([0; 32]);
    let forged = UploadTicket { token: wrong, ..ticket.clone() };
    assert_eq!(patch(server.address, &forged, 0, b"0123456789").status, 403);
    assert_eq!(ask(server.address, "HEAD", &ticket.url, &tus(wrong), b"").status, 403);
    assert_eq!(ask(server.address, "DELETE", &ticket.url, &tus(wrong), b"").status, 403);
    let other = UploadTicket { url: format!("/media/{}", "0".repeat(32)), ..ticket.clone() };
    assert_eq!(patch(server.address, &other, 0, b"0123456789").status, 410);
    let no_token =
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n";
    assert_eq!(ask(server.address, "PATCH", &ticket.url, no_token, b"x").status, 401);
    // The rules of tus.
    assert_eq!(patch(server.address, &ticket, 3, b"x").status, 409, "not where it stands");
    assert_eq!(patch(server.address, &ticket, 0, b"0123456789x").status, 413, "more than the ticket is for");
    let unversioned = patching(ticket.token, 0).replace("1.0.0", "0.9");
    let old = ask(server.address, "PATCH", &ticket.url, &unversioned, b"x");
    assert_eq!((old.status, old.header("tus-version")), (412, "1.0.0"));
    let untyped = patching(ticket.token, 0).replace("offset+octet-stream", "json");
    assert_eq!(ask(server.address, "PATCH", &ticket.url, &untyped, b"x").status, 415);
    let chunked = format!("{}Transfer-Encoding: chunked\r\n", patching(ticket.token, 0));
    assert_eq!(ask(server.address, "PATCH", &ticket.url, &chunked, b"").status, 411);
    assert_eq!(offset(server.address, &ticket), 0, "nothing of all this was taken");

    assert_eq!(patch(server.address, &ticket, 0, b"0123456789").status, 204);
    let link = download(&mut a, ticket.file).urls[0].clone();
    for bad in
        [ticket.url.clone(), link.replace("until=1", "until=2"), format!("{}0", &link[..link.len() - 1])]
    {
        if bad != link {
            assert_eq!(ask(server.address, "GET", &bad, "", b"").status, 403, "{bad}");
        }
    }
    assert_eq!(ask(server.address, "GET", "/media/", "", b"").status, 404);
    assert_eq!(ask(server.address, "GET", "/media/../server.key", "", b"").status, 404);
    assert_eq!(ask(server.address, "POST", &ticket.url, "", b"").status, 405);
    let options = ask(server.address, "OPTIONS", "/media/", "", b"");
    assert_eq!((options.status, options.header("tus-version")), (204, "1.0.0"));
}

#[test]
fn shares_are_kept_and_given_back() {
    let server = Server::start(&["--media-quota-bytes", "1000", "--media-file-bytes", "800"]);
    let (mut alice, mut bob) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(rejected(&request(&mut a, FileRequest::Upload(801))), RejectCode::TooLarge);
    let first = ticket(&mut a, 600);
    assert_eq!(rejected(&request(&mut a, FileRequest::Upload(401))), RejectCode::Quota);
    ticket(&mut bob.connect(server.address, Way::Tcp).unwrap(), 800);
    assert_eq!(patch(server.address, &first, 0, &noise(300)).status, 204);
    let half = request(&mut a, FileRequest::Finish { file: first.file, token: first.token });
    assert_eq!(rejected(&half), RejectCode::Malformed, "not all of it is there");
    let given_up = ask(server.address, "DELETE", &first.url, &tus(first.token), b"");
    assert_eq!(given_up.status, 204, "{given_up:?}");
    eventually("its room is given back", || {
        matches!(request(&mut a, FileRequest::Upload(800)), ResponseBody::UploadTicket(_))
    });
    assert_eq!(ask(server.address, "HEAD", &first.url, &tus(first.token), b"").status, 410);
    let storage = storage(&server, &[]);
    assert_eq!((storage["files"].as_u64(), storage["file_bytes"].as_u64()), (Some(0), Some(0)), "{storage}");
}

#[test]
fn what_belongs_to_nothing_is_reclaimed() {
    let server = Server::start(&[]);
    let (mut alice, _) = people(&server);
    let ticket = ticket(&mut alice.connect(server.address, Way::Tcp).unwrap(), 1_000);
    assert_eq!(patch(server.address, &ticket, 0, &noise(400)).status, 204);
    let stray = server.data_dir.join("media/ab");
    std::fs::create_dir_all(&stray).unwrap();
    std::fs::write(stray.join(format!("ab{}", "0".repeat(30))), [7; 5_000]).unwrap();
    assert_eq!(storage(&server, &[])["file_bytes"], 5_400);
    let reclaimed = storage(&server, &["--reclaim"]);
    assert_eq!((&reclaimed["reclaimed_bytes"], &reclaimed["file_bytes"]), (&5_000.into(), &400.into()));
    assert_eq!(offset(server.address, &ticket), 400, "what is on its way up stays");
}

#[test]
fn a_server_without_media_says_so() {
    let server = Server::start(&["--no-media"]);
    let (mut alice, _) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(rejected(&request(&mut a, FileRequest::Upload(10))), RejectCode::NotOffered);
    assert_eq!(ask(server.address, "GET", "/media/00", "", b"").status, 404);
}

#[test]
fn urls_are_the_operators() {
    let flags = ["--public-url", "https://chat.example/", "--cdn-url", "https://cdn.example/x"];
    let server = Server::start(&flags);
    let (mut alice, _) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut ticket = ticket(&mut a, 4);
    let name = format!("/media/{}", ticket.file.to_hex());
    assert_eq!(ticket.url, format!("https://chat.example{name}"));
    ticket.url.clone_from(&name);
    assert_eq!(patch(server.address, &ticket, 0, b"abcd").status, 204);
    let link = download(&mut a, ticket.file).urls[0].clone();
    assert!(link.starts_with(&format!("https://cdn.example/x{name}?until=")), "{link}");
    let path = link.strip_prefix("https://cdn.example/x").unwrap();
    let got = ask(server.address, "GET", path, "", b"");
    assert!(got.header("cache-control").starts_with("public, max-age="), "a cache may keep it");
    assert_eq!(got.body, b"abcd");
}

#[test]
fn hostile_clients_hold_nothing_up() {
    let server = Server::start(&["--limit-loopback", "--guests-per-ip", "1000"]);
    let (mut alice, _) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let ticket = ticket(&mut a, 100);
    // Heads that never end, as many as one address may begin; the next is told to come again.
    let mut slow: Vec<TcpStream> = (0..40).map(|_| connect(server.address)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /media/ HTTP/1.1\r\nX: ").unwrap();
    }
    eventually("those that are too many are sent away", || server.stat("media_refused") >= 8);
    assert!(server.stat("media_connections") <= 32);
    // Meanwhile the server talks to others as ever.
    assert!(matches!(request(&mut a, FileRequest::Upload(1)), ResponseBody::UploadTicket(_)));
    let begun = Instant::now();
    eventually("unfinished heads are given up", || server.stat("media_connections") == 0);
    assert!(begun.elapsed() < Duration::from_secs(20));
    drop(slow);
    // A head without bounds.
    let mut stream = connect(server.address);
    let _ = stream.write_all(format!("GET /media/{} HTTP/1.1\r\n", "x".repeat(20_000)).as_bytes());
    assert!(answer(&mut stream, true).is_none_or(|answer| answer.status == 431));
    for garbage in [&b"GET /media/\x00\xff HTTP/1.1\r\n\r\n"[..], b"PATCH /media/ HTTP/9.9\r\n\r\n"] {
        let mut stream = connect(server.address);
        stream.write_all(garbage).unwrap();
        assert!(answer(&mut stream, true).is_none_or(|answer| answer.status == 400));
    }
    assert_eq!(offset(server.address, &ticket), 0);
    server.signal(Signal::TERM);
}

#[test]
fn a_canary_stands_nowhere_but_where_it_was_put() {
    let server = Server::start(&[]);
    let (mut alice, _) = people(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let ticket = ticket(&mut a, 1_000);
    let link_of = |client: &mut Client| download(client, ticket.file).urls[0].clone();
    assert_eq!(patch(server.address, &ticket, 0, &noise(1_000)).status, 204);
    let link = link_of(&mut a);
    let secrets = [ticket.token.to_hex(), link.split_once("mac=").unwrap().1.to_owned()];
    ask(server.address, "GET", &link, "", b"");
    let log = server.log_text();
    assert!(secrets.iter().all(|secret| !log.contains(secret.as_str())), "no token and no link is logged");
    let in_store = |bytes: &[u8]| {
        let mut found = false;
        let mut folders = vec![server.data_dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(text) = std::fs::read(&path) {
                    found |= text.windows(bytes.len()).any(|window| window == bytes);
                }
            }
        }
        found
    };
    assert!(!in_store(&ticket.token.0), "the store keeps a hash of the token");
}
