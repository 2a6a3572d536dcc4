//! What people tell each other of themselves.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_wire::content::Conversation;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::post::Deed;

use super::devices::linked;
use super::world::World;
use crate::command::ProfileChange;
use crate::limits::PROFILE_MEND_MS;
use crate::overlay::Overlay;
use crate::privacy::{load_privacy, rights_of};
use crate::profile::{LightKeys, keys_of, own_keys};
use crate::{Audience, Command, Event, PeerProfile, Read as _, Setting, Table};

fn do_it(world: &mut World, name: &'static str, command: Command) {
    world.command(name, command);
    world.settle();
    assert_eq!(world.count(name, |event| matches!(event, Event::Failed { .. })), 0);
}

fn call(name: &str) -> Command {
    Command::SetProfile { change: ProfileChange::Name(name.into()) }
}

fn say(about: &str) -> Command {
    Command::SetProfile { change: ProfileChange::About(about.into()) }
}

fn let_know(setting: Setting, audience: Audience) -> Command {
    Command::SetPrivacy { setting, audience }
}

fn told(world: &World, name: &str, of: &str) -> Option<PeerProfile> {
    let user = &world.users[name];
    user.client.profile(&user.db, world.account(of)).unwrap()
}

fn own(world: &World, name: &str) -> LightKeys {
    own_keys(&Overlay::new(&world.users[name].db)).unwrap()
}

fn has_keys(world: &World, name: &str, of: &str) -> LightKeys {
    keys_of(&Overlay::new(&world.users[name].db), world.account(of)).unwrap().unwrap_or_default()
}

/// Messages that a device has put on the wire so far.
fn sent(world: &World, name: &str) -> u64 {
    world.users[name].client.counters.emitted
}

#[test]
fn the_first_message_tells_who_writes_and_the_second_does_not() {
    let mut world = World::with(&["alice", "bob"]);
    do_it(&mut world, "alice", call("Alice A."));
    do_it(&mut world, "alice", say("at the sea"));
    let picture = Command::SetProfile { change: ProfileChange::Picture(vec![7; 8 * 1024]) };
    do_it(&mut world, "alice", picture);
    world.befriend("alice", "bob");
    assert!(told(&world, "bob", "alice").is_none() && sent(&world, "alice") == 0, "nobody is told unasked");
    world.send("alice", "bob", "one");
    let profile = told(&world, "bob", "alice").unwrap();
    assert_eq!((profile.name.as_str(), profile.about.as_str()), ("Alice A.", "at the sea"));
    assert_eq!(profile.picture, vec![7; 8 * 1024]);
    assert!(has_keys(&world, "bob", "alice") == own(&world, "alice"));
    assert!(told(&world, "alice", "bob").is_none(), "who was written to tells nothing by that");
    let before = sent(&world, "alice");
    world.send("alice", "bob", "two");
    assert_eq!(sent(&world, "alice"), before + 1);
    world.send("bob", "alice", "back");
    assert!(has_keys(&world, "alice", "bob") == own(&world, "bob"));
    assert!(own(&world, "bob") != own(&world, "alice"));
    world.assert_at_rest();
}

#[test]
fn what_changes_is_told_to_those_who_were_told_before_once() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    for other in ["bob", "carol"] {
        world.befriend("alice", other);
    }
    world.send("alice", "bob", "hello");
    world.link("alice2", "alice", HistoryRange::All);
    world.take_events("bob");
    let before = sent(&world, "alice");
    do_it(&mut world, "alice2", call("Ann"));
    assert_eq!(told(&world, "bob", "alice").unwrap().name, "Ann");
    assert_eq!(world.count("bob", |event| matches!(event, Event::StateChanged)), 1);
    assert!(told(&world, "carol", "alice").is_none());
    let others = sent(&world, "alice2");
    world.advance(PROFILE_MEND_MS * 3);
    assert_eq!((sent(&world, "alice"), sent(&world, "alice2")), (before, others), "nobody has to mend");
    // The same name once more is nothing new.
    do_it(&mut world, "alice", call("Ann"));
    world.advance(PROFILE_MEND_MS * 3);
    assert!(told(&world, "bob", "alice").unwrap().name == "Ann");
    assert_eq!(sent(&world, "alice"), before + 1, "the own device alone is told of the register");
    world.send("alice", "carol", "hello");
    assert_eq!(told(&world, "carol", "alice").unwrap().name, "Ann");
    world.assert_at_rest();
}

