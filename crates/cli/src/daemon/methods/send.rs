//! Messages and receipts. A message is named by its author and the time at which it was sent.

mod data_uri;

use serde_json::{Value, json};
use waxwing_app::api::{
    Attachment, AttachmentKind, Command, Composing, Deed, Delivery, Message, Person, Post, Preview, Quote,
};

use crate::daemon::envelope::{Directory as _, is_group, story_author};
use crate::daemon::hub::Hub;
use crate::daemon::limits::{FILE_PATIENCE, MAX_FILES_SEARCHED, MAX_IDEMPOTENCY_KEY_BYTES, MAX_RECIPIENTS};
use crate::daemon::markup::spans;
use crate::daemon::names::{address, group_id};
use crate::daemon::params::Params;
use crate::daemon::rpc::RpcError;

/// What is not there yet, and is refused rather than left out of the message.
const NOT_YET: &[&str] = &["sticker", "previewImage", "endSession"];

pub fn send(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    for name in NOT_YET {
        params.refuse(&[name], "not supported yet; nothing was sent")?;
    }
    let text = params.text(&["message"])?.unwrap_or_default();
    let post = Post {
        spans: spans(hub, params, &text)?,
        quote: quote(hub, params)?,
        once: params.flag("viewOnce")?,
        preview: preview(params)?,
        attachments: attachments(hub, params)?,
        ..Post::plain(text)
    };
    match params.number(&["editTimestamp"])? {
        Some(time) => edit(hub, time, post),
        None => send_post(hub, params, &post),
    }
}

/// To all recipients, once under the caller's key.
pub(super) fn send_post(hub: &Hub, params: &Params, post: &Post) -> Result<Value, RpcError> {
    let key = key(params)?;
    let wait = params.patience("waitDelivered")?;
    let mut messages = Vec::new();
    for (index, to) in targets(hub, params)?.into_iter().enumerate() {
        let command = Command::Send { to, post: Box::new(post.clone()) };
        messages.push(hub.send(once(command, key.as_deref(), index))?);
    }
    let ids: Vec<String> = messages.iter().map(|message| message.id.clone()).collect();
    if hub.is_online() {
        hub.await_delivery(&ids, Delivery::Sent, hub.timeout)?;
    }
    if let Some(wait) = wait {
        hub.await_delivery(&ids, Delivery::Delivered, wait)?;
    }
    sent(hub, &messages, wait.is_some())
}

/// Files of this machine, by their paths, or files as they are (RFC 2397).
fn attachments(hub: &Hub, params: &Params) -> Result<Vec<Attachment>, RpcError> {
    let kind = params.flag("voiceNote")?.then_some(AttachmentKind::Voice);
    let mut attached = Vec::new();
    for path in params.texts(&["attachment", "attachments"])? {
        let command = match path.strip_prefix("data:") {
            Some(uri) => {
                let (name, content) = data_uri::parse(uri)?;
                Command::AttachContent { name, content, kind }
            }
            None => Command::Attach { path, kind, hd: false },
        };
        let done = hub.run_for(command, FILE_PATIENCE)?;
        attached.extend(done.attachment);
    }
    Ok(attached)
}

/// A file that somebody has sent, by the id that its event told: fetched if need be, and as Base64, or with `path` (which
/// signal-cli has not) saved there.
pub fn get_attachment(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let id = params.needed_text(&["id"])?;
    let mut found = None;
    for message in hub.with_files(None, MAX_FILES_SEARCHED)? {
        let files = message.body.post().map(|post| post.attachments.as_slice()).unwrap_or_default();
        if let Some(index) = files.iter().position(|file| file.id == id) {
            found = Some((message.id.clone(), u32::try_from(index).unwrap_or(u32::MAX)));
            break;
        }
    }
    let (message, index) = found.ok_or_else(|| RpcError::user("no such attachment; it may be gone"))?;
    if let Some(path) = params.text(&["path"])? {
        hub.run_for(Command::SaveFile { message, index, path: path.clone() }, FILE_PATIENCE)?;
        return Ok(json!({ "path": path }));
    }
    hub.run_for(Command::FetchFile { message: message.clone(), index }, FILE_PATIENCE)?;
    Ok(json!({ "data": hub.file_content(message, index)? }))
}

