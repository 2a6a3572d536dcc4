//! What of a message can be found, and by what.
//!
//! The index knows words only, and which messages have them; where they stand in a text is looked up in the
//! text. So it stays small, a frequent word costs as little as a rare one, and what is found is right even where
//! the index is not: it brings candidates, and [`Wanted::marks`] decides.

mod fold;
mod snippet;
#[cfg(test)]
mod tests;
mod unicode;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use waxwing_client::post::Card;
use waxwing_client::{Body, Conversation, Message};
use waxwing_wire::AccountId;
use waxwing_wire::attachment::AttachmentKind;

use crate::api::MessageKind as Kind;
use crate::limits::{MAX_INDEXED_WORD_CHARACTERS, MAX_SEARCH_WORDS};
use fold::{Class, Unit, class, fold};
pub use snippet::snippet;

/// Raised when the same message would get other words; the index is then made anew.
const VERSION: u32 = 1;
/// Beginnings of words that have an entry of their own, characters: longer ones are few enough to be gathered.
const PREFIX: usize = 3;
/// What no folded text contains: it sets apart what the index holds besides words.
const MARK: char = '\u{80}';

impl Kind {
    const ALL: [Self; 10] = [
        Self::Text,
        Self::Link,
        Self::Contact,
        Self::Place,
        Self::Poll,
        Self::Event,
        Self::Photo,
        Self::Video,
        Self::Voice,
        Self::Document,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Link => "link",
            Self::Contact => "contact",
            Self::Place => "place",
            Self::Poll => "poll",
            Self::Event => "event",
            Self::Photo => "photo",
            Self::Video => "video",
            Self::Voice => "voice",
            Self::Document => "document",
        }
    }

    fn is(self, message: &Message) -> bool {
        let Some(text) = searchable(message) else { return false };
        let Body::Post(post) = &message.body else { return false };
        let card = post.card.as_deref();
        let has = |of: fn(AttachmentKind) -> Self| post.attachments.iter().any(|file| of(file.kind) == self);
        match self {
            Self::Photo | Self::Video | Self::Voice | Self::Document => has(kind_of),
            Self::Text if !post.attachments.is_empty() => !post.text.is_empty(),
            Self::Text => !text.is_empty(),
            Self::Contact => matches!(card, Some(Card::Contact { .. })),
            Self::Place => matches!(card, Some(Card::Place(_))),
            Self::Poll => matches!(card, Some(Card::Poll { .. })),
            Self::Event => matches!(card, Some(Card::Event { .. })),
            Self::Link => ["https://", "http://", "www."].iter().any(|start| text.contains(start)),
        }
    }
}

/// By what a message with such a file is found.
fn kind_of(kind: AttachmentKind) -> Kind {
    match kind {
        AttachmentKind::Photo | AttachmentKind::Sticker | AttachmentKind::Gif => Kind::Photo,
        AttachmentKind::Video => Kind::Video,
        AttachmentKind::Voice | AttachmentKind::Audio => Kind::Voice,
        AttachmentKind::Document => Kind::Document,
    }
}

/// The text by which a message can be found; `None`: it cannot be found at all. What is to be seen once is not
/// found, nor what is shown for a day.
pub fn searchable(message: &Message) -> Option<Cow<'_, str>> {
    let Body::Post(post) = &message.body else { return None };
    if post.once || matches!(message.with, Conversation::Status(_)) {
        return None;
    }
    let more = match post.card.as_deref() {
        None if !post.attachments.is_empty() => {
            let names: Vec<&str> = post.attachments.iter().map(|file| file.name.as_str()).collect();
            names.join("\n")
        }
        None => return Some(Cow::Borrowed(&post.text)),
        Some(Card::Contact { name, .. }) => name.clone(),
        Some(Card::Place(place)) => place.name.clone(),
        Some(Card::Poll { options, .. }) => options.join("\n"),
        Some(Card::Event { place, .. }) => place.clone(),
    };
    Some(Cow::Owned([post.text.as_str(), &more].join("\n")))
}

/// Names what [`words`] does: its version and those of the tables of Unicode.
pub fn version() -> String {
    let std = char::UNICODE_VERSION;
    format!("{VERSION}; {}.{}.{}; {}", std.0, std.1, std.2, unicode::versions())
}

