//! What a relay knows of groups, and what stories ask about them.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::content::Conversation;
use waxwing_wire::group::{
    Action, GroupId, GroupKind, GroupToken, GroupView, Member, MemberView, PublicChange, member_digest,
    view_digest,
};
use waxwing_wire::server_frame::{DeviceMismatch, Envelope, GroupEnvelope, Item, Refused, ResponseBody};
use waxwing_wire::{AccountId, DeviceAddress, EnvelopeKind, MessageId, Reject, RejectCode};

use super::relay::Relay;
use super::world::World;
use crate::{Body, Command, CommandId, Delivery, Direction, Event, Failure, Group, Message, Notice};

/// What becomes of an envelope on its way to a device.
pub type Tamper = Box<dyn FnMut(DeviceAddress, Envelope) -> Vec<Envelope>>;

#[derive(Default)]
pub struct GroupRelay {
    pub groups: BTreeMap<GroupId, Known>,
    seen: BTreeSet<(DeviceAddress, MessageId, u32)>,
    pub sends: Vec<(DeviceAddress, GroupSend)>,
    pub tamper: Option<Tamper>,
    /// Members whom only the server knows of.
    pub planted: Vec<AccountId>,
    /// Of this member the server insists on devices that nobody has.
    pub false_digest: Option<AccountId>,
    /// Times that somebody asked how far a group is.
    pub epoch_fetches: usize,
}

#[derive(Default, Clone)]
pub struct Known {
    pub epoch: u64,
    /// And whether they are admins.
    pub members: BTreeMap<AccountId, bool>,
    members_add: bool,
    link: Option<[u8; 32]>,
    taken: Vec<(DeviceAddress, MessageId)>,
}

impl Known {
    pub fn forget_taken(&mut self) {
        self.taken.clear();
    }

    fn change(&mut self, by: AccountId, change: &PublicChange) -> Result<(), RejectCode> {
        let admin = self.epoch == 0 || self.members.get(&by).copied().unwrap_or(false);
        let others = change.remove.iter().any(|account| *account != by);
        let standing = !change.promote.is_empty() || !change.demote.is_empty();
        let settings = (change.members_add, change.link) != (self.members_add, self.link);
        let adds = !change.add.is_empty() && !self.members_add;
        if !admin && (others || standing || settings || adds) {
            return Err(RejectCode::NotAllowed);
        }
        for account in &change.add {
            if self.members.insert(*account, false).is_some() {
                return Err(RejectCode::Malformed);
            }
        }
        for (accounts, admin) in [(&change.promote, true), (&change.demote, false)] {
            for account in accounts {
                *self.members.get_mut(account).ok_or(RejectCode::Malformed)? = admin;
            }
        }
        for account in &change.remove {
            self.members.remove(account).ok_or(RejectCode::Malformed)?;
        }
        (self.members_add, self.link) = (change.members_add, change.link);
        self.epoch += 1;
        Ok(())
    }
}

impl Relay {
    pub fn group_send(&mut self, from: DeviceAddress, send: &GroupSend) -> Result<(), Box<Refused>> {
        self.groups.sends.push((from, send.clone()));
        let sender = self.devices.get_mut(&from).unwrap();
        sender.received_in_lease = sender.received_in_lease.map(|n| n + 1);
        let refused = |code, group| {
            let (reject, mismatch) = (Reject::new(code, "groups"), DeviceMismatch::default());
            Box::new(Refused { id: send.id, reject, mismatch, group, files_gone: Vec::new() })
        };
        let mut known = self.groups.groups.get(&send.group).cloned().unwrap_or_default();
        if known.taken.contains(&(from, send.id)) {
            return Ok(());
        }
        if known.epoch == 0 && (send.change.is_none() || send.epoch != 0) {
            return Err(refused(RejectCode::UnknownGroup, None));
        }
        if known.epoch > 0 && !known.members.contains_key(&from.account) {
            return Err(refused(RejectCode::UnknownGroup, None));
        }
        let view = self.view(&known);
        let digests = view.members.iter().map(|member| (member.account, member.digest));
        let differs = send.change.is_none() && view_digest(digests) != send.view;
        if send.epoch != known.epoch || differs {
            return Err(refused(RejectCode::GroupMismatch, Some(view)));
        }
        let mut audience: BTreeSet<AccountId> = view.members.iter().map(|member| member.account).collect();
        if let Some(change) = &send.change {
            audience.insert(from.account);
            known.change(from.account, change).map_err(|code| refused(code, None))?;
            known.taken.push((from, send.id));
        }
        let epoch = known.epoch;
        self.groups.groups.insert(send.group, known);
        for account in audience {
            for device in self.there(account).into_keys() {
                self.bring(from, DeviceAddress { account, device }, send, epoch);
            }
        }
        Ok(())
    }

