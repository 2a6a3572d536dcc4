use bytes::Bytes;
use waxwing_wire::client_frame::{ApproveLink, RequestBody};
use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::group::GroupToken;
use waxwing_wire::limits::{DELIVERY_WINDOW_BYTES, DELIVERY_WINDOW_ENTRIES};
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId, RejectCode};

use super::{Link, Links};
use crate::limits::{
    CHANGES_PER_HOUR, FETCHES_PER_HOUR, GROUP_SENDS_PER_MINUTE, LINK_MS, LOOKUPS_PER_HOUR,
    MAX_RESTING_ALLOWANCES, MAX_WAITING_LINKS, OFFERS_PER_MINUTE,
};
use crate::{Command, ConnId, Effect, Origin, Piece, Settings, Time};

const NOW: Time = Time(1_700_000_000_000);
const CONN: ConnId = ConnId(1);

fn device(number: u8) -> DeviceAddress {
    DeviceAddress { account: AccountId([number; 16]), device: DeviceId::PRIMARY }
}

fn item() -> Bytes {
    Bytes::from_static(&[0; 100])
}

fn entries(seqs: impl IntoIterator<Item = u64>) -> Vec<(u64, Bytes)> {
    seqs.into_iter().map(|seq| (seq, item())).collect()
}

fn attached(stored: u64, last: u64) -> Links {
    let mut links = Links::default();
    links.attach(CONN, device(1), 1, stored, last, NOW);
    links
}

/// What an effect does, in short.
#[derive(Debug, PartialEq, Eq)]
enum Did {
    Delivered(Vec<u64>),
    Read { from: u64, max_entries: usize },
    Other,
}

fn did(effects: impl IntoIterator<Item = Effect>) -> Vec<Did> {
    let short = |effect| match effect {
        Effect::Deliver { entries, .. } => Did::Delivered(entries.iter().map(|(seq, _)| *seq).collect()),
        Effect::ReadMailbox { from, max_entries, .. } => Did::Read { from, max_entries },
        _ => Did::Other,
    };
    effects.into_iter().map(short).collect()
}

#[test]
fn a_device_that_is_up_to_date_gets_entries_at_once() {
    let mut links = attached(3, 3);
    assert_eq!(did(links.appended(device(1), 4, item())), [Did::Delivered(vec![4])]);
    assert_eq!(did(links.appended(device(1), 5, item())), [Did::Delivered(vec![5])]);
    assert_eq!(did(links.appended(device(1), 5, item())), [], "told twice");
    assert_eq!(did(links.appended(device(2), 1, item())), [], "not connected");
}

#[test]
fn what_waits_is_read_in_pages() {
    let mut links = Links::default();
    let effects = links.attach(CONN, device(1), 1, 0, 1_000, NOW);
    let window = DELIVERY_WINDOW_ENTRIES;
    assert_eq!(did(effects), [Did::Read { from: 1, max_entries: window }]);
    // One read at a time.
    assert_eq!(did(links.appended(device(1), 1_001, item())), []);
    assert_eq!(did(links.trimmed(device(1), 0)), []);
    let page = links.page(device(1), CONN, entries(1..=window as u64));
    assert_eq!(did(page), [Did::Delivered((1..=window as u64).collect())]);
    // Nothing more until half of the window is stored, then one read.
    let half = window as u64 / 2;
    assert_eq!(did(links.trimmed(device(1), half - 1)), []);
    let read = Did::Read { from: window as u64 + 1, max_entries: window / 2 };
    assert_eq!(did(links.trimmed(device(1), half)), [read]);
    assert_eq!(did(links.trimmed(device(1), half + 1)), []);
    // A page that ends before its time is followed by the next.
    let next = window as u64 + 1;
    let page = did(links.page(device(1), CONN, entries([next])));
    assert_eq!(page[0], Did::Delivered(vec![next]));
    assert!(matches!(page[1], Did::Read { from, .. } if from == next + 1));
}

