//! Every byte of Waxwing that crosses a trust boundary.
//!
//! - [`handshake`] and [`transport`]: the Noise handshake of both roles and the encrypted stream after it;
//! - [`frame`]: how that stream is cut into frames;
//! - [`client_frame`] and [`server_frame`]: what the frames say, parsed once into checked types;
//! - [`content`]: what devices say to each other inside envelopes;
//! - [`light`]: what nobody keeps: who types, who is there;
//! - [`devices`] and [`group`]: what devices of an account, and members of a group, sign;
//! - [`file`]: how files are uploaded, referred to and fetched;
//! - [`directory`]: how contacts are looked up without telling whom one looks for;
//! - [`id`], [`invitation`], [`limits`]: names and bounds that all of it shares.
//!
//! The schemas stand in `proto/`. Every decoder here is total: any bytes give a value or a [`Malformed`],
//! in memory bounded by [`limits::MAX_DECODE_BYTES`].

pub mod attachment;
pub mod client_frame;
pub mod content;
pub mod devices;
pub mod directory;
pub mod file;
pub mod frame;
pub mod group;
pub mod handshake;
pub mod id;
pub mod invitation;
pub mod light;
pub mod limits;
pub mod post;
pub mod profile;
pub mod server_frame;
pub mod transport;

mod error;
mod pb;
mod scan;
mod shared;

pub use bytes::Bytes;
pub use error::{Malformed, Reject, RejectCode};
pub use group::GroupId;
pub use id::{AccountId, DeviceAddress, DeviceId, DeviceKey, FileId, MessageId, Username};
pub use shared::{EnvelopeKind, KyberPrekey, OneTimePrekey, PrekeyUpload, PrekeysLeft, SignedPrekey};

/// The wire version this build speaks. See the version policy in `proto/frame.proto`.
pub const WIRE_VERSION: u32 = 1;

#[cfg(test)]
mod tests;
