//! Files: how they are uploaded, referred to and fetched.
//!
//! To the server a file is a ciphertext with an id and a size. The life of one stands in `frame.proto` at
//! `RequestUpload`; the bytes themselves go over HTTP and not through frames.

use std::fmt;

use bytes::Bytes;

use crate::directory::chunks;
use crate::error::Malformed;
use crate::id::FileId;
use crate::limits::{
    MAX_FETCHED_PER_REQUEST, MAX_FILE_BYTES, MAX_SEGMENT, MAX_SEGMENT_HEADER_BYTES, MAX_SEGMENT_HEADERS,
    MAX_SEGMENT_URLS, MAX_URL_BYTES,
};
use crate::pb::frame as pb;
use crate::shared::fixed;

/// The right to upload one file: a secret of its uploader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UploadToken(pub [u8; 32]);

/// Something about files that wants an answer of its own. The rejects stand in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRequest {
    /// Give me a ticket for a ciphertext of so many bytes, 1 to [`MAX_FILE_BYTES`]. Not parsed here: one that is too
    /// large deserves a reject that says so.
    Upload(u64),
    /// Where do these segments go?
    Segments {
        /// Of which file.
        file: FileId,
        /// Its ticket's.
        token: UploadToken,
        /// Number of the first, from 0, at most [`MAX_SEGMENT`].
        first: u32,
        /// How many, 1 to [`MAX_SEGMENT_URLS`].
        count: u32,
    },
    /// All of the file has been uploaded.
    Finish {
        /// Which file.
        file: FileId,
        /// Its ticket's.
        token: UploadToken,
    },
    /// Where is this file?
    Download {
        /// Which file.
        file: FileId,
        /// Of a file in segments: from this one on, at most [`MAX_SEGMENT`].
        first: u32,
    },
    /// This device needs these files no more. 1 to [`MAX_FETCHED_PER_REQUEST`].
    Fetched(Vec<FileId>),
}

/// See `UploadTicket` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadTicket {
    /// The file's name for good.
    pub file: FileId,
    /// Goes along with every part of the upload.
    pub token: UploadToken,
    /// Absolute, or a path at the connection's own address; empty: in segments.
    pub url: String,
    /// Until when the upload is to be complete, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Size of each segment but the last; 0: all of it goes to `url`, as tus has it.
    pub segment_bytes: u64,
}

/// See `Segments` in `frame.proto`.
#[derive(Clone, PartialEq, Eq)]
pub struct Segments {
    /// One for each segment, at most [`MAX_SEGMENT_URLS`].
    pub urls: Vec<String>,
    /// Until when they are good, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// What goes along with each PUT, name and value; at most [`MAX_SEGMENT_HEADERS`].
    pub headers: Vec<(String, String)>,
}

/// See `Download` in `frame.proto`.
#[derive(Clone, PartialEq, Eq)]
pub struct Download {
    /// Size of the ciphertext.
    pub bytes: u64,
    /// Size of each segment but the last; 0: there is one URL for all of it.
    pub segment_bytes: u64,
    /// At most [`MAX_SEGMENT_URLS`].
    pub urls: Vec<String>,
    /// Until when they are good, milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl UploadToken {
    /// 64 lower-case hexadecimal digits, as they go into the `Authorization` header.
    #[must_use]
    pub fn to_hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// What [`Self::to_hex`] wrote so.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadToken(…)")
    }
}

// The URLs are the right to what is there.
impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segments").field("urls", &self.urls.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, segment_bytes, urls, .. } = self;
        let mut shown = f.debug_struct("Download");
        shown.field("bytes", bytes).field("segment_bytes", segment_bytes).field("urls", &urls.len());
        shown.finish_non_exhaustive()
    }
}

/// One after the other.
pub(crate) fn put_ids(files: &[FileId]) -> Bytes {
    files.iter().flat_map(|file| file.0).collect()
}

/// Reads [`put_ids`].
pub(crate) fn ids(bytes: &[u8], most: usize, what: &'static str) -> Result<Vec<FileId>, Malformed> {
    Ok(chunks(bytes, most * 16, what)?.into_iter().map(FileId).collect())
}

fn id_bytes(file: FileId) -> Bytes {
    Bytes::copy_from_slice(&file.0)
}

fn token(bytes: &[u8]) -> Result<UploadToken, Malformed> {
    fixed(bytes, "upload token").map(UploadToken)
}

fn token_bytes(token: UploadToken) -> Bytes {
    Bytes::copy_from_slice(&token.0)
}

fn segment(number: u32, what: &'static str) -> Result<u32, Malformed> {
    if number > MAX_SEGMENT { Err(Malformed::new(what)) } else { Ok(number) }
}

fn urls(list: Vec<String>, what: &'static str) -> Result<Vec<String>, Malformed> {
    let good = list.len() <= MAX_SEGMENT_URLS && list.iter().all(|url| url.len() <= MAX_URL_BYTES);
    if good { Ok(list) } else { Err(Malformed::new(what)) }
}

/// What a store may want, and nothing that means something to anybody else.
fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(": ").filter(|_| line.len() <= MAX_SEGMENT_HEADER_BYTES)?;
    let stores = ["x-ms-", "x-amz-", "x-goog-"].iter().any(|begin| name.starts_with(begin));
    let named = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (stores && named && visible).then(|| (name.to_owned(), value.to_owned()))
}

