//! Who types, who is there.

use waxwing_client as core;

use crate::api::{Activity, Composing, Presence};

/// As the core has it.
pub fn activity_of(activity: Activity) -> core::Activity {
    match activity {
        Activity::Away => core::Activity::Away,
        Activity::Listening => core::Activity::Listening,
        Activity::Active => core::Activity::Active,
    }
}

/// As the core has it.
pub fn composing_of(what: Composing) -> core::Composing {
    match what {
        Composing::Stopped => core::Composing::Stopped,
        Composing::Typing => core::Composing::Typing,
        Composing::Recording => core::Composing::Recording,
    }
}

/// As the interface shows it.
pub fn composing(what: core::Composing) -> Composing {
    match what {
        core::Composing::Stopped => Composing::Stopped,
        core::Composing::Typing => Composing::Typing,
        core::Composing::Recording => Composing::Recording,
    }
}

/// As the interface shows it.
pub fn presence(presence: core::Presence) -> Presence {
    match presence {
        core::Presence::Unknown => Presence::Unknown,
        core::Presence::Online => Presence::Online,
        core::Presence::LastSeen(at_ms) => Presence::LastSeen { at_ms },
    }
}
