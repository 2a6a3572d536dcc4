//! The folder of ciphertexts. Each is named by its digest, so one that is there is whole; what is still coming has
//! another name. No clear text is ever in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use waxwing_client::LocalFile;
use waxwing_client::attachment::{AttachmentKey, Chunk, Layout, Opener, Purpose, Sealer};
use waxwing_wire::FileId;
use waxwing_wire::attachment::Attachment;

use super::{DAMAGED, disk};
use crate::api::{Failure, Fault};
use crate::limits::MAX_FILE_CONTENT_BYTES;

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
        let layout =
            Layout::new(bytes).map_err(|_| Failure::user("fileTooLarge", "a file has at most 2 GiB"))?;
        let mut rng = UnwrapErr(SysRng);
        let mut name = [0; 8];
        rng.fill_bytes(&mut name);
        let path = self.folder.join(format!("{NEW}{}", hex::encode(name)));
        let key = AttachmentKey::generate(&mut rng);
        let sealed = self.seal_into(&path, content, &key, layout);
        if sealed.is_err() {
            let _ = fs::remove_file(&path);
        }
        sealed
    }

    fn seal_into(
        &self,
        path: &Path,
        content: &mut dyn Read,
        key: &AttachmentKey,
        layout: Layout,
    ) -> Result<LocalFile, Failure> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(disk)?;
        let mut sealer = Sealer::new(key, Purpose::File, layout);
        let mut hash = blake3::Hasher::new();
        let mut chunk = Vec::new();
        while let Some(next) = sealer.next() {
            chunk.clear();
            content.take(next.content_bytes as u64).read_to_end(&mut chunk).map_err(disk)?;
            hash.update(&chunk);
            sealer.seal(&mut chunk).map_err(|_| changed())?;
            file.write_all(&chunk).map_err(disk)?;
        }
        if content.read(&mut [0]).map_err(disk)? > 0 {
            return Err(changed());
        }
        let digest = sealer.finish().map_err(|_| changed())?;
        file.sync_all().map_err(disk)?;
        fs::rename(path, self.path(&digest)).map_err(disk)?;
        let content = *hash.finalize().as_bytes();
        Ok(LocalFile { digest, key: *key.as_bytes(), bytes: layout.content_bytes(), content })
    }

    /// Decrypts a file into one that is not there yet, in constant memory. What is wrong with it leaves nothing.
    pub fn save(&self, file: &Attachment, to: &Path) -> Result<(), Failure> {
        let layout = layout_of(file)?;
        let mut sealed = self.open_sealed(&file.digest).map_err(disk)?;
        let target = OpenOptions::new().write(true).create_new(true).open(to).map_err(|error| {
            Failure::user("cannotSave", format!("{} cannot be written: {error}", to.display()))
        })?;
        let opener = Opener::new(&AttachmentKey::from_bytes(file.key), Purpose::File, layout);
        let saved = copy_open(&mut sealed, target, &opener, layout);
        if saved.is_err() {
            let _ = fs::remove_file(to);
        }
        saved
    }

    /// The content of a small file.
    pub fn read(&self, file: &Attachment) -> Result<Vec<u8>, Failure> {
        let layout = layout_of(file)?;
        if layout.content_bytes() > MAX_FILE_CONTENT_BYTES {
            return Err(Failure::user("fileTooLarge", "the file is too large to be given out so; save it"));
        }
        let mut sealed = self.open_sealed(&file.digest).map_err(disk)?;
        let opener = Opener::new(&AttachmentKey::from_bytes(file.key), Purpose::File, layout);
        let mut content = Vec::new();
        open_into(&mut sealed, &mut content, &opener, layout)?;
        Ok(content)
    }

    /// Reads one chunk's ciphertext.
    pub fn read_sealed(file: &mut File, chunk: Chunk, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(chunk.sealed_bytes, 0);
        file.seek(SeekFrom::Start(chunk.sealed_at))?;
        file.read_exact(into)
    }
}

/// Where the chunks of a file are.
pub fn layout_of(file: &Attachment) -> Result<Layout, Failure> {
    Layout::new(file.bytes).map_err(|_| Failure::user("fileTooLarge", "a file has at most 2 GiB"))
}

fn copy_open(sealed: &mut File, target: File, opener: &Opener, layout: Layout) -> Result<(), Failure> {
    let mut target = BufWriter::new(target);
    open_into(sealed, &mut target, opener, layout)?;
    target.into_inner().map_err(|error| disk(error.into_error()))?.sync_all().map_err(disk)
}

fn open_into(
    sealed: &mut File,
    target: &mut dyn io::Write,
    opener: &Opener,
    layout: Layout,
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for (index, chunk) in (0..layout.chunks()).filter_map(|index| Some((index, layout.chunk(index)?))) {
        Vault::read_sealed(sealed, chunk, &mut bytes).map_err(disk)?;
        opener.open(index, &mut bytes).map_err(|_| damaged())?;
        target.write_all(&bytes).map_err(disk)?;
    }
    Ok(())
}

fn changed() -> Failure {
    Failure::user("fileChanged", "the file changed while it was read; try again")
}

fn damaged() -> Failure {
    Failure::new(Fault::Device, DAMAGED, "the file is damaged on this device; save it, and it is mended")
}