impl From<&FileRequest> for pb::request::What {
    fn from(request: &FileRequest) -> Self {
        match request {
            FileRequest::Upload(bytes) => Self::RequestUpload(pb::RequestUpload { bytes: *bytes }),
            FileRequest::Segments { file, token, first, count } => {
                let (file, token) = (id_bytes(*file), token_bytes(*token));
                Self::RequestSegments(pb::RequestSegments { file, token, first: *first, count: *count })
            }
            FileRequest::Finish { file, token } => {
                Self::FinishUpload(pb::FinishUpload { file: id_bytes(*file), token: token_bytes(*token) })
            }
            FileRequest::Download { file, first } => {
                Self::RequestDownload(pb::RequestDownload { file: id_bytes(*file), first: *first })
            }
            FileRequest::Fetched(files) => Self::FetchedFiles(pb::FetchedFiles { files: put_ids(files) }),
        }
    }
}

impl TryFrom<pb::RequestUpload> for FileRequest {
    type Error = Malformed;

    fn try_from(request: pb::RequestUpload) -> Result<Self, Malformed> {
        Ok(Self::Upload(request.bytes))
    }
}

impl TryFrom<pb::RequestSegments> for FileRequest {
    type Error = Malformed;

    fn try_from(request: pb::RequestSegments) -> Result<Self, Malformed> {
        let count = request.count;
        if count == 0 || count as usize > MAX_SEGMENT_URLS {
            return Err(Malformed::new("RequestSegments.count"));
        }
        Ok(Self::Segments {
            file: FileId::parse(&request.file, "RequestSegments.file")?,
            token: token(&request.token)?,
            first: segment(request.first, "RequestSegments.first")?,
            count,
        })
    }
}

impl TryFrom<pb::FinishUpload> for FileRequest {
    type Error = Malformed;

    fn try_from(request: pb::FinishUpload) -> Result<Self, Malformed> {
        let file = FileId::parse(&request.file, "FinishUpload.file")?;
        Ok(Self::Finish { file, token: token(&request.token)? })
    }
}

impl TryFrom<pb::RequestDownload> for FileRequest {
    type Error = Malformed;

    fn try_from(request: pb::RequestDownload) -> Result<Self, Malformed> {
        let file = FileId::parse(&request.file, "RequestDownload.file")?;
        Ok(Self::Download { file, first: segment(request.first, "RequestDownload.first")? })
    }
}

impl TryFrom<pb::FetchedFiles> for FileRequest {
    type Error = Malformed;

    fn try_from(request: pb::FetchedFiles) -> Result<Self, Malformed> {
        let files = ids(&request.files, MAX_FETCHED_PER_REQUEST, "FetchedFiles.files")?;
        if files.is_empty() { Err(Malformed::new("FetchedFiles.files")) } else { Ok(Self::Fetched(files)) }
    }
}

impl From<&UploadTicket> for pb::UploadTicket {
    fn from(ticket: &UploadTicket) -> Self {
        Self {
            file: id_bytes(ticket.file),
            token: token_bytes(ticket.token),
            url: ticket.url.clone(),
            expires: ticket.expires_at_ms,
            segment_bytes: ticket.segment_bytes,
        }
    }
}

impl TryFrom<pb::UploadTicket> for UploadTicket {
    type Error = Malformed;

    fn try_from(ticket: pb::UploadTicket) -> Result<Self, Malformed> {
        // A way up there must be.
        if ticket.url.len() > MAX_URL_BYTES || ticket.url.is_empty() != (ticket.segment_bytes > 0) {
            return Err(Malformed::new("UploadTicket.url"));
        }
        Ok(Self {
            file: FileId::parse(&ticket.file, "UploadTicket.file")?,
            token: token(&ticket.token)?,
            url: ticket.url,
            expires_at_ms: ticket.expires,
            segment_bytes: ticket.segment_bytes,
        })
    }
}

impl From<&Segments> for pb::Segments {
    fn from(segments: &Segments) -> Self {
        let header = segments.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self { url: segments.urls.clone(), expires: segments.expires_at_ms, header }
    }
}

impl TryFrom<pb::Segments> for Segments {
    type Error = Malformed;

    fn try_from(segments: pb::Segments) -> Result<Self, Malformed> {
        let headers =
            segments.header.iter().map(|line| header(line).ok_or(Malformed::new("Segments.header")));
        if segments.header.len() > MAX_SEGMENT_HEADERS {
            return Err(Malformed::new("Segments.header"));
        }
        Ok(Self {
            urls: urls(segments.url, "Segments.url")?,
            expires_at_ms: segments.expires,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Download> for pb::Download {
    fn from(download: &Download) -> Self {
        Self {
            bytes: download.bytes,
            segment_bytes: download.segment_bytes,
            url: download.urls.clone(),
            expires: download.expires_at_ms,
        }
    }
}

impl TryFrom<pb::Download> for Download {
    type Error = Malformed;

    fn try_from(download: pb::Download) -> Result<Self, Malformed> {
        let pb::Download { bytes, segment_bytes, url, expires } = download;
        if bytes == 0 || bytes > MAX_FILE_BYTES {
            return Err(Malformed::new("Download.bytes"));
        }
        let urls = urls(url, "Download.url")?;
        if urls.is_empty() || (segment_bytes == 0 && urls.len() > 1) {
            return Err(Malformed::new("Download.url"));
        }
        Ok(Self { bytes, segment_bytes, urls, expires_at_ms: expires })
    }
}
