use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{AccountId, DeviceAddress, RejectCode, Username};

use crate::row::{Delivery, Message, MessageKey, Peer};

/// Names a command to whoever gave it; chosen by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// What a user wants. Each is answered by [`Event::Done`] or [`Event::Failed`] exactly once.
#[derive(Clone)]
pub enum Command {
    /// Make an account with this device, and keep a connection from now on. Done when the server has
    /// confirmed; failed when it cannot be reached.
    Register {
        /// From the invitation.
        invitation: InvitationToken,
        /// Wanted alias.
        username: Username,
    },
    /// Learn which account has a username and keep it as a contact. Done at once when already known;
    /// otherwise needs a connection, or one that is being made.
    AddContact {
        /// The contact's alias.
        username: Username,
    },
    /// Write a message. Done as soon as it is durably in the outbox, with or without a connection.
    SendText {
        /// The contact; must be known.
        to: AccountId,
        /// At most [`waxwing_wire::limits::MAX_TEXT_BYTES`].
        text: String,
    },
    /// The user has seen every message of the conversation up to and with this one.
    MarkRead {
        /// Which conversation.
        with: AccountId,
        /// Local order of the last message seen.
        up_to: u64,
    },
    /// The user has compared safety numbers (or takes that back).
    SetVerified {
        /// Whose.
        account: AccountId,
        /// They match.
        verified: bool,
    },
    /// Keep a connection from now on.
    GoOnline,
    /// End the connection and make no new one.
    GoOffline,
}

/// What the shell does after the commit, in order.
#[derive(Clone)]
pub enum Effect {
    /// Open a connection; then [`crate::Input::Connected`] or [`crate::Input::Disconnected`].
    Connect,
    /// Close the connection; no input is expected for it any more.
    Disconnect,
    /// Encode, seal and send.
    Send(ClientFrame),
    /// Tell the front end.
    Event(Event),
}

/// What happened, for front ends. Holds what people wrote: never to be logged.
#[derive(Clone)]
pub enum Event {
    /// A command succeeded. `message` is the one it made, if any.
    Done {
        /// Which.
        command: CommandId,
        /// The message written, for [`Command::SendText`].
        message: Option<MessageKey>,
        /// The contact learned, for [`Command::AddContact`].
        peer: Option<Peer>,
    },
    /// A command did not succeed.
    Failed {
        /// Which.
        command: CommandId,
        /// Why, and what to do.
        failure: Failure,
    },
    /// The connection changed.
    Connection(ConnectionState),
    /// This device has an account now.
    Registered(DeviceAddress),
    /// A message is in the history now: written here, arrived, or a placeholder for one that could not be
    /// decrypted yet.
    Message(Message),
    /// A message changed: its placeholder was filled.
    MessageFilled(Message),
    /// The ticks of a message changed.
    Delivery {
        /// Which.
        message: MessageKey,
        /// In which conversation.
        with: AccountId,
        /// As it is now.
        delivery: Delivery,
    },
    /// A contact's identity key is another than before: their safety number changed.
    IdentityChanged(AccountId),
    /// Messages of this sending device are missing before the one just shown.
    Gap {
        /// Who sent them.
        from: DeviceAddress,
        /// How many.
        missing: u64,
    },
    /// The database is an older copy of itself: sessions are being renewed.
    RestoredCopy,
}

/// Whether the server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// No connection, and none wanted.
    Offline,
    /// No connection; trying again at this time, milliseconds since 1970.
    Waiting {
        /// When.
        until_ms: u64,
    },
    /// Being set up.
    Connecting,
    /// Greeted by the server.
    Online,
    /// The server does not want this device; trying again will not help.
    Refused(RejectCode),
}

/// Why a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server's word.
    #[error("{0}")]
    Rejected(waxwing_wire::Reject),
    /// Only possible with a connection.
    #[error("not connected to the server; try again when it can be reached")]
    NotConnected,
    /// This device has no account.
    #[error("this profile has no account yet; register it first")]
    NotRegistered,
    /// This device has an account already.
    #[error("this profile has an account already; use another data directory for another account")]
    AlreadyRegistered,
    /// The contact is not known here.
    #[error("no such contact; add it by its username first")]
    UnknownContact,
    /// Above a limit.
    #[error("the message is too long; the limit is {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// The outbox is full.
    #[error("too many messages wait to be sent; try again when the server can be reached")]
    OutboxFull,
    /// Nothing to send.
    #[error("the message is empty")]
    Empty,
    /// Too many commands wait for an answer.
    #[error("another command is still under way; try again when it is done")]
    Busy,
    /// Above [`crate::limits::MAX_PEERS`].
    #[error("too many contacts; the limit is {limit}")]
    TooManyContacts {
        /// The limit.
        limit: u32,
    },
}
