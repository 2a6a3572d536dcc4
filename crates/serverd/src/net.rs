//! The network: I/O threads, each an epoll loop over the connections it owns.
//!
//! A connection that is silent holds its socket, its keys and a few numbers; no buffer. What is read goes
//! through one buffer per thread, what is written is put together in another, and only what the kernel does
//! not take is kept with the connection.

mod admission;
mod conn;
mod draft;
mod http;
mod read;
mod round;
mod socket;
mod table;
mod websocket;
mod write;

pub use admission::Admission;
pub use http::{BUSY, Whose, whose};
pub use round::{IoSettings, IoThread, Shared, WAKE};
pub use socket::listen;
