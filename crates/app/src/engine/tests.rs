use std::path::Path;

use crossbeam_channel::{Receiver, bounded};
use tempfile::TempDir;
use waxwing_wire::DeviceKey;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::invitation::Invitation;

use super::*;
use crate::api::{BroadcastList, GroupAction, HistoryRange, ServerTrust};
use crate::key::KeyChoice;
use crate::profile::{self, ProfileOptions};
use crate::{App, limits};

/// Comes back from a registration that never finds a server.
const INVITATION: [u8; 32] = [9; 32];

fn options(folder: &Path) -> ProfileOptions {
    ProfileOptions { data_dir: folder.to_owned(), key: KeyChoice::default() }
}

fn invitation() -> String {
    let token = waxwing_wire::invitation::InvitationToken([7; 16]);
    Invitation { server: DeviceKey(INVITATION), token }.to_text()
}

fn engine(folder: &TempDir) -> (Engine, Receiver<Event>, Receiver<Input>) {
    let profile = profile::open(&options(folder.path()), &mut rng(), &mut |_| {}).unwrap();
    let (inputs, to_handle) = bounded(limits::MAX_INPUTS);
    let (events, to_show) = bounded(4);
    (Engine::start(profile, inputs, events).unwrap(), to_show, to_handle)
}

fn text(value: &str) -> String {
    value.to_owned()
}

/// The answer to a command: its failure's code, or nothing.
fn answer(app: &App, command: Command) -> Option<String> {
    let id = app.send(command);
    loop {
        match app.events().recv_timeout(Duration::from_secs(60)).expect("every command is answered") {
            Event::Done { command, .. } if command == id => return None,
            Event::Failed { command, failure } if command == id => return Some(failure.code),
            _ => {}
        }
    }
}

#[test]
fn every_command_is_answered_once_whatever_it_names() {
    let folder = TempDir::new().unwrap();
    let app = App::open(&options(folder.path())).unwrap();
    let account = "b0".repeat(16);
    let code = |command| answer(&app, command);
    let some = |code: &str| Some(text(code));
    assert_eq!(code(Command::text(text("bob"), "hi")), some("malformedAccount"));
    assert_eq!(code(Command::text(account.clone(), "hi")), some("notRegistered"));
    assert_eq!(code(Command::AddContact { username: text("no spaces") }), some("malformedUsername"));
    assert_eq!(code(Command::AddContact { username: text("bob") }), some("notRegistered"));
    assert_eq!(code(Command::MarkRead { with: account.clone(), up_to: 1 }), some("notRegistered"));
    assert_eq!(code(Command::AcknowledgeInbox { messages: vec![text("x")] }), some("malformedMessage"));
    assert_eq!(code(Command::AcknowledgeInbox { messages: Vec::new() }), None);
    let verified = Command::SetVerified { account: account.clone(), verified: true };
    assert_eq!(code(verified), some("unknownContact"));
    let to_group = |to: &str| Command::text(text(to), "hi");
    assert_eq!(code(to_group("g:b0")), some("malformedGroup"));
    assert_eq!(code(to_group(&format!("G:{account}"))), some("malformedAccount"));
    let approve = |code: &str| Command::ApproveLink { code: text(code), history: HistoryRange::All };
    assert_eq!(code(approve("aaaaa-aaaaa")), some("malformedCode"));
    assert_eq!(code(Command::RemoveDevice { device: 0 }), some("malformedDevice"));
    assert_eq!(code(Command::RenameDevice { device: 128, name: text("x") }), some("malformedDevice"));
    assert_eq!(code(Command::JoinGroup { link: text("waxwing-group:aaaa") }), some("malformedLink"));
    let offer = |server: &str| Command::OfferLink { server: text(server), name: text("laptop") };
    assert_eq!(code(offer("h:x")), some("malformedAddress"));
    assert_eq!(code(offer("h:1#abc")), some("malformedKey"));
    let group = format!("g:{account}");
    let change = |action| Command::ChangeGroup { group: group.clone(), actions: vec![action] };
    assert_eq!(code(change(GroupAction::Link { enabled: true })), some("malformedAction"));
    assert_eq!(code(change(GroupAction::Picture { picture: text("*") })), some("malformedPicture"));
    let list = BroadcastList { id: Some(text("x")), name: text("n"), members: Vec::new() };
    assert_eq!(code(Command::SetList { list }), some("malformedList"));
    assert_eq!(code(Command::GoOffline), None);
}

#[test]
fn registering_where_nobody_listens_says_so_and_can_be_tried_again() {
    let folder = TempDir::new().unwrap();
    let app = App::open(&options(folder.path())).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let register = || Command::Register {
        server: format!("127.0.0.1:{port}"),
        invitation: invitation(),
        username: text("alice"),
    };
    assert_eq!(answer(&app, register()), Some(text("unreachable")));
    assert_eq!(answer(&app, register()), Some(text("unreachable")));
    let Answer::Status(status) = app.query(Query::Status).unwrap() else { panic!("a status is asked for") };
    assert!(status.account.is_none());
    assert_eq!(status.server, Some(format!("127.0.0.1:{port}")));
    app.close();
    // The server is remembered, and so are the device's keys.
    let app = App::open(&options(folder.path())).unwrap();
    let Answer::Status(status) = app.query(Query::Status).unwrap() else { panic!("a status is asked for") };
    assert_eq!(status.server, Some(format!("127.0.0.1:{port}")));
}

