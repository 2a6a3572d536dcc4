use bytes::Bytes;
use waxwing_wire::light::{Announcement, LightEvent, Presence, PresenceToken, Watch, Watched};
use waxwing_wire::limits::MAX_WATCHED;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId};

use super::{Counts, Lights};
use crate::limits::{
    LIGHT_BURST, LIGHT_GOT_BURST, LIGHTS_PER_SECOND, MAX_LEFT, MAX_LIGHT_MEMBERS, MAX_WATCHERS,
};
use crate::{ConnId, Effect, MemberRow, Piece, Time};

const NOW: Time = Time(1_700_000_000_000);
const GROUP: GroupId = GroupId([7; 16]);
const ONLINE: PresenceToken = PresenceToken([1; 16]);
const SEEN: PresenceToken = PresenceToken([2; 16]);

fn account(number: u64) -> AccountId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    AccountId(bytes)
}

/// The primary device of an account. Its connection has the account's number.
fn device(number: u64) -> DeviceAddress {
    DeviceAddress { account: account(number), device: DeviceId::PRIMARY }
}

fn sealed() -> Bytes {
    Bytes::from_static(b"sealed")
}

fn member(number: u64) -> MemberRow {
    MemberRow { account: account(number), admin: false, since: 1 }
}

fn announcement(seen: bool) -> Announcement {
    Announcement {
        sealed: sealed(),
        gate: ONLINE.gate(),
        seen: Bytes::from_static(b"seen"),
        seen_gate: seen.then(|| SEEN.gate()),
    }
}

fn watched(number: u64, token: PresenceToken, seen_token: Option<PresenceToken>) -> Watched {
    Watched { account: account(number), token, seen_token }
}

/// What was said, by connection.
fn said(effects: Vec<Effect>) -> Vec<(u64, Piece)> {
    let one = |effect| match effect {
        Effect::Reply { conn, piece } => {
            assert!(piece.is_light());
            (conn.0, piece)
        }
        effect => panic!("{effect:?}"),
    };
    effects.into_iter().map(one).collect()
}

fn presences(effects: Vec<Effect>) -> Vec<(u64, Presence)> {
    let one = |(conn, piece)| match piece {
        Piece::Presence(presence) => (conn, presence),
        piece => panic!("{piece:?}"),
    };
    said(effects).into_iter().map(one).collect()
}

struct World {
    lights: Lights,
    now: Time,
}

impl World {
    fn new() -> Self {
        Self { lights: Lights::default(), now: NOW }
    }

    /// With these devices awake.
    fn awake(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut world = Self::new();
        for number in numbers {
            assert!(world.watches(number, vec![]).is_empty());
        }
        world.lights.counts();
        world
    }

    fn watches(&mut self, number: u64, watched: Vec<Watched>) -> Vec<(u64, Presence)> {
        let watch = Watch { awake: true, watched };
        presences(self.lights.watch(ConnId(number), device(number), watch, self.now))
    }

    fn types(&mut self, from: u64, to: u64) -> Vec<(u64, Piece)> {
        said(self.lights.to_account(ConnId(from), device(from), account(to), sealed(), self.now))
    }

    fn types_in_group(&mut self, from: u64, members: &[MemberRow]) -> Vec<(u64, Piece)> {
        if !self.lights.allow_group(ConnId(from), device(from), self.now) {
            return Vec::new();
        }
        said(self.lights.to_group(ConnId(from), device(from), GROUP, members, sealed(), self.now))
    }

    fn announces(&mut self, number: u64, what: Announcement) -> Vec<(u64, Presence)> {
        presences(self.lights.announce(ConnId(number), device(number), what, self.now))
    }

    fn leaves(&mut self, number: u64) -> Vec<(u64, Presence)> {
        presences(self.lights.detach(ConnId(number), self.now))
    }
}

#[test]
fn typing_goes_to_devices_that_are_awake() {
    let mut world = World::awake([2]);
    let second = DeviceAddress { device: DeviceId::new(9).unwrap(), ..device(2) };
    let watch = Watch { awake: true, watched: vec![] };
    assert!(world.lights.watch(ConnId(29), second, watch, NOW).is_empty());
    let event = Piece::Light(LightEvent { from: device(1), group: None, sealed: sealed() });
    assert_eq!(world.types(1, 2), [(2, event.clone()), (29, event.clone())]);
    assert_eq!(world.types(1, 3), [], "nobody there");
    assert_eq!(world.types(2, 2), [], "to oneself");
    // Asleep again, and gone.
    assert!(world.lights.watch(ConnId(29), second, Watch::default(), NOW).is_empty());
    assert_eq!(world.types(1, 2), [(2, event)]);
    assert!(world.leaves(2).is_empty());
    assert_eq!(world.types(1, 2), []);
    assert!(world.lights.is_empty());
}

