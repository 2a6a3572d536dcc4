//! An account with three devices and a group of twenty accounts, all of them real profiles that talk through a
//! real server. Devices come and go, the server is killed, and in the end every transcript says the same as
//! every other, down to the ticks.
//!
//! `WAXWING_MANY_ROUNDS` sets how many rounds are played, `WAXWING_MANY_ACCOUNTS` how many accounts there are.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use support::{PATIENCE, Server, eventually};
use tempfile::TempDir;
use waxwing_app::api::{Answer, Body, Command, Delivery, Event, Group, HistoryRange, Message, Query, Status};
use waxwing_app::{App, KeyChoice, ProfileOptions};

const DEFAULT_ROUNDS: usize = 4;
const DEFAULT_ACCOUNTS: usize = 20;

/// A device with its profile's folder; without an `App` while it is away.
struct Device {
    folder: TempDir,
    app: Option<App>,
    /// Number of its account's owner.
    owner: usize,
}

/// What one device shows of a message, without what is the device's own affair.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    text: String,
    sent_at_ms: u64,
    /// Own messages only: ticks are shown for nothing else.
    delivery: Option<Delivery>,
}

impl Device {
    fn new(owner: usize) -> Self {
        let mut device = Self { folder: TempDir::new().unwrap(), app: None, owner };
        device.come();
        device
    }

    fn come(&mut self) {
        let options =
            ProfileOptions { data_dir: self.folder.path().join("profile"), key: KeyChoice::default() };
        let app = App::open(&options).unwrap();
        app.send(Command::GoOnline);
        self.app = Some(app);
    }

    fn go(&mut self) {
        self.app = None;
    }

    fn app(&self) -> &App {
        self.app.as_ref().expect("the device is there")
    }

    /// Waits for the answer to a command; the failure's code if it is one.
    fn answer(&self, id: u64) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.app().events().recv_deadline(deadline).expect("every command is answered") {
                Event::Done { command, .. } if command == id => return Ok(()),
                Event::Failed { command, failure } if command == id => return Err(failure.code),
                _ => {}
            }
        }
    }

    /// Insists that a command succeeds, sooner or later: a killed server makes some fail.
    #[track_caller]
    fn insist(&self, command: &Command) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(code) = self.answer(self.app().send(command.clone())) {
            assert!(Instant::now() < deadline, "it never succeeded: {code}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn ask(&self, query: Query) -> Answer {
        self.app().query(query).unwrap_or_else(|failure| panic!("a query failed: {}", failure.detail))
    }

    fn status(&self) -> Status {
        let Answer::Status(status) = self.ask(Query::Status) else { panic!("a status was asked for") };
        status
    }

    fn account(&self) -> String {
        self.status().account.expect("an account")
    }

    fn group(&self) -> Option<Group> {
        let Answer::Groups { groups } = self.ask(Query::Groups) else { panic!("groups were asked for") };
        groups.into_iter().next()
    }

    fn history(&self, with: &str) -> Vec<Message> {
        let query = Query::History { with: with.to_owned(), before: None, after: None, limit: 10_000 };
        let Answer::Messages { messages } = self.ask(query) else { panic!("messages were asked for") };
        messages
    }

    fn write(&self, to: &str, text: String) {
        // Written is written, whether there is a server or not.
        self.insist(&Command::text(to, text));
    }

    fn read(&self, with: &str) {
        if let Some(last) = self.history(with).last() {
            self.insist(&Command::MarkRead { with: with.to_owned(), up_to: last.order });
        }
    }

    /// What this device shows of a conversation, by the messages' names.
    fn transcript(&self, with: &str) -> BTreeMap<String, Line> {
        let own = self.account();
        let line = |message: Message| {
            let text = match message.body {
                Body::Text(post) => post.text,
                Body::Notice { .. } => return None,
                Body::Deleted => "(deleted)".to_owned(),
                Body::Opened => "(opened)".to_owned(),
                Body::Waiting => "(waiting)".to_owned(),
                Body::Lost | Body::Unknown => "(lost)".to_owned(),
            };
            let delivery = (message.from == own).then_some(message.delivery);
            Some((message.id, Line { text, sent_at_ms: message.sent_at_ms, delivery }))
        };
        self.history(with).into_iter().filter_map(line).collect()
    }

    /// Names of the texts of each sending device, in the order in which this device shows them.
    fn orders(&self, with: &str) -> BTreeMap<(String, u8), Vec<String>> {
        let mut orders = BTreeMap::<_, Vec<_>>::new();
        for message in self.history(with) {
            if matches!(message.body, Body::Text(_)) {
                orders.entry((message.from, message.device)).or_default().push(message.id);
            }
        }
        orders
    }
}

/// A new device of `primary`'s account.
fn link(primary: &Device, server: &str, name: &str) -> Device {
    let device = Device::new(primary.owner);
    let offer = device.app().send(Command::OfferLink { server: server.to_owned(), name: name.to_owned() });
    let code = loop {
        match device.app().events().recv_timeout(PATIENCE).expect("a code is shown") {
            Event::LinkCode { code, .. } => break code,
            Event::Failed { failure, .. } => panic!("no code: {}", failure.detail),
            _ => {}
        }
    };
    primary.insist(&Command::ApproveLink { code, history: HistoryRange::All });
    device.answer(offer).expect("it is linked");
    device
}

