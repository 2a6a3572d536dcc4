use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpListener;

use proptest::prelude::*;

use super::*;
use crate::visitor::Parsed;

const PAGE: &[u8] = b"<!doctype html>";
const SCRIPT: &[u8] = b"let a = 1;";
const FILES: &[Asset] = &[
    Asset { path: "/index.html", plain: PAGE, brotli: b"PB", gzip: b"PG" },
    Asset { path: "/assets/a-1b.js", plain: SCRIPT, brotli: b"SB", gzip: b"" },
    Asset { path: "/assets/core-2c.wasm", plain: b"\0asm", brotli: b"", gzip: b"" },
    Asset { path: "/manifest.webmanifest", plain: b"{}", brotli: b"", gzip: b"" },
];

/// An answer: status, headers by lower-case name, body.
struct Said {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Said {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or_else(|| panic!("no {name} in {:?}", self.headers), String::as_str)
    }
}

/// Asks on a connection of its own; everything up to the end of it.
fn ask(request: &str) -> Vec<u8> {
    let site = Site::of(FILES, Arc::default(), &["https://files.example:9000".to_owned()]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(request.as_bytes()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut read = Vec::new();
    while matches!(site.request(&mut server, &mut read), Ok(true)) {}
    drop(server);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    answer
}

fn one(answer: &[u8]) -> Said {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let named = lines.map(|line| line.split_once(": ").unwrap());
    let headers = named.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Said { status, headers, body: answer[end + 4..].to_vec() }
}

fn get(path: &str, headers: &str) -> Said {
    one(&ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n")))
}

#[test]
fn every_answer_tells_the_browser_what_to_refuse() {
    for (path, status) in [("/", 200), ("/assets/a-1b.js", 200), ("/nothing", 404)] {
        let said = get(path, "");
        assert_eq!(said.status, status, "{path}");
        let policy = said.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "connect-src 'self' https://files.example:9000",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.split("; ").any(|said| said == directive), "{directive} in {policy}");
        }
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains('*')
        );
        assert_eq!(said.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(said.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(said.header("x-content-type-options"), "nosniff");
        assert_eq!(said.header("referrer-policy"), "no-referrer");
        let permissions = said.header("permissions-policy");
        assert!(
            permissions.contains("camera=(self)")
                && permissions.contains("geolocation=(self)")
                && permissions.contains("gyroscope=()"),
            "{permissions}"
        );
    }
}

#[test]
fn an_origin_that_would_be_a_directive_is_left_out() {
    let lines =
        policy::lines(&["https://a;script-src *".to_owned(), "null".to_owned(), "http://b:1".to_owned()]);
    assert!(lines.contains("connect-src 'self' http://b:1; "), "{lines}");
    assert!(!lines.contains('*') && !lines.contains("null"));
}

#[test]
fn files_are_sent_as_small_as_the_client_takes_them() {
    for (accepted, encoding, body) in [
        ("", None, PAGE),
        ("Accept-Encoding: gzip, deflate, br, zstd\r\n", Some("br"), b"PB"),
        ("Accept-Encoding: gzip\r\n", Some("gzip"), b"PG"),
        ("Accept-Encoding: GZIP;q=0.5\r\naccept-encoding: br;q=0\r\n", Some("gzip"), b"PG"),
        ("Accept-Encoding: br; q=0.000, gzip;q=0\r\n", None, PAGE),
        ("Accept-Encoding: *\r\n", Some("br"), b"PB"),
        ("Accept-Encoding: *;q=0, identity\r\n", None, PAGE),
        ("Accept-Encoding: \r\n", None, PAGE),
    ] {
        let said = get("/", accepted);
        assert_eq!((said.status, said.body.as_slice()), (200, body), "{accepted}");
        assert_eq!(said.headers.get("content-encoding").map(String::as_str), encoding, "{accepted}");
        assert_eq!(said.header("content-length"), body.len().to_string());
        assert_eq!(said.header("vary"), "Accept-Encoding");
        assert_eq!(said.header("content-type"), "text/html; charset=utf-8");
    }
    assert_eq!(get("/", "Accept-Encoding: *;q=0\r\n").status, 406);
    assert_eq!(get("/assets/a-1b.js", "Accept-Encoding: gzip\r\n").body, SCRIPT);
}

#[test]
fn what_is_named_by_its_content_stays_and_the_rest_is_asked_for() {
    let script = get("/assets/a-1b.js?v=1", "");
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(get("/assets/core-2c.wasm", "").header("content-type"), "application/wasm");
    let manifest = get("/manifest.webmanifest", "");
    assert_eq!(manifest.header("content-type"), "application/manifest+json");
    assert_eq!(manifest.header("cache-control"), "no-cache");

    let brotli = "Accept-Encoding: br\r\n";
    let page = get("/", brotli);
    assert_eq!(page.header("cache-control"), "no-cache");
    let etag = page.header("etag");
    assert_ne!(etag, get("/", "").header("etag"), "another form has another name");
    for known in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let again = get("/", &format!("{brotli}If-None-Match: {known}\r\n"));
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), etag);
        assert!(!again.headers.contains_key("content-length"));
    }
    assert_eq!(get("/", &format!("If-None-Match: {etag}\r\n")).status, 200);
}

