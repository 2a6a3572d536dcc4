//! Files in an object store: a real S3 server (moto), clients that put and fetch segments there by presigned URLs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../cli/tests/support/s3.rs"]
mod s3;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use s3::{BUCKET, Gate, S3};
use support::files::{rejected, request, storage, ticket};
use support::{Client, Device, PATIENCE, Server, Way, message, run};
use ureq::Agent;
use waxwing_serverd::config::Options;
use waxwing_serverd::media::objects::{ObjectSettings, Objects, Storage};
use waxwing_serverd::media::{Keeper as _, Tally, count};
use waxwing_serverd::message::Job;
use waxwing_serverd::queue::Queue;
use waxwing_wire::client_frame::Send;
use waxwing_wire::file::{FileRequest, UploadTicket, UploadToken};
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{FileId, MessageId, RejectCode};

const SEGMENT: usize = 8 * 1024 * 1024;

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().new_agent()
}

fn put(url: &str, bytes: &[u8]) -> u16 {
    agent().put(url).send(bytes).unwrap().status().as_u16()
}

fn get(url: &str, range: &str) -> (u16, Vec<u8>) {
    let mut answer = agent().get(url).header("Range", range).call().unwrap();
    let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap();
    (answer.status().as_u16(), body)
}

fn segments(client: &mut Client, ticket: &UploadTicket, first: u32, count: u32) -> Vec<String> {
    let UploadTicket { file, token, .. } = *ticket;
    match request(client, FileRequest::Segments { file, token, first, count }) {
        ResponseBody::Segments(segments) => segments.urls,
        other => panic!("{other:?}"),
    }
}

fn finish(client: &mut Client, ticket: &UploadTicket) -> ResponseBody {
    request(client, FileRequest::Finish { file: ticket.file, token: ticket.token })
}

/// Has a server started that keeps its files there.
fn at<T>(s3: &S3, start: impl FnOnce(&[&str]) -> T) -> T {
    start(&s3.flags().iter().map(String::as_str).collect::<Vec<_>>())
}

fn alice(server: &Server) -> Device {
    Device::register(server.address, &server.invite(), "alice")
}

