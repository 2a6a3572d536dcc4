//! What the worker of the web app (`ui/src/worker`) calls: the client shell, compiled to WebAssembly. Everything that
//! crosses is text: JSON as [`waxwing_app::api`] defines it.
//!
//! On other targets this crate is empty.

#[cfg(target_family = "wasm")]
mod worker;
