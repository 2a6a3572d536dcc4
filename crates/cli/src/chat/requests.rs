//! What people write whom the user does not know, and groups into which they were brought: apart from the chats.

use waxwing_app::api::{ChatChange, ChatWith, Command, GroupAction, Message};

use super::Talk;
use super::chooser::{ChatRow, REQUESTS};
use crate::names::full_name;
use crate::output::Error;
use crate::text::one_line;

impl Talk {
    pub(super) fn request_rows(&mut self) -> Result<Vec<ChatRow>, Error> {
        let mut rows = self.chat_rows(true)?;
        for group in self.session.groups()?.into_iter().filter(|group| group.member) {
            let Some(by) = &group.asked_by else { continue };
            rows.push(ChatRow {
                name: one_line(&group.name),
                unread: 0,
                last: format!("{} has added you", full_name(by)),
                time: String::new(),
                archived: false,
                conversation: group.group,
            });
        }
        Ok(rows)
    }

    /// One row for all of them, if there are any.
    pub(super) fn requests_row(&mut self) -> Result<Option<ChatRow>, Error> {
        let requests = self.request_rows()?;
        let names: Vec<&str> = requests.iter().map(|row| row.name.as_str()).collect();
        Ok((!requests.is_empty()).then(|| ChatRow {
            conversation: REQUESTS.to_owned(),
            name: format!("requests ({})", requests.len()),
            unread: 0,
            last: names.join(", "),
            time: String::new(),
            archived: false,
        }))
    }

    /// Whether a message came in another conversation that is a request: nobody is told of that.
    pub(super) fn is_elsewhere_asked(&self, message: &Message) -> Result<bool, Error> {
        let elsewhere = message.with != self.screen.conversation() && !message.with.starts_with("s:");
        Ok(elsewhere && self.session.chat(&message.with)?.is_some_and(|chat| chat.request))
    }

    /// Says yes or no to the request that is shown.
    pub(super) fn answer_request(&mut self, word: &str) -> Result<(), Error> {
        let chat = self.screen.chat.clone();
        let blocks = word == "block" && matches!(chat.with, ChatWith::Contact { .. });
        if !chat.request && !blocks {
            self.screen.notice = Some("this is no request; /requests has them".to_owned());
            return Ok(());
        }
        let conversation = chat.conversation.clone();
        let clear = Command::SetChat { conversation: conversation.clone(), change: ChatChange::Cleared };
        let commands = match (word, &chat.with) {
            ("accept", ChatWith::Contact { .. }) => vec![Command::Accept { account: conversation }],
            ("accept", ChatWith::Group { .. }) => vec![Command::AcceptGroup { group: conversation }],
            ("block", ChatWith::Contact { .. }) => {
                let block = Command::SetBlocked { account: conversation, blocked: true };
                if chat.request { vec![block, clear] } else { vec![block] }
            }
            (_, ChatWith::Contact { .. }) => vec![clear],
            (word, ChatWith::Group { .. }) => {
                let group = self.session.known_group(&conversation)?;
                let account = self.session.status()?.account.unwrap_or_default();
                let leave = GroupAction::Remove { account };
                let mut commands =
                    vec![Command::ChangeGroup { group: conversation, actions: vec![leave] }, clear];
                if let ("block", Some(by)) = (word, group.asked_by) {
                    commands.push(Command::SetBlocked { account: by.account, blocked: true });
                }
                commands
            }
        };
        let said = match word {
            "accept" => "accepted",
            "block" => "blocked; they are not told",
            _ => "declined",
        };
        for command in commands {
            let command = self.session.app.send(command);
            self.doing.insert(command, said);
        }
        Ok(())
    }
}
