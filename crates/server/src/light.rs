//! Light events: who types or records, who is there. In memory only, and only for connections that are awake.
//!
//! Nothing here is stored, waits for anybody, or is told again: what comes too often, or to too many, is dropped
//! and counted. Whoever missed something learns it from the next event, or by watching anew.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use waxwing_wire::light::{Announcement, Gate, LightEvent, Presence, Watch};
use waxwing_wire::{AccountId, DeviceAddress, GroupId};

use crate::limits::{
    LIGHT_BURST, LIGHT_GOT_BURST, LIGHT_RECIPIENTS_PER_COST, LIGHTS_GOT_PER_SECOND, LIGHTS_PER_SECOND,
    MAX_LEFT, MAX_LIGHT_MEMBERS, MAX_WATCHERS, MAX_WATCHES_IN_ALL,
};
use crate::links::allowance::{Allowance, Rate};
use crate::{ConnId, Effect, MemberRow, Piece, Time};

const SECOND_MS: u64 = 1_000;

/// Who is awake, who watches whom, and what was announced.
///
/// A driver calls [`Lights::detach`] for every connection that ends, and [`Lights::forget`] for every device that
/// is removed from its account. All effects are [`Effect::Reply`] with a piece that [`Piece::is_light`].
#[derive(Debug, Default)]
pub struct Lights {
    /// Connections that have said something light.
    parties: BTreeMap<ConnId, Party>,
    /// Connections that light events go to.
    awake: BTreeMap<DeviceAddress, ConnId>,
    /// Who watches an account with a token that has this hash. Whether it is the right one shows when something
    /// is announced: wrong ones are in nobody's way.
    watchers: BTreeMap<(AccountId, Gate), BTreeSet<ConnId>>,
    watches: usize,
    announced: BTreeMap<DeviceAddress, Announced>,
    /// Devices that have left, by when.
    left: BTreeSet<(u64, DeviceAddress)>,
    counts: Counts,
}

/// What became of light events, since the driver last asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Taken in.
    pub taken: u64,
    /// Handed on, once for each recipient.
    pub handed_on: u64,
    /// Not taken in, or not handed on to somebody, because it was too much.
    pub dropped: u64,
}

#[derive(Debug)]
struct Party {
    address: DeviceAddress,
    says: Allowance,
    gets: Allowance,
    watched: BTreeMap<AccountId, Gates>,
}

/// What a watcher's tokens open.
#[derive(Debug, Clone, Copy)]
struct Gates {
    online: Gate,
    seen: Option<Gate>,
}

#[derive(Debug)]
struct Announced {
    /// `None`: the device has left.
    conn: Option<ConnId>,
    what: Announcement,
    left_at_ms: u64,
}

impl Lights {
    /// An event for an account.
    pub fn to_account(
        &mut self,
        conn: ConnId,
        from: DeviceAddress,
        account: AccountId,
        sealed: Bytes,
        now: Time,
    ) -> Vec<Effect> {
        if account == from.account || !self.allow(conn, from, 1, now) {
            return Vec::new();
        }
        let conns = self.awake_of(account);
        self.hand_on(conns, &Piece::Light(LightEvent { from, group: None, sealed }), now)
    }

    /// Whether an event for a group may be looked at: costs its sender one, before its group's members are read.
    pub fn allow_group(&mut self, conn: ConnId, from: DeviceAddress, now: Time) -> bool {
        self.allow(conn, from, 1, now)
    }

    /// An event for a group that has these members, after [`Lights::allow_group`].
    pub fn to_group(
        &mut self,
        conn: ConnId,
        from: DeviceAddress,
        group: GroupId,
        members: &[MemberRow],
        sealed: Bytes,
        now: Time,
    ) -> Vec<Effect> {
        let is_member = members.iter().any(|member| member.account == from.account);
        if !is_member || members.len() > MAX_LIGHT_MEMBERS || !self.afford(conn, members.len(), now) {
            self.counts.dropped += 1;
            return Vec::new();
        }
        let others = members.iter().map(|member| member.account).filter(|account| *account != from.account);
        let conns = others.flat_map(|account| self.awake_of(account)).collect();
        self.hand_on(conns, &Piece::Light(LightEvent { from, group: Some(group), sealed }), now)
    }

