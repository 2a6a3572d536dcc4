//! The directory of contacts through a real server: what is no question is refused, and nobody gets more of it than
//! their day's share, whatever happens to the process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::{Client, Connection, Device, Server, Way, request, rng, run};
use waxwing_server::limits::ADDRESSES_PER_DAY;
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::directory::{Address, AddressCode, Blinded};
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::limits::MAX_ADDRESSES_PER_REQUEST;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, RejectCode};

fn blinded(text: &str) -> Blinded {
    Blinded::new(Address::parse(text).unwrap(), &mut rng()).unwrap()
}

fn evaluate(client: &mut Client, count: usize) -> ResponseBody {
    client.ask(RequestBody::EvaluateAddresses(vec![blinded("a@example.org").element(); count]))
}

fn look_up(client: &mut Client, text: &str) -> Option<AccountId> {
    let asked = [blinded(text)];
    let answer = client.ask(RequestBody::EvaluateAddresses(vec![asked[0].element()]));
    let ResponseBody::Evaluated(evaluated) = answer else { panic!("{answer:?}") };
    let place = Blinded::places(&asked, &evaluated, None).unwrap().remove(0);
    let answer = client.ask(RequestBody::FetchBucket(place.bucket(evaluated.bits)));
    let ResponseBody::Bucket(entries) = answer else { panic!("{answer:?}") };
    entries.iter().find_map(|entry| place.open(entry))
}

fn code_of(answer: &ResponseBody) -> RejectCode {
    match answer {
        ResponseBody::Reject(reject) => reject.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn vouched_found_and_forgotten_nowhere_in_clear() {
    let mut server = Server::start(&[]);
    let text = "canary-3f9a@example.org";
    let data_dir = server.data_dir.to_str().unwrap().to_owned();
    let vouch = || {
        let done = run(&["address", text, "--data-dir", &data_dir]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        AddressCode::parse(&String::from_utf8(done.stdout).unwrap()).unwrap()
    };
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut b = bob.connect(server.address, Way::WebSocket).unwrap();
    let code = vouch();
    let own = ResponseBody::Findable { on: false, addresses: 1 };
    assert_eq!(a.ask(RequestBody::RedeemAddress(code)), own);
    assert_eq!(code_of(&b.ask(RequestBody::RedeemAddress(code))), RejectCode::InvitationInvalid);
    assert_eq!(look_up(&mut b, text), None, "alice has not opted in");
    let on = ResponseBody::Findable { on: true, addresses: 1 };
    assert_eq!(a.ask(RequestBody::Findable(Some(true))), on);
    assert_eq!(look_up(&mut b, text), Some(alice.address.account));
    // It is as durable as anything.
    server.kill();
    let mut server = server.start_again(&[]);
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(look_up(&mut b, text), Some(alice.address.account));
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.ask(RequestBody::Findable(Some(false)));
    assert_eq!(look_up(&mut b, text), None);
    drop((a, b));
    server.signal(rustix::process::Signal::TERM);
    server.wait();
    // Also while no server runs.
    let code = vouch();
    let server = server.start_again(&[]);
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(b.ask(RequestBody::RedeemAddress(code)), own);
    assert!(!server.log_text().contains("canary"));
    for entry in std::fs::read_dir(&server.data_dir).unwrap().flat_map(below) {
        let bytes = std::fs::read(&entry).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "{}", entry.display());
    }
}

fn below(entry: std::io::Result<std::fs::DirEntry>) -> Vec<std::path::PathBuf> {
    let path = entry.unwrap().path();
    match std::fs::read_dir(&path) {
        Ok(inside) => inside.flat_map(below).collect(),
        Err(_) if path.is_file() => vec![path],
        Err(_) => Vec::new(),
    }
}

#[test]
fn an_enumerating_client_gets_its_day_s_share_and_no_more() {
    let mut server = Server::start(&[]);
    let mut mallory = Device::register(server.address, &server.invite(), "mallory");
    let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
    let mut left = ADDRESSES_PER_DAY as usize;
    while left > 200 {
        let answer = evaluate(&mut m, MAX_ADDRESSES_PER_REQUEST);
        assert!(matches!(answer, ResponseBody::Evaluated(_)), "{answer:?}");
        left -= MAX_ADDRESSES_PER_REQUEST;
    }
    // Another connection, another process: the same day.
    server.kill();
    let mut server = server.start_again(&[]);
    let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
    let answer = evaluate(&mut m, left.min(MAX_ADDRESSES_PER_REQUEST));
    assert!(matches!(answer, ResponseBody::Evaluated(_)), "{answer:?}");
    left -= left.min(MAX_ADDRESSES_PER_REQUEST);
    let answer = evaluate(&mut m, left + 1);
    let ResponseBody::Reject(reject) = &answer else { panic!("{answer:?}") };
    assert_eq!(reject.code, RejectCode::RateLimited);
    assert!(reject.retry_after_ms > 0 && reject.retry_after_ms <= 24 * 3_600_000);
    server.kill();
    let server = server.start_again(&[]);
    let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(code_of(&evaluate(&mut m, left + 1)), RejectCode::RateLimited);
    // Buckets, until they too are used up.
    let fetched = (0..200).map(|n| m.ask(RequestBody::FetchBucket(n % 16)));
    let refused = fetched.skip_while(|answer| matches!(answer, ResponseBody::Bucket(_))).take(3);
    assert!(refused.map(|answer| code_of(&answer)).all(|code| code == RejectCode::RateLimited));
}

#[test]
fn what_is_no_question_is_refused() {
    let server = Server::start(&[]);
    let mut mallory = Device::register(server.address, &server.invite(), "mallory");
    let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
    for element in [[0; 32], [0xff; 32], [1; 32]] {
        let answer = m.ask(RequestBody::EvaluateAddresses(vec![blinded("a@b.de").element(), element]));
        assert_eq!(code_of(&answer), RejectCode::Malformed);
    }
    for bucket in [16, u32::MAX] {
        assert_eq!(code_of(&m.ask(RequestBody::FetchBucket(bucket))), RejectCode::Malformed);
    }
    assert_eq!(
        code_of(&m.ask(RequestBody::RedeemAddress(AddressCode([7; 16])))),
        RejectCode::InvitationInvalid
    );
    // More than a request may hold, or nothing, or half an element: no frame at all.
    for count in [0, MAX_ADDRESSES_PER_REQUEST + 1] {
        let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
        m.connection.send(&request(RequestBody::EvaluateAddresses(vec![[1; 32]; count]))).unwrap();
        assert_eq!(m.goodbye().unwrap().code, RejectCode::Malformed, "{count}");
    }
    let mut m = mallory.connect(server.address, Way::Tcp).unwrap();
    let mut bytes = request(RequestBody::EvaluateAddresses(vec![[1; 32]])).encode();
    // The innermost of the three lengths, and those around it.
    bytes.pop();
    for byte in bytes.iter_mut().filter(|byte| matches!(**byte, 32..40)) {
        *byte -= 1;
    }
    m.connection.send_plaintext(&bytes).unwrap();
    assert_eq!(m.goodbye().unwrap().code, RejectCode::Malformed);
    // A stranger gets no answer.
    let key = StaticKey::generate(&mut rng());
    let mut connection = Connection::open(server.address, Way::Tcp, &key, None).unwrap();
    connection.send(&request(RequestBody::EvaluateAddresses(vec![blinded("a@b.de").element()]))).unwrap();
    let answer = connection.receive().unwrap().responses.remove(0).what;
    assert_eq!(code_of(&answer), RejectCode::NotRegistered);
}