#[test]
fn segments_go_up_are_looked_at_and_come_down_past_a_killed_server() {
    let s3 = S3::moto();
    let server = at(&s3, Server::start);
    let mut alice = alice(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let bytes: Vec<u8> = (0..SEGMENT + 1_000).map(|at| (at * 7 / 5) as u8).collect();
    let ticket = ticket(&mut a, bytes.len() as u64);
    assert_eq!((ticket.segment_bytes, ticket.url.as_str()), (SEGMENT as u64, ""));
    let forged = UploadTicket { token: UploadToken([0; 32]), ..ticket.clone() };
    let UploadTicket { file, token, .. } = ticket;
    let asked = FileRequest::Segments { file, token: forged.token, first: 0, count: 1 };
    assert_eq!(rejected(&request(&mut a, asked)), RejectCode::NotAllowed);
    let asked = FileRequest::Segments { file, token, first: 2, count: 1 };
    assert_eq!(rejected(&request(&mut a, asked)), RejectCode::Malformed, "it has two");
    let urls = segments(&mut a, &ticket, 0, 16);
    assert_eq!(urls.len(), 2, "as many as there are");
    assert_eq!(put(&urls[0], &bytes[..SEGMENT]), 200);
    assert_eq!(rejected(&finish(&mut a, &ticket)), RejectCode::Malformed, "one is missing");
    assert_eq!(put(&urls[1], &bytes[SEGMENT..][..999]), 200);
    assert_eq!(rejected(&finish(&mut a, &ticket)), RejectCode::Malformed, "one is too small");
    // moto looks at no signature: what it took too much of goes when it is seen.
    assert_eq!(put(&urls[1], &bytes[SEGMENT - 1..]), 200);
    assert_eq!(put(&urls[1].replace("/1?", "/2?"), &[7; 300]), 200);
    assert_eq!(rejected(&finish(&mut a, &ticket)), RejectCode::Malformed, "more than there is to be");
    let left = s3.list();
    assert!(left.len() == 1 && left[0].1.ends_with("/0"), "{left:?}");
    assert_eq!(server.stat("files_too_large"), 1);
    assert!(server.log_text().contains("takes more than a URL was signed for"), "and the operator is told");
    // A store that looks takes nothing of another size.
    for (url, size) in [(&urls[0], SEGMENT), (&urls[1], 1_000)] {
        let fits = |size: usize| s3.run(&["fits", url, &size.to_string()]);
        assert_eq!((fits(size).trim(), fits(size + 1).trim()), ("yes", "no"), "{url}");
    }
    let bob = Device::register(server.address, &server.invite(), "bob").address.account;
    let send = |id| Send { files: vec![ticket.file], ..message(bob, id, 100) };
    a.send(vec![send(1)]).unwrap();
    assert_eq!(a.refused().unwrap().reject.code, RejectCode::FileGone, "named too early");
    drop(a);
    let server = at(&s3, |flags| server.restart_after_kill(flags));
    let mut a = alice.connect(server.address, Way::WebSocket).unwrap();
    let again = segments(&mut a, &ticket, 1, 1);
    assert_eq!(put(&again[0], &bytes[SEGMENT..]), 200);
    assert_eq!(rejected(&finish(&mut a, &forged)), RejectCode::NotAllowed);
    assert_eq!(finish(&mut a, &ticket), ResponseBody::Done);
    assert_eq!(finish(&mut a, &ticket), ResponseBody::Done, "it may be said again");
    assert_eq!(server.stat("files_uploaded"), 1);
    a.send(vec![send(2)]).unwrap();
    a.accepted(MessageId(2)).unwrap();
    let download = match request(&mut a, FileRequest::Download { file: ticket.file, first: 1 }) {
        ResponseBody::Download(download) => download,
        other => panic!("{other:?}"),
    };
    assert_eq!((download.bytes, download.urls.len()), (bytes.len() as u64, 1));
    let (status, part) = get(&download.urls[0], "bytes=100-199");
    assert!(status == 206 && part == bytes[SEGMENT + 100..SEGMENT + 200]);
    // No byte went through the server, nothing of it is served there, and nothing that is a right is logged.
    assert_eq!((server.stat("media_bytes_in"), server.stat("media_links")), (0, 2));
    let here = format!("http://{}/media/{}", server.address, ticket.file.to_hex());
    assert_eq!(get(&here, "bytes=0-").0, 404);
    let log = server.log_text();
    for secret in [s3.key.1.as_str(), "X-Amz-Signature", &ticket.token.to_hex()] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn what_belongs_to_nothing_is_counted_and_reclaimed() {
    let s3 = S3::moto();
    let server = at(&s3, Server::start);
    let mut alice = alice(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let ticket = ticket(&mut a, 4_000);
    assert_eq!(put(&segments(&mut a, &ticket, 0, 1)[0], &[1; 4_000]), 200);
    let stray = format!("{}/{BUCKET}/files/{}", s3.endpoint, "ab".repeat(16));
    for segment in 0..3 {
        assert_eq!(put(&format!("{stray}/{segment}"), &[7; 500]), 200);
    }
    let counted = storage(&server, &[]);
    assert_eq!((&counted["files"], &counted["file_bytes"]), (&2.into(), &5_500.into()));
    let reclaimed = storage(&server, &["--reclaim"]);
    assert_eq!((&reclaimed["reclaimed_files"], &reclaimed["reclaimed_bytes"]), (&1.into(), &1_500.into()));
    assert_eq!((&reclaimed["files"], &reclaimed["file_bytes"]), (&1.into(), &4_000.into()));
    assert_eq!(finish(&mut a, &ticket), ResponseBody::Done, "what is on its way up stays");
}

#[test]
fn a_store_that_fails_is_said_to_and_everything_else_goes_on() {
    let s3 = S3::moto();
    let gate = Gate::before(&s3);
    let flags = s3.flags_at(&gate.endpoint);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = Server::start(&flags);
    let mut alice = alice(&server);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let bytes = vec![5; SEGMENT + 100];
    let first = ticket(&mut a, bytes.len() as u64);
    let urls = segments(&mut a, &first, 0, 2);
    assert_eq!(put(&urls[0], &bytes[..SEGMENT]), 200);
    assert_eq!((server.stat("media_store_errors"), server.stat("media_store_down")), (0, 0));
    gate.shut();
    assert!(agent().put(&urls[1]).send(&bytes[SEGMENT..]).is_err());
    // Whether all of it is there, nobody can say: the client comes again.
    let ResponseBody::Reject(away) = finish(&mut a, &first) else { panic!("it is not there") };
    assert!(away.code == RejectCode::Unavailable && away.retry_after_ms > 0, "{away:?}");
    assert!(server.stat("media_store_errors") >= 1);
    assert_eq!(server.stat("media_store_down"), 1);
    let place = server.data_dir.to_str().unwrap();
    let counted = run(&["storage", "--data-dir", place]);
    let said = String::from_utf8_lossy(&counted.stderr).into_owned();
    assert!(!counted.status.success() && said.contains("cannot list the object store"), "{said}");
    // Tickets are given and messages go.
    let second = ticket(&mut a, 100);
    let bob = Device::register(server.address, &server.invite(), "bob").address.account;
    a.send(vec![message(bob, 1, 100)]).unwrap();
    a.accepted(MessageId(1)).unwrap();
    gate.open();
    assert_eq!(put(&urls[1], &bytes[SEGMENT..]), 200);
    assert_eq!(finish(&mut a, &first), ResponseBody::Done);
    assert_eq!(server.stat("media_store_down"), 0);
    a.send(vec![Send { files: vec![first.file], ..message(bob, 2, 100) }]).unwrap();
    a.accepted(MessageId(2)).unwrap();
    // What was acknowledged is there when the store comes back once more.
    gate.shut();
    assert!(matches!(finish(&mut a, &second), ResponseBody::Reject(_)));
    gate.open();
    assert_eq!(put(&segments(&mut a, &second, 0, 1)[0], &[1; 100]), 200);
    assert_eq!(finish(&mut a, &second), ResponseBody::Done);
    assert_eq!(storage(&server, &[])["file_bytes"], bytes.len() as u64 + 100);
}

#[test]
fn a_bad_configuration_is_said_at_the_start() {
    let s3 = S3::moto();
    let mut flags = s3.flags();
    let place = flags.iter().position(|flag| flag == BUCKET).unwrap();
    "no-such-bucket".clone_into(&mut flags[place]);
    let directory = tempfile::tempdir().unwrap();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let Err(output) = Server::try_start_in(&directory.path().join("data"), &flags) else {
        panic!("it started");
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert!(text.contains("NoSuchBucket") && text.contains("media-bucket"), "{text}");
    assert!(!text.contains(&s3.key.1) && !text.contains("X-Amz"), "{text}");
}

#[test]
fn what_is_to_go_goes_with_all_its_segments_and_may_be_gone_already() {
    let s3 = S3::moto();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, &s3.key.1).unwrap();
    let options = Options {
        media_storage: Some(Storage::S3),
        media_bucket: Some(BUCKET.into()),
        media_endpoint: Some(s3.endpoint.clone()),
        media_access_key_id: Some(s3.key.0.clone()),
        media_secret_file: Some(secret),
        ..Options::default()
    };
    let settings = ObjectSettings::of(&options).unwrap().unwrap();
    let engine = Arc::new(Queue::new(16, 1 << 20));
    let objects = Objects::open(&settings, None, engine.clone(), Arc::default()).unwrap();
    let (file, other) = (FileId([3; 16]), FileId([4; 16]));
    for (file, segment) in [(file, 0), (file, 1), (other, 0)] {
        let url = format!("{}/{BUCKET}/{}/{segment}", s3.endpoint, file.to_hex());
        assert_eq!(put(&url, &[1; 100]), 200);
    }
    for _ in 0..2 {
        objects.delete(file);
        let mut jobs = Vec::new();
        engine.wait(&mut jobs, Duration::from_secs(30));
        assert!(matches!(jobs[..], [Job::FileDeleted(gone)] if gone == file));
        let left: Vec<String> = s3.list().into_iter().map(|(_, key)| key).collect();
        assert_eq!(left, [format!("{}/0", other.to_hex())]);
    }
    let until = Instant::now() + PATIENCE;
    let counted = count(&*objects, None, until).unwrap();
    assert_eq!((counted.stays, counted.whole), (Tally { files: 1, bytes: 100 }, true));
    let counted = count(&*objects, None, Instant::now()).unwrap();
    assert_eq!((counted.stays.files, counted.whole), (0, false), "there was no time");
}
