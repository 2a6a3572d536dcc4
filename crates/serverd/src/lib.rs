//! `waxwingd`: the shell around the server core.
//!
//! - [`net`]: I/O threads. They own the sockets, do the handshakes, decrypt and encrypt, and cut frames.
//! - [`engine`]: one thread that decides, commits and carries out. It owns the store and all state of
//!   devices.
//! - [`media`]: files over HTTP.
//! - [`web`]: the web app, out of the binary.
//! - `visitor`: threads for connections that either goes over.
//! - [`store`]: the embedded engine behind the core's `Store` trait.
//! - [`serve`], [`admin`], [`metrics`], [`cli`], [`config`]: the process around them.
//!
//! Threads talk in batches through bounded queues ([`queue`], [`message`]); all bounds stand in [`limits`].
//! A panic anywhere ends the process: half a server would be worse than none, for what is acknowledged is
//! on disk.

pub mod admin;
pub mod cli;
pub mod config;
pub mod engine;
pub mod fail_stop;
pub mod identity;
pub mod limits;
pub mod media;
pub mod message;
pub mod metrics;
pub mod net;
pub mod queue;
pub mod serve;
pub mod stats;
pub mod store;
mod visitor;
pub mod web;
