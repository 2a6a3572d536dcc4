//! Several devices of one person: linking, removing, and what is the same on all of them.

use waxwing_client::{ChatChange, Command, Conversation, MessageKey, Read as _, Time};
use waxwing_wire::devices::{HistoryRange, LinkCode};

use crate::device::Stage;
use crate::event::{Act, Event};
use crate::world::{World, note};

/// People link a device that they have lost within this time, or not at all, milliseconds.
const TYPING_MS: (u64, u64) = (500, 20_000);

impl World {
    /// Numbers of a person's devices, whether they are linked or not; the first one is the person's own.
    pub(crate) fn slots(&self, person: usize) -> Vec<usize> {
        let all = self.devices.iter();
        all.filter(|device| device.person == person).map(|device| device.number).collect()
    }

    /// Devices come early or late; some go again.
    pub(super) fn schedule_devices(&mut self) {
        for client in self.plan.clients..self.devices.count() {
            let late = self.dice.chance(5_000);
            let last = if late { self.plan.chaos_ms } else { 15_000 };
            let at = self.dice.between(3_500, last);
            self.schedule(at, Event::Act { client, act: Act::Link { tried: 0 } });
            if self.dice.chance(2_500) && at + 5_000 < self.plan.chaos_ms {
                let at = self.dice.between(at + 5_000, self.plan.chaos_ms);
                let person = self.devices[client].person;
                let by = self.device_of(person);
                let act = Act::Unlink { companion: client, tried: 0 };
                self.schedule(at, Event::Act { client: by, act });
            }
        }
        for _ in 0..self.plan.settings_made {
            let person = self.dice.index(self.plan.honest_people());
            let client = self.device_of(person);
            let at = self.dice.between(6_000, self.plan.chaos_ms);
            self.schedule(at, Event::Act { client, act: Act::Set { tried: 0 } });
        }
    }

    // ------------------------------------------------------------ linking

    /// A new device offers itself.
    pub(super) fn offer(&mut self, client: usize, tried: u32) {
        match self.devices[client].stage {
            Stage::Absent if !self.oracle.is_registered(self.devices[client].person) => {
                return self.again(client, Act::Link { tried }, 0);
            }
            Stage::Absent => {
                self.devices[client].stage = Stage::Offering;
                self.devices[client].wants_online = true;
                let life = self.devices[client].life();
                self.start_device(client, life);
            }
            Stage::Offering => {}
            Stage::Linked | Stage::Removed => return,
        }
        if self.devices[client].client.is_none() {
            return self.again(client, Act::Link { tried }, 0);
        }
        let name = format!("device {client}");
        self.command(client, Command::OfferLink { name }, Some(Act::Link { tried }));
    }

    pub(super) fn code_shown(&mut self, client: usize, code: LinkCode) {
        self.devices[client].code = Some(code);
        let at = self.now + self.dice.skewed(TYPING_MS.0, TYPING_MS.1);
        let primary = self.devices[client].person;
        self.schedule(at, Event::Act { client: primary, act: Act::Approve { companion: client } });
    }

    pub(super) fn approve(&mut self, client: usize, companion: usize) {
        if self.devices[companion].stage != Stage::Offering {
            return;
        }
        let Some(mut code) = self.devices[companion].code.clone() else { return };
        if self.dice.chance(5_000) {
            // Scanned rather than typed.
            code.identity = self.devices[companion].client.as_ref().map(waxwing_client::Client::identity);
        }
        let ranges = [HistoryRange::None, HistoryRange::Month, HistoryRange::Year, HistoryRange::All];
        let history = ranges.get(self.dice.index(ranges.len())).copied().unwrap_or(HistoryRange::All);
        note!(self, "c{client} approves c{companion} with {history:?}");
        self.oracle.history_is_granted(companion, history);
        self.command(client, Command::ApproveLink { code, history }, Some(Act::Approve { companion }));
    }

    pub(super) fn linked(&mut self, client: usize) {
        if self.devices[client].stage == Stage::Offering {
            note!(self, "c{client} is a device of person {}", self.devices[client].person);
            self.devices[client].stage = Stage::Linked;
            self.devices[client].code = None;
        }
    }

    pub(super) fn unlink(&mut self, client: usize, companion: usize, tried: u32) {
        if self.devices[companion].stage == Stage::Removed {
            return;
        }
        let Some(address) = self.oracle.address(companion) else {
            if !self.healed {
                self.again(client, Act::Unlink { companion, tried }, 0);
            }
            return;
        };
        note!(self, "c{client} removes c{companion}");
        let command = Command::RemoveDevice { device: address.device };
        self.command(client, command, Some(Act::Unlink { companion, tried }));
    }

    /// A device is told that it is not the account's any more.
    pub(super) fn removed(&mut self, client: usize) {
        note!(self, "c{client} is told that it was removed");
        self.oracle.device_is_told_of_its_removal(client);
        self.devices[client].stage = Stage::Removed;
        self.devices[client].wants_online = false;
    }

    // ------------------------------------------------------------ state

    pub(super) fn set(&mut self, client: usize, tried: u32) {
        let drawn = self.draw_setting(client);
        self.command_or_again(client, drawn, Act::Set { tried }, tried);
    }

    /// What somebody sets; `None` when there is nothing to set anything for.
    fn draw_setting(&mut self, client: usize) -> Option<Command> {
        let known: Vec<_> = self.devices[client].contacts.values().copied().collect();
        let account = *known.get(self.dice.index(known.len()))?;
        let conversation = match self.known_group(client) {
            Some(group) if self.dice.chance(4_000) => Conversation::Group(group),
            _ => Conversation::Account(account),
        };
        let is = self.dice.chance(6_000);
        let chat = |change| Command::SetChat { conversation, change };
        Some(match self.dice.below(10) {
            0 => chat(ChatChange::Archived(is)),
            1 => chat(ChatChange::Pinned(is)),
            2 => chat(ChatChange::MutedUntil(if is { u64::MAX } else { 0 })),
            3 if self.dice.chance(2_500) => {
                // What is there counts as sent by now, whatever its sender's clock said.
                let here =
                    self.devices[client].db.history(conversation, u64::MAX, usize::MAX).unwrap_or_default();
                let newest = here.iter().map(|message| message.sent_at_ms).max().unwrap_or(0);
                let up_to = Time(self.device_time(client).0.max(newest));
                self.oracle.conversation_is_cleared(self.devices[client].person, conversation, up_to);
                chat(ChatChange::Cleared)
            }
            3 | 4 => {
                let name =
                    if is { format!("{}{}", super::CANARY, self.dice.below(1_000)) } else { String::new() };
                Command::SetContactName { account, name }
            }
            5 | 6 => Command::SetStarred { message: self.some_message(client, conversation)?, starred: is },
            7 => {
                let message = self.some_message(client, conversation)?;
                self.oracle.message_is_deleted(self.devices[client].person, message);
                Command::DeleteMessages { messages: vec![message] }
            }
            _ => {
                let key = format!("key{}", self.dice.below(4));
                let value = is.then(|| format!("{}{}", super::CANARY, self.dice.below(1_000)));
                Command::SetSetting { key, value }
            }
        })
    }

    fn some_message(&mut self, client: usize, with: Conversation) -> Option<MessageKey> {
        let history = self.devices[client].db.history(with, u64::MAX, 20).ok()?;
        history.get(self.dice.index(history.len())).map(|message| message.key)
    }
}
