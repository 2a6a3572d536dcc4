//! What programs can ask for. Names, parameters and results are those of signal-cli's JSON-RPC, with
//! additions: `messageId`, `eventId`, `idempotencyKey`, `waitDelivered`, `acknowledge`.

mod acts;
mod groups;
mod own;
mod people;
mod send;

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use waxwing_app::api::Command;

use super::feed::Feed;
use super::hub::Hub;
use super::limits::{MAX_RECEIVED_EVENTS, MAX_WAIT};
use super::params::Params;
use super::rpc::{INVALID_PARAMS, METHOD_NOT_FOUND, RpcError};

/// How long `receive` waits unless told otherwise.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);

/// Does what is asked for, for whoever is connected in whatever way.
pub fn call(hub: &Hub, method: &str, params: Map<String, Value>) -> Result<Value, RpcError> {
    let params = Params(params);
    own_account(hub, &params)?;
    match method {
        "send" => send::send(hub, &params),
        "getAttachment" => send::get_attachment(hub, &params),
        "sendStory" => send::story(hub, &params),
        "sendReaction" => send::react(hub, &params),
        "remoteDelete" => send::remote_delete(hub, &params),
        "sendReceipt" => send::send_receipt(hub, &params),
        "sendTyping" => send::send_typing(hub, &params),
        "sendPollCreate" => acts::create_poll(hub, &params),
        "sendPollVote" => acts::vote(hub, &params),
        "sendPinMessage" => acts::pin(hub, &params, true),
        "sendUnpinMessage" => acts::pin(hub, &params, false),
        "sendContacts" | "sendSyncRequest" => acts::nothing_to_do(hub),
        "sendMessageRequestResponse" => own::answer_request(hub, &params),
        "updateProfile" => own::update_profile(hub, &params),
        "updateConfiguration" => own::update_configuration(hub, &params),
        "acknowledge" => acknowledge(hub, &params),
        "receive" => receive(hub, &params),
        "listGroups" => groups::list(hub, &params),
        "updateGroup" => groups::update(hub, &params),
        "quitGroup" => groups::quit(hub, &params),
        "joinGroup" => groups::join(hub, &params),
        "listContacts" => people::contacts(hub, &params),
        "updateContact" => people::update_contact(hub, &params),
        "removeContact" => own::remove_contact(hub, &params),
        "getUserStatus" => people::user_status(hub, &params),
        "block" => people::block(hub, &params, true),
        "unblock" => people::block(hub, &params, false),
        "listIdentities" => people::identities(hub, &params),
        "trust" => people::trust(hub, &params),
        "listDevices" => people::devices(hub),
        "addDevice" => people::add_device(hub, &params),
        "removeDevice" => people::remove_device(hub, &params),
        "updateDevice" => people::update_device(hub, &params),
        "listAccounts" => Ok(people::accounts(hub)),
        "version" => Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "program": "waxwing" })),
        _ => Err(RpcError::new(METHOD_NOT_FOUND, "Method not implemented")),
    }
}

/// signal-cli serves several accounts and is told which; here there is one, which may be named.
fn own_account(hub: &Hub, params: &Params) -> Result<(), RpcError> {
    match params.text(&["account"])? {
        Some(name) if !hub.means_own(&name) => {
            Err(RpcError::new(INVALID_PARAMS, "Specified account does not exist"))
        }
        _ => Ok(()),
    }
}

/// Everything up to and with an event has been dealt with, and does not come again.
fn acknowledge(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let event = params.needed_number(&["eventId", "upTo"])?;
    if event > hub.page(None, 0)?.newest {
        return Err(RpcError::params("there has been no such event yet"));
    }
    hub.acknowledge(event)?;
    Ok(json!({ "acknowledged": hub.page(None, 0)?.acknowledged }))
}

/// What nobody has acknowledged, for programs that ask instead of listening. Without `--receive-mode ack` the
/// answer acknowledges it.
fn receive(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let patience = match params.0.get("timeout").and_then(Value::as_f64) {
        Some(seconds) if seconds < 0.0 => MAX_WAIT,
        Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT).min(MAX_WAIT),
        None => RECEIVE_WAIT,
    };
    let max = params.number(&["maxMessages"])?.and_then(|max| usize::try_from(max).ok());
    let max = max.map_or(MAX_RECEIVED_EVENTS, |max| max.clamp(1, MAX_RECEIVED_EVENTS));
    let _subscriber = hub.subscribe().ok_or_else(too_many_subscribers)?;
    let mut feed = Feed::new(hub)?;
    let deadline = Instant::now() + patience;
    let mut events = Vec::new();
    let mut last = None;
    loop {
        let generation = hub.generation();
        let (told, again) = feed.next(hub, max - events.len())?;
        for told in &told {
            last = Some(told.id);
            events.extend(told.params.iter().cloned());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let more = !told.is_empty() && events.len() < max;
        if !more && (!events.is_empty() || left.is_zero() || hub.end().is_some()) {
            break;
        }
        if !more {
            hub.wait(generation, again.unwrap_or(left).min(left));
        }
        events.truncate(MAX_RECEIVED_EVENTS * 2);
    }
    if let Some(last) = last {
        hub.written(last)?;
    }
    Ok(Value::Array(events))
}

pub fn too_many_subscribers() -> RpcError {
    RpcError::new(super::rpc::REFUSED, "too many programs receive already; end one of them")
}

/// Does something whose answer is not of interest.
fn done(hub: &Hub, command: Command) -> Result<Value, RpcError> {
    hub.run(command)?;
    Ok(json!({}))
}
