use proptest::prelude::*;

use super::*;
use crate::limits::MAX_MEDIA_HEADERS;

const FILE: &str = "000102030405060708090a0b0c0d0e0f";

fn head(text: &str) -> Head {
    match parse(text.as_bytes()) {
        Parsed::Whole(length, head) if length == text.len() => *head,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_upload_is_understood() {
    let token = "ab".repeat(32);
    let head = head(&format!(
        "PATCH /media/{FILE} HTTP/1.1\r\nHost: a\r\nTUS-Resumable: 1.0.0\r\nUpload-Offset: 70\r\n\
         content-type: application/offset+octet-stream\r\nContent-Length: 30\r\nAuthorization: bearer {token}\r\n\
         Expect: 100-continue\r\n\r\n"
    ));
    assert_eq!((head.method, head.upload_offset, head.content_length), (Method::Patch, Some(70), Some(30)));
    assert_eq!(head.file.map(FileId::to_hex).as_deref(), Some(FILE));
    assert_eq!(head.token.map(UploadToken::to_hex), Some(token));
    assert!(head.tus && head.offset_stream && head.expects_continue && !head.close && !head.encoded);
}

#[test]
fn a_download_is_understood() {
    let text = format!(
        "GET /media/{FILE}?until=1&mac=2 HTTP/1.1\r\nRange: bytes=5-9\r\nIf-None-Match: \"{FILE}\"\r\n\
         Connection: keep-alive, close\r\n\r\n"
    );
    let head = head(&text);
    assert_eq!((head.query.as_str(), head.range), ("until=1&mac=2", Some(Range::From(5, Some(9)))));
    assert!(head.has_it && head.close);
}

#[test]
fn what_can_be_read_in_two_ways_is_not_read() {
    let with = |headers: &str| parse(format!("PATCH /media/{FILE} HTTP/1.1\r\n{headers}\r\n").as_bytes());
    assert_eq!(with("Content-Length: 5\r\nContent-Length: 6\r\n"), Parsed::Bad);
    assert_eq!(with("Content-Length: +5\r\n"), Parsed::Bad);
    assert!(matches!(with("Transfer-Encoding: chunked\r\n"), Parsed::Whole(_, head) if head.encoded));
    let many = "X: y\r\n".repeat(MAX_MEDIA_HEADERS + 1);
    assert_eq!(with(&many), Parsed::Bad);
}

#[test]
fn ranges_stay_within_the_file() {
    let within = |text: &str| range(text).and_then(|range| range.within(100));
    assert_eq!(within("bytes=0-"), Some((0, 100)));
    assert_eq!(within("bytes=99-"), Some((99, 1)));
    assert_eq!(within("bytes=10-19"), Some((10, 10)));
    assert_eq!(within("bytes=10-18446744073709551615"), Some((10, 90)));
    assert_eq!(within("bytes=-30"), Some((70, 30)));
    assert_eq!(within("bytes=-300"), Some((0, 100)));
    for nothing in
        ["bytes=100-", "bytes=-0", "bytes=5-4", "bytes=0-1,3-4", "lines=1-2", "bytes=a-", "bytes=-"]
    {
        assert_eq!(within(nothing), None, "{nothing}");
    }
    assert_eq!(Range::Last(1).within(0), None);
}

#[test]
fn requests_for_files_are_told_apart_early() {
    for (bytes, verdict) in [
        ("GET", None),
        ("GET /me", None),
        ("PATCH /media/00", Some(true)),
        ("GET /v1/stream HTTP/1.1\r\n", Some(false)),
        ("GET /v", Some(false)),
        ("GET / HTTP/1.1", Some(false)),
        ("GET\r\n", Some(false)),
        ("OPTIONS /media/ HTTP/1.1\r\n", Some(true)),
    ] {
        assert_eq!(is_media(bytes.as_bytes()), verdict, "{bytes}");
    }
}

/// Strangers send anything: no bytes make it panic, and what is taken is within the buffer.
#[test]
fn any_bytes_give_an_answer() {
    let whole = format!(
        "PATCH /media/{FILE}?a=b HTTP/1.1\r\nContent-Length: 30\r\nRange: bytes=1-2\r\nUpload-Offset: 1\r\n\
         Authorization: Bearer {}\r\n\r\n",
        "ab".repeat(32)
    );
    let mut seed = 7_u64;
    for round in 0..20_000_usize {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=round % 5 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            match seed >> 62 {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.remove(at)),
                _ => bytes[at] = (seed >> 8) as u8,
            }
            if bytes.len() < 2 {
                bytes.extend_from_slice(b"GET /media/");
            }
        }
        let _ = is_media(&bytes);
        if let Parsed::Whole(length, _) = parse(&bytes) {
            assert!(length <= bytes.len());
        }
    }
}

/// Heads as they are, and pieces of them in any order.
fn words() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "GET ",
        "HEAD ",
        "PATCH ",
        "DELETE ",
        "OPTIONS ",
        "/media/",
        FILE,
        "?until=1&mac=",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "Content-Length: ",
        "Upload-Offset: ",
        "Range: bytes=",
        "If-None-Match: ",
        "Tus-Resumable: 1.0.0\r\n",
        "Authorization: Bearer ",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "18446744073709551615",
        "18446744073709551616",
        "0",
        "-",
        ",",
        "%00",
        "\0",
        "é",
    ]);
    let any = prop_oneof![9 => piece.prop_map(str::to_owned), 1 => ".{0,12}"];
    prop::collection::vec(any, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is taken is within the buffer, is understood the same way when it comes in two pieces, and names nothing
    /// outside of a file.
    #[test]
    fn fuzz_heads(text in words(), headed in any::<bool>(), cut in any::<prop::sample::Index>(), size in any::<u64>()) {
        let text = if headed { format!("GET /media/{FILE} HTTP/1.1\r\n{text}\r\n\r\n") } else { text };
        let bytes = text.as_bytes();
        let early = is_media(&bytes[..cut.index(bytes.len() + 1)]);
        prop_assert!(early.is_none() || early == is_media(bytes), "it is known, and stays so");
        if let Parsed::Whole(length, head) = parse(bytes) {
            prop_assert!(length <= bytes.len());
            prop_assert_eq!(parse(&bytes[..length]), Parsed::Whole(length, head.clone()));
            let part = parse(&bytes[..cut.index(length)]);
            prop_assert!(matches!(part, Parsed::Partial | Parsed::Bad), "a part of a head is none");
            if let Some((first, count)) = head.range.and_then(|range| range.within(size)) {
                prop_assert!(count > 0 && first.checked_add(count).is_some_and(|end| end <= size));
            }
        }
    }

    #[test]
    fn fuzz_links(query in "(until=)?[0-9]{0,22}(&mac=)?[0-9a-fA-F]{0,34}.{0,3}", now_s in any::<u64>()) {
        let links = crate::media::links::Links::of(&waxwing_wire::handshake::StaticKey::from_bytes([3; 32]));
        prop_assert_eq!(links.check(FileId([1; 16]), &query, now_s), None, "nobody guesses a right");
    }
}
