//! Files: what the engine and the threads that hold their bytes ask of each other.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;

use waxwing_server::{Asker, Command, Effect, FileCommand, OpenUpload, Origin, Piece, rejects};
use waxwing_wire::server_frame::{Response, ResponseBody};
use waxwing_wire::{FileId, Reject, RejectCode};

use super::group::Group;
use super::{Engine, Failed};
use crate::message::UploadAsk;

type Answer = SyncSender<Result<OpenUpload, Reject>>;

/// Who waits beside the connections.
#[derive(Default)]
pub struct Askers {
    waiting: BTreeMap<Asker, Answer>,
    next: u64,
}

impl Askers {
    /// The command that somebody asks for, who waits until it is answered.
    pub fn command(&mut self, what: UploadAsk, file: FileId, token: [u8; 32], answer: Answer) -> Command {
        self.next += 1;
        let asker = Asker(self.next);
        self.waiting.insert(asker, answer);
        Command::File(match what {
            UploadAsk::Open => FileCommand::Open { asker, file, token },
            UploadAsk::Complete => FileCommand::Complete { asker: Some(asker), origin: None, file, token },
            UploadAsk::GiveUp => FileCommand::GiveUp { asker, file, token },
        })
    }
}

impl Engine {
    pub(super) fn answer_upload(&mut self, asker: Asker, answer: Result<OpenUpload, Reject>) {
        if let Err(reject) = &answer {
            self.stats.reject(reject);
        }
        if let Some(waits) = self.askers.waiting.remove(&asker) {
            // Whoever has gone away asks again.
            let _ = waits.send(answer);
        }
    }

    pub(super) fn carry_out_of_file(&mut self, effect: Effect) {
        let Some(media) = self.media.clone() else {
            // The operator has taken the place for files away while some were on their way.
            if let Effect::FileAnswer { asker, answer } = effect {
                self.answer_upload(asker, answer);
            }
            return;
        };
        match effect {
            Effect::GrantUpload { origin, file, token, bytes: _, expires_at_ms } => {
                let ticket = media.ticket(file, token, expires_at_ms);
                self.respond(origin, ResponseBody::UploadTicket(ticket));
            }
            Effect::GrantDownload { origin, file, bytes, first } => {
                if let Some(answer) = media.download(origin, file, bytes, first, self.now.0) {
                    self.respond(origin, answer);
                }
            }
            Effect::GrantSegments { origin, file, bytes, first, count } => {
                if let Some(answer) = media.segments(origin, file, bytes, first, count) {
                    self.respond(origin, answer);
                }
            }
            Effect::CheckUpload { origin, file, token, bytes } => {
                // It may take the disk seconds, which nobody here waits.
                let is_looked_at = media.check(origin, file, token, bytes);
                if !is_looked_at {
                    self.respond(origin, ResponseBody::Reject(rejects::unavailable()));
                }
            }
            Effect::DeleteFile { file, bytes: _ } => media.delete(file),
            Effect::FileAnswer { asker, answer } => self.answer_upload(asker, answer),
            _ => {}
        }
    }

    /// What became of [`Effect::CheckUpload`].
    pub(super) fn take_in_checked(
        &mut self,
        group: &mut Group,
        origin: Origin,
        file: FileId,
        token: [u8; 32],
        whole: bool,
    ) -> Result<(), Failed> {
        if whole {
            let complete = FileCommand::Complete { asker: None, origin: Some(origin), file, token };
            return self.decide(group, Command::File(complete));
        }
        let reject = Reject::new(RejectCode::Malformed, "not all of the file is there: go on uploading it");
        let response = Response { id: origin.request, what: ResponseBody::Reject(reject) };
        group.say(vec![Effect::Reply { conn: origin.conn, piece: Piece::Response(response) }]);
        Ok(())
    }

    pub(super) fn respond(&mut self, origin: Origin, what: ResponseBody) {
        let piece = Piece::Response(Response { id: origin.request, what });
        self.reply(origin.conn, piece);
    }
}
