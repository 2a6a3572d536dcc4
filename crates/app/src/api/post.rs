//! What people write, and what they do about it.

use serde::{Deserialize, Serialize};

use super::{Attachment, AttachmentKind, Body};

/// What somebody writes. Only `text` is common; whatever is absent is not there.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Post {
    /// As written; may hold control characters. Of a poll the question, of an event the title.
    pub text: String,
    /// Formatting and mentions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// It answers another message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// How many times it was passed on; absent: written by its sender.
    #[serde(skip_serializing_if = "is_zero")]
    pub forwards: u32,
    /// Seconds after it was sent until it disappears everywhere; absent: as the conversation has it.
    #[serde(skip_serializing_if = "is_zero")]
    pub lifetime_s: u32,
    /// To be seen once: shown by [`super::Command::Open`] and never again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
    /// What a link in the text leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// What comes with the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Files; the text is their caption. Beside them there is neither a preview nor a card.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Post {
    /// A text and nothing else.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Body {
    /// A text and nothing else.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Text(Box::new(Post::plain(text)))
    }

    /// What somebody wrote.
    #[must_use]
    pub fn post(&self) -> Option<&Post> {
        match self {
            Self::Text(post) => Some(post),
            _ => None,
        }
    }
}

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Its first byte in UTF-8.
    pub start: u32,
    /// Its bytes in UTF-8.
    pub bytes: u32,
    /// How it looks, or whom it names.
    #[serde(flatten)]
    pub style: Style,
}

/// How a part of a text looks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "style", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Style {
    /// Heavier.
    Bold,
    /// Slanted.
    Italic,
    /// Struck through.
    Strike,
    /// With letters of one width.
    Monospace,
    /// Hidden until the reader asks for it.
    Spoiler,
    /// Names somebody.
    Mention {
        /// Whose account.
        account: String,
    },
}

/// The message that another one answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// [`super::Message::id`].
    pub message: String,
    /// What it said; filled in from the history when it is sent.
    #[serde(default)]
    pub text: String,
    /// Kinds of its files; filled in likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentKind>,
}

/// What a link leads to, as the sender found it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The link.
    pub url: String,
    /// Of the page.
    #[serde(default)]
    pub title: String,
    /// Of the page.
    #[serde(default)]
    pub description: String,
    /// A small image file, Base64; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
}

/// What comes with a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Card {
    /// Somebody.
    Contact {
        /// Their name.
        name: String,
        /// Their account, if it is known to be here.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        account: Option<String>,
        /// vCard 4.0; empty: none.
        #[serde(default)]
        details: String,
    },
    /// Somewhere.
    Place {
        /// Where.
        #[serde(flatten)]
        place: Place,
    },
    /// A question.
    Poll {
        /// 2 to 12.
        options: Vec<String>,
        /// More than one may be chosen.
        #[serde(default)]
        several: bool,
    },
    /// Something that is going to happen.
    Event {
        /// When it begins.
        starts_at_ms: u64,
        /// When it ends; 0: open.
        #[serde(default)]
        ends_at_ms: u64,
        /// Where.
        #[serde(default)]
        place: String,
    },
}

/// Somewhere on Earth.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// 10^-7 degrees, north positive.
    pub latitude_e7: i32,
    /// 10^-7 degrees, east positive.
    pub longitude_e7: i32,
    /// Metres; 0: not known.
    #[serde(default)]
    pub accuracy_m: u32,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// Seconds after it was sent for which it is kept up to date; 0: it stays as it is.
    #[serde(default)]
    pub live_s: u32,
}

/// What somebody does about a message or a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Deed {
    /// Reacts.
    React {
        /// Empty: takes the reaction back.
        emoji: String,
    },
    /// The sender says it otherwise, within 15 minutes.
    Edit {
        /// Its text, spans and preview replace the former ones.
        post: Box<Post>,
    },
    /// For everyone: the sender within 2 days, or an admin of the group.
    Delete,
    /// Above the conversation.
    Pin {
        /// Until then; 0: not any more.
        until_ms: u64,
    },
    /// A message that would disappear stays.
    Keep {
        /// Or does not.
        keep: bool,
    },
    /// Votes in a poll.
    Vote {
        /// Numbers of options from 0; none: takes the vote back.
        options: Vec<u8>,
    },
    /// Answers an invitation to an event.
    Answer {
        /// What.
        answer: Reply,
    },
    /// Says where the sender of a live location is now.
    Live {
        /// Where; with `liveS` 0 it has ended.
        place: Place,
    },
    /// What was to be seen once was seen.
    Opened,
    /// What is written in the conversation from now on disappears.
    Lifetime {
        /// So many seconds later; 0: it stays.
        seconds: u32,
    },
}

/// Whether somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// Taken back.
    None,
    /// Comes.
    Yes,
    /// Does not.
    No,
    /// Does not know yet.
    Perhaps,
}

/// What has been done about a message and holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Whose account.
    pub by: String,
    /// When, by their clock.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}
