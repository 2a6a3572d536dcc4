//! What a server says to a client.

use bytes::Bytes;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use crate::devices::SignedDeviceList;
use crate::directory::{ELEMENT_BYTES, ENTRY_BYTES, Evaluated, chunks};
use crate::error::{Malformed, Reject};
use crate::file::{self, Download, Segments, UploadTicket};
use crate::group::{GroupId, GroupView, PublicChange};
use crate::id::{AccountId, DeviceAddress, DeviceId, FileId, MessageId};
use crate::light::{LightEvent, Presence};
use crate::limits::{
    MAX_ADDRESSES_PER_REQUEST, MAX_BUCKET_BITS, MAX_BUCKET_ENTRIES, MAX_FILES_PER_SEND, MAX_LINK_GRANT_BYTES,
    MAX_LINK_OFFER_BYTES, MAX_PLACE_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES,
};
use crate::pb::frame as pb;
use crate::scan::{ENTRY, SERVER_FRAME};
use crate::shared::{
    EnvelopeKind, KyberPrekey, OneTimePrekey, PrekeysLeft, SignedPrekey, at_most, ciphertext, decode_bounded,
    fixed, registration_id,
};

/// One frame down, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFrame {
    /// Answer to `Hello`.
    pub welcome: Option<Welcome>,
    /// Mailbox entries, ascending.
    pub entries: Vec<Entry>,
    /// Messages that are durably stored for their recipients.
    pub accepted: Vec<MessageId>,
    /// Messages that the server did not take.
    pub refused: Vec<Refused>,
    /// Answers to requests.
    pub responses: Vec<Response>,
    /// Echo of a ping.
    pub pong: Option<u32>,
    /// Why the server closes the connection now.
    pub goodbye: Option<Reject>,
    /// Light events of others.
    pub lights: Vec<LightEvent>,
    /// What watched accounts have announced.
    pub presences: Vec<Presence>,
}

/// One entry of the device's mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the mailbox, from 1.
    pub seq: u64,
    /// What it holds.
    pub item: Item,
}

/// What a mailbox entry holds. Its encoding is also what the server stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A message for this device.
    Envelope(Envelope),
    /// Messages of this device have been stored by a recipient's.
    Receipt(Receipt),
}

/// A message for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The device that sent it, as proven to the server.
    pub from: DeviceAddress,
    /// Chosen by the sender.
    pub id: MessageId,
    /// How to read the ciphertext.
    pub kind: EnvelopeKind,
    /// At most [`crate::limits::MAX_CIPHERTEXT_BYTES`].
    pub ciphertext: Bytes,
    /// When the server took it, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// The sender wants no delivery receipt.
    pub silent: bool,
    /// It went to a group; `None`: to this account alone.
    pub group: Option<GroupEnvelope>,
}

/// Of a message to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEnvelope {
    /// Which group.
    pub group: GroupId,
    /// In which epoch the server took it; a change has the number that it made.
    pub epoch: u64,
    /// What the server made of it, if it is a change.
    pub change: Option<PublicChange>,
}

/// Delivery receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The device that has stored them.
    pub by: DeviceAddress,
    /// The device of the mailbox's account that sent them.
    pub sent_by: DeviceId,
    /// Messages that it sent.
    pub ids: Vec<MessageId>,
    /// When the server learned of it, milliseconds since 1970.
    pub at_ms: u64,
    /// Not stored at all: the messages expired before the device fetched them.
    pub expired: bool,
}

/// A message that the server did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub id: MessageId,
    /// Why.
    pub reject: Reject,
    /// With [`crate::RejectCode::DeviceMismatch`]: what is wrong with the copies.
    pub mismatch: DeviceMismatch,
    /// With [`crate::RejectCode::GroupMismatch`]: the server's view of the group.
    pub group: Option<GroupView>,
    /// With [`crate::RejectCode::FileGone`]: files of the message that are not there. At least one, not always all.
    pub files_gone: Vec<FileId>,
}

