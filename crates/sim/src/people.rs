//! What people do with their devices.

mod circles;
mod deeds;
mod devices;
mod groups;
mod light;
mod lives;

use waxwing_client::Conversation;
use waxwing_client::{Command, Direction, Event as Shown, Failure, Read as _};
use waxwing_wire::Username;
use waxwing_wire::client_frame::{ClientFrame, Request, RequestBody};
use waxwing_wire::invitation::InvitationToken;

use crate::device::Stage;
use crate::event::{Act, Event, GroupAct};
use crate::plan::Scenario;
use crate::world::{World, note};

pub use lives::LIFETIMES_S;

/// Part of every text, and of nothing else.
pub const CANARY: &str = "wxcanary";
/// The one invitation of a world.
pub const TOKEN: InvitationToken = InvitationToken([0x5a; 16]);
/// Times that an act is put off before it is given up.
const MAX_TRIES: u32 = 200;
/// Times that something to do is drawn when there is nothing yet to do it to.
const MAX_DRAWS: u32 = 10;
/// The client that floods, and its victim.
pub const FLOODER: usize = 0;
/// See [`FLOODER`].
pub const VICTIM: usize = 1;

/// The alias of a person.
pub fn username(person: usize) -> Username {
    Username::parse(&format!("person{person}")).expect("letters and a digit are a username")
}

impl World {
    /// Puts everything that people will do into the queue.
    pub(crate) fn schedule_people(&mut self) {
        for client in 0..self.plan.clients {
            let start = self.dice.below(3_000);
            self.schedule(start, Event::ClientStart { client, life: 0 });
            self.schedule(start + 50, Event::Act { client, act: Act::Register });
        }
        self.schedule_devices();
        self.schedule_groups();
        self.schedule_deeds();
        self.schedule_light();
        self.schedule_lives();
        self.schedule_circles();
        match self.plan.scenario {
            Scenario::Flood => self.schedule_flood(),
            Scenario::Burst => {
                self.schedule_talk();
                self.schedule_burst();
            }
            Scenario::Drain => {
                self.schedule_talk();
                for round in 0..400 {
                    let act = Act::Drain { peer: VICTIM };
                    self.schedule(8_000 + round * 60, Event::Act { client: FLOODER, act });
                }
            }
            _ => self.schedule_talk(),
        }
    }

    /// One of a person's devices, linked by now or not.
    fn device_of(&mut self, person: usize) -> usize {
        let devices = self.slots(person);
        match devices.as_slice() {
            [only] => *only,
            several => several.get(self.dice.index(several.len())).copied().unwrap_or(person),
        }
    }

    /// A few pairs talk much, others little.
    fn schedule_talk(&mut self) {
        let count = self.plan.honest_people();
        let mut left = self.plan.messages;
        while left > 0 {
            let client = self.dice.index(count);
            let peer = if self.dice.chance(6_000) { client ^ 1 } else { self.dice.index(count) };
            if peer == client || peer >= count {
                continue;
            }
            let burst = if self.dice.chance(1_500) { self.dice.between(2, 15) } else { 1 };
            let burst = burst.min(left);
            left -= burst;
            let bytes = if self.dice.chance(300) { 12_000 } else { self.dice.skewed(0, 400) };
            let bytes = usize::try_from(bytes).unwrap_or(0);
            let at = self.dice.between(4_000, self.plan.chaos_ms);
            let (writer, person) = (self.device_of(client), client);
            let act = Act::Write { peer, count: burst, bytes, tried: 0 };
            self.schedule(at, Event::Act { client: writer, act });
            if self.dice.chance(4_000) {
                let at = at + self.dice.skewed(500, 60_000);
                let client = self.device_of(peer);
                self.schedule(at, Event::Act { client, act: Act::Read { peer: person } });
            }
        }
        let most_away = if self.plan.scenario == Scenario::Expiry { 120_000 } else { 40_000 };
        if self.plan.scenario != Scenario::Calm || self.dice.chance(5_000) {
            let all = self.devices.count();
            for _ in 0..self.dice.below(2 * all as u64 + 1) {
                let client = self.dice.index(all);
                let at = self.dice.between(4_000, self.plan.chaos_ms);
                let for_ms = self.dice.skewed(200, most_away);
                self.schedule(at, Event::Act { client, act: Act::Away { for_ms } });
            }
        }
    }

