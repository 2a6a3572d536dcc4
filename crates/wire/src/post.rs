//! What people write, and what they do about it. See `proto/content.proto`.

use bytes::Bytes;
use prost::Message;

use crate::attachment::{Attachment, AttachmentKind, kinds_to_pb, read_all, read_kinds};
use crate::content::{MessageName, name_from_pb, name_to_pb};
use crate::error::Malformed;
use crate::id::{AccountId, DeviceAddress, DeviceId};
use crate::limits::{
    MAX_CARD_BYTES, MAX_CIPHERTEXT_BYTES, MAX_LABEL_BYTES, MAX_PREVIEW_IMAGE_BYTES, MAX_QUOTE_BYTES,
    MAX_REACTION_BYTES, MAX_TEXT_BYTES, MAX_URL_BYTES, POLL_OPTIONS,
};
use crate::pb::content as pb;
use crate::scan::{ACT, scan};
use crate::shared::{at_most, text};

/// What somebody writes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Post {
    /// At most [`MAX_TEXT_BYTES`]; of a poll the question, of an event the title.
    pub text: String,
    /// Formatting and mentions, at most [`crate::limits::MAX_SPANS`]; each within the text, at boundaries of
    /// characters.
    pub spans: Vec<Span>,
    /// It answers another message.
    pub quote: Option<Box<Quote>>,
    /// How many times it was passed on; 0: written by its sender.
    pub forwards: u32,
    /// Seconds after it was sent until it disappears everywhere; 0: stays.
    pub lifetime_s: u32,
    /// To be seen once.
    pub once: bool,
    /// What a link in the text leads to.
    pub preview: Option<Box<Preview>>,
    /// What comes with the text.
    pub card: Option<Box<Card>>,
    /// Files, at most [`crate::limits::MAX_ATTACHMENTS`]; the text is their caption. Beside them there is neither a
    /// preview nor a card.
    pub attachments: Vec<Attachment>,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub start: u32,
    /// Its bytes, at least one.
    pub bytes: u32,
    /// How it looks, or whom it names.
    pub style: Style,
}

/// How a part of a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Names an account.
    Mention(AccountId),
}

/// The message that another one answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub message: MessageName,
    /// What it said, as its answerer saw it; at most [`MAX_QUOTE_BYTES`].
    pub text: String,
    /// Kinds of its files, as its answerer saw them; at most [`crate::limits::MAX_ATTACHMENTS`].
    pub attachments: Vec<AttachmentKind>,
}

/// What a link leads to, as the sender found it.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// The link, at most [`MAX_URL_BYTES`].
    pub url: String,
    /// At most [`MAX_LABEL_BYTES`].
    pub title: String,
    /// At most [`MAX_LABEL_BYTES`].
    pub description: String,
    /// A small image file, at most [`MAX_PREVIEW_IMAGE_BYTES`]; empty: none.
    pub image: Bytes,
}

/// What comes with a text.
#[derive(Clone, PartialEq, Eq)]
pub enum Card {
    /// Somebody.
    Contact {
        /// At most [`MAX_LABEL_BYTES`].
        name: String,
        /// The account, if it is known to be here.
        account: Option<AccountId>,
        /// vCard 4.0, at most [`MAX_CARD_BYTES`]; empty: none.
        details: String,
    },
    /// Somewhere.
    Place(Place),
    /// A question; the text is the question.
    Poll {
        /// As many as [`POLL_OPTIONS`] says, each at most [`MAX_LABEL_BYTES`] and not empty.
        options: Vec<String>,
        /// More than one may be chosen.
        several: bool,
    },
    /// Something that is going to happen; the text is its title.
    Event {
        /// Milliseconds since 1970.
        starts_at_ms: u64,
        /// Milliseconds since 1970; 0: open.
        ends_at_ms: u64,
        /// At most [`MAX_LABEL_BYTES`].
        place: String,
    },
}

/// Somewhere on Earth.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// 10^-7 degrees, north positive, at most 90 degrees.
    pub latitude_e7: i32,
    /// 10^-7 degrees, east positive, at most 180 degrees.
    pub longitude_e7: i32,
    /// Metres; 0: not known.
    pub accuracy_m: u32,
    /// At most [`MAX_LABEL_BYTES`].
    pub name: String,
    /// Seconds after it was sent for which it is kept up to date; 0: it stays as it is.
    pub live_s: u32,
}

/// Something that somebody does about a message or a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Act {
    /// About which message; `None`: about the conversation.
    pub target: Option<MessageName>,
    /// When that message was sent, by its sender's clock; milliseconds since 1970.
    pub sent_at_ms: u64,
    /// Of two acts about the same the one with the larger (`at`, account, device, bytes) stays. Milliseconds
    /// since 1970, or one more than what it replaces.
    pub at: u64,
    /// What.
    pub deed: Deed,
}

