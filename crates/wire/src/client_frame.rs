//! What a client says to its server.

use bytes::Bytes;
use prost::Message;

use crate::devices::{LinkReference, SignedDeviceList};
use crate::directory::{AddressCode, ELEMENT_BYTES, Element, elements};
use crate::error::Malformed;
use crate::file::{self, FileRequest};
use crate::group::{GroupId, GroupToken, PublicChange};
use crate::id::{AccountId, DeviceId, FileId, MessageId};
use crate::invitation::InvitationToken;
use crate::light::{Announcement, Light, Watch};
use crate::limits::{
    MAX_ADDRESSES_PER_REQUEST, MAX_FILES_PER_SEND, MAX_LINK_GRANT_BYTES, MAX_LINK_OFFER_BYTES,
    MAX_PLAINTEXT_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES,
};
use crate::pb::frame as pb;
use crate::scan::CLIENT_FRAME;
use crate::shared::{
    EnvelopeKind, PrekeyUpload, at_most, ciphertext, decode_bounded, fixed, registration_id,
};

/// One frame up. What stands in it is carried out in the order of the fields here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientFrame {
    /// Who is talking; the first frame of a registered device.
    pub hello: Option<Hello>,
    /// Cumulative acknowledgement of mailbox entries.
    pub stored: Option<Stored>,
    /// Messages, in the sender's order.
    pub sends: Vec<Send>,
    /// Messages to groups, in the sender's order, after `sends`.
    pub group_sends: Vec<GroupSend>,
    /// Everything that wants an answer of its own.
    pub requests: Vec<Request>,
    /// Keep-alive; the server echoes the nonce.
    pub ping: Option<u32>,
    /// Light events for others. They may be carried out at any time, or not at all.
    pub lights: Vec<Light>,
    /// Whether this device is in use, for those who may see it.
    pub announcement: Option<Box<Announcement>>,
    /// Which light events shall come.
    pub watch: Option<Watch>,
}

/// See `Hello` in `frame.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// Wire version the client speaks.
    pub version: u32,
    /// Larger on every connection; persisted by the device before it is sent.
    pub lease: u64,
    /// Mailbox entries up to this sequence number are durably stored on the device.
    pub stored: u64,
}

/// See `Stored` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The device has committed every entry up to this sequence number.
    pub up_to: u64,
    /// Sequence numbers among them that could not be decrypted: they earn no delivery receipt.
    pub undecryptable: Vec<u64>,
}

/// One message to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Names the message for good.
    pub id: MessageId,
    /// Recipient.
    pub to: AccountId,
    /// One for each of the recipient's devices, as far as the sender knows them.
    pub copies: Vec<Copy>,
    /// No delivery receipt is wanted.
    pub silent: bool,
    /// Raised when the same message is encrypted anew after a retry request.
    pub attempt: u32,
    /// Devices whose copies travel in other parts of this message, with their registration ids.
    pub others: Vec<(DeviceId, u16)>,
    /// Files that it refers to, at most [`MAX_FILES_PER_SEND`].
    pub files: Vec<FileId>,
}

/// One message to all devices of all members of a group, or a change of the group. See `GroupSend` in
/// `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSend {
    /// Names the message for good.
    pub id: MessageId,
    /// To whom.
    pub group: GroupId,
    /// Changes of the group that the sender has seen.
    pub epoch: u64,
    /// [`crate::group::view_digest`] of the sender's view of all members' devices. Not compared for changes.
    pub view: [u8; 32],
    /// Sender-key message, at most [`crate::limits::MAX_CIPHERTEXT_BYTES`].
    pub ciphertext: Bytes,
    /// No delivery receipt is wanted.
    pub silent: bool,
    /// Raised when a restored copy of the device sends its outbox again.
    pub attempt: u32,
    /// The message is a change of the group.
    pub change: Option<PublicChange>,
    /// Files that it refers to, at most [`MAX_FILES_PER_SEND`].
    pub files: Vec<FileId>,
}

/// A message encrypted for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Which device.
    pub device: DeviceId,
    /// Its registration id as the sender knows it, 14 bits.
    pub registration_id: u16,
    /// How to read the ciphertext.
    pub kind: EnvelopeKind,
    /// At most [`crate::limits::MAX_CIPHERTEXT_BYTES`].
    pub ciphertext: Bytes,
}

/// Something that wants an answer of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Echoed in the response.
    pub id: u32,
    /// What is wanted.
    pub what: RequestBody,
}

