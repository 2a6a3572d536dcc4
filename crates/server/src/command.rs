mod directory;
mod file;
mod parts;
mod request;

pub use directory::DirectoryCommand;
pub use file::{Asker, FileCommand};

pub use parts::{FanOut, Fate, Gone, Target};

use bytes::Bytes;
use waxwing_wire::client_frame::{ApproveLink, CompleteLink, GroupSend, Hello, Register, Send};
use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::group::GroupToken;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, DeviceKey, GroupId, PrekeyUpload, Username};

use crate::row::{Approval, BlobId};
use crate::store::Key;

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
        /// The network address that the connection comes from, as text: told to the account's own devices.
        place: String,
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
        /// The network address that the connection comes from.
        place: String,
        /// Filled in by the driver from [`crate::Links::received`] before it decides: the lease and the
        /// number of messages of a connection of the device that is still there.
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
    /// Part of settling `Stored` or expiry: a receipt for all devices of a sender's account.
    PutReceipt {
        /// The account whose device sent the messages.
        account: AccountId,
        /// Its devices, as far as known. If they turn out to be others the step is repeated with them.
        devices: Vec<DeviceId>,
        /// Encoded [`waxwing_wire::server_frame::Item::Receipt`].
        item: Bytes,
    },
    /// Part of settling `Stored` or expiry: of messages to a group that are still on their way to others it is
    /// noted that this mailbox has had them.
    NoteHad {
        /// The mailbox.
        mailbox: DeviceAddress,
        /// The group.
        group: GroupId,
        /// The messages.
        blobs: Vec<BlobId>,
    },
    /// Last part of settling `Stored` or expiry: the entries go.
    Trim {
        /// The mailbox.
        mailbox: DeviceAddress,
        /// Up to and with this sequence number.
        up_to: u64,
        /// The entries among them that were there when they were settled. Those that refer to blobs lead
        /// to a `Release`.
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
    /// A device's connection is gone; `received` messages came from it under `lease`.
    Detach {
        /// The device.
        address: DeviceAddress,
        /// The lease of the connection.
        lease: u64,
        /// Messages that came under it.
        received: u64,
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
    /// A prekey bundle for each named device of an account, or each device if none is named; one-time prekeys
    /// are taken exactly once. A device never gets its own.
    FetchBundles {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device that asks.
        asker: DeviceAddress,
        /// The account.
        account: AccountId,
        /// Of which devices; unknown ones are left out.
        named: Vec<DeviceId>,
    },
    /// Second half of `FetchBundles`, once the account's devices are known.
    TakePrekeys {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device that asks.
        asker: DeviceAddress,
        /// The account.
        account: AccountId,
        /// As in `FetchBundles`.
        named: Vec<DeviceId>,
        /// Those that are there, ascending.
        devices: Vec<DeviceId>,
    },
    /// Which devices does the account have?
    FetchDevices {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device that asks.
        asker: DeviceAddress,
        /// The account.
        account: AccountId,
    },
    /// Which alias has this account?
    FindUsername {
        /// Where the answer goes.
        origin: Origin,
        /// The account.
        account: AccountId,
    },
    /// The primary has signed another device list. Devices that are not in it any more are removed.
    PublishDeviceList {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device.
        from: DeviceAddress,
        /// What it signed.
        list: Box<SignedDeviceList>,
    },
    /// Cuts a device of the own account off.
    RemoveDevice {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device.
        from: DeviceAddress,
        /// The device that goes.
        device: DeviceId,
    },
    /// Part of removing a device: its credential goes.
    DropCredential {
        /// The removed device.
        address: DeviceAddress,
        /// Its credential.
        key: DeviceKey,
    },
    /// Part of removing a device: its mailbox goes, in rounds.
    Purge {
        /// The removed device.
        mailbox: DeviceAddress,
    },
    /// Last part of removing devices: nothing is left of them.
    FinishRemoval {
        /// Where the answer goes; `None` if nobody waits for it.
        origin: Option<Origin>,
        /// The account.
        account: AccountId,
        /// The removed devices.
        devices: Vec<DeviceId>,
    },
    /// A new device offers itself on a connection that speaks for no device. Answered at once only if it is
    /// refused or approved already; otherwise leads to [`crate::Effect::AwaitLink`].
    OfferLink {
        /// Where the answer goes.
        origin: Origin,
        /// Proven by the handshake.
        key: DeviceKey,
        /// Where the offer waits.
        reference: LinkReference,
        /// Encoded [`waxwing_wire::devices::LinkOffer`].
        offer: Bytes,
    },
    /// What was offered under a reference?
    FetchLink {
        /// Where the answer goes.
        origin: Origin,
        /// Where the offer waits.
        reference: LinkReference,
    },
    /// The primary approves an offer.
    ApproveLink {
        /// Where the answer goes.
        origin: Origin,
        /// The attached device.
        from: DeviceAddress,
        /// Its word.
        approve: Box<ApproveLink>,
    },
    /// The new device accepts, on a connection that speaks for no device. First step: reserves the number for
    /// the connection's key.
    CompleteLink {
        /// Where the answer goes.
        origin: Origin,
        /// Proven by the handshake.
        key: DeviceKey,
        /// What it publishes.
        complete: Box<CompleteLink>,
    },
    /// Second step of `CompleteLink`: the account gets its device. Leads to `ActivateCredential`.
    AddDevice {
        /// Where the answer goes.
        origin: Origin,
        /// The device's credential.
        key: DeviceKey,
        /// What it publishes.
        complete: Box<CompleteLink>,
        /// What was approved.
        approval: Box<Approval>,
    },
    /// Instead of `AddDevice`, when the offer has ended meanwhile: goes on if the account has its device already.
    ResumeLink {
        /// Where the answer goes.
        origin: Origin,
        /// The device's credential.
        key: DeviceKey,
        /// The number that was reserved for it.
        address: DeviceAddress,
    },
    /// An offer to link that may have ended.
    ExpireLink {
        /// Where it waits.
        reference: LinkReference,
    },
    /// Which members handle requests to join a group?
    FindGroup {
        /// Where the answer goes.
        origin: Origin,
        /// The group.
        group: GroupId,
        /// Of its invitation link.
        token: GroupToken,
    },
    /// How many changes has a group seen?
    FetchGroupEpoch {
        /// Where the answer goes.
        origin: Origin,
        /// Who asks.
        account: AccountId,
        /// The group.
        group: GroupId,
    },
    /// A message to a group, or a change of it, from an attached device. First step: who is in the group, and
    /// may the sender?
    GroupSend {
        /// The connection that gets the answer.
        conn: ConnId,
        /// The attached device.
        from: DeviceAddress,
        /// The message.
        send: Box<GroupSend>,
    },
    /// Second step: reads the account rows of all members, compares the sender's view, and finds out to whom the
    /// message goes. Changes nothing.
    GroupCompare {
        /// Connection and message of `GroupSend`; `None`: a change that somebody left half fanned out is gone
        /// on with.
        sender: Option<(ConnId, Box<GroupSend>)>,
        /// Which message.
        blob: BlobId,
        /// It is stored already, and not in all mailboxes yet.
        taken: bool,
        /// Accounts that are looked at, ascending.
        accounts: Vec<AccountId>,
    },
    /// Third step: the message, and the group as it is after it, are stored once, or references are reserved for
    /// another run if they are.
    GroupStore {
        /// As in `GroupCompare`.
        sender: Option<(ConnId, Box<GroupSend>)>,
        /// As in `GroupCompare`.
        taken: bool,
        /// Where it is going.
        fan_out: Box<FanOut>,
    },
    /// Fourth step, once for each account that gets it: references go into the mailboxes of one account.
    GroupDeliver {
        /// Where it is going.
        fan_out: Box<FanOut>,
    },
    /// Now and then between two `GroupDeliver`: how far it has come is noted.
    GroupNote {
        /// Where it is going.
        fan_out: Box<FanOut>,
    },
    /// Last step: what was reserved and not used is given back, and the sender gets its answer.
    GroupFinish {
        /// Where it went.
        fan_out: Box<FanOut>,
    },
    /// Goes on with a change that is not in all mailboxes yet.
    GroupResume {
        /// The group.
        group: GroupId,
    },
    /// Mailbox entries that refer to blobs are gone.
    Release {
        /// The group that the blobs belong to.
        group: GroupId,
        /// Once for each entry.
        blobs: Vec<BlobId>,
    },
    /// A blob that may have been left over.
    ExpireBlob {
        /// Which.
        blob: BlobId,
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
    /// About files.
    File(FileCommand),
    /// About the directory of contacts.
    Directory(DirectoryCommand),
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

impl Command {
    /// What the sweep does with a row that [`crate::Store::sweep`] listed.
    #[must_use]
    pub fn sweep(key: &Key) -> Option<Self> {
        match key {
            Key::Mailbox(mailbox) => Some(Self::Expire { mailbox: *mailbox }),
            Key::References(blob) => Some(Self::ExpireBlob { blob: *blob }),
            Key::Linking(reference) => Some(Self::ExpireLink { reference: *reference }),
            Key::File(file) => Some(Self::File(FileCommand::Expire { file: *file })),
            Key::Awaiting(file, mailbox) => {
                Some(Self::File(FileCommand::ExpireAwaiting { file: *file, mailbox: *mailbox }))
            }
            _ => None,
        }
    }
}