/// What somebody does.
#[derive(Clone, PartialEq, Eq)]
pub enum Deed {
    /// An emoji, at most [`MAX_REACTION_BYTES`]; empty: none any more.
    React(String),
    /// The sender says it otherwise.
    Edit(Box<Post>),
    /// For everyone.
    Delete,
    /// Above the conversation until then, milliseconds since 1970; 0: not.
    Pin(u64),
    /// Though it would disappear.
    Keep(bool),
    /// Chosen options of a poll, by number from 0.
    Vote(Vec<u8>),
    /// To an event.
    Answer(Answer),
    /// Where the sender of a live location is now; with `live_s` 0 it has ended.
    Live(Place),
    /// What was to be seen once was seen.
    Opened,
    /// What is written in the conversation from now on disappears so many seconds later; 0: stays.
    Lifetime(u32),
    /// A newer version knows.
    Unknown,
}

/// Whether somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Taken back.
    None,
    /// Comes.
    Yes,
    /// Does not.
    No,
    /// Does not know yet.
    Perhaps,
}

/// An act, and whose.
#[derive(Clone, PartialEq, Eq)]
pub struct ActBy {
    /// The device that did it.
    pub by: DeviceAddress,
    /// What.
    pub act: Act,
}

impl Post {
    /// A text and nothing else.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_pb().encode_to_vec()
    }

    /// Reads [`Self::encode`], from this device's own database.
    ///
    /// # Errors
    /// [`Malformed`] names the part that breaks the schema or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        scan(bytes, crate::scan::POST)?;
        let post = pb::Post::decode(Bytes::copy_from_slice(bytes)).map_err(|_| Malformed::new("Post"))?;
        post.try_into()
    }

    /// Everything but the text, for rows that hold the text by itself; `None`: there is nothing else.
    #[must_use]
    pub fn encode_rest(&self) -> Option<Vec<u8>> {
        let rest = pb::Post { text: String::new(), ..self.to_pb() };
        (rest != pb::Post::default()).then(|| rest.encode_to_vec())
    }

    /// Puts together what [`Self::encode_rest`] took apart.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_rest(text: String, rest: &[u8]) -> Result<Self, Malformed> {
        let rest = pb::Post::decode(Bytes::copy_from_slice(rest)).map_err(|_| Malformed::new("Post"))?;
        pb::Post { text, ..rest }.try_into()
    }

    pub(crate) fn to_pb(&self) -> pb::Post {
        let mention = |span: &Span| match span.style {
            Style::Mention(account) => Some(Bytes::copy_from_slice(&account.0)),
            _ => None,
        };
        pb::Post {
            text: self.text.clone(),
            span: self.spans.iter().flat_map(|span| [span.start, span.bytes, span.style.number()]).collect(),
            mention: self.spans.iter().filter_map(mention).collect(),
            quote: self.quote.as_ref().map(|quote| pb::Quote {
                message: Some(name_to_pb(&quote.message)),
                text: quote.text.clone(),
                attachment: kinds_to_pb(&quote.attachments),
            }),
            forwards: self.forwards,
            lifetime: self.lifetime_s,
            once: self.once,
            preview: self.preview.as_ref().map(|preview| pb::Preview {
                url: preview.url.clone(),
                title: preview.title.clone(),
                description: preview.description.clone(),
                image: preview.image.clone(),
            }),
            card: self.card.as_ref().map(|card| card.to_pb()),
            attachment: self.attachments.iter().map(Attachment::to_pb).collect(),
        }
    }
}

impl TryFrom<pb::Post> for Post {
    type Error = Malformed;

    fn try_from(post: pb::Post) -> Result<Self, Malformed> {
        let text = text(post.text, MAX_TEXT_BYTES, "Post.text")?;
        let spans = spans(&text, &post.span, &post.mention)?;
        let attachments = read_all(post.attachment)?;
        // So a message has a bound that is less than the sum of all that one may hold.
        let alone = attachments.is_empty();
        Ok(Self {
            text,
            spans,
            quote: post.quote.map(Quote::try_from).transpose()?.map(Box::new),
            forwards: post.forwards,
            lifetime_s: post.lifetime,
            once: post.once,
            preview: post.preview.filter(|_| alone).map(Preview::try_from).transpose()?.map(Box::new),
            card: post.card.filter(|_| alone).map(Card::try_from).transpose()?.map(Box::new),
            attachments,
        })
    }
}

