//! Light events at the real program: they reach those who may have them, and leave nothing behind.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use support::{Client, Device, Members, Server, Way, eventually, message, message_id, register_many};
use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::content::Conversation;
use waxwing_wire::light::{Announcement, Light, LightEvent, PresenceToken, Watch, Watched};
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{AccountId, Bytes, GroupId};

/// Stands for what is sealed: nothing of it may be found anywhere.
const CANARY: &[u8] = b"a canary that types and is gone";
const ONLINE: PresenceToken = PresenceToken(*b"presence's token");
const SEEN: PresenceToken = PresenceToken(*b"last seen: token");

fn typing(to: Conversation) -> ClientFrame {
    ClientFrame { lights: vec![Light { to, sealed: Bytes::from_static(CANARY) }], ..Default::default() }
}

fn announcement() -> ClientFrame {
    let announcement = Announcement {
        sealed: Bytes::from_static(CANARY),
        gate: ONLINE.gate(),
        seen: Bytes::from_static(CANARY),
        seen_gate: Some(SEEN.gate()),
    };
    ClientFrame { announcement: Some(Box::new(announcement)), ..Default::default() }
}

fn watch(of: AccountId, token: PresenceToken, seen_token: Option<PresenceToken>) -> ClientFrame {
    let watched = vec![Watched { account: of, token, seen_token }];
    ClientFrame { watch: Some(Watch { awake: true, watched }), ..Default::default() }
}

fn awake() -> ClientFrame {
    ClientFrame { watch: Some(Watch { awake: true, watched: vec![] }), ..Default::default() }
}

fn connect(server: &Server, devices: &mut [Device]) -> Vec<Client> {
    devices.iter_mut().map(|device| device.connect(server.address, Way::Tcp).unwrap()).collect()
}

/// Says this and waits until the server has taken it in.
fn say(client: &mut Client, frame: ClientFrame) {
    client.connection.send(&frame).unwrap();
    settle(client);
}

/// The engine answers in order: what was said before is done.
fn settle(client: &mut Client) {
    client.ask(RequestBody::FindAccount("nobody-at-all".into()));
}

fn next_light(client: &mut Client) -> LightEvent {
    client.until(|frame| frame.lights.pop()).unwrap()
}

/// Bytes of a directory's files that hold the needle.
fn holds(directory: &std::path::Path, needle: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
    })
}

#[test]
fn typing_and_presence_reach_who_may_see_them_and_nothing_is_stored() {
    let server = Server::start(&[]);
    let mut devices = register_many(&server, 4);
    let [anna, ben] = [0, 1].map(|n: usize| devices[n].address);
    let mut members = Members::new(9, &devices[..3]);
    let mut clients = connect(&server, &mut devices);
    let made = ClientFrame { group_sends: vec![members.make(1, anna.account)], ..Default::default() };
    clients[0].connection.send(&made).unwrap();
    clients[0].until(|frame| frame.accepted.pop()).unwrap();
    for client in &mut clients {
        settle(client);
    }
    // Mailboxes are stored; the device-seen hours of the log-ins too.
    eventually("quiet", || {
        let before = server.stat("commits");
        std::thread::sleep(Duration::from_millis(300));
        server.stat("commits") == before
    });
    let names = ["commits", "fsyncs", "log_bytes", "kept_bytes"];
    let before = names.map(|name| server.stat(name));

    say(&mut clients[1], awake());
    say(&mut clients[2], watch(anna.account, ONLINE, Some(SEEN)));
    say(&mut clients[3], watch(anna.account, PresenceToken([0; 16]), None));
    // One to one: only to whom it is for.
    say(&mut clients[0], typing(Conversation::Account(ben.account)));
    let event = LightEvent { from: anna, group: None, sealed: Bytes::from_static(CANARY) };
    assert_eq!(next_light(&mut clients[1]), event);
    // To a group: to its members.
    let group = GroupId([9; 16]);
    say(&mut clients[0], typing(Conversation::Group(group)));
    let event = LightEvent { group: Some(group), ..event };
    assert_eq!(next_light(&mut clients[1]), event);
    assert_eq!(next_light(&mut clients[2]), event);
    // Not by whom it is not one of.
    say(&mut clients[3], typing(Conversation::Group(group)));
    // Presence: to whom has the token.
    say(&mut clients[0], announcement());
    let there = clients[2].until(|frame| frame.presences.pop()).unwrap();
    assert_eq!((there.of, there.gone, there.seen.as_ref()), (anna, false, CANARY));
    clients.remove(0);
    let gone = clients[1].until(|frame| frame.presences.pop()).unwrap();
    assert!(gone.gone && gone.left_at_ms > 1_700_000_000_000);
    for client in &mut clients {
        settle(client);
    }
    let unheard = |frame: &ServerFrame| frame.lights.is_empty() && frame.presences.is_empty();
    assert!(clients.iter().all(|client| client.frames.iter().all(unheard)), "somebody heard too much");

    let after = names.map(|name| server.stat(name));
    // Anna's leaving is remembered with her mailbox, as every device's.
    assert!(after[0] <= before[0] + 1, "{before:?} {after:?}");
    assert!(after[2] < before[2] + 300, "{before:?} {after:?}");
    assert!(server.stat("light_taken") >= 7 && server.stat("light_dropped") >= 1);
    assert!(!holds(&server.data_dir, CANARY), "a light event is in the store");
    assert!(!server.log_text().contains("canary"), "a light event is in the log");
}

#[test]
fn a_flood_of_light_events_costs_no_commit_and_delays_no_message() {
    const FLOOD: usize = 30_000;
    let server = Server::start(&[]);
    let mut devices = register_many(&server, 6);
    let to = devices[1].address.account;
    let mut clients = connect(&server, &mut devices);
    say(&mut clients[1], awake());
    let flooders = clients.split_off(2);
    let commits = server.stat("commits");
    std::thread::scope(|scope| {
        for mut flooder in flooders {
            scope.spawn(move || {
                let light = typing(Conversation::Account(to)).lights.remove(0);
                let lights = vec![light; 50];
                let frame = ClientFrame { lights, ..Default::default() };
                for _ in 0..FLOOD / 50 {
                    flooder.connection.send(&frame).unwrap();
                }
                settle(&mut flooder);
            });
        }
        let [sender, reader] = &mut clients[..] else { panic!() };
        for id in 1..=50 {
            let begun = Instant::now();
            let frame = ClientFrame { sends: vec![message(to, id, 100)], ..Default::default() };
            sender.connection.send(&frame).unwrap();
            sender.until(|frame| frame.accepted.pop()).unwrap();
            let arrived = |frame: &mut ServerFrame| {
                let found = frame.entries.iter().position(|entry| message_id(entry) == Some(id));
                found.map(|at| frame.entries.swap_remove(at))
            };
            let entry = reader.until(arrived).unwrap();
            reader.store(entry.seq).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(2), "a message waited {:?}", begun.elapsed());
        }
    });
    settle(&mut clients[1]);
    let dropped = server.stat("light_dropped");
    let (taken, handed_on) = (server.stat("light_taken"), server.stat("light_handed_on"));
    assert!(dropped + taken >= 4 * FLOOD as u64 / 2, "{taken} taken, {dropped} dropped");
    assert!(handed_on < 4_000, "{handed_on} handed on: nobody is protected from a flood");
    // A message is at most: taken, delivered, settled, its receipt, the receipt settled.
    assert!(server.stat("commits") - commits <= 50 * 5 + 20);
    assert!(!holds(&server.data_dir, CANARY));
}
