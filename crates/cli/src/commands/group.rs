//! Groups and communities.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use data_encoding::BASE64;
use waxwing_app::api::{
    Allowed, Command, Event, Group, GroupAction, GroupKind, LinkedGroup, Permissions as Rules,
};

use crate::arguments::{Audience, CommunityCommand, Global, Group as Arguments, GroupCommand};
use crate::arguments::{Permissions, Switch};
use crate::names::{brief_person, person_name};
use crate::output::{Error, Printer, fields, object};
use crate::session::Session;
use crate::text::{indented, one_line};
use crate::words::permissions_text;

/// What members take as a picture.
const MAX_PICTURE_BYTES: u64 = 8 * 1024;

pub fn group(global: &Global, arguments: &Arguments, printer: &mut Printer) -> Result<(), Error> {
    let session = Session::open_registered(global)?;
    let mut hand = Hand { session, printer };
    let Some(command) = &arguments.command else { return hand.list() };
    match command {
        GroupCommand::List => hand.list(),
        GroupCommand::Create { name, members, community } => hand.create(name, members, *community),
        GroupCommand::Show { group } => {
            let group = hand.session.known_group(group)?;
            hand.show(&group)
        }
        GroupCommand::Link { group, new, off } => hand.link(group, *new, *off),
        GroupCommand::Join { link } => hand.join(link),
        GroupCommand::Requests { group } => hand.requests(group.as_deref()),
        GroupCommand::Accept { group, member } => hand.answer(group, member, true),
        GroupCommand::Decline { group, member } => hand.answer(group, member, false),
        GroupCommand::ShareHistory { group, member, messages } => hand.share(group, member, *messages),
        GroupCommand::Community { command } => hand.community(command),
        GroupCommand::Permissions(permissions) => hand.permissions(permissions),
        GroupCommand::Leave { group } => hand.leave(group),
        change => hand.simple_change(change),
    }
}

/// An open profile and where its answers go.
struct Hand<'a> {
    session: Session,
    printer: &'a mut Printer,
}

