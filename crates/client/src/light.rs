//! Light events: who types, who records, who is there.
//!
//! Nothing of it stands in the outbox or the database: what cannot be said now is not said, and what is known of
//! others ends with the connection. What is said to others is sealed under keys that they have from this account
//! (`profile`, and for groups from this device with its sender key); what others say counts only if it is newer
//! than what was known, so that a server that repeats something old is not believed.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_e2ee::light::{self, Purpose};
use waxwing_wire::content::Conversation;
use waxwing_wire::light::{
    Announcement, Gate, Light, LightContent, LightEvent, LightKey, LightKind, Presence as Announced,
    PresenceToken, Watch, Watched,
};
use waxwing_wire::limits::MAX_WATCHED;
use waxwing_wire::{AccountId, Bytes, DeviceAddress, GroupId};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{Activity, CommandId, Composing, Effect, Event, Failure, Presence};
use crate::group::{load_key, load_state, may_send};
use crate::limits::{
    ANNOUNCE_AGAIN_MS, ANNOUNCE_PAUSE_MS, LIGHT_AGE_MS, MAX_ANNOUNCING_DEVICES, MAX_COMPOSERS,
    MAX_COMPOSING_TOLD, TYPING_LASTS_MS, TYPING_REPEAT_MS, WATCH_AGAIN_MS, WATCH_LASTS_MS,
};
use crate::privacy::{group_asked_by, load_privacy, rights_of};
use crate::profile::{is_accepted, keys_of, own_keys};
use crate::row::{Body, Direction};
use crate::turn::Turn;

/// What lives as long as the process or the connection.
#[derive(Default)]
pub(crate) struct Lights {
    activity: Activity,
    /// Whose presence the front end shows.
    shown: BTreeSet<AccountId>,
    /// The server was told on this connection which light events shall come.
    watching: bool,
    /// It is told anew then; at once, if something about it has changed.
    watch_at: Option<Time>,
    /// What was announced on this connection.
    announced: Option<(LightKind, Gate, Option<Gate>)>,
    /// When. What is old counts for nothing, so that a server cannot keep anybody there who has left.
    announced_at: Option<Time>,
    /// Nothing is announced before.
    announce_after: Option<Time>,
    /// What this device has told others that it does, and when.
    told: BTreeMap<Conversation, (LightKind, Time)>,
    /// The time under which it last said so: each is newer than the one before.
    told_at_ms: u64,
    /// What others do, and those whose last word is remembered although they do nothing any more.
    composers: BTreeMap<(Conversation, DeviceAddress), Composer>,
    /// Of devices of watched accounts.
    presences: BTreeMap<DeviceAddress, Seen>,
    /// What the front end was told.
    reported: BTreeMap<AccountId, Presence>,
}

struct Composer {
    /// By its device's clock, milliseconds since 1970.
    at_ms: u64,
    /// `None`: it has stopped.
    until: Option<Time>,
}

/// What a device has announced.
struct Seen {
    /// By its own clock.
    at_ms: u64,
    active: bool,
    last_ms: Option<u64>,
    /// The server is asked again before; if it says nothing, nothing is known any more.
    until: Time,
}

impl Client {
    // ------------------------------------------------------------ what the user does

    pub(crate) fn set_activity(&mut self, turn: &mut Turn<'_>, command: CommandId, activity: Activity) {
        if self.lights.activity != activity {
            self.lights.activity = activity;
            self.lights.watch_at = Some(turn.now);
        }
        turn.done(command);
    }

    pub(crate) fn watch_presence(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        accounts: BTreeSet<AccountId>,
    ) {
        if accounts.len() > MAX_WATCHED {
            turn.failed(command, Failure::Malformed);
            return;
        }
        if self.lights.shown != accounts {
            self.lights.presences.retain(|device, _| accounts.contains(&device.account));
            self.lights.reported.retain(|account, _| accounts.contains(account));
            self.lights.shown = accounts;
            self.lights.watch_at = Some(turn.now);
        }
        turn.done(command);
    }

