//! What devices say to each other inside envelopes. See `proto/content.proto`.

use prost::Message;

use crate::error::Malformed;
use crate::id::MessageId;
use crate::limits::{MAX_CIPHERTEXT_BYTES, MAX_IDS_PER_RECEIPT, MAX_TEXT_BYTES};
use crate::pb::content as pb;

/// Plaintext of an encrypted envelope, before padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The sender's clock, milliseconds since 1970.
    pub sent_at_ms: u64,
    /// Counts what surfaces from one sending device in one conversation, from 1 without gaps; 0 for
    /// what does not surface.
    pub position: u64,
    /// The envelope's id, as the sender wrote it. A reader takes nothing from an envelope with another one.
    pub id: MessageId,
    /// What it says.
    pub body: Body,
}

/// The kinds of content.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A text message, at most [`MAX_TEXT_BYTES`].
    Text(String),
    /// The reader has seen these messages of yours.
    Read(Vec<MessageId>),
    /// Nothing: a first answer that completes a new session.
    Renew,
    /// Something that a newer version knows how to read.
    Unknown,
}

/// Plaintext of an unencrypted envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainContent {
    /// "I could not decrypt this message of yours."
    Retry {
        /// Which message.
        id: MessageId,
        /// How many times the device has asked for it, from 1.
        attempt: u32,
    },
}

impl Content {
    /// Protobuf bytes, to be padded and encrypted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = match &self.body {
            Body::Text(text) => Some(pb::content::Body::Text(pb::Text { text: text.clone() })),
            Body::Read(ids) => {
                Some(pb::content::Body::Read(pb::Read { id: ids.iter().map(|id| id.0).collect() }))
            }
            Body::Renew => Some(pb::content::Body::Renew(pb::Renew {})),
            Body::Unknown => None,
        };
        pb::Content { sent_at: self.sent_at_ms, position: self.position, id: self.id.0, body }.encode_to_vec()
    }

    /// Reads a decrypted and unpadded plaintext.
    ///
    /// # Errors
    /// [`Malformed`] names the part that breaks the schema or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_CIPHERTEXT_BYTES {
            return Err(Malformed::new("Content"));
        }
        let content = pb::Content::decode(bytes).map_err(|_| Malformed::new("Content"))?;
        let body = match content.body {
            Some(pb::content::Body::Text(text)) => {
                if text.text.len() > MAX_TEXT_BYTES {
                    return Err(Malformed::new("Text.text"));
                }
                Body::Text(text.text)
            }
            Some(pb::content::Body::Read(read)) => {
                if read.id.len() > MAX_IDS_PER_RECEIPT {
                    return Err(Malformed::new("Read.id"));
                }
                Body::Read(read.id.into_iter().map(MessageId).collect())
            }
            Some(pb::content::Body::Renew(_)) => Body::Renew,
            None => Body::Unknown,
        };
        Ok(Self { sent_at_ms: content.sent_at, position: content.position, id: MessageId(content.id), body })
    }
}

impl PlainContent {
    /// Protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self::Retry { id, attempt } = self;
        let retry = pb::Retry { id: id.0, attempt: *attempt };
        pb::PlainContent { body: Some(pb::plain_content::Body::Retry(retry)) }.encode_to_vec()
    }

    /// Reads the bytes of an unencrypted envelope.
    ///
    /// # Errors
    /// [`Malformed`] when they are not one of the kinds of this build.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let content = pb::PlainContent::decode(bytes).map_err(|_| Malformed::new("PlainContent"))?;
        match content.body {
            Some(pb::plain_content::Body::Retry(retry)) => {
                Ok(Self::Retry { id: MessageId(retry.id), attempt: retry.attempt })
            }
            None => Err(Malformed::new("PlainContent.body")),
        }
    }
}