impl Hand<'_> {
    fn list(&mut self) -> Result<(), Error> {
        let mut groups = self.session.groups()?;
        // `waxwing requests` has the others.
        groups.retain(|group| group.asked_by.is_none());
        if groups.is_empty() {
            self.printer.note("no groups; make one with `waxwing group create NAME MEMBER…`");
        }
        for group in &groups {
            self.printer.print(|| line(group), || fields("group", group))?;
        }
        Ok(())
    }

    fn show(&mut self, group: &Group) -> Result<(), Error> {
        self.printer.print(|| described(group), || fields("group", group))
    }

    /// Shows a group as it is now.
    fn show_again(&mut self, group: &str) -> Result<(), Error> {
        let group = self.session.known_group(group)?;
        self.show(&group)
    }

    fn ask(&mut self, command: Command) -> Result<(), Error> {
        self.session.app.send(Command::GoOnline);
        self.session.ask(command).map(drop)
    }

    fn change(&mut self, group: &Group, actions: Vec<GroupAction>) -> Result<(), Error> {
        self.ask(Command::ChangeGroup { group: group.group.clone(), actions })
    }

    fn create(&mut self, name: &str, members: &[String], community: bool) -> Result<(), Error> {
        let members = self.session.accounts(members)?;
        let kind = if community { GroupKind::Community } else { GroupKind::Group };
        let before = self.session.groups()?;
        self.ask(Command::CreateGroup { name: name.to_owned(), kind, members })?;
        let is_new = |group: &&str| !before.iter().any(|known| known.group == **group);
        let backlog = self.session.take_backlog();
        let told = backlog.iter().filter_map(|event| match event {
            Event::Group { group } => Some(group.as_str()),
            _ => None,
        });
        let made = told.into_iter().find(is_new).map(str::to_owned);
        self.session.settle();
        self.show_again(made.as_deref().unwrap_or(name))
    }

    fn simple_change(&mut self, command: &GroupCommand) -> Result<(), Error> {
        let (name, actions) = match command {
            GroupCommand::Rename { group, name } => (group, vec![GroupAction::Name { name: name.clone() }]),
            GroupCommand::Describe { group, text } => {
                (group, vec![GroupAction::Description { text: text.clone() }])
            }
            GroupCommand::Picture { group, file, .. } => {
                let picture = file.as_deref().map(picture).transpose()?.unwrap_or_default();
                (group, vec![GroupAction::Picture { picture }])
            }
            GroupCommand::Add { group, members, admin } => {
                let admin = *admin;
                (group, self.each(members, |account| GroupAction::Add { account, admin })?)
            }
            GroupCommand::Remove { group, members } => {
                (group, self.each(members, |account| GroupAction::Remove { account })?)
            }
            GroupCommand::Promote { group, members } => {
                (group, self.each(members, |account| GroupAction::Promote { account })?)
            }
            GroupCommand::Demote { group, members } => {
                (group, self.each(members, |account| GroupAction::Demote { account })?)
            }
            _ => return Err(Error::device("internal", "not a simple change; this is a bug")),
        };
        let group = self.session.known_group(name)?;
        self.change(&group, actions)?;
        self.session.settle();
        self.show_again(&group.group)
    }

    fn each(
        &mut self,
        members: &[String],
        action: impl Fn(String) -> GroupAction,
    ) -> Result<Vec<GroupAction>, Error> {
        Ok(self.session.accounts(members)?.into_iter().map(action).collect())
    }

    fn permissions(&mut self, wanted: &Permissions) -> Result<(), Error> {
        let group = self.session.known_group(&wanted.group)?;
        let audience = |wanted: Option<Audience>, now| match wanted {
            Some(Audience::Everybody) => Allowed::Everybody,
            Some(Audience::Admins) => Allowed::Admins,
            None => now,
        };
        let now = group.permissions;
        let permissions = Rules {
            send: audience(wanted.send, now.send),
            edit: audience(wanted.edit, now.edit),
            add: audience(wanted.add, now.add),
            approve: wanted.approve.map_or(now.approve, |switch| switch == Switch::On),
        };
        if permissions != now {
            self.change(&group, vec![GroupAction::Permissions { permissions }])?;
            self.session.settle();
        }
        self.printer.print(
            || permissions_text(permissions),
            || object("permissions", &[("group", &group.group), ("permissions", &permissions)]),
        )
    }

    fn leave(&mut self, name: &str) -> Result<(), Error> {
        let group = self.session.known_group(name)?;
        let account = self.session.status()?.account.unwrap_or_default();
        self.change(&group, vec![GroupAction::Remove { account }])?;
        self.session.settle();
        self.printer.print(
            || format!("you have left {}; its history stays here", one_line(&group.name)),
            || object("left", &[("group", &group.group)]),
        )
    }

    fn link(&mut self, name: &str, new: bool, off: bool) -> Result<(), Error> {
        let mut group = self.session.known_group(name)?;
        if new || off {
            self.ask(Command::SetGroupLink { group: group.group.clone(), enabled: new })?;
            self.session.settle();
            group = self.session.known_group(&group.group)?;
        }
        if group.link.is_none() && !off {
            let detail =
                "the group has no invitation link; draw one with --new, if you are one of its admins";
            return Err(Error::user("noLink", detail));
        }
        self.printer.print(
            || group.link.clone().unwrap_or_else(|| "the invitation link is ended".to_owned()),
            || object("groupLink", &[("group", &group.group), ("link", &group.link)]),
        )
    }

    fn join(&mut self, link: &str) -> Result<(), Error> {
        self.ask(Command::JoinGroup { link: link.to_owned() })?;
        self.session.settle();
        self.printer.print(
            || {
                "asked to join; you are in when one of the group's admins is connected and lets you in: see \
                 `waxwing receive`"
                    .to_owned()
            },
            || object("joinRequested", &[]),
        )
    }

    fn requests(&mut self, name: Option<&str>) -> Result<(), Error> {
        let groups = match name {
            Some(name) => vec![self.session.known_group(name)?],
            None => self.session.groups()?,
        };
        if groups.iter().all(|group| group.requests.is_empty()) {
            self.printer.note("nobody waits to be let in");
        }
        for group in &groups {
            for person in &group.requests {
                self.printer.print(
                    || format!("{} wants to join {}", person_name(person), one_line(&group.name)),
                    || {
                        let brief = brief_person(person);
                        object("joinRequest", &[("group", &group.group), ("contact", &brief)])
                    },
                )?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, name: &str, member: &str, accept: bool) -> Result<(), Error> {
        let group = self.session.known_group(name)?;
        let account = self.session.find_contact(member)?.person.account;
        self.ask(Command::AnswerJoin { group: group.group.clone(), account, accept })?;
        self.session.settle();
        self.show_again(&group.group)
    }

    fn share(&mut self, name: &str, member: &str, messages: u32) -> Result<(), Error> {
        let group = self.session.known_group(name)?;
        let account = self.session.find_contact(member)?.person.account;
        self.ask(Command::ShareHistory { group: group.group.clone(), account, messages })?;
        self.session.settle();
        self.printer.print(
            || format!("the last messages of {} are on their way to {member}", one_line(&group.name)),
            || object("historyShared", &[("group", &group.group)]),
        )
    }

    /// The community knows its groups, and each of them its community.
    fn community(&mut self, command: &CommunityCommand) -> Result<(), Error> {
        let (CommunityCommand::Add { community, group } | CommunityCommand::Remove { community, group }) =
            command;
        let community = self.session.known_group(community)?;
        if community.kind != GroupKind::Community {
            let detail = "that is a group and no community; make one with `waxwing group create --community`";
            return Err(Error::user("noCommunity", detail));
        }
        let group = self.session.known_group(group)?;
        let (of_community, of_group) = match command {
            CommunityCommand::Add { .. } => {
                let linked = LinkedGroup {
                    group: group.group.clone(),
                    name: group.name.clone(),
                    link: group.link.clone(),
                };
                (GroupAction::LinkGroup { linked }, Some(community.group.clone()))
            }
            CommunityCommand::Remove { .. } => {
                (GroupAction::UnlinkGroup { group: group.group.clone() }, None)
            }
        };
        self.change(&community, vec![of_community])?;
        if group.member {
            self.change(&group, vec![GroupAction::Community { community: of_group }])?;
        }
        self.session.settle();
        self.show_again(&community.group)
    }
}

pub fn picture(path: &Path) -> Result<String, Error> {
    let unreadable = |error| Error::user("picture", format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_PICTURE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_PICTURE_BYTES {
        let detail = format!("{} is larger than 8 KiB; make it smaller and try again", path.display());
        return Err(Error::user("pictureTooLarge", detail));
    }
    Ok(BASE64.encode(&bytes))
}

fn line(group: &Group) -> String {
    let members = match (group.kind, group.members.len()) {
        (_, _) if !group.member => "you are not in it".to_owned(),
        (GroupKind::Group, 1) => "1 member".to_owned(),
        (GroupKind::Group, count) => format!("{count} members"),
        (GroupKind::Community, count) => format!("community of {count}"),
    };
    let admin = if group.admin { "  admin" } else { "" };
    let waiting = match group.requests.len() {
        0 => String::new(),
        count => format!("  {count} want to join"),
    };
    format!("{}  {members}{admin}{waiting}  {}", one_line(&group.name), group.group)
}

/// A group in some lines.
pub fn described(group: &Group) -> String {
    let mut text = line(group);
    if !group.description.is_empty() {
        text.push_str(&format!("\n    {}", indented(&group.description)));
    }
    for member in &group.members {
        let admin = if member.admin { "  admin" } else { "" };
        text.push_str(&format!("\n  {}{admin}", person_name(&member.person)));
    }
    for linked in &group.linked {
        text.push_str(&format!("\n  group: {}  {}", one_line(&linked.name), linked.group));
    }
    if let Some(community) = &group.community {
        text.push_str(&format!("\n  in the community {community}"));
    }
    text.push_str(&format!("\n  {}", permissions_text(group.permissions)));
    if let Some(link) = &group.link {
        text.push_str(&format!("\n  {link}"));
    }
    for person in &group.requests {
        text.push_str(&format!("\n  wants to join: {}", person_name(person)));
    }
    text
}
