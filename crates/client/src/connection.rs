//! The connection: when to make one, when it is dead, what is said first on it, and how a device notices
//! that it was restored from an older copy of itself.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use waxwing_wire::FileId;
use waxwing_wire::client_frame::{Hello, Request, RequestBody, Stored};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::file::FileRequest;
use waxwing_wire::group::GroupLink;
use waxwing_wire::server_frame::{Response, ResponseBody, ServerFrame, Welcome};
use waxwing_wire::{AccountId, DeviceId, GroupId, MessageId, PrekeysLeft, Reject, RejectCode, WIRE_VERSION};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, ConnectionState, Effect, Event, Failure};
use crate::contacts::Lookup;
use crate::directory::{Search, findable};
use crate::files::FileDigest;
use crate::limits::{
    ANSWER_TIMEOUT_MS, CONNECT_TIMEOUT_MS, HOLD_MAX_MS, KEEP_ALIVE_MS, MAX_REQUESTS_IN_FLIGHT,
    PONG_TIMEOUT_MS, PREKEY_IDS_SKIPPED, RECONNECT_MAX_MS, RECONNECT_MIN_MS,
};
use crate::linking::{Approval, Approving};
use crate::own::Wanted;
use crate::turn::Turn;

/// What the core knows of its connection.
pub(crate) enum Link {
    /// None, and none wanted.
    Offline,
    /// The server does not want this device.
    Refused(RejectCode),
    /// None; another attempt comes after a pause.
    Waiting { until: Time, pause_ms: u64 },
    /// The shell is making one.
    Connecting { since: Time },
    /// There is one.
    Up(Box<Up>),
}

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Asked for an account.
    Registering,
    /// Waits to be taken into an account.
    Linking,
    /// Said hello. The lease before this connection's is what evidence is judged by.
    Greeting { lease_before: u64 },
    /// Welcome.
    Online,
}

pub(crate) struct Up {
    pub phase: Phase,
    since: Time,
    heard_at: Time,
    pinged_at: Option<Time>,
    next_request: u32,
    asked: BTreeMap<u32, (Asked, Time)>,
    pub flight: BTreeMap<MessageId, Flight>,
    /// As of the last word of the server.
    pub prekeys_left: PrekeysLeft,
}

/// A message that the server has not answered yet.
pub(crate) struct Flight {
    pub order: u64,
    pub bytes: usize,
    pub since: Time,
    /// Its row is to be encrypted anew; not before this answer has come, so that none is taken for another.
    pub unsealed: bool,
    /// No other part of the message comes after it.
    pub last: bool,
    /// The account's devices that it was encrypted for or names, each with its registration; of a group: none.
    pub devices: BTreeSet<(u32, u32)>,
}

/// A request that the server has not answered yet.
pub(crate) enum Asked {
    Register,
    Find(Lookup),
    FindGroup(CommandId, GroupLink),
    /// How far a group is.
    Epoch(GroupId),
    Bundles(AccountId, Vec<DeviceId>),
    Publish,
    /// Devices of an account that are in doubt.
    Devices(AccountId),
    /// Of the own account, for a command.
    Refresh(CommandId),
    Remove(CommandId, DeviceId),
    PublishList(Box<SignedDeviceList>),
    Username(AccountId),
    /// Answered when an existing device has approved, or not at all.
    Offer,
    Complete,
    FetchLink(Box<Approval>),
    Approve(Box<Approving>),
    /// The next part of a look-up.
    LookUp(CommandId, Box<Search>),
    /// How the own account is found.
    Findable(CommandId, Box<Wanted>),
    /// The right to upload a file.
    Ticket(FileDigest),
    /// Where a file is, or its segments go; or whether all of this one are there.
    File(CommandId, Box<FileRequest>, Option<FileDigest>),
    /// Files that were fetched.
    Fetched(Vec<FileId>),
}

impl Link {
    pub(crate) fn state(&self) -> ConnectionState {
        match self {
            Self::Offline => ConnectionState::Offline,
            Self::Refused(code) => ConnectionState::Refused(*code),
            Self::Waiting { until, .. } => ConnectionState::Waiting { until_ms: until.0 },
            Self::Up(up) if up.phase == Phase::Online => ConnectionState::Online,
            Self::Connecting { .. } | Self::Up(_) => ConnectionState::Connecting,
        }
    }

