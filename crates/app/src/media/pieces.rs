//! Ciphertexts as they lie in a [`super::Vault`], wherever that is: read and written in chunks.

use std::io::{self, Read, Seek, SeekFrom, Write};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use waxwing_client::LocalFile;
use waxwing_client::attachment::{AttachmentKey, Chunk, Layout, Opener, Purpose, Sealer, TAG_BYTES};
use waxwing_wire::attachment::Attachment;

use super::{DAMAGED, disk};
use crate::api::{Failure, Fault};
use crate::limits::MAX_FILE_CONTENT_BYTES;

/// A whole chunk of a ciphertext.
pub const CHUNK_SEALED_BYTES: usize = waxwing_client::attachment::CHUNK_BYTES + TAG_BYTES;

/// A ciphertext, or what is here of one.
pub trait Pieces: Read + Write + Seek {
    /// How much of it is here.
    fn size(&self) -> io::Result<u64>;

    /// Nothing is behind so many bytes.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;

    /// What was written stays, whatever happens.
    fn make_durable(&mut self) -> io::Result<()>;
}

#[cfg(not(target_family = "wasm"))]
impl Pieces for std::fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Where the chunks of a file are.
pub fn layout_of(file: &Attachment) -> Result<Layout, Failure> {
    Layout::new(file.bytes).map_err(|_| Failure::user("fileTooLarge", "a file has at most 2 GiB"))
}

/// Opens the chunks of a file.
pub fn opener_of(attachment: &Attachment, layout: Layout) -> Opener {
    Opener::new(&AttachmentKey::from_bytes(attachment.key), Purpose::File, layout)
}

/// A file that is being encrypted under a fresh key, chunk by chunk.
pub struct Sealing {
    key: AttachmentKey,
    layout: Layout,
    sealer: Sealer,
    hash: blake3::Hasher,
}

impl Sealing {
    /// Of so many bytes.
    pub fn new(bytes: u64) -> Result<Self, Failure> {
        let layout =
            Layout::new(bytes).map_err(|_| Failure::user("fileTooLarge", "a file has at most 2 GiB"))?;
        let key = AttachmentKey::generate(&mut UnwrapErr(SysRng));
        let sealer = Sealer::new(&key, Purpose::File, layout);
        Ok(Self { key, layout, sealer, hash: blake3::Hasher::new() })
    }

    /// The next chunk's ciphertext, in the place of what was in `chunk`; `false`: that was all.
    pub fn next(&mut self, content: &mut dyn Read, chunk: &mut Vec<u8>) -> Result<bool, Failure> {
        let Some(next) = self.sealer.next() else { return Ok(false) };
        chunk.clear();
        content.take(next.content_bytes as u64).read_to_end(chunk).map_err(disk)?;
        self.hash.update(chunk);
        self.sealer.seal(chunk).map_err(|_| changed())?;
        Ok(true)
    }

    /// What it is, after the last chunk.
    pub fn finish(self, content: &mut dyn Read) -> Result<LocalFile, Failure> {
        if content.read(&mut [0]).map_err(disk)? > 0 {
            return Err(changed());
        }
        let digest = self.sealer.finish().map_err(|_| changed())?;
        let content = *self.hash.finalize().as_bytes();
        Ok(LocalFile { digest, key: *self.key.as_bytes(), bytes: self.layout.content_bytes(), content })
    }
}

fn changed() -> Failure {
    Failure::user("fileChanged", "the file changed while it was read; try again")
}

/// Reads one chunk's ciphertext.
pub fn read_sealed(file: &mut dyn Pieces, chunk: Chunk, into: &mut Vec<u8>) -> io::Result<()> {
    into.resize(chunk.sealed_bytes, 0);
    file.seek(SeekFrom::Start(chunk.sealed_at))?;
    file.read_exact(into)
}

/// Decrypts all of it.
pub fn open_into(
    sealed: &mut dyn Pieces,
    target: &mut dyn Write,
    opener: &Opener,
    layout: Layout,
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for (index, chunk) in (0..layout.chunks()).filter_map(|index| Some((index, layout.chunk(index)?))) {
        read_sealed(sealed, chunk, &mut bytes).map_err(disk)?;
        opener.open(index, &mut bytes).map_err(|_| damaged())?;
        target.write_all(&bytes).map_err(disk)?;
    }
    Ok(())
}

/// The content of a small file.
pub fn content_of(sealed: &mut dyn Pieces, file: &Attachment) -> Result<Vec<u8>, Failure> {
    let layout = layout_of(file)?;
    if layout.content_bytes() > MAX_FILE_CONTENT_BYTES {
        return Err(Failure::user("fileTooLarge", "the file is too large to be given out so; save it"));
    }
    let mut content = Vec::new();
    open_into(sealed, &mut content, &opener_of(file, layout), layout)?;
    Ok(content)
}

pub fn damaged() -> Failure {
    Failure::new(Fault::Device, DAMAGED, "the file is damaged on this device; save it, and it is mended")
}
