//! What somebody did about a message, as signal-cli tells it: reactions, edits, deletions, votes, pins. Where
//! signal-cli has no word (answers to events, live locations), ours are `eventAnswer` and `liveLocation`.

use serde_json::{Map, Value, json};
use waxwing_app::api::{Deed, Done, Failure, Message};

use super::post::place_told;
use super::{Directory, data_message, envelope, group_info, named, sent_or_data};

/// Parameters of the notification; `None`: nobody but people needs to know.
pub fn told(
    directory: &dyn Directory,
    message: &Message,
    device: u8,
    done: &Done,
    times: u64,
) -> Result<Option<Map<String, Value>>, Failure> {
    let (own, _) = directory.own();
    let is_own = done.by == own;
    let (kind, data) = match &done.deed {
        Deed::Edit { .. } => {
            let Some(mut data) = data_message(directory, message)? else { return Ok(None) };
            data.insert("timestamp".to_owned(), done.at_ms.into());
            let edit = json!({ "targetSentTimestamp": message.sent_at_ms, "dataMessage": data });
            ("editMessage", edit.as_object().cloned().unwrap_or_default())
        }
        _ => {
            let Some((name, what)) = what_was_done(directory, message, done, times)? else { return Ok(None) };
            let mut data = Map::new();
            data.insert("timestamp".to_owned(), done.at_ms.into());
            data.insert("message".to_owned(), Value::Null);
            data.insert("expiresInSeconds".to_owned(), 0.into());
            data.insert("viewOnce".to_owned(), false.into());
            data.insert(name.to_owned(), what);
            data.extend(group_info(directory, &message.with, "DELIVER")?);
            ("dataMessage", data)
        }
    };
    let mut envelope = envelope(&directory.person(&done.by)?, Some(device), done.at_ms);
    let (kind, content) = sent_or_data(directory, &message.with, is_own, kind, data)?;
    envelope.insert(kind.to_owned(), content);
    Ok(Some(Map::from_iter([("envelope".to_owned(), Value::Object(envelope))])))
}

/// A field of the `dataMessage`.
fn what_was_done(
    directory: &dyn Directory,
    message: &Message,
    done: &Done,
    times: u64,
) -> Result<Option<(&'static str, Value)>, Failure> {
    let author = directory.person(&message.from)?;
    let target = |prefix: &str, more: Value| {
        let mut told = named(prefix, &author);
        told.insert("targetSentTimestamp".to_owned(), message.sent_at_ms.into());
        told.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(told)
    };
    Ok(Some(match &done.deed {
        // Which emoji is taken back is not said.
        Deed::React { emoji } => {
            ("reaction", target("targetAuthor", json!({ "emoji": emoji, "isRemove": emoji.is_empty() })))
        }
        Deed::Delete if done.by == message.from => {
            ("remoteDelete", json!({ "timestamp": message.sent_at_ms }))
        }
        Deed::Delete => ("adminDelete", target("targetAuthor", json!({}))),
        // The last one that arrives is the one that holds.
        Deed::Vote { options } => {
            ("pollVote", target("author", json!({ "optionIndexes": options, "voteCount": times })))
        }
        Deed::Pin { until_ms: 0 } => ("unpinMessage", target("targetAuthor", json!({}))),
        Deed::Pin { until_ms } => {
            let seconds = until_ms.saturating_sub(done.at_ms) / 1_000;
            ("pinMessage", target("targetAuthor", json!({ "pinDurationSeconds": seconds })))
        }
        Deed::Answer { answer } => ("eventAnswer", target("targetAuthor", json!({ "answer": answer }))),
        Deed::Live { place } => {
            ("liveLocation", target("targetAuthor", json!({ "location": place_told(place) })))
        }
        Deed::Edit { .. } | Deed::Keep { .. } | Deed::Opened | Deed::Lifetime { .. } => return Ok(None),
    }))
}
