//! What a transfer has to ask of the server over the connection, which is the engine's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use waxwing_wire::file::{Download, Segments};
use waxwing_wire::{FileId, RejectCode};

use super::{Report, Reporter};
use crate::limits::QUESTION_PATIENCE;

/// How often a thread that waits looks whether it is to stop.
const LOOK_AROUND: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Where do the segments of this upload go, from one on?
    Segments { digest: [u8; 32], first: u32 },
    /// Is all of it there?
    Finish { digest: [u8; 32] },
    /// Where is this file, from a segment on?
    Download { file: FileId, first: u32 },
}

/// What the engine heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Segments(Segments),
    Done,
    Download(Download),
    Refused(RejectCode),
    /// There is no connection, or too much else.
    NotNow,
}

impl Question {
    /// Asks, and waits for the answer.
    pub fn ask(self, report: &Reporter, stop: &AtomicBool) -> Answer {
        let (answer, answered) = bounded(1);
        if !report(Report::Asks(self, answer)) {
            return Answer::NotNow;
        }
        let end = Instant::now() + QUESTION_PATIENCE;
        while !stop.load(Ordering::Relaxed) && Instant::now() < end {
            match answered.recv_timeout(LOOK_AROUND) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Answer::NotNow,
            }
        }
        Answer::NotNow
    }
}

/// Where an answer goes.
pub type Asker = Sender<Answer>;