    /// Says that the user types, records or has stopped, to those who may know: nobody, without a connection.
    pub(crate) fn compose_light(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        with: Conversation,
        what: Composing,
    ) -> Result<(), Error> {
        turn.done(command);
        let kind = match what {
            Composing::Stopped => LightKind::Stopped,
            Composing::Typing => LightKind::Typing,
            Composing::Recording => LightKind::Recording,
        };
        let now = turn.now;
        self.lights.told.retain(|_, (_, at)| *at <= now && now < at.plus(TYPING_LASTS_MS));
        let before = self.lights.told.get(&with);
        let says = match before {
            Some((said, at)) => *said != kind || now >= at.plus(TYPING_REPEAT_MS),
            None => kind != LightKind::Stopped && self.lights.told.len() < MAX_COMPOSING_TOLD,
        };
        let Some(own) = self.address().filter(|_| says && self.link.online().is_some()) else {
            return Ok(());
        };
        let Some((key, purpose)) = self.composing_key(turn, own, with)? else { return Ok(()) };
        let at_ms = now.0.max(self.lights.told_at_ms.saturating_add(1).min(now.plus(TYPING_LASTS_MS).0));
        self.lights.told_at_ms = at_ms;
        let sealed = seal(turn, &key, purpose, own, Some(with), LightContent { kind, at_ms });
        turn.out.lights.push(Light { to: with, sealed });
        if kind == LightKind::Stopped {
            self.lights.told.remove(&with);
        } else {
            self.lights.told.insert(with, (kind, now));
        }
        Ok(())
    }

    /// Under which the own light events for a conversation are sealed, if its people may have them.
    fn composing_key(
        &self,
        turn: &Turn<'_>,
        own: DeviceAddress,
        with: Conversation,
    ) -> Result<Option<(LightKey, Purpose)>, Error> {
        match with {
            Conversation::Account(account) => {
                let may = account != own.account
                    && is_accepted(&turn.store, account)?
                    && !crate::state::is_blocked(&turn.store, account)?;
                let key = if may { own_keys(&turn.store)?.light } else { None };
                Ok(key.map(|key| (key, Purpose::Typing)))
            }
            Conversation::Group(group) => {
                let row = load_key(turn, group, own)?;
                let writes = load_state(turn, group)?.is_some_and(|state| may_send(&state, own.account));
                // A key that is to be drawn anew is not used: somebody has it who is no member any more.
                let fresh = writes && !row.record.is_empty() && row.renewals == self.counters.renewals;
                Ok(row.light_key().filter(|_| fresh).map(|key| (key, Purpose::Group)))
            }
            Conversation::Status(_) => Ok(None),
        }
    }

    // ------------------------------------------------------------ what is said to the server

    /// At the end of each step: says what is to be said, and ends what has its time.
    pub(crate) fn pump_light(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if self.link.online().is_none() {
            self.forget_light(turn);
            return Ok(());
        }
        self.end_composing(turn);
        let was_watching = self.lights.watching;
        let due = self.lights.watch_at.is_some_and(|at| at <= turn.now);
        let awake = self.lights.activity != Activity::Away;
        if (awake && (!was_watching || due)) || (!awake && was_watching) {
            let watched = if awake { self.watched(turn)? } else { Vec::new() };
            let again = awake && !watched.is_empty();
            self.lights.watch_at = again.then(|| turn.now.plus(WATCH_AGAIN_MS));
            self.lights.watching = awake;
            turn.out.watch = Some(Watch { awake, watched });
            if !awake {
                self.lights.presences.clear();
            }
        }
        if !awake {
            self.lights.watch_at = None;
        }
        self.announce(turn)?;
        self.report_presences(turn);
        Ok(())
    }

    /// Whom this device may watch: who shows others nothing is shown nothing.
    fn watched(&self, turn: &Turn<'_>) -> Result<Vec<Watched>, Error> {
        let privacy = load_privacy(&turn.store)?;
        let mut watched = Vec::new();
        for account in self.lights.shown.iter().copied().filter(|account| !self.is_own(*account)) {
            let rights = rights_of(&turn.store, &privacy, account)?;
            let Some(keys) = keys_of(&turn.store, account)?.filter(|_| rights.online) else { continue };
            let Some(online) = keys.online else { continue };
            let last_seen = keys.last_seen.filter(|_| rights.last_seen);
            watched.push(Watched {
                account,
                token: token(&online),
                seen_token: last_seen.as_ref().map(token),
            });
        }
        Ok(watched)
    }

