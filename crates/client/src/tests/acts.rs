//! Reactions, edits, deletions for everyone, votes, what disappears: on all devices of everybody.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::post::{Act, ActBy, Answer, Card, Deed, Place, Post, Quote, Span, Style};

use super::world::{Crash, World, words};
use crate::command::{ChatChange, Failure};
use crate::limits::{DELETE_WITHIN_MS, EDIT_WITHIN_MS, MAX_ACTS_EARLY};
use crate::turn::Turn;
use crate::{Body, Command, Conversation, Delivery, Event, Message, MessageKey, Read as _, Table, Time};

const ALL: [&str; 4] = ["alice", "alice2", "bob", "bob2"];

/// Two people with two devices each, who know each other.
fn two() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    world.befriend("bob", "alice");
    world.link("alice2", "alice", HistoryRange::All);
    world.link("bob2", "bob", HistoryRange::All);
    world
}

fn peer(name: &str) -> &'static str {
    if name.starts_with("alice") { "bob" } else { "alice" }
}

fn post(world: &mut World, from: &'static str, with: Conversation, post: Post) -> MessageKey {
    let id = world.command(from, Command::Send { to: with, post: Box::new(post) });
    world.settle();
    let done = |event: &Event| match event {
        Event::Done { command, message, .. } if *command == id => *message,
        _ => None,
    };
    world.users[from].events.iter().find_map(done).expect("it is written")
}

fn act(
    world: &mut World,
    who: &'static str,
    with: Conversation,
    target: MessageKey,
    deed: Deed,
) -> Option<Failure> {
    let id = world.command(who, Command::Act { with, target: Some(target), deed });
    world.settle();
    world.answer(who, id)
}

fn find(world: &World, who: &str, key: MessageKey) -> Option<Message> {
    world.users[who].db.message(&key).unwrap()
}

/// What has been done about a message, as this device knows it.
fn done(world: &World, who: &str, key: MessageKey) -> Vec<ActBy> {
    let user = &world.users[who];
    let Some(message) = find(world, who, key) else { return Vec::new() };
    user.client.acts(&user.db, &message).unwrap()
}

fn with(world: &World, who: &str) -> Conversation {
    world.conversation(peer(who))
}

#[test]
fn what_is_done_about_a_message_holds_on_all_devices_of_both() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let key = post(&mut world, "alice", to_bob, Post::plain("dinner?"));
    let react = |emoji: &str| Deed::React(emoji.into());
    for (who, deed) in [
        ("bob", react("👍")),
        ("bob2", react("❤️")),
        ("alice2", react("😀")),
        ("alice2", Deed::Pin(u64::MAX)),
        ("bob", Deed::Pin(0)),
    ] {
        let with = with(&world, who);
        assert_eq!(act(&mut world, who, with, key, deed), None, "{who}");
    }
    let edit = Deed::Edit(Box::new(Post::plain("supper?")));
    assert_eq!(act(&mut world, "alice2", to_bob, key, edit), None);
    for who in ALL {
        let message = find(&world, who, key).unwrap();
        assert_eq!(words(&message.body), "supper?", "{who}");
        assert!(message.edited_at_ms > 0, "{who}");
        let said: Vec<Deed> = done(&world, who, key).into_iter().map(|doer| doer.act.deed).collect();
        assert!(said.contains(&react("❤️")) && said.contains(&react("😀")), "{who}");
        assert!(!said.contains(&react("👍")) && said.contains(&Deed::Pin(0)), "{who}: the last one holds");
    }
    assert_eq!(act(&mut world, "alice", to_bob, key, Deed::Delete), None);
    for who in ALL {
        assert!(find(&world, who, key).unwrap().body == Body::Deleted, "{who}");
        assert_eq!(done(&world, who, key).len(), 1, "{who}: only that it was deleted is left");
    }
    world.assert_at_rest();
}

