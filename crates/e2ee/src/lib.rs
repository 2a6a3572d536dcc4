//! The Signal Protocol, compatible byte for byte with the official library, and pure: no clock, no
//! entropy, no environment, no threads, no globals. Callers pass a random generator and times in
//! milliseconds, store the records, and decide which identities to trust.
//!
//! | module | what | source |
//! |---|---|---|
//! | [`keys`](PublicKey) | X25519 keys, XEdDSA signatures | RFC 7748; XEdDSA |
//! | [`prekeys`](PreKeyBundle) | what a device publishes | PQXDH, section 3.2 |
//! | [`session`](Session) | two-party sessions | PQXDH; Double Ratchet with the Triple Ratchet; Sesame |
//! | `pqr` | the post-quantum ratchet inside sessions | ML-KEM Braid; Sparse Post-Quantum Ratchet |
//! | [`sender_key`] | group messages | the sender keys of Signal groups, version 3 |
//! | [`safety_number`] | comparing identities | Signal's numeric fingerprint |
//! | [`padding`] | hiding lengths | Padmé |
//! | [`attachment`] | files, in chunks that can be read by themselves | STREAM |
//! | [`linking`] | what a linking code protects | `devices.proto` of `wire` |
//! | [`light`] | typing and presence | `content.proto` of `wire` |
//!
//! A call that fails leaves the state it was given exactly as before. Persist a changed record
//! before anything that was made with it leaves the device, and never go back to an older one:
//! a chain key that is used twice encrypts two plaintexts.

#![forbid(unsafe_code)]

mod address;
pub mod attachment;
mod error;
mod kdf;
mod kem;
mod keys;
pub mod light;
pub mod limits;
pub mod linking;
mod message;
pub mod padding;
mod pqr;
mod prekeys;
mod protobuf;
mod record;
pub mod safety_number;
mod sealed;
pub mod sender_key;
mod session;
mod xeddsa;

pub use address::Address;
pub use error::Error;
pub use keys::{IdentityKeyPair, KeyPair, PUBLIC_KEY_BYTES, PrivateKey, PublicKey, SIGNATURE_BYTES};
pub use prekeys::{KyberPreKey, OneTimePreKey, PreKeyBundle, PreKeys, SignedPreKey};
pub use session::{
    Ciphertext, Local, PreKeyHeader, Session, UsedPreKeys, decrypt_prekey, decrypt_whisper, encrypt,
    initiate, peek_prekey,
};