    /// Something is under way or there already.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(self, Self::Connecting { .. } | Self::Up(_))
    }

    pub(crate) fn up(&mut self) -> Option<&mut Up> {
        if let Self::Up(up) = self { Some(up) } else { None }
    }

    /// When the server was heard last on this connection.
    pub(crate) fn heard(&self) -> Option<Time> {
        if let Self::Up(up) = self { Some(up.heard_at) } else { None }
    }

    pub(crate) fn online(&mut self) -> Option<&mut Up> {
        self.up().filter(|up| up.phase == Phase::Online)
    }

    /// Sends a request, or gives it back when it cannot be sent now.
    pub(crate) fn ask(&mut self, turn: &mut Turn<'_>, what: RequestBody, asked: Asked) -> Result<(), Asked> {
        match self.up() {
            Some(up) if !up.is_busy() => {
                up.put(turn, what, asked);
                Ok(())
            }
            _ => Err(asked),
        }
    }
}

impl Up {
    fn new(now: Time, phase: Phase) -> Self {
        Self {
            phase,
            since: now,
            heard_at: now,
            pinged_at: None,
            next_request: 1,
            asked: BTreeMap::new(),
            flight: BTreeMap::new(),
            prekeys_left: PrekeysLeft::default(),
        }
    }

    fn put(&mut self, turn: &mut Turn<'_>, what: RequestBody, asked: Asked) {
        let id = self.next_request;
        self.next_request = id.wrapping_add(1).max(1);
        self.asked.insert(id, (asked, turn.now));
        turn.out.requests.push(Request { id, what });
    }

    /// No more requests may be asked now.
    pub(crate) fn is_busy(&self) -> bool {
        self.asked.len() >= MAX_REQUESTS_IN_FLIGHT
    }

    pub(crate) fn has_asked(&self, matches: impl Fn(&Asked) -> bool) -> bool {
        self.asked.values().any(|(asked, _)| matches(asked))
    }

    /// Silence on it is answered by a ping.
    fn lives(&self) -> bool {
        matches!(self.phase, Phase::Online | Phase::Linking)
    }

    fn oldest_question(&self) -> Option<Time> {
        let asked = self.asked.values().filter(|(asked, _)| !matches!(asked, Asked::Offer));
        let asked = asked.map(|(_, since)| *since);
        asked.chain(self.flight.values().map(|flight| flight.since)).min()
    }

    /// When silence means something.
    fn deadline(&self) -> Time {
        if !self.lives() {
            return self.since.plus(CONNECT_TIMEOUT_MS);
        }
        let life = match self.pinged_at {
            Some(at) => at.plus(PONG_TIMEOUT_MS),
            None => self.heard_at.plus(KEEP_ALIVE_MS),
        };
        self.oldest_question().map_or(life, |since| life.min(since.plus(ANSWER_TIMEOUT_MS)))
    }

    /// A clock that went back must not stretch a silence.
    fn mend_clock(&mut self, now: Time) {
        self.since = self.since.min(now);
        self.heard_at = self.heard_at.min(now);
        self.pinged_at = self.pinged_at.map(|at| at.min(now));
        for (_, since) in self.asked.values_mut() {
            *since = (*since).min(now);
        }
        for flight in self.flight.values_mut() {
            flight.since = flight.since.min(now);
        }
    }
}

impl Client {
    pub(crate) fn set_link(&mut self, turn: &mut Turn<'_>, link: Link) {
        let before = self.link.state();
        self.link = link;
        let after = self.link.state();
        if before != after {
            turn.event(Event::Connection(after));
        }
    }

    pub(crate) fn connect(&mut self, turn: &mut Turn<'_>) {
        turn.effects.push(Effect::Connect);
        self.set_link(turn, Link::Connecting { since: turn.now });
    }