    /// A device says whether it is in use.
    pub fn announce(
        &mut self,
        conn: ConnId,
        from: DeviceAddress,
        what: Announcement,
        now: Time,
    ) -> Vec<Effect> {
        if !self.allow(conn, from, 1, now) {
            return Vec::new();
        }
        self.forget(from);
        self.announced.insert(from, Announced { conn: Some(conn), what, left_at_ms: 0 });
        let watchers = self.watchers_of(from);
        if !self.afford(conn, watchers.len(), now) {
            self.counts.dropped += watchers.len() as u64;
            return Vec::new();
        }
        self.tell(from, watchers, now)
    }

    /// A connection says which light events it wants. It is told at once what those whom it watches have announced.
    pub fn watch(&mut self, conn: ConnId, from: DeviceAddress, watch: Watch, now: Time) -> Vec<Effect> {
        if !self.allow(conn, from, 1, now) || !self.afford(conn, watch.watched.len(), now) {
            return Vec::new();
        }
        self.end_watch(conn);
        if !watch.awake {
            self.sleep(conn, from);
            return Vec::new();
        }
        self.awake.insert(from, conn);
        for watched in watch.watched {
            let seen = watched.seen_token.map(|token| token.gate());
            let gates = Gates { online: watched.token.gate(), seen };
            self.begin_watch(conn, watched.account, gates);
        }
        let watched = self.parties.get(&conn).map(|party| party.watched.clone()).unwrap_or_default();
        let mut effects = Vec::new();
        for (account, gates) in watched {
            for (of, announced) in self.announced.range(DeviceAddress::all_of(account)) {
                if let Some(presence) = announced.shown(*of, gates) {
                    effects.push(Effect::Reply { conn, piece: Piece::Presence(presence) });
                }
            }
        }
        self.counts.handed_on += effects.len() as u64;
        effects
    }

    /// A connection is gone, whether it ever said anything light or not.
    pub fn detach(&mut self, conn: ConnId, now: Time) -> Vec<Effect> {
        self.end_watch(conn);
        let Some(Party { address, .. }) = self.parties.remove(&conn) else { return Vec::new() };
        self.sleep(conn, address);
        let Some(announced) = self.announced.get_mut(&address).filter(|of| of.conn == Some(conn)) else {
            return Vec::new();
        };
        (announced.conn, announced.left_at_ms) = (None, now.0);
        let watchers = self.watchers_of(address);
        let effects = self.tell(address, watchers, now);
        self.keep_left(address, now);
        effects
    }

    /// A device is none of its account's any more, or announces something else.
    pub fn forget(&mut self, address: DeviceAddress) {
        if let Some(announced) = self.announced.remove(&address) {
            self.left.remove(&(announced.left_at_ms, address));
        }
    }

