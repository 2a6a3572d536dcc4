//! What a transfer has to ask of the server over the connection, which is the engine's.

use crossbeam_channel::Sender;
use waxwing_wire::file::{Download, Segments};
use waxwing_wire::{FileId, RejectCode};

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

/// Where an answer goes.
pub type Asker = Sender<Answer>;
