//! Commands inside the chat screen: lines that begin with a slash.

use waxwing_app::api::{ChatChange, Command, GroupAction};

use super::Talk;
use super::chooser::Purpose;
use crate::commands::{described, device_line, now_ms};
use crate::output::Error;
use jiff::tz::TimeZone;

const HELP: &[&str] = &[
    "/chats                the conversations, to go to another one (Ctrl+K, Alt+K)",
    "/status               what people show for a day; /status TEXT shows something of yours",
    "/requests             who writes whom you do not know; there: /accept, /decline, /block",
    "/search WORDS         look for messages in all conversations",
    "/find WORDS           look for messages in this one",
    "↑                     selects a message; the line below says what keys do with it",
    "/info                 who has the last message, and who has read it",
    "/poll Q | A | B …     a poll; with /poll-any people choose several",
    "/event TITLE | 2030-12-24T18:00 | PLACE",
    "/place LATITUDE LONGITUDE NAME, /card CONTACT, /once TEXT",
    "/file PATH, /photo PATH, /voice PATH, /document PATH  send a file",
    "/disappear 7d         how long messages of this conversation stay; off: for good",
    "/devices              the account's devices",
    "/group                who is in this group, and what they may do",
    "/add, /remove NAME…   members of this group; /rename NAME, /leave",
    "/mute, /pin, /archive this conversation; /unmute, /unpin, /unarchive",
    "*bold* _italic_ ~struck~ `monospace` ||spoiler|| @name",
    "//…                   a message that begins with a slash",
    "",
    "Esc closes this.",
];

impl Talk {
    /// Does what the line says, or says why not.
    pub(super) fn slash(&mut self, line: &str) -> Result<(), Error> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        if let Some(sent) = self.file_slash(word, rest) {
            if let Err(why) = sent {
                self.refuse(line, &why);
            }
            return Ok(());
        }
        match self.compose(word, rest)? {
            Some(Err(why)) => {
                self.refuse(line, &why);
                return Ok(());
            }
            Some(Ok(())) => return Ok(()),
            None => {}
        }
        match word {
            "help" => self.screen.panel = Some(HELP.iter().map(|line| (*line).to_owned()).collect()),
            "search" | "find" if rest.is_empty() => self.refuse(line, "what is looked for has to follow"),
            "search" => self.search(rest, None)?,
            "find" => self.search(rest, Some(self.screen.conversation().to_owned()))?,
            "devices" => self.show_devices()?,
            "chats" => self.choose(Purpose::Go)?,
            "requests" => self.choose(Purpose::Requests)?,
            "accept" | "decline" | "block" => self.answer_request(word)?,
            "status" if rest.is_empty() => self.choose(Purpose::Status)?,
            "status" => self.show_of_mine(rest)?,
            "info" => self.info_of_last()?,
            "mute" => self.set(ChatChange::MutedUntilMs(u64::MAX), "muted"),
            "unmute" => self.set(ChatChange::MutedUntilMs(0), "not muted any more"),
            "pin" => self.set(ChatChange::Pinned(true), "pinned"),
            "unpin" => self.set(ChatChange::Pinned(false), "not pinned any more"),
            "archive" => self.set(ChatChange::Archived(true), "archived"),
            "unarchive" => self.set(ChatChange::Archived(false), "not archived any more"),
            "group" | "add" | "invite" | "remove" | "rename" | "leave" => self.group_slash(word, rest)?,
            _ => self.refuse(line, "no such command; /help shows them, and // begins a message with a slash"),
        }
        Ok(())
    }

    fn group_slash(&mut self, word: &str, rest: &str) -> Result<(), Error> {
        let line = format!("{word} {rest}");
        if !self.screen.is_group() {
            self.refuse(line.trim(), "this is no group; make one with `waxwing group create`");
            return Ok(());
        }
        if rest.is_empty() && !matches!(word, "group" | "leave") {
            self.refuse(line.trim(), "a name has to follow");
            return Ok(());
        }
        match word {
            "group" => self.show_group()?,
            "rename" => self.change(vec![GroupAction::Name { name: rest.to_owned() }], "renamed"),
            "leave" => {
                let account = self.session.status()?.account.unwrap_or_default();
                self.change(vec![GroupAction::Remove { account }], "you have left the group");
            }
            _ => {
                let mut actions = Vec::new();
                for name in rest.split_whitespace() {
                    let Some(contact) = self.session.contact(name)? else {
                        self.refuse(&line, &format!("{name} is no contact; waxwing contacts add {name}"));
                        return Ok(());
                    };
                    let account = contact.person.account;
                    actions.push(match word {
                        "remove" => GroupAction::Remove { account },
                        _ => GroupAction::Add { account, admin: false },
                    });
                }
                self.change(actions, if word == "remove" { "removed" } else { "added" });
            }
        }
        Ok(())
    }

    fn set(&mut self, change: ChatChange, said: &'static str) {
        let conversation = self.screen.conversation().to_owned();
        let command = self.session.app.send(Command::SetChat { conversation, change });
        self.doing.insert(command, said);
    }

    fn change(&mut self, actions: Vec<GroupAction>, said: &'static str) {
        let group = self.screen.conversation().to_owned();
        let command = self.session.app.send(Command::ChangeGroup { group, actions });
        self.doing.insert(command, said);
        self.screen.notice = Some("asking the server…".to_owned());
    }

    /// The line stays, to be mended.
    fn refuse(&mut self, line: &str, why: &str) {
        self.screen.editor.set(format!("/{line}"));
        self.screen.notice = Some(why.to_owned());
    }

    fn show_devices(&mut self) -> Result<(), Error> {
        let zone = TimeZone::system();
        let devices = self.session.devices()?;
        let mut lines: Vec<String> =
            devices.iter().map(|device| device_line(device, now_ms(), &zone)).collect();
        lines.push(String::new());
        lines.push("Name or remove them with `waxwing devices`. Esc closes this.".to_owned());
        self.screen.panel = Some(lines);
        Ok(())
    }

    fn show_group(&mut self) -> Result<(), Error> {
        let group = self.session.known_group(self.screen.conversation())?;
        let mut lines: Vec<String> = described(&group).lines().map(str::to_owned).collect();
        lines.push(String::new());
        lines.push("Esc closes this.".to_owned());
        self.screen.panel = Some(lines);
        Ok(())
    }
}
