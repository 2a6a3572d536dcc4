//! The bytes: a file for each, under its id, in 256 directories.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use waxwing_wire::FileId;

use super::keeper::Each;
use crate::store::{Room, Space};

/// A folder of this machine.
pub struct Folder {
    path: PathBuf,
    space: Space,
}

impl Folder {
    /// Opens or makes it, for its owner alone.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path, reserve_bytes: u64) -> anyhow::Result<Self> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("cannot make the folder for files {}", path.display()))?;
        Ok(Self { path: path.to_owned(), space: Space::of(path, reserve_bytes) })
    }

    fn place(&self, file: FileId) -> PathBuf {
        let name = file.to_hex();
        let (directory, _) = name.split_at(2);
        self.path.join(directory).join(&name)
    }

    /// Whether there is room for so many more bytes.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.space.room(bytes) == Room::Ample
    }

    /// How much of it is there; `None`: nothing was ever written.
    pub fn bytes(&self, file: FileId) -> Option<u64> {
        fs::metadata(self.place(file)).ok().map(|metadata| metadata.len())
    }

    /// To read.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    pub fn read(&self, file: FileId) -> io::Result<File> {
        File::open(self.place(file))
    }

    /// To write at its end. Made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn append(&self, file: FileId) -> io::Result<File> {
        let place = self.place(file);
        if let Some(directory) = place.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(place)
    }

    /// When it returns, what was written survives a crash of the machine.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn make_durable(&self, file: FileId) -> io::Result<()> {
        let place = self.place(file);
        File::open(&place)?.sync_all()?;
        place.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())?;
        File::open(&self.path)?.sync_all()
    }

    /// Deletes it. There may be nothing.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn delete(&self, file: FileId) -> io::Result<()> {
        match fs::remove_file(self.place(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// See [`super::Keeper::each`].
    pub fn each(&self, each: &mut Each<'_>) -> anyhow::Result<()> {
        for directory in fs::read_dir(&self.path).context("cannot read the folder for files")? {
            let directory = directory?.path();
            if !directory.is_dir() {
                continue;
            }
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let named = entry.file_name().to_str().and_then(FileId::from_hex);
                // What goes meanwhile is not counted.
                if let (Some(file), Ok(metadata)) = (named, entry.metadata())
                    && each(file, metadata.len())?.is_break()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