/// How the sender's view of an account's devices differs from the server's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceMismatch {
    /// Devices without a copy.
    pub missing: Vec<DeviceId>,
    /// Copies without a device.
    pub extra: Vec<DeviceId>,
    /// Devices that were set up anew since: their registration id is another.
    pub stale: Vec<DeviceId>,
}

/// See `Welcome` in `frame.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The device that the connection's key belongs to.
    pub address: DeviceAddress,
    /// Server clock, milliseconds since 1970.
    pub server_time_ms: u64,
    /// Largest lease seen before this connection's.
    pub previous_lease: u64,
    /// Largest entry the device ever acknowledged.
    pub acknowledged: u64,
    /// Messages that came under the previous lease, whatever became of them, if the server still knows. A connection
    /// keeps its order: when something that an older copy of the device does not know of came, more came than it knows.
    pub received_in_lease: Option<u64>,
    /// One-time prekeys left.
    pub prekeys_left: PrekeysLeft,
    /// Version of the account's device list.
    pub list_version: u64,
    /// Devices of the account now.
    pub devices: u32,
    /// Messages that were not kept for this companion because its mailbox was full, ever.
    pub skipped: u64,
}

/// Answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The request's.
    pub id: u32,
    /// The answer.
    pub what: ResponseBody,
}

/// The kinds of answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseBody {
    /// No.
    Reject(Reject),
    /// The account exists now, with this first device.
    Registered(DeviceAddress),
    /// The account that has the username, and its identity key.
    Found {
        /// Which account.
        account: AccountId,
        /// 0x05 and the X25519 key of its primary device.
        identity: [u8; PUBLIC_KEY_BYTES],
    },
    /// One bundle for each device that was asked for and is there.
    Bundles {
        /// The account's device list.
        list: SignedDeviceList,
        /// The bundles.
        bundles: Vec<Bundle>,
    },
    /// Prekeys are stored; so many one-time ones are there now.
    Published(PrekeysLeft),
    /// The devices of an account.
    Devices {
        /// As its primary says.
        list: SignedDeviceList,
        /// Those that are there now: a subset.
        devices: Vec<DeviceState>,
    },
    /// It is done.
    Done,
    /// What a new device offers; encoded [`crate::devices::LinkOffer`].
    LinkOffered(Bytes),
    /// The answer to an offer: it was approved.
    Linked {
        /// Includes the new device.
        list: SignedDeviceList,
        /// [`crate::devices::LinkGrant`], encrypted under the code's secret.
        sealed: Bytes,
    },
    /// Who handles requests to join the group.
    GroupFound(Vec<AccountId>),
    /// How many changes the group has seen.
    GroupEpoch(u64),
    /// The alias of an account.
    Username(String),
    /// Blinded addresses under the directory's key.
    Evaluated(Box<Evaluated>),
    /// Everything in one bucket of the directory, at most [`crate::limits::MAX_BUCKET_ENTRIES`].
    Bucket(Vec<[u8; ENTRY_BYTES]>),
    /// How the own account is found.
    Findable {
        /// By its addresses, or not.
        on: bool,
        /// Addresses that the operator vouched for.
        addresses: u32,
    },
    /// The right to upload a file.
    UploadTicket(UploadTicket),
    /// Where segments of a file go.
    Segments(Segments),
    /// Where a file is.
    Download(Download),
}

/// A device as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// Which.
    pub device: DeviceId,
    /// 14 bits.
    pub registration_id: u16,
    /// Over [`crate::devices::countersigned_bytes`]; `None` for the primary.
    pub countersignature: Option<[u8; SIGNATURE_BYTES]>,
    /// When it was last connected, to the hour, milliseconds since 1970; 0: unknown, or not the own account.
    pub last_seen_ms: u64,
    /// Network address of its last log-in; empty: unknown, or not the own account.
    pub place: String,
    /// When it was linked, milliseconds since 1970; 0: not the own account.
    pub linked_at_ms: u64,
}