#[test]
fn what_somebody_may_not_know_any_more_is_taken_back_and_its_key_drawn_anew() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    do_it(&mut world, "alice", say("at the sea"));
    for other in ["bob", "carol"] {
        world.befriend("alice", other);
        world.send("alice", other, "hello");
    }
    let first = own(&world, "alice");
    let (bob, carol) = (world.account("bob"), world.account("carol"));
    let but_carol = || Audience::ContactsExcept(vec![carol]);
    do_it(&mut world, "alice", let_know(Setting::LastSeen, but_carol()));
    let second = own(&world, "alice");
    assert!(
        second.last_seen != first.last_seen && second.online == first.online && second.light == first.light
    );
    assert!(has_keys(&world, "bob", "alice") == second);
    assert!(has_keys(&world, "carol", "alice") == LightKeys { last_seen: None, ..second });
    // To hide when one is there takes both settings.
    do_it(&mut world, "alice", let_know(Setting::Online, Audience::LikeLastSeen));
    let third = own(&world, "alice");
    assert!(third.online != first.online && third.last_seen == second.last_seen);
    let light = LightKeys { light: first.light, ..LightKeys::default() };
    assert!(has_keys(&world, "carol", "alice") == light);
    do_it(&mut world, "alice", let_know(Setting::About, Audience::Nobody));
    assert_eq!(told(&world, "bob", "alice").unwrap().about, "");
    do_it(&mut world, "alice", let_know(Setting::About, Audience::Contacts));
    do_it(&mut world, "alice", Command::RemoveContact { account: bob });
    assert_eq!(told(&world, "bob", "alice").unwrap().about, "");
    assert_eq!(told(&world, "carol", "alice").unwrap().about, "at the sea");
    assert!(has_keys(&world, "bob", "alice") == light);
    assert!(own(&world, "alice").last_seen != third.last_seen);
    assert!(!told(&world, "carol", "alice").unwrap().no_groups);
    do_it(&mut world, "alice", let_know(Setting::Groups, Audience::Nobody));
    assert!(told(&world, "carol", "alice").unwrap().no_groups);
    world.assert_at_rest();
}

#[test]
fn whoever_is_blocked_learns_nothing_more() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    for other in ["bob", "carol"] {
        world.befriend("alice", other);
        world.send("alice", other, "hello");
    }
    let (first, account) = (own(&world, "alice"), world.account("carol"));
    do_it(&mut world, "alice", Command::SetBlocked { account, blocked: true });
    do_it(&mut world, "alice", call("Ann"));
    let second = own(&world, "alice");
    assert!([second.light != first.light, second.online != first.online].iter().all(|other| *other));
    assert!(second.last_seen != first.last_seen);
    assert!(has_keys(&world, "bob", "alice") == second);
    assert!(has_keys(&world, "carol", "alice") == first);
    assert_eq!(told(&world, "carol", "alice").unwrap().name, "");
    do_it(&mut world, "alice", Command::SetBlocked { account, blocked: false });
    assert_eq!(told(&world, "carol", "alice").unwrap().name, "Ann");
    assert!(has_keys(&world, "carol", "alice") == second && own(&world, "alice") == second);
    world.assert_at_rest();
}

#[test]
fn devices_that_were_apart_agree_in_the_end_and_so_do_those_they_told() {
    let mut world = linked();
    assert!(own(&world, "alice2") == own(&world, "alice") && own(&world, "alice").light.is_some());
    world.befriend("alice2", "bob");
    world.offline("alice");
    world.offline("alice2");
    do_it(&mut world, "alice", call("Ann"));
    do_it(&mut world, "alice2", say("at the sea"));
    world.online("alice2");
    world.online("alice");
    world.advance(PROFILE_MEND_MS * 3);
    let profile = told(&world, "bob", "alice").unwrap();
    assert_eq!((profile.name.as_str(), profile.about.as_str()), ("Ann", "at the sea"));
    // Who comes later knows whom the account knows, and what it tells.
    do_it(&mut world, "bob", call("Bob B."));
    world.link("alice3", "alice", HistoryRange::None);
    assert_eq!(told(&world, "alice3", "bob").unwrap().name, "Bob B.");
    assert!(own(&world, "alice3") == own(&world, "alice"));
    let user = &world.users["alice3"];
    assert!(user.client.is_accepted(&user.db, world.account("bob")).unwrap());
    let before = sent(&world, "alice3");
    world.send("alice3", "bob", "hello");
    assert_eq!(
        sent(&world, "alice3"),
        before + 2,
        "to bob and to the own devices; who she is was told already"
    );
    world.assert_at_rest();
}

