//! Carrying out what was decided and committed.

use std::collections::VecDeque;

use waxwing_server::{ConnId, Effect, Piece, Store, resolve};
use waxwing_wire::server_frame::ResponseBody;

use super::chain::Chain;
use super::{Engine, Failed};
use crate::limits::OUTBOX_BYTES;
use crate::message::{Outcome, thread_of};

impl Engine {
    /// Carries out effects in their order, each with all that it leads to.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), Failed> {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Reply { conn, piece } => self.reply(conn, piece),
                Effect::Accepted => self.stats.messages_accepted.add(1),
                Effect::Attach { conn, address, lease, stored, last } => {
                    self.out(conn, Outcome::Attached(conn));
                    prepend(&mut effects, self.links.attach(conn, address, lease, stored, last, self.now));
                }
                Effect::Appended { mailbox, seq, item } => {
                    prepend(&mut effects, self.links.appended(mailbox, seq, item));
                }
                Effect::Trimmed { mailbox, up_to } => {
                    prepend(&mut effects, self.links.trimmed(mailbox, up_to));
                }
                Effect::Deliver { conn, entries } => {
                    self.stats.entries_delivered.add(entries.len() as u64);
                    self.out(conn, Outcome::Entries(conn, entries));
                }
                Effect::ReadMailbox { mailbox, conn, from, max_entries, max_bytes } => {
                    let page = self.store.read_mailbox(mailbox, from, max_entries, max_bytes);
                    let page = page.and_then(|page| resolve(&self.store, page, max_bytes));
                    let page = page.map_err(|error| Failed(error.to_string()))?;
                    self.stats.entries_paged.add(page.len() as u64);
                    prepend(&mut effects, self.links.page(mailbox, conn, page));
                }
                Effect::AwaitLink { origin, reference, expires_at_ms } => {
                    self.out(origin.conn, Outcome::Awaits(origin.conn));
                    prepend(&mut effects, self.links.await_link(origin, reference, expires_at_ms));
                }
                Effect::Linked { reference, list, sealed } => {
                    prepend(&mut effects, self.links.linked(reference, &list, &sealed));
                }
                Effect::Removed { address } => {
                    self.stats.devices_removed.add(1);
                    self.lights.forget(address);
                    prepend(&mut effects, self.links.removed(address));
                }
                Effect::Close { conn } => self.out(conn, Outcome::Close(conn)),
                Effect::GrantUpload { .. }
                | Effect::GrantSegments { .. }
                | Effect::GrantDownload { .. }
                | Effect::CheckUpload { .. }
                | Effect::DeleteFile { .. }
                | Effect::FileAnswer { .. } => self.carry_out_of_file(effect),
                Effect::Continue(command) => self.backlog.push_back(Chain::new(command)),
            }
        }
        Ok(())
    }

    /// Carries out what a refusal says. It may hang up too; it changes nothing.
    pub(super) fn say(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Reply { conn, piece } => self.reply(conn, piece),
                Effect::Close { conn } => self.out(conn, Outcome::Close(conn)),
                Effect::FileAnswer { asker, answer } => self.answer_upload(asker, answer),
                _ => {}
            }
        }
    }

    pub(super) fn reply(&mut self, conn: ConnId, piece: Piece) {
        match &piece {
            Piece::Refused(refused) => self.stats.reject(&refused.reject),
            Piece::Goodbye(reject) => self.stats.reject(reject),
            Piece::Response(response) => {
                if let ResponseBody::Reject(reject) = &response.what {
                    self.stats.reject(reject);
                }
            }
            Piece::Welcome(_) | Piece::Accepted(_) | Piece::Light(_) | Piece::Presence(_) => {}
        }
        self.out(conn, Outcome::Piece(conn, piece));
    }

    pub(super) fn out(&mut self, conn: ConnId, outcome: Outcome) {
        if let Some(outbox) = self.outbox.get_mut(thread_of(conn)) {
            self.outbox_bytes += outcome.bytes();
            outbox.push(outcome);
        }
        if self.outbox_bytes >= OUTBOX_BYTES {
            // Pages of mailboxes can be many: they do not gather here.
            self.hand_over();
        }
    }

    /// Gives the I/O threads what has gathered for them.
    pub(super) fn hand_over(&mut self) {
        let mut waiting = 0;
        self.outbox_bytes = 0;
        for (port, outbox) in self.io.iter().zip(&mut self.outbox) {
            if !outbox.is_empty() {
                port.queue.wait_for_room();
                port.put(outbox);
            }
            waiting += port.queue.waiting();
        }
        self.stats.io_queue.set(waiting as u64);
    }
}

fn prepend(
    effects: &mut VecDeque<Effect>,
    first: impl IntoIterator<Item = Effect, IntoIter: DoubleEndedIterator>,
) {
    for effect in first.into_iter().rev() {
        effects.push_front(effect);
    }
}