/// Prekeys of one device, taken from the server to begin a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Whose.
    pub device: DeviceId,
    /// 14 bits.
    pub registration_id: u16,
    /// 0x05 and the X25519 key.
    pub identity: [u8; PUBLIC_KEY_BYTES],
    /// Signed X25519 prekey.
    pub signed: SignedPrekey,
    /// One-time or last-resort Kyber prekey.
    pub kyber: KyberPrekey,
    /// Absent when they have run out.
    pub one_time: Option<OneTimePrekey>,
    /// Over [`crate::devices::countersigned_bytes`]; `None` for the primary.
    pub countersignature: Option<[u8; SIGNATURE_BYTES]>,
}

/// Appends one mailbox entry to the plaintext of a frame under construction.
///
/// `item` is what [`Item::encode`] gave when the entry was stored: delivery copies bytes and parses
/// nothing. `follows` says that the entry before it in this frame has the sequence number `seq - 1`,
/// which then goes without saying.
pub fn put_entry(out: &mut Vec<u8>, seq: u64, follows: bool, item: &[u8]) {
    let seq_bytes = if follows { 0 } else { 1 + encoded_len_varint(seq) };
    encode_key(1, WireType::LengthDelimited, out);
    encode_varint((seq_bytes + item.len()) as u64, out);
    if !follows {
        encode_key(1, WireType::Varint, out);
        encode_varint(seq, out);
    }
    out.extend_from_slice(item);
}

/// Bytes that [`put_entry`] may append for an item of `item_bytes` bytes.
#[must_use]
pub const fn entry_bytes_bound(item_bytes: usize) -> usize {
    // Key, length of up to 3 bytes, key and number of up to 10 bytes.
    1 + 3 + 1 + 10 + item_bytes
}

impl ServerFrame {
    /// Protobuf bytes. May be appended to what [`put_entry`] wrote: both together are one frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut previous = None;
        for entry in &self.entries {
            let follows = previous.is_some_and(|seq: u64| seq.checked_add(1) == Some(entry.seq));
            put_entry(&mut out, entry.seq, follows, &entry.item.encode());
            previous = Some(entry.seq);
        }
        self.encode_rest(&mut out);
        out
    }

    fn encode_rest(&self, out: &mut Vec<u8>) {
        let frame = pb::ServerFrame {
            entry: Vec::new(),
            accepted: self.accepted.iter().map(|id| id.0).collect(),
            refused: self.refused.iter().map(Into::into).collect(),
            pong: self.pong.map(|nonce| pb::Pong { nonce }),
            welcome: self.welcome.as_ref().map(Into::into),
            response: self.responses.iter().map(Into::into).collect(),
            goodbye: self.goodbye.as_ref().map(|r| pb::Goodbye { reject: Some(r.into()) }),
            light: self.lights.iter().map(Into::into).collect(),
            presence: self.presences.iter().map(Into::into).collect(),
        };
        out.reserve(frame.encoded_len());
        frame.encode(out).expect("a Vec grows as needed");
    }

    /// Reads the plaintext of one frame.
    ///
    /// # Errors
    /// [`Malformed`] names the first part that breaks the schema or a limit.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let frame: pb::ServerFrame = decode_bounded(bytes, SERVER_FRAME, "ServerFrame")?;
        Ok(Self {
            welcome: frame.welcome.map(TryInto::try_into).transpose()?,
            entries: entries(frame.entry)?,
            accepted: frame.accepted.into_iter().map(MessageId).collect(),
            refused: frame.refused.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            responses: frame.response.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            pong: frame.pong.map(|pong| pong.nonce),
            goodbye: frame.goodbye.map(goodbye).transpose()?,
            lights: frame.light.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            presences: frame.presence.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

fn goodbye(goodbye: pb::Goodbye) -> Result<Reject, Malformed> {
    goodbye.reject.ok_or(Malformed::new("Goodbye.reject"))?.try_into()
}

fn entries(list: Vec<pb::Entry>) -> Result<Vec<Entry>, Malformed> {
    let mut previous: u64 = 0;
    let mut entries = Vec::with_capacity(list.len());
    for entry in list {
        let next = previous.checked_add(1).ok_or(Malformed::new("Entry.seq"))?;
        let seq = match entry.seq {
            0 if previous == 0 => return Err(Malformed::new("Entry.seq")),
            0 => next,
            given if given < next => return Err(Malformed::new("Entry.seq")),
            given => given,
        };
        let item = Item::from_pb(entry.item.ok_or(Malformed::new("Entry.item"))?)?;
        entries.push(Entry { seq, item });
        previous = seq;
    }
    Ok(entries)
}

impl Item {
    /// Bytes to store, and to hand to [`put_entry`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let item = match self {
            Self::Envelope(envelope) => pb::entry::Item::Envelope(envelope.into()),
            Self::Receipt(receipt) => pb::entry::Item::Receipt(receipt.into()),
        };
        pb::Entry { seq: 0, item: Some(item) }.encode_to_vec()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when the stored bytes are damaged.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let entry: pb::Entry = decode_bounded(bytes, ENTRY, "Entry")?;
        Self::from_pb(entry.item.ok_or(Malformed::new("Entry.item"))?)
    }

    fn from_pb(item: pb::entry::Item) -> Result<Self, Malformed> {
        match item {
            pb::entry::Item::Envelope(envelope) => envelope.try_into().map(Self::Envelope),
            pb::entry::Item::Receipt(receipt) => receipt.try_into().map(Self::Receipt),
        }
    }
}

