//! Days on which anything may happen, in any order. The sim crate does this thoroughly; here it is small
//! enough to run with every build.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_wire::{Reject, RejectCode};

use super::world::{Crash, World};
use crate::memory::MemoryDb;
use crate::{Body, Command, ConnectionState, Direction, Event};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

struct Story {
    world: World,
    rng: ChaCha20Rng,
    /// Texts by sender and recipient, in order.
    written: BTreeMap<(&'static str, &'static str), Vec<String>>,
    copies: BTreeMap<&'static str, MemoryDb>,
    restored: bool,
}

impl Story {
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn someone(&mut self) -> &'static str {
        NAMES[self.below(3) as usize]
    }

    fn write(&mut self) {
        let (from, to) = (self.someone(), self.someone());
        if from != to {
            let texts = self.written.entry((from, to)).or_default();
            let text = format!("{from} {}", texts.len());
            texts.push(text.clone());
            self.world.write(from, to, &text);
        }
    }

    fn flow(&mut self) {
        let name = self.someone();
        self.world.flow_up();
        if self.world.has_input(name) {
            self.world.next(name);
        }
    }

    fn fault(&mut self, with_restores: bool) {
        let name = self.someone();
        match self.below(9) {
            0 => self.world.cut(name),
            1 => self.world.reopen(name),
            2 if self.world.has_input(name) => {
                let crash = if self.below(2) == 0 { Crash::BeforeCommit } else { Crash::AfterCommit };
                self.world.next_and_crash(name, crash);
            }
            3 => {
                self.world.command(name, Command::GoOffline);
            }
            4 => self.world.relay.devices.values_mut().for_each(|device| device.seen.clear()),
            5 => {
                let code = [RejectCode::MailboxFull, RejectCode::Unavailable][self.below(2) as usize];
                self.world.relay.refuse.push_back(Reject::later(code, "later", 3_000));
            }
            6 => {
                let reader = self.someone();
                if reader != name {
                    let with = self.world.conversation(name);
                    self.world.command(reader, Command::MarkRead { with, up_to: u64::MAX });
                }
            }
            7 if with_restores => {
                let copy = self.world.users[name].db.clone();
                self.copies.insert(name, copy);
            }
            8 if with_restores => {
                if let Some(copy) = self.copies.get(name).cloned() {
                    self.world.restore(name, &copy);
                    self.restored = true;
                }
            }
            _ => {}
        }
    }

    fn run(seed: u64, with_restores: bool) -> Self {
        let mut world = World::with(&NAMES);
        for one in NAMES {
            for other in NAMES {
                if one != other {
                    world.befriend(one, other);
                }
            }
        }
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let mut story =
            Self { world, rng, written: BTreeMap::new(), copies: BTreeMap::new(), restored: false };
        for _ in 0..150 {
            match story.below(10) {
                0..=2 => story.write(),
                3..=6 => story.flow(),
                7 => {
                    let ms = story.below(3_000);
                    story.world.advance(ms);
                }
                8 => {
                    let name = story.someone();
                    story.world.user(name).reachable = true;
                    story.world.command(name, Command::GoOnline);
                }
                _ => story.fault(with_restores),
            }
        }
        story.heal();
        story
    }

    fn heal(&mut self) {
        self.world.relay.refuse.clear();
        for name in NAMES {
            self.world.user(name).reachable = true;
            self.world.online(name);
        }
        self.world.advance(120_000);
        for name in NAMES {
            assert_eq!(self.world.state(name), ConnectionState::Online);
        }
    }

    fn check(&self) {
        self.world.assert_at_rest();
        for (from, to) in NAMES.iter().flat_map(|from| NAMES.map(|to| (*from, to))).filter(|(a, b)| a != b) {
            let nothing = Vec::new();
            let written = self.written.get(&(from, to)).unwrap_or(&nothing);
            let mut arrived = self.world.arrived(to, from);
            // An older copy may have forgotten what it is asked for.
            arrived.retain(|text| !self.restored || text != "…");
            for text in &arrived {
                assert_eq!(arrived.iter().filter(|other| *other == text).count(), 1, "{text} once");
                assert!(written.contains(text), "{text} was written");
            }
            if self.restored {
                continue;
            }
            let mut sorted = arrived.clone();
            sorted.sort_by_key(|text| written.iter().position(|other| other == text));
            assert_eq!(sorted, *written, "everything from {from} to {to}");
            let gaps = self.world.count(to, |event| matches!(event, Event::Gap { .. }));
            assert!(arrived == *written || gaps > 0, "in order, or the gap is shown");
            let own = self.world.history(from, to).into_iter();
            for message in own.filter(|message| message.direction == Direction::Outgoing) {
                assert!(message.delivery >= crate::Delivery::Delivered && message.body != Body::Lost);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives_once_in_order_whatever_breaks(seed in any::<u64>()) {
        let story = Story::run(seed, false);
        story.check();
    }

    #[test]
    fn older_copies_repeat_no_key_and_show_nothing_twice(seed in any::<u64>()) {
        let story = Story::run(seed, true);
        story.check();
    }
}