    /// One client writes to another, which is away, more than the server takes; the others talk.
    fn schedule_flood(&mut self) {
        let begin = 10_000;
        for client in [FLOODER, VICTIM] {
            let act = Act::Meet { peer: VICTIM + FLOODER - client };
            self.schedule(5_000, Event::Act { client, act });
        }
        let for_ms = self.plan.chaos_ms;
        self.schedule(begin, Event::Act { client: VICTIM, act: Act::Away { for_ms } });
        for burst in 0..4 {
            let act = Act::Write { peer: VICTIM, count: 30, bytes: 40, tried: 0 };
            self.schedule(begin + 2_000 + burst * 3_000, Event::Act { client: FLOODER, act });
        }
        let count = self.plan.clients;
        for _ in 0..40 {
            let client = 2 + self.dice.index(count - 2);
            let peer = if client == 2 { 3 } else { 2 };
            let at = self.dice.between(5_000, begin + 40_000);
            let act = Act::Write { peer, count: 1, bytes: 40, tried: 0 };
            self.schedule(at, Event::Act { client, act });
        }
    }

    /// One client writes to another, which is away, more than is delivered or settled at once.
    fn schedule_burst(&mut self) {
        self.schedule(5_000, Event::Act { client: FLOODER, act: Act::Meet { peer: VICTIM } });
        self.schedule(12_000, Event::Act { client: VICTIM, act: Act::Away { for_ms: 30_000 } });
        let act = Act::Write { peer: VICTIM, count: 640, bytes: 10, tried: 0 };
        self.schedule(13_000, Event::Act { client: FLOODER, act });
    }

    /// Does the same again later.
    pub(crate) fn again(&mut self, client: usize, act: Act, not_before: u64) {
        let mut act = act;
        if let Act::Write { tried, .. }
        | Act::Link { tried }
        | Act::Unlink { tried, .. }
        | Act::Set { tried }
        | Act::Do { tried }
        | Act::Live { tried }
        | Act::Circle { tried }
        | Act::Group { tried, .. } = &mut act
        {
            *tried += 1;
            if *tried > MAX_TRIES {
                return;
            }
        }
        let at = not_before.max(self.now) + self.dice.between(800, 4_000);
        self.schedule(at, Event::Act { client, act });
    }

    /// Tells a client what was drawn, or draws again later.
    fn command_or_again(&mut self, client: usize, drawn: Option<Command>, act: Act, tried: u32) {
        match drawn {
            Some(command) => self.command(client, command, Some(act)),
            None if tried < MAX_DRAWS => self.again(client, act, 0),
            None => {}
        }
    }

    pub(crate) fn act(&mut self, client: usize, act: Act) {
        let is_its_own = matches!(act, Act::Link { .. } | Act::Away { .. } | Act::Back);
        if !is_its_own && self.devices[client].stage != Stage::Linked {
            // Not there yet, or not any more: people take another device.
            let person = self.devices[client].person;
            return self.act(person, act);
        }
        if self.devices[client].client.is_none() && !matches!(act, Act::Link { .. }) {
            return match act {
                Act::Away { .. } | Act::Drain { .. } | Act::Light => {}
                Act::Back => self.devices[client].wants_online = true,
                other => self.again(client, other, 0),
            };
        }
        match act {
            Act::Register => {
                if self.oracle.is_registered(client) {
                    return;
                }
                let command = Command::Register { invitation: TOKEN, username: username(client) };
                self.command(client, command, Some(Act::Register));
            }
            Act::Meet { peer } => {
                if self.devices[client].contacts.contains_key(&peer) {
                    return;
                }
                let command = Command::AddContact { username: username(peer) };
                self.command(client, command, Some(act));
            }
            Act::Write { peer, count, bytes, tried } => self.write(client, peer, count, bytes, tried),
            Act::Read { peer } => self.read(client, peer),
            Act::Drain { peer } => self.drain(client, peer),
            Act::Away { for_ms } => {
                if !self.healed {
                    note!(self, "c{client} is away for {for_ms} ms");
                    self.devices[client].wants_online = false;
                    self.schedule(self.now + for_ms, Event::Act { client, act: Act::Back });
                    self.command(client, Command::GoOffline, None);
                }
            }
            Act::Back => {
                self.devices[client].wants_online = true;
                self.command(client, Command::GoOnline, None);
            }
            Act::Link { tried } => self.offer(client, tried),
            Act::Approve { companion } => self.approve(client, companion),
            Act::Unlink { companion, tried } => self.unlink(client, companion, tried),
            Act::Set { tried } => self.set(client, tried),
            Act::Do { tried } => self.do_something(client, tried),
            Act::Live { tried } => self.live(client, tried),
            Act::Circle { tried } => self.something_among_friends(client, tried),
            Act::Light => self.something_light(client),
            Act::Group { group, what, tried } => self.group_act(client, group, what, tried),
        }
    }

