//! What a client says to its server.

use bytes::Bytes;
use prost::Message;

use crate::error::Malformed;
use crate::id::{AccountId, DeviceId, MessageId};
use crate::invitation::InvitationToken;
use crate::limits::{MAX_PLAINTEXT_BYTES, PUBLIC_KEY_BYTES};
use crate::pb::frame as pb;
use crate::scan::CLIENT_FRAME;
use crate::shared::{EnvelopeKind, PrekeyUpload, ciphertext, decode_bounded, fixed, registration_id};

/// One frame up. What stands in it is carried out in the order of the fields here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientFrame {
    /// Who is talking; the first frame of a registered device.
    pub hello: Option<Hello>,
    /// Cumulative acknowledgement of mailbox entries.
    pub stored: Option<Stored>,
    /// Messages, in the sender's order.
    pub sends: Vec<Send>,
    /// Everything that wants an answer of its own.
    pub requests: Vec<Request>,
    /// Keep-alive; the server echoes the nonce.
    pub ping: Option<u32>,
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
    /// Take a prekey bundle for every device of the account.
    FetchBundles(AccountId),
    /// Put prekeys on the server.
    PublishPrekeys(Box<PrekeyUpload>),
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
            requests: frame.request.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            ping: frame.ping.map(|ping| ping.nonce),
        })
    }

    /// Nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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
        }
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
        })
    }
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
            }),
            RequestBody::FindAccount(username) => {
                pb::request::What::FindAccount(pb::FindAccount { username: username.clone() })
            }
            RequestBody::FetchBundles(account) => pb::request::What::FetchBundles(pb::FetchBundles {
                account: Bytes::copy_from_slice(&account.0),
            }),
            RequestBody::PublishPrekeys(upload) => pb::request::What::PublishPrekeys((&**upload).into()),
        };
        Self { id: request.id, what: Some(what) }
    }
}

impl TryFrom<pb::Request> for Request {
    type Error = Malformed;

    fn try_from(request: pb::Request) -> Result<Self, Malformed> {
        let what = match request.what.ok_or(Malformed::new("Request.what"))? {
            pb::request::What::Register(register) => RequestBody::Register(Box::new(register.try_into()?)),
            pb::request::What::FindAccount(find) => {
                if find.username.len() > 256 {
                    return Err(Malformed::new("FindAccount.username"));
                }
                RequestBody::FindAccount(find.username)
            }
            pb::request::What::FetchBundles(fetch) => {
                RequestBody::FetchBundles(AccountId::parse(&fetch.account, "FetchBundles.account")?)
            }
            pb::request::What::PublishPrekeys(upload) => {
                RequestBody::PublishPrekeys(Box::new(upload.try_into()?))
            }
        };
        Ok(Self { id: request.id, what })
    }
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
        })
    }
}
