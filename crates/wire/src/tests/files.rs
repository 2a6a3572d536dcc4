//! What frames say about files, within bounds.

use super::frames::{bounded, down, up};
use super::samples::send;
use crate::client_frame::{ClientFrame, Request, RequestBody, Send as SendMessage};
use crate::file::{Download, FileRequest, Segments, UploadTicket, UploadToken};
use crate::limits::{
    MAX_FETCHED_PER_REQUEST, MAX_FILE_BYTES, MAX_FILES_PER_SEND, MAX_SEGMENT, MAX_SEGMENT_HEADER_BYTES,
    MAX_SEGMENT_HEADERS, MAX_SEGMENT_URLS, MAX_URL_BYTES,
};
use crate::server_frame::{Response, ResponseBody, ServerFrame};
use crate::{FileId, Malformed};

fn response(what: ResponseBody) -> ServerFrame {
    ServerFrame { responses: vec![Response { id: 1, what }], ..Default::default() }
}

#[test]
fn urls_of_segments_are_bounded() {
    let urls = |n| vec!["https://store.example/".to_owned(); n];
    let segments = |n| {
        response(ResponseBody::Segments(Segments { urls: urls(n), expires_at_ms: 1, headers: Vec::new() }))
    };
    bounded("Segments.url", MAX_SEGMENT_URLS, segments, down);
    let download = |n| {
        let download = Download { bytes: 1, segment_bytes: 1, urls: urls(n), expires_at_ms: 1 };
        response(ResponseBody::Download(download))
    };
    bounded("Download.url", MAX_SEGMENT_URLS, download, down);
}

#[test]
fn headers_are_the_stores_and_bounded() {
    let segments = |headers: Vec<(String, String)>| {
        response(ResponseBody::Segments(Segments {
            urls: vec!["https://x".into()],
            expires_at_ms: 1,
            headers,
        }))
    };
    let named = |name: &str, value: &str| segments(vec![(name.into(), value.into())]);
    let many = |n| segments(vec![("x-amz-acl".into(), "private".into()); n]);
    bounded("Segments.header", MAX_SEGMENT_HEADERS, many, down);
    assert!(down(&named("x-goog-a", "b c")).is_ok());
    let long = "x".repeat(MAX_SEGMENT_HEADER_BYTES);
    for (name, value) in [
        ("authorization", "x"),
        ("x-amz", "x"),
        ("x-ms-A", "x"),
        ("x-ms-a\r\nhost", "x"),
        ("x-ms-a", "x\r\nhost: y"),
        ("x-ms-a", "\u{e4}"),
        ("x-ms-a", &long),
    ] {
        assert_eq!(down(&named(name, value)).unwrap_err(), Malformed { what: "Segments.header" });
    }
}

#[test]
fn files_are_named_within_bounds() {
    let file = FileId([1; 16]);
    let sends = |n| ClientFrame {
        sends: vec![SendMessage { files: vec![file; n], ..send(1, b"") }],
        ..Default::default()
    };
    bounded("Send.files", MAX_FILES_PER_SEND, sends, up);
    let ask = |what| ClientFrame {
        requests: vec![Request { id: 1, what: RequestBody::File(what) }],
        ..Default::default()
    };
    let fetched = |n| ask(FileRequest::Fetched(vec![file; n]));
    bounded("FetchedFiles.files", MAX_FETCHED_PER_REQUEST, fetched, up);
    let malformed = |frame: &ClientFrame, what| assert_eq!(up(frame).unwrap_err(), Malformed { what });
    malformed(&fetched(0), "FetchedFiles.files");
    let token = UploadToken([2; 32]);
    let segments = |first, count| ask(FileRequest::Segments { file, token, first, count });
    assert!(up(&segments(MAX_SEGMENT, 16)).is_ok());
    malformed(&segments(0, 0), "RequestSegments.count");
    malformed(&segments(0, 17), "RequestSegments.count");
    malformed(&segments(MAX_SEGMENT + 1, 1), "RequestSegments.first");
    malformed(&ask(FileRequest::Download { file, first: MAX_SEGMENT + 1 }), "RequestDownload.first");
    // How large a file may be is the server's to say.
    assert!(up(&ask(FileRequest::Upload(u64::MAX))).is_ok());
}

#[test]
fn an_upload_has_a_way_up_and_a_download_a_way_down() {
    let ticket = |url: &str, segment_bytes| {
        let (file, token, url) = (FileId([1; 16]), UploadToken([2; 32]), url.to_owned());
        response(ResponseBody::UploadTicket(UploadTicket {
            file,
            token,
            url,
            expires_at_ms: 1,
            segment_bytes,
        }))
    };
    assert!(down(&ticket("/media/01", 0)).is_ok() && down(&ticket("", 1)).is_ok());
    for bad in [ticket("", 0), ticket("/media/01", 1), ticket(&"x".repeat(MAX_URL_BYTES + 1), 0)] {
        assert_eq!(down(&bad).unwrap_err(), Malformed { what: "UploadTicket.url" });
    }
    let download = |bytes, segment_bytes, urls: &[&str]| {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        response(ResponseBody::Download(Download { bytes, segment_bytes, urls, expires_at_ms: 1 }))
    };
    assert!(down(&download(MAX_FILE_BYTES, 0, &["/1"])).is_ok());
    for bad in [download(0, 0, &["/1"]), download(MAX_FILE_BYTES + 1, 0, &["/1"])] {
        assert_eq!(down(&bad).unwrap_err(), Malformed { what: "Download.bytes" });
    }
    for bad in [download(1, 0, &[]), download(1, 0, &["/1", "/2"]), download(1, 1, &[&"x".repeat(2_049)])] {
        assert_eq!(down(&bad).unwrap_err(), Malformed { what: "Download.url" });
    }
}