#[test]
fn nobody_does_what_is_not_theirs_or_too_late() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let key = post(&mut world, "alice", to_bob, Post::plain("mine"));
    let edit = || Deed::Edit(Box::new(Post::plain("altered")));
    let with = with(&world, "bob");
    assert_eq!(act(&mut world, "bob", with, key, edit()), Some(Failure::TooLate));
    assert_eq!(act(&mut world, "bob", with, key, Deed::Delete), Some(Failure::TooLate));
    assert_eq!(act(&mut world, "bob", with, key, Deed::Vote(vec![0])), Some(Failure::NotAllowed));
    world.advance(EDIT_WITHIN_MS + 1);
    assert_eq!(act(&mut world, "alice2", to_bob, key, edit()), Some(Failure::TooLate));
    world.advance(DELETE_WITHIN_MS);
    assert_eq!(act(&mut world, "alice2", to_bob, key, Deed::Delete), Some(Failure::TooLate));
    for who in ALL {
        assert_eq!(words(&find(&world, who, key).unwrap().body), "mine", "{who}");
    }
}

/// A modified client says that somebody else's message says otherwise, and that its own is younger than it is.
#[test]
fn acts_that_break_the_rules_count_for_nothing() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let key = post(&mut world, "alice", to_bob, Post::plain("mine"));
    let (alice, bob) = (world.device("alice"), world.device("bob"));
    let sent_at_ms = find(&world, "bob", key).unwrap().sent_at_ms;
    let with = with(&world, "bob");
    let target = Some((key.from, key.id));
    let edit = |at: u64, sent_at_ms: u64| Act {
        target,
        sent_at_ms,
        at,
        deed: Deed::Edit(Box::new(Post::plain("altered"))),
    };
    let now = world.now;
    let user = world.user("bob");
    let mut turn = Turn::new(Time(now), &mut user.rng, &user.db);
    for (by, act) in [
        (bob, edit(now, sent_at_ms)),
        (alice, edit(sent_at_ms + EDIT_WITHIN_MS + 1, sent_at_ms)),
        (alice, edit(sent_at_ms + EDIT_WITHIN_MS + 9, sent_at_ms + 10)),
        (bob, Act { target, sent_at_ms, at: now, deed: Deed::Delete }),
        (bob, Act { target, sent_at_ms, at: now, deed: Deed::Lifetime(5) }),
        (bob, Act { target: None, sent_at_ms: 0, at: now, deed: Deed::Delete }),
    ] {
        user.client.take_act(&mut turn, with, ActBy { by, act }, false, u64::MAX).unwrap();
        let message = turn.store.message(&key).unwrap().unwrap();
        assert_eq!(words(&message.body), "mine");
    }
    let far = Act { target, sent_at_ms, at: now + 10, deed: Deed::React("👍".into()) };
    assert!(!user.client.take_act(&mut turn, with, ActBy { by: alice, act: far }, false, now + 9).unwrap());
}

/// Whoever floods a device with acts about messages that there are not drives out only such acts.
#[test]
fn acts_about_nothing_are_bounded() {
    let mut world = two();
    let alice = world.device("alice");
    let with = with(&world, "bob");
    let user = world.user("bob");
    let mut db = user.db.clone();
    let acts = u64::from(MAX_ACTS_EARLY) + 100;
    for id in 0..acts {
        let mut turn = Turn::new(Time(5), &mut user.rng, &db);
        let target = Some((alice, waxwing_wire::MessageId(id)));
        let act = Act { target, sent_at_ms: 1, at: id, deed: Deed::React("👍".into()) };
        assert!(user.client.take_act(&mut turn, with, ActBy { by: alice, act }, false, u64::MAX).unwrap());
        let batch = turn.store.into_batch();
        db.apply(&batch);
    }
    assert_eq!(db.count(Table::Act), usize::from(MAX_ACTS_EARLY));
}

