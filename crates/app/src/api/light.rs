//! Who types, who is there.

use serde::{Deserialize, Serialize};

/// Whether the user is at this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Activity {
    /// No: nobody is told that the user is there, and nobody's typing or presence comes. As it is at first.
    Away,
    /// A program listens: typing and presence come, and nobody is told that the user is there.
    Listening,
    /// Yes: those who may know are told.
    Active,
}

/// What somebody does who is about to say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Composing {
    /// Nothing any more.
    Stopped,
    /// Types.
    Typing,
    /// Records.
    Recording,
}

/// What is known of whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Presence {
    /// Nothing: it is not to be known, or not known now.
    Unknown,
    /// At one of their devices, now.
    Online,
    /// Not now.
    LastSeen {
        /// When they were.
        at_ms: u64,
    },
}
