//! Groups in which things happen at any time: people write and change the group while they lose their
//! connection and their programs die between any two steps.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::{Action, GroupId};

use super::world::{Crash, World};
use crate::Event;

const DEVICES: [&str; 6] = ["alice", "tablet", "bob", "carol", "dave", "erin"];
/// They stay in the group; the others come and go.
const STAY: [&str; 3] = ["alice", "bob", "carol"];

struct Story {
    world: World,
    group: GroupId,
    dice: ChaCha20Rng,
    written: usize,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut world = World::friends(&["alice", "bob", "carol", "dave", "erin"]);
        world.link("tablet", "alice", HistoryRange::None);
        let group = world.found("alice", &["bob", "carol", "dave"]);
        assert_eq!(world.changed("alice", group, Action::Promote(world.account("bob"))), None);
        Self { world, group, dice: ChaCha20Rng::seed_from_u64(seed), written: 0 }
    }

    fn draw(&mut self, below: u32) -> u32 {
        self.dice.next_u32() % below
    }

    fn somebody(&mut self) -> &'static str {
        DEVICES[self.draw(6) as usize]
    }

    fn step(&mut self) {
        let (who, group) = (self.somebody(), self.group);
        match self.draw(14) {
            0..=4 if self.world.knows(who, group) => {
                self.written += 1;
                let text = self.written.to_string();
                self.world.say(who, group, &text);
            }
            5..=6 => {
                let other = ["dave", "erin"][self.draw(2) as usize];
                let state = self.world.group("alice", group).state;
                let account = self.world.account(other);
                let there = state.member(account).is_some();
                let action = if there { Action::Remove(account) } else { self.world.add(other) };
                let admin = ["alice", "tablet", "bob"][self.draw(3) as usize];
                self.world.change(admin, group, vec![action]);
            }
            7 => {
                let name = Action::Name(format!("name {}", self.draw(1000)));
                if self.world.knows(who, group) {
                    self.world.change(who, group, vec![name]);
                }
            }
            8 => self.world.cut(who),
            9 => self.world.online(who),
            10 => self.world.reopen(who),
            11 => {
                if self.world.has_input(who) {
                    let crash = if self.draw(2) == 0 { Crash::BeforeCommit } else { Crash::AfterCommit };
                    self.world.next_and_crash(who, crash);
                }
            }
            12 => self.world.advance(u64::from(self.dice.next_u32() % 20_000)),
            _ => {
                self.world.flow_up();
                if self.world.has_input(who) {
                    self.world.next(who);
                }
            }
        }
    }

    fn end(&mut self) {
        for name in DEVICES {
            self.world.online(name);
        }
        self.world.advance(4 * 3_600_000);
        self.world.settle();
    }

    fn check(&self, seed: u64) {
        let (world, group) = (&self.world, self.group);
        let state = world.group("alice", group).state;
        let there = |name: &&&str| state.member(world.account(name)).is_some();
        let members: Vec<&str> = DEVICES.iter().filter(there).copied().collect();
        world.assert_agreed(group, &members);
        for name in DEVICES {
            assert_eq!(world.users[name].client.outbox_len(), 0, "seed {seed}: {name} has said everything");
        }
        for name in &members {
            let notices = world.notices(name, group);
            assert!(
                !notices.iter().any(|notice| matches!(*notice, "forked" | "server")),
                "seed {seed}: {name}"
            );
        }
        for reader in STAY {
            let heard = world.hears(reader, group);
            assert!(
                !heard.iter().any(|text| text == "…" || text == "lost"),
                "seed {seed}: {reader} {heard:?}"
            );
            for writer in STAY.iter().filter(|writer| **writer != reader) {
                for line in world.wrote(writer, group) {
                    let (text, tick) = line.split_once(' ').unwrap();
                    let count = heard.iter().filter(|heard| *heard == text).count();
                    let taken = !matches!(tick, "✗" | "⌛");
                    assert_eq!(count, usize::from(taken), "seed {seed}: {reader} hears {writer}'s {line}");
                }
            }
            assert_eq!(
                world.count(reader, |event| matches!(event, Event::Gap { .. })),
                0,
                "seed {seed}: {reader}"
            );
        }
        // Both devices of an account show one conversation.
        let texts = |name| {
            let mut texts: Vec<_> = world
                .wrote(name, group)
                .into_iter()
                .map(|line| line.split(' ').next().unwrap().to_string())
                .collect();
            texts.extend(world.hears(name, group));
            texts.sort();
            texts
        };
        assert_eq!(texts("alice"), texts("tablet"), "seed {seed}");
    }
}

#[test]
fn whatever_happens_members_agree_and_nothing_is_lost() {
    for seed in 0..12 {
        let mut story = Story::new(seed);
        for _ in 0..120 {
            story.step();
        }
        story.end();
        story.check(seed);
    }
}