/// What the index holds of a message, with spaces between: its text's words, beginnings of words and groups of
/// characters, and what it can be filtered by. A function of the message alone: what was put in can be taken out.
pub fn words(message: &Message) -> Option<String> {
    let units = fold(&searchable(message)?);
    let mut words = String::with_capacity(units.len() * 4);
    let mut add = |word: &str| {
        words.push_str(word);
        words.push(' ');
    };
    add(&any_word());
    add(&conversation_word(message.with));
    add(&author_word(message.key.from.account));
    Kind::ALL.into_iter().filter(|kind| kind.is(message)).for_each(|kind| add(&kind_word(kind)));
    for run in runs(&units) {
        match run.class {
            Class::Gap => {}
            Class::Word => {
                add(whole(&run.text));
                (1..=PREFIX).filter_map(|count| beginning(&run.text, count)).for_each(|word| add(&word));
            }
            Class::Sign => run.text.chars().for_each(|c| add(c.encode_utf8(&mut [0; 4]))),
            Class::Ideograph | Class::Letter => {
                (1..=3).flat_map(|count| groups(&run.text, count)).for_each(&mut add);
            }
        }
    }
    Some(words)
}

/// What somebody looks for.
pub struct Wanted {
    terms: Vec<Term>,
    with: Option<Conversation>,
    from: Option<AccountId>,
    kind: Option<Kind>,
    /// The text had something in it, but nothing that can be found.
    hopeless: bool,
}

/// Characters that have to follow each other.
struct Term(Vec<char>);

impl Wanted {
    /// Words of `text` are looked for by their beginnings, in any order; what stands in double quotes, as it
    /// stands there.
    pub fn new(text: &str, with: Option<Conversation>, from: Option<AccountId>, kind: Option<Kind>) -> Self {
        let term = |part: &str| {
            let chars: String = fold(part).iter().map(|unit| unit.c).collect();
            Some(Term(chars.trim().chars().collect())).filter(|term| !term.0.is_empty())
        };
        let quoted = |(index, part): (usize, &str)| -> Vec<Term> {
            match index % 2 {
                0 => part.split_whitespace().filter_map(term).collect(),
                _ => term(part).into_iter().collect(),
            }
        };
        let terms: Vec<Term> = text.split(['"', '“', '”', '„']).enumerate().flat_map(quoted).collect();
        let hopeless = terms.is_empty() && !text.trim().is_empty();
        Self { terms, with, from, kind, hopeless }
    }

    /// For the index; `None`: nothing is found.
    pub fn expression(&self) -> Option<String> {
        if self.hopeless {
            return None;
        }
        let mut exact = BTreeSet::new();
        let mut begun = BTreeSet::new();
        for term in &self.terms {
            term.words(&mut exact, &mut begun);
        }
        // Too many are as good as all: what is found is looked at.
        let mut parts: Vec<String> =
            begun.into_iter().map(|word| quoted(&word) + " *").take(MAX_SEARCH_WORDS).collect();
        parts.extend(exact.into_iter().take(MAX_SEARCH_WORDS).map(|word| quoted(&word)));
        parts.extend(self.with.map(|with| quoted(&conversation_word(with))));
        parts.extend(self.from.map(|from| quoted(&author_word(from))));
        parts.extend(self.kind.map(|kind| quoted(&kind_word(kind))));
        if parts.is_empty() {
            parts.push(quoted(&any_word()));
        }
        Some(parts.join(" AND "))
    }

    /// Where the text has what was looked for, in bytes, ascending and apart from each other; `None`: it is not
    /// what is wanted.
    pub fn marks(&self, message: &Message) -> Option<Vec<Range<usize>>> {
        let text = searchable(message)?;
        let wanted = self.with.is_none_or(|with| with == message.with)
            && self.from.is_none_or(|from| from == message.key.from.account)
            && self.kind.is_none_or(|kind| kind.is(message));
        if !wanted {
            return None;
        }
        if self.terms.is_empty() {
            return Some(Vec::new());
        }
        let units = fold(&text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for term in &self.terms {
            let before = found.len();
            found.extend(term.places(&units));
            if found.len() == before {
                return None;
            }
        }
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut marks: Vec<Range<usize>> = Vec::new();
        for range in found {
            match marks.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => marks.push(range),
            }
        }
        Some(marks)
    }
}