    pub(crate) fn go_online(&mut self, turn: &mut Turn<'_>) {
        self.wanted = true;
        self.failures = 0;
        // Without an account there is nothing to say; registering connects.
        if !self.link.is_wanted() && (self.address().is_some() || self.is_linking()) {
            self.connect(turn);
        }
    }

    pub(crate) fn go_offline(&mut self, turn: &mut Turn<'_>) {
        self.wanted = false;
        if let Link::Up(up) = &self.link {
            // Nothing can be accepted any more that is not counted.
            if up.phase == Phase::Online && up.flight.is_empty() {
                self.counters.lease_open = false;
            }
        }
        if self.link.is_wanted() {
            turn.disconnect();
        }
        self.give_up_waiting(turn);
        if let Some(offer) = self.offer.take() {
            turn.failed(offer.command, Failure::NotConnected);
        }
        self.set_link(turn, Link::Offline);
    }

    pub(crate) fn connected(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if !matches!(self.link, Link::Connecting { .. }) {
            return Ok(());
        }
        if self.address().is_some() {
            self.greet(turn);
            return Ok(());
        }
        if self.is_linking() {
            let mut up = Up::new(turn.now, Phase::Linking);
            if let Some((what, asked)) = self.link_request(turn)? {
                up.put(turn, what, asked);
            }
            self.set_link(turn, Link::Up(Box::new(up)));
            return Ok(());
        }
        let Some(register) = self.register_request(turn)? else {
            turn.disconnect();
            self.set_link(turn, Link::Offline);
            return Ok(());
        };
        let mut up = Up::new(turn.now, Phase::Registering);
        up.put(turn, register, Asked::Register);
        self.set_link(turn, Link::Up(Box::new(up)));
        Ok(())
    }

    /// Says hello on a connection that is up. The lease is persisted with this step, before it is said.
    pub(crate) fn greet(&mut self, turn: &mut Turn<'_>) {
        let counters = &mut self.counters;
        let lease_before = counters.lease;
        counters.lease = counters.lease.saturating_add(1);
        if self.trusted {
            counters.counted_lease = counters.lease;
            counters.emitted = 0;
            counters.lease_open = true;
        }
        // Entries that could not be read are reported after the welcome: a hello would earn them receipts.
        let unreported = counters.undecryptable.first().map_or(u64::MAX, |seq| seq.saturating_sub(1));
        let stored = counters.stored.min(unreported);
        turn.out.hello = Some(Hello { version: WIRE_VERSION, lease: counters.lease, stored });
        let up = Up::new(turn.now, Phase::Greeting { lease_before });
        self.set_link(turn, Link::Up(Box::new(up)));
    }

    pub(crate) fn disconnected(&mut self, turn: &mut Turn<'_>) {
        if self.link.is_wanted() {
            self.lost(turn, 0);
        }
    }

    /// The connection is gone, or could not be made.
    pub(crate) fn lost(&mut self, turn: &mut Turn<'_>, at_least_ms: u64) {
        turn.out = crate::turn::Outgoing::default();
        self.give_up_waiting(turn);
        // Nobody has seen the code yet: the user may as well try again.
        if let Some(offer) = self.offer.take_if(|offer| !offer.shown) {
            turn.failed(offer.command, Failure::NotConnected);
        }
        let link = if self.wanted && (self.address().is_some() || self.is_linking()) {
            let pause_ms = backoff_ms(self.failures, turn.rng).max(at_least_ms);
            self.failures = self.failures.saturating_add(1);
            Link::Waiting { until: turn.now.plus(pause_ms), pause_ms }
        } else {
            Link::Offline
        };
        self.set_link(turn, link);
    }

