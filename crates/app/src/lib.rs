//! The client shell: what stands between the pure client core and the world. It owns the profile's folder,
//! its encrypted database, the connection to the server and the clock, and decides nothing about messages.
//!
//! [`App::open`] starts a thread that turns the core's loop: one input, one step, one commit, then its
//! effects. Front ends talk to it by [`api`] alone, which is serialisable, so that a terminal, a daemon and
//! a browser tab use the same interface.

pub mod api;
#[cfg(not(target_family = "wasm"))]
mod app;
#[cfg(target_family = "wasm")]
pub mod browser;
pub mod cloud;
mod engine;
mod key;
pub mod limits;
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub mod measure;
mod media;
mod net;
#[cfg(not(target_family = "wasm"))]
pub mod preview;
mod profile;
mod search;
#[cfg(not(target_family = "wasm"))]
pub mod sound;
mod store;

#[cfg(not(target_family = "wasm"))]
pub use app::App;
pub use crossbeam_channel as channel;
pub use key::Protection;
#[cfg(not(target_family = "wasm"))]
pub use key::{KeyChoice, KeyError};
pub use profile::OpenError;
#[cfg(not(target_family = "wasm"))]
pub use profile::{ProfileOptions, exists, protection};
pub use store::{Indexing, StoreError};

/// What reads files that may come from strangers, besides [`sound`]: for those who feed it whatever comes to their mind.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub mod parsers {
    pub use crate::media::animation::{clean, sticker};
    pub use crate::media::film::{mp4, ogg, webm};
    pub use crate::media::pdf::pages;
    pub use crate::media::photo::photo;
}
