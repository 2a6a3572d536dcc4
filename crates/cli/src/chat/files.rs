//! Files on the chat screen: sent by a line with a slash, saved by a key, and how far they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waxwing_app::api::{Attachment, AttachmentKind, Command, CommandId, Event, Post};

use super::Talk;
use crate::commands::{safe_name, target};
use crate::output::Error;

/// Files that are remembered to be under way: those of a screen, and more.
const MAX_MOVING: usize = 256;

/// How far files are, by id.
#[derive(Default)]
pub struct Moving(BTreeMap<String, (bool, u64)>);

impl Moving {
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::FileProgress { file, sending, done, total } => {
                let percent = done.min(total).saturating_mul(100) / (*total).max(1);
                if self.0.len() < MAX_MOVING || self.0.contains_key(file) {
                    self.0.insert(file.clone(), (*sending, percent));
                }
                if done >= total {
                    self.0.remove(file);
                }
            }
            Event::FileUploaded { file }
            | Event::FileFetched { file }
            | Event::FileOffloaded { file, .. } => drop(self.0.remove(file)),
            Event::Overrun => self.0.clear(),
            _ => {}
        }
    }

    /// What is said behind a file; empty: it rests.
    pub fn text(&self, file: &Attachment) -> String {
        match self.0.get(&file.id) {
            Some((true, percent)) => format!("  ↑ {percent}%"),
            Some((false, percent)) => format!("  ↓ {percent}%"),
            None => String::new(),
        }
    }
}

/// Files that are being made ready: where they go.
pub type Attaching = BTreeMap<CommandId, String>;

impl Talk {
    /// `None`: another command than those for files.
    pub(super) fn file_slash(&mut self, word: &str, rest: &str) -> Option<Result<(), String>> {
        let (kind, hd) = match word {
            "file" => (None, false),
            "photo" => (Some(AttachmentKind::Photo), false),
            "photo-hd" => (Some(AttachmentKind::Photo), true),
            "voice" => (Some(AttachmentKind::Voice), false),
            "document" => (Some(AttachmentKind::Document), false),
            _ => return None,
        };
        if rest.is_empty() {
            return Some(Err("the path of a file has to follow".to_owned()));
        }
        let path = at_home(rest).to_string_lossy().into_owned();
        let command = self.session.app.send(Command::Attach { path, kind, hd });
        self.doing.insert(command, "");
        self.attaching.insert(command, self.screen.conversation().to_owned());
        self.screen.notice = Some("making the file ready…".to_owned());
        Some(Ok(()))
    }

    /// A file that was to be sent is ready, or never will be.
    pub(super) fn file_event(&mut self, event: &Event) {
        match event {
            Event::Attached { command, attachment } => {
                let Some(to) = self.attaching.remove(command) else { return };
                let post = Post { attachments: vec![attachment.clone()], ..Post::default() };
                let command = self.session.app.send(Command::Send { to, post: Box::new(post) });
                self.doing.insert(command, "");
            }
            Event::Failed { command, .. } => drop(self.attaching.remove(command)),
            _ => {}
        }
    }

    /// Saves the files of a message.
    pub(super) fn save_files(&mut self, message: &str, to: &str) -> Result<(), Error> {
        let files =
            self.session.message(message)?.and_then(|found| Some(found.body.post()?.attachments.clone()));
        let files = files.unwrap_or_default();
        for (index, file) in (0..).zip(&files) {
            match target(&at_home(to), file, files.len() > 1) {
                Ok(path) => {
                    let path = path.to_string_lossy().into_owned();
                    let command = Command::SaveFile { message: message.to_owned(), index, path };
                    let command = self.session.app.send(command);
                    self.doing.insert(command, "saved");
                }
                Err(Error::Failed(failure)) => {
                    self.screen.notice = Some(failure.detail);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.screen.notice = Some("saving…".to_owned());
        Ok(())
    }
}

/// What is offered as the place where a message's files are saved.
pub fn offered(files: &[Attachment]) -> Option<String> {
    match files {
        [] => None,
        [file] => Some(format!("./{}", safe_name(file))),
        _ => Some(".".to_owned()),
    }
}

/// `~/` is where shells would have it.
fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_file_is_stands_behind_it_until_it_is_there() {
        let file: Attachment =
            serde_json::from_value(serde_json::json!({ "id": "ab", "kind": "document", "bytes": 10 }))
                .unwrap();
        let mut moving = Moving::default();
        let progress = |sending, done| Event::FileProgress { file: "ab".into(), sending, done, total: 200 };
        assert_eq!(moving.text(&file), "");
        moving.event(&progress(true, 50));
        assert_eq!(moving.text(&file), "  ↑ 25%");
        moving.event(&progress(false, 199));
        assert_eq!(moving.text(&file), "  ↓ 99%");
        moving.event(&progress(false, 200));
        assert_eq!(moving.text(&file), "");
        moving.event(&progress(true, 0));
        moving.event(&Event::FileUploaded { file: "ab".into() });
        assert_eq!(moving.text(&file), "");
        for number in 0..2 * MAX_MOVING {
            moving.event(&Event::FileProgress { file: number.to_string(), sending: true, done: 0, total: 0 });
            moving.event(&Event::FileProgress { file: number.to_string(), sending: true, done: 1, total: 9 });
        }
        assert!(moving.0.len() <= MAX_MOVING);
    }

    #[test]
    fn a_place_to_save_is_offered() {
        let file = |name: &str| -> Attachment {
            serde_json::from_value(
                serde_json::json!({ "id": "ab", "kind": "document", "bytes": 1, "name": name }),
            )
            .unwrap()
        };
        assert_eq!(offered(&[file("../plan.txt")]).as_deref(), Some("./plan.txt"));
        assert_eq!(offered(&[file("a"), file("b")]).as_deref(), Some("."));
        assert_eq!(offered(&[]), None);
    }
}