    /// Tells everybody who waits for an answer of this connection that none will come.
    fn give_up_waiting(&mut self, turn: &mut Turn<'_>) {
        if let Some(registration) = self.registration.take() {
            turn.failed(registration.command, Failure::NotConnected);
        }
        let asked = self.link.up().map(|up| std::mem::take(&mut up.asked)).unwrap_or_default();
        for (asked, _) in asked.into_values() {
            let command = match asked {
                Asked::Find(lookup) => lookup.command,
                Asked::Refresh(command) | Asked::Remove(command, _) => command,
                Asked::FindGroup(command, _) => command,
                Asked::LookUp(command, _) | Asked::Findable(command, _) => command,
                Asked::File(command, _, _) => command,
                Asked::FetchLink(approval) => approval.command,
                Asked::Approve(approving) => approving.command,
                Asked::Username(account) => {
                    self.name_asks.insert(account);
                    continue;
                }
                _ => continue,
            };
            turn.failed(command, Failure::NotConnected);
        }
        for wish in std::mem::take(&mut self.wishes) {
            turn.failed(wish.command, Failure::NotConnected);
        }
        self.give_up_groups(turn);
        for lookup in std::mem::take(&mut self.lookups) {
            turn.failed(lookup.command, Failure::NotConnected);
        }
    }

    pub(crate) fn frame(&mut self, turn: &mut Turn<'_>, frame: ServerFrame) -> Result<(), Error> {
        let Some(up) = self.link.up() else { return Ok(()) };
        up.heard_at = turn.now;
        up.pinged_at = None;
        if let Some(welcome) = &frame.welcome {
            self.welcome(turn, welcome)?;
        }
        for response in frame.responses {
            self.response(turn, response)?;
        }
        if self.link.online().is_some() {
            for id in frame.accepted {
                self.accepted(turn, id)?;
            }
            for refused in &frame.refused {
                self.refused(turn, refused)?;
            }
            self.entries(turn, frame.entries)?;
            self.lights_arrived(turn, frame.lights, frame.presences)?;
        }
        if let Some(reject) = frame.goodbye {
            self.goodbye(turn, reject);
        }
        Ok(())
    }

    fn welcome(&mut self, turn: &mut Turn<'_>, welcome: &Welcome) -> Result<(), Error> {
        let Some(Phase::Greeting { lease_before }) = self.link.up().map(|up| up.phase) else { return Ok(()) };
        if self.address() != Some(welcome.address) {
            // The database belongs to another account than the key: nothing that is tried again helps.
            turn.disconnect();
            self.give_up_waiting(turn);
            self.set_link(turn, Link::Refused(RejectCode::Unspecified));
            return Ok(());
        }
        let older = !self.trusted && self.is_older_copy(welcome, lease_before);
        self.trusted = true;
        self.heard_at = Some(turn.now);
        self.counters.undecryptable.retain(|seq| *seq > welcome.acknowledged);
        if older {
            self.begin_anew(turn, welcome)?;
            if self.counters.lease <= welcome.previous_lease && welcome.previous_lease < u64::MAX {
                self.counters.lease = welcome.previous_lease;
                turn.disconnect();
                self.connect(turn);
                return Ok(());
            }
        }
        let counters = &mut self.counters;
        if counters.counted_lease != counters.lease {
            (counters.counted_lease, counters.emitted) = (counters.lease, 0);
        }
        counters.lease_open = true;
        if !counters.undecryptable.is_empty() {
            let (up_to, undecryptable) = (counters.stored, counters.undecryptable.clone());
            turn.out.stored = Some(Stored { up_to, undecryptable });
        }
        self.failures = 0;
        if let Some(up) = self.link.up() {
            up.phase = Phase::Online;
            up.prekeys_left = welcome.prekeys_left;
        }
        turn.event(Event::Connection(ConnectionState::Online));
        if welcome.skipped > self.counters.skipped {
            turn.event(Event::Skipped(welcome.skipped - self.counters.skipped));
        }
        self.counters.skipped = welcome.skipped;
        self.check_own_list(turn, welcome.list_version, welcome.devices)?;
        self.plan_retries(turn)?;
        self.groups_online(turn)
    }

    /// Judges what the server remembers of this device. Only meaningful for the first welcome of a process:
    /// later the device's own memory is the proof.
    fn is_older_copy(&self, welcome: &Welcome, lease_before: u64) -> bool {
        let counters = &self.counters;
        if welcome.acknowledged > counters.stored || welcome.previous_lease > lease_before {
            return true;
        }
        let came = |most: u64| welcome.received_in_lease.is_none_or(|received| received > most);
        match welcome.previous_lease.cmp(&counters.counted_lease) {
            // A server that has not seen the counted lease cannot have got anything under it.
            Ordering::Less => false,
            // Ended cleanly: whoever went on from here would have taken another lease.
            Ordering::Equal => counters.lease_open && came(counters.emitted),
            // A hello reached the server whose welcome never came here. Nothing may have come
            // after it; and what the server knew of an open lease before it is lost.
            Ordering::Greater => counters.lease_open || came(0),
        }
    }