    /// What became of light events since the last call.
    pub fn counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Connections that light events go to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.awake.len()
    }

    /// Nobody is awake.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.awake.is_empty()
    }

    /// Takes so many events from the connection's allowance.
    fn allow(&mut self, conn: ConnId, from: DeviceAddress, cost: u32, now: Time) -> bool {
        let party = self.parties.entry(conn).or_insert_with(|| Party::new(from));
        let allowed = party.says.take(now, says(), cost).is_ok();
        if allowed {
            self.counts.taken += u64::from(cost);
        } else {
            self.counts.dropped += 1;
        }
        allowed
    }

    /// Takes what so many recipients cost beyond the event itself.
    fn afford(&mut self, conn: ConnId, recipients: usize, now: Time) -> bool {
        let cost = u32::try_from(recipients / LIGHT_RECIPIENTS_PER_COST).unwrap_or(u32::MAX);
        let Some(party) = self.parties.get_mut(&conn) else { return false };
        cost == 0 || party.says.take(now, says(), cost).is_ok()
    }

    /// Nothing light goes to the connection any more. An earlier connection of a device says nothing of a later.
    fn sleep(&mut self, conn: ConnId, address: DeviceAddress) {
        if self.awake.get(&address) == Some(&conn) {
            self.awake.remove(&address);
        }
    }

    fn awake_of(&self, account: AccountId) -> Vec<ConnId> {
        self.awake.range(DeviceAddress::all_of(account)).map(|(_, conn)| *conn).collect()
    }

    /// Who may see what the device has announced.
    fn watchers_of(&self, address: DeviceAddress) -> Vec<ConnId> {
        let announced = self.announced.get(&address);
        let watchers = announced.and_then(|of| self.watchers.get(&(address.account, of.what.gate)));
        watchers.into_iter().flatten().copied().collect()
    }

    fn tell(&mut self, of: DeviceAddress, watchers: Vec<ConnId>, now: Time) -> Vec<Effect> {
        let mut effects = Vec::new();
        for conn in watchers {
            let gates = self.parties.get(&conn).and_then(|party| party.watched.get(&of.account)).copied();
            let shown = gates.and_then(|gates| self.announced.get(&of)?.shown(of, gates));
            if let Some(presence) = shown {
                effects.extend(self.hand_on(vec![conn], &Piece::Presence(presence), now));
            }
        }
        effects
    }

    fn hand_on(&mut self, conns: Vec<ConnId>, piece: &Piece, now: Time) -> Vec<Effect> {
        let rate = Rate::new(LIGHTS_GOT_PER_SECOND, SECOND_MS, LIGHT_GOT_BURST);
        let before = conns.len();
        let may = |conn: &ConnId| {
            self.parties.get_mut(conn).is_some_and(|party| party.gets.take(now, rate, 1).is_ok())
        };
        let conns: Vec<ConnId> = conns.into_iter().filter(may).collect();
        self.counts.handed_on += conns.len() as u64;
        self.counts.dropped += (before - conns.len()) as u64;
        conns.into_iter().map(|conn| Effect::Reply { conn, piece: piece.clone() }).collect()
    }

    fn begin_watch(&mut self, conn: ConnId, account: AccountId, gates: Gates) {
        let Some(party) = self.parties.get_mut(&conn) else { return };
        if self.watches >= MAX_WATCHES_IN_ALL || party.watched.contains_key(&account) {
            self.counts.dropped += 1;
            return;
        }
        let watchers = self.watchers.entry((account, gates.online)).or_default();
        if watchers.len() < MAX_WATCHERS {
            watchers.insert(conn);
        }
        party.watched.insert(account, gates);
        self.watches += 1;
    }

    fn end_watch(&mut self, conn: ConnId) {
        let Some(party) = self.parties.get_mut(&conn) else { return };
        for (account, gates) in std::mem::take(&mut party.watched) {
            self.watches -= 1;
            let key = (account, gates.online);
            if let Some(watchers) = self.watchers.get_mut(&key) {
                watchers.remove(&conn);
                if watchers.is_empty() {
                    self.watchers.remove(&key);
                }
            }
        }
    }

    /// Remembers when the device left, if anybody may see that.
    fn keep_left(&mut self, address: DeviceAddress, now: Time) {
        if self.announced.get(&address).is_some_and(|announced| announced.what.seen_gate.is_none()) {
            self.announced.remove(&address);
            return;
        }
        self.left.insert((now.0, address));
        if self.left.len() > MAX_LEFT
            && let Some((_, first)) = self.left.pop_first()
        {
            self.announced.remove(&first);
        }
    }
}

impl Party {
    fn new(address: DeviceAddress) -> Self {
        let (says, gets) = (Allowance::default(), Allowance::default());
        Self { address, says, gets, watched: BTreeMap::new() }
    }
}

impl Announced {
    /// What a watcher with these gates is told.
    fn shown(&self, of: DeviceAddress, gates: Gates) -> Option<Presence> {
        if gates.online != self.what.gate {
            return None;
        }
        let shows_seen = gates.seen.is_some() && gates.seen == self.what.seen_gate;
        Some(Presence {
            of,
            sealed: self.what.sealed.clone(),
            seen: if shows_seen { self.what.seen.clone() } else { Bytes::new() },
            gone: self.conn.is_none(),
            left_at_ms: if shows_seen { self.left_at_ms } else { 0 },
        })
    }
}

fn says() -> Rate {
    Rate::new(LIGHTS_PER_SECOND, SECOND_MS, LIGHT_BURST)
}

#[cfg(test)]
mod tests;