pub(crate) fn address(account: &[u8], device: u32, what: &'static str) -> Result<DeviceAddress, Malformed> {
    Ok(DeviceAddress { account: AccountId::parse(account, what)?, device: DeviceId::from_pb(device, what)? })
}

pub(crate) fn account_bytes(account: AccountId) -> Bytes {
    Bytes::copy_from_slice(&account.0)
}

fn devices(list: &[u32]) -> Result<Vec<DeviceId>, Malformed> {
    list.iter().map(|number| DeviceId::parse(*number, "Refused: device")).collect()
}

impl From<&Envelope> for pb::Envelope {
    fn from(envelope: &Envelope) -> Self {
        Self {
            from: account_bytes(envelope.from.account),
            device: envelope.from.device.to_pb(),
            id: envelope.id.0,
            kind: envelope.kind.to_pb(),
            ciphertext: envelope.ciphertext.clone(),
            accepted_at: envelope.accepted_at_ms,
            silent: envelope.silent,
            group: envelope.group.as_ref().map(|of| Bytes::copy_from_slice(&of.group.0)).unwrap_or_default(),
            epoch: envelope.group.as_ref().map_or(0, |of| of.epoch),
            change: envelope.group.as_ref().and_then(|of| of.change.as_ref()).map(Into::into),
        }
    }
}

impl TryFrom<pb::Envelope> for Envelope {
    type Error = Malformed;

    fn try_from(envelope: pb::Envelope) -> Result<Self, Malformed> {
        Ok(Self {
            from: address(&envelope.from, envelope.device, "Envelope.from")?,
            id: MessageId(envelope.id),
            kind: EnvelopeKind::from_pb(envelope.kind)?,
            ciphertext: ciphertext(envelope.ciphertext)?,
            accepted_at_ms: envelope.accepted_at,
            silent: envelope.silent,
            group: if envelope.group.is_empty() {
                None
            } else {
                Some(GroupEnvelope {
                    group: GroupId::parse(&envelope.group, "Envelope.group")?,
                    epoch: envelope.epoch,
                    change: envelope.change.map(TryInto::try_into).transpose()?,
                })
            },
        })
    }
}

impl From<&Receipt> for pb::Receipt {
    fn from(receipt: &Receipt) -> Self {
        Self {
            by: account_bytes(receipt.by.account),
            device: receipt.by.device.to_pb(),
            id: receipt.ids.iter().map(|id| id.0).collect(),
            at: receipt.at_ms,
            expired: receipt.expired,
            sent_by: receipt.sent_by.to_pb(),
        }
    }
}

impl TryFrom<pb::Receipt> for Receipt {
    type Error = Malformed;

