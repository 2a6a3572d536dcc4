//! The client shell: what stands between the pure client core and the world. It owns the profile's folder,
//! its encrypted database, the connection to the server and the clock, and decides nothing about messages.
//!
//! [`App::open`] starts a thread that turns the core's loop: one input, one step, one commit, then its
//! effects. Front ends talk to it by [`api`] alone, which is serialisable, so that a terminal, a daemon and
//! a browser tab use the same interface.

pub mod api;
mod app;
pub mod cloud;
mod engine;
mod key;
pub mod limits;
#[doc(hidden)]
pub mod measure;
mod media;
mod net;
pub mod preview;
mod profile;
mod search;
pub mod sound;
mod store;

pub use app::App;
pub use crossbeam_channel as channel;
pub use key::{KeyChoice, KeyError, Protection};
pub use profile::{OpenError, ProfileOptions, exists, protection};
pub use store::{Indexing, StoreError};

/// What reads files that may come from strangers, besides [`sound`]: for those who feed it whatever comes to their mind.
#[doc(hidden)]
pub mod parsers {
    pub use crate::media::animation::{clean, sticker};
    pub use crate::media::film::{mp4, webm};
    pub use crate::media::pdf::pages;
    pub use crate::media::photo::photo;
}