/// The kinds of request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// Make an account.
    Register(Box<Register>),
    /// Which account has this username? Not parsed here: a bad username deserves a reject that says so.
    FindAccount(String),
    /// Take a prekey bundle for each of these devices of the account, or for every device if none is named.
    FetchBundles(AccountId, Vec<DeviceId>),
    /// Put prekeys on the server.
    PublishPrekeys(Box<PrekeyUpload>),
    /// Which devices does the account have?
    FetchDevices(AccountId),
    /// The primary has signed another device list.
    PublishDeviceList(SignedDeviceList),
    /// Cut a device of the own account off.
    RemoveDevice(DeviceId),
    /// A new device offers itself; encoded [`crate::devices::LinkOffer`].
    OfferLink(LinkReference, Bytes),
    /// What was offered under this reference?
    FetchLink(LinkReference),
    /// The primary approves an offer.
    ApproveLink(Box<ApproveLink>),
    /// The new device accepts.
    CompleteLink(Box<CompleteLink>),
    /// Which members handle requests to join this group?
    FindGroup(GroupId, GroupToken),
    /// How many changes has this group of the own account seen?
    FetchGroupEpoch(GroupId),
    /// Which alias has this account?
    FindUsername(AccountId),
    /// Blinded addresses; see [`crate::directory`]. 1 to [`crate::limits::MAX_ADDRESSES_PER_REQUEST`].
    EvaluateAddresses(Vec<Element>),
    /// What stands in this bucket of the directory?
    FetchBucket(u32),
    /// Whether the own account is found by its addresses, and from now on if that is said.
    Findable(Option<bool>),
    /// The operator has vouched for an address.
    RedeemAddress(AddressCode),
    /// About files.
    File(FileRequest),
}

/// See `ApproveLink` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveLink {
    /// Which offer.
    pub reference: LinkReference,
    /// Includes the new device.
    pub list: SignedDeviceList,
    /// [`crate::devices::LinkGrant`], encrypted under the code's secret.
    pub sealed: Bytes,
}

/// See `CompleteLink` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteLink {
    /// Which offer.
    pub reference: LinkReference,
    /// 14 bits, as in the offer.
    pub registration_id: u16,
    /// By the new device's identity key over [`crate::devices::countersigned_bytes`].
    pub countersignature: [u8; SIGNATURE_BYTES],
    /// Its first prekeys; `signed` and `last_resort` must be there.
    pub prekeys: PrekeyUpload,
    /// The number that it was granted. Another one that was approved meanwhile is not what it countersigned.
    pub device: Option<DeviceId>,
}

/// See `Register` in `frame.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// What entitles to an account.
    pub invitation: InvitationToken,
    /// Wanted alias; checked by the server, so that a bad one gets a reject that says so.
    pub username: String,
    /// Identity key: 0x05 and the X25519 key.
    pub identity: [u8; PUBLIC_KEY_BYTES],
    /// 14 random bits that tell installations of a device apart.
    pub registration_id: u16,
    /// The first prekeys; `signed` and `last_resort` must be there.
    pub prekeys: PrekeyUpload,
    /// Version 1, with the first device only.
    pub list: SignedDeviceList,
}

impl ClientFrame {
    /// Protobuf bytes, to be sealed by the transport.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        pb::ClientFrame {
            send: self.sends.iter().map(Into::into).collect(),
            stored: self.stored.as_ref().map(|stored| pb::Stored {
                up_to: stored.up_to,
                undecryptable: stored.undecryptable.clone(),
            }),
            ping: self.ping.map(|nonce| pb::Ping { nonce }),
            hello: self.hello.map(|hello| pb::Hello {
                version: hello.version,
                lease: hello.lease,
                stored: hello.stored,
            }),
            request: self.requests.iter().map(Into::into).collect(),
            group_send: self.group_sends.iter().map(Into::into).collect(),
            light: self.lights.iter().map(Into::into).collect(),
            announcement: self.announcement.as_deref().map(Into::into),
            watch: self.watch.as_ref().map(Into::into),
        }
        .encode_to_vec()
    }

    /// Reads the plaintext of one frame.
    ///
    /// # Errors
    /// [`Malformed`] names the first part that breaks the schema or a limit.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let frame: pb::ClientFrame = decode_bounded(bytes, CLIENT_FRAME, "ClientFrame")?;
        Ok(Self {
            hello: frame.hello.map(|hello| Hello {
                version: hello.version,
                lease: hello.lease,
                stored: hello.stored,
            }),
            stored: frame.stored.map(Into::into),
            sends: frame.send.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            group_sends: frame.group_send.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            requests: frame.request.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            ping: frame.ping.map(|ping| ping.nonce),
            lights: frame.light.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            announcement: frame.announcement.map(|what| what.try_into().map(Box::new)).transpose()?,
            watch: frame.watch.map(TryInto::try_into).transpose()?,
        })
    }

    /// Nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Something light is said.
    #[must_use]
    pub fn has_light(&self) -> bool {
        !self.lights.is_empty() || self.announcement.is_some() || self.watch.is_some()
    }
}