    fn try_from(receipt: pb::Receipt) -> Result<Self, Malformed> {
        Ok(Self {
            by: address(&receipt.by, receipt.device, "Receipt.by")?,
            ids: receipt.id.into_iter().map(MessageId).collect(),
            at_ms: receipt.at,
            expired: receipt.expired,
            sent_by: DeviceId::from_pb(receipt.sent_by, "Receipt.sent_by")?,
        })
    }
}

impl From<&Refused> for pb::Refused {
    fn from(refused: &Refused) -> Self {
        let numbers = |list: &[DeviceId]| list.iter().map(|d| u32::from(d.number())).collect();
        Self {
            id: refused.id.0,
            reject: Some((&refused.reject).into()),
            missing: numbers(&refused.mismatch.missing),
            extra: numbers(&refused.mismatch.extra),
            stale: numbers(&refused.mismatch.stale),
            group: refused.group.as_ref().map(Into::into),
            files_gone: file::put_ids(&refused.files_gone),
        }
    }
}

impl TryFrom<pb::Refused> for Refused {
    type Error = Malformed;

    fn try_from(refused: pb::Refused) -> Result<Self, Malformed> {
        Ok(Self {
            id: MessageId(refused.id),
            reject: refused.reject.ok_or(Malformed::new("Refused.reject"))?.try_into()?,
            mismatch: DeviceMismatch {
                missing: devices(&refused.missing)?,
                extra: devices(&refused.extra)?,
                stale: devices(&refused.stale)?,
            },
            group: refused.group.map(TryInto::try_into).transpose()?,
            files_gone: file::ids(&refused.files_gone, MAX_FILES_PER_SEND, "Refused.files_gone")?,
        })
    }
}

impl From<&Welcome> for pb::Welcome {
    fn from(welcome: &Welcome) -> Self {
        Self {
            account: account_bytes(welcome.address.account),
            device: welcome.address.device.to_pb(),
            server_time: welcome.server_time_ms,
            previous_lease: welcome.previous_lease,
            acknowledged: welcome.acknowledged,
            received_in_lease: welcome.received_in_lease,
            one_time_left: welcome.prekeys_left.one_time,
            one_time_kyber_left: welcome.prekeys_left.one_time_kyber,
            list_version: welcome.list_version,
            devices: welcome.devices,
            skipped: welcome.skipped,
        }
    }
}

impl TryFrom<pb::Welcome> for Welcome {
    type Error = Malformed;

    fn try_from(welcome: pb::Welcome) -> Result<Self, Malformed> {
        Ok(Self {
            address: address(&welcome.account, welcome.device, "Welcome.account")?,
            server_time_ms: welcome.server_time,
            previous_lease: welcome.previous_lease,
            acknowledged: welcome.acknowledged,
            received_in_lease: welcome.received_in_lease,
            prekeys_left: PrekeysLeft {
                one_time: welcome.one_time_left,
                one_time_kyber: welcome.one_time_kyber_left,
            },
            list_version: welcome.list_version,
            devices: welcome.devices,
            skipped: welcome.skipped,
        })
    }
}