    /// Says whether the user is there, if that is another than what was said.
    fn announce(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let active = self.lights.activity == Activity::Active;
        if !active && self.lights.announced.is_none() {
            return Ok(());
        }
        let kind = if active { LightKind::Active } else { LightKind::Away };
        let keys = own_keys(&turn.store)?;
        let (Some(own), Some(online)) = (self.address(), keys.online) else { return Ok(()) };
        let seen_gate = keys.last_seen.as_ref().map(|key| token(key).gate());
        let now_said = (kind, token(&online).gate(), seen_gate);
        let now = turn.now;
        self.lights.announce_after = self.lights.announce_after.filter(|at| *at > now);
        let again = self.lights.announced_at.map(|at| at.min(now).plus(ANNOUNCE_AGAIN_MS));
        let holds = self.lights.announced == Some(now_said) && (!active || again.is_some_and(|at| at > now));
        if holds || self.lights.announce_after.is_some() {
            return Ok(());
        }
        let content = LightContent { kind, at_ms: now.0 };
        let sealed = seal(turn, &online, Purpose::Online, own, None, content);
        let seen = match &keys.last_seen {
            Some(key) => {
                let content = LightContent { kind: LightKind::Seen, ..content };
                seal(turn, key, Purpose::Seen, own, None, content)
            }
            None => Bytes::new(),
        };
        turn.out.announcement = Some(Box::new(Announcement { sealed, gate: now_said.1, seen, seen_gate }));
        self.lights.announced = Some(now_said);
        self.lights.announced_at = Some(now);
        self.lights.announce_after = Some(now.plus(ANNOUNCE_PAUSE_MS));
        Ok(())
    }

    /// Somebody may see more or less than before, or this device of them.
    pub(crate) fn sight_changed(&mut self, now: Time) {
        if self.lights.watching {
            self.lights.watch_at = Some(now);
        }
    }

    // ------------------------------------------------------------ what others say

