//! What happened, in the shape in which signal-cli tells it.

mod acts;
mod post;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use waxwing_app::api::{
    Body, Composing, Delivery, Direction, Failure, Group, Happened, JournalEntry, Message, Notice, Person,
};

use super::hub::{Hub, Typing};
use super::names::{group_id, number, uuid};

/// What is looked up to tell an event.
pub trait Directory {
    fn person(&self, account: &str) -> Result<Person, Failure>;
    fn group(&self, name: &str) -> Result<Option<Group>, Failure>;
    /// Who has an own message to a group, and how far.
    fn receivers(&self, message: &Message, delivery: Delivery) -> Result<Vec<Person>, Failure>;
    /// A message by its id.
    fn message(&self, id: &str) -> Result<Option<Message>, Failure>;
    /// Whether a conversation is a request: see [`waxwing_app::api::Chat::request`].
    fn is_request(&self, conversation: &str) -> Result<bool, Failure>;
    fn own(&self) -> (&str, &str);
}

impl Directory for Hub {
    fn person(&self, account: &str) -> Result<Person, Failure> {
        if self.is_own(account) {
            let username = self.own.username.clone();
            return Ok(Person { account: account.to_owned(), username, name: None, profile_name: None });
        }
        let unknown = Person { account: account.to_owned(), username: None, name: None, profile_name: None };
        Ok(self.contact(account)?.map_or(unknown, |contact| contact.person))
    }

    fn group(&self, name: &str) -> Result<Option<Group>, Failure> {
        self.group(name)
    }

    fn receivers(&self, message: &Message, delivery: Delivery) -> Result<Vec<Person>, Failure> {
        if !is_group(&message.with) && story_author(&message.with).is_none() {
            return Ok(vec![self.person(&message.with)?]);
        }
        let receipts = self.receipts(&message.id)?.into_iter();
        Ok(receipts.filter(|receipt| receipt.delivery >= delivery).map(|receipt| receipt.person).collect())
    }

    fn message(&self, id: &str) -> Result<Option<Message>, Failure> {
        self.message(id)
    }

    fn is_request(&self, conversation: &str) -> Result<bool, Failure> {
        Ok(self.chat(conversation)?.is_some_and(|chat| chat.request))
    }

    fn own(&self) -> (&str, &str) {
        (&self.own.account, self.own_name())
    }
}

/// Parameters of the `receive` notifications that tell an entry of the journal; often one, sometimes none.
pub fn notifications(directory: &dyn Directory, entry: &JournalEntry) -> Result<Vec<Value>, Failure> {
    let told = match &entry.what {
        Happened::Message { message } => message_told(directory, message)?.into_iter().collect(),
        Happened::Delivery { message, delivery } => receipts(directory, entry.at_ms, message, *delivery)?,
        Happened::Act { message, device, done, times } => {
            acts::told(directory, message, *device, done, *times)?.into_iter().collect()
        }
        Happened::Gone => Vec::new(),
    };
    let (_, account) = directory.own();
    let whole = |mut params: Map<String, Value>| {
        params.insert("account".to_owned(), account.into());
        params.insert("eventId".to_owned(), entry.id.into());
        Value::Object(params)
    };
    Ok(told.into_iter().map(whole).collect())
}

