use rand_core::CryptoRng;
use waxwing_wire::Reject;

use crate::{Command, Effect, Keys, Settings, Step, Time, View};

/// Names what the decision on a command needs to see.
#[must_use]
pub fn reads(_command: &Command) -> Keys {
    todo!()
}

/// Decides. Pure: the same arguments give the same step.
///
/// # Errors
/// [`Reject`] when the command is refused; [`refuse`] says it to whoever asked.
pub fn decide(
    _command: &Command,
    _view: &View,
    _now: Time,
    _settings: &Settings,
    _rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    todo!()
}

/// How a refusal reaches whoever asked.
#[must_use]
pub fn refuse(_command: &Command, _reject: Reject) -> Vec<Effect> {
    todo!()
}
