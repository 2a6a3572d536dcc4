use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::net::{IpAddr, TcpListener};
use std::thread;

use ::image::{ImageFormat, Rgb, RgbImage};
use data_encoding::BASE64;
use waxwing_wire::limits::{MAX_LABEL_BYTES, MAX_PREVIEW_IMAGE_BYTES};

use super::page::About;
use super::reach::is_public;
use super::*;

/// A site with these pages: path, kind, what is answered. Gives its address.
fn site(pages: Vec<(&'static str, &'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(&stream).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = match pages.iter().find(|(at, ..)| *at == path) {
                None => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
                Some((_, "redirect", to)) => {
                    [b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ", &to[..], b"\r\n\r\n"].concat()
                }
                Some((_, kind, body)) => {
                    let head =
                        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
                    [head.as_bytes(), body].concat()
                }
            };
            let _ = stream.write_all(&answer);
        }
    });
    address
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    // Noise of a kind: hard to compress.
    let pixel = |x: u32, y: u32| {
        let byte = |by: u32| u8::try_from((x * 7919 + y * 104_729) * by % 251).expect("below 251");
        Rgb([byte(1), byte(3), byte(7)])
    };
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, pixel).write_to(&mut file, ImageFormat::Png).expect("a picture");
    file.into_inner()
}

#[test]
fn links_end_where_people_mean_them_to() {
    for (text, expected) in [
        ("see https://waxwing.example/a?b=c#d.", Some("https://waxwing.example/a?b=c#d")),
        ("(http://waxwing.example/a_(b))!", Some("http://waxwing.example/a_(b)")),
        ("*https://waxwing.example*, now", Some("https://waxwing.example")),
        ("http://b.example https://a.example", Some("http://b.example")),
        ("https://", None),
        ("ftp://waxwing.example", None),
        ("no link", None),
    ] {
        assert_eq!(link(text), expected, "{text}");
    }
}

#[test]
fn a_page_is_shown_as_it_describes_itself_and_its_picture_is_small() {
    let page = br#"<!doctype html><html><head><title>plain</title><script>"<title>no</title>"</script>
        <meta property="og:title" content="Birds &amp;  more"><meta name="description" content="About birds">
        <meta property="og:image" content="/bird.png"></head><body><title>late</title></body>"#;
    let pages = vec![
        ("/start", "redirect", b"/page".to_vec()),
        ("/page", "text/html; charset=utf-8", page.to_vec()),
        ("/bird.png", "image/png", picture(700, 400)),
    ];
    let url = format!("http://{}/start", site(pages));
    let preview = fetch(&format!("look: {url}, nice"), Reach::Everywhere).expect("a preview");
    assert_eq!((preview.url, preview.title.as_str()), (url, "Birds & more"));
    assert_eq!(preview.description, "About birds");
    let file = BASE64.decode(preview.image.as_bytes()).expect("base64");
    assert!(!file.is_empty() && file.len() <= MAX_PREVIEW_IMAGE_BYTES);
    let small = ::image::load_from_memory(&file).expect("a picture");
    assert!(small.width() <= 240 && small.width() > small.height());
}

#[test]
fn what_is_no_page_has_no_preview() {
    let pages = vec![
        ("/untitled", "text/html", b"<head></head>".to_vec()),
        ("/file", "application/octet-stream", b"<title>x</title>".to_vec()),
        ("/circle", "redirect", b"/circle".to_vec()),
        ("/else", "redirect", b"file:///etc/passwd".to_vec()),
        ("/broken", "text/html", b"<head><meta property=og:title content=fine><meta content=\"".to_vec()),
        ("/false", "text/html", b"<title>t</title><meta property=og:image content=/no.png>".to_vec()),
        ("/no.png", "image/png", b"\x89PNG\r\n\x1a\n and nothing".to_vec()),
    ];
    let site = site(pages);
    let fetch = |path: &str| fetch(&format!("http://{site}{path}"), Reach::Everywhere);
    assert_eq!(fetch("/untitled").err(), Some(NoPreview::NoTitle));
    for path in ["/file", "/circle", "/else", "/nowhere"] {
        assert_eq!(fetch(path).err(), Some(NoPreview::NoPage), "{path}");
    }
    assert_eq!(fetch("/broken").expect("what came is good").title, "fine");
    let no_picture = fetch("/false").expect("a page");
    assert_eq!((no_picture.title.as_str(), no_picture.image.as_str()), ("t", ""));
}

#[test]
fn a_public_link_leads_nowhere_else() {
    let site = site(vec![("/", "text/html", b"<title>inside</title>".to_vec())]);
    assert_eq!(fetch(&format!("http://{site}/"), Reach::Public).err(), Some(NoPreview::Unfit));
    let port = site.split(':').nth(1).expect("a port");
    // A name that leads inside.
    assert_eq!(fetch(&format!("http://localhost:{port}/"), Reach::Public).err(), Some(NoPreview::NoPage));
    assert_eq!(
        fetch(&format!("http://localhost:{port}/"), Reach::Everywhere).expect("there").title,
        "inside"
    );
    for link in
        ["http://anna:secret@waxwing.example/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/"]
    {
        assert_eq!(fetch(link, Reach::Public).err(), Some(NoPreview::Unfit), "{link}");
    }
    for inside in [
        "10.0.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
        "2001:db8::1",
    ] {
        assert!(!is_public(inside.parse::<IpAddr>().expect("an address")), "{inside}");
    }
    for outside in ["1.1.1.1", "193.0.2.1", "2606:4700::1111", "64:ff9b::101:101"] {
        assert!(is_public(outside.parse::<IpAddr>().expect("an address")), "{outside}");
    }
}

#[test]
fn a_hostile_answer_costs_a_bounded_amount() {
    let long = "x".repeat(2 * 1024 * 1024);
    let pages = vec![
        ("/long", "text/html", format!("<title>{long}").into_bytes()),
        ("/words", "text/html", format!("<title>{}", "word ".repeat(100_000)).into_bytes()),
        ("/many", "text/html", format!("{}<title>far</title>", "<meta a=b>".repeat(50_000)).into_bytes()),
    ];
    let site = site(pages);
    let fetch = |path: &str| fetch(&format!("http://{site}{path}"), Reach::Everywhere);
    // One word that does not fit is none.
    assert!(fetch("/long").is_ok_and(|preview| preview.title == "…"));
    assert!(fetch("/words").is_ok_and(|preview| preview.title.len() <= MAX_LABEL_BYTES));
    assert_eq!(fetch("/many").err(), Some(NoPreview::NoTitle));
    // A picture that says that it is huge.
    let mut huge = picture(2, 2);
    huge.splice(16..24, [0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    assert!(image::small(&huge).is_none());
}

/// Whatever comes, nothing breaks: every page and picture cut off and with a byte changed.
#[test]
fn reading_is_total() {
    let page =
        b"<!DOCTYPE html><head><title>a &#x1F600; b</title><meta name='description' content=\"&lt;c\"><meta
        property=og:image content='x.png'><!-- c --><style>d</style></head>";
    let file = picture(9, 7);
    for bytes in [&page[..], &file] {
        for end in 0..bytes.len() {
            let _ = page::read(&bytes[..end]);
            let mut changed = bytes.to_vec();
            changed[end] ^= 0x55;
            let _ = page::read(&changed);
            let _ = image::small(&changed);
            let _ = image::small(&bytes[..end]);
        }
    }
    assert_eq!(page::read(b"<p>text"), About::default());
}