/// Small, and different in each run: what happens is different in each run anyhow.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_transcript_equals_every_other_down_to_receipts() {
    let accounts = number("WAXWING_MANY_ACCOUNTS", DEFAULT_ACCOUNTS);
    let rounds = number("WAXWING_MANY_ROUNDS", DEFAULT_ROUNDS);
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let mut dice = Dice(u64::try_from(seed & u128::from(u64::MAX)).unwrap());
    let mut server = Server::start();
    let invitation = server.invitation();
    let address = server.address.clone();

    let mut devices: Vec<Device> = (0..accounts).map(Device::new).collect();
    for device in &devices {
        device.insist(&Command::Register {
            server: address.clone(),
            invitation: invitation.clone(),
            username: format!("person{}", device.owner),
        });
    }
    for username in (1..accounts).map(|owner| format!("person{owner}")) {
        devices[0].insist(&Command::AddContact { username });
    }
    let names: Vec<String> = devices.iter().map(Device::account).collect();
    // One companion knows the group from its beginning, the other is linked when it is there.
    let second = link(&devices[0], &address, "laptop");
    devices.push(second);
    devices[0].insist(&Command::CreateGroup {
        name: "everybody".into(),
        kind: waxwing_app::api::GroupKind::Group,
        members: names[1..].to_vec(),
    });
    let group = devices[0].group().expect("the group").group;
    let third = link(&devices[0], &address, "tablet");
    devices.push(third);
    for device in &devices {
        eventually("everybody knows the group", || {
            device.group().is_some_and(|group| group.members.len() == accounts)
        });
    }

    let mut written = 0;
    for round in 0..rounds {
        let killed_at = dice.below(3);
        for part in 0..3 {
            for _ in 0..devices.len() {
                let at = dice.below(devices.len());
                if dice.below(4) == 0 {
                    if devices[at].app.is_some() { devices[at].go() } else { devices[at].come() }
                }
                let device = &devices[at];
                if device.app.is_none() {
                    continue;
                }
                written += 1;
                device.write(&group, format!("{written} to all"));
                if dice.below(2) == 0 && device.owner != 0 {
                    written += 1;
                    device.write(&names[0], format!("{written} to the first"));
                }
                if dice.below(2) == 0 {
                    device.read(&group);
                }
            }
            if part == killed_at {
                std::thread::sleep(Duration::from_millis(dice.below(300) as u64));
                server.kill();
                server.start_again();
            }
        }
        println!("round {}: {written} messages written", round + 1);
    }

    for device in &mut devices {
        if device.app.is_none() {
            device.come();
        }
    }
    // Everybody sees everything, which makes all ticks of all messages the same.
    eventually("all of it has arrived", || {
        let shown: Vec<usize> = devices.iter().map(|device| device.transcript(&group).len()).collect();
        shown.iter().all(|count| *count == shown[0]) && devices.iter().all(|d| d.status().pending == 0)
    });
    // What was asked for again comes late, and is seen late.
    let see = |device: &Device, with: &str| {
        let unseen =
            |message: &Message| message.from != device.account() && message.delivery != Delivery::Read;
        if device.history(with).iter().any(unseen) {
            device.read(with);
        }
    };
    eventually("every message is seen by whom it is for", || {
        for device in &devices {
            see(device, &group);
            names.iter().filter(|name| **name != device.account()).for_each(|name| see(device, name));
        }
        std::thread::sleep(Duration::from_millis(500));
        [&group, &names[0]].into_iter().all(|with| {
            let mut ticks = devices.iter().flat_map(|device| device.transcript(with).into_values());
            ticks.all(|line| line.delivery.is_none_or(|delivery| delivery == Delivery::Read))
        })
    });
    judge(&devices, &names, &group, written);
}

fn judge(devices: &[Device], names: &[String], group: &str, written: usize) {
    let mut all = BTreeSet::new();
    let without_ticks = |lines: BTreeMap<String, Line>| -> BTreeMap<String, Line> {
        lines.into_iter().map(|(id, line)| (id, Line { delivery: None, ..line })).collect()
    };
    let (first, order) = (without_ticks(devices[0].transcript(group)), devices[0].orders(group));
    for (number, device) in devices.iter().enumerate() {
        assert!(without_ticks(device.transcript(group)) == first, "device {number} shows another group");
        assert!(device.orders(group) == order, "device {number} shows another order");
        let of_sender = devices.iter().find(|other| other.owner == device.owner).unwrap();
        for name in names.iter().filter(|name| **name != device.account()) {
            // Between devices of one account even the ticks are the same.
            assert!(device.transcript(name) == of_sender.transcript(name), "device {number} with {name}");
            all.extend(device.transcript(name).into_keys());
        }
        assert!(device.transcript(group) == of_sender.transcript(group), "device {number}: other ticks");
        let state = device.group().unwrap();
        assert_eq!((state.epoch, state.members.len()), (devices[0].group().unwrap().epoch, names.len()));
    }
    let missing = first.values().any(|line| line.text.starts_with('('));
    assert!(!missing, "something could not be read");
    assert_eq!(first.len() + all.len(), written, "something is missing, or there twice");
    println!("{written} messages, {} devices, all transcripts equal", devices.len());
}