#[test]
fn after_the_last_page_entries_come_at_once_again() {
    let mut links = attached(0, 2);
    assert_eq!(did(links.appended(device(1), 3, item())), []);
    // The entry that came meanwhile is in the page.
    assert_eq!(did(links.page(device(1), CONN, entries(1..=3))), [Did::Delivered(vec![1, 2, 3])]);
    assert_eq!(did(links.appended(device(1), 4, item())), [Did::Delivered(vec![4])]);
    // Or it is not, and is read.
    let mut links = attached(0, 2);
    assert_eq!(did(links.appended(device(1), 3, item())), []);
    let page = did(links.page(device(1), CONN, entries(1..=2)));
    let read = Did::Read { from: 3, max_entries: DELIVERY_WINDOW_ENTRIES - 2 };
    assert_eq!(page, [Did::Delivered(vec![1, 2]), read]);
    assert_eq!(did(links.page(device(1), CONN, entries([3]))), [Did::Delivered(vec![3])]);
}

#[test]
fn nothing_is_sent_twice() {
    let mut links = attached(2, 3);
    let page = links.page(device(1), CONN, entries(1..=3));
    assert_eq!(did(page), [Did::Delivered(vec![3])], "what the device had is left out");
    assert_eq!(did(links.page(device(1), CONN, entries(1..=3))), [], "a page twice");
}

#[test]
fn pages_for_an_earlier_connection_are_ignored() {
    let mut links = attached(0, 2);
    let effects = links.attach(ConnId(2), device(1), 2, 0, 2, NOW);
    assert!(matches!(effects.last(), Some(Effect::ReadMailbox { conn: ConnId(2), .. })));
    assert_eq!(did(links.page(device(1), CONN, entries(1..=2))), []);
    assert_eq!(did(links.page(device(1), ConnId(2), entries(1..=2))), [Did::Delivered(vec![1, 2])]);
}

#[test]
fn gaps_are_gone_through() {
    let mut links = attached(0, 10);
    let page = did(links.page(device(1), CONN, entries([3, 4, 7, 10])));
    assert_eq!(page, [Did::Delivered(vec![3, 4]), Did::Delivered(vec![7]), Did::Delivered(vec![10])]);
    // A number that does not follow may hide some that nobody told of.
    let read = Did::Read { from: 11, max_entries: DELIVERY_WINDOW_ENTRIES - 4 };
    assert_eq!(did(links.appended(device(1), 15, item())), [read]);
    assert_eq!(did(links.page(device(1), CONN, entries([15]))), [Did::Delivered(vec![15])]);
}

#[test]
fn an_empty_page_ends_the_search() {
    let mut links = attached(0, 10);
    assert_eq!(did(links.page(device(1), CONN, Vec::new())), [], "everything has expired");
    assert_eq!(did(links.appended(device(1), 11, item())), [Did::Delivered(vec![11])]);
    // But not for what came after the read began.
    let mut links = attached(0, 10);
    assert_eq!(did(links.appended(device(1), 11, item())), []);
    let read = Did::Read { from: 11, max_entries: DELIVERY_WINDOW_ENTRIES };
    assert_eq!(did(links.page(device(1), CONN, Vec::new())), [read]);
    assert_eq!(did(links.page(device(1), CONN, entries([11]))), [Did::Delivered(vec![11])]);
}

#[test]
fn expiry_before_delivery_is_skipped() {
    let mut links = attached(0, 10);
    assert_eq!(did(links.trimmed(device(1), 4)), []);
    assert_eq!(
        did(links.page(device(1), CONN, entries(1..=6))),
        [Did::Delivered(vec![5, 6]), Did::Read { from: 7, max_entries: DELIVERY_WINDOW_ENTRIES - 2 }]
    );
}

#[test]
fn the_window_is_bounded_in_entries() {
    let mut links = attached(0, 0);
    for seq in 1..=DELIVERY_WINDOW_ENTRIES as u64 {
        assert_eq!(did(links.appended(device(1), seq, item())), [Did::Delivered(vec![seq])]);
    }
    let next = DELIVERY_WINDOW_ENTRIES as u64 + 1;
    assert_eq!(did(links.appended(device(1), next, item())), []);
    let read = did(links.trimmed(device(1), next - 1));
    assert_eq!(read, [Did::Read { from: next, max_entries: DELIVERY_WINDOW_ENTRIES }]);
}

