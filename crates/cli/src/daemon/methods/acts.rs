//! Polls, and what is pinned.

use serde_json::Value;
use waxwing_app::api::{Card, Command, Deed, Message, Post};

use super::done;
use super::send::{act, named, send_post};
use crate::daemon::hub::{Hub, now_ms};
use crate::daemon::params::Params;
use crate::daemon::rpc::RpcError;

/// A question, with two to twelve options. Several may be chosen unless `noMulti` says otherwise.
pub fn create_poll(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let options = params.texts(&["option", "options"])?;
    let card = Card::Poll { options, several: !params.flag("noMulti")? };
    let post = Post { card: Some(card), ..Post::plain(params.needed_text(&["question"])?) };
    send_post(hub, params, &post)
}

/// Options are numbered from 0; none at all takes the vote back.
pub fn vote(hub: &Hub, params: &Params) -> Result<Value, RpcError> {
    let time = params.needed_number(&["pollTimestamp"])?;
    let poll = named(hub, &params.needed_text(&["pollAuthor"])?, time)?;
    let number = |option: u64| u8::try_from(option).map_err(|_| RpcError::user("there is no such option"));
    let options =
        params.numbers(&["option", "options"])?.into_iter().map(number).collect::<Result<_, _>>()?;
    act(hub, &poll, Deed::Vote { options })
}

/// Above the conversation for so many seconds; for as long as there is without them, or with -1.
pub fn pin(hub: &Hub, params: &Params, pinned: bool) -> Result<Value, RpcError> {
    let time = params.needed_number(&["targetTimestamp"])?;
    let message: Message = named(hub, &params.needed_text(&["targetAuthor"])?, time)?;
    let lasting = params.0.get("pinDuration").and_then(Value::as_i64) == Some(-1);
    let seconds = if lasting { None } else { params.number(&["pinDuration"])? };
    let until = seconds.map_or(u64::MAX, |seconds| now_ms().saturating_add(seconds.saturating_mul(1_000)));
    act(hub, &message, Deed::Pin { until_ms: if pinned { until } else { 0 } })
}

/// The account's devices keep each other up to date by themselves.
pub fn nothing_to_do(hub: &Hub) -> Result<Value, RpcError> {
    done(hub, Command::GoOnline)
}
