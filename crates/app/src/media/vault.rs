//! The folder of ciphertexts. Each is named by its digest, so one that is there is whole; what is still coming has
//! another name. No clear text is ever in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use waxwing_client::LocalFile;
use waxwing_client::attachment::{Layout, Opener};
use waxwing_wire::FileId;
use waxwing_wire::attachment::Attachment;

use super::disk;
use super::pieces::{Sealing, content_of, layout_of, open_into, opener_of};
use crate::api::Failure;

/// What begins so is not whole, and nobody works on it after a start.
const NEW: &str = "new-";
const PART: &str = ".part";
/// How much of an upload in segments is up.
const SENT: &str = ".sent";

/// See the module.
pub struct Vault {
    folder: PathBuf,
}

impl Vault {
    /// Opens or makes the folder; removes what was not finished and cannot be.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("media");
        crate::profile::make_folder(&folder)?;
        for entry in fs::read_dir(&folder)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(NEW) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Self { folder })
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(hex::encode(digest))
    }

    /// Where a file is written while it comes.
    pub fn part(&self, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(hex::encode(digest) + PART)
    }

    /// Whether all of it is here.
    pub fn has(&self, digest: &[u8; 32]) -> bool {
        self.path(digest).is_file()
    }

    /// What of it has come, to go on with.
    pub fn open_part(&self, digest: &[u8; 32]) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.part(digest))
    }

    /// Its ciphertext, for reading.
    pub fn open_sealed(&self, digest: &[u8; 32]) -> io::Result<File> {
        File::open(self.path(digest))
    }

    /// A part has become the whole.
    pub fn keep(&self, digest: &[u8; 32]) -> io::Result<()> {
        fs::rename(self.part(digest), self.path(digest))
    }

    /// The whole is one no more: it is to be fetched again as far as it is damaged.
    pub fn take_apart(&self, digest: &[u8; 32]) -> io::Result<()> {
        fs::rename(self.path(digest), self.part(digest))
    }

    fn sent_path(&self, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(hex::encode(digest) + SENT)
    }

    /// How many segments of a file are up, under this name of the server's; those from the first on.
    pub fn sent(&self, digest: &[u8; 32], file: FileId) -> u64 {
        let noted = fs::read_to_string(self.sent_path(digest)).unwrap_or_default();
        let segments = noted.split_once(' ').filter(|(name, _)| *name == file.to_hex());
        segments.and_then(|(_, segments)| segments.parse().ok()).unwrap_or(0)
    }

    /// So many are. If it cannot be noted they go up again after a restart.
    pub fn note_sent(&self, digest: &[u8; 32], file: FileId, segments: u64) {
        let _ = fs::write(self.sent_path(digest), format!("{} {segments}", file.to_hex()));
    }

    /// None are, or it does not matter any more.
    pub fn forget_sent(&self, digest: &[u8; 32]) {
        let _ = fs::remove_file(self.sent_path(digest));
    }

    /// It is not needed any more.
    pub fn remove(&self, digest: &[u8; 32]) {
        self.forget_sent(digest);
        let _ = fs::remove_file(self.path(digest));
        let _ = fs::remove_file(self.part(digest));
    }

    /// What all of it takes, bytes.
    pub fn bytes(&self) -> io::Result<u64> {
        let files = fs::read_dir(&self.folder)?.flatten();
        Ok(files.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum())
    }

    /// Everything that is here, whole or in part, and was not touched for so long.
    pub fn older_than(&self, age: Duration) -> io::Result<Vec<[u8; 32]>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest = hex::decode(name.trim_end_matches(PART)).ok();
            let digest: Option<[u8; 32]> = digest.and_then(|bytes| bytes.try_into().ok());
            let touched = entry.metadata().and_then(|data| data.modified()).ok();
            let old = touched.is_none_or(|at| SystemTime::now().duration_since(at).is_ok_and(|is| is >= age));
            found.extend(digest.filter(|_| old));
        }
        Ok(found)
    }

    /// Encrypts so many bytes under a fresh key, in constant memory, and keeps the ciphertext durably.
    pub fn seal(&self, content: &mut dyn Read, bytes: u64) -> Result<LocalFile, Failure> {
        let sealing = Sealing::new(bytes)?;
        let mut name = [0; 8];
        UnwrapErr(SysRng).fill_bytes(&mut name);
        let path = self.folder.join(format!("{NEW}{}", hex::encode(name)));
        let sealed = self.seal_into(&path, content, sealing);
        if sealed.is_err() {
            let _ = fs::remove_file(&path);
        }
        sealed
    }

    fn seal_into(
        &self,
        path: &Path,
        content: &mut dyn Read,
        mut sealing: Sealing,
    ) -> Result<LocalFile, Failure> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(disk)?;
        let mut chunk = Vec::new();
        while sealing.next(content, &mut chunk)? {
            file.write_all(&chunk).map_err(disk)?;
        }
        let local = sealing.finish(content)?;
        file.sync_all().map_err(disk)?;
        fs::rename(path, self.path(&local.digest)).map_err(disk)?;
        Ok(local)
    }

    /// Decrypts a file into one that is not there yet, in constant memory. What is wrong with it leaves nothing.
    pub fn save(&self, file: &Attachment, to: &Path) -> Result<(), Failure> {
        let layout = layout_of(file)?;
        let mut sealed = self.open_sealed(&file.digest).map_err(disk)?;
        let target = OpenOptions::new().write(true).create_new(true).open(to).map_err(|error| {
            Failure::user("cannotSave", format!("{} cannot be written: {error}", to.display()))
        })?;
        let opener = opener_of(file, layout);
        let saved = copy_open(&mut sealed, target, &opener, layout);
        if saved.is_err() {
            let _ = fs::remove_file(to);
        }
        saved
    }

    /// The content of a small file.
    pub fn read(&self, file: &Attachment) -> Result<Vec<u8>, Failure> {
        content_of(&mut self.open_sealed(&file.digest).map_err(disk)?, file)
    }
}

fn copy_open(sealed: &mut File, target: File, opener: &Opener, layout: Layout) -> Result<(), Failure> {
    let mut target = BufWriter::new(target);
    open_into(sealed, &mut target, opener, layout)?;
    target.into_inner().map_err(|error| disk(error.into_error()))?.sync_all().map_err(disk)
}
