//! Groups: making, changing, writing, joining.

use waxwing_client::{Command, Conversation};
use waxwing_wire::group::{Action, GroupKind, GroupLink, LinkedGroup, Member};
use waxwing_wire::{AccountId, GroupId};

use super::CANARY;
use crate::event::{Act, Event, GroupAct};
use crate::world::{World, note};

/// People make groups once they have accounts, milliseconds.
const FROM_MS: u64 = 5_000;

impl World {
    pub(super) fn schedule_groups(&mut self) {
        for (group, plan) in self.plan.groups.clone().into_iter().enumerate() {
            let begin = self.dice.between(FROM_MS, FROM_MS + 15_000);
            let act = Act::Group { group, what: GroupAct::Make, tried: 0 };
            self.schedule(begin, Event::Act { client: plan.maker, act });
            let everybody: Vec<usize> = std::iter::once(plan.maker).chain(plan.members.clone()).collect();
            for _ in 0..plan.messages {
                let person = everybody.get(self.dice.index(everybody.len())).copied().unwrap_or(plan.maker);
                let client = self.device_of(person);
                let bytes = usize::try_from(self.dice.skewed(0, 300)).unwrap_or(0);
                let at = self.dice.between(begin + 1_000, self.plan.chaos_ms);
                self.group_at(at, client, group, GroupAct::Write(bytes));
                if self.dice.chance(4_000) {
                    let at = at + self.dice.skewed(500, 60_000);
                    let reader = everybody.get(self.dice.index(everybody.len())).copied();
                    let reader = self.device_of(reader.unwrap_or(plan.maker));
                    self.group_at(at, reader, group, GroupAct::Read);
                }
            }
            for _ in 0..plan.changes {
                self.schedule_change(group, plan.maker, begin);
            }
            if plan.community {
                let at = self.dice.between(begin + 2_000, self.plan.chaos_ms);
                self.group_at(at, plan.maker, group, GroupAct::Adopt);
            }
        }
    }

    fn group_at(&mut self, at: u64, client: usize, group: usize, what: GroupAct) {
        self.schedule(at, Event::Act { client, act: Act::Group { group, what, tried: 0 } });
    }

    fn schedule_change(&mut self, group: usize, maker: usize, begin: u64) {
        let at = self.dice.between(begin + 1_000, self.plan.chaos_ms);
        // The maker is an admin; others may become one.
        let anybody = self.dice.index(self.plan.honest_people());
        let by = if self.dice.chance(6_000) { maker } else { anybody };
        let by = self.device_of(by);
        let whom = self.dice.index(self.plan.honest_people());
        let what = match self.dice.below(14) {
            0..=3 => GroupAct::Add(whom),
            4 | 5 => GroupAct::Remove(whom),
            6 => GroupAct::Remove(self.devices[by].person),
            7 | 8 => GroupAct::Promote(whom),
            9 => GroupAct::Demote(whom),
            10 => GroupAct::Share(whom),
            11 | 12 => {
                let joiner = self.device_of(whom);
                let later = at + self.dice.skewed(2_000, 40_000);
                self.group_at(later, joiner, group, GroupAct::Join);
                let later = later + self.dice.skewed(2_000, 40_000);
                self.group_at(later, by, group, GroupAct::Answer);
                GroupAct::DrawLink
            }
            _ => GroupAct::Rename,
        };
        // Several at the same time: only one of them can be the next.
        let at = if self.dice.chance(3_000) { at - at % 10_000 } else { at };
        self.group_at(at.max(begin), by, group, what);
    }