    pub(crate) fn lights_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        lights: Vec<LightEvent>,
        presences: Vec<Announced>,
    ) -> Result<(), Error> {
        for event in lights {
            self.light_arrived(turn, &event)?;
        }
        for presence in presences {
            self.presence_arrived(turn, &presence)?;
        }
        Ok(())
    }

    fn light_arrived(&mut self, turn: &mut Turn<'_>, event: &LightEvent) -> Result<(), Error> {
        let from = event.from;
        let Some(own) = self.address().filter(|own| own.account != from.account) else { return Ok(()) };
        if crate::state::is_blocked(&turn.store, from.account)? {
            return Ok(());
        }
        let (with, key, purpose, target) = match event.group {
            Some(group) => {
                let with = Conversation::Group(group);
                if group_asked_by(&turn.store, group)?.is_some() {
                    return Ok(());
                }
                (with, self.group_light_key(turn, group, from)?, Purpose::Group, with)
            }
            None => {
                let keys = if is_accepted(&turn.store, from.account)? {
                    keys_of(&turn.store, from.account)?
                } else {
                    None
                };
                let key = keys.and_then(|keys| keys.light);
                let target = Conversation::Account(own.account);
                (Conversation::Account(from.account), key, Purpose::Typing, target)
            }
        };
        let Some(content) = key.and_then(|key| open(&key, purpose, from, Some(target), &event.sealed)) else {
            return Ok(());
        };
        if content.at_ms.abs_diff(turn.now.0) <= LIGHT_AGE_MS {
            self.composes(turn, with, from, content);
        }
        Ok(())
    }

    /// Of a member, as far as this device knows.
    fn group_light_key(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
        from: DeviceAddress,
    ) -> Result<Option<LightKey>, Error> {
        let state = load_state(turn, group)?;
        let own = self.address().map(|own| own.account);
        let together = state.is_some_and(|state| {
            state.member(from.account).is_some() && own.is_some_and(|own| state.member(own).is_some())
        });
        Ok(if together { load_key(turn, group, from)?.light_key() } else { None })
    }

    fn composes(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        from: DeviceAddress,
        content: LightContent,
    ) {
        let what = match content.kind {
            LightKind::Stopped => Composing::Stopped,
            LightKind::Typing => Composing::Typing,
            LightKind::Recording => Composing::Recording,
            LightKind::Active | LightKind::Away | LightKind::Seen => return,
        };
        let composers = &mut self.lights.composers;
        let before = composers.get(&(with, from));
        if before.is_some_and(|before| before.at_ms >= content.at_ms) {
            return;
        }
        if before.is_none() && composers.len() >= MAX_COMPOSERS {
            // Who has stopped makes room; if all write, one more changes nothing.
            let idle = composers.iter().filter(|(_, composer)| composer.until.is_none());
            let oldest = idle.min_by_key(|(_, composer)| composer.at_ms).map(|(key, _)| *key);
            let Some(oldest) = oldest else { return };
            composers.remove(&oldest);
        }
        let was_idle = composers.get(&(with, from)).is_none_or(|before| before.until.is_none());
        let until = (what != Composing::Stopped).then(|| turn.now.plus(TYPING_LASTS_MS));
        composers.insert((with, from), Composer { at_ms: content.at_ms, until });
        if what != Composing::Stopped || !was_idle {
            turn.event(Event::Composing { with, account: from.account, what });
        }
    }

    fn presence_arrived(&mut self, turn: &mut Turn<'_>, presence: &Announced) -> Result<(), Error> {
        let of = presence.of;
        if !self.lights.watching || !self.lights.shown.contains(&of.account) {
            return Ok(());
        }
        let rights = rights_of(&turn.store, &load_privacy(&turn.store)?, of.account)?;
        let Some(keys) = keys_of(&turn.store, of.account)?.filter(|_| rights.online) else {
            return Ok(());
        };
        let told = keys.online.and_then(|key| open(&key, Purpose::Online, of, None, &presence.sealed));
        let Some(told) = told.filter(|told| matches!(told.kind, LightKind::Active | LightKind::Away)) else {
            return Ok(());
        };
        let others = self.lights.presences.range(DeviceAddress::all_of(of.account));
        let known = self.lights.presences.get(&of);
        if known.is_some_and(|known| known.at_ms > told.at_ms)
            || known.is_none() && others.count() >= MAX_ANNOUNCING_DEVICES
        {
            return Ok(());
        }
        let seen_key = keys.last_seen.filter(|_| rights.last_seen);
        let seen = seen_key.and_then(|key| open(&key, Purpose::Seen, of, None, &presence.seen));
        let was_active = told.kind == LightKind::Active;
        let last_ms = seen.filter(|seen| seen.kind == LightKind::Seen).map(|seen| {
            // Whoever was there when the connection ended was there until then, if the server is to be believed.
            let until = if presence.gone && was_active { presence.left_at_ms } else { 0 };
            seen.at_ms.max(until.min(turn.now.0))
        });
        let seen = Seen {
            at_ms: told.at_ms,
            active: was_active && !presence.gone && told.at_ms.abs_diff(turn.now.0) <= LIGHT_AGE_MS,
            last_ms,
            until: turn.now.plus(WATCH_LASTS_MS),
        };
        self.lights.presences.insert(of, seen);
        Ok(())
    }

    // ------------------------------------------------------------ what the front end is told

    /// Who has written what they were at, or has said nothing for a while, does nothing any more.
    fn end_composing(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let mut ended: Vec<(Conversation, DeviceAddress)> = Vec::new();
        for effect in &turn.effects {
            if let Effect::Event(Event::Message(message)) = effect
                && message.direction == Direction::Incoming
                && !matches!(message.body, Body::Notice(_))
            {
                ended.push((message.with, message.key.from));
            }
        }
        for (key, composer) in &mut self.lights.composers {
            // A clock that went back must not let anybody type for hours.
            composer.until = composer.until.map(|until| until.min(now.plus(TYPING_LASTS_MS)));
            if composer.until.is_some_and(|until| until <= now) {
                ended.push(*key);
            }
        }
        for key in ended {
            if let Some(composer) = self.lights.composers.get_mut(&key)
                && composer.until.take().is_some()
            {
                let (with, account) = (key.0, key.1.account);
                turn.event(Event::Composing { with, account, what: Composing::Stopped });
            }
        }
    }

    fn report_presences(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let Lights { shown, presences, reported, .. } = &mut self.lights;
        for seen in presences.values_mut() {
            seen.until = seen.until.min(now.plus(WATCH_LASTS_MS));
        }
        presences.retain(|_, seen| seen.until > now);
        for account in shown.iter().copied() {
            let devices = presences.range(DeviceAddress::all_of(account)).map(|(_, seen)| seen);
            let presence = devices.fold(Presence::Unknown, |so_far, seen| so_far.or(seen));
            let before = reported.insert(account, presence).unwrap_or_default();
            if before != presence {
                turn.event(Event::Presence { account, presence });
            }
        }
    }

    /// Without a connection nobody knows anything.
    fn forget_light(&mut self, turn: &mut Turn<'_>) {
        let lights = &mut self.lights;
        (lights.watching, lights.watch_at, lights.announced) = (false, None, None);
        lights.announce_after = None;
        lights.told.clear();
        lights.presences.clear();
        for composer in lights.composers.iter_mut().filter(|(_, composer)| composer.until.is_some()) {
            let ((with, from), composer) = composer;
            composer.until = None;
            let (with, account) = (*with, from.account);
            turn.event(Event::Composing { with, account, what: Composing::Stopped });
        }
        for (account, _) in std::mem::take(&mut lights.reported)
            .into_iter()
            .filter(|(_, presence)| *presence != Presence::Unknown)
        {
            turn.event(Event::Presence { account, presence: Presence::Unknown });
        }
    }

    /// When [`Self::pump_light`] has something to do.
    pub(crate) fn light_at(&self, now: Time) -> Option<Time> {
        let lights = &self.lights;
        let typing = lights.composers.values().filter_map(|composer| composer.until);
        let presences = lights.presences.values().map(|seen| seen.until);
        // Told once more when what was said last is old enough.
        let kind = if lights.activity == Activity::Active { LightKind::Active } else { LightKind::Away };
        let differs = lights.announced.is_some_and(|(said, ..)| said != kind);
        let announce = lights.announce_after.filter(|_| differs);
        let active = lights.announced.is_some_and(|(said, ..)| said == LightKind::Active);
        let again = lights.announced_at.filter(|_| active).map(|at| at.plus(ANNOUNCE_AGAIN_MS));
        let all = typing.chain(presences).chain(lights.watch_at).chain(announce).chain(again);
        all.map(|at| at.max(now)).min()
    }
}

