//! What happened, in the shape in which signal-cli tells it.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use waxwing_app::api::{
    Body, Delivery, Direction, Failure, Group, Happened, JournalEntry, Message, Notice, Person,
};

use super::hub::Hub;
use super::names::{group_id, number, uuid};

/// What is looked up to tell an event.
pub trait Directory {
    fn person(&self, account: &str) -> Result<Person, Failure>;
    fn group(&self, name: &str) -> Result<Option<Group>, Failure>;
    /// Who has an own message to a group, and how far.
    fn receivers(&self, message: &Message, delivery: Delivery) -> Result<Vec<Person>, Failure>;
    fn own(&self) -> (&str, &str);
}

impl Directory for Hub {
    fn person(&self, account: &str) -> Result<Person, Failure> {
        if self.is_own(account) {
            let username = self.own.username.clone();
            return Ok(Person { account: account.to_owned(), username, name: None });
        }
        let unknown = Person { account: account.to_owned(), username: None, name: None };
        Ok(self.contact(account)?.map_or(unknown, |contact| contact.person))
    }

    fn group(&self, name: &str) -> Result<Option<Group>, Failure> {
        self.group(name)
    }

    fn receivers(&self, message: &Message, delivery: Delivery) -> Result<Vec<Person>, Failure> {
        if !is_group(&message.with) {
            return Ok(vec![self.person(&message.with)?]);
        }
        let receipts = self.receipts(&message.id)?.into_iter();
        Ok(receipts.filter(|receipt| receipt.delivery >= delivery).map(|receipt| receipt.person).collect())
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
    let author = directory.person(&message.from)?;
    let mut envelope = envelope(&author, Some(message.device), message.sent_at_ms);
    envelope.insert("serverReceivedTimestamp".to_owned(), message.stored_at_ms.into());
    envelope.insert("serverDeliveredTimestamp".to_owned(), message.stored_at_ms.into());
    let Some(data) = data_message(directory, message)? else { return Ok(None) };
    if message.direction == Direction::Outgoing {
        let mut sent = data;
        if !is_group(&message.with) {
            let to = directory.person(&message.with)?;
            sent.insert("destination".to_owned(), number(&to).into());
            sent.insert("destinationNumber".to_owned(), number(&to).into());
            sent.insert("destinationUuid".to_owned(), uuid(&to.account).into());
        }
        envelope.insert("syncMessage".to_owned(), json!({ "sentMessage": sent }));
    } else {
        envelope.insert("dataMessage".to_owned(), Value::Object(data));
    }
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

/// Quotes, reactions, edits and deletions come in here. `None`: nothing that signal-cli has a word for.
fn data_message(directory: &dyn Directory, message: &Message) -> Result<Option<Map<String, Value>>, Failure> {
    let (text, kind) = match &message.body {
        Body::Text(post) => (Some(post.text.as_str()), "DELIVER"),
        Body::Lost | Body::Unknown | Body::Opened => (None, "DELIVER"),
        Body::Notice { notice: Notice::GroupChanged { .. } | Notice::Joined { .. } } => (None, "UPDATE"),
        Body::Notice { .. } | Body::Waiting | Body::Deleted => return Ok(None),
    };
    let mut data = Map::new();
    data.insert("timestamp".to_owned(), message.sent_at_ms.into());
    data.insert("message".to_owned(), text.into());
    let post = message.body.post();
    data.insert("expiresInSeconds".to_owned(), post.map_or(0, |post| post.lifetime_s).into());
    data.insert("viewOnce".to_owned(), post.is_some_and(|post| post.once).into());
    data.insert("messageId".to_owned(), message.id.as_str().into());
    if is_group(&message.with) {
        let group = directory.group(&message.with)?;
        let info = json!({
            "groupId": group_id(&message.with),
            "groupName": group.as_ref().map(|group| &group.name),
            "revision": group.as_ref().map(|group| group.epoch),
            "type": kind,
        });
        data.insert("groupInfo".to_owned(), info);
    }
    Ok(Some(data))
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

/// Whether a conversation is a group's.
pub fn is_group(conversation: &str) -> bool {
    conversation.starts_with("g:")
}
