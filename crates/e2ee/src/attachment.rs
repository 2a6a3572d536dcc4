//! Files, encrypted in chunks: written in one pass, resumed anywhere, read at any offset, in constant memory.
//!
//! A file has a key of its own, 32 random bytes, that travels in the message. From it HKDF-SHA256 (no salt) gives,
//! under a label for each purpose, a ChaCha20-Poly1305 key (RFC 8439) and 7 bytes of nonce. Chunk `i` is encrypted
//! under nonce = those 7 bytes ‖ `i` (4 bytes, big-endian) ‖ 1 if it is the last chunk, 0 otherwise: the STREAM
//! construction ("Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", Hoang, Reyhanitabar,
//! Rogaway, Vizár, section 7). So a chunk that is changed, moved, doubled, left out or cut off is noticed by itself,
//! and only it has to be fetched again.
//!
//! The content is followed by zeros up to a bucket of Padmé (see [`crate::padding`]), because a size alone can name
//! a film. How long it really is stands in the message.
//!
//! **Whoever has the key can make other chunks that open**: every recipient has it. What pins a file for all of
//! them is its [`Digest`], BLAKE3 over the whole ciphertext, which travels in the message too. A reader that has
//! everything compares it; one that shows a film while it comes trusts the other recipients until then.

use blake3::Hasher;
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::Error;
use crate::kdf::{hkdf, part};
use crate::limits::ATTACHMENT_MAX_BYTES;
use crate::padding::bucket;

/// Content of a chunk, bytes; the last one may be shorter.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that encryption adds to each chunk.
pub const TAG_BYTES: usize = 16;
/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;

const PREFIX_BYTES: usize = 7;

/// What of a message is encrypted: a key serves once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The file itself.
    File,
    /// A smaller picture of it.
    Thumbnail,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::File => b"Waxwing attachment file",
            Self::Thumbnail => b"Waxwing attachment thumbnail",
        }
    }
}

/// Key of one file. Whoever has it can read the file, and make others that pass for it but for the digest.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct AttachmentKey([u8; 32]);

impl AttachmentKey {
    /// A fresh one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        Self(key)
    }

    /// As it stands in a message.
    #[must_use]
    pub const fn from_bytes(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// For the message.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// BLAKE3 of the whole ciphertext.
pub type Digest = [u8; DIGEST_BYTES];

/// Where the chunks of a file are. Sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    content: u64,
    padded: u64,
}

/// Where one chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its first byte in the ciphertext.
    pub sealed_at: u64,
    /// Its length in the ciphertext, with the tag.
    pub sealed_bytes: usize,
    /// Its first byte in the content.
    pub content_at: u64,
    /// Its length in the content; 0: padding only.
    pub content_bytes: usize,
    /// Nothing comes after it.
    pub last: bool,
}

impl Layout {
    /// Of a file with so many bytes of content.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`ATTACHMENT_MAX_BYTES`].
    pub fn new(content_bytes: u64) -> Result<Self, Error> {
        if content_bytes > ATTACHMENT_MAX_BYTES {
            return Err(Error::TooLarge);
        }
        Ok(Self { content: content_bytes, padded: bucket(content_bytes.max(1)) })
    }

    /// Bytes of content.
    #[must_use]
    pub const fn content_bytes(&self) -> u64 {
        self.content
    }

    /// How many chunks there are; at least one.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        u32::try_from(self.padded.div_ceil(CHUNK_BYTES as u64)).expect("the largest file has fewer")
    }

    /// Bytes of ciphertext.
    #[must_use]
    pub fn sealed_bytes(&self) -> u64 {
        self.padded + u64::from(self.chunks()) * TAG_BYTES as u64
    }

    /// Where a chunk is; `None`: there is none with this number.
    #[must_use]
    pub fn chunk(&self, index: u32) -> Option<Chunk> {
        if index >= self.chunks() {
            return None;
        }
        let within = |size: u64, at: u64| {
            usize::try_from(size.saturating_sub(at).min(CHUNK_BYTES as u64)).expect("at most a chunk")
        };
        let content_at = u64::from(index) * CHUNK_BYTES as u64;
        Some(Chunk {
            sealed_at: u64::from(index) * (CHUNK_BYTES + TAG_BYTES) as u64,
            sealed_bytes: within(self.padded, content_at) + TAG_BYTES,
            content_at,
            content_bytes: within(self.content, content_at),
            last: index + 1 == self.chunks(),
        })
    }

    /// Which chunk has this byte of the content; `None`: it is behind the end.
    #[must_use]
    pub fn chunk_with(&self, content_at: u64) -> Option<u32> {
        (content_at < self.content).then(|| u32::try_from(content_at / CHUNK_BYTES as u64).ok()).flatten()
    }
}

/// Encrypts and decrypts the chunks of one file. The cipher wipes its key when it is dropped.
struct Stream {
    cipher: ChaCha20Poly1305,
    prefix: [u8; PREFIX_BYTES],
}

impl Stream {
    fn new(key: &AttachmentKey, purpose: Purpose) -> Self {
        let block = hkdf::<39>(None, &key.0, &[purpose.label()]);
        let cipher_key: Zeroizing<[u8; 32]> = part(block.as_ref(), 0);
        Self { cipher: ChaCha20Poly1305::new(&(*cipher_key).into()), prefix: *part(block.as_ref(), 32) }
    }