#[test]
fn the_window_is_bounded_in_bytes() {
    let mut links = attached(0, 0);
    let large = Bytes::from(vec![0; 48 * 1024]);
    let mut seq = 0;
    let mut bytes = 0;
    while bytes + large.len() <= DELIVERY_WINDOW_BYTES {
        seq += 1;
        bytes += large.len();
        assert_eq!(did(links.appended(device(1), seq, large.clone())), [Did::Delivered(vec![seq])]);
    }
    assert_eq!(did(links.appended(device(1), seq + 1, large.clone())), []);
    assert_eq!(did(links.trimmed(device(1), 1)), [], "not for every acknowledgement");
    match links.trimmed(device(1), seq - 2) {
        Some(Effect::ReadMailbox { from, max_bytes, .. }) => {
            assert_eq!((from, max_bytes), (seq + 1, DELIVERY_WINDOW_BYTES - 2 * large.len()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_connection_takes_over() {
    let mut links = attached(0, 0);
    links.count_received(CONN);
    assert_eq!(links.received(device(1)), Some((1, 1)));
    let effects = links.attach(ConnId(2), device(1), 2, 0, 0, NOW);
    let [Effect::Reply { conn: CONN, piece: Piece::Goodbye(reject) }, Effect::Close { conn: CONN }] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(reject.code, RejectCode::Replaced);
    links.count_received(CONN);
    assert_eq!(links.received(device(1)), Some((2, 0)), "a straggler does not count");
    assert!(links.detach(CONN).is_none(), "the device is connected anew");
    assert_eq!((links.len(), links.device(ConnId(2))), (1, Some(device(1))));
    links.count_received(ConnId(2));
    match links.detach(ConnId(2)) {
        Some(Command::Detach { address, lease, received }) => {
            assert_eq!((address, lease, received), (device(1), 2, 1));
        }
        other => panic!("{other:?}"),
    }
    assert!(links.is_empty() && links.received(device(1)).is_none());
    assert!(links.detach(ConnId(2)).is_none(), "only once");
}

#[test]
fn sends_have_a_burst_and_a_rate() {
    let mut links = attached(0, 0);
    let settings = Settings { sends_per_second: 10, send_burst: 5, ..Settings::default() };
    for _ in 0..5 {
        links.allow_send(device(1), NOW, &settings).unwrap();
    }
    assert_eq!(links.allow_send(device(1), NOW, &settings), Err(100));
    let later = Time(NOW.0 + 99);
    assert_eq!(links.allow_send(device(1), later, &settings), Err(1), "asking does not cost");
    let later = Time(NOW.0 + 100);
    links.allow_send(device(1), later, &settings).unwrap();
    assert!(links.allow_send(device(1), later, &settings).is_err());
    // A clock that was put back locks nobody out for longer than a burst takes to come back.
    let past = Time(1_000_000);
    let pause_ms = links.allow_send(device(1), past, &settings).unwrap_err();
    assert!(pause_ms <= 500);
    // It comes back by itself, and not only when the clock has caught up.
    links.allow_send(device(1), Time(past.0 + pause_ms), &settings).unwrap();
}

#[test]
fn requests_are_counted_by_kind() {
    let account = AccountId([9; 16]);
    let group = GroupId([8; 16]);
    let reference = LinkReference([7; 16]);
    let fetches = [
        RequestBody::FetchBundles(account, Vec::new()),
        RequestBody::FetchDevices(account),
        RequestBody::FetchGroupEpoch(group),
    ];
    let look_ups = [
        RequestBody::FindAccount("bob".to_owned()),
        RequestBody::FindUsername(account),
        RequestBody::FindGroup(group, GroupToken([1; 16])),
        RequestBody::FetchLink(reference),
    ];
    let changes = [
        RequestBody::PublishPrekeys(Box::default()),
        RequestBody::RemoveDevice(DeviceId::PRIMARY),
        RequestBody::PublishDeviceList(list()),
        RequestBody::ApproveLink(Box::new(ApproveLink { reference, list: list(), sealed: Bytes::new() })),
    ];
    let kinds: [(&[RequestBody], u32); 3] =
        [(&fetches, FETCHES_PER_HOUR), (&look_ups, LOOKUPS_PER_HOUR), (&changes, CHANGES_PER_HOUR)];
    for (requests, count) in kinds {
        let mut links = attached(0, 0);
        for request in requests.iter().cycle().take(count as usize) {
            links.allow_request(device(1), request, NOW).unwrap();
        }
        for request in requests {
            let refused = links.allow_request(device(1), request, NOW);
            assert_eq!(refused, Err(3_600_000 / u64::from(count)), "{request:?}");
        }
        // They share one allowance.
        assert!(links.allow_request(device(1), &fetches[0], NOW).is_err());
        links.allow_send(device(1), NOW, &Settings::default()).unwrap();
    }
    let mut links = attached(0, 0);
    for _ in 0..GROUP_SENDS_PER_MINUTE {
        links.allow_group_send(device(1), NOW).unwrap();
    }
    assert_eq!(links.allow_group_send(device(1), NOW), Err(60_000 / u64::from(GROUP_SENDS_PER_MINUTE)));
    links.allow_send(device(1), NOW, &Settings::default()).unwrap();
}

fn list() -> SignedDeviceList {
    SignedDeviceList { list: Bytes::from_static(b"list"), signature: [1; 64] }
}

/// Connection, request and answer of each reply.
fn answers(effects: impl IntoIterator<Item = Effect>) -> Vec<(u64, u32, ResponseBody)> {
    let answer = |effect| match effect {
        Effect::Reply { conn, piece: Piece::Response(response) } => (conn.0, response.id, response.what),
        other => panic!("no answer: {other:?}"),
    };
    effects.into_iter().map(answer).collect()
}

fn is_ended(answer: &(u64, u32, ResponseBody)) -> bool {
    matches!(&answer.2, ResponseBody::Reject(reject) if reject.code == RejectCode::LinkUnknown)
}

#[test]
fn an_offer_is_answered_when_it_is_approved() {
    let mut links = Links::default();
    let (one, two) = (LinkReference([1; 16]), LinkReference([2; 16]));
    let origin = |conn, request| Origin { conn: ConnId(conn), request };
    let end_ms = NOW.0 + LINK_MS;
    assert!(links.await_link(origin(1, 5), one, end_ms).is_empty());
    assert!(links.await_link(origin(2, 6), two, end_ms).is_empty());
    let sealed = Bytes::from_static(b"sealed");
    let answer = ResponseBody::Linked { list: list(), sealed: sealed.clone() };
    assert_eq!(answers(links.linked(one, &list(), &sealed)), [(1, 5, answer)]);
    assert_eq!(answers(links.linked(one, &list(), &sealed)), [], "once");
    // A connection that is gone waits for nothing.
    assert!(links.detach(ConnId(2)).is_none());
    assert_eq!(answers(links.linked(two, &list(), &sealed)), []);
    assert_eq!(answers(links.expire_links(Time(end_ms))), []);
}

#[test]
fn an_offer_that_is_replaced_or_ends_is_answered() {
    let mut links = Links::default();
    let (one, two) = (LinkReference([1; 16]), LinkReference([2; 16]));
    let origin = |conn, request| Origin { conn: ConnId(conn), request };
    links.await_link(origin(1, 5), one, NOW.0 + 10);
    // The device has connected again.
    let replaced = answers(links.await_link(origin(2, 1), one, NOW.0 + 10));
    assert!(matches!(replaced.as_slice(), [answer @ (1, 5, _)] if is_ended(answer)), "{replaced:?}");
    // It shows another code.
    let replaced = answers(links.await_link(origin(2, 2), two, NOW.0 + 20));
    assert!(matches!(replaced.as_slice(), [answer @ (2, 1, _)] if is_ended(answer)), "{replaced:?}");
    // The end of the connection that was replaced changes nothing.
    links.detach(ConnId(1));
    assert_eq!(answers(links.expire_links(Time(NOW.0 + 19))), []);
    let ended = answers(links.expire_links(Time(NOW.0 + 20)));
    assert!(matches!(ended.as_slice(), [answer @ (2, 2, _)] if is_ended(answer)), "{ended:?}");
    assert_eq!(answers(links.expire_links(Time(NOW.0 + 20))), []);
}

#[test]
fn offers_are_bounded() {
    let mut links = Links::default();
    for _ in 0..OFFERS_PER_MINUTE {
        links.allow_offer(ConnId(1), NOW).unwrap();
    }
    assert_eq!(links.allow_offer(ConnId(1), NOW), Err(60_000 / u64::from(OFFERS_PER_MINUTE)));
    links.allow_offer(ConnId(2), NOW).unwrap();
    for number in 0..MAX_WAITING_LINKS as u64 + 1 {
        let conn = ConnId(10 + number);
        let allowed = links.allow_offer(conn, NOW).is_ok();
        assert_eq!(allowed, number + 2 < MAX_WAITING_LINKS as u64);
        let reference = LinkReference(u128::from(number).to_be_bytes());
        let effects = links.await_link(Origin { conn, request: 1 }, reference, NOW.0 + 1);
        assert_eq!(effects.is_empty(), number < MAX_WAITING_LINKS as u64);
    }
    assert_eq!(links.expire_links(Time(NOW.0 + 1)).len(), MAX_WAITING_LINKS);
    for number in 0..MAX_WAITING_LINKS as u64 + 1 {
        links.detach(ConnId(10 + number));
    }
    links.allow_offer(ConnId(99_999), NOW).unwrap();
}

#[test]
fn a_removed_device_is_cut_off() {
    let mut links = attached(0, 0);
    let effects = links.removed(device(1));
    let [Effect::Reply { conn, piece: Piece::Goodbye(reject) }, Effect::Close { conn: closed }] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((*conn, *closed, reject.code), (CONN, CONN, RejectCode::NotRegistered));
    assert_eq!(links.device(CONN), None, "what still comes in on the connection is nobody's");
    assert!(links.is_empty());
    assert_eq!(did(links.appended(device(1), 1, item())), []);
    assert!(links.detach(CONN).is_none());
    assert!(links.removed(device(1)).is_empty());
}

#[test]
fn coming_back_refills_nothing() {
    let settings = Settings { sends_per_second: 1, send_burst: 2, ..Settings::default() };
    let mut links = attached(0, 0);
    links.allow_send(device(1), NOW, &settings).unwrap();
    links.allow_send(device(1), NOW, &settings).unwrap();
    links.attach(ConnId(2), device(1), 2, 0, 0, NOW);
    assert_eq!(links.allow_send(device(1), NOW, &settings), Err(1_000), "on a second connection");
    links.detach(ConnId(2));
    links.attach(ConnId(3), device(1), 3, 0, 0, NOW);
    assert_eq!(links.allow_send(device(1), NOW, &settings), Err(1_000), "nor on one after it");
    assert!(links.resting.is_empty());
}

#[test]
fn what_comes_along_with_a_hello_counts() {
    let settings = Settings { sends_per_second: 1, send_burst: 2, ..Settings::default() };
    let mut links = Links::default();
    links.allow_send(device(1), NOW, &settings).unwrap();
    links.attach(CONN, device(1), 1, 0, 0, NOW);
    links.allow_send(device(1), NOW, &settings).unwrap();
    assert_eq!(links.allow_send(device(1), NOW, &settings), Err(1_000));
}

#[test]
fn resting_allowances_are_bounded() {
    let mut links = Links::default();
    let settings = Settings { sends_per_second: 1, send_burst: 10, ..Settings::default() };
    let mut rest = |number: u32, now: Time| {
        let mut account = [0; 16];
        account[..4].copy_from_slice(&number.to_be_bytes());
        let address = DeviceAddress { account: AccountId(account), device: DeviceId::PRIMARY };
        links.attach(ConnId(number.into()), address, 1, 0, 0, now);
        links.allow_send(address, now, &settings).unwrap();
        links.detach(ConnId(number.into()));
        links.resting.len()
    };
    for number in 0..MAX_RESTING_ALLOWANCES as u32 {
        rest(number, NOW);
    }
    assert_eq!(rest(1_000_000, NOW), MAX_RESTING_ALLOWANCES);
    assert_eq!(rest(1_000_001, Time(NOW.0 + 1_000)), 1, "those that are full again are forgotten");
}

#[test]
fn an_idle_link_is_small() {
    assert!(size_of::<Link>() <= 120, "{} bytes", size_of::<Link>());
    let mut links = attached(0, 0);
    for seq in 1..=200 {
        links.appended(device(1), seq, item());
    }
    links.trimmed(device(1), 200);
    let link = &links.devices[&device(1)];
    assert!(link.in_flight.capacity() <= 8 && link.in_flight_bytes == 0);
}
