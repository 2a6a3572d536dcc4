//! The relay's part in files: it hands out tickets, and knows which files it has.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::file::{Download, FileRequest, UploadTicket, UploadToken};
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
                    url: "/media/x".into(),
                    expires_at_ms: now + 86_400_000,
                    segment_bytes: 0,
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
            FileRequest::Segments { .. } | FileRequest::Finish { .. } => {
                ResponseBody::Reject(Reject::new(RejectCode::NotOffered, "no segments"))
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
