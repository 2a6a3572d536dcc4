//! The relay's part in files: it hands out tickets, and knows which files it has.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::file::{Download, FileRequest, Segments, UploadTicket, UploadToken};
use waxwing_wire::server_frame::{DeviceMismatch, Refused, ResponseBody};
use waxwing_wire::{FileId, MessageId, Reject, RejectCode};

#[derive(Default)]
pub struct FileRelay {
    /// Bytes of ciphertext of every file for which there was a ticket.
    pub tickets: BTreeMap<FileId, u64>,
    /// Files that it has not, or not any more. Those for which there never was a ticket it has.
    pub gone: BTreeSet<FileId>,
    pub fetched: Vec<(&'static str, FileId)>,
    /// Refuses tickets.
    pub refuse: Option<Reject>,
    /// Tickets are for segments of this size.
    pub segment_bytes: u64,
    /// Uploads are said not to be complete.
    pub incomplete: bool,
    /// What messages named.
    pub named: Vec<Vec<FileId>>,
}

impl FileRelay {
    pub fn request(&mut self, name: &'static str, request: FileRequest, now: u64) -> ResponseBody {
        match request {
            FileRequest::Upload(bytes) => {
                if let Some(reject) = &self.refuse {
                    return ResponseBody::Reject(reject.clone());
                }
                let file = FileId([0xf0 + u8::try_from(self.tickets.len()).unwrap(); 16]);
                self.tickets.insert(file, bytes);
                self.gone.insert(file);
                ResponseBody::UploadTicket(UploadTicket {
                    file,
                    token: UploadToken([7; 32]),
                    url: if self.segment_bytes == 0 { "/media/x".into() } else { String::new() },
                    expires_at_ms: now + 86_400_000,
                    segment_bytes: self.segment_bytes,
                })
            }
            FileRequest::Download { file, .. } if self.gone.contains(&file) => {
                ResponseBody::Reject(Reject::new(RejectCode::FileGone, "gone"))
            }
            FileRequest::Download { .. } => ResponseBody::Download(Download {
                bytes: 1,
                segment_bytes: 0,
                urls: vec!["/media/y".into()],
                expires_at_ms: now + 60_000,
            }),
            FileRequest::Fetched(files) => {
                self.fetched.extend(files.into_iter().map(|file| (name, file)));
                ResponseBody::Done
            }
            FileRequest::Segments { file, .. } | FileRequest::Finish { file, .. }
                if !self.tickets.contains_key(&file) =>
            {
                ResponseBody::Reject(Reject::new(RejectCode::FileGone, "gone"))
            }
            FileRequest::Segments { first, .. } => ResponseBody::Segments(Segments {
                urls: vec![format!("https://store.example/{first}")],
                expires_at_ms: now + 60_000,
                headers: Vec::new(),
            }),
            FileRequest::Finish { .. } if self.incomplete => {
                ResponseBody::Reject(Reject::new(RejectCode::Malformed, "not all of it is there"))
            }
            FileRequest::Finish { file, .. } => {
                self.gone.remove(&file);
                ResponseBody::Done
            }
        }
    }

    /// What a message is refused with that names files that are not here.
    pub fn refusal(&mut self, id: MessageId, files: &[FileId]) -> Option<Refused> {
        self.named.push(files.to_vec());
        let files_gone: Vec<FileId> = files.iter().filter(|file| self.gone.contains(file)).copied().collect();
        let (reject, mismatch) = (Reject::new(RejectCode::FileGone, "gone"), DeviceMismatch::default());
        (!files_gone.is_empty()).then_some(Refused { id, reject, mismatch, group: None, files_gone })
    }
}
