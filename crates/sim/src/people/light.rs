//! What people let others see of themselves in passing.

use waxwing_client::{Activity, Command, Composing, Conversation};
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::light::Light;

use crate::event::{Act, Event};
use crate::world::World;

/// In ten thousand: somebody's program is a modified one, and floods the others.
const FLOODS: u32 = 600;
/// Frames of a flood, as full as frames can be.
const FLOOD_FRAMES: usize = 5;

impl World {
    pub(super) fn schedule_light(&mut self) {
        for _ in 0..self.plan.light {
            let person = self.dice.index(self.plan.honest_people());
            let client = self.device_of(person);
            let at = self.dice.between(8_000, self.plan.chaos_ms);
            self.schedule(at, Event::Act { client, act: Act::Light });
        }
    }

    pub(super) fn something_light(&mut self, client: usize) {
        let known: Vec<_> = self.devices[client].contacts.values().copied().collect();
        let with = match self.known_group(client) {
            Some(group) if self.dice.chance(4_000) => Some(Conversation::Group(group)),
            _ => known.get(self.dice.index(known.len().max(1))).copied().map(Conversation::Account),
        };
        match (self.dice.below(10), with) {
            (0..=2, _) => {
                let activity = match self.dice.below(4) {
                    0 => Activity::Away,
                    1 => Activity::Listening,
                    _ => Activity::Active,
                };
                self.oracle.is_active(client, activity);
                self.command(client, Command::SetActivity(activity), None);
            }
            (3, _) => self.command(client, Command::WatchPresence(known.into_iter().collect()), None),
            (_, Some(with)) if self.dice.chance(FLOODS) => self.flood_lightly(client, with),
            (_, Some(with)) => {
                let what = match self.dice.below(4) {
                    0 => Composing::Stopped,
                    1 => Composing::Recording,
                    _ => Composing::Typing,
                };
                self.oracle.composes(client, with);
                self.command(client, Command::Compose { with, what }, None);
            }
            (_, None) => {}
        }
    }

    /// As a modified program might: nobody can read any of it.
    fn flood_lightly(&mut self, client: usize, to: Conversation) {
        if self.healed || !self.devices[client].is_online() {
            return;
        }
        for _ in 0..FLOOD_FRAMES {
            let lights = vec![Light { to, sealed: vec![0x5e; 60].into() }; 64];
            self.device_says(client, ClientFrame { lights, ..ClientFrame::default() });
        }
    }
}
