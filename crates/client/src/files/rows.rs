//! Rows about files. See [`crate::record`].

use zeroize::Zeroize;

use crate::record::Record;

/// A file that this device has encrypted, or had to upload; its key is the digest of its ciphertext.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct FileRow {
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// Of its content.
    #[prost(uint64, tag = "2")]
    pub bytes: u64,
    /// BLAKE3 of its content; none: not known.
    #[prost(bytes = "vec", tag = "3")]
    pub content: Vec<u8>,
    /// The server's name for it, 16 bytes; none: it is not uploaded.
    #[prost(bytes = "vec", tag = "4")]
    pub file: Vec<u8>,
    /// It is to be uploaded.
    #[prost(bool, tag = "5")]
    pub wanted: bool,
    /// It could not be, and nothing that waits for it leaves.
    #[prost(bool, tag = "6")]
    pub missing: bool,
    /// Of a ticket: the name that it will have.
    #[prost(bytes = "vec", tag = "7")]
    pub ticket: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub token: Vec<u8>,
    #[prost(string, tag = "9")]
    pub url: String,
    /// Milliseconds since 1970.
    #[prost(uint64, tag = "10")]
    pub expires_ms: u64,
    #[prost(uint64, tag = "11")]
    pub segment_bytes: u64,
    /// Milliseconds since 1970.
    #[prost(uint64, tag = "12")]
    pub added_at_ms: u64,
}

impl Drop for FileRow {
    fn drop(&mut self) {
        self.key.zeroize();
        self.token.zeroize();
    }
}

/// Which file has some content.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct ContentRow {
    /// Digest of its ciphertext.
    #[prost(bytes = "vec", tag = "1")]
    pub digest: Vec<u8>,
}

/// A message that waits for uploads; its key is the message's order.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct UnsentRow {
    /// As in keys of rows.
    #[prost(bytes = "vec", tag = "1")]
    pub message: Vec<u8>,
}

/// The server is to hear that this device needs a file no more: its key says which.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct FetchedRow {}

impl Record for FileRow {
    const NAME: &'static str = "file";
}

impl Record for ContentRow {
    const NAME: &'static str = "file content";
}

impl Record for UnsentRow {
    const NAME: &'static str = "unsent message";
}

impl Record for FetchedRow {
    const NAME: &'static str = "fetched file";
}
