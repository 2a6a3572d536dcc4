//! Files in a browser.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use waxwing_client::Upload;
use waxwing_wire::attachment::Attachment;

use crate::api::{CloudPlace, CommandId, Failure};
use crate::media::{Fetch, Fetched, How, Report, Reporter, Uploaded};
use crate::store::Away;

/// The ciphertexts that are here.
pub struct Vault {
    here: BTreeSet<[u8; 32]>,
}

impl Vault {
    pub fn open(_: &Path) -> io::Result<Self> {
        Ok(Self { here: BTreeSet::new() })
    }
    pub fn has(&self, digest: &[u8; 32]) -> bool {
        self.here.contains(digest)
    }
    pub fn take_apart(&self, _: &[u8; 32]) -> io::Result<()> {
        Ok(())
    }
    pub fn remove(&self, _: &[u8; 32]) {}
    pub fn bytes(&self) -> io::Result<u64> {
        Ok(0)
    }
    pub fn older_than(&self, _: Duration) -> io::Result<Vec<[u8; 32]>> {
        Ok(Vec::new())
    }
    pub fn read(&self, _: &Attachment) -> Result<Vec<u8>, Failure> {
        Err(not_yet())
    }
}

/// What works on files.
pub struct Media {
    pub vault: Vault,
    report: Reporter,
}

fn not_yet() -> Failure {
    Failure::user("notInBrowser", "files cannot be moved in a browser yet; use the terminal's program")
}

impl Media {
    pub fn start(vault: Vault, report: Reporter) -> io::Result<Self> {
        Ok(Self { vault, report })
    }
    pub fn prepare(&self, _: CommandId, _: How) -> Result<(), Failure> {
        Err(not_yet())
    }
    pub fn save(&self, _: CommandId, _: &Attachment, _: PathBuf) -> Result<(), Failure> {
        Err(not_yet())
    }
    pub fn upload(&self, upload: Upload, _: String) {
        (self.report)(Report::Uploaded(upload.digest, Uploaded::Missing));
    }
    pub fn fetch(&self, fetch: Fetch) {
        (self.report)(Report::Fetched(fetch.attachment.digest, Fetched::Disk(not_yet().detail)));
    }
    pub fn offload(&self, digest: [u8; 32], _: CloudPlace, _: String) {
        (self.report)(Report::Offloaded(digest, Err(not_yet())));
    }
    pub fn recall(&self, attachment: Attachment, _: Away) {
        (self.report)(Report::Fetched(attachment.digest, Fetched::Unreachable));
    }
    pub fn discard(&self, _: Vec<(Option<[u8; 32]>, Away)>) {}
}