#[test]
fn members_of_a_group_hear_each_other_and_nobody_else_is_heard() {
    let mut world = World::awake([1, 2, 3, 4]);
    let members = [member(1), member(2), member(3)];
    let event = Piece::Light(LightEvent { from: device(1), group: Some(GROUP), sealed: sealed() });
    assert_eq!(world.types_in_group(1, &members), [(2, event.clone()), (3, event)]);
    assert_eq!(world.types_in_group(4, &members), []);
    let many: Vec<MemberRow> = (1..=MAX_LIGHT_MEMBERS as u64).map(member).collect();
    assert_eq!(world.types_in_group(1, &many).len(), 3);
    let too_many: Vec<MemberRow> = (1..=MAX_LIGHT_MEMBERS as u64 + 1).map(member).collect();
    assert_eq!(world.types_in_group(1, &too_many), []);
    assert_eq!(world.lights.counts(), Counts { taken: 4, handed_on: 5, dropped: 2 });
}

#[test]
fn only_the_right_token_shows_an_announcement() {
    let mut world = World::new();
    let wrong = PresenceToken([9; 16]);
    assert_eq!(world.watches(2, vec![watched(1, ONLINE, Some(SEEN))]), []);
    assert_eq!(world.watches(3, vec![watched(1, ONLINE, None)]), []);
    assert_eq!(world.watches(4, vec![watched(1, wrong, Some(SEEN))]), []);
    assert_eq!(world.watches(5, vec![watched(1, ONLINE, Some(wrong))]), []);
    let all = Presence {
        of: device(1),
        sealed: sealed(),
        seen: Bytes::from_static(b"seen"),
        gone: false,
        left_at_ms: 0,
    };
    let part = Presence { seen: Bytes::new(), ..all.clone() };
    let told = [(2, all.clone()), (3, part.clone()), (5, part.clone())];
    assert_eq!(world.announces(1, announcement(true)), told);
    // Whoever comes later is told as well.
    assert_eq!(world.watches(6, vec![watched(1, ONLINE, Some(SEEN))]), [(6, all.clone())]);
    assert_eq!(world.watches(7, vec![watched(1, wrong, Some(wrong))]), []);
    world.now = Time(NOW.0 + 5_000);
    let gone = Presence { gone: true, left_at_ms: NOW.0 + 5_000, ..all };
    let gone_part = Presence { gone: true, ..part };
    let told = [(2, gone.clone()), (3, gone_part.clone()), (5, gone_part), (6, gone.clone())];
    assert_eq!(world.leaves(1), told);
    assert_eq!(world.watches(8, vec![watched(1, ONLINE, Some(SEEN))]), [(8, gone)]);
    // Another gate: the old token shows nothing any more, neither now nor later.
    let other = Announcement { gate: wrong.gate(), ..announcement(true) };
    assert_eq!(world.announces(1, other).iter().map(|(conn, _)| *conn).collect::<Vec<_>>(), [4, 7]);
    assert_eq!(world.watches(9, vec![watched(1, ONLINE, Some(SEEN))]), []);
}

#[test]
fn when_somebody_left_is_kept_only_if_somebody_may_see_it() {
    let mut world = World::awake([]);
    world.announces(1, announcement(false));
    assert!(world.leaves(1).is_empty());
    assert_eq!(world.watches(2, vec![watched(1, ONLINE, Some(SEEN))]), []);
    assert!(world.lights.announced.is_empty() && world.lights.left.is_empty());
}

#[test]
fn a_device_that_connects_anew_has_not_gone() {
    let mut world = World::new();
    world.watches(2, vec![watched(1, ONLINE, Some(SEEN))]);
    assert_eq!(world.announces(1, announcement(true)).len(), 1);
    let what = announcement(true);
    assert_eq!(presences(world.lights.announce(ConnId(11), device(1), what, NOW)).len(), 1);
    assert_eq!(world.leaves(1), [], "its later connection is there");
    let told = presences(world.lights.detach(ConnId(11), NOW));
    assert!(matches!(told.as_slice(), [(2, presence)] if presence.gone));
    world.lights.forget(device(1));
    assert_eq!(world.watches(3, vec![watched(1, ONLINE, Some(SEEN))]), []);
    assert!(world.lights.left.is_empty());
}