    /// The database is an older copy of itself: nothing that its sessions would encrypt may leave.
    fn begin_anew(&mut self, turn: &mut Turn<'_>, welcome: &Welcome) -> Result<(), Error> {
        turn.event(Event::RestoredCopy);
        let counters = &mut self.counters;
        counters.renewals += 1;
        counters.replace_prekeys = true;
        counters.next_prekey = counters.next_prekey.saturating_add(PREKEY_IDS_SKIPPED);
        counters.stored = counters.stored.max(welcome.acknowledged);
        self.renew_archives(turn)?;
        self.doubt_groups(turn)?;
        self.unseal_all(turn)
    }

    /// This device was cut off: if it asked for that itself, it has what it wanted.
    fn logged_out(&mut self, turn: &mut Turn<'_>) {
        let own = self.address();
        let Some(up) = self.link.up() else { return };
        let wanted = |asked: &Asked| match asked {
            Asked::Remove(command, device) if own.is_some_and(|own| own.device == *device) => Some(*command),
            _ => None,
        };
        let found = up.asked.iter().find_map(|(id, (asked, _))| Some((*id, wanted(asked)?)));
        if let Some((id, command)) = found {
            up.asked.remove(&id);
            turn.done(command);
        }
    }

    fn goodbye(&mut self, turn: &mut Turn<'_>, reject: Reject) {
        if self.link.up().is_none() {
            return;
        }
        if let Some(registration) = self.registration.take() {
            turn.failed(registration.command, Failure::Rejected(reject.clone()));
        }
        turn.disconnect();
        if reject.code == RejectCode::NotRegistered {
            self.logged_out(turn);
        }
        match reject.code {
            RejectCode::Replaced | RejectCode::NotRegistered | RejectCode::WireVersion => {
                self.give_up_waiting(turn);
                self.set_link(turn, Link::Refused(reject.code));
                if reject.code == RejectCode::NotRegistered && self.address().is_some() {
                    turn.event(Event::Removed);
                }
            }
            _ => self.lost(turn, reject.retry_after_ms.min(HOLD_MAX_MS)),
        }
    }

    fn response(&mut self, turn: &mut Turn<'_>, response: Response) -> Result<(), Error> {
        // An answer to nothing that was asked changes nothing; nor does one of another kind.
        let asked = self.link.up().and_then(|up| up.asked.remove(&response.id));
        match (asked.map(|(asked, _)| asked), response.what) {
            (Some(Asked::Register), ResponseBody::Registered(address)) => self.registered(turn, address)?,
            (Some(Asked::Register), what) => self.register_refused(turn, as_reject(what)),
            (Some(Asked::Find(lookup)), ResponseBody::Found { account, identity }) => {
                self.found(turn, &lookup, Ok((account, identity)))?;
            }
            (Some(Asked::Find(lookup)), what) => self.found(turn, &lookup, Err(as_reject(what)))?,
            (Some(Asked::Bundles(account, asked)), ResponseBody::Bundles { list, bundles }) => {
                self.bundles(turn, account, &asked, &list, &bundles)?;
            }
            (Some(Asked::Bundles(account, _)), what) => self.no_bundles(turn, account, &as_reject(what))?,
            (Some(Asked::Publish), ResponseBody::Published(left)) => self.published(left),
            (Some(Asked::Publish), what) => self.publish_refused(turn, &as_reject(what)),
            (Some(Asked::Devices(account)), ResponseBody::Devices { list, devices }) => {
                self.devices_found(turn, account, &list, &devices)?;
            }
            (Some(Asked::Devices(account)), what) => self.no_devices(turn, account, &as_reject(what))?,
            (Some(Asked::Refresh(command)), what) => self.refreshed(turn, command, what)?,
            (Some(Asked::Remove(command, device)), what) => {
                self.device_removed(turn, command, device, what)?;
            }
            (Some(Asked::PublishList(list)), what) => self.list_published(turn, &list, what)?,
            (Some(Asked::Username(account)), what) => self.username_found(turn, account, what)?,
            (Some(Asked::Offer), what) => self.offer_answered(turn, what)?,
            (Some(Asked::Complete), what) => self.link_completed(turn, what)?,
            (Some(Asked::FetchLink(approval)), what) => self.link_fetched(turn, &approval, what)?,
            (Some(Asked::Approve(approving)), what) => self.link_approved(turn, &approving, what)?,
            (Some(Asked::LookUp(command, search)), what) => self.looked_up(turn, command, search, what)?,
            (Some(Asked::Findable(command, _)), what) => findable(turn, command, what),
            (Some(Asked::Ticket(digest)), what) => self.ticket_answered(turn, digest, what)?,
            (Some(Asked::File(command, request, finished)), what) => {
                self.file_answered(turn, command, (&request, finished), what)?;
            }
            (Some(Asked::Fetched(files)), what) => self.fetched_told(turn, &files, what),
            (Some(Asked::FindGroup(command, link)), ResponseBody::GroupFound(approvers)) => {
                self.group_found(turn, command, &link, Ok(approvers))?;
            }
            (Some(Asked::FindGroup(command, link)), what) => {
                self.group_found(turn, command, &link, Err(as_reject(what)))?;
            }
            (Some(Asked::Epoch(group)), what) => self.epoch_told(turn, group, what)?,
            (None, _) => {}
        }
        Ok(())
    }