#[test]
fn polls_events_places_and_quotes() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let options = vec!["pizza".to_string(), "soup".to_string()];
    let poll = Post { card: Some(Box::new(Card::Poll { options, several: false })), ..Post::plain("what?") };
    let poll = post(&mut world, "alice", to_bob, poll);
    let with_alice = with(&world, "bob");
    assert_eq!(act(&mut world, "bob", with_alice, poll, Deed::Vote(vec![0, 1])), Some(Failure::NotAllowed));
    assert_eq!(act(&mut world, "bob", with_alice, poll, Deed::Vote(vec![2])), Some(Failure::NotAllowed));
    assert_eq!(act(&mut world, "bob", with_alice, poll, Deed::Vote(vec![1])), None);
    assert_eq!(act(&mut world, "bob2", with_alice, poll, Deed::Vote(vec![0])), None);
    assert_eq!(act(&mut world, "alice2", to_bob, poll, Deed::Vote(vec![1])), None);
    let event = Card::Event { starts_at_ms: 5, ends_at_ms: 0, place: "here".into() };
    let event =
        post(&mut world, "bob2", with_alice, Post { card: Some(Box::new(event)), ..Post::plain("party") });
    assert_eq!(act(&mut world, "alice", to_bob, event, Deed::Answer(Answer::Yes)), None);
    let place = Place { latitude_e7: 1, longitude_e7: 2, accuracy_m: 3, name: "x".into(), live_s: 900 };
    let card = Some(Box::new(Card::Place(place.clone())));
    let live = post(&mut world, "alice", to_bob, Post { card, ..Post::default() });
    let moved = Place { latitude_e7: 7, ..place };
    assert_eq!(act(&mut world, "alice", to_bob, live, Deed::Live(moved.clone())), None);
    let quote = Some(Box::new(Quote {
        message: (poll.from, poll.id),
        text: "made up".into(),
        attachments: Vec::new(),
    }));
    let answer = post(&mut world, "bob", with_alice, Post { quote, ..Post::plain("soup") });
    for who in ALL {
        let votes: Vec<Deed> = done(&world, who, poll).into_iter().map(|doer| doer.act.deed).collect();
        assert!(votes.contains(&Deed::Vote(vec![0])) && votes.contains(&Deed::Vote(vec![1])), "{who}");
        assert_eq!(votes.len(), 2, "{who}");
        assert!(done(&world, who, event).iter().any(|doer| doer.act.deed == Deed::Answer(Answer::Yes)));
        assert!(done(&world, who, live).iter().any(|doer| doer.act.deed == Deed::Live(moved.clone())));
        let Body::Post(post) = find(&world, who, answer).unwrap().body else { panic!("{who}") };
        assert_eq!(post.quote.unwrap().text, "what?", "{who}: what it says is looked up");
    }
    world.assert_at_rest();
}

#[test]
fn a_quote_does_not_tell_what_its_message_hides() {
    let mut world = two();
    let spans = vec![Span { start: 4, bytes: 11, style: Style::Spoiler }];
    let quoted = Post { spans, ..Post::plain("it: the büsler did it") };
    let to_bob = world.conversation("bob");
    let quoted = post(&mut world, "alice", to_bob, quoted);
    let (message, text) = ((quoted.from, quoted.id), String::new());
    let quote = Some(Box::new(Quote { message, text, attachments: Vec::new() }));
    let with_alice = with(&world, "bob");
    let answer = post(&mut world, "bob", with_alice, Post { quote, ..Post::plain("no!") });
    for who in ALL {
        let Body::Post(post) = find(&world, who, answer).unwrap().body else { panic!("{who}") };
        assert_eq!(post.quote.unwrap().text, "it: ▒▒▒ ▒▒▒▒▒▒ did it", "{who}");
    }
}