#[test]
fn senders_are_limited() {
    let mut world = World::awake([2, 3]);
    let heard = (0..LIGHT_BURST * 2).filter(|_| !world.types(1, 2).is_empty()).count();
    assert_eq!(heard, LIGHT_BURST as usize);
    assert_eq!(world.types(3, 2).len(), 1, "others are not");
    assert!(world.announces(1, announcement(true)).is_empty());
    assert!(world.lights.announced.is_empty(), "nothing of it is taken in");
    assert!(!world.lights.allow_group(ConnId(1), device(1), NOW));
    world.now = Time(NOW.0 + 1_000);
    let heard = (0..LIGHT_BURST).filter(|_| !world.types(1, 2).is_empty()).count();
    assert_eq!(heard, LIGHTS_PER_SECOND as usize);
}

#[test]
fn recipients_are_protected_from_many_senders() {
    let mut world = World::awake([0]);
    let heard: usize = (1..=1_000).map(|from| world.types(from, 0).len()).sum();
    assert_eq!(heard, LIGHT_GOT_BURST as usize);
    let counts = world.lights.counts();
    assert_eq!(counts, Counts { taken: 1_000, handed_on: heard as u64, dropped: 1_000 - heard as u64 });
}

#[test]
fn large_groups_and_many_watchers_cost_their_sender_more() {
    let mut world = World::awake(1..=MAX_LIGHT_MEMBERS as u64);
    let many: Vec<MemberRow> = (1..=MAX_LIGHT_MEMBERS as u64).map(member).collect();
    let heard = (0..LIGHT_BURST).filter(|_| !world.types_in_group(1, &many).is_empty()).count();
    assert_eq!(heard, 4);
    let mut world = World::new();
    for watcher in 2..=(MAX_WATCHERS as u64 + 50) {
        world.watches(watcher, vec![watched(1, ONLINE, None)]);
    }
    let told = world.announces(1, announcement(false)).len();
    assert_eq!(told, MAX_WATCHERS);
    assert!(world.announces(1, announcement(false)).is_empty(), "not as often");
    let first = world.watches(9_999_999, vec![watched(1, ONLINE, None)]);
    assert_eq!(first.len(), 1, "who was not told learns it by watching anew");
}

#[test]
fn nothing_is_left_of_those_who_are_gone() {
    let mut world = World::new();
    for number in 1..=20 {
        let list = (1..=20).map(|of| watched(of, ONLINE, Some(SEEN))).collect();
        world.watches(number, list);
        world.announces(number, announcement(number % 2 == 0));
    }
    assert_eq!(world.lights.watches, 400);
    world.now = Time(NOW.0 + 60_000);
    // Twice the same account counts once, and a watch replaces the one before.
    world.watches(1, vec![watched(5, ONLINE, None), watched(5, SEEN, None)]);
    assert_eq!(world.lights.watches, 381);
    for number in 1..=20 {
        world.leaves(number);
        world.leaves(number);
    }
    let lights = &world.lights;
    assert!(lights.parties.is_empty() && lights.awake.is_empty() && lights.watchers.is_empty());
    assert_eq!((lights.watches, lights.announced.len(), lights.left.len()), (0, 10, 10));
}

#[test]
fn a_full_watch_of_a_crowd_is_answered_and_no_more_are_remembered_than_fit() {
    let mut world = World::new();
    for number in 1..=MAX_LEFT as u64 + 10 {
        world.announces(number, announcement(true));
        world.now = Time(NOW.0 + number);
        world.leaves(number);
    }
    assert_eq!((world.lights.left.len(), world.lights.announced.len()), (MAX_LEFT, MAX_LEFT));
    let list = (0..MAX_WATCHED as u64).map(|of| watched(of, ONLINE, Some(SEEN))).collect();
    let told = world.watches(9_999_999, list);
    assert_eq!(told.len(), MAX_WATCHED - 11, "who left first was forgotten");
    assert!(told.iter().all(|(_, presence)| presence.gone));
}