impl Send {
    /// Bytes this message takes in a frame, tag and length included. Senders fill frames by it.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        let body = pb::Send::from(self).encoded_len();
        1 + prost::length_delimiter_len(body) + body
    }

    /// Whether the message alone would fit into a frame.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.encoded_bytes() <= MAX_PLAINTEXT_BYTES - 64
    }
}

impl From<pb::Stored> for Stored {
    fn from(stored: pb::Stored) -> Self {
        Self { up_to: stored.up_to, undecryptable: stored.undecryptable }
    }
}

impl From<&Send> for pb::Send {
    fn from(send: &Send) -> Self {
        Self {
            id: send.id.0,
            to: Bytes::copy_from_slice(&send.to.0),
            copy: send.copies.iter().map(Into::into).collect(),
            silent: send.silent,
            attempt: send.attempt,
            other: send
                .others
                .iter()
                .map(|(device, registration_id)| pb::Target {
                    device: device.to_pb(),
                    registration: (*registration_id).into(),
                })
                .collect(),
            files: file::put_ids(&send.files),
        }
    }
}

impl GroupSend {
    /// Bytes this message takes in a frame, tag and length included. Senders fill frames by it.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        let body = pb::GroupSend::from(self).encoded_len();
        1 + prost::length_delimiter_len(body) + body
    }

    /// Whether the message alone would fit into a frame.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.encoded_bytes() <= MAX_PLAINTEXT_BYTES - 64
    }
}

impl From<&GroupSend> for pb::GroupSend {
    fn from(send: &GroupSend) -> Self {
        Self {
            id: send.id.0,
            group: Bytes::copy_from_slice(&send.group.0),
            epoch: send.epoch,
            view: Bytes::copy_from_slice(&send.view),
            ciphertext: send.ciphertext.clone(),
            silent: send.silent,
            attempt: send.attempt,
            change: send.change.as_ref().map(Into::into),
            files: file::put_ids(&send.files),
        }
    }
}

impl TryFrom<pb::GroupSend> for GroupSend {
    type Error = Malformed;

    fn try_from(send: pb::GroupSend) -> Result<Self, Malformed> {
        Ok(Self {
            id: MessageId(send.id),
            group: GroupId::parse(&send.group, "GroupSend.group")?,
            epoch: send.epoch,
            view: fixed(&send.view, "GroupSend.view")?,
            ciphertext: ciphertext(send.ciphertext)?,
            silent: send.silent,
            attempt: send.attempt,
            change: send.change.map(TryInto::try_into).transpose()?,
            files: file::ids(&send.files, MAX_FILES_PER_SEND, "GroupSend.files")?,
        })
    }
}

impl TryFrom<pb::Send> for Send {
    type Error = Malformed;

    fn try_from(send: pb::Send) -> Result<Self, Malformed> {
        Ok(Self {
            id: MessageId(send.id),
            to: AccountId::parse(&send.to, "Send.to")?,
            copies: send.copy.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            silent: send.silent,
            attempt: send.attempt,
            others: send.other.into_iter().map(target).collect::<Result<_, _>>()?,
            files: file::ids(&send.files, MAX_FILES_PER_SEND, "Send.files")?,
        })
    }
}

fn target(target: pb::Target) -> Result<(DeviceId, u16), Malformed> {
    let device = DeviceId::from_pb(target.device, "Target.device")?;
    Ok((device, registration_id(target.registration)?))
}

impl From<&Copy> for pb::Copy {
    fn from(copy: &Copy) -> Self {
        Self {
            device: copy.device.to_pb(),
            registration: copy.registration_id.into(),
            kind: copy.kind.to_pb(),
            ciphertext: copy.ciphertext.clone(),
        }
    }
}

impl TryFrom<pb::Copy> for Copy {
    type Error = Malformed;

    fn try_from(copy: pb::Copy) -> Result<Self, Malformed> {
        Ok(Self {
            device: DeviceId::from_pb(copy.device, "Copy.device")?,
            registration_id: registration_id(copy.registration)?,
            kind: EnvelopeKind::from_pb(copy.kind)?,
            ciphertext: ciphertext(copy.ciphertext)?,
        })
    }
}

