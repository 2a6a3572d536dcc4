//! Whom people know, and what they do with that: what they show for a day, lists to which they write, and who may bring
//! them into groups.

use std::collections::BTreeSet;

use waxwing_client::post::{Deed, Post};
use waxwing_client::{
    Audience, Body, BroadcastList, Command, Conversation, Direction, MessageKey, Read as _, Setting,
};
use waxwing_wire::AccountId;

use crate::event::{Act, Event};
use crate::world::World;

impl World {
    pub(super) fn schedule_circles(&mut self) {
        for _ in 0..self.plan.circles {
            let person = self.dice.index(self.plan.honest_people());
            let client = self.device_of(person);
            let at = self.dice.between(5_000, self.plan.chaos_ms);
            self.schedule(at, Event::Act { client, act: Act::Circle { tried: 0 } });
        }
    }

    pub(super) fn something_among_friends(&mut self, client: usize, tried: u32) {
        let drawn = self.draw_circle(client);
        self.command_or_again(client, drawn, Act::Circle { tried }, tried);
    }

    fn draw_circle(&mut self, client: usize) -> Option<Command> {
        let own = self.oracle.address(client)?.account;
        let known: Vec<AccountId> = self.devices[client].contacts.values().copied().collect();
        let friend = *known.get(self.dice.index(known.len()))?;
        Some(match self.dice.below(20) {
            0..=6 => {
                let text = self.oracle.new_text(10);
                let audience = self.audience_of(client, own);
                self.oracle.is_going_to_be_shown(&text, audience);
                let post = Box::new(Post::plain(text));
                Command::Show { post }
            }
            7 | 8 => {
                let message = self.draw_status(client, own)?;
                self.oracle.may_be_shown_no_more(message);
                let with = Conversation::Status(own);
                Command::Act { with, target: Some(message), deed: Deed::Delete }
            }
            9..=11 => {
                let target = Some(self.draw_status(client, friend)?);
                let deed = Deed::React(if self.dice.chance(7_500) { "🔥".into() } else { String::new() });
                Command::Act { with: Conversation::Status(friend), target, deed }
            }
            12..=14 => {
                let with = Conversation::Status(friend);
                let shown = self.devices[client].db.history(with, u64::MAX, 50).unwrap_or_default();
                let up_to = shown.first()?.order;
                for message in shown.iter().filter(|message| message.direction == Direction::Incoming) {
                    self.oracle.is_looked_at(message.key, client);
                }
                Command::MarkRead { with, up_to }
            }
            15 | 16 => {
                let some = self.some_of(&known);
                let audience = match self.dice.below(3) {
                    0 => Audience::Contacts,
                    1 => Audience::ContactsExcept(some),
                    _ => Audience::Only(some),
                };
                Command::SetPrivacy { setting: Setting::Status, audience }
            }
            17 => {
                let audiences = [Audience::Everyone, Audience::Contacts, Audience::Nobody];
                let drawn = audiences.get(self.dice.index(audiences.len())).cloned();
                Command::SetPrivacy {
                    setting: Setting::Groups,
                    audience: drawn.unwrap_or(Audience::Everyone),
                }
            }
            18 => {
                let groups = self.devices[client].groups();
                let asked = groups.into_iter().find(|group| group.asked_by.is_some())?;
                Command::AcceptGroup { group: asked.state.group }
            }
            _ => {
                let lists = self.devices[client].lists();
                match lists.get(self.dice.index(lists.len())) {
                    Some(list) if self.dice.chance(7_500) => {
                        let post = Box::new(Post::plain(self.oracle.new_text(10)));
                        Command::SendToList { list: list.id, post }
                    }
                    Some(list) if self.dice.chance(3_000) => Command::DeleteList { list: list.id },
                    _ => {
                        let number = u8::try_from(self.dice.below(3)).unwrap_or_default();
                        let list = BroadcastList {
                            id: [number; 16],
                            name: format!("{}{number}", super::CANARY),
                            members: self.some_of(&known),
                        };
                        Command::SetList { list }
                    }
                }
            }
        })
    }

    /// One or more of them.
    fn some_of(&mut self, known: &[AccountId]) -> Vec<AccountId> {
        let first = self.dice.index(known.len());
        let others: Vec<AccountId> = known.iter().copied().filter(|_| self.dice.chance(5_000)).collect();
        let mut some: Vec<AccountId> = known.get(first).copied().into_iter().chain(others).collect();
        some.sort();
        some.dedup();
        some
    }

    /// One of what somebody shows, as it stands on a device.
    fn draw_status(&mut self, client: usize, author: AccountId) -> Option<MessageKey> {
        let with = Conversation::Status(author);
        let mut shown = self.devices[client].db.history(with, u64::MAX, 20).ok()?;
        shown.retain(|message| matches!(message.body, Body::Post(_)));
        shown.get(self.dice.index(shown.len())).map(|message| message.key)
    }

    /// For whom something that is shown now is, by what the user sees of their settings.
    fn audience_of(&self, client: usize, own: AccountId) -> Vec<AccountId> {
        let device = &self.devices[client];
        let Some(core) = &device.client else { return Vec::new() };
        let is_contact = |account: &AccountId| core.is_contact(&device.db, *account).unwrap_or_default();
        let status = core.privacy(&device.db).map(|privacy| privacy.status).unwrap_or(Audience::Nobody);
        let peers = core.peers(&device.db).unwrap_or_default();
        // A contact may be known from another own device alone, or be there without anybody having heard so.
        let all: BTreeSet<AccountId> =
            self.oracle.accounts().chain(peers.into_iter().map(|peer| peer.account)).collect();
        let all = all.into_iter().filter(|account| *account != own);
        match status {
            Audience::Only(accounts) => all.filter(|account| accounts.contains(account)).collect(),
            Audience::ContactsExcept(accounts) => {
                all.filter(is_contact).filter(|account| !accounts.contains(account)).collect()
            }
            _ => all.filter(is_contact).collect(),
        }
    }
}