/// What fits the text. Whatever does not is left out rather than the message with it.
fn spans(text: &str, numbers: &[u32], mentions: &[Bytes]) -> Result<Vec<Span>, Malformed> {
    let mut mentions = mentions.iter();
    let mut spans = Vec::new();
    for triple in numbers.chunks_exact(3) {
        let [start, bytes, style] = *triple else { continue };
        let style = match style {
            1 => Style::Bold,
            2 => Style::Italic,
            3 => Style::Strike,
            4 => Style::Monospace,
            5 => Style::Spoiler,
            6 => match mentions.next() {
                Some(account) => Style::Mention(AccountId::parse(account, "Post.mention")?),
                None => continue,
            },
            _ => continue,
        };
        let end = start.checked_add(bytes).and_then(|end| usize::try_from(end).ok());
        let inside = |end: usize| {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            text.get(start..end).is_some_and(|part| !part.is_empty())
        };
        if end.is_some_and(inside) {
            spans.push(Span { start, bytes, style });
        }
    }
    Ok(spans)
}

impl Style {
    const fn number(self) -> u32 {
        match self {
            Self::Bold => 1,
            Self::Italic => 2,
            Self::Strike => 3,
            Self::Monospace => 4,
            Self::Spoiler => 5,
            Self::Mention(_) => 6,
        }
    }
}

impl TryFrom<pb::Quote> for Quote {
    type Error = Malformed;

    fn try_from(quote: pb::Quote) -> Result<Self, Malformed> {
        Ok(Self {
            message: name_from_pb(quote.message.ok_or(Malformed::new("Quote.message"))?)?,
            text: text(quote.text, MAX_QUOTE_BYTES, "Quote.text")?,
            attachments: read_kinds(&quote.attachment)?,
        })
    }
}

impl TryFrom<pb::Preview> for Preview {
    type Error = Malformed;

    fn try_from(preview: pb::Preview) -> Result<Self, Malformed> {
        Ok(Self {
            url: text(preview.url, MAX_URL_BYTES, "Preview.url")?,
            title: text(preview.title, MAX_LABEL_BYTES, "Preview.title")?,
            description: text(preview.description, MAX_LABEL_BYTES, "Preview.description")?,
            image: at_most(preview.image, MAX_PREVIEW_IMAGE_BYTES, "Preview.image")?,
        })
    }
}

impl Card {
    fn to_pb(&self) -> pb::post::Card {
        use pb::post::Card as Pb;
        match self {
            Self::Contact { name, account, details } => Pb::Contact(pb::ContactCard {
                name: name.clone(),
                account: account.map(|account| Bytes::copy_from_slice(&account.0)).unwrap_or_default(),
                details: details.clone(),
            }),
            Self::Place(place) => Pb::Place(place.to_pb()),
            Self::Poll { options, several } => {
                Pb::Poll(pb::Poll { option: options.clone(), several: *several })
            }
            Self::Event { starts_at_ms, ends_at_ms, place } => {
                Pb::Event(pb::Event { starts_at: *starts_at_ms, ends_at: *ends_at_ms, place: place.clone() })
            }
        }
    }
}

impl TryFrom<pb::post::Card> for Card {
    type Error = Malformed;

    fn try_from(card: pb::post::Card) -> Result<Self, Malformed> {
        use pb::post::Card as Pb;
        Ok(match card {
            Pb::Contact(contact) => Self::Contact {
                name: text(contact.name, MAX_LABEL_BYTES, "ContactCard.name")?,
                account: if contact.account.is_empty() {
                    None
                } else {
                    Some(AccountId::parse(&contact.account, "ContactCard.account")?)
                },
                details: text(contact.details, MAX_CARD_BYTES, "ContactCard.details")?,
            },
            Pb::Place(place) => Self::Place(place.try_into()?),
            Pb::Poll(poll) => {
                let option = |option: String| {
                    let option = text(option, MAX_LABEL_BYTES, "Poll.option")?;
                    if option.is_empty() { Err(Malformed::new("Poll.option")) } else { Ok(option) }
                };
                if !POLL_OPTIONS.contains(&poll.option.len()) {
                    return Err(Malformed::new("Poll.option"));
                }
                Self::Poll {
                    options: poll.option.into_iter().map(option).collect::<Result<_, _>>()?,
                    several: poll.several,
                }
            }
            Pb::Event(event) => Self::Event {
                starts_at_ms: event.starts_at,
                ends_at_ms: event.ends_at,
                place: text(event.place, MAX_LABEL_BYTES, "Event.place")?,
            },
        })
    }
}

impl Place {
    fn to_pb(&self) -> pb::Place {
        pb::Place {
            latitude: self.latitude_e7,
            longitude: self.longitude_e7,
            accuracy: self.accuracy_m,
            name: self.name.clone(),
            live: self.live_s,
        }
    }

    /// Whether the coordinates are on Earth.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.latitude_e7.unsigned_abs() <= 900_000_000 && self.longitude_e7.unsigned_abs() <= 1_800_000_000
    }
}