impl From<&Request> for pb::Request {
    fn from(request: &Request) -> Self {
        let what = match &request.what {
            RequestBody::Register(register) => pb::request::What::Register(pb::Register {
                invitation: Bytes::copy_from_slice(&register.invitation.0),
                username: register.username.clone(),
                identity: Bytes::copy_from_slice(&register.identity),
                registration: register.registration_id.into(),
                prekeys: Some((&register.prekeys).into()),
                list: Some((&register.list).into()),
            }),
            RequestBody::FindAccount(username) => {
                pb::request::What::FindAccount(pb::FindAccount { username: username.clone() })
            }
            RequestBody::FetchBundles(account, devices) => {
                pb::request::What::FetchBundles(pb::FetchBundles {
                    account: Bytes::copy_from_slice(&account.0),
                    device: devices.iter().map(|device| device.number().into()).collect(),
                })
            }
            RequestBody::PublishPrekeys(upload) => pb::request::What::PublishPrekeys((&**upload).into()),
            RequestBody::FetchDevices(account) => pb::request::What::FetchDevices(pb::FetchDevices {
                account: Bytes::copy_from_slice(&account.0),
            }),
            RequestBody::PublishDeviceList(list) => {
                pb::request::What::PublishDeviceList(pb::PublishDeviceList { list: Some(list.into()) })
            }
            RequestBody::RemoveDevice(device) => {
                pb::request::What::RemoveDevice(pb::RemoveDevice { device: device.number().into() })
            }
            RequestBody::OfferLink(reference, offer) => pb::request::What::OfferLink(pb::OfferLink {
                reference: Bytes::copy_from_slice(&reference.0),
                offer: offer.clone(),
            }),
            RequestBody::FetchLink(reference) => pb::request::What::FetchLink(pb::FetchLink {
                reference: Bytes::copy_from_slice(&reference.0),
            }),
            RequestBody::ApproveLink(approve) => pb::request::What::ApproveLink(pb::ApproveLink {
                reference: Bytes::copy_from_slice(&approve.reference.0),
                list: Some((&approve.list).into()),
                sealed: approve.sealed.clone(),
            }),
            RequestBody::CompleteLink(complete) => pb::request::What::CompleteLink(pb::CompleteLink {
                reference: Bytes::copy_from_slice(&complete.reference.0),
                registration: complete.registration_id.into(),
                countersignature: Bytes::copy_from_slice(&complete.countersignature),
                prekeys: Some((&complete.prekeys).into()),
                device: complete.device.map_or(0, |device| device.number().into()),
            }),
            RequestBody::FindGroup(group, token) => pb::request::What::FindGroup(pb::FindGroup {
                group: Bytes::copy_from_slice(&group.0),
                token: Bytes::copy_from_slice(&token.0),
            }),
            RequestBody::FetchGroupEpoch(group) => pb::request::What::FetchGroupEpoch(pb::FetchGroupEpoch {
                group: Bytes::copy_from_slice(&group.0),
            }),
            RequestBody::FindUsername(account) => pb::request::What::FindUsername(pb::FindUsername {
                account: Bytes::copy_from_slice(&account.0),
            }),
            RequestBody::EvaluateAddresses(blinded) => {
                pb::request::What::EvaluateAddresses(pb::EvaluateAddresses {
                    blinded: blinded.concat().into(),
                })
            }
            RequestBody::FetchBucket(bucket) => {
                pb::request::What::FetchBucket(pb::FetchBucket { bucket: *bucket })
            }
            RequestBody::Findable(set) => pb::request::What::Findable(pb::Findable { set: *set }),
            RequestBody::RedeemAddress(code) => {
                pb::request::What::RedeemAddress(pb::RedeemAddress { code: Bytes::copy_from_slice(&code.0) })
            }
            RequestBody::File(request) => request.into(),
        };
        Self { id: request.id, what: Some(what) }
    }
}

impl TryFrom<pb::Request> for Request {
    type Error = Malformed;

