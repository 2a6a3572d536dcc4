//! What the links in messages lead to, asked beside the screen: nothing waits for a site but the message with the link
//! and those written after it, which keep their order.

use std::collections::VecDeque;
use std::thread;

use waxwing_app::api::{Command, Deed, Post, Preview};
use waxwing_app::channel::{Receiver, Sender, bounded};
use waxwing_app::preview::{self, Reach};

use super::Talk;
use crate::commands::preview_reach;
use crate::output::Error;

/// Messages that wait for sites at once; those beyond go without a preview.
const MAX_ASKED: usize = 8;

/// Said until the site has answered.
const ASKING: &str = "asking the site of the link…";

/// What a site said for which message.
pub type Found = (u64, Option<Preview>);

/// What was written and is not sent yet.
struct Waiting {
    number: u64,
    command: Command,
    text: String,
    /// Its site has answered, or is not asked.
    ready: bool,
}

pub struct Previews {
    answers: Sender<Found>,
    pub found: Receiver<Found>,
    waiting: VecDeque<Waiting>,
    next: u64,
}

impl Default for Previews {
    fn default() -> Self {
        let (answers, found) = bounded(MAX_ASKED);
        Self { answers, found, waiting: VecDeque::new(), next: 0 }
    }
}

impl Previews {
    /// Asks what the first link of a text leads to, on a thread of its own. Whether that was begun.
    fn ask(&self, number: u64, text: String, reach: Reach) -> bool {
        let answers = self.answers.clone();
        let ask = move || drop(answers.send((number, preview::fetch(&text, reach).ok())));
        let asked = self.waiting.iter().filter(|one| !one.ready).count();
        asked < MAX_ASKED && thread::Builder::new().name("preview".into()).spawn(ask).is_ok()
    }
}

fn post_of(command: &mut Command) -> Option<&mut Post> {
    match command {
        Command::Send { post, .. } | Command::Act { deed: Deed::Edit { post }, .. } => Some(post),
        _ => None,
    }
}

impl Talk {
    /// Sends what was written, after what was written before; with what its link leads to, once that is known.
    pub(super) fn send_previewed(&mut self, mut command: Command, text: String) -> Result<(), Error> {
        let said = post_of(&mut command).map(|post| post.text.clone()).unwrap_or_default();
        let reach = if preview::link(&said).is_some() { preview_reach(&self.session)? } else { None };
        let number = self.previews.next;
        self.previews.next += 1;
        let asked = reach.is_some_and(|reach| self.previews.ask(number, said, reach));
        if asked {
            self.screen.notice = Some(ASKING.to_owned());
        }
        self.previews.waiting.push_back(Waiting { number, command, text, ready: !asked });
        self.send_ready();
        Ok(())
    }

    /// A site has answered, or did not in time.
    pub(super) fn previewed(&mut self, (number, preview): Found) {
        if let Some(one) = self.previews.waiting.iter_mut().find(|one| one.number == number) {
            one.ready = true;
            if let Some(post) = post_of(&mut one.command) {
                post.preview = preview;
            }
        }
        self.send_ready();
    }

    fn send_ready(&mut self) {
        while let Some(one) = self.previews.waiting.pop_front_if(|one| one.ready) {
            let command = self.session.app.send(one.command);
            self.screen.sending(command, one.text);
        }
        if self.previews.waiting.is_empty() && self.screen.notice.as_deref() == Some(ASKING) {
            self.screen.notice = None;
        }
    }

    /// The user leaves: what waits for a site goes without it.
    pub(super) fn send_waiting(&mut self) {
        for one in &mut self.previews.waiting {
            one.ready = true;
        }
        self.send_ready();
    }
}