impl From<&Response> for pb::Response {
    fn from(response: &Response) -> Self {
        use pb::response::What;
        let what = match &response.what {
            ResponseBody::Reject(reject) => What::Reject(reject.into()),
            ResponseBody::Registered(address) => What::Registered(pb::Registered {
                account: account_bytes(address.account),
                device: address.device.to_pb(),
            }),
            ResponseBody::Found { account, identity } => What::Found(pb::Found {
                account: account_bytes(*account),
                identity: Bytes::copy_from_slice(identity),
            }),
            ResponseBody::Bundles { list, bundles } => What::Bundles(pb::Bundles {
                bundle: bundles.iter().map(Into::into).collect(),
                list: Some(list.into()),
            }),
            ResponseBody::Devices { list, devices } => What::Devices(pb::Devices {
                list: Some(list.into()),
                device: devices.iter().map(Into::into).collect(),
            }),
            ResponseBody::Done => What::Done(pb::Done {}),
            ResponseBody::LinkOffered(offer) => What::LinkOffered(pb::LinkOffered { offer: offer.clone() }),
            ResponseBody::Linked { list, sealed } => {
                What::Linked(pb::Linked { list: Some(list.into()), sealed: sealed.clone() })
            }
            ResponseBody::GroupFound(approvers) => What::GroupFound(pb::GroupFound {
                approver: approvers.iter().map(|account| account_bytes(*account)).collect(),
            }),
            ResponseBody::GroupEpoch(epoch) => What::GroupEpoch(pb::GroupEpoch { epoch: *epoch }),
            ResponseBody::Username(username) => What::Username(pb::Username { username: username.clone() }),
            ResponseBody::Evaluated(evaluated) => What::Evaluated(pb::Evaluated {
                element: evaluated.elements.concat().into(),
                proof: Bytes::copy_from_slice(&evaluated.proof),
                key: Bytes::copy_from_slice(&evaluated.key),
                bits: evaluated.bits.into(),
            }),
            ResponseBody::Bucket(entries) => What::Bucket(pb::Bucket { entry: entries.concat().into() }),
            ResponseBody::Findable { on, addresses } => {
                What::Findable(pb::FindableBy { on: *on, addresses: *addresses })
            }
            ResponseBody::UploadTicket(ticket) => What::UploadTicket(ticket.into()),
            ResponseBody::Segments(segments) => What::Segments(segments.into()),
            ResponseBody::Download(download) => What::Download(download.into()),
            ResponseBody::Published(left) => What::Published(pb::PrekeysLeft {
                one_time: left.one_time,
                one_time_kyber: left.one_time_kyber,
            }),
        };
        Self { id: response.id, what: Some(what) }
    }
}

impl TryFrom<pb::Response> for Response {
    type Error = Malformed;

    fn try_from(response: pb::Response) -> Result<Self, Malformed> {
        use pb::response::What;
        let what = match response.what.ok_or(Malformed::new("Response.what"))? {
            What::Reject(reject) => ResponseBody::Reject(reject.try_into()?),
            What::Registered(registered) => ResponseBody::Registered(address(
                &registered.account,
                registered.device,
                "Registered.account",
            )?),
            What::Found(found) => ResponseBody::Found {
                account: AccountId::parse(&found.account, "Found.account")?,
                identity: fixed(&found.identity, "Found.identity")?,
            },
            What::Bundles(bundles) => ResponseBody::Bundles {
                list: bundles.list.ok_or(Malformed::new("Bundles.list"))?.try_into()?,
                bundles: bundles.bundle.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            },
            What::Devices(devices) => ResponseBody::Devices {
                list: devices.list.ok_or(Malformed::new("Devices.list"))?.try_into()?,
                devices: devices.device.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            },
            What::Done(_) => ResponseBody::Done,
            What::LinkOffered(offered) => {
                ResponseBody::LinkOffered(at_most(offered.offer, MAX_LINK_OFFER_BYTES, "LinkOffered.offer")?)
            }
            What::Linked(linked) => ResponseBody::Linked {
                list: linked.list.ok_or(Malformed::new("Linked.list"))?.try_into()?,
                sealed: at_most(linked.sealed, MAX_LINK_GRANT_BYTES, "Linked.sealed")?,
            },
            What::GroupFound(found) => {
                let accounts =
                    found.approver.iter().map(|bytes| AccountId::parse(bytes, "GroupFound.approver"));
                ResponseBody::GroupFound(accounts.collect::<Result<_, _>>()?)
            }
            What::GroupEpoch(group) => ResponseBody::GroupEpoch(group.epoch),
            What::Username(username) if username.username.len() <= 32 => {
                ResponseBody::Username(username.username)
            }
            What::Username(_) => return Err(Malformed::new("Username.username")),
            What::Evaluated(evaluated) => ResponseBody::Evaluated(Box::new(evaluated.try_into()?)),
            What::Bucket(bucket) => {
                let most = MAX_BUCKET_ENTRIES * ENTRY_BYTES;
                ResponseBody::Bucket(chunks(&bucket.entry, most, "Bucket.entry")?)
            }
            What::Findable(by) => ResponseBody::Findable { on: by.on, addresses: by.addresses },
            What::UploadTicket(ticket) => ResponseBody::UploadTicket(ticket.try_into()?),
            What::Segments(segments) => ResponseBody::Segments(segments.try_into()?),
            What::Download(download) => ResponseBody::Download(download.try_into()?),
            What::Published(left) => ResponseBody::Published(PrekeysLeft {
                one_time: left.one_time,
                one_time_kyber: left.one_time_kyber,
            }),
        };
        Ok(Self { id: response.id, what })
    }
}