impl Term {
    /// Words that a message must have (`exact`), and beginnings of words of which it must have one (`begun`).
    fn words(&self, exact: &mut BTreeSet<String>, begun: &mut BTreeSet<String>) {
        let units: Vec<Unit> = self.0.iter().map(|c| Unit { c: *c, start: 0, end: 0 }).collect();
        let runs = runs(&units);
        let last = runs.len().saturating_sub(1);
        for (index, run) in runs.iter().enumerate() {
            let length = run.text.chars().count();
            match run.class {
                Class::Gap => {}
                Class::Word if index < last => drop(exact.insert(whole(&run.text).to_owned())),
                Class::Word if length <= PREFIX => exact.extend(beginning(&run.text, length)),
                Class::Word => drop(begun.insert(whole(&run.text).to_owned())),
                Class::Sign => exact.extend(run.text.chars().map(String::from)),
                Class::Ideograph | Class::Letter => {
                    // The longest groups are the rarest; two cover what three would where the index has no three.
                    let three: BTreeSet<&str> = groups(&run.text, 3).collect();
                    let two: Vec<&str> = groups(&run.text, 2).collect();
                    let covered = |pair: &str| three.iter().any(|group| group.contains(pair));
                    exact.extend(two.iter().filter(|pair| !covered(pair)).map(|pair| (*pair).to_owned()));
                    if two.is_empty() {
                        exact.insert(run.text.clone());
                    }
                    exact.extend(three.iter().map(|group| (*group).to_owned()));
                }
            }
        }
    }

    /// Where it stands: a word from its beginning, everything else anywhere.
    fn places<'a>(&'a self, units: &'a [Unit]) -> impl Iterator<Item = Range<usize>> + 'a {
        let word = self.0.first().is_some_and(|c| class(*c) == Class::Word);
        let mut inside = false;
        units.windows(self.0.len()).filter_map(move |window| {
            let first = window.first()?;
            let was_inside = std::mem::replace(&mut inside, class(first.c) == Class::Word);
            let begins = !(word && was_inside);
            let same = begins && window.iter().map(|unit| unit.c).eq(self.0.iter().copied());
            same.then(|| first.start..window.last().map_or(first.end, |unit| unit.end))
        })
    }
}

/// Characters that follow each other and are indexed in the same way.
struct Run {
    class: Class,
    text: String,
}

fn runs(units: &[Unit]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for unit in units {
        let class = class(unit.c);
        let joins = |run: &&mut Run| {
            let dense = |class| matches!(class, Class::Ideograph | Class::Letter);
            run.class == class || (dense(run.class) && dense(class))
        };
        match runs.last_mut().filter(joins) {
            Some(run) => run.text.push(unit.c),
            None => runs.push(Run { class, text: unit.c.to_string() }),
        }
    }
    runs
}

/// All groups of so many characters that the index has of a run. Two ideographs together are rare enough; three
/// would make almost every group one of its own.
fn groups(text: &str, count: usize) -> impl Iterator<Item = &str> {
    text.char_indices().filter_map(move |(start, _)| {
        let rest = text.get(start..)?;
        let (last, c) = rest.char_indices().nth(count - 1)?;
        let group = rest.get(..last + c.len_utf8())?;
        (count < 3 || group.chars().all(|c| class(c) == Class::Letter)).then_some(group)
    })
}

/// A word as it stands in the index.
fn whole(word: &str) -> &str {
    let end = word.char_indices().nth(MAX_INDEXED_WORD_CHARACTERS).map_or(word.len(), |(at, _)| at);
    word.get(..end).unwrap_or(word)
}

/// Entry for all words that begin so; `None` for a word that is shorter.
fn beginning(word: &str, count: usize) -> Option<String> {
    let (last, c) = word.char_indices().nth(count.checked_sub(1)?)?;
    Some(format!("{MARK}p{}", word.get(..last + c.len_utf8())?))
}

fn any_word() -> String {
    format!("{MARK}m")
}

fn kind_word(kind: Kind) -> String {
    format!("{MARK}k{}", kind.word())
}

fn conversation_word(with: Conversation) -> String {
    let (kind, id) = match with {
        Conversation::Account(account) => ('a', account.0),
        Conversation::Group(group) => ('g', group.0),
        Conversation::Status(account) => ('s', account.0),
    };
    format!("{MARK}c{kind}{}", hex::encode(id))
}

fn author_word(from: AccountId) -> String {
    format!("{MARK}f{}", from.to_hex())
}

/// A word as a string of the index's language. Words have no quotes in them; should one get in, it stays one.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}