    fn try_from(request: pb::Request) -> Result<Self, Malformed> {
        use pb::request::What;
        let what = match request.what.ok_or(Malformed::new("Request.what"))? {
            pb::request::What::Register(register) => RequestBody::Register(Box::new(register.try_into()?)),
            pb::request::What::FindAccount(find) => {
                if find.username.len() > 256 {
                    return Err(Malformed::new("FindAccount.username"));
                }
                RequestBody::FindAccount(find.username)
            }
            pb::request::What::FetchBundles(fetch) => {
                let devices = fetch.device.iter().map(|n| DeviceId::parse(*n, "FetchBundles.device"));
                let devices = devices.collect::<Result<_, _>>()?;
                RequestBody::FetchBundles(AccountId::parse(&fetch.account, "FetchBundles.account")?, devices)
            }
            pb::request::What::PublishPrekeys(upload) => {
                RequestBody::PublishPrekeys(Box::new(upload.try_into()?))
            }
            pb::request::What::FetchDevices(fetch) => {
                RequestBody::FetchDevices(AccountId::parse(&fetch.account, "FetchDevices.account")?)
            }
            pb::request::What::PublishDeviceList(publish) => {
                let list = publish.list.ok_or(Malformed::new("PublishDeviceList.list"))?;
                RequestBody::PublishDeviceList(list.try_into()?)
            }
            pb::request::What::RemoveDevice(remove) => {
                RequestBody::RemoveDevice(DeviceId::parse(remove.device, "RemoveDevice.device")?)
            }
            pb::request::What::OfferLink(offer) => RequestBody::OfferLink(
                reference(&offer.reference)?,
                at_most(offer.offer, MAX_LINK_OFFER_BYTES, "OfferLink.offer")?,
            ),
            pb::request::What::FetchLink(fetch) => RequestBody::FetchLink(reference(&fetch.reference)?),
            pb::request::What::ApproveLink(approve) => {
                let list = approve.list.ok_or(Malformed::new("ApproveLink.list"))?;
                RequestBody::ApproveLink(Box::new(ApproveLink {
                    reference: reference(&approve.reference)?,
                    list: list.try_into()?,
                    sealed: at_most(approve.sealed, MAX_LINK_GRANT_BYTES, "ApproveLink.sealed")?,
                }))
            }
            pb::request::What::CompleteLink(complete) => {
                let prekeys = complete.prekeys.ok_or(Malformed::new("CompleteLink.prekeys"))?;
                RequestBody::CompleteLink(Box::new(CompleteLink {
                    reference: reference(&complete.reference)?,
                    registration_id: registration_id(complete.registration)?,
                    countersignature: fixed(&complete.countersignature, "CompleteLink.countersignature")?,
                    prekeys: prekeys.try_into()?,
                    device: match complete.device {
                        0 => None,
                        device => Some(DeviceId::parse(device, "CompleteLink.device")?),
                    },
                }))
            }
            pb::request::What::FindGroup(find) => RequestBody::FindGroup(
                GroupId::parse(&find.group, "FindGroup.group")?,
                GroupToken(fixed(&find.token, "FindGroup.token")?),
            ),
            pb::request::What::FetchGroupEpoch(fetch) => {
                RequestBody::FetchGroupEpoch(GroupId::parse(&fetch.group, "FetchGroupEpoch.group")?)
            }
            pb::request::What::FindUsername(find) => {
                RequestBody::FindUsername(AccountId::parse(&find.account, "FindUsername.account")?)
            }
            pb::request::What::EvaluateAddresses(evaluate) => {
                let most = MAX_ADDRESSES_PER_REQUEST * ELEMENT_BYTES;
                let blinded = elements(&evaluate.blinded, most, "EvaluateAddresses.blinded")?;
                RequestBody::EvaluateAddresses(blinded)
            }
            pb::request::What::FetchBucket(fetch) => RequestBody::FetchBucket(fetch.bucket),
            pb::request::What::Findable(findable) => RequestBody::Findable(findable.set),
            pb::request::What::RedeemAddress(redeem) => {
                RequestBody::RedeemAddress(AddressCode(fixed(&redeem.code, "RedeemAddress.code")?))
            }
            What::RequestUpload(request) => RequestBody::File(request.try_into()?),
            What::RequestSegments(request) => RequestBody::File(request.try_into()?),
            What::FinishUpload(request) => RequestBody::File(request.try_into()?),
            What::RequestDownload(request) => RequestBody::File(request.try_into()?),
            What::FetchedFiles(request) => RequestBody::File(request.try_into()?),
        };
        Ok(Self { id: request.id, what })
    }
}

fn reference(bytes: &[u8]) -> Result<LinkReference, Malformed> {
    fixed(bytes, "link reference").map(LinkReference)
}

impl TryFrom<pb::Register> for Register {
    type Error = Malformed;

    fn try_from(register: pb::Register) -> Result<Self, Malformed> {
        if register.username.len() > 256 {
            return Err(Malformed::new("Register.username"));
        }
        Ok(Self {
            invitation: InvitationToken(fixed(&register.invitation, "Register.invitation")?),
            username: register.username,
            identity: fixed(&register.identity, "Register.identity")?,
            registration_id: registration_id(register.registration)?,
            prekeys: register.prekeys.ok_or(Malformed::new("Register.prekeys"))?.try_into()?,
            list: register.list.ok_or(Malformed::new("Register.list"))?.try_into()?,
        })
    }
}