#[test]
fn a_new_device_that_knows_nothing_yet_tells_nothing() {
    let mut world = World::with(&["alice", "bob"]);
    do_it(&mut world, "alice", call("Ann"));
    world.befriend("alice", "bob");
    let code = world.offer("alice2");
    world.command("alice", Command::ApproveLink { code, history: HistoryRange::All });
    for _ in 0..60 {
        if world.users["alice2"].client.address().is_some() {
            break;
        }
        world.flow_step();
    }
    // It is there, and has heard nothing of its account.
    assert!(own(&world, "alice2") == LightKeys::default());
    world.cut("alice");
    world.befriend("alice2", "bob");
    world.send("alice2", "bob", "hello");
    assert_eq!(world.arrived("bob", "alice"), ["hello"]);
    assert!(told(&world, "bob", "alice").is_none(), "or bob would take her for nameless");
    world.online("alice");
    world.advance(PROFILE_MEND_MS * 3);
    world.send("alice2", "bob", "again");
    assert_eq!(told(&world, "bob", "alice").unwrap().name, "Ann");
    assert!(own(&world, "alice2") == own(&world, "alice"));
}

#[test]
fn whoever_is_not_accepted_hears_neither_who_reads_nor_that_somebody_does() {
    let mut world = World::with(&["alice", "bob"]);
    let accepted = |world: &World| {
        let user = &world.users["alice"];
        user.client.is_accepted(&user.db, world.account("bob")).unwrap()
    };
    world.befriend("bob", "alice");
    world.send("bob", "alice", "one");
    world.read_all("alice", "bob");
    assert!(!accepted(&world));
    assert_eq!(world.written("bob", "alice"), ["one ✓✓"]);
    let account = world.account("bob");
    do_it(&mut world, "alice", Command::Accept { account });
    assert!(accepted(&world) && told(&world, "bob", "alice").is_some());
    assert_eq!(world.written("bob", "alice"), ["one ✓✓✓"], "what was read before is told now");
    world.send("bob", "alice", "two");
    world.read_all("alice", "bob");
    assert_eq!(world.written("bob", "alice"), ["one ✓✓✓", "two ✓✓✓"]);
    // Without receipts nobody tells and nobody hears.
    do_it(&mut world, "bob", let_know(Setting::Receipts, Audience::Nobody));
    world.send("bob", "alice", "three");
    world.send("alice", "bob", "four");
    world.read_all("alice", "bob");
    world.read_all("bob", "alice");
    assert_eq!(world.written("bob", "alice"), ["one ✓✓✓", "two ✓✓✓", "three ✓✓"]);
    assert_eq!(world.written("alice", "bob"), ["four ✓✓"]);
    world.assert_at_rest();
}

/// Alice's tablet has read what bob wrote, whom she does not know.
fn read_unknown() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.link("tablet", "alice", HistoryRange::All);
    world.befriend("bob", "alice");
    world.send("bob", "alice", "one");
    world.send("bob", "alice", "two");
    world.read_all("tablet", "bob");
    assert_eq!(world.written("bob", "alice"), ["one ✓✓", "two ✓✓"]);
    world
}

#[test]
fn what_was_read_of_a_request_is_told_when_it_is_accepted_in_whatever_way() {
    let accept: [fn(&mut World); 4] = [
        |world| do_it(world, "alice", Command::Accept { account: world.account("bob") }),
        |world| world.send("alice", "bob", "hello"),
        |world| {
            let with = Conversation::Account(world.account("bob"));
            let target = world.users["alice"].db.history(with, u64::MAX, 1).unwrap().first().map(|it| it.key);
            do_it(world, "alice", Command::Act { with, target, deed: Deed::React("👋".into()) });
        },
        |world| world.befriend("alice", "bob"),
    ];
    for accepts in accept {
        let mut world = read_unknown();
        world.send("bob", "alice", "unread");
        accepts(&mut world);
        world.settle();
        assert_eq!(world.written("bob", "alice"), ["one ✓✓✓", "two ✓✓✓", "unread ✓✓"]);
        world.assert_at_rest();
    }
}