#[test]
fn a_server_named_without_its_key_is_the_one_that_answers_first() {
    let folder = TempDir::new().unwrap();
    let (mut engine, _events, _inputs) = engine(&folder);
    let key = |seed| StaticKey::from_bytes([seed; 32]).public();
    engine.set_server(Server::named("example.org").unwrap()).unwrap();
    assert!(engine.target().unwrap().server.is_none());
    engine.remember_key(key(1)).unwrap();
    engine.remember_key(key(2)).unwrap();
    let remembered = Server::read(&engine.profile.store).unwrap().unwrap();
    assert_eq!(remembered.target().unwrap().1, Some(key(1)), "the first, and from then on no other");
    assert!(remembered.trust == ServerTrust::FirstUse);
    // Whoever names the key trusts nobody else from the first connection on.
    let named = Server::named(&format!("example.org#{}", hex::encode(key(3).0))).unwrap();
    assert!(named.trust == ServerTrust::User);
    engine.set_server(named).unwrap();
    engine.remember_key(key(1)).unwrap();
    assert_eq!(engine.target().unwrap().server, Some(key(3)));
}

#[test]
fn while_the_database_fails_commands_fail_and_afterwards_they_do_not() {
    let folder = TempDir::new().unwrap();
    let (mut engine, events, _inputs) = engine(&folder);
    engine.open_commands.insert(7);
    engine.storage_failed(&"the disk is full");
    let failed = |event: Event| matches!(event, Event::Failed { failure, .. } if failure.code == "storage");
    assert!(events.try_recv().is_ok_and(failed), "what was under way has failed");
    assert!(matches!(events.try_recv(), Ok(Event::StorageFailed { .. })));
    engine.command(8, Command::GoOffline);
    assert!(events.try_recv().is_ok_and(failed));
    assert!(engine.answer(Query::Status).is_err_and(|failure| failure.code == "storage"));
    engine.recover();
    assert!(engine.client.is_none(), "not at once");
    let first = engine.recovery.as_ref().unwrap().pause;
    // Still full: the pause grows, and nobody is told again.
    engine.storage_failed(&"the disk is full");
    assert_eq!(engine.recovery.as_ref().unwrap().pause, first * 2);
    assert!(events.try_recv().is_err());
    engine.recovery.as_mut().unwrap().at = Instant::now();
    engine.recover();
    assert!(matches!(events.try_recv(), Ok(Event::StorageRecovered)));
    engine.command(9, Command::GoOffline);
    assert!(events.try_recv().is_ok_and(|event| matches!(event, Event::Done { command: 9, .. })));
}

#[test]
fn a_front_end_that_does_not_listen_is_told_what_it_missed() {
    let folder = TempDir::new().unwrap();
    let (mut engine, events, _inputs) = engine(&folder);
    for _ in 0..10 {
        engine.tell(Event::RestoredCopy);
    }
    assert_eq!(events.try_iter().count(), 4);
    engine.tell(Event::StorageRecovered);
    assert!(matches!(events.try_recv(), Ok(Event::Overrun)));
    assert!(matches!(events.try_recv(), Ok(Event::StorageRecovered)));
}

#[test]
fn what_an_old_connection_says_is_ignored() {
    let folder = TempDir::new().unwrap();
    let (mut engine, _events, inputs) = engine(&folder);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    engine.command(1, Command::Register { server: address, invitation: invitation(), username: text("a1") });
    let number = engine.connections;
    engine.command(2, Command::GoOffline);
    assert_ne!(engine.connections, number);
    let Ok(Input::Net(late, _)) = inputs.recv_timeout(Duration::from_secs(60)) else {
        panic!("the connection reports its end")
    };
    assert_eq!(late, number);
}

#[test]
fn what_is_to_be_done_once_needs_a_key_of_its_own() {
    let folder = TempDir::new().unwrap();
    let app = App::open(&options(folder.path())).unwrap();
    let once = |key: &str, command| Command::Once { key: text(key), command: Box::new(command) };
    let send = || Command::text("b0".repeat(16), "hi");
    assert_eq!(answer(&app, once("", send())), Some(text("malformedKey")));
    assert_eq!(answer(&app, once(&"k".repeat(257), send())), Some(text("malformedKey")));
    assert_eq!(answer(&app, once("k", Command::GoOnline)), Some(text("notOnce")));
    assert_eq!(answer(&app, once("k", once("l", send()))), Some(text("notOnce")));
    // What failed was not done, and can be tried again under the same key.
    assert_eq!(answer(&app, once("k", send())), Some(text("notRegistered")));
    assert_eq!(answer(&app, once("k", send())), Some(text("notRegistered")));
    let listed = |name: &str| BroadcastList { id: None, name: text(name), members: Vec::new() };
    let set = |name: &str| once("k", Command::SetList { list: listed(name) });
    let first = answer(&app, set("all"));
    assert_eq!(answer(&app, set("all")), first);
    if first.is_none() {
        assert_eq!(answer(&app, set("none")), Some(text("keyReused")));
        app.close();
        let app = App::open(&options(folder.path())).unwrap();
        assert_eq!(answer(&app, set("none")), Some(text("keyReused")), "over restarts too");
    }
}

#[test]
fn a_journal_that_nobody_keeps_is_empty() {
    let folder = TempDir::new().unwrap();
    let app = App::open(&options(folder.path())).unwrap();
    let journal = |app: &App| match app.query(Query::Journal { after: None, limit: 9 }).unwrap() {
        Answer::Journal { acknowledged, newest, entries } => (acknowledged, newest, entries.len()),
        _ => panic!("a journal is asked for"),
    };
    assert_eq!(journal(&app), (0, 0, 0));
    assert_eq!(answer(&app, Command::AcknowledgeJournal { up_to: 4 }), None);
    assert_eq!(answer(&app, Command::KeepJournal), None);
    assert_eq!(journal(&app), (0, 0, 0));
}