    pub(super) fn group_act(&mut self, client: usize, number: usize, what: GroupAct, tried: u32) {
        let act = Act::Group { group: number, what, tried };
        if what == GroupAct::Make {
            return self.make(client, number, act);
        }
        let Some(group) = self.groups.get(&number).copied() else {
            return self.again(client, act, 0);
        };
        let account = |world: &Self, person| world.oracle.address(person).map(|address| address.account);
        let Some(own) = account(self, self.devices[client].person) else { return };
        let outside = matches!(what, GroupAct::Join | GroupAct::Read);
        if !outside && !self.oracle.is_member(group, own) {
            // Put out, or never in: nothing to be done here.
            return;
        }
        let change = |actions| Some(Command::ChangeGroup { group, actions });
        let whom = |world: &Self, person| account(world, person);
        let command = match what {
            GroupAct::Make => None,
            GroupAct::Write(bytes) => {
                let text = self.oracle.new_text(bytes);
                Some(Command::text(Conversation::Group(group), text))
            }
            GroupAct::Read => {
                // Nobody hears of the reading before that.
                if self.devices[client].group(group).is_some_and(|group| group.asked_by.is_some()) {
                    self.command(client, Command::AcceptGroup { group }, None);
                }
                self.read_some(client, Conversation::Group(group));
                None
            }
            GroupAct::Add(person) => match self.devices[client].contacts.get(&person) {
                Some(account) if !self.oracle.is_member(group, *account) => {
                    change(vec![Action::Add(Member { account: *account, admin: self.dice.chance(2_000) })])
                }
                Some(_) => None,
                None if person == self.devices[client].person => None,
                None => {
                    self.act(client, Act::Meet { peer: person });
                    if tried < 20 {
                        self.again(client, act, 0);
                    }
                    return;
                }
            },
            GroupAct::Remove(person) => whom(self, person).and_then(|who| change(vec![Action::Remove(who)])),
            GroupAct::Promote(person) => {
                whom(self, person).and_then(|who| change(vec![Action::Promote(who)]))
            }
            GroupAct::Demote(person) => whom(self, person).and_then(|who| change(vec![Action::Demote(who)])),
            GroupAct::Rename => {
                change(vec![Action::Name(format!("{CANARY}{}.{}", self.plan.seed, self.dice.below(1_000)))])
            }
            GroupAct::DrawLink => Some(Command::SetGroupLink { group, enabled: self.dice.chance(9_000) }),
            GroupAct::Join => self.group_link(number, group).map(|link| Command::JoinGroup { link }),
            GroupAct::Answer => self.answer(client, group),
            GroupAct::Share(person) => whom(self, person).map(|account| {
                self.oracle.history_is_shared(group, account);
                Command::ShareHistory { group, account, messages: 25 }
            }),
            GroupAct::Adopt => self.adopt(number, group),
        };
        if let Some(command) = command {
            self.command(client, command, Some(act));
        }
    }

    fn make(&mut self, client: usize, number: usize, act: Act) {
        let Some(plan) = self.plan.groups.get(number).cloned() else { return };
        if self.groups.contains_key(&number) {
            return;
        }
        let mut members: Vec<AccountId> = Vec::new();
        for person in &plan.members {
            match self.devices[client].contacts.get(person) {
                Some(account) => members.push(*account),
                None => self.act(client, Act::Meet { peer: *person }),
            }
        }
        if members.len() < plan.members.len() {
            return self.again(client, act, 0);
        }
        let kind = if plan.community { GroupKind::Community } else { GroupKind::Group };
        let name = format!("{CANARY}{}.group{number}", self.plan.seed);
        self.command(client, Command::CreateGroup { name, kind, members }, Some(act));
    }

    /// The command that makes a group is done; which group it is has been shown before.
    pub(super) fn made(&mut self, client: usize, number: usize) {
        let known: Vec<GroupId> = self.groups.values().copied().collect();
        let Some(account) = self.oracle.address(client).map(|address| address.account) else { return };
        if let Some(group) = self.oracle.group_of(account, &known) {
            note!(self, "c{client} has made group {number}");
            self.groups.entry(number).or_insert(group);
        }
    }

    pub(super) fn group_shown(&mut self, client: usize, group: GroupId) {
        if let Some(shown) = self.devices[client].group(group) {
            self.oracle.group_is_shown(client, &shown);
        }
    }

    /// Some group that a device knows of.
    pub(super) fn known_group(&mut self, client: usize) -> Option<GroupId> {
        let account = self.oracle.address(client)?.account;
        let mine: Vec<GroupId> =
            self.groups.values().copied().filter(|group| self.oracle.is_member(*group, account)).collect();
        mine.get(self.dice.index(mine.len())).copied()
    }

    /// The invitation link, as somebody in the group passes it on.
    fn group_link(&mut self, number: usize, group: GroupId) -> Option<GroupLink> {
        let maker = self.plan.groups.get(number)?.maker;
        let shown = self.devices[maker].group(group)?;
        shown.state.link.map(|token| GroupLink { group, token })
    }

    fn answer(&mut self, client: usize, group: GroupId) -> Option<Command> {
        let shown = self.devices[client].group(group)?;
        let account = shown.requests.first().copied()?;
        Some(Command::AnswerJoin { group, account, accept: true })
    }

    fn adopt(&mut self, number: usize, community: GroupId) -> Option<Command> {
        let child = self.groups.get(&number.checked_sub(1)?).copied()?;
        let linked = LinkedGroup { group: child, name: format!("{CANARY}child"), link: None };
        Some(Command::ChangeGroup { group: community, actions: vec![Action::LinkGroup(linked)] })
    }
}
