//! What comes with a text, as signal-cli tells it: answers, mentions, formatting, cards. Where signal-cli has no
//! word (places and events), ours are `location` and `event`.

use serde_json::{Map, Value, json};
use waxwing_app::api::{Attachment, Card, Failure, Place, Post, Preview, Quote, Span, Style};

use super::{Directory, named};
use crate::daemon::names::{number, uuid};

/// Fields of a `dataMessage`.
pub fn told(directory: &dyn Directory, post: &Post) -> Result<Map<String, Value>, Failure> {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
    if let Some(quote) = &post.quote {
        match story_told(directory, quote)? {
            Some(story) => put("storyContext", story),
            None => put("quote", quote_told(directory, quote)?),
        }
    }
    let (mut mentions, mut styles) = (Vec::new(), Vec::new());
    for span in &post.spans {
        let Some((start, length)) = place_of(&post.text, span) else { continue };
        match &span.style {
            Style::Mention { account } => {
                let person = directory.person(account)?;
                mentions.push(json!({
                    "name": number(&person), "number": number(&person), "uuid": uuid(&person.account),
                    "start": start, "length": length,
                }));
            }
            style => styles.push(json!({ "style": style_name(style), "start": start, "length": length })),
        }
    }
    if !mentions.is_empty() {
        put("mentions", mentions.into());
    }
    if !styles.is_empty() {
        put("textStyles", styles.into());
    }
    if !post.attachments.is_empty() {
        put("attachments", post.attachments.iter().map(attachment_told).collect::<Vec<_>>().into());
    }
    if post.preview.is_some() {
        put("previews", previews(post).into());
    }
    match &post.card {
        None => {}
        Some(Card::Contact { name, account, .. }) => {
            let phone = match account {
                Some(account) => json!([{ "value": number(&directory.person(account)?), "type": "HOME" }]),
                None => json!([]),
            };
            put("contacts", json!([{ "name": { "display": name }, "phone": phone, "organization": null }]));
        }
        Some(Card::Place { place }) => put("location", place_told(place)),
        Some(Card::Poll { options, several }) => {
            let poll = json!({ "question": post.text, "allowMultiple": several, "options": options });
            put("pollCreate", poll);
        }
        Some(Card::Event { starts_at_ms, ends_at_ms, place }) => {
            let ends = (*ends_at_ms > 0).then_some(ends_at_ms);
            put("event", json!({ "title": post.text, "start": starts_at_ms, "end": ends, "place": place }));
        }
    }
    Ok(data)
}

/// A file: `getAttachment` takes its id. `kind` and `pages` are ours.
pub fn attachment_told(file: &Attachment) -> Value {
    let or_null = |number: u32| (number > 0).then_some(number);
    json!({
        "id": file.id, "contentType": file.media_type, "filename": file.name, "size": file.bytes,
        "width": or_null(file.width), "height": or_null(file.height), "caption": null, "uploadTimestamp": null,
        "kind": file.kind, "durationMs": or_null(file.duration_ms), "pages": or_null(file.pages),
    })
}

/// What links lead to: at most one.
pub fn previews(post: &Post) -> Vec<Value> {
    let told = |preview: &Preview| {
        json!({
            "url": preview.url, "title": preview.title, "description": preview.description, "image": null,
        })
    };
    post.preview.as_ref().map(told).into_iter().collect()
}

/// What is answered, if it is something that somebody shows for a day.
fn story_told(directory: &dyn Directory, quote: &Quote) -> Result<Option<Value>, Failure> {
    let Some(message) = directory.message(&quote.message)? else { return Ok(None) };
    let Some(author) = super::story_author(&message.with) else { return Ok(None) };
    let author = directory.person(author)?;
    Ok(Some(json!({
        "authorNumber": number(&author), "authorUuid": uuid(&author.account), "sentTimestamp": message.sent_at_ms,
    })))
}

/// A message that is not here any more has its author still, and no time.
fn quote_told(directory: &dyn Directory, quote: &Quote) -> Result<Value, Failure> {
    let author = quote.message.split('-').next().unwrap_or_default();
    let sent_at_ms = directory.message(&quote.message)?.map_or(0, |message| message.sent_at_ms);
    let mut told = named("author", &directory.person(author)?);
    told.insert("id".to_owned(), sent_at_ms.into());
    told.insert("text".to_owned(), quote.text.as_str().into());
    let files: Vec<Value> = quote.attachments.iter().map(|kind| json!({ "kind": kind })).collect();
    told.insert("attachments".to_owned(), files.into());
    Ok(Value::Object(told))
}

/// A place in degrees.
pub fn place_told(place: &Place) -> Value {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    json!({
        "latitude": degrees(place.latitude_e7), "longitude": degrees(place.longitude_e7),
        "accuracy": place.accuracy_m, "name": place.name, "liveSeconds": place.live_s,
    })
}

fn style_name(style: &Style) -> &'static str {
    match style {
        Style::Bold => "BOLD",
        Style::Italic => "ITALIC",
        Style::Strike => "STRIKETHROUGH",
        Style::Monospace => "MONOSPACE",
        Style::Spoiler => "SPOILER",
        Style::Mention { .. } => "NONE",
    }
}

/// Where a span is in units of UTF-16, as such programs count.
fn place_of(text: &str, span: &Span) -> Option<(usize, usize)> {
    let start = usize::try_from(span.start).ok()?;
    let end = start.checked_add(usize::try_from(span.bytes).ok()?)?;
    let units = |part: &str| part.encode_utf16().count();
    Some((units(text.get(..start)?), units(text.get(start..end)?)))
}
