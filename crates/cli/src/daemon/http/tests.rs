use super::*;

fn head(text: &str) -> Result<Option<Head>, Problem> {
    Ok(Head::parse(text.as_bytes())?.map(|(head, _)| head))
}

fn admitted(fields: &str, token: Option<&Token>) -> Result<(), u16> {
    let head = head(&format!("GET /api/v1/check HTTP/1.1\r\n{fields}\r\n")).unwrap().unwrap();
    admit(&head, token, "127.0.0.1:8080".parse().unwrap()).map_err(|(status, _)| status)
}

#[test]
fn programs_of_this_machine_come_in_and_web_pages_do_not() {
    for host in ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.3.4.5", "[::1]:8080"] {
        assert_eq!(admitted(&format!("Host: {host}\r\n"), None), Ok(()), "{host}");
    }
    for host in ["example.org", "localhost.example.org:8080", "10.0.0.1", "127.0.0.1.nip.io", "[::2]", ""] {
        assert_eq!(admitted(&format!("Host: {host}\r\n"), None), Err(403), "{host}");
    }
    let here = "Host: localhost\r\n";
    for origin in ["http://localhost:8080", "https://example.org", "null"] {
        assert_eq!(admitted(&format!("{here}Origin: {origin}\r\n"), None), Err(403), "{origin}");
    }
    assert_eq!(admitted(&format!("{here}Sec-Fetch-Site: cross-site\r\n"), None), Err(403));
    assert_eq!(admitted(&format!("{here}Sec-Fetch-Site: none\r\n"), None), Ok(()));
}

#[test]
fn a_token_opens_and_nothing_else_does() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    assert!(Token::read(&path).is_err(), "others can read it");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let Ok(token) = Token::read(&path) else { panic!("it is a token") };
    let with = |authorization: &str| admitted(&format!("Host: x\r\n{authorization}"), Some(&token));
    assert_eq!(with("Authorization: Bearer 0123456789abcdef\r\n"), Ok(()));
    assert_eq!(with("Authorization: bearer  0123456789abcdef\r\n"), Ok(()));
    for wrong in [
        "",
        "Authorization: Bearer 0123456789abcdeg\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Basic 0123456789abcdef\r\n",
        "Authorization: 0123456789abcdef\r\n",
    ] {
        assert_eq!(with(wrong), Err(401), "{wrong}");
    }
    assert_eq!(with("Authorization: Bearer 0123456789abcdef\r\nOrigin: http://x\r\n"), Err(403));
    std::fs::write(&path, "short").unwrap();
    assert!(Token::read(&path).is_err());
}

#[test]
fn heads_that_can_be_read_in_two_ways_are_not_read() {
    let refused = |text: &str| match head(text) {
        Err(Problem::Refused(status, _)) => status,
        other => panic!("{text}: {other:?}"),
    };
    assert!(head("GET / HTTP/1.1\r\nHost: x\r\n").unwrap().is_none());
    assert_eq!(refused("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused("{\"jsonrpc\":\"2.0\"}\r\n\r\n"), 400);
    let start = "POST / HTTP/1.1\r\nHost: x\r\n";
    assert_eq!(refused(&format!("{start}Host: y\r\n\r\n")), 400);
    assert_eq!(refused(&format!("{start}Content-Length: 1\r\nContent-Length: 2\r\n\r\n")), 400);
    assert_eq!(refused(&format!("{start}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")), 400);
    assert_eq!(refused(&format!("{start}Content-Length: +1\r\n\r\n")), 400);
    assert_eq!(refused(&format!("{start}Content-Length: 99999999999999999999999\r\n\r\n")), 413);
    assert_eq!(refused(&format!("{start}Transfer-Encoding: gzip\r\n\r\n")), 501);
    assert_eq!(refused(&format!("{start}{}\r\n", "A: b\r\n".repeat(100))), 431);
    let read = head(&format!("{start}Connection: close\r\nContent-Length: 3\r\n\r\n")).unwrap().unwrap();
    assert!(!read.keep_alive && read.has_body());
    assert!(!head("GET / HTTP/1.0\r\n\r\n").unwrap().unwrap().keep_alive);
}

#[test]
fn the_last_event_of_an_entry_has_its_id() {
    let told = Told { id: 7, params: vec![Value::from("a\n"), Value::from("b")] };
    let text = "event:receive\ndata:\"a\\n\"\n\nid:7\nevent:receive\ndata:\"b\"\n\n";
    assert_eq!(event(&told), text);
}