    fn bring(&mut self, from: DeviceAddress, to: DeviceAddress, send: &GroupSend, epoch: u64) {
        if to == from || !self.groups.seen.insert((to, send.id, send.attempt)) {
            return;
        }
        let envelope = Envelope {
            from,
            id: send.id,
            kind: EnvelopeKind::SenderKey,
            ciphertext: send.ciphertext.clone(),
            accepted_at_ms: self.now,
            silent: send.silent,
            group: Some(GroupEnvelope { group: send.group, epoch, change: send.change.clone() }),
        };
        let brought = match self.groups.tamper.as_mut() {
            Some(tamper) => tamper(to, envelope),
            None => vec![envelope],
        };
        for envelope in brought {
            self.put(to, Item::Envelope(envelope));
        }
    }

    fn view(&self, known: &Known) -> GroupView {
        let accounts: BTreeSet<AccountId> =
            known.members.keys().chain(&self.groups.planted).copied().collect();
        let member = |account: AccountId| {
            let version = self.lists[&account].decode_list().unwrap().version;
            let mut digest = member_digest(version, self.there(account));
            if self.groups.false_digest == Some(account) {
                digest = [9; 8];
            }
            MemberView { account, digest, admin: known.members.get(&account).copied().unwrap_or(false) }
        };
        GroupView { epoch: known.epoch, members: accounts.into_iter().map(member).collect() }
    }

    pub fn find_group(&self, group: GroupId, token: GroupToken) -> ResponseBody {
        match self.groups.groups.get(&group).filter(|known| known.link == Some(token.hash())) {
            Some(known) => {
                let admins = known.members.iter().filter(|(_, admin)| **admin);
                ResponseBody::GroupFound(admins.map(|(account, _)| *account).collect())
            }
            None => ResponseBody::Reject(Reject::new(RejectCode::UnknownGroup, "no such link")),
        }
    }

    pub fn group_epoch(&mut self, asker: AccountId, group: GroupId) -> ResponseBody {
        self.groups.epoch_fetches += 1;
        match self.groups.groups.get(&group).filter(|known| known.members.contains_key(&asker)) {
            Some(known) => ResponseBody::GroupEpoch(known.epoch),
            None => ResponseBody::Reject(Reject::new(RejectCode::UnknownGroup, "no member")),
        }
    }
}

