//! What something is made of, as one hash.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// Collects what counts.
#[derive(Default)]
pub struct Inputs {
    hash: Sha256,
}

impl Inputs {
    /// Bytes; where they end counts too.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A file: its content.
    pub fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        self.bytes(&fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
        Ok(())
    }

    /// Everything in a folder, but what is hidden, what was installed, and what is called so.
    pub fn folder(&mut self, folder: &Path, without: &[&str]) -> anyhow::Result<()> {
        let mut files = Vec::new();
        collect(folder, without, &mut files)?;
        files.sort();
        for file in files {
            self.text(&file.strip_prefix(folder).unwrap_or(&file).to_string_lossy());
            self.file(&file)?;
        }
        Ok(())
    }

    /// All of it.
    pub fn hash(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn collect(folder: &Path, without: &[&str], files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "node_modules" || without.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), without, files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
