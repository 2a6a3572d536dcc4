//! The client core: what a device decides, and nothing of how it waits, stores or sends.
//!
//! A shell (the `app` crate, or the simulator) turns around one loop:
//!
//! 1. an [`Input`] arrives: something the user wants, something the server said, or time has passed;
//! 2. [`Client::handle`] reads what it needs from the device's database and gives a [`Step`];
//! 3. the shell commits [`Step::batch`] in one transaction, and only then carries out [`Step::effects`];
//! 4. it calls again with [`Input::Tick`] when [`Step::wake`] has come.
//!
//! A session is thus persisted before a ciphertext leaves, and a message before its arrival is
//! acknowledged: "sent but forgot" cannot be written. If a commit fails the shell drops the `Client`, which
//! has gone ahead of the database, and opens a new one.
//!
//! | module | what it decides |
//! |---|---|
//! | `client` | which of the others an input concerns |
//! | `connection` | when to connect, what is dead, whether the database is an older copy of itself |
//! | `register`, `linking`, `own` | the own account: making it, taking devices in, its device list |
//! | `contacts`, `devices` | others; the devices of accounts, and which of them to believe |
//! | `directory` | which people of an address book have an account |
//! | `sync`, `state`, `archive` | what the devices of one account tell each other |
//! | `group` | groups |
//! | `posting`, `history` | what the user writes and has read |
//! | `status` | what people show some others for a day |
//! | `profile`, `privacy` | what the user tells others of themself, and who may know what |
//! | `act` | reactions, edits, deletions for everyone, votes; what disappears |
//! | `outbox`, `sealing` | what goes to the server when, and its encryption |
//! | `inbox`, `retry` | what arrives, and what becomes of what cannot be read |
//! | `light` | who types, who is there: in memory only |
//! | `positions` | whether something is missing before it |
//! | `prekeys` | what others begin sessions with |
//! | `record`, `overlay`, `turn` | rows, the step under way, frames |
//!
//! What is absent: no list without a bound in [`limits`]; nothing that a server or peer says can make
//! [`Client::handle`] fail or panic, only the database can; no ciphertext leaves whose session is not in
//! the same commit or an earlier one; nothing is encrypted twice because a connection was lost.

pub mod conformance;
pub mod limits;
pub mod memory;

mod act;
mod archive;
mod client;
mod command;
mod connection;
mod contacts;
mod db;
mod devices;
mod directory;
mod files;
mod group;
mod history;
mod inbox;
mod light;
mod linking;
mod outbox;
mod overlay;
mod own;
mod positions;
mod posting;
mod prekeys;
mod privacy;
mod profile;
mod record;
mod register;
mod retry;
mod row;
mod sealing;
mod state;
mod status;
mod sync;
mod turn;
mod undo;

pub use client::{Client, Error, Input, Step};
pub use command::{
    Activity, BookEntry, ChatChange, Command, CommandId, Composing, ConnectionState, Effect, Event, Failure,
    LocalFile, Presence, ProfileChange, Upload, UploadFailure,
};
pub use db::{Batch, DbError, Key, RawRow, Read, Table, Write};
pub use row::{
    Audience, Body, BroadcastList, ChatState, Delivery, Direction, Group, MemberReceipt, Message, MessageKey,
    Notice, OwnDevice, OwnProfile, Peer, PeerProfile, Privacy, Setting, Trust,
};
pub use waxwing_e2ee::attachment;
pub use waxwing_wire::content::Conversation;
pub use waxwing_wire::post;

/// Milliseconds since 1970 on the device's clock, as the shell read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    pub(crate) const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

#[cfg(test)]
mod tests;