    fn write(&mut self, client: usize, peer: usize, count: u64, bytes: usize, tried: u32) {
        let Some(to) = self.devices[client].contacts.get(&peer).copied() else {
            if tried.is_multiple_of(4) {
                self.act(client, Act::Meet { peer });
            }
            return self.again(client, Act::Write { peer, count, bytes, tried }, 0);
        };
        for done in 0..count {
            if self.devices[client].client.is_none() {
                // It died in the middle; what is left is written by whoever starts again.
                let act = Act::Write { peer, count: count - done, bytes, tried };
                return self.again(client, act, 0);
            }
            let text = self.oracle.new_text(bytes);
            self.command(
                client,
                Command::text(Conversation::Account(to), text),
                Some(Act::Write { peer, count: 1, bytes, tried }),
            );
        }
    }

    fn drain(&mut self, client: usize, peer: usize) {
        let known = self.oracle.address(peer).filter(|_| !self.healed);
        if let Some(address) = known.filter(|_| self.devices[client].is_online()) {
            // A number that the core does not use: the answer means nothing to it.
            let what = RequestBody::FetchBundles(address.account, Vec::new());
            let requests = vec![Request { id: u32::MAX, what }];
            self.device_says(client, ClientFrame { requests, ..ClientFrame::default() });
        }
    }

    fn read(&mut self, client: usize, peer: usize) {
        let Some(with) = self.oracle.address(peer).map(|address| address.account) else { return };
        // Who reads what somebody unknown has written says yes to it; otherwise nobody would hear of the reading.
        if !self.devices[client].has_accepted(with) {
            self.command(client, Command::Accept { account: with }, None);
        }
        if self.devices[client].has_accepted(with) {
            self.read_some(client, Conversation::Account(with));
        }
    }

    /// Somebody has seen what there is, or nearly.
    fn read_some(&mut self, client: usize, with: Conversation) {
        let history = self.devices[client].db.history(with, u64::MAX, 200).unwrap_or_default();
        let incoming: Vec<u64> = (history.iter())
            .filter(|message| message.direction == Direction::Incoming)
            .map(|message| message.order)
            .collect();
        if incoming.is_empty() {
            return;
        }
        let newest = self.dice.index(incoming.len().min(3));
        let up_to = incoming.get(newest).copied().unwrap_or_default();
        self.command(client, Command::MarkRead { with, up_to }, None);
    }

    /// What a front end is shown.
    pub(crate) fn shown(&mut self, client: usize, event: Shown) {
        self.oracle.client_shows(client, &event);
        match event {
            Shown::Done { command, peer, .. } => {
                let act = self.devices[client].pending.remove(&command);
                match (act, peer) {
                    (Some(Act::Meet { peer: number }), Some(found)) => {
                        self.devices[client].contacts.insert(number, found.account);
                    }
                    (Some(act), _) => self.succeeded(client, &act),
                    (None, _) => {}
                }
            }
            Shown::Failed { command, failure } => {
                note!(self, "c{client} command {} failed: {}", command.0, name(&failure));
                if let Some(act) = self.devices[client].pending.remove(&command) {
                    self.failed(client, act, &failure);
                }
            }
            Shown::RestoredCopy => note!(self, "c{client} has noticed that it is an older copy"),
            Shown::Gap { missing, .. } => note!(self, "c{client} is told that {missing} are missing"),
            Shown::LinkCode { code, .. } => self.code_shown(client, code),
            Shown::Removed => self.removed(client),
            Shown::Group(group) => self.group_shown(client, group),
            _ => {}
        }
    }

