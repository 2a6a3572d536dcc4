//! What people show for a day, on the chat screen.

use jiff::tz::TimeZone;
use waxwing_app::api::{Command, Delivery, Direction, Message, StatusUpdates};

use super::Talk;
use super::chooser::ChatRow;
use crate::commands::{now_ms, status_author, typed};
use crate::names::person_name;
use crate::output::Error;
use crate::text::{clock, date_and_clock, harmless, one_line};
use crate::words::{done_text, post_text};

impl Talk {
    /// Who shows something, as rows to choose from.
    pub(super) fn status_rows(&self) -> Result<Vec<ChatRow>, Error> {
        let zone = TimeZone::system();
        let row = |one: StatusUpdates| {
            let last = one.messages.last();
            let text = last.and_then(|message| message.body.post()).map(|post| one_line(&post.text));
            ChatRow {
                name: status_author(&one),
                unread: one.unseen,
                last: text.unwrap_or_default(),
                time: last.map(|message| clock(message.sent_at_ms, &zone)).unwrap_or_default(),
                // Who is muted is found by name.
                archived: one.muted_until_ms > now_ms(),
                conversation: one.conversation,
            }
        };
        Ok(self.session.status_updates()?.into_iter().map(row).collect())
    }

    /// What somebody shows, to be read; they hear that it was seen.
    pub(super) fn see(&mut self, conversation: &str) -> Result<(), Error> {
        let updates = self.session.status_updates()?;
        let Some(one) = updates.into_iter().find(|one| one.conversation == conversation) else {
            self.screen.notice = Some("it is not shown any more".to_owned());
            return Ok(());
        };
        let zone = TimeZone::system();
        let mut lines = vec![status_author(&one), String::new()];
        for message in &one.messages {
            self.screen.names.learn(&self.session, message)?;
            let names = &self.screen.names;
            lines.push(format!("#{} {}", message.order, date_and_clock(message.sent_at_ms, &zone)));
            let text = message.body.post().map(|post| post_text(post, names)).unwrap_or_default();
            lines.extend(harmless(&text).lines().map(|line| format!("  {line}")));
            let done = done_text(message, names);
            lines.extend((!done.is_empty()).then(|| format!("  {done}")));
            if one.own {
                lines.push(format!("  {}", self.seen_by(message)?));
            }
            lines.push(String::new());
        }
        if let (false, Some(last)) = (one.own, one.messages.last()) {
            self.session.app.send(Command::MarkRead { with: one.conversation, up_to: last.order });
            lines.push("Answer with `waxwing reply NUMBER TEXT`, react with `waxwing react`.".to_owned());
        }
        lines.push("Esc closes this.".to_owned());
        self.screen.panel = Some(lines);
        Ok(())
    }

    fn seen_by(&self, message: &Message) -> Result<String, Error> {
        let receipts = self.session.receipts(&message.id)?;
        let seen = receipts.iter().filter(|receipt| receipt.delivery == Delivery::Read);
        let seen: Vec<String> = seen.map(|receipt| person_name(&receipt.person)).collect();
        let of = format!("seen by {} of {}", seen.len(), receipts.len());
        Ok(if seen.is_empty() { of } else { format!("{of}: {}", seen.join(", ")) })
    }

    /// Shows something of the user's.
    pub(super) fn show_of_mine(&mut self, text: &str) -> Result<(), Error> {
        let post = Box::new(typed(&self.session, text, false)?);
        let command = self.session.app.send(Command::PostStatus { post });
        self.doing.insert(command, "shown to those whom `waxwing status audience` names, for 24 hours");
        Ok(())
    }

    /// Somebody shows something new: said once, unless they are muted.
    pub(super) fn status_shown(&mut self, message: &Message) -> Result<(), Error> {
        if message.direction == Direction::Outgoing || !message.with.starts_with("s:") {
            return Ok(());
        }
        let updates = self.session.status_updates()?;
        let new = |one: &&StatusUpdates| one.conversation == message.with && one.muted_until_ms <= now_ms();
        if let Some(one) = updates.iter().find(new) {
            self.screen.notice = Some(format!("{} shows something new (/status)", status_author(one)));
        }
        Ok(())
    }
}