#[test]
fn messages_disappear_everywhere_unless_they_are_kept() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let id = world
        .command("bob", Command::Act { with: with(&world, "bob"), target: None, deed: Deed::Lifetime(60) });
    world.settle();
    assert_eq!(world.answer("bob", id), None);
    let goes = post(&mut world, "alice", to_bob, Post::plain("goes"));
    let stays = post(&mut world, "alice2", to_bob, Post::plain("stays"));
    let with_alice = with(&world, "bob");
    assert_eq!(act(&mut world, "bob2", with_alice, stays, Deed::Keep(true)), None);
    world.offline("bob2");
    world.advance(100_000);
    for who in ["alice", "alice2", "bob"] {
        assert!(find(&world, who, goes).is_none(), "{who}");
        assert!(find(&world, who, stays).is_some(), "{who}");
        assert_eq!(world.users[who].db.count(Table::Expiry), 0, "{who}");
    }
    assert!(find(&world, "bob2", goes).is_some(), "it does not know yet whether somebody has kept it");
    assert!(find(&world, "bob2", goes).unwrap().expires_at_ms < world.now, "and shows it no more");
    world.online("bob2");
    world.advance(20_000);
    assert!(find(&world, "bob2", goes).is_none() && find(&world, "bob2", stays).is_some());
    assert_eq!(act(&mut world, "bob2", with_alice, stays, Deed::Keep(false)), None);
    world.advance(20_000);
    for who in ALL {
        assert!(find(&world, who, stays).is_none(), "{who}");
        assert_eq!(
            world.users[who].db.count(Table::Act),
            1,
            "{who}: of what was done, only the lifetime is left"
        );
    }
}

#[test]
fn what_is_away_for_long_disappears_before_it_comes() {
    let mut world = two();
    world.offline("bob2");
    let to_bob = world.conversation("bob");
    let key = post(&mut world, "alice", to_bob, Post { lifetime_s: 60, ..Post::plain("soon gone") });
    world.advance(90_000);
    world.online("bob2");
    world.advance(30_000);
    assert!(ALL.iter().all(|who| find(&world, who, key).is_none()));
    let later = post(&mut world, "alice", to_bob, Post::plain("later"));
    assert_eq!(find(&world, "bob2", later).unwrap().missing_before, 0, "nothing seems to be missing");
}

#[test]
fn what_was_kept_while_a_device_was_away_is_kept_there_too() {
    let mut world = two();
    world.offline("bob2");
    let to_bob = world.conversation("bob");
    let [kept, goes] = ["kept", "goes"]
        .map(|text| post(&mut world, "alice", to_bob, Post { lifetime_s: 60, ..Post::plain(text) }));
    assert_eq!(act(&mut world, "alice", to_bob, kept, Deed::Keep(true)), None);
    world.advance(90_000);
    // Message and word come together, when the message is over.
    world.online("bob2");
    world.settle();
    assert!(find(&world, "bob2", goes).is_some(), "there may be a word about it behind");
    assert!(
        world.users["bob2"].events.iter().all(|event| !matches!(event, Event::Message(it) if it.key == goes))
    );
    world.advance(60_000);
    for who in ALL {
        assert!(find(&world, who, kept).is_some() && find(&world, who, goes).is_none(), "{who}");
    }
}

#[test]
fn whoever_has_slept_hears_first_what_was_kept_meanwhile() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let kept = post(&mut world, "alice", to_bob, Post { lifetime_s: 60, ..Post::plain("kept") });
    // The device's connection seems to be there still when it wakes, and nothing has been said on it for long.
    let bob = world.users.get_mut("bob2").unwrap();
    let later = Time(world.now + 3_600_000);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let step = bob.client.handle(later, &mut rng, crate::Input::Tick, &bob.db).unwrap();
    let deletes = |write: &crate::Write| matches!(write, crate::Write::DeleteMessage(key) if *key == kept);
    assert!(!step.batch.iter().any(deletes), "it deletes nothing before it has heard of the server");
}