impl World {
    /// People who know each other, each with one device of the same name.
    pub fn friends(names: &[&'static str]) -> Self {
        let mut world = Self::with(names);
        for one in names {
            for other in names.iter().filter(|other| *other != one) {
                world.befriend(one, other);
            }
        }
        world
    }

    /// Makes a group and waits until everybody has it.
    pub fn found(&mut self, maker: &'static str, members: &[&str]) -> GroupId {
        let members = members.iter().map(|name| self.account(name)).collect();
        let command = Command::CreateGroup { name: "hikers".into(), kind: GroupKind::Group, members };
        self.take_events(maker);
        let id = self.command(maker, command);
        self.settle();
        let events = self.take_events(maker);
        assert!(events.iter().any(|event| matches!(event, Event::Done { command, .. } if *command == id)));
        let group = events.into_iter().find_map(|event| match event {
            Event::Group(group) => Some(group),
            _ => None,
        });
        group.expect("it is named")
    }

    pub fn say(&mut self, who: &'static str, group: GroupId, text: &str) -> CommandId {
        self.command(who, Command::text(Conversation::Group(group), text))
    }

    pub fn said(&mut self, who: &'static str, group: GroupId, text: &str) {
        self.say(who, group, text);
        self.settle();
    }

    pub fn change(&mut self, who: &'static str, group: GroupId, actions: Vec<Action>) -> CommandId {
        self.command(who, Command::ChangeGroup { group, actions })
    }

    /// Changes and waits; why it did not come about, if it did not.
    pub fn changed(&mut self, who: &'static str, group: GroupId, action: Action) -> Option<Failure> {
        let id = self.change(who, group, vec![action]);
        self.settle();
        self.answer(who, id)
    }

    /// The one answer to a command.
    pub fn answer(&mut self, who: &'static str, id: CommandId) -> Option<Failure> {
        let answers = self.take_events(who).into_iter().filter_map(|event| match event {
            Event::Done { command, .. } if command == id => Some(None),
            Event::Failed { command, failure } if command == id => Some(Some(failure)),
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!(answers.len(), 1, "each command is answered exactly once");
        answers.into_iter().next().unwrap()
    }

    pub fn add(&self, name: &str) -> Action {
        Action::Add(Member { account: self.account(name), admin: false })
    }

    pub fn group(&self, who: &str, group: GroupId) -> Group {
        let user = &self.users[who];
        user.client.group(&user.db, group).unwrap().expect("the group is known")
    }

    pub fn knows(&self, who: &str, group: GroupId) -> bool {
        let user = &self.users[who];
        user.client.group(&user.db, group).unwrap().is_some()
    }

    /// Everybody holds the same state, and the server's members are its members.
    pub fn assert_agreed(&self, group: GroupId, names: &[&str]) {
        let first = self.group(names[0], group).state;
        for name in names {
            let state = self.group(name, group).state;
            assert_eq!(state.epoch, first.epoch, "{name} is as far as {}", names[0]);
            assert!(state.hash() == first.hash(), "{name} and {} agree", names[0]);
        }
        let known = &self.relay.groups.groups[&group];
        assert_eq!(known.epoch, first.epoch);
        let members: Vec<_> = first.members.iter().map(|member| (member.account, member.admin)).collect();
        assert_eq!(
            members,
            known.members.iter().map(|(account, admin)| (*account, *admin)).collect::<Vec<_>>()
        );
    }

    pub fn messages(&self, who: &str, group: GroupId) -> Vec<Message> {
        let with = Conversation::Group(group);
        let mut messages: Vec<_> =
            self.users[who].db.messages().filter(|message| message.with == with).cloned().collect();
        messages.sort_by_key(|message| message.order);
        messages
    }

    /// What others have said, as this device shows it.
    pub fn hears(&self, who: &str, group: GroupId) -> Vec<String> {
        let incoming = self.messages(who, group).into_iter();
        let incoming = incoming.filter(|message| message.direction == Direction::Incoming);
        incoming.filter_map(|message| shown(&message)).collect()
    }

    /// What the own account has said, with its ticks.
    pub fn wrote(&self, who: &str, group: GroupId) -> Vec<String> {
        let outgoing = self.messages(who, group).into_iter();
        let outgoing = outgoing.filter(|message| message.direction == Direction::Outgoing);
        let line = |message: Message| {
            let tick = match message.delivery {
                Delivery::Pending => "⌛",
                Delivery::Sent => "✓",
                Delivery::Delivered => "✓✓",
                Delivery::Read => "✓✓✓",
                Delivery::Failed => "✗",
            };
            shown(&message).map(|text| format!("{text} {tick}"))
        };
        outgoing.filter_map(line).collect()
    }

    /// Kinds of what happened, in order.
    pub fn notices(&self, who: &str, group: GroupId) -> Vec<&'static str> {
        let kind = |message: Message| match message.body {
            Body::Notice(Notice::GroupChanged(_)) => Some("changed"),
            Body::Notice(Notice::Joined(_)) => Some("joined"),
            Body::Notice(Notice::GroupForked(_)) => Some("forked"),
            Body::Notice(Notice::ServerDisagrees(_)) => Some("server"),
            Body::Notice(_) => Some("other"),
            _ => None,
        };
        self.messages(who, group).into_iter().filter_map(kind).collect()
    }

    pub fn read_group(&mut self, who: &'static str, group: GroupId) {
        self.command(who, Command::MarkRead { with: Conversation::Group(group), up_to: u64::MAX });
        self.settle();
    }

    /// Nothing but the groups' own traffic is seen by a closure on its way to devices.
    pub fn tamper(&mut self, tamper: impl FnMut(DeviceAddress, Envelope) -> Vec<Envelope> + 'static) {
        self.relay.groups.tamper = Some(Box::new(tamper));
    }

    pub fn device(&self, name: &str) -> DeviceAddress {
        self.users[name].client.address().unwrap()
    }
}

fn shown(message: &Message) -> Option<String> {
    match &message.body {
        Body::Post(post) => Some(post.text.clone()),
        Body::Waiting => Some("…".into()),
        Body::Lost => Some("lost".into()),
        Body::Unknown => Some("?".into()),
        Body::Notice(_) => None,
        Body::Deleted | Body::Opened => Some("gone".into()),
    }
}