#[test]
fn only_what_is_there_is_there() {
    for path in ["/index.htm", "/chats", "/assets/", "/assets", "/../index.html", "//", "/%69ndex.html", "*"]
    {
        assert_eq!(get(path, "").status, 404, "{path}");
    }
    assert_eq!(get("/index.html?source=pwa", "").body, PAGE);
}

#[test]
fn requests_follow_each_other_and_a_body_ends_it() {
    let ask_all = |requests: &str| String::from_utf8(ask(requests)).unwrap();
    let statuses = |answers: &str| -> Vec<String> {
        answers.match_indices("HTTP/1.1 ").map(|(at, _)| answers[at + 9..at + 12].to_owned()).collect()
    };
    let both =
        ask_all("GET /assets/a-1b.js HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\nDELETE / HTTP/1.1\r\n\r\n");
    assert_eq!(statuses(&both), ["200", "200", "405"]);
    assert!(both.contains("let a = 1;HTTP/1.1 200") && both.contains("Content-Length: 15\r\n"), "{both}");
    assert!(!both.contains("<!doctype") && both.contains("Allow: GET, HEAD\r\n"));
    let posted = ask_all("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /GET / HTTP/1.1\r\n\r\n");
    assert_eq!(statuses(&posted), ["405"]);
    assert_eq!(statuses(&ask_all("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n")), ["200"]);
    assert_eq!(statuses(&ask_all("GET / HTTP/9.9\r\n\r\n")), ["400"]);
    assert_eq!(statuses(&ask_all(&format!("GET / HTTP/1.1\r\na: {}", "x".repeat(9_000)))), ["431"]);
}

#[test]
fn the_page_that_says_what_is_missing_is_there_at_least() {
    assert!(ASSETS.iter().any(|asset| asset.path == "/index.html" && !asset.plain.is_empty()));
    for asset in ASSETS {
        assert_ne!(kind(asset.path), "application/octet-stream", "{} has a media type", asset.path);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_head_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut request = b"GET / HTTP/1.1\r\n".to_vec();
        request.extend_from_slice(&bytes);
        for bytes in [bytes, request] {
            if let Parsed::Whole(length, head) = parse(&bytes) {
                prop_assert!(length <= bytes.len() && head.path.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn any_bytes_of_a_header_mean_something(list in "[ a-z*;=,.0-9]{0,60}", etags in "[ -~]{0,60}") {
        let text = format!("GET / HTTP/1.1\r\nAccept-Encoding: {list}\r\nIf-None-Match: {etags}\r\n\r\n");
        let Parsed::Whole(length, head) = parse(text.as_bytes()) else { panic!("a head: {text}") };
        prop_assert_eq!(length, text.len());
        // Who does not say otherwise takes a content as it is.
        if !list.contains("q") { prop_assert!(head.takes(None)); }
        let _ = (head.takes(Some("br")), head.has("\"a\""));
    }
}
