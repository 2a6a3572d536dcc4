//! What people do about messages.

use waxwing_client::post::{Deed, Post};
use waxwing_client::{Body, Command, Conversation, Read as _};
use waxwing_wire::AccountId;

use crate::event::{Act, Event};
use crate::world::World;

/// Messages that somebody looks back at.
const RECENT: usize = 12;

impl World {
    pub(super) fn schedule_deeds(&mut self) {
        for _ in 0..self.plan.deeds {
            let person = self.dice.index(self.plan.honest_people());
            let client = self.device_of(person);
            let at = self.dice.between(8_000, self.plan.chaos_ms);
            self.schedule(at, Event::Act { client, act: Act::Do { tried: 0 } });
        }
    }

    pub(super) fn do_something(&mut self, client: usize, tried: u32) {
        let drawn = self.draw_deed(client);
        self.command_or_again(client, drawn, Act::Do { tried }, tried);
    }

    fn draw_deed(&mut self, client: usize) -> Option<Command> {
        let own = self.oracle.address(client)?.account;
        let known: Vec<_> = self.devices[client].contacts.values().copied().collect();
        let with = match self.known_group(client) {
            Some(group) if self.dice.chance(5_000) => Conversation::Group(group),
            _ => Conversation::Account(*known.get(self.dice.index(known.len()))?),
        };
        let recent = self.devices[client].db.history(with, u64::MAX, RECENT).unwrap_or_default();
        let texts: Vec<_> = recent.iter().filter(|message| matches!(message.body, Body::Post(_))).collect();
        let message = texts.get(self.dice.index(texts.len())).map(|message| message.key)?;
        let deed = match self.dice.below(10) {
            0 => Deed::React(String::new()),
            1 | 2 => Deed::React("👍".into()),
            3 => Deed::React("❤️".into()),
            4..=6 => {
                let text = self.oracle.new_text(20);
                self.oracle.is_said_otherwise(message, own, &text);
                Deed::Edit(Box::new(Post::plain(text)))
            }
            7 => {
                let admin = self.is_admin(client, with, own);
                self.oracle.may_be_deleted(message, own, admin);
                Deed::Delete
            }
            8 => Deed::Pin(self.dice.below(3)),
            _ => {
                self.oracle.may_be_kept(message, client);
                Deed::Keep(self.dice.chance(5_000))
            }
        };
        Some(Command::Act { with, target: Some(message), deed })
    }

    fn is_admin(&self, client: usize, with: Conversation, own: AccountId) -> bool {
        let Conversation::Group(group) = with else { return false };
        let state = self.devices[client].group(group).map(|group| group.state);
        state.is_some_and(|state| state.member(own).is_some_and(|member| member.admin))
    }
}