fn message_told(directory: &dyn Directory, message: &Message) -> Result<Option<Map<String, Value>>, Failure> {
    let (from, device) = match &message.body {
        // Written down by this device about somebody.
        Body::Notice { notice: Notice::Lifetime { by, .. } } => (by, None),
        _ => (&message.from, Some(message.device)),
    };
    let mut envelope = envelope(&directory.person(from)?, device, message.sent_at_ms);
    envelope.insert("serverReceivedTimestamp".to_owned(), message.stored_at_ms.into());
    envelope.insert("serverDeliveredTimestamp".to_owned(), message.stored_at_ms.into());
    let is_own = message.direction == Direction::Outgoing;
    if story_author(&message.with).is_some() {
        let Some(story) = story_told(message) else { return Ok(None) };
        if is_own {
            let to = json!({ "destinationNumber": null, "destinationUuid": null });
            let sent: Map<String, Value> =
                to.as_object().cloned().into_iter().flatten().chain(story).collect();
            envelope.insert("syncMessage".to_owned(), json!({ "sentStoryMessage": sent }));
        } else {
            envelope.insert("storyMessage".to_owned(), story.into());
        }
        return Ok(Some(Map::from_iter([("envelope".to_owned(), Value::Object(envelope))])));
    }
    let Some(data) = data_message(directory, message)? else { return Ok(None) };
    if !is_own && directory.is_request(&message.with)? {
        envelope.insert("isMessageRequest".to_owned(), true.into());
    }
    let (kind, content) = sent_or_data(directory, &message.with, is_own, "dataMessage", data)?;
    envelope.insert(kind.to_owned(), content);
    let mut params = Map::new();
    params.insert("envelope".to_owned(), Value::Object(envelope));
    let problem = match &message.body {
        Body::Lost => Some(("UndecryptableMessage", "a message could not be decrypted")),
        Body::Unknown => Some(("UnsupportedMessage", "a message needs a newer version of this program")),
        _ => None,
    };
    if let Some((kind, words)) = problem {
        params.insert("exception".to_owned(), json!({ "type": kind, "message": words }));
    }
    Ok(Some(params))
}

/// What somebody shows for a day; `None`: it is not shown any more.
fn story_told(message: &Message) -> Option<Map<String, Value>> {
    let post = message.body.post()?;
    let mut text = json!({ "text": post.text });
    if let (Some(preview), Some(text)) = (post::previews(post).pop(), text.as_object_mut()) {
        text.insert("preview".to_owned(), preview);
    }
    let told = json!({
        "allowsReplies": true,
        "timestamp": message.sent_at_ms,
        "messageId": message.id,
    });
    let mut told = told.as_object().cloned()?;
    if let Some(file) = post.attachments.first() {
        told.insert("fileAttachment".to_owned(), post::attachment_told(file));
    }
    if post.attachments.is_empty() || !post.text.is_empty() {
        told.insert("textAttachment".to_owned(), text);
    }
    Some(told)
}

/// What somebody says, or what another own device has said: then with whom it was said to.
fn sent_or_data(
    directory: &dyn Directory,
    with: &str,
    is_own: bool,
    kind: &'static str,
    data: Map<String, Value>,
) -> Result<(&'static str, Value), Failure> {
    if !is_own {
        return Ok((kind, Value::Object(data)));
    }
    let mut sent =
        if kind == "dataMessage" { data } else { Map::from_iter([(kind.to_owned(), data.into())]) };
    if !is_group(with) {
        let to = directory.person(story_author(with).unwrap_or(with))?;
        sent.insert("destination".to_owned(), number(&to).into());
        sent.insert("destinationNumber".to_owned(), number(&to).into());
        sent.insert("destinationUuid".to_owned(), uuid(&to.account).into());
    }
    Ok(("syncMessage", json!({ "sentMessage": sent })))
}