    fn nonce(&self, index: u32, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        let (prefix, rest) = nonce.split_at_mut(PREFIX_BYTES);
        prefix.copy_from_slice(&self.prefix);
        let (counter, flag) = rest.split_at_mut(4);
        counter.copy_from_slice(&index.to_be_bytes());
        flag.fill(u8::from(last));
        nonce.into()
    }
}

/// BLAKE3 works on many of its chunks at once, but only on such as begin where a whole tree of them does. Ciphertext
/// comes in pieces that are 16 bytes longer than that: what stands over is kept until it can be hashed with what
/// follows.
#[derive(Default)]
struct Hash {
    hasher: Hasher,
    /// Less than [`TREE_BYTES`].
    over: Vec<u8>,
}

/// As many of BLAKE3's chunks, of 1,024 bytes, as the widest vectors of processors take.
const TREE_BYTES: usize = 16 * 1_024;

impl Hash {
    fn update(&mut self, bytes: &[u8]) {
        let fills = if self.over.is_empty() { 0 } else { TREE_BYTES - self.over.len() };
        let Some((first, rest)) = bytes.split_at_checked(fills) else {
            return self.over.extend_from_slice(bytes);
        };
        if fills > 0 {
            self.over.extend_from_slice(first);
            self.hasher.update(&self.over);
            self.over.clear();
        }
        let (whole, over) = rest.split_at(rest.len() - rest.len() % TREE_BYTES);
        self.hasher.update(whole);
        self.over.extend_from_slice(over);
    }

    fn finish(mut self) -> blake3::Hash {
        self.hasher.update(&self.over);
        self.hasher.finalize()
    }
}

/// Encrypts a file from its beginning to its end.
pub struct Sealer {
    stream: Stream,
    layout: Layout,
    next: u32,
    hash: Hash,
}

impl Sealer {
    /// For a file of this layout. A key serves for one file and purpose only; what is sealed again under it must
    /// be the same content, as when an upload is resumed.
    #[must_use]
    pub fn new(key: &AttachmentKey, purpose: Purpose, layout: Layout) -> Self {
        Self { stream: Stream::new(key, purpose), layout, next: 0, hash: Hash::default() }
    }

    /// The chunk that comes next; `None`: all are sealed.
    #[must_use]
    pub fn next(&self) -> Option<Chunk> {
        self.layout.chunk(self.next)
    }

    /// Makes ciphertext of the next chunk's content, in place: as many bytes as [`Chunk::content_bytes`] says.
    ///
    /// # Errors
    /// [`Error::InvalidMessage`] when it has another length, or nothing comes next; then it is unchanged.
    pub fn seal(&mut self, content: &mut Vec<u8>) -> Result<(), Error> {
        const WRONG: Error = Error::InvalidMessage("length of a chunk");
        let chunk = self.next().filter(|chunk| chunk.content_bytes == content.len()).ok_or(WRONG)?;
        content.resize(chunk.sealed_bytes - TAG_BYTES, 0);
        let nonce = self.stream.nonce(self.next, chunk.last);
        let tag = self
            .stream
            .cipher
            .encrypt_inout_detached(&nonce, &[], content.as_mut_slice().into())
            .map_err(|_| WRONG)?;
        content.extend_from_slice(&tag);
        self.hash.update(content);
        self.next += 1;
        Ok(())
    }

    /// The digest for the message.
    ///
    /// # Errors
    /// [`Error::InvalidMessage`] when chunks are missing.
    pub fn finish(self) -> Result<Digest, Error> {
        match self.next() {
            None => Ok(*self.hash.finish().as_bytes()),
            Some(_) => Err(Error::InvalidMessage("end of a file")),
        }
    }
}

/// Decrypts chunks of a file, in any order.
pub struct Opener {
    stream: Stream,
    layout: Layout,
}

impl Opener {
    /// For a file of which the message says that it has this layout.
    #[must_use]
    pub fn new(key: &AttachmentKey, purpose: Purpose, layout: Layout) -> Self {
        Self { stream: Stream::new(key, purpose), layout }
    }

    /// Makes content of a chunk's ciphertext, in place.
    ///
    /// # Errors
    /// [`Error::InvalidMessage`] when it was altered or is another chunk: fetch it again. It is garbage then.
    pub fn open(&self, index: u32, sealed: &mut Vec<u8>) -> Result<(), Error> {
        const FALSE: Error = Error::InvalidMessage("chunk of a file");
        let chunk = self.layout.chunk(index).ok_or(FALSE)?;
        if sealed.len() != chunk.sealed_bytes {
            return Err(FALSE);
        }
        let (content, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>().ok_or(FALSE)?;
        let tag = Tag::from(*tag);
        let nonce = self.stream.nonce(index, chunk.last);
        self.stream.cipher.decrypt_inout_detached(&nonce, &[], content.into(), &tag).map_err(|_| FALSE)?;
        sealed.truncate(chunk.content_bytes);
        Ok(())
    }
}

/// Compares a whole ciphertext, as it comes, with the digest in the message.
#[derive(Default)]
pub struct Verifier(Hash);

impl Verifier {
    /// The next bytes of the ciphertext.
    pub fn update(&mut self, sealed: &[u8]) {
        self.0.update(sealed);
    }

    /// Whether that was the file that the sender meant.
    ///
    /// # Errors
    /// [`Error::InvalidMessage`] when it was not.
    pub fn finish(self, expected: &Digest) -> Result<(), Error> {
        if bool::from(self.0.finish().as_bytes().ct_eq(expected)) {
            Ok(())
        } else {
            Err(Error::InvalidMessage("digest of a file"))
        }
    }
}

#[cfg(test)]
mod tests;