impl From<&Bundle> for pb::Bundle {
    fn from(bundle: &Bundle) -> Self {
        Self {
            device: bundle.device.to_pb(),
            registration: bundle.registration_id.into(),
            identity: Bytes::copy_from_slice(&bundle.identity),
            signed: Some((&bundle.signed).into()),
            kyber: Some((&bundle.kyber).into()),
            one_time: bundle.one_time.as_ref().map(Into::into),
            countersignature: optional_bytes(bundle.countersignature.as_ref()),
        }
    }
}

impl TryFrom<pb::Bundle> for Bundle {
    type Error = Malformed;

    fn try_from(bundle: pb::Bundle) -> Result<Self, Malformed> {
        Ok(Self {
            device: DeviceId::from_pb(bundle.device, "Bundle.device")?,
            registration_id: registration_id(bundle.registration)?,
            identity: fixed(&bundle.identity, "Bundle.identity")?,
            signed: bundle.signed.ok_or(Malformed::new("Bundle.signed"))?.try_into()?,
            kyber: bundle.kyber.ok_or(Malformed::new("Bundle.kyber"))?.try_into()?,
            one_time: bundle.one_time.map(TryInto::try_into).transpose()?,
            countersignature: countersignature(&bundle.countersignature)?,
        })
    }
}

fn optional_bytes(signature: Option<&[u8; SIGNATURE_BYTES]>) -> Bytes {
    signature.map(|bytes| Bytes::copy_from_slice(bytes)).unwrap_or_default()
}

fn countersignature(bytes: &[u8]) -> Result<Option<[u8; SIGNATURE_BYTES]>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { fixed(bytes, "countersignature").map(Some) }
}

impl From<&DeviceState> for pb::DeviceState {
    fn from(state: &DeviceState) -> Self {
        Self {
            device: state.device.number().into(),
            registration: state.registration_id.into(),
            countersignature: optional_bytes(state.countersignature.as_ref()),
            last_seen: state.last_seen_ms,
            place: state.place.clone(),
            linked_at: state.linked_at_ms,
        }
    }
}

impl TryFrom<pb::DeviceState> for DeviceState {
    type Error = Malformed;

    fn try_from(state: pb::DeviceState) -> Result<Self, Malformed> {
        if state.place.len() > MAX_PLACE_BYTES {
            return Err(Malformed::new("DeviceState.place"));
        }
        Ok(Self {
            device: DeviceId::parse(state.device, "DeviceState.device")?,
            registration_id: registration_id(state.registration)?,
            countersignature: countersignature(&state.countersignature)?,
            last_seen_ms: state.last_seen,
            place: state.place,
            linked_at_ms: state.linked_at,
        })
    }
}

impl TryFrom<pb::Evaluated> for Evaluated {
    type Error = Malformed;

    fn try_from(evaluated: pb::Evaluated) -> Result<Self, Malformed> {
        let most = MAX_ADDRESSES_PER_REQUEST * ELEMENT_BYTES;
        let bits = u8::try_from(evaluated.bits).ok().filter(|bits| *bits <= MAX_BUCKET_BITS);
        Ok(Self {
            elements: chunks(&evaluated.element, most, "Evaluated.element")?,
            proof: fixed(&evaluated.proof, "Evaluated.proof")?,
            key: fixed(&evaluated.key, "Evaluated.key")?,
            bits: bits.ok_or(Malformed::new("Evaluated.bits"))?,
        })
    }
}