#[test]
fn what_one_device_reads_while_another_accepts_is_told() {
    for (first, second) in [("tablet", "alice"), ("alice", "tablet")] {
        let mut world = World::with(&["alice", "bob"]);
        world.link("tablet", "alice", HistoryRange::All);
        world.befriend("bob", "alice");
        world.send("bob", "alice", "one");
        // Neither has heard of the other.
        world.offline("tablet");
        world.offline("alice");
        world.read_all("tablet", "bob");
        let account = world.account("bob");
        do_it(&mut world, "alice", Command::Accept { account });
        world.online(first);
        world.settle();
        world.online(second);
        world.settle();
        assert_eq!(world.written("bob", "alice"), ["one ✓✓✓"], "{first} comes first");
        world.assert_at_rest();
    }
}

#[test]
fn whoever_tells_nobody_what_is_read_tells_it_no_later() {
    let mut world = read_unknown();
    do_it(&mut world, "alice", let_know(Setting::Receipts, Audience::Nobody));
    let account = world.account("bob");
    do_it(&mut world, "alice", Command::Accept { account });
    assert_eq!(world.written("bob", "alice"), ["one ✓✓", "two ✓✓"]);
    // Nor does somebody hear it who is blocked.
    let mut world = read_unknown();
    do_it(&mut world, "alice", Command::SetBlocked { account, blocked: true });
    do_it(&mut world, "alice", Command::Accept { account });
    assert_eq!(world.written("bob", "alice"), ["one ✓✓", "two ✓✓"]);
}

#[test]
fn whoever_is_added_after_they_wrote_is_accepted_by_that() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("bob", "alice");
    world.send("bob", "alice", "hello");
    world.befriend("alice", "bob");
    assert!(told(&world, "bob", "alice").is_some());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let mut world = World::with(&["alice"]);
    let many = vec![world.account("alice"); crate::limits::MAX_AUDIENCE + 1];
    for command in [
        let_know(Setting::Online, Audience::Nobody),
        let_know(Setting::Receipts, Audience::Contacts),
        let_know(Setting::About, Audience::LikeLastSeen),
        let_know(Setting::About, Audience::ContactsExcept(many)),
        call(&"x".repeat(101)),
        say(&"x".repeat(513)),
        Command::SetProfile { change: ProfileChange::Picture(vec![0; 8 * 1024 + 1]) },
    ] {
        let id = world.command("alice", command);
        let failed = |event: &Event| matches!(event, Event::Failed { command, .. } if *command == id);
        assert_eq!(world.count("alice", failed), 1);
    }
    let longest = vec![world.account("alice"); crate::limits::MAX_AUDIENCE];
    let id = world.command("alice", let_know(Setting::About, Audience::ContactsExcept(longest)));
    let done = |event: &Event| matches!(event, Event::Done { command, .. } if *command == id);
    assert_eq!(world.count("alice", done), 1);
}

const OTHERS: [&str; 3] = ["bob", "carol", "dave"];
const ALICE: [&str; 2] = ["alice", "alice2"];

struct Story {
    world: World,
    rng: ChaCha20Rng,
    said: u64,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut world = World::with(&["alice", "bob", "carol", "dave"]);
        for other in OTHERS {
            world.befriend("alice", other);
        }
        Self { world, rng: ChaCha20Rng::seed_from_u64(seed), said: 0 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn audience(&mut self) -> Audience {
        let someone = OTHERS[self.below(3) as usize];
        let someone = self.world.account(someone);
        match self.below(4) {
            0 => Audience::Everyone,
            1 => Audience::Contacts,
            2 => Audience::ContactsExcept(vec![someone]),
            _ => Audience::Nobody,
        }
    }

    /// Something that changes who knows what.
    fn act(&mut self, device: &'static str) {
        let other = OTHERS[self.below(3) as usize];
        let account = self.world.account(other);
        let command = match self.below(9) {
            0 => {
                self.said += 1;
                say(&self.said.to_string())
            }
            1 => call(if self.below(2) == 0 { "Ann" } else { "Alice" }),
            2 => let_know(Setting::About, self.audience()),
            3 => let_know(Setting::LastSeen, self.audience()),
            4 => let_know(
                Setting::Online,
                if self.below(2) == 0 { Audience::Everyone } else { Audience::LikeLastSeen },
            ),
            5 => Command::SetBlocked { account, blocked: self.below(2) == 0 },
            6 => Command::RemoveContact { account },
            7 => Command::AddContact { username: waxwing_wire::Username::parse(other).unwrap() },
            _ => Command::text(crate::Conversation::Account(account), "hello"),
        };
        self.world.command(device, command);
    }

    /// Who may read what the user says about themself, by the registers of a device.
    fn readers(&self, device: &str) -> BTreeSet<&'static str> {
        let store = Overlay::new(&self.world.users[device].db);
        let privacy = load_privacy(&store).unwrap();
        let may = |other: &&str| rights_of(&store, &privacy, self.world.account(other)).unwrap().about;
        OTHERS.into_iter().filter(may).collect()
    }

