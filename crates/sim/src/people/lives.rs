//! Messages of every kind, and how long they live: what disappears, what is kept, what is seen once, and time
//! that passes meanwhile.

use waxwing_client::post::{Answer, Card, Deed, Place, Post, Quote};
use waxwing_client::{Body, Command, Conversation, Direction, Message, Read as _};

use crate::event::{Act, Event};
use crate::world::{World, note};

/// Messages that somebody looks back at.
const RECENT: usize = 30;
/// Name of the setting for new conversations, as the core has it.
const LIFETIME_SETTING: &str = "lifetime";
/// Seconds that people let messages live.
pub const LIFETIMES_S: [u32; 3] = [24 * 3_600, 7 * 24 * 3_600, 90 * 24 * 3_600];
/// After the last lifetime it is over for all clocks by then, milliseconds.
const AFTERWARDS_MS: u64 = 40 * 3_600_000;
/// What goes on while some are away, milliseconds.
const MEANWHILE_MS: u64 = 30_000;

impl World {
    pub(super) fn schedule_lives(&mut self) {
        for _ in 0..self.plan.lives {
            let person = self.dice.index(self.plan.honest_people());
            let client = self.device_of(person);
            let at = self.dice.between(6_000, self.plan.chaos_ms);
            self.schedule(at, Event::Act { client, act: Act::Live { tried: 0 } });
        }
        for (at, ms) in self.plan.leaps.clone() {
            self.schedule(at, Event::Leap { ms });
        }
    }

    /// Nothing happens for so long, everywhere.
    pub(crate) fn leap(&mut self, ms: u64) {
        note!(self, "{} hours pass", ms / 3_600_000);
        let at_rest = self.devices.iter().all(|device| device.owes_nothing());
        self.oracle.time_passes(ms, at_rest);
        for number in 0..self.nodes.count() {
            self.nodes[number].skew_ms = self.nodes[number].skew_ms.saturating_add_unsigned(ms);
        }
        for client in 0..self.devices.count() {
            self.devices[client].sleep(ms);
            self.give(client, waxwing_client::Input::Tick);
        }
    }

    /// Once all is settled: some are away, the others go on, and time passes beyond every lifetime.
    pub(crate) fn outlive(&mut self) {
        let all: Vec<usize> = (0..self.devices.count()).collect();
        let away: Vec<usize> = all.iter().copied().filter(|_| self.dice.chance(3_000)).collect();
        for client in &away {
            self.devices[*client].wants_online = false;
            self.command(*client, Command::GoOffline, None);
        }
        // What is said to who is away for longer than a server keeps it does not come.
        if u64::from(self.plan.lifetime_s) * 1_000 < self.plan.settings.retention_ms {
            for _ in 0..self.dice.below(20) {
                let client = all.get(self.dice.index(all.len())).copied().unwrap_or_default();
                let at = self.now + self.dice.between(1, MEANWHILE_MS / 2);
                let act = if self.dice.chance(5_000) { Act::Live { tried: 0 } } else { Act::Do { tried: 0 } };
                self.schedule(at, Event::Act { client, act });
            }
        }
        self.run_until(self.now + MEANWHILE_MS);
        self.leap(u64::from(self.plan.lifetime_s) * 1_000 + AFTERWARDS_MS);
        self.run_until(self.now + MEANWHILE_MS);
        for client in away {
            self.schedule(self.now, Event::Act { client, act: Act::Back });
        }
        self.run_until(self.now + MEANWHILE_MS);
    }

    pub(super) fn live(&mut self, client: usize, tried: u32) {
        let drawn = self.draw_life(client);
        self.command_or_again(client, drawn, Act::Live { tried }, tried);
    }

    fn draw_life(&mut self, client: usize) -> Option<Command> {
        let own = self.oracle.address(client)?.account;
        let known: Vec<_> = self.devices[client].contacts.values().copied().collect();
        let with = match self.known_group(client) {
            Some(group) if self.dice.chance(4_000) => Conversation::Group(group),
            _ if self.dice.chance(1_000) => Conversation::Account(own),
            _ => Conversation::Account(*known.get(self.dice.index(known.len()))?),
        };
        Some(match self.dice.below(20) {
            0 | 1 => {
                let seconds = if self.dice.chance(2_000) { 0 } else { self.draw_lifetime() };
                Command::Act { with, target: None, deed: Deed::Lifetime(seconds) }
            }
            2 => {
                let value = Some(self.draw_lifetime().to_string());
                Command::SetSetting { key: LIFETIME_SETTING.into(), value }
            }
            3..=9 => Command::Send { to: with, post: Box::new(self.draw_post(client, with)) },
            10 => {
                let message = self.draw_message(client, with, |_| true)?;
                let to = Conversation::Account(*known.get(self.dice.index(known.len()))?);
                Command::Forward { message: message.key, to: vec![to] }
            }
            11 => {
                let message = self.draw_message(client, with, |_| true)?.key;
                Command::SetStarred { message, starred: self.dice.chance(7_000) }
            }
            _ => self.draw_deed_of_a_kind(client, with)?,
        })
    }

