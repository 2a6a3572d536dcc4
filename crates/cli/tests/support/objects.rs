//! Where a server keeps files: a folder, or a real S3 server.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::s3::S3;
use super::{Server, files};

/// See the module.
pub enum Kept {
    Folder,
    S3(S3),
}

impl Kept {
    pub fn flags(&self) -> Vec<String> {
        match self {
            Self::Folder => Vec::new(),
            Self::S3(s3) => s3.flags(),
        }
    }

    /// What is kept, ciphertexts in files.
    pub fn all(&self, server: &Server) -> (TempDir, Vec<PathBuf>) {
        let copy = TempDir::new().unwrap();
        let found = match self {
            Self::Folder => {
                let folder = server.data_dir().join("media");
                if folder.exists() { files(&folder) } else { Vec::new() }
            }
            Self::S3(s3) => {
                s3.run(&["dump", &copy.path().to_string_lossy()]);
                files(copy.path())
            }
        };
        (copy, found)
    }

    pub fn bytes(&self, server: &Server) -> u64 {
        match self {
            Self::Folder => {
                let (_copy, found) = self.all(server);
                found.iter().map(|file| fs::metadata(file).map_or(0, |data| data.len())).sum()
            }
            Self::S3(s3) => s3.list().iter().map(|(bytes, _)| bytes).sum(),
        }
    }

    /// Changes a byte of the only file that is there.
    pub fn corrupt(&self, server: &Server, place: usize) {
        match self {
            Self::Folder => {
                let (_copy, found) = self.all(server);
                let mut bytes = fs::read(&found[0]).unwrap();
                bytes[place] ^= 0x40;
                fs::write(&found[0], bytes).unwrap();
            }
            Self::S3(s3) => {
                let first = s3.list().into_iter().find(|(_, key)| key.ends_with("/0")).unwrap();
                s3.run(&["flip", &first.1, &place.to_string()]);
            }
        }
    }
}