    /// In the end everybody who was told anything knows what they may, and holds no key that they may not.
    fn check(&self) {
        for device in ALICE.iter().filter(|name| self.world.users.contains_key(**name)) {
            let user = &self.world.users[*device];
            let store = Overlay::new(&user.db);
            let (keys, profile) = (own(&self.world, device), user.client.own_profile(&user.db).unwrap());
            let privacy = load_privacy(&store).unwrap();
            for other in OTHERS {
                let rights = rights_of(&store, &privacy, self.world.account(other)).unwrap();
                let has = has_keys(&self.world, other, "alice");
                assert!(rights.light || has.light.is_none_or(|key| Some(key) != keys.light), "{other}");
                assert!(rights.online || has.online.is_none_or(|key| Some(key) != keys.online), "{other}");
                let current = has.last_seen.is_some_and(|key| Some(key) == keys.last_seen);
                assert!(rights.last_seen || !current, "{other}");
                if let Some(told) = told(&self.world, other, "alice").filter(|_| rights.light) {
                    assert_eq!(told.name, profile.name);
                    assert_eq!(told.about, if rights.about { profile.about.as_str() } else { "" });
                    assert!(has.light == keys.light);
                    assert!(has.online == keys.online.filter(|_| rights.online), "{other}");
                    assert!(has.last_seen == keys.last_seen.filter(|_| rights.last_seen), "{other}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_hears_what_they_may_not_at_any_time(seed in any::<u64>()) {
        let mut story = Story::new(seed);
        // Who could ever read what.
        let mut readers: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        for _ in 0..40 {
            story.act("alice");
            if story.below(2) == 0 {
                story.world.settle();
            }
            let now = story.readers("alice");
            let user = &story.world.users["alice"];
            let about = user.client.own_profile(&user.db).unwrap().about;
            readers.entry(about).or_default().extend(now);
            for other in OTHERS {
                let about = told(&story.world, other, "alice").map(|told| told.about).unwrap_or_default();
                prop_assert!(about.is_empty() || readers[&about].contains(other), "{other} reads {about}");
            }
        }
        story.world.settle();
        story.check();
    }

    #[test]
    fn devices_apart_agree_and_so_do_those_they_told(seed in any::<u64>()) {
        apart(seed);
    }
}

/// Both devices told somebody something else in the same millisecond, or while they were apart.
#[test]
fn days_apart_that_once_went_wrong() {
    apart(9_494_613_259_511_064_390);
    // One told somebody more than the other, who blocked them.
    apart(6_865_914_816_374_873_244);
    apart(17_514_160_790_056_695_490);
}

fn apart(seed: u64) {
    let mut story = Story::new(seed);
    story.world.link("alice2", "alice", HistoryRange::All);
    for _ in 0..30 {
        let device = ALICE[story.below(2) as usize];
        match story.below(6) {
            0 => story.world.offline(device),
            1 => story.world.online(device),
            2 => story.world.settle(),
            _ => story.act(device),
        }
    }
    for device in ALICE {
        story.world.online(device);
    }
    story.world.advance(PROFILE_MEND_MS * 6);
    let registers =
        |name: &str| story.world.users[name].db.rows(Table::State, &[], &[0xff; 65], 1_000).unwrap();
    assert!(registers("alice") == registers("alice2"), "of seed {seed}");
    story.check();
}