/// Shows something for a day to those whom the settings name. signal-cli has no such method.
pub fn story(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let attachments = attachments(hub, params)?;
    let text = if attachments.is_empty() {
        params.needed_text(&["message"])?
    } else {
        params.text(&["message"])?.unwrap_or_default()
    };
    let post = Post { preview: preview(params)?, attachments, ..Post::plain(text) };
    let command = Command::PostStatus { post: Box::new(post) };
    let message = hub.send(once(command, key(params)?.as_deref(), 0))?;
    if hub.is_online() {
        hub.await_delivery(std::slice::from_ref(&message.id), Delivery::Sent, hub.timeout)?;
    }
    sent(hub, &[message], false)
}

/// The message that is answered, or what somebody shows.
fn quote(hub: &Hub, params: &Params) -> Result<Option<Quote>, RpcError> {
    let (time, author) = match params.number(&["storyTimestamp"])? {
        Some(time) => (time, "storyAuthor"),
        None => match params.number(&["quoteTimestamp"])? {
            Some(time) => (time, "quoteAuthor"),
            None => return Ok(None),
        },
    };
    let message = named(hub, &params.needed_text(&[author])?, time)?;
    Ok(Some(Quote { message: message.id, text: String::new(), attachments: Vec::new() }))
}

/// What a link in the text leads to, as the caller says.
fn preview(params: &Params) -> Result<Option<Preview>, RpcError> {
    let Some(url) = params.text(&["previewUrl"])? else { return Ok(None) };
    let title = params.needed_text(&["previewTitle"])?;
    let description = params.text(&["previewDescription"])?.unwrap_or_default();
    Ok(Some(Preview { url, title, description, image: String::new() }))
}

/// A message by its author, who may be this account, and the time at which it was sent.
pub(super) fn named(hub: &Hub, author: &str, time: u64) -> Result<Message, RpcError> {
    let account = hub.account_of(author)?;
    let none = || RpcError::user(format!("no message of theirs with the timestamp {time}"));
    hub.sent_at(&account, time, None)?.ok_or_else(none)
}

pub(super) fn act(hub: &Hub, message: &Message, deed: Deed) -> Result<Value, RpcError> {
    let about = Some(message.id.clone());
    hub.run(Command::Act { with: message.with.clone(), message: about, deed })?;
    Ok(json!({ "timestamp": crate::daemon::hub::now_ms(), "messageId": message.id, "results": [] }))
}

/// An own message says otherwise.
fn edit(hub: &Hub, time: u64, post: Post) -> Result<Value, RpcError> {
    let message = hub.sent_at(&hub.own.account, time, None)?;
    let none = || RpcError::user(format!("no message of yours with the timestamp {time}"));
    act(hub, &message.ok_or_else(none)?, Deed::Edit { post: Box::new(post) })
}

/// An emoji for a message, or none any more.
pub fn react(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let emoji = if params.flag("remove")? { String::new() } else { params.needed_text(&["emoji"])? };
    let time = params.needed_number(&["targetTimestamp"])?;
    let message = named(hub, &params.needed_text(&["targetAuthor"])?, time)?;
    act(hub, &message, Deed::React { emoji })
}

/// Deletes an own message for everyone.
pub fn remote_delete(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let time = params.needed_number(&["targetTimestamp"])?;
    let message = hub.sent_at(&hub.own.account, time, None)?;
    let none = || RpcError::user(format!("no message of yours with the timestamp {time}"));
    act(hub, &message.ok_or_else(none)?, Deed::Delete)
}

/// The caller's key, which makes a repetition harmless.
fn key(params: &Params) -> Result<Option<String>, RpcError> {
    let key = params.text(&["idempotencyKey"])?;
    match &key {
        Some(key) if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY_BYTES => {
            Err(RpcError::params(format!("idempotencyKey has 1 to {MAX_IDEMPOTENCY_KEY_BYTES} bytes")))
        }
        _ => Ok(key),
    }
}

fn once(command: Command, key: Option<&str>, index: usize) -> Command {
    match key {
        Some(key) => Command::Once { key: format!("rpc:{key}#{index}"), command: Box::new(command) },
        None => command,
    }
}

