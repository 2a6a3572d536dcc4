use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;

/// What a WebDAV server has.
#[derive(Default)]
pub struct Dav {
    pub files: BTreeMap<String, Vec<u8>>,
    folder: bool,
    /// It knows nothing of ranges.
    plain: bool,
    methods: Vec<String>,
}

/// Of RFC 4918 and RFC 9110 what a client that keeps files meets, in as many words. For `alice` with `open sesame`.
fn serve(mut stream: TcpStream, dav: &Mutex<Dav>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        assert!(!headers.contains_key("transfer-encoding"), "many servers refuse what has no length");
        let mut dav = dav.lock().unwrap();
        dav.methods.push(method.clone());
        let name = path.strip_prefix("/dav/waxwing/").map(str::to_owned);
        let allowed = headers.get("authorization").is_some_and(|it| it == "Basic YWxpY2U6b3BlbiBzZXNhbWU=");
        let (status, body) = match (allowed, method.as_str(), name) {
            (false, ..) => (401, Vec::new()),
            (_, "MKCOL", Some(name)) if name.is_empty() => {
                dav.folder = true;
                (201, Vec::new())
            }
            (_, "PUT", Some(_)) if !dav.folder => (409, Vec::new()),
            (_, "PUT", Some(name)) => {
                dav.files.insert(name, body);
                (201, Vec::new())
            }
            (_, "GET", Some(name)) => match (dav.files.get(&name), headers.get("range")) {
                (None, _) => (404, Vec::new()),
                (Some(file), Some(range)) if !dav.plain => {
                    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
                    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                    match file.get(from..file.len().min(to + 1)) {
                        Some(part) if !part.is_empty() => (206, part.to_vec()),
                        _ => (416, Vec::new()),
                    }
                }
                (Some(file), _) => (200, file.clone()),
            },
            (_, "DELETE", Some(name)) if dav.files.remove(&name).is_some() => (204, Vec::new()),
            (_, "DELETE", Some(_)) => (404, Vec::new()),
            _ => (405, Vec::new()),
        };
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
    }
}

/// A server, and the address of a folder on it that is not there yet.
pub fn server() -> (String, Arc<Mutex<Dav>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/dav/waxwing", listener.local_addr().unwrap());
    let dav = Arc::new(Mutex::new(Dav::default()));
    let kept = dav.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let dav = kept.clone();
            std::thread::spawn(move || serve(stream, &dav));
        }
    });
    (url, dav)
}

pub fn place(url: &str, password: &str) -> CloudPlace {
    CloudPlace::WebDav {
        url: url.to_owned(),
        user: Some("alice".to_owned()),
        password: Some(password.to_owned()),
    }
}

fn file(folder: &TempDir, content: &[u8]) -> File {
    let path = folder.path().join("source");
    fs::write(&path, content).unwrap();
    File::open(path).unwrap()
}

fn content(cloud: &dyn Cloud, name: &str, from: u64) -> Result<Vec<u8>, CloudError> {
    let mut content = Vec::new();
    cloud.read(name, from)?.read_to_end(&mut content)?;
    Ok(content)
}

/// What every place does.
fn keeps(cloud: &dyn Cloud) {
    let folder = TempDir::new().unwrap();
    // Two pieces, and a little.
    let bytes = 2 * crate::limits::MAX_PIECE_BYTES + 300_000;
    let long: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
    assert_eq!(content(cloud, "a1", 0), Err(CloudError::Gone));
    assert_eq!(cloud.put("a1", file(&folder, &long), bytes), Ok(()));
    assert!(content(cloud, "a1", 0).unwrap() == long);
    assert_eq!(content(cloud, "a1", bytes - 10).unwrap().len(), 10);
    // Exactly a piece.
    let end = &long[long.len() - crate::limits::MAX_PIECE_BYTES as usize..];
    assert!(content(cloud, "a1", bytes - crate::limits::MAX_PIECE_BYTES).unwrap() == end);
    assert_eq!(cloud.put("a1", file(&folder, b"anew"), 4), Ok(()));
    assert_eq!(content(cloud, "a1", 1).unwrap(), b"new");
    assert_eq!(cloud.put("empty", file(&folder, b""), 0), Ok(()));
    assert_eq!(content(cloud, "empty", 0).unwrap(), b"");
    assert_eq!((cloud.delete("a1"), cloud.delete("a1")), (Ok(()), Ok(())));
    assert_eq!(content(cloud, "a1", 0), Err(CloudError::Gone));
}

#[test]
fn a_folder_keeps_files() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/cloud");
    let place = CloudPlace::Folder { path: path.to_string_lossy().into_owned() };
    let cloud = open(&place).unwrap();
    keeps(&*cloud);
    let source = TempDir::new().unwrap();
    assert!(cloud.put("cut", file(&source, b"four"), 5).is_err(), "a file that is shorter than it was");
    let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["empty"], "nothing of it stays");
    fs::remove_dir_all(&path).unwrap();
    assert!(cloud.delete("a1").is_err(), "what is not plugged in has deleted nothing");
}

#[test]
fn a_webdav_server_keeps_files() {
    let (url, dav) = server();
    keeps(&*open(&place(&url, "open sesame")).unwrap());
    assert_eq!(dav.lock().unwrap().methods[..4], ["GET", "PUT", "MKCOL", "PUT"], "the folder is made");
    dav.lock().unwrap().plain = true;
    keeps(&*open(&place(&url, "open sesame")).unwrap());
    let wrong = open(&place(&url, "open barley")).unwrap();
    assert_eq!(content(&*wrong, "empty", 0), Err(CloudError::Refused));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = open(&place(&format!("http://{nobody}/x"), "open sesame")).unwrap();
    assert!(matches!(content(&*nowhere, "empty", 0), Err(CloudError::Unreachable(_))));
}

#[test]
fn what_is_no_place_is_refused() {
    let web = |url: &str, user: Option<&str>| {
        let user = user.map(str::to_owned);
        check(&CloudPlace::WebDav { url: url.to_owned(), user, password: None }).is_ok()
    };
    assert!(web("https://cloud.example/dav/me", Some("me")) && web("http://cloud.example/dav", None));
    assert!(web("http://127.0.0.1:8080/dav", Some("me")) && web("http://localhost/dav", Some("me")));
    assert!(!web("http://cloud.example/dav", Some("me")), "for everybody to read");
    assert!(!web("http://localhost.example/dav", Some("me")));
    for wrong in [
        "",
        "cloud.example",
        "ftp://a/b",
        "https://",
        "https://a/b?c",
        "https://a/b#c",
        "https://a b",
        "https://u@a/",
    ] {
        assert!(!web(wrong, None), "{wrong}");
    }
    assert!(check(&CloudPlace::Folder { path: "relative".to_owned() }).is_err());
    assert!(check(&CloudPlace::Folder { path: "/".repeat(MAX_PLACE_BYTES + 1) }).is_err());
}