impl TryFrom<pb::Place> for Place {
    type Error = Malformed;

    fn try_from(place: pb::Place) -> Result<Self, Malformed> {
        let place = Self {
            latitude_e7: place.latitude,
            longitude_e7: place.longitude,
            accuracy_m: place.accuracy,
            name: text(place.name, MAX_LABEL_BYTES, "Place.name")?,
            live_s: place.live,
        };
        if place.is_valid() { Ok(place) } else { Err(Malformed::new("Place")) }
    }
}

impl Act {
    /// Protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_pb().encode_to_vec()
    }

    /// Reads [`Self::encode`].
    ///
    /// # Errors
    /// [`Malformed`] names the part that breaks the schema or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_CIPHERTEXT_BYTES {
            return Err(Malformed::new("Act"));
        }
        scan(bytes, ACT)?;
        pb::Act::decode(Bytes::copy_from_slice(bytes)).map_err(|_| Malformed::new("Act"))?.try_into()
    }

    pub(crate) fn to_pb(&self) -> pb::Act {
        pb::Act {
            target: self.target.as_ref().map(name_to_pb),
            sent_at: self.sent_at_ms,
            at: self.at,
            what: self.deed.to_pb(),
        }
    }
}

impl TryFrom<pb::Act> for Act {
    type Error = Malformed;

    fn try_from(act: pb::Act) -> Result<Self, Malformed> {
        Ok(Self {
            target: act.target.map(name_from_pb).transpose()?,
            sent_at_ms: act.sent_at,
            at: act.at,
            deed: act.what.map_or(Ok(Deed::Unknown), Deed::try_from)?,
        })
    }
}

impl Deed {
    fn to_pb(&self) -> Option<pb::act::What> {
        use pb::act::What;
        Some(match self {
            Self::React(emoji) => What::Reaction(emoji.clone()),
            Self::Edit(post) => What::Edit(post.to_pb()),
            Self::Delete => What::Delete(true),
            Self::Pin(until) => What::Pin(*until),
            Self::Keep(keep) => What::Keep(*keep),
            Self::Vote(options) => {
                What::Vote(pb::Vote { option: options.iter().map(|option| u32::from(*option)).collect() })
            }
            Self::Answer(answer) => What::Answer(*answer as u32),
            Self::Live(place) => What::Live(place.to_pb()),
            Self::Opened => What::Opened(true),
            Self::Lifetime(seconds) => What::Lifetime(*seconds),
            Self::Unknown => return None,
        })
    }
}

impl TryFrom<pb::act::What> for Deed {
    type Error = Malformed;

    fn try_from(what: pb::act::What) -> Result<Self, Malformed> {
        use pb::act::What;
        Ok(match what {
            What::Reaction(emoji) => Self::React(text(emoji, MAX_REACTION_BYTES, "Act.reaction")?),
            What::Edit(post) => Self::Edit(Box::new(post.try_into()?)),
            What::Delete(_) => Self::Delete,
            What::Pin(until) => Self::Pin(until),
            What::Keep(keep) => Self::Keep(keep),
            What::Vote(vote) => {
                let option = |number: u32| {
                    let option = u8::try_from(number).ok();
                    option.filter(|option| usize::from(*option) < *POLL_OPTIONS.end())
                };
                let options: Option<Vec<u8>> = vote.option.into_iter().map(option).collect();
                let mut options = options.ok_or(Malformed::new("Vote.option"))?;
                options.sort_unstable();
                options.dedup();
                Self::Vote(options)
            }
            What::Answer(0) => Self::Answer(Answer::None),
            What::Answer(1) => Self::Answer(Answer::Yes),
            What::Answer(2) => Self::Answer(Answer::No),
            What::Answer(3) => Self::Answer(Answer::Perhaps),
            What::Answer(_) => Self::Unknown,
            What::Live(place) => Self::Live(place.try_into()?),
            What::Opened(_) => Self::Opened,
            What::Lifetime(seconds) => Self::Lifetime(seconds),
        })
    }
}

impl ActBy {
    /// Account (16 bytes), device (1 byte), encoded act.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.by.account.0[..], &[self.by.device.number()], &self.act.encode()].concat()
    }

    /// Reads [`Self::encode`].
    ///
    /// # Errors
    /// [`Malformed`] names the part that breaks the schema or a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const WHAT: Malformed = Malformed::new("ArchivedMessage.act");
        let (account, rest) = bytes.split_first_chunk::<16>().ok_or(WHAT)?;
        let (device, act) = rest.split_first().ok_or(WHAT)?;
        let device = DeviceId::new(*device).ok_or(WHAT)?;
        let by = DeviceAddress { account: AccountId(*account), device };
        Ok(Self { by, act: Act::decode(act)? })
    }
}