/// Conversations, each once: all of them must be there before anything is sent.
fn targets(hub: &Hub, params: &Params) -> Result<Vec<String>, RpcError> {
    let mut people = params.texts(&["recipient", "recipients"])?;
    people.extend(params.texts(&["username", "usernames"])?);
    let groups = params.texts(&["groupId", "groupIds"])?;
    let own = params.flag("noteToSelf")?;
    if people.is_empty() && groups.is_empty() && !own {
        return Err(RpcError::user("No recipients given: name a recipient or a groupId"));
    }
    if people.len() + groups.len() > MAX_RECIPIENTS {
        return Err(RpcError::user(format!("at most {MAX_RECIPIENTS} recipients at once")));
    }
    let mut targets: Vec<String> = own.then(|| hub.own.account.clone()).into_iter().collect();
    for name in &people {
        targets.push(hub.find(name)?.person.account);
    }
    for id in &groups {
        targets.push(hub.find_group(id)?.group);
    }
    let mut seen = std::collections::BTreeSet::new();
    targets.retain(|target| seen.insert(target.clone()));
    Ok(targets)
}

/// `{"timestamp","results"}`, and what signal-cli has not.
fn sent(hub: &Hub, messages: &[Message], waited: bool) -> Result<Value, RpcError> {
    let mut results = Vec::new();
    let mut failed = 0;
    let mut all_delivered = true;
    for message in messages {
        // As it is now; if it was deleted in between, as it was.
        let now = hub.message(&message.id)?;
        let delivery = now.as_ref().unwrap_or(message).delivery;
        failed += usize::from(delivery == Delivery::Failed);
        all_delivered &= matches!(delivery, Delivery::Delivered | Delivery::Read);
        let group = is_group(&message.with).then(|| group_id(&message.with));
        for person in receivers(hub, message)? {
            let mut result = json!({
                "recipientAddress": address(&person),
                "type": if delivery == Delivery::Failed { "NETWORK_FAILURE" } else { "SUCCESS" },
                "messageId": message.id,
                "timestamp": message.sent_at_ms,
                "delivery": delivery,
            });
            if let (Some(group), Some(result)) = (&group, result.as_object_mut()) {
                result.insert("groupId".to_owned(), group.as_str().into());
            }
            results.push(result);
        }
    }
    let mut answer = json!({
        "timestamp": messages.first().map(|message| message.sent_at_ms),
        "messageId": messages.first().map(|message| &message.id),
        "results": results,
    });
    if let (true, Some(answer)) = (waited, answer.as_object_mut()) {
        answer.insert("delivered".to_owned(), all_delivered.into());
    }
    if failed == messages.len() {
        let detail = "Failed to send message: the server did not take it for good; send it anew";
        return Err(RpcError::io(detail, json!({ "code": "notTaken", "response": answer })));
    }
    Ok(answer)
}

fn receivers(hub: &Hub, message: &Message) -> Result<Vec<Person>, RpcError> {
    if story_author(&message.with).is_some() {
        return Ok(hub.receipts(&message.id)?.into_iter().map(|receipt| receipt.person).collect());
    }
    if !is_group(&message.with) {
        return Ok(vec![hub.person(&message.with)?]);
    }
    let members = hub.group(&message.with)?.map(|group| group.members).unwrap_or_default();
    let others = members.into_iter().map(|member| member.person);
    Ok(others.filter(|person| !hub.is_own(&person.account)).collect())
}

/// Says that the account types, for some seconds; or, with `stop`, that it does so no more. Nobody answers.
pub fn send_typing(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let what = if params.flag("stop")? { Composing::Stopped } else { Composing::Typing };
    for with in targets(hub, params)? {
        hub.run(Command::Compose { with, what })?;
    }
    Ok(json!({}))
}

/// Tells the author that messages were read. It says so of everything before them too.
pub fn send_receipt(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let kind = params.text(&["type"])?.unwrap_or_else(|| "read".to_owned());
    if !matches!(kind.as_str(), "read" | "viewed") {
        return Err(RpcError::user("type must be read or viewed"));
    }
    let author = hub.find(&params.needed_text(&["recipient"])?)?.person.account;
    let times = params.numbers(&["targetTimestamp", "targetTimestamps"])?;
    if times.is_empty() {
        return Err(RpcError::params("targetTimestamp is missing"));
    }
    for time in times {
        let Some(message) = hub.sent_at(&author, time, None)? else {
            return Err(RpcError::user(format!("no message of theirs with the timestamp {time}")));
        };
        hub.run(Command::MarkRead { with: message.with, up_to: message.order })?;
    }
    Ok(json!({ "timestamp": crate::daemon::hub::now_ms(), "results": [] }))
}