    fn draw_lifetime(&mut self) -> u32 {
        let drawn = LIFETIMES_S.get(self.dice.index(LIFETIMES_S.len())).copied().unwrap_or_default();
        drawn.min(self.plan.lifetime_s)
    }

    /// What can be written beside plain texts.
    fn draw_post(&mut self, client: usize, with: Conversation) -> Post {
        let mut post = Post::plain(self.oracle.new_text(10));
        if self.dice.chance(5_000) {
            post.lifetime_s = self.draw_lifetime();
        }
        let options = || ["one", "two", "three"].map(String::from).to_vec();
        match self.dice.below(6) {
            0 | 1 => post.once = true,
            2 => {
                post.card =
                    Some(Box::new(Card::Poll { options: options(), several: self.dice.chance(5_000) }))
            }
            3 => {
                let (starts_at_ms, ends_at_ms) = (self.device_time(client).0, 0);
                post.card = Some(Box::new(Card::Event { starts_at_ms, ends_at_ms, place: "there".into() }));
            }
            4 => post.card = Some(Box::new(Card::Place(self.draw_place()))),
            _ => {
                let quoted = self.draw_message(client, with, |_| true).map(|message| message.key);
                let quote = quoted.map(|key| Quote {
                    message: (key.from, key.id),
                    text: String::new(),
                    attachments: Vec::new(),
                });
                post.quote = quote.map(Box::new);
            }
        }
        post
    }

    fn draw_place(&mut self) -> Place {
        let latitude_e7 = i32::try_from(self.dice.below(1_000)).unwrap_or_default();
        Place { latitude_e7, longitude_e7: 0, accuracy_m: 5, name: String::new(), live_s: 3_600 }
    }

    /// One of the last messages that are such.
    fn draw_message(
        &mut self,
        client: usize,
        with: Conversation,
        is_meant: impl Fn(&Message) -> bool,
    ) -> Option<Message> {
        let recent = self.devices[client].db.history(with, u64::MAX, RECENT).unwrap_or_default();
        let readable = |message: &Message| matches!(message.body, Body::Post(_)) && is_meant(message);
        let mut meant: Vec<Message> = recent.into_iter().filter(readable).collect();
        let index = self.dice.index(meant.len());
        (index < meant.len()).then(|| meant.swap_remove(index))
    }

    /// What only some kinds of messages have done to them.
    fn draw_deed_of_a_kind(&mut self, client: usize, with: Conversation) -> Option<Command> {
        let is_special = |message: &Message| match &message.body {
            Body::Post(post) if post.once => message.direction == Direction::Incoming,
            Body::Post(post) => post.card.is_some() || post.lifetime_s > 0,
            _ => false,
        };
        let message = self.draw_message(client, with, is_special)?;
        let Body::Post(post) = &message.body else { return None };
        let deed = match post.card.as_deref() {
            _ if post.once => Deed::Opened,
            _ if post.lifetime_s > 0 && self.dice.chance(5_000) => {
                self.oracle.may_be_kept(message.key, client);
                Deed::Keep(self.dice.chance(7_500))
            }
            Some(Card::Poll { options, .. }) => {
                Deed::Vote(vec![u8::try_from(self.dice.index(options.len())).unwrap_or_default()])
            }
            Some(Card::Event { .. }) => {
                let answers = [Answer::None, Answer::Yes, Answer::No, Answer::Perhaps];
                Deed::Answer(answers.get(self.dice.index(answers.len())).copied().unwrap_or(Answer::Yes))
            }
            Some(Card::Place(_)) => Deed::Live(self.draw_place()),
            _ => Deed::React("🕯".into()),
        };
        Some(Command::Act { with, target: Some(message.key), deed })
    }
}