    /// A command that led to something for others to go on with.
    fn succeeded(&mut self, client: usize, act: &Act) {
        match act {
            Act::Link { .. } => self.linked(client),
            Act::Group { group, what: GroupAct::Make, .. } => self.made(client, *group),
            _ => {}
        }
    }

    fn failed(&mut self, client: usize, act: Act, failure: &Failure) {
        match (&act, failure) {
            // The device has another code by then, or none.
            (Act::Approve { .. }, Failure::UnknownCode) => {}
            (Act::Approve { .. }, Failure::TooManyDevices { .. }) => {}
            (Act::Unlink { .. }, Failure::UnknownDevice) => {}
            (Act::Unlink { .. }, Failure::Rejected(reject)) if reject.retry_after_ms == 0 => {}
            // The message is somebody else's, or too old, or gone by now.
            (Act::Do { .. } | Act::Live { .. } | Act::Circle { .. }, _) => {}
            (Act::Set { .. }, Failure::UnknownContact | Failure::UnknownGroup | Failure::UnknownMessage) => {}
            (
                Act::Group { what, .. },
                Failure::NotAllowed
                | Failure::UnknownContact
                | Failure::GroupFull { .. }
                | Failure::Rejected(_),
            ) if !matches!(what, GroupAct::Make | GroupAct::Write(_)) => {}
            (Act::Group { .. }, Failure::NotAllowed) => {}
            // It died before it could say so.
            (Act::Register, Failure::AlreadyRegistered) => self.oracle.client_is_registered(client),
            (Act::Link { .. }, Failure::AlreadyRegistered) => {
                self.oracle.client_is_registered(client);
                self.linked(client);
            }
            (Act::Write { peer, .. }, Failure::UnknownContact) => {
                self.devices[client].contacts.remove(peer);
                self.again(client, act, 0);
            }
            (_, Failure::TooLong { .. } | Failure::Empty) => {
                self.oracle.fail("client", format!("c{client}: a good command failed"));
            }
            _ => self.again(client, act, 0),
        }
    }
}

fn name(failure: &Failure) -> &'static str {
    match failure {
        Failure::Rejected(reject) => reject.code.name(),
        Failure::NotConnected => "NotConnected",
        Failure::NotRegistered => "NotRegistered",
        Failure::AlreadyRegistered => "AlreadyRegistered",
        Failure::UnknownContact => "UnknownContact",
        Failure::TooLong { .. } => "TooLong",
        Failure::OutboxFull => "OutboxFull",
        Failure::Empty => "Empty",
        Failure::Busy => "Busy",
        Failure::TooManyContacts { .. } => "TooManyContacts",
        Failure::NotPrimary => "NotPrimary",
        Failure::UnknownDevice => "UnknownDevice",
        Failure::UnknownCode => "UnknownCode",
        Failure::FalseCode => "FalseCode",
        Failure::TooManyDevices { .. } => "TooManyDevices",
        Failure::UnknownGroup => "UnknownGroup",
        Failure::NotAllowed => "NotAllowed",
        Failure::GroupFull { .. } => "GroupFull",
        Failure::NotAddable => "NotAddable",
        Failure::GroupBusy => "GroupBusy",
        Failure::UnknownMessage => "UnknownMessage",
        Failure::UnknownList => "UnknownList",
        Failure::TooLate => "TooLate",
        Failure::TooManyForwards { .. } => "TooManyForwards",
        Failure::Malformed => "Malformed",
        Failure::NoAudience => "NoAudience",
        Failure::AudienceTooLarge { .. } => "AudienceTooLarge",
        Failure::TooManyStatuses { .. } => "TooManyStatuses",
        Failure::TooManyAddresses { .. } => "TooManyAddresses",
        Failure::FalseDirectory => "FalseDirectory",
        Failure::UnknownFile => "UnknownFile",
        Failure::TooManyFiles { .. } => "TooManyFiles",
    }
}