    /// Does what time has made due.
    pub(crate) fn watch(&mut self, turn: &mut Turn<'_>) {
        match &mut self.link {
            Link::Waiting { until, .. } if turn.now >= *until => self.connect(turn),
            Link::Connecting { since } if turn.now >= since.plus(CONNECT_TIMEOUT_MS) => {
                turn.disconnect();
                self.lost(turn, 0);
            }
            Link::Up(up) if turn.now >= up.deadline() => {
                let answers = up.oldest_question().map(|since| since.plus(ANSWER_TIMEOUT_MS));
                let silent = up.lives() && up.pinged_at.is_none();
                if silent && answers.is_none_or(|deadline| turn.now < deadline) {
                    up.pinged_at = Some(turn.now);
                    turn.out.ping = Some(turn.rng.next_u32());
                } else {
                    turn.disconnect();
                    self.lost(turn, 0);
                }
            }
            _ => {}
        }
    }

    /// A clock that jumped must not make anything wait for longer than it would have.
    pub(crate) fn mend_clock(&mut self, now: Time) {
        match &mut self.link {
            Link::Waiting { until, pause_ms } => *until = (*until).min(now.plus(*pause_ms)),
            Link::Connecting { since } => *since = (*since).min(now),
            Link::Up(up) => up.mend_clock(now),
            Link::Offline | Link::Refused(_) => {}
        }
    }

    /// When [`Self::watch`] has something to do.
    pub(crate) fn watch_at(&self) -> Option<Time> {
        match &self.link {
            Link::Waiting { until, .. } => Some(*until),
            Link::Connecting { since } => Some(since.plus(CONNECT_TIMEOUT_MS)),
            Link::Up(up) => Some(up.deadline()),
            Link::Offline | Link::Refused(_) => None,
        }
    }
}

pub(crate) fn as_reject(what: ResponseBody) -> Reject {
    match what {
        ResponseBody::Reject(reject) => reject,
        _ => Reject::new(RejectCode::Unspecified, "the server answered something else than was asked"),
    }
}

/// Doubles from the least to the longest pause; half of it is drawn, so that many clients of a server that
/// comes back do not come together.
pub(crate) fn backoff_ms(failures: u32, rng: &mut dyn CryptoRng) -> u64 {
    let longest = RECONNECT_MIN_MS.checked_shl(failures.min(16)).unwrap_or(RECONNECT_MAX_MS);
    let longest = longest.min(RECONNECT_MAX_MS);
    let half = longest / 2;
    half + rng.next_u64() % (longest - half + 1)
}
