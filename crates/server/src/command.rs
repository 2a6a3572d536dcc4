use bytes::Bytes;
use waxwing_wire::client_frame::{Hello, Register, Send};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, PrekeyUpload, Username};

use crate::store::DedupeKey;

/// Names a connection to the driver. Never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Where an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The connection.
    pub conn: ConnId,
    /// The request's number there.
    pub request: u32,
}

/// Everything that can be asked of the server core.
#[derive(Debug, Clone)]
pub enum Command {
    /// A connection whose handshake proved `key` says hello. Leads to [`crate::Effect::Attach`] and a
    /// `Welcome`, or to a `Goodbye`.
    Attach {
        /// The connection.
        conn: ConnId,
        /// Proven by the handshake.
        key: DeviceKey,
        /// Its first frame's.
        hello: Hello,
    },
    /// Second half of `Attach`, once the key's device is known: takes the lease.
    AttachDevice {
        /// The connection.
        conn: ConnId,
        /// Proven by the handshake; must still be the device's.
        key: DeviceKey,
        /// The key's device.
        address: DeviceAddress,
        /// Its first frame's.
        hello: Hello,
        /// Filled in by the driver from [`crate::Links::accepted`] before it decides: the lease and the
        /// accepted messages of a connection of the device that is still there.
        live: Option<(u64, u64)>,
    },
    /// A message from an attached device.
    Send {
        /// The connection that gets the answer.
        conn: ConnId,
        /// The attached device.
        from: DeviceAddress,
        /// The message.
        send: Send,
    },
    /// A device has durably stored its mailbox up to an entry. Settled in steps: receipts first, then the
    /// entries go.
    Stored {
        /// The mailbox.
        mailbox: DeviceAddress,
        /// Up to and with this sequence number.
        up_to: u64,
        /// Entries that earn no receipt.
        undecryptable: Vec<u64>,
    },
    /// Second half of `Stored` and of `Expire`, once it is known where the mailbox begins. Leads to receipts
    /// first and a `Trim` after them.
    Settle {
        /// The mailbox.
        mailbox: DeviceAddress,
        /// From this sequence number on; the first that may still be there.
        from: u64,
        /// Up to and with this one.
        up_to: u64,
        /// What becomes of the entries.
        fate: Fate,
    },
    /// Part of settling `Stored` or expiry: a receipt for one sender's mailbox.
    PutReceipt {
        /// The mailbox of the device that sent the messages.
        mailbox: DeviceAddress,
        /// Encoded [`waxwing_wire::server_frame::Item::Receipt`].
        item: Bytes,
    },
    /// Last part of settling `Stored` or expiry: the entries go.
    Trim {
        /// The mailbox.
        mailbox: DeviceAddress,
        /// Up to and with this sequence number.
        up_to: u64,
        /// The entries among them that were there when they were settled.
        gone: Vec<Gone>,
        /// The device has said that it stored them; otherwise they expired.
        acknowledged: bool,
    },
    /// Delete what has waited too long, from the oldest on. The driver calls it for each mailbox now and
    /// then.
    Expire {
        /// The mailbox.
        mailbox: DeviceAddress,
    },
    /// A device's connection is gone; `accepted` messages were taken from it under `lease`.
    Detach {
        /// The device.
        address: DeviceAddress,
        /// The lease of the connection.
        lease: u64,
        /// Messages accepted under it.
        accepted: u64,
    },
    /// First step of a registration: reserves an account id for the connection's key.
    Register {
        /// Where the answer goes.
        origin: Origin,
        /// Proven by the handshake; becomes the device's credential.
        key: DeviceKey,
        /// What is asked for.
        register: Box<Register>,
    },
    /// Second step: claims the invitation.
    ClaimInvitation {
        /// Where the answer goes.
        origin: Origin,
        /// The device's credential.
        key: DeviceKey,
        /// The reserved account.
        account: AccountId,
        /// What is asked for.
        register: Box<Register>,
    },
    /// Third step: claims the username.
    ClaimUsername {
        /// Where the answer goes.
        origin: Origin,
        /// The device's credential.
        key: DeviceKey,
        /// The reserved account.
        account: AccountId,
        /// What is asked for.
        register: Box<Register>,
    },
    /// Fourth step: writes the account with its device and prekeys.
    CreateAccount {
        /// Where the answer goes.
        origin: Origin,
        /// The device's credential.
        key: DeviceKey,
        /// The reserved account.
        account: AccountId,
        /// What is asked for.
        register: Box<Register>,
    },
    /// Last step: the credential becomes valid.
    ActivateCredential {
        /// Where the answer goes.
        origin: Origin,
        /// The device's credential.
        key: DeviceKey,
        /// The account's first device.
        address: DeviceAddress,
    },
    /// Which account has a username?
    FindAccount {
        /// Where the answer goes.
        origin: Origin,
        /// As the client wrote it.
        username: String,
    },
    /// Second half of `FindAccount`.
    DescribeAccount {
        /// Where the answer goes.
        origin: Origin,
        /// The account that the username leads to.
        account: AccountId,
        /// The username that was asked for. An account whose registration was begun with it and finished
        /// with another does not have it.
        username: Username,
    },
    /// A prekey bundle for each device of an account; one-time prekeys are taken exactly once.
    FetchBundles {
        /// Where the answer goes.
        origin: Origin,
        /// The account.
        account: AccountId,
    },
    /// Second half of `FetchBundles`, once the account's devices are known.
    TakePrekeys {
        /// Where the answer goes.
        origin: Origin,
        /// The account.
        account: AccountId,
        /// Its devices, ascending.
        devices: Vec<DeviceId>,
    },
    /// New prekeys of an attached device.
    PublishPrekeys {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device.
        address: DeviceAddress,
        /// What it publishes.
        upload: Box<PrekeyUpload>,
    },
    /// The operator makes an invitation. No answer: the driver tells the operator when it is committed.
    CreateInvitation {
        /// Drawn by the driver from its generator.
        token: InvitationToken,
        /// How many accounts it admits; `None` for no bound.
        uses: Option<u32>,
        /// When it ends, milliseconds since 1970; `None` for never.
        expires_at_ms: Option<u64>,
    },
}

/// Why entries leave a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The device has stored them.
    Stored {
        /// Entries that earn no receipt.
        undecryptable: Vec<u64>,
    },
    /// They have waited too long.
    Expired,
}

/// An entry on its way out of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Its place.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
    /// Under which the mailbox remembered it.
    pub dedupe: Option<DedupeKey>,
}