#[test]
fn what_is_left_of_a_message_disappears_with_it() {
    let mut world = two();
    let (to_bob, with_alice) = (world.conversation("bob"), with(&world, "bob"));
    let post_of = |once, text| Post { lifetime_s: 600, once, ..Post::plain(text) };
    let deleted = post(&mut world, "alice", to_bob, post_of(false, "deleted"));
    let seen = post(&mut world, "alice", to_bob, post_of(true, "seen"));
    assert_eq!(act(&mut world, "alice", to_bob, deleted, Deed::Delete), None);
    assert_eq!(act(&mut world, "bob2", with_alice, seen, Deed::Opened), None);
    assert_eq!(act(&mut world, "alice", to_bob, seen, Deed::Edit(Box::new(Post::plain("again")))), None);
    for who in ["bob", "bob2"] {
        assert!(find(&world, who, seen).unwrap().body == Body::Opened, "{who}");
        assert!(done(&world, who, seen).iter().all(|doer| doer.act.deed == Deed::Opened), "{who}");
    }
    // A device that comes now does not keep what says so for longer.
    world.link("bob3", "bob", HistoryRange::All);
    assert!(find(&world, "bob3", deleted).unwrap().body == Body::Deleted);
    assert!(find(&world, "bob3", seen).unwrap().body == Body::Opened);
    world.advance(700_000);
    for who in ["alice", "alice2", "bob", "bob2", "bob3"] {
        assert!(find(&world, who, deleted).is_none() && find(&world, who, seen).is_none(), "{who}");
    }
}

#[test]
fn what_is_to_be_seen_once_is_seen_once() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let key = post(&mut world, "alice", to_bob, Post { once: true, ..Post::plain("once") });
    assert_eq!(act(&mut world, "alice", to_bob, key, Deed::Opened), Some(Failure::NotAllowed));
    let with_alice = with(&world, "bob");
    assert_eq!(act(&mut world, "bob2", with_alice, key, Deed::Opened), None);
    for who in ["bob", "bob2"] {
        assert!(find(&world, who, key).unwrap().body == Body::Opened, "{who}");
    }
    for who in ["alice", "alice2"] {
        let opened = done(&world, who, key).iter().any(|doer| doer.act.deed == Deed::Opened);
        assert!(opened, "{who} learns of it");
    }
    let forward = world.command("alice", Command::Forward { message: key, to: vec![to_bob] });
    assert_eq!(world.answer("alice", forward), Some(Failure::NotAllowed));
}

#[test]
fn notes_to_oneself_are_on_all_own_devices_and_nowhere_else() {
    let mut world = two();
    let own = world.conversation("alice");
    let key = post(&mut world, "alice2", own, Post::plain("milk"));
    for who in ["alice", "alice2"] {
        let message = find(&world, who, key).unwrap();
        assert_eq!((words(&message.body), message.delivery), ("milk".into(), Delivery::Read), "{who}");
    }
    assert_eq!(act(&mut world, "alice", own, key, Deed::React("✅".into())), None);
    assert_eq!(done(&world, "alice2", key).len(), 1);
    assert!(["bob", "bob2"].iter().all(|who| find(&world, who, key).is_none()));
    world.assert_at_rest();
}

#[test]
fn forwarding_counts_and_has_limits() {
    let mut world = two();
    let (own, to_bob) = (world.conversation("alice"), world.conversation("bob"));
    let mut key = post(&mut world, "alice", own, Post::plain("passed on"));
    for hop in 1..=4 {
        let to = if hop == 4 { to_bob } else { own };
        world.command("alice", Command::Forward { message: key, to: vec![to] });
        world.settle();
        let with = if hop == 4 { "bob" } else { "alice" };
        let last = world.history("alice", with).pop().unwrap();
        let Body::Post(post) = &last.body else { panic!() };
        assert_eq!((post.forwards, post.text.as_str()), (hop, "passed on"));
        key = last.key;
    }
    let id = world.command("alice", Command::Forward { message: key, to: vec![own, to_bob] });
    assert_eq!(world.answer("alice", id), Some(Failure::TooManyForwards { limit: 1 }));
    let id = world.command("alice", Command::Forward { message: key, to: vec![] });
    assert_eq!(world.answer("alice", id), Some(Failure::Empty));
}