impl Presence {
    fn or(self, seen: &Seen) -> Self {
        match (self, seen.active, seen.last_ms) {
            (Self::Online, ..) | (_, true, _) => Self::Online,
            (Self::LastSeen(one), false, Some(other)) => Self::LastSeen(one.max(other)),
            (Self::Unknown, false, Some(last)) => Self::LastSeen(last),
            (so_far, false, None) => so_far,
        }
    }
}

fn token(key: &LightKey) -> PresenceToken {
    PresenceToken(light::token(key))
}

/// What a sealed light event is bound to: the device that says it and, unless everybody who may see it is meant,
/// to whom.
fn associated(from: DeviceAddress, to: Option<Conversation>) -> Vec<u8> {
    let to = to.map(|to| crate::state::conversation_bytes(&to)).unwrap_or_default();
    [&from.account.0[..], &[from.device.number()], &to].concat()
}

fn seal(
    turn: &mut Turn<'_>,
    key: &LightKey,
    purpose: Purpose,
    from: DeviceAddress,
    to: Option<Conversation>,
    content: LightContent,
) -> Bytes {
    let sealed = light::seal(key, purpose, &associated(from, to), &content.encode(), turn.rng);
    sealed.expect("two numbers fit").into()
}

/// `None`: it is no light event of this device under this key.
fn open(
    key: &LightKey,
    purpose: Purpose,
    from: DeviceAddress,
    to: Option<Conversation>,
    sealed: &[u8],
) -> Option<LightContent> {
    let opened = light::open(key, purpose, &associated(from, to), sealed).ok()?;
    LightContent::decode(&opened).ok()
}