fn envelope(author: &Person, device: Option<u8>, timestamp: u64) -> Map<String, Value> {
    let fields = json!({
        "source": number(author),
        "sourceNumber": number(author),
        "sourceUuid": uuid(&author.account),
        "sourceName": author.name.as_ref().or(author.username.as_ref()),
        "sourceDevice": device,
        "timestamp": timestamp,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// What a message says; `None`: nothing that signal-cli has a word for. What was done about it: [`acts`].
fn data_message(directory: &dyn Directory, message: &Message) -> Result<Option<Map<String, Value>>, Failure> {
    let (text, kind) = match &message.body {
        Body::Text(post) => (Some(post.text.as_str()), "DELIVER"),
        Body::Lost | Body::Unknown | Body::Opened => (None, "DELIVER"),
        Body::Notice { notice: Notice::GroupChanged { .. } | Notice::Joined { .. } } => (None, "UPDATE"),
        Body::Notice { notice: Notice::Lifetime { .. } } => (None, "DELIVER"),
        Body::Notice { .. } | Body::Waiting | Body::Deleted => return Ok(None),
    };
    let mut data = Map::new();
    data.insert("timestamp".to_owned(), message.sent_at_ms.into());
    data.insert("message".to_owned(), text.into());
    let post = message.body.post();
    data.insert("expiresInSeconds".to_owned(), post.map_or(0, |post| post.lifetime_s).into());
    data.insert("viewOnce".to_owned(), post.is_some_and(|post| post.once).into());
    data.insert("messageId".to_owned(), message.id.as_str().into());
    if let Body::Notice { notice: Notice::Lifetime { seconds, .. } } = &message.body {
        data.insert("expiresInSeconds".to_owned(), (*seconds).into());
        data.insert("isExpirationUpdate".to_owned(), true.into());
    }
    if let Some(post) = post {
        data.extend(post::told(directory, post)?);
    }
    data.extend(group_info(directory, &message.with, kind)?);
    Ok(Some(data))
}

/// Of a conversation that is a group's.
fn group_info(directory: &dyn Directory, with: &str, kind: &str) -> Result<Option<(String, Value)>, Failure> {
    if !is_group(with) {
        return Ok(None);
    }
    let group = directory.group(with)?;
    let info = json!({
        "groupId": group_id(with),
        "groupName": group.as_ref().map(|group| &group.name),
        "revision": group.as_ref().map(|group| group.epoch),
        "type": kind,
    });
    Ok(Some(("groupInfo".to_owned(), info)))
}

/// Somebody as the author of something, under names that begin so.
fn named(prefix: &str, person: &Person) -> Map<String, Value> {
    Map::from_iter([
        (prefix.to_owned(), number(person).into()),
        (format!("{prefix}Number"), number(person).into()),
        (format!("{prefix}Uuid"), uuid(&person.account).into()),
    ])
}

/// Parameters of the `receive` notification that says that somebody types. It has no `eventId`.
pub fn typing_told(directory: &dyn Directory, typing: &Typing) -> Result<Value, Failure> {
    let mut envelope = envelope(&directory.person(&typing.account)?, None, typing.at_ms);
    let action = if typing.what == Composing::Stopped { "STOPPED" } else { "STARTED" };
    let mut told = json!({ "action": action, "timestamp": typing.at_ms });
    if let Some(told) = told.as_object_mut() {
        if is_group(&typing.with) {
            told.insert("groupId".to_owned(), group_id(&typing.with).into());
        }
        if typing.what == Composing::Recording {
            told.insert("recording".to_owned(), true.into());
        }
    }
    envelope.insert("typingMessage".to_owned(), told);
    let (_, account) = directory.own();
    Ok(json!({ "envelope": envelope, "account": account }))
}

/// One for each receiver, as signal-cli has it: to a group only when all have come so far.
fn receipts(
    directory: &dyn Directory,
    at_ms: u64,
    message: &Message,
    delivery: Delivery,
) -> Result<Vec<Map<String, Value>>, Failure> {
    if !matches!(delivery, Delivery::Delivered | Delivery::Read) {
        return Ok(Vec::new());
    }
    let told = |person: Person| {
        let mut envelope = envelope(&person, None, at_ms);
        let receipt = json!({
            "when": at_ms,
            "isDelivery": delivery == Delivery::Delivered,
            "isRead": delivery == Delivery::Read,
            "isViewed": false,
            "timestamps": [message.sent_at_ms],
        });
        envelope.insert("receiptMessage".to_owned(), receipt);
        let mut params = Map::new();
        params.insert("envelope".to_owned(), Value::Object(envelope));
        params
    };
    Ok(directory.receivers(message, delivery)?.into_iter().map(told).collect())
}

/// Of a conversation that is what an account shows for a day: the account.
pub fn story_author(conversation: &str) -> Option<&str> {
    conversation.strip_prefix("s:")
}

/// Whether a conversation is a group's.
pub fn is_group(conversation: &str) -> bool {
    conversation.starts_with("g:")
}