#[test]
fn a_new_device_gets_what_was_done_with_the_history() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let edited = post(&mut world, "alice", to_bob, Post::plain("befor"));
    let deleted = post(&mut world, "alice", to_bob, Post::plain("never"));
    let with_alice = with(&world, "bob");
    assert_eq!(act(&mut world, "bob", with_alice, edited, Deed::React("👍".into())), None);
    assert_eq!(act(&mut world, "alice", to_bob, edited, Deed::Edit(Box::new(Post::plain("before")))), None);
    assert_eq!(act(&mut world, "alice", to_bob, deleted, Deed::Delete), None);
    let draft = ChatChange::Draft("half a".into());
    world.command("bob", Command::SetChat { conversation: with_alice, change: draft });
    world.link("bob3", "bob", HistoryRange::All);
    world.advance(1_000);
    let message = find(&world, "bob3", edited).unwrap();
    assert_eq!(words(&message.body), "before");
    assert_eq!(message.edited_at_ms, find(&world, "bob", edited).unwrap().edited_at_ms);
    assert!(done(&world, "bob3", edited) == done(&world, "bob", edited));
    assert!(find(&world, "bob3", deleted).unwrap().body == Body::Deleted);
    let user = &world.users["bob3"];
    assert_eq!(user.client.draft(&user.db, with_alice).unwrap(), "half a");
    assert_eq!(act(&mut world, "alice2", to_bob, edited, Deed::Edit(Box::new(Post::plain("after")))), None);
    assert_eq!(words(&find(&world, "bob3", edited).unwrap().body), "after");
}

// ---------------------------------------------------------------- in any order

struct Story {
    world: World,
    names: Vec<&'static str>,
    /// Where each of them writes.
    with: BTreeMap<&'static str, Conversation>,
    dice: ChaCha20Rng,
    count: usize,
}

impl Story {
    fn below(&mut self, bound: u64) -> u64 {
        self.dice.next_u64() % bound
    }

