use super::*;

fn upgrade(headers: &str) -> Option<IpAddr> {
    let head = format!(
        "GET /v1/stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    match answer(head.as_bytes()) {
        Answer::Upgrade { consumed, forwarded_for, .. } => {
            assert_eq!(consumed, head.len());
            forwarded_for
        }
        Answer::Partial | Answer::Refuse(_) => panic!("no upgrade: {head}"),
    }
}

#[test]
fn the_nearest_proxy_is_believed_and_what_a_client_wrote_before_it_is_not() {
    let ip = |text: &str| Some(text.parse().unwrap());
    assert_eq!(upgrade(""), None);
    assert_eq!(upgrade("X-Forwarded-For: 192.0.2.7\r\n"), ip("192.0.2.7"));
    assert_eq!(upgrade("x-forwarded-for: 198.51.100.1, 192.0.2.7:4711\r\n"), ip("192.0.2.7"));
    assert_eq!(
        upgrade("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 2001:db8::1\r\n"),
        ip("2001:db8::1")
    );
    assert_eq!(upgrade("X-Forwarded-For: [2001:db8::2]:99\r\n"), ip("2001:db8::2"));
    for nonsense in ["unknown", "192.0.2.7,", "::g"] {
        assert_eq!(upgrade(&format!("X-Forwarded-For: {nonsense}\r\n")), None, "{nonsense}");
    }
}