    fn somebody(&mut self) -> &'static str {
        let at = self.below(self.names.len() as u64);
        self.names[usize::try_from(at).unwrap()]
    }

    fn some_message(&mut self, who: &str) -> Option<MessageKey> {
        let page = self.world.users[who].db.history(self.with[who], u64::MAX, 12).unwrap();
        let at = usize::try_from(self.below(page.len().max(1) as u64)).unwrap();
        page.get(at).map(|message| message.key)
    }

    fn deed(&mut self) -> Deed {
        self.count += 1;
        let count = self.count;
        match self.below(9) {
            0 | 1 => Deed::React(["👍", "❤️", "", "😀"][count % 4].into()),
            2..=4 => Deed::Edit(Box::new(Post::plain(format!("edit {count}")))),
            5 => Deed::Delete,
            6 => Deed::Pin(count as u64 % 3),
            7 => Deed::Vote(vec![u8::try_from(count % 2).unwrap()]),
            _ => Deed::Keep(count.is_multiple_of(2)),
        }
    }

    fn step(&mut self) {
        let who = self.somebody();
        let with = self.with[who];
        match self.below(16) {
            0 | 1 => {
                self.count += 1;
                let options = vec!["a".to_string(), "b".to_string()];
                let poll =
                    self.count.is_multiple_of(3).then(|| Box::new(Card::Poll { options, several: false }));
                let post = Post { card: poll, ..Post::plain(format!("text {}", self.count)) };
                self.world.command(who, Command::Send { to: with, post: Box::new(post) });
            }
            2..=6 => {
                let deed = self.deed();
                if let Some(target) = self.some_message(who) {
                    self.world.command(who, Command::Act { with, target: Some(target), deed });
                }
            }
            7 => self.world.cut(who),
            8 | 9 => self.world.online(who),
            10 => self.world.reopen(who),
            11 if self.world.has_input(who) => {
                let crash = if self.below(2) == 0 { Crash::BeforeCommit } else { Crash::AfterCommit };
                self.world.next_and_crash(who, crash);
            }
            12 => {
                let ms = self.below(3_000);
                self.world.advance(ms);
            }
            _ => {
                self.world.flow_up();
                if self.world.has_input(who) {
                    self.world.next(who);
                }
            }
        }
    }

    fn run(&mut self) {
        for _ in 0..160 {
            self.step();
        }
        for name in self.names.clone() {
            self.world.user(name).reachable = true;
            self.world.online(name);
        }
        self.world.advance(4 * 3_600_000);
        self.world.settle();
    }

    /// Every message is the same everywhere, with everything that was done about it.
    fn check(&self, seed: u64) {
        let world = &self.world;
        let all = |who: &str| world.users[who].db.history(self.with[who], u64::MAX, 1_000).unwrap();
        let mut told: BTreeMap<MessageKey, (&str, String, u64, Vec<ActBy>)> = BTreeMap::new();
        let texts = |message: &Message| !matches!(message.body, Body::Notice(_));
        for who in &self.names {
            let user = &world.users[who];
            for message in all(who).iter().filter(|message| texts(message)) {
                let acts = user.client.acts(&user.db, message).unwrap();
                let said = (*who, words(&message.body), message.edited_at_ms, acts);
                let first = told.entry(message.key).or_insert_with(|| said.clone());
                let name = format!("seed {seed}: {:?} at {} and {who}", message.key.id, first.0);
                assert_eq!((&first.1, first.2), (&said.1, said.2), "{name}");
                assert!(first.3 == said.3, "{name}: what was done, {} and {}", first.3.len(), said.3.len());
            }
        }
        for who in &self.names {
            assert_eq!(
                all(who).iter().filter(|m| texts(m)).count(),
                told.len(),
                "seed {seed}: {who} has all"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_people_come_to_the_same_in_any_order(seed in any::<u64>()) {
        let world = two();
        let with = ALL.iter().map(|who| (*who, with(&world, who))).collect();
        let dice = ChaCha20Rng::seed_from_u64(seed);
        let mut story = Story { world, names: ALL.to_vec(), with, dice, count: 0 };
        story.run();
        story.check(seed);
    }

    #[test]
    fn a_group_comes_to_the_same_in_any_order(seed in any::<u64>()) {
        let mut world = World::friends(&["alice", "bob", "carol"]);
        world.link("tablet", "alice", HistoryRange::None);
        let group = world.found("alice", &["bob", "carol"]);
        let names = vec!["alice", "tablet", "bob", "carol"];
        let with = names.iter().map(|who| (*who, Conversation::Group(group))).collect();
        let dice = ChaCha20Rng::seed_from_u64(seed);
        let mut story = Story { world, names, with, dice, count: 0 };
        story.run();
        story.check(seed);
    }
}

// ---------------------------------------------------------------- who, and when

/// Who has done what, as front ends hear of it.
fn told(world: &World, who: &str, key: MessageKey) -> Vec<ActBy> {
    let of = |event: &Event| match event {
        Event::Changed { message, doer } if *message == key => Some((**doer).clone()),
        _ => None,
    };
    world.users[who].events.iter().filter_map(of).collect()
}

#[test]
fn it_is_told_who_did_what_also_about_a_message_that_comes_later() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    let key = post(&mut world, "alice", to_bob, Post::plain("dinner?"));
    let with_alice = with(&world, "bob");
    let deed = Deed::React("👍".into());
    world.command("bob2", Command::Act { with: with_alice, target: Some(key), deed });
    world.settle();
    let bob2 = world.device("bob2");
    for who in ALL {
        let told = told(&world, who, key);
        assert_eq!(told.len(), 1, "{who}");
        assert!(told[0].by == bob2 && told[0].act.deed == Deed::React("👍".into()), "{who}");
    }
    // What was done before the message came is told right after it.
    let with_bob = with(&world, "alice");
    let (alice, id) = (world.device("alice"), waxwing_wire::MessageId(77));
    let late = MessageKey { from: alice, id };
    let user = world.user("bob");
    let mut turn = Turn::new(Time(5), &mut user.rng, &user.db);
    let act = Act { target: Some((alice, id)), sent_at_ms: 1, at: 2, deed: Deed::React("❤️".into()) };
    user.client.take_act(&mut turn, with_alice, ActBy { by: alice, act }, false, u64::MAX).unwrap();
    user.client.tell_early_acts(&mut turn, with_alice, late).unwrap();
    user.client.tell_early_acts(&mut turn, with_bob, late).unwrap();
    let events = turn.effects.iter().filter(
        |effect| matches!(effect, crate::Effect::Event(Event::Changed { message, .. }) if *message == late),
    );
    assert_eq!(events.count(), 1, "in its own conversation alone");
}

#[test]
fn it_is_known_since_when_somebody_has_a_message_and_since_when_they_have_seen_it() {
    let mut world = two();
    let to_bob = world.conversation("bob");
    world.offline("bob");
    world.offline("bob2");
    let key = post(&mut world, "alice", to_bob, Post::plain("dinner?"));
    let receipts = |world: &World, who: &str| {
        let user = &world.users[who];
        let receipts = user.client.receipts(&user.db, key).unwrap();
        assert_eq!((receipts.len(), receipts[0].account), (1, world.account("bob")), "{who}");
        receipts[0]
    };
    let before = receipts(&world, "alice");
    assert_eq!((before.delivery, before.delivered_at_ms, before.read_at_ms), (Delivery::Sent, 0, 0));
    world.online("bob");
    world.online("bob2");
    world.settle();
    let there = receipts(&world, "alice");
    assert_eq!((there.delivery, there.read_at_ms), (Delivery::Delivered, 0));
    assert!(there.delivered_at_ms > 0 && there.at_ms == there.delivered_at_ms);
    world.advance(60_000);
    world.read_all("bob", "alice");
    world.settle();
    for who in ["alice", "alice2"] {
        let seen = receipts(&world, who);
        assert_eq!((seen.delivery, seen.at_ms), (Delivery::Read, seen.read_at_ms), "{who}");
        assert!(seen.delivered_at_ms > 0 && seen.read_at_ms >= seen.delivered_at_ms + 50_000, "{who}");
    }
    assert_eq!(receipts(&world, "alice").delivered_at_ms, there.delivered_at_ms, "it stays what it was");
    world.command("alice", Command::DeleteMessages { messages: vec![key] });
    world.settle();
    assert_eq!(world.users["alice"].db.count(Table::Receipt), 0, "nothing is left of it");
}

#[test]
fn who_changes_how_long_messages_stay_is_in_the_history() {
    let mut world = two();
    let with_alice = with(&world, "bob");
    for seconds in [604_800, 604_800, 0] {
        let deed = Deed::Lifetime(seconds);
        let id = world.command("bob", Command::Act { with: with_alice, target: None, deed });
        world.settle();
        assert_eq!(world.answer("bob", id), None);
    }
    let bob = world.account("bob");
    for who in ALL {
        let history = world.history(who, peer(who));
        let notices: Vec<_> = history
            .iter()
            .filter_map(|message| match message.body {
                Body::Notice(crate::Notice::Lifetime(by, seconds)) => Some((by, seconds)),
                _ => None,
            })
            .collect();
        assert_eq!(notices, [(bob, 604_800), (bob, 0)], "{who}: what changes nothing is not said");
    }
    world.assert_at_rest();
}
